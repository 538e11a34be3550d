// SPDX-License-Identifier: GPL-2.0-only
/* The verdict of leakcheck as text and JSON. */
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

/* Why it cannot be told, "" if it can. */
const char *leak_reason(const struct leak_run *run)
{
	if (*run->why)
		return run->why;
	return run->leaks ? run->leaks->why : "";
}

/* What was checked. */
const char *leak_subject(const struct leak_run *run)
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

/* A leak, and its stack if it has one. */
void leak_print_found(FILE *stream, const struct leak_run *run, const struct memdiag_leak *l,
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
void leak_print_power(FILE *stream, const struct leak_run *run, enum memdiag_leak_kind kind)
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
		leak_print_power(stdout, run, k);
		separator = "; ";
	}
	putchar('\n');
}

static void print_summary(const struct leak_run *run)
{
	const struct memdiag_leaks *leaks = run->leaks;
	char text[FORMAT_SIZE];
	uint64_t bytes, objects;

	print_safe(stdout, leak_subject(run));
	printf(": %s", memdiag_verdict_name(leak_verdict(run)));
	if (leak_verdict(run) == MEMDIAG_VERDICT_LEAK) {
		leak_total(run, &bytes, &objects);
		amount(run, bytes / leaks->cycles, text);
		printf(", %s in %.1f objects per cycle", text, (double)objects / leaks->cycles);
	}
	if (*leak_reason(run)) {
		fputs(": ", stdout);
		print_safe(stdout, leak_reason(run));
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
		leak_print_found(stdout, run, l, "    ");
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
	json_add(o, "order", l->order == MEMDIAG_ABSENT ? NULL : json_number(l->order));
	json_add(o, "module", json_text(l->module));
	json_add(o, "bytes", json_number(l->bytes));
	json_add(o, "bytes_per_cycle", must(json_object_new_double((double)l->bytes / cycles)));
	json_add(o, "objects", l->objects_known ? json_number(l->objects) : NULL);
	json_add(o, "objects_per_cycle",
		 l->objects_known ? must(json_object_new_double((double)l->objects / cycles))
				  : NULL);
	json_add(o, "unsure", json_number(l->unsure));
	json_add(o, "expected_bytes",
		 l->tracked || l->finding == MEMDIAG_LEAK_KEPT || l->expected == UINT64_MAX
			 ? NULL
			 : json_number(l->expected));
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

		json_add(o, "objects", json_number(1));
		json_add(all, "stacks", o);
	}
	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++) {
		const struct memdiag_leak_power *power = leaks ? &leaks->power[k] : NULL;
		struct json_object *o;

		if (!leaks || !(leaks->counted & 1u << k))
			continue;
		o = must(json_object_new_object());
		json_add(o, "bytes", power->bytes == UINT64_MAX ? NULL : json_number(power->bytes));
		json_add(o, "unit", json_number(power->unit));
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
	json_add(o, "why", json_text(leak_reason(run)));
	json_add(o, "cycles", json_number(leaks ? leaks->cycles : 0));
	json_add(o, "warmup", json_number(run->warmup));
	json_add(o, "tracked", must(json_object_new_boolean(leaks && leaks->tracked)));
	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++)
		if (leaks && leaks->counted & 1u << k)
			json_object_array_add(array, json_text(memdiag_leak_kind_name(k)));
	json_add(o, "counted", array);
	json_add(o, "reclaimable_compared",
		 must(json_object_new_boolean(leaks && leaks->reclaimed)));
	json_add(o, "seen_per_cycle", json_powers(run));
	json_add(o, "dropped", json_number(leaks ? leaks->dropped : 0));
	json_add(o, "unsure", json_number(leaks ? leaks->unsure : 0));
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

/* Prints the result in the format that was asked for. */
void leak_print(const struct leak_run *run)
{
	if (run->options->given & OPT_JSON)
		print_json(run);
	else if (run->options->given & OPT_TAP)
		leak_print_tap(run);
	else
		print_text(run);
}
