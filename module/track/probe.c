// SPDX-License-Identifier: GPL-2.0-only
/*
 * The work of the probes when an object is allocated or freed.
 *
 * An allocation asks the filter first. The probe then takes the stack into a buffer of this CPU
 * and context, finds its number, and puts the object into the table. A free takes the object
 * out. Both run in any context and under any lock: they take no lock but block_lock (blocks.c),
 * do not sleep and allocate nothing.
 *
 * A stack begins with the caller of the allocator if the event has a call site. Else only
 * memdiag's frames are cut off, for the names of the allocator's functions change. A stack ends
 * at the entry of an interrupt.
 *
 * The free event comes before the free, so another CPU cannot allocate the address in between.
 * In v5.10 kmem_cache_free() emits the event after the free: see track_objects_take().
 *
 * Skipped: allocations of memdiag itself.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/smp.h>

#include "../compat/module.h"
#include "../compat/preempt.h"
#include "../compat/stack.h"
#include "track.h"

/* Jiffies that a late free event may take, if the freeing task is preempted in between. */
#define PROBE_LATE	(HZ / 50 + 1)

static unsigned long probe_own_start, probe_own_size;

/**
 * track_probe_init() - find the text of memdiag itself
 *
 * Return: 0.
 */
int __init track_probe_init(void)
{
	probe_own_start = memdiag_module_text(THIS_MODULE, &probe_own_size);
	return 0;
}

/**
 * track_is_own() - whether an address is in the text of memdiag
 * @address: of code
 */
bool track_is_own(unsigned long address)
{
	return address - probe_own_start < probe_own_size;
}

static unsigned int probe_level(void)
{
	if (in_nmi())
		return 3;
	if (in_hardirq())
		return 2;
	return in_serving_softirq() ? 1 : 0;
}

/*
 * Cuts off memdiag's frames, the allocator's if the event has a call site, and those behind the
 * entry of an interrupt. Returns the number of frames left, from *from on. The interrupt is cut
 * last, for a kprobe that was entered by a trap has such an entry among memdiag's frames.
 *
 * The unwinder may omit the caller of a function just entered: where return addresses are in a
 * register (arm64) or frames are found by frame pointers. The call site then takes the place of
 * the function. Some unwinders do not get past the jump into a kprobe (x86 without ftrace): then
 * the call site is the whole stack.
 */
static u32 probe_trim(const struct track_event *event, unsigned long *frames, u32 nr, bool cut,
		      u32 *from)
{
	unsigned long call_site = event->call_site;
	bool found = !event->trapped || !call_site;
	u32 i, own = 0;

	while (own < nr && track_is_own(frames[own]))
		own++;
	*from = own;
	for (i = own; call_site && i < nr && i < own + TRACK_DEPTH_OWN; i++) {
		if (event->pc && frames[i] == event->pc &&
		    (i + 1 == nr || frames[i + 1] != call_site))
			frames[i] = call_site;
		if (frames[i] == call_site) {
			*from = i;
			found = true;
			break;
		}
	}
	if (!found) {
		frames[own] = call_site;
		nr = own + 1;
	}
	nr -= *from;
	return cut ? nr : memdiag_stack_cut_irq(frames + *from, nr);
}

/* State of a new stack. @nr includes the frames that the key leaves out. */
static enum track_stack_state probe_judge(const struct track_run *run,
					  const struct track_stack_key *key, u32 nr, char *name)
{
	u32 i;

	for (i = 0; i < key->nr; i++)
		if (track_is_own(key->frames[i]))
			return TRACK_STACK_SKIP;
	return track_filter_wants_stack(&run->filter, key->frames, nr, name) ?
	       TRACK_STACK_LIVE : TRACK_STACK_SKIP;
}

/*
 * Takes the current stack into level->frames by the unwinder, and returns the number of frames.
 * The stack is compared with the walk in level->walked if @nr_walked is not 0; else the rules of
 * its frames are learnt if @learn. A walk begins with the caller of the probe.
 */
static u32 probe_unwind(struct track_run *run, const struct track_event *event,
			struct track_level *level, u32 max, u32 nr_walked, bool learn)
{
	u32 nr, cut, own = 0;
	const unsigned long *frames;

	this_cpu_inc(run->cpus->unwinds);
	nr = memdiag_stack_save(level->frames, max);
	if (!nr_walked && !learn)
		return nr;
	cut = memdiag_stack_cut_irq(level->frames, nr);
	while (own < cut && track_is_own(level->frames[own]))
		own++;
	frames = level->frames + own;
	if (!nr_walked) {
		track_walk_learn(&run->walk, event->at, frames, cut - own, level->name);
		return nr;
	}
	/* A walk has no frames of memdiag, so it may have more frames of the caller. */
	if (nr == max && cut == nr)
		nr_walked = min(nr_walked, cut - own);
	if (track_walk_wrong(&run->walk, level->walked, nr_walked, frames, cut - own))
		this_cpu_inc(run->cpus->wrong_walks);
	return nr;
}

/*
 * Whether to compare this walk with the unwinder. Under a filter that needs the stack,
 * attach_stack_misses() has chosen every walk that gets here without a frame in the module.
 */
static bool probe_compares(struct track_run *run, const struct track_event *event,
			   const unsigned long *frames, u32 nr)
{
	if (track_filter_by_stack(&run->filter, event) &&
	    !track_filter_has(&run->filter, frames, nr))
		return true;
	return this_cpu_inc_return(run->cpus->walks) % TRACK_WALK_COMPARED == 0;
}

/*
 * Takes the current stack into level->frames and returns the number of frames; *walked of them
 * by a walk, 0 if the unwinder took the stack. Returns 0 if no frame can be in the filter's
 * module.
 */
static u32 probe_frames(struct track_run *run, const struct track_event *event,
			struct track_level *level, u32 max, u32 *walked)
{
	bool learn = false;
	u32 nr = 0;

	*walked = 0;
	if (event->at)
		nr = track_walk(&run->walk, event->at, level->walked, max, &learn);
	if (nr && !probe_compares(run, event, level->walked, nr)) {
		memcpy(level->frames, level->walked, nr * sizeof(long));
		*walked = nr;
		return nr;
	}
	if (!nr && !learn && track_filter_by_stack(&run->filter, event) &&
	    !track_filter_on_stack(&run->filter))
		return 0;
	return probe_unwind(run, event, level, max, nr, learn);
}

/*
 * Makes the key of the stack in level->frames. False if the filter needs a frame in its module
 * and there is none.
 */
static bool probe_key(const struct track_run *run, const struct track_event *event,
		      struct track_level *level, u32 *nr, bool walked, struct track_stack_key *key)
{
	const struct track_filter *filter = &run->filter;
	u32 from;

	if (track_filter_by_stack(filter, event) && !track_filter_has(filter, level->frames, *nr))
		return false;
	*nr = probe_trim(event, level->frames, *nr, walked, &from);
	key->frames = level->frames + from;
	key->nr = min(*nr, run->stacks.depth);
	key->deep = filter->flags & MEMDIAG_TRACK_BY_MODULE && *nr > key->nr &&
		    !track_filter_has(filter, key->frames, key->nr) &&
		    track_filter_has(filter, key->frames + key->nr, *nr - key->nr);
	return true;
}

/* Number of the current stack; TRACK_NO_STACK if the stack is not tracked. */
static u32 probe_stack(struct track_run *run, const struct track_event *event,
		       struct track_level *level, u32 cache)
{
	struct track_stacks *stacks = &run->stacks;
	struct track_stack_key key = {
		.kind = event->kind,
		.order = event->order,
		.cache = cache,
	};
	/* The module is searched in more frames than the table keeps. */
	u32 max = TRACK_DEPTH_OWN + (run->filter.flags & MEMDIAG_TRACK_BY_MODULE ?
				     TRACK_DEPTH_MAX : stacks->depth);
	u32 n, nr, hash, walked;

	nr = probe_frames(run, event, level, max, &walked);
	if (!probe_key(run, event, level, &nr, walked, &key))
		return TRACK_NO_STACK;
	n = track_stacks_find(stacks, &key, &hash);
	/* A full table is not worth the unwinder, nor names of frames. */
	if (n == TRACK_NO_STACK && track_stacks_full(stacks)) {
		this_cpu_inc(run->cpus->dropped_stacks);
		return n;
	}
	if (n == TRACK_NO_STACK && walked) {
		/* Only stacks by the unwinder go into the table. */
		nr = probe_unwind(run, event, level, max, walked, false);
		if (!probe_key(run, event, level, &nr, false, &key))
			return TRACK_NO_STACK;
		n = track_stacks_find(stacks, &key, &hash);
	}
	if (n == TRACK_NO_STACK) {
		n = track_stacks_add(stacks, &key, hash, probe_judge(run, &key, nr, level->name));
		if (n == TRACK_NO_STACK) {
			this_cpu_inc(run->cpus->dropped_stacks);
			return n;
		}
	}
	return READ_ONCE(track_stack(stacks, n)->state) == TRACK_STACK_LIVE ? n : TRACK_NO_STACK;
}

/* Whether the filter wants the cache of an object. @n gets the number of its name. */
static bool probe_cache(struct track_run *run, const struct track_event *event, u32 *n)
{
	bool filtered = run->filter.flags & MEMDIAG_TRACK_BY_CACHE;
	const struct kmem_cache *cache = event->cache;
	bool matches;

	*n = 0;
	if (event->kind != TRACK_SLAB)
		return true;
	if (!cache)
		cache = track_cache_of((const void *)event->address);
	*n = track_cache_number(run->caches, cache, filtered ? run->filter.cache : "*", &matches);
	return !filtered || matches;
}

/**
 * track_stack_of() - the stack of an allocation
 * @run: the run
 * @event: the allocation; its address may be 0 yet
 *
 * Context: any, preemption off.
 *
 * Return: number of the stack; TRACK_NO_STACK if the filter refuses the allocation or the tables
 * are full.
 */
u32 track_stack_of(struct track_run *run, const struct track_event *event)
{
	struct track_level *level;
	u32 cache, n;

	if (!track_filter_wants(run, event) || !probe_cache(run, event, &cache))
		return TRACK_NO_STACK;
	level = &this_cpu_ptr(run->cpus)->levels[probe_level()];
	if (READ_ONCE(level->busy)) {
		this_cpu_inc(run->cpus->dropped_busy);
		return TRACK_NO_STACK;
	}
	WRITE_ONCE(level->busy, 1);
	barrier();
	n = probe_stack(run, event, level, cache);
	barrier();
	WRITE_ONCE(level->busy, 0);
	return n;
}

/**
 * track_put_object() - track an object whose stack is known
 * @run: the run
 * @event: the allocation
 * @n: number of the stack, from track_stack_of()
 *
 * Context: any, preemption off.
 */
void track_put_object(struct track_run *run, const struct track_event *event, u32 n)
{
	struct track_stack *stack = track_stack(&run->stacks, n);
	struct track_object object = {
		.stack = n,
		.size = event->size ?: track_cache_size(event->cache),
		.asked = event->asked,
		.when = track_now(run),
		.flags = event->flags,
	};
	struct track_object old;
	unsigned long key = track_key(event->kind, event->address);

	if (!track_sampled(run, event->address))
		return;
	/* Before another CPU can find and free the object. */
	if (object.flags & TRACK_BLOCK)
		track_block_add(run, object.size);
	atomic64_inc(&stack->allocated);
	atomic64_add(object.size, &stack->allocated_bytes);
	switch (track_objects_put(&run->objects, key, &object, &old)) {
	case TRACK_PUT_REPLACED:
		this_cpu_inc(run->cpus->replaced);
		this_cpu_inc(run->cpus->allocations);
		track_account_free(run, &old);
		break;
	case TRACK_PUT_NEW:
		this_cpu_inc(run->cpus->used);
		this_cpu_inc(run->cpus->allocations);
		break;
	case TRACK_PUT_FULL:
		this_cpu_inc(run->cpus->dropped_objects);
		if (object.flags & TRACK_BLOCK)
			track_block_sub(run, object.size);
		atomic64_dec(&stack->allocated);
		atomic64_sub(object.size, &stack->allocated_bytes);
		break;
	}
}

/**
 * track_allocated() - track an object if the filter wants it
 * @run: the run
 * @event: the allocation
 *
 * Context: any, preemption off.
 */
void track_allocated(struct track_run *run, const struct track_event *event)
{
	u32 n;

	if (!track_sampled(run, event->address))
		return;
	n = track_stack_of(run, event);
	if (n != TRACK_NO_STACK)
		track_put_object(run, event, n);
}

/**
 * track_freed() - count the free of an object, if it is tracked
 * @run: the run
 * @kind: enum track_kind
 * @address: of the object
 * @late: the kernel emits the event after the free
 *
 * Context: any, preemption off.
 */
void track_freed(struct track_run *run, enum track_kind kind, unsigned long address, bool late)
{
	struct track_object object;

	if (!track_sampled(run, address))
		return;
	switch (track_objects_take(&run->objects, track_key(kind, address), &object,
				   late ? track_now(run) - PROBE_LATE : U32_MAX)) {
	case TRACK_TAKE_TAKEN:
		this_cpu_dec(run->cpus->used);
		this_cpu_inc(run->cpus->frees);
		track_account_free(run, &object);
		break;
	case TRACK_TAKE_NONE:
		this_cpu_inc(run->cpus->unknown_frees);
		break;
	case TRACK_TAKE_OWED:
		break;
	}
}

/**
 * track_forget_pages() - stop tracking pages that are a large object of kmalloc()
 * @run: the run
 * @page: first page
 *
 * The page allocator's event came first. The counters become what they were before that event,
 * and the event of kmalloc() adds the object.
 *
 * Context: any, preemption off.
 */
void track_forget_pages(struct track_run *run, const struct page *page)
{
	struct track_object object;
	struct track_stack *stack;

	if (!track_sampled(run, (unsigned long)page) ||
	    track_objects_take(&run->objects, track_key(TRACK_PAGES, (unsigned long)page),
			       &object, U32_MAX) != TRACK_TAKE_TAKEN)
		return;
	stack = track_stack(&run->stacks, object.stack);
	if (object.flags & TRACK_BLOCK)
		track_block_sub(run, object.size);
	atomic64_dec(&stack->allocated);
	atomic64_sub(object.size, &stack->allocated_bytes);
	this_cpu_dec(run->cpus->used);
	this_cpu_dec(run->cpus->allocations);
}
