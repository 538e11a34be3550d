// SPDX-License-Identifier: GPL-2.0-only
/* Values as text for people; --bytes asks for bytes, nanoseconds and bare numbers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "memdiagctl.h"

/* One byte of the buffer is left for a sign before the number. */
#define NUMBER_SIZE (FORMAT_SIZE - 1)

/* Steps up the units while one decimal would still round up to a full one. */
static void scale(double value, unsigned int step, const char *const *units, unsigned int nr,
		  char *buffer)
{
	unsigned int n = 0;

	while (n + 1 < nr && (n ? value >= step - 0.05 : value >= step)) {
		value /= step;
		n++;
	}
	snprintf(buffer, NUMBER_SIZE, n ? "%.1f%s" : "%.0f%s", value, units[n]);
}

/* Puts a sign in front of a formatted amount; none if it is zero. */
void format_sign(char *buffer, bool negative, bool zero)
{
	if (zero)
		return;
	memmove(buffer + 1, buffer, strlen(buffer) + 1);
	*buffer = negative ? '-' : '+';
}

/* 192B, 4.0KiB, 1.5MiB */
void format_bytes(double bytes, char *buffer)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

	scale(bytes, 1024, units, ARRAY_SIZE(units), buffer);
}

/* 17ns, 1.2ms, 3.0s */
void format_ns(double ns, char *buffer)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };

	scale(ns, 1000, units, ARRAY_SIZE(units), buffer);
}

/* The same, or the bare number if it is to be @exact. */
void format_size(uint64_t bytes, bool exact, char *buffer)
{
	if (exact)
		snprintf(buffer, NUMBER_SIZE, "%" PRIu64, bytes);
	else
		format_bytes(bytes, buffer);
}

void format_duration(uint64_t ns, bool exact, char *buffer)
{
	if (exact)
		snprintf(buffer, NUMBER_SIZE, "%" PRIu64, ns);
	else
		format_ns(ns, buffer);
}

/* UTC, so that the same file reads the same everywhere. */
void format_time(uint64_t realtime_ns, char *buffer)
{
	time_t seconds = realtime_ns / 1000000000;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(buffer, NUMBER_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(buffer, NUMBER_SIZE, "?");
}

/* As /proc/sys/kernel/random/boot_id prints it; "" if it is not known. */
void format_boot_id(const struct memdiag_header *header, char *buffer)
{
	static const unsigned char zero[sizeof(header->boot_id)];
	char *at = buffer;

	*at = '\0';
	if (!memcmp(header->boot_id, zero, sizeof(zero)))
		return;
	for (unsigned int n = 0; n < sizeof(header->boot_id); n++)
		at += sprintf(at, "%s%02x", n == 4 || n == 6 || n == 8 || n == 10 ? "-" : "",
			      header->boot_id[n]);
}

/* True for a part of a whole; other thousandths are ratios or indices, often above 1. */
static bool is_share(const struct memdiag_data *data, const struct memdiag_field *field)
{
	return field->unit == MEMDIAG_UNIT_PERMILLE &&
	       !strcmp(memdiag_field_name(data, field), "share");
}

/* A number of the field's unit, without sign. */
void format_amount(const struct memdiag_data *data, const struct memdiag_field *field,
		   uint64_t amount, bool exact, char *buffer)
{
	uint64_t bytes = memdiag_field_scale(data, field);

	if (is_share(data, field))
		snprintf(buffer, NUMBER_SIZE, "%" PRIu64 ".%u%%", amount / 10,
			 (unsigned int)(amount % 10));
	else if (exact && bytes && __builtin_mul_overflow(amount, bytes, &amount))
		snprintf(buffer, NUMBER_SIZE, "%.0f", (double)amount * bytes);
	else if (exact)
		snprintf(buffer, NUMBER_SIZE, "%" PRIu64, amount);
	else if (bytes)
		format_bytes((double)amount * bytes, buffer);
	else if (field->unit == MEMDIAG_UNIT_NS)
		format_ns(amount, buffer);
	else if (field->unit == MEMDIAG_UNIT_PERMILLE)
		snprintf(buffer, NUMBER_SIZE, "%" PRIu64 ".%03u", amount / 1000,
			 (unsigned int)(amount % 1000));
	else
		snprintf(buffer, NUMBER_SIZE, "%" PRIu64, amount);
}

/**
 * format_delta() - a difference as text, with its sign
 * @data: the snapshot
 * @field: its field
 * @delta: the difference
 * @exact: no units
 * @buffer: FORMAT_SIZE bytes
 *
 * Return: the text, "-" if the difference is not known.
 */
const char *format_delta(const struct memdiag_data *data, const struct memdiag_field *field,
			 const struct memdiag_delta *delta, bool exact, char *buffer)
{
	if (!delta->known)
		return "-";
	format_amount(data, field, delta->amount, exact, buffer);
	/* A share that went from 3% to 6% has not grown by 3%. */
	if (is_share(data, field))
		strcpy(strchr(buffer, '%'), "pp");
	format_sign(buffer, delta->negative, !delta->amount);
	return buffer;
}

/**
 * format_value() - a value as text
 * @data: the snapshot
 * @field: its field
 * @value: the word
 * @exact: no units
 * @buffer: FORMAT_SIZE bytes for the text, used if it is no string
 *
 * Return: the text, "-" if there is none.
 */
const char *format_value(const struct memdiag_data *data, const struct memdiag_field *field,
			 uint64_t value, bool exact, char *buffer)
{
	if (memdiag_value_is_absent(value))
		return "-";
	if (memdiag_value_is_unlimited(field, value))
		return "max";
	switch (field->type) {
	case MEMDIAG_TYPE_STR: {
		const char *text = memdiag_data_string(data, value);

		/* An empty cell would shift the columns of whoever splits the line. */
		return *text ? text : "-";
	}
	case MEMDIAG_TYPE_BOOL:
		return value ? "yes" : "no";
	case MEMDIAG_TYPE_U64:
		format_amount(data, field, value, exact, buffer);
		break;
	case MEMDIAG_TYPE_S64:
		buffer[0] = '-';
		if ((int64_t)value < 0)
			format_amount(data, field, -value, exact, buffer + 1);
		else
			format_amount(data, field, value, exact, buffer);
		break;
	default:
		snprintf(buffer, NUMBER_SIZE, "0x%" PRIx64, value);
	}
	return buffer;
}

/**
 * format_record() - a value of a record as text
 * @data: the snapshot
 * @section: the section
 * @record: number of the record
 * @field: the field
 * @exact: no units
 * @buffer: FORMAT_SIZE bytes for the text, used if the value is no string
 *
 * Return: as format_value(), but "<0.1%" for a share that is rounded to nothing.
 */
const char *format_record(const struct memdiag_data *data, const struct memdiag_section *section,
			  uint64_t record, const struct memdiag_field *field, bool exact,
			  char *buffer)
{
	uint64_t value = memdiag_value(data, section, record, field);
	uint64_t pages;

	if (!value && is_share(data, field) &&
	    !memdiag_get(data, section, record, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES,
			 &pages) &&
	    (int64_t)pages > 0)
		return "<0.1%";
	return format_value(data, field, value, exact, buffer);
}

/**
 * format_heading() - what the column of a field is called
 * @data: the snapshot
 * @section: the section
 * @field: the field
 * @buffer: HEADING_SIZE bytes, used if it is not the name of the field
 *
 * A field that counts pages is shown in bytes. Its name says size instead of pages, or
 * memory if the section has another size.
 *
 * Return: the name.
 */
const char *format_heading(const struct memdiag_data *data, const struct memdiag_section *section,
			   const struct memdiag_field *field, char *buffer)
{
	const char *name = memdiag_field_name(data, field), *at = strstr(name, "pages");
	const char *what = "size";
	int before;

	if (!at || field->unit != MEMDIAG_UNIT_PAGES)
		return name;
	before = at - name;
	if (before == 3 && !memcmp(name, "nr_", 3))
		before = 0;
	if (!before && !at[5] && memdiag_field_find(data, section, "size"))
		what = "memory";
	snprintf(buffer, HEADING_SIZE, "%.*s%s%s", before, name, what, at + 5);
	return buffer;
}

/* A number by the name of its field, as in a table; "-" if there is none of that name. */
const char *format_named(const struct memdiag_data *data, const struct memdiag_section *section,
			 uint64_t record, const char *name, bool exact, char *buffer)
{
	const struct memdiag_field *f = memdiag_field_find(data, section, name);

	if (!f || !memdiag_field_is_number(f))
		return "-";
	return format_record(data, section, record, f, exact, buffer);
}
