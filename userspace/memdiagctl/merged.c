// SPDX-License-Identifier: GPL-2.0-only
/*
 * All names of slab caches that the kernel merged into one: it lists that one by its
 * first name, so what is in it may be anybody's. The names are links in sysfs to the
 * same directory. They are those of this boot, so other snapshots keep the one name.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memdiagctl.h"

#define SLAB_DIR "/sys/kernel/slab"

/* A name and the directory that it links to. */
struct link {
	char *name;
	char *target;
};

static struct link *links;
static size_t nr_links;
/* The text that merged_value() returned last. */
static char *names;

static int compare_links(const void *pa, const void *pb)
{
	const struct link *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

/* Once; those that are no links are caches of their own. */
static void read_links(void)
{
	static bool done;
	char target[256];
	struct dirent *entry;
	ssize_t length;
	DIR *dir;

	if (done)
		return;
	done = true;
	dir = opendir(SLAB_DIR);
	while (dir && (entry = readdir(dir))) {
		length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (!(nr_links & (nr_links - 1)))
			links = must(
				realloc(links, (nr_links ? 2 * nr_links : 1) * sizeof(*links)));
		links[nr_links++] =
			(struct link){ must(strdup(entry->d_name)), must(strdup(target)) };
	}
	if (dir)
		closedir(dir);
	if (nr_links)
		qsort(links, nr_links, sizeof(*links), compare_links);
}

static bool of_this_boot(const struct memdiag_data *data)
{
	const struct memdiag_header *h = memdiag_data_header(data);
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned int byte;
	size_t n = 0;

	/* A dash is skipped where there is one. */
	while (file && n < sizeof(h->boot_id) && (fscanf(file, "-") || 1) &&
	       fscanf(file, "%2x", &byte) == 1 && byte == h->boot_id[n])
		n++;
	if (file)
		fclose(file);
	return n == sizeof(h->boot_id);
}

/*
 * The name of a cache with those that were merged into it: "a (also b, c)".
 * Return: valid until the next call; @name if there are none or if it is not known.
 */
const char *merged_names(const struct memdiag_data *data, const char *name)
{
	static const struct memdiag_data *asked;
	static bool known;
	const char *target = NULL;
	size_t size, nr = 0;
	FILE *out;

	if (data != asked)
		known = of_this_boot(data);
	asked = data;
	if (!known)
		return name;
	read_links();
	for (size_t n = 0; n < nr_links && !target; n++)
		if (!strcmp(links[n].name, name))
			target = links[n].target;
	if (!target)
		return name;
	free(names);
	names = NULL;
	out = must(open_memstream(&names, &size));
	fputs(name, out);
	for (size_t n = 0; n < nr_links; n++)
		if (!strcmp(links[n].target, target) && strcmp(links[n].name, name))
			fprintf(out, "%s%s", nr++ ? ", " : " (also ", links[n].name);
	if (nr)
		fputc(')', out);
	if (fclose(out))
		no_memory();
	return names;
}

/* As it stands in a table: @text, or all names if it is the name of a cache. */
const char *merged_value(const struct memdiag_data *data, const struct memdiag_section *section,
			 const struct memdiag_field *field, const char *text)
{
	if (strcmp(memdiag_section_name(data, section), "slab") ||
	    strcmp(memdiag_field_name(data, field), "name"))
		return text;
	return merged_names(data, text);
}
