/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <asm/unwind.h>: what the kernel's unwinder does at one return address.
 *
 * The ORC unwinder of x86 keeps what it knows in struct unwind_state and goes one frame
 * on by unwind_next_frame(); both are there for modules. A frame that is no interrupted
 * one is left by the table entry of its return address alone: where the caller's frame
 * is, counted from the stack pointer or the frame pointer, and where that one was saved.
 */
#ifndef _MEMDIAG_COMPAT_UNWIND_H
#define _MEMDIAG_COMPAT_UNWIND_H

#include <linux/sched.h>
#include <linux/string.h>
#include <linux/types.h>

/**
 * struct memdiag_unwound - where the unwinder got to from one frame
 * @address: the next return address
 * @sp: the stack pointer behind it; where @regs lie if it ended at registers
 * @bp: the frame pointer then
 * @regs: it came to registers that an entry into the kernel has saved
 * @ends: there is no next frame
 */
struct memdiag_unwound {
	unsigned long address;
	unsigned long sp;
	unsigned long bp;
	bool regs;
	bool ends;
};

#if defined(CONFIG_X86_64) && defined(CONFIG_UNWINDER_ORC)
#define MEMDIAG_HAVE_UNWIND_STEP

#include <asm/unwind.h>

/**
 * memdiag_unwind_step() - let the unwinder take one step on a stack of our own
 * @address: the return address that it stands at
 * @sp: the stack pointer behind that address
 * @bp: the frame pointer
 * @stack: the first word of the stack
 * @words: number of them
 * @to: out: where it got to
 *
 * Context: any, preemption off.
 *
 * Return: false if it fails, or has to guess.
 */
static inline bool memdiag_unwind_step(unsigned long address, unsigned long sp, unsigned long bp,
				       const unsigned long *stack, unsigned int words,
				       struct memdiag_unwound *to)
{
	struct unwind_state state;
	bool more;

	memset(&state, 0, sizeof(state));
	state.task = current;
	state.stack_info.type = STACK_TYPE_TASK;
	state.stack_info.begin = (unsigned long *)stack;
	state.stack_info.end = (unsigned long *)stack + words;
	state.ip = address;
	state.sp = sp;
	state.bp = bp;
	more = unwind_next_frame(&state);
	memset(to, 0, sizeof(*to));
	if (unwind_error(&state))
		return false;
	to->ends = !more;
	to->regs = more && state.regs;
	if (to->regs)
		to->sp = (unsigned long)state.regs;
	else
		to->sp = state.sp;
	to->address = state.ip;
	to->bp = state.bp;
	/* Registers of which only some are there, or the frame of an interrupted function. */
	return !more || (state.regs ? state.full_regs : !state.signal);
}

/**
 * memdiag_unwind_is_user() - do registers that an entry has saved end a stack?
 * @regs: where they lie on the current stack
 *
 * Return: whether they are those of user mode.
 */
static __always_inline bool memdiag_unwind_is_user(unsigned long regs)
{
	return user_mode((struct pt_regs *)regs);
}

#define MEMDIAG_UNWIND_REGS	sizeof(struct pt_regs)

#else

static inline bool memdiag_unwind_step(unsigned long address, unsigned long sp, unsigned long bp,
				       const unsigned long *stack, unsigned int words,
				       struct memdiag_unwound *to)
{
	return false;
}

static __always_inline bool memdiag_unwind_is_user(unsigned long regs)
{
	return false;
}

#define MEMDIAG_UNWIND_REGS	0ul

#endif

#endif /* _MEMDIAG_COMPAT_UNWIND_H */
