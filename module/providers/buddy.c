// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections buddy, fragmentation and pageblock: the free blocks of each zone, and
 * what they are good for. Only zones that have pages, as in /proc/buddyinfo.
 *
 * buddy counts blocks per migratetype, which the kernel does not do: it has to
 * walk the free lists under zone->lock with interrupts off, as the reader of
 * /proc/pagetypeinfo does, whose holds have been long enough to trip the hard
 * lockup detector. Here one hold is one order of one zone and takes at most
 * BUDDY_STEPS steps. All lists of the order advance together, and the hold ends
 * when only one has not come to its end: nr_free of the order, exact under the
 * lock, minus the others is its length. So the longest list, the one that
 * matters, is never walked further than the second longest; only when two or
 * more are left after BUDDY_STEPS steps their numbers are lower bounds. Orders
 * are looked at one after the other, so their sum can differ from "free".
 *
 * fragmentation reads nr_free without a lock, as the kernel does for its own
 * indexes: one pass over all orders of a zone, then the indexes are computed from
 * these numbers. Its verdict is on a movable request of a process
 * (GFP_HIGHUSER_MOVABLE) that is to be served from the zone's buddy lists above
 * the min watermark, without reclaim or compaction: "available", or what stands
 * against it. "watermark": there is a block, but too little free memory;
 * "reserved": all such blocks are, for high-order atomic requests or isolated;
 * "fragmentation" or "lack of memory": there is none, and which of the two it is
 * by the fragmentation index.
 *
 * pageblock walks the page frames of a zone by pageblock, without a lock, and
 * reads each block's type from the zone's bitmap: the same blocks in the same
 * steps as /proc/pagetypeinfo. A block may change its type meanwhile. It skips
 * offline memory, and blocks that begin in another zone.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "../memdiag.h"
#include "../readers/zones.h"

/* Most steps along free lists in one hold of zone->lock: below 1 ms. */
#define BUDDY_STEPS		8192
/* Pageblocks between two looks at the scheduler. */
#define PAGEBLOCK_BATCH		1024

struct buddy_record {
	u64 node;
	u64 zone;
	u64 migratetype;
	u64 order;
	u64 nr_free;
	u64 pages;
	u64 exact;
};

static const struct memdiag_field_desc buddy_fields[] = {
	MEMDIAG_LABEL(buddy_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(buddy_record, zone, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(buddy_record, migratetype, STR, NONE, KEY_BRIEF,
		      "what the blocks are to be used for"),
	MEMDIAG_LABEL(buddy_record, order, U64, NONE, KEY_BRIEF, "a block has 2^order pages"),
	MEMDIAG_GAUGE(buddy_record, nr_free, U64, NONE, INEXACT_BRIEF,
		      "free blocks; a lower bound where exact is 0"),
	MEMDIAG_GAUGE(buddy_record, pages, U64, PAGES, INEXACT_BRIEF,
		      "pages in these blocks; a lower bound where exact is 0"),
	MEMDIAG_LABEL(buddy_record, exact, BOOL, NONE, 0,
		      "1: counted to the end; 0: this and another list of the order were too long"),
};

/* Free blocks of one order per migratetype. */
struct buddy_count {
	unsigned long nr_free[MIGRATE_TYPES];
	bool exact[MIGRATE_TYPES];
};

static void buddy_count_order(struct memdiag_sink *sink, struct zone *zone, int order,
			      struct buddy_count *count)
{
	const struct free_area *area = &zone->free_area[order];
	const struct list_head *at[MIGRATE_TYPES];
	unsigned int steps = 0, open = 0;
	unsigned long flags, known = 0;
	int mt;

	memset(count, 0, sizeof(*count));
	spin_lock_irqsave(&zone->lock, flags);
	memdiag_lock_begin(sink);

	for (mt = 0; mt < MIGRATE_TYPES; mt++) {
		at[mt] = area->free_list[mt].next;
		count->exact[mt] = at[mt] == &area->free_list[mt];
		open += !count->exact[mt];
	}
	while (open > 1 && steps < BUDDY_STEPS) {
		for (mt = 0; mt < MIGRATE_TYPES; mt++) {
			if (count->exact[mt])
				continue;
			steps++;
			count->nr_free[mt]++;
			at[mt] = at[mt]->next;
			if (at[mt] == &area->free_list[mt]) {
				count->exact[mt] = true;
				open--;
			}
		}
	}
	if (open == 1) {
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			if (count->exact[mt])
				known += count->nr_free[mt];
		for (mt = 0; mt < MIGRATE_TYPES; mt++) {
			if (count->exact[mt])
				continue;
			count->nr_free[mt] = area->nr_free - known;
			count->exact[mt] = true;
		}
	}

	memdiag_lock_end(sink);
	spin_unlock_irqrestore(&zone->lock, flags);
}

static int buddy_push(struct memdiag_sink *sink, const struct zone *zone,
		      const struct buddy_count *count)
{
	u64 name = memdiag_push_string(sink, zone->name);
	unsigned int order;
	int mt;

	for (mt = 0; mt < MIGRATE_TYPES; mt++) {
		u64 type = memdiag_push_string(sink, memdiag_migratetype_name(mt));

		for (order = 0; order < NR_PAGE_ORDERS; order++) {
			struct buddy_record *record = memdiag_push(sink);

			if (!record)
				return -ENOSPC;
			record->node = zone->zone_pgdat->node_id;
			record->zone = name;
			record->migratetype = type;
			record->order = order;
			record->nr_free = count[order].nr_free[mt];
			record->pages = record->nr_free << order;
			record->exact = count[order].exact[mt];
			if (!record->exact)
				memdiag_mark_partial(sink, "node %d zone %s order %u: two lists of over %u blocks",
						     zone->zone_pgdat->node_id,
						     zone->name, order,
						     BUDDY_STEPS / MIGRATE_TYPES);
		}
	}
	return 0;
}

static int buddy_collect(struct memdiag_sink *sink)
{
	struct buddy_count count[NR_PAGE_ORDERS];
	struct zone *zone;
	unsigned int order;
	int error;

	memdiag_for_each_populated_zone(zone) {
		for (order = 0; order < NR_PAGE_ORDERS; order++) {
			buddy_count_order(sink, zone, order, &count[order]);
			cond_resched();
		}
		error = buddy_push(sink, zone, count);
		if (error)
			return error;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static unsigned int buddy_estimate(void)
{
	return memdiag_nr_populated_zones() * MIGRATE_TYPES * NR_PAGE_ORDERS;
}

const struct memdiag_provider memdiag_buddy_provider = {
	.id = MEMDIAG_SEC_BUDDY,
	.name = "buddy",
	.help = "per zone, migratetype and order: free blocks",
	MEMDIAG_RECORDS(buddy_fields, buddy_record),
	.buffers = MEMDIAG_BUFFERS_BY_PAGES,
	.estimate = buddy_estimate,
	.collect = buddy_collect,
};

struct fragmentation_record {
	u64 node;
	u64 zone;
	u64 order;
	u64 nr_free;
	u64 free_blocks_suitable;
	u64 unusable_index;
	u64 fragmentation_index;
	u64 available_now;
	u64 available_kernel;
	u64 verdict;
};

static const struct memdiag_field_desc fragmentation_fields[] = {
	MEMDIAG_LABEL(fragmentation_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(fragmentation_record, zone, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(fragmentation_record, order, U64, NONE, KEY_BRIEF,
		      "a request for 2^order pages in one block"),
	MEMDIAG_GAUGE(fragmentation_record, nr_free, U64, NONE, BRIEF,
		      "free blocks of this very order, as in buddyinfo"),
	MEMDIAG_GAUGE(fragmentation_record, free_blocks_suitable, U64, NONE, 0,
		      "free blocks of this order if all larger ones were split"),
	MEMDIAG_GAUGE(fragmentation_record, unusable_index, U64, PERMILLE, BRIEF,
		      "part of the free memory that is in smaller blocks"),
	MEMDIAG_GAUGE(fragmentation_record, fragmentation_index, S64, PERMILLE, BRIEF,
		      "why it fails: 0 lack of memory, 1000 fragmentation; -1000: it does not"),
	MEMDIAG_GAUGE(fragmentation_record, available_now, BOOL, NONE, BRIEF,
		      "GFP_HIGHUSER_MOVABLE gets it above the min watermark, without reclaim"),
	MEMDIAG_GAUGE(fragmentation_record, available_kernel, BOOL, NONE, 0,
		      "the same for GFP_KERNEL: not from CMA, nor from zones above Normal"),
	MEMDIAG_LABEL(fragmentation_record, verdict, STR, NONE, BRIEF,
		      "available, or what stands against it: watermark, reserved, fragmentation, lack of memory"),
};

/* As the kernel's struct contig_page_info. */
struct fragmentation_info {
	unsigned long nr_free[NR_PAGE_ORDERS];
	unsigned long free_pages;
	unsigned long free_blocks_total;
};

static void fragmentation_read(const struct zone *zone, struct fragmentation_info *info)
{
	unsigned int order;

	memset(info, 0, sizeof(*info));
	for (order = 0; order < NR_PAGE_ORDERS; order++) {
		/* Lockless, as fill_contig_page_info() reads it for the same indexes. */
		unsigned long blocks = data_race(zone->free_area[order].nr_free);

		info->nr_free[order] = blocks;
		info->free_blocks_total += blocks;
		info->free_pages += blocks << order;
	}
}

static unsigned long fragmentation_suitable(const struct fragmentation_info *info,
					    unsigned int order)
{
	unsigned long blocks = 0;
	unsigned int o;

	for (o = order; o < NR_PAGE_ORDERS; o++)
		blocks += info->nr_free[o] << (o - order);
	return blocks;
}

/* unusable_free_index() of mm/vmstat.c */
static u64 fragmentation_unusable(const struct fragmentation_info *info,
				  unsigned int order, unsigned long suitable)
{
	if (!info->free_pages)
		return 1000;
	return div64_u64((info->free_pages - (suitable << order)) * 1000ULL,
			 info->free_pages);
}

/* __fragmentation_index() of mm/vmstat.c */
static s64 fragmentation_index_of(const struct fragmentation_info *info,
				  unsigned int order, unsigned long suitable)
{
	if (!info->free_blocks_total)
		return 0;
	if (suitable)
		return -1000;
	return 1000 - (s64)div64_u64(1000 + ((info->free_pages * 1000ULL) >> order),
				     info->free_blocks_total);
}

/* Whether a block of @order or larger is on a list that such a request may use. */
static bool fragmentation_has_block(const struct zone *zone, unsigned int order, bool use_cma)
{
	unsigned int o;
	int mt;

	for (o = order; o < NR_PAGE_ORDERS; o++) {
		const struct free_area *area = &zone->free_area[o];

		/* Only whether a list is empty: the allocator looks without lock too. */
		for (mt = 0; mt < MIGRATE_PCPTYPES; mt++)
			if (!list_empty(&area->free_list[mt]))
				return true;
		if (use_cma && memdiag_cma_free(area))
			return true;
	}
	return false;
}

/*
 * The amount of memory in __zone_watermark_ok(), for a request that may reach up
 * to the zone @highest and may not dip into reserves, against the min watermark:
 * what is tried before reclaim and compaction are entered.
 */
static bool fragmentation_watermark_ok(struct zone *zone, unsigned int order,
				       int highest, bool use_cma)
{
	long free = memdiag_zone_free(zone) - memdiag_zone_unusable(zone, use_cma) -
		    ((1L << order) - 1);

	return free > (long)memdiag_zone_wmark(zone, WMARK_MIN) +
		      READ_ONCE(zone->lowmem_reserve[highest]);
}

static const char *fragmentation_verdict(const struct fragmentation_record *record,
					 bool has_block)
{
	if (record->available_now)
		return "available";
	if (has_block)
		return "watermark";
	if (record->free_blocks_suitable)
		return "reserved";
	/* 500 is the default of vm.extfrag_threshold, where compaction draws the line. */
	if ((s64)record->fragmentation_index > 500)
		return "fragmentation";
	return "lack of memory";
}

static int fragmentation_collect(struct memdiag_sink *sink)
{
	struct fragmentation_info info;
	struct zone *zone;
	unsigned int order;
	bool has_block;

	memdiag_for_each_populated_zone(zone) {
		u64 name = memdiag_push_string(sink, zone->name);
		bool kernel = zone_idx(zone) <= ZONE_NORMAL;

		fragmentation_read(zone, &info);
		for (order = 0; order < NR_PAGE_ORDERS; order++) {
			struct fragmentation_record *record = memdiag_push(sink);
			unsigned long suitable = fragmentation_suitable(&info, order);

			if (!record)
				return -ENOSPC;
			record->node = zone->zone_pgdat->node_id;
			record->zone = name;
			record->order = order;
			record->nr_free = info.nr_free[order];
			record->free_blocks_suitable = suitable;
			record->unusable_index = fragmentation_unusable(&info, order, suitable);
			record->fragmentation_index =
				(u64)fragmentation_index_of(&info, order, suitable);
			has_block = fragmentation_has_block(zone, order, true);
			record->available_now = has_block &&
				fragmentation_watermark_ok(zone, order, ZONE_MOVABLE, true);
			record->available_kernel = kernel &&
				fragmentation_has_block(zone, order, false) &&
				fragmentation_watermark_ok(zone, order, ZONE_NORMAL, false);
			record->verdict = memdiag_push_string(sink,
					fragmentation_verdict(record, has_block));
		}
	}
	return 0;
}

static unsigned int fragmentation_estimate(void)
{
	return memdiag_nr_populated_zones() * NR_PAGE_ORDERS;
}

const struct memdiag_provider memdiag_fragmentation_provider = {
	.id = MEMDIAG_SEC_FRAGMENTATION,
	.name = "fragmentation",
	.help = "per zone and order: can a block of that order be had now, and if not, why",
	MEMDIAG_RECORDS(fragmentation_fields, fragmentation_record),
	.buffers = MEMDIAG_BUFFERS_BY_PAGES,
	.estimate = fragmentation_estimate,
	.collect = fragmentation_collect,
};

struct pageblock_record {
	u64 node;
	u64 zone;
	u64 migratetype;
	u64 nr_pageblocks;
};

static const struct memdiag_field_desc pageblock_fields[] = {
	MEMDIAG_LABEL(pageblock_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(pageblock_record, zone, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(pageblock_record, migratetype, STR, NONE, KEY_BRIEF,
		      "what pages of the block are to be used for"),
	MEMDIAG_GAUGE(pageblock_record, nr_pageblocks, U64, NONE, BRIEF,
		      "blocks of 2^pageblock_order pages; as /proc/pagetypeinfo counts them"),
};

static int pageblock_count(struct zone *zone, unsigned long *count)
{
	unsigned long start = READ_ONCE(zone->zone_start_pfn);
	unsigned long end = start + READ_ONCE(zone->spanned_pages);
	unsigned long pfn, n = 0;
	struct page *page;
	int mt;

	memset(count, 0, MIGRATE_TYPES * sizeof(*count));
	for (pfn = start; pfn < end; pfn += pageblock_nr_pages) {
		/* Keeps the bitmap of a section that is just taken offline. */
		rcu_read_lock();
		page = pfn_to_online_page(pfn);
		mt = page && page_zone(page) == zone ?
		     memdiag_pageblock_migratetype(page, pfn) : -1;
		rcu_read_unlock();
		if (mt >= 0 && mt < MIGRATE_TYPES)
			count[mt]++;
		if (++n % PAGEBLOCK_BATCH == 0) {
			cond_resched();
			if (fatal_signal_pending(current))
				return -EINTR;
		}
	}
	return 0;
}

static int pageblock_collect(struct memdiag_sink *sink)
{
	unsigned long count[MIGRATE_TYPES];
	struct zone *zone;
	int mt, error;

	memdiag_for_each_populated_zone(zone) {
		u64 name = memdiag_push_string(sink, zone->name);

		error = pageblock_count(zone, count);
		if (error)
			return error;
		for (mt = 0; mt < MIGRATE_TYPES; mt++) {
			struct pageblock_record *record = memdiag_push(sink);

			if (!record)
				return -ENOSPC;
			record->node = zone->zone_pgdat->node_id;
			record->zone = name;
			record->migratetype =
				memdiag_push_string(sink, memdiag_migratetype_name(mt));
			record->nr_pageblocks = count[mt];
		}
	}
	return 0;
}

static unsigned int pageblock_estimate(void)
{
	return memdiag_nr_populated_zones() * MIGRATE_TYPES;
}

static void __init pageblock_init(struct memdiag_status *status)
{
	if (memdiag_can_read_pageblocks())
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
	else
		memdiag_set_unavailable(status, -EOPNOTSUPP,
					"the size of a pageblock is not known to modules here");
}

const struct memdiag_provider memdiag_pageblock_provider __refconst = {
	.id = MEMDIAG_SEC_PAGEBLOCK,
	.name = "pageblock",
	.help = "per zone and migratetype: number of pageblocks",
	MEMDIAG_RECORDS(pageblock_fields, pageblock_record),
	.init = pageblock_init,
	.estimate = pageblock_estimate,
	.collect = pageblock_collect,
};
