/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that use the tracker share. */
#ifndef _TRACK_H
#define _TRACK_H

#include "memdiagctl.h"

/* cmd_track.c */
const char *track_reason(const struct memdiag_data *data);

/* track_rows.c */
const char *track_string(const struct view *v, uint64_t record, const char *name);
uint64_t track_number(const struct view *v, uint64_t record, const char *name);
uint64_t track_bytes(const struct view *v, uint64_t record);
void track_filter(struct view *v, const struct options *options, bool freed);
struct json_object *track_json_sums(const struct view *v, const struct options *options);
void track_print_sums(const struct view *v, const struct options *options);

/* track_text.c */
void track_print_folded(const struct view *v);
void track_print_stack(FILE *stream, const char *stack, const char *indent);
void track_print_stacks(const struct view *v, bool exact);
void track_print_certainty(const struct view *v, bool exact);

/* track_follow.c */
int track_show_changes(const struct memdiag_data *a, const struct memdiag_data *b,
		       const struct memdiag_section *section, const struct options *options);

#endif /* _TRACK_H */
