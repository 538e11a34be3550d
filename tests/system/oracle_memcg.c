// SPDX-License-Identifier: GPL-2.0-only
/*
 * memcg: every file memory.* of every cgroup, with cgroups of all sorts: idle,
 * nested, limited, protected, filled, without the controller, hundreds of them,
 * and removed ones that tmpfs pages keep from dying.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define MANY 200

static const char *root;
static bool v1;
static pid_t children[64];
static unsigned int nr_children;

/* --- what the kernel says ------------------------------------------------- */

static unsigned long long inode(const char *dir)
{
	struct stat st;

	return stat(dir, &st) ? 0 : st.st_ino;
}

/* A file with one number or "max". */
static void one_value(struct facts *facts, const char *dir, const char *file, unsigned long long id,
		      const char *field)
{
	char *text = file_read("%s/%s", dir, file), *end;
	long long value;

	if (!text)
		return;
	value = strtoll(text, &end, 10);
	if (end != text)
		facts_number(facts, value, "%llu/%s", id, field);
	else if (!strncmp(text, "max", 3))
		facts_string(facts, "max", "%llu/%s", id, field);
	free(text);
}

/* A file of lines "name value". */
static void many_values(struct facts *facts, const char *dir, const char *file,
			unsigned long long id, const char *prefix)
{
	char *text = file_read("%s/%s", dir, file), *rest = text, *line;
	char name[64];
	long long value;

	while (text && (line = file_line(&rest)))
		if (sscanf(line, "%63s %lld", name, &value) == 2)
			facts_number(facts, value, "%llu/%s%s", id, prefix, name);
	free(text);
}

static void common_facts(struct facts *facts, const char *dir, unsigned long long id,
			 unsigned long long parent, unsigned int level)
{
	char *text = file_read("%s/cgroup.stat", dir), *rest = text, *line;
	long long value;

	facts_number(facts, id, "%llu/id", id);
	if (parent)
		facts_number(facts, parent, "%llu/parent", id);
	facts_string(facts, dir[strlen(root)] ? dir + strlen(root) : "/", "%llu/path", id);
	facts_string(facts, "online", "%llu/state", id);
	facts_number(facts, level, "%llu/level", id);
	while (text && (line = file_line(&rest))) {
		if (sscanf(line, "nr_descendants %lld", &value) == 1)
			facts_number(facts, value, "%llu/nr_descendants", id);
		else if (sscanf(line, "nr_dying_descendants %lld", &value) == 1)
			facts_number(facts, value, "%llu/nr_dying_descendants", id);
	}
	free(text);
}

static void v2_facts(struct facts *facts, const char *dir, unsigned long long id)
{
	static const char *const files[] = {
		"memory.current",   "memory.peak",	"memory.min",	    "memory.low",
		"memory.high",	    "memory.max",	"memory.oom.group", "memory.swap.current",
		"memory.swap.peak", "memory.swap.high", "memory.swap.max",
	};
	unsigned int i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		one_value(facts, dir, files[i], id, files[i]);
	many_values(facts, dir, "memory.stat", id, "");
	many_values(facts, dir, "memory.events", id, "memory.events.");
	many_values(facts, dir, "memory.events.local", id, "memory.events.local.");
	many_values(facts, dir, "memory.swap.events", id, "memory.swap.events.");
}

/* The names of v1, and those that memdiag uses for the same. */
static const struct {
	const char *file;
	const char *field;
	bool limit;
} v1_files[] = {
	{ "memory.usage_in_bytes", "memory.current" },
	{ "memory.max_usage_in_bytes", "memory.peak" },
	{ "memory.limit_in_bytes", "memory.max", true },
	{ "memory.failcnt", "memory.failcnt" },
	{ "memory.soft_limit_in_bytes", "memory.soft_limit_in_bytes", true },
	{ "memory.memsw.usage_in_bytes", "memory.memsw.usage_in_bytes" },
	{ "memory.memsw.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes" },
	{ "memory.memsw.limit_in_bytes", "memory.memsw.limit_in_bytes", true },
	{ "memory.memsw.failcnt", "memory.memsw.failcnt" },
	{ "memory.kmem.usage_in_bytes", "memory.kmem.usage_in_bytes" },
	{ "memory.kmem.max_usage_in_bytes", "memory.kmem.max_usage_in_bytes" },
	{ "memory.kmem.limit_in_bytes", "memory.kmem.limit_in_bytes", true },
	{ "memory.kmem.failcnt", "memory.kmem.failcnt" },
	{ "memory.kmem.tcp.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes" },
	{ "memory.kmem.tcp.max_usage_in_bytes", "memory.kmem.tcp.max_usage_in_bytes" },
	{ "memory.kmem.tcp.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes", true },
	{ "memory.kmem.tcp.failcnt", "memory.kmem.tcp.failcnt" },
};

/* The items of memory.stat of v1, hierarchical, and those of v2. */
static const struct {
	const char *v1;
	const char *v2;
} v1_items[] = {
	{ "total_cache", "file" },
	{ "total_rss", "anon" },
	{ "total_rss_huge", "anon_thp" },
	{ "total_shmem", "shmem" },
	{ "total_mapped_file", "file_mapped" },
	{ "total_dirty", "file_dirty" },
	{ "total_writeback", "file_writeback" },
	{ "total_workingset_refault_anon", "workingset_refault_anon" },
	{ "total_workingset_refault_file", "workingset_refault_file" },
	{ "total_swapcached", "swapcached" },
	{ "total_pgfault", "pgfault" },
	{ "total_pgmajfault", "pgmajfault" },
	{ "total_inactive_anon", "inactive_anon" },
	{ "total_active_anon", "active_anon" },
	{ "total_inactive_file", "inactive_file" },
	{ "total_active_file", "active_file" },
	{ "total_unevictable", "unevictable" },
};

#define NR_V1_FILES (sizeof(v1_files) / sizeof(v1_files[0]))
#define NR_V1_ITEMS (sizeof(v1_items) / sizeof(v1_items[0]))

static void v1_facts(struct facts *facts, const char *dir, unsigned long long id)
{
	char *text, *rest, *line, name[64];
	unsigned int i;
	long long value;

	for (i = 0; i < NR_V1_FILES; i++) {
		/* the root's memory and swap are computed otherwise; memdiag does not say */
		if (!dir[strlen(root)] && !strcmp(v1_files[i].file, "memory.memsw.usage_in_bytes"))
			continue;
		if (!file_number(&value, "%s/%s", dir, v1_files[i].file))
			continue;
		/* as v1 prints "no limit" */
		if (v1_files[i].limit && value >= 0x7ffffffffffff000ll)
			facts_string(facts, "max", "%llu/%s", id, v1_files[i].field);
		else
			facts_number(facts, value, "%llu/%s", id, v1_files[i].field);
	}
	text = file_read("%s/memory.oom_control", dir);
	rest = text;
	while (text && (line = file_line(&rest)))
		if (sscanf(line, "oom_kill %lld", &value) == 1)
			facts_number(facts, value, "%llu/memory.events.local.oom_kill", id);
	free(text);
	text = file_read("%s/memory.stat", dir);
	rest = text;
	while (text && (line = file_line(&rest))) {
		if (sscanf(line, "%63s %lld", name, &value) != 2)
			continue;
		for (i = 0; i < NR_V1_ITEMS; i++)
			if (!strcmp(name, v1_items[i].v1))
				facts_number(facts, value, "%llu/%s", id, v1_items[i].v2);
	}
	free(text);
}

/* Returns the number of cgroups below. */
static unsigned int walk(struct facts *facts, const char *dir, unsigned long long parent,
			 unsigned int level)
{
	unsigned long long id = inode(dir);
	unsigned int below = 0;
	struct dirent *entry;
	char path[4096];
	DIR *d;

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	if (!access(path, F_OK)) {
		common_facts(facts, dir, id, parent, level);
		if (v1)
			v1_facts(facts, dir, id);
		else
			v2_facts(facts, dir, id);
	}
	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		below += 1 + walk(facts, path, id, level + 1);
	}
	if (d)
		closedir(d);
	/* There is no cgroup.stat. */
	if (v1)
		facts_number(facts, below, "%llu/nr_descendants", id);
	return below;
}

static bool memcg_kernel(struct facts *facts)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/memory.stat", root);
	if (access(path, F_OK))
		return false;
	walk(facts, root, 0, 0);
	return true;
}

/* --- what memdiag says ---------------------------------------------------- */

/* Whether this kernel's memory.stat has the item. */
static bool stat_prints(const char *item)
{
	static char *text;
	char line[80];

	if (!text)
		text = file_read("%s/memory.stat", root);
	snprintf(line, sizeof(line), "\n%s ", item);
	return text && strstr(text, line);
}

/* What no file of this hierarchy shows. The others are compared. */
static bool not_compared(const char *field)
{
	static const char *const v2_fields[] = { "memory.failcnt", "residual" };
	unsigned int i;

	if (!v1) {
		for (i = 0; i < 2; i++)
			if (!strcmp(field, v2_fields[i]))
				return true;
		/* only newer kernels have these files */
		if (!strcmp(field, "memory.peak"))
			return access("/sys/fs/cgroup/memdiag/memory.peak", F_OK);
		if (!strcmp(field, "memory.swap.peak"))
			return access("/sys/fs/cgroup/memdiag/memory.swap.peak", F_OK);
		/* older ones print only their sums, which are compared */
		if (!strncmp(field, "pgscan_", 7) || !strncmp(field, "pgsteal_", 8))
			return !stat_prints(field);
		return false;
	}
	if (!strcmp(field, "memory.events.local.oom_kill"))
		return false;
	for (i = 0; i < NR_V1_FILES; i++)
		if (!strcmp(field, v1_files[i].field))
			return false;
	for (i = 0; i < NR_V1_ITEMS; i++)
		if (!strcmp(field, v1_items[i].v2))
			return !stat_prints(v1_items[i].v1);
	return strcmp(field, "id") && strcmp(field, "parent") && strcmp(field, "path") &&
	       strcmp(field, "state") && strcmp(field, "level") &&
	       strcmp(field, "nr_descendants");
}

static void memcg_memdiag(struct facts *facts, const struct snap *snap,
			  const struct memdiag_section *s)
{
	unsigned int f;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		const char *state = snap_get_string(snap, s, n, "state");
		char key[32];

		/* The files of these are gone: see dying(). */
		if (state && !strcmp(state, "dying"))
			continue;
		if (state && !strcmp(state, "offline"))
			continue;
		snprintf(key, sizeof(key), "%llu", (unsigned long long)snap_get(snap, s, n, "id"));
		for (f = 0; f < s->nr_fields; f++)
			if (!not_compared(snap_string(snap, snap_field(snap, s, f)->name)))
				facts_field(facts, snap, s, n, f, key);
	}
}

static const struct oracle memcg_oracle = {
	.name = "memcg",
	.section = MEMDIAG_SEC_MEMCG,
	.kernel = memcg_kernel,
	.memdiag = memcg_memdiag,
};

/* --- cgroups of all sorts ------------------------------------------------- */

static void make(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (mkdir(path, 0755) && errno != EEXIST)
		ktap_bail("mkdir %s: %s", path, strerror(errno));
}

static void set(const char *name, const char *file, const char *text)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/%s", root, name, file);
	/* Not every kernel has every file. */
	file_write(path, text);
}

static void enable(const char *name)
{
	if (!v1)
		set(name, "cgroup.subtree_control", "+memory");
}

static void write_file(const char *path, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char page[4096] = "memdiag";

	for (; fd >= 0 && size >= sizeof(page); size -= sizeof(page))
		if (write(fd, page, sizeof(page)) != sizeof(page))
			break;
	if (fd >= 0)
		close(fd);
}

/* A child in the cgroup that uses memory and stays, or ends at once. */
static void use(const char *name, size_t anon, const char *file, size_t file_size, bool stay)
{
	int ready[2], status;
	char path[4096], c;
	pid_t pid;

	if (pipe(ready))
		ktap_bail("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char *memory;

		close(ready[0]);
		snprintf(path, sizeof(path), "%s/%s/cgroup.procs", root, name);
		if (file_write(path, "0"))
			_exit(1);
		memory = mmap(NULL, anon + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
		if (memory != MAP_FAILED)
			memset(memory, 1, anon + 1);
		if (file)
			write_file(file, file_size);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		while (stay)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1 && stay)
		ktap_note("the child in %s did not get there", name);
	close(ready[0]);
	if (stay)
		children[nr_children++] = pid;
	else
		waitpid(pid, &status, 0);
}

static void make_all(void)
{
	char name[64];
	unsigned int i;

	make("memdiag");
	enable("memdiag");
	make("memdiag/idle");
	make("memdiag/nested");
	enable("memdiag/nested");
	make("memdiag/nested/a");
	enable("memdiag/nested/a");
	make("memdiag/nested/a/b");
	make("memdiag/limited");
	make("memdiag/full");
	make("memdiag/protected");
	if (v1) {
		set("memdiag/limited", "memory.limit_in_bytes", "20971520");
		set("memdiag/limited", "memory.soft_limit_in_bytes", "10485760");
		set("memdiag/limited", "memory.memsw.limit_in_bytes", "31457280");
		set("memdiag/full", "memory.limit_in_bytes", "2097152");
	} else {
		set("memdiag/limited", "memory.max", "20971520");
		set("memdiag/limited", "memory.high", "16777216");
		set("memdiag/limited", "memory.swap.max", "0");
		set("memdiag/limited", "memory.oom.group", "1");
		set("memdiag/full", "memory.max", "2097152");
		set("memdiag/protected", "memory.min", "1048576");
		set("memdiag/protected", "memory.low", "4194304");
		set("memdiag/protected", "memory.swap.high", "8388608");
	}
	use("memdiag/nested/a/b", 3 << 20, NULL, 0, true);
	use("memdiag/limited", 5 << 20, "/dev/shm/limited", 1 << 20, true);
	use("memdiag/protected", 1 << 20, "/tmp/protected", 3 << 20, true);
	/* Beyond its limit: it is killed, and the events count. */
	use("memdiag/full", 8 << 20, NULL, 0, false);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "memdiag/many%u", i);
		make(name);
	}
}

static void remove_one(const char *name)
{
	char path[4096];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	/* The last task of it may still be on its way out. */
	for (i = 0; i < 200 && rmdir(path) && errno == EBUSY; i++)
		usleep(10000);
}

static void remove_all(void)
{
	char name[64];
	unsigned int i;

	while (nr_children) {
		kill(children[--nr_children], SIGKILL);
		waitpid(children[nr_children], NULL, 0);
	}
	unlink("/dev/shm/limited");
	unlink("/tmp/protected");
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "memdiag/many%u", i);
		remove_one(name);
	}
	remove_one("memdiag/nested/a/b");
	remove_one("memdiag/nested/a");
	remove_one("memdiag/nested");
	remove_one("memdiag/idle");
	remove_one("memdiag/limited");
	remove_one("memdiag/full");
	remove_one("memdiag/protected");
	remove_one("memdiag");
}

/* --- removed, but not gone ------------------------------------------------ */

/* The record with this id; -1 if there is none. */
static int64_t record_of(const struct snap *snap, unsigned long long id)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_MEMCG);
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		if (snap_get(snap, s, n, "id") == id)
			return n;
	return -1;
}

static void dying(void)
{
	static const size_t size = 6 << 20;
	const struct memdiag_section *s;
	unsigned long long id;
	const char *state, *path;
	uint64_t current = 0;
	struct snap snap;
	unsigned int i;
	int64_t n;

	make("memdiag");
	enable("memdiag");
	make("memdiag/pinned");
	use("memdiag/pinned", 0, "/dev/shm/pinned", size, false);
	{
		char dir[4096];

		snprintf(dir, sizeof(dir), "%s/memdiag/pinned", root);
		id = inode(dir);
	}
	remove_one("memdiag/pinned");
	snap_take(&snap, SNAP_BIT(MEMCG));
	s = snap_section(&snap, MEMDIAG_SEC_MEMCG);
	n = record_of(&snap, id);
	state = n < 0 ? NULL : snap_get_string(&snap, s, n, "state");
	path = n < 0 ? NULL : snap_get_string(&snap, s, n, "path");
	if (n >= 0)
		current = snap_get(&snap, s, n, "memory.current");
	ktap_ok(n >= 0 && state && !strcmp(state, "dying") && current >= size &&
			current < size + (2 << 20) && path && strstr(path, "/memdiag/pinned"),
		"oracle_memcg: a removed cgroup is there, with the %zu bytes that pin it (%s %s %llu)",
		size, path ?: "-", state ?: "-", (unsigned long long)current);
	if (n >= 0) {
		uint64_t shmem = snap_get(&snap, s, n, "shmem");

		ktap_ok(shmem >= size - (1 << 20) && shmem <= size + (1 << 20),
			"oracle_memcg: what pins it is shmem: %llu", (unsigned long long)shmem);
	}
	snap_drop(&snap);

	unlink("/dev/shm/pinned");
	/* It goes when RCU and a worker have done their part. */
	for (i = 0, n = 0; i < 100 && n >= 0; i++) {
		usleep(100000);
		snap_take(&snap, SNAP_BIT(MEMCG));
		n = record_of(&snap, id);
		snap_drop(&snap);
	}
	ktap_ok(n < 0, "oracle_memcg: it is gone when the pages are");
	remove_one("memdiag");
}

/* residual is what is left of the usage, in the same record. */
static void residual(void)
{
	const struct memdiag_section *s;
	unsigned long wrong = 0, checked = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(MEMCG));
	s = snap_section(&snap, MEMDIAG_SEC_MEMCG);
	if (snap_field_named(&snap, s, "kernel") < 0) {
		ktap_skip("this kernel's memory.stat has no \"kernel\"",
			  "oracle_memcg: residual adds up");
		snap_drop(&snap);
		return;
	}
	for (n = 0; n < s->nr_records; n++) {
		int64_t left = snap_get(&snap, s, n, "residual");

		if ((uint64_t)left == MEMDIAG_ABSENT)
			continue;
		checked++;
		if (left !=
		    (int64_t)(snap_get(&snap, s, n, "memory.current") -
			      snap_get(&snap, s, n, "anon") - snap_get(&snap, s, n, "file") -
			      snap_get(&snap, s, n, "kernel") - snap_get(&snap, s, n, "sock")))
			wrong++;
	}
	ktap_ok(checked && !wrong, "oracle_memcg: residual of %lu cgroups adds up", checked);
	snap_drop(&snap);
}

void oracle_memcg(void)
{
	v1 = !access("/sys/fs/cgroup/memory/memory.usage_in_bytes", F_OK);
	root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
	if (!v1 && access("/sys/fs/cgroup/memory.stat", F_OK)) {
		ktap_skip("no memory controller", "oracle_memcg");
		return;
	}
	ktap_note("cgroup %s", v1 ? "v1" : "v2");
	make_all();
	/* Let the statistics be added up, which happens every two seconds. */
	sleep(3);
	oracle_run(&memcg_oracle);
	residual();
	remove_all();
	dying();
}
