// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replaces the tracker on a kernel without tracepoints, and refuses with that reason. Settling
 * needs no tracepoints: see settle.c.
 */
#include <linux/errno.h>
#include <linux/init.h>

#include "../memdiag.h"

int __init memdiag_track_init(void)
{
	return 0;
}

void memdiag_track_exit(void)
{
}

int memdiag_track_start(struct memdiag_track_start *start)
{
	return -EOPNOTSUPP;
}

int memdiag_track_stop(u32 flags)
{
	return flags & ~MEMDIAG_TRACK_DISCARD ? -EOPNOTSUPP : 0;
}

static void __init none_init(struct memdiag_status *status)
{
	memdiag_set_unavailable(status, -EOPNOTSUPP,
				"the kernel has no tracepoints: CONFIG_TRACEPOINTS is not set");
}

const struct memdiag_provider memdiag_track_status_provider __refconst = {
	.id = MEMDIAG_SEC_TRACK_STATUS,
	.name = "track_status",
	.help = "one record: how the tracker of allocations stands, and what it could not follow",
	.init = none_init,
};

const struct memdiag_provider memdiag_track_provider __refconst = {
	.id = MEMDIAG_SEC_TRACK,
	.name = "track",
	.help = "per stack, kind, and cache or order: what it allocated and has not freed",
	.on_request = true,
	.init = none_init,
};
