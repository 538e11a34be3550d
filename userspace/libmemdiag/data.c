// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checked form of a snapshot and the getters on it.
 *
 * Everything is checked here, once and before the first getter runs: bounds
 * and alignment of every table, every string offset including those in the
 * records, the checksum if there is one. What a newer module appends (longer
 * tables, unknown sections, types, units, states) is not an error.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* Internal: fills in the sentence and hands the code through. */
int memdiag_refuse(struct memdiag_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error) {
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
	}
	return code;
}

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

/**
 * memdiag_data_parse() - copy and check a snapshot
 * @bytes: the snapshot, untrusted, any alignment
 * @size: number of bytes
 * @error: filled in on failure, may be NULL
 * @data: the result, to be freed with memdiag_data_free()
 *
 * Return: 0, -EBADMSG if it is damaged or stands for more text than any snapshot of its
 * size, -EPROTONOSUPPORT if it has another major version or byte order, -ENOMEM.
 */
int memdiag_data_parse(const void *bytes, size_t size, struct memdiag_error *error,
		       struct memdiag_data **data)
{
	struct memdiag_header header = {};
	struct memdiag_data *d;
	unsigned char *copy;
	int ret;

	/* Also makes sure that what is read of the copy is there. */
	memcpy(&header, bytes, size < sizeof(header) ? size : sizeof(header));
	ret = memdiag_check_header(&header, size, error);
	if (ret)
		return ret;
	d = calloc(1, sizeof(*d));
	copy = malloc(size);
	if (!d || !copy) {
		free(copy);
		free(d);
		return memdiag_refuse(error, -ENOMEM, "out of memory");
	}
	memcpy(copy, bytes, size);
	d->bytes = copy;
	d->size = size;
	ret = memdiag_check(d, error);
	if (ret) {
		memdiag_data_free(d);
		return ret;
	}
	*data = d;
	return 0;
}

/**
 * memdiag_data_free() - free a snapshot
 * @data: the snapshot or NULL; nothing obtained from it may be used any more
 */
void memdiag_data_free(struct memdiag_data *data)
{
	if (!data)
		return;
	if (data->mapped)
		munmap((void *)data->bytes, data->size);
	else
		free((void *)data->bytes);
	free(data);
}

/**
 * memdiag_data_header() - the header
 * @data: the snapshot
 *
 * Return: the header; its @header_size may be larger than known here.
 */
const struct memdiag_header *memdiag_data_header(const struct memdiag_data *data)
{
	return (const void *)data->bytes;
}

/**
 * memdiag_data_string() - a string of the string table
 * @data: the snapshot
 * @string: offset of the string, from a member that is checked at load
 *
 * Return: the string.
 */
const char *memdiag_data_string(const struct memdiag_data *data, uint64_t string)
{
	return (const char *)data->bytes + memdiag_data_header(data)->strings + string;
}

/**
 * memdiag_data_section() - the n-th entry of the section table
 * @data: the snapshot
 * @n: less than the header's nr_sections
 *
 * Return: the section.
 */
const struct memdiag_section *memdiag_data_section(const struct memdiag_data *data, uint32_t n)
{
	const struct memdiag_header *h = memdiag_data_header(data);

	return (const void *)(data->bytes + h->sections + (size_t)n * h->section_size);
}

/**
 * memdiag_data_find() - a section by its name
 * @data: the snapshot
 * @name: exact name
 *
 * Return: the section or NULL.
 */
const struct memdiag_section *memdiag_data_find(const struct memdiag_data *data, const char *name)
{
	for (uint32_t n = 0; n < memdiag_data_header(data)->nr_sections; n++) {
		const struct memdiag_section *s = memdiag_data_section(data, n);

		if (!strcmp(memdiag_section_name(data, s), name))
			return s;
	}
	return NULL;
}

/**
 * memdiag_section_name() - the name of a section
 * @data: the snapshot
 * @section: a section of it
 *
 * Return: the name, never empty.
 */
const char *memdiag_section_name(const struct memdiag_data *data,
				 const struct memdiag_section *section)
{
	return memdiag_data_string(data, section->name);
}

/**
 * memdiag_section_has_records() - was the section collected?
 * @section: the section
 *
 * Return: true if its records, possibly none, say something about the machine.
 */
bool memdiag_section_has_records(const struct memdiag_section *section)
{
	return section->state == MEMDIAG_STATE_OK || section->state == MEMDIAG_STATE_PARTIAL;
}

/**
 * memdiag_field() - the n-th field of a section
 * @data: the snapshot
 * @section: a section of it
 * @n: less than the section's nr_fields
 *
 * Return: the field.
 */
const struct memdiag_field *memdiag_field(const struct memdiag_data *data,
					  const struct memdiag_section *section, uint32_t n)
{
	return (const void *)(data->bytes + section->fields + (size_t)n * section->field_size);
}

/**
 * memdiag_field_find() - a field by its name
 * @data: the snapshot
 * @section: a section of it
 * @name: exact name
 *
 * Return: the field or NULL.
 */
const struct memdiag_field *memdiag_field_find(const struct memdiag_data *data,
					       const struct memdiag_section *section,
					       const char *name)
{
	for (uint32_t n = 0; n < section->nr_fields; n++) {
		const struct memdiag_field *f = memdiag_field(data, section, n);

		if (!strcmp(memdiag_field_name(data, f), name))
			return f;
	}
	return NULL;
}

/**
 * memdiag_field_number() - where a field stands among those of its section
 * @data: the snapshot
 * @section: a section of it
 * @field: a field of the section
 *
 * Return: the @n that memdiag_field() takes for it.
 */
uint32_t memdiag_field_number(const struct memdiag_data *data,
			      const struct memdiag_section *section,
			      const struct memdiag_field *field)
{
	const unsigned char *first = data->bytes + section->fields;

	return ((const unsigned char *)field - first) / section->field_size;
}

/**
 * memdiag_field_name() - the name of a field
 * @data: the snapshot
 * @field: a field of it
 *
 * Return: the name, never empty.
 */
const char *memdiag_field_name(const struct memdiag_data *data, const struct memdiag_field *field)
{
	return memdiag_data_string(data, field->name);
}

/**
 * memdiag_value() - the word of one field of one record
 * @data: the snapshot
 * @section: a section of it
 * @record: less than the section's nr_records
 * @field: a field of the section
 *
 * Return: the word; the field's type says what it means.
 */
uint64_t memdiag_value(const struct memdiag_data *data, const struct memdiag_section *section,
		       uint64_t record, const struct memdiag_field *field)
{
	uint64_t value;

	memcpy(&value,
	       data->bytes + section->records + record * section->record_size + field->offset,
	       sizeof(value));
	return value;
}

/**
 * memdiag_value_is_absent() - could the value not be read?
 * @value: the word
 *
 * Return: true if it is missing, whatever the type.
 */
bool memdiag_value_is_absent(uint64_t value)
{
	return value == MEMDIAG_ABSENT;
}

/**
 * memdiag_value_is_unlimited() - is the value a limit that is not set?
 * @field: its field
 * @value: the word
 *
 * Return: true if it is "max". Only unsigned numbers are limits: for the other
 * types the same word is an address or -2.
 */
bool memdiag_value_is_unlimited(const struct memdiag_field *field, uint64_t value)
{
	return field->type == MEMDIAG_TYPE_U64 && value == MEMDIAG_UNLIMITED;
}

/**
 * memdiag_field_is_number() - do sums and differences of it make sense?
 * @field: the field
 *
 * Return: true for signed and unsigned numbers.
 */
bool memdiag_field_is_number(const struct memdiag_field *field)
{
	return field->type == MEMDIAG_TYPE_U64 || field->type == MEMDIAG_TYPE_S64;
}

/**
 * memdiag_field_scale() - bytes per unit
 * @data: the snapshot
 * @field: a field of it
 *
 * Return: by what to multiply a value to have bytes, 0 if it is no number or no amount
 * of memory.
 */
uint64_t memdiag_field_scale(const struct memdiag_data *data, const struct memdiag_field *field)
{
	if (!memdiag_field_is_number(field))
		return 0;
	switch (field->unit) {
	case MEMDIAG_UNIT_BYTES:
		return 1;
	case MEMDIAG_UNIT_PAGES:
		return memdiag_data_header(data)->page_size;
	case MEMDIAG_UNIT_KBYTES:
		return 1024;
	default:
		return 0;
	}
}

/**
 * memdiag_get() - a value by the name of its field, if that is of the type expected
 * @data: the snapshot
 * @section: a section of it
 * @record: less than the section's nr_records
 * @name: name of the field
 * @type: type that the caller knows how to read
 * @unit: unit that the caller knows how to read
 * @value: the result, the word; for texts an offset into the string table
 *
 * A snapshot may come from anywhere: what its fields are called says nothing about what
 * is in them.
 *
 * Return: 0, -ENOENT if there is no such field, -EINVAL if it is of another type or
 * unit, -ENODATA if the value is absent, -ERANGE if it is unlimited.
 */
int memdiag_get(const struct memdiag_data *data, const struct memdiag_section *section,
		uint64_t record, const char *name, enum memdiag_type type, enum memdiag_unit unit,
		uint64_t *value)
{
	const struct memdiag_field *f = memdiag_field_find(data, section, name);
	uint64_t word;

	if (!f)
		return -ENOENT;
	if (f->type != type || f->unit != unit)
		return -EINVAL;
	word = memdiag_value(data, section, record, f);
	if (memdiag_value_is_absent(word))
		return -ENODATA;
	if (memdiag_value_is_unlimited(f, word))
		return -ERANGE;
	*value = word;
	return 0;
}

/**
 * memdiag_get_u64() - a plain number by the name of its field
 * @data: the snapshot
 * @section: a section of it
 * @record: less than the section's nr_records
 * @name: name of the field
 * @value: the result
 *
 * Return: as memdiag_get(); -EINVAL if it is no unsigned number or has a unit.
 */
int memdiag_get_u64(const struct memdiag_data *data, const struct memdiag_section *section,
		    uint64_t record, const char *name, uint64_t *value)
{
	return memdiag_get(data, section, record, name, MEMDIAG_TYPE_U64, MEMDIAG_UNIT_NONE, value);
}

/**
 * memdiag_get_bytes() - an amount of memory by the name of its field
 * @data: the snapshot
 * @section: a section of it
 * @record: less than the section's nr_records
 * @name: name of the field
 * @bytes: the result, converted to bytes
 *
 * Return: as memdiag_get(); -EINVAL if it is no number or no amount of memory,
 * -EOVERFLOW if it does not fit or is below zero.
 */
int memdiag_get_bytes(const struct memdiag_data *data, const struct memdiag_section *section,
		      uint64_t record, const char *name, uint64_t *bytes)
{
	const struct memdiag_field *f = memdiag_field_find(data, section, name);
	uint64_t value, scale;
	int ret;

	if (!f)
		return -ENOENT;
	scale = memdiag_field_scale(data, f);
	if (!scale)
		return -EINVAL;
	ret = memdiag_get(data, section, record, name, f->type, f->unit, &value);
	if (ret)
		return ret;
	if ((f->type == MEMDIAG_TYPE_S64 && (int64_t)value < 0) ||
	    __builtin_mul_overflow(value, scale, &value))
		return -EOVERFLOW;
	*bytes = value;
	return 0;
}

/**
 * memdiag_get_string() - a text by the name of its field
 * @data: the snapshot
 * @section: a section of it
 * @record: less than the section's nr_records
 * @name: name of the field
 * @string: the result
 *
 * Return: as memdiag_get(); -EINVAL if it is no text.
 */
int memdiag_get_string(const struct memdiag_data *data, const struct memdiag_section *section,
		       uint64_t record, const char *name, const char **string)
{
	uint64_t word;
	int ret = memdiag_get(data, section, record, name, MEMDIAG_TYPE_STR, MEMDIAG_UNIT_NONE,
			      &word);

	if (!ret)
		*string = memdiag_data_string(data, word);
	return ret;
}
