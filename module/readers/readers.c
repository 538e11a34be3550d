// SPDX-License-Identifier: GPL-2.0-only
/* What several sections read, made ready before the first of them looks. */
#include <linux/init.h>

#include "../slub/slub.h"
#include "meminfo.h"
#include "readers.h"
#include "vmstat.h"
#include "zones.h"

/**
 * memdiag_readers_init() - open, learn and verify what several sections read
 *
 * Context: may sleep. A reader that finds nothing says so when it is asked.
 */
void __init memdiag_readers_init(void)
{
	memdiag_meminfo_init();
	memdiag_vmstat_init();
	memdiag_zones_init();
	memdiag_slub_init();
}

/** memdiag_readers_exit() - undo memdiag_readers_init() */
void memdiag_readers_exit(void)
{
	memdiag_slub_exit();
	memdiag_zones_exit();
	memdiag_vmstat_exit();
	memdiag_meminfo_exit();
}
