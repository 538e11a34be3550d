/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracker by its ioctls, and its records added up. */
#ifndef _TESTS_TRACK_H
#define _TESTS_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "snap.h"

/* Why it cannot be used here, by section track_status; NULL if it can. */
const char *track_unavailable(void);

/* A filter by a module, or none; everything that can be tracked. Bails out if refused. */
void track_start(const char *module);
/* 0 or -errno */
int track_try_start(const struct memdiag_track_start *start);
void track_stop(bool discard);
/* Wait until what was freed is free. */
void track_settle(void);

/**
 * struct track_sum - records added up
 * @records: how many
 * @count: outstanding objects
 * @unsure: of these
 * @bytes: of @count
 * @asked: bytes asked for, where that is told
 * @allocated: events
 * @freed: events
 */
struct track_sum {
	uint64_t records;
	uint64_t count;
	uint64_t unsure;
	uint64_t bytes;
	uint64_t asked;
	uint64_t allocated;
	uint64_t freed;
};

/**
 * struct track_want - which records
 * @function: the first frame of the stack that is in @module is of it; NULL for any
 * @module: a frame is in it; NULL for any
 * @frame: the stack has a frame whose name contains it; NULL for any
 * @kind: "slab", "pages", "percpu"; NULL for any
 * @cache: NULL for any
 * @order: -1 for any
 * @but: comma separated; not those with a frame whose name contains one; or NULL
 */
struct track_want {
	const char *function;
	const char *module;
	const char *frame;
	const char *kind;
	const char *cache;
	int order;
	const char *but;
};

/*
 * Memory that the kernel takes while the fixture allocates and keeps when that is
 * freed, by its design: tables of the kernel's address space, nodes of the space
 * that is free in it, pages of the per-cpu allocator, what debugging remembers, sheaves.
 * For track_want.but.
 */
#define TRACK_KEPT                                                                            \
	"pte_alloc,pmd_alloc,pud_alloc,p4d_alloc,alloc_vmap_area,preload_this_cpu_lock,"      \
	"pcpu_populate,pcpu_create_chunk,pcpu_alloc_chunk,stack_depot,kmemleak,kasan_,"      \
	"__pcs_,sheaf"

/* Takes a snapshot with section track, to be dropped; bails out if it is not there. */
void track_take(struct snap *snap);
struct track_sum track_add_up(const struct snap *snap, const struct track_want *want);
/* Notes the records with something outstanding. */
void track_print(const struct snap *snap, const struct track_want *want);
/* A field of section track_status. */
uint64_t track_status(const struct snap *snap, const char *field);
const char *track_status_string(const struct snap *snap, const char *field);

#endif /* _TESTS_TRACK_H */
