// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections zone and pcp: what /proc/zoneinfo says, one record per zone and one
 * per zone and CPU.
 *
 * Reads public structures; the names of the vm statistics come from the vmstat
 * provider. No lock is taken: /proc/zoneinfo holds zone->lock, but that does
 * not protect what it prints either. Each value is one word and may be from a
 * moment before or after its neighbour. Zone counters lack what is still in the
 * per-cpu parts, as in /proc/zoneinfo; NUMA events have it added, without
 * folding: memdiag only reads.
 *
 * A zone without pages has a record, with those values that /proc/zoneinfo prints
 * for it. The per-cpu lists are only those of zones with pages and of CPUs online.
 *
 * Skipped: what a zone has per CPU while the last of its memory goes offline, for
 * then it is freed. A notifier tells; both sections are partial meanwhile. (The
 * kernel's reader reads on in memory that is freed.) If memdiag is loaded in the
 * middle of that, the notifier missed it.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "../memdiag.h"
#include "../readers/vmstat.h"
#include "../readers/zones.h"

static void zone_mark_going(struct memdiag_sink *sink, const struct zone *zone)
{
	memdiag_mark_partial(sink, "node %d %s: what it has per CPU is not read while its memory goes offline",
			     zone->zone_pgdat->node_id, zone->name);
}

struct zone_record {
	u64 node;
	u64 name;
	u64 state;
	u64 free;
	u64 usable;
	u64 boost;
	u64 min;
	u64 low;
	u64 high;
	u64 promo;
	u64 spanned;
	u64 present;
	u64 managed;
	u64 cma;
	u64 nr_reserved_highatomic;
	u64 nr_free_highatomic;
	u64 start_pfn;
	u64 protection[MAX_NR_ZONES];
	u64 stat[NR_VM_ZONE_STAT_ITEMS];
	u64 numa[NR_VM_NUMA_EVENT_ITEMS];
};

static const struct memdiag_field_desc zone_fields[] = {
	MEMDIAG_LABEL(zone_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(zone_record, name, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(zone_record, state, STR, NONE, BRIEF,
		      "usable against the watermarks: ok, below high, below low (wakes kswapd), below min, empty"),
	MEMDIAG_GAUGE(zone_record, free, U64, PAGES, INEXACT_BRIEF,
		      "free pages in the buddy lists; off by at most stat_threshold pages per CPU"),
	MEMDIAG_GAUGE(zone_record, usable, U64, PAGES, 0,
		      "free as kswapd sees it: without highatomic reserves and free CMA pages"),
	MEMDIAG_GAUGE(zone_record, boost, U64, PAGES, 0,
		      "raise of all watermarks for a while after fragmentation"),
	MEMDIAG_GAUGE(zone_record, min, U64, PAGES, BRIEF, "watermark, with boost"),
	MEMDIAG_GAUGE(zone_record, low, U64, PAGES, BRIEF, "watermark, with boost"),
	MEMDIAG_GAUGE(zone_record, high, U64, PAGES, BRIEF, "watermark, with boost"),
	MEMDIAG_GAUGE(zone_record, promo, U64, PAGES, 0,
		      "watermark for promotion from slower memory, with boost"),
	MEMDIAG_GAUGE(zone_record, spanned, U64, PAGES, 0,
		      "size of the range of page frames, with holes"),
	MEMDIAG_GAUGE(zone_record, present, U64, PAGES, 0, "page frames that exist"),
	MEMDIAG_GAUGE(zone_record, managed, U64, PAGES, BRIEF, "pages given to the page allocator"),
	MEMDIAG_GAUGE(zone_record, cma, U64, PAGES, 0, "pages set aside for CMA"),
	MEMDIAG_GAUGE(zone_record, nr_reserved_highatomic, U64, PAGES, 0,
		      "pages reserved for high-order atomic requests"),
	MEMDIAG_GAUGE(zone_record, nr_free_highatomic, U64, PAGES, 0,
		      "free pages among those reserved, where the kernel counts them"),
	MEMDIAG_LABEL(zone_record, start_pfn, U64, NONE, 0, "number of the first page frame"),
};

static struct memdiag_field_desc *zone_all_fields;
static char *zone_protection_names[MAX_NR_ZONES];

/* What kswapd would say for a single page of this very zone. */
static const char *zone_state(const struct zone_record *record)
{
	if (!record->managed)
		return "empty";
	if (record->usable <= record->min)
		return "below min";
	if (record->usable <= record->low)
		return "below low";
	if (record->usable <= record->high)
		return "below high";
	return "ok";
}

static void zone_fill(struct memdiag_sink *sink, struct zone *zone,
		      struct zone_record *record)
{
	long usable;
	int i;

	record->node = zone->zone_pgdat->node_id;
	record->name = memdiag_push_string(sink, zone->name);
	record->free = zone_page_state(zone, NR_FREE_PAGES);
	usable = memdiag_zone_free(zone) - memdiag_zone_unusable(zone, false);
	record->usable = max(usable, 0L);
	record->boost = READ_ONCE(zone->watermark_boost);
	record->min = memdiag_zone_wmark(zone, WMARK_MIN);
	record->low = memdiag_zone_wmark(zone, WMARK_LOW);
	record->high = memdiag_zone_wmark(zone, WMARK_HIGH);
	if (ARRAY_SIZE(zone->_watermark) > WMARK_HIGH + 1)
		record->promo = memdiag_zone_wmark(zone, WMARK_HIGH + 1);
	record->spanned = READ_ONCE(zone->spanned_pages);
	record->present = READ_ONCE(zone->present_pages);
	record->managed = zone_managed_pages(zone);
	record->cma = memdiag_zone_cma(zone);
	record->state = memdiag_push_string(sink, zone_state(record));
	for (i = 0; i < MAX_NR_ZONES; i++)
		record->protection[i] = READ_ONCE(zone->lowmem_reserve[i]);
	if (!populated_zone(zone))
		return;

	record->nr_reserved_highatomic = READ_ONCE(zone->nr_reserved_highatomic);
	record->nr_free_highatomic = memdiag_zone_free_highatomic(zone);
	record->start_pfn = READ_ONCE(zone->zone_start_pfn);
	for (i = 0; i < NR_VM_ZONE_STAT_ITEMS; i++)
		record->stat[i] = zone_page_state(zone, i);
	memdiag_zones_lock();
	if (memdiag_zone_is_going(zone))
		zone_mark_going(sink, zone);
	else
		for (i = 0; i < NR_VM_NUMA_EVENT_ITEMS; i++)
			record->numa[i] = memdiag_zone_numa_event(zone, i);
	memdiag_zones_unlock();
}

static int zone_collect(struct memdiag_sink *sink)
{
	struct zone *zone;

	memdiag_for_each_zone(zone) {
		struct zone_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		zone_fill(sink, zone, record);
	}
	return 0;
}

/* The record has one protection per zone, called by the zone's name. */
static unsigned int zone_protection_fields(struct memdiag_field_desc *fields)
{
	const struct zone *zones = NODE_DATA(first_online_node)->node_zones;
	char name[32];
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		snprintf(name, sizeof(name), "protection_%s", zones[i].name);
		zone_protection_names[i] = memdiag_keep_string(name, sizeof(name));
		if (!zone_protection_names[i])
			break;
		fields[i] = (struct memdiag_field_desc) {
			.name = zone_protection_names[i],
			.help = "lowmem reserve: kept from requests that this higher zone could serve",
			.type = MEMDIAG_TYPE_U64,
			.unit = MEMDIAG_UNIT_PAGES,
			.kind = MEMDIAG_KIND_GAUGE,
			.offset = offsetof(struct zone_record, protection) + i * sizeof(u64),
		};
	}
	return i;
}

static void __init zone_init(struct memdiag_status *status)
{
	struct memdiag_field_desc *next;
	unsigned int names;

	zone_all_fields = memdiag_keep(ARRAY_SIZE(zone_fields) + MAX_NR_ZONES +
				       NR_VM_ZONE_STAT_ITEMS + NR_VM_NUMA_EVENT_ITEMS,
				       sizeof(*zone_all_fields));
	if (!zone_all_fields) {
		memdiag_set_partial(status, MEMDIAG_SRC_EXPORT,
				    "no memory for the names of the vm statistics");
		return;
	}
	memcpy(zone_all_fields, zone_fields, sizeof(zone_fields));
	next = zone_all_fields + ARRAY_SIZE(zone_fields);
	next += zone_protection_fields(next);
	names = memdiag_vmstat_fields(next, offsetof(struct zone_record, stat),
				      MEMDIAG_VMSTAT_ZONE, NR_VM_ZONE_STAT_ITEMS,
				      MEMDIAG_FIELD_INEXACT,
				      "vm statistic of this name; off by at most stat_threshold pages per CPU until folded");
	next += names;
	next += memdiag_vmstat_fields(next, offsetof(struct zone_record, numa),
				      MEMDIAG_VMSTAT_NUMA, NR_VM_NUMA_EVENT_ITEMS,
				      MEMDIAG_FIELD_INEXACT,
				      "pages allocated since boot; off by what is folded while it is read");
	status->fields = zone_all_fields;
	status->nr_fields = next - zone_all_fields;
	if (names)
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
	else
		memdiag_set_partial(status, MEMDIAG_SRC_EXPORT,
				    "names of the vm statistics are not known");
}

static void zone_exit(struct memdiag_status *status)
{
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		memdiag_free(zone_protection_names[i]);
		zone_protection_names[i] = NULL;
	}
	memdiag_free(zone_all_fields);
	zone_all_fields = NULL;
}

const struct memdiag_provider memdiag_zone_provider __refconst = {
	.id = MEMDIAG_SEC_ZONE,
	.name = "zone",
	.help = "per zone: free pages against the watermarks, sizes, reserves, vm statistics",
	MEMDIAG_RECORDS(zone_fields, zone_record),
	.init = zone_init,
	.exit = zone_exit,
	.estimate = memdiag_nr_zones,
	.collect = zone_collect,
};

struct pcp_record {
	u64 node;
	u64 name;
	u64 cpu;
	u64 count;
	u64 high;
	u64 batch;
	u64 high_min;
	u64 high_max;
	u64 stat_threshold;
};

static const struct memdiag_field_desc pcp_fields[] = {
	MEMDIAG_LABEL(pcp_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(pcp_record, name, STR, NONE, KEY_BRIEF, "name of the zone"),
	MEMDIAG_LABEL(pcp_record, cpu, U64, NONE, KEY_BRIEF, "number of the CPU"),
	MEMDIAG_GAUGE(pcp_record, count, U64, PAGES, BRIEF,
		      "free pages in the CPU's lists; not in the zone's free"),
	MEMDIAG_GAUGE(pcp_record, high, U64, PAGES, BRIEF,
		      "with more than that pages go back to the buddy lists"),
	MEMDIAG_GAUGE(pcp_record, batch, U64, PAGES, BRIEF,
		      "pages moved to or from the buddy lists at once"),
	MEMDIAG_GAUGE(pcp_record, high_min, U64, PAGES, 0,
		      "least that high is tuned to, where the kernel tunes it"),
	MEMDIAG_GAUGE(pcp_record, high_max, U64, PAGES, 0,
		      "most that high is tuned to, where the kernel tunes it"),
	MEMDIAG_GAUGE(pcp_record, stat_threshold, U64, NONE, 0,
		      "largest part of a zone counter that the CPU keeps (vm stats threshold)"),
};

static int pcp_collect_zone(struct memdiag_sink *sink, const struct zone *zone)
{
	u64 name = memdiag_push_string(sink, zone->name);
	int cpu;

	for_each_online_cpu(cpu) {
		const struct per_cpu_pages *pcp = memdiag_zone_pcp(zone, cpu);
		struct pcp_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->node = zone->zone_pgdat->node_id;
		record->name = name;
		record->cpu = cpu;
		/* The owner changes these under its lock; each is one word. */
		record->count = READ_ONCE(pcp->count);
		record->high = READ_ONCE(pcp->high);
		record->batch = READ_ONCE(pcp->batch);
		record->high_min = memdiag_pcp_high_min(pcp);
		record->high_max = memdiag_pcp_high_max(pcp);
		record->stat_threshold = memdiag_zone_stat_threshold(zone, cpu);
	}
	return 0;
}

static int pcp_collect(struct memdiag_sink *sink)
{
	struct zone *zone;
	int error = 0;

	memdiag_for_each_populated_zone(zone) {
		memdiag_zones_lock();
		if (memdiag_zone_is_going(zone))
			zone_mark_going(sink, zone);
		else
			error = pcp_collect_zone(sink, zone);
		memdiag_zones_unlock();
		if (error)
			break;
	}
	return error;
}

static unsigned int pcp_estimate(void)
{
	return memdiag_nr_populated_zones() * num_online_cpus();
}

const struct memdiag_provider memdiag_pcp_provider = {
	.id = MEMDIAG_SEC_PCP,
	.name = "pcp",
	.help = "per zone and CPU: free pages kept in per-cpu lists",
	MEMDIAG_RECORDS(pcp_fields, pcp_record),
	.estimate = pcp_estimate,
	.collect = pcp_collect,
};
