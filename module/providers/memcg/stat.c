// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers behind memory.stat.
 *
 * The kernel keeps them in a private structure, in arrays whose order is partly
 * private too, and which items there are depends on its configuration. So both
 * are learned when the module is loaded:
 *
 *  - what there is, and how it is called, from the text of memory.stat. The
 *    text needs no mounted cgroupfs: the control files of the controller hang
 *    off the exported memory_cgrp_subsys, and the ->seq_show() of "stat" asks
 *    no more of its seq_file than of_css(), which is exported as well. It gets
 *    an open file of our own making that leads there to the css we hold. Before
 *    the first use of_css() itself has to find that css through it.
 *  - where it is, from BTF: the place of the arrays, the values of enum
 *    node_stat_item and memcg_stat_item by name. Kernels that pack the array
 *    have a table from enum to place, mem_cgroup_stats_index, which is taken
 *    only if it turns out to be one-to-one onto the array. events[] is in the
 *    order in which memory.stat prints the events.
 *  - whether that is right, by comparing root and some of its descendants with
 *    what their memory.stat says. An item that differs is left out.
 *
 * If the numbers cannot be had directly, each cgroup's text is taken apart
 * instead.
 *
 * Locks: none of its own. Reading the arrays is lockless, as in the kernel's
 * memcg_page_state(); printing may flush the statistics and sleeps.
 *
 * Stale: the arrays are sums that the kernel brings up to date every two
 * seconds, and when somebody reads memory.stat while more than 64 pages per CPU
 * are pending. What is pending below that is missing from them, and from
 * memory.stat.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../compat/memcontrol.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "stat.h"

#ifdef CONFIG_MEMCG

#define STAT_TEXT_SIZE		(2 * PAGE_SIZE)
/* cgroups to compare with their text, and how often if the numbers move. */
#define STAT_CHECK_CGROUPS	8
#define STAT_CHECK_TRIES	5

/**
 * struct stat_reader - an open file of our own making, for ->seq_show()
 * @cft: the kernel's description of the file "stat"
 * @cgroup: has nothing but the css to show
 * @dir: stands for the cgroup's directory
 * @file: stands for its memory.stat
 * @of: stands for the open file
 * @text: what was printed
 */
static struct stat_reader {
	struct cftype *cft;
	struct cgroup *cgroup;
	struct kernfs_node dir;
	struct kernfs_node file;
	struct kernfs_open_file of;
	char *text;
} *stat_reader;

static struct memdiag_memcg_table stat_table;
static bool stat_direct;

static struct cftype *stat_find_file(void)
{
	struct cftype *cft;

	for (cft = memory_cgrp_subsys.dfl_cftypes; cft && cft->name[0]; cft++)
		if (!strcmp(cft->name, "stat"))
			break;
	if (!cft || !cft->name[0] || !cft->seq_show || cft->seq_start ||
	    cft->ss != &memory_cgrp_subsys)
		return NULL;
	return cft;
}

static void stat_reader_free(void)
{
	if (!stat_reader)
		return;
	memdiag_free(stat_reader->text);
	memdiag_free(stat_reader->cgroup);
	memdiag_free(stat_reader);
	stat_reader = NULL;
}

static int stat_reader_init(struct cgroup_subsys_state *root)
{
	struct cftype *cft = stat_find_file();
	struct stat_reader *reader;

	if (!cft)
		return -ENOENT;
	reader = memdiag_keep(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	stat_reader = reader;
	reader->cft = cft;
	reader->cgroup = memdiag_keep(1, sizeof(*reader->cgroup));
	reader->text = memdiag_keep(STAT_TEXT_SIZE, 1);
	if (!reader->cgroup || !reader->text) {
		stat_reader_free();
		return -ENOMEM;
	}
	reader->dir.priv = reader->cgroup;
	memdiag_kernfs_set_parent(&reader->file, &reader->dir);
	reader->file.priv = cft;
	reader->of.kn = &reader->file;

	RCU_INIT_POINTER(reader->cgroup->subsys[memory_cgrp_id], root);
	if (of_css(&reader->of) != root) {
		stat_reader_free();
		return -EINVAL;
	}
	return 0;
}

/* Let the kernel print memory.stat. Returns the text, or ERR_PTR(). */
static char *stat_print(struct cgroup_subsys_state *css)
{
	struct stat_reader *reader = stat_reader;
	struct seq_file m = {
		.buf = reader->text,
		.size = STAT_TEXT_SIZE,
		.private = &reader->of,
	};
	int error;

	reader->of.seq_file = &m;
	RCU_INIT_POINTER(reader->cgroup->subsys[memory_cgrp_id], css);
	error = reader->cft->seq_show(&m, NULL);
	RCU_INIT_POINTER(reader->cgroup->subsys[memory_cgrp_id], NULL);
	reader->of.seq_file = NULL;
	if (error)
		return ERR_PTR(error);
	if (seq_has_overflowed(&m))
		return ERR_PTR(-E2BIG);
	reader->text[m.count] = '\0';
	return reader->text;
}

/* Compare one cgroup with its text; clear in @keep what differs. */
static int stat_check_one(struct cgroup_subsys_state *css, unsigned long *keep)
{
	const struct mem_cgroup *memcg = container_of(css, struct mem_cgroup, css);
	DECLARE_BITMAP(same, MEMDIAG_MEMCG_MAX_ITEMS);
	u64 *values = memdiag_alloc(3 * MEMDIAG_MEMCG_MAX_ITEMS, sizeof(u64));
	u64 *before = values, *after, *text;
	unsigned int i, try;
	char *printed;
	int error = 0;

	if (!values)
		return -ENOMEM;
	after = values + MEMDIAG_MEMCG_MAX_ITEMS;
	text = after + MEMDIAG_MEMCG_MAX_ITEMS;
	bitmap_zero(same, MEMDIAG_MEMCG_MAX_ITEMS);
	for (try = 0; try < STAT_CHECK_TRIES; try++) {
		memdiag_memcg_stat_read(memcg, before);
		printed = stat_print(css);
		if (IS_ERR(printed)) {
			error = PTR_ERR(printed);
			break;
		}
		memdiag_memcg_stat_parse(printed, stat_table.items, stat_table.nr, text);
		memdiag_memcg_stat_read(memcg, after);
		for (i = 0; i < stat_table.nr; i++)
			if (text[i] == before[i] || text[i] == after[i] ||
			    !stat_table.items[i].line[0])
				__set_bit(i, same);
		if (bitmap_subset(keep, same, MEMDIAG_MEMCG_MAX_ITEMS))
			break;
	}
	if (!error)
		bitmap_and(keep, keep, same, MEMDIAG_MEMCG_MAX_ITEMS);
	memdiag_free(values);
	return error;
}

/* Compare root and the first descendants with their text. */
static int stat_check(struct cgroup_subsys_state *root, unsigned long *keep)
{
	struct cgroup_subsys_state *held[STAT_CHECK_CGROUPS], *css = NULL;
	unsigned int i, nr = 0;
	int error = 0;

	rcu_read_lock();
	while (nr < STAT_CHECK_CGROUPS && (css = css_next_descendant_pre(css, root)))
		if (css_tryget(css))
			held[nr++] = css;
	rcu_read_unlock();

	for (i = 0; i < nr; i++) {
		if (!error)
			error = stat_check_one(held[i], keep);
		css_put(held[i]);
	}
	return error;
}

/*
 * Try to make all items direct. Items whose place is not known, and those that
 * do not read as the kernel prints them, go, if there are others.
 */
static int stat_init_direct(struct cgroup_subsys_state *root, char *reason, size_t size)
{
	DECLARE_BITMAP(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	unsigned int i, known, unknown, wrong;
	int error;

	error = memdiag_memcg_places_learn(&stat_table, reason, size);
	if (error)
		return error;
	bitmap_zero(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	for (i = 0; i < stat_table.nr; i++)
		if (stat_table.items[i].nr_terms)
			__set_bit(i, keep);
	if (!test_bit(0, keep)) {
		snprintf(reason, size, "place of memory.stat's items is not known");
		return -ENOENT;
	}
	/* Those stay until it is clear that the others can be had directly. */
	unknown = 0;
	for (i = 0; i < stat_table.nr; i++)
		if (!stat_table.items[i].nr_terms && stat_table.items[i].line[0])
			unknown++;
	known = bitmap_weight(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	error = stat_check(root, keep);
	if (error) {
		snprintf(reason, size, "memory.stat cannot be compared: %pe", ERR_PTR(error));
		return error;
	}
	if (!test_bit(0, keep)) {
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "memcg", MEMDIAG_SRC_NONE, -EINVAL,
				     "%s reads otherwise than memory.stat prints it",
				     stat_table.items[0].name);
		snprintf(reason, size, "layout of struct memcg_vmstats not confirmed");
		return -EINVAL;
	}
	wrong = known - bitmap_weight(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	memdiag_memcg_table_keep(&stat_table, keep);
	reason[0] = '\0';
	if (unknown || wrong)
		snprintf(reason, size,
			 "memory.stat: place of %u items not known, %u not confirmed",
			 unknown, wrong);
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "memcg", MEMDIAG_SRC_BTF, 0,
			     "%u items read as memory.stat prints them, %u left out",
			     stat_table.nr, unknown + wrong);
	return 0;
}

/* Keep what the text says by itself. */
static void stat_init_text(void)
{
	DECLARE_BITMAP(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	unsigned int i;

	bitmap_zero(keep, MEMDIAG_MEMCG_MAX_ITEMS);
	for (i = 0; i < stat_table.nr; i++)
		if (stat_table.items[i].line[0])
			__set_bit(i, keep);
	memdiag_memcg_table_keep(&stat_table, keep);
}

/**
 * memdiag_memcg_stat_init() - learn the items of memory.stat
 * @root: css of the root memory cgroup
 * @reason: out: what is missing and why; "" if nothing is
 * @size: bytes of @reason
 *
 * Context: may sleep.
 *
 * Return: 0 if there are items, direct or by text; or negative errno if not
 * even the text can be had: -ENOENT, -EINVAL, -ENOMEM.
 */
int __init memdiag_memcg_stat_init(struct cgroup_subsys_state *root, char *reason,
				   size_t size)
{
	char *text;
	int error;

	reason[0] = '\0';
	error = stat_reader_init(root);
	if (error) {
		snprintf(reason, size, "memory.stat: no way to the kernel's text: %pe",
			 ERR_PTR(error));
		goto note;
	}
	text = stat_print(root);
	error = IS_ERR(text) ? PTR_ERR(text) : memdiag_memcg_table_learn(&stat_table, text);
	if (error) {
		snprintf(reason, size, "memory.stat: text not understood: %pe",
			 ERR_PTR(error));
		goto note;
	}
	stat_direct = !stat_init_direct(root, reason, size);
	if (!stat_direct) {
		stat_init_text();
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "memcg", MEMDIAG_SRC_TEXT, 0,
				     "%u items from the text of memory.stat", stat_table.nr);
	}
note:
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, "memory.stat", MEMDIAG_SRC_OPS, error,
			     "%s", error ? reason :
			     "printed by the controller's own file operations");
	if (error)
		memdiag_memcg_stat_exit();
	return error;
}

/** memdiag_memcg_stat_exit() - undo memdiag_memcg_stat_init() */
void memdiag_memcg_stat_exit(void)
{
	stat_direct = false;
	memdiag_memcg_table_free(&stat_table);
	stat_reader_free();
}

/** memdiag_memcg_stat_nr() - number of items */
unsigned int memdiag_memcg_stat_nr(void)
{
	return stat_table.nr;
}

/**
 * memdiag_memcg_stat_item() - one item
 * @i: 0 <= i < memdiag_memcg_stat_nr()
 */
const struct memdiag_memcg_item *memdiag_memcg_stat_item(unsigned int i)
{
	return &stat_table.items[i];
}

/**
 * memdiag_memcg_stat_index() - find an item by name
 * @name: its name in memory.stat of cgroup v2
 *
 * Return: its index, or -ENOENT.
 */
int memdiag_memcg_stat_index(const char *name)
{
	return memdiag_memcg_table_index(&stat_table, name);
}

/** memdiag_memcg_stat_is_direct() - may memdiag_memcg_stat_read() be used? */
bool memdiag_memcg_stat_is_direct(void)
{
	return stat_direct;
}

/**
 * memdiag_memcg_stat_read() - read all items from the kernel's structures
 * @memcg: a memory cgroup that is held, or found under RCU
 * @values: out: per item its value
 *
 * Context: any.
 */
void memdiag_memcg_stat_read(const struct mem_cgroup *memcg, u64 *values)
{
	const void *vmstats = memdiag_memcg_vmstats(memcg);
	const long *state = vmstats + stat_table.state_offset;
	const unsigned long *events = vmstats + stat_table.events_offset;
	unsigned int i, j;

	for (i = 0; i < stat_table.nr; i++) {
		const struct memdiag_memcg_item *item = &stat_table.items[i];
		u64 sum = 0;

		for (j = 0; j < item->nr_terms; j++) {
			/* A sum over CPUs in the making can be negative for a moment. */
			if (item->from_events)
				sum += READ_ONCE(events[item->terms[j]]);
			else
				sum += max(READ_ONCE(state[item->terms[j]]), 0L);
		}
		values[i] = sum * item->unit;
	}
}

/**
 * memdiag_memcg_stat_text() - let the kernel print memory.stat
 * @css: css of a memory cgroup that is held, online or not
 * @values: out: per item its value, or NULL if only the flush of the pending
 *	statistics is wanted that goes with printing
 *
 * Context: may sleep; one at a time.
 *
 * Return: 0, or negative errno.
 */
int memdiag_memcg_stat_text(struct cgroup_subsys_state *css, u64 *values)
{
	char *text;

	if (!stat_reader)
		return -ENOENT;
	text = stat_print(css);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (values)
		memdiag_memcg_stat_parse(text, stat_table.items, stat_table.nr, values);
	return 0;
}

#endif /* CONFIG_MEMCG */
