/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/kfence.h>, also for kernels before KFENCE came (in v5.12). */
#ifndef _MEMDIAG_COMPAT_KFENCE_H
#define _MEMDIAG_COMPAT_KFENCE_H

#ifdef MEMDIAG_HAVE_KFENCE_H
#include <linux/kfence.h>
#else
#include <linux/types.h>

static inline bool is_kfence_address(const void *address)
{
	return false;
}
#endif

#endif /* _MEMDIAG_COMPAT_KFENCE_H */
