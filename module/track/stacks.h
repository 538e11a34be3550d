/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks and their counters, in a table that probes write without a lock. */
#ifndef _MEMDIAG_TRACK_STACKS_H
#define _MEMDIAG_TRACK_STACKS_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/types.h>

struct track_run;

#define TRACK_DEPTH_DEFAULT	16
#define TRACK_DEPTH_MAX		64
/* Frames of the probe and the allocator, which are cut off. */
#define TRACK_DEPTH_OWN		12

enum track_stack_state {
	TRACK_STACK_UNUSED,
	/* Objects of this stack are tracked. */
	TRACK_STACK_LIVE,
	/* Objects are not tracked: memdiag allocates them, or not the module of the filter. */
	TRACK_STACK_SKIP,
	/* A module of this stack is unloaded. The names are kept, and no object is added. */
	TRACK_STACK_SEALED,
};

/**
 * struct track_stack - a stack that allocated
 * @allocated: objects allocated
 * @freed: objects of @allocated that were freed
 * @allocated_bytes: bytes of @allocated
 * @text: names of the frames of a sealed stack; else NULL
 * @hash: of the key
 * @cache: number of the slab cache's name; 0 for none
 * @into: number of the stack that this one is merged into; else its own number
 * @state: enum track_stack_state
 * @kind: enum track_kind
 * @order: of pages
 * @nr: number of frames
 * @deep: see struct track_stack_key
 * @dead: sealed, and was TRACK_STACK_SKIP before: has no objects
 * @hidden: sealed, and taken out of the hash
 * @frames: return addresses, innermost first
 */
struct track_stack {
	atomic64_t allocated;
	atomic64_t freed;
	atomic64_t allocated_bytes;
	char *text;
	u32 hash;
	u32 cache;
	u32 into;
	u8 state;
	u8 kind;
	u8 order;
	u8 nr;
	bool deep;
	bool dead;
	bool hidden;
	unsigned long frames[];
};

/**
 * struct track_stacks - the table of stacks
 * @arena: @max stacks of @stride bytes
 * @slots: hash table: number of a stack plus one; 0 if free, TRACK_SLOT_GONE after a stack
 *	was taken out
 * @nr_slots: slots, a power of two
 * @ring: numbers of stacks that may be reused
 * @ring_head: entries that probes have taken
 * @ring_tail: entries that were added, under track_lock
 * @used: stacks of the arena that were ever used; may exceed @max
 * @spare: number of a stack that was taken and not needed, plus one; 0 for none
 * @max: stacks in @arena
 * @depth: most frames of a stack
 * @stride: bytes of a stack
 * @bytes: memory of the table without @texts_size
 * @texts: texts of all sealed stacks; NULL before the first
 * @texts_size: bytes of @texts
 * @texts_used: bytes of @texts in use, dropped texts included
 * @text_bytes: bytes of the texts that stacks refer to
 */
struct track_stacks {
	void *arena;
	u32 *slots;
	u32 nr_slots;
	u32 *ring;
	u32 ring_head;
	u32 ring_tail;
	atomic_t used;
	u32 spare;
	u32 max;
	u32 depth;
	u32 stride;
	u64 bytes;
	char *texts;
	size_t texts_size;
	size_t texts_used;
	size_t text_bytes;
};

#define TRACK_SLOT_GONE		(~0u)
#define TRACK_NO_STACK		(~0u)

/**
 * struct track_stack_key - identifies a stack
 * @frames: return addresses, innermost first
 * @nr: frames, at most the depth of the table
 * @kind: enum track_kind
 * @order: of pages
 * @deep: the filter's module has no frame in @frames, but one in the frames cut off
 * @cache: number of the slab cache's name
 */
struct track_stack_key {
	const unsigned long *frames;
	u32 nr;
	u8 kind;
	u8 order;
	bool deep;
	u32 cache;
};

static inline struct track_stack *track_stack(const struct track_stacks *t, u32 n)
{
	return t->arena + (size_t)n * t->stride;
}

static inline u32 track_stacks_used(const struct track_stacks *t)
{
	return min_t(u32, atomic_read(&t->used), t->max);
}

/* stacks.c */
u64 track_stacks_bytes(u32 stacks, u32 depth);
int track_stacks_alloc(struct track_stacks *t, u32 stacks, u32 depth);
void track_stacks_free(struct track_stacks *t);
u32 track_stacks_find(struct track_stacks *t, const struct track_stack_key *key, u32 *hash);
bool track_stacks_full(const struct track_stacks *t);
u32 track_stacks_add(struct track_stacks *t, const struct track_stack_key *key, u32 hash,
		     enum track_stack_state state);
void track_stacks_hide(struct track_stacks *t, u32 n);
void track_stacks_reuse(struct track_stacks *t, u32 n);
void track_clear_sums(struct track_run *run);

#endif /* _MEMDIAG_TRACK_STACKS_H */
