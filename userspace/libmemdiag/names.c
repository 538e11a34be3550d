// SPDX-License-Identifier: GPL-2.0-only
/* The words for the enumerations of the uapi. */
#include <string.h>

#include "internal.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Only used to turn names into mask bits without asking the module; a newer
 * module's further sections are found in its own section table.
 */
static const char section_names[][16] = {
	[MEMDIAG_SEC_SYSTEM] = "system",
	[MEMDIAG_SEC_RESOLVE] = "resolve",
	[MEMDIAG_SEC_VMSTAT] = "vmstat",
	[MEMDIAG_SEC_NODE] = "node",
	[MEMDIAG_SEC_ZONE] = "zone",
	[MEMDIAG_SEC_PCP] = "pcp",
	[MEMDIAG_SEC_BUDDY] = "buddy",
	[MEMDIAG_SEC_FRAGMENTATION] = "fragmentation",
	[MEMDIAG_SEC_PAGEBLOCK] = "pageblock",
	[MEMDIAG_SEC_SLAB] = "slab",
	[MEMDIAG_SEC_VMALLOC] = "vmalloc",
	[MEMDIAG_SEC_VMALLOC_CALLER] = "vmalloc_caller",
	[MEMDIAG_SEC_VMALLOC_MODULE] = "vmalloc_module",
	[MEMDIAG_SEC_MEMCG] = "memcg",
	[MEMDIAG_SEC_LEDGER] = "ledger",
	[MEMDIAG_SEC_IDENTITY] = "identity",
	[MEMDIAG_SEC_CENSUS] = "census",
	[MEMDIAG_SEC_CENSUS_WALK] = "census_walk",
	[MEMDIAG_SEC_MISPLACED] = "misplaced",
	[MEMDIAG_SEC_TASK] = "task",
	[MEMDIAG_SEC_SHMEM] = "shmem",
	[MEMDIAG_SEC_SHMEM_FILE] = "shmem_file",
	[MEMDIAG_SEC_NET] = "net",
	[MEMDIAG_SEC_NET_TASK] = "net_task",
	[MEMDIAG_SEC_NET_COUNTER] = "net_counter",
	[MEMDIAG_SEC_MODULE] = "module",
	[MEMDIAG_SEC_CACHE_MEMCG] = "cache_memcg",
	[MEMDIAG_SEC_INODE] = "inode",
	[MEMDIAG_SEC_TRACK_STATUS] = "track_status",
	[MEMDIAG_SEC_TRACK] = "track",
};

_Static_assert(ARRAY_SIZE(section_names) == MEMDIAG_NR_SECTIONS, "a section has no name");

/* Internal: the id of a section known here, or -1. */
int memdiag_section_id(const char *name, size_t length)
{
	for (unsigned int id = 0; id < ARRAY_SIZE(section_names); id++)
		if (strlen(section_names[id]) == length && !memcmp(section_names[id], name, length))
			return id;
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
