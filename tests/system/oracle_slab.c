// SPDX-License-Identifier: GPL-2.0-only
/*
 * slab: /proc/slabinfo for the numbers, /sys/kernel/slab for the rest.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define SLAB_DIR "/sys/kernel/slab"
/* Room for that many attributes, of a few hundred caches. */
#define SLAB_CONSTANTS 32768

/* An attribute; false if there is none. */
static bool slab_attribute(long long *value, const char *cache, const char *name)
{
	return file_number(value, SLAB_DIR "/%s/%s", cache, name);
}

/* What slab_constant() has read of an attribute. */
struct slab_constant {
	bool there;
	long long value;
};

/*
 * An attribute that stays as the cache was made; false if there is none. Each is read once:
 * under KASAN sysfs takes seconds for all of them, and meanwhile the other numbers move.
 */
static bool slab_constant(long long *value, const char *cache, const char *name)
{
	struct slab_constant *constant;
	ENTRY entry = {}, *found;
	static bool made;

	if (!made && !hcreate(SLAB_CONSTANTS))
		abort();
	made = true;
	if (asprintf(&entry.key, "%s/%s", cache, name) < 0)
		abort();
	found = hsearch(entry, FIND);
	if (found) {
		free(entry.key);
		constant = found->data;
	} else {
		constant = calloc(1, sizeof(*constant));
		entry.data = constant;
		if (!constant || !hsearch(entry, ENTER))
			abort();
		constant->there = slab_attribute(&constant->value, cache, name);
	}
	*value = constant->value;
	return constant->there;
}

static void slab_constant_fact(struct facts *facts, const char *cache, const char *attribute,
			       const char *field)
{
	long long value;

	if (slab_constant(&value, cache, attribute))
		facts_number(facts, value, "%s/%s", cache, field);
}

static void slab_attribute_fact(struct facts *facts, const char *cache, const char *attribute,
				const char *field)
{
	long long value;

	if (slab_attribute(&value, cache, attribute))
		facts_number(facts, value, "%s/%s", cache, field);
}

/* The words that memdiag gives the flags which sysfs shows one by one. */
static const struct {
	const char *attribute;
	const char *word;
} slab_flags[] = {
	{ "cache_dma", "dma" },
	{ "destroy_by_rcu", "rcu" },
	{ "hwcache_align", "hwcache" },
	{ "poison", "poison" },
	{ "reclaim_account", "reclaim" },
	{ "red_zone", "redzone" },
	{ "sanity_checks", "sanity" },
	{ "store_user", "user" },
	{ "trace", "trace" },
};

#define NR_SLAB_FLAGS (sizeof(slab_flags) / sizeof(slab_flags[0]))

static void slab_sysfs(struct facts *facts, const char *cache)
{
	char *text, *end;
	unsigned int i;
	long long value;

	if (access(SLAB_DIR, F_OK))
		return;
	slab_constant_fact(facts, cache, "object_size", "object_size");
	slab_attribute_fact(facts, cache, "aliases", "aliases");
	slab_constant_fact(facts, cache, "align", "align");
	slab_constant_fact(facts, cache, "min_partial", "min_partial");
	slab_constant_fact(facts, cache, "reclaim_account", "reclaimable");
	slab_attribute_fact(facts, cache, "partial", "nr_partial");
	for (i = 0; i < NR_SLAB_FLAGS; i++)
		if (slab_constant(&value, cache, slab_flags[i].attribute))
			facts_number(facts, !!value, "%s/flag %s", cache, slab_flags[i].word);
	text = file_read(SLAB_DIR "/%s/ctor", cache);
	end = text ? strchr(text, '\n') : NULL;
	if (end) {
		*end = '\0';
		/* code that is gone: memdiag does not show what is left of its address */
		facts_string(facts, strncmp(text, "0x", 2) ? text : "?", "%s/ctor", cache);
	}
	free(text);
}

/* The caches were found by their slabs, so one without is not there. */
static bool slab_by_pages;

static bool slab_kernel(struct facts *facts)
{
	char *text = file_read("/proc/slabinfo"), *rest = text, *line;
	char name[128];
	unsigned long long active, num, size, objs, pages, active_slabs, slabs;

	if (!text)
		return false;
	while ((line = file_line(&rest))) {
		if (sscanf(line,
			   "%127s %llu %llu %llu %llu %llu : tunables %*u %*u %*u : slabdata %llu %llu",
			   name, &active, &num, &size, &objs, &pages, &active_slabs, &slabs) != 8 ||
		    (slab_by_pages && !slabs))
			continue;
		facts_string(facts, name, "%s/name", name);
		facts_number(facts, active, "%s/active_objs", name);
		facts_number(facts, num, "%s/num_objs", name);
		facts_number(facts, size, "%s/objsize", name);
		facts_number(facts, objs, "%s/objs_per_slab", name);
		facts_number(facts, pages, "%s/pages_per_slab", name);
		facts_number(facts, active_slabs, "%s/active_slabs", name);
		facts_number(facts, slabs, "%s/num_slabs", name);
		slab_sysfs(facts, name);
	}
	free(text);
	return true;
}

static bool slab_has_word(const char *words, const char *word)
{
	char all[300], one[40];

	snprintf(all, sizeof(all), ",%s,", words);
	snprintf(one, sizeof(one), ",%s,", word);
	return strstr(all, one);
}

/* Only those attributes that sysfs shows for this cache, else nothing compares. */
static void slab_flag_facts(struct facts *facts, const char *cache, const char *words)
{
	unsigned int i;
	long long value;

	for (i = 0; i < NR_SLAB_FLAGS; i++)
		if (slab_constant(&value, cache, slab_flags[i].attribute))
			facts_number(facts, slab_has_word(words, slab_flags[i].word), "%s/flag %s",
				     cache, slab_flags[i].word);
}

/* What the kernel shows nowhere, or not as it is: other results are for these. */
static bool slab_not_compared(const char *field)
{
	static const char *const names[] = {
		"active_objs_error", "bytes", "waste", "flags", "flag_names", "cpu_partial",
		"cpu_partial_slabs", "sheaf_capacity",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(field, names[i]))
			return true;
	return false;
}

static void slab_memdiag(struct facts *facts, const struct snap *snap,
			 const struct memdiag_section *section)
{
	bool sysfs = !access(SLAB_DIR, F_OK);
	unsigned int f;
	uint64_t n;

	for (n = 0; n < section->nr_records; n++) {
		const char *name = snap_get_string(snap, section, n, "name");
		const char *words = snap_get_string(snap, section, n, "flag_names");
		const char *ctor = snap_get_string(snap, section, n, "ctor");

		for (f = 0; f < section->nr_fields; f++) {
			const char *field = snap_string(snap, snap_field(snap, section, f)->name);

			if (!slab_not_compared(field) && strcmp(field, "ctor"))
				facts_field(facts, snap, section, n, f, name);
		}
		if (!sysfs)
			continue;
		if (words)
			slab_flag_facts(facts, name, words);
		if (ctor)
			facts_string(facts, ctor, "%s/ctor", name);
	}
}

static const struct oracle slab_oracle = {
	.name = "slab",
	.section = MEMDIAG_SEC_SLAB,
	.kernel = slab_kernel,
	.memdiag = slab_memdiag,
};

/*
 * Where memdiag had to read slabinfo's text it knows no more than that: then
 * only those fields are compared.
 */
static bool slab_kernel_text(struct facts *facts)
{
	static const char *const names[] = {
		"/name",	  "/active_objs",    "/num_objs",     "/objsize",
		"/objs_per_slab", "/pages_per_slab", "/active_slabs", "/num_slabs",
	};
	char *text = file_read("/proc/slabinfo"), *rest = text, *line;
	unsigned int i;

	if (!text)
		return false;
	file_line(&rest);
	while ((line = file_line(&rest))) {
		char name[128];
		unsigned long long v[7];

		if (sscanf(line,
			   "%127s %llu %llu %llu %llu %llu : tunables %*u %*u %*u : slabdata %llu %llu",
			   name, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]) != 8)
			continue;
		facts_string(facts, name, "%s%s", name, names[0]);
		for (i = 0; i < 7; i++)
			facts_number(facts, v[i], "%s%s", name, names[i + 1]);
	}
	free(text);
	return true;
}

static void slab_memdiag_text(struct facts *facts, const struct snap *snap,
			      const struct memdiag_section *section)
{
	unsigned int f;
	uint64_t n;

	for (n = 0; n < section->nr_records; n++)
		for (f = 0; f < section->nr_fields; f++) {
			const char *field = snap_string(snap, snap_field(snap, section, f)->name);

			/* anything else it claims to know has to be explained */
			if (strcmp(field, "bytes"))
				facts_field(facts, snap, section, n, f,
					    snap_get_string(snap, section, n, "name"));
		}
}

static const struct oracle slab_text_oracle = {
	.name = "slab by text",
	.section = MEMDIAG_SEC_SLAB,
	.kernel = slab_kernel_text,
	.memdiag = slab_memdiag_text,
};

/* bytes, waste and the error bound follow from the others, in one snapshot. */
static void slab_arithmetic(void)
{
	unsigned long wrong = 0, checked = 0;
	const struct memdiag_section *s;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(SLAB));
	s = snap_section(&snap, MEMDIAG_SEC_SLAB);
	for (n = 0; n < s->nr_records; n++) {
		uint64_t bytes = snap_get(&snap, s, n, "bytes");
		uint64_t waste = snap_get(&snap, s, n, "waste");
		uint64_t most = snap_get(&snap, s, n, "num_slabs") *
				snap_get(&snap, s, n, "pages_per_slab") * getpagesize();
		uint64_t least =
			snap_get(&snap, s, n, "num_objs") * snap_get(&snap, s, n, "objsize");
		uint64_t used =
			snap_get(&snap, s, n, "active_objs") * snap_get(&snap, s, n, "object_size");
		bool full = s->source != MEMDIAG_SRC_TEXT;

		checked++;
		/* The two counters are read one after the other: one slab of grace each. */
		if (bytes > most + 2 * most / (snap_get(&snap, s, n, "num_slabs") ?: 1) ||
		    bytes + 2 * snap_get(&snap, s, n, "pages_per_slab") * getpagesize() < least ||
		    (full && waste != bytes - (used < bytes ? used : bytes)) ||
		    snap_get(&snap, s, n, "active_objs") > snap_get(&snap, s, n, "num_objs") ||
		    (full && snap_get(&snap, s, n, "active_objs_error") != MEMDIAG_ABSENT &&
		     snap_get(&snap, s, n, "active_objs_error") >
			     snap_get(&snap, s, n, "num_objs"))) {
			wrong++;
			ktap_note("%s: bytes %llu, at most %llu, least %llu, waste %llu, used %llu",
				  snap_get_string(&snap, s, n, "name"), (unsigned long long)bytes,
				  (unsigned long long)most, (unsigned long long)least,
				  (unsigned long long)waste, (unsigned long long)used);
		}
	}
	ktap_ok(checked && !wrong, "oracle_slab: bytes and waste of %lu caches add up", checked);
	snap_drop(&snap);
}

/*
 * What is absent where there is no such thing, or it could not be found; else it
 * is the same number as in sysfs.
 */
static void slab_optional(const char *field)
{
	unsigned long wrong = 0, checked = 0;
	const struct memdiag_section *s;
	struct snap snap;
	long long value;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(SLAB));
	s = snap_section(&snap, MEMDIAG_SEC_SLAB);
	for (n = 0; n < s->nr_records; n++) {
		const char *name = snap_get_string(&snap, s, n, "name");
		uint64_t mine = snap_get(&snap, s, n, field);

		if (mine == MEMDIAG_ABSENT || !slab_attribute(&value, name, field))
			continue;
		checked++;
		if ((uint64_t)value != mine) {
			wrong++;
			ktap_note("%s: %s %lld, memdiag %llu", name, field, value,
				  (unsigned long long)mine);
		}
	}
	if (checked)
		ktap_ok(!wrong, "oracle_slab: %s of %lu caches", field, checked);
	else
		ktap_skip("absent, or not in sysfs", "oracle_slab: %s", field);
	snap_drop(&snap);
}

void oracle_slab(void)
{
	uint32_t source;
	struct snap snap;

	snap_take(&snap, SNAP_BIT(SLAB));
	source = snap_section(&snap, MEMDIAG_SEC_SLAB)->source;
	snap_drop(&snap);
	slab_by_pages = source == MEMDIAG_SRC_PAGES;
	oracle_run(source == MEMDIAG_SRC_TEXT ? &slab_text_oracle : &slab_oracle);
	slab_arithmetic();
	slab_optional("cpu_partial");
	slab_optional("sheaf_capacity");
}
