/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds valid snapshots in memory, as uapi/memdiag.h says, so that host tests
 * need no kernel. Sections are added one by one, each with its fields and then
 * its records; build_finish() lays them out.
 */
#ifndef _BUILD_SNAPSHOT_H
#define _BUILD_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "memdiag.h"

#define BUILD_MAX_SECTIONS 40
#define BUILD_MAX_FIELDS 256

struct build_section {
	struct memdiag_section s;
	struct memdiag_field fields[BUILD_MAX_FIELDS];
	uint64_t *records;
};

/*
 * @extra_*: bytes that a newer module would append to each table entry, a
 * multiple of eight. The rest is private.
 */
struct build {
	struct memdiag_header header;
	uint32_t extra_header;
	uint32_t extra_section;
	uint32_t extra_field;
	uint32_t extra_record;
	struct build_section sections[BUILD_MAX_SECTIONS];
	unsigned int nr_sections;
	char *strings;
	size_t strings_size;
};

void build_init(struct build *b);
void build_free(struct build *b);
uint32_t build_string(struct build *b, const char *string);
void build_section(struct build *b, uint32_t id, const char *name);
void build_state(struct build *b, uint32_t state, int error, const char *reason);
void build_field(struct build *b, const char *name, uint16_t type, uint16_t unit, uint16_t kind,
		 uint16_t flags);
/* One string per field: a number, "-" for absent, "max", or the text itself. */
void build_record(struct build *b, const char *const *values);
#define RECORD(b, ...) build_record(b, (const char *const[]){ __VA_ARGS__ })
/* Returns malloc()ed bytes. */
unsigned char *build_finish(struct build *b, size_t *size);
/* Fills in the checksum as "memdiagctl save" does. */
void build_checksum(unsigned char *bytes, size_t size);

#endif /* _BUILD_SNAPSHOT_H */
