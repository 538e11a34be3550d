// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds objects that were freed without an event, by the state of their page.
 *
 * A slab object lies on a page of its cache, and a large object of kmalloc() on a page in use.
 * Allocated pages are not in the buddy allocator. An object whose page is otherwise was freed
 * without an event (TRACK_GONE). The reverse does not hold: the page may be in use again.
 *
 * Pages that became a slab are TRACK_OF_SLAB; the report has the objects on the slab instead.
 *
 * Locks: none. Stale: the page may change, or its memory be unplugged, during the check; the
 * next report corrects an error.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/page_frame.h"
#include "track.h"

static u8 check_pages(const struct page *page)
{
	struct memdiag_page p;

	/* Unplugged memory has no objects. */
	if (!memdiag_page_peek(page, &p))
		return TRACK_GONE;
	switch (memdiag_page_type(&p)) {
	case MEMDIAG_PAGE_SLAB:
		return TRACK_OF_SLAB;
	case MEMDIAG_PAGE_BUDDY:
		return TRACK_GONE;
	default:
		return 0;
	}
}

static u8 check_slab(const struct track_run *run, const void *address,
		     const struct track_object *object)
{
	const struct track_stack *stack = track_stack(&run->stacks, object->stack);
	const struct page *page = memdiag_page_head(address);
	struct memdiag_page p;

	if (!page || !memdiag_page_peek(page, &p))
		return TRACK_GONE;
	switch (memdiag_page_type(&p)) {
	case MEMDIAG_PAGE_SLAB:
		return !stack->cache || track_cache_is(&run->caches->known[stack->cache], address) ?
		       0 : TRACK_GONE;
	case MEMDIAG_PAGE_BUDDY:
		return TRACK_GONE;
	case MEMDIAG_PAGE_LARGE_KMALLOC:
		return object->size > KMALLOC_MAX_CACHE_SIZE ? 0 : TRACK_GONE;
	default:
		/*
		 * Kernels without a page type for large objects of kmalloc() only show a page in
		 * use.
		 */
		return object->size > KMALLOC_MAX_CACHE_SIZE && p.refcount > 0 ? 0 : TRACK_GONE;
	}
}

/**
 * track_check() - check an object by its page
 * @run: the run
 * @key: its key
 * @object: the object
 *
 * Context: any.
 *
 * Return: 0, TRACK_GONE or TRACK_OF_SLAB.
 */
u8 track_check(const struct track_run *run, unsigned long key, const struct track_object *object)
{
	unsigned long address = key & ~TRACK_KIND_MASK;

	switch (track_key_kind(key)) {
	case TRACK_PAGES:
		return check_pages((const struct page *)address);
	case TRACK_SLAB:
		return check_slab(run, (const void *)address, object);
	default:
		return 0;
	}
}

/**
 * track_check_all() - check all objects, and store the result in their flags
 * @run: a run that has just stopped
 *
 * The check is done at the stop, for later the pages belong to others.
 *
 * Context: may sleep.
 */
void track_check_all(struct track_run *run)
{
	u64 n, room = track_objects_room(&run->objects);
	struct track_object object;
	unsigned long key;

	for (n = 0; n < room; n++) {
		if (n % TRACK_BATCH == 0)
			cond_resched();
		if (!track_objects_read(&run->objects, n, &key, &object))
			continue;
		track_objects_flag(&run->objects, n, track_check(run, key, &object));
	}
}
