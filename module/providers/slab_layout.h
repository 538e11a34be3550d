/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One slab cache in numbers, read from the kernel's structures or from the line
 * that the kernel prints about it into /proc/slabinfo.
 */
#ifndef _MEMDIAG_SLAB_LAYOUT_H
#define _MEMDIAG_SLAB_LAYOUT_H

#include <linux/types.h>

struct memdiag_ops;
struct memdiag_sink;
struct seq_file;

/**
 * struct memdiag_slab_line - what a line of /proc/slabinfo says
 * @name: name of the cache
 * @active_objs: objects in use, including those free on per-cpu slabs
 * @num_objs: objects in all slabs
 * @objsize: bytes of an object with its metadata
 * @objs_per_slab: objects in a slab of the usual order
 * @pages_per_slab: pages of a slab of the usual order
 * @num_slabs: slabs
 */
struct memdiag_slab_line {
	const char *name;
	u64 active_objs;
	u64 num_objs;
	u64 objsize;
	u64 objs_per_slab;
	u64 pages_per_slab;
	u64 num_slabs;
};

/**
 * struct memdiag_slab_cache - what the structures say beyond that
 * @line: the same numbers as slabinfo prints
 * @active_objs_error: active_objs may be too large by so many
 * @object_size: bytes of an object without metadata
 * @nr_partial: slabs on the nodes' partial lists
 * @bytes: memory of all slabs
 * @flags: SLAB_* flags
 * @refcount: users of the cache; -1 for one that is never shared
 * @ctor: address of the constructor, or 0
 * @align: alignment of objects, bytes
 * @min_partial: partial slabs that a node keeps
 * @cpu_partial: free objects that a CPU keeps; MEMDIAG_ABSENT if there is no
 *	such thing
 * @cpu_partial_slabs: partial slabs that a CPU keeps; likewise
 */
struct memdiag_slab_cache {
	struct memdiag_slab_line line;
	u64 active_objs_error;
	u64 object_size;
	u64 nr_partial;
	u64 bytes;
	u64 flags;
	s64 refcount;
	u64 ctor;
	u64 align;
	u64 min_partial;
	u64 cpu_partial;
	u64 cpu_partial_slabs;
};

int memdiag_slab_layout_init(const struct memdiag_ops *ops);
void memdiag_slab_cache_read(struct memdiag_sink *sink, const void *entry,
			     struct memdiag_slab_cache *cache);
int memdiag_slab_line_show(struct seq_file *m, void *entry,
			   struct memdiag_slab_line *line);
int memdiag_slab_line_parse(char *text, struct memdiag_slab_line *line);

#endif /* _MEMDIAG_SLAB_LAYOUT_H */
