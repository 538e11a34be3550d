// SPDX-License-Identifier: GPL-2.0-only
/* The way from the command line to a command. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memdiagctl.h"

static int check_options(const struct command *command, const struct options *options)
{
	for (unsigned int n = 0; n < nr_options; n++)
		if (options->given & option_table[n].bit & ~command->options)
			return usage_error(
				"command '%s' has no option --%s; see 'memdiagctl help %s'",
				command->name, option_table[n].name, command->name);
	if (options->given & OPT_HELP)
		return 0;
	if (options->nr_args < command->min_args)
		return usage_error("command '%s' needs: %s", command->name, command->arguments);
	if (options->nr_args > command->max_args)
		return usage_error("command '%s' does not take '%s'", command->name,
				   options->args[command->max_args]);
	return 0;
}

static int run_command(struct options *options, const char *name)
{
	const struct command *command;
	int ret;

	if (!name && options->given & OPT_VERSION) {
		name = "version";
		options->given &= ~OPT_VERSION;
	} else if (!name && options->given & OPT_HELP) {
		name = "help";
	}
	if (!name)
		return usage_error("no command; see 'memdiagctl help'");
	command = command_find(name);
	if (!command)
		return usage_error("unknown command '%s'; see 'memdiagctl help'", name);
	ret = check_options(command, options);
	if (ret)
		return ret;
	if (options->given & OPT_HELP && command->run != cmd_help)
		return help_command(command, option_value(options, OPT_INPUT), options->args[0]);
	return command->run(command, options);
}

static int run(int argc, char **argv)
{
	struct options options = {};
	const char *name;
	int ret = options_parse(argc, argv, &options, &name);

	if (!ret)
		ret = run_command(&options, name);
	free(options.args);
	return ret;
}

/*
 * Output that did not arrive is a failure. A reader that went away (EPIPE, as
 * with head) knows that, so no words are made about it.
 */
static int finish(int status)
{
	int error = 0;

	if (fflush(stdout) || ferror(stdout))
		error = errno ? errno : EIO;
	if (close(STDOUT_FILENO) && !error && errno != EBADF)
		error = errno;
	if (!error)
		return status;
	if (error == EPIPE)
		return STATUS_CANNOT;
	return cannot("cannot write to standard output: %s; the output is not complete",
		      strerror(error));
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	/* Inherited as ignored, the status of every program that is run here would be lost. */
	signal(SIGCHLD, SIG_DFL);
	return finish(run(argc, argv));
}
