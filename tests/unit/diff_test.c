// SPDX-License-Identifier: GPL-2.0-only
/* libmemdiag: comparing snapshots. Every notice has a case where it must not come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "samples.h"
#include "walk.h"

#define SECOND 1000000000ull

static struct memdiag_data *finish(struct build *b)
{
	struct memdiag_data *data = NULL;
	struct memdiag_error error;
	unsigned char *bytes;
	size_t size;

	bytes = build_finish(b, &size);
	if (memdiag_data_parse(bytes, size, &error, &data)) {
		printf("# %s\n", error.text);
		abort();
	}
	free(bytes);
	build_free(b);
	return data;
}

static struct memdiag_data *machine(int later)
{
	struct build b;

	sample_machine(&b, later);
	return finish(&b);
}

/* A section with all kinds of fields, @seconds after the first snapshot. */
static void counters(struct build *b, uint64_t seconds)
{
	build_init(b);
	b->header.start_ns += seconds * SECOND;
	b->header.boottime_ns += seconds * SECOND;
	b->header.realtime_ns += seconds * SECOND;
	build_section(b, 5, "things");
	build_field(b, "name", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "now", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "ever", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_COUNTER, 0);
	build_field(b, "level", MEMDIAG_TYPE_S64, 0, MEMDIAG_KIND_GAUGE, 0);
	build_field(b, "pages", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_PAGES, MEMDIAG_KIND_GAUGE, 0);
}

enum { NAME, NOW, EVER, LEVEL, PAGES };

static struct memdiag_diff *compare(struct memdiag_data *a, struct memdiag_data *b,
				    const char *section)
{
	struct memdiag_error error;
	struct memdiag_diff *d;
	int ret = memdiag_diff(a, b, section, &error, &d);

	if (ret) {
		printf("# %d %s\n", ret, error.text);
		abort();
	}
	return d;
}

static struct memdiag_delta delta(const struct memdiag_diff *d, size_t record, uint32_t field)
{
	struct memdiag_delta result;

	memdiag_diff_delta(d, &d->records[record], field, &result);
	return result;
}

static bool is(struct memdiag_delta d, int64_t value)
{
	return d.known && d.negative == (value < 0) &&
	       d.amount == (uint64_t)(value < 0 ? -value : value);
}

static void done(struct memdiag_diff *d)
{
	struct memdiag_data *a = (void *)d->a, *b = (void *)d->b;

	memdiag_diff_free(d);
	memdiag_data_free(a);
	memdiag_data_free(b);
}

static void deltas_and_rates(void)
{
	struct memdiag_diff *d;
	struct build a, b;

	counters(&a, 0);
	RECORD(&a, "x", "10", "100", "-5", "7");
	RECORD(&a, "same", "1", "1", "1", "1");
	RECORD(&a, "gone", "4", "4", "4", "4");
	RECORD(&a, "unread", "-", "-", "-", "1");
	counters(&b, 20);
	RECORD(&b, "new", "3", "40", "-9", "2");
	RECORD(&b, "unread", "5", "6", "7", "max");
	RECORD(&b, "same", "1", "1", "1", "1");
	RECORD(&b, "x", "4", "160", "5", "0xfffffffffffffff0");
	d = compare(finish(&a), finish(&b), "things");
	CHECK(d->notices == 0 && d->elapsed_ns == (int64_t)(20 * SECOND));
	CHECK(d->nr_records == 5);
	/* in the order of the second, what vanished at the end */
	CHECK(d->records[0].change == MEMDIAG_CHANGE_APPEARED);
	CHECK(d->records[1].change == MEMDIAG_CHANGE_CHANGED);
	CHECK(d->records[2].change == MEMDIAG_CHANGE_SAME);
	CHECK(d->records[3].change == MEMDIAG_CHANGE_CHANGED);
	CHECK(d->records[4].change == MEMDIAG_CHANGE_VANISHED);
	CHECK(!delta(d, 0, NAME).known);
	CHECK(is(delta(d, 0, NOW), 3) && is(delta(d, 0, EVER), 40) && is(delta(d, 0, LEVEL), -9));
	CHECK(delta(d, 0, EVER).has_rate && delta(d, 0, EVER).rate == 2);
	/* absent or unlimited on one side: nothing is said, not a jump from zero */
	for (uint32_t n = NOW; n <= PAGES; n++)
		CHECK(!delta(d, 1, n).known);
	CHECK(is(delta(d, 2, NOW), 0) && is(delta(d, 2, EVER), 0));
	CHECK(is(delta(d, 3, NOW), -6) && is(delta(d, 3, EVER), 60) && is(delta(d, 3, LEVEL), 10));
	CHECK(!delta(d, 3, NOW).has_rate && delta(d, 3, EVER).rate == 3);
	/* more than a signed number can hold */
	CHECK(delta(d, 3, PAGES).known && delta(d, 3, PAGES).amount == 0xfffffffffffffff0 - 7);
	CHECK(is(delta(d, 4, NOW), -4) && is(delta(d, 4, PAGES), -4));
	CHECK(!delta(d, 4, EVER).known);
	done(d);
}

static void reboot_by_boot_id(void)
{
	struct memdiag_diff *d;
	struct build a, b;

	counters(&a, 0);
	RECORD(&a, "x", "10", "100", "0", "7");
	counters(&b, 20);
	b.header.boot_id[3] ^= 1;
	RECORD(&b, "x", "30", "200", "0", "9");
	d = compare(finish(&a), finish(&b), "things");
	CHECK(d->notices == MEMDIAG_NOTICE_REBOOTED);
	CHECK(d->elapsed_ns == 0);
	CHECK(is(delta(d, 0, NOW), 20) && is(delta(d, 0, PAGES), 2));
	CHECK(!delta(d, 0, EVER).known && !delta(d, 0, EVER).has_rate);
	done(d);
}

/* Without boot ids: what the clocks say. All times in seconds. */
static const struct {
	uint64_t start_a, real_a, start_b, real_b;
	uint32_t notices;
} clocks[] = {
	/* 20 s later */
	{ 3600, 5000000, 3620, 5000020, 0 },
	/* the clock was slewed by 5 s meanwhile */
	{ 3600, 5000000, 3620, 5000025, 0 },
	/* monotonic time went back, wall time did not */
	{ 3600, 5000000, 60, 5000900, MEMDIAG_NOTICE_REBOOTED | MEMDIAG_NOTICE_REBOOT_GUESSED },
	/* uptime is larger again, but less than the wall time allows */
	{ 3600, 5000000, 4000, 5009000, MEMDIAG_NOTICE_REBOOTED | MEMDIAG_NOTICE_REBOOT_GUESSED },
	/* the wrong way round */
	{ 3620, 5000020, 3600, 5000000, MEMDIAG_NOTICE_REVERSED },
	/* the same */
	{ 3600, 5000000, 3600, 5000000, MEMDIAG_NOTICE_SAME_TIME },
};

static void reboot_by_clocks(void)
{
	for (size_t n = 0; n < sizeof(clocks) / sizeof(clocks[0]); n++) {
		struct memdiag_data *da, *db;
		uint32_t notices;
		struct build a, b;
		int64_t elapsed;

		counters(&a, 0);
		counters(&b, 0);
		memset(n % 2 ? a.header.boot_id : b.header.boot_id, 0, 16);
		a.header.start_ns = a.header.boottime_ns = clocks[n].start_a * SECOND;
		b.header.start_ns = b.header.boottime_ns = clocks[n].start_b * SECOND;
		a.header.realtime_ns = clocks[n].real_a * SECOND;
		b.header.realtime_ns = clocks[n].real_b * SECOND;
		da = finish(&a);
		db = finish(&b);
		memdiag_compare(da, db, &elapsed, &notices);
		if (notices != clocks[n].notices) {
			printf("# clocks %zu: %x\n", n, notices);
			CHECK(!"as the table says");
		}
		memdiag_data_free(da);
		memdiag_data_free(db);
	}
}

/* Suspend stops the monotonic clock but is no reboot. */
static void suspend_is_no_reboot(void)
{
	struct memdiag_data *da, *db;
	uint32_t notices;
	struct build a, b;
	int64_t elapsed;

	counters(&a, 0);
	counters(&b, 0);
	memset(a.header.boot_id, 0, 16);
	b.header.start_ns += 20 * SECOND;
	b.header.boottime_ns += 5000 * SECOND;
	b.header.realtime_ns += 5000 * SECOND;
	da = finish(&a);
	db = finish(&b);
	memdiag_compare(da, db, &elapsed, &notices);
	CHECK(notices == 0 && elapsed == (int64_t)(20 * SECOND));
	memdiag_data_free(da);
	memdiag_data_free(db);
}

static void reversed_order(void)
{
	struct memdiag_diff *d;
	struct build a, b;

	counters(&a, 20);
	RECORD(&a, "x", "30", "200", "0", "9");
	RECORD(&a, "y", "30", "200", "0", "9");
	counters(&b, 0);
	RECORD(&b, "x", "10", "100", "0", "7");
	RECORD(&b, "y", "10", "300", "0", "7");
	d = compare(finish(&a), finish(&b), "things");
	CHECK(d->notices == (MEMDIAG_NOTICE_REVERSED | MEMDIAG_NOTICE_BACKWARDS));
	CHECK(is(delta(d, 0, NOW), -20) && is(delta(d, 0, EVER), -100));
	CHECK(delta(d, 0, EVER).rate == 5);
	CHECK(!delta(d, 1, EVER).known);
	done(d);
}

static void counter_backwards(void)
{
	struct memdiag_diff *d;
	struct build a, b;

	counters(&a, 0);
	RECORD(&a, "x", "30", "200", "0", "9");
	counters(&b, 20);
	RECORD(&b, "x", "10", "100", "0", "7");
	d = compare(finish(&a), finish(&b), "things");
	CHECK(d->notices == MEMDIAG_NOTICE_BACKWARDS);
	CHECK(is(delta(d, 0, NOW), -20) && !delta(d, 0, EVER).known);
	done(d);
}

static void same_time_has_no_rates(void)
{
	struct memdiag_diff *d = compare(machine(0), machine(0), "memcg");

	CHECK(d->notices == MEMDIAG_NOTICE_SAME_TIME);
	for (size_t n = 0; n < d->nr_records; n++) {
		CHECK(d->records[n].change == MEMDIAG_CHANGE_SAME);
		CHECK(!delta(d, n, 5).has_rate);
	}
	done(d);
}

static void other_page_size_and_release(void)
{
	struct memdiag_diff *d;
	struct build a, b;

	counters(&a, 0);
	RECORD(&a, "x", "10", "100", "0", "7");
	build_section(&a, 0, "system");
	build_field(&a, "release", MEMDIAG_TYPE_STR, 0, 0, 0);
	RECORD(&a, "6.1");
	counters(&b, 20);
	b.header.page_size = 65536;
	RECORD(&b, "x", "30", "200", "0", "9");
	build_section(&b, 0, "system");
	build_field(&b, "release", MEMDIAG_TYPE_STR, 0, 0, 0);
	RECORD(&b, "6.2");
	d = compare(finish(&a), finish(&b), "things");
	CHECK(d->notices == (MEMDIAG_NOTICE_PAGE_SIZE | MEMDIAG_NOTICE_RELEASE));
	CHECK(is(delta(d, 0, NOW), 20) && !delta(d, 0, PAGES).known);
	done(d);
}

/* The key of cgroups is an id; @created is their time of birth, NULL for none. */
static void cgroup(struct build *b, uint64_t seconds, const char *path, const char *created)
{
	build_init(b);
	b->header.start_ns += seconds * SECOND;
	build_section(b, 13, "memcg");
	build_field(b, "id", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_LABEL, MEMDIAG_FIELD_KEY);
	build_field(b, "path", MEMDIAG_TYPE_STR, 0, MEMDIAG_KIND_LABEL, 0);
	build_field(b, "n", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_GAUGE, 0);
	if (created)
		build_field(b, "created", MEMDIAG_TYPE_U64, 0, MEMDIAG_KIND_LABEL, 0);
	RECORD(b, "7", path, "1", created);
	RECORD(b, "8", "/other", "1", created ? "1" : NULL);
}

static void id_reuse(void)
{
	static const struct {
		const char *path_a, *created_a, *path_b, *created_b;
		uint32_t notices;
	} cases[] = {
		{ "/a", NULL, "/a", NULL, 0 },
		{ "/a", NULL, "/b", NULL, MEMDIAG_NOTICE_REUSED },
		/* removed, or not readable */
		{ "/a", NULL, "/a (deleted)", NULL, 0 },
		{ "/a", NULL, "/b (deleted)", NULL, MEMDIAG_NOTICE_REUSED },
		{ "/a", NULL, "-", NULL, 0 },
		{ "/a", "5", "/a", "5", 0 },
		{ "/a", "5", "/b", "5", MEMDIAG_NOTICE_RENAMED },
		{ "/a", "5", "/a", "6", MEMDIAG_NOTICE_REUSED },
		{ "/a", "5", "/b", "6", MEMDIAG_NOTICE_REUSED },
		/* only the later module knows when: the path has to do */
		{ "/a", NULL, "/b", "6", MEMDIAG_NOTICE_REUSED },
		{ "/a", NULL, "/a", "6", 0 },
	};

	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		bool reused = cases[n].notices == MEMDIAG_NOTICE_REUSED;
		struct memdiag_diff *d;
		struct build a, b;

		cgroup(&a, 0, cases[n].path_a, cases[n].created_a);
		cgroup(&b, 20, cases[n].path_b, cases[n].created_b);
		d = compare(finish(&a), finish(&b), "memcg");
		if (d->notices != cases[n].notices) {
			printf("# case %zu: %x\n", n, d->notices);
			CHECK(!"as the table says");
		}
		CHECK(d->nr_records == (reused ? 3 : 2));
		CHECK(d->records[0].reused == reused);
		CHECK((d->records[0].change == MEMDIAG_CHANGE_APPEARED) == reused);
		CHECK(d->records[1].change == MEMDIAG_CHANGE_SAME && !d->records[1].reused);
		CHECK(d->records[0].renamed == (cases[n].notices == MEMDIAG_NOTICE_RENAMED));
		if (reused)
			CHECK(d->records[2].change == MEMDIAG_CHANGE_VANISHED &&
			      d->records[2].reused);
		done(d);
	}
}

static void duplicate_keys(void)
{
	struct memdiag_diff *d;
	struct build a, b;

	counters(&a, 0);
	RECORD(&a, "x", "1", "0", "0", "0");
	RECORD(&a, "y", "5", "0", "0", "0");
	RECORD(&a, "x", "10", "0", "0", "0");
	counters(&b, 20);
	RECORD(&b, "x", "2", "0", "0", "0");
	RECORD(&b, "x", "30", "0", "0", "0");
	RECORD(&b, "x", "100", "0", "0", "0");
	RECORD(&b, "y", "5", "0", "0", "0");
	d = compare(finish(&a), finish(&b), "things");
	CHECK(d->notices == MEMDIAG_NOTICE_DUPLICATES);
	CHECK(d->nr_records == 4);
	CHECK(is(delta(d, 0, NOW), 1) && is(delta(d, 1, NOW), 20));
	CHECK(d->records[2].change == MEMDIAG_CHANGE_APPEARED);
	CHECK(d->records[3].change == MEMDIAG_CHANGE_SAME);
	done(d);
}

static void no_key_joins_in_order(void)
{
	struct memdiag_diff *d = compare(machine(0), machine(1), "system");

	CHECK(d->notices == 0 && d->nr_records == 1);
	CHECK(is(delta(d, 0, 4), 245760 - 262144));
	done(d);
}

/* An address stands for something else when somebody else asked for it. */
static void vmalloc_address_reuse(void)
{
	struct memdiag_diff *d = compare(machine(0), machine(1), "vmalloc");

	CHECK(d->notices == MEMDIAG_NOTICE_REUSED);
	CHECK(d->nr_records == 5);
	CHECK(d->records[0].change == MEMDIAG_CHANGE_SAME && !d->records[0].reused);
	CHECK(d->records[1].change == MEMDIAG_CHANGE_APPEARED && d->records[1].reused);
	CHECK(d->records[2].change == MEMDIAG_CHANGE_SAME && !d->records[2].reused);
	CHECK(d->records[3].change == MEMDIAG_CHANGE_APPEARED && !d->records[3].reused);
	CHECK(d->records[4].change == MEMDIAG_CHANGE_VANISHED && d->records[4].reused);
	done(d);
}

/* Without addresses, and after a reboot, the callers are compared. */
static void vmalloc_by_caller(void)
{
	static const struct {
		const char *id_a, *id_b;
		bool reboot;
		uint32_t notices;
	} cases[] = {
		{ "0xa1", "0xa1", false, 0 },
		{ "0xa1", "-", false, MEMDIAG_NOTICE_BY_CALLER },
		{ "-", "0xa1", false, MEMDIAG_NOTICE_BY_CALLER },
		{ "0xa1", "0xa1", true, MEMDIAG_NOTICE_BY_CALLER | MEMDIAG_NOTICE_REBOOTED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct memdiag_diff *d;
		struct build s[2];

		for (int n = 0; n < 2; n++) {
			build_init(&s[n]);
			s[n].header.start_ns += n * SECOND;
			s[n].header.boot_id[0] = n && cases[i].reboot ? 77 : 1;
			build_section(&s[n], 10, "vmalloc");
			build_field(&s[n], "id", MEMDIAG_TYPE_HEX, 0, 0, MEMDIAG_FIELD_KEY);
			RECORD(&s[n], n ? cases[i].id_b : cases[i].id_a);
			build_section(&s[n], 11, "vmalloc_caller");
			build_field(&s[n], "caller", MEMDIAG_TYPE_STR, 0, 0, MEMDIAG_FIELD_KEY);
		}
		d = compare(finish(&s[0]), finish(&s[1]), "vmalloc");
		CHECK(d->notices == cases[i].notices);
		CHECK(d->nr_records == (cases[i].notices ? 0 : 1));
		done(d);
	}
}

static void kind_by_record(void)
{
	struct memdiag_diff *d = compare(machine(0), machine(1), "vmstat");

	CHECK(d->notices == 0 && memdiag_diff_has_rates(d, 1) && !memdiag_diff_has_rates(d, 0));
	CHECK(is(delta(d, 0, 1), 245760 - 262144) && !delta(d, 0, 1).has_rate);
	CHECK(is(delta(d, 1, 1), 6000) && delta(d, 1, 1).rate == 100);
	done(d);
}

static void errors(void)
{
	struct memdiag_data *a = machine(0), *poor;
	struct memdiag_error error;
	struct memdiag_diff *d;
	struct build b;

	sample_poor(&b);
	poor = finish(&b);
	CHECK(memdiag_diff(a, poor, "nope", &error, &d) == -ENOENT);
	CHECK(memdiag_diff(a, poor, "memcg", &error, &d) == -ENOENT &&
	      strstr(error.text, "second snapshot"));
	CHECK(memdiag_diff(a, poor, "slab", &error, &d) == -ENODATA &&
	      strstr(error.text, "CONFIG_SLUB_DEBUG is not set"));
	CHECK(memdiag_diff(poor, a, "zone", &error, &d) == -ENODATA &&
	      strstr(error.text, "not_asked"));
	CHECK(!memdiag_diff(poor, a, "system", &error, &d) && d->notices & MEMDIAG_NOTICE_PARTIAL);
	memdiag_diff_free(d);
	memdiag_data_free(poor);
	counters(&b, 0);
	poor = finish(&b);
	CHECK(memdiag_diff(poor, a, "system", &error, &d) == -ENOENT);
	memdiag_data_free(poor);
	/* Another version has another key. */
	build_init(&b);
	build_section(&b, 9, "slab");
	build_field(&b, "cache", MEMDIAG_TYPE_STR, 0, 0, MEMDIAG_FIELD_KEY);
	poor = finish(&b);
	CHECK(memdiag_diff(poor, a, "slab", &error, &d) == -EPROTO && strstr(error.text, "'name'"));
	memdiag_data_free(poor);
	memdiag_data_free(a);
}

static void what_grew(void)
{
	struct memdiag_data *a = machine(0), *b = machine(1);
	struct memdiag_findings *f;
	struct memdiag_error error;

	CHECK(!memdiag_diagnose_growth(a, b, &error, &f));
	CHECK(f->nr == 9 && !f->missing);
	CHECK(!strcmp(f->findings[0].section, "slab"));
	CHECK(!strcmp(f->findings[0].name, "leaky_cache"));
	CHECK(f->findings[0].grown == 16777216 && f->findings[0].count == 16384);
	CHECK(!strcmp(f->findings[1].name, "new_cache"));
	CHECK(!strcmp(f->findings[2].section, "vmalloc_caller"));
	CHECK(!strcmp(f->findings[2].module, "leaky"));
	/* pages, not the size with its guard page */
	CHECK(f->findings[2].grown == 1048576);
	/* not its ancestors, whose growth is the same memory */
	CHECK(!strcmp(f->findings[3].name, "/app/web"));
	CHECK(!strcmp(f->findings[4].name, "/app/new"));
	/* removed, and still growing */
	CHECK(!strcmp(f->findings[5].name, "/gone (deleted)") && f->findings[5].grown == 4096);
	CHECK(!strcmp(f->findings[6].section, "zone") && f->findings[6].grown == 67108864);
	CHECK(!strcmp(f->findings[6].name, "node 0 Normal"));
	/* It was below zero before, which counts as nothing. */
	CHECK(!strcmp(f->findings[7].section, "ledger"));
	CHECK(!strcmp(f->findings[7].name, "unaccounted"));
	CHECK(f->findings[7].from == 0 && f->findings[7].grown == 29640ull * 4096);
	CHECK(!strcmp(f->findings[8].name, "slab_unreclaimable"));
	memdiag_findings_free(f);
	/* The silent twin. */
	CHECK(!memdiag_diagnose_growth(a, a, &error, &f));
	CHECK(f->nr == 0);
	memdiag_findings_free(f);
	memdiag_data_free(a);
	memdiag_data_free(b);
}

/* A cgroup with little of its own is an ancestor only if the path says so. */
static void ancestors_by_path(void)
{
	static const char *const grown[] = { "0", "1000000" };
	struct memdiag_data *data[2];
	struct memdiag_findings *f;
	struct memdiag_error error;

	for (int n = 0; n < 2; n++) {
		struct build b;

		build_init(&b);
		b.header.start_ns += n * SECOND;
		build_section(&b, 13, "memcg");
		build_field(&b, "id", MEMDIAG_TYPE_U64, 0, 0, MEMDIAG_FIELD_KEY);
		build_field(&b, "path", MEMDIAG_TYPE_STR, 0, 0, 0);
		build_field(&b, "memory.current", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_BYTES,
			    MEMDIAG_KIND_GAUGE, 0);
		RECORD(&b, "1", "/", n ? "3000000" : "0");
		RECORD(&b, "2", "/ab", grown[n]);
		RECORD(&b, "3", "/abc", grown[n]);
		RECORD(&b, "4", "/abc/d", grown[n]);
		RECORD(&b, "5", "/abc/d/e", n ? "950000" : "0");
		data[n] = finish(&b);
	}
	CHECK(!memdiag_diagnose_growth(data[0], data[1], &error, &f));
	CHECK(f->missing == 0x1b);
	CHECK(f->nr == 3);
	CHECK(!strcmp(f->findings[0].name, "/"));
	CHECK(!strcmp(f->findings[1].name, "/ab"));
	CHECK(!strcmp(f->findings[2].name, "/abc/d/e"));
	memdiag_findings_free(f);
	memdiag_data_free(data[0]);
	memdiag_data_free(data[1]);
}

/* Pages where there are any, in both snapshots; else address space; what is freed is neither. */
static void vmalloc_by_pages_or_size(void)
{
	struct memdiag_data *data[2];
	struct memdiag_findings *f;
	struct memdiag_error error;

	for (int n = 0; n < 2; n++) {
		struct build b;

		build_init(&b);
		b.header.start_ns += n * SECOND;
		build_section(&b, 11, "vmalloc_caller");
		build_field(&b, "caller", MEMDIAG_TYPE_STR, 0, 0, MEMDIAG_FIELD_KEY);
		build_field(&b, "size", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_BYTES, MEMDIAG_KIND_GAUGE,
			    0);
		build_field(&b, "nr_pages", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_PAGES,
			    MEMDIAG_KIND_GAUGE, 0);
		build_field(&b, "kind", MEMDIAG_TYPE_STR, 0, 0, MEMDIAG_FIELD_KEY);
		RECORD(&b, "ioremap", n ? "16384" : "8192", "-", "ioremap");
		RECORD(&b, "vmap", n ? "32768" : "8192", "0", "vmap");
		RECORD(&b, "first_pages", "100000", n ? "2" : "0", "vmalloc");
		RECORD(&b, "fewer_pages", "100000", n ? "0" : "2", "vmalloc");
		RECORD(&b, "-", n ? "9000000" : "0", "-", "unpurged");
		data[n] = finish(&b);
	}
	CHECK(!memdiag_diagnose_growth(data[0], data[1], &error, &f));
	CHECK(f->nr == 3);
	CHECK(!strcmp(f->findings[0].name, "first_pages") && f->findings[0].grown == 8192);
	CHECK(!f->findings[0].space);
	CHECK(!strcmp(f->findings[1].name, "vmap") && f->findings[1].grown == 24576);
	CHECK(f->findings[1].space);
	CHECK(!strcmp(f->findings[2].name, "ioremap") && f->findings[2].grown == 8192);
	memdiag_findings_free(f);
	memdiag_data_free(data[0]);
	memdiag_data_free(data[1]);
}

int main(void)
{
	RUN(deltas_and_rates);
	RUN(reboot_by_boot_id);
	RUN(reboot_by_clocks);
	RUN(suspend_is_no_reboot);
	RUN(reversed_order);
	RUN(counter_backwards);
	RUN(same_time_has_no_rates);
	RUN(other_page_size_and_release);
	RUN(id_reuse);
	RUN(duplicate_keys);
	RUN(no_key_joins_in_order);
	RUN(vmalloc_by_caller);
	RUN(vmalloc_address_reuse);
	RUN(kind_by_record);
	RUN(errors);
	RUN(what_grew);
	RUN(ancestors_by_path);
	RUN(vmalloc_by_pages_or_size);
	return ktap_done();
}
