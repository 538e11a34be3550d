// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_track - what the tracker costs those who allocate
 *
 * usage: bench_track [--memleak COMMAND] [--only-base NAME] [--less N] [REPETITIONS]
 *
 * Three loads: kmalloc() and kfree() of 256 bytes in a loop, pages of order 0
 * likewise, both in memdiag_fixture.ko, which must be loaded; and hackbench, which is
 * found by PATH. Each under
 *
 *   not loaded   memdiag is not there
 *   off          memdiag is loaded
 *   module       armed, with a filter by a module that is loaded and allocates nothing
 *   anywhere     the same, and it may be anywhere in the stack
 *   everything   armed, without a filter
 *   memleak      memdiag is not there, but COMMAND runs, which attaches BPF programs to
 *                the same events
 *
 * in turn, so that whatever disturbs one disturbs the others, as often as told.
 * Prints medians, and ratios to the first. With --only-base there is but one, of
 * that name: to compare kernels that are started differently. With --less the loads
 * are so many times smaller, for kernels that are slow.
 *
 * Nothing passes or fails here; the exit status says whether it was measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "memdiag.h"
#include "mod.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_REPETITIONS 51
/* Pairs of a loop, messages of a pair of processes. */
#define LOOPS 50000
#define MESSAGES 300
#define LOOP_RESULT "/proc/memdiag_fixture/loop"
/* A module that is there and does nothing. */
#define IDLE "memdiag_leaky"
#define IDLE_KO "/lib/memdiag/memdiag_leaky.ko"

enum state { NOT_LOADED, OFF, MODULE, ANYWHERE, EVERYTHING, MEMLEAK, NR_STATES };

static const char *const state_names[] = {
	[NOT_LOADED] = "not loaded",	    [OFF] = "loaded, off",
	[MODULE] = "armed, module filter",  [ANYWHERE] = "armed, module, anywhere",
	[EVERYTHING] = "armed, everything", [MEMLEAK] = "memleak",
};

enum load { KMALLOC, PAGES, HACKBENCH, NR_LOADS };

static const char *const load_names[] = {
	[KMALLOC] = "kmalloc/kfree",
	[PAGES] = "page",
	[HACKBENCH] = "hackbench-like",
};

/* Times of one go, nanoseconds: per pair in the loops, in all for the last. */
static uint64_t times[NR_STATES][NR_LOADS][MAX_REPETITIONS];
static unsigned int repetitions = 9, less = 1;
static const char *memleak, *only_base;
static pid_t memleak_pid;
static FILE *memleak_output;

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "bench_track: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median(uint64_t *ns)
{
	qsort(ns, repetitions, sizeof(*ns), compare);
	return ns[repetitions / 2];
}

/* --- states -------------------------------------------------------------------- */

static void start_tracker(const char *module, uint32_t flags)
{
	struct memdiag_track_start start = { .size = sizeof(start) };
	int fd = open("/dev/memdiag", O_RDONLY | O_CLOEXEC);

	if (module) {
		start.flags = MEMDIAG_TRACK_BY_MODULE | flags;
		snprintf((char *)start.module, sizeof(start.module), "%s", module);
	}
	if (fd < 0 || ioctl(fd, MEMDIAG_IOC_TRACK_START, &start))
		fail("TRACK_START: %s", strerror(errno));
	close(fd);
}

/* On a terminal of its own, or it would keep what it says in a buffer. */
static void start_memleak(void)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char text[256];
	FILE *from;

	if (terminal < 0 || grantpt(terminal) || unlockpt(terminal))
		fail("no terminal: %s", strerror(errno));
	memleak_pid = fork();
	if (!memleak_pid) {
		int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);

		dup2(end, 1);
		dup2(end, 2);
		setpgid(0, 0);
		execl("/bin/sh", "sh", "-c", memleak, NULL);
		_exit(127);
	}
	setpgid(memleak_pid, memleak_pid);
	/* Kept open until it ends. */
	memleak_output = from = fdopen(terminal, "r");
	while (fgets(text, sizeof(text), from)) {
		if (strstr(text, "Tracing outstanding"))
			return;
		fprintf(stderr, "memleak: %s", text);
	}
	fail("memleak does not run");
}

static void enter(enum state state)
{
	int error = 0;

	if (state != NOT_LOADED && state != MEMLEAK)
		error = mod_load(MEMDIAG_KO, "");
	if (error)
		fail("memdiag.ko: %s", strerror(-error));
	if (state == MODULE)
		start_tracker(IDLE, 0);
	if (state == ANYWHERE)
		start_tracker(IDLE, MEMDIAG_TRACK_ANYWHERE);
	if (state == EVERYTHING)
		start_tracker(NULL, 0);
	if (state == MEMLEAK)
		start_memleak();
}

static void leave(enum state state)
{
	if (state == MEMLEAK) {
		/* Killed, as it would report first. */
		kill(-memleak_pid, SIGKILL);
		waitpid(memleak_pid, NULL, 0);
		fclose(memleak_output);
		return;
	}
	if (state != NOT_LOADED && mod_unload("memdiag"))
		fail("memdiag cannot be unloaded: %s", strerror(errno));
}

/* --- loads --------------------------------------------------------------------- */

static uint64_t run_loop(const char *what, unsigned int count)
{
	unsigned long long ns;
	char command[80], *text;
	int error;

	snprintf(command, sizeof(command), "loop %s count=%u", what, count);
	error = file_write(FIXTURE_COMMAND, command);
	if (error)
		fail("%s: %s", command, strerror(-error));
	text = file_read(LOOP_RESULT);
	if (!text || sscanf(text, "%*s %*u %*u %llu", &ns) != 1)
		fail("%s cannot be read", LOOP_RESULT);
	free(text);
	return ns / count;
}

static uint64_t run_hackbench(void)
{
	unsigned long long ns;
	char command[80];
	FILE *from;

	snprintf(command, sizeof(command), "hackbench 4 8 %u", MESSAGES / less);
	from = popen(command, "r");
	if (!from || fscanf(from, "%llu", &ns) != 1 || pclose(from))
		fail("hackbench does not run");
	return ns;
}

static void measure(enum state state, unsigned int i)
{
	enter(state);
	times[state][KMALLOC][i] = run_loop("kmalloc size=256", LOOPS / less);
	times[state][PAGES][i] = run_loop("pages order=0", LOOPS / less);
	times[state][HACKBENCH][i] = run_hackbench();
	leave(state);
}

/* --- results ------------------------------------------------------------------- */

static void print(enum load load)
{
	double base = median(times[NOT_LOADED][load]);
	unsigned int state;

	printf("%s\n", load_names[load]);
	for (state = 0; state < NR_STATES; state++) {
		double ns = median(times[state][load]);

		if ((state && only_base) || (state == MEMLEAK && !memleak))
			continue;
		printf("  %-24s %12.3f us", only_base ? only_base : state_names[state], ns / 1e3);
		printf("  %7.3f x", ns / base);
		printf("  (%.3f to %.3f)\n", times[state][load][0] / base,
		       times[state][load][repetitions - 1] / base);
	}
	if (memleak && !only_base)
		printf("  %-24s %12.3f\n", "everything by memleak, added",
		       (median(times[EVERYTHING][load]) - base) /
			       (median(times[MEMLEAK][load]) - base));
	printf("\n");
}

int main(int argc, char **argv)
{
	unsigned int i, state, load;
	int error;

	for (argv++; *argv; argv++)
		if (!strcmp(*argv, "--memleak") && argv[1])
			memleak = *++argv;
		else if (!strcmp(*argv, "--only-base") && argv[1])
			only_base = *++argv;
		else if (!strcmp(*argv, "--less") && argv[1])
			less = atoi(*++argv);
		else
			repetitions = atoi(*argv);
	if (repetitions < 1 || repetitions > MAX_REPETITIONS)
		fail("1 to %d repetitions", MAX_REPETITIONS);
	if (less < 1 || less > MESSAGES)
		fail("1 to %d times less", MESSAGES);
	mod_unload("memdiag");
	error = mod_load(IDLE_KO, "driver=nobody");
	if (error && error != -EEXIST)
		fail(IDLE_KO ": %s", strerror(-error));
	/* Once for nothing. */
	measure(NOT_LOADED, 0);
	for (i = 0; i < repetitions; i++)
		for (state = 0; state < NR_STATES; state++)
			if (!state || (!only_base && (state != MEMLEAK || memleak)))
				measure(state, i);
	for (load = 0; load < NR_LOADS; load++)
		print(load);
	return 0;
}
