// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where file systems are mounted, for the records of a section.
 *
 * Reads the text of /proc/1/mountinfo. It is opened each time, by the caller: held
 * open it would keep init's root busy, and waiting for a worker could take long on
 * a machine without memory.
 *
 * Locks: those that the kernel takes to print the file; no lock of ours.
 *
 * Stale: mounts come and go after the records were made.
 *
 * Skipped: what is mounted only in other namespaces has no path.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "mounts.h"

#define MOUNTS_FILE	"/proc/1/mountinfo"

/**
 * struct mount_names - what to fill in
 * @sink: the records
 * @dev: offset of the string "major:minor" in a record
 * @mount: offset of the field to fill in; one that is not absent is left as it is
 * @whole: mounts that show all of a file system, or those that show a part
 */
struct mount_names {
	struct memdiag_sink *sink;
	u32 dev;
	u32 mount;
	bool whole;
};

/*
 * Take a line of mountinfo apart: "36 35 0:24 ROOT PATH ...". Cuts the words
 * off in place, and turns what stands for a space and the like into it.
 */
static bool mount_line(char *line, const char **dev, const char **root, const char **path)
{
	const char *words[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = strsep(&line, " ");
		if (!words[i] || !line)
			return false;
	}
	string_unescape_inplace((char *)words[4], UNESCAPE_OCTAL);
	*dev = words[2];
	*root = words[3];
	*path = words[4];
	return true;
}

static void mount_found(const struct mount_names *names, const char *dev, const char *path)
{
	unsigned int i;

	for (i = 0; i < names->sink->nr_records; i++) {
		void *record = memdiag_record(names->sink, i);
		u64 *mount = record + names->mount;

		if (*mount == MEMDIAG_ABSENT &&
		    !strcmp(memdiag_string(names->sink, *(u64 *)(record + names->dev)), dev))
			*mount = memdiag_push_string(names->sink, path);
	}
}

/* Returns whether there was memory to look at each line. */
static bool mount_read(const struct mount_names *names, const char *text)
{
	const char *dev, *root, *path, *end;
	bool all = true;
	char *line;

	for (; *text; text = end + !!*end) {
		end = strchrnul(text, '\n');
		line = memdiag_keep_string(text, end - text);
		all &= !!line;
		if (line && mount_line(line, &dev, &root, &path) &&
		    names->whole == !strcmp(root, "/"))
			mount_found(names, dev, path);
		memdiag_free(line);
		cond_resched();
	}
	return all;
}

/**
 * memdiag_name_mounts() - say where init sees the file systems of records mounted
 * @sink: the records; partial if it cannot be told
 * @dev: offset in a record: string, "major:minor" of a superblock
 * @mount: offset in a record: where to put the path; absent ones are filled in
 *
 * Several places may show the same: the first that shows all of it, else the first.
 *
 * Context: may sleep, for .finish of a provider.
 *
 * Return: 0.
 */
int memdiag_name_mounts(struct memdiag_sink *sink, u32 dev, u32 mount)
{
	struct mount_names names = { .sink = sink, .dev = dev, .mount = mount, .whole = true };
	struct file *file = filp_open(MOUNTS_FILE, O_RDONLY, 0);
	bool all;
	char *text;
	ssize_t n;

	n = IS_ERR(file) ? PTR_ERR(file) : memdiag_file_read_opened(file, &text, SZ_4M);
	if (!IS_ERR(file))
		filp_close(file, NULL);
	if (n < 0) {
		memdiag_mark_partial(sink, "mount: " MOUNTS_FILE " cannot be read: %pe",
				     ERR_PTR(n));
		return 0;
	}
	all = mount_read(&names, text);
	names.whole = false;
	all &= mount_read(&names, text);
	memdiag_free(text);
	if (!all)
		memdiag_mark_partial(sink, "mount: no memory for some lines of " MOUNTS_FILE);
	return 0;
}
