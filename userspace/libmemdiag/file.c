// SPDX-License-Identifier: GPL-2.0-only
/* Snapshot files: load, save. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* Far above any real snapshot; keeps a hostile length from eating the machine. */
#define MAX_FILE_SIZE (1ull << 30)

static int file_fail(struct memdiag_error *error, int code)
{
	return memdiag_refuse(error, code, "%s", strerror(-code));
}

/* Reads until @size bytes are there or the file ends. */
static int read_full(int fd, unsigned char *bytes, size_t size, size_t *got)
{
	while (*got < size) {
		ssize_t n = read(fd, bytes + *got, size - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		*got += n;
	}
	return 0;
}

/*
 * The file is read and not mapped: somebody may change or truncate it after
 * the checks. The buffer grows with what really arrives, not with what the
 * header promises.
 */
static int read_snapshot(int fd, struct memdiag_error *error, unsigned char **bytes, size_t *got)
{
	size_t room = sizeof(struct memdiag_header);
	struct memdiag_header header;
	uint64_t wanted;
	int ret;

	*bytes = malloc(room);
	if (!*bytes)
		return file_fail(error, -ENOMEM);
	ret = read_full(fd, *bytes, room, got);
	if (ret)
		return file_fail(error, ret);
	memset(&header, 0, sizeof(header));
	memcpy(&header, *bytes, *got);
	ret = memdiag_check_header(&header, *got, error);
	if (ret)
		return ret;
	if (header.total_size > MAX_FILE_SIZE)
		return memdiag_refuse(error, -EFBIG, "snapshot claims %llu bytes, more than %llu",
				      (unsigned long long)header.total_size, MAX_FILE_SIZE);
	/* One byte more, to see whether something follows. */
	wanted = header.total_size + 1;
	while (*got == room && room < wanted) {
		unsigned char *more;

		room = room * 4 < wanted ? room * 4 : wanted;
		more = realloc(*bytes, room);
		if (!more)
			return file_fail(error, -ENOMEM);
		*bytes = more;
		ret = read_full(fd, *bytes, room, got);
		if (ret)
			return file_fail(error, ret);
	}
	return 0;
}

/**
 * memdiag_data_load() - load a snapshot file
 * @path: the file, "-" for standard input
 * @error: filled in on failure, may be NULL
 * @data: the result, to be freed with memdiag_data_free()
 *
 * Return: 0, what open() or read() says, -EFBIG, or as memdiag_data_parse().
 */
int memdiag_data_load(const char *path, struct memdiag_error *error, struct memdiag_data **data)
{
	unsigned char *bytes = NULL;
	struct memdiag_data *d;
	size_t got = 0;
	int fd, ret;

	fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		return file_fail(error, -errno);
	ret = read_snapshot(fd, error, &bytes, &got);
	if (fd != STDIN_FILENO)
		close(fd);
	if (ret)
		goto free_bytes;
	d = calloc(1, sizeof(*d));
	if (!d) {
		ret = file_fail(error, -ENOMEM);
		goto free_bytes;
	}
	d->bytes = bytes;
	d->size = got;
	ret = memdiag_check(d, error);
	if (ret) {
		memdiag_data_free(d);
		return ret;
	}
	*data = d;
	return 0;

free_bytes:
	free(bytes);
	return ret;
}

static int write_full(int fd, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= n;
	}
	return 0;
}

/* The bytes of @data with the checksum filled in. */
static int write_snapshot(int fd, const struct memdiag_data *data)
{
	struct memdiag_header header = *memdiag_data_header(data);
	int ret;

	header.flags |= MEMDIAG_HEADER_CHECKSUM;
	header.checksum = memdiag_checksum(&header, data->bytes, data->size);
	ret = write_full(fd, &header, sizeof(header));
	if (ret)
		return ret;
	return write_full(fd, data->bytes + sizeof(header), data->size - sizeof(header));
}

static int write_in_place(const struct memdiag_data *data, const char *path)
{
	int fd, ret;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write_snapshot(fd, data);
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/* A rename is only on disk when its directory is. */
static void sync_directory(const char *path)
{
	char directory[PATH_MAX];
	char *slash;
	int fd;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash)
		strcpy(directory, ".");
	else
		slash[slash == directory] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Readers see the old file or the whole new one, also after a power cut. */
static int write_atomically(const struct memdiag_data *data, const char *path)
{
	char temporary[PATH_MAX];
	int fd, ret;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	/* Mode 0600: it shows kernel addresses and names of cgroups. */
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write_snapshot(fd, data);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(temporary, path))
		ret = -errno;
	if (ret)
		unlink(temporary);
	else
		sync_directory(path);
	return ret;
}

/**
 * memdiag_data_save() - save a snapshot, with a checksum
 * @data: the snapshot
 * @path: the file, "-" for standard output
 * @error: filled in on failure, may be NULL
 *
 * A regular file is replaced at once or not at all. A symbolic link is
 * followed; a device or a pipe is written to.
 *
 * Return: 0 or what open(), write(), fsync() or rename() says.
 */
int memdiag_data_save(const struct memdiag_data *data, const char *path,
		      struct memdiag_error *error)
{
	char resolved[PATH_MAX];
	struct stat st;
	int ret;

	if (!strcmp(path, "-"))
		ret = write_snapshot(STDOUT_FILENO, data);
	else if (stat(path, &st))
		ret = errno == ENOENT ? write_atomically(data, path) : -errno;
	else if (S_ISDIR(st.st_mode))
		ret = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		ret = write_in_place(data, path);
	else
		ret = realpath(path, resolved) ? write_atomically(data, resolved) : -errno;
	return ret ? file_fail(error, ret) : 0;
}
