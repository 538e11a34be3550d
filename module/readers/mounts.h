/* SPDX-License-Identifier: GPL-2.0-only */
/* Where file systems are mounted. */
#ifndef _MEMDIAG_READERS_MOUNTS_H
#define _MEMDIAG_READERS_MOUNTS_H

#include <linux/types.h>

struct memdiag_sink;

int memdiag_name_mounts(struct memdiag_sink *sink, u32 dev, u32 mount);

#endif /* _MEMDIAG_READERS_MOUNTS_H */
