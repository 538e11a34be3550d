/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmemdiag: the only code that opens /dev/memdiag, a snapshot file or the
 * module's file.
 *
 * Functions return 0 or a negative errno and put their result into the last
 * parameter; they print nothing and never exit. Where a struct memdiag_error
 * is passed (NULL is allowed) it holds a sentence for people after a failure.
 *
 * A snapshot file is untrusted, as are the module's file and a System.map.
 * memdiag_data_parse() checks every offset, count, length and string of it once;
 * the getters rely on that and check nothing. They are safe for sections, fields
 * and records that belong to the data they are asked of.
 */
#ifndef _LIBMEMDIAG_H
#define _LIBMEMDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memdiag.h"

/** MEMDIAG_DEVICE - the node that the module makes */
#define MEMDIAG_DEVICE "/dev/memdiag"

/**
 * struct memdiag_error - why something failed, in words
 * @text: one line without a trailing newline
 */
struct memdiag_error {
	char text[512];
};

/** struct memdiag_device - an open device, opaque */
struct memdiag_device;
/** struct memdiag_data - a checked snapshot in memory, opaque */
struct memdiag_data;

/* device.c */
int memdiag_device_open(const char *path, struct memdiag_error *error,
			struct memdiag_device **device);
void memdiag_device_close(struct memdiag_device *device);
int memdiag_device_info(struct memdiag_device *device, struct memdiag_error *error,
			struct memdiag_info *info);
int memdiag_device_mask(struct memdiag_device *device, const char *names,
			struct memdiag_error *error, uint64_t *mask);
int memdiag_device_snapshot(struct memdiag_device *device, uint64_t sections,
			    struct memdiag_error *error, struct memdiag_data **data);
int memdiag_device_snapshot_aged(struct memdiag_device *device, uint64_t sections,
				 uint64_t min_age_ns, struct memdiag_error *error,
				 struct memdiag_data **data);
int memdiag_device_track_start(struct memdiag_device *device, struct memdiag_track_start *start,
			       struct memdiag_error *error);
int memdiag_device_track_stop(struct memdiag_device *device, bool discard,
			      struct memdiag_error *error);
int memdiag_device_settle(struct memdiag_device *device, struct memdiag_error *error);

/* file.c */
int memdiag_data_load(const char *path, struct memdiag_error *error, struct memdiag_data **data);
int memdiag_data_save(const struct memdiag_data *data, const char *path,
		      struct memdiag_error *error);

/* data.c */
int memdiag_data_parse(const void *bytes, size_t size, struct memdiag_error *error,
		       struct memdiag_data **data);
void memdiag_data_free(struct memdiag_data *data);
const struct memdiag_header *memdiag_data_header(const struct memdiag_data *data);
const char *memdiag_data_string(const struct memdiag_data *data, uint64_t string);
const struct memdiag_section *memdiag_data_section(const struct memdiag_data *data, uint32_t n);
const struct memdiag_section *memdiag_data_find(const struct memdiag_data *data, const char *name);
const char *memdiag_section_name(const struct memdiag_data *data,
				 const struct memdiag_section *section);
bool memdiag_section_has_records(const struct memdiag_section *section);
const struct memdiag_field *memdiag_field(const struct memdiag_data *data,
					  const struct memdiag_section *section, uint32_t n);
const struct memdiag_field *memdiag_field_find(const struct memdiag_data *data,
					       const struct memdiag_section *section,
					       const char *name);
uint32_t memdiag_field_number(const struct memdiag_data *data,
			      const struct memdiag_section *section,
			      const struct memdiag_field *field);
const char *memdiag_field_name(const struct memdiag_data *data, const struct memdiag_field *field);
uint64_t memdiag_value(const struct memdiag_data *data, const struct memdiag_section *section,
		       uint64_t record, const struct memdiag_field *field);
bool memdiag_value_is_absent(uint64_t value);
bool memdiag_value_is_unlimited(const struct memdiag_field *field, uint64_t value);
bool memdiag_field_is_number(const struct memdiag_field *field);
uint64_t memdiag_field_scale(const struct memdiag_data *data, const struct memdiag_field *field);
int memdiag_get(const struct memdiag_data *data, const struct memdiag_section *section,
		uint64_t record, const char *name, enum memdiag_type type, enum memdiag_unit unit,
		uint64_t *value);
int memdiag_get_u64(const struct memdiag_data *data, const struct memdiag_section *section,
		    uint64_t record, const char *name, uint64_t *value);
int memdiag_get_bytes(const struct memdiag_data *data, const struct memdiag_section *section,
		      uint64_t record, const char *name, uint64_t *bytes);
int memdiag_get_string(const struct memdiag_data *data, const struct memdiag_section *section,
		       uint64_t record, const char *name, const char **string);

/** struct memdiag_module - the module's file, opened and checked, opaque */
struct memdiag_module;

/* module.c */
int memdiag_module_parse(const void *bytes, size_t size, struct memdiag_error *error,
			 struct memdiag_module **module);
int memdiag_module_open(const char *path, struct memdiag_error *error,
			struct memdiag_module **module);
void memdiag_module_free(struct memdiag_module *module);
const char *memdiag_module_info(const struct memdiag_module *module, const char *tag,
				unsigned int n);
void memdiag_module_name(char *name);
bool memdiag_module_has_parameter(const struct memdiag_module *module, const char *name,
				  size_t length);
int memdiag_module_code(const struct memdiag_module *module, unsigned int from, const char **name,
			uint64_t *size);
const char *memdiag_module_function(const struct memdiag_module *module, unsigned int section,
				    uint64_t at, uint64_t *in, uint64_t *size);
int memdiag_module_load(const struct memdiag_module *module, const char *parameters);
int memdiag_module_remove(const char *name);
int memdiag_module_unload(void);

/**
 * struct memdiag_symbol - a symbol to be looked up
 * @name: its name, borrowed
 * @address: where it is
 * @found: it stands in the file
 * @ambiguous: it stands there with several addresses; @address is one of them
 */
struct memdiag_symbol {
	const char *name;
	uint64_t address;
	bool found;
	bool ambiguous;
};

/* symbols.c */
int memdiag_symbols_read(const char *path, struct memdiag_symbol *symbols, size_t nr,
			 struct memdiag_error *error);

/* names.c */
const char *memdiag_state_name(uint32_t state);
const char *memdiag_source_name(uint32_t source);

/**
 * enum memdiag_notice - what a comparison of two snapshots must tell
 * @MEMDIAG_NOTICE_REBOOTED: another boot or another machine: counters are not
 *	compared
 * @MEMDIAG_NOTICE_REBOOT_GUESSED: with REBOOTED: the boot identity is not
 *	known, the clocks say so
 * @MEMDIAG_NOTICE_REVERSED: the first snapshot is the later one
 * @MEMDIAG_NOTICE_SAME_TIME: no time went by between them: no rates
 * @MEMDIAG_NOTICE_RELEASE: another kernel release
 * @MEMDIAG_NOTICE_PAGE_SIZE: another page size: pages are not compared
 * @MEMDIAG_NOTICE_PARTIAL: one of the sections is partial: what appeared or
 *	vanished may only have been missed
 * @MEMDIAG_NOTICE_REUSED: an id was used again for something else; it counts
 *	as vanished and appeared
 * @MEMDIAG_NOTICE_RENAMED: something was renamed
 * @MEMDIAG_NOTICE_DUPLICATES: several records have the same key; they are
 *	joined in the order in which they stand
 * @MEMDIAG_NOTICE_BACKWARDS: a counter went backwards without a reboot; it is
 *	not compared
 * @MEMDIAG_NOTICE_BY_CALLER: vmalloc areas cannot be recognized again, their
 *	callers are compared instead
 */
enum memdiag_notice {
	MEMDIAG_NOTICE_REBOOTED = 1 << 0,
	MEMDIAG_NOTICE_REBOOT_GUESSED = 1 << 1,
	MEMDIAG_NOTICE_REVERSED = 1 << 2,
	MEMDIAG_NOTICE_SAME_TIME = 1 << 3,
	MEMDIAG_NOTICE_RELEASE = 1 << 4,
	MEMDIAG_NOTICE_PAGE_SIZE = 1 << 5,
	MEMDIAG_NOTICE_PARTIAL = 1 << 6,
	MEMDIAG_NOTICE_REUSED = 1 << 7,
	MEMDIAG_NOTICE_RENAMED = 1 << 8,
	MEMDIAG_NOTICE_DUPLICATES = 1 << 9,
	MEMDIAG_NOTICE_BACKWARDS = 1 << 10,
	MEMDIAG_NOTICE_BY_CALLER = 1 << 11,
};

/**
 * enum memdiag_change - what became of a record
 * @MEMDIAG_CHANGE_SAME: in both, all fields equal
 * @MEMDIAG_CHANGE_CHANGED: in both, some field differs
 * @MEMDIAG_CHANGE_APPEARED: only in the second
 * @MEMDIAG_CHANGE_VANISHED: only in the first
 */
enum memdiag_change {
	MEMDIAG_CHANGE_SAME,
	MEMDIAG_CHANGE_CHANGED,
	MEMDIAG_CHANGE_APPEARED,
	MEMDIAG_CHANGE_VANISHED,
};

/** MEMDIAG_NO_RECORD - there is no such record on this side */
#define MEMDIAG_NO_RECORD UINT64_MAX

/**
 * struct memdiag_diff_record - one pair of joined records
 * @change: what became of it
 * @a: number of the record in the first snapshot, or MEMDIAG_NO_RECORD
 * @b: number of the record in the second snapshot, or MEMDIAG_NO_RECORD
 * @reused: its id stood for something else in the other snapshot
 * @renamed: the same thing under a new path
 */
struct memdiag_diff_record {
	enum memdiag_change change;
	uint64_t a;
	uint64_t b;
	bool reused;
	bool renamed;
};

/**
 * struct memdiag_diff_field - a field of both snapshots
 * @a: as the first snapshot describes it, NULL if it has no such field
 * @b: as the second snapshot describes it
 */
struct memdiag_diff_field {
	const struct memdiag_field *a;
	const struct memdiag_field *b;
};

/**
 * struct memdiag_diff - one section of two snapshots, joined on its keys
 * @a: first snapshot, borrowed
 * @b: second snapshot, borrowed
 * @section_a: the section in @a
 * @section_b: the section in @b
 * @notices: mask of enum memdiag_notice
 * @elapsed_ns: from the start of @a to the start of @b; 0 after a reboot
 * @fields: the fields of @section_b
 * @nr_fields: their number
 * @records: joined records, in the order of @b, vanished ones last
 * @nr_records: their number
 */
struct memdiag_diff {
	const struct memdiag_data *a;
	const struct memdiag_data *b;
	const struct memdiag_section *section_a;
	const struct memdiag_section *section_b;
	uint32_t notices;
	int64_t elapsed_ns;
	struct memdiag_diff_field *fields;
	uint32_t nr_fields;
	struct memdiag_diff_record *records;
	size_t nr_records;
};

/**
 * struct memdiag_delta - how a field of a record changed
 * @known: both values are numbers that can be compared
 * @has_rate: @rate is valid: the field is a counter and time went by
 * @negative: it became less
 * @amount: by how much, in the field's unit
 * @rate: change per second, in the field's unit
 */
struct memdiag_delta {
	bool known;
	bool has_rate;
	bool negative;
	uint64_t amount;
	double rate;
};

/* compare.c */
void memdiag_compare(const struct memdiag_data *a, const struct memdiag_data *b,
		     int64_t *elapsed_ns, uint32_t *notices);
const char *memdiag_notice_text(enum memdiag_notice notice);

/* diff.c */
int memdiag_diff(const struct memdiag_data *a, const struct memdiag_data *b, const char *section,
		 struct memdiag_error *error, struct memdiag_diff **diff);
void memdiag_diff_free(struct memdiag_diff *diff);
void memdiag_diff_delta(const struct memdiag_diff *diff, const struct memdiag_diff_record *record,
			uint32_t field, struct memdiag_delta *delta);
bool memdiag_diff_has_rates(const struct memdiag_diff *diff, uint32_t field);

/**
 * struct memdiag_finding - something that holds more memory than before
 * @section: name of the section that tells so
 * @name: the cache, caller, cgroup or zone; owned by the finding
 * @module: module it belongs to; "" if none or unknown; borrowed
 * @grown: by how much, bytes; for zones: the loss of free memory
 * @from: before, bytes
 * @to: now, bytes
 * @space: the bytes are address space, which takes no memory
 * @count_known: @count is valid
 * @count: growth of the number of objects or areas
 * @explained: internal: a descendant tells it better
 */
struct memdiag_finding {
	const char *section;
	char *name;
	const char *module;
	uint64_t grown;
	uint64_t from;
	uint64_t to;
	bool space;
	bool count_known;
	int64_t count;
	bool explained;
};

/**
 * struct memdiag_findings - what grew between two snapshots
 * @nr: number of findings
 * @findings: sections in the order slab, vmalloc_caller, memcg, zone, ledger; within a
 *	section the largest growth first, address space behind all memory
 * @notices: mask of enum memdiag_notice of all comparisons
 * @missing: mask of 1 << n for the n-th of those sections that could not be
 *	compared
 * @elapsed_ns: from the start of the first to the start of the second; 0 after
 *	a reboot
 */
struct memdiag_findings {
	size_t nr;
	struct memdiag_finding *findings;
	uint32_t notices;
	uint32_t missing;
	int64_t elapsed_ns;
};

/* diagnose.c */
int memdiag_diagnose_growth(const struct memdiag_data *a, const struct memdiag_data *b,
			    struct memdiag_error *error, struct memdiag_findings **findings);
void memdiag_findings_free(struct memdiag_findings *findings);
const char *memdiag_growth_section(unsigned int n);

/**
 * enum memdiag_leak_kind - what sort of memory stays behind, as budgets name it
 * @MEMDIAG_LEAK_SLAB: objects of slab caches
 * @MEMDIAG_LEAK_PAGES: pages of the page allocator, seen by the tracker only
 * @MEMDIAG_LEAK_PERCPU: per-cpu memory
 * @MEMDIAG_LEAK_VMALLOC: areas of the vmalloc address space
 * @MEMDIAG_LEAK_LEDGER: kernel stacks, page tables and other lines of the ledger
 * @MEMDIAG_LEAK_UNACCOUNTED: the line of the ledger for what nobody accounts for
 * @MEMDIAG_NR_LEAK_KINDS: their number
 */
enum memdiag_leak_kind {
	MEMDIAG_LEAK_SLAB,
	MEMDIAG_LEAK_PAGES,
	MEMDIAG_LEAK_PERCPU,
	MEMDIAG_LEAK_VMALLOC,
	MEMDIAG_LEAK_LEDGER,
	MEMDIAG_LEAK_UNACCOUNTED,
	MEMDIAG_NR_LEAK_KINDS,
};

/**
 * enum memdiag_leak_finding - what is thought of something that grew
 * @MEMDIAG_LEAK_FOUND: it leaks
 * @MEMDIAG_LEAK_ALLOWED: it leaks within the budget of its kind
 * @MEMDIAG_LEAK_UNSURE: the tracker saw no free, but there are frees it cannot see
 * @MEMDIAG_LEAK_KEPT: it stays, but does not grow with the cycles
 */
enum memdiag_leak_finding {
	MEMDIAG_LEAK_FOUND,
	MEMDIAG_LEAK_ALLOWED,
	MEMDIAG_LEAK_UNSURE,
	MEMDIAG_LEAK_KEPT,
};

/**
 * enum memdiag_verdict - what it comes to
 * @MEMDIAG_VERDICT_CLEAN: nothing leaks
 * @MEMDIAG_VERDICT_LEAK: something does
 * @MEMDIAG_VERDICT_CANNOT_TELL: what would tell could not be seen
 */
enum memdiag_verdict {
	MEMDIAG_VERDICT_CLEAN,
	MEMDIAG_VERDICT_LEAK,
	MEMDIAG_VERDICT_CANNOT_TELL,
};

/**
 * struct memdiag_leak - something that grew over the cycles
 * @finding: what is thought of it
 * @kind: sort of memory
 * @tracked: the tracker saw it: @name is a stack; otherwise it was counted
 * @direct: tracked: the module called the allocator itself
 * @name: stack, cache, caller or line of the ledger
 * @cache: tracked objects of a slab cache: its name, otherwise ""
 * @module: module it belongs to, "" if none or unknown
 * @order: tracked pages: their order, otherwise MEMDIAG_ABSENT
 * @bytes: by how much it grew, all cycles together
 * @objects: the same in objects, if @objects_known
 * @unsure: of @objects, those that may be freed already
 * @expected: counted: bytes by which it could have grown without a leak
 * @objects_known: @objects is valid
 */
struct memdiag_leak {
	enum memdiag_leak_finding finding;
	enum memdiag_leak_kind kind;
	bool tracked;
	bool direct;
	const char *name;
	const char *cache;
	const char *module;
	uint64_t order;
	uint64_t bytes;
	uint64_t objects;
	uint64_t unsure;
	uint64_t expected;
	bool objects_known;
};

/**
 * struct memdiag_leak_power - the least leak that counts of a kind would have shown
 * @bytes: per cycle, of what shows least; UINT64_MAX if no leak would have been told from
 *	chance
 * @unit: an object or page of that, the least that there is
 * @name: what that is: cache, caller or line of the ledger; "" if all show one @unit
 */
struct memdiag_leak_power {
	uint64_t bytes;
	uint64_t unit;
	const char *name;
};

/**
 * struct memdiag_leaks - the judgement of a check
 * @verdict: what it comes to
 * @confirmed: not only counts say so: more cycles would not change a leak
 * @cycles: cycles judged
 * @tracked: the tracker was looking
 * @counted: kinds of which there were counts, mask of 1 << enum memdiag_leak_kind
 * @reclaimed: reclaimable slab caches were compared as well
 * @blunt: it cannot tell as counts would not have shown what was asked for: more cycles may
 * @uneven: a count grew by an object or page per cycle and more, but not as a leak does: more
 *	cycles may tell
 * @suspect: a cache, caller or line that grows as a leak does, but not by more than its count
 *	may be wrong by; "" if there is none
 * @power: of each kind in @counted
 * @dropped: allocations and frees that the tracker could not remember, from the
 *	first cycle on
 * @unsure: objects of which it is not known that they are still there
 * @nr: number of @leaks
 * @leaks: what grew; by finding, then what the tracker saw first, then the largest
 * @why: why it cannot tell, "" otherwise
 */
struct memdiag_leaks {
	enum memdiag_verdict verdict;
	bool confirmed;
	unsigned int cycles;
	bool tracked;
	unsigned int counted;
	bool reclaimed;
	bool blunt;
	bool uneven;
	const char *suspect;
	struct memdiag_leak_power power[MEMDIAG_NR_LEAK_KINDS];
	uint64_t dropped;
	uint64_t unsure;
	size_t nr;
	struct memdiag_leak *leaks;
	char why[256];
};

/** struct memdiag_leakcheck - counts of all cycles so far, opaque */
struct memdiag_leakcheck;

/**
 * enum memdiag_leak_look - when a snapshot was taken
 * @MEMDIAG_LOOK_IDLE: before the cycles, nothing was done since the last look
 * @MEMDIAG_LOOK_CYCLES: after a cycle or several
 * @MEMDIAG_LOOK_AGAIN: once more after the same, to see if it has settled
 */
enum memdiag_leak_look {
	MEMDIAG_LOOK_IDLE,
	MEMDIAG_LOOK_CYCLES,
	MEMDIAG_LOOK_AGAIN,
};

/** MEMDIAG_LEAK_SECTIONS - what a snapshot for memdiag_leakcheck_add() should have */
#define MEMDIAG_LEAK_SECTIONS "slab,vmalloc_caller,ledger"
/** MEMDIAG_TRACK_SECTIONS - and what the tracker says */
#define MEMDIAG_TRACK_SECTIONS "track_status,track"

/* leakcheck.c */
int memdiag_leakcheck_new(struct memdiag_leakcheck **check);
void memdiag_leakcheck_settled(struct memdiag_leakcheck *check, bool shrunk, bool dropped);
void memdiag_leakcheck_confirm(struct memdiag_leakcheck *check);
void memdiag_leakcheck_free(struct memdiag_leakcheck *check);
int memdiag_leakcheck_add(struct memdiag_leakcheck *check, enum memdiag_leak_look look,
			  unsigned int cycles, const struct memdiag_data *data, bool *again);
/* judge.c */
int memdiag_leakcheck_judge(const struct memdiag_leakcheck *check, const char *unloads,
			    const uint64_t *allow, uint64_t sensitivity,
			    struct memdiag_leaks **leaks);
void memdiag_leaks_free(struct memdiag_leaks *leaks);
const char *memdiag_leak_kind_name(enum memdiag_leak_kind kind);
const char *memdiag_leak_finding_name(enum memdiag_leak_finding finding);
const char *memdiag_verdict_name(enum memdiag_verdict verdict);

#endif /* _LIBMEMDIAG_H */
