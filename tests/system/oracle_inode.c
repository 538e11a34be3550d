// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section inode, with files of known size: in a tmpfs, in the root, deleted, in
 * memory only, mapped, of a cgroup, and more of them than the section has room for;
 * pages against mincore(), all of them against the counter of the page cache; and
 * afterwards nothing keeps a file system busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define MOUNT "/tmp/oracle_inode"
#define IN_ROOT "/oracle_inode_file"
#define CGROUP "oracle_inode"
/* In pages; each another number, and more than other files have. */
#define KEPT 1501
#define DELETED 1201
#define MEMFD 1103
#define ROOT 1049
#define CHARGED 1013
#define HOLES 7
/* More files than records, of more than one hold of the lock. */
#define MANY 700
#define RECORDS 100

static long page;

/* What the section says of an inode; pages is 0 if it has no record. */
struct seen {
	unsigned int records;
	uint64_t pages;
	uint64_t size;
	uint64_t deleted;
	uint64_t mapped;
	char fs[32];
	char mount[128];
	char path[128];
	char memcg[128];
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ?: "-");
}

static struct seen look(const struct stat *st)
{
	const struct memdiag_section *s;
	struct seen seen = {};
	struct snap snap;
	char dev[32];
	uint64_t n;

	snprintf(dev, sizeof(dev), "%u:%u", major(st->st_dev), minor(st->st_dev));
	snap_take(&snap, SNAP_BIT(INODE));
	s = snap_section(&snap, MEMDIAG_SEC_INODE);
	for (n = 0; n < s->nr_records; n++) {
		if (snap_get(&snap, s, n, "ino") != st->st_ino ||
		    strcmp(snap_get_string(&snap, s, n, "dev"), dev))
			continue;
		seen.records++;
		seen.pages = snap_get(&snap, s, n, "pages");
		seen.size = snap_get(&snap, s, n, "size");
		seen.deleted = snap_get(&snap, s, n, "deleted");
		seen.mapped = snap_get(&snap, s, n, "mapped");
		copy(seen.fs, sizeof(seen.fs), snap_get_string(&snap, s, n, "fs"));
		copy(seen.mount, sizeof(seen.mount), snap_get_string(&snap, s, n, "mount"));
		copy(seen.path, sizeof(seen.path), snap_get_string(&snap, s, n, "path"));
		copy(seen.memcg, sizeof(seen.memcg), snap_get_string(&snap, s, n, "memcg"));
	}
	snap_drop(&snap);
	return seen;
}

static void write_at(int fd, off_t first, unsigned int nr)
{
	char *data = calloc(1, page);

	for (; nr; nr--, first++)
		if (pwrite(fd, data, page, first * page) != page)
			ktap_bail("write: %s", strerror(errno));
	free(data);
}

static int make(const char *path, unsigned int nr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		ktap_bail("open %s: %s", path, strerror(errno));
	write_at(fd, 0, nr);
	return fd;
}

/* Pages in memory as mincore() counts them; unmapped again. */
static uint64_t in_core(int fd, const struct stat *st)
{
	size_t i, nr = (st->st_size + page - 1) / page;
	unsigned char *core = calloc(1, nr);
	void *map = mmap(NULL, st->st_size, PROT_READ, MAP_SHARED, fd, 0);
	uint64_t count = 0;

	if (map == MAP_FAILED || mincore(map, st->st_size, core))
		ktap_bail("mincore: %s", strerror(errno));
	for (i = 0; i < nr; i++)
		count += core[i] & 1;
	munmap(map, st->st_size);
	free(core);
	return count;
}

static bool is(const struct seen *seen, const struct stat *st, uint64_t pages, bool deleted,
	       const char *path)
{
	bool right = seen->records == 1 && seen->pages == pages &&
		     seen->size == (uint64_t)st->st_size && seen->deleted == deleted &&
		     !strcmp(seen->path, path);

	if (!right)
		ktap_note("%u records, %llu pages of %llu, size %llu, deleted %llu, path %s",
			  seen->records, (unsigned long long)seen->pages, (unsigned long long)pages,
			  (unsigned long long)seen->size, (unsigned long long)seen->deleted,
			  seen->path);
	return right;
}

/* A file of known size, held open. */
static struct seen check(int fd, unsigned int pages, bool deleted, const char *path,
			 const char *what)
{
	struct seen seen;
	struct stat st;

	fstat(fd, &st);
	seen = look(&st);
	ktap_ok(in_core(fd, &st) == pages && is(&seen, &st, pages, deleted, path),
		"oracle_inode: %s of %u pages", what, pages);
	return seen;
}

static void files(void)
{
	struct seen seen;
	struct stat st;
	void *map;
	int fd;

	fd = make(MOUNT "/kept", KEPT);
	write_at(fd, KEPT + HOLES, 1);
	seen = check(fd, KEPT + 1, false, "/kept", "a file with a hole");
	ktap_ok(!strcmp(seen.fs, "tmpfs") && !strcmp(seen.mount, MOUNT) && !seen.mapped,
		"oracle_inode: in a tmpfs at %s, not mapped", seen.mount);
	fstat(fd, &st);
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	seen = look(&st);
	ktap_ok(seen.mapped == 1, "oracle_inode: mapped");
	munmap(map, page);
	close(fd);
	truncate(MOUNT "/kept", 0);
	seen = look(&st);
	ktap_ok(!seen.records, "oracle_inode: not there when it is empty");

	fd = make(MOUNT "/deleted", DELETED);
	unlink(MOUNT "/deleted");
	check(fd, DELETED, true, "/deleted", "a deleted file");
	fstat(fd, &st);
	close(fd);
	seen = look(&st);
	ktap_ok(!seen.records, "oracle_inode: gone when it is closed");

	fd = memfd_create("oracle_inode", MFD_CLOEXEC);
	write_at(fd, 0, MEMFD);
	check(fd, MEMFD, true, "memfd:oracle_inode", "a memfd");
	close(fd);

	fd = make(IN_ROOT, ROOT);
	check(fd, ROOT, false, IN_ROOT, "a file in the root");
	close(fd);
	unlink(IN_ROOT);
}

/* Written by a child in a cgroup of its own. */
static void charged(void)
{
	bool v1 = !access("/sys/fs/cgroup/memory/memory.usage_in_bytes", F_OK);
	const char *root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
	char dir[128], procs[160];
	struct seen seen;
	struct stat st;
	unsigned int i;
	pid_t pid;
	int fd;

	snprintf(dir, sizeof(dir), "%s/" CGROUP, root);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	if (!v1)
		file_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(dir, 0755);
	snprintf(procs, sizeof(procs), "%s/memory.stat", dir);
	if (access(procs, F_OK)) {
		ktap_skip("no memory controller", "oracle_inode: the cgroup of a file");
		rmdir(dir);
		return;
	}
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (file_write(procs, "0"))
			_exit(1);
		close(make(MOUNT "/charged", CHARGED));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	fd = open(MOUNT "/charged", O_RDWR | O_CLOEXEC);
	seen = check(fd, CHARGED, false, "/charged", "a file of a cgroup");
	ktap_ok(!strcmp(seen.memcg, "/" CGROUP), "oracle_inode: its cgroup: %s", seen.memcg);
	fstat(fd, &st);
	close(fd);
	unlink(MOUNT "/charged");
	for (i = 0; i < 200 && rmdir(dir) && errno == EBUSY; i++)
		usleep(10000);
}

static void many(void)
{
	const struct memdiag_section *s;
	bool sorted = true;
	struct snap snap;
	char path[64];
	unsigned int i;
	uint64_t n;

	for (i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), MOUNT "/%u", i);
		close(make(path, 1 + i % 3));
	}
	snap_take(&snap, SNAP_BIT(INODE));
	s = snap_section(&snap, MEMDIAG_SEC_INODE);
	for (n = 1; n < s->nr_records; n++)
		sorted &= snap_get(&snap, s, n, "pages") <= snap_get(&snap, s, n - 1, "pages");
	ktap_ok(s->nr_records == RECORDS && sorted,
		"oracle_inode: %u records where there are more files, the largest first", RECORDS);
	snap_drop(&snap);
	ktap_ok(!umount(MOUNT), "oracle_inode: the file system can be unmounted at once");
	rmdir(MOUNT);
}

/* The counter, with what each CPU has of it added; -1 if it cannot be had so. */
static long long file_pages(void)
{
	char *text, *line;
	long long pages = -1;

	if (file_write("/proc/sys/vm/stat_refresh", "1"))
		return -1;
	text = file_read("/proc/vmstat");
	line = text ? strstr(text, "\nnr_file_pages ") : NULL;
	if (!line || sscanf(line, " nr_file_pages %lld", &pages) != 1)
		pages = -1;
	free(text);
	return pages;
}

/* As long as there is a record for each, nothing but inodes may have pages. */
static void complete(void)
{
	const struct memdiag_section *s;
	long long before, after, sum;
	struct snap snap;
	unsigned int i;
	uint64_t n, nr;

	for (i = 0; i < 20; i++) {
		before = file_pages();
		snap_take(&snap, SNAP_BIT(INODE));
		s = snap_section(&snap, MEMDIAG_SEC_INODE);
		nr = s->nr_records;
		for (n = 0, sum = 0; n < nr; n++)
			sum += snap_get(&snap, s, n, "pages");
		snap_drop(&snap);
		after = file_pages();
		if (nr >= RECORDS || before < 0 || (before == after && sum == after))
			break;
		usleep(100000);
	}
	if (nr >= RECORDS || before < 0)
		ktap_skip("too many files, or no stat_refresh",
			  "oracle_inode: all pages of the page cache");
	else
		ktap_ok(before == after && sum == after,
			"oracle_inode: all pages of the page cache: %lld, counted %lld and %lld",
			sum, before, after);
}

void oracle_inode(void)
{
	page = getpagesize();
	mkdir(MOUNT, 0700);
	if (mount("none", MOUNT, "tmpfs", 0, "size=50%")) {
		ktap_skip("no tmpfs", "oracle_inode");
		return;
	}
	complete();
	files();
	charged();
	many();
}
