// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads everything that the ledger adds up, back to back.
 *
 * The text of /proc/meminfo comes first, for what has no exported accessor;
 * then the counters of zones and nodes, which are in public structures. The
 * kernel's own readers leave out what each CPU keeps of a counter until it is
 * folded in. Here it is added, without folding; a fold in the middle shows as a
 * change of the folded part, then that counter is read again, three times at
 * most. Only if it changed each time the value can be off, by what the CPUs may
 * keep; that is then the error of the amount.
 *
 * No lock. Amounts that move may be from a moment before or after the others.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kernel_stat.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/uaccess.h>

#include "../compat/module.h"
#include "../compat/vmstat.h"
#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "ledger.h"
#include "meminfo.h"
#include "zones.h"

/* How often a counter is read that is folded meanwhile. */
#define READ_TRIES	3
/* No first chunk of percpu memory is as large as that, per CPU. */
#define FIRST_CHUNK_MAX	SZ_16M

/* Pages of the first percpu chunk, for all CPUs, and what they may be off by. */
static struct memdiag_amount first_chunk;

static const mempool_t *integrity_pool;

static struct memdiag_amount amount(u64 pages)
{
	return (struct memdiag_amount){ pages, 0 };
}

static const struct memdiag_amount absent = { MEMDIAG_ABSENT, 0 };

static struct memdiag_amount read_zones(int item)
{
	struct memdiag_amount sum = {};
	struct zone *zone;
	int tries, cpu;
	u64 threshold;
	long folded, value;

	if (item == MEMDIAG_NO_ITEM)
		return absent;
	memdiag_for_each_populated_zone(zone) {
		for (tries = 0; tries < READ_TRIES; tries++) {
			folded = atomic_long_read(&zone->vm_stat[item]);
			value = zone_page_state_snapshot(zone, item);
			if (folded == atomic_long_read(&zone->vm_stat[item]))
				break;
		}
		sum.pages += value;
		for_each_online_cpu(cpu) {
			threshold = memdiag_zone_stat_threshold(zone, cpu);
			if (tries == READ_TRIES && threshold != MEMDIAG_ABSENT)
				sum.error += threshold;
		}
	}
	return sum;
}

/* The parts of a node counter that its CPUs keep. */
static long node_kept(int item, u64 *threshold)
{
	long sum = 0;
	int node, cpu;

	*threshold = 0;
	for_each_online_node(node) {
		for_each_online_cpu(cpu) {
			const struct per_cpu_nodestat *kept =
				per_cpu_ptr(NODE_DATA(node)->per_cpu_nodestats, cpu);

			sum += READ_ONCE(kept->vm_node_stat_diff[item]);
			*threshold += READ_ONCE(kept->stat_threshold);
		}
	}
	return sum;
}

static struct memdiag_amount read_nodes(int item)
{
	u64 threshold;
	long folded, value;
	int tries;

	if (item == MEMDIAG_NO_ITEM)
		return absent;
	for (tries = 0; tries < READ_TRIES; tries++) {
		folded = atomic_long_read(&vm_node_stat[item]);
		value = folded + node_kept(item, &threshold);
		if (folded == atomic_long_read(&vm_node_stat[item]))
			break;
	}
	return (struct memdiag_amount){ max(value, 0L), tries == READ_TRIES ? threshold : 0 };
}

/* An item that the kernel counts in KiB. */
static struct memdiag_amount read_kbytes(int item)
{
	struct memdiag_amount a = read_nodes(item);

	if (a.pages != MEMDIAG_ABSENT) {
		a.pages >>= PAGE_SHIFT - 10;
		a.error = DIV_ROUND_UP(a.error, PAGE_SIZE / SZ_1K);
	}
	return a;
}

static void add(struct memdiag_amount *sum, struct memdiag_amount a)
{
	sum->pages += a.pages;
	sum->error += a.error;
}

static void read_lists(struct memdiag_ledger_raw *raw)
{
	enum lru_list lru;

	raw->file_lru = read_nodes(NR_ACTIVE_FILE);
	add(&raw->file_lru, read_nodes(NR_INACTIVE_FILE));
	raw->lru = read_nodes(NR_ISOLATED_ANON);
	add(&raw->lru, read_nodes(NR_ISOLATED_FILE));
	for_each_lru(lru)
		add(&raw->lru, read_nodes(NR_LRU_BASE + lru));
}

/* What belongs to zones and is no vm statistic. */
static void read_zone_sizes(struct memdiag_ledger_raw *raw)
{
	unsigned int order;
	struct zone *zone;
	int cpu;

	memdiag_for_each_populated_zone(zone) {
		raw->managed.pages += zone_managed_pages(zone);
		raw->present.pages += READ_ONCE(zone->present_pages);
		raw->low.pages += memdiag_zone_wmark(zone, WMARK_LOW);
		for_each_online_cpu(cpu)
			raw->pcp.pages += memdiag_zone_pcp_count(zone, cpu);
		for (order = 0; order < NR_PAGE_ORDERS; order++) {
			/* Only changed under the zone's lock; read as /proc/zoneinfo does. */
			u64 blocks = data_race(zone->free_area[order].nr_free);

			raw->free_area.pages += blocks << order;
		}
	}
}

/* Free pages of the default size of huge pages; in others they count as used. */
static struct memdiag_amount read_hugetlb_free(const char *text)
{
	u64 nr = memdiag_meminfo_number(text, "HugePages_Free");
	u64 size = memdiag_meminfo_pages(text, "Hugepagesize");

	return nr == MEMDIAG_ABSENT || size == MEMDIAG_ABSENT ? absent : amount(nr * size);
}

static void read_text(struct memdiag_sink *sink, struct memdiag_ledger_raw *raw)
{
	char *text = memdiag_meminfo_read(sink);

	raw->total = amount(memdiag_meminfo_pages(text, "MemTotal"));
	raw->available = amount(memdiag_meminfo_pages(text, "MemAvailable"));
	raw->cached = amount(memdiag_meminfo_pages(text, "Cached"));
	raw->buffers = amount(memdiag_meminfo_pages(text, "Buffers"));
	raw->swap_cached = amount(memdiag_meminfo_pages(text, "SwapCached"));
	raw->percpu = amount(memdiag_meminfo_pages(text, "Percpu"));
	raw->hugetlb = amount(memdiag_meminfo_pages(text, "Hugetlb"));
	raw->hugetlb_free = read_hugetlb_free(text);
	raw->poisoned = amount(memdiag_meminfo_pages(text, "HardwareCorrupted"));
	raw->vmalloc = amount(memdiag_meminfo_pages(text, "VmallocUsed"));
	memdiag_free(text);
}

/* Elements that are in use are read as they are: it has so few, and rarely. */
static struct memdiag_amount read_integrity_pool(void)
{
	if (!integrity_pool)
		return absent;
	return amount((u64)READ_ONCE(integrity_pool->curr_nr) <<
		      (unsigned long)integrity_pool->pool_data);
}

/**
 * memdiag_ledger_read() - read all counters
 * @sink: of the section, which becomes partial if something cannot be read
 * @raw: out: the counters
 *
 * Context: may sleep, but only before the first counter is read.
 */
void memdiag_ledger_read(struct memdiag_sink *sink, struct memdiag_ledger_raw *raw)
{
	int node;

	memset(raw, 0, sizeof(*raw));
	read_text(sink, raw);
	raw->free = read_zones(NR_FREE_PAGES);
	read_zone_sizes(raw);
	raw->free_cma = IS_ENABLED(CONFIG_CMA) ? read_zones(NR_FREE_CMA_PAGES) : absent;
	raw->anon = read_nodes(NR_ANON_MAPPED);
	raw->file_pages = read_nodes(NR_FILE_PAGES);
	raw->shmem = read_nodes(NR_SHMEM);
	read_lists(raw);
	raw->slab_reclaimable = read_nodes(NR_SLAB_RECLAIMABLE_B);
	raw->slab_unreclaimable = read_nodes(NR_SLAB_UNRECLAIMABLE_B);
	/* Stacks smaller than a page come from a slab cache and are counted there. */
	raw->stack = IS_ENABLED(CONFIG_VMAP_STACK) || THREAD_SIZE >= PAGE_SIZE ?
		     read_kbytes(NR_KERNEL_STACK_KB) : absent;
	raw->stack_in_vmalloc = IS_ENABLED(CONFIG_VMAP_STACK);
	raw->scs = read_kbytes(MEMDIAG_NR_KERNEL_SCS_KB);
	raw->page_tables = memdiag_pagetable_in_zone() ? read_zones(NR_PAGETABLE) :
			   read_nodes(NR_PAGETABLE);
	raw->sec_page_tables = read_nodes(MEMDIAG_NR_SECONDARY_PAGETABLE);
	if (MEMDIAG_NR_VMALLOC != MEMDIAG_NO_ITEM)
		raw->vmalloc = read_nodes(MEMDIAG_NR_VMALLOC);
	raw->zspages = read_zones(MEMDIAG_NR_ZSPAGES);
	raw->misc_reclaimable = read_nodes(NR_KERNEL_MISC_RECLAIMABLE);
	raw->writeback_temp = read_nodes(MEMDIAG_NR_WRITEBACK_TEMP);
	raw->gpu_active = read_nodes(MEMDIAG_NR_GPU_ACTIVE);
	raw->gpu_reclaim = read_nodes(MEMDIAG_NR_GPU_RECLAIM);
	for_each_online_node(node)
		raw->reserve.pages += READ_ONCE(NODE_DATA(node)->totalreserve_pages);
	raw->integrity_pool = read_integrity_pool();
	raw->own = amount(memdiag_module_pages(THIS_MODULE) +
			  (memdiag_snapshot_finished() >> PAGE_SHIFT));
	raw->percpu_boot = first_chunk;
}

static bool page_is_reserved(unsigned long address)
{
	return virt_addr_valid((void *)address) && PageReserved(virt_to_page((void *)address));
}

/*
 * Percpu memory of /proc/meminfo has the first chunk in it, which was taken
 * before there was a page allocator: reserved pages, not managed ones. How large
 * it is the allocator knows: its description of the chunk serves the dynamic
 * part, which is the last one.
 */
static int first_chunk_by_layout(u64 *pages)
{
	struct memdiag_member members[] = {
		{ "pcpu_chunk", "base_addr" },
		{ "pcpu_chunk", "nr_pages" },
	};
	unsigned long chunk, at, base, end;
	int nr_pages;

	if (memdiag_layout_load("struct pcpu_chunk", MEMDIAG_SRC_BTF, members,
				ARRAY_SIZE(members), ARRAY_SIZE(members)))
		return -ENOENT;
	chunk = memdiag_resolve_data("pcpu_first_chunk");
	at = memdiag_resolve_data("pcpu_base_addr");
	if (!chunk || !at ||
	    copy_from_kernel_nofault(&chunk, (void *)chunk, sizeof(chunk)) ||
	    copy_from_kernel_nofault(&at, (void *)at, sizeof(at)) ||
	    copy_from_kernel_nofault(&base, (void *)chunk + members[0].bit_offset / 8,
				     sizeof(base)) ||
	    copy_from_kernel_nofault(&nr_pages, (void *)chunk + members[1].bit_offset / 8,
				     sizeof(nr_pages)))
		return -ENOENT;
	if (nr_pages < 0 || base < at || base - at > FIRST_CHUNK_MAX)
		return -EINVAL;
	end = base + nr_pages * PAGE_SIZE;
	*pages = (end - at) >> PAGE_SHIFT;
	if (!PAGE_ALIGNED(at) || !*pages || *pages > FIRST_CHUNK_MAX >> PAGE_SHIFT)
		return -EINVAL;
	for (; at < end; at += PAGE_SIZE)
		if (!page_is_reserved(at))
			return -EINVAL;
	return 0;
}

/*
 * Otherwise it is bounded from above by three things: all populated pages; the
 * distance of two CPUs' copies; and the piece of reserved pages around a variable
 * of which every CPU has a copy in it, which may have others next to it.
 */
static u64 first_chunk_at_most(u64 populated)
{
	unsigned long least = populated, at, pages, other;
	int cpu;

	for_each_possible_cpu(cpu) {
		at = (unsigned long)per_cpu_ptr(&kstat, cpu);
		other = (unsigned long)per_cpu_ptr(&kstat, cpumask_first(cpu_possible_mask));
		if (at > other)
			least = min(least, (at - other) >> PAGE_SHIFT);
		if (!virt_addr_valid((void *)at))
			continue;
		at &= PAGE_MASK;
		for (pages = 0; pages < least && page_is_reserved(at - PAGE_SIZE); pages++)
			at -= PAGE_SIZE;
		for (pages = 0; pages < least && page_is_reserved(at); pages++)
			at += PAGE_SIZE;
		least = min(least, pages);
	}
	return least;
}

/*
 * Newer kernels' block layer keeps two blocks of up to 2 MiB, more than 1 % of
 * a small machine, allocated at boot and counted nowhere. Its pool is only
 * believed if it is one of pages, of an order that there is.
 */
static void find_integrity_pool(void)
{
	const mempool_t *pool = NULL;

#ifdef MEMDIAG_HAVE_INTEGRITY_POOL
	if (IS_ENABLED(CONFIG_BLK_DEV_INTEGRITY))
		pool = (const mempool_t *)memdiag_resolve_data("integrity_buf_pool");
#endif
	if (pool && pool->alloc == mempool_alloc_pages &&
	    (unsigned long)pool->pool_data < NR_PAGE_ORDERS &&
	    pool->min_nr > 0 && pool->curr_nr >= 0 && pool->curr_nr <= pool->min_nr)
		integrity_pool = pool;
}

/**
 * memdiag_ledger_read_init() - find what does not change
 *
 * Context: may sleep.
 */
void __init memdiag_ledger_read_init(void)
{
	/* What every architecture has in it beside its static variables. */
	u64 pages, least = (PERCPU_MODULE_RESERVE + PERCPU_DYNAMIC_RESERVE) >> PAGE_SHIFT;
	unsigned int cpus = num_possible_cpus();
	int error = first_chunk_by_layout(&pages);
	char *text;

	if (error) {
		text = memdiag_meminfo_read(NULL);
		pages = memdiag_meminfo_pages(text, "Percpu");
		memdiag_free(text);
		pages = pages == MEMDIAG_ABSENT ? 0 : first_chunk_at_most(pages / cpus);
	}
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "first percpu chunk",
			     error ? MEMDIAG_SRC_EXPORT : MEMDIAG_SRC_BTF, 0,
			     "%s%llu pages per CPU, all reserved", error ? "at most " : "",
			     pages);
	find_integrity_pool();
	first_chunk.pages = pages * cpus;
	first_chunk.error = error && pages > least ? (pages - least) * cpus : 0;
}
