// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict of leakcheck. Documentation/leakcheck.rst says the same for people;
 * change both.
 *
 * Growth is from the last look before the cycles (after those for warming up) to
 * the look after the last cycle; the look in the middle divides it in two halves.
 *
 * A stack of the tracker: only objects that are surely still allocated count.
 *   leak    the module called an allocator itself and is unloaded by now: one
 *           object is enough, nobody is left to free it; or
 *           it grew in proportion to the cycles: by an object per cycle at least, and
 *           by at least a quarter of its growth in each half. With a single cycle
 *           there are no halves: then growth is enough. What the slab allocator takes for
 *           its own purposes it keeps: that is no leak; nor is what lies in a cache that is
 *           reclaimable, if nobody asked the kernel to drop what it keeps there.
 *   unsure  it would be a leak if the objects were surely there, and the counts of
 *           its slab cache do not say otherwise.
 *   kept    everything else that grew: the kernel keeps something, once.
 *
 * A count: series.c says when it leaks.
 *
 * A budget is per cycle and kind: if all leaks of a kind together are within it,
 * they are allowed. Stacks and counts are held against it apart, as they count the
 * same memory twice. Pages that leak are unaccounted memory, so the budget for pages
 * counts there as well.
 *
 * The verdict is leak if there is one; else cannot tell if something is unsure, if
 * the tracker had to drop at least one event per cycle (what leaks in every cycle
 * cannot hide behind fewer), if nothing could be compared, if a count goes up and down
 * so much that it would not have shown what was asked for, or if one grows as a leak does
 * but not by more than it may be wrong by; else clean.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leakcheck.h"

/**
 * memdiag_leak_kind_name() - as in a budget
 * @kind: the kind
 *
 * Return: a word.
 */
const char *memdiag_leak_kind_name(enum memdiag_leak_kind kind)
{
	static const char *const names[] = { "slab",	"pages",  "percpu",
					     "vmalloc", "ledger", "unaccounted" };

	return names[kind];
}

/**
 * memdiag_leak_finding_name() - what is thought of it
 * @finding: the finding
 *
 * Return: a word.
 */
const char *memdiag_leak_finding_name(enum memdiag_leak_finding finding)
{
	static const char *const names[] = { "leak", "allowed", "unsure", "kept" };

	return names[finding];
}

/**
 * memdiag_verdict_name() - the verdict
 * @verdict: the verdict
 *
 * Return: words.
 */
const char *memdiag_verdict_name(enum memdiag_verdict verdict)
{
	static const char *const names[] = { "clean", "leak", "cannot tell" };

	return names[verdict];
}

/* The looks that growth is judged by. */
struct span {
	unsigned int first;
	unsigned int middle;
	unsigned int last;
};

static struct span span_of(const struct memdiag_leakcheck *check)
{
	unsigned int first = check->nr_idle - 1, last = check->nr_looks - 1;

	return (struct span){ first, first + (last - first + 1) / 2, last };
}

/* May the kernel have kept it in a cache, as nobody asked it to drop what it keeps there? */
static bool is_reclaimable(const struct memdiag_leakcheck *check, const struct leak_row *stack)
{
	const struct leak_row *cache;

	if (check->reclaimed)
		return false;
	cache = leak_find_cache(check, stack->cache);
	return cache && cache->reclaimable;
}

static bool is_compared(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	return !row->tracked && (!row->reclaimable || check->reclaimed) &&
	       check->counted & 1u << row->kind;
}

/* Do the counts of the cache show that objects the tracker is unsure of are gone? */
static bool cache_says_freed(const struct memdiag_leakcheck *check, const struct leak_row *stack,
			     uint64_t bytes)
{
	const struct leak_row *row = leak_find_cache(check, stack->cache);
	uint64_t seen;

	if (!row || !row->objects_known || !is_compared(check, row) ||
	    leak_series_trend(check, row) * check->cycles >= (double)(bytes / 2))
		return false;
	seen = leak_series_shows(check, row);
	return seen != UINT64_MAX && bytes >= seen * check->cycles;
}

static void judge_stack(const struct memdiag_leakcheck *check, const struct leak_row *row,
			const char *unloads, struct memdiag_leak *leak)
{
	struct span span = span_of(check);
	const struct leak_count *first = &row->counts[span.first];
	const struct leak_count *middle = &row->counts[span.middle];
	const struct leak_count *last = &row->counts[span.last];
	uint64_t sure = more(more(last->objects, last->doubt), first->objects);
	uint64_t quarter = (leak->objects + 3) / 4;
	bool steady = check->cycles < 2 || (leak->objects >= check->cycles &&
					    more(middle->objects, first->objects) >= quarter &&
					    more(last->objects, middle->objects) >= quarter);

	leak->direct = leak_owner_is_direct(row, unloads);
	leak->unsure = more(leak->objects, sure);
	steady = steady && (leak->direct || !is_reclaimable(check, row));
	if (leak_owner_is_slab(row))
		leak->finding = MEMDIAG_LEAK_KEPT;
	else if (sure && ((leak->direct && unloads) || steady))
		leak->finding = MEMDIAG_LEAK_FOUND;
	else if (!sure && steady && !cache_says_freed(check, row, leak->bytes))
		leak->finding = MEMDIAG_LEAK_UNSURE;
	else
		leak->finding = MEMDIAG_LEAK_KEPT;
}

/* Return: whether the row belongs in the result. */
static bool judge_row(const struct memdiag_leakcheck *check, const struct leak_row *row,
		      const char *unloads, struct memdiag_leak *leak)
{
	struct span span = span_of(check);
	const struct leak_count *first = &row->counts[span.first];
	const struct leak_count *last = &row->counts[span.last];

	*leak = (struct memdiag_leak){
		.kind = row->kind,
		.tracked = row->tracked,
		.name = row->name,
		.cache = row->tracked ? row->cache : "",
		.module = row->module,
		.order = row->order,
		.bytes = more(last->bytes, first->bytes),
		.objects = more(last->objects, first->objects),
		.objects_known = row->objects_known,
	};
	if (row->tracked) {
		if (!check->tracked || !leak->objects)
			return false;
		judge_stack(check, row, unloads, leak);
		return true;
	}
	/* A kind that was missing once would seem to appear. */
	if (!is_compared(check, row))
		return false;
	if (!leak_series_leaks(check, row)) {
		leak->finding = MEMDIAG_LEAK_KEPT;
		return check->cycles && leak_series_uneven(check, row);
	}
	leak->finding = MEMDIAG_LEAK_FOUND;
	leak->expected = leak_series_chance(check, row);
	return true;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t budget_of(const uint64_t *allow, enum memdiag_leak_kind kind)
{
	return add_up(allow[kind],
		      kind == MEMDIAG_LEAK_UNACCOUNTED ? allow[MEMDIAG_LEAK_PAGES] : 0);
}

static void apply_budget(struct memdiag_leaks *leaks, const uint64_t *allow)
{
	uint64_t sums[2][MEMDIAG_NR_LEAK_KINDS] = {};

	for (size_t n = 0; n < leaks->nr; n++)
		if (leaks->leaks[n].finding == MEMDIAG_LEAK_FOUND)
			sums[leaks->leaks[n].tracked][leaks->leaks[n].kind] +=
				leaks->leaks[n].bytes;
	for (size_t n = 0; leaks->cycles && n < leaks->nr; n++) {
		struct memdiag_leak *l = &leaks->leaks[n];
		uint64_t sum = sums[l->tracked][l->kind];

		if (l->finding == MEMDIAG_LEAK_FOUND &&
		    sum / leaks->cycles + !!(sum % leaks->cycles) <= budget_of(allow, l->kind))
			l->finding = MEMDIAG_LEAK_ALLOWED;
	}
}

static int compare_leaks(const void *pa, const void *pb)
{
	const struct memdiag_leak *a = pa, *b = pb;

	if (a->finding != b->finding)
		return a->finding < b->finding ? -1 : 1;
	if (a->tracked != b->tracked)
		return a->tracked ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* What counts of each kind would have shown: that of the one which shows least of a leak. */
static void find_power(const struct memdiag_leakcheck *check, const uint64_t *allow,
		       uint64_t sensitivity, struct memdiag_leaks *leaks)
{
	leaks->suspect = "";
	/* A kind may be there with nothing to count. */
	for (unsigned int kind = 0; kind < MEMDIAG_NR_LEAK_KINDS; kind++)
		leaks->power[kind].name = "";
	for (size_t n = 0; n < check->nr_rows; n++) {
		const struct leak_row *row = check->rows[n];
		struct memdiag_leak_power *power = &leaks->power[row->kind];
		uint64_t budget = budget_of(allow, row->kind), seen;

		if (!is_compared(check, row))
			continue;
		seen = leak_series_power(check, row);
		if (seen > larger(larger(row->unit, sensitivity), budget))
			leaks->blunt = true;
		if (sensitivity != UINT64_MAX && leak_series_suspect(check, row, budget)) {
			leaks->blunt = true;
			leaks->suspect = row->name;
		}
		if (!power->unit || seen - row->unit > power->bytes - power->unit ||
		    (seen == row->unit && power->bytes == power->unit && seen < power->bytes))
			*power = (struct memdiag_leak_power){
				.bytes = seen,
				.unit = row->unit,
				.name = seen > row->unit ? row->name : "",
			};
	}
}

/* The kind whose counts show least of a leak. */
static enum memdiag_leak_kind bluntest(const struct memdiag_leaks *leaks)
{
	enum memdiag_leak_kind kind = 0;

	for (unsigned int n = 1; n < MEMDIAG_NR_LEAK_KINDS; n++)
		if (leaks->power[n].bytes - leaks->power[n].unit >
		    leaks->power[kind].bytes - leaks->power[kind].unit)
			kind = n;
	return kind;
}

static void say_blunt(struct memdiag_leaks *leaks)
{
	enum memdiag_leak_kind kind = bluntest(leaks);
	const struct memdiag_leak_power *power = &leaks->power[kind];
	const char *what = memdiag_leak_kind_name(kind);
	bool named = strcmp(power->name, what);

	if (*leaks->suspect)
		snprintf(
			leaks->why, sizeof(leaks->why),
			"%s grew with the cycles, but not by more than its count may be wrong by, or not in all of them: make more cycles (--cycles)",
			leaks->suspect);
	else if (power->bytes == UINT64_MAX)
		snprintf(leaks->why, sizeof(leaks->why),
			 "%s%s%s varies too much to show any leak: make more cycles (--cycles)",
			 what, named ? " " : "", named ? power->name : "");
	else
		snprintf(
			leaks->why, sizeof(leaks->why),
			"%s%s%s shows only leaks of %llu bytes per cycle or more: make more cycles (--cycles), or accept that (--sensitivity)",
			what, named ? " " : "", named ? power->name : "",
			(unsigned long long)power->bytes);
}

/*
 * May drops be all that a stack lacks to be a leak in every cycle? One that the module made
 * itself would be a leak with a single object.
 */
static bool drops_may_hide(const struct memdiag_leaks *leaks)
{
	for (size_t n = 0; leaks->dropped && n < leaks->nr; n++) {
		const struct memdiag_leak *l = &leaks->leaks[n];

		if (l->tracked && l->finding == MEMDIAG_LEAK_KEPT && l->objects < leaks->cycles &&
		    l->objects + leaks->dropped >= leaks->cycles)
			return true;
	}
	return leaks->dropped >= leaks->cycles;
}

/* A kind that there were counts of, or that stacks are tracked of. */
static void say_lost(const struct memdiag_leakcheck *check, struct memdiag_leaks *leaks)
{
	const char *what = "section track";

	for (unsigned int kind = 0; kind < MEMDIAG_NR_LEAK_KINDS; kind++)
		if (check->lost & 1u << kind)
			what = memdiag_leak_kind_name(kind);
	snprintf(leaks->why, sizeof(leaks->why),
		 "%s could not be read at every look, so it was not compared", what);
}

static void give_verdict(const struct memdiag_leakcheck *check, struct memdiag_leaks *leaks)
{
	bool found = false;

	for (size_t n = 0; n < leaks->nr; n++) {
		const struct memdiag_leak *l = &leaks->leaks[n];

		found |= l->finding == MEMDIAG_LEAK_FOUND;
		leaks->uneven |= l->finding == MEMDIAG_LEAK_KEPT && !l->tracked;
		leaks->confirmed |= l->finding == MEMDIAG_LEAK_FOUND && l->tracked;
		if (l->finding == MEMDIAG_LEAK_UNSURE)
			leaks->unsure += l->unsure;
	}
	leaks->verdict = found ? MEMDIAG_VERDICT_LEAK : MEMDIAG_VERDICT_CANNOT_TELL;
	if (found)
		return;
	if (!leaks->cycles)
		snprintf(leaks->why, sizeof(leaks->why), "no cycle was completed");
	else if (!leaks->tracked && !leaks->counted)
		snprintf(leaks->why, sizeof(leaks->why),
			 "neither the tracker nor any count is available on this kernel");
	else if (check->lost || check->track_lost)
		say_lost(check, leaks);
	else if ((leaks->blunt || !leaks->tracked) && leaks->cycles < MIN_COUNTED_CYCLES)
		snprintf(leaks->why, sizeof(leaks->why), "counts of at least %d cycles are needed",
			 MIN_COUNTED_CYCLES);
	else if (leaks->unsure)
		snprintf(
			leaks->why, sizeof(leaks->why),
			"%llu objects stayed behind with the cycles, but the tracker may have missed that they were freed",
			(unsigned long long)leaks->unsure);
	else if (leaks->tracked && drops_may_hide(leaks))
		snprintf(
			leaks->why, sizeof(leaks->why),
			"the tracker had to drop %llu events: give it more room (--objects, --stacks) or less to look at",
			(unsigned long long)leaks->dropped);
	else if (leaks->blunt)
		say_blunt(leaks);
	else
		leaks->verdict = MEMDIAG_VERDICT_CLEAN;
	leaks->blunt = leaks->verdict == MEMDIAG_VERDICT_CANNOT_TELL && leaks->blunt;
}

/**
 * memdiag_leakcheck_judge() - the verdict
 * @check: what was seen, at least one look before the first cycle
 * @unloads: the module that is unloaded at the end of each cycle, NULL if none is
 * @allow: budget per cycle, bytes, of each enum memdiag_leak_kind
 * @sensitivity: bytes per cycle that counts must be able to show to call it clean, if that is
 *	more than an object or page; UINT64_MAX: none
 * @leaks: the result, to be freed with memdiag_leaks_free(); borrows from @check
 *
 * Return: 0, -EINVAL without a look to compare with, -ENOMEM.
 */
int memdiag_leakcheck_judge(const struct memdiag_leakcheck *check, const char *unloads,
			    const uint64_t *allow, uint64_t sensitivity,
			    struct memdiag_leaks **leaks)
{
	struct memdiag_leaks *l;

	if (!check->nr_idle)
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->leaks = calloc(check->nr_rows + 1, sizeof(*l->leaks));
	if (!l->leaks) {
		free(l);
		return -ENOMEM;
	}
	l->cycles = check->cycles;
	l->tracked = check->tracked;
	l->counted = check->counted & ((1u << MEMDIAG_NR_LEAK_KINDS) - 1);
	l->reclaimed = check->reclaimed;
	l->dropped = more(check->looks[check->nr_looks - 1].dropped,
			  check->looks[check->nr_idle - 1].dropped);
	for (size_t n = 0; n < check->nr_rows; n++)
		l->nr += judge_row(check, check->rows[n], unloads, &l->leaks[l->nr]);
	apply_budget(l, allow);
	qsort(l->leaks, l->nr, sizeof(*l->leaks), compare_leaks);
	find_power(check, allow, sensitivity, l);
	give_verdict(check, l);
	*leaks = l;
	return 0;
}

/**
 * memdiag_leaks_free() - forget the judgement
 * @leaks: the judgement or NULL
 */
void memdiag_leaks_free(struct memdiag_leaks *leaks)
{
	if (!leaks)
		return;
	free(leaks->leaks);
	free(leaks);
}
