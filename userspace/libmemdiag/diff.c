// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparing one section of two snapshots.
 *
 * Records are joined on their key fields. What cannot be compared is said, not
 * computed: counters after a reboot, pages of different size, an id that stands
 * for something else now.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* More key fields than any section has. */
#define MAX_KEYS 16

/* One side of a comparison, for sorting its records by key. */
struct side {
	const struct memdiag_data *data;
	const struct memdiag_section *section;
	const struct memdiag_field *keys[MAX_KEYS];
	unsigned int nr_keys;
	/* Creation time and what the id stands for, where there is one that can be reused. */
	const struct memdiag_field *created;
	const struct memdiag_field *meaning;
};

struct entry {
	const struct side *side;
	uint64_t record;
};

static int compare_words(const struct memdiag_data *a, const struct memdiag_field *fa,
			 uint64_t word_a, const struct memdiag_data *b, uint64_t word_b)
{
	/* A text is an offset: what it points to counts. Absent compares as a word. */
	if (fa->type == MEMDIAG_TYPE_STR && word_a != MEMDIAG_ABSENT && word_b != MEMDIAG_ABSENT)
		return strcmp(memdiag_data_string(a, word_a), memdiag_data_string(b, word_b));
	return word_a < word_b ? -1 : word_a > word_b;
}

static int compare_keys(const struct entry *a, const struct entry *b)
{
	for (unsigned int n = 0; n < a->side->nr_keys; n++) {
		const struct side *sa = a->side, *sb = b->side;
		int order = compare_words(
			sa->data, sa->keys[n],
			memdiag_value(sa->data, sa->section, a->record, sa->keys[n]), sb->data,
			memdiag_value(sb->data, sb->section, b->record, sb->keys[n]));

		if (order)
			return order;
	}
	return 0;
}

/* For qsort(): equal keys stay in the order of the records. */
static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int order = compare_keys(a, b);

	if (order)
		return order;
	return a->record < b->record ? -1 : a->record > b->record;
}

static struct entry *sort_side(const struct side *side, bool *duplicates)
{
	uint64_t nr = side->section->nr_records;
	struct entry *entries = calloc(nr ? nr : 1, sizeof(*entries));

	if (!entries)
		return NULL;
	for (uint64_t n = 0; n < nr; n++)
		entries[n] = (struct entry){ side, n };
	qsort(entries, nr, sizeof(*entries), compare_entries);
	for (uint64_t n = 1; side->nr_keys && n < nr; n++)
		if (!compare_keys(&entries[n - 1], &entries[n]))
			*duplicates = true;
	return entries;
}

/* The keys, as both sides know them. */
static int find_keys(struct side *a, struct side *b, struct memdiag_error *error)
{
	bool has_id = false;

	for (uint32_t n = 0; n < b->section->nr_fields; n++) {
		const struct memdiag_field *fb = memdiag_field(b->data, b->section, n);
		const char *name = memdiag_field_name(b->data, fb);
		const struct memdiag_field *fa;

		if (!(fb->flags & MEMDIAG_FIELD_KEY))
			continue;
		fa = memdiag_field_find(a->data, a->section, name);
		if (!fa || fa->type != fb->type || b->nr_keys == MAX_KEYS)
			return memdiag_refuse(
				error, -EPROTO,
				"section '%s': key '%s' differs between the snapshots",
				memdiag_section_name(b->data, b->section), name);
		has_id |= !strcmp(name, "id");
		a->keys[a->nr_keys++] = fa;
		b->keys[b->nr_keys++] = fb;
	}
	for (struct side *s = a; has_id && s; s = s == a ? b : NULL) {
		/* A cgroup has a path; an address of the vmalloc space a caller. */
		s->meaning = memdiag_field_find(s->data, s->section, "path");
		if (!s->meaning)
			s->meaning = memdiag_field_find(s->data, s->section, "caller");
		s->created = memdiag_field_find(s->data, s->section, "created");
		if (!s->created)
			s->created = memdiag_field_find(s->data, s->section, "start_time");
	}
	return 0;
}

static bool keys_missing(const struct side *side)
{
	for (uint64_t r = 0; r < side->section->nr_records; r++)
		for (unsigned int n = 0; n < side->nr_keys; n++)
			if (memdiag_value_is_absent(
				    memdiag_value(side->data, side->section, r, side->keys[n])))
				return true;
	return !side->nr_keys;
}

static bool field_differs(const struct side *a, uint64_t record_a, const struct memdiag_field *fa,
			  const struct side *b, uint64_t record_b, const struct memdiag_field *fb)
{
	if (!fa || !fb || fa->type != fb->type)
		return false;
	return compare_words(a->data, fa, memdiag_value(a->data, a->section, record_a, fa), b->data,
			     memdiag_value(b->data, b->section, record_b, fb));
}

/* Without the mark that the module puts behind the path of a removed cgroup. */
static size_t path_length(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t length = strlen(path), tail = sizeof(mark) - 1;

	return length > tail && !strcmp(path + length - tail, mark) ? length - tail : length;
}

static bool meaning_differs(const struct side *a, uint64_t record_a, const struct side *b,
			    uint64_t record_b)
{
	uint64_t word_a, word_b;
	const char *text_a, *text_b;
	size_t length;

	if (!a->meaning || !b->meaning || a->meaning->type != MEMDIAG_TYPE_STR ||
	    b->meaning->type != MEMDIAG_TYPE_STR)
		return false;
	word_a = memdiag_value(a->data, a->section, record_a, a->meaning);
	word_b = memdiag_value(b->data, b->section, record_b, b->meaning);
	/* What could not be read in one of them says nothing. */
	if (memdiag_value_is_absent(word_a) || memdiag_value_is_absent(word_b))
		return false;
	text_a = memdiag_data_string(a->data, word_a);
	text_b = memdiag_data_string(b->data, word_b);
	length = path_length(text_a);
	return length != path_length(text_b) || memcmp(text_a, text_b, length);
}

/*
 * Is the record with this id still the same thing? Its time of creation
 * decides. Without one, another path counts as another thing: wrong after a
 * rename, but it never hides a growth behind a loss.
 */
static bool id_reused(const struct side *a, uint64_t record_a, const struct side *b,
		      uint64_t record_b, bool *renamed)
{
	bool moved = meaning_differs(a, record_a, b, record_b);

	*renamed = false;
	if (a->created && b->created) {
		if (field_differs(a, record_a, a->created, b, record_b, b->created))
			return true;
		*renamed = moved;
		return false;
	}
	return moved;
}

/*
 * Gauge or counter? Section vmstat mixes both in its field "value"; there the
 * record itself says so, in its field "kind".
 */
static uint32_t value_kind(const struct memdiag_data *data, const struct memdiag_section *s,
			   uint64_t record, const struct memdiag_field *f)
{
	const char *kind;

	if (f->kind != MEMDIAG_KIND_GAUGE || strcmp(memdiag_field_name(data, f), "value") ||
	    memdiag_get_string(data, s, record, "kind", &kind))
		return f->kind;
	return strcmp(kind, "counter") ? MEMDIAG_KIND_GAUGE : MEMDIAG_KIND_COUNTER;
}

static uint32_t record_kind(const struct memdiag_diff *d, const struct memdiag_diff_record *r,
			    uint32_t field)
{
	if (r->b != MEMDIAG_NO_RECORD)
		return value_kind(d->b, d->section_b, r->b, d->fields[field].b);
	if (d->fields[field].a)
		return value_kind(d->a, d->section_a, r->a, d->fields[field].a);
	return d->fields[field].b->kind;
}

static bool counter_went_backwards(const struct memdiag_diff *d, uint64_t a, uint64_t b)
{
	for (uint32_t n = 0; n < d->nr_fields; n++) {
		const struct memdiag_field *fa = d->fields[n].a, *fb = d->fields[n].b;
		uint64_t from, to;

		if (!fa || !memdiag_field_is_number(fb) ||
		    value_kind(d->b, d->section_b, b, fb) != MEMDIAG_KIND_COUNTER)
			continue;
		from = memdiag_value(d->a, d->section_a, a, fa);
		to = memdiag_value(d->b, d->section_b, b, fb);
		if (from == MEMDIAG_ABSENT || to == MEMDIAG_ABSENT)
			continue;
		if (d->elapsed_ns < 0 ? to > from : to < from)
			return true;
	}
	return false;
}

/* What became of a record of the first snapshot. */
enum fate { VANISHED, JOINED, REUSED };

/* One joined pair: the same thing, changed or not, or two things with one id. */
static void add_pair(struct memdiag_diff *d, const struct side *a, uint64_t record_a,
		     const struct side *b, uint64_t record_b, enum fate *fates)
{
	struct memdiag_diff_record *r = &d->records[d->nr_records++];

	r->a = record_a;
	r->b = record_b;
	if (record_a == MEMDIAG_NO_RECORD) {
		r->change = MEMDIAG_CHANGE_APPEARED;
		return;
	}
	if (id_reused(a, record_a, b, record_b, &r->renamed)) {
		d->notices |= MEMDIAG_NOTICE_REUSED;
		r->change = MEMDIAG_CHANGE_APPEARED;
		r->reused = true;
		r->a = MEMDIAG_NO_RECORD;
		fates[record_a] = REUSED;
		return;
	}
	fates[record_a] = JOINED;
	if (r->renamed)
		d->notices |= MEMDIAG_NOTICE_RENAMED;
	r->change = MEMDIAG_CHANGE_SAME;
	for (uint32_t n = 0; n < d->nr_fields; n++)
		if (field_differs(a, record_a, d->fields[n].a, b, record_b, d->fields[n].b))
			r->change = MEMDIAG_CHANGE_CHANGED;
	if (!(d->notices & MEMDIAG_NOTICE_REBOOTED) &&
	    counter_went_backwards(d, record_a, record_b))
		d->notices |= MEMDIAG_NOTICE_BACKWARDS;
}

/* Finds for each record of @b the one of @a with the same key, if there is one. */
static void match_keys(const struct entry *a, uint64_t nr_a, const struct entry *b, uint64_t nr_b,
		       uint64_t *partners)
{
	memset(partners, 0xff, nr_b * sizeof(*partners));
	for (uint64_t i = 0, j = 0; i < nr_a && j < nr_b;) {
		int order = compare_keys(&a[i], &b[j]);

		if (!order)
			partners[b[j].record] = a[i].record;
		i += order <= 0;
		j += order >= 0;
	}
}

static int join(struct memdiag_diff *d, const struct side *a, const struct side *b)
{
	uint64_t nr_a = a->section->nr_records, nr_b = b->section->nr_records;
	uint64_t *partners = calloc(nr_b + 1, sizeof(*partners));
	enum fate *fates = calloc(nr_a + 1, sizeof(*fates));
	bool duplicates = false;
	struct entry *sorted_a = sort_side(a, &duplicates);
	struct entry *sorted_b = sort_side(b, &duplicates);
	int ret = -ENOMEM;

	d->records = calloc(nr_a + nr_b + 1, sizeof(*d->records));
	if (!partners || !fates || !sorted_a || !sorted_b || !d->records)
		goto out;
	if (duplicates)
		d->notices |= MEMDIAG_NOTICE_DUPLICATES;
	match_keys(sorted_a, nr_a, sorted_b, nr_b, partners);
	for (uint64_t r = 0; r < nr_b; r++)
		add_pair(d, a, partners[r], b, r, fates);
	for (uint64_t r = 0; r < nr_a; r++)
		if (fates[r] != JOINED)
			d->records[d->nr_records++] = (struct memdiag_diff_record){
				.change = MEMDIAG_CHANGE_VANISHED,
				.a = r,
				.b = MEMDIAG_NO_RECORD,
				.reused = fates[r] == REUSED,
			};
	ret = 0;
out:
	free(sorted_a);
	free(sorted_b);
	free(fates);
	free(partners);
	return ret;
}

/* The section in one snapshot, with records in it or at least collected. */
static int find_section(const struct memdiag_data *data, const char *name, const char *which,
			struct memdiag_error *error, struct side *side)
{
	const struct memdiag_section *s = memdiag_data_find(data, name);
	const char *reason;

	if (!s)
		return memdiag_refuse(error, -ENOENT, "the %s snapshot has no section '%s'", which,
				      name);
	reason = memdiag_data_string(data, s->reason);
	if (!memdiag_section_has_records(s))
		return memdiag_refuse(error, -ENODATA, "section '%s' of the %s snapshot: %s%s%s",
				      name, which, memdiag_state_name(s->state),
				      *reason ? ": " : "", reason);
	side->data = data;
	side->section = s;
	return 0;
}

static int pair_fields(struct memdiag_diff *d)
{
	d->nr_fields = d->section_b->nr_fields;
	d->fields = calloc(d->nr_fields + 1, sizeof(*d->fields));
	if (!d->fields)
		return -ENOMEM;
	for (uint32_t n = 0; n < d->nr_fields; n++) {
		const struct memdiag_field *fb = memdiag_field(d->b, d->section_b, n);
		const struct memdiag_field *fa =
			memdiag_field_find(d->a, d->section_a, memdiag_field_name(d->b, fb));

		/* The same word for something else in another version is another field. */
		if (fa && (fa->type != fb->type || fa->unit != fb->unit))
			fa = NULL;
		d->fields[n] = (struct memdiag_diff_field){ fa, fb };
	}
	return 0;
}

/**
 * memdiag_diff() - join one section of two snapshots
 * @a: first snapshot; must outlive the result
 * @b: second snapshot; must outlive the result
 * @section: name of the section
 * @error: filled in on failure, may be NULL
 * @diff: the result, to be freed with memdiag_diff_free()
 *
 * Areas of section vmalloc have no identity without their addresses and none
 * beyond a boot: then vmalloc_caller is compared instead, with a notice.
 * Records without a key at all are joined in the order in which they stand.
 *
 * Return: 0, -ENOENT if a snapshot has no such section, -ENODATA if it was not
 * collected, -EPROTO if the keys differ, -ENOMEM.
 */
int memdiag_diff(const struct memdiag_data *a, const struct memdiag_data *b, const char *section,
		 struct memdiag_error *error, struct memdiag_diff **diff)
{
	struct side side_a = {}, side_b = {};
	struct memdiag_diff *d;
	int ret;

	ret = find_section(a, section, "first", error, &side_a);
	if (!ret)
		ret = find_section(b, section, "second", error, &side_b);
	if (!ret)
		ret = find_keys(&side_a, &side_b, error);
	if (ret)
		return ret;
	d = calloc(1, sizeof(*d));
	if (!d)
		return memdiag_refuse(error, -ENOMEM, "out of memory");
	memdiag_compare(a, b, &d->elapsed_ns, &d->notices);
	if (!strcmp(section, "vmalloc") && (d->notices & MEMDIAG_NOTICE_REBOOTED ||
					    keys_missing(&side_a) || keys_missing(&side_b))) {
		free(d);
		ret = memdiag_diff(a, b, "vmalloc_caller", error, diff);
		if (!ret)
			(*diff)->notices |= MEMDIAG_NOTICE_BY_CALLER;
		return ret;
	}
	d->a = a;
	d->b = b;
	d->section_a = side_a.section;
	d->section_b = side_b.section;
	if (d->section_a->state == MEMDIAG_STATE_PARTIAL ||
	    d->section_b->state == MEMDIAG_STATE_PARTIAL)
		d->notices |= MEMDIAG_NOTICE_PARTIAL;
	ret = pair_fields(d);
	if (!ret)
		ret = join(d, &side_a, &side_b);
	if (ret) {
		memdiag_diff_free(d);
		return memdiag_refuse(error, ret, "out of memory");
	}
	*diff = d;
	return 0;
}

/**
 * memdiag_diff_free() - free a comparison
 * @diff: the comparison or NULL
 */
void memdiag_diff_free(struct memdiag_diff *diff)
{
	if (!diff)
		return;
	free(diff->records);
	free(diff->fields);
	free(diff);
}

/* May @field be compared at all, given what happened between the snapshots? */
static bool comparable(const struct memdiag_diff *d, const struct memdiag_field *f, uint32_t kind,
		       enum memdiag_change change)
{
	if (!memdiag_field_is_number(f))
		return false;
	if (f->unit == MEMDIAG_UNIT_PAGES && d->notices & MEMDIAG_NOTICE_PAGE_SIZE)
		return false;
	switch (kind) {
	case MEMDIAG_KIND_GAUGE:
		return true;
	case MEMDIAG_KIND_COUNTER:
		/* One that vanished did not run backwards to zero. */
		return !(d->notices & MEMDIAG_NOTICE_REBOOTED) &&
		       change != (d->elapsed_ns < 0 ? MEMDIAG_CHANGE_APPEARED
						    : MEMDIAG_CHANGE_VANISHED);
	default:
		return false;
	}
}

/* One side of a delta: a record that is not there counts as zero. */
static bool side_value(const struct memdiag_data *data, const struct memdiag_section *s,
		       uint64_t record, const struct memdiag_field *f, uint64_t *value)
{
	*value = 0;
	if (record == MEMDIAG_NO_RECORD)
		return true;
	if (!f)
		return false;
	*value = memdiag_value(data, s, record, f);
	return !memdiag_value_is_absent(*value) && !memdiag_value_is_unlimited(f, *value);
}

/**
 * memdiag_diff_delta() - how one field of one record changed
 * @diff: the comparison
 * @record: one of its records
 * @field: less than its nr_fields
 * @delta: the result; @known is false where nothing can be said
 */
void memdiag_diff_delta(const struct memdiag_diff *diff, const struct memdiag_diff_record *record,
			uint32_t field, struct memdiag_delta *delta)
{
	const struct memdiag_field *f = diff->fields[field].b;
	bool counter = record_kind(diff, record, field) == MEMDIAG_KIND_COUNTER;
	uint64_t from, to;
	bool less;

	memset(delta, 0, sizeof(*delta));
	if (!comparable(diff, f, counter ? MEMDIAG_KIND_COUNTER : f->kind, record->change))
		return;
	if (!side_value(diff->a, diff->section_a, record->a, diff->fields[field].a, &from) ||
	    !side_value(diff->b, diff->section_b, record->b, f, &to))
		return;
	less = f->type == MEMDIAG_TYPE_S64 ? (int64_t)to < (int64_t)from : to < from;
	if (counter && from != to && less != (diff->elapsed_ns < 0))
		return;
	delta->known = true;
	delta->negative = less;
	delta->amount = less ? from - to : to - from;
	if (counter && diff->elapsed_ns) {
		delta->has_rate = true;
		delta->rate = (double)delta->amount * 1e9 /
			      (diff->elapsed_ns < 0 ? -(double)diff->elapsed_ns
						    : (double)diff->elapsed_ns);
	}
}

/**
 * memdiag_diff_has_rates() - can a field of a section have rates?
 * @diff: the comparison
 * @field: less than its nr_fields
 *
 * Return: true if it is a counter, or if the records say so each.
 */
bool memdiag_diff_has_rates(const struct memdiag_diff *diff, uint32_t field)
{
	const struct memdiag_field *f = diff->fields[field].b;

	if (!memdiag_field_is_number(f))
		return false;
	if (f->kind == MEMDIAG_KIND_COUNTER)
		return true;
	return !strcmp(memdiag_field_name(diff->b, f), "value") &&
	       memdiag_field_find(diff->b, diff->section_b, "kind");
}
