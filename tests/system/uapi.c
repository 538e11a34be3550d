// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi - what uapi/memdiag.h promises of /dev/memdiag, point by point
 *
 * Here is who may open it, what the scripts ask for, and what the parts share; the
 * points are in uapi_args.c, uapi_snapshot.c and uapi_many.c.
 *
 * uapi [SECONDS]: all of it; SECONDS is how long threads race (default 3)
 *
 * The rest is for the tests that are shell scripts:
 *
 *	uapi limit MIB		only that the limit of snapshot memory holds; the
 *				module must have been loaded with snapshot_mib=MIB
 *	uapi held		print how many bytes snapshots take
 *	uapi pointers		print the number of kernel addresses in a snapshot
 *	uapi open PATH		try it, print "success" or the name of the errno
 *	uapi hold FILE		map a snapshot, close the device, create FILE, and
 *				keep the mapping until killed
 *	uapi hammer [proc]	open, ask, map and read everything, or only
 *				/proc/memdiag, until killed; ends with 1 if a
 *				snapshot is not well-formed
 *	uapi as WHO COMMAND...	run a command as WHO: user, userns (root in a user
 *				namespace of its own), no-sysadmin, no-syslog (root
 *				without that capability); 77 if that cannot be
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"
#include "uapi.h"

size_t page;

int device(void)
{
	int fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		ktap_bail("%s: %s", SNAP_DEVICE, strerror(errno));
	return fd;
}

/* 0 or the errno. */
int ask(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) ? errno : 0;
}

int take(int fd, uint64_t sections, uint64_t *bytes)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg), .sections = sections };
	int error = ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg);

	if (bytes)
		*bytes = arg.bytes;
	return error;
}

uint64_t held(void)
{
	struct memdiag_info info = { .size = sizeof(info) };
	int fd = device();

	if (ask(fd, MEMDIAG_IOC_INFO, &info))
		ktap_bail("INFO: %s", strerror(errno));
	close(fd);
	return info.snapshot_bytes;
}

static const char *error_name(int error)
{
	return error ? strerrorname_np(error) : "success";
}

void expect(int got, int want, const char *what)
{
	if (!ktap_ok(got == want, "uapi: %s", what))
		ktap_note("got %s, expected %s", error_name(got), error_name(want));
}

char *contents(int fd, size_t *size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char *data;

	if (end < 0)
		ktap_bail("lseek: %s", strerror(errno));
	data = malloc(end + 1);
	*size = end;
	if (!data || pread(fd, data, end + 1, 0) != end)
		ktap_bail("pread: %s", strerror(errno));
	return data;
}

void unharmed(int fd, const char *before, size_t size, const char *what)
{
	size_t now;
	char *after = contents(fd, &now);

	ktap_ok(now == size && !memcmp(before, after, size),
		"uapi: %s leaves the snapshot there was", what);
	free(after);
}

/* --- who may -------------------------------------------------------------- */

static int open_error(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Also out of the bounding set, or exec() would give it back to root. */
static int drop_capability(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_CAPBSET_DROP, cap) || syscall(SYS_capget, &header, data))
		return -1;
	data[cap / 32].effective &= ~(1u << cap % 32);
	data[cap / 32].permitted &= ~(1u << cap % 32);
	data[cap / 32].inheritable &= ~(1u << cap % 32);
	return syscall(SYS_capset, &header, data);
}

static int become(const char *who)
{
	if (!strcmp(who, "user"))
		return setgid(65534) || setuid(65534);
	if (!strcmp(who, "no-sysadmin"))
		return drop_capability(CAP_SYS_ADMIN);
	if (!strcmp(who, "no-syslog"))
		return drop_capability(CAP_SYSLOG);
	if (strcmp(who, "userns") || unshare(CLONE_NEWUSER))
		return -1;
	file_write("/proc/self/setgroups", "deny");
	return file_write("/proc/self/uid_map", "0 0 1") || getuid();
}

static int run_as(char **argv)
{
	if (become(argv[0])) {
		fprintf(stderr, "cannot become %s: %s\n", argv[0], strerror(errno));
		return 77;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 126;
}

static void writing(void)
{
	expect(open_error(SNAP_DEVICE, O_RDWR), EACCES, "open() to read and write");
	expect(open_error(SNAP_DEVICE, O_WRONLY), EACCES, "open() to write");
}

/* --- for the scripts ------------------------------------------------------ */

static int print_pointers(void)
{
	struct snap snap;

	if (snap_open(&snap) || snap_collect(&snap, 0) || snap_check(&snap))
		return 1;
	printf("%u\n", kernel_pointers(&snap, false));
	snap_drop(&snap);
	return 0;
}

static int hold(const char *file)
{
	volatile const char *at;
	uint64_t bytes;
	int fd = device();

	if (take(fd, 0, &bytes))
		return 1;
	at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return 1;
	close(fd);
	close(open(file, O_WRONLY | O_CREAT, 0600));
	for (;;) {
		/* and look at it now and then */
		if (at[0] != 'M')
			return 1;
		usleep(10000);
	}
}

static void read_through(const char *dir, const char *name)
{
	char path[400], buffer[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Several times as long as since @start, which is longer on a slow kernel. */
static void pause_since(uint64_t start, unsigned int *seed)
{
	usleep((now_ns() - start) / 1000 * (2 + rand_r(seed) % 8) + rand_r(seed) % 20000);
}

/*
 * Everything may fail: the module comes and goes. It could not go if it was always
 * in use, so there are pauses; what is open in /proc does not hold it.
 */
static int hammer(bool proc_only)
{
	static const char debugfs[] = "/sys/kernel/debug/memdiag";
	unsigned int seed = getpid();

	while (proc_only)
		read_through("/proc", "memdiag");
	for (;;) {
		uint64_t start = now_ns();
		struct dirent *entry;
		struct snap snap;
		DIR *dir;

		if (!snap_open(&snap)) {
			if (!snap_collect(&snap, SNAP_BIT(SYSTEM)) && snap_check(&snap))
				return 1;
			snap_drop(&snap);
		}
		pause_since(start, &seed);
		dir = opendir(debugfs);
		while (dir && (entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			start = now_ns();
			read_through(debugfs, entry->d_name);
			pause_since(start, &seed);
		}
		if (dir)
			closedir(dir);
		usleep(rand_r(&seed) % 20000);
	}
}

/* Whether the kernel has a loader for such programs; 0, or 1. */
static int can_run(char *path)
{
	int pipes[2], error = 0;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return 1;
	pid = fork();
	if (!pid) {
		char *args[] = { path, NULL };

		close(1);
		execv(path, args);
		error = errno;
		_exit(write(pipes[1], &error, sizeof(error)) < 0);
	}
	close(pipes[1]);
	/* Nothing comes if the end was closed by execve(). */
	if (pid < 0 || read(pipes[0], &error, sizeof(error)) < 0)
		error = EINVAL;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return error != 0;
}

int main(int argc, char **argv)
{
	unsigned int race_seconds = 3;

	page = getpagesize();
	if (argc >= 4 && !strcmp(argv[1], "as"))
		return run_as(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "open"))
		return puts(error_name(open_error(argv[2], O_RDONLY))) < 0;
	if (argc == 3 && !strcmp(argv[1], "can-run"))
		return can_run(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "hold"))
		return hold(argv[2]);
	if (argc >= 2 && !strcmp(argv[1], "hammer"))
		return hammer(argc > 2);
	if (argc == 2 && !strcmp(argv[1], "held"))
		return printf("%llu\n", (unsigned long long)held()) < 0;
	if (argc == 2 && !strcmp(argv[1], "pointers"))
		return print_pointers();
	if (argc == 3 && !strcmp(argv[1], "limit"))
		return only_limit(atoi(argv[2]));
	if (argc == 2)
		race_seconds = atoi(argv[1]);
	if (argc > 2 || !race_seconds) {
		fprintf(stderr, "uapi: bad usage\n");
		return 2;
	}
	ktap_start();
	sizes();
	first_version();
	tail_untouched();
	values();
	sections();
	generation();
	pointers();
	addresses();
	reading();
	mapping();
	writing();
	concurrent(race_seconds);
	killed();
	limit();
	ktap_ok(held() == 0, "uapi: nothing is held in the end");
	return ktap_end();
}
