// SPDX-License-Identifier: GPL-2.0-only
/* known_ledger: memory of a known amount, of each kind, taken and given back. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "known_ledger.h"
#include "ktap.h"
#include "mod.h"

#define HUGEPAGES	"/proc/sys/vm/nr_hugepages"
#define THP		"/sys/kernel/mm/transparent_hugepage/enabled"
#define MIN_FREE	"/proc/sys/vm/min_free_kbytes"

long huge_size;
const char *why;

bool cannot(const char *reason)
{
	why = reason;
	return false;
}

/* --- memory of processes ------------------------------------------------ */

static void *anon_at;

bool take_anon(void *arg)
{
	anon_at = mmap(NULL, AMOUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (anon_at == MAP_FAILED)
		return cannot("no address space");
	madvise(anon_at, AMOUNT, MADV_NOHUGEPAGE);
	memset(anon_at, 1, AMOUNT);
	return true;
}

void give_anon(void *arg)
{
	munmap(anon_at, AMOUNT);
}

static char block[MIB];

static bool fill(int fd)
{
	long done;

	for (done = 0; fd >= 0 && done < AMOUNT; done += MIB)
		if (write(fd, block, MIB) != MIB)
			break;
	return (fd >= 0 && done == AMOUNT) || cannot("the file cannot be filled");
}

/* Page cache: ramfs keeps its files there and nowhere else, tmpfs is shmem. */
static int file_fd = -1;

bool take_file(void *arg)
{
	const char *type = arg;

	mkdir("/tmp/known_ledger", 0700);
	if (mount("none", "/tmp/known_ledger", type, 0, NULL))
		return cannot("no such file system");
	file_fd = open("/tmp/known_ledger/file", O_RDWR | O_CREAT, 0600);
	return fill(file_fd);
}

void give_file(void *arg)
{
	close(file_fd);
	umount("/tmp/known_ledger");
}

bool take_deleted(void *arg)
{
	bool ok = take_file("tmpfs");

	unlink("/tmp/known_ledger/file");
	return ok;
}

bool take_memfd(void *arg)
{
	file_fd = syscall(SYS_memfd_create, "known_ledger", 0);
	return fill(file_fd);
}

void give_memfd(void *arg)
{
	close(file_fd);
}

/* Page tables: maps of nothing but the page of zeroes, one for each 2 MiB. */
static void *sparse_at;

bool take_tables(void *arg)
{
	long entries = page / 8, i;

	sparse_at = mmap(NULL, SPARSE_TABLES * entries * page, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sparse_at == MAP_FAILED)
		return cannot("no address space");
	madvise(sparse_at, SPARSE_TABLES * entries * page, MADV_NOHUGEPAGE);
	for (i = 0; i < SPARSE_TABLES; i++)
		*(volatile char *)(sparse_at + i * entries * page);
	return true;
}

void give_tables(void *arg)
{
	munmap(sparse_at, SPARSE_TABLES * (page / 8) * page);
}

static pthread_t threads[THREADS];
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;

static void *thread(void *arg)
{
	pthread_mutex_lock(&threads_lock);
	pthread_mutex_unlock(&threads_lock);
	return NULL;
}

bool take_threads(void *arg)
{
	pthread_attr_t attr;
	int i;

	/* The default of 8 MiB would make a page table for each; arm64 has a larger least. */
	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, sysconf(_SC_THREAD_STACK_MIN)))
		ktap_bail("stacks of %ld bytes are not allowed", sysconf(_SC_THREAD_STACK_MIN));
	pthread_mutex_lock(&threads_lock);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], &attr, thread, NULL))
			ktap_bail("thread %d: %s", i, strerror(errno));
	return true;
}

void give_threads(void *arg)
{
	int i;

	pthread_mutex_unlock(&threads_lock);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* --- huge pages --------------------------------------------------------- */

bool take_pool(void *arg)
{
	long long nr = 0;
	char text[16];

	snprintf(text, sizeof(text), "%d", HUGE);
	if (file_write(HUGEPAGES, text))
		return cannot("no hugetlb");
	return (file_number(&nr, HUGEPAGES) && nr == HUGE) || cannot("not so many in one piece");
}

void give_pool(void *arg)
{
	file_write(HUGEPAGES, "0");
}

static void *huge_at;

bool take_huge(void *arg)
{
	long i;

	if (!take_pool(NULL))
		return false;
	huge_at = mmap(NULL, HUGE * huge_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge_at == MAP_FAILED)
		return cannot("hugetlb, but not of 2 MiB");
	for (i = 0; i < HUGE; i++)
		*(char *)(huge_at + i * huge_size) = 1;
	return true;
}

void give_huge(void *arg)
{
	munmap(huge_at, HUGE * huge_size);
	give_pool(NULL);
}

/* Those of another size than the default one, which only sysfs knows. */
static char other_pool[96];

bool take_other_pool(void *arg)
{
	static const long sizes[] = { 64, 2048, 32768, 1048576 };
	long long preset = 0, nr = 0, available = 0;
	struct grows *grows = arg;
	char *text = file_read("/proc/meminfo"), want[16];
	const char *at = text ? strstr(text, "\nHugepagesize:") : NULL;
	unsigned int i;
	long count;

	if (!at || sscanf(at, " Hugepagesize: %lld", &preset) != 1)
		preset = 0;
	at = text ? strstr(text, "\nMemAvailable:") : NULL;
	if (!at || sscanf(at, " MemAvailable: %lld", &available) != 1)
		available = 0;
	free(text);
	for (i = 0; preset && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		count = sizes[i] < AMOUNT >> 10 ? (AMOUNT >> 10) / sizes[i] : 1;
		if (sizes[i] == preset || count * sizes[i] > available / 4 * 3)
			continue;
		snprintf(other_pool, sizeof(other_pool),
			 "/sys/kernel/mm/hugepages/hugepages-%ldkB/nr_hugepages", sizes[i]);
		snprintf(want, sizeof(want), "%ld", count);
		if (file_write(other_pool, want))
			continue;
		grows->low = grows->high = count * (sizes[i] << 10) / page;
		return (file_number(&nr, "%s", other_pool) && nr == count) ||
		       cannot("not so many in one piece");
	}
	return cannot("no other size that fits");
}

void give_other_pool(void *arg)
{
	file_write(other_pool, "0");
}

/* Transparent huge pages of which every second page is given back. */
static void *holes_at;

static bool huge_enough(void)
{
	char *text = file_read("/proc/self/smaps_rollup");
	const char *at = text ? strstr(text, "AnonHugePages:") : NULL;
	long kib = 0;
	bool ok = at && sscanf(at, "AnonHugePages: %ld", &kib) == 1 && kib >= AMOUNT >> 10;

	free(text);
	return ok;
}

/* A kernel with little memory has them switched off, and raises a watermark for them. */
static void allow_huge(bool allow)
{
	static long long min_free;
	static bool switched;
	char text[24], *state;

	if (allow) {
		state = file_read(THP);
		switched = state && strstr(state, "[never]") &&
			   file_number(&min_free, MIN_FREE) && !file_write(THP, "madvise");
		free(state);
	} else if (switched) {
		snprintf(text, sizeof(text), "%lld", min_free);
		file_write(THP, "never");
		file_write(MIN_FREE, text);
		switched = false;
	}
}

bool take_holes(void *arg)
{
	long long huge;
	char *at;
	long i;

	allow_huge(true);
	if (!file_number(&huge, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"))
		return cannot("no transparent huge pages");
	holes_at = mmap(NULL, AMOUNT + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (holes_at == MAP_FAILED)
		return cannot("no address space");
	at = (char *)(((unsigned long)holes_at + huge - 1) & -huge);
	madvise(at, AMOUNT, MADV_HUGEPAGE);
	memset(at, 1, AMOUNT);
	if (!huge_enough()) {
		munmap(holes_at, AMOUNT + huge);
		allow_huge(false);
		return cannot("no huge pages in one piece");
	}
	for (i = 1; i < AMOUNT / page; i += 2)
		madvise(at + i * page, page, MADV_DONTNEED);
	return true;
}

void give_holes(void *arg)
{
	long long huge = 0;

	file_number(&huge, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
	munmap(holes_at, AMOUNT + huge);
	allow_huge(false);
}

/* --- processes ---------------------------------------------------------- */

static pid_t processes[PROCESSES];

void give_processes(void *arg)
{
	int i;

	for (i = 0; i < PROCESSES && processes[i] > 0; i++) {
		kill(processes[i], SIGKILL);
		waitpid(processes[i], NULL, 0);
	}
}

bool take_processes(void *arg)
{
	int i;

	memset(processes, 0, sizeof(processes));
	for (i = 0; i < PROCESSES; i++) {
		processes[i] = fork();
		if (!processes[i])
			for (;;)
				pause();
		if (processes[i] < 0) {
			give_processes(NULL);
			return cannot("not so many processes");
		}
	}
	return true;
}

/* --- sockets ------------------------------------------------------------ */

static int sockets[2];

static bool take_sockets(void)
{
	int size = 2 * SOCKET_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return cannot("no sockets");
	return !setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	       cannot("the queue cannot be made longer");
}

bool take_unread(void *arg)
{
	long done;

	if (!take_sockets())
		return false;
	for (done = 0; done < SOCKET_BYTES; done += 32768)
		if (send(sockets[0], block, 32768, MSG_DONTWAIT) != 32768)
			return cannot("the queue is full too early");
	return true;
}

void give_sockets(void *arg)
{
	close(sockets[0]);
	close(sockets[1]);
}

/* Pages of a file, referred to by unread messages when the file is gone. */
bool take_pinned(void *arg)
{
	off_t at = 0;
	ssize_t n;

	if (!take_sockets() || !take_memfd(NULL))
		return false;
	/* As much as goes: what counts is what was taken. */
	fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	while (at < SOCKET_BYTES && (n = sendfile(sockets[0], file_fd, &at, SOCKET_BYTES - at)) > 0)
		;
	close(file_fd);
	return at >= SOCKET_BYTES || cannot("the queue is full too early");
}

/* --- the fixture -------------------------------------------------------- */

bool take_fixture(void *arg)
{
	int error = fixture_try("hold %s", (const char *)arg);

	if (error == -ENOMEM)
		return cannot("not so much memory, or not in such pieces");
	if (error)
		ktap_bail("fixture: hold %s: %s", (const char *)arg, strerror(-error));
	return true;
}

void give_fixture(void *arg)
{
	const char *kind = arg;

	fixture("free %.*s", (int)strcspn(kind, " "), kind);
}
