// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section inode: one record per inode, of those with the most pages in the page
 * cache: files, deleted or not, of any file system, and block devices.
 *
 * Walks the superblocks of each file system that is registered, and of those of the
 * root and of block devices, with iterate_supers_type(), and the inodes of each. The
 * page frames lead to the same inodes, but nothing holds an inode that is found by
 * one of its pages; on the list of its superblock it is there as long as the lock is
 * held, and can be held itself.
 *
 * Locks: s_umount for reading, which waits while the file system is mounted or
 * unmounted, for a dead server as long as that takes; below it
 * s_inode_list_lock, let go every INODE_BATCH inodes, or when INODE_CANDIDATES
 * were found, with references to these and to the one to go on from, as
 * drop_caches does; below that i_lock, for a moment. Without a lock, but with the
 * reference, the inode is looked at and its path is printed: rename_lock, inside
 * of dentry_path_raw(). No reference outlives the visit to its superblock, which
 * could not be unmounted cleanly otherwise. If everyone else let go of a deleted
 * file meanwhile, it is we who give its pages back, as drop_caches would. On a file
 * system that is frozen that would wait until it is thawed, which needs s_umount: so
 * none is looked at there. It cannot be frozen to the end while we hold s_umount.
 *
 * The page that says which cgroup it is charged to is found under RCU without a
 * reference. It is copied as memory that may not be there, and believed if it
 * still belongs to the file and the cgroup is one that is held (memcg/table.c).
 *
 * Bounded: by INODE_MAX inodes per superblock; then the section is partial.
 *
 * Stale: pages come and go while others are looked at.
 *
 * Skipped: hugetlbfs and files with DAX, whose pages are no page cache; file systems
 * that are frozen, then the section is partial; what the kernel has of types that are
 * not registered, such as the rings of aio. A file system whose module is unloaded
 * while the section is collected may be loaded again: the kernel finds types by name
 * only, and asks for the module of a name that is gone. On overlayfs and the like the
 * pages are those of the file below. A file that is renamed or deleted
 * meanwhile may have either name.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "../compat/memcontrol.h"
#include "../compat/module.h"
#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "memcg/memcg.h"
#include "../readers/mounts.h"

#define INODE_FILESYSTEMS	"/proc/filesystems"
/* The file system that block devices have their pages in. */
#define INODE_BDEV		"bdev"
#define INODE_TOP		100
#define INODE_BATCH		256
#define INODE_CANDIDATES	16
#define INODE_MAX		BIT(24)
/* Entries at the beginning of a file that may be no pages: what was evicted. */
#define INODE_SHADOWS		64

struct inode_record {
	u64 fs;
	u64 dev;
	u64 ino;
	u64 mount;
	u64 path;
	u64 pages;
	u64 size;
	u64 deleted;
	u64 mapped;
	u64 dirty;
	u64 writeback;
	u64 memcg_id;
	u64 memcg;
};

static const struct memdiag_field_desc inode_fields[] = {
	MEMDIAG_LABEL(inode_record, fs, STR, NONE, KEY_BRIEF, "type of the file system"),
	MEMDIAG_LABEL(inode_record, dev, STR, NONE, KEY_BRIEF,
		      "major:minor of the superblock; of a block device (bdev) its own"),
	MEMDIAG_LABEL(inode_record, ino, U64, NONE, KEY, "inode number"),
	MEMDIAG_LABEL(inode_record, mount, STR, NONE, BRIEF,
		      "where init sees the file system mounted; absent if it does not"),
	MEMDIAG_LABEL(inode_record, path, STR, NONE, BRIEF,
		      "path within the file system; absent if nobody looked the file up by name, but for example by NFS handle"),
	MEMDIAG_GAUGE(inode_record, pages, U64, PAGES, BRIEF, "its pages in memory"),
	MEMDIAG_GAUGE(inode_record, size, U64, BYTES, BRIEF, "length, holes included"),
	MEMDIAG_LABEL(inode_record, deleted, BOOL, NONE, BRIEF,
		      "it has no name any more, or never had: it goes with the last user"),
	MEMDIAG_LABEL(inode_record, mapped, BOOL, NONE, BRIEF, "a process has it mapped"),
	MEMDIAG_LABEL(inode_record, dirty, BOOL, NONE, 0, "it has pages to be written back"),
	MEMDIAG_LABEL(inode_record, writeback, BOOL, NONE, 0, "it has pages being written back"),
	MEMDIAG_LABEL(inode_record, memcg_id, U64, NONE, 0,
		      "number of the cgroup that its first page is charged to; others may differ"),
	MEMDIAG_LABEL(inode_record, memcg, STR, NONE, BRIEF, "path of that cgroup"),
};

/* An inode that is among the first so far; nothing in it needs the inode. */
struct inode_found {
	u64 fs;
	dev_t dev;
	u64 ino;
	char *path;
	u64 pages;
	u64 size;
	u32 memcg;
	bool deleted;
	bool mapped;
	bool dirty;
	bool writeback;
};

/**
 * struct inode_walk - what a walk carries along
 * @sink: where to
 * @memcgs: the cgroups, or NULL
 * @path: MEMDIAG_MEMCG_PATH bytes, enough for any path
 * @found: the inodes with the most pages, in no order
 * @nr_found: their number
 * @least: which of them has the fewest pages, once there are INODE_TOP
 * @candidates: inodes with a reference, to be looked at
 * @nr_candidates: their number
 * @held: a reference to where the walk goes on
 * @paths_missed: there was no memory to keep the path of an inode
 * @error: why it ended
 */
struct inode_walk {
	struct memdiag_sink *sink;
	struct memdiag_memcgs *memcgs;
	char *path;
	struct inode_found found[INODE_TOP];
	unsigned int nr_found;
	unsigned int least;
	struct inode *candidates[INODE_CANDIDATES + 1];
	unsigned int nr_candidates;
	struct inode *held;
	bool paths_missed;
	int error;
};

static u64 inode_pages(const struct inode *inode)
{
	/* With DAX that counts what is mapped of a device. */
	if (IS_DAX(inode))
		return 0;
	/* Not i_mapping, which may be that of a device. */
	return READ_ONCE(inode->i_data.nrpages);
}

/* Has it more pages than the last of those found? */
static bool inode_wanted(const struct inode_walk *walk, u64 pages)
{
	return pages > (walk->nr_found < INODE_TOP ? 0 : walk->found[walk->least].pages);
}

/* The cgroup of the first page that is there. */
static u32 inode_memcg(const struct inode_walk *walk, struct address_space *mapping)
{
	u32 memcg = MEMDIAG_MEMCG_NONE;
#ifdef CONFIG_MEMCG
	unsigned long index = 0;
	struct page copy;
	unsigned int i;
	void *entry;

	if (!walk->memcgs)
		return memcg;
	rcu_read_lock();
	for (i = 0; i < INODE_SHADOWS; i++) {
		entry = xa_find(&mapping->i_pages, &index, ULONG_MAX, XA_PRESENT);
		if (!xa_is_value(entry))
			break;
		index++;
	}
	if (entry && !xa_is_value(entry) &&
	    !copy_from_kernel_nofault(&copy, entry, sizeof(copy)) && copy.mapping == mapping)
		memcg = memdiag_memcgs_of_page(walk->memcgs, memdiag_page_memcg_data(&copy));
	rcu_read_unlock();
#endif
	return memcg;
}

/*
 * Does the way up from an entry end in a root? One that was made for a handle has no
 * place until somebody looks it up by name, and is called "/".
 */
static bool inode_is_connected(const struct dentry *dentry)
{
	bool connected;

	rcu_read_lock();
	while (!IS_ROOT(dentry))
		dentry = READ_ONCE(dentry->d_parent);
	connected = !(READ_ONCE(dentry->d_flags) & DCACHE_DISCONNECTED);
	rcu_read_unlock();
	return connected;
}

/* Files of the kernel's own have a name without a place, which never changes. */
static char *inode_path(struct inode_walk *walk, struct inode *inode)
{
	struct dentry *dentry = d_find_any_alias(inode);
	char *copy = NULL;
	const char *path;

	if (!dentry)
		return NULL;
	if (!inode_is_connected(dentry))
		goto put;
	if (IS_ROOT(dentry) && !S_ISDIR(inode->i_mode))
		path = dentry->d_name.name;
	else
		path = dentry_path_raw(dentry, walk->path, PATH_MAX);
	if (!IS_ERR(path)) {
		copy = memdiag_keep_string(path, PATH_MAX);
		walk->paths_missed |= !copy;
	}
put:
	dput(dentry);
	return copy;
}

static void inode_find_least(struct inode_walk *walk)
{
	unsigned int i;

	walk->least = 0;
	for (i = 1; i < walk->nr_found; i++)
		if (walk->found[i].pages < walk->found[walk->least].pages)
			walk->least = i;
}

/* With a reference and no lock: put it among those found. */
static void inode_look(struct inode_walk *walk, struct inode *inode)
{
	struct address_space *mapping = &inode->i_data;
	struct inode_found *found;
	u64 pages = inode_pages(inode);

	if (!inode_wanted(walk, pages))
		return;
	if (walk->nr_found < INODE_TOP) {
		found = &walk->found[walk->nr_found++];
	} else {
		found = &walk->found[walk->least];
		memdiag_free(found->path);
	}
	found->fs = memdiag_push_string(walk->sink, inode->i_sb->s_type->name);
	found->dev = S_ISBLK(inode->i_mode) ? inode->i_rdev : inode->i_sb->s_dev;
	found->ino = inode->i_ino;
	found->path = inode_path(walk, inode);
	found->pages = pages;
	found->size = i_size_read(inode);
	found->memcg = inode_memcg(walk, mapping);
	found->deleted = !READ_ONCE(inode->i_nlink);
	found->mapped = mapping_mapped(mapping);
	found->dirty = mapping_tagged(mapping, PAGECACHE_TAG_DIRTY);
	found->writeback = mapping_tagged(mapping, PAGECACHE_TAG_WRITEBACK);
	inode_find_least(walk);
}

/* Without a lock: the candidates, of which @on is held to go on from. */
static void inode_look_at_all(struct inode_walk *walk, struct inode *on)
{
	unsigned int i;

	for (i = 0; i < walk->nr_candidates; i++) {
		inode_look(walk, walk->candidates[i]);
		if (walk->candidates[i] != on)
			iput(walk->candidates[i]);
	}
	walk->nr_candidates = 0;
	iput(walk->held);
	walk->held = on;
}

/* Is it time to let the lock go? Then the last candidate is where to go on. */
static bool inode_pause(struct inode_walk *walk, struct inode *inode, unsigned int batch)
{
	if (inode_wanted(walk, inode_pages(inode)) && igrab(inode)) {
		walk->candidates[walk->nr_candidates++] = inode;
		return walk->nr_candidates >= INODE_CANDIDATES || batch >= INODE_BATCH;
	}
	/* One that is on its way out cannot be held: the next one then. */
	if (batch < INODE_BATCH || !igrab(inode))
		return false;
	walk->candidates[walk->nr_candidates++] = inode;
	return true;
}

static void inode_walk_super(struct super_block *sb, void *arg)
{
	struct inode_walk *walk = arg;
	struct memdiag_sink *sink = walk->sink;
	unsigned long batch = 0, nr = 0;
	struct inode *inode;

	if (walk->error || sb->s_magic == HUGETLBFS_MAGIC)
		return;
	if (READ_ONCE(sb->s_writers.frozen) != SB_UNFROZEN) {
		memdiag_mark_partial(sink, "%s %u:%u is frozen: its files are not looked at",
				     sb->s_type->name, MAJOR(sb->s_dev), MINOR(sb->s_dev));
		return;
	}
	spin_lock(&sb->s_inode_list_lock);
	memdiag_lock_begin(sink);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!inode_pause(walk, inode, ++batch))
			continue;
		memdiag_lock_end(sink);
		spin_unlock(&sb->s_inode_list_lock);

		inode_look_at_all(walk, inode);
		nr += batch;
		batch = 0;
		cond_resched();
		if (fatal_signal_pending(current))
			walk->error = -EINTR;
		else if (nr >= INODE_MAX)
			memdiag_mark_partial(sink, "more than %lu inodes in one file system: the rest is not looked at",
					     INODE_MAX);

		spin_lock(&sb->s_inode_list_lock);
		memdiag_lock_begin(sink);
		if (walk->error || nr >= INODE_MAX)
			break;
	}
	memdiag_lock_end(sink);
	spin_unlock(&sb->s_inode_list_lock);
	inode_look_at_all(walk, NULL);
}

/*
 * Each line is "nodev", or nothing, a tab and a name. Cuts @text in place. Of types
 * that are not registered there are @others.
 */
static int inode_walk_types(struct inode_walk *walk, char *text,
			    struct file_system_type **others, unsigned int nr)
{
	struct file_system_type *type;
	unsigned int i;
	char *line;

	while ((line = strsep(&text, "\n")) && !walk->error) {
		line = strchr(line, '\t');
		type = line ? get_fs_type(line + 1) : NULL;
		if (!type)
			continue;
		for (i = 0; i < nr; i++)
			if (others[i] == type)
				others[i] = NULL;
		if (memdiag_module_is_live(type->owner))
			iterate_supers_type(type, inode_walk_super, walk);
		module_put(type->owner);
	}
	for (i = 0; i < nr; i++)
		if (others[i] && !walk->error)
			iterate_supers_type(others[i], inode_walk_super, walk);
	return walk->error;
}

/* The root is not registered where the machine runs from its initramfs; newer bdev never. */
static int inode_walk_text(struct inode_walk *walk, char *text)
{
	struct file *root = filp_open("/", O_RDONLY | O_DIRECTORY, 0);
	struct file_system_type *others[2] = {};
	int error;

	if (IS_ERR(root))
		return PTR_ERR(root);
	others[0] = file_inode(root)->i_sb->s_type;
	if (IS_ENABLED(CONFIG_BLOCK) && blockdev_superblock->s_type != others[0])
		others[1] = blockdev_superblock->s_type;
	error = inode_walk_types(walk, text, others, ARRAY_SIZE(others));
	filp_close(root, NULL);
	return error;
}

static int inode_more_pages(const void *a, const void *b)
{
	const struct inode_found *x = a, *y = b;

	return x->pages > y->pages ? -1 : x->pages < y->pages;
}

static int inode_push(struct inode_walk *walk, const struct inode_found *found)
{
	struct memdiag_sink *sink = walk->sink;
	struct inode_record *record = memdiag_push(sink);
	struct memdiag_memcg_label label;

	if (!record)
		return -ENOSPC;
	record->fs = found->fs;
	record->dev = memdiag_push_printf(sink, "%u:%u", MAJOR(found->dev), MINOR(found->dev));
	record->ino = found->ino;
	if (found->path)
		record->path = memdiag_push_string(sink, found->path);
	record->pages = found->pages;
	record->size = found->size;
	record->deleted = found->deleted;
	record->mapped = found->mapped;
	record->dirty = found->dirty;
	record->writeback = found->writeback;
	if (found->memcg != MEMDIAG_MEMCG_NONE) {
		memdiag_memcgs_label(walk->memcgs, found->memcg, sink, walk->path, &label);
		record->memcg_id = label.id;
		record->memcg = label.path;
	}
	return 0;
}

/* Opened each time, by the caller, as section shmem does. */
static int inode_walk_all(struct inode_walk *walk)
{
	struct file *file = filp_open(INODE_FILESYSTEMS, O_RDONLY, 0);
	unsigned int i;
	char *text;
	ssize_t n;
	int error;

	if (IS_ERR(file))
		return PTR_ERR(file);
	n = memdiag_file_read_opened(file, &text, SZ_64K);
	filp_close(file, NULL);
	if (n < 0)
		return n;
	error = inode_walk_text(walk, text);
	memdiag_free(text);
	sort(walk->found, walk->nr_found, sizeof(*walk->found), inode_more_pages, NULL);
	for (i = 0; i < walk->nr_found; i++) {
		if (!error)
			error = inode_push(walk, &walk->found[i]);
		memdiag_free(walk->found[i].path);
	}
	return error;
}

static int inode_collect(struct memdiag_sink *sink)
{
	struct inode_walk *walk = memdiag_alloc(1, sizeof(*walk));
	int error = -ENOMEM;

	if (!walk)
		return error;
	walk->sink = sink;
	walk->path = memdiag_alloc(MEMDIAG_MEMCG_PATH, 1);
	walk->memcgs = memdiag_memcgs_get();
	/* Without cgroups there is still the rest. */
	if (IS_ERR(walk->memcgs)) {
		if (PTR_ERR(walk->memcgs) != -EOPNOTSUPP)
			memdiag_mark_partial(sink, "memcg: cgroups cannot be listed: %pe",
					     walk->memcgs);
		walk->memcgs = NULL;
	}
	if (walk->path)
		error = inode_walk_all(walk);
	if (walk->paths_missed)
		memdiag_mark_partial(sink, "path: no memory for some paths");
	if (walk->memcgs)
		memdiag_memcgs_put(walk->memcgs);
	memdiag_free(walk->path);
	memdiag_free(walk);
	return error;
}

static int inode_finish(struct memdiag_sink *sink)
{
	int error = memdiag_name_mounts(sink, offsetof(struct inode_record, dev),
					offsetof(struct inode_record, mount));
	unsigned int i;

	/* What is mounted from a block device is not the device. */
	for (i = 0; i < sink->nr_records; i++) {
		struct inode_record *record = memdiag_record(sink, i);

		if (!strcmp(memdiag_string(sink, record->fs), INODE_BDEV))
			record->mount = MEMDIAG_ABSENT;
	}
	return error;
}

static unsigned int inode_estimate(void)
{
	return INODE_TOP;
}

static void __init inode_section_init(struct memdiag_status *status)
{
	memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

const struct memdiag_provider memdiag_inode_provider __refconst = {
	.id = MEMDIAG_SEC_INODE,
	.name = "inode",
	.help = "per inode, of the 100 with the most pages in the page cache: file, cgroup, deleted or not",
	MEMDIAG_RECORDS(inode_fields, inode_record),
	.on_request = true,
	.init = inode_section_init,
	.estimate = inode_estimate,
	.collect = inode_collect,
	.finish = inode_finish,
};
