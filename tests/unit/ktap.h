/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Just enough KTAP for one test program: main() calls RUN() for each test and
 * returns ktap_done(). CHECK() says where it failed and goes on.
 */
#ifndef _KTAP_H
#define _KTAP_H

#include <stdio.h>

static int ktap_count, ktap_failed, ktap_bad;

#define CHECK(condition)                                                         \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			ktap_bad = 1;                                            \
		}                                                                \
	} while (0)

#define RUN(test)                                                                      \
	do {                                                                           \
		ktap_bad = 0;                                                          \
		test();                                                                \
		ktap_failed += ktap_bad;                                               \
		printf("%sok %d - %s\n", ktap_bad ? "not " : "", ++ktap_count, #test); \
		fflush(stdout);                                                        \
	} while (0)

static inline int ktap_done(void)
{
	printf("1..%d\n", ktap_count);
	return ktap_failed ? 1 : 0;
}

#endif /* _KTAP_H */
