/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Zones, as the providers of zones, buddy lists and pageblocks walk them: all
 * zones of all online nodes, in the order of /proc/zoneinfo.
 *
 * No lock: neither nodes nor zones are ever freed. Memory hotplug can empty or
 * fill a zone, and take a node offline, while it is looked at; what is read
 * then is a mixture of before and after, as in /proc/zoneinfo. But what a zone has
 * per CPU is freed when the last of its memory goes: between memdiag_zones_lock() and
 * memdiag_zones_unlock() it stays, unless memdiag_zone_is_going().
 *
 * for_each_zone() cannot be used: next_zone() is not exported.
 */
#ifndef _MEMDIAG_READERS_ZONES_H
#define _MEMDIAG_READERS_ZONES_H

#include "../compat/mmzone.h"

void memdiag_zones_init(void);
void memdiag_zones_exit(void);
void memdiag_zones_lock(void);
void memdiag_zones_unlock(void);
bool memdiag_zone_is_going(const struct zone *zone);

static inline struct zone *memdiag_first_zone(void)
{
	return NODE_DATA(first_online_node)->node_zones;
}

static inline struct zone *memdiag_next_zone(struct zone *zone)
{
	struct pglist_data *pgdat = zone->zone_pgdat;
	int node;

	if (zone < pgdat->node_zones + MAX_NR_ZONES - 1)
		return zone + 1;
	node = next_online_node(pgdat->node_id);
	return node < MAX_NUMNODES ? NODE_DATA(node)->node_zones : NULL;
}

#define memdiag_for_each_zone(zone)					\
	for ((zone) = memdiag_first_zone(); (zone);			\
	     (zone) = memdiag_next_zone(zone))

static inline struct zone *memdiag_skip_unpopulated(struct zone *zone)
{
	while (zone && !populated_zone(zone))
		zone = memdiag_next_zone(zone);
	return zone;
}

#define memdiag_for_each_populated_zone(zone)				\
	for ((zone) = memdiag_skip_unpopulated(memdiag_first_zone()); (zone); \
	     (zone) = memdiag_skip_unpopulated(memdiag_next_zone(zone)))

/* Enough room at the first try, but for memory hotplug in the middle. */
static inline unsigned int memdiag_nr_zones(void)
{
	return num_online_nodes() * MAX_NR_ZONES;
}

static inline unsigned int memdiag_nr_populated_zones(void)
{
	struct zone *zone;
	unsigned int n = 0;

	memdiag_for_each_populated_zone(zone)
		n++;
	return n;
}

/* Free pages in a CPU's lists; the owner changes it under its lock, it is one word. */
static inline unsigned long memdiag_zone_pcp_count(const struct zone *zone, int cpu)
{
	return READ_ONCE(memdiag_zone_pcp(zone, cpu)->count);
}

/* A watermark as the kernel's *_wmark_pages(): with the boost. */
static inline unsigned long memdiag_zone_wmark(const struct zone *zone, int i)
{
	return READ_ONCE(zone->_watermark[i]) + READ_ONCE(zone->watermark_boost);
}

/*
 * Free pages to hold against a watermark: as zone_watermark_ok_safe() does,
 * with the per-cpu part where the drift of the counter could matter.
 */
static inline long memdiag_zone_free(struct zone *zone)
{
	long free = zone_page_state(zone, NR_FREE_PAGES);

	memdiag_zones_lock();
	if (zone->percpu_drift_mark && free < zone->percpu_drift_mark &&
	    !memdiag_zone_is_going(zone))
		free = zone_page_state_snapshot(zone, NR_FREE_PAGES);
	memdiag_zones_unlock();
	return free;
}

/*
 * Free pages that an ordinary request cannot have: __zone_watermark_unusable_free()
 * without the part for its order. Where the kernel does not count the free pages
 * among those reserved for high-order atomic requests it takes all of them.
 */
static inline long memdiag_zone_unusable(struct zone *zone, bool use_cma)
{
	u64 unusable = memdiag_zone_free_highatomic(zone);

	if (unusable == MEMDIAG_ABSENT)
		unusable = READ_ONCE(zone->nr_reserved_highatomic);
	if (IS_ENABLED(CONFIG_CMA) && !use_cma)
		unusable += zone_page_state(zone, NR_FREE_CMA_PAGES);
	return unusable;
}

#endif /* _MEMDIAG_READERS_ZONES_H */
