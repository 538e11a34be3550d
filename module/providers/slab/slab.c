// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section slab: one record per slab cache.
 *
 * Walks the list of caches with the kernel's own operations, borrowed from
 * /proc/slabinfo. The numbers are those of get_slabinfo(), and more, read from
 * SLUB's structures at offsets that were verified when the module was loaded
 * (slub/verify.c). If that is not possible the kernel prints each cache's line
 * and the line is taken apart; what it does not say is absent. On kernels
 * without /proc/slabinfo the caches are found by their pages (pages.c).
 *
 * Locks: slab_mutex, taken by ->start() and dropped by ->stop(), keeps the list
 * in place; it is a mutex, so the walk may be preempted and reschedules. Inside
 * it, per cache and node, the node's list_lock with irqs off.
 *
 * Bounded: at most 10000 slabs of one partial list are looked at under its
 * lock; the rest is estimated from them, as 6.12 and later do themselves. When
 * the kernel prints the line, older kernels walk the whole list.
 *
 * Stale: records are as old as the walk takes; the numbers of one cache are
 * read while it is in use.
 *
 * Skipped: memory that does not come from slabs: large kmalloc(), KFENCE objects.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "../../compat/slab.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "../../slub/slub.h"
#include "slab.h"

static const struct memdiag_field_desc slab_fields[] = {
	MEMDIAG_LABEL(memdiag_slab_record, name, STR, NONE, KEY_BRIEF, "name of the cache"),
	MEMDIAG_GAUGE(memdiag_slab_record, active_objs, U64, NONE, INEXACT_BRIEF,
		      "objects in use, as slabinfo counts; too large by at most active_objs_error"),
	MEMDIAG_GAUGE(memdiag_slab_record, active_objs_error, U64, NONE, INEXACT,
		      "objects that may be free on per-cpu slabs or in sheaves, read without a lock; also how far an estimate from 10000 partial slabs of a node may be off"),
	MEMDIAG_GAUGE(memdiag_slab_record, num_objs, U64, NONE, BRIEF,
		      "objects in all slabs, in use or free"),
	MEMDIAG_LABEL(memdiag_slab_record, objsize, U64, BYTES, BRIEF,
		      "size of an object with its metadata"),
	MEMDIAG_LABEL(memdiag_slab_record, object_size, U64, BYTES, 0,
		      "size of an object as its user asked for it"),
	MEMDIAG_LABEL(memdiag_slab_record, objs_per_slab, U64, NONE, 0,
		      "objects in a slab of the usual order"),
	MEMDIAG_LABEL(memdiag_slab_record, pages_per_slab, U64, PAGES, 0,
		      "pages of a slab of the usual order"),
	MEMDIAG_GAUGE(memdiag_slab_record, num_slabs, U64, NONE, BRIEF, "slabs of the cache"),
	MEMDIAG_GAUGE(memdiag_slab_record, active_slabs, U64, NONE, 0,
		      "as slabinfo prints it: SLUB counts every slab, SLAB those with an object in use"),
	MEMDIAG_GAUGE(memdiag_slab_record, nr_partial, U64, NONE, 0,
		      "slabs on the nodes' partial lists"),
	MEMDIAG_GAUGE(memdiag_slab_record, bytes, U64, BYTES, INEXACT_BRIEF,
		      "memory of all slabs; off by the slabs that come or go while two counters are read; by text, too large by slabs of less than the usual order"),
	MEMDIAG_GAUGE(memdiag_slab_record, waste, U64, BYTES, INEXACT,
		      "bytes less active_objs times object_size; too small by at most active_objs_error objects"),
	MEMDIAG_LABEL(memdiag_slab_record, reclaimable, BOOL, NONE, BRIEF,
		      "counted as SReclaimable in /proc/meminfo"),
	MEMDIAG_LABEL(memdiag_slab_record, flags, HEX, NONE, 0, "SLAB_* bits of this kernel"),
	MEMDIAG_LABEL(memdiag_slab_record, flag_names, STR, NONE, 0, "the same in words"),
	MEMDIAG_GAUGE(memdiag_slab_record, aliases, U64, NONE, 0,
		      "further caches that were merged into this one"),
	MEMDIAG_LABEL(memdiag_slab_record, ctor, STR, NONE, 0, "constructor"),
	MEMDIAG_LABEL(memdiag_slab_record, align, U64, BYTES, 0, "alignment of objects"),
	MEMDIAG_LABEL(memdiag_slab_record, min_partial, U64, NONE, 0,
		      "partial slabs that a node keeps even if all are empty"),
	MEMDIAG_LABEL(memdiag_slab_record, cpu_partial, U64, NONE, 0,
		      "free objects that a CPU keeps in its partial slabs"),
	MEMDIAG_LABEL(memdiag_slab_record, cpu_partial_slabs, U64, NONE, 0,
		      "partial slabs that a CPU keeps"),
	MEMDIAG_LABEL(memdiag_slab_record, sheaf_capacity, U64, NONE, 0,
		      "objects in a sheaf, of which a CPU keeps two of free objects and a node ten"),
};

static const struct {
	slab_flags_t flag;
	const char *name;
} slab_flag_names[] = {
	{ SLAB_RECLAIM_ACCOUNT, "reclaim" },
	{ SLAB_ACCOUNT, "account" },
	{ SLAB_CACHE_DMA, "dma" },
	{ SLAB_CACHE_DMA32, "dma32" },
	{ SLAB_KMALLOC, "kmalloc" },
	{ SLAB_TYPESAFE_BY_RCU, "rcu" },
	{ SLAB_HWCACHE_ALIGN, "hwcache" },
	{ SLAB_PANIC, "panic" },
	{ SLAB_MEM_SPREAD, "spread" },
	{ SLAB_CONSISTENCY_CHECKS, "sanity" },
	{ SLAB_RED_ZONE, "redzone" },
	{ SLAB_POISON, "poison" },
	{ SLAB_STORE_USER, "user" },
	{ SLAB_TRACE, "trace" },
	{ SLAB_DEBUG_OBJECTS, "debugobjects" },
	{ SLAB_FAILSLAB, "failslab" },
	{ SLAB_KASAN, "kasan" },
	{ SLAB_NO_MERGE, "nomerge" },
	{ SLAB_NOLEAKTRACE, "noleaktrace" },
	{ SLAB_NO_USER_FLAGS, "nouserflags" },
	{ SLAB_SKIP_KFENCE, "nokfence" },
	{ SLAB_NO_OBJ_EXT, "noobjext" },
};

/* How the caches are found. */
static enum {
	SLAB_BY_TEXT,
	SLAB_BY_LIST,
	SLAB_BY_PAGES,
} slab_by;

/* There is no list of caches: is there a walk of pages? */
static void slab_init_pages(struct memdiag_status *status, int ops_error, u32 way)
{
	const char *no_list = ops_error == -ENOENT ?
			      "no /proc/slabinfo (CONFIG_SLUB_DEBUG not set, or /proc not mounted)" :
			      "/proc/slabinfo cannot be walked";

	if (way == MEMDIAG_SRC_NONE)
		memdiag_set_unavailable(status, ops_error,
					"%s; and struct kmem_cache layout not verified", no_list);
	else if (memdiag_force_ways & MEMDIAG_FORCE_NO_PAGES)
		memdiag_set_unavailable(status, ops_error,
					"%s; and the walk of pages switched off", no_list);
	else
		memdiag_set_partial(status, MEMDIAG_SRC_PAGES,
				    "%s: caches by their pages, those without a slab are not seen",
				    no_list);
	slab_by = SLAB_BY_PAGES;
}

static void __init slab_init(struct memdiag_status *status)
{
	int error = memdiag_slub.ops_error;
	u32 way = memdiag_slub.way;

	if (!MEMDIAG_IS_SLUB && error) {
		memdiag_set_unavailable(status, error, "/proc/slabinfo cannot be walked: %pe",
					ERR_PTR(error));
		return;
	}
	if (error) {
		slab_init_pages(status, error, way);
		return;
	}
	slab_by = SLAB_BY_TEXT;
	if (!MEMDIAG_IS_SLUB) {
		memdiag_set_partial(status, MEMDIAG_SRC_TEXT,
				    "CONFIG_SLAB: only what slabinfo prints");
	} else if (way == MEMDIAG_SRC_NONE || !memdiag_slab_has_list()) {
		memdiag_set_partial(status, MEMDIAG_SRC_TEXT,
				    "struct kmem_cache layout not verified: only what slabinfo prints");
	} else {
		slab_by = SLAB_BY_LIST;
		memdiag_set_ok(status, way);
	}
}

static int slab_collect_one(struct memdiag_sink *sink, struct seq_file *m, void *entry)
{
	struct memdiag_slab_record *record = memdiag_push(sink);
	struct memdiag_slab_cache cache;
	int error;

	if (!record)
		return -ENOSPC;
	if (slab_by == SLAB_BY_LIST) {
		memdiag_slab_cache_read(sink, entry, &cache);
		memdiag_slab_fill(sink, record, &cache);
		return 0;
	}
	memdiag_lock_unknown(sink);
	error = memdiag_slab_line_show(m, entry, &cache.line);
	if (!error)
		memdiag_slab_fill_line(sink, record, &cache.line);
	return error;
}

static int slab_collect(struct memdiag_sink *sink)
{
	struct seq_file m;
	loff_t pos = 0;
	int error = 0;
	void *entry;

	if (slab_by == SLAB_BY_PAGES)
		return memdiag_slab_pages_collect(sink);
	memdiag_ops_seq(&memdiag_slub.ops, &m);
	entry = memdiag_slub.ops.op->start(&m, &pos);
	while (entry) {
		error = fatal_signal_pending(current) ? -EINTR :
			slab_collect_one(sink, &m, entry);
		if (error)
			break;
		cond_resched();
		entry = memdiag_slub.ops.op->next(&m, entry, &pos);
	}
	memdiag_slub.ops.op->stop(&m, entry);
	return error;
}

static u64 slab_push_flags(struct memdiag_sink *sink, u64 flags)
{
	char text[256] = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slab_flag_names); i++) {
		if (!(flags & (u64 __force)slab_flag_names[i].flag))
			continue;
		if (text[0])
			strlcat(text, ",", sizeof(text));
		strlcat(text, slab_flag_names[i].name, sizeof(text));
	}
	return memdiag_push_string(sink, text);
}

/* Few caches differ in their flags, so the last few texts are kept. */
#define SLAB_FLAGS_KEPT		16

static int slab_finish(struct memdiag_sink *sink)
{
	struct {
		u64 flags;
		u64 names;
	} kept[SLAB_FLAGS_KEPT] = {};
	unsigned int i, k;

	for (i = 0; i < sink->nr_records; i++) {
		struct memdiag_slab_record *record = memdiag_record(sink, i);

		if (record->ctor != MEMDIAG_ABSENT)
			record->ctor = memdiag_push_function(sink, record->ctor);
		if (record->flags != MEMDIAG_ABSENT) {
			k = hash_64(record->flags, ilog2(SLAB_FLAGS_KEPT));
			if (!kept[k].names || kept[k].flags != record->flags) {
				kept[k].flags = record->flags;
				kept[k].names = slab_push_flags(sink, record->flags);
			}
			record->flag_names = kept[k].names;
		}
		cond_resched();
	}
	return 0;
}

const struct memdiag_provider memdiag_slab_provider __refconst = {
	.id = MEMDIAG_SEC_SLAB,
	.name = "slab",
	.help = "per slab cache: objects, size, and what is wasted",
	MEMDIAG_RECORDS(slab_fields, memdiag_slab_record),
	.init = slab_init,
	.collect = slab_collect,
	.finish = slab_finish,
};
