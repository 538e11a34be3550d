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
 *           there are no halves: then growth is enough. What lies in a cache that is
 *           reclaimable the kernel keeps for itself, and so does the slab allocator with
 *           what it takes for its own purposes: that is no leak.
 *   unsure  it would be a leak if the objects were surely there, and the counts of
 *           its slab cache do not say otherwise.
 *   kept    everything else that grew: the kernel keeps something, once.
 *
 * A count: memory of everybody, so it must stand out from what happens anyway.
 *   expected growth = range of the looks before the cycles, or the largest fall
 *           from one look to the next if that is more; plus what the count may be
 *           wrong by, at both ends; plus the trend of the looks before the cycles,
 *           carried on over the cycles.
 *   leak    it grew more than expected, by at least a page (slab: an object) per
 *           cycle, by at least a quarter of its growth in each half, in four cycles
 *           or more.
 *
 * A budget is per cycle and kind: if all leaks of a kind together are within it,
 * they are allowed. Stacks and counts are held against it apart, as they count the
 * same memory twice. Pages that leak are unaccounted memory, so the budget for pages
 * counts there as well.
 *
 * The verdict is leak if there is one; else cannot tell if something is unsure, if
 * the tracker had to drop at least one event per cycle (what leaks in every cycle
 * cannot hide behind fewer), or if nothing could be compared; else clean.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leakcheck.h"

/* Fewer have no halves that could be told from chance. */
#define MIN_COUNTED_CYCLES 4

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

static uint64_t more(uint64_t to, uint64_t from)
{
	return to > from ? to - from : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
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

/* How much a count may grow without anything leaking. */
static uint64_t expected_growth(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	const struct leak_count *c = row->counts;
	struct span span = span_of(check);
	uint64_t least = c[0].bytes, most = c[0].bytes, fall = 0, trend = 0;

	for (unsigned int n = 1; n < check->nr_looks; n++) {
		if (n < check->nr_idle) {
			least = c[n].bytes < least ? c[n].bytes : least;
			most = larger(most, c[n].bytes);
		} else {
			fall = larger(fall, more(c[n - 1].bytes, c[n].bytes));
		}
	}
	if (check->nr_idle > 1)
		trend = more(c[span.first].bytes, c[0].bytes) * check->cycles /
			(check->nr_idle - 1);
	return larger(most - least, fall) + c[span.first].doubt + c[span.last].doubt + trend;
}

static bool count_leaks(const struct memdiag_leakcheck *check, const struct leak_row *row,
			uint64_t expected)
{
	const struct leak_count *c = row->counts;
	struct span span = span_of(check);
	uint64_t growth = more(c[span.last].bytes, c[span.first].bytes);

	return growth > expected && growth >= check->cycles * row->unit &&
	       check->cycles >= MIN_COUNTED_CYCLES &&
	       more(c[span.middle].bytes, c[span.first].bytes) >= growth / 4 &&
	       more(c[span.last].bytes, c[span.middle].bytes) >= growth / 4;
}

/* Functions that allocate for whoever calls them, by what their names begin with. */
static const char *const allocators[] = {
	"__alloc_pages",
	"alloc_pages",
	"__folio_alloc",
	"folio_alloc",
	"__get_free_pages",
	"get_free_pages",
	"get_zeroed_page",
	"kmalloc",
	"__kmalloc",
	"__do_kmalloc",
	"kmem_cache_alloc",
	"__kmem_cache_alloc",
	"slab_",
	"__slab_alloc",
	"___slab_alloc",
	"krealloc",
	"__krealloc",
	"__do_krealloc",
	"kmemdup",
	"kstrdup",
	"kstrndup",
	"kasprintf",
	"kvasprintf",
	"memdup_user",
	"kvmalloc",
	"__kvmalloc",
	"kvrealloc",
	"vmalloc",
	"__vmalloc",
	"vzalloc",
	"vmemdup_user",
	"pcpu_alloc",
	"__alloc_percpu",
	"alloc_skb",
	"__alloc_skb",
	"__netdev_alloc_skb",
	"__napi_alloc_skb",
	"mempool_alloc",
	"dma_alloc",
};

static bool is_allocator(const char *frame)
{
	for (size_t n = 0; n < sizeof(allocators) / sizeof(allocators[0]); n++)
		if (!strncmp(frame, allocators[n], strlen(allocators[n])))
			return true;
	return false;
}

/* Does the first frame that does not just allocate for its caller lie in the module? */
static bool is_direct(const struct leak_row *row)
{
	const char *frame = row->name;
	size_t length;

	if (!*row->module)
		return false;
	for (;;) {
		length = strcspn(frame, ";");
		if (length && frame[length - 1] == ']')
			return true;
		if (!frame[length] || !is_allocator(frame))
			return false;
		frame += length + 1;
	}
}

/* What those call who want an object of a slab cache, or give one back. */
static bool is_slab_entry(const char *frame)
{
	static const char *const begins[] = { "kmem_cache_alloc", "__kmem_cache_alloc",
					      "__kmalloc",	  "kmalloc_trace",
					      "kmalloc_large",	  "kmalloc_node_trace",
					      "kmem_cache_free" };
	static const char *const names[] = { "kfree+", "kvfree_call_rcu+" };

	for (size_t n = 0; n < sizeof(begins) / sizeof(begins[0]); n++)
		if (!strncmp(frame, begins[n], strlen(begins[n])))
			return true;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (!strncmp(frame, names[n], strlen(names[n])))
			return true;
	return false;
}

/*
 * Did the slab allocator, or what watches it, take it while it served another request? Then
 * somebody called the allocator, and that called others, which called it again: its sheaves,
 * the tables of a slab, what kmemleak remembers.
 */
static bool is_bookkeeping(const struct leak_row *row)
{
	const char *frame = row->name;
	bool begun = false;

	if (row->kind != MEMDIAG_LEAK_SLAB)
		return false;
	for (;;) {
		size_t length = strcspn(frame, ";");

		/* A module is nobody whom the allocator calls for its own purposes. */
		if (length && frame[length - 1] == ']')
			return false;
		if (begun && is_slab_entry(frame))
			return true;
		begun = begun || !is_allocator(frame);
		if (!frame[length])
			return false;
		frame += length + 1;
	}
}

static bool is_reclaimable(const struct memdiag_leakcheck *check, const struct leak_row *stack)
{
	for (size_t n = 0; n < check->nr_rows; n++)
		if (check->rows[n]->reclaimable && !strcmp(check->rows[n]->name, stack->cache))
			return true;
	return false;
}

/* Do the counts of the cache show that objects the tracker is unsure of are gone? */
static bool cache_says_freed(const struct memdiag_leakcheck *check, const struct leak_row *stack,
			     uint64_t bytes)
{
	for (size_t n = 0; n < check->nr_rows; n++) {
		const struct leak_row *row = check->rows[n];
		struct span span = span_of(check);
		uint64_t expected;

		if (row->tracked || row->kind != MEMDIAG_LEAK_SLAB || !row->objects_known ||
		    strcmp(row->name, stack->cache))
			continue;
		expected = expected_growth(check, row);
		return bytes > expected && more(row->counts[span.last].bytes,
						row->counts[span.first].bytes) <= expected;
	}
	return false;
}

static void judge_stack(const struct memdiag_leakcheck *check, const struct leak_row *row,
			bool unloads, struct memdiag_leak *leak)
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

	leak->direct = is_direct(row);
	leak->unsure = more(leak->objects, sure);
	steady = steady && (leak->direct || !is_reclaimable(check, row));
	if (is_bookkeeping(row))
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
		      bool unloads, struct memdiag_leak *leak)
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
	if (row->reclaimable || !(check->counted & 1u << row->kind))
		return false;
	leak->expected = expected_growth(check, row);
	leak->finding = MEMDIAG_LEAK_FOUND;
	return count_leaks(check, row, leak->expected);
}

static void apply_budget(struct memdiag_leaks *leaks, const uint64_t *allow)
{
	uint64_t sums[2][MEMDIAG_NR_LEAK_KINDS] = {};

	for (size_t n = 0; n < leaks->nr; n++)
		if (leaks->leaks[n].finding == MEMDIAG_LEAK_FOUND)
			sums[leaks->leaks[n].tracked][leaks->leaks[n].kind] +=
				leaks->leaks[n].bytes;
	for (size_t n = 0; n < leaks->nr; n++) {
		struct memdiag_leak *l = &leaks->leaks[n];
		uint64_t budget = allow[l->kind];

		if (l->kind == MEMDIAG_LEAK_UNACCOUNTED)
			budget += allow[MEMDIAG_LEAK_PAGES];
		if (l->finding == MEMDIAG_LEAK_FOUND &&
		    sums[l->tracked][l->kind] <= budget * leaks->cycles)
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

static void give_verdict(struct memdiag_leaks *leaks)
{
	bool found = false;

	for (size_t n = 0; n < leaks->nr; n++) {
		const struct memdiag_leak *l = &leaks->leaks[n];

		found |= l->finding == MEMDIAG_LEAK_FOUND;
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
	else if (!leaks->tracked && leaks->cycles < MIN_COUNTED_CYCLES)
		snprintf(leaks->why, sizeof(leaks->why),
			 "without the tracker, counts of at least %d cycles are needed",
			 MIN_COUNTED_CYCLES);
	else if (leaks->unsure)
		snprintf(
			leaks->why, sizeof(leaks->why),
			"%llu objects have grown with the cycles, but they may be freed in a way that the tracker does not see",
			(unsigned long long)leaks->unsure);
	else if (leaks->tracked && leaks->dropped >= leaks->cycles)
		snprintf(
			leaks->why, sizeof(leaks->why),
			"the tracker had to drop %llu events: give it more room (--objects, --stacks) or less to look at",
			(unsigned long long)leaks->dropped);
	else
		leaks->verdict = MEMDIAG_VERDICT_CLEAN;
}

/**
 * memdiag_leakcheck_judge() - the verdict
 * @check: what was seen, at least one look before the first cycle
 * @unloads: the module is unloaded at the end of each cycle
 * @allow: budget per cycle, bytes, of each enum memdiag_leak_kind
 * @leaks: the result, to be freed with memdiag_leaks_free(); borrows from @check
 *
 * Return: 0, -EINVAL without a look to compare with, -ENOMEM.
 */
int memdiag_leakcheck_judge(const struct memdiag_leakcheck *check, bool unloads,
			    const uint64_t *allow, struct memdiag_leaks **leaks)
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
	l->dropped = more(check->dropped[check->nr_looks - 1], check->dropped[check->nr_idle - 1]);
	for (size_t n = 0; n < check->nr_rows; n++)
		l->nr += judge_row(check, check->rows[n], unloads, &l->leaks[l->nr]);
	apply_budget(l, allow);
	qsort(l->leaks, l->nr, sizeof(*l->leaks), compare_leaks);
	give_verdict(l);
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
