/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that use the tracker share. */
#ifndef _TRACK_H
#define _TRACK_H

#include <stdio.h>

#include "memdiagctl.h"

/* cmd_track.c */
const char *track_reason(const struct memdiag_data *data);
void track_print_stack(FILE *stream, const char *stack, const char *indent);

#endif /* _TRACK_H */
