// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas of the vmalloc address space in the kernel's structures: the next one of a
 * tree, the record of one, and one of our own to be found again.
 *
 * Locks: the caller holds the lock of the tree. Nothing here sleeps but
 * memdiag_vmalloc_probe().
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/uaccess.h>

#include "../../compat/vmalloc.h"
#include "../../memdiag.h"
#include "vmalloc.h"

/**
 * memdiag_vmalloc_above() - the first area above an address
 * @node: root of the tree, or NULL
 * @after: the address
 *
 * Context: under the lock of the tree.
 *
 * Return: the area of the lowest address above @after; NULL if there is none.
 */
struct vmap_area *memdiag_vmalloc_above(struct rb_node *node, unsigned long after)
{
	struct vmap_area *va, *found = NULL;
	unsigned int depth;

	for (depth = 0; node && depth < VMALLOC_DEPTH; depth++) {
		va = rb_entry(node, struct vmap_area, rb_node);
		if (va->va_start > after) {
			found = va;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static u64 area_flags(const struct vm_struct *vm)
{
	unsigned long flags = READ_ONCE(vm->flags);

	return (flags & VM_IOREMAP ? AREA_IOREMAP : 0) |
	       (flags & VM_SPARSE ? AREA_SPARSE : 0) |
	       (flags & VM_ALLOC ? AREA_VMALLOC : 0) |
	       (flags & VM_MAP ? AREA_VMAP : 0) |
	       (flags & VM_USERMAP ? AREA_USER : 0) |
	       (flags & VM_DMA_COHERENT ? AREA_DMA_COHERENT : 0) |
	       (is_vmalloc_addr(READ_ONCE(vm->pages)) ? AREA_VPAGES : 0);
}

/**
 * memdiag_vmalloc_push() - append the record of an area
 * @sink: the sink
 * @va: the area
 * @without_vm: what it is if it has no vm_struct; AREA_UNPURGED: it has none
 *
 * Context: under the lock of the tree that @va is in: only reads and pushes.
 *
 * Return: false if there is no room.
 */
bool memdiag_vmalloc_push(struct memdiag_sink *sink, const struct vmap_area *va, u64 without_vm)
{
	const struct vm_struct *vm = without_vm == AREA_UNPURGED ? NULL : va->vm;
	struct vmalloc_record *record = memdiag_push(sink);

	if (!record)
		return false;
	if (!vm) {
		record->start = va->va_start;
		record->size = va->va_end - va->va_start;
		record->flags = without_vm;
		return true;
	}
	/*
	 * The vm_struct cannot go away under the lock, but whoever allocates the
	 * area fills it in without: each of these is one word.
	 */
	record->start = (unsigned long)READ_ONCE(vm->addr);
	record->size = READ_ONCE(vm->size);
	record->nr_pages = READ_ONCE(vm->nr_pages);
	record->flags = area_flags(vm);
	if (vm->caller)
		record->caller = (unsigned long)vm->caller;
	if (vm->phys_addr)
		record->phys_addr = vm->phys_addr;
	return true;
}

/**
 * memdiag_vmalloc_probe() - make the area that is looked for
 *
 * Context: may sleep.
 *
 * Return: for vfree(); NULL if there is no memory.
 */
void *memdiag_vmalloc_probe(void)
{
	return memdiag_alloc_pages(VMALLOC_PROBE_PAGES * PAGE_SIZE - 1);
}

/**
 * memdiag_vmalloc_is_probe() - whether an area is the one looked for
 * @vm: its vm_struct, or NULL
 * @probe: what memdiag_vmalloc_probe() returned
 *
 * Return: true if all that we know of ours is so.
 */
bool memdiag_vmalloc_is_probe(const struct vm_struct *vm, const void *probe)
{
	return vm && vm->addr == probe && vm->size == (VMALLOC_PROBE_PAGES + 1) * PAGE_SIZE &&
	       vm->nr_pages == VMALLOC_PROBE_PAGES && area_flags(vm) == AREA_VMALLOC &&
	       within_module((unsigned long)vm->caller, THIS_MODULE);
}

/**
 * memdiag_vmalloc_is_list() - whether something is in a list, or heads one
 * @head: where it should be, anything
 *
 * Return: true if its neighbours point back to it.
 */
bool memdiag_vmalloc_is_list(const struct list_head *head)
{
	struct list_head copy, next, prev;

	return !copy_from_kernel_nofault(&copy, head, sizeof(copy)) &&
	       !copy_from_kernel_nofault(&next, copy.next, sizeof(next)) &&
	       !copy_from_kernel_nofault(&prev, copy.prev, sizeof(prev)) &&
	       next.prev == head && prev.next == head;
}
