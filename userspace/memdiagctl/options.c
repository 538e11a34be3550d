// SPDX-License-Identifier: GPL-2.0-only
/*
 * The option table and its parser.
 *
 * Not getopt_long(): that takes every unambiguous prefix of a long option,
 * which breaks scripts when an option is added.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdiagctl.h"

const struct option_desc option_table[] = {
	{ OPT_INPUT, 0, "input", "FILE", "read a saved snapshot (- for standard input)" },
	{ OPT_OUTPUT, 'o', "output", "COL,...", "columns to show; +COL adds to the usual, or all" },
	{ OPT_SORT, 's', "sort", "COL", "sort by a column; -COL the other way round" },
	{ OPT_REVERSE, 0, "reverse", NULL, "turn the order round" },
	{ OPT_BY, 0, "by", "WHAT", "one row per what" },
	{ OPT_SECTIONS, 0, "sections", "LIST", "collect only these sections" },
	{ OPT_JSON, 0, "json", NULL, "one JSON document instead of a table" },
	{ OPT_NO_HEADINGS, 0, "no-headings", NULL, "no line with the names of the columns" },
	{ OPT_BYTES, 0, "bytes", NULL, "exact values in base units, not KiB, ms" },
	{ OPT_LIMIT, 0, "limit", "N", "no more than N rows" },
	{ OPT_DELAY, 'd', "delay", "SECONDS", "time between two screens, 2 if not given" },
	{ OPT_ONCE, 'o', "once", NULL, "print one screen as text, no terminal needed" },
	{ OPT_MODULE, 0, "module", "FILE", "load this file, not the kernel's memdiag.ko" },
	{ OPT_SYSTEM_MAP, 0, "system-map", "FILE", "take addresses from the kernel's System.map" },
	{ OPT_LIST, 0, "list", NULL, "commands and their options, for programs" },
	{ OPT_HELP, 'h', "help", NULL, "explain the command" },
	{ OPT_VERSION, 'V', "version", NULL, "say the version" },
};

const unsigned int nr_options = ARRAY_SIZE(option_table);

/* The value of an option, NULL if it was not given. */
const char *option_value(const struct options *options, enum option_bit bit)
{
	return options->given & bit ? options->value[__builtin_ctz(bit)] : NULL;
}

static const struct option_desc *find_long(const char *name, size_t length)
{
	for (unsigned int n = 0; n < nr_options; n++)
		if (strlen(option_table[n].name) == length &&
		    !memcmp(option_table[n].name, name, length))
			return &option_table[n];
	return NULL;
}

/* A letter may stand for two options: the command tells which, if it came before. */
static const struct option_desc *find_short(char letter, const char *command)
{
	const struct command *c = command ? command_find(command) : NULL;
	const struct option_desc *first = NULL;

	for (unsigned int n = 0; n < nr_options; n++) {
		if (option_table[n].letter != letter)
			continue;
		if (c && c->options & option_table[n].bit)
			return &option_table[n];
		if (!first)
			first = &option_table[n];
	}
	return first;
}

static int take_limit(struct options *options, const char *value)
{
	char *end;

	errno = 0;
	options->limit = strtoul(value, &end, 10);
	if (errno || *value < '0' || *value > '9' || *end || !options->limit)
		return usage_error("bad --limit '%s': a number from 1 is wanted", value);
	return 0;
}

/* From a tenth of a second to a day; no signs, exponents or names of numbers. */
static int take_delay(struct options *options, const char *value)
{
	char *end;

	options->delay = strtod(value, &end);
	if (!*value || value[strspn(value, "0123456789.")] || *end || options->delay < 0.1 ||
	    options->delay > 86400)
		return usage_error("bad --delay '%s': seconds from 0.1 to 86400 are wanted", value);
	return 0;
}

/*
 * Takes the option at argv[*at], and what follows as its value if need be.
 * Moves *at to the last word taken.
 */
static int take_option(int argc, char **argv, int *at, struct options *options, const char *command)
{
	const char *word = argv[*at];
	const struct option_desc *o;
	const char *value = NULL;

	if (word[1] == '-') {
		size_t length = strcspn(word + 2, "=");

		o = find_long(word + 2, length);
		if (word[2 + length])
			value = word + 2 + length + 1;
	} else {
		o = find_short(word[1], command);
		if (word[2])
			value = word + 2;
	}
	if (!o)
		return usage_error("unknown option '%s'; see 'memdiagctl help'", word);
	if (value && !o->argument)
		return usage_error("option --%s takes no value", o->name);
	if (!value && o->argument) {
		if (*at + 1 >= argc)
			return usage_error("option --%s needs a value: %s", o->name, o->argument);
		value = argv[++*at];
	}
	options->given |= o->bit;
	options->value[__builtin_ctz(o->bit)] = value;
	if (o->bit == OPT_LIMIT)
		return take_limit(options, value);
	return o->bit == OPT_DELAY ? take_delay(options, value) : 0;
}

/**
 * options_parse() - parse the command line
 * @argc: as main() got it
 * @argv: as main() got it
 * @options: the result
 * @command: the first word that is no option, NULL if there is none
 *
 * Options may stand anywhere; -o means --once only behind a command that takes it.
 * "--" ends them.
 *
 * Return: 0 or STATUS_USAGE.
 */
int options_parse(int argc, char **argv, struct options *options, const char **command)
{
	bool more = true;

	*command = NULL;
	for (int at = 1; at < argc; at++) {
		const char *word = argv[at];

		if (more && !strcmp(word, "--")) {
			more = false;
		} else if (more && word[0] == '-' && word[1]) {
			int ret = take_option(argc, argv, &at, options, *command);

			if (ret)
				return ret;
		} else if (!*command) {
			*command = word;
		} else if (options->nr_args == MAX_ARGS) {
			return usage_error("too many arguments: '%s'", word);
		} else {
			options->args[options->nr_args++] = word;
		}
	}
	return 0;
}
