// SPDX-License-Identifier: GPL-2.0-only
/* Suite memdiag_ledger: the arithmetic of the ledger, and the machine's own sums. */
#include "kunit.h"

#include "../../module/providers/ledger/tables.c"
#include "../../module/providers/ledger/hotplug.c"
#include "../../module/providers/ledger/read.c"
#include "../../module/providers/ledger/ledger.c"

/* Counters of a machine of 10000 pages, of which 1000 are nobody's. */
static const struct memdiag_ledger_raw machine = {
	.managed = { 10000 },
	.free = { 4000 }, .free_cma = { 500 }, .pcp = { 100 },
	.anon = { 1000 }, .file_pages = { 2000 }, .shmem = { 300 }, .buffers = { 200 },
	.swap_cached = { 0 }, .lru = { 3000 },
	.slab_reclaimable = { 400 }, .slab_unreclaimable = { 350 },
	.stack = { 50 }, .stack_in_vmalloc = true, .scs = { MEMDIAG_ABSENT },
	.page_tables = { 40 }, .sec_page_tables = { MEMDIAG_ABSENT },
	.upper_tables = { 0 }, .memmap = { 0 },
	.percpu = { 180 }, .percpu_boot = { 120 },
	.vmalloc = { 150 }, .own = { 30 },
	.hugetlb = { 900 }, .hugetlb_free = { 400 },
	.zspages = { MEMDIAG_ABSENT }, .zswap = { MEMDIAG_ABSENT }, .misc_reclaimable = { 0 },
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
	/* As memdiag_leak_kind_name() of libmemdiag has them. */
	static const char * const kinds[] = { "slab", "percpu", "vmalloc", "ledger", "unaccounted" };
	static const s64 expected[NR_LINES] = {
		[LINE_FREE] = 3500, [LINE_FREE_CMA] = 500, [LINE_FREE_PCP] = 100,
		[LINE_ANON] = 1000, [LINE_FILE] = 1500, [LINE_BUFFERS] = 200,
		[LINE_SHMEM] = 300, [LINE_SLAB_RECLAIMABLE] = 400,
		[LINE_SLAB_UNRECLAIMABLE] = 350, [LINE_KERNEL_STACK] = 50,
		[LINE_PAGE_TABLES] = 40, [LINE_PERCPU] = 60, [LINE_VMALLOC] = 70,
		[LINE_HUGETLB_FREE] = 400, [LINE_HUGETLB_USED] = 500, [LINE_MEMDIAG] = 30,
		[LINE_UNACCOUNTED] = 1000,
	};
	u64 batched = LEDGER_BATCHED * num_online_cpus();
	struct ledger ledger;
	int i;

	ledger_sum(&machine, &ledger);
	for (i = 0; i < NR_LINES; i++) {
		/* Pages on their way to the LRU lists could hide as many that are unmapped. */
		bool lru = i == LINE_UNMAPPED || i == LINE_UNACCOUNTED;

		KUNIT_EXPECT_EQ_MSG(test, ledger.line[i].pages, expected[i], "%s",
				    ledger_lines[i].name);
		KUNIT_EXPECT_EQ_MSG(test, ledger.line[i].error, lru ? batched : 0ULL, "%s",
				    ledger_lines[i].name);
		KUNIT_EXPECT_TRUE_MSG(test, !ledger_lines[i].leak ||
				      match_string(kinds, ARRAY_SIZE(kinds), ledger_lines[i].leak) >= 0,
				      "%s", ledger_lines[i].name);
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
	u64 batched = LEDGER_BATCHED * num_online_cpus();
	struct memdiag_ledger_raw raw = machine;
	struct ledger ledger;

	raw.swap_cached = amount(800);
	raw.file_pages.pages += 800;
	raw.lru.pages += 100;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 100LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNMAPPED].pages, 0LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_FILE].pages, 1500LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].pages, 900LL);
	/* Or 800 are mapped, and 100 others on the lists are not. */
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].error, 100 + batched);
	KUNIT_EXPECT_GE(test, ledger.line[LINE_UNMAPPED].error, 100ULL);
	/* Together they are certain. */
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].error, batched);
	/* Counters apart: never more than there is, never less than nothing. */
	raw.lru.pages = 0;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 0LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNMAPPED].pages, 0LL);
	raw.lru.pages = 100000;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 800LL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
}

/* Half of a large folio is unmapped: out of anon, still on the LRU lists. */
static void ledger_holes(struct kunit *test)
{
	struct memdiag_ledger_raw raw = machine;
	struct ledger ledger;

	raw.anon.pages -= 256;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_ANON].pages, 744LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNMAPPED].pages, 256LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].pages, 1000LL);
	/* With a swap cache, too: none of it needs to be mapped. */
	raw.swap_cached = amount(800);
	raw.file_pages.pages += 800;
	raw.lru.pages += 800;
	ledger_sum(&raw, &ledger);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_SWAP_CACHE].pages, 800LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNMAPPED].pages, 256LL);
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].pages, 200LL);
	KUNIT_EXPECT_EQ(test, ledger_total(&ledger), 10000LL);
}

#define EXPECT_AMOUNT(test, a, want, off)				\
do {									\
	struct memdiag_amount amount_ = a;				\
									\
	KUNIT_EXPECT_EQ(test, amount_.pages, (u64)(want));		\
	KUNIT_EXPECT_EQ(test, amount_.error, (u64)(off));		\
} while (0)

/* 12 CPUs in 16 units of 67 pages: 67 for each CPU. */
static void ledger_percpu(struct kunit *test)
{
	EXPECT_AMOUNT(test, percpu_pages(16 * 67, 16, 12), 12 * 67, 0);
	EXPECT_AMOUNT(test, percpu_pages(4 * 64, 4, 3), 3 * 64, 0);
	EXPECT_AMOUNT(test, percpu_pages(2 * 64, 2, 2), 2 * 64, 0);
	EXPECT_AMOUNT(test, percpu_pages(64, 1, 1), 64, 0);
	EXPECT_AMOUNT(test, percpu_pages(MEMDIAG_ABSENT, 16, 12), MEMDIAG_ABSENT, 0);
	/* Not known: of 12 to 16 only 16 divides it; of 3 and 4 both do, or one. */
	EXPECT_AMOUNT(test, percpu_pages(16 * 67, 0, 12), 12 * 67, 0);
	EXPECT_AMOUNT(test, percpu_pages(4 * 65, 0, 3), 3 * 65, 0);
	EXPECT_AMOUNT(test, percpu_pages(4 * 66, 0, 3), 3 * 66, 66);
	EXPECT_AMOUNT(test, percpu_pages(2 * 65, 0, 2), 2 * 65, 0);
	EXPECT_AMOUNT(test, percpu_pages(65, 0, 2), 0, 65);
}

/* zram may have pages in zsmalloc as well, so the pool may lie there in part. */
static void ledger_zswap(struct kunit *test)
{
	EXPECT_AMOUNT(test, zswap_pages(500, amount(0), false), 500, 0);
	EXPECT_AMOUNT(test, zswap_pages(500, absent, false), 500, 0);
	EXPECT_AMOUNT(test, zswap_pages(500, amount(200), false), 500, 200);
	EXPECT_AMOUNT(test, zswap_pages(500, amount(200), true), 300, 200);
	EXPECT_AMOUNT(test, zswap_pages(500, amount(900), true), 0, 500);
	EXPECT_AMOUNT(test, zswap_pages(0, amount(900), true), 0, 0);
	EXPECT_AMOUNT(test, zswap_pages(MEMDIAG_ABSENT, amount(900), true), MEMDIAG_ABSENT, 0);
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
	KUNIT_EXPECT_EQ(test, ledger.line[LINE_UNACCOUNTED].error,
			77 + ledger.line[LINE_UNMAPPED].error);
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

/* 10 address spaces: two pages of the top level each, and what is not counted below. */
static void ledger_upper(struct kunit *test)
{
	struct memdiag_tables tables = { .spaces = 10, .bytes = 130 * PAGE_SIZE };
	const struct mm_struct *mm = current->mm ?: current->active_mm;
	struct memdiag_amount a;
	unsigned int i;
	u64 error;

	a = memdiag_tables_upper(&tables, 100, false);
	KUNIT_EXPECT_EQ(test, a.pages, 10ULL * MEMDIAG_TOP_TABLES);
	tables.p4d = true;
	a = memdiag_tables_upper(&tables, 100, false);
	KUNIT_EXPECT_EQ(test, a.pages, 10ULL * (MEMDIAG_TOP_TABLES + 1));
	tables.pud = true;
	a = memdiag_tables_upper(&tables, 100, false);
	KUNIT_EXPECT_EQ(test, a.pages, 10ULL * (MEMDIAG_TOP_TABLES + 1) +
			(MEMDIAG_COUNTS_PUD ? 0 : 30));
	a = memdiag_tables_upper(&tables, 128, false);
	KUNIT_EXPECT_EQ(test, a.pages, 10ULL * (MEMDIAG_TOP_TABLES + 1) +
			(MEMDIAG_COUNTS_PUD ? 0 : 10));
	/* 20 of the 30 may be tables of huge pages that several processes count. */
	a = memdiag_tables_upper(&tables, 100, true);
	KUNIT_EXPECT_EQ(test, a.pages, 10ULL * (MEMDIAG_TOP_TABLES + 1) +
			(MEMDIAG_COUNTS_PUD ? 0 : 10));
	KUNIT_EXPECT_EQ(test, a.error, num_online_cpus() * (MEMDIAG_TOP_TABLES + 1ULL) +
			(MEMDIAG_COUNTS_PUD ? 0 : 20 + TABLES_KERNEL));
	/* Two that came or went, and 7 pages that NR_PAGETABLE changed by. */
	error = a.error;
	tables.changes = 2;
	tables.counted = 107;
	a = memdiag_tables_upper(&tables, 100, true);
	KUNIT_EXPECT_EQ(test, a.error, error + 2 * (MEMDIAG_TOP_TABLES + 1ULL) +
			(MEMDIAG_COUNTS_PUD ? 0 : 2 + 7));
	/* Counted once; when too many are shared, what may be counted twice is in doubt. */
	KUNIT_EXPECT_FALSE(test, tables_known(&tables, mm));
	KUNIT_EXPECT_TRUE(test, tables_known(&tables, mm));
	KUNIT_EXPECT_EQ(test, tables.doubt, 0ULL);
	for (i = 0; i < ARRAY_SIZE(tables.shared); i++)
		tables.shared[i] = NULL;
	tables.nr_shared = ARRAY_SIZE(tables.shared);
	KUNIT_EXPECT_FALSE(test, tables_known(&tables, mm));
	KUNIT_EXPECT_NE(test, tables.doubt, 0ULL);
}

/* Of 100 tasks: none; 5 came and 2 went; 3 went; 40 came after the numbers turned around. */
static void ledger_tasks_changed(struct kunit *test)
{
	struct memdiag_tables tables = { .next = 1000, .tasks = 100 };

	KUNIT_EXPECT_EQ(test, tables_changes(&tables, 1000, 100), 0ULL);
	KUNIT_EXPECT_EQ(test, tables_changes(&tables, 1005, 103), 7ULL);
	KUNIT_EXPECT_EQ(test, tables_changes(&tables, 1000, 97), 3ULL);
	KUNIT_EXPECT_EQ(test, tables_changes(&tables, 340, 140), 240ULL);
}

/* The map of 512 pages of hugetlb is 8 pages, and never more than all of the map. */
static void ledger_optimized(struct kunit *test)
{
	u64 map = 512 * sizeof(struct page) / PAGE_SIZE;

	KUNIT_EXPECT_EQ(test, hotplug_optimized(1000, 512), HOTPLUG_MAP_OPTIMIZED ? map : 0);
	KUNIT_EXPECT_EQ(test, hotplug_optimized(1, 512), HOTPLUG_MAP_OPTIMIZED ? 1ULL : 0);
	KUNIT_EXPECT_EQ(test, hotplug_optimized(1000, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, hotplug_optimized(1000, MEMDIAG_ABSENT), 0ULL);
}

/* Pages of a device that look like memory: a range of addresses that has none. */
static void ledger_device_private(struct kunit *test)
{
	u64 before = memdiag_hotplug_device_private();
	struct resource range = {
		.name = "memdiag_kunit", .start = 1ULL << 44, .end = (1ULL << 44) + SZ_64M - 1,
		.flags = IORESOURCE_MEM, .desc = IORES_DESC_DEVICE_PRIVATE_MEMORY,
	};

	if (!IS_ENABLED(CONFIG_DEVICE_PRIVATE))
		kunit_skip(test, "CONFIG_DEVICE_PRIVATE is not set");
	KUNIT_ASSERT_EQ(test, insert_resource(&iomem_resource, &range), 0);
	KUNIT_EXPECT_EQ(test, memdiag_hotplug_device_private(),
			before + (SZ_64M >> PAGE_SHIFT));
	remove_resource(&range);
	KUNIT_EXPECT_EQ(test, memdiag_hotplug_device_private(), before);
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
	KUNIT_CASE(ledger_holes),
	KUNIT_CASE(ledger_percpu),
	KUNIT_CASE(ledger_zswap),
	KUNIT_CASE(ledger_moving),
	KUNIT_CASE(ledger_without_text),
	KUNIT_CASE(ledger_upper),
	KUNIT_CASE(ledger_tasks_changed),
	KUNIT_CASE(ledger_optimized),
	KUNIT_CASE(ledger_device_private),
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
