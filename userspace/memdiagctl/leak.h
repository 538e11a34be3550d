/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of memdiagctl leakcheck share. */
#ifndef _LEAK_H
#define _LEAK_H

#include <dirent.h>

#include "track.h"

#define LEAK_MAX_NOTES 24

/**
 * struct leak_place - where a section of the module's code was
 * @section: its number in the file
 * @base: its address
 * @size: bytes
 */
struct leak_place {
	unsigned int section;
	uint64_t base;
	uint64_t size;
};

struct leak_evidence;
struct leak_cache;

/**
 * struct leak_settler - files by which the kernel is asked to give back what is free
 * @directory: of the slab caches, NULL without
 * @caches: those
 * @nr_caches: number of @caches
 * @incomplete: some could not be opened
 * @drop_fd: to drop caches, or -1
 * @refresh_fd: to bring counters up to date, or -1
 */
struct leak_settler {
	DIR *directory;
	struct leak_cache *caches;
	size_t nr_caches;
	bool incomplete;
	int drop_fd;
	int refresh_fd;
};

/**
 * struct leak_run - one leakcheck
 * @options: the command line
 * @name: the module's name; what is looked at, if it is no module
 * @module: the module's file, NULL with --attach
 * @parameters: for loading it
 * @filter: what the tracker looks at
 * @cycles: cycles to judge, as asked for
 * @planned: cycles that will be done, those to warm up included
 * @warmup: cycles before that
 * @allow: budget per cycle of each kind, bytes
 * @sensitivity: bytes per cycle that counts have to show
 * @device: the device
 * @check: counts so far
 * @sections: mask of the sections that are needed
 * @tracking: we started the tracker
 * @loaded: we loaded the module and have not unloaded it
 * @done: cycles done, those to warm up included
 * @places: where the module's code was
 * @nr_places: number of @places
 * @evidence: of the kernel's own instruments
 * @cycle_ns: how long a cycle of those to warm up took
 * @settler: what is done before each look
 * @told_ns: when it was last said how far the check is
 * @start_ns: when the check began
 * @junit: the file of the JUnit report, NULL if there is none
 * @notes: sentences for people
 * @nr_notes: number of @notes
 * @why: why it cannot be told, "" as long as it can
 * @leaks: the judgement, NULL if there is none
 */
struct leak_run {
	const struct options *options;
	char *name;
	struct memdiag_module *module;
	char *parameters;
	struct memdiag_track_start filter;
	uint64_t cycles;
	uint64_t planned;
	uint64_t warmup;
	uint64_t allow[MEMDIAG_NR_LEAK_KINDS];
	uint64_t sensitivity;
	struct memdiag_device *device;
	struct memdiag_leakcheck *check;
	uint64_t sections;
	bool tracking;
	bool loaded;
	unsigned int done;
	struct leak_place *places;
	size_t nr_places;
	struct leak_evidence *evidence;
	uint64_t cycle_ns;
	struct leak_settler settler;
	uint64_t told_ns;
	uint64_t start_ns;
	FILE *junit;
	char *notes[LEAK_MAX_NOTES];
	int nr_notes;
	char why[512];
	struct memdiag_leaks *leaks;
};

/* cmd_leakcheck.c */
__attribute__((format(printf, 2, 3))) void leak_note(struct leak_run *run, const char *format, ...);

bool leak_is_loaded(const char *name);
int leak_snapshot(struct leak_run *run, const char *sections, struct memdiag_data **data);

/* leak_run.c */
int leak_run_all(struct leak_run *run);

/* leak_cycle.c */
void leak_take_signals(void);
int leak_stopped(void);
uint64_t leak_now_ns(void);
void leak_wait_ns(uint64_t ns);
__attribute__((format(printf, 2, 3))) int leak_give_up(struct leak_run *run, const char *format,
						       ...);
int leak_cycle(struct leak_run *run);

/* leak_places.c */
void leak_places_take(struct leak_run *run);
bool leak_places_name(const struct leak_run *run, uint64_t address, char *text, size_t size);

/* leak_settle.c */
void leak_settle_begin(struct leak_run *run);
int leak_settle(struct leak_run *run, bool shortly, struct memdiag_error *error);
void leak_settle_end(struct leak_run *run);

/* leak_evidence.c */
void leak_evidence_begin(struct leak_run *run);
void leak_evidence_end(struct leak_run *run);
void leak_evidence_free(struct leak_run *run);

/* leak_output.c */
enum memdiag_verdict leak_verdict(const struct leak_run *run);
const char *leak_reason(const struct leak_run *run);
const char *leak_subject(const struct leak_run *run);
void leak_print_found(FILE *stream, const struct leak_run *run, const struct memdiag_leak *l,
		      const char *indent);
void leak_print_power(FILE *stream, const struct leak_run *run, enum memdiag_leak_kind kind);
void leak_print(const struct leak_run *run);

/* leak_tests.c */
void leak_print_tap(const struct leak_run *run);
int leak_open_junit(struct leak_run *run, const char *path);
int leak_write_junit(struct leak_run *run);

#endif /* _LEAK_H */
