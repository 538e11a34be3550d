// SPDX-License-Identifier: GPL-2.0-only
/* Messages to people: what happened, to what: why; what to do next. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memdiagctl.h"

/* Text from a snapshot must not send escape sequences to a terminal. */
void print_safe(FILE *stream, const char *text)
{
	for (; *text; text++) {
		unsigned char c = *text;

		if (c < ' ' || c == 0x7f)
			fprintf(stream, "\\x%02x", c);
		else
			fputc(c, stream);
	}
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
