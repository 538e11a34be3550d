// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

/* Some files refuse to be asked for more than the kernel can allocate at once. */
#define FILE_READ_MAX (1 << 20)

/* One large buffer, kept: reading must not make the machine move more than it has to. */
static char *file_slurp(const char *path)
{
	static char *buffer;
	static size_t size;
	size_t used = 0, room;
	ssize_t n;
	int error, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (used + 1 >= size) {
			size = size ? size * 2 : 1 << 20;
			buffer = realloc(buffer, size);
			if (!buffer)
				abort();
		}
		room = size - used - 1;
		n = read(fd, buffer + used, room < FILE_READ_MAX ? room : FILE_READ_MAX);
		if (n > 0)
			used += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return NULL;
	buffer[used] = '\0';
	return strdup(buffer);
}

char *file_read(const char *fmt, ...)
{
	char path[4200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return file_slurp(path);
}

bool file_number(long long *number, const char *fmt, ...)
{
	char path[4200], *text, *end;
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	text = file_slurp(path);
	if (!text)
		return false;
	*number = strtoll(text, &end, 0);
	free(text);
	return end != text;
}

int file_write(const char *path, const char *text)
{
	int error = 0, fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

char *file_line(char **text)
{
	char *line;

	if (!*text || !**text)
		return NULL;
	line = strsep(text, "\n");
	return line;
}

char *file_word(char **line)
{
	char *word;

	do {
		word = *line ? strsep(line, " \t") : NULL;
	} while (word && !*word);
	return word;
}
