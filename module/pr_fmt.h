/* SPDX-License-Identifier: GPL-2.0-only */
/* Included first in every file, so that every message begins with the module's name. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
