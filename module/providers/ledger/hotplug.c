// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ledger needs to know of memory that came after boot, or is none.
 *
 * The memory map of a section that was there at boot was taken before there was a page
 * allocator. That of one that was added later is made of pages of the page allocator,
 * which nobody counts, unless memory_hotplug.memmap_on_memory puts it into the section
 * itself, where it is not managed. The kernel may also give back most of the map of huge
 * pages of hugetlb (CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP); where they lie is not looked at.
 *
 * Device-private pages are no memory of the machine, but where they are mapped the
 * kernel counts them as anonymous memory. How many there are at most say their ranges
 * of physical addresses.
 *
 * Sections are looked for where the resource tree has memory of either kind: those that
 * were never brought online belong to no node.
 *
 * Locks: none; the resource tree has a lock of its own, held for one step at a time.
 *
 * Skipped: the memory map of persistent memory, which may lie in that memory.
 */
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>

#include "../../memdiag.h"
#include "ledger.h"

#if defined(CONFIG_SPARSEMEM_VMEMMAP) && defined(CONFIG_MEMORY_HOTPLUG)
static int hotplug_sections(struct resource *range, void *late)
{
	unsigned long nr = pfn_to_section_nr(PHYS_PFN(range->start));
	unsigned long end = min(pfn_to_section_nr(PHYS_PFN(range->end)) + 1, NR_MEM_SECTIONS);

	for (; nr < end; nr++) {
		unsigned long flags = SECTION_IS_EARLY;

		/* A section goes away only after a grace period. */
		rcu_read_lock();
		if (present_section_nr(nr))
			flags = READ_ONCE(__nr_to_section(nr)->section_mem_map);
		rcu_read_unlock();
		*(u64 *)late += !(flags & SECTION_IS_EARLY);
	}
	return 0;
}
#endif

/* The kernel may do without the map of huge pages; before v5.18 by another name. */
#define HOTPLUG_MAP_OPTIMIZED	(IS_ENABLED(CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP) || \
				 IS_ENABLED(CONFIG_HUGETLB_PAGE_FREE_VMEMMAP))

/* Pages of the map that so many pages of hugetlb may do without. */
static u64 __maybe_unused hotplug_optimized(u64 map, u64 hugetlb)
{
	if (!HOTPLUG_MAP_OPTIMIZED || hugetlb == MEMDIAG_ABSENT)
		return 0;
	return min_t(u64, map, hugetlb * sizeof(struct page) / PAGE_SIZE);
}

/**
 * memdiag_hotplug_memmap() - the memory map of memory that was added after boot
 * @on_memory: it may lie in the memory itself
 * @hugetlb: pages of hugetlb, whose map the kernel may have given back
 *
 * Return: pages of the page allocator; MEMDIAG_ABSENT if that cannot be told.
 */
struct memdiag_amount memdiag_hotplug_memmap(bool on_memory, u64 hugetlb)
{
	struct memdiag_amount map = { MEMDIAG_ABSENT };
#if defined(CONFIG_SPARSEMEM_VMEMMAP) && defined(CONFIG_MEMORY_HOTPLUG)
	const u64 pages = PAGES_PER_SECTION * sizeof(struct page) / PAGE_SIZE;
	u64 memory = 0, device = 0;

	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, U64_MAX,
			    &memory, hotplug_sections);
	walk_iomem_res_desc(IORES_DESC_DEVICE_PRIVATE_MEMORY, 0, 0, U64_MAX, &device,
			    hotplug_sections);
	map.pages = (memory + device) * pages;
	map.error = hotplug_optimized(map.pages, hugetlb);
	if (on_memory) {
		map.error = memory * pages;
		map.pages = device * pages;
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
