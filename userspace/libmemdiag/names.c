// SPDX-License-Identifier: GPL-2.0-only
/* The words for the enumerations of the uapi. */
#include <string.h>

#include "internal.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Only used to turn names into mask bits without asking the module; a newer
 * module's further sections are found in its own section table.
 */
static const struct section_name {
	int id;
	char name[16];
} section_names[] = {
#define SECTION(name, id) { MEMDIAG_SEC_##id, #name },
#include "section_list.h"
#undef SECTION
};

_Static_assert(ARRAY_SIZE(section_names) == MEMDIAG_NR_SECTIONS, "a section has no name");

/* Internal: the id of a section known here, or -1. */
int memdiag_section_id(const char *name, size_t length)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(section_names); i++) {
		const struct section_name *s = &section_names[i];

		if (strlen(s->name) == length && !memcmp(s->name, name, length))
			return s->id;
	}
	return -1;
}

/**
 * memdiag_state_name() - the word for a state
 * @state: enum memdiag_state
 *
 * Return: the word; "unknown" for a state that a newer module made up.
 */
const char *memdiag_state_name(uint32_t state)
{
	static const char *const names[] = {
		[MEMDIAG_STATE_NOT_ASKED] = "not_asked",
		[MEMDIAG_STATE_OK] = "ok",
		[MEMDIAG_STATE_PARTIAL] = "partial",
		[MEMDIAG_STATE_UNAVAILABLE] = "unavailable",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

/**
 * memdiag_source_name() - the word for a way in
 * @source: enum memdiag_source
 *
 * Return: the word; "unknown" for a source that a newer module made up.
 */
const char *memdiag_source_name(uint32_t source)
{
	static const char *const names[] = {
		[MEMDIAG_SRC_NONE] = "none",	   [MEMDIAG_SRC_EXPORT] = "export",
		[MEMDIAG_SRC_OPS] = "ops",	   [MEMDIAG_SRC_TEXT] = "text",
		[MEMDIAG_SRC_SYMBOL] = "symbol",   [MEMDIAG_SRC_BTF] = "btf",
		[MEMDIAG_SRC_DERIVED] = "derived", [MEMDIAG_SRC_GIVEN] = "given",
		[MEMDIAG_SRC_MIRROR] = "mirror",   [MEMDIAG_SRC_CALIBRATED] = "calibrated",
		[MEMDIAG_SRC_PAGES] = "pages",
	};

	return source < ARRAY_SIZE(names) ? names[source] : "unknown";
}
