// SPDX-License-Identifier: GPL-2.0-only
/* The table of commands. */
#include <string.h>

#include "memdiagctl.h"

#define CHOICES(...) ((const struct choice[]){ __VA_ARGS__, { NULL, NULL, NULL } })

/* Sorted by name. */
const struct command command_table[] = {
	{ "buddy", "", "free blocks per order, fragmentation, pageblocks", 0, 0, OPT_TABLE | OPT_BY,
	  CHOICES({ "migratetype", "buddy", NULL }, { "order", "fragmentation", NULL },
		  { "pageblock", "pageblock", NULL }),
	  cmd_section },
	{ "census", "", "what every page frame is, by looking at each", 0, 0, OPT_TABLE | OPT_BY,
	  CHOICES({ "kind", "census", "pages" }, { "misplaced", "misplaced", "pages" },
		  { "walk", "census_walk", NULL }),
	  cmd_section },
	{ "cgroups", "", "memory cgroups, online and dying, and their slab objects", 0, 0,
	  OPT_TABLE | OPT_BY,
	  CHOICES({ "cgroup", "memcg", "memory.current" }, { "cache", "cache_memcg", "bytes" }),
	  cmd_section },
	{ "diff", "A [B [SECTION]]", "what grew from snapshot A to snapshot B or to now", 1, 3,
	  OPT_OUTPUT | OPT_SORT | OPT_REVERSE | OPT_JSON | OPT_NO_HEADINGS | OPT_BYTES | OPT_LIMIT |
		  OPT_HELP,
	  NULL, cmd_diff },
	{ "files", "", "files with the most pages in the page cache, deleted or not", 0, 0,
	  OPT_TABLE, CHOICES({ NULL, "inode", "pages" }), cmd_section },
	{ "help", "[COMMAND]", "explain memdiagctl or a command", 0, 1,
	  OPT_INPUT | OPT_LIST | OPT_HELP, NULL, cmd_help },
	{ "leakcheck", "[-- COMMAND...]",
	  "does a module give everything back? load, use, unload, compare", 0, MAX_ARGS,
	  (OPT_TRACK & ~OPT_ANYWHERE) | OPT_PARAM | OPT_CYCLES | OPT_WARMUP | OPT_ALLOW |
		  OPT_ATTACH | OPT_TAP | OPT_JUNIT | OPT_KMEMLEAK | OPT_KEEP_CACHES |
		  OPT_SENSITIVITY | OPT_JSON | OPT_BYTES | OPT_LIMIT | OPT_HELP,
	  NULL, cmd_leakcheck },
	{ "ledger", "", "every managed page in exactly one line, and the sums people rely on", 0, 0,
	  OPT_TABLE | OPT_BY, CHOICES({ "line", "ledger", NULL }, { "order", "census", NULL }),
	  cmd_ledger },
	{ "load", "[NAME=VALUE...]", "load the module, with addresses it may need", 0, 8,
	  OPT_MODULE | OPT_SYSTEM_MAP | OPT_HELP, NULL, cmd_load },
	{ "modules", "", "modules: what they take and asked for, unloaded ones first", 0, 0,
	  OPT_TABLE, CHOICES({ NULL, "module", NULL }), cmd_section },
	{ "net", "", "sockets: memory and limits of protocols, holders, counters", 0, 0,
	  OPT_TABLE | OPT_BY,
	  CHOICES({ "protocol", "net", "memory" }, { "task", "net_task", "rcv_memory" },
		  { "counter", "net_counter", NULL }),
	  cmd_section },
	{ "save", "FILE", "save a snapshot (- for standard output)", 1, 1,
	  OPT_INPUT | OPT_SECTIONS | OPT_HELP, NULL, cmd_save },
	{ "show", "SECTION", "any section of the snapshot", 1, 1, OPT_TABLE, NULL, cmd_section },
	{ "slab", "", "slab caches", 0, 0, OPT_TABLE, CHOICES({ NULL, "slab", "bytes" }),
	  cmd_section },
	{ "status", "", "what works on this kernel, and how it was found", 0, 0,
	  OPT_INPUT | OPT_JSON | OPT_NO_HEADINGS | OPT_BYTES | OPT_HELP, NULL, cmd_status },
	{ "summary", "", "where the memory is, in one screen", 0, 0,
	  OPT_INPUT | OPT_JSON | OPT_BYTES | OPT_NO_HEADINGS | OPT_LIMIT | OPT_HELP, NULL,
	  cmd_summary },
	{ "tasks", "", "processes: memory, score for the OOM killer", 0, 0, OPT_TABLE,
	  CHOICES({ NULL, "task", "VmRSS" }), cmd_section },
	{ "tmpfs", "", "tmpfs and shared memory, deleted files in use", 0, 0, OPT_TABLE | OPT_BY,
	  CHOICES({ "superblock", "shmem", "pages" }, { "file", "shmem_file", "pages" }),
	  cmd_section },
	{ "top", "", "what grows, live: slab caches, ledger, tasks and others", 0, 0,
	  OPT_INPUT | OPT_SORT | OPT_REVERSE | OPT_BY | OPT_BYTES | OPT_LIMIT | OPT_DELAY |
		  OPT_ONCE | OPT_HELP,
	  CHOICES({ "slab", "slab", "bytes" }, { "ledger", "ledger", NULL },
		  { "task", "task", "VmRSS" }, { "cgroup", "memcg", "memory.current" },
		  { "vmalloc", "vmalloc_caller", "nr_pages" }, { "module", "module", NULL },
		  { "zone", "zone", NULL }, { "tmpfs", "shmem", "pages" },
		  { "net", "net", "memory" }, { "vmstat", "vmstat", NULL }),
	  cmd_top },
	{ "track", "ACTION", "remember allocations by stack: start, stop, status, report", 1, 1,
	  OPT_TABLE | OPT_TRACK | OPT_BY | OPT_DELAY | OPT_FOLLOW | OPT_MIN_AGE | OPT_FOLDED |
		  OPT_DISCARD,
	  CHOICES({ "stack", "track", "bytes" }, { "module", "track", NULL },
		  { "age", "track", NULL }),
	  cmd_track },
	{ "unload", "", "unload the module", 0, 0, OPT_HELP, NULL, cmd_unload },
	{ "version", "", "say the version", 0, 0, OPT_HELP, NULL, cmd_version },
	{ "vmalloc", "", "areas of the vmalloc address space, their callers and modules", 0, 0,
	  OPT_TABLE | OPT_BY,
	  CHOICES({ "area", "vmalloc", "nr_pages" }, { "caller", "vmalloc_caller", "nr_pages" },
		  { "module", "vmalloc_module", "nr_pages" }),
	  cmd_section },
	{ "vmstat", "", "counters of the virtual memory", 0, 0, OPT_TABLE,
	  CHOICES({ NULL, "vmstat", NULL }), cmd_section },
	{ "zones", "", "zones: watermarks, free pages, state", 0, 0, OPT_TABLE | OPT_BY,
	  CHOICES({ "zone", "zone", NULL }, { "node", "node", NULL }, { "cpu", "pcp", NULL }),
	  cmd_section },
};

const unsigned int nr_commands = ARRAY_SIZE(command_table);

/* A command by its exact name, NULL if there is none. */
const struct command *command_find(const char *name)
{
	for (unsigned int n = 0; n < nr_commands; n++)
		if (!strcmp(command_table[n].name, name))
			return &command_table[n];
	return NULL;
}
