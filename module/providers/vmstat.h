/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of the vm statistics, learned by the vmstat provider's init: the
 * kernel does not export its table.
 */
#ifndef _MEMDIAG_PROVIDERS_VMSTAT_H
#define _MEMDIAG_PROVIDERS_VMSTAT_H

#include "../compat/mmzone.h"

/* Where the enums begin in the order of /proc/vmstat. */
#define MEMDIAG_VMSTAT_ZONE	0u
#define MEMDIAG_VMSTAT_NUMA	((unsigned int)NR_VM_ZONE_STAT_ITEMS)
#define MEMDIAG_VMSTAT_NODE	(MEMDIAG_VMSTAT_NUMA + NR_VM_NUMA_EVENT_ITEMS)
#define MEMDIAG_VMSTAT_OTHER	(MEMDIAG_VMSTAT_NODE + NR_VM_NODE_STAT_ITEMS)

struct memdiag_field_desc;

unsigned int memdiag_vmstat_fields(struct memdiag_field_desc *fields, u32 offset,
				   unsigned int first, unsigned int nr, u16 flags,
				   const char *help);

#endif /* _MEMDIAG_PROVIDERS_VMSTAT_H */
