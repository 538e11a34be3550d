/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/mm.h>, with the newest names also on older kernels. */
#ifndef _MEMDIAG_COMPAT_MM_H
#define _MEMDIAG_COMPAT_MM_H

#include <linux/mm.h>

/*
 * vm_flags_set() and vm_flags_clear() came with bc292ab00f6c ("mm: introduce vma->vm_flags wrapper
 * functions", in v6.3) and with its backports to stable kernels, which also
 * made vm_flags a const member of a union. It is an inline function, so there
 * is nothing for the preprocessor to see: Kbuild looks into the header.
 */
#ifndef MEMDIAG_HAVE_VM_FLAGS_CLEAR
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#endif /* _MEMDIAG_COMPAT_MM_H */
