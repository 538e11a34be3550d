/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks without the unwinder, by rules learnt from it. */
#ifndef _MEMDIAG_TRACK_STACK_WALK_H
#define _MEMDIAG_TRACK_STACK_WALK_H

#include <linux/types.h>

struct track_filter;

/**
 * struct track_step - how the unwinder leaves one frame
 * @address: return address that identifies the frame; 0 for a free slot
 * @rule: where the caller's frame is, see stack_walk.c; 0 if not known
 */
struct track_step {
	unsigned long address;
	u64 rule;
};

/**
 * struct track_walk - the rules
 * @steps: hash table by return address
 * @stack: an artificial stack on which the unwinder is asked for a rule
 * @full: an address found no free slot
 * @off: no more walks: one differed from the unwinder, or rules cannot be had
 */
struct track_walk {
	struct track_step *steps;
	unsigned long *stack;
	bool full;
	bool off;
};

#define TRACK_WALK_BITS		13
#define TRACK_WALK_WORDS	2048
/* One walk in TRACK_WALK_COMPARED is compared with the unwinder. */
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
