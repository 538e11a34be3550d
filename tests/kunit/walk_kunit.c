// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_walk: ways up the stack, taught by stacks made by hand and by
 * those of the unwinder.
 */
#include <linux/printk.h>
#include <linux/slab.h>

#include "kunit.h"

#include "../../module/track/walk.c"

#define WALK_WORDS	64
/* Stacks until a step is sure. */
#define WALK_LESSONS	7

/* Addresses of code that stays. */
static unsigned long walk_code(unsigned int n)
{
	static const unsigned long code[] = {
		(unsigned long)kfree, (unsigned long)vfree, (unsigned long)ksize,
		(unsigned long)kmem_cache_free, (unsigned long)kmem_cache_size,
	};

	return code[n] + 4;
}

/**
 * struct walk_lesson - a stack made by hand, of three frames
 * @place: where they lie, in words; the first at 0
 * @code: their addresses, numbers for walk_code()
 * @copy: where a copy of the second one lies; 0 for nowhere
 */
struct walk_lesson {
	unsigned int place[3];
	unsigned int code[3];
	unsigned int copy;
};

/*
 * A case, with the stack made by hand in a frame below which all of it runs: what is
 * there of earlier cases cannot be taken for a part of it.
 */
#define WALK_CASE(name)					\
	static void name##_case(struct kunit *test)	\
	{						\
		unsigned long stack[WALK_WORDS];	\
							\
		name(test, stack);			\
	}

static void walk_lay(unsigned long *stack, const struct walk_lesson *lesson)
{
	unsigned int i;

	memset(stack, 0, WALK_WORDS * sizeof(*stack));
	for (i = 0; i < 3; i++)
		stack[lesson->place[i]] = walk_code(lesson->code[i]);
	if (lesson->copy)
		stack[lesson->copy] = walk_code(lesson->code[1]);
}

static noinline void walk_teach(struct track_walk *walk, const unsigned long *stack, unsigned int from,
		       const struct walk_lesson *lesson, unsigned int times)
{
	unsigned long frames[3];
	unsigned int i;
	u16 places[3];

	for (i = 0; i < 3; i++)
		frames[i] = walk_code(lesson->code[i]);
	preempt_disable();
	while (times--)
		track_walk_learn(walk, (unsigned long)(stack + from), frames, 3, true, places);
	preempt_enable();
}

/* Frames that are found; -1 if none, and a stack would teach something. */
static noinline int walk_take(const struct track_walk *walk, const unsigned long *stack,
		     unsigned int from, const struct walk_lesson *lesson)
{
	unsigned long frames[4];
	unsigned int i;
	bool learn;
	u32 nr;

	preempt_disable();
	nr = track_walk(walk, (unsigned long)(stack + from), frames, 4, &learn);
	preempt_enable();
	for (i = 0; i < nr; i++)
		if (i >= 3 || frames[i] != walk_code(lesson->code[i]))
			return -2;
	return learn ? -1 : nr;
}

static noinline void walk_learns(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	const struct walk_lesson other = { { 0, 3, 10 }, { 0, 3, 2 } };
	const struct walk_lesson elsewhere = { { 0, 4, 10 }, { 0, 1, 2 } };
	const struct walk_lesson known = { { 0, 3, 10 }, { 4, 3, 2 } };
	struct track_walk walk = { };
	bool learn;

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	walk_lay(stack, &lesson);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS - 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	walk_teach(&walk, stack, 0, &lesson, 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 3);
	/* No room for more: not sure that this is the last one, nor needed. */
	KUNIT_EXPECT_EQ(test, track_walk(&walk, (unsigned long)stack, stack + 20, 2, &learn), 2u);
	/* A caller that was not seen yet, and none at that place. */
	walk_lay(stack, &other);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &other), -1);
	walk_lay(stack, &elsewhere);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &elsewhere), -1);
	/* One that is known, but not behind this one: a frame may have been skipped. */
	walk_lay(stack, &known);
	walk_teach(&walk, stack, 0, &known, WALK_LESSONS);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &known), 3);
	walk_lay(stack, &other);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &other), -1);
	walk_teach(&walk, stack, 0, &other, WALK_LESSONS);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &other), 3);
	track_walk_free(&walk);
}
WALK_CASE(walk_learns)

/* A function with a frame of any size: where it leads to is found from the end. */
static noinline void walk_from_end(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson[3] = {
		{ { 0, 10, 40 }, { 0, 1, 2 } },
		{ { 2, 12, 40 }, { 0, 1, 2 } },
		{ { 5, 15, 40 }, { 0, 1, 2 } },
	};
	struct track_walk walk = { };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	for (i = 0; i < 2; i++) {
		walk_lay(stack, &lesson[i]);
		walk_teach(&walk, stack, lesson[i].place[0], &lesson[i], WALK_LESSONS);
	}
	walk_lay(stack, &lesson[2]);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, lesson[2].place[0], &lesson[2]), 3);
	track_walk_free(&walk);
}
WALK_CASE(walk_from_end)

/* What contradicts itself again and again is left to the unwinder. */
static noinline void walk_gives_up(struct kunit *test, unsigned long *stack)
{
	struct walk_lesson lesson = { };
	struct track_walk walk = { };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	for (i = 0; i < 20; i++) {
		lesson = (struct walk_lesson){ { 0, 3 + i, 30 + i }, { 0, 1, 2 } };
		walk_lay(stack, &lesson);
		walk_teach(&walk, stack, 0, &lesson, 2);
		/* The first one is none, and it may be wrong seven times. */
		KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), i < 8 ? -1 : 0);
	}
	walk_teach(&walk, stack, 0, &lesson, 2 * WALK_LESSONS);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 0);
	track_walk_free(&walk);
}
WALK_CASE(walk_gives_up)

/* A copy that lies above is taken for the frame once, and not for long. */
static noinline void walk_copy(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson copied = { { 0, 3, 10 }, { 0, 1, 2 }, 6 };
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	const struct walk_lesson below = { { 0, 3, 10 }, { 0, 1, 2 }, 2 };
	struct track_walk walk = { };

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	walk_lay(stack, &copied);
	walk_teach(&walk, stack, 0, &copied, 2);
	walk_lay(stack, &lesson);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS - 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	walk_teach(&walk, stack, 0, &lesson, 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 3);
	/* From then on copies do not matter. */
	walk_lay(stack, &copied);
	walk_teach(&walk, stack, 0, &copied, 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &copied), 3);
	walk_lay(stack, &below);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &below), 3);
	track_walk_free(&walk);
}
WALK_CASE(walk_copy)

/* Where another tracer has put an address of its own, nothing can be learnt. */
static noinline void walk_not_there(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	struct track_walk walk = { };

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	walk_lay(stack, &lesson);
	stack[3] = walk_code(4);
	walk_teach(&walk, stack, 0, &lesson, 2 * WALK_LESSONS);
	KUNIT_EXPECT_NULL(test, walk_find(&walk, walk_code(0)));
	track_walk_free(&walk);
}
WALK_CASE(walk_not_there)

static noinline void walk_is_compared(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	unsigned long frames[3], unwound[3];
	struct track_walk walk = { };
	u32 i;

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	walk_lay(stack, &lesson);
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS);
	for (i = 0; i < 3; i++)
		frames[i] = unwound[i] = walk_code(i);
	KUNIT_EXPECT_FALSE(test, track_walk_wrong(&walk, frames, 3, unwound, 3));
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 3);
	unwound[2] = walk_code(4);
	KUNIT_EXPECT_TRUE(test, track_walk_wrong(&walk, frames, 3, unwound, 3));
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 0);
	KUNIT_EXPECT_TRUE(test, track_walk_wrong(&walk, frames, 3, frames, 2));
	KUNIT_EXPECT_TRUE(test, track_walk_wrong(&walk, frames, 2, frames, 3));
	track_walk_free(&walk);
}
WALK_CASE(walk_is_compared)

/* Is a module asked for that has one of the frames? */
static noinline void walk_misses(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	struct track_filter filter = { .flags = MEMDIAG_TRACK_BY_MODULE };
	struct track_walk walk = { };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	walk_lay(stack, &lesson);
	filter.code[0] = (struct track_range){ walk_code(4), 1 };
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS - 1);
	KUNIT_EXPECT_FALSE(test, track_walk_misses(&walk, (unsigned long)stack, &filter));
	walk_teach(&walk, stack, 0, &lesson, 1);
	KUNIT_EXPECT_TRUE(test, track_walk_misses(&walk, (unsigned long)stack, &filter));
	for (i = 0; i < 3; i++) {
		filter.code[i % 2] = (struct track_range){ walk_code(i), 1 };
		filter.code[!(i % 2)] = (struct track_range){ };
		KUNIT_EXPECT_FALSE(test, track_walk_misses(&walk, (unsigned long)stack, &filter));
	}
	track_walk_free(&walk);
}
WALK_CASE(walk_misses)

static noinline void walk_forgets(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	struct track_walk walk = { };

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	walk_lay(stack, &lesson);
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS);
	track_walk_forget(&walk, walk_code(1) + 1, 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 3);
	track_walk_forget(&walk, walk_code(1), 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	/* All of it: that other code is there now has to be learnt anew. */
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS - 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	walk_teach(&walk, stack, 0, &lesson, 1);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 3);
	track_walk_free(&walk);
}
WALK_CASE(walk_forgets)

static noinline void walk_fills(struct kunit *test, unsigned long *stack)
{
	const struct walk_lesson lesson = { { 0, 3, 10 }, { 0, 1, 2 } };
	struct track_walk walk = { };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	for (i = 0; i < BIT(TRACK_WALK_BITS); i++)
		walk.steps[i].address = 1;
	walk_lay(stack, &lesson);
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), -1);
	walk_teach(&walk, stack, 0, &lesson, WALK_LESSONS);
	/* No room, so there is no use in trying again. */
	KUNIT_EXPECT_EQ(test, walk_take(&walk, stack, 0, &lesson), 0);
	track_walk_free(&walk);
}
WALK_CASE(walk_fills)

/* Code that is made at run time is not learnt: nothing of it has a name that stays. */
static void walk_stays_or_not(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, walk_stays(walk_code(0)));
	KUNIT_EXPECT_TRUE(test, walk_stays((unsigned long)walk_stays_or_not));
	KUNIT_EXPECT_FALSE(test, walk_stays((unsigned long)test));
}

#define WALK_FRAMES	64

/* Take the stack by both ways; how often they agreed, of @times. */
static noinline unsigned int walk_both(struct track_walk *walk, unsigned long *frames,
				       unsigned long *unwound, u16 *places, unsigned int times)
{
	unsigned long at = (unsigned long)__builtin_frame_address(0) + sizeof(long);
	unsigned int same = 0;
	bool learn;
	u32 nr, got;

	while (times--) {
		preempt_disable();
		nr = track_walk(walk, at, frames, WALK_FRAMES - 1, &learn);
		got = memdiag_stack_save(unwound, WALK_FRAMES) - 1;
		if (learn)
			track_walk_learn(walk, at, unwound + 1, got, true, places);
		preempt_enable();
		same += nr == got && !memcmp(frames, unwound + 1, nr * sizeof(long));
	}
	return same;
}

/* The compiler may not leave a frame out. */
static noinline unsigned int walk_deeper(struct track_walk *walk, unsigned long *frames,
					 unsigned long *unwound, u16 *places, unsigned int times)
{
	unsigned int same = walk_both(walk, frames, unwound, places, times);

	barrier();
	return same;
}

static void walk_of_this_stack(struct kunit *test)
{
	unsigned long *frames = kunit_kcalloc(test, 2 * WALK_FRAMES, sizeof(long), GFP_KERNEL);
	u16 *places = kunit_kcalloc(test, WALK_FRAMES, sizeof(*places), GFP_KERNEL);
	struct track_walk walk = { };

	KUNIT_ASSERT_NOT_NULL(test, frames);
	KUNIT_ASSERT_NOT_NULL(test, places);
	KUNIT_ASSERT_EQ(test, track_walk_alloc(&walk), 0);
	KUNIT_EXPECT_EQ(test, 0u, walk_both(&walk, frames, frames + WALK_FRAMES, places,
					    WALK_LESSONS));
	KUNIT_EXPECT_EQ(test, 10u, walk_both(&walk, frames, frames + WALK_FRAMES, places,
					     10 + WALK_LESSONS));
	KUNIT_EXPECT_EQ(test, 10u, walk_deeper(&walk, frames, frames + WALK_FRAMES, places,
					       10 + WALK_LESSONS));
	track_walk_free(&walk);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(walk_learns_case),
	KUNIT_CASE(walk_from_end_case),
	KUNIT_CASE(walk_gives_up_case),
	KUNIT_CASE(walk_copy_case),
	KUNIT_CASE(walk_not_there_case),
	KUNIT_CASE(walk_is_compared_case),
	KUNIT_CASE(walk_misses_case),
	KUNIT_CASE(walk_forgets_case),
	KUNIT_CASE(walk_fills_case),
	KUNIT_CASE(walk_stays_or_not),
	KUNIT_CASE(walk_of_this_stack),
	{ }
};

static struct kunit_suite walk_suite = {
	.name = "memdiag_walk",
	.test_cases = walk_cases,
};
kunit_test_suite(walk_suite);
