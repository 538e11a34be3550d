// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of modules that were unloaded while memdiag was there.
 *
 * The kernel forgets a module with its code; what the module left behind still
 * has the address of the code that asked for it. So when a module goes, its name
 * is kept with the addresses it lay at, for the last GONE_MAX of them.
 *
 * The kernel is asked first: where a new module lies at the same addresses, what
 * the old one left behind cannot be told from what is the new one's.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../compat/module.h"
#include "../memdiag.h"
#include "resolve.h"

#define GONE_MAX	64

/**
 * struct gone_module - a module that is not there any more
 * @name: its name; empty in a free slot
 * @start: where its code was
 * @size: bytes
 */
struct gone_module {
	char name[MODULE_NAME_LEN];
	unsigned long start;
	unsigned long size;
};

static DEFINE_SPINLOCK(gone_lock);
/* Under gone_lock; a ring. */
static struct gone_module gone_modules[GONE_MAX];
static unsigned int gone_next;

static void gone_keep(const char *name, unsigned long start, unsigned long size)
{
	struct gone_module *gone;

	spin_lock(&gone_lock);
	gone = &gone_modules[gone_next++ % GONE_MAX];
	strscpy(gone->name, name, sizeof(gone->name));
	gone->start = start;
	gone->size = size;
	spin_unlock(&gone_lock);
}

static int gone_notify(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;
	unsigned long start, size;

	if (state == MODULE_STATE_GOING) {
		start = memdiag_module_text(mod, &size);
		gone_keep(mod->name, start, size);
	}
	return NOTIFY_DONE;
}

static struct notifier_block gone_notifier = { .notifier_call = gone_notify };

/**
 * memdiag_gone_print() - name an address in a module that was unloaded
 * @address: of code, for which the kernel knows no name
 * @text: out: KSYM_SYMBOL_LEN bytes: "+0x12 [module (unloaded)]", the offset
 *	being that in the code of the module; unchanged if there is no name
 *
 * Context: any but interrupt.
 *
 * Return: true if there is a name; that of the module that went last, if several
 * have been there.
 */
bool memdiag_gone_print(unsigned long address, char *text)
{
	const struct gone_module *gone;
	unsigned int i;
	bool found = false;

	spin_lock(&gone_lock);
	for (i = 1; i <= GONE_MAX && !found; i++) {
		gone = &gone_modules[(gone_next - i) % GONE_MAX];
		found = gone->name[0] && address - gone->start < gone->size;
		if (found)
			snprintf(text, KSYM_SYMBOL_LEN, "+0x%lx [%s" MEMDIAG_UNLOADED "]",
				 address - gone->start, gone->name);
	}
	spin_unlock(&gone_lock);
	return found;
}

/**
 * memdiag_symbol_module() - the module that a symbol was printed with
 * @symbol: "name+0x12/0x34 [module]", also with a build id behind the name, or
 *	as memdiag_gone_print() prints it
 * @length: out: of the module's name, with MEMDIAG_UNLOADED if that is there
 *
 * Return: the name, not terminated; NULL if there is none.
 */
const char *memdiag_symbol_module(const char *symbol, size_t *length)
{
	const char *open = strrchr(symbol, '[');

	if (!open++)
		return NULL;
	*length = strcspn(open, strstr(open, MEMDIAG_UNLOADED) ? "]" : " ]");
	return open;
}

/**
 * memdiag_gone_init() - begin to take notice
 *
 * Context: may sleep; not from a notifier of modules, as KUnit runs its suites.
 *
 * Return: 0 or what register_module_notifier() said.
 */
int memdiag_gone_init(void)
{
	return register_module_notifier(&gone_notifier);
}

/** memdiag_gone_exit() - forget all */
void memdiag_gone_exit(void)
{
	unregister_module_notifier(&gone_notifier);
}
