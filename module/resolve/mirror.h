/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables that mirror.c looks into; empty where nothing is private, and how
 * they are made.
 */
#ifndef _MEMDIAG_RESOLVE_MIRROR_H
#define _MEMDIAG_RESOLVE_MIRROR_H

#include <linux/stddef.h>
#include <linux/types.h>

/**
 * struct memdiag_mirror - a member as our own declaration has it
 * @type: name of the kernel's struct
 * @member: name of the member
 * @bit_offset: from the start of @type
 * @bit_size: width
 */
struct memdiag_mirror {
	const char *type;
	const char *member;
	u32 bit_offset;
	u32 bit_size;
};

/* A row of a mirror: @_mirror is the tag of our declaration of struct @_type. */
#define MEMDIAG_MIRROR(_type, _mirror, _member)				\
	{								\
		.type = #_type, .member = #_member,			\
		.bit_offset = offsetof(struct _mirror, _member) * BITS_PER_BYTE, \
		.bit_size = sizeof_field(struct _mirror, _member) * BITS_PER_BYTE, \
	}

/* The whole struct, as a member without a name. */
#define MEMDIAG_MIRROR_SIZE(_type, _mirror)				\
	{								\
		.type = #_type, .member = "",				\
		.bit_size = sizeof(struct _mirror) * BITS_PER_BYTE,	\
	}

/* The same for a bitfield, @_shift bits above the start of @_word. */
#define MEMDIAG_MIRROR_BITS(_type, _mirror, _member, _word, _shift, _width) \
	{								\
		.type = #_type, .member = #_member,			\
		.bit_offset = offsetof(struct _mirror, _word) * BITS_PER_BYTE + (_shift), \
		.bit_size = (_width),					\
	}

/* mirror_slab.c */
extern const struct memdiag_mirror memdiag_mirror_slab[];
extern const unsigned int memdiag_mirror_slab_nr;

/* mirror_vmalloc.c */
extern const struct memdiag_mirror memdiag_mirror_vmalloc[];
extern const unsigned int memdiag_mirror_vmalloc_nr;

#endif /* _MEMDIAG_RESOLVE_MIRROR_H */
