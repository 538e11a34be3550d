// SPDX-License-Identifier: GPL-2.0-only
/*
 * system: uname, /proc/meminfo and others; resolve and status: that what the
 * section table says of a section does not contradict what it contains.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

/* Pages; -1 if there is no such line. */
static long long meminfo_fact(struct facts *facts, const char *text, const char *line,
			      const char *field)
{
	const char *at = text;
	size_t n = strlen(line);
	long long pages;

	while (at && (strncmp(at, line, n) || at[n] != ':')) {
		at = strchr(at, '\n');
		at += !!at;
	}
	if (!at)
		return -1;
	pages = strtoll(at + n + 1, NULL, 10) * 1024 / getpagesize();
	facts_number(facts, pages, "system/%s", field);
	return pages;
}

static unsigned int count_list(const char *path)
{
	char *text = file_read("%s", path), *rest = text, *word;
	unsigned int nr = 0, a, b;

	while (text && (word = strsep(&rest, ",\n"))) {
		int n = sscanf(word, "%u-%u", &a, &b);

		nr += n == 2 ? b - a + 1 : n == 1;
	}
	free(text);
	return nr;
}

/*
 * What a flag of the kernel says. If there is no way to that flag, or it was closed,
 * memdiag has to say that it does not know.
 */
static void state_fact(struct facts *facts, const char *state, const char *field,
		       const char *symbol)
{
	bool closed = !oracle_symbol_known(symbol) && strcmp(state, "not built");

	facts_string(facts, closed ? "built in" : state, "system/%s", field);
}

/* The hierarchy that the memory controller is on. */
static const char *memcg_state(void)
{
	char *text;
	bool built;

	if (!access("/sys/fs/cgroup/memory", F_OK))
		return "v1";
	if (!access("/sys/fs/cgroup/memory.stat", F_OK))
		return "v2";
	text = file_read("/proc/cgroups");
	built = text && strstr(text, "\nmemory\t");
	free(text);
	return built ? "off" : "not built";
}

static const char *debugfs_state(void)
{
	char *text = file_read("/proc/filesystems");
	bool built = text && strstr(text, "\tdebugfs\n");

	free(text);
	return built ? "on" : "not built";
}

static bool system_kernel(struct facts *facts)
{
	static const struct {
		const char *line, *field;
	} lines[] = {
		{ "MemTotal", "mem_total" },
		{ "MemFree", "mem_free" },
		{ "MemAvailable", "mem_available" },
		{ "Shmem", "mem_shared" },
		{ "Buffers", "mem_buffer" },
		{ "SwapTotal", "swap_total" },
		{ "SwapFree", "swap_free" },
		{ "CommitLimit", "commit_limit" },
		{ "Committed_AS", "committed_as" },
		{ "VmallocUsed", "vmalloc_used" },
		{ "Percpu", "percpu" },
		{ "HardwareCorrupted", "hardware_corrupted" },
		{ "Unevictable", "unevictable" },
	};
	char *text = file_read("/proc/meminfo");
	struct utsname uts;
	struct timespec now;
	unsigned int i;
	long long value, free_pages = 0, lists;

	if (!text)
		return false;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		value = meminfo_fact(facts, text, lines[i].line, lines[i].field);
		if (!strcmp(lines[i].line, "MemFree"))
			free_pages = value;
	}
	free(text);
	lists = oracle_free_everywhere() - free_pages;
	facts_lists(facts, lists, "system/mem_free");
	facts_lists(facts, lists, "system/mem_available");
	uname(&uts);
	facts_string(facts, uts.release, "system/release");
	facts_string(facts, uts.version, "system/version");
	facts_string(facts, uts.machine, "system/machine");
	facts_number(facts, getpagesize(), "system/page_size");
	facts_number(facts, count_list("/sys/devices/system/cpu/online"), "system/nr_cpus_online");
	facts_number(facts, count_list("/sys/devices/system/cpu/possible"),
		     "system/nr_cpus_possible");
	facts_number(facts, count_list("/sys/devices/system/node/online") ?: 1,
		     "system/nr_nodes_online");
	clock_gettime(CLOCK_BOOTTIME, &now);
	facts_number(facts, now.tv_sec * 1000000000ll + now.tv_nsec, "system/uptime");
	if (file_number(&value, "/proc/sys/kernel/tainted"))
		facts_number(facts, value, "system/tainted");
	text = file_read("/proc/pagetypeinfo");
	if (text && sscanf(text, "Page block order: %lld", &value) == 1) {
		char *orders = strstr(text, "at order");
		unsigned int nr = 0;

		facts_number(facts, value, "system/pageblock_order");
		orders = orders ? orders + strlen("at order") : NULL;
		if (orders)
			orders[strcspn(orders, "\n")] = '\0';
		while (orders && file_word(&orders))
			nr++;
		facts_number(facts, nr, "system/nr_orders");
	}
	free(text);
	text = file_read("/proc/sys/fs/dentry-state");
	if (text && sscanf(text, "%*d %*d %*d %*d %lld", &value) == 1)
		facts_number(facts, value, "system/dentries_negative");
	free(text);
	text = file_read("/sys/module/memdiag/version");
	if (text) {
		text[strcspn(text, "\n")] = '\0';
		facts_string(facts, text, "system/memdiag_version");
		free(text);
	}
	text = file_read("/sys/kernel/mm/transparent_hugepage/enabled");
	if (text) {
		char mode[20];
		const char *open = strchr(text, '[');

		if (open && sscanf(open, "[%19[^]]]", mode) == 1)
			state_fact(facts, mode, "thp", "transparent_hugepage_flags");
		free(text);
	} else {
		state_fact(facts, "not built", "thp", "");
	}
	facts_string(facts, debugfs_state(), "system/debugfs");
	facts_string(facts, access("/sys/kernel/btf/vmlinux", F_OK) ? "not built" : "on",
		     "system/btf");
	facts_string(facts, access("/sys/devices/system/node", F_OK) ? "not built" : "on",
		     "system/numa");
	facts_string(facts, memcg_state(), "system/memcg");
	text = file_read("/proc/pressure/memory");
	if (text)
		state_fact(facts, "on", "psi", "psi_disabled");
	free(text);
	return true;
}

static void system_memdiag(struct facts *facts, const struct snap *snap,
			   const struct memdiag_section *s)
{
	static const char *const but[] = {
		"hz",
		"kmemleak",
		"page_owner",
		"alloc_tag",
		"kasan",
		"kfence",
		"slub_debug",
		"kprobes",
		"kallsyms_all",
		"tracepoints",
		"memdiag_snapshot_bytes",
		"memdiag_snapshot_limit",
	};
	char *psi = file_read("/proc/pressure/memory");
	unsigned int f, i;

	for (f = 0; f < s->nr_fields && s->nr_records == 1; f++) {
		const char *name = snap_string(snap, snap_field(snap, s, f)->name);

		for (i = 0; i < sizeof(but) / sizeof(but[0]) && strcmp(name, but[i]); i++)
			;
		if (i < sizeof(but) / sizeof(but[0]) || (!psi && !strcmp(name, "psi")))
			continue;
		facts_own_field(facts, snap, s, 0, f, "system", name);
	}
	free(psi);
}

static const struct oracle system_oracle = {
	.name = "system",
	.section = MEMDIAG_SEC_SYSTEM,
	.also = SNAP_BIT(PCP),
	.kernel = system_kernel,
	.memdiag = system_memdiag,
};

/* The instruments, by the files that they make. */
static void instruments(void)
{
	static const struct {
		const char *field, *file;
	} made[] = {
		{ "kmemleak", "/sys/kernel/debug/kmemleak" },
		{ "page_owner", "/sys/kernel/debug/page_owner" },
		{ "alloc_tag", "/proc/sys/vm/mem_profiling" },
		{ "kprobes", "/sys/kernel/debug/kprobes/list" },
		{ "kfence", "/sys/kernel/debug/kfence/stats" },
	};
	const struct memdiag_section *s;
	struct snap snap;
	bool debugfs = !strcmp(debugfs_state(), "on");
	unsigned int i;
	bool ok = true;

	snap_take(&snap, SNAP_BIT(SYSTEM));
	s = snap_section(&snap, MEMDIAG_SEC_SYSTEM);
	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		const char *state = snap_get_string(&snap, s, 0, made[i].field);
		bool there = !access(made[i].file, F_OK);

		/* It may be on, but its file has no place to be. */
		if (!debugfs && !strncmp(made[i].file, "/sys/kernel/debug/", 18))
			continue;
		/* Some files are there only while it is on. */
		if (!state || (there && !strcmp(state, "not built")) ||
		    (!there && !strcmp(state, "on"))) {
			ktap_note("%s: %s, %s is %sthere", made[i].field, state ?: "-",
				  made[i].file, there ? "" : "not ");
			ok = false;
		}
	}
	ktap_ok(ok, "oracle_system: instruments");
	snap_drop(&snap);
}

/* "on" if there is a cache that is debugged, by the files that say so of each cache. */
static const char *slub_debug_state(void)
{
	static const char *const how[] = { "sanity_checks", "red_zone", "poison", "store_user",
					   "trace" };
	const char *state = "not built";
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		for (unsigned int i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
			long long on;

			if (!file_number(&on, "/sys/kernel/slab/%s/%s", entry->d_name, how[i]))
				continue;
			if (on || !strcmp(state, "not built"))
				state = on ? "on" : "off";
		}
	}
	if (dir)
		closedir(dir);
	return state;
}

/* It is unknown only where nothing tells: neither the key nor the list of caches. */
static void slub_debug(void)
{
	const char *state, *kernel = slub_debug_state();
	const struct memdiag_section *slab;
	struct snap snap;
	bool blind;

	if (access("/sys/kernel/slab", F_OK)) {
		ktap_skip("no /sys/kernel/slab", "oracle_system: slub_debug");
		return;
	}
	snap_take(&snap, SNAP_BIT(SYSTEM) | SNAP_BIT(SLAB));
	slab = snap_section(&snap, MEMDIAG_SEC_SLAB);
	blind = !oracle_symbol_known("slub_debug_enabled") &&
		(slab->source == MEMDIAG_SRC_NONE || slab->source == MEMDIAG_SRC_TEXT ||
		 slab->source == MEMDIAG_SRC_PAGES);
	state = snap_get_string(&snap, snap_section(&snap, MEMDIAG_SEC_SYSTEM), 0, "slub_debug");
	if (blind && strcmp(kernel, "not built"))
		kernel = "built in";
	if (!ktap_ok(state && !strcmp(state, kernel), "oracle_system: slub_debug"))
		ktap_note("memdiag says %s, want %s", state ?: "-", kernel);
	snap_drop(&snap);
}

/* How a section says it was found has to fit the items it rests on. */
static void resolve(void)
{
	const struct memdiag_section *s;
	unsigned long wrong = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(RESOLVE));
	s = snap_section(&snap, MEMDIAG_SEC_RESOLVE);
	for (n = 0; n < s->nr_records; n++) {
		const char *name = snap_get_string(&snap, s, n, "name");
		const char *source = snap_get_string(&snap, s, n, "source");
		int64_t error = snap_get(&snap, s, n, "error");

		if (!name || !*name || !source || error > 0 ||
		    (error < 0) != !strcmp(source, "none") ||
		    !snap_get_string(&snap, s, n, "kind") ||
		    !*(snap_get_string(&snap, s, n, "detail") ?: "")) {
			ktap_note("%s: source %s, error %lld", name ?: "-", source ?: "-",
				  (long long)error);
			wrong++;
		}
		if (error)
			ktap_note("not found: %s: %s", name,
				  snap_get_string(&snap, s, n, "detail"));
	}
	ktap_ok(s->nr_records && !wrong, "oracle_resolve: %llu items",
		(unsigned long long)s->nr_records);
	snap_drop(&snap);
}

void oracle_system(void)
{
	oracle_run(&system_oracle);
	instruments();
	slub_debug();
	resolve();
}
