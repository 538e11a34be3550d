// SPDX-License-Identifier: GPL-2.0-only
/*
 * known_ledger - memory of a known amount and kind, and the ledger must have it
 *
 * Each case takes a known amount of one kind of memory, by itself or through the
 * fixture module. The line that this kind belongs to has to grow by that amount,
 * and no other line (but those that the case says it cannot avoid); when it is
 * given back all lines fall back. What else goes on in the machine is allowed
 * for with NOISE pages, and with the error that the ledger states itself.
 *
 * PRESSURE in the environment: memory is also swapped out because there is no more of
 * it, which takes a minute. Some are taken once more for the census to find. Last, 64 MiB of pages leak (32 MiB
 * where there are less than 256): they must be in unaccounted within 1 %.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "known_ledger.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"

/* Pages that a line may move by in 50 ms when nothing goes on. */
#define STILL		16

long page;
long memory;

/* --- the ledger --------------------------------------------------------- */

struct ledger look(void)
{
	const struct memdiag_section *s;
	struct ledger l = {};
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(LEDGER));
	s = snap_section(&snap, MEMDIAG_SEC_LEDGER);
	for (n = 0; n < s->nr_records && l.nr < MAX_LINES; n++) {
		struct line *line = &l.line[l.nr++];

		snprintf(line->name, sizeof(line->name), "%s",
			 snap_get_string(&snap, s, n, "line"));
		line->present = snap_get(&snap, s, n, "pages") != MEMDIAG_ABSENT;
		if (line->present) {
			line->pages = snap_get(&snap, s, n, "pages");
			line->error = snap_get(&snap, s, n, "error");
		}
	}
	snap_drop(&snap);
	return l;
}

/* What is free is what the others are not. */
static bool is_free(const char *name)
{
	return !strncmp(name, "free", 4);
}

static bool lines_grew(const struct ledger *a, const struct ledger *b, const struct grows *grows,
		       bool tell)
{
	bool ok = true;
	unsigned int i, g;

	for (i = 0; i < a->nr; i++) {
		int64_t low = 0, high = 0, more = b->line[i].pages - a->line[i].pages;
		int64_t error = b->line[i].error + NOISE;

		if (is_free(a->line[i].name))
			continue;
		for (g = 0; grows && grows[g].line; g++)
			if (!strcmp(grows[g].line, a->line[i].name)) {
				low = grows[g].low;
				high = grows[g].high;
			}
		if (more >= low - error && more <= high + error)
			continue;
		if (tell)
			ktap_note("%s: grew by %" PRId64 " pages, expected %" PRId64 " to %" PRId64,
				  a->line[i].name, more, low - error, high + error);
		ok = false;
	}
	return ok;
}

/*
 * The ledger when nothing moves any more. What is given back through RCU or by a
 * worker is on no line until then, or on another: the stack of a thread that is gone
 * is plain vmalloc() memory, for instance, and the pages of a vfree() are nobody's for
 * a moment.
 */
struct ledger look_when_quiet(void)
{
	struct ledger before, now = look();
	unsigned int tries, quiet = 0, i;

	for (tries = 0; tries < 100 && quiet < 3; tries++) {
		usleep(50000);
		before = now;
		now = look();
		quiet++;
		for (i = 0; i < now.nr; i++)
			if (!is_free(now.line[i].name) &&
			    labs(now.line[i].pages - before.line[i].pages) > STILL)
				quiet = 0;
	}
	return now;
}

static bool sums_up(const struct ledger *l)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		sum += l->line[i].pages;
	if (sum == memory)
		return true;
	ktap_note("the lines sum up to %" PRId64 " pages, not %ld", sum, memory);
	return false;
}

/* Some memory is given back in the background: wait for it, for a while. */
static bool fell_back(const struct ledger *a, const struct grows *keeps)
{
	struct ledger c;
	int tries;

	for (tries = 0; tries < 30; tries++) {
		c = look();
		if (lines_grew(a, &c, keeps, false))
			return true;
		usleep(100000);
	}
	return lines_grew(a, &c, keeps, true);
}

/**
 * known_keeping() - one case
 * @name: of the results
 * @take: takes the memory; false: cannot be done here, and why says the reason
 * @give: gives it back
 * @arg: of both
 * @grows: lines that grow, ends with one without a name
 * @keeps: the same of lines that stay like that when it is given back, or NULL
 */
static void known_keeping(const char *name, bool (*take)(void *arg), void (*give)(void *arg),
			  void *arg, const struct grows *grows, const struct grows *keeps)
{
	struct ledger a, b;

	/* Once for nothing: first use fills caches that then stay. */
	if (!take(arg)) {
		ktap_skip(why, "known_ledger: %s", name);
		return;
	}
	give(arg);
	a = look_when_quiet();
	if (!take(arg))
		ktap_bail("%s: could be had a moment ago: %s", name, why);
	b = look_when_quiet();
	ktap_ok(lines_grew(&a, &b, grows, true) & sums_up(&b), "known_ledger: %s: held", name);
	give(arg);
	ktap_ok(fell_back(&a, keeps), "known_ledger: %s: given back", name);
}

static void known(const char *name, bool (*take)(void *arg), void (*give)(void *arg), void *arg,
		  const struct grows *grows)
{
	known_keeping(name, take, give, arg, grows, NULL);
}

int64_t ledger_line(const struct ledger *l, const char *name)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (!strcmp(l->line[i].name, name))
			return l->line[i].pages;
	ktap_bail("the ledger has no line %s", name);
}

/* --- the cases ---------------------------------------------------------- */

static void known_fixture(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	/* Slabs of 200 bytes: 20 in a page, so some of it is between the objects. */
	const struct grows slab[] = { { "slab_unreclaimable", 81920 / 21, 81920 / 12 }, {} };
	const struct grows large[] = { { "slab_unreclaimable", AMOUNT / page, AMOUNT / page }, {} };
	const struct grows vmalloc[] = { { "vmalloc", AMOUNT / page, AMOUNT / page }, {} };
	/*
	 * The allocator notes a cgroup for every four bytes, in vmalloc() memory: two
	 * pages for one. And it keeps a chunk when all is given back, for a while.
	 */
	const struct grows percpu[] = { { "percpu", 2048 * cpus / 2, (2048 + 64) * cpus },
					{ "vmalloc", 0, 2048 * 5 / 2 }, {} };
	const struct grows chunk[] = { { "percpu", -512 * cpus, 512 * cpus },
				       { "vmalloc", -1200, 1200 }, {} };
	const struct grows pages[] = { { "unaccounted", AMOUNT / page, AMOUNT / page }, {} };
	char command[80], name[40];
	int order;

	known("objects of a slab cache", take_fixture, give_fixture, "cache count=81920", slab);
	known("large blocks of kmalloc", take_fixture, give_fixture,
	      "kmalloc size=65536 count=256", large);
	known("vmalloc", take_fixture, give_fixture, "vmalloc size=1048576 count=16", vmalloc);
	known_keeping("percpu", take_fixture, give_fixture, "percpu size=4096 count=2048", percpu,
		      chunk);
	for (order = 0; order <= 9; order++) {
		snprintf(command, sizeof(command), "pages order=%d count=%ld", order,
			 AMOUNT / page >> order);
		snprintf(name, sizeof(name), "pages of order %d", order);
		known(name, take_fixture, give_fixture, command, pages);
	}
}

/*
 * anon has pages of the device, and its error says so. The driver keeps what is in them
 * in pages of its own, one for one. Its ranges have a memory map, of 64 bytes a page.
 */
static void known_device(void)
{
	const struct grows lines[] = { { "unaccounted", AMOUNT / page, AMOUNT / page },
				       { "memmap", DEVICE_PAGES / (page / 64),
					 DEVICE_PAGES / (page / 64) }, {} };

	known("memory of a device", take_device, give_device, NULL, lines);
}

/* Pages in the pool of each kind: two pages share one in zbud, three in z3fold. */
static void known_swap(void)
{
	const long pages = AMOUNT / page;
	const struct grows zbud[] = { { "zswap", pages / 2, pages / 2 }, {} };
	const struct grows z3fold[] = { { "zswap", pages / 3, pages / 2 }, {} };
	const struct grows zsmalloc[] = { { "zsmalloc", pages / 4, pages / 3 }, {} };

	/* What is left of each kind is the kernel's choice, but all has its line. */
	const struct grows pressed[] = { { "anon", AMOUNT / page, memory },
					 { "swap_cache", 0, memory }, { "unmapped", 0, 4096 },
					 { "page_tables", 0, memory / 256 },
					 { "zsmalloc", 0, memory }, { "zswap", 0, memory },
					 { "file", -memory, 0 }, { "buffers", -memory, 0 },
					 { "shmem", -memory, 0 },
					 { "slab_reclaimable", -memory, 2048 },
					 { "slab_unreclaimable", -2048, 2048 }, {} };
	const struct grows dropped[] = { { "file", -memory, 0 }, { "buffers", -memory, 0 },
					 { "shmem", -memory, 0 },
					 { "slab_reclaimable", -memory, 2048 },
					 { "slab_unreclaimable", -2048, 2048 }, {} };
	const char * const pools[] = { NULL, "zsmalloc", "z3fold", "zbud" };
	char name[60];

	if (!swap_on(4 * AMOUNT)) {
		ktap_skip(why, "known_ledger: swap");
		return;
	}
	known("swap, in zram", take_swapped, give_swapped, NULL, zsmalloc);
	known("swap, in zswap with zsmalloc", take_swapped, give_swapped, "zsmalloc", zsmalloc);
	known("swap, in zswap with z3fold", take_swapped, give_swapped, "z3fold", z3fold);
	known("swap, in zswap with zbud", take_swapped, give_swapped, "zbud", zbud);
	for (unsigned int i = 0; getenv("PRESSURE") && i < sizeof(pools) / sizeof(*pools); i++) {
		snprintf(name, sizeof(name), "swap under pressure, in %s%s",
			 pools[i] ? "zswap with " : "zram", pools[i] ?: "");
		known_keeping(name, take_pressed, give_pressed, (void *)pools[i], pressed,
			      dropped);
	}
	swap_off();
}

int main(void)
{
	/* Of a process without memory of its own: tables, a stack, and what it writes to. */
	const struct grows many[] = { { "upper_page_tables", 0, PROCESSES * 8 },
				      { "page_tables", 0, PROCESSES * 20 },
				      { "kernel_stack", PROCESSES * 4, PROCESSES * 8 },
				      { "slab_unreclaimable", 0, PROCESSES * 20 },
				      { "slab_reclaimable", 0, PROCESSES * 4 },
				      { "anon", 0, PROCESSES * 30 }, { "vmalloc", 0, PROCESSES },
				      { "percpu", 0, PROCESSES }, {} };
	struct grows lines[4] = {};
	struct ledger l;
	int error;

	ktap_start();
	page = getpagesize();
	huge_size = 2 * MIB;
	mod_unload(FIXTURE);
	error = mod_load(FIXTURE_KO, "");
	if (error)
		ktap_bail(FIXTURE_KO ": %s", strerror(-error));
	l = look();
	for (unsigned int i = 0; i < l.nr; i++)
		memory += l.line[i].pages;

	/* First, as the stacks of the threads below stay mapped, and would be copied. */
	known("processes", take_processes, give_processes, NULL, many);
	lines[0] = (struct grows){ "anon", AMOUNT / page, AMOUNT / page };
	known("anonymous", take_anon, give_anon, NULL, lines);
	lines[0].line = "file";
	known("page cache", take_file, give_file, "ramfs", lines);
	lines[0].line = "shmem";
	known("tmpfs", take_file, give_file, "tmpfs", lines);
	known("deleted file in tmpfs", take_deleted, give_file, "tmpfs", lines);
	known("memfd", take_memfd, give_memfd, NULL, lines);
	lines[0] = (struct grows){ "page_tables", SPARSE_TABLES, SPARSE_TABLES + 16 };
	known("page tables", take_tables, give_tables, NULL, lines);
	/* 4 pages on x86 and arm64, 8 with KASAN; and each has a task, and a stack. */
	lines[0] = (struct grows){ "kernel_stack", THREADS * 4, THREADS * 8 };
	lines[1] = (struct grows){ "slab_unreclaimable", 0, THREADS * 8 };
	lines[2] = (struct grows){ "anon", 0, THREADS * 4 };
	known("kernel stacks", take_threads, give_threads, NULL, lines);
	memset(lines, 0, sizeof(lines));
	lines[0] = (struct grows){ "hugetlb_free", HUGE * (huge_size / page),
				   HUGE * (huge_size / page) };
	known("huge pages in the pool", take_pool, give_pool, NULL, lines);
	lines[0].line = "hugetlb_used";
	known("huge pages in use", take_huge, give_huge, NULL, lines);
	lines[0].line = "hugetlb_free";
	known("huge pages of another size in their pool", take_other_pool, give_other_pool,
	      &lines[0], lines);
	lines[0] = (struct grows){ "anon", AMOUNT / page / 2, AMOUNT / page / 2 };
	lines[1] = (struct grows){ "unmapped", AMOUNT / page / 2, AMOUNT / page / 2 };
	known("huge pages with holes", take_holes, give_holes, NULL, lines);
	memset(lines, 0, sizeof(lines));
	/* Heads of messages are slab, what is long goes into pages of its own. */
	lines[0] = (struct grows){ "unaccounted", SOCKET_BYTES / page, SOCKET_BYTES / page };
	lines[1] = (struct grows){ "slab_unreclaimable", 0, SOCKET_BYTES / page / 8 };
	known("unread sockets", take_unread, give_sockets, NULL, lines);
	/* Anonymous memory that only the queue has a reference to: on the LRU lists yet. */
	lines[0].line = "unmapped";
	known("pinned fragments", take_pinned, give_sockets, NULL, lines);
	known_fixture();
	known_swap();
	known_device();
	known_census();
	known_leak();
	return ktap_end();
}
