// SPDX-License-Identifier: GPL-2.0-only
/* memdiagctl load: addresses of symbols that the module cannot look up itself on every kernel. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define KALLSYMS "/proc/kallsyms"

/* Appends the names of a tag, which has them with blanks between. */
static void add_names(const struct memdiag_module *module, const char *tag,
		      struct memdiag_symbol **symbols, size_t *nr, char **copy)
{
	const char *names = memdiag_module_info(module, tag, 0);
	char *save = NULL;

	*copy = names ? must(strdup(names)) : NULL;
	for (char *name = *copy ? strtok_r(*copy, " ", &save) : NULL; name;
	     name = strtok_r(NULL, " ", &save)) {
		/* Room for one more at each power of two. */
		if (!(*nr & (*nr - 1)))
			*symbols = must(realloc(*symbols, (*nr ? *nr * 2 : 1) * sizeof(**symbols)));
		(*symbols)[(*nr)++] = (struct memdiag_symbol){ .name = name };
	}
}

/* The parameter's value. Return: the number of symbols, references apart. */
static size_t format_addresses(const struct memdiag_symbol *symbols, size_t nr_wanted, size_t nr,
			       char **text, bool *hidden)
{
	size_t size, wanted = 0;
	FILE *stream = must(open_memstream(text, &size));
	const char *comma = "";

	for (size_t n = 0; n < nr; n++) {
		const struct memdiag_symbol *s = &symbols[n];

		if (!s->found || s->ambiguous)
			continue;
		if (!s->address) {
			*hidden = true;
			continue;
		}
		fprintf(stream, "%s%s=%" PRIx64, comma, s->name, s->address);
		comma = ",";
		wanted += n < nr_wanted;
	}
	if (fclose(stream))
		no_memory();
	return wanted;
}

/*
 * Looks up what the module wants, in @map or in what the kernel tells.
 * Return: 0, also without a result if there is no @map; STATUS_CANNOT.
 */
int load_addresses(const struct memdiag_module *module, const char *map,
		   struct addresses *addresses)
{
	char *names, *references;
	struct memdiag_symbol *symbols = NULL;
	size_t nr_wanted = 0, nr, wanted;
	struct memdiag_error error;
	bool hidden = false;
	int ret = 0;

	add_names(module, "memdiag_symbols", &symbols, &nr_wanted, &names);
	nr = nr_wanted;
	add_names(module, "memdiag_references", &symbols, &nr, &references);
	addresses->source = map ? map : KALLSYMS;
	if (!nr_wanted) {
		addresses->note = "the module's file does not say which symbols it needs";
		ret = map ? cannot("cannot use %s: %s", map, addresses->note) : 0;
		goto free_names;
	}
	if (memdiag_symbols_read(addresses->source, symbols, nr, &error)) {
		addresses->note =
			"this kernel has no " KALLSYMS ": give its System.map with --system-map";
		if (map)
			ret = cannot("cannot use %s: %s; nothing was loaded", map, error.text);
		goto free_names;
	}
	wanted = format_addresses(symbols, nr_wanted, nr, &addresses->text, &hidden);
	if (wanted)
		goto free_names;
	free(addresses->text);
	addresses->text = NULL;
	if (map)
		ret = cannot(
			"cannot use %s: %s; nothing was loaded", map,
			hidden ? "its addresses are all zero: it was copied by somebody who may not see them"
			       : "it has none of the symbols that the module needs");
	else if (hidden)
		addresses->note = KALLSYMS
			" hides addresses: 'sysctl kernel.kptr_restrict=1' and be root, or give the kernel's System.map with --system-map";
	else
		addresses->note = KALLSYMS
			" has no variables (CONFIG_KALLSYMS_ALL is not set): give the kernel's System.map with --system-map";

free_names:
	free(symbols);
	free(names);
	free(references);
	return ret;
}
