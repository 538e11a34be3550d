// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section track: one record per stack, kind, and cache or order: what is outstanding.
 * On request.
 *
 * Walks the table of objects and adds up per stack, into memory that the start put
 * aside; then names the stacks. Nothing is changed by that.
 *
 * Locks: the mutex of the run, and no other: while objects are added up, and then while a few
 * stacks are named. In between a start, a stop or a module may get in, which is seen by
 * track_generation: then the report begins anew. One that was got in the way of some times
 * keeps the mutex.
 *
 * Stale: objects come and go while they are added up. One that is being written is not
 * seen. The counters of a stack are read after its objects. Pages of a large object of
 * kmalloc() are counted until the event of the object comes: then the counters of their
 * stack go back by them.
 *
 * Skipped: stacks that the filter left out, or none of whose objects remained its own;
 * pages that became slabs, for their objects are told instead, and stacks which only
 * have such pages.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "../resolve/resolve.h"
#include "../sink.h"
#include "track.h"

/*
 * A report takes no longer than that. Ages wrap after 2^32 jiffies, less this: 49 days
 * at 1000 Hz, half a year at 250 Hz.
 */
#define REPORT_WALK	(600 * HZ)
/* Stacks that are named while the lock is held. */
#define REPORT_BATCH	32
/* How often a report begins anew before it keeps the lock. */
#define REPORT_TRIES	3

struct report_record {
	u64 stack;
	u64 kind;
	u64 cache;
	u64 order;
	u64 module;
	u64 count;
	u64 bytes;
	u64 asked_bytes;
	u64 unsure;
	u64 allocated;
	u64 freed;
	u64 allocated_bytes;
	u64 oldest_ns;
	u64 newest_ns;
	u64 ages[TRACK_AGES];
};

static const struct memdiag_field_desc report_fields[] = {
	MEMDIAG_LABEL(report_record, stack, STR, NONE, KEY,
		      "functions that allocated, innermost first"),
	MEMDIAG_LABEL(report_record, kind, STR, NONE, KEY_BRIEF, "slab, pages, percpu"),
	MEMDIAG_LABEL(report_record, cache, STR, NONE, KEY_BRIEF,
		      "slab cache; empty if there is none or it is not known"),
	MEMDIAG_LABEL(report_record, order, U64, NONE, KEY, "order of pages"),
	MEMDIAG_LABEL(report_record, module, STR, NONE, BRIEF,
		      "module of the first function that is not the kernel's own; empty: the kernel itself"),
	MEMDIAG_GAUGE(report_record, count, U64, NONE, BRIEF, "objects outstanding"),
	MEMDIAG_GAUGE(report_record, bytes, U64, BYTES, BRIEF,
		      "of these, as taken from the allocator"),
	MEMDIAG_GAUGE(report_record, asked_bytes, U64, BYTES, 0,
		      "of these, as asked for; per-cpu memory: of one CPU"),
	MEMDIAG_GAUGE(report_record, unsure, U64, NONE, BRIEF,
		      "of count, those that may have been freed without being seen"),
	MEMDIAG_COUNTER(report_record, allocated, U64, NONE, 0,
			"objects allocated since the start"),
	MEMDIAG_COUNTER(report_record, freed, U64, NONE, 0, "of these freed"),
	MEMDIAG_COUNTER(report_record, allocated_bytes, U64, BYTES, 0, "bytes of allocated"),
	MEMDIAG_GAUGE(report_record, oldest_ns, U64, NS, BRIEF,
		      "age of the oldest outstanding object"),
	MEMDIAG_GAUGE(report_record, newest_ns, U64, NS, 0, "age of the newest"),
	MEMDIAG_FIELD(report_record, ages[0], "age_1s", U64, NONE, GAUGE, 0,
		      "of count, those younger than a second"),
	MEMDIAG_FIELD(report_record, ages[1], "age_10s", U64, NONE, GAUGE, 0,
		      "from there, younger than 10 seconds"),
	MEMDIAG_FIELD(report_record, ages[2], "age_1m", U64, NONE, GAUGE, 0,
		      "from there, younger than a minute"),
	MEMDIAG_FIELD(report_record, ages[3], "age_10m", U64, NONE, GAUGE, 0,
		      "from there, younger than 10 minutes"),
	MEMDIAG_FIELD(report_record, ages[4], "age_1h", U64, NONE, GAUGE, 0,
		      "from there, younger than an hour"),
	MEMDIAG_FIELD(report_record, ages[5], "age_more", U64, NONE, GAUGE, 0, "older"),
};

static u32 report_now(const struct track_run *run)
{
	return (u32)((track_armed ? jiffies : run->stop_jiffies) - run->start_jiffies);
}

static void report_add(struct track_run *run, unsigned long key,
		       const struct track_object *object, u32 now, u32 min_age)
{
	static const u32 limits[TRACK_AGES - 1] = { HZ, 10 * HZ, 60 * HZ, 600 * HZ, 3600 * HZ };
	struct track_sum *sum = &run->sums[object->stack];
	u32 age = now - object->when;
	/* After the stop it was looked at then. */
	u8 flags = object->flags | (track_armed ? track_check(run, key, object) : 0);
	unsigned int i;

	/* It came after @now, while the table was walked. */
	if (age > U32_MAX - REPORT_WALK)
		age = 0;
	if (age < min_age)
		return;
	if (flags & (TRACK_OF_SLAB | TRACK_GONE)) {
		sum->of_slab += !!(flags & TRACK_OF_SLAB);
		sum->gone += !(flags & TRACK_OF_SLAB);
		run->gone += !(flags & TRACK_OF_SLAB);
		return;
	}
	sum->bytes += object->size;
	sum->asked += object->asked;
	if (object->flags & TRACK_PART) {
		sum->parts++;
		return;
	}
	if (!sum->count++) {
		sum->oldest = age;
		sum->newest = age;
	}
	sum->oldest = max(sum->oldest, age);
	sum->newest = min(sum->newest, age);
	sum->unsure += !!(object->flags & TRACK_UNSURE);
	for (i = 0; i < ARRAY_SIZE(limits) && age >= limits[i]; i++)
		;
	sum->ages[i]++;
}

static int report_add_up(struct track_run *run, u64 min_age_ns)
{
	u64 n, room = track_objects_room(&run->objects);
	u32 now = report_now(run);
	u32 min_age = min_t(u64, nsecs_to_jiffies64(min_age_ns), U32_MAX);
	struct track_object object;
	unsigned long key;

	track_clear_sums(run);
	run->gone = 0;
	for (n = 0; n < room; n++) {
		if (track_objects_read(&run->objects, n, &key, &object))
			report_add(run, key, &object, now, min_age);
		if (n % TRACK_BATCH)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static u64 report_ns(u32 age)
{
	return jiffies64_to_nsecs(age);
}

static void report_fill(struct memdiag_sink *sink, struct report_record *record,
			const struct track_stack *stack, const struct track_sum *sum)
{
	static const char * const kinds[TRACK_NR_KINDS] = {
		[TRACK_SLAB] = "slab", [TRACK_PAGES] = "pages", [TRACK_PERCPU] = "percpu",
	};

	record->kind = memdiag_push_string(sink, kinds[stack->kind]);
	record->cache = memdiag_push_string(sink, track_run->caches->known[stack->cache].name);
	if (stack->kind == TRACK_PAGES)
		record->order = stack->order;
	else
		record->asked_bytes = sum->asked;
	record->count = sum->count ?: !!sum->parts;
	record->bytes = sum->bytes;
	record->unsure = sum->unsure;
	record->freed = atomic64_read(&stack->freed);
	record->allocated = atomic64_read(&stack->allocated);
	record->allocated_bytes = atomic64_read(&stack->allocated_bytes);
	if (sum->count) {
		record->oldest_ns = report_ns(sum->oldest);
		record->newest_ns = report_ns(sum->newest);
	}
	memcpy(record->ages, sum->ages, sizeof(record->ages));
}

/*
 * Is it memory that the kernel keeps for later uses by others, so that it is nobody's
 * leak, though somebody happened to need it first: what belongs to slabs, page tables of
 * the kernel, chunks of per-cpu memory, stacks that debug kernels remember?
 */
static bool report_is_kept(const struct track_stack *stack, const char *text)
{
	static const char * const keepers[] = {
		"___slab_alloc", "allocate_slab", "new_slab", "memcg_alloc_slab_cgroups",
		"memcg_alloc_page_obj_cgroups", "alloc_slab_obj_exts", "alloc_empty_sheaf",
		"__alloc_empty_sheaf", "alloc_from_pcs", "__pcs_", "refill_sheaf",
		"pcpu_", "__pte_alloc_kernel", "__pmd_alloc", "__pud_alloc", "__p4d_alloc",
		"stack_depot_save", "__stack_depot_save",
	};
	unsigned int i;
	const char *at;

	if (stack->kind == TRACK_PERCPU)
		return false;
	for (i = 0; i < ARRAY_SIZE(keepers); i++)
		for (at = text; at; at = strchr(at, ';'), at = at ? at + 1 : NULL)
			if (!strncmp(at, keepers[i], strlen(keepers[i])))
				return true;
	return false;
}

/* The module of the first frame that has one: "[name]" or "[name (unloaded)]". */
static u64 report_module(struct memdiag_sink *sink, const char *text,
			 const struct track_stack *stack)
{
	const char *open = strchr(text, '[');
	char module[KSYM_SYMBOL_LEN];
	const char *name;
	size_t length;

	/* Behind the frames that are kept there is the one that was asked for. */
	if (!open)
		return memdiag_push_string(sink, stack->deep ? track_run->filter.module : "");
	strscpy(module, open, min(sizeof(module), strcspn(open, ";") + 1));
	name = memdiag_symbol_module(module, &length);
	module[name - module + length] = '\0';
	return memdiag_push_string(sink, name);
}

/* May objects have been freed without being seen? */
static bool report_is_unsure(const struct track_run *run, const struct track_stack *stack)
{
	switch (stack->kind) {
	case TRACK_SLAB:
		return run->silent & MEMDIAG_TRACK_SLAB || run->missed_frees ||
		       track_kprobes_missed(true);
	case TRACK_PAGES:
		return stack->order && atomic_read(&run->lost_frees);
	default:
		return false;
	}
}

/* Name stacks from *@next on, which moves; as many as a batch has. */
static int report_stacks(struct memdiag_sink *sink, struct track_run *run, char *text, u32 *next)
{
	struct report_record *record;
	u32 n, named = 0;

	for (n = *next; n < track_stacks_used(&run->stacks) && named < REPORT_BATCH; n++) {
		const struct track_stack *stack = track_stack(&run->stacks, n);
		/* What belongs to it was written before the state. */
		u8 state = smp_load_acquire(&stack->state);

		if (state != TRACK_STACK_LIVE && state != TRACK_STACK_SEALED)
			continue;
		if (stack->dead || (run->sums[n].of_slab && !run->sums[n].count) ||
		    !atomic64_read(&stack->allocated))
			continue;
		record = memdiag_push(sink);
		if (!record)
			return -ENOSPC;
		report_fill(sink, record, stack, &run->sums[n]);
		if (stack->text)
			strscpy(text, stack->text, TRACK_TEXT);
		else
			track_print_stack(stack, state == TRACK_STACK_SEALED ? memdiag_caller_name :
					  memdiag_symbol, text);
		record->stack = memdiag_push_string(sink, text);
		record->module = report_module(sink, text, stack);
		if (report_is_kept(stack, text) || report_is_unsure(run, stack))
			record->unsure = record->count;
		named++;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	*next = n;
	return 0;
}

/* The whole report; -ESTALE if something got in between and @keep does not keep it out. */
static int report_once(struct memdiag_sink *sink, char *text, bool keep)
{
	u32 next = 0, generation;
	int error;

	mutex_lock(&track_lock);
	error = track_run ? report_add_up(track_run, sink->collection->track_min_age_ns) : -ENODATA;
	generation = track_generation;
	while (!error && next < track_stacks_used(&track_run->stacks)) {
		error = report_stacks(sink, track_run, text, &next);
		if (error || keep)
			continue;
		mutex_unlock(&track_lock);
		cond_resched();
		mutex_lock(&track_lock);
		if (generation != track_generation)
			error = -ESTALE;
	}
	mutex_unlock(&track_lock);
	return error;
}

static int report_collect(struct memdiag_sink *sink)
{
	char *text = memdiag_alloc(TRACK_TEXT, 1);
	size_t strings_len = sink->collection->strings_len;
	unsigned int tries = 0;
	int error;

	if (!text)
		return -ENOMEM;
	do {
		/* What was pushed before is not true any more. */
		sink->nr_records = 0;
		sink->missed = 0;
		sink->collection->strings_len = strings_len;
		error = report_once(sink, text, tries++ == REPORT_TRIES);
	} while (error == -ESTALE);
	memdiag_free(text);
	if (error == -ENODATA)
		memdiag_mark_unavailable(sink, "nothing is tracked: start with memdiagctl track start");
	return error;
}

static void __init report_init(struct memdiag_status *status)
{
	const char *why;

	if (!track_attach_kinds(&why))
		memdiag_set_unavailable(status, -EOPNOTSUPP, "%s", why);
	else
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

const struct memdiag_provider memdiag_track_provider __refconst = {
	.id = MEMDIAG_SEC_TRACK,
	.name = "track",
	.help = "per stack, kind, and cache or order: what it allocated and has not freed",
	MEMDIAG_RECORDS(report_fields, report_record),
	.on_request = true,
	.init = report_init,
	.collect = report_collect,
};
