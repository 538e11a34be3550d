// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which slab cache an object is of, and the names of caches by number.
 *
 * The cache is what the event says, or else what the page of the object says. Its
 * name and size are read at the offsets that section slab found, after a cache of our
 * own has read right through them; without, objects have no cache.
 *
 * A name gets its number when it is seen first. It is found by the name and not by
 * the address of the cache, for a cache of a module that is loaded again may be
 * anywhere. The table is written by probes, as stacks.c is.
 *
 * Locks: none. Not stale: a cache stays while an object of it is being allocated.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/page_frame.h"
#include "../slub/slub.h"
#include "track.h"

#define CACHES_PROBES	32u

enum { CACHE_FREE, CACHE_BUSY, CACHE_THERE };

#define CACHES_STATE	3u

/* Set by track_caches_verify(): offsets can be trusted. */
static bool caches_verified;

/* A constructor keeps the cache from being merged with others. */
static void caches_ctor(void *object)
{
}

static bool caches_has_pointer(enum memdiag_slab_member which)
{
	return memdiag_slab_has(which) && memdiag_slab_members[which].bit_offset % 8 == 0 &&
	       memdiag_slab_members[which].bit_size == BITS_PER_LONG;
}

static const void *caches_pointer(const void *base, enum memdiag_slab_member which)
{
	return READ_ONCE(*(const void **)memdiag_slab_at(base, which));
}

static const char *caches_check(const struct kmem_cache *cache, const void *object)
{
	const struct page *page = virt_to_head_page(object);
	struct memdiag_page p;
	char name[16] = "";
	u64 value;

	if (!caches_has_pointer(SLAB_CACHE) || !caches_has_pointer(CACHE_NAME) ||
	    !memdiag_slab_has(CACHE_SIZE))
		return "the layout of struct kmem_cache is not known";
	memdiag_page_read(page, &p);
	if (memdiag_page_type(&p) != MEMDIAG_PAGE_SLAB ||
	    memdiag_slab_peek(page, SLAB_CACHE, &value) || value != (unsigned long)cache)
		return "the page of an object does not tell its cache";
	if (memdiag_slab_peek(cache, CACHE_NAME, &value) ||
	    copy_from_kernel_nofault(name, (void *)(unsigned long)value, sizeof(name) - 1) ||
	    strcmp(name, "memdiag_track"))
		return "the name of a cache reads wrong";
	if (memdiag_slab_peek(cache, CACHE_SIZE, &value) || value < 96 || value > SZ_1K)
		return "the size of a cache reads wrong";
	return NULL;
}

/**
 * track_caches_verify() - can caches be told?
 *
 * Context: may sleep.
 *
 * Return: NULL, or why not.
 */
const char *track_caches_verify(void)
{
	struct kmem_cache *cache;
	const char *why;
	void *object;

	caches_verified = false;
	cache = kmem_cache_create("memdiag_track", 96, 0, 0, caches_ctor);
	if (!cache)
		return "no memory for a cache of our own";
	object = kmem_cache_alloc(cache, MEMDIAG_GFP);
	if (object) {
		why = caches_check(cache, object);
		kmem_cache_free(cache, object);
	} else {
		why = "no memory for an object of our own";
	}
	kmem_cache_destroy(cache);
	caches_verified = !why;
	return why;
}

/**
 * track_cache_of() - the cache of an object
 * @object: an object of the slab allocator, allocated
 *
 * Context: any.
 *
 * Return: its cache; NULL if it has none, as large ones of kmalloc(), or cannot be told.
 */
const struct kmem_cache *track_cache_of(const void *object)
{
	const struct page *page;
	struct memdiag_page p;

	if (!caches_verified || !virt_addr_valid(object))
		return NULL;
	page = virt_to_head_page(object);
	memdiag_page_read(page, &p);
	if (memdiag_page_type(&p) != MEMDIAG_PAGE_SLAB)
		return NULL;
	return caches_pointer(page, SLAB_CACHE);
}

/**
 * track_cache_size() - bytes that an object of a cache takes
 * @cache: a cache that is there
 *
 * Context: any.
 *
 * Return: bytes, without what is only known to the allocator if that cannot be read.
 */
u32 track_cache_size(const struct kmem_cache *cache)
{
	if (caches_verified)
		return memdiag_slab_get(cache, CACHE_SIZE);
	return kmem_cache_size((struct kmem_cache *)cache);
}

/**
 * track_cache_match() - does a name match a pattern?
 * @pattern: as of a shell, with * and ? only
 * @name: the name
 *
 * Context: any.
 */
bool track_cache_match(const char *pattern, const char *name)
{
	const char *star = NULL, *back = name;

	/* The last star takes as little as will do; no star needs to be tried again. */
	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			back = name;
		} else if (!*name) {
			return !*pattern;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++back;
		} else {
			return false;
		}
	}
}

/* Is it the name, or, while it is being written, as good as? */
static bool caches_is(const struct track_cache *cache, u32 state, u32 hash, const char *name)
{
	if ((state ^ hash) & ~CACHES_STATE)
		return false;
	return (state & CACHES_STATE) == CACHE_BUSY ||
	       !strncmp(cache->name, name, TRACK_CACHE_NAME - 1);
}

/* What nearly always is the answer, without a hash of the name. */
static u32 caches_hint(const struct track_caches *caches, const struct kmem_cache *cache,
		       const char *name)
{
	u32 n = READ_ONCE(caches->hints[hash_ptr(cache, TRACK_CACHE_HINTS)]), i;
	const struct track_cache *known = &caches->known[n];

	/* Its name is there when it says so. */
	if (!n || (smp_load_acquire(&known->state) & CACHES_STATE) != CACHE_THERE)
		return 0;
	for (i = 0; known->name[i] == name[i]; i++)
		if (!name[i])
			return n;
	return i == TRACK_CACHE_NAME - 1 ? n : 0;
}

/**
 * track_cache_number() - the number of the name of a cache
 * @caches: the table
 * @cache: a cache that is there, or NULL
 * @pattern: what the filter wants the name to match
 * @matches: out: whether it does
 *
 * Of those who see a new name at the same time, the others take the number of the
 * one that is about to write it: they know it by its hash.
 *
 * Context: any.
 *
 * Return: its number; 0, which is "", for no cache, or if there is no room.
 */
u32 track_cache_number(struct track_caches *caches, const struct kmem_cache *cache,
		       const char *pattern, bool *matches)
{
	u32 i, n, state, hash = 0;
	const char *name;

	*matches = false;
	if (!cache || !caches_verified)
		return 0;
	name = caches_pointer(cache, CACHE_NAME);
	n = caches_hint(caches, cache, name);
	if (n) {
		*matches = caches->known[n].matches;
		return n;
	}
	for (i = 0; i < TRACK_CACHE_NAME - 1 && name[i]; i++)
		hash = (hash ^ name[i]) * 16777619u;
	hash ^= hash >> 15;
	for (i = 0; i < CACHES_PROBES; i++) {
		struct track_cache *known;

		n = ((hash >> 2) + i) % TRACK_CACHES ?: 1;
		known = &caches->known[n];
		/* Its name is there when it says so. */
		state = smp_load_acquire(&known->state);
		if (!state) {
			state = cmpxchg(&known->state, CACHE_FREE,
					(hash & ~CACHES_STATE) | CACHE_BUSY);
			if (!state) {
				*matches = track_cache_match(pattern, name);
				known->matches = *matches;
				strscpy(known->name, name, sizeof(known->name));
				/* Now that the name is there. */
				smp_store_release(&known->state,
						  (hash & ~CACHES_STATE) | CACHE_THERE);
				return n;
			}
		}
		if (!caches_is(known, state, hash, name))
			continue;
		WRITE_ONCE(caches->hints[hash_ptr(cache, TRACK_CACHE_HINTS)], n);
		*matches = (state & CACHES_STATE) == CACHE_THERE ?
			   known->matches : track_cache_match(pattern, name);
		return n;
	}
	*matches = track_cache_match(pattern, name);
	return 0;
}

/**
 * track_cache_is() - is an object of a cache of this name?
 * @known: the name
 * @object: what lies on a slab, or did just now
 *
 * Context: any; neither slab nor cache need stay.
 */
bool track_cache_is(const struct track_cache *known, const void *object)
{
	const struct page *page = memdiag_page_head(object);
	char name[TRACK_CACHE_NAME];
	u64 cache, at;

	if (!page || memdiag_slab_peek(page, SLAB_CACHE, &cache) || !cache ||
	    memdiag_slab_peek((const void *)(unsigned long)cache, CACHE_NAME, &at))
		return false;
	memdiag_slab_copy_name(name, sizeof(name), (const void *)(unsigned long)at);
	return !strcmp(known->name, name);
}
