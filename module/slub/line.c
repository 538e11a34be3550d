// SPDX-License-Identifier: GPL-2.0-only
/*
 * One slab cache from the line that the kernel prints about it into
 * /proc/slabinfo, by its own ->show().
 *
 * Locks: the caller holds slab_mutex; the kernel takes what it needs inside.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "slub.h"

/* Cut the last number off a text. */
static int slab_cut_number(char *text, u64 *value)
{
	char *number;

	strim(text);
	number = strrchr(text, ' ');
	if (!number || kstrtou64(number + 1, 10, value))
		return -EINVAL;
	*number = '\0';
	return 0;
}

/**
 * memdiag_slab_line_parse() - take a line of /proc/slabinfo apart
 * @text: one line without newline; changed, and the name points into it
 * @line: out: the numbers
 *
 * The name may contain anything, also spaces and colons; so the fixed columns
 * are found from the right.
 *
 * Return: 0, or -EINVAL if it is not such a line.
 */
int memdiag_slab_line_parse(char *text, struct memdiag_slab_line *line)
{
	static const char tunables[] = " : tunables ";
	static const char slabdata[] = " : slabdata ";
	char *at, *rest, *columns = NULL;
	u64 shared_avail;

	for (at = strstr(text, tunables); at; at = strstr(at + 1, tunables))
		columns = at;
	if (!columns)
		return -EINVAL;
	*columns = '\0';
	columns = strstr(columns + 1, slabdata);
	if (!columns)
		return -EINVAL;
	columns += sizeof(slabdata) - 2;
	/* CONFIG_SLAB appends statistics. */
	rest = strstr(columns, " : ");
	if (rest)
		*rest = '\0';
	if (slab_cut_number(columns, &shared_avail) ||
	    slab_cut_number(columns, &line->num_slabs) ||
	    slab_cut_number(columns, &line->active_slabs) ||
	    slab_cut_number(text, &line->pages_per_slab) ||
	    slab_cut_number(text, &line->objs_per_slab) ||
	    slab_cut_number(text, &line->objsize) ||
	    slab_cut_number(text, &line->num_objs) ||
	    slab_cut_number(text, &line->active_objs))
		return -EINVAL;
	/* What is left is the name, padded to its column. */
	for (at = text + strlen(text); at > text && at[-1] == ' '; at--)
		at[-1] = '\0';
	line->name = text;
	return 0;
}

/**
 * memdiag_slab_line_show() - let the kernel print one cache, and parse that
 * @m: prepared by memdiag_ops_seq()
 * @entry: what the borrowed ->start() or ->next() returned
 * @line: out: the numbers; its name is valid until the next call
 *
 * Context: slab_mutex is held.
 *
 * Return: 0, -EINVAL if the line was not understood, -E2BIG if it is too long.
 */
int memdiag_slab_line_show(struct seq_file *m, void *entry,
			   struct memdiag_slab_line *line)
{
	char *text;

	m->count = 0;
	if (m->op->show(m, entry))
		return -EINVAL;
	if (seq_has_overflowed(m))
		return -E2BIG;
	m->buf[m->count] = '\0';
	if (m->count && m->buf[m->count - 1] == '\n')
		m->buf[m->count - 1] = '\0';
	/* The first cache brings the two head lines with it. */
	text = strrchr(m->buf, '\n');
	return memdiag_slab_line_parse(text ? text + 1 : m->buf, line);
}
