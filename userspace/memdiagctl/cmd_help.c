// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl help, version: from the command table, the option table, the field tables. */
#include <stdio.h>
#include <string.h>

#include "memdiagctl.h"

static void print_option(const struct option_desc *o)
{
	char text[40];

	snprintf(text, sizeof(text), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
		 *o->argument ? " " : "", o->argument);
	printf("  %-26s %s\n", text, o->help);
}

static int help_all(void)
{
	puts("usage: memdiagctl [OPTIONS] COMMAND [ARGUMENTS]\n"
	     "\n"
	     "Where did the memory of the kernel go, who holds it, and does it leak?\n"
	     "\n"
	     "commands:");
	for (unsigned int n = 0; n < nr_commands; n++) {
		const struct command *c = &command_table[n];
		char text[40];

		snprintf(text, sizeof(text), "%s %s", c->name, c->arguments);
		printf("  %-26s %s\n", text, c->help);
	}
	puts("\noptions, before or behind the command, each where it makes sense:");
	for (unsigned int n = 0; n < nr_options; n++)
		print_option(&option_table[n]);
	puts("\n"
	     "exit status: 0 done, 1 a check failed or a leak was found, 2 usage, 3 partial data,\n"
	     "4 cannot run. 'memdiagctl help COMMAND' explains a command and lists its columns.");
	return STATUS_DONE;
}

/* For completion and tests: command|arguments|options|values of --by */
static int help_list(void)
{
	for (unsigned int n = 0; n < nr_commands; n++) {
		const struct command *c = &command_table[n];

		printf("%s|%s|", c->name, c->arguments);
		for (unsigned int i = 0; i < nr_options; i++) {
			if (!(c->options & option_table[i].bit))
				continue;
			if (option_table[i].letter)
				printf("-%c ", option_table[i].letter);
			printf("--%s ", option_table[i].name);
		}
		putchar('|');
		for (const struct choice *ch = c->choices; ch && ch->section; ch++)
			if (ch->by)
				printf("%s ", ch->by);
		putchar('\n');
	}
	return STATUS_DONE;
}

/* The columns are known to whoever made the data, not to this program. */
static void print_columns(const struct memdiag_data *data, const char *section)
{
	const struct memdiag_section *s = memdiag_data_find(data, section);
	char heading[HEADING_SIZE];

	if (!s || !s->nr_fields)
		return;
	printf("\ncolumns of section %s (* shown without -o):\n", section);
	for (uint32_t n = 0; n < s->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(data, s, n);

		printf(" %c%-25s ", f->flags & MEMDIAG_FIELD_BRIEF ? '*' : ' ',
		       format_heading(data, s, f, heading));
		print_safe(stdout, memdiag_data_string(data, f->help));
		putchar('\n');
	}
}

static void print_all_columns(const struct memdiag_data *data, const struct command *command,
			      const char *section)
{
	for (const struct choice *c = command->choices; c && c->section; c++)
		if (c == command->choices || strcmp(c->section, c[-1].section))
			print_columns(data, c->section);
	if (!command->choices && section && command->run == cmd_section)
		print_columns(data, section);
}

/* Help must not fail for want of a module: then it says where the columns come from. */
static struct memdiag_data *quiet_data(void)
{
	struct memdiag_device *device;
	struct memdiag_data *data;
	int ret;

	if (memdiag_device_open(MEMDIAG_DEVICE, NULL, &device))
		return NULL;
	ret = memdiag_device_snapshot(device, 0, NULL, &data);
	memdiag_device_close(device);
	return ret ? NULL : data;
}

/* Explains one command, with columns from @input, and those of @section if it shows any section. */
int help_command(const struct command *command, const char *input, const char *section)
{
	struct memdiag_data *data = NULL;

	if (input && source_load(input, &data))
		return STATUS_CANNOT;
	printf("usage: memdiagctl %s [OPTIONS]%s%s\n\n%s\n\noptions:\n", command->name,
	       *command->arguments ? " " : "", command->arguments, command->help);
	for (unsigned int n = 0; n < nr_options; n++)
		if (command->options & option_table[n].bit)
			print_option(&option_table[n]);
	if (command->choices && command->choices[0].by) {
		puts("\nwhat to ask for by --by; the first is the default:");
		for (const struct choice *c = command->choices; c->section; c++)
			printf("  %-26s section %s\n", c->by, c->section);
	}
	if (command->options & OPT_OUTPUT) {
		if (!data)
			data = quiet_data();
		if (data)
			print_all_columns(data, command, section);
		else
			puts("\nThe columns depend on the snapshot: load the module or give --input FILE.");
	}
	memdiag_data_free(data);
	return STATUS_DONE;
}

int cmd_help(const struct command *command, const struct options *options)
{
	const char *name = options->nr_args ? options->args[0] : NULL;

	(void)command;
	if (options->given & OPT_LIST && (name || options->given & OPT_INPUT))
		return usage_error("--list is about all commands, without --input");
	if (!name && options->given & OPT_INPUT)
		return usage_error("--input needs a command, whose columns it tells");
	if (options->given & OPT_LIST)
		return help_list();
	if (!name)
		return help_all();
	command = command_find(name);
	if (!command)
		return usage_error("unknown command '%s'; see 'memdiagctl help'", name);
	if (command->run == cmd_help)
		return help_all();
	return help_command(command, option_value(options, OPT_INPUT), NULL);
}

int cmd_version(const struct command *command, const struct options *options)
{
	(void)command;
	(void)options;
	printf("memdiagctl %s, snapshot format %u.%u\n", MEMDIAG_VERSION, MEMDIAG_FORMAT_MAJOR,
	       MEMDIAG_FORMAT_MINOR);
	return STATUS_DONE;
}
