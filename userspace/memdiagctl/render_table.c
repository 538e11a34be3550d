// SPDX-License-Identifier: GPL-2.0-only
/* Tables for people, through libsmartcols. */
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memdiagctl.h"

/*
 * Bytes of blanks that a table may have to align so much text. One very wide cell makes
 * all rows as wide, so that a small file would become a huge table.
 */
#define MAX_BLANKS(text) ((1 << 20) + 64 * (text))

/* On a terminal: how far the widest text and the others may be cut, before columns go. */
#define CUT_WIDEST 20
#define CUT_OTHER 14

/**
 * struct table - a table that is being filled
 * @scols: the table of libsmartcols
 * @line: its last row; to ask libsmartcols for it takes a walk over all rows
 * @headings: the names of the columns are printed
 * @whole: no column is left out for a terminal
 * @widths: bytes in the longest cell of each column
 * @nr_columns: number of @widths
 * @nr_rows: rows so far
 * @text: bytes in all cells
 */
struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	bool headings;
	bool whole;
	size_t *widths;
	unsigned int nr_columns;
	uint64_t nr_rows;
	uint64_t text;
};

/* An empty table. */
struct table *table_new(bool headings)
{
	struct table *table = must(calloc(1, sizeof(*table)));

	table->headings = headings;
	table->scols = must(scols_new_table());
	/* As wide as the data: names are never cut, and a pipe sees what a terminal sees. */
	scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_noheadings(table->scols, !headings);
	scols_table_enable_colors(table->scols, 0);
	return table;
}

/* Adds a column; numbers stand to the right. */
void table_column(struct table *table, const char *name, bool right)
{
	size_t size = (table->nr_columns + 1) * sizeof(*table->widths);

	must(scols_table_new_column(table->scols, name, 0, right ? SCOLS_FL_RIGHT : 0));
	table->widths = must(realloc(table->widths, size));
	table->widths[table->nr_columns++] = strlen(name);
}

/* Adds a row; table_cell() fills it. */
void table_row(struct table *table)
{
	table->line = must(scols_table_new_line(table->scols, NULL));
	table->nr_rows++;
}

/* A table of columns that were asked for stays whole on a terminal, too. */
void table_whole(struct table *table)
{
	table->whole = true;
}

/* Marks the last row as bad news. */
static void table_alarm(struct table *table)
{
	if (isatty(STDOUT_FILENO) && !getenv("NO_COLOR"))
		scols_line_set_color(table->line, "red");
}

/* Fills a cell of the last row. */
void table_cell(struct table *table, unsigned int column, const char *text)
{
	size_t length = strlen(text);

	table->text += length;
	if (length > table->widths[column])
		table->widths[column] = length;
	if (scols_line_set_data(table->line, column, length ? text : "-"))
		no_memory();
}

static bool can_be_aligned(const struct table *table)
{
	uint64_t width = 0, area;

	for (unsigned int n = 0; n < table->nr_columns; n++)
		width += table->widths[n];
	return !__builtin_mul_overflow(width, table->nr_rows, &area) &&
	       area <= MAX_BLANKS(table->text);
}

/* The cells of each row with a blank between them. */
static void print_unaligned(const struct table *table, FILE *out)
{
	struct libscols_iter *rows = must(scols_new_iter(SCOLS_ITER_FORWARD));
	struct libscols_line *line;

	for (unsigned int n = 0; table->headings && n < table->nr_columns; n++) {
		struct libscols_column *column = scols_table_get_column(table->scols, n);

		fprintf(out, "%s%s", n ? " " : "",
			scols_cell_get_data(scols_column_get_header(column)));
	}
	if (table->headings)
		fputc('\n', out);
	while (!scols_table_next_line(table->scols, rows, &line)) {
		for (unsigned int n = 0; n < table->nr_columns; n++) {
			if (n)
				fputc(' ', out);
			print_safe(out, scols_cell_get_data(scols_line_get_cell(line, n)));
		}
		fputc('\n', out);
	}
	scols_free_iter(rows);
}

static void table_write(struct table *table, FILE *out)
{
	scols_table_set_stream(table->scols, out);
	if (can_be_aligned(table))
		scols_print_table(table->scols);
	else
		print_unaligned(table, out);
	table_free(table);
}

/* Frees a table, printed or not. */
void table_free(struct table *table)
{
	scols_unref_table(table->scols);
	free(table->widths);
	free(table);
}

/* Columns of the terminal; 0 if stdout is none. */
static unsigned int terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

/* The least width of a column: numbers are never cut. */
static size_t least_width(const struct table *table, unsigned int n, unsigned int widest)
{
	size_t cut = n == widest ? CUT_WIDEST : CUT_OTHER;

	if (scols_column_is_right(scols_table_get_column(table->scols, n)))
		return table->widths[n];
	return table->widths[n] < cut ? table->widths[n] : cut;
}

/*
 * Cuts texts, then leaves out columns from the right, until @width is enough.
 * Return: number of the columns that are left.
 */
static unsigned int table_fit(struct table *table, unsigned int width)
{
	unsigned int kept = table->nr_columns, widest = table->nr_columns;
	size_t needed = 0;

	for (unsigned int n = 0; n < table->nr_columns; n++) {
		struct libscols_column *column = scols_table_get_column(table->scols, n);

		if (scols_column_is_right(column))
			continue;
		scols_column_set_flags(column, SCOLS_FL_TRUNC);
		if (widest == table->nr_columns || table->widths[n] > table->widths[widest])
			widest = n;
	}
	for (unsigned int n = 0; n < table->nr_columns; n++)
		needed += least_width(table, n, widest) + !!n;
	while (kept > 1 && needed > width) {
		kept--;
		needed -= least_width(table, kept, widest) + 1;
		scols_column_set_flags(scols_table_get_column(table->scols, kept), SCOLS_FL_HIDDEN);
	}
	scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(table->scols, width);
	return kept;
}

/* Prints and frees. Return: STATUS_DONE; main() sees to errors of stdout. */
int table_print(struct table *table)
{
	unsigned int width = terminal_width(), nr = table->nr_columns, kept = nr;
	char *hidden = NULL;
	size_t size;
	FILE *list = must(open_memstream(&hidden, &size));

	if (width)
		scols_table_enable_colors(table->scols, 1);
	if (width && !table->whole)
		kept = table_fit(table, width);
	for (unsigned int n = kept; n < nr; n++)
		fprintf(list, "%s %s", n == kept ? "" : ",",
			scols_cell_get_data(
				scols_column_get_header(scols_table_get_column(table->scols, n))));
	if (fclose(list))
		no_memory();
	table_write(table, stdout);
	if (*hidden)
		printf("%u column%s not shown:%s; '| cat' shows all\n", nr - kept,
		       nr - kept > 1 ? "s" : "", hidden);
	free(hidden);
	return STATUS_DONE;
}

/* Frees the table. Return: it as text, without the last newline; to be freed. */
char *table_text(struct table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = must(open_memstream(&text, &size));

	table_write(table, out);
	if (fclose(out))
		no_memory();
	if (size)
		text[size - 1] = '\0';
	return text;
}

/* Prints a section; @title stands over the first column if it is not NULL. */
int render_titled(const struct view *view, const struct options *options, const char *title)
{
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	char buffer[FORMAT_SIZE], heading[HEADING_SIZE];

	for (unsigned int n = 0; n < view->nr_columns; n++)
		table_column(table,
			     title && !n ? title
					 : format_heading(view->data, view->section,
							  view->columns[n], heading),
			     memdiag_field_is_number(view->columns[n]));
	if (options->given & OPT_OUTPUT)
		table_whole(table);
	for (uint64_t r = 0; r < view->nr_rows; r++) {
		const char *state;

		table_row(table);
		if (!memdiag_get_string(view->data, view->section, view->rows[r], "state",
					&state) &&
		    (!strcmp(state, "below low") || !strcmp(state, "below min")))
			table_alarm(table);
		for (unsigned int n = 0; n < view->nr_columns; n++) {
			const char *text =
				format_record(view->data, view->section, view->rows[r],
					      view->columns[n], options->given & OPT_BYTES, buffer);

			table_cell(table, n,
				   merged_value(view->data, view->section, view->columns[n], text));
		}
	}
	return table_print(table);
}

/* Prints a section. */
int render_table(const struct view *view, const struct options *options)
{
	return render_titled(view, options, NULL);
}
