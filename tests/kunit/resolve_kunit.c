// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_resolve: the ways into the kernel, right ones and wrong ones,
 * and what is noted about them.
 */
#include "kunit.h"

#include "../../module/resolve/resolve.c"
#include "../../module/resolve/symbol.c"
#include "../../module/resolve/ops.c"
#include "../../module/resolve/file.c"
#include "../../module/resolve/given.c"
#include "../../module/resolve/gone.c"
#include "../../module/resolve/layout.c"
#include "../../module/resolve/mirror.c"

/* For other files: as if a module had gone. */
void memdiag_kunit_gone(const char *name, unsigned long start, unsigned long size)
{
	gone_keep(name, start, size);
}

/* memdiag.ko's module parameter. */
unsigned int memdiag_force_ways;
char *memdiag_wrong_layout;

static const struct memdiag_item *resolve_find(enum memdiag_item_kind kind, const char *name)
{
	const struct memdiag_item *item, *found = NULL;

	mutex_lock(&resolve_lock);
	list_for_each_entry(item, &resolve_items, list)
		if (item->kind == kind && !strcmp(item->name, name)) {
			WARN_ON(found);
			found = item;
		}
	mutex_unlock(&resolve_lock);
	return found;
}

static void resolve_notes(struct kunit *test)
{
	const struct memdiag_item *item;

	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "kunit", MEMDIAG_SRC_BTF, 0, "%d of them", 3);
	item = resolve_find(MEMDIAG_ITEM_CHECK, "kunit");
	KUNIT_ASSERT_NOT_NULL(test, item);
	KUNIT_EXPECT_EQ(test, item->source, MEMDIAG_SRC_BTF);
	KUNIT_EXPECT_EQ(test, item->error, 0);
	KUNIT_EXPECT_STREQ(test, item->detail, "3 of them");
	/* A second one takes its place, and what failed has no source. */
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "kunit", MEMDIAG_SRC_BTF, -EINVAL, "no");
	KUNIT_EXPECT_PTR_EQ(test, resolve_find(MEMDIAG_ITEM_CHECK, "kunit"), item);
	KUNIT_EXPECT_EQ(test, item->source, MEMDIAG_SRC_NONE);
	KUNIT_EXPECT_EQ(test, item->error, -EINVAL);
	KUNIT_EXPECT_STREQ(test, item->detail, "no");
	/* Of another kind it is something else. */
	KUNIT_EXPECT_NULL(test, resolve_find(MEMDIAG_ITEM_FILE, "kunit"));
}

static void resolve_words(struct kunit *test)
{
	u32 i;

	for (i = MEMDIAG_ITEM_SYMBOL; i <= MEMDIAG_ITEM_CHECK; i++)
		KUNIT_EXPECT_STRNEQ(test, memdiag_item_kind_name(i), "?");
	for (i = MEMDIAG_SRC_NONE; i <= MEMDIAG_SRC_PAGES; i++)
		KUNIT_EXPECT_STRNEQ(test, memdiag_source_name(i), "?");
	KUNIT_EXPECT_STREQ(test, memdiag_source_name(i), "?");
}

static void resolve_symbols(struct kunit *test)
{
	unsigned long address = memdiag_resolve_data("jiffies_64");

	KUNIT_EXPECT_EQ(test, address, (unsigned long)&jiffies_64);
	KUNIT_EXPECT_EQ(test, resolve_find(MEMDIAG_ITEM_SYMBOL, "jiffies_64")->error, 0);
	KUNIT_EXPECT_EQ(test, memdiag_resolve_data("no_such_symbol_in_any_kernel"), 0UL);
	KUNIT_EXPECT_EQ(test, resolve_find(MEMDIAG_ITEM_SYMBOL,
					   "no_such_symbol_in_any_kernel")->error, -ENOENT);
	/* A function is not data, and nothing must stay armed on it. */
	KUNIT_EXPECT_EQ(test, memdiag_resolve_data("seq_printf"), 0UL);

	memdiag_force_ways = MEMDIAG_FORCE_NO_SYMBOL;
	KUNIT_EXPECT_EQ(test, memdiag_resolve_data("jiffies_64"), 0UL);
	memdiag_force_ways = 0;
}

static void resolve_ops(struct kunit *test)
{
	struct memdiag_ops ops;
	struct seq_file m;
	unsigned int n = 0;
	loff_t pos = 0;
	void *p;

	KUNIT_ASSERT_EQ(test, memdiag_ops_open(&ops, "/proc/slabinfo"), 0);
	memdiag_ops_seq(&ops, &m);
	KUNIT_EXPECT_PTR_EQ(test, m.op, ops.op);
	for (p = m.op->start(&m, &pos); p; p = m.op->next(&m, p, &pos))
		n++;
	m.op->stop(&m, p);
	KUNIT_EXPECT_GT(test, n, 20);
	memdiag_ops_close(&ops);
	KUNIT_EXPECT_NULL(test, ops.file);
	/* Once more does no harm. */
	memdiag_ops_close(&ops);
}

/* Files whose private data is no seq_file, or that are not procfs's own. */
static void resolve_ops_refused(struct kunit *test)
{
	static const struct {
		const char *path;
		int error;
	} refused[] = {
		{ "/proc/no_such_file", -ENOENT },
		{ "/proc/self/maps", -EINVAL },
		{ "/proc/sys/vm/swappiness", -EINVAL },
		{ "/proc", -EINVAL },
		{ "/sys/kernel/btf/vmlinux", -EINVAL },
		{ "/dev/null", -EINVAL },
		{ "/proc/kmsg", -EINVAL },
		{ "/proc/interrupts/", -ENOTDIR },
	};
	struct memdiag_ops ops;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		int error = memdiag_ops_open(&ops, refused[i].path);

		KUNIT_EXPECT_EQ_MSG(test, error, refused[i].error, "%s", refused[i].path);
		KUNIT_EXPECT_NULL(test, ops.file);
		KUNIT_EXPECT_NULL(test, ops.buf);
		if (!error)
			memdiag_ops_close(&ops);
	}
	memdiag_force_ways = MEMDIAG_FORCE_NO_OPS;
	KUNIT_EXPECT_EQ(test, memdiag_ops_open(&ops, "/proc/slabinfo"), -EPERM);
	memdiag_force_ways = 0;
}

static void resolve_files(struct kunit *test)
{
	char *text = NULL;
	ssize_t n;

	/* The file claims to be of no size, and is some pages long. */
	n = memdiag_file_read("/proc/vmstat", &text, SZ_1M);
	KUNIT_ASSERT_GT(test, n, 1000);
	KUNIT_EXPECT_EQ(test, strlen(text), n);
	KUNIT_EXPECT_TRUE(test, strstarts(text, "nr_free_pages "));
	KUNIT_EXPECT_EQ(test, text[n - 1], '\n');
	kvfree(text);
	KUNIT_EXPECT_EQ(test, memdiag_file_read("/proc/vmstat", &text, 1000), -EFBIG);
	KUNIT_EXPECT_EQ(test, memdiag_file_read("/proc/no_such_file", &text, SZ_1M), -ENOENT);
	KUNIT_EXPECT_EQ(test, memdiag_file_read("/proc", &text, SZ_1M), -EINVAL);
}

static struct kunit_case resolve_cases[] = {
	KUNIT_CASE(resolve_notes),
	KUNIT_CASE(resolve_words),
	KUNIT_CASE(resolve_symbols),
	KUNIT_CASE(resolve_ops),
	KUNIT_CASE(resolve_ops_refused),
	KUNIT_CASE(resolve_files),
	{}
};

static struct kunit_suite resolve_suite = {
	.name = "memdiag_resolve",
	.suite_init = memdiag_kunit_live,
	.test_cases = resolve_cases,
};
kunit_test_suite(resolve_suite);
