// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi/memdiag.h grows by appending: what was there stays where it was, and callers that
 * were built against the first version are still answered.
 *
 * Built twice by tests/unit/run: with the header as it is, and with GROWN and a copy of it
 * in which a member was appended to each argument. chardev_commands.h is the table of
 * module/chardev.c, without the functions.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ktap.h"
#include "memdiag.h"
#include "uapi_v1.h"

typedef uint32_t u32;
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

struct chardev_command {
	unsigned int cmd;
	u32 min_size;
	u32 size;
};

#include "chardev_commands.h"

#define SAME(name, member)                                                                    \
	_Static_assert(offsetof(struct name, member) == offsetof(struct name##_v1, member) && \
			       sizeof(((struct name *)0)->member) ==                          \
				       sizeof(((struct name##_v1 *)0)->member),               \
		       #name "." #member " has moved")

SAME(memdiag_info, size);
SAME(memdiag_info, flags);
SAME(memdiag_info, format_major);
SAME(memdiag_info, format_minor);
SAME(memdiag_info, nr_sections);
SAME(memdiag_info, known);
SAME(memdiag_info, available);
SAME(memdiag_info, snapshot_limit);
SAME(memdiag_info, snapshot_bytes);
SAME(memdiag_info, version);
SAME(memdiag_snapshot, size);
SAME(memdiag_snapshot, flags);
SAME(memdiag_snapshot, sections);
SAME(memdiag_snapshot, bytes);
SAME(memdiag_snapshot, generation);
SAME(memdiag_snapshot, collect_ns);
SAME(memdiag_snapshot, __reserved);
SAME(memdiag_track_start, size);
SAME(memdiag_track_start, flags);
SAME(memdiag_track_start, kinds);
SAME(memdiag_track_start, depth);
SAME(memdiag_track_start, objects);
SAME(memdiag_track_start, stacks);
SAME(memdiag_track_start, one_in);
SAME(memdiag_track_start, pid);
SAME(memdiag_track_start, size_min);
SAME(memdiag_track_start, size_max);
SAME(memdiag_track_start, order_min);
SAME(memdiag_track_start, order_max);
SAME(memdiag_track_start, cgroup);
SAME(memdiag_track_start, module);
SAME(memdiag_track_start, cache);
SAME(memdiag_track_start, bytes);
SAME(memdiag_track_stop, size);
SAME(memdiag_track_stop, flags);
SAME(memdiag_settle, size);
SAME(memdiag_settle, flags);
SAME(memdiag_settle, waited_ns);

#define V1(name) sizeof(struct name##_v1), sizeof(struct name)

static const struct {
	unsigned int cmd;
	size_t first;
	size_t now;
} arguments[] = {
	{ MEMDIAG_IOC_INFO, V1(memdiag_info) },
	{ MEMDIAG_IOC_SNAPSHOT, V1(memdiag_snapshot) },
	{ MEMDIAG_IOC_TRACK_START, V1(memdiag_track_start) },
	{ MEMDIAG_IOC_TRACK_STOP, V1(memdiag_track_stop) },
	{ MEMDIAG_IOC_SETTLE, V1(memdiag_settle) },
};

#define NR_ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

static void the_first_version_is_accepted(void)
{
	CHECK(sizeof(chardev_commands) / sizeof(chardev_commands[0]) == NR_ARGUMENTS);
	for (size_t n = 0; n < NR_ARGUMENTS; n++) {
		CHECK(chardev_commands[n].cmd == arguments[n].cmd);
		CHECK(chardev_commands[n].size == arguments[n].now);
		if (chardev_commands[n].min_size != arguments[n].first)
			printf("# command %zu: %u bytes are wanted, the first version has %zu\n", n,
			       chardev_commands[n].min_size, arguments[n].first);
		CHECK(chardev_commands[n].min_size == arguments[n].first);
	}
}

#ifndef GROWN
/* Who appends a member changes one number here, on purpose. */
static void sizes(void)
{
	CHECK(sizeof(struct memdiag_info) == 88);
	CHECK(sizeof(struct memdiag_snapshot) == 56);
	CHECK(sizeof(struct memdiag_track_start) == 208);
	CHECK(sizeof(struct memdiag_track_stop) == 8);
	CHECK(sizeof(struct memdiag_settle) == 16);
	CHECK(sizeof(struct memdiag_header) == 136);
	CHECK(sizeof(struct memdiag_section) == 88);
	CHECK(sizeof(struct memdiag_field) == 24);
	CHECK(sizeof(struct memdiag_info_v1) == 80);
	CHECK(sizeof(struct memdiag_snapshot_v1) == 48);
	CHECK(sizeof(struct memdiag_track_start_v1) == 208);
}
#endif

int main(void)
{
#ifndef GROWN
	RUN(sizes);
#endif
	RUN(the_first_version_is_accepted);
	return ktap_done();
}
