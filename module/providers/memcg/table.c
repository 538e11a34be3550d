// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose is an address? A table of all memory cgroups, to tell to which of them a
 * page or an object is charged, without following a pointer that may be stale.
 *
 * Walks the tree of css's as section memcg does, and takes a reference to each:
 * while the table is there no cgroup in it is freed, and no other one can come to
 * be at its address. So an address that was read from somewhere, however long
 * ago, either is that of a cgroup here, or is not believed.
 *
 * Objects are charged by way of an obj_cgroup, which is found nowhere in full:
 * those whose cgroup was removed are on a list of its parent under a lock that is
 * not ours. So what is said to be one is read as memory that may not be there,
 * and believed if it leads to a cgroup of the table: struct obj_cgroup is public.
 * The caller holds rcu_read_lock() from before it read the address, for an
 * obj_cgroup is freed after RCU; and only what lies in the kernel's map of memory
 * is read at all, for elsewhere may be devices.
 *
 * The obj_cgroup that a cgroup was made with says more: when the cgroup is
 * removed it goes to the parent, with all that is charged to it, while a removed
 * cgroup that is still there remembers it (from 6.7 on). So it can be told whose
 * objects the parent has inherited.
 *
 * Locks: RCU only, let go every 64 cgroups.
 *
 * Stale: cgroups made after the table are not in it.
 *
 * Skipped: cgroups whose last reference is gone.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../../compat/memcontrol.h"
#include "../../memdiag.h"
#include "memcg.h"

#ifdef CONFIG_MEMCG

#define TABLE_BATCH	64
/* More cgroups may have been made than were counted: so often again. */
#define TABLE_TRIES	4

/* An address, and the number of its cgroup. */
struct table_slot {
	unsigned long address;
	u32 nr;
};

struct memdiag_memcgs {
	struct cgroup_subsys_state **css;
	unsigned int nr;
	unsigned int max;
	struct table_slot *slots;
	unsigned int nr_slots;
};

static struct table_slot *table_slot(const struct memdiag_memcgs *memcgs, unsigned long address)
{
	unsigned int i = hash_long(address, ilog2(memcgs->nr_slots));

	while (memcgs->slots[i].address && memcgs->slots[i].address != address)
		i = (i + 1) & (memcgs->nr_slots - 1);
	return &memcgs->slots[i];
}

static void table_add(struct memdiag_memcgs *memcgs, const void *address, u32 nr)
{
	struct table_slot *slot;

	if (!address)
		return;
	slot = table_slot(memcgs, (unsigned long)address);
	slot->address = (unsigned long)address;
	slot->nr = nr;
}

static u32 table_find(const struct memdiag_memcgs *memcgs, unsigned long address)
{
	const struct table_slot *slot = table_slot(memcgs, address);

	return address && slot->address ? slot->nr : MEMDIAG_MEMCG_NONE;
}

/* References to all; -EAGAIN if there are more than was made room for. */
static int table_hold_all(struct memdiag_memcgs *memcgs)
{
	struct cgroup_subsys_state *css = NULL;
	int error = 0;

	rcu_read_lock();
	while (!error && (css = css_next_descendant_pre(css, memdiag_memcg_root()))) {
		if (!css_tryget(css))
			continue;
		if (memcgs->nr == memcgs->max) {
			css_put(css);
			error = -EAGAIN;
			break;
		}
		memcgs->css[memcgs->nr++] = css;
		if (memcgs->nr % TABLE_BATCH)
			continue;
		rcu_read_unlock();
		if (fatal_signal_pending(current))
			error = -EINTR;
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
	return error;
}

/* The addresses of those that are held. */
static int table_index(struct memdiag_memcgs *memcgs)
{
	unsigned int nr, each = 1 + MEMDIAG_OBJCGS_PER_MEMCG;
	int nid;

	memcgs->nr_slots = roundup_pow_of_two(2 * each * (memcgs->nr + 1));
	memcgs->slots = memdiag_alloc(memcgs->nr_slots, sizeof(*memcgs->slots));
	if (!memcgs->slots)
		return -ENOMEM;
	for (nr = 0; nr < memcgs->nr; nr++) {
		struct mem_cgroup *memcg = container_of(memcgs->css[nr], struct mem_cgroup, css);

		table_add(memcgs, memcg, nr);
		for (nid = 0; nid < MEMDIAG_OBJCGS_PER_MEMCG; nid++)
			table_add(memcgs, memdiag_memcg_objcg(memcg, nid), nr);
		cond_resched();
	}
	return 0;
}

static int table_fill(struct memdiag_memcgs *memcgs)
{
	int error;

	memcgs->max = memdiag_memcg_nr();
	memcgs->css = memdiag_alloc(memcgs->max, sizeof(*memcgs->css));
	if (!memcgs->css)
		return -ENOMEM;
	error = table_hold_all(memcgs);
	return error ?: table_index(memcgs);
}

/**
 * memdiag_memcgs_get() - a table of all memory cgroups, with a reference to each
 *
 * Context: may sleep.
 *
 * Return: the table; an error pointer: -EOPNOTSUPP if there is none, -EINTR on a
 * fatal signal, -ENOMEM, -EAGAIN if they are made faster than they are counted.
 */
struct memdiag_memcgs *memdiag_memcgs_get(void)
{
	struct memdiag_memcgs *memcgs;
	unsigned int i;
	int error = -EOPNOTSUPP;

	for (i = 0; memdiag_memcg_root() && i < TABLE_TRIES; i++) {
		memcgs = memdiag_alloc(1, sizeof(*memcgs));
		if (!memcgs)
			return ERR_PTR(-ENOMEM);
		error = table_fill(memcgs);
		if (!error)
			return memcgs;
		memdiag_memcgs_put(memcgs);
		if (error != -EAGAIN)
			break;
	}
	return ERR_PTR(error);
}

/**
 * memdiag_memcgs_put() - give the references back
 * @memcgs: the table
 *
 * Context: may sleep.
 */
void memdiag_memcgs_put(struct memdiag_memcgs *memcgs)
{
	unsigned int i;

	for (i = 0; i < memcgs->nr; i++) {
		css_put(memcgs->css[i]);
		if (i % TABLE_BATCH == 0)
			cond_resched();
	}
	memdiag_free(memcgs->css);
	memdiag_free(memcgs->slots);
	memdiag_free(memcgs);
}

/**
 * memdiag_memcgs_of_objcg() - the cgroup that has what is charged to an obj_cgroup
 * @memcgs: the table
 * @objcg: what is said to be the address of one
 * @from: out: the removed cgroup it was made with, if another one;
 *	MEMDIAG_MEMCG_NONE if that is not known, or none. NULL: not asked for
 *
 * Context: under rcu_read_lock() since before @objcg was read.
 *
 * Return: number of the cgroup; MEMDIAG_MEMCG_NONE if it is none of the table.
 */
u32 memdiag_memcgs_of_objcg(const struct memdiag_memcgs *memcgs, unsigned long objcg, u32 *from)
{
#if MEMDIAG_HAVE_OBJCG
	const struct obj_cgroup *at = (const void *)objcg;
	unsigned long memcg;

	if (!objcg || !IS_ALIGNED(objcg, sizeof(long)) || !virt_addr_valid(at) ||
	    copy_from_kernel_nofault(&memcg, &at->memcg, sizeof(memcg)))
		return MEMDIAG_MEMCG_NONE;
	if (from)
		*from = table_find(memcgs, objcg);
	return table_find(memcgs, memcg);
#else
	return MEMDIAG_MEMCG_NONE;
#endif
}

/**
 * memdiag_memcgs_of_page() - the cgroup that a page of a file is charged to
 * @memcgs: the table
 * @data: what the page says of it
 *
 * Context: under rcu_read_lock() since before @data was read.
 *
 * Return: as memdiag_memcgs_of_objcg().
 */
u32 memdiag_memcgs_of_page(const struct memdiag_memcgs *memcgs, unsigned long data)
{
	return MEMDIAG_FOLIO_HAS_OBJCG ? memdiag_memcgs_of_objcg(memcgs, data, NULL) :
					 table_find(memcgs, data);
}

/**
 * memdiag_memcgs_label() - how a cgroup of the table is called
 * @memcgs: the table
 * @nr: number of the cgroup
 * @sink: as memdiag_memcg_label()
 * @path: likewise
 * @label: likewise
 */
void memdiag_memcgs_label(const struct memdiag_memcgs *memcgs, u32 nr, struct memdiag_sink *sink,
			  char *path, struct memdiag_memcg_label *label)
{
	rcu_read_lock();
	memdiag_memcg_label(sink, memcgs->css[nr], path, label);
	rcu_read_unlock();
}

#else /* !CONFIG_MEMCG */

struct memdiag_memcgs *memdiag_memcgs_get(void)
{
	return ERR_PTR(-EOPNOTSUPP);
}

void memdiag_memcgs_put(struct memdiag_memcgs *memcgs)
{
}

u32 memdiag_memcgs_of_objcg(const struct memdiag_memcgs *memcgs, unsigned long objcg, u32 *from)
{
	return MEMDIAG_MEMCG_NONE;
}

u32 memdiag_memcgs_of_page(const struct memdiag_memcgs *memcgs, unsigned long data)
{
	return MEMDIAG_MEMCG_NONE;
}

void memdiag_memcgs_label(const struct memdiag_memcgs *memcgs, u32 nr, struct memdiag_sink *sink,
			  char *path, struct memdiag_memcg_label *label)
{
}

#endif /* CONFIG_MEMCG */
