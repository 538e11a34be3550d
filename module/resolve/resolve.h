/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding what the kernel does not export: find, verify, then trust.
 *
 * The ways in stand here, each used by any provider, each leaving a line in the
 * resolve section so that "memdiagctl status" can say what rests on what:
 *
 *  symbol.c    the address of a data symbol; nothing is ever called by address
 *  given.c     the same, as handed over when the module was loaded
 *  ops.c       the kernel's own seq_operations, borrowed from an opened /proc file
 *  file.c      the text of a kernel file
 *  unloaded.c  names of modules that were unloaded
 *  layout.c    the layout of a private structure, by one way or another:
 *  btf.c       from the kernel's own BTF
 *  mirror.c    from a declaration of our own, made for this era of kernels
 */
#ifndef _MEMDIAG_RESOLVE_H
#define _MEMDIAG_RESOLVE_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/types.h>

struct file;

/*
 * Ways in that the tests close, to see the next one work: bits of the module
 * parameter force_ways. Only a build with MEMDIAG_TEST=1 has this parameter and
 * wrong_layout: the name of a member, "kmem_cache.list", that layouts place one
 * word further than it is, to see that the verification refuses it.
 */
#define MEMDIAG_FORCE_NO_BTF		BIT(0)
#define MEMDIAG_FORCE_NO_SYMBOL		BIT(1)
#define MEMDIAG_FORCE_NO_OPS		BIT(2)
#define MEMDIAG_FORCE_NO_MIRROR		BIT(3)
#define MEMDIAG_FORCE_NO_PAGES		BIT(4)
#ifdef MEMDIAG_TEST
extern unsigned int memdiag_force_ways;
extern char *memdiag_wrong_layout;
#else
#define memdiag_force_ways		0u
#endif

/**
 * enum memdiag_item_kind - what a line of the resolve section is about
 * @MEMDIAG_ITEM_SYMBOL: address of a data symbol
 * @MEMDIAG_ITEM_OPS: borrowed operations of a file
 * @MEMDIAG_ITEM_FILE: text of a file
 * @MEMDIAG_ITEM_LAYOUT: offsets in a private structure
 * @MEMDIAG_ITEM_CHECK: a verification that decides whether the rest is trusted
 * @MEMDIAG_ITEM_MIRROR: comparison of our declaration of a structure with BTF;
 *	decides nothing
 */
enum memdiag_item_kind {
	MEMDIAG_ITEM_SYMBOL,
	MEMDIAG_ITEM_OPS,
	MEMDIAG_ITEM_FILE,
	MEMDIAG_ITEM_LAYOUT,
	MEMDIAG_ITEM_CHECK,
	MEMDIAG_ITEM_MIRROR,
};

/**
 * struct memdiag_item - one line of the resolve section
 * @list: in the list that memdiag_resolve_items() walks
 * @kind: enum memdiag_item_kind
 * @source: enum memdiag_source by which it was found
 * @error: 0, or negative errno if it was not found or is not trusted
 * @name: of the symbol, file, structure or check
 * @detail: what was found, or why not
 */
struct memdiag_item {
	struct list_head list;
	enum memdiag_item_kind kind;
	u32 source;
	int error;
	char name[64];
	char detail[128];
};

/* resolve.c: the list of what was looked for */
int memdiag_resolve_init(void);
int memdiag_resolve_items(int (*fn)(const struct memdiag_item *item, void *arg),
			  void *arg);
const char *memdiag_item_kind_name(enum memdiag_item_kind kind);
const char *memdiag_source_name(u32 source);
__printf(5, 6)
void memdiag_resolve_note(enum memdiag_item_kind kind, const char *name,
			  u32 source, int error, const char *fmt, ...);
void memdiag_resolve_exit(void);

/* symbol.c */
unsigned long memdiag_resolve_data(const char *name);

/* unloaded.c */
/* Behind the name of a module that was unloaded. */
#define MEMDIAG_UNLOADED	" (unloaded)"
/* Between two modules, if it may have been either. */
#define MEMDIAG_OR		" or "
int memdiag_unloaded_init(void);
void memdiag_unloaded_exit(void);
bool memdiag_unloaded_print(unsigned long address, char *text);
void memdiag_unloaded_owner(unsigned long address, bool called, char *text);
const char *memdiag_symbol_module(const char *symbol, size_t *length);

/* given.c */
extern const struct kernel_param_ops memdiag_given_param;
int memdiag_given_init(void);
void memdiag_given_exit(void);
unsigned long memdiag_given_data(const char *name, int *error);

/**
 * struct memdiag_ops - operations borrowed from an opened seq_file
 * @file: the opened file, kept open as long as the operations are used
 * @op: the kernel's own operations
 * @buf: text buffer for ->show()
 * @buf_size: bytes of @buf
 */
struct memdiag_ops {
	struct file *file;
	const struct seq_operations *op;
	char *buf;
	size_t buf_size;
};

/* ops.c */
int memdiag_ops_open(struct memdiag_ops *ops, const char *path);
void memdiag_ops_close(struct memdiag_ops *ops);
void memdiag_ops_seq(const struct memdiag_ops *ops, struct seq_file *m);

/* file.c */
int memdiag_file_init(void);
void memdiag_file_exit(void);
struct file *memdiag_file_open(const char *path);
ssize_t memdiag_file_read_opened(struct file *file, char **text, size_t limit);
ssize_t memdiag_file_read_seq(struct file *file, char **text, size_t limit);
ssize_t memdiag_file_read(const char *path, char **text, size_t limit);

/**
 * struct memdiag_member - a member looked up in the kernel's BTF
 * @type: name of the struct or union
 * @member: name of the member; members of anonymous structs and unions inside
 *	are found by their own name
 * @found: out: whether it is there
 * @bit_offset: out: from the start of @type
 * @bit_size: out: width, of a bitfield or of the member's type; 0 if unknown
 */
struct memdiag_member {
	const char *type;
	const char *member;
	bool found;
	u32 bit_offset;
	u32 bit_size;
};

/* mirror.c */
int memdiag_mirror_members(struct memdiag_member *members, unsigned int nr);

/* layout.c */
int memdiag_layout_load(const char *what, u32 way, struct memdiag_member *members,
			unsigned int nr, unsigned int nr_required);

/* A copy of the kernel's BTF, only while resolving. */
struct memdiag_btf;

/* btf.c */
struct memdiag_btf *memdiag_btf_load(void);
void memdiag_btf_free(struct memdiag_btf *btf);
int memdiag_btf_members(const struct memdiag_btf *btf,
			struct memdiag_member *members, unsigned int nr);
u32 memdiag_btf_size(const struct memdiag_btf *btf, const char *type);
struct memdiag_btf *memdiag_btf_parse(const void *data, size_t size);

#endif /* _MEMDIAG_RESOLVE_H */
