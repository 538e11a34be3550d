/* SPDX-License-Identifier: GPL-2.0-only */
/* The text of /proc/meminfo, for the sizes that have no exported accessor. */
#ifndef _MEMDIAG_READERS_MEMINFO_H
#define _MEMDIAG_READERS_MEMINFO_H

#include <linux/types.h>

struct memdiag_sink;

void memdiag_meminfo_init(void);
void memdiag_meminfo_exit(void);
char *memdiag_meminfo_read(struct memdiag_sink *sink);
u64 memdiag_meminfo_number(const char *text, const char *name);
u64 memdiag_meminfo_pages(const char *text, const char *name);

#endif /* _MEMDIAG_READERS_MEMINFO_H */
