// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl top: what the keys do. */
#include <stdlib.h>
#include <string.h>

#include "top.h"

#define SHIFT_STEP 8

static enum top_action set_sort(struct top *top, const char *column)
{
	free(top->sort);
	top->sort = column ? must(strdup(column)) : NULL;
	top->reverse = false;
	top->by_change = false;
	top->first = 0;
	return TOP_DRAW;
}

/* Another view has other columns, and nothing before it to compare with. */
static enum top_action set_choice(struct top *top, const struct choice *choice)
{
	if (choice == top->choice)
		return TOP_NOTHING;
	top->choice = choice;
	top->shift = 0;
	set_sort(top, NULL);
	top_forget(top);
	return TOP_SAMPLE;
}

/* The column beside the one that is sorted by. */
static enum top_action sort_beside(struct top *top, int step)
{
	const struct memdiag_section *s = memdiag_data_find(top->data, top->choice->section);
	const char *name = top->sort ? top->sort : top->choice->sort;
	struct view view = {};
	int at = -1, ret;

	if (!s || !memdiag_section_has_records(s))
		return TOP_NOTHING;
	ret = view_columns(top->data, s, NULL, false, &view);
	for (int n = 0; !ret && name && n < (int)view.nr_columns; n++)
		if (!strcmp(memdiag_field_name(top->data, view.columns[n]), name))
			at = n;
	at = at < 0 ? 0 : at + step;
	if (!ret && at >= 0 && at < (int)view.nr_columns)
		set_sort(top, memdiag_field_name(top->data, view.columns[at]));
	view_free(&view);
	return TOP_DRAW;
}

static enum top_action scroll(struct top *top, int key)
{
	uint64_t last = top->nr_rows > top->rows ? top->nr_rows - top->rows : 0;
	uint64_t step = key == TOP_UP || key == TOP_DOWN ? 1 : top->rows;

	switch (key) {
	case TOP_FIRST:
		top->first = 0;
		break;
	case TOP_LAST:
		top->first = last;
		break;
	case TOP_UP:
	case TOP_PAGE_UP:
		top->first -= step < top->first ? step : top->first;
		break;
	default:
		top->first = top->first + step < last ? top->first + step : last;
	}
	return TOP_DRAW;
}

/**
 * top_press() - what a key does
 * @top: what is shown, with a sample
 * @key: a character or an enum top_key
 *
 * Return: what has to be done now.
 */
enum top_action top_press(struct top *top, int key)
{
	const char letter[2] = { key < TOP_UP ? key : 0 };
	unsigned int nr = 0;

	if (key == 'q')
		return TOP_QUIT;
	if (top->help) {
		top->help = false;
		return TOP_DRAW;
	}
	while (top->choices[nr].section)
		nr++;
	/* 0 stands behind 9 on a keyboard. */
	if (*letter >= '0' && *letter <= '9') {
		unsigned int n = (*letter - '0' + 9) % 10;

		return n < nr ? set_choice(top, &top->choices[n]) : TOP_NOTHING;
	}
	switch (key) {
	case ' ':
	case '\n':
	case '\r':
		return TOP_SAMPLE;
	case '\t':
		return set_choice(top, &top->choices[(top->choice - top->choices + 1) % nr]);
	case 'h':
	case '?':
		top->help = true;
		return TOP_DRAW;
	case 'r':
		top->reverse = !top->reverse;
		top->first = 0;
		return TOP_DRAW;
	case 'g':
		top->by_change = !top->by_change;
		top->reverse = false;
		top->first = 0;
		return TOP_DRAW;
	case '<':
		return sort_beside(top, -1);
	case '>':
		return sort_beside(top, 1);
	case TOP_LEFT:
		top->shift -= top->shift < SHIFT_STEP ? top->shift : SHIFT_STEP;
		return TOP_DRAW;
	case TOP_RIGHT:
		/* No line is longer. */
		top->shift += top->shift < 4096 ? SHIFT_STEP : 0;
		return TOP_DRAW;
	}
	if (key >= TOP_UP)
		return scroll(top, key);
	if (*letter && !strcmp(top->choice->section, "slab") && sort_letter_text(letter))
		return set_sort(top, letter);
	return TOP_NOTHING;
}
