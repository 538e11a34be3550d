// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl track report --follow: which stacks changed since the report before. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "track.h"

#define FOLLOW_ROWS 20

/* What a stack became since the last round. */
struct change {
	uint64_t record;
	int64_t count;
	int64_t bytes;
};

static uint64_t size_of(int64_t change)
{
	return change < 0 ? -(uint64_t)change : (uint64_t)change;
}

static int compare_changes(const void *pa, const void *pb)
{
	const struct change *a = pa, *b = pb;
	uint64_t size_a = size_of(a->bytes), size_b = size_of(b->bytes);

	if (size_a != size_b)
		return size_a > size_b ? -1 : 1;
	return a->record < b->record ? -1 : a->record > b->record;
}

static uint32_t field_index(const struct memdiag_diff *d, const char *name)
{
	uint32_t n = 0;

	while (n < d->nr_fields && strcmp(memdiag_field_name(d->b, d->fields[n].b), name))
		n++;
	return n;
}

static int64_t changed_by(const struct memdiag_diff *d, const struct memdiag_diff_record *r,
			  const char *name, uint64_t now)
{
	uint32_t field = field_index(d, name);
	struct memdiag_delta delta;

	if (field == d->nr_fields || r->change == MEMDIAG_CHANGE_APPEARED)
		return now;
	memdiag_diff_delta(d, r, field, &delta);
	/* What a file claims may not fit; it must not end the program. */
	return delta.known ? (int64_t)(delta.negative ? -delta.amount : delta.amount) : 0;
}

/* The frame that tells most: the first one in a module, or the first one at all. */
static char *site_of(const char *stack)
{
	const char *bracket = strchr(stack, '[');
	const char *begin = stack;

	for (const char *at = stack; bracket && at < bracket; at++)
		if (*at == ';')
			begin = at + 1;
	return must(strndup(begin, strcspn(begin, ";")));
}

static void print_changes(const struct view *v, const struct change *changes, uint64_t nr,
			  const struct options *options)
{
	static const char *const columns[] = { "bytes", "+bytes", "count", "+count",
					       "kind",	"cache",  "site" };
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	bool exact = options->given & OPT_BYTES;
	char text[FORMAT_SIZE];

	for (unsigned int n = 0; n < ARRAY_SIZE(columns); n++)
		table_column(table, columns[n], n < 4);
	for (uint64_t n = 0; n < nr; n++) {
		uint64_t r = changes[n].record;
		uint64_t grown = size_of(changes[n].bytes);
		char *site = site_of(track_string(v, r, "stack"));

		table_row(table);
		format_size(track_bytes(v, r), exact, text);
		table_cell(table, 0, text);
		format_size(grown, exact, text);
		format_sign(text, changes[n].bytes < 0, false);
		table_cell(table, 1, text);
		snprintf(text, sizeof(text), "%" PRIu64, track_number(v, r, "count"));
		table_cell(table, 2, text);
		snprintf(text, sizeof(text), "%+" PRId64, changes[n].count);
		table_cell(table, 3, text);
		table_cell(table, 4, track_string(v, r, "kind"));
		table_cell(table, 5, track_string(v, r, "cache"));
		table_cell(table, 6, site);
		free(site);
	}
	table_print(table);
}

/* What changed from @a to @b. Return: 0 or an exit status. */
int track_show_changes(const struct memdiag_data *a, const struct memdiag_data *b,
		       const struct memdiag_section *section, const struct options *options)
{
	struct memdiag_error error;
	struct memdiag_diff *d;
	struct change *changes;
	char time[FORMAT_SIZE];
	struct view v;
	uint64_t nr = 0;
	int ret;

	if (memdiag_diff(a, b, "track", &error, &d))
		return cannot("cannot compare: %s", error.text);
	ret = view_make(b, section, options, "bytes", 0, &v);
	if (ret)
		goto free;
	/* What was freed is a change, too. */
	track_filter(&v, options, true);
	changes = must(calloc(v.nr_rows + 1, sizeof(*changes)));
	for (uint64_t n = 0; n < v.nr_rows; n++) {
		/* The records of a comparison begin with those of its second snapshot. */
		const struct memdiag_diff_record *r = &d->records[v.rows[n]];
		struct change *c = &changes[nr];

		c->record = v.rows[n];
		c->count = changed_by(d, r, "count", track_number(&v, c->record, "count"));
		c->bytes = changed_by(d, r, "bytes", track_bytes(&v, c->record));
		nr += c->count || c->bytes;
	}
	qsort(changes, nr, sizeof(*changes), compare_changes);
	format_time(memdiag_data_header(b)->realtime_ns, time);
	printf("\n%s, %.1f s later, %" PRIu64 " stacks changed\n", time, d->elapsed_ns / 1e9, nr);
	if (nr) {
		uint64_t limit = options->limit ? options->limit : FOLLOW_ROWS;

		print_changes(&v, changes, nr < limit ? nr : limit, options);
	}
	track_print_certainty(&v, options->given & OPT_BYTES);
	fflush(stdout);
	free(changes);
free:
	view_free(&v);
	memdiag_diff_free(d);
	return ret;
}
