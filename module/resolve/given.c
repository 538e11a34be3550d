// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses given when the module was loaded: "name=hex,name=hex,...", taken by
 * memdiagctl from /proc/kallsyms or from a System.map.
 *
 * A System.map tells where a kernel was linked to, not where it runs, and it may
 * be that of another kernel. So symbols whose run-time addresses the module knows
 * itself, because they are exported, have to be among them: all must have moved
 * by the same distance, and then that is where the others went as well. If one
 * has not, nothing of the map is used.
 *
 * No address and no distance is ever printed: the log may be read by anybody.
 */
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "../compat/hex.h"
#include "../compat/memcontrol.h"
#include "../memdiag.h"
#include "resolve.h"

#ifdef CONFIG_NET
#include <net/net_namespace.h>
#endif

/*
 * The lists for memdiagctl, which so need not be changed together with them. What
 * MODULE_INFO() does, which takes no list from a file.
 */
static const char given_symbols_info[] __used __section(".modinfo") __aligned(1) =
	"memdiag_symbols="
#define GIVEN_SYMBOL(name, type)	#name " "
#define GIVEN_DATA(...)
#define GIVEN_TEXT(...)
#include "given_list.h"
	;

static const char given_references_info[] __used __section(".modinfo") __aligned(1) =
	"memdiag_references="
#define GIVEN_SYMBOL(...)
#define GIVEN_DATA(name)	#name " "
#define GIVEN_TEXT(name)	#name " "
#include "given_list.h"
	;

/* The line of the resolve section; memdiagctl load looks for it. */
#define GIVEN_CHECK		"given addresses"

/* Of the parameter, bytes: several times what memdiagctl makes of the lists. */
#define GIVEN_MAX_LENGTH	SZ_8K
#define GIVEN_MAX_NAME		64

/* Fewer would agree by chance. */
#define GIVEN_MIN_REFERENCES	4

/* No kernel image is larger; per-CPU symbols, for one, are far from it. */
#define GIVEN_MAX_IMAGE		SZ_512M

struct given_symbol {
	const char *name;
	size_t align;
};

static const struct given_symbol given_symbols[] = {
#define GIVEN_SYMBOL(name, type)	{ #name, __alignof__(type) },
#define GIVEN_DATA(...)
#define GIVEN_TEXT(...)
#include "given_list.h"
};

struct given_reference {
	const char *name;
	const void *actual;
	bool is_text;
};

/* Through a table: the linker of modules then puts in the symbol's own address. */
static const struct given_reference given_references[] = {
#define GIVEN_SYMBOL(...)
#define GIVEN_DATA(name)	{ #name, (const void *)&name, false },
#define GIVEN_TEXT(name)	{ #name, (const void *)name, true },
#include "given_list.h"
};

/**
 * struct given_map - the parameter, taken apart
 * @symbols: addresses of given_symbols[], 0 where none was given
 * @references: the same of given_references[]
 * @nr_symbols: how many of @symbols were given
 * @nr_unknown: names that were given and stand in neither list
 */
struct given_map {
	unsigned long symbols[ARRAY_SIZE(given_symbols)];
	unsigned long references[ARRAY_SIZE(given_references)];
	unsigned int nr_symbols;
	unsigned int nr_unknown;
};

/* The parameter as it came, until memdiag_given_init() has taken it apart. */
static char *given_text;
static int given_text_error;

/* Run-time addresses of given_symbols[], not yet looked at; NULL: none to be used. */
static unsigned long *given_found;

/*
 * Only kept here: what this refused, the kernel would print as it stands, with
 * the addresses.
 */
static int given_set(const char *text, const struct kernel_param *param)
{
	if (given_text) {
		given_text_error = -EEXIST;
	} else if (strnlen(text, GIVEN_MAX_LENGTH) == GIVEN_MAX_LENGTH) {
		given_text_error = -E2BIG;
	} else {
		given_text = memdiag_keep_string(text, strlen(text));
		if (!given_text)
			given_text_error = -ENOMEM;
	}
	return 0;
}

/* Also called when the module is not loaded for another parameter's sake. */
static void given_free(void *arg)
{
	memdiag_free(given_text);
	given_text = NULL;
}

/* Of the parameter "addresses". No ->get(): what was given is nobody's business. */
const struct kernel_param_ops memdiag_given_param = {
	.set = given_set,
	.free = given_free,
};

/* Where the address of @name is kept, NULL if nobody wants it. */
static unsigned long *given_place(struct given_map *map, const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(given_symbols); i++)
		if (strlen(given_symbols[i].name) == length &&
		    !memcmp(given_symbols[i].name, name, length))
			return &map->symbols[i];
	for (i = 0; i < ARRAY_SIZE(given_references); i++)
		if (strlen(given_references[i].name) == length &&
		    !memcmp(given_references[i].name, name, length))
			return &map->references[i];
	return NULL;
}

static size_t given_name_length(const char *text)
{
	size_t length = 0;

	while (isalnum(text[length]) || text[length] == '_' || text[length] == '.')
		length++;
	return length;
}

/*
 * Take the parameter apart. Return: 0, or -EINVAL with *@why a constant string
 * and *@entry the number of the entry it is about, from 1.
 */
static int given_parse(const char *text, struct given_map *map, unsigned int *entry,
		       const char **why)
{
	unsigned long *place, address;
	unsigned int digits;
	size_t length;

	memset(map, 0, sizeof(*map));
	for (*entry = 1; ; (*entry)++) {
		length = given_name_length(text);
		*why = "no name";
		if (!length || length >= GIVEN_MAX_NAME)
			return -EINVAL;
		place = given_place(map, text, length);
		text += length;
		*why = "no '=' behind the name";
		if (*text++ != '=')
			return -EINVAL;
		address = 0;
		for (digits = 0; isxdigit(*text); digits++)
			address = address << 4 | hex_to_bin(*text++);
		*why = "no hexadecimal address";
		if (!digits || digits > 2 * sizeof(address) || (*text && *text != ','))
			return -EINVAL;
		*why = "the address is zero: it was hidden from whoever read it";
		if (!address)
			return -EINVAL;
		*why = "the name stands there twice";
		if (place && *place)
			return -EINVAL;
		if (place)
			*place = address;
		else
			map->nr_unknown++;
		if (place >= map->symbols && place < map->symbols + ARRAY_SIZE(map->symbols))
			map->nr_symbols++;
		if (!*text)
			return 0;
		text++;
	}
}

/*
 * By how much a kernel may be moved. arm64 adds to a random distance what the
 * loader placed it beside a multiple of 2 MiB, which is one of 64 KiB.
 */
static bool given_slide_possible(unsigned long slide)
{
	if (!IS_ENABLED(CONFIG_RELOCATABLE))
		return !slide;
#if defined(CONFIG_PHYSICAL_ALIGN)
	return IS_ALIGNED(slide, CONFIG_PHYSICAL_ALIGN);
#elif defined(CONFIG_ARM64)
	return IS_ALIGNED(slide, SZ_64K);
#else
	return IS_ALIGNED(slide, PAGE_SIZE);
#endif
}

/*
 * The distance by which the kernel was moved. Return: 0, or -EINVAL with a
 * reason in @why: this is not the map of this kernel.
 */
static int given_slide(const struct given_map *map, unsigned long *slide, char *why,
		       size_t why_size)
{
	const struct given_reference *first = NULL, *reference;
	unsigned int i, nr_text = 0, nr_data = 0;
	unsigned long distance;

	for (i = 0; i < ARRAY_SIZE(given_references); i++) {
		reference = &given_references[i];
		if (!map->references[i])
			continue;
		distance = (unsigned long)reference->actual - map->references[i];
		if (!first) {
			first = reference;
			*slide = distance;
		} else if (distance != *slide) {
			snprintf(why, why_size, "wrong map: %s and %s are not where it says",
				 first->name, reference->name);
			return -EINVAL;
		}
		if (reference->is_text)
			nr_text++;
		else
			nr_data++;
	}
	if (nr_text + nr_data < GIVEN_MIN_REFERENCES || !nr_text || !nr_data) {
		snprintf(why, why_size,
			 "cannot be checked: %u exported variables and %u functions among them",
			 nr_data, nr_text);
		return -EINVAL;
	}
	if (!given_slide_possible(*slide)) {
		snprintf(why, why_size, "wrong map: a kernel is not moved by such a distance");
		return -EINVAL;
	}
	snprintf(why, why_size, "%u symbols; %u exported variables and %u functions agree",
		 map->nr_symbols, nr_data, nr_text);
	return 0;
}

/* A reference can be anywhere in the image, so what we look for is not far from it. */
static bool given_in_image(unsigned long address)
{
	unsigned long base = (unsigned long)&init_task;

	return address - (base - GIVEN_MAX_IMAGE) < 2UL * GIVEN_MAX_IMAGE;
}

/*
 * What kallsyms knows must not contradict. With KALLSYMS_ALL that is every
 * symbol, without it only functions, without KALLSYMS nothing.
 */
static bool given_confirmed(const char *name, unsigned long address)
{
	size_t length = strlen(name);
	bool confirmed;
	char *text;

	if (!IS_ENABLED(CONFIG_KALLSYMS))
		return true;
	text = memdiag_alloc(KSYM_SYMBOL_LEN, 1);
	if (!text)
		return false;
	sprint_symbol(text, address);
	if (!strncmp(text, "0x", 2))
		confirmed = !IS_ENABLED(CONFIG_KALLSYMS_ALL);
	else
		confirmed = !strncmp(text, name, length) && strstarts(text + length, "+0x0/");
	memdiag_free(text);
	return confirmed;
}

/**
 * memdiag_given_data() - the address of a data symbol, if it was given
 * @name: the symbol
 * @error: out: 0, or why there is none: -ENOENT it was not given, or with the
 *	map of another kernel; -EFAULT it cannot be right
 *
 * Context: may sleep.
 *
 * Return: its address, readable at least for one word; 0 if there is none.
 */
unsigned long memdiag_given_data(const char *name, int *error)
{
	unsigned long address, word;
	unsigned int i;

	*error = -ENOENT;
	for (i = 0; i < ARRAY_SIZE(given_symbols); i++)
		if (!strcmp(given_symbols[i].name, name))
			break;
	if (i == ARRAY_SIZE(given_symbols) || !given_found || !given_found[i])
		return 0;
	address = given_found[i];
	*error = -EFAULT;
	if (!IS_ALIGNED(address, given_symbols[i].align) || !given_in_image(address) ||
	    copy_from_kernel_nofault(&word, (void *)address, sizeof(word)) ||
	    !given_confirmed(name, address))
		return 0;
	*error = 0;
	return address;
}

/* Leaves given_found[] filled in, or a reason why not. */
static void given_apply(const struct given_map *map)
{
	unsigned long slide = 0;
	char why[96];
	unsigned int i;
	int error;

	error = given_slide(map, &slide, why, sizeof(why));
	if (!error) {
		given_found = memdiag_keep(ARRAY_SIZE(given_symbols), sizeof(*given_found));
		if (!given_found) {
			error = -ENOMEM;
			snprintf(why, sizeof(why), "no memory");
		}
	}
	for (i = 0; given_found && i < ARRAY_SIZE(given_symbols); i++)
		if (map->symbols[i])
			given_found[i] = map->symbols[i] + slide;
	if (!error && map->nr_unknown)
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, GIVEN_CHECK, MEMDIAG_SRC_GIVEN, 0,
				     "%s; %u names nobody asks for", why, map->nr_unknown);
	else
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, GIVEN_CHECK, MEMDIAG_SRC_GIVEN, error,
				     "%s", why);
	if (error)
		pr_warn("addresses: not used: %s\n", why);
}

/**
 * memdiag_given_init() - take the parameter "addresses" apart, and check it
 *
 * The map of another kernel is not used, which a line of the resolve section
 * says; loading goes on.
 *
 * Context: may sleep.
 *
 * Return: 0, also without the parameter; -EINVAL if it is not well-formed, -ENOMEM.
 */
int memdiag_given_init(void)
{
	unsigned int entry = 0;
	struct given_map *map;
	const char *why = "";
	int error;

	switch (given_text_error) {
	case 0:
		break;
	case -ENOMEM:
		return -ENOMEM;
	default:
		pr_err("addresses: %s\n", given_text_error == -EEXIST ? "given twice" : "too long");
		return -EINVAL;
	}
	if (!given_text)
		return 0;
	map = memdiag_alloc(1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	error = given_parse(given_text, map, &entry, &why);
	if (error)
		pr_err("addresses: entry %u: %s\n", entry, why);
	else
		given_apply(map);
	memdiag_free(map);
	given_free(NULL);
	return error;
}

/** memdiag_given_exit() - forget what was given */
void memdiag_given_exit(void)
{
	memdiag_free(given_found);
	given_found = NULL;
}
