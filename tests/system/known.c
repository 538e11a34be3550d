// SPDX-License-Identifier: GPL-2.0-only
/*
 * known - memory of a known amount is held, and memdiag has to say so
 *
 * The fixture module holds so many objects of each kind, from each context that
 * may allocate them. Before, meanwhile and after, a snapshot is taken: what was
 * held must show, by its amount and under its name, and be gone afterwards. Each
 * case has a twin where the same is held and freed between two snapshots, in
 * which nothing may show.
 *
 * slabs    Before each snapshot the caches concerned are shrunk, which empties
 *          the CPUs' own slabs (and KASAN's quarantine). After that there is no
 *          inexactness left: objects of the fixture's cache are counted one by
 *          one. The kmalloc caches have other users, and these a bound.
 * vmalloc  exact, in areas, bytes and pages: nobody else is the fixture
 * pages    free pages, with those on the CPUs' lists, within NOISE_PAGES; looked at
 *          while these lists hold still
 * percpu   The kernel counts populated pages, of which it keeps some in reserve,
 *          and it frees chunks in the background, all but one, which may be half
 *          of what is held here. So: it grows by half to all of what was held,
 *          and falls by as much.
 *
 * Last, everything leaks and the fixture goes away: what it left behind must
 * still be there, without a name of the code that is gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "known.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"

/* Objects of a kmalloc cache that others may take or give back meanwhile. */
#define NOISE_OBJECTS	150
/* Pages, the same: 1.5 MiB. */
#define NOISE_PAGES	384
/* Pages of each kind "pages" case: 16 MiB. */
#define HELD_PAGES	4096
/* Per copy: what the percpu allocator may have populated ahead. */
#define PERCPU_RESERVE	32
/* Pages of a block of small vm_map_ram() mappings: VMAP_BBMAP_BITS. */
#define VMAP_BLOCK	1024

static long page;

/* --- judging ------------------------------------------------------------ */

/* Whether it is told what is wrong. */
static bool aloud = true;

static bool within(const char *what, int64_t value, int64_t low, int64_t high)
{
	if (value >= low && value <= high)
		return true;
	if (aloud)
		ktap_note("%s: %" PRId64 ", expected %" PRId64 " to %" PRId64, what, value, low,
			  high);
	return false;
}

static bool exactly(const char *what, int64_t value, int64_t expected)
{
	return within(what, value, expected, expected);
}

/**
 * struct known - a case
 * @name: of the results
 * @command: what is held, without the verb
 * @kind: the same for the command "free"
 * @look: at what
 * @grown: whether from @a to @b it grew by what was held, or by nothing if not @held
 * @count: objects held
 * @bytes: what each takes: of address space, of memory
 */
struct known {
	const char *name;
	const char *command;
	const char *kind;
	struct look look;
	bool (*grown)(const struct known *known, const struct seen *a, const struct seen *b,
		      bool held);
	int64_t count;
	int64_t bytes;
};

static bool grown_cache(const struct known *k, const struct seen *a, const struct seen *b,
			bool held)
{
	int64_t more = held ? k->count : 0;

	/*
	 * It has a constructor, so it is merged with no other: one record. Who finds
	 * caches by their pages does not find one that has none.
	 */
	return (b->slab_by_pages && !held && !b->slab_num ? b->slab_records == 0 :
		exactly("records of the cache", b->slab_records, 1)) &
	       within("active_objs, more", b->slab_active - a->slab_active,
		      more - a->slab_arrays, more + b->slab_arrays) &
	       exactly("active_objs_error", b->slab_error, 0) &
	       within("num_objs", b->slab_num, b->slab_active,
		      b->slab_active + 64 + b->slab_arrays);
}

static bool grown_kmalloc(const struct known *k, const struct seen *a, const struct seen *b,
			  bool held)
{
	int64_t more = held ? k->count : 0;

	/* What stands in active_objs_error may be free already, at either time. */
	return within("records of the cache", b->slab_records, 1, 64) &
	       within("active_objs, more", b->slab_active - a->slab_active,
		      more - NOISE_OBJECTS - a->slab_error - a->slab_arrays,
		      more + NOISE_OBJECTS + b->slab_error + b->slab_arrays);
}

static bool grown_areas(const struct known *k, const struct seen *a, const struct seen *b,
			bool held)
{
	int64_t count = held ? k->count : 0, guard = k->look.owned ? page : 0;
	int64_t bytes = count * (k->bytes + guard), pages = count * k->bytes / page;
	bool ok;

	ok = exactly("areas, more", b->areas - a->areas, count) &
	     exactly("their bytes, more", b->area_bytes - a->area_bytes, bytes) &
	     exactly("areas of the caller, more", b->sum_areas - a->sum_areas, count) &
	     exactly("bytes of the caller, more", b->sum_bytes - a->sum_bytes, bytes);
	/* A vm_map_ram() area has neither an owner nor pages that it knows of. */
	if (!k->look.owned)
		return ok;
	return ok & exactly("their pages, more", b->area_pages - a->area_pages, pages) &
	       exactly("pages of the caller, more", b->sum_pages - a->sum_pages, pages) &
	       exactly("areas of the module, more", b->module_areas - a->module_areas, count) &
	       exactly("bytes of the module, more", b->module_bytes - a->module_bytes, bytes);
}

/* Small vm_map_ram() mappings share blocks, one being filled per CPU. */
static bool grown_blocks(const struct known *k, const struct seen *a, const struct seen *b,
			 bool held)
{
	int64_t bytes = k->count * k->bytes, block = VMAP_BLOCK * page;
	int64_t more = b->area_bytes - a->area_bytes;

	if (!held)
		return within("bytes of blocks, more", more, -2 * block, 2 * block);
	return within("bytes of blocks, more", more, bytes - block, bytes + 2 * block) &
	       exactly("bytes beyond whole blocks", more % block, 0) &
	       exactly("bytes, more, added up", b->sum_bytes - a->sum_bytes, more);
}

static bool grown_pages(const struct known *k, const struct seen *a, const struct seen *b,
			bool held)
{
	int64_t more = held ? k->count * k->bytes / page : 0;

	return within("zone: free and per-cpu, less", a->zone_free + a->pcp - b->zone_free - b->pcp,
		      more - NOISE_PAGES, more + NOISE_PAGES) &
	       /* What the CPUs' lists took or gave is not free either. */
	       within("vmstat: nr_free_pages, less",
		      a->vmstat_free - b->vmstat_free + a->pcp - b->pcp, more - NOISE_PAGES,
		      more + NOISE_PAGES) &
	       within("buddy: pages, less", a->buddy_free - b->buddy_free + a->pcp - b->pcp,
		      more - NOISE_PAGES, more + NOISE_PAGES) &
	       within("buddy against zone", b->buddy_free - b->zone_free, -NOISE_PAGES,
		      NOISE_PAGES) &
	       within("fragmentation against buddy", b->fragmentation_free - b->buddy_free,
		      -NOISE_PAGES, NOISE_PAGES);
}

static bool grown_percpu(const struct known *k, const struct seen *a, const struct seen *b,
			 bool held)
{
	int64_t copies = sysconf(_SC_NPROCESSORS_CONF), reserve = PERCPU_RESERVE * copies;
	int64_t more = k->count * k->bytes / page * copies;

	if (held)
		return within("percpu pages, more", b->percpu - a->percpu, more / 2,
			      more + reserve);
	return within("percpu pages, more", b->percpu - a->percpu, -more / 2, more / 2 - 1);
}

/* Has what is looked at grown as it should? If not it is told, and who else moved. */
static bool grown(const struct known *k, const struct seen *a, const struct seen *b, bool held)
{
	if (k->grown(k, a, b, held))
		return true;
	note_users(a, b);
	return false;
}

/* Some memory is given back in the background: try for a while. */
static bool back(const struct known *k, const struct seen *a)
{
	struct seen c;
	int tries;

	for (tries = 0; tries < 20; tries++) {
		look_at(&k->look, &c);
		aloud = false;
		if (k->grown(k, a, &c, false))
			break;
		usleep(100000);
	}
	aloud = true;
	return grown(k, a, &c, false);
}

/*
 * A work frees the chunks of the percpu allocator one after the other (pcpu_balance_free()),
 * and a busy machine runs it late: of 7680 pages one look has seen 2048 back, the next all.
 * A look before it is done is nothing to compare with. Done is when less than half of what
 * was held is left, and it does not get less.
 */
static void drain_percpu(const struct known *k, const struct seen *first)
{
	int64_t more = k->count * k->bytes / page * sysconf(_SC_NPROCESSORS_CONF);
	int64_t last = INT64_MAX;
	struct seen now;
	int tries;

	for (tries = 0; tries < 40; tries++) {
		look_at(&k->look, &now);
		if (now.percpu >= last && now.percpu < first->percpu + more / 2)
			return;
		last = now.percpu;
		usleep(50000);
	}
}

static void known_run(const struct known *k)
{
	bool percpu = !strcmp(k->kind, "percpu");
	char hold[200], give[60];
	struct seen first, a, b;

	snprintf(hold, sizeof(hold), "hold %s", k->command);
	snprintf(give, sizeof(give), "free %s", k->kind);

	/* Once for nothing: first use populates what then stays. */
	look_at(&k->look, &first);
	fixture("%s", hold);
	fixture("%s", give);
	look_at(&k->look, &a);

	if (percpu)
		drain_percpu(k, &first);
	look_at(&k->look, &a);
	fixture("%s", hold);
	look_at(&k->look, &b);
	ktap_ok(grown(k, &a, &b, true), "known: %s: held", k->name);
	fixture("%s", give);
	ktap_ok(back(k, &a), "known: %s: freed again", k->name);

	if (percpu)
		drain_percpu(k, &first);
	look_at(&k->look, &a);
	fixture("%s", hold);
	fixture("%s", give);
	ktap_ok(back(k, &a), "known: %s: twin, held and freed in between", k->name);
}

/* --- the cases ---------------------------------------------------------- */

static const char *const contexts[] = { "process", "softirq", "hardirq" };

#define NR_CONTEXTS (sizeof(contexts) / sizeof(contexts[0]))

static void known_slabs(void)
{
	static const struct {
		unsigned int size;
		unsigned int count;
		const char *cache;
	} sizes[] = {
		{ 8, 5000, "kmalloc-8" },   { 90, 3000, "kmalloc-96" },
		{ 192, 2000, "kmalloc-192" }, { 500, 1000, "kmalloc-512" },
		{ 4096, 500, "kmalloc-4k" },
	};
	struct known k = {};
	char command[120], name[80];
	unsigned int c, i;

	k.command = command;
	k.name = name;
	for (c = 0; c < NR_CONTEXTS; c++) {
		k.kind = "cache";
		k.look.slab = FIXTURE;
		k.grown = grown_cache;
		k.count = 1003;
		snprintf(command, sizeof(command), "cache count=1003 context=%s", contexts[c]);
		snprintf(name, sizeof(name), "1003 of its own cache, %s", contexts[c]);
		known_run(&k);
		k.kind = "kmalloc";
		k.grown = grown_kmalloc;
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			/* all sizes from one context, one from the others */
			if (c && sizes[i].size != 192)
				continue;
			k.look.slab = kmalloc_cache(sizes[i].size, sizes[i].cache);
			k.count = sizes[i].count;
			snprintf(command, sizeof(command), "kmalloc size=%u count=%u context=%s",
				 sizes[i].size, sizes[i].count, contexts[c]);
			snprintf(name, sizeof(name), "kmalloc of %u, %s", sizes[i].size,
				 contexts[c]);
			known_run(&k);
		}
	}
}

/* Whether the kernel can tell the name of who called vmalloc(). */
static bool has_names(void)
{
	return !access("/proc/kallsyms", F_OK);
}

static void known_areas(void)
{
	const struct known cases[] = {
		{ "vmalloc of a page", "vmalloc size=4096 count=200", "vmalloc",
		  { NULL, "vmalloc", true }, grown_areas, 200, page },
		{ "vmalloc of 1 MiB", "vmalloc size=1048576 count=7", "vmalloc",
		  { NULL, "vmalloc", true }, grown_areas, 7, 1 << 20 },
		{ "vmap of 64 KiB", "vmap size=65536 count=20", "vmap",
		  { NULL, "vmap", true }, grown_areas, 20, 1 << 16 },
		{ "vm_map_ram of 512 KiB", "vm_map_ram size=524288 count=9", "vm_map_ram",
		  { NULL, "vm_map_ram", false }, grown_areas, 9, 1 << 19 },
		{ "vm_map_ram of 64 KiB", "vm_map_ram size=65536 count=200", "vm_map_ram",
		  { NULL, "vm_map_ram", false }, grown_blocks, 200, 1 << 16 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].look.owned && !has_names())
			ktap_skip("CONFIG_KALLSYMS is not set, so owners have no names",
				  "known: %s", cases[i].name);
		else
			known_run(&cases[i]);
	}
}

static void known_pages(void)
{
	struct known k = { .kind = "pages", .look.pages = true, .grown = grown_pages };
	char command[120], name[80];
	unsigned int order, c;

	k.command = command;
	k.name = name;
	for (order = 0; order <= 9; order++)
		for (c = 0; c < NR_CONTEXTS; c++) {
			/* all contexts for two of the orders */
			if (c && order != 0 && order != 3)
				continue;
			k.count = HELD_PAGES >> order;
			k.bytes = page << order;
			snprintf(command, sizeof(command), "pages order=%u count=%u context=%s",
				 order, HELD_PAGES >> order, contexts[c]);
			snprintf(name, sizeof(name), "pages of order %u, %s", order, contexts[c]);
			known_run(&k);
		}
}

static void known_percpu(void)
{
	/* So much that what others left populated and free is less than half of it. */
	const struct known k = { "percpu of a page", "percpu size=4096 count=4096", "percpu",
				 {}, grown_percpu, 4096, page };

	known_run(&k);
}

/* --- what is left behind ------------------------------------------------ */

#define LEFT_OBJECTS	777
#define LEFT_AREAS	11
#define LEFT_BYTES	(96 << 10)

/**
 * struct left - areas of the size that was leaked
 * @areas: their number
 * @named: after the module that is loaded
 * @gone: after the module that was unloaded
 * @raw: by a raw address
 * @by_text: what has no name cannot be told from anything else
 */
struct left {
	unsigned int areas;
	unsigned int named;
	unsigned int gone;
	unsigned int raw;
	bool by_text;
};

static struct left count_left(const struct snap *snap)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_VMALLOC);
	struct left left = { .by_text = s->source == MEMDIAG_SRC_TEXT };
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		const char *caller = snap_get_string(snap, s, n, "caller");
		const char *module = snap_get_string(snap, s, n, "module");
		const char *kind = snap_get_string(snap, s, n, "kind");

		if (!kind || strcmp(kind, "vmalloc") ||
		    snap_get(snap, s, n, "size") != (uint64_t)(LEFT_BYTES + page) ||
		    snap_get(snap, s, n, "nr_pages") != (uint64_t)(LEFT_BYTES / page))
			continue;
		left.areas++;
		left.named += module && !strcmp(module, FIXTURE);
		left.gone += module && !strcmp(module, FIXTURE " (unloaded)") && caller &&
			     strstr(caller, "[" FIXTURE " (unloaded)]");
		left.raw += caller && !strncmp(caller, "0x", 2);
	}
	return left;
}

static void known_left(void)
{
	const struct look look = { .slab = FIXTURE };
	struct left before, left;
	unsigned int id;
	uint32_t states[MEMDIAG_NR_SECTIONS];
	struct seen a, b;
	struct snap snap;
	char command[120];
	bool same = true;
	int error;

	snap_take(&snap, 0);
	before = count_left(&snap);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		states[id] = snap_section(&snap, id)->state;
	snap_drop(&snap);

	look_at(&look, &a);
	snprintf(command, sizeof(command), "leak cache count=%d", LEFT_OBJECTS);
	fixture("%s", command);
	snprintf(command, sizeof(command), "leak vmalloc size=%d count=%d", LEFT_BYTES, LEFT_AREAS);
	fixture("%s", command);
	fixture("leak kmalloc size=1000 count=300");
	fixture("leak pages order=2 count=10");
	look_at(&look, &b);
	ktap_ok(within("active_objs, more", b.slab_active - a.slab_active,
		       LEFT_OBJECTS - a.slab_arrays, LEFT_OBJECTS + b.slab_arrays),
		"known: leaked: %d objects", LEFT_OBJECTS);
	snap_take(&snap, 0);
	left = count_left(&snap);
	snap_drop(&snap);
	ktap_ok(exactly("areas, more", left.areas - before.areas, LEFT_AREAS) &
			exactly("named after the module", left.named,
				has_names() ? LEFT_AREAS : 0),
		"known: leaked: %d areas of the module", LEFT_AREAS);

	fixture("leave");
	error = mod_unload(FIXTURE);
	if (error)
		ktap_bail("rmmod " FIXTURE ": %s", strerror(-error));
	look_at(&look, &b);
	ktap_ok(exactly("records of the cache", b.slab_records, 1) &
			within("active_objs, more", b.slab_active - a.slab_active,
			       LEFT_OBJECTS - a.slab_arrays, LEFT_OBJECTS + b.slab_arrays),
		"known: module gone: the cache and its objects are still there");
	snap_take(&snap, 0);
	left = count_left(&snap);
	ktap_ok(exactly("areas, more", left.areas - before.areas, LEFT_AREAS) &
			exactly("named after the module", left.named, 0) &
			exactly("after the one that went", left.gone,
				left.by_text ? 0 : LEFT_AREAS) &
			exactly("named by a raw address", left.raw, 0),
		"known: module gone: %d areas that it left", LEFT_AREAS);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (snap_section(&snap, id)->state != states[id]) {
			ktap_note("section %s: state %u, was %u",
				  snap_string(&snap, snap_section(&snap, id)->name),
				  snap_section(&snap, id)->state, states[id]);
			same = false;
		}
	ktap_ok(same, "known: module gone: all sections as before");
	snap_drop(&snap);

	/* The checks at load meet a cache whose constructor is gone. */
	error = mod_unload("memdiag") ?: mod_load(MEMDIAG_KO, "");
	if (error)
		ktap_bail("memdiag cannot be loaded again: %s", strerror(-error));
	snap_take(&snap, 0);
	for (id = 0, same = true; id < MEMDIAG_NR_SECTIONS; id++)
		same &= snap_section(&snap, id)->state == states[id];
	left = count_left(&snap);
	same &= exactly("named, though memdiag was not there", left.named + left.gone, 0);
	snap_drop(&snap);
	ktap_ok(same, "known: module gone: memdiag loaded again, all sections as before");
}

int main(void)
{
	struct snap snap;
	cpu_set_t one;
	int error;

	ktap_start();
	page = getpagesize();
	/* Objects that KFENCE takes come from no cache. */
	file_write("/sys/module/kfence/parameters/sample_interval", "0");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);

	mod_unload(FIXTURE);
	error = mod_load(FIXTURE_KO, "");
	if (error)
		ktap_bail(FIXTURE_KO ": %s", strerror(-error));
	snap_take(&snap, 0);
	if (!snap_has(&snap, MEMDIAG_SEC_SLAB) || !snap_has(&snap, MEMDIAG_SEC_VMALLOC))
		ktap_bail("slab or vmalloc is unavailable here");
	snap_drop(&snap);

	known_slabs();
	known_areas();
	known_pages();
	known_percpu();
	known_left();
	return ktap_end();
}
