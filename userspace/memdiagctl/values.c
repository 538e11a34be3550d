// SPDX-License-Identifier: GPL-2.0-only
/* Values of options: numbers, bytes, ages, ranges, and the filter of the tracker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "memdiagctl.h"

/* The file system of cgroups of version 2, "cgrp"; linux/magic.h. */
#define CGROUP2_MAGIC 0x63677270

/* A decimal number at @text; @end is set behind it. */
static bool take_number(const char *text, char **end, uint64_t *number)
{
	errno = 0;
	*number = strtoull(text, end, 10);
	return *text >= '0' && *text <= '9' && !errno;
}

/* A number. Return: 0 or STATUS_USAGE. */
int value_number(const char *option, const char *text, uint64_t *number)
{
	char *end;

	if (!take_number(text, &end, number) || *end)
		return usage_error("bad --%s '%s': a number is wanted", option, text);
	return 0;
}

/* A number with K, M or G behind it. */
static bool take_bytes(const char *text, char **end, uint64_t *bytes)
{
	static const char units[] = "KMG";
	const char *unit;

	if (!take_number(text, end, bytes))
		return false;
	unit = **end ? strchr(units, **end) : NULL;
	if (!unit)
		return true;
	++*end;
	return !__builtin_mul_overflow(*bytes, 1024ull << 10 * (unit - units), bytes);
}

/* An amount of memory: 4096, 4K. Return: 0 or STATUS_USAGE. */
int value_bytes(const char *option, const char *text, uint64_t *bytes)
{
	char *end;

	if (!take_bytes(text, &end, bytes) || *end)
		return usage_error("bad --%s '%s': bytes are wanted, such as 4096 or 4K", option,
				   text);
	return 0;
}

/* 5, 1-5, 1-, with K, M, G if they are @bytes. Return: 0 or STATUS_USAGE. */
int value_range(const char *option, const char *text, bool bytes, uint64_t *min, uint64_t *max)
{
	bool (*take)(const char *, char **, uint64_t *) = bytes ? take_bytes : take_number;
	char *end;

	if (!take(text, &end, min))
		goto bad;
	*max = *min;
	if (*end == '-') {
		*max = UINT64_MAX;
		if (end[1] && !take(end + 1, &end, max))
			goto bad;
		else if (*end == '-')
			end++;
	}
	if (!*end && *min <= *max)
		return 0;
bad:
	return usage_error("bad --%s '%s': a number or MIN-MAX is wanted", option, text);
}

/* 500ms, 10s, 5m, 2h; seconds without a unit. Return: 0 or STATUS_USAGE. */
int value_age(const char *option, const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "", 1000000000 },
		      { "ms", 1000000 },
		      { "s", 1000000000 },
		      { "m", 60 * 1000000000ull },
		      { "h", 3600 * 1000000000ull } };
	uint64_t number;
	char *end;

	if (take_number(text, &end, &number))
		for (unsigned int n = 0; n < ARRAY_SIZE(units); n++)
			if (!strcmp(end, units[n].unit) &&
			    !__builtin_mul_overflow(number, units[n].ns, ns))
				return 0;
	return usage_error("bad --%s '%s': a time is wanted, such as 500ms, 10s or 5m", option,
			   text);
}

static int take_kinds(const char *list, uint32_t *kinds)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} known[] = { { "slab", MEMDIAG_TRACK_SLAB },
		      { "pages", MEMDIAG_TRACK_PAGES },
		      { "percpu", MEMDIAG_TRACK_PERCPU } };

	for (const char *at = list; at;) {
		size_t length = strcspn(at, ",");
		unsigned int n = 0;

		while (n < ARRAY_SIZE(known) &&
		       (strlen(known[n].name) != length || memcmp(known[n].name, at, length)))
			n++;
		if (n == ARRAY_SIZE(known))
			return usage_error("bad --kinds '%s': of slab, pages, percpu", list);
		*kinds |= known[n].bit;
		at = at[length] ? at + length + 1 : NULL;
	}
	return 0;
}

/* A name, into the room that the kernel has for it. */
static int take_name(const char *option, const char *value, unsigned char *name, size_t size)
{
	if (!*value || strlen(value) >= size)
		return usage_error("bad --%s '%s': a name of up to %zu characters is wanted",
				   option, value, size - 1);
	memcpy(name, value, strlen(value) + 1);
	return 0;
}

/*
 * Its inode number is what the kernel knows a cgroup by. Elsewhere a directory may have the
 * number of a cgroup, too.
 */
static int take_cgroup(const char *path, uint64_t *cgroup)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) || statfs(path, &fs))
		return cannot("cannot use cgroup %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || fs.f_type != CGROUP2_MAGIC)
		return cannot(
			"cannot use cgroup %s: it is no directory of a cgroup of version 2; 'mount -t cgroup2' lists them",
			path);
	*cgroup = st.st_ino;
	return 0;
}

static int take_orders(const char *value, struct memdiag_track_start *start)
{
	uint64_t min, max;
	int ret = value_range("order", value, false, &min, &max);

	if (ret)
		return ret;
	/* Orders above what the kernel has do no harm. */
	start->order_min = min < UINT32_MAX ? min : UINT32_MAX;
	start->order_max = max < UINT32_MAX ? max : UINT32_MAX;
	return 0;
}

/* A number from 1 on: to the module zero says that nothing was given. */
static int take_count(const char *option, const char *value, uint64_t limit, uint64_t *count)
{
	int ret = value_number(option, value, count);

	if (!ret && (!*count || *count > limit))
		ret = usage_error("bad --%s '%s': a number from 1 to %llu is wanted", option, value,
				  (unsigned long long)limit);
	return ret;
}

static int take_one(const struct option_desc *o, const char *value,
		    struct memdiag_track_start *start)
{
	uint64_t number = 0, max = 0;
	int ret;

	switch (o->bit) {
	case OPT_MODULE:
		start->flags |= MEMDIAG_TRACK_BY_MODULE;
		ret = take_name(o->name, value, start->module, sizeof(start->module));
		memdiag_module_name((char *)start->module);
		return ret;
	case OPT_ANYWHERE:
		start->flags |= MEMDIAG_TRACK_ANYWHERE;
		return 0;
	case OPT_CACHE:
		start->flags |= MEMDIAG_TRACK_BY_CACHE;
		return take_name(o->name, value, start->cache, sizeof(start->cache));
	case OPT_SIZE:
		start->flags |= MEMDIAG_TRACK_BY_SIZE;
		ret = value_range(o->name, value, true, &number, &max);
		start->size_min = number;
		start->size_max = max;
		return ret;
	case OPT_ORDER:
		start->flags |= MEMDIAG_TRACK_BY_ORDER;
		return take_orders(value, start);
	case OPT_PID:
		start->flags |= MEMDIAG_TRACK_BY_PID;
		ret = take_count(o->name, value, INT32_MAX, &number);
		start->pid = number;
		return ret;
	case OPT_CGROUP:
		start->flags |= MEMDIAG_TRACK_BY_CGROUP;
		ret = take_cgroup(value, &number);
		start->cgroup = number;
		return ret;
	case OPT_ONE_IN:
		ret = take_count(o->name, value, 1u << 31, &number);
		start->one_in = number;
		return ret;
	case OPT_KINDS:
		return take_kinds(value, &start->kinds);
	case OPT_OBJECTS:
		ret = take_count(o->name, value, UINT32_MAX, &number);
		start->objects = number;
		return ret;
	case OPT_STACKS:
		ret = take_count(o->name, value, UINT32_MAX, &number);
		start->stacks = number;
		return ret;
	case OPT_DEPTH:
		ret = take_count(o->name, value, 64, &number);
		start->depth = number;
		return ret;
	default:
		return 0;
	}
}

/* Only objects of slab caches have a cache, only pages an order. */
static int check_kinds(const struct memdiag_track_start *start)
{
	bool slab = start->flags & MEMDIAG_TRACK_BY_CACHE;
	bool pages = start->flags & MEMDIAG_TRACK_BY_ORDER;

	if (slab && pages)
		return usage_error("nothing has both a --cache and an --order");
	if (slab && start->kinds && !(start->kinds & MEMDIAG_TRACK_SLAB))
		return usage_error("--cache needs slab among --kinds");
	if (pages && start->kinds && !(start->kinds & MEMDIAG_TRACK_PAGES))
		return usage_error("--order needs pages among --kinds");
	return 0;
}

/**
 * value_filter() - what the tracker is to look at
 * @options: the command line
 * @start: the result; what is not given stays zero
 *
 * Return: 0, STATUS_USAGE, or STATUS_CANNOT if the cgroup is not there.
 */
int value_filter(const struct options *options, struct memdiag_track_start *start)
{
	memset(start, 0, sizeof(*start));
	for (unsigned int n = 0; n < nr_options; n++) {
		const struct option_desc *o = &option_table[n];
		int ret = 0;

		if (options->given & o->bit & OPT_TRACK)
			ret = take_one(o, option_value(options, o->bit), start);
		if (ret)
			return ret;
	}
	if (start->one_in & (start->one_in - 1))
		return usage_error("bad --one-in '%s': a power of two is wanted",
				   option_value(options, OPT_ONE_IN));
	if (start->flags & MEMDIAG_TRACK_ANYWHERE && !(start->flags & MEMDIAG_TRACK_BY_MODULE))
		return usage_error("--anywhere needs --module");
	return check_kinds(start);
}
