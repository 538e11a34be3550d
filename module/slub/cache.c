// SPDX-License-Identifier: GPL-2.0-only
/*
 * One slab cache in numbers, from SLUB's structures.
 *
 * Locks: the caller of memdiag_slab_cache_read() holds slab_mutex (taken by the
 * borrowed ->start()), which keeps the caches, their nodes and barns in place.
 * Inside it, one node's list_lock at a time, irqs off, as in get_slabinfo().
 * The other functions take no lock and only peek.
 *
 * Bounded: at most 10000 slabs of one partial list are looked at under its
 * lock.
 *
 * Stale: the counters of a node are read one after the other while slabs come
 * and go. slab->inuse of a slab on a partial list changes without the lock, as
 * it does under the kernel's own count_partial(). The per-cpu slabs are read
 * without a lock, as show_slab_objects() does; struct slab is a struct page, so
 * what is read may be old but is always there. Sheaves are other caches'
 * objects and may be freed while they are read, so they are only peeked at.
 *
 * Skipped: objects that wait for RCU. They are freed, but not free yet, and
 * count as in use on every kernel, whether they wait in a sheaf or not.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../compat/slab.h"
#include "../memdiag.h"
#include "slub.h"

/*
 * Slabs of one partial list to look at under its lock, as in the kernel's own
 * count_partial_free_approx(): a list of a million once tripped the watchdog.
 */
#define SLAB_MAX_SCAN		10000

/* MAX_FULL_SHEAVES: a barn that holds so many takes no more. */
#define SLAB_MAX_FULL_SHEAVES	10

#ifdef MEMDIAG_HAVE_SHEAVES
#define SLAB_HAS_SHEAVES	!IS_ENABLED(CONFIG_SLUB_TINY)
#else
#define SLAB_HAS_SHEAVES	false
#endif

static const void *slab_node_entry(const void *cache, int nid)
{
	enum memdiag_slab_member which = memdiag_slab_has(CACHE_NODE) ? CACHE_NODE :
					 CACHE_PER_NODE;
	u32 bits = memdiag_slab_members[which].bit_size;

	return memdiag_slab_at(cache, which) + nid * (bits / MAX_NUMNODES / BITS_PER_BYTE);
}

/**
 * memdiag_slab_node() - where a cache has its struct kmem_cache_node of a node
 * @cache: the struct kmem_cache
 * @nid: the node
 *
 * Return: the place of the pointer, which is NULL if the node has none.
 */
const void *memdiag_slab_node(const void *cache, int nid)
{
	const void *entry = slab_node_entry(cache, nid);

	return memdiag_slab_has(CACHE_NODE) ? entry : memdiag_slab_at(entry, PER_NODE_NODE);
}

static u64 slab_count_free(const struct list_head *entry)
{
	const void *slab = memdiag_slab_base(entry, SLAB_LIST);
	u64 objects = memdiag_slab_get(slab, SLAB_OBJECTS);
	u64 inuse = memdiag_slab_get(slab, SLAB_INUSE);

	return objects > inuse ? objects - inuse : 0;
}

/*
 * Free objects on one node's partial list. Returns them, and in @unseen how
 * many slabs were not looked at, for which it scaled the others up.
 */
static u64 slab_node_free(struct memdiag_sink *sink, const void *node,
			  u64 *nr_partial, u64 *unseen)
{
	spinlock_t *lock = (spinlock_t *)memdiag_slab_at(node, NODE_LIST_LOCK);
	const struct list_head *head = memdiag_slab_at(node, NODE_PARTIAL);
	const struct list_head *entry;
	unsigned long flags;
	u64 scanned = 0;
	u64 first;
	u64 free = 0;

	*unseen = 0;
	spin_lock_irqsave(lock, flags);
	if (sink)
		memdiag_lock_begin(sink);
	*nr_partial = memdiag_slab_get(node, NODE_NR_PARTIAL);
	first = *nr_partial > SLAB_MAX_SCAN ? SLAB_MAX_SCAN / 2 : SLAB_MAX_SCAN;
	for (entry = head->next; entry != head && scanned < first;
	     entry = entry->next, scanned++)
		free += slab_count_free(entry);
	if (*nr_partial > SLAB_MAX_SCAN) {
		for (entry = head->prev; entry != head && scanned < SLAB_MAX_SCAN;
		     entry = entry->prev, scanned++)
			free += slab_count_free(entry);
		*unseen = *nr_partial - scanned;
		if (scanned)
			free = div64_u64(free * *nr_partial, scanned);
	}
	if (sink)
		memdiag_lock_end(sink);
	spin_unlock_irqrestore(lock, flags);
	return free;
}

/*
 * At most so many objects that get_slabinfo() counts as in use are free: on a
 * CPU's current slab, whose free objects hang off the CPU, and on its partial
 * list. The first slab of that list counts the slabs of the list.
 */
static u64 slab_cpu_free(const void *cache, u64 objs_per_slab)
{
	void __percpu *cpu_slabs;
	u64 slabs = 0;
	int cpu;

	cpu_slabs = (void __percpu *)(unsigned long)memdiag_slab_get(cache, CACHE_CPU_SLAB);
	for_each_possible_cpu(cpu) {
		const void *c = per_cpu_ptr(cpu_slabs, cpu);
		const void *partial;
		s32 more;

		if (memdiag_slab_get(c, CPU_SLAB))
			slabs++;
		if (!memdiag_slab_has(CPU_PARTIAL))
			continue;
		partial = (const void *)(unsigned long)memdiag_slab_get(c, CPU_PARTIAL);
		if (!partial)
			continue;
		/* The slab may have left the list since: then this is garbage. */
		more = memdiag_slab_get(partial, SLAB_SLABS);
		slabs += clamp_t(s32, more, 1, MEMDIAG_SLAB_OO_MASK);
	}
	return slabs * objs_per_slab;
}

/*
 * Objects in a CPU's sheaf. The CPU may hand the sheaf on, empty or full, while
 * it is read: then it held at some moment what was read, or at most @capacity.
 */
static u64 slab_sheaf_size(const void *s, const void *sheaves, enum memdiag_slab_member which,
			   u64 capacity, unsigned int *unsure)
{
	u64 sheaf, again, cache, size;

	if (memdiag_slab_peek(sheaves, which, &sheaf)) {
		++*unsure;
		return capacity;
	}
	if (!sheaf)
		return 0;
	if (memdiag_slab_peek((const void *)(unsigned long)sheaf, SHEAF_SIZE, &size) ||
	    memdiag_slab_peek((const void *)(unsigned long)sheaf, SHEAF_CACHE, &cache) ||
	    memdiag_slab_peek(sheaves, which, &again) || again != sheaf ||
	    cache != (unsigned long)s || size > capacity) {
		++*unsure;
		return capacity;
	}
	return size;
}

/**
 * memdiag_slab_sheaf_objects() - free objects that wait in sheaves
 * @s: a cache that stays where it is, or that is looked at again afterwards
 * @unsure: in/out: counts the sheaves that moved while they were read, and so
 *	were taken for full
 *
 * The main and the spare sheaf of each CPU, and the full sheaves of each node's
 * barn. To SLUB and to slabinfo they are in use.
 *
 * Return: their number; MEMDIAG_ABSENT if this kernel has sheaves of which we do
 * not know where they are.
 */
u64 memdiag_slab_sheaf_objects(const void *s, unsigned int *unsure)
{
	u64 capacity, at, full, sum = 0;
	void __percpu *sheaves;
	int cpu, nid;

	if (memdiag_slab_peek(s, CACHE_SHEAF_CAPACITY, &capacity))
		return SLAB_HAS_SHEAVES ? MEMDIAG_ABSENT : 0;
	/* All CPUs share one that is never filled. */
	if (!capacity)
		return 0;
	if (memdiag_slab_peek(s, CACHE_CPU_SHEAVES, &at))
		return MEMDIAG_ABSENT;
	sheaves = (void __percpu *)(unsigned long)at;
	for_each_possible_cpu(cpu) {
		const void *of_cpu = per_cpu_ptr(sheaves, cpu);

		sum += slab_sheaf_size(s, of_cpu, SHEAVES_MAIN, capacity, unsure);
		sum += slab_sheaf_size(s, of_cpu, SHEAVES_SPARE, capacity, unsure);
	}
	for (nid = 0; nid < nr_node_ids; nid++) {
		full = SLAB_MAX_FULL_SHEAVES;
		if (memdiag_slab_has(CACHE_PER_NODE) &&
		    !memdiag_slab_peek(slab_node_entry(s, nid), PER_NODE_BARN, &at)) {
			if (!at)
				continue;
			if (memdiag_slab_peek((const void *)(unsigned long)at, BARN_NR_FULL,
					      &full) ||
			    full > SLAB_MAX_FULL_SHEAVES) {
				full = SLAB_MAX_FULL_SHEAVES;
				++*unsure;
			}
		} else {
			++*unsure;
		}
		sum += full * capacity;
	}
	return sum;
}

/* Objects that slabinfo counts as in use though they are free. */
static u64 slab_held_free(const void *s, u64 objs_per_slab)
{
	unsigned int unsure = 0;

	if (IS_ENABLED(CONFIG_SLUB_TINY))
		return 0;
	if (memdiag_slab_has(CACHE_CPU_SLAB) && memdiag_slab_has(CPU_SLAB))
		return slab_cpu_free(s, objs_per_slab);
	return SLAB_HAS_SHEAVES ? memdiag_slab_sheaf_objects(s, &unsure) : MEMDIAG_ABSENT;
}

/*
 * Memory of all slabs. Under memory pressure SLUB takes slabs of the smallest
 * order instead of the usual one; each has so many objects less, so the number
 * of objects tells how many of them there are.
 */
static u64 slab_bytes(const void *cache, const struct memdiag_slab_line *line)
{
	u32 min = memdiag_slab_get(cache, CACHE_MIN);
	u64 min_objs = min & MEMDIAG_SLAB_OO_MASK;
	u64 min_pages = 1ull << (min >> MEMDIAG_SLAB_OO_SHIFT);
	u64 usual = line->num_slabs * line->objs_per_slab;
	u64 pages = line->num_slabs * line->pages_per_slab;
	u64 small;

	if (usual > line->num_objs && min_objs < line->objs_per_slab) {
		small = div64_u64(usual - line->num_objs, line->objs_per_slab - min_objs);
		pages -= min(small, line->num_slabs) *
			 (line->pages_per_slab - min_pages);
	}
	return pages << PAGE_SHIFT;
}

/* A member of the cache; MEMDIAG_ABSENT if there is no such thing. */
static u64 slab_value(const void *s, enum memdiag_slab_member which)
{
	u64 value;

	return memdiag_slab_peek(s, which, &value) ? MEMDIAG_ABSENT : value;
}

/**
 * memdiag_slab_cache_peek() - read what does not change while a cache lives
 * @s: the struct kmem_cache, which need not be one any more
 * @cache: out: those numbers, the others zero; its name is not read, only where
 *	it is
 *
 * Context: any.
 */
void memdiag_slab_cache_peek(const void *s, struct memdiag_slab_cache *cache)
{
	struct memdiag_slab_line *line = &cache->line;
	u32 oo = slab_value(s, CACHE_OO);

	memset(cache, 0, sizeof(*cache));
	line->name = (const char *)(unsigned long)slab_value(s, CACHE_NAME);
	line->objsize = slab_value(s, CACHE_SIZE);
	line->objs_per_slab = oo & MEMDIAG_SLAB_OO_MASK;
	line->pages_per_slab = 1ull << min(oo >> MEMDIAG_SLAB_OO_SHIFT, 31u);
	cache->object_size = slab_value(s, CACHE_OBJECT_SIZE);
	cache->flags = slab_value(s, CACHE_FLAGS);
	cache->refcount = (s32)slab_value(s, CACHE_REFCOUNT);
	cache->ctor = slab_value(s, CACHE_CTOR);
	cache->align = slab_value(s, CACHE_ALIGN);
	cache->min_partial = slab_value(s, CACHE_MIN_PARTIAL);
	cache->cpu_partial = slab_value(s, CACHE_CPU_PARTIAL);
	cache->cpu_partial_slabs = slab_value(s, CACHE_CPU_PARTIAL_SLABS);
	cache->sheaf_capacity = slab_value(s, CACHE_SHEAF_CAPACITY);
}

/**
 * memdiag_slab_cache_read() - read one cache from the kernel's structures
 * @sink: where to account how long a lock was held, or NULL
 * @entry: what the borrowed ->start() or ->next() returned
 * @cache: out: the numbers; its name is valid until ->stop()
 *
 * Context: slab_mutex is held; takes the nodes' list_lock, one at a time.
 */
void memdiag_slab_cache_read(struct memdiag_sink *sink, const void *entry,
			     struct memdiag_slab_cache *cache)
{
	const void *s = memdiag_slab_base(entry, CACHE_LIST);
	struct memdiag_slab_line *line = &cache->line;
	u64 free = 0, unseen_slabs = 0;
	u64 error;
	int nid;

	memdiag_slab_cache_peek(s, cache);
	for (nid = 0; nid < nr_node_ids; nid++) {
		/* Set before the cache is on the list; memory hotplug may add one. */
		const void *node = READ_ONCE(*(const void * const *)memdiag_slab_node(s, nid));
		u64 nr_partial, unseen;

		if (!node)
			continue;
		line->num_slabs += memdiag_slab_get(node, NODE_NR_SLABS);
		line->num_objs += memdiag_slab_get(node, NODE_TOTAL_OBJECTS);
		free += slab_node_free(sink, node, &nr_partial, &unseen);
		cache->nr_partial += nr_partial;
		unseen_slabs += unseen;
	}
	line->active_slabs = line->num_slabs;
	line->active_objs = line->num_objs - min(free, line->num_objs);

	error = slab_held_free(s, line->objs_per_slab);
	if (error != MEMDIAG_ABSENT)
		error = min(error, line->active_objs) +
			unseen_slabs * line->objs_per_slab;
	cache->active_objs_error = error;
	cache->bytes = slab_bytes(s, line);
}
