/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks without the unwinder: the steps it was seen to take. */
#ifndef _MEMDIAG_TRACK_STACK_WALK_H
#define _MEMDIAG_TRACK_STACK_WALK_H

#include <linux/types.h>

struct track_filter;

/**
 * struct track_step - how the unwinder goes on from a return address
 * @address: the return address; 0 of a free slot
 * @rule: where the next one is, see stack_walk.c; 0 if that is not known
 */
struct track_step {
	unsigned long address;
	u64 rule;
};

/**
 * struct track_walk - what the unwinder was seen to do
 * @steps: by hash of the address
 * @stack: a stack that the unwinder is asked on
 * @full: an address found no room
 * @off: no walk is taken: one differed from what the unwinder says, or it cannot be asked
 */
struct track_walk {
	struct track_step *steps;
	unsigned long *stack;
	bool full;
	bool off;
};

#define TRACK_WALK_BITS		13
#define TRACK_WALK_WORDS	2048
/* One walk in so many is compared with what the unwinder says. */
#define TRACK_WALK_COMPARED	1024
#define TRACK_WALK_BYTES	((sizeof(struct track_step) << TRACK_WALK_BITS) + \
				 TRACK_WALK_WORDS * sizeof(long))

/* stack_walk.c */
int track_walk_alloc(struct track_walk *walk);
void track_walk_free(struct track_walk *walk);
u32 track_walk(const struct track_walk *walk, unsigned long at, unsigned long *frames, u32 max,
	       bool *learn);
bool track_walk_misses(const struct track_walk *walk, unsigned long at,
		       const struct track_filter *filter);
void track_walk_learn(struct track_walk *walk, unsigned long at, const unsigned long *frames,
		      u32 nr, char *name);
bool track_walk_wrong(struct track_walk *walk, const unsigned long *walked, u32 nr_walked,
		      const unsigned long *unwound, u32 nr_unwound);
void track_walk_forget(struct track_walk *walk, unsigned long start, unsigned long size);

#endif /* _MEMDIAG_TRACK_STACK_WALK_H */
