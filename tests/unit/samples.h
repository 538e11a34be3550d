/* SPDX-License-Identifier: GPL-2.0-only */
/* Ready-made snapshots for the unit and the golden tests. */
#ifndef _SAMPLES_H
#define _SAMPLES_H

#include "build_snapshot.h"

/* One section, one field of each type, two records: small enough for exhaustive tests. */
void sample_small(struct build *b);
/* All sections of a machine before (@later is 0) and after (1) 60 s of leaking. */
void sample_machine(struct build *b, int later);
/* What a module of a later version might send. */
void sample_future(struct build *b);
/* Nothing works here: partial, unavailable, not asked. */
void sample_poor(struct build *b);

#endif /* _SAMPLES_H */
