/* SPDX-License-Identifier: GPL-2.0-only */
/* leakcheck: one row per thing, one count per look. */
#ifndef _LEAKCHECK_H
#define _LEAKCHECK_H

#include "internal.h"

/* Counts of fewer cycles cannot be told from chance. */
#define MIN_COUNTED_CYCLES 4

/**
 * struct leak_count - how much there was of a thing at a look
 * @bytes: bytes
 * @objects: objects; 0 where only bytes are known
 * @doubt: tracked: objects that may be freed; counted: by how many bytes it may be wrong
 */
struct leak_count {
	uint64_t bytes;
	uint64_t objects;
	uint64_t doubt;
};

/**
 * struct leak_row - a thing that can grow
 * @tracked: a stack that the tracker saw; otherwise it is counted
 * @kind: sort of memory
 * @name: stack, cache, caller or line of the ledger
 * @cache: of a stack, the slab cache or ""
 * @module: module it belongs to or ""
 * @order: of a stack, the order of its pages, MEMDIAG_ABSENT otherwise
 * @unit: counted: bytes that are the least that can leak
 * @objects_known: objects are counted, too
 * @reclaimable: a slab cache that the kernel shrinks when it likes
 * @counts: one per look; zero where it was not there
 */
struct leak_row {
	bool tracked;
	enum memdiag_leak_kind kind;
	char *name;
	char *cache;
	char *module;
	uint64_t order;
	uint64_t unit;
	bool objects_known;
	bool reclaimable;
	struct leak_count *counts;
};

/**
 * struct leak_look - when a look was, and how sure the tracker was
 * @at: cycles done until then
 * @when_ns: CLOCK_MONOTONIC
 * @dropped: events that the tracker had to drop until then
 */
struct leak_look {
	unsigned int at;
	uint64_t when_ns;
	uint64_t dropped;
};

/**
 * struct memdiag_leakcheck - all that was seen
 * @nr_idle: looks before the first cycle; the last one is what growth is measured from
 * @nr_looks: all looks
 * @cycles: cycles done until the last look
 * @looks: one per look
 * @room: looks there is room for
 * @rows: things, in the order in which they were first seen
 * @nr_rows: number of @rows
 * @tree: the same for tsearch(3)
 * @exact: slab caches are shrunk before each look
 * @reclaimed: caches are dropped before each look: what stays is not reclaimable
 * @tracked: all looks had section track
 * @counted: kinds that all looks had counts of, mask of 1 << enum memdiag_leak_kind
 * @lost: kinds that not all looks had counts of, but the first one; likewise
 * @track_lost: the same for section track
 * @confirm: the look from which on counts must grow once more; 0 if they need not
 */
struct memdiag_leakcheck {
	unsigned int nr_idle;
	unsigned int nr_looks;
	unsigned int cycles;
	struct leak_look *looks;
	unsigned int room;
	struct leak_row **rows;
	size_t nr_rows;
	void *tree;
	bool exact;
	bool reclaimed;
	bool tracked;
	unsigned int counted;
	unsigned int lost;
	bool track_lost;
	unsigned int confirm;
};

static inline uint64_t more(uint64_t to, uint64_t from)
{
	return to > from ? to - from : 0;
}

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* leakcheck.c */
const struct leak_row *leak_find_cache(const struct memdiag_leakcheck *check, const char *name);
int leak_add_count(struct memdiag_leakcheck *check, const struct leak_row *like,
		   const struct leak_count *count);

/* counts.c */
int leak_take_counts(struct memdiag_leakcheck *check, const struct memdiag_data *data);

/* series.c */
double leak_series_trend(const struct memdiag_leakcheck *check, const struct leak_row *row);
bool leak_series_leaks(const struct memdiag_leakcheck *check, const struct leak_row *row);
uint64_t leak_series_chance(const struct memdiag_leakcheck *check, const struct leak_row *row);
uint64_t leak_series_shows(const struct memdiag_leakcheck *check, const struct leak_row *row);
bool leak_series_uneven(const struct memdiag_leakcheck *check, const struct leak_row *row);
uint64_t leak_series_power(const struct memdiag_leakcheck *check, const struct leak_row *row);
bool leak_series_suspect(const struct memdiag_leakcheck *check, const struct leak_row *row,
			 uint64_t budget);

/* owner.c */
bool leak_owner_is_direct(const struct leak_row *row, const char *module);
bool leak_owner_is_slab(const struct leak_row *row);

#endif /* _LEAKCHECK_H */
