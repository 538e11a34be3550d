/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of known_ledger share: the ledger, memory of many kinds to take and to
 * give back (known_ledger_take.c, _swap.c, _device.c), and what the census says
 * (known_ledger_census.c).
 */
#ifndef _TESTS_KNOWN_LEDGER_H
#define _TESTS_KNOWN_LEDGER_H

#include <stdbool.h>
#include <stdint.h>


#define MAX_LINES	40
/* Pages that others may take or give back meanwhile: 1.5 MiB. */
#define NOISE		384
#define MIB		(1l << 20)

/* What a case takes, in bytes if not said otherwise. */
#define AMOUNT		(16 * MIB)
#define SOCKET_BYTES	(8 * MIB)
#define SPARSE_TABLES	3000l
#define THREADS		400
#define PROCESSES	200
#define HUGE		8
/* What the two devices of test_hmm have, in pages. */
#define DEVICE_PAGES	(2 * 256 * MIB / page)

extern long page;
extern long huge_size;
/* Pages of all lines. */
extern long memory;
/* Why the last memory that was to be taken could not be had. */
extern const char *why;

struct line {
	char name[32];
	int64_t pages;
	int64_t error;
	bool present;
};

struct ledger {
	struct line line[MAX_LINES];
	unsigned int nr;
};

/**
 * struct grows - a line that may or must grow
 * @line: its name
 * @low: the least number of pages that the line must grow by
 * @high: the largest number of pages that the line may grow by
 */
struct grows {
	const char *line;
	int64_t low;
	int64_t high;
};

struct ledger look(void);
struct ledger look_when_quiet(void);
int64_t ledger_line(const struct ledger *l, const char *name);

/* Says why, for a test that is skipped; always false. */
bool cannot(const char *reason);

/*
 * Each takes memory of one kind; false if it cannot be had here, and why says the reason.
 * What gives it back has its name.
 */
bool take_anon(void *arg);
bool take_file(void *arg);
bool take_deleted(void *arg);
bool take_memfd(void *arg);
bool take_tables(void *arg);
bool take_threads(void *arg);
bool take_pool(void *arg);
bool take_huge(void *arg);
bool take_other_pool(void *arg);
bool take_holes(void *arg);
bool take_processes(void *arg);
bool take_unread(void *arg);
bool take_pinned(void *arg);
bool take_swapped(void *arg);
bool take_pressed(void *arg);
bool take_device(void *arg);
bool take_fixture(void *arg);
void give_anon(void *arg);
void give_file(void *arg);
void give_memfd(void *arg);
void give_tables(void *arg);
void give_threads(void *arg);
void give_pool(void *arg);
void give_huge(void *arg);
void give_other_pool(void *arg);
void give_holes(void *arg);
void give_processes(void *arg);
void give_sockets(void *arg);
void give_swapped(void *arg);
void give_pressed(void *arg);
void give_device(void *arg);
void give_fixture(void *arg);

/* Loads a module that qemu/run offers, and what that needs, if it is there. */
void load_offered(const char *name);

/* Swaps to a zram device of @bytes, until swap_off() stops that and resets the device. */
bool swap_on(long bytes);
void swap_off(void);

void known_census(void);
void known_leak(void);

#endif /* _TESTS_KNOWN_LEDGER_H */
