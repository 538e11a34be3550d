// SPDX-License-Identifier: GPL-2.0-only
/*
 * track stress: processes that allocate as fast as they can, while the tracker is
 * started, read, stopped and unloaded.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "snap.h"
#include "tracker.h"

static volatile sig_atomic_t over;

static void on_alarm(int signal)
{
	over = 1;
}

/* A process that allocates until it is killed: pipes, files, sockets, memory, processes. */
static pid_t worker(unsigned int n)
{
	pid_t pid = fork();
	int fd[2], i;

	if (pid)
		return pid;
	close(device);
	for (i = 0;; i++) {
		if (n % 2 && file_write(FIXTURE_COMMAND, "hold kmalloc size=64 count=64 context=softirq") == 0) {
			file_write(FIXTURE_COMMAND, "hold pages order=1 count=8");
			file_write(FIXTURE_COMMAND, "free all");
		}
		if (pipe(fd) == 0) {
			if (write(fd[1], &i, sizeof(i)) < 0)
				continue;
			close(fd[0]);
			close(fd[1]);
		}
		fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
		close(fd[0]);
		free(memset(malloc(300000), 1, 300000));
		if (i % 16 == 0) {
			pid = fork();
			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
	}
}

/*
 * Start, read, stop, discard and load again in turn, with small tables and large
 * ones, while two processes allocate. What is counted must fit together each time.
 */
void test_stress(unsigned int seconds)
{
	unsigned int rounds = 0, bad = 0, unloads = 0;
	pid_t workers[2];
	unsigned int i;

	over = 0;
	signal(SIGALRM, on_alarm);
	workers[0] = worker(0);
	workers[1] = worker(1);
	alarm(seconds);
	while (!over || rounds < 8) {
		struct memdiag_track_start arg = { 0 };
		struct sum sum;
		uint64_t used;

		if (rounds % 3 == 1)
			arg = by_module(FIXTURE);
		if (rounds % 4 == 2)
			arg.objects = 500;
		if (rounds % 5 == 4)
			arg.stacks = 32;
		if (rounds % 7 == 3)
			arg.one_in = 8;
		stop(rounds % 2 ? MEMDIAG_TRACK_DISCARD : 0);
		if (start(&arg)) {
			bad++;
			continue;
		}
		usleep(300000);
		report(NULL, NULL, NULL);
		if (rounds % 3 == 0) {
			unloads += !system("rmmod " FIXTURE " 2>/dev/null");
			if (system("grep -q ^" FIXTURE " /proc/modules || insmod " FIXTURE_KO))
				bad++;
		}
		if (rounds % 4 == 3) {
			/* The tracker goes in the middle of it. */
			close(device);
			if (system("rmmod memdiag && insmod /lib/memdiag/memdiag.ko"))
				bad++;
			device = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);
			rounds++;
			continue;
		}
		stop(0);
		sum = report(NULL, NULL, NULL);
		used = status("objects_used");
		/* Slabs' pages and what is gone are in the table, and not in the report. */
		if (sum.count > used || sum.allocated < sum.freed) {
			ktap_note("count %" PRIu64 ", used %" PRIu64 ", allocated %" PRIu64
				  ", freed %" PRIu64, sum.count, used, sum.allocated, sum.freed);
			bad++;
		}
		rounds++;
	}
	for (i = 0; i < 2; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	ktap_ok(!bad, "track: stress: %u rounds, %u unloads of the module, %u bad",
		rounds, unloads, bad);
}
