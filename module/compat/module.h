/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/module.h>, what differs between kernels. */
#ifndef _MEMDIAG_COMPAT_MODULE_H
#define _MEMDIAG_COMPAT_MODULE_H

#include <linux/mm.h>
#include <linux/module.h>

/**
 * memdiag_module_pages() - pages that a loaded module takes
 * @module: the module, live
 *
 * One piece up to v6.3, several later. It is a member, so Kbuild looks.
 *
 * Return: their number.
 */
static inline unsigned long memdiag_module_pages(const struct module *module)
{
#ifdef MEMDIAG_HAVE_CORE_LAYOUT
	return PFN_UP(module->core_layout.size);
#else
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(module->mem); i++)
		pages += PFN_UP(module->mem[i].size);
	return pages;
#endif
}

#endif /* _MEMDIAG_COMPAT_MODULE_H */
