// SPDX-License-Identifier: GPL-2.0-only
/*
 * The areas from v6.9 on: spread over an array of struct vmap_node, in each of
 * which those in use ("busy") and those freed lazily ("lazy") make a list and a
 * tree sorted by address, under a spinlock each. Which node an area in use is in
 * follows from its address; a lazy one may be in another.
 *
 * Walked as vmalloc_info_show() does: node after node the areas in use, leaving out
 * those without a vm_struct that are not of vm_map_ram() and those being filled in,
 * then node after node the lazy ones. One lock at a time, nothing inside it. What
 * a purge has taken off the lazy list and not yet given back is in neither.
 *
 * The array is found by symbols and the layout is a private one, so nothing is
 * trusted at first. Above all no lock is touched, as trying to take a lock writes,
 * before memory that is only read, and may be anything, has shown that
 *
 *  - the members of struct rb_list fill it and do not overlap. So where the root
 *    and the list head are right, the lock can only be in the rest;
 *  - in each node both lists are closed, both trees begin with the list's first
 *    area, and both locks look like locks that nobody holds;
 *  - an area of our own, with all that we know of it, is in the tree of exactly
 *    one node.
 *
 * Then locks are tried, not waited for, to see our area there, and once freed no
 * longer there but among the lazy ones. After that they are locks like others.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../../compat/spinlock.h"
#include "../../compat/vmalloc.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "vmalloc.h"

#ifndef MEMDIAG_HAVE_VMAP_AREA_LIST

/* An area's flags have room for the number of a node up to this one. */
#define NODES_MAX	255

enum nodes_member {
	NODE_BUSY,
	NODE_LAZY,
	NODE_SIZE,
	LIST_ROOT,
	LIST_HEADS,
	LIST_LOCK,
	LIST_SIZE,
	NODES_NR_MEMBERS
};

static struct memdiag_member nodes_members[NODES_NR_MEMBERS] = {
	[NODE_BUSY] = { .type = "vmap_node", .member = "busy" },
	[NODE_LAZY] = { .type = "vmap_node", .member = "lazy" },
	[NODE_SIZE] = { .type = "vmap_node", .member = "" },
	[LIST_ROOT] = { .type = "rb_list", .member = "root" },
	[LIST_HEADS] = { .type = "rb_list", .member = "head" },
	[LIST_LOCK] = { .type = "rb_list", .member = "lock" },
	[LIST_SIZE] = { .type = "rb_list", .member = "" },
};

/* The kernel's array. */
static void *nodes_first;
static unsigned int nodes_nr;

/* A struct rb_list: where its members are. */
struct nodes_list {
	struct rb_root *root;
	struct list_head *head;
	spinlock_t *lock;
};

/* Bytes from the start of the struct to the member, or behind it. */
static size_t nodes_offset(enum nodes_member which)
{
	return nodes_members[which].bit_offset / BITS_PER_BYTE;
}

static size_t nodes_end(enum nodes_member which)
{
	return nodes_offset(which) + nodes_members[which].bit_size / BITS_PER_BYTE;
}

static struct nodes_list nodes_list(unsigned int node, enum nodes_member which)
{
	void *list = nodes_first + node * nodes_end(NODE_SIZE) + nodes_offset(which);

	return (struct nodes_list) {
		.root = list + nodes_offset(LIST_ROOT),
		.head = list + nodes_offset(LIST_HEADS),
		.lock = list + nodes_offset(LIST_LOCK),
	};
}

/* As the kernel's own reader: is it to be shown, and as what. */
static bool nodes_push_busy(struct memdiag_sink *sink, const struct vmap_area *va)
{
	const struct vm_struct *vm = va->vm;

	if (!vm)
		return !memdiag_vmap_is_ram(va) ||
		       memdiag_vmalloc_push(sink, va, AREA_VM_MAP_RAM);
	if (READ_ONCE(vm->flags) & VM_UNINITIALIZED)
		return true;
	/* Pairs with the barrier in clear_vm_uninitialized_flag(). */
	smp_rmb();
	return memdiag_vmalloc_push(sink, va, 0);
}

/*
 * One hold on the areas of a list above @after. Returns 0 at the end of the list,
 * 1 if there is more, -ENOSPC if there is no room.
 */
static int nodes_hold(struct memdiag_sink *sink, const struct nodes_list *list, bool lazy,
		      unsigned long *after)
{
	struct vmap_area *va;
	unsigned int n;
	int ret = 0;

	spin_lock(list->lock);
	memdiag_lock_begin(sink);
	va = memdiag_vmalloc_above(list->root->rb_node, *after);
	for (n = 0; va && !ret; n++) {
		if (n == VMALLOC_HOLD) {
			ret = 1;
		} else if (lazy ? !memdiag_vmalloc_push(sink, va, AREA_UNPURGED) :
				  !nodes_push_busy(sink, va)) {
			ret = -ENOSPC;
		} else {
			*after = va->va_start;
			va = list_is_last(&va->list, list->head) ? NULL :
			     list_next_entry(va, list);
		}
	}
	memdiag_lock_end(sink);
	spin_unlock(list->lock);
	return ret;
}

static int nodes_collect(struct memdiag_sink *sink, enum nodes_member which)
{
	struct nodes_list list;
	unsigned long after;
	unsigned int i;
	int ret;

	for (i = 0; i < nodes_nr; i++) {
		list = nodes_list(i, which);
		after = 0;
		do {
			ret = nodes_hold(sink, &list, which == NODE_LAZY, &after);
			if (ret < 0)
				return ret;
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		} while (ret);
	}
	return 0;
}

/**
 * memdiag_vmalloc_nodes_collect() - push a record for each area
 * @sink: the sink
 *
 * Context: may sleep; takes the nodes' locks one by one.
 *
 * Return: 0, -ENOSPC if there is no room, -EINTR on a fatal signal.
 */
int memdiag_vmalloc_nodes_collect(struct memdiag_sink *sink)
{
	return nodes_collect(sink, NODE_BUSY) ?: nodes_collect(sink, NODE_LAZY);
}

/* Widths are those of the types, and everything is where such a type can be. */
static const char *nodes_check_shape(void)
{
	static const struct {
		size_t size;
		size_t align;
	} types[NODES_NR_MEMBERS] = {
		[LIST_ROOT] = { sizeof(struct rb_root), __alignof__(struct rb_root) },
		[LIST_HEADS] = { sizeof(struct list_head), __alignof__(struct list_head) },
		[LIST_LOCK] = { sizeof(spinlock_t), __alignof__(spinlock_t) },
	};
	size_t list = nodes_end(LIST_SIZE), used = 0;
	unsigned int i, j;

	for (i = LIST_ROOT; i <= LIST_LOCK; i++) {
		if (nodes_members[i].bit_size != types[i].size * BITS_PER_BYTE ||
		    nodes_members[i].bit_offset % (types[i].align * BITS_PER_BYTE) ||
		    nodes_end(i) > list)
			return "a member of struct rb_list cannot be there";
		for (j = LIST_ROOT; j < i; j++)
			if (nodes_offset(i) < nodes_end(j) && nodes_offset(j) < nodes_end(i))
				return "members of struct rb_list overlap";
		used += types[i].size;
	}
	if (list - used >= sizeof(long))
		return "members do not fill struct rb_list";
	for (i = NODE_BUSY; i <= NODE_LAZY; i++)
		if (nodes_end(i) - nodes_offset(i) != list ||
		    nodes_offset(i) % sizeof(long) || nodes_end(i) > nodes_end(NODE_SIZE))
			return "a list of struct vmap_node cannot be there";
	if (nodes_offset(NODE_BUSY) < nodes_end(NODE_LAZY) &&
	    nodes_offset(NODE_LAZY) < nodes_end(NODE_BUSY))
		return "lists of struct vmap_node overlap";
	return NULL;
}

static bool nodes_peek(void *to, const void *from, size_t size)
{
	return !copy_from_kernel_nofault(to, from, size);
}

/*
 * As memdiag_vmalloc_above(), without a lock and in memory that may not be a tree:
 * NULL also if it is none, or just being changed. A copy of what is found is left
 * in @copy.
 */
static struct vmap_area *nodes_peek_above(struct rb_node *node, unsigned long after,
					  struct vmap_area *copy)
{
	struct vmap_area *found = NULL, *va, now;
	unsigned int depth;

	for (depth = 0; node && depth < VMALLOC_DEPTH; depth++) {
		va = rb_entry(node, struct vmap_area, rb_node);
		if (!nodes_peek(&now, va, sizeof(now)))
			return NULL;
		if (now.va_start > after) {
			found = va;
			*copy = now;
			node = now.rb_node.rb_left;
		} else {
			node = now.rb_node.rb_right;
		}
	}
	return found;
}

/* Reads a copy: what is asked is whether the bits are those of a lock at rest. */
static bool nodes_looks_free(const spinlock_t *lock)
{
	spinlock_t copy;

	if (!nodes_peek(&copy, lock, sizeof(copy)))
		return false;
	return memdiag_spin_looks_free(&copy);
}

/* Only reads. Somebody may be changing the list, so one look is not enough. */
static const char *nodes_look_at(const struct nodes_list *list)
{
	struct vmap_area *first, copy;
	struct list_head head;
	struct rb_root root;

	if (!memdiag_vmalloc_is_list(list->head) || !nodes_peek(&head, list->head, sizeof(head)))
		return "no list where the layout has one";
	if (!nodes_peek(&root, list->root, sizeof(root)))
		return "no tree where the layout has one";
	if (!root.rb_node != (head.next == list->head))
		return "the tree does not match the list";
	first = nodes_peek_above(root.rb_node, 0, &copy);
	if (root.rb_node && (!first || &first->list != head.next ||
			     !memdiag_vmalloc_is_list(&first->list)))
		return "the tree does not match the list";
	if (!nodes_looks_free(list->lock))
		return "no lock where the layout has one, or it is always taken";
	return NULL;
}

static const char *nodes_check_lists(void)
{
	struct nodes_list list;
	const char *why = NULL;
	unsigned int i, tries;

	for (i = 0; i < 2 * nodes_nr && !why; i++) {
		list = nodes_list(i / 2, i % 2 ? NODE_LAZY : NODE_BUSY);
		for (tries = 0; tries < VMALLOC_TRIES; tries++) {
			why = nodes_look_at(&list);
			if (!why)
				break;
			cond_resched();
		}
	}
	return why;
}

/* The node that has our area, by reading only; nodes_nr if not exactly one has. */
static unsigned int nodes_peek_probe(const void *probe)
{
	unsigned int i, node = nodes_nr, seen = 0;
	struct nodes_list list;
	struct vmap_area copy;
	struct vm_struct vm;
	struct rb_root root;

	for (i = 0; i < nodes_nr; i++) {
		list = nodes_list(i, NODE_BUSY);
		if (!nodes_peek(&root, list.root, sizeof(root)) ||
		    !nodes_peek_above(root.rb_node, (unsigned long)probe - 1, &copy) ||
		    copy.va_start != (unsigned long)probe)
			continue;
		if (!nodes_peek(&vm, copy.vm, sizeof(vm)) ||
		    !memdiag_vmalloc_is_probe(&vm, probe))
			continue;
		seen++;
		node = i;
	}
	return seen == 1 ? node : nodes_nr;
}

/*
 * Whether an area of that address is in the list, and in use by us if it is one in
 * use; -EBUSY if the lock was not to be had.
 */
static int nodes_try(const struct nodes_list *list, const void *probe, bool lazy)
{
	struct vmap_area *va;
	unsigned int tries;
	bool found;

	for (tries = 0; tries < VMALLOC_TRIES; tries++) {
		if (!spin_trylock(list->lock)) {
			cond_resched();
			continue;
		}
		va = memdiag_vmalloc_above(list->root->rb_node, (unsigned long)probe - 1);
		found = va && va->va_start == (unsigned long)probe &&
			(lazy || memdiag_vmalloc_is_probe(va->vm, probe));
		spin_unlock(list->lock);
		return found;
	}
	return -EBUSY;
}

static bool nodes_is_lazy(const void *probe)
{
	struct nodes_list list;
	unsigned int i;

	for (i = 0; i < nodes_nr; i++) {
		list = nodes_list(i, NODE_LAZY);
		if (nodes_try(&list, probe, true) > 0)
			return true;
	}
	return false;
}

/* One area of ours: 1 if it came and went as it should, 0 if it was not seen to. */
static int nodes_check_probe(const char **why)
{
	struct nodes_list list;
	unsigned int node;
	void *probe;
	int ret;

	probe = memdiag_vmalloc_probe();
	if (!probe) {
		*why = "no memory";
		return -ENOMEM;
	}
	*why = "own area not found in one node, or not with its size, pages and caller";
	node = nodes_peek_probe(probe);
	list = nodes_list(node, NODE_BUSY);
	ret = node < nodes_nr ? nodes_try(&list, probe, false) : 0;
	vfree(probe);
	if (ret <= 0)
		return ret;
	*why = "own area still there after vfree()";
	ret = nodes_try(&list, probe, false);
	if (ret)
		return ret < 0 ? ret : 0;
	*why = "own freed area not found among the unpurged ones";
	return nodes_is_lazy(probe);
}

static int nodes_verify(const char **why)
{
	unsigned int tries;
	int ret = 0;

	*why = nodes_check_shape();
	if (!*why)
		*why = nodes_check_lists();
	if (*why)
		return -EINVAL;
	/* Trees that are just changed are misread, and a purge may come in between. */
	for (tries = 0; tries < VMALLOC_PROBES; tries++) {
		ret = nodes_check_probe(why);
		if (ret == 1)
			return 0;
		if (ret == -ENOMEM)
			break;
		cond_resched();
	}
	return ret ?: -EINVAL;
}

static bool nodes_find(void)
{
	const void *array = (void *)memdiag_resolve_data("vmap_nodes");
	const void *nr = (void *)memdiag_resolve_data("nr_vmap_nodes");

	return array && nr && nodes_peek(&nodes_first, array, sizeof(nodes_first)) &&
	       nodes_peek(&nodes_nr, nr, sizeof(nodes_nr));
}

/**
 * memdiag_vmalloc_nodes_init() - find this way, and verify it
 * @way: whence the layout: MEMDIAG_SRC_BTF or MEMDIAG_SRC_MIRROR
 *
 * Leaves lines in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOENT without the symbols, -EINVAL if they do not lead where they
 * should, -EBUSY if a lock was not to be had, -EOPNOTSUPP up to v6.8, -ENOMEM, or
 * as memdiag_layout_load().
 */
int __init memdiag_vmalloc_nodes_init(u32 way)
{
	const char *what = way == MEMDIAG_SRC_BTF ? "vmalloc nodes by BTF" :
						    "vmalloc nodes by mirror";
	const char *why = "no array of nodes there";
	int error;

	if (!nodes_find())
		return -ENOENT;
	error = memdiag_layout_load("struct vmap_node", way, nodes_members, NODES_NR_MEMBERS,
				    NODES_NR_MEMBERS);
	if (error)
		return error;
	if (!nodes_first || !IS_ALIGNED((unsigned long)nodes_first, sizeof(long)) ||
	    !nodes_nr || nodes_nr > NODES_MAX)
		error = -EINVAL;
	else
		error = nodes_verify(&why);
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, what, way, error, "%s", error ? why :
			     "own area found in one node by its size, pages and caller, and unpurged when freed");
	return error;
}

#else

int __init memdiag_vmalloc_nodes_init(u32 way)
{
	return -EOPNOTSUPP;
}

int memdiag_vmalloc_nodes_collect(struct memdiag_sink *sink)
{
	return -EOPNOTSUPP;
}

#endif
