// SPDX-License-Identifier: GPL-2.0-only
/*
 * Twice the records take twice the work, not four times: instructions as valgrind counts
 * them, so that no clock and no load has a say. And a small file does not become a huge
 * output.
 *
 * scale_test counts the work, to be run as
 *	valgrind --tool=callgrind --callgrind-out-file=FILE scale_test FILE
 * Without FILE it looks at the output.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_VALGRIND
#include <valgrind/callgrind.h>
#endif

#include "ctl.h"
#include "ktap.h"
#include "samples.h"

/* The least number of records, and of fields; then twice and four times as many. */
#define RECORDS 100
#define FIELDS 60
#define SIZES 3
/*
 * From twice to four times as many there is twice the work more than from once to twice,
 * and a logarithm for sorting. Where each looks at all others it would be four times.
 */
#define MOST 2.6

#define F(b, name, type, unit, kind, flags) \
	build_field(b, name, MEMDIAG_TYPE_##type, MEMDIAG_UNIT_##unit, MEMDIAG_KIND_##kind, flags)
#define KEY MEMDIAG_FIELD_KEY

struct numbers {
	char text[8][64];
};

static const char *numbered(struct numbers *n, unsigned int which, const char *format, int number)
{
	snprintf(n->text[which], sizeof(n->text[which]), format, number);
	return n->text[which];
}

/* One section of each kind whose records are sorted, added up, compared or laid out. */
static void build_many(struct build *b, int records, int later)
{
	struct numbers n;

	build_init(b);
	build_section(b, MEMDIAG_SEC_VMALLOC, "vmalloc");
	F(b, "id", HEX, NONE, LABEL, KEY);
	F(b, "kind", STR, NONE, LABEL, KEY);
	F(b, "size", U64, BYTES, GAUGE, 0);
	F(b, "caller", STR, NONE, LABEL, 0);
	for (int i = 0; i < records; i++)
		RECORD(b, numbered(&n, 0, "%d", i + 1), "vmalloc",
		       numbered(&n, 1, "%d", 8192 + later * i), numbered(&n, 2, "f%d+0x1/0x2", i));
	build_section(b, MEMDIAG_SEC_MEMCG, "memcg");
	F(b, "id", U64, NONE, LABEL, KEY);
	F(b, "path", STR, NONE, LABEL, 0);
	F(b, "memory.current", U64, BYTES, GAUGE, 0);
	for (int i = 0; i < records; i++)
		RECORD(b, numbered(&n, 0, "%d", i + 1), numbered(&n, 1, "/slice/job-%d", i),
		       numbered(&n, 2, "%d", 4096 + later * 4096));
	build_section(b, MEMDIAG_SEC_LEDGER, "ledger");
	F(b, "line", STR, NONE, LABEL, KEY);
	F(b, "pages", S64, PAGES, GAUGE, 0);
	F(b, "unmarked", BOOL, NONE, LABEL, 0);
	for (int i = 0; i < records; i++)
		RECORD(b, numbered(&n, 0, "line-%d", i), "1", "1");
	RECORD(b, "unaccounted", later ? "20" : "10", "0");
	build_section(b, MEMDIAG_SEC_CENSUS, "census");
	F(b, "zone", STR, NONE, LABEL, KEY);
	F(b, "kind", STR, NONE, LABEL, KEY);
	F(b, "migratetype", STR, NONE, LABEL, KEY);
	F(b, "order", U64, NONE, LABEL, KEY);
	F(b, "pages", U64, PAGES, GAUGE, 0);
	for (int i = 0; i < records; i++)
		RECORD(b, "Normal", "kernel", numbered(&n, 0, "type-%d", i), "0", "1");
	build_section(b, MEMDIAG_SEC_TRACK, "track");
	F(b, "stack", STR, NONE, LABEL, KEY);
	F(b, "kind", STR, NONE, LABEL, KEY);
	F(b, "cache", STR, NONE, LABEL, KEY);
	F(b, "module", STR, NONE, LABEL, 0);
	F(b, "count", U64, NONE, GAUGE, 0);
	F(b, "bytes", U64, BYTES, GAUGE, 0);
	for (int i = 0; i < records; i++)
		RECORD(b, numbered(&n, 0, "f%d+0x1/0x2;main+0x1/0x2", i), "slab", "kmalloc-64",
		       numbered(&n, 1, "module%d", i), "1", "64");
}

static void put_file(unsigned int which, struct build *b)
{
	size_t size;
	unsigned char *bytes = build_finish(b, &size);

	ctl_file(which, bytes, size);
	free(bytes);
	build_free(b);
}

static void put_many(int records)
{
	struct build b;

	for (int later = 0; later < 2; later++) {
		build_many(&b, records, later);
		put_file(later, &b);
	}
}

#ifdef HAVE_VALGRIND
/* Few records of many fields, each of which is looked at. */
static void build_wide(struct build *b, int fields, int later)
{
	const char *values[BUILD_MAX_FIELDS] = { "f+0x1/0x2" };
	struct numbers n;

	build_init(b);
	build_section(b, MEMDIAG_SEC_TRACK, "track");
	F(b, "stack", STR, NONE, LABEL, KEY);
	F(b, "count", U64, NONE, GAUGE, 0);
	values[1] = later ? "2" : "1";
	for (int i = 2; i < fields; i++) {
		F(b, numbered(&n, 0, "age_%d", i), U64, NONE, GAUGE, 0);
		values[i] = "1";
	}
	F(b, "kind", STR, NONE, LABEL, 0);
	values[fields] = "slab";
	for (int i = 0; i < 10; i++)
		build_record(b, values);
}

static void put_wide(int fields)
{
	struct build b;

	for (int later = 0; later < 2; later++) {
		build_wide(&b, fields, later);
		put_file(later, &b);
	}
}

/* A command; %s is the later file, in a comparison the earlier one stands before it. */
static const char *const tall[] = {
	"vmalloc --input %s",
	"vmalloc --input %s --json",
	"cgroups --input %s --sort path",
	"ledger --input %s --by order",
	"track report --input %s",
	"track report --input %s --folded",
	"track report --input %s --by module",
	"track report --input %s --by module --json",
	"diff %s",
	"diff %s vmalloc",
	"diff %s memcg --json",
	"top --once --by cgroup --limit 1000000 --input %s",
};

static const char *const wide[] = {
	"show track --input %s -o all", "show track --input %s --json",
	"track report --input %s",	"track report --input %s --by age",
	"diff %s track -o all",
};

/* The instructions since the last time, of which there have been @part. */
static double counted(const char *path, unsigned int part)
{
	char name[256], line[256];
	double number = -1;
	FILE *file;

	CALLGRIND_DUMP_STATS;
	snprintf(name, sizeof(name), "%s.%u", path, part);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "summary: %lf", &number);
	if (file)
		fclose(file);
	remove(name);
	return number;
}

static double work_of(const char *command, const char *path, unsigned int part)
{
	bool diff = !strncmp(command, "diff", 4);
	struct ctl_output output;
	char files[128], line[256];

	snprintf(files, sizeof(files), "%s%s%s", diff ? ctl_file_name(0) : "", diff ? " " : "",
		 ctl_file_name(1));
	snprintf(line, sizeof(line), command, files);
	CALLGRIND_ZERO_STATS;
	ctl_run(line, &output);
	if (output.status && output.status != 3)
		printf("# %s: status %d\n%s\n", line, output.status, output.text);
	CHECK(!output.status || output.status == 3);
	return counted(path, part);
}

static void compare_work(const char *const *commands, size_t nr, void (*put)(int), int least,
			 const char *path)
{
	static unsigned int part;
	double work[16][SIZES];

	for (unsigned int size = 0; size < SIZES; size++) {
		put(least << size);
		for (size_t n = 0; n < nr; n++)
			work[n][size] = work_of(commands[n], path, ++part);
	}
	for (size_t n = 0; n < nr; n++) {
		const double *w = work[n];
		double ratio = (w[2] - w[1]) / (w[1] - w[0]);

		printf("# %s: %.2f, %.2f, %.2f million instructions: %.2f\n", commands[n],
		       w[0] / 1e6, w[1] / 1e6, w[2] / 1e6, ratio);
		CHECK(w[0] > 0 && w[1] > w[0] && w[2] > w[1] && ratio < MOST);
	}
}

static const char *dump_path;

static void twice_the_records_take_twice_the_work(void)
{
	compare_work(tall, sizeof(tall) / sizeof(tall[0]), put_many, RECORDS, dump_path);
}

static void twice_the_fields_take_twice_the_work(void)
{
	compare_work(wide, sizeof(wide) / sizeof(wide[0]), put_wide, FIELDS, dump_path);
}
#endif

#define CELLS 4000
#define WIDE (CELLS * 16)

/* One cell as wide as half of the file, which all others would be padded to. */
static void one_wide_cell_does_not_widen_all(void)
{
	struct ctl_output output;
	unsigned char *bytes;
	struct build b;
	char line[128];
	char *wide;
	size_t size;

	wide = calloc(1, WIDE + 1);
	memset(wide, 'w', WIDE);
	build_init(&b);
	build_section(&b, MEMDIAG_SEC_SLAB, "slab");
	F(&b, "name", STR, NONE, LABEL, KEY);
	F(&b, "bytes", U64, BYTES, GAUGE, 0);
	RECORD(&b, wide, "1");
	for (int i = 0; i < CELLS; i++)
		RECORD(&b, "x\x1b[1m", "2");
	bytes = build_finish(&b, &size);
	snprintf(line, sizeof(line), "slab --input %s", ctl_file(0, bytes, size));
	ctl_run(line, &output);
	CHECK(!output.status && output.size < 10 * size);
	CHECK(strstr(output.text, wide) && strstr(output.text, "x\\x1b[1m 2B\n"));
	free(bytes);
	free(wide);
	build_free(&b);
}

int main(int argc, char **argv)
{
#ifdef HAVE_VALGRIND
	if (argc > 1) {
		dump_path = argv[1];
		RUN(twice_the_records_take_twice_the_work);
		RUN(twice_the_fields_take_twice_the_work);
		return ktap_done();
	}
#endif
	(void)argc;
	(void)argv;
	RUN(one_wide_cell_does_not_widen_all);
	return ktap_done();
}
