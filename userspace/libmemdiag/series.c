// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a count grow as a leak does? Documentation/leakcheck.rst says the same for people;
 * change both.
 *
 * A count is memory of everybody, so a leak must stand out from what happens anyway. The series
 * of a count is the median of the looks before the cycles, then each look after some cycles.
 *   leak    its slope, the median of what each pair of looks says, is three quarters of an
 *           object or page per cycle at least, more than it drifted before the cycles, and
 *           half of one in each half; and
 *           nearly all pairs of looks rise: three quarters of them (less those that fall), and
 *           by 3.3 deviations more than chance; and
 *           it is more than the section says that the count may be wrong by: else it cannot
 *           be told. A line of the ledger that does not go up and down is not wrong, if
 *           lists of CPUs were emptied.
 * Medians do not mind a single look that saw what somebody had for a moment, and a step is no
 * slope. What would have been found is not estimated but tried: the same rule is asked about
 * the same looks with a leak added to them.
 */
#include <stdlib.h>

#include "leakcheck.h"

/* Fewer cannot be told from chance. */
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

		points[n] = (struct point){ check->looks[look].at,
					    bytes + made_up * check->looks[look].at };
	}
	return nr + 1;
}

/* Nanoseconds; looks, if what they are made of has no times. */
static double time_between(const struct memdiag_leakcheck *check, unsigned int from,
			   unsigned int to)
{
	uint64_t ns = more(check->looks[to].when_ns, check->looks[from].when_ns);

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
 * less those of which it has less (Kendall's). By chance these are nothing, give or take the
 * root of nr * (nr - 1) * (2 * nr + 5) / 18.
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

	if (check->cycles - check->looks[first].at < MIN_COUNTED_CYCLES || nr < MIN_POINTS)
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

/* The slope of a count in bytes per cycle, whether it is a leak or not. */
double leak_series_trend(const struct memdiag_leakcheck *check, const struct leak_row *row)
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
	       least_seen(check, row, leak_series_trend(check, row), false) == row->unit;
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

/* As many areas of vmalloc, but larger ones each time. */
static bool areas_grow(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	struct leak_row bytes = *row;

	bytes.objects_known = false;
	return row->kind == MEMDIAG_LEAK_VMALLOC && count_leaks(check, &bytes);
}

/* Whether a count grows as a leak does, in objects or in the size of vmalloc areas. */
bool leak_series_leaks(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	return count_leaks(check, row) || areas_grow(check, row);
}

/* Growth in bytes that would not have been told from chance, UINT64_MAX if no leak would be. */
uint64_t leak_series_chance(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	uint64_t seen =
		least_seen(check, row, leak_series_trend(check, row), is_in_doubt(check, row));

	return seen == UINT64_MAX ? seen : (seen - row->unit) * check->cycles;
}

/* The least leak in bytes per cycle that a count would have shown, UINT64_MAX if none. */
uint64_t leak_series_shows(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	return least_seen(check, row, 0, is_in_doubt(check, row));
}

/* Whether a count grew by a unit per cycle, but not as a leak does: now and then, or late. */
bool leak_series_uneven(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	double most = 0, growth;

	for (unsigned int n = 0; n < check->nr_idle; n++)
		most = value(row, n) > most ? value(row, n) : most;
	growth = value(row, check->nr_looks - 1) - most - idle_drift(check, row) * check->cycles;
	return growth >= LEAST_SHARE * row->unit * check->cycles &&
	       (!is_in_doubt(check, row) || is_sure(check, row, growth / check->cycles));
}

/*
 * The least leak that a count would have shown, if it may leak itself: growth that is not surely
 * a leak, or was there before the cycles as well, hides a leak of as much.
 */
uint64_t leak_series_power(const struct memdiag_leakcheck *check, const struct leak_row *row)
{
	uint64_t seen = leak_series_shows(check, row);
	bool ignored;
	double growth = growth_of(check, row, 0, &ignored), drift = idle_drift(check, row);

	if (growth > 0 && !count_leaks(check, row))
		drift = growth > drift ? growth : drift;
	if (drift >= (double)row->unit * MAX_UNITS)
		return UINT64_MAX;
	return drift > 0 ? larger(seen, ((uint64_t)(drift / row->unit) + 1) * row->unit) : seen;
}

/* Whether a count grows as a leak does, by more than @budget per cycle, but may be wrong by it. */
bool leak_series_suspect(const struct memdiag_leakcheck *check, const struct leak_row *row,
			 uint64_t budget)
{
	bool sure, ignored;

	return count_grows(check, row, &sure) && !sure &&
	       growth_of(check, row, 0, &ignored) > (double)budget;
}
