// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own instruments say, beside the verdict and not part of it.
 *
 * Read before the first cycle and after the last one, both times without the tracker,
 * whose tables would be seen by these, too. What has grown in between is told, so that it counts for all cycles,
 * those to warm up included.
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
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "leak.h"

#define ALLOCINFO "/proc/allocinfo"
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define PAGE_OWNER "/sys/kernel/debug/page_owner"
/* From Linux 6.9 on: the same by stack. */
#define PAGE_STACKS "/sys/kernel/debug/page_owner_stacks/show_stacks"
#define KMSG "/dev/kmsg"
/* kmemleak does not report what is younger, and wants to see twice that it stays as it is. */
#define KMEMLEAK_AGE_S 6
/* Call sites of one instrument that are told. */
#define MAX_LINES 5
#define MAX_STACK 8192

/**
 * struct site - where something was allocated
 * @source: the instrument
 * @stack: innermost first, separated by semicolons; the line of allocinfo
 * @objects: how many, before and after
 * @bytes: likewise; 0 if the instrument does not say
 */
struct site {
	char *source;
	char *stack;
	uint64_t objects[2];
	uint64_t bytes[2];
};

/**
 * struct sites - sites, each once
 * @tree: for tsearch(3)
 * @all: the same, in the order in which they were first seen
 * @nr: number of @all
 */
struct sites {
	void *tree;
	struct site **all;
	size_t nr;
};

enum when { BEFORE, AFTER };

/**
 * struct leak_evidence - what was seen
 * @run: the check
 * @raw: sites as they were read
 * @when: being read
 * @kmemleak: it was asked before
 * @log: the kernel's log from the beginning on, or -1
 */
struct leak_evidence {
	const struct leak_run *run;
	struct sites raw;
	enum when when;
	bool kmemleak;
	int log;
};

/* --- sites ------------------------------------------------------------------------ */

static int compare_sites(const void *pa, const void *pb)
{
	const struct site *a = pa, *b = pb;
	int ret = strcmp(a->stack, b->stack);

	return ret ? ret : strcmp(a->source, b->source);
}

static struct site *site_get(struct sites *sites, const char *source, const char *stack)
{
	const struct site key = { .source = (char *)source, .stack = (char *)stack };
	struct site **found = tfind(&key, &sites->tree, compare_sites), *s;

	if (found)
		return *found;
	s = must(calloc(1, sizeof(*s)));
	s->source = must(strdup(source));
	s->stack = must(strdup(stack));
	must(tsearch(s, &sites->tree, compare_sites));
	if (!(sites->nr & (sites->nr - 1)))
		sites->all = must(
			realloc(sites->all, (sites->nr ? 2 * sites->nr : 1) * sizeof(*sites->all)));
	sites->all[sites->nr++] = s;
	return s;
}

static void sites_free(struct sites *sites)
{
	for (size_t n = 0; n < sites->nr; n++) {
		tdelete(sites->all[n], &sites->tree, compare_sites);
		free(sites->all[n]->source);
		free(sites->all[n]->stack);
		free(sites->all[n]);
	}
	free(sites->all);
}

/* Has it a frame of the module, which may be gone? */
static const char *frame_of(const struct leak_run *run, const char *stack)
{
	size_t length = strlen(run->name);
	const char *at = stack;

	while ((at = strchr(at, '['))) {
		at++;
		if (strncmp(at, run->name, length) || (at[length] != ']' && at[length] != ' '))
			continue;
		while (at > stack && at[-1] != ';')
			at--;
		return at;
	}
	return NULL;
}

static bool of_interest(const struct leak_run *run, const char *stack)
{
	return !run->name || frame_of(run, stack) || !strncmp(stack, "0x", 2) ||
	       strstr(stack, ";0x");
}

/* --- what the instruments write ------------------------------------------------------ */

/**
 * struct block - what is said about one object or call site
 * @stack: its frames
 * @length: of that; 0: none yet
 * @objects: how many
 * @bytes: likewise
 * @caller: the first frame stands for a stack that has not come yet
 * @in_stack: kmemleak: what comes is the stack
 */
struct block {
	char stack[MAX_STACK];
	size_t length;
	uint64_t objects;
	uint64_t bytes;
	bool caller;
	bool in_stack;
};

static void block_end(struct leak_evidence *e, const char *source, struct block *b)
{
	if (b->objects && b->length && of_interest(e->run, b->stack)) {
		struct site *s = site_get(&e->raw, source, b->stack);

		s->objects[e->when] += b->objects;
		s->bytes[e->when] += b->bytes;
	}
	b->length = b->objects = b->bytes = 0;
	b->caller = b->in_stack = false;
}

/* "    [<address>] function+0x1/0x2 [module]", the first of which not every kernel has */
static void block_frame(struct block *b, const char *line)
{
	const char *at = line + strspn(line, " ");
	size_t length;

	if (!strncmp(at, "[<", 2) && strstr(at, ">] "))
		at = strstr(at, ">] ") + 3;
	length = strcspn(at, "\n");
	if (b->caller)
		b->length = 0;
	b->caller = false;
	if (!length || b->length + length + 2 > sizeof(b->stack))
		return;
	if (b->length)
		b->stack[b->length++] = ';';
	memcpy(b->stack + b->length, at, length);
	b->length += length;
	b->stack[b->length] = '\0';
}

/* "  COUNT CALLER [MODULE] age=...", and from Linux 6.1 on the stack below. */
static bool traces_line(struct block *b, const char *line)
{
	unsigned long long objects;
	int at;

	if (sscanf(line, " %llu %n", &objects, &at) != 1 || line[at - 1] != ' ')
		return false;
	b->objects = objects;
	block_frame(b, line + at);
	b->length = strcspn(b->stack, " ");
	/* The module, if there is one. */
	if (!strncmp(b->stack + b->length, " [", 2))
		b->length += strcspn(b->stack + b->length, "]") + 1;
	b->stack[b->length] = '\0';
	b->caller = true;
	return true;
}

static void read_traces(struct leak_evidence *e, const char *source, FILE *file)
{
	struct block *b = must(calloc(1, sizeof(*b)));
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		struct block next = {};

		if (traces_line(&next, line)) {
			block_end(e, source, b);
			*b = next;
		} else {
			block_frame(b, line);
		}
	}
	block_end(e, source, b);
	free(b);
}

/* The stack of a page starts with a blank, in both files. */
#define PAGE_STACK ' '

static void add_pages(struct leak_evidence *e, struct block *b, uint64_t pages)
{
	b->objects = pages;
	b->bytes = pages * sysconf(_SC_PAGESIZE);
	block_end(e, "page_owner", b);
}

/* Each stack, and "nr_base_pages: N" below. Return: whether there was one. */
static bool read_page_stacks(struct leak_evidence *e)
{
	FILE *file = fopen(PAGE_STACKS, "re");
	struct block *b = must(calloc(1, sizeof(*b)));
	unsigned long long pages;
	bool any = false;
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		if (*line == PAGE_STACK)
			block_frame(b, line);
		if (sscanf(line, "nr_base_pages: %llu", &pages) != 1)
			continue;
		add_pages(e, b, pages);
		any = true;
	}
	if (file)
		fclose(file);
	free(b);
	return any;
}

/* "Page allocated via order N, ...", "PFN ...", the stack. */
static void read_page_owner(struct leak_evidence *e)
{
	FILE *file = fopen(PAGE_OWNER, "re");
	struct block *b = must(calloc(1, sizeof(*b)));
	unsigned int order, last = 0;
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		if (*line == PAGE_STACK)
			block_frame(b, line);
		if (sscanf(line, "Page allocated via order %u,", &order) != 1)
			continue;
		add_pages(e, b, 1ull << last);
		last = order;
	}
	add_pages(e, b, 1ull << last);
	if (file)
		fclose(file);
	free(b);
}

/* "unreferenced object 0x... (size N):", other things, "  backtrace...:", the stack. */
static void read_kmemleak(struct leak_evidence *e, FILE *file)
{
	struct block *b = must(calloc(1, sizeof(*b)));
	unsigned long long size;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "unreferenced object 0x%*x (size %llu)", &size) == 1) {
			block_end(e, "kmemleak", b);
			b->objects = 1;
			b->bytes = size;
		} else if (!strncmp(line, "  backtrace", 11)) {
			b->in_stack = true;
		} else if (b->in_stack) {
			block_frame(b, line);
		}
	}
	block_end(e, "kmemleak", b);
	free(b);
}

/* "  BYTES CALLS FILE:LINE [MODULE] func:NAME" of the module */
static void read_allocinfo(struct leak_evidence *e)
{
	FILE *file = e->run->name ? fopen(ALLOCINFO, "re") : NULL;
	unsigned long long bytes, calls;
	char line[512];
	int at;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		struct site *s;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%llu %llu %n", &bytes, &calls, &at) < 2 || !calls ||
		    !frame_of(e->run, line + at))
			continue;
		s = site_get(&e->raw, "allocinfo", line + at);
		s->objects[e->when] = calls;
		s->bytes[e->when] = bytes;
	}
	fclose(file);
}

/* "FILE:LINE module NAME func:FUNCTION has BYTES allocated at module unload" */
static void read_log(struct leak_evidence *e)
{
	const char *name = e->run->name;
	char record[2048], place[256], module[128], function[256];
	unsigned long long bytes;
	ssize_t length;

	/* A record at a time; -EPIPE: some are lost already. */
	while ((length = read(e->log, record, sizeof(record) - 1)) > 0 ||
	       (length < 0 && errno == EPIPE)) {
		char *text, stack[700];
		struct site *s;

		if (length < 0)
			continue;
		record[length] = '\0';
		text = strchr(record, ';');
		if (!text ||
		    sscanf(text, ";%255s module %127s func:%255s has %llu allocated at", place,
			   module, function, &bytes) != 4 ||
		    strcmp(module, name))
			continue;
		snprintf(stack, sizeof(stack), "%s [%s] func:%s", place, module, function);
		s = site_get(&e->raw, "allocinfo, at unload", stack);
		/* How many there were it does not say: at least one each time. */
		s->objects[AFTER]++;
		s->bytes[AFTER] += bytes;
	}
}

/* --- reading all of them -------------------------------------------------------------- */

/* Each cache has a directory; other names of it are links. */
static void read_caches(struct leak_evidence *e, const char *directory, const char *name)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[512], source[300];
		FILE *file;

		if (*entry->d_name == '.' || entry->d_type != DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", directory, entry->d_name, name);
		snprintf(source, sizeof(source), "%s of %s", name, entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		read_traces(e, source, file);
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

static bool scan(void)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "scan", 4) == 4;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

static bool ask_kmemleak(struct leak_evidence *e)
{
	const struct timespec age = { .tv_sec = KMEMLEAK_AGE_S };
	FILE *file;

	if (!scan())
		return false;
	nanosleep(&age, NULL);
	file = scan() ? fopen(KMEMLEAK, "re") : NULL;
	if (!file)
		return false;
	read_kmemleak(e, file);
	fclose(file);
	return true;
}

static void read_all(struct leak_evidence *e, enum when when)
{
	e->when = when;
	read_allocinfo(e);
	/*
	 * The kernel sums up call sites under a lock of the cache, and takes pages meanwhile.
	 * For each of these page_owner takes an object, in the kernels that have its stacks: if
	 * that is of the same cache, the lock is taken twice.
	 */
	if (access(PAGE_STACKS, F_OK))
		read_caches(e, "/sys/kernel/debug/slab", "alloc_traces");
	read_caches(e, "/sys/kernel/slab", "alloc_calls");
	/* All pages of the machine would not tell anything. The stacks are the quicker way. */
	if (e->run->name && !read_page_stacks(e))
		read_page_owner(e);
}

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
		e->kmemleak = ask_kmemleak(e);
		if (!e->kmemleak)
			leak_note(run, "kmemleak cannot be asked: %s: %s", KMEMLEAK,
				  strerror(errno));
	}
	read_all(e, BEFORE);
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

static bool is_told(const struct leak_run *run, const struct site *s)
{
	bool loaded = !strcmp(s->source, "allocinfo");

	if (!is_asked(run, s->source) || grown(s->objects) < (run->name && !loaded ? 1 : run->done))
		return false;
	if (run->name && !frame_of(run, s->stack))
		return false;
	/* A slab is there for the objects, whoever came first. */
	return strcmp(s->source, "page_owner") || !strstr(s->stack, "slab");
}

/* The largest first, each source by itself. */
static int compare_told(const void *pa, const void *pb)
{
	const struct site *a = *(struct site *const *)pa, *b = *(struct site *const *)pb;
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
static void site_place(const struct leak_run *run, const struct site *s, char *text, size_t size)
{
	const char *first = strchr(s->stack, '['), *ours = run->name ? frame_of(run, s->stack) : "";
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

static void tell(struct leak_run *run, const struct site *s)
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

static void tell_all(struct leak_run *run, struct sites *sites)
{
	size_t lines = 0;

	if (sites->nr)
		qsort(sites->all, sites->nr, sizeof(*sites->all), compare_told);
	for (size_t n = 0; n < sites->nr; n++) {
		const struct site *s = sites->all[n];
		bool last = n + 1 == sites->nr || strcmp(s->source, sites->all[n + 1]->source);

		if (is_told(run, s) && ++lines <= MAX_LINES)
			tell(run, s);
		if (last && lines > MAX_LINES)
			leak_note(run, "%s: and %zu call sites more", s->source, lines - MAX_LINES);
		if (last)
			lines = 0;
	}
}

static bool any_of(const struct leak_run *run, const struct sites *sites, const char *source)
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
	struct sites named = {};
	struct memdiag_data *data;

	e->when = AFTER;
	if (e->log >= 0)
		read_log(e);
	read_all(e, AFTER);
	e->kmemleak = e->kmemleak && ask_kmemleak(e);
	for (size_t n = 0; n < e->raw.nr; n++) {
		const struct site *s = e->raw.all[n];
		char *stack = name_stack(run, s->stack);
		struct site *sum = site_get(&named, s->source, stack);

		for (int when = BEFORE; when <= AFTER; when++) {
			sum->objects[when] += s->objects[when];
			sum->bytes[when] += s->bytes[when];
		}
		free(stack);
	}
	tell_all(run, &named);
	if (e->kmemleak && !any_of(run, &named, "kmemleak"))
		leak_note(run, "kmemleak: nothing more after %u cycles", run->done);
	sites_free(&named);
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
	sites_free(&run->evidence->raw);
	free(run->evidence);
	free(run->places);
}
