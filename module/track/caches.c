// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slab cache of an object, and names of caches by number.
 *
 * The cache is in the event, or else in the page of the object. Its name and size are read at
 * the offsets that section slab uses (module/slub/). A cache of our own has to be read correctly
 * first; else objects have no cache.
 *
 * A name gets a number when it is first seen. The name is the key, for a module that is loaded
 * again has its cache at another address. Probes write the table by atomic operations, as in
 * stacks.c.
 *
 * Locks: none. A cache cannot go while an object of it is being allocated.
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

/* Set by track_caches_verify(): the offsets are correct. */
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
 * track_caches_verify() - check the offsets by a cache of our own
 *
 * Context: may sleep.
 *
 * Return: NULL, or why the cache of an object cannot be read.
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
 * track_cache_of() - slab cache of an object
 * @object: an allocated object of the slab allocator
 *
 * Context: any.
 *
 * Return: the cache; NULL if the object is a large one of kmalloc(), or the offsets are not
 * known.
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
 * track_cache_size() - bytes that one object of a cache takes
 * @cache: the cache, which must not go
 *
 * Context: any.
 *
 * Return: bytes; without the allocator's padding and metadata if the offsets are not known.
 */
u32 track_cache_size(const struct kmem_cache *cache)
{
	if (caches_verified)
		return memdiag_slab_get(cache, CACHE_SIZE);
	return kmem_cache_size((struct kmem_cache *)cache);
}

/**
 * track_cache_match() - whether a name matches a pattern
 * @pattern: shell pattern with * and ? only
 * @name: the name
 *
 * Context: any.
 */
bool track_cache_match(const char *pattern, const char *name)
{
	const char *star = NULL, *back = name;

	/* Only the last star is retried: an earlier one that takes more helps no match. */
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

/* Whether an entry has a name. Of an entry that is being written only the hash is compared. */
static bool caches_is(const struct track_cache *cache, u32 state, u32 hash, const char *name)
{
	if ((state ^ hash) & ~CACHES_STATE)
		return false;
	return (state & CACHES_STATE) == CACHE_BUSY ||
	       !strncmp(cache->name, name, TRACK_CACHE_NAME - 1);
}

/* Number by the address of the cache, without hashing the name; 0 if not known. */
static u32 caches_hint(const struct track_caches *caches, const struct kmem_cache *cache,
		       const char *name)
{
	u32 n = READ_ONCE(caches->hints[hash_ptr(cache, TRACK_CACHE_HINTS)]), i;
	const struct track_cache *known = &caches->known[n];

	/* Pairs with the release in track_cache_number(). */
	if (!n || (smp_load_acquire(&known->state) & CACHES_STATE) != CACHE_THERE)
		return 0;
	for (i = 0; known->name[i] == name[i]; i++)
		if (!name[i])
			return n;
	return i == TRACK_CACHE_NAME - 1 ? n : 0;
}

/**
 * track_cache_number() - number of the name of a cache
 * @caches: the table
 * @cache: the cache, which must not go, or NULL
 * @pattern: the filter's pattern for names
 * @matches: out: whether the name matches
 *
 * If probes race to add a name, one writes it, and the others take its number by the hash.
 *
 * Context: any.
 *
 * Return: the number; 0, the number of "", without a cache or without room.
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
		/* Pairs with the release below. */
		state = smp_load_acquire(&known->state);
		if (!state) {
			state = cmpxchg(&known->state, CACHE_FREE,
					(hash & ~CACHES_STATE) | CACHE_BUSY);
			if (!state) {
				*matches = track_cache_match(pattern, name);
				known->matches = *matches;
				strscpy(known->name, name, sizeof(known->name));
				/* The name is written before the state. */
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
 * track_cache_is() - whether the cache of an object has a name
 * @known: the name
 * @object: an address that is or was on a slab
 *
 * Context: any; slab and cache may go meanwhile.
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
