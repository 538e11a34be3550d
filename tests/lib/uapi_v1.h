/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first version of each ioctl argument, as callers were built against it. This is a
 * copy that stays as it is whatever is appended to uapi/memdiag.h: do not change it.
 */
#ifndef _TESTS_UAPI_V1_H
#define _TESTS_UAPI_V1_H

#include <linux/types.h>

struct memdiag_info_v1 {
	__u32 size;
	__u32 flags;
	__u16 format_major;
	__u16 format_minor;
	__u32 nr_sections;
	__aligned_u64 known;
	__aligned_u64 available;
	__aligned_u64 snapshot_limit;
	__aligned_u64 snapshot_bytes;
	__u8 version[32];
};

struct memdiag_snapshot_v1 {
	__u32 size;
	__u32 flags;
	__aligned_u64 sections;
	__aligned_u64 bytes;
	__aligned_u64 generation;
	__aligned_u64 collect_ns;
	__aligned_u64 __reserved;
};

struct memdiag_track_start_v1 {
	__u32 size;
	__u32 flags;
	__u32 kinds;
	__u32 depth;
	__aligned_u64 objects;
	__aligned_u64 stacks;
	__u32 one_in;
	__s32 pid;
	__aligned_u64 size_min;
	__aligned_u64 size_max;
	__u32 order_min;
	__u32 order_max;
	__aligned_u64 cgroup;
	__u8 module[64];
	__u8 cache[64];
	__aligned_u64 bytes;
};

struct memdiag_track_stop_v1 {
	__u32 size;
	__u32 flags;
};

struct memdiag_settle_v1 {
	__u32 size;
	__u32 flags;
	__aligned_u64 waited_ns;
};

#endif /* _TESTS_UAPI_V1_H */
