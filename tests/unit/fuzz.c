// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser, the comparison and the diagnosis on hostile bytes; and those bytes
 * taken for a module's file and for a System.map.
 *
 * With clang -fsanitize=fuzzer -DLIBFUZZER this is a libFuzzer target. Without
 * it main() mutates the samples: fuzz [ITERATIONS [SEED]], always in the same
 * way for the same seed.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "samples.h"
#include "walk.h"

static struct memdiag_data *good;

static struct memdiag_data *sample(int which, unsigned char **bytes, size_t *size)
{
	struct memdiag_data *data = NULL;
	struct build b;

	if (which < 2)
		sample_machine(&b, which);
	else if (which == 2)
		sample_future(&b);
	else if (which == 3)
		sample_poor(&b);
	else
		sample_small(&b);
	*bytes = build_finish(&b, size);
	build_free(&b);
	if (memdiag_data_parse(*bytes, *size, NULL, &data))
		abort();
	return data;
}

static void compare(const struct memdiag_data *a, const struct memdiag_data *b)
{
	struct memdiag_findings *f;

	for (uint32_t n = 0; n < memdiag_data_header(b)->nr_sections; n++) {
		struct memdiag_delta delta;
		struct memdiag_diff *d;

		if (memdiag_diff(a, b, memdiag_section_name(b, memdiag_data_section(b, n)), NULL,
				 &d))
			continue;
		for (size_t r = 0; r < d->nr_records; r++)
			for (uint32_t i = 0; i < d->nr_fields; i++)
				memdiag_diff_delta(d, &d->records[r], i, &delta);
		memdiag_diff_free(d);
	}
	if (!memdiag_diagnose_growth(a, b, NULL, &f))
		memdiag_findings_free(f);
}

/* Return: whether it was taken for a module or a System.map. */
static bool load(const unsigned char *bytes, size_t size)
{
	struct memdiag_symbol symbol = { .name = "slab_caches" };
	struct memdiag_module *module;
	struct memdiag_error error;
	uint64_t length, in;
	const char *name;
	FILE *stream = size ? fmemopen((void *)bytes, size, "r") : NULL;
	bool taken = false;

	if (stream) {
		taken = !memdiag_symbols_parse(stream, &symbol, 1, &error);
		fclose(stream);
	}
	if (memdiag_module_parse(bytes, size, &error, &module))
		return taken;
	memdiag_module_info(module, "vermagic", 0);
	memdiag_module_info(module, "parm", 100);
	for (int n = 0; (n = memdiag_module_code(module, n, &name, &length)) >= 0; n++)
		memdiag_module_function(module, n, 20, &in, &length);
	memdiag_module_free(module);
	return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct memdiag_error error;
	struct memdiag_data *data;
	unsigned char *good_bytes;
	size_t good_size;

	if (!good) {
		good = sample(0, &good_bytes, &good_size);
		free(good_bytes);
	}
	load(bytes, size);
	if (memdiag_data_parse(bytes, size, &error, &data))
		return 0;
	walk(data);
	compare(good, data);
	compare(data, good);
	memdiag_data_free(data);
	return 0;
}

#ifndef LIBFUZZER
static uint64_t state;

/* xorshift64*: good enough, and the same everywhere. */
static uint32_t random_u32(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dull) >> 32;
}

static uint64_t interesting(size_t size)
{
	static const uint64_t values[] = {
		0,
		1,
		4,
		7,
		8,
		16,
		24,
		64,
		88,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0xfffffff8,
		1ull << 61,
		1ull << 63,
		UINT64_MAX,
		UINT64_MAX - 1,
		UINT64_MAX - 7,
	};
	uint32_t which = random_u32() % (sizeof(values) / sizeof(values[0]) + 3);

	if (which < sizeof(values) / sizeof(values[0]))
		return values[which];
	/* around the end of the file */
	return which % 2 ? size - random_u32() % 64 : (random_u32() % size) & ~7ull;
}

static void mutate(unsigned char *bytes, size_t size)
{
	/* Mostly the tables at the begin, where the structure is. */
	size_t range = random_u32() % 4 ? size / 3 : size;
	size_t at = random_u32() % range;
	uint64_t value = interesting(size);

	switch (random_u32() % 4) {
	case 0:
		bytes[at] ^= 1 << random_u32() % 8;
		break;
	case 1:
		at &= ~3ul;
		if (at + 4 <= size)
			memcpy(bytes + at, &value, 4);
		break;
	case 2:
		at &= ~7ul;
		if (at + 8 <= size)
			memcpy(bytes + at, &value, 8);
		break;
	default: {
		size_t from = (random_u32() % size) & ~7ul, length = 8 * (1 + random_u32() % 12);

		at &= ~7ul;
		if (at + length <= size && from + length <= size)
			memmove(bytes + at, bytes + from, length);
	}
	}
}

/* A tenth of the iterations on the files of memdiagctl load. Return: number taken. */
static unsigned long fuzz_load(unsigned long iterations)
{
	unsigned long taken = 0;

	for (unsigned long n = 0; n < iterations; n++) {
		int which = random_u32() % 3;
		size_t size = strlen(sample_map);
		unsigned char *bytes = which < 2 ? sample_module(sample_modinfo, which, &size)
						 : (unsigned char *)strdup(sample_map);

		mutate(bytes, size);
		if (random_u32() % 16 == 0)
			bytes = realloc(bytes, size -= random_u32() % size);
		taken += load(bytes, size);
		free(bytes);
	}
	return taken;
}

int main(int argc, char **argv)
{
	unsigned long iterations = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
	unsigned long accepted = 0, taken;
	unsigned char *samples[5];
	size_t sizes[5];

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 20240229;
	for (int n = 0; n < 5; n++)
		memdiag_data_free(sample(n, &samples[n], &sizes[n]));
	for (unsigned long n = 0; n < iterations; n++) {
		int which = random_u32() % 5, count = 1 + random_u32() % 4;
		size_t size = sizes[which];
		/* Of exactly this size, so that the sanitizer sees one too far. */
		unsigned char *copy = malloc(size);
		struct memdiag_data *data;

		memcpy(copy, samples[which], size);
		while (count--)
			mutate(copy, size);
		if (random_u32() % 16 == 0)
			size -= random_u32() % size;
		LLVMFuzzerTestOneInput(copy, size);
		if (!memdiag_data_parse(copy, size, NULL, &data)) {
			accepted++;
			memdiag_data_free(data);
		}
		free(copy);
	}
	for (int n = 0; n < 5; n++)
		free(samples[n]);
	memdiag_data_free(good);
	good = NULL;
	printf("# %lu of %lu accepted\n", accepted, iterations);
	taken = fuzz_load(iterations / 10);
	printf("# %lu of %lu files of load accepted\n", taken, iterations / 10);
	/* A fuzzer whose inputs are all refused tests the first check only. */
	return accepted < iterations / 100 || taken < iterations / 1000;
}
#endif
