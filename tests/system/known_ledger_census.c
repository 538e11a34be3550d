// SPDX-License-Identifier: GPL-2.0-only
/*
 * known_ledger: the census finds the same memory, and a leak, which the ledger has in
 * unaccounted and the census splits.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "known_ledger.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"

/* --- the census of the same --------------------------------------------- */

static int64_t census(const char *kind, int64_t order)
{
	const struct memdiag_section *s;
	int64_t pages = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(CENSUS));
	s = snap_section(&snap, MEMDIAG_SEC_CENSUS);
	for (n = 0; n < s->nr_records; n++)
		if (!strcmp(snap_get_string(&snap, s, n, "kind"), kind) &&
		    (order < 0 || (int64_t)snap_get(&snap, s, n, "order") == order))
			pages += snap_get(&snap, s, n, "pages");
	snap_drop(&snap);
	return pages;
}

static void census_one(const char *name, bool (*take)(void *arg), void (*give)(void *arg),
		       void *arg, const char *kind, int order, int64_t more)
{
	int64_t a, b, c;

	look_when_quiet();
	a = census(kind, order);
	if (!take(arg)) {
		ktap_skip(why, "known_ledger: census: %s", name);
		return;
	}
	b = census(kind, order) - a;
	give(arg);
	look_when_quiet();
	c = census(kind, order) - a;
	if (!ktap_ok(b >= more - NOISE && b <= more + NOISE && c >= -NOISE && c <= NOISE,
		     "known_ledger: census: %s: as %s", name, kind))
		ktap_note("%" PRId64 " more, then %" PRId64 ", expected %" PRId64, b, c, more);
}

void known_census(void)
{
	char command[80], name[40];
	int order;

	census_one("anonymous", take_anon, give_anon, NULL, "anon", -1, AMOUNT / page);
	census_one("memory of a device", take_device, give_device, NULL, "anon", -1, 0);
	census_one("page cache", take_file, give_file, "ramfs", "file", -1, AMOUNT / page);
	census_one("memfd", take_memfd, give_memfd, NULL, "shmem", -1, AMOUNT / page);
	census_one("page tables", take_tables, give_tables, NULL, "page_table", -1, SPARSE_TABLES);
	census_one("huge pages in the pool", take_pool, give_pool, NULL, "hugetlb_free", -1,
		   HUGE * (huge_size / page));
	census_one("huge pages in use", take_huge, give_huge, NULL, "hugetlb_used", -1,
		   HUGE * (huge_size / page));
	for (order = 0; order <= 9; order++) {
		snprintf(command, sizeof(command), "pages order=%d count=%ld", order,
			 AMOUNT / page >> order);
		snprintf(name, sizeof(name), "pages of order %d", order);
		census_one(name, take_fixture, give_fixture, command, "kernel", order,
			   AMOUNT / page);
	}
}

/* --- idle, and leaking -------------------------------------------------- */

/* What memdiagctl says of unaccounted: pages of a kind and order, of a sum if negative. */
static int64_t split(const char *kind, int order)
{
	char line[200], is[40], blocks[40], pieces[20];
	int64_t bytes, sum = 0;
	bool there = false;
	FILE *f;

	f = popen("memdiagctl ledger --by order --bytes --no-headings", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%39s %39s %19s %" SCNd64, is, blocks, pieces, &bytes) == 4 &&
		    !strcmp(is, kind) && (order < 0 || atoi(pieces) == order)) {
			there = true;
			sum += bytes / page;
		}
	if (!f || pclose(f) || (!there && order < 0))
		ktap_bail("memdiagctl does not split unaccounted by order");
	return sum;
}

static bool about(int64_t pages, int64_t expected)
{
	return labs(pages - expected) * 100 <= expected;
}

void known_leak(void)
{
	/* A small guest has other tests to run yet. */
	const long leaked = memory * page < 256 * MIB ? 32 * MIB : 64 * MIB;
	int64_t present = memory, more;
	int64_t pieces, sum, residual;
	struct ledger a, b;
	const struct memdiag_section *s;
	struct snap snap;
	int i;

	a = look_when_quiet();
	/* Of all RAM, which the identities begin with. */
	snap_take(&snap, SNAP_BIT(IDENTITY));
	s = snap_section(&snap, MEMDIAG_SEC_IDENTITY);
	if (s->nr_records)
		present = snap_get(&snap, s, 0, "left");
	snap_drop(&snap);
	ktap_ok(ledger_line(&a, "unaccounted") * 100 < present,
		"known_ledger: unaccounted: %" PRId64 " of %" PRId64 " pages when nothing leaks",
		ledger_line(&a, "unaccounted"), present);
	/* Everything once more, as churn. */
	for (i = 0; i < 5; i++) {
		if (take_anon(NULL))
			give_anon(NULL);
		if (take_memfd(NULL))
			give_memfd(NULL);
		take_threads(NULL);
		give_threads(NULL);
	}
	b = look_when_quiet();
	more = ledger_line(&b, "unaccounted") - ledger_line(&a, "unaccounted");
	ktap_ok(more > -NOISE / 2 && more < NOISE / 2,
		"known_ledger: unaccounted: %" PRId64 " pages more after churn", more);

	sum = split("unaccounted", -1);
	pieces = split("kernel", 2);
	a = look_when_quiet();
	fixture("leak pages order=2 count=%ld", leaked / page / 4);
	b = look();
	more = ledger_line(&b, "unaccounted") - ledger_line(&a, "unaccounted");
	ktap_ok(about(more, leaked / page),
		"known_ledger: leak of %ld pages: unaccounted grew by %" PRId64, leaked / page,
		more);
	pieces = split("kernel", 2) - pieces;
	sum = split("unaccounted", -1) - sum;
	residual = split("residual", -1);
	ktap_ok(about(pieces, leaked / page) && about(sum, leaked / page),
		"known_ledger: leak: split by order: %" PRId64 " pages more, %" PRId64
		" of them in pieces of 4", sum, pieces);
	/* What the census needs to look, and what came and went since the ledger. */
	ktap_ok(labs(residual) < NOISE / 2,
		"known_ledger: leak: the census explains the ledger, to %" PRId64 " pages", residual);
}
