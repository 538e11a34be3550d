// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own seq_operations, borrowed from an opened file of procfs.
 *
 * Opening /proc/slabinfo leaves a struct seq_file in the file's private data,
 * and in it the operations that walk the caches, with the subsystem's own locks
 * taken in ->start() and dropped in ->stop(). They were made to be called
 * through a pointer, so calling them is legal under IBT and kCFI, and nothing
 * was resolved to get them.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../memdiag.h"
#include "resolve.h"

/* Long enough for any one record that the kernel's ->show() prints. */
#define OPS_BUF_SIZE	SZ_4K

/*
 * Anything could be mounted over the path, and reading private data of another
 * file as a seq_file would be a wild read. So: it must be an entry in the root
 * of procfs or in its directory net, and what its private data points to must
 * point back to the file, as seq_open() leaves it.
 */
static bool ops_is_known_place(const struct dentry *dentry)
{
	const struct dentry *parent = dentry->d_parent;

	return parent == dentry->d_sb->s_root || !strcmp(parent->d_name.name, "net");
}

static const struct seq_operations *ops_of(const struct file *file)
{
	const struct dentry *dentry = file->f_path.dentry;
	const struct seq_file *m = file->private_data;
	const struct seq_operations *op;
	const struct file *back;

	if (dentry->d_sb->s_magic != PROC_SUPER_MAGIC || !ops_is_known_place(dentry) || !m)
		return NULL;
	if (copy_from_kernel_nofault(&back, &m->file, sizeof(back)) || back != file)
		return NULL;
	op = m->op;
	if (!op || !op->start || !op->next || !op->stop || !op->show)
		return NULL;
	return op;
}

/**
 * memdiag_ops_open() - borrow the operations of a file in /proc
 * @ops: out: filled in
 * @path: of a file in the root of procfs, or in net, that is a seq_file
 *
 * Leaves a line in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: 0; or negative errno: what open(2) said (-ENOENT: the kernel was
 * built without the file), -EINVAL if it is not such a file, -ENOMEM.
 */
int memdiag_ops_open(struct memdiag_ops *ops, const char *path)
{
	int error;

	memset(ops, 0, sizeof(*ops));
	if (memdiag_force_ways & MEMDIAG_FORCE_NO_OPS) {
		memdiag_resolve_note(MEMDIAG_ITEM_OPS, path, 0, -EPERM,
				     "switched off by the parameter force_ways");
		return -EPERM;
	}
	ops->file = memdiag_file_open(path);
	if (IS_ERR(ops->file)) {
		error = PTR_ERR(ops->file);
		ops->file = NULL;
		memdiag_resolve_note(MEMDIAG_ITEM_OPS, path, 0, error,
				     "open: %pe", ERR_PTR(error));
		return error;
	}
	ops->op = ops_of(ops->file);
	ops->buf = memdiag_keep(OPS_BUF_SIZE, 1);
	ops->buf_size = OPS_BUF_SIZE;
	if (!ops->op || !ops->buf) {
		error = ops->op ? -ENOMEM : -EINVAL;
		memdiag_resolve_note(MEMDIAG_ITEM_OPS, path, 0, error,
				     "no seq_operations in the opened file");
		memdiag_ops_close(ops);
		return error;
	}
	memdiag_resolve_note(MEMDIAG_ITEM_OPS, path, MEMDIAG_SRC_OPS, 0,
			     "seq_operations of the opened file");
	return 0;
}

/**
 * memdiag_ops_close() - give the operations back
 * @ops: as filled in by memdiag_ops_open(), or zeroed
 *
 * Context: may sleep.
 */
void memdiag_ops_close(struct memdiag_ops *ops)
{
	memdiag_free(ops->buf);
	if (ops->file)
		filp_close(ops->file, NULL);
	memset(ops, 0, sizeof(*ops));
}

/**
 * memdiag_ops_seq() - prepare a seq_file of our own for the operations
 * @ops: borrowed operations
 * @m: out: what to hand to op->start() and the others; ->show() prints into
 *	m->buf, m->count bytes so far; set m->count = 0 before each ->show()
 *
 * The buffer belongs to @ops: one walk at a time.
 */
void memdiag_ops_seq(const struct memdiag_ops *ops, struct seq_file *m)
{
	memset(m, 0, sizeof(*m));
	mutex_init(&m->lock);
	m->buf = ops->buf;
	m->size = ops->buf_size;
	m->op = ops->op;
	m->file = ops->file;
}
