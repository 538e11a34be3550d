/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/kprobes.h>: arguments of the functions that are probed. */
#ifndef _MEMDIAG_COMPAT_KPROBES_H
#define _MEMDIAG_COMPAT_KPROBES_H

#include <linux/list.h>
#include <linux/ptrace.h>
#include <linux/types.h>

/* To where a function that has just been entered will return. */
static inline unsigned long memdiag_caller(struct pt_regs *regs)
{
#if defined(CONFIG_X86)
	return *(unsigned long *)kernel_stack_pointer(regs);
#elif defined(CONFIG_ARM64)
	return regs->regs[30];
#else
	return 0;
#endif
}

/*
 * Before v6.2 the second argument was the offset of the head in the object, or the object itself if
 * there is no head.
 */
static inline unsigned long memdiag_kfree_rcu_object(unsigned long head, unsigned long second)
{
#ifdef MEMDIAG_HAVE_KFREE_RCU_OFFSET
	return head ? head - second : second;
#else
	return second;
#endif
}

/* It returns the number of objects, or in later kernels whether it has them. */
static inline bool memdiag_alloc_bulk_done(unsigned long value)
{
#ifdef MEMDIAG_HAVE_ALLOC_BULK_BOOL
	return (u8)value;
#else
	return (int)value > 0;
#endif
}

/* The array to be filled; or NULL, and the list, where there was one. */
static inline void **memdiag_alloc_pages_bulk_array(struct pt_regs *regs,
						    struct list_head **list)
{
#ifdef MEMDIAG_HAVE_ALLOC_PAGES_BULK_LIST
	*list = (struct list_head *)regs_get_kernel_argument(regs, 4);
	return (void **)regs_get_kernel_argument(regs, 5);
#else
	return (void **)regs_get_kernel_argument(regs, 4);
#endif
}

#endif /* _MEMDIAG_COMPAT_KPROBES_H */
