/* SPDX-License-Identifier: GPL-2.0-only */
/* Kbuild.probe includes the file of this name that lies beside the sources. */
#include "../../module/pr_fmt.h"
