// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section task: one record per process, kernel threads among them.
 *
 * Walks all processes by pid (task_walk.c). The mm is that of the first thread that
 * still has one, as the OOM killer looks at it; it is held by a reference to the
 * structure, not to the memory in it, so that nothing lives longer for being
 * looked at. The score is what /proc/PID/oom_score computes, from the same
 * counters; oom_badness() itself is not exported.
 *
 * Locks: RCU and below it task_lock() while the mm is looked up. What is per CPU
 * is added up under the lock of the counter, one at a time.
 *
 * Stale: counters are read one after the other while the process runs. Where
 * the kernel keeps the parts of rss per CPU they are added up exactly, but only
 * TASK_EXACT_READS of them in one snapshot, then rss_error says by how much the
 * rest may be off. Older kernels keep up to 64 pages of each kind per thread
 * that cannot be added.
 *
 * Skipped: nothing. Memory that several processes share is counted in each of
 * them, here as in /proc; kernel threads have no memory of this sort, so the
 * fields are absent.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/memcontrol.h"
#include "../compat/task.h"
#include "../memdiag.h"
#include "../readers/task_walk.h"

/* Counters of single CPUs to read in one snapshot: some ten milliseconds. */
#define TASK_EXACT_READS	BIT(20)
#define TASK_RSS_KINDS		4
/* Records between two looks at the scheduler. */
#define TASK_BATCH		1024

struct task_record {
	u64 pid;
	u64 start_time;
	u64 comm;
	u64 state;
	u64 ppid;
	u64 uid;
	u64 threads;
	u64 oom_score;
	u64 oom_score_adj;
	u64 rss;
	u64 anon;
	u64 file;
	u64 shmem;
	u64 swap;
	u64 rss_error;
	u64 pgtables;
	u64 size;
	u64 peak;
	u64 hwm;
	u64 locked;
	u64 pinned;
	u64 data;
	u64 stack;
	u64 hugetlb;
	u64 mm_users;
	u64 kernel_stack;
	u64 min_flt;
	u64 maj_flt;
	u64 cgroup;
	u64 zombies;
};

/* The names are those of /proc/PID/status where it has one. */
static const struct memdiag_field_desc task_fields[] = {
	MEMDIAG_LABEL(task_record, pid, U64, NONE, KEY_BRIEF,
		      "process id in the initial namespace"),
	MEMDIAG_LABEL(task_record, start_time, U64, NS, KEY,
		      "when it was started, since boot with suspend"),
	MEMDIAG_LABEL(task_record, comm, STR, NONE, BRIEF, "its name, any bytes"),
	MEMDIAG_LABEL(task_record, state, STR, NONE, 0,
		      "as ps shows it: R, S, D, T, t, X, Z, P, I"),
	MEMDIAG_LABEL(task_record, ppid, U64, NONE, 0,
		      "pid of its parent; absent if it ended meanwhile"),
	MEMDIAG_LABEL(task_record, uid, U64, NONE, 0,
		      "user it belongs to, in the initial namespace"),
	MEMDIAG_GAUGE(task_record, threads, U64, NONE, BRIEF, "its threads"),
	MEMDIAG_GAUGE(task_record, oom_score, U64, NONE, INEXACT_BRIEF,
		      "as /proc/PID/oom_score, with the numbers below; 0: it is not killed"),
	MEMDIAG_GAUGE(task_record, oom_score_adj, S64, NONE, BRIEF,
		      "what was added to it, in thousandths of all memory"),
	MEMDIAG_FIELD(task_record, rss, "VmRSS", U64, BYTES, GAUGE, INEXACT_BRIEF,
		      "memory it has mapped; off by at most 3 rss_error; absent of kernel threads, as all that follow"),
	MEMDIAG_FIELD(task_record, anon, "RssAnon", U64, BYTES, GAUGE, INEXACT_BRIEF,
		      "of that, memory of no file; off by at most rss_error, as the next three"),
	MEMDIAG_FIELD(task_record, file, "RssFile", U64, BYTES, GAUGE, INEXACT_BRIEF,
		      "of that, files"),
	MEMDIAG_FIELD(task_record, shmem, "RssShmem", U64, BYTES, GAUGE, INEXACT_BRIEF,
		      "of that, tmpfs and shared memory"),
	MEMDIAG_FIELD(task_record, swap, "VmSwap", U64, BYTES, GAUGE, INEXACT_BRIEF,
		      "swapped out, without shared memory"),
	MEMDIAG_GAUGE(task_record, rss_error, U64, BYTES, 0,
		      "how much each of the four may be off"),
	MEMDIAG_FIELD(task_record, pgtables, "VmPTE", U64, BYTES, GAUGE, BRIEF, "its page tables"),
	MEMDIAG_FIELD(task_record, size, "VmSize", U64, BYTES, GAUGE, BRIEF,
		      "address space in use"),
	MEMDIAG_FIELD(task_record, peak, "VmPeak", U64, BYTES, GAUGE, 0,
		      "largest VmSize there was"),
	MEMDIAG_FIELD(task_record, hwm, "VmHWM", U64, BYTES, GAUGE, INEXACT,
		      "largest VmRSS there was; the kernel looks only when it falls"),
	MEMDIAG_FIELD(task_record, locked, "VmLck", U64, BYTES, GAUGE, 0,
		      "address space locked into memory"),
	MEMDIAG_FIELD(task_record, pinned, "VmPin", U64, BYTES, GAUGE, BRIEF,
		      "pages that devices may use, and rings of perf"),
	MEMDIAG_FIELD(task_record, data, "VmData", U64, BYTES, GAUGE, 0,
		      "private writable address space"),
	MEMDIAG_FIELD(task_record, stack, "VmStk", U64, BYTES, GAUGE, 0, "address space of stacks"),
	MEMDIAG_FIELD(task_record, hugetlb, "HugetlbPages", U64, BYTES, GAUGE, 0,
		      "hugetlb pages mapped; not in VmRSS"),
	MEMDIAG_GAUGE(task_record, mm_users, U64, NONE, 0,
		      "users of the address space: threads, and processes that share it"),
	MEMDIAG_FIELD(task_record, kernel_stack, "KernelStack", U64, BYTES, GAUGE, 0,
		      "stacks of its threads in the kernel; those of zombies are given back"),
	MEMDIAG_COUNTER(task_record, min_flt, U64, NONE, 0,
			"page faults without reading, threads that ended included"),
	MEMDIAG_COUNTER(task_record, maj_flt, U64, NONE, 0,
			"page faults that had to read, likewise"),
	MEMDIAG_LABEL(task_record, cgroup, STR, NONE, BRIEF,
		      "its memory cgroup, or that of version 2 without the controller"),
	MEMDIAG_GAUGE(task_record, zombies, U64, NONE, BRIEF,
		      "children that have ended and that it has not waited for"),
};

/**
 * struct task_walk - what a walk carries along
 * @sink: where to
 * @path: PATH_MAX bytes for the path of a cgroup
 * @totalpages: memory and swap, what a score is relative to; 0 if not known
 * @reads: counters of single CPUs that may still be read
 */
struct task_walk {
	struct memdiag_sink *sink;
	char *path;
	unsigned long totalpages;
	u64 reads;
};

/**
 * struct task_mm - the memory of a process
 * @mm: held by a reference to the structure; NULL if it has none
 * @unkillable: the OOM killer lets it be
 */
struct task_mm {
	struct mm_struct *mm;
	bool unkillable;
};

/* See find_lock_task_mm() and oom_badness(). */
static struct task_mm task_get_mm(struct task_struct *leader)
{
	struct task_mm found = {};
	struct task_struct *task;

	if (leader->flags & PF_KTHREAD)
		return found;
	rcu_read_lock();
	list_for_each_entry_rcu(task, &leader->signal->thread_head, thread_node) {
		task_lock(task);
		if (task->mm) {
			found.mm = task->mm;
			mmgrab(found.mm);
			found.unkillable = is_global_init(leader) ||
				leader->signal->oom_score_adj == OOM_SCORE_ADJ_MIN ||
				memdiag_mm_oom_skip(found.mm) || in_vfork(task);
		}
		task_unlock(task);
		if (found.mm)
			break;
	}
	rcu_read_unlock();
	return found;
}

static u64 task_bytes(u64 pages)
{
	return pages << PAGE_SHIFT;
}

/**
 * task_score() - what /proc/PID/oom_score makes of its numbers
 * @points: pages of memory, page tables and swap
 * @adj: oom_score_adj
 * @totalpages: memory and swap, not 0
 *
 * Return: the score.
 */
static u64 task_score(long points, long adj, unsigned long totalpages)
{
	points += adj * (long)(totalpages / 1000);
	return (unsigned long)(1000 + points * 1000 / (long)totalpages) * 2 / 3;
}

/* With what task_fill_mm() found. */
static u64 task_oom_score(const struct task_walk *walk, const struct task_struct *leader,
			  const struct task_mm *of, const struct task_record *found)
{
	long points;

	if (!walk->totalpages)
		return MEMDIAG_ABSENT;
	if (!of->mm || of->unkillable)
		return 0;
	points = memdiag_mm_oom_counter(of->mm, MM_FILEPAGES, found->file >> PAGE_SHIFT) +
		 memdiag_mm_oom_counter(of->mm, MM_ANONPAGES, found->anon >> PAGE_SHIFT) +
		 memdiag_mm_oom_counter(of->mm, MM_SHMEMPAGES, found->shmem >> PAGE_SHIFT) +
		 memdiag_mm_oom_counter(of->mm, MM_SWAPENTS, found->swap >> PAGE_SHIFT) +
		 (found->pgtables >> PAGE_SHIFT);
	return task_score(points, leader->signal->oom_score_adj, walk->totalpages);
}

/* The order in which task_mem() reads them. */
static void task_fill_mm(struct task_walk *walk, struct task_record *record,
			 struct mm_struct *mm)
{
	u64 reads = (u64)TASK_RSS_KINDS * num_online_cpus();
	bool exact = walk->reads >= reads;
	unsigned long size = READ_ONCE(mm->total_vm);

	if (exact)
		walk->reads -= reads;
	record->anon = task_bytes(memdiag_mm_counter(mm, MM_ANONPAGES, exact));
	record->file = task_bytes(memdiag_mm_counter(mm, MM_FILEPAGES, exact));
	record->shmem = task_bytes(memdiag_mm_counter(mm, MM_SHMEMPAGES, exact));
	record->swap = task_bytes(memdiag_mm_counter(mm, MM_SWAPENTS, exact));
	record->rss = record->anon + record->file + record->shmem;
	record->rss_error = task_bytes(memdiag_mm_counter_error(record->threads, exact));
	record->pgtables = mm_pgtables_bytes(mm);
	/* Changed under a lock that may be held for long: each is right by itself. */
	record->size = task_bytes(size);
	record->peak = task_bytes(max(size, READ_ONCE(mm->hiwater_vm)));
	record->hwm = max(record->rss, task_bytes(READ_ONCE(mm->hiwater_rss)));
	record->locked = task_bytes(READ_ONCE(mm->locked_vm));
	record->pinned = task_bytes(atomic64_read(&mm->pinned_vm));
	record->data = task_bytes(READ_ONCE(mm->data_vm));
	record->stack = task_bytes(READ_ONCE(mm->stack_vm));
#ifdef CONFIG_HUGETLB_PAGE
	record->hugetlb = task_bytes(atomic_long_read(&mm->hugetlb_usage));
#endif
	record->mm_users = atomic_read(&mm->mm_users);
}

/*
 * Those of threads that ended are added to the sum when they are taken off the
 * list, under the seqlock. Nobody writes it often, so after three times the
 * numbers are good enough.
 */
static void task_fill_faults(struct task_record *record, struct task_struct *leader)
{
	struct signal_struct *signal = leader->signal;
	struct task_struct *task;
	unsigned int seq, tries;

	rcu_read_lock();
	for (tries = 0; tries < 3; tries++) {
		seq = read_seqbegin(&signal->stats_lock);
		record->min_flt = READ_ONCE(signal->min_flt);
		record->maj_flt = READ_ONCE(signal->maj_flt);
		list_for_each_entry_rcu(task, &signal->thread_head, thread_node) {
			record->min_flt += READ_ONCE(task->min_flt);
			record->maj_flt += READ_ONCE(task->maj_flt);
		}
		if (!read_seqretry(&signal->stats_lock, seq))
			break;
	}
	rcu_read_unlock();
}

#ifdef CONFIG_CGROUPS
/* The cgroup whose path is to be shown; NULL: it is a root. */
static struct cgroup *task_cgroup_of(struct task_struct *leader)
{
#ifdef CONFIG_MEMCG
	struct cgroup_subsys_state *css = task_css(leader, memory_cgrp_id);

	/* The directory of a root may be freed at once; see memcg.c. */
	if (css->parent)
		return css->cgroup;
	if (!mem_cgroup_disabled())
		return NULL;
#endif
	return task_css_set(leader)->dfl_cgrp;
}

static u64 task_push_cgroup(const struct task_walk *walk, struct task_struct *leader)
{
	struct cgroup *cgroup;
	int length = 0;

	rcu_read_lock();
	cgroup = task_cgroup_of(leader);
	if (cgroup)
		length = cgroup_path(cgroup, walk->path, PATH_MAX);
	rcu_read_unlock();
	if (!cgroup)
		return memdiag_push_string(walk->sink, "/");
	/* One that fills the buffer may have been cut: rather none. */
	if (length < 0 || length >= PATH_MAX - 1)
		return MEMDIAG_ABSENT;
	return memdiag_push_string(walk->sink, walk->path);
}
#else
static u64 task_push_cgroup(const struct task_walk *walk, struct task_struct *leader)
{
	return MEMDIAG_ABSENT;
}
#endif

/* The stacks of its threads: one that has ended gives its own back before it is reaped. */
static u64 task_stacks(struct task_struct *leader)
{
	struct task_struct *task;
	u64 stacks = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(task, &leader->signal->thread_head, thread_node)
		stacks += !!READ_ONCE(task->stack);
	rcu_read_unlock();
	return stacks;
}

/*
 * The parent is freed memory once the process was reaped: a reference to the
 * process does not hold it. Absent then.
 */
static u64 task_ppid(struct task_struct *leader)
{
	u64 ppid = MEMDIAG_ABSENT;

	rcu_read_lock();
	if (pid_alive(leader))
		ppid = rcu_dereference(leader->real_parent)->tgid;
	rcu_read_unlock();
	return ppid;
}

static void task_fill_labels(struct memdiag_sink *sink, struct task_record *record,
			     struct task_struct *leader)
{
	char text[TASK_COMM_LEN];

	record->pid = leader->tgid;
	record->start_time = leader->start_boottime;
	get_task_comm(text, leader);
	record->comm = memdiag_push_string(sink, text);
	text[0] = task_state_to_char(leader);
	text[1] = '\0';
	record->state = memdiag_push_string(sink, text);
	record->ppid = task_ppid(leader);
	rcu_read_lock();
	record->uid = from_kuid(&init_user_ns, __task_cred(leader)->uid);
	rcu_read_unlock();
	record->threads = get_nr_threads(leader);
	record->oom_score_adj = (u64)(s64)READ_ONCE(leader->signal->oom_score_adj);
	record->kernel_stack = task_stacks(leader) * THREAD_SIZE;
}

static int task_collect_one(struct task_struct *leader, void *arg)
{
	struct task_walk *walk = arg;
	struct task_record *record = memdiag_push(walk->sink);
	struct task_mm of;

	if (!record)
		return -ENOSPC;
	task_fill_labels(walk->sink, record, leader);
	record->zombies = 0;
	task_fill_faults(record, leader);
	record->cgroup = task_push_cgroup(walk, leader);
	of = task_get_mm(leader);
	if (of.mm)
		task_fill_mm(walk, record, of.mm);
	record->oom_score = task_oom_score(walk, leader, &of, record);
	if (of.mm)
		mmdrop(of.mm);
	return 0;
}

/* The record of a process: they stand in the order of their pids. */
static struct task_record *task_find(const struct memdiag_sink *sink, u64 pid)
{
	unsigned int low = 0, high = sink->nr_records, middle;
	struct task_record *record;

	while (low < high) {
		middle = low + (high - low) / 2;
		record = memdiag_record(sink, middle);
		if (record->pid == pid)
			return record;
		if (record->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int task_finish(struct memdiag_sink *sink)
{
	const struct task_record *record;
	struct task_record *parent;
	unsigned int i;

	for (i = 0; i < sink->nr_records; i++) {
		if (i % TASK_BATCH == TASK_BATCH - 1)
			cond_resched();
		record = memdiag_record(sink, i);
		/* Of one with threads that go on only the first thread has ended. */
		if (memdiag_string(sink, record->state)[0] != 'Z' || record->threads > 1)
			continue;
		parent = task_find(sink, record->ppid);
		if (parent)
			parent->zombies++;
	}
	return 0;
}

/* The size of swap is not exported; section system has it. */
static unsigned long task_totalpages(const struct memdiag_sink *sink)
{
	const struct memdiag_sink *system = memdiag_parent(sink, MEMDIAG_SEC_SYSTEM);
	u64 swap = 0;

	if (IS_ENABLED(CONFIG_SWAP))
		swap = system ? memdiag_value_at(system, 0, memdiag_field_at(system, "swap_total")) :
				MEMDIAG_ABSENT;
	return swap == MEMDIAG_ABSENT ? 0 : totalram_pages() + swap;
}

static int task_collect(struct memdiag_sink *sink)
{
	struct task_walk walk = { .sink = sink, .reads = TASK_EXACT_READS };
	int error;

	walk.totalpages = task_totalpages(sink);
	if (!walk.totalpages)
		memdiag_mark_partial(sink, "oom_score: the size of swap is not known");
	walk.path = memdiag_alloc(PATH_MAX, 1);
	if (!walk.path)
		return -ENOMEM;
	error = memdiag_walk_tasks(task_collect_one, &walk);
	memdiag_free(walk.path);
	return error;
}

const struct memdiag_provider memdiag_task_provider = {
	.id = MEMDIAG_SEC_TASK,
	.name = "task",
	.help = "per process: what it has mapped, its score for the OOM killer, its cgroup",
	MEMDIAG_RECORDS(task_fields, task_record),
	.after = MEMDIAG_BIT(SYSTEM),
	.collect = task_collect,
	.finish = task_finish,
};
