// SPDX-License-Identifier: GPL-2.0-only
/* The verdict of leakcheck as text, JSON, TAP and JUnit. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"

/* What is not a leak is told shortly. */
#define MAX_KEPT 5

/* Without a judgement it cannot be told. */
enum memdiag_verdict leak_verdict(const struct leak_run *run)
{
	return *run->why || !run->leaks ? MEMDIAG_VERDICT_CANNOT_TELL : run->leaks->verdict;
}

static const char *reason(const struct leak_run *run)
{
	if (*run->why)
		return run->why;
	return run->leaks ? run->leaks->why : "";
}

static const char *subject(const struct leak_run *run)
{
	return run->name ? run->name : "what the filter lets through";
}

static void amount(const struct leak_run *run, uint64_t bytes, char *text)
{
	if (run->options->given & OPT_BYTES)
		snprintf(text, FORMAT_SIZE, "%" PRIu64, bytes);
	else
		format_bytes(bytes, text);
}

/* "leak: slab kmalloc-64: 640B in 10 objects, 64B in 1.0 per cycle" */
static void print_leak(FILE *stream, const struct leak_run *run, const struct memdiag_leak *l)
{
	char bytes[FORMAT_SIZE], each[FORMAT_SIZE], expected[FORMAT_SIZE];
	const char *name = l->tracked ? l->cache : l->name;

	amount(run, l->bytes, bytes);
	amount(run, l->bytes / run->leaks->cycles, each);
	fprintf(stream, "%s: %s%s", memdiag_leak_finding_name(l->finding),
		l->tracked ? "" : "counted ", memdiag_leak_kind_name(l->kind));
	if (*name && strcmp(name, memdiag_leak_kind_name(l->kind))) {
		fputc(' ', stream);
		print_safe(stream, name);
	}
	if (l->order != MEMDIAG_ABSENT)
		fprintf(stream, " of order %" PRIu64, l->order);
	fprintf(stream, ": %s", bytes);
	if (l->objects_known)
		fprintf(stream, " in %" PRIu64 " objects, %s in %.1f per cycle", l->objects, each,
			(double)l->objects / run->leaks->cycles);
	else
		fprintf(stream, ", %s per cycle", each);
	if (l->unsure)
		fprintf(stream, ", %" PRIu64 " unsure", l->unsure);
	if (!l->tracked && l->finding != MEMDIAG_LEAK_KEPT && l->expected != UINT64_MAX) {
		amount(run, l->expected, expected);
		fprintf(stream, " (up to %s could have been chance)", expected);
	}
	if (*l->module) {
		fputs(", module ", stream);
		print_safe(stream, l->module);
	}
}

static void print_found(FILE *stream, const struct leak_run *run, const struct memdiag_leak *l,
			const char *indent)
{
	print_leak(stream, run, l);
	fputc('\n', stream);
	if (l->tracked)
		track_print_stack(stream, l->name, indent);
}

/* What leaked, as stacks or as counts say: the same memory may be in both. */
static void leak_total(const struct leak_run *run, uint64_t *bytes, uint64_t *objects)
{
	uint64_t sums[2][2] = {};
	bool tracked;

	for (size_t n = 0; n < run->leaks->nr; n++) {
		const struct memdiag_leak *l = &run->leaks->leaks[n];

		if (l->finding != MEMDIAG_LEAK_FOUND)
			continue;
		sums[l->tracked][0] += l->bytes;
		sums[l->tracked][1] += l->objects;
	}
	tracked = sums[true][0] >= sums[false][0];
	*bytes = sums[tracked][0];
	*objects = sums[tracked][1];
}

/* "one object", "4.5KiB of dentry": what would have been found, if it leaked each cycle. */
static void print_power(FILE *stream, const struct leak_run *run, enum memdiag_leak_kind kind)
{
	static const char *const units[] = {
		[MEMDIAG_LEAK_SLAB] = "object",		 [MEMDIAG_LEAK_PAGES] = "page",
		[MEMDIAG_LEAK_PERCPU] = "page",		 [MEMDIAG_LEAK_VMALLOC] = "area",
		[MEMDIAG_LEAK_LEDGER] = "page or stack", [MEMDIAG_LEAK_UNACCOUNTED] = "page",
	};
	const struct memdiag_leak_power *power = &run->leaks->power[kind];
	char text[FORMAT_SIZE];

	amount(run, power->bytes, text);
	if (power->bytes == UINT64_MAX)
		fputs("nothing", stream);
	else if (power->bytes == power->unit)
		fprintf(stream, "one %s", units[kind]);
	else if (kind == MEMDIAG_LEAK_VMALLOC && power->unit)
		fprintf(stream, "%" PRIu64 " areas", power->bytes / power->unit);
	else
		fputs(text, stream);
	if (*power->name && strcmp(power->name, memdiag_leak_kind_name(kind))) {
		fputs(" of ", stream);
		print_safe(stream, power->name);
	}
}

static void print_powers(const struct leak_run *run)
{
	const struct memdiag_leaks *leaks = run->leaks;
	const char *separator = leaks->tracked ? "; " : "";

	if (leak_verdict(run) == MEMDIAG_VERDICT_LEAK)
		return;
	printf("would have been seen, if left behind in each cycle: %s",
	       leaks->tracked ? "stacks: one object" : "");
	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++) {
		if (!(leaks->counted & 1u << k))
			continue;
		printf("%s%s: ", separator, memdiag_leak_kind_name(k));
		print_power(stdout, run, k);
		separator = "; ";
	}
	putchar('\n');
}

static void print_summary(const struct leak_run *run)
{
	const struct memdiag_leaks *leaks = run->leaks;
	char text[FORMAT_SIZE];
	uint64_t bytes, objects;

	print_safe(stdout, subject(run));
	printf(": %s", memdiag_verdict_name(leak_verdict(run)));
	if (leak_verdict(run) == MEMDIAG_VERDICT_LEAK) {
		leak_total(run, &bytes, &objects);
		amount(run, bytes / leaks->cycles, text);
		printf(", %s in %.1f objects per cycle", text, (double)objects / leaks->cycles);
	}
	if (*reason(run)) {
		fputs(": ", stdout);
		print_safe(stdout, reason(run));
	}
	putchar('\n');
	if (!leaks)
		return;
	printf("cycles: %u after %" PRIu64 " to warm up; compared: %s", leaks->cycles, run->warmup,
	       leaks->tracked ? "tracked stacks" : "no stacks");
	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++)
		if (leaks->counted & 1u << k)
			printf(", %s", memdiag_leak_kind_name(k));
	if (leaks->tracked)
		printf("; dropped %" PRIu64 " events, unsure of %" PRIu64 " objects",
		       leaks->dropped, leaks->unsure);
	putchar('\n');
	print_powers(run);
}

static void print_text(const struct leak_run *run)
{
	size_t shown = 0, kept = 0;

	print_summary(run);
	for (size_t n = 0; run->leaks && n < run->leaks->nr; n++) {
		const struct memdiag_leak *l = &run->leaks->leaks[n];

		if (l->finding == MEMDIAG_LEAK_KEPT && ++kept > MAX_KEPT)
			continue;
		if (run->options->limit && ++shown > run->options->limit)
			continue;
		putchar('\n');
		print_found(stdout, run, l, "    ");
	}
	if (kept > MAX_KEPT)
		printf("\nkept: and %zu more\n", kept - MAX_KEPT);
	if (run->nr_notes)
		putchar('\n');
	for (int n = 0; n < run->nr_notes; n++) {
		fputs("note: ", stdout);
		print_safe(stdout, run->notes[n]);
		putchar('\n');
	}
}

/* --- JSON ----------------------------------------------------------------------- */

static struct json_object *json_u64(uint64_t value)
{
	return must(json_object_new_uint64(value));
}

static struct json_object *json_stack(const char *stack)
{
	struct json_object *array = must(json_object_new_array());

	while (*stack) {
		size_t length = strcspn(stack, ";");
		char *frame = must(strndup(stack, length));

		json_object_array_add(array, json_text(frame));
		free(frame);
		stack += length + !!stack[length];
	}
	return array;
}

static struct json_object *json_leak(const struct memdiag_leak *l, unsigned int cycles)
{
	struct json_object *o = must(json_object_new_object());

	json_add(o, "finding", json_text(memdiag_leak_finding_name(l->finding)));
	json_add(o, "source", json_text(l->tracked ? "tracker" : "count"));
	json_add(o, "kind", json_text(memdiag_leak_kind_name(l->kind)));
	json_add(o, "name", json_text(l->tracked ? l->cache : l->name));
	json_add(o, "order", l->order == MEMDIAG_ABSENT ? NULL : json_u64(l->order));
	json_add(o, "module", json_text(l->module));
	json_add(o, "bytes", json_u64(l->bytes));
	json_add(o, "bytes_per_cycle", must(json_object_new_double((double)l->bytes / cycles)));
	json_add(o, "objects", l->objects_known ? json_u64(l->objects) : NULL);
	json_add(o, "objects_per_cycle",
		 l->objects_known ? must(json_object_new_double((double)l->objects / cycles))
				  : NULL);
	json_add(o, "unsure", json_u64(l->unsure));
	json_add(o, "expected_bytes",
		 l->tracked || l->finding == MEMDIAG_LEAK_KEPT || l->expected == UINT64_MAX
			 ? NULL
			 : json_u64(l->expected));
	json_add(o, "stack", l->tracked ? json_stack(l->name) : NULL);
	return o;
}

/* By kind: the least leak per cycle that would have been found; null if none would. */
static struct json_object *json_powers(const struct leak_run *run)
{
	const struct memdiag_leaks *leaks = run->leaks;
	struct json_object *all = must(json_object_new_object());

	if (leaks && leaks->tracked) {
		struct json_object *o = must(json_object_new_object());

		json_add(o, "objects", json_u64(1));
		json_add(all, "stacks", o);
	}
	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++) {
		const struct memdiag_leak_power *power = leaks ? &leaks->power[k] : NULL;
		struct json_object *o;

		if (!leaks || !(leaks->counted & 1u << k))
			continue;
		o = must(json_object_new_object());
		json_add(o, "bytes", power->bytes == UINT64_MAX ? NULL : json_u64(power->bytes));
		json_add(o, "unit", json_u64(power->unit));
		json_add(o, "of", json_text(power->name));
		json_add(all, memdiag_leak_kind_name(k), o);
	}
	return all;
}

static void print_json(const struct leak_run *run)
{
	const struct memdiag_leaks *leaks = run->leaks;
	unsigned long limit = run->options->limit;
	struct json_object *o = must(json_object_new_object());
	struct json_object *array = must(json_object_new_array());

	json_add(o, "module", run->name ? json_text(run->name) : NULL);
	json_add(o, "verdict", json_text(memdiag_verdict_name(leak_verdict(run))));
	json_add(o, "why", json_text(reason(run)));
	json_add(o, "cycles", json_u64(leaks ? leaks->cycles : 0));
	json_add(o, "warmup", json_u64(run->warmup));
	json_add(o, "tracked", must(json_object_new_boolean(leaks && leaks->tracked)));
	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++)
		if (leaks && leaks->counted & 1u << k)
			json_object_array_add(array, json_text(memdiag_leak_kind_name(k)));
	json_add(o, "counted", array);
	json_add(o, "reclaimable_compared",
		 must(json_object_new_boolean(leaks && leaks->reclaimed)));
	json_add(o, "seen_per_cycle", json_powers(run));
	json_add(o, "dropped", json_u64(leaks ? leaks->dropped : 0));
	json_add(o, "unsure", json_u64(leaks ? leaks->unsure : 0));
	array = must(json_object_new_array());
	for (size_t n = 0; leaks && n < leaks->nr && (!limit || n < limit); n++)
		json_object_array_add(array, json_leak(&leaks->leaks[n], leaks->cycles));
	json_add(o, "leaks", array);
	array = must(json_object_new_array());
	for (int n = 0; n < run->nr_notes; n++)
		json_object_array_add(array, json_text(run->notes[n]));
	json_add(o, "notes", array);
	json_print(o);
}

/* --- TAP and JUnit: a test for the verdict, and one for each kind of memory ------- */

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

static bool was_compared(const struct leak_run *run, enum memdiag_leak_kind kind)
{
	return run->leaks &&
	       ((run->leaks->tracked && tracks(kind)) || run->leaks->counted & 1u << kind);
}

static void make_test(const struct leak_run *run, unsigned int n, struct test *test)
{
	unsigned long limit = run->options->limit, shown = 0;
	enum memdiag_leak_kind kind = n - 1;
	size_t size;
	FILE *stream = must(open_memstream(&test->text, &size));

	test->state = TEST_PASSED;
	if (!n) {
		test->name = "cycles";
		if (leak_verdict(run) == MEMDIAG_VERDICT_CANNOT_TELL) {
			test->state = TEST_ERROR;
			fprintf(stream, "cannot tell: %s\n", reason(run));
		}
	} else {
		test->name = memdiag_leak_kind_name(kind);
		if (!was_compared(run, kind)) {
			test->state = TEST_SKIPPED;
			fputs("not compared\n", stream);
		}
	}
	for (size_t i = 0; n && run->leaks && i < run->leaks->nr; i++) {
		const struct memdiag_leak *l = &run->leaks->leaks[i];

		if (l->kind != kind || l->finding != MEMDIAG_LEAK_FOUND)
			continue;
		test->state = TEST_FAILED;
		if (!limit || shown++ < limit)
			print_found(stream, run, l, "    ");
	}
	if (n && test->state == TEST_PASSED && run->leaks->counted & 1u << kind &&
	    run->leaks->power[kind].bytes == UINT64_MAX && !(run->leaks->tracked && tracks(kind))) {
		test->state = TEST_SKIPPED;
		fputs("counts would have shown no leak\n", stream);
	} else if (n && test->state == TEST_PASSED && run->leaks->counted & 1u << kind) {
		fputs("would have been seen, if left behind in each cycle: ", stream);
		print_power(stream, run, kind);
		fputc('\n', stream);
	}
	if (fclose(stream))
		no_memory();
}

static void make_tests(const struct leak_run *run, struct test *tests)
{
	for (unsigned int n = 0; n < NR_TESTS; n++)
		make_test(run, n, &tests[n]);
}

static void free_tests(struct test *tests)
{
	for (unsigned int n = 0; n < NR_TESTS; n++)
		free(tests[n].text);
}

/* Lines as comments; in a directive a # would begin another one. */
static void print_tap(const struct leak_run *run)
{
	struct test tests[NR_TESTS];

	make_tests(run, tests);
	printf("TAP version 13\n1..%u\n", NR_TESTS);
	for (unsigned int n = 0; n < NR_TESTS; n++) {
		const struct test *t = &tests[n];
		char *save = NULL;

		printf("%sok %u - ",
		       t->state == TEST_FAILED || t->state == TEST_ERROR ? "not " : "", n + 1);
		print_safe(stdout, subject(run));
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
	print_xml(stream, subject(run));
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
	print_xml(stream, subject(run));
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

/* Prints the result in the format that was asked for. */
void leak_print(const struct leak_run *run)
{
	if (run->options->given & OPT_JSON)
		print_json(run);
	else if (run->options->given & OPT_TAP)
		print_tap(run);
	else
		print_text(run);
}
