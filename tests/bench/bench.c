// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench - what a snapshot costs, against reading the same from the kernel's files
 *
 * usage: bench [REPETITIONS]
 *
 * Measures the machine as it is, then with 500 cgroups and 20000 vmalloc areas
 * (held by memdiag_fixture.ko, which must be loaded). Snapshot and files take
 * turns, so that whatever disturbs one disturbs the other. The ratio is to the
 * sections that say what the files say; a full snapshot says more. All times are
 * medians over the repetitions, but lock holds: there the longest one counts. Both
 * times the census is taken as well, against /proc/kpageflags read to its end.
 *
 * Nothing passes or fails here; the exit status says whether it was measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "memdiag.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CGROUPS "/sys/fs/cgroup"
#define FIXTURE "/proc/memdiag_fixture/command"

#define PARENTS 20
/* With their parents 500. */
#define CHILDREN 24
#define AREAS 20000

#define MAX_REPETITIONS 101
#define MAX_FILES 16384

static unsigned int repetitions = 9;

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median_ms(uint64_t *ns)
{
	qsort(ns, repetitions, sizeof(*ns), compare);
	return ns[repetitions / 2] / 1e6;
}

/* --- the kernel's files ---------------------------------------------------- */

static const struct {
	const char *path;
	/* The section that says the same. */
	unsigned int section;
} proc_files[] = {
	{ "/proc/vmstat", MEMDIAG_SEC_VMSTAT },
	{ "/proc/zoneinfo", MEMDIAG_SEC_ZONE },
	{ "/proc/buddyinfo", MEMDIAG_SEC_FRAGMENTATION },
	{ "/proc/pagetypeinfo", MEMDIAG_SEC_BUDDY },
	{ "/proc/slabinfo", MEMDIAG_SEC_SLAB },
	{ "/proc/vmallocinfo", MEMDIAG_SEC_VMALLOC },
};
#define NR_PROC ARRAY_SIZE(proc_files)

/* What the snapshot has of a cgroup beside memory.stat. */
static const char *const small_files[] = {
	"memory.current", "memory.min",  "memory.low",		"memory.high",
	"memory.max",	  "memory.peak", "memory.swap.current", "memory.events",
};
#define NR_SMALL ARRAY_SIZE(small_files)

/* Paths are made before anything is timed. */
static char *stat_paths[MAX_FILES];
static char *small_paths[MAX_FILES];
static unsigned int nr_stat, nr_small;

static char buffer[1 << 20];

/* Open, read to the end, close; returns the bytes. */
static size_t read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		total += n;
	close(fd);
	return total;
}

static size_t read_paths(char *const *paths, unsigned int nr)
{
	size_t total = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		total += read_all(paths[i]);
	return total;
}

static void add_path(char **paths, unsigned int *nr, const char *dir, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (access(path, R_OK))
		return;
	if (*nr == MAX_FILES)
		fail("more than %d files", MAX_FILES);
	paths[(*nr)++] = strdup(path);
}

static void add_cgroup(const char *dir)
{
	unsigned int i;

	add_path(stat_paths, &nr_stat, dir, "memory.stat");
	for (i = 0; i < NR_SMALL; i++)
		add_path(small_paths, &nr_small, dir, small_files[i]);
}

/* --- the snapshot ---------------------------------------------------------- */

static int device;

static uint64_t snapshot(uint64_t sections)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg), .sections = sections };

	if (ioctl(device, MEMDIAG_IOC_SNAPSHOT, &arg))
		fail("SNAPSHOT: %s", strerror(errno));
	return arg.bytes;
}

/* Not static, or the compiler could leave the reading out. */
uint64_t sum_of_words;

static const struct memdiag_header *map(size_t bytes)
{
	void *data = mmap(NULL, bytes, PROT_READ, MAP_SHARED, device, 0);

	if (data == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	return data;
}

static void touch(size_t bytes)
{
	const struct memdiag_header *header = map(bytes);
	const uint64_t *words = (const void *)header;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++)
		sum += words[i];
	sum_of_words = sum;
	munmap((void *)header, bytes);
}

/* What became of a section, over all repetitions. */
struct section_times {
	char name[32];
	uint64_t collect[MAX_REPETITIONS];
	uint64_t lock;
	bool lock_unknown;
	uint64_t records;
	uint32_t restarts;
	uint32_t state;
};

static void note_sections(struct section_times *times, unsigned int i, size_t bytes)
{
	const struct memdiag_header *header = map(bytes);
	const char *data = (const char *)header;
	uint32_t id;

	for (id = 0; id < header->nr_sections && id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_section *s =
			(const void *)(data + header->sections + id * header->section_size);

		snprintf(times[id].name, sizeof(times[id].name), "%s",
			 data + header->strings + s->name);
		times[id].collect[i] = s->collect_ns;
		/* Absent: the kernel's own code held a lock, which cannot be measured. */
		if (s->lock_ns == MEMDIAG_ABSENT)
			times[id].lock_unknown = true;
		else if (s->lock_ns > times[id].lock)
			times[id].lock = s->lock_ns;
		times[id].records = s->nr_records;
		times[id].restarts += s->restarts;
		times[id].state = s->state;
	}
	munmap((void *)header, bytes);
}

/* --- measuring ------------------------------------------------------------- */

struct run {
	uint64_t collect[MAX_REPETITIONS];
	uint64_t same[MAX_REPETITIONS];
	uint64_t read[MAX_REPETITIONS];
	uint64_t proc[NR_PROC][MAX_REPETITIONS];
	uint64_t stat[MAX_REPETITIONS];
	uint64_t files[MAX_REPETITIONS];
	uint64_t small[MAX_REPETITIONS];
	struct section_times sections[MEMDIAG_NR_SECTIONS];
	size_t snapshot_bytes;
	size_t same_bytes;
	size_t files_bytes;
	size_t small_bytes;
};

static void measure_once(struct run *run, unsigned int i)
{
	uint64_t start, before, same = 1ull << MEMDIAG_SEC_MEMCG;
	unsigned int f;

	for (f = 0; f < NR_PROC; f++)
		same |= 1ull << proc_files[f].section;
	start = now();
	run->same_bytes = snapshot(same);
	run->same[i] = now() - start;

	start = now();
	run->snapshot_bytes = snapshot(0);
	run->collect[i] = now() - start;
	note_sections(run->sections, i, run->snapshot_bytes);

	run->files_bytes = 0;
	start = now();
	for (f = 0; f < NR_PROC; f++) {
		before = now();
		run->files_bytes += read_all(proc_files[f].path);
		run->proc[f][i] = now() - before;
	}
	before = now();
	run->files_bytes += read_paths(stat_paths, nr_stat);
	run->stat[i] = now() - before;
	run->files[i] = now() - start;

	start = now();
	run->snapshot_bytes = snapshot(0);
	touch(run->snapshot_bytes);
	run->read[i] = now() - start;

	start = now();
	run->small_bytes = read_paths(small_paths, nr_small);
	run->small[i] = now() - start;
}

static void print_line(const char *what, double ms, double of, size_t bytes)
{
	printf("  %-46s %9.2f ms", what, ms);
	if (of > 0)
		printf("  %6.1f x", ms / of);
	else
		printf("  %8s", "");
	printf(" %8zu KiB\n", bytes >> 10);
}

static void print_sections(struct run *run)
{
	uint64_t longest = 0;
	unsigned int id, f, worst = 0;

	printf("\n  %-16s %9s %9s %9s %9s  %s\n", "section", "records", "collect", "lock held",
	       "restarts", "file, to read");
	printf("  %-16s %9s %9s %9s %9s\n", "", "", "ms", "us", "");
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		struct section_times *s = &run->sections[id];
		static const char *const states[] = { "not asked", "", "partial", "unavailable" };

		char lock[24] = "-";

		if (!s->lock_unknown)
			snprintf(lock, sizeof(lock), "%.1f", s->lock / 1e3);
		printf("  %-16s %9" PRIu64 " %9.2f %9s %9u", s->name, s->records,
		       median_ms(s->collect), lock, s->restarts);
		for (f = 0; f < NR_PROC; f++)
			if (proc_files[f].section == id)
				printf("  %s %.2f ms", proc_files[f].path,
				       median_ms(run->proc[f]));
		if (id == MEMDIAG_SEC_MEMCG)
			printf("  memory.stat %.2f ms", median_ms(run->stat));
		printf("%s%s\n", s->state != MEMDIAG_STATE_OK ? "  " : "",
		       s->state <= MEMDIAG_STATE_UNAVAILABLE ? states[s->state] : "?");
		if (s->lock > longest) {
			longest = s->lock;
			worst = id;
		}
	}
	printf("\n  longest lock hold measured: %.1f us, section %s\n", longest / 1e3,
	       run->sections[worst].name);
}

static void measure(const char *what)
{
	struct run *run = calloc(1, sizeof(*run));
	double same, files, small;
	unsigned int i;

	if (!run)
		fail("no memory");
	nr_stat = nr_small = 0;
	add_cgroup(CGROUPS);
	for (i = 0; i < PARENTS; i++) {
		char dir[64];
		unsigned int c;

		snprintf(dir, sizeof(dir), CGROUPS "/bench%u", i);
		add_cgroup(dir);
		for (c = 0; c < CHILDREN; c++) {
			snprintf(dir, sizeof(dir), CGROUPS "/bench%u/child%u", i, c);
			add_cgroup(dir);
		}
	}

	/* Once for nothing: memory, caches, and how many records there are. */
	measure_once(run, 0);
	memset(run, 0, sizeof(*run));
	for (i = 0; i < repetitions; i++)
		measure_once(run, i);

	same = median_ms(run->same);
	files = median_ms(run->files);
	small = median_ms(run->small);
	printf("%s (%u repetitions)\n\n", what, repetitions);
	printf("  %-46s %12s  %8s %12s\n", "", "median", "ratio", "size");
	print_line("snapshot: ioctl, the sections of the files", same, 0, run->same_bytes);
	print_line("snapshot: ioctl, all sections", median_ms(run->collect), 0,
		   run->snapshot_bytes);
	print_line("snapshot: ioctl, mmap, every byte read", median_ms(run->read), 0,
		   run->snapshot_bytes);
	print_line("files: 6 in /proc, memory.stat of each cgroup", files, same,
		   run->files_bytes);
	print_line("files: and 8 smaller ones of each cgroup", files + small, same,
		   run->files_bytes + run->small_bytes);
	print_sections(run);
	printf("\n");
	fflush(stdout);
	free(run);
}

/* --- every page frame ------------------------------------------------------ */

/* As page-types(1) of the kernel's tools: so many entries per read. */
static uint64_t page_flags[65536];

static uint64_t read_page_flags(void)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t frames = 0;
	ssize_t n;

	if (fd < 0)
		fail("/proc/kpageflags: %s", strerror(errno));
	while ((n = read(fd, page_flags, sizeof(page_flags))) > 0)
		frames += n / sizeof(page_flags[0]);
	close(fd);
	return frames;
}

/* Of a record of census_walk: node, zone, frames, steps, longest_step, walk. */
enum { WALK_FRAMES = 2, WALK_STEPS, WALK_LONGEST, WALK_NS };

struct census_walk {
	uint64_t frames;
	uint64_t steps;
	uint64_t longest;
	uint64_t ns;
};

static void take_census(struct census_walk *walk)
{
	struct memdiag_snapshot arg = {
		.size = sizeof(arg),
		.sections = 1ull << MEMDIAG_SEC_CENSUS | 1ull << MEMDIAG_SEC_CENSUS_WALK,
	};
	const struct memdiag_section *s;
	const struct memdiag_header *header;
	const char *data;
	uint64_t n;

	if (ioctl(device, MEMDIAG_IOC_SNAPSHOT, &arg))
		fail("census: %s", strerror(errno));
	header = map(arg.bytes);
	data = (const char *)header;
	s = (const void *)(data + header->sections +
			   MEMDIAG_SEC_CENSUS_WALK * header->section_size);
	if (!s->nr_records)
		fail("census_walk has nothing");
	memset(walk, 0, sizeof(*walk));
	for (n = 0; n < s->nr_records; n++) {
		const uint64_t *record = (const void *)(data + s->records + n * s->record_size);

		walk->frames += record[WALK_FRAMES];
		walk->steps += record[WALK_STEPS];
		walk->ns += record[WALK_NS];
		if (record[WALK_LONGEST] > walk->longest)
			walk->longest = record[WALK_LONGEST];
	}
	munmap((void *)header, arg.bytes);
}

/* The census takes no part in the snapshots above: it is only made when asked for. */
static void measure_census(const char *what)
{
	static uint64_t files[MAX_REPETITIONS], times[MAX_REPETITIONS], walks[MAX_REPETITIONS];
	uint64_t start, frames = 0, longest = 0;
	struct census_walk walk;
	double file, census;
	unsigned int i;

	for (i = 0; i < repetitions; i++) {
		start = now();
		frames = read_page_flags();
		files[i] = now() - start;
		start = now();
		take_census(&walk);
		times[i] = now() - start;
		walks[i] = walk.ns;
		/* The shortest of the longest: the others are the host's doing. */
		if (!i || walk.longest < longest)
			longest = walk.longest;
	}
	file = median_ms(files);
	census = median_ms(times);
	printf("every page frame, %" PRIu64 " of them, %s (%u repetitions)\n\n", frames, what,
	       repetitions);
	printf("  %-46s %9.2f ms\n", "census: ioctl", census);
	printf("  %-46s %9.2f ms\n", "census: its walk over the page frames",
	       median_ms(walks));
	printf("  %-46s %9.2f ms  %6.1f x\n", "/proc/kpageflags, 65536 frames per read", file,
	       file / census);
	printf("  %-46s %9" PRIu64 "\n", "steps of the walk", walk.steps);
	printf("  %-46s %9.1f\n", "frames per step", (double)walk.frames / walk.steps);
	printf("  %-46s %9.1f us\n\n", "longest step, least of all", longest / 1e3);
	fflush(stdout);
}

/* --- at size --------------------------------------------------------------- */

/* Join a cgroup, charge something to it; stay if told. */
static void charge(const char *dir, unsigned int i, bool stay)
{
	pid_t pid = fork();
	char path[128];
	int fd, status;

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (pid) {
		/* Those that stay stop when they are done. */
		if (waitpid(pid, &status, WUNTRACED) != pid || (!stay && status))
			fail("%s could not be charged", dir);
		return;
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	if (file_write(path, "0"))
		_exit(1);
	memset(buffer, i, sizeof(buffer) / 4);
	snprintf(path, sizeof(path), "/dev/shm/bench%u", i);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, buffer, 65536) != 65536)
		_exit(1);
	close(fd);
	if (stay) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		raise(SIGSTOP);
	}
	_exit(0);
}

static void make_cgroups(void)
{
	unsigned int i, c, nr = 0;
	char dir[64], path[128];

	for (i = 0; i < PARENTS; i++) {
		snprintf(dir, sizeof(dir), CGROUPS "/bench%u", i);
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
		if (mkdir(dir, 0755) || file_write(path, "+memory"))
			fail("%s: %s", dir, strerror(errno));
		for (c = 0; c < CHILDREN; c++, nr++) {
			snprintf(dir, sizeof(dir), CGROUPS "/bench%u/child%u", i, c);
			if (mkdir(dir, 0755))
				fail("%s: %s", dir, strerror(errno));
			if (nr % 4 == 0)
				charge(dir, nr, nr % 16 == 0);
		}
	}
}

static void hold_areas(void)
{
	char command[64];
	int error;

	snprintf(command, sizeof(command), "hold vmalloc size=4096 count=%d", AREAS);
	error = file_write(FIXTURE, command);
	if (error)
		fail("%s: %s", FIXTURE, strerror(-error));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		repetitions = atoi(argv[1]);
	if (repetitions < 7 || repetitions > MAX_REPETITIONS)
		fail("7 to %d repetitions, not %s", MAX_REPETITIONS, argv[1]);
	device = open("/dev/memdiag", O_RDONLY | O_CLOEXEC);
	if (device < 0)
		fail("/dev/memdiag: %s", strerror(errno));
	measure("idle");
	measure_census("idle");
	make_cgroups();
	hold_areas();
	measure("500 cgroups, 20000 vmalloc areas");
	measure_census("500 cgroups, 20000 vmalloc areas");
	return 0;
}
