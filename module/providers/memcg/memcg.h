/* SPDX-License-Identifier: GPL-2.0-only */
/* What sections need that say to which memory cgroup something is charged. */
#ifndef _MEMDIAG_MEMCG_H
#define _MEMDIAG_MEMCG_H

#include <linux/limits.h>
#include <linux/types.h>

struct cgroup_subsys_state;
struct memdiag_memcgs;
struct memdiag_sink;

/* Behind the path of a removed cgroup, and room for both. */
#define MEMDIAG_MEMCG_DELETED	" (deleted)"
#define MEMDIAG_MEMCG_PATH	(PATH_MAX + sizeof(MEMDIAG_MEMCG_DELETED))

/* No number of a cgroup in a table. */
#define MEMDIAG_MEMCG_NONE	U32_MAX

/**
 * struct memdiag_memcg_label - a memory cgroup as records show it
 * @id: number of the cgroup
 * @path: string: its path
 * @state: string: online, offline or dying
 */
struct memdiag_memcg_label {
	u64 id;
	u64 path;
	u64 state;
};

/* memcg.c */
struct cgroup_subsys_state *memdiag_memcg_root(void);
unsigned int memdiag_memcg_nr(void);
void memdiag_memcg_label(struct memdiag_sink *sink, struct cgroup_subsys_state *css,
			 char *path, struct memdiag_memcg_label *label);

/* table.c */
struct memdiag_memcgs *memdiag_memcgs_get(void);
void memdiag_memcgs_put(struct memdiag_memcgs *memcgs);
u32 memdiag_memcgs_of_objcg(const struct memdiag_memcgs *memcgs, unsigned long objcg, u32 *from);
u32 memdiag_memcgs_of_page(const struct memdiag_memcgs *memcgs, unsigned long data);
void memdiag_memcgs_label(const struct memdiag_memcgs *memcgs, u32 nr, struct memdiag_sink *sink,
			  char *path, struct memdiag_memcg_label *label);

#endif /* _MEMDIAG_MEMCG_H */
