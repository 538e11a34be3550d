/* SPDX-License-Identifier: GPL-2.0-only */
/* Live objects by address: a table that probes write without a lock. */
#ifndef _MEMDIAG_TRACK_OBJECTS_H
#define _MEMDIAG_TRACK_OBJECTS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/types.h>

/* Two low bits of a key; addresses of all kinds are multiples of four. */
enum track_kind {
	TRACK_SLAB,
	TRACK_PAGES,
	TRACK_PERCPU,
	TRACK_NR_KINDS
};

#define TRACK_KIND_MASK		3ul

/* Flags of an object. */
/* A block of pages that is not compound, so it may be given back in parts. */
#define TRACK_BLOCK		BIT(0)
/* What is left of such a block, without the part that stands for the object. */
#define TRACK_PART		BIT(1)
/* The free event of the last object at this address may be yet to come. */
#define TRACK_OWED		BIT(2)
/* It may have been freed without an event. */
#define TRACK_UNSURE		BIT(3)
/* It is gone, as was found when tracking stopped. */
#define TRACK_GONE		BIT(4)
/* Pages that the slab allocator made a slab of; they are told as its objects. */
#define TRACK_OF_SLAB		BIT(5)

#define TRACK_STACK_BITS	24

/**
 * struct track_object - what is known of a live object
 * @stack: number of its stack
 * @size: bytes taken from the allocator
 * @asked: bytes asked for; 0 if that is not known
 * @when: jiffies from the start to its allocation
 * @flags: TRACK_*
 */
struct track_object {
	u32 stack;
	u32 size;
	u32 asked;
	u32 when;
	u8 flags;
};

#define TRACK_BUCKET_KEYS	7

/* What belongs to a bucket: the number of objects; of those that had to go to the next ones... */
#define TRACK_BELONG_ONE	1ull
#define TRACK_BELONG_AWAY_ONE	BIT_ULL(16)
#define TRACK_BELONG_AWAY	GENMASK_ULL(31, 16)
/* ... and how far the farthest of them went. */
#define TRACK_BELONG_REACH_SHIFT	32

/**
 * struct track_bucket - keys of a few objects, in one line of the cache
 * @belong: the objects that belong here, by their hash: TRACK_BELONG_*
 * @keys: address and kind; 0 of a free slot, TRACK_KEY_BUSY of one being written
 */
struct track_bucket {
	u64 belong;
	unsigned long keys[TRACK_BUCKET_KEYS];
} ____cacheline_aligned;

#define TRACK_KEY_BUSY		(~0ul)

/**
 * struct track_slot - what belongs to a key, packed
 * @what: size, stack and flags
 * @when: asked and when
 */
struct track_slot {
	u64 what;
	u64 when;
};

/**
 * struct track_objects - the table of live objects
 * @buckets: the keys
 * @slots: what belongs to each of them
 * @nr_buckets: number of buckets
 * @owes: events of frees may come late: what replaces an object is TRACK_OWED
 * @bytes: memory of both
 */
struct track_objects {
	struct track_bucket *buckets;
	struct track_slot *slots;
	u32 nr_buckets;
	bool owes;
	u64 bytes;
};

enum track_put {
	TRACK_PUT_NEW,
	TRACK_PUT_REPLACED,
	TRACK_PUT_FULL,
};

enum track_take {
	TRACK_TAKE_NONE,
	TRACK_TAKE_TAKEN,
	TRACK_TAKE_OWED,
};

static inline unsigned long track_key(enum track_kind kind, unsigned long address)
{
	return (address & ~TRACK_KIND_MASK) | kind;
}

static inline enum track_kind track_key_kind(unsigned long key)
{
	return key & TRACK_KIND_MASK;
}

static inline u64 track_objects_room(const struct track_objects *t)
{
	return (u64)t->nr_buckets * TRACK_BUCKET_KEYS;
}

static inline u32 track_objects_home(const struct track_objects *t, unsigned long key)
{
	return (key * GOLDEN_RATIO_64 >> 32) * t->nr_buckets >> 32;
}

/*
 * Is it certain that an object is not there? So it is with nearly all that are freed
 * under a filter, and one word tells it of most. Its own key is there since before the
 * object was passed on to whoever frees it; those of others may change as they are read.
 */
static inline bool track_objects_miss(const struct track_objects *t, unsigned long key)
{
	const struct track_bucket *bucket = &t->buckets[track_objects_home(t, key)];
	const unsigned long *keys = bucket->keys;
	u64 belong = READ_ONCE(bucket->belong);

	static_assert(TRACK_BUCKET_KEYS == 7);
	if (likely(!belong))
		return true;
	return !(belong & TRACK_BELONG_AWAY) && keys[0] != key && keys[1] != key &&
	       keys[2] != key && keys[3] != key && keys[4] != key && keys[5] != key &&
	       keys[6] != key;
}

/* objects.c */
u64 track_objects_bytes(u64 objects);
int track_objects_alloc(struct track_objects *t, u64 objects);
void track_objects_free(struct track_objects *t);
enum track_put track_objects_put(struct track_objects *t, unsigned long key,
				 const struct track_object *object, struct track_object *old);
enum track_take track_objects_take(struct track_objects *t, unsigned long key,
				   struct track_object *object, u32 owed_since);
u32 track_objects_size(const struct track_objects *t, unsigned long key);
u8 track_objects_flags(const struct track_objects *t, unsigned long key);
bool track_objects_read(const struct track_objects *t, u64 n, unsigned long *key,
			struct track_object *object);
void track_objects_flag(struct track_objects *t, u64 n, u8 flags);
void track_objects_move(struct track_objects *t, u64 n, u32 from, u32 to);

#endif /* _MEMDIAG_TRACK_OBJECTS_H */
