// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is an object still what it was, as far as its page tells?
 *
 * An object of a slab cache lies on a page of that cache, a large one of kmalloc() on a
 * page that is in use, and pages that are in use are not with the page allocator. Where
 * that does not hold the object was freed without an event, and is told as gone.
 * The other way round it does not follow that it is there: its page may be in
 * use by others again.
 *
 * Pages that became slabs are told as the objects in them.
 *
 * Locks: none. Stale: the page may change while it is looked at, or its memory be taken out;
 * what is wrong then is right at the next report.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/page_frame.h"
#include "track.h"

static u8 check_pages(const struct page *page)
{
	struct memdiag_page p;

	/* Memory that was taken out has no objects. */
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
		/* Where a large one of kmalloc() has no type of its own, it is just in use. */
		return object->size > KMALLOC_MAX_CACHE_SIZE && p.refcount > 0 ? 0 : TRACK_GONE;
	}
}

/**
 * track_check() - look at what an object lies on
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
 * track_check_all() - do it for all objects, and keep the result with them
 * @run: a run that has stopped
 *
 * What is outstanding is told as of the stop: later their pages are others'.
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
