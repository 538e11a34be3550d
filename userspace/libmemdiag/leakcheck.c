// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leakcheck keeps of each look: a row per thing and a count per look.
 *
 * Only numbers are kept, not the snapshots: a thousand cycles have to fit.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "leakcheck.h"

static int compare_rows(const void *pa, const void *pb)
{
	const struct leak_row *a = pa, *b = pb;
	int order;

	if (a->tracked != b->tracked)
		return a->tracked ? 1 : -1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	order = strcmp(a->cache, b->cache);
	return order ? order : strcmp(a->name, b->name);
}

static void free_row(struct leak_row *row)
{
	if (!row)
		return;
	free(row->name);
	free(row->cache);
	free(row->module);
	free(row->counts);
	free(row);
}

/**
 * memdiag_leakcheck_new() - nothing seen yet
 * @check: the result, to be freed with memdiag_leakcheck_free()
 *
 * Return: 0 or -ENOMEM.
 */
int memdiag_leakcheck_new(struct memdiag_leakcheck **check)
{
	struct memdiag_leakcheck *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->tracked = true;
	c->counted = ~0u;
	*check = c;
	return 0;
}

/**
 * memdiag_leakcheck_settled() - say what is done before each look
 * @check: the check, without a look
 * @shrunk: lists of free objects of all CPUs are emptied, so that no object in them
 *	counts as in use
 * @dropped: caches are dropped, so that what is reclaimable and stays is in use, too
 */
void memdiag_leakcheck_settled(struct memdiag_leakcheck *check, bool shrunk, bool dropped)
{
	check->exact = shrunk;
	check->reclaimed = dropped;
}

/**
 * memdiag_leakcheck_confirm() - judge counts by what comes, too
 * @check: the check, with a look after the cycles
 *
 * What grew by chance until now made somebody ask for more. So a count must also grow, as
 * a leak does, in the looks from the last one on.
 */
void memdiag_leakcheck_confirm(struct memdiag_leakcheck *check)
{
	check->confirm = check->nr_looks - 1;
}

static void keep_node(void *node)
{
	/* Rows are freed by their list. */
	(void)node;
}

/**
 * memdiag_leakcheck_free() - forget it
 * @check: the check or NULL
 */
void memdiag_leakcheck_free(struct memdiag_leakcheck *check)
{
	if (!check)
		return;
	tdestroy(check->tree, keep_node);
	for (size_t n = 0; n < check->nr_rows; n++)
		free_row(check->rows[n]);
	free(check->rows);
	free(check->looks);
	free(check);
}

/* The row like @like, made if it is not there; NULL if there is no memory. */
static struct leak_row *find_row(struct memdiag_leakcheck *check, const struct leak_row *like)
{
	struct leak_row **found = tfind(like, &check->tree, compare_rows);
	struct leak_row *row, **rows;

	if (found)
		return *found;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	*row = *like;
	/* What says nothing of its size. */
	if (!row->unit)
		row->unit = 1;
	row->name = strdup(like->name);
	row->cache = strdup(like->cache);
	row->module = strdup(like->module);
	row->counts = calloc(check->room, sizeof(*row->counts));
	rows = realloc(check->rows, (check->nr_rows + 1) * sizeof(*rows));
	if (rows)
		check->rows = rows;
	if (!row->name || !row->cache || !row->module || !row->counts || !rows ||
	    !tsearch(row, &check->tree, compare_rows)) {
		free_row(row);
		return NULL;
	}
	check->rows[check->nr_rows++] = row;
	return row;
}

/**
 * leak_find_cache() - what was counted of a slab cache
 * @check: the check
 * @name: of the cache
 *
 * Return: its row, or NULL if it was never seen.
 */
const struct leak_row *leak_find_cache(const struct memdiag_leakcheck *check, const char *name)
{
	const struct leak_row like = {
		.kind = MEMDIAG_LEAK_SLAB,
		.name = (char *)name,
		.cache = "",
		.module = "",
		.order = MEMDIAG_ABSENT,
	};
	struct leak_row *const *found = tfind(&like, &check->tree, compare_rows);

	return found ? *found : NULL;
}

/* Adds to what the last look has of a thing: several records may be one thing. */
int leak_add_count(struct memdiag_leakcheck *check, const struct leak_row *like,
		   const struct leak_count *count)
{
	struct leak_row *row = find_row(check, like);
	struct leak_count *last;

	if (!row)
		return -ENOMEM;
	last = &row->counts[check->nr_looks - 1];
	last->bytes += count->bytes;
	last->objects += count->objects;
	last->doubt += count->doubt;
	return 0;
}

/* Makes room for more looks. */
static int grow(struct memdiag_leakcheck *check)
{
	unsigned int room = check->room ? check->room * 2 : 16;
	struct leak_look *looks = realloc(check->looks, room * sizeof(*looks));

	if (!looks)
		return -ENOMEM;
	check->looks = looks;
	for (size_t n = 0; n < check->nr_rows; n++) {
		struct leak_row *row = check->rows[n];
		struct leak_count *counts = realloc(row->counts, room * sizeof(*counts));

		if (!counts)
			return -ENOMEM;
		memset(counts + check->room, 0, (room - check->room) * sizeof(*counts));
		row->counts = counts;
	}
	check->room = room;
	return 0;
}

static const struct leak_count nothing;

/* Takes the last counts out, into @before, one per row. */
static struct leak_count *forget_look(struct memdiag_leakcheck *check)
{
	struct leak_count *before = calloc(check->nr_rows + 1, sizeof(*before));

	for (size_t n = 0; before && n < check->nr_rows; n++) {
		struct leak_count *last = &check->rows[n]->counts[check->nr_looks - 1];

		before[n] = *last;
		memset(last, 0, sizeof(*last));
	}
	return before;
}

/*
 * Of two looks at the same, the smaller count is the right one: what somebody has for a
 * moment only adds. Of two that are the same, that one is right which is surer. What the
 * first one did not have, is not there to stay.
 *
 * Return: whether something had grown since the look before, and is less now.
 */
static bool keep_smaller(struct memdiag_leakcheck *check, const struct leak_count *before,
			 size_t nr_before)
{
	unsigned int at = check->nr_looks - 1;
	bool fell = false;

	for (size_t n = 0; n < check->nr_rows; n++) {
		struct leak_count *now = &check->rows[n]->counts[at];
		const struct leak_count *was = n < nr_before ? &before[n] : &nothing;

		fell |= now->bytes < was->bytes && (!at || was->bytes > now[-1].bytes);
		if (was->bytes < now->bytes ||
		    (was->bytes == now->bytes && was->doubt < now->doubt))
			*now = *was;
	}
	return fell;
}

/* Has anything grown since the look before? */
static bool has_grown(const struct memdiag_leakcheck *check)
{
	unsigned int at = check->nr_looks - 1;

	for (size_t n = 0; n < check->nr_rows; n++)
		if (!at || check->rows[n]->counts[at].bytes > check->rows[n]->counts[at - 1].bytes)
			return true;
	return false;
}

/**
 * memdiag_leakcheck_add() - take the counts of a snapshot
 * @check: the check
 * @look: what was done before; MEMDIAG_LOOK_AGAIN keeps of each thing what there was
 *	least of, now or in the last snapshot. All MEMDIAG_LOOK_IDLE come before the first
 *	MEMDIAG_LOOK_CYCLES
 * @cycles: for MEMDIAG_LOOK_CYCLES: how many there were since the last look, the
 *	same number each time or nearly so
 * @data: a snapshot, not needed afterwards
 * @again: one more MEMDIAG_LOOK_AGAIN may show less: something has grown since the look
 *	before; or had grown, and is less than in the last snapshot. May be NULL
 *
 * Return: 0 or -ENOMEM.
 */
int memdiag_leakcheck_add(struct memdiag_leakcheck *check, enum memdiag_leak_look look,
			  unsigned int cycles, const struct memdiag_data *data, bool *again)
{
	struct leak_count *before = NULL;
	size_t nr_before = check->nr_rows;
	bool unsettled = false;
	int ret = 0;

	if (look == MEMDIAG_LOOK_AGAIN) {
		before = forget_look(check);
		ret = before ? 0 : -ENOMEM;
	} else {
		check->nr_idle += look == MEMDIAG_LOOK_IDLE;
		check->cycles += look == MEMDIAG_LOOK_CYCLES ? cycles : 0;
		ret = check->nr_looks == check->room ? grow(check) : 0;
	}
	if (ret)
		return ret;
	check->nr_looks += look != MEMDIAG_LOOK_AGAIN;
	check->looks[check->nr_looks - 1] = (struct leak_look){
		.at = check->cycles,
		.when_ns = memdiag_data_header(data)->start_ns,
	};
	ret = leak_take_counts(check, data);
	if (!ret)
		unsettled = before ? keep_smaller(check, before, nr_before) : has_grown(check);
	if (again)
		*again = unsettled;
	free(before);
	return ret;
}
