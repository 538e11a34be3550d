// SPDX-License-Identifier: GPL-2.0-only
/* Suite memdiag_text: the lines that the formatter makes of a snapshot. */
#include <linux/seq_file.h>

#include "kunit.h"

#include "../../module/text.c"

#define TEXT_SIZE 4096

struct text_values {
	u64 text;
	u64 number;
	u64 sign;
	u64 bits;
	u64 yes;
};

static const struct memdiag_field_desc text_fields[] = {
	MEMDIAG_GAUGE(text_values, text, STR, NONE, 0, "help"),
	MEMDIAG_GAUGE(text_values, number, U64, NONE, 0, "help"),
	MEMDIAG_GAUGE(text_values, sign, S64, NONE, 0, "help"),
	MEMDIAG_GAUGE(text_values, bits, HEX, NONE, 0, "help"),
	MEMDIAG_GAUGE(text_values, yes, BOOL, NONE, 0, "help"),
};

static const struct {
	const char *text;
	struct text_values values;
	const char *line;
} text_lines[] = {
	{ "plain", { 0, 1, 2, 3, 1 }, "plain 1 2 0x3 1" },
	{ "", { 0, 0, 0, 0, 0 }, "\\0 0 0 0x0 0" },
	{ "-", { 0, 0, -1, 0, 0 }, "\\055 0 -1 0x0 0" },
	{ "--", { 0, 0, 0, 0, 2 }, "-- 0 0 0x0 1" },
	{ "a b", { 0, 10, -1234567890123, 0xabcdef, 1 }, "a\\040b 10 -1234567890123 0xabcdef 1" },
	{ "a\nb\t", { 0, 10, 1, 0, 1 }, "a\\012b\\011 10 1 0x0 1" },
	{ "a\\040b", { 0, 10, 1, 0, 1 }, "a\\134040b 10 1 0x0 1" },
	{ "\\", { 0, 10, 1, 0, 1 }, "\\134 10 1 0x0 1" },
	{ "\001\x7f", { 0, 10, 1, 0, 1 }, "\\001\\177 10 1 0x0 1" },
	{ "\xc3\xa4\"'#", { 0, 10, 1, 0, 1 }, "\\303\\244\"'# 10 1 0x0 1" },
	{ "\x1b[31m", { 0, 10, 1, 0, 1 }, "\\033[31m 10 1 0x0 1" },
	{ NULL, { MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT, MEMDIAG_ABSENT,
		  MEMDIAG_ABSENT }, "- - - - -" },
	/* Only an unsigned number has a value that means no limit. */
	{ "max", { 0, MEMDIAG_UNLIMITED, MEMDIAG_UNLIMITED, MEMDIAG_UNLIMITED, 1 },
	  "max max -9223372036854775807 0x8000000000000001 1" },
	{ "large", { 0, U64_MAX, S64_MAX, U64_MAX, 1 },
	  "large 18446744073709551615 9223372036854775807 0xffffffffffffffff 1" },
};

static int text_collect(struct memdiag_sink *sink)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(text_lines); i++) {
		struct text_values *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		*record = text_lines[i].values;
		if (text_lines[i].text)
			record->text = memdiag_push_string(sink, text_lines[i].text);
	}
	return 0;
}

static struct memdiag_bytes *text_snapshot(struct kunit *test)
{
	memdiag_kunit_providers[4].name = "words";
	memdiag_kunit_statuses[4].fields = text_fields;
	memdiag_kunit_statuses[4].nr_fields = ARRAY_SIZE(text_fields);
	memdiag_kunit_statuses[4].record_size = sizeof(struct text_values);
	return memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
}

/* A seq_file to print into; m->buf is NUL-terminated by text_of(). */
static void text_seq(struct kunit *test, struct seq_file *m)
{
	memset(m, 0, sizeof(*m));
	m->buf = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);
	m->size = TEXT_SIZE;
	KUNIT_ASSERT_NOT_NULL(test, m->buf);
}

static const char *text_of(struct kunit *test, struct seq_file *m)
{
	KUNIT_ASSERT_LT(test, m->count, m->size);
	m->buf[m->count] = '\0';
	m->count = 0;
	return m->buf;
}

static void text_records(struct kunit *test)
{
	const struct memdiag_section *section;
	struct memdiag_bytes *bytes;
	struct seq_file m;
	unsigned int i;
	char line[160];

	memdiag_kunit_fakes[4].collect = text_collect;
	bytes = text_snapshot(test);
	section = memdiag_snapshot_section(bytes, 4);
	KUNIT_ASSERT_EQ(test, section->nr_records, ARRAY_SIZE(text_lines));
	text_seq(test, &m);
	for (i = 0; i < ARRAY_SIZE(text_lines); i++) {
		memdiag_text_record(&m, bytes, section, i);
		snprintf(line, sizeof(line), "%s\n", text_lines[i].line);
		KUNIT_EXPECT_STREQ(test, text_of(test, &m), line);
	}
}

/* However odd a value is, there are as many words as columns. */
static void text_words(struct kunit *test)
{
	const struct memdiag_section *section;
	struct memdiag_bytes *bytes;
	struct seq_file m;
	unsigned int i;

	memdiag_kunit_fakes[4].collect = text_collect;
	bytes = text_snapshot(test);
	section = memdiag_snapshot_section(bytes, 4);
	text_seq(test, &m);
	for (i = 0; i < ARRAY_SIZE(text_lines); i++) {
		char *text, *word;
		unsigned int words = 0;

		memdiag_text_record(&m, bytes, section, i);
		text = (char *)text_of(test, &m);
		while ((word = strsep(&text, " "))) {
			KUNIT_EXPECT_NE(test, word[0], '\0');
			words++;
		}
		KUNIT_EXPECT_EQ(test, words, ARRAY_SIZE(text_fields));
	}
}

static void text_head(struct kunit *test)
{
	struct memdiag_bytes *bytes = text_snapshot(test);
	char expected[256];
	struct seq_file m;

	text_seq(test, &m);
	memdiag_text_head(&m, bytes, memdiag_snapshot_section(bytes, 4));
	snprintf(expected, sizeof(expected),
		 "memdiag words - version: %u.%u\n# text number sign bits yes\n",
		 MEMDIAG_FORMAT_MAJOR, MEMDIAG_FORMAT_MINOR);
	KUNIT_EXPECT_STREQ(test, text_of(test, &m), expected);
}

static void text_head_partial(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	struct seq_file m;

	memdiag_kunit_fakes[4].nr = 0;
	memdiag_kunit_fakes[4].partial = "only half of it: the rest was busy";
	bytes = text_snapshot(test);
	text_seq(test, &m);
	memdiag_text_head(&m, bytes, memdiag_snapshot_section(bytes, 4));
	KUNIT_EXPECT_STREQ(test, text_of(test, &m),
			   "memdiag words - version: 1.0\n"
			   "# text number sign bits yes\n"
			   "# partial: only half of it: the rest was busy\n");
}

static void text_head_unavailable(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	char expected[256];
	struct seq_file m;

	memdiag_set_unavailable(&memdiag_kunit_statuses[4], -ENOENT, "no /proc/words");
	bytes = text_snapshot(test);
	text_seq(test, &m);
	memdiag_text_head(&m, bytes, memdiag_snapshot_section(bytes, 4));
	snprintf(expected, sizeof(expected),
		 "memdiag words - version: 1.0\n"
		 "# text number sign bits yes\n"
		 "# unavailable: no /proc/words (%pe)\n", ERR_PTR(-ENOENT));
	KUNIT_EXPECT_STREQ(test, text_of(test, &m), expected);
}

static struct kunit_case text_cases[] = {
	KUNIT_CASE(text_records),
	KUNIT_CASE(text_words),
	KUNIT_CASE(text_head),
	KUNIT_CASE(text_head_partial),
	KUNIT_CASE(text_head_unavailable),
	{}
};

static struct kunit_suite text_suite = {
	.name = "memdiag_text",
	.init = memdiag_kunit_fake_begin,
	.test_cases = text_cases,
};
kunit_test_suite(text_suite);
