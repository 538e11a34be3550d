/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/spinlock.h>: whether bits are those of a lock. */
#ifndef _MEMDIAG_COMPAT_SPINLOCK_H
#define _MEMDIAG_COMPAT_SPINLOCK_H

#include <linux/spinlock.h>

/**
 * memdiag_spin_looks_free() - whether bits are those of a lock that nobody holds
 * @copy: a copy of what may be a lock; nothing is locked through it
 *
 * Return: false if it is held, or no lock as far as this kernel can tell.
 */
static inline bool memdiag_spin_looks_free(spinlock_t *copy)
{
#ifdef CONFIG_PREEMPT_RT
	return !rt_mutex_base_is_locked(&copy->lock);
#else
#ifdef CONFIG_DEBUG_SPINLOCK
	if (copy->rlock.magic != SPINLOCK_MAGIC)
		return false;
#endif
	return !raw_spin_is_locked(&copy->rlock);
#endif
}

#endif /* _MEMDIAG_COMPAT_SPINLOCK_H */
