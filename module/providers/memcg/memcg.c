// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section memcg: one record per memory cgroup, on cgroup v1 or v2, also those
 * that were removed but are still held by what is charged to them.
 *
 * Walks the tree of css's from the controller's root with exported functions.
 * A removed cgroup stays on its parent's list of children until its last
 * reference is gone, so it is found as well. Usage, limits and events are in
 * the public struct mem_cgroup; the items of memory.stat come by way of
 * stat.c.
 *
 * Locks: RCU only, let go every 64 cgroups; the cgroup to resume from is held
 * by a reference meanwhile. Below it kernfs_rename_lock, inside of
 * kernfs_path(). Before the walk the root's memory.stat is printed once, into
 * nowhere: as for any reader of the file, that makes the kernel add up what is
 * pending if it is more than 64 pages per CPU.
 *
 * Stale: counters are read without a lock, one after the other. Usage counts
 * up to 64 pages per CPU that are charged ahead. The items of memory.stat lag
 * by what is pending, see stat.c.
 *
 * Skipped: cgroups whose last reference is gone. If the items of memory.stat
 * have to be had by text, only so many cgroups get them, for each costs as much
 * as reading its file.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../compat/memcontrol.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "memcg.h"
#include "stat.h"

#ifdef CONFIG_MEMCG

/* cgroups to visit in one RCU read-side section. */
#define MEMCG_BATCH		64
/* cgroups to ask for their memory.stat by text. */
#define MEMCG_MAX_TEXT		1000

struct memcg_events {
	u64 low;
	u64 high;
	u64 max;
	u64 oom;
	u64 oom_kill;
	u64 oom_group_kill;
	u64 sock_throttled;
};

struct memcg_counter {
	u64 usage;
	u64 peak;
	u64 limit;
	u64 failcnt;
};

/* Followed by one u64 per item of memory.stat. */
struct memcg_record {
	u64 id;
	u64 parent;
	u64 path;
	u64 state;
	u64 level;
	u64 nr_descendants;
	u64 nr_dying_descendants;
	struct memcg_counter memory;
	u64 min;
	u64 low;
	u64 high;
	u64 oom_group;
	u64 residual;
	struct memcg_events events;
	struct memcg_events events_local;
	struct memcg_counter swap;
	u64 swap_high;
	u64 swap_events_high;
	u64 swap_events_max;
	u64 swap_events_fail;
	u64 soft_limit;
	struct memcg_counter memsw;
	struct memcg_counter kmem;
	struct memcg_counter tcpmem;
	u64 stat[];
};

static const struct memdiag_field_desc memcg_fields[] = {
	MEMDIAG_LABEL(memcg_record, id, U64, NONE, KEY,
		      "cgroup id: the inode number of its directory"),
	MEMDIAG_LABEL(memcg_record, parent, U64, NONE, 0, "id of the cgroup above"),
	MEMDIAG_LABEL(memcg_record, path, STR, NONE, BRIEF,
		      "path in the hierarchy; of a removed cgroup the one it had, and (deleted)"),
	MEMDIAG_LABEL(memcg_record, state, STR, NONE, BRIEF,
		      "online; dying: removed, but still held; offline: without the controller"),
	MEMDIAG_LABEL(memcg_record, level, U64, NONE, 0, "depth below the root"),
	MEMDIAG_GAUGE(memcg_record, nr_descendants, U64, NONE, 0, "cgroups below it, not removed"),
	MEMDIAG_GAUGE(memcg_record, nr_dying_descendants, U64, NONE, BRIEF,
		      "cgroups below it, removed but still held"),

	MEMDIAG_FIELD(memcg_record, memory.usage, "memory.current",
		      U64, BYTES, GAUGE, INEXACT_BRIEF,
		      "memory charged; up to 64 pages per CPU of it ahead of use; of the root of v1: file and anon"),
	MEMDIAG_GAUGE(memcg_record, memory.peak, U64, BYTES, 0, "largest memory.current there was"),
	MEMDIAG_FIELD(memcg_record, min, "memory.min", U64, BYTES, GAUGE, 0,
		      "protected from reclaim in any case"),
	MEMDIAG_FIELD(memcg_record, low, "memory.low", U64, BYTES, GAUGE, 0,
		      "protected from reclaim if possible"),
	MEMDIAG_FIELD(memcg_record, high, "memory.high", U64, BYTES, GAUGE, 0,
		      "throttled and reclaimed above"),
	MEMDIAG_FIELD(memcg_record, memory.limit, "memory.max", U64, BYTES, GAUGE, BRIEF,
		      "hard limit"),
	MEMDIAG_FIELD(memcg_record, oom_group, "memory.oom.group", BOOL, NONE, LABEL, 0,
		      "the OOM killer takes all of it or nothing"),
	MEMDIAG_COUNTER(memcg_record, memory.failcnt, U64, NONE, 0, "charges that met the limit"),
	MEMDIAG_GAUGE(memcg_record, residual, S64, BYTES, INEXACT,
		      "memory.current less anon, file, kernel and sock: swap cache that is not mapped, hugetlb, and what is charged ahead; the items lag by up to 64 pages per CPU and 2 s"),

	MEMDIAG_FIELD(memcg_record, events.low, "memory.events.low", U64, NONE, COUNTER, 0,
		      "reclaimed although below memory.low; with all cgroups below it, on v1 alone"),
	MEMDIAG_FIELD(memcg_record, events.high, "memory.events.high", U64, NONE, COUNTER, 0,
		      "throttled for exceeding memory.high; likewise"),
	MEMDIAG_FIELD(memcg_record, events.max, "memory.events.max", U64, NONE, COUNTER, 0,
		      "about to exceed memory.max; likewise"),
	MEMDIAG_FIELD(memcg_record, events.oom, "memory.events.oom", U64, NONE, COUNTER, 0,
		      "at the limit, and reclaim failed; likewise"),
	MEMDIAG_FIELD(memcg_record, events.oom_kill, "memory.events.oom_kill",
		      U64, NONE, COUNTER, BRIEF, "processes killed by any OOM killer; likewise"),
	MEMDIAG_FIELD(memcg_record, events.oom_group_kill, "memory.events.oom_group_kill",
		      U64, NONE, COUNTER, 0, "group OOM kills; likewise"),
	MEMDIAG_FIELD(memcg_record, events.sock_throttled, "memory.events.sock_throttled",
		      U64, NONE, COUNTER, 0, "sockets throttled; likewise"),
	MEMDIAG_FIELD(memcg_record, events_local.low, "memory.events.local.low",
		      U64, NONE, COUNTER, 0,
		      "reclaimed although below memory.low; of this cgroup alone"),
	MEMDIAG_FIELD(memcg_record, events_local.high, "memory.events.local.high",
		      U64, NONE, COUNTER, 0,
		      "throttled for exceeding memory.high; of this cgroup alone"),
	MEMDIAG_FIELD(memcg_record, events_local.max, "memory.events.local.max",
		      U64, NONE, COUNTER, 0, "about to exceed memory.max; of this cgroup alone"),
	MEMDIAG_FIELD(memcg_record, events_local.oom, "memory.events.local.oom",
		      U64, NONE, COUNTER, 0,
		      "at the limit, and reclaim failed; of this cgroup alone"),
	MEMDIAG_FIELD(memcg_record, events_local.oom_kill, "memory.events.local.oom_kill",
		      U64, NONE, COUNTER, 0,
		      "processes killed by any OOM killer; of this cgroup alone"),
	MEMDIAG_FIELD(memcg_record, events_local.oom_group_kill,
		      "memory.events.local.oom_group_kill", U64, NONE, COUNTER, 0,
		      "group OOM kills; of this cgroup alone"),
	MEMDIAG_FIELD(memcg_record, events_local.sock_throttled,
		      "memory.events.local.sock_throttled", U64, NONE, COUNTER, 0,
		      "sockets throttled; of this cgroup alone"),

	MEMDIAG_FIELD(memcg_record, swap.usage, "memory.swap.current", U64, BYTES, GAUGE, 0,
		      "swap charged; v2"),
	MEMDIAG_FIELD(memcg_record, swap.peak, "memory.swap.peak", U64, BYTES, GAUGE, 0,
		      "largest memory.swap.current there was; v2"),
	MEMDIAG_FIELD(memcg_record, swap_high, "memory.swap.high", U64, BYTES, GAUGE, 0,
		      "throttled above; v2"),
	MEMDIAG_FIELD(memcg_record, swap.limit, "memory.swap.max", U64, BYTES, GAUGE, 0,
		      "limit of swap; v2"),
	MEMDIAG_FIELD(memcg_record, swap_events_high, "memory.swap.events.high",
		      U64, NONE, COUNTER, 0, "above memory.swap.high; v2"),
	MEMDIAG_FIELD(memcg_record, swap_events_max, "memory.swap.events.max",
		      U64, NONE, COUNTER, 0, "about to exceed memory.swap.max; v2"),
	MEMDIAG_FIELD(memcg_record, swap_events_fail, "memory.swap.events.fail",
		      U64, NONE, COUNTER, 0, "swap could not be had; v2"),

	MEMDIAG_FIELD(memcg_record, soft_limit, "memory.soft_limit_in_bytes", U64, BYTES, GAUGE, 0,
		      "soft limit; v1"),
	MEMDIAG_FIELD(memcg_record, memsw.usage, "memory.memsw.usage_in_bytes",
		      U64, BYTES, GAUGE, 0, "memory and swap charged; v1; absent for the root"),
	MEMDIAG_FIELD(memcg_record, memsw.peak, "memory.memsw.max_usage_in_bytes",
		      U64, BYTES, GAUGE, 0, "largest memory.memsw.usage_in_bytes there was; v1"),
	MEMDIAG_FIELD(memcg_record, memsw.limit, "memory.memsw.limit_in_bytes",
		      U64, BYTES, GAUGE, 0, "limit of memory and swap; v1"),
	MEMDIAG_FIELD(memcg_record, memsw.failcnt, "memory.memsw.failcnt", U64, NONE, COUNTER, 0,
		      "charges that met that limit; v1"),
	MEMDIAG_FIELD(memcg_record, kmem.usage, "memory.kmem.usage_in_bytes", U64, BYTES, GAUGE, 0,
		      "kernel memory charged; v1"),
	MEMDIAG_FIELD(memcg_record, kmem.peak, "memory.kmem.max_usage_in_bytes",
		      U64, BYTES, GAUGE, 0, "largest memory.kmem.usage_in_bytes there was; v1"),
	MEMDIAG_FIELD(memcg_record, kmem.limit, "memory.kmem.limit_in_bytes", U64, BYTES, GAUGE, 0,
		      "limit of kernel memory, no longer in force; v1"),
	MEMDIAG_FIELD(memcg_record, kmem.failcnt, "memory.kmem.failcnt", U64, NONE, COUNTER, 0,
		      "charges that met that limit; v1"),
	MEMDIAG_FIELD(memcg_record, tcpmem.usage, "memory.kmem.tcp.usage_in_bytes",
		      U64, BYTES, GAUGE, 0, "TCP buffers charged; v1"),
	MEMDIAG_FIELD(memcg_record, tcpmem.peak, "memory.kmem.tcp.max_usage_in_bytes",
		      U64, BYTES, GAUGE, 0, "largest memory.kmem.tcp.usage_in_bytes there was; v1"),
	MEMDIAG_FIELD(memcg_record, tcpmem.limit, "memory.kmem.tcp.limit_in_bytes",
		      U64, BYTES, GAUGE, 0, "limit of TCP buffers; v1"),
	MEMDIAG_FIELD(memcg_record, tcpmem.failcnt, "memory.kmem.tcp.failcnt",
		      U64, NONE, COUNTER, 0, "charges that met that limit; v1"),
};

/* Columns to show without being asked, of the items of memory.stat. */
static const char * const memcg_brief[] = { "anon", "file", "kernel", "sock" };

/* The one memory cgroup that is there as long as the kernel runs. */
static struct cgroup_subsys_state *memcg_root;
/* Items that the residual is made of; the residual is absent without them. */
static int memcg_parts[4];

static u32 memcg_stat_flags(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(memcg_brief); i++)
		if (!strcmp(memcg_brief[i], name))
			return MEMDIAG_FIELD_INEXACT | MEMDIAG_FIELD_BRIEF;
	return MEMDIAG_FIELD_INEXACT;
}

/* Join the fixed fields and the items of memory.stat to one table. */
static int memcg_build_fields(struct memdiag_status *status)
{
	u32 source = memdiag_memcg_stat_is_direct() ? MEMDIAG_SRC_BTF : MEMDIAG_SRC_TEXT;
	unsigned int i, fixed = ARRAY_SIZE(memcg_fields);
	unsigned int nr = memdiag_memcg_stat_nr();
	struct memdiag_field_desc *fields;

	fields = memdiag_keep(fixed + nr, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	memcpy(fields, memcg_fields, sizeof(memcg_fields));
	for (i = 0; i < nr; i++) {
		const struct memdiag_memcg_item *item = memdiag_memcg_stat_item(i);
		struct memdiag_field_desc *field = &fields[fixed + i];

		field->name = item->name;
		field->help = item->help;
		field->type = MEMDIAG_TYPE_U64;
		field->unit = item->is_event ? MEMDIAG_UNIT_NONE : MEMDIAG_UNIT_BYTES;
		field->kind = item->is_event ? MEMDIAG_KIND_COUNTER : MEMDIAG_KIND_GAUGE;
		field->flags = memcg_stat_flags(item->name);
		field->offset = offsetof(struct memcg_record, stat[i]);
		field->source = source;
	}
	for (i = 0; i < ARRAY_SIZE(memcg_brief); i++)
		memcg_parts[i] = memdiag_memcg_stat_index(memcg_brief[i]);
	status->fields = fields;
	status->nr_fields = fixed + nr;
	status->record_size = offsetof(struct memcg_record, stat[nr]);
	return 0;
}

/*
 * The root's css moves between hierarchies with the controller, but it is
 * always the same one; so it is looked up once, above that of this task.
 */
static struct cgroup_subsys_state *memcg_find_root(void)
{
	struct cgroup_subsys_state *css;

	rcu_read_lock();
	css = task_css(current, memory_cgrp_id);
	while (css->parent)
		css = css->parent;
	if (css->ss != &memory_cgrp_subsys)
		css = NULL;
	rcu_read_unlock();
	return css;
}

static void __init memcg_init(struct memdiag_status *status)
{
	char reason[MEMDIAG_REASON_LEN];
	int error;

	if (mem_cgroup_disabled()) {
		memdiag_set_unavailable(status, -EOPNOTSUPP,
					"switched off by cgroup_disable=memory");
		return;
	}
	memcg_root = memcg_find_root();
	if (!memcg_root) {
		memdiag_set_unavailable(status, -ENOENT,
					"no root memory cgroup found");
		return;
	}
	memdiag_memcg_stat_init(memcg_root, reason, sizeof(reason));
	error = memcg_build_fields(status);
	if (error) {
		memdiag_memcg_stat_exit();
		memdiag_set_unavailable(status, error, "no memory for the field table");
		return;
	}
	if (!reason[0])
		memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
	else
		memdiag_set_partial(status, MEMDIAG_SRC_EXPORT, "%s%s", reason,
				    memdiag_memcg_stat_is_direct() ||
				    !memdiag_memcg_stat_nr() ? "" :
				    ": memory.stat by text, at most "
				    __stringify(MEMCG_MAX_TEXT) " of them");
}

static void memcg_exit(struct memdiag_status *status)
{
	if (status->fields != memcg_fields)
		memdiag_free(status->fields);
	status->fields = memcg_fields;
	status->nr_fields = ARRAY_SIZE(memcg_fields);
	memdiag_memcg_stat_exit();
}

static u64 memcg_bytes(unsigned long pages)
{
	return (u64)pages * PAGE_SIZE;
}

static u64 memcg_limit(unsigned long pages)
{
	return pages >= PAGE_COUNTER_MAX ? MEMDIAG_UNLIMITED : memcg_bytes(pages);
}

/* Lockless, like the files that show the same; see page_counter_charge(). */
static void memcg_fill_counter(struct memcg_counter *to, struct page_counter *counter)
{
	to->usage = memcg_bytes(page_counter_read(counter));
	to->peak = memcg_bytes(READ_ONCE(counter->watermark));
	to->limit = memcg_limit(READ_ONCE(counter->max));
	to->failcnt = READ_ONCE(counter->failcnt);
}

static void memcg_fill_events(struct memcg_events *to, atomic_long_t *events)
{
	to->low = atomic_long_read(&events[MEMCG_LOW]);
	to->high = atomic_long_read(&events[MEMCG_HIGH]);
	to->max = atomic_long_read(&events[MEMCG_MAX]);
	to->oom = atomic_long_read(&events[MEMCG_OOM]);
	to->oom_kill = atomic_long_read(&events[MEMCG_OOM_KILL]);
#ifdef MEMDIAG_HAVE_OOM_GROUP_KILL
	to->oom_group_kill = atomic_long_read(&events[MEMCG_OOM_GROUP_KILL]);
#endif
#ifdef MEMDIAG_HAVE_SOCK_THROTTLED
	to->sock_throttled = atomic_long_read(&events[MEMCG_SOCK_THROTTLED]);
#endif
}

static void memcg_fill_v2(struct memcg_record *record, struct mem_cgroup *memcg)
{
	record->min = memcg_limit(READ_ONCE(memcg->memory.min));
	record->low = memcg_limit(READ_ONCE(memcg->memory.low));
	record->high = memcg_limit(READ_ONCE(memcg->memory.high));
	record->oom_group = READ_ONCE(memcg->oom_group);
	if (!IS_ENABLED(CONFIG_SWAP))
		return;
	memcg_fill_counter(&record->swap, &memcg->swap);
	record->swap_high = memcg_limit(READ_ONCE(memcg->swap.high));
	record->swap_events_high = atomic_long_read(&memcg->memory_events[MEMCG_SWAP_HIGH]);
	record->swap_events_max = atomic_long_read(&memcg->memory_events[MEMCG_SWAP_MAX]);
	record->swap_events_fail = atomic_long_read(&memcg->memory_events[MEMCG_SWAP_FAIL]);
}

static void memcg_fill_v1(struct memcg_record *record, struct mem_cgroup *memcg)
{
#if MEMDIAG_HAVE_MEMCG_V1
	if (IS_ENABLED(CONFIG_SWAP))
		memcg_fill_counter(&record->memsw, &memcg->memsw);
	memcg_fill_counter(&record->kmem, &memcg->kmem);
	memcg_fill_counter(&record->tcpmem, &memcg->tcpmem);
	record->soft_limit = memcg_limit(READ_ONCE(memcg->soft_limit));
#endif
}

static u64 memcg_part(const struct memcg_record *record, unsigned int part)
{
	return memcg_parts[part] < 0 ? MEMDIAG_ABSENT :
				       record->stat[memcg_parts[part]];
}

/* What follows from the items of memory.stat. */
static void memcg_fill_derived(struct memcg_record *record, bool is_root, bool v1)
{
	u64 anon = memcg_part(record, 0);
	u64 file = memcg_part(record, 1);
	u64 kernel = memcg_part(record, 2);
	u64 sock = memcg_part(record, 3);

	/* The root of v1 charges nothing; see mem_cgroup_usage(). */
	if (is_root && v1 && anon != MEMDIAG_ABSENT && file != MEMDIAG_ABSENT)
		record->memory.usage = anon + file;
	if (is_root || anon == MEMDIAG_ABSENT || file == MEMDIAG_ABSENT ||
	    kernel == MEMDIAG_ABSENT || sock == MEMDIAG_ABSENT)
		return;
	record->residual = record->memory.usage - anon - file - kernel - sock;
}

/*
 * The directory of a cgroup; NULL for the root of v1. When such a hierarchy goes and
 * the controller moves back, that one is freed at once, with no regard for RCU up to
 * v6.7. So it is never looked at.
 */
static const struct cgroup *memcg_directory(const struct cgroup_subsys_state *css)
{
	const struct cgroup *cgroup = READ_ONCE(css->cgroup);

	return css == memcg_root && cgroup != &cgrp_dfl_root.cgrp ? NULL : cgroup;
}

/* Each hierarchy's root has the id 1 and the path "/". */
static u64 memcg_id(const struct cgroup_subsys_state *css)
{
	return css == memcg_root ? 1 : cgroup_id(css->cgroup);
}

static u64 memcg_push_path(struct memdiag_sink *sink, struct cgroup_subsys_state *css,
			   bool dead, char *path)
{
	int length;

	if (css == memcg_root)
		return memdiag_push_string(sink, "/");
	length = cgroup_path(css->cgroup, path, PATH_MAX);
	/* One that fills the buffer may have been cut: rather none. */
	if (length < 0 || length >= PATH_MAX - 1)
		return MEMDIAG_ABSENT;
	/* As /proc/PID/cgroup shows it. */
	if (dead)
		strcat(path, MEMDIAG_MEMCG_DELETED);
	return memdiag_push_string(sink, path);
}

/**
 * memdiag_memcg_label() - how a memory cgroup is called, in every section
 * @sink: where its strings go
 * @css: the cgroup, under RCU or with a reference
 * @path: room for MEMDIAG_MEMCG_PATH bytes
 * @label: out
 *
 * Context: any.
 */
void memdiag_memcg_label(struct memdiag_sink *sink, struct cgroup_subsys_state *css,
			 char *path, struct memdiag_memcg_label *label)
{
	const struct cgroup *cgroup = memcg_directory(css);
	bool dead = cgroup && !(READ_ONCE(cgroup->self.flags) & CSS_ONLINE);
	unsigned int flags = READ_ONCE(css->flags);

	label->id = memcg_id(css);
	label->path = memcg_push_path(sink, css, dead, path);
	label->state = memdiag_push_string(sink, dead ? "dying" :
					   (flags & CSS_ONLINE) && !(flags & CSS_DYING) ?
					   "online" : "offline");
}

/**
 * memdiag_memcg_root() - where a walk over memory cgroups begins
 *
 * Return: the root, which is there as long as the kernel runs; NULL if section
 * memcg is unavailable.
 */
struct cgroup_subsys_state *memdiag_memcg_root(void)
{
	return memcg_root;
}

static void memcg_fill_labels(struct memdiag_sink *sink, struct memcg_record *record,
			      struct cgroup_subsys_state *css, char *path)
{
	const struct cgroup *cgroup = memcg_directory(css);
	struct memdiag_memcg_label label;

	memdiag_memcg_label(sink, css, path, &label);
	record->id = label.id;
	record->path = label.path;
	record->state = label.state;
	if (css->parent)
		record->parent = memcg_id(css->parent);
	if (!cgroup) {
		record->level = 0;
		return;
	}
	record->level = cgroup->level;
	/* Both change under a lock of cgroup core; each is right by itself. */
	record->nr_descendants = READ_ONCE(cgroup->nr_descendants);
	record->nr_dying_descendants = READ_ONCE(cgroup->nr_dying_descendants);
}

/* What the public structure says. The root of v2 has none of these files. */
static void memcg_fill_public(struct memcg_record *record, struct mem_cgroup *memcg,
			      bool is_root, bool v1)
{
	if (is_root && !v1)
		return;
	memcg_fill_counter(&record->memory, &memcg->memory);
	memcg_fill_events(&record->events, memcg->memory_events);
	memcg_fill_events(&record->events_local, memcg->memory_events_local);
	if (v1)
		memcg_fill_v1(record, memcg);
	else
		memcg_fill_v2(record, memcg);
	if (is_root) {
		record->memory.usage = MEMDIAG_ABSENT;
		record->memsw.usage = MEMDIAG_ABSENT;
	}
}

static int memcg_collect_one(struct memdiag_sink *sink, struct cgroup_subsys_state *css,
			     char *path)
{
	struct mem_cgroup *memcg = container_of(css, struct mem_cgroup, css);
	bool v1 = !cgroup_subsys_on_dfl(memory_cgrp_subsys);
	bool is_root = css == memcg_root;
	struct memcg_record *record = memdiag_push(sink);

	if (!record)
		return -ENOSPC;
	memcg_fill_labels(sink, record, css, path);
	memcg_fill_public(record, memcg, is_root, v1);
	if (memdiag_memcg_stat_is_direct()) {
		memdiag_memcg_stat_read(memcg, record->stat);
		memcg_fill_derived(record, is_root, v1);
	}
	return 0;
}

/* With the css held, and nothing else: memory.stat by text, into the last record. */
static void memcg_collect_text(struct memdiag_sink *sink, struct cgroup_subsys_state *css)
{
	struct memcg_record *record = memdiag_record(sink, sink->nr_records - 1);
	bool v1 = !cgroup_subsys_on_dfl(memory_cgrp_subsys);

	/* One that found no room is not there. */
	if (!sink->missed && sink->nr_records <= MEMCG_MAX_TEXT &&
	    !memdiag_memcg_stat_text(css, record->stat))
		memcg_fill_derived(record, css == memcg_root, v1);
}

/* What the directory of a root of v1 would say of those below: what was found. */
static void memcg_fill_root(struct memdiag_sink *sink)
{
	struct memcg_record *root, *record;
	unsigned int i;

	root = memdiag_record(sink, 0);
	if (root->nr_descendants != MEMDIAG_ABSENT)
		return;
	root->nr_descendants = 0;
	root->nr_dying_descendants = 0;
	for (i = 1; i < sink->nr_records; i++) {
		record = memdiag_record(sink, i);
		if (strcmp(memdiag_string(sink, record->state), "dying"))
			root->nr_descendants++;
		else
			root->nr_dying_descendants++;
	}
}

static int memcg_walk(struct memdiag_sink *sink, char *path)
{
	bool by_text = !memdiag_memcg_stat_is_direct() && memdiag_memcg_stat_nr();
	struct cgroup_subsys_state *css = NULL;
	unsigned int batch = 0;
	int error = 0;

	rcu_read_lock();
	while (!error && (css = css_next_descendant_pre(css, memcg_root))) {
		error = memcg_collect_one(sink, css, path);
		if (error || (++batch < MEMCG_BATCH && !by_text))
			continue;
		/* Without a reference RCU must not be let go here: do it later. */
		if (!css_tryget(css))
			continue;
		rcu_read_unlock();
		batch = 0;
		if (by_text)
			memcg_collect_text(sink, css);
		if (fatal_signal_pending(current))
			error = -EINTR;
		cond_resched();
		rcu_read_lock();
		css_put(css);
	}
	rcu_read_unlock();
	return error;
}

static unsigned int memcg_count(void)
{
	struct cgroup_subsys_state *css = NULL;
	unsigned int nr = 0;

	rcu_read_lock();
	while ((css = css_next_descendant_pre(css, memcg_root))) {
		if (++nr % MEMCG_BATCH || !css_tryget(css))
			continue;
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
		css_put(css);
	}
	rcu_read_unlock();
	return nr;
}

/**
 * memdiag_memcg_nr() - how many there may be
 *
 * Context: may sleep.
 *
 * Return: their number, with some room for those that are made meanwhile.
 */
unsigned int memdiag_memcg_nr(void)
{
	const struct cgroup *cgroup = memcg_directory(memcg_root);
	unsigned int nr = 16;

	/* That of v2 is never freed. */
	nr += cgroup ? READ_ONCE(cgroup->nr_descendants) +
		       READ_ONCE(cgroup->nr_dying_descendants) : memcg_count();
	return nr + nr / 8;
}

static int memcg_collect(struct memdiag_sink *sink)
{
	char *path = memdiag_alloc(MEMDIAG_MEMCG_PATH, 1);
	int error;

	if (!path)
		return -ENOMEM;
	/*
	 * For the flush only, under the kernel's own locks; without it the
	 * numbers are two seconds older.
	 */
	memdiag_lock_unknown(sink);
	memdiag_memcg_stat_text(memcg_root, NULL);
	error = memcg_walk(sink, path);
	if (!error)
		memcg_fill_root(sink);
	memdiag_free(path);
	return error;
}

#else /* !CONFIG_MEMCG */

static const struct memdiag_field_desc memcg_fields[] = {};
struct memcg_record { u64 none; };
#define memcg_exit NULL
#define memdiag_memcg_nr NULL
#define memcg_collect NULL

static void __init memcg_init(struct memdiag_status *status)
{
	memdiag_set_unavailable(status, -EOPNOTSUPP, "CONFIG_MEMCG is not set");
}

#endif /* CONFIG_MEMCG */

const struct memdiag_provider memdiag_memcg_provider __refconst = {
	.id = MEMDIAG_SEC_MEMCG,
	.name = "memcg",
	.help = "per memory cgroup, online or dying: what is charged to it, and as what",
	MEMDIAG_RECORDS(memcg_fields, memcg_record),
	.init = memcg_init,
	.exit = memcg_exit,
	.estimate = memdiag_memcg_nr,
	.collect = memcg_collect,
};
