// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kprobes on functions that allocate or free without a tracepoint.
 *
 * kmem_cache_free_bulk() frees several objects. kfree_rcu() defers a free, mostly to
 * kmem_cache_free_bulk(); from v7.0 on also to caches per CPU, which have no tracepoint. An
 * object counts as freed when it is passed to kfree_rcu(), for its owner has given it up. Its
 * later free finds no object.
 *
 * kmem_cache_alloc_bulk() and alloc_pages_bulk() allocate several objects. The stack is taken at
 * their entry, and the objects are known at their return. The last page of a bulk may come with
 * an mm_page_alloc event; the table has that page already.
 *
 * All these functions are exported, so their names are stable and other code calls them. The
 * kprobes are attached only while the tracker is armed. If one cannot be attached, objects of
 * its kind are unsure (track_run.silent). A free of our own object tests each kprobe of a free,
 * after it is attached and before it is detached.
 *
 * Context: a kprobe may be entered by a trap, which counts as an NMI.
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/kprobes.h"
#include "track.h"

#ifdef CONFIG_KRETPROBES

/* Most pages of one call that are followed. */
#define KPROBES_BULK	1024

/**
 * struct kprobes_bulk - a bulk allocation that has not returned yet
 * @event: the allocation
 * @stack: number of its stack
 * @nr: objects requested; pages: at most KPROBES_BULK
 * @objects: array of pointers that the kernel fills
 * @pages: list of pages if there is no array; else NULL
 * @had: elements of the array that were set at the entry
 */
struct kprobes_bulk {
	struct track_event event;
	u32 stack;
	u32 nr;
	void **objects;
	struct list_head *pages;
	DECLARE_BITMAP(had, KPROBES_BULK);
};

static struct track_run *kprobes_run;
/* An object of our own whose free tests a kprobe, and whether the kprobe was called. */
static unsigned long kprobes_own;
static bool kprobes_seen;

static void kprobes_freed(unsigned long object)
{
	if (object == READ_ONCE(kprobes_own))
		WRITE_ONCE(kprobes_seen, true);
	track_freed(kprobes_run, TRACK_SLAB, object, false);
}

static int kprobes_free_bulk(struct kprobe *kp, struct pt_regs *regs)
{
	size_t size = regs_get_kernel_argument(regs, 1);
	void **objects = (void **)regs_get_kernel_argument(regs, 2);
	size_t i;

	for (i = 0; i < size; i++)
		if (!ZERO_OR_NULL_PTR(objects[i]))
			kprobes_freed((unsigned long)objects[i]);
	return 0;
}

static int kprobes_free_rcu(struct kprobe *kp, struct pt_regs *regs)
{
	kprobes_freed(memdiag_kfree_rcu_object(regs_get_kernel_argument(regs, 0),
					       regs_get_kernel_argument(regs, 1)));
	return 0;
}

static int kprobes_begin(struct kprobes_bulk *bulk, struct pt_regs *regs)
{
	bulk->event.call_site = memdiag_caller(regs);
	bulk->event.pc = instruction_pointer(regs);
	bulk->event.trapped = true;
	bulk->stack = bulk->nr ? track_stack_of(kprobes_run, &bulk->event) : TRACK_NO_STACK;
	/* A value other than 0 skips the return handler. */
	return bulk->stack == TRACK_NO_STACK;
}

static int kprobes_enter_slab(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kprobes_bulk *bulk = (void *)ri->data;

	memset(&bulk->event, 0, sizeof(bulk->event));
	bulk->event.kind = TRACK_SLAB;
	bulk->event.cache = (const void *)regs_get_kernel_argument(regs, 0);
	bulk->event.asked = kmem_cache_size((void *)bulk->event.cache);
	bulk->nr = regs_get_kernel_argument(regs, 2);
	bulk->objects = (void **)regs_get_kernel_argument(regs, 3);
	return kprobes_begin(bulk, regs);
}

static int kprobes_leave_slab(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kprobes_bulk *bulk = (void *)ri->data;
	u32 i;

	/* The kernel allocates all objects or none. */
	if (!memdiag_alloc_bulk_done(regs_return_value(regs)))
		return 0;
	for (i = 0; i < bulk->nr; i++) {
		bulk->event.address = (unsigned long)bulk->objects[i];
		track_put_object(kprobes_run, &bulk->event, bulk->stack);
	}
	return 0;
}

static int kprobes_enter_pages(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kprobes_bulk *bulk = (void *)ri->data;
	int nr = regs_get_kernel_argument(regs, 3);
	u32 i;

	/* The kernel rejects that and allocates nothing. */
	if (nr <= 0)
		return 1;
	memset(&bulk->event, 0, sizeof(bulk->event));
	bulk->event.kind = TRACK_PAGES;
	bulk->event.size = PAGE_SIZE;
	bulk->nr = min(nr, KPROBES_BULK);
	bulk->pages = NULL;
	bulk->objects = memdiag_alloc_pages_bulk_array(regs, &bulk->pages);
	bitmap_zero(bulk->had, KPROBES_BULK);
	for (i = 0; bulk->objects && i < bulk->nr; i++)
		if (bulk->objects[i])
			__set_bit(i, bulk->had);
	return kprobes_begin(bulk, regs);
}

static void kprobes_put_page(struct kprobes_bulk *bulk, const struct page *page)
{
	/* mm_page_alloc was emitted for this page. */
	if (track_objects_size(&kprobes_run->objects,
			       track_key(TRACK_PAGES, (unsigned long)page)))
		return;
	bulk->event.address = (unsigned long)page;
	track_put_object(kprobes_run, &bulk->event, bulk->stack);
}

static int kprobes_leave_pages(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kprobes_bulk *bulk = (void *)ri->data;
	u32 i, got = regs_return_value(regs), nr = min(got, bulk->nr);
	const struct page *page;

	this_cpu_add(kprobes_run->cpus->dropped_objects, got - nr);
	if (bulk->objects) {
		for (i = 0; i < bulk->nr; i++)
			if (bulk->objects[i] && !test_bit(i, bulk->had))
				kprobes_put_page(bulk, bulk->objects[i]);
		return 0;
	}
	/* The kernel adds pages at the head of the list. */
	i = 0;
	list_for_each_entry(page, bulk->pages, lru) {
		if (i++ == nr)
			break;
		kprobes_put_page(bulk, page);
	}
	return 0;
}

struct kprobes_object {
	struct rcu_head rcu;
};

static void kprobes_try_bulk(struct kprobes_object *object)
{
	kfree_bulk(1, (void **)&object);
}

static void kprobes_try_rcu(struct kprobes_object *object)
{
	kfree_rcu(object, rcu);
}

/**
 * struct kprobes_point - a function that is probed
 * @names: names that the function has had
 * @kind: MEMDIAG_TRACK_SLAB or MEMDIAG_TRACK_PAGES
 * @needed: without this kprobe objects may be freed without an event
 * @enter: entry handler of a kprobe, for functions that free
 * @begin: entry handler of a kretprobe, for functions that allocate
 * @leave: return handler of a kretprobe
 * @try: frees an object by the function; NULL if the kprobe is not tested
 * @kp: the kprobe, if @enter
 * @rp: the kretprobe, if @leave
 * @attached: the name by which it is attached, or NULL
 */
struct kprobes_point {
	const char *names[2];
	u32 kind;
	bool needed;
	int (*enter)(struct kprobe *kp, struct pt_regs *regs);
	int (*begin)(struct kretprobe_instance *ri, struct pt_regs *regs);
	int (*leave)(struct kretprobe_instance *ri, struct pt_regs *regs);
	void (*try)(struct kprobes_object *object);
	struct kprobe kp;
	struct kretprobe rp;
	const char *attached;
};

/* Frees come first, for they are attached first. */
static struct kprobes_point kprobes_points[] = {
	{ .names = { "kmem_cache_free_bulk" }, .kind = MEMDIAG_TRACK_SLAB, .needed = true,
	  .enter = kprobes_free_bulk, .try = kprobes_try_bulk },
	{ .names = { "kvfree_call_rcu" }, .kind = MEMDIAG_TRACK_SLAB,
	  .needed = !IS_ENABLED(CONFIG_TINY_RCU), .enter = kprobes_free_rcu,
	  .try = kprobes_try_rcu },
#ifdef MEMDIAG_HAVE_KFREE_RCU_NOLOCK
	{ .names = { "kfree_call_rcu_nolock" }, .kind = MEMDIAG_TRACK_SLAB, .needed = true,
	  .enter = kprobes_free_rcu },
#endif
	{ .names = { "kmem_cache_alloc_bulk", "kmem_cache_alloc_bulk_noprof" },
	  .kind = MEMDIAG_TRACK_SLAB, .begin = kprobes_enter_slab, .leave = kprobes_leave_slab },
	{ .names = { "__alloc_pages_bulk", "alloc_pages_bulk_noprof" },
	  .kind = MEMDIAG_TRACK_PAGES, .begin = kprobes_enter_pages,
	  .leave = kprobes_leave_pages },
};

static int kprobes_register(struct kprobes_point *point, const char *name)
{
	memset(&point->kp, 0, sizeof(point->kp));
	memset(&point->rp, 0, sizeof(point->rp));
	if (point->enter) {
		point->kp.symbol_name = name;
		point->kp.pre_handler = point->enter;
		return register_kprobe(&point->kp);
	}
	point->rp.kp.symbol_name = name;
	point->rp.entry_handler = point->begin;
	point->rp.handler = point->leave;
	point->rp.data_size = sizeof(struct kprobes_bulk);
	point->rp.maxactive = 64;
	return register_kretprobe(&point->rp);
}

static void kprobes_unregister(struct track_run *run, struct kprobes_point *point)
{
	if (point->enter) {
		unregister_kprobe(&point->kp);
		run->missed_frees += point->kp.nmissed;
	} else {
		unregister_kretprobe(&point->rp);
		run->missed += point->rp.nmissed + point->rp.kp.nmissed;
	}
	point->attached = NULL;
}

/*
 * Whether a kprobe is called. A registered kprobe may be switched off by
 * /sys/kernel/debug/kprobes/enabled or kernel.ftrace_enabled.
 */
static bool kprobes_fires(const struct kprobes_point *point)
{
	struct kprobes_object *object;

	if (!point->try)
		return true;
	object = kmalloc(sizeof(*object), MEMDIAG_GFP);
	if (!object)
		return false;
	WRITE_ONCE(kprobes_seen, false);
	WRITE_ONCE(kprobes_own, (unsigned long)object);
	point->try(object);
	WRITE_ONCE(kprobes_own, 0);
	return READ_ONCE(kprobes_seen);
}

/**
 * track_kprobes_attach() - attach all kprobes that can be attached
 * @run: the run; .silent gets kinds that may be freed without an event
 *
 * Context: may sleep.
 */
void track_kprobes_attach(struct track_run *run)
{
	unsigned int i, n;

	kprobes_run = run;
	for (i = 0; i < ARRAY_SIZE(kprobes_points); i++) {
		struct kprobes_point *point = &kprobes_points[i];

		point->attached = NULL;
		if (!(point->kind & run->kinds))
			continue;
		for (n = 0; n < ARRAY_SIZE(point->names) && !point->attached; n++)
			if (point->names[n] && !kprobes_register(point, point->names[n]))
				point->attached = point->names[n];
		if (point->attached && !kprobes_fires(point))
			kprobes_unregister(run, point);
		if (!point->attached && point->needed)
			run->silent |= point->kind;
	}
}

/**
 * track_kprobes_detach() - detach all kprobes; none runs after the return
 * @run: the run; .silent gets kinds whose kprobes were switched off meanwhile
 *
 * Context: may sleep.
 */
void track_kprobes_detach(struct track_run *run)
{
	unsigned int i = ARRAY_SIZE(kprobes_points);

	while (i--) {
		struct kprobes_point *point = &kprobes_points[i];

		if (!point->attached)
			continue;
		if (!kprobes_fires(point))
			run->silent |= point->kind;
		kprobes_unregister(run, point);
	}
}

/**
 * track_kprobes_print() - print the names of attached kprobes
 * @text: out
 * @size: bytes of @text
 *
 * Return: length of the text.
 */
size_t track_kprobes_print(char *text, size_t size)
{
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < ARRAY_SIZE(kprobes_points); i++)
		if (kprobes_points[i].attached)
			n += scnprintf(text + n, size - n, ",%s", kprobes_points[i].attached);
	return n;
}

/**
 * track_kprobes_missed() - calls that attached kprobes missed
 * @frees: count functions that free; else those that allocate
 *
 * Return: number of calls.
 */
u64 track_kprobes_missed(bool frees)
{
	u64 missed = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kprobes_points); i++) {
		const struct kprobes_point *point = &kprobes_points[i];

		if (point->attached && frees == !!point->enter)
			missed += frees ? point->kp.nmissed :
				  point->rp.nmissed + point->rp.kp.nmissed;
	}
	return missed;
}

#else

void track_kprobes_attach(struct track_run *run)
{
	run->silent |= run->kinds & MEMDIAG_TRACK_SLAB;
}

void track_kprobes_detach(struct track_run *run)
{
}

size_t track_kprobes_print(char *text, size_t size)
{
	return 0;
}

u64 track_kprobes_missed(bool frees)
{
	return 0;
}

#endif
