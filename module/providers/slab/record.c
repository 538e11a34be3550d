// SPDX-License-Identifier: GPL-2.0-only
/* The record of a slab cache, from its line or from SLUB's structures. */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../memdiag.h"
#include "../../slub/slub.h"
#include "slab.h"

/**
 * memdiag_slab_fill_line() - fill in what a line of /proc/slabinfo says
 * @sink: of the record
 * @record: the record
 * @line: the numbers
 *
 * Context: any.
 */
void memdiag_slab_fill_line(struct memdiag_sink *sink, struct memdiag_slab_record *record,
			    const struct memdiag_slab_line *line)
{
	record->name = memdiag_push_string(sink, line->name);
	record->active_objs = line->active_objs;
	record->num_objs = line->num_objs;
	record->objsize = line->objsize;
	record->objs_per_slab = line->objs_per_slab;
	record->pages_per_slab = line->pages_per_slab;
	record->num_slabs = line->num_slabs;
	record->active_slabs = line->active_slabs;
	record->bytes = (line->num_slabs * line->pages_per_slab) << PAGE_SHIFT;
}

/**
 * memdiag_slab_fill() - fill a record in, from the structures
 * @sink: of the record
 * @record: the record
 * @cache: the numbers
 *
 * Context: any.
 */
void memdiag_slab_fill(struct memdiag_sink *sink, struct memdiag_slab_record *record,
		       const struct memdiag_slab_cache *cache)
{
	u64 used = cache->line.active_objs * cache->object_size;

	memdiag_slab_fill_line(sink, record, &cache->line);
	record->active_objs_error = cache->active_objs_error;
	record->object_size = cache->object_size;
	record->nr_partial = cache->nr_partial;
	record->bytes = cache->bytes;
	record->waste = cache->bytes - min(used, cache->bytes);
	record->reclaimable = !!(cache->flags & (u64 __force)SLAB_RECLAIM_ACCOUNT);
	record->flags = cache->flags;
	record->aliases = cache->refcount > 1 ? cache->refcount - 1 : 0;
	record->ctor = cache->ctor ?: MEMDIAG_ABSENT;
	record->align = cache->align;
	record->min_partial = cache->min_partial;
	record->cpu_partial = cache->cpu_partial;
	record->cpu_partial_slabs = cache->cpu_partial_slabs;
	record->sheaf_capacity = cache->sheaf_capacity;
}
