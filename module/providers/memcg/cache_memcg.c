// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section cache_memcg: one record per slab cache, memory cgroup that its objects
 * are charged to, and removed cgroup that these were inherited from.
 *
 * Walks all page frames (census_walk.c), and of each slab the vector that the
 * kernel keeps beside it, with one obj_cgroup per object that is charged.
 *
 * When a cgroup is removed, what its objects are charged to goes to its parent,
 * so they no longer hold it. It stays for other reasons, a page of a file above
 * all; then it still knows which objects it once had (table.c), and they are
 * shown as "from" it. If it is gone, or on kernels before 6.7, they are from "?".
 *
 * Locks: none but RCU, held for the objects of one slab. Nothing is kept in
 * place: a slab may be freed while it is read, and its vector with it. So page,
 * cache and vector are copied as memory that may not be there. What was copied
 * counts only if afterwards the page is still a slab of that cache with that
 * vector: it is freed only when the slab is. An object that is in use in it has a
 * reference to its obj_cgroup, which is freed after RCU; and that one is not
 * believed either unless it leads to a cgroup of which we have a reference. An
 * address that is none of the kernel's map of memory is not read at all, nor is a
 * vector that would be longer than the memory it lies in. Where most of what is
 * found leads nowhere, vectors are laid out otherwise, and nothing is reported.
 *
 * Bounded: by the page frames there are; it reschedules, and looks for a fatal
 * signal, every 256 of them, and after each slab.
 *
 * Stale: each slab is as old as when the walk was there. What is charged to a
 * cgroup that was made since it began is not counted; then the section is partial.
 *
 * Skipped: large kmalloc(), percpu memory, vmalloc areas and page tables, which
 * are charged by page; objects in KFENCE's pool, where it has no vector. What is
 * charged to the root by way of no cgroup.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../../compat/memcontrol.h"
#include "../../compat/page_frame.h"
#include "../../memdiag.h"
#include "../ledger/census.h"
#include "memcg.h"
#include "../../slub/slub.h"
#include "../../readers/zones.h"

/* Slabs in one step of the walk, objects in a slab, and what to begin with. */
#define CACHE_MEMCG_HEADS	256
#define CACHE_MEMCG_OBJECTS	BIT(15)
#define CACHE_MEMCG_SLOTS	2048

struct cache_memcg_record {
	u64 cache;
	u64 id;
	u64 path;
	u64 state;
	u64 from_id;
	u64 from;
	u64 objs;
	u64 bytes;
	u64 slabs;
	u64 slab_bytes;
};

static const struct memdiag_field_desc cache_memcg_fields[] = {
	MEMDIAG_LABEL(cache_memcg_record, cache, STR, NONE, KEY_BRIEF,
		      "name of the cache, as in section slab"),
	MEMDIAG_LABEL(cache_memcg_record, id, U64, NONE, KEY,
		      "number of the cgroup the objects are charged to, as in section memcg"),
	MEMDIAG_LABEL(cache_memcg_record, path, STR, NONE, BRIEF, "its path"),
	MEMDIAG_LABEL(cache_memcg_record, state, STR, NONE, 0,
		      "its state: online, offline or dying"),
	MEMDIAG_LABEL(cache_memcg_record, from_id, U64, NONE, KEY,
		      "number of the removed cgroup it has them from; 0: not known; absent: they are its own"),
	MEMDIAG_LABEL(cache_memcg_record, from, STR, NONE, BRIEF,
		      "path of that one; ?: not known, it is gone or this kernel does not keep it"),
	MEMDIAG_GAUGE(cache_memcg_record, objs, U64, NONE, BRIEF, "objects charged"),
	MEMDIAG_GAUGE(cache_memcg_record, bytes, U64, BYTES, BRIEF,
		      "what is charged for them: size and one pointer each"),
	MEMDIAG_GAUGE(cache_memcg_record, slabs, U64, NONE, 0, "slabs with at least one of them"),
	MEMDIAG_GAUGE(cache_memcg_record, slab_bytes, U64, BYTES, BRIEF,
		      "memory of these slabs, which objects of other cgroups may share"),
};

#if MEMDIAG_HAVE_OBJCG

/**
 * struct cache_memcg_slot - what was found of a cache and a cgroup
 * @cache: the struct kmem_cache; NULL: a slot that is free
 * @memcg: number of the cgroup; MEMDIAG_MEMCG_NONE: the cache as such, its name
 *	and size
 * @from: number of the removed cgroup; of @memcg itself if they are its own
 * @last: slab that was counted last
 * @name: string: of the cache
 * @size: of an object with its metadata
 * @objs: objects
 * @slabs: slabs
 * @slab_bytes: their memory
 */
struct cache_memcg_slot {
	const void *cache;
	u32 memcg;
	u32 from;
	const struct page *last;
	union {
		u64 name;
		u64 objs;
	};
	union {
		u64 size;
		u64 slabs;
	};
	u64 slab_bytes;
};

struct cache_memcg_walk {
	struct memdiag_sink *sink;
	struct memdiag_memcgs *memcgs;
	struct cache_memcg_slot *slots;
	unsigned int nr_slots;
	unsigned int nr_used;
	/* The slabs of the step, and the vector of one of them. */
	const struct page *heads[CACHE_MEMCG_HEADS];
	unsigned int nr_heads;
	unsigned long *vector;
	/* Objects that are charged, and of these not to a cgroup that is known. */
	u64 objs;
	u64 strange;
};

static struct cache_memcg_slot *cache_memcg_find(struct cache_memcg_slot *slots,
						 unsigned int nr_slots, const void *cache,
						 u32 memcg, u32 from)
{
	unsigned int i = jhash_3words(hash_ptr((void *)cache, 32), memcg, from, 0);
	struct cache_memcg_slot *slot;

	for (;; i++) {
		slot = &slots[i & (nr_slots - 1)];
		if (!slot->cache || (slot->cache == cache && slot->memcg == memcg &&
				     slot->from == from))
			return slot;
	}
}

/* Room for @more, so that none has to be made under RCU. */
static int cache_memcg_room(struct cache_memcg_walk *walk, unsigned int more)
{
	unsigned int i, nr_slots = max_t(unsigned int, walk->nr_slots, CACHE_MEMCG_SLOTS);
	struct cache_memcg_slot *slots;

	while (walk->nr_used + more > nr_slots / 2)
		nr_slots *= 2;
	if (nr_slots == walk->nr_slots)
		return 0;
	slots = memdiag_alloc(nr_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < walk->nr_slots; i++) {
		const struct cache_memcg_slot *slot = &walk->slots[i];

		if (slot->cache)
			*cache_memcg_find(slots, nr_slots, slot->cache, slot->memcg,
					  slot->from) = *slot;
	}
	memdiag_free(walk->slots);
	walk->slots = slots;
	walk->nr_slots = nr_slots;
	return 0;
}

/* The slot of a cgroup, or of the cache as such; there is room. */
static struct cache_memcg_slot *cache_memcg_get(struct cache_memcg_walk *walk, const void *cache,
						u32 memcg, u32 from)
{
	struct cache_memcg_slot *slot = cache_memcg_find(walk->slots, walk->nr_slots, cache,
							 memcg, from);

	if (!slot->cache) {
		slot->cache = cache;
		slot->memcg = memcg;
		slot->from = from;
		walk->nr_used++;
	}
	return slot;
}

/* A slab, the address of its vector, and whether there is one. */
static bool cache_memcg_read(const struct page *page, struct memdiag_slab_page *slab,
			     unsigned long *vector)
{
	struct page copy;

	if (!memdiag_slab_page_read(page, slab) ||
	    copy_from_kernel_nofault(&copy, page, sizeof(copy)))
		return false;
	*vector = memdiag_slab_vector(memdiag_page_memcg_data(&copy));
	return *vector && virt_addr_valid((void *)*vector);
}

static bool cache_memcg_same(const struct page *page, const struct memdiag_slab_page *slab,
			     unsigned long vector)
{
	struct memdiag_slab_page again;
	unsigned long vector_again;

	return cache_memcg_read(page, &again, &vector_again) && vector_again == vector &&
	       again.cache == slab->cache && again.objects == slab->objects;
}

/* A cache that is met for the first time. Returns NULL if it may have gone. */
static const struct cache_memcg_slot *cache_memcg_cache(struct cache_memcg_walk *walk,
							const struct page *page,
							const struct memdiag_slab_page *slab,
							unsigned long vector)
{
	struct cache_memcg_slot *slot = cache_memcg_find(walk->slots, walk->nr_slots,
							 slab->cache, MEMDIAG_MEMCG_NONE, 0);
	char name[MEMDIAG_SLAB_NAME_LEN];
	u64 at, size;

	if (slot->cache)
		return slot;
	if (memdiag_slab_peek(slab->cache, CACHE_NAME, &at) ||
	    memdiag_slab_peek(slab->cache, CACHE_SIZE, &size))
		return NULL;
	memdiag_slab_copy_name(name, sizeof(name), (const char *)(unsigned long)at);
	if (!cache_memcg_same(page, slab, vector))
		return NULL;
	slot = cache_memcg_get(walk, slab->cache, MEMDIAG_MEMCG_NONE, 0);
	slot->name = memdiag_push_string(walk->sink, name);
	slot->size = size;
	return slot;
}

/*
 * The vector lies beside the slab, in what its objects leave at its end, or, from
 * 7.x on, one word in what each object leaves: then it begins in the first one.
 */
static size_t cache_memcg_stride(const struct page *page, unsigned long vector, u64 size)
{
	unsigned long first = (unsigned long)page_address(page);

	return vector >= first && vector < first + size ? size : MEMDIAG_OBJCG_STRIDE;
}

/* Does all of the vector lie in what was allocated for it? Else it is laid out otherwise. */
static bool cache_memcg_fits(const struct page *page, const struct memdiag_slab_page *slab,
			     unsigned long vector, size_t stride)
{
	unsigned long first = (unsigned long)page_address(page);
	unsigned long end = first + (PAGE_SIZE << slab->order);
	size_t size = (slab->objects - 1) * stride + sizeof(void *);
	struct memdiag_slab_page own;
	const struct page *head;
	u64 room;

	if (vector >= first && vector < end)
		return size <= end - vector;
	head = memdiag_page_head((const void *)vector);
	if (!head)
		return false;
	/* Too large for any cache: then it has pages of its own. */
	return !memdiag_slab_page_read(head, &own) ||
	       (!memdiag_slab_peek(own.cache, CACHE_OBJECT_SIZE, &room) && size <= room);
}

static bool cache_memcg_copy(struct cache_memcg_walk *walk, unsigned long vector, size_t stride,
			     unsigned int nr)
{
	unsigned int i;

	if (stride == sizeof(*walk->vector))
		return !copy_from_kernel_nofault(walk->vector, (void *)vector, nr * stride);
	for (i = 0; i < nr; i++)
		if (copy_from_kernel_nofault(&walk->vector[i], (void *)(vector + i * stride),
					     sizeof(*walk->vector)))
			return false;
	return true;
}

static void cache_memcg_count(struct cache_memcg_walk *walk, const struct page *page,
			      const struct memdiag_slab_page *slab)
{
	struct cache_memcg_slot *slot = NULL;
	unsigned long last = 0;
	unsigned int i;

	for (i = 0; i < slab->objects; i++) {
		unsigned long objcg = walk->vector[i];
		u32 memcg, from;

		if (!objcg)
			continue;
		walk->objs++;
		if (objcg != last) {
			last = objcg;
			slot = NULL;
			memcg = memdiag_memcgs_of_objcg(walk->memcgs, objcg, &from);
			if (memcg != MEMDIAG_MEMCG_NONE)
				slot = cache_memcg_get(walk, slab->cache, memcg, from);
		}
		if (!slot) {
			walk->strange++;
			continue;
		}
		slot->objs++;
		if (slot->last == page)
			continue;
		slot->last = page;
		slot->slabs++;
		slot->slab_bytes += (u64)PAGE_SIZE << slab->order;
	}
}

/* One that changes while it is read is not what it was: it is left out. */
static int cache_memcg_slab(struct cache_memcg_walk *walk, const struct page *page)
{
	const struct cache_memcg_slot *cache;
	struct memdiag_slab_page slab;
	unsigned long vector;
	size_t stride;
	bool fits;
	int error;

	if (!cache_memcg_read(page, &slab, &vector) || slab.objects > CACHE_MEMCG_OBJECTS)
		return 0;
	error = cache_memcg_room(walk, slab.objects + 1);
	if (error)
		return error;
	rcu_read_lock();
	cache = cache_memcg_cache(walk, page, &slab, vector);
	if (!cache)
		goto out;
	stride = cache_memcg_stride(page, vector, cache->size);
	fits = cache_memcg_fits(page, &slab, vector, stride);
	if ((fits && !cache_memcg_copy(walk, vector, stride, slab.objects)) ||
	    !cache_memcg_same(page, &slab, vector))
		goto out;
	if (fits) {
		cache_memcg_count(walk, page, &slab);
	} else {
		walk->objs += slab.objects;
		walk->strange += slab.objects;
	}
out:
	rcu_read_unlock();
	return 0;
}

static void cache_memcg_visit(struct memdiag_census_walk *census,
			      const struct memdiag_census_block *block)
{
	struct cache_memcg_walk *walk = census->arg;

	if (block->kind == MEMDIAG_KIND_SLAB && block->page == block->head &&
	    walk->nr_heads < CACHE_MEMCG_HEADS)
		walk->heads[walk->nr_heads++] = block->page;
}

static int cache_memcg_zone(struct cache_memcg_walk *walk, struct zone *zone)
{
	struct memdiag_census_walk census = { .visit = cache_memcg_visit, .arg = walk };
	unsigned int i;
	int error;

	memdiag_census_begin(&census, zone);
	while (memdiag_census_step(&census)) {
		for (i = 0; i < walk->nr_heads; i++) {
			error = cache_memcg_slab(walk, walk->heads[i]);
			if (error)
				return error;
			cond_resched();
		}
		walk->nr_heads = 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int cache_memcg_push(struct cache_memcg_walk *walk, const struct cache_memcg_slot *slot,
			    char *path)
{
	const struct cache_memcg_slot *cache = cache_memcg_find(walk->slots, walk->nr_slots,
								slot->cache, MEMDIAG_MEMCG_NONE, 0);
	struct cache_memcg_record *record = memdiag_push(walk->sink);
	struct memdiag_memcg_label label;

	if (!record)
		return -ENOSPC;
	record->cache = cache->name;
	memdiag_memcgs_label(walk->memcgs, slot->memcg, walk->sink, path, &label);
	record->id = label.id;
	record->path = label.path;
	record->state = label.state;
	if (slot->from == MEMDIAG_MEMCG_NONE) {
		record->from_id = 0;
		record->from = memdiag_push_string(walk->sink, "?");
	} else if (slot->from != slot->memcg) {
		memdiag_memcgs_label(walk->memcgs, slot->from, walk->sink, path, &label);
		record->from_id = label.id;
		record->from = label.path;
	}
	record->objs = slot->objs;
	record->bytes = slot->objs * (cache->size + sizeof(void *));
	record->slabs = slot->slabs;
	record->slab_bytes = slot->slab_bytes;
	return 0;
}

static int cache_memcg_push_all(struct cache_memcg_walk *walk)
{
	char *path = memdiag_alloc(MEMDIAG_MEMCG_PATH, 1);
	unsigned int i;
	int error = 0;

	if (!path)
		return -ENOMEM;
	for (i = 0; i < walk->nr_slots && !error; i++) {
		const struct cache_memcg_slot *slot = &walk->slots[i];

		if (slot->cache && slot->memcg != MEMDIAG_MEMCG_NONE)
			error = cache_memcg_push(walk, slot, path);
		if (i % CACHE_MEMCG_HEADS == 0)
			cond_resched();
	}
	memdiag_free(path);
	/* Vectors that lead nowhere are none. */
	if (!error && walk->strange && walk->strange >= walk->objs / 2)
		return -EINVAL;
	if (!error && walk->strange)
		memdiag_mark_partial(walk->sink,
				     "%llu of %llu objects are charged to cgroups that came or went meanwhile",
				     walk->strange, walk->objs);
	return error;
}

static int cache_memcg_walk_all(struct cache_memcg_walk *walk)
{
	struct zone *zone;
	int error;

	walk->vector = memdiag_alloc(CACHE_MEMCG_OBJECTS, sizeof(*walk->vector));
	if (!walk->vector)
		return -ENOMEM;
	error = cache_memcg_room(walk, 1);
	if (error)
		return error;
	memdiag_for_each_populated_zone(zone) {
		error = cache_memcg_zone(walk, zone);
		if (error)
			return error;
	}
	return cache_memcg_push_all(walk);
}

static int cache_memcg_collect(struct memdiag_sink *sink)
{
	struct cache_memcg_walk *walk = memdiag_alloc(1, sizeof(*walk));
	int error;

	if (!walk)
		return -ENOMEM;
	walk->sink = sink;
	walk->memcgs = memdiag_memcgs_get();
	if (IS_ERR(walk->memcgs)) {
		error = PTR_ERR(walk->memcgs);
	} else {
		error = cache_memcg_walk_all(walk);
		memdiag_memcgs_put(walk->memcgs);
	}
	memdiag_free(walk->vector);
	memdiag_free(walk->slots);
	memdiag_free(walk);
	return error;
}

/* Some cgroups have objects of most caches, most of them of a few. */
static unsigned int cache_memcg_estimate(void)
{
	return 64 + 16 * memdiag_memcg_nr();
}

static void __init cache_memcg_init(struct memdiag_status *status)
{
	if (memdiag_slub.way == MEMDIAG_SRC_NONE)
		memdiag_set_unavailable(status, -EOPNOTSUPP,
					"struct kmem_cache layout not verified");
	else if (!MEMDIAG_OBJCG_STRIDE)
		memdiag_set_unavailable(status, -EOPNOTSUPP,
					"CONFIG_MEM_ALLOC_PROFILING changes what a slab keeps of its objects");
	else
		memdiag_set_ok(status, MEMDIAG_SRC_PAGES);
}

#else /* !MEMDIAG_HAVE_OBJCG */

#define cache_memcg_collect NULL
#define cache_memcg_estimate NULL

static void __init cache_memcg_init(struct memdiag_status *status)
{
	memdiag_set_unavailable(status, -EOPNOTSUPP, "%s is not set",
				IS_ENABLED(CONFIG_MEMCG) ? "CONFIG_MEMCG_KMEM" : "CONFIG_MEMCG");
}

#endif /* MEMDIAG_HAVE_OBJCG */

const struct memdiag_provider memdiag_cache_memcg_provider __refconst = {
	.id = MEMDIAG_SEC_CACHE_MEMCG,
	.name = "cache_memcg",
	.help = "per slab cache and memory cgroup: objects charged to it, inherited ones by whom they came from",
	MEMDIAG_RECORDS(cache_memcg_fields, cache_memcg_record),
	.on_request = true,
	.needs = MEMDIAG_BIT(MEMCG) | MEMDIAG_BIT(CENSUS),
	.init = cache_memcg_init,
	.estimate = cache_memcg_estimate,
	.collect = cache_memcg_collect,
};
