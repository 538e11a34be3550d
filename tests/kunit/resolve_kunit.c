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
#include "../../module/resolve/unloaded.c"
#include "../../module/resolve/layout.c"
#include "../../module/resolve/mirror.c"

/* For other files: as if a module had gone. */
void memdiag_kunit_gone(const char *name, unsigned long start, unsigned long size)
{
	gone_keep(name, start, size, false, NULL);
}

void memdiag_kunit_freed_init(const char *name, unsigned long start, unsigned long size)
{
	gone_keep(name, start, size, true, NULL);
}

void memdiag_kunit_come(struct kunit *test, const char *name, unsigned long start,
			unsigned long size)
{
	struct module *mod = kunit_kzalloc(test, sizeof(*mod), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mod);
	strscpy(mod->name, name, sizeof(mod->name));
#ifdef for_each_mod_mem_type
	mod->mem[MOD_TEXT].base = (void *)start;
	mod->mem[MOD_TEXT].size = size;
#else
	mod->core_layout.base = (void *)start;
	mod->core_layout.size = size;
#endif
	gone_notify(NULL, MODULE_STATE_COMING, mod);
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

#ifdef CONFIG_X86
/* What lies before a return address: a call, or where a kprobe may have been put over one. */
static void resolve_gone_calls(struct kunit *test)
{
	static const struct {
		u8 code[GONE_CALL];
		bool call;
	} cases[] = {
		{ { 0x90, 0x90, 0xe8, 1, 2, 3, 4 }, true },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0 }, true },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0 }, false },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, false },
		{ { 0x90, 0x90, 0xcc, 1, 2, 3, 4 }, true },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0xcc, 0xd0 }, true },
		{ { 0xcc, 0x14, 0xc5, 1, 2, 3, 4 }, true },
		/* No call is as short as that. */
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xcc }, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, gone_follows_call(cases[i].code + GONE_CALL),
				    cases[i].call, "case %u", i);
}
#endif

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

	for (i = MEMDIAG_ITEM_SYMBOL; i <= MEMDIAG_ITEM_MIRROR; i++)
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

/* A name that only a module has, of data: this very one. */
static __used int memdiag_kunit_only_here = 1;

static void resolve_symbols_of_modules(struct kunit *test)
{
	const char *name = "memdiag_kunit_only_here";

	KUNIT_EXPECT_EQ(test, memdiag_resolve_data(name), 0UL);
	KUNIT_EXPECT_NE(test, resolve_find(MEMDIAG_ITEM_SYMBOL, name)->error, 0);
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
	memdiag_free(text);
	KUNIT_EXPECT_EQ(test, memdiag_file_read("/proc/vmstat", &text, 1000), -EFBIG);
	KUNIT_EXPECT_EQ(test, memdiag_file_read("/proc/no_such_file", &text, SZ_1M), -ENOENT);
	KUNIT_EXPECT_EQ(test, memdiag_file_read("/proc", &text, SZ_1M), -EINVAL);
}

/* What a map of this kernel would give, moved by @slide; some references only. */
static void given_good(struct given_map *map, unsigned long slide)
{
	unsigned int i;

	memset(map, 0, sizeof(*map));
	for (i = 0; i < ARRAY_SIZE(given_references); i++)
		map->references[i] = (unsigned long)given_references[i].actual - slide;
}

static void given_text_is(struct kunit *test, const char *text, int error, const char *why)
{
	struct given_map *map = kunit_kzalloc(test, sizeof(*map), GFP_KERNEL);
	unsigned int entry = 0;
	const char *said = "";

	KUNIT_ASSERT_NOT_NULL(test, map);
	KUNIT_EXPECT_EQ_MSG(test, given_parse(text, map, &entry, &said), error, "%s", text);
	if (error)
		KUNIT_EXPECT_STREQ(test, said, why);
}

static void resolve_given_parse(struct kunit *test)
{
	struct given_map *map = kunit_kzalloc(test, sizeof(*map), GFP_KERNEL);
	char *text = kunit_kzalloc(test, GIVEN_MAX_NAME + 16, GFP_KERNEL);
	unsigned int entry;
	const char *why;

	KUNIT_ASSERT_NOT_NULL(test, map);
	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_EQ(test, given_parse("pcpu_base_addr=ffffFFFF81000010,what.1=1,kfree=2,pcpu_first_chunk=a",
					  map, &entry, &why), 0);
	KUNIT_EXPECT_EQ(test, *given_place(map, "pcpu_base_addr", 14), 0xffffffff81000010UL);
	KUNIT_EXPECT_EQ(test, *given_place(map, "pcpu_first_chunk", 16), 0xaUL);
	KUNIT_EXPECT_EQ(test, *given_place(map, "kfree", 5), 2UL);
	KUNIT_EXPECT_EQ(test, map->nr_symbols, 2U);
	KUNIT_EXPECT_EQ(test, map->nr_unknown, 1U);
	/* Not by a prefix, nor as one. */
	KUNIT_EXPECT_NULL(test, given_place(map, "kfre", 4));
	KUNIT_EXPECT_NULL(test, given_place(map, "kfree_", 6));

	given_text_is(test, "a=0123456789abcdef", 0, "");
	given_text_is(test, "", -EINVAL, "no name");
	given_text_is(test, "=1", -EINVAL, "no name");
	given_text_is(test, ",a=1", -EINVAL, "no name");
	given_text_is(test, "a=1,", -EINVAL, "no name");
	given_text_is(test, "a=1,,b=1", -EINVAL, "no name");
	given_text_is(test, " a=1", -EINVAL, "no name");
	given_text_is(test, "a", -EINVAL, "no '=' behind the name");
	given_text_is(test, "a-b=1", -EINVAL, "no '=' behind the name");
	given_text_is(test, "a 1", -EINVAL, "no '=' behind the name");
	given_text_is(test, "a=", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=,b=1", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=0x1", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=-1", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=1g", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=1 b=1", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=1\n", -EINVAL, "no hexadecimal address");
	given_text_is(test, "a=0123456789abcdef0", -EINVAL, "no hexadecimal address");
	given_text_is(test, "kfree=0", -EINVAL,
		      "the address is zero: it was hidden from whoever read it");
	given_text_is(test, "kfree=1,kfree=1", -EINVAL, "the name stands there twice");
	given_text_is(test, "pcpu_base_addr=1,kfree=1,pcpu_base_addr=2", -EINVAL,
		      "the name stands there twice");

	/* The longest name, and one more. */
	memset(text, 'n', GIVEN_MAX_NAME - 1);
	strscpy(text + GIVEN_MAX_NAME - 1, "=1", 3);
	given_text_is(test, text, 0, "");
	memset(text, 'n', GIVEN_MAX_NAME);
	strscpy(text + GIVEN_MAX_NAME, "=1", 3);
	given_text_is(test, text, -EINVAL, "no name");
}

static void given_slide_is(struct kunit *test, const struct given_map *map, int error,
			   const char *begin)
{
	char why[96] = "";
	unsigned long slide = 0;

	KUNIT_EXPECT_EQ_MSG(test, given_slide(map, &slide, why, sizeof(why)), error, "%s", why);
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(why, begin), "%s, not %s", why, begin);
}

/* The largest step by which any kernel is moved. */
#define GIVEN_STEP	((unsigned long)SZ_64M)

static void resolve_given_slide(struct kunit *test)
{
	struct given_map *map = kunit_kzalloc(test, sizeof(*map), GFP_KERNEL);
	unsigned int i, nr = ARRAY_SIZE(given_references), nr_data = 0;
	char why[96];
	unsigned long slide = 0;

	KUNIT_ASSERT_NOT_NULL(test, map);
	given_good(map, 0);
	given_slide_is(test, map, 0, "0 symbols; ");
	if (IS_ENABLED(CONFIG_RELOCATABLE)) {
		given_good(map, 3 * GIVEN_STEP);
		KUNIT_EXPECT_EQ(test, given_slide(map, &slide, why, sizeof(why)), 0);
		KUNIT_EXPECT_EQ(test, slide, 3 * GIVEN_STEP);
		given_good(map, -3 * GIVEN_STEP);
		given_slide_is(test, map, 0, "0 symbols; ");
	}
	/* All agree, on what cannot be. */
	given_good(map, sizeof(long));
	given_slide_is(test, map, -EINVAL, "wrong map: a kernel is not moved");
	given_good(map, PAGE_SIZE);
	given_slide_is(test, map, -EINVAL, "wrong map: a kernel is not moved");

	/* Whichever one is off, by however little. */
	for (i = 0; i < nr; i++) {
		given_good(map, GIVEN_STEP);
		map->references[i] += 1;
		given_slide_is(test, map, -EINVAL, "wrong map: ");
		map->references[i] -= 1 + GIVEN_STEP;
		given_slide_is(test, map, -EINVAL, "wrong map: ");
		nr_data += !given_references[i].is_text;
	}
	KUNIT_EXPECT_GE(test, nr_data, 4U);
	KUNIT_EXPECT_GE(test, nr - nr_data, 4U);

	/* Too few, no data, no text. Data stands first in the table. */
	given_good(map, 0);
	memset(&map->references[0], 0, (nr_data - 2) * sizeof(map->references[0]));
	memset(&map->references[nr_data + 2], 0, (nr - nr_data - 2) * sizeof(map->references[0]));
	given_slide_is(test, map, 0, "0 symbols; 2 exported variables and 2 functions agree");
	map->references[nr_data] = 0;
	given_slide_is(test, map, -EINVAL, "cannot be checked: 2 exported variables and 1 f");
	given_good(map, 0);
	memset(&map->references[0], 0, nr_data * sizeof(map->references[0]));
	given_slide_is(test, map, -EINVAL, "cannot be checked: 0 exported variables");
	given_good(map, 0);
	memset(&map->references[nr_data], 0, (nr - nr_data) * sizeof(map->references[0]));
	given_slide_is(test, map, -EINVAL, "cannot be checked: ");
	memset(map, 0, sizeof(*map));
	given_slide_is(test, map, -EINVAL, "cannot be checked: ");
}

/* Addresses of one symbol after the other, in place of the good one. */
static void resolve_given_data(struct kunit *test)
{
	unsigned long address = memdiag_resolve_data("pcpu_first_chunk"), *place;
	struct given_map *map = kunit_kzalloc(test, sizeof(*map), GFP_KERNEL);
	const struct memdiag_item *item;
	int error;

	KUNIT_ASSERT_NOT_NULL(test, map);
	KUNIT_ASSERT_NE(test, address, 0UL);
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	KUNIT_EXPECT_EQ(test, error, -ENOENT);

	given_good(map, 0);
	place = given_place(map, "pcpu_first_chunk", 16);
	*place = address;
	given_apply(map);
	KUNIT_ASSERT_NOT_NULL(test, given_found);
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), address);
	KUNIT_EXPECT_EQ(test, error, 0);
	/* Not given, and not known. */
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_base_addr", &error), 0UL);
	KUNIT_EXPECT_EQ(test, error, -ENOENT);
	KUNIT_EXPECT_EQ(test, memdiag_given_data("jiffies_64", &error), 0UL);
	KUNIT_EXPECT_EQ(test, error, -ENOENT);
	/* By a kprobe as long as there is one, then as given. */
	memdiag_resolve_data("pcpu_first_chunk");
	item = resolve_find(MEMDIAG_ITEM_SYMBOL, "pcpu_first_chunk");
	KUNIT_EXPECT_EQ(test, item->source, MEMDIAG_SRC_SYMBOL);
	memdiag_force_ways = MEMDIAG_FORCE_NO_SYMBOL;
	KUNIT_EXPECT_EQ(test, memdiag_resolve_data("pcpu_first_chunk"), address);
	KUNIT_EXPECT_EQ(test, item->source, MEMDIAG_SRC_GIVEN);
	KUNIT_EXPECT_EQ(test, memdiag_resolve_data("pcpu_base_addr"), 0UL);
	KUNIT_EXPECT_EQ(test, resolve_find(MEMDIAG_ITEM_SYMBOL, "pcpu_base_addr")->error, -EPERM);

	/* Beside it, in another symbol, in text, of a user, of nobody, in the heap. */
	given_found[0] = address + sizeof(long);
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	KUNIT_EXPECT_EQ(test, error, -EFAULT);
	KUNIT_EXPECT_EQ(test, memdiag_resolve_data("pcpu_first_chunk"), 0UL);
	KUNIT_EXPECT_EQ(test, item->error, -EFAULT);
	memdiag_force_ways = 0;
	given_found[0] = address + 1;
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	given_found[0] = (unsigned long)&init_task;
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	given_found[0] = (unsigned long)kfree & ~7UL;
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	given_found[0] = 0x1000;
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	given_found[0] = -8UL;
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	given_found[0] = (unsigned long)map;
	KUNIT_EXPECT_EQ(test, memdiag_given_data("pcpu_first_chunk", &error), 0UL);
	KUNIT_EXPECT_EQ(test, error, -EFAULT);
	memdiag_given_exit();

	/* The map of another kernel: nothing of it. */
	map->references[0] += PAGE_SIZE;
	given_apply(map);
	KUNIT_EXPECT_NULL(test, given_found);
	KUNIT_EXPECT_EQ(test, resolve_find(MEMDIAG_ITEM_CHECK, GIVEN_CHECK)->error, -EINVAL);
}

/* What the kernel hands over, and what it must be kept from printing. */
static void resolve_given_param(struct kunit *test)
{
	char *text = kunit_kzalloc(test, GIVEN_MAX_LENGTH + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_EQ(test, given_set("nonsense", NULL), 0);
	KUNIT_EXPECT_EQ(test, memdiag_given_init(), -EINVAL);
	KUNIT_EXPECT_NULL(test, given_text);
	KUNIT_EXPECT_EQ(test, memdiag_given_init(), 0);

	KUNIT_EXPECT_EQ(test, given_set("a=1", NULL), 0);
	KUNIT_EXPECT_EQ(test, given_set("b=1", NULL), 0);
	KUNIT_EXPECT_EQ(test, memdiag_given_init(), -EINVAL);
	given_free(NULL);
	given_text_error = 0;

	memset(text, 'a', GIVEN_MAX_LENGTH);
	KUNIT_EXPECT_EQ(test, given_set(text, NULL), 0);
	KUNIT_EXPECT_EQ(test, memdiag_given_init(), -EINVAL);
	KUNIT_EXPECT_NULL(test, given_text);
	given_text_error = 0;

	/* Well-formed and of no use: it is loaded without. */
	KUNIT_EXPECT_EQ(test, given_set("pcpu_first_chunk=1", NULL), 0);
	KUNIT_EXPECT_EQ(test, memdiag_given_init(), 0);
	KUNIT_EXPECT_NULL(test, given_found);
	memdiag_given_exit();
}

static struct kunit_case resolve_cases[] = {
#ifdef CONFIG_X86
	KUNIT_CASE(resolve_gone_calls),
#endif
	KUNIT_CASE(resolve_notes),
	KUNIT_CASE(resolve_words),
	KUNIT_CASE(resolve_symbols),
	KUNIT_CASE(resolve_symbols_of_modules),
	KUNIT_CASE(resolve_given_parse),
	KUNIT_CASE(resolve_given_slide),
	KUNIT_CASE(resolve_given_data),
	KUNIT_CASE(resolve_given_param),
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
