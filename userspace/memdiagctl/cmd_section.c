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

static int show(const struct memdiag_data *data, const struct choice *choice,
		const struct options *options)
{
	const struct memdiag_section *section;
	struct json_object *document;
	struct view view;
	int ret, status;

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
		json_add(document, choice->section, json_records(&view));
		ret = json_print(document);
	} else {
		ret = render_table(&view, options);
	}
	view_free(&view);
	return ret ? ret : status;
}

int cmd_section(const struct command *command, const struct options *options)
{
	struct choice any = { .section = options->args[0] };
	const struct choice *choice = command->choices ? choice_find(command, options) : &any;
	struct memdiag_data *data;
	int ret;

	if (!choice)
		return STATUS_USAGE;
	ret = source_get(options, choice->section, &data);
	if (ret)
		return ret;
	ret = show(data, choice, options);
	memdiag_data_free(data);
	return ret;
}
