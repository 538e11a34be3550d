// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section vmstat: one record per line of /proc/vmstat, in its order.
 *
 * Walks the kernel's own array of counters: the borrowed ->start() of
 * /proc/vmstat sums everything into one array of its own, ->next() steps through
 * it. The names are learned once, when the module is loaded, by letting ->show()
 * print each line, and every number printed must be the one the pointer leads
 * to; from then on values are read and nothing is formatted but the last line,
 * behind which the kernel prints names that it has given up.
 *
 * Locks: none of ours. ->start() takes the CPU hotplug lock for reading; it may
 * sleep. As in /proc/vmstat the event counters are summed while they run, and
 * zone and node counters lack what is still in the per-cpu parts. Nothing is
 * skipped.
 *
 * Where the operations cannot be borrowed the file's text is read instead.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "vmstat.h"

#define VMSTAT_PATH	"/proc/vmstat"
/* More lines than any kernel has; about 190 on v6.1, 220 on v6.12. */
#define VMSTAT_MAX	1024
/* Largest text of the file to accept, bytes. */
#define VMSTAT_LIMIT	SZ_128K

struct vmstat_record {
	u64 name;
	u64 value;
	u64 kind;
	u64 unit;
};

static const struct memdiag_field_desc vmstat_fields[] = {
	MEMDIAG_FIELD(struct vmstat_record, name, "name", STR, NONE, LABEL,
		      MEMDIAG_FIELD_KEY | MEMDIAG_FIELD_BRIEF,
		      "name of the counter, as in /proc/vmstat"),
	MEMDIAG_FIELD(struct vmstat_record, value, "value", U64, NONE, GAUGE,
		      MEMDIAG_FIELD_BRIEF,
		      "value; kind and unit say how to read it"),
	MEMDIAG_FIELD(struct vmstat_record, kind, "kind", STR, NONE, LABEL,
		      MEMDIAG_FIELD_BRIEF,
		      "gauge: goes up and down; counter: only grows"),
	MEMDIAG_FIELD(struct vmstat_record, unit, "unit", STR, NONE, LABEL, 0,
		      "pages, hugepages, kbytes, or count of whatever the name says"),
};

/*
 * What was learned at init. @names has @nr_names entries, of which the first
 * @nr_values have a counter in the array; those behind are names given up.
 */
static struct memdiag_ops vmstat_ops;
static bool vmstat_by_ops;
static char **vmstat_names;
static unsigned int vmstat_nr_names;
static unsigned int vmstat_nr_values;
/* The names stand where the enums of the public headers say. */
static bool vmstat_named;

/* A line "name value", cut out of @text; its end is overwritten with a NUL. */
struct vmstat_line {
	char *name;
	unsigned long value;
};

static bool vmstat_next_line(char **text, struct vmstat_line *line)
{
	char *value = strsep(text, "\n");

	if (!value || !*value)
		return false;
	line->name = strsep(&value, " ");
	return value && *line->name && !kstrtoul(value, 10, &line->value);
}

static int vmstat_learn(const char *name)
{
	if (vmstat_nr_names == VMSTAT_MAX)
		return -E2BIG;
	vmstat_names[vmstat_nr_names] = memdiag_keep_string(name, strlen(name));
	if (!vmstat_names[vmstat_nr_names])
		return -ENOMEM;
	vmstat_nr_names++;
	return 0;
}

static void vmstat_forget(void)
{
	while (vmstat_nr_names)
		memdiag_free(vmstat_names[--vmstat_nr_names]);
	vmstat_nr_values = 0;
}

/* Print the line of @value and terminate the text; returns it, or NULL. */
static char *vmstat_show(struct seq_file *m, void *value)
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
	struct vmstat_line line;
	unsigned long *value;
	struct seq_file m;
	loff_t pos = 0;
	char *text = NULL;
	int error = 0;

	memdiag_ops_seq(&vmstat_ops, &m);
	value = m.op->start(&m, &pos);
	if (IS_ERR_OR_NULL(value))
		error = value ? PTR_ERR(value) : -ENODATA;
	while (!error && value) {
		error = -EINVAL;
		if (value != (unsigned long *)m.private + vmstat_nr_values)
			break;
		text = vmstat_show(&m, value);
		if (!text || !vmstat_next_line(&text, &line) || line.value != *value)
			break;
		vmstat_nr_values++;
		error = vmstat_learn(line.name);
		if (!error)
			value = m.op->next(&m, value, &pos);
		/* Only the last line may have more behind it. */
		if (!error && value && *text)
			error = -EINVAL;
	}
	while (!error && vmstat_next_line(&text, &line))
		error = vmstat_learn(line.name);
	m.op->stop(&m, value);
	return error;
}

static int vmstat_learn_by_text(void)
{
	struct vmstat_line line;
	char *text, *rest;
	ssize_t n = memdiag_file_read(VMSTAT_PATH, &text, VMSTAT_LIMIT);
	int error = 0;

	if (n < 0)
		return n;
	rest = text;
	while (!error && vmstat_next_line(&rest, &line))
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
		if (anchors[i].item >= vmstat_nr_names ||
		    strcmp(vmstat_names[anchors[i].item], anchors[i].name))
			return false;
	if (NR_VM_NUMA_EVENT_ITEMS && strcmp(vmstat_names[MEMDIAG_VMSTAT_NUMA], "numa_hit"))
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

/*
 * The enums do not say which items only grow. All events do; so do some zone
 * and node items, and these are named like the others.
 */
static u16 vmstat_kind(const char *name)
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

static const char *vmstat_unit(const char *name)
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
 * The names stay valid until the vmstat provider's exit.
 *
 * Return: number of rows filled in: @nr, or 0 if the names are not known.
 */
unsigned int memdiag_vmstat_fields(struct memdiag_field_desc *fields, u32 offset,
				   unsigned int first, unsigned int nr, u16 flags,
				   const char *help)
{
	unsigned int i;

	if (!vmstat_named)
		return 0;
	for (i = 0; i < nr; i++) {
		const char *name = vmstat_names[first + i];
		const char *unit = vmstat_unit(name);
		bool numa = first + i >= MEMDIAG_VMSTAT_NUMA &&
			    first + i < MEMDIAG_VMSTAT_NODE;

		fields[i] = (struct memdiag_field_desc) {
			.name = name,
			.help = help,
			.type = MEMDIAG_TYPE_U64,
			.unit = numa || !strcmp(unit, "pages") ? MEMDIAG_UNIT_PAGES :
				!strcmp(unit, "kbytes") ? MEMDIAG_UNIT_KBYTES :
				MEMDIAG_UNIT_NONE,
			.kind = vmstat_kind(name),
			.flags = flags,
			.offset = offset + i * sizeof(u64),
		};
	}
	return nr;
}

static bool vmstat_push(struct memdiag_sink *sink, const char *name, unsigned long value)
{
	struct vmstat_record *record = memdiag_push(sink);

	if (!record)
		return false;
	record->name = memdiag_push_string(sink, name);
	record->value = value;
	record->kind = memdiag_push_string(sink, vmstat_kind(name) == MEMDIAG_KIND_COUNTER ?
					   "counter" : "gauge");
	record->unit = memdiag_push_string(sink, vmstat_unit(name));
	return true;
}

static int vmstat_collect_by_ops(struct memdiag_sink *sink)
{
	struct vmstat_line line;
	unsigned long *value, *last = NULL;
	struct seq_file m;
	unsigned int i = 0;
	loff_t pos = 0;
	char *text;
	int error = 0;

	memdiag_ops_seq(&vmstat_ops, &m);
	value = m.op->start(&m, &pos);
	if (IS_ERR(value))
		error = PTR_ERR(value);
	while (!error && value) {
		if (i == vmstat_nr_values)
			error = -EINVAL;
		else if (!vmstat_push(sink, vmstat_names[i], *value))
			error = -ENOSPC;
		if (error)
			break;
		i++;
		last = value;
		value = m.op->next(&m, value, &pos);
	}
	if (!error && i != vmstat_nr_values)
		error = -EINVAL;
	/* Names given up: what stands behind the last line. */
	text = !error && last && vmstat_nr_names > vmstat_nr_values ?
		vmstat_show(&m, last) : NULL;
	if (text && vmstat_next_line(&text, &line))
		while (!error && vmstat_next_line(&text, &line))
			if (!vmstat_push(sink, line.name, line.value))
				error = -ENOSPC;
	m.op->stop(&m, value);
	return error;
}

static int vmstat_collect_by_text(struct memdiag_sink *sink)
{
	struct vmstat_line line;
	char *text, *rest;
	ssize_t n = memdiag_file_read(VMSTAT_PATH, &text, VMSTAT_LIMIT);
	int error = 0;

	if (n < 0)
		return n;
	rest = text;
	while (!error && vmstat_next_line(&rest, &line))
		if (!vmstat_push(sink, line.name, line.value))
			error = -ENOSPC;
	memdiag_free(text);
	return error;
}

static int vmstat_collect(struct memdiag_sink *sink)
{
	return vmstat_by_ops ? vmstat_collect_by_ops(sink) : vmstat_collect_by_text(sink);
}

static unsigned int vmstat_estimate(void)
{
	return vmstat_nr_names;
}

static void __init vmstat_init(struct memdiag_status *status)
{
	int error;

	vmstat_names = memdiag_keep(VMSTAT_MAX, sizeof(*vmstat_names));
	if (!vmstat_names) {
		memdiag_set_unavailable(status, -ENOMEM, "no memory for the names");
		return;
	}
	if (!memdiag_ops_open(&vmstat_ops, VMSTAT_PATH)) {
		error = vmstat_learn_by_ops();
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmstat counters",
				     MEMDIAG_SRC_OPS, error, "%u values, %u names: %s",
				     vmstat_nr_values, vmstat_nr_names,
				     error ? "not as printed" : "all as printed");
		vmstat_by_ops = !error;
		if (error) {
			vmstat_forget();
			memdiag_ops_close(&vmstat_ops);
		}
	}
	if (!vmstat_by_ops) {
		error = vmstat_learn_by_text();
		memdiag_resolve_note(MEMDIAG_ITEM_FILE, VMSTAT_PATH, MEMDIAG_SRC_TEXT,
				     error, "%u lines", vmstat_nr_names);
		if (error) {
			vmstat_forget();
			memdiag_set_unavailable(status, error,
						VMSTAT_PATH " cannot be read: %pe",
						ERR_PTR(error));
			return;
		}
	}
	vmstat_named = vmstat_check_names();
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmstat names",
			     vmstat_by_ops ? MEMDIAG_SRC_OPS : MEMDIAG_SRC_TEXT,
			     vmstat_named ? 0 : -EINVAL,
			     "zone, NUMA and node items %s the enums of the headers",
			     vmstat_named ? "match" : "do not match");
	memdiag_set_ok(status, vmstat_by_ops ? MEMDIAG_SRC_OPS : MEMDIAG_SRC_TEXT);
}

static void vmstat_exit(struct memdiag_status *status)
{
	memdiag_ops_close(&vmstat_ops);
	vmstat_named = false;
	if (vmstat_names)
		vmstat_forget();
	memdiag_free(vmstat_names);
	vmstat_names = NULL;
}

const struct memdiag_provider memdiag_vmstat_provider __refconst = {
	.id = MEMDIAG_SEC_VMSTAT,
	.name = "vmstat",
	.help = "per counter of /proc/vmstat: reclaim, compaction, refaults, events since boot",
	.fields = vmstat_fields,
	.nr_fields = ARRAY_SIZE(vmstat_fields),
	.record_size = sizeof(struct vmstat_record),
	.init = vmstat_init,
	.exit = vmstat_exit,
	.estimate = vmstat_estimate,
	.collect = vmstat_collect,
};
