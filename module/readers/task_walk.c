// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks that several providers need: over all processes, and over the open files
 * of each.
 *
 * Processes are found by their pid in the initial namespace, as a directory
 * listing of /proc finds them: the next pid of a number is looked up in the
 * namespace's tree, so a walk can stop anywhere and go on at a number, whoever
 * came or went meanwhile. Each is held by a reference while it is looked at.
 *
 * Open files are walked under the locks that iterate_fd() takes, so many files at a
 * time, but by the bitmap of the table: iterate_fd() looks at every number up to the
 * largest, of which there may be a million and one open. What is of interest is held
 * by a reference and looked at outside.
 *
 * Locks: RCU, let go every WALK_TASKS processes. For files task_lock() and below it
 * the file_lock of the table, both let go after WALK_SLOTS open files or WALK_NUMBERS
 * numbers of files.
 *
 * Stale: a process that is new may be missed, one that ended is still reported.
 *
 * Skipped: a thread with a table of files of its own, if it is not the first one
 * of its process.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "../memdiag.h"
#include "task_walk.h"

/* Processes to look for in one RCU read-side section, and pids to look at. */
#define WALK_TASKS	32
#define WALK_PIDS	512
/* Open files to look at, and to find, under one hold of the locks. */
#define WALK_SLOTS	512
#define WALK_FOUND	16
/* Numbers of files, open or not: words of a bitmap. */
#define WALK_NUMBERS	BIT(16)

/* The next processes from pid @nr on, each with a reference. */
static unsigned int walk_next(struct task_struct **tasks, int *nr, bool *more)
{
	struct task_struct *task;
	unsigned int pids, n = 0;
	struct pid *pid = NULL;

	rcu_read_lock();
	for (pids = 0; n < WALK_TASKS && pids < WALK_PIDS; pids++) {
		pid = idr_get_next(&init_pid_ns.idr, nr);
		if (!pid)
			break;
		task = pid_task(pid, PIDTYPE_TGID);
		if (task) {
			get_task_struct(task);
			tasks[n++] = task;
		}
		(*nr)++;
	}
	rcu_read_unlock();
	*more = pid;
	return n;
}

/**
 * memdiag_walk_tasks() - call a function for each process
 * @fn: called with no lock held and a reference to the first thread; 0 to go on
 * @arg: for @fn
 *
 * Context: may sleep.
 *
 * Return: 0; what @fn returned if not 0; -EINTR on a fatal signal.
 */
int memdiag_walk_tasks(int (*fn)(struct task_struct *leader, void *arg), void *arg)
{
	struct task_struct *tasks[WALK_TASKS];
	unsigned int i, n;
	bool more = true;
	int error = 0;
	int nr = 1;

	while (more && !error) {
		n = walk_next(tasks, &nr, &more);
		for (i = 0; i < n; i++) {
			if (!error)
				error = fn(tasks[i], arg);
			put_task_struct(tasks[i]);
		}
		cond_resched();
		if (!error && fatal_signal_pending(current))
			error = -EINTR;
	}
	return error;
}

/* What was found under one hold of the locks. */
struct walk_batch {
	const struct memdiag_walk *walk;
	struct file *found[WALK_FOUND];
	unsigned int nr_found;
	unsigned int slots;
};

/* Is the batch full with this file? */
static bool walk_file(struct walk_batch *batch, struct file *file)
{
	/* It cannot be closed under the lock, so it has a reference to add to. */
	if (batch->walk->wanted(file, batch->walk->arg)) {
		get_file(file);
		batch->found[batch->nr_found++] = file;
	}
	return ++batch->slots == WALK_SLOTS || batch->nr_found == WALK_FOUND;
}

/* Returns the number to go on at; 0: that was all. */
static unsigned int walk_numbers(struct files_struct *files, unsigned int fd,
				 struct walk_batch *batch)
{
	struct fdtable *table;
	struct file *file;
	unsigned int end;
	bool full = false;

	spin_lock(&files->file_lock);
	table = files_fdtable(files);
	end = min_t(unsigned int, table->max_fds, fd + WALK_NUMBERS);
	while (!full && (fd = find_next_bit(table->open_fds, end, fd)) < end) {
		file = rcu_dereference_protected(table->fd[fd++],
						 lockdep_is_held(&files->file_lock));
		/* NULL: the number is taken by somebody who still opens the file. */
		full = file && walk_file(batch, file);
	}
	if (fd >= table->max_fds)
		fd = 0;
	spin_unlock(&files->file_lock);
	return fd;
}

/* The first thread that has files: the leader may have ended before the others. */
static unsigned int walk_table(struct task_struct *leader, struct walk_batch *batch,
			       unsigned int fd)
{
	struct memdiag_sink *sink = batch->walk->sink;
	struct task_struct *task;
	bool done = false;

	rcu_read_lock();
	list_for_each_entry_rcu(task, &leader->signal->thread_head, thread_node) {
		task_lock(task);
		memdiag_lock_begin(sink);
		done = task->files;
		if (done)
			fd = walk_numbers(task->files, fd, batch);
		memdiag_lock_end(sink);
		task_unlock(task);
		if (done)
			break;
	}
	rcu_read_unlock();
	return done ? fd : 0;
}

static int walk_process(struct task_struct *leader, void *arg)
{
	struct walk_batch batch = { .walk = arg };
	unsigned int i, fd = 0;
	int error = 0;

	do {
		batch.nr_found = 0;
		batch.slots = 0;
		fd = walk_table(leader, &batch, fd);
		for (i = 0; i < batch.nr_found; i++) {
			if (!error)
				error = batch.walk->found(leader, batch.found[i], batch.walk->arg);
			fput(batch.found[i]);
		}
		cond_resched();
		if (!error && fatal_signal_pending(current))
			error = -EINTR;
	} while (fd && !error);
	return error;
}

/**
 * memdiag_walk_files() - call a function for open files of all processes
 * @walk: what to look for
 *
 * One that is open in several processes, or more than once in one of them, is
 * found as often. The last reference to a file may turn out to be ours: such a file is
 * closed when the system call that took the snapshot returns.
 *
 * Context: may sleep.
 *
 * Return: as memdiag_walk_tasks().
 */
int memdiag_walk_files(const struct memdiag_walk *walk)
{
	return memdiag_walk_tasks(walk_process, (void *)walk);
}
