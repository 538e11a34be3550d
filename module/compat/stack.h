/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/stacktrace.h>, and what lies on a stack. */
#ifndef _MEMDIAG_COMPAT_STACK_H
#define _MEMDIAG_COMPAT_STACK_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/stacktrace.h>
#include <linux/types.h>

#ifdef CONFIG_ARM64
#include <asm/memory.h>
#endif

#if !defined(MEMDIAG_HAVE_FILTER_IRQ_STACKS) && defined(CONFIG_STACKDEPOT)
#include <linux/stackdepot.h>
#endif

/**
 * memdiag_stack_word() - a word of the current stack, which may be anything
 * @at: its address
 *
 * Signed return addresses (arm64) have their signature above the bits of the
 * address; code lies where these are all one.
 */
static __always_inline unsigned long memdiag_stack_word(unsigned long at)
{
	unsigned long word = READ_ONCE_NOCHECK(*(unsigned long *)at);

#ifdef CONFIG_ARM64
	word |= ~0ul << VA_BITS_MIN;
#endif
	return word;
}

/* Without CONFIG_STACKTRACE there are none, and the tracker says so. */
static inline unsigned int memdiag_stack_save(unsigned long *frames, unsigned int nr)
{
#ifdef CONFIG_STACKTRACE
	return stack_trace_save(frames, nr, 0);
#else
	return 0;
#endif
}

/*
 * A stack taken in an interrupt goes on with whoever was interrupted, and had nothing
 * to do with it. The kernel tells where to cut, but in v5.10 only if
 * CONFIG_STACKDEPOT is set.
 */
#if defined(CONFIG_STACKTRACE) && \
	(defined(MEMDIAG_HAVE_FILTER_IRQ_STACKS) || defined(CONFIG_STACKDEPOT))
#define MEMDIAG_HAVE_CUT_IRQ
static inline unsigned int memdiag_stack_cut_irq(unsigned long *frames, unsigned int nr)
{
	return filter_irq_stacks(frames, nr);
}
#else
static inline unsigned int memdiag_stack_cut_irq(unsigned long *frames, unsigned int nr)
{
	return nr;
}
#endif

#endif /* _MEMDIAG_COMPAT_STACK_H */
