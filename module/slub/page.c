// SPDX-License-Identifier: GPL-2.0-only
/*
 * One slab from its page, and a cache's name.
 *
 * Locks: none. A struct page may go with its memory and a cache may be destroyed,
 * so each read may fail without a fault. The caller reads the page again to see
 * whether the slab still belongs to the cache.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "slub.h"

/* No slab is that large: the order was read while the page changed hands. */
#define SLAB_MAX_ORDER		15

/*
 * 6.8 stopped freezing the slabs of a CPU's partial list and began to mark those
 * on the list of a node instead; verify.c sees which it is.
 */
bool memdiag_slab_marks_partial;

/**
 * memdiag_slab_page_read() - read a slab from its page
 * @page: any page
 * @slab: out: the numbers
 *
 * Context: any; the page need not stay what it is, nor even exist.
 *
 * Return: whether it is the first page of a slab.
 */
bool memdiag_slab_page_read(const struct page *page, struct memdiag_slab_page *slab)
{
	/* The order of a compound page is in its second one. */
	struct page copy[2];
	const void *again;

	if (copy_from_kernel_nofault(copy, page, sizeof(copy[0])))
		return false;
	if (PagePoisoned(copy) || PageTail(copy) || !PageSlab(copy))
		return false;
	slab->nid = page_to_nid(copy);
	slab->order = 0;
	if (PageHead(copy)) {
		if (copy_from_kernel_nofault(copy + 1, page + 1, sizeof(copy[1])))
			return false;
		slab->order = compound_order(copy);
	}
	slab->cache = (const void *)(unsigned long)memdiag_slab_get(copy, SLAB_CACHE);
	slab->objects = memdiag_slab_get(copy, SLAB_OBJECTS);
	slab->inuse = memdiag_slab_get(copy, SLAB_INUSE);
	slab->frozen = memdiag_slab_get(copy, SLAB_FROZEN);
	/* The flags are the first word of the page, by whatever name. */
	slab->is_marked = test_bit(PG_workingset, (const unsigned long *)copy);
	if (copy_from_kernel_nofault(&again, memdiag_slab_at(page, SLAB_CACHE), sizeof(again)))
		return false;
	return again == slab->cache && slab->cache && slab->order < SLAB_MAX_ORDER &&
	       slab->objects && slab->inuse <= slab->objects;
}

/**
 * memdiag_slab_copy_name() - copy a name that may be freed meanwhile
 * @name: out: the name, cut
 * @size: bytes of @name
 * @from: the name
 *
 * Context: any.
 */
void memdiag_slab_copy_name(char *name, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i < size - 1; i++)
		if (copy_from_kernel_nofault(&name[i], &from[i], 1) || !name[i])
			break;
	name[i] = '\0';
}
