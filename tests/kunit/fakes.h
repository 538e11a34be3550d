/* SPDX-License-Identifier: GPL-2.0-only */
/* For the suites that have fakes for all providers: short names, and what they expect. */
#ifndef _MEMDIAG_KUNIT_FAKES_H
#define _MEMDIAG_KUNIT_FAKES_H

#include "kunit.h"

#define fakes		memdiag_kunit_fakes
#define providers	memdiag_kunit_providers
#define statuses	memdiag_kunit_statuses

struct fake *memdiag_kunit_fake_of(const struct memdiag_sink *sink);
#define fake_of		memdiag_kunit_fake_of

/* A finish for a fake: counts, and returns what the fake is told. */
int memdiag_kunit_fake_finish(struct memdiag_sink *sink);
#define fake_finish	memdiag_kunit_fake_finish

/* All @nr records of a section, as a fake makes them. */
void memdiag_kunit_expect_records(struct kunit *test, const struct memdiag_bytes *bytes, u32 id,
				  u64 nr);
#define expect_records	memdiag_kunit_expect_records

/* All tables are where they belong and say what the fakes are. */
void memdiag_kunit_expect_layout(struct kunit *test, const struct memdiag_bytes *bytes);
#define expect_layout	memdiag_kunit_expect_layout

static inline const struct memdiag_section *section_of(const struct memdiag_bytes *bytes, u32 id)
{
	return memdiag_snapshot_section(bytes, id);
}

static inline const char *string_of(const struct memdiag_bytes *bytes, u64 at)
{
	return memdiag_snapshot_string(bytes, at);
}

#endif /* _MEMDIAG_KUNIT_FAKES_H */
