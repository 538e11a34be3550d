// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where SLUB has its members, found with a cache of our own.
 *
 * For kernels that do not describe themselves and are not as the mirror says: the
 * cache's name, its sizes, its constructor and the lists that it is on are known,
 * and so are the counters of its slabs and nodes; each is looked for where it
 * stands in every release, next to the others. What CPUs hold cannot be found so.
 *
 * Locks: none; only peeks. The caller's cache stays, and nobody else uses it.
 * What is found here is verified like any other layout.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../compat/kfence.h"
#include "../compat/slab.h"
#include "../memdiag.h"
#include "slub.h"

/* So far into a structure its members are looked for, in words. */
#define CACHE_WORDS	64
#define NODE_WORDS	24
#define LONGS(n)	((n) * sizeof(long) / sizeof(u32))

static void __init slab_place(enum memdiag_slab_member which, u32 bit_offset, u32 bit_size)
{
	memdiag_slab_members[which].found = true;
	memdiag_slab_members[which].bit_offset = bit_offset;
	memdiag_slab_members[which].bit_size = bit_size;
}

static void __init slab_place_long(enum memdiag_slab_member which, unsigned int word)
{
	slab_place(which, word * BITS_PER_LONG, BITS_PER_LONG);
}

static void __init slab_place_u32(enum memdiag_slab_member which, unsigned int half)
{
	slab_place(which, half * 32, 32);
}

static void __init slab_place_list(enum memdiag_slab_member which, unsigned int word)
{
	slab_place(which, word * BITS_PER_LONG, sizeof(struct list_head) * BITS_PER_BYTE);
}

/* Words of memory, as far as there is any; the others zero. */
static void __init slab_copy(unsigned long *words, const void *from, unsigned int nr)
{
	unsigned int i;

	memset(words, 0, nr * sizeof(*words));
	for (i = 0; i < nr; i++)
		if (copy_from_kernel_nofault(&words[i], from + i * sizeof(*words),
					     sizeof(*words)))
			break;
}

/* Do two words that are at @at close a ring that has others in it? */
static bool __init slab_is_ring(const unsigned long *words, const void *at)
{
	struct list_head next, prev;
	const void *self = at;

	return words[0] != (unsigned long)self &&
	       !copy_from_kernel_nofault(&next, (const void *)words[0], sizeof(next)) &&
	       !copy_from_kernel_nofault(&prev, (const void *)words[1], sizeof(prev)) &&
	       next.prev == self && prev.next == self;
}

static bool __init slab_is_name(unsigned long at)
{
	char name[sizeof(MEMDIAG_SLAB_PROBE_NAME)];

	return !copy_from_kernel_nofault(name, (const void *)at, sizeof(name)) &&
	       !memcmp(name, MEMDIAG_SLAB_PROBE_NAME, sizeof(name));
}

/* struct kmem_cache: every release has these in this order. */
static const char *__init slab_find_cache(const struct kmem_cache *probe, const void *ctor,
					  const unsigned long *words, unsigned int *list)
{
	const u32 *halves = (const u32 *)words;
	unsigned int i, size, at;

	for (size = LONGS(2); size < LONGS(CACHE_WORDS) - 1; size++)
		if (halves[size + 1] == MEMDIAG_SLAB_PROBE_SIZE &&
		    halves[size] >= MEMDIAG_SLAB_PROBE_SIZE &&
		    halves[size] % MEMDIAG_SLAB_PROBE_ALIGN == 0)
			break;
	if (size >= LONGS(CACHE_WORDS) - 1 || size % LONGS(1))
		return "size";
	slab_place_u32(CACHE_SIZE, size);
	slab_place_u32(CACHE_OBJECT_SIZE, size + 1);
	slab_place_u32(CACHE_FLAGS, size - LONGS(2));
	slab_place_long(CACHE_MIN_PARTIAL, size / LONGS(1) - 1);

	for (i = size / LONGS(1) + 1; i < CACHE_WORDS; i++)
		if (words[i] == (unsigned long)ctor)
			break;
	if (i == CACHE_WORDS)
		return "ctor";
	slab_place_long(CACHE_CTOR, i);
	at = LONGS(i);
	slab_place_u32(CACHE_ALIGN, at + LONGS(1) + 1);
	/* The pointer is aligned, and what is left free before it is zero. */
	at -= halves[at - 1] ? 1 : 2;
	slab_place_u32(CACHE_REFCOUNT, at);
	slab_place_u32(CACHE_MIN, at - 2);
	/* Two words of an order and a number of objects; 5.10 had a third between. */
#ifdef MEMDIAG_HAVE_PAGE_SLAB_CACHE
	slab_place_u32(CACHE_OO, at - 4);
#else
	slab_place_u32(CACHE_OO, at - 3);
#endif

	for (i++; i < CACHE_WORDS - 2; i++)
		if (slab_is_name(words[i]))
			break;
	if (i >= CACHE_WORDS - 2)
		return "name";
	slab_place_long(CACHE_NAME, i++);
	if (!slab_is_ring(&words[i], (const void *)probe + i * sizeof(*words)))
		return "list";
	slab_place_list(CACHE_LIST, i);
	*list = i;
	return NULL;
}

/* struct slab, from the page of one of our objects. */
static const char *__init slab_find_slab(const struct kmem_cache *probe, const struct page *page,
					 u32 inuse)
{
	unsigned long words[sizeof(struct page) / sizeof(long)];
	const u32 *halves = (const u32 *)words;
	u64 size;
	unsigned int i, objects;

	if (memdiag_slab_peek(probe, CACHE_SIZE, &size))
		return "size";
	objects = (PAGE_SIZE << compound_order((struct page *)page)) / (unsigned long)size;
	slab_copy(words, page, ARRAY_SIZE(words));
	for (i = 1; i < ARRAY_SIZE(words); i++) {
		if (words[i] == (unsigned long)probe)
			slab_place_long(SLAB_CACHE, i);
		if (i + 1 < ARRAY_SIZE(words) &&
		    slab_is_ring(&words[i], (const void *)page + i * sizeof(*words)))
			slab_place_list(SLAB_LIST, i);
	}
	for (i = LONGS(1); i < LONGS(ARRAY_SIZE(words)); i++) {
		if ((halves[i] & 0xffff) != inuse || halves[i] >> 16 != objects)
			continue;
		slab_place(SLAB_INUSE, i * 32, 16);
		slab_place(SLAB_OBJECTS, i * 32 + 16, 15);
		slab_place(SLAB_FROZEN, i * 32 + 31, 1);
		return memdiag_slab_has(SLAB_CACHE) ? NULL : "slab_cache";
	}
	return "counters";
}

/* struct kmem_cache_node, if it is one; and where it has what. */
static bool __init slab_is_node(unsigned long at, unsigned long slabs)
{
	unsigned int lock = DIV_ROUND_UP(sizeof(spinlock_t), sizeof(long));
	unsigned long words[NODE_WORDS];

	BUILD_BUG_ON(DIV_ROUND_UP(sizeof(spinlock_t), sizeof(long)) + 5 > NODE_WORDS);
	slab_copy(words, (const void *)at, NODE_WORDS);
	/* The slabs counted, on a list of them, and counted once more. */
	if (words[lock] != slabs || words[lock + 3] != slabs ||
	    !slab_is_ring(&words[lock + 1], (const void *)at + (lock + 1) * sizeof(long)))
		return false;
	slab_place(NODE_LIST_LOCK, 0, sizeof(spinlock_t) * BITS_PER_BYTE);
	slab_place_long(NODE_NR_PARTIAL, lock);
	slab_place_list(NODE_PARTIAL, lock + 1);
	slab_place_long(NODE_NR_SLABS, lock + 3);
	slab_place_long(NODE_TOTAL_OBJECTS, lock + 4);
	return true;
}

/* The array of nodes; not found without CONFIG_SLUB_DEBUG, nor needed then. */
static void __init slab_find_nodes(const unsigned long *words, unsigned int list, int nid,
				   unsigned long slabs)
{
#ifdef MEMDIAG_HAVE_SHEAVES
	const unsigned int stride = 2;
#else
	const unsigned int stride = 1;
#endif
	unsigned int i;

	for (i = list + 2 + nid * stride; i < CACHE_WORDS; i++) {
		if (!words[i] || !slab_is_node(words[i], slabs))
			continue;
		i -= nid * stride;
		if (stride == 1) {
			slab_place(CACHE_NODE, i * BITS_PER_LONG, MAX_NUMNODES * BITS_PER_LONG);
		} else {
			slab_place(CACHE_PER_NODE, (i - 1) * BITS_PER_LONG,
				   MAX_NUMNODES * 2 * BITS_PER_LONG);
			slab_place_long(PER_NODE_NODE, 1);
		}
		return;
	}
}

/**
 * memdiag_slab_calibrate() - find the members of memdiag_slab_members[]
 * @probe: a cache made as MEMDIAG_SLAB_PROBE_* say, with holes in its slabs and
 *	nothing left on the CPUs
 * @ctor: its constructor
 * @objects: its objects; NULL for those that were freed
 * @nr: their number
 *
 * Leaves a line in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: NULL, or the member that could not be found.
 */
const char *__init memdiag_slab_calibrate(const struct kmem_cache *probe, const void *ctor,
					  void * const *objects, unsigned int nr)
{
	unsigned long words[CACHE_WORDS];
	const struct page *page = NULL;
	unsigned int i, j, list, inuse = 0, slabs = 0;
	const char *wrong = "byte order";

	for (i = 0; i < SLAB_NR_MEMBERS; i++)
		memdiag_slab_members[i].found = false;
	for (i = 0; i < nr; i++) {
		const struct page *of;

		if (!objects[i] || is_kfence_address(objects[i]))
			continue;
		of = virt_to_head_page(objects[i]);
		page = page ?: of;
		inuse += of == page;
		for (j = 0; j < i; j++)
			if (objects[j] && virt_to_head_page(objects[j]) == of)
				break;
		slabs += j == i && page_to_nid(of) == page_to_nid(page);
	}
	if (!page)
		return "own objects";
	slab_copy(words, probe, CACHE_WORDS);
#ifndef __BIG_ENDIAN
	wrong = slab_find_cache(probe, ctor, words, &list);
	if (!wrong)
		wrong = slab_find_slab(probe, page, inuse);
#endif
	if (!wrong) {
		slab_find_nodes(words, list, page_to_nid(page), slabs);
		memdiag_layout_spoil(memdiag_slab_members, SLAB_NR_MEMBERS);
		memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct kmem_cache",
				     MEMDIAG_SRC_CALIBRATED, 0,
				     "found in own cache: name at %u, size at %u, %s list of caches",
				     memdiag_slab_members[CACHE_NAME].bit_offset / BITS_PER_BYTE,
				     memdiag_slab_members[CACHE_SIZE].bit_offset / BITS_PER_BYTE,
				     memdiag_slab_has_list() ? "with the" : "without");
	}
	return wrong;
}
