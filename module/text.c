// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one text formatter: a section of a finished snapshot as lines.
 *
 *	memdiag slab - version: 1.0
 *	# name active_objs num_objs ...
 *	# partial: ...			(only if it is not complete)
 *	one record per line, values separated by one space
 *
 * Numbers are in base units, "-" is a value that could not be read, "max" a
 * limit that is not set. Whatever is not a printable ASCII character in a string,
 * and the backslash, are written as \ooo, an empty string as \0 - so splitting at spaces
 * always gives as many words as there are columns. Later versions append
 * columns.
 */
#include <linux/err.h>
#include <linux/seq_file.h>

#include "memdiag.h"

/**
 * memdiag_text_head() - print the lines before the records
 * @m: where to
 * @bytes: the snapshot
 * @section: the section
 */
void memdiag_text_head(struct seq_file *m, const struct memdiag_bytes *bytes,
		       const struct memdiag_section *section)
{
	const struct memdiag_field *fields = bytes->data + section->fields;
	u32 i;

	seq_printf(m, "memdiag %s - version: %u.%u\n#",
		   memdiag_snapshot_string(bytes, section->name),
		   MEMDIAG_FORMAT_MAJOR, MEMDIAG_FORMAT_MINOR);
	for (i = 0; i < section->nr_fields; i++)
		seq_printf(m, " %s", memdiag_snapshot_string(bytes, fields[i].name));
	seq_putc(m, '\n');
	if (section->state == MEMDIAG_STATE_UNAVAILABLE)
		seq_printf(m, "# unavailable: %s (%pe)\n",
			   memdiag_snapshot_string(bytes, section->reason),
			   ERR_PTR(section->error));
	else if (section->state == MEMDIAG_STATE_PARTIAL)
		seq_printf(m, "# partial: %s\n",
			   memdiag_snapshot_string(bytes, section->reason));
}

/**
 * memdiag_text_string() - print a string so that it stays one word
 * @m: where to
 * @string: the string; anything in it that a terminal could act on is escaped
 */
void memdiag_text_string(struct seq_file *m, const char *string)
{
	if (!*string) {
		seq_puts(m, "\\0");
		return;
	}
	/* A label that reads "-" must not look like an absent value. */
	if (!strcmp(string, "-")) {
		seq_puts(m, "\\055");
		return;
	}
	for (; *string; string++) {
		unsigned char c = *string;

		if (c <= ' ' || c == '\\' || c >= 0x7f)
			seq_printf(m, "\\%03o", c);
		else
			seq_putc(m, c);
	}
}

static void text_value(struct seq_file *m, const struct memdiag_bytes *bytes,
		       const struct memdiag_field *field, u64 value)
{
	if (value == MEMDIAG_ABSENT) {
		seq_putc(m, '-');
		return;
	}
	switch (field->type) {
	case MEMDIAG_TYPE_U64:
		if (value == MEMDIAG_UNLIMITED)
			seq_puts(m, "max");
		else
			seq_put_decimal_ull(m, "", value);
		break;
	case MEMDIAG_TYPE_S64:
		seq_put_decimal_ll(m, "", (s64)value);
		break;
	case MEMDIAG_TYPE_STR:
		memdiag_text_string(m, memdiag_snapshot_string(bytes, value));
		break;
	case MEMDIAG_TYPE_BOOL:
		seq_putc(m, value ? '1' : '0');
		break;
	default:
		seq_printf(m, "0x%llx", value);
	}
}

/**
 * memdiag_text_record() - print one record as a line
 * @m: where to
 * @bytes: the snapshot
 * @section: the section
 * @n: number of the record
 */
void memdiag_text_record(struct seq_file *m, const struct memdiag_bytes *bytes,
			 const struct memdiag_section *section, u64 n)
{
	const struct memdiag_field *fields = bytes->data + section->fields;
	const void *record = bytes->data + section->records +
			     n * section->record_size;
	u32 i;

	for (i = 0; i < section->nr_fields; i++) {
		if (i)
			seq_putc(m, ' ');
		text_value(m, bytes, &fields[i],
			   *(const u64 *)(record + fields[i].offset));
	}
	seq_putc(m, '\n');
}
