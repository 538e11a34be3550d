// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks without the unwinder, which costs more than all the rest of a probe.
 *
 * A walk does what the unwinder does, with what the unwinder has been seen to do. The ORC
 * unwinder looks up one entry of a table per frame, by the return address alone. The entry
 * says where the caller's frame is: so many bytes from the stack pointer, or from the frame
 * pointer; and where the frame pointer was saved. Looking the entry up is what takes the time.
 * Here its contents are kept in one word beside the return address: a rule.
 *
 * A rule is not guessed from what lies on a stack, where an address may be a copy that was left
 * behind. The unwinder is asked instead: it takes one step from the return address on a stack
 * of our own, twice, with the frame pointer at two places. Every word of that stack is
 * different, so what the unwinder read tells the place that it read from. What
 * moves with the frame pointer is counted from that, what does not from the stack pointer. All
 * other answers make no rule, and a walk that needs one is given up: registers
 * of an interrupted function, frames on two stacks, code that the unwinder has to guess at.
 *
 * So a walk reads the very words that the unwinder would read. This is not all that
 * the report relies on:
 *
 *  - Rules are made only for return addresses that the unwinder has reported, at the place
 *    where it stands, and not for the start of a function: tracers put such addresses
 *    in the place of others, which only the unwinder finds again.
 *  - The table of stacks has only what the unwinder itself has said. A walk that leads to a
 *    stack which is not there is thrown away, and the unwinder is asked (probe.c).
 *  - The whole walk of a stack is compared with the unwinder by the start, and one walk in
 *    TRACK_WALK_COMPARED after that, and each that was thrown away. If one differs,
 *    something here is not as the kernel does it: then no walk is taken any more in this run.
 *
 * What remains: a walk that differs although all this holds, and ends at a stack that the table
 * has, is believed until one is compared. No such walk is known.
 *
 * Code that comes and goes: what is known of the addresses of a module is forgotten when
 * it is loaded, when its init has run, and when it has gone. Of other code that is made at run
 * time (BPF, trampolines) nothing is learnt.
 *
 * Context: any, without locks. All that write the rule of an address write the same one;
 * it is one word, and an address never leaves the table.
 */
#include <linux/bitfield.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../compat/stack.h"
#include "../compat/unwind.h"
#include "track.h"

/* Slots to look at. */
#define WALK_PROBES	8u
/* Bytes of stack that a lesson may need: naming an address, and the unwinder. */
#define WALK_STACK_LEFT	3072u

enum walk_kind {
	/* Nothing is known yet. */
	WALK_NEW,
	/* The caller's frame is so many words from the stack pointer... */
	WALK_FROM_SP,
	/* ... or from the frame pointer... */
	WALK_FROM_BP,
	/* ... or where a word says that is so many from the frame pointer. */
	WALK_AT_BP,
	/* The kernel was entered here: registers are so many words from the stack pointer. */
	WALK_REGS,
	/* No frame is above, as at the start of a kernel thread. */
	WALK_END,
	/* An interrupt was entered here: what is above had nothing to do with it. */
	WALK_CUT,
	/* The unwinder has to say it. */
	WALK_ASK,
};

/* A rule in one word. */
#define RULE_KIND	GENMASK_ULL(3, 0)
/* The frame pointer was saved: so many words from the caller's frame, or from itself... */
#define RULE_SAVED	BIT_ULL(4)
#define RULE_SAVED_BP	BIT_ULL(5)
/* ... else it is as it was. */
#define RULE_BP		GENMASK_ULL(47, 32)
/* Words, signed, as are those of RULE_BP: see enum walk_kind. */
#define RULE_FRAME	GENMASK_ULL(31, 16)

/*
 * The stack that the unwinder is asked on. A frame may lie in its lower half, where each
 * word is the address of one in the upper half: so a frame there was read from a word.
 */
#define ASK_HALF	(TRACK_WALK_WORDS / 2)
/* Places in the lower half: of the stack pointer... */
#define ASK_SP		16
/* ... and two of the frame pointer. */
#define ASK_BP		512
#define ASK_BP_MOVED	605
/* A word of the upper half: no address of anything. */
#define ASK_WORD(n)	(0x4d454d4449410000ul + (n))

static enum walk_kind rule_kind(u64 rule)
{
	return rule & RULE_KIND;
}

static __always_inline long rule_frame(u64 rule)
{
	return (s16)FIELD_GET(RULE_FRAME, rule) * (long)sizeof(long);
}

static __always_inline long rule_bp(u64 rule)
{
	return (s16)FIELD_GET(RULE_BP, rule) * (long)sizeof(long);
}

static u64 rule_make(enum walk_kind kind, int frame)
{
	return kind | FIELD_PREP(RULE_FRAME, (u16)frame);
}

/* --- asking the unwinder ---------------------------------------------------- */

/**
 * struct walk_answer - what the unwinder did on our stack, in words from its start
 * @to: as it told
 * @frame: where the caller's frame is, or the registers
 * @bp: where the frame pointer was read; -1 if it was not
 */
struct walk_answer {
	struct memdiag_unwound to;
	int frame;
	int bp;
};

static unsigned long ask_word(const unsigned long *stack, int n)
{
	return n < ASK_HALF ? (unsigned long)(stack + ASK_HALF + n) : ASK_WORD(n);
}

/* The word of our stack that has this value; -1 if none has. */
static int ask_place(const unsigned long *stack, unsigned long value)
{
	unsigned long n = (value - (unsigned long)(stack + ASK_HALF)) / sizeof(long);

	if (n >= ASK_HALF || value % sizeof(long))
		n = value - ASK_WORD(0);
	return n < TRACK_WALK_WORDS && ask_word(stack, n) == value ? n : -1;
}

static bool ask(const unsigned long *stack, unsigned long address, int bp,
		struct walk_answer *answer)
{
	unsigned long start = (unsigned long)stack, at_bp = (unsigned long)(stack + bp);
	struct memdiag_unwound *to = &answer->to;

	answer->frame = 0;
	answer->bp = -1;
	if (!memdiag_unwind_step(address, (unsigned long)(stack + ASK_SP), at_bp, stack,
				 TRACK_WALK_WORDS, to))
		return false;
	if (to->ends)
		return true;
	if (to->sp - start > TRACK_WALK_WORDS * sizeof(long) || to->sp % sizeof(long))
		return false;
	answer->frame = (to->sp - start) / sizeof(long);
	if (to->regs)
		return true;
	if (to->bp != at_bp) {
		answer->bp = ask_place(stack, to->bp);
		if (answer->bp < 0)
			return false;
	}
	/* The return address lies right below the frame. */
	return answer->frame && ask_place(stack, to->address) == answer->frame - 1;
}

/* Where the caller's frame is; 0 for no rule. */
static u64 ask_frame(int one, int two, bool regs)
{
	if (one == two && one < ASK_HALF && one >= ASK_SP + !regs)
		return rule_make(regs ? WALK_REGS : WALK_FROM_SP, one - ASK_SP);
	/* The frame pointer is told apart from the stack pointer by how it moves. */
	if (regs || one - ASK_BP != two - ASK_BP_MOVED)
		return 0;
	if (one < ASK_HALF && two < ASK_HALF)
		return rule_make(WALK_FROM_BP, one - ASK_BP);
	if (one >= ASK_HALF && two >= ASK_HALF)
		return rule_make(WALK_AT_BP, one - ASK_HALF - ASK_BP);
	return 0;
}

/*
 * The rule of an address, from what the unwinder did with the frame pointer at one place and
 * at another.
 */
static u64 ask_compare(const struct walk_answer *one, const struct walk_answer *two)
{
	u64 rule;

	if (one->to.ends != two->to.ends || one->to.regs != two->to.regs)
		return WALK_ASK;
	if (one->to.ends)
		return WALK_END;
	rule = ask_frame(one->frame, two->frame, one->to.regs);
	if (!rule)
		return WALK_ASK;
	/* The frame pointer is of no use at the end, or is as it was. */
	if (one->to.regs || (one->bp < 0 && two->bp < 0))
		return rule;
	if (one->bp < 0 || two->bp < 0)
		return WALK_ASK;
	if (one->bp - ASK_BP == two->bp - ASK_BP_MOVED)
		return rule | RULE_SAVED_BP | FIELD_PREP(RULE_BP, (u16)(one->bp - ASK_BP));
	if (one->bp - one->frame == two->bp - two->frame)
		return rule | RULE_SAVED | FIELD_PREP(RULE_BP, (u16)(one->bp - one->frame));
	return WALK_ASK;
}

static noinline u64 walk_ask(const struct track_walk *walk, unsigned long address)
{
	unsigned long twice[2] = { address, address };
	struct walk_answer one, two;

	if (memdiag_stack_cut_irq(twice, 2) == 1)
		return WALK_CUT;
	if (!ask(walk->stack, address, ASK_BP, &one) ||
	    !ask(walk->stack, address, ASK_BP_MOVED, &two))
		return WALK_ASK;
	return ask_compare(&one, &two);
}

/*
 * Is it code that stays, or of a module, and behind a call of the same function? Naming is
 * slow; it is asked once per address.
 */
static noinline bool walk_stays(unsigned long address, char *name)
{
	sprint_symbol(name, address);
	return strncmp(name, "0x", 2) && !strstr(name, "+0x0/") && !strstr(name, "[bpf") &&
	       !strstr(name, "[__builtin");
}

/* --- the table -------------------------------------------------------------- */

static u64 step_hash(unsigned long address)
{
	return address * GOLDEN_RATIO_64;
}

static struct track_step *walk_slot(const struct track_walk *walk, u64 hash, u32 i)
{
	u32 n = hash >> (64 - TRACK_WALK_BITS);

	return &walk->steps[(n + i) & (BIT(TRACK_WALK_BITS) - 1)];
}

/* The rule of an address; WALK_NEW if there is none. */
static __always_inline u64 walk_rule(const struct track_walk *walk, unsigned long address)
{
	u64 hash = step_hash(address);
	u32 i;

	for (i = 0; i < WALK_PROBES; i++) {
		const struct track_step *step = walk_slot(walk, hash, i);
		unsigned long there = READ_ONCE(step->address);

		if (likely(there == address))
			return READ_ONCE(step->rule);
		if (!there)
			break;
	}
	return WALK_NEW;
}

/* False if there is no room. */
static bool walk_add(struct track_walk *walk, unsigned long address, u64 rule)
{
	unsigned long there;
	u32 i;

	for (i = 0; i < WALK_PROBES; i++) {
		struct track_step *step = walk_slot(walk, step_hash(address), i);

		there = cmpxchg(&step->address, 0, address);
		if (!there || there == address) {
			WRITE_ONCE(step->rule, rule);
			return true;
		}
	}
	WRITE_ONCE(walk->full, true);
	return false;
}

/* --- walks ------------------------------------------------------------------ */

/**
 * struct walk_place - where a walk stands
 * @at: where the return address lies; the stack pointer is behind it
 * @bp: the frame pointer
 * @end: of the stack
 */
struct walk_place {
	unsigned long at;
	unsigned long bp;
	unsigned long end;
};

/* Below the return address of the probe lies the frame pointer of who called it. */
static __always_inline bool walk_start(struct walk_place *place, unsigned long at)
{
	unsigned long base = (unsigned long)task_stack_page(current);

	if (at - base - sizeof(long) >= THREAD_SIZE - sizeof(long))
		return false;
	place->at = at;
	place->end = base + THREAD_SIZE;
	place->bp = memdiag_stack_word(at - sizeof(long));
	return true;
}

enum walk_went {
	/* To the next frame. */
	WALK_ON,
	/* There is none. */
	WALK_DONE,
	/* That is not known. */
	WALK_LOST,
};

/* Is it a word of the stack, above the place? */
static __always_inline bool walk_is_above(const struct walk_place *place, unsigned long at)
{
	return at - place->at - 1 < place->end - place->at - sizeof(long) && at % sizeof(long) == 0;
}

/* As unwind_next_frame() goes by such an entry. */
static __always_inline enum walk_went walk_next(struct walk_place *place, u64 rule)
{
	unsigned long sp = place->at + sizeof(long), frame, saved, word;

	switch (rule_kind(rule)) {
	case WALK_FROM_SP:
		frame = sp + rule_frame(rule);
		break;
	case WALK_FROM_BP:
		frame = place->bp + rule_frame(rule);
		break;
	case WALK_AT_BP:
		word = place->bp + rule_frame(rule);
		if (!walk_is_above(place, word))
			return WALK_LOST;
		frame = memdiag_stack_word(word);
		break;
	case WALK_REGS:
		frame = sp + rule_frame(rule);
		/* Those of an interrupted function of the kernel are another frame. */
		return frame < place->end && place->end - frame >= MEMDIAG_UNWIND_REGS &&
		       memdiag_unwind_is_user(frame) ? WALK_DONE : WALK_LOST;
	case WALK_END:
	case WALK_CUT:
		return WALK_DONE;
	default:
		return WALK_LOST;
	}
	if (unlikely(!walk_is_above(place, frame - sizeof(long))))
		return WALK_LOST;
	if (rule & (RULE_SAVED | RULE_SAVED_BP)) {
		saved = (rule & RULE_SAVED ? frame : place->bp) + rule_bp(rule);
		if (unlikely(!walk_is_above(place, saved)))
			return WALK_LOST;
		place->bp = memdiag_stack_word(saved);
	}
	place->at = frame - sizeof(long);
	return WALK_ON;
}

/*
 * The walk, for both that are below: into @frames, or until one is in the module that
 * @filter asks for, whichever is not NULL.
 */
static __always_inline u32 walk_up(const struct track_walk *walk, unsigned long at,
				   unsigned long *frames, u32 max,
				   const struct track_filter *filter, bool *learn)
{
	struct walk_place place;
	unsigned long address;
	u32 nr = 0;
	u64 rule;

	*learn = false;
	if (READ_ONCE(walk->off) || !walk_start(&place, at))
		return 0;
	for (;;) {
		address = memdiag_stack_word(place.at);
		rule = walk_rule(walk, address);
		if (!rule) {
			*learn = !READ_ONCE(walk->full);
			return 0;
		}
		if (frames)
			frames[nr] = address;
		else if (track_filter_in_module(filter, address))
			return 0;
		if (++nr == max)
			return nr;
		switch (walk_next(&place, rule)) {
		case WALK_ON:
			break;
		case WALK_DONE:
			return nr;
		case WALK_LOST:
			return 0;
		}
	}
}

/**
 * track_walk() - the frames above one
 * @walk: the table
 * @at: where the return address of that frame lies, right above the saved frame pointer
 * @frames: out: return addresses, innermost first
 * @max: room in @frames, at least 1
 * @learn: out: a stack by the unwinder may teach something
 *
 * Context: any, preemption off.
 *
 * Return: number of frames; 0 if a rule is missing.
 */
u32 track_walk(const struct track_walk *walk, unsigned long at, unsigned long *frames, u32 max,
	       bool *learn)
{
	return walk_up(walk, at, frames, max, NULL, learn);
}

/**
 * track_walk_misses() - is no frame above one in the module?
 * @walk: the table
 * @at: where the return address of that frame lies
 * @filter: a filter by module
 *
 * Context: any.
 *
 * Return: false also if a rule is missing.
 */
bool track_walk_misses(const struct track_walk *walk, unsigned long at,
		       const struct track_filter *filter)
{
	bool learn;

	return walk_up(walk, at, NULL, TRACK_FRAMES, filter, &learn);
}

/**
 * track_walk_learn() - make the rules that a stack needs
 * @walk: the table
 * @at: where the return address of the first frame lies
 * @frames: what the unwinder said, from that frame on
 * @nr: number of frames
 * @name: KSYM_SYMBOL_LEN bytes, for its own use
 *
 * Where the stack has another address than the unwinder said, it teaches no more.
 *
 * Context: any, preemption off.
 */
void track_walk_learn(struct track_walk *walk, unsigned long at, const unsigned long *frames,
		      u32 nr, char *name)
{
	struct walk_place place;
	u64 rule;
	u32 k;

	if (READ_ONCE(walk->off) || !walk_start(&place, at) ||
	    place.end - at > THREAD_SIZE - WALK_STACK_LEFT)
		return;
	for (k = 0; k < nr && memdiag_stack_word(place.at) == frames[k]; k++) {
		rule = walk_rule(walk, frames[k]);
		if (!rule) {
			rule = walk_stays(frames[k], name) ? walk_ask(walk, frames[k]) : WALK_ASK;
			if (!walk_add(walk, frames[k], rule))
				return;
		}
		if (walk_next(&place, rule) != WALK_ON)
			return;
	}
}

/**
 * track_walk_wrong() - compare a walk
 * @walk: the table
 * @walked: its frames
 * @nr_walked: number of them
 * @unwound: what the unwinder said
 * @nr_unwound: number of them
 *
 * After one that differs no walk is taken any more.
 *
 * Context: any.
 *
 * Return: whether they differ.
 */
bool track_walk_wrong(struct track_walk *walk, const unsigned long *walked, u32 nr_walked,
		      const unsigned long *unwound, u32 nr_unwound)
{
	u32 k;

	for (k = 0; k < nr_walked && k < nr_unwound && walked[k] == unwound[k]; k++)
		;
	if (k == nr_walked && k == nr_unwound)
		return false;
	WRITE_ONCE(walk->off, true);
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

	for (n = 0; n < BIT(TRACK_WALK_BITS); n++)
		if (READ_ONCE(walk->steps[n].address) - start < size)
			WRITE_ONCE(walk->steps[n].rule, WALK_NEW);
}

/* --- start ------------------------------------------------------------------ */

/* Does a walk from here say what the unwinder says? */
static noinline bool walk_agrees(struct track_walk *walk, struct track_level *level)
{
	unsigned long at = (unsigned long)__builtin_frame_address(0) + sizeof(long);
	const unsigned long *unwound = level->frames;
	u32 nr, got, walked;
	bool learn;

	preempt_disable();
	got = memdiag_stack_save(level->frames, TRACK_FRAMES);
	nr = memdiag_stack_cut_irq(level->frames, got);
	/* Those of this function are not among them. */
	while (nr && unwound[0] != memdiag_stack_word(at)) {
		unwound++;
		nr--;
	}
	track_walk_learn(walk, at, unwound, nr, level->name);
	walked = track_walk(walk, at, level->walked, TRACK_FRAMES, &learn);
	preempt_enable();
	return walked && got < TRACK_FRAMES &&
	       !track_walk_wrong(walk, level->walked, walked, unwound, nr);
}

/**
 * track_walk_alloc() - make an empty table
 * @walk: out: the table; off if walks do not say what the unwinder says
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int track_walk_alloc(struct track_walk *walk)
{
	struct track_level *level = memdiag_keep(1, sizeof(*level));
	u32 n;

	walk->steps = memdiag_alloc_pages(sizeof(*walk->steps) << TRACK_WALK_BITS);
	walk->stack = memdiag_alloc_pages(TRACK_WALK_WORDS * sizeof(*walk->stack));
	if (!level || !walk->steps || !walk->stack) {
		memdiag_free(level);
		track_walk_free(walk);
		return -ENOMEM;
	}
	for (n = 0; n < TRACK_WALK_WORDS; n++)
		walk->stack[n] = ask_word(walk->stack, n);
	walk->off = !walk_agrees(walk, level);
	memdiag_free(level);
	return 0;
}

/**
 * track_walk_free() - free a table that nobody uses any more
 * @walk: the table; may be empty
 */
void track_walk_free(struct track_walk *walk)
{
	vfree(walk->steps);
	vfree(walk->stack);
	walk->steps = NULL;
	walk->stack = NULL;
}
