// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmalloc: /proc/vmallocinfo, every line and word of it, and the same areas again
 * without addresses; vmalloc_caller and vmalloc_module: the areas of
 * the same snapshot, added up again.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define KPTR_RESTRICT "/proc/sys/kernel/kptr_restrict"
/* Where the x86_64 kernel puts modules and other code it makes. */
#define MODULES_START 0xffffffffa0000000ull

/* A section of a loaded module: newer kernels give its parts areas of their own. */
struct module {
	char name[64];
	unsigned long long start;
};

static struct module *sections;
static unsigned int nr_sections;

static void sections_of(const char *module)
{
	struct dirent *entry;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/module/%s/sections", module);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		long long start;
		char *text;

		if (entry->d_type != DT_REG)
			continue;
		/*
		 * Gone once the module is loaded; up to 6.1 their addresses are still
		 * told, where by now another module may be.
		 */
		if (!strncmp(entry->d_name, ".init", 5) || !strcmp(entry->d_name, ".symtab") ||
		    !strcmp(entry->d_name, ".strtab"))
			continue;
		text = file_read("%s/%s", path, entry->d_name);
		start = text ? (long long)strtoull(text, NULL, 0) : 0;
		free(text);
		/* what is not there any more is at 0 */
		if (!start)
			continue;
		sections = realloc(sections, (nr_sections + 1) * sizeof(*sections));
		snprintf(sections[nr_sections].name, sizeof(sections->name), "%s", module);
		sections[nr_sections++].start = start;
	}
	if (dir)
		closedir(dir);
}

/* Once: nothing is loaded or unloaded meanwhile. Addresses must be visible. */
static void modules_read(void)
{
	char *text, *rest, *line, *name;

	if (nr_sections)
		return;
	text = file_read("/proc/modules");
	rest = text;
	while ((line = file_line(&rest))) {
		name = file_word(&line);
		if (name)
			sections_of(name);
	}
	free(text);
}

/* The module that has a part in an area; "" if several have. */
static const char *module_in(unsigned long long start, unsigned long long end)
{
	const char *found = NULL;
	unsigned int i;

	for (i = 0; i < nr_sections; i++) {
		if (sections[i].start < start || sections[i].start >= end)
			continue;
		if (found && strcmp(found, sections[i].name))
			return "";
		found = sections[i].name;
	}
	return found;
}

/* A line of /proc/vmallocinfo. */
struct area {
	unsigned long long start, end, size, pages, phys;
	bool has_phys, unpurged, vm_map_ram;
	char caller[200], flags[100];
};

static bool is_flag(const char *word)
{
	static const char *const flags[] = {
		"ioremap", "sparse", "vmalloc", "vmap", "user", "dma-coherent", "vpages",
	};
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(word, flags[i]))
			return true;
	return false;
}

static void append(char *text, size_t size, const char *word)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? " " : "", word);
}

static bool area_read(char *line, struct area *area)
{
	char *word;

	memset(area, 0, sizeof(*area));
	word = file_word(&line);
	if (!word || sscanf(word, "0x%llx-0x%llx", &area->start, &area->end) != 2)
		return false;
	word = file_word(&line);
	if (!word)
		return false;
	area->size = strtoull(word, NULL, 10);
	while ((word = file_word(&line))) {
		unsigned int node;

		if (is_flag(word))
			append(area->flags, sizeof(area->flags), word);
		else if (sscanf(word, "pages=%llu", &area->pages) == 1)
			continue;
		else if (sscanf(word, "phys=%llx", &area->phys) == 1)
			area->has_phys = true;
		else if (sscanf(word, "N%u=", &node) == 1)
			continue;
		else if (!strcmp(word, "vm_map_ram"))
			area->vm_map_ram = true;
		else if (!strcmp(word, "unpurged"))
			area->unpurged = true;
		else if (strcmp(word, "vm_area"))
			append(area->caller, sizeof(area->caller), word);
	}
	/* Code that is gone: memdiag does not show what is left of its address. */
	if (!strncmp(area->caller, "0x", 2))
		snprintf(area->caller, sizeof(area->caller), "?");
	return true;
}

/* The kind, said by the flags and, for code, by the address. */
static const char *area_kind(const struct area *area)
{
	static const char *const by_flag[] = {
		"ioremap", "sparse", "dma-coherent", "vmalloc", "vmap",
	};
	char all[120], one[20];
	unsigned int i;

	if (area->unpurged)
		return "unpurged";
	if (area->start >= MODULES_START)
		return module_in(area->start, area->end) ? "module" : "executable";
	if (area->vm_map_ram)
		return "vm_map_ram";
	snprintf(all, sizeof(all), " %s ", area->flags);
	for (i = 0; i < sizeof(by_flag) / sizeof(by_flag[0]); i++) {
		snprintf(one, sizeof(one), " %s ", by_flag[i]);
		if (strstr(all, one))
			return by_flag[i];
	}
	return "other";
}

static const char *area_module(const struct area *area)
{
	static char name[64];
	const char *open = NULL;

	if (!area->unpurged && area->start >= MODULES_START)
		open = module_in(area->start, area->end);
	if (open && *open)
		return open;
	open = strrchr(area->caller, '[');
	if (!open || sscanf(open, "[%63[^] ]", name) != 1)
		return NULL;
	return name;
}

static void area_facts(struct facts *facts, const struct area *area)
{
	char key[64];

	snprintf(key, sizeof(key), "%llx%s", area->start, area->unpurged ? " unpurged" : "");
	facts_number(facts, area->start, "%s/start", key);
	facts_number(facts, area->end, "%s/end", key);
	facts_number(facts, area->size, "%s/size", key);
	facts_string(facts, area_kind(area), "%s/kind", key);
	facts_string(facts, area->flags, "%s/flags", key);
	if (!area->unpurged && !area->vm_map_ram)
		facts_number(facts, area->pages, "%s/nr_pages", key);
	if (area->caller[0])
		facts_string(facts, area->caller, "%s/caller", key);
	if (area_module(area))
		facts_string(facts, area_module(area), "%s/module", key);
	if (area->has_phys)
		facts_number(facts, area->phys, "%s/phys_addr", key);
}

/* memdiag has no way to them, and says so. */
static bool unpurged_not_seen;

static void unpurged_look(void)
{
	struct snap snap;
	const char *reason;

	snap_take(&snap, SNAP_BIT(VMALLOC));
	reason = snap_string(&snap, snap_section(&snap, MEMDIAG_SEC_VMALLOC)->reason);
	/* That is no excuse when no way was closed. */
	unpurged_not_seen = oracle_closed_ways() & ORACLE_NO_SYMBOL && strstr(reason, "unpurged");
	snap_drop(&snap);
}

static bool vmalloc_read(struct facts *facts, void (*fn)(struct facts *, const struct area *))
{
	char *text = file_read("/proc/vmallocinfo"), *rest = text, *line;
	struct area area;

	if (!text)
		return false;
	while ((line = file_line(&rest)))
		if (area_read(line, &area) && !(area.unpurged && unpurged_not_seen))
			fn(facts, &area);
	free(text);
	return true;
}

static bool vmalloc_kernel(struct facts *facts)
{
	file_write(KPTR_RESTRICT, "1");
	modules_read();
	return vmalloc_read(facts, area_facts);
}

static void vmalloc_memdiag(struct facts *facts, const struct snap *snap,
			    const struct memdiag_section *section)
{
	unsigned int f;
	uint64_t n;

	for (n = 0; n < section->nr_records; n++) {
		const char *kind = snap_get_string(snap, section, n, "kind");
		char key[64];

		snprintf(key, sizeof(key), "%llx%s",
			 (unsigned long long)snap_get(snap, section, n, "start"),
			 kind && !strcmp(kind, "unpurged") ? " unpurged" : "");
		for (f = 0; f < section->nr_fields; f++)
			if (strcmp(snap_string(snap, snap_field(snap, section, f)->name), "id"))
				facts_field(facts, snap, section, n, f, key);
	}
}

static const struct oracle vmalloc_oracle = {
	.name = "vmalloc",
	.section = MEMDIAG_SEC_VMALLOC,
	.kernel = vmalloc_kernel,
	.memdiag = vmalloc_memdiag,
};

/*
 * Without addresses: start and end are not there, and the id, a hash of the
 * start, is the one the area has in snapshots taken with addresses. Those before
 * and after say which areas were there all the time.
 */
static void vmalloc_take(struct snap *snap, const char *restricted)
{
	file_write(KPTR_RESTRICT, restricted);
	snap_take(snap, SNAP_BIT(VMALLOC));
}

/* The record with that id and kind; -1 if there is none. */
static int64_t vmalloc_find(const struct snap *snap, const struct snap *of, uint64_t n)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_VMALLOC);
	const struct memdiag_section *sof = snap_section(of, MEMDIAG_SEC_VMALLOC);
	uint64_t id = snap_get(of, sof, n, "id");
	const char *kind = snap_get_string(of, sof, n, "kind");
	int64_t found = -1;
	uint64_t i;

	for (i = 0; i < s->nr_records; i++) {
		if (snap_get(snap, s, i, "id") != id ||
		    strcmp(snap_get_string(snap, s, i, "kind"), kind))
			continue;
		/* twice is as bad as not at all */
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

static bool vmalloc_same(const struct snap *a, uint64_t na, const struct snap *b, uint64_t nb)
{
	static const char *const strings[] = { "flags", "caller", "module" };
	const struct memdiag_section *sa = snap_section(a, MEMDIAG_SEC_VMALLOC);
	const struct memdiag_section *sb = snap_section(b, MEMDIAG_SEC_VMALLOC);
	unsigned int i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		const char *x = snap_get_string(a, sa, na, strings[i]);
		const char *y = snap_get_string(b, sb, nb, strings[i]);

		if (!x != !y || (x && strcmp(x, y)))
			return false;
	}
	return snap_get(a, sa, na, "size") == snap_get(b, sb, nb, "size") &&
	       snap_get(a, sa, na, "nr_pages") == snap_get(b, sb, nb, "nr_pages");
}

static unsigned long vmalloc_hidden_wrong(unsigned long *seen)
{
	struct snap before, hidden, after;
	const struct memdiag_section *sb, *sh;
	unsigned long wrong = 0;
	uint64_t n;

	vmalloc_take(&before, "1");
	vmalloc_take(&hidden, "2");
	vmalloc_take(&after, "1");
	sb = snap_section(&before, MEMDIAG_SEC_VMALLOC);
	sh = snap_section(&hidden, MEMDIAG_SEC_VMALLOC);
	*seen = 0;
	for (n = 0; n < sb->nr_records; n++) {
		int64_t there = vmalloc_find(&hidden, &before, n);
		int64_t still = vmalloc_find(&after, &before, n);

		if (still < 0 || !vmalloc_same(&before, n, &after, still))
			continue;
		++*seen;
		if (there < 0 || !vmalloc_same(&before, n, &hidden, there)) {
			ktap_note("area of id %llx is not the same without addresses",
				  (unsigned long long)snap_get(&before, sb, n, "id"));
			wrong++;
		}
	}
	for (n = 0; n < sh->nr_records; n++)
		if (snap_get(&hidden, sh, n, "start") != MEMDIAG_ABSENT ||
		    snap_get(&hidden, sh, n, "end") != MEMDIAG_ABSENT) {
			ktap_note("an address is shown with kptr_restrict=2");
			wrong++;
		}
	snap_drop(&before);
	snap_drop(&hidden);
	snap_drop(&after);
	return wrong;
}

static void vmalloc_hidden(void)
{
	unsigned long wrong = 1, seen = 0;
	struct snap snap;
	uint32_t source;
	unsigned int try;

	snap_take(&snap, SNAP_BIT(VMALLOC));
	source = snap_section(&snap, MEMDIAG_SEC_VMALLOC)->source;
	snap_drop(&snap);
	if (source == MEMDIAG_SRC_TEXT) {
		ktap_skip("by text, what is hidden from the reader is hidden from memdiag",
			  "oracle_vmalloc: the same areas without addresses");
		return;
	}
	/* An address can be freed and be taken again by the like in between. */
	for (try = 0; try < 5 && wrong; try++)
		wrong = vmalloc_hidden_wrong(&seen);
	ktap_ok(!wrong && seen > 20, "oracle_vmalloc: the same %lu areas without addresses", seen);
}

/* Sums of the areas of one snapshot, per key. */
struct sum {
	char key[400];
	unsigned long long areas, size, pages;
	bool pages_known;
};

static struct sum *sums;
static unsigned int nr_sums;

static struct sum *sum_of(const char *key)
{
	unsigned int i;

	for (i = 0; i < nr_sums; i++)
		if (!strcmp(sums[i].key, key))
			return &sums[i];
	sums = realloc(sums, (nr_sums + 1) * sizeof(*sums));
	memset(&sums[nr_sums], 0, sizeof(*sums));
	snprintf(sums[nr_sums].key, sizeof(sums->key), "%s", key);
	return &sums[nr_sums++];
}

static void sum_key(char *key, size_t size, const struct snap *snap,
		    const struct memdiag_section *s, uint64_t n, bool per_module)
{
	const char *module = snap_get_string(snap, s, n, "module");

	if (per_module)
		snprintf(key, size, "%s", module ?: "kernel");
	else
		snprintf(key, size, "%s|%s", snap_get_string(snap, s, n, "caller") ?: "-",
			 snap_get_string(snap, s, n, "kind"));
}

static void vmalloc_sums(unsigned int id, const char *name, bool per_module)
{
	const struct memdiag_section *areas, *s;
	unsigned long wrong = 0;
	struct snap snap;
	uint64_t n, last = UINT64_MAX;
	char key[400];

	snap_take(&snap, 1ull << id);
	areas = snap_section(&snap, MEMDIAG_SEC_VMALLOC);
	s = snap_section(&snap, id);
	if (!snap_has(&snap, id)) {
		ktap_ok(false, "oracle_%s: unavailable: %s", name, snap_string(&snap, s->reason));
		return;
	}
	nr_sums = 0;
	for (n = 0; n < areas->nr_records; n++) {
		uint64_t pages = snap_get(&snap, areas, n, "nr_pages");
		struct sum *sum;

		sum_key(key, sizeof(key), &snap, areas, n, per_module);
		sum = sum_of(key);
		sum->areas++;
		sum->size += snap_get(&snap, areas, n, "size");
		if (pages != MEMDIAG_ABSENT) {
			sum->pages += pages;
			sum->pages_known = true;
		}
	}
	for (n = 0; n < s->nr_records; n++) {
		uint64_t pages = snap_get(&snap, s, n, "nr_pages");
		struct sum *sum;

		sum_key(key, sizeof(key), &snap, s, n, per_module);
		sum = sum_of(key);
		if (!sum->pages_known)
			sum->pages = MEMDIAG_ABSENT;
		if (sum->areas != snap_get(&snap, s, n, "areas") ||
		    sum->size != snap_get(&snap, s, n, "size") || sum->pages != pages ||
		    sum->size > last) {
			ktap_note("%s: %llu areas %llu bytes %llu pages, memdiag %llu %llu %llu",
				  key, sum->areas, sum->size, sum->pages,
				  (unsigned long long)snap_get(&snap, s, n, "areas"),
				  (unsigned long long)snap_get(&snap, s, n, "size"),
				  (unsigned long long)pages);
			wrong++;
		}
		last = sum->size;
	}
	ktap_ok(!wrong && nr_sums == s->nr_records && nr_sums, "oracle_%s: %llu areas make %u sums",
		name, (unsigned long long)areas->nr_records, nr_sums);
	snap_drop(&snap);
}

void oracle_vmalloc(void)
{
	char *restrict_was = file_read(KPTR_RESTRICT);

	unpurged_look();
	oracle_run(&vmalloc_oracle);
	vmalloc_hidden();
	if (restrict_was)
		file_write(KPTR_RESTRICT, restrict_was);
	free(restrict_was);
	vmalloc_sums(MEMDIAG_SEC_VMALLOC_CALLER, "vmalloc_caller", false);
	vmalloc_sums(MEMDIAG_SEC_VMALLOC_MODULE, "vmalloc_module", true);
}
