/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What else the kernel's BTF can be asked, beside the members of resolve.h.
 */
#ifndef _MEMDIAG_RESOLVE_BTF_H
#define _MEMDIAG_RESOLVE_BTF_H

#include <linux/types.h>

struct memdiag_btf;

bool memdiag_btf_array(const struct memdiag_btf *btf, const char *type,
		       const char *member, u32 *nelems, u32 *elem_size);
bool memdiag_btf_enum(const struct memdiag_btf *btf, const char *type,
		      const char *enumerator, u32 *value);

#endif /* _MEMDIAG_RESOLVE_BTF_H */
