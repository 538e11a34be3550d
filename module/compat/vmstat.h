/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The items of the vm statistics, of every supported kernel. An item that this
 * kernel does not have is MEMDIAG_NO_ITEM.
 */
#ifndef _MEMDIAG_COMPAT_VMSTAT_H
#define _MEMDIAG_COMPAT_VMSTAT_H

#include <linux/mmzone.h>
#include <linux/vmstat.h>

#define MEMDIAG_NO_ITEM		(-1)

/* Enums are not for the preprocessor to see, so Kbuild looks into the header. */
#ifdef MEMDIAG_HAVE_SECONDARY_PAGETABLE
#define MEMDIAG_NR_SECONDARY_PAGETABLE	NR_SECONDARY_PAGETABLE
#else
#define MEMDIAG_NR_SECONDARY_PAGETABLE	MEMDIAG_NO_ITEM
#endif

#ifdef MEMDIAG_HAVE_WRITEBACK_TEMP
#define MEMDIAG_NR_WRITEBACK_TEMP	NR_WRITEBACK_TEMP
#else
#define MEMDIAG_NR_WRITEBACK_TEMP	MEMDIAG_NO_ITEM
#endif

#ifdef MEMDIAG_HAVE_GPU
#define MEMDIAG_NR_GPU_ACTIVE		NR_GPU_ACTIVE
#define MEMDIAG_NR_GPU_RECLAIM		NR_GPU_RECLAIM
#else
#define MEMDIAG_NR_GPU_ACTIVE		MEMDIAG_NO_ITEM
#define MEMDIAG_NR_GPU_RECLAIM		MEMDIAG_NO_ITEM
#endif

#ifdef MEMDIAG_HAVE_NR_VMALLOC
#define MEMDIAG_NR_VMALLOC		NR_VMALLOC
#else
#define MEMDIAG_NR_VMALLOC		MEMDIAG_NO_ITEM
#endif

#if defined(MEMDIAG_HAVE_NR_UNACCEPTED) && defined(CONFIG_UNACCEPTED_MEMORY)
#define MEMDIAG_NR_UNACCEPTED		NR_UNACCEPTED
#else
#define MEMDIAG_NR_UNACCEPTED		MEMDIAG_NO_ITEM
#endif

/* Only zpool, which is gone in newer kernels, lets zswap lie elsewhere than in zsmalloc. */
#ifdef MEMDIAG_HAVE_ZPOOL
#define MEMDIAG_ZSWAP_APART		IS_ENABLED(CONFIG_ZSWAP)
#else
#define MEMDIAG_ZSWAP_APART		0
#endif

#if IS_ENABLED(CONFIG_ZSMALLOC)
#define MEMDIAG_NR_ZSPAGES		NR_ZSPAGES
#else
#define MEMDIAG_NR_ZSPAGES		MEMDIAG_NO_ITEM
#endif

/*
 * Shadow stacks were objects of a slab cache at first, smaller than a page, and
 * are vmalloc areas of whole pages since v5.11.
 */
#if IS_ENABLED(CONFIG_SHADOW_CALL_STACK)
#include <linux/scs.h>
#define MEMDIAG_NR_KERNEL_SCS_KB \
	(SCS_SIZE / PAGE_SIZE ? (int)NR_KERNEL_SCS_KB : MEMDIAG_NO_ITEM)
#else
#define MEMDIAG_NR_KERNEL_SCS_KB	MEMDIAG_NO_ITEM
#endif

/*
 * Moved in v5.11 from the zones' items to the nodes', behind more of these than
 * zones have at all.
 */
static inline bool memdiag_pagetable_in_zone(void)
{
	return (int)NR_PAGETABLE < (int)NR_VM_ZONE_STAT_ITEMS;
}

#endif /* _MEMDIAG_COMPAT_VMSTAT_H */
