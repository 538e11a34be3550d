// SPDX-License-Identifier: GPL-2.0-only
/*
 * known_ledger - memory of a known amount and kind, and the ledger must have it
 *
 * Each case takes a known amount of one kind of memory, by itself or through the
 * fixture module. The line that this kind belongs to has to grow by that amount,
 * and no other line (but those that the case says it cannot avoid); when it is
 * given back all lines fall back. What else goes on in the machine is allowed
 * for with NOISE pages, and with the error that the ledger states itself.
 *
 * Some are taken once more for the census to find. Last, 64 MiB of pages leak (32 MiB
 * where there are less than 256): they must be in unaccounted within 1 %.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
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
#include "ktap.h"
#include "snap.h"

#define FIXTURE		"memdiag_fixture"
#define FIXTURE_KO	"/lib/memdiag/memdiag_fixture.ko"
#define COMMAND		"/proc/memdiag_fixture/command"
#define HUGEPAGES	"/proc/sys/vm/nr_hugepages"

#define THP		"/sys/kernel/mm/transparent_hugepage/enabled"
#define MIN_FREE	"/proc/sys/vm/min_free_kbytes"

#define MAX_LINES	40
/* Pages that others may take or give back meanwhile: 1.5 MiB. */
#define NOISE		384
/* Pages that a line may move by in 50 ms when nothing goes on. */
#define STILL		16
#define MIB		(1l << 20)

static long page;
static long memory;

/* --- the ledger --------------------------------------------------------- */

struct line {
	char name[32];
	int64_t pages;
	int64_t error;
	bool present;
};

struct ledger {
	struct line line[MAX_LINES];
	unsigned int nr;
};

static struct ledger look(void)
{
	const struct memdiag_section *s;
	struct ledger l = {};
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(LEDGER));
	s = snap_section(&snap, MEMDIAG_SEC_LEDGER);
	for (n = 0; n < s->nr_records && l.nr < MAX_LINES; n++) {
		struct line *line = &l.line[l.nr++];

		snprintf(line->name, sizeof(line->name), "%s",
			 snap_get_string(&snap, s, n, "line"));
		line->present = snap_get(&snap, s, n, "pages") != MEMDIAG_ABSENT;
		if (line->present) {
			line->pages = snap_get(&snap, s, n, "pages");
			line->error = snap_get(&snap, s, n, "error");
		}
	}
	snap_drop(&snap);
	return l;
}

/**
 * struct grows - a line that may or must grow
 * @line: its name
 * @low: by at least so many pages
 * @high: by at most so many
 */
struct grows {
	const char *line;
	int64_t low;
	int64_t high;
};

/* What is free is what the others are not. */
static bool is_free(const char *name)
{
	return !strncmp(name, "free", 4);
}

static bool lines_grew(const struct ledger *a, const struct ledger *b, const struct grows *grows,
		       bool tell)
{
	bool ok = true;
	unsigned int i, g;

	for (i = 0; i < a->nr; i++) {
		int64_t low = 0, high = 0, more = b->line[i].pages - a->line[i].pages;
		int64_t error = b->line[i].error + NOISE;

		if (is_free(a->line[i].name))
			continue;
		for (g = 0; grows && grows[g].line; g++)
			if (!strcmp(grows[g].line, a->line[i].name)) {
				low = grows[g].low;
				high = grows[g].high;
			}
		if (more >= low - error && more <= high + error)
			continue;
		if (tell)
			ktap_note("%s: grew by %" PRId64 " pages, expected %" PRId64 " to %" PRId64,
				  a->line[i].name, more, low - error, high + error);
		ok = false;
	}
	return ok;
}

/*
 * The ledger when nothing moves any more. What is given back through RCU or by a
 * worker is on no line until then, or on another: the stack of a thread that is gone
 * is plain vmalloc() memory, for instance, and the pages of a vfree() are nobody's for
 * a moment.
 */
static struct ledger look_when_quiet(void)
{
	struct ledger before, now = look();
	unsigned int tries, quiet = 0, i;

	for (tries = 0; tries < 100 && quiet < 3; tries++) {
		usleep(50000);
		before = now;
		now = look();
		quiet++;
		for (i = 0; i < now.nr; i++)
			if (!is_free(now.line[i].name) &&
			    labs(now.line[i].pages - before.line[i].pages) > STILL)
				quiet = 0;
	}
	return now;
}

static bool sums_up(const struct ledger *l)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		sum += l->line[i].pages;
	if (sum == memory)
		return true;
	ktap_note("the lines sum up to %" PRId64 " pages, not %ld", sum, memory);
	return false;
}

/* Some memory is given back in the background: wait for it, for a while. */
static bool fell_back(const struct ledger *a, const struct grows *keeps)
{
	struct ledger c;
	int tries;

	for (tries = 0; tries < 30; tries++) {
		c = look();
		if (lines_grew(a, &c, keeps, false))
			return true;
		usleep(100000);
	}
	return lines_grew(a, &c, keeps, true);
}

/* Why the last one could not be had. */
static const char *why;

static bool cannot(const char *reason)
{
	why = reason;
	return false;
}

/**
 * known_keeping() - one case
 * @name: of the results
 * @take: takes the memory; false: cannot be done here, and why says the reason
 * @give: gives it back
 * @arg: of both
 * @grows: lines that grow, ends with one without a name
 * @keeps: the same of lines that stay like that when it is given back, or NULL
 */
static void known_keeping(const char *name, bool (*take)(void *arg), void (*give)(void *arg),
			  void *arg, const struct grows *grows, const struct grows *keeps)
{
	struct ledger a, b;

	/* Once for nothing: first use fills caches that then stay. */
	if (!take(arg)) {
		ktap_skip(why, "known_ledger: %s", name);
		return;
	}
	give(arg);
	a = look_when_quiet();
	if (!take(arg))
		ktap_bail("%s: could be had a moment ago: %s", name, why);
	b = look_when_quiet();
	ktap_ok(lines_grew(&a, &b, grows, true) & sums_up(&b), "known_ledger: %s: held", name);
	give(arg);
	ktap_ok(fell_back(&a, keeps), "known_ledger: %s: given back", name);
}

static void known(const char *name, bool (*take)(void *arg), void (*give)(void *arg), void *arg,
		  const struct grows *grows)
{
	known_keeping(name, take, give, arg, grows, NULL);
}

/* --- memory of processes ------------------------------------------------ */

#define AMOUNT		(16 * MIB)

static void *anon_at;

static bool take_anon(void *arg)
{
	anon_at = mmap(NULL, AMOUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (anon_at == MAP_FAILED)
		return cannot("no address space");
	madvise(anon_at, AMOUNT, MADV_NOHUGEPAGE);
	memset(anon_at, 1, AMOUNT);
	return true;
}

static void give_anon(void *arg)
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

static bool take_file(void *arg)
{
	const char *type = arg;

	mkdir("/tmp/known_ledger", 0700);
	if (mount("none", "/tmp/known_ledger", type, 0, NULL))
		return cannot("no such file system");
	file_fd = open("/tmp/known_ledger/file", O_RDWR | O_CREAT, 0600);
	return fill(file_fd);
}

static void give_file(void *arg)
{
	close(file_fd);
	umount("/tmp/known_ledger");
}

static bool take_deleted(void *arg)
{
	bool ok = take_file("tmpfs");

	unlink("/tmp/known_ledger/file");
	return ok;
}

static bool take_memfd(void *arg)
{
	file_fd = syscall(SYS_memfd_create, "known_ledger", 0);
	return fill(file_fd);
}

static void give_memfd(void *arg)
{
	close(file_fd);
}

/* Page tables: maps of nothing but the page of zeroes, one for each 2 MiB. */
#define SPARSE_TABLES	3000l

static void *sparse_at;

static bool take_tables(void *arg)
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

static void give_tables(void *arg)
{
	munmap(sparse_at, SPARSE_TABLES * (page / 8) * page);
}

#define THREADS 400

static pthread_t threads[THREADS];
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;

static void *thread(void *arg)
{
	pthread_mutex_lock(&threads_lock);
	pthread_mutex_unlock(&threads_lock);
	return NULL;
}

static bool take_threads(void *arg)
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

static void give_threads(void *arg)
{
	int i;

	pthread_mutex_unlock(&threads_lock);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* --- huge pages --------------------------------------------------------- */

#define HUGE 8

static bool take_pool(void *arg)
{
	long long nr = 0;
	char text[16];

	snprintf(text, sizeof(text), "%d", HUGE);
	if (file_write(HUGEPAGES, text))
		return cannot("no hugetlb");
	return (file_number(&nr, HUGEPAGES) && nr == HUGE) || cannot("not so many in one piece");
}

static void give_pool(void *arg)
{
	file_write(HUGEPAGES, "0");
}

static long huge_size;
static void *huge_at;

static bool take_huge(void *arg)
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

static void give_huge(void *arg)
{
	munmap(huge_at, HUGE * huge_size);
	give_pool(NULL);
}

/* Those of another size than the default one, which only sysfs knows. */
static char other_pool[96];

static bool take_other_pool(void *arg)
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

static void give_other_pool(void *arg)
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

static bool take_holes(void *arg)
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

static void give_holes(void *arg)
{
	long long huge = 0;

	file_number(&huge, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
	munmap(holes_at, AMOUNT + huge);
	allow_huge(false);
}

/* --- processes ---------------------------------------------------------- */

#define PROCESSES 200

static pid_t processes[PROCESSES];

static void give_processes(void *arg)
{
	int i;

	for (i = 0; i < PROCESSES && processes[i] > 0; i++) {
		kill(processes[i], SIGKILL);
		waitpid(processes[i], NULL, 0);
	}
}

static bool take_processes(void *arg)
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

#define SOCKET_BYTES (8 * MIB)

static int sockets[2];

static bool take_sockets(void)
{
	int size = 2 * SOCKET_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return cannot("no sockets");
	return !setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	       cannot("the queue cannot be made longer");
}

static bool take_unread(void *arg)
{
	long done;

	if (!take_sockets())
		return false;
	for (done = 0; done < SOCKET_BYTES; done += 32768)
		if (send(sockets[0], block, 32768, MSG_DONTWAIT) != 32768)
			return cannot("the queue is full too early");
	return true;
}

static void give_sockets(void *arg)
{
	close(sockets[0]);
	close(sockets[1]);
}

/* Pages of a file, referred to by unread messages when the file is gone. */
static bool take_pinned(void *arg)
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

static bool take_fixture(void *arg)
{
	char command[120];
	int error;

	snprintf(command, sizeof(command), "hold %s", (const char *)arg);
	error = file_write(COMMAND, command);
	if (error == -ENOMEM)
		return cannot("not so much memory, or not in such pieces");
	if (error)
		ktap_bail("fixture: %s: %s", command, strerror(-error));
	return true;
}

static void give_fixture(void *arg)
{
	char command[120], *space;

	snprintf(command, sizeof(command), "free %s", (const char *)arg);
	space = strchr(command + 5, ' ');
	if (space)
		*space = '\0';
	if (file_write(COMMAND, command))
		ktap_bail("fixture: %s", command);
}

static void known_fixture(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	/* Slabs of 200 bytes: 20 in a page, so some of it is between the objects. */
	const struct grows slab[] = { { "slab_unreclaimable", 81920 / 21, 81920 / 12 }, {} };
	const struct grows large[] = { { "slab_unreclaimable", AMOUNT / page, AMOUNT / page }, {} };
	const struct grows vmalloc[] = { { "vmalloc", AMOUNT / page, AMOUNT / page }, {} };
	/*
	 * The allocator notes a cgroup for every four bytes, in vmalloc() memory: two
	 * pages for one. And it keeps a chunk when all is given back, for a while.
	 */
	const struct grows percpu[] = { { "percpu", 2048 * cpus / 2, (2048 + 64) * cpus },
					{ "vmalloc", 0, 2048 * 5 / 2 }, {} };
	const struct grows chunk[] = { { "percpu", -512 * cpus, 512 * cpus },
				       { "vmalloc", -1200, 1200 }, {} };
	const struct grows pages[] = { { "unaccounted", AMOUNT / page, AMOUNT / page }, {} };
	char command[80], name[40];
	int order;

	known("objects of a slab cache", take_fixture, give_fixture, "cache count=81920", slab);
	known("large blocks of kmalloc", take_fixture, give_fixture,
	      "kmalloc size=65536 count=256", large);
	known("vmalloc", take_fixture, give_fixture, "vmalloc size=1048576 count=16", vmalloc);
	known_keeping("percpu", take_fixture, give_fixture, "percpu size=4096 count=2048", percpu,
		      chunk);
	for (order = 0; order <= 9; order++) {
		snprintf(command, sizeof(command), "pages order=%d count=%ld", order,
			 AMOUNT / page >> order);
		snprintf(name, sizeof(name), "pages of order %d", order);
		known(name, take_fixture, give_fixture, command, pages);
	}
}

/* --- the census of the same --------------------------------------------- */

static int64_t census(const char *kind, int64_t order)
{
	const struct memdiag_section *s;
	int64_t pages = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(CENSUS));
	s = snap_section(&snap, MEMDIAG_SEC_CENSUS);
	for (n = 0; n < s->nr_records; n++)
		if (!strcmp(snap_get_string(&snap, s, n, "kind"), kind) &&
		    (order < 0 || (int64_t)snap_get(&snap, s, n, "order") == order))
			pages += snap_get(&snap, s, n, "pages");
	snap_drop(&snap);
	return pages;
}

static void census_one(const char *name, bool (*take)(void *arg), void (*give)(void *arg),
		       void *arg, const char *kind, int order, int64_t more)
{
	int64_t a, b, c;

	look_when_quiet();
	a = census(kind, order);
	if (!take(arg)) {
		ktap_skip(why, "known_ledger: census: %s", name);
		return;
	}
	b = census(kind, order) - a;
	give(arg);
	look_when_quiet();
	c = census(kind, order) - a;
	if (!ktap_ok(b >= more - NOISE && b <= more + NOISE && c >= -NOISE && c <= NOISE,
		     "known_ledger: census: %s: as %s", name, kind))
		ktap_note("%" PRId64 " more, then %" PRId64 ", expected %" PRId64, b, c, more);
}

static void known_census(void)
{
	char command[80], name[40];
	int order;

	census_one("anonymous", take_anon, give_anon, NULL, "anon", -1, AMOUNT / page);
	census_one("page cache", take_file, give_file, "ramfs", "file", -1, AMOUNT / page);
	census_one("memfd", take_memfd, give_memfd, NULL, "shmem", -1, AMOUNT / page);
	census_one("page tables", take_tables, give_tables, NULL, "page_table", -1, SPARSE_TABLES);
	census_one("huge pages in the pool", take_pool, give_pool, NULL, "hugetlb_free", -1,
		   HUGE * (huge_size / page));
	census_one("huge pages in use", take_huge, give_huge, NULL, "hugetlb_used", -1,
		   HUGE * (huge_size / page));
	for (order = 0; order <= 9; order++) {
		snprintf(command, sizeof(command), "pages order=%d count=%ld", order,
			 AMOUNT / page >> order);
		snprintf(name, sizeof(name), "pages of order %d", order);
		census_one(name, take_fixture, give_fixture, command, "kernel", order,
			   AMOUNT / page);
	}
}

/* --- idle, and leaking -------------------------------------------------- */

static int64_t line(const struct ledger *l, const char *name)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (!strcmp(l->line[i].name, name))
			return l->line[i].pages;
	ktap_bail("the ledger has no line %s", name);
}

/* What memdiagctl says of unaccounted: pages of a kind and order, of a sum if negative. */
static int64_t split(const char *kind, int order)
{
	char line[200], is[40], blocks[40], pieces[20];
	int64_t pages, sum = 0;
	bool there = false;
	FILE *f;

	f = popen("memdiagctl ledger --by order --bytes --no-headings", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%39s %39s %19s %" SCNd64, is, blocks, pieces, &pages) == 4 &&
		    !strcmp(is, kind) && (order < 0 || atoi(pieces) == order)) {
			there = true;
			sum += pages;
		}
	if (!f || pclose(f) || (!there && order < 0))
		ktap_bail("memdiagctl does not split unaccounted by order");
	return sum;
}

static bool about(int64_t pages, int64_t expected)
{
	return labs(pages - expected) * 100 <= expected;
}

static void known_leak(void)
{
	/* A small guest has other tests to run yet. */
	const long leaked = memory * page < 256 * MIB ? 32 * MIB : 64 * MIB;
	int64_t present = memory, more;
	int64_t pieces, sum, residual;
	struct ledger a, b;
	const struct memdiag_section *s;
	struct snap snap;
	char command[80];
	int i;

	a = look_when_quiet();
	/* Of all RAM, which the identities begin with. */
	snap_take(&snap, SNAP_BIT(IDENTITY));
	s = snap_section(&snap, MEMDIAG_SEC_IDENTITY);
	if (s->nr_records)
		present = snap_get(&snap, s, 0, "left");
	snap_drop(&snap);
	ktap_ok(line(&a, "unaccounted") * 100 < present,
		"known_ledger: unaccounted: %" PRId64 " of %" PRId64 " pages when nothing leaks",
		line(&a, "unaccounted"), present);
	/* Everything once more, as churn. */
	for (i = 0; i < 5; i++) {
		if (take_anon(NULL))
			give_anon(NULL);
		if (take_memfd(NULL))
			give_memfd(NULL);
		take_threads(NULL);
		give_threads(NULL);
	}
	b = look_when_quiet();
	more = line(&b, "unaccounted") - line(&a, "unaccounted");
	ktap_ok(more > -NOISE / 2 && more < NOISE / 2,
		"known_ledger: unaccounted: %" PRId64 " pages more after churn", more);

	sum = split("unaccounted", -1);
	pieces = split("kernel", 2);
	snprintf(command, sizeof(command), "leak pages order=2 count=%ld", leaked / page / 4);
	a = look_when_quiet();
	i = file_write(COMMAND, command);
	if (i)
		ktap_bail("fixture: %s: %s", command, strerror(-i));
	b = look();
	more = line(&b, "unaccounted") - line(&a, "unaccounted");
	ktap_ok(about(more, leaked / page),
		"known_ledger: leak of %ld pages: unaccounted grew by %" PRId64, leaked / page,
		more);
	pieces = split("kernel", 2) - pieces;
	sum = split("unaccounted", -1) - sum;
	residual = split("residual", -1);
	ktap_ok(about(pieces, leaked / page) && about(sum, leaked / page),
		"known_ledger: leak: split by order: %" PRId64 " pages more, %" PRId64
		" of them in pieces of 4", sum, pieces);
	/* What the census needs to look, and what came and went since the ledger. */
	ktap_ok(labs(residual) < NOISE / 2,
		"known_ledger: leak: the census explains the ledger, to %" PRId64 " pages", residual);
}

int main(void)
{
	/* Of a process without memory of its own: tables, a stack, and what it writes to. */
	const struct grows many[] = { { "upper_page_tables", 0, PROCESSES * 8 },
				      { "page_tables", 0, PROCESSES * 20 },
				      { "kernel_stack", PROCESSES * 4, PROCESSES * 8 },
				      { "slab_unreclaimable", 0, PROCESSES * 20 },
				      { "slab_reclaimable", 0, PROCESSES * 4 },
				      { "anon", 0, PROCESSES * 30 }, { "vmalloc", 0, PROCESSES },
				      { "percpu", 0, PROCESSES }, {} };
	struct grows lines[4] = {};
	struct ledger l;
	int error, fd;

	ktap_start();
	page = getpagesize();
	huge_size = 2 * MIB;
	fd = open(FIXTURE_KO, O_RDONLY | O_CLOEXEC);
	syscall(SYS_delete_module, FIXTURE, O_NONBLOCK);
	error = fd < 0 || syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	if (error)
		ktap_bail(FIXTURE_KO ": %s", strerror(error));
	close(fd);
	l = look();
	for (unsigned int i = 0; i < l.nr; i++)
		memory += l.line[i].pages;

	/* First, as the stacks of the threads below stay mapped, and would be copied. */
	known("processes", take_processes, give_processes, NULL, many);
	lines[0] = (struct grows){ "anon", AMOUNT / page, AMOUNT / page };
	known("anonymous", take_anon, give_anon, NULL, lines);
	lines[0].line = "file";
	known("page cache", take_file, give_file, "ramfs", lines);
	lines[0].line = "shmem";
	known("tmpfs", take_file, give_file, "tmpfs", lines);
	known("deleted file in tmpfs", take_deleted, give_file, "tmpfs", lines);
	known("memfd", take_memfd, give_memfd, NULL, lines);
	lines[0] = (struct grows){ "page_tables", SPARSE_TABLES, SPARSE_TABLES + 16 };
	known("page tables", take_tables, give_tables, NULL, lines);
	/* 4 pages on x86 and arm64, 8 with KASAN; and each has a task, and a stack. */
	lines[0] = (struct grows){ "kernel_stack", THREADS * 4, THREADS * 8 };
	lines[1] = (struct grows){ "slab_unreclaimable", 0, THREADS * 8 };
	lines[2] = (struct grows){ "anon", 0, THREADS * 4 };
	known("kernel stacks", take_threads, give_threads, NULL, lines);
	memset(lines, 0, sizeof(lines));
	lines[0] = (struct grows){ "hugetlb_free", HUGE * (huge_size / page),
				   HUGE * (huge_size / page) };
	known("huge pages in the pool", take_pool, give_pool, NULL, lines);
	lines[0].line = "hugetlb_used";
	known("huge pages in use", take_huge, give_huge, NULL, lines);
	lines[0].line = "hugetlb_free";
	known("huge pages of another size in their pool", take_other_pool, give_other_pool,
	      &lines[0], lines);
	lines[0] = (struct grows){ "anon", AMOUNT / page / 2, AMOUNT / page / 2 };
	lines[1] = (struct grows){ "unmapped", AMOUNT / page / 2, AMOUNT / page / 2 };
	known("huge pages with holes", take_holes, give_holes, NULL, lines);
	memset(lines, 0, sizeof(lines));
	/* Heads of messages are slab, what is long goes into pages of its own. */
	lines[0] = (struct grows){ "unaccounted", SOCKET_BYTES / page, SOCKET_BYTES / page };
	lines[1] = (struct grows){ "slab_unreclaimable", 0, SOCKET_BYTES / page / 8 };
	known("unread sockets", take_unread, give_sockets, NULL, lines);
	/* Anonymous memory that only the queue has a reference to: on the LRU lists yet. */
	lines[0].line = "unmapped";
	known("pinned fragments", take_pinned, give_sockets, NULL, lines);
	known_fixture();
	known_census();
	known_leak();
	return ktap_end();
}
