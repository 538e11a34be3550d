// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leakcheck compares, taken out of each snapshot.
 *
 * Two sorts of things are compared: stacks, of which the tracker knows what is
 * outstanding, and counts of the kernel's own: slab caches, callers of vmalloc,
 * lines of the ledger. Page cache and what belongs to processes is left out: that it
 * grows is no leak of the kernel. Nor is what the kernel may take back whenever it likes
 * (caches that are reclaimable), unless it was asked to before each look.
 *
 * Only numbers are kept, not the snapshots: a thousand cycles have to fit.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "leakcheck.h"

/* No kernel has smaller stacks: 16 KiB on 64-bit, 8 KiB on 32-bit machines. */
#define LEAST_STACK (2048 * sizeof(long))

/*
 * Lines of the ledger that belong to the kernel and nobody else counts, and the least that
 * can leak of each if that is more than a page.
 */
static const struct {
	const char *line;
	enum memdiag_leak_kind kind;
	uint64_t unit;
} ledger_lines[] = {
	{ "kernel_stack", MEMDIAG_LEAK_LEDGER, LEAST_STACK },
	{ "shadow_stack", MEMDIAG_LEAK_LEDGER, 0 },
	{ "page_tables", MEMDIAG_LEAK_LEDGER, 0 },
	{ "upper_page_tables", MEMDIAG_LEAK_LEDGER, 0 },
	{ "sec_page_tables", MEMDIAG_LEAK_LEDGER, 0 },
	{ "zsmalloc", MEMDIAG_LEAK_LEDGER, 0 },
	/* Where nobody maps it any more, user memory that a driver has pinned. */
	{ "unmapped", MEMDIAG_LEAK_LEDGER, 0 },
	{ "percpu", MEMDIAG_LEAK_PERCPU, 0 },
	{ "unaccounted", MEMDIAG_LEAK_UNACCOUNTED, 0 },
	/* Where the section with the details cannot be had. */
	{ "slab_unreclaimable", MEMDIAG_LEAK_SLAB, 0 },
	{ "vmalloc", MEMDIAG_LEAK_VMALLOC, 0 },
};

/* Added to each line, as one may be below zero; only differences matter. */
#define LINE_BASE (1ll << 50)

static int compare_rows(const void *pa, const void *pb)
{
	const struct leak_row *a = pa, *b = pb;
	int order;

	if (a->tracked != b->tracked)
		return a->tracked ? 1 : -1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	order = strcmp(a->cache, b->cache);
	return order ? order : strcmp(a->name, b->name);
}

static void free_row(struct leak_row *row)
{
	if (!row)
		return;
	free(row->name);
	free(row->cache);
	free(row->module);
	free(row->counts);
	free(row);
}

/**
 * memdiag_leakcheck_new() - nothing seen yet
 * @check: the result, to be freed with memdiag_leakcheck_free()
 *
 * Return: 0 or -ENOMEM.
 */
int memdiag_leakcheck_new(struct memdiag_leakcheck **check)
{
	struct memdiag_leakcheck *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->tracked = true;
	c->counted = ~0u;
	*check = c;
	return 0;
}

/**
 * memdiag_leakcheck_settled() - say what is done before each look
 * @check: the check, without a look
 * @shrunk: lists of free objects of all CPUs are emptied, so that no object in them
 *	counts as in use
 * @dropped: caches are dropped, so that what is reclaimable and stays is in use, too
 */
void memdiag_leakcheck_settled(struct memdiag_leakcheck *check, bool shrunk, bool dropped)
{
	check->exact = shrunk;
	check->reclaimed = dropped;
}

/**
 * memdiag_leakcheck_confirm() - judge counts by what comes, too
 * @check: the check, with a look after the cycles
 *
 * What grew by chance until now made somebody ask for more. So a count must also grow, as
 * a leak does, in the looks from the last one on.
 */
void memdiag_leakcheck_confirm(struct memdiag_leakcheck *check)
{
	check->confirm = check->nr_looks - 1;
}

static void keep_node(void *node)
{
	/* Rows are freed by their list. */
	(void)node;
}

/**
 * memdiag_leakcheck_free() - forget it
 * @check: the check or NULL
 */
void memdiag_leakcheck_free(struct memdiag_leakcheck *check)
{
	if (!check)
		return;
	tdestroy(check->tree, keep_node);
	for (size_t n = 0; n < check->nr_rows; n++)
		free_row(check->rows[n]);
	free(check->rows);
	free(check->dropped);
	free(check->when_ns);
	free(check->at);
	free(check);
}

/* The row like @like, made if it is not there; NULL if there is no memory. */
static struct leak_row *find_row(struct memdiag_leakcheck *check, const struct leak_row *like)
{
	struct leak_row **found = tfind(like, &check->tree, compare_rows);
	struct leak_row *row, **rows;

	if (found)
		return *found;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	*row = *like;
	/* What says nothing of its size. */
	if (!row->unit)
		row->unit = 1;
	row->name = strdup(like->name);
	row->cache = strdup(like->cache);
	row->module = strdup(like->module);
	row->counts = calloc(check->room, sizeof(*row->counts));
	rows = realloc(check->rows, (check->nr_rows + 1) * sizeof(*rows));
	if (rows)
		check->rows = rows;
	if (!row->name || !row->cache || !row->module || !row->counts || !rows ||
	    !tsearch(row, &check->tree, compare_rows)) {
		free_row(row);
		return NULL;
	}
	check->rows[check->nr_rows++] = row;
	return row;
}

/**
 * leak_find_cache() - what was counted of a slab cache
 * @check: the check
 * @name: of the cache
 *
 * Return: its row, or NULL if it was never seen.
 */
const struct leak_row *leak_find_cache(const struct memdiag_leakcheck *check, const char *name)
{
	const struct leak_row like = {
		.kind = MEMDIAG_LEAK_SLAB,
		.name = (char *)name,
		.cache = "",
		.module = "",
		.order = MEMDIAG_ABSENT,
	};
	struct leak_row *const *found = tfind(&like, &check->tree, compare_rows);

	return found ? *found : NULL;
}

/* Adds to what the last look has of a thing: several records may be one thing. */
static int add_count(struct memdiag_leakcheck *check, const struct leak_row *like,
		     const struct leak_count *count)
{
	struct leak_row *row = find_row(check, like);
	struct leak_count *last;

	if (!row)
		return -ENOMEM;
	last = &row->counts[check->nr_looks - 1];
	last->bytes += count->bytes;
	last->objects += count->objects;
	last->doubt += count->doubt;
	return 0;
}

static const char *text(const struct memdiag_data *data, const struct memdiag_section *s,
			uint64_t record, const char *name)
{
	const char *string;

	return memdiag_get_string(data, s, record, name, &string) ? "" : string;
}

static uint64_t number(const struct memdiag_data *data, const struct memdiag_section *s,
		       uint64_t record, const char *name)
{
	uint64_t value;

	return memdiag_get_u64(data, s, record, name, &value) ? 0 : value;
}

static uint64_t bytes(const struct memdiag_data *data, const struct memdiag_section *s,
		      uint64_t record, const char *name)
{
	uint64_t value;

	return memdiag_get_bytes(data, s, record, name, &value) ? 0 : value;
}

/* Pages that vmalloc took are pages to the tracker; what leaks is an area. */
static enum memdiag_leak_kind stack_kind(const char *kind, const char *stack)
{
	if (!strcmp(kind, "slab"))
		return MEMDIAG_LEAK_SLAB;
	if (!strcmp(kind, "percpu"))
		return MEMDIAG_LEAK_PERCPU;
	return strstr(stack, "vmalloc_node") ? MEMDIAG_LEAK_VMALLOC : MEMDIAG_LEAK_PAGES;
}

/*
 * A vmap_area stands for a range of free addresses as well. So whoever needs one may
 * allocate it for good, while another one is given back when the area is freed. The
 * areas themselves are counted by their callers.
 */
static bool is_lent(const char *cache)
{
	return !strcmp(cache, "vmap_area");
}

static int add_stacks(struct memdiag_leakcheck *check, const struct memdiag_data *data,
		      const struct memdiag_section *s)
{
	for (uint64_t n = 0; n < s->nr_records; n++) {
		struct leak_row like = {
			.tracked = true,
			.objects_known = true,
			.name = (char *)text(data, s, n, "stack"),
			.cache = (char *)text(data, s, n, "cache"),
			.module = (char *)text(data, s, n, "module"),
			.order = MEMDIAG_ABSENT,
		};
		struct leak_count count = {
			.objects = number(data, s, n, "count"),
			.bytes = bytes(data, s, n, "bytes"),
			.doubt = number(data, s, n, "unsure"),
		};

		if (is_lent(like.cache))
			continue;
		memdiag_get_u64(data, s, n, "order", &like.order);
		like.kind = stack_kind(text(data, s, n, "kind"), like.name);
		if (add_count(check, &like, &count))
			return -ENOMEM;
	}
	return 0;
}

/*
 * Objects in use where they are known, otherwise whole slabs. How many objects
 * lie free in lists of CPUs is not always known exactly.
 */
static int add_slab(struct memdiag_leakcheck *check, const struct memdiag_data *data,
		    const struct memdiag_section *s, uint64_t n)
{
	struct leak_row like = {
		.kind = MEMDIAG_LEAK_SLAB,
		.name = (char *)text(data, s, n, "name"),
		.cache = "",
		.module = "",
		.order = MEMDIAG_ABSENT,
	};
	struct leak_count count = {};
	uint64_t size = bytes(data, s, n, "objsize"), reclaimable, capacity, error;

	if (is_lent(like.name))
		return 0;
	like.unit = size;
	like.reclaimable = !memdiag_get(data, s, n, "reclaimable", MEMDIAG_TYPE_BOOL,
					MEMDIAG_UNIT_NONE, &reclaimable) &&
			   reclaimable;
	if (!memdiag_get_u64(data, s, n, "active_objs", &count.objects) && size &&
	    !memdiag_get_u64(data, s, n, "active_objs_error", &error)) {
		like.objects_known = true;
		/* What is in sheaves is known. In slabs of CPUs it may be that much, if any. */
		if (check->exact && !memdiag_get_u64(data, s, n, "sheaf_capacity", &capacity))
			count.objects = more(count.objects, error);
		else
			count.doubt = error * size;
		count.bytes = count.objects * size;
	} else if (!memdiag_get_bytes(data, s, n, "bytes", &count.bytes)) {
		memdiag_get_bytes(data, s, n, "pages_per_slab", &count.doubt);
	} else {
		return 0;
	}
	return add_count(check, &like, &count);
}

static int add_caller(struct memdiag_leakcheck *check, const struct memdiag_data *data,
		      const struct memdiag_section *s, uint64_t n)
{
	struct leak_row like = {
		.kind = MEMDIAG_LEAK_VMALLOC,
		.objects_known = true,
		.name = (char *)text(data, s, n, "caller"),
		.cache = (char *)text(data, s, n, "kind"),
		.module = (char *)text(data, s, n, "module"),
		.order = MEMDIAG_ABSENT,
		.unit = memdiag_data_header(data)->page_size,
	};
	struct leak_count count = { .objects = number(data, s, n, "areas") };

	/* What is freed and waits to be unmapped, and what the tracker itself takes. */
	if (!strcmp(like.cache, "unpurged") || !strcmp(like.module, "memdiag"))
		return 0;
	if (memdiag_get_bytes(data, s, n, "size", &count.bytes))
		return 0;
	return add_count(check, &like, &count);
}

static int add_line(struct memdiag_leakcheck *check, const struct memdiag_data *data,
		    const struct memdiag_section *s, uint64_t n, unsigned int *counted)
{
	struct leak_row like = {
		.name = (char *)text(data, s, n, "line"),
		.cache = "",
		.module = "",
		.order = MEMDIAG_ABSENT,
		.unit = memdiag_data_header(data)->page_size,
	};
	struct leak_count count = {};
	int64_t pages, size = memdiag_data_header(data)->page_size;

	if (!size ||
	    memdiag_get(data, s, n, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES,
			(uint64_t *)&pages) ||
	    pages >= LINE_BASE / size || pages <= -LINE_BASE / size)
		return 0;
	count.bytes = LINE_BASE + pages * size;
	memdiag_get_bytes(data, s, n, "error", &count.doubt);
	for (size_t i = 0; i < sizeof(ledger_lines) / sizeof(ledger_lines[0]); i++) {
		like.kind = ledger_lines[i].kind;
		if (strcmp(like.name, ledger_lines[i].line))
			continue;
		if ((like.kind == MEMDIAG_LEAK_SLAB || like.kind == MEMDIAG_LEAK_VMALLOC) &&
		    *counted & 1u << like.kind)
			return 0;
		*counted |= 1u << like.kind;
		if (like.unit < ledger_lines[i].unit)
			like.unit = ledger_lines[i].unit;
		return add_count(check, &like, &count);
	}
	return 0;
}

static int add_counts(struct memdiag_leakcheck *check, const struct memdiag_data *data)
{
	const struct memdiag_section *slab = memdiag_data_find(data, "slab");
	const struct memdiag_section *callers = memdiag_data_find(data, "vmalloc_caller");
	const struct memdiag_section *ledger = memdiag_data_find(data, "ledger");
	unsigned int counted = 0;
	int ret = 0;

	if (slab && memdiag_section_has_records(slab)) {
		counted |= 1u << MEMDIAG_LEAK_SLAB;
		for (uint64_t n = 0; !ret && n < slab->nr_records; n++)
			ret = add_slab(check, data, slab, n);
	}
	if (callers && memdiag_section_has_records(callers)) {
		counted |= 1u << MEMDIAG_LEAK_VMALLOC;
		for (uint64_t n = 0; !ret && n < callers->nr_records; n++)
			ret = add_caller(check, data, callers, n);
	}
	if (ledger && memdiag_section_has_records(ledger))
		for (uint64_t n = 0; !ret && n < ledger->nr_records; n++)
			ret = add_line(check, data, ledger, n, &counted);
	/* The first look says what there is. */
	if (check->counted != ~0u)
		check->lost |= check->counted & ~counted;
	check->counted &= counted;
	return ret;
}

/* One look more, with room for its counts in each row. */
static int begin_look(struct memdiag_leakcheck *check)
{
	unsigned int room = check->room ? check->room * 2 : 16, *at;
	uint64_t *dropped, *when;

	if (check->nr_looks == check->room) {
		at = realloc(check->at, room * sizeof(*at));
		if (!at)
			return -ENOMEM;
		check->at = at;
		when = realloc(check->when_ns, room * sizeof(*when));
		if (!when)
			return -ENOMEM;
		check->when_ns = when;
		dropped = realloc(check->dropped, room * sizeof(*dropped));
		if (!dropped)
			return -ENOMEM;
		check->dropped = dropped;
		for (size_t n = 0; n < check->nr_rows; n++) {
			struct leak_row *row = check->rows[n];
			struct leak_count *counts =
				realloc(row->counts, room * sizeof(*row->counts));

			if (!counts)
				return -ENOMEM;
			memset(counts + check->room, 0, (room - check->room) * sizeof(*counts));
			row->counts = counts;
		}
		check->room = room;
	}
	check->at[check->nr_looks] = check->cycles;
	check->dropped[check->nr_looks++] = 0;
	return 0;
}

static const struct leak_count nothing;

/* Takes the last counts out, into @before, one per row. */
static struct leak_count *forget_look(struct memdiag_leakcheck *check)
{
	struct leak_count *before = calloc(check->nr_rows + 1, sizeof(*before));

	for (size_t n = 0; before && n < check->nr_rows; n++) {
		struct leak_count *last = &check->rows[n]->counts[check->nr_looks - 1];

		before[n] = *last;
		memset(last, 0, sizeof(*last));
	}
	return before;
}

/*
 * Of two looks at the same, the smaller count is the right one: what somebody has for a
 * moment only adds. Of two that are the same, that one is right which is surer. What the
 * first one did not have, is not there to stay.
 *
 * Return: whether something had grown since the look before, and is less now.
 */
static bool keep_smaller(struct memdiag_leakcheck *check, const struct leak_count *before,
			 size_t nr_before)
{
	unsigned int at = check->nr_looks - 1;
	bool fell = false;

	for (size_t n = 0; n < check->nr_rows; n++) {
		struct leak_count *now = &check->rows[n]->counts[at];
		const struct leak_count *was = n < nr_before ? &before[n] : &nothing;

		fell |= now->bytes < was->bytes && (!at || was->bytes > now[-1].bytes);
		if (was->bytes < now->bytes ||
		    (was->bytes == now->bytes && was->doubt < now->doubt))
			*now = *was;
	}
	return fell;
}

/* Has anything grown since the look before? */
static bool has_grown(const struct memdiag_leakcheck *check)
{
	unsigned int at = check->nr_looks - 1;

	for (size_t n = 0; n < check->nr_rows; n++)
		if (!at || check->rows[n]->counts[at].bytes > check->rows[n]->counts[at - 1].bytes)
			return true;
	return false;
}

static uint64_t count_drops(const struct memdiag_data *data)
{
	static const char *const fields[] = { "dropped_objects", "dropped_stacks", "dropped_busy" };
	const struct memdiag_section *s = memdiag_data_find(data, "track_status");
	uint64_t sum = 0;

	for (unsigned int n = 0; s && s->nr_records && n < sizeof(fields) / sizeof(fields[0]); n++)
		sum += number(data, s, 0, fields[n]);
	return sum;
}

/**
 * memdiag_leakcheck_add() - take the counts of a snapshot
 * @check: the check
 * @look: what was done before; MEMDIAG_LOOK_AGAIN keeps of each thing what there was
 *	least of, now or in the last snapshot. All MEMDIAG_LOOK_IDLE come before the first
 *	MEMDIAG_LOOK_CYCLES
 * @cycles: for MEMDIAG_LOOK_CYCLES: how many there were since the last look, the
 *	same number each time or nearly so
 * @data: a snapshot, not needed afterwards
 * @again: one more MEMDIAG_LOOK_AGAIN may show less: something has grown since the look
 *	before; or had grown, and is less than in the last snapshot. May be NULL
 *
 * Return: 0 or -ENOMEM.
 */
int memdiag_leakcheck_add(struct memdiag_leakcheck *check, enum memdiag_leak_look look,
			  unsigned int cycles, const struct memdiag_data *data, bool *again)
{
	const struct memdiag_section *track = memdiag_data_find(data, "track");
	struct leak_count *before = NULL;
	size_t nr_before = check->nr_rows;
	bool unsettled = false;
	int ret = 0;

	if (look == MEMDIAG_LOOK_AGAIN) {
		before = forget_look(check);
		ret = before ? 0 : -ENOMEM;
	} else {
		check->nr_idle += look == MEMDIAG_LOOK_IDLE;
		check->cycles += look == MEMDIAG_LOOK_CYCLES ? cycles : 0;
		ret = begin_look(check);
	}
	if (ret)
		return ret;
	check->dropped[check->nr_looks - 1] = count_drops(data);
	check->when_ns[check->nr_looks - 1] = memdiag_data_header(data)->start_ns;
	if (track && memdiag_section_has_records(track)) {
		ret = add_stacks(check, data, track);
	} else {
		check->track_lost |= check->tracked && check->counted != ~0u;
		check->tracked = false;
	}
	if (!ret)
		ret = add_counts(check, data);
	if (!ret)
		unsettled = before ? keep_smaller(check, before, nr_before) : has_grown(check);
	if (again)
		*again = unsettled;
	free(before);
	return ret;
}
