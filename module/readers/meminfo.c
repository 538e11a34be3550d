// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of /proc/meminfo, for the sizes that have no exported accessor.
 *
 * The file stays open, as opening takes longer than all the rest. Each section
 * that sums up reads it for itself, at its own moment: a number from the moment
 * of another section would not belong to the same sum.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "meminfo.h"

#define MEMINFO_PATH	"/proc/meminfo"

static struct file *meminfo_file;

/** memdiag_meminfo_init() - open the file; a failure shows when it is read */
void memdiag_meminfo_init(void)
{
	meminfo_file = memdiag_file_open(MEMINFO_PATH);
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, MEMINFO_PATH, MEMDIAG_SRC_TEXT,
			     PTR_ERR_OR_ZERO(meminfo_file), "%s",
			     IS_ERR(meminfo_file) ? "cannot be opened" :
			     "sizes without an exported accessor");
}

/** memdiag_meminfo_exit() - close the file */
void memdiag_meminfo_exit(void)
{
	if (!IS_ERR_OR_NULL(meminfo_file))
		filp_close(meminfo_file, NULL);
	meminfo_file = NULL;
}

/**
 * memdiag_meminfo_read() - read the text as it is now
 * @sink: of the section that wants it, which becomes partial if it cannot be
 *	had; or NULL
 *
 * Context: may sleep.
 *
 * Return: the text, to be freed with memdiag_free(); or NULL.
 */
char *memdiag_meminfo_read(struct memdiag_sink *sink)
{
	char *text;
	ssize_t n;

	n = IS_ERR_OR_NULL(meminfo_file) ? PTR_ERR(meminfo_file) ?: -ENOENT :
	    memdiag_file_read_opened(meminfo_file, &text, SZ_64K);
	if (n >= 0)
		return text;
	if (sink)
		memdiag_mark_partial(sink, MEMINFO_PATH " cannot be read: %pe", ERR_PTR(n));
	return NULL;
}

/**
 * memdiag_meminfo_number() - the number in a line "Name:   123"
 * @text: of the file; may be NULL
 * @name: of the line
 *
 * Return: the number, in the line's unit; MEMDIAG_ABSENT if there is no such line.
 */
u64 memdiag_meminfo_number(const char *text, const char *name)
{
	size_t length = strlen(name);
	unsigned long long value;
	char number[24];
	const char *line;

	for (line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		if (strncmp(line, name, length) || line[length] != ':')
			continue;
		line = skip_spaces(line + length + 1);
		length = strspn(line, "0123456789");
		if (length >= sizeof(number))
			break;
		strscpy(number, line, length + 1);
		if (kstrtoull(number, 10, &value))
			break;
		return value;
	}
	return MEMDIAG_ABSENT;
}

/**
 * memdiag_meminfo_pages() - the size in a line "Name:   123 kB"
 * @text: of the file; may be NULL
 * @name: of the line
 *
 * Return: pages, which the kernel prints whole; MEMDIAG_ABSENT if there is no
 * such line.
 */
u64 memdiag_meminfo_pages(const char *text, const char *name)
{
	u64 kbytes = memdiag_meminfo_number(text, name);

	return kbytes == MEMDIAG_ABSENT ? kbytes : kbytes >> (PAGE_SHIFT - 10);
}
