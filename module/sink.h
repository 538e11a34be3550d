/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot in the making, as snapshot.c and sink.c share it. */
#ifndef _MEMDIAG_SINK_H
#define _MEMDIAG_SINK_H

#include "memdiag.h"

/* Slots of the table that finds strings already pushed; a power of two. */
#define SINK_HASH_SLOTS		8192

/**
 * struct memdiag_collection - a snapshot in the making
 * @sinks: one per section
 * @sections: mask of the sections being collected
 * @strings: the string table; starts with a NUL, so offset 0 is ""
 * @strings_len: bytes used
 * @strings_max: bytes allocated
 * @strings_full: a push did not fit
 * @slots: offsets of strings by hash, 0 for a free slot
 * @charged: bytes charged against the limit
 */
struct memdiag_collection {
	struct memdiag_sink sinks[MEMDIAG_NR_SECTIONS];
	u64 sections;
	char *strings;
	size_t strings_len;
	size_t strings_max;
	bool strings_full;
	u32 *slots;
	size_t charged;
};

s64 memdiag_sink_string(struct memdiag_collection *c, const char *string);
void memdiag_sink_forget_names(void);

#endif /* _MEMDIAG_SINK_H */
