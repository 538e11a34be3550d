// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section vmstat: one record per line of /proc/vmstat, in its order.
 *
 * Walks the kernel's own array of counters: the borrowed ->start() of
 * /proc/vmstat sums everything into one array of its own, ->next() steps through
 * it. The names were learned when the module was loaded (readers/vmstat.c): values are
 * read and nothing is formatted but the last line, behind which the kernel prints
 * names that it has given up.
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

#include "../memdiag.h"
#include "../readers/vmstat.h"

struct vmstat_record {
	u64 name;
	u64 value;
	u64 kind;
	u64 unit;
};

static const struct memdiag_field_desc vmstat_fields[] = {
	MEMDIAG_LABEL(vmstat_record, name, STR, NONE, KEY_BRIEF,
		      "name of the counter, as in /proc/vmstat"),
	MEMDIAG_GAUGE(vmstat_record, value, U64, NONE, BRIEF,
		      "value; kind and unit say how to read it"),
	MEMDIAG_LABEL(vmstat_record, kind, STR, NONE, BRIEF,
		      "gauge: goes up and down; counter: only grows"),
	MEMDIAG_LABEL(vmstat_record, unit, STR, NONE, 0,
		      "pages, hugepages, kbytes, or count of whatever the name says"),
};

static bool vmstat_push(struct memdiag_sink *sink, const char *name, unsigned long value)
{
	struct vmstat_record *record = memdiag_push(sink);

	if (!record)
		return false;
	record->name = memdiag_push_string(sink, name);
	record->value = value;
	record->kind = memdiag_push_string(sink, memdiag_vmstat_kind(name) == MEMDIAG_KIND_COUNTER ?
					   "counter" : "gauge");
	record->unit = memdiag_push_string(sink, memdiag_vmstat_unit(name));
	return true;
}

static int vmstat_collect_by_ops(struct memdiag_sink *sink)
{
	struct memdiag_vmstat_line line;
	unsigned long *value, *last = NULL;
	struct seq_file m;
	unsigned int i = 0;
	loff_t pos = 0;
	char *text;
	int error = 0;

	memdiag_ops_seq(&memdiag_vmstat.ops, &m);
	value = m.op->start(&m, &pos);
	if (IS_ERR(value))
		error = PTR_ERR(value);
	while (!error && value) {
		if (i == memdiag_vmstat.nr_values)
			error = -EINVAL;
		else if (!vmstat_push(sink, memdiag_vmstat.names[i], *value))
			error = -ENOSPC;
		if (error)
			break;
		i++;
		last = value;
		value = m.op->next(&m, value, &pos);
	}
	if (!error && i != memdiag_vmstat.nr_values)
		error = -EINVAL;
	/* Names given up: what stands behind the last line. */
	text = !error && last && memdiag_vmstat.nr_names > memdiag_vmstat.nr_values ?
		memdiag_vmstat_show(&m, last) : NULL;
	if (text && memdiag_vmstat_next_line(&text, &line))
		while (!error && memdiag_vmstat_next_line(&text, &line))
			if (!vmstat_push(sink, line.name, line.value))
				error = -ENOSPC;
	m.op->stop(&m, value);
	return error;
}

static int vmstat_collect_by_text(struct memdiag_sink *sink)
{
	struct memdiag_vmstat_line line;
	char *text, *rest;
	ssize_t n = memdiag_file_read(MEMDIAG_VMSTAT_PATH, &text, MEMDIAG_VMSTAT_LIMIT);
	int error = 0;

	if (n < 0)
		return n;
	rest = text;
	while (!error && memdiag_vmstat_next_line(&rest, &line))
		if (!vmstat_push(sink, line.name, line.value))
			error = -ENOSPC;
	memdiag_free(text);
	return error;
}

static int vmstat_collect(struct memdiag_sink *sink)
{
	return memdiag_vmstat.by_ops ? vmstat_collect_by_ops(sink) : vmstat_collect_by_text(sink);
}

static unsigned int vmstat_estimate(void)
{
	return memdiag_vmstat.nr_names;
}

static void __init vmstat_init(struct memdiag_status *status)
{
	int error = memdiag_vmstat.error;

	if (error == -ENOMEM)
		memdiag_set_unavailable(status, error, "no memory for the names");
	else if (error)
		memdiag_set_unavailable(status, error,
					MEMDIAG_VMSTAT_PATH " cannot be read: %pe", ERR_PTR(error));
	else
		memdiag_set_ok(status, memdiag_vmstat.by_ops ? MEMDIAG_SRC_OPS : MEMDIAG_SRC_TEXT);
}

const struct memdiag_provider memdiag_vmstat_provider __refconst = {
	.id = MEMDIAG_SEC_VMSTAT,
	.name = "vmstat",
	.help = "per counter of /proc/vmstat: reclaim, compaction, refaults, events since boot",
	MEMDIAG_RECORDS(vmstat_fields, vmstat_record),
	.init = vmstat_init,
	.estimate = vmstat_estimate,
	.collect = vmstat_collect,
};
