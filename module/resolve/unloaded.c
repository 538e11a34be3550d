// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of code that is gone: of modules that were unloaded while memdiag was there,
 * and of the init of modules, which the kernel frees when it has run.
 *
 * The kernel forgets the names with the code; what the code left behind still has the
 * address of the code that asked for it. So when code goes, the name of its module
 * is kept with the addresses it lay at, for the last GONE_MAX unloaded modules, and
 * apart from them for as many inits. Of older code the addresses are kept, in GONE_SPANS
 * spans: what was asked for from there has one candidate more, and thus no name.
 *
 * Another module may be loaded where code has gone, and nothing tells when an area
 * was made. So all whose code lies or lay at an address are candidates, but those
 * that cannot have asked: an address that a call returns to has a call before it.
 * Of code that goes, it is kept where its calls return to. If two candidates are left
 * both are named; of more none.
 *
 * Skipped: init code of modules that were loaded before memdiag.
 */
#include <linux/bitmap.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../compat/module.h"
#include "../memdiag.h"
#include "resolve.h"

#define GONE_MAX	64
#define GONE_SPANS	16
/* Bytes of the arena, a thousandth of RAM: a bit for each byte of code. */
#define GONE_ARENA_MIN	SZ_64K
#define GONE_ARENA_MAX	SZ_512K
/* The longest call, bytes. */
#define GONE_CALL	7
#define GONE_CHUNK	256
/* Behind the name of a module whose init is gone, but not the module. */
#define GONE_INIT	" (init, freed)"
/* Candidates that are named. */
#define GONE_NAMED	2

/**
 * struct gone_code - code that is not there any more
 * @list: in gone_list
 * @name: of its module
 * @start: where it was
 * @size: bytes
 * @returns: bit n: a call before @start + n returns there; NULL if not known
 * @init: it was the init of the module
 * @loaded: the rest of the module is there
 * @again: the module is there again, in the same place
 */
struct gone_code {
	struct list_head list;
	char name[MODULE_NAME_LEN];
	unsigned long start;
	unsigned long size;
	unsigned long *returns;
	bool init;
	bool loaded;
	bool again;
};

/**
 * struct gone_who - the candidates for an address
 * @names: of the modules
 * @marks: behind the names
 * @nr: number of candidates; GONE_NAMED + 1 for too many
 */
struct gone_who {
	char names[GONE_NAMED][MODULE_NAME_LEN];
	const char *marks[GONE_NAMED];
	unsigned int nr;
};

/**
 * struct gone_span - where code was that is not in gone_list any more
 * @name: of the module; empty if there was code of several
 * @start: the first address
 * @end: behind the last
 */
struct gone_span {
	char name[MODULE_NAME_LEN];
	unsigned long start;
	unsigned long end;
};

static DEFINE_SPINLOCK(gone_lock);
/* Under gone_lock, and changed under gone_mutex as well: what went last is the first. */
static LIST_HEAD(gone_list);
/* By gone_code.init: most modules that are loaded stay, and only their init goes. */
static struct gone_code gone_codes[2][GONE_MAX];
static unsigned int gone_nr_codes[2];
static struct gone_span gone_spans[2][GONE_SPANS + 1];
static unsigned int gone_nr_spans[2];
/*
 * All bitmaps that are kept lie here: were one allocated each time that a module comes or
 * goes, every check of a module for leaks would see memdiag's own memory grow. The arena
 * is used in turn, under gone_mutex.
 */
static unsigned long *gone_arena;
static unsigned long gone_arena_longs;
static unsigned long gone_arena_used;
/* Modules may be loaded and unloaded at the same time. */
static DEFINE_MUTEX(gone_mutex);

#ifdef CONFIG_X86
/* Bytes of a call through a register or memory, by its second byte and the next. */
static int gone_call_length(u8 modrm, u8 sib)
{
	int mod = modrm >> 6, length = 2;

	if (mod != 3 && (modrm & 7) == 4) {
		length++;
		if (!mod && (sib & 7) == 5)
			length += 4;
	}
	if (mod == 1)
		length++;
	else if (mod == 2 || (!mod && (modrm & 7) == 5))
		length += 4;
	return length;
}

/* Whether the GONE_CALL bytes before @end can end with a call, or with one that was trapped. */
static bool gone_follows_call(const u8 *end)
{
	int length;

	if (end[-5] == 0xe8)
		return true;
	for (length = 2; length <= GONE_CALL; length++) {
		/* A kprobe puts a trap over the first byte of a call. */
		if (end[-length] == 0xcc)
			return true;
		if (end[-length] == 0xff && (end[1 - length] >> 3 & 7) == 2 &&
		    gone_call_length(end[1 - length], length > 2 ? end[2 - length] : 0) == length)
			return true;
	}
	return false;
}
#elif defined(CONFIG_ARM64)
/* bl, blr and its forms that check a signature; brk, which a kprobe puts over them */
static bool gone_follows_call(const u8 *end)
{
	u32 word = end[-4] | end[-3] << 8 | end[-2] << 16 | (u32)end[-1] << 24;

	return (word & 0xfc000000) == 0x94000000 || (word & 0xfefff000) == 0xd63f0000 ||
	       (word & 0xffe0001f) == 0xd4200000;
}
#else
static bool gone_follows_call(const u8 *end)
{
	return true;
}
#endif

/* Whether code that is there can have asked: a call before @address, or a function. */
static bool gone_can_return_to(unsigned long address, const char *symbol)
{
	u8 before[GONE_CALL];

	return strstr(symbol, "+0x0/") ||
	       copy_from_kernel_nofault(before, (void *)(address - GONE_CALL), GONE_CALL) ||
	       gone_follows_call(before + GONE_CALL);
}

/*
 * Room for @size bits in the arena, set to zero; what was kept there is not known any more.
 * NULL if there is no arena, or the code is too large for it.
 */
static unsigned long *gone_reserve(unsigned long size)
{
	unsigned long longs = BITS_TO_LONGS(size), *start;
	struct gone_code *gone;

	if (!gone_arena || longs > gone_arena_longs)
		return NULL;
	if (gone_arena_used + longs > gone_arena_longs)
		gone_arena_used = 0;
	start = gone_arena + gone_arena_used;
	gone_arena_used += longs;
	spin_lock(&gone_lock);
	list_for_each_entry(gone, &gone_list, list)
		if (gone->returns && gone->returns < start + longs &&
		    start < gone->returns + BITS_TO_LONGS(gone->size))
			gone->returns = NULL;
	spin_unlock(&gone_lock);
	bitmap_zero(start, size);
	return start;
}

/*
 * Add to @returns where the calls of a piece of code return to. Return: @returns; NULL if that
 * cannot be kept.
 */
static unsigned long *gone_returns(unsigned long start, unsigned long size,
				   unsigned long *returns)
{
	unsigned long at, n;
	u8 bytes[GONE_CALL + GONE_CHUNK];

	for (at = GONE_CALL; returns && at < size; at += GONE_CHUNK) {
		n = min_t(unsigned long, size - at, GONE_CHUNK);
		if (copy_from_kernel_nofault(bytes, (void *)(start + at - GONE_CALL),
					     GONE_CALL + n))
			return NULL;
		while (n--)
			if (gone_follows_call(bytes + GONE_CALL + n))
				__set_bit(at + n, returns);
		cond_resched();
	}
	return returns;
}

/* The same code, if it has gone before; under gone_mutex. */
static struct gone_code *gone_find(const char *name, unsigned long start, unsigned long size,
				   bool init)
{
	struct gone_code *gone;

	list_for_each_entry(gone, &gone_list, list)
		if (gone->start == start && gone->size == size && gone->init == init &&
		    !strcmp(gone->name, name))
			return gone;
	return NULL;
}

/* Bytes between two spans. */
static unsigned long gone_gap(const struct gone_span *a, const struct gone_span *b)
{
	unsigned long end = min(a->end, b->end), start = max(a->start, b->start);

	return start > end ? start - end : 0;
}

/* Keep where code was, but not its offsets; if there are too many spans, the closest are one. */
static void gone_forget(const struct gone_code *gone)
{
	struct gone_span *spans = gone_spans[gone->init], *one = spans, *other = spans + 1;
	struct gone_span *last = &spans[gone_nr_spans[gone->init]], *a, *b;

	strscpy(last->name, gone->name, sizeof(last->name));
	last->start = gone->start;
	last->end = gone->start + gone->size;
	if (gone_nr_spans[gone->init] < GONE_SPANS) {
		gone_nr_spans[gone->init]++;
		return;
	}
	for (b = spans + 1; b <= last; b++)
		for (a = spans; a < b; a++)
			if (gone_gap(a, b) < gone_gap(one, other)) {
				one = a;
				other = b;
			}
	one->start = min(one->start, other->start);
	one->end = max(one->end, other->end);
	if (strcmp(one->name, other->name))
		one->name[0] = '\0';
	*other = *last;
}

/* A place in gone_list: one that was never used, or that of the oldest. */
static struct gone_code *gone_slot(bool init)
{
	struct gone_code *gone;

	if (gone_nr_codes[init] < GONE_MAX) {
		gone = &gone_codes[init][gone_nr_codes[init]++];
		INIT_LIST_HEAD(&gone->list);
		return gone;
	}
	list_for_each_entry_reverse(gone, &gone_list, list)
		if (gone->init == init)
			break;
	gone_forget(gone);
	return gone;
}

static void gone_keep(const char *name, unsigned long start, unsigned long size, bool init,
		      unsigned long *returns)
{
	struct gone_code *gone = gone_find(name, start, size, init);

	spin_lock(&gone_lock);
	if (!gone)
		gone = gone_slot(init);
	strscpy(gone->name, name, sizeof(gone->name));
	gone->start = start;
	gone->size = size;
	gone->returns = returns;
	gone->init = init;
	gone->loaded = init;
	gone->again = false;
	list_move(&gone->list, &gone_list);
	spin_unlock(&gone_lock);
}

/* Keep code that is about to go, with what is known of it from before. */
static void gone_note(const char *name, unsigned long start, unsigned long size, bool init)
{
	const struct gone_code *gone = gone_find(name, start, size, init);
	unsigned long *returns = gone ? gone->returns : NULL;

	gone_keep(name, start, size, init,
		  gone_returns(start, size, returns ?: gone_reserve(size)));
}

/* A module is there again: is it where it was? */
static void gone_come(const char *name, unsigned long start, unsigned long size)
{
	struct gone_code *gone;

	spin_lock(&gone_lock);
	list_for_each_entry(gone, &gone_list, list)
		if (!strcmp(gone->name, name))
			gone->again = !gone->init && gone->start == start && gone->size == size;
	spin_unlock(&gone_lock);
}

/* Of what is left of its init, too, the module is gone. */
static void gone_unload(const char *name)
{
	struct gone_code *gone;

	spin_lock(&gone_lock);
	list_for_each_entry(gone, &gone_list, list)
		if (!strcmp(gone->name, name)) {
			gone->loaded = false;
			gone->again = false;
		}
	spin_unlock(&gone_lock);
}

static int gone_notify(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;
	unsigned long start, size;

	if (state == MODULE_STATE_UNFORMED)
		return NOTIFY_DONE;
	/* The init of memdiag asks for nothing by itself: alloc.c does. */
	if (mod == THIS_MODULE)
		return NOTIFY_DONE;
	mutex_lock(&gone_mutex);
	if (state == MODULE_STATE_COMING) {
		start = memdiag_module_text(mod, &size);
		gone_come(mod->name, start, size);
		goto unlock;
	}
	/* After its init, or when that failed. */
	start = memdiag_module_init_text(mod, &size);
	if (size)
		gone_note(mod->name, start, size, true);
	if (state == MODULE_STATE_GOING) {
		start = memdiag_module_text(mod, &size);
		gone_note(mod->name, start, size, false);
		gone_unload(mod->name);
	}
unlock:
	mutex_unlock(&gone_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block gone_notifier = { .notifier_call = gone_notify };

static const char *gone_mark(const struct gone_code *gone)
{
	return gone->loaded ? GONE_INIT : MEMDIAG_UNLOADED;
}

/**
 * memdiag_unloaded_print() - name an address in code that is gone
 * @address: of code, for which the kernel knows no name
 * @text: out: KSYM_SYMBOL_LEN bytes: "+0x12 [module (unloaded)]" or "+0x12 [module
 *	(init, freed)]", the offset being that in the code; unchanged if there is no name
 *
 * Context: any but interrupt.
 *
 * Return: true if there is a name; that of the code that went last, if several
 * have been there.
 */
bool memdiag_unloaded_print(unsigned long address, char *text)
{
	const struct gone_code *gone;
	bool found = false;

	spin_lock(&gone_lock);
	list_for_each_entry(gone, &gone_list, list) {
		found = address - gone->start < gone->size;
		if (!found)
			continue;
		snprintf(text, KSYM_SYMBOL_LEN, "+0x%lx [%s%s]", address - gone->start,
			 gone->name, gone_mark(gone));
		break;
	}
	spin_unlock(&gone_lock);
	return found;
}

/* Whether code that is gone can have asked from @address. */
static bool gone_may_be(const struct gone_code *gone, unsigned long address, bool called)
{
	unsigned long offset = address - gone->start;

	if (offset >= gone->size)
		return false;
	/* No function of an init can be asked for later. */
	if (!called)
		return !gone->init;
	return !gone->returns || test_bit(offset, gone->returns);
}

/*
 * Whether code of a module that is gone is of a candidate already. Of one that is there only
 * if it lies there @again: else other functions are at its addresses.
 */
static bool gone_is(const struct gone_who *who, const char *name, bool again)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, who->nr, GONE_NAMED); i++)
		if ((again || who->marks[i][0]) && !strcmp(who->names[i], name))
			return true;
	return false;
}

/*
 * Whether code can have asked from @address that is not in gone_list any more, and is of
 * no module in @who.
 */
static bool gone_may_be_other(unsigned long address, bool called, const struct gone_who *who)
{
	const struct gone_span *span;
	unsigned int init, i;

	for (init = 0; init <= called; init++)
		for (i = 0; i < gone_nr_spans[init]; i++) {
			span = &gone_spans[init][i];
			if (address >= span->start && address < span->end &&
			    !gone_is(who, span->name, false))
				return true;
		}
	return false;
}

static void gone_add(struct gone_who *who, const char *name, const char *mark)
{
	if (who->nr < GONE_NAMED) {
		strscpy(who->names[who->nr], name, sizeof(who->names[0]));
		who->marks[who->nr] = mark;
	}
	who->nr = min_t(unsigned int, who->nr + 1, GONE_NAMED + 1);
}

/* Put code that is gone beside the other candidates, and its offset behind theirs. */
static void gone_add_code(struct gone_who *who, const struct gone_code *gone,
			  unsigned long address, char *where)
{
	size_t length = strlen(where);

	/* The same module, loaded before, is the same candidate. */
	if (gone_is(who, gone->name, gone->again))
		return;
	snprintf(where + length, KSYM_SYMBOL_LEN - length, "%s+0x%lx", who->nr ? MEMDIAG_OR : "",
		 address - gone->start);
	gone_add(who, gone->name, gone_mark(gone));
}

/**
 * memdiag_unloaded_owner() - whose code has an address that was kept for long
 * @address: of code
 * @called: it is where a call returns to; else it is a function
 * @text: KSYM_SYMBOL_LEN bytes: what the kernel calls it now, "name+0x12/0x34 [module]",
 *	or nothing; out: the name, of two candidates "name+0x12/0x34 or +0x56 [module
 *	or other (unloaded)]"; "?" if nobody can be named
 *
 * Context: any but interrupt.
 */
void memdiag_unloaded_owner(unsigned long address, bool called, char *text)
{
	const struct gone_code *gone;
	struct gone_who who = { };
	size_t length;
	char *open;

	open = strstr(text, " [");
	if (open && (!called || gone_can_return_to(address, text))) {
		*open = '\0';
		open[2 + strcspn(open + 2, " ]")] = '\0';
		gone_add(&who, open + 2, "");
	} else {
		text[0] = '\0';
	}
	spin_lock(&gone_lock);
	list_for_each_entry(gone, &gone_list, list)
		if (gone_may_be(gone, address, called))
			gone_add_code(&who, gone, address, text);
	if (gone_may_be_other(address, called, &who))
		who.nr = GONE_NAMED + 1;
	spin_unlock(&gone_lock);
	length = strlen(text);
	if (!who.nr || who.nr > GONE_NAMED ||
	    snprintf(text + length, KSYM_SYMBOL_LEN - length, " [%s%s%s%s%s]", who.names[0],
		     who.marks[0], who.nr > 1 ? MEMDIAG_OR : "", who.names[1],
		     who.marks[1] ?: "") >= (int)(KSYM_SYMBOL_LEN - length))
		strscpy(text, "?", KSYM_SYMBOL_LEN);
}

/**
 * memdiag_symbol_module() - the module that a symbol was printed with
 * @symbol: "name+0x12/0x34 [module]", also with a build id behind the name, or
 *	as memdiag_unloaded_owner() prints it
 * @length: out: of the module's name, with MEMDIAG_UNLOADED if that is there, and
 *	with MEMDIAG_OR and the other one if there are two
 *
 * Return: the name, not terminated; NULL if there is none.
 */
const char *memdiag_symbol_module(const char *symbol, size_t *length)
{
	const char *open = strrchr(symbol, '[');

	if (!open++)
		return NULL;
	*length = strcspn(open, strstr(open, MEMDIAG_UNLOADED) || strstr(open, MEMDIAG_OR) ?
			  "]" : " ]");
	return open;
}

/**
 * memdiag_unloaded_init() - begin to take notice
 *
 * Context: may sleep; not from a notifier of modules, as KUnit runs its suites.
 *
 * Return: 0 or what register_module_notifier() said.
 */
int memdiag_unloaded_init(void)
{
	struct sysinfo info;
	int error;

	si_meminfo(&info);
	gone_arena_longs = clamp_t(u64, (u64)info.totalram * PAGE_SIZE / 1024, GONE_ARENA_MIN,
				   GONE_ARENA_MAX) / sizeof(long);
	/* Without it more candidates are named. */
	gone_arena = memdiag_keep(gone_arena_longs, sizeof(long));
	error = register_module_notifier(&gone_notifier);
	if (error)
		memdiag_free(gone_arena);
	return error;
}

/** memdiag_unloaded_exit() - forget all */
void memdiag_unloaded_exit(void)
{
	unregister_module_notifier(&gone_notifier);
	memdiag_free(gone_arena);
}
