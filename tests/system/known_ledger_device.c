// SPDX-License-Identifier: GPL-2.0-only
/*
 * known_ledger: anonymous memory that lies on a device. The kernel's own test driver
 * test_hmm has such a device, with 256 MiB; there are two of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "known_ledger.h"
#include "ktap.h"
#include "mod.h"

#define DEVICE		"/dev/hmm_dmirror0"
/* Pages that the driver is asked for at a time. */
#define BATCH		64
/* Of an answer about a page: the page lies on the device that was asked. */
#define ON_DEVICE	0x20

/* What the driver is asked: pages @nr from @addr on, with the answer at @answer. */
struct request {
	uint64_t addr;
	uint64_t answer;
	uint64_t nr;
	uint64_t copied;
	uint64_t faults;
};

#define TO_DEVICE	_IOWR('H', 2, struct request)
#define WHERE		_IOWR('H', 4, struct request)

static char *device_at = MAP_FAILED;
static int device_fd = -1;

static void ask(unsigned long command, long at, void *answer)
{
	struct request request = { .addr = (uintptr_t)device_at + at,
				   .answer = (uintptr_t)answer, .nr = BATCH };

	if (ioctl(device_fd, command, &request))
		ktap_bail(DEVICE ": request %#lx: %s", command, strerror(errno));
}

bool take_device(void *arg)
{
	static char copy[BATCH * 65536];
	unsigned char where[BATCH];
	long at, moved = 0;
	int i;

	load_offered("test_hmm");
	device_fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (device_fd < 0)
		return cannot("no device with memory for processes");
	device_at = mmap(NULL, AMOUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (device_at == MAP_FAILED)
		ktap_bail("no address space");
	madvise(device_at, AMOUNT, MADV_NOHUGEPAGE);
	memset(device_at, 1, AMOUNT);
	for (at = 0; at < AMOUNT; at += BATCH * page) {
		ask(TO_DEVICE, at, copy);
		ask(WHERE, at, where);
		for (i = 0; i < BATCH; i++)
			moved += !!(where[i] & ON_DEVICE);
	}
	if (moved < AMOUNT / page * 99 / 100)
		ktap_bail("only %ld pages are on the device", moved);
	return true;
}

void give_device(void *arg)
{
	munmap(device_at, AMOUNT);
	close(device_fd);
	if (mod_unload("test_hmm"))
		ktap_bail("test_hmm cannot be unloaded");
}
