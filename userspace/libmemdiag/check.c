// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks of a snapshot, all of them once and before the first getter runs: bounds and
 * alignment of every table, every string offset including those in the records, the checksum
 * if there is one. What a newer module appends (longer tables, unknown sections, types, units,
 * states) is not an error.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "internal.h"

/*
 * Section bits live in a 64-bit mask, so no module can have more. The limits on
 * fields and their names only bound the search for duplicates.
 */
#define MAX_SECTIONS 64
#define MAX_FIELDS 4096
#define MAX_NAME 255
/*
 * The texts of all records together, in bytes per byte of the snapshot. Records share
 * strings, and a string may be the end of another, so that a small file could stand for
 * gigabytes of text. A path of 4 KiB in each record, for each of its fields that are
 * paths, is less.
 */
#define MAX_TEXT 128

/* CRC-32 of the snapshot as if @header, with a zero checksum, stood at its begin. */
uint32_t memdiag_checksum(const struct memdiag_header *header, const unsigned char *bytes,
			  size_t size)
{
	struct memdiag_header copy = *header;
	unsigned long crc;

	copy.checksum = 0;
	crc = crc32_z(0, (const void *)&copy, sizeof(copy));
	return crc32_z(crc, bytes + sizeof(copy), size - sizeof(copy));
}

/* What can be said from the first bytes; @size is what there is of them. */
int memdiag_check_header(const struct memdiag_header *h, size_t size, struct memdiag_error *error)
{
	size_t magic = size < sizeof(h->magic) ? size : sizeof(h->magic);

	if (!size)
		return memdiag_refuse(error, -EBADMSG, "empty, not a memdiag snapshot");
	if (memcmp(h->magic, MEMDIAG_MAGIC, magic))
		return memdiag_refuse(error, -EBADMSG, "wrong magic, not a memdiag snapshot");
	if (size < sizeof(*h))
		return memdiag_refuse(error, -EBADMSG, "truncated: wanted %zu bytes, got %zu",
				      sizeof(*h), size);
	if (h->byte_order == __builtin_bswap32(MEMDIAG_BYTE_ORDER))
		return memdiag_refuse(error, -EPROTONOSUPPORT,
				      "written by a machine of the other byte order");
	if (h->byte_order != MEMDIAG_BYTE_ORDER)
		return memdiag_refuse(error, -EBADMSG, "byte order mark 0x%08x is damaged",
				      h->byte_order);
	if (h->format_major != MEMDIAG_FORMAT_MAJOR)
		return memdiag_refuse(error, -EPROTONOSUPPORT,
				      "format version %u.%u is %s than %u, the one known here",
				      h->format_major, h->format_minor,
				      h->format_major > MEMDIAG_FORMAT_MAJOR ? "newer" : "older",
				      MEMDIAG_FORMAT_MAJOR);
	if (h->header_size < sizeof(*h) || h->header_size % 8)
		return memdiag_refuse(error, -EBADMSG, "bad header size %u", h->header_size);
	if (h->total_size < h->header_size)
		return memdiag_refuse(error, -EBADMSG, "total size %llu is less than the header",
				      (unsigned long long)h->total_size);
	return 0;
}

/*
 * A table of @count entries of @step bytes: lies between the header and the
 * end, aligned, and all tables together fit: *@room shrinks by its length.
 * The latter keeps tables that lie upon each other from making a small file
 * expensive to read.
 */
static bool table_fits(const struct memdiag_header *h, uint64_t offset, uint64_t count,
		       uint64_t step, uint64_t *room)
{
	uint64_t length;

	if (offset % 8)
		return false;
	if (__builtin_mul_overflow(count, step, &length))
		return false;
	if (!length)
		return offset <= h->total_size;
	if (offset < h->header_size || offset > h->total_size || length > h->total_size - offset ||
	    length > *room)
		return false;
	*room -= length;
	return true;
}

static bool string_fits(const struct memdiag_header *h, uint64_t string)
{
	return string < h->strings_size;
}

/* Names are words: they become columns, JSON keys and parts of comma lists. */
static bool name_fits(const struct memdiag_data *data, uint64_t string)
{
	const char *name;

	if (!string_fits(memdiag_data_header(data), string))
		return false;
	name = memdiag_data_string(data, string);
	for (size_t n = 0; n <= MAX_NAME; n++) {
		if (!name[n])
			return n > 0;
		if (name[n] <= ' ' || name[n] > '~' || name[n] == ',')
			return false;
	}
	return false;
}

static int check_strings(const struct memdiag_data *data, uint64_t *room,
			 struct memdiag_error *error)
{
	const struct memdiag_header *h = memdiag_data_header(data);

	if (!h->strings_size || !table_fits(h, h->strings, h->strings_size, 1, room))
		return memdiag_refuse(error, -EBADMSG, "string table lies outside of the snapshot");
	if (data->bytes[h->strings] || data->bytes[h->strings + h->strings_size - 1])
		return memdiag_refuse(error, -EBADMSG, "string table is not NUL-terminated");
	if (!string_fits(h, h->version))
		return memdiag_refuse(error, -EBADMSG, "version lies outside of the string table");
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names are good ones; none may be there twice. */
static int check_duplicates(const struct memdiag_data *data, const struct memdiag_section *s,
			    const char *name, struct memdiag_error *error)
{
	const char **names = calloc(s->nr_fields + 1, sizeof(*names));
	int ret = 0;

	if (!names)
		return memdiag_refuse(error, -ENOMEM, "out of memory");
	for (uint32_t n = 0; n < s->nr_fields; n++)
		names[n] = memdiag_field_name(data, memdiag_field(data, s, n));
	qsort(names, s->nr_fields, sizeof(*names), compare_names);
	for (uint32_t n = 1; !ret && n < s->nr_fields; n++)
		if (!strcmp(names[n - 1], names[n]))
			ret = memdiag_refuse(error, -EBADMSG, "section '%s' has field '%s' twice",
					     name, names[n]);
	free(names);
	return ret;
}

static int check_fields(const struct memdiag_data *data, const struct memdiag_section *s,
			const char *name, struct memdiag_error *error)
{
	const struct memdiag_header *h = memdiag_data_header(data);

	for (uint32_t n = 0; n < s->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(data, s, n);

		if (!name_fits(data, f->name) || !string_fits(h, f->help))
			return memdiag_refuse(error, -EBADMSG,
					      "section '%s' field %u has a bad name", name, n);
		if (s->nr_records &&
		    (f->offset % 8 || s->record_size < 8 || f->offset > s->record_size - 8))
			return memdiag_refuse(error, -EBADMSG,
					      "section '%s' field '%s' lies outside of its record",
					      name, memdiag_data_string(data, f->name));
	}
	return check_duplicates(data, s, name, error);
}

/* The texts of the section are taken off @text. */
static int check_values(const struct memdiag_data *data, const struct memdiag_section *s,
			const char *name, uint64_t *text, struct memdiag_error *error)
{
	const struct memdiag_header *h = memdiag_data_header(data);

	for (uint32_t n = 0; n < s->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(data, s, n);

		if (f->type != MEMDIAG_TYPE_STR)
			continue;
		for (uint64_t r = 0; r < s->nr_records; r++) {
			uint64_t value = memdiag_value(data, s, r, f);

			uint64_t length;

			if (value == MEMDIAG_ABSENT)
				continue;
			if (!string_fits(h, value))
				return memdiag_refuse(error, -EBADMSG,
						      "section '%s' record %" PRIu64
						      ": '%s' lies outside of the string table",
						      name, r, memdiag_field_name(data, f));
			length = strlen(memdiag_data_string(data, value));
			if (length > *text)
				return memdiag_refuse(
					error, -EBADMSG,
					"section '%s': the texts of all records are more than %u times as long as the snapshot",
					name, MAX_TEXT);
			*text -= length;
		}
	}
	return 0;
}

static int check_section(const struct memdiag_data *data, uint32_t n, uint64_t *room,
			 uint64_t *text, struct memdiag_error *error)
{
	const struct memdiag_header *h = memdiag_data_header(data);
	const struct memdiag_section *s = memdiag_data_section(data, n);
	const char *name;
	int ret;

	if (!name_fits(data, s->name) || !string_fits(h, s->help) || !string_fits(h, s->reason))
		return memdiag_refuse(error, -EBADMSG, "section %u has a bad name, help or reason",
				      n);
	name = memdiag_section_name(data, s);
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(name, memdiag_section_name(data, memdiag_data_section(data, i))))
			return memdiag_refuse(error, -EBADMSG, "section '%s' is there twice", name);
	if (s->nr_fields && (s->field_size < sizeof(struct memdiag_field) || s->field_size % 8))
		return memdiag_refuse(error, -EBADMSG, "section '%s' has a bad field size %u", name,
				      s->field_size);
	if (s->nr_fields > MAX_FIELDS ||
	    !table_fits(h, s->fields, s->nr_fields, s->field_size, room))
		return memdiag_refuse(error, -EBADMSG,
				      "section '%s' fields lie outside of the snapshot", name);
	if (s->nr_records && !s->nr_fields)
		return memdiag_refuse(error, -EBADMSG, "section '%s' has records without fields",
				      name);
	/* One word per field at least, which also bounds the work per byte of the file. */
	if (s->nr_records &&
	    (!s->record_size || s->record_size % 8 || s->record_size / 8 < s->nr_fields))
		return memdiag_refuse(error, -EBADMSG, "section '%s' has a bad record size %u",
				      name, s->record_size);
	if (!table_fits(h, s->records, s->nr_records, s->record_size, room))
		return memdiag_refuse(error, -EBADMSG,
				      "section '%s' records lie outside of the snapshot", name);
	ret = check_fields(data, s, name, error);
	if (ret)
		return ret;
	return check_values(data, s, name, text, error);
}

/* Internal: checks everything in @data, of which bytes and size are set. */
int memdiag_check(const struct memdiag_data *data, struct memdiag_error *error)
{
	const struct memdiag_header *h = memdiag_data_header(data);
	uint64_t room, text;
	int ret;

	ret = memdiag_check_header(h, data->size, error);
	if (ret)
		return ret;
	if (data->size < h->total_size)
		return memdiag_refuse(error, -EBADMSG, "truncated: wanted %llu bytes, got %zu",
				      (unsigned long long)h->total_size, data->size);
	if (data->size > h->total_size)
		return memdiag_refuse(error, -EBADMSG,
				      "more data than the %llu bytes of the snapshot",
				      (unsigned long long)h->total_size);
	if (h->flags & MEMDIAG_HEADER_CHECKSUM) {
		uint32_t sum = memdiag_checksum(h, data->bytes, data->size);

		if (sum != h->checksum)
			return memdiag_refuse(error, -EBADMSG,
					      "checksum mismatch: wanted 0x%08x, got 0x%08x",
					      h->checksum, sum);
	} else if (h->checksum) {
		/* A flipped flag must not disable the check. */
		return memdiag_refuse(error, -EBADMSG, "checksum without its flag");
	}

	room = h->total_size - h->header_size;
	ret = check_strings(data, &room, error);
	if (ret)
		return ret;
	if (h->section_size < sizeof(struct memdiag_section) || h->section_size % 8)
		return memdiag_refuse(error, -EBADMSG, "bad section size %u", h->section_size);
	if (h->nr_sections > MAX_SECTIONS ||
	    !table_fits(h, h->sections, h->nr_sections, h->section_size, &room))
		return memdiag_refuse(error, -EBADMSG,
				      "section table lies outside of the snapshot");
	text = (uint64_t)data->size * MAX_TEXT;
	for (uint32_t n = 0; n < h->nr_sections; n++) {
		ret = check_section(data, n, &room, &text, error);
		if (ret)
			return ret;
	}
	return 0;
}
