// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_chardev: what /dev/memdiag answers to arguments, as far as it
 * takes no memory of a user; tests/system goes through the real thing.
 */
#include "kunit.h"

#include "../../module/chardev.c"

/* An open file; its release is up to the case. */
static struct file *chardev_file(struct kunit *test)
{
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_op = &chardev_fops;
	file->f_mode = FMODE_READ | FMODE_LSEEK;
	spin_lock_init(&file->f_lock);
	KUNIT_ASSERT_EQ(test, chardev_open(NULL, file), 0);
	KUNIT_ASSERT_NOT_NULL(test, file->private_data);
	return file;
}

static void chardev_open_modes(struct kunit *test)
{
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_mode = FMODE_WRITE;
	KUNIT_EXPECT_EQ(test, chardev_open(NULL, file), -EACCES);
	file->f_mode = FMODE_READ | FMODE_WRITE;
	KUNIT_EXPECT_EQ(test, chardev_open(NULL, file), -EACCES);
	KUNIT_EXPECT_NULL(test, file->private_data);
	file = chardev_file(test);
	KUNIT_EXPECT_EQ(test, chardev_release(NULL, file), 0);
}

static void chardev_without_snapshot(struct kunit *test)
{
	struct vm_area_struct *vma = kunit_kzalloc(test, sizeof(*vma), GFP_KERNEL);
	struct file *file = chardev_file(test);
	loff_t pos = 0;

	KUNIT_EXPECT_EQ(test, chardev_read(file, NULL, 1, &pos), -ENODATA);
	KUNIT_EXPECT_EQ(test, chardev_llseek(file, 0, SEEK_SET), -ENODATA);
	KUNIT_EXPECT_EQ(test, pos, 0LL);
	if (vma)
		KUNIT_EXPECT_EQ(test, chardev_mmap(file, vma), -ENODATA);
	chardev_release(NULL, file);
}

static void chardev_mmap_modes(struct kunit *test)
{
	static const vm_flags_t refused[] = {
		VM_WRITE, VM_EXEC, VM_READ | VM_WRITE, VM_READ | VM_EXEC | VM_SHARED,
	};
	struct vm_area_struct *vma = kunit_kzalloc(test, sizeof(*vma), GFP_KERNEL);
	struct file *file = chardev_file(test);
	unsigned int i;

	KUNIT_EXPECT_NOT_NULL(test, vma);
	for (i = 0; vma && i < ARRAY_SIZE(refused); i++) {
		vm_flags_init(vma, refused[i]);
		KUNIT_EXPECT_EQ(test, chardev_mmap(file, vma), -EACCES);
		KUNIT_EXPECT_NULL(test, vma->vm_ops);
	}
	chardev_release(NULL, file);
}

static void chardev_commands_known(struct kunit *test)
{
	struct file *file = chardev_file(test);

	KUNIT_EXPECT_EQ(test, chardev_ioctl(file, 0, 0), -ENOTTY);
	KUNIT_EXPECT_EQ(test, chardev_ioctl(file, _IO(MEMDIAG_IOC_TYPE, 5), 0), -ENOTTY);
	/* The numbers carry no size. */
	KUNIT_EXPECT_EQ(test, chardev_ioctl(file, _IOR(MEMDIAG_IOC_TYPE, 0, int), 0), -ENOTTY);
	KUNIT_EXPECT_EQ(test, chardev_ioctl(file, MEMDIAG_IOC_INFO, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, chardev_ioctl(file, MEMDIAG_IOC_SNAPSHOT, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
	chardev_release(NULL, file);
}

/* Once published these never change: old programs pass them. */
static void chardev_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MEMDIAG_IOC_INFO, 0xb700);
	KUNIT_EXPECT_EQ(test, MEMDIAG_IOC_SNAPSHOT, 0xb701);
	KUNIT_EXPECT_EQ(test, chardev_commands[0].min_size, 80);
	KUNIT_EXPECT_EQ(test, chardev_commands[1].min_size, 48);
	KUNIT_EXPECT_GE(test, chardev_commands[0].size, chardev_commands[0].min_size);
	KUNIT_EXPECT_GE(test, chardev_commands[1].size, chardev_commands[1].min_size);
	KUNIT_EXPECT_GE(test, sizeof(union chardev_arg), chardev_commands[0].size);
	KUNIT_EXPECT_GE(test, sizeof(union chardev_arg), chardev_commands[1].size);
}

static void chardev_info_answers(struct kunit *test)
{
	struct memdiag_info info = { .size = sizeof(info) };

	memset(info.version, 0xff, sizeof(info.version));
	KUNIT_EXPECT_EQ(test, chardev_info(&info, NULL), 0);
	KUNIT_EXPECT_EQ(test, info.format_major, MEMDIAG_FORMAT_MAJOR);
	KUNIT_EXPECT_EQ(test, info.format_minor, MEMDIAG_FORMAT_MINOR);
	KUNIT_EXPECT_EQ(test, info.nr_sections, MEMDIAG_NR_SECTIONS);
	KUNIT_EXPECT_EQ(test, info.known, MEMDIAG_ALL_SECTIONS);
	KUNIT_EXPECT_EQ(test, info.available & ~info.known, 0ULL);
	KUNIT_EXPECT_EQ(test, info.snapshot_limit, memdiag_snapshot_limit());
	KUNIT_EXPECT_EQ(test, info.snapshot_bytes, 0ULL);
	KUNIT_EXPECT_STREQ(test, (char *)info.version, MEMDIAG_VERSION);
	KUNIT_EXPECT_NULL(test, memchr_inv(info.version + strlen(MEMDIAG_VERSION), 0,
					   sizeof(info.version) - strlen(MEMDIAG_VERSION)));
	info.flags = 1;
	KUNIT_EXPECT_EQ(test, chardev_info(&info, NULL), -EOPNOTSUPP);
}

static void chardev_snapshot_refuses(struct kunit *test)
{
	static const struct memdiag_snapshot refused[] = {
		{ .flags = 1 },
		{ .flags = 1u << 31 },
		{ .__reserved = 1 },
		{ .__reserved = 1ull << 63 },
		{ .sections = 1ull << MEMDIAG_NR_SECTIONS },
		{ .sections = 1ull << 63 },
		{ .sections = U64_MAX },
	};
	struct memdiag_bytes *made = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		struct memdiag_snapshot arg = refused[i];

		arg.size = sizeof(arg);
		KUNIT_EXPECT_EQ_MSG(test, chardev_snapshot(&arg, &made), -EOPNOTSUPP,
				    "number %u", i);
		KUNIT_EXPECT_NULL(test, made);
	}
	KUNIT_EXPECT_EQ(test, memdiag_kunit_fakes[0].walks, 0);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
}

static void chardev_snapshot_answers(struct kunit *test)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg), .sections = BIT_ULL(4) };
	struct file *file = chardev_file(test);
	struct chardev_file *cf = file->private_data;
	const struct memdiag_header *header;
	struct memdiag_bytes *made = NULL;

	memdiag_kunit_providers[4].after = BIT_ULL(2);
	KUNIT_EXPECT_EQ(test, chardev_snapshot(&arg, &made), 0);
	KUNIT_ASSERT_NOT_NULL(test, made);
	header = made->data;
	KUNIT_EXPECT_EQ(test, arg.sections, BIT_ULL(4) | BIT_ULL(2));
	KUNIT_EXPECT_EQ(test, arg.bytes, header->total_size);
	KUNIT_EXPECT_EQ(test, arg.generation, header->generation);
	KUNIT_EXPECT_EQ(test, arg.collect_ns, header->end_ns - header->start_ns);

	/* As the file's own it can be seeked in, and goes with the file. */
	cf->bytes = made;
	KUNIT_EXPECT_EQ(test, chardev_llseek(file, 0, SEEK_END), (loff_t)made->size);
	KUNIT_EXPECT_EQ(test, chardev_llseek(file, -8, SEEK_CUR), (loff_t)made->size - 8);
	KUNIT_EXPECT_EQ(test, chardev_llseek(file, made->size + 1, SEEK_SET), -EINVAL);
	KUNIT_EXPECT_EQ(test, chardev_llseek(file, -1, SEEK_SET), -EINVAL);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), made->charged);
	chardev_release(NULL, file);
	KUNIT_EXPECT_EQ(test, memdiag_snapshot_held(), 0ULL);
}

/* Neither the old snapshot nor the file's memory is touched by one that fails. */
static void chardev_snapshot_fails(struct kunit *test)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg) };
	struct memdiag_bytes *made = NULL;

	memdiag_kunit_fakes[3].error = -EINTR;
	KUNIT_EXPECT_EQ(test, chardev_snapshot(&arg, &made), -EINTR);
	KUNIT_EXPECT_NULL(test, made);
	KUNIT_EXPECT_EQ(test, arg.bytes, 0ULL);
	KUNIT_EXPECT_EQ(test, arg.sections, 0ULL);
}

static struct kunit_case chardev_cases[] = {
	KUNIT_CASE(chardev_open_modes),
	KUNIT_CASE(chardev_without_snapshot),
	KUNIT_CASE(chardev_mmap_modes),
	KUNIT_CASE(chardev_commands_known),
	KUNIT_CASE(chardev_sizes),
	KUNIT_CASE(chardev_info_answers),
	KUNIT_CASE(chardev_snapshot_refuses),
	KUNIT_CASE(chardev_snapshot_answers),
	KUNIT_CASE(chardev_snapshot_fails),
	{}
};

static struct kunit_suite chardev_suite = {
	.name = "memdiag_chardev",
	.init = memdiag_kunit_fake_begin,
	.test_cases = chardev_cases,
};
kunit_test_suite(chardev_suite);
