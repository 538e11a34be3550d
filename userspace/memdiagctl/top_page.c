// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl top: one screen as text: what the ledger says in short, then the rows of a view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "top.h"

/* Lower than this a screen has the rows only, not the ledger. */
#define HEAD_HEIGHT 10

static const char help_text[] =
	"memdiagctl top: any key goes back, q quits\n"
	"\n"
	"1 slab   2 ledger   3 task   4 cgroup   5 vmalloc\n"
	"6 module 7 zone     8 tmpfs  9 net      0 vmstat    Tab: the next one\n"
	"\n"
	"g        what grew most since the sample before, first\n"
	"< >      sort by the column to the left, to the right\n"
	"r        turn the order round\n"
	"a active_objs    b objs_per_slab   c bytes           l num_slabs\n"
	"v active_slabs   n name            o num_objs        p pages_per_slab\n"
	"s objsize        u share in use    sort the slab caches\n"
	"\n"
	"arrows, page up and down, home, end: move\n"
	"space    take a sample now\n"
	"h ?      this text\n"
	"q        quit\n";

/* A screen that stays has room for changes from the beginning, so that nothing moves. */
static bool is_live(const struct top *top)
{
	return !(top->options->given & (OPT_ONCE | OPT_INPUT));
}

/* --- what changed --------------------------------------------------------- */

/* A row of the view with what became of it. */
struct change {
	struct memdiag_delta delta;
	uint64_t record;
	uint64_t row;
};

/* The changes of one field of all records, by their number; NULL if not comparable. */
static struct change *find_changes(const struct top *top, const struct view *v,
				   const struct memdiag_field *field, bool *rates)
{
	struct change *changes;
	struct memdiag_diff *d;
	uint32_t n;

	*rates = false;
	if (!field || !top->before ||
	    memdiag_diff(top->before, top->data, top->choice->section, NULL, &d))
		return NULL;
	changes = must(calloc(v->section->nr_records + 1, sizeof(*changes)));
	n = memdiag_field_number(top->data, v->section, field);
	*rates = memdiag_diff_has_rates(d, n);
	for (size_t r = 0; r < d->nr_records; r++)
		if (d->records[r].b != MEMDIAG_NO_RECORD)
			memdiag_diff_delta(d, &d->records[r], n, &changes[d->records[r].b].delta);
	memdiag_diff_free(d);
	return changes;
}

/* Growth first, loss last, what cannot be compared behind it. */
static int compare_changes(const void *pa, const void *pb)
{
	const struct change *a = pa, *b = pb;
	int order;

	if (a->delta.known != b->delta.known)
		return a->delta.known ? -1 : 1;
	if (a->delta.negative != b->delta.negative)
		return a->delta.negative ? 1 : -1;
	order = a->delta.amount < b->delta.amount ? 1 : a->delta.amount > b->delta.amount ? -1 : 0;
	if (a->delta.negative)
		order = -order;
	return order ? order : a->row < b->row ? -1 : a->row > b->row;
}

static void sort_by_change(struct view *v, const struct change *changes)
{
	struct change *rows = must(calloc(v->nr_rows + 1, sizeof(*rows)));

	for (uint64_t n = 0; n < v->nr_rows; n++) {
		rows[n] = changes[v->rows[n]];
		rows[n].record = v->rows[n];
		rows[n].row = n;
	}
	qsort(rows, v->nr_rows, sizeof(*rows), compare_changes);
	for (uint64_t n = 0; n < v->nr_rows; n++)
		v->rows[n] = rows[n].record;
	free(rows);
}

/* --- the rows ------------------------------------------------------------- */

/* The column whose changes are shown: the one sorted by, if it has any. */
static const struct memdiag_field *change_field(const struct top *top, const struct view *v)
{
	const char *name = top->sort ? top->sort : top->choice->sort;
	const struct memdiag_field *f;

	for (unsigned int n = 0; name && n < v->nr_columns; n++) {
		f = v->columns[n];
		if (!strcmp(memdiag_field_name(v->data, f), name) && field_is_difference(f))
			return f;
	}
	return view_amount(v);
}

static void add_change(struct table *table, unsigned int column, const struct view *v,
		       const struct memdiag_field *field, const struct change *change, bool rate,
		       bool exact)
{
	char text[FORMAT_SIZE] = "-";

	if (change && rate && change->delta.has_rate) {
		snprintf(text, sizeof(text), "%.1f", change->delta.rate);
	} else if (change && !rate) {
		table_cell(table, column,
			   format_delta(v->data, field, &change->delta, exact, text));
		return;
	}
	table_cell(table, column, text);
}

/* Only the rows that are seen are laid out: there can be thousands of others. */
static char *make_table(struct top *top, struct view *v, uint64_t room)
{
	const struct memdiag_field *field = is_live(top) ? change_field(top, v) : NULL;
	bool exact = top->options->given & OPT_BYTES, rates;
	struct table *table = table_new(true);
	struct change *changes = find_changes(top, v, field, &rates);
	char heading[HEADING_SIZE];

	if (top->by_change && changes)
		sort_by_change(v, changes);
	top->nr_rows = v->nr_rows;
	top->rows = room;
	if (top->first && top->first + room > v->nr_rows)
		top->first = v->nr_rows > room ? v->nr_rows - room : 0;
	for (unsigned int n = 0; n < v->nr_columns; n++) {
		table_column(table, format_heading(v->data, v->section, v->columns[n], heading),
			     memdiag_field_is_number(v->columns[n]));
		if (field && v->columns[n] == field)
			table_column(table, rates ? "per_second" : "change", true);
	}
	for (uint64_t r = top->first; r < v->nr_rows && r - top->first < room; r++) {
		uint64_t record = v->rows[r];
		unsigned int column = 0;
		char text[FORMAT_SIZE];

		table_row(table);
		for (unsigned int n = 0; n < v->nr_columns; n++) {
			const struct memdiag_field *f = v->columns[n];

			table_cell(table, column++,
				   format_record(v->data, v->section, record, f, exact, text));
			if (field && f == field)
				add_change(table, column++, v, f, changes ? &changes[record] : NULL,
					   rates, exact);
		}
	}
	free(changes);
	return table_text(table);
}

/* --- the head ------------------------------------------------------------- */

static const char *const amounts[] = { "total", "free", "available", "slab", "unaccounted" };

/* Adds a line of the ledger, in bytes. Return: whether it is known. */
static bool add_line(const struct memdiag_data *data, const char *line, double *bytes)
{
	const struct memdiag_section *s = memdiag_data_find(data, "ledger");
	const char *name;
	uint64_t pages;

	if (!s || !memdiag_section_has_records(s))
		return false;
	for (uint64_t n = 0; n < s->nr_records; n++) {
		if (memdiag_get_string(data, s, n, "line", &name) || strcmp(name, line) ||
		    memdiag_get(data, s, n, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES, &pages))
			continue;
		*bytes += (double)(int64_t)pages * memdiag_data_header(data)->page_size;
		return true;
	}
	return false;
}

/* One of the amounts, in bytes. Return: whether it is known. */
static bool get_amount(const struct memdiag_data *data, unsigned int which, double *bytes)
{
	static const char *const fields[] = { "mem_total", "mem_free", "mem_available" };
	const struct memdiag_section *s = memdiag_data_find(data, "system");
	uint64_t value;

	*bytes = 0;
	if (which == 3)
		return add_line(data, "slab_reclaimable", bytes) &&
		       add_line(data, "slab_unreclaimable", bytes);
	if (which == 4)
		return add_line(data, "unaccounted", bytes);
	if (!s || !memdiag_section_has_records(s) || !s->nr_records ||
	    memdiag_get_bytes(data, s, 0, fields[which], &value))
		return false;
	*bytes = value;
	return true;
}

static void print_amount(FILE *out, double bytes, bool is_change, bool exact)
{
	double size = bytes < 0 ? -bytes : bytes;
	char text[FORMAT_SIZE];

	if (exact)
		snprintf(text, FORMAT_SIZE - 1, "%.0f", size);
	else
		format_bytes(size, text);
	if (bytes < 0 || is_change)
		format_sign(text, bytes < 0, !size);
	fprintf(out, " %12s", text);
}

/* Lines: names, amounts, and if it is live by how much they changed. */
static void print_amounts(FILE *out, const struct top *top)
{
	bool exact = top->options->given & OPT_BYTES;
	double now, then;

	fprintf(out, "%6s", "");
	for (unsigned int n = 0; n < ARRAY_SIZE(amounts); n++)
		fprintf(out, " %12s", amounts[n]);
	fprintf(out, "\n%-6s", "memory");
	for (unsigned int n = 0; n < ARRAY_SIZE(amounts); n++) {
		if (get_amount(top->data, n, &now))
			print_amount(out, now, false, exact);
		else
			fprintf(out, " %12s", "-");
	}
	fputc('\n', out);
	if (!is_live(top))
		return;
	fprintf(out, "%-6s", "change");
	for (unsigned int n = 0; n < ARRAY_SIZE(amounts); n++) {
		if (top->before && get_amount(top->data, n, &now) &&
		    get_amount(top->before, n, &then))
			print_amount(out, now - then, true, exact);
		else
			fprintf(out, " %12s", "-");
	}
	fputc('\n', out);
}

static void print_title(FILE *out, const struct top *top)
{
	const struct memdiag_section *s = memdiag_data_find(top->data, "system");
	const char *sort = top->sort ? top->sort : top->choice->sort, *release;
	char text[FORMAT_SIZE];

	fputs(top->choice->by, out);
	if (sort && sort_letter_text(sort) && !strcmp(top->choice->section, "slab"))
		sort = sort_letter_text(sort);
	if (top->by_change)
		fputs(" by change", out);
	else if (sort) {
		fputs(" by ", out);
		print_safe(out, sort);
	}
	fprintf(out, "%s, rows ", top->reverse ? " reversed" : "");
	if (top->nr_rows)
		fprintf(out, "%llu-%llu of %llu", (unsigned long long)top->first + 1,
			(unsigned long long)(top->first + top->rows < top->nr_rows
						     ? top->first + top->rows
						     : top->nr_rows),
			(unsigned long long)top->nr_rows);
	else
		fputs("0", out);
	format_time(memdiag_data_header(top->data)->realtime_ns, text);
	fprintf(out, "  %s", text);
	if (s && memdiag_section_has_records(s) && s->nr_records &&
	    !memdiag_get_string(top->data, s, 0, "release", &release)) {
		fputs("  ", out);
		print_safe(out, release);
	}
	fputc('\n', out);
}

/* What has to be known about the rows, "" if nothing. */
static void print_note(FILE *out, const struct top *top, const struct memdiag_section *s)
{
	if (s && s->state != MEMDIAG_STATE_OK) {
		fprintf(out, "section %s is %s: ", top->choice->section,
			memdiag_state_name(s->state));
		print_safe(out, memdiag_data_string(top->data, s->reason));
	} else if (!s) {
		fprintf(out, "this module has no section %s", top->choice->section);
	}
	fputc('\n', out);
}

/**
 * top_page_make() - one screen
 * @top: what is shown, with a sample
 * @height: its lines, from 1; 0 for the head and as many rows as the options allow
 * @page: the result
 *
 * Return: 0 or STATUS_USAGE if there is no such column to sort by.
 */
int top_page_make(struct top *top, unsigned int height, struct top_page *page)
{
	const struct memdiag_section *s = memdiag_data_find(top->data, top->choice->section);
	bool head = !height || height >= HEAD_HEIGHT;
	unsigned int lines = !head ? 1 : is_live(top) ? 6 : 5;
	struct options order = { .given = top->reverse ? OPT_REVERSE : 0 };
	struct view view = {};
	char *table = NULL;
	uint64_t room;
	size_t size;
	FILE *out;
	int ret;

	memset(page, 0, sizeof(*page));
	if (top->help) {
		page->text = must(strdup(help_text));
		page->heading = 0;
		return 0;
	}
	room = !height ? UINT64_MAX / 2 : height > lines ? height - lines : 0;
	if (top->options->limit && top->options->limit < room)
		room = top->options->limit;
	if (top->sort) {
		order.given |= OPT_SORT;
		order.value[__builtin_ctz(OPT_SORT)] = top->sort;
	}
	top->nr_rows = 0;
	if (s && memdiag_section_has_records(s)) {
		ret = view_make(top->data, s, &order, top->choice->sort, 0, &view);
		if (!ret)
			table = make_table(top, &view, room);
		view_free(&view);
		if (ret)
			return ret;
	}
	out = must(open_memstream(&page->text, &size));
	if (head) {
		print_title(out, top);
		print_amounts(out, top);
		print_note(out, top, s);
	} else if (!table) {
		print_note(out, top, s);
	}
	if (table && *table)
		fprintf(out, "%s\n", table);
	page->heading = lines - 1;
	free(table);
	if (fclose(out))
		no_memory();
	return 0;
}

/* Makes lines of a page's text. */
void top_page_split(struct top_page *page)
{
	unsigned int nr = 0, n = 0;

	for (char *at = page->text; *at; at++)
		nr += *at == '\n';
	page->lines = must(calloc(nr + 1, sizeof(*page->lines)));
	for (char *at = page->text; n < nr; n++) {
		char *end = strchr(at, '\n');

		*end = '\0';
		page->lines[n] = at;
		at = end + 1;
	}
}

/* Frees what top_page_make() and top_page_split() allocated. */
void top_page_free(struct top_page *page)
{
	free(page->lines);
	free(page->text);
}

/**
 * top_clip() - the part of a line that fits
 * @line: the line
 * @shift: columns of the terminal to leave out at its beginning
 * @width: columns there are
 * @start: where the part begins
 *
 * Return: its length in bytes.
 */
size_t top_clip(const char *line, unsigned int shift, unsigned int width, const char **start)
{
	unsigned int column = 0;
	mbstate_t state = {};
	const char *at = line;

	*start = NULL;
	while (*at) {
		size_t bytes;
		wchar_t wide;
		int columns;

		bytes = mbrtowc(&wide, at, strlen(at), &state);
		if (bytes == (size_t)-1 || bytes == (size_t)-2)
			break;
		columns = wcwidth(wide);
		if (columns < 0)
			break;
		if (column >= shift && !*start)
			*start = at;
		if (*start && column + columns > shift + width)
			break;
		column += columns;
		at += bytes;
	}
	if (!*start)
		*start = at;
	return at - *start;
}
