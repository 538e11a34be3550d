// SPDX-License-Identifier: GPL-2.0-only
/*
 * The items of memory.stat: which there are on this kernel, how v1 and v2 call them,
 * and what we know of them beforehand. Learned from the text that the kernel prints.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../compat/mmzone.h"
#include "stat.h"

#ifdef CONFIG_MEMCG

/*
 * The units that a number in state[] can have. Of transparent huge pages the kernel
 * counts single pages, or whole ones if it is an older one.
 */
enum table_unit { UNIT_PAGES, UNIT_BYTES, UNIT_KBYTES, UNIT_HUGEPAGES, UNIT_COUNT };

static const struct table_known {
	const char *name;
	const char *line_v1;
	const char *enumerators[2];
	enum table_unit unit;
	const char *help;
	const char *newer;
} table_known[] = {
	{ "anon", "total_rss", { "NR_ANON_MAPPED" }, UNIT_PAGES,
	  "anonymous memory that is mapped, with what it swapped out and in again" },
	{ "file", "total_cache", { "NR_FILE_PAGES" }, UNIT_PAGES,
	  "page cache, with tmpfs and shared memory" },
	{ "kernel", "", { "MEMCG_KMEM" }, UNIT_PAGES,
	  "all kernel memory charged: stacks, page tables, percpu, vmalloc, slab and the rest" },
	{ "kernel_stack", "", { "NR_KERNEL_STACK_KB" }, UNIT_KBYTES, "kernel stacks" },
	{ "pagetables", "", { "NR_PAGETABLE" }, UNIT_PAGES, "page tables" },
	{ "sec_pagetables", "", { "NR_SECONDARY_PAGETABLE" }, UNIT_PAGES,
	  "secondary page tables, as of KVM" },
	{ "percpu", "", { "MEMCG_PERCPU_B" }, UNIT_BYTES, "per-cpu memory" },
	{ "sock", "", { "MEMCG_SOCK" }, UNIT_PAGES, "network buffers" },
	{ "vmalloc", "", { "MEMCG_VMALLOC" }, UNIT_PAGES, "vmalloc", "NR_VMALLOC" },
	{ "shmem", "total_shmem", { "NR_SHMEM" }, UNIT_PAGES,
	  "the part of file that swap backs: tmpfs, shm, shared anonymous" },
	{ "zswap", "", { "MEMCG_ZSWAP_B" }, UNIT_BYTES, "compressed memory in zswap" },
	{ "zswapped", "", { "MEMCG_ZSWAPPED" }, UNIT_PAGES,
	  "memory that was swapped out to zswap, uncompressed" },
	{ "zswap_incomp", "", { "MEMCG_ZSWAP_INCOMP" }, UNIT_PAGES,
	  "memory in zswap that could not be compressed" },
	{ "file_mapped", "total_mapped_file", { "NR_FILE_MAPPED" }, UNIT_PAGES,
	  "page cache that is mapped" },
	{ "file_dirty", "total_dirty", { "NR_FILE_DIRTY" }, UNIT_PAGES,
	  "page cache not yet written back" },
	{ "file_writeback", "total_writeback", { "NR_WRITEBACK" }, UNIT_PAGES,
	  "page cache being written back" },
	{ "swapcached", "", { "NR_SWAPCACHE" }, UNIT_PAGES,
	  "swap cached in memory, charged to both" },
	{ "anon_thp", "total_rss_huge", { "NR_ANON_THPS" }, UNIT_HUGEPAGES,
	  "anonymous memory in huge pages" },
	{ "file_thp", "", { "NR_FILE_THPS" }, UNIT_HUGEPAGES, "page cache in huge pages" },
	{ "shmem_thp", "", { "NR_SHMEM_THPS" }, UNIT_HUGEPAGES,
	  "tmpfs and shared memory in huge pages" },
	{ "inactive_anon", "total_inactive_anon", { "NR_INACTIVE_ANON" }, UNIT_PAGES,
	  "on the inactive list of anonymous memory" },
	{ "active_anon", "total_active_anon", { "NR_ACTIVE_ANON" }, UNIT_PAGES,
	  "on the active list of anonymous memory" },
	{ "inactive_file", "total_inactive_file", { "NR_INACTIVE_FILE" }, UNIT_PAGES,
	  "on the inactive list of page cache" },
	{ "active_file", "total_active_file", { "NR_ACTIVE_FILE" }, UNIT_PAGES,
	  "on the active list of page cache" },
	{ "unevictable", "total_unevictable", { "NR_UNEVICTABLE" }, UNIT_PAGES,
	  "on the unevictable list" },
	{ "slab_reclaimable", "", { "NR_SLAB_RECLAIMABLE_B" }, UNIT_BYTES,
	  "slab objects that can be reclaimed" },
	{ "slab_unreclaimable", "", { "NR_SLAB_UNRECLAIMABLE_B" }, UNIT_BYTES,
	  "slab objects that cannot be reclaimed" },
	{ "slab", "", { "NR_SLAB_RECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE_B" },
	  UNIT_BYTES, "slab objects" },
	{ "hugetlb", "", { "NR_HUGETLB" }, UNIT_PAGES, "hugetlb pages" },
	{ "workingset_refault_anon", "total_workingset_refault_anon",
	  { "WORKINGSET_REFAULT_ANON" }, UNIT_COUNT,
	  "anonymous pages that came back soon after they were evicted" },
	{ "workingset_refault_file", "total_workingset_refault_file",
	  { "WORKINGSET_REFAULT_FILE" }, UNIT_COUNT,
	  "file pages that came back soon after they were evicted" },
	{ "workingset_activate_anon", "", { "WORKINGSET_ACTIVATE_ANON" }, UNIT_COUNT,
	  "refaulted anonymous pages put on the active list at once" },
	{ "workingset_activate_file", "", { "WORKINGSET_ACTIVATE_FILE" }, UNIT_COUNT,
	  "refaulted file pages put on the active list at once" },
	{ "workingset_restore_anon", "", { "WORKINGSET_RESTORE_ANON" }, UNIT_COUNT,
	  "refaulted anonymous pages that had been in the working set" },
	{ "workingset_restore_file", "", { "WORKINGSET_RESTORE_FILE" }, UNIT_COUNT,
	  "refaulted file pages that had been in the working set" },
	{ "workingset_nodereclaim", "", { "WORKINGSET_NODERECLAIM" }, UNIT_COUNT,
	  "shadow nodes reclaimed" },
	{ "pgdemote_kswapd", "", { "PGDEMOTE_KSWAPD" }, UNIT_COUNT,
	  "pages demoted by kswapd" },
	{ "pgdemote_direct", "", { "PGDEMOTE_DIRECT" }, UNIT_COUNT,
	  "pages demoted by allocating tasks" },
	{ "pgdemote_khugepaged", "", { "PGDEMOTE_KHUGEPAGED" }, UNIT_COUNT,
	  "pages demoted by khugepaged" },
	{ "pgdemote_proactive", "", { "PGDEMOTE_PROACTIVE" }, UNIT_COUNT,
	  "pages demoted on request" },
	{ "pgpromote_success", "", { "PGPROMOTE_SUCCESS" }, UNIT_COUNT,
	  "pages promoted" },
};

/* Events that pgscan and pgsteal are the sums of; not every kernel has all. */
static const char * const table_reclaim[] = {
	"pgscan_kswapd", "pgscan_direct", "pgscan_khugepaged", "pgscan_proactive",
	"pgsteal_kswapd", "pgsteal_direct", "pgsteal_khugepaged", "pgsteal_proactive",
};

/* Further events, for when the kernel prints the few of cgroup v1 instead of all. */
static const char * const table_events[] = {
	"pgfault", "pgmajfault", "pgrefill", "pgactivate", "pgdeactivate",
	"pglazyfree", "pglazyfreed", "swpin_zero", "swpout_zero",
	"zswpin", "zswpout", "zswpwb", "thp_fault_alloc", "thp_collapse_alloc",
	"thp_swpout", "thp_swpout_fallback", "numa_page_migrate",
	"numa_pte_updates", "numa_hint_faults",
};

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

static const struct table_known *table_find_known(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table_known); i++)
		if (!strcmp(table_known[i].name, name))
			return &table_known[i];
	return NULL;
}

/* Append an item. A name we do not know can only be an event. */
static void table_add(struct memdiag_memcg_table *table, const char *name, const char *line)
{
	const struct table_known *known = table_find_known(name);
	struct memdiag_memcg_item *item;

	if (table->nr == MEMDIAG_MEMCG_MAX_ITEMS || strlen(name) >= sizeof(item->name) ||
	    strlen(line) >= sizeof(item->line))
		return;
	item = &table->items[table->nr++];
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
	item->enumerators = known->enumerators;
	item->newer = known->newer;
	item->is_event = known->unit == UNIT_COUNT;
	if (known->unit == UNIT_PAGES)
		item->unit = PAGE_SIZE;
	else if (known->unit == UNIT_KBYTES)
		item->unit = SZ_1K;
	else if (known->unit == UNIT_HUGEPAGES)
		item->unit = PAGE_SIZE * memdiag_thp_unit();
}

/* The lines of v2, in their order. */
static void table_learn_v2(struct memdiag_memcg_table *table, char *text)
{
	unsigned int i;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char *end = strchr(line, ' ');

		if (!end)
			continue;
		*end = '\0';
		table_add(table, line, line);
	}
	/* Older kernels print only the sums of these. */
	if (memdiag_memcg_table_index(table, "pgscan_kswapd") < 0)
		for (i = 0; i < ARRAY_SIZE(table_reclaim); i++)
			table_add(table, table_reclaim[i], "");
}

/* What v1 prints of it, and the rest by our own list. */
static void table_learn_v1(struct memdiag_memcg_table *table)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table_known); i++)
		table_add(table, table_known[i].name, table_known[i].line_v1);
	table_add(table, "pgscan", "");
	table_add(table, "pgsteal", "");
	for (i = 0; i < ARRAY_SIZE(table_reclaim); i++)
		table_add(table, table_reclaim[i], "");
	for (i = 0; i < ARRAY_SIZE(table_events); i++)
		table_add(table, table_events[i],
			  !strcmp(table_events[i], "pgfault") ? "total_pgfault" :
			  !strcmp(table_events[i], "pgmajfault") ? "total_pgmajfault" : "");
}

/**
 * memdiag_memcg_table_learn() - make the table of the items there are
 * @table: out: the items, without their places
 * @text: a memory.stat, of v1 or v2; changed
 *
 * Context: may sleep.
 *
 * Return: 0, to be undone with memdiag_memcg_table_free(); or -ENOMEM, -EINVAL.
 */
int memdiag_memcg_table_learn(struct memdiag_memcg_table *table, char *text)
{
	bool v2 = !strncmp(text, "anon ", 5);

	if (!v2 && !strstr(text, "\ntotal_cache "))
		return -EINVAL;
	table->items = memdiag_keep(MEMDIAG_MEMCG_MAX_ITEMS, sizeof(*table->items));
	if (!table->items)
		return -ENOMEM;
	if (v2)
		table_learn_v2(table, text);
	else
		table_learn_v1(table);
	return 0;
}

/**
 * memdiag_memcg_table_keep() - leave items out
 * @table: the table
 * @keep: those not to leave out
 */
void memdiag_memcg_table_keep(struct memdiag_memcg_table *table, const unsigned long *keep)
{
	unsigned int i, nr = 0;

	for (i = 0; i < table->nr; i++)
		if (test_bit(i, keep))
			table->items[nr++] = table->items[i];
	table->nr = nr;
}

/**
 * memdiag_memcg_table_free() - undo memdiag_memcg_table_learn()
 * @table: the table; may be empty
 */
void memdiag_memcg_table_free(struct memdiag_memcg_table *table)
{
	memdiag_free(table->items);
	table->items = NULL;
	table->nr = 0;
}

/**
 * memdiag_memcg_table_index() - find an item by name
 * @table: the table
 * @name: its name in memory.stat of cgroup v2
 *
 * Return: its index, or -ENOENT.
 */
int memdiag_memcg_table_index(const struct memdiag_memcg_table *table, const char *name)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		if (!strcmp(table->items[i].name, name))
			return i;
	return -ENOENT;
}

#endif /* CONFIG_MEMCG */
