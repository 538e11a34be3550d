/* SPDX-License-Identifier: GPL-2.0-only */
/* What the suites share: providers that are fakes, and those that are not. */
#ifndef _MEMDIAG_KUNIT_H
#define _MEMDIAG_KUNIT_H

#include <kunit/test.h>

/* What memdiag.ko only needs while it is loaded is called here at any time. */
#undef __init
#define __init
#undef __refconst
#define __refconst

#include "../../module/memdiag.h"

/**
 * memdiag_kunit_live() - bring the real providers up, once; for .suite_init
 * @suite: the suite
 *
 * They stay up until the module is unloaded, like those of memdiag.ko.
 *
 * Return: 0 or negative errno.
 */
int memdiag_kunit_live(struct kunit_suite *suite);

/* Skips the case on a kernel without BTF: layouts cannot be known there. */
void memdiag_kunit_need_btf(struct kunit *test);

/* As if a module had gone that lay there. */
void memdiag_kunit_gone(const char *name, unsigned long start, unsigned long size);

/* As if the init of a module had been freed. */
void memdiag_kunit_freed_init(const char *name, unsigned long start, unsigned long size);

/* As if a module came that will lie there. */
void memdiag_kunit_come(struct kunit *test, const char *name, unsigned long start,
			unsigned long size);

/* The record of a fake provider, if its collect is not another one. */
struct fake_record {
	u64 n;
	u64 text;
};

/**
 * struct fake - what the fake provider of a section is to do
 * @nr: records to push: n is 1000000 * section + the record's number
 * @text: printf format of the text, gets n; NULL: the empty string
 * @partial: mark partial with this reason, unless NULL
 * @error: what collect returns when all is pushed
 * @finish_error: the same for finish
 * @collect: to be called instead, unless NULL
 * @walks: counts calls of collect
 * @finishes: counts calls of finish
 */
struct fake {
	unsigned int nr;
	const char *text;
	const char *partial;
	int error;
	int finish_error;
	int (*collect)(struct memdiag_sink *sink);
	unsigned int walks;
	unsigned int finishes;
};

extern struct fake memdiag_kunit_fakes[MEMDIAG_NR_SECTIONS];
extern struct memdiag_provider memdiag_kunit_providers[MEMDIAG_NR_SECTIONS];
extern struct memdiag_status memdiag_kunit_statuses[MEMDIAG_NR_SECTIONS];

/* For .init: until the case ends, all providers of a snapshot are fakes. */
int memdiag_kunit_fake_begin(struct kunit *test);

/* A snapshot that is put when the case ends; fails the case on an error. */
struct memdiag_bytes *memdiag_kunit_snapshot(struct kunit *test, u64 sections);
/* A value of a finished snapshot; fails the case if there is no such field. */
u64 memdiag_kunit_value(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
			u64 record, const char *field);
/* The same for a string; "-" if it is absent. */
const char *memdiag_kunit_string(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
				 u64 record, const char *field);

#endif /* _MEMDIAG_KUNIT_H */
