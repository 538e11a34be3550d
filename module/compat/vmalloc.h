/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/vmalloc.h>, what differs between kernels. */
#ifndef _MEMDIAG_COMPAT_VMALLOC_H
#define _MEMDIAG_COMPAT_VMALLOC_H

#include <linux/moduleloader.h>
#include <linux/pgtable.h>
#include <linux/vmalloc.h>

/* e6f798225a31 ("mm: Introduce VM_SPARSE kind and vm_area_[un]map_pages()", in v6.9) */
#ifndef VM_SPARSE
#define VM_SPARSE	0
#endif

/**
 * memdiag_is_module_address() - whether an address is where modules are loaded
 * @address: the address
 *
 * Return: true if it is; never on architectures that load modules into the
 * ordinary vmalloc space.
 */
static inline bool memdiag_is_module_address(unsigned long address)
{
#if defined(CONFIG_MODULES) && defined(MODULES_VADDR)
	return address >= MODULES_VADDR && address < MODULES_END;
#else
	return false;
#endif
}

#endif /* _MEMDIAG_COMPAT_VMALLOC_H */
