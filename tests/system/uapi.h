/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of uapi share: asking /dev/memdiag; and the parts themselves. */
#ifndef _TESTS_UAPI_H
#define _TESTS_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snap.h"

#define ALL ((1ull << MEMDIAG_NR_SECTIONS) - 1)

/* The size of one. */
extern size_t page;

/* Opens it; bails out if that fails. */
int device(void);
/* 0 or the errno. */
int ask(int fd, unsigned long cmd, void *arg);
/* SNAPSHOT; @bytes, unless NULL: how long it is. 0 or the errno. */
int take(int fd, uint64_t sections, uint64_t *bytes);
/* Bytes that all snapshots take. */
uint64_t held(void);
/* One result: two errnos. */
void expect(int got, int want, const char *what);
/* All bytes of a file's snapshot, to be freed. */
char *contents(int fd, size_t *size);
/* One result: the file's snapshot is still what contents() said before. */
void unharmed(int fd, const char *before, size_t size, const char *what);

/* uapi_args.c */
void sizes(void);
void first_version(void);
void tail_untouched(void);
void values(void);
void pointers(void);

/* uapi_snapshot.c */
void sections(void);
void generation(void);
void reading(void);
void mapping(void);
void addresses(void);
/* How many words, and strings unless @records_only, look like an address. */
unsigned int kernel_pointers(const struct snap *snap, bool records_only);

/* uapi_many.c */
void concurrent(unsigned int seconds);
void killed(void);
void limit(void);
/* limit() by itself, a whole test. */
int only_limit(unsigned int mib);

#endif /* _TESTS_UAPI_H */
