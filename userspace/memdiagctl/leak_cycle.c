// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cycle of leakcheck: load the module, run the command, unload the module.
 *
 * A signal must end the check early and still leave nothing behind. So the signals
 * are blocked but for the moments that wait, and no command starts after one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leak.h"

/* How long a module may still be in use after the command. */
#define UNLOAD_MS 5000
#define UNLOAD_STEP_MS 20
/* How long nothing is said of how far the check is. */
#define SILENCE_NS 5000000000ull
/* How long the command may take to end after a signal was passed on to it. */
#define END_MS 5000

static volatile sig_atomic_t stopped_by;

/* SIGCHLD is not among them: it must end a wait, but it stops nothing. */
static const int stop_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
/* What became of them before, for the command. */
static struct sigaction inherited[ARRAY_SIZE(stop_signals)];

static void on_signal(int signal)
{
	if (signal != SIGCHLD)
		stopped_by = signal;
}

/* The signals that are looked at here. */
static void own_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t n = 0; n < ARRAY_SIZE(stop_signals); n++)
		sigaddset(set, stop_signals[n]);
}

/**
 * leak_take_signals() - a signal ends the check in order from now on
 *
 * A signal that memdiagctl was started with as ignored, as nohup(1) does, stays ignored.
 * Not so SIGCHLD: then the kernel would forget the status of the command.
 */
void leak_take_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	for (size_t n = 0; n < ARRAY_SIZE(stop_signals); n++) {
		sigaction(stop_signals[n], NULL, &inherited[n]);
		if (inherited[n].sa_handler != SIG_IGN)
			sigaction(stop_signals[n], &action, NULL);
	}
	sigaction(SIGCHLD, &action, NULL);
	own_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/**
 * leak_stopped() - which signal ended the check?
 *
 * Return: its number, 0 if there was none.
 */
int leak_stopped(void)
{
	return stopped_by;
}

/* A clock for lengths of time. */
uint64_t leak_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Waits; a signal ends the wait. */
void leak_wait_ns(uint64_t ns)
{
	const struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&t, NULL);
}

/**
 * leak_give_up() - it cannot be told, and why
 * @run: the check; the first reason given is the one that is shown
 * @format: a sentence
 *
 * Return: -1.
 */
int leak_give_up(struct leak_run *run, const char *format, ...)
{
	va_list args;

	if (*run->why)
		return -1;
	va_start(args, format);
	vsnprintf(run->why, sizeof(run->why), format, args);
	va_end(args);
	return -1;
}

static int load(struct leak_run *run)
{
	int ret;

	if (!run->module)
		return 0;
	ret = memdiag_module_load(run->module, run->parameters);
	switch (ret) {
	case 0:
		run->loaded = true;
		leak_places_take(run);
		return 0;
	case -EEXIST:
		if (leak_is_loaded(run->name))
			return leak_give_up(run, "%s is loaded already: unload it, or use --attach",
					    run->name);
		return leak_give_up(
			run,
			"%s cannot be loaded: its init failed with %s: something of that name is there already, which a load before may have left behind; 'dmesg' may name it",
			run->name, strerror(-ret));
	case -ENOENT:
		return leak_give_up(
			run,
			"%s cannot be loaded: it needs something that is not there, or its init does; load the modules it depends on first, 'dmesg' may say more",
			run->name);
	default:
		return leak_give_up(run, "%s cannot be loaded: %s; 'dmesg' may say more", run->name,
				    strerror(-ret));
	}
}

/* Something may hold the module for a moment, such as a device that is just closed. */
static int unload(struct leak_run *run)
{
	int ret = 0;

	if (!run->loaded)
		return 0;
	for (int waited = 0; waited <= UNLOAD_MS; waited += UNLOAD_STEP_MS) {
		ret = memdiag_module_remove(run->name);
		if (ret != -EAGAIN && ret != -EBUSY)
			break;
		leak_wait_ns(UNLOAD_STEP_MS * 1000000ull);
	}
	if (!ret || ret == -ENOENT) {
		run->loaded = false;
		/* The command may have done it. */
		return 0;
	}
	if (ret == -EAGAIN || ret == -EBUSY)
		return leak_give_up(run, "%s is still in use after %d s and stays loaded",
				    run->name, UNLOAD_MS / 1000);
	return leak_give_up(run, "%s cannot be unloaded: %s", run->name, strerror(-ret));
}

static void exec_command(char *const *words, const sigset_t *set)
{
	/* Our own output is for the verdict. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	for (size_t n = 0; n < ARRAY_SIZE(stop_signals); n++)
		sigaction(stop_signals[n], &inherited[n], NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, set, NULL);
	execvp(words[0], words);
	warn("cannot run %s: %s", words[0], strerror(errno));
	_exit(127);
}

/*
 * The status of the command, when it has ended. A signal that comes meanwhile is passed
 * on once; a command that does not end then is killed, as the module has to go.
 * Return: 0 or -errno.
 */
static int wait_command(pid_t pid, const sigset_t *waiting, int *status)
{
	const struct timespec patience = { .tv_sec = END_MS / 1000 };
	bool passed_on = false;
	pid_t ended;

	while (!(ended = waitpid(pid, status, WNOHANG))) {
		if (stopped_by && !passed_on) {
			kill(pid, stopped_by);
			passed_on = true;
		}
		if (!ppoll(NULL, 0, passed_on ? &patience : NULL, waiting))
			kill(pid, SIGKILL);
	}
	return ended < 0 ? -errno : 0;
}

static int run_command(struct leak_run *run)
{
	const struct options *o = run->options;
	sigset_t set, waiting;
	int status = 0, ret;
	pid_t pid;

	if (!o->nr_args)
		return 0;
	fflush(NULL);
	own_signals(&set);
	/* A signal between the question and the wait would be noticed by neither. */
	sigprocmask(SIG_BLOCK, &set, &waiting);
	if (stopped_by) {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		return -1;
	}
	pid = fork();
	if (!pid)
		exec_command((char *const *)o->args, &set);
	ret = pid < 0 ? -errno : wait_command(pid, &waiting, &status);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (stopped_by)
		return -1;
	if (ret)
		return leak_give_up(run, "the command '%s' cannot be run: %s", o->args[0],
				    strerror(-ret));
	if (WIFSIGNALED(status))
		return leak_give_up(run, "the command '%s' was ended by signal %d", o->args[0],
				    WTERMSIG(status));
	if (WEXITSTATUS(status))
		return leak_give_up(run, "the command '%s' failed with status %d", o->args[0],
				    WEXITSTATUS(status));
	return 0;
}

/* A check that takes long must not look as if it hung. */
static void tell_progress(struct leak_run *run)
{
	uint64_t now = leak_now_ns();

	if (now - run->told_ns < SILENCE_NS)
		return;
	run->told_ns = now;
	warn("%u of %llu cycles are done after %llu s", run->done, (unsigned long long)run->planned,
	     (unsigned long long)(now - run->start_ns) / 1000000000);
}

/**
 * leak_cycle() - load the module, run the command, unload the module
 * @run: the check
 *
 * Return: 0, or -1 if it could not be done or a signal came; @run says why, and
 * whether the module is still loaded.
 */
int leak_cycle(struct leak_run *run)
{
	int ret;

	if (stopped_by)
		return -1;
	ret = load(run);
	if (!ret)
		ret = run_command(run);
	if (unload(run))
		ret = -1;
	run->done++;
	if (stopped_by)
		return -1;
	tell_progress(run);
	return ret;
}
