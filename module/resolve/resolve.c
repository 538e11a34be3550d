// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of everything that was looked for in the kernel, and how it was
 * found. "memdiagctl status" prints it, so that a reader of the numbers can
 * judge what they rest on.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "../memdiag.h"
#include "resolve.h"

static LIST_HEAD(resolve_items);
static DEFINE_MUTEX(resolve_lock);

/**
 * memdiag_resolve_note() - add a line to the resolve section
 * @kind: what it is about
 * @name: of the symbol, file, structure or check
 * @source: enum memdiag_source by which it was found
 * @error: 0, or negative errno if it was not found or is not trusted
 * @fmt: what was found, or why not
 *
 * A second note on the same thing replaces the first. Without memory for the
 * line it is left out: the finding itself does not depend on it.
 *
 * Context: may sleep.
 */
void memdiag_resolve_note(enum memdiag_item_kind kind, const char *name,
			  u32 source, int error, const char *fmt, ...)
{
	struct memdiag_item *item;
	va_list args;

	mutex_lock(&resolve_lock);
	list_for_each_entry(item, &resolve_items, list)
		if (item->kind == kind && !strncmp(item->name, name, sizeof(item->name) - 1))
			goto fill;

	item = memdiag_keep(1, sizeof(*item));
	if (!item)
		goto unlock;
	item->kind = kind;
	strscpy(item->name, name, sizeof(item->name));
	list_add_tail(&item->list, &resolve_items);
fill:
	item->source = error ? MEMDIAG_SRC_NONE : source;
	item->error = error;
	va_start(args, fmt);
	vsnprintf(item->detail, sizeof(item->detail), fmt, args);
	va_end(args);
unlock:
	mutex_unlock(&resolve_lock);
}

/**
 * memdiag_resolve_items() - call a function for each line
 * @fn: called with the line and @arg; a value other than 0 ends the walk
 * @arg: handed to @fn
 *
 * Context: may sleep; @fn runs under the list's mutex.
 *
 * Return: what the last call of @fn returned.
 */
int memdiag_resolve_items(int (*fn)(const struct memdiag_item *item, void *arg),
			  void *arg)
{
	const struct memdiag_item *item;
	int ret = 0;

	mutex_lock(&resolve_lock);
	list_for_each_entry(item, &resolve_items, list) {
		ret = fn(item, arg);
		if (ret)
			break;
	}
	mutex_unlock(&resolve_lock);
	return ret;
}

/**
 * memdiag_item_kind_name() - the word for an item kind
 * @kind: the kind
 *
 * Return: a constant string.
 */
const char *memdiag_item_kind_name(enum memdiag_item_kind kind)
{
	switch (kind) {
	case MEMDIAG_ITEM_SYMBOL: return "symbol";
	case MEMDIAG_ITEM_OPS: return "ops";
	case MEMDIAG_ITEM_FILE: return "file";
	case MEMDIAG_ITEM_LAYOUT: return "layout";
	case MEMDIAG_ITEM_CHECK: return "check";
	case MEMDIAG_ITEM_MIRROR: return "mirror";
	}
	return "?";
}

/**
 * memdiag_source_name() - the word for a way in
 * @source: enum memdiag_source
 *
 * Return: a constant string.
 */
const char *memdiag_source_name(u32 source)
{
	switch (source) {
	case MEMDIAG_SRC_NONE: return "none";
	case MEMDIAG_SRC_EXPORT: return "export";
	case MEMDIAG_SRC_OPS: return "ops";
	case MEMDIAG_SRC_TEXT: return "text";
	case MEMDIAG_SRC_SYMBOL: return "symbol";
	case MEMDIAG_SRC_BTF: return "btf";
	case MEMDIAG_SRC_DERIVED: return "derived";
	case MEMDIAG_SRC_GIVEN: return "given";
	case MEMDIAG_SRC_MIRROR: return "mirror";
	case MEMDIAG_SRC_CALIBRATED: return "calibrated";
	case MEMDIAG_SRC_PAGES: return "pages";
	}
	return "?";
}

static void resolve_forget(void)
{
	struct memdiag_item *item, *next;

	list_for_each_entry_safe(item, next, &resolve_items, list) {
		list_del(&item->list);
		memdiag_free(item);
	}
}

/**
 * memdiag_resolve_init() - make the ways in usable
 *
 * Return: 0, -ENOMEM, or -EINVAL if the parameter "addresses" is not well-formed.
 */
int memdiag_resolve_init(void)
{
	int error = memdiag_file_init();

	if (error)
		return error;
	error = memdiag_given_init();
	if (error) {
		resolve_forget();
		memdiag_file_exit();
	}
	return error;
}

/**
 * memdiag_resolve_exit() - forget all lines and stop the opener
 *
 * Context: may sleep; no file opened by us may be in use any more.
 */
void memdiag_resolve_exit(void)
{
	memdiag_given_exit();
	memdiag_file_exit();
	resolve_forget();
}
