// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel's own instruments write: call sites and stacks, with how much they hold. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "leak_evidence.h"

#define ALLOCINFO "/proc/allocinfo"
#define PAGE_OWNER "/sys/kernel/debug/page_owner"
/* From Linux 6.9 on: the same by stack. */
#define PAGE_STACKS "/sys/kernel/debug/page_owner_stacks/show_stacks"
/* kmemleak does not report what is younger, and wants to see twice that it stays as it is. */
#define KMEMLEAK_AGE_S 6
#define MAX_STACK 8192

static int compare_sites(const void *pa, const void *pb)
{
	const struct leak_site *a = pa, *b = pb;
	int ret = strcmp(a->stack, b->stack);

	return ret ? ret : strcmp(a->source, b->source);
}

/* The site of this source and stack, made if it is not there. */
struct leak_site *leak_site_get(struct leak_sites *sites, const char *source, const char *stack)
{
	const struct leak_site key = { .source = (char *)source, .stack = (char *)stack };
	struct leak_site **found = tfind(&key, &sites->tree, compare_sites), *s;

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

/* Frees all sites. */
void leak_sites_free(struct leak_sites *sites)
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
const char *leak_frame_of(const struct leak_run *run, const char *stack)
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
	return !run->name || leak_frame_of(run, stack) || !strncmp(stack, "0x", 2) ||
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
		struct leak_site *s = leak_site_get(&e->raw, source, b->stack);

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

static bool read_traces(struct leak_evidence *e, const char *source, FILE *file, struct block *b)
{
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
	return true;
}

/* The stack of a page starts with a blank, in both files. */
#define PAGE_STACK ' '

static void add_pages(struct leak_evidence *e, const char *source, struct block *b, uint64_t pages)
{
	b->objects = pages;
	b->bytes = pages * sysconf(_SC_PAGESIZE);
	block_end(e, source, b);
}

/* Each stack, and "nr_base_pages: N" below. Return: whether there was one. */
static bool read_page_stacks(struct leak_evidence *e, const char *source, FILE *file,
			     struct block *b)
{
	unsigned long long pages;
	bool any = false;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (*line == PAGE_STACK)
			block_frame(b, line);
		if (sscanf(line, "nr_base_pages: %llu", &pages) != 1)
			continue;
		add_pages(e, source, b, pages);
		any = true;
	}
	return any;
}

/* "Page allocated via order N, ...", "PFN ...", the stack. */
static bool read_page_owner(struct leak_evidence *e, const char *source, FILE *file,
			    struct block *b)
{
	unsigned int order, last = 0;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (*line == PAGE_STACK)
			block_frame(b, line);
		if (sscanf(line, "Page allocated via order %u,", &order) != 1)
			continue;
		add_pages(e, source, b, 1ull << last);
		last = order;
	}
	add_pages(e, source, b, 1ull << last);
	return true;
}

/* "unreferenced object 0x... (size N):", other things, "  backtrace...:", the stack. */
static bool read_kmemleak(struct leak_evidence *e, const char *source, FILE *file, struct block *b)
{
	unsigned long long size;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "unreferenced object 0x%*x (size %llu)", &size) == 1) {
			block_end(e, source, b);
			b->objects = 1;
			b->bytes = size;
		} else if (!strncmp(line, "  backtrace", 11)) {
			b->in_stack = true;
		} else if (b->in_stack) {
			block_frame(b, line);
		}
	}
	block_end(e, source, b);
	return true;
}

/* "  BYTES CALLS FILE:LINE [MODULE] func:NAME" of the module */
static bool read_allocinfo(struct leak_evidence *e, const char *source, FILE *file,
			   struct block *ignored)
{
	unsigned long long bytes, calls;
	char line[512];
	int at;

	(void)ignored;
	while (fgets(line, sizeof(line), file)) {
		struct leak_site *s;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%llu %llu %n", &bytes, &calls, &at) < 2 || !calls ||
		    !leak_frame_of(e->run, line + at))
			continue;
		s = leak_site_get(&e->raw, source, line + at);
		s->objects[e->when] = calls;
		s->bytes[e->when] = bytes;
	}
	return true;
}

/* Return: false without the file, else what @parse says. */
static bool read_file(struct leak_evidence *e, const char *source, const char *path,
		      bool (*parse)(struct leak_evidence *e, const char *source, FILE *file,
				    struct block *b))
{
	FILE *file = fopen(path, "re");
	struct block *b;
	bool ret;

	if (!file)
		return false;
	b = must(calloc(1, sizeof(*b)));
	ret = parse(e, source, file, b);
	free(b);
	fclose(file);
	return ret;
}

/* "FILE:LINE module NAME func:FUNCTION has BYTES allocated at module unload" */
void leak_read_log(struct leak_evidence *e)
{
	const char *name = e->run->name;
	char record[2048], place[256], module[128], function[256];
	unsigned long long bytes;
	ssize_t length;

	/* A record at a time; -EPIPE: some are lost already. */
	while ((length = read(e->log, record, sizeof(record) - 1)) > 0 ||
	       (length < 0 && errno == EPIPE)) {
		char *text, stack[700];
		struct leak_site *s;

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
		s = leak_site_get(&e->raw, "allocinfo, at unload", stack);
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

		if (*entry->d_name == '.' || entry->d_type != DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", directory, entry->d_name, name);
		snprintf(source, sizeof(source), "%s of %s", name, entry->d_name);
		read_file(e, source, path, read_traces);
	}
	if (dir)
		closedir(dir);
}

static bool scan(void)
{
	int fd = open(LEAK_KMEMLEAK, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "scan", 4) == 4;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

/* Has kmemleak scan and reads its report. Return: whether it could be asked; errno if not. */
bool leak_ask_kmemleak(struct leak_evidence *e)
{
	const struct timespec age = { .tv_sec = KMEMLEAK_AGE_S };

	if (!scan())
		return false;
	nanosleep(&age, NULL);
	return scan() && read_file(e, "kmemleak", LEAK_KMEMLEAK, read_kmemleak);
}

/* All instruments but kmemleak and the log. */
void leak_read_instruments(struct leak_evidence *e, enum leak_when when)
{
	e->when = when;
	if (e->run->name)
		read_file(e, "allocinfo", ALLOCINFO, read_allocinfo);
	/*
	 * The kernel sums up call sites under a lock of the cache, and takes pages meanwhile.
	 * For each of these page_owner takes an object, in the kernels that have its stacks: if
	 * that is of the same cache, the lock is taken twice.
	 */
	if (access(PAGE_STACKS, F_OK))
		read_caches(e, "/sys/kernel/debug/slab", "alloc_traces");
	read_caches(e, "/sys/kernel/slab", "alloc_calls");
	/* All pages of the machine would not tell anything. The stacks are the quicker way. */
	if (e->run->name && !read_file(e, "page_owner", PAGE_STACKS, read_page_stacks))
		read_file(e, "page_owner", PAGE_OWNER, read_page_owner);
}
