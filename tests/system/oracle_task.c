// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section task: against /proc/PID/status, stat, oom_score, oom_score_adj, comm and
 * cgroup of every process; and processes of known amounts.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define MIB		(1ull << 20)
#define ANON		(20 * MIB)
#define FILE_BYTES	(8 * MIB)
#define SHMEM		(5 * MIB)
#define LOCKED		(1 * MIB)
#define THREADS		7
#define ZOMBIES		3
#define ADJ		500
/* Program, libraries, stacks; and what threads have not yet added, before v6.2. */
#define SLACK		(2 * MIB)
#define RAMFS		"/tmp/oracle_task"
/* Any bytes but NUL. */
#define NAME		"a b\\\n\x80)\xff"

static const char *const status_bytes[] = {
	"VmRSS",  "RssAnon", "RssFile", "RssShmem", "VmSwap", "VmPTE",	"VmSize",
	"VmPeak", "VmHWM",   "VmLck",	"VmPin",    "VmData", "VmStk",	"HugetlbPages",
};

#define NR_STATUS (sizeof(status_bytes) / sizeof(status_bytes[0]))

/* --- what the kernel says ------------------------------------------------- */

static bool status_facts(struct facts *facts, int pid)
{
	char *text = file_read("/proc/%d/status", pid), *rest = text, *line, word[64];
	bool user = false;
	long long value;
	unsigned int i;
	char state;

	while (text && (line = file_line(&rest))) {
		if (sscanf(line, "%63[^:]: %lld kB", word, &value) == 2)
			for (i = 0; i < NR_STATUS; i++)
				if (!strcmp(word, status_bytes[i])) {
					facts_number(facts, value << 10, "%d/%s", pid, word);
					user = true;
				}
		if (sscanf(line, "State: %c", &state) == 1) {
			word[0] = state;
			word[1] = '\0';
			facts_string(facts, word, "%d/state", pid);
		}
		if (sscanf(line, "PPid: %lld", &value) == 1)
			facts_number(facts, value, "%d/ppid", pid);
		if (sscanf(line, "Uid: %*d %lld", &value) == 1)
			facts_number(facts, value, "%d/uid", pid);
		if (sscanf(line, "Threads: %lld", &value) == 1)
			facts_number(facts, value, "%d/threads", pid);
	}
	free(text);
	return user;
}

static void stat_facts(struct facts *facts, int pid)
{
	static const char format[] =
		" %*c %*d %*d %*d %*d %*d %*u %lld %*u %lld %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld";
	char *text = file_read("/proc/%d/stat", pid);
	/* The name may hold anything. */
	char *rest = text ? strrchr(text, ')') : NULL;
	long long min_flt, maj_flt, start;

	if (rest && sscanf(rest + 1, format, &min_flt, &maj_flt, &start) == 3) {
		facts_number(facts, min_flt, "%d/min_flt", pid);
		facts_number(facts, maj_flt, "%d/maj_flt", pid);
		facts_number(facts, start, "%d/start_time", pid);
	}
	free(text);
}

/* The path in the memory controller's hierarchy, or in that of version 2. */
static void cgroup_fact(struct facts *facts, int pid)
{
	char *text = file_read("/proc/%d/cgroup", pid), *rest = text, *line, *path;
	char *found = NULL;
	bool is_memory;

	while (text && (line = file_line(&rest))) {
		path = strchr(line, ':');
		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		is_memory = strstr(line, ":memory");
		if (is_memory || (!found && !strncmp(line, "0:", 2)))
			found = path;
	}
	if (found)
		facts_string(facts, found, "%d/cgroup", pid);
	free(text);
}

static bool task_kernel(struct facts *facts)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	long long value;
	char *text;
	int pid;

	while (dir && (entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (!pid)
			continue;
		facts_number(facts, 1, "%d", pid);
		/* The kernel adds to the names of its workers what they do. */
		text = status_facts(facts, pid) ? file_read("/proc/%d/comm", pid) : NULL;
		if (text) {
			if (*text)
				text[strlen(text) - 1] = '\0';
			facts_string(facts, text, "%d/comm", pid);
			free(text);
		}
		stat_facts(facts, pid);
		cgroup_fact(facts, pid);
		if (file_number(&value, "/proc/%d/oom_score", pid))
			facts_number(facts, value, "%d/oom_score", pid);
		if (file_number(&value, "/proc/%d/oom_score_adj", pid))
			facts_number(facts, value, "%d/oom_score_adj", pid);
	}
	if (dir)
		closedir(dir);
	return dir;
}

/* --- what memdiag says ---------------------------------------------------- */

static const char *const more_fields[] = { "state",   "ppid",	     "uid",	      "threads",
					   "min_flt", "maj_flt",     "oom_score_adj", "oom_score",
					   "cgroup" };

#define NR_MORE (sizeof(more_fields) / sizeof(more_fields[0]))

static bool status_has(const char *field)
{
	static char *text;

	if (!text)
		text = file_read("/proc/self/status");
	return text && strstr(text, field);
}

static void task_memdiag(struct facts *facts, const struct snap *snap,
			 const struct memdiag_section *s)
{
	char key[32];
	unsigned int i;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		snprintf(key, sizeof(key), "%llu", (unsigned long long)snap_get(snap, s, n, "pid"));
		facts_number(facts, 1, "%s", key);
		for (i = 0; i < NR_STATUS; i++)
			if (status_has(status_bytes[i]))
				facts_field(facts, snap, s, n,
					    snap_field_named(snap, s, status_bytes[i]), key);
		for (i = 0; i < NR_MORE; i++)
			facts_field(facts, snap, s, n, snap_field_named(snap, s, more_fields[i]),
				    key);
		if (snap_get(snap, s, n, "VmRSS") != MEMDIAG_ABSENT)
			facts_field(facts, snap, s, n, snap_field_named(snap, s, "comm"), key);
		/* stat has clock ticks */
		facts_number(facts, snap_get(snap, s, n, "start_time") / 10000000,
			     "%s/start_time", key);
	}
}

static const struct oracle task_oracle = {
	.name = "task",
	.section = MEMDIAG_SEC_TASK,
	.kernel = task_kernel,
	.memdiag = task_memdiag,
};

/* --- processes of known amounts ------------------------------------------- */

static void *thread_stay(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void touch(void *memory, size_t size, int protection)
{
	volatile char *at = memory;
	size_t n;

	if (memory == MAP_FAILED)
		_exit(1);
	for (n = 0; n < size; n += 4096) {
		if (protection & PROT_WRITE)
			at[n] = 1;
		else
			(void)at[n];
	}
}

static void *map(size_t size, int protection, int flags, int fd)
{
	void *memory = mmap(NULL, size, protection, flags, fd, 0);

	touch(memory, size, protection);
	return memory;
}

static void child_full(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	pthread_t thread;
	char adj[16];
	int i, fd;

	fd = open(RAMFS "/file", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, FILE_BYTES))
		_exit(1);
	map(ANON, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(FILE_BYTES, rw, MAP_SHARED, fd);
	map(SHMEM, rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (mlock(map(LOCKED, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1), LOCKED))
		_exit(1);
	for (i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, thread_stay, NULL);
	snprintf(adj, sizeof(adj), "%d", ADJ);
	file_write("/proc/self/oom_score_adj", adj);
	prctl(PR_SET_NAME, NAME);
}

/* Its first thread ends, the memory stays with the second. */
static void child_headless(void)
{
	pthread_t thread;

	map(ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pthread_create(&thread, NULL, thread_stay, NULL);
}

static void child_bare(void)
{
}

static pid_t start(void (*prepare)(void), bool headless)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		ktap_bail("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(ready[0]);
		prepare();
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		if (headless)
			pthread_exit(NULL);
		thread_stay(NULL);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		ktap_note("a child did not get there");
	close(ready[0]);
	if (headless)
		usleep(300000);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The record of a process; -1 if there is none. */
static int64_t record_of(const struct snap *snap, const struct memdiag_section *s, pid_t pid)
{
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		if (snap_get(snap, s, n, "pid") == (uint64_t)pid)
			return n;
	return -1;
}

static bool at_least(const char *what, uint64_t value, uint64_t least)
{
	bool right = value >= least && value <= least + SLACK;

	if (!right)
		ktap_note("%s is %llu, held %llu", what, (unsigned long long)value,
			  (unsigned long long)least);
	return right;
}

static uint64_t memory_total(void)
{
	char *text = file_read("/proc/meminfo");
	unsigned long long kbytes = 1;

	if (!text || sscanf(text, "MemTotal: %llu", &kbytes) != 1)
		ktap_bail("/proc/meminfo says no MemTotal");
	free(text);
	return kbytes << 10;
}

static void known(void)
{
	pid_t full, bare, headless;
	const struct memdiag_section *s;
	const char *comm;
	uint64_t score, other, share;
	struct snap snap;
	int64_t n, b, h;

	mkdir(RAMFS, 0700);
	if (mount("none", RAMFS, "ramfs", 0, NULL))
		ktap_note("ramfs: %s", strerror(errno));
	full = start(child_full, false);
	bare = start(child_bare, false);
	headless = start(child_headless, true);
	snap_take(&snap, SNAP_BIT(TASK));
	s = snap_section(&snap, MEMDIAG_SEC_TASK);
	n = record_of(&snap, s, full);
	b = record_of(&snap, s, bare);
	h = record_of(&snap, s, headless);
	if (ktap_ok(n >= 0 && b >= 0 && h >= 0, "oracle_task: known: three processes are there")) {
		ktap_ok(at_least("RssAnon", snap_get(&snap, s, n, "RssAnon"), ANON + LOCKED) &
				at_least("RssFile", snap_get(&snap, s, n, "RssFile"), FILE_BYTES) &
				at_least("RssShmem", snap_get(&snap, s, n, "RssShmem"), SHMEM) &
				(snap_get(&snap, s, n, "VmLck") == LOCKED),
			"oracle_task: known: %llu bytes of anon, %llu file, %llu shmem, %llu locked",
			ANON + LOCKED, FILE_BYTES, SHMEM, LOCKED);
		ktap_ok(at_least("RssAnon", snap_get(&snap, s, b, "RssAnon"), 0) &
				at_least("RssFile", snap_get(&snap, s, b, "RssFile"), 0) &
				at_least("RssShmem", snap_get(&snap, s, b, "RssShmem"), 0),
			"oracle_task: known: twin without");
		comm = snap_get_string(&snap, s, n, "comm");
		ktap_ok(comm && !strcmp(comm, NAME), "oracle_task: known: a name of any bytes");
		ktap_ok(snap_get(&snap, s, n, "threads") == THREADS &&
				snap_get(&snap, s, n, "oom_score_adj") == ADJ &&
				snap_get(&snap, s, b, "threads") == 1 &&
				snap_get(&snap, s, b, "oom_score_adj") == 0,
			"oracle_task: known: %d threads, oom_score_adj %d", THREADS, ADJ);
		score = snap_get(&snap, s, n, "oom_score");
		other = snap_get(&snap, s, b, "oom_score");
		/* (1000 + badness) * 2 / 3, so 500 make 333, and its share of memory more. */
		share = (ANON + LOCKED + FILE_BYTES + SHMEM) * 2000 / 3 / memory_total();
		ktap_ok(score + 2 >= other + 333 + share &&
				score <= other + 335 + share + SLACK * 2000 / 3 / memory_total(),
			"oracle_task: known: oom_score %llu, of the twin %llu",
			(unsigned long long)score, (unsigned long long)other);
		ktap_ok(at_least("RssAnon", snap_get(&snap, s, h, "RssAnon"), ANON) &&
				snap_get(&snap, s, h, "threads") == 2,
			"oracle_task: known: memory whose first thread has ended");
	}
	snap_drop(&snap);
	/* Of this one /proc shows nothing, as its first thread has nothing. */
	stop(headless);
	oracle_run(&task_oracle);
	stop(full);
	stop(bare);
	snap_take(&snap, SNAP_BIT(TASK));
	s = snap_section(&snap, MEMDIAG_SEC_TASK);
	ktap_ok(record_of(&snap, s, full) < 0 && record_of(&snap, s, headless) < 0,
		"oracle_task: known: gone when they are");
	snap_drop(&snap);
	umount(RAMFS);
	rmdir(RAMFS);
}

/* One that has ended has given its stack back, reaped or not; one that runs has not. */
static void zombie(void)
{
	const struct memdiag_section *s;
	uint64_t dead, alive;
	struct snap snap;
	siginfo_t info;
	pid_t child = start(child_bare, false);

	kill(child, SIGKILL);
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	/* The CPU that it ran on last gives it back, when it has switched to another. */
	usleep(100000);
	snap_take(&snap, SNAP_BIT(TASK));
	s = snap_section(&snap, MEMDIAG_SEC_TASK);
	dead = snap_get(&snap, s, record_of(&snap, s, child), "KernelStack");
	alive = snap_get(&snap, s, record_of(&snap, s, getpid()), "KernelStack");
	snap_drop(&snap);
	waitpid(child, NULL, 0);
	ktap_ok(!dead && alive, "oracle_task: known: a zombie has no stack: %llu bytes, of %llu",
		(unsigned long long)dead, (unsigned long long)alive);
}

/* Who does not wait for its children. */
static void known_zombies(void)
{
	uint64_t before[2], after;
	siginfo_t info;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct memdiag_section *s;
		struct snap snap;
		pid_t child;
		int64_t n;

		snap_take(&snap, SNAP_BIT(TASK));
		s = snap_section(&snap, MEMDIAG_SEC_TASK);
		n = record_of(&snap, s, getpid());
		before[i] = n < 0 ? MEMDIAG_ABSENT : snap_get(&snap, s, n, "zombies");
		snap_drop(&snap);
		for (int z = 0; !i && z < ZOMBIES; z++) {
			child = fork();
			if (!child)
				_exit(0);
			waitid(P_PID, child, &info, WEXITED | WNOWAIT);
		}
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	after = before[1] - before[0];
	ktap_ok(before[0] != MEMDIAG_ABSENT && after == ZOMBIES,
		"oracle_task: known: %llu zombies of one parent", (unsigned long long)after);
}

void oracle_task(void)
{
	oracle_run(&task_oracle);
	zombie();
	known();
	known_zombies();
}
