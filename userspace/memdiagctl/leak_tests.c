// SPDX-License-Identifier: GPL-2.0-only
/* The verdict of leakcheck as TAP and JUnit: a test for it, and one for each kind of memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"

enum test_state {
	TEST_PASSED,
	TEST_FAILED,
	TEST_ERROR,
	TEST_SKIPPED,
};

#define NR_TESTS (MEMDIAG_NR_LEAK_KINDS + 1)

/**
 * struct test - one test of a report
 * @name: what it tests
 * @state: how it went
 * @text: why, several lines; if it passed, what it would have seen, or ""
 */
struct test {
	const char *name;
	enum test_state state;
	char *text;
};

/* Are there stacks of that kind? */
static bool tracks(enum memdiag_leak_kind kind)
{
	return kind <= MEMDIAG_LEAK_VMALLOC;
}

static enum test_state test_cycles(const struct leak_run *run, FILE *stream)
{
	if (leak_verdict(run) != MEMDIAG_VERDICT_CANNOT_TELL)
		return TEST_PASSED;
	fprintf(stream, "cannot tell: %s\n", leak_reason(run));
	return TEST_ERROR;
}

static enum test_state test_kind(const struct leak_run *run, enum memdiag_leak_kind kind,
				 FILE *stream)
{
	const struct memdiag_leaks *leaks = run->leaks;
	bool stacks = leaks && leaks->tracked && tracks(kind);
	bool counts = leaks && leaks->counted & 1u << kind;
	unsigned long limit = run->options->limit, found = 0;

	for (size_t n = 0; leaks && n < leaks->nr; n++) {
		const struct memdiag_leak *l = &leaks->leaks[n];

		if (l->kind != kind || l->finding != MEMDIAG_LEAK_FOUND)
			continue;
		if (!limit || found < limit)
			leak_print_found(stream, run, l, "    ");
		found++;
	}
	if (found)
		return TEST_FAILED;
	if (!stacks && !counts) {
		fputs("not compared\n", stream);
		return TEST_SKIPPED;
	}
	if (!stacks && leaks->power[kind].bytes == UINT64_MAX) {
		fputs("counts would have shown no leak\n", stream);
		return TEST_SKIPPED;
	}
	if (counts) {
		fputs("would have been seen, if left behind in each cycle: ", stream);
		leak_print_power(stream, run, kind);
		fputc('\n', stream);
	}
	return TEST_PASSED;
}

static void make_tests(const struct leak_run *run, struct test *tests)
{
	for (unsigned int n = 0; n < NR_TESTS; n++) {
		struct test *t = &tests[n];
		size_t size;
		FILE *stream = must(open_memstream(&t->text, &size));

		t->name = n ? memdiag_leak_kind_name(n - 1) : "cycles";
		t->state = n ? test_kind(run, n - 1, stream) : test_cycles(run, stream);
		if (fclose(stream))
			no_memory();
	}
}

static void free_tests(struct test *tests)
{
	for (unsigned int n = 0; n < NR_TESTS; n++)
		free(tests[n].text);
}

/* Lines as comments; in a directive a # would begin another one. */
void leak_print_tap(const struct leak_run *run)
{
	struct test tests[NR_TESTS];

	make_tests(run, tests);
	printf("TAP version 13\n1..%u\n", NR_TESTS);
	for (unsigned int n = 0; n < NR_TESTS; n++) {
		const struct test *t = &tests[n];
		char *save = NULL;

		printf("%sok %u - ",
		       t->state == TEST_FAILED || t->state == TEST_ERROR ? "not " : "", n + 1);
		print_safe(stdout, leak_subject(run));
		printf(": %s", t->name);
		if (t->state == TEST_SKIPPED) {
			/* One line, which ends here. */
			printf(" # SKIP %s", t->text);
			continue;
		}
		putchar('\n');
		for (char *line = strtok_r(t->text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			fputs("# ", stdout);
			print_safe(stdout, line);
			putchar('\n');
		}
	}
	for (int n = 0; n < run->nr_notes; n++) {
		fputs("# note: ", stdout);
		print_safe(stdout, run->notes[n]);
		putchar('\n');
	}
	free_tests(tests);
}

/* XML has no way to say most control characters, and wants UTF-8. */
static void print_xml(FILE *stream, const char *text)
{
	for (; *text; text++) {
		unsigned char c = *text;

		switch (c) {
		case '&':
			fputs("&amp;", stream);
			break;
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		default:
			if (c == '\n' || (c >= ' ' && c < 0x7f))
				fputc(c, stream);
			else
				fprintf(stream, "\\x%02x", c);
		}
	}
}

static void print_case(FILE *stream, const struct leak_run *run, const struct test *t)
{
	static const char *const elements[] = { NULL, "failure", "error", "skipped" };
	const char *element = elements[t->state];

	fputs("  <testcase classname=\"leakcheck.", stream);
	print_xml(stream, leak_subject(run));
	fprintf(stream, "\" name=\"%s\"", t->name);
	if (!element && !*t->text) {
		fputs("/>\n", stream);
		return;
	}
	if (!element) {
		fputs(">\n    <system-out>", stream);
		print_xml(stream, t->text);
		fputs("</system-out>\n  </testcase>\n", stream);
		return;
	}
	fprintf(stream, ">\n    <%s message=\"", element);
	/* The first line says what it is. */
	for (const char *at = t->text; *at && *at != '\n'; at++)
		print_xml(stream, (const char[]){ *at, '\0' });
	fputs("\">", stream);
	print_xml(stream, t->text);
	fprintf(stream, "</%s>\n  </testcase>\n", element);
}

/**
 * leak_open_junit() - make the file of the report, before the check begins
 * @run: the check
 * @path: "-" is standard output
 *
 * A file that cannot be written is said at once, not after an hour. A report of an
 * earlier check does not stay behind, should this one be killed.
 *
 * Return: 0 or STATUS_CANNOT.
 */
int leak_open_junit(struct leak_run *run, const char *path)
{
	run->junit = strcmp(path, "-") ? fopen(path, "we") : stdout;
	return run->junit ? 0 : cannot("cannot write %s: %s", path, strerror(errno));
}

/**
 * leak_write_junit() - write the report into the file that was opened, and close it
 * @run: the check
 *
 * Return: 0 or STATUS_CANNOT.
 */
int leak_write_junit(struct leak_run *run)
{
	unsigned int count[TEST_SKIPPED + 1] = {};
	struct test tests[NR_TESTS];
	FILE *stream = run->junit;
	bool failed;

	make_tests(run, tests);
	for (unsigned int n = 0; n < NR_TESTS; n++)
		count[tests[n].state]++;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"leakcheck ", stream);
	print_xml(stream, leak_subject(run));
	fprintf(stream, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n", NR_TESTS,
		count[TEST_FAILED], count[TEST_ERROR], count[TEST_SKIPPED]);
	for (unsigned int n = 0; n < NR_TESTS; n++)
		print_case(stream, run, &tests[n]);
	if (run->nr_notes)
		fputs("  <system-out>", stream);
	for (int n = 0; n < run->nr_notes; n++) {
		print_xml(stream, run->notes[n]);
		fputc('\n', stream);
	}
	fprintf(stream, "%s</testsuite>\n", run->nr_notes ? "</system-out>\n" : "");
	free_tests(tests);
	run->junit = NULL;
	if (stream == stdout)
		return 0;
	failed = ferror(stream);
	if (fclose(stream) || failed)
		return cannot("cannot write %s: %s", option_value(run->options, OPT_JUNIT),
			      strerror(errno));
	return 0;
}
