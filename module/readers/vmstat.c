// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of the vm statistics, and the way to their values.
 *
 * The names are learned once, when the module is loaded, by letting ->show() of
 * /proc/vmstat print each line; every number printed must be the one the pointer
 * leads to. Where the operations cannot be borrowed the names come from the text.
 * The sections vmstat, zone and node use them.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "vmstat.h"

/* More lines than any kernel has; about 190 on v6.1, 220 on v6.12. */
#define VMSTAT_MAX	1024

struct memdiag_vmstat memdiag_vmstat;

/**
 * memdiag_vmstat_next_line() - cut the next line off
 * @text: the text; moves to the line behind, NULL at its end
 * @line: out: the line
 *
 * Return: false at the end, or if the line is not a name and a number.
 */
bool memdiag_vmstat_next_line(char **text, struct memdiag_vmstat_line *line)
{
	char *value = strsep(text, "\n");

	if (!value || !*value)
		return false;
	line->name = strsep(&value, " ");
	return value && *line->name && !kstrtoul(value, 10, &line->value);
}

static int vmstat_learn(const char *name)
{
	if (memdiag_vmstat.nr_names == VMSTAT_MAX)
		return -E2BIG;
	memdiag_vmstat.names[memdiag_vmstat.nr_names] = memdiag_keep_string(name, strlen(name));
	if (!memdiag_vmstat.names[memdiag_vmstat.nr_names])
		return -ENOMEM;
	memdiag_vmstat.nr_names++;
	return 0;
}

static void vmstat_forget(void)
{
	while (memdiag_vmstat.nr_names)
		memdiag_free(memdiag_vmstat.names[--memdiag_vmstat.nr_names]);
	memdiag_vmstat.nr_values = 0;
}

/**
 * memdiag_vmstat_show() - let the kernel print a line
 * @m: prepared by memdiag_ops_seq()
 * @value: of the line
 *
 * Context: between ->start() and ->stop().
 *
 * Return: the text, with a NUL behind; or NULL.
 */
char *memdiag_vmstat_show(struct seq_file *m, void *value)
{
	m->count = 0;
	if (m->op->show(m, value) || !m->count || m->count >= m->size)
		return NULL;
	m->buf[m->count] = '\0';
	return m->buf;
}

/*
 * Learn the names, and that ->start() and ->next() lead through an array whose
 * elements are what ->show() prints.
 */
static int vmstat_learn_by_ops(void)
{
	struct memdiag_vmstat_line line;
	unsigned long *value;
	struct seq_file m;
	loff_t pos = 0;
	char *text = NULL;
	int error = 0;

	memdiag_ops_seq(&memdiag_vmstat.ops, &m);
	value = m.op->start(&m, &pos);
	if (IS_ERR_OR_NULL(value))
		error = value ? PTR_ERR(value) : -ENODATA;
	while (!error && value) {
		error = -EINVAL;
		if (value != (unsigned long *)m.private + memdiag_vmstat.nr_values)
			break;
		text = memdiag_vmstat_show(&m, value);
		if (!text || !memdiag_vmstat_next_line(&text, &line) || line.value != *value)
			break;
		memdiag_vmstat.nr_values++;
		error = vmstat_learn(line.name);
		if (!error)
			value = m.op->next(&m, value, &pos);
		/* Only the last line may have more behind it. */
		if (!error && value && *text)
			error = -EINVAL;
	}
	while (!error && memdiag_vmstat_next_line(&text, &line))
		error = vmstat_learn(line.name);
	m.op->stop(&m, value);
	return error;
}

static int vmstat_learn_by_text(void)
{
	struct memdiag_vmstat_line line;
	char *text, *rest;
	ssize_t n = memdiag_file_read(MEMDIAG_VMSTAT_PATH, &text, MEMDIAG_VMSTAT_LIMIT);
	int error = 0;

	if (n < 0)
		return n;
	rest = text;
	while (!error && memdiag_vmstat_next_line(&rest, &line))
		error = vmstat_learn(line.name);
	if (!error && rest && *rest)
		error = -EINVAL;
	memdiag_free(text);
	return error;
}

/* Whether the names stand where the enums in the headers say they do. */
static bool vmstat_check_names(void)
{
	static const struct {
		unsigned int item;
		const char *name;
	} anchors[] = {
		{ MEMDIAG_VMSTAT_ZONE + NR_FREE_PAGES, "nr_free_pages" },
		{ MEMDIAG_VMSTAT_NODE, "nr_inactive_anon" },
		{ MEMDIAG_VMSTAT_NODE + NR_SLAB_RECLAIMABLE_B, "nr_slab_reclaimable" },
		{ MEMDIAG_VMSTAT_NODE + NR_ANON_MAPPED, "nr_anon_pages" },
		{ MEMDIAG_VMSTAT_NODE + NR_SHMEM, "nr_shmem" },
		{ MEMDIAG_VMSTAT_NODE + NR_KERNEL_STACK_KB, "nr_kernel_stack" },
		{ MEMDIAG_VMSTAT_OTHER, "nr_dirty_threshold" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++)
		if (anchors[i].item >= memdiag_vmstat.nr_names ||
		    strcmp(memdiag_vmstat.names[anchors[i].item], anchors[i].name))
			return false;
	if (NR_VM_NUMA_EVENT_ITEMS && strcmp(memdiag_vmstat.names[MEMDIAG_VMSTAT_NUMA], "numa_hit"))
		return false;
	return true;
}

static bool vmstat_is_one_of(const char *name, const char * const *names, size_t nr)
{
	while (nr--)
		if (!strcmp(name, names[nr]))
			return true;
	return false;
}

/**
 * memdiag_vmstat_kind() - gauge or counter
 * @name: of the item
 *
 * The enums do not say which items only grow. All events do; so do some zone
 * and node items, and these are named like the others.
 *
 * Return: enum memdiag_kind.
 */
u16 memdiag_vmstat_kind(const char *name)
{
	static const char * const counters[] = {
		"nr_vmscan_write", "nr_vmscan_immediate_reclaim", "nr_dirtied",
		"nr_written", "nr_throttled_written", "nr_foll_pin_acquired",
		"nr_foll_pin_released",
	};

	if (!strcmp(name, "workingset_nodes"))
		return MEMDIAG_KIND_GAUGE;
	if (strncmp(name, "nr_", 3) || !strncmp(name, "nr_tlb_", 7) ||
	    vmstat_is_one_of(name, counters, ARRAY_SIZE(counters)))
		return MEMDIAG_KIND_COUNTER;
	return MEMDIAG_KIND_GAUGE;
}

/**
 * memdiag_vmstat_unit() - what an item is counted in
 * @name: of the item
 *
 * Return: a constant word: pages, hugepages, kbytes or count.
 */
const char *memdiag_vmstat_unit(const char *name)
{
	static const char * const kbytes[] = {
		"nr_kernel_stack", "nr_shadow_call_stack", "pgpgin", "pgpgout",
	};
	static const char * const hugepages[] = {
		"nr_shmem_hugepages", "nr_shmem_pmdmapped", "nr_file_hugepages",
		"nr_file_pmdmapped", "nr_anon_transparent_hugepages",
	};

	if (vmstat_is_one_of(name, kbytes, ARRAY_SIZE(kbytes)))
		return "kbytes";
	if (vmstat_is_one_of(name, hugepages, ARRAY_SIZE(hugepages)))
		return "hugepages";
	if (!strcmp(name, "workingset_nodes") || !strcmp(name, "nr_unstable") ||
	    !strncmp(name, "nr_tlb_", 7))
		return "count";
	if (!strncmp(name, "nr_", 3) || !strncmp(name, "workingset_", 11))
		return "pages";
	return "count";
}

/**
 * memdiag_vmstat_fields() - describe items as fields of a record
 * @fields: out: @nr rows
 * @offset: of the first item's u64 in the record, bytes; the others follow
 * @first: first item: MEMDIAG_VMSTAT_ZONE, _NUMA or _NODE, plus its number in
 *	that enum
 * @nr: number of items
 * @flags: MEMDIAG_FIELD_* of all of them
 * @help: of all of them
 *
 * The names stay valid until memdiag_vmstat_exit().
 *
 * Return: number of rows filled in: @nr, or 0 if the names are not known.
 */
unsigned int memdiag_vmstat_fields(struct memdiag_field_desc *fields, u32 offset,
				   unsigned int first, unsigned int nr, u16 flags,
				   const char *help)
{
	unsigned int i;

	if (!memdiag_vmstat.named)
		return 0;
	for (i = 0; i < nr; i++) {
		const char *name = memdiag_vmstat.names[first + i];
		const char *unit = memdiag_vmstat_unit(name);
		bool numa = first + i >= MEMDIAG_VMSTAT_NUMA &&
			    first + i < MEMDIAG_VMSTAT_NODE;

		fields[i] = (struct memdiag_field_desc) {
			.name = name,
			.help = help,
			.type = MEMDIAG_TYPE_U64,
			.unit = numa || !strcmp(unit, "pages") ? MEMDIAG_UNIT_PAGES :
				!strcmp(unit, "kbytes") ? MEMDIAG_UNIT_KBYTES :
				MEMDIAG_UNIT_NONE,
			.kind = memdiag_vmstat_kind(name),
			.flags = flags,
			.offset = offset + i * sizeof(u64),
		};
	}
	return nr;
}

static int __init vmstat_learn_names(void)
{
	int error;

	memdiag_vmstat.names = memdiag_keep(VMSTAT_MAX, sizeof(*memdiag_vmstat.names));
	if (!memdiag_vmstat.names)
		return -ENOMEM;
	if (!memdiag_ops_open(&memdiag_vmstat.ops, MEMDIAG_VMSTAT_PATH)) {
		error = vmstat_learn_by_ops();
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmstat counters",
				     MEMDIAG_SRC_OPS, error, "%u values, %u names: %s",
				     memdiag_vmstat.nr_values, memdiag_vmstat.nr_names,
				     error ? "not as printed" : "all as printed");
		memdiag_vmstat.by_ops = !error;
		if (!error)
			return 0;
		vmstat_forget();
		memdiag_ops_close(&memdiag_vmstat.ops);
	}
	error = vmstat_learn_by_text();
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, MEMDIAG_VMSTAT_PATH, MEMDIAG_SRC_TEXT,
			     error, "%u lines", memdiag_vmstat.nr_names);
	if (error)
		vmstat_forget();
	return error;
}

/**
 * memdiag_vmstat_init() - learn the names; the result is in memdiag_vmstat.error
 *
 * Context: may sleep.
 */
void __init memdiag_vmstat_init(void)
{
	memdiag_vmstat.error = vmstat_learn_names();
	if (memdiag_vmstat.error)
		return;
	memdiag_vmstat.named = vmstat_check_names();
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmstat names",
			     memdiag_vmstat.by_ops ? MEMDIAG_SRC_OPS : MEMDIAG_SRC_TEXT,
			     memdiag_vmstat.named ? 0 : -EINVAL,
			     "zone, NUMA and node items %s the enums of the headers",
			     memdiag_vmstat.named ? "match" : "do not match");
}

/** memdiag_vmstat_exit() - forget the names */
void memdiag_vmstat_exit(void)
{
	memdiag_ops_close(&memdiag_vmstat.ops);
	memdiag_vmstat.named = false;
	if (memdiag_vmstat.names)
		vmstat_forget();
	memdiag_free(memdiag_vmstat.names);
	memdiag_vmstat.names = NULL;
}
