// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_slab: lines of slabinfo, layouts that are wrong and must be
 * refused, and a cache of our own with a known number of objects.
 */
#include "kunit.h"

#include "../../module/resolve/mirror_slab.c"
#include "../../module/slub/layout.c"
#include "../../module/slub/line.c"
#include "../../module/slub/cache.c"
#include "../../module/slub/page.c"
#include "../../module/slub/slub.c"
#include "../../module/providers/slab/record.c"
#include "../../module/providers/slab/pages.c"
#include "../../module/slub/verify.c"
#include "../../module/providers/slab/slab.c"

/* The empty statistics and tunables of SLUB. */
#define TAIL " : tunables    0    0    0 : slabdata      9      8      0"

static void slab_lines(struct kunit *test)
{
	static const struct {
		const char *text;
		const char *name;
	} lines[] = {
		{ "kmalloc-64            7     64     64   66    2" TAIL, "kmalloc-64" },
		{ "a name with spaces    7     64     64   66    2" TAIL, "a name with spaces" },
		{ "bio:1 7 64 64 66 2" TAIL, "bio:1" },
		{ "x : tunables 1 2 3 7 64 64 66 2" TAIL, "x : tunables 1 2 3" },
		{ "x : slabdata 1 2 3 7 64 64 66 2" TAIL, "x : slabdata 1 2 3" },
		{ "x : y : z 7 64 64 66 2" TAIL, "x : y : z" },
		{ "1 2 3 7 64 64 66 2" TAIL, "1 2 3" },
		{ "a-name-which-is-longer-than-the-column-of-seventeen 7 64 64 66 2" TAIL,
		  "a-name-which-is-longer-than-the-column-of-seventeen" },
		/* CONFIG_SLAB appends statistics. */
		{ "old 7 64 64 66 2" TAIL " : globalstat 1 2 3 4 5 6 7 8 9 : cpustat 1 2 3 4",
		  "old" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct memdiag_slab_line line = {};
		char text[200];

		KUNIT_ASSERT_GT(test, strscpy(text, lines[i].text, sizeof(text)), 0);
		KUNIT_EXPECT_EQ_MSG(test, memdiag_slab_line_parse(text, &line), 0, "%s",
				    lines[i].text);
		KUNIT_ASSERT_NOT_NULL(test, line.name);
		KUNIT_EXPECT_STREQ(test, line.name, lines[i].name);
		KUNIT_EXPECT_EQ(test, line.active_objs, 7ULL);
		KUNIT_EXPECT_EQ(test, line.num_objs, 64ULL);
		KUNIT_EXPECT_EQ(test, line.objsize, 64ULL);
		KUNIT_EXPECT_EQ(test, line.objs_per_slab, 66ULL);
		KUNIT_EXPECT_EQ(test, line.pages_per_slab, 2ULL);
		KUNIT_EXPECT_EQ(test, line.active_slabs, 9ULL);
		KUNIT_EXPECT_EQ(test, line.num_slabs, 8ULL);
	}
}

static void slab_bad_lines(struct kunit *test)
{
	static const char * const bad[] = {
		"",
		"name",
		TAIL,
		"slabinfo - version: 2.1",
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>",
		"name 1 2 3 4 5 : tunables 0 0 0",
		"name 1 2 3 4 5 : slabdata 1 1 0",
		"name 1 2 3 4 5 : tunables 0 0 0 : slabdata",
		"name 1 2 3 4 5 : tunables 0 0 0 : slabdata 1 1",
		"name 2 3 4 5" TAIL,
		"name x 2 3 4 5" TAIL,
		"name 1 -2 3 4 5" TAIL,
		"name 1 2 3 4 5x" TAIL,
		"name 99999999999999999999 2 3 4 5" TAIL,
		"name 1 2 3 4 5 : tunables 0 0 0 : slabdata 1 x 0",
		"1 2 3 4 5" TAIL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct memdiag_slab_line line;
		char text[240];

		KUNIT_ASSERT_GE(test, strscpy(text, bad[i], sizeof(text)), 0);
		KUNIT_EXPECT_EQ_MSG(test, memdiag_slab_line_parse(text, &line), -EINVAL, "%s",
				    bad[i]);
	}
}

static void slab_numbers(struct kunit *test)
{
	struct memdiag_member saved = memdiag_slab_members[CACHE_FLAGS];
	static const u8 word[8] = { 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe };
	static const struct {
		u32 bit_offset;
		u32 bit_size;
		u64 value;
		bool readable;
	} places[] = {
		{ 0, 8, 0x10, true }, { 8, 8, 0x32, true }, { 16, 16, 0x7654, true },
		{ 32, 32, 0xfedcba98, true }, { 0, 64, 0xfedcba9876543210, true },
		{ 4, 4, 0x1, true }, { 32, 15, 0x3a98, true }, { 47, 1, 1, true },
		{ 0, 0, 0, false }, { 28, 8, 0, false }, { 8, 32, 0, false },
		{ 0, 128, 0, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		memdiag_slab_members[CACHE_FLAGS].bit_offset = places[i].bit_offset;
		memdiag_slab_members[CACHE_FLAGS].bit_size = places[i].bit_size;
		KUNIT_EXPECT_EQ_MSG(test, slab_is_readable(&memdiag_slab_members[CACHE_FLAGS]),
				    places[i].readable, "place %u", i);
		if (IS_ENABLED(CONFIG_CPU_LITTLE_ENDIAN) || !IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
			if (places[i].readable)
				KUNIT_EXPECT_EQ_MSG(test, memdiag_slab_get(word, CACHE_FLAGS),
						    places[i].value, "place %u", i);
	}
	memdiag_slab_members[CACHE_FLAGS] = saved;
}

/* Our own cache, as memdiag_slab_verify() makes it. */
struct slab_probe {
	struct memdiag_ops ops;
	struct kmem_cache *cache;
	void **objects;
};

static void slab_probe_free(void *arg)
{
	struct slab_probe *p = arg;

	kmem_cache_destroy(p->cache);
	memdiag_ops_close(&p->ops);
}

static struct slab_probe *slab_probe_new(struct kunit *test)
{
	struct slab_probe *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	memdiag_kunit_need_btf(test);
	KUNIT_ASSERT_EQ_MSG(test, (int)slab_by, (int)SLAB_BY_LIST, "the right layout was refused");
	if (!IS_ENABLED(CONFIG_SLUB_TINY))
		KUNIT_ASSERT_TRUE_MSG(test, memdiag_slab_has(CACHE_CPU_SLAB) ||
				      memdiag_slab_has(CACHE_SHEAF_CAPACITY),
				      "what CPUs hold was refused");
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, memdiag_ops_open(&p->ops, "/proc/slabinfo"), 0);
	p->cache = kmem_cache_create(PROBE_NAME, PROBE_SIZE, PROBE_ALIGN, PROBE_FLAGS,
				     slab_probe_ctor);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, slab_probe_free, p), 0);
	KUNIT_ASSERT_NOT_NULL(test, p->cache);
	p->objects = kunit_kcalloc(test, PROBE_OBJECTS, sizeof(*p->objects), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->objects);
	return p;
}

/* Members whose place is wrong: by what they must be refused. */
static const struct {
	enum memdiag_slab_member which;
	/* In the words of the check; NULL: any. */
	const char *wrong;
	/* Only one value is right, and it is looked for without following it. */
	bool wild;
} slab_wrong[] = {
	{ CACHE_NAME, "name", true },
	{ CACHE_LIST, "list: own cache not on it", true },
	{ CACHE_SIZE, "size", true },
	{ CACHE_OBJECT_SIZE, "object_size", true },
	{ CACHE_OO, NULL, false },
	{ CACHE_MIN, NULL, false },
	{ CACHE_CTOR, "ctor", true },
	{ CACHE_REFCOUNT, "refcount", false },
	{ CACHE_FLAGS, "flags", false },
	{ CACHE_ALIGN, "align", true },
	{ CACHE_MIN_PARTIAL, "min_partial", false },
	{ CACHE_NODE, NULL, false },
	{ CACHE_CPU_SLAB, NULL, false },
	{ CPU_SLAB, NULL, false },
	{ CPU_PARTIAL, NULL, false },
	{ CACHE_CPU_PARTIAL, NULL, false },
	{ CACHE_CPU_PARTIAL_SLABS, "cpu_partial_slabs", false },
	{ CACHE_CPU_SHEAVES, NULL, false },
	{ CACHE_SHEAF_CAPACITY, NULL, false },
	{ CACHE_PER_NODE, NULL, false },
	{ PER_NODE_NODE, NULL, false },
	{ PER_NODE_BARN, NULL, false },
	{ SHEAF_SIZE, NULL, false },
	{ SHEAF_CACHE, NULL, false },
	{ NODE_LIST_LOCK, "list_lock", false },
	{ NODE_NR_PARTIAL, NULL, false },
	{ NODE_PARTIAL, "partial", true },
	{ NODE_NR_SLABS, NULL, false },
	{ NODE_TOTAL_OBJECTS, NULL, false },
	{ SLAB_LIST, NULL, false },
	{ SLAB_CACHE, NULL, false },
	{ SLAB_INUSE, NULL, false },
	{ SLAB_OBJECTS, NULL, false },
	{ SLAB_FROZEN, NULL, false },
};

static void slab_layout_right(struct kunit *test)
{
	struct slab_probe *p = slab_probe_new(test);

	KUNIT_EXPECT_NULL(test, slab_check(&p->ops, p->cache, p->objects));
}

static void slab_layout_moved(struct kunit *test)
{
	struct slab_probe *p = slab_probe_new(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slab_wrong); i++) {
		struct memdiag_member *member = &memdiag_slab_members[slab_wrong[i].which];
		u32 right = member->bit_offset;
		const char *wrong;

		/* Not every kernel has each of them. */
		if (!member->found)
			continue;
		/* KASAN keeps what is freed, so there may be no such slab to see it by. */
		if (IS_ENABLED(CONFIG_KASAN) && (slab_wrong[i].which == CPU_PARTIAL ||
						 slab_wrong[i].which == SLAB_SLABS))
			continue;
		member->bit_offset += BITS_PER_LONG;
		wrong = slab_check(&p->ops, p->cache, p->objects);
		member->bit_offset = right;
		KUNIT_EXPECT_NOT_NULL_MSG(test, wrong, "%s.%s moved by 8 bytes", member->type,
					  member->member);
		if (wrong && slab_wrong[i].wrong)
			KUNIT_EXPECT_STREQ(test, wrong, slab_wrong[i].wrong);
	}
	KUNIT_EXPECT_NULL(test, slab_check(&p->ops, p->cache, p->objects));
}

/* Places that may not even be mapped. */
static void slab_layout_wild(struct kunit *test)
{
	static const u32 offsets[] = { 0x7fffffc0, 0xffffffc0, 0x40000000, 0x00100000 };
	struct slab_probe *p = slab_probe_new(test);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(slab_wrong); i++) {
		struct memdiag_member *member = &memdiag_slab_members[slab_wrong[i].which];
		u32 right = member->bit_offset;

		for (j = 0; slab_wrong[i].wild && j < ARRAY_SIZE(offsets); j++) {
			const char *wrong;

			member->bit_offset = offsets[j];
			wrong = slab_check(&p->ops, p->cache, p->objects);
			member->bit_offset = right;
			KUNIT_EXPECT_NOT_NULL_MSG(test, wrong, "%s.%s at bit %#x",
						  member->type, member->member, offsets[j]);
		}
	}
	KUNIT_EXPECT_NULL(test, slab_check(&p->ops, p->cache, p->objects));
}

/* A struct page of our own making: what it is taken for. */
static void slab_fake_pages(struct kunit *test)
{
	struct page *pages = kunit_kcalloc(test, 3, sizeof(*pages), GFP_KERNEL);
	struct memdiag_slab_page slab;
	void *object = kmalloc(64, GFP_KERNEL);
	const struct page *real;

	memdiag_kunit_need_btf(test);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_FALSE(test, memdiag_slab_page_read(NULL, &slab));
	KUNIT_EXPECT_FALSE(test, memdiag_slab_page_read((void *)0x1000, &slab));
	KUNIT_EXPECT_FALSE(test, memdiag_slab_page_read(pages, &slab));
	memset(pages, 0xff, sizeof(*pages));
	KUNIT_EXPECT_FALSE_MSG(test, memdiag_slab_page_read(pages, &slab), "a poisoned page");

	real = virt_to_head_page(object);
	if (!is_kfence_address(object)) {
		memcpy(pages, real, sizeof(*pages) * (PageHead(real) ? 2 : 1));
		KUNIT_EXPECT_TRUE(test, memdiag_slab_page_read(pages, &slab));
		KUNIT_EXPECT_EQ(test, slab.order, (u32)compound_order((struct page *)real));
		KUNIT_EXPECT_EQ(test, slab.nid, page_to_nid(real));
		KUNIT_EXPECT_GE(test, slab.objects, slab.inuse);
		/* A slab of no cache, and more objects in use than there are. */
		*(void **)memdiag_slab_at(pages, SLAB_CACHE) = NULL;
		KUNIT_EXPECT_FALSE(test, memdiag_slab_page_read(pages, &slab));
		memcpy(pages, real, sizeof(*pages));
		memset((void *)memdiag_slab_at(pages, SLAB_INUSE), 0xff, 2);
		KUNIT_EXPECT_FALSE(test, memdiag_slab_page_read(pages, &slab));
	}
	kfree(object);
}

/* Which slabs count how, by the rules of kernels before and after 6.8. */
static void slab_page_rules(struct kunit *test)
{
	static const struct {
		bool marks;
		struct memdiag_slab_page slab;
		u64 active;
		u64 error;
	} rules[] = {
		{ false, { .objects = 16, .inuse = 16 }, 16, 0 },
		{ false, { .objects = 16, .inuse = 5 }, 5, 0 },
		{ false, { .objects = 16, .inuse = 5, .frozen = true }, 16, 16 },
		{ true, { .objects = 16, .inuse = 16 }, 16, 0 },
		{ true, { .objects = 16, .inuse = 5, .is_marked = true }, 5, 0 },
		{ true, { .objects = 16, .inuse = 5 }, 16, 16 },
		{ true, { .objects = 16, .inuse = 16, .frozen = true }, 16, 16 },
	};
	bool marks = memdiag_slab_marks_partial;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		struct memdiag_slab_record record = {};

		memdiag_slab_marks_partial = rules[i].marks;
		slab_walk_add(&record, &rules[i].slab);
		KUNIT_EXPECT_EQ_MSG(test, record.active_objs, rules[i].active, "rule %u", i);
		KUNIT_EXPECT_EQ_MSG(test, record.active_objs_error, rules[i].error, "rule %u", i);
		KUNIT_EXPECT_EQ(test, record.num_objs, 16ULL);
		KUNIT_EXPECT_EQ(test, record.num_slabs, 1ULL);
		KUNIT_EXPECT_EQ(test, record.bytes, (u64)PAGE_SIZE);
	}
	memdiag_slab_marks_partial = marks;
}

/* Caches are found again however many there are. */
static void slab_slots(struct kunit *test)
{
	struct slab_walk walk = {};
	unsigned long i;

	for (i = 1; i <= 1000; i++) {
		struct slab_slot *slot;

		if (walk.nr_caches >= walk.nr_slots / 2)
			KUNIT_ASSERT_EQ(test, slab_walk_grow(&walk), 0);
		slot = slab_slot(&walk, (void *)(i * 8));
		KUNIT_EXPECT_NULL(test, slot->cache);
		slot->cache = (void *)(i * 8);
		slot->record = (void *)i;
		walk.nr_caches++;
	}
	for (i = 1; i <= 1000; i++)
		KUNIT_EXPECT_PTR_EQ(test, (void *)slab_slot(&walk, (void *)(i * 8))->record,
				    (void *)i);
	memdiag_free(walk.slots);
}

static noinline void slab_kunit_ctor(void *object)
{
	memset(object, 0, 120);
}

static u64 slab_find(struct kunit *test, const struct memdiag_bytes *bytes, const char *name)
{
	const struct memdiag_section *s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_SLAB);
	u64 n, found = U64_MAX;

	for (n = 0; n < s->nr_records; n++)
		if (!strcmp(memdiag_kunit_string(test, bytes, MEMDIAG_SEC_SLAB, n, "name"), name))
			found = n;
	return found;
}

#define LIVE_NAME	"memdiag_kunit:live"
#define LIVE_OBJECTS	100

static u64 slab_live_value(struct kunit *test, const struct memdiag_bytes *bytes, u64 n,
			   const char *field)
{
	return memdiag_kunit_value(test, bytes, MEMDIAG_SEC_SLAB, n, field);
}

static void slab_live(struct kunit *test)
{
	struct kmem_cache *cache = kmem_cache_create(LIVE_NAME, 120, 0,
						     SLAB_RECLAIM_ACCOUNT | SLAB_NO_MERGE,
						     slab_kunit_ctor);
	void **objects = kunit_kcalloc(test, LIVE_OBJECTS, sizeof(*objects), GFP_KERNEL);
	struct memdiag_bytes *bytes;
	unsigned int i, nr = 0;
	u64 n;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < LIVE_OBJECTS; i++) {
		objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		nr += objects[i] && !is_kfence_address(objects[i]);
	}
	/* The CPUs' slabs go to the nodes: no object is counted that is not there. */
	kmem_cache_shrink(cache);
	bytes = memdiag_snapshot_collect(MEMDIAG_BIT(SLAB));
	for (i = 0; i < LIVE_OBJECTS; i++)
		if (objects[i])
			kmem_cache_free(cache, objects[i]);
	kmem_cache_destroy(cache);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bytes);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, (void *)memdiag_snapshot_put,
							bytes), 0);
	n = slab_find(test, bytes, LIVE_NAME);
	KUNIT_ASSERT_NE(test, n, U64_MAX);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "active_objs"), (u64)nr);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "active_objs_error"), 0ULL);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "object_size"), 120ULL);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "reclaimable"), 1ULL);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "aliases"), 0ULL);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "bytes"),
			slab_live_value(test, bytes, n, "num_slabs") *
			slab_live_value(test, bytes, n, "pages_per_slab") * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "waste"),
			slab_live_value(test, bytes, n, "bytes") - nr * 120ULL);
	KUNIT_EXPECT_TRUE(test, strstarts(memdiag_kunit_string(test, bytes, MEMDIAG_SEC_SLAB, n,
							       "ctor"), "slab_kunit_ctor+0x0/"));

	/* And it is gone again. */
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(SLAB));
	KUNIT_EXPECT_EQ(test, slab_find(test, bytes, LIVE_NAME), U64_MAX);
}

/* The same by the pages: a known cache reads the same. */
static void slab_by_pages(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	unsigned int i, nr = 0;
	struct kmem_cache *cache;
	void **objects;
	u64 n;

	memdiag_kunit_need_btf(test);
	KUNIT_ASSERT_EQ(test, (int)slab_by, (int)SLAB_BY_LIST);
	objects = kunit_kcalloc(test, LIVE_OBJECTS, sizeof(*objects), GFP_KERNEL);
	cache = kmem_cache_create(LIVE_NAME, 120, 0, SLAB_NO_MERGE, slab_kunit_ctor);
	KUNIT_ASSERT_NOT_NULL(test, objects);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < LIVE_OBJECTS; i++) {
		objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		nr += objects[i] && !is_kfence_address(objects[i]);
	}
	kmem_cache_shrink(cache);
	slab_by = SLAB_BY_PAGES;
	bytes = memdiag_snapshot_collect(MEMDIAG_BIT(SLAB));
	slab_by = SLAB_BY_LIST;
	for (i = 0; i < LIVE_OBJECTS; i++)
		if (objects[i])
			kmem_cache_free(cache, objects[i]);
	kmem_cache_destroy(cache);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bytes);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, (void *)memdiag_snapshot_put,
							bytes), 0);
	n = slab_find(test, bytes, LIVE_NAME);
	KUNIT_ASSERT_NE(test, n, U64_MAX);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "active_objs"), (u64)nr);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "active_objs_error"), 0ULL);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "object_size"), 120ULL);
	KUNIT_EXPECT_EQ(test, slab_live_value(test, bytes, n, "bytes"),
			slab_live_value(test, bytes, n, "num_slabs") *
			slab_live_value(test, bytes, n, "pages_per_slab") * PAGE_SIZE);
}

static struct kunit_case slab_cases[] = {
	KUNIT_CASE(slab_lines),
	KUNIT_CASE(slab_bad_lines),
	KUNIT_CASE(slab_numbers),
	KUNIT_CASE(slab_layout_right),
	KUNIT_CASE(slab_layout_moved),
	KUNIT_CASE(slab_layout_wild),
	KUNIT_CASE(slab_fake_pages),
	KUNIT_CASE(slab_page_rules),
	KUNIT_CASE(slab_slots),
	KUNIT_CASE(slab_live),
	KUNIT_CASE(slab_by_pages),
	{}
};

static struct kunit_suite slab_suite = {
	.name = "memdiag_slab",
	.suite_init = memdiag_kunit_live,
	.test_cases = slab_cases,
};
kunit_test_suite(slab_suite);
