// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl top: its samples. Pages, keys and the terminal are in files of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* What a screen has if nobody says otherwise. */
#define ONCE_HEIGHT 24

/* Forgets both samples. */
void top_forget(struct top *top)
{
	memdiag_data_free(top->before);
	memdiag_data_free(top->data);
	top->before = NULL;
	top->data = NULL;
}

/*
 * Takes the next sample, of the sections that the view needs and no others.
 * Return: 0 or what source_get() said.
 */
int top_sample(struct top *top)
{
	struct memdiag_data *data;
	char *sections;
	int ret;

	if (asprintf(&sections, "system,ledger,%s", top->choice->section) < 0)
		no_memory();
	ret = source_get(top->options, sections, &data);
	free(sections);
	if (ret)
		return ret;
	memdiag_data_free(top->before);
	top->before = top->data;
	top->data = data;
	return 0;
}

static int once(struct top *top)
{
	const struct memdiag_section *section;
	struct top_page page;
	int ret, status;

	ret = top_sample(top);
	if (ret)
		return ret;
	status = source_section(top->data, top->choice->section, &section);
	if (status && status != STATUS_PARTIAL)
		return status;
	ret = top_page_make(top, top->options->limit ? 0 : ONCE_HEIGHT, &page);
	if (ret)
		return ret;
	fputs(page.text, stdout);
	top_page_free(&page);
	return status;
}

int cmd_top(const struct command *command, const struct options *options)
{
	struct top top = {
		.options = options,
		.choices = command->choices,
		.choice = choice_find(command, options),
		.reverse = options->given & OPT_REVERSE,
	};
	const char *sort = option_value(options, OPT_SORT);
	int ret;

	if (!top.choice)
		return STATUS_USAGE;
	if (options->given & OPT_DELAY && options->given & (OPT_ONCE | OPT_INPUT))
		return usage_error("--delay does not go with --once and --input");
	if (sort && *sort == '-')
		top.reverse = !top.reverse;
	if (sort)
		top.sort = must(strdup(sort + (*sort == '-')));
	if (options->given & (OPT_ONCE | OPT_INPUT))
		ret = once(&top);
	else
#ifdef MEMDIAG_CURSES
		ret = top_live(&top);
#else
		ret = cannot(
			"cannot show anything live: this memdiagctl was built without curses; 'memdiagctl top --once' prints one screen");
#endif
	top_forget(&top);
	free(top.sort);
	return ret;
}
