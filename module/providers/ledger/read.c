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
#include <linux/fs.h>
#include <linux/kernel_stat.h>
#include <linux/math64.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/uaccess.h>

#include "../../compat/module.h"
#include "../../compat/vmstat.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "ledger.h"
#include "../../readers/meminfo.h"
#include "../../readers/zones.h"

#define HUGE_PATH	"/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages"
#define ON_MEMORY_PATH	"/sys/module/memory_hotplug/parameters/memmap_on_memory"
#define ZSWAP_PATH	"/sys/module/zswap/parameters/zpool"

/* How often a counter is read that is folded meanwhile. */
#define READ_TRIES	3
/* No huge page is larger: 16 GiB in pages of 4 KiB. */
#define HUGE_ORDERS	23
/* No CPU keeps more of a counter of a zone: see calculate_pressure_threshold(). */
#define ZONE_THRESHOLD	125
/* No first chunk of percpu memory is as large as that, per CPU. */
#define FIRST_CHUNK_MAX	SZ_16M

/* Pages of the first percpu chunk, for all CPUs, and what they may be off by. */
static struct memdiag_amount first_chunk;
/* Units of a percpu chunk; 0 if not known. */
static unsigned int percpu_units;

static const mempool_t *integrity_pool;

/* Free huge pages of 2^order pages: a file in sysfs, or NULL. */
static struct file *huge_free[HUGE_ORDERS];
/* The kind of pools that zswap makes, or NULL. */
static struct file *zswap_kind;
/* Memory that is added may have its memory map in itself. */
static bool memmap_on_memory;
/* Bytes of its pools, where /proc/meminfo does not have them; or NULL. */
static const u64 *zswap_size;

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
	memdiag_zones_lock();
	memdiag_for_each_populated_zone(zone) {
		if (memdiag_zone_is_going(zone)) {
			sum.pages += zone_page_state(zone, item);
			sum.error += ZONE_THRESHOLD * num_online_cpus();
			continue;
		}
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
	memdiag_zones_unlock();
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
		memdiag_zones_lock();
		/* The lists of one that is going were emptied. */
		if (!memdiag_zone_is_going(zone))
			for_each_online_cpu(cpu)
				raw->pcp.pages += memdiag_zone_pcp_count(zone, cpu);
		memdiag_zones_unlock();
		for (order = 0; order < NR_PAGE_ORDERS; order++) {
			/* Only changed under the zone's lock; read as /proc/zoneinfo does. */
			u64 blocks = data_race(zone->free_area[order].nr_free);

			raw->free_area.pages += blocks << order;
		}
	}
}

/* The number in a file that was opened while loading. */
static u64 read_number(struct file *file)
{
	unsigned long long value;
	char *text;

	if (!file || memdiag_file_read_opened(file, &text, PAGE_SIZE) < 0)
		return MEMDIAG_ABSENT;
	if (kstrtoull(text, 10, &value))
		value = MEMDIAG_ABSENT;
	memdiag_free(text);
	return value;
}

/*
 * /proc/meminfo has the free huge pages of the default size only, and all pages of
 * all sizes. Where sysfs cannot be read, those of the other sizes may be free or not.
 */
static struct memdiag_amount read_hugetlb_free(const char *text, struct memdiag_amount all)
{
	u64 nr = memdiag_meminfo_number(text, "HugePages_Free");
	u64 total = memdiag_meminfo_number(text, "HugePages_Total");
	u64 size = memdiag_meminfo_pages(text, "Hugepagesize");
	struct memdiag_amount sum = {};
	unsigned int order, sizes = 0;

	for (order = 0; order < ARRAY_SIZE(huge_free); order++) {
		u64 pages = read_number(huge_free[order]);

		if (pages == MEMDIAG_ABSENT)
			continue;
		sizes++;
		sum.pages += pages << order;
	}
	if (sizes)
		return sum;
	if (nr == MEMDIAG_ABSENT || size == MEMDIAG_ABSENT)
		return absent;
	sum.pages = nr * size;
	if (all.pages != MEMDIAG_ABSENT && total != MEMDIAG_ABSENT)
		sum.error = all.pages - min(all.pages, total * size);
	return sum;
}

/*
 * Percpu of /proc/meminfo counts each page once per unit of a chunk. The units are
 * rounded up to whole blocks, 16 for 12 CPUs, and those that no CPU has are empty. The
 * kernel takes no division that leaves more units empty than a third of the CPUs
 * (pcpu_build_alloc_info()), and the number of units divides @counted: that bounds it
 * where it is not known.
 */
static struct memdiag_amount percpu_pages(u64 counted, unsigned int units, unsigned int cpus)
{
	u64 least = MEMDIAG_ABSENT, most = 0, pages;
	unsigned int n;

	if (counted == MEMDIAG_ABSENT)
		return absent;
	for (n = units ?: cpus; n <= (units ?: cpus + cpus / 3); n++) {
		if (counted % n)
			continue;
		pages = div_u64(counted, n) * cpus;
		least = min(least, pages);
		most = max(most, pages);
	}
	/* Not a number of whole units: nothing is known but that it is not more. */
	if (least == MEMDIAG_ABSENT)
		return (struct memdiag_amount){ 0, counted };
	return (struct memdiag_amount){ least, most - least };
}

/*
 * The pool of zswap is counted by nobody else where it lies in zbud or z3fold, and in
 * NR_ZSPAGES, beside that of zram, where it lies in zsmalloc. Only new pools are of the
 * kind that the parameter of zswap names; older ones stay until they are empty.
 */
static struct memdiag_amount zswap_pages(u64 total, struct memdiag_amount zspages, bool zsmalloc)
{
	u64 least;

	if (total == MEMDIAG_ABSENT || !total || zspages.pages == MEMDIAG_ABSENT)
		return amount(total);
	least = total - min(total, zspages.pages);
	return (struct memdiag_amount){ zsmalloc ? least : total, total - least };
}

static struct memdiag_amount read_zswap(struct memdiag_amount zspages, u64 total)
{
	bool zsmalloc = false;
	u64 bytes;
	char *text;

	if (!MEMDIAG_ZSWAP_APART)
		return absent;
	if (total == MEMDIAG_ABSENT && zswap_size &&
	    !copy_from_kernel_nofault(&bytes, zswap_size, sizeof(bytes)))
		total = bytes >> PAGE_SHIFT;
	if (total && zswap_kind &&
	    memdiag_file_read_opened(zswap_kind, &text, PAGE_SIZE) >= 0) {
		zsmalloc = !strncmp(text, "zsmalloc", 8);
		memdiag_free(text);
	}
	return zswap_pages(total, zspages, zsmalloc);
}

static void read_text(struct memdiag_sink *sink, struct memdiag_ledger_raw *raw)
{
	char *text = memdiag_meminfo_read(sink);

	raw->total = amount(memdiag_meminfo_pages(text, "MemTotal"));
	raw->available = amount(memdiag_meminfo_pages(text, "MemAvailable"));
	raw->cached = amount(memdiag_meminfo_pages(text, "Cached"));
	raw->buffers = amount(memdiag_meminfo_pages(text, "Buffers"));
	raw->swap_cached = amount(memdiag_meminfo_pages(text, "SwapCached"));
	raw->percpu = percpu_pages(memdiag_meminfo_pages(text, "Percpu"), percpu_units,
				   num_possible_cpus());
	raw->hugetlb = amount(memdiag_meminfo_pages(text, "Hugetlb"));
	raw->hugetlb_free = read_hugetlb_free(text, raw->hugetlb);
	raw->zswap = amount(memdiag_meminfo_pages(text, "Zswap"));
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

static struct memdiag_amount read_page_tables(void)
{
	return memdiag_pagetable_in_zone() ? read_zones(NR_PAGETABLE) : read_nodes(NR_PAGETABLE);
}

/* Before all counters, as it takes a while. */
static struct memdiag_tables *read_tables(struct memdiag_sink *sink)
{
	struct memdiag_tables *tables = memdiag_alloc(1, sizeof(*tables));
	int error = tables ? memdiag_tables_walk(tables, read_page_tables().pages) : -ENOMEM;

	if (!error)
		return tables;
	if (error != -EOPNOTSUPP)
		memdiag_mark_partial(sink, "page tables of processes: %pe", ERR_PTR(error));
	memdiag_free(tables);
	return NULL;
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
	struct memdiag_tables *tables = read_tables(sink);
	int node;

	memset(raw, 0, sizeof(*raw));
	read_text(sink, raw);
	raw->free = read_zones(NR_FREE_PAGES);
	read_zone_sizes(raw);
	/* In NR_FREE_PAGES, but not in the buddy lists yet. */
	if (MEMDIAG_NR_UNACCEPTED != MEMDIAG_NO_ITEM)
		add(&raw->free_area, read_zones(MEMDIAG_NR_UNACCEPTED));
	raw->free_cma = IS_ENABLED(CONFIG_CMA) ? read_zones(NR_FREE_CMA_PAGES) : absent;
	raw->anon = read_nodes(NR_ANON_MAPPED);
	raw->anon.error += min(raw->anon.pages, memdiag_hotplug_device_private());
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
	if (tables)
		memdiag_tables_end(tables);
	raw->page_tables = read_page_tables();
	raw->upper_tables = tables ?
			    memdiag_tables_upper(tables, raw->page_tables.pages,
						 IS_ENABLED(CONFIG_HUGETLB_PAGE) &&
						 raw->hugetlb.pages) : absent;
	raw->sec_page_tables = read_nodes(MEMDIAG_NR_SECONDARY_PAGETABLE);
	if (MEMDIAG_NR_VMALLOC != MEMDIAG_NO_ITEM)
		raw->vmalloc = read_nodes(MEMDIAG_NR_VMALLOC);
	raw->zspages = read_zones(MEMDIAG_NR_ZSPAGES);
	raw->zswap = read_zswap(raw->zspages, raw->zswap.pages);
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
	raw->memmap = memdiag_hotplug_memmap(memmap_on_memory, raw->hugetlb.pages);
	memdiag_free(tables);
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

/* Sizes of huge pages are made at boot only. */
static void __init open_huge_pages(void)
{
	char path[80];
	unsigned int order;
	struct file *file;

	if (!IS_ENABLED(CONFIG_HUGETLB_PAGE))
		return;
	for (order = 1; order < HUGE_ORDERS; order++) {
		snprintf(path, sizeof(path), HUGE_PATH, PAGE_SIZE / SZ_1K << order);
		file = memdiag_file_open(path);
		huge_free[order] = IS_ERR(file) ? NULL : file;
	}
}

/* Chosen at boot; a kernel without the parameter cannot do it. */
static void __init find_memmap(void)
{
	char *text;

	if (memdiag_file_read(ON_MEMORY_PATH, &text, PAGE_SIZE) < 0)
		return;
	memmap_on_memory = *text != 'N';
	memdiag_free(text);
}

/* Only a whole number of pages, not more than there are, can be the size of the pools. */
static void __init find_zswap(const char *text)
{
	struct file *file;
	const u64 *size;
	u64 bytes;

	if (!MEMDIAG_ZSWAP_APART)
		return;
	file = memdiag_file_open(ZSWAP_PATH);
	zswap_kind = IS_ERR(file) ? NULL : file;
	if (memdiag_meminfo_pages(text, "Zswap") != MEMDIAG_ABSENT)
		return;
	size = (const u64 *)memdiag_resolve_data("zswap_pool_total_size");
	if (size && !copy_from_kernel_nofault(&bytes, size, sizeof(bytes)) &&
	    PAGE_ALIGNED(bytes) && bytes >> PAGE_SHIFT <= totalram_pages())
		zswap_size = size;
}

/* Units are at least the CPUs, and divide what is counted per unit. */
static void __init find_percpu_units(u64 counted)
{
	unsigned int cpus = num_possible_cpus();
	const int *units;
	int value;

	if (!IS_ENABLED(CONFIG_SMP)) {
		percpu_units = 1;
		return;
	}
	units = (const int *)memdiag_resolve_data("pcpu_nr_units");
	if (units && !copy_from_kernel_nofault(&value, units, sizeof(value)) &&
	    value >= (int)cpus && value <= (int)(cpus + cpus / 3) &&
	    (counted == MEMDIAG_ABSENT || counted % value == 0))
		percpu_units = value;
	if (percpu_units)
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "percpu units", MEMDIAG_SRC_SYMBOL, 0,
				     "%u for %u CPUs", percpu_units, cpus);
	else
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "percpu units", MEMDIAG_SRC_TEXT, 0,
				     "%u to %u for %u CPUs", cpus, cpus + cpus / 3, cpus);
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
	char *text = memdiag_meminfo_read(NULL);
	u64 counted = memdiag_meminfo_pages(text, "Percpu");

	find_percpu_units(counted);
	find_zswap(text);
	memdiag_free(text);
	if (error)
		pages = counted == MEMDIAG_ABSENT ? 0 :
			first_chunk_at_most(div_u64(counted, percpu_units ?: cpus));
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "first percpu chunk",
			     error ? MEMDIAG_SRC_EXPORT : MEMDIAG_SRC_BTF, 0,
			     "%s%llu pages per CPU, all reserved", error ? "at most " : "",
			     pages);
	find_integrity_pool();
	open_huge_pages();
	find_memmap();
	first_chunk.pages = pages * cpus;
	first_chunk.error = error && pages > least ? (pages - least) * cpus : 0;
}

static void close_file(struct file **file)
{
	if (*file)
		filp_close(*file, NULL);
	*file = NULL;
}

/** memdiag_ledger_read_exit() - undo memdiag_ledger_read_init() */
void memdiag_ledger_read_exit(void)
{
	unsigned int order;

	for (order = 0; order < HUGE_ORDERS; order++)
		close_file(&huge_free[order]);
	close_file(&zswap_kind);
}
