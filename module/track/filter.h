/* SPDX-License-Identifier: GPL-2.0-only */
/* An allocation, and whether it is looked at. */
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
 * struct track_range - addresses of code
 * @start: the first
 * @size: bytes; 0 for none
 */
struct track_range {
	unsigned long start;
	unsigned long size;
};

/**
 * struct track_filter - which allocations are looked at
 * @flags: MEMDIAG_TRACK_BY_* and MEMDIAG_TRACK_ANYWHERE
 * @one_in: power of two
 * @size_min: see struct memdiag_track_start, as for the others
 * @size_max: likewise
 * @order_min: likewise
 * @order_max: likewise
 * @pid: the process, by a reference
 * @pid_number: its number, to be shown
 * @cgroup: its id
 * @module: its name
 * @cache: pattern for the names of caches
 * @code: code of the module, and of its init while that runs
 * @site: where the call sites are that are looked at closer: around @code, or all addresses
 *	if they alone do not decide
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
 * @call_site: return address into the caller of the allocator, 0 if not told
 * @pc: where the allocator was entered, if the probe stands there; else 0
 * @size: bytes taken from the allocator; 0 if that is to be had from @cache
 * @asked: bytes asked for; 0 if not known
 * @cache: its cache, or NULL: to be found out
 * @trapped: seen by a probe that may have been entered by a trap
 * @at: where the return address of the probe lies on the stack; 0 if @trapped
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

	/* The size first, as it is written last in range_set(). */
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
 * Does it take a stack to say if the module allocates? The caller that percpu memory is told
 * with may be a function of the kernel (arm64, v6.1).
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
