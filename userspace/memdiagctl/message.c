// SPDX-License-Identifier: GPL-2.0-only
/* Messages to people: what happened, to what: why; what to do next. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "memdiagctl.h"

/*
 * Every text that is not our own goes through here: from a snapshot, a module, the command
 * line. It must not send escape sequences to a terminal nor pretend to be another line, so
 * that bytes which are no printable character of the locale are shown as \x1b.
 */
void print_safe_part(FILE *stream, const char *text, size_t length)
{
	for (size_t size; length; text += size, length -= size) {
		mbstate_t state = {};
		wchar_t wide;

		size = mbrtowc(&wide, text, length, &state);
		if (!size || size > length) {
			size = 1;
			wide = L'\0';
		}
		if (iswprint(wide))
			fwrite(text, 1, size, stream);
		else
			for (size_t n = 0; n < size; n++)
				fprintf(stream, "\\x%02x", (unsigned char)text[n]);
	}
}

void print_safe(FILE *stream, const char *text)
{
	print_safe_part(stream, text, strlen(text));
}

/* Messages that wait, as something else is on the screen; NULL if none have to. */
static FILE *held;
static char *held_text;
static size_t held_size;

/* From now on messages wait for message_release(). */
void message_hold(void)
{
	held = must(open_memstream(&held_text, &held_size));
}

/* Prints what waited; does nothing if messages do not wait. */
void message_release(void)
{
	FILE *stream = held;

	if (!stream)
		return;
	held = NULL;
	fclose(stream);
	fputs(held_text, stderr);
	free(held_text);
}

static void message(const char *format, va_list args)
{
	FILE *stream = held ? held : stderr;
	char *text;

	if (vasprintf(&text, format, args) < 0)
		no_memory();
	fputs("memdiagctl: ", stream);
	print_safe(stream, text);
	fputc('\n', stream);
	free(text);
}

/* Says something on stderr. */
void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
}

/* The command line is wrong. Return: STATUS_USAGE. */
int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
	return STATUS_USAGE;
}

/* It cannot be done here. Return: STATUS_CANNOT. */
int cannot(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
	return STATUS_CANNOT;
}

void no_memory(void)
{
	fputs("memdiagctl: cannot go on: out of memory\n", stderr);
	exit(STATUS_CANNOT);
}

/* For allocations: NULL ends the program. */
void *must(void *memory)
{
	if (!memory)
		no_memory();
	return memory;
}
