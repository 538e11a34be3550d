/* SPDX-License-Identifier: GPL-2.0-only */
/* Walks that several providers need: over processes, over their open files. */
#ifndef _MEMDIAG_READERS_TASK_WALK_H
#define _MEMDIAG_READERS_TASK_WALK_H

#include <linux/types.h>

struct file;
struct memdiag_sink;
struct task_struct;

/**
 * struct memdiag_walk - what a walk over open files looks for
 * @wanted: is this one of interest? Called under spinning locks: only reads
 * @found: called with no lock held and a reference to @file; 0 to go on
 * @sink: for the longest hold of the locks
 * @arg: for the callbacks
 */
struct memdiag_walk {
	bool (*wanted)(const struct file *file, void *arg);
	int (*found)(struct task_struct *leader, struct file *file, void *arg);
	struct memdiag_sink *sink;
	void *arg;
};

int memdiag_walk_tasks(int (*fn)(struct task_struct *leader, void *arg), void *arg);
int memdiag_walk_files(const struct memdiag_walk *walk);

#endif /* _MEMDIAG_READERS_TASK_WALK_H */
