// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl track report as text: stacks, flame graphs, changes, and how sure the tracker is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "track.h"

/* "name+0x10/0x20 [module]" as "name_[module]", which has no blank in it. */
static void print_folded_frame(const char *frame, size_t length)
{
	const char *module = memchr(frame, '[', length);
	size_t name = strcspn(frame, "+ ;");

	if (name > length)
		name = length;
	print_safe_part(stdout, frame, name);
	if (module) {
		putchar('_');
		print_safe_part(stdout, module, frame + length - module);
	}
}

/* Outermost first, as flame graphs want it. */
void track_print_folded(const struct view *v)
{
	for (uint64_t n = 0; n < v->nr_rows; n++) {
		const char *stack = track_string(v, v->rows[n], "stack");
		const char *end = stack + strlen(stack);

		while (end > stack) {
			const char *begin = memrchr(stack, ';', end - stack);

			begin = begin ? begin + 1 : stack;
			print_folded_frame(begin, end - begin);
			if (begin > stack)
				putchar(';');
			end = begin > stack ? begin - 1 : stack;
		}
		printf(" %" PRIu64 "\n", track_bytes(v, v->rows[n]));
	}
}

/* A stack, one frame per line. */
void track_print_stack(FILE *stream, const char *stack, const char *indent)
{
	while (*stack) {
		size_t length = strcspn(stack, ";");

		fputs(indent, stream);
		print_safe_part(stream, stack, length);
		fputc('\n', stream);
		stack += length + !!stack[length];
	}
}

/* What each stack holds, and the stack. */
void track_print_stacks(const struct view *v, bool exact)
{
	static const char *const fields[] = { "bytes", "count",	    "unsure",	"allocated",
					      "freed", "oldest_ns", "newest_ns" };
	char buffer[ARRAY_SIZE(fields)][FORMAT_SIZE];
	const char *text[ARRAY_SIZE(fields)];

	for (uint64_t n = 0; n < v->nr_rows; n++) {
		uint64_t r = v->rows[n], order;
		const char *cache = track_string(v, r, "cache"),
			   *module = track_string(v, r, "module");

		for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
			text[i] = format_named(v->data, v->section, r, fields[i], exact, buffer[i]);
		printf("%s in %s objects (%s unsure), ", text[0], text[1], text[2]);
		print_safe(stdout, track_string(v, r, "kind"));
		if (*cache) {
			putchar(' ');
			print_safe(stdout, cache);
		} else if (!memdiag_get_u64(v->data, v->section, r, "order", &order)) {
			printf(" of order %" PRIu64, order);
		}
		fputs(", module ", stdout);
		print_safe(stdout, *module ? module : "-");
		printf("\n    allocated %s, freed %s, oldest %s, newest %s\n", text[3], text[4],
		       text[5], text[6]);
		track_print_stack(stdout, track_string(v, r, "stack"), "        ");
	}
}

/* What the tracker missed and is not sure of: never without the report. */
void track_print_certainty(const struct view *v, bool exact)
{
	static const char *const fields[] = { "dropped_objects", "dropped_stacks", "dropped_busy",
					      "unknown_frees",	 "replaced",	   "gone" };
	const struct memdiag_data *data = v->data;
	const struct memdiag_section *s = memdiag_data_find(data, "track_status");
	uint64_t count = 0, bytes = 0, unsure = 0, value;
	const char *text;
	char amount[FORMAT_SIZE], age[FORMAT_SIZE] = "-";

	for (uint64_t n = 0; n < v->nr_rows; n++) {
		count += track_number(v, v->rows[n], "count");
		bytes += track_bytes(v, v->rows[n]);
		unsure += track_number(v, v->rows[n], "unsure");
	}
	format_size(bytes, exact, amount);
	printf("outstanding: %s in %" PRIu64 " objects of %" PRIu64 " stacks, %" PRIu64 " unsure\n",
	       amount, count, v->nr_rows, unsure);
	if (!s || !s->nr_records)
		return;
	if (!memdiag_get(data, s, 0, "since_ns", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_NS, &value))
		format_duration(value, exact, age);
	fputs("tracker: ", stdout);
	print_safe(stdout, memdiag_get_string(data, s, 0, "state", &text) ? "-" : text);
	if (!memdiag_get_string(data, s, 0, "filter", &text) && *text) {
		fputs(" for ", stdout);
		print_safe(stdout, text);
	}
	printf(", %s", age);
	for (unsigned int n = 0; n < ARRAY_SIZE(fields); n++) {
		if (memdiag_get_u64(data, s, 0, fields[n], &value))
			printf(", %s -", fields[n]);
		else
			printf(", %s %" PRIu64, fields[n], value);
	}
	putchar('\n');
}
