// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_btf: BTF made by hand, good and bad. KASAN watches the bad.
 */
#include "kunit.h"

#include "../../module/resolve/btf.c"

#define BLOB_SIZE 8192

void memdiag_kunit_need_btf(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_DEBUG_INFO_BTF))
		kunit_skip(test, "CONFIG_DEBUG_INFO_BTF is not set");
}

/*
 * A blob in the making: header, then strings, then types, so that cutting off
 * the end cuts types.
 */
struct blob {
	u8 bytes[BLOB_SIZE];
	u32 strings;
	char names[1024];
	u32 types;
	u8 info[BLOB_SIZE / 2];
	u32 nr;
	size_t size;
};

static u32 blob_name(struct blob *b, const char *name)
{
	u32 at = b->strings;

	if (!name)
		return 0;
	strscpy(b->names + at, name, sizeof(b->names) - at);
	b->strings += strlen(name) + 1;
	return at;
}

static void blob_add(struct blob *b, const void *from, size_t size)
{
	memcpy(b->info + b->types, from, size);
	b->types += size;
}

/* Begin a type; returns its id. */
static u32 blob_type(struct blob *b, const char *name, u32 kind, u32 vlen, bool kflag, u32 size)
{
	struct btf_type type = {
		.name_off = blob_name(b, name),
		.info = kind << 24 | vlen | (u32)kflag << 31,
		.size = size,
	};

	blob_add(b, &type, sizeof(type));
	return ++b->nr;
}

static u32 blob_int(struct blob *b, const char *name, u32 size, u32 bit_offset, u32 bits)
{
	u32 word = bit_offset << 16 | bits;
	u32 id = blob_type(b, name, BTF_KIND_INT, 0, false, size);

	blob_add(b, &word, sizeof(word));
	return id;
}

static void blob_member(struct blob *b, const char *name, u32 type, u32 offset)
{
	struct btf_member member = {
		.name_off = blob_name(b, name), .type = type, .offset = offset,
	};

	blob_add(b, &member, sizeof(member));
}

static u32 blob_array(struct blob *b, u32 type, u32 nelems)
{
	struct btf_array array = { .type = type, .nelems = nelems };
	u32 id = blob_type(b, NULL, BTF_KIND_ARRAY, 0, false, 0);

	blob_add(b, &array, sizeof(array));
	return id;
}

static void blob_enumerator(struct blob *b, const char *name, s32 value)
{
	struct btf_enum e = { .name_off = blob_name(b, name), .val = value };

	blob_add(b, &e, sizeof(e));
}

static struct btf_header *blob_header(struct blob *b)
{
	return (struct btf_header *)b->bytes;
}

static struct blob *blob_new(struct kunit *test)
{
	struct blob *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->strings = 1;
	return b;
}

/* Put the parts together. */
static void blob_finish(struct blob *b)
{
	struct btf_header *h = blob_header(b);

	*h = (struct btf_header) {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(*h),
		.str_off = 0,
		.str_len = b->strings,
		.type_off = ALIGN(b->strings, 4),
		.type_len = b->types,
	};
	memcpy(h + 1, b->names, b->strings);
	memcpy((u8 *)(h + 1) + h->type_off, b->info, b->types);
	b->size = sizeof(*h) + h->type_off + h->type_len;
}

/* Parse exactly its bytes, so that KASAN sees a read behind them. */
static struct memdiag_btf *blob_parse_bytes(const void *bytes, size_t size)
{
	void *copy = kmemdup(bytes, size, GFP_KERNEL);
	struct memdiag_btf *btf;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	btf = memdiag_btf_parse(copy, size);
	/* It has made a copy of its own. */
	kfree(copy);
	return btf;
}

static void blob_free(void *btf)
{
	memdiag_btf_free(btf);
}

static struct memdiag_btf *blob_parse(struct kunit *test, struct blob *b)
{
	struct memdiag_btf *btf;

	blob_finish(b);
	btf = blob_parse_bytes(b->bytes, b->size);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, btf);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, blob_free, btf), 0);
	return btf;
}

static int blob_error(const void *bytes, size_t size)
{
	struct memdiag_btf *btf = blob_parse_bytes(bytes, size);
	int error = PTR_ERR_OR_ZERO(btf);

	memdiag_btf_free(btf);
	return error;
}

/* Is the member there, and where? */
static void expect_member(struct kunit *test, const struct memdiag_btf *btf, const char *type,
			  const char *name, u32 bit_offset, u32 bit_size)
{
	struct memdiag_member member = { .type = type, .member = name };

	KUNIT_EXPECT_EQ(test, memdiag_btf_members(btf, &member, 1), 0);
	KUNIT_EXPECT_TRUE_MSG(test, member.found, "%s.%s", type, name);
	KUNIT_EXPECT_EQ_MSG(test, member.bit_offset, bit_offset, "%s.%s", type, name);
	KUNIT_EXPECT_EQ_MSG(test, member.bit_size, bit_size, "%s.%s", type, name);
}

static void expect_no_member(struct kunit *test, const struct memdiag_btf *btf, const char *type,
			     const char *name)
{
	struct memdiag_member member = { .type = type, .member = name, .found = true };

	KUNIT_EXPECT_EQ(test, memdiag_btf_members(btf, &member, 1), -ENOENT);
	KUNIT_EXPECT_FALSE_MSG(test, member.found, "%s.%s", type, name);
}

/* Everything that a blob can have. */
static struct blob *blob_good(struct kunit *test)
{
	struct blob *b = blob_new(test);
	u32 u32_id = blob_int(b, "unsigned int", 4, 0, 32);
	u32 u64_id = blob_int(b, "unsigned long", 8, 0, 64);
	u32 nibble = blob_int(b, NULL, 4, 3, 4);
	u32 typedef_id, const_id, volatile_id, ptr, array, matrix, inner, outer, bits;

	typedef_id = blob_type(b, "u64", BTF_KIND_TYPEDEF, 0, false, u64_id);
	const_id = blob_type(b, NULL, BTF_KIND_CONST, 0, false, typedef_id);
	volatile_id = blob_type(b, NULL, BTF_KIND_VOLATILE, 0, false, const_id);
	ptr = blob_type(b, NULL, BTF_KIND_PTR, 0, false, 0);
	array = blob_array(b, volatile_id, 5);
	matrix = blob_array(b, array, 3);

	inner = blob_type(b, NULL, BTF_KIND_UNION, 2, false, 8);
	blob_member(b, "as_long", u64_id, 0);
	blob_member(b, "as_int", u32_id, 0);
	outer = blob_type(b, NULL, BTF_KIND_STRUCT, 2, false, 16);
	blob_member(b, "before", u64_id, 0);
	blob_member(b, NULL, inner, 64);
	blob_type(b, "thing", BTF_KIND_STRUCT, 7, false, 256);
	blob_member(b, "first", u32_id, 0);
	blob_member(b, "old_bits", nibble, 32);
	blob_member(b, "next", ptr, 64);
	blob_member(b, NULL, outer, 128);
	blob_member(b, "chain", volatile_id, 256);
	blob_member(b, "array", array, 320);
	blob_member(b, "matrix", matrix, 640);

	bits = blob_type(b, "bits", BTF_KIND_STRUCT, 3, true, 8);
	blob_member(b, "low", u32_id, 3 << 24 | 0);
	blob_member(b, "high", u32_id, 29 << 24 | 3);
	blob_member(b, "whole", u32_id, 0 << 24 | 32);
	blob_type(b, "bits_t", BTF_KIND_TYPEDEF, 0, false, bits);

	blob_type(b, "colour", BTF_KIND_ENUM, 3, true, 4);
	blob_enumerator(b, "RED", 0);
	blob_enumerator(b, "GREEN", 77);
	blob_enumerator(b, "NO_COLOUR", -1);
	return b;
}

static void btf_good(struct kunit *test)
{
	struct memdiag_btf *btf = blob_parse(test, blob_good(test));

	KUNIT_EXPECT_EQ(test, btf->nr_types, 15);
	expect_member(test, btf, "thing", "first", 0, 32);
	expect_member(test, btf, "thing", "old_bits", 35, 4);
	expect_member(test, btf, "thing", "next", 64, BITS_PER_LONG);
	expect_member(test, btf, "thing", "before", 128, 64);
	expect_member(test, btf, "thing", "as_long", 192, 64);
	expect_member(test, btf, "thing", "as_int", 192, 32);
	expect_member(test, btf, "thing", "chain", 256, 64);
	expect_member(test, btf, "thing", "array", 320, 320);
	expect_member(test, btf, "thing", "matrix", 640, 960);
	expect_member(test, btf, "bits", "low", 0, 3);
	expect_member(test, btf, "bits", "high", 3, 29);
	expect_member(test, btf, "bits", "whole", 32, 32);
	expect_member(test, btf, "bits_t", "whole", 32, 32);
	expect_no_member(test, btf, "thing", "second");
	expect_no_member(test, btf, "thing", "");
	expect_no_member(test, btf, "nothing", "first");
	expect_no_member(test, btf, "colour", "RED");

	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "thing"), 256);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "u64"), 8);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "bits_t"), 8);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "colour"), 4);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "nothing"), 0);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, ""), 0);
}

static void btf_arrays_and_enums(struct kunit *test)
{
	struct memdiag_btf *btf = blob_parse(test, blob_good(test));
	u32 nelems = 0, size = 0, value = 0;

	KUNIT_EXPECT_TRUE(test, memdiag_btf_array(btf, "thing", "array", &nelems, &size));
	KUNIT_EXPECT_EQ(test, nelems, 5);
	KUNIT_EXPECT_EQ(test, size, 8);
	KUNIT_EXPECT_TRUE(test, memdiag_btf_array(btf, "thing", "matrix", &nelems, &size));
	KUNIT_EXPECT_EQ(test, nelems, 3);
	KUNIT_EXPECT_EQ(test, size, 40);
	KUNIT_EXPECT_FALSE(test, memdiag_btf_array(btf, "thing", "first", &nelems, &size));
	KUNIT_EXPECT_FALSE(test, memdiag_btf_array(btf, "thing", "second", &nelems, &size));

	KUNIT_EXPECT_TRUE(test, memdiag_btf_enum(btf, "colour", "RED", &value));
	KUNIT_EXPECT_EQ(test, value, 0);
	KUNIT_EXPECT_TRUE(test, memdiag_btf_enum(btf, "colour", "GREEN", &value));
	KUNIT_EXPECT_EQ(test, value, 77);
	KUNIT_EXPECT_FALSE(test, memdiag_btf_enum(btf, "colour", "NO_COLOUR", &value));
	KUNIT_EXPECT_FALSE(test, memdiag_btf_enum(btf, "colour", "BLUE", &value));
	KUNIT_EXPECT_FALSE(test, memdiag_btf_enum(btf, "thing", "RED", &value));
}

/* Types of one name that agree are one; those that do not are none. */
static void btf_same_names(struct kunit *test)
{
	struct blob *b = blob_new(test);
	u32 id = blob_int(b, "int", 4, 0, 32), i;
	struct memdiag_btf *btf;

	for (i = 0; i < 3; i++) {
		blob_type(b, "twin", BTF_KIND_STRUCT, 3, false, i < 2 ? 16 : 24);
		blob_member(b, "same", id, 32);
		blob_member(b, "moved", id, 64 + 32 * i);
		/* Only one of them has this one. */
		blob_member(b, i == 1 ? "once" : "other", id, 0);
	}
	btf = blob_parse(test, b);
	expect_member(test, btf, "twin", "same", 32, 32);
	expect_member(test, btf, "twin", "once", 0, 32);
	expect_no_member(test, btf, "twin", "moved");
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "twin"), 0);
}

/* Cut off at every byte, with and without the header knowing of it. */
static void btf_truncated(struct kunit *test)
{
	struct blob *b = blob_good(test);
	struct btf_header *h = blob_header(b);
	unsigned int accepted = 0;
	u32 len, type_len;
	size_t size;

	blob_finish(b);
	KUNIT_ASSERT_EQ(test, blob_error(b->bytes, b->size), 0);
	for (size = 0; size < b->size; size++)
		KUNIT_EXPECT_EQ_MSG(test, blob_error(b->bytes, size), -EINVAL, "%zu", size);

	/* The types end early: fine between two types, and nowhere else. */
	type_len = h->type_len;
	for (len = 0; len < type_len; len++) {
		int error;

		h->type_len = len;
		error = blob_error(b->bytes, b->size - type_len + len);
		if (!error)
			accepted++;
		else
			KUNIT_EXPECT_EQ_MSG(test, error, -EINVAL, "%u", len);
	}
	KUNIT_EXPECT_EQ(test, accepted, 15);
	h->type_len = type_len;

	/* The strings end early: a name of a type is missing, or the NUL is. */
	for (len = 0; len < b->strings; len++) {
		struct memdiag_member member = { .type = "thing", .member = "matrix" };
		struct memdiag_btf *btf;

		h->str_len = len;
		btf = blob_parse_bytes(b->bytes, b->size);
		if (!IS_ERR(btf))
			memdiag_btf_members(btf, &member, 1);
		else
			KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(btf), -EINVAL, "%u", len);
		memdiag_btf_free(btf);
	}
}

static void btf_bad_header(struct kunit *test)
{
	struct blob *b = blob_good(test);
	struct btf_header *h = blob_header(b), bad[12];
	unsigned int i;

	blob_finish(b);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = *h;
	bad[0].magic = swab16(BTF_MAGIC);
	bad[1].version++;
	bad[2].flags = 1;
	bad[3].hdr_len = sizeof(*h) - 1;
	bad[4].hdr_len = U32_MAX;
	bad[5].type_off = U32_MAX & ~3;
	bad[6].type_len++;
	bad[7].type_len = U32_MAX;
	bad[8].str_off = U32_MAX;
	bad[9].str_len = U32_MAX;
	bad[10].str_len = 0;
	/* Types that do not begin at a word. */
	bad[11].type_off++;
	bad[11].type_len--;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct btf_header good = *h;

		*h = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, blob_error(b->bytes, b->size), -EINVAL, "header %u", i);
		*h = good;
	}
	KUNIT_EXPECT_EQ(test, blob_error(b->bytes, b->size), 0);
	/* The first string is the empty one. */
	b->bytes[sizeof(*h)] = 'x';
	KUNIT_EXPECT_EQ(test, blob_error(b->bytes, b->size), -EINVAL);
}

static void btf_bad_types(struct kunit *test)
{
	static const u32 zero[4];
	struct blob *b = blob_new(test);
	u32 kind;

	/* More members than there are bytes. */
	blob_type(b, "absurd", BTF_KIND_STRUCT, 0xffff, false, 4);
	blob_finish(b);
	KUNIT_EXPECT_EQ(test, blob_error(b->bytes, b->size), -EINVAL);

	/* A name that lies behind the strings. */
	b = blob_new(test);
	blob_int(b, "int", 4, 0, 32);
	((struct btf_type *)b->info)->name_off = b->strings;
	blob_finish(b);
	KUNIT_EXPECT_EQ(test, blob_error(b->bytes, b->size), -EINVAL);

	/* Of a kind we do not know, the length is not known either. */
	for (kind = 0; kind < 32; kind++) {
		b = blob_new(test);
		blob_type(b, "what", kind, 0, false, 4);
		blob_add(b, zero, kind == BTF_KIND_ARRAY ? 12 :
			 kind == BTF_KIND_INT || kind == BTF_KIND_VAR ||
			 kind == BTF_KIND_DECL_TAG ? 4 : 0);
		blob_finish(b);
		KUNIT_EXPECT_EQ_MSG(test, blob_error(b->bytes, b->size),
				    kind == BTF_KIND_UNKN || kind > BTF_KIND_ENUM64 ?
				    -EOPNOTSUPP : 0, "kind %u", kind);
	}
}

/* Names of members and types of members are not checked before they are used. */
static void btf_bad_members(struct kunit *test)
{
	struct blob *b = blob_new(test);
	struct btf_member bad = { .name_off = U32_MAX, .type = U32_MAX, .offset = U32_MAX };
	struct memdiag_btf *btf;
	u32 nelems, size, id;

	blob_type(b, "bad", BTF_KIND_STRUCT, 2, false, 4);
	blob_add(b, &bad, sizeof(bad));
	blob_member(b, "wild", 4242, 64);
	id = blob_type(b, NULL, BTF_KIND_FWD, 0, false, 0);
	blob_type(b, "more", BTF_KIND_STRUCT, 1, false, 4);
	blob_member(b, "forward", id, 0);
	btf = blob_parse(test, b);
	expect_no_member(test, btf, "bad", "x");
	/* It is there, but of no size anybody could know. */
	expect_member(test, btf, "bad", "wild", 64, 0);
	expect_member(test, btf, "more", "forward", 0, 0);
	KUNIT_EXPECT_FALSE(test, memdiag_btf_array(btf, "bad", "wild", &nelems, &size));
}

static void btf_loops(struct kunit *test)
{
	struct blob *b = blob_new(test);
	u32 nelems, size, value, i;
	struct memdiag_btf *btf;

	/* 1 and 2 are typedefs of each other, 3 of itself. */
	blob_type(b, "ping", BTF_KIND_TYPEDEF, 0, false, 2);
	blob_type(b, "pong", BTF_KIND_TYPEDEF, 0, false, 1);
	blob_type(b, "self", BTF_KIND_TYPEDEF, 0, false, 3);
	/* 4 is an array of itself. */
	blob_array(b, 4, 2);
	/* 5 contains itself without a name, many times over. */
	blob_type(b, "russian_doll", BTF_KIND_STRUCT, 100, false, 8);
	for (i = 0; i < 100; i++)
		blob_member(b, NULL, 5, 0);
	blob_type(b, "holder", BTF_KIND_STRUCT, 3, false, 8);
	blob_member(b, "ping", 1, 0);
	blob_member(b, "array", 4, 0);
	blob_member(b, "self", 3, 0);
	btf = blob_parse(test, b);

	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "ping"), 0);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "self"), 0);
	expect_no_member(test, btf, "ping", "x");
	expect_no_member(test, btf, "russian_doll", "x");
	expect_member(test, btf, "holder", "ping", 0, 0);
	expect_member(test, btf, "holder", "array", 0, 0);
	expect_member(test, btf, "holder", "self", 0, 0);
	KUNIT_EXPECT_FALSE(test, memdiag_btf_array(btf, "holder", "array", &nelems, &size));
	KUNIT_EXPECT_FALSE(test, memdiag_btf_array(btf, "holder", "ping", &nelems, &size));
	KUNIT_EXPECT_FALSE(test, memdiag_btf_enum(btf, "ping", "x", &value));
}

/* Sizes that do not fit 32 bits are none. */
static void btf_huge(struct kunit *test)
{
	struct blob *b = blob_new(test);
	u32 big = blob_type(b, "big", BTF_KIND_STRUCT, 0, false, 0x40000000);
	u32 id = blob_array(b, big, 0x40000000);
	struct memdiag_btf *btf;

	id = blob_array(b, id, 0x40000000);
	blob_type(b, "huge", BTF_KIND_TYPEDEF, 0, false, id);
	btf = blob_parse(test, b);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "big"), 0x40000000);
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "huge"), 0);
}

/* Every byte of a good one changed: an error or another answer, and no more. */
static void btf_bit_flips(struct kunit *test)
{
	struct blob *b = blob_good(test);
	unsigned int accepted = 0;
	size_t at;

	blob_finish(b);
	for (at = 0; at < b->size; at++) {
		struct memdiag_member members[] = {
			{ .type = "thing", .member = "as_int" },
			{ .type = "thing", .member = "matrix" },
			{ .type = "bits_t", .member = "none" },
		};
		struct memdiag_btf *btf;
		u32 value, size;

		b->bytes[at] ^= 0xff;
		btf = blob_parse_bytes(b->bytes, b->size);
		if (!IS_ERR(btf)) {
			accepted++;
			memdiag_btf_members(btf, members, ARRAY_SIZE(members));
			memdiag_btf_size(btf, "thing");
			memdiag_btf_array(btf, "thing", "matrix", &value, &size);
			memdiag_btf_enum(btf, "colour", "NO_COLOUR", &value);
		}
		memdiag_btf_free(btf);
		b->bytes[at] ^= 0xff;
	}
	KUNIT_EXPECT_GT(test, accepted, 0);
	KUNIT_EXPECT_LT(test, accepted, b->size);
	KUNIT_EXPECT_EQ(test, blob_error(b->bytes, b->size), 0);
}

/* The kernel's own, against what the compiler says. */
static void btf_live(struct kunit *test)
{
	struct memdiag_btf *btf;

	memdiag_kunit_need_btf(test);
	btf = memdiag_btf_load();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, btf);
	expect_member(test, btf, "list_head", "prev", offsetof(struct list_head, prev) * 8,
		      BITS_PER_LONG);
	expect_member(test, btf, "task_struct", "pid", offsetof(struct task_struct, pid) * 8, 32);
	expect_member(test, btf, "zone", "name", offsetof(struct zone, name) * 8, BITS_PER_LONG);
	expect_member(test, btf, "page", "compound_head", offsetof(struct page, compound_head) * 8,
		      BITS_PER_LONG);
	expect_no_member(test, btf, "task_struct", "no_such_member");
	KUNIT_EXPECT_EQ(test, memdiag_btf_size(btf, "seq_file"), sizeof(struct seq_file));
	/* It is shared as long as somebody has it. */
	KUNIT_EXPECT_PTR_EQ(test, memdiag_btf_load(), btf);
	memdiag_btf_free(btf);
	KUNIT_EXPECT_PTR_EQ(test, btf_shared, btf);
	memdiag_btf_free(btf);
	KUNIT_EXPECT_NULL(test, btf_shared);
}

static struct kunit_case btf_cases[] = {
	KUNIT_CASE(btf_good),
	KUNIT_CASE(btf_arrays_and_enums),
	KUNIT_CASE(btf_same_names),
	KUNIT_CASE(btf_truncated),
	KUNIT_CASE(btf_bad_header),
	KUNIT_CASE(btf_bad_types),
	KUNIT_CASE(btf_bad_members),
	KUNIT_CASE(btf_loops),
	KUNIT_CASE(btf_huge),
	KUNIT_CASE(btf_bit_flips),
	KUNIT_CASE(btf_live),
	{}
};

static struct kunit_suite btf_suite = {
	.name = "memdiag_btf",
	.suite_init = memdiag_kunit_live,
	.test_cases = btf_cases,
};
kunit_test_suite(btf_suite);
