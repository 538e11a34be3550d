// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start and stop of the tracker.
 *
 * A start allocates all tables, within a share of RAM, and attaches the probes. A stop detaches
 * them, waits until none runs, and keeps the tables for reports. The next start, a stop with
 * MEMDIAG_TRACK_DISCARD and the module's exit free the tables.
 *
 * Locks: track_lock around a change of state, a report and the module notifier. The locks that
 * attach a probe are taken inside it. Probes do not take track_lock; their argument is the run.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../compat/module.h"
#include "track.h"

/* All tables together may take 1/RUN_SHARE of RAM. */
#define RUN_SHARE	8
/* Default: 1/RUN_SHARE_DEFAULT of RAM, at most RUN_DEFAULT_MAX. */
#define RUN_SHARE_DEFAULT	32
#define RUN_DEFAULT_MAX	SZ_64M
#define RUN_STACKS_MIN	16
#define RUN_STACKS_DEFAULT	SZ_16K
#define RUN_OBJECTS_MIN	64
#define RUN_OBJECTS_MAX	BIT_ULL(31)


DEFINE_MUTEX(track_lock);
/* Under track_lock, as the two below. */
struct track_run *track_run;
bool track_armed;
/* Incremented by all that makes a report in the making stale. */
u32 track_generation;

/**
 * track_sum_counter() - sum of a counter over all CPUs
 * @run: the run
 * @offset: of the counter in struct track_cpu, bytes
 *
 * Return: the sum.
 */
u64 track_sum_counter(const struct track_run *run, size_t offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*(u64 *)((void *)per_cpu_ptr(run->cpus, cpu) + offset));
	return sum;
}

static void run_free(struct track_run *run)
{
	if (!run)
		return;
	track_objects_free(&run->objects);
	track_stacks_free(&run->stacks);
	track_walk_free(&run->walk);
	vfree(run->caches);
	vfree(run->sums);
	free_percpu(run->cpus);
	track_filter_put(&run->filter);
	memdiag_free(run);
}

/* Under track_lock. */
static void run_discard(void)
{
	run_free(track_run);
	track_run = NULL;
	track_generation++;
}

static u64 run_ram(void)
{
	struct sysinfo info;

	si_meminfo(&info);
	return (u64)info.totalram * info.mem_unit;
}

static u64 run_stacks_bytes(u64 stacks, u32 depth)
{
	return track_stacks_bytes(stacks, depth) + stacks * sizeof(struct track_sum);
}

/* Sets sizes that the user left 0, within 1/RUN_SHARE_DEFAULT of RAM. */
static void run_defaults(struct memdiag_track_start *start, u64 ram)
{
	u64 room = min_t(u64, ram / RUN_SHARE_DEFAULT, RUN_DEFAULT_MAX);

	if (!start->stacks) {
		start->stacks = RUN_STACKS_DEFAULT;
		while (start->stacks > 1024 &&
		       run_stacks_bytes(start->stacks, start->depth) > room / 2)
			start->stacks /= 2;
	}
	if (!start->objects)
		start->objects = max_t(u64, div64_u64(room / 2 * 1024, track_objects_bytes(1024)),
				       1024);
}

static int run_sizes(struct memdiag_track_start *start)
{
	u64 ram = run_ram();

	start->depth = start->depth ?: TRACK_DEPTH_DEFAULT;
	if (start->depth > TRACK_DEPTH_MAX || start->objects > RUN_OBJECTS_MAX ||
	    start->stacks > BIT(TRACK_STACK_BITS) - 1)
		return -EINVAL;
	run_defaults(start, ram);
	start->stacks = max_t(u64, start->stacks, RUN_STACKS_MIN);
	start->objects = max_t(u64, start->objects, RUN_OBJECTS_MIN);
	if (track_objects_bytes(start->objects) + run_stacks_bytes(start->stacks, start->depth) >
	    div_u64(ram, RUN_SHARE))
		return -ENOMEM;
	return 0;
}

static int run_alloc(struct track_run *run, struct memdiag_track_start *start)
{
	int error;

	error = track_objects_alloc(&run->objects, start->objects);
	if (!error)
		error = track_stacks_alloc(&run->stacks, start->stacks, start->depth);
	if (!error)
		error = track_walk_alloc(&run->walk);
	if (error)
		return error;
	run->caches = memdiag_alloc_pages(sizeof(*run->caches));
	run->sums = memdiag_alloc_pages(start->stacks * sizeof(*run->sums));
	run->cpus = alloc_percpu_gfp(struct track_cpu, MEMDIAG_GFP_NORETRY);
	if (!run->caches || !run->sums || !run->cpus)
		return -ENOMEM;
	run->bytes = run->objects.bytes + run->stacks.bytes + TRACK_WALK_BYTES +
		     sizeof(*run->caches) + start->stacks * sizeof(*run->sums) +
		     (u64)num_possible_cpus() * sizeof(*run->cpus);
	start->objects = track_objects_room(&run->objects);
	start->bytes = run->bytes;
	return 0;
}

static int run_kinds(struct memdiag_track_start *start)
{
	const char *why;
	u32 can = track_attach_kinds(&why);

	if (start->kinds & ~(MEMDIAG_TRACK_SLAB | MEMDIAG_TRACK_PAGES | MEMDIAG_TRACK_PERCPU) ||
	    !can || start->kinds & ~can)
		return -EOPNOTSUPP;
	start->kinds = start->kinds ?: can;
	return 0;
}

/**
 * memdiag_track_start() - start the tracker
 * @start: in and out: as in uapi/memdiag.h
 *
 * Context: may sleep, in the requesting process.
 *
 * Return: 0, or an error as in uapi/memdiag.h.
 */
int memdiag_track_start(struct memdiag_track_start *start)
{
	struct track_run *run;
	int error;

	if (mutex_lock_killable(&track_lock))
		return -EINTR;
	error = track_armed ? -EALREADY : 0;
	run = memdiag_keep(1, sizeof(*run));
	if (!error && !run)
		error = -ENOMEM;
	if (!error)
		error = track_filter_set(&run->filter, start);
	if (!error)
		error = run_kinds(start);
	if (!error)
		error = run_sizes(start);
	if (error)
		goto free;
	/* Free the tables of the last run first. */
	run_discard();
	error = run_alloc(run, start);
	if (error)
		goto free;
	track_caches_verify();
	raw_spin_lock_init(&run->block_lock);
	run->kinds = start->kinds;
	run->objects.owes = track_attach_late();
	run->start_jiffies = jiffies;
	run->start_ns = ktime_get_ns();
	error = track_attach(run);
	if (error)
		goto free;
	track_run = run;
	track_armed = true;
	mutex_unlock(&track_lock);
	return 0;
free:
	run_free(run);
	mutex_unlock(&track_lock);
	return error;
}

/* Under track_lock. */
static void run_stop(struct track_run *run)
{
	if (!track_armed)
		return;
	track_detach(run);
	run->stop_jiffies = jiffies;
	run->stop_ns = ktime_get_ns();
	track_armed = false;
	track_generation++;
	track_check_all(run);
}

/**
 * memdiag_track_stop() - stop the tracker
 * @flags: 0 or MEMDIAG_TRACK_DISCARD
 *
 * Context: may sleep.
 *
 * Return: 0, -EOPNOTSUPP for unknown flags, -EINTR on a fatal signal.
 */
int memdiag_track_stop(u32 flags)
{
	if (flags & ~MEMDIAG_TRACK_DISCARD)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&track_lock))
		return -EINTR;
	run_stop(track_run);
	if (flags & MEMDIAG_TRACK_DISCARD)
		run_discard();
	mutex_unlock(&track_lock);
	return 0;
}

/*
 * Forget the rules of addresses that other code may use from now on: all of a module that is
 * loaded or has gone, and its init text after it has run.
 */
static void run_forget(struct track_walk *walk, const struct module *mod, unsigned long state)
{
	unsigned long start, size;

	if (state != MODULE_STATE_LIVE) {
		start = memdiag_module_text(mod, &size);
		track_walk_forget(walk, start, size);
	}
	start = memdiag_module_init_text(mod, &size);
	track_walk_forget(walk, start, size);
}

static int run_notify(struct notifier_block *nb, unsigned long state, void *data)
{
	mutex_lock(&track_lock);
	if (track_armed && state != MODULE_STATE_UNFORMED)
		run_forget(&track_run->walk, data, state);
	if (track_armed)
		track_filter_module(&track_run->filter, data, state);
	if (track_run)
		track_names_notify(track_run, data, state);
	mutex_unlock(&track_lock);
	return NOTIFY_DONE;
}

static struct notifier_block run_notifier = { .notifier_call = run_notify };

/**
 * memdiag_track_init() - register the module notifier
 *
 * Context: may sleep; not from a module notifier.
 *
 * Return: 0, or the error of register_module_notifier().
 */
int __init memdiag_track_init(void)
{
	track_probe_init();
	return register_module_notifier(&run_notifier);
}

/** memdiag_track_exit() - end tracking for good */
void memdiag_track_exit(void)
{
	unregister_module_notifier(&run_notifier);
	/* Not killable: the code of the probes goes away. */
	mutex_lock(&track_lock);
	run_stop(track_run);
	run_discard();
	mutex_unlock(&track_lock);
}
