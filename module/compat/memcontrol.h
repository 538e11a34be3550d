/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/memcontrol.h> and the bits of cgroup and kernfs that go with it.
 */
#ifndef _MEMDIAG_COMPAT_MEMCONTROL_H
#define _MEMDIAG_COMPAT_MEMCONTROL_H

#include <linux/cgroup.h>
#include <linux/kernfs.h>
#include <linux/memcontrol.h>
#include <linux/page_counter.h>
#include <linux/rcupdate.h>

/*
 * memcg->kmem, ->tcpmem and ->soft_limit are always there as long as
 * CONFIG_MEMCG_KMEM is a choice of its own; CONFIG_MEMCG_V1 came when that was
 * merged into CONFIG_MEMCG, and they are there only with it since.
 */
#if defined(CONFIG_MEMCG) && \
	(defined(CONFIG_MEMCG_KMEM) || defined(CONFIG_MEMCG_V1))
#define MEMDIAG_HAVE_MEMCG_V1	1
#else
#define MEMDIAG_HAVE_MEMCG_V1	0
#endif

#ifdef CONFIG_MEMCG
/**
 * memdiag_memcg_vmstats() - where the statistics of a memory cgroup begin
 * @memcg: the memory cgroup
 *
 * They are inside of it (v5.10), or in a private structure of their own.
 */
static inline const void *memdiag_memcg_vmstats(const struct mem_cgroup *memcg)
{
	return memcg->vmstats;
}
#endif

/*
 * Objects are charged by way of an obj_cgroup; CONFIG_MEMCG_KMEM was a choice of
 * its own until v6.11.
 */
#if defined(CONFIG_MEMCG) && \
	(defined(CONFIG_MEMCG_KMEM) || !defined(MEMDIAG_HAVE_MEMCG_KMEM_CHOICE))
#define MEMDIAG_HAVE_OBJCG	1
#else
#define MEMDIAG_HAVE_OBJCG	0
#endif

/*
 * Bytes from one object's obj_cgroup to the next in the vector of a slab; 0 if not
 * known: struct slabobj_ext went to mm/slab.h again between v6.12 and v7.3, and has
 * then one word or two where allocations are profiled.
 */
#if defined(MEMDIAG_HAVE_SLABOBJ_EXT)
#define MEMDIAG_OBJCG_STRIDE	sizeof(struct slabobj_ext)
#elif defined(CONFIG_MEM_ALLOC_PROFILING)
#define MEMDIAG_OBJCG_STRIDE	0
#else
#define MEMDIAG_OBJCG_STRIDE	sizeof(void *)
#endif

/* There is one per node, and the pages of files go by it too, since they came together. */
#ifdef MEMDIAG_HAVE_OBJCG_IS_ROOT
#define MEMDIAG_FOLIO_HAS_OBJCG	true
#define MEMDIAG_OBJCGS_PER_MEMCG	nr_node_ids
#else
#define MEMDIAG_FOLIO_HAS_OBJCG	false
#define MEMDIAG_OBJCGS_PER_MEMCG	1
#endif

#ifdef CONFIG_MEMCG
/**
 * memdiag_memcg_objcg() - the obj_cgroup that a memory cgroup was made with
 * @memcg: the memory cgroup
 * @nid: below MEMDIAG_OBJCGS_PER_MEMCG
 *
 * Return: its address, to compare with; NULL if there is none (any more).
 */
static inline const void *memdiag_memcg_objcg(const struct mem_cgroup *memcg, int nid)
{
#if !MEMDIAG_HAVE_OBJCG
	return NULL;
#elif defined(MEMDIAG_HAVE_OBJCG_IS_ROOT)
	const struct mem_cgroup_per_node *pn = READ_ONCE(memcg->nodeinfo[nid]);

	return pn ? READ_ONCE(pn->orig_objcg) : NULL;
#elif defined(MEMDIAG_HAVE_ORIG_OBJCG)
	return READ_ONCE(memcg->orig_objcg);
#else
	return rcu_access_pointer(memcg->objcg);
#endif
}

/**
 * memdiag_page_memcg_data() - what a page says of its memory cgroup
 * @page: the page, or a copy of it
 *
 * Return: an address, and flags in the lowest bits.
 */
static inline unsigned long memdiag_page_memcg_data(const struct page *page)
{
#ifdef MEMDIAG_HAVE_PAGE_MEMCG_DATA
	return READ_ONCE(page->memcg_data);
#else
	return (unsigned long)READ_ONCE(page->mem_cgroup);
#endif
}
#endif

/**
 * memdiag_slab_vector() - where the obj_cgroups of a slab's objects are
 * @data: memdiag_page_memcg_data() of its first page
 *
 * Bit 0 says that it is a vector, alone that there was no memory for one; with
 * bit 1 it is something else.
 *
 * Return: its address, or 0.
 */
static inline unsigned long memdiag_slab_vector(unsigned long data)
{
	return (data & 3) == 1 ? data & ~7UL : 0;
}

/* The member became an RCU pointer and got another name; Kbuild.probe looks. */
static inline void memdiag_kernfs_set_parent(struct kernfs_node *kn,
					     struct kernfs_node *parent)
{
#ifdef MEMDIAG_HAVE_KERNFS_PARENT_RCU
	RCU_INIT_POINTER(kn->__parent, parent);
#else
	kn->parent = parent;
#endif
}

#endif /* _MEMDIAG_COMPAT_MEMCONTROL_H */
