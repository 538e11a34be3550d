// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections shmem and shmem_file: against statvfs() of every tmpfs mount, and with
 * known amounts: files in a mount, a deleted file and its holder, a memfd, SysV
 * segments, shared anonymous memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define MOUNT		"/tmp/oracle shmem"
#define UNLIMITED	"/tmp/oracle_unlimited"
/* In pages; each another number. */
#define KEPT		301
#define DELETED		97
#define MEMFD		53
#define SYSV		41
#define ANON		29
#define MAX_BLOCKS	1000
#define MAX_INODES	50
/* More files than are looked at under one hold of the lock. */
#define MANY		700

static long page;

/* --- statvfs --------------------------------------------------------------- */

static bool is_tmpfs(const char *path)
{
	struct statfs st;

	return !statfs(path, &st) && st.f_type == TMPFS_MAGIC;
}

/* The path of a line of mountinfo, in place; NULL if it is no tmpfs. */
static char *tmpfs_path(char *line, char *dev, size_t size)
{
	char *words[5], *from, *to;
	unsigned int i;
	/* The root of a machine that runs from its initramfs, and devtmpfs, are the same. */
	bool tmpfs = strstr(line, " - tmpfs ") || strstr(line, " - devtmpfs ") ||
		     (strstr(line, " - rootfs ") && is_tmpfs("/"));

	for (i = 0; i < 5; i++)
		words[i] = file_word(&line);
	if (!tmpfs || !words[4])
		return NULL;
	snprintf(dev, size, "%s", words[2]);
	for (from = to = words[4]; *from; to++) {
		if (*from == '\\') {
			*to = (from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return words[4];
}

static bool shmem_kernel(struct facts *facts)
{
	char *text = file_read("/proc/1/mountinfo"), *rest = text, *line, *path, dev[32];
	struct statvfs st;

	while (text && (line = file_line(&rest))) {
		path = tmpfs_path(line, dev, sizeof(dev));
		if (!path || statvfs(path, &st))
			continue;
		facts_string(facts, path, "%s/mount", dev);
		if (st.f_blocks) {
			facts_number(facts, st.f_blocks, "%s/max_blocks", dev);
			facts_number(facts, st.f_blocks - st.f_bfree, "%s/used_blocks", dev);
		} else {
			facts_string(facts, "max", "%s/max_blocks", dev);
		}
		if (st.f_files) {
			facts_number(facts, st.f_files, "%s/max_inodes", dev);
			facts_number(facts, st.f_files - st.f_ffree, "%s/used_inodes", dev);
		} else {
			facts_string(facts, "max", "%s/max_inodes", dev);
		}
	}
	free(text);
	return text;
}

static void shmem_memdiag(struct facts *facts, const struct snap *snap,
			  const struct memdiag_section *s)
{
	static const char *const fields[] = { "mount", "max_blocks", "used_blocks", "max_inodes",
					      "used_inodes" };
	unsigned int i;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		if (strcmp(snap_get_string(snap, s, n, "kind"), "mounted"))
			continue;
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			facts_field(facts, snap, s, n, snap_field_named(snap, s, fields[i]),
				    snap_get_string(snap, s, n, "dev"));
	}
}

static const struct oracle shmem_oracle = {
	.name = "shmem",
	.section = MEMDIAG_SEC_SHMEM,
	.kernel = shmem_kernel,
	.memdiag = shmem_memdiag,
};

/* --- known amounts ---------------------------------------------------------- */

/* Numbers of one kind, or of one mount. */
struct held {
	uint64_t records;
	uint64_t pages;
	uint64_t inodes;
	uint64_t unlinked;
	uint64_t unlinked_pages;
};

static struct held look(const char *field, const char *wanted)
{
	const struct memdiag_section *s;
	struct held held = {};
	struct snap snap;
	const char *text;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(SHMEM));
	s = snap_section(&snap, MEMDIAG_SEC_SHMEM);
	for (n = 0; n < s->nr_records; n++) {
		text = snap_get_string(&snap, s, n, field);
		if (!text || strcmp(text, wanted))
			continue;
		held.records++;
		held.pages += snap_get(&snap, s, n, "pages");
		held.inodes += snap_get(&snap, s, n, "inodes");
		held.unlinked += snap_get(&snap, s, n, "unlinked");
		held.unlinked_pages += snap_get(&snap, s, n, "unlinked_pages");
	}
	snap_drop(&snap);
	return held;
}

static int write_pages(const char *path, unsigned int nr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *data = calloc(1, page);

	for (; fd >= 0 && nr; nr--)
		if (write(fd, data, page) != page)
			ktap_bail("write %s: %s", path, strerror(errno));
	free(data);
	return fd;
}

static bool equal(const char *what, uint64_t value, uint64_t want)
{
	if (value != want)
		ktap_note("%s: %llu, held %llu", what, (unsigned long long)value,
			  (unsigned long long)want);
	return value == want;
}

/*
 * Does section shmem_file have one record of @pid and @path, with so many pages and fds? With
 * @pages 0 it must have none. A file that nobody has open has the pid MEMDIAG_ABSENT.
 */
static bool held_by(uint64_t pid, const char *kind, const char *path, uint64_t pages, uint64_t fds)
{
	const struct memdiag_section *s;
	struct snap snap;
	uint64_t n, found = 0;
	const char *p;

	snap_take(&snap, SNAP_BIT(SHMEM_FILE));
	s = snap_section(&snap, MEMDIAG_SEC_SHMEM_FILE);
	for (n = 0; n < s->nr_records; n++) {
		p = snap_get_string(&snap, s, n, "path");
		if (snap_get(&snap, s, n, "pid") != pid || !p || strcmp(p, path))
			continue;
		found++;
		if (snap_get(&snap, s, n, "pages") != pages ||
		    snap_get(&snap, s, n, "fds") != fds ||
		    strcmp(snap_get_string(&snap, s, n, "kind"), kind))
			found += 100;
	}
	snap_drop(&snap);
	return equal(path, found, pages ? 1 : 0);
}

static bool holder(const char *kind, const char *path, uint64_t pages, uint64_t fds)
{
	return held_by(getpid(), kind, path, fds ? pages : 0, fds);
}

bool oracle_send_file(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec byte = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

/* A memfd whose only reference is a message that nobody has received. */
static void known_in_flight(void)
{
	int fd = memfd_create("flight", MFD_CLOEXEC), sockets[2], i;
	char *data = calloc(1, page);

	for (i = 0; i < MEMFD; i++)
		if (write(fd, data, page) != page)
			ktap_bail("memfd: %s", strerror(errno));
	free(data);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets)) {
		ktap_skip(strerror(errno), "oracle_shmem: known: a memfd in flight");
		close(fd);
		return;
	}
	ktap_ok(holder("memfd", "/memfd:flight", MEMFD, 1) &
			held_by(MEMDIAG_ABSENT, "memfd", "/memfd:flight", 0, 0),
		"oracle_shmem: known: a memfd before it is sent");
	if (!oracle_send_file(sockets[0], fd))
		ktap_bail("sendmsg: %s", strerror(errno));
	close(fd);
	ktap_ok(held_by(MEMDIAG_ABSENT, "memfd", "/memfd:flight", MEMFD, 0),
		"oracle_shmem: known: a memfd of %d pages in flight in a socket", MEMFD);
	close(sockets[0]);
	close(sockets[1]);
	ktap_ok(held_by(MEMDIAG_ABSENT, "memfd", "/memfd:flight", 0, 0),
		"oracle_shmem: known: it is gone with the socket");
}

/* A SysV segment, attached, in a namespace of its own: its inode number is 0. */
static void *take_first(key_t key, size_t size)
{
	void *memory;
	int id;

	if (unshare(CLONE_NEWIPC))
		return NULL;
	id = shmget(key, size, IPC_CREAT | 0600);
	memory = id == 0 ? shmat(id, NULL, 0) : (void *)-1;
	if (memory == (void *)-1)
		return NULL;
	return memset(memory, 1, size);
}

/* Two files with the same number, of which the process has one open. */
static void known_same_number(void)
{
	int home = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), fd = -1;
	char *a = take_first(0x6d01, SYSV * page), *b = take_first(0x6d02, ANON * page);
	const char *name = "oracle_shmem: known: two SysV segments with one number";
	char path[80];

	if (a && b) {
		snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)a,
			 (unsigned long)a + SYSV * page);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		ktap_skip(strerror(errno), name);
	else
		ktap_ok(held_by(getpid(), "sysv", "/SYSV00006d01", SYSV, 1) &
				held_by(MEMDIAG_ABSENT, "sysv", "/SYSV00006d02", ANON, 0),
			name);
	close(fd);
	if (setns(home, CLONE_NEWIPC) && (a || b))
		ktap_bail("setns: %s", strerror(errno));
	close(home);
	if (a)
		shmdt(a);
	if (b)
		shmdt(b);
}

static void known_mount(void)
{
	struct held held;
	char options[80], path[120];
	int fd, again, i;

	mkdir(MOUNT, 0700);
	snprintf(options, sizeof(options), "size=%ldk,nr_inodes=%d", MAX_BLOCKS * page >> 10,
		 MAX_INODES);
	if (mount("none", MOUNT, "tmpfs", 0, options))
		ktap_bail("mount: %s", strerror(errno));
	held = look("mount", MOUNT);
	ktap_ok(equal("records", held.records, 1) & equal("pages", held.pages, 0) &
			equal("inodes", held.inodes, 1) & equal("unlinked", held.unlinked, 0),
		"oracle_shmem: known: an empty mount");
	close(write_pages(MOUNT "/kept", KEPT));
	fd = write_pages(MOUNT "/deleted", DELETED);
	again = dup(fd);
	unlink(MOUNT "/deleted");
	held = look("mount", MOUNT);
	ktap_ok(equal("pages", held.pages, KEPT + DELETED) & equal("inodes", held.inodes, 3) &
			equal("unlinked", held.unlinked, 1) &
			equal("unlinked_pages", held.unlinked_pages, DELETED),
		"oracle_shmem: known: %d pages, and %d of a deleted file", KEPT, DELETED);
	ktap_ok(holder("mounted", MOUNT "/deleted", DELETED, 2) &
			holder("mounted", MOUNT "/kept", KEPT, 0),
		"oracle_shmem: known: the deleted file has this process as its holder");
	oracle_run(&shmem_oracle);
	close(fd);
	close(again);
	held = look("mount", MOUNT);
	ktap_ok(equal("pages", held.pages, KEPT) & equal("unlinked", held.unlinked, 0) &
			holder("mounted", MOUNT "/deleted", 0, 0),
		"oracle_shmem: known: gone when it is closed");

	mkdir(UNLIMITED, 0700);
	if (mount("none", UNLIMITED, "tmpfs", 0, "size=0,nr_inodes=0"))
		ktap_bail("mount: %s", strerror(errno));
	for (i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), UNLIMITED "/%d", i);
		close(write_pages(path, 1));
	}
	held = look("mount", UNLIMITED);
	ktap_ok(equal("pages", held.pages, MANY) & equal("inodes", held.inodes, MANY + 1),
		"oracle_shmem: known: %d files of a page where nothing is limited", MANY);
	oracle_run(&shmem_oracle);
	umount(UNLIMITED);
	rmdir(UNLIMITED);
	umount(MOUNT);
	rmdir(MOUNT);
	held = look("mount", MOUNT);
	ktap_ok(equal("records", held.records, 0), "oracle_shmem: known: unmounted");
}

static void known_internal(void)
{
	struct held a, b;
	void *memory;
	int fd, id;

	a = look("kind", "memfd");
	fd = memfd_create("oracle", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, MEMFD * page))
		ktap_bail("memfd: %s", strerror(errno));
	memory = mmap(NULL, MEMFD * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(memory, 1, MEMFD * page);
	b = look("kind", "memfd");
	ktap_ok(equal("pages", b.pages - a.pages, MEMFD) &
			equal("inodes", b.inodes - a.inodes, 1) &
			holder("memfd", "/memfd:oracle", MEMFD, 1),
		"oracle_shmem: known: a memfd of %d pages and its holder", MEMFD);
	munmap(memory, MEMFD * page);
	close(fd);
	b = look("kind", "memfd");
	ktap_ok(equal("pages", b.pages, a.pages) & holder("memfd", "/memfd:oracle", 0, 0),
		"oracle_shmem: known: the memfd is closed");

	a = look("kind", "sysv");
	id = shmget(IPC_PRIVATE, SYSV * page, IPC_CREAT | 0600);
	if (id < 0) {
		ktap_skip("no SysV shared memory", "oracle_shmem: known: a SysV segment");
	} else {
		memory = shmat(id, NULL, 0);
		memset(memory, 1, SYSV * page);
		shmdt(memory);
		b = look("kind", "sysv");
		ktap_ok(equal("pages", b.pages - a.pages, SYSV) &
				equal("inodes", b.inodes - a.inodes, 1),
			"oracle_shmem: known: a SysV segment of %d pages", SYSV);
		shmctl(id, IPC_RMID, NULL);
		b = look("kind", "sysv");
		ktap_ok(equal("pages", b.pages, a.pages), "oracle_shmem: known: it is removed");
	}

	a = look("kind", "anon");
	memory = mmap(NULL, ANON * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	memset(memory, 1, ANON * page);
	b = look("kind", "anon");
	ktap_ok(equal("pages", b.pages - a.pages, ANON),
		"oracle_shmem: known: shared anonymous memory of %d pages", ANON);
	munmap(memory, ANON * page);
	b = look("kind", "anon");
	ktap_ok(equal("pages", b.pages, a.pages), "oracle_shmem: known: it is unmapped");
}

/* All of them together are Shmem, which is kept back in part by each CPU. */
static void sum_is_shmem(void)
{
	const struct memdiag_section *s;
	long long kib = 0, sum = 0;
	const char *at;
	struct snap snap;
	char *text;
	uint64_t n;

	file_write("/proc/sys/vm/stat_refresh", "1");
	text = file_read("/proc/meminfo");
	at = text ? strstr(text, "\nShmem:") : NULL;
	if (!at || sscanf(at, " Shmem: %lld", &kib) != 1)
		ktap_bail("/proc/meminfo says no Shmem");
	free(text);
	snap_take(&snap, SNAP_BIT(SHMEM));
	s = snap_section(&snap, MEMDIAG_SEC_SHMEM);
	for (n = 0; n < s->nr_records; n++)
		sum += snap_get(&snap, s, n, "pages");
	snap_drop(&snap);
	ktap_ok(equal("pages", sum, kib / (page >> 10)),
		"oracle_shmem: all records together are Shmem: %lld KiB", kib);
}

void oracle_shmem(void)
{
	struct snap snap;
	bool has;

	page = getpagesize();
	snap_take(&snap, SNAP_BIT(SHMEM));
	has = snap_has(&snap, MEMDIAG_SEC_SHMEM);
	snap_drop(&snap);
	if (!has) {
		ktap_skip("no shmem on this kernel", "oracle_shmem");
		return;
	}
	oracle_run(&shmem_oracle);
	sum_is_shmem();
	known_mount();
	known_internal();
	known_in_flight();
	known_same_number();
}
