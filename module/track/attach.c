// SPDX-License-Identifier: GPL-2.0-only
/*
 * Probes on the tracepoints of the kernel's allocators.
 *
 * Tracepoints are found by name, exported or not. The compiler checks the probes against the
 * kernel's declarations. A kind of memory can be tracked if all its tracepoints exist.
 *
 * Frees are attached before allocations and detached after them, so every tracked object's free
 * is seen. No probe runs after tracepoint_synchronize_unregister().
 *
 * The kernel calls probes with preemption on from v7.0 on. These probes disable preemption, and
 * do not rely on RCU.
 *
 * mm_page_free sees every freed page; the events of batches and of the page allocator's free
 * lists are not needed.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "track.h"

#ifdef CONFIG_TRACEPOINTS

#include "../compat/trace.h"

/* Address of the current function's return address. */
#define ATTACH_AT	((unsigned long)__builtin_frame_address(0) + sizeof(long))

/*
 * Whether the call site is outside the filter's module. Nearly all events of the machine end
 * here under such a filter, so the probes inline this check and call a function for the rest.
 */
static __always_inline bool attach_site_misses(const struct track_run *run,
					       unsigned long call_site)
{
	return likely(!track_range_has(&run->filter.site, call_site));
}

/*
 * Whether no frame is in the filter's module, by a walk of the stack. One such walk in
 * TRACK_WALK_COMPARED goes on, to be compared with the unwinder.
 */
static __always_inline bool attach_stack_misses(struct track_run *run,
						const struct track_event *event)
{
	if (!track_filter_by_stack(&run->filter, event))
		return false;
	return !READ_ONCE(run->filter.code[0].size) ||
	       (track_walk_misses(&run->walk, event->at, &run->filter) &&
		this_cpu_inc_return(run->cpus->walks) % TRACK_WALK_COMPARED);
}

static __always_inline bool attach_not_there(const struct track_run *run, enum track_kind kind,
					     unsigned long address)
{
	if (!track_sampled(run, address))
		return true;
	if (!track_objects_miss(&run->objects, track_key(kind, address)))
		return false;
	this_cpu_inc(run->cpus->unknown_frees);
	return true;
}

static noinline void attach_kmalloc_wanted(void *data, MEMDIAG_KMALLOC_ARGS)
{
	struct track_run *run = data;
	const struct track_event event = {
		.kind = TRACK_SLAB,
		.address = (unsigned long)ptr,
		.call_site = call_site,
		.size = alloc,
		.asked = req,
		.at = ATTACH_AT,
	};

	if (ZERO_OR_NULL_PTR(ptr))
		return;
	if (alloc <= KMALLOC_MAX_CACHE_SIZE && attach_stack_misses(run, &event))
		return;
	preempt_disable_notrace();
	if (alloc > KMALLOC_MAX_CACHE_SIZE && run->kinds & MEMDIAG_TRACK_PAGES)
		track_forget_pages(run, virt_to_page(ptr));
	track_allocated(run, &event);
	preempt_enable_notrace();
}

static void attach_kmalloc(void *data, MEMDIAG_KMALLOC_ARGS)
{
	/* A large object may be tracked as pages, which have to be forgotten. */
	if (alloc > KMALLOC_MAX_CACHE_SIZE || !attach_site_misses(data, call_site))
		MEMDIAG_KMALLOC_CALL(attach_kmalloc_wanted, data);
}

static noinline void attach_cache_alloc_wanted(void *data, MEMDIAG_CACHE_ALLOC_ARGS)
{
	const struct track_event event = {
		.kind = TRACK_SLAB,
		.address = (unsigned long)ptr,
		.call_site = call_site,
		.size = MEMDIAG_CACHE_ALLOC_SIZE,
		.asked = MEMDIAG_CACHE_ALLOC_ASKED,
		.cache = MEMDIAG_CACHE_ALLOC_CACHE,
		.at = ATTACH_AT,
	};

	if (ZERO_OR_NULL_PTR(ptr) || attach_stack_misses(data, &event))
		return;
	preempt_disable_notrace();
	track_allocated(data, &event);
	preempt_enable_notrace();
}

static void attach_cache_alloc(void *data, MEMDIAG_CACHE_ALLOC_ARGS)
{
	if (!attach_site_misses(data, call_site))
		MEMDIAG_CACHE_ALLOC_CALL(attach_cache_alloc_wanted, data);
}

#ifdef MEMDIAG_HAVE_KMEM_NODE_EVENTS
static void attach_kmalloc_node(void *data, MEMDIAG_KMALLOC_ARGS, int node)
{
	attach_kmalloc(data, call_site, ptr, req, alloc, gfp);
}

static void attach_cache_alloc_node(void *data, MEMDIAG_CACHE_ALLOC_ARGS, int node)
{
	attach_cache_alloc(data, call_site, ptr, req, alloc, gfp);
}
#endif

static noinline void attach_freed(struct track_run *run, const void *ptr, bool late)
{
	preempt_disable_notrace();
	track_freed(run, TRACK_SLAB, (unsigned long)ptr, late);
	preempt_enable_notrace();
}

static void attach_kfree(void *data, unsigned long call_site, const void *ptr)
{
	if (!ZERO_OR_NULL_PTR(ptr) && !attach_not_there(data, TRACK_SLAB, (unsigned long)ptr))
		attach_freed(data, ptr, false);
}

static void attach_cache_free(void *data, MEMDIAG_CACHE_FREE_ARGS)
{
	if (!ZERO_OR_NULL_PTR(ptr) && !attach_not_there(data, TRACK_SLAB, (unsigned long)ptr))
		attach_freed(data, ptr, MEMDIAG_CACHE_FREE_LATE);
}

static void attach_page_alloc(void *data, struct page *page, unsigned int order, gfp_t gfp,
			      int migratetype)
{
	const struct track_event event = {
		.kind = TRACK_PAGES,
		.order = order,
		.flags = order && !(gfp & __GFP_COMP) ? TRACK_BLOCK : 0,
		.address = (unsigned long)page,
		.size = PAGE_SIZE << order,
		.at = ATTACH_AT,
	};

	if (!page || attach_stack_misses(data, &event))
		return;
	preempt_disable_notrace();
	track_allocated(data, &event);
	preempt_enable_notrace();
}

static void attach_page_free(void *data, struct page *page, unsigned int order)
{
	struct track_run *run = data;

	/* A page cannot lie in a block if there are no blocks. */
	if (!atomic_read(&run->all_blocks) &&
	    attach_not_there(run, TRACK_PAGES, (unsigned long)page))
		return;
	preempt_disable_notrace();
	track_freed_pages(run, page, order);
	preempt_enable_notrace();
}

static void attach_percpu_alloc(void *data, MEMDIAG_PERCPU_ALLOC_ARGS)
{
	const struct track_event event = {
		.kind = TRACK_PERCPU,
		.address = (unsigned long)ptr,
		.call_site = MEMDIAG_PERCPU_CALL_SITE,
		.size = (u64)size * num_possible_cpus(),
		.asked = size,
		.at = ATTACH_AT,
	};

	if (!ptr)
		return;
	preempt_disable_notrace();
	track_allocated(data, &event);
	preempt_enable_notrace();
}

static void attach_percpu_free(void *data, void *base_addr, int off, void __percpu *ptr)
{
	preempt_disable_notrace();
	track_freed(data, TRACK_PERCPU, (unsigned long)ptr, false);
	preempt_enable_notrace();
}

/**
 * struct attach_point - a tracepoint and its probe
 * @name: of the tracepoint
 * @probe: the function to attach
 * @kind: MEMDIAG_TRACK_SLAB, MEMDIAG_TRACK_PAGES or MEMDIAG_TRACK_PERCPU
 * @frees: a tracepoint of frees, else of allocations
 * @tp: the tracepoint; NULL if this kernel has none of that name
 * @attached: the probe is registered
 */
struct attach_point {
	const char *name;
	void *probe;
	u32 kind;
	bool frees;
	struct tracepoint *tp;
	bool attached;
};

static struct attach_point attach_points[] = {
	{ "kfree", attach_kfree, MEMDIAG_TRACK_SLAB, true },
	{ "kmem_cache_free", attach_cache_free, MEMDIAG_TRACK_SLAB, true },
	{ "mm_page_free", attach_page_free, MEMDIAG_TRACK_PAGES, true },
	{ "percpu_free_percpu", attach_percpu_free, MEMDIAG_TRACK_PERCPU, true },
	{ "kmalloc", attach_kmalloc, MEMDIAG_TRACK_SLAB },
	{ "kmem_cache_alloc", attach_cache_alloc, MEMDIAG_TRACK_SLAB },
#ifdef MEMDIAG_HAVE_KMEM_NODE_EVENTS
	{ "kmalloc_node", attach_kmalloc_node, MEMDIAG_TRACK_SLAB },
	{ "kmem_cache_alloc_node", attach_cache_alloc_node, MEMDIAG_TRACK_SLAB },
#endif
	{ "mm_page_alloc", attach_page_alloc, MEMDIAG_TRACK_PAGES },
	{ "percpu_alloc_percpu", attach_percpu_alloc, MEMDIAG_TRACK_PERCPU },
};

/* The table has probes as void *: the compiler checks their types here. */
static void __maybe_unused attach_check_types(void)
{
	check_trace_callback_type_kfree(attach_kfree);
	check_trace_callback_type_kmem_cache_free(attach_cache_free);
	check_trace_callback_type_mm_page_free(attach_page_free);
	check_trace_callback_type_percpu_free_percpu(attach_percpu_free);
	check_trace_callback_type_kmalloc(attach_kmalloc);
	check_trace_callback_type_kmem_cache_alloc(attach_cache_alloc);
#ifdef MEMDIAG_HAVE_KMEM_NODE_EVENTS
	check_trace_callback_type_kmalloc_node(attach_kmalloc_node);
	check_trace_callback_type_kmem_cache_alloc_node(attach_cache_alloc_node);
#endif
	check_trace_callback_type_mm_page_alloc(attach_page_alloc);
	check_trace_callback_type_percpu_alloc_percpu(attach_percpu_alloc);
}

static void attach_found(struct tracepoint *tp, void *arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attach_points); i++)
		if (!strcmp(tp->name, attach_points[i].name))
			attach_points[i].tp = tp;
}

/**
 * track_attach_kinds() - kinds of memory that can be tracked on this kernel
 * @why: out: a missing tracepoint, or the reason if none; NULL if all kinds can be tracked
 *
 * Context: may sleep, one caller at a time.
 *
 * Return: mask of MEMDIAG_TRACK_SLAB, MEMDIAG_TRACK_PAGES, MEMDIAG_TRACK_PERCPU.
 */
u32 track_attach_kinds(const char **why)
{
	u32 kinds = MEMDIAG_TRACK_SLAB | MEMDIAG_TRACK_PAGES | MEMDIAG_TRACK_PERCPU;
	unsigned int i;

	for_each_kernel_tracepoint(attach_found, NULL);
	*why = NULL;
	for (i = 0; i < ARRAY_SIZE(attach_points); i++)
		if (!attach_points[i].tp) {
			kinds &= ~attach_points[i].kind;
			*why = attach_points[i].name;
		}
	if (!IS_ENABLED(CONFIG_STACKTRACE)) {
		*why = "the kernel takes no stacks: CONFIG_STACKTRACE is not set";
		return 0;
	}
	return kinds;
}

/** track_attach_late() - whether kmem_cache_free() emits its event after the free */
bool track_attach_late(void)
{
	return MEMDIAG_CACHE_FREE_LATE;
}

static void attach_end(struct track_run *run, bool frees)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attach_points); i++) {
		struct attach_point *point = &attach_points[i];

		if (point->frees != frees || !point->attached)
			continue;
		tracepoint_probe_unregister(point->tp, point->probe, run);
		point->attached = false;
	}
	tracepoint_synchronize_unregister();
}

static int attach_begin(struct track_run *run, bool frees)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(attach_points); i++) {
		struct attach_point *point = &attach_points[i];

		if (point->frees != frees || !(point->kind & run->kinds))
			continue;
		error = tracepoint_probe_register(point->tp, point->probe, run);
		if (error)
			return error;
		point->attached = true;
	}
	return 0;
}

/**
 * track_detach() - unregister all probes
 * @run: the run; no probe uses it after the return
 *
 * Context: may sleep.
 */
void track_detach(struct track_run *run)
{
	attach_end(run, false);
	track_kprobes_detach(run);
	attach_end(run, true);
}

/**
 * track_attach() - register all probes
 * @run: the run, ready for probes
 *
 * Context: may sleep.
 *
 * Return: 0, or the error of tracepoint_probe_register(), with no probe registered.
 */
int track_attach(struct track_run *run)
{
	int error;

	error = attach_begin(run, true);
	if (!error) {
		track_kprobes_attach(run);
		error = attach_begin(run, false);
	}
	if (error)
		track_detach(run);
	return error;
}

/**
 * track_attach_print() - print the names of attached probes
 * @text: out
 * @size: bytes of @text
 *
 * Return: length of the text.
 */
size_t track_attach_print(char *text, size_t size)
{
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < ARRAY_SIZE(attach_points); i++)
		if (attach_points[i].attached)
			n += scnprintf(text + n, size - n, "%s%s", n ? "," : "",
				       attach_points[i].name);
	return n + track_kprobes_print(text + n, size - n);
}

#else

u32 track_attach_kinds(const char **why)
{
	*why = "the kernel has no tracepoints: CONFIG_TRACEPOINTS is not set";
	return 0;
}

bool track_attach_late(void)
{
	return false;
}

void track_detach(struct track_run *run)
{
}

int track_attach(struct track_run *run)
{
	return -EOPNOTSUPP;
}

size_t track_attach_print(char *text, size_t size)
{
	return 0;
}

#endif
