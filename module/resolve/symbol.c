// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses of data symbols that the kernel does not export: by kprobe, or as
 * given when the module was loaded.
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
static unsigned long __init symbol_by_kprobe(const char *name, int *error)
{
	struct kprobe *kp = memdiag_alloc(1, sizeof(*kp));
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
	memdiag_free(kp);
	return address;
}
#else
static unsigned long __init symbol_by_kprobe(const char *name, int *error)
{
	*error = -EOPNOTSUPP;
	return 0;
}
#endif

/*
 * Is there a symbol of the kernel at the address? kallsyms may know a second one
 * there, so the name is not compared. One of a module is refused: the kprobe finds
 * those too, where the kernel has none of the name, and a module can go.
 */
static bool __init symbol_confirmed(unsigned long address)
{
	char *text = memdiag_alloc(KSYM_SYMBOL_LEN, 1);
	bool confirmed;
	size_t length;

	if (!text)
		return false;
	sprint_symbol(text, address);
	confirmed = strstr(text, "+0x0/") && !memdiag_symbol_module(text, &length);
	memdiag_free(text);
	return confirmed;
}

/* Return: the address, or 0 and why not in @why. */
static unsigned long __init symbol_looked_up(const char *name, int *error, char *why, size_t why_size)
{
	unsigned long address, word;

	if (memdiag_force_ways & MEMDIAG_FORCE_NO_SYMBOL) {
		*error = -EPERM;
		strscpy(why, "kprobe switched off by the parameter force_ways", why_size);
		return 0;
	}
	address = symbol_by_kprobe(name, error);
	if (!address) {
		if (*error != -ENOMEM)
			*error = -ENOENT;
		snprintf(why, why_size, IS_ENABLED(CONFIG_KPROBES) ?
			 "not found by kprobe: %pe" : "CONFIG_KPROBES is not set: %pe",
			 ERR_PTR(*error));
		return 0;
	}
	if (!symbol_confirmed(address) ||
	    copy_from_kernel_nofault(&word, (void *)address, sizeof(word))) {
		*error = -EINVAL;
		strscpy(why, "address by kprobe not confirmed by kallsyms", why_size);
		return 0;
	}
	return address;
}

/**
 * memdiag_resolve_data() - find a data symbol
 * @name: a name that occurs only once in the kernel; one that stands in
 *	given_list.h, or it cannot be given
 *
 * Leaves a line in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: its address, readable at least for one word; 0 if it was not found.
 */
unsigned long __init memdiag_resolve_data(const char *name)
{
	int error = 0, given_error;
	unsigned long address;
	char why[64];

	address = symbol_looked_up(name, &error, why, sizeof(why));
	if (address) {
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, MEMDIAG_SRC_SYMBOL, 0,
				     "address by kprobe");
		return address;
	}
	address = memdiag_given_data(name, &given_error);
	if (address)
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, MEMDIAG_SRC_GIVEN, 0,
				     "address given when loaded; %s", why);
	else if (given_error == -EFAULT)
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, MEMDIAG_SRC_NONE, -EFAULT,
				     "the given address cannot be right; %s", why);
	else
		memdiag_resolve_note(MEMDIAG_ITEM_SYMBOL, name, MEMDIAG_SRC_NONE, error,
				     "%s; no address given", why);
	return address;
}
