// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ktap.h"

static unsigned int ktap_number, ktap_failed;

void ktap_start(void)
{
	/* What a crash leaves behind should end where it happened. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("KTAP version 1");
}

bool ktap_ok(bool ok, const char *fmt, ...)
{
	va_list args;

	printf("%sok %u ", ok ? "" : "not ", ++ktap_number);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	ktap_failed += !ok;
	return ok;
}

void ktap_skip(const char *reason, const char *fmt, ...)
{
	va_list args;

	printf("ok %u ", ++ktap_number);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(" # SKIP %s\n", reason);
}

void ktap_note(const char *fmt, ...)
{
	va_list args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void ktap_bail(const char *fmt, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_Exit(1);
}

int ktap_end(void)
{
	printf("1..%u\n", ktap_number);
	return ktap_failed ? 1 : 0;
}
