// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_track: the tables of the tracker, blocks that are freed in parts, and
 * filters, without a probe attached.
 */
#include "kunit.h"

#include "../../module/compat/unwind.h"

#include "../../module/track/objects.c"
#include "../../module/track/stacks.c"
#include "../../module/track/caches.c"
#include "../../module/track/filter.c"
#include "../../module/track/probe.c"
#include "../../module/track/blocks.c"
#include "../../module/track/attach.c"
#include "../../module/track/kprobes.c"
#include "../../module/track/check.c"
#include "../../module/track/names.c"
#include "../../module/track/run.c"
#include "../../module/track/status.c"
#include "../../module/track/report.c"
#include "../../module/track/settle.c"

/* A run that nothing is attached to. */
static struct track_run *track_test_run(struct kunit *test, u64 objects, u64 stacks)
{
	struct memdiag_track_start start = { .objects = objects, .stacks = stacks, .depth = 4 };
	struct track_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, run);
	KUNIT_ASSERT_EQ(test, run_alloc(run, &start), 0);
	raw_spin_lock_init(&run->block_lock);
	run->start_jiffies = jiffies;
	run->filter.one_in = 1;
	return run;
}

/* kunit frees the run itself. */
static void track_test_end(struct track_run *run)
{
	track_objects_free(&run->objects);
	track_stacks_free(&run->stacks);
	track_walk_free(&run->walk);
	vfree(run->caches);
	vfree(run->sums);
	free_percpu(run->cpus);
}

static void track_put_and_take(struct kunit *test)
{
	struct track_object object = {
		.stack = BIT(TRACK_STACK_BITS) - 1, .size = U32_MAX, .asked = U32_MAX - 1,
		.when = U32_MAX - 2, .flags = TRACK_BLOCK | TRACK_PART,
	}, out = { };
	struct track_objects t = { };
	unsigned long key = track_key(TRACK_PAGES, 0xffff888012345678ul);

	KUNIT_ASSERT_EQ(test, track_objects_alloc(&t, 64), 0);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, key, &out, U32_MAX),
			(int)TRACK_TAKE_NONE);
	KUNIT_EXPECT_EQ(test, (int)track_objects_put(&t, key, &object, &out), (int)TRACK_PUT_NEW);
	KUNIT_EXPECT_EQ(test, track_objects_size(&t, key), U32_MAX);
	KUNIT_EXPECT_EQ(test, (int)track_objects_flags(&t, key), TRACK_BLOCK | TRACK_PART);
	/* Another kind at the same address is another object. */
	KUNIT_EXPECT_EQ(test, track_objects_size(&t, key ^ 3), 0u);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, key, &out, U32_MAX),
			(int)TRACK_TAKE_TAKEN);
	KUNIT_EXPECT_EQ(test, out.stack, object.stack);
	KUNIT_EXPECT_EQ(test, out.size, object.size);
	KUNIT_EXPECT_EQ(test, out.asked, object.asked);
	KUNIT_EXPECT_EQ(test, out.when, object.when);
	KUNIT_EXPECT_EQ(test, (int)out.flags, (int)object.flags);
	KUNIT_EXPECT_EQ(test, track_objects_size(&t, key), 0u);
	track_objects_free(&t);
}

static void track_fill_and_empty(struct kunit *test)
{
	struct track_object object = { .size = 1 }, out;
	struct track_objects t = { };
	u64 n, room, put = 0, taken = 0, away = 0, belong = 0;
	unsigned int b;

	KUNIT_ASSERT_EQ(test, track_objects_alloc(&t, 10000), 0);
	room = track_objects_room(&t);
	for (n = 0; n < room; n++) {
		object.stack = n;
		put += track_objects_put(&t, 0xffff888000000000ul + n * 64, &object, &out) ==
		       TRACK_PUT_NEW;
		/* What it was made for always fits. */
		if (n == 9999)
			KUNIT_EXPECT_EQ(test, put, 10000ull);
	}
	for (b = 0; b < t.nr_buckets; b++) {
		away += t.buckets[b].belong & TRACK_BELONG_AWAY;
		belong += (u16)t.buckets[b].belong;
	}
	/* Or the buckets behind have not been tried. */
	KUNIT_EXPECT_GT(test, away, 0ull);
	KUNIT_EXPECT_EQ(test, belong, put);
	for (n = 0; n < room; n++)
		if (track_objects_take(&t, 0xffff888000000000ul + n * 64, &out, U32_MAX) ==
		    TRACK_TAKE_TAKEN) {
			taken++;
			KUNIT_EXPECT_EQ(test, (u64)out.stack, n);
		}
	KUNIT_EXPECT_EQ(test, taken, put);
	for (b = 0; b < t.nr_buckets; b++) {
		KUNIT_EXPECT_EQ(test, t.buckets[b].belong, 0ull);
		KUNIT_EXPECT_TRUE(test, !memchr_inv(t.buckets[b].keys, 0, sizeof(t.buckets[b].keys)));
	}
	track_objects_free(&t);
}

/* It may be wrong in one way only: then it would be a free that is not seen. */
static void track_misses(struct kunit *test)
{
	struct track_object object = { .size = 1 }, out;
	struct track_objects t = { };
	u64 n, room, there = 0, missed = 0, others = 0;
	unsigned long key = 0xffff888000000000ul;

	KUNIT_ASSERT_EQ(test, track_objects_alloc(&t, 1000), 0);
	room = track_objects_room(&t);
	KUNIT_EXPECT_TRUE(test, track_objects_miss(&t, key));
	track_objects_put(&t, key, &object, &out);
	KUNIT_EXPECT_FALSE(test, track_objects_miss(&t, key));
	/* Beside it in its bucket as well. */
	for (n = 1; n < room; n++)
		others += track_objects_miss(&t, key + n * 64);
	KUNIT_EXPECT_EQ(test, others, room - 1);
	for (n = 1; n < room; n++)
		track_objects_put(&t, key + n * 64, &object, &out);
	for (n = 0; n < room; n++)
		if (track_objects_size(&t, key + n * 64)) {
			there++;
			missed += track_objects_miss(&t, key + n * 64);
		}
	KUNIT_EXPECT_GE(test, there, 1000ull);
	KUNIT_EXPECT_EQ(test, missed, 0ull);
	for (n = 0; n < room; n++)
		track_objects_take(&t, key + n * 64, &out, U32_MAX);
	for (n = 0; n < room; n++)
		missed += track_objects_miss(&t, key + n * 64);
	KUNIT_EXPECT_EQ(test, missed, room);
	track_objects_free(&t);
}

static void track_replaces(struct kunit *test)
{
	struct track_object one = { .stack = 1, .size = 10 }, two = { .stack = 2, .size = 20 };
	struct track_object out = { };
	struct track_objects t = { };

	KUNIT_ASSERT_EQ(test, track_objects_alloc(&t, 64), 0);
	track_objects_put(&t, 0x1000, &one, &out);
	KUNIT_EXPECT_EQ(test, (int)track_objects_put(&t, 0x1000, &two, &out),
			(int)TRACK_PUT_REPLACED);
	KUNIT_EXPECT_EQ(test, out.stack, 1u);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, 0x1000, &out, U32_MAX),
			(int)TRACK_TAKE_TAKEN);
	KUNIT_EXPECT_EQ(test, out.stack, 2u);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, 0x1000, &out, U32_MAX),
			(int)TRACK_TAKE_NONE);
	track_objects_free(&t);
}

/* The free of the object before comes late: the new one stays, once. */
static void track_owes(struct kunit *test)
{
	struct track_object young = { .size = 1, .when = 100, .flags = TRACK_OWED }, out;
	struct track_objects t = { };

	KUNIT_ASSERT_EQ(test, track_objects_alloc(&t, 64), 0);
	track_objects_put(&t, 0x1000, &young, &out);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, 0x1000, &out, 95), (int)TRACK_TAKE_OWED);
	KUNIT_EXPECT_EQ(test, (int)track_objects_flags(&t, 0x1000), (int)TRACK_UNSURE);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, 0x1000, &out, 95), (int)TRACK_TAKE_TAKEN);
	/* An older one does not owe any more. */
	track_objects_put(&t, 0x1000, &young, &out);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, 0x1000, &out, 101),
			(int)TRACK_TAKE_TAKEN);
	/* Nor to an event that is never late. */
	track_objects_put(&t, 0x1000, &young, &out);
	KUNIT_EXPECT_EQ(test, (int)track_objects_take(&t, 0x1000, &out, U32_MAX),
			(int)TRACK_TAKE_TAKEN);
	track_objects_free(&t);
}

static u32 track_test_stack(struct track_stacks *t, unsigned long first, u32 cache)
{
	unsigned long frames[3] = { first, 2, 3 };
	struct track_stack_key key = { .frames = frames, .nr = 3, .cache = cache };
	u32 hash, n = track_stacks_find(t, &key, &hash);

	return n == TRACK_NO_STACK ? track_stacks_add(t, &key, hash, TRACK_STACK_LIVE) : n;
}

static void track_stacks_are_found(struct kunit *test)
{
	struct track_stacks t;
	u32 one, n, i, failed = 0;

	KUNIT_ASSERT_EQ(test, track_stacks_alloc(&t, 16, 4), 0);
	one = track_test_stack(&t, 1, 0);
	KUNIT_EXPECT_EQ(test, track_test_stack(&t, 1, 0), one);
	KUNIT_EXPECT_NE(test, track_test_stack(&t, 1, 1), one);
	KUNIT_EXPECT_NE(test, track_test_stack(&t, 4, 0), one);
	for (i = 0; i < 100; i++)
		failed += track_test_stack(&t, 1000 + i, 0) == TRACK_NO_STACK;
	KUNIT_EXPECT_EQ(test, failed, 100u - 13);
	KUNIT_EXPECT_EQ(test, track_stacks_used(&t), 16u);
	/* One goes, another one comes. */
	track_stack(&t, one)->state = TRACK_STACK_SEALED;
	track_stacks_hide(&t, one);
	track_stacks_reuse(&t, one);
	n = track_test_stack(&t, 5000, 0);
	KUNIT_EXPECT_EQ(test, n, one);
	KUNIT_EXPECT_EQ(test, track_test_stack(&t, 5000, 0), n);
	KUNIT_EXPECT_EQ(test, track_test_stack(&t, 1, 0), TRACK_NO_STACK);
	track_stacks_free(&t);
}

static void track_cache_names_match(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, track_cache_match("kmalloc-64", "kmalloc-64"));
	KUNIT_EXPECT_FALSE(test, track_cache_match("kmalloc-64", "kmalloc-640"));
	KUNIT_EXPECT_FALSE(test, track_cache_match("kmalloc-64", "kmalloc-6"));
	KUNIT_EXPECT_TRUE(test, track_cache_match("kmalloc-*", "kmalloc-"));
	KUNIT_EXPECT_TRUE(test, track_cache_match("*-64", "kmalloc-cg-64"));
	KUNIT_EXPECT_TRUE(test, track_cache_match("*a*b*", "xxaxxaxxbxx"));
	KUNIT_EXPECT_FALSE(test, track_cache_match("*a*b", "xxaxxaxxbxx"));
	KUNIT_EXPECT_TRUE(test, track_cache_match("k?alloc", "kmalloc"));
	KUNIT_EXPECT_FALSE(test, track_cache_match("k?alloc", "kalloc"));
	KUNIT_EXPECT_TRUE(test, track_cache_match("*", ""));
	KUNIT_EXPECT_FALSE(test, track_cache_match("?", ""));
	KUNIT_EXPECT_TRUE(test, track_cache_match("", ""));
	KUNIT_EXPECT_FALSE(test, track_cache_match("", "a"));
}

static void track_filter_boundaries(struct kunit *test)
{
	struct track_run run = { .filter = {
		.one_in = 1, .flags = MEMDIAG_TRACK_BY_SIZE, .size_min = 100, .size_max = 200,
		.order_min = 1, .order_max = 2 } };
	struct track_event event = { .kind = TRACK_SLAB, .address = 0x1000, .size = 256 };

	event.asked = 99;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	event.asked = 100;
	KUNIT_EXPECT_TRUE(test, track_filter_wants(&run, &event));
	event.asked = 200;
	KUNIT_EXPECT_TRUE(test, track_filter_wants(&run, &event));
	event.asked = 201;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	/* Where it is not told what was asked for, it is what was taken. */
	event.asked = 0;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	run.filter.flags = MEMDIAG_TRACK_BY_ORDER;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	event.kind = TRACK_PAGES;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	event.order = 1;
	KUNIT_EXPECT_TRUE(test, track_filter_wants(&run, &event));
	event.order = 3;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
}

static void track_filter_frames(struct kunit *test)
{
	struct track_filter filter = { .flags = MEMDIAG_TRACK_BY_MODULE };
	unsigned long other = (unsigned long)track_filter_frames;
	unsigned long frames[] = { (unsigned long)vfree, 0x10ff, (unsigned long)vfree };
	char name[KSYM_SYMBOL_LEN];

	filter.code[0].start = 0x1000;
	filter.code[0].size = 0x100;
	KUNIT_EXPECT_TRUE(test, track_filter_wants_stack(&filter, frames, 3, name));
	frames[1] = 0x1100;
	KUNIT_EXPECT_FALSE(test, track_filter_wants_stack(&filter, frames, 3, name));
	frames[1] = 0xfff;
	KUNIT_EXPECT_FALSE(test, track_filter_wants_stack(&filter, frames, 3, name));
	/* Behind a frame of another module it only counts anywhere. */
	frames[1] = other;
	frames[2] = 0x1000;
	KUNIT_EXPECT_FALSE(test, track_filter_wants_stack(&filter, frames, 3, name));
	filter.flags |= MEMDIAG_TRACK_ANYWHERE;
	KUNIT_EXPECT_TRUE(test, track_filter_wants_stack(&filter, frames, 3, name));
}

/* Who called the allocator decides, unless the module may be anywhere. */
static void track_filter_caller(struct kunit *test)
{
	struct track_run run = { .filter = { .flags = MEMDIAG_TRACK_BY_MODULE } };
	struct track_event event = { .kind = TRACK_SLAB, .size = 100, .asked = 100 };

	run.filter.code[0].start = 0x1000;
	run.filter.code[0].size = 0x100;
	event.call_site = 0x1000;
	KUNIT_EXPECT_TRUE(test, track_filter_wants(&run, &event));
	event.call_site = 0x1100;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	/* We are on the stack ourselves. */
	run.filter.code[0].start = (unsigned long)track_filter_caller;
	run.filter.code[0].size = 0x1000;
	KUNIT_EXPECT_FALSE(test, track_filter_wants(&run, &event));
	run.filter.flags |= MEMDIAG_TRACK_ANYWHERE;
	KUNIT_EXPECT_TRUE(test, track_filter_wants(&run, &event));
	run.filter.flags = MEMDIAG_TRACK_BY_MODULE;
	event.call_site = 0;
	KUNIT_EXPECT_TRUE(test, track_filter_wants(&run, &event));
}

/* Whose caller says enough, and whose stack has to be looked at. */
static void track_filter_stacks(struct kunit *test)
{
	struct track_event slab = { .kind = TRACK_SLAB, .call_site = 0x1000 };
	struct track_event pages = { .kind = TRACK_PAGES };
	struct track_event percpu = { .kind = TRACK_PERCPU, .call_site = 0x1000 };
	struct track_filter filter = { };

	KUNIT_EXPECT_FALSE(test, track_filter_by_stack(&filter, &pages));
	KUNIT_EXPECT_FALSE(test, track_filter_by_stack(&filter, &percpu));
	filter.flags = MEMDIAG_TRACK_BY_MODULE;
	KUNIT_EXPECT_FALSE(test, track_filter_by_stack(&filter, &slab));
	KUNIT_EXPECT_TRUE(test, track_filter_by_stack(&filter, &pages));
	KUNIT_EXPECT_TRUE(test, track_filter_by_stack(&filter, &percpu));
	filter.flags |= MEMDIAG_TRACK_ANYWHERE;
	KUNIT_EXPECT_TRUE(test, track_filter_by_stack(&filter, &slab));
}

/* Call sites that are passed over at once, and those that are looked at. */
static void track_filter_sites(struct kunit *test)
{
	struct track_filter filter = { };
	struct module *mod = kunit_kzalloc(test, sizeof(*mod), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mod);
	filter_set_site(&filter);
	KUNIT_EXPECT_TRUE(test, track_range_has(&filter.site, 0x1000));
	/* Of a module that is not there, none. */
	filter.flags = MEMDIAG_TRACK_BY_MODULE;
	filter_set_site(&filter);
	KUNIT_EXPECT_FALSE(test, track_range_has(&filter.site, 0));
	KUNIT_EXPECT_FALSE(test, track_range_has(&filter.site, 0x1000));
	/* Its code, and that of its init, wherever that is. */
	range_set(&filter.code[0], 0x2000, 0x100);
	filter_set_site(&filter);
	KUNIT_EXPECT_FALSE(test, track_range_has(&filter.site, 0x1fff));
	KUNIT_EXPECT_TRUE(test, track_range_has(&filter.site, 0x2000));
	KUNIT_EXPECT_TRUE(test, track_range_has(&filter.site, 0x20ff));
	KUNIT_EXPECT_FALSE(test, track_range_has(&filter.site, 0x2100));
	range_set(&filter.code[1], 0x1000, 0x100);
	filter_set_site(&filter);
	KUNIT_EXPECT_TRUE(test, track_range_has(&filter.site, 0x1000));
	KUNIT_EXPECT_TRUE(test, track_range_has(&filter.site, 0x20ff));
	KUNIT_EXPECT_FALSE(test, track_range_has(&filter.site, 0x2100));
	/* Gone. */
	strscpy(filter.module, "gone", sizeof(filter.module));
	strscpy(mod->name, "gone", sizeof(mod->name));
	track_filter_module(&filter, mod, MODULE_STATE_GOING);
	KUNIT_EXPECT_FALSE(test, track_range_has(&filter.site, 0x2000));
	KUNIT_EXPECT_FALSE(test, track_filter_in_module(&filter, 0x2000));
	filter.flags |= MEMDIAG_TRACK_ANYWHERE;
	filter_set_site(&filter);
	KUNIT_EXPECT_TRUE(test, track_range_has(&filter.site, 0x1000));
}

/* Objects that count and bytes that are left, by a walk of the table. */
static u64 track_test_left(struct track_run *run, unsigned int *objects)
{
	u64 n, pages = 0;
	struct track_object object;
	unsigned long key;

	*objects = 0;
	for (n = 0; n < track_objects_room(&run->objects); n++)
		if (track_objects_read(&run->objects, n, &key, &object)) {
			pages += object.size >> PAGE_SHIFT;
			*objects += !(object.flags & TRACK_PART);
		}
	return pages;
}

static void track_blocks_come_apart(struct kunit *test)
{
	struct track_run *run = track_test_run(test, 1000, 16);
	/* Only addresses of page frames are looked at. */
	unsigned long first = ALIGN(page_to_pfn(virt_to_page(run)), 16);
	struct track_event event = { .kind = TRACK_PAGES, .order = 4, .flags = TRACK_BLOCK,
				     .address = (unsigned long)pfn_to_page(first),
				     .size = PAGE_SIZE << 4 };
	unsigned int objects, i, order = 0;
	struct track_stack *stack;
	u32 n = track_test_stack(&run->stacks, 1, 0);

	stack = track_stack(&run->stacks, n);
	preempt_disable();
	track_put_object(run, &event, n);
	/* 11 pages of 16 are wanted: the rest goes first. */
	for (i = 11; i < 16; i++)
		track_freed_pages(run, pfn_to_page(first + i), 0);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, track_test_left(run, &objects), 11ull);
	KUNIT_EXPECT_EQ(test, objects, 1u);
	/* Pages that were given back are others' now, and not of the block. */
	preempt_disable();
	track_freed_pages(run, pfn_to_page(first + 13), 0);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, track_test_left(run, &objects), 11ull);
	/* A pair in the middle, as a pair. */
	preempt_disable();
	track_freed_pages(run, pfn_to_page(first + 4), 1);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, track_test_left(run, &objects), 9ull);
	KUNIT_EXPECT_EQ(test, objects, 1u);
	preempt_disable();
	for (i = 0; i < 11; i++)
		if (i / 2 != 2)
			track_freed_pages(run, pfn_to_page(first + i), 0);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, track_test_left(run, &objects), 0ull);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&stack->freed), 1ull);
	for (order = 0; order < TRACK_ORDERS; order++)
		KUNIT_EXPECT_EQ(test, atomic_read(&run->nr_blocks[order]), 0);
	track_test_end(run);
}

#ifdef MEMDIAG_HAVE_UNWIND_STEP
/* The rule of an address, wherever it is in the table. */
static u64 *track_test_rule(struct track_run *run, unsigned long address)
{
	u32 n;

	for (n = 0; n < BIT(TRACK_WALK_BITS); n++)
		if (run->walk.steps[n].address == address)
			return &run->walk.steps[n].rule;
	return NULL;
}

/*
 * What goes into the table of stacks is what the unwinder says: it is asked where a walk leads
 * to a stack that is not there, and for good where it says otherwise.
 */
static void track_new_stacks(struct kunit *test)
{
	struct track_run *run = track_test_run(test, 64, 64);
	struct track_event event = {
		.kind = TRACK_PERCPU,
		.at = (unsigned long)__builtin_frame_address(0) + sizeof(long),
	};
	unsigned long frames[TRACK_FRAMES], *caller = (unsigned long *)event.at;
	u32 first, again, other, none, wrong, last, nr;

	track_probe_init();
	preempt_disable();
	first = track_stack_of(run, &event);
	again = track_stack_of(run, &event);
	preempt_enable();
	KUNIT_ASSERT_NE(test, first, TRACK_NO_STACK);
	KUNIT_EXPECT_EQ(test, again, first);
	KUNIT_EXPECT_EQ(test, track_stack(&run->stacks, first)->frames[0], *caller);
	KUNIT_EXPECT_EQ(test, track_counter(run, unwinds), 1ull);
	/* The start has learnt the way, so the first one was walked as well, and thrown away. */
	KUNIT_EXPECT_EQ(test, track_counter(run, walks), 2ull);
	/* The same frames of another kind are another stack. */
	event.kind = TRACK_PAGES;
	preempt_disable();
	other = track_stack_of(run, &event);
	preempt_enable();
	KUNIT_EXPECT_NE(test, other, first);
	KUNIT_EXPECT_EQ(test, track_counter(run, unwinds), 2ull);
	KUNIT_EXPECT_EQ(test, track_counter(run, wrong_walks), 0ull);
	/* In a full table no stack has room, so that of the event is not found out. */
	atomic_set(&run->stacks.used, run->stacks.max);
	event.order = 1;
	preempt_disable();
	none = track_stack_of(run, &event);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, none, TRACK_NO_STACK);
	KUNIT_EXPECT_EQ(test, track_counter(run, dropped_stacks), 1ull);
	KUNIT_EXPECT_EQ(test, track_counter(run, unwinds), 2ull);
	/* One that was put back has. */
	atomic_set(&run->stacks.used, 3);
	run->stacks.spare = 3;
	event.order = 2;
	preempt_disable();
	none = track_stack_of(run, &event);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, none, 2u);
	KUNIT_EXPECT_EQ(test, track_counter(run, dropped_stacks), 1ull);
	KUNIT_EXPECT_EQ(test, track_counter(run, unwinds), 3ull);
	event.order = 0;
	/* A walk that ends where none does: as if that were the last frame. */
	nr = memdiag_stack_save(frames, TRACK_FRAMES);
	KUNIT_ASSERT_NOT_NULL(test, track_test_rule(run, *caller));
	KUNIT_ASSERT_NOT_NULL(test, track_test_rule(run, frames[nr - 1]));
	*track_test_rule(run, *caller) = *track_test_rule(run, frames[nr - 1]);
	preempt_disable();
	wrong = track_stack_of(run, &event);
	last = track_stack_of(run, &event);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, wrong, other);
	KUNIT_EXPECT_EQ(test, last, other);
	KUNIT_EXPECT_EQ(test, track_counter(run, unwinds), 5ull);
	KUNIT_EXPECT_EQ(test, track_counter(run, wrong_walks), 1ull);
	KUNIT_EXPECT_TRUE(test, run->walk.off);
	probe_own_size = 0;
	track_test_end(run);
}
#endif

static void track_run_sizes(struct kunit *test)
{
	struct memdiag_track_start start = { };

	KUNIT_EXPECT_EQ(test, run_sizes(&start), 0);
	KUNIT_EXPECT_EQ(test, start.depth, (u32)TRACK_DEPTH_DEFAULT);
	KUNIT_EXPECT_GE(test, start.stacks, 1024ull);
	KUNIT_EXPECT_GE(test, start.objects, 1024ull);
	start.depth = TRACK_DEPTH_MAX + 1;
	KUNIT_EXPECT_EQ(test, run_sizes(&start), -EINVAL);
	start.depth = TRACK_DEPTH_MAX;
	start.objects = RUN_OBJECTS_MAX;
	KUNIT_EXPECT_EQ(test, run_sizes(&start), -ENOMEM);
	start.objects = RUN_OBJECTS_MAX + 1;
	KUNIT_EXPECT_EQ(test, run_sizes(&start), -EINVAL);
	start.objects = 1;
	start.stacks = BIT(TRACK_STACK_BITS);
	KUNIT_EXPECT_EQ(test, run_sizes(&start), -EINVAL);
	start.stacks = 1;
	KUNIT_EXPECT_EQ(test, run_sizes(&start), 0);
	KUNIT_EXPECT_EQ(test, start.stacks, (u64)RUN_STACKS_MIN);
	KUNIT_EXPECT_EQ(test, start.objects, (u64)RUN_OBJECTS_MIN);
}

static void track_kept(struct kunit *test)
{
	struct track_stack stack = { .kind = TRACK_PAGES };

	KUNIT_EXPECT_FALSE(test, report_is_kept(&stack, ""));
	KUNIT_EXPECT_FALSE(test, report_is_kept(&stack, "__alloc_pages+0x1/0x2;mine_pcpu_+0x1/0x2"));
	KUNIT_EXPECT_TRUE(test, report_is_kept(&stack, "pcpu_populate_chunk+0x1/0x2;mine+0x1/0x2"));
	KUNIT_EXPECT_TRUE(test, report_is_kept(&stack, "a+0x1/0x2;__pmd_alloc+0x1/0x2;b"));
	KUNIT_EXPECT_TRUE(test, report_is_kept(&stack, "a;stack_depot_save_flags+0x1/0x2;b"));
	stack.kind = TRACK_PERCPU;
	KUNIT_EXPECT_FALSE(test, report_is_kept(&stack, "pcpu_alloc+0x1/0x2;mine+0x1/0x2"));
}

/* Two stacks that read alike become one, with the objects and counters of both. */
static void track_names_merge(struct kunit *test)
{
	struct track_run *run = track_test_run(test, 1000, 64);
	struct track_object object = { .size = 10 }, out;
	struct track_stack *stack;
	u32 n[3], i, of = 0, free;

	for (i = 0; i < 3; i++) {
		n[i] = track_test_stack(&run->stacks, 1 + i, 0);
		stack = track_stack(&run->stacks, n[i]);
		stack->state = TRACK_STACK_SEALED;
		names_keep(&run->stacks, stack, i == 2 ? "other" : "same");
		object.stack = n[i];
		atomic64_set(&stack->allocated, 3);
		atomic64_set(&stack->freed, 2);
		track_objects_put(&run->objects, 0x1000 + 0x100 * i, &object, &out);
	}
	free = run->stacks.ring_tail;
	names_merge(run);
	KUNIT_EXPECT_EQ(test, run->stacks.ring_tail, free + 1);
	stack = track_stack(&run->stacks, n[0]);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&stack->allocated), 6ull);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&stack->freed), 4ull);
	KUNIT_EXPECT_EQ(test, (int)track_stack(&run->stacks, n[1])->state, TRACK_STACK_UNUSED);
	for (i = 0; i < 3; i++) {
		track_objects_take(&run->objects, 0x1000 + 0x100 * i, &out, U32_MAX);
		of += out.stack == n[0];
	}
	KUNIT_EXPECT_EQ(test, of, 2u);
	KUNIT_EXPECT_EQ(test, run->stacks.text_bytes, sizeof("same") + sizeof("other"));
	track_test_end(run);
}

/* Texts are moved when there is no room left: none is lost, and those that were dropped are gone. */
static void track_names_room(struct kunit *test)
{
	struct track_run *run = track_test_run(test, 64, 64);
	struct track_stacks *t = &run->stacks;
	char *text = kunit_kzalloc(test, TRACK_TEXT, GFP_KERNEL);
	unsigned int i, round, moved, wrong = 0;
	struct track_stack *stack;
	const char *old;
	u32 n[16];

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < ARRAY_SIZE(n); i++)
		n[i] = track_test_stack(t, 1 + i, 0);
	for (round = 0; round < 32; round++) {
		for (i = 0; i < ARRAY_SIZE(n); i++) {
			if (round && i % 4 != round % 4)
				continue;
			memset(text, 'a' + i, TRACK_TEXT - 1 - i);
			text[TRACK_TEXT - 1 - i] = '\0';
			names_drop(t, track_stack(t, n[i]));
			names_keep(t, track_stack(t, n[i]), text);
		}
		for (i = 0; i < ARRAY_SIZE(n); i++) {
			stack = track_stack(t, n[i]);
			if (!stack->text) {
				wrong++;
				continue;
			}
			memset(text, 'a' + i, TRACK_TEXT);
			wrong += strlen(stack->text) != TRACK_TEXT - 1 - i ||
				 memcmp(stack->text, text, TRACK_TEXT - 1 - i);
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	KUNIT_EXPECT_EQ(test, t->text_bytes, ARRAY_SIZE(n) * TRACK_TEXT - 15 * 16 / 2);
	KUNIT_EXPECT_LE(test, t->texts_size, 2 * t->text_bytes + NAMES_FIRST);
	track_test_end(run);
	/* Close to the bound texts are not moved for each that is dropped and kept. */
	run = track_test_run(test, 64, NAMES_MAX / TRACK_TEXT);
	t = &run->stacks;
	memset(text, 'a', TRACK_TEXT - 1);
	text[TRACK_TEXT - 1] = '\0';
	for (i = 0; i < NAMES_MAX / TRACK_TEXT; i++)
		names_keep(t, track_stack(t, track_test_stack(t, 1 + i, 0)), text);
	KUNIT_EXPECT_EQ(test, t->text_bytes, (size_t)NAMES_MAX);
	for (i = 0, moved = 0; i < NAMES_MAX / TRACK_TEXT; i++) {
		old = t->texts;
		stack = track_stack(t, i);
		names_drop(t, stack);
		names_keep(t, stack, text);
		moved += t->texts != old;
		wrong += !stack->text || strcmp(stack->text, text);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	KUNIT_EXPECT_LE(test, moved, 2u);
	KUNIT_EXPECT_LE(test, t->texts_size, 2 * (size_t)NAMES_MAX);
	/* Beyond the bound a stack has none, though the piece has room for it. */
	stack = track_stack(t, 0);
	t->texts_used = 0;
	stack->text = NULL;
	names_keep(t, stack, "one too many");
	KUNIT_EXPECT_NULL(test, stack->text);
	track_test_end(run);
}

/* What comes while stacks are merged stays with its own, also what is put back. */
static void track_names_come(struct kunit *test)
{
	struct track_run *run = track_test_run(test, 1000, 64);
	struct track_object object = { .size = 10 }, out;
	unsigned long first = ALIGN(page_to_pfn(virt_to_page(run)), 4);
	struct track_event event = { .kind = TRACK_PAGES, .order = 1, .flags = TRACK_BLOCK,
				     .address = (unsigned long)pfn_to_page(first),
				     .size = PAGE_SIZE << 1 };
	unsigned int i;
	u32 n[3];

	for (i = 0; i < 2; i++) {
		n[i] = track_test_stack(&run->stacks, 1 + i, 0);
		track_stack(&run->stacks, n[i])->state = TRACK_STACK_SEALED;
		names_keep(&run->stacks, track_stack(&run->stacks, n[i]), "same");
	}
	preempt_disable();
	track_put_object(run, &event, n[1]);
	preempt_enable();
	KUNIT_ASSERT_EQ(test, names_find_twins(run), 1u);
	n[2] = track_test_stack(&run->stacks, 3, 0);
	object.stack = n[2];
	track_objects_put(&run->objects, 0x1000, &object, &out);
	/* As if its slot had been walked already. */
	preempt_disable();
	track_freed_pages(run, pfn_to_page(first), 0);
	preempt_enable();
	track_objects_take(&run->objects, block_key(first + 1), &out, U32_MAX);
	KUNIT_EXPECT_EQ(test, out.stack, n[0]);
	names_move_objects(run);
	track_objects_take(&run->objects, 0x1000, &out, U32_MAX);
	KUNIT_EXPECT_EQ(test, out.stack, n[2]);
	track_test_end(run);
}

static void track_names_mark(struct kunit *test)
{
	char *text = kunit_kzalloc(test, TRACK_TEXT, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	strscpy(text, "a+0x1/0x2 [one];b+0x1/0x2 [one_more];c+0x1/0x2 [one]", TRACK_TEXT);
	names_mark(text, "one");
	KUNIT_EXPECT_STREQ(test, text,
			   "a+0x1/0x2 [one (unloaded)];b+0x1/0x2 [one_more];c+0x1/0x2 [one (unloaded)]");
	names_mark(text, "one");
	KUNIT_EXPECT_STREQ(test, text,
			   "a+0x1/0x2 [one (unloaded)];b+0x1/0x2 [one_more];c+0x1/0x2 [one (unloaded)]");
}

/* Two who see a new stack at the same time: neither finds it, and there is one. */
static void track_stacks_twice(struct kunit *test)
{
	unsigned long frames[] = { 1, 2, 3 };
	const struct track_stack_key key = { .frames = frames, .nr = 3 };
	struct track_stacks t;
	u32 hash, one;

	KUNIT_ASSERT_EQ(test, track_stacks_alloc(&t, 16, 4), 0);
	KUNIT_EXPECT_EQ(test, track_stacks_find(&t, &key, &hash), TRACK_NO_STACK);
	one = track_stacks_add(&t, &key, hash, TRACK_STACK_LIVE);
	KUNIT_EXPECT_EQ(test, track_stacks_add(&t, &key, hash, TRACK_STACK_LIVE), one);
	KUNIT_EXPECT_EQ(test, track_stacks_used(&t), 1u);
	track_stacks_free(&t);
}

/* An object of a cache is there, also one larger than those of kmalloc(). */
static void track_check_slab(struct kunit *test)
{
	const size_t sizes[] = { 64, 2 * KMALLOC_MAX_CACHE_SIZE };
	struct track_run *run = track_test_run(test, 64, 64);
	struct track_object object = { };
	struct kmem_cache *cache;
	unsigned int i;
	bool matches;
	void *address;

	KUNIT_ASSERT_NULL(test, track_caches_verify());
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		cache = kmem_cache_create("memdiag_kunit_track", sizes[i], 0, 0, caches_ctor);
		KUNIT_ASSERT_NOT_NULL(test, cache);
		address = kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, address);
		object.size = track_cache_size(cache);
		object.stack = track_test_stack(&run->stacks, 1 + i,
						track_cache_number(run->caches, cache, "*", &matches));
		if (address) {
			KUNIT_EXPECT_EQ(test, check_slab(run, address, &object), 0);
			/* What is not of that cache is not the object. */
			KUNIT_EXPECT_EQ(test, check_slab(run, run, &object), TRACK_GONE);
			kmem_cache_free(cache, address);
		}
		kmem_cache_destroy(cache);
	}
	track_test_end(run);
}

/* The same name has one number, with and without a hint, and whatever its cache was. */
static void track_cache_numbers(struct kunit *test)
{
	struct track_run *run = track_test_run(test, 64, 64);
	struct kmem_cache *cache;
	u32 n[2], i;
	bool matches;

	KUNIT_ASSERT_NULL(test, track_caches_verify());
	for (i = 0; i < 2; i++) {
		cache = kmem_cache_create(i ? "memdiag_kunit_b" : "memdiag_kunit_a", 64, 0, 0,
					  caches_ctor);
		KUNIT_ASSERT_NOT_NULL(test, cache);
		/* As if a cache of the other name had been there. */
		if (i)
			run->caches->hints[hash_ptr(cache, TRACK_CACHE_HINTS)] = n[0];
		n[i] = track_cache_number(run->caches, cache, "*_a", &matches);
		KUNIT_EXPECT_EQ(test, matches, !i);
		KUNIT_EXPECT_EQ(test, track_cache_number(run->caches, cache, "*_a", &matches), n[i]);
		KUNIT_EXPECT_EQ(test, matches, !i);
		KUNIT_EXPECT_STREQ(test, run->caches->known[n[i]].name,
				   i ? "memdiag_kunit_b" : "memdiag_kunit_a");
		kmem_cache_destroy(cache);
	}
	KUNIT_EXPECT_NE(test, n[0], n[1]);
	track_test_end(run);
}

static void track_ages(struct kunit *test)
{
	static const struct { u64 age; u32 told; unsigned int in; } cases[] = {
		{ 0, 0, 0 }, { HZ - 1, HZ - 1, 0 }, { HZ, HZ, 1 }, { 3600ull * HZ, 3600 * HZ, 5 },
		/* More than half of what the counter can tell. */
		{ BIT_ULL(31) + 1, BIT_ULL(31) + 1, 5 },
		/* It came while the table was being read. */
		{ -1ull, 0, 0 },
	};
	struct track_run *run = track_test_run(test, 64, 64);
	struct track_object object = { .size = 1, .flags = 0 };
	unsigned int i;

	object.stack = track_test_stack(&run->stacks, 1, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct track_sum *sum = &run->sums[object.stack];

		memset(sum, 0, sizeof(*sum));
		object.when = 1000u - (u32)cases[i].age;
		/* A page of our own, that is there. */
		report_add(run, track_key(TRACK_PAGES, (unsigned long)ZERO_PAGE(0)),
			   &object, 1000, 0);
		KUNIT_EXPECT_EQ(test, sum->oldest, cases[i].told);
		KUNIT_EXPECT_EQ(test, sum->ages[cases[i].in], 1ull);
	}
	track_test_end(run);
}

static struct kunit_case track_cases[] = {
	KUNIT_CASE(track_put_and_take),
	KUNIT_CASE(track_fill_and_empty),
	KUNIT_CASE(track_misses),
	KUNIT_CASE(track_replaces),
	KUNIT_CASE(track_owes),
	KUNIT_CASE(track_stacks_are_found),
	KUNIT_CASE(track_stacks_twice),
	KUNIT_CASE(track_check_slab),
	KUNIT_CASE(track_cache_numbers),
	KUNIT_CASE(track_ages),
	KUNIT_CASE(track_cache_names_match),
	KUNIT_CASE(track_filter_boundaries),
	KUNIT_CASE(track_filter_frames),
	KUNIT_CASE(track_filter_caller),
	KUNIT_CASE(track_filter_sites),
	KUNIT_CASE(track_filter_stacks),
	KUNIT_CASE(track_blocks_come_apart),
#ifdef MEMDIAG_HAVE_UNWIND_STEP
	KUNIT_CASE(track_new_stacks),
#endif
	KUNIT_CASE(track_run_sizes),
	KUNIT_CASE(track_kept),
	KUNIT_CASE(track_names_merge),
	KUNIT_CASE(track_names_room),
	KUNIT_CASE(track_names_come),
	KUNIT_CASE(track_names_mark),
	{ }
};

static struct kunit_suite track_suite = {
	.name = "memdiag_track",
	.test_cases = track_cases,
};
kunit_test_suite(track_suite);
