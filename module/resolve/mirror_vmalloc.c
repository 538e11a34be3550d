// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mirror of mm/vmalloc.c: struct vmap_node and what it is made of, from v6.9 on
 * (d093602919ad, "mm: vmalloc: remove global vmap_area_root rb-tree"). What the
 * areas themselves are is in public headers.
 *
 * The locks and the work are the kernel's own types, so their sizes follow the
 * configuration: lockdep, DEBUG_SPINLOCK, PREEMPT_RT, no SMP.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mirror.h"

#ifndef MEMDIAG_HAVE_VMAP_AREA_LIST

/* MAX_VA_SIZE_PAGES */
#define MIRROR_NR_POOLS	256

struct mirror_rb_list {
	struct rb_root root;
	struct list_head head;
	spinlock_t lock;
};

struct mirror_vmap_pool {
	struct list_head head;
	unsigned long len;
};

struct mirror_vmap_node {
	struct mirror_vmap_pool pool[MIRROR_NR_POOLS];
	spinlock_t pool_lock;
	bool skip_populate;
	struct mirror_rb_list busy;
	struct mirror_rb_list lazy;
	struct list_head purge_list;
	struct work_struct purge_work;
	unsigned long nr_purged;
};

const struct memdiag_mirror memdiag_mirror_vmalloc[] = {
	MEMDIAG_MIRROR(vmap_node, mirror_vmap_node, busy),
	MEMDIAG_MIRROR(vmap_node, mirror_vmap_node, lazy),
	MEMDIAG_MIRROR_SIZE(vmap_node, mirror_vmap_node),
	MEMDIAG_MIRROR(rb_list, mirror_rb_list, root),
	MEMDIAG_MIRROR(rb_list, mirror_rb_list, head),
	MEMDIAG_MIRROR(rb_list, mirror_rb_list, lock),
	MEMDIAG_MIRROR_SIZE(rb_list, mirror_rb_list),
};
const unsigned int memdiag_mirror_vmalloc_nr = ARRAY_SIZE(memdiag_mirror_vmalloc);

#else

/* One list and one tree, found without a private structure. */
const struct memdiag_mirror memdiag_mirror_vmalloc[] = {
};
const unsigned int memdiag_mirror_vmalloc_nr;

#endif
