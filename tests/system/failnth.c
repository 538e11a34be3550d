// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth [SECONDS] - let the first, second, third... allocation fail
 *
 * Needs CONFIG_FAULT_INJECTION with FAILSLAB and FAIL_PAGE_ALLOC. Each way into
 * the module is gone with the n-th allocation failing, for n from 1 until none
 * is left to fail. It must say ENOMEM, or do without and then give a snapshot
 * that is well-formed, in which a section with fewer records than usual says so
 * and why. Nothing may be held afterwards.
 *
 * Page allocations of vmalloc() count too, so loading the module has thousands;
 * most are the kernel's own, as the file is read before the module runs: of these
 * a few are taken. If not all others can be done in the time (60 s for each way
 * if not said) they are spread evenly, and the result says how many were.
 *
 * The twin of each is the last round, in which nothing fails: it must succeed,
 * which also shows that the failures before it came from the injection.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"

#define DEBUG_DIR	"/sys/kernel/debug/memdiag"
#define FAR_AWAY	100000000
/* Failures among allocations that are the kernel's own. */
#define AHEAD_SAMPLES	5

static int nth_fd;
static unsigned int budget = 60;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* The @n-th allocation of this task from now on fails; 0: none. */
static void nth_arm(unsigned int n)
{
	char text[20];
	int length = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(nth_fd, text, length, 0) != length)
		ktap_bail("fail-nth: %s", strerror(errno));
}

/* Ends it. Return: how many more it would have taken; 0: it did fail. */
static unsigned int nth_disarm(void)
{
	char text[20] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		ktap_bail("fail-nth: %s", strerror(errno));
	nth_arm(0);
	return strtoul(text, NULL, 10);
}

/* --- what is tried ------------------------------------------------------ */

/**
 * struct way - one way into the module
 * @name: for the result
 * @path: file it is about
 * @prepare: without failures
 * @run: with; 0 or errno
 * @judge: what came out of a success; NULL or what is wrong. Without failures
 * @undo: of prepare and run, whatever came of them. Without failures
 */
struct way {
	const char *name;
	const char *path;
	void (*prepare)(const struct way *way);
	int (*run)(const struct way *way);
	const char *(*judge)(const struct way *way);
	void (*undo)(const struct way *way);
};

static int way_fd = -1;
static uint64_t usual_records[MEMDIAG_NR_SECTIONS];
static uint32_t usual_state[MEMDIAG_NR_SECTIONS];
static unsigned long tolerated;

static void none(const struct way *way)
{
}

static void prepare_device(const struct way *way)
{
	way_fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);
	if (way_fd < 0)
		ktap_bail(SNAP_DEVICE ": %s", strerror(errno));
}

static void undo_close(const struct way *way)
{
	if (way_fd >= 0)
		close(way_fd);
	way_fd = -1;
}

static int run_open(const struct way *way)
{
	way_fd = open(way->path, O_RDONLY | O_CLOEXEC);
	return way_fd < 0 ? errno : 0;
}

static uint64_t way_bytes;

static int run_snapshot(const struct way *way)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg) };

	if (ioctl(way_fd, MEMDIAG_IOC_SNAPSHOT, &arg))
		return errno;
	way_bytes = arg.bytes;
	return 0;
}

/* Areas of vmalloc that were freed, but not purged yet, are records until the next purge. */
static bool too_few(unsigned int id, uint64_t records)
{
	struct snap snap;

	if (records >= usual_records[id] - usual_records[id] / 10)
		return false;
	snap_take(&snap, 1ull << id);
	usual_records[id] = snap_section(&snap, id)->nr_records;
	snap_drop(&snap);
	return records < usual_records[id] - usual_records[id] / 10;
}

static const char *judge_snapshot(const struct way *way)
{
	struct snap snap = { .fd = -1, .size = way_bytes };
	static char text[200];
	const char *wrong;
	unsigned int id;

	snap.data = mmap(NULL, way_bytes, PROT_READ, MAP_SHARED, way_fd, 0);
	if (snap.data == MAP_FAILED)
		return "cannot be mapped";
	wrong = snap_check(&snap);
	for (id = 0; id < MEMDIAG_NR_SECTIONS && !wrong; id++) {
		const struct memdiag_section *s = snap_section(&snap, id);

		if (s->state != usual_state[id])
			tolerated++;
		/* That there is a reason snap_check() has seen. */
		if (s->state == MEMDIAG_STATE_OK && too_few(id, s->nr_records)) {
			snprintf(text, sizeof(text), "%s is ok with %" PRIu64 " records, usual are %" PRIu64,
				 snap_string(&snap, s->name), (uint64_t)s->nr_records,
				 usual_records[id]);
			wrong = text;
		}
	}
	munmap((void *)snap.data, snap.size);
	return wrong;
}

static int run_mmap(const struct way *way)
{
	void *data = mmap(NULL, way_bytes, PROT_READ, MAP_SHARED, way_fd, 0);

	if (data == MAP_FAILED)
		return errno;
	munmap(data, way_bytes);
	return 0;
}

static void prepare_snapshot(const struct way *way)
{
	prepare_device(way);
	if (run_snapshot(way))
		ktap_bail("SNAPSHOT: %s", strerror(errno));
}

static size_t way_read;

/* Open and read all. */
static int run_read(const struct way *way)
{
	static char buffer[65536];
	int error = run_open(way);
	ssize_t n;

	way_read = 0;
	while (!error && (n = read(way_fd, buffer, sizeof(buffer)))) {
		if (n < 0)
			error = errno;
		else
			way_read += n;
	}
	return error;
}

static const char *judge_read(const struct way *way)
{
	/* two lines of heading at least */
	return way_read > 40 ? NULL : "nearly nothing was read";
}

static void unload(void)
{
	int error = mod_unload("memdiag");

	if (error && error != -ENOENT)
		ktap_bail("rmmod memdiag: %s", strerror(-error));
}

static void prepare_load(const struct way *way)
{
	unload();
	way_fd = open(way->path, O_RDONLY | O_CLOEXEC);
	if (way_fd < 0)
		ktap_bail("%s: %s", way->path, strerror(errno));
}

static int run_load(const struct way *way)
{
	return syscall(SYS_finit_module, way_fd, "", 0) ? errno : 0;
}

/* What the kernel allocates to read the file, before it looks at the name. */
static unsigned int count_loader(void)
{
	unsigned int left;

	way_fd = open(MEMDIAG_KO, O_RDONLY | O_CLOEXEC);
	nth_arm(FAR_AWAY);
	syscall(SYS_finit_module, way_fd, "", 0);
	left = nth_disarm();
	undo_close(NULL);
	return FAR_AWAY - left;
}

static const char *judge_load(const struct way *way)
{
	const char *wrong;
	struct snap snap;
	unsigned int id;

	if (snap_open(&snap))
		return access(SNAP_DEVICE, F_OK) ? "loaded, but no device" : "loaded, but not to be opened";
	if (snap_collect(&snap, 0)) {
		snap_drop(&snap);
		return "loaded, but no snapshot";
	}
	wrong = snap_check(&snap);
	for (id = 0; id < MEMDIAG_NR_SECTIONS && !wrong; id++) {
		const struct memdiag_section *s = snap_section(&snap, id);

		if (s->state != usual_state[id])
			tolerated++;
		/* The list of what was looked for lacks a line it had no memory for. */
		if (s->state == MEMDIAG_STATE_OK && !s->nr_records && usual_records[id])
			wrong = "a section is ok with no records";
	}
	snap_drop(&snap);
	return wrong;
}

static void undo_load(const struct way *way)
{
	undo_close(way);
	unload();
}

/* --- the rounds --------------------------------------------------------- */

static unsigned int count_allocations(const struct way *way)
{
	unsigned int left;
	int error;

	/* Twice, so that caches and inodes of the first time are there. */
	for (int i = 0; i < 2; i++) {
		way->prepare(way);
		nth_arm(FAR_AWAY);
		error = way->run(way);
		left = nth_disarm();
		way->undo(way);
		if (error)
			ktap_bail("%s: %s, and nothing failed", way->name, strerror(error));
	}
	return FAR_AWAY - left;
}

/* One round. Return: NULL or what is wrong; *@over if there was nothing to fail. */
static const char *way_round(const struct way *way, unsigned int n, bool *over,
			     unsigned long *failed)
{
	static char text[300];
	const char *wrong = NULL;
	int error;

	way->prepare(way);
	nth_arm(n);
	error = way->run(way);
	*over = nth_disarm();
	if (!error)
		wrong = way->judge ? way->judge(way) : NULL;
	else if (error != ENOMEM)
		wrong = strerror(error);
	else if (*over)
		wrong = "ENOMEM, though nothing failed";
	else
		++*failed;
	way->undo(way);
	if (wrong)
		snprintf(text, sizeof(text), "allocation %u: %s", n, wrong);
	return wrong ? text : NULL;
}

static uint64_t held(void)
{
	struct memdiag_info info = { .size = sizeof(info) };
	int fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, MEMDIAG_IOC_INFO, &info))
		ktap_bail("INFO: %s", strerror(errno));
	close(fd);
	return info.snapshot_bytes;
}

/*
 * @ahead: so many allocations are not the module's, a few samples will do.
 * @loaded: the module is loaded when this is over, and can be asked
 */
static void way_run(const struct way *way, unsigned int ahead, bool loaded)
{
	unsigned int total = count_allocations(way), n = 0, done = 0, wrong = 0;
	unsigned long failed = 0;
	uint64_t start = now();
	bool over = false;

	tolerated = 0;
	while (!over && wrong < 5) {
		uint64_t used = now() - start, step = 1;
		const char *what;

		/* As far as possible in time: the rest at the pace so far. */
		if (used >= budget)
			break;
		if (n < ahead) {
			step = ahead / AHEAD_SAMPLES + 1;
		} else if (done >= 10 && n < total) {
			uint64_t can = done * (budget - used) / (used ?: 1) ?: 1;

			step = (total - n) / can ?: 1;
		}
		n += step;
		what = way_round(way, n, &over, &failed);
		done++;
		if (what) {
			ktap_note("%s", what);
			wrong++;
		}
	}
	/* The twin, if it did not get that far. */
	if (!over && !wrong) {
		const char *what = way_round(way, 10 * total + 1000, &over, &failed);

		if (what || !over) {
			ktap_note("%s", what ?: "something failed to the end");
			wrong++;
		}
	}
	/* The number of allocations varies a little with what the machine has cached. */
	ktap_ok(!wrong && done && total,
		"failnth: %s: %u rounds, allocations 1 to %u of some %u, %lu times ENOMEM, %lu sections done without",
		way->name, done, n, total, failed, tolerated);
	if (loaded)
		ktap_ok(!held(), "failnth: %s: no memory held afterwards", way->name);
}

/* --- setting up --------------------------------------------------------- */

static bool inject(const char *attribute, const char *value)
{
	char path[120];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", attribute);
	return !file_write(path, value);
}

static bool inject_setup(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		return false;
	/* verbose: a stack on the console for each costs more than the test */
	return inject("failslab/ignore-gfp-wait", "N") && inject("failslab/verbose", "0") &&
	       inject("fail_page_alloc/ignore-gfp-wait", "N") &&
	       inject("fail_page_alloc/ignore-gfp-highmem", "N") &&
	       inject("fail_page_alloc/min-order", "0") && inject("fail_page_alloc/verbose", "0");
}

static void files_run(void)
{
	struct way way = { .prepare = none, .run = run_read, .judge = judge_read,
			   .undo = undo_close };
	char name[100], path[300];
	struct dirent *entry;
	DIR *dir = opendir(DEBUG_DIR);

	way.name = name;
	way.path = path;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), DEBUG_DIR "/%s", entry->d_name);
		snprintf(name, sizeof(name), "debugfs %.60s", entry->d_name);
		way_run(&way, 0, true);
	}
	if (dir)
		closedir(dir);
	else
		ktap_skip("no debugfs", "failnth: debugfs");
	snprintf(path, sizeof(path), "/proc/memdiag");
	snprintf(name, sizeof(name), "/proc/memdiag");
	way_run(&way, 0, true);
}

/* The code of a function: where it begins and the next one does. */
static bool function_at(const char *name, unsigned long *start, unsigned long *end)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long address;
	char symbol[256];

	*start = 0;
	*end = ~0ul;
	while (file && !*start && fscanf(file, "%lx %*c %255s%*[^\n]", &address, symbol) == 2)
		if (!strcmp(symbol, name))
			*start = address;
	if (file)
		rewind(file);
	while (file && fscanf(file, "%lx %*c %255s%*[^\n]", &address, symbol) == 2)
		if (address > *start && address < *end)
			*end = address;
	if (file)
		fclose(file);
	return *start;
}

static bool inject_in(const char *attribute, unsigned long address)
{
	char text[20];

	snprintf(text, sizeof(text), "%#lx", address);
	return inject(attribute, text);
}

/* Was an entry of that name made in the watched directory? */
static bool was_made(int watch, const char *name)
{
	_Alignas(struct inotify_event) char buffer[4096];
	const struct inotify_event *event;
	ssize_t n, at;
	bool made = false;

	while ((n = read(watch, buffer, sizeof(buffer))) > 0)
		for (at = 0; at < n; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)(buffer + at);
			made |= event->len && !strcmp(event->name, name);
		}
	return made;
}

/*
 * The last step of loading that can fail is to make the device. What can be opened
 * before holds nothing: the code would go while a file is open.
 */
static void device_fails(void)
{
	const char *what = "failnth: no file in debugfs before the last step that can fail";
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct way load = { .path = MEMDIAG_KO };
	unsigned long start, end;
	bool made;
	int error;

	inotify_add_watch(watch, "/sys/kernel/debug", IN_CREATE);
	if (!function_at("misc_register", &start, &end) ||
	    !inject_in("failslab/require-start", start) ||
	    !inject_in("failslab/require-end", end)) {
		ktap_skip("allocations of a function cannot be made to fail", "%s", what);
		close(watch);
		return;
	}
	prepare_load(&load);
	inject("failslab/times", "-1");
	inject("failslab/probability", "100");
	error = run_load(&load);
	inject("failslab/probability", "0");
	made = was_made(watch, "memdiag");
	ktap_ok(error == ENOMEM && !made, "%s", what);
	ktap_note("%s, the directory was %smade", strerror(error), made ? "" : "not ");
	inject_in("failslab/require-start", 0);
	inject_in("failslab/require-end", ~0ul);
	undo_load(&load);
	close(watch);
}

int main(int argc, char **argv)
{
	static const struct way ways[] = {
		{ "open", SNAP_DEVICE, none, run_open, NULL, undo_close },
		{ "mmap", SNAP_DEVICE, prepare_snapshot, run_mmap, NULL, undo_close },
		{ "SNAPSHOT of everything", SNAP_DEVICE, prepare_device, run_snapshot,
		  judge_snapshot, undo_close },
	};
	static const struct way load = { "finit_module", MEMDIAG_KO, prepare_load, run_load,
					 judge_load, undo_load };
	struct snap snap;
	unsigned int i;
	int fd;

	if (argc > 1)
		budget = strtoul(argv[1], NULL, 10);
	else if (getenv("FAILNTH_SECONDS"))
		budget = strtoul(getenv("FAILNTH_SECONDS"), NULL, 10);
	ktap_start();
	if (!inject_setup()) {
		ktap_skip("the kernel has no fault injection (fail-nth, failslab, fail_page_alloc)",
			  "failnth");
		return ktap_end();
	}
	snap_take(&snap, 0);
	for (i = 0; i < MEMDIAG_NR_SECTIONS; i++) {
		usual_records[i] = snap_section(&snap, i)->nr_records;
		usual_state[i] = snap_section(&snap, i)->state;
	}
	snap_drop(&snap);

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		way_run(&ways[i], 0, true);
	files_run();
	way_run(&load, count_loader(), false);
	device_fails();

	/* As it was found. */
	fd = open(MEMDIAG_KO, O_RDONLY | O_CLOEXEC);
	ktap_ok(fd >= 0 && !syscall(SYS_finit_module, fd, "", 0),
		"failnth: the module loads when nothing fails");
	return ktap_end();
}
