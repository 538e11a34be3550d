// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of live objects: address -> stack, size, time. The table has a fixed size, and
 * probes write to it in any context.
 *
 * There are no locks: a probe may interrupt another one on the same CPU, and a free that is lost
 * makes its object look leaked. A put claims a slot by a cmpxchg() of its key to TRACK_KEY_BUSY,
 * writes the slot, and publishes it by the key. Objects never move, so a search that does not
 * find a key proves that the object is not in the table.
 *
 * A bucket has seven keys and struct track_bucket.belong in one cache line. The free of an
 * untracked object, the usual case under a filter, reads that line only.
 *
 * Stale: objects come and go during a walk of the table; a slot that is being written is passed
 * over.
 */
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "track.h"

/* Buckets that an object may lie in, from its home on. */
#define OBJECTS_WINDOW	16u
/* Objects per bucket of seven keys. One object in many millions finds its window full. */
#define OBJECTS_PER_BUCKET	5


static u64 objects_buckets(u64 objects)
{
	return div_u64(objects, OBJECTS_PER_BUCKET) + 1;
}

/**
 * track_objects_bytes() - memory of a table
 * @objects: room, objects
 *
 * Return: bytes.
 */
u64 track_objects_bytes(u64 objects)
{
	return objects_buckets(objects) *
	       (sizeof(struct track_bucket) + TRACK_BUCKET_KEYS * sizeof(struct track_slot));
}

/**
 * track_objects_alloc() - allocate an empty table
 * @t: out: the table
 * @objects: room, objects
 *
 * Return: 0 or -ENOMEM.
 */
int track_objects_alloc(struct track_objects *t, u64 objects)
{
	u64 nr = objects_buckets(objects);

	t->nr_buckets = nr;
	t->bytes = track_objects_bytes(objects);
	t->buckets = memdiag_alloc_pages(nr * sizeof(*t->buckets));
	t->slots = memdiag_alloc_pages(nr * TRACK_BUCKET_KEYS * sizeof(*t->slots));
	/* Keys are addresses: kmemleak would take them for references. */
	kmemleak_no_scan(t->buckets);
	if (t->buckets && t->slots)
		return 0;
	track_objects_free(t);
	return -ENOMEM;
}

/**
 * track_objects_free() - free a table that nobody uses any more
 * @t: the table; may be empty
 */
void track_objects_free(struct track_objects *t)
{
	vfree(t->buckets);
	vfree(t->slots);
	t->buckets = NULL;
	t->slots = NULL;
	t->nr_buckets = 0;
}

static u32 objects_at(const struct track_objects *t, u32 home, u32 distance)
{
	u32 b = home + distance;

	return b < t->nr_buckets ? b : b - t->nr_buckets;
}

static u32 objects_reach(u64 belong)
{
	return belong >> TRACK_BELONG_REACH_SHIFT;
}

static void objects_belong_add(struct track_bucket *home, u32 distance)
{
	u64 old, new;

	do {
		old = READ_ONCE(home->belong);
		new = old + TRACK_BELONG_ONE + (distance ? TRACK_BELONG_AWAY_ONE : 0);
		if (distance > objects_reach(old))
			new = (u32)new | (u64)distance << TRACK_BELONG_REACH_SHIFT;
	} while (cmpxchg64(&home->belong, old, new) != old);
}

/* The reach is reset when the last object away from home is gone. */
static void objects_belong_sub(struct track_bucket *home, u32 distance)
{
	u64 old, new;

	do {
		old = READ_ONCE(home->belong);
		new = old - TRACK_BELONG_ONE - (distance ? TRACK_BELONG_AWAY_ONE : 0);
		if (!(new & TRACK_BELONG_AWAY))
			new = (u32)new;
	} while (cmpxchg64(&home->belong, old, new) != old);
}

static void slot_write(struct track_slot *slot, const struct track_object *object)
{
	WRITE_ONCE(slot->what, object->size | (u64)object->stack << 32 |
			       (u64)object->flags << (32 + TRACK_STACK_BITS));
	WRITE_ONCE(slot->when, object->asked | (u64)object->when << 32);
}

static void slot_unpack(u64 what, u64 when, struct track_object *object)
{
	object->size = what;
	object->stack = what >> 32 & GENMASK(TRACK_STACK_BITS - 1, 0);
	object->flags = what >> (32 + TRACK_STACK_BITS);
	object->asked = when;
	object->when = when >> 32;
}

static void slot_read(const struct track_slot *slot, struct track_object *object)
{
	slot_unpack(READ_ONCE(slot->what), READ_ONCE(slot->when), object);
}

/**
 * track_objects_put() - put an object into the table
 * @t: the table
 * @key: from track_key()
 * @object: the object
 * @old: out: the object that had the same key; only for TRACK_PUT_REPLACED
 *
 * Context: any.
 *
 * Return: enum track_put.
 */
enum track_put track_objects_put(struct track_objects *t, unsigned long key,
				 const struct track_object *object, struct track_object *old)
{
	u32 home = track_objects_home(t, key), window = min(OBJECTS_WINDOW, t->nr_buckets);
	unsigned long *free, seen;
	u32 d, free_d;
	u64 n;
	int i;

again:
	free = NULL;
	free_d = 0;
	n = 0;
	for (d = 0; d < window; d++) {
		u32 b = objects_at(t, home, d);
		struct track_bucket *bucket = &t->buckets[b];

		for (i = 0; i < TRACK_BUCKET_KEYS; i++) {
			seen = READ_ONCE(bucket->keys[i]);
			if (seen == key) {
				struct track_slot *slot = &t->slots[b * 1ull * TRACK_BUCKET_KEYS + i];

				if (cmpxchg(&bucket->keys[i], key, TRACK_KEY_BUSY) != key)
					goto again;
				slot_read(slot, old);
				slot_write(slot, object);
				if (t->owes && track_key_kind(key) == TRACK_SLAB)
					slot->what |= (u64)TRACK_OWED << (32 + TRACK_STACK_BITS);
				/*
				 * Pairs with track_objects_read(): the slot is written before
				 * the key.
				 */
				smp_store_release(&bucket->keys[i], key);
				return TRACK_PUT_REPLACED;
			}
			if (!seen && !free) {
				free = &bucket->keys[i];
				free_d = d;
				n = b * 1ull * TRACK_BUCKET_KEYS + i;
			}
		}
		if (free && d >= objects_reach(READ_ONCE(t->buckets[home].belong)))
			break;
	}
	if (!free)
		return TRACK_PUT_FULL;
	objects_belong_add(&t->buckets[home], free_d);
	if (cmpxchg(free, 0, TRACK_KEY_BUSY)) {
		objects_belong_sub(&t->buckets[home], free_d);
		goto again;
	}
	slot_write(&t->slots[n], object);
	/* Pairs with track_objects_read(): the slot is written before the key. */
	smp_store_release(free, key);
	return TRACK_PUT_NEW;
}

/* Number of the slot that has the key, or -1. */
static s64 objects_find(const struct track_objects *t, unsigned long key, u32 home,
			u32 *distance)
{
	u32 d = 0, reach;
	int i;

	do {
		u32 b = objects_at(t, home, d);
		const struct track_bucket *bucket = &t->buckets[b];

		for (i = 0; i < TRACK_BUCKET_KEYS; i++)
			if (READ_ONCE(bucket->keys[i]) == key) {
				*distance = d;
				return b * 1ll * TRACK_BUCKET_KEYS + i;
			}
		reach = objects_reach(READ_ONCE(t->buckets[home].belong));
	} while (d++ < reach);
	return -1;
}

static unsigned long *objects_key(const struct track_objects *t, u64 n)
{
	return &t->buckets[n / TRACK_BUCKET_KEYS].keys[n % TRACK_BUCKET_KEYS];
}

/* track_slot.what of an object, or 0 if there is none. */
static u64 objects_peek(const struct track_objects *t, unsigned long key)
{
	u32 distance;
	s64 n = objects_find(t, key, track_objects_home(t, key), &distance);

	return n < 0 ? 0 : READ_ONCE(t->slots[n].what);
}

/**
 * track_objects_size() - size of an object
 * @t: the table
 * @key: from track_key()
 *
 * Context: any.
 *
 * Return: bytes, 0 if there is no object.
 */
u32 track_objects_size(const struct track_objects *t, unsigned long key)
{
	return objects_peek(t, key);
}

/**
 * track_objects_flags() - flags of an object
 * @t: the table
 * @key: from track_key()
 *
 * Context: any.
 *
 * Return: TRACK_*, 0 if there is no object.
 */
u8 track_objects_flags(const struct track_objects *t, unsigned long key)
{
	return objects_peek(t, key) >> (32 + TRACK_STACK_BITS);
}

/**
 * track_objects_take() - take an object out of the table
 * @t: the table
 * @key: from track_key()
 * @object: out: the object
 * @owed_since: U32_MAX; or, if the event may belong to the previous object at this address,
 *	the earliest time at which the present one was allocated in that case
 *
 * An object with TRACK_OWED that was allocated at @owed_since or later stays once, for the event
 * is taken for its predecessor's. The object is TRACK_UNSURE from then on.
 *
 * Context: any.
 *
 * Return: enum track_take.
 */
enum track_take track_objects_take(struct track_objects *t, unsigned long key,
				   struct track_object *object, u32 owed_since)
{
	u32 home = track_objects_home(t, key), distance = 0;
	const u64 owed = (u64)TRACK_OWED << (32 + TRACK_STACK_BITS);
	const u64 unsure = (u64)TRACK_UNSURE << (32 + TRACK_STACK_BITS);
	struct track_slot *slot;
	unsigned long *at;
	u64 what;
	s64 n;

	for (;;) {
		n = objects_find(t, key, home, &distance);
		if (n < 0)
			return TRACK_TAKE_NONE;
		slot = &t->slots[n];
		at = objects_key(t, n);
		what = READ_ONCE(slot->what);
		if (what & owed && owed_since != U32_MAX) {
			slot_read(slot, object);
			if ((s32)(object->when - owed_since) >= 0) {
				if (cmpxchg64(&slot->what, what, (what & ~owed) | unsure) == what)
					return TRACK_TAKE_OWED;
				continue;
			}
		}
		if (cmpxchg(at, key, TRACK_KEY_BUSY) == key)
			break;
	}
	slot_read(slot, object);
	/* The slot is read before another probe may claim it. */
	smp_store_release(at, 0);
	objects_belong_sub(&t->buckets[home], distance);
	return TRACK_TAKE_TAKEN;
}

/**
 * track_objects_read() - read a slot
 * @t: the table
 * @n: number of the slot, less than track_objects_room()
 * @key: out: its key
 * @object: out: the object
 *
 * Context: any.
 *
 * Return: whether the slot has an object.
 */
bool track_objects_read(const struct track_objects *t, u64 n, unsigned long *key,
			struct track_object *object)
{
	const struct track_slot *slot = &t->slots[n];
	const unsigned long *at = objects_key(t, n);
	u64 what, when;

	do {
		/* Pairs with track_objects_put(). */
		*key = smp_load_acquire(at);
		if (!*key || *key == TRACK_KEY_BUSY)
			return false;
		what = READ_ONCE(slot->what);
		when = READ_ONCE(slot->when);
		/* Read the key again: another object may have got the slot. */
		smp_rmb();
	} while (READ_ONCE(*at) != *key || READ_ONCE(slot->what) != what);
	slot_unpack(what, when, object);
	return true;
}

/**
 * track_objects_flag() - set flags of an object
 * @t: the table, which probes no longer write to
 * @n: number of its slot
 * @flags: TRACK_* to set
 */
void track_objects_flag(struct track_objects *t, u64 n, u8 flags)
{
	t->slots[n].what |= (u64)flags << (32 + TRACK_STACK_BITS);
}

/**
 * track_objects_move() - give an object to another stack
 * @t: the table
 * @n: number of its slot
 * @from: number of the stack that it must have
 * @to: number of the stack that it gets
 *
 * A probe may take the object out meanwhile, and account the free to either stack.
 */
void track_objects_move(struct track_objects *t, u64 n, u32 from, u32 to)
{
	struct track_slot *slot = &t->slots[n];
	u64 old, new;

	do {
		old = READ_ONCE(slot->what);
		if ((old >> 32 & GENMASK(TRACK_STACK_BITS - 1, 0)) != from)
			return;
		new = old ^ (u64)(from ^ to) << 32;
	} while (cmpxchg64(&slot->what, old, new) != old);
}
