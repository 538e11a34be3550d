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
/* Items of memory.stat: more than any kernel has; about 80 on v7.3. */
#define MEMDIAG_MEMCG_MAX_ITEMS	128

/**
 * struct memdiag_memcg_item - one item of memory.stat
 * @name: its name in memory.stat of cgroup v2
 * @line: its name in the memory.stat that the kernel prints, "" if it does not
 * @help: what it counts
 * @enumerators: the kernel's names for what it is the sum of; NULL: its own name in
 *	capitals
 * @newer: the name that the first of them was given later, or NULL
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
	const char * const *enumerators;
	const char *newer;
	bool is_event;
	bool from_events;
	unsigned int unit;
	unsigned int nr_terms;
	u16 terms[MEMDIAG_MEMCG_MAX_TERMS];
};

/**
 * struct memdiag_memcg_table - the items of memory.stat
 * @items: MEMDIAG_MEMCG_MAX_ITEMS of them, or NULL
 * @nr: how many of these are used
 * @state_offset: of the array state[] from what memdiag_memcg_vmstats() returns, bytes
 * @events_offset: the same of events[]
 */
struct memdiag_memcg_table {
	struct memdiag_memcg_item *items;
	unsigned int nr;
	u32 state_offset;
	u32 events_offset;
};

/* stat_table.c: which items there are, and how they are called */
int memdiag_memcg_table_learn(struct memdiag_memcg_table *table, char *text);
void memdiag_memcg_table_keep(struct memdiag_memcg_table *table, const unsigned long *keep);
void memdiag_memcg_table_free(struct memdiag_memcg_table *table);
int memdiag_memcg_table_index(const struct memdiag_memcg_table *table, const char *name);
unsigned int memdiag_memcg_stat_parse(char *text,
				      const struct memdiag_memcg_item *items,
				      unsigned int nr, u64 *values);

/* stat_places.c: where in the kernel's structures they are */
int memdiag_memcg_places_learn(struct memdiag_memcg_table *table, char *reason, size_t size);

/* stat.c: their values */
int memdiag_memcg_stat_init(struct cgroup_subsys_state *root, char *reason,
			    size_t size);
void memdiag_memcg_stat_exit(void);
unsigned int memdiag_memcg_stat_nr(void);
const struct memdiag_memcg_item *memdiag_memcg_stat_item(unsigned int i);
int memdiag_memcg_stat_index(const char *name);
bool memdiag_memcg_stat_is_direct(void);
void memdiag_memcg_stat_read(const struct mem_cgroup *memcg, u64 *values);
int memdiag_memcg_stat_text(struct cgroup_subsys_state *css, u64 *values);

#endif /* _MEMDIAG_MEMCG_STAT_H */
