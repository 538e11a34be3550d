// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the module's code was, each time it was loaded.
 *
 * The kernel's instruments keep addresses and look for names when they are read. For
 * a module that is gone they have none. So where each section of code lay is taken
 * from sysfs while the module is loaded, and the names from its file.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"

/* Cycles without end may find a new place each time. */
#define MAX_PLACES 4096

static void add_place(struct leak_run *run, unsigned int section, uint64_t base, uint64_t size)
{
	struct leak_place *p = run->places;

	for (size_t n = 0; n < run->nr_places; n++)
		if (p[n].base == base && p[n].section == section)
			return;
	if (run->nr_places == MAX_PLACES)
		return;
	if (!(run->nr_places & (run->nr_places - 1))) {
		size_t room = run->nr_places ? 2 * run->nr_places : 1;

		p = run->places = must(realloc(p, room * sizeof(*p)));
	}
	p[run->nr_places++] = (struct leak_place){ section, base, size };
}

/**
 * leak_places_take() - the module was just loaded
 * @run: the check
 *
 * Where sysfs does not say, what the module leaves behind will have no names.
 */
void leak_places_take(struct leak_run *run)
{
	char path[256];
	const char *name;
	uint64_t size, base;
	FILE *file;

	for (int n = 0; (n = memdiag_module_code(run->module, n, &name, &size)) >= 0; n++) {
		if (snprintf(path, sizeof(path), "/sys/module/%s/sections/%s", run->name, name) >=
		    (int)sizeof(path))
			continue;
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%" SCNx64, &base) == 1 && base)
			add_place(run, n, base, size);
		fclose(file);
	}
}

/**
 * leak_places_name() - what was at an address
 * @run: the check
 * @address: the address
 * @text: set to the function's name, as the kernel writes it
 * @size: room there
 *
 * Return: whether it was code of the module.
 */
bool leak_places_name(const struct leak_run *run, uint64_t address, char *text, size_t size)
{
	for (size_t n = 0; n < run->nr_places; n++) {
		const struct leak_place *p = &run->places[n];
		uint64_t in, length;
		const char *name;

		if (address < p->base || address - p->base >= p->size)
			continue;
		name = memdiag_module_function(run->module, p->section, address - p->base, &in,
					       &length);
		if (name)
			snprintf(text, size, "%s+0x%" PRIx64 "/0x%" PRIx64 " [%s (unloaded)]", name,
				 in, length, run->name);
		else
			snprintf(text, size, "0x%" PRIx64 " [%s (unloaded)]", address, run->name);
		return true;
	}
	return false;
}
