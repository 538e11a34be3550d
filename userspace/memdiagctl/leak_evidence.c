// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own instruments say, beside the verdict and not part of it.
 *
 * Read before the first cycle and after the last one, both times without the tracker,
 * whose tables would be seen by these, too. What has grown in between is told, so that it
 * counts for all cycles, those to warm up included.
 *
 *   alloc_traces  of slab debugging, alloc_calls before Linux 5.14: the call sites of
 *                 each cache, told for the caches that leak
 *   page_owner    the stack of each page, told if pages leak
 *   allocinfo     call sites of modules that are loaded; what a module leaves behind
 *                 is in the kernel's log
 *   kmemleak      only with --kmemleak, as it must be told to scan, which takes seconds
 *                 on a large machine and marks what it has reported
 *
 * Stacks are kept as the kernel wrote them, since where the module was in each cycle is
 * only known at the end. Of these, only such are kept that may have to do with the
 * module; if there is no module, all, and growth is by an object per cycle at least.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leak_evidence.h"

#define KMSG "/dev/kmsg"
/* Call sites of one instrument that are told. */
#define MAX_LINES 5

/**
 * leak_evidence_begin() - before the first cycle, and before the tracker is started
 * @run: the check
 */
void leak_evidence_begin(struct leak_run *run)
{
	struct leak_evidence *e = must(calloc(1, sizeof(*e)));

	run->evidence = e;
	e->run = run;
	e->log = run->name ? open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	if (e->log >= 0)
		lseek(e->log, 0, SEEK_END);
	if (run->options->given & OPT_KMEMLEAK) {
		e->kmemleak = leak_ask_kmemleak(e);
		if (!e->kmemleak)
			leak_note(run, "kmemleak cannot be asked: %s: %s", LEAK_KMEMLEAK,
				  strerror(errno));
	}
	leak_read_instruments(e, BEFORE);
}

/* --- telling -------------------------------------------------------------------------- */

/* The stack with names for what was the module's. Return: as malloc(). */
static char *name_stack(const struct leak_run *run, const char *stack)
{
	char *text, name[512];
	size_t size = 0;
	FILE *stream = must(open_memstream(&text, &size));

	while (*stack) {
		size_t length = strcspn(stack, ";");

		if (!strncmp(stack, "0x", 2) &&
		    leak_places_name(run, strtoull(stack, NULL, 16), name, sizeof(name)))
			fputs(name, stream);
		else
			fprintf(stream, "%.*s", (int)length, stack);
		stack += length;
		if (*stack)
			fputc(*stack++, stream);
	}
	if (fclose(stream))
		no_memory();
	return text;
}

/* Has the verdict a leak of which this tells? */
static bool is_asked(const struct leak_run *run, const char *source)
{
	const char *cache = strstr(source, " of ");

	if (!cache && strcmp(source, "page_owner"))
		return true;
	for (size_t n = 0; n < run->leaks->nr; n++) {
		const struct memdiag_leak *l = &run->leaks->leaks[n];

		if (l->finding != MEMDIAG_LEAK_FOUND)
			continue;
		if (!cache && (l->kind == MEMDIAG_LEAK_PAGES || l->kind == MEMDIAG_LEAK_VMALLOC ||
			       l->kind == MEMDIAG_LEAK_UNACCOUNTED))
			return true;
		if (cache && l->kind == MEMDIAG_LEAK_SLAB &&
		    !strcmp(l->tracked ? l->cache : l->name, cache + 4))
			return true;
	}
	return false;
}

static uint64_t grown(const uint64_t *numbers)
{
	return numbers[AFTER] > numbers[BEFORE] ? numbers[AFTER] - numbers[BEFORE] : 0;
}

static bool is_told(const struct leak_run *run, const struct leak_site *s)
{
	bool loaded = !strcmp(s->source, "allocinfo");

	if (!is_asked(run, s->source) || grown(s->objects) < (run->name && !loaded ? 1 : run->done))
		return false;
	if (run->name && !leak_frame_of(run, s->stack))
		return false;
	/* A slab is there for the objects, whoever came first. */
	return strcmp(s->source, "page_owner") || !strstr(s->stack, "slab");
}

/* The largest first, each source by itself. */
static int compare_told(const void *pa, const void *pb)
{
	const struct leak_site *a = *(struct leak_site *const *)pa,
			       *b = *(struct leak_site *const *)pb;
	uint64_t na = grown(a->objects), nb = grown(b->objects);
	int ret = strcmp(a->source, b->source);

	if (ret)
		return ret;
	return na == nb ? strcmp(a->stack, b->stack) : na > nb ? -1 : 1;
}

/*
 * The frame of a module that called an allocator, and that of our module if that is another
 * one; without a module the first ones.
 */
static void site_place(const struct leak_run *run, const struct leak_site *s, char *text,
		       size_t size)
{
	const char *first = strchr(s->stack, '['),
		   *ours = run->name ? leak_frame_of(run, s->stack) : "";
	int length;

	if (!run->name || !first) {
		length = strcspn(s->stack, ";");
		if (s->stack[length])
			length += 1 + strcspn(s->stack + length + 1, ";");
		snprintf(text, size, "%.*s", length, s->stack);
		return;
	}
	while (first > s->stack && first[-1] != ';')
		first--;
	length = snprintf(text, size, "%.*s", (int)strcspn(first, ";"), first);
	if (ours != first && length < (int)size)
		snprintf(text + length, size - length, " for %.*s", (int)strcspn(ours, ";"), ours);
}

static void tell(struct leak_run *run, const struct leak_site *s)
{
	uint64_t objects = grown(s->objects), bytes = grown(s->bytes);
	char place[1024], amount[80] = "";

	site_place(run, s, place, sizeof(place));
	if (bytes)
		snprintf(amount, sizeof(amount), "%" PRIu64 " bytes", bytes);
	if (!strcmp(s->source, "allocinfo, at unload"))
		leak_note(run, "%s: %s in %u cycles: %s", s->source, amount, run->done, place);
	else
		leak_note(run, "%s: %" PRIu64 " %s%s%s more after %u cycles: %s", s->source,
			  objects, strcmp(s->source, "page_owner") ? "objects" : "pages",
			  bytes ? ", " : "", amount, run->done, place);
}

static void tell_all(struct leak_run *run, struct leak_sites *sites)
{
	size_t lines = 0;

	if (sites->nr)
		qsort(sites->all, sites->nr, sizeof(*sites->all), compare_told);
	for (size_t n = 0; n < sites->nr; n++) {
		const struct leak_site *s = sites->all[n];
		bool last = n + 1 == sites->nr || strcmp(s->source, sites->all[n + 1]->source);

		if (is_told(run, s) && ++lines <= MAX_LINES)
			tell(run, s);
		if (last && lines > MAX_LINES)
			leak_note(run, "%s: and %zu call sites more", s->source, lines - MAX_LINES);
		if (last)
			lines = 0;
	}
}

static bool any_of(const struct leak_run *run, const struct leak_sites *sites, const char *source)
{
	for (size_t n = 0; n < sites->nr; n++)
		if (!strcmp(sites->all[n]->source, source) && is_told(run, sites->all[n]))
			return true;
	return false;
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
 * leak_evidence_end() - after the last cycle, judged and without the tracker
 * @run: the check
 */
void leak_evidence_end(struct leak_run *run)
{
	struct leak_evidence *e = run->evidence;
	struct leak_sites named = {};
	struct memdiag_data *data;

	e->when = AFTER;
	if (e->log >= 0)
		leak_read_log(e);
	leak_read_instruments(e, AFTER);
	e->kmemleak = e->kmemleak && leak_ask_kmemleak(e);
	for (size_t n = 0; n < e->raw.nr; n++) {
		const struct leak_site *s = e->raw.all[n];
		char *stack = name_stack(run, s->stack);
		struct leak_site *sum = leak_site_get(&named, s->source, stack);

		for (int when = BEFORE; when <= AFTER; when++) {
			sum->objects[when] += s->objects[when];
			sum->bytes[when] += s->bytes[when];
		}
		free(stack);
	}
	tell_all(run, &named);
	if (e->kmemleak && !any_of(run, &named, "kmemleak"))
		leak_note(run, "kmemleak: nothing more after %u cycles", run->done);
	leak_sites_free(&named);
	if (!(run->options->given & OPT_KMEMLEAK) && !leak_snapshot(run, "system", &data)) {
		if (!strcmp(system_text(data, "kmemleak"), "on"))
			leak_note(run, "this kernel has kmemleak: --kmemleak asks it, too");
		memdiag_data_free(data);
	}
}

/**
 * leak_evidence_free() - forget what was seen
 * @run: the check
 */
void leak_evidence_free(struct leak_run *run)
{
	if (!run->evidence)
		return;
	if (run->evidence->log >= 0)
		close(run->evidence->log);
	leak_sites_free(&run->evidence->raw);
	free(run->evidence);
	free(run->places);
}
