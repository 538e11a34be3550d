/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <uapi/linux/btf.h> with the kinds that came after v5.10. They are enumerators,
 * so Kbuild looks into the header. A kernel that does not know a kind does not
 * have it in its own BTF either, but what is given to the parser in tests has.
 */
#ifndef _MEMDIAG_COMPAT_BTF_H
#define _MEMDIAG_COMPAT_BTF_H

#include <linux/types.h>
#include <uapi/linux/btf.h>

#ifndef MEMDIAG_HAVE_BTF_FLOAT
#define BTF_KIND_FLOAT		16
/* The kind had one bit less. */
#undef BTF_INFO_KIND
#define BTF_INFO_KIND(info)	(((info) >> 24) & 0x1f)
#endif

#ifndef MEMDIAG_HAVE_BTF_DECL_TAG
#define BTF_KIND_DECL_TAG	17
#endif

#ifndef MEMDIAG_HAVE_BTF_TYPE_TAG
#define BTF_KIND_TYPE_TAG	18
#endif

#ifndef MEMDIAG_HAVE_BTF_ENUM64
#define BTF_KIND_ENUM64		19

struct btf_enum64 {
	__u32 name_off;
	__u32 val_lo32;
	__u32 val_hi32;
};
#endif

#endif /* _MEMDIAG_COMPAT_BTF_H */
