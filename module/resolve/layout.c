// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of private structures, by one way or another.
 *
 * A provider asks for the members it needs, first by BTF, which is the kernel's
 * own word, then by the mirror of this era.
 * After each it must verify what it got with objects of its own, and may take
 * the next way if that fails. Nothing here makes a layout trusted.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../memdiag.h"
#include "resolve.h"

#ifdef MEMDIAG_TEST
/* Places a member wrongly if the parameter wrong_layout of the module says so. */
static void __init layout_spoil(struct memdiag_member *members, unsigned int nr)
{
	unsigned int i;
	size_t length;

	for (i = 0; memdiag_wrong_layout && i < nr; i++) {
		length = strlen(members[i].type);
		if (strncmp(memdiag_wrong_layout, members[i].type, length) ||
		    memdiag_wrong_layout[length] != '.' ||
		    strcmp(memdiag_wrong_layout + length + 1, members[i].member))
			continue;
		members[i].bit_offset += BITS_PER_LONG;
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "wrong_layout", MEMDIAG_SRC_NONE,
				     -EPERM, "%s is placed wrongly by the parameter",
				     memdiag_wrong_layout);
	}
}
#else
static inline void layout_spoil(struct memdiag_member *members, unsigned int nr)
{
}
#endif

/* A member without a name is the whole struct, and says how large it is. */
static void __init layout_sizes(const struct memdiag_btf *btf, struct memdiag_member *members,
				unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (members[i].member[0])
			continue;
		members[i].bit_offset = 0;
		members[i].bit_size = memdiag_btf_size(btf, members[i].type) * BITS_PER_BYTE;
		members[i].found = members[i].bit_size != 0;
	}
}

/* A member behind the end of its struct would be a read of somebody else's memory. */
static void __init layout_cut(const struct memdiag_btf *btf, struct memdiag_member *members,
			      unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 end = (u64)members[i].bit_offset + members[i].bit_size;

		if (end > (u64)memdiag_btf_size(btf, members[i].type) * BITS_PER_BYTE)
			members[i].found = false;
	}
}

/*
 * Where both are to be had the mirror is held against BTF: so a mirror that has
 * gone wrong is seen on the kernels that do not need it.
 */
static void __init layout_compare(const char *what, const struct memdiag_member *members,
				  unsigned int nr)
{
	struct memdiag_member mirror;
	unsigned int i, same = 0;

	for (i = 0; i < nr; i++) {
		mirror = members[i];
		mirror.found = false;
		memdiag_mirror_members(&mirror, 1);
		if (!mirror.found)
			continue;
		if (!members[i].found || mirror.bit_offset != members[i].bit_offset ||
		    (members[i].bit_size && mirror.bit_size != members[i].bit_size)) {
			memdiag_resolve_note(MEMDIAG_ITEM_MIRROR, what, MEMDIAG_SRC_NONE, -EINVAL,
					     "%s.%s is at bit %u by the mirror, %s%u by BTF",
					     mirror.type, mirror.member, mirror.bit_offset,
					     members[i].found ? "" : "not ",
					     members[i].bit_offset);
			return;
		}
		same++;
	}
	if (same)
		memdiag_resolve_note(MEMDIAG_ITEM_MIRROR, what, MEMDIAG_SRC_MIRROR, 0,
				     "%u of %u members are declared, and are where BTF says",
				     same, nr);
}

/**
 * memdiag_layout_load() - look members of private structures up
 * @what: how the layout is called in the resolve section, "struct kmem_cache"
 * @way: MEMDIAG_SRC_BTF or MEMDIAG_SRC_MIRROR
 * @members: in: the names, "" for the whole struct; out: whether and where they
 *	are
 * @nr: number of @members
 * @nr_required: so many at the beginning must be there; others depend on the
 *	kernel's configuration
 *
 * Leaves a line in the resolve section; where BTF is there also one that says
 * whether the mirror agrees with it.
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOENT if there is no BTF, no mirror or not each required member
 * in it, -EPERM if a test closed the way, or as memdiag_btf_load().
 */
int __init memdiag_layout_load(const char *what, u32 way, struct memdiag_member *members,
			       unsigned int nr, unsigned int nr_required)
{
	struct memdiag_btf *btf;
	unsigned int i;

	if (way == MEMDIAG_SRC_MIRROR && memdiag_force_ways & MEMDIAG_FORCE_NO_MIRROR) {
		memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, what, MEMDIAG_SRC_NONE, -EPERM,
				     "mirror switched off by the parameter force_ways");
		return -EPERM;
	}
	if (way == MEMDIAG_SRC_BTF) {
		btf = memdiag_btf_load();
		if (IS_ERR(btf)) {
			memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, what, MEMDIAG_SRC_NONE,
					     PTR_ERR(btf), "no BTF");
			return PTR_ERR(btf);
		}
		memdiag_btf_members(btf, members, nr);
		layout_sizes(btf, members, nr);
		layout_cut(btf, members, nr);
		memdiag_btf_free(btf);
		layout_compare(what, members, nr);
	} else {
		memdiag_mirror_members(members, nr);
	}
	for (i = 0; i < nr_required; i++) {
		if (members[i].found)
			continue;
		memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, what, MEMDIAG_SRC_NONE, -ENOENT,
				     "%s.%s is not in %s", members[i].type, members[i].member,
				     way == MEMDIAG_SRC_BTF ? "BTF" : "the mirror");
		return -ENOENT;
	}
	layout_spoil(members, nr);
	memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, what, way, 0, "%s.%s at %u, %u members",
			     members[0].type, members[0].member,
			     members[0].bit_offset / BITS_PER_BYTE, nr);
	return 0;
}
