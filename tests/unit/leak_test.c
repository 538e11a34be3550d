// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmemdiag: the verdict of leakcheck, on made-up snapshots. Every rule has a case
 * on each side of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build_snapshot.h"
#include "ktap.h"
#include "libmemdiag.h"

#define DIRECT "leaky_open+0x10/0x40 [leaky];do_open+0x1/0x2"
#define INDIRECT "make_thing+0x10/0x40;leaky_open+0x20/0x40 [leaky];do_open+0x1/0x2"
#define WRAPPED "__alloc_pages+0x10/0x40;kmalloc_large+0x1/0x2;leaky_open+0x20/0x40 [leaky]"
/* The slab allocator serves a request, and takes something for itself. */
#define SHEAF                                                           \
	"alloc_empty_sheaf+0x10/0x40;__pcs_replace_empty_main+0x1/0x2;" \
	"kmem_cache_alloc_noprof+0x1/0x2;leaky_open+0x20/0x40 [leaky];do_open+0x1/0x2"
#define SHEAF_FREED "__pcs_replace_full_main+0x1/0x2;kfree+0x1/0x2;leaky_open+0x20/0x40 [leaky]"
/* It calls the module, to make objects, and that wants something; kfree_skb() is another. */
#define CONSTRUCTED                                                         \
	"make_thing+0x10/0x40;leaky_ctor+0x1/0x2 [leaky];new_slab+0x1/0x2;" \
	"kmem_cache_alloc_noprof+0x1/0x2;leaky_open+0x20/0x40 [leaky]"
#define SKB_FREED "make_thing+0x10/0x40;kfree_skb+0x1/0x2;leaky_open+0x20/0x40 [leaky]"
/* All that the caller sees is the allocator. */
#define NESTED "kmalloc_reserve+0x1/0x2;__alloc_skb+0x1/0x2;__kmalloc+0x1/0x2;open_it+0x1/0x2"
#define IDLE 4
#define CYCLES 10

/* What there is at a look; bytes and pages as the sections count them. */
struct machine {
	const char *stack;
	const char *cache;
	int count;
	int unsure;
	int objects;
	int objects_error;
	int dentries;
	int nr_areas;
	int area;
	int unaccounted;
	int dropped;
	bool no_track;
	bool no_counts;
	bool older;
};

static void number(char *text, long value)
{
	snprintf(text, 24, "%ld", value);
}

static void add_track(struct build *b, const struct machine *m)
{
	char count[24], bytes[24], unsure[24], dropped[24];

	number(count, m->count);
	number(bytes, m->count * 64l);
	number(unsure, m->unsure);
	number(dropped, m->dropped);
	build_section(b, MEMDIAG_SEC_TRACK_STATUS, "track_status");
	build_field(b, "dropped_objects", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_COUNTER, 0);
	RECORD(b, dropped);
	build_section(b, MEMDIAG_SEC_TRACK, "track");
	build_field(b, "stack", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "kind", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "cache", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "order", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "module", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, 0);
	build_field(b, "count", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "bytes", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_BYTES, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "unsure", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	if (m->stack)
		RECORD(b, m->stack, "slab", m->cache ? m->cache : "kmalloc-64", "-", "leaky", count,
		       bytes, unsure);
}

static void add_counts(struct build *b, const struct machine *m)
{
	char objects[24], error[24], dentries[24], areas[24], area[24], pages[24];

	number(objects, 1000 + m->objects);
	number(error, m->objects_error);
	number(dentries, 1000 + m->dentries);
	number(areas, 1 + m->nr_areas);
	number(area, 65536 + m->area);
	number(pages, 500 + m->unaccounted);
	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	build_field(b, "name", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "active_objs", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "active_objs_error", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "objsize", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_BYTES, MEMDIAG_KIND_LABEL, 0);
	build_field(b, "reclaimable", MEMDIAG_TYPE_BOOL, 0, MEMDIAG_KIND_LABEL, 0);
	RECORD(b, "kmalloc-64", objects, error, "64", "0");
	/* What the kernel takes back when it likes is nobody's leak, until it was asked to. */
	RECORD(b, "dentry", dentries, error, "192", "1");
	build_section(b, MEMDIAG_SEC_VMALLOC_CALLER, "vmalloc_caller");
	build_field(b, "caller", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "kind", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "module", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, 0);
	build_field(b, "areas", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "size", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_BYTES, MEMDIAG_KIND_GAUGE, 0);
	RECORD(b, "leaky_init+0x1/0x2 [leaky]", "vmalloc", "leaky", areas, area);
	RECORD(b, "-", "unpurged", "", "1", area);
	build_section(b, MEMDIAG_SEC_LEDGER, "ledger");
	build_field(b, "line", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "error", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_PAGES, MEMDIAG_KIND_GAUGE, 0);
	if (!m->older)
		build_field(b, "leak", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, 0);
	RECORD(b, "free", pages, "0", "-");
	RECORD(b, "anon", pages, "0", "-");
	RECORD(b, "slab_unreclaimable", pages, "0", "slab");
	RECORD(b, "percpu", "30", "0", "percpu");
	RECORD(b, "unaccounted", pages, "2", "unaccounted");
}

/* What is done before a look, and what a count has to show. */
static bool shrunk, dropped;
static uint64_t sensitivity;
/* The look that is made, those before the cycles counted. */
static int nr_look;
/* How long a cycle takes, in looks without one. */
static int slowness = 1;

static bool look(struct memdiag_leakcheck *check, enum memdiag_leak_look how,
		 const struct machine *m)
{
	struct memdiag_data *data;
	unsigned char *bytes;
	struct build b;
	size_t size;
	bool again;

	build_init(&b);
	b.header.start_ns += 1000000000ull * (nr_look < IDLE ? nr_look : IDLE - 1);
	b.header.start_ns += 1000000000ull * (nr_look < IDLE ? 0 : nr_look - IDLE + 1) * slowness;
	if (!m->no_track)
		add_track(&b, m);
	if (!m->no_counts)
		add_counts(&b, m);
	bytes = build_finish(&b, &size);
	if (memdiag_data_parse(bytes, size, NULL, &data) ||
	    memdiag_leakcheck_add(check, how, 1, data, &again))
		abort();
	memdiag_data_free(data);
	free(bytes);
	build_free(&b);
	return again;
}

static struct memdiag_leakcheck *new_check(void)
{
	struct memdiag_leakcheck *check;

	if (memdiag_leakcheck_new(&check))
		abort();
	memdiag_leakcheck_settled(check, shrunk, dropped);
	return check;
}

static const uint64_t no_budget[MEMDIAG_NR_LEAK_KINDS];

/*
 * Idle looks at what @at says for 0, then @cycles looks at what it says for 1 and so
 * on, judged.
 */
static struct memdiag_leaks *judge(void (*at)(int cycle, struct machine *m), int cycles,
				   const char *unloads, const uint64_t *allow,
				   struct memdiag_leakcheck **check)
{
	struct memdiag_leaks *leaks;

	*check = new_check();
	for (int n = 1 - IDLE; n <= cycles; n++) {
		struct machine m = {};

		nr_look = n + IDLE - 1;
		at(n < 0 ? 0 : n, &m);
		look(*check, n <= 0 ? MEMDIAG_LOOK_IDLE : MEMDIAG_LOOK_CYCLES, &m);
	}
	if (memdiag_leakcheck_judge(*check, unloads, allow, sensitivity, &leaks))
		abort();
	return leaks;
}

/* Judges, and wants a verdict and the finding of the first row. */
static bool says(void (*at)(int cycle, struct machine *m), int cycles, const char *unloads,
		 const uint64_t *allow, enum memdiag_verdict verdict, int nr, int finding)
{
	struct memdiag_leakcheck *check;
	struct memdiag_leaks *leaks = judge(at, cycles, unloads, allow, &check);
	bool right = leaks->verdict == verdict && (int)leaks->nr == nr &&
		     (!nr || (int)leaks->leaks[0].finding == finding);

	if (!right)
		printf("# %s, %zu rows: %s %s\n", memdiag_verdict_name(leaks->verdict), leaks->nr,
		       leaks->nr ? memdiag_leak_finding_name(leaks->leaks[0].finding) : "",
		       leaks->why);
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	return right;
}

#define CLEAN(at, nr, finding) \
	CHECK(says(at, CYCLES, "leaky", no_budget, MEMDIAG_VERDICT_CLEAN, nr, finding))
#define LEAK(at, nr) \
	CHECK(says(at, CYCLES, "leaky", no_budget, MEMDIAG_VERDICT_LEAK, nr, MEMDIAG_LEAK_FOUND))
#define CANNOT(at, nr, finding) \
	CHECK(says(at, CYCLES, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, nr, finding))

static void at_rest(int cycle, struct machine *m)
{
	(void)cycle;
	m->stack = DIRECT;
	m->count = 5;
}

static void clean(void)
{
	CLEAN(at_rest, 0, 0);
}

static void each_cycle(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + 3 * cycle;
}

#define GROWS(name, text)                              \
	static void name(int cycle, struct machine *m) \
	{                                              \
		m->stack = text;                       \
		m->count = 5 + 3 * cycle;              \
	}

GROWS(sheaf, SHEAF)
GROWS(sheaf_freed, SHEAF_FREED)
GROWS(constructed, CONSTRUCTED)
GROWS(skb_freed, SKB_FREED)
GROWS(nested, NESTED)

static void bookkeeping(void)
{
	CLEAN(sheaf, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(sheaf_freed, 1, MEMDIAG_LEAK_KEPT);
	LEAK(constructed, 1);
	LEAK(skb_freed, 1);
	LEAK(nested, 1);
}

static void stack_leak(void)
{
	struct memdiag_leakcheck *check;
	struct memdiag_leaks *leaks = judge(each_cycle, CYCLES, "leaky", no_budget, &check);

	CHECK(leaks->verdict == MEMDIAG_VERDICT_LEAK && leaks->nr == 1 && leaks->confirmed);
	CHECK(leaks->cycles == CYCLES && leaks->tracked && !leaks->dropped);
	CHECK(leaks->leaks[0].objects == 30 && leaks->leaks[0].bytes == 1920);
	CHECK(!leaks->leaks[0].direct && !leaks->leaks[0].unsure);
	CHECK(!strcmp(leaks->leaks[0].name, INDIRECT) && !strcmp(leaks->leaks[0].module, "leaky"));
	CHECK(!strcmp(leaks->leaks[0].cache, "kmalloc-64"));
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	/* One cycle has no halves. */
	CHECK(says(each_cycle, 1, "leaky", no_budget, MEMDIAG_VERDICT_LEAK, 1, MEMDIAG_LEAK_FOUND));
}

static void once_direct(int cycle, struct machine *m)
{
	m->stack = DIRECT;
	m->count = 5 + (cycle >= 8);
}

static void once_indirect(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + (cycle >= 8);
}

static void once_wrapped(int cycle, struct machine *m)
{
	m->stack = WRAPPED;
	m->count = 5 + (cycle >= 8);
}

/* An allocator's own frame alone is no module's. */
static void once_nobody(int cycle, struct machine *m)
{
	m->stack = "__alloc_pages+0x10/0x40";
	m->count = 5 + (cycle >= 8);
}

/* In both halves, but not in each cycle: a pool that fills, bookkeeping. */
static void now_and_then(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + cycle - (cycle > 1);
}

/* As many as there are cycles, nearly all in one half. */
static void first_half(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + 4 * (cycle > 5 ? 5 : cycle) + (cycle > 8);
}

static void last_half(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + (cycle < 5 ? cycle > 2 : 4 * cycle - 19);
}

static void reclaimable(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->cache = "dentry";
	m->count = 5 + 3 * cycle;
}

static void reclaimable_direct(int cycle, struct machine *m)
{
	reclaimable(cycle, m);
	m->stack = DIRECT;
}

/* The kernel keeps it once more, though it was asked to drop what it can. */
static void reclaimable_once(int cycle, struct machine *m)
{
	reclaimable(0, m);
	m->count += 300 * (cycle > 3);
	m->dentries = 300 * (cycle > 3);
}

static void counted_dentries(int cycle, struct machine *m)
{
	m->dentries = cycle;
}

static void dropping_caches(void)
{
	CLEAN(reclaimable, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(counted_dentries, 0, 0);
	dropped = true;
	LEAK(reclaimable, 1);
	LEAK(counted_dentries, 1);
	CLEAN(reclaimable_once, 2, MEMDIAG_LEAK_KEPT);
	dropped = false;
}

static void proportion(void)
{
	CLEAN(now_and_then, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(first_half, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(last_half, 1, MEMDIAG_LEAK_KEPT);
	LEAK(reclaimable_direct, 1);
	CHECK(says(reclaimable_direct, CYCLES, NULL, no_budget, MEMDIAG_VERDICT_LEAK, 1,
		   MEMDIAG_LEAK_FOUND));
}

/* From Linux 6.14 on pages come from there. */
static void once_frozen(int cycle, struct machine *m)
{
	m->stack = "__alloc_frozen_pages_noprof+0x1/0x2;alloc_pages_mpol+0x1/0x2;"
		   "alloc_pages_noprof+0x1/0x2;leaky_open+0x20/0x40 [leaky (unloaded)]";
	m->count = 5 + (cycle >= 8);
}

/* Another module, which stays, took it for this one. */
static void once_by_another(int cycle, struct machine *m)
{
	m->stack = "core_register+0x1/0x2 [leaky_core];leaky_open+0x20/0x40 [leaky]";
	m->count = 5 + (cycle >= 8);
}

static void once(void)
{
	LEAK(once_wrapped, 1);
	LEAK(once_frozen, 1);
	CLEAN(once_by_another, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(once_nobody, 1, MEMDIAG_LEAK_KEPT);
	LEAK(once_direct, 1);
	CLEAN(once_indirect, 1, MEMDIAG_LEAK_KEPT);
	/* A module that stays loaded may keep something. */
	CHECK(says(once_direct, CYCLES, NULL, no_budget, MEMDIAG_VERDICT_CLEAN, 1,
		   MEMDIAG_LEAK_KEPT));
}

static void doubted(int cycle, struct machine *m)
{
	m->stack = DIRECT;
	m->count = 5 + 30 * cycle;
	m->unsure = 30 * cycle;
}

static void doubted_and_counted(int cycle, struct machine *m)
{
	doubted(cycle, m);
	m->objects = 30 * cycle;
}

static void doubted_no_counts(int cycle, struct machine *m)
{
	doubted(cycle, m);
	m->no_counts = true;
}

static void partly_doubted(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + 2 * cycle;
	m->unsure = cycle;
}

static void unsure(void)
{
	CLEAN(doubted, 1, MEMDIAG_LEAK_KEPT);
	CANNOT(doubted_no_counts, 1, MEMDIAG_LEAK_UNSURE);
	LEAK(partly_doubted, 1);
	/* The counts see what the tracker is not sure of. */
	LEAK(doubted_and_counted, 2);
}

static void dropping(int cycle, struct machine *m)
{
	at_rest(cycle, m);
	m->dropped = 100 + cycle;
}

static void dropping_little(int cycle, struct machine *m)
{
	at_rest(cycle, m);
	m->dropped = 100 + cycle / 2;
}

static void dropping_leak(int cycle, struct machine *m)
{
	each_cycle(cycle, m);
	m->dropped = 100 + cycle;
}

/* Nine objects of ten cycles, and one event that was dropped. */
static void dropping_one(int cycle, struct machine *m)
{
	m->stack = INDIRECT;
	m->count = 5 + cycle - (cycle > 4);
	m->dropped = cycle > 4;
}

static void drops(void)
{
	CANNOT(dropping, 0, 0);
	CANNOT(dropping_one, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(dropping_little, 0, 0);
	LEAK(dropping_leak, 1);
}

static void counted_slab(int cycle, struct machine *m)
{
	m->no_track = true;
	m->objects = 20 * cycle;
	m->objects_error = 50;
}

static void within_error(int cycle, struct machine *m)
{
	counted_slab(cycle, m);
	m->objects_error = 100;
}

static void counted_step(int cycle, struct machine *m)
{
	m->objects = cycle > 2 ? 200 : 0;
}

static void counted_late(int cycle, struct machine *m)
{
	m->objects = cycle > 8 ? 200 : 0;
}

/* As if it took so many objects for a moment, each third look. */
static void counted_fall(int cycle, struct machine *m)
{
	m->objects = 20 * cycle + 250 * (nr_look % 3 == 0);
}

/* One look that sees what somebody has for a moment, or misses something. */
static void outlier(int cycle, struct machine *m)
{
	m->objects = cycle + 30 * (cycle == 4);
}

static void outlier_low(int cycle, struct machine *m)
{
	m->objects = cycle - 5 * (cycle == 9);
}

/* Before the cycles as much as in them. */
static void drifting(int cycle, struct machine *m)
{
	(void)cycle;
	m->objects = 20 * nr_look;
}

static void drifting_slowly(int cycle, struct machine *m)
{
	m->objects = nr_look + (slowness - 1) * cycle;
}

/* Only there: then as many in each cycle may be a leak. */
static void drifting_before(int cycle, struct machine *m)
{
	m->objects = 10 * (nr_look < IDLE ? nr_look : IDLE - 1) + 10 * cycle;
}

/* Before the cycles, too, but not each time. */
static void drifting_once(int cycle, struct machine *m)
{
	m->objects = cycle + (nr_look > 1);
}

static void one_each(int cycle, struct machine *m)
{
	m->objects = cycle;
	m->objects_error = 50;
}

static void one_each_exact(int cycle, struct machine *m)
{
	m->objects = cycle;
}

/* Threads of the kernel's own, that come and stay for some minutes. */
static void workers(int cycle, struct machine *m)
{
	m->objects = (cycle > 2) + (cycle > 5) + (cycle > 8);
}

static void jitter(int cycle, struct machine *m)
{
	static const int up[] = { 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1 };

	(void)cycle;
	m->objects = up[nr_look];
}

static void large_jitter(int cycle, struct machine *m)
{
	jitter(cycle, m);
	m->objects *= 60;
}

/* Slabs of CPUs fill again after they were emptied, more of them each time. */
static void noisy_rise(int cycle, struct machine *m)
{
	jitter(cycle, m);
	m->objects = m->objects * 6 + 3 * cycle;
	m->objects_error = 20;
}

static void noisy_leak(int cycle, struct machine *m)
{
	noisy_rise(cycle, m);
	m->objects_error = 0;
}

static void half_of_the_cycles(int cycle, struct machine *m)
{
	m->objects = cycle / 2;
}

static void first_half_only(int cycle, struct machine *m)
{
	m->objects = 3 * (cycle > 5 ? 5 : cycle);
}

static void last_half_only(int cycle, struct machine *m)
{
	m->objects = 3 * (cycle < 5 ? 0 : cycle - 5);
}

/* Four cycles: one of them did not grow. */
static void not_always(int cycle, struct machine *m)
{
	m->objects = 2 * cycle - 2 * (cycle == 2);
}

static void counts(void)
{
	struct memdiag_leakcheck *check;
	struct memdiag_leaks *leaks = judge(counted_slab, CYCLES, "leaky", no_budget, &check);

	CHECK(leaks->verdict == MEMDIAG_VERDICT_LEAK && leaks->nr == 1 && !leaks->confirmed);
	CHECK(leaks->leaks[0].objects == 200 && leaks->leaks[0].bytes == 12800);
	CHECK(leaks->leaks[0].expected == 6400 && !strcmp(leaks->leaks[0].name, "kmalloc-64"));
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	CANNOT(within_error, 0, 0);
	CLEAN(counted_step, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(counted_late, 1, MEMDIAG_LEAK_KEPT);
	CANNOT(counted_fall, 0, 0);
	/* A leak of as much could hide. */
	CANNOT(drifting, 0, 0);
	sensitivity = 4096;
	CLEAN(drifting, 0, 0);
	/* Cycles that take longer have more time to drift. */
	slowness = 15;
	CLEAN(drifting_slowly, 0, 0);
	slowness = 1;
	sensitivity = 0;
	/* Ten each cycle could hide in a drift of ten. */
	leaks = judge(drifting_before, CYCLES, "leaky", no_budget, &check);
	CHECK(leaks->power[MEMDIAG_LEAK_SLAB].bytes == 11 * 64);
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	CHECK(says(counted_slab, 3, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
	CHECK(says(counted_slab, 4, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
}

/* Lists of free objects are empty: one object per cycle is seen, and no more than chance is not. */
static void exact(void)
{
	/* In lists of CPUs there may be so many, if they are not emptied or filled again. */
	CANNOT(one_each, 0, 0);
	shrunk = true;
	CANNOT(one_each, 0, 0);
	sensitivity = 4096;
	CANNOT(one_each, 0, 0);
	sensitivity = UINT64_MAX;
	CLEAN(one_each, 0, 0);
	sensitivity = 0;
	/* Fifty at each end. */
	CHECK(says(one_each, 100, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
	CHECK(says(one_each, 101, "leaky", no_budget, MEMDIAG_VERDICT_LEAK, 1, MEMDIAG_LEAK_FOUND));
	LEAK(one_each_exact, 1);
	CHECK(says(one_each_exact, 4, "leaky", no_budget, MEMDIAG_VERDICT_LEAK, 1,
		   MEMDIAG_LEAK_FOUND));
	CHECK(says(one_each_exact, 100, "leaky", no_budget, MEMDIAG_VERDICT_LEAK, 1,
		   MEMDIAG_LEAK_FOUND));
	LEAK(outlier, 1);
	LEAK(outlier_low, 1);
	LEAK(drifting_once, 1);
	CLEAN(workers, 0, 0);
	CLEAN(jitter, 0, 0);
	CANNOT(large_jitter, 0, 0);
	CANNOT(noisy_rise, 0, 0);
	LEAK(noisy_leak, 1);
	CLEAN(half_of_the_cycles, 0, 0);
	/* Not as a leak grows, but as much: that is shown. */
	CLEAN(first_half_only, 1, MEMDIAG_LEAK_KEPT);
	CLEAN(last_half_only, 1, MEMDIAG_LEAK_KEPT);
	CHECK(says(not_always, 4, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 1,
		   MEMDIAG_LEAK_KEPT));
	shrunk = false;
}

/* What would have been found, and whether that is enough. */
static void power(void)
{
	struct memdiag_leakcheck *check;
	struct memdiag_leaks *leaks;
	uint64_t slab[MEMDIAG_NR_LEAK_KINDS] = {};

	shrunk = true;
	leaks = judge(at_rest, CYCLES, "leaky", no_budget, &check);
	CHECK(!leaks->blunt && !leaks->reclaimed);
	CHECK(leaks->power[MEMDIAG_LEAK_SLAB].bytes == 64 &&
	      !*leaks->power[MEMDIAG_LEAK_SLAB].name);
	CHECK(leaks->power[MEMDIAG_LEAK_UNACCOUNTED].bytes == 4096);
	CHECK(!leaks->power[MEMDIAG_LEAK_PAGES].unit);
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	leaks = judge(large_jitter, CYCLES, "leaky", no_budget, &check);
	CHECK(leaks->blunt && !strcmp(leaks->power[MEMDIAG_LEAK_SLAB].name, "kmalloc-64"));
	sensitivity = leaks->power[MEMDIAG_LEAK_SLAB].bytes;
	CHECK(sensitivity > 64 && sensitivity < 60 * 64 && strstr(leaks->why, "kmalloc-64"));
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	/* As much is enough, and less is not; what is allowed need not be seen. */
	CLEAN(large_jitter, 0, 0);
	slab[MEMDIAG_LEAK_SLAB] = sensitivity--;
	CANNOT(large_jitter, 0, 0);
	CHECK(says(large_jitter, CYCLES, "leaky", slab, MEMDIAG_VERDICT_CLEAN, 0, 0));
	sensitivity = UINT64_MAX;
	CHECK(says(at_rest, 3, "leaky", no_budget, MEMDIAG_VERDICT_CLEAN, 0, 0));
	sensitivity = 0;
	CHECK(says(at_rest, 3, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
	leaks = judge(one_each, 3, "leaky", no_budget, &check);
	CHECK(leaks->blunt && leaks->power[MEMDIAG_LEAK_SLAB].bytes == UINT64_MAX);
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
	shrunk = false;
}

static void counted_area(int cycle, struct machine *m)
{
	m->area = 8192 * cycle;
}

static void counted_pages(int cycle, struct machine *m)
{
	m->unaccounted = cycle;
}

/* From below zero to above. */
static void below_zero(int cycle, struct machine *m)
{
	m->unaccounted = cycle - 505;
}

/* More than can be expected, but hardly more than a page in two cycles. */
static void fewer_pages(int cycle, struct machine *m)
{
	m->unaccounted = 3 * cycle / 5;
}

/* More areas, and as many but larger ones. */
static void more_areas(int cycle, struct machine *m)
{
	m->nr_areas = cycle;
	m->area = 8192 * cycle;
}

static void other_counts(void)
{
	CLEAN(fewer_pages, 0, 0);
	LEAK(counted_area, 1);
	LEAK(more_areas, 1);
	CHECK(says(counted_area, 3, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
	/* Ten pages, where it may be wrong by two at each end. */
	LEAK(counted_pages, 1);
	LEAK(below_zero, 1);
	CHECK(says(counted_pages, 4, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
}

static void nothing(int cycle, struct machine *m)
{
	(void)cycle;
	m->no_track = true;
	m->no_counts = true;
}

static void counts_once_missing(int cycle, struct machine *m)
{
	m->area = 8192 * cycle;
	m->no_counts = cycle == 5;
}

static void ledger_of_older_module(int cycle, struct machine *m)
{
	at_rest(cycle, m);
	m->unaccounted = 10 * cycle;
	m->older = true;
}

static void track_once_missing(int cycle, struct machine *m)
{
	at_rest(cycle, m);
	m->no_track = cycle == 5;
}

static void no_stacks(int cycle, struct machine *m)
{
	(void)cycle;
	m->no_track = true;
}

static void missing(void)
{
	struct memdiag_leakcheck *check = new_check();
	struct memdiag_leaks *leaks;

	CANNOT(nothing, 0, 0);
	/* Which lines may leak is not said, so that none does cannot be said either. */
	CANNOT(ledger_of_older_module, 0, 0);
	CANNOT(counts_once_missing, 0, 0);
	CANNOT(track_once_missing, 0, 0);
	/* Neither stacks nor enough cycles for counts. */
	sensitivity = UINT64_MAX;
	CHECK(says(no_stacks, 3, "leaky", no_budget, MEMDIAG_VERDICT_CANNOT_TELL, 0, 0));
	CHECK(says(no_stacks, 4, "leaky", no_budget, MEMDIAG_VERDICT_CLEAN, 0, 0));
	sensitivity = 0;
	CHECK(memdiag_leakcheck_judge(check, "leaky", no_budget, 0, &leaks) == -EINVAL);
	look(check, MEMDIAG_LOOK_IDLE, &(struct machine){});
	CHECK(!memdiag_leakcheck_judge(check, "leaky", no_budget, 0, &leaks));
	CHECK(leaks->verdict == MEMDIAG_VERDICT_CANNOT_TELL && strstr(leaks->why, "no cycle"));
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
}

static void budget(void)
{
	const uint64_t enough[] = { [MEMDIAG_LEAK_SLAB] = 192, [MEMDIAG_NR_LEAK_KINDS - 1] = 0 };
	const uint64_t short_of[] = { [MEMDIAG_LEAK_SLAB] = 191, [MEMDIAG_NR_LEAK_KINDS - 1] = 0 };
	const uint64_t other[] = { [MEMDIAG_LEAK_PAGES] = 4096, [MEMDIAG_NR_LEAK_KINDS - 1] = 0 };

	CHECK(says(each_cycle, CYCLES, "leaky", enough, MEMDIAG_VERDICT_CLEAN, 1,
		   MEMDIAG_LEAK_ALLOWED));
	CHECK(says(each_cycle, CYCLES, "leaky", short_of, MEMDIAG_VERDICT_LEAK, 1,
		   MEMDIAG_LEAK_FOUND));
	CHECK(says(each_cycle, CYCLES, "leaky", other, MEMDIAG_VERDICT_LEAK, 1,
		   MEMDIAG_LEAK_FOUND));
	/* As much as there is, for each of two cycles: more than a number holds. */
	CHECK(says(each_cycle, CYCLES, "leaky",
		   (const uint64_t[MEMDIAG_NR_LEAK_KINDS]){ [MEMDIAG_LEAK_SLAB] = 1ull << 63 },
		   MEMDIAG_VERDICT_CLEAN, 1, MEMDIAG_LEAK_ALLOWED));
	/* A page that may stay is unaccounted for. */
	CHECK(says(counted_pages, CYCLES, "leaky", other, MEMDIAG_VERDICT_CLEAN, 1,
		   MEMDIAG_LEAK_ALLOWED));
}

/* What seemed to be a leak must grow once more in cycles made for that. */
static void confirming(void)
{
	for (int grows = 0; grows < 2; grows++) {
		struct memdiag_leakcheck *check = new_check();
		struct memdiag_leaks *leaks;
		struct machine m = { .stack = DIRECT, .count = 5 };

		for (int n = 0; n < IDLE; n++)
			look(check, MEMDIAG_LOOK_IDLE, &m);
		for (int n = 1; n <= 2 * CYCLES; n++) {
			m.objects = 20 * n;
			/* Up and down, and up on the whole. */
			if (n > CYCLES && !grows)
				m.objects = 18 * CYCLES + 2 * n + 30 * (n % 2);
			look(check, MEMDIAG_LOOK_CYCLES, &m);
			if (n == CYCLES)
				memdiag_leakcheck_confirm(check);
		}
		CHECK(!memdiag_leakcheck_judge(check, "leaky", no_budget, 0, &leaks));
		CHECK(leaks->verdict ==
		      (grows ? MEMDIAG_VERDICT_LEAK : MEMDIAG_VERDICT_CANNOT_TELL));
		memdiag_leaks_free(leaks);
		memdiag_leakcheck_free(check);
	}
}

static void settling(void)
{
	struct memdiag_leakcheck *check = new_check();
	struct memdiag_leaks *leaks;
	struct machine m = { .stack = DIRECT, .count = 5 };

	look(check, MEMDIAG_LOOK_IDLE, &m);
	for (int n = 0; n < 40; n++) {
		m.count = 9;
		m.objects = 9;
		/* It has grown, which may pass. */
		CHECK(look(check, MEMDIAG_LOOK_CYCLES, &m));
		m.count = 5;
		m.objects = 0;
		CHECK(look(check, MEMDIAG_LOOK_AGAIN, &m));
		CHECK(!look(check, MEMDIAG_LOOK_AGAIN, &m));
		/* What was less once is there only for a moment. */
		m.objects = 7;
		CHECK(!look(check, MEMDIAG_LOOK_AGAIN, &m));
		m.objects = 0;
		CHECK(!look(check, MEMDIAG_LOOK_CYCLES, &m));
	}
	CHECK(!memdiag_leakcheck_judge(check, "leaky", no_budget, 0, &leaks));
	CHECK(leaks->verdict == MEMDIAG_VERDICT_CLEAN && !leaks->nr && leaks->cycles == 80);
	memdiag_leaks_free(leaks);
	memdiag_leakcheck_free(check);
}

int main(void)
{
	RUN(clean);
	RUN(stack_leak);
	RUN(bookkeeping);
	RUN(once);
	RUN(proportion);
	RUN(unsure);
	RUN(drops);
	RUN(counts);
	RUN(exact);
	RUN(power);
	RUN(other_counts);
	RUN(dropping_caches);
	RUN(missing);
	RUN(budget);
	RUN(settling);
	RUN(confirming);
	return ktap_done();
}
