// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that turn records into answers: what grew, how are the zones.
 *
 * Every rule reads amounts in bytes and is silent about what it cannot read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * How one record of a section is measured.
 * @bytes: memory
 * @space: address space, which counts where neither snapshot has memory
 */
struct amount {
	uint64_t bytes;
	uint64_t space;
	uint64_t count;
	bool has_count;
};

/*
 * The size of an area counts its guard page and, for ioremap, no memory at all. What is
 * freed lazily has given its memory back.
 */
static bool vmalloc_amount(const struct memdiag_data *data, const struct memdiag_section *s,
			   uint64_t r, struct amount *amount)
{
	bool pages = !memdiag_get_bytes(data, s, r, "nr_pages", &amount->bytes);
	const char *kind;

	if (!memdiag_get_string(data, s, r, "kind", &kind) && !strcmp(kind, "unpurged"))
		return false;
	amount->has_count = !memdiag_get_u64(data, s, r, "areas", &amount->count);
	return !memdiag_get_bytes(data, s, r, "size", &amount->space) || pages;
}

/* What became of free memory is told of the zones. */
static bool ledger_amount(const struct memdiag_data *data, const struct memdiag_section *s,
			  uint64_t r, struct amount *amount)
{
	const char *line;
	uint64_t pages;

	amount->has_count = false;
	if (memdiag_get_string(data, s, r, "line", &line) || !strncmp(line, "free", 4) ||
	    memdiag_get(data, s, r, "pages", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_PAGES, &pages))
		return false;
	/* Below zero: counters that moved while they were read. */
	amount->bytes = 0;
	return (int64_t)pages < 0 || !memdiag_get_bytes(data, s, r, "pages", &amount->bytes);
}

/**
 * struct rule - how the records of a section are compared
 * @section: its name
 * @name: field with the name of a record; a removed cgroup is marked in its path
 * @bytes: field with its memory
 * @count: field with a number of objects, or NULL
 * @amount: what measures a record instead of @bytes and @count, or NULL
 * @loss: less of it is the bad news
 */
struct rule {
	const char *section;
	const char *name;
	const char *bytes;
	const char *count;
	bool (*amount)(const struct memdiag_data *data, const struct memdiag_section *s, uint64_t r,
		       struct amount *amount);
	bool loss;
};

static const struct rule rules[] = {
	{ .section = "slab", .name = "name", .bytes = "bytes", .count = "num_objs" },
	{ .section = "vmalloc_caller", .name = "caller", .amount = vmalloc_amount },
	{ .section = "memcg", .name = "path", .bytes = "memory.current" },
	{ .section = "zone", .name = "name", .bytes = "free", .loss = true },
	{ .section = "ledger", .name = "line", .amount = ledger_amount },
};

/**
 * memdiag_growth_section() - the sections that memdiag_diagnose_growth() reads
 * @n: number from 0
 *
 * Return: name of the section or NULL behind the last one.
 */
const char *memdiag_growth_section(unsigned int n)
{
	return n < ARRAY_SIZE(rules) ? rules[n].section : NULL;
}

static bool measure(const struct rule *rule, const struct memdiag_data *data,
		    const struct memdiag_section *s, uint64_t r, struct amount *amount)
{
	if (rule->amount)
		return rule->amount(data, s, r, amount);
	amount->has_count =
		rule->count && !memdiag_get_u64(data, s, r, rule->count, &amount->count);
	return !memdiag_get_bytes(data, s, r, rule->bytes, &amount->bytes);
}

/* What a record is called, a zone with its node. Return: NULL without memory. */
static char *name_of(const struct rule *rule, const struct memdiag_data *data,
		     const struct memdiag_section *s, uint64_t r)
{
	const char *name;
	uint64_t node;
	char *text;

	if (memdiag_get_string(data, s, r, rule->name, &name))
		name = "?";
	if (strcmp(rule->section, "zone") || memdiag_get_u64(data, s, r, "node", &node))
		return strdup(name);
	return asprintf(&text, "node %llu %s", (unsigned long long)node, name) < 0 ? NULL : text;
}

/* Did a thing grow, or a zone lose free memory? Then @finding says by how much. */
static bool find_growth(const struct memdiag_diff *d, const struct rule *rule,
			const struct memdiag_diff_record *r, struct memdiag_finding *finding)
{
	struct amount a = {}, b = {};
	bool space;

	if (r->a != MEMDIAG_NO_RECORD && !measure(rule, d->a, d->section_a, r->a, &a))
		return false;
	if (r->b == MEMDIAG_NO_RECORD || !measure(rule, d->b, d->section_b, r->b, &b))
		return false;
	/* A zone that is gone was taken offline; a new one is no loss. */
	if (rule->loss && r->change != MEMDIAG_CHANGE_CHANGED)
		return false;
	space = !a.bytes && !b.bytes && (a.space || b.space);
	*finding = (struct memdiag_finding){
		.section = rule->section,
		.module = "",
		.from = space ? a.space : a.bytes,
		.to = space ? b.space : b.bytes,
		.space = space,
		.count_known = (a.has_count || r->a == MEMDIAG_NO_RECORD) && b.has_count,
		.count = (int64_t)(b.count - a.count),
	};
	if (rule->loss ? finding->from <= finding->to : finding->to <= finding->from)
		return false;
	finding->grown = rule->loss ? finding->from - finding->to : finding->to - finding->from;
	return true;
}

static int add_finding(struct memdiag_findings *f, size_t *room, const struct memdiag_diff *d,
		       const struct rule *rule, const struct memdiag_diff_record *r)
{
	struct memdiag_finding *new, finding;

	if (!find_growth(d, rule, r, &finding))
		return 0;
	if (f->nr == *room) {
		new = realloc(f->findings, (*room * 2 + 16) * sizeof(*new));
		if (!new)
			return -ENOMEM;
		f->findings = new;
		*room = *room * 2 + 16;
	}
	finding.name = name_of(rule, d->b, d->section_b, r->b);
	if (!finding.name)
		return -ENOMEM;
	memdiag_get_string(d->b, d->section_b, r->b, "module", &finding.module);
	f->findings[f->nr++] = finding;
	return 0;
}

/* A finding of a cgroup among those of its relatives. */
struct cgroup {
	struct memdiag_finding *finding;
	const char *path;
	size_t length;
	/* Of all its descendants the largest growth. */
	uint64_t below;
	struct cgroup *parent;
};

/* Of a character in a path: descendants stand right behind their ancestor. */
static int path_rank(const struct cgroup *c, size_t at)
{
	if (at == c->length)
		return 0;
	return c->path[at] == '/' ? 1 : 2 + (unsigned char)c->path[at];
}

static int compare_cgroups(const void *pa, const void *pb)
{
	const struct cgroup *a = pa, *b = pb;
	size_t at = 0;

	while (at < a->length && at < b->length && a->path[at] == b->path[at])
		at++;
	return path_rank(a, at) - path_rank(b, at);
}

static bool is_ancestor(const struct cgroup *c, const struct cgroup *of)
{
	return c->length + 1 < of->length && of->path[c->length] == '/' &&
	       !memcmp(c->path, of->path, c->length);
}

static void pass_up(const struct cgroup *c)
{
	uint64_t most = c->below > c->finding->grown ? c->below : c->finding->grown;

	if (c->parent && most > c->parent->below)
		c->parent->below = most;
}

/*
 * A cgroup's usage includes its descendants'. Where one of them explains nine
 * tenths of the growth, only that one is worth a line.
 */
static void find_explained(struct cgroup *cgroups, size_t nr)
{
	struct cgroup *last = NULL;

	qsort(cgroups, nr, sizeof(*cgroups), compare_cgroups);
	for (size_t n = 0; n < nr; n++) {
		while (last && !is_ancestor(last, &cgroups[n])) {
			pass_up(last);
			last = last->parent;
		}
		cgroups[n].parent = last;
		last = &cgroups[n];
	}
	for (; last; last = last->parent)
		pass_up(last);
	for (size_t n = nr; n--;) {
		struct cgroup *c = &cgroups[n];

		/* Two of one path, of which one was removed, have the same descendants. */
		if (n + 1 < nr && !compare_cgroups(c, c + 1))
			c->below = c[1].below;
		c->finding->explained = c->below && c->below >= c->finding->grown / 10 * 9;
	}
}

static int drop_explained(struct memdiag_findings *f, size_t first)
{
	size_t kept = first, nr = f->nr - first;
	struct cgroup *cgroups = calloc(nr + 1, sizeof(*cgroups));

	if (!cgroups)
		return -ENOMEM;
	for (size_t n = 0; n < nr; n++) {
		struct memdiag_finding *finding = &f->findings[first + n];
		size_t length = strlen(finding->name);

		/* The root is called "/", the others have no slash at their end. */
		if (length && finding->name[length - 1] == '/')
			length--;
		cgroups[n] = (struct cgroup){ finding, finding->name, length, 0, NULL };
	}
	find_explained(cgroups, nr);
	free(cgroups);
	for (size_t n = first; n < f->nr; n++) {
		if (f->findings[n].explained)
			free(f->findings[n].name);
		else
			f->findings[kept++] = f->findings[n];
	}
	f->nr = kept;
	return 0;
}

/* Memory, then address space, the largest growth first; the name makes the order the same. */
static int compare_findings(const void *pa, const void *pb)
{
	const struct memdiag_finding *a = pa, *b = pb;

	if (a->space != b->space)
		return a->space ? 1 : -1;
	if (a->grown != b->grown)
		return a->grown > b->grown ? -1 : 1;
	return strcmp(a->name, b->name);
}

/**
 * memdiag_diagnose_growth() - what holds more memory than before
 * @a: first snapshot; must outlive the result
 * @b: second snapshot; must outlive the result
 * @error: filled in on failure, may be NULL
 * @findings: the result, to be freed with memdiag_findings_free()
 *
 * Return: 0, -ENODATA if none of the sections can be compared, -ENOMEM.
 */
int memdiag_diagnose_growth(const struct memdiag_data *a, const struct memdiag_data *b,
			    struct memdiag_error *error, struct memdiag_findings **findings)
{
	struct memdiag_findings *f = calloc(1, sizeof(*f));
	size_t room = 0;
	int ret = 0;

	if (!f)
		return memdiag_refuse(error, -ENOMEM, "out of memory");
	memdiag_compare(a, b, &f->elapsed_ns, &f->notices);
	for (unsigned int n = 0; n < ARRAY_SIZE(rules); n++) {
		struct memdiag_diff *d;
		size_t first = f->nr;

		ret = memdiag_diff(a, b, rules[n].section, error, &d);
		if (ret == -ENOMEM)
			goto fail;
		if (ret) {
			f->missing |= 1u << n;
			continue;
		}
		f->notices |= d->notices;
		for (size_t r = 0; r < d->nr_records && !ret; r++)
			ret = add_finding(f, &room, d, &rules[n], &d->records[r]);
		memdiag_diff_free(d);
		if (!ret && !strcmp(rules[n].section, "memcg"))
			ret = drop_explained(f, first);
		if (ret) {
			memdiag_refuse(error, ret, "out of memory");
			goto fail;
		}
		if (f->nr > first)
			qsort(f->findings + first, f->nr - first, sizeof(*f->findings),
			      compare_findings);
	}
	if (f->missing == (1u << ARRAY_SIZE(rules)) - 1) {
		ret = memdiag_refuse(
			error, -ENODATA,
			"none of the sections slab, vmalloc_caller, memcg, zone and ledger is in both snapshots");
		goto fail;
	}
	*findings = f;
	return 0;

fail:
	memdiag_findings_free(f);
	return ret;
}

/**
 * memdiag_findings_free() - free what was found
 * @findings: the findings or NULL
 */
void memdiag_findings_free(struct memdiag_findings *findings)
{
	if (!findings)
		return;
	for (size_t n = 0; n < findings->nr; n++)
		free(findings->findings[n].name);
	free(findings->findings);
	free(findings);
}
