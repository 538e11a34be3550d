/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of known share: the numbers that a case looks at in a snapshot. */
#ifndef _TESTS_KNOWN_H
#define _TESTS_KNOWN_H

#include <stdbool.h>
#include <stdint.h>


/* More slab caches and callers of vmalloc() than any kernel of the list has. */
#define MAX_USERS	1024

/**
 * struct look - what a case looks at
 * @slab: a cache; caches of the same size that kmalloc() spreads over are added
 * @kind: kind of vmalloc areas
 * @owned: only those that the fixture asked for. By which function is the
 *	compiler's to choose: one that ends with vmalloc() is left before it
 * @pages: free pages
 */
struct look {
	const char *slab;
	const char *kind;
	bool owned;
	bool pages;
};

/**
 * struct user - of memory, as memdiag names it
 * @section: that says so: ledger, slab or vmalloc_caller
 * @name: the line, the cache, the caller
 * @pages: how many it has
 */
struct user {
	unsigned int section;
	char name[60];
	int64_t pages;
};

/* Numbers out of one snapshot, which is dropped at once: it takes memory too. */
struct seen {
	int64_t slab_active;
	int64_t slab_error;
	int64_t slab_num;
	int64_t slab_records;
	bool slab_by_pages;
	int64_t slab_arrays;
	int64_t areas;
	int64_t area_bytes;
	int64_t area_pages;
	int64_t sum_areas;
	int64_t sum_bytes;
	int64_t sum_pages;
	int64_t module_areas;
	int64_t module_bytes;
	int64_t zone_free;
	int64_t pcp;
	int64_t vmstat_free;
	int64_t buddy_free;
	int64_t percpu;
	int64_t fragmentation_free;
	unsigned int nr_users;
	struct user users[MAX_USERS];
};

/* The cache that kmalloc() takes @wanted bytes from: not every kernel has each size. */
const char *kmalloc_cache(unsigned int wanted, const char *usual);
/* Takes a snapshot of all sections: what is not looked at must do no harm. */
void look_at(const struct look *look, struct seen *seen);
/* Notes whose pages came or went between two looks, by what memdiag says itself. */
void note_users(const struct seen *a, const struct seen *b);

#endif /* _TESTS_KNOWN_H */
