// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl track start, stop, status, report: who allocated what is still there.
 *
 * The tracker belongs to the machine, not to this program: it goes on when we end.
 * What it could not see or is not sure of stands below every report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "track.h"

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

/* The record of the tracker, with all columns. */
static struct json_object *json_status(const struct memdiag_data *data,
				       const struct memdiag_section *s)
{
	uint64_t row = 0;
	struct view view = { .rows = &row, .nr_rows = s->nr_records ? 1 : 0 };
	struct json_object *records;

	view_columns(data, s, "all", true, &view);
	records = json_records(&view);
	free(view.columns);
	return records;
}

static int track_status(const struct options *options)
{
	const struct memdiag_section *s;
	struct json_object *document;
	struct memdiag_data *data;
	char buffer[FORMAT_SIZE];
	int ret, status;

	ret = source_get(options, "track_status", &data);
	if (ret)
		return ret;
	status = source_section(data, "track_status", &s);
	if (status && status != STATUS_PARTIAL)
		goto free;
	if (options->given & OPT_JSON) {
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
		json_add(document, "track_status", json_status(data, s));
		json_print(document);
		goto free;
	}
	for (uint32_t n = 0; s->nr_records && n < s->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(data, s, n);

		printf("%-16s ", memdiag_field_name(data, f));
		print_safe(stdout, format_value(data, f, memdiag_value(data, s, 0, f),
						options->given & OPT_BYTES, buffer));
		putchar('\n');
	}
free:
	memdiag_data_free(data);
	return status;
}

/* --- report ----------------------------------------------------------------- */

static bool is_summed(const struct options *options)
{
	const char *by = option_value(options, OPT_BY);

	return by && strcmp(by, "stack");
}

static void print_json(const struct view *v, const struct view *first,
		       const struct options *options)
{
	const struct memdiag_section *status = memdiag_data_find(v->data, "track_status");
	struct json_object *document = must(json_object_new_object());

	json_add(document, "header", json_header(v->data));
	if (status && status->nr_records)
		json_add(document, "track_status", json_status(v->data, status));
	if (is_summed(options))
		json_add(document, option_value(options, OPT_BY), track_json_sums(v, options));
	else
		json_add(document, "track", json_records(first));
	json_print(document);
}

static void print_text(const struct view *v, const struct view *first,
		       const struct options *options)
{
	if (is_summed(options))
		track_print_sums(v, options);
	else if (options->given & OPT_OUTPUT)
		render_table(first, options);
	else
		track_print_stacks(first, options->given & OPT_BYTES);
	track_print_certainty(v, options->given & OPT_BYTES);
}

static int show_report(const struct memdiag_data *data, const struct memdiag_section *section,
		       const struct options *options)
{
	struct view v, first;
	int ret = view_make(data, section, options, "bytes", 0, &v);

	if (ret)
		goto free;
	track_filter(&v, options, options->given & OPT_JSON);
	first = v;
	if (options->limit && options->limit < first.nr_rows)
		first.nr_rows = options->limit;
	if (options->given & OPT_FOLDED)
		track_print_folded(&first);
	else if (options->given & OPT_JSON)
		print_json(&v, &first, options);
	else
		print_text(&v, &first, options);
free:
	view_free(&v);
	return ret;
}

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
		ret = track_show_changes(data, next, section, options);
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
