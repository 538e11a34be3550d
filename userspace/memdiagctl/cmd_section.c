// SPDX-License-Identifier: GPL-2.0-only
/* The commands that show one section: buddy cgroups files modules net show slab tasks tmpfs vmalloc vmstat zones. */
#include <stdio.h>
#include <string.h>

#include "memdiagctl.h"

/* What --by asks for, NULL after an error message. */
const struct choice *choice_find(const struct command *command, const struct options *options)
{
	const char *by = option_value(options, OPT_BY);

	for (const struct choice *c = command->choices; c->section; c++)
		if (!by || !strcmp(c->by, by))
			return c;
	usage_error("command '%s' has nothing by '%s'; see 'memdiagctl help %s'", command->name, by,
		    command->name);
	return NULL;
}

/* What only the sum over all processes tells; for all, whatever the rows are. */
static const char totals[][12] = { "VmPTE", "VmPin", "KernelStack", "zombies" };

static void show_totals(const struct memdiag_data *data, const struct memdiag_section *s,
			const struct options *options, struct json_object *o)
{
	if (!o)
		printf("%llu processes", (unsigned long long)s->nr_records);
	for (unsigned int n = 0; n < ARRAY_SIZE(totals); n++) {
		const struct memdiag_field *f = memdiag_field_find(data, s, totals[n]);
		char text[FORMAT_SIZE];
		uint64_t sum = 0;

		if (!f || f->type != MEMDIAG_TYPE_U64)
			continue;
		for (uint64_t r = 0; r < s->nr_records && sum < MEMDIAG_ABSENT; r++) {
			uint64_t value = memdiag_value(data, s, r, f);

			/* A sum that fits no more is absent, too. */
			if (value < MEMDIAG_ABSENT)
				sum += value;
		}
		if (sum > MEMDIAG_ABSENT)
			sum = MEMDIAG_ABSENT;
		if (o)
			json_add(o, totals[n], json_value(data, f, sum));
		else
			printf(", %s %s", totals[n],
			       format_value(data, f, sum, options->given & OPT_BYTES, text));
	}
	if (!o)
		puts("\n");
}

/* With @named the command line names the section. */
static int show(const struct memdiag_data *data, const struct choice *choice, bool named,
		const struct options *options)
{
	const struct memdiag_section *section;
	struct json_object *document;
	bool sums = !strcmp(choice->section, "task");
	struct view view;
	int ret, status;

	if (named && !memdiag_data_find(data, choice->section))
		return usage_error(
			"the snapshot has no section '%s'; 'memdiagctl status' lists them",
			choice->section);
	status = source_section(data, choice->section, &section);
	if (status && status != STATUS_PARTIAL)
		return status;
	ret = view_make(data, section, options, choice->sort, options->limit, &view);
	if (ret) {
		view_free(&view);
		return ret;
	}
	if (options->given & OPT_JSON) {
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
		if (sums) {
			json_add(document, "total", must(json_object_new_object()));
			show_totals(data, section, options,
				    json_object_object_get(document, "total"));
		}
		json_add(document, choice->section, json_records(&view));
		ret = json_print(document);
	} else {
		if (sums && !(options->given & OPT_NO_HEADINGS))
			show_totals(data, section, options, NULL);
		ret = render_table(&view, options);
		/* Empty output alone would look like a failure. */
		if (!view.nr_rows)
			warn("section %s is empty: the kernel has none of these now",
			     choice->section);
	}
	view_free(&view);
	return ret ? ret : status;
}

int cmd_section(const struct command *command, const struct options *options)
{
	struct choice any = { .section = options->args[0] };
	bool named = !command->choices;
	const struct choice *choice = named ? &any : choice_find(command, options);
	struct memdiag_data *data;
	int ret;

	if (!choice)
		return STATUS_USAGE;
	ret = named ? source_get_named(options, choice->section, &data)
		    : source_get(options, choice->section, &data);
	if (ret)
		return ret;
	ret = show(data, choice, named, options);
	memdiag_data_free(data);
	return ret;
}
