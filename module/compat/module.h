/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/module.h>: where the parts of a module lie. */
#ifndef _MEMDIAG_COMPAT_MODULE_H
#define _MEMDIAG_COMPAT_MODULE_H

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/types.h>

/**
 * struct memdiag_module_parts - what a module takes for itself
 * @text: code, bytes
 * @rodata: read-only data, also that which is so only after init, bytes
 * @data: other data, bytes
 * @init: code and data for its init, given back after it, bytes
 */
struct memdiag_module_parts {
	u64 text;
	u64 rodata;
	u64 data;
	u64 init;
};

/*
 * ac3b43283923 ("module: replace module_layout with module_memory", in v6.4)
 * brought one area per type, and this macro.
 */
#ifdef for_each_mod_mem_type
static inline void memdiag_module_measure(const struct module *mod,
					  struct memdiag_module_parts *parts)
{
	parts->text = mod->mem[MOD_TEXT].size;
	parts->rodata = (u64)mod->mem[MOD_RODATA].size + mod->mem[MOD_RO_AFTER_INIT].size;
	parts->data = mod->mem[MOD_DATA].size;
	parts->init = (u64)mod->mem[MOD_INIT_TEXT].size + mod->mem[MOD_INIT_DATA].size +
		      mod->mem[MOD_INIT_RODATA].size;
}

static inline unsigned long memdiag_module_text(const struct module *mod, unsigned long *size)
{
	*size = mod->mem[MOD_TEXT].size;
	return (unsigned long)mod->mem[MOD_TEXT].base;
}

static inline unsigned long memdiag_module_init_text(const struct module *mod,
						     unsigned long *size)
{
	*size = mod->mem[MOD_INIT_TEXT].size;
	return (unsigned long)mod->mem[MOD_INIT_TEXT].base;
}
#else
static inline void memdiag_module_measure(const struct module *mod,
					  struct memdiag_module_parts *parts)
{
	parts->text = mod->core_layout.text_size;
	parts->rodata = mod->core_layout.ro_after_init_size - mod->core_layout.text_size;
	parts->data = mod->core_layout.size - mod->core_layout.ro_after_init_size;
#ifdef CONFIG_ARCH_WANTS_MODULES_DATA_IN_VMALLOC
	parts->data += mod->data_layout.size;
#endif
	parts->init = mod->init_layout.size;
}

/* All of it, as it is one piece. */
static inline unsigned long memdiag_module_text(const struct module *mod, unsigned long *size)
{
	*size = mod->core_layout.size;
	return (unsigned long)mod->core_layout.base;
}

static inline unsigned long memdiag_module_init_text(const struct module *mod,
						     unsigned long *size)
{
	*size = mod->init_layout.size;
	return (unsigned long)mod->init_layout.base;
}
#endif

/**
 * memdiag_module_is_live() - whether try_module_get() will hold a module
 * @module: the module; NULL: the kernel
 *
 * A reference to one that is still loading holds nothing: if its init fails the
 * module is freed all the same.
 *
 * Context: the module cannot go to the end meanwhile.
 *
 * Return: true if its init has succeeded.
 */
static inline bool memdiag_module_is_live(const struct module *module)
{
	return !module || READ_ONCE(module->state) == MODULE_STATE_LIVE;
}

/**
 * memdiag_module_pages() - pages that a loaded module takes
 * @module: the module, live
 *
 * Return: their number.
 */
static inline unsigned long memdiag_module_pages(const struct module *module)
{
#ifdef for_each_mod_mem_type
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(module->mem); i++)
		pages += PFN_UP(module->mem[i].size);
	return pages;
#else
	return PFN_UP(module->core_layout.size);
#endif
}

#endif /* _MEMDIAG_COMPAT_MODULE_H */
