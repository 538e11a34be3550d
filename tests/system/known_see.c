// SPDX-License-Identifier: GPL-2.0-only
/*
 * known_see - the numbers that known looks at, taken out of snapshots
 *
 * Besides those that a case judges, each look keeps how many pages each line of the
 * ledger, each slab cache and each caller of vmalloc() has. When a case fails, it is told
 * which of these moved meanwhile: memory that came or went and was not the fixture's is
 * somebody's.
 *
 * Free pages stand in several sections, which are not collected at one moment. Since v6.7
 * thousands of pages may be on a CPU's lists, and go from there to the zone at once: each
 * block of order 1 to 3 that is freed right after another takes up to 2016 of them along.
 * Under KASAN that happens inside of a snapshot, as any allocation may free a part of the
 * quarantine. Who adds up a zone read before and lists read after, misses them. So a look
 * at free pages counts only if the lists held still meanwhile, by /proc/zoneinfo.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "known.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"

#define SLAB_DIR	"/sys/kernel/slab/"
/* Pages that a user has to come or go by to be told. */
#define TOLD_PAGES	32
/* Pages that the CPUs' lists may take or give while free pages are looked at. */
#define STILL_PAGES	128
/* Looks, until they hold still. */
#define STILL_TRIES	50

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
const char *kmalloc_cache(unsigned int wanted, const char *usual)
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

static const struct user *find_user(const struct seen *seen, unsigned int section,
				    const char *name)
{
	const struct user *user;

	for (user = seen->users; user < seen->users + seen->nr_users; user++)
		if (user->section == section &&
		    !strncmp(user->name, name, sizeof(user->name) - 1))
			return user;
	return NULL;
}

/* Some have more than one record of a name: they are added up. */
static void add_user(struct seen *seen, unsigned int section, const char *name, int64_t pages)
{
	struct user *user = (struct user *)find_user(seen, section, name);

	if (!user) {
		if (seen->nr_users == MAX_USERS)
			ktap_bail("more than %d users of memory", MAX_USERS);
		user = &seen->users[seen->nr_users++];
		user->section = section;
		snprintf(user->name, sizeof(user->name), "%s", name);
	}
	user->pages += pages;
}

static void see_users(const struct snap *snap, struct seen *seen)
{
	static const struct {
		unsigned int section;
		const char *name;
		const char *amount;
		bool bytes;
	} from[] = {
		{ MEMDIAG_SEC_LEDGER, "line", "pages", false },
		{ MEMDIAG_SEC_SLAB, "name", "bytes", true },
		{ MEMDIAG_SEC_VMALLOC_CALLER, "caller", "nr_pages", false },
	};
	unsigned int i;
	uint64_t n;

	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		const struct memdiag_section *s = snap_section(snap, from[i].section);

		for (n = 0; n < s->nr_records; n++) {
			const char *name = snap_get_string(snap, s, n, from[i].name);
			uint64_t amount = snap_get(snap, s, n, from[i].amount);

			if (amount != MEMDIAG_ABSENT)
				add_user(seen, from[i].section, name ?: "(no name)",
					 from[i].bytes ? amount / getpagesize() : amount);
		}
	}
}

static void note_user(const struct user *user, int64_t more)
{
	static const char *const of[] = {
		[MEMDIAG_SEC_LEDGER] = "ledger",
		[MEMDIAG_SEC_SLAB] = "slab",
		[MEMDIAG_SEC_VMALLOC_CALLER] = "vmalloc_caller",
	};

	if (llabs(more) >= TOLD_PAGES)
		ktap_note("%s: %s: %+" PRId64 " pages", of[user->section], user->name, more);
}

void note_users(const struct seen *a, const struct seen *b)
{
	const struct user *user, *was;

	for (user = b->users; user < b->users + b->nr_users; user++) {
		was = find_user(a, user->section, user->name);
		note_user(user, user->pages - (was ? was->pages : 0));
	}
	for (user = a->users; user < a->users + a->nr_users; user++)
		if (!find_user(b, user->section, user->name))
			note_user(user, -user->pages);
}

static void look_once(const struct look *look, struct seen *seen)
{
	const struct user *percpu;
	struct snap snap;

	memset(seen, 0, sizeof(*seen));
	if (look->slab)
		shrink(look->slab);
	snap_take(&snap, 0);
	if (look->slab)
		see_slab(&snap, look->slab, seen);
	if (look->kind)
		see_vmalloc(&snap, look, seen);
	see_pages(&snap, seen);
	see_users(&snap, seen);
	/* Of the ledger: section system has what the kernel says, empty units included. */
	percpu = find_user(seen, MEMDIAG_SEC_LEDGER, "percpu");
	seen->percpu = percpu ? percpu->pages : 0;
	snap_drop(&snap);
}

/* Pages on the CPUs' lists, as the kernel itself says. */
static int64_t on_lists(void)
{
	char *text = file_read("/proc/zoneinfo"), *rest = text, *line;
	long long count;
	int64_t sum = 0;

	if (!text)
		ktap_bail("/proc/zoneinfo: %s", strerror(errno));
	while ((line = file_line(&rest)))
		if (sscanf(line, " count: %lld", &count) == 1)
			sum += count;
	free(text);
	return sum;
}

void look_at(const struct look *look, struct seen *seen)
{
	int64_t before, moved;
	int tries;

	for (tries = 0; tries < STILL_TRIES; tries++) {
		before = on_lists();
		look_once(look, seen);
		moved = on_lists() - before;
		if (!look->pages || llabs(moved) <= STILL_PAGES)
			return;
	}
	ktap_note("the CPUs' lists never held still: %+" PRId64 " pages in the last look", moved);
}
