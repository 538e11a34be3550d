/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ledger adds up, as read from the kernel at one moment. */
#ifndef _MEMDIAG_PROVIDERS_LEDGER_H
#define _MEMDIAG_PROVIDERS_LEDGER_H

#include <linux/types.h>

struct memdiag_sink;

/**
 * struct memdiag_amount - a counter
 * @pages: its value; MEMDIAG_ABSENT if this kernel does not have it
 * @error: it may be off by so many pages
 */
struct memdiag_amount {
	u64 pages;
	u64 error;
};

/**
 * struct memdiag_ledger_raw - the counters
 * @managed: pages given to the page allocator, of all zones
 * @present: page frames that exist
 * @free: NR_FREE_PAGES
 * @free_cma: NR_FREE_CMA_PAGES, of @free
 * @free_area: pages in the blocks that the buddy lists count
 * @pcp: free pages in the CPUs' lists, not in @free
 * @anon: NR_ANON_MAPPED
 * @file_pages: NR_FILE_PAGES: with shmem, buffers and the swap cache
 * @shmem: NR_SHMEM
 * @buffers: page cache of block devices
 * @swap_cached: pages of the swap cache, mapped or not
 * @lru: pages on all LRU lists, or isolated from them
 * @file_lru: pages on the file LRU lists
 * @slab_reclaimable: with large kmalloc() blocks, as the next
 * @slab_unreclaimable: likewise
 * @stack: kernel stacks
 * @stack_in_vmalloc: whether @stack is part of @vmalloc
 * @scs: shadow call stacks, part of @vmalloc
 * @page_tables: NR_PAGETABLE
 * @sec_page_tables: NR_SECONDARY_PAGETABLE
 * @percpu: populated pages of the percpu allocator
 * @percpu_boot: of it those of the first chunk, which are not managed
 * @vmalloc: pages of vmalloc(), as VmallocUsed
 * @hugetlb: all huge pages of hugetlb pools
 * @hugetlb_free: of it the free ones
 * @zspages: NR_ZSPAGES
 * @misc_reclaimable: NR_KERNEL_MISC_RECLAIMABLE
 * @writeback_temp: NR_WRITEBACK_TEMP
 * @gpu_active: NR_GPU_ACTIVE
 * @gpu_reclaim: NR_GPU_RECLAIM
 * @poisoned: pages taken away because their memory is broken
 * @integrity_pool: what the block layer keeps for buffers of checksums
 * @own: memdiag's module and finished snapshots, part of @vmalloc
 * @total: MemTotal
 * @cached: Cached of /proc/meminfo
 * @available: MemAvailable
 * @reserve: sum of totalreserve_pages
 * @low: sum of the low watermarks
 */
struct memdiag_ledger_raw {
	struct memdiag_amount managed;
	struct memdiag_amount present;
	struct memdiag_amount free;
	struct memdiag_amount free_cma;
	struct memdiag_amount free_area;
	struct memdiag_amount pcp;
	struct memdiag_amount anon;
	struct memdiag_amount file_pages;
	struct memdiag_amount shmem;
	struct memdiag_amount buffers;
	struct memdiag_amount swap_cached;
	struct memdiag_amount lru;
	struct memdiag_amount file_lru;
	struct memdiag_amount slab_reclaimable;
	struct memdiag_amount slab_unreclaimable;
	struct memdiag_amount stack;
	bool stack_in_vmalloc;
	struct memdiag_amount scs;
	struct memdiag_amount page_tables;
	struct memdiag_amount sec_page_tables;
	struct memdiag_amount percpu;
	struct memdiag_amount percpu_boot;
	struct memdiag_amount vmalloc;
	struct memdiag_amount hugetlb;
	struct memdiag_amount hugetlb_free;
	struct memdiag_amount zspages;
	struct memdiag_amount misc_reclaimable;
	struct memdiag_amount writeback_temp;
	struct memdiag_amount gpu_active;
	struct memdiag_amount gpu_reclaim;
	struct memdiag_amount poisoned;
	struct memdiag_amount integrity_pool;
	struct memdiag_amount own;
	struct memdiag_amount total;
	struct memdiag_amount cached;
	struct memdiag_amount available;
	struct memdiag_amount reserve;
	struct memdiag_amount low;
};

void memdiag_ledger_read_init(void);
void memdiag_ledger_read(struct memdiag_sink *sink, struct memdiag_ledger_raw *raw);

#endif /* _MEMDIAG_PROVIDERS_LEDGER_H */
