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
 * pages    free pages, with those on the CPUs' lists, within NOISE_PAGES
 * percpu   The kernel counts populated pages, of which it keeps some in reserve,
 *          and it frees chunks in the background, all but one, which may be half
 *          of what is held here. So: it grows by half to all of what was held,
 *          and falls by as much.
 *
 * Last, everything leaks and the fixture goes away: what it left behind must
 * still be there, without a name of the code that is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"

#define FIXTURE		"memdiag_fixture"
#define FIXTURE_KO	"/lib/memdiag/memdiag_fixture.ko"
#define MEMDIAG_KO	"/lib/memdiag/memdiag.ko"
#define COMMAND		"/proc/memdiag_fixture/command"
#define SLAB_DIR	"/sys/kernel/slab/"

/* Objects of a kmalloc cache that others may take or give back meanwhile. */
#define NOISE_OBJECTS	150
/* Pages, the same: 1.5 MiB. */
#define NOISE_PAGES	384
/* Pages of each kind "pages" case: 16 MiB. */
#define HELD_PAGES	4096
/* Goes, until one is right. */
#define ATTEMPTS	3
/* Per copy: what the percpu allocator may have populated ahead. */
#define PERCPU_RESERVE	32
/* Pages of a block of small vm_map_ram() mappings: VMAP_BBMAP_BITS. */
#define VMAP_BLOCK	1024

static long page;

/* --- the fixture -------------------------------------------------------- */

static int module_load(const char *path, const char *parameters)
{
	int error, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	error = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return error;
}

static int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* A command that must work. */
static void fixture(const char *command)
{
	int error = file_write(COMMAND, command);

	if (error)
		ktap_bail("fixture: '%s': %s", command, strerror(-error));
}

/* --- what is looked at in a snapshot ------------------------------------ */

/**
 * struct look - what a case looks at
 * @slab: a cache; caches of the same size that kmalloc() spreads over are added
 * @kind: kind of vmalloc areas
 * @owned: only those that the fixture asked for. By which function is the
 *	compiler's to choose: one that ends with vmalloc() is left before it
 */
struct look {
	const char *slab;
	const char *kind;
	bool owned;
};

/* Numbers out of one snapshot, which is dropped at once: it takes memory too. */
struct seen {
	int64_t slab_active;
	int64_t slab_error;
	int64_t slab_num;
	int64_t slab_records;
	bool slab_by_pages;
	int64_t slab_arrays;
	int64_t areas;
	int64_t area_bytes;
	int64_t area_pages;
	int64_t sum_areas;
	int64_t sum_bytes;
	int64_t sum_pages;
	int64_t module_areas;
	int64_t module_bytes;
	int64_t zone_free;
	int64_t pcp;
	int64_t vmstat_free;
	int64_t buddy_free;
	int64_t percpu;
	int64_t fragmentation_free;
};

/* Whether the kernel has a cache of this name, in any of its lists; false: or no list. */
static bool cache_exists(const char *name)
{
	char *text = file_read("/proc/slabinfo"), line[80];
	bool exists;

	snprintf(line, sizeof(line), "\n%s ", name);
	exists = text && strstr(text, line);
	free(text);
	snprintf(line, sizeof(line), SLAB_DIR "%s", name);
	return exists || !access(line, F_OK);
}

/* The cache that kmalloc() takes @wanted bytes from: not every kernel has each size. */
static const char *kmalloc_cache(unsigned int wanted, const char *usual)
{
	static const struct {
		unsigned int size;
		const char *name;
	} caches[] = {
		{ 8, "kmalloc-8" },	{ 16, "kmalloc-16" },	{ 32, "kmalloc-32" },
		{ 64, "kmalloc-64" },	{ 96, "kmalloc-96" },	{ 128, "kmalloc-128" },
		{ 192, "kmalloc-192" }, { 256, "kmalloc-256" }, { 512, "kmalloc-512" },
		{ 4096, "kmalloc-4k" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		if (caches[i].size >= wanted && cache_exists(caches[i].name))
			return caches[i].name;
	return usual;
}

/*
 * With CONFIG_SLAB free objects stand in arrays, per CPU and shared, and count as
 * active: how many there may be, by the tunables of the cache. Other kernels print 0.
 */
static int64_t slab_arrays(const char *cache)
{
	long long limit, batch, shared, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char *text = file_read("/proc/slabinfo"), line[80], *at;
	int64_t arrays = 0;

	snprintf(line, sizeof(line), "\n%s ", cache);
	at = text ? strstr(text, line) : NULL;
	at = at ? strstr(at, ": tunables") : NULL;
	if (at && sscanf(at, ": tunables %lld %lld %lld", &limit, &batch, &shared) == 3)
		arrays = cpus * limit + shared * batch;
	free(text);
	return arrays;
}

static bool slab_matches(const char *name, const char *wanted)
{
	const char *dash;

	if (!strcmp(name, wanted))
		return true;
	/* kmalloc-rnd-07-64 is one of several for kmalloc-64 */
	if (strncmp(wanted, "kmalloc-", 8) || strncmp(name, "kmalloc-rnd-", 12))
		return false;
	dash = strrchr(name, '-');
	return dash && !strcmp(dash + 1, wanted + 8);
}

static void see_slab(const struct snap *snap, const char *cache, struct seen *seen)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_SLAB);
	uint64_t n, error;

	seen->slab_by_pages = s->source == MEMDIAG_SRC_PAGES;
	seen->slab_arrays = slab_arrays(cache);
	for (n = 0; n < s->nr_records; n++) {
		if (!slab_matches(snap_get_string(snap, s, n, "name"), cache))
			continue;
		seen->slab_records++;
		seen->slab_active += snap_get(snap, s, n, "active_objs");
		seen->slab_num += snap_get(snap, s, n, "num_objs");
		error = snap_get(snap, s, n, "active_objs_error");
		seen->slab_error += error == MEMDIAG_ABSENT ? 0 : error;
	}
}

static bool area_matches(const struct snap *snap, const struct memdiag_section *s, uint64_t n,
			 const struct look *look)
{
	const char *caller = snap_get_string(snap, s, n, "caller");
	const char *kind = snap_get_string(snap, s, n, "kind");
	const char *module = snap_get_string(snap, s, n, "module");

	if (!kind || strcmp(kind, look->kind))
		return false;
	if (!look->owned)
		return true;
	return caller && strstr(caller, "+0x") && strstr(caller, " [" FIXTURE "]") && module &&
	       !strcmp(module, FIXTURE);
}

static void see_vmalloc(const struct snap *snap, const struct look *look, struct seen *seen)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_VMALLOC);
	const char *module;
	uint64_t n, pages;

	for (n = 0; n < s->nr_records; n++) {
		if (!area_matches(snap, s, n, look))
			continue;
		seen->areas++;
		seen->area_bytes += snap_get(snap, s, n, "size");
		pages = snap_get(snap, s, n, "nr_pages");
		seen->area_pages += pages == MEMDIAG_ABSENT ? 0 : pages;
	}
	s = snap_section(snap, MEMDIAG_SEC_VMALLOC_CALLER);
	for (n = 0; n < s->nr_records; n++) {
		if (!area_matches(snap, s, n, look))
			continue;
		seen->sum_areas += snap_get(snap, s, n, "areas");
		seen->sum_bytes += snap_get(snap, s, n, "size");
		seen->sum_pages += snap_get(snap, s, n, "nr_pages");
	}
	s = snap_section(snap, MEMDIAG_SEC_VMALLOC_MODULE);
	for (n = 0; n < s->nr_records; n++) {
		module = snap_get_string(snap, s, n, "module");
		if (!module || strcmp(module, FIXTURE))
			continue;
		seen->module_areas += snap_get(snap, s, n, "areas");
		seen->module_bytes += snap_get(snap, s, n, "size");
	}
}

/* Pages in the free blocks of section fragmentation: another walk than buddy's. */
static int64_t see_fragmentation(const struct snap *snap)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_FRAGMENTATION);
	int64_t pages = 0;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		pages += snap_get(snap, s, n, "nr_free") << snap_get(snap, s, n, "order");
	return pages;
}

static void see_pages(const struct snap *snap, struct seen *seen)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_ZONE);
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		seen->zone_free += snap_get(snap, s, n, "free");
	s = snap_section(snap, MEMDIAG_SEC_PCP);
	for (n = 0; n < s->nr_records; n++)
		seen->pcp += snap_get(snap, s, n, "count");
	s = snap_section(snap, MEMDIAG_SEC_BUDDY);
	for (n = 0; n < s->nr_records; n++)
		seen->buddy_free += snap_get(snap, s, n, "pages");
	s = snap_section(snap, MEMDIAG_SEC_VMSTAT);
	for (n = 0; n < s->nr_records; n++)
		if (!strcmp(snap_get_string(snap, s, n, "name"), "nr_free_pages"))
			seen->vmstat_free = snap_get(snap, s, n, "value");
	seen->fragmentation_free = see_fragmentation(snap);
}

static void shrink(const char *cache)
{
	char path[200];

	snprintf(path, sizeof(path), SLAB_DIR "%s/shrink", cache);
	file_write(path, "1");
}

/* All sections are always taken: what is not looked at must do no harm. */
static struct seen look_at(const struct look *look)
{
	struct seen seen = {};
	struct snap snap;

	if (look->slab)
		shrink(look->slab);
	snap_take(&snap, 0);
	if (look->slab)
		see_slab(&snap, look->slab, &seen);
	if (look->kind)
		see_vmalloc(&snap, look, &seen);
	see_pages(&snap, &seen);
	seen.percpu = snap_get(&snap, snap_section(&snap, MEMDIAG_SEC_SYSTEM), 0, "percpu");
	snap_drop(&snap);
	return seen;
}

/* --- judging ------------------------------------------------------------ */

static bool within(const char *what, int64_t value, int64_t low, int64_t high)
{
	if (value >= low && value <= high)
		return true;
	ktap_note("%s: %" PRId64 ", expected %" PRId64 " to %" PRId64, what, value, low, high);
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

/* Has what is looked at grown as it should? Told only if @aloud. */
static bool grown(const struct known *k, const struct seen *a, const struct seen *b, bool held,
		  bool aloud)
{
	int out = -1, none;
	bool ok;

	if (!aloud) {
		fflush(stdout);
		out = dup(1);
		none = open("/dev/null", O_WRONLY);
		dup2(none, 1);
		close(none);
	}
	ok = k->grown(k, a, b, held);
	if (!aloud) {
		fflush(stdout);
		dup2(out, 1);
		close(out);
	}
	return ok;
}

/* Some memory is given back in the background: try for a while. */
static bool back(const struct known *k, const struct seen *a, bool aloud)
{
	struct seen c;
	int tries;

	for (tries = 0; tries < 20; tries++) {
		c = look_at(&k->look);
		if (grown(k, a, &c, false, aloud && tries == 19))
			return true;
		usleep(100000);
	}
	return false;
}

/*
 * Chunks of the percpu allocator are freed one after the other by a work, which a busy
 * machine runs late: a look before it is done is nothing to compare with. Done is when
 * less than half of what was held is left, and it does not get less.
 */
static void drain_percpu(const struct known *k, const struct seen *first)
{
	int64_t more = k->count * k->bytes / page * sysconf(_SC_NPROCESSORS_CONF);
	int64_t last = INT64_MAX, now;
	int tries;

	for (tries = 0; tries < 40; tries++) {
		now = look_at(&k->look).percpu;
		if (now >= last && now < first->percpu + more / 2)
			return;
		last = now;
		usleep(50000);
	}
}

static void known_run(const struct known *k)
{
	bool percpu = !strcmp(k->kind, "percpu"), held = false, freed = false, twin = false;
	char hold[200], give[60];
	struct seen first, a, b;
	int attempt;

	snprintf(hold, sizeof(hold), "hold %s", k->command);
	snprintf(give, sizeof(give), "free %s", k->kind);

	/* Once for nothing: first use populates what then stays. */
	first = look_at(&k->look);
	fixture(hold);
	fixture(give);
	look_at(&k->look);

	/*
	 * Seen once, under KASAN: 6103 pages became free meanwhile, it is not known whose. A
	 * fault that is there each time is seen; one that comes and goes would not be.
	 */
	for (attempt = 1; attempt <= ATTEMPTS && !(held && freed); attempt++) {
		if (percpu)
			drain_percpu(k, &first);
		a = look_at(&k->look);
		fixture(hold);
		b = look_at(&k->look);
		held = grown(k, &a, &b, true, attempt == ATTEMPTS);
		fixture(give);
		freed = back(k, &a, attempt == ATTEMPTS);
	}
	ktap_ok(held, "known: %s: held", k->name);
	ktap_ok(freed, "known: %s: freed again", k->name);

	for (attempt = 1; attempt <= ATTEMPTS && !twin; attempt++) {
		if (percpu)
			drain_percpu(k, &first);
		a = look_at(&k->look);
		fixture(hold);
		fixture(give);
		twin = back(k, &a, attempt == ATTEMPTS);
	}
	ktap_ok(twin, "known: %s: twin, held and freed in between", k->name);
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
	struct known k = { .kind = "pages", .grown = grown_pages };
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

	a = look_at(&look);
	snprintf(command, sizeof(command), "leak cache count=%d", LEFT_OBJECTS);
	fixture(command);
	snprintf(command, sizeof(command), "leak vmalloc size=%d count=%d", LEFT_BYTES, LEFT_AREAS);
	fixture(command);
	fixture("leak kmalloc size=1000 count=300");
	fixture("leak pages order=2 count=10");
	b = look_at(&look);
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
	error = module_unload(FIXTURE);
	if (error)
		ktap_bail("rmmod " FIXTURE ": %s", strerror(-error));
	b = look_at(&look);
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
	error = module_unload("memdiag") ?: module_load(MEMDIAG_KO, "");
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

	module_unload(FIXTURE);
	error = module_load(FIXTURE_KO, "");
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
