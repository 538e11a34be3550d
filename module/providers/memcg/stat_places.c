// SPDX-License-Identifier: GPL-2.0-only
/*
 * The items of memory.stat: where in the kernel's structures they are, from BTF and
 * from the kernel's own tables of places. Nothing here decides whether that is right;
 * stat.c does, by comparison with the text.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../../compat/memcontrol.h"
#include "../../memdiag.h"
#include "../../resolve/btf.h"
#include "../../resolve/resolve.h"
#include "stat.h"

#ifdef CONFIG_MEMCG

/* Items of an enum at most. */
#define PLACES_MAX_INDEX	512

/* Is it a table that maps some items one-to-one onto 0 ... @nelems - 1? */
static bool __init places_is_index(const void *table, u32 nr, u32 width, int bias,
				   u32 nelems, s16 *index)
{
	DECLARE_BITMAP(used, PLACES_MAX_INDEX);
	u32 i, count = 0;

	bitmap_zero(used, PLACES_MAX_INDEX);
	for (i = 0; i < nr; i++) {
		s64 place = width == 1 ? ((const u8 *)table)[i] : ((const s32 *)table)[i];

		index[i] = -1;
		/* An item without a place: all ones, or zero where places count from one. */
		if ((!bias && width == 1 && place == U8_MAX) || (bias && !place))
			continue;
		place -= bias;
		if (place < 0 || place >= nelems || test_and_set_bit(place, used))
			return false;
		index[i] = place;
		count++;
	}
	return count == nelems;
}

/*
 * The kernel's table from an enum to places in an array. It was of int counting
 * from one, then of u8; the contents tell which.
 */
static int __init places_read_index(const char *symbol, u32 nr, u32 nelems, s16 *index)
{
	const void *address;
	void *table;
	int error = 0;

	if (nr > PLACES_MAX_INDEX || nelems > nr)
		return -EINVAL;
	address = (const void *)memdiag_resolve_data(symbol);
	if (!address)
		return -ENOENT;
	table = memdiag_alloc(nr, sizeof(s32));
	if (!table)
		return -ENOMEM;
	if (copy_from_kernel_nofault(table, address, nr) ||
	    (!places_is_index(table, nr, 1, 0, nelems, index) &&
	     !places_is_index(table, nr, 1, 1, nelems, index) &&
	     (copy_from_kernel_nofault(table, address, nr * sizeof(s32)) ||
	      !places_is_index(table, nr, sizeof(s32), 1, nelems, index))))
		error = -EINVAL;
	memdiag_free(table);
	memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, symbol, MEMDIAG_SRC_SYMBOL, error,
			     error ? "does not map onto the %u places of the array" :
			     "maps one-to-one onto the %u places of the array", nelems);
	return error;
}

/* The places of one item in state[]; none if one of them is not known. */
static void __init places_of_state(const struct memdiag_btf *btf, struct memdiag_memcg_item *item,
				   const char * const *names, unsigned int nr_names,
				   const s16 *index, u32 nr)
{
	unsigned int i;
	u32 value;

	item->nr_terms = 0;
	for (i = 0; i < nr_names && names[i]; i++) {
		if ((!memdiag_btf_enum(btf, "node_stat_item", names[i], &value) &&
		     !memdiag_btf_enum(btf, "memcg_stat_item", names[i], &value)) ||
		    value >= nr || index[value] < 0) {
			item->nr_terms = 0;
			return;
		}
		item->terms[item->nr_terms++] = index[value];
	}
}

/* The name of an item in capitals, as enums have it. */
static void __init places_capitals(const struct memdiag_memcg_item *item, char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(item->name); i++)
		name[i] = toupper(item->name[i]);
}

/*
 * Places of the items in state[]. What was an event on one kernel can be there on
 * the next.
 */
static int __init places_find_state(struct memdiag_memcg_table *table,
				    const struct memdiag_btf *btf, u32 nelems)
{
	s16 *index = memdiag_alloc(PLACES_MAX_INDEX, sizeof(*index));
	unsigned int i;
	int error = 0;
	u32 nr;

	if (!index)
		return -ENOMEM;
	if (!memdiag_btf_enum(btf, "memcg_stat_item", "MEMCG_NR_STAT", &nr) ||
	    nr > PLACES_MAX_INDEX)
		error = -ENOENT;
	else if (nelems == nr)
		for (i = 0; i < nr; i++)
			index[i] = i;
	else
		error = places_read_index("mem_cgroup_stats_index", nr, nelems, index);

	for (i = 0; i < table->nr && !error; i++) {
		struct memdiag_memcg_item *item = &table->items[i];
		char capitals[sizeof(item->name)];
		const char *name = capitals;

		if (item->enumerators) {
			places_of_state(btf, item, item->enumerators, 2, index, nr);
			if (!item->nr_terms && item->newer)
				places_of_state(btf, item, &item->newer, 1, index, nr);
			continue;
		}
		places_capitals(item, capitals);
		places_of_state(btf, item, &name, 1, index, nr);
		item->from_events = !item->nr_terms;
	}
	memdiag_free(index);
	return error;
}

static bool __init places_is_sum(const struct memdiag_memcg_item *item)
{
	return !strcmp(item->name, "pgscan") || !strcmp(item->name, "pgsteal");
}

/* By order: pgpgin and pgpgout, where they are, stand first and are not printed. */
static bool __init places_order_events(struct memdiag_memcg_table *table, u32 nelems)
{
	unsigned int i, printed = 0;
	u32 hidden;

	for (i = 0; i < table->nr; i++)
		if (table->items[i].from_events && !places_is_sum(&table->items[i]))
			printed++;
	hidden = nelems - printed;
	if (!printed || (hidden != 0 && hidden != 2))
		return false;
	for (i = 0; i < table->nr; i++) {
		struct memdiag_memcg_item *item = &table->items[i];

		if (!item->from_events || places_is_sum(item))
			continue;
		item->terms[0] = hidden++;
		item->nr_terms = 1;
	}
	return true;
}

/* By name: the names of events are those of the enum in small letters. */
static void __init places_map_events(struct memdiag_memcg_table *table,
				     const struct memdiag_btf *btf, u32 nelems)
{
	s16 *index = memdiag_alloc(PLACES_MAX_INDEX, sizeof(*index));
	u32 nr, value;
	unsigned int i;

	if (!index)
		return;
	if (!memdiag_btf_enum(btf, "vm_event_item", "NR_VM_EVENT_ITEMS", &nr) ||
	    nr > PLACES_MAX_INDEX)
		goto free;
	if (nelems == nr)
		for (i = 0; i < nr; i++)
			index[i] = i;
	else if (places_read_index("mem_cgroup_events_index", nr, nelems, index))
		goto free;
	for (i = 0; i < table->nr; i++) {
		struct memdiag_memcg_item *item = &table->items[i];
		char name[sizeof(item->name)];

		if (!item->from_events)
			continue;
		places_capitals(item, name);
		if (memdiag_btf_enum(btf, "vm_event_item", name, &value) &&
		    value < nr && index[value] >= 0) {
			item->terms[0] = index[value];
			item->nr_terms = 1;
		}
	}
free:
	memdiag_free(index);
}

/* pgscan and pgsteal are the sums of the events whose names they begin. */
static void __init places_add_sum(struct memdiag_memcg_table *table, const char *name)
{
	int at = memdiag_memcg_table_index(table, name);
	struct memdiag_memcg_item *sum;
	unsigned int i;
	size_t length = strlen(name);

	if (at < 0)
		return;
	sum = &table->items[at];
	sum->nr_terms = 0;
	sum->help = "sum of the events whose names begin so";
	for (i = 0; i < table->nr; i++) {
		const struct memdiag_memcg_item *item = &table->items[i];

		if (strncmp(item->name, name, length) || item->name[length] != '_' ||
		    !item->nr_terms)
			continue;
		if (sum->nr_terms == MEMDIAG_MEMCG_MAX_TERMS ||
		    (sum->nr_terms && sum->from_events != item->from_events)) {
			sum->nr_terms = 0;
			return;
		}
		sum->from_events = item->from_events;
		sum->terms[sum->nr_terms++] = item->terms[0];
	}
}

/* Where the two arrays are and how many elements they have. */
struct places_arrays {
	u32 nr_state;
	u32 nr_events;
};

#ifdef MEMDIAG_HAVE_MEMCG_VMEVENTS
/* They are members of the public struct mem_cgroup. */
static int __init places_find_arrays(struct memdiag_memcg_table *table,
				     const struct memdiag_btf *btf, struct places_arrays *arrays)
{
	BUILD_BUG_ON(sizeof_field(struct mem_cgroup, vmstats[0]) != sizeof(long));
	arrays->nr_state = sizeof_field(struct mem_cgroup, vmstats) / sizeof(long);
	arrays->nr_events = sizeof_field(struct mem_cgroup, vmevents) / sizeof(long);
	table->state_offset = 0;
	table->events_offset = offsetof(struct mem_cgroup, vmevents) -
			       offsetof(struct mem_cgroup, vmstats);
	return 0;
}
#else
static int __init places_find_arrays(struct memdiag_memcg_table *table,
				     const struct memdiag_btf *btf, struct places_arrays *arrays)
{
	struct memdiag_member members[] = {
		{ .type = "memcg_vmstats", .member = "state" },
		{ .type = "memcg_vmstats", .member = "events" },
		{ .type = "mem_cgroup", .member = "vmstats" },
	};
	u32 size_state, size_events;

	if (memdiag_btf_members(btf, members, ARRAY_SIZE(members)) ||
	    !memdiag_btf_array(btf, "memcg_vmstats", "state", &arrays->nr_state,
			       &size_state) ||
	    !memdiag_btf_array(btf, "memcg_vmstats", "events", &arrays->nr_events,
			       &size_events) ||
	    size_state != sizeof(long) || size_events != sizeof(long) ||
	    members[2].bit_offset != offsetof(struct mem_cgroup, vmstats) * BITS_PER_BYTE)
		return -ENOENT;
	table->state_offset = members[0].bit_offset / BITS_PER_BYTE;
	table->events_offset = members[1].bit_offset / BITS_PER_BYTE;
	return 0;
}
#endif

/**
 * memdiag_memcg_places_learn() - find out where the items are
 * @table: the items; out: their terms, none where the place is not known
 * @reason: out: what was found, or why nothing was
 * @size: bytes of @reason
 *
 * Leaves lines in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: 0, or negative errno if nothing is known: what memdiag_btf_load()
 * returned, -ENOENT, -EINVAL, -ENOMEM.
 */
int __init memdiag_memcg_places_learn(struct memdiag_memcg_table *table, char *reason, size_t size)
{
	struct memdiag_btf *btf = memdiag_btf_load();
	struct places_arrays arrays;
	int error;

	if (IS_ERR(btf)) {
		snprintf(reason, size, "no BTF (%pe)", btf);
		return PTR_ERR(btf);
	}
	error = places_find_arrays(table, btf, &arrays);
	if (error) {
		snprintf(reason, size, "struct memcg_vmstats is not in BTF as expected");
		goto note;
	}
	error = places_find_state(table, btf, arrays.nr_state);
	if (error) {
		snprintf(reason, size, "order of memcg_vmstats.state is not known");
		goto note;
	}
	if (!places_order_events(table, arrays.nr_events))
		places_map_events(table, btf, arrays.nr_events);
	places_add_sum(table, "pgscan");
	places_add_sum(table, "pgsteal");
	snprintf(reason, size, "state[%u] at %u, events[%u] at %u", arrays.nr_state,
		 table->state_offset, arrays.nr_events, table->events_offset);
note:
	memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct memcg_vmstats",
			     MEMDIAG_SRC_BTF, error, "%s", reason);
	memdiag_btf_free(btf);
	return error;
}

#endif /* CONFIG_MEMCG */
