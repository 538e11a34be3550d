// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses of data symbols that the kernel does not export.
 *
 * register_kprobe() with a symbol name stores the address it looked up before
 * it refuses to probe data, so the refused registration is all we want. No
 * function is ever called through an address found here: on CPUs with IBT the
 * kernel seals functions against that, and kCFI checks their prototype.
 */
#include <linux/err.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../memdiag.h"
#include "resolve.h"

#ifdef CONFIG_KPROBES
static unsigned long symbol_by_kprobe(const char *name, int *error)
{
	struct kprobe *kp = kzalloc(sizeof(*kp), GFP_KERNEL);
	unsigned long address;

	if (!kp) {
		*error = -ENOMEM;
		return 0;
	}
	kp->symbol_name = name;
	/* Should the name turn out to be a function: never arm anything. */
	kp->flags = KPROBE_FLAG_DISABLED;
	*error = register_kprobe(kp);
	address = (unsigned long)kp->addr;
	if (!*error) {
		unregister_kprobe(kp);
		*error = -EINVAL;
		address = 0;
	}
	kfree(kp);
	return address;
}
#else
static unsigned long symbol_by_kprobe(const char *name, int *error)
{
	*error = -EOPNOTSUPP;
	return 0;
}
#endif

/*
 * kallsyms must give the same name back for the address. It may know a second
 * symbol at the same address, so only the offset is required to be zero.
 */
static bool symbol_confirmed(unsigned long address)
{
	char *text = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);
	bool confirmed;

	if (!text)
		return false;
	sprint_symbol(text, address);
	confirmed = strstr(text, "+0x0/") != NULL;
	kfree(text);
	return confirmed;
}

/**
 * memdiag_resolve_data() - find a data symbol
 * @name: a name that occurs only once in the kernel
 *
 * Leaves a line in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: its address, readable at least for one word; 0 if it was not found.
 */
unsigned long memdiag_resolve_data(const char *name)
{
	unsigned long address, word;
	int error = 0;

	if (memdiag_force_ways & MEMDIAG_FORCE_NO_SYMBOL) {
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, 0, -EPERM,
				     "switched off by the parameter force_ways");
		return 0;
	}

	address = symbol_by_kprobe(name, &error);
	if (!address) {
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, 0,
				     error == -ENOMEM ? error : -ENOENT,
				     IS_ENABLED(CONFIG_KPROBES) ?
				     "not found by kprobe: %pe" :
				     "CONFIG_KPROBES is not set: %pe",
				     ERR_PTR(error));
		return 0;
	}
	if (!symbol_confirmed(address) ||
	    copy_from_kernel_nofault(&word, (void *)address, sizeof(word))) {
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, 0, -EINVAL,
				     "address not confirmed by kallsyms, not used");
		return 0;
	}
	memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, MEMDIAG_SRC_SYMBOL, 0,
			     "address by kprobe");
	return address;
}
