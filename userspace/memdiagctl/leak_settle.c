// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the kernel give back what is free, so that what is left is in use.
 *
 * A count of objects has those in it that lie free in lists of each CPU, and caches have
 * in them what nobody refers to. Both would hide a leak of one object per cycle. The
 * module only reads; so it is this program that asks, by the kernel's own files:
 *
 *   vm.drop_caches   page cache, dentries and inodes that nobody uses; what is dirty is
 *                    written before, as it would not be dropped. Not with --keep-caches
 *   settle           (the module) callbacks of RCU, batches of kfree_rcu(), lazy unmapping
 *   vm.stat_refresh  what each CPU has not added to the counters of pages yet
 *   CACHE/shrink     slabs and, from Linux 7.0 on, sheaves of all CPUs. What sheaves hand
 *                    on to RCU is free after settling once more
 *
 * The files stay open: to open one takes an object of the caches that were just shrunk. To
 * write to one does, too, from the cache of the smallest objects, so that one comes last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leak.h"

#define SLAB_DIRECTORY "/sys/kernel/slab"
#define DROP_CACHES "/proc/sys/vm/drop_caches"
#define STAT_REFRESH "/proc/sys/vm/stat_refresh"

/**
 * struct leak_cache - a slab cache
 * @name: of its directory
 * @fd: its file to shrink it by
 */
struct leak_cache {
	char *name;
	int fd;
};

static bool is_open(const struct leak_settler *s, const char *name)
{
	for (size_t n = 0; n < s->nr_caches; n++)
		if (!strcmp(s->caches[n].name, name))
			return true;
	return false;
}

static void open_cache(struct leak_settler *s, const char *name)
{
	char path[sizeof(((struct dirent *)0)->d_name) + sizeof("/shrink")];
	int fd;

	snprintf(path, sizeof(path), "%s/shrink", name);
	fd = openat(dirfd(s->directory), path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		/* Without one more file this would not be all of them. */
		s->incomplete |= errno == EMFILE || errno == ENFILE;
		return;
	}
	s->caches = must(realloc(s->caches, (s->nr_caches + 1) * sizeof(*s->caches)));
	s->caches[s->nr_caches++] = (struct leak_cache){ must(strdup(name)), fd };
}

/* Other names of merged caches are links: so each is opened once. */
static void open_new_caches(struct leak_settler *s)
{
	struct dirent *entry;

	if (!s->directory)
		return;
	rewinddir(s->directory);
	while ((entry = readdir(s->directory)))
		if (entry->d_type == DT_DIR && *entry->d_name != '.' && !is_open(s, entry->d_name))
			open_cache(s, entry->d_name);
}

/* Writes to a file of the kernel. Return: whether that went well. */
static bool tell(int fd, const char *text)
{
	return fd >= 0 && pwrite(fd, text, strlen(text), 0) > 0;
}

static void close_cache(struct leak_settler *s, size_t n)
{
	close(s->caches[n].fd);
	free(s->caches[n].name);
	s->caches[n] = s->caches[--s->nr_caches];
}

/* A cache that is gone is forgotten: another one may get its name. */
static void shrink_caches(struct leak_settler *s)
{
	/* What is written to a file of the kernel is copied there: the smallest comes last. */
	static const char *const written[] = { "kmalloc-128", ":0000128", "kmalloc-8", ":0000008" };

	for (size_t n = s->nr_caches; n > 0; n--)
		if (!tell(s->caches[n - 1].fd, "1"))
			close_cache(s, n - 1);
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		for (size_t n = 0; n < s->nr_caches; n++)
			if (!strcmp(s->caches[n].name, written[i]))
				tell(s->caches[n].fd, "1");
}

/* An object that was used lately is only marked as not used by the first time. */
static void drop_caches(struct leak_settler *s)
{
	if (s->drop_fd < 0)
		return;
	sync();
	tell(s->drop_fd, "3");
	tell(s->drop_fd, "3");
}

/**
 * leak_settle() - have the kernel give back what is free
 * @run: the check
 * @shortly: only what was taken since the last time
 * @error: set if it fails
 *
 * Return: 0, or what the module said.
 */
int leak_settle(struct leak_run *run, bool shortly, struct memdiag_error *error)
{
	struct leak_settler *s = &run->settler;
	int ret;

	if (!shortly) {
		drop_caches(s);
		ret = memdiag_device_settle(run->device, error);
		if (ret)
			return ret;
		open_new_caches(s);
	}
	tell(s->refresh_fd, "1");
	shrink_caches(s);
	return 0;
}

/**
 * leak_settle_begin() - find out what the kernel can be asked for
 * @run: the check
 *
 * What it cannot is said in a note.
 */
void leak_settle_begin(struct leak_run *run)
{
	struct leak_settler *s = &run->settler;
	bool keep = run->options->given & OPT_KEEP_CACHES;

	s->directory = opendir(SLAB_DIRECTORY);
	open_new_caches(s);
	s->drop_fd = keep ? -1 : open(DROP_CACHES, O_WRONLY | O_CLOEXEC);
	s->refresh_fd = open(STAT_REFRESH, O_WRONLY | O_CLOEXEC);
	memdiag_leakcheck_settled(run->check, s->nr_caches && !s->incomplete, s->drop_fd >= 0);
	if (s->incomplete)
		leak_note(
			run,
			"too few files may be open (ulimit -n) to shrink all slab caches: a leak has to be larger to be seen");
	if (!s->nr_caches)
		leak_note(
			run,
			"no caches to shrink in %s: free objects in lists of CPUs count as in use, so that a leak has to be larger to be seen",
			SLAB_DIRECTORY);
	if (s->drop_fd < 0)
		leak_note(
			run,
			"%s: reclaimable slab caches (dentries, inodes, nodes of xarrays) were not compared",
			keep ? "--keep-caches" : "cannot write " DROP_CACHES);
}

/**
 * leak_settle_end() - close the files
 * @run: the check
 */
void leak_settle_end(struct leak_run *run)
{
	struct leak_settler *s = &run->settler;

	while (s->nr_caches)
		close_cache(s, s->nr_caches - 1);
	free(s->caches);
	if (s->directory)
		closedir(s->directory);
	if (s->drop_fd >= 0)
		close(s->drop_fd);
	if (s->refresh_fd >= 0)
		close(s->refresh_fd);
}
