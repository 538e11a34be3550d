// SPDX-License-Identifier: GPL-2.0-only
/*
 * track - the tracker of allocations against the fixture, which knows what it holds
 *
 * track			all of it
 * track start [KEY=VALUE...]	start by hand: kinds= depth= objects= stacks= one_in= pid=
 *				size=MIN-MAX order=MIN-MAX cgroup= module= anywhere=1 cache=
 * track stop [discard]		stop
 * track settle			wait until what was freed is free
 * track report [MODULE]	print section track, of one module
 * track status			print section track_status
 * track stress SECONDS		allocate as fast as can be, while tracking starts and stops
 *
 * What is asked by hand is in track_hand.c, the stress in track_stress.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"
#include "track.h"
#include "tracker.h"

#define FIXTURE_GONE FIXTURE " (unloaded)"

int device = -1;

/* 0 or the errno */
int start(struct memdiag_track_start *arg)
{
	arg->size = sizeof(*arg);
	return ioctl(device, MEMDIAG_IOC_TRACK_START, arg) ? errno : 0;
}

int stop(uint32_t flags)
{
	struct memdiag_track_stop arg = { .size = sizeof(arg), .flags = flags };

	return ioctl(device, MEMDIAG_IOC_TRACK_STOP, &arg) ? errno : 0;
}

int settle(uint64_t *ns)
{
	struct memdiag_settle arg = { .size = sizeof(arg) };
	int error = ioctl(device, MEMDIAG_IOC_SETTLE, &arg) ? errno : 0;

	*ns = arg.waited_ns;
	return error;
}

struct memdiag_track_start by_module(const char *module)
{
	struct memdiag_track_start arg = { .flags = MEMDIAG_TRACK_BY_MODULE };

	snprintf((char *)arg.module, sizeof(arg.module), "%s", module);
	return arg;
}

static void begin(struct memdiag_track_start arg)
{
	int error;

	stop(MEMDIAG_TRACK_DISCARD);
	error = start(&arg);
	if (error)
		ktap_bail("start: %s", strerror(error));
}

static void run(const char *command)
{
	int status = system(command);

	if (status)
		ktap_bail("%s: status %d", command, status);
}

/* --- sums of a report ------------------------------------------------------- */

static bool number(const struct snap *snap, const struct memdiag_section *section, uint64_t n,
		   const char *name, uint64_t *sum)
{
	uint64_t value = snap_get(snap, section, n, name);

	if (value != MEMDIAG_ABSENT)
		*sum += value;
	return value != MEMDIAG_ABSENT;
}

static bool is_kept(const char *stack)
{
	return strstr(stack, "slab_alloc") || strstr(stack, "sheaf") || strstr(stack, "pcs") ||
	       strstr(stack, "pcpu_") || strstr(stack, "_slab+") ||
	       strstr(stack, "stack_depot_save");
}

struct sum report(const char *module, const char *kind, const char *word)
{
	const struct memdiag_section *section;
	struct sum sum = { 0 };
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(TRACK));
	section = snap_section(&snap, MEMDIAG_SEC_TRACK);
	for (n = 0; n < section->nr_records; n++) {
		if (module && strcmp(snap_get_string(&snap, section, n, "module"), module))
			continue;
		if (kind && strcmp(snap_get_string(&snap, section, n, "kind"), kind))
			continue;
		if (word && !strstr(snap_get_string(&snap, section, n, "stack"), word))
			continue;
		/* What the kernel keeps for its slabs is no business of the fixture. */
		if (module && snap_get(&snap, section, n, "unsure") &&
		    is_kept(snap_get_string(&snap, section, n, "stack")))
			continue;
		sum.records++;
		number(&snap, section, n, "count", &sum.count);
		number(&snap, section, n, "bytes", &sum.bytes);
		number(&snap, section, n, "asked_bytes", &sum.asked);
		number(&snap, section, n, "allocated", &sum.allocated);
		number(&snap, section, n, "freed", &sum.freed);
		number(&snap, section, n, "unsure", &sum.unsure);
	}
	snap_drop(&snap);
	return sum;
}

uint64_t status(const char *name)
{
	struct snap snap;
	uint64_t value;

	snap_take(&snap, SNAP_BIT(TRACK_STATUS));
	value = track_status(&snap, name);
	snap_drop(&snap);
	return value;
}

/* Is that what a field of section track_status says, or a part of it? */
static bool status_says(const char *field, const char *what, bool part)
{
	const char *text;
	struct snap snap;
	bool says;

	snap_take(&snap, SNAP_BIT(TRACK_STATUS));
	text = track_status_string(&snap, field);
	says = part ? !!strstr(text, what) : !strcmp(text, what);
	snap_drop(&snap);
	return says;
}

static bool state_is(const char *state)
{
	return status_says("state", state, false);
}

/* Is it among the probes that are attached, or said of them? */
static bool probes_have(const char *what)
{
	return status_says("probes", what, true);
}

/* Records of the fixture and a kind whose stack does not begin in the fixture. */
static unsigned int begin_elsewhere(const char *kind)
{
	const struct memdiag_section *section;
	unsigned int elsewhere = 0;
	const char *stack, *in;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(TRACK));
	section = snap_section(&snap, MEMDIAG_SEC_TRACK);
	for (n = 0; n < section->nr_records; n++) {
		stack = snap_get_string(&snap, section, n, "stack");
		in = strstr(stack, "[" FIXTURE "]");
		if (strcmp(snap_get_string(&snap, section, n, "kind"), kind) || is_kept(stack) ||
		    (in && in < stack + strcspn(stack, ";")))
			continue;
		elsewhere++;
		ktap_note("%s", stack);
	}
	snap_drop(&snap);
	return elsewhere;
}

static void expect(struct sum sum, uint64_t count, uint64_t asked, const char *what)
{
	bool ok = sum.count == count && (asked == MEMDIAG_ABSENT || sum.asked == asked) &&
		  sum.allocated - sum.freed == count && !sum.unsure;

	if (!ktap_ok(ok, "track: %s", what))
		ktap_note("%" PRIu64 " records, count %" PRIu64 " (expected %" PRIu64 "), bytes %" PRIu64
			  ", asked %" PRIu64 ", allocated %" PRIu64 ", freed %" PRIu64
			  ", unsure %" PRIu64, sum.records, sum.count, count, sum.bytes, sum.asked,
			  sum.allocated, sum.freed, sum.unsure);
}

/* --- what must be counted ---------------------------------------------------- */

static const struct {
	const char *kind;
	const char *command;
	uint64_t count;
	uint64_t asked; /* MEMDIAG_ABSENT if the event does not tell */
} holds[] = {
	{ "slab", "kmalloc size=200 count=100", 100, 20000 },
	{ "slab", "kmalloc size=200 count=100 context=softirq", 100, 20000 },
	{ "slab", "kmalloc size=200 count=100 context=hardirq", 100, 20000 },
	{ "slab", "kmalloc size=65536 count=10", 10, 655360 },
	{ "slab", "cache count=100", 100, MEMDIAG_ABSENT },
	{ "pages", "pages order=0 count=50", 50, MEMDIAG_ABSENT },
	{ "pages", "pages order=3 count=20", 20, MEMDIAG_ABSENT },
	{ "pages", "pages order=2 count=20 context=hardirq", 20, MEMDIAG_ABSENT },
	{ "percpu", "percpu size=64 count=30", 30, 1920 },
};

static void test_kinds(void)
{
	char command[128], what[160];
	unsigned int i;

	begin(by_module(FIXTURE));
	for (i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		snprintf(command, sizeof(command), "hold %s", holds[i].command);
		fixture("%s", command);
		snprintf(what, sizeof(what), "held: %s", holds[i].command);
		expect(report(FIXTURE, holds[i].kind, NULL), holds[i].count, holds[i].asked, what);
		fixture("free all");
		snprintf(what, sizeof(what), "freed: %s", holds[i].command);
		expect(report(FIXTURE, holds[i].kind, NULL), 0,
		       holds[i].asked == MEMDIAG_ABSENT ? MEMDIAG_ABSENT : 0, what);
	}
}

/* A large object of kmalloc() is not told as pages as well. */
static void test_once(void)
{
	struct sum pages;

	begin(by_module(FIXTURE));
	fixture("hold kmalloc size=65536 count=10");
	pages = report(FIXTURE, "pages", "fixture");
	ktap_ok(pages.count == 0 && pages.bytes == 0, "track: large kmalloc is not told twice");
	fixture("free all");
}

/* The module is found behind the frames that are kept. */
static void test_deep(void)
{
	struct memdiag_track_start arg = by_module(FIXTURE);

	arg.depth = 1;
	begin(arg);
	fixture("hold pages order=1 count=5");
	expect(report(FIXTURE, "pages", NULL), 5, MEMDIAG_ABSENT, "deeper than the frames kept");
	fixture("free all");
	expect(report(FIXTURE, "pages", NULL), 0, MEMDIAG_ABSENT,
	       "deeper than the frames kept, freed");
}

/* Many at once, by a call that is probed where it is entered: its caller is told. */
static void test_bulk(void)
{
	begin(by_module(FIXTURE));
	if (!probes_have("kmem_cache_alloc_bulk")) {
		ktap_skip("no kretprobe on kmem_cache_alloc_bulk()", "track: bulk of a cache");
	} else {
		fixture("hold cache_bulk count=50");
		expect(report(FIXTURE, "slab", NULL), 50, MEMDIAG_ABSENT, "bulk of a cache");
		ktap_ok(!begin_elsewhere("slab"), "track: bulk of a cache: its caller");
		fixture("free all");
		expect(report(FIXTURE, "slab", NULL), 0, MEMDIAG_ABSENT, "bulk of a cache, freed");
	}
	if (!probes_have("alloc_pages_bulk")) {
		ktap_skip("no kretprobe on alloc_pages_bulk()", "track: bulk of pages");
	} else {
		fixture("hold pages_bulk count=50");
		expect(report(FIXTURE, "pages", NULL), 50, MEMDIAG_ABSENT, "bulk of pages");
		fixture("free all");
		expect(report(FIXTURE, "pages", NULL), 0, MEMDIAG_ABSENT, "bulk of pages, freed");
	}
}

#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"
#define KPROBES_UNSEEN "kfree_rcu() are not seen"

/* Probes that are attached and never called are found out. */
static void test_silent(void)
{
	struct sum sum;

	if (access(KPROBES_ENABLED, F_OK))
		system("mount -t debugfs none /sys/kernel/debug 2>/dev/null");
	begin(by_module(FIXTURE));
	if (!probes_have("kmem_cache_free_bulk") || file_write(KPROBES_ENABLED, "0")) {
		ktap_skip("no " KPROBES_ENABLED, "track: probes that are switched off");
		return;
	}
	stop(0);
	ktap_ok(probes_have(KPROBES_UNSEEN), "track: probes that were switched off meanwhile");
	begin(by_module(FIXTURE));
	fixture("hold kmalloc size=64 count=7");
	sum = report(FIXTURE, "slab", NULL);
	ktap_ok(probes_have(KPROBES_UNSEEN) && sum.count == 7 && sum.unsure == 7,
		"track: probes that are switched off");
	fixture("free all");
	file_write(KPROBES_ENABLED, "1");
	begin(by_module(FIXTURE));
	ktap_ok(!probes_have(KPROBES_UNSEEN), "track: probes that are switched on again");
}

/* A return address that was left on the stack is not taken for the caller. */
#define STALE 100
static void test_stale(void)
{
	struct sum one, other;

	/* So that the first stack that the tracker sees has the address already. */
	fixture("stale 1");
	begin(by_module(FIXTURE));
	fixture("stale 100");
	one = report(FIXTURE, "slab", "stale_one");
	other = report(FIXTURE, "slab", "stale_other");
	if (!ktap_ok(one.allocated == STALE && other.allocated == STALE,
		     "track: a return address that was left behind"))
		ktap_note("%" PRIu64 " and %" PRIu64 " of %u from either caller", one.allocated,
			  other.allocated, STALE);
}

static void test_states(void)
{
	struct memdiag_track_start arg = by_module(FIXTURE);
	struct snap snap;
	bool no_data;

	stop(MEMDIAG_TRACK_DISCARD);
	ktap_ok(state_is("off"), "track: off at first");
	snap_open(&snap);
	snap_collect(&snap, SNAP_BIT(TRACK));
	no_data = snap_section(&snap, MEMDIAG_SEC_TRACK)->error == -ENODATA;
	snap_drop(&snap);
	ktap_ok(no_data, "track: nothing to report when off");
	ktap_ok(stop(0) == 0, "track: to stop what does not run is no error");
	begin(arg);
	ktap_ok(state_is("armed"), "track: armed");
	ktap_ok(start(&arg) == EALREADY, "track: a second start is refused");
	fixture("hold kmalloc size=100 count=7");
	stop(0);
	ktap_ok(state_is("stopped"), "track: stopped");
	fixture("free all");
	expect(report(FIXTURE, "slab", NULL), 7, 700, "what was outstanding at the stop");
	stop(MEMDIAG_TRACK_DISCARD);
	ktap_ok(state_is("off"), "track: discarded");
}

static void test_reading(void)
{
	struct sum one, two;

	begin(by_module(FIXTURE));
	fixture("hold kmalloc size=100 count=20");
	one = report(FIXTURE, "slab", NULL);
	two = report(FIXTURE, "slab", NULL);
	ktap_ok(!memcmp(&one, &two, sizeof(one)), "track: reading changes nothing");
	fixture("free all");
}

static void test_filters(void)
{
	struct memdiag_track_start arg;
	struct sum sum;

	arg = by_module(FIXTURE);
	arg.flags |= MEMDIAG_TRACK_BY_SIZE;
	arg.size_min = 100;
	arg.size_max = 200;
	begin(arg);
	fixture("hold kmalloc size=99 count=3");
	fixture("hold kmalloc size=100 count=5");
	fixture("hold kmalloc size=200 count=7");
	fixture("hold kmalloc size=201 count=11");
	expect(report(FIXTURE, "slab", NULL), 12, 1900, "filter by size");
	fixture("free all");

	arg = by_module(FIXTURE);
	arg.flags |= MEMDIAG_TRACK_BY_ORDER;
	arg.order_min = 1;
	arg.order_max = 2;
	begin(arg);
	fixture("hold pages order=0 count=3");
	fixture("hold pages order=1 count=5");
	fixture("hold pages order=2 count=7");
	fixture("hold pages order=3 count=11");
	fixture("hold kmalloc size=64 count=3");
	expect(report(FIXTURE, NULL, NULL), 12, MEMDIAG_ABSENT, "filter by order");
	fixture("free all");

	arg = by_module("no_such_module");
	begin(arg);
	fixture("hold kmalloc size=64 count=3");
	sum = report(NULL, NULL, NULL);
	ktap_ok(sum.records == 0, "track: filter by a module that is not there");
	fixture("free all");

	arg = by_module(FIXTURE);
	arg.flags |= MEMDIAG_TRACK_BY_PID;
	arg.pid = getpid();
	begin(arg);
	fixture("hold kmalloc size=64 count=3");
	run("echo hold kmalloc size=64 count=5 >" FIXTURE_COMMAND);
	expect(report(FIXTURE, "slab", NULL), 3, 192, "filter by process");
	fixture("free all");

	arg = by_module(FIXTURE);
	arg.flags |= MEMDIAG_TRACK_BY_CACHE;
	strcpy((char *)arg.cache, "km?lloc*-256");
	stop(MEMDIAG_TRACK_DISCARD);
	if (start(&arg) == EOPNOTSUPP) {
		ktap_skip("caches cannot be told here", "track: filter by cache");
	} else {
		fixture("hold kmalloc size=250 count=3");
		fixture("hold kmalloc size=500 count=5");
		fixture("hold pages order=1 count=5");
		expect(report(FIXTURE, NULL, NULL), 3, 750, "filter by cache");
		fixture("free all");
	}

	arg = by_module(FIXTURE);
	arg.one_in = 4;
	begin(arg);
	fixture("hold kmalloc size=64 count=8000");
	sum = report(FIXTURE, "slab", NULL);
	if (!ktap_ok(sum.count > 1600 && sum.count < 2400, "track: one in four"))
		ktap_note("%" PRIu64 " of 8000", sum.count);
	fixture("free all");
	sum = report(FIXTURE, "slab", NULL);
	ktap_ok(sum.count == 0 && sum.freed == sum.allocated, "track: one in four, freed");
}

static void test_cgroup(void)
{
	struct memdiag_track_start arg = by_module(FIXTURE);
	struct stat st;

	run("mkdir -p /tmp/cg && mount -t cgroup2 none /tmp/cg && mkdir -p /tmp/cg/a/b /tmp/cg/c");
	stat("/tmp/cg/a", &st);
	arg.flags |= MEMDIAG_TRACK_BY_CGROUP;
	arg.cgroup = st.st_ino;
	begin(arg);
	fixture("hold kmalloc size=64 count=3");
	run("sh -c 'echo $$ >/tmp/cg/a/b/cgroup.procs; echo hold kmalloc size=64 count=5 >"
	    FIXTURE_COMMAND "'");
	run("sh -c 'echo $$ >/tmp/cg/c/cgroup.procs; echo hold kmalloc size=64 count=7 >"
	    FIXTURE_COMMAND "'");
	expect(report(FIXTURE, "slab", NULL), 5, 320, "filter by cgroup, also below it");
	fixture("free all");
	stop(MEMDIAG_TRACK_DISCARD);
	arg.cgroup = 0x7fffffff;
	ktap_ok(start(&arg) == ENOENT, "track: no such cgroup");
	run("rmdir /tmp/cg/a/b /tmp/cg/a /tmp/cg/c; umount /tmp/cg");
}

static void test_errors(void)
{
	struct memdiag_track_start arg = { 0 };

	stop(MEMDIAG_TRACK_DISCARD);
	arg.depth = 65;
	ktap_ok(start(&arg) == EINVAL, "track: a depth beyond 64");
	arg.depth = 0;
	arg.one_in = 3;
	ktap_ok(start(&arg) == EINVAL, "track: one in three");
	arg.one_in = 0;
	arg.kinds = 8;
	ktap_ok(start(&arg) == EOPNOTSUPP, "track: an unknown kind");
	arg.kinds = 0;
	arg.objects = 1u << 30;
	ktap_ok(start(&arg) == ENOMEM, "track: more objects than RAM");
	arg.objects = 0;
	arg.flags = 1u << 31;
	ktap_ok(start(&arg) == EOPNOTSUPP, "track: an unknown flag");
	arg.flags = MEMDIAG_TRACK_BY_SIZE;
	arg.size_min = 2;
	arg.size_max = 1;
	ktap_ok(start(&arg) == EINVAL, "track: sizes the wrong way round");
	arg.flags = MEMDIAG_TRACK_BY_MODULE;
	memset(arg.module, 'a', sizeof(arg.module));
	ktap_ok(start(&arg) == EINVAL, "track: a name without an end");
	arg.flags = MEMDIAG_TRACK_BY_PID;
	arg.pid = 4000000;
	ktap_ok(start(&arg) == ENOENT, "track: no such process");
	arg.flags = MEMDIAG_TRACK_ANYWHERE;
	ktap_ok(start(&arg) == EINVAL, "track: anywhere of no module");
	ktap_ok(stop(2) == EOPNOTSUPP, "track: an unknown flag of stop");
	ktap_ok(state_is("off"), "track: off after all of that");
}

/* A start whose answer cannot be told does not take place, nor does it throw away what is there. */
static void test_readonly(void)
{
	struct memdiag_track_start *arg;
	int error;

	arg = mmap(NULL, sizeof(*arg), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arg == MAP_FAILED)
		ktap_bail("mmap: %s", strerror(errno));
	arg->size = sizeof(*arg);
	mprotect(arg, sizeof(*arg), PROT_READ);
	begin(by_module(FIXTURE));
	stop(0);
	error = ioctl(device, MEMDIAG_IOC_TRACK_START, arg) ? errno : 0;
	ktap_ok(error == EFAULT && state_is("stopped"), "track: a start with read-only memory");
	munmap(arg, sizeof(*arg));
}

/* Nothing is opened by a start: what /proc/modules is has been found when memdiag was loaded. */
static void test_no_proc(void)
{
	struct memdiag_track_start arg = by_module(FIXTURE);
	int error;

	stop(MEMDIAG_TRACK_DISCARD);
	if (mount("none", "/proc", "tmpfs", 0, NULL))
		ktap_bail("mount: %s", strerror(errno));
	error = start(&arg);
	umount2("/proc", MNT_DETACH);
	if (!ktap_ok(!error, "track: a start by module while /proc is not to be had"))
		ktap_note("%s", strerror(error));
	fixture("hold kmalloc size=100 count=7");
	expect(report(FIXTURE, "slab", NULL), 7, 700, "the module was found all the same");
	fixture("free all");
}

/* Report again and again; the number of reports that failed, as an exit status. */
static int read_reports(unsigned int times)
{
	const struct memdiag_section *section;
	int failed = 0;
	struct snap snap;

	while (times--) {
		snap_open(&snap);
		snap_collect(&snap, SNAP_BIT(TRACK));
		section = snap_section(&snap, MEMDIAG_SEC_TRACK);
		failed += section->error && section->error != -ENODATA;
		snap_drop(&snap);
	}
	return failed;
}

/* A report lets go of the lock: starts, stops and modules get in, and do it no harm. */
static void test_meanwhile(void)
{
	struct memdiag_track_start all = { .objects = 20000 };
	int status = -1, i;
	pid_t pid = fork();

	if (!pid)
		_exit(read_reports(60));
	for (i = 0; i < 8; i++) {
		start(&all);
		run("ls -R /sys/module /sys/devices >/dev/null");
		run("rmmod " FIXTURE " && insmod " FIXTURE_KO);
		if (i % 2)
			stop(i % 4 == 1 ? MEMDIAG_TRACK_DISCARD : 0);
	}
	waitpid(pid, &status, 0);
	stop(MEMDIAG_TRACK_DISCARD);
	if (!ktap_ok(!status, "track: reports while much comes and goes"))
		ktap_note("status %x", status);
}

/* Nothing is lost without being counted. */
static void test_overflow(void)
{
	struct memdiag_track_start arg = by_module(FIXTURE);
	uint64_t used, dropped;
	struct sum sum;

	arg.objects = 64;
	arg.stacks = 16;
	arg.kinds = MEMDIAG_TRACK_SLAB;
	begin(arg);
	fixture("hold kmalloc size=64 count=1000");
	sum = report(FIXTURE, "slab", NULL);
	used = status("objects_used");
	dropped = status("dropped_objects");
	if (!ktap_ok(sum.count == used && used + dropped == 1000 && used >= 64,
		     "track: objects beyond the table are counted"))
		ktap_note("count %" PRIu64 ", used %" PRIu64 ", dropped %" PRIu64, sum.count, used,
			  dropped);
	fixture("free all");
	sum = report(FIXTURE, "slab", NULL);
	ktap_ok(sum.count == 0 && status("objects_used") == 0, "track: the table is empty again");
	arg.flags = 0;
	begin(arg);
	run("ls -R /sys/module /sys/devices >/dev/null");
	ktap_ok(status("dropped_stacks") > 0, "track: stacks beyond the table are counted");
}

static void test_unloaded(void)
{
	struct sum sum;

	begin(by_module(FIXTURE));
	fixture("leak kmalloc size=100 count=9");
	run("rmmod " FIXTURE);
	sum = report(FIXTURE_GONE, "slab", "fixture");
	expect(sum, 9, 900, "names survive the module");
	run("insmod " FIXTURE_KO " command=leak,kmalloc,size=100,count=4");
	run("rmmod " FIXTURE);
	run("insmod " FIXTURE_KO);
	expect(report(FIXTURE_GONE, "slab", "fixture"), 13, 1300, "also those of its init");
}

static void test_settle(void)
{
	uint64_t ns = 0;
	int error = settle(&ns);

	if (!ktap_ok(!error && ns > 0, "track: settles"))
		ktap_note("%s", strerror(error));
	ktap_note("in %" PRIu64 " ms", ns / 1000000);
}

/* Of several at once none may stand in the way of another; the kernel would complain. */
static void test_settle_at_once(void)
{
	int children, i, status, failed = 0;
	uint64_t ns;

	fflush(stdout);
	for (children = 0; children < 4; children++)
		if (!fork()) {
			for (i = 0; i < 3; i++)
				if (settle(&ns))
					_exit(1);
			_exit(0);
		}
	while (children--)
		failed += wait(&status) < 0 || status;
	ktap_ok(!failed, "track: settles four times at once");
}

/* Without tracepoints there is a reason, and a start is refused. */
static bool has_tracker(void)
{
	struct memdiag_track_start arg = { 0 };
	const char *reason;
	struct snap snap;
	bool has;

	snap_take(&snap, SNAP_BIT(TRACK_STATUS));
	has = snap_has(&snap, MEMDIAG_SEC_TRACK_STATUS);
	if (!has) {
		reason = snap_string(&snap, snap_section(&snap, MEMDIAG_SEC_TRACK_STATUS)->reason);
		ktap_ok(strstr(reason, "CONFIG_TRACEPOINTS is not set") ||
			strstr(reason, "CONFIG_STACKTRACE is not set"), "track: unavailable: %s", reason);
		ktap_ok(start(&arg) == EOPNOTSUPP, "track: a start is refused");
		ktap_ok(stop(0) == 0, "track: a stop is not");
	}
	snap_drop(&snap);
	return has;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "stress")) {
		device = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);
		ktap_start();
		run("grep -q ^" FIXTURE " /proc/modules || insmod " FIXTURE_KO);
		test_stress(atoi(argv[2]));
		return ktap_end();
	}
	device = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);
	if (argc > 1 && device >= 0)
		return by_hand(argc, argv);
	ktap_start();
	if (device < 0)
		ktap_bail("%s: %s", SNAP_DEVICE, strerror(errno));
	if (!has_tracker())
		return ktap_end();
	run("grep -q ^" FIXTURE " /proc/modules || insmod " FIXTURE_KO);
	test_states();
	test_kinds();
	test_once();
	test_deep();
	test_bulk();
	test_silent();
	test_stale();
	test_reading();
	test_filters();
	test_cgroup();
	test_errors();
	test_readonly();
	test_no_proc();
	test_meanwhile();
	test_overflow();
	test_unloaded();
	test_settle();
	test_settle_at_once();
	stop(MEMDIAG_TRACK_DISCARD);
	run("rmmod " FIXTURE);
	return ktap_end();
}
