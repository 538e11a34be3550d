/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/vmalloc.h>, what differs between kernels. */
#ifndef _MEMDIAG_COMPAT_VMALLOC_H
#define _MEMDIAG_COMPAT_VMALLOC_H

#include <linux/module.h>
#include <linux/moduleloader.h>
#include <linux/pgtable.h>
#include <linux/vmalloc.h>

/* e6f798225a31 ("mm: Introduce VM_SPARSE kind and vm_area_[un]map_pages()", in v6.9) */
#ifndef VM_SPARSE
#define VM_SPARSE	0
#endif

/*
 * Up to v6.8 the header declares vmap_area_list (removed by 55c49fee57af,
 * "mm/vmalloc: remove vmap_area_list", in v6.9): all areas stand in one list and
 * one tree. Where it does not, they are spread over struct vmap_node.
 */
#ifndef MEMDIAG_HAVE_VMAP_AREA_LIST
/**
 * memdiag_vmap_is_ram() - whether an area without a vm_struct is of vm_map_ram()
 * @va: the area
 *
 * The flag VMAP_RAM is private to mm/vmalloc.c, where it came with 869176a09606
 * ("mm/vmalloc.c: add flags to mark vm_map_ram area", in v6.3). Should it ever
 * be another one, KUnit and the oracle see such areas missing.
 */
static inline bool memdiag_vmap_is_ram(const struct vmap_area *va)
{
	return va->flags & 0x1;
}
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
	const unsigned long start = MODULES_VADDR;

	return start != VMALLOC_START && address >= start && address < MODULES_END;
#else
	return false;
#endif
}

/**
 * memdiag_module_is_in() - whether a module has a part that begins in an area
 * @mod: the module, which cannot go away
 * @start: first address of the area
 * @end: address behind its last
 *
 * Up to v6.3 a module has two parts (ac3b43283923, "module: replace module_layout
 * with module_memory").
 */
static inline bool memdiag_module_is_in(const struct module *mod, unsigned long start,
					unsigned long end)
{
#ifdef MEMDIAG_HAVE_MODULE_MEM
	unsigned int i;

	for (i = 0; i < MOD_MEM_NUM_TYPES; i++) {
		unsigned long base = (unsigned long)READ_ONCE(mod->mem[i].base);

		if (base >= start && base < end)
			return true;
	}
	return false;
#else
	unsigned long core = (unsigned long)mod->core_layout.base;
	unsigned long init = (unsigned long)READ_ONCE(mod->init_layout.base);

	return (core >= start && core < end) || (init >= start && init < end);
#endif
}

#endif /* _MEMDIAG_COMPAT_VMALLOC_H */
