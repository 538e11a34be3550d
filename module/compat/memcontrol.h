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
