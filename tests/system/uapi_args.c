// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of the ioctls: sizes older and newer than ours, flags and values that there
 * are not, memory that cannot be read or written. What is refused changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"
#include "uapi.h"
#include "uapi_v1.h"

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
	{ MEMDIAG_IOC_INFO, "INFO", sizeof(struct memdiag_info_v1),
	  sizeof(struct memdiag_info), 0, 0 },
	{ MEMDIAG_IOC_SNAPSHOT, "SNAPSHOT", sizeof(struct memdiag_snapshot_v1),
	  sizeof(struct memdiag_snapshot), 0, 0 },
	{ MEMDIAG_IOC_TRACK_START, "TRACK_START", sizeof(struct memdiag_track_start_v1),
	  sizeof(struct memdiag_track_start), NO_SUCH_FLAG, EOPNOTSUPP },
	{ MEMDIAG_IOC_TRACK_STOP, "TRACK_STOP", sizeof(struct memdiag_track_stop_v1),
	  sizeof(struct memdiag_track_stop), NO_SUCH_FLAG, EOPNOTSUPP },
	{ MEMDIAG_IOC_SETTLE, "SETTLE", sizeof(struct memdiag_settle_v1),
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

void sizes(void)
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

/* A caller that was built against the first version is answered, and no more is written. */
void first_version(void)
{
	struct memdiag_info now = { .size = sizeof(now) };
	struct memdiag_info_v1 *info = at_end(sizeof(*info));
	struct memdiag_snapshot_v1 *snapshot;
	struct memdiag_settle_v1 *settle;
	int fd = device();

	info->size = sizeof(*info);
	expect(ask(fd, MEMDIAG_IOC_INFO, info), 0, "INFO of the first version");
	ask(fd, MEMDIAG_IOC_INFO, &now);
	ktap_ok(info->known == now.known && info->nr_sections == now.nr_sections &&
			!memcmp(info->version, now.version, sizeof(now.version)),
		"uapi: INFO of the first version has what it knows");
	snapshot = at_end(sizeof(*snapshot));
	snapshot->size = sizeof(*snapshot);
	snapshot->sections = 1 << MEMDIAG_SEC_SYSTEM;
	expect(ask(fd, MEMDIAG_IOC_SNAPSHOT, snapshot), 0, "SNAPSHOT of the first version");
	ktap_ok(snapshot->bytes && (off_t)snapshot->bytes == lseek(fd, 0, SEEK_END),
		"uapi: SNAPSHOT of the first version says how long it is");
	settle = at_end(sizeof(*settle));
	settle->size = sizeof(*settle);
	expect(ask(fd, MEMDIAG_IOC_SETTLE, settle), 0, "SETTLE of the first version");
	ktap_ok(settle->waited_ns, "uapi: SETTLE of the first version says how long it took");
	close(fd);
}

/* What was not asked to be written stays as it was. */
void tail_untouched(void)
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

void values(void)
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
	ktap_ok(info.snapshot_limit >= 1 << 20 && info.snapshot_limit <= 1 << 30,
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

/* --- pointers that lead nowhere ------------------------------------------- */

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

void pointers(void)
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
