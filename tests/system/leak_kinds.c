// SPDX-License-Identifier: GPL-2.0-only
/*
 * leak_kinds - what leaks is named, what does not leak is not
 *
 * While the tracker looks at the fixture, that takes and frees objects of every kind
 * of memory, in every context that may take it, by each way of freeing there is, again
 * and again: the tracker must say that nothing is outstanding. Then some of each are
 * kept. Now it must name the function that took what leaked, by
 * context, with the exact number of objects and bytes.
 *
 * Last the same with the module loaded and unloaded each time, which must not make
 * the names go.
 *
 * All cases share a run of the tracker and are told apart by their stacks, for what
 * was freed may take a quarter of a minute until it is free: see MEMDIAG_IOC_SETTLE.
 *
 * Environment: LEAK_CYCLES (default 5) of taking and freeing per kind, context and
 * way; LEAK_LOADS (default 10) of loading and unloading.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "mod.h"
#include "track.h"

/* Objects that leak, and that come and go. */
#define LEAKED 7
#define CYCLED 24

/**
 * struct leak_case - a kind of memory
 * @name: of the results
 * @request: to the fixture: kind and size
 * @kind: the same for the command "free"
 * @function: of the fixture, that takes it
 * @tracked: kind of the record that counts objects, NULL: any
 * @cache: name of the slab cache, NULL: any
 * @order: of pages, else -1
 * @per: objects of the allocator for each
 * @asked: bytes asked for of each, 0: not to be compared
 * @bytes: bytes of each, 0: at least those asked for
 * @unseen: its allocator has no event on some kernels, which is then told
 * @area: it is in vmalloc space: what else that costs is not compared
 */
struct leak_case {
	const char *name;
	const char *request;
	const char *kind;
	const char *function;
	const char *tracked;
	const char *cache;
	int order;
	unsigned int per;
	uint64_t asked;
	uint64_t bytes;
	bool unseen;
	bool area;
};

static const struct leak_case cases[] = {
	{ "kmalloc", "kmalloc size=100", "kmalloc", "alloc_kmalloc", "slab", NULL, -1, 1, 100 },
	{ "kmalloc, large", "kmalloc size=20000", "kmalloc", "alloc_kmalloc_large", "slab", NULL,
	  -1, 1, 20000 },
	{ "kmalloc_node", "kmalloc_node size=200", "kmalloc_node", "alloc_kmalloc_node", "slab",
	  NULL, -1, 1, 200 },
	{ "krealloc", "krealloc size=900", "krealloc", "alloc_krealloc", "slab", NULL, -1, 1, 900 },
	{ "kmemdup", "kmemdup size=333", "kmemdup", "alloc_kmemdup", "slab", NULL, -1, 1, 333 },
	{ "own cache", "cache", "cache", "alloc_cache", "slab", FIXTURE, -1, 1, 0 },
	{ "own cache, bulk", "cache_bulk", "cache_bulk", "alloc_bulk_cache", "slab", FIXTURE, -1, 1,
	  0, 0, true },
	{ "kvmalloc, small", "kvmalloc size=700", "kvmalloc", "alloc_kvmalloc", "slab", NULL, -1, 1,
	  700 },
	{ "kvmalloc, large", "kvmalloc size=5000000", "kvmalloc", "alloc_kvmalloc_large", NULL,
	  NULL, -1, 1, 0, 0, false, true },
	{ "vmalloc", "vmalloc size=12000", "vmalloc", "alloc_vmalloc", NULL, NULL, -1, 1, 0, 0,
	  false, true },
	{ "pages of order 0", "pages order=0", "pages", "alloc_pages_kind", "pages", NULL, 0, 1, 0,
	  4096 },
	{ "pages of order 1", "pages order=1", "pages", "alloc_pages_kind", "pages", NULL, 1, 1, 0,
	  8192 },
	{ "pages of order 2", "pages order=2", "pages", "alloc_pages_kind", "pages", NULL, 2, 1, 0,
	  16384 },
	{ "pages of order 3", "pages order=3", "pages", "alloc_pages_kind", "pages", NULL, 3, 1, 0,
	  32768 },
	{ "pages of order 4", "pages order=4", "pages", "alloc_pages_kind", "pages", NULL, 4, 1, 0,
	  65536 },
	{ "pages of order 5", "pages order=5", "pages", "alloc_pages_kind", "pages", NULL, 5, 1, 0,
	  131072 },
	{ "pages of order 6", "pages order=6", "pages", "alloc_pages_kind", "pages", NULL, 6, 1, 0,
	  262144 },
	{ "pages of order 7", "pages order=7", "pages", "alloc_pages_kind", "pages", NULL, 7, 1, 0,
	  524288 },
	{ "pages of order 8", "pages order=8", "pages", "alloc_pages_kind", "pages", NULL, 8, 1, 0,
	  1048576 },
	{ "pages of order 9", "pages order=9", "pages", "alloc_pages_kind", "pages", NULL, 9, 1, 0,
	  2097152 },
	{ "pages in bulk", "pages_bulk", "pages_bulk", "alloc_bulk_pages", "pages", NULL, 0, 1, 0,
	  4096, true },
	{ "percpu", "percpu size=512", "percpu", "alloc_percpu_kind", "percpu", NULL, -1, 1, 512 },
	{ "skb", "skb size=300", "skb", "alloc_skb_kind", "slab", NULL, -1, 2, 0 },
};

/*
 * Contexts, and a function that is in the stack of what is taken in them. The fixture's
 * own are alike, and some compilers make one of them.
 */
static const struct {
	const char *name;
	const char *frame;
} contexts[] = {
	{ "process", "fixture_run+" },
	{ "softirq", "tasklet_action" },
	{ "hardirq", "irq_work_run" },
};

static const char *const ways[] = { "plain", "bulk", "other_cpu", "rcu", "kfree_rcu" };

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static unsigned int cycles, loads;
/* Whether the fixture can take this kind in that context. */
static bool possible[NR(cases)][NR(contexts)];

static unsigned int number(const char *name, unsigned int usual)
{
	const char *text = getenv(name);

	return text ? (unsigned int)atoi(text) : usual;
}

static struct track_want want_of(const struct leak_case *c, unsigned int context)
{
	return (struct track_want){
		.function = c->function,
		.module = FIXTURE,
		.frame = contexts[context].frame,
		.kind = c->tracked,
		.cache = c->cache,
		.order = c->order,
		/* Stacks of interrupts may go on with what was interrupted, in v5.10. */
		.but = context ? TRACK_KEPT : TRACK_KEPT ",tasklet_action,irq_work_run",
	};
}

static bool exactly(const char *what, uint64_t value, uint64_t expected)
{
	if (value == expected)
		return true;
	ktap_note("%s: %" PRIu64 ", expected %" PRIu64, what, value, expected);
	return false;
}

/* Nothing was lost on the way, or the rest says nothing. */
static bool all_seen(const struct snap *snap)
{
	return exactly("dropped_objects", track_status(snap, "dropped_objects"), 0) &
	       exactly("dropped_stacks", track_status(snap, "dropped_stacks"), 0) &
	       exactly("dropped_busy", track_status(snap, "dropped_busy"), 0);
}

/* Its allocator is not seen here, and the tracker says so. */
static bool told_unseen(const struct snap *snap, const struct track_sum *sum)
{
	const char *probes = track_status_string(snap, "probes");

	return !sum->allocated && probes && strstr(probes, "bulk");
}

/* What is held in vmalloc space: one area each, and pages if they are seen. */
static bool area_named(const struct snap *snap, struct track_want want, unsigned int leaked)
{
	struct track_sum slab, pages;

	want.kind = "slab";
	slab = track_add_up(snap, &want);
	want.kind = "pages";
	pages = track_add_up(snap, &want);
	if (!leaked)
		return exactly("objects", slab.count + pages.count, 0);
	if (!slab.count || slab.count % leaked) {
		ktap_note("%" PRIu64 " slab objects and %" PRIu64 " pages of %u areas", slab.count,
			  pages.count, leaked);
		return false;
	}
	return exactly("unsure", slab.unsure, 0);
}

/* The records of a case tell of so many objects. */
static bool named(const struct snap *snap, const struct leak_case *c, unsigned int context,
		  unsigned int leaked)
{
	struct track_want want = want_of(c, context);
	struct track_sum sum = track_add_up(snap, &want);
	bool ok;

	if (c->area)
		return area_named(snap, want, leaked);
	if (c->unseen && leaked && told_unseen(snap, &sum)) {
		ktap_note("not seen by this kernel's events, as track_status says");
		return true;
	}
	ok = exactly("objects", sum.count - sum.unsure, leaked * c->per);
	if (c->asked)
		ok &= exactly("bytes asked for", sum.asked, sum.count * c->asked);
	if (c->bytes)
		ok &= exactly("bytes", sum.bytes, sum.count * c->bytes);
	if (sum.bytes < sum.asked) {
		ktap_note("bytes: %" PRIu64 ", less than asked for", sum.bytes);
		ok = false;
	}
	if (sum.unsure)
		ktap_note("%" PRIu64 " objects more are unsure", sum.unsure);
	if (!c->unseen && !sum.allocated) {
		ktap_note("no allocation was seen at all");
		ok = false;
	}
	return ok;
}

/* Nothing else of the fixture's is outstanding. */
static bool silent(const struct snap *snap)
{
	const struct track_want want = { .module = FIXTURE, .order = -1, .but = TRACK_KEPT };
	struct track_sum sum = track_add_up(snap, &want);

	if (sum.count == sum.unsure)
		return true;
	track_print(snap, &want);
	return false;
}

/* Of what is large there are few, and it is not asked for in interrupts, which cannot wait. */
static bool is_large(const struct leak_case *c)
{
	return c->area || c->order > 5;
}

static unsigned int leaks_of(const struct leak_case *c)
{
	return is_large(c) ? 2 : LEAKED;
}

/* Take and free by each way; returns how many there are for this kind. */
static unsigned int cycle(const struct leak_case *c, unsigned int context)
{
	unsigned int w, n = 0;

	for (w = 0; w < NR(ways); w++) {
		if (fixture_try("hold %s count=%d context=%s way=%s", c->request,
				is_large(c) ? 2 : CYCLED, contexts[context].name, ways[w]))
			continue;
		fixture("free %s", c->kind);
		n++;
	}
	return n;
}

/* Each case that there is, in each context. */
#define for_each_case(i, c) \
	for (i = 0; i < NR(cases); i++) \
		for (c = 0; c < NR(contexts); c++) \
			if (possible[i][c])

/* First use takes what then stays, and says what there is. */
static void try_all(void)
{
	unsigned int i, c;
	int error;

	for (i = 0; i < NR(cases); i++)
		for (c = 0; c < (is_large(&cases[i]) ? 1 : NR(contexts)); c++) {
			error = fixture_try("hold %s count=%d context=%s", cases[i].request,
					    leaks_of(&cases[i]), contexts[c].name);
			possible[i][c] = !error;
			if (error == -EOPNOTSUPP && !c)
				ktap_skip("this kernel cannot take memory so", "leak_kinds: %s",
					  cases[i].name);
			else if (error == -ENOMEM)
				ktap_skip("there is no such block", "leak_kinds: %s, %s",
					  cases[i].name, contexts[c].name);
			if (error)
				continue;
			fixture("free %s", cases[i].kind);
			cycle(&cases[i], c);
		}
}

static void judge(const struct snap *snap, unsigned int i, unsigned int c, bool leaked)
{
	struct track_want want = want_of(&cases[i], c);
	unsigned int n = leaked ? leaks_of(&cases[i]) : 0;

	if (!ktap_ok(named(snap, &cases[i], c, n), "leak_kinds: %s, %s: %u objects outstanding",
		     cases[i].name, contexts[c].name, n))
		track_print(snap, &want);
}

static void run_kinds(void)
{
	unsigned int i, c, n, times = 0;
	struct snap snap;

	try_all();
	track_start(FIXTURE);
	for (n = 0; n < cycles; n++)
		for_each_case(i, c)
			times += cycle(&cases[i], c);
	track_settle();
	track_take(&snap);
	for_each_case(i, c)
		judge(&snap, i, c, false);
	ktap_ok(all_seen(&snap) & silent(&snap),
		"leak_kinds: %u times taken and freed: nothing is outstanding", times);
	snap_drop(&snap);

	for_each_case(i, c) {
		/* Which frees all that is held of the kind: before. */
		cycle(&cases[i], c);
	}
	/*
	 * Held, which nobody can tell from leaked until it is freed: a cache whose objects
	 * stay behind would keep the fixture from being loaded again by other tests.
	 */
	for_each_case(i, c) {
		fixture("hold %s count=%u context=%s", cases[i].request, leaks_of(&cases[i]),
			contexts[c].name);
	}
	track_settle();
	track_take(&snap);
	for_each_case(i, c)
		judge(&snap, i, c, true);
	ktap_ok(all_seen(&snap), "leak_kinds: nothing was dropped");
	snap_drop(&snap);

	/* The way back, so that the above says something. */
	fixture("free all");
	track_settle();
	track_take(&snap);
	ktap_ok(all_seen(&snap) & silent(&snap), "leak_kinds: all freed: nothing is outstanding");
	snap_drop(&snap);
	track_stop(true);
}

/* --- loaded and unloaded ------------------------------------------------------ */

static void load_fixture(const char *parameters)
{
	int error = mod_load(FIXTURE_KO, parameters);

	if (error)
		ktap_bail(FIXTURE_KO ": %s", strerror(-error));
}

static void unload_fixture(void)
{
	int error = mod_unload(FIXTURE);

	if (error)
		ktap_bail("rmmod " FIXTURE ": %s", strerror(-error));
}

/* What leaks and what does not is of different kinds. */
#define LOAD_COMMANDS                                                                         \
	"command=leak,kmalloc,size=1000,count=3;hold,kmemdup,size=900,count=5;"               \
	"hold,pages,order=2,count=3;hold,percpu,size=200,count=2;hold,vmalloc,size=9000"

static void run_loads(void)
{
	struct track_want want = {
		.function = "alloc_kmalloc", .module = FIXTURE, .kind = "slab", .order = -1,
	};
	struct track_sum sum, all;
	struct snap snap;
	unsigned int i;

	load_fixture(LOAD_COMMANDS);
	unload_fixture();
	track_start(FIXTURE);
	for (i = 0; i < loads; i++) {
		load_fixture(LOAD_COMMANDS);
		unload_fixture();
	}
	track_settle();
	track_take(&snap);
	sum = track_add_up(&snap, &want);
	if (!ktap_ok(all_seen(&snap) & exactly("objects", sum.count - sum.unsure, 3 * loads) &
			     exactly("bytes asked for", sum.asked, 3 * loads * 1000ull),
		     "leak_kinds: loaded %u times: %u objects of 1000 bytes leak", loads,
		     3 * loads))
		track_print(&snap, &want);
	want = (struct track_want){ .module = FIXTURE, .order = -1, .but = TRACK_KEPT };
	all = track_add_up(&snap, &want);
	if (!ktap_ok(exactly("objects", all.count - all.unsure, sum.count - sum.unsure),
		     "leak_kinds: loaded %u times: nothing else", loads))
		track_print(&snap, &want);
	snap_drop(&snap);
	track_stop(true);
}

int main(void)
{
	const char *reason;
	cpu_set_t one;

	ktap_start();
	cycles = number("LEAK_CYCLES", 5);
	loads = number("LEAK_LOADS", 10);
	reason = track_unavailable();
	if (reason) {
		ktap_skip(reason, "leak_kinds");
		return ktap_end();
	}
	/* What is freed on the other CPU was not taken there. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	mod_unload(FIXTURE);
	track_stop(true);

	run_loads();
	load_fixture("");
	run_kinds();
	unload_fixture();
	return ktap_end();
}
