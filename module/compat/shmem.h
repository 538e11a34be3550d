/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/shmem_fs.h>, what differs between kernels. */
#ifndef _MEMDIAG_COMPAT_SHMEM_H
#define _MEMDIAG_COMPAT_SHMEM_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/shmem_fs.h>

/* BOGO_INODE_SIZE of mm/shmem.c: what an inode takes of ->free_ispace. */
#define MEMDIAG_SHMEM_INODE	1024

/**
 * memdiag_shmem_free_inodes() - inodes that may still be made
 * @info: of a superblock with a limit
 *
 * e07c469e979c ("tmpfs: track free_ispace instead of free_inodes", in v6.6)
 *
 * Return: their number.
 */
static inline u64 memdiag_shmem_free_inodes(const struct shmem_sb_info *info)
{
#ifdef MEMDIAG_HAVE_SHMEM_FREE_ISPACE
	return READ_ONCE(info->free_ispace) / MEMDIAG_SHMEM_INODE;
#else
	return READ_ONCE(info->free_inodes);
#endif
}

/**
 * memdiag_inode_alias() - a dentry of an inode
 * @inode: the inode, its i_lock held, which keeps the dentry there
 *
 * The list came out of a union between v6.12 and v7.3.
 *
 * Return: the dentry, or NULL.
 */
static inline struct dentry *memdiag_inode_alias(struct inode *inode)
{
#ifdef MEMDIAG_HAVE_D_ALIAS
	return hlist_entry_safe(inode->i_dentry.first, struct dentry, d_alias);
#else
	return hlist_entry_safe(inode->i_dentry.first, struct dentry, d_u.d_alias);
#endif
}

/**
 * memdiag_shmem_swapped() - pages of a file of tmpfs that are swapped out
 * @inode: an inode of the list of its superblock
 *
 * The kernel puts an inode into that list before it clears what tmpfs keeps beside the
 * inode. Blocks are cleared earlier, and count each page in memory or swapped out.
 *
 * Context: any; reads without a lock.
 *
 * Return: pages, at most those that the blocks of the inode leave room for.
 */
static inline u64 memdiag_shmem_swapped(struct inode *inode)
{
	return min_t(u64, READ_ONCE(SHMEM_I(inode)->swapped),
		     (u64)READ_ONCE(inode->i_blocks) >> (PAGE_SHIFT - 9));
}

#endif /* _MEMDIAG_COMPAT_SHMEM_H */
