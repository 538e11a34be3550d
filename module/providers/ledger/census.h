/* SPDX-License-Identifier: GPL-2.0-only */
/* The walk over all page frames, which the sections of the census share. */
#ifndef _MEMDIAG_PROVIDERS_CENSUS_H
#define _MEMDIAG_PROVIDERS_CENSUS_H

#include <linux/mmzone.h>
#include <linux/types.h>

/*
 * What a page frame is, by looking at it. See memdiag_census_kinds[] for the names
 * and for what is meant.
 */
enum memdiag_page_kind {
	MEMDIAG_KIND_BUDDY,
	MEMDIAG_KIND_PCP,
	MEMDIAG_KIND_ANON,
	MEMDIAG_KIND_SWAP_CACHE,
	MEMDIAG_KIND_FILE,
	MEMDIAG_KIND_SHMEM,
	MEMDIAG_KIND_ORPHAN,
	MEMDIAG_KIND_DRIVER_MOVABLE,
	MEMDIAG_KIND_SLAB,
	MEMDIAG_KIND_LARGE_KMALLOC,
	MEMDIAG_KIND_PAGE_TABLE,
	MEMDIAG_KIND_HUGETLB_FREE,
	MEMDIAG_KIND_HUGETLB_USED,
	MEMDIAG_KIND_PAGE_POOL,
	MEMDIAG_KIND_ZSMALLOC,
	MEMDIAG_KIND_KERNEL,
	MEMDIAG_KIND_COMPOUND,
	MEMDIAG_KIND_UNCOUNTED,
	MEMDIAG_KIND_RESERVED,
	MEMDIAG_KIND_OFFLINE,
	MEMDIAG_KIND_GUARD,
	MEMDIAG_KIND_UNACCEPTED,
	MEMDIAG_KIND_POISONED,
	MEMDIAG_NR_PAGE_KINDS
};

extern const char * const memdiag_census_kinds[MEMDIAG_NR_PAGE_KINDS];

/* No page is larger: of hugetlb, 16 GiB in pages of 4 KiB. */
#define MEMDIAG_CENSUS_ORDERS	23

/**
 * struct memdiag_census_block - pages that belong together
 * @page: the first one
 * @head: the first one of the whole, which may be of an earlier block
 * @pfn: its number
 * @nr: pages of this block; the whole may go on in the next one
 * @order: the whole has 2^order pages
 * @kind: enum memdiag_page_kind
 * @migratetype: of the pageblock; MIGRATE_TYPES if not known
 */
struct memdiag_census_block {
	struct page *page;
	struct page *head;
	unsigned long pfn;
	unsigned long nr;
	unsigned int order;
	unsigned int kind;
	int migratetype;
};

/**
 * struct memdiag_census_count - pages, added up
 * @pages: per kind, order and migratetype, the last of which is "not known"
 */
struct memdiag_census_count {
	u64 pages[MEMDIAG_NR_PAGE_KINDS][MEMDIAG_CENSUS_ORDERS][MIGRATE_TYPES + 1];
};

/**
 * struct memdiag_census_walk - a walk over the page frames of one zone
 * @zone: the zone
 * @count: where to add up each block; NULL: call @visit, an indirect call that
 *	costs more than the look at the page
 * @visit: called with each block, under rcu_read_lock(); must not sleep
 * @arg: the caller's
 * @pfn: where the next step begins
 * @end: where the zone ends
 * @frames: page frames looked at
 * @steps: steps taken
 * @longest_ns: the longest step
 *
 * All numbers but those given are the walk's own and start as zero.
 */
struct memdiag_census_walk {
	struct zone *zone;
	struct memdiag_census_count *count;
	void (*visit)(struct memdiag_census_walk *walk,
		      const struct memdiag_census_block *block);
	void *arg;
	unsigned long pfn;
	unsigned long end;
	unsigned long frames;
	unsigned long steps;
	u64 longest_ns;
	/* private: */
	unsigned long rest;
	unsigned int rest_kind;
	unsigned int rest_order;
	/* Found in a list within this step, by a look beyond the block before it. */
	const struct page *linked;
};

void memdiag_census_begin(struct memdiag_census_walk *walk, struct zone *zone);
bool memdiag_census_step(struct memdiag_census_walk *walk);
int memdiag_census_zone(struct memdiag_census_walk *walk, struct zone *zone);
int memdiag_census_walk_init(void);
void memdiag_census_walk_exit(void);

#endif /* _MEMDIAG_PROVIDERS_CENSUS_H */
