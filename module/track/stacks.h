/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks and their counters: a table that probes write without a lock. */
#ifndef _MEMDIAG_TRACK_STACKS_H
#define _MEMDIAG_TRACK_STACKS_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/types.h>

struct track_run;

#define TRACK_DEPTH_DEFAULT	16
#define TRACK_DEPTH_MAX		64
/* Frames of the probe and of the allocator, above those that are kept. */
#define TRACK_DEPTH_OWN		12

enum track_stack_state {
	TRACK_STACK_UNUSED,
	/* Objects of this stack are tracked. */
	TRACK_STACK_LIVE,
	/* They are not: memdiag's own, or not of the module asked for. */
	TRACK_STACK_SKIP,
	/* A module of it is unloaded: it has its text, and no more objects come. */
	TRACK_STACK_SEALED,
};

/**
 * struct track_stack - a stack that allocated, or wanted to
 * @allocated: objects allocated
 * @freed: of these freed
 * @allocated_bytes: bytes of @allocated
 * @text: frames by name, once it is sealed; else NULL
 * @hash: of all that identifies it
 * @cache: number of the name of the slab cache; 0 for none
 * @into: the stack that it is merged into; itself if it is not
 * @state: enum track_stack_state
 * @kind: enum track_kind
 * @order: of pages
 * @nr: frames
 * @deep: see struct track_stack_key
 * @dead: sealed: no object ever had it
 * @hidden: sealed: it is not in the hash any more
 * @frames: addresses, innermost first
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
 * @arena: @max stacks, @stride bytes each
 * @slots: by hash: number of a stack plus one; 0 if free, TRACK_SLOT_GONE where a
 *	stack was taken out
 * @nr_slots: a power of two
 * @ring: numbers of stacks to be used again
 * @ring_head: taken from the ring by probes
 * @ring_tail: put into it, under the mutex of the run
 * @used: stacks of the arena that were used at least once
 * @spare: a stack that was taken and not needed, plus one
 * @max: stacks in @arena
 * @depth: frames of a stack
 * @stride: bytes of a stack
 * @bytes: memory of all, less @texts_size
 * @texts: one piece for the texts of stacks that are sealed; NULL as long as there is none
 * @texts_size: bytes of it
 * @texts_used: bytes up to the end of the last text; some may be of no stack any more
 * @text_bytes: bytes of the texts that stacks have
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
 * struct track_stack_key - what a stack is found by
 * @frames: addresses, innermost first
 * @nr: their number, no more than the depth of the table
 * @kind: enum track_kind
 * @order: of pages
 * @deep: the module of the filter has no frame among these, and one behind
 * @cache: number of the name of the slab cache
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
