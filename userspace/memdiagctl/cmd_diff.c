// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl diff A [B [SECTION]]: what grew.
 *
 * Without a section the rules of the library rank what holds more memory than
 * before; with one, its records are shown with the differences of their fields.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdiagctl.h"

#define TOP 5
/* From less than a minute a rate per hour would repeat what a load does once. */
#define RATE_MIN_NS (60 * 1000000000ll)

/* Warns of what must be known to read the numbers. Return: STATUS_PARTIAL or 0. */
static int tell_notices(uint32_t notices)
{
	for (uint32_t left = notices; left; left &= left - 1)
		warn("note: %s", memdiag_notice_text(left & -left));
	return notices & MEMDIAG_NOTICE_PARTIAL ? STATUS_PARTIAL : STATUS_DONE;
}

static struct json_object *json_notices(uint32_t notices)
{
	struct json_object *array = must(json_object_new_array());

	for (; notices; notices &= notices - 1)
		if (json_object_array_add(array,
					  json_text(memdiag_notice_text(notices & -notices))))
			no_memory();
	return array;
}

/* What both forms of the document begin with. */
static struct json_object *json_diff(const struct memdiag_data *a, const struct memdiag_data *b,
				     int64_t elapsed_ns, uint32_t notices)
{
	struct json_object *document = must(json_object_new_object());

	json_add(document, "header", json_header(b));
	json_add(document, "from", json_header(a));
	json_add(document, "elapsed_ns",
		 notices & MEMDIAG_NOTICE_REBOOTED ? NULL
						   : must(json_object_new_int64(elapsed_ns)));
	json_add(document, "notices", json_notices(notices));
	return document;
}

/* --- without a section: what grew ---------------------------------------- */

static struct json_object *json_finding(const struct memdiag_data *b,
					const struct memdiag_finding *f)
{
	struct json_object *o = must(json_object_new_object());

	json_add(o, "section", json_text(f->section));
	json_add(o, "name", json_text(f->name));
	if (!strcmp(f->section, "slab"))
		json_add(o, "names", json_text(merged_names(b, f->name)));
	json_add(o, "module", *f->module ? json_text(f->module) : NULL);
	json_add(o, "grown", json_number(f->grown));
	json_add(o, "from", json_number(f->from));
	json_add(o, "to", json_number(f->to));
	json_add(o, "address_space", must(json_object_new_boolean(f->space)));
	json_add(o, "count", f->count_known ? must(json_object_new_int64(f->count)) : NULL);
	return o;
}

static void growth_row(struct table *table, const struct memdiag_data *b,
		       const struct memdiag_finding *f, const struct memdiag_findings *all,
		       bool exact)
{
	double per_hour = f->grown * (3600e9 / all->elapsed_ns);
	bool loss = !strcmp(f->section, "zone");
	char text[FORMAT_SIZE];

	table_row(table);
	table_cell(table, 0, loss ? "zone free" : f->space ? "address space" : f->section);
	table_cell(table, 1, !strcmp(f->section, "slab") ? merged_names(b, f->name) : f->name);
	table_cell(table, 2, f->module);
	format_size(f->grown, exact, text);
	format_sign(text, loss, false);
	table_cell(table, 3, text);
	format_size(f->from, exact, text);
	table_cell(table, 4, text);
	format_size(f->to, exact, text);
	table_cell(table, 5, text);
	if (f->count_known)
		snprintf(text, sizeof(text), "%+" PRId64, f->count);
	else
		strcpy(text, "-");
	table_cell(table, 6, text);
	if (all->elapsed_ns < RATE_MIN_NS)
		return;
	if (exact)
		snprintf(text, sizeof(text), "%.0f", per_hour);
	else
		format_bytes(per_hour, text);
	table_cell(table, 7, text);
}

static void tell_elapsed(int64_t elapsed_ns, uint32_t notices, const struct options *options)
{
	char text[FORMAT_SIZE];

	if (notices & MEMDIAG_NOTICE_REBOOTED || options->given & OPT_NO_HEADINGS)
		return;
	format_duration(elapsed_ns < 0 ? -(uint64_t)elapsed_ns : (uint64_t)elapsed_ns,
			options->given & OPT_BYTES, text);
	printf("%s between the snapshots\n\n", text);
}

/* The limit counts per section: each is another view of the memory. */
static bool is_shown(const struct memdiag_findings *f, size_t n, unsigned long limit)
{
	return n < limit || f->findings[n - limit].section != f->findings[n].section;
}

static struct json_object *json_growth(const struct memdiag_data *b,
				       const struct memdiag_findings *f, unsigned long limit)
{
	struct json_object *array = must(json_object_new_array());

	for (size_t n = 0; n < f->nr; n++)
		if (is_shown(f, n, limit))
			json_object_array_add(array, json_finding(b, &f->findings[n]));
	return array;
}

static void print_growth(const struct memdiag_data *b, const struct memdiag_findings *f,
			 unsigned long limit, const struct options *options)
{
	static const char *const columns[] = { "what", "name", "module",  "grown",
					       "from", "to",   "objects", "per_hour" };
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));

	tell_elapsed(f->elapsed_ns, f->notices, options);
	for (unsigned int n = 0; n < ARRAY_SIZE(columns) - (f->elapsed_ns < RATE_MIN_NS); n++)
		table_column(table, columns[n], n >= 3);
	for (size_t n = 0; n < f->nr; n++)
		if (is_shown(f, n, limit))
			growth_row(table, b, &f->findings[n], f, options->given & OPT_BYTES);
	if (!f->nr)
		puts("nothing grew");
	table_print(table);
}

static int growth(const struct memdiag_data *a, const struct memdiag_data *b,
		  const struct options *options)
{
	unsigned long limit = options->limit ? options->limit : TOP;
	struct json_object *document;
	struct memdiag_findings *f;
	struct memdiag_error error;
	int status;

	if (options->given & (OPT_OUTPUT | OPT_SORT | OPT_REVERSE))
		return usage_error(
			"--output, --sort and --reverse need a section: diff A B SECTION");
	if (memdiag_diagnose_growth(a, b, &error, &f))
		return cannot("cannot compare: %s", error.text);
	status = tell_notices(f->notices);
	for (unsigned int n = 0; memdiag_growth_section(n); n++) {
		if (!(f->missing & 1u << n))
			continue;
		warn("note: section %s is not in both snapshots and was not compared",
		     memdiag_growth_section(n));
		status = STATUS_PARTIAL;
	}
	if (options->given & OPT_JSON) {
		document = json_diff(a, b, f->elapsed_ns, f->notices);
		json_add(document, "growth", json_growth(b, f, limit));
		json_print(document);
	} else {
		print_growth(b, f, limit, options);
	}
	memdiag_findings_free(f);
	return status;
}

/* --- with a section: its records ----------------------------------------- */

/* A row and what it is sorted by. */
struct diff_row {
	const struct memdiag_diff_record *record;
	struct memdiag_delta delta;
	const char *text;
	bool ascending;
	bool turned;
};

/* A record from the side where it is, the later one first. */
static uint64_t side_value(const struct memdiag_diff *d, const struct memdiag_diff_record *r,
			   uint32_t field, const struct memdiag_data **data,
			   const struct memdiag_field **f)
{
	bool later = r->b != MEMDIAG_NO_RECORD;

	*data = later ? d->b : d->a;
	*f = later ? d->fields[field].b : d->fields[field].a;
	if (!*f) {
		*f = d->fields[field].b;
		return MEMDIAG_ABSENT;
	}
	return memdiag_value(*data, later ? d->section_b : d->section_a, later ? r->b : r->a, *f);
}

static uint32_t field_number(const struct memdiag_diff *d, const struct memdiag_field *field)
{
	return memdiag_field_number(d->b, d->section_b, field);
}

/* Growth first, loss last, what cannot be compared behind it. */
static int compare_rows(const void *pa, const void *pb)
{
	const struct diff_row *a = pa, *b = pb;
	int order;

	if (a->text && b->text) {
		order = strcmp(a->text, b->text);
	} else if (a->delta.known != b->delta.known) {
		return a->delta.known ? -1 : 1;
	} else if (a->delta.negative != b->delta.negative) {
		order = a->delta.negative ? -1 : 1;
	} else {
		order = a->delta.amount < b->delta.amount ? -1 : a->delta.amount > b->delta.amount;
		if (a->delta.negative)
			order = -order;
	}
	if (order)
		return a->ascending ? order : -order;
	return (a->record < b->record) != a->turned ? -1 : 1;
}

static int make_rows(const struct memdiag_diff *d, const struct view *v,
		     const struct options *options, struct diff_row **rows, size_t *nr)
{
	const struct memdiag_field *field = view_amount(v);
	bool invert;
	const char *name = sort_column(options, NULL, &invert);

	if (name) {
		field = column_find(d->b, d->section_b, name, strlen(name));
		if (!field)
			return unknown_column(d->b, d->section_b, name, strlen(name));
	}
	*rows = must(calloc(d->nr_records + 1, sizeof(**rows)));
	*nr = 0;
	for (size_t n = 0; n < d->nr_records; n++) {
		struct diff_row *row = &(*rows)[*nr];
		const struct memdiag_data *data;
		const struct memdiag_field *f;
		uint64_t value;

		if (d->records[n].change == MEMDIAG_CHANGE_SAME)
			continue;
		row->record = &d->records[n];
		/* Without a column to sort by, what is turned round is the order itself. */
		row->turned = !field && invert;
		++*nr;
		if (!field)
			continue;
		row->ascending = sorts_ascending(field) != invert;
		if (field_is_difference(field)) {
			memdiag_diff_delta(d, row->record, field_number(d, field), &row->delta);
			continue;
		}
		value = side_value(d, row->record, field_number(d, field), &data, &f);
		if (field->type == MEMDIAG_TYPE_STR)
			row->text = value == MEMDIAG_ABSENT ? "" : memdiag_data_string(data, value);
		row->delta.known = value != MEMDIAG_ABSENT;
		row->delta.amount = value;
	}
	qsort(*rows, *nr, sizeof(**rows), compare_rows);
	return 0;
}

static const char *change_name(const struct memdiag_diff_record *r)
{
	switch (r->change) {
	case MEMDIAG_CHANGE_APPEARED:
		return r->reused ? "appeared (id reused)" : "appeared";
	case MEMDIAG_CHANGE_VANISHED:
		return r->reused ? "vanished (id reused)" : "vanished";
	default:
		return r->renamed ? "renamed" : "changed";
	}
}

static void diff_cells(struct table *table, const struct memdiag_diff *d,
		       const struct memdiag_diff_record *r, const struct view *v, bool exact)
{
	unsigned int column = 0;

	table_row(table);
	table_cell(table, column++, change_name(r));
	for (unsigned int n = 0; n < v->nr_columns; n++) {
		const struct memdiag_field *f = v->columns[n];
		const struct memdiag_data *data;
		struct memdiag_delta delta;
		char text[FORMAT_SIZE];
		uint64_t value;

		if (!field_is_difference(f)) {
			value = side_value(d, r, field_number(d, f), &data, &f);
			table_cell(table, column++,
				   merged_value(d->b, d->section_b, v->columns[n],
						format_value(data, f, value, exact, text)));
			continue;
		}
		memdiag_diff_delta(d, r, field_number(d, f), &delta);
		table_cell(table, column++, format_delta(d->b, f, &delta, exact, text));
		if (!memdiag_diff_has_rates(d, field_number(d, f)))
			continue;
		strcpy(text, "-");
		if (delta.has_rate)
			snprintf(text, sizeof(text), "%.1f", delta.rate);
		table_cell(table, column++, text);
	}
}

static struct table *diff_table(const struct memdiag_diff *d, const struct view *v,
				const struct options *options)
{
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	char *name, buffer[HEADING_SIZE];

	if (options->given & OPT_OUTPUT)
		table_whole(table);
	table_column(table, "change", false);
	for (unsigned int n = 0; n < v->nr_columns; n++) {
		const char *heading = format_heading(v->data, v->section, v->columns[n], buffer);

		table_column(table, heading, memdiag_field_is_number(v->columns[n]));
		if (!field_is_difference(v->columns[n]) ||
		    !memdiag_diff_has_rates(d, field_number(d, v->columns[n])))
			continue;
		if (asprintf(&name, "%s/s", heading) < 0)
			no_memory();
		table_column(table, name, true);
		free(name);
	}
	return table;
}

static struct json_object *json_delta(const struct memdiag_diff *d,
				      const struct memdiag_diff_record *r, uint32_t n)
{
	const struct memdiag_field *fa = d->fields[n].a, *fb = d->fields[n].b;
	struct json_object *o = must(json_object_new_object()), *number = NULL;
	struct memdiag_delta delta;

	memdiag_diff_delta(d, r, n, &delta);
	json_add(o, "from",
		 !fa || r->a == MEMDIAG_NO_RECORD
			 ? NULL
			 : json_value(d->a, fa, memdiag_value(d->a, d->section_a, r->a, fa)));
	json_add(o, "to",
		 r->b == MEMDIAG_NO_RECORD
			 ? NULL
			 : json_value(d->b, fb, memdiag_value(d->b, d->section_b, r->b, fb)));
	if (delta.known && delta.negative)
		number = must(json_object_new_int64((int64_t)-delta.amount));
	else if (delta.known)
		number = json_number(delta.amount);
	json_add(o, "delta", number);
	if (memdiag_diff_has_rates(d, n))
		json_add(o, "rate",
			 delta.has_rate ? must(json_object_new_double(delta.rate)) : NULL);
	return o;
}

static struct json_object *json_record(const struct memdiag_diff *d,
				       const struct memdiag_diff_record *r, const struct view *v)
{
	static const char *const names[] = {
		[MEMDIAG_CHANGE_SAME] = "same",
		[MEMDIAG_CHANGE_CHANGED] = "changed",
		[MEMDIAG_CHANGE_APPEARED] = "appeared",
		[MEMDIAG_CHANGE_VANISHED] = "vanished",
	};
	struct json_object *o = must(json_object_new_object());

	json_add(o, "change", json_text(names[r->change]));
	json_add(o, "reused", must(json_object_new_boolean(r->reused)));
	json_add(o, "renamed", must(json_object_new_boolean(r->renamed)));
	for (unsigned int n = 0; n < v->nr_columns; n++) {
		const struct memdiag_field *f = v->columns[n];
		const struct memdiag_data *data;
		uint64_t value;

		if (field_is_difference(f)) {
			json_add(o, memdiag_field_name(v->data, f),
				 json_delta(d, r, field_number(d, f)));
			continue;
		}
		value = side_value(d, r, field_number(d, v->columns[n]), &data, &f);
		json_add(o, memdiag_field_name(v->data, v->columns[n]), json_value(data, f, value));
	}
	return o;
}

static int show_records(const struct memdiag_diff *d, const struct view *v,
			const struct options *options)
{
	struct json_object *document, *array;
	struct table *table;
	struct diff_row *rows = NULL;
	size_t nr = 0;
	int ret;

	ret = make_rows(d, v, options, &rows, &nr);
	if (ret)
		return ret;
	if (options->limit && nr > options->limit)
		nr = options->limit;
	if (options->given & OPT_JSON) {
		document = json_diff(d->a, d->b, d->elapsed_ns, d->notices);
		array = must(json_object_new_array());
		for (size_t n = 0; n < nr; n++)
			json_object_array_add(array, json_record(d, rows[n].record, v));
		json_add(document, memdiag_section_name(d->b, d->section_b), array);
		json_print(document);
	} else {
		tell_elapsed(d->elapsed_ns, d->notices, options);
		table = diff_table(d, v, options);
		for (size_t n = 0; n < nr; n++)
			diff_cells(table, d, rows[n].record, v, options->given & OPT_BYTES);
		if (!nr)
			puts("nothing changed");
		table_print(table);
	}
	free(rows);
	return tell_notices(d->notices);
}

static int one_section(const struct memdiag_data *a, const struct memdiag_data *b, const char *name,
		       const struct options *options)
{
	struct memdiag_error error;
	struct memdiag_diff *d;
	struct view view = {};
	int ret;

	if (!memdiag_data_find(a, name) && !memdiag_data_find(b, name))
		return usage_error("no snapshot has a section '%s'; 'memdiagctl status' lists them",
				   name);
	if (memdiag_diff(a, b, name, &error, &d))
		return cannot("cannot compare: %s", error.text);
	ret = view_columns(d->b, d->section_b, option_value(options, OPT_OUTPUT),
			   options->given & OPT_JSON, &view);
	if (!ret)
		ret = show_records(d, &view, options);
	view_free(&view);
	memdiag_diff_free(d);
	return ret;
}

int cmd_diff(const struct command *command, const struct options *options)
{
	const char *section = options->nr_args > 2 ? options->args[2] : NULL;
	const char *now = options->nr_args > 1 ? options->args[1] : MEMDIAG_DEVICE;
	char *sections = NULL;
	struct memdiag_data *a = NULL, *b = NULL;
	int ret;

	(void)command;
	/* By name, as it may be one that is collected on request only. */
	if (!section)
		sections = must(strdup("system,slab,vmalloc_caller,memcg,zone,ledger"));
	else if (asprintf(&sections, "system,%s%s", section,
			  strcmp(section, "vmalloc") ? "" : ",vmalloc_caller") < 0)
		no_memory();
	ret = source_load_sections(options->args[0], sections, &a);
	if (!ret)
		ret = source_load_sections(now, sections, &b);
	if (!ret)
		ret = section ? one_section(a, b, section, options) : growth(a, b, options);
	memdiag_data_free(a);
	memdiag_data_free(b);
	free(sections);
	return ret;
}
