// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slab caches from the pages that belong to them, for kernels that print no
 * /proc/slabinfo (CONFIG_SLUB_DEBUG=n, CONFIG_SLUB_TINY).
 *
 * Walks the page frames of all nodes. The first page of a slab says which cache
 * it belongs to and how many of its objects are in use; what else there is to
 * say about a cache is read when its first slab is met.
 *
 * Locks: none. Nothing that is read is kept in place: a struct page may go with
 * its memory, a cache may be destroyed. So every read is one that may fault, and
 * a cache is believed only if the slab that led to it still belongs to it after
 * the cache was read: a cache with a slab is not destroyed.
 *
 * Bounded: by the page frames there are. It reschedules, and looks for a fatal
 * signal, every SLAB_PAGES_STEP of them, and steps over sections of memory that
 * are not there.
 *
 * Stale: each slab is as old as when the walk was there. One that is freed and
 * allocated meanwhile may be counted twice or not at all.
 *
 * Skipped: caches without a slab, which take no memory but their own.
 */
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../../memdiag.h"
#include "../../slub/slub.h"
#include "slab.h"

#define SLAB_PAGES_STEP		4096u
#define SLAB_PAGES_SLOTS	256u

/* A cache that was met, and its record. */
struct slab_slot {
	const void *cache;
	struct memdiag_slab_record *record;
};

struct slab_walk {
	struct memdiag_sink *sink;
	struct slab_slot *slots;
	unsigned int nr_slots;
	unsigned int nr_caches;
};

static struct slab_slot *slab_slot(const struct slab_walk *walk, const void *cache)
{
	unsigned int i = hash_ptr((void *)cache, ilog2(walk->nr_slots));

	while (walk->slots[i].cache && walk->slots[i].cache != cache)
		i = (i + 1) & (walk->nr_slots - 1);
	return &walk->slots[i];
}

/* Twice the slots; no lock is held, so the walk goes on where it is. */
static int slab_walk_grow(struct slab_walk *walk)
{
	struct slab_walk bigger = *walk;
	unsigned int i;

	bigger.nr_slots = walk->nr_slots ? walk->nr_slots * 2 : SLAB_PAGES_SLOTS;
	bigger.slots = memdiag_alloc(bigger.nr_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < walk->nr_slots; i++)
		if (walk->slots[i].cache)
			*slab_slot(&bigger, walk->slots[i].cache) = walk->slots[i];
	memdiag_free(walk->slots);
	*walk = bigger;
	return 0;
}

/*
 * A cache that is met for the first time: what it is besides its slabs. -EAGAIN
 * if the slab, and perhaps the cache, went away meanwhile.
 */
static int slab_walk_cache(struct slab_walk *walk, struct slab_slot *slot,
			   const struct page *page, const struct memdiag_slab_page *slab)
{
	struct memdiag_slab_record *record;
	struct memdiag_slab_cache cache;
	struct memdiag_slab_page again;
	char name[MEMDIAG_SLAB_NAME_LEN];
	unsigned int unsure = 0;
	u64 in_sheaves;

	memdiag_slab_cache_peek(slab->cache, &cache);
	memdiag_slab_copy_name(name, sizeof(name), cache.line.name);
	cache.line.name = name;
	in_sheaves = memdiag_slab_sheaf_objects(slab->cache, &unsure);
	if (!memdiag_slab_page_read(page, &again) || again.cache != slab->cache)
		return -EAGAIN;

	record = memdiag_push(walk->sink);
	if (!record)
		return -ENOSPC;
	memdiag_slab_fill(walk->sink, record, &cache);
	/* The slabs' own share is added as they are met. */
	record->active_objs_error = in_sheaves;
	slot->cache = slab->cache;
	slot->record = record;
	walk->nr_caches++;
	return 0;
}

/*
 * Is it on the partial list of a node? Only there free objects are free to
 * slabinfo; of what a CPU holds, all or none may be.
 */
static bool slab_is_partial(const struct memdiag_slab_page *slab)
{
	if (memdiag_slab_marks_partial)
		return slab->is_marked;
	return !slab->frozen && slab->inuse < slab->objects;
}

static void slab_walk_add(struct memdiag_slab_record *record,
			  const struct memdiag_slab_page *slab)
{
	record->num_slabs++;
	record->active_slabs++;
	record->num_objs += slab->objects;
	record->bytes += (u64)PAGE_SIZE << slab->order;
	if (slab_is_partial(slab)) {
		record->nr_partial++;
		record->active_objs += slab->inuse;
		return;
	}
	record->active_objs += slab->objects;
	if (record->active_objs_error != MEMDIAG_ABSENT &&
	    (slab->frozen || slab->inuse < slab->objects))
		record->active_objs_error += slab->objects;
}

/* One page; returns how many to go on by, or an error. */
static long slab_walk_page(struct slab_walk *walk, const struct page *page, int nid)
{
	struct memdiag_slab_page slab;
	struct slab_slot *slot;
	int error;

	/* The spans of nodes may overlap. */
	if (!memdiag_slab_page_read(page, &slab) || slab.nid != nid)
		return 1;
	slot = slab_slot(walk, slab.cache);
	if (!slot->cache) {
		error = slab_walk_cache(walk, slot, page, &slab);
		if (error)
			return error == -EAGAIN ? 1 : error;
	}
	slab_walk_add(slot->record, &slab);
	return 1l << slab.order;
}

/* Where there is no page: the next frame that may have one. */
static unsigned long slab_walk_hole(unsigned long pfn)
{
#ifdef CONFIG_SPARSEMEM
	if (!present_section_nr(pfn_to_section_nr(pfn)))
		return ALIGN(pfn + 1, PAGES_PER_SECTION);
#endif
	return pfn + 1;
}

static int slab_walk_node(struct slab_walk *walk, int nid)
{
	unsigned long pfn = NODE_DATA(nid)->node_start_pfn;
	unsigned long end = pfn + NODE_DATA(nid)->node_spanned_pages;

	while (pfn < end) {
		unsigned int left = SLAB_PAGES_STEP;
		int error = 0;

		while (left-- && pfn < end && walk->nr_caches < walk->nr_slots / 2) {
			const struct page *page = pfn_to_online_page(pfn);
			long step;

			if (!page) {
				pfn = slab_walk_hole(pfn);
				continue;
			}
			step = slab_walk_page(walk, page, nid);
			if (step < 0)
				return step;
			pfn += step;
		}
		if (walk->nr_caches >= walk->nr_slots / 2)
			error = slab_walk_grow(walk);
		if (fatal_signal_pending(current))
			error = -EINTR;
		if (error)
			return error;
		cond_resched();
	}
	return 0;
}

/**
 * memdiag_slab_pages_collect() - one record per cache that has a slab
 * @sink: where to
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOSPC as every collector, -EINTR, -ENOMEM.
 */
int memdiag_slab_pages_collect(struct memdiag_sink *sink)
{
	struct slab_walk walk = { .sink = sink };
	unsigned int i;
	int nid, error;

	error = slab_walk_grow(&walk);
	if (error)
		return error;
	for_each_online_node(nid) {
		error = slab_walk_node(&walk, nid);
		if (error)
			break;
	}
	for (i = 0; i < walk.nr_slots && !error; i++) {
		struct memdiag_slab_record *record = walk.slots[i].record;
		u64 used;

		if (!record)
			continue;
		used = record->active_objs * record->object_size;
		if (record->active_objs_error != MEMDIAG_ABSENT)
			record->active_objs_error = min(record->active_objs_error,
							record->active_objs);
		record->waste = record->bytes - min(used, record->bytes);
	}
	memdiag_free(walk.slots);
	return error;
}
