// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one place where memdiag takes memory.
 *
 * To look at a machine without memory must not cost a process its life: rather
 * no answer than the OOM killer, and no message about it. So what is more than a
 * page is first looked for in one piece without reclaiming for it, and then taken page
 * by page; kvmalloc() would reclaim and compact for the piece when it is told to
 * spare the OOM killer. The kernel takes the page tables of vmalloc() memory, a page
 * for 2 MiB, as it likes.
 *
 * What a snapshot takes, finished or in the making, and what a provider needs to make it,
 * is charged against one limit. The size stands in front of each piece, so that no more
 * is given back than was charged. What is kept while the module is loaded is not
 * charged: it is small, and does not grow with what is looked at. Nor are the tables of
 * the tracker: TRACK_START names their size.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "memdiag.h"

/* Neither reclaims nor compacts, not even later, and leaves reserves to others. */
#define ALLOC_TRY	((GFP_KERNEL & ~__GFP_RECLAIM) | __GFP_NOMEMALLOC | __GFP_NOWARN)

/* In front of each piece, which is aligned for whatever has no alignment of its own. */
struct alloc_head {
	size_t charged;
} __aligned(16);

unsigned int memdiag_snapshot_mib;

/* None while the module loads: what that reads has bounds of its own. */
static u64 alloc_limit = S64_MAX;
static atomic64_t alloc_held = ATOMIC64_INIT(0);

/** memdiag_snapshot_limit() - bytes that all snapshots together may take */
u64 memdiag_snapshot_limit(void)
{
	return alloc_limit;
}

/** memdiag_snapshot_held() - bytes that all snapshots together take now */
u64 memdiag_snapshot_held(void)
{
	return atomic64_read(&alloc_held);
}

/**
 * memdiag_charge() - count bytes against the limit
 * @size: bytes
 *
 * Context: any.
 *
 * Return: 0; -EMFILE beyond the limit, and nothing is counted.
 */
int memdiag_charge(u64 size)
{
	if (atomic64_add_return(size, &alloc_held) <= alloc_limit)
		return 0;
	atomic64_sub(size, &alloc_held);
	return -EMFILE;
}

/**
 * memdiag_uncharge() - take back what memdiag_charge() counted
 * @size: bytes
 *
 * Context: any.
 */
void memdiag_uncharge(u64 size)
{
	WARN_ON_ONCE(atomic64_sub_return(size, &alloc_held) < 0);
}

/**
 * memdiag_alloc_pages() - memory page by page, not charged
 * @size: bytes
 *
 * Context: may sleep.
 *
 * Return: zeroed memory, whole pages, for vfree(); NULL if there is none.
 */
void *memdiag_alloc_pages(size_t size)
{
	return __vmalloc(size, MEMDIAG_GFP_NORETRY | __GFP_ZERO);
}

static void *alloc_take(size_t size, gfp_t zero, bool by_pages)
{
	void *p = NULL;

	if (size <= PAGE_SIZE)
		return kmalloc(size, MEMDIAG_GFP | zero);
	if (!by_pages && size <= KMALLOC_MAX_SIZE)
		p = kmalloc(size, ALLOC_TRY | zero);
	return p ?: __vmalloc(size, MEMDIAG_GFP_NORETRY | zero);
}

static void *alloc_with_head(size_t size, gfp_t zero, bool by_pages, bool charge)
{
	struct alloc_head *head;
	size_t all;

	if (check_add_overflow(size, sizeof(*head), &all))
		return ERR_PTR(-ENOMEM);
	if (charge && (all > alloc_limit || memdiag_charge(all)))
		return ERR_PTR(-EMFILE);
	head = alloc_take(all, zero, by_pages);
	if (!head) {
		if (charge)
			memdiag_uncharge(all);
		return ERR_PTR(-ENOMEM);
	}
	head->charged = charge ? all : 0;
	return head + 1;
}

/**
 * memdiag_alloc_buffer() - memory for what is collected, charged
 * @size: bytes
 * @by_pages: not in one piece, though that may be there
 *
 * Context: may sleep.
 *
 * Return: memory that is not zeroed, for memdiag_free(); or ERR_PTR(): -EMFILE beyond
 * the limit, -ENOMEM.
 */
void *memdiag_alloc_buffer(size_t size, bool by_pages)
{
	return alloc_with_head(size, 0, by_pages, true);
}

/**
 * memdiag_alloc() - memory to work in, charged
 * @n: number of elements
 * @size: bytes of one
 *
 * Context: may sleep.
 *
 * Return: zeroed memory, for memdiag_free(); NULL beyond the limit, or if there is none.
 */
void *memdiag_alloc(size_t n, size_t size)
{
	void *p = alloc_with_head(array_size(n, size), __GFP_ZERO, false, true);

	return IS_ERR(p) ? NULL : p;
}

/**
 * memdiag_keep() - a little memory for as long as the module is loaded, not charged
 * @n: number of elements
 * @size: bytes of one
 *
 * Context: may sleep.
 *
 * Return: zeroed memory, for memdiag_free(); NULL if there is none.
 */
void *memdiag_keep(size_t n, size_t size)
{
	void *p = alloc_with_head(array_size(n, size), __GFP_ZERO, false, false);

	return IS_ERR(p) ? NULL : p;
}

/**
 * memdiag_keep_string() - a copy of a string, as memdiag_keep()
 * @text: the string
 * @length: bytes of it, a NUL among them ends it earlier
 *
 * Context: may sleep.
 *
 * Return: the copy, for memdiag_free(); NULL if there is no memory.
 */
char *memdiag_keep_string(const char *text, size_t length)
{
	char *copy;

	length = strnlen(text, length);
	copy = memdiag_keep(length + 1, 1);
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

/**
 * memdiag_free() - give back what the functions above gave
 * @p: memory that is charged or kept, or NULL
 *
 * Context: may sleep.
 */
void memdiag_free(const void *p)
{
	const struct alloc_head *head = p;

	if (!p)
		return;
	head--;
	memdiag_uncharge(head->charged);
	kvfree(head);
}

/** memdiag_alloc_init() - set the limit, before the first snapshot */
void __init memdiag_alloc_init(void)
{
	struct sysinfo info;

	si_meminfo(&info);
	/* No buffer may come near INT_MAX, which the kernel refuses with a splat. */
	if (memdiag_snapshot_mib)
		alloc_limit = (u64)min(memdiag_snapshot_mib, 1024u) << 20;
	else
		alloc_limit = clamp_t(u64, (u64)info.totalram * PAGE_SIZE / 16, SZ_8M, SZ_1G);
}

/** memdiag_alloc_exit() - all that was charged must be back by now */
void memdiag_alloc_exit(void)
{
	WARN_ON_ONCE(atomic64_read(&alloc_held));
}
