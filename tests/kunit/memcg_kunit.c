// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_memcg: the text of memory.stat, tables of places, a layout that
 * is wrong and must be refused.
 */
#include "kunit.h"

#include "../../module/providers/memcg/stat.c"
#include "../../module/providers/memcg/stat_table.c"
#include "../../module/providers/memcg/stat_places.c"
#include "../../module/providers/memcg/memcg.c"

#ifdef CONFIG_MEMCG

static const struct memdiag_memcg_item memcg_items[] = {
	{ .name = "anon", .line = "anon" },
	{ .name = "file", .line = "file" },
	{ .name = "not printed", .line = "" },
	{ .name = "pgfault", .line = "pgfault" },
};

static void memcg_text(struct kunit *test)
{
	static const struct {
		const char *text;
		unsigned int found;
		u64 values[4];
	} texts[] = {
		{ "anon 1\nfile 2\npgfault 3\n", 3, { 1, 2, MEMDIAG_ABSENT, 3 } },
		/* In any order, with others in between, without the last newline. */
		{ "pgfault 3\nfile 2\nnew 9\nanon 1", 3, { 1, 2, MEMDIAG_ABSENT, 3 } },
		{ "", 0, { MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT } },
		/* Names that only begin so, and numbers that are none. */
		{ "anon_thp 5\nano 6\nfile x\npgfault -1\n", 0,
		  { MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT } },
		{ "anon\nfile\n\n pgfault 1\npgfault 18446744073709551615\n", 1,
		  { MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT, U64_MAX } },
		{ "anon 0\n", 1, { 0, MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT } },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		u64 values[4] = { 42, 42, 42, 42 };
		char text[80];

		strscpy(text, texts[i].text, sizeof(text));
		KUNIT_EXPECT_EQ(test, memdiag_memcg_stat_parse(text, memcg_items, 4, values),
				texts[i].found);
		for (j = 0; j < 4; j++)
			KUNIT_EXPECT_EQ_MSG(test, values[j], texts[i].values[j], "text %u: %s",
					    i, memcg_items[j].name);
	}
}

static void memcg_index_bytes(struct kunit *test)
{
	static const struct {
		u8 table[6];
		u32 nelems;
		int bias;
		bool is;
	} tables[] = {
		{ { 0, 1, 2, 3, 4, 5 }, 6, 0, true },
		{ { 5, 3, 4, 1, 2, 0 }, 6, 0, true },
		{ { 255, 1, 255, 0, 2, 255 }, 3, 0, true },
		{ { 0, 1, 2, 3, 4, 4 }, 6, 0, false },
		{ { 0, 1, 2, 3, 4, 6 }, 6, 0, false },
		{ { 0, 1, 2, 255, 4, 5 }, 6, 0, false },
		{ { 0, 1, 2, 255, 255, 255 }, 4, 0, false },
		{ { 255, 255, 255, 255, 255, 255 }, 1, 0, false },
		/* Counting from one, zero for those without a place. */
		{ { 1, 2, 3, 4, 5, 6 }, 6, 1, true },
		{ { 0, 2, 0, 1, 0, 3 }, 3, 1, true },
		{ { 1, 2, 3, 4, 5, 6 }, 6, 0, false },
		{ { 0, 1, 2, 3, 4, 5 }, 6, 1, false },
		{ { 0, 1, 0, 1, 0, 2 }, 2, 1, false },
		{ { 0, 255, 0, 1, 0, 2 }, 3, 1, false },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		s16 index[6];
		bool is = places_is_index(tables[i].table, 6, 1, tables[i].bias,
					tables[i].nelems, index);

		KUNIT_EXPECT_EQ_MSG(test, is, tables[i].is, "table %u", i);
		for (j = 0; is && j < 6; j++) {
			int place = tables[i].table[j] - tables[i].bias;

			if (tables[i].bias ? place < 0 : place == 255)
				place = -1;
			KUNIT_EXPECT_EQ_MSG(test, index[j], place, "table %u", i);
		}
	}
}

static void memcg_index_ints(struct kunit *test)
{
	s32 table[5] = { 3, 0, 1, 0, 2 };
	s16 index[5];

	KUNIT_EXPECT_TRUE(test, places_is_index(table, 5, sizeof(s32), 1, 3, index));
	KUNIT_EXPECT_EQ(test, index[0], 2);
	KUNIT_EXPECT_EQ(test, index[1], -1);
	KUNIT_EXPECT_EQ(test, index[4], 1);
	table[4] = -1;
	KUNIT_EXPECT_FALSE(test, places_is_index(table, 5, sizeof(s32), 1, 3, index));
	table[4] = 0x7fffffff;
	KUNIT_EXPECT_FALSE(test, places_is_index(table, 5, sizeof(s32), 1, 3, index));
	table[4] = S32_MIN;
	KUNIT_EXPECT_FALSE(test, places_is_index(table, 5, sizeof(s32), 1, 3, index));
	/* Bytes read as int, or int as bytes, are no such table. */
	table[4] = 2;
	KUNIT_EXPECT_FALSE(test, places_is_index(table, 5, 1, 1, 3, index));
}

static void memcg_items_known(struct kunit *test)
{
	unsigned int i, nr = memdiag_memcg_stat_nr();

	KUNIT_ASSERT_GT(test, nr, 20);
	KUNIT_EXPECT_EQ(test, memdiag_memcg_stat_index("anon"), 0);
	KUNIT_EXPECT_GT(test, memdiag_memcg_stat_index("pgfault"), 0);
	KUNIT_EXPECT_EQ(test, memdiag_memcg_stat_index("no such item"), -ENOENT);
	for (i = 0; i < nr; i++) {
		const struct memdiag_memcg_item *item = memdiag_memcg_stat_item(i);

		KUNIT_EXPECT_EQ(test, memdiag_memcg_stat_index(item->name), i);
		KUNIT_EXPECT_NOT_NULL(test, item->help);
		if (memdiag_memcg_stat_is_direct())
			KUNIT_EXPECT_GT_MSG(test, item->nr_terms, 0, "%s", item->name);
	}
}

/* All items of the root one word off: what is not as printed is left out. */
static void memcg_layout_moved(struct kunit *test)
{
	DECLARE_BITMAP(keep, MEMDIAG_MEMCG_MAX_ITEMS);

	memdiag_kunit_need_btf(test);
	KUNIT_ASSERT_TRUE_MSG(test, memdiag_memcg_stat_is_direct(), "the right layout was refused");
	bitmap_zero(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	bitmap_set(keep, 0, stat_table.nr);
	KUNIT_EXPECT_EQ(test, stat_check(memcg_root, keep), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_full(keep, stat_table.nr));
	stat_table.state_offset += sizeof(long);
	KUNIT_EXPECT_EQ(test, stat_check(memcg_root, keep), 0);
	stat_table.state_offset -= sizeof(long);
	KUNIT_EXPECT_FALSE(test, bitmap_full(keep, stat_table.nr));
	KUNIT_EXPECT_FALSE(test, test_bit(memdiag_memcg_stat_index("file"), keep));
}

static void memcg_limits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, memcg_limit(0), 0ULL);
	KUNIT_EXPECT_EQ(test, memcg_limit(3), 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, memcg_limit(PAGE_COUNTER_MAX), MEMDIAG_UNLIMITED);
	KUNIT_EXPECT_EQ(test, memcg_limit(PAGE_COUNTER_MAX - 1),
			(u64)(PAGE_COUNTER_MAX - 1) * PAGE_SIZE);
}

/* The root is there, once, and first. */
static void memcg_live(struct kunit *test)
{
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(MEMCG));

	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_MEMCG, 0, "id"), 1ULL);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_MEMCG, 0, "level"),
			0ULL);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_MEMCG, 0, "parent"),
			MEMDIAG_ABSENT);
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, MEMDIAG_SEC_MEMCG, 0, "path"),
			   "/");
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, MEMDIAG_SEC_MEMCG, 0, "state"),
			   "online");
	/* The guest's files are in memory. */
	KUNIT_EXPECT_GT(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_MEMCG, 0, "file"),
			0ULL);
}

static int memcg_root_collect(struct memdiag_sink *sink)
{
	struct memcg_record *record = memdiag_push(sink);
	struct cgroup_subsys_state *root = memcg_root;
	struct cgroup_subsys_state css = { .flags = CSS_ONLINE };
	struct cgroup *freed;
	char *path;

	/* As the directory of a v1 root that was unmounted: nothing in it is true. */
	freed = kzalloc(sizeof(*freed), GFP_KERNEL);
	path = kmalloc(MEMDIAG_MEMCG_PATH, GFP_KERNEL);
	if (record && freed && path) {
		freed->level = 4711;
		freed->nr_descendants = 4711;
		css.cgroup = freed;
		memcg_root = &css;
		memcg_fill_labels(sink, record, &css, path);
		memcg_root = root;
		memcg_fill_root(sink);
	}
	kfree(freed);
	kfree(path);
	return record && freed && path ? 0 : -ENOMEM;
}

/* The directory of the root of v1 may be freed: it is not looked at. */
static void memcg_v1_root(struct kunit *test)
{
	const u32 id = MEMDIAG_SEC_MEMCG;
	struct memdiag_bytes *bytes;

	KUNIT_ASSERT_EQ(test, memdiag_kunit_fake_begin(test), 0);
	memdiag_kunit_statuses[id].fields = memcg_fields;
	memdiag_kunit_statuses[id].nr_fields = ARRAY_SIZE(memcg_fields);
	memdiag_kunit_statuses[id].record_size = sizeof(struct memcg_record);
	memdiag_kunit_fakes[id].collect = memcg_root_collect;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(id));
	KUNIT_ASSERT_EQ(test, memdiag_snapshot_section(bytes, id)->nr_records, 1ULL);
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, 0, "state"), "online");
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, 0, "path"), "/");
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, id, 0, "level"), 0ULL);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, id, 0, "nr_descendants"), 0ULL);
}

static struct kunit_case memcg_cases[] = {
	KUNIT_CASE(memcg_text),
	KUNIT_CASE(memcg_index_bytes),
	KUNIT_CASE(memcg_index_ints),
	KUNIT_CASE(memcg_items_known),
	KUNIT_CASE(memcg_layout_moved),
	KUNIT_CASE(memcg_limits),
	KUNIT_CASE(memcg_live),
	KUNIT_CASE(memcg_v1_root),
	{}
};

static struct kunit_suite memcg_suite = {
	.name = "memdiag_memcg",
	.suite_init = memdiag_kunit_live,
	.test_cases = memcg_cases,
};
kunit_test_suite(memcg_suite);

#endif /* CONFIG_MEMCG */
