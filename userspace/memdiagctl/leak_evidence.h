/* SPDX-License-Identifier: GPL-2.0-only */
/* What leak_instruments.c reads and leak_evidence.c tells. */
#ifndef _LEAK_EVIDENCE_H
#define _LEAK_EVIDENCE_H

#include "leak.h"

#define LEAK_KMEMLEAK "/sys/kernel/debug/kmemleak"

/**
 * struct leak_site - where something was allocated
 * @source: the instrument
 * @stack: innermost first, separated by semicolons; the line of allocinfo
 * @objects: how many, before and after
 * @bytes: likewise; 0 if the instrument does not say
 */
struct leak_site {
	char *source;
	char *stack;
	uint64_t objects[2];
	uint64_t bytes[2];
};

/**
 * struct leak_sites - sites, each once
 * @tree: for tsearch(3)
 * @all: the same, in the order in which they were first seen
 * @nr: number of @all
 */
struct leak_sites {
	void *tree;
	struct leak_site **all;
	size_t nr;
};

enum leak_when { BEFORE, AFTER };

/**
 * struct leak_evidence - what was seen
 * @run: the check
 * @raw: sites as they were read
 * @when: being read
 * @kmemleak: it was asked before
 * @log: the kernel's log from the beginning on, or -1
 */
struct leak_evidence {
	const struct leak_run *run;
	struct leak_sites raw;
	enum leak_when when;
	bool kmemleak;
	int log;
};

struct leak_site *leak_site_get(struct leak_sites *sites, const char *source, const char *stack);
void leak_sites_free(struct leak_sites *sites);
const char *leak_frame_of(const struct leak_run *run, const char *stack);
bool leak_ask_kmemleak(struct leak_evidence *e);
void leak_read_log(struct leak_evidence *e);
void leak_read_instruments(struct leak_evidence *e, enum leak_when when);

#endif /* _LEAK_EVIDENCE_H */
