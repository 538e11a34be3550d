// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections vmalloc_caller and vmalloc_module: the areas of section vmalloc added
 * up. Both have records of the same shape: two strings make the
 * key, in vmalloc_module the second one is not used. Runs after the vmalloc
 * section is finished, on its records; takes no lock.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "../../memdiag.h"
#include "vmalloc.h"

struct vmalloc_sum {
	u64 key;
	u64 kind;
	u64 module;
	u64 areas;
	u64 size;
	u64 nr_pages;
};

static const struct memdiag_field_desc vmalloc_caller_fields[] = {
	MEMDIAG_FIELD(vmalloc_sum, key, "caller", STR, NONE, LABEL, KEY_BRIEF,
		      "who asked for the areas; absent if it is not recorded"),
	MEMDIAG_LABEL(vmalloc_sum, kind, STR, NONE, KEY_BRIEF, "as in section vmalloc"),
	MEMDIAG_LABEL(vmalloc_sum, module, STR, NONE, BRIEF,
		      "as in section vmalloc, if it is the same for all the areas"),
	MEMDIAG_GAUGE(vmalloc_sum, areas, U64, NONE, BRIEF, "number of areas"),
	MEMDIAG_GAUGE(vmalloc_sum, size, U64, BYTES, BRIEF,
		      "address space taken, with guard pages"),
	MEMDIAG_GAUGE(vmalloc_sum, nr_pages, U64, PAGES, BRIEF,
		      "pages of memory that belong to the areas, as far as they are known; absent if of none"),
};

static const struct memdiag_field_desc vmalloc_module_fields[] = {
	MEMDIAG_FIELD(vmalloc_sum, key, "module", STR, NONE, LABEL, KEY_BRIEF,
		      "module that asked for the areas or is loaded in them; kernel for all others"),
	MEMDIAG_GAUGE(vmalloc_sum, areas, U64, NONE, BRIEF, "number of areas"),
	MEMDIAG_GAUGE(vmalloc_sum, size, U64, BYTES, BRIEF,
		      "address space taken, with guard pages"),
	MEMDIAG_GAUGE(vmalloc_sum, nr_pages, U64, PAGES, BRIEF,
		      "pages of memory that belong to the areas, as far as they are known; absent if of none"),
};

/* The table finds strings again only as a rule, so contents are compared. */
static int sum_compare_strings(const struct memdiag_sink *sink, u64 a, u64 b)
{
	if (a == b)
		return 0;
	if (a == MEMDIAG_ABSENT || b == MEMDIAG_ABSENT)
		return a == MEMDIAG_ABSENT ? 1 : -1;
	return strcmp(memdiag_string(sink, a), memdiag_string(sink, b));
}

static u32 sum_hash_string(const struct memdiag_sink *sink, u64 string, u32 seed)
{
	const char *text;

	if (string == MEMDIAG_ABSENT)
		return seed;
	text = memdiag_string(sink, string);
	return jhash(text, strlen(text), seed);
}

/* The record of a key: from the table of record numbers + 1, or a new one. */
static struct vmalloc_sum *sum_find(struct memdiag_sink *sink, u32 *table, u32 mask,
				    u64 key, u64 kind)
{
	u32 at = sum_hash_string(sink, kind, sum_hash_string(sink, key, 0)) & mask;
	struct vmalloc_sum *sum;

	/* At most half of the table is used. */
	for (; table[at]; at = (at + 1) & mask) {
		sum = memdiag_record(sink, table[at] - 1);
		if (!sum_compare_strings(sink, sum->key, key) &&
		    !sum_compare_strings(sink, sum->kind, kind))
			return sum;
	}
	sum = memdiag_push_kept(sink);
	if (!sum)
		return NULL;
	table[at] = sink->nr_records;
	sum->key = key;
	sum->kind = kind;
	sum->areas = 0;
	sum->size = 0;
	return sum;
}

static int sum_compare(const void *_a, const void *_b, const void *priv)
{
	const struct vmalloc_sum *a = _a, *b = _b;

	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return sum_compare_strings(priv, a->key, b->key) ?:
	       sum_compare_strings(priv, a->kind, b->kind);
}

static int sum_collect(struct memdiag_sink *sink, bool by_caller)
{
	const struct memdiag_sink *areas = memdiag_parent(sink, MEMDIAG_SEC_VMALLOC);
	const struct vmalloc_record *area;
	struct vmalloc_sum *sum = NULL;
	u64 key, kind, kernel;
	u32 slots, *table;
	unsigned int i;
	int error = 0;

	if (!areas)
		return -ENODATA;
	if (areas->state == MEMDIAG_STATE_PARTIAL)
		memdiag_mark_partial(sink, "%s", areas->reason);
	kernel = by_caller ? MEMDIAG_ABSENT : memdiag_push_string(sink, "kernel");
	slots = roundup_pow_of_two(2 * areas->nr_records + 16);
	table = memdiag_alloc(slots, sizeof(*table));
	if (!table)
		return -ENOMEM;

	for (i = 0; i < areas->nr_records && !error; i++) {
		area = memdiag_record(areas, i);
		key = by_caller ? area->caller :
		      area->module == MEMDIAG_ABSENT ? kernel : area->module;
		kind = by_caller ? area->kind : MEMDIAG_ABSENT;
		/* Neighbours are often of one caller. */
		if (!sum || sum->key != key || sum->kind != kind)
			sum = sum_find(sink, table, slots - 1, key, kind);
		if (!sum) {
			error = -ENOSPC;
			break;
		}
		if (!sum->areas)
			sum->module = area->module;
		else if (sum_compare_strings(sink, sum->module, area->module))
			sum->module = MEMDIAG_ABSENT;
		sum->areas++;
		sum->size += area->size;
		/* Not known for vm_map_ram and unpurged areas: stays absent. */
		if (area->nr_pages != MEMDIAG_ABSENT)
			sum->nr_pages = area->nr_pages +
				(sum->nr_pages == MEMDIAG_ABSENT ? 0 : sum->nr_pages);
		if (i % VMALLOC_BATCH == VMALLOC_BATCH - 1) {
			cond_resched();
			if (fatal_signal_pending(current))
				error = -EINTR;
		}
	}
	memdiag_free(table);
	if (!error && sink->nr_records)
		sort_r(memdiag_record(sink, 0), sink->nr_records, sizeof(*sum),
		       sum_compare, NULL, sink);
	return error;
}

static int vmalloc_caller_collect(struct memdiag_sink *sink)
{
	return sum_collect(sink, true);
}

static int vmalloc_module_collect(struct memdiag_sink *sink)
{
	return sum_collect(sink, false);
}

static void __init sum_init(struct memdiag_status *status)
{
	const struct memdiag_status *areas = memdiag_status(MEMDIAG_SEC_VMALLOC);

	if (areas->state == MEMDIAG_STATE_PARTIAL)
		memdiag_set_partial(status, MEMDIAG_SRC_DERIVED, "%s", areas->reason);
	else
		memdiag_set_ok(status, MEMDIAG_SRC_DERIVED);
}

const struct memdiag_provider memdiag_vmalloc_caller_provider __refconst = {
	.id = MEMDIAG_SEC_VMALLOC_CALLER,
	.name = "vmalloc_caller",
	.help = "per caller and kind: its vmalloc areas added up, the largest sum first",
	MEMDIAG_RECORDS(vmalloc_caller_fields, vmalloc_sum),
	.buffers = MEMDIAG_BUFFERS_NO_VMALLOC,
	.after = MEMDIAG_BIT(VMALLOC),
	.needs = MEMDIAG_BIT(VMALLOC),
	.init = sum_init,
	.collect = vmalloc_caller_collect,
};

const struct memdiag_provider memdiag_vmalloc_module_provider __refconst = {
	.id = MEMDIAG_SEC_VMALLOC_MODULE,
	.name = "vmalloc_module",
	.help = "per module: vmalloc areas it asked for or is loaded in, the largest sum first",
	MEMDIAG_RECORDS(vmalloc_module_fields, vmalloc_sum),
	.buffers = MEMDIAG_BUFFERS_NO_VMALLOC,
	.after = MEMDIAG_BIT(VMALLOC),
	.needs = MEMDIAG_BIT(VMALLOC),
	.init = sum_init,
	.collect = vmalloc_module_collect,
};
