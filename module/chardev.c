// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/memdiag: the binary interface; uapi/memdiag.h is its description.
 *
 * A snapshot belongs to an open file, under the file's own mutex. Readers and
 * mappings take a reference, so a second SNAPSHOT or close() never pulls the
 * bytes away from under them.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "memdiag.h"
#include "compat/mm.h"

/**
 * struct chardev_file - one open file
 * @lock: protects @bytes
 * @bytes: its snapshot, or NULL
 */
struct chardev_file {
	struct mutex lock;
	struct memdiag_bytes *bytes;
};

static int chardev_open(struct inode *inode, struct file *file)
{
	struct chardev_file *cf;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (file->f_mode & FMODE_WRITE)
		return -EACCES;
	cf = memdiag_keep(1, sizeof(*cf));
	if (!cf)
		return -ENOMEM;
	mutex_init(&cf->lock);
	file->private_data = cf;
	return 0;
}

static int chardev_release(struct inode *inode, struct file *file)
{
	struct chardev_file *cf = file->private_data;

	memdiag_snapshot_put(cf->bytes);
	mutex_destroy(&cf->lock);
	memdiag_free(cf);
	return 0;
}

/* The snapshot of the file with a reference of its own, or ERR_PTR(-ENODATA). */
static struct memdiag_bytes *chardev_bytes(struct file *file)
{
	struct chardev_file *cf = file->private_data;
	struct memdiag_bytes *bytes;

	mutex_lock(&cf->lock);
	bytes = cf->bytes;
	if (bytes)
		memdiag_snapshot_get(bytes);
	mutex_unlock(&cf->lock);
	return bytes ?: ERR_PTR(-ENODATA);
}

static ssize_t chardev_read(struct file *file, char __user *to, size_t count,
			    loff_t *pos)
{
	struct memdiag_bytes *bytes = chardev_bytes(file);
	ssize_t n;

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	n = simple_read_from_buffer(to, count, pos, bytes->data, bytes->size);
	memdiag_snapshot_put(bytes);
	return n;
}

static loff_t chardev_llseek(struct file *file, loff_t offset, int whence)
{
	struct memdiag_bytes *bytes = chardev_bytes(file);
	loff_t pos;

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	pos = fixed_size_llseek(file, offset, whence, bytes->size);
	memdiag_snapshot_put(bytes);
	return pos;
}

static void chardev_vm_open(struct vm_area_struct *vma)
{
	memdiag_snapshot_get(vma->vm_private_data);
}

static void chardev_vm_close(struct vm_area_struct *vma)
{
	memdiag_snapshot_put(vma->vm_private_data);
}

static const struct vm_operations_struct chardev_vm_ops = {
	.open = chardev_vm_open,
	.close = chardev_vm_close,
};

/* Insert the snapshot's pages; the caller's offset and length were checked. */
static int chardev_map(struct vm_area_struct *vma, const struct memdiag_bytes *bytes)
{
	const void *page = bytes->data + (vma->vm_pgoff << PAGE_SHIFT);
	unsigned long at;
	int error = 0;

	for (at = vma->vm_start; !error && at < vma->vm_end; at += PAGE_SIZE) {
		error = vm_insert_page(vma, at, vmalloc_to_page(page));
		page += PAGE_SIZE;
	}
	return error;
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long nr = vma_pages(vma);
	struct memdiag_bytes *bytes;
	unsigned long have;
	int error;

	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	bytes = chardev_bytes(file);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	/* For private mappings the file being read-only does not imply it. */
	vm_flags_clear(vma, VM_MAYWRITE | VM_MAYEXEC);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	have = PAGE_ALIGN(bytes->size) >> PAGE_SHIFT;
	error = vma->vm_pgoff >= have || nr > have - vma->vm_pgoff ? -EINVAL :
		chardev_map(vma, bytes);
	if (error) {
		memdiag_snapshot_put(bytes);
		return error;
	}
	vma->vm_private_data = bytes;
	vma->vm_ops = &chardev_vm_ops;
	return 0;
}

static int chardev_info(void *arg, struct memdiag_bytes **made)
{
	struct memdiag_info *info = arg;

	if (info->flags)
		return -EOPNOTSUPP;
	info->format_major = MEMDIAG_FORMAT_MAJOR;
	info->format_minor = MEMDIAG_FORMAT_MINOR;
	info->nr_sections = MEMDIAG_NR_SECTIONS;
	info->known = MEMDIAG_ALL_SECTIONS;
	info->available = memdiag_available();
	info->snapshot_limit = memdiag_snapshot_limit();
	info->snapshot_bytes = memdiag_snapshot_held();
	memset(info->version, 0, sizeof(info->version));
	strscpy(info->version, MEMDIAG_VERSION, sizeof(info->version));
	info->defaults = memdiag_default_sections();
	return 0;
}

static int chardev_snapshot(void *arg, struct memdiag_bytes **made)
{
	struct memdiag_snapshot *snapshot = arg;
	const struct memdiag_header *header;
	struct memdiag_bytes *bytes;

	if (snapshot->flags || snapshot->__reserved ||
	    snapshot->sections & ~MEMDIAG_ALL_SECTIONS)
		return -EOPNOTSUPP;
	bytes = memdiag_snapshot_collect_min_age(snapshot->sections,
						 snapshot->track_min_age_ns);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	header = bytes->data;
	snapshot->sections = bytes->sections;
	snapshot->bytes = bytes->size;
	snapshot->generation = header->generation;
	snapshot->collect_ns = header->end_ns - header->start_ns;
	*made = bytes;
	return 0;
}

static int chardev_track_start(void *arg, struct memdiag_bytes **made)
{
	return memdiag_track_start(arg);
}

static void chardev_track_undo(void)
{
	memdiag_track_stop(MEMDIAG_TRACK_DISCARD);
}

static int chardev_track_stop(void *arg, struct memdiag_bytes **made)
{
	const struct memdiag_track_stop *stop = arg;

	return memdiag_track_stop(stop->flags);
}

static int chardev_settle(void *arg, struct memdiag_bytes **made)
{
	struct memdiag_settle *settle = arg;

	return settle->flags ? -EOPNOTSUPP : memdiag_track_settle(&settle->waited_ns);
}

union chardev_arg {
	struct memdiag_info info;
	struct memdiag_snapshot snapshot;
	struct memdiag_track_start start;
	struct memdiag_track_stop stop;
	struct memdiag_settle settle;
};

/**
 * struct chardev_command - one ioctl
 * @cmd: its command number
 * @min_size: bytes of the first version of its argument, up to the last member
 *	that version had: it stays when a member is appended
 * @size: bytes of the argument as known here
 * @run: does it; @arg is the argument in kernel memory, copied back on success;
 *	@made takes a snapshot that is to become the file's, once the answer
 *	has reached the caller
 * @undo: as if it had not been done, as the answer cannot be told; or NULL
 */
struct chardev_command {
	unsigned int cmd;
	u32 min_size;
	u32 size;
	int (*run)(void *arg, struct memdiag_bytes **made);
	void (*undo)(void);
};

static const struct chardev_command chardev_commands[] = {
	{
		.cmd = MEMDIAG_IOC_INFO,
		.min_size = offsetofend(struct memdiag_info, version),
		.size = sizeof(struct memdiag_info),
		.run = chardev_info,
	},
	{
		.cmd = MEMDIAG_IOC_SNAPSHOT,
		.min_size = offsetofend(struct memdiag_snapshot, __reserved),
		.size = sizeof(struct memdiag_snapshot),
		.run = chardev_snapshot,
	},
	{
		.cmd = MEMDIAG_IOC_TRACK_START,
		.min_size = offsetofend(struct memdiag_track_start, bytes),
		.size = sizeof(struct memdiag_track_start),
		.run = chardev_track_start,
		.undo = chardev_track_undo,
	},
	{
		.cmd = MEMDIAG_IOC_TRACK_STOP,
		.min_size = offsetofend(struct memdiag_track_stop, flags),
		.size = sizeof(struct memdiag_track_stop),
		.run = chardev_track_stop,
	},
	{
		.cmd = MEMDIAG_IOC_SETTLE,
		.min_size = offsetofend(struct memdiag_settle, waited_ns),
		.size = sizeof(struct memdiag_settle),
		.run = chardev_settle,
	},
};

static int chardev_run(struct file *file, const struct chardev_command *command,
		       void __user *uarg)
{
	struct chardev_file *cf = file->private_data;
	struct memdiag_bytes *made = NULL;
	union chardev_arg arg;
	u32 size;
	int error;

	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < command->min_size)
		return -EINVAL;
	/* copy_struct_from_user() reads the whole tail: bound it. */
	if (size > PAGE_SIZE)
		return -E2BIG;
	error = copy_struct_from_user(&arg, command->size, uarg, size);
	if (error)
		return error;
	/* Nothing is begun whose result cannot be told. */
	if (copy_to_user(uarg, &arg, min(size, command->size)))
		return -EFAULT;
	error = command->run(&arg, &made);
	if (error)
		return error;
	if (copy_to_user(uarg, &arg, min(size, command->size))) {
		/* It could be written just now. */
		if (command->undo)
			command->undo();
		memdiag_snapshot_put(made);
		return -EFAULT;
	}
	if (made) {
		mutex_lock(&cf->lock);
		swap(cf->bytes, made);
		mutex_unlock(&cf->lock);
		memdiag_snapshot_put(made);
	}
	return 0;
}

static long chardev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chardev_commands); i++)
		if (chardev_commands[i].cmd == cmd)
			return chardev_run(file, &chardev_commands[i],
					   (void __user *)arg);
	return -ENOTTY;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.read = chardev_read,
	.llseek = chardev_llseek,
	.mmap = chardev_mmap,
	.unlocked_ioctl = chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice chardev_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memdiag",
	.fops = &chardev_fops,
	.mode = 0600,
};

/**
 * memdiag_chardev_init() - make the node; it can be opened from here on
 *
 * Return: 0 or what misc_register() said.
 */
int memdiag_chardev_init(void)
{
	return misc_register(&chardev_misc);
}

/** memdiag_chardev_exit() - remove the node; no file is open by now */
void memdiag_chardev_exit(void)
{
	misc_deregister(&chardev_misc);
}
