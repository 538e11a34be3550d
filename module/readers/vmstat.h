/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of the vm statistics, learned by memdiag_vmstat_init(): the kernel does
 * not export its table.
 */
#ifndef _MEMDIAG_READERS_VMSTAT_H
#define _MEMDIAG_READERS_VMSTAT_H

#include <linux/sizes.h>

#include "../compat/mmzone.h"
#include "../resolve/resolve.h"

#define MEMDIAG_VMSTAT_PATH	"/proc/vmstat"
/* Largest text of the file to accept, bytes. */
#define MEMDIAG_VMSTAT_LIMIT	SZ_128K

/* Where the enums begin in the order of /proc/vmstat. */
#define MEMDIAG_VMSTAT_ZONE	0u
#define MEMDIAG_VMSTAT_NUMA	((unsigned int)NR_VM_ZONE_STAT_ITEMS)
#define MEMDIAG_VMSTAT_NODE	(MEMDIAG_VMSTAT_NUMA + NR_VM_NUMA_EVENT_ITEMS)
#define MEMDIAG_VMSTAT_OTHER	(MEMDIAG_VMSTAT_NODE + NR_VM_NODE_STAT_ITEMS)

struct memdiag_field_desc;

/**
 * struct memdiag_vmstat - what was learned when the module was loaded
 * @ops: operations borrowed from /proc/vmstat
 * @by_ops: values are read through @ops, not from the text
 * @names: the names; NULL if there are none
 * @nr_names: their number
 * @nr_values: the first of them, which have a counter in the array of ->start();
 *	those behind are names given up
 * @named: the names stand where the enums of the public headers say
 * @error: 0, or the negative errno why nothing was learned
 */
struct memdiag_vmstat {
	struct memdiag_ops ops;
	bool by_ops;
	char **names;
	unsigned int nr_names;
	unsigned int nr_values;
	bool named;
	int error;
};

extern struct memdiag_vmstat memdiag_vmstat;

/* A line "name value", cut out of a text; its end is overwritten with a NUL. */
struct memdiag_vmstat_line {
	char *name;
	unsigned long value;
};

void memdiag_vmstat_init(void);
void memdiag_vmstat_exit(void);
bool memdiag_vmstat_next_line(char **text, struct memdiag_vmstat_line *line);
char *memdiag_vmstat_show(struct seq_file *m, void *value);
u16 memdiag_vmstat_kind(const char *name);
const char *memdiag_vmstat_unit(const char *name);
unsigned int memdiag_vmstat_fields(struct memdiag_field_desc *fields, u32 offset,
				   unsigned int first, unsigned int nr, u16 flags,
				   const char *help);

#endif /* _MEMDIAG_READERS_VMSTAT_H */
