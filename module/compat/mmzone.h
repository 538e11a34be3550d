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
/* From v6.16 on the isolated state is a bit of its own, and this macro is gone. */
#if defined(PB_migratetype_bits) && !defined(CONFIG_HUGETLB_PAGE_SIZE_VARIABLE)
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
	word = READ_ONCE(bitmap[bit / BITS_PER_LONG]);
	return (word >> bit % BITS_PER_LONG) & ((1UL << PB_migratetype_bits) - 1);
#else
	return -1;
#endif
}

/**
 * memdiag_can_read_pageblocks() - whether the function above can work at all
 *
 * Return: false if the kernel keeps the types in a way that is not known here.
 */
static inline bool memdiag_can_read_pageblocks(void)
{
#if defined(PB_migratetype_bits) && !defined(CONFIG_HUGETLB_PAGE_SIZE_VARIABLE)
	return true;
#else
	return false;
#endif
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
 * memdiag_zone_stat_threshold() - "vm stats threshold" of a CPU
 * @zone: the zone
 * @cpu: the CPU
 *
 * Return: the threshold; MEMDIAG_ABSENT on a kernel for one CPU.
 */
static inline u64 memdiag_zone_stat_threshold(const struct zone *zone, int cpu)
{
#ifdef CONFIG_SMP
	return READ_ONCE(per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold);
#else
	return MEMDIAG_ABSENT;
#endif
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
	unsigned long folded, sum;
	int tries, cpu;

	for (tries = 0; tries < 3; tries++) {
		folded = atomic_long_read(&zone->vm_numa_event[item]);
		sum = folded;
		for_each_online_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(zone->per_cpu_zonestats, cpu)->vm_numa_event[item]);
		if (folded == atomic_long_read(&zone->vm_numa_event[item]))
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
