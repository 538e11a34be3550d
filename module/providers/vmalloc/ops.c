// SPDX-License-Identifier: GPL-2.0-only
/*
 * The areas up to v6.8, by the borrowed operations of /proc/vmallocinfo.
 *
 * All areas stand in one list and one tree, both sorted by address. ->start() takes
 * the mutex vmap_purge_lock and the spinlock vmap_area_lock and returns the first
 * area; its structures are in public headers. Where the next hold begins is found
 * from the first area's node up to the root, then down.
 *
 * Areas freed lazily ("unpurged") are in another list and tree under the
 * spinlock purge_vmap_area_lock, whose addresses come from the symbol table. It
 * is taken inside the two others, as show_purge_info() does, but only tried: if
 * it is not to be had the section is partial. An area on its way from the first
 * list to the second is in neither. Up to v5.11 they are in a list that is in no
 * order, to which others add without a lock, and from which only who has the mutex
 * takes, all at once: no position in it would hold, so it is walked in one hold, up
 * to VMALLOC_MAX_PURGE areas.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "../../compat/vmalloc.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "vmalloc.h"

/* Most lazily freed areas among which one is looked for, or in a list in no order. */
#define VMALLOC_MAX_PURGE	16384

static struct memdiag_ops vmalloc_ops;
/* Lazily freed areas; NULL if they cannot be reached. */
#ifdef MEMDIAG_HAVE_PURGE_LLIST
static struct llist_head *vmalloc_purge_list;
#else
static struct list_head *vmalloc_purge_list;
static spinlock_t *vmalloc_purge_lock;
#endif

/* The same in the tree that @any is in. */
static struct vmap_area *vmalloc_above(struct vmap_area *any, unsigned long after)
{
	struct rb_node *node = &any->rb_node;
	unsigned int depth;

	for (depth = 0; rb_parent(node) && depth < VMALLOC_DEPTH; depth++)
		node = rb_parent(node);
	return memdiag_vmalloc_above(node, after);
}

static int vmalloc_collect_busy(struct memdiag_sink *sink)
{
	unsigned long after = 0;
	struct vmap_area *va;
	struct seq_file m;
	unsigned int n;
	loff_t pos;
	void *p;
	bool full = false;

	memdiag_ops_seq(&vmalloc_ops, &m);
	do {
		pos = 0;
		p = m.op->start(&m, &pos);
		memdiag_lock_begin(sink);
		va = p ? vmalloc_above(list_entry(p, struct vmap_area, list), after) : NULL;
		for (n = 0; va && !full && n < VMALLOC_HOLD; n++) {
			full = !memdiag_vmalloc_push(sink, va, AREA_VM_MAP_RAM);
			after = va->va_start;
			p = m.op->next(&m, &va->list, &pos);
			va = p ? list_entry(p, struct vmap_area, list) : NULL;
		}
		memdiag_lock_end(sink);
		m.op->stop(&m, p);
		if (full)
			return -ENOSPC;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (va);
	return 0;
}

#ifdef MEMDIAG_HAVE_PURGE_LLIST
/* The only hold on the lazily freed areas. Returns 0, or -E2BIG if not all were seen. */
static int vmalloc_hold_purge(struct memdiag_sink *sink, unsigned long *after)
{
	struct llist_node *node;
	struct seq_file m;
	unsigned int n;
	loff_t pos = 0;
	int ret = 0;
	void *p;

	memdiag_ops_seq(&vmalloc_ops, &m);
	p = m.op->start(&m, &pos);
	memdiag_lock_begin(sink);
	node = READ_ONCE(vmalloc_purge_list->first);
	for (n = 0; node && !ret; n++, node = node->next) {
		if (n == VMALLOC_MAX_PURGE)
			ret = -E2BIG;
		else if (!memdiag_vmalloc_push(sink, llist_entry(node, struct vmap_area,
								 purge_list), AREA_UNPURGED))
			ret = -ENOSPC;
	}
	memdiag_lock_end(sink);
	m.op->stop(&m, p);
	return ret;
}
#else
/*
 * One hold on the lazily freed areas above @after. The address of their lock
 * comes from a symbol: should it not be a lock after all, we had better not wait
 * for it, and not spin under the locks that ->start() took either. Returns 0 at
 * the end of the list, 1 if there is more, -EAGAIN if the lock was busy.
 */
static int vmalloc_hold_purge(struct memdiag_sink *sink, unsigned long *after)
{
	struct vmap_area *va;
	struct seq_file m;
	unsigned int n;
	loff_t pos = 0;
	int ret = 0;
	void *p;

	memdiag_ops_seq(&vmalloc_ops, &m);
	p = m.op->start(&m, &pos);
	memdiag_lock_begin(sink);
	if (!spin_trylock(vmalloc_purge_lock)) {
		ret = -EAGAIN;
		goto stop;
	}
	va = list_first_entry_or_null(vmalloc_purge_list, struct vmap_area, list);
	if (va)
		va = vmalloc_above(va, *after);
	for (n = 0; va && !ret; n++) {
		if (n == VMALLOC_HOLD) {
			ret = 1;
		} else if (!memdiag_vmalloc_push(sink, va, AREA_UNPURGED)) {
			ret = -ENOSPC;
		} else {
			*after = va->va_start;
			va = list_is_last(&va->list, vmalloc_purge_list) ? NULL :
			     list_next_entry(va, list);
		}
	}
	spin_unlock(vmalloc_purge_lock);
stop:
	memdiag_lock_end(sink);
	m.op->stop(&m, p);
	return ret;
}
#endif

static int vmalloc_collect_purge(struct memdiag_sink *sink)
{
	unsigned long after = 0;
	unsigned int busy = 0;
	int ret;

	do {
		ret = vmalloc_hold_purge(sink, &after);
		if (ret == -EAGAIN && ++busy == VMALLOC_TRIES) {
			memdiag_mark_partial(sink, "not all unpurged areas seen: their lock was busy");
			return 0;
		}
		if (ret == -E2BIG) {
			memdiag_mark_partial(sink, "not all unpurged areas seen: more than %u",
					     VMALLOC_MAX_PURGE);
			return 0;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (ret == 1 || ret == -EAGAIN);
	return ret;
}

/**
 * memdiag_vmalloc_ops_collect() - push a record for each area
 * @sink: the sink
 *
 * Context: may sleep; takes the locks of the kernel's own reader.
 *
 * Return: 0, -ENOSPC if there is no room, -EINTR on a fatal signal.
 */
int memdiag_vmalloc_ops_collect(struct memdiag_sink *sink)
{
	int error = vmalloc_collect_busy(sink);

	if (!error && vmalloc_purge_list)
		error = vmalloc_collect_purge(sink);
	return error;
}

/*
 * Whether the walk leads where it should, with an area of our own at @probe:
 * start() gives the first entry of a list of struct vmap_area that are also in a
 * tree, and ours is found in it with all that we know of it.
 */
static int vmalloc_check_busy(struct seq_file *m, const void *probe, const char **why)
{
	struct vmap_area *first, *va, copy;
	const struct vm_struct *vm;
	int error = -EINVAL;
	loff_t pos = 0;
	void *p;

	p = m->op->start(m, &pos);
	if (p == SEQ_START_TOKEN || !p) {
		*why = "not a list: the file is printed as a whole";
		error = -EOPNOTSUPP;
		goto stop;
	}
	first = list_entry(p, struct vmap_area, list);
	*why = "not a list of areas";
	/* Not yet trusted: look before following pointers of it. */
	if (copy_from_kernel_nofault(&copy, first, sizeof(copy)) ||
	    copy.va_start >= copy.va_end || !PAGE_ALIGNED(copy.va_start) ||
	    !PAGE_ALIGNED(copy.va_end) ||
	    copy_from_kernel_nofault(&copy.list, copy.list.next, sizeof(copy.list)) ||
	    copy.list.prev != &first->list)
		goto stop;
	*why = "the tree does not match the list";
	if (vmalloc_above(first, 0) != first)
		goto stop;
	*why = "own area not found, or not with its size, pages and caller";
	va = vmalloc_above(first, (unsigned long)probe - 1);
	vm = va && va->va_start == (unsigned long)probe ? va->vm : NULL;
	if (memdiag_vmalloc_is_probe(vm, probe))
		error = 0;
stop:
	m->op->stop(m, p);
	return error;
}

/* Whether @address is in an area with a vm_struct: it must not be after vfree(). */
static bool vmalloc_is_busy(struct seq_file *m, unsigned long address)
{
	struct vmap_area *va = NULL;
	loff_t pos = 0;
	void *p;
	bool busy;

	p = m->op->start(m, &pos);
	if (p)
		va = vmalloc_above(list_entry(p, struct vmap_area, list), address - 1);
	busy = va && va->va_start == address && va->vm &&
	       within_module((unsigned long)va->vm->caller, THIS_MODULE);
	m->op->stop(m, p);
	return busy;
}

#ifdef MEMDIAG_HAVE_PURGE_LLIST
static bool vmalloc_resolve_purge(void)
{
	vmalloc_purge_list = (void *)memdiag_resolve_data("vmap_purge_list");
	return vmalloc_purge_list;
}

/* Not yet trusted: looks before following pointers. */
static bool vmalloc_is_unpurged(struct seq_file *m, unsigned long address)
{
	struct llist_node *node;
	struct vmap_area copy;
	unsigned int n = 0;
	bool found = false;
	loff_t pos = 0;
	void *p;

	p = m->op->start(m, &pos);
	node = READ_ONCE(vmalloc_purge_list->first);
	while (node && !found && n++ < VMALLOC_MAX_PURGE &&
	       !copy_from_kernel_nofault(&copy, llist_entry(node, struct vmap_area, purge_list),
					 sizeof(copy))) {
		found = copy.va_start == address;
		node = copy.purge_list.next;
	}
	m->op->stop(m, p);
	return found;
}
#else
static bool vmalloc_resolve_purge(void)
{
	vmalloc_purge_list = (void *)memdiag_resolve_data("purge_vmap_area_list");
	vmalloc_purge_lock = (void *)memdiag_resolve_data("purge_vmap_area_lock");
	return vmalloc_purge_list && vmalloc_purge_lock;
}

/* Whether @address is in a lazily freed area; these are merged with neighbours. */
static bool vmalloc_purge_list_has(unsigned long address)
{
	struct vmap_area *va;
	unsigned int n = 0;

	list_for_each_entry(va, vmalloc_purge_list, list) {
		if (va->va_start <= address && address < va->va_end)
			return true;
		if (++n > VMALLOC_MAX_PURGE)
			break;
	}
	return false;
}

static bool vmalloc_is_unpurged(struct seq_file *m, unsigned long address)
{
	loff_t pos = 0;
	bool found;
	void *p;

	if (!memdiag_vmalloc_is_list(vmalloc_purge_list))
		return false;
	p = m->op->start(m, &pos);
	if (!spin_trylock(vmalloc_purge_lock)) {
		m->op->stop(m, p);
		return false;
	}
	found = vmalloc_purge_list_has(address);
	spin_unlock(vmalloc_purge_lock);
	m->op->stop(m, p);
	return found;
}
#endif

static int vmalloc_check_ops(const char **why)
{
	struct seq_file m;
	void *probe;
	int error;

	probe = memdiag_vmalloc_probe();
	if (!probe) {
		*why = "no memory";
		return -ENOMEM;
	}
	memdiag_ops_seq(&vmalloc_ops, &m);
	error = vmalloc_check_busy(&m, probe, why);
	vfree(probe);
	if (!error && vmalloc_is_busy(&m, (unsigned long)probe)) {
		*why = "own area still there after vfree()";
		error = -EINVAL;
	}
	return error;
}

/*
 * Find the lazily freed areas: an area of ours, once freed, must turn up there.
 * A purge may come in between, therefore several tries.
 */
static void __init vmalloc_find_purge(void)
{
	struct seq_file m;
	unsigned int tries;
	void *probe;

	if (!vmalloc_resolve_purge())
		goto none;
	memdiag_ops_seq(&vmalloc_ops, &m);
	for (tries = 0; tries < VMALLOC_PROBES; tries++) {
		probe = memdiag_vmalloc_probe();
		if (!probe)
			break;
		vfree(probe);
		if (vmalloc_is_unpurged(&m, (unsigned long)probe)) {
			memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmalloc unpurged areas",
					     MEMDIAG_SRC_SYMBOL, 0,
					     "own freed area found in the list");
			return;
		}
	}
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmalloc unpurged areas",
			     MEMDIAG_SRC_SYMBOL, -EINVAL,
			     "own freed area not found in the list");
none:
	vmalloc_purge_list = NULL;
}

/**
 * memdiag_vmalloc_ops_init() - find this way, and verify it
 * @unpurged: out: whether it leads to the areas freed lazily as well
 *
 * Leaves lines in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: 0; -EINVAL if it does not lead where it should, -EOPNOTSUPP from v6.9
 * on, -ENOMEM, or as memdiag_ops_open().
 */
int __init memdiag_vmalloc_ops_init(bool *unpurged)
{
	const char *why = "";
	int error;

	error = memdiag_ops_open(&vmalloc_ops, VMALLOC_PATH);
	if (error)
		return error;
	error = vmalloc_check_ops(&why);
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmalloc areas", MEMDIAG_SRC_OPS, error,
			     "%s", error ? why :
			     "own area found by its address, size, pages and caller, and gone when freed");
	if (error) {
		memdiag_ops_close(&vmalloc_ops);
		return error;
	}
	vmalloc_find_purge();
	*unpurged = vmalloc_purge_list != NULL;
	return 0;
}

/** memdiag_vmalloc_ops_exit() - undo memdiag_vmalloc_ops_init(), if it was called */
void memdiag_vmalloc_ops_exit(void)
{
	memdiag_ops_close(&vmalloc_ops);
}
