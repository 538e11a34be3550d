// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl summary: where the memory is, in one screen. */
#include <stdio.h>
#include <string.h>

#include "memdiagctl.h"

/* The parts of a screen of 24 lines, in its order. */
static const struct part {
	const char *section;
	/* What shows all of it; the heading of the first column. */
	const char *command;
	const char *sort;
	/* Of the columns only these, with a blank before and behind; NULL: no table. */
	const char *columns;
	/* Rows of the table, and of JSON; 0: all. */
	unsigned int rows;
	unsigned int top;
} parts[] = {
	{ "system", NULL, NULL, NULL, 0, 0 },
	{ "zone", "zones", NULL, NULL, 0, 0 },
	{ "ledger", "ledger", "pages", " line pages share from ", 4, 5 },
	{ "slab", "slab", "bytes", " name active_objs num_objs objsize bytes ", 3, 5 },
	{ "vmalloc_caller", "vmalloc --by caller", "nr_pages", " caller kind areas size nr_pages ",
	  2, 5 },
	{ "memcg", "cgroups", "memory.current", " path state memory.current memory.max ", 2, 5 },
	{ "vmstat", "vmstat", NULL, NULL, 0, 0 },
};

/* Counters that tell of memory pressure since the boot; those not there are skipped. */
static const char pressure[][24] = {
	"oom_kill",	 "allocstall_normal",	    "allocstall_movable", "allocstall_dma32",
	"compact_fail",	 "compact_stall",	    "pgscan_direct",	  "pgsteal_direct",
	"pgscan_kswapd", "workingset_refault_file", "drop_pagecache",	  "drop_slab",
};

/* Width of "since boot: " */
#define SINCE 12

static void print_line(unsigned int *column, const char *name, const char *value)
{
	int width = printf("%s%s %s", *column > SINCE ? "  " : "", name, value);

	*column += width > 0 ? width : 0;
	if (*column > 44) {
		putchar('\n');
		*column = 0;
	}
}

/* The line that says how much of the rest can be believed. */
static void print_unaccounted(const struct memdiag_data *data, const struct memdiag_section *s,
			      const struct options *options)
{
	for (uint64_t r = 0; r < s->nr_records; r++) {
		bool exact = options->given & OPT_BYTES;
		char pages[FORMAT_SIZE], share[FORMAT_SIZE];
		const char *line;

		if (memdiag_get_string(data, s, r, "line", &line) || strcmp(line, "unaccounted"))
			continue;
		printf("  unaccounted %s (%s)", format_named(data, s, r, "pages", exact, pages),
		       format_named(data, s, r, "share", exact, share));
	}
}

/* The kernel, then how much memory there is. */
static void print_system(const struct memdiag_data *data, const struct memdiag_section *s,
			 const struct options *options)
{
	static const char *const amounts[] = { "mem_total", "mem_free", "mem_available" };
	const char *release = "-", *machine = "";
	const struct memdiag_section *ledger = memdiag_data_find(data, "ledger");
	char buffer[FORMAT_SIZE];

	if (!s->nr_records)
		return;
	memdiag_get_string(data, s, 0, "release", &release);
	memdiag_get_string(data, s, 0, "machine", &machine);
	format_time(memdiag_data_header(data)->realtime_ns, buffer);
	fputs("kernel ", stdout);
	print_safe(stdout, release);
	putchar(*machine ? ' ' : ',');
	print_safe(stdout, machine);
	printf("%s %s\n", *machine ? "," : "", buffer);
	for (unsigned int n = 0; n < ARRAY_SIZE(amounts); n++)
		printf("%s%s %s", n ? "  " : "", amounts[n] + strlen("mem_"),
		       format_named(data, s, 0, amounts[n], options->given & OPT_BYTES, buffer));
	if (ledger && memdiag_section_has_records(ledger))
		print_unaccounted(data, ledger, options);
	putchar('\n');
}

static void print_zone(const struct memdiag_data *data, const struct memdiag_section *s, uint64_t r)
{
	const char *name = "?";
	uint64_t node = 0;

	memdiag_get_string(data, s, r, "name", &name);
	memdiag_get_u64(data, s, r, "node", &node);
	printf("node %llu ", (unsigned long long)node);
	print_safe(stdout, name);
}

/* Which zones have run out, and the largest share that min keeps free. */
static void print_verdicts(const struct memdiag_data *data, const struct memdiag_section *s)
{
	uint64_t most = 0, most_of = 1, worst = 0;
	unsigned int bad = 0;

	for (uint64_t r = 0; r < s->nr_records; r++) {
		const char *state;
		uint64_t min, managed;

		if (!memdiag_get_bytes(data, s, r, "min", &min) &&
		    !memdiag_get_bytes(data, s, r, "managed", &managed) && managed &&
		    (double)min / managed > (double)most / most_of) {
			most = min;
			most_of = managed;
			worst = r;
		}
		/* Below high kswapd may still be at work; an empty zone cannot run out. */
		if (memdiag_get_string(data, s, r, "state", &state) ||
		    (strcmp(state, "below low") && strcmp(state, "below min")))
			continue;
		fputs(bad++ ? ", " : "not ok: ", stdout);
		print_zone(data, s, r);
		fputs(" is ", stdout);
		print_safe(stdout, state);
	}
	if (!bad)
		fputs("none is below low", stdout);
	if (most) {
		printf("; min keeps %.1f%% of ", 100.0 * most / most_of);
		print_zone(data, s, worst);
	}
	putchar('\n');
}

static void print_pressure(const struct memdiag_data *data, const struct memdiag_section *s)
{
	bool any = false;
	unsigned int column = 0;

	for (unsigned int n = 0; n < ARRAY_SIZE(pressure); n++) {
		for (uint64_t r = 0; r < s->nr_records; r++) {
			char buffer[FORMAT_SIZE];
			const char *name;
			uint64_t value;

			/* One line of them is enough. */
			if (any && !column)
				return;
			if (memdiag_get_string(data, s, r, "name", &name) ||
			    strcmp(name, pressure[n]) ||
			    memdiag_get_u64(data, s, r, "value", &value) || !value)
				continue;
			if (!any)
				column = printf("since boot: ");
			any = true;
			snprintf(buffer, sizeof(buffer), "%llu", (unsigned long long)value);
			print_line(&column, name, buffer);
		}
	}
	if (column)
		putchar('\n');
}

static void print_part(const struct part *part, struct view *view, const struct options *options)
{
	unsigned int kept = 0;
	char title[64];

	if (!strcmp(part->section, "system")) {
		print_system(view->data, view->section, options);
	} else if (!strcmp(part->section, "vmstat")) {
		print_pressure(view->data, view->section);
	} else if (!strcmp(part->section, "zone")) {
		fputs("zones: ", stdout);
		print_verdicts(view->data, view->section);
	}
	if (!part->columns)
		return;
	putchar('\n');
	for (unsigned int n = 0; n < view->nr_columns; n++) {
		const char *name = memdiag_field_name(view->data, view->columns[n]);
		const char *at = strstr(part->columns, name);

		if (at && at[-1] == ' ' && at[strlen(name)] == ' ')
			view->columns[kept++] = view->columns[n];
	}
	view->nr_columns = kept;
	snprintf(title, sizeof(title), "%s: %llu of %llu", part->command,
		 (unsigned long long)view->nr_rows, (unsigned long long)view->section->nr_records);
	render_titled(view, options, title);
}

/* Says why a part is not there. */
static void print_missing(const struct memdiag_data *data, const struct part *part)
{
	const struct memdiag_section *s = memdiag_data_find(data, part->section);
	const char *reason = s ? memdiag_data_string(data, s->reason) : "";

	warn("section %s: %s%s%s", part->section,
	     s ? memdiag_state_name(s->state) : "not in this snapshot", *reason ? ": " : "",
	     reason);
}

static int summary(const struct memdiag_data *data, const struct options *options)
{
	struct json_object *document = NULL;
	int status = STATUS_DONE;
	bool any = false;

	if (options->given & OPT_JSON) {
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
	}
	for (unsigned int n = 0; n < ARRAY_SIZE(parts); n++) {
		const struct memdiag_section *s = memdiag_data_find(data, parts[n].section);
		unsigned long limit = document ? parts[n].top : parts[n].rows;
		struct view view;

		if (!s || s->state != MEMDIAG_STATE_OK) {
			print_missing(data, &parts[n]);
			status = STATUS_PARTIAL;
		}
		if (!s || !memdiag_section_has_records(s))
			continue;
		any = true;
		if (limit && options->limit)
			limit = options->limit;
		view_make(data, s, options, parts[n].sort, limit, &view);
		if (document)
			json_add(document, parts[n].section, json_records(&view));
		else
			print_part(&parts[n], &view, options);
		view_free(&view);
	}
	if (document)
		json_print(document);
	else if (any)
		puts("more: memdiagctl zones, ledger, slab, vmalloc --by caller, cgroups, vmstat");
	if (!any)
		return cannot(
			"cannot sum up: none of the sections needed is there; 'memdiagctl status' tells why");
	return status;
}

int cmd_summary(const struct command *command, const struct options *options)
{
	struct memdiag_data *data;
	int ret;

	(void)command;
	ret = source_get(options, "system,ledger,zone,slab,vmalloc_caller,memcg,vmstat", &data);
	if (ret)
		return ret;
	ret = summary(data, options);
	memdiag_data_free(data);
	return ret;
}
