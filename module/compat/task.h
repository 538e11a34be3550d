/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/sched/mm.h> and what it counts, with the newest names also on older kernels. */
#ifndef _MEMDIAG_COMPAT_TASK_H
#define _MEMDIAG_COMPAT_TASK_H

#include <linux/cpumask.h>
#include <linux/mm.h>
/* Brings MMF_OOM_SKIP, wherever it is. */
#include <linux/oom.h>
#include <linux/percpu_counter.h>
#include <linux/sched/mm.h>

/* TASK_RSS_EVENTS_THRESH of mm/memory.c: faults after which a thread adds its own. */
#define MEMDIAG_RSS_BATCH	64

/**
 * memdiag_mm_counter() - pages of one kind that an mm maps
 * @mm: the mm, by a reference
 * @member: MM_FILEPAGES and so on
 * @exact: add up what is per CPU or per thread, where that can be done
 *
 * f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter", in v6.2) made
 * it a counter that can be added up; before, each thread keeps up to
 * MEMDIAG_RSS_BATCH pages to itself, which only it can add.
 *
 * Return: pages.
 */
static inline u64 memdiag_mm_counter(struct mm_struct *mm, int member, bool exact)
{
#ifdef MEMDIAG_HAVE_MM_COUNTER_PERCPU
	if (exact)
		return percpu_counter_sum_positive(&mm->rss_stat[member]);
#endif
	return get_mm_counter(mm, member);
}

/**
 * memdiag_mm_counter_error() - how wrong memdiag_mm_counter() may be
 * @nr_threads: of the process
 * @exact: as it was called
 *
 * Return: pages.
 */
static inline u64 memdiag_mm_counter_error(unsigned int nr_threads, bool exact)
{
#ifdef MEMDIAG_HAVE_MM_COUNTER_PERCPU
#ifdef CONFIG_SMP
	return exact ? 0 : (u64)percpu_counter_batch * num_online_cpus();
#else
	/* One number, always exact. */
	return 0;
#endif
#else
	return (u64)nr_threads * MEMDIAG_RSS_BATCH;
#endif
}

/**
 * memdiag_mm_oom_counter() - the same as the OOM killer reads it
 * @mm: the mm
 * @member: MM_FILEPAGES and so on
 * @found: pages that memdiag_mm_counter() found, exact as far as that is affordable
 *
 * Where there is get_mm_rss_sum() the OOM killer adds up what is per CPU. That has been
 * done for @found, and costs too much to be done twice.
 *
 * Return: pages.
 */
static inline u64 memdiag_mm_oom_counter(struct mm_struct *mm, int member, u64 found)
{
#ifdef MEMDIAG_HAVE_MM_RSS_SUM
	return found;
#else
	return get_mm_counter(mm, member);
#endif
}

/**
 * memdiag_mm_oom_skip() - has the OOM killer done with this mm?
 * @mm: the mm
 *
 * Return: true if it does not look at it any more.
 */
static inline bool memdiag_mm_oom_skip(struct mm_struct *mm)
{
#ifdef MEMDIAG_HAVE_MM_FLAGS_TEST
	return mm_flags_test(MMF_OOM_SKIP, mm);
#else
	return test_bit(MMF_OOM_SKIP, &mm->flags);
#endif
}

#endif /* _MEMDIAG_COMPAT_TASK_H */
