// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section shmem_file: one record per process and tmpfs file without a name that
 * the process holds open: deleted files, memfds. And one record without a process per
 * such file with memory that no process has open. It is held by a mapping, as SysV
 * segments are, by a message in a UNIX socket, or by the kernel, as graphics buffers are.
 * On request, for it looks at every open file of every process.
 *
 * Walks the tables of open files (task_walk.c); a file found is held by a reference
 * while its name is printed. Then the inodes of every tmpfs, as section shmem does.
 *
 * Locks: those of task_walk.c; then s_umount, s_inode_list_lock and i_lock, as section shmem.
 *
 * Stale: a file may have been closed, or deleted, since it was looked at. One that
 * was opened meanwhile, or went from one process to the next, may have no process.
 *
 * Skipped: in whose socket a message is. Section net_task counts what is in flight.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/kdev_t.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/shmem.h"
#include "../memdiag.h"
#include "shmem.h"
#include "../readers/task_walk.h"

struct shmem_file_record {
	u64 pid;
	u64 start_time;
	u64 comm;
	u64 dev;
	u64 ino;
	u64 kind;
	u64 path;
	u64 size;
	u64 pages;
	u64 swapped;
	u64 fds;
	u64 mapped;
	u64 generation;
};

static const struct memdiag_field_desc shmem_file_fields[] = {
	MEMDIAG_LABEL(shmem_file_record, pid, U64, NONE, KEY_BRIEF,
		      "process that has it open, as in section task; absent if none has"),
	MEMDIAG_LABEL(shmem_file_record, start_time, U64, NS, KEY, "likewise"),
	MEMDIAG_LABEL(shmem_file_record, comm, STR, NONE, BRIEF, "its name, any bytes"),
	MEMDIAG_LABEL(shmem_file_record, dev, STR, NONE, KEY, "as in section shmem"),
	MEMDIAG_LABEL(shmem_file_record, ino, U64, NONE, KEY_BRIEF, "inode number"),
	MEMDIAG_LABEL(shmem_file_record, kind, STR, NONE, BRIEF, "as in section shmem"),
	MEMDIAG_LABEL(shmem_file_record, path, STR, NONE, BRIEF, "the name it had"),
	MEMDIAG_GAUGE(shmem_file_record, size, U64, BYTES, 0, "length, holes included"),
	MEMDIAG_GAUGE(shmem_file_record, pages, U64, PAGES, BRIEF,
		      "pages in memory; the same in each process that holds it"),
	MEMDIAG_GAUGE(shmem_file_record, swapped, U64, PAGES, BRIEF, "pages swapped out"),
	MEMDIAG_GAUGE(shmem_file_record, fds, U64, NONE, BRIEF,
		      "how often the process has it open; 0: it is mapped, attached or in flight in a UNIX socket, the kernel's, or open in a thread with files of its own"),
	MEMDIAG_GAUGE(shmem_file_record, mapped, BOOL, NONE, BRIEF, "a process has it mapped"),
	MEMDIAG_LABEL(shmem_file_record, generation, U64, NONE, KEY,
		      "random number of the file: SysV segments of several namespaces share ino"),
};

#ifdef CONFIG_SHMEM

/* Slots to begin with: a process that has more such files open is not common. */
#define SHMEM_FILE_SLOTS	1024
/* Inodes, and records, under one hold of the lock, and inodes of one tmpfs. */
#define SHMEM_FILE_BATCH	256
#define SHMEM_FILE_RECORDS	16
#define SHMEM_FILE_INODES	BIT(20)

/**
 * struct shmem_file_slot - a file that was found, and its last record
 * @record: the record, or where it would be if there was room
 * @inode: the file, compared only, never followed: it may be gone
 * @generation: its random number, for an address is used again
 * @process: number of the process it was found in last; 0 if the slot is free
 */
struct shmem_file_slot {
	struct shmem_file_record *record;
	const struct inode *inode;
	u32 generation;
	u32 process;
};

/**
 * struct shmem_file_walk - what a walk carries along
 * @sink: where to
 * @path: PATH_MAX bytes
 * @pid: the process that was seen last
 * @process: number of this process, from 1 on
 * @slots: all files that were found, by hash; at most half of them are used
 * @nr_slots: their number, a power of two
 * @nr_used: of these used
 * @kinds: names of kinds, as strings of the sink
 * @dev: the device number of the tmpfs that is walked, as a string of the sink
 * @nr_held: records made under one hold of the lock
 * @error: why the walk of the inodes ended
 */
struct shmem_file_walk {
	struct memdiag_sink *sink;
	char *path;
	pid_t pid;
	u32 process;
	struct shmem_file_slot *slots;
	unsigned int nr_slots;
	unsigned int nr_used;
	u64 kinds[SHMEM_NR_KINDS];
	u64 dev;
	unsigned int nr_held;
	int error;
};

static bool shmem_file_wanted(const struct file *file, void *arg)
{
	const struct inode *inode = file_inode(file);

	return memdiag_shmem_is_tmpfs(inode->i_sb) && !READ_ONCE(inode->i_nlink);
}

/* The slot of a file, or the one to put it in. */
static struct shmem_file_slot *shmem_file_slot(const struct shmem_file_walk *walk,
					       const struct inode *inode, u32 generation)
{
	unsigned int i = hash_ptr(inode, 32);
	struct shmem_file_slot *slot;

	for (;; i++) {
		slot = &walk->slots[i & (walk->nr_slots - 1)];
		if (!slot->process || (slot->inode == inode && slot->generation == generation))
			return slot;
	}
}

static int shmem_file_more_slots(struct shmem_file_walk *walk)
{
	struct shmem_file_walk more = *walk;
	unsigned int i;

	more.nr_slots = walk->nr_slots ? walk->nr_slots * 2 : SHMEM_FILE_SLOTS;
	more.slots = memdiag_alloc(more.nr_slots, sizeof(*more.slots));
	if (!more.slots)
		return -ENOMEM;
	for (i = 0; i < walk->nr_slots; i++) {
		const struct shmem_file_slot *slot = &walk->slots[i];

		if (slot->process)
			*shmem_file_slot(&more, slot->inode, slot->generation) = *slot;
	}
	memdiag_free(walk->slots);
	*walk = more;
	return 0;
}

/* See that there is a slot for one more file. */
static int shmem_file_need_slot(struct shmem_file_walk *walk)
{
	return walk->nr_used < walk->nr_slots / 2 ? 0 : shmem_file_more_slots(walk);
}

/* As d_path() prints it, without the mark that says what is known here. */
static u64 shmem_file_path(const struct shmem_file_walk *walk, struct file *file)
{
	static const char mark[] = " (deleted)";
	char *path = d_path(&file->f_path, walk->path, PATH_MAX);
	size_t length, tail = sizeof(mark) - 1;

	if (IS_ERR(path))
		return MEMDIAG_ABSENT;
	length = strlen(path);
	if (length > tail && !strcmp(path + length - tail, mark))
		path[length - tail] = '\0';
	return memdiag_push_string(walk->sink, path);
}

static enum shmem_kind shmem_file_kind(struct file *file)
{
	/* Names of internal files never change. */
	return memdiag_shmem_is_internal(file_inode(file)->i_sb) ?
	       memdiag_shmem_name_kind(file->f_path.dentry->d_name.name) : SHMEM_MOUNTED;
}

static u64 shmem_file_dev(const struct shmem_file_walk *walk, const struct super_block *sb)
{
	return memdiag_push_printf(walk->sink, "%u:%u", MAJOR(sb->s_dev), MINOR(sb->s_dev));
}

static void shmem_file_fill(const struct shmem_file_walk *walk, struct shmem_file_record *record,
			    struct inode *inode, enum shmem_kind kind)
{
	record->ino = inode->i_ino;
	record->generation = inode->i_generation;
	record->kind = walk->kinds[kind];
	record->size = i_size_read(inode);
	record->pages = READ_ONCE(inode->i_data.nrpages);
	record->swapped = memdiag_shmem_swapped(inode);
	record->mapped = mapping_mapped(&inode->i_data);
}

static int shmem_file_found(struct task_struct *leader, struct file *file, void *arg)
{
	struct shmem_file_walk *walk = arg;
	struct memdiag_sink *sink = walk->sink;
	struct inode *inode = file_inode(file);
	struct shmem_file_record *record;
	struct shmem_file_slot *slot;
	char comm[TASK_COMM_LEN];
	int error;

	if (walk->pid != leader->tgid) {
		walk->pid = leader->tgid;
		walk->process++;
	}
	error = shmem_file_need_slot(walk);
	if (error)
		return error;
	slot = shmem_file_slot(walk, inode, inode->i_generation);
	if (slot->process == walk->process) {
		slot->record->fds++;
		return 0;
	}
	record = memdiag_push(sink);
	if (!record)
		return -ENOSPC;
	walk->nr_used += !slot->process;
	*slot = (struct shmem_file_slot) {
		.record = record,
		.inode = inode,
		.generation = inode->i_generation,
		.process = walk->process,
	};
	record->pid = leader->tgid;
	record->start_time = leader->start_boottime;
	get_task_comm(comm, leader);
	record->comm = memdiag_push_string(sink, comm);
	record->dev = shmem_file_dev(walk, inode->i_sb);
	shmem_file_fill(walk, record, inode, shmem_file_kind(file));
	record->path = shmem_file_path(walk, file);
	record->fds = 1;
	return 0;
}

/* Under the lock of the list: a file without a name that no process has open. */
static int shmem_file_push_held(struct shmem_file_walk *walk, struct inode *inode)
{
	enum shmem_kind kind = SHMEM_MOUNTED;
	struct shmem_file_record *record;
	struct dentry *alias;

	if (READ_ONCE(inode->i_nlink) || !S_ISREG(inode->i_mode) ||
	    !(READ_ONCE(inode->i_data.nrpages) | memdiag_shmem_swapped(inode)) ||
	    shmem_file_slot(walk, inode, inode->i_generation)->process)
		return 0;
	record = memdiag_push(walk->sink);
	if (!record)
		return -ENOSPC;
	/* The dentry of a deleted file has a name, too, but not the directory's. */
	if (memdiag_shmem_is_internal(inode->i_sb)) {
		spin_lock(&inode->i_lock);
		alias = memdiag_inode_alias(inode);
		kind = alias ? memdiag_shmem_name_kind(alias->d_name.name) : SHMEM_KERNEL;
		if (alias && strlen(alias->d_name.name) < PATH_MAX - 1) {
			walk->path[0] = '/';
			strscpy(walk->path + 1, alias->d_name.name, PATH_MAX - 1);
			record->path = memdiag_push_string(walk->sink, walk->path);
		}
		spin_unlock(&inode->i_lock);
	}
	record->dev = walk->dev;
	shmem_file_fill(walk, record, inode, kind);
	record->fds = 0;
	walk->nr_held++;
	return 0;
}

/* As section shmem walks them. */
static void shmem_file_super(struct super_block *sb, void *arg)
{
	struct shmem_file_walk *walk = arg;
	struct inode *inode, *held = NULL;
	unsigned int batch = 0, nr = 0;

	walk->dev = shmem_file_dev(walk, sb);
	walk->nr_held = 0;
	spin_lock(&sb->s_inode_list_lock);
	memdiag_lock_begin(walk->sink);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (walk->error)
			break;
		walk->error = shmem_file_push_held(walk, inode);
		batch++;
		if ((batch < SHMEM_FILE_BATCH && walk->nr_held < SHMEM_FILE_RECORDS) ||
		    !igrab(inode))
			continue;
		memdiag_lock_end(walk->sink);
		spin_unlock(&sb->s_inode_list_lock);

		iput(held);
		held = inode;
		nr += batch;
		batch = 0;
		walk->nr_held = 0;
		cond_resched();
		if (!walk->error && fatal_signal_pending(current))
			walk->error = -EINTR;

		spin_lock(&sb->s_inode_list_lock);
		memdiag_lock_begin(walk->sink);
		if (nr >= SHMEM_FILE_INODES)
			break;
	}
	memdiag_lock_end(walk->sink);
	spin_unlock(&sb->s_inode_list_lock);
	iput(held);
	if (nr >= SHMEM_FILE_INODES)
		memdiag_mark_partial(walk->sink, "more than %lu inodes in one tmpfs: the rest is not looked at",
				     SHMEM_FILE_INODES);
}

static int shmem_file_collect(struct memdiag_sink *sink)
{
	struct shmem_file_walk walk = { .sink = sink };
	const struct memdiag_walk files = {
		.wanted = shmem_file_wanted,
		.found = shmem_file_found,
		.sink = sink,
		.arg = &walk,
	};
	int error = -ENOMEM;
	unsigned int i;

	for (i = 0; i < SHMEM_NR_KINDS; i++)
		walk.kinds[i] = memdiag_push_string(sink, memdiag_shmem_kinds[i]);
	walk.path = memdiag_alloc(PATH_MAX, 1);
	if (walk.path)
		error = memdiag_walk_files(&files) ?: shmem_file_need_slot(&walk);
	if (!error)
		error = memdiag_shmem_each(shmem_file_super, &walk) ?: walk.error;
	memdiag_free(walk.slots);
	memdiag_free(walk.path);
	return error;
}

#else

static int shmem_file_collect(struct memdiag_sink *sink)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_SHMEM */

static void __init shmem_file_init(struct memdiag_status *status)
{
	if (IS_ENABLED(CONFIG_SHMEM))
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
	else
		memdiag_set_unavailable(status, -EOPNOTSUPP, "CONFIG_SHMEM is not set");
}

const struct memdiag_provider memdiag_shmem_file_provider __refconst = {
	.id = MEMDIAG_SEC_SHMEM_FILE,
	.name = "shmem_file",
	.help = "per process and tmpfs file without a name that it holds open, and those that no process has open",
	MEMDIAG_RECORDS(shmem_file_fields, shmem_file_record),
	.on_request = true,
	.init = shmem_file_init,
	.collect = shmem_file_collect,
};
