// SPDX-License-Identifier: GPL-2.0-only
/* libmemdiag: the module's file and System.map, good ones and bad ones. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "internal.h"
#include "ktap.h"
#include "samples.h"

/* Parses a copy of exactly @size bytes, so that the sanitizer sees one too far. */
/* The function there in the first section of code, NULL if there is none. */
static const char *function_at(const struct memdiag_module *module, uint64_t at)
{
	uint64_t size, in;
	const char *name;
	int n = memdiag_module_code(module, 0, &name, &size);

	return n < 0 ? NULL : memdiag_module_function(module, n, at, &in, &size);
}

static int parse(const unsigned char *bytes, size_t size, struct memdiag_error *error)
{
	unsigned char *copy = malloc(size ? size : 1);
	struct memdiag_module *module = NULL;
	int ret;

	memcpy(copy, bytes, size);
	error->text[0] = '\0';
	ret = memdiag_module_parse(copy, size, error, &module);
	free(copy);
	if (!ret) {
		memdiag_module_info(module, "no_such_tag", 0);
		function_at(module, 20);
	}
	memdiag_module_free(module);
	return ret;
}

static void module_info(void)
{
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct memdiag_module *m = NULL;
		size_t size;
		unsigned char *bytes = sample_module(sample_modinfo, is_64, &size);

		CHECK(!memdiag_module_parse(bytes, size, NULL, &m));
		CHECK(!strcmp(memdiag_module_info(m, "name", 0), "memdiag"));
		CHECK(!memdiag_module_info(m, "name", 1));
		/* Not by a prefix of the tag. */
		CHECK(!memdiag_module_info(m, "nam", 0));
		CHECK(!memdiag_module_info(m, "name=", 0));
		CHECK(!strcmp(memdiag_module_info(m, "license", 0), "GPL"));
		CHECK(!strcmp(memdiag_module_info(m, "vermagic", 0), "6.1.0-test SMP mod_unload "));
		memdiag_module_free(m);
		free(bytes);
		bytes = sample_module("parm=a:1\nparm=b:2\n\nparm\nparm=", is_64, &size);
		/* The last string has no end. */
		CHECK(memdiag_module_parse(bytes, size, NULL, &m) == -ENOEXEC);
		free(bytes);
		bytes = sample_module("parm=a:1\nparm=b:2\n\nparm\nparm=\n", is_64, &size);
		CHECK(!memdiag_module_parse(bytes, size, NULL, &m));
		CHECK(!strcmp(memdiag_module_info(m, "parm", 1), "b:2"));
		CHECK(!strcmp(memdiag_module_info(m, "parm", 2), ""));
		CHECK(!memdiag_module_info(m, "parm", 3));
		memdiag_module_free(m);
		free(bytes);
	}
}

static void module_functions(void)
{
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct memdiag_module *m = NULL;
		uint64_t size, in;
		const char *name;
		size_t length;
		unsigned char *bytes = sample_module(sample_modinfo, is_64, &length);

		CHECK(!memdiag_module_parse(bytes, length, NULL, &m));
		CHECK(memdiag_module_code(m, 0, &name, &size) == 3);
		CHECK(!strcmp(name, ".text") && size == 64);
		CHECK(memdiag_module_code(m, 4, &name, &size) == -ENOENT);
		name = memdiag_module_function(m, 3, 20, &in, &size);
		CHECK(name && !strcmp(name, "work") && in == 4 && size == 8);
		CHECK(function_at(m, 16) && function_at(m, 23));
		CHECK(!function_at(m, 15) && !function_at(m, 24));
		CHECK(!memdiag_module_function(m, 1, 20, &in, &size));
		memdiag_module_free(m);
		free(bytes);
	}
}

/* No prefix is a module: the names of sections stand at its end. */
static void module_truncated(void)
{
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct memdiag_error error;
		size_t size;
		unsigned char *bytes = sample_module(sample_modinfo, is_64, &size);

		for (size_t n = 0; n < size; n++)
			CHECK(parse(bytes, n, &error) == -ENOEXEC && error.text[0]);
		CHECK(!parse(bytes, size, &error));
		free(bytes);
	}
}

/* Each byte of the headers in turn, with values that are off or overflow. */
static void module_damaged(void)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct memdiag_error error;
		size_t size;
		unsigned char *bytes = sample_module(sample_modinfo, is_64, &size);
		size_t headers = is_64 ? sizeof(Elf64_Ehdr) + 6 * sizeof(Elf64_Shdr)
				       : sizeof(Elf32_Ehdr) + 6 * sizeof(Elf32_Shdr);
		unsigned int refused = 0;

		for (size_t at = 0; at < headers; at++)
			for (size_t v = 0; v < sizeof(values); v++) {
				unsigned char was = bytes[at];

				bytes[at] = values[v];
				refused += !!parse(bytes, size, &error);
				bytes[at] = was;
			}
		/* Magic, class, order, type, table, entry size, count, names. */
		CHECK(refused > 40);
		bytes[EI_DATA] = bytes[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
		CHECK(parse(bytes, size, &error) == -ENOEXEC);
		CHECK(strstr(error.text, "another kind of machine"));
		bytes[EI_DATA] = bytes[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
		bytes[16] = ET_EXEC;
		CHECK(parse(bytes, size, &error) == -ENOEXEC);
		bytes[16] = ET_REL;
		memcpy(bytes + size - 41, ".xxxinfo", 8);
		CHECK(parse(bytes, size, &error) == -ENOEXEC);
		CHECK(strstr(error.text, "no .modinfo"));
		free(bytes);
	}
}

static int open_bytes(const void *bytes, size_t size, struct memdiag_error *error)
{
	char path[] = "/tmp/memdiag-load-XXXXXX";
	struct memdiag_module *m = NULL;
	int fd = mkstemp(path);
	int ret;

	error->text[0] = '\0';
	if (write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
	ret = memdiag_module_open(path, error, &m);
	if (!ret)
		CHECK(!strcmp(memdiag_module_info(m, "name", 0), "memdiag"));
	memdiag_module_free(m);
	unlink(path);
	return ret;
}

static void module_files(void)
{
	struct memdiag_error error;
	struct memdiag_module *m;
	unsigned char packed[4096];
	size_t size;
	unsigned char *bytes = sample_module(sample_modinfo, 1, &size);
	z_stream z = {
		.next_in = bytes, .avail_in = size, .next_out = packed, .avail_out = sizeof(packed)
	};

	CHECK(!open_bytes(bytes, size, &error));
	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	CHECK(!open_bytes(packed, z.total_out, &error));
	for (size_t n = 3; n < z.total_out; n++)
		CHECK(open_bytes(packed, n, &error) < 0);
	packed[z.total_out / 2] ^= 0x55;
	CHECK(open_bytes(packed, z.total_out, &error) < 0);
	CHECK(open_bytes("", 0, &error) == -ENOEXEC);
	CHECK(memdiag_module_open("/nonexistent", &error, &m) == -ENOENT);
	CHECK(memdiag_module_open("/tmp", &error, &m) == -EINVAL);
	CHECK(memdiag_module_open("/dev/zero", &error, &m) == -EINVAL);
	free(bytes);
}

/* Packs @bytes with @tool. Return: bytes in @packed, 0 if the tool is not there. */
static size_t pack(const char *tool, const void *bytes, size_t size, void *packed, size_t room)
{
	char path[] = "/tmp/memdiag-load-XXXXXX", command[64];
	int fd = mkstemp(path);
	FILE *pipe;
	size_t got;

	if (write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
	snprintf(command, sizeof(command), "%s -c %s 2>/dev/null", tool, path);
	pipe = popen(command, "r");
	got = fread(packed, 1, room, pipe);
	pclose(pipe);
	unlink(path);
	return got;
}

static void module_packed(void)
{
	static const char *const tools[] = { "xz", "zstd", "bzip2" };
	struct memdiag_error error;
	unsigned char packed[4096];
	size_t size, length;
	unsigned char *bytes = sample_module(sample_modinfo, 1, &size);
	char *path = strdup(getenv("PATH"));

	for (size_t n = 0; n < sizeof(tools) / sizeof(tools[0]); n++) {
		length = pack(tools[n], bytes, size, packed, sizeof(packed));
		if (!length) {
			printf("# %s is not there\n", tools[n]);
			continue;
		}
		CHECK(!open_bytes(packed, length, &error));
		CHECK(open_bytes(packed, length - 1, &error) < 0);
		packed[length / 2] ^= 0x55;
		CHECK(open_bytes(packed, length, &error) < 0);
	}
	CHECK(open_bytes("\xfd\x37zXZ\0", 6, &error) < 0);
	setenv("PATH", "/nonexistent", 1);
	CHECK(open_bytes("\xfd\x37zXZ\0", 6, &error) == -EOPNOTSUPP);
	CHECK(strstr(error.text, "packed with xz"));
	CHECK(open_bytes("\x28\xb5\x2f\xfd", 4, &error) == -EOPNOTSUPP);
	setenv("PATH", path, 1);
	free(path);
	free(bytes);
}

static void module_parameters(void)
{
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct memdiag_module *m = NULL;
		char name[] = "usb-storage";
		size_t size;
		unsigned char *bytes = sample_module(
			"parm=delay_use:seconds\nparmtype=quirks:string\n", is_64, &size);

		CHECK(!memdiag_module_parse(bytes, size, NULL, &m));
		CHECK(memdiag_module_has_parameter(m, "delay_use=5", 9));
		CHECK(memdiag_module_has_parameter(m, "delay-use", 9));
		CHECK(memdiag_module_has_parameter(m, "quirks", 6));
		/* Neither a part nor more of a name. */
		CHECK(!memdiag_module_has_parameter(m, "delay", 5));
		CHECK(!memdiag_module_has_parameter(m, "quirks2", 7));
		CHECK(!memdiag_module_has_parameter(m, "quirk", 5));
		CHECK(!memdiag_module_has_parameter(m, "", 0));
		/* A parameter with a callback is a string among the module's data only. */
		CHECK(memdiag_module_has_parameter(m, "back_call", 9));
		CHECK(!memdiag_module_has_parameter(m, "back_cal", 8));
		CHECK(!memdiag_module_has_parameter(m, "ack_call", 8));
		/* The kernel takes these for every module. */
		CHECK(memdiag_module_has_parameter(m, "dyndbg", 6));
		memdiag_module_free(m);
		free(bytes);
		memdiag_module_name(name);
		CHECK(!strcmp(name, "usb_storage"));
	}
}

static struct memdiag_symbol symbols[] = {
	{ .name = "slab_caches" }, { .name = "twice" },		  { .name = "_text" },
	{ .name = "absent" },	   { .name = "__per_cpu_start" },
};

static int map(const char *text, size_t size, struct memdiag_error *error)
{
	FILE *stream = size ? fmemopen((void *)text, size, "r") : fopen("/dev/null", "r");
	int ret;

	error->text[0] = '\0';
	ret = memdiag_symbols_parse(stream, symbols, sizeof(symbols) / sizeof(symbols[0]), error);
	fclose(stream);
	return ret;
}

static void map_good(void)
{
	struct memdiag_error error;

	CHECK(!map(sample_map, strlen(sample_map), &error));
	/* That of a module does not count. */
	CHECK(symbols[0].found && !symbols[0].ambiguous);
	CHECK(symbols[0].address == 0xffffffff82345678ull);
	CHECK(symbols[1].found && symbols[1].ambiguous);
	CHECK(symbols[2].found && symbols[2].address == 0xffffffff81000000ull);
	CHECK(!symbols[3].found);
	CHECK(symbols[4].found && !symbols[4].address);
	/* The same twice is not ambiguous; of 32 bits; a module's only. */
	CHECK(!map("c0008000 b twice\nc0008000 b twice\n", 34, &error));
	CHECK(symbols[1].found && !symbols[1].ambiguous && symbols[1].address == 0xc0008000);
	CHECK(!symbols[0].found);
	CHECK(!map("c0008000 b twice\t[m]\n", 21, &error));
	CHECK(!symbols[1].found);
	/* Neither a prefix nor more. */
	CHECK(!map("c0008000 b twic\nc0008000 b twice2\n", 34, &error));
	CHECK(!symbols[1].found);
}

static void map_bad(void)
{
	static const char *const bad[] = {
		"hello\n",
		"\n",
		"ffffffff81000000\n",
		"ffffffff81000000 T\n",
		"ffffffff81000000 T \n",
		"ffffffff81000000  T _text\n",
		"ffffffff81000000 TT _text\n",
		"0xffffffff81000000 T _text\n",
		"FFFFFFFF81000000 T _text\n",
		"fffffff T _text\n",
		"0ffffffff81000000 T _text\n",
		" ffffffff81000000 T _text\n",
		"ffffffff81000000\tT\t_text\n",
		"ffffffff81000000 T _text more\n",
		"ffffffff81000000 T _text \n",
		"ffffffff81000000 T _text\tmore\n",
		"ffffffff81000000 T _text\r\n",
		"ffffffff81000000 T _te\xc3\xa4t\n",
		"ffffffff81000000 T _text",
		"ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n",
	};
	struct memdiag_error error;
	char text[1200];

	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		CHECK(map(bad[n], strlen(bad[n]), &error) == -EBADMSG);
		CHECK(strstr(error.text, "line 1"));
	}
	CHECK(map("", 0, &error) == -EBADMSG && strstr(error.text, "empty"));
	CHECK(map("ffffffff81000000 T a\0b\n", 23, &error) == -EBADMSG);
	/* The longest line, and one more. */
	memset(text, 'n', sizeof(text));
	memcpy(text, "c0008000 b ", 11);
	text[1024] = '\n';
	CHECK(!map(text, 1025, &error));
	text[1024] = 'n';
	text[1025] = '\n';
	CHECK(map(text, 1026, &error) == -EBADMSG);
	/* Cut anywhere but behind a line. */
	for (size_t n = 1; n < strlen(sample_map); n++)
		CHECK(map(sample_map, n, &error) == (sample_map[n - 1] == '\n' ? 0 : -EBADMSG));
	CHECK(memdiag_symbols_read("/nonexistent", symbols, 1, &error) == -ENOENT);
	CHECK(memdiag_symbols_read("/tmp", symbols, 1, &error) == -EINVAL);
	CHECK(memdiag_symbols_read("/dev/zero", symbols, 1, &error) == -EINVAL);
}

int main(void)
{
	RUN(module_info);
	RUN(module_functions);
	RUN(module_truncated);
	RUN(module_damaged);
	RUN(module_files);
	RUN(module_packed);
	RUN(module_parameters);
	RUN(map_good);
	RUN(map_bad);
	return ktap_done();
}
