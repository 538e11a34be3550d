// SPDX-License-Identifier: GPL-2.0-only
/* libmemdiag: what it accepts, what it refuses and with which words; save and load. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktap.h"
#include "samples.h"
#include "walk.h"

static char directory[] = "/tmp/memdiag-parse-XXXXXX";

static unsigned char *small(size_t *size)
{
	unsigned char *bytes;
	struct build b;

	sample_small(&b);
	bytes = build_finish(&b, size);
	build_free(&b);
	return bytes;
}

/*
 * Parses a copy of exactly @size bytes, so that the sanitizer sees one too far.
 * Walks what was accepted.
 */
static int parse(const unsigned char *bytes, size_t size, struct memdiag_error *error)
{
	unsigned char *copy = malloc(size ? size : 1);
	struct memdiag_data *data = NULL;
	int ret;

	memcpy(copy, bytes, size);
	error->text[0] = '\0';
	ret = memdiag_data_parse(copy, size, error, &data);
	free(copy);
	if (!ret)
		walk(data);
	memdiag_data_free(data);
	return ret;
}

static void parse_good(void)
{
	const struct memdiag_section *s;
	const struct memdiag_field *f;
	struct memdiag_error error;
	struct memdiag_data *data;
	const char *string;
	unsigned char *bytes;
	uint64_t value;
	size_t size;

	bytes = small(&size);
	CHECK(!memdiag_data_parse(bytes, size, &error, &data));
	s = memdiag_data_find(data, "slab");
	CHECK(s && s->nr_records == 2 && memdiag_section_has_records(s));
	CHECK(!memdiag_data_find(data, "sla") && !memdiag_data_find(data, "slabs"));
	CHECK(!memdiag_get_string(data, s, 1, "name", &string) && !strcmp(string, "inode"));
	CHECK(!memdiag_get_u64(data, s, 0, "num_objs", &value) && value == 10);
	CHECK(memdiag_get_u64(data, s, 1, "num_objs", &value) == -ENODATA);
	CHECK(memdiag_get_u64(data, s, 0, "name", &value) == -EINVAL);
	CHECK(memdiag_get_u64(data, s, 0, "num", &value) == -ENOENT);
	CHECK(memdiag_get_string(data, s, 0, "num_objs", &string) == -EINVAL);
	CHECK(memdiag_get_bytes(data, s, 0, "num_objs", &value) == -EINVAL);
	f = memdiag_field_find(data, s, "delta");
	CHECK((int64_t)memdiag_value(data, s, 0, f) == -5);
	CHECK(!memdiag_value_is_unlimited(f, MEMDIAG_UNLIMITED));
	CHECK(memdiag_value_is_unlimited(memdiag_field_find(data, s, "num_objs"),
					 MEMDIAG_UNLIMITED));
	memdiag_data_free(data);
	/* No matter where the caller's bytes lie. */
	bytes = realloc(bytes, size + 1);
	memmove(bytes + 1, bytes, size);
	CHECK(!memdiag_data_parse(bytes + 1, size, NULL, &data));
	memdiag_data_free(data);
	free(bytes);
}

static void truncation_at_every_length(void)
{
	struct memdiag_error error;
	unsigned char *bytes;
	size_t size;

	bytes = small(&size);
	for (int sum = 0; sum < 2; sum++) {
		for (size_t length = 0; length < size; length++) {
			int ret = parse(bytes, length, &error);

			if (ret != -EBADMSG ||
			    !strstr(error.text, length ? "truncated" : "empty")) {
				printf("# length %zu: %d %s\n", length, ret, error.text);
				CHECK(!"refused as truncated");
			}
		}
		build_checksum(bytes, size);
	}
	CHECK(!parse(bytes, size, &error));
	bytes = realloc(bytes, size + 1);
	bytes[size] = 0;
	CHECK(parse(bytes, size + 1, &error) == -EBADMSG && strstr(error.text, "more data"));
	free(bytes);
}

static void every_corruption_breaks_the_checksum(void)
{
	struct memdiag_error error;
	unsigned char *bytes;
	size_t size;

	bytes = small(&size);
	build_checksum(bytes, size);
	for (size_t at = 0; at < size; at++) {
		for (unsigned int mask = 1; mask < 0x200; mask <<= 1) {
			unsigned char flip = mask < 0x100 ? mask : 0xff;

			bytes[at] ^= flip;
			if (!parse(bytes, size, &error)) {
				printf("# byte %zu, bits %02x\n", at, flip);
				CHECK(!"refused");
			}
			bytes[at] ^= flip;
		}
	}
	free(bytes);
}

/* Without a checksum some of these are valid; none may make the getters stray. */
static void every_corruption_without_checksum_is_safe(void)
{
	struct memdiag_error error;
	unsigned char *bytes;
	size_t size;

	bytes = small(&size);
	for (size_t at = 0; at < size; at++) {
		unsigned char was = bytes[at];

		for (unsigned int value = 0; value < 256; value++) {
			bytes[at] = value;
			parse(bytes, size, &error);
		}
		bytes[at] = was;
	}
	free(bytes);
}

#define SECTION sizeof(struct memdiag_header)
#define FIELD (SECTION + sizeof(struct memdiag_section))
#define H(member) \
	offsetof(struct memdiag_header, member), sizeof(((struct memdiag_header *)0)->member)
#define S(member)                                           \
	SECTION + offsetof(struct memdiag_section, member), \
		sizeof(((struct memdiag_section *)0)->member)
#define FD(member) \
	FIELD + offsetof(struct memdiag_field, member), sizeof(((struct memdiag_field *)0)->member)

/* What is put where into the small sample, and what must be said about it. */
static const struct {
	size_t at;
	size_t width;
	uint64_t value;
	int error;
	const char *text;
} targets[] = {
	{ H(magic), 0, -EBADMSG, "wrong magic" },
	{ H(byte_order), 0x04030201, -EPROTONOSUPPORT, "other byte order" },
	{ H(byte_order), 0, -EBADMSG, "byte order mark" },
	{ H(format_major), 2, -EPROTONOSUPPORT, "newer" },
	{ H(format_major), 0, -EPROTONOSUPPORT, "older" },
	{ H(header_size), 0, -EBADMSG, "header size" },
	{ H(header_size), sizeof(struct memdiag_header) - 8, -EBADMSG, "header size" },
	{ H(header_size), sizeof(struct memdiag_header) + 4, -EBADMSG, "header size" },
	{ H(header_size), 0xfffffff8, -EBADMSG, "less than the header" },
	{ H(total_size), 0, -EBADMSG, "less than the header" },
	{ H(total_size), UINT64_MAX, -EBADMSG, "truncated" },
	{ H(checksum), 1, -EBADMSG, "without its flag" },
	{ H(flags), MEMDIAG_HEADER_CHECKSUM, -EBADMSG, "checksum mismatch" },
	{ H(nr_sections), UINT32_MAX, -EBADMSG, "section table" },
	{ H(nr_sections), 64, -EBADMSG, "section table" },
	{ H(section_size), 0, -EBADMSG, "section size" },
	{ H(section_size), sizeof(struct memdiag_section) + 4, -EBADMSG, "section size" },
	{ H(section_size), 0xfffffff8, -EBADMSG, "section table" },
	{ H(sections), 0, -EBADMSG, "section table" },
	{ H(sections), SECTION + 4, -EBADMSG, "section table" },
	{ H(sections), UINT64_MAX & ~7ull, -EBADMSG, "section table" },
	{ H(strings), UINT64_MAX & ~7ull, -EBADMSG, "string table" },
	{ H(strings), SECTION + 1, -EBADMSG, "string table" },
	{ H(strings_size), 0, -EBADMSG, "string table" },
	{ H(strings_size), UINT64_MAX, -EBADMSG, "string table" },
	{ H(strings_size), 2, -EBADMSG, "NUL" },
	{ H(version), UINT32_MAX, -EBADMSG, "version" },
	{ S(name), UINT32_MAX, -EBADMSG, "bad name" },
	{ S(name), 0, -EBADMSG, "bad name" },
	{ S(help), UINT32_MAX, -EBADMSG, "bad name, help" },
	{ S(reason), UINT32_MAX, -EBADMSG, "reason" },
	{ S(field_size), 0, -EBADMSG, "'slab' has a bad field size" },
	{ S(field_size), 28, -EBADMSG, "'slab' has a bad field size" },
	{ S(field_size), 0xfffffff8, -EBADMSG, "'slab' fields" },
	{ S(nr_fields), UINT32_MAX, -EBADMSG, "'slab' fields" },
	{ S(fields), UINT64_MAX & ~7ull, -EBADMSG, "'slab' fields" },
	{ S(fields), FIELD + 4, -EBADMSG, "'slab' fields" },
	{ S(fields), 0, -EBADMSG, "'slab' fields" },
	{ S(record_size), 0, -EBADMSG, "'slab' has a bad record size" },
	{ S(record_size), 44, -EBADMSG, "'slab' has a bad record size" },
	{ S(record_size), 32, -EBADMSG, "'slab' has a bad record size" },
	{ S(record_size), 0xfffffff8, -EBADMSG, "'slab' records lie outside" },
	{ S(nr_records), UINT64_MAX, -EBADMSG, "'slab' records lie outside" },
	/* times 40 bytes this wraps around to 0 */
	{ S(nr_records), 1ull << 61, -EBADMSG, "'slab' records lie outside" },
	{ S(records), UINT64_MAX & ~7ull, -EBADMSG, "'slab' records lie outside" },
	{ S(records), UINT64_MAX, -EBADMSG, "'slab' records lie outside" },
	{ FD(name), UINT32_MAX, -EBADMSG, "field 0 has a bad name" },
	{ FD(name), 0, -EBADMSG, "field 0 has a bad name" },
	{ FD(help), UINT32_MAX, -EBADMSG, "field 0 has a bad name" },
	{ FD(offset), 40, -EBADMSG, "outside of its record" },
	{ FD(offset), 4, -EBADMSG, "outside of its record" },
	{ FD(offset), 0xfffffff8, -EBADMSG, "outside of its record" },
	/* The first field is text: from now on its words are numbers. */
	{ FD(offset), 16, -EBADMSG, "'name' lies outside of the string table" },
	{ FD(offset), 8, 0, "" },
	/* Unknown ones are none of our business. */
	{ FD(type), 99, 0, "" },
	{ FD(unit), 99, 0, "" },
	{ FD(kind), 99, 0, "" },
	{ FD(flags), 0xffff, 0, "" },
	{ FD(source), 99, 0, "" },
	{ S(id), 999, 0, "" },
	{ S(state), 999, 0, "" },
	{ S(source), 999, 0, "" },
	{ H(flags), 1 << 5, 0, "" },
	{ H(format_minor), 9, 0, "" },
};

static void targeted_corruption(void)
{
	struct memdiag_error error;
	unsigned char *bytes;
	size_t size;

	for (size_t n = 0; n < sizeof(targets) / sizeof(targets[0]); n++) {
		int ret;

		bytes = small(&size);
		memcpy(bytes + targets[n].at, &targets[n].value, targets[n].width);
		ret = parse(bytes, size, &error);
		if (ret != targets[n].error || !strstr(error.text, targets[n].text)) {
			printf("# %zu: wanted %d '%s', got %d '%s'\n", n, targets[n].error,
			       targets[n].text, ret, error.text);
			CHECK(!"as the table says");
		}
		free(bytes);
	}
}

/* Strings: no NUL at the end, a record that points behind the end, odd names. */
static void string_corruption(void)
{
	struct memdiag_error error;
	struct memdiag_header *h;
	struct memdiag_section *s;
	unsigned char *bytes;
	uint64_t value;
	size_t size;

	bytes = small(&size);
	h = (void *)bytes;
	s = (void *)(bytes + h->sections);
	bytes[h->strings + h->strings_size - 1] = 'x';
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "NUL"));
	bytes[h->strings + h->strings_size - 1] = 0;
	bytes[h->strings] = 'x';
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "NUL"));
	bytes[h->strings] = 0;
	CHECK(!parse(bytes, size, &error));

	value = h->strings_size;
	memcpy(bytes + s->records, &value, 8);
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "record 0: 'name'"));
	value = h->strings_size - 1;
	memcpy(bytes + s->records, &value, 8);
	CHECK(!parse(bytes, size, &error));
	value = MEMDIAG_ABSENT;
	memcpy(bytes + s->records, &value, 8);
	CHECK(!parse(bytes, size, &error));
	value = MEMDIAG_UNLIMITED;
	memcpy(bytes + s->records + s->record_size, &value, 8);
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "record 1: 'name'"));
	memcpy(bytes + s->records + s->record_size, "\0\0\0\0\0\0\0\0", 8);

	bytes[h->strings + s->name] = '\n';
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "bad name"));
	bytes[h->strings + s->name] = ',';
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "bad name"));
	free(bytes);
}

static void twice_the_same_name(void)
{
	struct memdiag_error error;
	unsigned char *bytes;
	struct build b;
	size_t size;

	build_init(&b);
	build_section(&b, 0, "slab");
	build_section(&b, 1, "slab");
	bytes = build_finish(&b, &size);
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "twice"));
	free(bytes);
	build_free(&b);
	build_init(&b);
	build_section(&b, 0, "slab");
	build_field(&b, "name", MEMDIAG_TYPE_STR, 0, 0, 0);
	build_field(&b, "name", MEMDIAG_TYPE_STR, 0, 0, 0);
	bytes = build_finish(&b, &size);
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "twice"));
	free(bytes);
	build_free(&b);
}

/* Many tables upon the same bytes would make a small file slow to read. */
static void tables_upon_each_other(void)
{
	struct memdiag_error error;
	struct memdiag_section *s;
	unsigned char *bytes;
	struct build b;
	size_t size;

	sample_machine(&b, 0);
	bytes = build_finish(&b, &size);
	CHECK(!parse(bytes, size, &error));
	s = (void *)(bytes + sizeof(struct memdiag_header));
	for (unsigned int n = 0; n < b.nr_sections; n++) {
		s[n].records = sizeof(struct memdiag_header);
		s[n].nr_records = (size - s[n].records) / s[n].record_size;
	}
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "records lie outside"));
	free(bytes);
	build_free(&b);
}

static void forward_compatible(void)
{
	const struct memdiag_section *s;
	struct memdiag_error error;
	struct memdiag_data *data;
	const char *string;
	unsigned char *bytes;
	uint64_t value;
	struct build b;
	size_t size;

	sample_future(&b);
	bytes = build_finish(&b, &size);
	build_free(&b);
	CHECK(!memdiag_data_parse(bytes, size, &error, &data));
	free(bytes);
	walk(data);
	s = memdiag_data_find(data, "slab");
	CHECK(!memdiag_get_string(data, s, 1, "name", &string) && !strcmp(string, "dentry"));
	CHECK(!memdiag_get_bytes(data, s, 1, "bytes", &value) && value == 4096000);
	CHECK(!memdiag_get_bytes(data, s, 2, "pages_per_slab", &value) && value == 8 * 4096);
	s = memdiag_data_find(data, "future");
	CHECK(s && !memdiag_section_has_records(s));
	CHECK(!strcmp(memdiag_state_name(s->state), "unknown"));
	s = memdiag_data_find(data, "later");
	/* What a type of the future means nobody here knows. */
	CHECK(memdiag_get_u64(data, s, 0, "thing", &value) == -EINVAL);
	CHECK(memdiag_value(data, s, 0, memdiag_field_find(data, s, "thing")) == 0x1234);
	CHECK(memdiag_get_u64(data, s, 0, "amount", &value) == -EINVAL);
	CHECK(memdiag_get_bytes(data, s, 0, "amount", &value) == -EINVAL);
	memdiag_data_free(data);
}

/* A field of the right name may be of any type and unit. */
static void getters_ask_for_the_type(void)
{
	static const struct {
		uint16_t type, unit;
		int u64, bytes, string;
	} cases[] = {
		{ MEMDIAG_TYPE_U64, MEMDIAG_UNIT_NONE, 0, -EINVAL, -EINVAL },
		{ MEMDIAG_TYPE_U64, MEMDIAG_UNIT_KBYTES, -EINVAL, 0, -EINVAL },
		{ MEMDIAG_TYPE_U64, MEMDIAG_UNIT_NS, -EINVAL, -EINVAL, -EINVAL },
		{ MEMDIAG_TYPE_S64, MEMDIAG_UNIT_NONE, -EINVAL, -EINVAL, -EINVAL },
		{ MEMDIAG_TYPE_S64, MEMDIAG_UNIT_BYTES, -EINVAL, -EOVERFLOW, -EINVAL },
		{ MEMDIAG_TYPE_HEX, MEMDIAG_UNIT_BYTES, -EINVAL, -EINVAL, -EINVAL },
		{ MEMDIAG_TYPE_BOOL, MEMDIAG_UNIT_NONE, -EINVAL, -EINVAL, -EINVAL },
		{ MEMDIAG_TYPE_STR, MEMDIAG_UNIT_NONE, -EINVAL, -EINVAL, 0 },
		{ MEMDIAG_TYPE_STR, MEMDIAG_UNIT_BYTES, -EINVAL, -EINVAL, -EINVAL },
	};

	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		const struct memdiag_section *s;
		struct memdiag_data *data;
		unsigned char *bytes;
		const char *string;
		uint64_t value;
		struct build b;
		size_t size;

		build_init(&b);
		build_section(&b, 0, "x");
		build_field(&b, "f", cases[n].type, cases[n].unit, 0, 0);
		RECORD(&b, cases[n].type == MEMDIAG_TYPE_S64 ? "-5" : "5");
		bytes = build_finish(&b, &size);
		build_free(&b);
		CHECK(!memdiag_data_parse(bytes, size, NULL, &data));
		free(bytes);
		s = memdiag_data_section(data, 0);
		CHECK(memdiag_get_u64(data, s, 0, "f", &value) == cases[n].u64);
		CHECK(memdiag_get_bytes(data, s, 0, "f", &value) == cases[n].bytes);
		CHECK(memdiag_get_string(data, s, 0, "f", &string) == cases[n].string);
		CHECK(!memdiag_get(data, s, 0, "f", cases[n].type, cases[n].unit, &value));
		memdiag_data_free(data);
	}
}

/* Strings that are ends of one another, and one that many records share. */
static void a_small_file_stands_for_little_text(void)
{
	enum { LENGTH = 4096, RECORDS = 4096 };
	struct memdiag_error error;
	struct memdiag_section *s;
	struct memdiag_field *f;
	unsigned char *bytes;
	char name[LENGTH + 1];
	struct build b;
	size_t size;

	memset(name, 'a', LENGTH);
	name[LENGTH] = '\0';
	build_init(&b);
	build_section(&b, 0, "x");
	build_field(&b, name, MEMDIAG_TYPE_STR, 0, 0, 0);
	bytes = build_finish(&b, &size);
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "bad name"));
	s = (void *)(bytes + b.header.sections);
	f = (void *)(bytes + s->fields);
	f->name += LENGTH - 255;
	CHECK(!parse(bytes, size, &error));
	free(bytes);
	build_free(&b);

	for (int suffixes = 0; suffixes < 2; suffixes++) {
		uint64_t *record;

		build_init(&b);
		build_section(&b, 0, "x");
		build_field(&b, "name", MEMDIAG_TYPE_STR, 0, 0, 0);
		for (int n = 0; n < RECORDS; n++)
			RECORD(&b, n ? "" : name);
		bytes = build_finish(&b, &size);
		CHECK(!parse(bytes, size, &error));
		s = (void *)(bytes + b.header.sections);
		record = (void *)(bytes + s->records);
		for (int n = 1; n < RECORDS; n++)
			record[n] = record[0] + suffixes * (n % LENGTH);
		CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "128 times"));
		free(bytes);
		build_free(&b);
	}
}

static void records_without_fields(void)
{
	struct memdiag_error error;
	struct memdiag_section *s;
	unsigned char *bytes;
	struct build b;
	size_t size;

	build_init(&b);
	build_section(&b, 0, "x");
	build_field(&b, "f", MEMDIAG_TYPE_U64, 0, 0, 0);
	RECORD(&b, "1");
	bytes = build_finish(&b, &size);
	s = (void *)(bytes + b.header.sections);
	s->nr_fields = 0;
	CHECK(parse(bytes, size, &error) == -EBADMSG && strstr(error.text, "without fields"));
	free(bytes);
	build_free(&b);
}

static void bytes_do_not_overflow(void)
{
	struct memdiag_data *data;
	unsigned char *bytes;
	uint64_t value;
	struct build b;
	size_t size;

	build_init(&b);
	build_section(&b, 0, "x");
	build_field(&b, "p", MEMDIAG_TYPE_U64, MEMDIAG_UNIT_PAGES, MEMDIAG_KIND_GAUGE, 0);
	RECORD(&b, "0x7fffffffffffffff");
	RECORD(&b, "max");
	RECORD(&b, "-");
	RECORD(&b, "3");
	bytes = build_finish(&b, &size);
	build_free(&b);
	CHECK(!memdiag_data_parse(bytes, size, NULL, &data));
	free(bytes);
	CHECK(memdiag_get_bytes(data, memdiag_data_section(data, 0), 0, "p", &value) == -EOVERFLOW);
	CHECK(memdiag_get_bytes(data, memdiag_data_section(data, 0), 1, "p", &value) == -ERANGE);
	CHECK(memdiag_get_bytes(data, memdiag_data_section(data, 0), 2, "p", &value) == -ENODATA);
	CHECK(!memdiag_get_bytes(data, memdiag_data_section(data, 0), 3, "p", &value) &&
	      value == 3 * 4096);
	memdiag_data_free(data);
}

static void save_and_load(void)
{
	struct memdiag_data *data, *again, *third;
	struct memdiag_error error;
	char path[256], path2[256], link_path[256];
	unsigned char *bytes;
	struct build b;
	struct stat st;
	size_t size;

	sample_machine(&b, 1);
	bytes = build_finish(&b, &size);
	build_free(&b);
	snprintf(path, sizeof(path), "%s/a", directory);
	snprintf(path2, sizeof(path2), "%s/b", directory);
	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	CHECK(!memdiag_data_parse(bytes, size, &error, &data));
	CHECK(!memdiag_data_save(data, path, &error));
	CHECK(!stat(path, &st) && (st.st_mode & 07777) == 0600 && (size_t)st.st_size == size);
	CHECK(!memdiag_data_load(path, &error, &again));
	CHECK(memdiag_data_header(again)->flags & MEMDIAG_HEADER_CHECKSUM);
	CHECK(walk(again) == walk(data));
	/* Saving what was loaded gives the same bytes. */
	CHECK(!memdiag_data_save(again, path2, &error));
	CHECK(!memdiag_data_load(path2, &error, &third));
	CHECK(!memcmp(memdiag_data_header(again), memdiag_data_header(third), size));
	/* Same bytes but for flags and checksum. */
	((struct memdiag_header *)bytes)->flags = memdiag_data_header(again)->flags;
	((struct memdiag_header *)bytes)->checksum = memdiag_data_header(again)->checksum;
	CHECK(!memcmp(memdiag_data_header(again), bytes, size));
	/* A link stays one, what it points to is replaced. */
	CHECK(!symlink("a", link_path));
	CHECK(!memdiag_data_save(data, link_path, &error));
	CHECK(!lstat(link_path, &st) && S_ISLNK(st.st_mode));
	memdiag_data_free(data);
	memdiag_data_free(again);
	memdiag_data_free(third);
	free(bytes);
}

static void save_and_load_errors(void)
{
	struct memdiag_error error;
	struct memdiag_data *data;
	unsigned char *bytes;
	char path[256];
	struct stat st;
	size_t size;
	int fd;

	bytes = small(&size);
	CHECK(!memdiag_data_parse(bytes, size, &error, &data));
	CHECK(memdiag_data_save(data, "/nonexistent/x", &error) == -ENOENT);
	CHECK(memdiag_data_save(data, directory, &error) == -EISDIR);
	/* A device must be written to and still be one afterwards. */
	CHECK(memdiag_data_save(data, "/dev/full", &error) == -ENOSPC);
	CHECK(!stat("/dev/full", &st) && S_ISCHR(st.st_mode));
	memdiag_data_free(data);
	CHECK(memdiag_data_load("/nonexistent/x", &error, &data) == -ENOENT);
	CHECK(memdiag_data_load(directory, &error, &data) == -EISDIR);
	CHECK(memdiag_data_load("/dev/null", &error, &data) == -EBADMSG);
	/* Endless input is not read to its end. */
	CHECK(memdiag_data_load("/dev/zero", &error, &data) == -EBADMSG);
	/* What follows the snapshot is not ignored. */
	snprintf(path, sizeof(path), "%s/long", directory);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK(write(fd, bytes, size) == (ssize_t)size && write(fd, "", 1) == 1);
	close(fd);
	CHECK(memdiag_data_load(path, &error, &data) == -EBADMSG &&
	      strstr(error.text, "more data"));
	/* A length of exabytes is neither believed nor allocated. */
	((struct memdiag_header *)bytes)->total_size = 1ull << 60;
	snprintf(path, sizeof(path), "%s/huge", directory);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK(write(fd, bytes, size) == (ssize_t)size);
	close(fd);
	CHECK(memdiag_data_load(path, &error, &data) == -EFBIG);
	free(bytes);
}

int main(void)
{
	char command[128];

	if (!mkdtemp(directory))
		return 1;
	RUN(parse_good);
	RUN(truncation_at_every_length);
	RUN(every_corruption_breaks_the_checksum);
	RUN(every_corruption_without_checksum_is_safe);
	RUN(targeted_corruption);
	RUN(string_corruption);
	RUN(twice_the_same_name);
	RUN(tables_upon_each_other);
	RUN(forward_compatible);
	RUN(getters_ask_for_the_type);
	RUN(a_small_file_stands_for_little_text);
	RUN(records_without_fields);
	RUN(bytes_do_not_overflow);
	RUN(save_and_load);
	RUN(save_and_load_errors);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		return 1;
	return ktap_done();
}
