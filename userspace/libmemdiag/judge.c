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
 * A count: memory of everybody, so it must stand out from what happens anyway. It is a
 * series of looks: the median of those before the cycles, then each one after some cycles.
 *   leak    its slope, the median of what each pair of looks says, is three quarters of an
 *           object or page per cycle at least, more than it drifted before the cycles, and
 *           half of one in each half; and
 *           nearly all pairs of looks rise: three quarters of them (less those that fall), and by 3.3
 *           deviations more than chance; and
 *           it is more than the section says that the count may be wrong by: else it cannot
 *           be told. A line of the ledger that does not go up and down is not wrong, if
 *           lists of CPUs were emptied.
 * Medians do not mind a single look that saw what somebody had for a moment, and a step is no
 * slope. What would have been found is not estimated but tried: the same rule is asked about
 * the same looks with a leak added to them.
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

/* Fewer cannot be told from chance. */
#define MIN_COUNTED_CYCLES 4
#define MIN_POINTS 5
/* Looks of a series that are compared with each other. */
#define MAX_POINTS 64
/* Share of the pairs of looks that must rise, and how far from chance that must be. */
#define RISES_SHARE 0.75
#define RISES_DEVIATIONS 3.3
/* Of an object or page in each cycle: less is told by nobody, as looks may miss one. */
#define LEAST_SHARE 0.75
/* The same in each half. */
#define LEAST_IN_HALF 0.5
/* No leak is searched for that is larger. */
#define MAX_UNITS (1ull << 32)

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

/* A look in the series of a count. */
struct point {
	unsigned int cycles;
	double bytes;
};

static int compare_numbers(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* The lower one of the two in the middle, if there are two. */
static double median(double *numbers, unsigned int nr)
{
	qsort(numbers, nr, sizeof(*numbers), compare_numbers);
	return numbers[(nr - 1) / 2];
}

/* Objects count, where they are known: areas of one caller may differ in their size. */
static double value(const struct leak_row *row, unsigned int look)
{
	const struct leak_count *c = &row->counts[look];

	return row->objects_known ? (double)c->objects * row->unit : (double)c->bytes;
}

/* What there was before the cycles. */
static double idle_value(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	unsigned int nr = check->nr_idle < MAX_POINTS ? check->nr_idle : MAX_POINTS;
	double idle[MAX_POINTS];

	for (unsigned int n = 0; n < nr; n++)
		idle[n] = value(row, check->nr_idle - 1 - n);
	return median(idle, nr);
}

/*
 * The looks of a count from @first on as a series, with @made_up bytes more for each cycle.
 * All looks before the cycles are one. More looks than there is room for are thinned
 * out, but for the last. Return: how many.
 */
static unsigned int take_points(const struct memdiag_leakcheck *check, const struct leak_row *row,
				unsigned int first, double made_up, struct point *points)
{
	unsigned int nr_after = check->nr_looks - 1 - first;
	unsigned int nr = nr_after < MAX_POINTS ? nr_after : MAX_POINTS - 1;

	for (unsigned int n = 0; n <= nr; n++) {
		unsigned int look = first + (nr ? (uint64_t)n * nr_after / nr : 0);
		double bytes = look < check->nr_idle ? idle_value(check, row) : value(row, look);

		points[n] = (struct point){ check->at[look], bytes + made_up * check->at[look] };
	}
	return nr + 1;
}

/* Nanoseconds; looks, if what they are made of has no times. */
static double time_between(const struct memdiag_leakcheck *check, unsigned int from,
			   unsigned int to)
{
	uint64_t ns = more(check->when_ns[to], check->when_ns[from]);

	return ns ? (double)ns : to - from;
}

/*
 * By how much it grows in as much time as a cycle takes when nothing is done, if it always
 * does. The time counts, as the looks before the cycles may follow faster.
 */
static double idle_drift(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	unsigned int last = check->nr_looks - 1, nr = 0;
	double steps[MAX_POINTS];

	for (unsigned int n = 1; n < check->nr_idle && nr < MAX_POINTS; n++) {
		if (value(row, n) <= value(row, n - 1))
			return 0;
		steps[nr++] = (value(row, n) - value(row, n - 1)) / time_between(check, n - 1, n);
	}
	if (!nr || !check->cycles)
		return 0;
	return median(steps, nr) * time_between(check, check->nr_idle - 1, last) / check->cycles;
}

/*
 * Does it rise too often for chance? @rises: pairs of looks of which the later one has more,
 * less those of which it has less (Kendall's). By chance these are nothing, give or take the root of
 * nr * (nr - 1) * (2 * nr + 5) / 18.
 */
static bool rises_always(long rises, long nr)
{
	long pairs = nr * (nr - 1) / 2;

	if (rises == pairs)
		return true;
	return rises >= pairs * RISES_SHARE &&
	       rises * rises * 18 >=
		       RISES_DEVIATIONS * RISES_DEVIATIONS * nr * (nr - 1) * (2 * nr + 5);
}

/*
 * Bytes per cycle: the median of what each pair of looks says (Theil and Sen), so that
 * no single look counts for much.
 */
static double slope_of(const struct point *p, unsigned int nr, long *rises)
{
	double slopes[MAX_POINTS * (MAX_POINTS - 1) / 2];
	unsigned int nr_slopes = 0;

	*rises = 0;
	for (unsigned int i = 0; i < nr; i++) {
		for (unsigned int k = i + 1; k < nr; k++) {
			*rises += (p[k].bytes > p[i].bytes) - (p[k].bytes < p[i].bytes);
			slopes[nr_slopes++] =
				(p[k].bytes - p[i].bytes) / (p[k].cycles - p[i].cycles);
		}
	}
	return median(slopes, nr_slopes);
}

/* The same in the looks from @first on. */
static double growth_since(const struct memdiag_leakcheck *check, const struct leak_row *row,
			   unsigned int first, double made_up, bool *always)
{
	struct point p[MAX_POINTS];
	unsigned int nr = take_points(check, row, first, made_up, p), middle = nr / 2;
	double slope, half = LEAST_IN_HALF * row->unit;
	long rises, ignored;

	if (check->cycles - check->at[first] < MIN_COUNTED_CYCLES || nr < MIN_POINTS)
		return 0;
	slope = slope_of(p, nr, &rises) - idle_drift(check, row);
	*always = rises_always(rises, nr);
	if (slope < LEAST_SHARE * row->unit || slope_of(p, middle + 1, &ignored) < half ||
	    slope_of(p + middle, nr - middle, &ignored) < half)
		return 0;
	return slope;
}

/*
 * By how many bytes per cycle does it grow as a leak does, with @made_up bytes more for
 * each? @always: it rises too often for chance. Return: 0 if it does not.
 */
static double growth_of(const struct memdiag_leakcheck *check, const struct leak_row *row,
			double made_up, bool *always)
{
	return growth_since(check, row, check->nr_idle - 1, made_up, always);
}

/* Does it go on in the cycles that were made to confirm it, if there were any? */
static bool is_confirmed(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	bool always = false;

	return !check->confirm ||
	       (growth_since(check, row, check->confirm, 0, &always) > 0 && always);
}

/* Is so much per cycle more than the count may be wrong by? */
static bool is_sure(const struct memdiag_leakcheck *check, const struct leak_row *row, double each)
{
	return each * check->cycles > (double)row->counts[check->nr_idle - 1].doubt +
					      (double)row->counts[check->nr_looks - 1].doubt;
}

/* Would it be found? @doubt: it must also be more than the count may be wrong by. */
static bool would_be_found(const struct memdiag_leakcheck *check, const struct leak_row *row,
			   double each, double trend, bool doubt)
{
	bool always = false;

	return (!doubt || is_sure(check, row, each)) &&
	       growth_of(check, row, each - trend, &always) > 0 && always;
}

/*
 * The least bytes per cycle, in whole units, that would have been found if they had been
 * added to what was seen, and @trend taken away; UINT64_MAX if there are none.
 */
static uint64_t least_seen(const struct memdiag_leakcheck *check, const struct leak_row *row,
			   double trend, bool doubt)
{
	uint64_t most = 1, least = 0;

	while (!would_be_found(check, row, (double)row->unit * most, trend, doubt)) {
		if (most >= MAX_UNITS)
			return UINT64_MAX;
		least = most;
		most *= 2;
	}
	while (least && most - least > 1) {
		uint64_t middle = least + (most - least) / 2;

		if (would_be_found(check, row, (double)row->unit * middle, trend, doubt))
			most = middle;
		else
			least = middle;
	}
	return most * row->unit;
}

static double trend_of(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	struct point p[MAX_POINTS];
	long rises;

	return slope_of(p, take_points(check, row, check->nr_idle - 1, 0, p), &rises);
}

/*
 * Do looks with empty lists of CPUs show that it does not go up and down? Then it is not
 * wrong, whatever its section says that it may be. Of a slab cache the section knows which
 * CPUs have a slab, and so it may well be wrong: by as much as one slab of them is filled.
 */
static bool is_quiet(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	return check->exact && row->kind != MEMDIAG_LEAK_SLAB && check->nr_looks > check->nr_idle &&
	       least_seen(check, row, trend_of(check, row), false) == row->unit;
}

/* Does it grow as a leak does? @sure: by more than it may be wrong by, and again. */
static bool count_grows(const struct memdiag_leakcheck *check, const struct leak_row *row,
			bool *sure)
{
	bool always = false;
	double growth = growth_of(check, row, 0, &always);

	if (growth <= 0 || !always)
		return false;
	*sure = (is_sure(check, row, growth) || is_quiet(check, row)) && is_confirmed(check, row);
	return true;
}

static bool count_leaks(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	bool sure;

	return count_grows(check, row, &sure) && sure;
}

/*
 * Must what the count may be wrong by be held against it? Where the lists of the CPUs were
 * emptied only if it seems to grow: that looks go up and down is no growth.
 */
static bool is_in_doubt(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	bool sure;

	return !check->exact || (count_grows(check, row, &sure) && !sure);
}

/* Growth that would not have been told from chance, as much as the looks go up and down. */
static uint64_t chance_growth(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	uint64_t seen = least_seen(check, row, trend_of(check, row), is_in_doubt(check, row));

	return seen == UINT64_MAX ? seen : (seen - row->unit) * check->cycles;
}

/* Functions that allocate for whoever calls them, by what their names begin with. */
static const char *const allocators[] = {
	"__alloc_pages",
	"alloc_pages",
	"__alloc_frozen_pages",
	"alloc_frozen_pages",
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
	"__get_vm_area",
	"get_vm_area",
	"vm_area_alloc_pages",
	"vmemdup_user",
	"pcpu_alloc",
	"__alloc_percpu",
	"alloc_skb",
	"__alloc_skb",
	"__netdev_alloc_skb",
	"__napi_alloc_skb",
	"mempool_alloc",
	"dma_alloc",
	"__dma_direct_alloc",
	"dma_direct_alloc",
};

static bool is_allocator(const char *frame)
{
	for (size_t n = 0; n < sizeof(allocators) / sizeof(allocators[0]); n++)
		if (!strncmp(frame, allocators[n], strlen(allocators[n])))
			return true;
	return false;
}

/* "function+0x1/0x2 [module]" or "[module (unloaded)]" */
static bool is_frame_of(const char *frame, size_t length, const char *module)
{
	const char *at = memchr(frame, '[', length);
	size_t n = strlen(module);

	return at && (size_t)(frame + length - at) > n + 1 && !memcmp(at + 1, module, n) &&
	       (at[n + 1] == ']' || at[n + 1] == ' ');
}

/* Does the first frame that does not just allocate for its caller lie in the module? */
static bool is_direct(const struct leak_row *row, const char *module)
{
	const char *frame = row->name;
	size_t length;

	if (!module)
		module = row->module;
	if (!*module)
		return false;
	for (;;) {
		length = strcspn(frame, ";");
		if (length && frame[length - 1] == ']')
			return is_frame_of(frame, length, module);
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
	    trend_of(check, row) * check->cycles >= (double)(bytes / 2))
		return false;
	seen = least_seen(check, row, 0, is_in_doubt(check, row));
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

	leak->direct = is_direct(row, unloads);
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

/* As many areas of vmalloc, but larger ones each time. */
static bool areas_grow(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	struct leak_row bytes = *row;

	bytes.objects_known = false;
	return row->kind == MEMDIAG_LEAK_VMALLOC && count_leaks(check, &bytes);
}

/*
 * Has it grown by a unit per cycle, though not as a leak does: from some cycle on, or now and
 * then?
 */
static bool is_uneven(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	double most = 0, growth;

	for (unsigned int n = 0; n < check->nr_idle; n++)
		most = value(row, n) > most ? value(row, n) : most;
	growth = value(row, check->nr_looks - 1) - most - idle_drift(check, row) * check->cycles;
	return growth >= LEAST_SHARE * row->unit * check->cycles &&
	       (!is_in_doubt(check, row) || is_sure(check, row, growth / check->cycles));
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
	if (!count_leaks(check, row) && !areas_grow(check, row)) {
		leak->finding = MEMDIAG_LEAK_KEPT;
		return check->cycles && is_uneven(check, row);
	}
	leak->finding = MEMDIAG_LEAK_FOUND;
	leak->expected = chance_growth(check, row);
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

/*
 * What a count would have shown. If it grows, but not surely as a leak does, or grew before the
 * cycles as well, then as much may be a leak which it does not show.
 */
static uint64_t power_of(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	uint64_t seen = least_seen(check, row, 0, is_in_doubt(check, row));
	bool ignored;
	double growth = growth_of(check, row, 0, &ignored), drift = idle_drift(check, row);

	if (growth > 0 && !count_leaks(check, row))
		drift = growth > drift ? growth : drift;
	if (drift >= (double)row->unit * MAX_UNITS)
		return UINT64_MAX;
	return drift > 0 ? larger(seen, ((uint64_t)(drift / row->unit) + 1) * row->unit) : seen;
}

/* Does it grow as a leak does, by more than is allowed, but no more than it may be wrong by? */
static bool is_suspect(const struct memdiag_leakcheck *check, const struct leak_row *row,
		       uint64_t budget)
{
	bool sure, ignored;

	return count_grows(check, row, &sure) && !sure &&
	       growth_of(check, row, 0, &ignored) > (double)budget;
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
		seen = power_of(check, row);
		if (seen > larger(larger(row->unit, sensitivity), budget))
			leaks->blunt = true;
		if (sensitivity != UINT64_MAX && is_suspect(check, row, budget)) {
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
	l->dropped = more(check->dropped[check->nr_looks - 1], check->dropped[check->nr_idle - 1]);
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
