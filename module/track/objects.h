/* SPDX-License-Identifier: GPL-2.0-only */
/* Live objects by address, in a table that probes write without a lock. */
#ifndef _MEMDIAG_TRACK_OBJECTS_H
#define _MEMDIAG_TRACK_OBJECTS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/types.h>

/* The two low bits of a key. Addresses of all kinds are multiples of four. */
enum track_kind {
	TRACK_SLAB,
	TRACK_PAGES,
	TRACK_PERCPU,
	TRACK_NR_KINDS
};

#define TRACK_KIND_MASK		3ul

/* Flags of an object. */
/* Pages of order 1 or more that are not compound: they may be freed in parts. */
#define TRACK_BLOCK		BIT(0)
/* A rest of a TRACK_BLOCK object that was freed in part; another rest counts as the object. */
#define TRACK_PART		BIT(1)
/* The free event of the object that was here before may still come. */
#define TRACK_OWED		BIT(2)
/* The object may have been freed already. */
#define TRACK_UNSURE		BIT(3)
/* The page of the object showed at the stop that it was freed without an event. */
#define TRACK_GONE		BIT(4)
/* Pages that became a slab; the objects on the slab are reported instead. */
#define TRACK_OF_SLAB		BIT(5)

#define TRACK_STACK_BITS	24

/**
 * struct track_object - a live object
 * @stack: number of its stack
 * @size: bytes taken from the allocator
 * @asked: bytes asked for; 0 if not known
 * @when: jiffies from the start of the run to the allocation
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

/*
 * An object's home is the bucket that its key hashes to. track_bucket.belong has, for a home:
 * its objects, those of them that lie in later buckets, and the farthest distance of these.
 */
#define TRACK_BELONG_ONE	1ull
#define TRACK_BELONG_AWAY_ONE	BIT_ULL(16)
#define TRACK_BELONG_AWAY	GENMASK_ULL(31, 16)
#define TRACK_BELONG_REACH_SHIFT	32

/**
 * struct track_bucket - keys of seven objects, in one cache line
 * @belong: objects whose home is here: TRACK_BELONG_*
 * @keys: from track_key(); 0 if free, TRACK_KEY_BUSY while the slot is written
 */
struct track_bucket {
	u64 belong;
	unsigned long keys[TRACK_BUCKET_KEYS];
} ____cacheline_aligned;

#define TRACK_KEY_BUSY		(~0ul)

/**
 * struct track_slot - struct track_object, packed
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
 * @slots: the objects, TRACK_BUCKET_KEYS per bucket
 * @nr_buckets: number of buckets
 * @owes: free events may come late; an object that replaces another gets TRACK_OWED
 * @bytes: memory of both arrays
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
 * True if the table surely has no such object. One cache line decides, for under a filter
 * nearly every freed object is untracked. No lock is needed: whoever frees an object got its
 * address from the allocating code, after track_objects_put() published the key.
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
