// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section track_status: one record: how the tracker stands.
 *
 * Locks: the mutex of the run. Counters of the CPUs are added up without a lock.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/stack.h"
#include "track.h"

#define STATUS_TEXT	1024

struct status_record {
	u64 state;
	u64 kinds;
	u64 filter;
	u64 depth;
	u64 since_ns;
	u64 objects_max;
	u64 objects_used;
	u64 stacks_max;
	u64 stacks_used;
	u64 table_bytes;
	u64 allocations;
	u64 frees;
	u64 unknown_frees;
	u64 dropped_objects;
	u64 dropped_stacks;
	u64 dropped_busy;
	u64 replaced;
	u64 gone;
	u64 walks;
	u64 unwinds;
	u64 wrong_walks;
	u64 probes;
};

static const struct memdiag_field_desc status_fields[] = {
	MEMDIAG_LABEL(status_record, state, STR, NONE, BRIEF, "off, armed, stopped"),
	MEMDIAG_LABEL(status_record, kinds, STR, NONE, BRIEF,
		      "what is tracked: slab, pages, percpu; when off, what could be"),
	MEMDIAG_LABEL(status_record, filter, STR, NONE, BRIEF,
		      "which allocations are looked at; empty: all"),
	MEMDIAG_GAUGE(status_record, depth, U64, NONE, 0, "frames kept of a stack"),
	MEMDIAG_GAUGE(status_record, since_ns, U64, NS, 0, "from the start to now, or to the stop"),
	MEMDIAG_GAUGE(status_record, objects_max, U64, NONE, 0, "room for live objects"),
	MEMDIAG_GAUGE(status_record, objects_used, U64, NONE, BRIEF, "live objects in the table"),
	MEMDIAG_GAUGE(status_record, stacks_max, U64, NONE, 0, "room for stacks"),
	MEMDIAG_GAUGE(status_record, stacks_used, U64, NONE, 0,
		      "stacks that were seen, also those left out"),
	MEMDIAG_GAUGE(status_record, table_bytes, U64, BYTES, 0, "memory of the tables"),
	MEMDIAG_COUNTER(status_record, allocations, U64, NONE, 0,
			"allocations that passed the filter and found room"),
	MEMDIAG_COUNTER(status_record, frees, U64, NONE, 0, "frees of tracked objects"),
	MEMDIAG_COUNTER(status_record, unknown_frees, U64, NONE, 0,
			"frees of what is not tracked: allocated before the start, left out, or counted already, as by kfree_rcu()"),
	MEMDIAG_COUNTER(status_record, dropped_objects, U64, NONE, BRIEF,
			"allocations without room in the table of objects"),
	MEMDIAG_COUNTER(status_record, dropped_stacks, U64, NONE, BRIEF,
			"allocations without room in the table of stacks"),
	MEMDIAG_COUNTER(status_record, dropped_busy, U64, NONE, 0,
			"events that were not followed, as they came from inside a probe or another one's NMI"),
	MEMDIAG_COUNTER(status_record, replaced, U64, NONE, 0,
			"objects at whose address another one was allocated: freed without an event"),
	MEMDIAG_GAUGE(status_record, gone, U64, NONE, 0,
		      "objects that turned out to be gone without an event, at the last report"),
	MEMDIAG_COUNTER(status_record, walks, U64, NONE, 0,
			"stacks that were taken by rules that the unwinder was seen to follow"),
	MEMDIAG_COUNTER(status_record, unwinds, U64, NONE, 0,
			"stacks that the kernel's unwinder took"),
	MEMDIAG_COUNTER(status_record, wrong_walks, U64, NONE, 0,
			"walks that the unwinder did not confirm, after which none is taken any more; one in 1024 is compared, and each that leads to a new stack"),
	MEMDIAG_LABEL(status_record, probes, STR, NONE, 0,
		      "what is attached, and what no probe sees"),
};

static u64 status_kinds(struct memdiag_sink *sink, u32 kinds)
{
	return memdiag_push_printf(sink, "%s%s%s%s%s", kinds & MEMDIAG_TRACK_SLAB ? "slab" : "",
				   kinds & MEMDIAG_TRACK_SLAB && kinds != MEMDIAG_TRACK_SLAB ?
				   "," : "",
				   kinds & MEMDIAG_TRACK_PAGES ? "pages" : "",
				   kinds & MEMDIAG_TRACK_PAGES && kinds & MEMDIAG_TRACK_PERCPU ?
				   "," : "",
				   kinds & MEMDIAG_TRACK_PERCPU ? "percpu" : "");
}

static void status_fill(struct memdiag_sink *sink, struct status_record *record,
			const struct track_run *run)
{
	u64 room = track_objects_room(&run->objects);

	record->kinds = status_kinds(sink, run->kinds);
	record->depth = run->stacks.depth;
	record->since_ns = (run->stop_ns ?: ktime_get_ns()) - run->start_ns;
	record->objects_max = room;
	record->stacks_max = run->stacks.max;
	record->stacks_used = track_stacks_used(&run->stacks) -
			      (run->stacks.ring_tail - READ_ONCE(run->stacks.ring_head));
	record->table_bytes = run->bytes;
	/* Frees first, lest there seem to be more of them than allocations. */
	record->frees = track_counter(run, frees);
	record->replaced = track_counter(run, replaced);
	record->allocations = track_counter(run, allocations);
	/* The CPUs are not read at the same time. */
	record->objects_used = clamp_t(s64, track_counter(run, used), 0, room);
	record->unknown_frees = track_counter(run, unknown_frees);
	record->dropped_objects = track_counter(run, dropped_objects);
	record->dropped_stacks = track_counter(run, dropped_stacks);
	record->dropped_busy = track_counter(run, dropped_busy) + run->missed +
			       track_kprobes_missed(false);
	record->gone = run->gone;
	record->walks = track_counter(run, walks);
	record->unwinds = track_counter(run, unwinds);
	record->wrong_walks = track_counter(run, wrong_walks);
}

/* What is attached, and what is not seen because something is not. */
static void status_probes(const struct track_run *run, char *text)
{
	size_t n = track_attach_print(text, STATUS_TEXT);

	if (n)
		n += scnprintf(text + n, STATUS_TEXT - n, "; ");
	if (run->silent & MEMDIAG_TRACK_SLAB)
		n += scnprintf(text + n, STATUS_TEXT - n,
			       "frees by kmem_cache_free_bulk() and kfree_rcu() are not seen: slab objects are unsure; ");
	if (run->missed_frees || track_kprobes_missed(true))
		n += scnprintf(text + n, STATUS_TEXT - n,
			       "frees by kmem_cache_free_bulk() or kfree_rcu() were missed: slab objects are unsure; ");
	if (atomic_read(&run->lost_frees))
		n += scnprintf(text + n, STATUS_TEXT - n,
			       "parts of blocks were freed in an NMI: pages of a higher order are unsure; ");
	if (track_attach_late())
		n += scnprintf(text + n, STATUS_TEXT - n,
			       "kmem_cache_free() tells of a free after it: who is allocated there at that moment may count as freed; ");
	if (run->walk.off)
		n += scnprintf(text + n, STATUS_TEXT - n, "%s; ",
			       track_counter(run, wrong_walks) ?
			       "a walk differed from what the unwinder says: it takes every stack" :
			       "the unwinder takes every stack: there are no rules of it to walk by");
#ifndef MEMDIAG_HAVE_CUT_IRQ
	n += scnprintf(text + n, STATUS_TEXT - n,
		       "a stack taken in an interrupt goes on with who was interrupted; ");
#endif
	scnprintf(text + n, STATUS_TEXT - n,
		  "what the kernel keeps for later (of slabs, page tables, chunks of per-cpu memory) is unsure");
}

static int status_collect(struct memdiag_sink *sink)
{
	struct status_record *record;
	const char *why;
	char *text;

	text = memdiag_alloc(STATUS_TEXT, 1);
	if (!text)
		return -ENOMEM;
	mutex_lock(&track_lock);
	record = memdiag_push(sink);
	if (!record)
		goto unlock;
	record->state = memdiag_push_string(sink, track_armed ? "armed" :
						  track_run ? "stopped" : "off");
	if (track_run) {
		status_fill(sink, record, track_run);
		track_filter_print(&track_run->filter, text, STATUS_TEXT);
		record->filter = memdiag_push_string(sink, text);
		status_probes(track_run, text);
		record->probes = memdiag_push_string(sink, text);
	} else {
		record->kinds = status_kinds(sink, track_attach_kinds(&why));
	}
unlock:
	mutex_unlock(&track_lock);
	memdiag_free(text);
	return record ? 0 : -ENOSPC;
}

static void __init status_init(struct memdiag_status *status)
{
	const char *why;
	u32 kinds = track_attach_kinds(&why);

	if (!kinds)
		memdiag_set_unavailable(status, -EOPNOTSUPP, "%s", why);
	else if (why)
		memdiag_set_partial(status, MEMDIAG_SRC_EXPORT,
				    "not all kinds: the kernel has no tracepoint %s", why);
	else
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

const struct memdiag_provider memdiag_track_status_provider __refconst = {
	.id = MEMDIAG_SEC_TRACK_STATUS,
	.name = "track_status",
	.help = "one record: how the tracker of allocations stands, and what it could not follow",
	MEMDIAG_RECORDS(status_fields, status_record),
	.init = status_init,
	.collect = status_collect,
};
