// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are freed, also in parts.
 *
 * A compound block is freed as a whole. Another one of a higher order may be split
 * (split_page(), alloc_pages_exact()) and given back page by page, in any order and by
 * several CPUs. Then the object gives way to what is left of it: blocks as large as
 * they can be, each found by its own first page, with the stack and the time of the
 * object. One of them stands for the object and counts; the others (TRACK_PART) only
 * bring their bytes. When none of those that count is left, a stack that still has
 * parts has at least one object.
 *
 * The free of a page that is not the first one of an object looks for a block that it
 * lies in, at those orders of which there is one at all (track_run.nr_blocks). That
 * takes no lock; a counter says whether a block was being taken apart meanwhile.
 *
 * A compound block that was split after all, as those of user memory are, counts as
 * freed with its first page.
 *
 * Under a filter of one in so many objects the parts would not be among those that
 * are looked at. There the first page gives back the whole, so that nothing looks
 * leaked that is not.
 *
 * Locks: block_lock, taken with interrupts off, around taking a block apart, so that
 * who frees another part of it meanwhile finds either the block or its parts. In an
 * NMI it is only tried; if that fails, the free is lost and counted, and blocks are
 * unsure from then on.
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
 * track_block_add() - an object with TRACK_BLOCK is about to be put into the table
 * @run: the run
 * @size: its bytes
 */
void track_block_add(struct track_run *run, u32 size)
{
	atomic_inc(&run->all_blocks);
	atomic_inc(block_counter(run, size));
}

/**
 * track_block_sub() - it is out again
 * @run: the run
 * @size: its bytes
 */
void track_block_sub(struct track_run *run, u32 size)
{
	atomic_dec(block_counter(run, size));
	atomic_dec(&run->all_blocks);
}

/**
 * track_account_free() - an object was freed
 * @run: the run
 * @object: the object, out of the table
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

/* Put what is left between two page frames back, as naturally aligned blocks. */
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
		/* The first one stands for the object, the others do not. */
		object->flags |= TRACK_PART;
	}
}

/* The order of the block that a page lies in, or -1. */
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

/* Under block_lock. */
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
	/* While stacks are merged, who moves objects may have passed where the rest goes. */
	object.stack = READ_ONCE(track_stack(&run->stacks, object.stack)->into);
	size = object.size;
	counts = !(object.flags & TRACK_PART);
	block_put_rest(run, &object, start, pfn);
	block_put_rest(run, &object, pfn + BIT(order), start + BIT(from));
	track_block_sub(run, size);
	/* Is nobody there who stands for the object any more? */
	if (counts && !(object.flags & TRACK_PART)) {
		this_cpu_inc(run->cpus->frees);
		atomic64_inc(&track_stack(&run->stacks, object.stack)->freed);
	}
	return true;
}

/* Taking blocks apart, with all others kept out. */
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
	/* Who finds a part missing in between finds block_seq odd or changed. */
	smp_mb();
	found = block_split(run, pfn, order);
	/* Likewise: all parts are there before it is even again. */
	smp_mb();
	WRITE_ONCE(run->block_seq, run->block_seq + 1);
	raw_spin_unlock(&run->block_lock);
	local_irq_restore(flags);
	return found;
}

/*
 * Does a page lie in a block, or may it? While one is taken apart, neither it nor
 * its parts may be there.
 */
static bool block_may_have(struct track_run *run, unsigned long pfn)
{
	u32 seq = READ_ONCE(run->block_seq);

	if (seq & 1)
		return true;
	/* Look between two readings of block_seq; pairs with track_freed_pages(). */
	smp_rmb();
	if (block_find(run, pfn) >= 0)
		return true;
	/* Likewise. */
	smp_rmb();
	return READ_ONCE(run->block_seq) != seq;
}

/**
 * track_freed_pages() - pages were freed
 * @run: the run
 * @page: the first of them
 * @order: how many
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
	/* The whole of what was allocated, or what is not known to be a block. */
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
