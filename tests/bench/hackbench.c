// SPDX-License-Identifier: GPL-2.0-only
/*
 * hackbench - groups of processes that send each other messages over sockets
 *
 * usage: hackbench [GROUPS [PAIRS [MESSAGES]]]
 *
 * In each group PAIRS senders write MESSAGES messages of 100 bytes to each of PAIRS
 * receivers, through a socket pair per receiver: the load that the scheduler and
 * the socket buffers are usually measured by, and one that allocates and frees
 * an object or two per message, on different processors. Prints the nanoseconds
 * from the moment when all are ready to the end of the last one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES 100
#define MAX_PAIRS 40

static int groups = 4, pairs = 8, messages = 100;
static int ready[2], go[2];

static void check(int bad)
{
	if (bad) {
		perror("hackbench");
		exit(1);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void wait_for_go(void)
{
	char c = 'r';

	check(write(ready[1], &c, 1) != 1);
	/* The end of the file. */
	check(read(go[0], &c, 1) != 0);
}

static void sender(const int *to)
{
	char message[BYTES] = {};
	int i, m;

	wait_for_go();
	for (m = 0; m < messages; m++)
		for (i = 0; i < pairs; i++)
			check(write(to[i], message, BYTES) != BYTES);
}

static void receiver(int from)
{
	long left = (long)pairs * messages * BYTES;
	char message[BYTES];

	wait_for_go();
	while (left > 0) {
		ssize_t n = read(from, message, BYTES);

		check(n <= 0);
		left -= n;
	}
}

/* Both ends of the pipe "go" are inherited: the writing one must be closed. */
static void group(void)
{
	int to[MAX_PAIRS], ends[2], i;

	for (i = 0; i < pairs; i++) {
		pid_t pid;

		check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
		pid = fork();
		check(pid < 0);
		if (!pid) {
			close(go[1]);
			close(ends[1]);
			receiver(ends[0]);
			exit(0);
		}
		close(ends[0]);
		to[i] = ends[1];
	}
	for (i = 0; i < pairs; i++) {
		pid_t pid = fork();

		check(pid < 0);
		if (!pid) {
			close(go[1]);
			sender(to);
			exit(0);
		}
	}
	for (i = 0; i < pairs; i++)
		close(to[i]);
}

int main(int argc, char **argv)
{
	int i, status, failed = 0;
	uint64_t start;
	char c;

	groups = argc > 1 ? atoi(argv[1]) : groups;
	pairs = argc > 2 ? atoi(argv[2]) : pairs;
	messages = argc > 3 ? atoi(argv[3]) : messages;
	if (groups < 1 || pairs < 1 || pairs > MAX_PAIRS || messages < 1) {
		fprintf(stderr, "usage: hackbench [GROUPS [PAIRS [MESSAGES]]]\n");
		return 2;
	}
	check(pipe(ready) || pipe(go));
	for (i = 0; i < groups; i++)
		group();
	for (i = 0; i < groups * pairs * 2; i++)
		check(read(ready[0], &c, 1) != 1);
	start = now();
	close(go[1]);
	while (wait(&status) > 0)
		failed |= status;
	printf("%llu\n", (unsigned long long)(now() - start));
	return !!failed;
}
