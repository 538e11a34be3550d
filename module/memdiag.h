/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The internal contract of memdiag.ko: provider, field, sink, snapshot.
 *
 * A provider walks one thing in the kernel and pushes fixed-size records into
 * a sink. It knows nothing of files, ioctls or text. A snapshot runs providers
 * and lays their records out as uapi/memdiag.h says. The interfaces only hand
 * out snapshots.
 */
#ifndef _MEMDIAG_H
#define _MEMDIAG_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kref.h>
#include <linux/sched/clock.h>
#include <linux/types.h>

#include "../uapi/memdiag.h"
#include "version.h"

struct memdiag_sink;
struct memdiag_provider;

/* alloc.c; the flags are for objects of the kernel's allocators as such, to look at them */
#define MEMDIAG_GFP		(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
/* Every kernel's vmalloc() and percpu allocator know these, 6.19 warns of any other. */
#define MEMDIAG_GFP_NORETRY	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
int memdiag_charge(u64 size);
void memdiag_uncharge(u64 size);
void *memdiag_alloc_pages(size_t size);
void *memdiag_alloc_buffer(size_t size, bool by_pages);
void *memdiag_alloc(size_t n, size_t size);
void *memdiag_keep(size_t n, size_t size);
char *memdiag_keep_string(const char *text, size_t length);
void memdiag_free(const void *p);
u64 memdiag_snapshot_limit(void);
u64 memdiag_snapshot_held(void);
void memdiag_alloc_init(void);
void memdiag_alloc_exit(void);
extern unsigned int memdiag_snapshot_mib;

#define MEMDIAG_BIT(section)	BIT_ULL(MEMDIAG_SEC_##section)
#define MEMDIAG_ALL_SECTIONS	GENMASK_ULL(MEMDIAG_NR_SECTIONS - 1, 0)

/* Enough for the longest reason or %ps symbol with its module name. */
#define MEMDIAG_REASON_LEN	192

/**
 * struct memdiag_field_desc - one field of a provider's records
 * @name: the kernel's own word for it, unique within the provider
 * @help: one line: what is counted, and the error bound of an inexact field
 * @type: enum memdiag_type
 * @unit: enum memdiag_unit
 * @kind: enum memdiag_kind
 * @flags: MEMDIAG_FIELD_*
 * @offset: of the u64 in the record, bytes
 * @source: enum memdiag_source if it differs from the section's, else
 *	MEMDIAG_SRC_NONE
 *
 * This table is the only description of a field: it makes the columns in
 * debugfs, travels in the snapshot, and names keys and columns in memdiagctl.
 */
struct memdiag_field_desc {
	const char *name;
	const char *help;
	u16 type;
	u16 unit;
	u16 kind;
	u16 flags;
	u32 offset;
	u32 source;
};

/*
 * One row of a field table: MEMDIAG_LABEL(), MEMDIAG_GAUGE() or MEMDIAG_COUNTER() for a field
 * that is called as the u64 of struct @rec is, MEMDIAG_FIELD() for one that has another name,
 * MEMDIAG_FIELD_FROM() for one with another source than the section.
 * @_flags: 0, KEY, BRIEF, INEXACT, KEY_BRIEF or INEXACT_BRIEF
 */
#define MEMDIAG_LABEL(rec, member, _type, _unit, _flags, _help) \
	MEMDIAG_FIELD(rec, member, #member, _type, _unit, LABEL, _flags, _help)
#define MEMDIAG_GAUGE(rec, member, _type, _unit, _flags, _help) \
	MEMDIAG_FIELD(rec, member, #member, _type, _unit, GAUGE, _flags, _help)
#define MEMDIAG_COUNTER(rec, member, _type, _unit, _flags, _help) \
	MEMDIAG_FIELD(rec, member, #member, _type, _unit, COUNTER, _flags, _help)
#define MEMDIAG_FIELD(rec, member, _name, _type, _unit, _kind, _flags, _help) \
	MEMDIAG_FIELD_FROM(rec, member, _name, _type, _unit, _kind, _flags, NONE, _help)
#define MEMDIAG_FIELD_FROM(rec, member, _name, _type, _unit, _kind, _flags, _source, _help) \
	{								\
		.name = (_name), .help = (_help),			\
		.type = MEMDIAG_TYPE_##_type,				\
		.unit = MEMDIAG_UNIT_##_unit,				\
		.kind = MEMDIAG_KIND_##_kind,				\
		.flags = MEMDIAG_FIELD_##_flags,			\
		.source = MEMDIAG_SRC_##_source,			\
		.offset = offsetof(struct rec, member) +		\
			BUILD_BUG_ON_ZERO(sizeof_field(struct rec, member) != 8), \
	}
#define MEMDIAG_FIELD_0			0
#define MEMDIAG_FIELD_KEY_BRIEF		(MEMDIAG_FIELD_KEY | MEMDIAG_FIELD_BRIEF)
#define MEMDIAG_FIELD_INEXACT_BRIEF	(MEMDIAG_FIELD_INEXACT | MEMDIAG_FIELD_BRIEF)

/**
 * struct memdiag_status - what the registry knows of a provider at run time
 * @provider: the provider
 * @fields: its field table: @provider->fields, or one that .init built
 * @nr_fields: rows of @fields
 * @record_size: bytes of one record, nr_fields * 8 or more
 * @state: enum memdiag_state, as found by .init
 * @source: enum memdiag_source of the records
 * @error: negative errno if unavailable
 * @reason: why it is partial or unavailable, else ""
 * @last_records: number of records of the last walk, a first guess for the next
 * @last_strings: bytes of strings that the last walk added, a first guess for the next
 *
 * .init fills it in through memdiag_set_ok(), memdiag_set_partial() and
 * memdiag_set_unavailable(). It does not change after the module's init.
 * (The last two do; they are only hints and read and written without a lock.)
 */
struct memdiag_status {
	const struct memdiag_provider *provider;
	const struct memdiag_field_desc *fields;
	unsigned int nr_fields;
	u32 record_size;
	u32 state;
	u32 source;
	int error;
	char reason[MEMDIAG_REASON_LEN];
	unsigned int last_records;
	u32 last_strings;
};

/**
 * enum memdiag_buffers - how a snapshot takes memory to work in
 * @MEMDIAG_BUFFERS_ANY: in whatever way
 * @MEMDIAG_BUFFERS_BY_PAGES: page by page. Where free blocks are looked at, a kernel
 *	without per-cpu lists of higher orders (before v5.13) would lack the blocks in use
 *	here. Where every page is, a kernel that keeps no empty slabs (SLUB_TINY) would
 *	have some more just now.
 * @MEMDIAG_BUFFERS_NO_VMALLOC: in one piece if possible, as vmalloc areas are looked at;
 *	goes before the other two
 *
 * Memory to work in should not show in what is looked at.
 */
enum memdiag_buffers {
	MEMDIAG_BUFFERS_ANY,
	MEMDIAG_BUFFERS_BY_PAGES,
	MEMDIAG_BUFFERS_NO_VMALLOC,
};

/**
 * struct memdiag_provider - one section
 * @id: enum memdiag_section_id
 * @name: name of the section
 * @help: one line: one record per what, and what it answers
 * @fields: field table, or NULL if .init sets one in the status
 * @nr_fields: rows of @fields
 * @record_size: sizeof() of the record struct
 * @on_request: walks so much that it is only collected when asked for by name
 * @buffers: how the snapshot takes memory to work in
 * @after: mask of sections whose records this one is derived from; they are
 *	collected first, in the same snapshot
 * @needs: mask of sections that look at this kernel before this one does; if one
 *	of them is unavailable so is this one, with its reason, and @init is not called
 * @init: resolve and verify what the provider needs, by itself; say the result
 *	in the status. Never fails the module. May sleep.
 * @exit: undo @init. May sleep.
 * @estimate: how many records to make room for; NULL: the last walk's
 * @collect: walk and push. Returns 0, or -ENOSPC if the sink said so, or another
 *	error, which makes the section unavailable in this snapshot. What found no
 *	room is counted, and @collect is called again with as much more. Starts
 *	from the beginning on each call. Under a lock only reads and pushes; may
 *	sleep outside of locks.
 * @finish: called after a @collect that found room for all, no lock held: turn
 *	raw values into strings, add up. May sleep. Same returns as @collect.
 *
 * Unused callbacks stay NULL.
 */
struct memdiag_provider {
	u32 id;
	const char *name;
	const char *help;
	const struct memdiag_field_desc *fields;
	unsigned int nr_fields;
	u32 record_size;
	bool on_request;
	enum memdiag_buffers buffers;
	u64 after;
	u64 needs;
	void (*init)(struct memdiag_status *status);
	void (*exit)(struct memdiag_status *status);
	unsigned int (*estimate)(void);
	int (*collect)(struct memdiag_sink *sink);
	int (*finish)(struct memdiag_sink *sink);
};

/* The records of a provider: @_fields, a table, and the struct that it describes. */
#define MEMDIAG_RECORDS(_fields, rec)					\
	.fields = _fields, .nr_fields = ARRAY_SIZE(_fields), .record_size = sizeof(struct rec)

/* registry.c */
int memdiag_registry_init(void);
void memdiag_registry_exit(void);
const struct memdiag_status *memdiag_status(u32 id);
u64 memdiag_available(void);
u64 memdiag_default_sections(void);
void memdiag_set_ok(struct memdiag_status *status, u32 source);
__printf(3, 4)
void memdiag_set_partial(struct memdiag_status *status, u32 source,
			 const char *fmt, ...);
__printf(3, 4)
void memdiag_set_unavailable(struct memdiag_status *status, int error,
			     const char *fmt, ...);

/**
 * struct memdiag_sink - where a provider puts the records of one section
 *
 * A provider uses the functions below and nothing else of it. Both the record
 * and the string buffer are preallocated, so pushing is legal under any lock
 * and in any context; when one is full what is pushed is only counted, and
 * collecting starts again with room for all.
 */
struct memdiag_sink {
	/* private: snapshot.c, sink.c */
	const struct memdiag_status *status;
	struct memdiag_collection *collection;
	void *records;
	unsigned int nr_records;
	unsigned int max_records;
	unsigned int missed;
	unsigned int max_missed;
	u64 lock_start;
	u64 lock_ns;
	u64 collect_ns;
	u32 restarts;
	u32 state;
	u32 source;
	int error;
	char reason[MEMDIAG_REASON_LEN];
};

/* sink.c */
void *memdiag_push(struct memdiag_sink *sink);
void *memdiag_push_kept(struct memdiag_sink *sink);
u64 memdiag_push_string(struct memdiag_sink *sink, const char *string);
__printf(2, 3)
u64 memdiag_push_printf(struct memdiag_sink *sink, const char *fmt, ...);
u64 memdiag_push_caller(struct memdiag_sink *sink, unsigned long address);
u64 memdiag_push_function(struct memdiag_sink *sink, unsigned long address);
u64 memdiag_push_symbol_module(struct memdiag_sink *sink, unsigned long address);
const char *memdiag_string(const struct memdiag_sink *sink, u64 string);
const struct memdiag_sink *memdiag_parent(const struct memdiag_sink *sink, u32 id);
int memdiag_field_at(const struct memdiag_sink *other, const char *name);
u64 memdiag_value_at(const struct memdiag_sink *other, unsigned int n, int at);
__printf(2, 3)
void memdiag_mark_partial(struct memdiag_sink *sink, const char *fmt, ...);
__printf(2, 3)
void memdiag_mark_unavailable(struct memdiag_sink *sink, const char *fmt, ...);
const char *memdiag_symbol(unsigned long address, char *text);
const char *memdiag_caller_name(unsigned long address, char *text);

/**
 * memdiag_record() - the n-th record that was pushed
 * @sink: the sink
 * @n: 0 <= n < @sink->nr_records
 */
static inline void *memdiag_record(const struct memdiag_sink *sink, unsigned int n)
{
	return sink->records + (size_t)n * sink->status->record_size;
}

/**
 * memdiag_lock_begin() - call just after taking a lock of the kernel
 * @sink: the sink
 *
 * With memdiag_lock_end() measures the longest hold, which the snapshot
 * reports. Holds do not nest: measure the outermost lock that others wait for
 * spinning; a mutex around it is not counted. The clock is that of the CPU: who
 * holds a spinning lock stays on it, and a machine whose common clock is slow to
 * read would otherwise spend most of the time reading it.
 */
static inline void memdiag_lock_begin(struct memdiag_sink *sink)
{
	sink->lock_start = sched_clock();
}

/**
 * memdiag_lock_end() - call just before releasing the lock
 * @sink: the sink
 */
static inline void memdiag_lock_end(struct memdiag_sink *sink)
{
	u64 held = sched_clock() - sink->lock_start;

	if (held > sink->lock_ns)
		sink->lock_ns = held;
}

/**
 * memdiag_lock_unknown() - say that locks were held by code we cannot measure
 * @sink: the sink
 *
 * For when the kernel prints something for us under its own locks.
 */
static inline void memdiag_lock_unknown(struct memdiag_sink *sink)
{
	sink->lock_ns = MEMDIAG_ABSENT;
}

/**
 * struct memdiag_bytes - a finished snapshot
 * @ref: one reference per open file, mapping and reader
 * @data: the bytes, as in uapi/memdiag.h; whole pages of vmalloc() memory
 * @size: their number
 * @charged: what counts against the limit, bytes: @size in whole pages
 * @sections: mask of the sections collected
 */
struct memdiag_bytes {
	struct kref ref;
	void *data;
	size_t size;
	size_t charged;
	u64 sections;
};

/* snapshot.c: for interfaces */
struct memdiag_bytes *memdiag_snapshot_collect_min_age(u64 sections, u64 track_min_age_ns);
void memdiag_snapshot_get(struct memdiag_bytes *bytes);
void memdiag_snapshot_put(struct memdiag_bytes *bytes);
const struct memdiag_section *memdiag_snapshot_section(const struct memdiag_bytes *bytes,
						       u32 id);
const char *memdiag_snapshot_string(const struct memdiag_bytes *bytes, u64 string);
u64 memdiag_snapshot_finished(void);
int memdiag_snapshot_init(void);
void memdiag_snapshot_exit(void);

static inline struct memdiag_bytes *memdiag_snapshot_collect(u64 sections)
{
	return memdiag_snapshot_collect_min_age(sections, 0);
}

/* providers/module.c */
struct module;
int memdiag_module_walk(int (*fn)(const struct module *mod, void *data), void *data);

/* track/ */
int memdiag_track_init(void);
void memdiag_track_exit(void);
int memdiag_track_start(struct memdiag_track_start *start);
int memdiag_track_stop(u32 flags);
int memdiag_track_settle(u64 *waited_ns);

/* text.c */
struct seq_file;
void memdiag_text_head(struct seq_file *m, const struct memdiag_bytes *bytes,
		       const struct memdiag_section *section);
void memdiag_text_string(struct seq_file *m, const char *string);
void memdiag_text_record(struct seq_file *m, const struct memdiag_bytes *bytes,
			 const struct memdiag_section *section, u64 n);

/* debugfs.c, procfs.c, chardev.c */
void memdiag_debugfs_init(void);
void memdiag_debugfs_exit(void);
int memdiag_procfs_init(void);
void memdiag_procfs_exit(void);
int memdiag_chardev_init(void);
void memdiag_chardev_exit(void);

/* providers/, track/ */
#define SECTION(name, ...) extern const struct memdiag_provider memdiag_##name##_provider;
#include "../uapi/section_list.h"
#undef SECTION

#endif /* _MEMDIAG_H */
