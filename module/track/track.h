/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracker finds the objects of the kernel's allocators that are outstanding, and
 * the stack that allocated each of them.
 *
 *  objects.c     live objects by address, in a table that probes write without a lock
 *  stacks.c      stacks with their counters, in such a table
 *  caches.c      names of slab caches, in such a table
 *  stack_walk.c  stacks without the unwinder
 *  filter.c      which allocations are tracked
 *  probe.c       what is done when an object is allocated or freed
 *  blocks.c      blocks of pages that are freed in parts
 *  attach.c      probes on the kernel's tracepoints
 *  kprobes.c     probes on functions that allocate or free without a tracepoint
 *  check.c       whether an object was freed without an event, by its page
 *  names.c       names of stacks in modules that are unloaded
 *  run.c         start and stop
 *  status.c      section track_status
 *  report.c      section track
 *  settle.c      waits until deferred frees are done
 *  none.c        replaces all but settle.c on a kernel without tracepoints
 *
 * The start allocates all memory that probes use. Probes run in any context, NMI
 * included, and nest on a CPU, so they write the tables by atomic operations only. An
 * allocation probe sets a flag per CPU and context while it takes a stack; an allocation
 * that finds the flag set is not tracked and counts as dropped_busy. A free never
 * needs the flag, for a free that is not seen makes its object look leaked.
 */
#ifndef _MEMDIAG_TRACK_H
#define _MEMDIAG_TRACK_H

#include <linux/kallsyms.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "../memdiag.h"
#include "caches.h"
#include "filter.h"
#include "objects.h"
#include "stack_walk.h"
#include "stacks.h"

struct page;

#define TRACK_AGES	6

/**
 * struct track_sum - the outstanding objects of one stack, added up by a report
 * @count: objects that are outstanding
 * @parts: blocks with TRACK_PART
 * @bytes: bytes taken from the allocator
 * @asked: bytes asked for
 * @unsure: objects of @count that may have been freed without an event
 * @of_slab: pages that became slabs, not part of the members above
 * @gone: objects that were freed without an event, not part of the members above
 * @oldest: age of the oldest object, jiffies
 * @newest: age of the newest object, jiffies
 * @ages: objects of @count by age
 * @head: names.c: first stack of a hash chain, plus one
 * @next: names.c: next stack of the chain, plus one
 */
struct track_sum {
	u64 count;
	u64 parts;
	u64 bytes;
	u64 asked;
	u64 unsure;
	u64 of_slab;
	u64 gone;
	u32 oldest;
	u32 newest;
	u64 ages[TRACK_AGES];
	u32 head;
	u32 next;
};

#define TRACK_LEVELS	4
/* More than the page orders of any kernel. */
#define TRACK_ORDERS	20

#define TRACK_FRAMES	(TRACK_DEPTH_MAX + TRACK_DEPTH_OWN)

/**
 * struct track_level - buffers to take a stack in one context of a CPU
 * @frames: the stack
 * @walked: the stack by a walk (stack_walk.c)
 * @name: symbol name of a frame
 * @busy: the buffers are in use
 */
struct track_level {
	unsigned long frames[TRACK_FRAMES];
	unsigned long walked[TRACK_FRAMES];
	char name[KSYM_SYMBOL_LEN];
	u8 busy;
};

/*
 * Counters and buffers of a CPU. Section track_status describes the counters. used has the
 * objects that this CPU put into the table less those that it took out, and may wrap. There is
 * one level for each of task, softirq, hardirq and NMI context.
 */
struct track_cpu {
	u64 allocations;
	u64 frees;
	u64 unknown_frees;
	u64 dropped_objects;
	u64 dropped_stacks;
	u64 dropped_busy;
	u64 replaced;
	u64 walks;
	u64 unwinds;
	u64 wrong_walks;
	u64 used;
	struct track_level levels[TRACK_LEVELS];
};

/**
 * struct track_run - one run of the tracker, kept until the next start
 * @filter: the allocations to track
 * @kinds: MEMDIAG_TRACK_SLAB, MEMDIAG_TRACK_PAGES, MEMDIAG_TRACK_PERCPU
 * @objects: live objects
 * @stacks: the stacks that allocated them
 * @walk: rules to take stacks without the unwinder
 * @caches: names of slab caches
 * @cpus: counters and buffers, per CPU
 * @sums: one per stack, for the report
 * @nr_blocks: objects with TRACK_BLOCK, by order
 * @all_blocks: sum of @nr_blocks
 * @block_lock: held while a block is split; no other lock is taken inside it
 * @block_seq: odd while a block is split
 * @lost_frees: frees in an NMI that found @block_lock held
 * @start_jiffies: time of the start, jiffies
 * @start_ns: time of the start, CLOCK_MONOTONIC
 * @stop_ns: time of the stop, CLOCK_MONOTONIC; 0 while the run is armed
 * @stop_jiffies: time of the stop, jiffies
 * @missed: calls of allocating functions that detached kprobes missed
 * @missed_frees: calls of freeing functions that detached kprobes missed
 * @gone: objects that the last report found freed without an event
 * @silent: kinds whose objects may be freed without an event
 * @bytes: memory of all tables
 */
struct track_run {
	struct track_filter filter;
	u32 kinds;
	struct track_objects objects;
	struct track_stacks stacks;
	struct track_walk walk;
	struct track_caches *caches;
	struct track_cpu __percpu *cpus;
	struct track_sum *sums;
	atomic_t nr_blocks[TRACK_ORDERS];
	atomic_t all_blocks;
	raw_spinlock_t block_lock;
	u32 block_seq;
	atomic_t lost_frees;
	unsigned long start_jiffies;
	unsigned long stop_jiffies;
	u64 start_ns;
	u64 stop_ns;
	u32 silent;
	u64 missed;
	u64 missed_frees;
	u64 gone;
	u64 bytes;
};

static inline u32 track_now(const struct track_run *run)
{
	return (u32)(jiffies - run->start_jiffies);
}

/*
 * Whether the filter's one_in lets an address pass. The bits differ from those of the tables'
 * hashes.
 */
static inline bool track_sampled(const struct track_run *run, unsigned long address)
{
	if (run->filter.one_in <= 1)
		return true;
	return !((u32)((address >> 3) * 0xff51afd7ed558ccdull >> 32) & (run->filter.one_in - 1));
}

/* probe.c */
u32 track_stack_of(struct track_run *run, const struct track_event *event);
void track_put_object(struct track_run *run, const struct track_event *event, u32 n);
void track_allocated(struct track_run *run, const struct track_event *event);
void track_freed(struct track_run *run, enum track_kind kind, unsigned long address, bool late);
void track_forget_pages(struct track_run *run, const struct page *page);
bool track_is_own(unsigned long address);
int track_probe_init(void);

/* blocks.c */
void track_block_add(struct track_run *run, u32 size);
void track_block_sub(struct track_run *run, u32 size);
void track_account_free(struct track_run *run, const struct track_object *object);
void track_freed_pages(struct track_run *run, const struct page *page, unsigned int order);

/* check.c */
/* Table entries between two calls of cond_resched(). */
#define TRACK_BATCH	4096
u8 track_check(const struct track_run *run, unsigned long key, const struct track_object *object);
void track_check_all(struct track_run *run);

/* attach.c */
u32 track_attach_kinds(const char **why);
bool track_attach_late(void);
int track_attach(struct track_run *run);
void track_detach(struct track_run *run);
size_t track_attach_print(char *text, size_t size);

/* kprobes.c */
void track_kprobes_attach(struct track_run *run);
void track_kprobes_detach(struct track_run *run);
size_t track_kprobes_print(char *text, size_t size);
u64 track_kprobes_missed(bool frees);

/* names.c */
/* Room for TRACK_DEPTH_MAX names. */
#define TRACK_TEXT	(TRACK_DEPTH_MAX * 256)
size_t track_print_stack(const struct track_stack *stack,
			 const char *(*name)(unsigned long address, char *text), char *text);
void track_names_notify(struct track_run *run, const struct module *mod, unsigned long state);

/* run.c */
extern struct mutex track_lock;
extern struct track_run *track_run;
extern bool track_armed;
extern u32 track_generation;
u64 track_sum_counter(const struct track_run *run, size_t offset);

#define track_counter(run, member) \
	track_sum_counter(run, offsetof(struct track_cpu, member))

#endif /* _MEMDIAG_TRACK_H */
