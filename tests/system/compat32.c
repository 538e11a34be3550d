// SPDX-License-Identifier: GPL-2.0-only
/*
 * compat32 - the commands of /dev/memdiag from a 32-bit program
 *
 * No C library is needed, nor would a 32-bit one be there: system calls only.
 */
#include "memdiag.h"

#define SYS_EXIT	1
#define SYS_READ	3
#define SYS_WRITE	4
#define SYS_OPEN	5
#define SYS_IOCTL	54
#define SYS_MMAP2	192

static int call(int nr, long a, long b, long c, long d, long e)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return result;
}

static int call_mmap(unsigned long size, int fd)
{
	/* the sixth argument, in ebp, is the offset */
	int result;

	__asm__ volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp"
			 : "=a"(result)
			 : "a"(SYS_MMAP2), "b"(0), "c"(size), "d"(1), "S"(1), "D"(fd)
			 : "memory");
	return result;
}

static unsigned int number, failed;

static unsigned int length(const char *text)
{
	unsigned int n = 0;

	while (text[n])
		n++;
	return n;
}

static void print(const char *text)
{
	call(SYS_WRITE, 1, (long)text, length(text), 0, 0);
}

static void print_number(unsigned int n)
{
	char text[12];
	unsigned int at = sizeof(text) - 1;

	text[at] = '\0';
	do {
		text[--at] = '0' + n % 10;
		n /= 10;
	} while (n);
	print(text + at);
}

static void ok(int good, const char *what)
{
	print(good ? "ok " : "not ok ");
	print_number(++number);
	print(" compat32: ");
	print(what);
	print("\n");
	failed += !good;
}

static int is_snapshot(const unsigned char *data)
{
	static const char magic[] = MEMDIAG_MAGIC;
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (data[i] != magic[i])
			return 0;
	return 1;
}

void _start(void)
{
	static struct memdiag_info info = { .size = sizeof(info) };
	static struct memdiag_snapshot snapshot = { .size = sizeof(snapshot) };
	static unsigned char bytes[4096];
	int fd, n, at;

	print("KTAP version 1\n");
	fd = call(SYS_OPEN, (long)"/dev/memdiag", 0, 0, 0, 0);
	ok(fd >= 0, "open");
	ok(sizeof(info) == 88 && sizeof(snapshot) == 56 &&
	   sizeof(struct memdiag_track_start) == 208 &&
	   sizeof(struct memdiag_track_stop) == 8 && sizeof(struct memdiag_settle) == 16,
	   "structures are as large as in 64 bits");
	n = call(SYS_IOCTL, fd, MEMDIAG_IOC_INFO, (long)&info, 0, 0);
	ok(!n && info.format_major == MEMDIAG_FORMAT_MAJOR &&
	   info.nr_sections == MEMDIAG_NR_SECTIONS && info.version[0], "INFO");
	n = call(SYS_IOCTL, fd, MEMDIAG_IOC_SNAPSHOT, (long)&snapshot, 0, 0);
	ok(!n && snapshot.bytes > sizeof(struct memdiag_header) &&
	   snapshot.sections == info.defaults && info.defaults, "SNAPSHOT");
	n = call(SYS_READ, fd, (long)bytes, sizeof(bytes), 0, 0);
	ok(n == sizeof(bytes) && is_snapshot(bytes) &&
	   ((struct memdiag_header *)bytes)->total_size == snapshot.bytes, "read");
	at = call_mmap(snapshot.bytes, fd);
	ok((unsigned int)at < 0xfffff000u && is_snapshot((unsigned char *)at), "mmap");
	snapshot.size = 47;
	n = call(SYS_IOCTL, fd, MEMDIAG_IOC_SNAPSHOT, (long)&snapshot, 0, 0);
	ok(n == -22, "SNAPSHOT, smaller than its first version");
	n = call(SYS_IOCTL, fd, 0xB705, (long)&snapshot, 0, 0);
	ok(n == -25, "an unknown command");
	print("1..");
	print_number(number);
	print("\n");
	call(SYS_EXIT, failed ? 1 : 0, 0, 0, 0, 0);
	for (;;)
		;
}
