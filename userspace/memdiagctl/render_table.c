// SPDX-License-Identifier: GPL-2.0-only
/* Tables for people, through libsmartcols. */
#include <libsmartcols.h>
#include <stdio.h>

#include "memdiagctl.h"

/* An empty table. */
struct libscols_table *table_new(bool headings)
{
	struct libscols_table *table = must(scols_new_table());

	/* As wide as the data: names are never cut, and a pipe sees what a terminal sees. */
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_noheadings(table, !headings);
	scols_table_enable_colors(table, 0);
	return table;
}

/* Adds a column; numbers stand to the right. */
void table_column(struct libscols_table *table, const char *name, bool right)
{
	must(scols_table_new_column(table, name, 0, right ? SCOLS_FL_RIGHT : 0));
}

/* Adds a row; table_cell() fills it. */
void table_row(struct libscols_table *table)
{
	must(scols_table_new_line(table, NULL));
}

/* Fills a cell of the last row. */
void table_cell(struct libscols_table *table, unsigned int column, const char *text)
{
	struct libscols_line *line = scols_table_get_line(table, scols_table_get_nlines(table) - 1);

	if (scols_line_set_data(line, column, *text ? text : "-"))
		no_memory();
}

/* Prints and frees. Return: STATUS_DONE; main() sees to errors of stdout. */
int table_print(struct libscols_table *table)
{
	scols_print_table(table);
	scols_unref_table(table);
	return STATUS_DONE;
}

/* Frees the table. Return: it as text, without the last newline; to be freed. */
char *table_text(struct libscols_table *table)
{
	char *text = NULL;

	if (scols_print_table_to_string(table, &text) || !text)
		no_memory();
	scols_unref_table(table);
	return text;
}

/* Prints a section. */
int render_table(const struct view *view, const struct options *options)
{
	struct libscols_table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	char buffer[FORMAT_SIZE];

	for (unsigned int n = 0; n < view->nr_columns; n++)
		table_column(table, memdiag_field_name(view->data, view->columns[n]),
			     memdiag_field_is_number(view->columns[n]));
	for (uint64_t r = 0; r < view->nr_rows; r++) {
		table_row(table);
		for (unsigned int n = 0; n < view->nr_columns; n++) {
			uint64_t value = memdiag_value(view->data, view->section, view->rows[r],
						       view->columns[n]);

			table_cell(table, n,
				   format_value(view->data, view->columns[n], value,
						options->given & OPT_BYTES, buffer));
		}
	}
	return table_print(table);
}
