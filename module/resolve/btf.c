// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layouts of private structures, from the BTF that the kernel publishes about
 * itself in /sys/kernel/btf/vmlinux.
 *
 * The file is several MiB, so it is read once, indexed by type id and by name,
 * asked by all providers while the module loads, and dropped. It comes from the
 * kernel, but it is parsed as if it did not: every offset, id, count and string
 * is checked before use, recursion and loops have bounds.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/btf.h"
#include "../memdiag.h"
#include "btf.h"
#include "resolve.h"

#define BTF_PATH		"/sys/kernel/btf/vmlinux"
#define BTF_MAX_SIZE		SZ_64M
#define BTF_HASH_SLOTS		16384
/* The header grows at its end; what it says of more sections is not needed. */
#define BTF_HEADER_SIZE		offsetofend(struct btf_header, str_len)
/* typedefs, qualifiers and arrays to follow from a member to its size */
#define BTF_MAX_CHAIN		32
/* anonymous structs and unions inside one another */
#define BTF_MAX_DEPTH		8
/* members to look at in one search; the largest structs have some hundred */
#define BTF_MAX_VISITS		16384

/**
 * struct memdiag_btf - indexed BTF
 * @data: the bytes, owned
 * @types: type section
 * @types_len: bytes of it
 * @strings: string section; its last byte is NUL
 * @strings_len: bytes of it
 * @nr_types: types have ids 1 to @nr_types; id 0 is void
 * @offsets: by id: offset of the type in @types
 * @heads: by hash of a name: lowest id of a struct, union, enum or typedef
 * @next: by id: next id with the same hash, 0 at the end
 */
struct memdiag_btf {
	void *data;
	const void *types;
	u32 types_len;
	const char *strings;
	u32 strings_len;
	u32 nr_types;
	u32 *offsets;
	u32 *heads;
	u32 *next;
};

/* The kernel's own BTF, shared by all who ask for it while the module loads. */
static DEFINE_MUTEX(btf_lock);
static struct memdiag_btf *btf_shared;
static unsigned int btf_users;

/* Where a member was found. */
struct btf_place {
	u32 bit_offset;
	u32 bit_size;
	u32 type;
};

/* Bytes that follow a struct btf_type of this kind; -1 for an unknown kind. */
static s64 __init btf_tail(u32 info)
{
	u32 vlen = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return vlen * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return vlen * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return vlen * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return vlen * sizeof(struct btf_var_secinfo);
	default:
		return -1;
	}
}

static const char *__init btf_string(const struct memdiag_btf *btf, u32 offset)
{
	return offset < btf->strings_len ? btf->strings + offset : "";
}

static const struct btf_type *__init btf_type(const struct memdiag_btf *btf, u32 id)
{
	if (!id || id > btf->nr_types)
		return NULL;
	return btf->types + btf->offsets[id];
}

static bool __init btf_is_named_kind(u32 kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION ||
	       kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 ||
	       kind == BTF_KIND_TYPEDEF;
}

static u32 __init btf_hash(const char *name)
{
	return jhash(name, strlen(name), 0) % BTF_HASH_SLOTS;
}

/* Find the sections; they must lie in the data and the strings must end. */
static int __init btf_sections(struct memdiag_btf *btf, size_t size)
{
	const struct btf_header *header = btf->data;
	u64 room;

	if (size < BTF_HEADER_SIZE || header->magic != BTF_MAGIC ||
	    header->version != BTF_VERSION || header->flags ||
	    header->hdr_len < BTF_HEADER_SIZE || header->hdr_len > size)
		return -EINVAL;
	room = size - header->hdr_len;
	if ((u64)header->type_off + header->type_len > room ||
	    (u64)header->str_off + header->str_len > room ||
	    (header->hdr_len + header->type_off) % sizeof(u32) ||
	    !header->str_len)
		return -EINVAL;
	btf->types = btf->data + header->hdr_len + header->type_off;
	btf->types_len = header->type_len;
	btf->strings = btf->data + header->hdr_len + header->str_off;
	btf->strings_len = header->str_len;
	if (btf->strings[0] || btf->strings[btf->strings_len - 1])
		return -EINVAL;
	return 0;
}

/*
 * Walk the type section. With @offsets NULL only check and count, else store
 * where each type begins. Returns the number of types, or negative errno.
 */
static s64 __init btf_scan(const struct memdiag_btf *btf, u32 *offsets)
{
	u32 at = 0, nr = 0;

	while (at < btf->types_len) {
		u32 left = btf->types_len - at;
		const struct btf_type *type = btf->types + at;
		s64 tail;

		if (left < sizeof(*type))
			return -EINVAL;
		tail = btf_tail(type->info);
		if (tail < 0)
			return -EOPNOTSUPP;
		if (tail > left - sizeof(*type) ||
		    type->name_off >= btf->strings_len)
			return -EINVAL;
		nr++;
		if (offsets)
			offsets[nr] = at;
		at += sizeof(*type) + tail;
	}
	return nr;
}

static int __init btf_index(struct memdiag_btf *btf)
{
	s64 nr = btf_scan(btf, NULL);
	u32 id;

	if (nr < 0)
		return nr;
	btf->nr_types = nr;
	btf->offsets = memdiag_alloc(nr + 1, sizeof(u32));
	btf->next = memdiag_alloc(nr + 1, sizeof(u32));
	btf->heads = memdiag_alloc(BTF_HASH_SLOTS, sizeof(u32));
	if (!btf->offsets || !btf->next || !btf->heads)
		return -ENOMEM;
	btf_scan(btf, btf->offsets);

	/* Downwards, so that each chain runs upwards. */
	for (id = nr; id; id--) {
		const struct btf_type *type = btf_type(btf, id);
		const char *name = btf_string(btf, type->name_off);
		u32 slot;

		if (!*name || !btf_is_named_kind(BTF_INFO_KIND(type->info)))
			continue;
		slot = btf_hash(name);
		btf->next[id] = btf->heads[slot];
		btf->heads[slot] = id;
	}
	return 0;
}

static void __init btf_release(struct memdiag_btf *btf)
{
	memdiag_free(btf->heads);
	memdiag_free(btf->next);
	memdiag_free(btf->offsets);
	memdiag_free(btf->data);
	memdiag_free(btf);
}

/* Takes over @data, which memdiag_free() must be able to free, also on failure. */
static struct memdiag_btf *__init btf_parse(void *data, size_t size)
{
	struct memdiag_btf *btf = memdiag_alloc(1, sizeof(*btf));
	int error;

	if (!btf) {
		memdiag_free(data);
		return ERR_PTR(-ENOMEM);
	}
	btf->data = data;
	error = btf_sections(btf, size) ?: btf_index(btf);
	if (error) {
		btf_release(btf);
		return ERR_PTR(error);
	}
	return btf;
}

/* First id of this name at or after the chain's element @id; 0 if none. */
static u32 __init btf_match(const struct memdiag_btf *btf, u32 id, const char *name)
{
	while (id) {
		const struct btf_type *type = btf_type(btf, id);

		if (!strcmp(btf_string(btf, type->name_off), name))
			break;
		id = btf->next[id];
	}
	return id;
}

#define btf_for_each_named(btf, name, id)				\
	for ((id) = btf_match(btf, (btf)->heads[btf_hash(name)], name);	\
	     (id); (id) = btf_match(btf, (btf)->next[id], name))

/* Follow typedefs and qualifiers. Returns the id behind them, 0 if none. */
static u32 __init btf_strip(const struct memdiag_btf *btf, u32 id)
{
	unsigned int i;

	for (i = 0; i < BTF_MAX_CHAIN; i++) {
		const struct btf_type *type = btf_type(btf, id);

		if (!type)
			return 0;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
		case BTF_KIND_VAR:
			id = type->type;
			break;
		default:
			return id;
		}
	}
	return 0;
}

/* Size of a type in bytes; 0 if it has none or is not to be found out. */
static u32 __init btf_size(const struct memdiag_btf *btf, u32 id)
{
	const struct btf_array *array;
	const struct btf_type *type;
	u64 times = 1;
	u64 size;
	unsigned int i;

	for (i = 0; i < BTF_MAX_CHAIN; i++) {
		id = btf_strip(btf, id);
		type = btf_type(btf, id);
		if (!type)
			return 0;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			size = times * type->size;
			return size > U32_MAX ? 0 : size;
		case BTF_KIND_PTR:
			size = times * sizeof(void *);
			return size > U32_MAX ? 0 : size;
		case BTF_KIND_ARRAY:
			array = (const void *)(type + 1);
			times *= array->nelems;
			if (times > U32_MAX)
				return 0;
			id = array->type;
			break;
		default:
			return 0;
		}
	}
	return 0;
}

/* Offset and width of a member, in the two encodings of bitfields. */
static void __init btf_place(const struct memdiag_btf *btf, const struct btf_type *outer,
			     const struct btf_member *member, u32 base,
			     struct btf_place *place)
{
	const struct btf_type *type;
	u64 bits;

	place->type = member->type;
	if (BTF_INFO_KFLAG(outer->info)) {
		place->bit_offset = base + BTF_MEMBER_BIT_OFFSET(member->offset);
		place->bit_size = BTF_MEMBER_BITFIELD_SIZE(member->offset);
		if (place->bit_size)
			return;
	} else {
		place->bit_offset = base + member->offset;
		type = btf_type(btf, btf_strip(btf, member->type));
		if (type && BTF_INFO_KIND(type->info) == BTF_KIND_INT) {
			u32 word = *(const u32 *)(type + 1);

			place->bit_offset += BTF_INT_OFFSET(word);
			place->bit_size = BTF_INT_BITS(word);
			return;
		}
	}
	bits = (u64)btf_size(btf, member->type) * BITS_PER_BYTE;
	place->bit_size = bits > U32_MAX ? 0 : bits;
}

/* Search a struct or union, and the anonymous ones inside, for a member. */
static bool __init btf_find(const struct memdiag_btf *btf, u32 id, const char *name,
			    u32 base, unsigned int depth, unsigned int *visits,
			    struct btf_place *place)
{
	const struct btf_type *outer = btf_type(btf, btf_strip(btf, id));
	const struct btf_member *member;
	u32 i, kind;

	if (!outer || depth > BTF_MAX_DEPTH)
		return false;
	kind = BTF_INFO_KIND(outer->info);
	if (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION)
		return false;

	member = (const void *)(outer + 1);
	for (i = 0; i < BTF_INFO_VLEN(outer->info); i++, member++) {
		const char *found = btf_string(btf, member->name_off);

		if (++*visits > BTF_MAX_VISITS)
			return false;
		if (*found) {
			if (strcmp(found, name))
				continue;
			btf_place(btf, outer, member, base, place);
			return true;
		}
		btf_place(btf, outer, member, base, place);
		if (btf_find(btf, member->type, name, place->bit_offset,
			     depth + 1, visits, place))
			return true;
	}
	return false;
}

/*
 * A name can stand for several types, from different units of the kernel. If
 * they do not agree on the member, there is no telling which is meant.
 */
static bool __init btf_lookup(const struct memdiag_btf *btf, const char *type,
			      const char *member, struct btf_place *place)
{
	bool found = false;
	u32 id;

	btf_for_each_named(btf, type, id) {
		struct btf_place other;
		unsigned int visits = 0;

		if (!btf_find(btf, id, member, 0, 0, &visits, &other))
			continue;
		if (found && (other.bit_offset != place->bit_offset ||
			      other.bit_size != place->bit_size))
			return false;
		*place = other;
		found = true;
	}
	return found;
}

/**
 * memdiag_btf_parse() - index BTF
 * @data: the bytes, copied
 * @size: their number
 *
 * Context: may sleep.
 *
 * Return: the index, to be freed with memdiag_btf_free(); or ERR_PTR(): -EINVAL
 * if the bytes are not well-formed BTF of this machine's byte order,
 * -EOPNOTSUPP if a type is of an unknown kind, -E2BIG, -ENOMEM.
 */
struct memdiag_btf *__init memdiag_btf_parse(const void *data, size_t size)
{
	void *copy;

	if (size > BTF_MAX_SIZE)
		return ERR_PTR(-E2BIG);
	copy = memdiag_alloc(size, 1);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	memcpy(copy, data, size);
	return btf_parse(copy, size);
}

static struct memdiag_btf *__init btf_load(void)
{
	struct memdiag_btf *btf;
	char *data;
	ssize_t size;

	if (memdiag_force_ways & MEMDIAG_FORCE_NO_BTF) {
		memdiag_resolve_note(MEMDIAG_ITEM_FILE, BTF_PATH, MEMDIAG_SRC_NONE,
				     -EPERM, "switched off by the parameter force_ways");
		return ERR_PTR(-EPERM);
	}
	size = memdiag_file_read(BTF_PATH, &data, BTF_MAX_SIZE);
	if (size < 0) {
		memdiag_resolve_note(MEMDIAG_ITEM_FILE, BTF_PATH, MEMDIAG_SRC_NONE,
				     size, "read: %pe", ERR_PTR(size));
		return ERR_PTR(size);
	}
	btf = btf_parse(data, size);
	if (IS_ERR(btf))
		memdiag_resolve_note(MEMDIAG_ITEM_FILE, BTF_PATH, MEMDIAG_SRC_NONE,
				     PTR_ERR(btf), "not understood: %pe", btf);
	else
		memdiag_resolve_note(MEMDIAG_ITEM_FILE, BTF_PATH, MEMDIAG_SRC_BTF, 0,
				     "%u types in %zd bytes", btf->nr_types, size);
	return btf;
}

/**
 * memdiag_btf_load() - the BTF of the running kernel
 *
 * The first call reads it, further ones share it until all are paired with
 * memdiag_btf_free(). Leaves a line in the resolve section.
 *
 * Context: may sleep.
 *
 * Return: the index; or ERR_PTR(): -ENOENT if the kernel has none (not built
 * with CONFIG_DEBUG_INFO_BTF), -EPERM if a test closed this way, or as
 * memdiag_file_read() and memdiag_btf_parse().
 */
struct memdiag_btf *__init memdiag_btf_load(void)
{
	struct memdiag_btf *btf;

	mutex_lock(&btf_lock);
	btf = btf_shared ?: btf_load();
	if (!IS_ERR(btf)) {
		btf_shared = btf;
		btf_users++;
	}
	mutex_unlock(&btf_lock);
	return btf;
}

/**
 * memdiag_btf_free() - undo memdiag_btf_load() or memdiag_btf_parse()
 * @btf: what it returned; NULL and ERR_PTR() are ignored
 *
 * Context: may sleep.
 */
void __init memdiag_btf_free(struct memdiag_btf *btf)
{
	if (IS_ERR_OR_NULL(btf))
		return;
	mutex_lock(&btf_lock);
	if (btf == btf_shared) {
		if (--btf_users)
			btf = NULL;
		else
			btf_shared = NULL;
	}
	mutex_unlock(&btf_lock);
	if (btf)
		btf_release(btf);
}

/**
 * memdiag_btf_members() - look members up
 * @btf: the index
 * @members: in: the names; out: whether and where they are
 * @nr: number of @members
 *
 * Return: 0 if all were found, else -ENOENT; each member says for itself.
 */
int __init memdiag_btf_members(const struct memdiag_btf *btf,
			       struct memdiag_member *members, unsigned int nr)
{
	int error = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct btf_place place = {};

		members[i].found = btf_lookup(btf, members[i].type,
					      members[i].member, &place);
		members[i].bit_offset = place.bit_offset;
		members[i].bit_size = place.bit_size;
		if (!members[i].found)
			error = -ENOENT;
	}
	return error;
}

/**
 * memdiag_btf_size() - size of a named type
 * @btf: the index
 * @type: name of a struct, union, enum or typedef
 *
 * Return: bytes; 0 if there is no such type, it has no size, or types of the
 * same name differ.
 */
u32 __init memdiag_btf_size(const struct memdiag_btf *btf, const char *type)
{
	u32 size = 0;
	u32 id;

	btf_for_each_named(btf, type, id) {
		u32 other = btf_size(btf, id);

		if (size && other && other != size)
			return 0;
		size = other ?: size;
	}
	return size;
}

/**
 * memdiag_btf_array() - describe a member that is an array
 * @btf: the index
 * @type: name of the struct or union
 * @member: name of the member
 * @nelems: out: number of elements
 * @elem_size: out: bytes of one
 *
 * Return: whether there is such a member and it is an array of known size.
 */
bool __init memdiag_btf_array(const struct memdiag_btf *btf, const char *type,
			      const char *member, u32 *nelems, u32 *elem_size)
{
	const struct btf_array *array;
	const struct btf_type *inner;
	struct btf_place place;

	if (!btf_lookup(btf, type, member, &place))
		return false;
	inner = btf_type(btf, btf_strip(btf, place.type));
	if (!inner || BTF_INFO_KIND(inner->info) != BTF_KIND_ARRAY)
		return false;
	array = (const void *)(inner + 1);
	*nelems = array->nelems;
	*elem_size = btf_size(btf, array->type);
	return *nelems && *elem_size;
}

/**
 * memdiag_btf_enum() - value of an enumerator
 * @btf: the index
 * @type: name of the enum
 * @enumerator: name of the enumerator
 * @value: out: its value
 *
 * Return: whether it is there, with a value that is not negative.
 */
bool __init memdiag_btf_enum(const struct memdiag_btf *btf, const char *type,
			     const char *enumerator, u32 *value)
{
	u32 id, i;

	btf_for_each_named(btf, type, id) {
		const struct btf_type *t = btf_type(btf, id);
		const struct btf_enum *e = (const void *)(t + 1);

		if (BTF_INFO_KIND(t->info) != BTF_KIND_ENUM)
			continue;
		for (i = 0; i < BTF_INFO_VLEN(t->info); i++, e++) {
			if (strcmp(btf_string(btf, e->name_off), enumerator))
				continue;
			*value = e->val;
			return e->val >= 0;
		}
	}
	return false;
}
