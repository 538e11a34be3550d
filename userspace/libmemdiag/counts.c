// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leakcheck compares, taken out of each snapshot.
 *
 * Two sorts of things are compared: stacks, of which the tracker knows what is
 * outstanding, and counts of the kernel's own: slab caches, callers of vmalloc,
 * lines of the ledger. Page cache and what belongs to processes is left out: that it
 * grows is no leak of the kernel. Nor is what the kernel may take back whenever it likes
 * (caches that are reclaimable), unless it was asked to before each look.
 */
#include <errno.h>
#include <string.h>

#include "leakcheck.h"

/* Added to each line, as one may be below zero; only differences matter. */
#define LINE_BASE (1ll << 50)

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
		if (leak_add_count(check, &like, &count))
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
	return leak_add_count(check, &like, &count);
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
	return leak_add_count(check, &like, &count);
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
	const char *leak = text(data, s, n, "leak");
	uint64_t unit;

	if (!size ||
	    memdiag_get(data, s, n, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES,
			(uint64_t *)&pages) ||
	    pages >= LINE_BASE / size || pages <= -LINE_BASE / size)
		return 0;
	count.bytes = LINE_BASE + pages * size;
	memdiag_get_bytes(data, s, n, "error", &count.doubt);
	if (!memdiag_get_bytes(data, s, n, "unit", &unit) && unit > like.unit)
		like.unit = unit;
	while (strcmp(leak, memdiag_leak_kind_name(like.kind)))
		if (++like.kind == MEMDIAG_NR_LEAK_KINDS)
			return 0;
	/* Where the section with the details can be had. */
	if ((like.kind == MEMDIAG_LEAK_SLAB || like.kind == MEMDIAG_LEAK_VMALLOC) &&
	    *counted & 1u << like.kind)
		return 0;
	*counted |= 1u << like.kind;
	return leak_add_count(check, &like, &count);
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
	/* An older module does not say what of it may leak. */
	if (ledger && memdiag_section_has_records(ledger) &&
	    !memdiag_field_find(data, ledger, "leak"))
		check->lost |= 1u << MEMDIAG_LEAK_LEDGER;
	else if (ledger && memdiag_section_has_records(ledger))
		for (uint64_t n = 0; !ret && n < ledger->nr_records; n++)
			ret = add_line(check, data, ledger, n, &counted);
	/* The first look says what there is. */
	if (check->counted != ~0u)
		check->lost |= check->counted & ~counted;
	check->counted &= counted;
	return ret;
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

/* Takes stacks, counts and drops of a snapshot into the last look. Return: 0 or -ENOMEM. */
int leak_take_counts(struct memdiag_leakcheck *check, const struct memdiag_data *data)
{
	const struct memdiag_section *track = memdiag_data_find(data, "track");
	int ret = 0;

	check->looks[check->nr_looks - 1].dropped = count_drops(data);
	if (track && memdiag_section_has_records(track)) {
		ret = add_stacks(check, data, track);
	} else {
		check->track_lost |= check->tracked && check->counted != ~0u;
		check->tracked = false;
	}
	return ret ? ret : add_counts(check, data);
}
