// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frees of pages, whole or in parts.
 *
 * A compound block is freed as a whole. A non-compound block of order 1 or more (TRACK_BLOCK)
 * may be split, as by split_page() or alloc_pages_exact(). Its pages are freed in any order and
 * by several CPUs. The first such free replaces the object by the rest, in naturally aligned
 * blocks as large as possible. Each block has its own first page as its address, and the stack
 * and time of the object. One of them counts as the object; the others (TRACK_PART) add only
 * their bytes. A stack that has only parts left is reported with one object.
 *
 * A freed page that is no object's first page may lie in a block. The search tries the orders
 * that have blocks (track_run.nr_blocks). The search takes no lock; block_seq shows whether a
 * block was being split meanwhile.
 *
 * Compound blocks that are split (huge pages of user memory) count as freed with their first
 * page. So do all blocks if one_in samples objects, for the addresses of parts are not sampled.
 *
 * Locks: block_lock, with interrupts off, while a block is split. A concurrent free of another
 * part then finds the block or its parts. An NMI only tries the lock; if that fails the free is
 * lost and counted, and objects of order 1 or more are unsure.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/preempt.h>

#include "../compat/mmzone.h"
#include "../compat/preempt.h"
#include "track.h"

static unsigned long block_key(unsigned long pfn)
{
	return track_key(TRACK_PAGES, (unsigned long)pfn_to_page(pfn));
}

static atomic_t *block_counter(struct track_run *run, u32 size)
{
	return &run->nr_blocks[ilog2(size >> PAGE_SHIFT)];
}

/**
 * track_block_add() - count a block; called before it is put into the table
 * @run: the run
 * @size: bytes of the block
 */
void track_block_add(struct track_run *run, u32 size)
{
	atomic_inc(&run->all_blocks);
	atomic_inc(block_counter(run, size));
}

/**
 * track_block_sub() - uncount a block that is out of the table
 * @run: the run
 * @size: bytes of the block
 */
void track_block_sub(struct track_run *run, u32 size)
{
	atomic_dec(block_counter(run, size));
	atomic_dec(&run->all_blocks);
}

/**
 * track_account_free() - count a free
 * @run: the run
 * @object: the object, which is out of the table
 *
 * Context: any.
 */
void track_account_free(struct track_run *run, const struct track_object *object)
{
	if (object->flags & TRACK_BLOCK)
		track_block_sub(run, object->size);
	if (!(object->flags & TRACK_PART))
		atomic64_inc(&track_stack(&run->stacks, object->stack)->freed);
}

/* Put the pages from @pfn to @end back, as naturally aligned blocks. */
static void block_put_rest(struct track_run *run, struct track_object *object,
			   unsigned long pfn, unsigned long end)
{
	struct track_object old;
	unsigned int order;

	for (; pfn < end; pfn += BIT(order)) {
		order = min_t(unsigned int, __ffs(pfn | BIT(TRACK_ORDERS - 1)),
			      ilog2(end - pfn));
		object->size = PAGE_SIZE << order;
		track_block_add(run, object->size);
		switch (track_objects_put(&run->objects, block_key(pfn), object, &old)) {
		case TRACK_PUT_FULL:
			this_cpu_inc(run->cpus->dropped_objects);
			track_block_sub(run, object->size);
			continue;
		case TRACK_PUT_REPLACED:
			track_account_free(run, &old);
			break;
		case TRACK_PUT_NEW:
			this_cpu_inc(run->cpus->used);
			break;
		}
		/* Only the first rest counts as the object. */
		object->flags |= TRACK_PART;
	}
}

/* Order of the block that a page lies in, or -1. */
static int block_find(struct track_run *run, unsigned long pfn)
{
	int order;

	for (order = 0; order < TRACK_ORDERS; order++)
		if (atomic_read(&run->nr_blocks[order]) &&
		    track_objects_size(&run->objects, block_key(ALIGN_DOWN(pfn, BIT(order)))) ==
		    PAGE_SIZE << order)
			return order;
	return -1;
}

/* Take @order pages out of their block. Under block_lock. */
static bool block_split(struct track_run *run, unsigned long pfn, unsigned int order)
{
	int from = block_find(run, pfn);
	struct track_object object;
	unsigned long start;
	bool counts;
	u32 size;

	if (from < 0)
		return false;
	start = ALIGN_DOWN(pfn, BIT(from));
	if (track_objects_take(&run->objects, block_key(start), &object, U32_MAX) !=
	    TRACK_TAKE_TAKEN)
		return false;
	this_cpu_dec(run->cpus->used);
	/* names_move_objects() may have passed the slots that the rest goes to. */
	object.stack = READ_ONCE(track_stack(&run->stacks, object.stack)->into);
	size = object.size;
	counts = !(object.flags & TRACK_PART);
	block_put_rest(run, &object, start, pfn);
	block_put_rest(run, &object, pfn + BIT(order), start + BIT(from));
	track_block_sub(run, size);
	/* No rest counts as the object, so the object is freed. */
	if (counts && !(object.flags & TRACK_PART)) {
		this_cpu_inc(run->cpus->frees);
		atomic64_inc(&track_stack(&run->stacks, object.stack)->freed);
	}
	return true;
}

/* block_split() under block_lock. True also if an NMI lost the free. */
static bool block_free(struct track_run *run, unsigned long pfn, unsigned int order)
{
	unsigned long flags;
	bool found;

	local_irq_save(flags);
	if (!in_nmi()) {
		raw_spin_lock(&run->block_lock);
	} else if (!raw_spin_trylock(&run->block_lock)) {
		atomic_inc(&run->lost_frees);
		this_cpu_inc(run->cpus->dropped_busy);
		local_irq_restore(flags);
		return true;
	}
	WRITE_ONCE(run->block_seq, run->block_seq + 1);
	/* Pairs with block_may_have(), which finds block_seq odd or changed. */
	smp_mb();
	found = block_split(run, pfn, order);
	/* The rest is in the table before block_seq is even. */
	smp_mb();
	WRITE_ONCE(run->block_seq, run->block_seq + 1);
	raw_spin_unlock(&run->block_lock);
	local_irq_restore(flags);
	return found;
}

/*
 * Whether a page lies in a block. True also while a block is split, for neither the block nor
 * its rest may be in the table then.
 */
static bool block_may_have(struct track_run *run, unsigned long pfn)
{
	u32 seq = READ_ONCE(run->block_seq);

	if (seq & 1)
		return true;
	/* Pairs with block_free(): block_seq is read before the table. */
	smp_rmb();
	if (block_find(run, pfn) >= 0)
		return true;
	/* Pairs with block_free(): block_seq is read again after the table. */
	smp_rmb();
	return READ_ONCE(run->block_seq) != seq;
}

/**
 * track_freed_pages() - pages were freed
 * @run: the run
 * @page: first page
 * @order: of the pages freed
 *
 * Context: any, preemption off.
 */
void track_freed_pages(struct track_run *run, const struct page *page, unsigned int order)
{
	unsigned long key = track_key(TRACK_PAGES, (unsigned long)page);
	struct track_object object;
	bool found;
	u32 size;

	if (!track_sampled(run, (unsigned long)page))
		return;
	size = track_objects_size(&run->objects, key);
	/* The whole object is freed, or an object that is not followed in parts. */
	if (size && (size <= PAGE_SIZE << order || run->filter.one_in > 1 ||
		     !(track_objects_flags(&run->objects, key) & TRACK_BLOCK))) {
		found = track_objects_take(&run->objects, key, &object, U32_MAX) ==
			TRACK_TAKE_TAKEN;
		if (found) {
			this_cpu_dec(run->cpus->used);
			if (!(object.flags & TRACK_PART))
				this_cpu_inc(run->cpus->frees);
			track_account_free(run, &object);
		}
	} else {
		found = run->filter.one_in <= 1 && block_may_have(run, page_to_pfn(page)) &&
			block_free(run, page_to_pfn(page), order);
	}
	if (!found)
		this_cpu_inc(run->cpus->unknown_frees);
}
