// SPDX-License-Identifier: GPL-2.0-only
/*
 * sizes [STACKS AREAS FDS MEMFDS TASKS CGROUPS NAMESPACES] - as on large machines
 *
 * Makes so many of each in turn, takes two snapshots of the sections that list them, and
 * gives them back. Each section must be there with all of its records; the second
 * snapshot must not need a second walk. Notes what each cost: records, bytes in the
 * snapshot, the most that was charged while it was made, time, longest lock hold.
 * 0 leaves one out.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"
#include "track.h"

/* What a process that only sleeps needs of a stack. */
#define TASK_STACK	1024
#define CGROUPS		"/sys/fs/cgroup"

/* --- the most that snapshots held while one was made ----------------------- */

static atomic_bool watch_stop;
static uint64_t watch_max;

static void *watch(void *arg)
{
	struct memdiag_info info = { .size = sizeof(info) };
	struct timespec pause = { .tv_nsec = 200000 };
	int fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && !atomic_load(&watch_stop)) {
		if (!ioctl(fd, MEMDIAG_IOC_INFO, &info) && info.snapshot_bytes > watch_max)
			watch_max = info.snapshot_bytes;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return NULL;
}

static void watch_take(struct snap *snap, uint64_t sections)
{
	pthread_t thread;

	watch_max = 0;
	atomic_store(&watch_stop, false);
	if (pthread_create(&thread, NULL, watch, NULL))
		ktap_bail("no thread");
	snap_take(snap, sections);
	atomic_store(&watch_stop, true);
	pthread_join(thread, NULL);
}

/* --- what is common to all ------------------------------------------------- */

/*
 * Take a section twice; @least records must be there. @found counts those that are
 * meant, for they may be many where the section has others too.
 */
static void look(const char *what, unsigned int id, uint64_t least,
		 uint64_t (*found)(const struct snap *snap, const struct memdiag_section *s))
{
	const struct memdiag_section *s;
	struct snap snap;
	unsigned int i;
	uint64_t nr;

	for (i = 0; i < 2; i++) {
		watch_take(&snap, 1ull << id);
		s = snap_section(&snap, id);
		nr = found ? found(&snap, s) : s->nr_records;
		ktap_ok(snap_has(&snap, id) && nr >= least,
			"sizes: %s: %" PRIu64 " of %" PRIu64 " in section %s", what, nr, least,
			snap_string(&snap, s->name));
		if (s->state != MEMDIAG_STATE_OK)
			ktap_note("%s: %s", snap_string(&snap, s->name),
				  snap_string(&snap, s->reason));
		ktap_note("size: %-10s %-14s %s records %" PRIu64 " KiB %" PRIu64 " peak_KiB %" PRIu64,
			  what, snap_string(&snap, s->name), i ? "again" : "first",
			  (uint64_t)s->nr_records, (uint64_t)snap.size >> 10, watch_max >> 10);
		ktap_note("size: %-10s %-14s %s ms %.1f longest_lock_us %.1f restarts %u",
			  what, snap_string(&snap, s->name), i ? "again" : "first",
			  s->collect_ns / 1e6, s->lock_ns == MEMDIAG_ABSENT ? -1 : s->lock_ns / 1e3,
			  s->restarts);
		if (i)
			ktap_ok(!s->restarts, "sizes: %s: the second snapshot is one walk", what);
		snap_drop(&snap);
	}
}

static void raise_file(const char *path, long long value)
{
	char text[32];
	long long now;

	snprintf(text, sizeof(text), "%lld", value);
	if (file_number(&now, "%s", path) && now < value && file_write(path, text))
		ktap_bail("%s cannot be raised to %s", path, text);
}

static void raise_files(unsigned int nr)
{
	struct rlimit limit = { nr + 100, nr + 100 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		ktap_bail("RLIMIT_NOFILE: %s", strerror(errno));
}

/* --- tasks ------------------------------------------------------------------- */

static int task_sleep(void *arg)
{
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

/* In a group of their own, with one address space for all. */
static void tasks_make(unsigned int nr, int ready)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND;
	size_t size = (size_t)nr * TASK_STACK;
	unsigned int i;
	char *stacks;

	setpgid(0, 0);
	stacks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; stacks != MAP_FAILED && i < nr; i++)
		if (clone(task_sleep, stacks + (i + 1) * TASK_STACK, flags | SIGCHLD, NULL) < 0)
			break;
	if (write(ready, &i, sizeof(i)) != sizeof(i))
		_exit(1);
	task_sleep(NULL);
}

static void tasks(unsigned int nr)
{
	unsigned int made = 0;
	int ready[2];
	pid_t pid;

	raise_file("/proc/sys/kernel/pid_max", nr + 10000);
	raise_file("/proc/sys/kernel/threads-max", nr + 10000);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe(ready))
		ktap_bail("no pipe");
	pid = fork();
	if (!pid)
		tasks_make(nr, ready[1]);
	if (pid < 0 || read(ready[0], &made, sizeof(made)) != sizeof(made))
		ktap_bail("no processes");
	ktap_ok(made == nr, "sizes: %u processes are made, of %u", made, nr);
	look("tasks", MEMDIAG_SEC_TASK, made, NULL);
	kill(-pid, SIGKILL);
	while (wait(NULL) > 0)
		;
	close(ready[0]);
	close(ready[1]);
}

/* --- cgroups ------------------------------------------------------------------ */

static void cgroups(unsigned int nr)
{
	unsigned int i, made;
	char path[80];

	if (file_write(CGROUPS "/cgroup.subtree_control", "+memory")) {
		ktap_skip("no memory controller", "sizes: %u cgroups", nr);
		return;
	}
	mkdir(CGROUPS "/sizes", 0755);
	if (file_write(CGROUPS "/sizes/cgroup.subtree_control", "+memory"))
		ktap_bail("no memory controller below " CGROUPS "/sizes");
	for (made = 0; made < nr; made++) {
		snprintf(path, sizeof(path), CGROUPS "/sizes/%u", made);
		if (mkdir(path, 0755))
			break;
	}
	ktap_ok(made == nr, "sizes: %u cgroups are made, of %u", made, nr);
	look("cgroups", MEMDIAG_SEC_MEMCG, made, NULL);
	for (i = 0; i < made; i++) {
		snprintf(path, sizeof(path), CGROUPS "/sizes/%u", i);
		rmdir(path);
	}
	rmdir(CGROUPS "/sizes");
}

/* --- areas and stacks, by the fixture ----------------------------------------- */

static void areas(unsigned int nr)
{
	fixture("hold vmalloc size=4096 count=%u", nr);
	look("areas", MEMDIAG_SEC_VMALLOC, nr, NULL);
	look("areas", MEMDIAG_SEC_VMALLOC_CALLER, 1, NULL);
	look("areas", MEMDIAG_SEC_MODULE, 1, NULL);
	fixture("free vmalloc");
}

static void stacks(unsigned int nr)
{
	struct memdiag_track_start start = {
		.flags = MEMDIAG_TRACK_BY_MODULE,
		.kinds = MEMDIAG_TRACK_SLAB,
		.depth = 48,
		.stacks = 2 * nr,
		.module = FIXTURE,
	};
	const char *why = track_unavailable();
	int error;

	if (why) {
		ktap_skip(why, "sizes: %u stacks", nr);
		return;
	}
	error = track_try_start(&start);
	if (error)
		ktap_bail("TRACK_START: %s", strerror(-error));
	fixture("paths kmalloc size=64 count=%u", nr);
	track_stop(false);
	look("stacks", MEMDIAG_SEC_TRACK, nr, NULL);
	track_stop(true);
}

/* --- open files ---------------------------------------------------------------- */

static uint64_t fds_found(const struct snap *snap, const struct memdiag_section *s)
{
	uint64_t i, most = 0;

	for (i = 0; i < s->nr_records; i++)
		if (snap_get(snap, s, i, "pid") == (uint64_t)getpid() &&
		    snap_get(snap, s, i, "fds") > most)
			most = snap_get(snap, s, i, "fds");
	return most;
}

static uint64_t sockets_found(const struct snap *snap, const struct memdiag_section *s)
{
	uint64_t i, sockets = 0;

	for (i = 0; i < s->nr_records; i++)
		if (snap_get(snap, s, i, "pid") == (uint64_t)getpid())
			sockets += snap_get(snap, s, i, "sockets");
	return sockets;
}

static void close_from(int first, unsigned int nr)
{
	while (nr--)
		close(first + nr);
}

/* The same file so often; then as many sockets, a third of that. */
static void fds(unsigned int nr)
{
	int first, fd = syscall(SYS_memfd_create, "sizes", 0);
	unsigned int i;

	raise_files(nr);
	if (fd < 0)
		ktap_bail("memfd_create: %s", strerror(errno));
	for (i = 1, first = fd; i < nr; i++)
		if (dup(fd) != fd + (int)i)
			ktap_bail("dup %u: %s", i, strerror(errno));
	look("fds", MEMDIAG_SEC_SHMEM_FILE, nr, fds_found);
	close_from(first, nr);
	for (i = 0; i < nr / 3; i++)
		if (socket(AF_UNIX, SOCK_DGRAM, 0) != first + (int)i)
			ktap_bail("socket %u: %s", i, strerror(errno));
	look("sockets", MEMDIAG_SEC_NET_TASK, nr / 3, sockets_found);
	close_from(first, nr / 3);
}

static uint64_t memfds_found(const struct snap *snap, const struct memdiag_section *s)
{
	uint64_t i, nr = 0;

	for (i = 0; i < s->nr_records; i++)
		nr += snap_get(snap, s, i, "pid") == (uint64_t)getpid();
	return nr;
}

static void memfds(unsigned int nr)
{
	unsigned int i;
	int fd, first = -1;

	raise_files(nr);
	for (i = 0; i < nr; i++) {
		fd = syscall(SYS_memfd_create, "sizes", 0);
		if (fd < 0)
			ktap_bail("memfd_create %u: %s", i, strerror(errno));
		first = i ? first : fd;
	}
	look("memfds", MEMDIAG_SEC_SHMEM_FILE, nr, memfds_found);
	close_from(first, nr);
}

/* --- network namespaces -------------------------------------------------------- */

static uint64_t namespaces_found(const struct snap *snap, const struct memdiag_section *s)
{
	uint64_t i, nr = 0;

	for (i = 0; i < s->nr_records; i++)
		nr += snap_get(snap, s, i, "net_ns") &&
		      !strcmp(snap_get_string(snap, s, i, "protocol"), "all");
	return nr;
}

/* Held by files, as nobody is in them; this thread ends up in the last one. */
static void *namespaces_make(void *arg)
{
	unsigned int nr = *(unsigned int *)arg, made;
	int fd, first = -1;

	raise_files(nr);
	for (made = 0; made < nr && !unshare(CLONE_NEWNET); made++) {
		fd = open("/proc/thread-self/ns/net", O_RDONLY);
		if (fd < 0)
			break;
		first = made ? first : fd;
	}
	ktap_ok(made == nr, "sizes: %u network namespaces are made, of %u", made, nr);
	look("namespaces", MEMDIAG_SEC_NET, made, namespaces_found);
	close_from(first, made);
	return NULL;
}

static void namespaces(unsigned int nr)
{
	pthread_t thread;

	raise_file("/proc/sys/user/max_net_namespaces", nr + 100);
	if (pthread_create(&thread, NULL, namespaces_make, &nr))
		ktap_bail("no thread");
	pthread_join(thread, NULL);
}

static const struct {
	void (*run)(unsigned int nr);
	unsigned int nr;
} sizes[] = {
	{ stacks, 16384 }, { areas, 200000 },	{ fds, 60000 },	       { memfds, 20000 },
	{ tasks, 50000 },  { cgroups, 20000 },	{ namespaces, 2000 },
};

#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

int main(int argc, char **argv)
{
	unsigned int i, nr;

	ktap_start();
	if (mod_load(FIXTURE_KO, ""))
		ktap_bail("the fixture cannot be loaded");
	for (i = 0; i < NR_SIZES; i++) {
		nr = argc > 1 + (int)i ? (unsigned int)atoi(argv[1 + i]) : argc > 1 ? 0 : sizes[i].nr;
		if (nr)
			sizes[i].run(nr);
	}
	if (mod_unload(FIXTURE))
		ktap_ok(false, "sizes: the fixture can be unloaded");
	return ktap_end();
}
