// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/memdiag/<section>: one file per section, read-only.
 *
 * Opening takes a snapshot of that section, reading prints it, so a reader who
 * needs several reads still sees one moment. 0400 and nothing but read, so that
 * the files stay usable on a locked-down kernel.
 */
#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "memdiag.h"

static struct dentry *debugfs_dir;

/**
 * struct debugfs_reader - one open file
 * @bytes: its snapshot
 * @section: the section it shows
 */
struct debugfs_reader {
	struct memdiag_bytes *bytes;
	const struct memdiag_section *section;
};

static void *reader_at(struct seq_file *m, loff_t pos)
{
	const struct debugfs_reader *reader = m->private;

	if (!pos)
		return SEQ_START_TOKEN;
	/* Record n stands at position n + 1; its pointer is only a token. */
	if (pos > reader->section->nr_records)
		return NULL;
	return (void *)(unsigned long)(pos + 1);
}

static void *reader_start(struct seq_file *m, loff_t *pos)
{
	return reader_at(m, *pos);
}

static void *reader_next(struct seq_file *m, void *v, loff_t *pos)
{
	return reader_at(m, ++*pos);
}

static void reader_stop(struct seq_file *m, void *v)
{
}

static int reader_show(struct seq_file *m, void *v)
{
	const struct debugfs_reader *reader = m->private;

	if (v == SEQ_START_TOKEN)
		memdiag_text_head(m, reader->bytes, reader->section);
	else
		memdiag_text_record(m, reader->bytes, reader->section,
				    (unsigned long)v - 2);
	return 0;
}

static const struct seq_operations reader_ops = {
	.start = reader_start,
	.next = reader_next,
	.stop = reader_stop,
	.show = reader_show,
};

static int reader_open(struct inode *inode, struct file *file)
{
	const struct memdiag_provider *provider = inode->i_private;
	struct debugfs_reader *reader;
	struct memdiag_bytes *bytes;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	bytes = memdiag_snapshot_collect(BIT_ULL(provider->id));
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	reader = __seq_open_private(file, &reader_ops, sizeof(*reader));
	if (!reader) {
		memdiag_snapshot_put(bytes);
		return -ENOMEM;
	}
	reader->bytes = bytes;
	reader->section = memdiag_snapshot_section(bytes, provider->id);
	return 0;
}

static int reader_release(struct inode *inode, struct file *file)
{
	const struct seq_file *m = file->private_data;
	const struct debugfs_reader *reader = m->private;

	memdiag_snapshot_put(reader->bytes);
	return seq_release_private(inode, file);
}

static const struct file_operations reader_fops = {
	.owner = THIS_MODULE,
	.open = reader_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = reader_release,
};

/**
 * memdiag_debugfs_init() - make the files
 *
 * Without debugfs there are none, and everything else works.
 */
void memdiag_debugfs_init(void)
{
	u32 id;

	debugfs_dir = debugfs_create_dir("memdiag", NULL);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_provider *provider = memdiag_status(id)->provider;

		debugfs_create_file(provider->name, 0400, debugfs_dir,
				    (void *)provider, &reader_fops);
	}
}

/** memdiag_debugfs_exit() - remove the files; waits for readers inside */
void memdiag_debugfs_exit(void)
{
	debugfs_remove_recursive(debugfs_dir);
}
