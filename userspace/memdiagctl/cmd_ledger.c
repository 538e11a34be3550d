// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl ledger: every managed page in one line, and below it the sums people rely on. */
#include <stdio.h>
#include <string.h>

#include "memdiagctl.h"

static int show(const struct memdiag_data *data, const struct options *options)
{
	/* Columns and order are those of the ledger; its sums have few of both. */
	const struct options plain = { .given = options->given & (OPT_BYTES | OPT_NO_HEADINGS) };
	const struct memdiag_section *ledger, *identity = memdiag_data_find(data, "identity");
	struct view lines = {}, sums = {};
	struct json_object *document;
	int ret, status;

	status = source_section(data, "ledger", &ledger);
	if (status && status != STATUS_PARTIAL)
		return status;
	ret = view_make(data, ledger, options, NULL, options->limit, &lines);
	if (!ret && identity && memdiag_section_has_records(identity))
		ret = view_make(data, identity, &plain, NULL, 0, &sums);
	if (ret)
		goto free;
	if (options->given & OPT_JSON) {
		document = must(json_object_new_object());
		json_add(document, "header", json_header(data));
		json_add(document, "ledger", json_records(&lines));
		if (sums.section)
			json_add(document, "identity", json_records(&sums));
		ret = json_print(document);
	} else {
		ret = render_table(&lines, options);
		if (!ret && sums.section) {
			putchar('\n');
			ret = render_table(&sums, &plain);
		}
	}
free:
	view_free(&lines);
	view_free(&sums);
	return ret ? ret : status;
}

int cmd_ledger(const struct command *command, const struct options *options)
{
	const struct choice *choice = choice_find(command, options);
	struct memdiag_data *data;
	bool split;
	int ret;

	if (!choice)
		return STATUS_USAGE;
	split = !strcmp(choice->section, "census");
	ret = source_get(options, split ? "ledger,census" : "ledger,identity", &data);
	if (ret)
		return ret;
	ret = split ? ledger_split(data, options) : show(data, options);
	memdiag_data_free(data);
	return ret;
}
