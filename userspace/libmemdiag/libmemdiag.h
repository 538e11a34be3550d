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
const char *memdiag_field_name(const struct memdiag_data *data, const struct memdiag_field *field);
uint64_t memdiag_value(const struct memdiag_data *data, const struct memdiag_section *section,
		       uint64_t record, const struct memdiag_field *field);
bool memdiag_value_is_absent(uint64_t value);
bool memdiag_value_is_unlimited(const struct memdiag_field *field, uint64_t value);
bool memdiag_field_is_number(const struct memdiag_field *field);
uint64_t memdiag_field_scale(const struct memdiag_data *data, const struct memdiag_field *field);
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
int memdiag_module_load(const struct memdiag_module *module, const char *parameters);
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

/* diff.c */
void memdiag_compare(const struct memdiag_data *a, const struct memdiag_data *b,
		     int64_t *elapsed_ns, uint32_t *notices);
int memdiag_diff(const struct memdiag_data *a, const struct memdiag_data *b, const char *section,
		 struct memdiag_error *error, struct memdiag_diff **diff);
void memdiag_diff_free(struct memdiag_diff *diff);
void memdiag_diff_delta(const struct memdiag_diff *diff, const struct memdiag_diff_record *record,
			uint32_t field, struct memdiag_delta *delta);
bool memdiag_diff_has_rates(const struct memdiag_diff *diff, uint32_t field);
const char *memdiag_notice_text(enum memdiag_notice notice);

/**
 * struct memdiag_finding - something that holds more memory than before
 * @section: name of the section that tells so
 * @name: the cache, caller, cgroup or zone; owned by the finding
 * @module: module it belongs to; "" if none or unknown; borrowed
 * @grown: by how much, bytes; for zones: the loss of free memory
 * @from: before, bytes
 * @to: now, bytes
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
	bool count_known;
	int64_t count;
	bool explained;
};

/**
 * struct memdiag_findings - what grew between two snapshots
 * @nr: number of findings
 * @findings: sections in the order slab, vmalloc_caller, memcg, zone; within a
 *	section the largest growth first
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

#endif /* _LIBMEMDIAG_H */
