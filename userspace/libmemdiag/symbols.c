// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses of symbols: /proc/kallsyms, or a System.map, which looks the same.
 *
 * A line is "address type name", in kallsyms with "\t[module]" behind it. The file
 * may be anything that a user took for a System.map, so it is read to its end and
 * refused as a whole if a line is something else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* The largest ones have 30 MiB. */
#define MAX_MAP_SIZE (256ul << 20)
/* The kernel's longest names have 512. */
#define MAX_LINE 1024

struct line {
	uint64_t address;
	const char *name;
	size_t name_length;
	bool in_module;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool parse_line(const char *text, struct line *line)
{
	const char *at = text;

	line->address = 0;
	for (; hex_digit(*at) >= 0; at++)
		line->address = line->address << 4 | hex_digit(*at);
	if (at - text < 8 || at - text > 16 || *at++ != ' ')
		return false;
	/* The type: a letter, or a sign for what has none. */
	if (*at <= ' ' || *at > '~' || at[1] != ' ')
		return false;
	at += 2;
	line->name = at;
	line->name_length = strcspn(at, " \t");
	at += line->name_length;
	line->in_module = *at == '\t';
	return line->name_length && (!*at || (line->in_module && at[1] == '['));
}

static void take_line(const struct line *line, struct memdiag_symbol *symbols, size_t nr)
{
	if (line->in_module)
		return;
	for (size_t n = 0; n < nr; n++) {
		struct memdiag_symbol *s = &symbols[n];

		if (strncmp(s->name, line->name, line->name_length) || s->name[line->name_length])
			continue;
		if (s->found && s->address != line->address)
			s->ambiguous = true;
		s->found = true;
		s->address = line->address;
	}
}

/* Internal: memdiag_symbols_read() from an open stream. */
int memdiag_symbols_parse(FILE *stream, struct memdiag_symbol *symbols, size_t nr,
			  struct memdiag_error *error)
{
	char text[MAX_LINE + 1];
	unsigned long nr_lines = 0;
	size_t length = 0, total = 0;
	struct line line;
	int c;

	for (size_t n = 0; n < nr; n++)
		symbols[n].found = symbols[n].ambiguous = false;
	while ((c = getc_unlocked(stream)) != EOF) {
		if (++total > MAX_MAP_SIZE)
			return memdiag_refuse(error, -EFBIG, "it is too large for a System.map");
		if (c != '\n') {
			if (length == MAX_LINE || (c < ' ' && c != '\t') || c > '~')
				return memdiag_refuse(error, -EBADMSG,
						      "it is no System.map: line %lu is no text",
						      nr_lines + 1);
			text[length++] = c;
			continue;
		}
		text[length] = '\0';
		nr_lines++;
		if (!parse_line(text, &line))
			return memdiag_refuse(error, -EBADMSG,
					      "it is no System.map: line %lu is '%.100s'", nr_lines,
					      text);
		take_line(&line, symbols, nr);
		length = 0;
	}
	if (ferror(stream))
		return memdiag_refuse(error, -errno, "%s", strerror(errno));
	if (length)
		return memdiag_refuse(error, -EBADMSG, "it is cut short in line %lu", nr_lines + 1);
	if (!nr_lines)
		return memdiag_refuse(error, -EBADMSG, "it is empty");
	return 0;
}

/**
 * memdiag_symbols_read() - look symbols up in a System.map
 * @path: the file, or /proc/kallsyms
 * @symbols: in: names; out: whether each was found, and where
 * @nr: number of @symbols
 * @error: filled in on failure, may be NULL
 *
 * Symbols of modules do not count. One that stands there with several addresses
 * is found and ambiguous. The kernel hides addresses as zeros.
 *
 * Return: 0, what open() or read() says, -EINVAL if it is neither a regular file
 * nor in /proc, -EFBIG, -EBADMSG if it is no System.map.
 */
int memdiag_symbols_read(const char *path, struct memdiag_symbol *symbols, size_t nr,
			 struct memdiag_error *error)
{
	struct stat st;
	FILE *stream;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return memdiag_refuse(error, -errno, "%s", strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return memdiag_refuse(error, -EINVAL, "it is no regular file");
	}
	stream = fdopen(fd, "r");
	if (!stream) {
		close(fd);
		return memdiag_refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	ret = memdiag_symbols_parse(stream, symbols, nr, error);
	fclose(stream);
	return ret;
}
