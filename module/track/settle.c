// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until what was freed before is free.
 *
 * In this order, as each may queue what the next waits for: callbacks of RCU; batches of
 * kfree_rcu(); callbacks once more; areas of vmalloc() that are unmapped lazily.
 *
 * kfree_rcu() collects for up to SETTLE_DRAIN before a batch waits for its grace period,
 * and a batch that is in the making is followed by another one. From v6.12 on
 * kmem_cache_destroy() waits for all of them, as objects of the cache may be among them,
 * so a cache of our own is destroyed. (kvfree_rcu_barrier(), which does it, is not for
 * modules any more in later kernels.) Before, there is no way to know: then it waits as
 * long as three such times, in which any batch of before has been handed on.
 *
 * Not waited for, from v7.0 on: objects that kfree_rcu() put into a sheaf of their cache and
 * CPU, which is handed on when it is full. kmem_cache_destroy() flushes those of the one
 * cache only, and nothing that a module may call flushes those of others.
 *
 * Queues of work are not flushed: which would have to be is not known, and flushing all
 * of them may wait for work that never ends.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "track.h"

#ifndef MEMDIAG_HAVE_KVFREE_RCU_BARRIER
/* KFREE_DRAIN_JIFFIES of kernel/rcu/tree.c; in v5.10 it is a fiftieth of a second. */
#define SETTLE_DRAIN	(5 * HZ)
#endif

static int settle_kfree_rcu(void)
{
#ifdef MEMDIAG_HAVE_KVFREE_RCU_BARRIER
	struct kmem_cache *cache = kmem_cache_create("memdiag_settle", 64, 0, 0, NULL);

	if (!cache)
		return -ENOMEM;
	kmem_cache_destroy(cache);
#else
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (schedule_timeout_killable(SETTLE_DRAIN))
			return -EINTR;
		rcu_barrier();
	}
#endif
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/**
 * memdiag_track_settle() - wait until what was freed is free
 * @waited_ns: out: time it took, nanoseconds
 *
 * Context: may sleep, for as long as 15 seconds.
 *
 * Return: 0, -EINTR on a fatal signal, -ENOMEM.
 */
int memdiag_track_settle(u64 *waited_ns)
{
	u64 start = ktime_get_ns();
	int error;

	rcu_barrier();
	error = fatal_signal_pending(current) ? -EINTR : settle_kfree_rcu();
	if (error)
		return error;
	rcu_barrier();
	vm_unmap_aliases();
	*waited_ns = ktime_get_ns() - start;
	return 0;
}
