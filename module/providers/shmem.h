/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two sections of tmpfs share. */
#ifndef _MEMDIAG_SHMEM_H
#define _MEMDIAG_SHMEM_H

#include <linux/types.h>

struct inode;
struct super_block;

/* What a file is, by the name that the kernel gave it. */
enum shmem_kind {
	SHMEM_MOUNTED,
	SHMEM_MEMFD,
	SHMEM_SYSV,
	SHMEM_ANON,
	SHMEM_KERNEL,
	SHMEM_NR_KINDS
};

extern const char * const memdiag_shmem_kinds[SHMEM_NR_KINDS];

enum shmem_kind memdiag_shmem_name_kind(const char *name);
bool memdiag_shmem_is_internal(const struct super_block *sb);
bool memdiag_shmem_is_tmpfs(const struct super_block *sb);
int memdiag_shmem_each(void (*fn)(struct super_block *sb, void *arg), void *arg);

#endif /* _MEMDIAG_SHMEM_H */
