// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which members of SLUB's private structures are read, and reading one.
 *
 * Where they are comes from the kernel's BTF or from the mirror. None of it is
 * believed before verify.c has seen a cache of our own read right through it;
 * until then, and for whatever may go away while it is read, there is
 * memdiag_slab_peek().
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../memdiag.h"
#include "slub.h"

/* d122019bf061 ("mm: Split slab into its own type") took them out of struct page. */
#ifdef MEMDIAG_HAVE_PAGE_SLAB_CACHE
#define SLAB_TYPE	"page"
#define SLAB_OF_CPU	"page"
#define SLABS_OF_CPU	"pages"
#else
#define SLAB_TYPE	"slab"
#define SLAB_OF_CPU	"slab"
#define SLABS_OF_CPU	"slabs"
#endif

#define SLAB_MEMBER(_type, _member) { .type = (_type), .member = (_member) }
#define SLAB_CACHE_MEMBER(_member) SLAB_MEMBER("kmem_cache", _member)
#define SLAB_NODE_MEMBER(_member) SLAB_MEMBER("kmem_cache_node", _member)

struct memdiag_member memdiag_slab_members[SLAB_NR_MEMBERS] = {
	[CACHE_NAME] = SLAB_CACHE_MEMBER("name"),
	[CACHE_LIST] = SLAB_CACHE_MEMBER("list"),
	[CACHE_SIZE] = SLAB_CACHE_MEMBER("size"),
	[CACHE_OBJECT_SIZE] = SLAB_CACHE_MEMBER("object_size"),
	[CACHE_OO] = SLAB_CACHE_MEMBER("oo"),
	[CACHE_MIN] = SLAB_CACHE_MEMBER("min"),
	[CACHE_FLAGS] = SLAB_CACHE_MEMBER("flags"),
	[CACHE_REFCOUNT] = SLAB_CACHE_MEMBER("refcount"),
	[CACHE_CTOR] = SLAB_CACHE_MEMBER("ctor"),
	[CACHE_ALIGN] = SLAB_CACHE_MEMBER("align"),
	[CACHE_MIN_PARTIAL] = SLAB_CACHE_MEMBER("min_partial"),
	[CACHE_NODE] = SLAB_CACHE_MEMBER("node"),
	[CACHE_PER_NODE] = SLAB_CACHE_MEMBER("per_node"),
	[CACHE_CPU_SLAB] = SLAB_CACHE_MEMBER("cpu_slab"),
	[CACHE_CPU_PARTIAL] = SLAB_CACHE_MEMBER("cpu_partial"),
	[CACHE_CPU_PARTIAL_SLABS] = SLAB_CACHE_MEMBER("cpu_partial_slabs"),
	[CACHE_CPU_SHEAVES] = SLAB_CACHE_MEMBER("cpu_sheaves"),
	[CACHE_SHEAF_CAPACITY] = SLAB_CACHE_MEMBER("sheaf_capacity"),
	[PER_NODE_NODE] = SLAB_MEMBER("kmem_cache_per_node_ptrs", "node"),
	[PER_NODE_BARN] = SLAB_MEMBER("kmem_cache_per_node_ptrs", "barn"),
	[NODE_LIST_LOCK] = SLAB_NODE_MEMBER("list_lock"),
	[NODE_NR_PARTIAL] = SLAB_NODE_MEMBER("nr_partial"),
	[NODE_PARTIAL] = SLAB_NODE_MEMBER("partial"),
	[NODE_NR_SLABS] = SLAB_NODE_MEMBER("nr_slabs"),
	[NODE_TOTAL_OBJECTS] = SLAB_NODE_MEMBER("total_objects"),
	[SLAB_LIST] = SLAB_MEMBER(SLAB_TYPE, "slab_list"),
	[SLAB_CACHE] = SLAB_MEMBER(SLAB_TYPE, "slab_cache"),
	[SLAB_INUSE] = SLAB_MEMBER(SLAB_TYPE, "inuse"),
	[SLAB_OBJECTS] = SLAB_MEMBER(SLAB_TYPE, "objects"),
	[SLAB_FROZEN] = SLAB_MEMBER(SLAB_TYPE, "frozen"),
	[SLAB_SLABS] = SLAB_MEMBER(SLAB_TYPE, SLABS_OF_CPU),
	[CPU_SLAB] = SLAB_MEMBER("kmem_cache_cpu", SLAB_OF_CPU),
	[CPU_PARTIAL] = SLAB_MEMBER("kmem_cache_cpu", "partial"),
	[SHEAVES_MAIN] = SLAB_MEMBER("slub_percpu_sheaves", "main"),
	[SHEAVES_SPARE] = SLAB_MEMBER("slub_percpu_sheaves", "spare"),
	[SHEAF_CACHE] = SLAB_MEMBER("slab_sheaf", "cache"),
	[SHEAF_SIZE] = SLAB_MEMBER("slab_sheaf", "size"),
	[BARN_NR_FULL] = SLAB_MEMBER("node_barn", "nr_full"),
};

/* Whole aligned numbers, or bitfields inside one 32-bit word. */
static bool slab_is_whole(const struct memdiag_member *member)
{
	u32 bits = member->bit_size;

	return (bits == 8 || bits == 16 || bits == 32 || bits == 64) &&
	       member->bit_offset % bits == 0;
}

static bool slab_is_readable(const struct memdiag_member *member)
{
	return slab_is_whole(member) ||
	       (member->bit_size && member->bit_size < 32 &&
		member->bit_offset % 32 + member->bit_size <= 32);
}

static u64 slab_bitfield(u32 word, const struct memdiag_member *member)
{
	u32 shift = member->bit_offset % 32;

#ifdef __BIG_ENDIAN
	shift = 32 - shift - member->bit_size;
#endif
	return (word >> shift) & GENMASK(member->bit_size - 1, 0);
}

/**
 * memdiag_slab_get() - read a number of any width
 * @base: the structure
 * @which: the member
 *
 * All readers are lockless towards somebody: a torn or old value only makes the
 * record as old.
 *
 * Return: the number.
 */
u64 memdiag_slab_get(const void *base, enum memdiag_slab_member which)
{
	const struct memdiag_member *member = &memdiag_slab_members[which];
	const void *at = memdiag_slab_at(base, which);

	if (!slab_is_whole(member)) {
		at = base + member->bit_offset / 32 * sizeof(u32);
		return slab_bitfield(READ_ONCE(*(const u32 *)at), member);
	}
	switch (member->bit_size) {
	case 8: return READ_ONCE(*(const u8 *)at);
	case 16: return READ_ONCE(*(const u16 *)at);
	case 32: return READ_ONCE(*(const u32 *)at);
	default: return READ_ONCE(*(const u64 *)at);
	}
}

/**
 * memdiag_slab_peek() - the same for memory that may not be what we think it is
 * @base: the structure
 * @which: the member
 * @value: out: the number
 *
 * Return: 0, or -EFAULT if there is no such memory, member or number.
 */
int memdiag_slab_peek(const void *base, enum memdiag_slab_member which, u64 *value)
{
	const struct memdiag_member *member = &memdiag_slab_members[which];
	union {
		u32 narrow;
		u64 wide;
	} copy;
	u32 bits = member->bit_size;

	if (!member->found || bits < 8 || bits % 32 || bits > 64 ||
	    copy_from_kernel_nofault(&copy, memdiag_slab_at(base, which), bits / BITS_PER_BYTE))
		return -EFAULT;
	*value = bits == 32 ? copy.narrow : copy.wide;
	return 0;
}

/* Is a member of the width that it must have to be what we take it for? */
static bool slab_fits(enum memdiag_slab_member which)
{
	const struct memdiag_member *member = &memdiag_slab_members[which];
	u32 bits = member->bit_size;
	bool is_page = !strcmp(member->type, SLAB_TYPE);

	/* These are read from a copy of a struct page, which must contain them. */
	if (is_page && member->bit_offset + bits > sizeof(struct page) * BITS_PER_BYTE)
		return false;
	switch (which) {
	case CACHE_LIST:
	case NODE_PARTIAL:
	case SLAB_LIST:
		return bits == sizeof(struct list_head) * BITS_PER_BYTE;
	case NODE_LIST_LOCK:
		return bits == sizeof(spinlock_t) * BITS_PER_BYTE;
	case CACHE_NODE:
		return bits == MAX_NUMNODES * BITS_PER_LONG;
	case CACHE_PER_NODE:
		return bits && bits % (MAX_NUMNODES * BITS_PER_LONG) == 0;
	case CACHE_NAME:
	case CACHE_CTOR:
	case CACHE_CPU_SLAB:
	case CACHE_CPU_SHEAVES:
	case NODE_NR_PARTIAL:
	case NODE_NR_SLABS:
	case NODE_TOTAL_OBJECTS:
	case CPU_SLAB:
	case CPU_PARTIAL:
	case PER_NODE_NODE:
	case PER_NODE_BARN:
	case SHEAVES_MAIN:
	case SHEAVES_SPARE:
	case SHEAF_CACHE:
	case SLAB_CACHE:
		return bits == BITS_PER_LONG;
	case SLAB_INUSE:
	case SLAB_OBJECTS:
	case SLAB_FROZEN:
		return slab_is_readable(member);
	case CACHE_OO:
	case CACHE_MIN:
		return bits == 32;
	default:
		return slab_is_whole(member) && bits >= 32;
	}
}

/**
 * memdiag_slab_has_list() - is everything there to walk along the list of caches?
 *
 * Without CONFIG_SLUB_DEBUG a node does not count its slabs.
 */
bool memdiag_slab_has_list(void)
{
	enum memdiag_slab_member i;

	for (i = SLAB_NR_REQUIRED; i < SLAB_NR_LIST; i++)
		if (!memdiag_slab_has(i))
			return false;
	return memdiag_slab_has(CACHE_NODE) ||
	       (memdiag_slab_has(CACHE_PER_NODE) && memdiag_slab_has(PER_NODE_NODE));
}

/**
 * memdiag_slab_layout_load() - look the members up
 * @way: MEMDIAG_SRC_BTF or MEMDIAG_SRC_MIRROR
 *
 * Leaves a line in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: 0 if all that is needed at least was found, of the width expected; or
 * as memdiag_layout_load().
 */
int __init memdiag_slab_layout_load(u32 way)
{
	enum memdiag_slab_member i;
	int error;

	error = memdiag_layout_load("struct kmem_cache", way, memdiag_slab_members,
				    SLAB_NR_MEMBERS, SLAB_NR_REQUIRED);
	if (error)
		return error;
	for (i = 0; i < SLAB_NR_MEMBERS; i++) {
		struct memdiag_member *member = &memdiag_slab_members[i];

		if (!member->found || slab_fits(i))
			continue;
		memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct kmem_cache",
				     MEMDIAG_SRC_NONE, -EINVAL,
				     "%s.%s is not of the width expected",
				     member->type, member->member);
		return -EINVAL;
	}
	/* The one is only of use with the other. */
	if (!memdiag_slab_has(SLAB_SLABS))
		memdiag_slab_members[CPU_PARTIAL].found = false;
	return 0;
}
