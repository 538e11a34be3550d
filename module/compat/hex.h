/* SPDX-License-Identifier: GPL-2.0-only */
/* hex_to_bin(), which moved out of <linux/kernel.h> into a header of its own. */
#ifndef _MEMDIAG_COMPAT_HEX_H
#define _MEMDIAG_COMPAT_HEX_H

#include <linux/kernel.h>
#ifdef MEMDIAG_HAVE_HEX_H
#include <linux/hex.h>
#endif

#endif /* _MEMDIAG_COMPAT_HEX_H */
