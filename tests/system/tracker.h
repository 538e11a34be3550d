/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of track share: the device, kept open, and a report added up. */
#ifndef _TESTS_TRACKER_H
#define _TESTS_TRACKER_H

#include <stdint.h>

#include "memdiag.h"
#include "mod.h"

/* The device. */
extern int device;

/* The ioctls of it: 0 or the errno. */
int start(struct memdiag_track_start *arg);
int stop(uint32_t flags);
int settle(uint64_t *ns);
/* To be started with. */
struct memdiag_track_start by_module(const char *module);

struct sum {
	uint64_t records;
	uint64_t count;
	uint64_t bytes;
	uint64_t asked;
	uint64_t allocated;
	uint64_t freed;
	uint64_t unsure;
};

/* What is outstanding of a module (NULL: all), a kind and stacks that have a word in them. */
struct sum report(const char *module, const char *kind, const char *word);
/* A number of section track_status. */
uint64_t status(const char *name);

int by_hand(int argc, char **argv);
void test_stress(unsigned int seconds);

#endif /* _TESTS_TRACKER_H */
