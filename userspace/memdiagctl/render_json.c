// SPDX-License-Identifier: GPL-2.0-only
/* JSON, through json-c: keys are field names, numbers are in base units. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdiagctl.h"

/*
 * Length of the well-formed UTF-8 character at @s, 0 if there is none. The
 * kernel takes any byte in a name, JSON does not.
 */
static unsigned int utf8_length(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int length;
	uint32_t c;

	if (s[0] < 0x80)
		return 1;
	length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	c = s[0] & (0xff >> (length + 1));
	/* Stops at the NUL, which is no continuation byte. */
	for (unsigned int n = 1; n < length; n++) {
		if ((s[n] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[n] & 0x3f);
	}
	if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return length;
}

/* A string; bytes that are not UTF-8 become U+FFFD. */
struct json_object *json_text(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	struct json_object *object;
	char *clean, *at;

	/* U+FFFD takes three bytes. */
	clean = at = must(malloc(strlen(text) * 3 + 1));
	while (*s) {
		unsigned int length = utf8_length(s);

		if (length) {
			memcpy(at, s, length);
			at += length;
			s += length;
		} else {
			memcpy(at, "\xef\xbf\xbd", 3);
			at += 3;
			s++;
		}
	}
	*at = '\0';
	object = must(json_object_new_string(clean));
	free(clean);
	return object;
}

/* A number. */
struct json_object *json_number(uint64_t value)
{
	return must(json_object_new_uint64(value));
}

/* Adds a member; NULL is null. */
void json_add(struct json_object *object, const char *name, struct json_object *value)
{
	if (json_object_object_add(object, name, value))
		no_memory();
}

/* A value: null if absent, "max" if a limit is not set. */
struct json_object *json_value(const struct memdiag_data *data, const struct memdiag_field *field,
			       uint64_t value)
{
	if (memdiag_value_is_absent(value))
		return NULL;
	if (memdiag_value_is_unlimited(field, value))
		return json_text("max");
	switch (field->type) {
	case MEMDIAG_TYPE_STR:
		return json_text(memdiag_data_string(data, value));
	case MEMDIAG_TYPE_BOOL:
		return must(json_object_new_boolean(value != 0));
	case MEMDIAG_TYPE_S64:
		return must(json_object_new_int64((int64_t)value));
	default:
		return json_number(value);
	}
}

static struct json_object *json_section(const struct memdiag_data *data,
					const struct memdiag_section *s)
{
	struct json_object *o = must(json_object_new_object());

	json_add(o, "state", json_text(memdiag_state_name(s->state)));
	json_add(o, "error", must(json_object_new_int64(s->error)));
	json_add(o, "reason", json_text(memdiag_data_string(data, s->reason)));
	json_add(o, "source", json_text(memdiag_source_name(s->source)));
	json_add(o, "collect_ns", json_number(s->collect_ns));
	json_add(o, "lock_ns", s->lock_ns == MEMDIAG_ABSENT ? NULL : json_number(s->lock_ns));
	json_add(o, "restarts", json_number(s->restarts));
	json_add(o, "nr_records", json_number(s->nr_records));
	return o;
}

/* The header, with the states of all sections. */
struct json_object *json_header(const struct memdiag_data *data)
{
	const struct memdiag_header *h = memdiag_data_header(data);
	struct json_object *o = must(json_object_new_object());
	struct json_object *sections = must(json_object_new_object());
	char text[FORMAT_SIZE];

	json_add(o, "version", json_text(memdiag_data_string(data, h->version)));
	json_add(o, "format_major", json_number(h->format_major));
	json_add(o, "format_minor", json_number(h->format_minor));
	json_add(o, "generation", json_number(h->generation));
	json_add(o, "total_size", json_number(h->total_size));
	json_add(o, "start_ns", json_number(h->start_ns));
	json_add(o, "end_ns", json_number(h->end_ns));
	json_add(o, "boottime_ns", json_number(h->boottime_ns));
	json_add(o, "realtime_ns", json_number(h->realtime_ns));
	format_boot_id(h, text);
	json_add(o, "boot_id", *text ? json_text(text) : NULL);
	json_add(o, "page_size", json_number(h->page_size));
	for (uint32_t n = 0; n < h->nr_sections; n++) {
		const struct memdiag_section *s = memdiag_data_section(data, n);

		json_add(sections, memdiag_section_name(data, s), json_section(data, s));
	}
	json_add(o, "sections", sections);
	return o;
}

/* The rows of a section, one object each. */
struct json_object *json_records(const struct view *view)
{
	struct json_object *array = must(json_object_new_array());

	for (uint64_t r = 0; r < view->nr_rows; r++) {
		struct json_object *o = must(json_object_new_object());

		for (unsigned int n = 0; n < view->nr_columns; n++)
			json_add(o, memdiag_field_name(view->data, view->columns[n]),
				 json_value(view->data, view->columns[n],
					    memdiag_value(view->data, view->section, view->rows[r],
							  view->columns[n])));
		if (json_object_array_add(array, o))
			no_memory();
	}
	return array;
}

/* Prints and frees. Return: STATUS_DONE; main() sees to errors of stdout. */
int json_print(struct json_object *document)
{
	const char *text = must((void *)json_object_to_json_string_ext(
		document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));

	for (; *text; text++) {
		const unsigned char *c = (const unsigned char *)text;

		/* Controls of a terminal that JSON allows as they are: DEL, U+0080 to U+009F. */
		if (c[0] == 0x7f)
			fputs("\\u007f", stdout);
		else if (c[0] == 0xc2 && c[1] < 0xa0)
			printf("\\u%04x", *++text & 0xff);
		else
			putchar(*text);
	}
	putchar('\n');
	json_object_put(document);
	return STATUS_DONE;
}
