/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _TESTS_ORACLES_H
#define _TESTS_ORACLES_H

#include <stdbool.h>

/* Each prints the results of one section or of a few that belong together. */
void oracle_slab(void);
void oracle_vmalloc(void);
void oracle_vmstat(void);
void oracle_zone(void);
void oracle_buddy(void);
void oracle_memcg(void);
void oracle_system(void);
void oracle_ledger(void);
void oracle_census(void);
void oracle_task(void);
void oracle_shmem(void);
void oracle_net(void);
void oracle_module(void);
void oracle_inode(void);
void oracle_cache(void);

/* Sends a file through a UNIX socket. */
bool oracle_send_file(int socket, int fd);

#endif /* _TESTS_ORACLES_H */
