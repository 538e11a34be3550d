/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files of the kernel, whole. */
#ifndef _TESTS_FILE_H
#define _TESTS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* The text, NUL-terminated, to be freed; NULL and errno if it cannot be read. */
char *file_read(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Its number in decimal or 0x...; false if there is none. */
bool file_number(long long *number, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Write text; 0 or -errno. */
int file_write(const char *path, const char *text);
/* The next line, cut off and NUL-terminated; NULL at the end. */
char *file_line(char **text);
/* The next word of a line, cut off; NULL at the end. */
char *file_word(char **line);

#endif /* _TESTS_FILE_H */
