// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of stacks: frames, kind, cache or order -> number, with exact counters. The table
 * has a fixed size, and probes write to it in any context.
 *
 * There are no locks: a probe fills in a stack that no other probe can find, and publishes it by
 * a cmpxchg() of a hash slot. If two CPUs add one stack at once, the second finds the first
 * one's, as both walk one chain. A concurrent track_stacks_hide() may free a slot earlier in
 * that chain; then both add the stack, and the report has two records.
 *
 * names.c removes a stack in two steps. First it hides the stack from probes. After a grace
 * period no object and no probe refers to the stack, and its number goes into a ring. Probes
 * take numbers from the ring first. The ring has room for all stacks, so an entry is overwritten
 * only after it was taken.
 */
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "track.h"

/* Most slots that a search reads. There are twice as many slots as stacks, so chains are short. */
#define STACKS_PROBES	64u

static u32 stacks_stride(u32 depth)
{
	return sizeof(struct track_stack) + depth * sizeof(unsigned long);
}

static u32 stacks_slots(u32 stacks)
{
	return roundup_pow_of_two(2 * stacks);
}

/**
 * track_stacks_bytes() - memory of a table
 * @stacks: room, stacks
 * @depth: most frames of a stack
 *
 * Return: bytes.
 */
u64 track_stacks_bytes(u32 stacks, u32 depth)
{
	return (u64)stacks * (stacks_stride(depth) + sizeof(u32)) +
	       (u64)stacks_slots(stacks) * sizeof(u32);
}

/**
 * track_stacks_alloc() - allocate an empty table
 * @t: out: the table
 * @stacks: room, 1 to 2^TRACK_STACK_BITS
 * @depth: most frames of a stack
 *
 * Return: 0 or -ENOMEM.
 */
int track_stacks_alloc(struct track_stacks *t, u32 stacks, u32 depth)
{
	memset(t, 0, sizeof(*t));
	t->max = stacks;
	t->depth = depth;
	t->stride = stacks_stride(depth);
	t->nr_slots = stacks_slots(stacks);
	t->bytes = track_stacks_bytes(stacks, depth);
	t->arena = memdiag_alloc_pages((u64)stacks * t->stride);
	t->slots = memdiag_alloc_pages((u64)t->nr_slots * sizeof(u32));
	t->ring = memdiag_alloc_pages((u64)stacks * sizeof(u32));
	if (t->arena && t->slots && t->ring)
		return 0;
	track_stacks_free(t);
	return -ENOMEM;
}

/**
 * track_stacks_free() - free a table that nobody uses any more
 * @t: the table; may be empty
 */
void track_stacks_free(struct track_stacks *t)
{
	vfree(t->texts);
	vfree(t->arena);
	vfree(t->slots);
	vfree(t->ring);
	memset(t, 0, sizeof(*t));
}

static u32 stacks_hash(const struct track_stack_key *key)
{
	u64 hash = key->cache ^ (u32)key->kind << 16 ^ (u32)key->order << 24 ^
		   (u32)key->deep << 31;
	u32 i;

	for (i = 0; i < key->nr; i++) {
		hash = (hash ^ key->frames[i]) * GOLDEN_RATIO_64;
		hash ^= hash >> 32;
	}
	return hash;
}

/* Replaces memcmp(), which compares byte by byte on some kernels. */
static bool stack_same(const unsigned long *a, const unsigned long *b, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static bool stack_is(const struct track_stack *stack, const struct track_stack_key *key,
		     u32 hash)
{
	return stack->hash == hash && stack->nr == key->nr && stack->kind == key->kind &&
	       stack->order == key->order && stack->cache == key->cache &&
	       stack->deep == key->deep &&
	       READ_ONCE(stack->state) != TRACK_STACK_SEALED &&
	       stack_same(stack->frames, key->frames, key->nr);
}

/**
 * track_stacks_find() - look a stack up
 * @t: the table
 * @key: the stack
 * @hash: out: hash of @key, for track_stacks_add()
 *
 * Context: any, preemption off.
 *
 * Return: number of the stack, or TRACK_NO_STACK.
 */
u32 track_stacks_find(struct track_stacks *t, const struct track_stack_key *key, u32 *hash)
{
	u32 i, n;

	*hash = stacks_hash(key);
	for (i = 0; i < STACKS_PROBES; i++) {
		n = READ_ONCE(t->slots[(*hash + i) & (t->nr_slots - 1)]);
		if (!n)
			break;
		if (n != TRACK_SLOT_GONE && stack_is(track_stack(t, n - 1), key, *hash))
			return n - 1;
	}
	return TRACK_NO_STACK;
}

/**
 * track_stacks_full() - whether the table has no room for another stack
 * @t: the table
 *
 * Context: any.
 *
 * Return: a snapshot: a concurrent probe may change it.
 */
bool track_stacks_full(const struct track_stacks *t)
{
	return atomic_read(&t->used) >= t->max && !READ_ONCE(t->spare) &&
	       READ_ONCE(t->ring_head) == READ_ONCE(t->ring_tail);
}

/* Number of an unused stack, or TRACK_NO_STACK. */
static u32 stacks_take(struct track_stacks *t)
{
	u32 n = xchg(&t->spare, 0), head;

	if (n)
		return n - 1;
	for (;;) {
		head = READ_ONCE(t->ring_head);
		/* Pairs with track_stacks_reuse(): the entry is read after the tail. */
		if (head == smp_load_acquire(&t->ring_tail))
			break;
		n = READ_ONCE(t->ring[head % t->max]);
		if (cmpxchg(&t->ring_head, head, head + 1) == head)
			return n;
	}
	/* Checked first, so that the counter cannot wrap around. */
	if (atomic_read(&t->used) >= t->max)
		return TRACK_NO_STACK;
	n = atomic_fetch_inc(&t->used);
	return n < t->max ? n : TRACK_NO_STACK;
}

static void stack_fill(struct track_stacks *t, u32 n, const struct track_stack_key *key,
		       u32 hash, enum track_stack_state state)
{
	struct track_stack *stack = track_stack(t, n);

	atomic64_set(&stack->allocated, 0);
	atomic64_set(&stack->freed, 0);
	atomic64_set(&stack->allocated_bytes, 0);
	stack->text = NULL;
	stack->hash = hash;
	stack->cache = key->cache;
	stack->into = n;
	stack->kind = key->kind;
	stack->order = key->order;
	stack->nr = key->nr;
	stack->deep = key->deep;
	stack->dead = false;
	stack->hidden = false;
	memcpy(stack->frames, key->frames, key->nr * sizeof(long));
	/* Pairs with walks of the arena, as in report_stacks(). */
	smp_store_release(&stack->state, state);
}

/**
 * track_stacks_add() - add a stack that track_stacks_find() did not find
 * @t: the table
 * @key: the stack
 * @hash: from track_stacks_find()
 * @state: TRACK_STACK_LIVE or TRACK_STACK_SKIP
 *
 * Context: any, preemption off.
 *
 * Return: number of the stack, which another CPU may have added meanwhile; TRACK_NO_STACK if
 * there is no room.
 */
u32 track_stacks_add(struct track_stacks *t, const struct track_stack_key *key, u32 hash,
		     enum track_stack_state state)
{
	u32 i, seen, n = TRACK_NO_STACK, found = TRACK_NO_STACK;

	/* A longer chain does not occur by chance. */
	for (i = 0; i < STACKS_PROBES; i++) {
		u32 *slot = &t->slots[(hash + i) & (t->nr_slots - 1)];

		seen = READ_ONCE(*slot);
		if (!seen || seen == TRACK_SLOT_GONE) {
			if (n == TRACK_NO_STACK) {
				n = stacks_take(t);
				if (n == TRACK_NO_STACK)
					return n;
				stack_fill(t, n, key, hash, state);
			}
			if (cmpxchg(slot, seen, n + 1) == seen)
				return n;
			/* Another probe took the slot. */
			seen = READ_ONCE(*slot);
		}
		if (seen && seen != TRACK_SLOT_GONE &&
		    stack_is(track_stack(t, seen - 1), key, hash)) {
			found = seen - 1;
			break;
		}
	}
	if (n != TRACK_NO_STACK) {
		WRITE_ONCE(track_stack(t, n)->state, TRACK_STACK_UNUSED);
		/* One spare is kept; a second one stays unused until the end of the run. */
		cmpxchg(&t->spare, 0, n + 1);
	}
	return found;
}

/**
 * track_stacks_hide() - take a stack out of the hash
 * @t: the table
 * @n: number of a stack that is TRACK_STACK_SEALED since a grace period
 *
 * Context: process, under track_lock.
 */
void track_stacks_hide(struct track_stacks *t, u32 n)
{
	u32 i, hash = track_stack(t, n)->hash;

	for (i = 0; i < STACKS_PROBES; i++)
		if (cmpxchg(&t->slots[(hash + i) & (t->nr_slots - 1)], n + 1,
			    TRACK_SLOT_GONE) == n + 1)
			return;
}

/**
 * track_stacks_reuse() - let probes use the number for another stack
 * @t: the table
 * @n: number of a stack that is hidden since a grace period and has no objects
 *
 * Context: process, under track_lock.
 */
void track_stacks_reuse(struct track_stacks *t, u32 n)
{
	struct track_stack *stack = track_stack(t, n);

	stack->text = NULL;
	WRITE_ONCE(stack->state, TRACK_STACK_UNUSED);
	t->ring[t->ring_tail % t->max] = n;
	/* Pairs with stacks_take(): the entry is written before the tail. */
	smp_store_release(&t->ring_tail, t->ring_tail + 1);
}

/**
 * track_clear_sums() - zero the sums of all stacks
 * @run: the run
 *
 * Context: may sleep, under track_lock.
 */
void track_clear_sums(struct track_run *run)
{
	u32 n;

	for (n = 0; n < run->stacks.max; n++) {
		if (n % TRACK_BATCH == 0)
			cond_resched();
		memset(&run->sums[n], 0, sizeof(run->sums[n]));
	}
}
