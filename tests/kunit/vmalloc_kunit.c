// SPDX-License-Identifier: GPL-2.0-only
/* Suite memdiag_vmalloc: lines of vmallocinfo, and an area of our own. */
#include "kunit.h"

#include "../../module/resolve/mirror_vmalloc.c"
#include "../../module/providers/vmalloc.c"
#include "../../module/providers/vmalloc_ops.c"
#include "../../module/providers/vmalloc_nodes.c"
#include "../../module/providers/vmalloc_text.c"
#include "../../module/providers/vmalloc_sum.c"

static void vmalloc_lines(struct kunit *test)
{
	static const struct {
		const char *text;
		unsigned long start, end, size, nr_pages, phys_addr;
		u64 flags;
		const char *caller;
	} lines[] = {
		{ "0xffffc90000000000-0xffffc90000005000   20480 hpet_enable+0x3b/0x2d0 phys=0x00000000fed00000 ioremap",
		  0xffffc90000000000, 0xffffc90000005000, 20480, 0, 0xfed00000, AREA_IOREMAP,
		  "hpet_enable+0x3b/0x2d0" },
		{ "0x000000001234abcd-0x00000000deadbeef    8192 load_module+0x1/0x2 [some_module] pages=1 vmalloc N0=1 N1=0",
		  0x1234abcd, 0xdeadbeef, 8192, 1, 0, AREA_VMALLOC,
		  "load_module+0x1/0x2 [some_module]" },
		{ "0x0000000000001000-0x0000000000003000    8192 f+0x1/0x2 [m 0123456789abcdef] pages=1 vmalloc vpages",
		  0x1000, 0x3000, 8192, 1, 0, AREA_VMALLOC | AREA_VPAGES,
		  "f+0x1/0x2 [m 0123456789abcdef]" },
		{ "0x0000000000001000-0x0000000000003000    8192 vm_map_ram",
		  0x1000, 0x3000, 8192, 0, 0, AREA_VM_MAP_RAM, "" },
		{ "0x0000000000001000-0x0000000000003000    8192 unpurged vm_area",
		  0x1000, 0x3000, 8192, 0, 0, AREA_UNPURGED, "" },
		{ "0x0000000000001000-0x0000000000003000    8192 f+0x1/0x2 pages=2 vmap user dma-coherent sparse",
		  0x1000, 0x3000, 8192, 2, 0,
		  AREA_VMAP | AREA_USER | AREA_DMA_COHERENT | AREA_SPARSE, "f+0x1/0x2" },
		/* No caller recorded; and a function whose name looks like a node's. */
		{ "0x0000000000001000-0x0000000000003000    8192 pages=1 vmalloc N0=1",
		  0x1000, 0x3000, 8192, 1, 0, AREA_VMALLOC, "" },
		{ "0x0000000000001000-0x0000000000003000    8192 N0_start+0x1/0x2 pages=1 vmalloc",
		  0x1000, 0x3000, 8192, 1, 0, AREA_VMALLOC, "N0_start+0x1/0x2" },
		/* Before the kernel can hash it prints no address. */
		{ "(____ptrval____)-(____ptrval____)    8192 f+0x1/0x2 pages=1 vmalloc",
		  0, 0, 8192, 1, 0, AREA_VMALLOC, "f+0x1/0x2" },
	};
	struct vmalloc_line *line = kunit_kzalloc(test, sizeof(*line), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, line);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		char text[160];

		KUNIT_ASSERT_GT(test, strscpy(text, lines[i].text, sizeof(text)), 0);
		/* Whatever the line before left. */
		memset(line, 0x5a, sizeof(*line));
		KUNIT_EXPECT_TRUE_MSG(test, vmalloc_parse(text, line), "%s", lines[i].text);
		KUNIT_EXPECT_EQ(test, line->start, lines[i].start);
		KUNIT_EXPECT_EQ(test, line->end, lines[i].end);
		KUNIT_EXPECT_EQ(test, line->size, lines[i].size);
		KUNIT_EXPECT_EQ(test, line->nr_pages, lines[i].nr_pages);
		KUNIT_EXPECT_EQ(test, line->phys_addr, lines[i].phys_addr);
		KUNIT_EXPECT_EQ_MSG(test, line->flags, lines[i].flags, "%s", lines[i].text);
		KUNIT_EXPECT_STREQ(test, line->caller, lines[i].caller);
	}
}

static void vmalloc_bad_lines(struct kunit *test)
{
	static const char * const bad[] = {
		"", " ", "0x1000-0x3000", "0x1000-0x3000 ", "0x1000-0x3000 x",
		"0x1000-0x3000 -1", "0x1000-0x3000 8192 pages=", "0x1000-0x3000 8192 pages=x",
		"0x1000-0x3000 8192 phys=zz", "0x1000-0x3000 99999999999999999999",
	};
	struct vmalloc_line *line = kunit_kzalloc(test, sizeof(*line), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, line);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[64];

		strscpy(text, bad[i], sizeof(text));
		KUNIT_EXPECT_FALSE_MSG(test, vmalloc_parse(text, line), "'%s'", bad[i]);
	}
}

/* A caller longer than any symbol is cut, not written beyond. */
static void vmalloc_long_line(struct kunit *test)
{
	struct vmalloc_line *line = kunit_kzalloc(test, sizeof(*line), GFP_KERNEL);
	char *text = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_ASSERT_NOT_NULL(test, text);
	strscpy(text, "0x1000-0x3000 8192 ", SZ_4K);
	memset(text + strlen(text), 'c', 2 * KSYM_SYMBOL_LEN);
	strlcat(text, " pages=3", SZ_4K);
	KUNIT_EXPECT_TRUE(test, vmalloc_parse(text, line));
	KUNIT_EXPECT_EQ(test, strlen(line->caller), sizeof(line->caller) - 1);
	KUNIT_EXPECT_EQ(test, line->nr_pages, 3UL);
}

static void vmalloc_kinds(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_VMALLOC | AREA_VPAGES), "vmalloc");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_VMAP), "vmap");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_VMAP | AREA_DMA_COHERENT), "dma-coherent");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_IOREMAP | AREA_SPARSE), "ioremap");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_SPARSE), "sparse");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_VM_MAP_RAM), "vm_map_ram");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_UNPURGED), "unpurged");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(AREA_USER), "other");
	KUNIT_EXPECT_STREQ(test, vmalloc_kind(0), "other");
}

#define LIVE_PAGES 53

static noinline void *vmalloc_kunit_caller(void)
{
	return vmalloc(LIVE_PAGES * PAGE_SIZE);
}

/* Records of section vmalloc that are ours: the last one, and how many. */
static unsigned int vmalloc_find(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
				 u64 *found)
{
	const struct memdiag_section *s = memdiag_snapshot_section(bytes, id);
	unsigned int nr = 0;
	u64 n;

	for (n = 0; n < s->nr_records; n++) {
		const char *caller = memdiag_kunit_string(test, bytes, id, n, "caller");

		if (!strstarts(caller, "vmalloc_kunit_caller+0x"))
			continue;
		*found = n;
		nr++;
	}
	return nr;
}

static void vmalloc_live(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	void *areas[3];
	unsigned int i;
	u64 n = 0;

	for (i = 0; i < ARRAY_SIZE(areas); i++)
		areas[i] = vmalloc_kunit_caller();
	bytes = memdiag_snapshot_collect(MEMDIAG_BIT(VMALLOC_CALLER) |
					 MEMDIAG_BIT(VMALLOC_MODULE));
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		vfree(areas[i]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bytes);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, (void *)memdiag_snapshot_put,
							bytes), 0);

	KUNIT_ASSERT_EQ(test, vmalloc_find(test, bytes, MEMDIAG_SEC_VMALLOC, &n), 3);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_VMALLOC, n, "size"),
			(LIVE_PAGES + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_VMALLOC, n,
						  "nr_pages"), (u64)LIVE_PAGES);
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, MEMDIAG_SEC_VMALLOC, n,
						      "module"), KBUILD_MODNAME);
	KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, MEMDIAG_SEC_VMALLOC, n,
						      "kind"), "vmalloc");
	KUNIT_ASSERT_EQ(test, vmalloc_find(test, bytes, MEMDIAG_SEC_VMALLOC_CALLER, &n), 1);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_VMALLOC_CALLER, n,
						  "areas"), 3ULL);
	KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, MEMDIAG_SEC_VMALLOC_CALLER, n,
						  "nr_pages"), 3ULL * LIVE_PAGES);

	/* Once freed they are nobody's. */
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(VMALLOC));
	KUNIT_EXPECT_EQ(test, vmalloc_find(test, bytes, MEMDIAG_SEC_VMALLOC, &n), 0);
}

/* A field of all records added up; absent counts as nothing. */
static u64 vmalloc_total(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
			 const char *field)
{
	const struct memdiag_section *s = memdiag_snapshot_section(bytes, id);
	u64 n, value, total = 0;

	for (n = 0; n < s->nr_records; n++) {
		value = memdiag_kunit_value(test, bytes, id, n, field);
		total += value == MEMDIAG_ABSENT ? 0 : value;
	}
	return total;
}

/* What the sections of sums say adds up to the section of areas, largest first. */
static void vmalloc_sums(struct kunit *test)
{
	static const char * const fields[] = { "size", "nr_pages" };
	static const u32 sums[] = { MEMDIAG_SEC_VMALLOC_CALLER, MEMDIAG_SEC_VMALLOC_MODULE };
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(VMALLOC_CALLER) |
							     MEMDIAG_BIT(VMALLOC_MODULE));
	const struct memdiag_section *areas;
	unsigned int i, j;
	u64 n;

	areas = memdiag_snapshot_section(bytes, MEMDIAG_SEC_VMALLOC);
	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		const struct memdiag_section *s = memdiag_snapshot_section(bytes, sums[i]);
		u64 size, last = U64_MAX;

		for (j = 0; j < ARRAY_SIZE(fields); j++)
			KUNIT_EXPECT_EQ_MSG(test, vmalloc_total(test, bytes, sums[i], fields[j]),
					    vmalloc_total(test, bytes, MEMDIAG_SEC_VMALLOC,
							  fields[j]), "%s", fields[j]);
		KUNIT_EXPECT_EQ(test, vmalloc_total(test, bytes, sums[i], "areas"),
				areas->nr_records);
		for (n = 0; n < s->nr_records; n++) {
			size = memdiag_kunit_value(test, bytes, sums[i], n, "size");
			KUNIT_EXPECT_LE(test, size, last);
			last = size;
		}
	}
}

static void vmalloc_probe_is_found(struct kunit *test)
{
	const char *why = "";

	if (vmalloc_way == VMALLOC_BY_OPS)
		KUNIT_EXPECT_EQ(test, vmalloc_check_ops(&why), 0);
	KUNIT_EXPECT_EQ(test, vmalloc_check_text(), 0);
}

static struct kunit_case vmalloc_cases[] = {
	KUNIT_CASE(vmalloc_lines),
	KUNIT_CASE(vmalloc_bad_lines),
	KUNIT_CASE(vmalloc_long_line),
	KUNIT_CASE(vmalloc_kinds),
	KUNIT_CASE(vmalloc_probe_is_found),
	KUNIT_CASE(vmalloc_live),
	KUNIT_CASE(vmalloc_sums),
	{}
};

static struct kunit_suite vmalloc_suite = {
	.name = "memdiag_vmalloc",
	.suite_init = memdiag_kunit_live,
	.test_cases = vmalloc_cases,
};
kunit_test_suite(vmalloc_suite);
