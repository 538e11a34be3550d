// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl track start, stop, status, report: who allocated what is still there.
 *
 * The tracker belongs to the machine, not to this program: it goes on when we end.
 * What it could not see or is not sure of stands below every report.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memdiagctl.h"
#include "track.h"

#define FOLLOW_ROWS 20

/* --- start, stop, status ---------------------------------------------------- */

/* Why the tracker cannot be had, from the section that knows; "" if it does not. */
const char *track_reason(const struct memdiag_data *data)
{
	const struct memdiag_section *s = memdiag_data_find(data, "track_status");

	return s && s->state == MEMDIAG_STATE_UNAVAILABLE ? memdiag_data_string(data, s->reason)
							  : "";
}

static int start_refused(int error, const char *why)
{
	struct memdiag_data *data = NULL;
	const char *reason = "";

	if (error == -EALREADY)
		return cannot(
			"cannot start the tracker: it is started already; 'memdiagctl track status' says for what, 'memdiagctl track stop' ends it");
	if (error == -EOPNOTSUPP && !source_live("track_status", &data))
		reason = track_reason(data);
	cannot("cannot start the tracker: %s", *reason ? reason : why);
	memdiag_data_free(data);
	return STATUS_CANNOT;
}

static int track_start(const struct options *options)
{
	struct memdiag_track_start start;
	struct memdiag_device *device;
	struct memdiag_error error;
	char bytes[FORMAT_SIZE];
	int ret;

	ret = value_filter(options, &start);
	if (!ret)
		ret = source_open(&device);
	if (ret)
		return ret;
	ret = memdiag_device_track_start(device, &start, &error);
	memdiag_device_close(device);
	if (ret)
		return start_refused(ret, error.text);
	format_bytes(start.bytes, bytes);
	printf("tracking%s%s%s: room for %llu objects and %llu stacks of %u frames, %s\n",
	       start.kinds & MEMDIAG_TRACK_SLAB ? " slab" : "",
	       start.kinds & MEMDIAG_TRACK_PAGES ? " pages" : "",
	       start.kinds & MEMDIAG_TRACK_PERCPU ? " percpu" : "",
	       (unsigned long long)start.objects, (unsigned long long)start.stacks, start.depth,
	       bytes);
	return STATUS_DONE;
}

static int track_stop(const struct options *options)
{
	bool discard = options->given & OPT_DISCARD;
	struct memdiag_device *device;
	struct memdiag_error error;
	int ret = source_open(&device);

	if (ret)
		return ret;
	ret = memdiag_device_track_stop(device, discard, &error);
	memdiag_device_close(device);
	if (ret)
		return cannot("cannot stop the tracker: %s", error.text);
	puts(discard ? "stopped, nothing is kept"
		     : "stopped; 'memdiagctl track report' shows what was outstanding");
	return STATUS_DONE;
}

static int track_status(const struct options *options)
{
	const struct memdiag_section *s;
	struct json_object *document;
	struct memdiag_data *data;
	struct view view;
	char buffer[FORMAT_SIZE];
	int ret, status;

	ret = source_get(options, "track_status", &data);
	if (ret)
		return ret;
	status = source_section(data, "track_status", &s);
	if (status && status != STATUS_PARTIAL)
		goto free;
	view_columns(data, s, "all", true, &view);
	if (options->given & OPT_JSON) {
		uint64_t row = 0;

		view.rows = &row;
		view.nr_rows = s->nr_records ? 1 : 0;
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
		json_add(document, "track_status", json_records(&view));
		json_print(document);
	} else {
		for (unsigned int n = 0; s->nr_records && n < view.nr_columns; n++) {
			printf("%-16s ", memdiag_field_name(data, view.columns[n]));
			print_safe(stdout, format_value(data, view.columns[n],
							memdiag_value(data, s, 0, view.columns[n]),
							options->given & OPT_BYTES, buffer));
			putchar('\n');
		}
	}
	free(view.columns);
free:
	memdiag_data_free(data);
	return status;
}

/* --- report ----------------------------------------------------------------- */

static const char *text_of(const struct view *v, uint64_t record, const char *name)
{
	const char *text;

	return memdiag_get_string(v->data, v->section, record, name, &text) ? "" : text;
}

static uint64_t number_of(const struct view *v, uint64_t record, const char *name)
{
	uint64_t value;

	return memdiag_get_u64(v->data, v->section, record, name, &value) ? 0 : value;
}

static uint64_t bytes_of(const struct view *v, uint64_t record)
{
	uint64_t value;

	return memdiag_get_bytes(v->data, v->section, record, "bytes", &value) ? 0 : value;
}

/* A module that was unloaded since keeps its name: "NAME (unloaded)". */
static bool is_module(const char *text, const char *name)
{
	size_t length = strlen(name);
	char *own = must(strdup(name));
	bool same;

	memdiag_module_name(own);
	same = !strncmp(text, own, length) &&
	       (!text[length] || !strcmp(text + length, " (unloaded)"));
	free(own);
	return same;
}

/* What --module and --cache leave; for people without what is freed. */
static void filter_rows(struct view *v, const struct options *options)
{
	const char *module = option_value(options, OPT_MODULE);
	const char *cache = option_value(options, OPT_CACHE);
	uint64_t kept = 0;

	for (uint64_t n = 0; n < v->nr_rows; n++) {
		uint64_t r = v->rows[n];

		if (module && !is_module(text_of(v, r, "module"), module))
			continue;
		if (cache && fnmatch(cache, text_of(v, r, "cache"), 0))
			continue;
		if (!(options->given & OPT_JSON) && !number_of(v, r, "count"))
			continue;
		v->rows[kept++] = r;
	}
	v->nr_rows = kept;
}

/* "name+0x10/0x20 [module]" as "name_[module]", which has no blank in it. */
static void print_folded_frame(const char *frame, size_t length)
{
	const char *module = memchr(frame, '[', length);
	size_t name = strcspn(frame, "+ ;");

	if (name > length)
		name = length;
	print_safe_part(stdout, frame, name);
	if (module) {
		putchar('_');
		print_safe_part(stdout, module, frame + length - module);
	}
}

/* Outermost first, as flame graphs want it. */
static void print_folded(const struct view *v)
{
	for (uint64_t n = 0; n < v->nr_rows; n++) {
		const char *stack = text_of(v, v->rows[n], "stack");
		const char *end = stack + strlen(stack);

		while (end > stack) {
			const char *begin = memrchr(stack, ';', end - stack);

			begin = begin ? begin + 1 : stack;
			print_folded_frame(begin, end - begin);
			if (begin > stack)
				putchar(';');
			end = begin > stack ? begin - 1 : stack;
		}
		printf(" %" PRIu64 "\n", bytes_of(v, v->rows[n]));
	}
}

/* A stack, one frame per line. */
void track_print_stack(FILE *stream, const char *stack, const char *indent)
{
	while (*stack) {
		size_t length = strcspn(stack, ";");

		fputs(indent, stream);
		print_safe_part(stream, stack, length);
		fputc('\n', stream);
		stack += length + !!stack[length];
	}
}

static void print_stacks(const struct view *v, const struct options *options)
{
	static const char *const fields[] = { "bytes", "count",	    "unsure",	"allocated",
					      "freed", "oldest_ns", "newest_ns" };
	char buffer[ARRAY_SIZE(fields)][FORMAT_SIZE];
	const char *text[ARRAY_SIZE(fields)];

	for (uint64_t n = 0; n < v->nr_rows; n++) {
		uint64_t r = v->rows[n], order;
		const char *cache = text_of(v, r, "cache"), *module = text_of(v, r, "module");

		for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
			text[i] = format_named(v->data, v->section, r, fields[i],
					       options->given & OPT_BYTES, buffer[i]);
		printf("%s in %s objects (%s unsure), ", text[0], text[1], text[2]);
		print_safe(stdout, text_of(v, r, "kind"));
		if (*cache) {
			putchar(' ');
			print_safe(stdout, cache);
		} else if (!memdiag_get_u64(v->data, v->section, r, "order", &order)) {
			printf(" of order %" PRIu64, order);
		}
		fputs(", module ", stdout);
		print_safe(stdout, *module ? module : "-");
		printf("\n    allocated %s, freed %s, oldest %s, newest %s\n", text[3], text[4],
		       text[5], text[6]);
		track_print_stack(stdout, text_of(v, r, "stack"), "        ");
	}
}

/* Sums over rows with the same name. */
struct sum {
	const char *name;
	uint64_t stacks;
	uint64_t count;
	uint64_t bytes;
	uint64_t unsure;
	uint64_t allocated;
	uint64_t freed;
};

static int compare_sums(const void *pa, const void *pb)
{
	const struct sum *a = pa, *b = pb;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int compare_names(const void *pa, const void *pb)
{
	const struct sum *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

/* Sums by module, the largest first; the result is to be freed. */
static struct sum *sum_modules(const struct view *v, size_t *nr)
{
	struct sum *sums = must(calloc(v->nr_rows + 1, sizeof(*sums)));

	for (uint64_t n = 0; n < v->nr_rows; n++)
		sums[n] = (struct sum){
			.name = text_of(v, v->rows[n], "module"),
			.stacks = 1,
			.count = number_of(v, v->rows[n], "count"),
			.bytes = bytes_of(v, v->rows[n]),
			.unsure = number_of(v, v->rows[n], "unsure"),
			.allocated = number_of(v, v->rows[n], "allocated"),
			.freed = number_of(v, v->rows[n], "freed"),
		};
	qsort(sums, v->nr_rows, sizeof(*sums), compare_names);
	*nr = 0;
	for (uint64_t n = 0; n < v->nr_rows; n++) {
		struct sum *s = *nr ? &sums[*nr - 1] : NULL;

		if (!s || strcmp(s->name, sums[n].name)) {
			sums[(*nr)++] = sums[n];
			continue;
		}
		s->stacks += sums[n].stacks;
		s->count += sums[n].count;
		s->bytes += sums[n].bytes;
		s->unsure += sums[n].unsure;
		s->allocated += sums[n].allocated;
		s->freed += sums[n].freed;
	}
	qsort(sums, *nr, sizeof(*sums), compare_sums);
	return sums;
}

static const char *const sum_columns[] = { "module", "bytes",	  "count", "unsure",
					   "stacks", "allocated", "freed" };

static void sum_numbers(const struct sum *s, uint64_t *numbers)
{
	const uint64_t values[] = {
		s->bytes, s->count, s->unsure, s->stacks, s->allocated, s->freed
	};

	memcpy(numbers, values, sizeof(values));
}

static struct json_object *json_modules(const struct sum *sums, size_t nr)
{
	struct json_object *array = must(json_object_new_array());
	uint64_t numbers[ARRAY_SIZE(sum_columns) - 1];

	for (size_t n = 0; n < nr; n++) {
		struct json_object *o = must(json_object_new_object());

		json_add(o, sum_columns[0], json_text(sums[n].name));
		sum_numbers(&sums[n], numbers);
		for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
			json_add(o, sum_columns[i + 1], must(json_object_new_uint64(numbers[i])));
		json_object_array_add(array, o);
	}
	return array;
}

static void print_modules(const struct sum *sums, size_t nr, const struct options *options)
{
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	uint64_t numbers[ARRAY_SIZE(sum_columns) - 1];
	char text[FORMAT_SIZE];

	for (unsigned int n = 0; n < ARRAY_SIZE(sum_columns); n++)
		table_column(table, sum_columns[n], n);
	for (size_t n = 0; n < nr; n++) {
		table_row(table);
		table_cell(table, 0, sums[n].name);
		sum_numbers(&sums[n], numbers);
		for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
			format_size(numbers[i], i || options->given & OPT_BYTES, text);
			table_cell(table, i + 1, text);
		}
	}
	table_print(table);
}

/* The histogram: how many objects of each kind are younger than so. */
static struct json_object *ages(const struct view *v, const struct options *options)
{
	static const char *const kinds[] = { "slab", "pages", "percpu" };
	bool json = options->given & OPT_JSON;
	struct json_object *array = must(json_object_new_array());
	struct table *table = table_new(!(options->given & OPT_NO_HEADINGS));
	unsigned char *kind_of = must(calloc(1, v->nr_rows + 1));
	char text[FORMAT_SIZE];

	table_column(table, "age", false);
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++)
		table_column(table, kinds[k], true);
	for (uint64_t r = 0; r < v->nr_rows; r++) {
		kind_of[r] = 0;
		while (kind_of[r] < ARRAY_SIZE(kinds) &&
		       strcmp(text_of(v, v->rows[r], "kind"), kinds[kind_of[r]]))
			kind_of[r]++;
	}
	for (uint32_t n = 0; n < v->section->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(v->data, v->section, n);
		const char *name = memdiag_field_name(v->data, f);
		/* One more for what is of no kind that is known. */
		uint64_t counts[ARRAY_SIZE(kinds) + 1] = {};
		struct json_object *o;

		if (strncmp(name, "age_", 4) || f->type != MEMDIAG_TYPE_U64 ||
		    f->unit != MEMDIAG_UNIT_NONE)
			continue;
		for (uint64_t r = 0; r < v->nr_rows; r++) {
			uint64_t value = memdiag_value(v->data, v->section, v->rows[r], f);

			if (value < MEMDIAG_ABSENT)
				counts[kind_of[r]] += value;
		}
		o = must(json_object_new_object());
		table_row(table);
		snprintf(text, sizeof(text), "%s%s", strcmp(name, "age_more") ? "< " : "",
			 name + 4);
		table_cell(table, 0, text);
		json_add(o, "age", json_text(name + 4));
		for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
			snprintf(text, sizeof(text), "%" PRIu64, counts[k]);
			table_cell(table, k + 1, text);
			json_add(o, kinds[k], must(json_object_new_uint64(counts[k])));
		}
		json_object_array_add(array, o);
	}
	free(kind_of);
	if (json)
		table_free(table);
	else
		table_print(table);
	return array;
}

/* What the tracker missed and is not sure of: never without the report. */
static void print_certainty(const struct memdiag_data *data, const struct view *v, bool exact)
{
	static const char *const fields[] = { "dropped_objects", "dropped_stacks", "dropped_busy",
					      "unknown_frees",	 "replaced",	   "gone" };
	const struct memdiag_section *s = memdiag_data_find(data, "track_status");
	uint64_t count = 0, bytes = 0, unsure = 0, value;
	const char *text;
	char amount[FORMAT_SIZE], age[FORMAT_SIZE] = "-";

	for (uint64_t n = 0; n < v->nr_rows; n++) {
		count += number_of(v, v->rows[n], "count");
		bytes += bytes_of(v, v->rows[n]);
		unsure += number_of(v, v->rows[n], "unsure");
	}
	format_size(bytes, exact, amount);
	printf("outstanding: %s in %" PRIu64 " objects of %" PRIu64 " stacks, %" PRIu64 " unsure\n",
	       amount, count, v->nr_rows, unsure);
	if (!s || !s->nr_records)
		return;
	if (!memdiag_get(data, s, 0, "since_ns", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_NS, &value))
		format_duration(value, exact, age);
	fputs("tracker: ", stdout);
	print_safe(stdout, memdiag_get_string(data, s, 0, "state", &text) ? "-" : text);
	if (!memdiag_get_string(data, s, 0, "filter", &text) && *text) {
		fputs(" for ", stdout);
		print_safe(stdout, text);
	}
	printf(", %s", age);
	for (unsigned int n = 0; n < ARRAY_SIZE(fields); n++) {
		if (memdiag_get_u64(data, s, 0, fields[n], &value))
			printf(", %s -", fields[n]);
		else
			printf(", %s %" PRIu64, fields[n], value);
	}
	putchar('\n');
}

static int show_report(const struct memdiag_data *data, const struct memdiag_section *section,
		       const struct options *options)
{
	const struct memdiag_section *status = memdiag_data_find(data, "track_status");
	const char *by = option_value(options, OPT_BY);
	const struct options plain = { .given = OPT_JSON };
	struct json_object *document = NULL, *rows = NULL;
	struct view v, all = {};
	struct sum *sums;
	size_t nr;
	int ret;

	ret = view_make(data, section, options, "bytes", 0, &v);
	if (ret)
		goto free;
	filter_rows(&v, options);
	nr = v.nr_rows;
	if (by && !strcmp(by, "module")) {
		sums = sum_modules(&v, &nr);
		if (options->limit && options->limit < nr)
			nr = options->limit;
		if (options->given & OPT_JSON)
			rows = json_modules(sums, nr);
		else
			print_modules(sums, nr, options);
		free(sums);
	} else if (by && !strcmp(by, "age")) {
		rows = ages(&v, options);
	} else if (options->given & OPT_FOLDED) {
		if (options->limit && options->limit < v.nr_rows)
			v.nr_rows = options->limit;
		print_folded(&v);
		goto free;
	} else {
		if (options->limit && options->limit < v.nr_rows)
			v.nr_rows = options->limit;
		if (options->given & OPT_JSON)
			rows = json_records(&v);
		else if (options->given & OPT_OUTPUT)
			render_table(&v, options);
		else
			print_stacks(&v, options);
		v.nr_rows = nr;
	}
	if (options->given & OPT_JSON) {
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
		if (status && status->nr_records && !view_make(data, status, &plain, NULL, 0, &all))
			json_add(document, "track_status", json_records(&all));
		json_add(document, by && strcmp(by, "stack") ? by : "track", rows);
		json_print(document);
	} else {
		if (rows)
			json_object_put(rows);
		print_certainty(data, &v, options->given & OPT_BYTES);
	}
	view_free(&all);
free:
	view_free(&v);
	return ret;
}

/* --- report -f ---------------------------------------------------------------- */

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
		char *site = site_of(text_of(v, r, "stack"));

		table_row(table);
		format_size(bytes_of(v, r), exact, text);
		table_cell(table, 0, text);
		format_size(grown, exact, text);
		format_sign(text, changes[n].bytes < 0, false);
		table_cell(table, 1, text);
		snprintf(text, sizeof(text), "%" PRIu64, number_of(v, r, "count"));
		table_cell(table, 2, text);
		snprintf(text, sizeof(text), "%+" PRId64, changes[n].count);
		table_cell(table, 3, text);
		table_cell(table, 4, text_of(v, r, "kind"));
		table_cell(table, 5, text_of(v, r, "cache"));
		table_cell(table, 6, site);
		free(site);
	}
	table_print(table);
}

/* What changed from @a to @b. Return: 0 or an exit status. */
static int show_changes(const struct memdiag_data *a, const struct memdiag_data *b,
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
	/* Freed ones are a change, too, so that they pass the filter like JSON's. */
	filter_rows(&v, &(struct options){ .given = options->given | OPT_JSON,
					   .value = { [__builtin_ctzll(OPT_MODULE)] =
							      option_value(options, OPT_MODULE),
						      [__builtin_ctzll(OPT_CACHE)] =
							      option_value(options, OPT_CACHE) } });
	changes = must(calloc(v.nr_rows + 1, sizeof(*changes)));
	for (uint64_t n = 0; n < v.nr_rows; n++) {
		/* The records of a comparison begin with those of its second snapshot. */
		const struct memdiag_diff_record *r = &d->records[v.rows[n]];
		struct change *c = &changes[nr];

		c->record = v.rows[n];
		c->count = changed_by(d, r, "count", number_of(&v, c->record, "count"));
		c->bytes = changed_by(d, r, "bytes", bytes_of(&v, c->record));
		nr += c->count || c->bytes;
	}
	qsort(changes, nr, sizeof(*changes), compare_changes);
	format_time(memdiag_data_header(b)->realtime_ns, time);
	printf("\n%s, %.1f s later, %" PRIu64 " stacks changed\n", time, d->elapsed_ns / 1e9, nr);
	if (nr) {
		uint64_t limit = options->limit ? options->limit : FOLLOW_ROWS;

		print_changes(&v, changes, nr < limit ? nr : limit, options);
	}
	print_certainty(b, &v, options->given & OPT_BYTES);
	fflush(stdout);
	free(changes);
free:
	view_free(&v);
	memdiag_diff_free(d);
	return ret;
}

/* --- the command ---------------------------------------------------------------- */

static void wait_seconds(double seconds)
{
	const struct timespec time = { .tv_sec = seconds,
				       .tv_nsec = (seconds - (time_t)seconds) * 1e9 };

	nanosleep(&time, NULL);
}

static int check_report(const struct options *options, uint64_t *min_age)
{
	const char *by = option_value(options, OPT_BY);

	if (by && strcmp(by, "stack") && strcmp(by, "module") && strcmp(by, "age"))
		return usage_error(
			"command 'track' has nothing by '%s'; see 'memdiagctl help track'", by);
	if (options->given & OPT_INPUT && options->given & (OPT_MIN_AGE | OPT_FOLLOW))
		return usage_error(
			"--min-age and --follow ask the tracker and do not go with --input");
	if (options->given & OPT_FOLLOW &&
	    options->given & (OPT_JSON | OPT_FOLDED | OPT_BY | OPT_OUTPUT))
		return usage_error("--follow does not go with --json, --folded, --by, --output");
	if (options->given & OPT_DELAY && !(options->given & OPT_FOLLOW))
		return usage_error("--delay needs --follow");
	if (options->given & OPT_FOLDED && options->given & (OPT_JSON | OPT_BY | OPT_OUTPUT))
		return usage_error("--folded does not go with --json, --by, --output");
	if (by && strcmp(by, "stack") &&
	    options->given & (OPT_OUTPUT | OPT_SORT | OPT_REVERSE | (*by == 'a' ? OPT_LIMIT : 0)))
		return usage_error("--by %s has its own columns and rows", by);
	*min_age = 0;
	return options->given & OPT_MIN_AGE
		       ? value_age("min-age", option_value(options, OPT_MIN_AGE), min_age)
		       : 0;
}

static int take_report(const struct options *options, uint64_t min_age, struct memdiag_data **data,
		       const struct memdiag_section **section)
{
	const char *input = option_value(options, OPT_INPUT);
	int ret = input ? source_load(input, data)
			: source_live_aged(MEMDIAG_TRACK_SECTIONS, min_age, data);

	if (ret)
		return ret;
	ret = source_section(*data, "track", section);
	if (ret && ret != STATUS_PARTIAL)
		memdiag_data_free(*data);
	return ret;
}

static int track_report(const struct options *options)
{
	const struct memdiag_section *section;
	struct memdiag_data *data, *next;
	uint64_t min_age;
	int ret, status;

	ret = check_report(options, &min_age);
	if (ret)
		return ret;
	status = take_report(options, min_age, &data, &section);
	if (status && status != STATUS_PARTIAL)
		return status;
	ret = show_report(data, section, options);
	while (!ret && options->given & OPT_FOLLOW && !ferror(stdout)) {
		fflush(stdout);
		wait_seconds(options->delay ? options->delay : 2);
		ret = take_report(options, min_age, &next, &section);
		if (ret && ret != STATUS_PARTIAL)
			break;
		ret = show_changes(data, next, section, options);
		memdiag_data_free(data);
		data = next;
	}
	memdiag_data_free(data);
	return ret ? ret : status;
}

int cmd_track(const struct command *command, const struct options *options)
{
	static const struct {
		const char *name;
		uint64_t options;
		int (*run)(const struct options *options);
	} actions[] = {
		{ "start", OPT_TRACK, track_start },
		{ "stop", OPT_DISCARD, track_stop },
		{ "status", OPT_INPUT | OPT_JSON | OPT_BYTES, track_status },
		{ "report",
		  OPT_TABLE | OPT_BY | OPT_MODULE | OPT_CACHE | OPT_DELAY | OPT_FOLLOW |
			  OPT_MIN_AGE | OPT_FOLDED,
		  track_report },
	};

	(void)command;
	for (unsigned int n = 0; n < ARRAY_SIZE(actions); n++) {
		if (strcmp(actions[n].name, options->args[0]))
			continue;
		for (unsigned int i = 0; i < nr_options; i++)
			if (options->given & option_table[i].bit & ~actions[n].options)
				return usage_error("'track %s' has no option --%s", actions[n].name,
						   option_table[i].name);
		return actions[n].run(options);
	}
	return usage_error("'track %s' is nothing: start, stop, status or report",
			   options->args[0]);
}
