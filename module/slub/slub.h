/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SLUB's private structures: their layout, and slab caches and slabs in numbers.
 *
 *  layout.c  which members there are, and reading one of them
 *  verify.c  a cache of our own must read right before the rest is read
 *  cache.c   one cache, from its structures
 *  line.c    one cache, from the line that the kernel prints about it
 *  page.c    one slab, from its page
 *  slub.c    what is found out once, before the sections look
 */
#ifndef _MEMDIAG_SLUB_H
#define _MEMDIAG_SLUB_H

#include <linux/bits.h>
#include <linux/kconfig.h>
#include <linux/types.h>

#include "../resolve/resolve.h"

struct kmem_cache;
struct memdiag_ops;
struct memdiag_sink;
struct page;
struct seq_file;

/* How struct kmem_cache_order_objects packs its word; the checks prove it. */
#define MEMDIAG_SLAB_OO_SHIFT	16
#define MEMDIAG_SLAB_OO_MASK	((1u << MEMDIAG_SLAB_OO_SHIFT) - 1)

/* The members that are read, in struct kmem_cache unless the name says else. */
enum memdiag_slab_member {
	CACHE_NAME,
	CACHE_SIZE,
	CACHE_OBJECT_SIZE,
	CACHE_OO,
	CACHE_MIN,
	CACHE_FLAGS,
	CACHE_REFCOUNT,
	CACHE_CTOR,
	CACHE_ALIGN,
	CACHE_MIN_PARTIAL,
	SLAB_CACHE,
	SLAB_INUSE,
	SLAB_OBJECTS,
	SLAB_FROZEN,
	SLAB_NR_REQUIRED,
	/* For a walk along the list of caches: all of them, and CACHE_NODE or CACHE_PER_NODE. */
	CACHE_LIST = SLAB_NR_REQUIRED,
	NODE_LIST_LOCK,
	NODE_NR_PARTIAL,
	NODE_PARTIAL,
	NODE_NR_SLABS,
	NODE_TOTAL_OBJECTS,
	SLAB_LIST,
	SLAB_NR_LIST,
	/* Depend on the kernel's release and configuration. */
	CACHE_NODE = SLAB_NR_LIST,
	CACHE_PER_NODE,
	PER_NODE_NODE,
	PER_NODE_BARN,
	CACHE_CPU_SLAB,
	CPU_SLAB,
	CPU_PARTIAL,
	SLAB_SLABS,
	CACHE_CPU_PARTIAL,
	CACHE_CPU_PARTIAL_SLABS,
	CACHE_CPU_SHEAVES,
	CACHE_SHEAF_CAPACITY,
	SHEAVES_MAIN,
	SHEAVES_SPARE,
	SHEAF_CACHE,
	SHEAF_SIZE,
	BARN_NR_FULL,
	SLAB_NR_MEMBERS
};

/**
 * struct memdiag_slab_line - what a line of /proc/slabinfo says
 * @name: name of the cache
 * @active_objs: objects in use, including those free on per-cpu slabs
 * @num_objs: objects in all slabs
 * @objsize: bytes of an object with its metadata
 * @objs_per_slab: objects in a slab of the usual order
 * @pages_per_slab: pages of a slab of the usual order
 * @active_slabs: SLUB: all slabs; SLAB: those with an object in use
 * @num_slabs: slabs
 */
struct memdiag_slab_line {
	const char *name;
	u64 active_objs;
	u64 num_objs;
	u64 objsize;
	u64 objs_per_slab;
	u64 pages_per_slab;
	u64 active_slabs;
	u64 num_slabs;
};

/**
 * struct memdiag_slab_cache - what the structures say beyond that
 * @line: the same numbers as slabinfo prints
 * @active_objs_error: active_objs may be too large by so many; MEMDIAG_ABSENT
 *	if that is not known
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
 * @sheaf_capacity: objects in a sheaf; likewise
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
	u64 sheaf_capacity;
};

/**
 * struct memdiag_slab_page - a slab, from its page
 * @cache: the struct kmem_cache it belongs to
 * @objects: objects in it
 * @inuse: of which are not on its own list of free ones
 * @order: of its pages
 * @nid: node of its pages
 * @frozen: it belongs to a CPU
 * @is_marked: PG_workingset, which newer kernels set while it is on the partial
 *	list of a node
 */
struct memdiag_slab_page {
	const void *cache;
	u32 objects;
	u32 inuse;
	u32 order;
	int nid;
	bool frozen;
	bool is_marked;
};

/* layout.c */
extern struct memdiag_member memdiag_slab_members[SLAB_NR_MEMBERS];
int memdiag_slab_layout_load(u32 way);
bool memdiag_slab_has_list(void);
u64 memdiag_slab_get(const void *base, enum memdiag_slab_member which);
int memdiag_slab_peek(const void *base, enum memdiag_slab_member which, u64 *value);

static inline bool memdiag_slab_has(enum memdiag_slab_member which)
{
	return memdiag_slab_members[which].found;
}

static inline const void *memdiag_slab_at(const void *base, enum memdiag_slab_member which)
{
	return base + memdiag_slab_members[which].bit_offset / BITS_PER_BYTE;
}

static inline const void *memdiag_slab_base(const void *member, enum memdiag_slab_member which)
{
	return member - memdiag_slab_members[which].bit_offset / BITS_PER_BYTE;
}

/* verify.c */
u32 memdiag_slab_verify(const struct memdiag_ops *ops);

/* cache.c */
const void *memdiag_slab_node(const void *cache, int nid);
void memdiag_slab_cache_peek(const void *s, struct memdiag_slab_cache *cache);
u64 memdiag_slab_sheaf_objects(const void *s, unsigned int *unsure);
void memdiag_slab_cache_read(struct memdiag_sink *sink, const void *entry,
			     struct memdiag_slab_cache *cache);

/* line.c */
int memdiag_slab_line_show(struct seq_file *m, void *entry,
			   struct memdiag_slab_line *line);
int memdiag_slab_line_parse(char *text, struct memdiag_slab_line *line);

/* page.c */
#define MEMDIAG_SLAB_NAME_LEN		128
void memdiag_slab_copy_name(char *name, size_t size, const char *from);
extern bool memdiag_slab_marks_partial;
bool memdiag_slab_page_read(const struct page *page, struct memdiag_slab_page *slab);

/* CONFIG_SLAB, and CONFIG_SLOB which lists no caches, were removed in 6.8 and 6.4. */
#define MEMDIAG_IS_SLUB	(!IS_ENABLED(CONFIG_SLAB) && !IS_ENABLED(CONFIG_SLOB))

/**
 * struct memdiag_slub - what was found out when the module was loaded
 * @ops: operations borrowed from /proc/slabinfo
 * @ops_error: 0, or the negative errno why there are none
 * @way: enum memdiag_source by which memdiag_slab_members[] is known and verified;
 *	MEMDIAG_SRC_NONE: it must not be used
 */
struct memdiag_slub {
	struct memdiag_ops ops;
	int ops_error;
	u32 way;
};

/* slub.c */
extern struct memdiag_slub memdiag_slub;
void memdiag_slub_init(void);
void memdiag_slub_exit(void);
int memdiag_slab_debugged(void);

#endif /* _MEMDIAG_SLUB_H */
