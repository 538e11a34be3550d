// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many snapshots: threads that share a file or have one each, tasks that are killed in
 * the middle, and the limit of the memory that all of them may take.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"
#include "uapi.h"

/* --- several at once ------------------------------------------------------ */

#define THREADS 3

static int shared_fd;
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

void concurrent(unsigned int seconds)
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
	sleep(seconds);
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
void killed(void)
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

/* --- the limit ------------------------------------------------------------ */

static int error_of_read(int fd)
{
	char byte;

	return read(fd, &byte, 1) < 0 ? errno : 0;
}

void limit(void)
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

int only_limit(unsigned int mib)
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
