// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until what was freed before is free.
 *
 * In this order, as each may queue what the next waits for: callbacks of RCU; batches of
 * kfree_rcu(); callbacks once more; areas of vmalloc() that are unmapped lazily.
 *
 * kfree_rcu() collects on each CPU before a batch waits for its grace period, and a batch
 * that is in the making is followed by another one. From v6.12 on kmem_cache_destroy()
 * waits for all of them, as objects of the cache may be among them, so a cache of our own
 * is destroyed. (kvfree_rcu_barrier(), which does it, is not for modules any more in later
 * kernels.) Before, there is no way to know. Then each CPU gets so many objects of ours
 * that it does not go on collecting, where that may last (5 s from v6.1 on), and is given
 * the time that it lasts otherwise. Three times: the two batches that it may have
 * on their way come first, then what was collected.
 *
 * Not waited for, from v7.0 on: objects that kfree_rcu() put into a sheaf of their cache and
 * CPU, which is handed on when it is full. kmem_cache_destroy() flushes those of the one
 * cache only, and nothing that a module may call flushes those of others.
 *
 * Queues of work are not flushed: which would have to be is not known, and flushing all
 * of them may wait for work that never ends.
 */
#include <linux/cpu.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "track.h"

#ifdef MEMDIAG_HAVE_KVFREE_RCU_BARRIER
/* There must not be two caches of one name. */
static DEFINE_MUTEX(settle_lock);

static int settle_kfree_rcu(void)
{
	struct kmem_cache *cache;

	if (mutex_lock_killable(&settle_lock))
		return -EINTR;
	cache = kmem_cache_create("memdiag_settle", 64, 0, 0, NULL);
	kmem_cache_destroy(cache);
	mutex_unlock(&settle_lock);
	return cache ? 0 : -ENOMEM;
}
#else
/* KFREE_DRAIN_JIFFIES of kernel/rcu/tree.c before v6.1, and since then of full batches. */
#define SETTLE_DRAIN	(HZ / 50 + 2)
/* No less than KVFREE_BULK_MAX_ENTR there: pointers to a page. */
#define SETTLE_FULL	(PAGE_SIZE / sizeof(void *))
#define SETTLE_ROUNDS	3

/**
 * struct settle_object - something to give to kfree_rcu()
 * @rcu: for it
 */
struct settle_object {
	struct rcu_head rcu;
};

static long settle_fill(void *arg)
{
	struct settle_object *object;
	unsigned int i;

	for (i = 0; i < SETTLE_FULL; i++) {
		object = kmalloc(sizeof(*object), MEMDIAG_GFP);
		if (!object)
			return -ENOMEM;
		kfree_rcu(object, rcu);
	}
	return 0;
}

/* Begins after whatever was queued on the CPU before. */
static long settle_nothing(void *arg)
{
	return 0;
}

static int settle_on_each_cpu(long (*function)(void *arg))
{
	unsigned int cpu;
	int error = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		error = error ?: work_on_cpu(cpu, function, NULL);
	cpus_read_unlock();
	return error;
}

static int settle_kfree_rcu(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < SETTLE_ROUNDS; i++) {
		error = settle_on_each_cpu(settle_fill);
		if (error)
			return error;
		if (schedule_timeout_killable(SETTLE_DRAIN))
			return -EINTR;
		rcu_barrier();
		settle_on_each_cpu(settle_nothing);
	}
	return 0;
}
#endif

/**
 * memdiag_track_settle() - wait until what was freed is free
 * @waited_ns: out: time it took, nanoseconds
 *
 * Context: may sleep, for some grace periods.
 *
 * Return: 0, -EINTR on a fatal signal, -ENOMEM.
 */
int memdiag_track_settle(u64 *waited_ns)
{
	u64 start = ktime_get_ns();
	int error;

	rcu_barrier();
	error = settle_kfree_rcu();
	if (!error && fatal_signal_pending(current))
		error = -EINTR;
	if (error)
		return error;
	rcu_barrier();
	vm_unmap_aliases();
	*waited_ns = ktime_get_ns() - start;
	return 0;
}
