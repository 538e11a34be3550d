// SPDX-License-Identifier: GPL-2.0-only
/* See build_snapshot.h. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "build_snapshot.h"

static struct build_section *last(struct build *b)
{
	return &b->sections[b->nr_sections - 1];
}

static void *check(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

void build_init(struct build *b)
{
	static const unsigned char boot_id[16] = { 1, 2,  3,  4,  5,  6,  7,  8,
						   9, 10, 11, 12, 13, 14, 15, 16 };

	memset(b, 0, sizeof(*b));
	memcpy(b->header.magic, MEMDIAG_MAGIC, sizeof(b->header.magic));
	memcpy(b->header.boot_id, boot_id, sizeof(boot_id));
	b->header.byte_order = MEMDIAG_BYTE_ORDER;
	b->header.format_major = MEMDIAG_FORMAT_MAJOR;
	b->header.format_minor = MEMDIAG_FORMAT_MINOR;
	b->header.generation = 1;
	b->header.start_ns = 1000000000ull * 3600;
	b->header.end_ns = b->header.start_ns + 2500000;
	b->header.boottime_ns = b->header.start_ns;
	b->header.realtime_ns = 1700000000ull * 1000000000;
	b->header.page_size = 4096;
	b->strings = check(calloc(1, 1));
	b->strings_size = 1;
	b->header.version = build_string(b, "0.1.0");
}

void build_free(struct build *b)
{
	for (unsigned int n = 0; n < b->nr_sections; n++)
		free(b->sections[n].records);
	free(b->strings);
}

uint32_t build_string(struct build *b, const char *string)
{
	uint32_t offset = b->strings_size;
	size_t size = strlen(string) + 1;

	if (size == 1)
		return 0;
	b->strings = check(realloc(b->strings, b->strings_size + size));
	memcpy(b->strings + offset, string, size);
	b->strings_size += size;
	return offset;
}

void build_section(struct build *b, uint32_t id, const char *name)
{
	if (b->nr_sections == BUILD_MAX_SECTIONS)
		abort();
	b->nr_sections++;
	last(b)->s.id = id;
	last(b)->s.name = build_string(b, name);
	last(b)->s.help = build_string(b, "help of a section");
	last(b)->s.state = MEMDIAG_STATE_OK;
	last(b)->s.source = MEMDIAG_SRC_EXPORT;
	last(b)->s.collect_ns = 150000;
	last(b)->s.lock_ns = 2300;
}

void build_state(struct build *b, uint32_t state, int error, const char *reason)
{
	last(b)->s.state = state;
	last(b)->s.error = error;
	last(b)->s.reason = build_string(b, reason);
}

void build_field(struct build *b, const char *name, uint16_t type, uint16_t unit, uint16_t kind,
		 uint16_t flags)
{
	struct build_section *s = last(b);

	if (s->s.nr_fields == BUILD_MAX_FIELDS)
		abort();
	s->fields[s->s.nr_fields] = (struct memdiag_field){
		.name = build_string(b, name),
		.help = build_string(b, "what it counts"),
		.type = type,
		.unit = unit,
		.kind = kind,
		.flags = flags,
		.offset = s->s.nr_fields * 8,
		.source = MEMDIAG_SRC_EXPORT,
	};
	s->s.nr_fields++;
}

void build_record(struct build *b, const char *const *values)
{
	struct build_section *s = last(b);
	uint64_t *record;

	s->records = check(realloc(s->records, (s->s.nr_records + 1) * s->s.nr_fields * 8));
	record = s->records + s->s.nr_records++ * s->s.nr_fields;
	for (unsigned int n = 0; n < s->s.nr_fields; n++) {
		if (!strcmp(values[n], "-"))
			record[n] = MEMDIAG_ABSENT;
		else if (s->fields[n].type == MEMDIAG_TYPE_STR)
			record[n] = build_string(b, values[n]);
		else if (!strcmp(values[n], "max"))
			record[n] = MEMDIAG_UNLIMITED;
		else
			record[n] = strtoull(values[n], NULL, 0);
	}
}

static uint64_t align8(uint64_t value)
{
	return (value + 7) & ~7ull;
}

unsigned char *build_finish(struct build *b, size_t *size)
{
	struct memdiag_header *h = &b->header;
	unsigned char *bytes;
	uint64_t at;

	h->header_size = sizeof(*h) + b->extra_header;
	h->section_size = sizeof(struct memdiag_section) + b->extra_section;
	h->nr_sections = b->nr_sections;
	h->sections = h->header_size;
	at = h->sections + h->nr_sections * h->section_size;
	for (unsigned int n = 0; n < b->nr_sections; n++) {
		struct memdiag_section *s = &b->sections[n].s;

		s->field_size = sizeof(struct memdiag_field) + b->extra_field;
		s->record_size = s->nr_fields * 8 + b->extra_record;
		s->fields = at;
		s->records = at + s->nr_fields * s->field_size;
		at = s->records + s->nr_records * s->record_size;
	}
	h->strings = at;
	h->strings_size = b->strings_size;
	h->total_size = align8(at + b->strings_size);

	/* 0xa5 in what a newer module appends: a reader must not look there. */
	bytes = check(malloc(h->total_size));
	memset(bytes, 0xa5, h->total_size);
	memcpy(bytes, h, sizeof(*h));
	for (unsigned int n = 0; n < b->nr_sections; n++) {
		struct build_section *s = &b->sections[n];

		memcpy(bytes + h->sections + n * h->section_size, &s->s, sizeof(s->s));
		for (unsigned int i = 0; i < s->s.nr_fields; i++)
			memcpy(bytes + s->s.fields + i * s->s.field_size, &s->fields[i],
			       sizeof(s->fields[i]));
		for (uint64_t i = 0; i < s->s.nr_records; i++)
			memcpy(bytes + s->s.records + i * s->s.record_size,
			       s->records + i * s->s.nr_fields, s->s.nr_fields * 8);
	}
	memcpy(bytes + h->strings, b->strings, b->strings_size);
	memset(bytes + h->strings + b->strings_size, 0,
	       h->total_size - h->strings - b->strings_size);
	*size = h->total_size;
	return bytes;
}

void build_checksum(unsigned char *bytes, size_t size)
{
	struct memdiag_header *h = (void *)bytes;

	h->flags |= MEMDIAG_HEADER_CHECKSUM;
	h->checksum = 0;
	h->checksum = crc32(crc32(0, NULL, 0), bytes, size);
}
