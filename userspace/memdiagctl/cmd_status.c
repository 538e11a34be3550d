// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl status: what works on this kernel, what it cost, how it was found. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memdiagctl.h"

static struct json_object *json_device(const struct memdiag_info *info)
{
	struct json_object *o = must(json_object_new_object());

	json_add(o, "version", json_text((const char *)info->version));
	json_add(o, "format_major", json_number(info->format_major));
	json_add(o, "format_minor", json_number(info->format_minor));
	json_add(o, "nr_sections", json_number(info->nr_sections));
	json_add(o, "known", json_number(info->known));
	json_add(o, "available", json_number(info->available));
	json_add(o, "snapshot_limit", json_number(info->snapshot_limit));
	json_add(o, "snapshot_bytes", json_number(info->snapshot_bytes));
	return o;
}

static void print_header(const struct memdiag_data *data, const struct memdiag_info *info,
			 bool exact)
{
	const struct memdiag_header *h = memdiag_data_header(data);
	char text[FORMAT_SIZE], more[FORMAT_SIZE];

	fputs("module     version ", stdout);
	print_safe(stdout, memdiag_data_string(data, h->version));
	printf(", format %u.%u\n", h->format_major, h->format_minor);
	format_time(h->realtime_ns, text);
	format_duration(h->end_ns - h->start_ns, exact, more);
	printf("snapshot   generation %llu, %s, collected in %s\n",
	       (unsigned long long)h->generation, text, more);
	format_size(h->total_size, exact, text);
	format_size(h->page_size, exact, more);
	printf("size       %s, pages of %s\n", text, more);
	format_boot_id(h, text);
	printf("boot       %s\n", *text ? text : "-");
	if (info) {
		format_size(info->snapshot_bytes, exact, text);
		format_size(info->snapshot_limit, exact, more);
		printf("memory     snapshots hold %s of at most %s\n", text, more);
	}
}

/* What else the kernel has for finding leaks. */
static void print_instruments(const struct memdiag_data *data)
{
	static const char *const names[] = { "kmemleak", "page_owner", "alloc_tag", "slub_debug" };
	const struct memdiag_section *s = memdiag_data_find(data, "system");
	const char *before = "for leaks  ", *text;

	for (unsigned int n = 0; s && s->nr_records && n < ARRAY_SIZE(names); n++) {
		if (memdiag_get_string(data, s, 0, names[n], &text))
			continue;
		printf("%s%s ", before, names[n]);
		print_safe(stdout, text);
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static void print_sections(const struct memdiag_data *data, const struct options *options)
{
	static const char *const columns[] = { "section", "state", "source",   "records",
					       "collect", "lock",  "restarts", "reason" };
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	bool exact = options->given & OPT_BYTES;
	char text[FORMAT_SIZE];

	for (unsigned int n = 0; n < ARRAY_SIZE(columns); n++)
		table_column(table, columns[n], n >= 3 && n <= 6);
	for (uint32_t n = 0; n < memdiag_data_header(data)->nr_sections; n++) {
		const struct memdiag_section *s = memdiag_data_section(data, n);
		const char *reason = memdiag_data_string(data, s->reason);
		const uint64_t numbers[] = { s->nr_records, s->collect_ns, s->lock_ns,
					     s->restarts };
		bool there = memdiag_section_has_records(s);

		table_row(table);
		table_cell(table, 0, memdiag_section_name(data, s));
		table_cell(table, 1, memdiag_state_name(s->state));
		table_cell(table, 2, memdiag_source_name(s->source));
		for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
			if (!there || numbers[i] == MEMDIAG_ABSENT)
				strcpy(text, "-");
			else if (!exact && (i == 1 || i == 2))
				format_ns(numbers[i], text);
			else
				snprintf(text, sizeof(text), "%" PRIu64, numbers[i]);
			table_cell(table, 3 + i, text);
		}
		if (!*reason && s->error < 0 && s->error > -4096)
			reason = strerror(-s->error);
		table_cell(table, 7, reason);
	}
	table_print(table);
}

static int status(const struct memdiag_data *data, const struct memdiag_info *info,
		  const struct options *options)
{
	const struct memdiag_section *resolve = memdiag_data_find(data, "resolve");
	struct json_object *document;
	struct view view = {};

	if (resolve && memdiag_section_has_records(resolve))
		view_make(data, resolve, options, NULL, 0, &view);
	if (options->given & OPT_JSON) {
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
		if (info)
			json_add(document, "device", json_device(info));
		json_add(document, "resolve", json_records(&view));
		json_print(document);
	} else {
		print_header(data, info, options->given & OPT_BYTES);
		print_instruments(data);
		putchar('\n');
		print_sections(data, options);
		if (view.nr_rows) {
			putchar('\n');
			render_table(&view, options);
		}
	}
	view_free(&view);
	return STATUS_DONE;
}

int cmd_status(const struct command *command, const struct options *options)
{
	bool live = !(options->given & OPT_INPUT);
	struct memdiag_data *data;
	struct memdiag_info info;
	int ret = 0;

	(void)command;
	if (live)
		ret = source_live_info(&info);
	if (!ret)
		ret = source_get(options, NULL, &data);
	if (ret)
		return ret;
	ret = status(data, live ? &info : NULL, options);
	memdiag_data_free(data);
	return ret;
}
