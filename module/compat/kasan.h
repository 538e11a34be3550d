/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/kasan-enabled.h>, also for kernels before it came: what was built in was
 * always on, as in v5.10.
 */
#ifndef _MEMDIAG_COMPAT_KASAN_H
#define _MEMDIAG_COMPAT_KASAN_H

#ifdef MEMDIAG_HAVE_KASAN_ENABLED_H
#include <linux/kasan-enabled.h>
#else
#include <linux/kconfig.h>
#include <linux/types.h>

static inline bool kasan_enabled(void)
{
	return IS_ENABLED(CONFIG_KASAN);
}
#endif

#endif /* _MEMDIAG_COMPAT_KASAN_H */
