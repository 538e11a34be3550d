// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section system: one record on the machine, the kernel and its instruments.
 *
 * Most is in public structures and behind exported functions. A few sizes of
 * /proc/meminfo have no exported accessor and are taken from its text. Whether
 * an instrument that was built in is switched on is read from the flag or
 * static key that switches it, a data symbol looked up when the module is
 * loaded; nothing is called there. Without that symbol, whether slabs are
 * debugged is read from the flags of the caches.
 *
 * Locks: slab_mutex for that; else none. Values are a moment apart.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include <linux/vmstat.h>

#include "../compat/kasan.h"
#include "../compat/mmzone.h"
#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "../readers/meminfo.h"
#include "../slub/slub.h"

/*
 * How the word at a symbol tells whether an instrument is on. A static key
 * begins with the count of those who enabled it.
 */
enum instrument_how {
	INSTRUMENT_CONFIG,	/* nothing to read: built in is on */
	INSTRUMENT_BOOL,	/* a bool */
	INSTRUMENT_INT,		/* an int or a static key: on unless zero */
	INSTRUMENT_OFF_KEY,	/* a static key that switches it off */
};

enum {
	INSTRUMENT_KMEMLEAK,
	INSTRUMENT_PAGE_OWNER,
	INSTRUMENT_ALLOC_TAG,
	INSTRUMENT_KFENCE,
	INSTRUMENT_SLUB_DEBUG,
	INSTRUMENT_PSI,
	INSTRUMENT_BTF,
	INSTRUMENT_KPROBES,
	INSTRUMENT_KALLSYMS_ALL,
	INSTRUMENT_TRACEPOINTS,
	INSTRUMENT_NUMA,
	NR_INSTRUMENTS
};

struct instrument {
	bool built_in;
	enum instrument_how how;
	const char *symbol;
};

static const struct instrument instruments[NR_INSTRUMENTS] = {
	[INSTRUMENT_KMEMLEAK] = { IS_ENABLED(CONFIG_DEBUG_KMEMLEAK),
				  INSTRUMENT_INT, "kmemleak_enabled" },
	[INSTRUMENT_PAGE_OWNER] = { IS_ENABLED(CONFIG_PAGE_OWNER),
				    INSTRUMENT_INT, "page_owner_inited" },
	[INSTRUMENT_ALLOC_TAG] = { IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING),
				   INSTRUMENT_INT, "mem_alloc_profiling_key" },
	[INSTRUMENT_KFENCE] = { IS_ENABLED(CONFIG_KFENCE), INSTRUMENT_BOOL, "kfence_enabled" },
	[INSTRUMENT_SLUB_DEBUG] = { IS_ENABLED(CONFIG_SLUB_DEBUG),
				    INSTRUMENT_INT, "slub_debug_enabled" },
	[INSTRUMENT_PSI] = { IS_ENABLED(CONFIG_PSI), INSTRUMENT_OFF_KEY, "psi_disabled" },
	[INSTRUMENT_BTF] = { IS_ENABLED(CONFIG_DEBUG_INFO_BTF) },
	[INSTRUMENT_KPROBES] = { IS_ENABLED(CONFIG_KPROBES) },
	[INSTRUMENT_KALLSYMS_ALL] = { IS_ENABLED(CONFIG_KALLSYMS_ALL) },
	[INSTRUMENT_TRACEPOINTS] = { IS_ENABLED(CONFIG_TRACEPOINTS) },
	[INSTRUMENT_NUMA] = { IS_ENABLED(CONFIG_NUMA) },
};

/* Addresses of the symbols, 0 if not found. */
static unsigned long instrument_at[NR_INSTRUMENTS];
static unsigned long thp_flags_at;

struct system_record {
	u64 release;
	u64 version;
	u64 machine;
	u64 page_size;
	u64 nr_cpus_online;
	u64 nr_cpus_possible;
	u64 nr_nodes_online;
	u64 hz;
	u64 uptime;
	u64 mem_total;
	u64 mem_free;
	u64 mem_available;
	u64 mem_shared;
	u64 mem_buffer;
	u64 swap_total;
	u64 swap_free;
	u64 commit_limit;
	u64 committed_as;
	u64 vmalloc_used;
	u64 percpu;
	u64 hardware_corrupted;
	u64 block_order;	/* pageblock_order is a macro */
	u64 nr_orders;
	u64 tainted;
	u64 instrument[NR_INSTRUMENTS];
	u64 kasan;
	u64 memcg;
	u64 debugfs;
	u64 thp;
	u64 memdiag_version;
	u64 memdiag_snapshot_bytes;
	u64 memdiag_snapshot_limit;
	u64 unevictable;
	u64 dentries_negative;
};

#define DENTRY_STATE	"/proc/sys/fs/dentry-state"

static const struct memdiag_field_desc system_fields[] = {
	MEMDIAG_LABEL(system_record, release, STR, NONE, BRIEF, "release of the kernel"),
	MEMDIAG_LABEL(system_record, version, STR, NONE, 0, "version of the kernel, as uname -v"),
	MEMDIAG_LABEL(system_record, machine, STR, NONE, BRIEF, "architecture, as uname -m"),
	MEMDIAG_LABEL(system_record, page_size, U64, BYTES, BRIEF, "size of a page"),
	MEMDIAG_GAUGE(system_record, nr_cpus_online, U64, NONE, BRIEF, "CPUs online"),
	MEMDIAG_LABEL(system_record, nr_cpus_possible, U64, NONE, 0,
		      "CPUs that per-cpu memory is allocated for"),
	MEMDIAG_GAUGE(system_record, nr_nodes_online, U64, NONE, BRIEF, "NUMA nodes online"),
	MEMDIAG_LABEL(system_record, hz, U64, NONE, 0, "timer ticks per second"),
	MEMDIAG_COUNTER(system_record, uptime, U64, NS, BRIEF, "time since boot, with suspend"),
	MEMDIAG_GAUGE(system_record, mem_total, U64, PAGES, BRIEF,
		      "memory the kernel manages (MemTotal)"),
	MEMDIAG_GAUGE(system_record, mem_free, U64, PAGES, BRIEF, "free memory (MemFree)"),
	MEMDIAG_GAUGE(system_record, mem_available, U64, PAGES, BRIEF,
		      "estimate of what can be had without swapping (MemAvailable)"),
	MEMDIAG_GAUGE(system_record, mem_shared, U64, PAGES, 0, "tmpfs and shared memory (Shmem)"),
	MEMDIAG_GAUGE(system_record, mem_buffer, U64, PAGES, 0,
		      "page cache of block devices (Buffers)"),
	MEMDIAG_FIELD_FROM(system_record, swap_total, "swap_total", U64, PAGES, GAUGE, 0, TEXT,
			   "SwapTotal of /proc/meminfo"),
	MEMDIAG_GAUGE(system_record, swap_free, U64, PAGES, 0, "swap space not in use (SwapFree)"),
	MEMDIAG_FIELD_FROM(system_record, commit_limit, "commit_limit", U64, PAGES, GAUGE, 0, TEXT,
			   "CommitLimit of /proc/meminfo"),
	MEMDIAG_FIELD_FROM(system_record, committed_as, "committed_as", U64, PAGES, GAUGE, 0, TEXT,
			   "Committed_AS of /proc/meminfo"),
	MEMDIAG_FIELD_FROM(system_record, vmalloc_used, "vmalloc_used", U64, PAGES, GAUGE, 0, TEXT,
			   "VmallocUsed of /proc/meminfo"),
	MEMDIAG_FIELD_FROM(system_record, percpu, "percpu", U64, PAGES, GAUGE, 0, TEXT,
			   "Percpu of /proc/meminfo"),
	MEMDIAG_FIELD_FROM(system_record, hardware_corrupted, "hardware_corrupted",
			   U64, PAGES, GAUGE, 0, TEXT, "HardwareCorrupted of /proc/meminfo"),
	MEMDIAG_FIELD(system_record, block_order, "pageblock_order", U64, NONE, LABEL, 0,
		      "a pageblock has 2^pageblock_order pages"),
	MEMDIAG_LABEL(system_record, nr_orders, U64, NONE, 0,
		      "number of orders of the buddy allocator: the largest plus one"),
	MEMDIAG_LABEL(system_record, tainted, HEX, NONE, 0,
		      "taint bits, as /proc/sys/kernel/tainted"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_KMEMLEAK], "kmemleak",
		      STR, NONE, LABEL, 0,
		      "on, off, built in (but it cannot be told whether it is on) or not built"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_PAGE_OWNER], "page_owner",
		      STR, NONE, LABEL, 0, "as kmemleak"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_ALLOC_TAG], "alloc_tag",
		      STR, NONE, LABEL, 0, "memory allocation profiling; as kmemleak"),
	MEMDIAG_LABEL(system_record, kasan, STR, NONE, 0, "as kmemleak"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_KFENCE], "kfence", STR, NONE, LABEL, 0,
		      "as kmemleak"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_SLUB_DEBUG], "slub_debug",
		      STR, NONE, LABEL, 0, "as kmemleak; on: for at least one cache"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_PSI], "psi", STR, NONE, LABEL, 0,
		      "as kmemleak"),
	MEMDIAG_LABEL(system_record, memcg, STR, NONE, 0,
		      "v1, v2 (the hierarchy it is on), off or not built"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_BTF], "btf", STR, NONE, LABEL, 0,
		      "on or not built"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_KPROBES], "kprobes", STR, NONE, LABEL, 0,
		      "on or not built"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_KALLSYMS_ALL], "kallsyms_all",
		      STR, NONE, LABEL, 0, "on or not built"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_TRACEPOINTS], "tracepoints",
		      STR, NONE, LABEL, 0, "on or not built"),
	MEMDIAG_LABEL(system_record, debugfs, STR, NONE, 0, "on, off or not built"),
	MEMDIAG_FIELD(system_record, instrument[INSTRUMENT_NUMA], "numa", STR, NONE, LABEL, 0,
		      "on or not built"),
	MEMDIAG_LABEL(system_record, thp, STR, NONE, 0,
		      "always, madvise, never, built in or not built"),
	MEMDIAG_LABEL(system_record, memdiag_version, STR, NONE, 0, "version of memdiag.ko"),
	MEMDIAG_GAUGE(system_record, memdiag_snapshot_bytes, U64, BYTES, 0,
		      "memory that snapshots take, this one in the making"),
	MEMDIAG_LABEL(system_record, memdiag_snapshot_limit, U64, BYTES, 0,
		      "memory that snapshots may take"),
	MEMDIAG_GAUGE(system_record, unevictable, U64, PAGES, 0,
		      "pages of files and processes that cannot be reclaimed: ramfs, locked (Unevictable)"),
	MEMDIAG_FIELD_FROM(system_record, dentries_negative, "dentries_negative",
			   U64, NONE, GAUGE, 0, TEXT,
			   "dentries that say that there is no such file; reclaimable, as " DENTRY_STATE),
};

static const char *instrument_state(unsigned int id)
{
	const struct instrument *instrument = &instruments[id];
	unsigned long at = instrument_at[id];

	if (!instrument->built_in)
		return "not built";
	if (instrument->how == INSTRUMENT_CONFIG)
		return "on";
	if (!at && id == INSTRUMENT_SLUB_DEBUG) {
		int debugged = memdiag_slab_debugged();

		return debugged < 0 ? "built in" : debugged ? "on" : "off";
	}
	if (!at)
		return "built in";
	/* Flags that are switched now and then; each is read at once. */
	switch (instrument->how) {
	case INSTRUMENT_BOOL:
		return READ_ONCE(*(const u8 *)at) ? "on" : "off";
	case INSTRUMENT_OFF_KEY:
		return READ_ONCE(*(const int *)at) ? "off" : "on";
	default:
		return READ_ONCE(*(const int *)at) ? "on" : "off";
	}
}

static const char *system_kasan(void)
{
	if (!IS_ENABLED(CONFIG_KASAN))
		return "not built";
	return kasan_enabled() ? "on" : "off";
}

static const char *system_memcg(void)
{
#ifdef CONFIG_MEMCG
	if (mem_cgroup_disabled())
		return "off";
	return cgroup_subsys_on_dfl(memory_cgrp_subsys) ? "v2" : "v1";
#else
	return "not built";
#endif
}

static const char *system_debugfs(void)
{
	if (!IS_ENABLED(CONFIG_DEBUG_FS))
		return "not built";
	return debugfs_initialized() ? "on" : "off";
}

static const char *system_thp(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	unsigned long flags;

	if (!thp_flags_at)
		return "built in";
	flags = READ_ONCE(*(const unsigned long *)thp_flags_at);
	if (flags & BIT(TRANSPARENT_HUGEPAGE_FLAG))
		return "always";
	if (flags & BIT(TRANSPARENT_HUGEPAGE_REQ_MADV_FLAG))
		return "madvise";
	return "never";
#else
	return "not built";
#endif
}

static u64 system_tainted(void)
{
	u64 tainted = 0;
	unsigned int i;

	for (i = 0; i < TAINT_FLAGS_COUNT; i++)
		if (test_taint(i))
			tainted |= BIT_ULL(i);
	return tainted;
}

static void system_meminfo(struct memdiag_sink *sink, struct system_record *record)
{
	char *text = memdiag_meminfo_read(sink);

	if (!text)
		return;
	record->swap_total = memdiag_meminfo_pages(text, "SwapTotal");
	record->commit_limit = memdiag_meminfo_pages(text, "CommitLimit");
	record->committed_as = memdiag_meminfo_pages(text, "Committed_AS");
	record->vmalloc_used = memdiag_meminfo_pages(text, "VmallocUsed");
	record->percpu = memdiag_meminfo_pages(text, "Percpu");
	record->hardware_corrupted = memdiag_meminfo_pages(text, "HardwareCorrupted");
	memdiag_free(text);
}

/* Opened while the module loads; or an ERR_PTR(). */
static struct file *dentry_state;

/* The fifth number; the kernel keeps it nowhere but in a file. */
static u64 system_dentries_negative(void)
{
	u64 value = MEMDIAG_ABSENT;
	char *text, *rest, *word = NULL;
	unsigned int i;

	if (IS_ERR(dentry_state) || memdiag_file_read_opened(dentry_state, &text, PAGE_SIZE) < 0)
		return value;
	rest = text;
	for (i = 0; i < 5; i++)
		word = strsep(&rest, "\t\n ");
	if (!word || kstrtou64(word, 10, &value))
		value = MEMDIAG_ABSENT;
	memdiag_free(text);
	return value;
}

static int system_collect(struct memdiag_sink *sink)
{
	struct system_record *record = memdiag_push(sink);
	const struct new_utsname *uts = init_utsname();
	struct sysinfo info;
	unsigned int i;
	int order;

	if (!record)
		return -ENOSPC;
	record->release = memdiag_push_string(sink, uts->release);
	record->version = memdiag_push_string(sink, uts->version);
	record->machine = memdiag_push_string(sink, uts->machine);
	record->page_size = PAGE_SIZE;
	record->nr_cpus_online = num_online_cpus();
	record->nr_cpus_possible = num_possible_cpus();
	record->nr_nodes_online = num_online_nodes();
	record->hz = HZ;
	record->uptime = ktime_get_boottime_ns();
	system_meminfo(sink, record);
	order = memdiag_pageblock_order();
	if (order >= 0)
		record->block_order = order;
	record->nr_orders = NR_PAGE_ORDERS;
	record->tainted = system_tainted();
	for (i = 0; i < NR_INSTRUMENTS; i++)
		record->instrument[i] = memdiag_push_string(sink, instrument_state(i));
	record->kasan = memdiag_push_string(sink, system_kasan());
	record->memcg = memdiag_push_string(sink, system_memcg());
	record->debugfs = memdiag_push_string(sink, system_debugfs());
	record->thp = memdiag_push_string(sink, system_thp());
	record->memdiag_version = memdiag_push_string(sink, MEMDIAG_VERSION);
	record->memdiag_snapshot_bytes = memdiag_snapshot_held();
	record->memdiag_snapshot_limit = memdiag_snapshot_limit();
	record->unevictable = global_node_page_state(NR_UNEVICTABLE);
	record->dentries_negative = system_dentries_negative();

	/*
	 * Last, when what reading the text took is given back. All in pages: mem_unit is
	 * PAGE_SIZE.
	 */
	si_meminfo(&info);
	record->mem_total = info.totalram;
	record->mem_free = info.freeram;
	record->mem_available = max(si_mem_available(), 0L);
	record->mem_shared = info.sharedram;
	record->mem_buffer = info.bufferram;
	/* Goes below zero for a moment while a swap area is taken away. */
	record->swap_free = max(get_nr_swap_pages(), 0L);
	return 0;
}

static void __init system_init(struct memdiag_status *status)
{
	unsigned int i;

	for (i = 0; i < NR_INSTRUMENTS; i++)
		if (instruments[i].built_in && instruments[i].symbol)
			instrument_at[i] = memdiag_resolve_data(instruments[i].symbol);
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		thp_flags_at = memdiag_resolve_data("transparent_hugepage_flags");
	dentry_state = memdiag_file_open(DENTRY_STATE);
	/* An instrument of unknown state says so itself: nothing is missing. */
	memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

static void system_exit(struct memdiag_status *status)
{
	if (!IS_ERR(dentry_state))
		filp_close(dentry_state, NULL);
}

const struct memdiag_provider memdiag_system_provider __refconst = {
	.id = MEMDIAG_SEC_SYSTEM,
	.name = "system",
	.help = "one record: the machine, the kernel, its memory and its instruments",
	MEMDIAG_RECORDS(system_fields, system_record),
	.init = system_init,
	.exit = system_exit,
	.collect = system_collect,
};
