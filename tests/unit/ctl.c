// SPDX-License-Identifier: GPL-2.0-only
/* See ctl.h. Its memdiag_device_*() take the place of those of libmemdiag. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "libmemdiag.h"

/* main() of memdiagctl, renamed. */
int memdiagctl_main(int argc, char **argv);
/* Not there without sanitizers. */
#pragma weak __sanitizer_set_report_fd

static int saved[2], caught[2] = { -1, -1 }, files[2] = { -1, -1 };
static bool running;
static unsigned int taken;

static void check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* memdiagctl ends the process itself only when it finds no memory. */
static void report_exit(void)
{
	static const char text[] = "memdiagctl called exit()\n";

	if (running && write(saved[1], text, sizeof(text) - 1))
		_exit(99);
}

static void set_up(void)
{
	for (int n = 0; n < 2; n++) {
		saved[n] = dup(n + 1);
		caught[n] = memfd_create("output", 0);
		check(saved[n] >= 0 && caught[n] >= 0, "output");
	}
	setenv("LC_ALL", "C.UTF-8", 1);
	if (__sanitizer_set_report_fd)
		__sanitizer_set_report_fd((void *)(intptr_t)saved[1]);
	atexit(report_exit);
}

void ctl_begin(void)
{
	if (caught[0] < 0)
		set_up();
	fflush(NULL);
	for (int n = 0; n < 2; n++) {
		check(!ftruncate(caught[n], 0) && !lseek(caught[n], 0, SEEK_SET), "ftruncate");
		check(dup2(caught[n], n + 1) >= 0, "dup2");
	}
	running = true;
}

void ctl_end(struct ctl_output *output)
{
	static char *text;
	size_t sizes[2];

	running = false;
	fflush(NULL);
	for (int n = 0; n < 2; n++) {
		check(dup2(saved[n], n + 1) >= 0, "dup2");
		sizes[n] = lseek(caught[n], 0, SEEK_END);
	}
	clearerr(stdout);
	text = realloc(text, sizes[0] + sizes[1] + 1);
	check(!!text, "realloc");
	for (int n = 0; n < 2; n++)
		check(pread(caught[n], text + n * sizes[0], sizes[n], 0) == (ssize_t)sizes[n],
		      "pread");
	text[sizes[0] + sizes[1]] = '\0';
	output->text = text;
	output->size = sizes[0] + sizes[1];
	output->out = sizes[0];
}

void ctl_run(const char *arguments, struct ctl_output *output)
{
	char *copy = strdup(arguments), *save = NULL, *argv[32] = { "memdiagctl" };
	int argc = 1;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	ctl_begin();
	output->status = memdiagctl_main(argc, argv);
	ctl_end(output);
	free(copy);
}

const char *ctl_file(unsigned int n, const void *bytes, size_t size)
{
	if (files[n] < 0)
		files[n] = memfd_create("input", 0);
	check(files[n] >= 0 && !ftruncate(files[n], 0), "input");
	check(pwrite(files[n], bytes, size, 0) == (ssize_t)size, "pwrite");
	return ctl_file_name(n);
}

const char *ctl_file_name(unsigned int n)
{
	static char paths[2][32];

	snprintf(paths[n], sizeof(paths[n]), "/proc/self/fd/%d", files[n]);
	return paths[n];
}

/* --- the device --------------------------------------------------------------- */

void ctl_reset_device(void)
{
	taken = 0;
}

/* Nobody waits for time to go by. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	return 0;
}

int memdiag_device_open(const char *path, struct memdiag_error *error,
			struct memdiag_device **device)
{
	(void)path;
	(void)error;
	*device = NULL;
	return 0;
}

void memdiag_device_close(struct memdiag_device *device)
{
	(void)device;
}

int memdiag_device_info(struct memdiag_device *device, struct memdiag_error *error,
			struct memdiag_info *info)
{
	(void)device;
	(void)error;
	memset(info, 0, sizeof(*info));
	return 0;
}

int memdiag_device_mask(struct memdiag_device *device, const char *names,
			struct memdiag_error *error, uint64_t *mask)
{
	(void)device;
	(void)names;
	(void)error;
	*mask = 0;
	return 0;
}

int memdiag_device_snapshot_aged(struct memdiag_device *device, uint64_t sections,
				 uint64_t min_age_ns, struct memdiag_error *error,
				 struct memdiag_data **data)
{
	(void)device;
	(void)sections;
	(void)min_age_ns;
	strcpy(error->text, "no more snapshots");
	if (taken == 2)
		return -ENODATA;
	return memdiag_data_load(ctl_file_name(taken++), error, data);
}

int memdiag_device_snapshot(struct memdiag_device *device, uint64_t sections,
			    struct memdiag_error *error, struct memdiag_data **data)
{
	struct memdiag_error ignored;

	return memdiag_device_snapshot_aged(device, sections, 0, error ? error : &ignored, data);
}

int memdiag_device_track_start(struct memdiag_device *device, struct memdiag_track_start *start,
			       struct memdiag_error *error)
{
	(void)device;
	(void)start;
	strcpy(error->text, "no tracker");
	return -EOPNOTSUPP;
}

int memdiag_device_track_stop(struct memdiag_device *device, bool discard,
			      struct memdiag_error *error)
{
	(void)device;
	(void)discard;
	(void)error;
	return 0;
}

int memdiag_device_settle(struct memdiag_device *device, struct memdiag_error *error)
{
	(void)device;
	(void)error;
	return 0;
}
