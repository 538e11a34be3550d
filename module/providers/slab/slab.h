/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of section slab share: the record. */
#ifndef _MEMDIAG_PROVIDERS_SLAB_H
#define _MEMDIAG_PROVIDERS_SLAB_H

#include <linux/types.h>

struct memdiag_sink;
struct memdiag_slab_cache;
struct memdiag_slab_line;

/**
 * struct memdiag_slab_record - a record of the section, by any way
 */
struct memdiag_slab_record {
	/* private: described by the table of fields in slab.c */
	u64 name;
	u64 active_objs;
	u64 active_objs_error;
	u64 num_objs;
	u64 objsize;
	u64 object_size;
	u64 objs_per_slab;
	u64 pages_per_slab;
	u64 num_slabs;
	u64 active_slabs;
	u64 nr_partial;
	u64 bytes;
	u64 waste;
	u64 reclaimable;
	u64 flags;
	u64 flag_names;
	u64 aliases;
	u64 ctor;
	u64 align;
	u64 min_partial;
	u64 cpu_partial;
	u64 cpu_partial_slabs;
	u64 sheaf_capacity;
};

/* record.c */
void memdiag_slab_fill_line(struct memdiag_sink *sink, struct memdiag_slab_record *record,
			    const struct memdiag_slab_line *line);
void memdiag_slab_fill(struct memdiag_sink *sink, struct memdiag_slab_record *record,
		       const struct memdiag_slab_cache *cache);

/* pages.c */
int memdiag_slab_pages_collect(struct memdiag_sink *sink);

#endif /* _MEMDIAG_PROVIDERS_SLAB_H */
