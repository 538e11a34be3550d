// SPDX-License-Identifier: GPL-2.0-only
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"

#define ORACLE_ATTEMPTS 60
#define ORACLE_SHOWN 25

/**
 * struct fact - one value
 * @key: record/field
 * @string: NULL for a number
 * @number: the number
 * @own: how much of it, at most, is there only because memdiag looks; negative: is
 *	missing
 * @lists: of free pages: how many more are on the per-cpu lists; negative: not known
 * @order: as it was said
 */
struct fact {
	char *key;
	char *string;
	long long number;
	long long own;
	long long lists;
	unsigned int order;
};

unsigned long oracle_values;

static struct fact *facts_add(struct facts *facts, const char *key, va_list args)
{
	struct fact *fact;

	if (facts->nr == facts->max) {
		facts->max = facts->max ? facts->max * 2 : 1024;
		facts->fact = realloc(facts->fact, facts->max * sizeof(*fact));
		if (!facts->fact)
			abort();
	}
	fact = &facts->fact[facts->nr];
	memset(fact, 0, sizeof(*fact));
	if (vasprintf(&fact->key, key, args) < 0)
		abort();
	fact->lists = -1;
	fact->order = facts->nr++;
	return fact;
}

void facts_number(struct facts *facts, long long number, const char *key, ...)
{
	va_list args;

	va_start(args, key);
	facts_add(facts, key, args)->number = number;
	va_end(args);
}

__attribute__((format(printf, 4, 5))) static struct fact *
facts_own(struct facts *facts, long long number, long long own, const char *key, ...)
{
	struct fact *fact;
	va_list args;

	va_start(args, key);
	fact = facts_add(facts, key, args);
	va_end(args);
	fact->number = number;
	fact->own = own;
	return fact;
}

void facts_lists(struct facts *facts, long long lists, const char *key, ...)
{
	va_list args;
	unsigned int i;
	char name[64];

	va_start(args, key);
	vsnprintf(name, sizeof(name), key, args);
	va_end(args);
	for (i = 0; i < facts->nr; i++)
		if (!strcmp(facts->fact[i].key, name))
			facts->fact[i].lists = lists;
}

void facts_string(struct facts *facts, const char *string, const char *key, ...)
{
	va_list args;

	va_start(args, key);
	facts_add(facts, key, args)->string = strdup(string);
	va_end(args);
}

void facts_free(struct facts *facts)
{
	unsigned int i;

	for (i = 0; i < facts->nr; i++) {
		free(facts->fact[i].key);
		free(facts->fact[i].string);
	}
	free(facts->fact);
	memset(facts, 0, sizeof(*facts));
}

void facts_field(struct facts *facts, const struct snap *snap,
		 const struct memdiag_section *section, uint64_t n, unsigned int field,
		 const char *record)
{
	const struct memdiag_field *f = snap_field(snap, section, field);
	uint64_t value = snap_value(snap, section, n, field);
	const char *name = snap_string(snap, f->name);

	if (value == MEMDIAG_ABSENT)
		return;
	if (f->type == MEMDIAG_TYPE_STR)
		facts_string(facts, snap_string(snap, value), "%s/%s", record, name);
	else if (value == MEMDIAG_UNLIMITED)
		facts_string(facts, "max", "%s/%s", record, name);
	else
		facts_number(facts, value, "%s/%s", record, name);
}

/*
 * Pages that a snapshot was made in. They are slab memory or vmalloc'ed. memdiag reports
 * the bytes it asked for; allocated is up to twice as much.
 */
static long long oracle_own_pages(const struct snap *snap)
{
	const struct memdiag_section *system = snap_section(snap, MEMDIAG_SEC_SYSTEM);

	return 2 * snap_get(snap, system, 0, "memdiag_snapshot_bytes") / getpagesize();
}

/*
 * Pages on the per-cpu lists, of all zones or, for a record of section zone, of that one;
 * -1 if the snapshot does not have them.
 */
static long long oracle_lists(const struct snap *snap, const struct memdiag_section *section,
			      uint64_t n)
{
	const struct memdiag_section *pcp = snap_section(snap, MEMDIAG_SEC_PCP);
	long long lists = 0;
	uint64_t i;

	if (!snap_has(snap, MEMDIAG_SEC_PCP))
		return -1;
	for (i = 0; i < pcp->nr_records; i++) {
		uint64_t count = snap_get(snap, pcp, i, "count");

		if (count == MEMDIAG_ABSENT)
			return -1;
		if (section->id != MEMDIAG_SEC_ZONE ||
		    (snap_get(snap, pcp, i, "node") == snap_get(snap, section, n, "node") &&
		     snap_get(snap, pcp, i, "name") == snap_get(snap, section, n, "name")))
			lists += count;
	}
	return lists;
}

long long oracle_free_everywhere(void)
{
	char *text = file_read("/proc/zoneinfo"), *rest = text, *line;
	long long sum = 0, value;

	if (!text)
		return -1;
	while ((line = file_line(&rest)))
		if (sscanf(line, " pages free %lld", &value) == 1 ||
		    sscanf(line, " count: %lld", &value) == 1)
			sum += value;
	free(text);
	return sum;
}

void facts_own_field(struct facts *facts, const struct snap *snap,
		     const struct memdiag_section *section, uint64_t n, unsigned int field,
		     const char *record, const char *name)
{
	static const char *const taken[] = { "free", "nr_free_pages", "mem_free", "mem_available" };
	/* Thresholds are a part of what is free. */
	static const char *const part[] = { "nr_dirty_threshold",
					    "nr_dirty_background_threshold" };
	static const char *const used[] = { "nr_slab_unreclaimable", "nr_vmalloc" };
	uint64_t value = snap_value(snap, section, n, field);
	const char *column = snap_string(snap, snap_field(snap, section, field)->name);
	long long own = 0, lists = -1;
	unsigned int i;

	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strcmp(name, taken[i]))
			continue;
		own = -oracle_own_pages(snap);
		lists = oracle_lists(snap, section, n);
	}
	for (i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (!strcmp(name, part[i]))
			own = -oracle_own_pages(snap);
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (!strcmp(name, used[i]))
			own = oracle_own_pages(snap);
	if (own && value != MEMDIAG_ABSENT)
		facts_own(facts, value, own, "%s/%s", record, column)->lists = lists;
	else
		facts_field(facts, snap, section, n, field, record);
}

static int fact_compare(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c ?: (x->order > y->order) - (x->order < y->order);
}

/* The n-th fact of the same key gets a key of its own, so that none hides another. */
static void facts_sort(struct facts *facts)
{
	unsigned int i, n = 0, first = 0;
	char *key;

	qsort(facts->fact, facts->nr, sizeof(struct fact), fact_compare);
	for (i = 1; i < facts->nr; i++) {
		if (strcmp(facts->fact[i].key, facts->fact[first].key)) {
			first = i;
			n = 0;
			continue;
		}
		if (asprintf(&key, "%s#%u", facts->fact[i].key, ++n) < 0)
			abort();
		free(facts->fact[i].key);
		facts->fact[i].key = key;
	}
	qsort(facts->fact, facts->nr, sizeof(struct fact), fact_compare);
}

static int fact_find(const void *key, const void *fact)
{
	return strcmp(key, ((const struct fact *)fact)->key);
}

static const struct fact *facts_find(const struct facts *facts, const char *key)
{
	return facts->nr ? bsearch(key, facts->fact, facts->nr, sizeof(struct fact), fact_find)
			 : NULL;
}

static bool fact_same(const struct fact *a, const struct fact *b)
{
	return a->string && b->string && !strcmp(a->string, b->string);
}

static long long least(long long a, long long b)
{
	return a < b ? a : b;
}

static long long most(long long a, long long b)
{
	return a > b ? a : b;
}

/*
 * Free pages. To take one from an empty list of a CPU brings others with it, dozens at
 * once, and to give back some of a higher order drains them all: @value may lack many
 * more than memdiag's own, and each time, as every snapshot ends with the lists drained.
 * But with the lists added, only memdiag's own are missing.
 */
static bool fact_free_between(const struct fact *value, const struct fact *a, const struct fact *b)
{
	long long all = value->number + value->lists;
	long long all_a = a->number + a->lists, all_b = b->number + b->lists;

	/* Two that are farther apart than that tell nothing. */
	if (most(all_a, all_b) + value->own > least(all_a, all_b))
		return false;
	return value->number <= most(a->number, b->number) && all <= most(all_a, all_b) &&
	       all - value->own >= least(all_a, all_b);
}

static bool fact_between(const struct fact *value, const struct fact *a, const struct fact *b)
{
	if (value->string || a->string || b->string)
		return fact_same(value, a) || fact_same(value, b);
	if (a->number > b->number)
		return fact_between(value, b, a);
	if (value->lists >= 0 && a->lists >= 0 && b->lists >= 0)
		return fact_free_between(value, a, b);
	if (value->own < 0)
		return value->number - value->own >= a->number && value->number <= b->number;
	return value->number >= a->number && value->number - value->own <= b->number;
}

static bool fact_right(const struct fact *value, const struct fact *a, const struct fact *b)
{
	if (!value)
		return !a || !b;
	if (!a && !b)
		return false;
	/* It came or went: there is nothing to hold it against. */
	if (!a || !b)
		return true;
	return fact_between(value, a, b);
}

static void fact_text(const struct fact *fact, char *text, size_t size)
{
	if (!fact)
		snprintf(text, size, "-");
	else if (fact->string)
		snprintf(text, size, "'%s'", fact->string);
	else if (fact->lists >= 0)
		snprintf(text, size, "%lld (and %lld on lists)", fact->number, fact->lists);
	else
		snprintf(text, size, "%lld", fact->number);
}

/**
 * struct verdict - what became of a fact
 * @key: which
 * @right: it was right once
 * @attempt: when it was last there
 * @text: what was said when it was wrong last
 */
struct verdict {
	char *key;
	bool right;
	unsigned int attempt;
	char text[240];
};

static struct verdict *verdicts;
static unsigned int nr_verdicts, max_verdicts;

static int verdict_find(const void *key, const void *verdict)
{
	return strcmp(key, ((const struct verdict *)verdict)->key);
}

static int verdict_compare(const void *a, const void *b)
{
	return strcmp(((const struct verdict *)a)->key, ((const struct verdict *)b)->key);
}

static struct verdict *verdict_add(const char *key)
{
	struct verdict *verdict;

	if (nr_verdicts == max_verdicts) {
		max_verdicts = max_verdicts ? max_verdicts * 2 : 1024;
		verdicts = realloc(verdicts, max_verdicts * sizeof(*verdict));
		if (!verdicts)
			abort();
	}
	verdict = &verdicts[nr_verdicts++];
	memset(verdict, 0, sizeof(*verdict));
	verdict->key = strdup(key);
	return verdict;
}

static void verdicts_clear(void)
{
	while (nr_verdicts)
		free(verdicts[--nr_verdicts].key);
}

/* Judge all keys of @facts; new ones go behind the @sorted ones. */
static void judge(const struct facts *facts, const struct facts *before, const struct facts *value,
		  const struct facts *after, unsigned int sorted, unsigned int attempt)
{
	unsigned int i;

	for (i = 0; i < facts->nr; i++) {
		const char *key = facts->fact[i].key;
		const struct fact *b = facts_find(before, key);
		const struct fact *v = facts_find(value, key);
		const struct fact *a = facts_find(after, key);
		struct verdict *verdict = NULL;
		char bt[64], vt[64], at[64];

		if (sorted)
			verdict = bsearch(key, verdicts, sorted, sizeof(*verdict), verdict_find);
		if (!verdict)
			verdict = verdict_add(key);
		verdict->attempt = attempt;
		if (fact_right(v, b, a)) {
			verdict->right = true;
		} else {
			fact_text(b, bt, sizeof(bt));
			fact_text(v, vt, sizeof(vt));
			fact_text(a, at, sizeof(at));
			snprintf(verdict->text, sizeof(verdict->text),
				 "kernel %s, memdiag %s, kernel %s", bt, vt, at);
		}
	}
}

/* A key may be there twice, from two sides: keep one, right if either is. */
static void verdicts_sort(void)
{
	unsigned int i, to = 0;

	qsort(verdicts, nr_verdicts, sizeof(*verdicts), verdict_compare);
	for (i = 1; i < nr_verdicts; i++) {
		if (!strcmp(verdicts[i].key, verdicts[to].key)) {
			verdicts[to].right |= verdicts[i].right;
			verdicts[to].attempt = verdicts[i].attempt;
			free(verdicts[i].key);
		} else {
			verdicts[++to] = verdicts[i];
		}
	}
	if (nr_verdicts)
		nr_verdicts = to + 1;
}

/*
 * What came and went within one attempt cannot be held against anything; but it
 * is no excuse for the attempt, only for those in which it is not there.
 */
static bool verdict_wrong(const struct verdict *verdict, unsigned int attempt)
{
	return !verdict->right && verdict->attempt == attempt;
}

static unsigned int nr_wrong(unsigned int attempt)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_verdicts; i++)
		n += verdict_wrong(&verdicts[i], attempt);
	return n;
}

static void show_wrong(unsigned int attempt)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_verdicts; i++) {
		if (!verdict_wrong(&verdicts[i], attempt))
			continue;
		if (++n <= ORACLE_SHOWN)
			ktap_note("%s: %s", verdicts[i].key, verdicts[i].text);
	}
	if (n > ORACLE_SHOWN)
		ktap_note("... %u more", n - ORACLE_SHOWN);
}

unsigned int oracle_closed_ways(void)
{
	long long ways;

	return file_number(&ways, "/sys/module/memdiag/parameters/force_ways") ? ways : 0;
}

bool oracle_symbol_known(const char *symbol)
{
	static char *text;
	char line[80];

	if (oracle_closed_ways() & ORACLE_NO_SYMBOL)
		return false;
	if (!text)
		text = file_read("/proc/kallsyms");
	snprintf(line, sizeof(line), " %s\n", symbol);
	return text && strstr(text, line) && strstr(text, " register_kprobe\n");
}

/*
 * Collecting takes pages from this CPU's lists and gives them back before the
 * kernel is asked again; so the lists of a CPU are looked at from another one.
 */
static void oracle_move(unsigned int attempt)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(attempt % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Whether there is something to compare; else a result is printed. */
static bool oracle_once(const struct oracle *oracle, struct snap *snap, unsigned int attempt)
{
	struct facts before = {}, value = {}, after = {};
	const struct memdiag_section *section;
	unsigned int sorted = nr_verdicts;
	const char *wrong;
	int error;

	if (!oracle->kernel(&before)) {
		ktap_skip("the kernel does not say", "oracle_%s", oracle->name);
		return false;
	}
	error = snap_collect(snap, 1ull << oracle->section | oracle->also);
	if (error)
		ktap_bail("oracle_%s: SNAPSHOT: %s", oracle->name, strerror(-error));
	wrong = snap_check(snap);
	if (wrong)
		ktap_bail("oracle_%s: %s", oracle->name, wrong);
	section = snap_section(snap, oracle->section);
	if (!snap_has(snap, oracle->section)) {
		ktap_ok(false, "oracle_%s: section is unavailable: %s", oracle->name,
			snap_string(snap, section->reason));
		return false;
	}
	oracle->memdiag(&value, snap, section);
	oracle->kernel(&after);
	facts_sort(&before);
	facts_sort(&value);
	facts_sort(&after);
	judge(&before, &before, &value, &after, sorted, attempt);
	judge(&value, &before, &value, &after, sorted, attempt);
	verdicts_sort();
	facts_free(&before);
	facts_free(&value);
	facts_free(&after);
	return true;
}

void oracle_run(const struct oracle *oracle)
{
	unsigned int attempt, wrong = 0, first = 0;
	struct snap snap;
	int error;

	error = snap_open(&snap);
	if (error)
		ktap_bail("%s: %s", SNAP_DEVICE, strerror(-error));
	verdicts_clear();
	for (attempt = 1; attempt <= ORACLE_ATTEMPTS; attempt++) {
		oracle_move(attempt);
		if (!oracle_once(oracle, &snap, attempt))
			goto drop;
		wrong = nr_wrong(attempt);
		if (attempt == 1)
			first = wrong;
		if (!wrong)
			break;
		usleep(20000);
	}
	if (!nr_verdicts) {
		ktap_ok(false, "oracle_%s: nothing was compared", oracle->name);
		goto drop;
	}
	show_wrong(ORACLE_ATTEMPTS);
	oracle_values += nr_verdicts;
	if (wrong)
		ktap_ok(false, "oracle_%s: %u of %u values wrong in all of %d attempts",
			oracle->name, wrong, nr_verdicts, ORACLE_ATTEMPTS);
	else
		ktap_ok(true, "oracle_%s: %u values, %u moved at first, %u attempts", oracle->name,
			nr_verdicts, first, attempt);
drop:
	snap_drop(&snap);
}
