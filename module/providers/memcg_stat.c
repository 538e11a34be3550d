// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers behind memory.stat.
 *
 * The kernel keeps them in a private structure, in arrays whose order is partly
 * private too, and which items there are depends on its configuration. So both
 * are learned when the module is loaded:
 *
 *  - what there is, and how it is called, from the text of memory.stat. The
 *    text needs no mounted cgroupfs: the control files of the controller hang
 *    off the exported memory_cgrp_subsys, and the ->seq_show() of "stat" asks
 *    no more of its seq_file than of_css(), which is exported as well. It gets
 *    an open file of our own making that leads there to the css we hold. Before
 *    the first use of_css() itself has to find that css through it.
 *  - where it is, from BTF: the place of the arrays, the values of enum
 *    node_stat_item and memcg_stat_item by name. Kernels that pack the array
 *    have a table from enum to place, mem_cgroup_stats_index, which is taken
 *    only if it turns out to be one-to-one onto the array. events[] is in the
 *    order in which memory.stat prints the events.
 *  - whether that is right, by comparing root and some of its descendants with
 *    what their memory.stat says. An item that differs is left out.
 *
 * If the numbers cannot be had directly, each cgroup's text is taken apart
 * instead.
 *
 * Locks: none of its own. Reading the arrays is lockless, as in the kernel's
 * memcg_page_state(); printing may flush the statistics and sleeps.
 *
 * Stale: the arrays are sums that the kernel brings up to date every two
 * seconds, and when somebody reads memory.stat while more than 64 pages per CPU
 * are pending. What is pending below that is missing from them, and from
 * memory.stat.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../compat/memcontrol.h"
#include "../memdiag.h"
#include "../resolve/btf.h"
#include "../resolve/resolve.h"
#include "memcg_stat.h"

#ifdef CONFIG_MEMCG

#define STAT_TEXT_SIZE		(2 * PAGE_SIZE)
#define STAT_MAX_ITEMS		128
#define STAT_MAX_INDEX		512
/* cgroups to compare with their text, and how often if the numbers move. */
#define STAT_CHECK_CGROUPS	8
#define STAT_CHECK_TRIES	5

/* The units that a number in state[] can have. */
enum stat_unit { STAT_PAGES, STAT_BYTES, STAT_KBYTES, STAT_COUNT };

static const struct stat_known {
	const char *name;
	const char *line_v1;
	const char *enumerators[2];
	enum stat_unit unit;
	const char *help;
} stat_known[] = {
	{ "anon", "total_rss", { "NR_ANON_MAPPED" }, STAT_PAGES,
	  "anonymous memory that is mapped, with what it swapped out and in again" },
	{ "file", "total_cache", { "NR_FILE_PAGES" }, STAT_PAGES,
	  "page cache, with tmpfs and shared memory" },
	{ "kernel", "", { "MEMCG_KMEM" }, STAT_PAGES,
	  "all kernel memory charged: stacks, page tables, percpu, vmalloc, slab and the rest" },
	{ "kernel_stack", "", { "NR_KERNEL_STACK_KB" }, STAT_KBYTES, "kernel stacks" },
	{ "pagetables", "", { "NR_PAGETABLE" }, STAT_PAGES, "page tables" },
	{ "sec_pagetables", "", { "NR_SECONDARY_PAGETABLE" }, STAT_PAGES,
	  "secondary page tables, as of KVM" },
	{ "percpu", "", { "MEMCG_PERCPU_B" }, STAT_BYTES, "per-cpu memory" },
	{ "sock", "", { "MEMCG_SOCK" }, STAT_PAGES, "network buffers" },
	{ "vmalloc", "", { "MEMCG_VMALLOC" }, STAT_PAGES, "vmalloc" },
	{ "shmem", "total_shmem", { "NR_SHMEM" }, STAT_PAGES,
	  "the part of file that swap backs: tmpfs, shm, shared anonymous" },
	{ "zswap", "", { "MEMCG_ZSWAP_B" }, STAT_BYTES, "compressed memory in zswap" },
	{ "zswapped", "", { "MEMCG_ZSWAPPED" }, STAT_PAGES,
	  "memory that was swapped out to zswap, uncompressed" },
	{ "file_mapped", "total_mapped_file", { "NR_FILE_MAPPED" }, STAT_PAGES,
	  "page cache that is mapped" },
	{ "file_dirty", "total_dirty", { "NR_FILE_DIRTY" }, STAT_PAGES,
	  "page cache not yet written back" },
	{ "file_writeback", "total_writeback", { "NR_WRITEBACK" }, STAT_PAGES,
	  "page cache being written back" },
	{ "swapcached", "", { "NR_SWAPCACHE" }, STAT_PAGES,
	  "swap cached in memory, charged to both" },
	{ "anon_thp", "total_rss_huge", { "NR_ANON_THPS" }, STAT_PAGES,
	  "anonymous memory in huge pages" },
	{ "file_thp", "", { "NR_FILE_THPS" }, STAT_PAGES, "page cache in huge pages" },
	{ "shmem_thp", "", { "NR_SHMEM_THPS" }, STAT_PAGES,
	  "tmpfs and shared memory in huge pages" },
	{ "inactive_anon", "total_inactive_anon", { "NR_INACTIVE_ANON" }, STAT_PAGES,
	  "on the inactive list of anonymous memory" },
	{ "active_anon", "total_active_anon", { "NR_ACTIVE_ANON" }, STAT_PAGES,
	  "on the active list of anonymous memory" },
	{ "inactive_file", "total_inactive_file", { "NR_INACTIVE_FILE" }, STAT_PAGES,
	  "on the inactive list of page cache" },
	{ "active_file", "total_active_file", { "NR_ACTIVE_FILE" }, STAT_PAGES,
	  "on the active list of page cache" },
	{ "unevictable", "total_unevictable", { "NR_UNEVICTABLE" }, STAT_PAGES,
	  "on the unevictable list" },
	{ "slab_reclaimable", "", { "NR_SLAB_RECLAIMABLE_B" }, STAT_BYTES,
	  "slab objects that can be reclaimed" },
	{ "slab_unreclaimable", "", { "NR_SLAB_UNRECLAIMABLE_B" }, STAT_BYTES,
	  "slab objects that cannot be reclaimed" },
	{ "slab", "", { "NR_SLAB_RECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE_B" },
	  STAT_BYTES, "slab objects" },
	{ "hugetlb", "", { "NR_HUGETLB" }, STAT_PAGES, "hugetlb pages" },
	{ "workingset_refault_anon", "total_workingset_refault_anon",
	  { "WORKINGSET_REFAULT_ANON" }, STAT_COUNT,
	  "anonymous pages that came back soon after they were evicted" },
	{ "workingset_refault_file", "total_workingset_refault_file",
	  { "WORKINGSET_REFAULT_FILE" }, STAT_COUNT,
	  "file pages that came back soon after they were evicted" },
	{ "workingset_activate_anon", "", { "WORKINGSET_ACTIVATE_ANON" }, STAT_COUNT,
	  "refaulted anonymous pages put on the active list at once" },
	{ "workingset_activate_file", "", { "WORKINGSET_ACTIVATE_FILE" }, STAT_COUNT,
	  "refaulted file pages put on the active list at once" },
	{ "workingset_restore_anon", "", { "WORKINGSET_RESTORE_ANON" }, STAT_COUNT,
	  "refaulted anonymous pages that had been in the working set" },
	{ "workingset_restore_file", "", { "WORKINGSET_RESTORE_FILE" }, STAT_COUNT,
	  "refaulted file pages that had been in the working set" },
	{ "workingset_nodereclaim", "", { "WORKINGSET_NODERECLAIM" }, STAT_COUNT,
	  "shadow nodes reclaimed" },
	{ "pgdemote_kswapd", "", { "PGDEMOTE_KSWAPD" }, STAT_COUNT,
	  "pages demoted by kswapd" },
	{ "pgdemote_direct", "", { "PGDEMOTE_DIRECT" }, STAT_COUNT,
	  "pages demoted by allocating tasks" },
	{ "pgdemote_khugepaged", "", { "PGDEMOTE_KHUGEPAGED" }, STAT_COUNT,
	  "pages demoted by khugepaged" },
	{ "pgdemote_proactive", "", { "PGDEMOTE_PROACTIVE" }, STAT_COUNT,
	  "pages demoted on request" },
	{ "pgpromote_success", "", { "PGPROMOTE_SUCCESS" }, STAT_COUNT,
	  "pages promoted" },
};

/* Events, for when the kernel prints the few of cgroup v1 instead of all. */
static const char * const stat_events[] = {
	"pgscan_kswapd", "pgscan_direct", "pgscan_khugepaged", "pgscan_proactive",
	"pgsteal_kswapd", "pgsteal_direct", "pgsteal_khugepaged", "pgsteal_proactive",
	"pgfault", "pgmajfault", "pgrefill", "pgactivate", "pgdeactivate",
	"pglazyfree", "pglazyfreed", "swpin_zero", "swpout_zero",
	"zswpin", "zswpout", "zswpwb", "thp_fault_alloc", "thp_collapse_alloc",
	"thp_swpout", "thp_swpout_fallback", "numa_page_migrate",
	"numa_pte_updates", "numa_hint_faults",
};

/**
 * struct stat_reader - an open file of our own making, for ->seq_show()
 * @cft: the kernel's description of the file "stat"
 * @cgroup: has nothing but the css to show
 * @dir: stands for the cgroup's directory
 * @file: stands for its memory.stat
 * @of: stands for the open file
 * @text: what was printed
 */
static struct stat_reader {
	struct cftype *cft;
	struct cgroup *cgroup;
	struct kernfs_node dir;
	struct kernfs_node file;
	struct kernfs_open_file of;
	char *text;
} *stat_reader;

static struct memdiag_memcg_item *stat_items;
static unsigned int stat_nr;
static bool stat_direct;
/* Inside the private struct memcg_vmstats, bytes. */
static u32 stat_state_offset;
static u32 stat_events_offset;

static struct cftype *stat_find_file(void)
{
	struct cftype *cft;

	for (cft = memory_cgrp_subsys.dfl_cftypes; cft && cft->name[0]; cft++)
		if (!strcmp(cft->name, "stat"))
			break;
	if (!cft || !cft->name[0] || !cft->seq_show || cft->seq_start ||
	    cft->ss != &memory_cgrp_subsys)
		return NULL;
	return cft;
}

static void stat_reader_free(void)
{
	if (!stat_reader)
		return;
	kvfree(stat_reader->text);
	kfree(stat_reader->cgroup);
	kfree(stat_reader);
	stat_reader = NULL;
}

static int stat_reader_init(struct cgroup_subsys_state *root)
{
	struct cftype *cft = stat_find_file();
	struct stat_reader *reader;

	if (!cft)
		return -ENOENT;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	stat_reader = reader;
	reader->cft = cft;
	reader->cgroup = kzalloc(sizeof(*reader->cgroup), GFP_KERNEL);
	reader->text = kvmalloc(STAT_TEXT_SIZE, GFP_KERNEL);
	if (!reader->cgroup || !reader->text) {
		stat_reader_free();
		return -ENOMEM;
	}
	reader->dir.priv = reader->cgroup;
	memdiag_kernfs_set_parent(&reader->file, &reader->dir);
	reader->file.priv = cft;
	reader->of.kn = &reader->file;

	RCU_INIT_POINTER(reader->cgroup->subsys[memory_cgrp_id], root);
	if (of_css(&reader->of) != root) {
		stat_reader_free();
		return -EINVAL;
	}
	return 0;
}

/* Let the kernel print memory.stat. Returns the text, or ERR_PTR(). */
static char *stat_print(struct cgroup_subsys_state *css)
{
	struct stat_reader *reader = stat_reader;
	struct seq_file m = {
		.buf = reader->text,
		.size = STAT_TEXT_SIZE,
		.private = &reader->of,
	};
	int error;

	reader->of.seq_file = &m;
	RCU_INIT_POINTER(reader->cgroup->subsys[memory_cgrp_id], css);
	error = reader->cft->seq_show(&m, NULL);
	RCU_INIT_POINTER(reader->cgroup->subsys[memory_cgrp_id], NULL);
	reader->of.seq_file = NULL;
	if (error)
		return ERR_PTR(error);
	if (seq_has_overflowed(&m))
		return ERR_PTR(-E2BIG);
	reader->text[m.count] = '\0';
	return reader->text;
}

/**
 * memdiag_memcg_stat_parse() - take the text of a memory.stat apart
 * @text: lines of a name and a number; changed
 * @items: what to look for
 * @nr: their number
 * @values: out: per item the number, MEMDIAG_ABSENT if the text lacks it
 *
 * Return: how many were found.
 */
unsigned int memdiag_memcg_stat_parse(char *text,
				      const struct memdiag_memcg_item *items,
				      unsigned int nr, u64 *values)
{
	unsigned int i, next = 0, found = 0;
	char *line;

	for (i = 0; i < nr; i++)
		values[i] = MEMDIAG_ABSENT;
	while ((line = strsep(&text, "\n"))) {
		char *number = strchr(line, ' ');
		u64 value;

		if (!number)
			continue;
		*number = '\0';
		if (kstrtou64(number + 1, 10, &value))
			continue;
		/* The items are in the order of the lines, save some of v1. */
		for (i = 0; i < nr; i++) {
			unsigned int at = (next + i) % nr;

			if (strcmp(items[at].line, line))
				continue;
			values[at] = value;
			next = at + 1;
			found++;
			break;
		}
	}
	return found;
}

static const struct stat_known *stat_find_known(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stat_known); i++)
		if (!strcmp(stat_known[i].name, name))
			return &stat_known[i];
	return NULL;
}

/* Append an item. A name we do not know can only be an event. */
static void stat_add(const char *name, const char *line)
{
	const struct stat_known *known = stat_find_known(name);
	struct memdiag_memcg_item *item;

	if (stat_nr == STAT_MAX_ITEMS || strlen(name) >= sizeof(item->name) ||
	    strlen(line) >= sizeof(item->line))
		return;
	item = &stat_items[stat_nr++];
	strscpy(item->name, name, sizeof(item->name));
	strscpy(item->line, line, sizeof(item->line));
	item->unit = 1;
	if (!known) {
		item->is_event = true;
		item->from_events = true;
		item->help = "events of this name, as in /proc/vmstat";
		return;
	}
	item->help = known->help;
	item->is_event = known->unit == STAT_COUNT;
	if (known->unit == STAT_PAGES)
		item->unit = PAGE_SIZE;
	else if (known->unit == STAT_KBYTES)
		item->unit = SZ_1K;
}

/* Which items are there? */
static int stat_learn_names(char *text)
{
	bool v1 = strncmp(text, "anon ", 5);
	unsigned int i;
	char *line;

	stat_items = kcalloc(STAT_MAX_ITEMS, sizeof(*stat_items), GFP_KERNEL);
	if (!stat_items)
		return -ENOMEM;
	if (!v1) {
		while ((line = strsep(&text, "\n"))) {
			char *end = strchr(line, ' ');

			if (!end)
				continue;
			*end = '\0';
			stat_add(line, line);
		}
		return 0;
	}
	if (!strstr(text, "\ntotal_cache "))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(stat_known); i++)
		stat_add(stat_known[i].name, stat_known[i].line_v1);
	stat_add("pgscan", "");
	stat_add("pgsteal", "");
	for (i = 0; i < ARRAY_SIZE(stat_events); i++)
		stat_add(stat_events[i],
			 !strcmp(stat_events[i], "pgfault") ? "total_pgfault" :
			 !strcmp(stat_events[i], "pgmajfault") ? "total_pgmajfault" : "");
	return 0;
}

/* Is it a table that maps some items one-to-one onto 0 ... @nelems - 1? */
static bool stat_is_index(const void *table, u32 nr, u32 width, int bias,
			  u32 nelems, s16 *index)
{
	DECLARE_BITMAP(used, STAT_MAX_INDEX);
	u32 i, count = 0;

	bitmap_zero(used, STAT_MAX_INDEX);
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
static int stat_read_index(const char *symbol, u32 nr, u32 nelems, s16 *index)
{
	const void *address;
	void *table;
	int error = 0;

	if (nr > STAT_MAX_INDEX || nelems > nr)
		return -EINVAL;
	address = (const void *)memdiag_resolve_data(symbol);
	if (!address)
		return -ENOENT;
	table = kcalloc(nr, sizeof(s32), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	if (copy_from_kernel_nofault(table, address, nr) ||
	    (!stat_is_index(table, nr, 1, 0, nelems, index) &&
	     !stat_is_index(table, nr, 1, 1, nelems, index) &&
	     (copy_from_kernel_nofault(table, address, nr * sizeof(s32)) ||
	      !stat_is_index(table, nr, sizeof(s32), 1, nelems, index))))
		error = -EINVAL;
	kfree(table);
	memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, symbol, MEMDIAG_SRC_SYMBOL, error,
			     error ? "does not map onto the %u places of the array" :
			     "maps one-to-one onto the %u places of the array", nelems);
	return error;
}

/* Places of the items in state[]. */
static int stat_find_state(const struct memdiag_btf *btf, u32 nelems)
{
	s16 *index = kcalloc(STAT_MAX_INDEX, sizeof(*index), GFP_KERNEL);
	unsigned int i, j;
	int error = 0;
	u32 nr, value;

	if (!index)
		return -ENOMEM;
	if (!memdiag_btf_enum(btf, "memcg_stat_item", "MEMCG_NR_STAT", &nr) ||
	    nr > STAT_MAX_INDEX)
		error = -ENOENT;
	else if (nelems == nr)
		for (i = 0; i < nr; i++)
			index[i] = i;
	else
		error = stat_read_index("mem_cgroup_stats_index", nr, nelems, index);

	for (i = 0; i < stat_nr && !error; i++) {
		struct memdiag_memcg_item *item = &stat_items[i];
		const struct stat_known *known = stat_find_known(item->name);

		for (j = 0; known && j < ARRAY_SIZE(known->enumerators); j++) {
			const char *name = known->enumerators[j];

			if (!name)
				break;
			if ((!memdiag_btf_enum(btf, "node_stat_item", name, &value) &&
			     !memdiag_btf_enum(btf, "memcg_stat_item", name, &value)) ||
			    value >= nr || index[value] < 0) {
				item->nr_terms = 0;
				break;
			}
			item->terms[item->nr_terms++] = index[value];
		}
	}
	kfree(index);
	return error;
}

/* By order: pgpgin and pgpgout, where they are, stand first and are not printed. */
static bool stat_order_events(u32 nelems)
{
	unsigned int i, printed = 0;
	u32 hidden;

	for (i = 0; i < stat_nr; i++)
		if (stat_items[i].from_events && strcmp(stat_items[i].name, "pgscan") &&
		    strcmp(stat_items[i].name, "pgsteal"))
			printed++;
	hidden = nelems - printed;
	if (!printed || (hidden != 0 && hidden != 2))
		return false;
	for (i = 0; i < stat_nr; i++) {
		struct memdiag_memcg_item *item = &stat_items[i];

		if (!item->from_events || !strcmp(item->name, "pgscan") ||
		    !strcmp(item->name, "pgsteal"))
			continue;
		item->terms[0] = hidden++;
		item->nr_terms = 1;
	}
	return true;
}

/* By name: the names of events are those of the enum in small letters. */
static void stat_map_events(const struct memdiag_btf *btf, u32 nelems)
{
	s16 *index = kcalloc(STAT_MAX_INDEX, sizeof(*index), GFP_KERNEL);
	u32 nr, value;
	unsigned int i, j;

	if (!index)
		return;
	if (!memdiag_btf_enum(btf, "vm_event_item", "NR_VM_EVENT_ITEMS", &nr) ||
	    stat_read_index("mem_cgroup_events_index", nr, nelems, index))
		goto free;
	for (i = 0; i < stat_nr; i++) {
		struct memdiag_memcg_item *item = &stat_items[i];
		char name[sizeof(item->name)];

		if (!item->from_events)
			continue;
		for (j = 0; j < sizeof(name); j++)
			name[j] = toupper(item->name[j]);
		if (memdiag_btf_enum(btf, "vm_event_item", name, &value) &&
		    value < nr && index[value] >= 0) {
			item->terms[0] = index[value];
			item->nr_terms = 1;
		}
	}
free:
	kfree(index);
}

/* pgscan and pgsteal are the sums of the events whose names they begin. */
static void stat_add_sum(const char *name)
{
	int at = memdiag_memcg_stat_index(name);
	struct memdiag_memcg_item *sum;
	unsigned int i;
	size_t length = strlen(name);

	if (at < 0)
		return;
	sum = &stat_items[at];
	sum->nr_terms = 0;
	sum->help = "sum of the events whose names begin so";
	for (i = 0; i < stat_nr; i++) {
		const struct memdiag_memcg_item *item = &stat_items[i];

		if (strncmp(item->name, name, length) || item->name[length] != '_' ||
		    !item->nr_terms)
			continue;
		if (sum->nr_terms == MEMDIAG_MEMCG_MAX_TERMS) {
			sum->nr_terms = 0;
			return;
		}
		sum->terms[sum->nr_terms++] = item->terms[0];
	}
}

/* Where are the items? Returns 0 or negative errno and says why in @reason. */
static int stat_learn_places(char *reason, size_t size)
{
	struct memdiag_member members[] = {
		{ .type = "memcg_vmstats", .member = "state" },
		{ .type = "memcg_vmstats", .member = "events" },
		{ .type = "mem_cgroup", .member = "vmstats" },
	};
	struct memdiag_btf *btf = memdiag_btf_load();
	u32 nr_state, nr_events, size_state, size_events;
	int error;

	if (IS_ERR(btf)) {
		snprintf(reason, size, "no BTF (%pe)", btf);
		return PTR_ERR(btf);
	}
	if (memdiag_btf_members(btf, members, ARRAY_SIZE(members)) ||
	    !memdiag_btf_array(btf, "memcg_vmstats", "state", &nr_state, &size_state) ||
	    !memdiag_btf_array(btf, "memcg_vmstats", "events", &nr_events, &size_events) ||
	    size_state != sizeof(long) || size_events != sizeof(long) ||
	    members[2].bit_offset != offsetof(struct mem_cgroup, vmstats) * BITS_PER_BYTE) {
		snprintf(reason, size, "struct memcg_vmstats is not in BTF as expected");
		error = -ENOENT;
		goto note;
	}
	stat_state_offset = members[0].bit_offset / BITS_PER_BYTE;
	stat_events_offset = members[1].bit_offset / BITS_PER_BYTE;
	error = stat_find_state(btf, nr_state);
	if (error) {
		snprintf(reason, size, "order of memcg_vmstats.state is not known");
		goto note;
	}
	if (!stat_order_events(nr_events))
		stat_map_events(btf, nr_events);
	stat_add_sum("pgscan");
	stat_add_sum("pgsteal");
	snprintf(reason, size, "state[%u] at %u, events[%u] at %u", nr_state,
		 stat_state_offset, nr_events, stat_events_offset);
note:
	memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct memcg_vmstats",
			     MEMDIAG_SRC_BTF, error, "%s", reason);
	memdiag_btf_free(btf);
	return error;
}

/* Leave out the items that @keep does not have. */
static void stat_drop(const unsigned long *keep)
{
	unsigned int i, nr = 0;

	for (i = 0; i < stat_nr; i++)
		if (test_bit(i, keep))
			stat_items[nr++] = stat_items[i];
	stat_nr = nr;
}

/* Compare one cgroup with its text; clear in @keep what differs. */
static int stat_check_one(struct cgroup_subsys_state *css, unsigned long *keep)
{
	const struct mem_cgroup *memcg = container_of(css, struct mem_cgroup, css);
	DECLARE_BITMAP(same, STAT_MAX_ITEMS);
	u64 *values = kcalloc(3 * STAT_MAX_ITEMS, sizeof(u64), GFP_KERNEL);
	u64 *before = values, *after, *text;
	unsigned int i, try;
	char *printed;
	int error = 0;

	if (!values)
		return -ENOMEM;
	after = values + STAT_MAX_ITEMS;
	text = after + STAT_MAX_ITEMS;
	bitmap_zero(same, STAT_MAX_ITEMS);
	for (try = 0; try < STAT_CHECK_TRIES; try++) {
		memdiag_memcg_stat_read(memcg, before);
		printed = stat_print(css);
		if (IS_ERR(printed)) {
			error = PTR_ERR(printed);
			break;
		}
		memdiag_memcg_stat_parse(printed, stat_items, stat_nr, text);
		memdiag_memcg_stat_read(memcg, after);
		for (i = 0; i < stat_nr; i++)
			if (text[i] == before[i] || text[i] == after[i] ||
			    !stat_items[i].line[0])
				__set_bit(i, same);
		if (bitmap_subset(keep, same, STAT_MAX_ITEMS))
			break;
	}
	if (!error)
		bitmap_and(keep, keep, same, STAT_MAX_ITEMS);
	kfree(values);
	return error;
}

/* Compare root and the first descendants with their text. */
static int stat_check(struct cgroup_subsys_state *root, unsigned long *keep)
{
	struct cgroup_subsys_state *held[STAT_CHECK_CGROUPS], *css = NULL;
	unsigned int i, nr = 0;
	int error = 0;

	rcu_read_lock();
	while (nr < STAT_CHECK_CGROUPS && (css = css_next_descendant_pre(css, root)))
		if (css_tryget(css))
			held[nr++] = css;
	rcu_read_unlock();

	for (i = 0; i < nr; i++) {
		if (!error)
			error = stat_check_one(held[i], keep);
		css_put(held[i]);
	}
	return error;
}

/*
 * Try to make all items direct. Items whose place is not known, and those that
 * do not read as the kernel prints them, go, if there are others.
 */
static int stat_init_direct(struct cgroup_subsys_state *root, char *reason, size_t size)
{
	DECLARE_BITMAP(keep, STAT_MAX_ITEMS);
	unsigned int i, known, unknown, wrong;
	int error;

	error = stat_learn_places(reason, size);
	if (error)
		return error;
	bitmap_zero(keep, STAT_MAX_ITEMS);
	for (i = 0; i < stat_nr; i++)
		if (stat_items[i].nr_terms)
			__set_bit(i, keep);
	if (!test_bit(0, keep)) {
		snprintf(reason, size, "place of memory.stat's items is not known");
		return -ENOENT;
	}
	/* Those stay until it is clear that the others can be had directly. */
	unknown = 0;
	for (i = 0; i < stat_nr; i++)
		if (!stat_items[i].nr_terms && stat_items[i].line[0])
			unknown++;
	known = bitmap_weight(keep, STAT_MAX_ITEMS);
	error = stat_check(root, keep);
	if (error) {
		snprintf(reason, size, "memory.stat cannot be compared: %pe", ERR_PTR(error));
		return error;
	}
	if (!test_bit(0, keep)) {
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "memcg", MEMDIAG_SRC_NONE, -EINVAL,
				     "%s reads otherwise than memory.stat prints it",
				     stat_items[0].name);
		snprintf(reason, size, "layout of struct memcg_vmstats not confirmed");
		return -EINVAL;
	}
	wrong = known - bitmap_weight(keep, STAT_MAX_ITEMS);
	stat_drop(keep);
	reason[0] = '\0';
	if (unknown || wrong)
		snprintf(reason, size,
			 "memory.stat: place of %u items not known, %u not confirmed",
			 unknown, wrong);
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "memcg", MEMDIAG_SRC_BTF, 0,
			     "%u items read as memory.stat prints them, %u left out",
			     stat_nr, unknown + wrong);
	return 0;
}

/* Keep what the text says by itself. */
static void stat_init_text(void)
{
	DECLARE_BITMAP(keep, STAT_MAX_ITEMS);
	unsigned int i;

	bitmap_zero(keep, STAT_MAX_ITEMS);
	for (i = 0; i < stat_nr; i++)
		if (stat_items[i].line[0])
			__set_bit(i, keep);
	stat_drop(keep);
}

/**
 * memdiag_memcg_stat_init() - learn the items of memory.stat
 * @root: css of the root memory cgroup
 * @reason: out: what is missing and why; "" if nothing is
 * @size: bytes of @reason
 *
 * Context: may sleep.
 *
 * Return: 0 if there are items, direct or by text; or negative errno if not
 * even the text can be had: -ENOENT, -EINVAL, -ENOMEM.
 */
int memdiag_memcg_stat_init(struct cgroup_subsys_state *root, char *reason,
			    size_t size)
{
	char *text;
	int error;

	reason[0] = '\0';
	error = stat_reader_init(root);
	if (error) {
		snprintf(reason, size, "memory.stat: no way to the kernel's text: %pe",
			 ERR_PTR(error));
		goto note;
	}
	text = stat_print(root);
	error = IS_ERR(text) ? PTR_ERR(text) : stat_learn_names(text);
	if (error) {
		snprintf(reason, size, "memory.stat: text not understood: %pe",
			 ERR_PTR(error));
		goto note;
	}
	stat_direct = !stat_init_direct(root, reason, size);
	if (!stat_direct) {
		stat_init_text();
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "memcg", MEMDIAG_SRC_TEXT, 0,
				     "%u items from the text of memory.stat", stat_nr);
	}
note:
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, "memory.stat", MEMDIAG_SRC_OPS, error,
			     "%s", error ? reason :
			     "printed by the controller's own file operations");
	if (error)
		memdiag_memcg_stat_exit();
	return error;
}

/** memdiag_memcg_stat_exit() - undo memdiag_memcg_stat_init() */
void memdiag_memcg_stat_exit(void)
{
	stat_direct = false;
	stat_nr = 0;
	kfree(stat_items);
	stat_items = NULL;
	stat_reader_free();
}

/** memdiag_memcg_stat_nr() - number of items */
unsigned int memdiag_memcg_stat_nr(void)
{
	return stat_nr;
}

/**
 * memdiag_memcg_stat_item() - one item
 * @i: 0 <= i < memdiag_memcg_stat_nr()
 */
const struct memdiag_memcg_item *memdiag_memcg_stat_item(unsigned int i)
{
	return &stat_items[i];
}

/**
 * memdiag_memcg_stat_index() - find an item by name
 * @name: its name in memory.stat of cgroup v2
 *
 * Return: its index, or -ENOENT.
 */
int memdiag_memcg_stat_index(const char *name)
{
	unsigned int i;

	for (i = 0; i < stat_nr; i++)
		if (!strcmp(stat_items[i].name, name))
			return i;
	return -ENOENT;
}

/** memdiag_memcg_stat_is_direct() - may memdiag_memcg_stat_read() be used? */
bool memdiag_memcg_stat_is_direct(void)
{
	return stat_direct;
}

/**
 * memdiag_memcg_stat_read() - read all items from the kernel's structures
 * @memcg: a memory cgroup that is held, or found under RCU
 * @values: out: per item its value
 *
 * Context: any.
 */
void memdiag_memcg_stat_read(const struct mem_cgroup *memcg, u64 *values)
{
	const void *vmstats = memcg->vmstats;
	const long *state = vmstats + stat_state_offset;
	const unsigned long *events = vmstats + stat_events_offset;
	unsigned int i, j;

	for (i = 0; i < stat_nr; i++) {
		const struct memdiag_memcg_item *item = &stat_items[i];
		u64 sum = 0;

		for (j = 0; j < item->nr_terms; j++) {
			/* A sum over CPUs in the making can be negative for a moment. */
			if (item->from_events)
				sum += READ_ONCE(events[item->terms[j]]);
			else
				sum += max(READ_ONCE(state[item->terms[j]]), 0L);
		}
		values[i] = sum * item->unit;
	}
}

/**
 * memdiag_memcg_stat_text() - let the kernel print memory.stat
 * @css: css of a memory cgroup that is held, online or not
 * @values: out: per item its value, or NULL if only the flush of the pending
 *	statistics is wanted that goes with printing
 *
 * Context: may sleep; one at a time.
 *
 * Return: 0, or negative errno.
 */
int memdiag_memcg_stat_text(struct cgroup_subsys_state *css, u64 *values)
{
	char *text;

	if (!stat_reader)
		return -ENOENT;
	text = stat_print(css);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (values)
		memdiag_memcg_stat_parse(text, stat_items, stat_nr, values);
	return 0;
}

#endif /* CONFIG_MEMCG */
