// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until objects whose free was deferred are free.
 *
 * The order matters, for each step may queue work for the next: RCU callbacks, batches of
 * kfree_rcu(), RCU callbacks again, vmalloc areas that are unmapped lazily.
 *
 * kfree_rcu() collects objects per CPU before a batch waits for its grace period. From v6.12 on
 * kmem_cache_destroy() waits for all batches, as they may have objects of the cache. So a cache
 * of our own is destroyed. (kvfree_rcu_barrier() is no longer exported by later kernels.)
 *
 * Earlier kernels have no such wait. SETTLE_FULL objects end the collecting on a CPU, which may
 * else last 5 s (from v6.1 on); SETTLE_DRAIN is how long it lasts otherwise. A CPU may have two
 * batches under way before the objects just collected, hence SETTLE_ROUNDS.
 *
 * Not waited for, from v7.0 on: objects that kfree_rcu() put into a sheaf per cache and CPU,
 * until the sheaf is full. kmem_cache_destroy() flushes the sheaves of its own cache only, and
 * no exported function flushes those of other caches.
 *
 * Workqueues are not flushed: a work item need not end, and the queue to flush is not known.
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
/* Two caches of one name are not allowed. */
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
/* KFREE_DRAIN_JIFFIES of kernel/rcu/tree.c before v6.1; since v6.1 the delay of full batches. */
#define SETTLE_DRAIN	(HZ / 50 + 2)
/* At least KVFREE_BULK_MAX_ENTR of kernel/rcu/tree.c: pointers in a page. */
#define SETTLE_FULL	(PAGE_SIZE / sizeof(void *))
#define SETTLE_ROUNDS	3

/* An object for kfree_rcu(). */
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

/* Runs after the work that was queued on the CPU before. */
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
 * memdiag_track_settle() - wait until objects whose free was deferred are free
 * @waited_ns: out: duration, nanoseconds
 *
 * Context: may sleep, for several grace periods.
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
