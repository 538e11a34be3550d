// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_census: what a page is by its words, and the walk over a machine
 * whose pages are known: some of our own.
 */
#include "kunit.h"

#include "../../module/providers/ledger/census_walk.c"
#include "../../module/providers/ledger/census.c"

/* A page of nobody: no type, no mapping, one reference. */
static const struct memdiag_page plain = { .type = ~0U, .refcount = 1 };

#define EXPECT_KIND(test, p, kind) \
	KUNIT_EXPECT_STREQ(test, memdiag_census_kinds[page_kind(NULL, &(p))], kind)

static void census_kinds(struct kunit *test)
{
	struct memdiag_page p = plain;

	EXPECT_KIND(test, p, "kernel");
	p.refcount = 0;
	EXPECT_KIND(test, p, "uncounted");
	p = plain;
	p.mapping = 0x1000 | 1;
	p.flags = BIT(PG_lru) | BIT(PG_swapbacked);
	EXPECT_KIND(test, p, "anon");
	p.mapping = 0x1000 | 3;
	EXPECT_KIND(test, p, "anon");
	p.mapping = 0x1000 | 2;
	EXPECT_KIND(test, p, "driver_movable");
	p.mapping = 0x1000;
	EXPECT_KIND(test, p, "shmem");
	p.flags = BIT(PG_lru);
	EXPECT_KIND(test, p, "file");
	/* mapped: the type is the number of mappings */
	p.type = 3;
	EXPECT_KIND(test, p, "file");
	p.mapping = 0;
	EXPECT_KIND(test, p, "orphan");
	p.flags = BIT(PG_lru) | BIT(PG_swapbacked) | BIT(PG_swapcache);
	EXPECT_KIND(test, p, "swap_cache");
	p = plain;
	p.flags = BIT(PG_reserved);
	EXPECT_KIND(test, p, "reserved");
#if defined(CONFIG_PAGE_POOL) && defined(PP_SIGNATURE)
	p = plain;
	p.link = PP_SIGNATURE;
	EXPECT_KIND(test, p, "page_pool");
	p.link = PP_SIGNATURE | 2;
	EXPECT_KIND(test, p, "page_pool");
	p.link = PP_SIGNATURE + 0x20;
	EXPECT_KIND(test, p, "kernel");
#endif
}

/* Typed by the kernel's own setters, on a page of its own. */
static void census_types(struct kunit *test)
{
	struct page *page = kunit_kzalloc(test, 2 * sizeof(*page), GFP_KERNEL);
	struct memdiag_page p;

	KUNIT_ASSERT_NOT_NULL(test, page);
	page->page_type = ~0U;
	memdiag_page_read(page, &p);
	EXPECT_KIND(test, p, "uncounted");
	__SetPageBuddy(page);
	memdiag_page_read(page, &p);
	EXPECT_KIND(test, p, "free");
	__ClearPageBuddy(page);
	__SetPageOffline(page);
	memdiag_page_read(page, &p);
	EXPECT_KIND(test, p, "offline");
	__ClearPageOffline(page);
	__SetPageTable(page);
	memdiag_page_read(page, &p);
	EXPECT_KIND(test, p, "page_table");
	__ClearPageTable(page);
}

/* Memory that was not accepted yet is in blocks of the largest order, the head marked. */
static void census_unaccepted(struct kunit *test)
{
#ifdef MEMDIAG_HAVE_PGTY
	struct memdiag_census_walk walk = { .zone = NODE_DATA(first_online_node)->node_zones };
	unsigned long flags = (unsigned long)first_online_node << NODES_PGSHIFT;
	struct page *page = kunit_kzalloc(test, 2 * sizeof(*page), GFP_KERNEL);
	unsigned long all = 1UL << (NR_PAGE_ORDERS - 1), room = CENSUS_STEP;
	struct memdiag_census_block block = {};

	KUNIT_ASSERT_NOT_NULL(test, page);
	page[0].page_type = (unsigned int)PGTY_unaccepted << 24;
	page[1].page_type = ~0U;
	memcpy(&page[0].flags, &flags, sizeof(flags));
	memcpy(&page[1].flags, &flags, sizeof(flags));
	KUNIT_EXPECT_TRUE(test, block_at(&walk, page, 0, room, room, &block));
	KUNIT_EXPECT_EQ(test, block.kind, (unsigned int)MEMDIAG_KIND_UNACCEPTED);
	KUNIT_EXPECT_EQ(test, (unsigned long)block.order, NR_PAGE_ORDERS - 1UL);
	KUNIT_EXPECT_EQ(test, block.nr, min(all, room));
	/* The next step goes on in the middle, where no page is marked. */
	KUNIT_EXPECT_TRUE(test, block_at(&walk, &page[1], room, room, room, &block));
	KUNIT_EXPECT_EQ(test, block.kind, (unsigned int)MEMDIAG_KIND_UNACCEPTED);
	KUNIT_EXPECT_EQ(test, block.nr, min(all - room, room));
#else
	kunit_skip(test, "no type of such pages");
#endif
}

/* The only block that contains a page, and how often it was met. */
struct census_seen {
	struct page *page;
	unsigned int times;
	struct memdiag_census_block block;
};

static void census_see(struct memdiag_census_walk *walk, const struct memdiag_census_block *block)
{
	struct census_seen *seen = walk->arg;
	unsigned long pfn = page_to_pfn(seen->page);

	if (pfn < block->pfn || pfn >= block->pfn + block->nr)
		return;
	seen->times++;
	seen->block = *block;
}

static void census_look(struct kunit *test, struct page *page, struct census_seen *seen)
{
	struct memdiag_census_walk walk = { .visit = census_see, .arg = seen };

	memset(seen, 0, sizeof(*seen));
	seen->page = page;
	KUNIT_EXPECT_EQ(test, memdiag_census_zone(&walk, page_zone(page)), 0);
	KUNIT_EXPECT_EQ(test, seen->times, 1U);
	KUNIT_EXPECT_LE(test, walk.frames, walk.steps * CENSUS_STEP);
}

static void census_live_pages(struct kunit *test)
{
	struct census_seen seen;
	struct page *page;
	unsigned int order;

	for (order = 0; order < 6; order++) {
		page = alloc_pages(GFP_KERNEL, order);
		KUNIT_ASSERT_NOT_NULL(test, page);
		census_look(test, page + (1 << order) - 1, &seen);
		KUNIT_EXPECT_STREQ(test, memdiag_census_kinds[seen.block.kind], "kernel");
		KUNIT_EXPECT_EQ(test, seen.block.order, order);
		KUNIT_EXPECT_EQ(test, seen.block.nr, 1UL << order);
		KUNIT_EXPECT_PTR_EQ(test, seen.block.page, page);
		__free_pages(page, order);
	}
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	KUNIT_ASSERT_NOT_NULL(test, page);
	census_look(test, page + 5, &seen);
	KUNIT_EXPECT_STREQ(test, memdiag_census_kinds[seen.block.kind], "kernel_compound");
	KUNIT_EXPECT_EQ(test, seen.block.order, 3U);
	KUNIT_EXPECT_PTR_EQ(test, seen.block.head, page);
	__free_pages(page, 3);
}

static void census_live_kinds(struct kunit *test)
{
	void *object = kmalloc(64, GFP_KERNEL);
	struct census_seen seen;
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, object);
	/* KFENCE's objects lie in pages of its own. */
	page = virt_to_page(object);
	census_look(test, page, &seen);
	if (seen.block.kind != MEMDIAG_KIND_RESERVED)
		KUNIT_EXPECT_STREQ(test, memdiag_census_kinds[seen.block.kind], "slab");
	kfree(object);
	census_look(test, ZERO_PAGE(0), &seen);
	KUNIT_EXPECT_STREQ(test, memdiag_census_kinds[seen.block.kind], "reserved");
}

/* A page in a list is told from one that only was: its neighbours point back. */
static void census_links(struct kunit *test)
{
	struct page *page = kunit_kzalloc(test, 3 * sizeof(*page), GFP_KERNEL);
	const struct zone *zone = page_zone(ZERO_PAGE(0));
	LIST_HEAD(list);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_FALSE(test, page_linked(zone, &page[0]));
	list_add(&page[0].lru, &list);
	KUNIT_EXPECT_TRUE(test, page_linked(zone, &page[0]));
	list_add(&page[1].lru, &list);
	list_add(&page[2].lru, &list);
	KUNIT_EXPECT_TRUE(test, page_linked(zone, &page[1]));
	list_del(&page[1].lru);
	KUNIT_EXPECT_FALSE(test, page_linked(zone, &page[1]));
	KUNIT_EXPECT_TRUE(test, page_linked(zone, &page[0]));
	/* Left over from a list that has forgotten it. */
	page[1].lru.next = &page[0].lru;
	page[1].lru.prev = &page[2].lru;
	KUNIT_EXPECT_FALSE(test, page_linked(zone, &page[1]));
	INIT_LIST_HEAD(&page[1].lru);
	KUNIT_EXPECT_FALSE(test, page_linked(zone, &page[1]));
}

/* All frames of all zones, each once, and in whole records. */
static void census_sum(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	u64 n, pages = 0, frames = 0;
	const struct memdiag_section *s;

	bytes = memdiag_snapshot_collect(MEMDIAG_BIT(CENSUS) | MEMDIAG_BIT(CENSUS_WALK) |
					 MEMDIAG_BIT(MISPLACED));
	KUNIT_ASSERT_FALSE(test, IS_ERR(bytes));
	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_CENSUS);
	KUNIT_EXPECT_EQ(test, s->state, (u32)MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->restarts, 0U);
	for (n = 0; n < s->nr_records; n++)
		pages += memdiag_kunit_value(test, bytes, MEMDIAG_SEC_CENSUS, n, "pages");
	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_CENSUS_WALK);
	for (n = 0; n < s->nr_records; n++)
		frames += memdiag_kunit_value(test, bytes, MEMDIAG_SEC_CENSUS_WALK, n, "frames");
	KUNIT_EXPECT_EQ(test, pages, frames);
	KUNIT_EXPECT_GE(test, pages, (u64)totalram_pages());
	memdiag_snapshot_put(bytes);
}

/* Nothing that costs so much is collected unasked. */
static void census_on_request(struct kunit *test)
{
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, 0);

	KUNIT_EXPECT_EQ(test, bytes->sections, memdiag_default_sections());
	KUNIT_EXPECT_FALSE(test, bytes->sections & (MEMDIAG_BIT(CENSUS) | MEMDIAG_BIT(MISPLACED)));
	KUNIT_EXPECT_TRUE(test, bytes->sections & MEMDIAG_BIT(LEDGER));
}

static struct kunit_case census_cases[] = {
	KUNIT_CASE(census_kinds),
	KUNIT_CASE(census_types),
	KUNIT_CASE(census_unaccepted),
	KUNIT_CASE(census_live_pages),
	KUNIT_CASE(census_live_kinds),
	KUNIT_CASE(census_links),
	KUNIT_CASE(census_sum),
	KUNIT_CASE(census_on_request),
	{}
};

static struct kunit_suite census_suite = {
	.name = "memdiag_census",
	.suite_init = memdiag_kunit_live,
	.test_cases = census_cases,
};

kunit_test_suite(census_suite);
