// SPDX-License-Identifier: GPL-2.0-only
/*
 * In place of the tracker where the kernel has no tracepoints: small machines should
 * not carry what cannot work on them. What is asked is answered, with the reason.
 * Settling works everywhere, see settle.c.
 */
#include <linux/errno.h>
#include <linux/init.h>

#include "../memdiag.h"

/** memdiag_track_init() - nothing to be done */
int __init memdiag_track_init(void)
{
	return 0;
}

/** memdiag_track_exit() - nothing to be done */
void memdiag_track_exit(void)
{
}

/**
 * memdiag_track_start() - refuse
 * @start: not looked at
 *
 * Return: -EOPNOTSUPP.
 */
int memdiag_track_start(struct memdiag_track_start *start)
{
	return -EOPNOTSUPP;
}

/**
 * memdiag_track_stop() - stop what does not run
 * @flags: MEMDIAG_TRACK_DISCARD or 0
 *
 * Return: 0, -EOPNOTSUPP for unknown flags.
 */
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
