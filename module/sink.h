/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot in the making, as snapshot.c and sink.c share it. */
#ifndef _MEMDIAG_SINK_H
#define _MEMDIAG_SINK_H

#include "memdiag.h"

/* Slots of the table that finds strings already pushed; a power of two. */
#define SINK_HASH_SLOTS		8192
/* Slots of the table that knows strings which found no room; a power of two. */
#define SINK_MISSED_SLOTS	2048

/**
 * struct memdiag_collection - a snapshot in the making
 * @sinks: one per section
 * @sections: mask of the sections being collected
 * @strings: the string table; starts with a NUL, so offset 0 is ""
 * @strings_len: bytes used
 * @strings_max: bytes allocated
 * @strings_missed: bytes that a walk pushed and that did not fit
 * @missed: hashes of strings that did not fit, so that each counts once as a rule
 * @slots: offsets of strings by hash, 0 for a free slot
 * @layout_strings: bytes of strings that the layout may add
 * @reserved: bytes charged for the place that all this has in the finished snapshot
 * @by_pages: buffers are taken page by page
 * @track_min_age_ns: section track leaves out objects that are younger
 */
struct memdiag_collection {
	struct memdiag_sink sinks[MEMDIAG_NR_SECTIONS];
	u64 sections;
	char *strings;
	size_t strings_len;
	size_t strings_max;
	size_t strings_missed;
	u32 missed[SINK_MISSED_SLOTS];
	u32 *slots;
	size_t layout_strings;
	u64 reserved;
	bool by_pages;
	u64 track_min_age_ns;
};

s64 memdiag_sink_string(struct memdiag_collection *c, const char *string);
void memdiag_sink_forget_names(void);

#endif /* _MEMDIAG_SINK_H */
