// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs providers and lays their records out as one snapshot.
 *
 * Collecting fills one growable buffer of records per section and one of
 * strings for all. Neither grows under a lock: a push into a full buffer fails,
 * the provider backs out, the buffer grows, and the provider starts again (what
 * providers call for that is in sink.c). When
 * all are done, everything is copied into one piece of vmalloc() memory,
 * which is immutable from then on.
 *
 * One snapshot is collected at a time: two would only slow each other and the
 * machine down. The memory of all snapshots, finished or in the making, is
 * charged against one limit.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
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
/*
 * To look at a machine without memory must not cost a process its life: rather
 * no snapshot than the OOM killer, and no message about it.
 */
#define SNAPSHOT_GFP		(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
/* String offsets are 32 bit in the tables. */
#define SNAPSHOT_MAX_STRINGS	SZ_1G

unsigned int memdiag_snapshot_mib;

static DEFINE_MUTEX(snapshot_lock);
/* Under snapshot_lock, as all that follow. */
static u64 snapshot_generation;
/* How long the strings of the last snapshot were, for the next. */
static size_t snapshot_last_strings;
static atomic64_t snapshot_held = ATOMIC64_INIT(0);
/* Of it those finished: vmalloc() memory, in whole pages. */
static atomic64_t snapshot_finished = ATOMIC64_INIT(0);
static u64 snapshot_limit;
static u8 snapshot_boot_id[16];

/** memdiag_snapshot_limit() - bytes that all snapshots together may take */
u64 memdiag_snapshot_limit(void)
{
	return snapshot_limit;
}

/** memdiag_snapshot_held() - bytes that all snapshots together take now */
u64 memdiag_snapshot_held(void)
{
	return atomic64_read(&snapshot_held);
}

/** memdiag_snapshot_finished() - bytes of vmalloc() memory in finished snapshots */
u64 memdiag_snapshot_finished(void)
{
	return atomic64_read(&snapshot_finished);
}

static int snapshot_charge(size_t *charged, size_t size)
{
	if (atomic64_add_return(size, &snapshot_held) > snapshot_limit) {
		atomic64_sub(size, &snapshot_held);
		return -EMFILE;
	}
	*charged += size;
	return 0;
}

static void snapshot_uncharge(size_t *charged, size_t size)
{
	atomic64_sub(size, &snapshot_held);
	*charged -= size;
}

/*
 * Memory to work in. It should not show in what is looked at: where free blocks are,
 * it is taken page by page, or a kernel without per-cpu lists of higher orders
 * (before v5.13) would lack just the blocks that are in use here; where every page is,
 * it is not slab memory, or a kernel that keeps no empty slabs (SLUB_TINY) would have
 * some more just now; where the areas of vmalloc() are, it is none of them, if that can
 * be helped.
 */
static void *snapshot_alloc(u64 sections, size_t size, gfp_t gfp)
{
	u64 pages = MEMDIAG_BIT(BUDDY) | MEMDIAG_BIT(FRAGMENTATION) | MEMDIAG_BIT(CENSUS) |
		    MEMDIAG_BIT(MISPLACED);
	u64 areas = MEMDIAG_BIT(VMALLOC) | MEMDIAG_BIT(VMALLOC_CALLER) |
		    MEMDIAG_BIT(VMALLOC_MODULE);

	if (sections & pages && !(sections & areas) && size >= PAGE_SIZE)
		return __vmalloc(size, gfp);
	return kvmalloc(size, gfp);
}

/* Replace a buffer by a larger one with the same first @used bytes. */
static int snapshot_grow(struct memdiag_collection *c, void **buf, size_t used, size_t old,
			 size_t new)
{
	size_t *charged = &c->charged;
	void *more;
	int error;

	error = snapshot_charge(charged, new);
	if (error)
		return error;
	more = snapshot_alloc(c->sections, new, SNAPSHOT_GFP);
	if (!more) {
		snapshot_uncharge(charged, new);
		return -ENOMEM;
	}
	memcpy(more, *buf, used);
	kvfree(*buf);
	snapshot_uncharge(charged, old);
	*buf = more;
	return 0;
}

static int strings_grow(struct memdiag_collection *c, size_t wanted)
{
	size_t max = max(c->strings_max * 2, wanted);
	int error;

	if (max > SNAPSHOT_MAX_STRINGS)
		return -EFBIG;
	error = snapshot_grow(c, (void **)&c->strings, c->strings_len, c->strings_max, max);
	if (!error)
		c->strings_max = max;
	return error;
}

/* The same outside of a walk, where the table may grow. */
static int strings_put(struct memdiag_collection *c, const char *string, u32 *offset)
{
	s64 at = memdiag_sink_string(c, string);
	int error;

	if (at < 0) {
		error = strings_grow(c, c->strings_len + strlen(string) + 1);
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

	sink->nr_records = 0;
	sink->full = false;
	sink->collection->strings_full = false;
	sink->state = status->state;
	sink->source = status->source;
	sink->error = status->error;
	strscpy(sink->reason, status->reason, sizeof(sink->reason));
}

static int sink_grow(struct memdiag_sink *sink)
{
	struct memdiag_collection *c = sink->collection;
	size_t size = sink->status->record_size;
	unsigned int max;
	int error;

	if (c->strings_full)
		return strings_grow(c, 0);
	if (check_mul_overflow(sink->max_records, 2u, &max))
		return -EFBIG;
	error = snapshot_grow(c, &sink->records, sink->nr_records * size,
			      sink->max_records * size, max * size);
	if (!error)
		sink->max_records = max;
	return error;
}

static int sink_prepare(struct memdiag_sink *sink)
{
	const struct memdiag_provider *provider = sink->status->provider;
	unsigned int last = READ_ONCE(sink->status->last_records);
	unsigned int max;
	size_t size;
	int error;

	if (provider->estimate)
		max = provider->estimate();
	else
		max = last ? last + last / 8 : SNAPSHOT_FIRST_RECORDS;
	sink->max_records = max(max, 16u);
	size = array_size(sink->max_records, sink->status->record_size);
	error = snapshot_charge(&sink->collection->charged, size);
	if (error)
		return error;
	sink->records = snapshot_alloc(sink->collection->sections, size, SNAPSHOT_GFP);
	if (!sink->records) {
		snapshot_uncharge(&sink->collection->charged, size);
		sink->max_records = 0;
		return -ENOMEM;
	}
	return 0;
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
		if (!error && provider->finish && !sink->collection->strings_full)
			error = provider->finish(sink);
		/* A string that found no room is no error to the provider. */
		if (!error && sink->collection->strings_full)
			error = -ENOSPC;
		if (error != -ENOSPC)
			return error;
		if (WARN_ON_ONCE(!sink->full && !sink->collection->strings_full))
			return -EIO;
		if (sink->restarts++ == SNAPSHOT_MAX_RESTARTS)
			return -EAGAIN;
		error = sink_grow(sink);
		if (error)
			return error;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

/* Give back what a section took that came to nothing: others may need it. */
static void sink_fail(struct memdiag_sink *sink, size_t strings_len, int error)
{
	size_t size = sink->status->record_size;

	kvfree(sink->records);
	sink->records = NULL;
	snapshot_uncharge(&sink->collection->charged, sink->max_records * size);
	sink->max_records = 0;
	sink->nr_records = 0;
	sink->collection->strings_len = strings_len;
	sink->error = error;
	/* The provider said why. */
	if (sink->state == MEMDIAG_STATE_UNAVAILABLE)
		return;
	sink->state = MEMDIAG_STATE_UNAVAILABLE;
	if (error == -EMFILE)
		snprintf(sink->reason, sizeof(sink->reason),
			 "more than the %llu MiB that snapshots may take: raise snapshot_mib",
			 snapshot_limit >> 20);
	else
		snprintf(sink->reason, sizeof(sink->reason), "collecting failed: %pe",
			 ERR_PTR(error));
}

/*
 * Returns an error only on a fatal signal: whatever else goes wrong, also a lack
 * of memory, costs this section and not the snapshot. @now is the time on entry
 * and on return: some machines have a clock that is slow to read.
 */
static int sink_collect(struct memdiag_sink *sink, u64 *now)
{
	struct memdiag_status *status = (struct memdiag_status *)sink->status;
	size_t strings_len = sink->collection->strings_len;
	u64 start = *now;
	int error;

	sink_begin(sink);
	if (status->state == MEMDIAG_STATE_UNAVAILABLE)
		return 0;
	error = sink_prepare(sink);
	if (!error)
		error = sink_walk(sink);
	*now = ktime_get_ns();
	sink->collect_ns = *now - start;
	if (!error)
		WRITE_ONCE(status->last_records, sink->nr_records);
	else if (error != -EINTR)
		sink_fail(sink, strings_len, error);
	return error == -EINTR ? error : 0;
}

static void collection_free(struct memdiag_collection *c)
{
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		kvfree(c->sinks[id].records);
	kvfree(c->strings);
	kvfree(c->slots);
	snapshot_uncharge(&c->charged, c->charged);
	kvfree(c);
}

static struct memdiag_collection *collection_alloc(u64 sections)
{
	size_t strings = max_t(size_t, SNAPSHOT_FIRST_STRINGS,
			       snapshot_last_strings + snapshot_last_strings / 8);
	size_t fixed = sizeof(struct memdiag_collection) +
		       SINK_HASH_SLOTS * sizeof(u32) + strings;
	struct memdiag_collection *c;
	size_t charged = 0;
	u32 id;
	int error;

	error = snapshot_charge(&charged, fixed);
	if (error)
		return ERR_PTR(error);
	c = snapshot_alloc(sections, sizeof(*c), SNAPSHOT_GFP | __GFP_ZERO);
	if (!c) {
		snapshot_uncharge(&charged, fixed);
		return ERR_PTR(-ENOMEM);
	}
	c->charged = charged;
	c->sections = sections;
	c->slots = snapshot_alloc(sections, SINK_HASH_SLOTS * sizeof(u32),
				  SNAPSHOT_GFP | __GFP_ZERO);
	c->strings = snapshot_alloc(sections, strings, SNAPSHOT_GFP);
	if (!c->slots || !c->strings) {
		collection_free(c);
		return ERR_PTR(-ENOMEM);
	}
	c->strings_max = strings;
	c->strings[0] = '\0';
	c->strings_len = 1;
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		c->sinks[id].status = memdiag_status(id);
		c->sinks[id].collection = c;
	}
	return c;
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

static unsigned int layout_nr_fields(const struct memdiag_collection *c)
{
	unsigned int nr = 0;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (c->sections & BIT_ULL(id))
			nr += c->sinks[id].status->nr_fields;
	return nr;
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

/* Bring everything into its final place; see uapi/memdiag.h. */
static struct memdiag_bytes *layout_bytes(struct memdiag_collection *c,
					  struct memdiag_header *header)
{
	struct memdiag_section *sections;
	struct memdiag_field *fields, *next;
	struct memdiag_bytes *bytes;
	u64 at = sizeof(*header);
	int error = -ENOMEM;
	u32 id;

	sections = kcalloc(MEMDIAG_NR_SECTIONS, sizeof(*sections), GFP_KERNEL);
	fields = kvcalloc(layout_nr_fields(c), sizeof(*fields), SNAPSHOT_GFP);
	bytes = kzalloc(sizeof(*bytes), GFP_KERNEL);
	if (!sections || !fields || !bytes)
		goto free;
	kref_init(&bytes->ref);
	bytes->sections = c->sections;

	header->sections = at;
	at += MEMDIAG_NR_SECTIONS * sizeof(*sections);
	for (id = 0, next = fields; id < MEMDIAG_NR_SECTIONS; id++) {
		error = layout_section(c, id, &sections[id], next, &at);
		if (error)
			goto free;
		next += sections[id].nr_fields;
	}
	error = strings_put(c, MEMDIAG_VERSION, &header->version);
	if (error)
		goto free;
	header->strings = at;
	header->strings_size = c->strings_len;
	header->total_size = ALIGN(at + c->strings_len, sizeof(u64));

	bytes->size = header->total_size;
	error = snapshot_charge(&bytes->charged, PAGE_ALIGN(bytes->size));
	if (error)
		goto free;
	error = -ENOMEM;
	/* Whole zeroed pages, as they can be mapped. */
	bytes->data = __vmalloc(PAGE_ALIGN(bytes->size), SNAPSHOT_GFP | __GFP_ZERO);
	if (!bytes->data)
		goto uncharge;
	layout_copy(c, bytes->data, header, sections, fields);
	kvfree(fields);
	kfree(sections);
	return bytes;

uncharge:
	snapshot_uncharge(&bytes->charged, bytes->charged);
free:
	kfree(bytes);
	kvfree(fields);
	kfree(sections);
	return ERR_PTR(error);
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
 * memdiag_snapshot_collect_older() - make a snapshot
 * @sections: mask of known sections, 0 for all
 * @track_min_age_ns: as in struct memdiag_snapshot
 *
 * Context: may sleep; one snapshot at a time.
 *
 * Return: the bytes with one reference; or ERR_PTR(): -EINTR on a fatal signal,
 * -EMFILE beyond the limit, -ENOMEM.
 */
struct memdiag_bytes *memdiag_snapshot_collect_older(u64 sections, u64 track_min_age_ns)
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
	memdiag_track_min_age(track_min_age_ns);
	c = collection_alloc(sections);
	if (IS_ERR(c)) {
		bytes = ERR_CAST(c);
		goto unlock;
	}
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
	bytes = layout_bytes(c, &header);
	if (!IS_ERR(bytes)) {
		snapshot_generation++;
		atomic64_add(PAGE_ALIGN(bytes->size), &snapshot_finished);
		snapshot_last_strings = c->strings_len;
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
	atomic64_sub(PAGE_ALIGN(bytes->size), &snapshot_finished);
	snapshot_uncharge(&bytes->charged, bytes->charged);
	kfree(bytes);
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
		kvfree(text);
	}
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, path, MEMDIAG_SRC_TEXT, error,
			     error ? "boots cannot be told apart: %pe" :
			     "identity of this boot", ERR_PTR(error));
}

/**
 * memdiag_snapshot_init() - set the limit, learn the identity of this boot
 *
 * Return: 0.
 */
int memdiag_snapshot_init(void)
{
	struct sysinfo info;

	si_meminfo(&info);
	/* No buffer may come near INT_MAX, which kvmalloc() refuses with a splat. */
	if (memdiag_snapshot_mib)
		snapshot_limit = (u64)min(memdiag_snapshot_mib, 1024u) << 20;
	else
		snapshot_limit = clamp_t(u64, (u64)info.totalram * PAGE_SIZE / 16,
					 SZ_8M, SZ_256M);
	snapshot_read_boot_id();
	return 0;
}

/** memdiag_snapshot_exit() - all snapshots must be gone by now */
void memdiag_snapshot_exit(void)
{
	WARN_ON_ONCE(atomic64_read(&snapshot_held));
	memdiag_sink_forget_names();
}
