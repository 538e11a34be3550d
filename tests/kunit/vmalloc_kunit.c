// SPDX-License-Identifier: GPL-2.0-only
/* Suite memdiag_vmalloc: lines of vmallocinfo, nodes that are fakes, areas of our own. */
#include "kunit.h"

#include "../../module/resolve/mirror_vmalloc.c"
#include "../../module/providers/vmalloc/vmalloc.c"
#include "../../module/providers/vmalloc/area.c"
#include "../../module/providers/vmalloc/ops.c"
#include "../../module/providers/vmalloc/nodes.c"
#include "../../module/providers/vmalloc/text.c"
#include "../../module/providers/vmalloc/sum.c"

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

/* An area of vm_map_ram(), which has no vm_struct, is told from one that is nothing. */
static void vmalloc_map_ram(struct kunit *test)
{
	/* More than go into a block that is shared. */
	struct page *pages[BITS_PER_LONG + 1];
	struct memdiag_bytes *bytes;
	unsigned int seen[2], i, n;
	void *area = NULL;

	pages[0] = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages[0]);
	for (i = 1; i < ARRAY_SIZE(pages); i++)
		pages[i] = pages[0];
	for (i = 0; i < 2; i++) {
		if (i)
			area = vm_map_ram(pages, ARRAY_SIZE(pages), NUMA_NO_NODE);
		bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(VMALLOC));
		seen[i] = 0;
		for (n = 0; n < memdiag_snapshot_section(bytes, MEMDIAG_SEC_VMALLOC)->nr_records; n++)
			if (!strcmp(memdiag_kunit_string(test, bytes, MEMDIAG_SEC_VMALLOC, n,
							 "kind"), "vm_map_ram") &&
			    memdiag_kunit_value(test, bytes, MEMDIAG_SEC_VMALLOC, n, "size") ==
			    ARRAY_SIZE(pages) * PAGE_SIZE)
				seen[i]++;
	}
	if (area)
		vm_unmap_ram(area, ARRAY_SIZE(pages));
	__free_page(pages[0]);
	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_EXPECT_EQ(test, seen[1], seen[0] + 1);
}

#ifndef MEMDIAG_HAVE_VMAP_AREA_LIST

/* More areas in a node than go into two holds, in nodes with room between them. */
#define FAKE_NODES	3
#define FAKE_AREAS	(2 * VMALLOC_HOLD + 100)

static struct {
	struct kunit *test;
	struct mirror_vmap_node *nodes;
	struct vmap_area *areas;
	struct vm_struct vm;
	void (*walk)(struct kunit *test, struct memdiag_sink *sink);
	/* of the real ones */
	struct memdiag_member members[NODES_NR_MEMBERS];
	void *first;
	unsigned int nr;
} fake_nodes;

static unsigned long fake_address(unsigned int n)
{
	return (n + 1) * 16 * PAGE_SIZE;
}

static void fake_insert(struct mirror_rb_list *list, struct vmap_area *va)
{
	struct rb_node **link = &list->root.rb_node, *parent = NULL;
	struct list_head *after = &list->head;
	struct vmap_area *at;

	while (*link) {
		parent = *link;
		at = rb_entry(parent, struct vmap_area, rb_node);
		if (va->va_start > at->va_start) {
			after = &at->list;
			link = &parent->rb_right;
		} else {
			link = &parent->rb_left;
		}
	}
	rb_link_node(&va->rb_node, parent, link);
	rb_insert_color(&va->rb_node, &list->root);
	list_add(&va->list, after);
}

static void fake_remove(struct mirror_rb_list *list, unsigned int n)
{
	struct vmap_area *va = &fake_nodes.areas[n];

	rb_erase(&va->rb_node, &list->root);
	list_del(&va->list);
	/* Whoever looks at it from now on is seen to. */
	memset(va, 0x6b, sizeof(*va));
}

static void fake_nodes_end(void *arg)
{
	memcpy(nodes_members, fake_nodes.members, sizeof(nodes_members));
	nodes_first = fake_nodes.first;
	nodes_nr = fake_nodes.nr;
}

/*
 * Nodes with the layout of the mirror: node 0 has all the areas in use, node 1
 * none, node 2 is for the case. They are put in not in their order.
 */
static void fake_nodes_begin(struct kunit *test)
{
	unsigned int i, n;

	memcpy(fake_nodes.members, nodes_members, sizeof(nodes_members));
	fake_nodes.first = nodes_first;
	fake_nodes.nr = nodes_nr;
	fake_nodes.test = test;
	fake_nodes.nodes = kunit_kcalloc(test, FAKE_NODES, sizeof(*fake_nodes.nodes), GFP_KERNEL);
	fake_nodes.areas = kunit_kcalloc(test, FAKE_AREAS, sizeof(*fake_nodes.areas), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake_nodes.nodes);
	KUNIT_ASSERT_NOT_NULL(test, fake_nodes.areas);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_nodes_end, NULL), 0);
	KUNIT_ASSERT_EQ(test, memdiag_mirror_members(nodes_members, NODES_NR_MEMBERS), 0);
	nodes_first = fake_nodes.nodes;
	nodes_nr = FAKE_NODES;
	for (i = 0; i < FAKE_NODES; i++) {
		INIT_LIST_HEAD(&fake_nodes.nodes[i].busy.head);
		INIT_LIST_HEAD(&fake_nodes.nodes[i].lazy.head);
		spin_lock_init(&fake_nodes.nodes[i].busy.lock);
		spin_lock_init(&fake_nodes.nodes[i].lazy.lock);
	}
	fake_nodes.vm = (struct vm_struct) { .flags = VM_ALLOC };
	for (i = 0; i < FAKE_AREAS; i++) {
		/* FAKE_AREAS and 7 have no divisor in common. */
		n = i * 7 % FAKE_AREAS;
		fake_nodes.areas[n].va_start = fake_address(n);
		fake_nodes.areas[n].va_end = fake_address(n) + PAGE_SIZE;
		/* as if of vm_map_ram() */
		fake_nodes.areas[n].flags = 1;
		fake_insert(&fake_nodes.nodes[0].busy, &fake_nodes.areas[n]);
	}
}

static int fake_nodes_collect(struct memdiag_sink *sink)
{
	struct kunit *test = fake_nodes.test;

	/* A walk that finds no room counts all areas, and is done again with more. */
	if (sink->max_records < FAKE_AREAS) {
		KUNIT_EXPECT_EQ(test, memdiag_vmalloc_nodes_collect(sink), 0);
		KUNIT_EXPECT_EQ(test, sink->nr_records + sink->missed, FAKE_AREAS);
		return 0;
	}
	fake_nodes.walk(test, sink);
	return 0;
}

/* Let @walk have a sink for records of areas. */
static void fake_nodes_walk(struct kunit *test,
			    void (*walk)(struct kunit *test, struct memdiag_sink *sink))
{
	fake_nodes_begin(test);
	KUNIT_ASSERT_EQ(test, memdiag_kunit_fake_begin(test), 0);
	fake_nodes.walk = walk;
	memdiag_kunit_fakes[MEMDIAG_SEC_VMALLOC].collect = fake_nodes_collect;
	memdiag_kunit_statuses[MEMDIAG_SEC_VMALLOC].record_size = sizeof(struct vmalloc_record);
	memdiag_kunit_snapshot(test, MEMDIAG_BIT(VMALLOC));
	KUNIT_EXPECT_GT(test, memdiag_kunit_fakes[MEMDIAG_SEC_VMALLOC].walks, 1);
}

static u64 fake_start(struct memdiag_sink *sink, unsigned int n)
{
	return ((struct vmalloc_record *)memdiag_record(sink, n))->start;
}

/* These run inside a snapshot: an ASSERT would leave its locks behind. */
static void walk_all(struct kunit *test, struct memdiag_sink *sink)
{
	static const unsigned int shown[] = { 0, 1, 2, 4, 6, 8 };
	const struct vmalloc_record *record;
	struct vmap_area lazy = { .va_start = PAGE_SIZE, .va_end = 3 * PAGE_SIZE };
	struct vmap_area *areas = fake_nodes.areas;
	struct vm_struct filled_in = { .flags = VM_ALLOC | VM_UNINITIALIZED };
	unsigned int i;

	/* Three that the kernel does not show as they are: nothing, half done, freed. */
	areas[3].flags = 0;
	areas[5].vm = &filled_in;
	fake_remove(&fake_nodes.nodes[0].busy, 7);
	/* One that is an ordinary one, and one freed lazily in another node. */
	fake_nodes.vm.addr = (void *)areas[9].va_start;
	fake_nodes.vm.size = 2 * PAGE_SIZE;
	fake_nodes.vm.nr_pages = 1;
	areas[9].vm = &fake_nodes.vm;
	fake_insert(&fake_nodes.nodes[2].lazy, &lazy);

	KUNIT_EXPECT_EQ(test, memdiag_vmalloc_nodes_collect(sink), 0);
	KUNIT_EXPECT_EQ(test, sink->nr_records, FAKE_AREAS - 3 + 1);
	if (sink->nr_records != FAKE_AREAS - 3 + 1)
		return;
	KUNIT_EXPECT_GT(test, sink->lock_ns, 0ULL);
	for (i = 0; i < ARRAY_SIZE(shown); i++)
		KUNIT_EXPECT_EQ(test, fake_start(sink, i), fake_address(shown[i]));
	record = memdiag_record(sink, 6);
	KUNIT_EXPECT_EQ(test, record->start, fake_address(9));
	KUNIT_EXPECT_EQ(test, record->size, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, record->nr_pages, 1ULL);
	KUNIT_EXPECT_EQ(test, record->flags, AREA_VMALLOC);
	for (i = 7; i < FAKE_AREAS - 3; i++) {
		record = memdiag_record(sink, i);
		if (record->start != fake_address(i + 3) || record->flags != AREA_VM_MAP_RAM ||
		    record->size != PAGE_SIZE)
			break;
	}
	KUNIT_EXPECT_EQ(test, i, FAKE_AREAS - 3);
	record = memdiag_record(sink, i);
	KUNIT_EXPECT_EQ(test, record->start, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, record->size, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, record->flags, AREA_UNPURGED);
}

static void vmalloc_nodes_walk(struct kunit *test)
{
	fake_nodes_walk(test, walk_all);
}

/* Between two holds the last one reported goes, and some around it, and one comes. */
static void walk_changing(struct kunit *test, struct memdiag_sink *sink)
{
	struct mirror_rb_list *busy = &fake_nodes.nodes[0].busy;
	struct vmap_area new = {
		.va_start = fake_address(VMALLOC_HOLD - 1) + PAGE_SIZE,
		.va_end = fake_address(VMALLOC_HOLD - 1) + 2 * PAGE_SIZE, .flags = 1,
	};
	struct nodes_list list = nodes_list(0, NODE_BUSY);
	unsigned long after = 0;
	unsigned int i;

	KUNIT_EXPECT_PTR_EQ(test, list.head, &busy->head);
	KUNIT_EXPECT_PTR_EQ(test, list.lock, &busy->lock);
	KUNIT_EXPECT_EQ(test, nodes_hold(sink, &list, false, &after), 1);
	KUNIT_EXPECT_EQ(test, sink->nr_records, VMALLOC_HOLD);
	KUNIT_EXPECT_EQ(test, after, fake_address(VMALLOC_HOLD - 1));
	for (i = VMALLOC_HOLD - 3; i < VMALLOC_HOLD + 2; i++)
		fake_remove(busy, i);
	fake_insert(busy, &new);

	KUNIT_EXPECT_EQ(test, nodes_hold(sink, &list, false, &after), 1);
	KUNIT_EXPECT_EQ(test, sink->nr_records, 2 * VMALLOC_HOLD);
	if (sink->nr_records != 2 * VMALLOC_HOLD)
		return;
	KUNIT_EXPECT_EQ(test, fake_start(sink, VMALLOC_HOLD), new.va_start);
	for (i = 1; i < VMALLOC_HOLD; i++)
		if (fake_start(sink, VMALLOC_HOLD + i) != fake_address(VMALLOC_HOLD + 1 + i))
			break;
	KUNIT_EXPECT_EQ(test, i, VMALLOC_HOLD);
	/* All that was left goes. */
	busy->root = RB_ROOT;
	INIT_LIST_HEAD(&busy->head);
	KUNIT_EXPECT_EQ(test, nodes_hold(sink, &list, false, &after), 0);
	KUNIT_EXPECT_EQ(test, sink->nr_records, 2 * VMALLOC_HOLD);
}

static void vmalloc_nodes_change(struct kunit *test)
{
	fake_nodes_walk(test, walk_changing);
}

/* What is looked at before a lock is touched: each thing that can be wrong is seen. */
static void vmalloc_nodes_looks(struct kunit *test)
{
	struct mirror_vmap_node *nodes;
	struct list_head *first;
	struct rb_node *root;
	unsigned long probe;

	fake_nodes_begin(test);
	nodes = fake_nodes.nodes;
	KUNIT_EXPECT_NULL(test, nodes_check_shape());
	KUNIT_EXPECT_NULL(test, nodes_check_lists());

	root = nodes[0].busy.root.rb_node;
	nodes[0].busy.root.rb_node = NULL;
	KUNIT_EXPECT_NOT_NULL(test, nodes_check_lists());
	nodes[0].busy.root.rb_node = root->rb_right;
	KUNIT_EXPECT_NOT_NULL(test, nodes_check_lists());
	nodes[0].busy.root.rb_node = root;
	nodes[1].busy.root.rb_node = root;
	KUNIT_EXPECT_NOT_NULL(test, nodes_check_lists());
	/* Not to be read, and not to be written either. */
	nodes[1].busy.root.rb_node = (void *)8;
	KUNIT_EXPECT_NOT_NULL(test, nodes_check_lists());
	nodes[1].busy.root = RB_ROOT;
	KUNIT_EXPECT_NULL(test, nodes_check_lists());

	first = nodes[2].lazy.head.next;
	nodes[2].lazy.head.next = nodes[2].busy.head.next;
	KUNIT_EXPECT_NOT_NULL(test, nodes_check_lists());
	nodes[2].lazy.head.next = NULL;
	KUNIT_EXPECT_NOT_NULL(test, nodes_check_lists());
	nodes[2].lazy.head.next = first;
	KUNIT_EXPECT_NULL(test, nodes_check_lists());

	spin_lock(&nodes[1].lazy.lock);
	KUNIT_EXPECT_FALSE(test, nodes_looks_free(&nodes[1].lazy.lock) && IS_ENABLED(CONFIG_SMP));
	spin_unlock(&nodes[1].lazy.lock);
	KUNIT_EXPECT_TRUE(test, nodes_looks_free(&nodes[1].lazy.lock));

	/* An area with a vm_struct is there, but not ours. */
	fake_nodes.areas[4].vm = &fake_nodes.vm;
	probe = fake_address(4);
	KUNIT_EXPECT_EQ(test, nodes_peek_probe((void *)probe), FAKE_NODES);
}

/*
 * Each member a word further than it is, in the real nodes: refused, and the lock
 * that is then none is not touched, or lockdep and KASAN would say so.
 */
static void vmalloc_nodes_wrong(struct kunit *test)
{
	char name[32];
	unsigned int i;

	if (memdiag_vmalloc_nodes_init(MEMDIAG_SRC_MIRROR))
		kunit_skip(test, "the nodes are not to be found");
	for (i = 0; i < NODES_NR_MEMBERS; i++) {
		/* Of one node alone the size does not matter. */
		if (i == NODE_SIZE && nodes_nr == 1)
			continue;
		snprintf(name, sizeof(name), "%s.%s", nodes_members[i].type,
			 nodes_members[i].member);
		memdiag_wrong_layout = name;
		KUNIT_EXPECT_EQ_MSG(test, memdiag_vmalloc_nodes_init(MEMDIAG_SRC_MIRROR), -EINVAL,
				    "%s", name);
		memdiag_wrong_layout = NULL;
	}
	KUNIT_EXPECT_EQ(test, memdiag_vmalloc_nodes_init(MEMDIAG_SRC_MIRROR), 0);
}
#endif

static void vmalloc_probe_is_found(struct kunit *test)
{
	const char *why = "";

	if (vmalloc_way == VMALLOC_BY_OPS)
		KUNIT_EXPECT_EQ(test, vmalloc_check_ops(&why), 0);
	if (vmalloc_way == VMALLOC_BY_TEXT) {
		KUNIT_EXPECT_EQ(test, vmalloc_check_text(), 0);
		return;
	}
	/* The text is the last way, and must be one also where it is not taken. */
	KUNIT_ASSERT_EQ(test, memdiag_vmalloc_text_init(), 0);
	KUNIT_EXPECT_EQ(test, vmalloc_check_text(), 0);
	memdiag_vmalloc_text_exit();
}

static struct kunit_case vmalloc_cases[] = {
	KUNIT_CASE(vmalloc_lines),
	KUNIT_CASE(vmalloc_bad_lines),
	KUNIT_CASE(vmalloc_long_line),
	KUNIT_CASE(vmalloc_kinds),
	KUNIT_CASE(vmalloc_probe_is_found),
	KUNIT_CASE(vmalloc_live),
	KUNIT_CASE(vmalloc_map_ram),
#ifndef MEMDIAG_HAVE_VMAP_AREA_LIST
	KUNIT_CASE(vmalloc_nodes_walk),
	KUNIT_CASE(vmalloc_nodes_change),
	KUNIT_CASE(vmalloc_nodes_looks),
	KUNIT_CASE(vmalloc_nodes_wrong),
#endif
	KUNIT_CASE(vmalloc_sums),
	{}
};

static struct kunit_suite vmalloc_suite = {
	.name = "memdiag_vmalloc",
	.suite_init = memdiag_kunit_live,
	.test_cases = vmalloc_cases,
};
kunit_test_suite(vmalloc_suite);
