// SPDX-License-Identifier: GPL-2.0-only
#include "mirror.h"

const struct memdiag_mirror memdiag_mirror_vmalloc[] = {
};
const unsigned int memdiag_mirror_vmalloc_nr;
