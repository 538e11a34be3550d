/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracker: which objects of the kernel's allocators are outstanding, and by
 * which stack they were allocated.
 *
 *  objects.c     live objects by address: written by probes without a lock
 *  stacks.c      stacks with their counters: likewise
 *  caches.c      names of slab caches: likewise
 *  stack_walk.c  stacks without the unwinder
 *  filter.c      which allocations are looked at
 *  probe.c       what happens when an object is allocated or freed
 *  blocks.c      blocks of pages that are given back in parts
 *  attach.c      the kernel's tracepoints, and what is called by them
 *  kprobes.c     the same where the kernel frees without a tracepoint
 *  check.c       is an object still what it was?
 *  names.c       names of stacks in modules that are unloaded
 *  run.c         start and stop
 *  status.c      section track_status
 *  report.c      section track
 *  settle.c      waiting until what was freed is free
 *  none.c        in place of all but settle.c, where there are no tracepoints
 *
 * Everything that a probe touches was allocated by the start. Probes run in any
 * context, NMI included, nested in each other on a CPU, and use only the atomic
 * operations of the tables. A per-CPU flag keeps a probe from being entered again
 * in the same context where it takes a stack; that is counted as dropped_busy.
 * Frees never need the flag, so that none is lost by it.
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
 * struct track_sum - what is outstanding of a stack, added up by a report
 * @count: objects
 * @parts: what is left of blocks, beside those that count
 * @bytes: taken from the allocator
 * @asked: asked for
 * @unsure: of @count
 * @of_slab: pages that are slabs, and in none of the others
 * @gone: objects that were freed without an event, and in none of the others
 * @oldest: jiffies from the start to the oldest
 * @newest: to the newest
 * @ages: objects by age
 * @head: while stacks are merged: a chain of stacks, by hash
 * @next: likewise: the next one in a chain
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
/* More than any kernel has. */
#define TRACK_ORDERS	20

#define TRACK_FRAMES	(TRACK_DEPTH_MAX + TRACK_DEPTH_OWN)

/**
 * struct track_level - what takes a stack in one context of a CPU
 * @frames: where it is taken to
 * @walked: a walk that is being compared
 * @name: of one of the frames
 * @busy: a stack is being taken
 */
struct track_level {
	unsigned long frames[TRACK_FRAMES];
	unsigned long walked[TRACK_FRAMES];
	char name[KSYM_SYMBOL_LEN];
	u8 busy;
};

/**
 * struct track_cpu - what a CPU needs to itself
 * @allocations: see section track_status, as for the next nine
 * @frees: likewise
 * @unknown_frees: likewise
 * @dropped_objects: likewise
 * @dropped_stacks: likewise
 * @dropped_busy: likewise
 * @replaced: likewise
 * @walks: likewise
 * @unwinds: likewise
 * @wrong_walks: likewise
 * @used: objects put into the table, less those taken out, by this CPU
 * @levels: one per context
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
 * struct track_run - everything from a start to the next
 * @filter: what is looked at
 * @kinds: MEMDIAG_TRACK_SLAB and so on
 * @objects: live objects
 * @stacks: their stacks
 * @walk: how to get to these without the unwinder
 * @caches: names of caches
 * @cpus: one per CPU
 * @sums: one per stack, for the report
 * @nr_blocks: objects with TRACK_BLOCK, by order
 * @all_blocks: their number
 * @block_lock: taking blocks apart; the innermost lock there is
 * @block_seq: odd while one is taken apart
 * @lost_frees: frees that could not be followed
 * @start_jiffies: when it began
 * @start_ns: likewise, of the monotonic clock
 * @stop_ns: when it ended, 0 if it has not
 * @stop_jiffies: likewise
 * @missed: calls of probed functions that allocate, and were not seen
 * @missed_frees: likewise, that free
 * @gone: objects that the last report found gone
 * @silent: kinds whose objects may be freed without being seen
 * @bytes: memory of all
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

/* Is the object among the one in so many? Other bits than those of the tables. */
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
/* Slots of the table of objects between two looks at the scheduler. */
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
/* All the frames there may be. */
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
