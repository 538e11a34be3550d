// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl track report: what the records say, which ones are meant, sums by module and age. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "track.h"

/* A text of a record, "" if there is none. */
const char *track_string(const struct view *v, uint64_t record, const char *name)
{
	const char *text;

	return memdiag_get_string(v->data, v->section, record, name, &text) ? "" : text;
}

/* A number of a record, 0 if there is none. */
uint64_t track_number(const struct view *v, uint64_t record, const char *name)
{
	uint64_t value;

	return memdiag_get_u64(v->data, v->section, record, name, &value) ? 0 : value;
}

/* The bytes that a record holds, 0 if they are not known. */
uint64_t track_bytes(const struct view *v, uint64_t record)
{
	uint64_t value;

	return memdiag_get_bytes(v->data, v->section, record, "bytes", &value) ? 0 : value;
}

/* A module that was unloaded since keeps its name: "NAME (unloaded)". */
static bool is_module(const char *text, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(text, name, length) &&
	       (!text[length] || !strcmp(text + length, " (unloaded)"));
}

/* What --module and --cache leave; without @freed only what is still allocated. */
void track_filter(struct view *v, const struct options *options, bool freed)
{
	const char *cache = option_value(options, OPT_CACHE);
	const char *given = option_value(options, OPT_MODULE);
	char *module = given ? must(strdup(given)) : NULL;
	uint64_t kept = 0;

	if (module)
		memdiag_module_name(module);
	for (uint64_t n = 0; n < v->nr_rows; n++) {
		uint64_t r = v->rows[n];

		if (module && !is_module(track_string(v, r, "module"), module))
			continue;
		if (cache && fnmatch(cache, track_string(v, r, "cache"), 0))
			continue;
		if (freed || track_number(v, r, "count"))
			v->rows[kept++] = r;
	}
	v->nr_rows = kept;
	free(module);
}

/* A row of sums: what the numbers are of, and the numbers. */
struct sum {
	const char *name;
	uint64_t numbers[6];
};

/**
 * struct sums - sums over records
 * @columns: what the rows are of, then the names of their numbers
 * @nr_numbers: numbers in a row
 * @rows: the rows
 * @nr: number of @rows
 */
struct sums {
	const char *const *columns;
	unsigned int nr_numbers;
	struct sum *rows;
	size_t nr;
};

static int compare_bytes(const void *pa, const void *pb)
{
	const struct sum *a = pa, *b = pb;

	if (a->numbers[0] != b->numbers[0])
		return a->numbers[0] > b->numbers[0] ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int compare_names(const void *pa, const void *pb)
{
	const struct sum *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

/* By module, the largest first. */
static void sum_modules(const struct view *v, struct sums *sums)
{
	static const char *const columns[] = { "module", "bytes",     "count", "unsure",
					       "stacks", "allocated", "freed" };
	struct sum *rows = must(calloc(v->nr_rows + 1, sizeof(*rows)));

	*sums = (struct sums){ columns, ARRAY_SIZE(columns) - 1, rows, 0 };
	for (uint64_t n = 0; n < v->nr_rows; n++) {
		uint64_t r = v->rows[n];

		rows[n] = (struct sum){
			track_string(v, r, "module"),
			{ track_bytes(v, r), track_number(v, r, "count"),
			  track_number(v, r, "unsure"), 1, track_number(v, r, "allocated"),
			  track_number(v, r, "freed") },
		};
	}
	qsort(rows, v->nr_rows, sizeof(*rows), compare_names);
	for (uint64_t n = 0; n < v->nr_rows; n++) {
		struct sum *last = &rows[sums->nr - !!sums->nr];

		if (!sums->nr || strcmp(last->name, rows[n].name)) {
			rows[sums->nr++] = rows[n];
			continue;
		}
		for (unsigned int i = 0; i < sums->nr_numbers; i++)
			last->numbers[i] += rows[n].numbers[i];
	}
	qsort(rows, sums->nr, sizeof(*rows), compare_bytes);
}

static bool is_age(const struct memdiag_field *field, const char *name)
{
	return !strncmp(name, "age_", 4) && field->type == MEMDIAG_TYPE_U64 &&
	       field->unit == MEMDIAG_UNIT_NONE;
}

/* The histogram: how many objects of each kind are younger than so. */
static void sum_ages(const struct view *v, struct sums *sums)
{
	static const char *const columns[] = { "age", "slab", "pages", "percpu" };
	uint32_t nr_fields = v->section->nr_fields;
	const struct memdiag_field **fields = must(calloc(nr_fields + 1, sizeof(*fields)));
	struct sum *rows = must(calloc(nr_fields + 1, sizeof(*rows)));

	*sums = (struct sums){ columns, ARRAY_SIZE(columns) - 1, rows, 0 };
	for (uint32_t n = 0; n < nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(v->data, v->section, n);
		const char *name = memdiag_field_name(v->data, f);

		if (!is_age(f, name))
			continue;
		fields[sums->nr] = f;
		rows[sums->nr++].name = name + 4;
	}
	for (uint64_t r = 0; r < v->nr_rows; r++) {
		const char *name = track_string(v, v->rows[r], "kind");
		unsigned int kind = 0;

		while (kind < sums->nr_numbers && strcmp(name, columns[kind + 1]))
			kind++;
		for (size_t n = 0; kind < sums->nr_numbers && n < sums->nr; n++) {
			uint64_t value = memdiag_value(v->data, v->section, v->rows[r], fields[n]);

			rows[n].numbers[kind] += value < MEMDIAG_ABSENT ? value : 0;
		}
	}
	free(fields);
}

static void sum_up(const struct view *v, const struct options *options, struct sums *sums)
{
	if (strcmp(option_value(options, OPT_BY), "age"))
		sum_modules(v, sums);
	else
		sum_ages(v, sums);
	if (options->limit && options->limit < sums->nr)
		sums->nr = options->limit;
}

/* Sums by what --by says, as JSON. */
struct json_object *track_json_sums(const struct view *v, const struct options *options)
{
	struct json_object *array = must(json_object_new_array());
	struct sums sums;

	sum_up(v, options, &sums);
	for (size_t n = 0; n < sums.nr; n++) {
		struct json_object *o = must(json_object_new_object());

		json_add(o, sums.columns[0], json_text(sums.rows[n].name));
		for (unsigned int i = 0; i < sums.nr_numbers; i++)
			json_add(o, sums.columns[i + 1], json_number(sums.rows[n].numbers[i]));
		json_object_array_add(array, o);
	}
	free(sums.rows);
	return array;
}

/* Sums by what --by says, as a table. */
void track_print_sums(const struct view *v, const struct options *options)
{
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	bool ages = !strcmp(option_value(options, OPT_BY), "age");
	char text[FORMAT_SIZE];
	struct sums sums;

	sum_up(v, options, &sums);
	for (unsigned int n = 0; n <= sums.nr_numbers; n++)
		table_column(table, sums.columns[n], n);
	for (size_t n = 0; n < sums.nr; n++) {
		const struct sum *s = &sums.rows[n];

		table_row(table);
		snprintf(text, sizeof(text), "< %s", s->name);
		table_cell(table, 0, ages && strcmp(s->name, "more") ? text : s->name);
		for (unsigned int i = 0; i < sums.nr_numbers; i++) {
			format_size(s->numbers[i], ages || i || options->given & OPT_BYTES, text);
			table_cell(table, i + 1, text);
		}
	}
	table_print(table);
	free(sums.rows);
}
