/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/slab.h> with every SLAB_* flag that any supported kernel has: a flag
 * that this kernel lacks is zero, so it is never seen set and may be asked for.
 */
#ifndef _MEMDIAG_COMPAT_SLAB_H
#define _MEMDIAG_COMPAT_SLAB_H

#include <linux/slab.h>

#define MEMDIAG_SLAB_NONE	((slab_flags_t __force)0)

#ifndef SLAB_KMALLOC
#define SLAB_KMALLOC		MEMDIAG_SLAB_NONE
#endif
#ifndef SLAB_CACHE_DMA32
#define SLAB_CACHE_DMA32	MEMDIAG_SLAB_NONE
#endif
#ifndef SLAB_NO_MERGE
#define SLAB_NO_MERGE		MEMDIAG_SLAB_NONE
#endif
#ifndef SLAB_NO_USER_FLAGS
#define SLAB_NO_USER_FLAGS	MEMDIAG_SLAB_NONE
#endif
#ifndef SLAB_SKIP_KFENCE
#define SLAB_SKIP_KFENCE	MEMDIAG_SLAB_NONE
#endif
#ifndef SLAB_NO_OBJ_EXT
#define SLAB_NO_OBJ_EXT		MEMDIAG_SLAB_NONE
#endif
/* Removed when CONFIG_SLAB was. */
#ifndef SLAB_MEM_SPREAD
#define SLAB_MEM_SPREAD		MEMDIAG_SLAB_NONE
#endif

#endif /* _MEMDIAG_COMPAT_SLAB_H */
