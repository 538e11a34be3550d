// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_sink: what a provider says through its sink: that it is partial, what
 * finishing adds, what is derived from another section, strings, symbols and the time
 * that locks were held. With providers that do as they are told: snapshot_kunit.c.
 */
#include <linux/module.h>
#include <linux/sizes.h>

#include "../../module/sink.h"
#include "fakes.h"

static void sink_partial(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	fakes[7].partial = "some are missing";
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	s = section_of(bytes, 7);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_PARTIAL);
	KUNIT_EXPECT_EQ(test, s->error, 0);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, s->reason), "some are missing");
	KUNIT_EXPECT_EQ(test, s->nr_records, 3ULL);
	/* It is about one snapshot, and the next has all. */
	fakes[7].partial = NULL;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_records(test, bytes, 7, 3);
}

static int collect_partial_twice(struct memdiag_sink *sink)
{
	memdiag_mark_partial(sink, "first %d", 1);
	memdiag_mark_partial(sink, "second");
	return 0;
}

/* Partial on the first walk only, which has to be repeated. */
static int collect_partial_once(struct memdiag_sink *sink)
{
	unsigned int i;

	if (fake_of(sink)->walks == 1)
		memdiag_mark_partial(sink, "of a walk that does not count");
	for (i = 0; i < 20; i++)
		if (!memdiag_push(sink))
			return -ENOSPC;
	return 0;
}

static void sink_partial_of_walk(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	fakes[7].collect = collect_partial_twice;
	fakes[8].collect = collect_partial_once;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, section_of(bytes, 7)->reason), "first 1");
	KUNIT_EXPECT_EQ(test, fakes[8].walks, 2);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 8)->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, section_of(bytes, 8)->reason), "");
}

static void sink_state_of_init(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	memdiag_set_unavailable(&statuses[3], -ENOENT, "no symbol");
	memdiag_set_partial(&statuses[4], MEMDIAG_SRC_TEXT, "by text");
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	s = section_of(bytes, 3);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->error, -ENOENT);
	KUNIT_EXPECT_EQ(test, s->source, MEMDIAG_SRC_NONE);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, s->reason), "no symbol");
	KUNIT_EXPECT_EQ(test, fakes[3].walks, 0);
	s = section_of(bytes, 4);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_PARTIAL);
	KUNIT_EXPECT_EQ(test, s->source, MEMDIAG_SRC_TEXT);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, s->reason), "by text");
	KUNIT_EXPECT_EQ(test, s->nr_records, 3ULL);
	expect_records(test, bytes, 5, 3);
}

static int finish_upper(struct memdiag_sink *sink)
{
	unsigned int i;

	for (i = 0; i < sink->nr_records; i++) {
		struct fake_record *r = memdiag_record(sink, i);

		r->text = memdiag_push_printf(sink, "FINISHED: %s of %020llu",
					      memdiag_string(sink, r->text), r->n);
	}
	return fake_finish(sink);
}

static void sink_finish(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	char reason[64];

	providers[2].finish = finish_upper;
	providers[3].finish = fake_finish;
	fakes[3].error = -EIO;
	providers[4].finish = fake_finish;
	fakes[4].finish_error = -EPROTO;
	/* Its strings run out while finishing: all is done again. */
	providers[5].finish = finish_upper;
	fakes[5].nr = 300;
	statuses[5].last_records = 300;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);

	KUNIT_EXPECT_EQ(test, fakes[2].finishes, 1);
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, 2, 1, "text"),
			   "FINISHED: text 2000001 of 00000000000002000001");
	KUNIT_EXPECT_EQ(test, fakes[3].finishes, 0);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 4)->state, MEMDIAG_STATE_UNAVAILABLE);
	snprintf(reason, sizeof(reason), "collecting failed: %pe", ERR_PTR(-EPROTO));
	KUNIT_EXPECT_STREQ(test, string_of(bytes, section_of(bytes, 4)->reason), reason);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 5)->restarts, 1);
	KUNIT_EXPECT_EQ(test, fakes[5].finishes, 2);
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, 5, 299, "text"),
			   "FINISHED: text 5000299 of 00000000000005000299");
}

/* Derived from section 3: the sum of its numbers, or nothing. */
static int collect_derived(struct memdiag_sink *sink)
{
	const struct memdiag_sink *other = memdiag_parent(sink, 3);
	struct fake_record *record;
	unsigned int i;

	if (!other)
		return -ENODATA;
	record = memdiag_push(sink);
	if (!record)
		return -ENOSPC;
	record->n = 0;
	record->text = 0;
	for (i = 0; i < other->nr_records; i++)
		record->n += ((struct fake_record *)memdiag_record(other, i))->n;
	return 0;
}

static void sink_derived(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	providers[3].after = BIT_ULL(1);
	providers[8].after = BIT_ULL(3);
	providers[9].after = BIT_ULL(4);
	fakes[8].collect = collect_derived;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(8));
	expect_layout(test, bytes);
	KUNIT_EXPECT_EQ(test, bytes->sections, BIT_ULL(8) | BIT_ULL(3) | BIT_ULL(1));
	expect_records(test, bytes, 1, 3);
	expect_records(test, bytes, 3, 3);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, 8, 0, "n"), 9000003ULL);

	/* A parent is collected without its children. */
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(3));
	KUNIT_EXPECT_EQ(test, bytes->sections, BIT_ULL(3) | BIT_ULL(1));

	/* What it is derived from fails, or does only in part. */
	fakes[3].error = -EIO;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(8));
	KUNIT_EXPECT_EQ(test, section_of(bytes, 8)->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 8)->error, -ENODATA);
	fakes[3].error = 0;
	fakes[3].partial = "half";
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(8));
	KUNIT_EXPECT_EQ(test, section_of(bytes, 8)->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, 8, 0, "n"), 9000003ULL);
}

static void sink_strings_shared(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	const struct fake_record *r, *other;
	unsigned int i;

	fakes[2].nr = 100;
	fakes[2].text = "one for all";
	fakes[3].text = "one for all";
	fakes[4].text = NULL;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	r = bytes->data + section_of(bytes, 2)->records;
	for (i = 1; i < 100; i++)
		KUNIT_EXPECT_EQ(test, r[i].text, r[0].text);
	other = bytes->data + section_of(bytes, 3)->records;
	KUNIT_EXPECT_EQ(test, other->text, r[0].text);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, r[0].text), "one for all");
	/* The empty string is the NUL that the table begins with. */
	other = bytes->data + section_of(bytes, 4)->records;
	KUNIT_EXPECT_EQ(test, other->text, 0ULL);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 4)->reason, 0);
}

/* Many more than there are slots, in two sections: all read back. */
static void sink_strings_many(struct kunit *test)
{
	unsigned int nr = SINK_HASH_SLOTS + 2000;
	struct memdiag_bytes *bytes;

	fakes[2].nr = nr;
	fakes[2].text = "%llu";
	statuses[2].last_records = nr;
	fakes[3].nr = 1000;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(2) | BIT_ULL(3));
	expect_layout(test, bytes);
	expect_records(test, bytes, 2, nr);
	expect_records(test, bytes, 3, 1000);
}

/* The first walks push other strings than the one that counts, and fewer. */
static int collect_changing(struct memdiag_sink *sink)
{
	struct fake *f = fake_of(sink);
	unsigned int i;

	for (i = 0; i < 500 * min(f->walks, 4u); i++) {
		struct fake_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->n = i;
		/* Of another length, so that old slots point into new strings. */
		record->text = memdiag_push_printf(sink, "%*u", 5 + f->walks % 7, i);
	}
	return 0;
}

static void sink_strings_stale(struct kunit *test)
{
	const struct fake_record *r;
	struct memdiag_bytes *bytes;
	unsigned int i, wrong = 0;
	unsigned long number;

	fakes[2].collect = collect_changing;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(2) | BIT_ULL(3));
	expect_layout(test, bytes);
	expect_records(test, bytes, 3, 3);
	KUNIT_EXPECT_GT(test, section_of(bytes, 2)->restarts, 1);
	r = bytes->data + section_of(bytes, 2)->records;
	for (i = 0; i < 2000; i++)
		wrong += kstrtoul(skip_spaces(string_of(bytes, r[i].text)), 10, &number) ||
			 number != i;
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* Twenty keys again and again, as a section that adds up has them. */
static int collect_keys(struct memdiag_sink *sink)
{
	struct fake_record *record;
	unsigned int i, key;

	for (i = 0; i < 1000; i++) {
		for (key = 0; key < sink->nr_records; key++) {
			record = memdiag_record(sink, key);
			if (record->n == i % 20)
				break;
		}
		if (key < sink->nr_records)
			continue;
		record = memdiag_push_kept(sink);
		if (!record)
			return -ENOSPC;
		record->n = i % 20;
		record->text = memdiag_push_string(sink, "key");
	}
	return 0;
}

/* What is looked for among the records is not counted twice where there is no room. */
static void sink_kept(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	fakes[2].collect = collect_keys;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(2));
	KUNIT_EXPECT_EQ(test, section_of(bytes, 2)->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 2)->nr_records, 20ULL);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 2)->restarts, 1);
}

static int collect_same_long(struct memdiag_sink *sink)
{
	static char text[SZ_32K];
	unsigned int i;

	memset(text, 't', sizeof(text) - 1);
	for (i = 0; i < 1000; i++) {
		struct fake_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->n = i;
		record->text = memdiag_push_string(sink, text);
	}
	return 0;
}

/* A thousand times the same string needs room for one, not for a thousand. */
static void sink_strings_missed(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	fakes[2].collect = collect_same_long;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(2));
	s = section_of(bytes, 2);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->nr_records, 1000ULL);
	KUNIT_EXPECT_EQ(test, s->restarts, 1);
	KUNIT_EXPECT_EQ(test, strlen(memdiag_kunit_string(test, bytes, 2, 999, "text")),
			(size_t)SZ_32K - 1);
}

static int collect_locks(struct memdiag_sink *sink)
{
	static const unsigned int us[] = { 20, 500, 10 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(us); i++) {
		u64 until = ktime_get_mono_fast_ns() + us[i] * NSEC_PER_USEC;

		memdiag_lock_begin(sink);
		while (ktime_get_mono_fast_ns() < until)
			cpu_relax();
		memdiag_lock_end(sink);
	}
	return 0;
}

static void sink_lock_time(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	fakes[2].collect = collect_locks;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	s = section_of(bytes, 2);
	/* The longest one, and not all of them together. */
	KUNIT_EXPECT_GE(test, s->lock_ns, 490 * NSEC_PER_USEC);
	KUNIT_EXPECT_LE(test, s->lock_ns, s->collect_ns);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->lock_ns, 0ULL);
}

static int collect_unknown_lock(struct memdiag_sink *sink)
{
	memdiag_lock_unknown(sink);
	memdiag_lock_begin(sink);
	memdiag_lock_end(sink);
	return 0;
}

/* One that could not be measured may have been longer than all that were. */
static void sink_lock_unknown(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	fakes[2].collect = collect_unknown_lock;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 2)->lock_ns, MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->lock_ns, 0ULL);
}

static int collect_symbols(struct memdiag_sink *sink)
{
	static const unsigned long addresses[] = {
		(unsigned long)collect_locks + 1, (unsigned long)schedule, 4242,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct fake_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->n = memdiag_push_symbol_module(sink, addresses[i]);
		record->text = memdiag_push_function(sink, addresses[i]);
	}
	return 0;
}

static void sink_symbols(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	const struct fake_record *r;

	fakes[2].collect = collect_symbols;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(2));
	r = bytes->data + section_of(bytes, 2)->records;
	KUNIT_ASSERT_EQ(test, section_of(bytes, 2)->nr_records, 3ULL);
	KUNIT_EXPECT_TRUE(test, strstarts(string_of(bytes, r[0].text), "collect_locks+0x1/0x"));
	KUNIT_ASSERT_NE(test, r[0].n, MEMDIAG_ABSENT);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, r[0].n), KBUILD_MODNAME);
	KUNIT_EXPECT_TRUE(test, strstarts(string_of(bytes, r[1].text), "schedule+0x0/0x"));
	KUNIT_EXPECT_EQ(test, r[1].n, MEMDIAG_ABSENT);
	/* An address is never shown. */
	KUNIT_EXPECT_STREQ(test, string_of(bytes, r[2].text), "?");
	KUNIT_EXPECT_EQ(test, r[2].n, MEMDIAG_ABSENT);
}

static struct kunit_case sink_cases[] = {
	KUNIT_CASE(sink_partial),
	KUNIT_CASE(sink_partial_of_walk),
	KUNIT_CASE(sink_state_of_init),
	KUNIT_CASE(sink_finish),
	KUNIT_CASE(sink_derived),
	KUNIT_CASE(sink_strings_shared),
	KUNIT_CASE(sink_strings_many),
	KUNIT_CASE(sink_strings_stale),
	KUNIT_CASE(sink_kept),
	KUNIT_CASE(sink_strings_missed),
	KUNIT_CASE(sink_lock_time),
	KUNIT_CASE(sink_lock_unknown),
	KUNIT_CASE(sink_symbols),
	{}
};

static struct kunit_suite sink_suite = {
	.name = "memdiag_sink",
	.init = memdiag_kunit_fake_begin,
	.test_cases = sink_cases,
};
kunit_test_suite(sink_suite);
