// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs providers and lays their records out as one snapshot.
 *
 * Collecting fills one buffer of records per section and one of strings for all.
 * Neither grows under a lock: a push into a full buffer is only counted, and the
 * walk goes on to its end. Then the buffer is replaced by one with room for all
 * that was counted and some more, and the provider starts again: two walks, and
 * one where the section is as large as the last time. (What providers call for that
 * is in sink.c.) When all are done, everything is copied into one piece of vmalloc()
 * memory, which is immutable from then on.
 *
 * One snapshot is collected at a time: two would only slow each other and the
 * machine down. The memory of all snapshots, finished or in the making, is
 * charged against one limit (alloc.c). A section is charged for its buffer, and for
 * its place in the finished snapshot as soon as its size is known: the one that does
 * not fit is unavailable, and all the others are there.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>
#include <linux/vmalloc.h>

#include "memdiag.h"
#include "resolve/resolve.h"
#include "sink.h"

/* A provider that still has no room after this many restarts is outrun by its subject. */
#define SNAPSHOT_MAX_RESTARTS	12
/* Room for a section's first walk: enough for the slab caches of most machines. */
#define SNAPSHOT_FIRST_RECORDS	256
/* Room for the strings of the first snapshot. */
#define SNAPSHOT_FIRST_STRINGS	SZ_16K

static DEFINE_MUTEX(snapshot_lock);
/* Under snapshot_lock. */
static u64 snapshot_generation;
/* Finished snapshots: vmalloc() memory, in whole pages. */
static atomic64_t snapshot_finished = ATOMIC64_INIT(0);
static u8 snapshot_boot_id[16];

/** memdiag_snapshot_finished() - bytes of vmalloc() memory in finished snapshots */
u64 memdiag_snapshot_finished(void)
{
	return atomic64_read(&snapshot_finished);
}

/* Room for what will be there if some more comes while the walk is repeated. */
static u64 snapshot_with_margin(u64 need)
{
	return need + need / 8;
}

/* Whether the buffers of a snapshot are taken page by page: see enum memdiag_buffers. */
static bool snapshot_by_pages(u64 sections)
{
	bool by_pages = false;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		if (!(sections & BIT_ULL(id)))
			continue;
		if (memdiag_status(id)->provider->buffers == MEMDIAG_BUFFERS_NO_VMALLOC)
			return false;
		by_pages |= memdiag_status(id)->provider->buffers == MEMDIAG_BUFFERS_BY_PAGES;
	}
	return by_pages;
}

/* Make room for @max bytes of strings; the first @used stay. */
static int strings_make_room(struct memdiag_collection *c, size_t used, u64 max)
{
	char *more;

	if (max > memdiag_snapshot_limit())
		return -EMFILE;
	more = memdiag_alloc_buffer(max, c->by_pages);
	if (IS_ERR(more))
		return PTR_ERR(more);
	memcpy(more, c->strings, used);
	memdiag_free(c->strings);
	c->strings = more;
	c->strings_max = max;
	return 0;
}

/* A string outside of a walk, where the table may grow. */
static int strings_put(struct memdiag_collection *c, const char *string, u32 *offset)
{
	s64 at = memdiag_sink_string(c, string);
	int error;

	if (at < 0) {
		error = strings_make_room(c, c->strings_len, c->strings_len + strlen(string) + 1 +
					  SNAPSHOT_FIRST_STRINGS);
		if (error)
			return error;
		at = memdiag_sink_string(c, string);
	}
	*offset = at;
	return 0;
}

static void sink_begin(struct memdiag_sink *sink)
{
	const struct memdiag_status *status = sink->status;
	struct memdiag_collection *c = sink->collection;

	sink->nr_records = 0;
	sink->missed = 0;
	if (c->strings_missed)
		memset(c->missed, 0, sizeof(c->missed));
	c->strings_missed = 0;
	sink->state = status->state;
	sink->source = status->source;
	sink->error = status->error;
	strscpy(sink->reason, status->reason, sizeof(sink->reason));
}

/* What is in the buffer is thrown away before the larger one is asked for. */
static int sink_make_room(struct memdiag_sink *sink, u64 max)
{
	size_t size = sink->status->record_size;
	void *records;

	memdiag_free(sink->records);
	sink->records = NULL;
	sink->max_records = 0;
	/* One more, for those that find no room. */
	if (max >= min_t(u64, memdiag_snapshot_limit() / size, UINT_MAX))
		return -EMFILE;
	records = memdiag_alloc_buffer((max + 1) * size, sink->collection->by_pages);
	if (IS_ERR(records))
		return PTR_ERR(records);
	sink->records = records;
	sink->max_records = max;
	return 0;
}

/* As much as was asked for; twice as much if the walk did not come to its end. */
static int sink_grow(struct memdiag_sink *sink, size_t strings_len, bool to_its_end)
{
	struct memdiag_collection *c = sink->collection;
	u64 need;
	int error = 0;

	if (sink->missed) {
		need = snapshot_with_margin((u64)sink->nr_records + sink->missed);
		if (!to_its_end)
			need = max(need, 2ull * sink->max_records);
		error = sink_make_room(sink, need);
	}
	if (!error && c->strings_missed) {
		need = snapshot_with_margin((u64)c->strings_len + c->strings_missed);
		if (!to_its_end)
			need = max(need, 2ull * c->strings_max);
		error = strings_make_room(c, strings_len, need + c->layout_strings);
	}
	return error;
}

static int sink_prepare(struct memdiag_sink *sink)
{
	const struct memdiag_provider *provider = sink->status->provider;
	unsigned int last = READ_ONCE(sink->status->last_records);
	u64 max;
	int error;

	if (provider->estimate)
		max = provider->estimate();
	else
		max = last ? snapshot_with_margin(last) : SNAPSHOT_FIRST_RECORDS;
	sink->max_missed = min_t(u64, memdiag_snapshot_limit() / sink->status->record_size,
				 UINT_MAX / 2);
	error = sink_make_room(sink, max_t(u64, max, 16));
	/* The section may have fewer records than the last time. */
	if (error && max > SNAPSHOT_FIRST_RECORDS)
		error = sink_make_room(sink, SNAPSHOT_FIRST_RECORDS);
	return error;
}

static bool sink_is_short(const struct memdiag_sink *sink)
{
	return sink->missed || sink->collection->strings_missed;
}

static int sink_walk(struct memdiag_sink *sink)
{
	const struct memdiag_provider *provider = sink->status->provider;
	size_t strings_len = sink->collection->strings_len;
	int error;

	for (;;) {
		sink_begin(sink);
		sink->collection->strings_len = strings_len;
		error = provider->collect(sink);
		if (!error && provider->finish && !sink_is_short(sink))
			error = provider->finish(sink);
		if (error == -EINTR)
			return error;
		/* Other errors of a walk without room may come of that. */
		if (!sink_is_short(sink))
			return WARN_ON_ONCE(error == -ENOSPC) ? -EIO : error;
		if (sink->restarts++ == SNAPSHOT_MAX_RESTARTS)
			return -EAGAIN;
		error = sink_grow(sink, strings_len, !error);
		if (error)
			return error;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

/* Where the next snapshot begins: with what this one had, or would have needed. */
static void sink_note_size(struct memdiag_sink *sink, size_t strings_len)
{
	struct memdiag_status *status = (struct memdiag_status *)sink->status;
	const struct memdiag_collection *c = sink->collection;

	WRITE_ONCE(status->last_records, sink->nr_records + sink->missed);
	WRITE_ONCE(status->last_strings, c->strings_len - strings_len + c->strings_missed);
}

/* Charge for the section's place in the finished snapshot. */
static int sink_reserve(struct memdiag_sink *sink, size_t strings_len)
{
	struct memdiag_collection *c = sink->collection;
	u64 size = (u64)sink->nr_records * sink->status->record_size +
		   c->strings_len - strings_len;
	int error = memdiag_charge(size);

	if (!error)
		c->reserved += size;
	return error;
}

/* Give back what a section took that came to nothing: others may need it. */
static void sink_fail(struct memdiag_sink *sink, int error)
{
	memdiag_free(sink->records);
	sink->records = NULL;
	sink->max_records = 0;
	sink->nr_records = 0;
	sink->error = error;
	/* The provider said why. */
	if (sink->state == MEMDIAG_STATE_UNAVAILABLE)
		return;
	sink->state = MEMDIAG_STATE_UNAVAILABLE;
	if (error == -EMFILE)
		snprintf(sink->reason, sizeof(sink->reason),
			 "more than the %llu MiB that snapshots may take: raise snapshot_mib",
			 memdiag_snapshot_limit() >> 20);
	else
		snprintf(sink->reason, sizeof(sink->reason), "collecting failed: %pe%s",
			 ERR_PTR(error),
			 error == -EAGAIN ? ": it grew faster than it was walked, try again" :
			 error == -ENOMEM ? ": no memory without the OOM killer, or below snapshot_mib" :
			 "");
}

/*
 * Returns an error only on a fatal signal: whatever else goes wrong, also a lack
 * of memory, costs this section and not the snapshot. @now is the time on entry
 * and on return: some machines have a clock that is slow to read.
 */
static int sink_collect(struct memdiag_sink *sink, u64 *now)
{
	struct memdiag_collection *c = sink->collection;
	size_t strings_len = c->strings_len;
	u64 start = *now;
	int error;

	sink_begin(sink);
	if (sink->state == MEMDIAG_STATE_UNAVAILABLE)
		return 0;
	error = sink_prepare(sink);
	if (!error)
		error = sink_walk(sink);
	if (!error || error == -EAGAIN)
		sink_note_size(sink, strings_len);
	if (!error)
		error = sink_reserve(sink, strings_len);
	*now = ktime_get_ns();
	sink->collect_ns = *now - start;
	if (!error || error == -EINTR)
		return error;
	c->strings_len = strings_len;
	sink_fail(sink, error);
	return 0;
}

static void collection_free(struct memdiag_collection *c)
{
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		memdiag_free(c->sinks[id].records);
	memdiag_free(c->strings);
	memdiag_free(c->slots);
	memdiag_uncharge(c->reserved);
	memdiag_free(c);
}

static unsigned int layout_nr_fields(const struct memdiag_collection *c)
{
	unsigned int nr = 0;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (c->sections & BIT_ULL(id))
			nr += c->sinks[id].status->nr_fields;
	return nr;
}

/* At most so many bytes of strings are added by the layout. */
static size_t layout_strings(const struct memdiag_collection *c)
{
	size_t length = sizeof(MEMDIAG_VERSION);
	unsigned int i;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_status *status = c->sinks[id].status;

		length += strlen(status->provider->name) + strlen(status->provider->help) + 2;
		if (!(c->sections & BIT_ULL(id)))
			continue;
		length += MEMDIAG_REASON_LEN;
		for (i = 0; i < status->nr_fields; i++)
			length += strlen(status->fields[i].name) + 2 +
				  (status->fields[i].help ? strlen(status->fields[i].help) : 0);
	}
	return length;
}

/* Charge for what the layout takes besides records: its tables twice, while it works. */
static int layout_reserve(struct memdiag_collection *c)
{
	u64 size = sizeof(struct memdiag_header) + 2 * PAGE_SIZE + c->layout_strings +
		   2 * (MEMDIAG_NR_SECTIONS * sizeof(struct memdiag_section) +
			layout_nr_fields(c) * sizeof(struct memdiag_field));
	int error = memdiag_charge(size);

	if (!error)
		c->reserved = size;
	return error;
}

/* Room for the strings of the last time; for some if so much cannot be had now. */
static int collection_strings(struct memdiag_collection *c)
{
	size_t first = max_t(size_t, SNAPSHOT_FIRST_STRINGS, c->layout_strings + 1);
	u64 last = 0;
	int error;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (c->sections & BIT_ULL(id))
			last += READ_ONCE(c->sinks[id].status->last_strings);
	error = strings_make_room(c, 0, first + snapshot_with_margin(last));
	return error ? strings_make_room(c, 0, first) : 0;
}

static struct memdiag_collection *collection_alloc(u64 sections)
{
	bool by_pages = snapshot_by_pages(sections);
	struct memdiag_collection *c;
	u32 id;
	int error;

	c = memdiag_alloc_buffer(sizeof(*c), by_pages);
	if (IS_ERR(c))
		return c;
	memset(c, 0, sizeof(*c));
	c->by_pages = by_pages;
	c->sections = sections;
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		c->sinks[id].status = memdiag_status(id);
		c->sinks[id].collection = c;
	}
	c->layout_strings = layout_strings(c);
	error = layout_reserve(c);
	if (error)
		goto free;
	c->slots = memdiag_alloc_buffer(SINK_HASH_SLOTS * sizeof(u32), by_pages);
	if (IS_ERR(c->slots)) {
		error = PTR_ERR(c->slots);
		c->slots = NULL;
		goto free;
	}
	memset(c->slots, 0, SINK_HASH_SLOTS * sizeof(u32));
	error = collection_strings(c);
	if (error)
		goto free;
	c->strings[0] = '\0';
	c->strings_len = 1;
	return c;

free:
	collection_free(c);
	return ERR_PTR(error);
}

/* String offsets of a field: they do not fit struct memdiag_field_desc. */
static int layout_field(struct memdiag_collection *c,
			const struct memdiag_field_desc *desc, u32 source,
			struct memdiag_field *field)
{
	field->type = desc->type;
	field->unit = desc->unit;
	field->kind = desc->kind;
	field->flags = desc->flags;
	field->offset = desc->offset;
	field->source = desc->source ?: source;
	return strings_put(c, desc->name, &field->name) ?:
	       strings_put(c, desc->help ?: "", &field->help);
}

static int layout_section(struct memdiag_collection *c, u32 id,
			  struct memdiag_section *section,
			  struct memdiag_field *fields, u64 *at)
{
	const struct memdiag_sink *sink = &c->sinks[id];
	const struct memdiag_status *status = sink->status;
	unsigned int i;
	int error;

	section->id = id;
	error = strings_put(c, status->provider->name, &section->name) ?:
		strings_put(c, status->provider->help, &section->help);
	if (error || !(c->sections & BIT_ULL(id)))
		return error;

	section->state = sink->state;
	section->error = sink->error;
	section->source = sink->source;
	section->nr_fields = status->nr_fields;
	section->field_size = sizeof(struct memdiag_field);
	section->record_size = status->record_size;
	section->fields = *at;
	*at += status->nr_fields * sizeof(struct memdiag_field);
	section->records = *at;
	section->nr_records = sink->nr_records;
	*at += (u64)sink->nr_records * status->record_size;
	section->collect_ns = sink->collect_ns;
	section->lock_ns = sink->lock_ns;
	section->restarts = sink->restarts;
	error = strings_put(c, sink->reason, &section->reason);
	for (i = 0; !error && i < status->nr_fields; i++)
		error = layout_field(c, &status->fields[i], sink->source, &fields[i]);
	return error;
}

static void layout_copy(const struct memdiag_collection *c, void *data,
			const struct memdiag_header *header,
			const struct memdiag_section *sections,
			const struct memdiag_field *fields)
{
	u32 id;

	memcpy(data, header, sizeof(*header));
	memcpy(data + header->sections, sections,
	       MEMDIAG_NR_SECTIONS * sizeof(*sections));
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_section *section = &sections[id];

		if (!section->nr_fields)
			continue;
		memcpy(data + section->fields, fields,
		       section->nr_fields * sizeof(*fields));
		fields += section->nr_fields;
		memcpy(data + section->records, c->sinks[id].records,
		       section->nr_records * section->record_size);
	}
	memcpy(data + header->strings, c->strings, c->strings_len);
}

/* What layout_section() says, and strings: all but the bytes themselves. */
static int layout_tables(struct memdiag_collection *c, struct memdiag_header *header,
			 struct memdiag_section *sections, struct memdiag_field *fields)
{
	u64 at = sizeof(*header);
	int error;
	u32 id;

	header->sections = at;
	at += MEMDIAG_NR_SECTIONS * sizeof(*sections);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		error = layout_section(c, id, &sections[id], fields, &at);
		if (error)
			return error;
		fields += sections[id].nr_fields;
	}
	error = strings_put(c, MEMDIAG_VERSION, &header->version);
	if (error)
		return error;
	header->strings = at;
	header->strings_size = c->strings_len;
	header->total_size = ALIGN(at + c->strings_len, sizeof(u64));
	return 0;
}

/* Whole zeroed pages, as they can be mapped. */
static int layout_alloc(struct memdiag_bytes *bytes, size_t size)
{
	int error = memdiag_charge(PAGE_ALIGN(size));

	if (error)
		return error;
	bytes->data = memdiag_alloc_pages(PAGE_ALIGN(size));
	if (!bytes->data) {
		memdiag_uncharge(PAGE_ALIGN(size));
		return -ENOMEM;
	}
	bytes->size = size;
	bytes->charged = PAGE_ALIGN(size);
	return 0;
}

/* Bring everything into its final place; see uapi/memdiag.h. */
static struct memdiag_bytes *layout_bytes(struct memdiag_collection *c,
					  struct memdiag_header *header)
{
	struct memdiag_section *sections;
	struct memdiag_field *fields;
	struct memdiag_bytes *bytes;
	int error = -ENOMEM;

	/* What was reserved is for this. */
	memdiag_uncharge(c->reserved);
	c->reserved = 0;
	sections = memdiag_alloc(MEMDIAG_NR_SECTIONS, sizeof(*sections));
	fields = memdiag_alloc(layout_nr_fields(c), sizeof(*fields));
	bytes = memdiag_keep(1, sizeof(*bytes));
	if (!sections || !fields || !bytes)
		goto free;
	kref_init(&bytes->ref);
	bytes->sections = c->sections;
	error = layout_tables(c, header, sections, fields);
	if (!error)
		error = layout_alloc(bytes, header->total_size);
	if (error)
		goto free;
	layout_copy(c, bytes->data, header, sections, fields);
	memdiag_free(fields);
	memdiag_free(sections);
	return bytes;

free:
	memdiag_free(bytes);
	memdiag_free(fields);
	memdiag_free(sections);
	return ERR_PTR(error);
}

/* For want of memory go without the section that takes most; false if none does. */
static bool layout_drop_largest(struct memdiag_collection *c)
{
	struct memdiag_sink *largest = NULL;
	u64 size, max = 0;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		size = (u64)c->sinks[id].nr_records * c->sinks[id].status->record_size;
		if (size > max) {
			max = size;
			largest = &c->sinks[id];
		}
	}
	if (largest)
		sink_fail(largest, -ENOMEM);
	return largest;
}

/* Sections that others are derived from are collected with them. */
static u64 snapshot_with_parents(u64 sections)
{
	u32 id = MEMDIAG_NR_SECTIONS;

	/* Parents stand before their children, so one pass downwards will do. */
	while (id--)
		if (sections & BIT_ULL(id))
			sections |= memdiag_status(id)->provider->after;
	return sections;
}

/**
 * memdiag_snapshot_collect_min_age() - make a snapshot
 * @sections: mask of known sections, 0 for all
 * @track_min_age_ns: section track leaves out objects that are younger
 *
 * Context: may sleep; one snapshot at a time.
 *
 * Return: the bytes with one reference; or ERR_PTR(): -EINTR on a fatal signal,
 * -EMFILE beyond the limit, -ENOMEM.
 */
struct memdiag_bytes *memdiag_snapshot_collect_min_age(u64 sections, u64 track_min_age_ns)
{
	struct memdiag_header header = {
		.magic = MEMDIAG_MAGIC,
		.byte_order = MEMDIAG_BYTE_ORDER,
		.format_major = MEMDIAG_FORMAT_MAJOR,
		.format_minor = MEMDIAG_FORMAT_MINOR,
		.header_size = sizeof(header),
		.nr_sections = MEMDIAG_NR_SECTIONS,
		.section_size = sizeof(struct memdiag_section),
		.page_size = PAGE_SIZE,
	};
	struct memdiag_collection *c;
	struct memdiag_bytes *bytes;
	int error = 0;
	u64 now;
	u32 id;

	BUILD_BUG_ON(sizeof(struct memdiag_header) % 8);
	BUILD_BUG_ON(sizeof(struct memdiag_section) % 8);
	BUILD_BUG_ON(sizeof(struct memdiag_field) % 8);

	sections = snapshot_with_parents(sections ?: memdiag_default_sections());
	if (mutex_lock_killable(&snapshot_lock))
		return ERR_PTR(-EINTR);
	c = collection_alloc(sections);
	if (IS_ERR(c)) {
		bytes = ERR_CAST(c);
		goto unlock;
	}
	c->track_min_age_ns = track_min_age_ns;
	memcpy(header.boot_id, snapshot_boot_id, sizeof(header.boot_id));
	header.boottime_ns = ktime_get_boottime_ns();
	header.realtime_ns = ktime_get_real_ns();
	header.start_ns = ktime_get_ns();
	now = header.start_ns;
	for (id = 0; id < MEMDIAG_NR_SECTIONS && !error; id++)
		if (sections & BIT_ULL(id))
			error = sink_collect(&c->sinks[id], &now);
	header.end_ns = now;
	if (error) {
		bytes = ERR_PTR(error);
		goto free;
	}
	header.generation = snapshot_generation + 1;
	do {
		bytes = layout_bytes(c, &header);
	} while (PTR_ERR(bytes) == -ENOMEM && layout_drop_largest(c));
	if (!IS_ERR(bytes)) {
		snapshot_generation++;
		atomic64_add(bytes->charged, &snapshot_finished);
	}
free:
	collection_free(c);
unlock:
	mutex_unlock(&snapshot_lock);
	return bytes;
}

static void snapshot_release(struct kref *ref)
{
	struct memdiag_bytes *bytes = container_of(ref, struct memdiag_bytes, ref);

	vfree(bytes->data);
	atomic64_sub(bytes->charged, &snapshot_finished);
	memdiag_uncharge(bytes->charged);
	memdiag_free(bytes);
}

/**
 * memdiag_snapshot_get() - take another reference
 * @bytes: a snapshot
 */
void memdiag_snapshot_get(struct memdiag_bytes *bytes)
{
	kref_get(&bytes->ref);
}

/**
 * memdiag_snapshot_put() - drop a reference; the last frees the bytes
 * @bytes: a snapshot, or NULL
 *
 * Context: may sleep.
 */
void memdiag_snapshot_put(struct memdiag_bytes *bytes)
{
	if (bytes)
		kref_put(&bytes->ref, snapshot_release);
}

/**
 * memdiag_snapshot_section() - one entry of the section table
 * @bytes: a snapshot
 * @id: enum memdiag_section_id
 *
 * Return: the entry.
 */
const struct memdiag_section *memdiag_snapshot_section(const struct memdiag_bytes *bytes,
						       u32 id)
{
	const struct memdiag_header *header = bytes->data;

	return bytes->data + header->sections + id * sizeof(struct memdiag_section);
}

/**
 * memdiag_snapshot_string() - a string of a finished snapshot
 * @bytes: a snapshot
 * @string: offset into its string table
 *
 * Return: the string.
 */
const char *memdiag_snapshot_string(const struct memdiag_bytes *bytes, u64 string)
{
	const struct memdiag_header *header = bytes->data;

	return bytes->data + header->strings + string;
}

/* The kernel prints it as text only; without it the identity stays all zero. */
static void snapshot_read_boot_id(void)
{
	const char *path = "/proc/sys/kernel/random/boot_id";
	char *text;
	ssize_t n = memdiag_file_read(path, &text, SZ_4K);
	uuid_t id;
	int error = n < 0 ? n : 0;

	if (!error) {
		error = uuid_parse(text, &id);
		if (!error)
			memcpy(snapshot_boot_id, &id, sizeof(snapshot_boot_id));
		memdiag_free(text);
	}
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, path, MEMDIAG_SRC_TEXT, error,
			     error ? "boots cannot be told apart: %pe" :
			     "identity of this boot", ERR_PTR(error));
}

/**
 * memdiag_snapshot_init() - learn the identity of this boot
 *
 * Return: 0.
 */
int memdiag_snapshot_init(void)
{
	snapshot_read_boot_id();
	return 0;
}

/** memdiag_snapshot_exit() - all snapshots must be gone by now */
void memdiag_snapshot_exit(void)
{
	memdiag_sink_forget_names();
}
