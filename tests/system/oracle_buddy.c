// SPDX-License-Identifier: GPL-2.0-only
/*
 * buddy and pageblock: /proc/pagetypeinfo; fragmentation: /proc/buddyinfo and
 * the indexes in /sys/kernel/debug/extfrag; verdicts: by arithmetic.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define EXTFRAG "/sys/kernel/debug/extfrag"

/* Numbers from here to the end of the line; "123.456" and ">100000" included. */
static unsigned int numbers(char *line, double *values, unsigned int max)
{
	unsigned int nr = 0;
	char *word, *end;

	while (nr < max && (word = file_word(&line))) {
		values[nr] = strtod(word + (*word == '>'), &end);
		if (end == word)
			break;
		nr++;
	}
	return nr;
}

static bool buddy_kernel(struct facts *facts)
{
	char *text = file_read("/proc/pagetypeinfo"), *rest = text, *line;
	char zone[32], type[32];
	double values[32];
	unsigned int i, nr;
	int node, at;

	if (!text)
		return false;
	while ((line = file_line(&rest))) {
		if (sscanf(line, "Node %d, zone %31[^,], type %31s%n", &node, zone, type, &at) != 3)
			continue;
		nr = numbers(line + at, values, 32);
		for (i = 0; i < nr; i++) {
			facts_number(facts, values[i], "%d/%s/%s/%u/nr_free", node, zone, type, i);
			facts_number(facts, (long long)values[i] << i, "%d/%s/%s/%u/pages", node,
				     zone, type, i);
		}
	}
	free(text);
	return true;
}

static void buddy_key(char *key, size_t size, const struct snap *snap,
		      const struct memdiag_section *s, uint64_t n)
{
	snprintf(key, size, "%llu/%s/%s/%llu", (unsigned long long)snap_get(snap, s, n, "node"),
		 snap_get_string(snap, s, n, "zone"), snap_get_string(snap, s, n, "migratetype"),
		 (unsigned long long)snap_get(snap, s, n, "order"));
}

static void buddy_memdiag(struct facts *facts, const struct snap *snap,
			  const struct memdiag_section *s)
{
	char key[120];
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		buddy_key(key, sizeof(key), snap, s, n);
		facts_field(facts, snap, s, n, snap_field_named(snap, s, "nr_free"), key);
		facts_field(facts, snap, s, n, snap_field_named(snap, s, "pages"), key);
	}
}

static const struct oracle buddy_oracle = {
	.name = "buddy",
	.section = MEMDIAG_SEC_BUDDY,
	.kernel = buddy_kernel,
	.memdiag = buddy_memdiag,
};

static void buddy_exact(void)
{
	const struct memdiag_section *s;
	unsigned long inexact = 0, wrong = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(BUDDY));
	s = snap_section(&snap, MEMDIAG_SEC_BUDDY);
	for (n = 0; n < s->nr_records; n++) {
		inexact += !snap_get(&snap, s, n, "exact");
		wrong += snap_get(&snap, s, n, "pages") !=
			 snap_get(&snap, s, n, "nr_free") << snap_get(&snap, s, n, "order");
	}
	ktap_ok(!wrong && (inexact != 0) == (s->state == MEMDIAG_STATE_PARTIAL),
		"oracle_buddy: %lu of %llu lists not exact, and the section says so", inexact,
		(unsigned long long)s->nr_records);
	snap_drop(&snap);
}

/* "Number of blocks type   Unmovable ..." and the lines below it. */
static bool pageblock_kernel(struct facts *facts)
{
	char *text = file_read("/proc/pagetypeinfo"), *rest = text, *line, *word;
	char types[16][32], zone[32];
	unsigned int i, nr_types = 0;
	double values[16];
	int node, at;

	if (!text)
		return false;
	while ((line = file_line(&rest)) && strncmp(line, "Number of blocks type", 21))
		;
	if (line)
		line += 21;
	while (line && nr_types < 16 && (word = file_word(&line)))
		snprintf(types[nr_types++], sizeof(types[0]), "%s", word);
	while (nr_types && (line = file_line(&rest))) {
		if (sscanf(line, "Node %d, zone %31s%n", &node, zone, &at) != 2)
			break;
		if (numbers(line + at, values, 16) != nr_types)
			break;
		for (i = 0; i < nr_types; i++)
			facts_number(facts, values[i], "%d/%s/%s/nr_pageblocks", node, zone,
				     types[i]);
	}
	free(text);
	return nr_types;
}

static void pageblock_memdiag(struct facts *facts, const struct snap *snap,
			      const struct memdiag_section *s)
{
	char key[120];
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		snprintf(key, sizeof(key), "%llu/%s/%s",
			 (unsigned long long)snap_get(snap, s, n, "node"),
			 snap_get_string(snap, s, n, "zone"),
			 snap_get_string(snap, s, n, "migratetype"));
		facts_field(facts, snap, s, n, snap_field_named(snap, s, "nr_pageblocks"), key);
	}
}

static const struct oracle pageblock_oracle = {
	.name = "pageblock",
	.section = MEMDIAG_SEC_PAGEBLOCK,
	.kernel = pageblock_kernel,
	.memdiag = pageblock_memdiag,
};

/* One of the files with a line of numbers by order per zone. */
static bool by_order(struct facts *facts, const char *path, double scale, const char *field)
{
	char *text = file_read("%s", path), *rest = text, *line, zone[32];
	double values[32];
	unsigned int i, nr;
	int node, at;

	if (!text)
		return false;
	while ((line = file_line(&rest))) {
		if (sscanf(line, "Node %d, zone %31s%n", &node, zone, &at) != 2)
			continue;
		nr = numbers(line + at, values, 32);
		for (i = 0; i < nr; i++) {
			double value = values[i] * scale;

			facts_number(facts, (long long)(value + (value < 0 ? -0.5 : 0.5)),
				     "%d/%s/%u/%s", node, zone, i, field);
		}
	}
	free(text);
	return true;
}

static bool has_extfrag(void)
{
	char *text = file_read(EXTFRAG "/extfrag_index");

	free(text);
	return text;
}

static bool fragmentation_kernel(struct facts *facts)
{
	if (!by_order(facts, "/proc/buddyinfo", 1, "nr_free"))
		return false;
	by_order(facts, EXTFRAG "/unusable_index", 1000, "unusable_index");
	by_order(facts, EXTFRAG "/extfrag_index", 1000, "fragmentation_index");
	return true;
}

static void fragmentation_memdiag(struct facts *facts, const struct snap *snap,
				  const struct memdiag_section *s)
{
	static const char *const fields[] = { "nr_free", "unusable_index", "fragmentation_index" };
	unsigned int f, nr = has_extfrag() ? 3 : 1;
	char key[120];
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		snprintf(key, sizeof(key), "%llu/%s/%llu",
			 (unsigned long long)snap_get(snap, s, n, "node"),
			 snap_get_string(snap, s, n, "zone"),
			 (unsigned long long)snap_get(snap, s, n, "order"));
		for (f = 0; f < nr; f++)
			facts_field(facts, snap, s, n, snap_field_named(snap, s, fields[f]), key);
	}
}

static const struct oracle fragmentation_oracle = {
	.name = "fragmentation",
	.section = MEMDIAG_SEC_FRAGMENTATION,
	.kernel = fragmentation_kernel,
	.memdiag = fragmentation_memdiag,
};

/* What a record says must agree with the free blocks of its zone in the same snapshot. */
static bool fragmentation_right(const struct snap *snap, const struct memdiag_section *s,
				uint64_t n)
{
	uint64_t order = snap_get(snap, s, n, "order"), suitable = 0, pages = 0, blocks = 0, i;
	const char *zone = snap_get_string(snap, s, n, "zone");
	const char *verdict = snap_get_string(snap, s, n, "verdict");
	int64_t index = snap_get(snap, s, n, "fragmentation_index"), want;
	bool now = snap_get(snap, s, n, "available_now");
	bool kernel = snap_get(snap, s, n, "available_kernel");

	for (i = 0; i < s->nr_records; i++) {
		uint64_t o = snap_get(snap, s, i, "order"), nr = snap_get(snap, s, i, "nr_free");

		if (snap_get(snap, s, i, "node") != snap_get(snap, s, n, "node") ||
		    strcmp(snap_get_string(snap, s, i, "zone"), zone))
			continue;
		pages += nr << o;
		blocks += nr;
		if (o >= order)
			suitable += nr << (o - order);
	}
	want = !blocks	  ? 0
	       : suitable ? -1000
			  : 1000 - (int64_t)((1000 + ((pages * 1000) >> order)) / blocks);
	if (snap_get(snap, s, n, "free_blocks_suitable") != suitable || index != want ||
	    snap_get(snap, s, n, "unusable_index") !=
		    (pages ? (pages - (suitable << order)) * 1000 / pages : 1000)) {
		ktap_note("%s order %llu: indexes", zone, (unsigned long long)order);
		return false;
	}
	if (!verdict || now != !strcmp(verdict, "available") || (now && !suitable) ||
	    (kernel && !suitable)) {
		ktap_note("%s order %llu: verdict %s, now %d, %llu blocks", zone,
			  (unsigned long long)order, verdict ?: "-", now,
			  (unsigned long long)suitable);
		return false;
	}
	if (!suitable && strcmp(verdict, "fragmentation") && strcmp(verdict, "lack of memory"))
		return false;
	/* vm.extfrag_threshold, below which it is lack of memory, is 500 by default */
	if (!suitable && strcmp(verdict, index > 500 ? "fragmentation" : "lack of memory")) {
		ktap_note("%s order %llu: verdict %s at index %lld", zone,
			  (unsigned long long)order, verdict, (long long)index);
		return false;
	}
	return true;
}

static void fragmentation_derived(void)
{
	const struct memdiag_section *s;
	unsigned long wrong = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(FRAGMENTATION));
	s = snap_section(&snap, MEMDIAG_SEC_FRAGMENTATION);
	for (n = 0; n < s->nr_records; n++)
		wrong += !fragmentation_right(&snap, s, n);
	ktap_ok(s->nr_records && !wrong,
		"oracle_fragmentation: indexes and verdicts of %llu records add up",
		(unsigned long long)s->nr_records);
	snap_drop(&snap);
}

void oracle_buddy(void)
{
	oracle_run(&buddy_oracle);
	buddy_exact();
	oracle_run(&fragmentation_oracle);
	fragmentation_derived();
	oracle_run(&pageblock_oracle);
}
