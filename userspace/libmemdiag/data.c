// SPDX-License-Identifier: GPL-2.0-only
/* The checked form of a snapshot and the getters on it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

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
