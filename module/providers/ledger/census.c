// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections census, census_walk and misplaced: what every page frame is, found by
 * looking at it. They cost time in proportion to the memory, so they are only
 * collected when asked for.
 *
 * census adds up per zone, kind, order and migratetype of the pageblock. It is
 * the ground truth for the ledger, of whose lines it says nothing by counters:
 * free (with unaccepted) and free_pcp, anon and orphan (anon and unmapped), file (with
 * buffers), shmem, slab (large_kmalloc is part of it), page_table, hugetlb_free and
 * hugetlb_used must agree; kernel, kernel_compound and page_pool together are vmalloc,
 * percpu, kernel_stack, upper_page_tables, zswap, memmap, memdiag and unaccounted (and
 * large kmalloc() blocks where those are not marked), now split by order
 * and block. reserved is not managed, offline may be.
 *
 * census_walk says what that walk cost: its longest time without a look at the
 * scheduler above all.
 *
 * misplaced has the pages that cannot move, but lie in blocks that are meant for
 * those that can, which is what keeps huge pages from being made. Reserved pages
 * are left out: they have been there since boot.
 *
 * How the walk goes, what it locks (nothing) and skips, see census_walk.c.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../memdiag.h"
#include "census.h"
#include "../../readers/zones.h"

/* Records per zone to make room for: other than that the walk is repeated. */
#define CENSUS_RECORDS	256

struct census_record {
	u64 node;
	u64 zone;
	u64 kind;
	u64 migratetype;
	u64 order;
	u64 pages;
};

static const struct memdiag_field_desc census_fields[] = {
	MEMDIAG_LABEL(census_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(census_record, zone, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(census_record, kind, STR, NONE, KEY_BRIEF,
		      "what the pages are; kernel, kernel_compound: in use, by whom no page says; orphan: on an LRU list, but out of its file; uncounted: without a reference, in no list"),
	MEMDIAG_LABEL(census_record, migratetype, STR, NONE, KEY_BRIEF,
		      "what their pageblock is meant for; ? if not known"),
	MEMDIAG_LABEL(census_record, order, U64, NONE, KEY_BRIEF,
		      "they are in pieces of 2^order pages"),
	MEMDIAG_GAUGE(census_record, pages, U64, PAGES, BRIEF,
		      "pages, those behind the first of a piece included"),
};

struct census_cost {
	int node;
	const char *zone;
	u64 frames;
	u64 steps;
	u64 longest_ns;
	u64 walk_ns;
};

/* Of the census collected last; only used while collecting, one at a time. */
static struct census_cost *census_costs;
static unsigned int census_nr_costs;

static const char *census_migratetype(int mt)
{
	return mt < MIGRATE_TYPES ? memdiag_migratetype_name(mt) : "?";
}

static int census_push(struct memdiag_sink *sink, const struct zone *zone,
		       const struct memdiag_census_count *count)
{
	u64 name = memdiag_push_string(sink, zone->name);
	unsigned int kind, order;
	int mt;

	for (kind = 0; kind < MEMDIAG_NR_PAGE_KINDS; kind++)
		for (order = 0; order < MEMDIAG_CENSUS_ORDERS; order++)
			for (mt = 0; mt <= MIGRATE_TYPES; mt++) {
				u64 pages = count->pages[kind][order][mt];
				struct census_record *record;

				if (!pages)
					continue;
				record = memdiag_push(sink);
				if (!record)
					return -ENOSPC;
				record->node = zone->zone_pgdat->node_id;
				record->zone = name;
				record->kind = memdiag_push_string(sink,
								   memdiag_census_kinds[kind]);
				record->migratetype =
					memdiag_push_string(sink, census_migratetype(mt));
				record->order = order;
				record->pages = pages;
			}
	return 0;
}

static void census_note_cost(const struct memdiag_census_walk *walk, u64 walk_ns,
			     unsigned int room)
{
	struct census_cost *cost = &census_costs[census_nr_costs];

	if (census_nr_costs == room)
		return;
	cost->node = walk->zone->zone_pgdat->node_id;
	cost->zone = walk->zone->name;
	cost->frames = walk->frames;
	cost->steps = walk->steps;
	cost->longest_ns = walk->longest_ns;
	cost->walk_ns = walk_ns;
	census_nr_costs++;
}

static int census_collect(struct memdiag_sink *sink)
{
	unsigned int room = memdiag_nr_populated_zones();
	struct memdiag_census_walk walk = {};
	struct memdiag_census_count *count;
	struct zone *zone;
	int error = 0;
	u64 start;

	memdiag_free(census_costs);
	census_nr_costs = 0;
	census_costs = memdiag_keep(room, sizeof(*census_costs));
	count = memdiag_alloc(1, sizeof(*count));
	if (!count || !census_costs) {
		memdiag_free(count);
		return -ENOMEM;
	}
	walk.count = count;
	memdiag_for_each_populated_zone(zone) {
		memset(count, 0, sizeof(*count));
		start = sched_clock();
		error = memdiag_census_zone(&walk, zone);
		if (error)
			break;
		census_note_cost(&walk, sched_clock() - start, room);
		error = census_push(sink, zone, count);
		if (error)
			break;
	}
	memdiag_free(count);
	return error;
}

static unsigned int census_estimate(void)
{
	return memdiag_nr_populated_zones() * CENSUS_RECORDS;
}

static void __init census_init(struct memdiag_status *status)
{
	int error = memdiag_census_walk_init();

	if (error)
		memdiag_set_unavailable(status, error, "no notice of memory hotplug: %pe",
					ERR_PTR(error));
	else
		memdiag_set_ok(status, MEMDIAG_SRC_PAGES);
}

static void census_exit(struct memdiag_status *status)
{
	if (status->state != MEMDIAG_STATE_UNAVAILABLE)
		memdiag_census_walk_exit();
	memdiag_free(census_costs);
	census_costs = NULL;
}

const struct memdiag_provider memdiag_census_provider __refconst = {
	.id = MEMDIAG_SEC_CENSUS,
	.name = "census",
	.help = "per zone, kind, migratetype and order: page frames, by looking at each of them",
	MEMDIAG_RECORDS(census_fields, census_record),
	.on_request = true,
	.buffers = MEMDIAG_BUFFERS_BY_PAGES,
	.init = census_init,
	.exit = census_exit,
	.estimate = census_estimate,
	.collect = census_collect,
};

static void __init census_walk_init(struct memdiag_status *status)
{
	memdiag_set_ok(status, MEMDIAG_SRC_PAGES);
}

struct cost_record {
	u64 node;
	u64 zone;
	u64 frames;
	u64 steps;
	u64 longest_step;
	u64 walk;
};

static const struct memdiag_field_desc cost_fields[] = {
	MEMDIAG_LABEL(cost_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(cost_record, zone, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_GAUGE(cost_record, frames, U64, PAGES, BRIEF, "page frames that were looked at"),
	MEMDIAG_GAUGE(cost_record, steps, U64, NONE, 0,
		      "times that the scheduler was asked, after 256 frames at most"),
	MEMDIAG_GAUGE(cost_record, longest_step, U64, NS, BRIEF,
		      "longest time between two of these; interrupts that came in between included"),
	MEMDIAG_GAUGE(cost_record, walk, U64, NS, BRIEF, "time of the whole walk over the zone"),
};

static int cost_collect(struct memdiag_sink *sink)
{
	unsigned int i;

	if (!memdiag_parent(sink, MEMDIAG_SEC_CENSUS))
		return -ENODATA;
	for (i = 0; i < census_nr_costs; i++) {
		const struct census_cost *cost = &census_costs[i];
		struct cost_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->node = cost->node;
		record->zone = memdiag_push_string(sink, cost->zone);
		record->frames = cost->frames;
		record->steps = cost->steps;
		record->longest_step = cost->longest_ns;
		record->walk = cost->walk_ns;
	}
	return 0;
}

const struct memdiag_provider memdiag_census_walk_provider __refconst = {
	.id = MEMDIAG_SEC_CENSUS_WALK,
	.name = "census_walk",
	.help = "per zone: what the walk of the census cost, and its longest time without rescheduling",
	MEMDIAG_RECORDS(cost_fields, cost_record),
	.on_request = true,
	.after = MEMDIAG_BIT(CENSUS),
	.needs = MEMDIAG_BIT(CENSUS),
	.init = census_walk_init,
	.estimate = memdiag_nr_populated_zones,
	.collect = cost_collect,
};

struct misplaced_record {
	u64 node;
	u64 zone;
	u64 migratetype;
	u64 kind;
	u64 order;
	u64 pages;
	u64 pageblocks;
};

static const struct memdiag_field_desc misplaced_fields[] = {
	MEMDIAG_LABEL(misplaced_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(misplaced_record, zone, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(misplaced_record, migratetype, STR, NONE, KEY_BRIEF,
		      "what the pageblocks are meant for: Movable or CMA"),
	MEMDIAG_LABEL(misplaced_record, kind, STR, NONE, KEY_BRIEF,
		      "what the pages are, as in census"),
	MEMDIAG_LABEL(misplaced_record, order, U64, NONE, KEY_BRIEF,
		      "they are in pieces of 2^order pages"),
	MEMDIAG_GAUGE(misplaced_record, pages, U64, PAGES, BRIEF, "such pages"),
	MEMDIAG_GAUGE(misplaced_record, pageblocks, U64, NONE, BRIEF,
		      "pageblocks with at least one of them"),
};

/* Of Movable blocks [0] and of CMA blocks [1]. */
struct misplaced_count {
	struct {
		u64 pages;
		u64 pageblocks;
		unsigned long last;
	} at[2][MEMDIAG_NR_PAGE_KINDS][MEMDIAG_CENSUS_ORDERS];
};

static bool misplaced_kind(unsigned int kind)
{
	switch (kind) {
	case MEMDIAG_KIND_SLAB:
	case MEMDIAG_KIND_LARGE_KMALLOC:
	case MEMDIAG_KIND_PAGE_TABLE:
	case MEMDIAG_KIND_PAGE_POOL:
	case MEMDIAG_KIND_KERNEL:
	case MEMDIAG_KIND_COMPOUND:
	case MEMDIAG_KIND_ORPHAN:
		return true;
	}
	return false;
}

static int misplaced_block(int migratetype)
{
	if (migratetype == MIGRATE_MOVABLE)
		return 0;
#ifdef CONFIG_CMA
	if (migratetype == MIGRATE_CMA)
		return 1;
#endif
	return -1;
}

static void misplaced_visit(struct memdiag_census_walk *walk,
			    const struct memdiag_census_block *block)
{
	struct misplaced_count *count = walk->arg;
	int which = misplaced_block(block->migratetype);
	/* Plus one, as zero is what it begins with. */
	unsigned long pageblock = (block->pfn >> max(memdiag_pageblock_order(), 0)) + 1;

	if (which < 0 || !misplaced_kind(block->kind))
		return;
	count->at[which][block->kind][block->order].pages += block->nr;
	if (count->at[which][block->kind][block->order].last != pageblock) {
		count->at[which][block->kind][block->order].last = pageblock;
		count->at[which][block->kind][block->order].pageblocks++;
	}
}

static int misplaced_push(struct memdiag_sink *sink, const struct zone *zone,
			  const struct misplaced_count *count)
{
	u64 name = memdiag_push_string(sink, zone->name);
	unsigned int which, kind, order;

	for (which = 0; which < 2; which++)
		for (kind = 0; kind < MEMDIAG_NR_PAGE_KINDS; kind++)
			for (order = 0; order < MEMDIAG_CENSUS_ORDERS; order++) {
				struct misplaced_record *record;

				if (!count->at[which][kind][order].pages)
					continue;
				record = memdiag_push(sink);
				if (!record)
					return -ENOSPC;
				record->node = zone->zone_pgdat->node_id;
				record->zone = name;
				record->migratetype =
					memdiag_push_string(sink, which ? "CMA" : "Movable");
				record->kind = memdiag_push_string(sink,
								   memdiag_census_kinds[kind]);
				record->order = order;
				record->pages = count->at[which][kind][order].pages;
				record->pageblocks = count->at[which][kind][order].pageblocks;
			}
	return 0;
}

static int misplaced_collect(struct memdiag_sink *sink)
{
	struct memdiag_census_walk walk = { .visit = misplaced_visit };
	struct misplaced_count *count = memdiag_alloc(1, sizeof(*count));
	struct zone *zone;
	int error = 0;

	if (!count)
		return -ENOMEM;
	walk.arg = count;
	memdiag_for_each_populated_zone(zone) {
		memset(count, 0, sizeof(*count));
		error = memdiag_census_zone(&walk, zone) ?: misplaced_push(sink, zone, count);
		if (error)
			break;
	}
	memdiag_free(count);
	return error;
}

static void __init misplaced_init(struct memdiag_status *status)
{
	if (memdiag_can_read_pageblocks())
		memdiag_set_ok(status, MEMDIAG_SRC_PAGES);
	else
		memdiag_set_unavailable(status, -EOPNOTSUPP,
					"this kernel keeps the types of pageblocks in another way");
}

const struct memdiag_provider memdiag_misplaced_provider __refconst = {
	.id = MEMDIAG_SEC_MISPLACED,
	.name = "misplaced",
	.help = "per zone, kind and order: pages that cannot move, in blocks meant for those that can",
	MEMDIAG_RECORDS(misplaced_fields, misplaced_record),
	.on_request = true,
	.buffers = MEMDIAG_BUFFERS_BY_PAGES,
	.needs = MEMDIAG_BIT(CENSUS),
	.init = misplaced_init,
	.estimate = census_estimate,
	.collect = misplaced_collect,
};
