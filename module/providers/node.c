// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section node: one record per online NUMA node.
 *
 * Reads the node's own counters, which are in a public structure; the names of
 * the vm statistics come from the vmstat provider. No lock: nodes are never
 * freed, and each value is one word. The values are those that /proc/zoneinfo
 * prints under "per-node stats": they lack what is still in the per-cpu parts.
 * Nothing is skipped; a node without memory has its record too.
 */
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "../compat/mmzone.h"
#include "../memdiag.h"
#include "../readers/vmstat.h"

struct node_record {
	u64 node;
	u64 nr_zones;
	u64 start_pfn;
	u64 spanned;
	u64 present;
	u64 totalreserve_pages;
	u64 kswapd;
	u64 kswapd_failures;
	u64 node_unreclaimable;
	u64 stat[NR_VM_NODE_STAT_ITEMS];
};

static const struct memdiag_field_desc node_fields[] = {
	MEMDIAG_LABEL(node_record, node, U64, NONE, KEY_BRIEF, "number of the node"),
	MEMDIAG_LABEL(node_record, nr_zones, U64, NONE, 0,
		      "index of the highest populated zone of the node, plus one"),
	MEMDIAG_FIELD(node_record, start_pfn, "node_start_pfn", U64, NONE, LABEL, 0,
		      "number of the first page frame, if there is one"),
	MEMDIAG_FIELD(node_record, spanned, "node_spanned_pages", U64, PAGES, GAUGE, 0,
		      "size of the range of page frames, with holes"),
	MEMDIAG_FIELD(node_record, present, "node_present_pages", U64, PAGES, GAUGE, BRIEF,
		      "page frames that exist"),
	MEMDIAG_GAUGE(node_record, totalreserve_pages, U64, PAGES, 0,
		      "pages held back from userspace: watermarks and lowmem reserves"),
	MEMDIAG_GAUGE(node_record, kswapd, BOOL, NONE, BRIEF, "the node has a running kswapd"),
	MEMDIAG_GAUGE(node_record, kswapd_failures, U64, NONE, BRIEF,
		      "runs of kswapd in a row that reclaimed nothing"),
	MEMDIAG_GAUGE(node_record, node_unreclaimable, BOOL, NONE, BRIEF,
		      "kswapd has given the node up: 16 failures or more"),
};

static struct memdiag_field_desc *node_all_fields;

/* As node_page_state_pages(), which is not exported with CONFIG_NUMA. */
static u64 node_stat(const struct pglist_data *pgdat, int item)
{
	long value = atomic_long_read(&pgdat->vm_stat[item]);

	/* Per-cpu parts not yet folded in can make the sum negative for a moment. */
	if (value < 0)
		value = 0;
	return value / memdiag_node_item_unit(item);
}

static int node_collect(struct memdiag_sink *sink)
{
	int node, i;

	for_each_online_node(node) {
		const struct pglist_data *pgdat = NODE_DATA(node);
		struct node_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->node = node;
		record->nr_zones = READ_ONCE(pgdat->nr_zones);
		record->spanned = READ_ONCE(pgdat->node_spanned_pages);
		if (record->spanned)
			record->start_pfn = READ_ONCE(pgdat->node_start_pfn);
		record->present = READ_ONCE(pgdat->node_present_pages);
		record->totalreserve_pages = READ_ONCE(pgdat->totalreserve_pages);
		record->kswapd = !!READ_ONCE(pgdat->kswapd);
		record->kswapd_failures = memdiag_kswapd_failures(pgdat);
		record->node_unreclaimable = record->kswapd_failures >= MAX_RECLAIM_RETRIES;
		for (i = 0; i < NR_VM_NODE_STAT_ITEMS; i++)
			record->stat[i] = node_stat(pgdat, i);
	}
	return 0;
}

static unsigned int node_estimate(void)
{
	return num_online_nodes();
}

static void __init node_init(struct memdiag_status *status)
{
	unsigned int nr = ARRAY_SIZE(node_fields), names;

	node_all_fields = memdiag_keep(nr + NR_VM_NODE_STAT_ITEMS, sizeof(*node_all_fields));
	if (!node_all_fields) {
		memdiag_set_partial(status, MEMDIAG_SRC_EXPORT,
				    "no memory for the names of the vm statistics");
		return;
	}
	memcpy(node_all_fields, node_fields, sizeof(node_fields));
	names = memdiag_vmstat_fields(node_all_fields + nr, offsetof(struct node_record, stat),
				      MEMDIAG_VMSTAT_NODE, NR_VM_NODE_STAT_ITEMS,
				      MEMDIAG_FIELD_INEXACT,
				      "vm statistic of this name; off by at most stat_threshold pages per CPU until folded");
	status->fields = node_all_fields;
	status->nr_fields = nr + names;
	if (names)
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
	else
		memdiag_set_partial(status, MEMDIAG_SRC_EXPORT,
				    "names of the vm statistics are not known");
}

static void node_exit(struct memdiag_status *status)
{
	memdiag_free(node_all_fields);
	node_all_fields = NULL;
}

const struct memdiag_provider memdiag_node_provider __refconst = {
	.id = MEMDIAG_SEC_NODE,
	.name = "node",
	.help = "per NUMA node: its size, its kswapd, its vm statistics",
	MEMDIAG_RECORDS(node_fields, node_record),
	.init = node_init,
	.exit = node_exit,
	.estimate = node_estimate,
	.collect = node_collect,
};
