/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of slab caches by number. */
#ifndef _MEMDIAG_TRACK_CACHES_H
#define _MEMDIAG_TRACK_CACHES_H

#include <linux/bits.h>
#include <linux/types.h>

struct kmem_cache;

#define TRACK_CACHES		1024
#define TRACK_CACHE_NAME	56

/**
 * struct track_cache - the name of a slab cache
 * @state: 0 free, 1 being written, 2 valid, in the two low bits; hash of the name above
 * @name: the name, cut
 * @matches: the name matches the filter's pattern
 */
struct track_cache {
	u32 state;
	bool matches;
	char name[TRACK_CACHE_NAME];
};

#define TRACK_CACHE_HINTS	8

/**
 * struct track_caches - names of slab caches by number
 * @known: the names; number 0 is ""
 * @hints: numbers by the address of the cache; to be checked against the name, for another
 *	cache may lie there
 */
struct track_caches {
	struct track_cache known[TRACK_CACHES];
	u16 hints[BIT(TRACK_CACHE_HINTS)];
};

/* caches.c */
const char *track_caches_verify(void);
const struct kmem_cache *track_cache_of(const void *object);
u32 track_cache_size(const struct kmem_cache *cache);
u32 track_cache_number(struct track_caches *caches, const struct kmem_cache *cache,
		       const char *pattern, bool *matches);
bool track_cache_is(const struct track_cache *known, const void *object);
bool track_cache_match(const char *pattern, const char *name);

#endif /* _MEMDIAG_TRACK_CACHES_H */
