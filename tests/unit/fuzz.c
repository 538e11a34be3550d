// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser, the comparison and the diagnosis on hostile bytes; the commands that show
 * what the parser lets through; and those bytes taken for a module's file and for a
 * System.map.
 *
 * With clang -fsanitize=fuzzer -DLIBFUZZER this is a libFuzzer target. Without
 * it main() mutates the samples: fuzz [ITERATIONS [SEED]], always in the same
 * way for the same seed. The commands get a fifth of the iterations: fields of other types
 * and units, texts with escapes, values that overflow.
 */
#include <inttypes.h>
#include <json.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>
#include <zlib.h>

#include "ctl.h"
#include "internal.h"
#include "leak.h"
#include "samples.h"
#include "top.h"
#include "walk.h"

#define NR_SAMPLES 9

/* The samples: good snapshots, which all others are made of and compared with. */
static struct good {
	unsigned char *bytes;
	size_t size;
	struct memdiag_data *data;
} goods[NR_SAMPLES];
static uint64_t state;

/* xorshift64*: good enough, and the same everywhere. */
static uint32_t random_u32(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dull) >> 32;
}

static void make_samples(void)
{
	for (int n = 0; n < NR_SAMPLES; n++) {
		struct build b;

		if (n < 2)
			sample_machine(&b, n);
		else if (n == 2)
			sample_future(&b);
		else if (n == 3)
			sample_poor(&b);
		else if (n == 4)
			sample_small(&b);
		else if (n == 5)
			sample_users(&b, 1);
		else if (n == 6)
			sample_tracked(&b, 3);
		else if (n == 7)
			sample_loaded(&b, 0);
		else
			sample_hostile(&b);
		goods[n].bytes = build_finish(&b, &goods[n].size);
		build_free(&b);
		if (memdiag_data_parse(goods[n].bytes, goods[n].size, NULL, &goods[n].data))
			abort();
	}
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

/* --- the commands ------------------------------------------------------------ */

/* %s is the hostile file. */
static const char *const commands[] = {
	"status --input %s",
	"status --bytes --input %s",
	"status --json --input %s",
	"summary --input %s",
	"summary --bytes --input %s",
	"summary --json --input %s",
	"ledger --input %s",
	"ledger --json --input %s",
	"ledger --by order --input %s",
	"ledger --by order --bytes --input %s",
	"ledger --by order --json --input %s",
	"slab --input %s",
	"slab --sort u --input %s",
	"slab -o all --bytes --sort -name --input %s",
	"vmalloc --by caller --json --input %s",
	"cgroups --sort id --reverse --input %s",
	"vmstat --input %s",
	"tasks --input %s",
	"tasks --bytes --json --input %s",
	"buddy --by order --input %s",
	"files -o all --input %s",
	"zones -o all --input %s",
	"show resolve --json --input %s",
	"show nope --input %s",
	"slab --sort nope --input %s",
	"help slab --input %s",
	"save /dev/null --input %s",
	"top --once --input %s",
	"top --once --by ledger --bytes --input %s",
	"top --once --by vmstat -s value --limit 100 --input %s",
	"track status --input %s",
	"track status --json --input %s",
	"track report --input %s",
	"track report --bytes --input %s",
	"track report --json --input %s",
	"track report --folded --input %s",
	"track report --by module --input %s",
	"track report --by module --json --input %s",
	"track report --by age --input %s",
	"track report --by age --json --input %s",
	"track report -o all --module other --cache k* --input %s",
	/* Live: the good one, the hostile one, and then there is no other. */
	"track report --follow --delay 1",
	"track report --follow --bytes --delay 1",
};

static const char *const comparisons[] = {
	"diff %s %s",
	"diff %s %s --json --limit 100",
	"diff %s %s slab",
	"diff %s %s vmalloc --bytes",
	"diff %s %s memcg --json",
	"diff %s %s ledger -o all",
	"diff %s %s zone --sort free",
	"diff %s %s vmstat --sort -value",
	"diff %s %s track --json",
	"diff %s %s task",
};

/*
 * What was printed must be characters that a terminal shows, in lines; JSON must be JSON;
 * and the program ends by an exit status of its own.
 */
static void check_output(const char *what, const struct ctl_output *o)
{
	const char *why = NULL;

	for (size_t at = 0, n; at < o->size && !why; at += n) {
		mbstate_t shift = {};
		wchar_t wide;

		n = mbrtowc(&wide, o->text + at, o->size - at, &shift);
		if (!n || n > o->size - at)
			why = "bytes that are no text";
		else if (wide != L'\n' && iswcntrl(wide))
			why = "a control character";
	}
	if (!why && (o->status < STATUS_DONE || o->status > STATUS_CANNOT))
		why = "an exit status that there is not";
	if (!why && strstr(what, "json") &&
	    (o->status == STATUS_DONE || o->status == STATUS_PARTIAL)) {
		struct json_tokener *tokener = json_tokener_new();
		struct json_object *document;

		document = json_tokener_parse_ex(tokener, o->text, (int)o->out);
		if (!json_object_is_type(document, json_type_object))
			why = "no JSON";
		json_object_put(document);
		json_tokener_free(tokener);
	}
	if (!why)
		return;
	fprintf(stderr, "fuzz: '%s' printed %s, status %d:\n%s\n", what, why, o->status, o->text);
	abort();
}

/* One of the commands; the number says which. */
static void command(uint32_t which, const struct good *good, const unsigned char *bytes,
		    size_t size)
{
	unsigned int nr = ARRAY_SIZE(commands), nr_comparisons = ARRAY_SIZE(comparisons);
	const char *first = ctl_file(0, good->bytes, good->size);
	const char *hostile = ctl_file(1, bytes, size);
	struct ctl_output output;
	char line[160];

	which %= nr + 2 * nr_comparisons;
	if (which < nr) {
		snprintf(line, sizeof(line), commands[which], hostile);
	} else {
		bool turned = which - nr >= nr_comparisons;

		snprintf(line, sizeof(line), comparisons[(which - nr) % nr_comparisons],
			 turned ? hostile : first, turned ? first : hostile);
	}
	ctl_reset_device();
	ctl_run(line, &output);
	check_output(line, &output);
}

static struct memdiag_data *parsed(const unsigned char *bytes, size_t size)
{
	struct memdiag_data *data;

	if (memdiag_data_parse(bytes, size, NULL, &data))
		abort();
	return data;
}

/* What top shows on a terminal, and what keys do with it. */
static void screen(uint32_t which, const struct good *good, const unsigned char *bytes, size_t size)
{
	static const char keys[] = "\t1234567890hgr<><>ucn ";
	const struct options options = { .limit = which % 3 ? 0 : 5 };
	const struct choice *choices = command_find("top")->choices;
	struct top top = {
		.options = &options,
		.choices = choices,
		.choice = &choices[which % 10],
		.by_change = which % 2,
	};

	for (unsigned int n = 0; n < 4; n++) {
		struct ctl_output output;
		struct top_page page;
		const char *start;
		int ret;

		/* A key may have forgotten them. */
		if (!top.data) {
			top.data = parsed(bytes, size);
			top.before = parsed(good->bytes, good->size);
		}
		ctl_begin();
		ret = top_page_make(&top, 1 + (which >> n) % 40, &page);
		if (!ret)
			fputs(page.text, stdout);
		ctl_end(&output);
		output.status = ret;
		check_output("top", &output);
		if (!ret) {
			top_page_split(&page);
			for (char **line = page.lines; *line; line++)
				top_clip(*line, which % 50, 80, &start);
			top_page_free(&page);
		}
		top_press(&top, keys[(which >> 4 * n) % (sizeof(keys) - 1)]);
	}
	memdiag_data_free(top.data);
	memdiag_data_free(top.before);
	free(top.sort);
}

/* leakcheck: looks at the good one and the hostile one, judged and printed. */
static void leakcheck(uint32_t which, const struct good *good, const struct memdiag_data *data)
{
	static const uint64_t formats[] = { 0, OPT_BYTES, OPT_JSON, OPT_TAP };
	static const char *const names[] = { "text", "text", "json", "tap" };
	const uint64_t allow[MEMDIAG_NR_LEAK_KINDS] = { [MEMDIAG_LEAK_SLAB] = which };
	const struct options options = { .given = formats[which % 4] };
	struct leak_run run = { .options = &options, .name = "bad\x1b[1m", .cycles = 4 };
	struct ctl_output output;

	if (memdiag_leakcheck_new(&run.check))
		abort();
	for (unsigned int n = 0; n < 5; n++)
		if (memdiag_leakcheck_add(
			    run.check, n < 2 ? MEMDIAG_LOOK_IDLE : MEMDIAG_LOOK_CYCLES,
			    n < 2 ? 0 : 2, (which >> n) & 1 ? data : good->data, NULL))
			abort();
	if (memdiag_leakcheck_judge(run.check, which & 8 ? "leaky" : NULL, allow,
				    which & 4 ? 0 : UINT64_MAX, &run.leaks))
		abort();
	ctl_begin();
	leak_print(&run);
	ctl_end(&output);
	output.status = STATUS_DONE;
	check_output(names[which % 4], &output);
	ctl_begin();
	run.junit = stdout;
	leak_write_junit(&run);
	ctl_end(&output);
	output.status = STATUS_DONE;
	check_output("junit", &output);
	memdiag_leaks_free(run.leaks);
	memdiag_leakcheck_free(run.check);
}

/* One of all that shows a snapshot. Return: whether the parser took it. */
static bool show(uint32_t which, const struct good *good, const unsigned char *bytes, size_t size)
{
	struct memdiag_data *data;

	if (memdiag_data_parse(bytes, size, NULL, &data))
		return false;
	if (which % 8 == 0)
		screen(which / 8, good, bytes, size);
	else if (which % 8 == 1)
		leakcheck(which / 8, good, data);
	else
		command(which / 8, good, bytes, size);
	memdiag_data_free(data);
	return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct memdiag_error error;
	struct memdiag_data *data;

	if (!goods[0].data)
		make_samples();
	load(bytes, size);
	if (memdiag_data_parse(bytes, size, &error, &data))
		return 0;
	walk(data);
	compare(goods[0].data, data);
	compare(data, goods[0].data);
	memdiag_data_free(data);
#ifdef LIBFUZZER
	{
		/* The same bytes are always shown in the same way. */
		uint32_t hash = crc32(0, bytes, size);

		show(hash / NR_SAMPLES, &goods[hash % NR_SAMPLES], bytes, size);
	}
#endif
	return 0;
}

/* --- mutations --------------------------------------------------------------- */

/* Bytes that must not reach a terminal, end a line, or mean something to a format. */
static const char *const nasty[] = {
	"\x1b[31m", "\xc2\x9b[1m", "\x9b", "\x7f", "\n",  "\r",	 "\"",
	"\\",	    ";",	   "%s%n", "[",	   "]]>", "<b>", " ",
};

static uint64_t nasty_value(size_t size)
{
	static const uint64_t values[] = { 0,
					   1,
					   63,
					   64,
					   INT64_MAX,
					   INT64_MAX - 1,
					   MEMDIAG_ABSENT,
					   MEMDIAG_UNLIMITED,
					   (uint64_t)INT64_MIN + 2,
					   UINT64_MAX,
					   UINT64_MAX / 4096,
					   UINT64_MAX / 1000 };
	uint32_t which = random_u32() % (ARRAY_SIZE(values) + 3);

	return which < ARRAY_SIZE(values) ? values[which] : random_u32() % size;
}

/* Of a good snapshot: changes what its fields mean, what they hold, what texts say. */
static void mutate_fields(unsigned char *bytes, size_t size)
{
	const struct memdiag_header *h = (const void *)bytes;
	struct memdiag_section *s;
	struct memdiag_field *f, *other;
	uint64_t value = nasty_value(size), *word;
	uint32_t swap;

	if (!h->nr_sections)
		return;
	s = (void *)(bytes + h->sections + random_u32() % h->nr_sections * h->section_size);
	if (random_u32() % 16 == 0) {
		s->state = random_u32() % 5;
		s->error = -(int)(random_u32() % 140);
		s->reason = random_u32() % h->strings_size;
	}
	if (!s->nr_fields)
		return;
	f = (void *)(bytes + s->fields + random_u32() % s->nr_fields * s->field_size);
	other = (void *)(bytes + s->fields + random_u32() % s->nr_fields * s->field_size);
	word = s->nr_records ? (void *)(bytes + s->records +
					random_u32() % s->nr_records * s->record_size + f->offset)
			     : NULL;
	switch (random_u32() % 8) {
	case 0:
	case 1:
		f->type = random_u32() % 6;
		break;
	case 2:
		f->unit = random_u32() % 7;
		break;
	case 3:
		f->kind = random_u32() % 4;
		f->flags = random_u32() % 8;
		break;
	case 4:
		swap = f->name;
		f->name = other->name;
		other->name = swap;
		break;
	case 5:
		s->nr_records -= s->nr_records && random_u32() % 4 == 0;
		break;
	case 6:
		if (word && f->type == MEMDIAG_TYPE_STR && *word < h->strings_size) {
			const char *text = nasty[random_u32() % ARRAY_SIZE(nasty)];
			size_t length = strlen(text);

			if (*word && *word + length < h->strings_size)
				memcpy(bytes + h->strings + *word, text, length);
			break;
		}
		/* fall through */
	default:
		if (word)
			*word = f->type == MEMDIAG_TYPE_STR ? value % h->strings_size : value;
	}
}

#ifdef LIBFUZZER
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t size, size_t max, unsigned int seed);

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t size, size_t max, unsigned int seed)
{
	struct memdiag_header *h = (void *)bytes;
	struct memdiag_data *data;

	state = seed + 1;
	/* What is changed must get past the checksum. */
	if (size >= sizeof(*h)) {
		h->flags &= ~MEMDIAG_HEADER_CHECKSUM;
		h->checksum = 0;
	}
	if (random_u32() % 4 == 0 || memdiag_data_parse(bytes, size, NULL, &data))
		return LLVMFuzzerMutate(bytes, size, max);
	memdiag_data_free(data);
	mutate_fields(bytes, size);
	return size;
}
#else
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

/* Return: number of hostile snapshots that the parser took and something showed. */
static unsigned long fuzz_show(unsigned long iterations)
{
	unsigned long shown = 0;

	for (unsigned long n = 0; n < iterations; n++) {
		const struct good *good = &goods[random_u32() % NR_SAMPLES];
		unsigned char *copy = malloc(good->size);
		uint32_t count = 1 + random_u32() % 12;

		memcpy(copy, good->bytes, good->size);
		while (count--)
			mutate_fields(copy, good->size);
		shown += show(random_u32(), good, copy, good->size);
		free(copy);
	}
	return shown;
}

int main(int argc, char **argv)
{
	unsigned long iterations = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
	unsigned long accepted = 0, taken, shown;

	setlocale(LC_CTYPE, "C.UTF-8");
	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 20240229;
	make_samples();
	for (unsigned long n = 0; n < iterations; n++) {
		int which = random_u32() % 5, count = 1 + random_u32() % 4;
		size_t size = goods[which].size;
		/* Of exactly this size, so that the sanitizer sees one too far. */
		unsigned char *copy = malloc(size);
		struct memdiag_data *data;

		memcpy(copy, goods[which].bytes, size);
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
	printf("# %lu of %lu accepted\n", accepted, iterations);
	shown = fuzz_show(iterations / 5);
	printf("# %lu of %lu shown\n", shown, iterations / 5);
	for (int n = 0; n < NR_SAMPLES; n++) {
		free(goods[n].bytes);
		memdiag_data_free(goods[n].data);
	}
	taken = fuzz_load(iterations / 10);
	printf("# %lu of %lu files of load accepted\n", taken, iterations / 10);
	/* A fuzzer whose inputs are all refused tests the first check only. */
	return accepted < iterations / 100 || shown < iterations / 10 || taken < iterations / 1000;
}
#endif
