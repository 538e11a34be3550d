// SPDX-License-Identifier: GPL-2.0-only
/*
 * LD_PRELOAD: makes /dev/memdiag out of a snapshot file, so that the way from
 * memdiagctl to the module can be tested on a host.
 *
 *   FAKE_SNAPSHOT=FILE  what SNAPSHOT hands out
 *   FAKE_OPEN=ERRNO     open() fails
 *   FAKE_INFO=ERRNO     INFO fails
 *   FAKE_IOCTL=ERRNO    SNAPSHOT fails
 *   FAKE_NO_MMAP=1      mapping fails, reading works
 *   FAKE_MAJOR=N        INFO says another major version
 *   FAKE_KNOWN=MASK     INFO says that the module knows these sections only
 *   FAKE_MASK=FILE      the section masks that were asked for are appended here
 *   FAKE_ASKED=FILE     all that is asked of the kernel is appended here: each ioctl with its
 *                       argument, modules with their parameters, waits. Nobody waits then,
 *                       the clock goes on by what they wanted to
 *   FAKE_SERIES=1       the N-th SNAPSHOT hands out FILE-N
 *   FAKE_CGROUP=1       every directory is one of a cgroup
 *   FAKE_TRACK=ERRNO    TRACK_START fails
 *   FAKE_CYCLES=1       SNAPSHOT hands out FILE-N after N calls of delete_module()
 *   FAKE_TRACK_STOP=ERRNO, FAKE_SETTLE=ERRNO
 *                       TRACK_STOP, SETTLE fails
 *   FAKE_LOADED=MODULE  this module is loaded
 *   FAKE_BUILT_IN=MODULE
 *                       this module is part of the kernel
 *   FAKE_LOAD=ERRNO     finit_module() fails; otherwise it does nothing
 *   FAKE_UNLOAD=ERRNO   the same for delete_module()
 *   FAKE_PARAMETERS=1   it prints the module's parameters
 *   FAKE_STOP=N         SIGTERM comes while the N-th SNAPSHOT is taken
 *   FAKE_DISABLED=FILE, FAKE_LOCKDOWN=FILE
 *                       what the kernel says about loading modules
 *   FAKE_SLAB=DIRECTORY, FAKE_BOOT_ID=FILE
 *                       slab caches, and the boot they are of
 *
 * Nothing is asked of the host's own kernel: /proc/sys is /dev/null, and the slab
 * caches are those of ./caches, unless it is said otherwise. The kernel is 6.1.0-fake.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "memdiag.h"

static int device = -1;
static int unloads;
static int snapshots;

static int fail(const char *variable)
{
	const char *value = getenv(variable);

	if (!value)
		return 0;
	errno = atoi(value);
	return -1;
}

/* A line in the file of FAKE_ASKED, which is opened each time: the program may fork. */
__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	const char *path = getenv("FAKE_ASKED");
	FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
	FILE *file = path ? next(path, "a") : NULL;
	va_list args;

	if (!file)
		return;
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
}

/* Each argument begins with its size. */
static void note_ioctl(unsigned long request, const unsigned int *words)
{
	note("ioctl %lu:", _IOC_NR(request));
	for (size_t n = 0; n < words[0] / sizeof(*words); n++)
		note(" %x", words[n]);
	note("\n");
}

/* The file for now: with FAKE_CYCLES that of this cycle. */
static const char *snapshot_file(void)
{
	static char path[256];

	if (!getenv("FAKE_CYCLES") && !getenv("FAKE_SERIES"))
		return getenv("FAKE_SNAPSHOT");
	snprintf(path, sizeof(path), "%s-%d", getenv("FAKE_SNAPSHOT"),
		 getenv("FAKE_SERIES") ? snapshots : unloads);
	return path;
}

static int fake_open(const char *symbol, const char *path, int flags, mode_t mode)
{
	int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);

	if (!strncmp(path, "/proc/sys/", 10))
		return next("/dev/null", flags);
	if (strcmp(path, "/dev/memdiag"))
		return next(path, flags, mode);
	if (fail("FAKE_OPEN"))
		return -1;
	device = next(snapshot_file(), O_RDONLY);
	return device;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	return fake_open("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	return fake_open("open64", path, flags, mode);
}

static int fake_info(struct memdiag_info *info)
{
	if (info->size != sizeof(*info) || info->flags) {
		errno = EINVAL;
		return -1;
	}
	if (fail("FAKE_INFO"))
		return -1;
	info->format_major = getenv("FAKE_MAJOR") ? atoi(getenv("FAKE_MAJOR")) : 1;
	info->nr_sections = MEMDIAG_NR_SECTIONS;
	info->known = (1ull << MEMDIAG_NR_SECTIONS) - 1;
	if (getenv("FAKE_KNOWN"))
		info->known = strtoull(getenv("FAKE_KNOWN"), NULL, 0);
	info->available = info->known;
	info->defaults = info->known;
	info->snapshot_limit = 64 << 20;
	info->snapshot_bytes = 1 << 20;
	strcpy((char *)info->version, "0.1.0");
	return 0;
}

/* The file of this cycle takes the place of the last one. */
static int next_cycle(void)
{
	int fd = open(snapshot_file(), O_RDONLY);

	if (fd < 0)
		return -1;
	return dup2(fd, device) < 0 || close(fd) ? -1 : 0;
}

static int fake_track_start(struct memdiag_track_start *start)
{
	if (fail("FAKE_TRACK"))
		return -1;
	start->kinds = start->kinds ? start->kinds : 7;
	start->depth = start->depth ? start->depth : 16;
	start->objects = start->objects ? start->objects : 65536;
	start->stacks = start->stacks ? start->stacks : 4096;
	start->bytes = 8 << 20;
	dprintf(STDERR_FILENO,
		"flags 0x%x size %llu-%llu order %u-%u pid %d one_in %u module '%s' cache '%s'\n",
		start->flags, (unsigned long long)start->size_min,
		(unsigned long long)start->size_max, start->order_min, start->order_max, start->pid,
		start->one_in, start->module, start->cache);
	return 0;
}

static int fake_snapshot(struct memdiag_snapshot *arg)
{
	struct stat st;
	FILE *mask;

	if (arg->size != sizeof(*arg) || arg->flags || arg->__reserved) {
		errno = EINVAL;
		return -1;
	}
	if (fail("FAKE_IOCTL") || next_cycle() || fstat(device, &st))
		return -1;
	if (getenv("FAKE_MASK")) {
		mask = fopen(getenv("FAKE_MASK"), "a");
		fprintf(mask, "0x%llx\n", (unsigned long long)arg->sections);
		fclose(mask);
	}
	snapshots++;
	if (getenv("FAKE_STOP") && snapshots == atoi(getenv("FAKE_STOP")))
		raise(SIGTERM);
	arg->bytes = st.st_size;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*next)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd != device)
		return next(fd, request, arg);
	note_ioctl(request, arg);
	if (request == MEMDIAG_IOC_INFO)
		return fake_info(arg);
	if (request == MEMDIAG_IOC_SNAPSHOT)
		return fake_snapshot(arg);
	if (request == MEMDIAG_IOC_TRACK_START)
		return fake_track_start(arg);
	if (request == MEMDIAG_IOC_TRACK_STOP)
		return fail("FAKE_TRACK_STOP");
	if (request == MEMDIAG_IOC_SETTLE)
		return fail("FAKE_SETTLE");
	errno = ENOTTY;
	return -1;
}

static void *fake_mmap(const char *symbol, void *at, size_t size, int prot, int flags, int fd,
		       off_t offset)
{
	void *(*next)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, symbol);

	if (fd >= 0 && fd == device && getenv("FAKE_NO_MMAP")) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	return next(at, size, prot, flags, fd, offset);
}

void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	return fake_mmap("mmap", at, size, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	return fake_mmap("mmap64", at, size, prot, flags, fd, offset);
}

/* The node is there; no module is loaded already but the one named. */
int access(const char *path, int mode)
{
	int (*next)(const char *, int) = dlsym(RTLD_NEXT, "access");
	const char *loaded = getenv("FAKE_LOADED"), *built_in = getenv("FAKE_BUILT_IN");

	if (!strcmp(path, "/dev/memdiag"))
		return 0;
	if (!strncmp(path, "/sys/module/", 12)) {
		if (loaded && !strncmp(path + 12, loaded, strlen(loaded)))
			return 0;
		if (built_in && !strcmp(path + 12, built_in))
			return 0;
		errno = ENOENT;
		return -1;
	}
	return next(path, mode);
}

long syscall(long number, ...)
{
	long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list args;

	va_start(args, number);
	for (int n = 0; n < 6; n++)
		a[n] = va_arg(args, long);
	va_end(args);
	if (number == SYS_delete_module) {
		unloads++;
		note("unload %s\n", (const char *)a[0]);
		return fail("FAKE_UNLOAD");
	}
	if (number != SYS_finit_module && number != SYS_init_module)
		return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	note("load: %s\n", (const char *)(number == SYS_init_module ? a[2] : a[1]));
	if (getenv("FAKE_PARAMETERS"))
		dprintf(STDOUT_FILENO, "parameters: %s\n",
			(const char *)(number == SYS_init_module ? a[2] : a[1]));
	return fail("FAKE_LOAD");
}

void sync(void)
{
}

int uname(struct utsname *uts)
{
	memset(uts, 0, sizeof(*uts));
	strcpy(uts->release, "6.1.0-fake");
	return 0;
}

DIR *opendir(const char *path)
{
	DIR *(*next)(const char *) = dlsym(RTLD_NEXT, "opendir");

	if (!strcmp(path, "/sys/kernel/slab"))
		path = getenv("FAKE_SLAB") ? getenv("FAKE_SLAB") : "caches";
	return next(path);
}

static FILE *fake_fopen(const char *symbol, const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, symbol);
	const char *variable = NULL;

	if (!strcmp(path, "/proc/sys/kernel/modules_disabled"))
		variable = "FAKE_DISABLED";
	else if (!strcmp(path, "/sys/kernel/security/lockdown"))
		variable = "FAKE_LOCKDOWN";
	else if (!strcmp(path, "/proc/sys/kernel/random/boot_id"))
		variable = "FAKE_BOOT_ID";
	if (variable)
		path = getenv(variable) ? getenv(variable) : "/nonexistent";
	return next(path, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return fake_fopen("fopen", path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	return fake_fopen("fopen64", path, mode);
}

static int fake_statfs(const char *symbol, const char *path, void *fs)
{
	int (*next)(const char *, void *) = dlsym(RTLD_NEXT, symbol);
	int ret = next(path, fs);

	if (!ret && getenv("FAKE_CGROUP") && *getenv("FAKE_CGROUP"))
		((struct statfs *)fs)->f_type = 0x63677270;
	return ret;
}

int statfs(const char *path, struct statfs *fs)
{
	return fake_statfs("statfs", path, fs);
}

int statfs64(const char *path, struct statfs64 *fs)
{
	return fake_statfs("statfs64", path, fs);
}

static struct timespec now = { .tv_sec = 1000 };

static void pass(const struct timespec *time)
{
	note("wait %lld.%03ld\n", (long long)time->tv_sec, time->tv_nsec / 1000000);
	now.tv_sec += time->tv_sec + (now.tv_nsec + time->tv_nsec) / 1000000000;
	now.tv_nsec = (now.tv_nsec + time->tv_nsec) % 1000000000;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	int (*next)(const struct timespec *, struct timespec *) = dlsym(RTLD_NEXT, "nanosleep");

	if (!getenv("FAKE_ASKED"))
		return next(time, left);
	pass(time);
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");

	if (clock != CLOCK_MONOTONIC || !getenv("FAKE_ASKED"))
		return next(clock, time);
	*time = now;
	return 0;
}

/* Of keys only: the end of a command is waited for. */
int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *time, const sigset_t *mask)
{
	int (*next)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *) =
		dlsym(RTLD_NEXT, "ppoll");

	if (!nr || !getenv("FAKE_ASKED"))
		return next(fds, nr, time, mask);
	pass(time);
	return next(fds, nr, &(const struct timespec){}, mask);
}
