// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_counters: the pure parts of the providers of pages: names, kinds
 * and units of /proc/vmstat, lines of /proc/meminfo, fragmentation indexes.
 */
#include "kunit.h"

#include "../../module/readers/meminfo.c"
#include "../../module/providers/system.c"
#include "../../module/providers/resolve.c"
#include "../../module/readers/vmstat.c"
#include "../../module/readers/zones.c"
#include "../../module/providers/vmstat.c"
#include "../../module/providers/node.c"
#include "../../module/providers/zone.c"
#include "../../module/providers/buddy.c"

static void counters_vmstat_lines(struct kunit *test)
{
	char text[] = "nr_free_pages 12\npgfault 0\nlast 18446744073709551615\n";
	char *rest = text;
	struct memdiag_vmstat_line line;

	KUNIT_ASSERT_TRUE(test, memdiag_vmstat_next_line(&rest, &line));
	KUNIT_EXPECT_STREQ(test, line.name, "nr_free_pages");
	KUNIT_EXPECT_EQ(test, line.value, 12UL);
	KUNIT_ASSERT_TRUE(test, memdiag_vmstat_next_line(&rest, &line));
	KUNIT_EXPECT_STREQ(test, line.name, "pgfault");
	KUNIT_EXPECT_EQ(test, line.value, 0UL);
	KUNIT_ASSERT_TRUE(test, memdiag_vmstat_next_line(&rest, &line));
	KUNIT_EXPECT_EQ(test, line.value, ULONG_MAX);
	KUNIT_EXPECT_FALSE(test, memdiag_vmstat_next_line(&rest, &line));
}

static void counters_vmstat_bad_lines(struct kunit *test)
{
	static const char * const bad[] = {
		"", "\n", "name", "name\n", "name ", " 12\n", "name 12x\n", "name -1\n",
		"name 1 2\n", "name  12\n", "name 18446744073709551616\n",
	};
	struct memdiag_vmstat_line line;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[40], *rest = text;

		strscpy(text, bad[i], sizeof(text));
		KUNIT_EXPECT_FALSE_MSG(test, memdiag_vmstat_next_line(&rest, &line), "'%s'", bad[i]);
	}
}

static void counters_vmstat_kinds(struct kunit *test)
{
	static const struct {
		const char *name;
		u16 kind;
		const char *unit;
	} known[] = {
		{ "nr_free_pages", MEMDIAG_KIND_GAUGE, "pages" },
		{ "nr_kernel_stack", MEMDIAG_KIND_GAUGE, "kbytes" },
		{ "nr_anon_transparent_hugepages", MEMDIAG_KIND_GAUGE, "hugepages" },
		{ "nr_dirtied", MEMDIAG_KIND_COUNTER, "pages" },
		{ "nr_tlb_remote_flush", MEMDIAG_KIND_COUNTER, "count" },
		{ "workingset_nodes", MEMDIAG_KIND_GAUGE, "count" },
		{ "workingset_refault_file", MEMDIAG_KIND_COUNTER, "pages" },
		{ "pgfault", MEMDIAG_KIND_COUNTER, "count" },
		{ "pgpgin", MEMDIAG_KIND_COUNTER, "kbytes" },
		{ "numa_hit", MEMDIAG_KIND_COUNTER, "count" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		KUNIT_EXPECT_EQ_MSG(test, memdiag_vmstat_kind(known[i].name), known[i].kind, "%s",
				    known[i].name);
		KUNIT_EXPECT_STREQ(test, memdiag_vmstat_unit(known[i].name), known[i].unit);
	}
}

/* Names in the tables of zones and nodes, at the place the enums say. */
static void counters_vmstat_names(struct kunit *test)
{
	struct memdiag_field_desc fields[3] = {};

	KUNIT_ASSERT_TRUE(test, memdiag_vmstat.named);
	KUNIT_ASSERT_EQ(test, memdiag_vmstat_fields(fields, 80, MEMDIAG_VMSTAT_NODE +
						    NR_ANON_MAPPED, 3, MEMDIAG_FIELD_BRIEF,
						    "some help"), 3);
	KUNIT_EXPECT_STREQ(test, fields[0].name, "nr_anon_pages");
	KUNIT_EXPECT_STREQ(test, fields[1].name, "nr_mapped");
	KUNIT_EXPECT_EQ(test, fields[0].offset, 80);
	KUNIT_EXPECT_EQ(test, fields[2].offset, 96);
	KUNIT_EXPECT_EQ(test, fields[0].unit, MEMDIAG_UNIT_PAGES);
	KUNIT_EXPECT_EQ(test, fields[0].flags, MEMDIAG_FIELD_BRIEF);
	KUNIT_EXPECT_STREQ(test, fields[0].help, "some help");
	memdiag_vmstat.named = false;
	KUNIT_EXPECT_EQ(test, memdiag_vmstat_fields(fields, 0, 0, 3, 0, ""), 0);
	memdiag_vmstat.named = true;
}

/* A wrong name at one of the anchors, and none is believed any more. */
static void counters_vmstat_wrong_names(struct kunit *test)
{
	unsigned int at = MEMDIAG_VMSTAT_NODE + NR_SHMEM;
	char *name;

	KUNIT_ASSERT_TRUE(test, memdiag_vmstat.named);
	KUNIT_EXPECT_TRUE(test, vmstat_check_names());
	name = memdiag_vmstat.names[at];
	memdiag_vmstat.names[at] = memdiag_vmstat.names[at + 1];
	KUNIT_EXPECT_FALSE(test, vmstat_check_names());
	memdiag_vmstat.names[at] = name;
	KUNIT_EXPECT_TRUE(test, vmstat_check_names());
}

static void counters_meminfo(struct kunit *test)
{
	static const char text[] =
		"MemTotal:        1000 kB\n"
		"MemFree:           40 kB\n"
		"SwapCached:         0 kB\n"
		"Swap:\n"
		"Odd:   123456789012345678901234567890 kB\n"
		"VmallocTotal:   34359738367 kB\n"
		"Last: 8";

	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "MemTotal"), 250ULL);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "MemFree"), 10ULL);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "SwapCached"), 0ULL);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "VmallocTotal"), 34359738367ULL / 4);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "Last"), 2ULL);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "Swap"), MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "Odd"), MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "Mem"), MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages(text, "Free"), MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, memdiag_meminfo_pages("", "MemTotal"), MEMDIAG_ABSENT);
}

static void counters_fragmentation(struct kunit *test)
{
	/* 100 single pages, 10 blocks of 2, one of 8. */
	struct fragmentation_info info = {
		.nr_free = { [0] = 100, [1] = 10, [3] = 1 },
		.free_pages = 128,
		.free_blocks_total = 111,
	};
	struct fragmentation_info none = {};

	KUNIT_EXPECT_EQ(test, fragmentation_suitable(&info, 0), 128UL);
	KUNIT_EXPECT_EQ(test, fragmentation_suitable(&info, 1), 14UL);
	KUNIT_EXPECT_EQ(test, fragmentation_suitable(&info, 2), 2UL);
	KUNIT_EXPECT_EQ(test, fragmentation_suitable(&info, 3), 1UL);
	KUNIT_EXPECT_EQ(test, fragmentation_suitable(&info, 4), 0UL);
	/* Part of the memory in blocks that are too small. */
	KUNIT_EXPECT_EQ(test, fragmentation_unusable(&info, 0, 128), 0ULL);
	KUNIT_EXPECT_EQ(test, fragmentation_unusable(&info, 1, 14), 781ULL);
	KUNIT_EXPECT_EQ(test, fragmentation_unusable(&info, 3, 1), 937ULL);
	KUNIT_EXPECT_EQ(test, fragmentation_unusable(&info, 4, 0), 1000ULL);
	KUNIT_EXPECT_EQ(test, fragmentation_unusable(&none, 0, 0), 1000ULL);
	/* 1000 - (1000 + 1000 * 128 / 16) / 111 */
	KUNIT_EXPECT_EQ(test, fragmentation_index_of(&info, 3, 1), -1000LL);
	KUNIT_EXPECT_EQ(test, fragmentation_index_of(&info, 4, 0), 919LL);
	KUNIT_EXPECT_EQ(test, fragmentation_index_of(&none, 4, 0), 0LL);
}

static void counters_verdict(struct kunit *test)
{
	struct fragmentation_record record = {};

	record.available_now = 1;
	KUNIT_EXPECT_STREQ(test, fragmentation_verdict(&record, true), "available");
	record.available_now = 0;
	KUNIT_EXPECT_STREQ(test, fragmentation_verdict(&record, true), "watermark");
	record.free_blocks_suitable = 3;
	KUNIT_EXPECT_STREQ(test, fragmentation_verdict(&record, false), "reserved");
	record.free_blocks_suitable = 0;
	record.fragmentation_index = 501;
	KUNIT_EXPECT_STREQ(test, fragmentation_verdict(&record, false), "fragmentation");
	record.fragmentation_index = 500;
	KUNIT_EXPECT_STREQ(test, fragmentation_verdict(&record, false), "lack of memory");
	record.fragmentation_index = -1000;
	KUNIT_EXPECT_STREQ(test, fragmentation_verdict(&record, false), "lack of memory");
}

static u64 counters_records_of(struct memdiag_bytes *bytes, struct kunit *test, u32 id,
			       const struct zone *zone)
{
	const struct memdiag_section *s = memdiag_snapshot_section(bytes, id);
	u64 i, nr = 0;

	for (i = 0; i < s->nr_records; i++)
		nr += memdiag_kunit_value(test, bytes, id, i, "node") ==
			      zone->zone_pgdat->node_id &&
		      !strcmp(memdiag_kunit_string(test, bytes, id, i, "name"), zone->name);
	return nr;
}

/* What a zone has per CPU is not read while the last of its memory goes. */
static void counters_zone_going(struct kunit *test)
{
	struct zone *zone = memdiag_skip_unpopulated(memdiag_first_zone());
	struct memory_notify going = { .start_pfn = zone->zone_start_pfn };
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	while (!pfn_valid(going.start_pfn) || page_zone(pfn_to_page(going.start_pfn)) != zone)
		going.start_pfn++;
	/* Some of it, not the last. */
	going.nr_pages = zone->present_pages - 1;
	zones_notify(&zones_notifier, MEM_GOING_OFFLINE, &going);
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(PCP));
	KUNIT_EXPECT_EQ(test, counters_records_of(bytes, test, MEMDIAG_SEC_PCP, zone),
			(u64)num_online_cpus());

	going.nr_pages = zone->present_pages;
	zones_notify(&zones_notifier, MEM_GOING_OFFLINE, &going);
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(PCP) | MEMDIAG_BIT(ZONE));
	zones_notify(&zones_notifier, MEM_CANCEL_OFFLINE, &going);
	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_PCP);
	KUNIT_EXPECT_EQ(test, s->state, (u32)MEMDIAG_STATE_PARTIAL);
	KUNIT_EXPECT_EQ(test, counters_records_of(bytes, test, MEMDIAG_SEC_PCP, zone), 0ULL);
	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_ZONE);
	KUNIT_EXPECT_EQ(test, s->state, (u32)MEMDIAG_STATE_PARTIAL);
	KUNIT_EXPECT_EQ(test, counters_records_of(bytes, test, MEMDIAG_SEC_ZONE, zone), 1ULL);

	bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(PCP));
	KUNIT_EXPECT_EQ(test, counters_records_of(bytes, test, MEMDIAG_SEC_PCP, zone),
			(u64)num_online_cpus());
}

static struct kunit_case counters_cases[] = {
	KUNIT_CASE(counters_vmstat_lines),
	KUNIT_CASE(counters_vmstat_bad_lines),
	KUNIT_CASE(counters_vmstat_kinds),
	KUNIT_CASE(counters_vmstat_names),
	KUNIT_CASE(counters_vmstat_wrong_names),
	KUNIT_CASE(counters_meminfo),
	KUNIT_CASE(counters_fragmentation),
	KUNIT_CASE(counters_verdict),
	KUNIT_CASE(counters_zone_going),
	{}
};

static struct kunit_suite counters_suite = {
	.name = "memdiag_counters",
	.suite_init = memdiag_kunit_live,
	.test_cases = counters_cases,
};
kunit_test_suite(counters_suite);
