/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The items of memory.stat: which there are on this kernel, and their values
 * for one memory cgroup.
 */
#ifndef _MEMDIAG_MEMCG_STAT_H
#define _MEMDIAG_MEMCG_STAT_H

#include <linux/types.h>

struct cgroup_subsys_state;
struct mem_cgroup;

/* Numbers of the kernel that one item can be the sum of. */
#define MEMDIAG_MEMCG_MAX_TERMS	6

/**
 * struct memdiag_memcg_item - one item of memory.stat
 * @name: its name in memory.stat of cgroup v2
 * @line: its name in the memory.stat that the kernel prints, "" if it does not
 * @help: what it counts
 * @is_event: it counts events; else it is memory, in bytes
 * @from_events: its terms are in events[]; else in state[]
 * @unit: what one of the kernel's numbers stands for, in units of the item
 * @nr_terms: how many of the kernel's numbers it is the sum of; 0: not known
 * @terms: their places in the array
 */
struct memdiag_memcg_item {
	char name[40];
	char line[40];
	const char *help;
	bool is_event;
	bool from_events;
	unsigned int unit;
	unsigned int nr_terms;
	u16 terms[MEMDIAG_MEMCG_MAX_TERMS];
};

int memdiag_memcg_stat_init(struct cgroup_subsys_state *root, char *reason,
			    size_t size);
void memdiag_memcg_stat_exit(void);
unsigned int memdiag_memcg_stat_nr(void);
const struct memdiag_memcg_item *memdiag_memcg_stat_item(unsigned int i);
int memdiag_memcg_stat_index(const char *name);
bool memdiag_memcg_stat_is_direct(void);
void memdiag_memcg_stat_read(const struct mem_cgroup *memcg, u64 *values);
int memdiag_memcg_stat_text(struct cgroup_subsys_state *css, u64 *values);
unsigned int memdiag_memcg_stat_parse(char *text,
				      const struct memdiag_memcg_item *items,
				      unsigned int nr, u64 *values);

#endif /* _MEMDIAG_MEMCG_STAT_H */
