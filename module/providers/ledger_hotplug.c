// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ledger needs to know of memory that came after boot, or is none.
 *
 * The memory map of a section that was there at boot was taken before there was a page
 * allocator. That of one that was added later is made of pages of the page allocator,
 * which nobody counts, unless memory_hotplug.memmap_on_memory puts it into the section
 * itself, where it is not managed.
 *
 * Device-private pages are no memory of the machine, but where they are mapped the
 * kernel counts them as anonymous memory. How many there are at most say their ranges
 * of physical addresses.
 *
 * Locks: none; the resource tree has a lock of its own, held for one step at a time.
 *
 * Skipped: the memory map of sections that were added and never brought online.
 */
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>

#include "../memdiag.h"
#include "ledger.h"

#ifdef CONFIG_SPARSEMEM_VMEMMAP
static u64 hotplug_sections(int node)
{
	unsigned long nr = pfn_to_section_nr(node_start_pfn(node));
	unsigned long end = pfn_to_section_nr(node_end_pfn(node) + PAGES_PER_SECTION - 1);
	u64 late = 0;

	for (; nr < end; nr++) {
		unsigned long flags = 0;

		/* A section goes away only after a grace period. */
		rcu_read_lock();
		if (present_section_nr(nr))
			flags = READ_ONCE(__nr_to_section(nr)->section_mem_map);
		rcu_read_unlock();
		late += (flags & SECTION_IS_ONLINE) && !(flags & SECTION_IS_EARLY);
	}
	return late;
}
#endif

/**
 * memdiag_hotplug_memmap() - the memory map of memory that was added after boot
 * @on_memory: it may lie in the memory itself
 *
 * Return: pages of the page allocator; MEMDIAG_ABSENT if that cannot be told.
 */
struct memdiag_amount memdiag_hotplug_memmap(bool on_memory)
{
	struct memdiag_amount map = { MEMDIAG_ABSENT };
#if defined(CONFIG_SPARSEMEM_VMEMMAP) && defined(CONFIG_MEMORY_HOTPLUG)
	int node;

	map.pages = 0;
	for_each_online_node(node)
		map.pages += hotplug_sections(node);
	map.pages *= PAGES_PER_SECTION * sizeof(struct page) / PAGE_SIZE;
	if (on_memory) {
		map.error = map.pages;
		map.pages = 0;
	}
#endif
	return map;
}

#ifdef CONFIG_DEVICE_PRIVATE
static int hotplug_range(struct resource *range, void *pages)
{
	*(u64 *)pages += resource_size(range) >> PAGE_SHIFT;
	return 0;
}
#endif

/**
 * memdiag_hotplug_device_private() - pages of devices that look like memory
 *
 * Return: how many there are at most.
 */
u64 memdiag_hotplug_device_private(void)
{
	u64 pages = 0;

#ifdef CONFIG_DEVICE_PRIVATE
	walk_iomem_res_desc(IORES_DESC_DEVICE_PRIVATE_MEMORY, 0, 0, U64_MAX, &pages,
			    hotplug_range);
#endif
	return pages;
}
