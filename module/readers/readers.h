/* SPDX-License-Identifier: GPL-2.0-only */
/* What several sections read, made ready before the first of them looks. */
#ifndef _MEMDIAG_READERS_H
#define _MEMDIAG_READERS_H

void memdiag_readers_init(void);
void memdiag_readers_exit(void);

#endif /* _MEMDIAG_READERS_H */
