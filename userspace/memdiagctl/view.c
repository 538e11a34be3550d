// SPDX-License-Identifier: GPL-2.0-only
/* Which columns and which rows of a section are shown, and in which order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdiagctl.h"

/* What to sort by: a field, or the ratio of two. */
struct order {
	const struct view *view;
	const struct memdiag_field *field;
	const struct memdiag_field *per;
	bool ascending;
};

struct row {
	const struct order *order;
	uint64_t record;
};

/* The letters of slabtop(1) for what memdiag has as a column. */
static const struct slabtop_key {
	char letter;
	const char *column;
	const char *per;
} slabtop_keys[] = {
	{ 'a', "active_objs", NULL },  { 'b', "objs_per_slab", NULL },
	{ 'c', "bytes", NULL },	       { 'l', "num_slabs", NULL },
	{ 'v', "active_slabs", NULL }, { 'n', "name", NULL },
	{ 'o', "num_objs", NULL },     { 'p', "pages_per_slab", NULL },
	{ 's', "objsize", NULL },      { 'u', "active_objs", "num_objs" },
};

/* A field by its name or by the heading of its column; NULL if there is none. */
const struct memdiag_field *column_find(const struct memdiag_data *data,
					const struct memdiag_section *section, const char *name,
					size_t length)
{
	const struct memdiag_field *found = NULL;
	char heading[HEADING_SIZE];

	for (uint32_t n = 0; n < section->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(data, section, n);
		const char *is = memdiag_field_name(data, f);

		if (strlen(is) == length && !memcmp(is, name, length))
			return f;
		is = format_heading(data, section, f, heading);
		if (!found && strlen(is) == length && !memcmp(is, name, length))
			found = f;
	}
	return found;
}

/* Says which columns there are. Return: STATUS_USAGE. */
int unknown_column(const struct memdiag_data *data, const struct memdiag_section *section,
		   const char *name, size_t length)
{
	char *list = NULL, heading[HEADING_SIZE];
	size_t size;
	FILE *stream = must(open_memstream(&list, &size));

	for (uint32_t n = 0; n < section->nr_fields; n++)
		fprintf(stream, "%s%s", n ? "," : "",
			format_heading(data, section, memdiag_field(data, section, n), heading));
	fclose(stream);
	usage_error("section %s has no column '%.*s'; it has %s",
		    memdiag_section_name(data, section), (int)length, name, list);
	free(list);
	return STATUS_USAGE;
}

static void add_column(struct view *view, const struct memdiag_field *field)
{
	for (unsigned int n = 0; n < view->nr_columns; n++)
		if (view->columns[n] == field)
			return;
	view->columns[view->nr_columns++] = field;
}

static void add_usual(struct view *view, bool all)
{
	bool any = false;

	for (uint32_t n = 0; n < view->section->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(view->data, view->section, n);

		if (all || f->flags & MEMDIAG_FIELD_BRIEF) {
			add_column(view, f);
			any = true;
		}
	}
	/* A section that marks none as brief has few. */
	if (!any && !all)
		add_usual(view, true);
}

/**
 * view_columns() - choose the columns
 * @data: the snapshot
 * @section: the section
 * @list: what -o says, or NULL
 * @all: without @list take all columns, not the brief ones
 * @view: the result
 *
 * Return: 0 or STATUS_USAGE.
 */
int view_columns(const struct memdiag_data *data, const struct memdiag_section *section,
		 const char *list, bool all, struct view *view)
{
	view->data = data;
	view->section = section;
	view->columns = must(calloc(section->nr_fields + 1, sizeof(*view->columns)));
	view->nr_columns = 0;
	if (!list || *list == '+')
		add_usual(view, all && !list);
	if (!list)
		return 0;
	list += *list == '+';
	for (;;) {
		size_t length = strcspn(list, ",");
		const struct memdiag_field *field = column_find(data, section, list, length);

		if (field)
			add_column(view, field);
		else if (length == 3 && !memcmp(list, "all", 3))
			add_usual(view, true);
		else
			return unknown_column(data, section, list, length);
		if (!list[length])
			return 0;
		list += length + 1;
	}
}

/* A number that means something if it is subtracted from a later one. */
bool field_is_difference(const struct memdiag_field *field)
{
	return memdiag_field_is_number(field) && field->kind != MEMDIAG_KIND_LABEL;
}

/*
 * What one compares for: the first column with an amount of memory, else the first
 * with a number; NULL if there is none.
 */
const struct memdiag_field *view_amount(const struct view *view)
{
	const struct memdiag_field *number = NULL;

	for (unsigned int n = 0; n < view->nr_columns; n++) {
		if (!field_is_difference(view->columns[n]))
			continue;
		if (memdiag_field_scale(view->data, view->columns[n]))
			return view->columns[n];
		if (!number)
			number = view->columns[n];
	}
	return number;
}

/* What a letter of slabtop(1) sorts by, in words; NULL for any other text. */
const char *sort_letter_text(const char *letter)
{
	for (unsigned int n = 0; n < ARRAY_SIZE(slabtop_keys) && strlen(letter) == 1; n++)
		if (slabtop_keys[n].letter == *letter)
			return slabtop_keys[n].per ? "share in use" : slabtop_keys[n].column;
	return NULL;
}

/* Texts, addresses and keys are looked up; other numbers are asked for the largest. */
bool sorts_ascending(const struct memdiag_field *field)
{
	return !memdiag_field_is_number(field) || field->flags & MEMDIAG_FIELD_KEY;
}

/* The column to sort by, NULL for none; @invert: not in its natural direction. */
const char *sort_column(const struct options *options, const char *default_sort, bool *invert)
{
	const char *name = option_value(options, OPT_SORT);

	*invert = options->given & OPT_REVERSE;
	if (!name)
		return default_sort;
	if (*name == '-') {
		*invert = !*invert;
		name++;
	}
	return name;
}

static int find_order(const struct view *view, const struct options *options,
		      const char *default_sort, struct order *order)
{
	bool given = options->given & OPT_SORT, invert;
	const char *name = sort_column(options, default_sort, &invert);

	order->view = view;
	order->ascending = invert;
	if (!name)
		return 0;
	order->field = column_find(view->data, view->section, name, strlen(name));
	if (!order->field && strlen(name) == 1 &&
	    !strcmp(memdiag_section_name(view->data, view->section), "slab")) {
		for (unsigned int n = 0; n < ARRAY_SIZE(slabtop_keys); n++) {
			const struct slabtop_key *k = &slabtop_keys[n];

			if (k->letter != *name)
				continue;
			order->field = memdiag_field_find(view->data, view->section, k->column);
			if (k->per)
				order->per = memdiag_field_find(view->data, view->section, k->per);
		}
	}
	if (!order->field)
		return given ? unknown_column(view->data, view->section, name, strlen(name)) : 0;
	order->ascending = sorts_ascending(order->field) != invert;
	return 0;
}

static bool row_value(const struct row *row, const struct memdiag_field *field, uint64_t *value)
{
	const struct view *v = row->order->view;

	*value = memdiag_value(v->data, v->section, row->record, field);
	return !memdiag_value_is_absent(*value);
}

static int compare_values(const struct order *o, uint64_t a, uint64_t b)
{
	if (o->field->type == MEMDIAG_TYPE_STR)
		return strcmp(memdiag_data_string(o->view->data, a),
			      memdiag_data_string(o->view->data, b));
	if (o->field->type == MEMDIAG_TYPE_S64)
		return (int64_t)a < (int64_t)b ? -1 : a != b;
	return a < b ? -1 : a > b;
}

static int compare_ratios(double a, double per_a, double b, double per_b)
{
	double ratio_a = per_a ? a / per_a : 0, ratio_b = per_b ? b / per_b : 0;

	return ratio_a < ratio_b ? -1 : ratio_a > ratio_b;
}

/* Absent values come last in either direction; ties stay in the kernel's order. */
static int compare_rows(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	const struct order *o = a->order;
	uint64_t value_a, value_b, per_a = 1, per_b = 1;
	bool has_a = row_value(a, o->field, &value_a), has_b = row_value(b, o->field, &value_b);
	int order = 0;

	if (o->per) {
		has_a = row_value(a, o->per, &per_a) && has_a;
		has_b = row_value(b, o->per, &per_b) && has_b;
	}
	if (has_a != has_b)
		return has_a ? -1 : 1;
	if (has_a)
		order = o->per ? compare_ratios(value_a, per_a, value_b, per_b)
			       : compare_values(o, value_a, value_b);
	if (order)
		return o->ascending ? order : -order;
	return a->record < b->record ? -1 : a->record > b->record;
}

static void make_rows(struct view *view, const struct order *order, unsigned long limit)
{
	uint64_t nr = view->section->nr_records;
	struct row *rows = must(calloc(nr + 1, sizeof(*rows)));

	for (uint64_t n = 0; n < nr; n++)
		rows[n] = (struct row){ order, order->field || !order->ascending ? n : nr - 1 - n };
	if (order->field)
		qsort(rows, nr, sizeof(*rows), compare_rows);
	view->nr_rows = limit && limit < nr ? limit : nr;
	view->rows = must(calloc(view->nr_rows + 1, sizeof(*view->rows)));
	for (uint64_t n = 0; n < view->nr_rows; n++)
		view->rows[n] = rows[n].record;
	free(rows);
}

/**
 * view_make() - what of a section is shown
 * @data: the snapshot
 * @section: a section of it with records
 * @options: -o, --sort, --reverse, --json
 * @default_sort: column to sort by without --sort, NULL for the kernel's order
 * @limit: number of rows, 0 for all
 * @view: the result, to be freed with view_free(); valid on failure, too
 *
 * Return: 0 or STATUS_USAGE.
 */
int view_make(const struct memdiag_data *data, const struct memdiag_section *section,
	      const struct options *options, const char *default_sort, unsigned long limit,
	      struct view *view)
{
	struct order order = {};
	int ret;

	memset(view, 0, sizeof(*view));
	ret = view_columns(data, section, option_value(options, OPT_OUTPUT),
			   options->given & OPT_JSON, view);
	if (!ret)
		ret = find_order(view, options, default_sort, &order);
	if (!ret)
		make_rows(view, &order, limit);
	return ret;
}

/* Frees what view_make() or view_columns() allocated. */
void view_free(struct view *view)
{
	free(view->columns);
	free(view->rows);
}
