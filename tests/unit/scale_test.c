// SPDX-License-Identifier: GPL-2.0-only
/*
 * Twice the records take twice the work, not four times: time of the processor in one
 * process, the least of several runs each, so that what else runs does not count. And a
 * small file does not become a huge output.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "ktap.h"
#include "samples.h"

/* Enough that what is quadratic outweighs what is not. */
#define RECORDS 4000
#define RUNS 3
/* Twice as much, and a logarithm for sorting. */
#define MOST 3.0

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
	RECORD(b, "unaccounted", later ? "20" : "10");
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

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A command; %s is the later file, in a comparison the earlier one stands before it. */
static const char *const commands[] = {
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

static double least[sizeof(commands) / sizeof(commands[0])][2];

static void measure(unsigned int twice)
{
	const char *before = ctl_file_name(0), *after = ctl_file_name(1);

	for (size_t n = 0; n < sizeof(commands) / sizeof(commands[0]); n++) {
		bool diff = !strncmp(commands[n], "diff", 4);
		char files[128], line[256];
		struct ctl_output output;

		snprintf(files, sizeof(files), "%s%s%s", diff ? before : "", diff ? " " : "",
			 after);
		snprintf(line, sizeof(line), commands[n], files);
		for (int run = 0; run < RUNS; run++) {
			double start = seconds(), took;

			ctl_run(line, &output);
			took = seconds() - start;
			if (!run || took < least[n][twice])
				least[n][twice] = took;
		}
		if (output.status && output.status != 3)
			printf("# %s: status %d\n%s\n", line, output.status, output.text);
		CHECK(!output.status || output.status == 3);
	}
}

static void twice_the_records_take_twice_the_time(void)
{
	put_many(RECORDS);
	measure(0);
	put_many(2 * RECORDS);
	measure(1);
	for (size_t n = 0; n < sizeof(commands) / sizeof(commands[0]); n++) {
		double ratio = least[n][1] / least[n][0];

		if (ratio >= MOST)
			printf("# %s: %.1f ms, with twice the records %.1f ms: %.1f times\n",
			       commands[n], least[n][0] * 1e3, least[n][1] * 1e3, ratio);
		CHECK(ratio < MOST);
	}
}

/* One cell as wide as half of the file, which all others would be padded to. */
static void one_wide_cell_does_not_widen_all(void)
{
	struct ctl_output output;
	unsigned char *bytes;
	struct build b;
	char line[128];
	char *wide;
	size_t size;

	wide = calloc(1, RECORDS * 16 + 1);
	memset(wide, 'w', RECORDS * 16);
	build_init(&b);
	build_section(&b, MEMDIAG_SEC_SLAB, "slab");
	F(&b, "name", STR, NONE, LABEL, KEY);
	F(&b, "bytes", U64, BYTES, GAUGE, 0);
	RECORD(&b, wide, "1");
	for (int i = 0; i < RECORDS; i++)
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

int main(void)
{
	RUN(twice_the_records_take_twice_the_time);
	RUN(one_wide_cell_does_not_widen_all);
	return ktap_done();
}
