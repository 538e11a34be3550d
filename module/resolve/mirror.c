// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mirrors: our own declarations of the kernel's private structures, for
 * kernels that do not describe themselves. mirror_<subsystem>.c has one each,
 * made for the era and the configuration that memdiag.ko is built for.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../memdiag.h"
#include "mirror.h"
#include "resolve.h"

static const struct memdiag_mirror *__init mirror_find(const struct memdiag_mirror *rows,
						       unsigned int nr,
						       const struct memdiag_member *member)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(rows[i].type, member->type) &&
		    !strcmp(rows[i].member, member->member))
			return &rows[i];
	return NULL;
}

/**
 * memdiag_mirror_members() - look members up in the mirrors
 * @members: in: the names; out: whether and where they are
 * @nr: number of @members
 *
 * Return: 0 if all were found, else -ENOENT.
 */
int __init memdiag_mirror_members(struct memdiag_member *members, unsigned int nr)
{
	const struct memdiag_mirror *row;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		row = mirror_find(memdiag_mirror_slab, memdiag_mirror_slab_nr, &members[i]) ?:
		      mirror_find(memdiag_mirror_vmalloc, memdiag_mirror_vmalloc_nr,
				  &members[i]);
		members[i].found = row != NULL;
		if (!row) {
			ret = -ENOENT;
			continue;
		}
		members[i].bit_offset = row->bit_offset;
		members[i].bit_size = row->bit_size;
	}
	return ret;
}
