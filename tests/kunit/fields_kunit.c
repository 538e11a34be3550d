// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_fields: the tables that describe the records of each provider,
 * the registry, and a snapshot of the machine held against its own tables.
 */
#include <linux/module.h>

#include "kunit.h"

#include "../../module/readers/readers.c"
#include "../../module/registry.c"
#include "../../module/resolve/resolve.h"

static bool live;

int memdiag_kunit_live(struct kunit_suite *suite)
{
	struct memdiag_btf *btf;
	int error;

	if (live)
		return 0;
	error = memdiag_resolve_init();
	if (error)
		return error;
	memdiag_snapshot_init();
	btf = memdiag_btf_load();
	memdiag_readers_init();
	memdiag_registry_init();
	memdiag_btf_free(btf);
	memdiag_alloc_init();
	live = true;
	return 0;
}

static void __exit kunit_exit(void)
{
	if (!live)
		return;
	memdiag_registry_exit();
	memdiag_readers_exit();
	memdiag_snapshot_exit();
	memdiag_resolve_exit();
	memdiag_alloc_exit();
}

static void fields_providers(struct kunit *test)
{
	/* Under these names memdiagctl asks for the sections. */
	static const char * const names[] = {
#define SECTION(name, id) \
	[MEMDIAG_SEC_##id] = #name,
#include "../../uapi/section_list.h"
#undef SECTION
	};
	u32 id, other;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_provider *p = registry_providers[id];

		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_ASSERT_NOT_NULL(test, p->name);
		KUNIT_EXPECT_EQ_MSG(test, p->id, id, "%s", p->name);
		KUNIT_EXPECT_STREQ(test, p->name, names[id]);
		/* It is a file name and a JSON key. */
		KUNIT_EXPECT_EQ_MSG(test, strspn(p->name, "abcdefghijklmnopqrstuvwxyz_"),
				    strlen(p->name), "%s", p->name);
		KUNIT_EXPECT_TRUE_MSG(test, p->help && p->help[0], "%s", p->name);
		KUNIT_EXPECT_TRUE_MSG(test, p->collect || !memdiag_status(id)->fields,
				      "%s has no collect", p->name);
		KUNIT_EXPECT_EQ_MSG(test, p->after & ~(BIT_ULL(id) - 1), 0ULL,
				    "%s comes before its parents", p->name);
		for (other = 0; other < id; other++)
			KUNIT_EXPECT_STRNEQ(test, p->name, registry_providers[other]->name);
	}
}

static void fields_one(struct kunit *test, const struct memdiag_status *s, unsigned int i)
{
	const struct memdiag_field_desc *f = &s->fields[i];
	const char *section = s->provider->name;
	unsigned int j;

	KUNIT_ASSERT_TRUE_MSG(test, f->name && f->name[0], "%s: field %u", section, i);
	KUNIT_EXPECT_NULL_MSG(test, strpbrk(f->name, " \t\n\\"), "%s.%s", section, f->name);
	KUNIT_EXPECT_TRUE_MSG(test, f->help && f->help[0], "%s.%s has no help",
			      section, f->name);
	KUNIT_EXPECT_EQ_MSG(test, f->offset % 8, 0, "%s.%s", section, f->name);
	KUNIT_EXPECT_LE_MSG(test, f->offset + 8, s->record_size, "%s.%s", section, f->name);
	KUNIT_EXPECT_LE_MSG(test, f->type, MEMDIAG_TYPE_BOOL, "%s.%s", section, f->name);
	KUNIT_EXPECT_LE_MSG(test, f->unit, MEMDIAG_UNIT_KBYTES, "%s.%s", section, f->name);
	KUNIT_EXPECT_LE_MSG(test, f->kind, MEMDIAG_KIND_COUNTER, "%s.%s", section, f->name);
	KUNIT_EXPECT_LE_MSG(test, f->source, MEMDIAG_SRC_PAGES, "%s.%s", section, f->name);
	KUNIT_EXPECT_EQ_MSG(test, f->flags & ~(MEMDIAG_FIELD_KEY | MEMDIAG_FIELD_INEXACT |
					       MEMDIAG_FIELD_BRIEF), 0,
			    "%s.%s", section, f->name);
	if (f->flags & MEMDIAG_FIELD_KEY)
		KUNIT_EXPECT_EQ_MSG(test, f->kind, MEMDIAG_KIND_LABEL, "%s.%s",
				    section, f->name);
	if (f->type == MEMDIAG_TYPE_STR || f->type == MEMDIAG_TYPE_BOOL ||
	    f->type == MEMDIAG_TYPE_HEX)
		KUNIT_EXPECT_EQ_MSG(test, f->unit, MEMDIAG_UNIT_NONE, "%s.%s",
				    section, f->name);
	/* The order is that of the columns; each has a word of its own. */
	for (j = 0; j < i; j++) {
		KUNIT_EXPECT_STRNEQ(test, f->name, s->fields[j].name);
		KUNIT_EXPECT_NE_MSG(test, f->offset, s->fields[j].offset, "%s: %s and %s",
				    section, f->name, s->fields[j].name);
	}
}

static void fields_tables(struct kunit *test)
{
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_status *s = memdiag_status(id);
		unsigned int i, keys = 0, briefs = 0;
		const char *name = s->provider->name;

		KUNIT_ASSERT_NOT_NULL_MSG(test, s->fields, "%s", name);
		KUNIT_EXPECT_GT_MSG(test, s->nr_fields, 0, "%s", name);
		KUNIT_EXPECT_EQ_MSG(test, s->record_size % 8, 0, "%s", name);
		for (i = 0; i < s->nr_fields; i++) {
			fields_one(test, s, i);
			keys += !!(s->fields[i].flags & MEMDIAG_FIELD_KEY);
			briefs += !!(s->fields[i].flags & MEMDIAG_FIELD_BRIEF);
		}
		KUNIT_EXPECT_GT_MSG(test, briefs, 0, "%s shows nothing", name);
		if (id == MEMDIAG_SEC_SYSTEM || id == MEMDIAG_SEC_TRACK_STATUS)
			KUNIT_EXPECT_EQ_MSG(test, keys, 0, "%s is one record", name);
		else
			KUNIT_EXPECT_GT_MSG(test, keys, 0, "%s has no key", name);
	}
}

/* What the debug kernel has everything for. */
static void fields_available(struct kunit *test)
{
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_status *s = memdiag_status(id);

		KUNIT_EXPECT_NE_MSG(test, s->state, MEMDIAG_STATE_UNAVAILABLE, "%s: %s",
				    s->provider->name, s->reason);
		KUNIT_EXPECT_NE_MSG(test, s->state, MEMDIAG_STATE_NOT_ASKED, "%s",
				    s->provider->name);
		KUNIT_EXPECT_NE_MSG(test, s->source, MEMDIAG_SRC_NONE, "%s", s->provider->name);
	}
	KUNIT_EXPECT_EQ(test, memdiag_available(), MEMDIAG_ALL_SECTIONS);
}

static void fields_status(struct kunit *test)
{
	struct memdiag_status *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	memdiag_set_unavailable(s, -ENOENT, "no %s", "such thing");
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->source, MEMDIAG_SRC_NONE);
	KUNIT_EXPECT_EQ(test, s->error, -ENOENT);
	KUNIT_EXPECT_STREQ(test, s->reason, "no such thing");
	memdiag_set_partial(s, MEMDIAG_SRC_TEXT, "%d of %d", 1, 2);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_PARTIAL);
	KUNIT_EXPECT_EQ(test, s->source, MEMDIAG_SRC_TEXT);
	KUNIT_EXPECT_EQ(test, s->error, 0);
	KUNIT_EXPECT_STREQ(test, s->reason, "1 of 2");
	memdiag_set_ok(s, MEMDIAG_SRC_BTF);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->source, MEMDIAG_SRC_BTF);
	KUNIT_EXPECT_STREQ(test, s->reason, "");
	memdiag_set_partial(s, MEMDIAG_SRC_TEXT, "%0*d", 2 * MEMDIAG_REASON_LEN, 7);
	KUNIT_EXPECT_EQ(test, strlen(s->reason), sizeof(s->reason) - 1);
}

static void fields_fit(struct kunit *test)
{
	struct memdiag_field_desc f[] = { { .offset = 0 }, { .offset = 8 } };
	struct memdiag_status *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->fields = f;
	s->nr_fields = 2;
	s->record_size = 16;
	KUNIT_EXPECT_TRUE(test, registry_fields_fit(s));
	f[1].offset = 16;
	KUNIT_EXPECT_FALSE(test, registry_fields_fit(s));
	s->record_size = 24;
	f[1].offset = 12;
	KUNIT_EXPECT_FALSE(test, registry_fields_fit(s));
	f[1].offset = 8;
	s->record_size = 15;
	KUNIT_EXPECT_FALSE(test, registry_fields_fit(s));
}

static void fields_value(struct kunit *test, const struct memdiag_bytes *bytes,
			 const struct memdiag_section *section,
			 const struct memdiag_field *field, u64 value)
{
	const struct memdiag_header *header = bytes->data;
	const char *strings = bytes->data + header->strings;

	if (value == MEMDIAG_ABSENT)
		return;
	if (field->type == MEMDIAG_TYPE_STR) {
		KUNIT_ASSERT_LT_MSG(test, value, header->strings_size, "%s.%s",
				    strings + section->name, strings + field->name);
		if (value)
			KUNIT_EXPECT_EQ_MSG(test, strings[value - 1], '\0', "%s.%s",
					    strings + section->name, strings + field->name);
	}
	if (field->type == MEMDIAG_TYPE_BOOL)
		KUNIT_EXPECT_LE_MSG(test, value, 1ULL, "%s.%s", strings + section->name,
				    strings + field->name);
	if (value == MEMDIAG_UNLIMITED)
		KUNIT_EXPECT_EQ_MSG(test, field->type, MEMDIAG_TYPE_U64, "%s.%s",
				    strings + section->name, strings + field->name);
}

/* What this machine reads as, held against the tables that came with it. */
static void fields_live(struct kunit *test)
{
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	u32 id, i;
	u64 n;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_section *s = memdiag_snapshot_section(bytes, id);
		const struct memdiag_field *f = bytes->data + s->fields;

		/* What is only told when asked for need not be there, such as deleted files. */
		if (memdiag_default_sections() & BIT_ULL(id))
			KUNIT_EXPECT_GT_MSG(test, s->nr_records, 0, "%s",
					    memdiag_snapshot_string(bytes, s->name));
		if (id == MEMDIAG_SEC_SYSTEM || id == MEMDIAG_SEC_TRACK_STATUS)
			KUNIT_EXPECT_EQ(test, s->nr_records, 1);
		for (n = 0; n < s->nr_records; n++) {
			const void *record = bytes->data + s->records + n * s->record_size;
			bool any = false;

			for (i = 0; i < s->nr_fields; i++) {
				u64 value = *(const u64 *)(record + f[i].offset);

				fields_value(test, bytes, s, &f[i], value);
				any |= value != MEMDIAG_ABSENT;
			}
			KUNIT_EXPECT_TRUE_MSG(test, any, "%s: record %llu says nothing",
					      memdiag_snapshot_string(bytes, s->name), n);
		}
	}
}

static struct kunit_case fields_cases[] = {
	KUNIT_CASE(fields_providers),
	KUNIT_CASE(fields_tables),
	KUNIT_CASE(fields_available),
	KUNIT_CASE(fields_status),
	KUNIT_CASE(fields_fit),
	KUNIT_CASE(fields_live),
	{}
};

static struct kunit_suite fields_suite = {
	.name = "memdiag_fields",
	.suite_init = memdiag_kunit_live,
	.test_cases = fields_cases,
};
kunit_test_suite(fields_suite);

module_exit(kunit_exit);

MODULE_AUTHOR("The memdiag developers");
MODULE_DESCRIPTION("KUnit suites of memdiag");
MODULE_LICENSE("GPL");
