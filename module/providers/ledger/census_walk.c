// SPDX-License-Identifier: GPL-2.0-only
/*
 * A walk over every page frame of a zone, classifying it by looking at it.
 *
 * No lock and no reference: each word of a page is read once and may be from a
 * moment before or after its neighbour; a page that changes hands meanwhile is
 * counted as one or the other, once. The walk goes in steps of CENSUS_STEP page
 * frames at most, whatever they hold, each under rcu_read_lock(), with a look at
 * the scheduler and at fatal signals in between; it can go on at any frame, so a
 * step is all that is ever done at once.
 *
 * Memory hotplug: a section is marked offline before its memory map can be
 * freed, and in between our notifier waits for RCU. So what a step found online
 * stays mapped until that step ends. Sections are looked up anew in each.
 *
 * Sizes of free and compound pages come from words that may be stale or
 * something else altogether by the time they are read: one that does not fit the
 * alignment is taken for a single page, and none leads further than the step.
 * Frames of another zone in the middle, offline ones and holes are skipped.
 *
 * Pages without a reference that nobody marked are told apart by their list
 * link: a page in a CPU's free list is linked, its neighbours point back, and on
 * kernels that leave links behind the list is followed to its end. The
 * pages behind the first of a larger block have none of either: they belong to
 * the page before them, as far as the alignment of that one allows. So a block of
 * alloc_pages(order) without __GFP_COMP is seen with its order.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "../../compat/page_frame.h"
#include "../../memdiag.h"
#include "census.h"
#include "../../readers/zones.h"

/*
 * Page frames of a step: some 10 us where each holds something else, and below
 * 200 us even on a machine that is ten times slower.
 */
#define CENSUS_STEP		256UL
/* Frames that one look-up may serve, if they are of one pageblock and section. */
#define CENSUS_CHUNK		1024UL

const char * const memdiag_census_kinds[MEMDIAG_NR_PAGE_KINDS] = {
	[MEMDIAG_KIND_BUDDY] = "free",
	[MEMDIAG_KIND_PCP] = "free_pcp",
	[MEMDIAG_KIND_ANON] = "anon",
	[MEMDIAG_KIND_SWAP_CACHE] = "swap_cache",
	[MEMDIAG_KIND_FILE] = "file",
	[MEMDIAG_KIND_SHMEM] = "shmem",
	[MEMDIAG_KIND_ORPHAN] = "orphan",
	[MEMDIAG_KIND_DRIVER_MOVABLE] = "driver_movable",
	[MEMDIAG_KIND_SLAB] = "slab",
	[MEMDIAG_KIND_LARGE_KMALLOC] = "large_kmalloc",
	[MEMDIAG_KIND_PAGE_TABLE] = "page_table",
	[MEMDIAG_KIND_HUGETLB_FREE] = "hugetlb_free",
	[MEMDIAG_KIND_HUGETLB_USED] = "hugetlb_used",
	[MEMDIAG_KIND_PAGE_POOL] = "page_pool",
	[MEMDIAG_KIND_ZSMALLOC] = "zsmalloc",
	[MEMDIAG_KIND_KERNEL] = "kernel",
	[MEMDIAG_KIND_COMPOUND] = "kernel_compound",
	[MEMDIAG_KIND_UNCOUNTED] = "uncounted",
	[MEMDIAG_KIND_RESERVED] = "reserved",
	[MEMDIAG_KIND_OFFLINE] = "offline",
	[MEMDIAG_KIND_GUARD] = "guard",
	[MEMDIAG_KIND_UNACCEPTED] = "unaccepted",
	[MEMDIAG_KIND_POISONED] = "poisoned",
};

/* The memory map of frames that do not exist is filled with ones, if at all. */
static bool page_initialized(const struct memdiag_page *p)
{
	return p->flags != ~0UL;
}

static bool page_in_zone(const struct memdiag_page *p, const struct zone *zone)
{
	unsigned long mask = (unsigned long)ZONES_MASK << ZONES_PGSHIFT;
	unsigned long want = (unsigned long)zone_idx(zone) << ZONES_PGSHIFT;

#if NODES_WIDTH > 0
	mask |= (unsigned long)NODES_MASK << NODES_PGSHIFT;
	want |= (unsigned long)zone->zone_pgdat->node_id << NODES_PGSHIFT;
#endif
	return (p->flags & mask) == want;
}

/* By its mapping, as the kernel does it for pages that nobody marked otherwise. */
static __always_inline unsigned int kind_by_mapping(const struct memdiag_page *p)
{
	if (p->mapping & 1)
		return MEMDIAG_KIND_ANON;
	if (p->mapping & 2)
		return MEMDIAG_KIND_DRIVER_MOVABLE;
	if (p->mapping)
		return p->flags & BIT(PG_swapbacked) ? MEMDIAG_KIND_SHMEM : MEMDIAG_KIND_FILE;
	if ((p->flags & BIT(PG_swapbacked)) && (p->flags & BIT(PG_swapcache)))
		return MEMDIAG_KIND_SWAP_CACHE;
	if (p->flags & BIT(PG_lru))
		return MEMDIAG_KIND_ORPHAN;
	return MEMDIAG_NR_PAGE_KINDS;
}

/* Those in the pool have no reference. */
static unsigned int kind_of_hugetlb(const struct memdiag_page *p)
{
	return p->refcount ? MEMDIAG_KIND_HUGETLB_USED : MEMDIAG_KIND_HUGETLB_FREE;
}

/* What the head of a compound page, or a page of its own, is. */
static __always_inline unsigned int page_kind(const struct page *page, const struct memdiag_page *p)
{
	unsigned int kind;

	if (p->flags & BIT(PG_reserved))
		return MEMDIAG_KIND_RESERVED;
	switch (memdiag_page_type(p)) {
	case MEMDIAG_PAGE_BUDDY: return MEMDIAG_KIND_BUDDY;
	case MEMDIAG_PAGE_OFFLINE: return MEMDIAG_KIND_OFFLINE;
	case MEMDIAG_PAGE_TABLE: return MEMDIAG_KIND_PAGE_TABLE;
	case MEMDIAG_PAGE_GUARD: return MEMDIAG_KIND_GUARD;
	case MEMDIAG_PAGE_SLAB: return MEMDIAG_KIND_SLAB;
	case MEMDIAG_PAGE_ZSMALLOC: return MEMDIAG_KIND_ZSMALLOC;
	case MEMDIAG_PAGE_UNACCEPTED: return MEMDIAG_KIND_UNACCEPTED;
	case MEMDIAG_PAGE_LARGE_KMALLOC: return MEMDIAG_KIND_LARGE_KMALLOC;
	case MEMDIAG_PAGE_POOL: return MEMDIAG_KIND_PAGE_POOL;
	case MEMDIAG_PAGE_HUGETLB: return kind_of_hugetlb(p);
	case MEMDIAG_PAGE_UNTYPED:
		break;
	}
	if ((p->flags & BIT(PG_head)) && memdiag_page_hugetlb(page))
		return kind_of_hugetlb(p);
	if (memdiag_page_poisoned(p))
		return MEMDIAG_KIND_POISONED;
	kind = kind_by_mapping(p);
	if (kind != MEMDIAG_NR_PAGE_KINDS)
		return kind;
	if (memdiag_page_of_pool(p))
		return MEMDIAG_KIND_PAGE_POOL;
	if (p->flags & BIT(PG_head))
		return MEMDIAG_KIND_COMPOUND;
	return p->refcount ? MEMDIAG_KIND_KERNEL : MEMDIAG_KIND_UNCOUNTED;
}

/* Whether a link that may be anything is that of a page that is online. */
static bool link_of_page(struct list_head *link)
{
#ifdef CONFIG_SPARSEMEM_VMEMMAP
	struct page *page = list_entry(link, struct page, lru);

	return pfn_to_online_page(page_to_pfn(page)) == page;
#else
	return false;
#endif
}

/*
 * Reads a word of a list link that may be anything. Most links lie in pages, and
 * those of pages that are online can be read as they are, which costs far less.
 */
static bool read_link(struct list_head *link, struct list_head **word, struct list_head **value)
{
	if (link_of_page(link)) {
		*value = READ_ONCE(*word);
		return true;
	}
	return !copy_from_kernel_nofault(value, word, sizeof(*value));
}

/*
 * Whether the list that a page's links lead along is one of a CPU of the zone. The links
 * of pages that are in a list no more lead to one another, and end elsewhere.
 */
static bool page_listed(const struct zone *zone, struct page *page)
{
	struct list_head *link = &page->lru, *next, *back;
	unsigned int nr;

	for (nr = 0; nr < MEMDIAG_PCP_STALE_LINKS; nr++) {
		if (!read_link(link, &link->next, &next) || !next ||
		    !read_link(next, &next->prev, &back) || back != link)
			return false;
		if (!link_of_page(next) && memdiag_zone_has_pcp_list(zone, next))
			return true;
		link = next;
	}
	return !MEMDIAG_PCP_STALE_LINKS;
}

/* Whether both neighbours in the page's list point back at it, and that list is in use. */
static bool page_linked(const struct zone *zone, struct page *page)
{
	struct list_head *next = READ_ONCE(page->lru.next), *prev = READ_ONCE(page->lru.prev);
	struct list_head *back;

	/* Taken off a list, or just allocated: most are. */
	if (!next || next == LIST_POISON1 || next == &page->lru ||
	    !read_link(next, &next->prev, &back) || back != &page->lru)
		return false;
	return read_link(prev, &prev->next, &back) && back == &page->lru &&
	       page_listed(zone, page);
}

/*
 * How many pages from @page on are the first of a block and those behind it, at
 * most @max: it is followed by pages that nobody refers to and no list has.
 */
static unsigned long run_length(struct memdiag_census_walk *walk, struct page *page,
				unsigned long max)
{
	struct memdiag_page p;
	unsigned long nr;

	for (nr = 1; nr < max; nr++) {
		/* As good as any of the reasons below, and the one most of the time. */
		if (page_ref_count(page + nr))
			break;
		memdiag_page_read(page + nr, &p);
		if (!page_in_zone(&p, walk->zone) || (p.link & 1) ||
		    page_kind(page + nr, &p) != MEMDIAG_KIND_UNCOUNTED)
			break;
		if (page_linked(walk->zone, page + nr)) {
			walk->linked = page + nr;
			break;
		}
	}
	return nr;
}

/* Whether a page can be the first one of several; @look as in block_run(). */
static __always_inline bool may_go_on(struct page *page, unsigned long pfn, unsigned long look)
{
	return !(pfn & 1) && look > 1 && !page_ref_count(page + 1);
}

/* Kinds whose blocks have a mark on the first page only, and an order of their own. */
static bool block_is_free(unsigned int kind)
{
	return kind == MEMDIAG_KIND_BUDDY || kind == MEMDIAG_KIND_UNACCEPTED;
}

/* As buddy_order_unsafe(): it may have been taken since. Others are of the largest. */
static unsigned long block_order(const struct page *page, unsigned int kind)
{
	return kind == MEMDIAG_KIND_BUDDY ? READ_ONCE(page->private) : NR_PAGE_ORDERS - 1;
}

/* What is left of a block that went beyond the last chunk: the same once more. */
static void block_rest(struct memdiag_census_walk *walk, struct memdiag_census_block *block,
		       unsigned long room)
{
	unsigned long max = min(room, walk->rest);

	block->kind = walk->rest_kind;
	block->order = walk->rest_order;
	/* The pages of a free block need no look at each. */
	block->nr = block_is_free(block->kind) ? max : run_length(walk, block->page, max);
	walk->rest = block->nr == room ? walk->rest - block->nr : 0;
}

/*
 * A block of pages that know nothing of each other. To tell its order it is
 * followed beyond the step, but not beyond @look: there another section begins.
 */
static noinline void block_run(struct memdiag_census_walk *walk,
			       struct memdiag_census_block *block, unsigned long room,
			       unsigned long look)
{
	unsigned long max = 1UL << (NR_PAGE_ORDERS - 1), nr;

	if (block->kind == MEMDIAG_KIND_UNCOUNTED) {
		if (walk->linked != block->page && !page_linked(walk->zone, block->page))
			return;
		block->kind = MEMDIAG_KIND_PCP;
	}
	if (block->pfn)
		max = min(max, block->pfn & -block->pfn);
	nr = run_length(walk, block->page, min(look, max));
	block->nr = min(nr, room);
	/* alloc_pages_exact() gives the rest of a block back: no power of two. */
	block->order = ilog2(nr);
	if (nr > room || nr == look) {
		walk->rest = (nr == look ? max : nr) - block->nr;
		walk->rest_kind = block->kind;
		walk->rest_order = block->order;
	}
}

/* Order of a compound page by its head; 0 if it is none, or not any more. */
static unsigned int compound_order_of(struct page *head, const struct memdiag_page *p)
{
	unsigned int order = p->flags & BIT(PG_head) ? compound_order(head) : 0;

	return order < MEMDIAG_CENSUS_ORDERS ? order : 0;
}

/*
 * The block that begins with @page; @room frames are left in the step, @look
 * where the memory map is known to be there. Returns false for a frame that is
 * none of the zone's.
 */
static __always_inline bool block_at(struct memdiag_census_walk *walk, struct page *page,
				     unsigned long pfn, unsigned long room, unsigned long look,
				     struct memdiag_census_block *block)
{
	struct memdiag_page p;
	unsigned long behind = 0, order;

	memdiag_page_read(page, &p);
	block->page = page;
	block->head = page;
	block->pfn = pfn;
	block->nr = 1;
	block->order = 0;
	if (!page_initialized(&p) || !page_in_zone(&p, walk->zone))
		return false;
	if (p.link & 1) {
		block->head = compound_head(page);
		behind = pfn - page_to_pfn(block->head);
		memdiag_page_read(block->head, &p);
		block->order = compound_order_of(block->head, &p);
		/* Taken apart meanwhile: whatever it is now, it is one page. */
		if (behind >> block->order) {
			block->head = page;
			block->order = 0;
			block->kind = MEMDIAG_KIND_KERNEL;
			return true;
		}
		block->kind = page_kind(block->head, &p);
	} else {
		block->kind = page_kind(page, &p);
		block->order = compound_order_of(page, &p);
	}
	if (block->kind == MEMDIAG_KIND_UNCOUNTED && walk->rest && walk->linked != page &&
	    !page_linked(walk->zone, page)) {
		block_rest(walk, block, room);
		return true;
	}
	walk->rest = 0;
	if (block_is_free(block->kind)) {
		order = block_order(page, block->kind);
		if (order < NR_PAGE_ORDERS && IS_ALIGNED(pfn, 1UL << order))
			block->order = order;
		if (1UL << block->order > room) {
			walk->rest = (1UL << block->order) - room;
			walk->rest_kind = block->kind;
			walk->rest_order = block->order;
		}
	}
	if (block->order)
		block->nr = min((1UL << block->order) - behind, room);
	else if ((block->kind == MEMDIAG_KIND_KERNEL && may_go_on(page, pfn, look)) ||
		 block->kind == MEMDIAG_KIND_UNCOUNTED)
		block_run(walk, block, room, look);
	return true;
}

/* Frames of one pageblock and one section, so that one look-up serves all. */
static void walk_chunk(struct memdiag_census_walk *walk, unsigned long pfn, unsigned long end,
		       unsigned long look)
{
	struct page *page = pfn_to_online_page(pfn);
	struct memdiag_census_block block;

	if (!page) {
		walk->rest = 0;
		return;
	}
	block.migratetype = memdiag_pageblock_migratetype(page, pfn);
	if (block.migratetype < 0 || block.migratetype > MIGRATE_TYPES)
		block.migratetype = MIGRATE_TYPES;
	for (; pfn < end; pfn += block.nr, page += block.nr) {
		if (!block_at(walk, page, pfn, end - pfn, look - pfn, &block))
			continue;
		walk->frames += block.nr;
		if (walk->count)
			walk->count->pages[block.kind][block.order][block.migratetype] += block.nr;
		else
			walk->visit(walk, &block);
	}
}

/**
 * memdiag_census_begin() - start over with a zone
 * @walk: the walk, with visit and arg set
 * @zone: the zone
 */
void memdiag_census_begin(struct memdiag_census_walk *walk, struct zone *zone)
{
	walk->zone = zone;
	walk->pfn = READ_ONCE(zone->zone_start_pfn);
	walk->end = walk->pfn + READ_ONCE(zone->spanned_pages);
	walk->frames = 0;
	walk->steps = 0;
	walk->longest_ns = 0;
	walk->rest = 0;
}

/**
 * memdiag_census_step() - visit the blocks of the next frames
 * @walk: the walk
 *
 * Context: any; holds rcu_read_lock() meanwhile.
 *
 * Return: false if there are none left.
 */
bool memdiag_census_step(struct memdiag_census_walk *walk)
{
	unsigned long end = min(ALIGN_DOWN(walk->pfn, CENSUS_STEP) + CENSUS_STEP, walk->end);
	unsigned long chunk = CENSUS_CHUNK, next, look;
	u64 start, took;

	if (walk->pfn >= walk->end)
		return false;
	if (memdiag_pageblock_order() >= 0)
		chunk = min(chunk, 1UL << memdiag_pageblock_order());
#ifdef CONFIG_SPARSEMEM
	chunk = min_t(unsigned long, chunk, PAGES_PER_SUBSECTION);
#endif
	walk->linked = NULL;
	rcu_read_lock();
	start = sched_clock();
	for (; walk->pfn < end; walk->pfn = next) {
		look = min(ALIGN_DOWN(walk->pfn, chunk) + chunk, walk->end);
		next = min(look, end);
		walk_chunk(walk, walk->pfn, next, look);
	}
	took = sched_clock() - start;
	rcu_read_unlock();
	walk->steps++;
	walk->longest_ns = max(walk->longest_ns, took);
	return true;
}

/**
 * memdiag_census_zone() - walk a zone to its end
 * @walk: the walk, with visit and arg set
 * @zone: the zone
 *
 * Context: may sleep.
 *
 * Return: 0; -EINTR on a fatal signal.
 */
int memdiag_census_zone(struct memdiag_census_walk *walk, struct zone *zone)
{
	memdiag_census_begin(walk, zone);
	while (memdiag_census_step(walk)) {
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* The section is marked offline by now; wait for those who saw it before. */
static int census_notify(struct notifier_block *self, unsigned long action, void *arg)
{
	if (action == MEM_OFFLINE)
		synchronize_rcu();
	return NOTIFY_OK;
}

static struct notifier_block census_notifier = { .notifier_call = census_notify };

/**
 * memdiag_census_walk_init() - get ready to walk
 *
 * Return: 0, or what register_memory_notifier() said.
 */
int memdiag_census_walk_init(void)
{
	return register_memory_notifier(&census_notifier);
}

/** memdiag_census_walk_exit() - undo memdiag_census_walk_init() */
void memdiag_census_walk_exit(void)
{
	unregister_memory_notifier(&census_notifier);
}
