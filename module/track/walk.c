// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks without the unwinder, which costs more than all the rest of a probe: what it
 * found once need not be found again.
 *
 * How far it is from a return address on the stack to the next one depends on the
 * code at that address alone, but for the few functions that make room on the stack as
 * they go. So each stack that the unwinder takes teaches these steps, and a walk
 * goes from one to the next by them: one look into a table, and one at the stack.
 *
 * The unwinder tells the addresses and not where they lie: so they are looked for on the
 * stack from its end on, where what an address leads to is not known yet. That may be a
 * copy that has been left there. So a step is taken only when it was seen as often as
 * STEP_SURE can count, each time against what the unwinder said, only to an address that
 * was seen behind it, and only if all others lead on to the last frame. A step that is too
 * wide cannot skip a frame: what called another function was not seen behind this one.
 *
 * The system call's own frame has a size by chance on many kernels; where it leads to is
 * found from the end of the stack. Where this contradicts itself too often, the unwinder is
 * asked for good, and so it is for a stack that is not the task's own. And one walk in so
 * many is compared with what the unwinder says.
 *
 * Code that comes and goes: what is known of the addresses of a module is forgotten
 * before its code runs for the first time. Of other code that is made at run time (BPF,
 * trampolines) nothing is learnt.
 *
 * Context: any, without locks. What is known of a step is one word beside its address; all
 * are written by cmpxchg(), and an address never leaves the table.
 */
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../compat/stack.h"
#include "track.h"

/* Slots to look at. */
#define WALK_PROBES	8u
/* Of stacks that taught nothing so far, one in so many is tried again. */
#define WALK_PATIENCE	16u
/* Bytes of stack that naming an address may need. */
#define WALK_STACK_LEFT	3072u

enum walk_state {
	WALK_NEW,
	/* The next one is so many words on. */
	WALK_FIXED,
	/* It is so many words from the end of the stack. */
	WALK_FROM_END,
	/* There is none. */
	WALK_LAST,
	/* That depends on what is not known here. */
	WALK_UNKNOWN,
};

/* A step in one word, lowest bits first. */
#define STEP_STATE	GENMASK_ULL(2, 0)
/* How often it was seen so, up to all bits set. */
#define STEP_SURE	GENMASK_ULL(5, 3)
#define STEP_SURE_ONE	BIT_ULL(3)
/* How often it turned out to be different, likewise. */
#define STEP_WRONG	GENMASK_ULL(8, 6)
#define STEP_WRONG_ONE	BIT_ULL(6)
#define STEP_ON_SHIFT	9
#define STEP_END_SHIFT	22
/* Words: enough for stacks of 64 KiB. */
#define STEP_WORDS	GENMASK(12, 0)

static enum walk_state step_state(u64 what)
{
	return what & STEP_STATE;
}

static u64 step_hash(unsigned long address)
{
	return address * GOLDEN_RATIO_64;
}

/* Both of them in one word, which no other two have but by a chance that does not come. */
static u64 step_pair(unsigned long address, unsigned long next)
{
	return (step_hash(address) ^ next) * GOLDEN_RATIO_64 | 1;
}

/* Where the next one is, for one that is at @at; 0 if that is not known. */
static __always_inline unsigned long step_next(u64 what, unsigned long at, unsigned long end)
{
	unsigned long next;

	/* Neither is 0, see track_walk_learn(). */
	if (likely(step_state(what) == WALK_FIXED)) {
		next = at + (what >> STEP_ON_SHIFT & STEP_WORDS) * sizeof(long);
		return next < end ? next : 0;
	}
	if (step_state(what) != WALK_FROM_END)
		return 0;
	next = end - (what >> STEP_END_SHIFT & STEP_WORDS) * sizeof(long);
	return next > at ? next : 0;
}

/**
 * track_walk_alloc() - make an empty table
 * @walk: out: the table
 *
 * Return: 0 or -ENOMEM.
 */
int track_walk_alloc(struct track_walk *walk)
{
	walk->steps = memdiag_alloc_pages(sizeof(*walk->steps) << TRACK_WALK_BITS);
	walk->pairs = memdiag_alloc_pages(sizeof(*walk->pairs) << TRACK_WALK_BITS);
	if (walk->steps && walk->pairs)
		return 0;
	track_walk_free(walk);
	return -ENOMEM;
}

/**
 * track_walk_free() - free a table that nobody uses any more
 * @walk: the table; may be empty
 */
void track_walk_free(struct track_walk *walk)
{
	vfree(walk->steps);
	vfree(walk->pairs);
	walk->steps = NULL;
	walk->pairs = NULL;
}

static struct track_step *walk_slot(const struct track_walk *walk, u64 hash, u32 i)
{
	u32 n = hash >> (64 - TRACK_WALK_BITS);

	return &walk->steps[(n + i) & (BIT(TRACK_WALK_BITS) - 1)];
}

static struct track_step *walk_find(const struct track_walk *walk, unsigned long address)
{
	u32 i;

	for (i = 0; i < WALK_PROBES; i++) {
		struct track_step *step = walk_slot(walk, step_hash(address), i);
		unsigned long there = READ_ONCE(step->address);

		if (there == address)
			return step;
		if (!there)
			break;
	}
	return NULL;
}

static u64 *walk_pair_slot(const struct track_walk *walk, u64 pair, u32 i)
{
	return &walk->pairs[((pair >> (64 - TRACK_WALK_BITS)) + i) & (BIT(TRACK_WALK_BITS) - 1)];
}

/* Was @next seen behind a step? Most have but one. */
static __always_inline bool walk_leads_to(const struct track_walk *walk,
					  const struct track_step *step, unsigned long next)
{
	u64 pair, there;
	u32 i;

	if (READ_ONCE(step->next) == next)
		return true;
	pair = step_pair(step->address, next);
	for (i = 0; i < WALK_PROBES; i++) {
		there = READ_ONCE(*walk_pair_slot(walk, pair, i));
		if (there == pair)
			return true;
		if (!there)
			break;
	}
	return false;
}

/* It was. What finds no room is left to the unwinder. */
static void walk_add_pair(struct track_walk *walk, struct track_step *step, unsigned long next)
{
	unsigned long first = cmpxchg(&step->next, 0, next);
	u64 pair = step_pair(step->address, next), there;
	u32 i;

	for (i = 0; first && first != next && i < WALK_PROBES; i++) {
		there = cmpxchg64(walk_pair_slot(walk, pair, i), 0, pair);
		if (!there || there == pair)
			break;
	}
}

/* The end of the stack of the task, if @at lies on that; else 0. */
static unsigned long walk_end(unsigned long at)
{
	unsigned long base = (unsigned long)task_stack_page(current);

	return at - base < THREAD_SIZE ? base + THREAD_SIZE : 0;
}

/*
 * The walk, for both that are below: into @frames, or until one is in the module that
 * @filter asks for, whichever is not NULL.
 */
static __always_inline u32 walk_up(const struct track_walk *walk, unsigned long at,
				   unsigned long *frames, u32 max,
				   const struct track_filter *filter, bool *learn)
{
	unsigned long end = walk_end(at), address;
	const struct track_step *step = NULL;
	u64 what = 0, sure = STEP_SURE;
	u32 nr = 0;

	*learn = false;
	if (!IS_ENABLED(CONFIG_64BIT) || !end)
		return 0;
	for (;;) {
		address = memdiag_stack_word(at);
		if (nr && !walk_leads_to(walk, step, address))
			break;
		if (frames)
			frames[nr] = address;
		else if (track_filter_in_module(filter, address))
			return 0;
		if (++nr == max)
			goto out;
		step = walk_slot(walk, step_hash(address), 0);
		if (READ_ONCE(step->address) != address) {
			step = walk_find(walk, address);
			if (!step) {
				*learn = !READ_ONCE(walk->full);
				return 0;
			}
		}
		what = READ_ONCE(step->what);
		sure &= what;
		if (step_state(what) == WALK_LAST)
			goto out;
		at = step_next(what, at, end);
		if (!at)
			break;
	}
	*learn = step_state(what) != WALK_UNKNOWN;
	return 0;
out:
	*learn = sure != STEP_SURE;
	return *learn ? 0 : nr;
}

/**
 * track_walk() - the frames above one
 * @walk: the table
 * @at: where the return address of that frame lies
 * @frames: out: return addresses, innermost first
 * @max: room in @frames, at least 1
 * @learn: out: a stack by the unwinder may teach something
 *
 * Context: any, preemption off.
 *
 * Return: number of frames; 0 if the way is not known or not sure yet.
 */
u32 track_walk(const struct track_walk *walk, unsigned long at, unsigned long *frames, u32 max,
	       bool *learn)
{
	return walk_up(walk, at, frames, max, NULL, learn);
}

/**
 * track_walk_misses() - is it certain that no frame above one is in the module?
 * @walk: the table
 * @at: where the return address of that frame lies
 * @filter: a filter by module
 *
 * Context: any.
 */
bool track_walk_misses(const struct track_walk *walk, unsigned long at,
		       const struct track_filter *filter)
{
	bool learn;

	return walk_up(walk, at, NULL, TRACK_FRAMES, filter, &learn);
}

/**
 * track_walk_patience() - try a stack that taught nothing so far again?
 * @count: of those of this CPU and context
 */
bool track_walk_patience(u32 *count)
{
	return ++*count % WALK_PATIENCE == 0;
}

/* Is it code that stays, or of a module? Naming is slow; asked once per address. */
static noinline bool walk_stays(unsigned long address)
{
	char text[KSYM_SYMBOL_LEN];

	sprint_symbol(text, address);
	return strncmp(text, "0x", 2) && !strstr(text, "[bpf") && !strstr(text, "[__builtin");
}

static struct track_step *walk_add(struct track_walk *walk, unsigned long address)
{
	struct track_step *step = walk_find(walk, address);
	unsigned long there;
	bool stays;
	u32 i;

	if (step)
		return step;
	stays = walk_stays(address);
	for (i = 0; i < WALK_PROBES; i++) {
		step = walk_slot(walk, step_hash(address), i);
		there = cmpxchg(&step->address, 0, address);
		if (!there && !stays)
			WRITE_ONCE(step->what, WALK_UNKNOWN);
		if (!there || there == address)
			return step;
	}
	WRITE_ONCE(walk->full, true);
	return NULL;
}

/* It was seen again, and is @same as before or not. */
static u64 step_count(u64 old, u64 new, bool same)
{
	u64 wrong = old & STEP_WRONG;

	if (step_state(old) == WALK_NEW)
		return new | STEP_SURE_ONE;
	if (same)
		return new | wrong | ((old & STEP_SURE) == STEP_SURE ?
				      STEP_SURE : (old & STEP_SURE) + STEP_SURE_ONE);
	return wrong == STEP_WRONG ? WALK_UNKNOWN : new | (wrong + STEP_WRONG_ONE) | STEP_SURE_ONE;
}

static u64 step_learn(u64 old, u32 on, u32 to_end)
{
	bool same_on = (old >> STEP_ON_SHIFT & STEP_WORDS) == on;
	bool same_end = (old >> STEP_END_SHIFT & STEP_WORDS) == to_end;
	u64 new = (u64)on << STEP_ON_SHIFT | (u64)to_end << STEP_END_SHIFT;

	switch (step_state(old)) {
	case WALK_FROM_END:
		return step_count(old, new | (same_end ? WALK_FROM_END : WALK_FIXED), same_end);
	case WALK_FIXED:
		if (!same_on && same_end)
			return step_count(old, new | WALK_FROM_END, true);
		return step_count(old, new | WALK_FIXED, same_on);
	default:
		return step_count(old, new | WALK_FIXED, false);
	}
}

static u64 step_learn_last(u64 old)
{
	return step_count(old, WALK_LAST, step_state(old) == WALK_LAST);
}

/* The last place that each frame can have, in words from @at. */
static bool walk_places(unsigned long at, u32 words, const unsigned long *frames, u32 nr,
			u16 *places)
{
	u32 w = words;

	while (nr > 1 && w > 1)
		if (memdiag_stack_word(at + --w * sizeof(long)) == frames[nr - 1])
			places[--nr] = w;
	return nr == 1;
}

/**
 * track_walk_learn() - learn from a stack
 * @walk: the table
 * @at: where the return address of the first frame lies
 * @frames: what the unwinder said, from that frame on
 * @nr: number of frames, at least 1
 * @whole: there are no more of them
 * @places: as many, for its own use
 *
 * Context: any, preemption off.
 */
void track_walk_learn(struct track_walk *walk, unsigned long at, const unsigned long *frames,
		      u32 nr, bool whole, u16 *places)
{
	unsigned long start = at, end = walk_end(at), next = 0;
	u32 words = (end - at) / sizeof(long), k;
	struct track_step *step;
	u64 old, new;

	/* Not all are there if another tracer has put an address of its own in their place. */
	if (!IS_ENABLED(CONFIG_64BIT) || !end || words > STEP_WORDS ||
	    words * sizeof(long) > THREAD_SIZE - WALK_STACK_LEFT ||
	    !walk_places(at, words, frames, nr, places))
		return;
	for (k = 0; k < nr && (k + 1 < nr || whole); k++) {
		step = walk_add(walk, frames[k]);
		if (!step)
			return;
		do {
			old = READ_ONCE(step->what);
			if (k + 1 == nr) {
				new = step_learn_last(old);
				continue;
			}
			next = step_next(old, at, end);
			if (!next || memdiag_stack_word(next) != frames[k + 1])
				next = start + places[k + 1] * sizeof(long);
			if (next <= at)
				return;
			new = step_learn(old, (next - at) / sizeof(long),
					 (end - next) / sizeof(long));
		} while (step_state(old) != WALK_UNKNOWN &&
			 cmpxchg64(&step->what, old, new) != old);
		if (k + 1 < nr)
			walk_add_pair(walk, step, frames[k + 1]);
		at = next;
	}
}

/**
 * track_walk_wrong() - a walk was compared
 * @walk: the table
 * @walked: its frames
 * @nr_walked: number of them
 * @unwound: what the unwinder said
 * @nr_unwound: number of them
 *
 * The step at which they part is not taken any more.
 *
 * Context: any.
 *
 * Return: whether they differ.
 */
bool track_walk_wrong(struct track_walk *walk, const unsigned long *walked, u32 nr_walked,
		      const unsigned long *unwound, u32 nr_unwound)
{
	struct track_step *step;
	u32 k = 0;

	while (k < nr_walked && k < nr_unwound && walked[k] == unwound[k])
		k++;
	if (k == nr_walked && k == nr_unwound)
		return false;
	step = k ? walk_find(walk, walked[k - 1]) : NULL;
	if (step)
		WRITE_ONCE(step->what, WALK_UNKNOWN);
	return true;
}

/**
 * track_walk_forget() - other code will be there
 * @walk: the table
 * @start: the first address of it
 * @size: bytes
 *
 * Context: process, before that code runs, and after what was there has run.
 */
void track_walk_forget(struct track_walk *walk, unsigned long start, unsigned long size)
{
	u32 n;

	for (n = 0; n < BIT(TRACK_WALK_BITS); n++) {
		/* They do not say of which step they are; they are soon seen again. */
		WRITE_ONCE(walk->pairs[n], 0);
		if (READ_ONCE(walk->steps[n].address) - start < size) {
			WRITE_ONCE(walk->steps[n].what, WALK_NEW);
			WRITE_ONCE(walk->steps[n].next, 0);
		}
	}
}
