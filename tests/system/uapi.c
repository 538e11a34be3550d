// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi - what uapi/memdiag.h promises of /dev/memdiag, point by point
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
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"

#define ALL ((1ull << MEMDIAG_NR_SECTIONS) - 1)

static size_t page;

static int device(void)
{
	int fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		ktap_bail("%s: %s", SNAP_DEVICE, strerror(errno));
	return fd;
}

/* 0 or the errno. */
static int ask(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) ? errno : 0;
}

static int take(int fd, uint64_t sections, uint64_t *bytes)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg), .sections = sections };
	int error = ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg);

	if (bytes)
		*bytes = arg.bytes;
	return error;
}

static uint64_t held(void)
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

static void expect(int got, int want, const char *what)
{
	if (!ktap_ok(got == want, "uapi: %s", what))
		ktap_note("got %s, expected %s", error_name(got), error_name(want));
}

/* --- sizes ---------------------------------------------------------------- */

/* Those that would do something are asked with a flag that does not exist. */
#define NO_SUCH_FLAG	(1u << 31)

static const struct {
	unsigned long cmd;
	const char *name;
	uint32_t first; /* size of its first version */
	uint32_t size;
	uint32_t flags;
	int good; /* what is said to a size that is right */
} commands[] = {
	{ MEMDIAG_IOC_INFO, "INFO", offsetof(struct memdiag_info, defaults),
	  sizeof(struct memdiag_info), 0, 0 },
	{ MEMDIAG_IOC_SNAPSHOT, "SNAPSHOT", offsetof(struct memdiag_snapshot, track_min_age_ns),
	  sizeof(struct memdiag_snapshot), 0, 0 },
	{ MEMDIAG_IOC_TRACK_START, "TRACK_START", sizeof(struct memdiag_track_start),
	  sizeof(struct memdiag_track_start), NO_SUCH_FLAG, EOPNOTSUPP },
	{ MEMDIAG_IOC_TRACK_STOP, "TRACK_STOP", sizeof(struct memdiag_track_stop),
	  sizeof(struct memdiag_track_stop), NO_SUCH_FLAG, EOPNOTSUPP },
	{ MEMDIAG_IOC_SETTLE, "SETTLE", sizeof(struct memdiag_settle),
	  sizeof(struct memdiag_settle), NO_SUCH_FLAG, EOPNOTSUPP },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* The argument ends where memory does, so that nothing behind it is touched. */
static void *at_end(size_t size)
{
	static char *map;

	if (!map) {
		map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
		mprotect(map + 3 * page, page, PROT_NONE);
	}
	memset(map, 0, 3 * page);
	return map + 3 * page - size;
}

static int ask_size(int fd, unsigned int which, uint32_t size, size_t room, size_t dirty)
{
	unsigned char *arg = at_end(room);

	memcpy(arg, &size, sizeof(size) < room ? sizeof(size) : room);
	if (room >= 8)
		memcpy(arg + 4, &commands[which].flags, 4);
	if (dirty)
		arg[dirty] = 1;
	if (which == 1 && room >= 16)
		arg[8] = 1; /* only the section system: the others are not the point */
	return ask(fd, commands[which].cmd, arg);
}

static void sizes(void)
{
	unsigned int i;
	char what[100];
	int fd = device();

	for (i = 0; i < NR_COMMANDS; i++) {
		uint32_t size = commands[i].size, first = commands[i].first, s;
		int good = commands[i].good, wrong = 0;

#define CASE(text, want, ...)                                                \
	do {                                                                 \
		snprintf(what, sizeof(what), "%s, " text, commands[i].name); \
		expect(ask_size(fd, i, __VA_ARGS__), want, what);            \
	} while (0)
		CASE("size", good, size, size, 0);
		CASE("size of the first version", good, first, first, 0);
		CASE("size of the first version - 1", EINVAL, first - 1, size, 0);
		CASE("size 0", EINVAL, 0, size, 0);
		CASE("size 4", EINVAL, 4, size, 0);
		for (s = 0; s < size; s++)
			wrong += ask_size(fd, i, s, size, 0) != (s < first ? EINVAL : good);
		snprintf(what, sizeof(what), "%s, every smaller size", commands[i].name);
		expect(wrong ? -1 : 0, 0, what);
		CASE("size + 1 with a clean tail", good, size + 1, size + 1, 0);
		CASE("size + 1 with a dirty tail", E2BIG, size + 1, size + 1, size);
		CASE("size + 8 with a clean tail", good, size + 8, size + 8, 0);
		CASE("size + 8, last byte dirty", E2BIG, size + 8, size + 8, size + 7);
		CASE("PAGE_SIZE with a clean tail", good, page, page, 0);
		CASE("PAGE_SIZE, last byte dirty", E2BIG, page, page, page - 1);
		CASE("PAGE_SIZE + 1", E2BIG, page + 1, page + 1, 0);
		CASE("size 4294967295", E2BIG, UINT32_MAX, size, 0);
		CASE("argument cut off by the end of memory", EFAULT, size, size - 1, 0);
		CASE("tail cut off by the end of memory", EFAULT, size + 8, size, 0);
		CASE("two bytes of memory", EFAULT, size, 2, 0);
#undef CASE
	}
	close(fd);
}

/* What was not asked to be written stays as it was. */
static void tail_untouched(void)
{
	unsigned char arg[sizeof(struct memdiag_info) + 16];
	struct memdiag_info *info = (void *)arg;
	int fd = device();
	unsigned int i, wrong = 0;

	memset(arg, 0, sizeof(arg));
	info->size = sizeof(arg);
	ask(fd, MEMDIAG_IOC_INFO, arg);
	for (i = sizeof(*info); i < sizeof(arg); i++)
		wrong += arg[i] != 0;
	ktap_ok(!wrong && info->size == sizeof(arg),
		"uapi: a larger argument's tail is left alone");
	close(fd);
}

/* --- values --------------------------------------------------------------- */

static void values(void)
{
	struct memdiag_info info = { .size = sizeof(info) };
	struct memdiag_snapshot arg;
	struct memdiag_header header;
	unsigned int bit, wrong;
	unsigned long cmd;
	int fd = device();
	size_t version;

	expect(ask(fd, MEMDIAG_IOC_INFO, &info), 0, "INFO");
	ktap_ok(info.size == sizeof(info) && !info.flags, "uapi: INFO leaves size and flags alone");
	ktap_ok(info.format_major == MEMDIAG_FORMAT_MAJOR &&
			info.format_minor == MEMDIAG_FORMAT_MINOR,
		"uapi: INFO says the format");
	ktap_ok(info.nr_sections == MEMDIAG_NR_SECTIONS, "uapi: INFO says the number of sections");
	ktap_ok(info.known == ALL, "uapi: INFO knows all sections and no other");
	ktap_ok(info.available && !(info.available & ~info.known),
		"uapi: INFO: what is available is known");
	ktap_ok(info.snapshot_limit >= 1 << 20 && info.snapshot_limit <= 1 << 28,
		"uapi: INFO says a sane limit");
	ktap_ok(!info.snapshot_bytes, "uapi: INFO: there are no snapshots");
	version = strnlen((char *)info.version, sizeof(info.version));
	ktap_ok(version && version < sizeof(info.version), "uapi: INFO says a version");
	for (bit = version, wrong = 0; bit < sizeof(info.version); bit++)
		wrong += info.version[bit] != 0;
	ktap_ok(!wrong, "uapi: INFO: nothing stands behind the version");
	for (bit = wrong = 0; bit < 32; bit++) {
		info.flags = 1u << bit;
		wrong += ask(fd, MEMDIAG_IOC_INFO, &info) != EOPNOTSUPP;
	}
	ktap_ok(!wrong, "uapi: INFO refuses every flag");

	for (bit = wrong = 0; bit < 32; bit++) {
		arg = (struct memdiag_snapshot){ .size = sizeof(arg), .flags = 1u << bit };
		wrong += ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg) != EOPNOTSUPP;
	}
	ktap_ok(!wrong, "uapi: SNAPSHOT refuses every flag");
	for (bit = wrong = 0; bit < 64; bit++) {
		arg = (struct memdiag_snapshot){ .size = sizeof(arg), .__reserved = 1ull << bit };
		wrong += ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg) != EOPNOTSUPP;
	}
	ktap_ok(!wrong, "uapi: SNAPSHOT refuses every reserved bit");
	for (bit = MEMDIAG_NR_SECTIONS, wrong = 0; bit < 64; bit++) {
		arg = (struct memdiag_snapshot){ .size = sizeof(arg), .sections = 1 | 1ull << bit };
		wrong += ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg) != EOPNOTSUPP;
	}
	ktap_ok(!wrong, "uapi: SNAPSHOT refuses every unknown section");
	/* what is only written is not looked at */
	arg = (struct memdiag_snapshot){
		.size = sizeof(arg),
		.sections = 1,
		.bytes = 1,
		.generation = 2,
		.collect_ns = 3,
	};
	expect(ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg), 0, "SNAPSHOT with dirty out members");
	ktap_ok(arg.sections == 1, "uapi: SNAPSHOT says the sections");
	ktap_ok(arg.bytes == (uint64_t)lseek(fd, 0, SEEK_END), "uapi: SNAPSHOT says the length");
	ktap_ok(pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
			arg.generation == header.generation,
		"uapi: SNAPSHOT says the header's generation");
	ktap_ok(arg.collect_ns == header.end_ns - header.start_ns, "uapi: SNAPSHOT says the time");
	ktap_ok(arg.size == sizeof(arg) && !arg.flags && !arg.__reserved,
		"uapi: SNAPSHOT leaves the rest alone");

	for (cmd = NR_COMMANDS, wrong = 0; cmd < 256; cmd++)
		wrong += ask(fd, _IO(MEMDIAG_IOC_TYPE, cmd), &arg) != ENOTTY;
	ktap_ok(!wrong, "uapi: every unknown number is refused with ENOTTY");
	expect(ask(fd, _IOWR(MEMDIAG_IOC_TYPE, 0, struct memdiag_info), &info), ENOTTY,
	       "a known number with a size");
	expect(ask(fd, _IO(MEMDIAG_IOC_TYPE - 1, 0), &info), ENOTTY, "another type");
	expect(ask(fd, 0, &info), ENOTTY, "command 0");
	expect(ask(fd, 0xffffffff, &info), ENOTTY, "command 0xffffffff");
	close(fd);
}

/* What is derived comes with what it is derived from. */
static uint64_t with_parents(unsigned int id)
{
	uint64_t mask = 1ull << id;

	if (id == MEMDIAG_SEC_VMALLOC_CALLER || id == MEMDIAG_SEC_VMALLOC_MODULE)
		mask |= SNAP_BIT(VMALLOC);
	if (id == MEMDIAG_SEC_IDENTITY)
		mask |= SNAP_BIT(LEDGER);
	if (id == MEMDIAG_SEC_CENSUS_WALK)
		mask |= SNAP_BIT(CENSUS);
	if (id == MEMDIAG_SEC_TASK)
		mask |= SNAP_BIT(SYSTEM);
	if (id == MEMDIAG_SEC_NET)
		mask |= SNAP_BIT(SLAB);
	if (id == MEMDIAG_SEC_MODULE)
		mask |= SNAP_BIT(SLAB) | SNAP_BIT(VMALLOC);
	return mask;
}

static uint64_t asked(const struct snap *snap)
{
	uint64_t mask = 0;
	unsigned int id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (snap_section(snap, id)->state != MEMDIAG_STATE_NOT_ASKED)
			mask |= 1ull << id;
	return mask;
}

static void one_section(int fd, uint64_t sections, uint64_t want, const char *name)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg), .sections = sections };
	struct snap snap = { .fd = -1 };
	const char *wrong = NULL;
	int error;

	error = ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg);
	if (!error) {
		snap.size = arg.bytes;
		snap.data = mmap(NULL, snap.size, PROT_READ, MAP_SHARED, fd, 0);
		if (snap.data == MAP_FAILED) {
			snap.data = NULL;
			wrong = "mmap()";
		} else {
			wrong = snap_check(&snap);
		}
	}
	ktap_ok(!error && !wrong, "uapi: a snapshot of %s is well-formed%s%s", name,
		wrong ? ": " : "", wrong ?: "");
	ktap_ok(snap.data && asked(&snap) == want,
		"uapi: a snapshot of %s has its sections and no other", name);
	ktap_ok(arg.sections == want, "uapi: SNAPSHOT of %s says which", name);
	snap_drop(&snap);
}

static void sections(void)
{
	struct memdiag_info info = { .size = sizeof(info) };
	unsigned int id, wrong = 0;
	char name[30];
	struct snap snap;
	int fd = device();

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		snprintf(name, sizeof(name), "section %u alone", id);
		one_section(fd, 1ull << id, with_parents(id), name);
	}
	ask(fd, MEMDIAG_IOC_INFO, &info);
	ktap_ok(info.defaults && !(info.defaults & ~info.known),
		"uapi: INFO: what is collected unasked is known");
	one_section(fd, 0, info.defaults, "mask 0");
	one_section(fd, ALL, ALL, "the whole mask");
	one_section(fd, SNAP_BIT(SYSTEM) | SNAP_BIT(ZONE), SNAP_BIT(SYSTEM) | SNAP_BIT(ZONE),
		    "two sections");
	close(fd);
	snap_take(&snap, ALL);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		/* Section track can be had once there is something to report. */
		wrong += snap_has(&snap, id) != (info.available >> id & 1) &&
			 !(id == MEMDIAG_SEC_TRACK && info.available >> id & 1 &&
			   snap_section(&snap, id)->error == -ENODATA);
	ktap_ok(!wrong, "uapi: the sections that INFO calls available can be had");
	snap_drop(&snap);
}

static void generation(void)
{
	struct memdiag_snapshot a = { .size = sizeof(a), .sections = 1 }, b = a, c = a;
	int fd = device(), other = device();

	ask(fd, MEMDIAG_IOC_SNAPSHOT, &a);
	ask(other, MEMDIAG_IOC_SNAPSHOT, &b);
	ktap_ok(b.generation == a.generation + 1, "uapi: generations count up over all files");
	a.flags = 1;
	ask(fd, MEMDIAG_IOC_SNAPSHOT, &a);
	ask(other, MEMDIAG_IOC_SNAPSHOT, &c);
	ktap_ok(c.generation == b.generation + 1, "uapi: a refused SNAPSHOT uses no generation");
	close(fd);
	close(other);
}

/* --- pointers that lead nowhere ------------------------------------------- */

/* All bytes of a file's snapshot, to be freed. */
static char *contents(int fd, size_t *size)
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

static void unharmed(int fd, const char *before, size_t size, const char *what)
{
	size_t now;
	char *after = contents(fd, &now);

	ktap_ok(now == size && !memcmp(before, after, size),
		"uapi: %s leaves the snapshot there was", what);
	free(after);
}

static void bad_pointer(int fd, unsigned int which, void *arg, const char *where)
{
	size_t size;
	char *before = contents(fd, &size), what[100];

	snprintf(what, sizeof(what), "%s to %s", commands[which].name, where);
	expect(ask(fd, commands[which].cmd, arg), EFAULT, what);
	unharmed(fd, before, size, what);
	free(before);
}

static void refused(int fd, struct memdiag_snapshot arg, int want, const char *what)
{
	size_t size;
	char *before = contents(fd, &size);

	expect(ask(fd, MEMDIAG_IOC_SNAPSHOT, &arg), want, what);
	unharmed(fd, before, size, what);
	free(before);
}

static void pointers(void)
{
	char *readonly, *unmapped;
	struct memdiag_info info;
	int fd = device();
	unsigned int i;
	uint64_t size;

	take(fd, 0, &size);
	readonly = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unmapped = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 2; i++) {
		char *end = at_end(commands[i].size - 8), *tail;

		bad_pointer(fd, i, NULL, "NULL");
		bad_pointer(fd, i, unmapped, "an unmapped page");
		bad_pointer(fd, i, (void *)0xffff888000000000ul, "the kernel's half");
		bad_pointer(fd, i, (void *)-8ul, "the last bytes of all");
		mprotect(readonly, page, PROT_READ | PROT_WRITE);
		memset(readonly, 0, page);
		memcpy(readonly, &commands[i].size, 4);
		mprotect(readonly, page, PROT_READ);
		bad_pointer(fd, i, readonly, "read-only memory");
		memcpy(end, &commands[i].size, 4);
		bad_pointer(fd, i, end, "memory that ends early");
		tail = at_end(commands[i].size);
		memcpy(tail, (uint32_t[]){ commands[i].size + 8 }, 4);
		bad_pointer(fd, i, tail, "memory that ends before the tail");
	}
	refused(fd, (struct memdiag_snapshot){ .size = 8 }, EINVAL, "SNAPSHOT too small");
	refused(fd, (struct memdiag_snapshot){ .size = page + 1 }, E2BIG, "SNAPSHOT too large");
	refused(fd,
		(struct memdiag_snapshot){ .size = sizeof(struct memdiag_snapshot), .flags = 1 },
		EOPNOTSUPP, "SNAPSHOT with a flag");
	refused(fd,
		(struct memdiag_snapshot){ .size = sizeof(struct memdiag_snapshot),
					   .__reserved = 1 },
		EOPNOTSUPP, "SNAPSHOT with a reserved bit");
	refused(fd,
		(struct memdiag_snapshot){ .size = sizeof(struct memdiag_snapshot),
					   .sections = ~0ull },
		EOPNOTSUPP, "SNAPSHOT of unknown sections");
	lseek(fd, 0, SEEK_SET);
	expect(read(fd, unmapped, 100) < 0 ? errno : 0, EFAULT, "read() to an unmapped page");
	expect(read(fd, readonly, 100) < 0 ? errno : 0, EFAULT, "read() to read-only memory");
	ktap_ok(!lseek(fd, 0, SEEK_CUR), "uapi: a failed read() does not move the position");
	info = (struct memdiag_info){ .size = sizeof(info) };
	ask(fd, MEMDIAG_IOC_INFO, &info);
	ktap_ok(info.snapshot_bytes == (size + page - 1) / page * page,
		"uapi: only that snapshot is charged: %llu bytes",
		(unsigned long long)info.snapshot_bytes);
	munmap(readonly, page);
	munmap(unmapped, page);
	close(fd);
	ktap_ok(held() == 0, "uapi: and nothing after close(): %llu bytes",
		(unsigned long long)held());
}

/* --- addresses ------------------------------------------------------------ */

/*
 * No word of the tables and records may look like an address of the kernel, that
 * is be in its half but not in the last 16 MiB, where small negative numbers are.
 * The identity of the boot is random and left out; strings are looked through for
 * such numbers in hexadecimal. MEMDIAG_ABSENT is not in that range.
 */
#define KERNEL_FIRST 0xff00000000000000ull /* of five levels of page tables */
#define KERNEL_LAST 0xfffffffffeffffffull

static unsigned int kernel_pointers(const struct snap *snap, bool records_only)
{
	const struct memdiag_header *header = snap_header(snap);
	size_t boot_id = offsetof(struct memdiag_header, boot_id), at, i, run;
	unsigned int n = 0;
	uint64_t word;

	for (at = 0; at + 8 <= header->strings; at += 8) {
		if (at + 8 > boot_id && at < boot_id + sizeof(header->boot_id))
			continue;
		memcpy(&word, snap->data + at, 8);
		n += word >= KERNEL_FIRST && word <= KERNEL_LAST;
	}
	for (i = run = 0; !records_only && i < header->strings_size; i++) {
		const char *text = snap_string(snap, i);

		run = strchr("0123456789abcdef", *text) && *text ? run + 1 : 0;
		if (run == 16 && !strncmp(text - 15, "ff", 2))
			n++;
	}
	return n;
}

static void kptr_restrict(const char *value)
{
	int error = file_write("/proc/sys/kernel/kptr_restrict", value);

	if (error)
		ktap_bail("kptr_restrict: %s", strerror(-error));
}

static void addresses(void)
{
	char *was = file_read("/proc/sys/kernel/kptr_restrict");
	static const char *const hidden[] = { "0", "2" };
	struct snap snap;
	unsigned int i, n;

	for (i = 0; i < 2; i++) {
		kptr_restrict(hidden[i]);
		snap_take(&snap, 0);
		n = kernel_pointers(&snap, false);
		ktap_ok(!n, "uapi: no address of the kernel in %zu words with kptr_restrict=%s: %u",
			snap.size / 8, hidden[i], n);
		snap_drop(&snap);
	}
	/* Is the search worth anything? */
	kptr_restrict("1");
	snap_take(&snap, 0);
	n = kernel_pointers(&snap, true);
	if (snap_has(&snap, MEMDIAG_SEC_VMALLOC))
		ktap_ok(n >= snap_section(&snap, MEMDIAG_SEC_VMALLOC)->nr_records,
			"uapi: with kptr_restrict=1 there are some: %u", n);
	else
		ktap_skip("no vmalloc section", "uapi: with kptr_restrict=1 there are some");
	snap_drop(&snap);
	if (was)
		kptr_restrict(was);
	free(was);
}

/* --- read ----------------------------------------------------------------- */

static void reading(void)
{
	char *whole, *parts, byte;
	size_t steps[] = { 1, 7, 4095, 4096, 4097, 100000 }, at;
	uint64_t bytes;
	unsigned int i, wrong = 0;
	int fd = device();
	ssize_t n;

	expect(read(fd, &byte, 1) < 0 ? errno : 0, ENODATA, "read() before SNAPSHOT");
	expect(pread(fd, &byte, 1, 0) < 0 ? errno : 0, ENODATA, "pread() before SNAPSHOT");
	expect(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0, ENODATA,
	       "mmap() before SNAPSHOT");
	expect(lseek(fd, 0, SEEK_END) < 0 ? errno : 0, ENODATA, "lseek() before SNAPSHOT");
	take(fd, 0, &bytes);
	whole = malloc(bytes + 1);
	parts = malloc(bytes + 1);
	n = read(fd, whole, bytes + 1);
	ktap_ok(n == (ssize_t)bytes, "uapi: read() gives all %llu bytes",
		(unsigned long long)bytes);
	ktap_ok(read(fd, &byte, 1) == 0, "uapi: and then none");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		lseek(fd, 0, SEEK_SET);
		for (at = 0; at < bytes; at += n) {
			n = read(fd, parts + at, steps[i]);
			if (n <= 0 || (size_t)n > steps[i])
				break;
			/* one byte at a time takes long: a piece of it will do */
			if (steps[i] == 1 && at > 3000) {
				memcpy(parts + at, whole + at, bytes - at);
				at = bytes;
				break;
			}
		}
		if (at != bytes || memcmp(whole, parts, bytes))
			wrong++;
	}
	ktap_ok(!wrong, "uapi: read() in pieces gives the same");
	ktap_ok(pread(fd, parts, 100, 1000) == 100 && !memcmp(parts, whole + 1000, 100),
		"uapi: pread() in the middle");
	ktap_ok(pread(fd, parts, 100, bytes - 10) == 10 && !memcmp(parts, whole + bytes - 10, 10),
		"uapi: pread() across the end");
	ktap_ok(!pread(fd, parts, 100, bytes), "uapi: pread() at the end");
	ktap_ok(!pread(fd, parts, 100, bytes + 1000), "uapi: pread() behind the end");
	ktap_ok(!pread(fd, parts, 100, INT64_MAX - 100), "uapi: pread() far behind the end");
	for (i = wrong = 0; i < 500; i++) {
		size_t from = (i * 7919u + 1) % bytes, length = i * 13 % 5000;
		size_t want = length < bytes - from ? length : bytes - from;

		n = pread(fd, parts, length, from);
		wrong += n != (ssize_t)want || memcmp(parts, whole + from, want);
	}
	ktap_ok(!wrong, "uapi: pread() at odd offsets");
	ktap_ok(pread(fd, parts, 100, -1) < 0 && errno == EINVAL, "uapi: pread() before the start");
	ktap_ok(lseek(fd, -16, SEEK_END) == (off_t)bytes - 16 && read(fd, parts, 100) == 16 &&
			!memcmp(parts, whole + bytes - 16, 16),
		"uapi: lseek() from the end");
	expect(lseek(fd, -1, SEEK_SET) < 0 ? errno : 0, EINVAL, "lseek() before the start");
	expect(lseek(fd, 1, SEEK_END) < 0 ? errno : 0, EINVAL, "lseek() behind the end");
	ktap_ok(write(fd, parts, 1) < 0 && (errno == EBADF || errno == EINVAL),
		"uapi: write() is refused");
	/* SNAPSHOT does not move the file position. */
	lseek(fd, 100, SEEK_SET);
	take(fd, 1, NULL);
	ktap_ok(lseek(fd, 0, SEEK_CUR) == 100, "uapi: SNAPSHOT does not move the position");
	free(whole);
	free(parts);
	close(fd);
}

/* --- mmap ----------------------------------------------------------------- */

static void *map(int fd, size_t size, int prot, int flags, off_t offset)
{
	void *at = mmap(NULL, size, prot, flags, fd, offset);

	return at;
}

static int map_error(int fd, size_t size, int prot, int flags, off_t offset)
{
	void *at = map(fd, size, prot, flags, offset);

	if (at == MAP_FAILED)
		return errno;
	munmap(at, size);
	return 0;
}

static void mapping(void)
{
	char *bytes_read, *first, *private, *second;
	uint64_t bytes, again, kept;
	size_t pages;
	int fd = device();

	take(fd, 0, &bytes);
	pages = (bytes + page - 1) / page * page;
	bytes_read = malloc(bytes);
	if (pread(fd, bytes_read, bytes, 0) != (ssize_t)bytes)
		ktap_bail("pread: %s", strerror(errno));
	first = map(fd, bytes, PROT_READ, MAP_SHARED, 0);
	private = map(fd, bytes, PROT_READ, MAP_PRIVATE, 0);
	ktap_ok(first != MAP_FAILED && !memcmp(first, bytes_read, bytes),
		"uapi: a shared mapping has the bytes");
	ktap_ok(private != MAP_FAILED && !memcmp(private, bytes_read, bytes),
		"uapi: a private mapping has the bytes");
	expect(map_error(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, 0), EACCES,
	       "a writable shared mapping");
	expect(map_error(fd, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0), EACCES,
	       "a writable private mapping");
	expect(map_error(fd, bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0), EACCES,
	       "an executable private mapping");
	expect(map_error(fd, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, 0), EACCES,
	       "an executable shared mapping");
	expect(mprotect(first, page, PROT_READ | PROT_WRITE) ? errno : 0, EACCES,
	       "mprotect() of a shared mapping to write");
	expect(mprotect(private, page, PROT_READ | PROT_WRITE) ? errno : 0, EACCES,
	       "mprotect() of a private mapping to write");
	expect(mprotect(private, page, PROT_READ | PROT_EXEC) ? errno : 0, EACCES,
	       "mprotect() of a mapping to execute");
	expect(map_error(fd, pages + page, PROT_READ, MAP_SHARED, 0), EINVAL,
	       "a mapping beyond the end");
	expect(map_error(fd, page, PROT_READ, MAP_SHARED, pages), EINVAL,
	       "a mapping behind the end");
	expect(map_error(fd, page, PROT_READ, MAP_SHARED, (off_t)1 << 40), EINVAL,
	       "a mapping far behind the end");
	expect(map_error(fd, pages - page, PROT_READ, MAP_SHARED, page), 0,
	       "a mapping of all but the first page");
	second = map(fd, page, PROT_READ, MAP_SHARED, page);
	ktap_ok(second != MAP_FAILED && !memcmp(second, bytes_read + page,
						bytes - page < page ? bytes - page : page),
		"uapi: a mapping of the second page has its bytes");
	/* The rest of the last page is not somebody else's memory. */
	{
		size_t i, dirty = 0;

		for (i = bytes; i < pages; i++)
			dirty += first[i] != 0;
		ktap_ok(!dirty, "uapi: nothing but zeroes behind the end");
	}
	take(fd, 1, &again);
	ktap_ok(!memcmp(first, bytes_read, bytes) && !memcmp(private, bytes_read, bytes),
		"uapi: mappings keep their snapshot past a second one");
	munmap(private, bytes);
	close(fd);
	ktap_ok(!memcmp(first, bytes_read, bytes), "uapi: a mapping keeps it past close()");
	/* A mapping also keeps the file, and with it the second one. */
	kept = pages + (again + page - 1) / page * page;
	ktap_ok(held() == kept, "uapi: which is charged as long: %llu", (unsigned long long)held());
	/* A part of it away, and in a child. */
	munmap(first, page);
	ktap_ok(!memcmp(first + page, bytes_read + page, bytes - page),
		"uapi: a mapping can be split");
	fflush(stdout);
	if (!fork())
		_exit(memcmp(first + page, bytes_read + page, bytes - page) != 0);
	{
		int status = -1;

		wait(&status);
		ktap_ok(!status, "uapi: a child inherits a mapping");
	}
	ktap_ok(mremap(second, page, 4 * page, MREMAP_MAYMOVE) == MAP_FAILED,
		"uapi: a mapping cannot be made larger");
	ktap_ok(held() == kept, "uapi: a part of a mapping keeps the whole: %llu",
		(unsigned long long)held());
	munmap(first + page, pages - page);
	ktap_ok(held() == kept, "uapi: so does another mapping: %llu", (unsigned long long)held());
	munmap(second, page);
	ktap_ok(held() == 0, "uapi: all gone when the last mapping is: %llu",
		(unsigned long long)held());
	free(bytes_read);
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

/* --- several at once ------------------------------------------------------ */

#define THREADS 3

static int shared_fd;
static unsigned int race_seconds = 3;
static volatile bool race_over;

/**
 * struct race - what a thread saw
 * @seed: for rand_r()
 * @done: rounds
 * @wrong: what was wrong, "" if nothing
 */
struct race {
	unsigned int seed;
	unsigned int done;
	char wrong[100];
};

static pthread_mutex_t check_lock = PTHREAD_MUTEX_INITIALIZER;

/* snap_check() with its one buffer */
static bool race_check(struct race *race, const struct snap *snap)
{
	const char *wrong;

	pthread_mutex_lock(&check_lock);
	wrong = snap_check(snap);
	if (wrong)
		snprintf(race->wrong, sizeof(race->wrong), "%s", wrong);
	pthread_mutex_unlock(&check_lock);
	return !wrong;
}

static bool race_error(struct race *race, const char *what)
{
	snprintf(race->wrong, sizeof(race->wrong), "%s: %s", what, strerror(errno));
	return false;
}

static void *own_device(void *arg)
{
	struct race *race = arg;
	struct snap snap;
	int error = snap_open(&snap);

	while (!error && !race_over) {
		error = snap_collect(&snap, race->done++ % 3 ? SNAP_BIT(SLAB) | SNAP_BIT(ZONE) : 0);
		if (error || !race_check(race, &snap))
			break;
	}
	if (error)
		snprintf(race->wrong, sizeof(race->wrong), "%s", strerror(-error));
	snap_drop(&snap);
	return NULL;
}

/*
 * On a file that others ask too, the snapshot may be another one for every call:
 * map the first page, which says how long it is, and check what is still there.
 */
static bool shared_map(struct race *race)
{
	struct snap snap = { .fd = -1 };
	struct memdiag_header header;
	bool good = true;

	if (pread(shared_fd, &header, sizeof(header), 0) != sizeof(header))
		return race_error(race, "pread");
	snap.data = mmap(NULL, header.total_size, PROT_READ, MAP_SHARED, shared_fd, 0);
	if (snap.data == MAP_FAILED)
		/* A shorter one came in between. */
		return errno == EINVAL || race_error(race, "mmap");
	snap.size = header.total_size;
	if (snap_header(&snap)->total_size <= snap.size) {
		snap.size = snap_header(&snap)->total_size;
		good = race_check(race, &snap);
	}
	munmap((void *)snap.data, header.total_size);
	return good;
}

/* One read() is from one snapshot. */
static bool shared_read(struct race *race, char *buffer, size_t size)
{
	struct snap snap = { .fd = -1, .data = (void *)buffer };
	ssize_t n = pread(shared_fd, buffer, size, 0);

	if (n < 0)
		return race_error(race, "pread");
	snap.size = n;
	return (size_t)n == size || race_check(race, &snap);
}

static void *same_device(void *arg)
{
	size_t size = 4 << 20;
	char *buffer = malloc(size);
	struct race *race = arg;
	bool good = true;

	while (good && !race_over) {
		race->done++;
		switch (rand_r(&race->seed) % 3) {
		case 0:
			if (take(shared_fd, 1 + rand_r(&race->seed) % 7, NULL))
				good = race_error(race, "SNAPSHOT");
			break;
		case 1:
			good = shared_read(race, buffer, size);
			break;
		case 2:
			good = shared_map(race);
		}
	}
	free(buffer);
	return NULL;
}

static void concurrent(void)
{
	struct race own[THREADS] = {}, same[THREADS] = {};
	pthread_t threads[2 * THREADS];
	unsigned int i;

	shared_fd = device();
	take(shared_fd, 1, NULL);
	for (i = 0; i < THREADS; i++) {
		own[i].seed = same[i].seed = i + 1;
		pthread_create(&threads[i], NULL, own_device, &own[i]);
		pthread_create(&threads[THREADS + i], NULL, same_device, &same[i]);
	}
	sleep(race_seconds);
	race_over = true;
	for (i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	close(shared_fd);
	for (i = 0; i < THREADS; i++) {
		ktap_ok(own[i].done && !own[i].wrong[0],
			"uapi: %u snapshots of a file of its own, among others %s", own[i].done,
			own[i].wrong);
		ktap_ok(same[i].done && !same[i].wrong[0],
			"uapi: %u calls to a file that others use %s", same[i].done, same[i].wrong);
	}
	ktap_ok(held() == 0, "uapi: nothing is held when they are done: %llu",
		(unsigned long long)held());
}

/* A task killed in the middle leaves nothing behind. */
static void killed(void)
{
	unsigned int i, seed = 1;
	int status;

	fflush(stdout);
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid) {
			int fd = open(SNAP_DEVICE, O_RDONLY);

			for (;;)
				take(fd, 0, NULL);
		}
		usleep(2000 + rand_r(&seed) % 30000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	ktap_ok(held() == 0, "uapi: nothing is held after %u killed tasks: %llu", i,
		(unsigned long long)held());
}

static int error_of_read(int fd)
{
	char byte;

	return read(fd, &byte, 1) < 0 ? errno : 0;
}

/* --- the limit ------------------------------------------------------------ */

static void limit(void)
{
	struct memdiag_info info = { .size = sizeof(info) };
	struct rlimit files = { 5000, 5000 };
	static int fds[4000];
	int error = 0, fd = device();
	size_t first, last;
	char *old_first, *old_last;
	uint64_t bytes = 0;
	unsigned int n, i;

	setrlimit(RLIMIT_NOFILE, &files);
	fds[0] = device();
	take(fds[0], 0, NULL);
	old_first = contents(fds[0], &first);
	/* This one has a small snapshot before it asks for a large one. */
	take(fd, SNAP_BIT(SYSTEM), NULL);
	old_last = contents(fd, &last);
	for (n = 1; n < 4000; n++) {
		fds[n] = device();
		error = take(fds[n], 0, &bytes);
		if (error)
			break;
	}
	expect(error, EMFILE, "SNAPSHOT beyond the limit");
	ask(fd, MEMDIAG_IOC_INFO, &info);
	ktap_ok(info.snapshot_bytes <= info.snapshot_limit,
		"uapi: %u snapshots take %llu bytes, no more than the limit", n,
		(unsigned long long)info.snapshot_bytes);
	ktap_ok(info.snapshot_bytes >= info.snapshot_limit / 2,
		"uapi: and what is left is less than one needs to be made");
	expect(take(fd, 0, NULL), EMFILE, "SNAPSHOT in place of a smaller one");
	unharmed(fd, old_last, last, "SNAPSHOT beyond the limit");
	unharmed(fds[0], old_first, first, "that of another file");
	expect(error_of_read(fds[n]), ENODATA, "read() where the first SNAPSHOT failed");
	for (i = 1; i <= n / 2; i++)
		close(fds[i]);
	expect(take(fd, 0, NULL), 0, "SNAPSHOT after some were given back");
	for (; i <= n; i++)
		close(fds[i]);
	close(fds[0]);
	close(fd);
	ktap_ok(held() == 0, "uapi: nothing is held when all are closed");
	fd = device();
	expect(take(fd, 0, NULL), 0, "SNAPSHOT after all were closed");
	close(fd);
	free(old_first);
	free(old_last);
}

static int only_limit(unsigned int mib)
{
	struct memdiag_info info = { .size = sizeof(info) };
	int fd = device();

	ktap_start();
	ask(fd, MEMDIAG_IOC_INFO, &info);
	close(fd);
	ktap_ok(info.snapshot_limit == (uint64_t)mib << 20, "uapi: the limit is %u MiB", mib);
	limit();
	return ktap_end();
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
	at = map(fd, bytes, PROT_READ, MAP_SHARED, 0);
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
	tail_untouched();
	values();
	sections();
	generation();
	pointers();
	addresses();
	reading();
	mapping();
	writing();
	concurrent();
	killed();
	limit();
	ktap_ok(held() == 0, "uapi: nothing is held in the end");
	return ktap_end();
}
