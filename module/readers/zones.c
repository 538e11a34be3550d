// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a zone has per CPU is freed when the last of its memory goes offline. A
 * notifier tells of it, so that no reader is in it then. If memdiag is loaded in the
 * middle of that, the notifier missed it.
 */
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/rwsem.h>

#include "zones.h"

static DECLARE_RWSEM(zones_lock);
/* Whose last memory goes offline; under zones_lock. There is one at a time. */
static const struct zone *zones_going;

/**
 * memdiag_zones_lock() - keep what zones have per CPU, but of one that is going
 *
 * Context: may sleep, not for long; memory cannot begin to go offline until
 * memdiag_zones_unlock().
 */
void memdiag_zones_lock(void)
{
	down_read(&zones_lock);
}

/** memdiag_zones_unlock() - undo memdiag_zones_lock() */
void memdiag_zones_unlock(void)
{
	up_read(&zones_lock);
}

/**
 * memdiag_zone_is_going() - whether what a zone has per CPU may be freed
 * @zone: the zone
 *
 * Context: between memdiag_zones_lock() and memdiag_zones_unlock().
 *
 * Return: true if the last of its memory is about to go offline.
 */
bool memdiag_zone_is_going(const struct zone *zone)
{
	return zone == zones_going;
}

static void zones_set_going(const struct zone *zone)
{
	down_write(&zones_lock);
	zones_going = zone;
	up_write(&zones_lock);
}

static int zones_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct memory_notify *memory = data;
	const struct zone *zone;

	if (action == MEM_GOING_OFFLINE) {
		zone = page_zone(pfn_to_page(memory->start_pfn));
		if (READ_ONCE(zone->present_pages) <= memory->nr_pages)
			zones_set_going(zone);
	} else if (action == MEM_OFFLINE || action == MEM_CANCEL_OFFLINE) {
		zones_set_going(NULL);
	}
	return NOTIFY_OK;
}

static struct notifier_block zones_notifier = { .notifier_call = zones_notify };

/** memdiag_zones_init() - be told of memory that goes offline */
void __init memdiag_zones_init(void)
{
	register_memory_notifier(&zones_notifier);
}

/** memdiag_zones_exit() - undo memdiag_zones_init() */
void memdiag_zones_exit(void)
{
	unregister_memory_notifier(&zones_notifier);
}
