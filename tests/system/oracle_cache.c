// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section cache_memcg: a cgroup makes a known number of files, which are a dentry
 * and an inode each; then it is removed while they stay, and its parent has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define MOUNT "/tmp/oracle_cache"
#define PARENT "oracle_cache"
#define CHILD PARENT "/child"
#define FILES 1500

static const char *root;
static bool v1;

/* Objects of one cgroup, added up. */
struct seen {
	uint64_t dentries;
	uint64_t inodes;
	uint64_t bytes;
	uint64_t inherited;
	char from[128];
};

static uint64_t cgroup_id(const char *name)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return stat(path, &st) ? 0 : st.st_ino;
}

static struct seen look(uint64_t id)
{
	const struct memdiag_section *s;
	struct seen seen = {};
	struct snap snap;
	const char *from;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(CACHE_MEMCG));
	s = snap_section(&snap, MEMDIAG_SEC_CACHE_MEMCG);
	for (n = 0; n < s->nr_records; n++) {
		const char *cache = snap_get_string(&snap, s, n, "cache");
		uint64_t objs = snap_get(&snap, s, n, "objs");

		if (snap_get(&snap, s, n, "id") != id)
			continue;
		seen.bytes += snap_get(&snap, s, n, "bytes");
		if (!strcmp(cache, "shmem_inode_cache"))
			seen.inodes += objs;
		if (strcmp(cache, "dentry"))
			continue;
		seen.dentries += objs;
		from = snap_get_string(&snap, s, n, "from");
		if (!from)
			continue;
		seen.inherited += objs;
		snprintf(seen.from, sizeof(seen.from), "%s", from);
	}
	snap_drop(&snap);
	return seen;
}

static void make_cgroup(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/cgroup.subtree_control", root, name);
	if (!v1)
		file_write(path, "+memory");
}

static void remove_cgroup(const char *name)
{
	char path[160];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	/* The last task of it may still be on its way out. */
	for (i = 0; i < 200 && rmdir(path) && errno == EBUSY; i++)
		usleep(10000);
}

/* One page in the first of them keeps the cgroup, where pages do that. */
static bool make_files(const char *name)
{
	char procs[160], path[64];
	int status, fd;
	unsigned int i;
	pid_t pid;

	snprintf(procs, sizeof(procs), "%s/%s/cgroup.procs", root, name);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (file_write(procs, "0"))
			_exit(1);
		for (i = 0; i < FILES; i++) {
			snprintf(path, sizeof(path), MOUNT "/%u", i);
			fd = open(path, O_WRONLY | O_CREAT, 0600);
			if (fd < 0 || (!i && write(fd, "x", 1) != 1))
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

/* KFENCE takes an object now and then, and some kernels do not charge those. */
static unsigned int may_lack(void)
{
	long long interval;

	return file_number(&interval, "/sys/module/kfence/parameters/sample_interval") && interval
		       ? 32
		       : 0;
}

static bool as_many(const char *what, uint64_t seen, uint64_t want)
{
	bool right = seen <= want && seen + may_lack() >= want;

	if (!right)
		ktap_note("%s: %llu, made %llu", what, (unsigned long long)seen,
			  (unsigned long long)want);
	return right;
}

/*
 * The kernel's own sum lags: by a page per CPU and item that it keeps for later,
 * before 5.13 by 32.
 */
static void against_stat(const struct seen *seen)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), lag = 2 * cpus * getpagesize();
	char *text = file_read("%s/" CHILD "/memory.stat", root), *line = NULL;
	unsigned int major, minor;
	struct utsname name;
	long long slab, off;

	uname(&name);
	if (sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 13)))
		lag *= 32;
	line = text ? strstr(text, "\nslab ") : NULL;
	if (!line || sscanf(line, " slab %lld", &slab) != 1) {
		ktap_skip("memory.stat has no slab", "oracle_cache: against memory.stat");
	} else {
		off = (long long)seen->bytes - slab;
		ktap_ok(off >= -lag && off <= lag,
			"oracle_cache: %llu bytes are charged, memory.stat says %lld",
			(unsigned long long)seen->bytes, slab);
	}
	free(text);
}

/* Whether the removed cgroup is still there, and dying. */
static bool is_dying(uint64_t id)
{
	const struct memdiag_section *s;
	bool dying = false;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(MEMCG));
	s = snap_section(&snap, MEMDIAG_SEC_MEMCG);
	for (n = 0; n < s->nr_records; n++)
		if (snap_get(&snap, s, n, "id") == id)
			dying = !strcmp(snap_get_string(&snap, s, n, "state"), "dying");
	snap_drop(&snap);
	return dying;
}

/* From 6.7 on a cgroup that is dying remembers what it had. */
static bool names_dying(void)
{
	unsigned int major, minor;
	struct utsname name;

	uname(&name);
	return sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 7));
}

static void removed(uint64_t parent, uint64_t child)
{
	struct seen seen = look(parent);
	const char *from = "?";
	unsigned int i;

	/* The rest of removing it is done by a worker. */
	for (i = 0; i < 100 && !seen.inherited; i++) {
		usleep(100000);
		seen = look(parent);
	}
	/* It may have been done in the middle of that walk, but it is done all at once. */
	if (seen.inherited)
		seen = look(parent);
	if (is_dying(child) && names_dying())
		from = "/" CHILD " (deleted)";
	ktap_ok(as_many("inherited dentries", seen.inherited, FILES) && !strcmp(seen.from, from),
		"oracle_cache: the parent has inherited them from %s (%s)", from, seen.from);
	umount(MOUNT);
	/* They are freed after RCU. */
	for (i = 0; i < 100 && seen.dentries + seen.inodes; i++) {
		usleep(100000);
		seen = look(parent);
	}
	ktap_ok(!seen.dentries && !seen.inodes, "oracle_cache: gone when the files are");
}

void oracle_cache(void)
{
	uint64_t parent, child;
	struct snap snap;
	struct seen seen;
	bool has;

	snap_take(&snap, SNAP_BIT(CACHE_MEMCG));
	has = snap_has(&snap, MEMDIAG_SEC_CACHE_MEMCG);
	snap_drop(&snap);
	v1 = !access("/sys/fs/cgroup/memory/memory.usage_in_bytes", F_OK);
	root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
	if (!has || (!v1 && access("/sys/fs/cgroup/memory.stat", F_OK))) {
		ktap_skip("no cache_memcg on this kernel", "oracle_cache");
		return;
	}
	mkdir(MOUNT, 0700);
	if (mount("none", MOUNT, "tmpfs", 0, "nr_inodes=0"))
		ktap_bail("mount: %s", strerror(errno));
	if (!v1)
		file_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	make_cgroup(PARENT);
	snprintf(seen.from, sizeof(seen.from), "%s/" CHILD, root);
	mkdir(seen.from, 0755);
	parent = cgroup_id(PARENT);
	child = cgroup_id(CHILD);
	if (!make_files(CHILD))
		ktap_bail("no files could be made in a cgroup");
	/* Let the statistics be added up, which happens every two seconds. */
	sleep(3);
	seen = look(child);
	ktap_ok(as_many("dentries", seen.dentries, FILES) & as_many("inodes", seen.inodes, FILES) &
			!seen.inherited,
		"oracle_cache: %u dentries and inodes are charged to their cgroup", FILES);
	against_stat(&seen);
	remove_cgroup(CHILD);
	removed(parent, child);
	rmdir(MOUNT);
	remove_cgroup(PARENT);
}
