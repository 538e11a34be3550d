// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section resolve: one record per symbol, file, layout and check that the other
 * sections rest on. Walks the module's own list under its own mutex; it is
 * complete once the module is loaded.
 */
#include <linux/errno.h>

#include "../memdiag.h"
#include "../resolve/resolve.h"

struct resolve_record {
	u64 kind;
	u64 name;
	u64 source;
	u64 error;
	u64 detail;
};

static const struct memdiag_field_desc resolve_fields[] = {
	MEMDIAG_LABEL(resolve_record, kind, STR, NONE, KEY_BRIEF,
		      "symbol, ops, file, layout or check"),
	MEMDIAG_LABEL(resolve_record, name, STR, NONE, KEY_BRIEF, "what was looked for"),
	MEMDIAG_LABEL(resolve_record, source, STR, NONE, BRIEF,
		      "way by which it was found, or none"),
	MEMDIAG_LABEL(resolve_record, error, S64, NONE, BRIEF,
		      "0, or the negative errno for which it is not used"),
	MEMDIAG_LABEL(resolve_record, detail, STR, NONE, BRIEF, "what was found, or why not"),
};

static int resolve_push(const struct memdiag_item *item, void *arg)
{
	struct memdiag_sink *sink = arg;
	struct resolve_record *record = memdiag_push(sink);

	if (!record)
		return -ENOSPC;
	record->kind = memdiag_push_string(sink, memdiag_item_kind_name(item->kind));
	record->name = memdiag_push_string(sink, item->name);
	record->source = memdiag_push_string(sink, memdiag_source_name(item->source));
	record->error = (u64)(s64)item->error;
	record->detail = memdiag_push_string(sink, item->detail);
	return 0;
}

static int resolve_collect(struct memdiag_sink *sink)
{
	return memdiag_resolve_items(resolve_push, sink);
}

const struct memdiag_provider memdiag_resolve_provider = {
	.id = MEMDIAG_SEC_RESOLVE,
	.name = "resolve",
	.help = "per symbol, file, layout and check: how it was found",
	MEMDIAG_RECORDS(resolve_fields, resolve_record),
	.collect = resolve_collect,
};
