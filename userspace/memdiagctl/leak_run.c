// SPDX-License-Identifier: GPL-2.0-only
/*
 * leakcheck from the first cycle to the judgement.
 *
 * A cycle is: load, run the command, unload. A few cycles to warm up fill what the
 * kernel keeps from the first use on; some looks without a cycle say how much
 * changes anyway; then come the cycles that are judged. What is compared and how is
 * for memdiag_leakcheck_judge() to know. If counts alone say that there is a leak,
 * as many cycles again must say so, too.
 */
#include <errno.h>
#include <stdlib.h>

#include "leak.h"

/* Looks to learn what changes anyway, and how long to wait for a cycle between two. */
#define IDLE_LOOKS 5
#define MAX_IDLE_NS 2000000000ull
/* Looks between which the cycles are spread. */
#define MAX_LOOKS 40
/* If counts do not show enough: steps of so many cycles at least, and so many steps in all. */
#define LEAST_MORE 4
#define MAX_STEPS 4
/* How often to settle until nothing falls any more. */
#define MAX_SETTLES 6

static int settle(struct leak_run *run, bool shortly)
{
	struct memdiag_error error;
	int ret = leak_settle(run, shortly, &error);

	if (ret == -EINTR && leak_stopped())
		return -1;
	if (ret)
		return leak_give_up(run, "cannot wait for what is freed: %s", error.text);
	return leak_stopped() ? -1 : 0;
}

static int look_once(struct leak_run *run, enum memdiag_leak_look look, unsigned int cycles,
		     bool *again)
{
	struct memdiag_error error;
	struct memdiag_data *data;

	if (memdiag_device_snapshot(run->device, run->sections, &error, &data))
		return leak_give_up(run, "cannot take a snapshot: %s", error.text);
	if (memdiag_leakcheck_add(run->check, look, cycles, data, again))
		no_memory();
	memdiag_data_free(data);
	return 0;
}

/* Settles and looks until nothing falls any more; every other time it settles shortly. */
static int look(struct leak_run *run, enum memdiag_leak_look kind, unsigned int cycles)
{
	bool again = true;

	for (int n = 0; again && n < MAX_SETTLES; n++) {
		if (settle(run, n % 2) ||
		    look_once(run, n ? MEMDIAG_LOOK_AGAIN : kind, cycles, &again))
			return -1;
	}
	return 0;
}

static int warm_up(struct leak_run *run)
{
	uint64_t start = leak_now_ns();

	for (uint64_t n = 0; n < run->warmup; n++)
		if (leak_cycle(run))
			return -1;
	if (run->warmup)
		run->cycle_ns = (leak_now_ns() - start) / run->warmup;
	if (run->cycle_ns > MAX_IDLE_NS)
		run->cycle_ns = MAX_IDLE_NS;
	return 0;
}

static int do_idle(struct leak_run *run)
{
	for (int n = 0; n < IDLE_LOOKS; n++) {
		if (n)
			leak_wait_ns(run->cycle_ns);
		if (look(run, MEMDIAG_LOOK_IDLE, 0))
			return -1;
	}
	return 0;
}

/* Looks are spread evenly, so that there is one in the middle. */
static int do_cycles(struct leak_run *run, uint64_t cycles)
{
	uint64_t looks = cycles < MAX_LOOKS ? cycles : MAX_LOOKS, last = 0;

	for (uint64_t n = 1; n <= cycles; n++) {
		if (leak_cycle(run))
			return -1;
		if (n * looks / cycles == (n - 1) * looks / cycles)
			continue;
		if (look(run, MEMDIAG_LOOK_CYCLES, n - last))
			return -1;
		last = n;
	}
	return 0;
}

static void judge(struct leak_run *run)
{
	memdiag_leaks_free(run->leaks);
	run->leaks = NULL;
	if (memdiag_leakcheck_judge(run->check, run->module ? run->name : NULL, run->allow,
				    run->sensitivity, &run->leaks))
		no_memory();
}

static int do_more(struct leak_run *run, uint64_t cycles)
{
	run->planned += cycles;
	if (do_cycles(run, cycles))
		return -1;
	judge(run);
	return 0;
}

/* Unless whatever counts show will do. */
static bool needs_more(const struct leak_run *run)
{
	return run->leaks->blunt || (run->leaks->uneven && run->sensitivity != UINT64_MAX &&
				     run->leaks->verdict == MEMDIAG_VERDICT_CLEAN);
}

/* What a leak adds grows with the cycles; what comes and goes does not. */
static int sharpen(struct leak_run *run)
{
	uint64_t step = run->cycles < LEAST_MORE ? LEAST_MORE : run->cycles;

	/* A stack that leaks is told whatever the counts would have shown. */
	if (run->leaks->confirmed || !needs_more(run))
		return 0;
	for (int n = 1; needs_more(run) && n < MAX_STEPS; n++)
		if (do_more(run, step))
			return -1;
	leak_note(run, "%llu cycles were too few for the counts, so leakcheck made %u in all",
		  (unsigned long long)run->cycles, run->leaks->cycles);
	return 0;
}

/**
 * leak_run_all() - warm up, look, make the cycles, judge
 * @run: the check
 *
 * Return: 0 with a judgement; -1 if the check could not be done, and @run says why.
 */
int leak_run_all(struct leak_run *run)
{
	run->start_ns = run->told_ns = leak_now_ns();
	run->planned = run->warmup + run->cycles;
	if (warm_up(run))
		return -1;
	if (do_idle(run) || do_cycles(run, run->cycles))
		return -1;
	judge(run);
	if (sharpen(run))
		return -1;
	if (run->leaks->verdict != MEMDIAG_VERDICT_LEAK || run->leaks->confirmed)
		return 0;
	leak_note(run, "only counts grew, so leakcheck made as many cycles again: %u in all",
		  2 * run->leaks->cycles);
	memdiag_leakcheck_confirm(run->check);
	return do_more(run, run->leaks->cycles);
}
