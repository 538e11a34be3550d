/* SPDX-License-Identifier: GPL-2.0-only */
/* Ready-made snapshots for the unit and the golden tests. */
#ifndef _SAMPLES_H
#define _SAMPLES_H

#include "build_snapshot.h"

/* One section, one field of each type, two records: small enough for exhaustive tests. */
void sample_small(struct build *b);
/* All sections of a machine before (@later is 0) and after (1) 60 s of leaking. */
void sample_machine(struct build *b, int later);
/* Who uses it: processes, tmpfs, sockets, modules; before and after the same 60 s. */
void sample_users(struct build *b, int later);
/* What a module of a later version might send. */
void sample_future(struct build *b);
/* Nothing works here: partial, unavailable, not asked. */
void sample_poor(struct build *b);
/* Well-formed, but fields have other types than their names say, and texts have escapes. */
void sample_hostile(struct build *b);
/* A module that leaks, seen by the tracker, after @cycles cycles of leakcheck. */
void sample_tracked(struct build *b, int cycles);
/* The same without a leak, and without tracker: the kernel has no tracepoints. */
void sample_untracked(struct build *b);
/*
 * What memdiagctl load finds behind a module that was given addresses: 0 they are
 * good, 1 of another kernel, 2 one is wrong, 3 none were given and some are missing.
 */
void sample_loaded(struct build *b, int how);
/*
 * A module's file with .modinfo of @info, malloc()ed. Strings in @info end with a
 * newline, which becomes the NUL.
 */
unsigned char *sample_module(const char *info, int is_64, size_t *size);
/* What memdiag.ko says about itself. */
extern const char sample_modinfo[];
/* A System.map with some of what it asks for. */
extern const char sample_map[];

#endif /* _SAMPLES_H */
