// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections ledger and identity: every managed page in exactly one line, and the
 * sums that people rely on, with what is left over.
 *
 * Managed is what the page allocator was given, MemTotal: not the kernel's image,
 * the memory map, and what else was taken before there was a page allocator. The
 * lines add up to it exactly, because the last one, unaccounted, is what none of
 * the kernel's counters claims: pages from alloc_pages() that their users keep
 * no vm statistic of. That is where a driver's leak shows, which neither slabinfo
 * nor kmemleak has. On a sound machine it is small and steady, but never zero:
 * buffers of drivers and of tracing, page fragments of sockets, page_pool,
 * kernel page tables (before v7.x), pipe buffers. Pages that a driver pins are not
 * there: unmapped has what is on the LRU lists, but in no file and mapped by nobody.
 *
 * Where the kernel's counters overlap, a page goes to the line that says most:
 * a mapped page of the swap cache is anon; kernel stacks, shadow stacks and
 * memdiag's own memory are taken out of vmalloc; large kmalloc() blocks are slab,
 * as the kernel counts them. The first chunk of percpu memory is not managed and
 * taken out. A line that this kernel does not count is absent, and its pages are
 * in unaccounted.
 *
 * How the counters are read, see read.c. identity is computed from the
 * very counters that ledger was.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "../../memdiag.h"
#include "ledger.h"

/*
 * Pages that wait in the lists of one CPU until they are put on an LRU list:
 * several batches of up to 31. Those are in no line of their own: see ledger_lru().
 */
#define LEDGER_BATCHED	64

enum {
	LINE_FREE,
	LINE_FREE_CMA,
	LINE_FREE_PCP,
	LINE_ANON,
	LINE_SWAP_CACHE,
	LINE_UNMAPPED,
	LINE_FILE,
	LINE_BUFFERS,
	LINE_SHMEM,
	LINE_SLAB_RECLAIMABLE,
	LINE_SLAB_UNRECLAIMABLE,
	LINE_KERNEL_STACK,
	LINE_SHADOW_STACK,
	LINE_PAGE_TABLES,
	LINE_UPPER_PAGE_TABLES,
	LINE_SEC_PAGE_TABLES,
	LINE_PERCPU,
	LINE_VMALLOC,
	LINE_HUGETLB_FREE,
	LINE_HUGETLB_USED,
	LINE_ZSMALLOC,
	LINE_ZSWAP,
	LINE_KERNEL_MISC,
	LINE_WRITEBACK_TEMP,
	LINE_GPU_ACTIVE,
	LINE_GPU_RECLAIM,
	LINE_POISONED,
	LINE_INTEGRITY_POOL,
	LINE_MEMMAP,
	LINE_MEMDIAG,
	LINE_UNACCOUNTED,
	NR_LINES
};

/**
 * struct ledger_line - one use of pages
 * @name: its name in the snapshot
 * @from: the kernel's counters that the line is made of
 * @add: the counter, see RAW(); 0: ledger_sum() knows better
 * @take: counters whose pages are in @add as well and have a line of their own
 * @leak: kind of memory as which leakcheck judges growth, or NULL: page cache, memory of
 *	processes, and what nothing in the kernel can leak
 * @unmarked: the census cannot tell these pages from those that nobody counts
 * @unit: least bytes that come or go at once; 0: a page
 */
struct ledger_line {
	const char *name;
	const char *from;
	u16 add;
	u16 take[3];
	const char *leak;
	bool unmarked;
	u32 unit;
};

#define RAW(counter)	offsetof(struct memdiag_ledger_raw, counter)

static const struct ledger_line ledger_lines[NR_LINES] = {
	[LINE_FREE] = { "free", "NR_FREE_PAGES without free_cma", RAW(free), { RAW(free_cma) } },
	[LINE_FREE_CMA] = { "free_cma", "NR_FREE_CMA_PAGES", RAW(free_cma) },
	[LINE_FREE_PCP] = { "free_pcp", "lists of the CPUs", RAW(pcp) },
	[LINE_ANON] = { "anon", "NR_ANON_MAPPED", RAW(anon) },
	[LINE_SWAP_CACHE] = { "swap_cache", "SwapCached, not mapped" },
	/* Leaks where a driver keeps user memory pinned that nobody maps any more. */
	[LINE_UNMAPPED] = { "unmapped", "LRU lists without anon and NR_FILE_PAGES",
			    .leak = "ledger" },
	[LINE_FILE] = { "file", "NR_FILE_PAGES without shmem, buffers, SwapCached", RAW(file_pages),
			{ RAW(shmem), RAW(buffers), RAW(swap_cached) } },
	[LINE_BUFFERS] = { "buffers", "Buffers", RAW(buffers) },
	[LINE_SHMEM] = { "shmem", "NR_SHMEM", RAW(shmem) },
	[LINE_SLAB_RECLAIMABLE] = { "slab_reclaimable", "NR_SLAB_RECLAIMABLE_B",
				    RAW(slab_reclaimable) },
	[LINE_SLAB_UNRECLAIMABLE] = { "slab_unreclaimable", "NR_SLAB_UNRECLAIMABLE_B",
				      RAW(slab_unreclaimable), .leak = "slab" },
	[LINE_KERNEL_STACK] = { "kernel_stack", "NR_KERNEL_STACK_KB", RAW(stack), .leak = "ledger",
				.unmarked = true, .unit = THREAD_SIZE },
	[LINE_SHADOW_STACK] = { "shadow_stack", "NR_KERNEL_SCS_KB", RAW(scs), .leak = "ledger",
				.unmarked = true },
	[LINE_PAGE_TABLES] = { "page_tables", "NR_PAGETABLE", RAW(page_tables), .leak = "ledger" },
	[LINE_UPPER_PAGE_TABLES] = { "upper_page_tables",
				     "top levels of processes, not in NR_PAGETABLE",
				     RAW(upper_tables), .leak = "ledger", .unmarked = true },
	[LINE_SEC_PAGE_TABLES] = { "sec_page_tables", "NR_SECONDARY_PAGETABLE",
				   RAW(sec_page_tables), .leak = "ledger" },
	[LINE_PERCPU] = { "percpu", "Percpu of possible CPUs without the first chunk", RAW(percpu),
			  { RAW(percpu_boot) }, .leak = "percpu", .unmarked = true },
	[LINE_VMALLOC] = { "vmalloc", "VmallocUsed without stacks and memdiag", RAW(vmalloc),
			   { RAW(own), RAW(scs) }, .leak = "vmalloc", .unmarked = true },
	[LINE_HUGETLB_FREE] = { "hugetlb_free", "free_hugepages of all sizes", RAW(hugetlb_free) },
	[LINE_HUGETLB_USED] = { "hugetlb_used", "Hugetlb without hugetlb_free", RAW(hugetlb),
				{ RAW(hugetlb_free) } },
	[LINE_ZSMALLOC] = { "zsmalloc", "NR_ZSPAGES", RAW(zspages), .leak = "ledger" },
	[LINE_ZSWAP] = { "zswap", "pools of zswap that are not in zsmalloc", RAW(zswap),
			 .unmarked = true },
	[LINE_KERNEL_MISC] = { "kernel_misc_reclaimable", "NR_KERNEL_MISC_RECLAIMABLE",
			       RAW(misc_reclaimable), .unmarked = true },
	[LINE_WRITEBACK_TEMP] = { "writeback_temp", "NR_WRITEBACK_TEMP", RAW(writeback_temp) },
	[LINE_GPU_ACTIVE] = { "gpu_active", "NR_GPU_ACTIVE", RAW(gpu_active), .unmarked = true },
	[LINE_GPU_RECLAIM] = { "gpu_reclaim", "NR_GPU_RECLAIM", RAW(gpu_reclaim),
			       .unmarked = true },
	[LINE_POISONED] = { "poisoned", "HardwareCorrupted", RAW(poisoned) },
	[LINE_INTEGRITY_POOL] = { "integrity_pool", "integrity_buf_pool of the block layer",
				  RAW(integrity_pool), .unmarked = true },
	[LINE_MEMMAP] = { "memmap", "memory map of sections added after boot", RAW(memmap),
			  .unmarked = true },
	[LINE_MEMDIAG] = { "memdiag", "its module and finished snapshots", RAW(own),
			   .unmarked = true },
	[LINE_UNACCOUNTED] = { "unaccounted", "managed without all other lines",
			       .leak = "unaccounted" },
};

struct ledger_record {
	u64 line;
	u64 pages;
	u64 share;
	u64 error;
	u64 exact;
	u64 from;
	u64 leak;
	u64 unmarked;
	u64 unit;
};

static const struct memdiag_field_desc ledger_fields[] = {
	MEMDIAG_LABEL(ledger_record, line, STR, NONE, KEY_BRIEF, "what the pages are used for"),
	MEMDIAG_GAUGE(ledger_record, pages, S64, PAGES, INEXACT_BRIEF,
		      "pages; all lines together are MemTotal; absent: not counted by this kernel, so in unaccounted; off by at most error"),
	MEMDIAG_GAUGE(ledger_record, share, S64, PERMILLE, BRIEF, "part of MemTotal"),
	MEMDIAG_GAUGE(ledger_record, error, U64, PAGES, 0,
		      "bound of what pages may be off by; of unaccounted that of all lines together"),
	MEMDIAG_LABEL(ledger_record, exact, BOOL, NONE, BRIEF,
		      "1: error is 0; 0: pages is estimated"),
	MEMDIAG_LABEL(ledger_record, from, STR, NONE, BRIEF,
		      "the kernel's counters that the line is made of"),
	MEMDIAG_LABEL(ledger_record, leak, STR, NONE, 0,
		      "kind as which leakcheck judges growth of the line; absent: no leak of the kernel"),
	MEMDIAG_LABEL(ledger_record, unmarked, BOOL, NONE, 0,
		      "1: the census cannot tell its pages from those of unaccounted"),
	MEMDIAG_LABEL(ledger_record, unit, U64, BYTES, 0,
		      "least that comes or goes at once"),
};

/**
 * struct ledger - the lines
 * @line: by number; present: whether this kernel counts it
 */
struct ledger {
	struct {
		s64 pages;
		u64 error;
		bool present;
	} line[NR_LINES];
};

/* Of the sections collected last; only used while collecting, one at a time. */
static struct memdiag_ledger_raw ledger_raw;

static struct memdiag_amount ledger_counter(const struct memdiag_ledger_raw *raw, u16 offset)
{
	return *(const struct memdiag_amount *)((const char *)raw + offset);
}

static void ledger_add(struct ledger *ledger, int line, struct memdiag_amount a)
{
	if (a.pages == MEMDIAG_ABSENT)
		return;
	ledger->line[line].pages += a.pages;
	ledger->line[line].error += a.error;
	ledger->line[line].present = true;
}

/* Take pages out of a line that counts them too; nothing if that is not there. */
static void ledger_take(struct ledger *ledger, int line, struct memdiag_amount a)
{
	if (a.pages == MEMDIAG_ABSENT || !ledger->line[line].present)
		return;
	ledger->line[line].pages -= a.pages;
	ledger->line[line].error += a.error;
}

/*
 * The LRU lists have each page once. What they have beyond anon and NR_FILE_PAGES is
 * mapped no more and in no file: parts of large folios whose other parts are in use,
 * and pages that only a reference keeps. A page of the swap cache that is mapped is in
 * both, so it is missing from that sum. The two lines together are known, but not how
 * many of the pages are of which: returns by how much each of them may be off for that.
 */
static u64 ledger_lru(const struct memdiag_ledger_raw *raw, struct ledger *ledger)
{
	s64 apart = raw->lru.pages - raw->anon.pages - raw->file_pages.pages;
	struct memdiag_amount unmapped = { max_t(s64, apart, 0) };
	struct memdiag_amount swap_cache = raw->swap_cached;
	u64 batched = LEDGER_BATCHED * num_online_cpus(), either = 0;
	s64 mapped, most;

	if (swap_cache.pages != MEMDIAG_ABSENT && swap_cache.pages) {
		most = min(swap_cache.pages, raw->anon.pages);
		mapped = clamp_t(s64, -apart, 0, most);
		swap_cache.pages -= mapped;
		either = min(raw->swap_cached.pages, most - mapped + batched);
	}
	unmapped.error = raw->lru.error + raw->anon.error + raw->file_pages.error + batched;
	ledger_add(ledger, LINE_SWAP_CACHE, swap_cache);
	ledger_add(ledger, LINE_UNMAPPED, unmapped);
	return either;
}

/* Make the lines of the counters. */
static void ledger_sum(const struct memdiag_ledger_raw *raw, struct ledger *ledger)
{
	s64 rest = raw->managed.pages;
	u64 error = 0, either;
	unsigned int i, n;

	memset(ledger, 0, sizeof(*ledger));
	either = ledger_lru(raw, ledger);
	for (i = 0; i < LINE_UNACCOUNTED; i++) {
		const struct ledger_line *line = &ledger_lines[i];

		if (line->add)
			ledger_add(ledger, i, ledger_counter(raw, line->add));
		for (n = 0; n < ARRAY_SIZE(line->take) && line->take[n]; n++)
			ledger_take(ledger, i, ledger_counter(raw, line->take[n]));
	}
	if (raw->stack_in_vmalloc)
		ledger_take(ledger, LINE_VMALLOC, raw->stack);

	for (i = 0; i < LINE_UNACCOUNTED; i++) {
		/* Two counters that moved in between. */
		if (ledger->line[i].pages < 0) {
			ledger->line[i].error -= ledger->line[i].pages;
			ledger->line[i].pages = 0;
		}
		rest -= ledger->line[i].pages;
		error += ledger->line[i].error;
	}
	ledger->line[LINE_UNACCOUNTED].pages = rest;
	ledger->line[LINE_UNACCOUNTED].error = error;
	ledger->line[LINE_UNACCOUNTED].present = true;
	/* Whichever of the two has these pages, they are in no other line. */
	ledger->line[LINE_SWAP_CACHE].error += either;
	ledger->line[LINE_UNMAPPED].error += either;
}

static int ledger_collect(struct memdiag_sink *sink)
{
	struct ledger ledger;
	unsigned int i;

	memdiag_ledger_read(sink, &ledger_raw);
	ledger_sum(&ledger_raw, &ledger);
	for (i = 0; i < NR_LINES; i++) {
		const struct ledger_line *line = &ledger_lines[i];
		struct ledger_record *record = memdiag_push(sink);

		if (!record)
			return -ENOSPC;
		record->line = memdiag_push_string(sink, line->name);
		record->from = memdiag_push_string(sink, line->from);
		if (line->leak)
			record->leak = memdiag_push_string(sink, line->leak);
		record->unmarked = line->unmarked;
		record->unit = line->unit ?: PAGE_SIZE;
		if (!ledger.line[i].present)
			continue;
		record->pages = ledger.line[i].pages;
		record->error = ledger.line[i].error;
		record->exact = !ledger.line[i].error;
		if (ledger_raw.managed.pages)
			record->share = div64_s64(ledger.line[i].pages * 1000,
						  ledger_raw.managed.pages);
	}
	return 0;
}

static unsigned int ledger_estimate(void)
{
	return NR_LINES;
}

static void __init ledger_init(struct memdiag_status *status)
{
	memdiag_ledger_read_init();
	memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

static void ledger_exit(struct memdiag_status *status)
{
	memdiag_ledger_read_exit();
}

const struct memdiag_provider memdiag_ledger_provider __refconst = {
	.id = MEMDIAG_SEC_LEDGER,
	.name = "ledger",
	.help = "per use: every managed page in exactly one line, and what no line claims",
	MEMDIAG_RECORDS(ledger_fields, ledger_record),
	.init = ledger_init,
	.exit = ledger_exit,
	.estimate = ledger_estimate,
	.collect = ledger_collect,
};

struct identity_record {
	u64 name;
	u64 left;
	u64 right;
	u64 residual;
	u64 says;
};

static const struct memdiag_field_desc identity_fields[] = {
	MEMDIAG_LABEL(identity_record, name, STR, NONE, KEY_BRIEF, "name of the sum"),
	MEMDIAG_GAUGE(identity_record, left, U64, PAGES, BRIEF, "the left side"),
	MEMDIAG_GAUGE(identity_record, right, U64, PAGES, BRIEF, "the right side"),
	MEMDIAG_GAUGE(identity_record, residual, S64, PAGES, BRIEF, "left minus right"),
	MEMDIAG_LABEL(identity_record, says, STR, NONE, BRIEF,
		      "what stands left and right, and what the residual consists of"),
};

/* si_mem_available() once more, from the counters of the ledger. */
static u64 identity_available(const struct memdiag_ledger_raw *raw)
{
	s64 available = raw->free.pages - raw->reserve.pages;
	u64 cache = raw->file_lru.pages;
	u64 reclaimable = raw->slab_reclaimable.pages + raw->misc_reclaimable.pages;

	available += cache - min(cache / 2, raw->low.pages);
	available += reclaimable - min(reclaimable / 2, raw->low.pages);
	return max_t(s64, available, 0);
}

static bool identity_push(struct memdiag_sink *sink, const char *name, u64 left, u64 right,
			  const char *says)
{
	struct identity_record *record = memdiag_push(sink);

	if (!record)
		return false;
	record->name = memdiag_push_string(sink, name);
	record->says = memdiag_push_string(sink, says);
	if (left != MEMDIAG_ABSENT)
		record->left = left;
	if (right != MEMDIAG_ABSENT)
		record->right = right;
	if (left != MEMDIAG_ABSENT && right != MEMDIAG_ABSENT)
		record->residual = left - right;
	return true;
}

static int identity_collect(struct memdiag_sink *sink)
{
	const struct memdiag_ledger_raw *raw = &ledger_raw;
	u64 swap_cached = raw->swap_cached.pages == MEMDIAG_ABSENT ? 0 : raw->swap_cached.pages;
	u64 buffers = raw->buffers.pages == MEMDIAG_ABSENT ? 0 : raw->buffers.pages;

	if (!memdiag_parent(sink, MEMDIAG_SEC_LEDGER))
		return -ENODATA;
	return identity_push(sink, "present", raw->present.pages, raw->managed.pages,
			     "page frames = managed + reserved at boot or by a balloon") &&
	       identity_push(sink, "total", raw->managed.pages, raw->total.pages,
			     "managed pages of the zones = MemTotal") &&
	       identity_push(sink, "free", raw->free.pages, raw->free_area.pages,
			     "NR_FREE_PAGES = blocks in the buddy lists + unaccepted - isolated ones") &&
	       identity_push(sink, "available", raw->available.pages, identity_available(raw),
			     "MemAvailable = free - reserves + part of file LRU and reclaimable slab") &&
	       identity_push(sink, "cached", raw->cached.pages,
			     raw->file_pages.pages - swap_cached - buffers,
			     "Cached = NR_FILE_PAGES - SwapCached - Buffers") &&
	       identity_push(sink, "page_cache", raw->file_pages.pages,
			     raw->file_lru.pages + raw->shmem.pages + swap_cached,
			     "NR_FILE_PAGES = file LRU + Shmem + SwapCached + unevictable or batched") &&
	       identity_push(sink, "lru", raw->anon.pages + raw->file_pages.pages,
			     raw->lru.pages,
			     "AnonPages + NR_FILE_PAGES = LRU lists + batched + swap cache mapped") ?
	       0 : -ENOSPC;
}

const struct memdiag_provider memdiag_identity_provider = {
	.id = MEMDIAG_SEC_IDENTITY,
	.name = "identity",
	.help = "per sum that people rely on: both sides at the moment of the ledger, and the residual",
	MEMDIAG_RECORDS(identity_fields, identity_record),
	.after = MEMDIAG_BIT(LEDGER),
	.estimate = ledger_estimate,
	.collect = identity_collect,
};
