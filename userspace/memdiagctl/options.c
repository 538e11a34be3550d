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
	{ OPT_REVERSE, 0, "reverse", "", "turn the order round" },
	{ OPT_BY, 0, "by", "WHAT", "one row per what" },
	{ OPT_SECTIONS, 0, "sections", "LIST", "collect only these sections" },
	{ OPT_JSON, 0, "json", "", "one JSON document instead of a table" },
	{ OPT_NO_HEADINGS, 0, "no-headings", "", "no line with the names of the columns" },
	{ OPT_BYTES, 0, "bytes", "", "exact values in base units, not KiB, ms" },
	{ OPT_LIMIT, 0, "limit", "N", "no more than N rows" },
	{ OPT_ONCE, 'o', "once", "", "print one screen as text, no terminal needed" },
	{ OPT_MODULE, 0, "module", "MODULE", "a module: its file, or its name where it is loaded" },
	{ OPT_SYSTEM_MAP, 0, "system-map", "FILE", "take addresses from the kernel's System.map" },
	{ OPT_DELAY, 'd', "delay", "SECONDS", "time between two screens, 2 if not given" },
	{ OPT_FOLLOW, 'f', "follow", "", "again and again, with what changed" },
	{ OPT_MIN_AGE, 0, "min-age", "AGE", "only objects at least so old: 500ms, 10s, 5m, 1h" },
	{ OPT_FOLDED, 0, "folded", "", "stacks in one line with their bytes, for flame graphs" },
	{ OPT_ANYWHERE, 0, "anywhere", "", "the module may be anywhere in the stack" },
	{ OPT_CACHE, 0, "cache", "PATTERN", "only slab caches of this name; * and ? match" },
	{ OPT_SIZE, 0, "size", "MIN-MAX", "only requests of so many bytes: 64, 1K-8K, 4K-" },
	{ OPT_ORDER, 0, "order", "MIN-MAX", "only pages of these orders" },
	{ OPT_PID, 0, "pid", "PID", "only what this process allocates" },
	{ OPT_CGROUP, 0, "cgroup", "PATH", "only what tasks of this cgroup, or below, allocate" },
	{ OPT_ONE_IN, 0, "one-in", "N", "track one of N objects; a power of two" },
	{ OPT_KINDS, 0, "kinds", "LIST", "of slab,pages,percpu; all if not given" },
	{ OPT_OBJECTS, 0, "objects", "N", "room for so many live objects" },
	{ OPT_STACKS, 0, "stacks", "N", "room for so many different stacks" },
	{ OPT_DEPTH, 0, "depth", "N", "frames kept of a stack" },
	{ OPT_DISCARD, 0, "discard", "", "forget what was tracked" },
	{ OPT_PARAM, 0, "param", "NAME=VALUE", "parameter of the module; may be repeated" },
	{ OPT_CYCLES, 0, "cycles", "N", "cycles that are judged, 10 if not given" },
	{ OPT_WARMUP, 0, "warmup", "N", "cycles before that, 2 if not given" },
	{ OPT_ALLOW, 0, "allow", "KIND=BYTES",
	  "let so much stay behind per cycle; may be repeated" },
	{ OPT_ATTACH, 0, "attach", "", "the module stays loaded, only COMMAND is repeated" },
	{ OPT_TAP, 0, "tap", "", "one TAP test for each kind of memory" },
	{ OPT_JUNIT, 0, "junit", "FILE",
	  "write a JUnit report as well; - instead, to standard output" },
	{ OPT_KMEMLEAK, 0, "kmemleak", "",
	  "have the kernel's kmemleak scan, and tell what it finds" },
	{ OPT_KEEP_CACHES, 0, "keep-caches", "",
	  "do not drop the page cache, dentries and inodes before looking" },
	{ OPT_SENSITIVITY, 0, "sensitivity", "BYTES",
	  "show so much per cycle or cannot tell; a page if not given" },
	{ OPT_LIST, 0, "list", "", "commands and their options, for programs" },
	{ OPT_HELP, 'h', "help", "", "explain the command" },
	{ OPT_VERSION, 'V', "version", "", "say the version" },
};

const unsigned int nr_options = ARRAY_SIZE(option_table);

/* The value of an option, NULL if it was not given. */
const char *option_value(const struct options *options, enum option_bit bit)
{
	return options->given & bit ? options->value[__builtin_ctzll(bit)] : NULL;
}

/* The next value of an option that may be repeated, from *at on; NULL at the end. */
const char *option_next(const struct options *options, enum option_bit bit, int *at)
{
	while (*at < options->nr_repeated)
		if (options->repeated[(*at)++].bit == bit)
			return options->repeated[*at - 1].value;
	return NULL;
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

static int take_delay(struct options *options, const char *value)
{
	char *end;

	options->delay = strtod(value, &end);
	if (!*value || value[strspn(value, "0123456789.")] || *end || options->delay < 0.1 ||
	    options->delay > 86400)
		return usage_error("bad --delay '%s': seconds from 0.1 to 86400 are wanted", value);
	return 0;
}

static int take_repeated(struct options *options, uint64_t bit, const char *value)
{
	if (options->nr_repeated == MAX_REPEATED)
		return usage_error("too many options of a kind: '%s'", value);
	options->repeated[options->nr_repeated].bit = bit;
	options->repeated[options->nr_repeated++].value = value;
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
	if (value && !*o->argument)
		return usage_error("option --%s takes no value", o->name);
	if (!value && *o->argument) {
		if (*at + 1 >= argc)
			return usage_error("option --%s needs a value: %s", o->name, o->argument);
		value = argv[++*at];
	}
	options->given |= o->bit;
	options->value[__builtin_ctzll(o->bit)] = value;
	switch (o->bit) {
	case OPT_LIMIT:
		return take_limit(options, value);
	case OPT_DELAY:
		return take_delay(options, value);
	case OPT_PARAM:
	case OPT_ALLOW:
		return take_repeated(options, o->bit, value);
	default:
		return 0;
	}
}

/**
 * options_parse() - parse the command line
 * @argc: as main() got it
 * @argv: as main() got it
 * @options: the result, also on failure; @options->args is to be freed
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

	/* There cannot be more, and the words of a command to run end with NULL. */
	options->args = must(calloc(argc + 1, sizeof(*options->args)));
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
		} else {
			options->args[options->nr_args++] = word;
		}
	}
	return 0;
}
