// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is found out about the slab caches of this kernel, once, before any section
 * looks: the way to their list, and the layout of SLUB's structures.
 */
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../compat/slab.h"
#include "../memdiag.h"
#include "slub.h"

struct memdiag_slub memdiag_slub;

/**
 * memdiag_slub_init() - borrow the list of caches, find and verify the layout
 *
 * Context: may sleep; takes slab_mutex.
 */
void __init memdiag_slub_init(void)
{
	memdiag_slub.ops_error = memdiag_ops_open(&memdiag_slub.ops, "/proc/slabinfo");
	memdiag_slub.way = MEMDIAG_IS_SLUB ? memdiag_slab_verify(&memdiag_slub.ops) :
			   MEMDIAG_SRC_NONE;
}

/** memdiag_slub_exit() - give the list back */
void memdiag_slub_exit(void)
{
	memdiag_ops_close(&memdiag_slub.ops);
}

/**
 * memdiag_slab_debugged() - is there a cache that SLUB debugs in any way?
 *
 * Context: process; takes slab_mutex.
 *
 * Return: 1 or 0; -ENODATA if the flags of the caches cannot be read here.
 */
int memdiag_slab_debugged(void)
{
	const slab_flags_t debug = SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |
				   SLAB_STORE_USER | SLAB_TRACE;
	struct seq_file m;
	int debugged = 0;
	loff_t pos = 0;
	void *entry;

	if (memdiag_slub.ops_error || memdiag_slub.way == MEMDIAG_SRC_NONE ||
	    !memdiag_slab_has_list() || !memdiag_slab_has(CACHE_FLAGS))
		return -ENODATA;
	memdiag_ops_seq(&memdiag_slub.ops, &m);
	entry = memdiag_slub.ops.op->start(&m, &pos);
	while (entry && !debugged) {
		const void *s = memdiag_slab_base(entry, CACHE_LIST);

		debugged = !!(memdiag_slab_get(s, CACHE_FLAGS) & (u64 __force)debug);
		cond_resched();
		entry = memdiag_slub.ops.op->next(&m, entry, &pos);
	}
	memdiag_slub.ops.op->stop(&m, entry);
	return debugged;
}
