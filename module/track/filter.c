// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which allocations are tracked.
 *
 * The cheapest question is asked first, and a stack is taken last. Under the filter by module
 * the call site of the event nearly always decides. Else the stack has to be walked
 * (stack_walk.c). Without rules to walk by, the words of the stack are searched for an address
 * in the module's text. No such word means no such frame; if there is one, the unwinder tells a
 * frame from a leftover. A module that is not loaded has no allocations. A frame is not found
 * where another tracer replaced the return address, as the function graph tracer does.
 *
 * The module notifier writes the ranges of the module's text, one call at a time. Probes read
 * them without a lock: a range has size 0 while it changes.
 *
 * Locks: rcu_read_lock() around the cgroup of the task.
 */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>

#include "../compat/mmzone.h"
#include "../compat/module.h"
#include "../compat/stack.h"
#include "track.h"

#define FILTER_FLAGS \
	(MEMDIAG_TRACK_BY_SIZE | MEMDIAG_TRACK_BY_ORDER | MEMDIAG_TRACK_BY_PID | \
	 MEMDIAG_TRACK_BY_CGROUP | MEMDIAG_TRACK_BY_MODULE | MEMDIAG_TRACK_ANYWHERE | \
	 MEMDIAG_TRACK_BY_CACHE)

static void range_set(struct track_range *range, unsigned long start, unsigned long size)
{
	WRITE_ONCE(range->size, 0);
	/* A reader never combines one start with another's size: it is 0 in between, */
	smp_wmb();
	WRITE_ONCE(range->start, start);
	/* and is written last; pairs with track_range_has(). */
	smp_wmb();
	WRITE_ONCE(range->size, size);
}

/*
 * Sets filter->site: the hull of the module's code if the call site alone decides, else all
 * addresses.
 */
static void filter_set_site(struct track_filter *filter)
{
	unsigned long start = ULONG_MAX, end = 0;
	u32 i;

	if ((filter->flags & (MEMDIAG_TRACK_BY_MODULE | MEMDIAG_TRACK_ANYWHERE)) !=
	    MEMDIAG_TRACK_BY_MODULE) {
		range_set(&filter->site, 0, ULONG_MAX);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(filter->code); i++) {
		if (!filter->code[i].size)
			continue;
		start = min(start, filter->code[i].start);
		end = max(end, filter->code[i].start + filter->code[i].size);
	}
	range_set(&filter->site, end ? start : 0, end ? end - start : 0);
}

/* The module may be loaded already. */
static int filter_see_module(const struct module *mod, void *filter)
{
	track_filter_module(filter, mod, mod->state);
	return 0;
}

static int filter_set_module(struct track_filter *filter, const u8 *name)
{
	if (!name[0] || strnlen(name, sizeof(filter->module)) == sizeof(filter->module))
		return -EINVAL;
	strscpy(filter->module, name, sizeof(filter->module));
	/* The kernel's name of the module has no dash, whatever the file is called. */
	strreplace(filter->module, '-', '_');
	return memdiag_module_walk(filter_see_module, filter);
}

static int filter_set_cache(struct track_filter *filter, const u8 *name)
{
	if (!name[0] || strnlen(name, sizeof(filter->cache)) == sizeof(filter->cache))
		return -EINVAL;
	strscpy(filter->cache, name, sizeof(filter->cache));
	return track_caches_verify() ? -EOPNOTSUPP : 0;
}

static int filter_set_pid(struct track_filter *filter, s32 number)
{
	struct task_struct *task;

	if (number <= 0)
		return -EINVAL;
	filter->pid = find_get_pid(number);
	filter->pid_number = number;
	if (!filter->pid)
		return -ENOENT;
	rcu_read_lock();
	task = pid_task(filter->pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return task ? 0 : -ENOENT;
}

#ifdef CONFIG_CGROUPS
/* Whether the default hierarchy has a cgroup with this id. */
static bool filter_cgroup_exists(u64 id)
{
	struct cgroup_subsys_state *css;
	bool found = cgroup_id(&cgrp_dfl_root.cgrp) == id;

	rcu_read_lock();
	css_for_each_descendant_pre(css, &cgrp_dfl_root.cgrp.self)
		found |= cgroup_id(css->cgroup) == id;
	rcu_read_unlock();
	return found;
}

static bool filter_in_cgroup(u64 id)
{
	const struct cgroup *cgroup;
	bool found = false;

	rcu_read_lock();
	for (cgroup = task_dfl_cgroup(current); cgroup && !found;
	     cgroup = cgroup_parent((struct cgroup *)cgroup))
		found = cgroup_id((struct cgroup *)cgroup) == id;
	rcu_read_unlock();
	return found;
}
#else
static bool filter_cgroup_exists(u64 id)
{
	return false;
}

static bool filter_in_cgroup(u64 id)
{
	return false;
}
#endif

/**
 * track_filter_set() - make a filter from a request
 * @filter: out: zeroed by the caller; needs track_filter_put() also after an error
 * @start: the request
 *
 * Context: may sleep, in the requesting process.
 *
 * Return: 0, or an error as in struct memdiag_track_start.
 */
int track_filter_set(struct track_filter *filter, const struct memdiag_track_start *start)
{
	u32 flags = start->flags;
	int error = 0;

	if (flags & ~FILTER_FLAGS)
		return -EOPNOTSUPP;
	if (flags & MEMDIAG_TRACK_ANYWHERE && !(flags & MEMDIAG_TRACK_BY_MODULE))
		return -EINVAL;
	if (start->one_in && !is_power_of_2(start->one_in))
		return -EINVAL;
	filter->flags = flags;
	filter_set_site(filter);
	filter->one_in = start->one_in ?: 1;
	filter->size_min = start->size_min;
	filter->size_max = start->size_max;
	filter->order_min = start->order_min;
	filter->order_max = start->order_max;
	filter->cgroup = start->cgroup;
	if (flags & MEMDIAG_TRACK_BY_SIZE && filter->size_min > filter->size_max)
		return -EINVAL;
	if (flags & MEMDIAG_TRACK_BY_ORDER && (filter->order_min > filter->order_max ||
					       filter->order_min >= NR_PAGE_ORDERS))
		return -EINVAL;
	if (flags & MEMDIAG_TRACK_BY_CGROUP) {
		if (!IS_ENABLED(CONFIG_CGROUPS))
			return -EOPNOTSUPP;
		if (!filter_cgroup_exists(filter->cgroup))
			return -ENOENT;
	}
	if (flags & MEMDIAG_TRACK_BY_PID)
		error = filter_set_pid(filter, start->pid);
	if (!error && flags & MEMDIAG_TRACK_BY_CACHE)
		error = filter_set_cache(filter, start->cache);
	if (!error && flags & MEMDIAG_TRACK_BY_MODULE)
		error = filter_set_module(filter, start->module);
	return error;
}

void track_filter_put(struct track_filter *filter)
{
	put_pid(filter->pid);
	filter->pid = NULL;
}

/**
 * track_filter_module() - follow the state of the filter's module
 * @filter: the filter
 * @mod: any module
 * @state: enum module_state that @mod is in
 *
 * Context: process, one caller at a time.
 */
void track_filter_module(struct track_filter *filter, const struct module *mod,
			 unsigned long state)
{
	unsigned long start, size;

	if (!(filter->flags & MEMDIAG_TRACK_BY_MODULE) || strcmp(mod->name, filter->module))
		return;
	start = size = 0;
	if (state != MODULE_STATE_GOING)
		start = memdiag_module_text(mod, &size);
	range_set(&filter->code[0], start, size);
	start = size = 0;
	if (state == MODULE_STATE_COMING)
		start = memdiag_module_init_text(mod, &size);
	range_set(&filter->code[1], start, size);
	filter_set_site(filter);
}

/**
 * track_filter_has() - whether one of the frames is in the module
 * @filter: a filter by module
 * @frames: return addresses
 * @nr: their number
 *
 * Context: any.
 */
bool track_filter_has(const struct track_filter *filter, const unsigned long *frames, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (track_filter_in_module(filter, frames[i]))
			return true;
	return false;
}

/**
 * track_filter_on_stack() - whether the current stack may have a frame of the module
 * @filter: a filter by module
 *
 * Searches the words of the task's stack. True on any other stack, as that of an interrupt.
 *
 * Context: any, preemption off.
 */
bool track_filter_on_stack(const struct track_filter *filter)
{
	unsigned long at = (unsigned long)__builtin_frame_address(0);
	unsigned long base = (unsigned long)task_stack_page(current);
	unsigned long start = READ_ONCE(filter->code[0].start);
	unsigned long size = READ_ONCE(filter->code[0].size);
	bool init = READ_ONCE(filter->code[1].size);

	if (!size)
		return false;
	if (at - base >= THREAD_SIZE)
		return true;
	for (; at < base + THREAD_SIZE; at += sizeof(long)) {
		unsigned long word = memdiag_stack_word(at);

		if (word - start < size || (init && track_range_has(&filter->code[1], word)))
			return true;
	}
	return false;
}

/* Whether the task allocates, not an interrupt. The trap into a kprobe counts as an NMI. */
static bool filter_is_task(const struct track_event *event)
{
	return event->trapped ? !in_serving_softirq() : in_task();
}

/**
 * track_filter_wants() - whether an allocation passes the filter, before its stack is known
 * @run: the run
 * @event: the allocation
 *
 * Context: any, preemption off.
 */
bool track_filter_wants(const struct track_run *run, const struct track_event *event)
{
	const struct track_filter *filter = &run->filter;
	u64 size = event->asked ?: event->size;
	u32 flags = filter->flags;

	if (!flags)
		return true;
	if (flags & MEMDIAG_TRACK_BY_SIZE && (size < filter->size_min || size > filter->size_max))
		return false;
	if (flags & MEMDIAG_TRACK_BY_ORDER &&
	    (event->kind != TRACK_PAGES || event->order < filter->order_min ||
	     event->order > filter->order_max))
		return false;
	if (flags & MEMDIAG_TRACK_BY_CACHE && event->kind != TRACK_SLAB)
		return false;
	if (flags & MEMDIAG_TRACK_BY_PID &&
	    (!filter_is_task(event) || task_tgid(current) != filter->pid))
		return false;
	if (flags & MEMDIAG_TRACK_BY_CGROUP &&
	    (!filter_is_task(event) || !filter_in_cgroup(filter->cgroup)))
		return false;
	if (!(flags & MEMDIAG_TRACK_BY_MODULE))
		return true;
	if (track_filter_by_stack(filter, event))
		return READ_ONCE(filter->code[0].size);
	return track_filter_in_module(filter, event->call_site);
}

/**
 * track_filter_wants_stack() - whether a stack passes the filter
 * @filter: the filter
 * @frames: return addresses, innermost first
 * @nr: number of frames
 * @name: KSYM_SYMBOL_LEN bytes to use, for little may be left of the stack
 *
 * Called once per stack, for naming frames is slow.
 *
 * Context: any.
 */
bool track_filter_wants_stack(const struct track_filter *filter, const unsigned long *frames,
			      u32 nr, char *name)
{
	u32 i;

	if (!(filter->flags & MEMDIAG_TRACK_BY_MODULE))
		return true;
	for (i = 0; i < nr; i++) {
		if (track_filter_in_module(filter, frames[i]))
			return true;
		if (filter->flags & MEMDIAG_TRACK_ANYWHERE)
			continue;
		sprint_symbol(name, frames[i]);
		if (strchr(name, '['))
			return false;
	}
	return false;
}

/**
 * track_filter_print() - print a filter
 * @filter: the filter
 * @text: out: "" for no filter
 * @size: bytes of @text
 *
 * Return: length of the text.
 */
size_t track_filter_print(const struct track_filter *filter, char *text, size_t size)
{
	u32 flags = filter->flags;
	size_t n = 0;

	text[0] = '\0';
	if (flags & MEMDIAG_TRACK_BY_MODULE)
		n += scnprintf(text + n, size - n, " module=%s%s", filter->module,
			       flags & MEMDIAG_TRACK_ANYWHERE ? " anywhere" : "");
	if (flags & MEMDIAG_TRACK_BY_CACHE)
		n += scnprintf(text + n, size - n, " cache=%s", filter->cache);
	if (flags & MEMDIAG_TRACK_BY_SIZE)
		n += scnprintf(text + n, size - n, " size=%llu-%llu", filter->size_min,
			       filter->size_max);
	if (flags & MEMDIAG_TRACK_BY_ORDER)
		n += scnprintf(text + n, size - n, " order=%u-%u", filter->order_min,
			       filter->order_max);
	if (flags & MEMDIAG_TRACK_BY_PID)
		n += scnprintf(text + n, size - n, " pid=%d", filter->pid_number);
	if (flags & MEMDIAG_TRACK_BY_CGROUP)
		n += scnprintf(text + n, size - n, " cgroup=%llu", filter->cgroup);
	if (filter->one_in > 1)
		n += scnprintf(text + n, size - n, " one_in=%u", filter->one_in);
	if (n)
		memmove(text, text + 1, n--);
	return n;
}
