/* SPDX-License-Identifier: GPL-2.0-only */
/* An allocation, and the filter that says whether it is tracked. */
#ifndef _MEMDIAG_TRACK_FILTER_H
#define _MEMDIAG_TRACK_FILTER_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "../../uapi/memdiag.h"
#include "objects.h"

struct kmem_cache;
struct memdiag_track_start;
struct module;
struct pid;
struct track_run;

/**
 * struct track_range - a range of code
 * @start: first address
 * @size: bytes; 0 for an empty range
 */
struct track_range {
	unsigned long start;
	unsigned long size;
};

/**
 * struct track_filter - which allocations are tracked
 * @flags: MEMDIAG_TRACK_BY_* and MEMDIAG_TRACK_ANYWHERE
 * @one_in: power of two; tracks one address in @one_in
 * @size_min: see struct memdiag_track_start
 * @size_max: see struct memdiag_track_start
 * @order_min: see struct memdiag_track_start
 * @order_max: see struct memdiag_track_start
 * @pid: the process, with a reference
 * @pid_number: number of @pid as the user gave it
 * @cgroup: cgroup id
 * @module: module name
 * @cache: pattern for names of slab caches
 * @code: core and init text of the module; init only while it runs
 * @site: call sites outside this range are dropped at once: hull of @code, or all addresses
 *	if the call site does not decide
 */
struct track_filter {
	u32 flags;
	u32 one_in;
	u64 size_min;
	u64 size_max;
	u32 order_min;
	u32 order_max;
	struct pid *pid;
	s32 pid_number;
	u64 cgroup;
	char module[64];
	char cache[64];
	struct track_range code[2];
	struct track_range site;
};

/**
 * struct track_event - an allocation
 * @kind: enum track_kind
 * @order: of pages
 * @flags: TRACK_BLOCK or 0
 * @address: of the object
 * @call_site: return address into the caller of the allocator; 0 if the event has none
 * @pc: address of the probed function, for a kretprobe; else 0
 * @size: bytes taken from the allocator; 0: read the size of @cache
 * @asked: bytes asked for; 0 if not known
 * @cache: slab cache; NULL: read from the page of the object
 * @trapped: seen by a kprobe, which may be entered by a trap
 * @at: address of the probe's return address on the stack; 0 if @trapped
 */
struct track_event {
	u8 kind;
	u8 order;
	u8 flags;
	unsigned long address;
	unsigned long call_site;
	unsigned long pc;
	u64 size;
	u64 asked;
	const struct kmem_cache *cache;
	bool trapped;
	unsigned long at;
};

static inline bool track_range_has(const struct track_range *range, unsigned long address)
{
	unsigned long size = READ_ONCE(range->size);

	/* Pairs with range_set(), which writes the size last. */
	smp_rmb();
	return address - READ_ONCE(range->start) < size;
}

static inline bool track_filter_in_module(const struct track_filter *filter,
					  unsigned long address)
{
	return track_range_has(&filter->code[0], address) ||
	       track_range_has(&filter->code[1], address);
}

/*
 * Whether only the stack says if the module allocates. The call site of per-cpu memory is no
 * answer: on arm64 (v6.1) it may be a function of the kernel.
 */
static inline bool track_filter_by_stack(const struct track_filter *filter,
					 const struct track_event *event)
{
	return filter->flags & MEMDIAG_TRACK_BY_MODULE &&
	       (filter->flags & MEMDIAG_TRACK_ANYWHERE || !event->call_site ||
		event->kind == TRACK_PERCPU);
}

/* filter.c */
int track_filter_set(struct track_filter *filter, const struct memdiag_track_start *start);
void track_filter_put(struct track_filter *filter);
void track_filter_module(struct track_filter *filter, const struct module *mod,
			 unsigned long state);
bool track_filter_wants(const struct track_run *run, const struct track_event *event);
bool track_filter_on_stack(const struct track_filter *filter);
bool track_filter_has(const struct track_filter *filter, const unsigned long *frames, u32 nr);
bool track_filter_wants_stack(const struct track_filter *filter, const unsigned long *frames,
			      u32 nr, char *name);
size_t track_filter_print(const struct track_filter *filter, char *text, size_t size);

#endif /* _MEMDIAG_TRACK_FILTER_H */
