// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening and reading the kernel's own files.
 *
 * A path means what it means to the init process, not to whoever reads a
 * snapshot (a container may have no /proc, or another one), so files are opened
 * by a worker. When that fails the caller's view is tried: on a machine whose
 * init process has moved on to another root, the worker may still be in the old
 * one.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "../memdiag.h"
#include "resolve.h"

static struct workqueue_struct *file_queue;

struct file_work {
	struct work_struct work;
	const char *path;
	struct file *file;
};

/* Not what could block or act when read, whatever stands at the path. */
static struct file *file_open_regular(const char *path)
{
	struct file *file = filp_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);

	if (!IS_ERR(file) && !S_ISREG(file_inode(file)->i_mode)) {
		filp_close(file, NULL);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

static void file_open_work(struct work_struct *work)
{
	struct file_work *open = container_of(work, struct file_work, work);

	open->file = file_open_regular(open->path);
}

/**
 * memdiag_file_init() - start the opener
 *
 * Return: 0 or -ENOMEM.
 */
int memdiag_file_init(void)
{
	file_queue = alloc_workqueue("memdiag", WQ_UNBOUND, 1);
	return file_queue ? 0 : -ENOMEM;
}

/** memdiag_file_exit() - stop the opener */
void memdiag_file_exit(void)
{
	destroy_workqueue(file_queue);
}

/**
 * memdiag_file_open() - open a kernel file for reading
 * @path: absolute path
 *
 * Context: may sleep; waits for a worker, so only while the module loads: keep
 * the file open for later.
 *
 * Return: the file, to be closed with filp_close(file, NULL); or ERR_PTR():
 * -ENOENT and the like, as open(2).
 */
struct file *memdiag_file_open(const char *path)
{
	struct file_work open = { .path = path };

	INIT_WORK_ONSTACK(&open.work, file_open_work);
	queue_work(file_queue, &open.work);
	flush_work(&open.work);
	destroy_work_on_stack(&open.work);

	if (IS_ERR(open.file))
		return file_open_regular(path);
	return open.file;
}

/* What kernel_read() does, for files that have nothing but their seq_file. */
static ssize_t file_seq_read(struct file *file, void *buf, size_t count, loff_t *pos)
{
	struct kvec vec = { .iov_base = buf, .iov_len = count };
	struct iov_iter iter;
	struct kiocb kiocb;
	ssize_t n;

	init_sync_kiocb(&kiocb, file);
	kiocb.ki_pos = *pos;
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, count);
	n = seq_read_iter(&kiocb, &iter);
	*pos = kiocb.ki_pos;
	return n;
}

/* Read up to @limit bytes; one more byte than read stays free for the NUL. */
static ssize_t file_read_all(struct file *file, char **text, size_t limit,
			     ssize_t (*read)(struct file *, void *, size_t, loff_t *))
{
	loff_t hint = i_size_read(file_inode(file));
	/* One byte for the NUL, one to see the end without growing. */
	size_t room = hint > 0 && hint < limit ? hint + 2 : PAGE_SIZE;
	size_t length = 0;
	loff_t pos = 0;
	char *buf, *more;
	ssize_t n;

	buf = memdiag_alloc(room, 1);
	if (!buf)
		return -ENOMEM;
	for (;;) {
		if (length == room - 1) {
			if (length >= limit) {
				n = -EFBIG;
				break;
			}
			more = memdiag_alloc(room, 2);
			if (!more) {
				n = -ENOMEM;
				break;
			}
			memcpy(more, buf, length);
			memdiag_free(buf);
			buf = more;
			room *= 2;
		}
		n = read(file, buf + length, room - 1 - length, &pos);
		if (n <= 0)
			break;
		length += n;
	}
	if (!n && length > limit)
		n = -EFBIG;
	if (n < 0) {
		memdiag_free(buf);
		return n;
	}
	buf[length] = '\0';
	*text = buf;
	return length;
}

/**
 * memdiag_file_read_opened() - read the whole of an opened kernel file
 * @file: from memdiag_file_open()
 * @text: out: the bytes and a NUL behind them, to be freed with memdiag_free()
 * @limit: largest size to accept, bytes
 *
 * For files that the kernel can read itself: not those whose only way to be
 * read is a ->read() that copies to userspace. Starts at the beginning each
 * time, so a file that is read often can stay open.
 *
 * Context: may sleep.
 *
 * Return: number of bytes; or negative errno: -EFBIG beyond @limit, -EINVAL
 * if the file cannot be read this way, -ENOMEM, or what read(2) said.
 */
ssize_t memdiag_file_read_opened(struct file *file, char **text, size_t limit)
{
	if (!file->f_op->read_iter || file->f_op->read)
		return -EINVAL;
	return file_read_all(file, text, limit, kernel_read);
}

/**
 * memdiag_file_read_seq() - read the whole of an opened seq_file in /proc
 * @file: from memdiag_file_open()
 * @text: out: as in memdiag_file_read_opened()
 * @limit: largest size to accept, bytes
 *
 * For files whose only way to be read is a ->read() that copies to userspace,
 * but which are seq_files below. Anything could be mounted over the path, so
 * what the file's private data points to must point back to it, as seq_open()
 * leaves it.
 *
 * Context: may sleep.
 *
 * Return: as memdiag_file_read_opened().
 */
ssize_t memdiag_file_read_seq(struct file *file, char **text, size_t limit)
{
	const struct seq_file *m = file->private_data;
	const struct file *back;

	if (file_inode(file)->i_sb->s_magic != PROC_SUPER_MAGIC || !m ||
	    copy_from_kernel_nofault(&back, &m->file, sizeof(back)) || back != file)
		return -EINVAL;
	return file_read_all(file, text, limit, file_seq_read);
}

/**
 * memdiag_file_read() - read a whole kernel file
 * @path: absolute path
 * @text: out: as in memdiag_file_read_opened()
 * @limit: largest size to accept, bytes
 *
 * Context: may sleep.
 *
 * Return: as memdiag_file_read_opened(), or what open(2) said.
 */
ssize_t memdiag_file_read(const char *path, char **text, size_t limit)
{
	struct file *file = memdiag_file_open(path);
	ssize_t n;

	if (IS_ERR(file))
		return PTR_ERR(file);
	n = memdiag_file_read_opened(file, text, limit);
	filp_close(file, NULL);
	return n;
}
