/* SPDX-License-Identifier: GPL-2.0-only */
/* The one place where the version stands: module, memdiagctl and the Makefile read it. */
#ifndef _MEMDIAG_VERSION_H
#define _MEMDIAG_VERSION_H

#define MEMDIAG_VERSION		"0.1.0"

#endif /* _MEMDIAG_VERSION_H */
