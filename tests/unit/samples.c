// SPDX-License-Identifier: GPL-2.0-only
/* See samples.h. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

#define KEY MEMDIAG_FIELD_KEY
#define BRIEF MEMDIAG_FIELD_BRIEF

/* One line per field: type, unit and kind without their prefixes. */
#define F(b, name, type, unit, kind, flags) \
	build_field(b, name, MEMDIAG_TYPE_##type, MEMDIAG_UNIT_##unit, MEMDIAG_KIND_##kind, flags)

void sample_small(struct build *b)
{
	build_init(b);
	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "num_objs", U64, NONE, GAUGE, BRIEF);
	F(b, "delta", S64, NONE, GAUGE, BRIEF);
	F(b, "flags", HEX, NONE, LABEL, 0);
	F(b, "merged", BOOL, NONE, LABEL, 0);
	RECORD(b, "dentry", "10", "-5", "0x21", "1");
	RECORD(b, "inode", "-", "7", "-", "0");
}

static void add_system(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_SYSTEM, "system");
	F(b, "release", STR, NONE, LABEL, BRIEF);
	F(b, "machine", STR, NONE, LABEL, BRIEF);
	F(b, "page_size", U64, BYTES, LABEL, 0);
	F(b, "mem_total", U64, PAGES, GAUGE, BRIEF);
	F(b, "mem_free", U64, PAGES, GAUGE, BRIEF);
	F(b, "mem_available", U64, PAGES, GAUGE, BRIEF);
	F(b, "kmemleak", STR, NONE, LABEL, 0);
	F(b, "dentries_negative", U64, NONE, GAUGE, 0);
	RECORD(b, "6.1.0-test", "x86_64", "4096", "1048576", later ? "245760" : "262144", "524288",
	       "not built", later ? "60011" : "11");
}

static void add_vmstat(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_VMSTAT, "vmstat");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "value", U64, NONE, GAUGE, BRIEF);
	F(b, "kind", STR, NONE, LABEL, BRIEF);
	F(b, "unit", STR, NONE, LABEL, 0);
	RECORD(b, "nr_free_pages", later ? "245760" : "262144", "gauge", "pages");
	RECORD(b, "pgfault", later ? "16000" : "10000", "counter", "count");
	RECORD(b, "oom_kill", later ? "3" : "1", "counter", "count");
	RECORD(b, "drop_slab", "0", "counter", "count");
}

static void add_zones(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_NODE, "node");
	F(b, "node", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "node_present_pages", U64, PAGES, GAUGE, BRIEF);
	F(b, "kswapd", BOOL, NONE, GAUGE, BRIEF);
	RECORD(b, "0", "1048576", "1");
	build_section(b, MEMDIAG_SEC_ZONE, "zone");
	F(b, "node", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "state", STR, NONE, GAUGE, BRIEF);
	F(b, "free", U64, PAGES, GAUGE, BRIEF);
	F(b, "min", U64, PAGES, GAUGE, BRIEF);
	F(b, "low", U64, PAGES, GAUGE, BRIEF);
	F(b, "high", U64, PAGES, GAUGE, BRIEF);
	F(b, "managed", U64, PAGES, GAUGE, 0);
	RECORD(b, "0", "DMA", "ok", "3840", "8", "11", "14", "3840");
	RECORD(b, "0", "Normal", later ? "below low" : "ok", later ? "20000" : "36384", "16000",
	       "20000", "24000", "1000000");
	RECORD(b, "0", "Movable", "empty", "0", "0", "0", "0", "0");
	build_section(b, MEMDIAG_SEC_PCP, "pcp");
	F(b, "node", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "cpu", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "count", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "0", "Normal", "0", "17");
	RECORD(b, "0", "Normal", "1", "63");
}

static void add_buddy(struct build *b)
{
	build_section(b, MEMDIAG_SEC_BUDDY, "buddy");
	F(b, "node", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "zone", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "migratetype", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "order", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "nr_free", U64, NONE, GAUGE, BRIEF);
	RECORD(b, "0", "Normal", "Unmovable", "0", "120");
	RECORD(b, "0", "Normal", "Movable", "10", "4");
	build_section(b, MEMDIAG_SEC_FRAGMENTATION, "fragmentation");
	F(b, "node", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "zone", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "order", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "unusable_index", U64, PERMILLE, GAUGE, BRIEF);
	F(b, "fragmentation_index", S64, PERMILLE, GAUGE, BRIEF);
	RECORD(b, "0", "Normal", "9", "456", "-1000");
	RECORD(b, "0", "Normal", "10", "1000", "987");
	build_section(b, MEMDIAG_SEC_PAGEBLOCK, "pageblock");
	F(b, "node", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "zone", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "migratetype", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "nr_pageblocks", U64, NONE, GAUGE, BRIEF);
	RECORD(b, "0", "Normal", "Unmovable", "55");
	RECORD(b, "0", "Normal", "Movable", "1900");
}

static void add_slab(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "active_objs", U64, NONE, GAUGE, BRIEF);
	F(b, "num_objs", U64, NONE, GAUGE, BRIEF);
	F(b, "objsize", U64, BYTES, LABEL, BRIEF);
	F(b, "objs_per_slab", U64, NONE, LABEL, 0);
	F(b, "pages_per_slab", U64, PAGES, LABEL, 0);
	F(b, "num_slabs", U64, NONE, GAUGE, BRIEF);
	F(b, "active_slabs", U64, NONE, GAUGE, 0);
	F(b, "bytes", U64, BYTES, GAUGE, BRIEF);
	F(b, "reclaimable", BOOL, NONE, LABEL, BRIEF);
	F(b, "flags", HEX, NONE, LABEL, 0);
	F(b, "ctor", STR, NONE, LABEL, 0);
	RECORD(b, "kmalloc-64", "5000", "6400", "64", "64", "1", "100", "100", "409600", "0",
	       "0x40000000", "");
	RECORD(b, "dentry", "20000", "21000", "192", "21", "1", "1000", "1000", "4096000", "1",
	       "0x120000", "");
	if (later)
		RECORD(b, "leaky_cache", "17000", "17024", "1024", "32", "8", "532", "532",
		       "17432576", "0", "0x0", "-");
	else
		RECORD(b, "leaky_cache", "600", "640", "1024", "32", "8", "20", "20", "655360", "0",
		       "0x0", "-");
	RECORD(b, "inode_cache", "-", "130", "600", "13", "2", "10", "10", "81920", "1", "0x120000",
	       "init_once+0x0/0x10");
	if (later)
		RECORD(b, "new_cache", "10", "32", "128", "32", "1", "1", "1", "4096", "0", "0x0",
		       "");
	else
		RECORD(b, "old_cache", "10", "32", "128", "32", "1", "1", "1", "4096", "0", "0x0",
		       "");
}

static void add_vmalloc(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_VMALLOC, "vmalloc");
	F(b, "id", HEX, NONE, LABEL, KEY);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "size", U64, BYTES, GAUGE, BRIEF);
	F(b, "nr_pages", U64, PAGES, GAUGE, BRIEF);
	F(b, "caller", STR, NONE, LABEL, BRIEF);
	F(b, "module", STR, NONE, LABEL, BRIEF);
	F(b, "start", HEX, NONE, LABEL, 0);
	RECORD(b, "0xa1", "vmalloc", "20480", "4", "alloc_thread_stack+0x10/0x20", "-", "-");
	/* An address that is used again by somebody else. */
	if (later)
		RECORD(b, "0xa2", "vmalloc", "8192", "1", "new_user+0x1/0x2", "-", "-");
	else
		RECORD(b, "0xa2", "vmalloc", "8192", "1", "old_user+0x1/0x2", "-", "-");
	RECORD(b, "0xa3", "ioremap", "8192", "-", "acpi_os_map+0x1/0x2", "-", "-");
	if (later)
		RECORD(b, "0xa4", "vmalloc", "1052672", "256", "leaky_open+0x42/0x90 [leaky]",
		       "leaky", "0xffffc90000200000");
	build_section(b, MEMDIAG_SEC_VMALLOC_CALLER, "vmalloc_caller");
	F(b, "caller", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "module", STR, NONE, LABEL, BRIEF);
	F(b, "areas", U64, NONE, GAUGE, BRIEF);
	F(b, "size", U64, BYTES, GAUGE, BRIEF);
	F(b, "nr_pages", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "alloc_thread_stack+0x10/0x20", "vmalloc", "-", "1", "20480", "4");
	RECORD(b, "acpi_os_map+0x1/0x2", "ioremap", "-", "1", "8192", "-");
	if (later)
		RECORD(b, "leaky_open+0x42/0x90 [leaky]", "vmalloc", "leaky", "1", "1052672",
		       "256");
	build_section(b, MEMDIAG_SEC_VMALLOC_MODULE, "vmalloc_module");
	F(b, "module", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "areas", U64, NONE, GAUGE, BRIEF);
	F(b, "size", U64, BYTES, GAUGE, BRIEF);
	F(b, "nr_pages", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "kernel", "3", "36864", "5");
	if (later)
		RECORD(b, "leaky", "1", "1052672", "256");
}

static void add_memcg(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_MEMCG, "memcg");
	F(b, "id", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "path", STR, NONE, LABEL, BRIEF);
	F(b, "state", STR, NONE, LABEL, BRIEF);
	F(b, "memory.current", U64, BYTES, GAUGE, BRIEF);
	F(b, "memory.max", U64, BYTES, GAUGE, BRIEF);
	F(b, "pgfault", U64, NONE, COUNTER, 0);
	RECORD(b, "1", "/", "online", later ? "130023424" : "104857600", "max", "9");
	RECORD(b, "20", "/app", "online", later ? "125829120" : "100663296", "max", "9");
	RECORD(b, "21", "/app/web", "online", later ? "75497472" : "50331648", "134217728",
	       later ? "700" : "100");
	/* The id 22 is used again for another cgroup. */
	RECORD(b, "22", later ? "/app/new" : "/app/old", "online", "1048576", "max", "50");
	/* Removed meanwhile: still the same one. */
	RECORD(b, "23", later ? "/gone (deleted)" : "/gone", later ? "dying" : "online",
	       later ? "45056" : "40960", "max", "-");
}

static void add_ledger(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_LEDGER, "ledger");
	F(b, "line", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "pages", S64, PAGES, GAUGE, BRIEF);
	F(b, "share", S64, PERMILLE, GAUGE, BRIEF);
	F(b, "error", U64, PAGES, GAUGE, 0);
	F(b, "from", STR, NONE, LABEL, BRIEF);
	F(b, "unmarked", BOOL, NONE, LABEL, 0);
	RECORD(b, "free", later ? "500000" : "520000", later ? "498" : "518", "0",
	       "NR_FREE_PAGES without free_cma", "0");
	RECORD(b, "anon", "300000", "299", "0", "NR_ANON_MAPPED", "0");
	RECORD(b, "file", "150000", "149", "0", "NR_FILE_PAGES without shmem", "0");
	RECORD(b, "slab_unreclaimable", later ? "24200" : "20000", later ? "24" : "20", "0",
	       "NR_SLAB_UNRECLAIMABLE_B", "0");
	RECORD(b, "vmalloc", "40000", "40", "0", "VmallocUsed without stacks and memdiag", "1");
	RECORD(b, "gpu_active", "-", "-", "-", "NR_GPU_ACTIVE", "1");
	/* Counters that moved while they were read. */
	RECORD(b, "unaccounted", later ? "29640" : "-16", later ? "29" : "0", "16",
	       "managed without all other lines", "0");
	build_section(b, MEMDIAG_SEC_IDENTITY, "identity");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "left", U64, PAGES, GAUGE, BRIEF);
	F(b, "right", U64, PAGES, GAUGE, BRIEF);
	F(b, "residual", S64, PAGES, GAUGE, BRIEF);
	RECORD(b, "total", "1003840", "1003840", "0");
	RECORD(b, "available", "480000", "480007", "-7");
	build_section(b, MEMDIAG_SEC_CENSUS, "census");
	F(b, "zone", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "migratetype", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "order", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "pages", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "Normal", "free", "Movable", "10", "409600");
	RECORD(b, "Normal", "slab", "Unmovable", "3", later ? "24000" : "19900");
	RECORD(b, "Normal", "kernel", "Unmovable", "0", later ? "52651" : "39276");
	RECORD(b, "DMA32", "kernel", "Unmovable", "0", "40");
	RECORD(b, "Normal", "kernel", "Unmovable", "2", later ? "16640" : "256");
	RECORD(b, "Normal", "kernel_compound", "Movable", "3", "512");
	build_section(b, MEMDIAG_SEC_CENSUS_WALK, "census_walk");
	F(b, "zone", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "frames", U64, PAGES, GAUGE, BRIEF);
	F(b, "longest_step", U64, NS, GAUGE, BRIEF);
	RECORD(b, "Normal", "1000000", "43000");
	build_section(b, MEMDIAG_SEC_MISPLACED, "misplaced");
	F(b, "zone", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "pages", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "Normal", "kernel", "12");
}

static void add_resolve(struct build *b)
{
	build_section(b, MEMDIAG_SEC_RESOLVE, "resolve");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "kind", STR, NONE, LABEL, BRIEF);
	F(b, "source", STR, NONE, LABEL, BRIEF);
	F(b, "error", S64, NONE, LABEL, BRIEF);
	F(b, "detail", STR, NONE, LABEL, 0);
	RECORD(b, "slab_caches", "symbol", "symbol", "0", "kprobe address");
	RECORD(b, "vmap_area_list", "symbol", "none", "-2", "not found");
}

static void begin(struct build *b, int later)
{
	build_init(b);
	if (later) {
		b->header.generation = 2;
		b->header.start_ns += 60000000000ull;
		b->header.end_ns += 60000000000ull;
		b->header.boottime_ns += 60000000000ull;
		b->header.realtime_ns += 60000000000ull;
	}
}

void sample_machine(struct build *b, int later)
{
	begin(b, later);
	add_system(b, later);
	add_resolve(b);
	add_vmstat(b, later);
	add_zones(b, later);
	add_buddy(b);
	add_slab(b, later);
	add_vmalloc(b, later);
	add_memcg(b, later);
	add_ledger(b, later);
}

void sample_future(struct build *b)
{
	build_init(b);
	b->header.format_minor = 7;
	b->header.flags = 1u << 9;
	b->extra_header = 16;
	b->extra_section = 24;
	b->extra_field = 8;
	b->extra_record = 8;
	add_slab(b, 0);
	build_section(b, 99, "future");
	build_state(b, 42, 0, "in a state of the future");
	build_section(b, MEMDIAG_NR_SECTIONS, "later");
	build_field(b, "name", MEMDIAG_TYPE_STR, 0, 0, KEY | BRIEF);
	build_field(b, "thing", 77, 66, 55, BRIEF | 1 << 12);
	build_field(b, "amount", MEMDIAG_TYPE_U64, 66, 55, BRIEF);
	RECORD(b, "one", "0x1234", "5000");
}

void sample_poor(struct build *b)
{
	build_init(b);
	build_section(b, MEMDIAG_SEC_SYSTEM, "system");
	F(b, "release", STR, NONE, LABEL, BRIEF);
	F(b, "mem_total", U64, BYTES, GAUGE, BRIEF);
	build_state(b, MEMDIAG_STATE_PARTIAL, 0, "some counters are \x1b[31mmissing");
	RECORD(b, "6.1.0-test", "-");
	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	build_state(b, MEMDIAG_STATE_UNAVAILABLE, -EOPNOTSUPP, "CONFIG_SLUB_DEBUG is not set");
	build_section(b, MEMDIAG_SEC_ZONE, "zone");
	build_state(b, MEMDIAG_STATE_NOT_ASKED, 0, "");
	build_section(b, MEMDIAG_SEC_VMALLOC_MODULE, "vmalloc_module");
	build_state(b, MEMDIAG_STATE_PARTIAL, 0, "names of modules may be missing");
	F(b, "module", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "size", U64, BYTES, GAUGE, BRIEF);
	/* Not UTF-8, and an escape sequence. */
	RECORD(b, "bad\xff\x1b[1m", "1");
	RECORD(b, "\xc3\xa4 \"quoted\" \xf0\x9f\x90\xa7", "2");
	/* Overlong, surrogate, above U+10FFFF, cut off. */
	RECORD(b, "\xc0\xaf \xe0\x80\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82", "3");
	/* There is no cgroup here that slab objects are charged to. */
	build_section(b, MEMDIAG_SEC_CACHE_MEMCG, "cache_memcg");
	F(b, "cache", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "bytes", U64, BYTES, GAUGE, BRIEF);
}

void sample_hostile(struct build *b)
{
	/* Longer than any number, with what ends a line or steers a terminal. */
	static const char text[] =
		"\x1b[31m\x7f\xc2\x9b[1m\xff\nok 1 %s%n a text where a number of bytes is expected";
	char longer[4096] = "";

	memset(longer, 'x', sizeof(longer) - 1);
	build_init(b);
	build_section(b, MEMDIAG_SEC_SYSTEM, "system");
	F(b, "release", U64, NONE, LABEL, BRIEF);
	F(b, "machine", STR, NONE, LABEL, BRIEF);
	F(b, "mem_total", STR, PAGES, GAUGE, BRIEF);
	RECORD(b, "6", text, text);
	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "bytes", STR, BYTES, GAUGE, BRIEF);
	RECORD(b, text, text);
	build_section(b, MEMDIAG_SEC_LEDGER, "ledger");
	F(b, "line", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "pages", STR, PAGES, GAUGE, BRIEF);
	F(b, "share", STR, PERMILLE, GAUGE, BRIEF);
	RECORD(b, "vmalloc", text, text);
	RECORD(b, "unaccounted", text, text);
	build_section(b, MEMDIAG_SEC_CENSUS, "census");
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "migratetype", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "order", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "pages", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "kernel", text, "0", "0x4000000000000000");
	RECORD(b, "kernel", text, "1", "0x4000000000000000");
	build_section(b, MEMDIAG_SEC_TASK, "task");
	F(b, "pid", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "VmPTE", STR, BYTES, GAUGE, BRIEF);
	F(b, "VmPin", S64, BYTES, GAUGE, BRIEF);
	F(b, "KernelStack", U64, BYTES, GAUGE, BRIEF);
	F(b, "zombies", HEX, NONE, GAUGE, BRIEF);
	for (int i = 0; i < 3; i++)
		RECORD(b, "1", text, "-5", "0x7fffffffffffffff", "0x7fffffffffffffff");
	build_section(b, MEMDIAG_SEC_TRACK_STATUS, "track_status");
	F(b, "state", STR, NONE, LABEL, BRIEF);
	F(b, "filter", STR, NONE, LABEL, BRIEF);
	F(b, "since_ns", STR, NS, GAUGE, BRIEF);
	RECORD(b, text, text, text);
	build_section(b, MEMDIAG_SEC_TRACK, "track");
	F(b, "stack", STR, NONE, LABEL, KEY);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "cache", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "module", STR, NONE, LABEL, BRIEF);
	F(b, "count", U64, NONE, GAUGE, BRIEF);
	F(b, "bytes", STR, BYTES, GAUGE, BRIEF);
	F(b, "oldest_ns", S64, NS, GAUGE, 0);
	RECORD(b, text, text, text, text, "1", longer, "0x8000000000000001");
}

static void add_tasks(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_TASK, "task");
	F(b, "pid", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "start_time", U64, NS, LABEL, KEY);
	F(b, "comm", STR, NONE, LABEL, BRIEF);
	F(b, "threads", U64, NONE, GAUGE, BRIEF);
	F(b, "oom_score", U64, NONE, GAUGE, BRIEF);
	F(b, "oom_score_adj", S64, NONE, GAUGE, BRIEF);
	F(b, "VmRSS", U64, BYTES, GAUGE, BRIEF);
	F(b, "min_flt", U64, NONE, COUNTER, 0);
	F(b, "VmPTE", U64, BYTES, GAUGE, BRIEF);
	F(b, "zombies", U64, NONE, GAUGE, BRIEF);
	RECORD(b, "1", "10", "init", "1", "0", "-1000", "1048576", "5", "28672", "2");
	RECORD(b, "2", "10", "kthreadd", "1", "0", "0", "-", "0", "-", "0");
	RECORD(b, "300", "9000000000", "a b", "7", later ? "900" : "700", "0",
	       later ? "99614720" : "20971520", later ? "40000" : "10000", "172032", "0");
	/* The same pid, another process. */
	RECORD(b, "301", later ? "70000000000" : "9000000000", "cron", "1", "667", "0", "524288",
	       "100", "40960", "1");
}

static void add_shmem(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_SHMEM, "shmem");
	F(b, "dev", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "mount", STR, NONE, LABEL, BRIEF);
	F(b, "pages", U64, PAGES, GAUGE, BRIEF);
	F(b, "max_blocks", U64, PAGES, GAUGE, BRIEF);
	F(b, "unlinked_pages", U64, PAGES, GAUGE, BRIEF);
	RECORD(b, "0:25", "mounted", "/run", "12", "2560", "0");
	RECORD(b, "0:26", "mounted", "/tmp", later ? "5012" : "12", "max", later ? "5000" : "0");
	RECORD(b, "0:1", "memfd", "-", "53", "-", "53");
	build_section(b, MEMDIAG_SEC_SHMEM_FILE, "shmem_file");
	F(b, "pid", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "start_time", U64, NS, LABEL, KEY);
	F(b, "comm", STR, NONE, LABEL, BRIEF);
	F(b, "dev", STR, NONE, LABEL, KEY);
	F(b, "ino", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "path", STR, NONE, LABEL, BRIEF);
	F(b, "pages", U64, PAGES, GAUGE, BRIEF);
	F(b, "fds", U64, NONE, GAUGE, BRIEF);
	F(b, "mapped", BOOL, NONE, GAUGE, BRIEF);
	RECORD(b, "300", "9000000000", "a b", "0:1", "7", "/memfd:x", "53", "1", "1");
	if (later)
		RECORD(b, "300", "9000000000", "a b", "0:26", "9", "/tmp/log", "5000", "2", "0");
	/* In flight. */
	RECORD(b, "-", "-", "-", "0:1", "8", "/memfd:y", later ? "1024" : "512", "0", "0");
}

static void add_net(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_NET, "net");
	F(b, "protocol", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "net_ns", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "sockets", U64, NONE, GAUGE, BRIEF);
	F(b, "memory", U64, PAGES, GAUGE, BRIEF);
	F(b, "max", U64, PAGES, GAUGE, BRIEF);
	F(b, "under_pressure", BOOL, NONE, GAUGE, BRIEF);
	F(b, "orphans", U64, NONE, GAUGE, BRIEF);
	RECORD(b, "UDP", "0", "3", "1", "20000", "-", "-");
	RECORD(b, "TCP", "0", later ? "40" : "20", later ? "9000" : "300", "10000",
	       later ? "1" : "0", "2");
	RECORD(b, "TCP", "4026531840", later ? "40" : "20", "-", "-", "-", "-");
	RECORD(b, "all", "4026531840", later ? "40" : "20", "-", "-", "-", "-");
	RECORD(b, "all", "4026532133", "0", "-", "-", "-", "-");
	build_section(b, MEMDIAG_SEC_NET_TASK, "net_task");
	F(b, "pid", U64, NONE, LABEL, KEY | BRIEF);
	F(b, "start_time", U64, NS, LABEL, KEY);
	F(b, "protocol", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "comm", STR, NONE, LABEL, BRIEF);
	F(b, "sockets", U64, NONE, GAUGE, BRIEF);
	F(b, "rcv_memory", U64, BYTES, GAUGE, BRIEF);
	F(b, "rcv_bytes", U64, BYTES, GAUGE, BRIEF);
	F(b, "rcv_overhead", U64, PERMILLE, GAUGE, BRIEF);
	F(b, "rings", U64, BYTES, GAUGE, BRIEF);
	F(b, "in_flight", U64, NONE, GAUGE, BRIEF);
	F(b, "namespaces", U64, NONE, GAUGE, BRIEF);
	RECORD(b, "1", "10", "UNIX", "init", "2", "0", "0", "-", "0", "20", "0");
	RECORD(b, "30", "70", "PACKET", "tcpdump", "1", "0", "0", "-", "41943040", "0", "0");
	RECORD(b, "40", "80", "namespace", "runtime", "0", "0", "0", "-", "0", "0", "1");
	RECORD(b, "300", "9000000000", "TCP", "a b", "19", later ? "36000000" : "1000000",
	       later ? "900000" : "800000", later ? "40000" : "1250", "0", "0", "0");
	build_section(b, MEMDIAG_SEC_NET_COUNTER, "net_counter");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "value", S64, NONE, GAUGE, BRIEF);
	F(b, "kind", STR, NONE, LABEL, BRIEF);
	RECORD(b, "TcpMaxConn", "-1", "gauge");
	RECORD(b, "TcpRetransSegs", later ? "6100" : "100", "counter");
}

static void add_modules(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_MODULE, "module");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "loaded", BOOL, NONE, LABEL, KEY);
	F(b, "state", STR, NONE, LABEL, BRIEF);
	F(b, "taints", STR, NONE, LABEL, BRIEF);
	F(b, "size", U64, BYTES, GAUGE, BRIEF);
	F(b, "vmalloc", U64, BYTES, GAUGE, BRIEF);
	if (later)
		RECORD(b, "leaky", "0", "unloaded", "-", "-", "3158016");
	else
		RECORD(b, "leaky", "1", "live", "OE", "32768", "0");
	RECORD(b, "virtio", "1", "live", "", "20480", "0");
}

static void add_charged(struct build *b, int later)
{
	build_section(b, MEMDIAG_SEC_CACHE_MEMCG, "cache_memcg");
	F(b, "cache", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "id", U64, NONE, LABEL, KEY);
	F(b, "path", STR, NONE, LABEL, BRIEF);
	F(b, "from_id", U64, NONE, LABEL, KEY);
	F(b, "from", STR, NONE, LABEL, BRIEF);
	F(b, "objs", U64, NONE, GAUGE, BRIEF);
	F(b, "bytes", U64, BYTES, GAUGE, BRIEF);
	RECORD(b, "dentry", "1", "/", "0", "?", "40", "8000");
	if (later)
		RECORD(b, "dentry", "1", "/", "77", "/job (deleted)", "5000", "1000000");
	else
		RECORD(b, "dentry", "77", "/job", "-", "-", "5000", "1000000");
	RECORD(b, "dentry", "78", "/web", "-", "-", later ? "900" : "100",
	       later ? "180000" : "20000");
	build_section(b, MEMDIAG_SEC_INODE, "inode");
	F(b, "fs", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "dev", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "ino", U64, NONE, LABEL, KEY);
	F(b, "path", STR, NONE, LABEL, BRIEF);
	F(b, "pages", U64, PAGES, GAUGE, BRIEF);
	F(b, "deleted", BOOL, NONE, LABEL, BRIEF);
	F(b, "memcg", STR, NONE, LABEL, BRIEF);
	RECORD(b, "ext4", "254:1", "12", "/var/log/a b", later ? "90000" : "5000",
	       later ? "1" : "0", "/web");
	RECORD(b, "bdev", "254:1", "0", "-", "700", "0", "/");
}

void sample_users(struct build *b, int later)
{
	begin(b, later);
	add_tasks(b, later);
	add_shmem(b, later);
	add_net(b, later);
	add_modules(b, later);
	add_charged(b, later);
}

static const char *times(char *text, int from, int each, int cycles)
{
	snprintf(text, 24, "%d", from + each * cycles);
	return text;
}

static void add_counted(struct build *b, int cycles)
{
	char a[24], c[24], d[24];

	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "active_objs", U64, NONE, GAUGE, BRIEF);
	F(b, "active_objs_error", U64, NONE, GAUGE, BRIEF);
	F(b, "objsize", U64, BYTES, LABEL, BRIEF);
	F(b, "reclaimable", BOOL, NONE, LABEL, BRIEF);
	RECORD(b, "kmalloc-64", times(a, 5000, 300, cycles), "64", "64", "0");
	RECORD(b, "dentry", "20000", "64", "192", "1");
	build_section(b, MEMDIAG_SEC_VMALLOC_CALLER, "vmalloc_caller");
	F(b, "caller", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "module", STR, NONE, LABEL, BRIEF);
	F(b, "areas", U64, NONE, GAUGE, BRIEF);
	F(b, "size", U64, BYTES, GAUGE, BRIEF);
	RECORD(b, "kernel_clone+0x1/0x2", "vmalloc", "", "60", "1228800");
	if (cycles)
		RECORD(b, "other_open+0x42/0x90 [other]", "vmalloc", "other",
		       times(c, 0, 1, cycles), times(d, 0, 8192, cycles));
	build_section(b, MEMDIAG_SEC_LEDGER, "ledger");
	F(b, "line", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "pages", S64, PAGES, GAUGE, BRIEF);
	F(b, "error", U64, PAGES, GAUGE, BRIEF);
	F(b, "leak", STR, NONE, LABEL, 0);
	F(b, "unit", U64, BYTES, LABEL, 0);
	RECORD(b, "free", "100000", "0", "-", "4096");
	RECORD(b, "kernel_stack", "400", "0", "ledger", "16384");
	RECORD(b, "percpu", "200", "0", "percpu", "4096");
	RECORD(b, "unaccounted", "900", "10", "unaccounted", "4096");
}

void sample_tracked(struct build *b, int cycles)
{
	char count[24], bytes[24], allocated[24];

	begin(b, 0);
	b->header.start_ns += cycles * 1000000000ull;
	b->header.boottime_ns += cycles * 1000000000ull;
	b->header.realtime_ns += cycles * 1000000000ull;
	add_system(b, 0);
	add_counted(b, cycles);
	build_section(b, MEMDIAG_SEC_TRACK_STATUS, "track_status");
	F(b, "state", STR, NONE, GAUGE, BRIEF);
	F(b, "kinds", STR, NONE, LABEL, 0);
	F(b, "filter", STR, NONE, LABEL, 0);
	F(b, "since_ns", U64, NS, GAUGE, 0);
	F(b, "objects_max", U64, NONE, LABEL, 0);
	F(b, "table_bytes", U64, BYTES, LABEL, 0);
	F(b, "dropped_objects", U64, NONE, COUNTER, 0);
	F(b, "dropped_stacks", U64, NONE, COUNTER, 0);
	F(b, "dropped_busy", U64, NONE, COUNTER, 0);
	F(b, "unknown_frees", U64, NONE, COUNTER, 0);
	F(b, "gone", U64, NONE, GAUGE, 0);
	RECORD(b, "armed", "slab,pages,percpu", "module=other anywhere", "61000000000", "65536",
	       "8388608", "0", "0", "1", "-", "2");
	build_section(b, MEMDIAG_SEC_TRACK, "track");
	F(b, "stack", STR, NONE, LABEL, KEY);
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "cache", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "order", U64, NONE, LABEL, KEY);
	F(b, "module", STR, NONE, LABEL, BRIEF);
	F(b, "count", U64, NONE, GAUGE, BRIEF);
	F(b, "bytes", U64, BYTES, GAUGE, BRIEF);
	F(b, "unsure", U64, NONE, GAUGE, 0);
	F(b, "allocated", U64, NONE, COUNTER, 0);
	F(b, "freed", U64, NONE, COUNTER, 0);
	F(b, "oldest_ns", U64, NS, GAUGE, 0);
	F(b, "newest_ns", U64, NS, GAUGE, 0);
	F(b, "age_1s", U64, NONE, GAUGE, 0);
	F(b, "age_10s", U64, NONE, GAUGE, 0);
	F(b, "age_more", U64, NONE, GAUGE, 0);
	times(count, 4, 300, cycles);
	RECORD(b, "other_open+0x10/0x90 [other];chrdev_open+0x1/0x2;do_sys_open+0x3/0x4", "slab",
	       "kmalloc-64", "-", "other", count, times(bytes, 256, 19200, cycles), "0",
	       times(allocated, 10, 300, cycles), "6", "60000000000", "1000", "1", "2", "1");
	RECORD(b, "kstrdup+0x1/0x2;other_init+0x20/0x80 [other]", "slab", "kmalloc-<8>&\"", "-",
	       cycles > 2 ? "other (unloaded)" : "other", cycles > 2 ? "1" : "0",
	       cycles > 2 ? "8" : "0", "0", "3", "2", "5000000000", "5000000000", "0", "1", "0");
	RECORD(b, "alloc_pages+0x1/0x2;helper_work+0x7/0x8", "pages", "", "2", "",
	       cycles > 2 ? "2" : "1", cycles > 2 ? "32768" : "16384", "1", "1", "0", "100", "100",
	       "1", "0", "0");
}

void sample_untracked(struct build *b)
{
	begin(b, 0);
	add_system(b, 0);
	add_counted(b, 0);
	build_section(b, MEMDIAG_SEC_TRACK_STATUS, "track_status");
	build_state(b, MEMDIAG_STATE_UNAVAILABLE, -EOPNOTSUPP,
		    "built without tracepoints (CONFIG_TRACEPOINTS)");
	F(b, "state", STR, NONE, GAUGE, BRIEF);
	build_section(b, MEMDIAG_SEC_TRACK, "track");
	build_state(b, MEMDIAG_STATE_UNAVAILABLE, -ENODATA,
		    "nothing is tracked: start with memdiagctl track start");
	F(b, "stack", STR, NONE, LABEL, KEY);
}

void sample_loaded(struct build *b, int how)
{
	build_init(b);
	build_section(b, MEMDIAG_SEC_RESOLVE, "resolve");
	F(b, "kind", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	F(b, "source", STR, NONE, LABEL, BRIEF);
	F(b, "error", S64, NONE, LABEL, BRIEF);
	F(b, "detail", STR, NONE, LABEL, BRIEF);
	if (how == 0 || how == 2)
		RECORD(b, "check", "given addresses", "given", "0", "3 symbols; 2 and 2 agree");
	else if (how == 1)
		RECORD(b, "check", "given addresses", "none", "-22",
		       "wrong map: kfree and init_task are not where it says");
	RECORD(b, "symbol", "slab_caches", "symbol", "0", "address by kprobe");
	if (how == 0)
		RECORD(b, "symbol", "slab_mutex", "given", "0", "address given when loaded");
	else if (how == 2)
		RECORD(b, "symbol", "slab_mutex", "none", "-14",
		       "the given address cannot be right");
	else
		RECORD(b, "symbol", "slab_mutex", "none", "-2", "no address given");
	build_section(b, MEMDIAG_SEC_SLAB, "slab");
	build_state(b, how ? MEMDIAG_STATE_UNAVAILABLE : MEMDIAG_STATE_OK, how ? -ENOENT : 0,
		    how ? "no slab_mutex" : "");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
	build_section(b, MEMDIAG_SEC_VMALLOC, "vmalloc");
	build_state(b, MEMDIAG_STATE_PARTIAL, 0, "\x1b[1mescape");
	F(b, "name", STR, NONE, LABEL, KEY | BRIEF);
}

const char sample_modinfo[] = "license=GPL\n"
			      "parm=snapshot_mib:MiB that all snapshots together may take\n"
			      "parmtype=force_ways:uint\n"
			      "parm=addresses:for memdiagctl load\n"
			      "memdiag_symbols=slab_caches slab_mutex vmap_nodes \n"
			      "memdiag_references=init_task kfree \n"
			      "name=memdiag\n"
			      "vermagic=6.1.0-test SMP mod_unload \n";

const char sample_map[] = "0000000000000000 A __per_cpu_start\n"
			  "ffffffff81000000 T _text\n"
			  "ffffffff81234560 T kfree\n"
			  "ffffffff82000000 D init_task\n"
			  "ffffffff82345678 d slab_caches\n"
			  "ffffffff82345690 d slab_mutex\n"
			  "ffffffff82346000 b twice\n"
			  "ffffffff82346008 b twice\n"
			  "ffffffffc0000000 d slab_caches\t[some_module]\n";

/* Headers, .modinfo, a function at 16 in .text, all names. */
#define MODULE(bits, class)                                                                  \
	do {                                                                                 \
		Elf##bits##_Ehdr h = {};                                                     \
		Elf##bits##_Shdr s[6] = {};                                                  \
		Elf##bits##_Sym y[2] = {};                                                   \
		memcpy(h.e_ident, ELFMAG, SELFMAG);                                          \
		h.e_ident[EI_CLASS] = class;                                                 \
		h.e_ident[EI_DATA] = *(const char *)&(int){ 1 } ? ELFDATA2LSB : ELFDATA2MSB; \
		h.e_type = ET_REL;                                                           \
		h.e_shoff = sizeof(h);                                                       \
		h.e_shentsize = sizeof(s[0]);                                                \
		h.e_shnum = 6;                                                               \
		h.e_shstrndx = 2;                                                            \
		s[1].sh_name = 1;                                                            \
		s[1].sh_type = SHT_PROGBITS;                                                 \
		s[1].sh_offset = sizeof(h) + sizeof(s);                                      \
		s[1].sh_size = length;                                                       \
		s[3].sh_name = 20;                                                           \
		s[3].sh_type = SHT_PROGBITS;                                                 \
		s[3].sh_flags = SHF_ALLOC | SHF_EXECINSTR;                                   \
		s[3].sh_size = 64;                                                           \
		s[4].sh_type = SHT_SYMTAB;                                                   \
		s[4].sh_offset = s[1].sh_offset + length;                                    \
		s[4].sh_size = sizeof(y);                                                    \
		s[4].sh_link = 2;                                                            \
		y[1].st_name = 26;                                                           \
		y[1].st_info = STT_FUNC;                                                     \
		y[1].st_shndx = 3;                                                           \
		y[1].st_value = 16;                                                          \
		y[1].st_size = 8;                                                            \
		s[2].sh_name = 10;                                                           \
		s[2].sh_type = SHT_STRTAB;                                                   \
		s[2].sh_offset = s[4].sh_offset + sizeof(y);                                 \
		s[2].sh_size = sizeof(names);                                                \
		s[5] = s[2];                                                                 \
		s[5].sh_type = SHT_PROGBITS;                                                 \
		s[5].sh_flags = SHF_ALLOC;                                                   \
		*size = s[2].sh_offset + s[2].sh_size;                                       \
		bytes = malloc(*size);                                                       \
		memcpy(bytes, &h, sizeof(h));                                                \
		memcpy(bytes + sizeof(h), s, sizeof(s));                                     \
		for (size_t n = 0; n < length; n++)                                          \
			bytes[s[1].sh_offset + n] = info[n] == '\n' ? 0 : info[n];           \
		memcpy(bytes + s[4].sh_offset, y, sizeof(y));                                \
		memcpy(bytes + s[2].sh_offset, names, sizeof(names));                        \
	} while (0)

unsigned char *sample_module(const char *info, int is_64, size_t *size)
{
	/* The names of sections and functions, and a string as a parameter's name is one. */
	static const char names[] = "\0.modinfo\0.shstrtab\0.text\0work\0back_call";
	size_t length = strlen(info);
	unsigned char *bytes;

	if (is_64)
		MODULE(64, ELFCLASS64);
	else
		MODULE(32, ELFCLASS32);
	return bytes;
}
