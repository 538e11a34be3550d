/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reader of snapshots of its own, made from uapi/memdiag.h and nothing else:
 * the tests do not share a line, nor a misunderstanding, with libmemdiag.
 */
#ifndef _TESTS_SNAP_H
#define _TESTS_SNAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memdiag.h"

#define SNAP_DEVICE "/dev/memdiag"
#define SNAP_BIT(s) (1ull << MEMDIAG_SEC_##s)

/**
 * struct snap - a snapshot in memory
 * @fd: the device, -1 if it came from a file
 * @data: the bytes
 * @size: their number
 */
struct snap {
	int fd;
	const uint8_t *data;
	size_t size;
};

/* 0 or -errno */
int snap_open(struct snap *snap);
int snap_collect(struct snap *snap, uint64_t sections);
int snap_load(struct snap *snap, const char *path);
void snap_drop(struct snap *snap);

/* Open, collect, check; bails out if any of that fails. */
void snap_take(struct snap *snap, uint64_t sections);

/**
 * snap_check() - is it all as the header says?
 *
 * Return: NULL, or what is wrong
 */
const char *snap_check(const struct snap *snap);

const struct memdiag_header *snap_header(const struct snap *snap);
const struct memdiag_section *snap_section(const struct snap *snap, unsigned int id);
const char *snap_string(const struct snap *snap, uint64_t offset);
const struct memdiag_field *snap_field(const struct snap *snap,
				       const struct memdiag_section *section, unsigned int i);
/* -1 if there is none of that name */
int snap_field_named(const struct snap *snap, const struct memdiag_section *section,
		     const char *name);
uint64_t snap_value(const struct snap *snap, const struct memdiag_section *section, uint64_t n,
		    unsigned int field);
/* Bails out if there is no such field. */
uint64_t snap_get(const struct snap *snap, const struct memdiag_section *section, uint64_t n,
		  const char *name);
/* The same for a string; NULL if absent. */
const char *snap_get_string(const struct snap *snap, const struct memdiag_section *section,
			    uint64_t n, const char *name);

/* ok or partial */
bool snap_has(const struct snap *snap, unsigned int id);

#endif /* _TESTS_SNAP_H */
