// SPDX-License-Identifier: GPL-2.0-only
/* Suite memdiag_ledger: the arithmetic of the ledger, and the machine's own sums. */
#include "kunit.h"

#include "../../module/providers/ledger_read.c"
#include "../../module/providers/ledger.c"

/* Counters of a machine of 10000 pages, of which 1000 are nobody's. */
static const struct memdiag_ledger_raw machine = {
	.managed = { 10000 },
	.free = { 4000 }, .free_cma = { 500 }, .pcp = { 100 },
	.anon = { 1000 }, .file_pages = { 2000 }, .shmem = { 300 }, .buffers = { 200 },
	.swap_cached = { 0 }, .lru = { 3000 },
	.slab_reclaimable = { 400 }, .slab_unreclaimable = { 350 },
	.stack = { 50 }, .stack_in_vmalloc = true, .scs = { MEMDIAG_ABSENT },
	.page_tables = { 40 }, .sec_page_tables = { MEMDIAG_ABSENT },
	.percpu = { 180 }, .percpu_boot = { 120 },
	.vmalloc = { 150 }, .own = { 30 },
	.hugetlb = { 900 }, .hugetlb_free = { 400 },
	.zspages = { MEMDIAG_ABSENT }, .misc_reclaimable = { 0 },
	.writeback_temp = { MEMDIAG_ABSENT }, .gpu_active = { MEMDIAG_ABSENT },
	.gpu_reclaim = { MEMDIAG_ABSENT }, .integrity_pool = { MEMDIAG_ABSENT }, .poisoned = { MEMDIAG_ABSENT },
};

static s64 ledger_total(const struct ledger *ledger)
{
	s64 sum = 0;
	int i;

	for (i = 0; i < NR_LINES; i++)
		sum += ledger->line[i].pages;
	return sum;
}

static void ledger_lines_of_machine(struct kunit *test)
{
	static const s64 expected[NR_LINES] = {
		[LINE_FREE] = 3500, [LINE_FREE_CMA] = 500, [LINE_FREE_PCP] = 100,
		[LINE_ANON] = 1000, [LINE_FILE] = 1500, [LINE_BUFFERS] = 200,
		[LINE_SHMEM] = 300, [LINE_SLAB_RECLAIMABLE] = 400,
		[LINE_SLAB_UNRECLAIMABLE] = 350, [LINE_KERNEL_STACK] = 50,
		[LINE_PAGE_TABLES] = 40, [LINE_PERCPU] = 60, [LINE_VMALLOC] = 70,
		[LINE_HUGETLB_FREE] = 400, [LINE_HUGETLB_USED] = 500, [LINE_MEMDIAG] = 30,
		[LINE_UNACCOUNTED] = 1000,
	};
	struct ledger ledger;
	int i;

	ledger_sum(&machine, &ledger);
	for (i = 0; i < NR_LINES; i++) {
		KUNIT_EXPECT_EQ_MSG(test, ledger.line[i].pages, expected[i], "%s",
				    ledger_lines[i].name);
		KUNIT_EXPECT_EQ_MSG(test, ledger.line[i].error, 0ULL, "%s",
				    ledger_lines[i].name);
	}
	KUNIT_EXPECT_FALSE(test, ledger.line[LINE_SHADOW_STACK].present);
	KUNIT_EXPECT_FALSE(test, ledger.line[LINE_ZSMALLOC].present);
	KUNIT_EXPECT_TRUE(test, ledger.line[LINE_SWAP_CACHE].present);
	KUNIT_EXPECT_TRUE(test, ledger.line[LINE_UNACCOUNTED].present);
}

/* Stacks from the page allocator are not in vmalloc. */
static void ledger_stacks(struct kunit *test)
{
	struct memdiag_ledger_raw raw = machine;
	struct ledger ledger;

	raw.stack_in_vmalloc = false;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_KERNEL_STACK].pages, 50LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_VMALLOC].pages, 120LL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
	raw.stack = absent;
	raw.scs = amount(20);
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_FALSE(test, ledger.line[LINE_KERNEL_STACK].present);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_VMALLOC].pages, 100LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SHADOW_STACK].pages, 20LL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
}

/* 700 of 800 pages of the swap cache are mapped: in anon, on the LRU lists once. */
static void ledger_swap(struct kunit *test)
{
	struct memdiag_ledger_raw raw = machine;
	struct ledger ledger;

	raw.swap_cached = amount(800);
	raw.file_pages.pages += 800;
	raw.lru.pages += 100;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 100LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_FILE].pages, 1500LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].pages, 900LL);
	KUNIT_EXPECT_NE(test, ledger.line[LINE_SWAP_CACHE].error, 0ULL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].error,
			ledger.line[LINE_SWAP_CACHE].error);
	/* Counters apart: never more than there is, never less than nothing. */
	raw.lru.pages = 0;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 0LL);
	raw.lru.pages = 100000;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 800LL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
}

/* Counters that moved: no line but unaccounted goes below zero, and it still sums. */
static void ledger_moving(struct kunit *test)
{
	struct memdiag_ledger_raw raw = machine;
	struct ledger ledger;

	raw.vmalloc = amount(10);
	raw.free = (struct memdiag_amount){ 9000, 7 };
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_VMALLOC].pages, 0LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_VMALLOC].error, 70ULL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_FREE].error, 7ULL);
	KUNIT_EXPECT_LT(test, ledger.line[LINE_UNACCOUNTED].pages, 0LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].error, 77ULL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
}

/* Without the text of /proc/meminfo. */
static void ledger_without_text(struct kunit *test)
{
	struct memdiag_ledger_raw raw = machine;
	struct ledger ledger;

	raw.buffers = raw.swap_cached = raw.percpu = raw.vmalloc = absent;
	raw.hugetlb = raw.hugetlb_free = absent;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_FILE].pages, 1700LL);
	KUNIT_EXPECT_FALSE(test, ledger.line[LINE_PERCPU].present);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_PERCPU].pages, 0LL);
	KUNIT_EXPECT_FALSE(test, ledger.line[LINE_VMALLOC].present);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_VMALLOC].pages, 0LL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
}

static void ledger_available(struct kunit *test)
{
	struct memdiag_ledger_raw raw = machine;

	raw.reserve = amount(1000);
	raw.file_lru = amount(1600);
	raw.low = amount(250);
	/* 3000 + (1600 - 250) + (400 - 200) */
	KUNIT_EXPECT_EQ(test, identity_available(&raw), 4550ULL);
	raw.reserve = amount(100000);
	KUNIT_EXPECT_EQ(test, identity_available(&raw), 0ULL);
}

/* This machine: the sum is exact, and what is unaccounted is no negative amount. */
static void ledger_live(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	const struct memdiag_section *s;
	const struct ledger_record *r;
	s64 sum = 0;
	u64 n;

	bytes = memdiag_snapshot_collect(MEMDIAG_BIT(LEDGER) | MEMDIAG_BIT(IDENTITY));
	KUNIT_ASSERT_FALSE(test, IS_ERR(bytes));
	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_LEDGER);
	KUNIT_EXPECT_EQ(test, s->state, (u32)MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->nr_records, (u64)NR_LINES);
	for (n = 0; n < s->nr_records; n++) {
		r = bytes->data + s->records + n * s->record_size;
		if (r->pages != MEMDIAG_ABSENT)
			sum += (s64)r->pages;
	}
	KUNIT_EXPECT_EQ(test, sum, (s64)totalram_pages());
	r = bytes->data + s->records + LINE_UNACCOUNTED * s->record_size;
	KUNIT_EXPECT_GT(test, (s64)r->pages, -(s64)r->error);
	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_IDENTITY);
	KUNIT_EXPECT_EQ(test, s->state, (u32)MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->nr_records, 7ULL);
	memdiag_snapshot_put(bytes);
}

static struct kunit_case ledger_cases[] = {
	KUNIT_CASE(ledger_lines_of_machine),
	KUNIT_CASE(ledger_stacks),
	KUNIT_CASE(ledger_swap),
	KUNIT_CASE(ledger_moving),
	KUNIT_CASE(ledger_without_text),
	KUNIT_CASE(ledger_available),
	KUNIT_CASE(ledger_live),
	{}
};

static struct kunit_suite ledger_suite = {
	.name = "memdiag_ledger",
	.suite_init = memdiag_kunit_live,
	.test_cases = ledger_cases,
};

kunit_test_suite(ledger_suite);
