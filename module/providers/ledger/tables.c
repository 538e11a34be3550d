// SPDX-License-Identifier: GPL-2.0-only
/*
 * The upper page tables of processes, which older kernels count nowhere.
 *
 * NR_PAGETABLE has the two lowest levels; of the third the kernel counts the bytes per
 * process together with these two (VmPTE), from v6.12 or so on in NR_PAGETABLE as well.
 * The top level is one block per address space, and so is, where there are five levels,
 * the next one: no address space of less than 256 TiB has two of them. Kernels that
 * count the top level, count all, and have no need of this.
 *
 * Walks all processes, whose sum then is compared with NR_PAGETABLE.
 *
 * Locks: task_lock() of one thread per process, below RCU.
 *
 * Stale: processes come and go during the walk. Each process takes a number, and so the
 * numbers that init_pid_ns gave out tell how many came and went: what one address space
 * has of the upper levels is in the error for each of them. So is the change of
 * NR_PAGETABLE, for tables that grew or shrank meanwhile.
 *
 * Where huge pages are in use, processes may share a table of the second level, which
 * each of them counts. Then the third level is known to be one table per address space,
 * and what the processes count beyond NR_PAGETABLE is in the error.
 *
 * Skipped: an address space that no process has any more, as that which a CPU runs a
 * kernel thread on: one per CPU at most, which is in the error.
 */
#include <linux/idr.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "../../compat/pgtable.h"
#include "../../memdiag.h"
#include "ledger.h"
#include "../../readers/task_walk.h"

/*
 * Tables of the kernel's own that may be in NR_PAGETABLE: a page of the second level
 * for each GiB of addresses that it began to use after boot.
 */
#define TABLES_KERNEL	16

/* Was it met before, with another process? Nothing is followed, only compared. */
static bool tables_known(struct memdiag_tables *tables, const struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; i < tables->nr_shared; i++)
		if (tables->shared[i] == mm)
			return true;
	if (tables->nr_shared < ARRAY_SIZE(tables->shared))
		tables->shared[tables->nr_shared++] = mm;
	else
		tables->doubt += mm_pgtables_bytes(mm) / PAGE_SIZE + MEMDIAG_TOP_TABLES;
	return false;
}

static int tables_of(struct task_struct *leader, void *arg)
{
	struct memdiag_tables *tables = arg;
	struct task_struct *task;
	struct mm_struct *mm = NULL;

	if (leader->flags & PF_KTHREAD)
		return 0;
	rcu_read_lock();
	list_for_each_entry_rcu(task, &leader->signal->thread_head, thread_node) {
		task_lock(task);
		mm = task->mm;
		/* Others than its threads use it: it may be met again. */
		if (mm && (atomic_read(&mm->mm_users) <= get_nr_threads(leader) ||
			   !tables_known(tables, mm))) {
			tables->spaces++;
			tables->bytes += mm_pgtables_bytes(mm);
			tables->p4d |= !mm_p4d_folded(mm);
			tables->pud |= !mm_pud_folded(mm);
		}
		task_unlock(task);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return 0;
}

/*
 * How many processes and threads came or went since the first look: those that came
 * are told by the numbers given out, and those that went by the difference to those that
 * are there. After a turn-around of the numbers all may be others.
 */
static u64 tables_changes(const struct memdiag_tables *tables, unsigned int next,
			  unsigned int tasks)
{
	unsigned int came = next - tables->next;
	int more = tasks - tables->tasks;

	return next < tables->next ? (u64)tables->tasks + tasks : max_t(s64, 2LL * came - more, 0);
}

/**
 * memdiag_tables_walk() - add up the page tables of all processes
 * @tables: out: the sums
 * @counted: NR_PAGETABLE, now
 *
 * Context: may sleep.
 *
 * Return: 0; -EOPNOTSUPP where the kernel counts all levels; -EINTR.
 */
int memdiag_tables_walk(struct memdiag_tables *tables, u64 counted)
{
	memset(tables, 0, sizeof(*tables));
	tables->counted = counted;
	tables->next = idr_get_cursor(&init_pid_ns.idr);
	tables->tasks = READ_ONCE(init_pid_ns.pid_allocated);
	return MEMDIAG_COUNTS_PGD ? -EOPNOTSUPP : memdiag_walk_tasks(tables_of, tables);
}

/**
 * memdiag_tables_end() - note what changed since memdiag_tables_walk() began
 * @tables: the sums
 *
 * Context: any; right before NR_PAGETABLE is read for memdiag_tables_upper().
 */
void memdiag_tables_end(struct memdiag_tables *tables)
{
	tables->changes = tables_changes(tables, idr_get_cursor(&init_pid_ns.idr),
					 READ_ONCE(init_pid_ns.pid_allocated));
}

/**
 * memdiag_tables_upper() - the pages that are not in NR_PAGETABLE
 * @tables: the sums
 * @counted: NR_PAGETABLE, a moment later
 * @shared: processes may share tables of the second level
 *
 * Return: pages, and what they may be off by.
 */
struct memdiag_amount memdiag_tables_upper(const struct memdiag_tables *tables, u64 counted,
					   bool shared)
{
	struct memdiag_amount upper = {};
	u64 top = MEMDIAG_TOP_TABLES + tables->p4d;
	u64 pages = tables->bytes / PAGE_SIZE;
	u64 third;

	upper.pages = tables->spaces * top;
	upper.error = tables->doubt + (num_online_cpus() + tables->changes) * top;
	if (tables->pud && !MEMDIAG_COUNTS_PUD) {
		upper.error += tables->changes + max(counted, tables->counted) -
			       min(counted, tables->counted);
		/* Each address space has one of the third level at least. */
		third = max(pages - min(pages, counted), tables->spaces);
		upper.pages += shared ? tables->spaces : third;
		upper.error += (shared ? third - tables->spaces : 0) + TABLES_KERNEL;
	}
	return upper;
}
