/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page frame in numbers, read without a reference and without a lock.
 *
 * The kernel's own PageXyz() look at the page each time they are asked, and some
 * of them assert what only holds for a page one has a reference to. Here every
 * word is read once, and everything is told from these words.
 */
#ifndef _MEMDIAG_COMPAT_PAGE_FRAME_H
#define _MEMDIAG_COMPAT_PAGE_FRAME_H

#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
#include <linux/poison.h>
#include <linux/uaccess.h>

/**
 * struct memdiag_page - the words of a page frame
 * @flags: page->flags
 * @mapping: page->mapping
 * @link: page->lru.next, which is also pp_magic and the word that marks a tail
 * @type: page->page_type, which is also _mapcount
 * @refcount: number of references
 */
struct memdiag_page {
	unsigned long flags;
	unsigned long mapping;
	unsigned long link;
	unsigned int type;
	int refcount;
};

static inline unsigned long memdiag_page_flags(const struct page *page)
{
#ifdef MEMDIAG_HAVE_MEMDESC_FLAGS
	return READ_ONCE(page->flags.f);
#else
	return READ_ONCE(page->flags);
#endif
}

static inline void memdiag_page_read(const struct page *page, struct memdiag_page *p)
{
	p->flags = memdiag_page_flags(page);
	p->mapping = (unsigned long)READ_ONCE(page->mapping);
	p->link = (unsigned long)READ_ONCE(page->lru.next);
	p->type = READ_ONCE(page->page_type);
	p->refcount = atomic_read(&page->_refcount);
}

/**
 * memdiag_page_peek() - memdiag_page_read() of a page frame that may be gone
 * @page: a page frame that was there once; its memory may have been taken out
 * @p: out: its words
 *
 * Context: any. Memory that goes offline meanwhile is copied or not, but faults nowhere.
 *
 * Return: false if it is not online.
 */
static inline bool memdiag_page_peek(const struct page *page, struct memdiag_page *p)
{
	struct page copy;

	if (pfn_to_online_page(page_to_pfn(page)) != page ||
	    copy_from_kernel_nofault(&copy, page, sizeof(copy)))
		return false;
	memdiag_page_read(&copy, p);
	return true;
}

/* The first page frame of what a tail belongs to, by the word that marks the tail. */
static inline const struct page *memdiag_page_head_of(const struct page *tail, unsigned long word)
{
#ifdef MEMDIAG_HAVE_COMPOUND_INFO
	/* The word is a mask for the address of the tail, or as ever. */
	if (compound_info_has_mask())
		return (const struct page *)((unsigned long)tail & word);
#endif
	return (const struct page *)(word - 1);
}

/**
 * memdiag_page_head() - the first page frame of what an address lies in
 * @address: anything
 *
 * Context: any. Memory that goes offline meanwhile is read or not, but faults nowhere.
 *
 * Return: NULL if the address is not in the kernel's map of memory, or that is not online.
 */
static inline const struct page *memdiag_page_head(const void *address)
{
	const struct page *page;
	unsigned long word;

	if (!virt_addr_valid(address))
		return NULL;
	page = virt_to_page(address);
	if (!pfn_to_online_page(page_to_pfn(page)) ||
	    copy_from_kernel_nofault(&word, &page->lru, sizeof(word)) ||
	    word == PAGE_POISON_PATTERN)
		return NULL;
	return word & 1 ? memdiag_page_head_of(page, word) : page;
}

/* What the allocator, or a user that marks its pages, says that a page is. */
enum memdiag_page_type {
	MEMDIAG_PAGE_UNTYPED,
	MEMDIAG_PAGE_BUDDY,
	MEMDIAG_PAGE_OFFLINE,
	MEMDIAG_PAGE_TABLE,
	MEMDIAG_PAGE_GUARD,
	MEMDIAG_PAGE_HUGETLB,
	MEMDIAG_PAGE_SLAB,
	MEMDIAG_PAGE_ZSMALLOC,
	MEMDIAG_PAGE_UNACCEPTED,
	MEMDIAG_PAGE_LARGE_KMALLOC,
	MEMDIAG_PAGE_POOL,
};

/*
 * From v6.12 on the type is a number in the top byte; before, a bit that is zero
 * below four ones, and slabs had a page flag. Both are enums or macros with the
 * same words, so Kbuild looks.
 */
static inline enum memdiag_page_type memdiag_page_type(const struct memdiag_page *p)
{
#ifdef MEMDIAG_HAVE_PGTY
	switch (p->type >> 24) {
	case PGTY_buddy: return MEMDIAG_PAGE_BUDDY;
	case PGTY_offline: return MEMDIAG_PAGE_OFFLINE;
	case PGTY_table: return MEMDIAG_PAGE_TABLE;
	case PGTY_guard: return MEMDIAG_PAGE_GUARD;
	case PGTY_hugetlb: return MEMDIAG_PAGE_HUGETLB;
	case PGTY_slab: return MEMDIAG_PAGE_SLAB;
	case PGTY_zsmalloc: return MEMDIAG_PAGE_ZSMALLOC;
	case PGTY_unaccepted: return MEMDIAG_PAGE_UNACCEPTED;
#ifdef MEMDIAG_HAVE_PGTY_LARGE_KMALLOC
	case PGTY_large_kmalloc: return MEMDIAG_PAGE_LARGE_KMALLOC;
#endif
	/* Came and went again. */
#ifdef MEMDIAG_HAVE_PGTY_NETPP
	case PGTY_netpp: return MEMDIAG_PAGE_POOL;
#endif
	}
#else
	if (p->flags & BIT(PG_slab))
		return MEMDIAG_PAGE_SLAB;
	if ((p->type & PAGE_TYPE_BASE) != PAGE_TYPE_BASE)
		return MEMDIAG_PAGE_UNTYPED;
	if (!(p->type & PG_buddy))
		return MEMDIAG_PAGE_BUDDY;
	if (!(p->type & PG_offline))
		return MEMDIAG_PAGE_OFFLINE;
	if (!(p->type & PG_table))
		return MEMDIAG_PAGE_TABLE;
	if (!(p->type & PG_guard))
		return MEMDIAG_PAGE_GUARD;
#endif
	return MEMDIAG_PAGE_UNTYPED;
}

/* Where the type does not say it: the destructor of a compound page does. */
static inline bool memdiag_page_hugetlb(const struct page *head)
{
#if defined(MEMDIAG_HAVE_PGTY) || !defined(CONFIG_HUGETLB_PAGE)
	return false;
#else
	return READ_ONCE(head[1].compound_dtor) == HUGETLB_PAGE_DTOR;
#endif
}

static inline bool memdiag_page_poisoned(const struct memdiag_page *p)
{
#ifdef CONFIG_MEMORY_FAILURE
	return p->flags & BIT(PG_hwpoison);
#else
	return false;
#endif
}

/*
 * page_pool marks its pages with a signature in what is otherwise a list link;
 * the lowest bits are others', and some more where it keeps a DMA index there.
 */
#ifdef PP_MAGIC_MASK
#define MEMDIAG_PP_MASK		PP_MAGIC_MASK
#else
#define MEMDIAG_PP_MASK		(~0x3UL)
#endif

static inline bool memdiag_page_of_pool(const struct memdiag_page *p)
{
#if defined(CONFIG_PAGE_POOL) && defined(PP_SIGNATURE)
	return (p->link & MEMDIAG_PP_MASK) == PP_SIGNATURE;
#else
	return false;
#endif
}

#endif /* _MEMDIAG_COMPAT_PAGE_FRAME_H */
