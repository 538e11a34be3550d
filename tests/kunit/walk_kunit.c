// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_walk: ways up the stack, by rules made by hand and by those of the
 * unwinder.
 */
#include <linux/printk.h>
#include <linux/slab.h>

#include "kunit.h"

#include "../../module/track/stack_walk.c"

#define WALK_WORDS	64

/* Addresses of code that stays. */
static unsigned long walk_code(unsigned int n)
{
	static const unsigned long code[] = {
		(unsigned long)kfree, (unsigned long)vfree, (unsigned long)ksize,
		(unsigned long)kmem_cache_free, (unsigned long)kmem_cache_size,
	};

	return code[n] + 4;
}

/* Where the return address of the first frame lies; below is the frame pointer. */
#define WALK_AT		1

/*
 * A case, with the stack made by hand in a frame below which all of it runs: what is
 * there of earlier cases cannot be taken for a part of it.
 */
#define WALK_CASE(name)					\
	static void name##_case(struct kunit *test)	\
	{						\
		unsigned long stack[WALK_WORDS] = { };	\
		struct track_walk walk = { };		\
							\
		KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0); \
		walk.off = false;			\
		name(test, &walk, stack);		\
		track_walk_free(&walk);			\
	}

static u64 walk_saved(u64 rule, int bp)
{
	return rule | RULE_SAVED | FIELD_PREP(RULE_BP, (u16)bp);
}

/* Frames that are found; -1 if none, and a stack would teach something; -2: other ones. */
static noinline int walk_take(const struct track_walk *walk, const unsigned long *stack,
			      const unsigned long *expected, unsigned int max)
{
	unsigned long frames[8];
	unsigned int i;
	bool learn;
	u32 nr;

	preempt_disable();
	nr = track_walk(walk, (unsigned long)(stack + WALK_AT), frames, max, &learn);
	preempt_enable();
	for (i = 0; i < nr; i++)
		if (frames[i] != expected[i])
			return -2;
	return learn ? -1 : nr;
}

static noinline void walk_teach(struct track_walk *walk, const unsigned long *stack,
				const unsigned long *frames, unsigned int nr)
{
	char name[KSYM_SYMBOL_LEN];

	preempt_disable();
	track_walk_learn(walk, (unsigned long)(stack + WALK_AT), frames, nr, name);
	preempt_enable();
}

/* Three frames: at 1, 3 and 10, by the stack pointer. */
static void walk_lay(struct track_walk *walk, unsigned long *stack, unsigned long *frames)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		frames[i] = walk_code(i);
	stack[1] = frames[0];
	stack[3] = frames[1];
	stack[10] = frames[2];
	walk_add(walk, frames[0], rule_make(WALK_FROM_SP, 2));
	walk_add(walk, frames[1], rule_make(WALK_FROM_SP, 7));
	walk_add(walk, frames[2], WALK_END);
}

static noinline void walk_by_rules(struct kunit *test, struct track_walk *walk,
				   unsigned long *stack)
{
	unsigned long frames[3];

	walk_lay(walk, stack, frames);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 3), 3);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 2), 2);
	/* An interrupt begins there: it ends the stack, too. */
	walk_add(walk, frames[1], WALK_CUT);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 2);
	/* The unwinder is asked for good, or to learn. */
	walk_add(walk, frames[1], WALK_ASK);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	walk_add(walk, frames[1], WALK_NEW);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), -1);
	/* The last one of those wanted has to be known as well. */
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 2), -1);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 1), 1);
}
WALK_CASE(walk_by_rules)

/* Frames that are counted from the frame pointer, which others have saved. */
static noinline void walk_by_bp(struct kunit *test, struct track_walk *walk,
				unsigned long *stack)
{
	unsigned long frames[3];

	walk_lay(walk, stack, frames);
	stack[0] = (unsigned long)(stack + 20);
	walk_add(walk, frames[0], walk_saved(rule_make(WALK_FROM_BP, -16), -2));
	stack[2] = (unsigned long)(stack + 9);
	walk_add(walk, frames[1], rule_make(WALK_FROM_BP, 2));
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	/* A frame that lies nowhere on the stack above. */
	stack[2] = 0;
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	stack[2] = (unsigned long)(stack + 1);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	stack[2] = (unsigned long)(stack + 9) + 1;
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	stack[2] = (unsigned long)task_stack_page(current) + THREAD_SIZE - sizeof(long);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	stack[2] = (unsigned long)(stack + 9);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	/* A word beside the frame pointer says where the frame is, if it is one of the stack. */
	walk_add(walk, frames[1], rule_make(WALK_AT_BP, -1));
	stack[8] = (unsigned long)(stack + 11);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	stack[8] = 0;
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	stack[2] = (unsigned long)task_stack_page(current) + THREAD_SIZE + sizeof(long);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	/* The frame pointer was saved beside itself, and so is the next one. */
	stack[0] = (unsigned long)(stack + 20);
	walk_add(walk, frames[0], rule_make(WALK_FROM_BP, -16) | RULE_SAVED_BP);
	walk_add(walk, frames[1], rule_make(WALK_FROM_BP, 2));
	stack[20] = (unsigned long)(stack + 9);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
}
WALK_CASE(walk_by_bp)

/* Registers are the end if they are those of user mode. */
static noinline void walk_to_regs(struct kunit *test, struct track_walk *walk,
				  unsigned long *stack)
{
#ifdef MEMDIAG_HAVE_UNWIND_STEP
	struct pt_regs *regs = (struct pt_regs *)(stack + 11);
	unsigned long frames[3];

	walk_lay(walk, stack, frames);
	walk_add(walk, frames[2], rule_make(WALK_REGS, 0));
	regs->cs = 0x33;
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	regs->cs = 0x10;
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	/* Not all of them are there. */
	regs->cs = 0x33;
	walk_add(walk, frames[2], rule_make(WALK_REGS, S16_MAX));
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
#else
	kunit_skip(test, "the unwinder of this kernel cannot be asked");
#endif
}
WALK_CASE(walk_to_regs)

/* A copy of a return address that lies in a caller's frame is not taken for that caller. */
static noinline void walk_stale(struct kunit *test, struct track_walk *walk,
				unsigned long *stack)
{
	unsigned long frames[3];
	unsigned long said[3];

	walk_lay(walk, stack, frames);
	stack[6] = frames[1];
	memcpy(said, frames, sizeof(said));
	/* The caller is another, of which nothing is known; the copy is what is known. */
	frames[1] = walk_code(3);
	stack[3] = frames[1];
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), -1);
	/* A lesson that has the copy in the place of the caller teaches nothing. */
	walk_teach(walk, stack, said, 3);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), -1);
	KUNIT_EXPECT_EQ(test, walk_rule(walk, frames[1]), (u64)WALK_NEW);
	KUNIT_EXPECT_EQ(test, walk_rule(walk, said[1]), rule_make(WALK_FROM_SP, 7));
	walk_add(walk, frames[1], rule_make(WALK_FROM_SP, 7));
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
}
WALK_CASE(walk_stale)

/* Where another tracer has put an address of its own, nothing is learnt. */
static noinline void walk_not_there(struct kunit *test, struct track_walk *walk,
				    unsigned long *stack)
{
	unsigned long frames[3];

	walk_lay(walk, stack, frames);
	stack[3] = walk_code(4);
	frames[1] = walk_code(3);
	walk_teach(walk, stack, frames, 3);
	KUNIT_EXPECT_EQ(test, walk_rule(walk, walk_code(3)), (u64)WALK_NEW);
	KUNIT_EXPECT_EQ(test, walk_rule(walk, walk_code(4)), (u64)WALK_NEW);
	/* Not even if the unwinder has said so: it is the start of a function. */
	stack[3] = walk_code(3) - 4;
	frames[1] = stack[3];
	walk_teach(walk, stack, frames, 3);
	KUNIT_EXPECT_EQ(test, walk_rule(walk, frames[1]), (u64)WALK_ASK);
}
WALK_CASE(walk_not_there)

static noinline void walk_is_compared(struct kunit *test, struct track_walk *walk,
				      unsigned long *stack)
{
	unsigned long frames[3], unwound[3];

	walk_lay(walk, stack, frames);
	memcpy(unwound, frames, sizeof(unwound));
	KUNIT_EXPECT_FALSE(test, track_walk_wrong(walk, frames, 3, unwound, 3));
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	KUNIT_EXPECT_TRUE(test, track_walk_wrong(walk, frames, 3, unwound, 2));
	/* None is taken any more, and nothing learnt. */
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
	walk_add(walk, frames[2], WALK_NEW);
	walk_teach(walk, stack, frames, 3);
	KUNIT_EXPECT_EQ(test, walk_rule(walk, frames[2]), (u64)WALK_NEW);
	walk->off = false;
	KUNIT_EXPECT_TRUE(test, track_walk_wrong(walk, frames, 2, unwound, 3));
	unwound[2] = walk_code(4);
	walk->off = false;
	KUNIT_EXPECT_TRUE(test, track_walk_wrong(walk, frames, 3, unwound, 3));
	KUNIT_EXPECT_TRUE(test, walk->off);
}
WALK_CASE(walk_is_compared)

/* Is a module asked for that has one of the frames? */
static noinline void walk_misses(struct kunit *test, struct track_walk *walk,
				 unsigned long *stack)
{
	struct track_filter filter = { .flags = MEMDIAG_TRACK_BY_MODULE };
	unsigned long frames[3];
	unsigned int i;

	walk_lay(walk, stack, frames);
	filter.code[0] = (struct track_range){ walk_code(4), 1 };
	KUNIT_EXPECT_TRUE(test, track_walk_misses(walk, (unsigned long)(stack + 1), &filter));
	for (i = 0; i < 3; i++) {
		filter.code[i % 2] = (struct track_range){ walk_code(i), 1 };
		filter.code[!(i % 2)] = (struct track_range){ };
		KUNIT_EXPECT_FALSE(test, track_walk_misses(walk, (unsigned long)(stack + 1),
							   &filter));
	}
	filter.code[0] = (struct track_range){ walk_code(4), 1 };
	walk_add(walk, frames[2], WALK_NEW);
	KUNIT_EXPECT_FALSE(test, track_walk_misses(walk, (unsigned long)(stack + 1), &filter));
}
WALK_CASE(walk_misses)

static noinline void walk_forgets(struct kunit *test, struct track_walk *walk,
				  unsigned long *stack)
{
	unsigned long frames[3];

	walk_lay(walk, stack, frames);
	track_walk_forget(walk, walk_code(1) + 1, 1);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
	track_walk_forget(walk, walk_code(1), 1);
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), -1);
	walk_add(walk, frames[1], rule_make(WALK_FROM_SP, 7));
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 3);
}
WALK_CASE(walk_forgets)

static noinline void walk_fills(struct kunit *test, struct track_walk *walk,
				unsigned long *stack)
{
	unsigned long frames[1] = { walk_code(0) };
	unsigned int i;

	for (i = 0; i < BIT(TRACK_WALK_BITS); i++)
		walk->steps[i].address = 1;
	stack[1] = frames[0];
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), -1);
	walk_teach(walk, stack, frames, 1);
	/* No room, so there is no use in trying again. */
	KUNIT_EXPECT_EQ(test, walk_take(walk, stack, frames, 8), 0);
}
WALK_CASE(walk_fills)

/* Code that is made at run time is not learnt: nothing of it has a name that stays. */
static void walk_stays_or_not(struct kunit *test)
{
	char name[KSYM_SYMBOL_LEN];

	KUNIT_EXPECT_TRUE(test, walk_stays(walk_code(0), name));
	KUNIT_EXPECT_TRUE(test, walk_stays((unsigned long)walk_stays_or_not + 4, name));
	KUNIT_EXPECT_FALSE(test, walk_stays((unsigned long)walk_stays_or_not, name));
	KUNIT_EXPECT_FALSE(test, walk_stays((unsigned long)test, name));
}

/* What the unwinder answers with the frame pointer at two places makes a rule, or none. */
static void walk_asks(struct kunit *test)
{
	struct walk_answer one = { .frame = ASK_SP + 5, .bp = -1 }, two = one;

	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), rule_make(WALK_FROM_SP, 5));
	one.bp = two.bp = ASK_SP + 3;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two),
			walk_saved(rule_make(WALK_FROM_SP, 5), -2));
	/* The frame pointer was not read at the same place of the frame. */
	two.bp++;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	two.bp = -1;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	/* The frame moves with the frame pointer, by as much, and where it was saved as well. */
	one = (struct walk_answer){ .frame = ASK_BP + 2, .bp = ASK_BP };
	two = (struct walk_answer){ .frame = ASK_BP_MOVED + 2, .bp = ASK_BP_MOVED };
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two),
			rule_make(WALK_FROM_BP, 2) | RULE_SAVED_BP);
	/* It was read from a word beside the frame pointer. */
	one.frame += ASK_HALF;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	two.frame += ASK_HALF;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two),
			rule_make(WALK_AT_BP, 2) | RULE_SAVED_BP);
	two.frame++;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	/* Likewise, but beside the stack pointer: another stack, mostly. */
	one.frame = two.frame = ASK_HALF + ASK_SP + 5;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	/* A frame that does not lie above. */
	one.frame = two.frame = ASK_SP;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	one.to.regs = two.to.regs = true;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), rule_make(WALK_REGS, 0));
	two.to.regs = false;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	one.to.regs = false;
	one.to.ends = true;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_ASK);
	two.to.ends = true;
	KUNIT_EXPECT_EQ(test, ask_compare(&one, &two), (u64)WALK_END);
}

#define WALK_FRAMES	64

/**
 * struct walk_both - the stack by both ways
 * @walk: the table
 * @frames: by a walk
 * @unwound: by the unwinder
 * @name: for the lessons
 */
struct walk_both {
	struct track_walk walk;
	unsigned long frames[WALK_FRAMES];
	unsigned long unwound[WALK_FRAMES];
	char name[KSYM_SYMBOL_LEN];
};

/* Take the stack by both ways; how often they agreed, of @times. */
static noinline unsigned int walk_both(struct walk_both *both, unsigned int times)
{
	unsigned long at = (unsigned long)__builtin_frame_address(0) + sizeof(long);
	unsigned int same = 0;
	bool learn;
	u32 nr, got;

	while (times--) {
		preempt_disable();
		nr = track_walk(&both->walk, at, both->frames, WALK_FRAMES - 1, &learn);
		got = memdiag_stack_save(both->unwound, WALK_FRAMES) - 1;
		if (learn)
			track_walk_learn(&both->walk, at, both->unwound + 1, got, both->name);
		preempt_enable();
		same += nr == got && !memcmp(both->frames, both->unwound + 1, nr * sizeof(long));
	}
	return same;
}

/* Its frame may be of any size, so that what is above is counted from the frame pointer. */
static noinline unsigned int walk_deeper(struct walk_both *both, unsigned int size)
{
	char *room = __builtin_alloca(size);
	unsigned int same;

	OPTIMIZER_HIDE_VAR(room);
	memset(room, 0x55, size);
	same = walk_both(both, 4);
	barrier_data(room);
	return same;
}

/* Its frame is aligned, so that a word in it says where the caller's is. */
static noinline unsigned int walk_aligned(struct walk_both *both)
{
	char room[32] __aligned(32);
	unsigned int same;

	memset(room, 0x55, sizeof(room));
	barrier_data(room);
	same = walk_both(both, 4);
	barrier_data(room);
	return same;
}

static void walk_of_this_stack(struct kunit *test)
{
	struct walk_both *both = kunit_kzalloc(test, sizeof(*both), GFP_KERNEL);
	unsigned int size;

	KUNIT_ASSERT_NOT_NULL(test, both);
	KUNIT_ASSERT_EQ(test, track_walk_alloc(&both->walk), 0);
#ifdef MEMDIAG_HAVE_UNWIND_STEP
	/* The start has compared one already. */
	KUNIT_EXPECT_FALSE(test, both->walk.off);
	KUNIT_EXPECT_EQ(test, walk_both(both, 10), 9u);
	KUNIT_EXPECT_EQ(test, walk_both(both, 10), 9u);
	KUNIT_EXPECT_EQ(test, walk_deeper(both, 16), 3u);
	/* The first call from here teaches, once. */
	for (size = 64; size <= 512; size *= 2)
		KUNIT_EXPECT_EQ(test, walk_deeper(both, size), size == 64 ? 3u : 4u);
	KUNIT_EXPECT_EQ(test, walk_aligned(both), 3u);
	KUNIT_EXPECT_EQ(test, walk_aligned(both), 3u);
#else
	/* Nothing can be asked, so no walk is taken. */
	KUNIT_EXPECT_TRUE(test, both->walk.off);
	for (size = 64; size <= 512; size *= 2)
		KUNIT_EXPECT_EQ(test, walk_deeper(both, size), 0u);
#endif
	track_walk_free(&both->walk);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(walk_by_rules_case),
	KUNIT_CASE(walk_by_bp_case),
	KUNIT_CASE(walk_to_regs_case),
	KUNIT_CASE(walk_stale_case),
	KUNIT_CASE(walk_not_there_case),
	KUNIT_CASE(walk_is_compared_case),
	KUNIT_CASE(walk_misses_case),
	KUNIT_CASE(walk_forgets_case),
	KUNIT_CASE(walk_fills_case),
	KUNIT_CASE(walk_stays_or_not),
	KUNIT_CASE(walk_asks),
	KUNIT_CASE(walk_of_this_stack),
	{ }
};

static struct kunit_suite walk_suite = {
	.name = "memdiag_walk",
	.test_cases = walk_cases,
};
kunit_test_suite(walk_suite);
