// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_snapshot: layout, growing, errors and limit, with providers that do as
 * they are told. They are made here; suite memdiag_sink has them too.
 */
#include <linux/module.h>

#include "fakes.h"

static bool fake;

static const struct memdiag_status *fake_or_real_status(u32 id)
{
	return fake ? &memdiag_kunit_statuses[id] : memdiag_status(id);
}

#include "../../module/alloc.c"

/* So often there is no memory for the bytes of a snapshot. */
static unsigned int fake_no_pages;

static void *fake_or_real_pages(size_t size)
{
	if (!fake_no_pages)
		return memdiag_alloc_pages(size);
	fake_no_pages--;
	return NULL;
}

/* Only for what is included here: the real registry serves everybody else. */
#define memdiag_status(id) fake_or_real_status(id)
#define memdiag_alloc_pages(size) fake_or_real_pages(size)
#include "../../module/sink.c"
#include "../../module/snapshot.c"
#undef memdiag_alloc_pages
#undef memdiag_status

struct fake memdiag_kunit_fakes[MEMDIAG_NR_SECTIONS];
struct memdiag_provider memdiag_kunit_providers[MEMDIAG_NR_SECTIONS];
struct memdiag_status memdiag_kunit_statuses[MEMDIAG_NR_SECTIONS];

static u64 fake_saved_limit;
static char fake_names[MEMDIAG_NR_SECTIONS][8];

static const struct memdiag_field_desc fake_fields[] = {
	MEMDIAG_LABEL(fake_record, n, U64, NONE, KEY, "number of the record"),
	MEMDIAG_GAUGE(fake_record, text, STR, BYTES, BRIEF, "text made of it"),
};

struct fake *memdiag_kunit_fake_of(const struct memdiag_sink *sink)
{
	return &fakes[sink->status->provider->id];
}

static u64 fake_number(u32 id, u64 i)
{
	return id * 1000000ULL + i;
}

static int fake_collect(struct memdiag_sink *sink)
{
	struct fake *f = fake_of(sink);
	u32 id = sink->status->provider->id;
	unsigned int i;

	f->walks++;
	if (f->collect)
		return f->collect(sink);
	for (i = 0; i < f->nr; i++) {
		struct fake_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->n = fake_number(id, i);
		record->text = f->text ? memdiag_push_printf(sink, f->text, record->n) :
			       memdiag_push_string(sink, "");
	}
	if (f->partial)
		memdiag_mark_partial(sink, "%s", f->partial);
	return f->error;
}

int memdiag_kunit_fake_finish(struct memdiag_sink *sink)
{
	struct fake *f = fake_of(sink);

	f->finishes++;
	return f->finish_error;
}

/* Runs last, when all that the case took is put: it must leave nothing behind. */
static void fake_end(void *arg)
{
	struct kunit *test = arg;

	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
	fake = false;
	alloc_limit = fake_saved_limit;
	fake_no_pages = 0;
}

int memdiag_kunit_fake_begin(struct kunit *test)
{
	u32 id;

	memset(fakes, 0, sizeof(fakes));
	memset(providers, 0, sizeof(providers));
	memset(statuses, 0, sizeof(statuses));
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		snprintf(fake_names[id], sizeof(fake_names[id]), "fake%u", id);
		fakes[id].nr = 3;
		fakes[id].text = "text %llu";
		providers[id] = (struct memdiag_provider) {
			.id = id,
			.name = fake_names[id],
			.help = "a fake",
			.collect = fake_collect,
		};
		statuses[id] = (struct memdiag_status) {
			.provider = &providers[id],
			.fields = fake_fields,
			.nr_fields = ARRAY_SIZE(fake_fields),
			.record_size = sizeof(struct fake_record),
			.state = MEMDIAG_STATE_OK,
			.source = MEMDIAG_SRC_EXPORT,
			/* So the first walk has room for 16. */
			.last_records = 1,
		};
	}
	fake_saved_limit = alloc_limit;
	alloc_limit = SZ_64M;
	fake = true;
	return kunit_add_action_or_reset(test, fake_end, test);
}

static void snapshot_action(void *bytes)
{
	memdiag_snapshot_put(bytes);
}

struct memdiag_bytes *memdiag_kunit_snapshot(struct kunit *test, u64 sections)
{
	struct memdiag_bytes *bytes = memdiag_snapshot_collect(sections);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bytes);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, snapshot_action, bytes), 0);
	return bytes;
}

u64 memdiag_kunit_value(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
			u64 record, const char *name)
{
	const struct memdiag_section *s = memdiag_snapshot_section(bytes, id);
	const struct memdiag_field *f = bytes->data + s->fields;
	u32 i;

	KUNIT_ASSERT_LT(test, record, s->nr_records);
	for (i = 0; i < s->nr_fields; i++)
		if (!strcmp(memdiag_snapshot_string(bytes, f[i].name), name))
			return *(const u64 *)(bytes->data + s->records +
					      record * s->record_size + f[i].offset);
	KUNIT_FAIL(test, "%s has no field %s", memdiag_snapshot_string(bytes, s->name), name);
	return MEMDIAG_ABSENT;
}

const char *memdiag_kunit_string(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
				 u64 record, const char *name)
{
	u64 value = memdiag_kunit_value(test, bytes, id, record, name);

	return value == MEMDIAG_ABSENT ? "-" : memdiag_snapshot_string(bytes, value);
}

void memdiag_kunit_expect_records(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
				  u64 nr)
{
	const struct memdiag_section *s = section_of(bytes, id);
	const struct fake_record *r = bytes->data + s->records;
	unsigned int wrong = 0;
	char text[128];
	u64 i;

	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->error, 0);
	KUNIT_EXPECT_STREQ(test, string_of(bytes, s->reason), "");
	KUNIT_ASSERT_EQ(test, s->nr_records, nr);
	for (i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), fakes[id].text ?: "", fake_number(id, i));
		if (r[i].n != fake_number(id, i) || strcmp(string_of(bytes, r[i].text), text))
			wrong++;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "of %llu records of section %u", nr, id);
}

/* A table of the layout: begins where the one before ended. */
static u64 expect_table(struct kunit *test, const struct memdiag_bytes *bytes, u64 at,
			u64 offset, u64 nr, u64 size)
{
	KUNIT_EXPECT_EQ(test, offset, at);
	KUNIT_EXPECT_EQ(test, offset % 8, 0ULL);
	KUNIT_EXPECT_LE(test, offset + nr * size, bytes->size);
	return offset + nr * size;
}

void memdiag_kunit_expect_layout(struct kunit *test, const struct memdiag_bytes *bytes)
{
	const struct memdiag_header *h = bytes->data;
	const char *strings = bytes->data + h->strings;
	u64 at = sizeof(*h);
	u32 id, i;

	KUNIT_EXPECT_MEMEQ(test, h->magic, MEMDIAG_MAGIC, 8);
	KUNIT_EXPECT_EQ(test, h->byte_order, MEMDIAG_BYTE_ORDER);
	KUNIT_EXPECT_EQ(test, h->format_major, MEMDIAG_FORMAT_MAJOR);
	KUNIT_EXPECT_EQ(test, h->format_minor, MEMDIAG_FORMAT_MINOR);
	KUNIT_EXPECT_EQ(test, h->header_size, sizeof(*h));
	KUNIT_EXPECT_EQ(test, h->nr_sections, MEMDIAG_NR_SECTIONS);
	KUNIT_EXPECT_EQ(test, h->section_size, sizeof(struct memdiag_section));
	KUNIT_EXPECT_EQ(test, h->flags, 0);
	KUNIT_EXPECT_EQ(test, h->checksum, 0);
	KUNIT_EXPECT_EQ(test, h->__reserved, 0);
	KUNIT_EXPECT_EQ(test, h->page_size, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, h->total_size, bytes->size);
	KUNIT_EXPECT_LE(test, h->start_ns, h->end_ns);
	/* The guest is never suspended, so both clocks say the same. */
	KUNIT_EXPECT_LE(test, h->boottime_ns, h->start_ns);
	KUNIT_EXPECT_LT(test, h->start_ns - h->boottime_ns, (u64)NSEC_PER_SEC);
	KUNIT_EXPECT_STREQ(test, strings + h->version, MEMDIAG_VERSION);

	at = expect_table(test, bytes, at, h->sections, h->nr_sections, h->section_size);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_section *s = section_of(bytes, id);
		const struct memdiag_field *f = bytes->data + s->fields;

		KUNIT_EXPECT_EQ(test, s->id, id);
		KUNIT_EXPECT_EQ(test, s->__reserved, 0);
		KUNIT_EXPECT_STREQ(test, strings + s->name, providers[id].name);
		KUNIT_EXPECT_STREQ(test, strings + s->help, providers[id].help);
		if (!(bytes->sections & BIT_ULL(id))) {
			KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_NOT_ASKED);
			KUNIT_EXPECT_EQ(test, s->nr_fields, 0);
			KUNIT_EXPECT_EQ(test, s->nr_records, 0ULL);
			continue;
		}
		KUNIT_EXPECT_NE(test, s->state, MEMDIAG_STATE_NOT_ASKED);
		KUNIT_ASSERT_EQ(test, s->field_size, sizeof(*f));
		KUNIT_ASSERT_EQ(test, s->nr_fields, statuses[id].nr_fields);
		KUNIT_EXPECT_EQ(test, s->record_size, statuses[id].record_size);
		at = expect_table(test, bytes, at, s->fields, s->nr_fields, s->field_size);
		at = expect_table(test, bytes, at, s->records, s->nr_records, s->record_size);
		for (i = 0; i < s->nr_fields; i++) {
			const struct memdiag_field_desc *d = &statuses[id].fields[i];

			KUNIT_EXPECT_STREQ(test, strings + f[i].name, d->name);
			KUNIT_EXPECT_STREQ(test, strings + f[i].help, d->help);
			KUNIT_EXPECT_EQ(test, f[i].type, d->type);
			KUNIT_EXPECT_EQ(test, f[i].unit, d->unit);
			KUNIT_EXPECT_EQ(test, f[i].kind, d->kind);
			KUNIT_EXPECT_EQ(test, f[i].flags, d->flags);
			KUNIT_EXPECT_EQ(test, f[i].offset, d->offset);
			KUNIT_EXPECT_EQ(test, f[i].source, d->source ?: s->source);
		}
	}
	at = expect_table(test, bytes, at, h->strings, h->strings_size, 1);
	KUNIT_EXPECT_EQ(test, strings[0], '\0');
	KUNIT_EXPECT_EQ(test, strings[h->strings_size - 1], '\0');
	KUNIT_EXPECT_EQ(test, h->total_size, ALIGN(at, 8));
}

static void snapshot_layout(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		fakes[id].nr = id * 5;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_EQ(test, bytes->sections, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		expect_records(test, bytes, id, id * 5);
		KUNIT_EXPECT_EQ(test, section_of(bytes, id)->source, MEMDIAG_SRC_EXPORT);
	}
}

static void snapshot_layout_of_some(struct kunit *test)
{
	u64 mask = MEMDIAG_BIT(VMSTAT) | MEMDIAG_BIT(MEMCG);
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, mask);

	KUNIT_EXPECT_EQ(test, bytes->sections, mask);
	expect_layout(test, bytes);
	expect_records(test, bytes, MEMDIAG_SEC_VMSTAT, 3);
	expect_records(test, bytes, MEMDIAG_SEC_MEMCG, 3);
	KUNIT_EXPECT_EQ(test, fakes[MEMDIAG_SEC_SLAB].walks, 0);
}

/* Memory behind what is used must not carry what was there before. */
static void snapshot_padding(struct kunit *test)
{
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	const struct memdiag_header *h = bytes->data;

	KUNIT_EXPECT_NULL(test, memchr_inv(bytes->data + h->strings + h->strings_size, 0,
					   PAGE_ALIGN(bytes->size) - h->strings -
					   h->strings_size));
}

static int collect_nothing_said(struct memdiag_sink *sink)
{
	return memdiag_push(sink) ? 0 : -ENOSPC;
}

static void snapshot_absent(struct kunit *test)
{
	struct memdiag_bytes *bytes;
	const struct fake_record *r;

	fakes[5].collect = collect_nothing_said;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(5));
	r = bytes->data + section_of(bytes, 5)->records;
	KUNIT_ASSERT_EQ(test, section_of(bytes, 5)->nr_records, 1ULL);
	KUNIT_EXPECT_EQ(test, r->n, MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, r->text, MEMDIAG_ABSENT);
}

static void snapshot_grows_records(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	fakes[3].nr = 1000;
	fakes[3].text = "same";
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	expect_records(test, bytes, 3, 1000);
	expect_records(test, bytes, 2, 3);
	expect_records(test, bytes, 4, 3);
	/* The first walk counted them. */
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->restarts, 1);
	KUNIT_EXPECT_EQ(test, fakes[3].walks, 2);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 2)->restarts, 0);
	/* The next one knows how many there were. */
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_records(test, bytes, 3, 1000);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->restarts, 0);
}

static unsigned int estimate_40(void)
{
	return 40;
}

static void snapshot_estimate(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	providers[1].estimate = estimate_40;
	fakes[1].nr = 40;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(1));
	expect_records(test, bytes, 1, 40);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 1)->restarts, 0);
	fakes[1].nr = 41;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(1));
	expect_records(test, bytes, 1, 41);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 1)->restarts, 1);
}

static void snapshot_grows_strings(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	fakes[2].text = "shared %llu";
	fakes[3].nr = 1000;
	fakes[3].text = "a text of which a thousand do not fit in 16 KiB: %020llu";
	statuses[3].last_records = 1000;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	expect_records(test, bytes, 2, 3);
	expect_records(test, bytes, 3, 1000);
	expect_records(test, bytes, 4, 3);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->restarts, 1);
	/* The next one knows how long they were. */
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_records(test, bytes, 3, 1000);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->restarts, 0);
}

/* More records and more strings than twelve times doubling comes to, both at once. */
static void snapshot_grows_much(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	fakes[2].text = "shared %llu";
	fakes[3].nr = 20000;
	fakes[3].text = "a text of which twenty thousand are more than a megabyte: %020llu";
	fakes[4].nr = 20000;
	fakes[4].text = "same";
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	expect_records(test, bytes, 2, 3);
	expect_records(test, bytes, 3, 20000);
	expect_records(test, bytes, 4, 20000);
	expect_records(test, bytes, 5, 3);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->restarts, 1);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 4)->restarts, 1);
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_records(test, bytes, 3, 20000);
	KUNIT_EXPECT_EQ(test, section_of(bytes, 3)->restarts, 0);
	/* What there was once is no reason to take so much for ever. */
	fakes[3].nr = 3;
	memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_EQ(test, statuses[3].last_records, 3);
	KUNIT_EXPECT_LT(test, statuses[3].last_strings, 1000);
}

/* Only the tables' own strings do not fit: no walk is repeated for them. */
static void snapshot_grows_strings_late(struct kunit *test)
{
	char *help = kunit_kmalloc(test, SZ_32K, GFP_KERNEL);
	struct memdiag_bytes *bytes;

	KUNIT_ASSERT_NOT_NULL(test, help);
	memset(help, 'h', SZ_32K - 1);
	help[SZ_32K - 1] = '\0';
	providers[0].help = help;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	KUNIT_EXPECT_EQ(test, fakes[0].walks, 1);
}

/* There are a quarter more of them with each walk, until it is the last. */
static unsigned int growing_last;

static int collect_growing(struct memdiag_sink *sink)
{
	unsigned int i, nr = 100, walk;

	for (walk = 1; walk < min(fake_of(sink)->walks, growing_last); walk++)
		nr += nr / 4;
	for (i = 0; i < nr; i++) {
		struct fake_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->n = fake_number(sink->status->provider->id, i);
		record->text = memdiag_push_printf(sink, "text %llu", record->n);
	}
	return 0;
}

static void snapshot_outrun(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;
	char reason[64];

	fakes[6].collect = collect_growing;
	growing_last = UINT_MAX;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	s = section_of(bytes, 6);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->error, -EAGAIN);
	KUNIT_EXPECT_EQ(test, s->nr_records, 0ULL);
	snprintf(reason, sizeof(reason), "collecting failed: %pe: it grew faster than",
		 ERR_PTR(-EAGAIN));
	KUNIT_EXPECT_TRUE(test, strstarts(string_of(bytes, s->reason), reason));
	KUNIT_EXPECT_EQ(test, fakes[6].walks, SNAPSHOT_MAX_RESTARTS + 1);
	expect_records(test, bytes, 5, 3);
	expect_records(test, bytes, 7, 3);
	/* When it grows no more, the next snapshot begins with what this one lacked. */
	growing_last = SNAPSHOT_MAX_RESTARTS + 1;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	s = section_of(bytes, 6);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_OK);
	KUNIT_EXPECT_EQ(test, s->restarts, 0);
	KUNIT_EXPECT_EQ(test, fakes[6].walks, SNAPSHOT_MAX_RESTARTS + 2);
}

/* More than the limit: it is not counted to its end, and only this section lacks. */
static void snapshot_endless(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	fakes[6].nr = UINT_MAX;
	fakes[6].text = NULL;
	alloc_limit = SZ_4M;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	s = section_of(bytes, 6);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->error, -EMFILE);
	KUNIT_EXPECT_EQ(test, fakes[6].walks, 1);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), bytes->charged);
	expect_records(test, bytes, 5, 3);
	expect_records(test, bytes, 7, 3);
}

static unsigned int estimate_too_many(void)
{
	return UINT_MAX;
}

/* Room for a guess that is too high cannot be had: the walk says how many there are. */
static void snapshot_guess_too_high(struct kunit *test)
{
	struct memdiag_bytes *bytes;

	providers[3].estimate = estimate_too_many;
	statuses[4].last_records = UINT_MAX;
	statuses[4].last_strings = U32_MAX;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	expect_records(test, bytes, 3, 3);
	expect_records(test, bytes, 4, 3);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), bytes->charged);
}

/* What fits while it is collected, but not with its place in the finished snapshot. */
static void snapshot_fits_once(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	fakes[4].nr = 100000;
	fakes[4].text = NULL;
	alloc_limit = fakes[4].nr * sizeof(struct fake_record) * 3 / 2;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	s = section_of(bytes, 4);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->error, -EMFILE);
	KUNIT_EXPECT_TRUE(test, strstarts(string_of(bytes, s->reason), "more than the 2 MiB"));
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), bytes->charged);
	expect_records(test, bytes, 3, 3);
	expect_records(test, bytes, 5, 3);
}

/* No memory for the bytes: it is done without the section that takes most of them. */
static void snapshot_no_memory_at_last(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	fakes[4].nr = 5000;
	fake_no_pages = 1;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	s = section_of(bytes, 4);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->error, -ENOMEM);
	expect_records(test, bytes, 3, 3);
	expect_records(test, bytes, 5, 3);
	fake_no_pages = UINT_MAX;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(memdiag_snapshot_collect(MEMDIAG_ALL_SECTIONS)),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), bytes->charged);
}

static void snapshot_collect_error(struct kunit *test)
{
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;
	char reason[64];
	u32 id;

	fakes[4].error = -EIO;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_layout(test, bytes);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (id != 4)
			expect_records(test, bytes, id, 3);
	s = section_of(bytes, 4);
	KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
	KUNIT_EXPECT_EQ(test, s->error, -EIO);
	KUNIT_EXPECT_EQ(test, s->nr_records, 0ULL);
	snprintf(reason, sizeof(reason), "collecting failed: %pe", ERR_PTR(-EIO));
	KUNIT_EXPECT_STREQ(test, string_of(bytes, s->reason), reason);
	/* The next snapshot may succeed. */
	fakes[4].error = 0;
	bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
	expect_records(test, bytes, 4, 3);
}

/* A lack of memory in one section is the matter of that section. */
static void snapshot_memory_error(struct kunit *test)
{
	static const struct {
		int error;
		const char *reason;
	} errors[] = {
		{ -ENOMEM, "collecting failed" },
		{ -EMFILE, "more than the 64 MiB that snapshots may take: raise snapshot_mib" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		const struct memdiag_section *s;
		struct memdiag_bytes *bytes;

		fakes[4].error = errors[i].error;
		bytes = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS);
		expect_layout(test, bytes);
		expect_records(test, bytes, 3, 3);
		expect_records(test, bytes, 5, 3);
		s = section_of(bytes, 4);
		KUNIT_EXPECT_EQ(test, s->state, MEMDIAG_STATE_UNAVAILABLE);
		KUNIT_EXPECT_EQ(test, s->error, errors[i].error);
		KUNIT_EXPECT_EQ(test, s->nr_records, 0ULL);
		KUNIT_EXPECT_TRUE(test, strstarts(string_of(bytes, s->reason), errors[i].reason));
	}
}

static void snapshot_signal(struct kunit *test)
{
	u64 generation = snapshot_generation;
	struct memdiag_bytes *bytes;

	fakes[4].error = -EINTR;
	bytes = memdiag_snapshot_collect(MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(bytes), -EINTR);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
	if (!IS_ERR(bytes))
		memdiag_snapshot_put(bytes);
	KUNIT_EXPECT_EQ(test, snapshot_generation, generation);
	KUNIT_EXPECT_EQ(test, fakes[5].walks, 0);
}

/*
 * Too little for it at every place in turn. The limit is the one thing that
 * refuses memory here; each refusal must give back what was taken before.
 */
static void snapshot_limit_everywhere(struct kunit *test)
{
	unsigned int refused = 0, without = 0;
	u64 generation = snapshot_generation;
	bool complete = false;

	fakes[3].nr = 200;
	fakes[4].text = "a longer text, so that the strings have to grow: %060llu";
	fakes[4].nr = 200;
	for (alloc_limit = 0; alloc_limit < SZ_1M && !complete; alloc_limit += 1000) {
		const struct memdiag_section *s;
		struct memdiag_bytes *bytes;

		statuses[3].last_records = 1;
		statuses[3].last_strings = 0;
		statuses[4].last_records = 1;
		statuses[4].last_strings = 0;
		bytes = memdiag_snapshot_collect(BIT_ULL(3) | BIT_ULL(4));
		if (IS_ERR(bytes)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(bytes), -EMFILE);
			KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
			refused++;
			continue;
		}
		generation++;
		KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), bytes->charged);
		KUNIT_EXPECT_LE(test, memdiag_snapshot_held(), alloc_limit);
		expect_layout(test, bytes);
		s = section_of(bytes, 4);
		if (s->state == MEMDIAG_STATE_UNAVAILABLE) {
			KUNIT_EXPECT_EQ(test, s->error, -EMFILE);
			without++;
		} else {
			expect_records(test, bytes, 3, 200);
			expect_records(test, bytes, 4, 200);
			complete = true;
		}
		memdiag_snapshot_put(bytes);
		KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
	}
	KUNIT_EXPECT_GT(test, refused, 40);
	KUNIT_EXPECT_GT(test, without, 10);
	KUNIT_EXPECT_TRUE(test, complete);
	KUNIT_EXPECT_EQ(test, snapshot_generation, generation);
}

static void snapshot_limit_shared(struct kunit *test)
{
	struct memdiag_bytes *held[64], *bytes;
	unsigned int nr = 0, i;

	alloc_limit = SZ_256K;
	while (nr < ARRAY_SIZE(held)) {
		bytes = memdiag_snapshot_collect(MEMDIAG_ALL_SECTIONS);
		if (IS_ERR(bytes))
			break;
		held[nr++] = bytes;
	}
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(bytes), -EMFILE);
	KUNIT_EXPECT_GT(test, nr, 2);
	/* One less makes room for one more. */
	if (nr)
		memdiag_snapshot_put(held[--nr]);
	bytes = memdiag_snapshot_collect(MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_FALSE(test, IS_ERR(bytes));
	if (!IS_ERR(bytes))
		held[nr++] = bytes;
	for (i = 0; i < nr; i++)
		memdiag_snapshot_put(held[i]);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
}

static void snapshot_generations(struct kunit *test)
{
	const struct memdiag_header *a = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS)->data;
	const struct memdiag_header *b, *c;

	b = memdiag_kunit_snapshot(test, BIT_ULL(1))->data;
	KUNIT_EXPECT_EQ(test, b->generation, a->generation + 1);
	fakes[1].error = -EINTR;
	KUNIT_EXPECT_TRUE(test, IS_ERR(memdiag_snapshot_collect(MEMDIAG_ALL_SECTIONS)));
	fakes[1].error = 0;
	c = memdiag_kunit_snapshot(test, MEMDIAG_ALL_SECTIONS)->data;
	KUNIT_EXPECT_EQ(test, c->generation, b->generation + 1);
	KUNIT_EXPECT_LE(test, a->end_ns, b->start_ns);
	KUNIT_EXPECT_LE(test, b->end_ns, c->start_ns);
}

static void snapshot_references(struct kunit *test)
{
	struct memdiag_bytes *bytes = memdiag_snapshot_collect(MEMDIAG_ALL_SECTIONS);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bytes);
	memdiag_snapshot_get(bytes);
	memdiag_snapshot_put(bytes);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), bytes->charged);
	expect_layout(test, bytes);
	memdiag_snapshot_put(bytes);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
	memdiag_snapshot_put(NULL);
}

static struct kunit_case snapshot_cases[] = {
	KUNIT_CASE(snapshot_layout),
	KUNIT_CASE(snapshot_layout_of_some),
	KUNIT_CASE(snapshot_padding),
	KUNIT_CASE(snapshot_absent),
	KUNIT_CASE(snapshot_grows_records),
	KUNIT_CASE(snapshot_estimate),
	KUNIT_CASE(snapshot_grows_strings),
	KUNIT_CASE(snapshot_grows_strings_late),
	KUNIT_CASE(snapshot_grows_much),
	KUNIT_CASE(snapshot_outrun),
	KUNIT_CASE(snapshot_endless),
	KUNIT_CASE(snapshot_guess_too_high),
	KUNIT_CASE(snapshot_fits_once),
	KUNIT_CASE(snapshot_no_memory_at_last),
	KUNIT_CASE(snapshot_collect_error),
	KUNIT_CASE(snapshot_memory_error),
	KUNIT_CASE(snapshot_signal),
	KUNIT_CASE(snapshot_limit_everywhere),
	KUNIT_CASE(snapshot_limit_shared),
	KUNIT_CASE(snapshot_generations),
	KUNIT_CASE(snapshot_references),
	{}
};

static struct kunit_suite snapshot_suite = {
	.name = "memdiag_snapshot",
	.init = memdiag_kunit_fake_begin,
	.test_cases = snapshot_cases,
};
kunit_test_suite(snapshot_suite);
