/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of memdiagctl share: commands, options, views, renderers. */
#ifndef _MEMDIAGCTL_H
#define _MEMDIAGCTL_H

#include <json.h>
#include <limits.h>
#include <stdio.h>

#include "libmemdiag.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit statuses; documented in memdiagctl(8). */
enum exit_status {
	STATUS_DONE = 0,
	STATUS_FOUND = 1,
	STATUS_USAGE = 2,
	STATUS_PARTIAL = 3,
	STATUS_CANNOT = 4,
};

/* One bit per option; a command has the mask of those it takes. */
enum option_bit {
	OPT_INPUT = 1 << 0,
	OPT_OUTPUT = 1 << 1,
	OPT_SORT = 1 << 2,
	OPT_REVERSE = 1 << 3,
	OPT_BY = 1 << 4,
	OPT_SECTIONS = 1 << 5,
	OPT_JSON = 1 << 6,
	OPT_NO_HEADINGS = 1 << 7,
	OPT_BYTES = 1 << 8,
	OPT_LIMIT = 1 << 9,
	OPT_LIST = 1 << 10,
	OPT_HELP = 1 << 11,
	OPT_VERSION = 1 << 12,
	OPT_MODULE = 1 << 13,
	OPT_SYSTEM_MAP = 1 << 14,
	OPT_DELAY = 1 << 15,
	OPT_ONCE = 1 << 16,
	OPT_FOLLOW = 1 << 17,
	OPT_MIN_AGE = 1 << 18,
	OPT_FOLDED = 1 << 19,
	OPT_ANYWHERE = 1 << 20,
	OPT_CACHE = 1 << 21,
	OPT_SIZE = 1 << 22,
	OPT_ORDER = 1 << 23,
	OPT_PID = 1 << 24,
	OPT_CGROUP = 1 << 25,
	OPT_ONE_IN = 1 << 26,
	OPT_KINDS = 1 << 27,
	OPT_OBJECTS = 1 << 28,
	OPT_STACKS = 1 << 29,
	OPT_DEPTH = 1 << 30,
	OPT_DISCARD = 1ll << 31,
	OPT_PARAM = 1ll << 32,
	OPT_CYCLES = 1ll << 33,
	OPT_WARMUP = 1ll << 34,
	OPT_ALLOW = 1ll << 35,
	OPT_ATTACH = 1ll << 36,
	OPT_TAP = 1ll << 37,
	OPT_JUNIT = 1ll << 38,
	OPT_KMEMLEAK = 1ll << 39,
	OPT_KEEP_CACHES = 1ll << 40,
	OPT_SENSITIVITY = 1ll << 41,
};

#define OPT_TABLE                                                                       \
	(OPT_INPUT | OPT_OUTPUT | OPT_SORT | OPT_REVERSE | OPT_JSON | OPT_NO_HEADINGS | \
	 OPT_BYTES | OPT_LIMIT | OPT_HELP)

/* What the tracker looks at; the same for track start and leakcheck. */
#define OPT_TRACK                                                                              \
	(OPT_MODULE | OPT_ANYWHERE | OPT_CACHE | OPT_SIZE | OPT_ORDER | OPT_PID | OPT_CGROUP | \
	 OPT_ONE_IN | OPT_KINDS | OPT_OBJECTS | OPT_STACKS | OPT_DEPTH)

/* For a command that takes any number of arguments. */
#define MAX_ARGS INT_MAX
/* Options that may be given several times. */
#define MAX_REPEATED 32

/**
 * struct options - the command line, parsed
 * @given: mask of enum option_bit
 * @value: of each option that has one, by bit number; the last one
 * @limit: of --limit, 0 without
 * @delay: of --delay, in seconds, 0 without
 * @repeated: all values of --param and --allow, in the order given
 * @nr_repeated: number of @repeated
 * @args: what is no option, without the command; a NULL follows the last one
 * @nr_args: number of @args
 */
struct options {
	uint64_t given;
	const char *value[64];
	unsigned long limit;
	double delay;
	struct {
		uint64_t bit;
		const char *value;
	} repeated[MAX_REPEATED];
	int nr_repeated;
	const char **args;
	int nr_args;
};

/**
 * struct option_desc - one row of the option table; pointers would take more in the program
 * @bit: enum option_bit
 * @letter: short form or 0
 * @name: long form
 * @argument: name of its value for the help, "" if it has none
 * @help: one line
 */
struct option_desc {
	uint64_t bit;
	char letter;
	char name[12];
	char argument[11];
	const char *help;
};

/**
 * struct choice - what a table command shows
 * @by: value of --by that asks for it; the first one of a command is the default
 * @section: section of the snapshot
 * @sort: column to sort by if there is no --sort, NULL for the kernel's order
 */
struct choice {
	const char *by;
	const char *section;
	const char *sort;
};

/**
 * struct command - one row of the command table
 * @name: exact token
 * @arguments: for the usage line, "" if it takes none
 * @help: one line
 * @min_args: least number of arguments
 * @max_args: largest number of arguments
 * @options: mask of enum option_bit it takes
 * @choices: for table commands, ends with an entry without section
 * @run: does it; returns an enum exit_status
 */
struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int min_args;
	int max_args;
	uint64_t options;
	const struct choice *choices;
	int (*run)(const struct command *command, const struct options *options);
};

/* options.c */
extern const struct option_desc option_table[];
extern const unsigned int nr_options;
const char *option_value(const struct options *options, enum option_bit bit);
const char *option_next(const struct options *options, enum option_bit bit, int *at);
int options_parse(int argc, char **argv, struct options *options, const char **command);

/* commands.c */
extern const struct command command_table[];
extern const unsigned int nr_commands;
const struct command *command_find(const char *name);

/* message.c */
__attribute__((format(printf, 1, 2))) void warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) int usage_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) int cannot(const char *format, ...);
__attribute__((noreturn)) void no_memory(void);
void *must(void *memory);
void print_safe(FILE *stream, const char *text);
void print_safe_part(FILE *stream, const char *text, size_t length);
void message_hold(void);
void message_release(void);

/* merged.c */
const char *merged_names(const struct memdiag_data *data, const char *name);
const char *merged_value(const struct memdiag_data *data, const struct memdiag_section *section,
			 const struct memdiag_field *field, const char *text);

/* source.c */
int source_get(const struct options *options, const char *sections, struct memdiag_data **data);
int source_get_named(const struct options *options, const char *sections,
		     struct memdiag_data **data);
int source_load(const char *path, struct memdiag_data **data);
int source_load_sections(const char *path, const char *sections, struct memdiag_data **data);
int source_live(const char *sections, struct memdiag_data **data);
int source_live_aged(const char *sections, uint64_t min_age_ns, struct memdiag_data **data);
int source_live_info(struct memdiag_info *info);
int source_open(struct memdiag_device **device);
int source_section(const struct memdiag_data *data, const char *name,
		   const struct memdiag_section **section);

/* format.c */
/* Room for any formatted number with its sign. */
#define FORMAT_SIZE 48
/* Room for the name of a column; a field's name has at most 255 bytes. */
#define HEADING_SIZE 264
const char *format_delta(const struct memdiag_data *data, const struct memdiag_field *field,
			 const struct memdiag_delta *delta, bool exact, char *buffer);
const char *format_heading(const struct memdiag_data *data, const struct memdiag_section *section,
			   const struct memdiag_field *field, char *buffer);
const char *format_record(const struct memdiag_data *data, const struct memdiag_section *section,
			  uint64_t record, const struct memdiag_field *field, bool exact,
			  char *buffer);
const char *format_value(const struct memdiag_data *data, const struct memdiag_field *field,
			 uint64_t value, bool exact, char *buffer);
const char *format_named(const struct memdiag_data *data, const struct memdiag_section *section,
			 uint64_t record, const char *name, bool exact, char *buffer);
void format_amount(const struct memdiag_data *data, const struct memdiag_field *field,
		   uint64_t amount, bool exact, char *buffer);
void format_sign(char *buffer, bool negative, bool zero);
void format_bytes(double bytes, char *buffer);
void format_ns(double ns, char *buffer);
void format_size(uint64_t bytes, bool exact, char *buffer);
void format_duration(uint64_t ns, bool exact, char *buffer);
void format_time(uint64_t realtime_ns, char *buffer);
void format_boot_id(const struct memdiag_header *header, char *buffer);

/**
 * struct view - rows and columns of a section that are to be shown
 * @data: the snapshot, borrowed
 * @section: the section
 * @columns: its fields, in the order of the columns
 * @nr_columns: number of @columns
 * @rows: numbers of its records, in the order of the rows
 * @nr_rows: number of @rows
 */
struct view {
	const struct memdiag_data *data;
	const struct memdiag_section *section;
	const struct memdiag_field **columns;
	unsigned int nr_columns;
	uint64_t *rows;
	uint64_t nr_rows;
};

/* view.c */
int view_make(const struct memdiag_data *data, const struct memdiag_section *section,
	      const struct options *options, const char *default_sort, unsigned long limit,
	      struct view *view);
int view_columns(const struct memdiag_data *data, const struct memdiag_section *section,
		 const char *list, bool all, struct view *view);
void view_free(struct view *view);
const char *sort_column(const struct options *options, const char *default_sort, bool *invert);
const struct memdiag_field *column_find(const struct memdiag_data *data,
					const struct memdiag_section *section, const char *name,
					size_t length);
bool field_is_difference(const struct memdiag_field *field);
const struct memdiag_field *view_amount(const struct view *view);
const char *sort_letter_text(const char *letter);
bool sorts_ascending(const struct memdiag_field *field);
int unknown_column(const struct memdiag_data *data, const struct memdiag_section *section,
		   const char *name, size_t length);

/* render_table.c */
struct table;
struct table *table_new(bool headings);
void table_column(struct table *table, const char *name, bool right);
void table_row(struct table *table);
void table_cell(struct table *table, unsigned int column, const char *text);
void table_free(struct table *table);
int table_print(struct table *table);
char *table_text(struct table *table);
void table_whole(struct table *table);
int render_table(const struct view *view, const struct options *options);
int render_titled(const struct view *view, const struct options *options, const char *title);

/* render_json.c */
struct json_object *json_text(const char *text);
struct json_object *json_number(uint64_t value);
struct json_object *json_value(const struct memdiag_data *data, const struct memdiag_field *field,
			       uint64_t value);
struct json_object *json_header(const struct memdiag_data *data);
struct json_object *json_records(const struct view *view);
void json_add(struct json_object *object, const char *name, struct json_object *value);
int json_print(struct json_object *document);

/* values.c */
int value_number(const char *option, const char *text, uint64_t *number);
int value_range(const char *option, const char *text, bool bytes, uint64_t *min, uint64_t *max);
int value_bytes(const char *option, const char *text, uint64_t *bytes);
int value_age(const char *option, const char *text, uint64_t *ns);
int value_filter(const struct options *options, struct memdiag_track_start *start);

/* cmd_*.c */
const struct choice *choice_find(const struct command *command, const struct options *options);
int cmd_diff(const struct command *command, const struct options *options);
int cmd_help(const struct command *command, const struct options *options);
int cmd_ledger(const struct command *command, const struct options *options);
int cmd_leakcheck(const struct command *command, const struct options *options);
int cmd_load(const struct command *command, const struct options *options);
int cmd_save(const struct command *command, const struct options *options);
int cmd_section(const struct command *command, const struct options *options);
int cmd_status(const struct command *command, const struct options *options);
int cmd_summary(const struct command *command, const struct options *options);
int cmd_top(const struct command *command, const struct options *options);
int cmd_track(const struct command *command, const struct options *options);
int cmd_unload(const struct command *command, const struct options *options);
int cmd_version(const struct command *command, const struct options *options);
int ledger_split(const struct memdiag_data *data, const struct options *options);
int help_command(const struct command *command, const char *input, const char *section);

#endif /* _MEMDIAGCTL_H */
