// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section shmem: one record per tmpfs superblock, mounted anywhere, and one per
 * kind of file of those that the kernel made for itself: memfds, SysV segments,
 * shared anonymous memory, and what drivers have (graphics above all).
 *
 * Walks the superblocks with iterate_supers_type(), and the inodes of each, for
 * the kernel counts pages only where there is a limit, and never apart from what
 * is swapped out. Where it is mounted says mounts.c.
 *
 * The root that the initramfs is unpacked to, and devtmpfs, are tmpfs by another name,
 * of types that are not registered: the module looks for them at "/" and "/dev" while it
 * loads. Both types are part of the kernel and never go away.
 *
 * Locks: s_umount for reading, which waits while the file system is mounted or
 * unmounted; below it s_inode_list_lock, let go every SHMEM_BATCH inodes, with a
 * reference to the one to go on from, as drop_caches does; below that the
 * i_lock of inodes of internal superblocks, which keeps their name there.
 *
 * Stale: pages come and go while inodes are looked at.
 *
 * Skipped: what is beyond SHMEM_MAX_INODES inodes of a superblock; then the
 * section is partial. ramfs and hugetlbfs are not tmpfs. A superblock that is mounted
 * only in other namespaces has no path. The first root is skipped where init has moved
 * on to another one: what it held was deleted by then.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "../compat/shmem.h"
#include "../memdiag.h"
#include "../readers/mounts.h"
#include "shmem.h"

#define SHMEM_BATCH		256
#define SHMEM_MAX_INODES	BIT(20)

const char * const memdiag_shmem_kinds[SHMEM_NR_KINDS] = {
	[SHMEM_MOUNTED] = "mounted",
	[SHMEM_MEMFD] = "memfd",
	[SHMEM_SYSV] = "sysv",
	[SHMEM_ANON] = "anon",
	[SHMEM_KERNEL] = "kernel",
};

struct shmem_record {
	u64 dev;
	u64 kind;
	u64 mount;
	u64 pages;
	u64 swapped;
	u64 used_blocks;
	u64 max_blocks;
	u64 used_inodes;
	u64 max_inodes;
	u64 inodes;
	u64 unlinked;
	u64 unlinked_pages;
};

static const struct memdiag_field_desc shmem_fields[] = {
	MEMDIAG_LABEL(shmem_record, dev, STR, NONE, KEY_BRIEF, "major:minor of the superblock"),
	MEMDIAG_LABEL(shmem_record, kind, STR, NONE, KEY_BRIEF,
		      "mounted; or what internal files are for: memfd, sysv, anon (shared anonymous memory), kernel (drivers)"),
	MEMDIAG_LABEL(shmem_record, mount, STR, NONE, BRIEF,
		      "where init sees it mounted; absent if it does not"),
	MEMDIAG_GAUGE(shmem_record, pages, U64, PAGES, BRIEF, "pages of its files in memory"),
	MEMDIAG_GAUGE(shmem_record, swapped, U64, PAGES, BRIEF, "pages of its files swapped out"),
	MEMDIAG_GAUGE(shmem_record, used_blocks, U64, PAGES, 0,
		      "pages it counts against its limit, swapped out or not; absent if it has none"),
	MEMDIAG_GAUGE(shmem_record, max_blocks, U64, PAGES, BRIEF,
		      "its limit (size=); absent of internal ones"),
	MEMDIAG_GAUGE(shmem_record, used_inodes, U64, NONE, 0,
		      "inodes it counts against its limit; absent if it has none"),
	MEMDIAG_GAUGE(shmem_record, max_inodes, U64, NONE, 0, "that limit (nr_inodes=)"),
	MEMDIAG_GAUGE(shmem_record, inodes, U64, NONE, BRIEF, "inodes that are there"),
	MEMDIAG_GAUGE(shmem_record, unlinked, U64, NONE, BRIEF,
		      "of these, without a name: deleted but in use; all of an internal one"),
	MEMDIAG_GAUGE(shmem_record, unlinked_pages, U64, PAGES, BRIEF, "pages of these in memory"),
};

/* Inodes of one kind, added up. */
struct shmem_sum {
	u64 inodes;
	u64 pages;
	u64 swapped;
	u64 unlinked;
	u64 unlinked_pages;
};

struct shmem_walk {
	struct memdiag_sink *sink;
	int error;
};

/**
 * memdiag_shmem_name_kind() - what an internal file is for
 * @name: of its dentry
 *
 * Return: its kind, never SHMEM_MOUNTED.
 */
enum shmem_kind memdiag_shmem_name_kind(const char *name)
{
	if (!strncmp(name, "memfd:", 6))
		return SHMEM_MEMFD;
	if (!strncmp(name, "SYSV", 4))
		return SHMEM_SYSV;
	if (!strcmp(name, "dev/zero"))
		return SHMEM_ANON;
	return SHMEM_KERNEL;
}

/**
 * memdiag_shmem_is_internal() - did the kernel mount it for itself?
 * @sb: a superblock
 *
 * Return: true if it did.
 */
bool memdiag_shmem_is_internal(const struct super_block *sb)
{
	return sb->s_flags & SB_KERNMOUNT;
}

#ifdef CONFIG_SHMEM

/* Types of the root and of devtmpfs, where those are tmpfs. */
static struct file_system_type *shmem_others[2];
static unsigned int shmem_nr_others;

/* Names of internal files do not change, and go only with the dentry. */
static enum shmem_kind shmem_inode_kind(struct inode *inode)
{
	enum shmem_kind kind = SHMEM_KERNEL;
	struct dentry *alias;

	spin_lock(&inode->i_lock);
	alias = memdiag_inode_alias(inode);
	if (alias)
		kind = memdiag_shmem_name_kind(alias->d_name.name);
	spin_unlock(&inode->i_lock);
	return kind;
}

/* Lockless: each number is right by itself. */
static void shmem_add(struct shmem_sum *sum, struct inode *inode)
{
	/* Not i_mapping, which may be that of a device. */
	u64 pages = READ_ONCE(inode->i_data.nrpages);

	sum->inodes++;
	sum->pages += pages;
	sum->swapped += memdiag_shmem_swapped(inode);
	if (!READ_ONCE(inode->i_nlink)) {
		sum->unlinked++;
		sum->unlinked_pages += pages;
	}
}

static int shmem_walk_inodes(struct memdiag_sink *sink, struct super_block *sb,
			     struct shmem_sum *sums)
{
	bool internal = memdiag_shmem_is_internal(sb);
	struct inode *inode, *held = NULL;
	unsigned int batch = 0, nr = 0;
	int error = 0;

	spin_lock(&sb->s_inode_list_lock);
	memdiag_lock_begin(sink);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		shmem_add(&sums[internal ? shmem_inode_kind(inode) : SHMEM_MOUNTED], inode);
		/* One that is on its way out cannot be held: the next one then. */
		if (++batch < SHMEM_BATCH || !igrab(inode))
			continue;
		memdiag_lock_end(sink);
		spin_unlock(&sb->s_inode_list_lock);

		iput(held);
		held = inode;
		nr += batch;
		batch = 0;
		cond_resched();
		if (fatal_signal_pending(current))
			error = -EINTR;
		else if (nr >= SHMEM_MAX_INODES)
			error = -EFBIG;

		spin_lock(&sb->s_inode_list_lock);
		memdiag_lock_begin(sink);
		if (error)
			break;
	}
	memdiag_lock_end(sink);
	spin_unlock(&sb->s_inode_list_lock);
	iput(held);
	if (error == -EFBIG) {
		memdiag_mark_partial(sink, "more than %lu inodes in one tmpfs: the rest is not counted",
				     SHMEM_MAX_INODES);
		error = 0;
	}
	return error;
}

static void shmem_fill_limits(struct shmem_record *record, struct shmem_sb_info *info)
{
	u64 max_inodes = READ_ONCE(info->max_inodes);
	u64 max_blocks = READ_ONCE(info->max_blocks);

	record->max_blocks = max_blocks ?: MEMDIAG_UNLIMITED;
	if (max_blocks)
		record->used_blocks = percpu_counter_sum_positive(&info->used_blocks);
	record->max_inodes = max_inodes ?: MEMDIAG_UNLIMITED;
	if (max_inodes)
		record->used_inodes = max_inodes - min(max_inodes, memdiag_shmem_free_inodes(info));
}

static int shmem_push(struct memdiag_sink *sink, struct super_block *sb, enum shmem_kind kind,
		      const struct shmem_sum *sum)
{
	struct shmem_record *record = memdiag_push(sink);

	if (!record)
		return -ENOSPC;
	record->dev = memdiag_push_printf(sink, "%u:%u", MAJOR(sb->s_dev), MINOR(sb->s_dev));
	record->kind = memdiag_push_string(sink, memdiag_shmem_kinds[kind]);
	record->pages = sum->pages;
	record->swapped = sum->swapped;
	record->inodes = sum->inodes;
	record->unlinked = sum->unlinked;
	record->unlinked_pages = sum->unlinked_pages;
	if (kind == SHMEM_MOUNTED)
		shmem_fill_limits(record, sb->s_fs_info);
	return 0;
}

static void shmem_collect_one(struct super_block *sb, void *arg)
{
	struct shmem_sum sums[SHMEM_NR_KINDS] = {};
	struct shmem_walk *walk = arg;
	unsigned int kind;

	if (!walk->error)
		walk->error = shmem_walk_inodes(walk->sink, sb, sums);
	if (walk->error)
		return;
	if (!memdiag_shmem_is_internal(sb)) {
		walk->error = shmem_push(walk->sink, sb, SHMEM_MOUNTED, &sums[SHMEM_MOUNTED]);
		return;
	}
	for (kind = SHMEM_MOUNTED + 1; kind < SHMEM_NR_KINDS && !walk->error; kind++)
		if (sums[kind].inodes)
			walk->error = shmem_push(walk->sink, sb, kind, &sums[kind]);
}

/**
 * memdiag_shmem_is_tmpfs() - is it one of those that memdiag_shmem_each() calls for?
 * @sb: a superblock
 *
 * Context: any.
 *
 * Return: true if it is.
 */
bool memdiag_shmem_is_tmpfs(const struct super_block *sb)
{
	unsigned int i;

	for (i = 0; i < shmem_nr_others; i++)
		if (sb->s_type == shmem_others[i])
			return true;
	return sb->s_magic == TMPFS_MAGIC && !strcmp(sb->s_type->name, "tmpfs");
}

/**
 * memdiag_shmem_each() - call a function for each tmpfs
 * @fn: what to call, with s_umount held for reading
 * @arg: for @fn
 *
 * Context: may sleep.
 *
 * Return: 0, or -ENODEV if the kernel has no tmpfs.
 */
int memdiag_shmem_each(void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	unsigned int i;

	if (!type)
		return -ENODEV;
	iterate_supers_type(type, fn, arg);
	module_put(type->owner);
	for (i = 0; i < shmem_nr_others; i++)
		iterate_supers_type(shmem_others[i], fn, arg);
	return 0;
}

static int shmem_collect(struct memdiag_sink *sink)
{
	struct shmem_walk walk = { .sink = sink };

	return memdiag_shmem_each(shmem_collect_one, &walk) ?: walk.error;
}

static int shmem_finish(struct memdiag_sink *sink)
{
	return memdiag_name_mounts(sink, offsetof(struct shmem_record, dev),
				   offsetof(struct shmem_record, mount));
}

/* Is what is mounted there a tmpfs of a type that get_fs_type() does not know? */
static void __init shmem_look_at(const char *path)
{
	struct file_system_type *type, *known = NULL;
	const struct super_block *sb;
	struct file *file;

	file = filp_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (IS_ERR(file))
		return;
	sb = file_inode(file)->i_sb;
	type = sb->s_type;
	/* The kernel would ask for a module of a name that is not registered, as rootfs. */
	if (!strcmp(type->name, "devtmpfs"))
		known = get_fs_type(type->name);
	/* The registered devtmpfs only stands in for the type of the mount. */
	if (sb->s_magic == TMPFS_MAGIC && !type->owner && known != type &&
	    strcmp(type->name, "tmpfs") && shmem_nr_others < ARRAY_SIZE(shmem_others))
		shmem_others[shmem_nr_others++] = type;
	if (known)
		module_put(known->owner);
	filp_close(file, NULL);
}

static void __init shmem_look(struct memdiag_status *status)
{
	shmem_look_at("/");
	shmem_look_at("/dev");
	memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

#else

static int shmem_collect(struct memdiag_sink *sink)
{
	return -EOPNOTSUPP;
}

static int shmem_finish(struct memdiag_sink *sink)
{
	return 0;
}

/* There tmpfs is another name of ramfs, which counts nothing. */
static void __init shmem_look(struct memdiag_status *status)
{
	memdiag_set_unavailable(status, -EOPNOTSUPP, "CONFIG_SHMEM is not set");
}

#endif /* CONFIG_SHMEM */

const struct memdiag_provider memdiag_shmem_provider __refconst = {
	.id = MEMDIAG_SEC_SHMEM,
	.name = "shmem",
	.help = "per tmpfs, mounted or the kernel's own: pages, limits, deleted files in use",
	MEMDIAG_RECORDS(shmem_fields, shmem_record),
	.init = shmem_look,
	.collect = shmem_collect,
	.finish = shmem_finish,
};
