// SPDX-License-Identifier: GPL-2.0-only
/*
 * known_ledger: anonymous memory in swap. The swap device is a zram, if the guest has
 * one; before it zswap, if there is that, with each kind of pool.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "known_ledger.h"
#include "ktap.h"
#include "mod.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define OFFERED		"/lib/memdiag/offered"
#define DEVICE		"/tmp/known_ledger.zram0"
#define ZRAM		"/sys/block/zram0/"
#define ZSWAP		"/sys/module/zswap/parameters/"

/* A quarter of each page cannot be compressed: three or four fit into one. */
#define SOLID		4

/* Modules of a directory in the order of their names: what one needs stands before it. */
void load_offered(const char *name)
{
	struct dirent **entries;
	char path[300];
	int nr, i;

	snprintf(path, sizeof(path), OFFERED "/%s", name);
	nr = scandir(path, &entries, NULL, alphasort);
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), OFFERED "/%s/%s", name, entries[i]->d_name);
		if (strstr(path, ".ko"))
			mod_load(path, "");
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

/* What mkswap writes: in the first page the version, the last page, and a signature. */
static bool make_swap(const char *path, unsigned int pages)
{
	char *header = calloc(1, page);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool ok;

	((unsigned int *)header)[256] = 1;
	((unsigned int *)header)[257] = pages - 1;
	memcpy(header + page - 10, "SWAPSPACE2", 10);
	ok = fd >= 0 && pwrite(fd, header, page, 0) == page;
	if (fd >= 0)
		close(fd);
	free(header);
	return ok;
}

bool swap_on(long bytes)
{
	unsigned int major, minor;
	char *numbers, size[24];

	load_offered("lzo-rle");
	load_offered("z3fold");
	load_offered("zram");
	numbers = file_read(ZRAM "dev");
	if (!numbers)
		return cannot("no zram");
	if (sscanf(numbers, "%u:%u", &major, &minor) != 2)
		ktap_bail(ZRAM "dev: '%s'", numbers);
	free(numbers);
	unlink(DEVICE);
	snprintf(size, sizeof(size), "%ld", bytes);
	if (file_write(ZRAM "disksize", size) || mknod(DEVICE, S_IFBLK | 0600, makedev(major, minor)))
		return cannot("the zram cannot be set up");
	return (make_swap(DEVICE, bytes / page) && !swapon(DEVICE, 0)) || cannot("no swap");
}

void swap_off(void)
{
	swapoff(DEVICE);
	unlink(DEVICE);
	file_write(ZRAM "reset", "1");
}

/* Whether zswap has, or NULL does not have, such a pool now. */
static bool zswap_pool(const char *kind)
{
	if (!kind)
		return access(ZSWAP "enabled", F_OK) || !file_write(ZSWAP "enabled", "N");
	/* Where it cannot be chosen there is zsmalloc only. */
	if (access(ZSWAP "zpool", F_OK) ? strcmp(kind, "zsmalloc") : file_write(ZSWAP "zpool", kind))
		return cannot("zswap has no such pool");
	return !file_write(ZSWAP "enabled", "Y") || cannot("no zswap");
}

static long swapped(void)
{
	char *text = file_read("/proc/self/smaps_rollup");
	const char *at = text ? strstr(text, "\nSwap:") : NULL;
	long kib = 0;

	if (!at || sscanf(at, " Swap: %ld", &kib) != 1)
		kib = 0;
	free(text);
	return kib;
}

/* Pages are compressed one by one, so all may have the same in them. */
static void fill_solid(char *at, long bytes)
{
	unsigned int seed = 1;
	long i;

	for (i = 0; i < page / SOLID; i++)
		at[i] = rand_r(&seed) >> 8;
	for (i = page; i < bytes; i += page)
		memcpy(at + i, at, page / SOLID);
}

static char *swapped_at;

bool take_swapped(void *arg)
{
	int tries;

	if (!zswap_pool(arg))
		return false;
	swapped_at = mmap(NULL, AMOUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (swapped_at == MAP_FAILED)
		return cannot("no address space");
	madvise(swapped_at, AMOUNT, MADV_NOHUGEPAGE);
	fill_solid(swapped_at, AMOUNT);
	/* Pages that wait to be put on the LRU lists are passed over. */
	for (tries = 0; tries < 20 && swapped() < (AMOUNT >> 10) - 1024; tries++) {
		if (madvise(swapped_at, AMOUNT, MADV_PAGEOUT))
			break;
		usleep(20000);
	}
	if (swapped() >= (AMOUNT >> 10) - 1024)
		return true;
	give_swapped(NULL);
	return cannot("the memory is not swapped out");
}

void give_swapped(void *arg)
{
	munmap(swapped_at, AMOUNT);
}

#define STEP		(4 * MIB)

static char *pressed_at;
static long pressed;

/* Until the kernel, short of free memory, has swapped AMOUNT out. */
bool take_pressed(void *arg)
{
	/* Of what one process may have at once: as much as there is. */
	pressed = memory * page;
	if (!zswap_pool(arg))
		return false;
	pressed_at = mmap(NULL, pressed, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pressed_at == MAP_FAILED)
		return cannot("no address space");
	madvise(pressed_at, pressed, MADV_NOHUGEPAGE);
	for (long at = 0; at + STEP <= pressed; at += STEP) {
		fill_solid(pressed_at + at, STEP);
		if (swapped() >= AMOUNT >> 10)
			return true;
	}
	give_pressed(NULL);
	return cannot("nothing is swapped out");
}

void give_pressed(void *arg)
{
	munmap(pressed_at, pressed);
}
