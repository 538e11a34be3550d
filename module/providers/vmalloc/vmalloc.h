/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the vmalloc sections share: record, words, text of a line. */
#ifndef _MEMDIAG_VMALLOC_H
#define _MEMDIAG_VMALLOC_H

#include <linux/bits.h>
#include <linux/kallsyms.h>
#include <linux/types.h>

struct list_head;
struct memdiag_sink;
struct rb_node;
struct vm_struct;
struct vmap_area;

#define VMALLOC_PATH	"/proc/vmallocinfo"
/* Records between two looks at the scheduler. */
#define VMALLOC_BATCH	1024
/* Most areas in one hold of a spinlock. */
#define VMALLOC_HOLD	512
/* A tree of depth 2 * log2(n + 1) cannot be higher. */
#define VMALLOC_DEPTH	(2 * BITS_PER_LONG)
/* How often a lock is tried that is not waited for. */
#define VMALLOC_TRIES	100
/* Pages of the area that is made to be found again; unlikely in any other. */
#define VMALLOC_PROBE_PAGES	37
/* So many areas of our own are freed to see one turn up among the unpurged. */
#define VMALLOC_PROBES	5

/* What an area is, in the order in which /proc/vmallocinfo prints the words. */
#define AREA_IOREMAP		BIT(0)
#define AREA_SPARSE		BIT(1)
#define AREA_VMALLOC		BIT(2)
#define AREA_VMAP		BIT(3)
#define AREA_USER		BIT(4)
#define AREA_DMA_COHERENT	BIT(5)
#define AREA_VPAGES		BIT(6)
#define AREA_NR_WORDS		7
#define AREA_WORDS		GENMASK(AREA_NR_WORDS - 1, 0)
/* These two stand instead of a caller. */
#define AREA_VM_MAP_RAM		BIT(7)
#define AREA_UNPURGED		BIT(8)
#define AREA_NR_BITS		9

/*
 * While collecting, @flags holds AREA_* bits, @start the raw address, and
 * @caller a raw address if the areas themselves are walked.
 */
struct vmalloc_record {
	u64 id;
	u64 kind;
	u64 size;
	u64 nr_pages;
	u64 caller;
	u64 module;
	u64 flags;
	u64 start;
	u64 end;
	u64 phys_addr;
};

extern const char * const memdiag_vmalloc_words[AREA_NR_WORDS];

/* A line of the text, taken apart. Strings point into it. */
struct vmalloc_line {
	unsigned long start;
	unsigned long end;
	unsigned long size;
	unsigned long nr_pages;
	u64 phys_addr;
	u64 flags;
	char caller[KSYM_SYMBOL_LEN];
};

/* area.c */
struct vmap_area *memdiag_vmalloc_above(struct rb_node *node, unsigned long after);
bool memdiag_vmalloc_push(struct memdiag_sink *sink, const struct vmap_area *va,
			  u64 without_vm);
bool memdiag_vmalloc_is_list(const struct list_head *head);
void *memdiag_vmalloc_probe(void);
bool memdiag_vmalloc_is_probe(const struct vm_struct *vm, const void *probe);

/* ops.c */
int memdiag_vmalloc_ops_init(bool *unpurged);
void memdiag_vmalloc_ops_exit(void);
int memdiag_vmalloc_ops_collect(struct memdiag_sink *sink);

/* nodes.c */
int memdiag_vmalloc_nodes_init(u32 way);
int memdiag_vmalloc_nodes_collect(struct memdiag_sink *sink);

/* text.c */
int memdiag_vmalloc_text_init(void);
void memdiag_vmalloc_text_exit(void);
int memdiag_vmalloc_read_lines(int (*fn)(struct vmalloc_line *line, void *arg),
				  void *arg);

#endif /* _MEMDIAG_VMALLOC_H */
