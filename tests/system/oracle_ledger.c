// SPDX-License-Identifier: GPL-2.0-only
/*
 * ledger: /proc/meminfo, after the kernel was told to fold what its CPUs keep of
 * the counters; identity: by arithmetic. census: /proc/kpageflags, page by page.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

/* Lines of the ledger, and what must be the same in /proc/meminfo. */
static const struct {
	const char *line;
	const char *plus;
	const char *meminfo;
	const char *minus;
} same[] = {
	{ "anon", NULL, "AnonPages", NULL },
	{ "buffers", NULL, "Buffers", NULL },
	{ "shmem", NULL, "Shmem", NULL },
	{ "file", NULL, "Cached", "Shmem" },
	{ "slab_reclaimable", NULL, "SReclaimable", NULL },
	{ "kernel_stack", NULL, "KernelStack", NULL },
	{ "page_tables", NULL, "PageTables", NULL },
	{ "sec_page_tables", NULL, "SecPageTables", NULL },
	{ "hugetlb_used", "hugetlb_free", "Hugetlb", NULL },
};

#define NR_SAME (sizeof(same) / sizeof(same[0]))

static bool meminfo(const char *text, const char *name, long long *kib)
{
	size_t length = strlen(name);

	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (!strncmp(text, name, length) && text[length] == ':')
			return sscanf(text + length + 1, "%lld", kib) == 1;
	return false;
}

static bool ledger_kernel(struct facts *facts)
{
	long long kib, other = 0, kb = getpagesize() >> 10;
	unsigned int i;
	char *text;

	file_write("/proc/sys/vm/stat_refresh", "1");
	text = file_read("/proc/meminfo");
	if (!text)
		return false;
	for (i = 0; i < NR_SAME; i++)
		if (meminfo(text, same[i].meminfo, &kib) &&
		    (!same[i].minus || meminfo(text, same[i].minus, &other)))
			facts_number(facts, (kib - (same[i].minus ? other : 0)) / kb, "%s",
				     same[i].line);
	if (meminfo(text, "MemTotal", &kib))
		facts_number(facts, kib / kb, "sum of all lines");
	free(text);
	return true;
}

/* Pages of a line; 0 if it is absent and *there false. */
static int64_t ledger_line(const struct snap *snap, const struct memdiag_section *s,
			   const char *line, bool *there)
{
	uint64_t n, pages;

	*there = false;
	for (n = 0; line && n < s->nr_records; n++) {
		if (strcmp(snap_get_string(snap, s, n, "line"), line))
			continue;
		pages = snap_get(snap, s, n, "pages");
		*there = pages != MEMDIAG_ABSENT;
		return *there ? (int64_t)pages : 0;
	}
	return 0;
}

static void ledger_memdiag(struct facts *facts, const struct snap *snap,
			   const struct memdiag_section *s)
{
	int64_t sum = 0, pages;
	bool there, other;
	unsigned int i;
	uint64_t n;

	for (i = 0; i < NR_SAME; i++) {
		pages = ledger_line(snap, s, same[i].line, &there) +
			ledger_line(snap, s, same[i].plus, &other);
		if (there)
			facts_number(facts, pages, "%s", same[i].line);
	}
	for (n = 0; n < s->nr_records; n++) {
		pages = snap_get(snap, s, n, "pages");
		if ((uint64_t)pages != MEMDIAG_ABSENT)
			sum += pages;
	}
	facts_number(facts, sum, "sum of all lines");
}

static const struct oracle ledger_oracle = {
	.name = "ledger",
	.section = MEMDIAG_SEC_LEDGER,
	.kernel = ledger_kernel,
	.memdiag = ledger_memdiag,
};

/*
 * memdiag needs memory to look: some large blocks of kmalloc(), for the moment. Others
 * come and go meanwhile, so it is enough to be right once.
 */
static void while_looking(const char *line, const char *plus, const char *name)
{
	long long kib = 0, pages = 0;
	bool there = false, other;
	unsigned int attempt;
	struct snap snap;
	char *text;

	for (attempt = 0; attempt < 20; attempt++) {
		file_write("/proc/sys/vm/stat_refresh", "1");
		text = file_read("/proc/meminfo");
		snap_take(&snap, SNAP_BIT(LEDGER));
		pages = ledger_line(&snap, snap_section(&snap, MEMDIAG_SEC_LEDGER), line, &there) +
			ledger_line(&snap, snap_section(&snap, MEMDIAG_SEC_LEDGER), plus, &other);
		snap_drop(&snap);
		pages -= meminfo(text, name, &kib) ? kib / (getpagesize() >> 10) : 0;
		free(text);
		if (pages >= -128 && pages <= 128)
			break;
	}
	ktap_ok(there && pages >= -128 && pages <= 128,
		"oracle_ledger: %s is that of meminfo and %lld pages", line, pages);
}

/* What must be equal, and what may only be apart by what moves or waits in batches. */
static void identities(void)
{
	const struct memdiag_section *s;
	unsigned long wrong = 0, seen = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(IDENTITY));
	s = snap_section(&snap, MEMDIAG_SEC_IDENTITY);
	for (n = 0; n < s->nr_records; n++) {
		const char *name = snap_get_string(&snap, s, n, "name");
		int64_t left = snap_get(&snap, s, n, "left");
		int64_t right = snap_get(&snap, s, n, "right");
		int64_t residual = snap_get(&snap, s, n, "residual");
		int64_t most = !strcmp(name, "total") ? 0 : 600;

		seen++;
		if (residual == left - right &&
		    (!strcmp(name, "present") ? residual > 0 :
		     residual >= -most && residual <= most))
			continue;
		wrong++;
		ktap_note("%s: %lld - %lld = %lld", name, (long long)left, (long long)right,
			  (long long)residual);
	}
	ktap_ok(seen == 7 && !wrong, "oracle_ledger: %lu sums, and what is left of them", seen);
	snap_drop(&snap);
}

void oracle_ledger(void)
{
	oracle_run(&ledger_oracle);
	while_looking("slab_unreclaimable", NULL, "SUnreclaim");
	while_looking("free", "free_cma", "MemFree");
	identities();
}

/* --- census --------------------------------------------------------------- */

/* linux/kernel-page-flags.h, and what it calls "kernel hacking assistances". */
#define KPF(bit)		(1ull << (bit))
#define KPF_LRU			KPF(5)
#define KPF_SLAB		KPF(7)
#define KPF_BUDDY		KPF(10)
#define KPF_ANON		KPF(12)
#define KPF_SWAPBACKED		KPF(14)
#define KPF_HUGE		KPF(17)
#define KPF_NOPAGE		KPF(20)
#define KPF_OFFLINE		KPF(23)
#define KPF_PGTABLE		KPF(26)
#define KPF_RESERVED		KPF(32)

/* One kind for what the flags do not tell apart. */
static const char *census_by_flags(uint64_t flags)
{
	if (flags & KPF_RESERVED)
		return "reserved";
	if (flags & KPF_BUDDY)
		return "free";
	if (flags & KPF_OFFLINE)
		return "offline";
	if (flags & KPF_PGTABLE)
		return "page_table";
	if (flags & KPF_SLAB)
		return "slab";
	if (flags & KPF_HUGE)
		return "hugetlb";
	if (flags & KPF_ANON)
		return "anon";
	/* Others have it before they are on an LRU list. */
	if (flags & KPF_SWAPBACKED)
		return "shmem";
	return flags & KPF_LRU ? "file" : "other";
}

static const char *census_by_kind(const char *kind)
{
	static const char *const told[] = { "reserved", "free", "offline", "page_table", "slab",
					    "anon",	"shmem", "file" };
	unsigned int i;

	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (!strcmp(kind, told[i]))
			return told[i];
	return strncmp(kind, "hugetlb", 7) ? "other" : "hugetlb";
}

static const char *const census_names[] = { "reserved", "offline", "page_table", "slab",
					    "hugetlb",	"anon",	   "shmem",	 "file",
					    "free",	"other" };

#define NR_CENSUS (sizeof(census_names) / sizeof(census_names[0]))

static void census_add(unsigned long long *counts, const char *name, uint64_t pages)
{
	unsigned int i;

	for (i = 0; i < NR_CENSUS; i++)
		if (!strcmp(census_names[i], name))
			counts[i] += pages;
}

static void census_facts(struct facts *facts, const unsigned long long *counts)
{
	unsigned long long all = 0;
	unsigned int i;

	for (i = 0; i < NR_CENSUS; i++) {
		all += counts[i];
		/* The last two have what memdiag needs itself, for the moment. */
		if (i < NR_CENSUS - 2)
			facts_number(facts, counts[i], "%s", census_names[i]);
	}
	facts_number(facts, all, "all page frames");
}

/*
 * The memory map begins and ends with whole sections, so it has frames in front of
 * the first zone and behind the last one, which are no memory of anybody's.
 */
#define MAX_SPANS 64

struct span {
	unsigned long long start;
	unsigned long long end;
};

static unsigned int census_spans(struct span *spans)
{
	char *text = file_read("/proc/zoneinfo"), *rest = text, *line;
	unsigned long long value, spanned = 0;
	unsigned int nr = 0;

	while (text && (line = file_line(&rest))) {
		if (sscanf(line, " spanned %llu", &value) == 1)
			spanned = value;
		if (sscanf(line, " start_pfn: %llu", &value) == 1 && spanned && nr < MAX_SPANS)
			spans[nr++] = (struct span){ value, value + spanned };
	}
	free(text);
	return nr;
}

static bool census_spanned(const struct span *spans, unsigned int nr, unsigned long long pfn)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (pfn >= spans[i].start && pfn < spans[i].end)
			return true;
	return false;
}

static bool census_kernel(struct facts *facts)
{
	unsigned long long counts[NR_CENSUS] = {}, pfn = 0;
	static uint64_t flags[65536];
	struct span spans[MAX_SPANS];
	unsigned int nr;
	ssize_t n, i;
	int fd;

	/* What waits to be put on the LRU lists has no flag of it yet. */
	file_write("/proc/sys/vm/compact_memory", "1");
	file_write("/proc/sys/vm/stat_refresh", "1");
	nr = census_spans(spans);
	fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, flags, sizeof(flags))) > 0)
		for (i = 0; i < n / (ssize_t)sizeof(flags[0]); i++, pfn++)
			if (!(flags[i] & KPF_NOPAGE) && census_spanned(spans, nr, pfn))
				census_add(counts, census_by_flags(flags[i]), 1);
	close(fd);
	census_facts(facts, counts);
	return true;
}

static void census_memdiag(struct facts *facts, const struct snap *snap,
			   const struct memdiag_section *s)
{
	unsigned long long counts[NR_CENSUS] = {};
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		census_add(counts, census_by_kind(snap_get_string(snap, s, n, "kind")),
			   snap_get(snap, s, n, "pages"));
	census_facts(facts, counts);
}

static const struct oracle census_oracle = {
	.name = "census",
	.section = MEMDIAG_SEC_CENSUS,
	.kernel = census_kernel,
	.memdiag = census_memdiag,
};

/* The walk says how long it went without a look at the scheduler. */
static void census_steps(void)
{
	const struct memdiag_section *s;
	uint64_t n, longest = 0, frames = 0, steps = 0, step;
	struct snap snap;

	snap_take(&snap, SNAP_BIT(CENSUS_WALK));
	s = snap_section(&snap, MEMDIAG_SEC_CENSUS_WALK);
	for (n = 0; n < s->nr_records; n++) {
		step = snap_get(&snap, s, n, "longest_step");
		longest = step > longest ? step : longest;
		frames += snap_get(&snap, s, n, "frames");
		steps += snap_get(&snap, s, n, "steps");
	}
	ktap_ok(longest && steps && frames <= steps * 256,
		"oracle_census: %llu frames in %llu steps, the longest %llu us",
		(unsigned long long)frames, (unsigned long long)steps,
		(unsigned long long)longest / 1000);
	snap_drop(&snap);
}

/* Pages that a line may be apart by: what memdiag needs to look, and what others do meanwhile. */
#define CENSUS_APART		64
#define CENSUS_ATTEMPTS		20

static const struct {
	const char *kind;
	const char *line;
	const char *plus;
} census_lines[] = {
	{ "free", "free", "free_cma" },
	{ "free_pcp", "free_pcp", NULL },
	{ "anon", "anon", "unmapped" },
	{ "file", "file", "buffers" },
	{ "shmem", "shmem", NULL },
	{ "page_table", "page_tables", NULL },
};

#define NR_CENSUS_LINES (sizeof(census_lines) / sizeof(census_lines[0]))

static void census_ledger(int64_t *pages)
{
	const struct memdiag_section *s;
	unsigned int i;
	struct snap snap;
	bool there;

	snap_take(&snap, SNAP_BIT(LEDGER));
	s = snap_section(&snap, MEMDIAG_SEC_LEDGER);
	for (i = 0; i < NR_CENSUS_LINES; i++)
		pages[i] = ledger_line(&snap, s, census_lines[i].line, &there) +
			   ledger_line(&snap, s, census_lines[i].plus, &there);
	snap_drop(&snap);
}

static void census_pages(int64_t *pages)
{
	const struct memdiag_section *s;
	struct snap snap;
	unsigned int i;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(CENSUS));
	s = snap_section(&snap, MEMDIAG_SEC_CENSUS);
	for (i = 0; i < NR_CENSUS_LINES; i++) {
		pages[i] = 0;
		for (n = 0; n < s->nr_records; n++)
			if (!strcmp(snap_get_string(&snap, s, n, "kind"), census_lines[i].kind))
				pages[i] += snap_get(&snap, s, n, "pages");
	}
	snap_drop(&snap);
}

static unsigned int census_apart(const int64_t *before, const int64_t *pages, const int64_t *after,
				 bool tell)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < NR_CENSUS_LINES; i++) {
		int64_t least = before[i] < after[i] ? before[i] : after[i];
		int64_t most = before[i] < after[i] ? after[i] : before[i];

		if (pages[i] >= least - CENSUS_APART && pages[i] <= most + CENSUS_APART)
			continue;
		wrong++;
		if (tell)
			ktap_note("%s: %lld pages in the census, %lld and then %lld in the ledger",
				  census_lines[i].kind, (long long)pages[i], (long long)before[i],
				  (long long)after[i]);
	}
	return wrong;
}

/*
 * The ledger's lines and the census must say the same of what pages tell themselves. The
 * census comes between two ledgers, since the kernel may free memory at any moment: KASAN
 * keeps freed objects for a while, then gives back hundreds of pages at once.
 */
static void census_confirms(void)
{
	int64_t before[NR_CENSUS_LINES], pages[NR_CENSUS_LINES], after[NR_CENSUS_LINES];
	unsigned int attempt, wrong = 1;

	for (attempt = 1; wrong && attempt <= CENSUS_ATTEMPTS; attempt++) {
		census_ledger(before);
		census_pages(pages);
		census_ledger(after);
		wrong = census_apart(before, pages, after, attempt == CENSUS_ATTEMPTS);
	}
	ktap_ok(!wrong, "oracle_census: the ledger says the same, %u attempts", attempt - 1);
}

void oracle_census(void)
{
	oracle_run(&census_oracle);
	census_steps();
	census_confirms();
}
