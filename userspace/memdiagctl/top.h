/* SPDX-License-Identifier: GPL-2.0-only */
/* memdiagctl top: samples (cmd_top.c), text (top_page.c), keys and terminal (top_*.c). */
#ifndef _MEMDIAGCTL_TOP_H
#define _MEMDIAGCTL_TOP_H

#include "memdiagctl.h"

/* Keys that are no character. */
enum top_key {
	TOP_UP = 256,
	TOP_DOWN,
	TOP_PAGE_UP,
	TOP_PAGE_DOWN,
	TOP_LEFT,
	TOP_RIGHT,
	TOP_FIRST,
	TOP_LAST,
};

/* What has to be done after a key. */
enum top_action {
	TOP_NOTHING,
	TOP_DRAW,
	TOP_SAMPLE,
	TOP_QUIT,
};

/**
 * struct top - what is shown
 * @options: the command line
 * @choices: the views, in the order of their digits
 * @choice: the view that is shown
 * @sort: column to sort by, owned; NULL: that of the view
 * @reverse: the other way round
 * @by_change: sorted by what grew since the sample before
 * @help: the keys are shown instead
 * @first: first row shown
 * @shift: so many columns of the terminal are left out at the left
 * @rows: rows on the last page made
 * @nr_rows: rows there were for it
 * @data: the last sample
 * @before: the one before it, NULL if there is none of this view
 */
struct top {
	const struct options *options;
	const struct choice *choices;
	const struct choice *choice;
	char *sort;
	bool reverse;
	bool by_change;
	bool help;
	uint64_t first;
	unsigned int shift;
	uint64_t rows;
	uint64_t nr_rows;
	struct memdiag_data *data;
	struct memdiag_data *before;
};

/**
 * struct top_page - one screen as text
 * @text: the lines, each with a newline
 * @lines: where they begin, NULL behind the last; with top_page_split()
 * @heading: number of the line with the names of columns; no more than the lines
 *	there are, and then there is none
 */
struct top_page {
	char *text;
	char **lines;
	unsigned int heading;
};

/* cmd_top.c */
int top_sample(struct top *top);
void top_forget(struct top *top);

/* top_keys.c */
enum top_action top_press(struct top *top, int key);

/* top_page.c */
int top_page_make(struct top *top, unsigned int height, struct top_page *page);
void top_page_split(struct top_page *page);
void top_page_free(struct top_page *page);
size_t top_clip(const char *line, unsigned int shift, unsigned int width, const char **start);

/* top_screen.c, if there is curses */
int top_live(struct top *top);

#endif /* _MEMDIAGCTL_TOP_H */
