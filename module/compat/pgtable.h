/* SPDX-License-Identifier: GPL-2.0-only */
/* <asm/pgalloc.h>, what differs between kernels: which page tables are counted. */
#ifndef _MEMDIAG_COMPAT_PGTABLE_H
#define _MEMDIAG_COMPAT_PGTABLE_H

#include <linux/mm.h>
#include <asm/pgalloc.h>

/* Levels that have a constructor are in NR_PAGETABLE. Functions, so Kbuild looks. */
#ifdef MEMDIAG_HAVE_PGD_CTOR
#define MEMDIAG_COUNTS_PGD	true
#else
#define MEMDIAG_COUNTS_PGD	false
#endif

#ifdef MEMDIAG_HAVE_PUD_CTOR
#define MEMDIAG_COUNTS_PUD	true
#else
#define MEMDIAG_COUNTS_PUD	false
#endif

/* Pages of the top level of an address space; less than one is an object of a cache. */
#ifdef PGD_ALLOCATION_ORDER
#define MEMDIAG_TOP_TABLES	(1UL << PGD_ALLOCATION_ORDER)
#else
#define MEMDIAG_TOP_TABLES	(sizeof(pgd_t) * PTRS_PER_PGD / PAGE_SIZE)
#endif

#endif /* _MEMDIAG_COMPAT_PGTABLE_H */
