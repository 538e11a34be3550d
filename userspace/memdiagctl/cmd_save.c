// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl save FILE: the bytes of a snapshot, with a checksum. */
#include <stdio.h>
#include <string.h>

#include "memdiagctl.h"

/* Sections that were asked for by name and are not all there. */
static int check_sections(const struct memdiag_data *data, const char *names)
{
	int status = STATUS_DONE;

	for (uint32_t n = 0; n < memdiag_data_header(data)->nr_sections; n++) {
		const struct memdiag_section *s = memdiag_data_section(data, n);
		const char *name = memdiag_section_name(data, s);
		const char *at = names;

		while (at &&
		       (strcspn(at, ",") != strlen(name) || strncmp(at, name, strlen(name)))) {
			at = strchr(at, ',');
			at += !!at;
		}
		if (!at || s->state == MEMDIAG_STATE_OK)
			continue;
		warn("section %s is %s: %s", name, memdiag_state_name(s->state),
		     memdiag_data_string(data, s->reason));
		status = STATUS_PARTIAL;
	}
	return status;
}

int cmd_save(const struct command *command, const struct options *options)
{
	const char *sections = option_value(options, OPT_SECTIONS);
	const char *path = options->args[0];
	struct memdiag_error error;
	struct memdiag_data *data;
	int ret;

	(void)command;
	if (sections && options->given & OPT_INPUT)
		return usage_error("--sections does not go with --input: the file has what it has");
	ret = source_get_named(options, sections, &data);
	if (ret)
		return ret;
	if (memdiag_data_save(data, path, &error))
		ret = cannot("cannot save %s: %s; the file was not changed", path, error.text);
	else if (sections)
		ret = check_sections(data, sections);
	memdiag_data_free(data);
	return ret;
}
