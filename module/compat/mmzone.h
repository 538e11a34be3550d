/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/mmzone.h> and <linux/pageblock-flags.h>, what differs between kernels. */
#ifndef _MEMDIAG_COMPAT_MMZONE_H
#define _MEMDIAG_COMPAT_MMZONE_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pageblock-flags.h>
#include <linux/percpu.h>
#include <linux/stddef.h>
#include <linux/vmstat.h>

#include "../memdiag.h"

/*
 * NR_PAGE_ORDERS came with fd37721803c6 ("mm, treewide: introduce
 * NR_PAGE_ORDERS", in v6.8). Before, MAX_ORDER was that number up to v6.3 and
 * one less from 23baf831a32c on (in v6.4): the array itself knows.
 */
#ifndef NR_PAGE_ORDERS
#define NR_PAGE_ORDERS	(sizeof_field(struct zone, free_area) / sizeof(struct free_area))
#endif

/*
 * When the per-cpu statistics of a zone moved from struct per_cpu_pageset to
 * struct per_cpu_zonestat (in v5.14), the NUMA items among them got another name
 * as well. All of these are members and enumerators, so Kbuild looks.
 */
#ifndef MEMDIAG_HAVE_ZONESTATS
#define NR_VM_NUMA_EVENT_ITEMS	NR_VM_NUMA_STAT_ITEMS
#endif

/**
 * memdiag_pageblock_order() - order of a pageblock
 *
 * The variable behind the macro is not exported where the order is chosen at
 * boot (powerpc with several huge page sizes).
 *
 * Return: the order, or -1 if it is not known here.
 */
static inline int memdiag_pageblock_order(void)
{
#ifdef CONFIG_HUGETLB_PAGE_SIZE_VARIABLE
	return -1;
#else
	return pageblock_order;
#endif
}

/**
 * memdiag_migratetype_name() - as /proc/pagetypeinfo names it
 * @migratetype: 0 <= @migratetype < MIGRATE_TYPES
 *
 * migratetype_names[] is not exported.
 *
 * Return: a constant string.
 */
static inline const char *memdiag_migratetype_name(int migratetype)
{
	switch (migratetype) {
	case MIGRATE_UNMOVABLE: return "Unmovable";
	case MIGRATE_MOVABLE: return "Movable";
	case MIGRATE_RECLAIMABLE: return "Reclaimable";
	case MIGRATE_HIGHATOMIC: return "HighAtomic";
#ifdef CONFIG_CMA
	case MIGRATE_CMA: return "CMA";
#endif
#ifdef CONFIG_MEMORY_ISOLATION
	case MIGRATE_ISOLATE: return "Isolate";
#endif
	}
	return "?";
}

/**
 * memdiag_cma_free() - whether there are free blocks of CMA in a free area
 * @area: the free area
 *
 * Return: true if there were, an instant ago.
 */
static inline bool memdiag_cma_free(const struct free_area *area)
{
#ifdef CONFIG_CMA
	return !list_empty(&area->free_list[MIGRATE_CMA]);
#else
	return false;
#endif
}

/*
 * The bits of a pageblock that are its migratetype. That it is isolated was one
 * of the types, then became a bit of its own, and the macro that told the number
 * of bits gave way to a mask.
 */
#ifdef PB_migratetype_bits
#define MEMDIAG_PB_MIGRATE_MASK	((1UL << PB_migratetype_bits) - 1)
#else
#define MEMDIAG_PB_MIGRATE_MASK	PAGEBLOCK_MIGRATETYPE_MASK
#endif

/**
 * memdiag_pageblock_migratetype() - type of a pageblock
 * @page: first page of the block, online
 * @pfn: its number
 *
 * What get_pfnblock_flags_mask() does, which is not exported. The map of a
 * section goes away with its memory and is freed through RCU.
 *
 * Context: under rcu_read_lock().
 *
 * Return: enum migratetype; negative if the block has no map.
 */
static inline int memdiag_pageblock_migratetype(const struct page *page, unsigned long pfn)
{
#ifndef CONFIG_HUGETLB_PAGE_SIZE_VARIABLE
	const unsigned long *bitmap;
	unsigned long bit, word;

#ifdef CONFIG_SPARSEMEM
	/* Pairs with the store when the section is taken down: either or. */
	const struct mem_section_usage *usage = READ_ONCE(__pfn_to_section(pfn)->usage);

	bitmap = usage ? usage->pageblock_flags : NULL;
	bit = pfn & (PAGES_PER_SECTION - 1);
#else
	const struct zone *zone = page_zone(page);

	bitmap = zone->pageblock_flags;
	bit = pfn - ALIGN_DOWN(zone->zone_start_pfn, pageblock_nr_pages);
#endif
	if (!bitmap)
		return -1;
	bit = (bit >> pageblock_order) * NR_PAGEBLOCK_BITS;
	/* Races with set_pfnblock_flags_mask() as the kernel's own reader does. */
	word = READ_ONCE(bitmap[bit / BITS_PER_LONG]) >> bit % BITS_PER_LONG;
#if defined(MEMDIAG_HAVE_PB_ISOLATE) && defined(CONFIG_MEMORY_ISOLATION)
	if (word & BIT(PB_migrate_isolate))
		return MIGRATE_ISOLATE;
#endif
	return word & MEMDIAG_PB_MIGRATE_MASK;
#else
	return -1;
#endif
}

/**
 * memdiag_can_read_pageblocks() - whether the function above can work at all
 *
 * Return: false if the size of a pageblock is not known here.
 */
static inline bool memdiag_can_read_pageblocks(void)
{
	return !IS_ENABLED(CONFIG_HUGETLB_PAGE_SIZE_VARIABLE);
}

/**
 * memdiag_zone_free_highatomic() - free pages reserved for high-order atomic use
 * @zone: the zone
 *
 * The exact number came with c928807f6f6b ("mm/page_alloc: keep track of free
 * highatomic", in v6.12) and its backports. It is a member, so Kbuild looks.
 *
 * Return: pages; MEMDIAG_ABSENT where the kernel does not count them.
 */
static inline u64 memdiag_zone_free_highatomic(const struct zone *zone)
{
#ifdef MEMDIAG_HAVE_NR_FREE_HIGHATOMIC
	return READ_ONCE(zone->nr_free_highatomic);
#else
	return MEMDIAG_ABSENT;
#endif
}

/**
 * memdiag_pcp_high_min() - lower bound of the automatic pcp->high
 * @pcp: per-cpu lists
 *
 * With 90b41691b988 ("mm: add framework for PCP high auto-tuning", in v6.7) a
 * range came in. It is a member, so Kbuild looks.
 *
 * Return: pages; MEMDIAG_ABSENT where there is none.
 */
static inline u64 memdiag_pcp_high_min(const struct per_cpu_pages *pcp)
{
#ifdef MEMDIAG_HAVE_PCP_HIGH_MIN
	return READ_ONCE(pcp->high_min);
#else
	return MEMDIAG_ABSENT;
#endif
}

/**
 * memdiag_pcp_high_max() - upper bound of the automatic pcp->high
 * @pcp: per-cpu lists
 *
 * Return: pages; MEMDIAG_ABSENT where there is none.
 */
static inline u64 memdiag_pcp_high_max(const struct per_cpu_pages *pcp)
{
#ifdef MEMDIAG_HAVE_PCP_HIGH_MIN
	return READ_ONCE(pcp->high_max);
#else
	return MEMDIAG_ABSENT;
#endif
}

/**
 * memdiag_thp_unit() - pages that 1 in an item of transparent huge pages stands for
 *
 * See memdiag_node_item_unit().
 */
static inline unsigned int memdiag_thp_unit(void)
{
#if defined(MEMDIAG_HAVE_THP_IN_PAGES) || !defined(CONFIG_TRANSPARENT_HUGEPAGE)
	return 1;
#else
	return HPAGE_PMD_NR;
#endif
}

/**
 * memdiag_zone_stat_threshold() - "vm stats threshold" of a CPU
 * @zone: the zone
 * @cpu: the CPU
 *
 * Return: the threshold; MEMDIAG_ABSENT on a kernel for one CPU.
 */
static inline u64 memdiag_zone_stat_threshold(const struct zone *zone, int cpu)
{
#if !defined(CONFIG_SMP)
	return MEMDIAG_ABSENT;
#elif defined(MEMDIAG_HAVE_ZONESTATS)
	return READ_ONCE(per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold);
#else
	return READ_ONCE(per_cpu_ptr(zone->pageset, cpu)->stat_threshold);
#endif
}

/**
 * memdiag_zone_pcp() - per-cpu lists of a zone
 * @zone: a populated zone
 * @cpu: the CPU
 *
 * Context: between memdiag_zones_lock() and memdiag_zones_unlock(), if it is not going.
 *
 * Return: the lists, which are freed when the zone is emptied.
 */
static inline const struct per_cpu_pages *memdiag_zone_pcp(const struct zone *zone, int cpu)
{
#ifdef MEMDIAG_HAVE_ZONESTATS
	return per_cpu_ptr(READ_ONCE(zone->per_cpu_pageset), cpu);
#else
	return &per_cpu_ptr(READ_ONCE(zone->pageset), cpu)->pcp;
#endif
}

/*
 * Links that a list of free pages of a CPU has at most, where pages keep the links of
 * lists they are in no more: up to v5.13 those that one call of free_pcppages_bulk()
 * freed stay linked to each other. There the lists hold six batches of 63 pages.
 */
#ifdef MEMDIAG_HAVE_ZONESTATS
#define MEMDIAG_PCP_STALE_LINKS	0
#else
#define MEMDIAG_PCP_STALE_LINKS	400
#endif

/**
 * memdiag_zone_has_pcp_list() - whether a list is one of a zone's per-cpu lists
 * @zone: a zone
 * @list: anything; only the address is compared
 *
 * Context: any.
 *
 * Return: true if it is the head of one.
 */
static inline bool memdiag_zone_has_pcp_list(const struct zone *zone, const struct list_head *list)
{
	const struct per_cpu_pages *pcp;
	int cpu;

	for_each_online_cpu(cpu) {
		pcp = memdiag_zone_pcp(zone, cpu);
		if (list >= pcp->lists && list < pcp->lists + ARRAY_SIZE(pcp->lists))
			return true;
	}
	return false;
}

/**
 * memdiag_zone_cma() - pages of a zone set aside for CMA
 * @zone: the zone
 *
 * Return: pages; MEMDIAG_ABSENT where the kernel does not count them per zone,
 * as v5.10.
 */
static inline u64 memdiag_zone_cma(struct zone *zone)
{
#ifdef MEMDIAG_HAVE_ZONE_CMA_PAGES
	return zone_cma_pages(zone);
#else
	return MEMDIAG_ABSENT;
#endif
}

/**
 * memdiag_node_item_unit() - pages that a node item counts in one
 * @item: enum node_stat_item
 *
 * Items of transparent huge pages are printed in huge pages. In v5.10 they are
 * counted so as well.
 *
 * Return: HPAGE_PMD_NR if the item counts pages but is printed in huge pages,
 * else 1.
 */
static inline unsigned int memdiag_node_item_unit(int item)
{
#ifdef MEMDIAG_HAVE_THP_IN_PAGES
	if (vmstat_item_print_in_thp(item))
		return HPAGE_PMD_NR;
#endif
	return 1;
}

/**
 * memdiag_zone_numa_event() - a NUMA event counter of a zone
 * @zone: a populated zone
 * @item: enum numa_stat_item
 *
 * What was counted per CPU and not yet folded into the zone is added, without
 * folding. A fold in the middle would count twice or not at all: it shows as a
 * change of the zone's part, then the sum is made again, three times at most.
 *
 * Return: the number of events.
 */
static inline u64 memdiag_zone_numa_event(struct zone *zone, int item)
{
#ifdef CONFIG_NUMA
#ifdef MEMDIAG_HAVE_ZONESTATS
#define MEMDIAG_NUMA_FOLDED(zone)	((zone)->vm_numa_event)
#define MEMDIAG_NUMA_CPU(zone, cpu)	(per_cpu_ptr((zone)->per_cpu_zonestats, cpu)->vm_numa_event)
#else
#define MEMDIAG_NUMA_FOLDED(zone)	((zone)->vm_numa_stat)
#define MEMDIAG_NUMA_CPU(zone, cpu)	(per_cpu_ptr((zone)->pageset, cpu)->vm_numa_stat_diff)
#endif
	unsigned long folded, sum;
	int tries, cpu;

	for (tries = 0; tries < 3; tries++) {
		folded = atomic_long_read(&MEMDIAG_NUMA_FOLDED(zone)[item]);
		sum = folded;
		for_each_online_cpu(cpu)
			sum += READ_ONCE(MEMDIAG_NUMA_CPU(zone, cpu)[item]);
		if (folded == atomic_long_read(&MEMDIAG_NUMA_FOLDED(zone)[item]))
			break;
	}
	return sum;
#else
	return MEMDIAG_ABSENT;
#endif
}

/**
 * memdiag_kswapd_failures() - runs of kswapd that reclaimed nothing
 * @pgdat: the node
 *
 * An int up to v6.17, an atomic_t later: the same bytes.
 *
 * Return: their number since the last success.
 */
static inline int memdiag_kswapd_failures(const struct pglist_data *pgdat)
{
	BUILD_BUG_ON(sizeof(pgdat->kswapd_failures) != sizeof(int));
	return READ_ONCE(*(const int *)&pgdat->kswapd_failures);
}

/* From mm/internal.h, the same in v5.10 to v6.12: a node is given up then. */
#ifndef MAX_RECLAIM_RETRIES
#define MAX_RECLAIM_RETRIES	16
#endif

#endif /* _MEMDIAG_COMPAT_MMZONE_H */
