// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section module: against /proc/modules; and what the fixture takes, holds and
 * leaves behind when it is unloaded.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "mod.h"
#include "oracle.h"
#include "oracles.h"

#define AREAS		9
#define AREA_BYTES	65536
#define LEFT		4
/* So little that the array of its pages is no area of its own. */
#define LEFT_BYTES	(300 << 10)
#define OBJECTS		2000
#define INIT_AREAS	"3"
#define LEAKY_KO	"/lib/memdiag/memdiag_leaky.ko"

static bool module_kernel(struct facts *facts)
{
	char *text = file_read("/proc/modules"), *rest = text, *line, name[80], refcnt[16];
	char state[16], taints[32];
	long long size;
	int words;

	while (text && (line = file_line(&rest))) {
		words = sscanf(line, "%79s %lld %15s %*s %15s %*s (%31[^)]", name, &size, refcnt,
			       state, taints);
		if (words < 4)
			continue;
		facts_number(facts, size, "%s/size", name);
		if (refcnt[0] != '-')
			facts_number(facts, atoi(refcnt), "%s/refcnt", name);
		facts_string(facts, !strcmp(state, "Live") ? "live" :
			     !strcmp(state, "Loading") ? "loading" : "unloading", "%s/state", name);
		facts_string(facts, words > 4 ? taints : "", "%s/taints", name);
		facts_number(facts, words > 4 && strchr(taints, 'O'), "%s/out_of_tree", name);
	}
	free(text);
	return text;
}

static void module_memdiag(struct facts *facts, const struct snap *snap,
			   const struct memdiag_section *s)
{
	static const char *const fields[] = { "size", "refcnt", "state", "taints",
					      "out_of_tree" };
	unsigned int i;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		for (i = 0; snap_get(snap, s, n, "loaded") && i < 5; i++)
			facts_field(facts, snap, s, n, snap_field_named(snap, s, fields[i]),
				    snap_get_string(snap, s, n, "name"));
}

static const struct oracle module_oracle = {
	.name = "module",
	.section = MEMDIAG_SEC_MODULE,
	.kernel = module_kernel,
	.memdiag = module_memdiag,
};

/* --- the fixture ------------------------------------------------------------ */

struct seen {
	uint64_t records;
	uint64_t record;
	uint64_t size;
	uint64_t parts;
	uint64_t areas;
	uint64_t bytes;
	uint64_t pages;
	uint64_t caches;
	uint64_t cache_bytes;
	bool by_address;
};

static struct seen look(bool loaded)
{
	const struct memdiag_section *s;
	struct seen seen = {};
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(MODULE));
	/* In text, what has no name any more cannot be told from anything else. */
	seen.by_address = snap_section(&snap, MEMDIAG_SEC_VMALLOC)->source != MEMDIAG_SRC_TEXT;
	s = snap_section(&snap, MEMDIAG_SEC_MODULE);
	for (n = 0; n < s->nr_records; n++) {
		if (strcmp(snap_get_string(&snap, s, n, "name"), FIXTURE) ||
		    snap_get(&snap, s, n, "loaded") != loaded)
			continue;
		seen.records++;
		seen.record = n;
		seen.size = snap_get(&snap, s, n, "size");
		seen.parts = snap_get(&snap, s, n, "text") + snap_get(&snap, s, n, "rodata") +
			     snap_get(&snap, s, n, "data") + snap_get(&snap, s, n, "init");
		seen.areas = snap_get(&snap, s, n, "vmalloc_areas");
		seen.bytes = snap_get(&snap, s, n, "vmalloc");
		seen.pages = snap_get(&snap, s, n, "vmalloc_pages");
		seen.caches = snap_get(&snap, s, n, "caches");
		seen.cache_bytes = snap_get(&snap, s, n, "cache_bytes");
	}
	snap_drop(&snap);
	return seen;
}

static bool equal(const char *what, uint64_t value, uint64_t want)
{
	if (value != want)
		ktap_note("%s: %llu, not %llu", what, (unsigned long long)value,
			  (unsigned long long)want);
	return value == want;
}

/* Areas of AREA_BYTES: those that are said to be the fixture's, and an innocent one's. */
static void init_look(unsigned int *of_fixture, unsigned int *of_other, bool *by_address)
{
	const struct memdiag_section *s;
	struct snap snap;
	uint64_t n;

	*of_fixture = 0;
	*of_other = 0;
	snap_take(&snap, SNAP_BIT(VMALLOC));
	s = snap_section(&snap, MEMDIAG_SEC_VMALLOC);
	*by_address = s->source != MEMDIAG_SRC_TEXT;
	for (n = 0; n < s->nr_records; n++) {
		const char *module = snap_get_string(&snap, s, n, "module");
		const char *caller = snap_get_string(&snap, s, n, "caller");

		if (snap_get(&snap, s, n, "size") != AREA_BYTES + (uint64_t)getpagesize() ||
		    !module || !caller)
			continue;
		/* Of two the innocent one is one, but not the only one. */
		if (strstr(module, FIXTURE) && strstr(caller, FIXTURE " (init, freed)]"))
			++*of_fixture;
		else if (strstr(module, "memdiag_leaky"))
			++*of_other;
	}
	snap_drop(&snap);
}

/* What init code asked for is not the next module's that is loaded where it was. */
static void known_init(void)
{
	unsigned int before, after, innocent, other;
	bool by_address;
	int error;

	mod_unload(FIXTURE);
	error = mod_load(FIXTURE_KO, "init_areas=" INIT_AREAS);
	if (error) {
		ktap_skip(strerror(-error), "oracle_module: init: the fixture cannot be loaded");
		return;
	}
	/* A worker frees the code. */
	usleep(300000);
	init_look(&before, &other, &by_address);
	error = mod_load(LEAKY_KO, "");
	if (error)
		ktap_note("memdiag_leaky.ko: %s", strerror(-error));
	init_look(&after, &innocent, &by_address);
	if (!by_address)
		ktap_skip("areas are known by text only", "oracle_module: init: areas");
	else
		ktap_ok(equal("areas", before, atoi(INIT_AREAS)) &
				equal("areas, later", after, atoi(INIT_AREAS)) &
				equal("areas of another module", innocent, 0),
			"oracle_module: init: areas taken from init code");
	mod_unload("memdiag_leaky");
	mod_unload(FIXTURE);
}

static void known(void)
{
	const uint64_t page = getpagesize();
	struct seen a, b;
	int error;

	mod_unload(FIXTURE);
	error = mod_load(FIXTURE_KO, "");
	if (error) {
		ktap_skip(strerror(-error), "oracle_module: known: the fixture cannot be loaded");
		return;
	}
	a = look(true);
	/* What an earlier one left may be taken for its own, if it lies at the same place. */
	ktap_ok(equal("records", a.records, 1) &
			equal("text, rodata, data, init", a.parts, a.size),
		"oracle_module: known: the fixture, holding nothing but %llu areas",
		(unsigned long long)a.areas);
	oracle_run(&module_oracle);

	fixture("hold vmalloc size=%d count=%d", AREA_BYTES, AREAS);
	fixture("hold cache count=%d", OBJECTS);
	b = look(true);
	if (b.areas == MEMDIAG_ABSENT)
		ktap_skip("who asked for an area is not known", "oracle_module: known: areas");
	else
		ktap_ok(equal("areas, more", b.areas - a.areas, AREAS) &
				equal("bytes, more", b.bytes - a.bytes,
				      AREAS * (AREA_BYTES + page)) &
				equal("pages, more", b.pages - a.pages, AREAS * AREA_BYTES / page),
			"oracle_module: known: %d areas", AREAS);
	if (b.caches == MEMDIAG_ABSENT)
		ktap_skip("constructors are not known", "oracle_module: known: a cache");
	else
		/* Objects of 200 bytes; a debugging kernel pads them. */
		ktap_ok(equal("caches", b.caches, 1) & (b.cache_bytes >= OBJECTS * 200) &
				(b.cache_bytes < OBJECTS * 1000 + (1 << 20)),
			"oracle_module: known: a cache of %llu bytes for %d objects of 200",
			(unsigned long long)b.cache_bytes, OBJECTS);
	fixture("free all");
	b = look(true);
	ktap_ok(equal("areas", b.areas, a.areas) & equal("bytes", b.bytes, a.bytes),
		"oracle_module: known: freed again");

	a = look(false);
	fixture("leak vmalloc size=%d count=%d", LEFT_BYTES, LEFT);
	fixture("leave");
	error = mod_unload(FIXTURE);
	if (error)
		ktap_bail("rmmod: %s", strerror(-error));
	b = look(false);
	if (!b.by_address) {
		ktap_skip("areas are known by text only", "oracle_module: known: what it left");
		return;
	}
	ktap_ok(equal("records", b.records, 1) & equal("first record", b.record, 0) &
			equal("areas, more", b.areas - a.areas, LEFT) &
			equal("bytes, more", b.bytes - a.bytes, LEFT * (LEFT_BYTES + page)) &
			equal("size", b.size, MEMDIAG_ABSENT),
		"oracle_module: known: %d areas that it left when it was unloaded", LEFT);
	b = look(true);
	ktap_ok(equal("records", b.records, 0), "oracle_module: known: it is loaded no more");
}

void oracle_module(void)
{
	struct snap snap;
	bool has;

	snap_take(&snap, SNAP_BIT(MODULE));
	has = snap_has(&snap, MEMDIAG_SEC_MODULE);
	snap_drop(&snap);
	if (!has && oracle_closed_ways() & ORACLE_NO_OPS) {
		ktap_skip("its only way in is closed", "oracle_module");
		return;
	}
	oracle_run(&module_oracle);
	known_init();
	known();
}
