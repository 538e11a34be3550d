// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own instruments say, beside the verdict and not part of it.
 *
 * /proc/allocinfo is read: the lines of the module that have bytes left.
 * alloc_traces of slab debugging is read for each cache that leaks. kmemleak must
 * be told to scan, which takes seconds on a large machine and marks what it has
 * reported: only with --kmemleak.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leak.h"

#define ALLOCINFO "/proc/allocinfo"
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define ALLOC_TRACES "/sys/kernel/debug/slab/%s/alloc_traces"
/* kmemleak does not report what is younger. */
#define KMEMLEAK_AGE_S 5
#define MAX_LINES 5

/* What kmemleak reported before the cycles; -1 if it was not asked. */
static long reported_before = -1;

/* Lines of the module: "  BYTES CALLS FILE:LINE [MODULE] func:NAME". */
static void read_allocinfo(struct leak_run *run)
{
	FILE *file = run->name ? fopen(ALLOCINFO, "re") : NULL;
	char line[512], tag[80];
	unsigned long long bytes, calls;
	int lines = 0, at;

	if (!file)
		return;
	snprintf(tag, sizeof(tag), "[%s]", run->name);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llu %llu %n", &bytes, &calls, &at) < 2 || !bytes ||
		    !strstr(line + at, tag))
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (lines++ < MAX_LINES)
			leak_note(run, ALLOCINFO ": %llu bytes of %llu allocations are left: %s",
				  bytes, calls, line + at);
	}
	fclose(file);
	if (lines > MAX_LINES)
		leak_note(run, ALLOCINFO ": and %d lines more", lines - MAX_LINES);
}

/* Lines are "COUNT CALLER age=...", the first ones the most frequent. */
static void read_alloc_traces(struct leak_run *run, const char *cache)
{
	char path[256], line[512], tag[80];
	FILE *file;

	if (snprintf(path, sizeof(path), ALLOC_TRACES, cache) >= (int)sizeof(path))
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	snprintf(tag, sizeof(tag), "[%s]", run->name ? run->name : "");
	for (int lines = 0; lines < MAX_LINES && fgets(line, sizeof(line), file);) {
		line[strcspn(line, "\n")] = '\0';
		if (!strstr(line, tag))
			continue;
		leak_note(run, "alloc_traces of %s: %s", cache, line + strspn(line, " "));
		lines++;
	}
	fclose(file);
}

/* Scans. Return: the objects that it says nobody refers to, or -errno. */
static long scan_kmemleak(void)
{
	FILE *file = fopen(KMEMLEAK, "we");
	char line[512];
	long objects = 0;

	if (!file)
		return -errno;
	if (fputs("scan", file) < 0 || fclose(file))
		return -errno;
	file = fopen(KMEMLEAK, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		objects += !strncmp(line, "unreferenced object", 19);
	fclose(file);
	return objects;
}

static const char *system_text(const struct memdiag_data *data, const char *name)
{
	const struct memdiag_section *s = memdiag_data_find(data, "system");
	const char *text;

	if (!s || !s->nr_records || memdiag_get_string(data, s, 0, name, &text))
		return "";
	return text;
}

/**
 * leak_evidence_begin() - before the cycles
 * @run: the check
 */
void leak_evidence_begin(struct leak_run *run)
{
	if (!(run->options->given & OPT_KMEMLEAK))
		return;
	reported_before = scan_kmemleak();
	if (reported_before < 0)
		leak_note(run, "kmemleak cannot be asked: %s: %s", KMEMLEAK,
			  strerror(-reported_before));
}

/**
 * leak_evidence_end() - after the cycles
 * @run: the check, judged
 */
void leak_evidence_end(struct leak_run *run)
{
	const struct timespec age = { .tv_sec = KMEMLEAK_AGE_S };
	struct memdiag_data *data;
	const char *last = "";
	long reported;

	read_allocinfo(run);
	for (size_t n = 0; n < run->leaks->nr; n++) {
		const struct memdiag_leak *l = &run->leaks->leaks[n];
		const char *cache = l->tracked ? l->cache : l->name;

		if (l->finding != MEMDIAG_LEAK_FOUND || l->kind != MEMDIAG_LEAK_SLAB ||
		    !strcmp(cache, last))
			continue;
		read_alloc_traces(run, cache);
		last = cache;
	}
	if (reported_before >= 0) {
		nanosleep(&age, NULL);
		reported = scan_kmemleak();
		leak_note(run, "kmemleak: %ld objects that nobody refers to, %ld before the cycles",
			  reported, reported_before);
	} else if (!(run->options->given & OPT_KMEMLEAK) && !leak_snapshot(run, "system", &data)) {
		if (!strcmp(system_text(data, "kmemleak"), "on"))
			leak_note(run, "this kernel has kmemleak: --kmemleak asks it, too");
		memdiag_data_free(data);
	}
}
