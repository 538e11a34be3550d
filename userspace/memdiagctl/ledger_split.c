// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl ledger --by order: what unaccounted consists of.
 *
 * The ledger knows how much no counter claims, the census what lies where and does
 * not say whose it is. The census cannot tell the pages of vmalloc(), percpu memory
 * and kernel stacks from those that nobody counts, but the ledger has their number:
 * so all pieces are shown by order and migrate type, then what the ledger claims of
 * them, and what is left is unaccounted. What is claimed is in pieces of one page, as
 * vmalloc() splits what it takes; only large blocks of kmalloc(), and stacks where they
 * are not in vmalloc() memory, are larger. The census looked after the ledger, and
 * needs memory to look: the difference to the ledger's own line is shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdiagctl.h"

/* Kinds of the census that no line of the ledger stands for by itself. */
static const char *const nobodys[] = {
	"kernel", "kernel_compound", "page_pool", "uncounted", "guard",
};

struct row {
	const char *kind;
	const char *migratetype;
	/* Negative: of no order. */
	int64_t order;
	int64_t pages;
};

struct split {
	struct row *rows;
	unsigned int nr;
	unsigned int nr_pieces;
};

/* What a file claims may not fit; it is shown all the same. */
static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static int64_t minus(int64_t a, int64_t b)
{
	int64_t rest;

	return __builtin_sub_overflow(a, b, &rest) ? (b > 0 ? INT64_MIN : INT64_MAX) : rest;
}

static void row_add(struct split *split, const char *kind, const char *migratetype, int64_t order,
		    int64_t pages)
{
	/* Room for twice as many whenever their number is a power of two. */
	if (!(split->nr & (split->nr - 1)))
		split->rows = must(realloc(split->rows,
					   (split->nr ? 2 * split->nr : 1) * sizeof(*split->rows)));
	split->rows[split->nr++] = (struct row){ kind, migratetype, order, pages };
}

static bool is_of(const char *name, const char *const *names, unsigned int nr)
{
	while (nr--)
		if (!strcmp(name, names[nr]))
			return true;
	return false;
}

/* The pages of a line's record, 0 if this kernel does not count it. */
static int64_t record_pages(const struct memdiag_data *data, const struct memdiag_section *ledger,
			    uint64_t record)
{
	uint64_t pages;

	return memdiag_get(data, ledger, record, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES,
			   &pages)
		       ? 0
		       : (int64_t)pages;
}

/* The pages of a line by its name, 0 if there is none. */
static int64_t line_pages(const struct memdiag_data *data, const struct memdiag_section *ledger,
			  const char *name)
{
	const char *line;

	for (uint64_t r = 0; r < ledger->nr_records; r++)
		if (!memdiag_get_string(data, ledger, r, "line", &line) && !strcmp(line, name))
			return record_pages(data, ledger, r);
	return 0;
}

/* The pages of a record of the census. Return: whether they are known. */
static bool piece_pages(const struct memdiag_data *data, const struct memdiag_section *census,
			uint64_t record, int64_t *pages)
{
	uint64_t value;

	if (memdiag_get(data, census, record, "pages", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_PAGES,
			&value) ||
	    value > INT64_MAX)
		return false;
	*pages = (int64_t)value;
	return true;
}

static int64_t census_pages(const struct memdiag_data *data, const struct memdiag_section *census,
			    const char *name)
{
	const char *kind;
	int64_t sum = 0, pages;

	for (uint64_t r = 0; r < census->nr_records; r++)
		if (!memdiag_get_string(data, census, r, "kind", &kind) && !strcmp(kind, name) &&
		    piece_pages(data, census, r, &pages))
			sum = plus(sum, pages);
	return sum;
}

static int by_what(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	if (!order)
		order = strcmp(x->migratetype, y->migratetype);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_pages(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->pages != y->pages)
		return x->pages < y->pages ? 1 : -1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return by_what(a, b);
}

/* The pieces of all zones, the largest first. Returns how many pages they are. */
static int64_t add_pieces(const struct memdiag_data *data, const struct memdiag_section *census,
			  struct split *split)
{
	int64_t sum = 0, pages;

	for (uint64_t r = 0; r < census->nr_records; r++) {
		const char *kind, *migratetype = "?";
		uint64_t order;

		memdiag_get_string(data, census, r, "migratetype", &migratetype);
		if (memdiag_get_string(data, census, r, "kind", &kind) ||
		    memdiag_get_u64(data, census, r, "order", &order) ||
		    !piece_pages(data, census, r, &pages) ||
		    !is_of(kind, nobodys, ARRAY_SIZE(nobodys)))
			continue;
		row_add(split, kind, migratetype, (int64_t)order, pages);
		sum = plus(sum, pages);
	}
	if (!split->nr)
		return 0;
	qsort(split->rows, split->nr, sizeof(*split->rows), by_what);
	for (unsigned int n = 0; n < split->nr; n++) {
		struct row *last = &split->rows[split->nr_pieces];

		if (split->nr_pieces && !by_what(&last[-1], &split->rows[n]))
			last[-1].pages = plus(last[-1].pages, split->rows[n].pages);
		else
			split->rows[split->nr_pieces++] = split->rows[n];
	}
	split->nr = split->nr_pieces;
	qsort(split->rows, split->nr, sizeof(*split->rows), by_pages);
	return sum;
}

static void split_make(const struct memdiag_data *data, const struct memdiag_section *ledger,
		       const struct memdiag_section *census, struct split *split)
{
	int64_t left = add_pieces(data, census, split), pages;
	const char *line;
	uint64_t unmarked;

	for (uint64_t r = 0; r < ledger->nr_records; r++) {
		if (memdiag_get(data, ledger, r, "unmarked", MEMDIAG_TYPE_BOOL, MEMDIAG_UNIT_NONE,
				&unmarked) ||
		    !unmarked || memdiag_get_string(data, ledger, r, "line", &line))
			continue;
		pages = record_pages(data, ledger, r);
		if (pages)
			row_add(split, line, "-", -1, minus(0, pages));
		left = minus(left, pages);
	}
	/* Not every kernel marks large blocks of kmalloc(), but all count them as slab. */
	pages = minus(plus(line_pages(data, ledger, "slab_reclaimable"),
			   line_pages(data, ledger, "slab_unreclaimable")),
		      plus(census_pages(data, census, "slab"),
			   census_pages(data, census, "large_kmalloc")));
	if (pages) {
		row_add(split, "large_kmalloc", "-", -1, minus(0, pages));
		left = minus(left, pages);
	}
	row_add(split, "unaccounted", "-", -1, left);
	pages = line_pages(data, ledger, "unaccounted");
	row_add(split, "of_ledger", "-", -1, pages);
	row_add(split, "residual", "-", -1, minus(left, pages));
}

/* The sum below the pieces is always shown, it is that of all of them. */
static bool is_shown(const struct split *split, unsigned int n, const struct options *options)
{
	return !options->limit || n < options->limit || n >= split->nr_pieces;
}

static int print_json(const struct memdiag_data *data, const struct split *split,
		      const struct options *options)
{
	struct json_object *document = must(json_object_new_object());
	struct json_object *array = must(json_object_new_array());

	json_add(document, "header", json_header(data));
	for (unsigned int n = 0; n < split->nr; n++) {
		const struct row *row = &split->rows[n];
		struct json_object *o;

		if (!is_shown(split, n, options))
			continue;
		o = must(json_object_new_object());
		json_add(o, "kind", json_text(row->kind));
		json_add(o, "migratetype",
			 *row->migratetype == '-' ? NULL : json_text(row->migratetype));
		json_add(o, "order",
			 row->order < 0 ? NULL : must(json_object_new_int64(row->order)));
		json_add(o, "pages", must(json_object_new_int64(row->pages)));
		if (json_object_array_add(array, o))
			no_memory();
	}
	json_add(document, "unaccounted", array);
	return json_print(document);
}

static int print_table(const struct memdiag_data *data, const struct memdiag_section *ledger,
		       const struct split *split, const struct options *options)
{
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	const struct memdiag_field *pages = memdiag_field_find(data, ledger, "pages");
	char buffer[FORMAT_SIZE], order[FORMAT_SIZE] = "-";

	table_column(table, "kind", false);
	table_column(table, "migratetype", false);
	table_column(table, "order", true);
	table_column(table, "size", true);
	for (unsigned int n = 0; n < split->nr; n++) {
		const struct row *row = &split->rows[n];

		if (!is_shown(split, n, options))
			continue;
		snprintf(order, sizeof(order), "%" PRId64, row->order);
		table_row(table);
		table_cell(table, 0, row->kind);
		table_cell(table, 1, row->migratetype);
		table_cell(table, 2, row->order < 0 ? "-" : order);
		table_cell(table, 3,
			   format_value(data, pages, (uint64_t)row->pages,
					options->given & OPT_BYTES, buffer));
	}
	return table_print(table);
}

/* Shows what unaccounted consists of. */
int ledger_split(const struct memdiag_data *data, const struct options *options)
{
	const struct memdiag_section *ledger, *census;
	const struct memdiag_field *pages;
	struct split split = {};
	int ret, status, partial;

	if (options->given & (OPT_OUTPUT | OPT_SORT | OPT_REVERSE))
		return usage_error("ledger --by order has its own columns and order");
	status = source_section(data, "ledger", &ledger);
	if (status && status != STATUS_PARTIAL)
		return status;
	partial = source_section(data, "census", &census);
	if (partial && partial != STATUS_PARTIAL)
		return partial;
	pages = memdiag_field_find(data, ledger, "pages");
	if (!pages || pages->type != MEMDIAG_TYPE_S64 || pages->unit != MEMDIAG_UNIT_PAGES)
		return cannot("cannot split the ledger: it has no field pages that counts pages");
	if (!memdiag_field_find(data, ledger, "unmarked"))
		return cannot(
			"cannot split the ledger: it has no field unmarked, as an older memdiag made it");
	split_make(data, ledger, census, &split);
	ret = options->given & OPT_JSON ? print_json(data, &split, options)
					: print_table(data, ledger, &split, options);
	free(split.rows);
	return ret ? ret : status ? status : partial;
}
