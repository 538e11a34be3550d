// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a snapshot is: its sections and generation, the same bytes by read() and by
 * mmap(), what may not be mapped, and no address of the kernel in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"
#include "uapi.h"

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

void sections(void)
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

void generation(void)
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

/* --- read ----------------------------------------------------------------- */

void reading(void)
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

void mapping(void)
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

/* --- addresses ------------------------------------------------------------ */

/*
 * No word of the tables and records may look like an address of the kernel, that
 * is be in its half but not in the last 16 MiB, where small negative numbers are.
 * The identity of the boot is random and left out; strings are looked through for
 * such numbers in hexadecimal. MEMDIAG_ABSENT is not in that range.
 */
#define KERNEL_FIRST 0xff00000000000000ull /* of five levels of page tables */
#define KERNEL_LAST 0xfffffffffeffffffull

unsigned int kernel_pointers(const struct snap *snap, bool records_only)
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

void addresses(void)
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
