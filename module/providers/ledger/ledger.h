/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ledger adds up, as read from the kernel at one moment. */
#ifndef _MEMDIAG_PROVIDERS_LEDGER_H
#define _MEMDIAG_PROVIDERS_LEDGER_H

#include <linux/types.h>

struct memdiag_sink;
struct mm_struct;

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
 * @free_area: pages in the blocks that the buddy lists count, and unaccepted ones
 * @pcp: free pages in the CPUs' lists, not in @free
 * @anon: NR_ANON_MAPPED; off by those of devices
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
 * @upper_tables: page tables that are not in @page_tables
 * @memmap: memory map of memory that was added after boot
 * @sec_page_tables: NR_SECONDARY_PAGETABLE
 * @percpu: populated pages of the percpu allocator, for CPUs that are possible
 * @percpu_boot: of it those of the first chunk, which are not managed
 * @vmalloc: pages of vmalloc(), as VmallocUsed
 * @hugetlb: all huge pages of hugetlb pools
 * @hugetlb_free: of it the free ones
 * @zspages: NR_ZSPAGES
 * @zswap: pools of zswap that are not in @zspages
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
	struct memdiag_amount upper_tables;
	struct memdiag_amount memmap;
	struct memdiag_amount sec_page_tables;
	struct memdiag_amount percpu;
	struct memdiag_amount percpu_boot;
	struct memdiag_amount vmalloc;
	struct memdiag_amount hugetlb;
	struct memdiag_amount hugetlb_free;
	struct memdiag_amount zspages;
	struct memdiag_amount zswap;
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

/**
 * struct memdiag_tables - page tables of all processes
 * @spaces: address spaces
 * @bytes: VmPTE of them
 * @doubt: pages that may be counted twice
 * @p4d: there is a fourth level of five
 * @pud: there is a third level
 * @shared: address spaces that others than the threads of one process use
 * @nr_shared: their number
 * @counted: NR_PAGETABLE before the walk
 * @next: number that the next process would have got, before the walk
 * @tasks: processes and threads before the walk
 * @changes: how many of both came or went since
 */
struct memdiag_tables {
	u64 spaces;
	u64 bytes;
	u64 doubt;
	bool p4d;
	bool pud;
	const struct mm_struct *shared[64];
	unsigned int nr_shared;
	u64 counted;
	unsigned int next;
	unsigned int tasks;
	u64 changes;
};

int memdiag_tables_walk(struct memdiag_tables *tables, u64 counted);
void memdiag_tables_end(struct memdiag_tables *tables);
struct memdiag_amount memdiag_tables_upper(const struct memdiag_tables *tables, u64 counted,
					   bool shared);
struct memdiag_amount memdiag_hotplug_memmap(bool on_memory, u64 hugetlb);
u64 memdiag_hotplug_device_private(void);
void memdiag_ledger_read_init(void);
void memdiag_ledger_read_exit(void);
void memdiag_ledger_read(struct memdiag_sink *sink, struct memdiag_ledger_raw *raw);

#endif /* _MEMDIAG_PROVIDERS_LEDGER_H */
