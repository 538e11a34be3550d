// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of stacks that have a frame in a module which is unloaded.
 *
 * The kernel forgets the names with the module, and those of the init code of a module
 * as soon as that has run. So when that is about to happen (MODULE_STATE_GOING and
 * MODULE_STATE_LIVE), stacks with a frame there get their text and are sealed: no probe
 * finds them any more, so a later module at the same addresses makes stacks of its own.
 *
 * A module that is loaded and unloaded a thousand times would leave a thousand
 * stacks that read alike. So of those that do, the first one stays: objects of the
 * others are given to it, and their counters are added to its own. That is exact though
 * probes go on: those that took an object out by its old stack have counted it when
 * a grace period is over, and only then the counters are moved and the stack is used
 * again.
 *
 * All texts lie in one piece of memory of memdiag's own: in caches of the kernel's they would
 * look like a leak of the module that is checked, an object or so for each time it is loaded.
 *
 * Locks: the mutex of the run, from the notifier of modules. Grace periods are waited for.
 *
 * Skipped: text that finds no memory, or no room within NAMES_MAX. Such a stack is sealed
 * all the same; its frames read as unloaded.c names them.
 */
#include <linux/jhash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../compat/module.h"
#include "../resolve/resolve.h"
#include "track.h"

/*
 * Bytes of all texts, and of the first piece for them. A piece may have twice as many, or close to
 * the bound all texts would be moved for each one that takes the place of another.
 */
#define NAMES_MAX	SZ_4M
#define NAMES_FIRST	SZ_64K

/**
 * track_print_stack() - name the frames of a stack
 * @stack: the stack
 * @name: what names an address: memdiag_symbol() or the like
 * @text: out: TRACK_TEXT bytes
 *
 * Context: may sleep.
 *
 * Return: length of the text.
 */
size_t track_print_stack(const struct track_stack *stack,
			 const char *(*name)(unsigned long address, char *text), char *text)
{
	char symbol[KSYM_SYMBOL_LEN];
	size_t n = 0;
	u32 i;

	text[0] = '\0';
	for (i = 0; i < stack->nr; i++)
		n += scnprintf(text + n, TRACK_TEXT - n, "%s%s", i ? ";" : "",
			       name(stack->frames[i], symbol));
	return n;
}

/* As memdiag_symbol(), which is for snapshots only. */
static const char *names_symbol(unsigned long address, char *text)
{
	sprint_symbol(text, address);
	if (!strncmp(text, "0x", 2) && !memdiag_unloaded_print(address, text))
		return "?";
	return text;
}

/* Put " (unloaded)" behind the name of the module, wherever it is in the text. */
static void names_mark(char *text, const char *module)
{
	size_t n = strlen(module), tail = strlen(MEMDIAG_UNLOADED), length = strlen(text);
	char *at = text;

	while ((at = strchr(at, '['))) {
		at++;
		if (strncmp(at, module, n) || (at[n] != ']' && at[n] != ' ') ||
		    !strncmp(at + n, MEMDIAG_UNLOADED, tail))
			continue;
		if (length + tail >= TRACK_TEXT)
			return;
		memmove(at + n + tail, at + n, length - (at + n - text) + 1);
		memcpy(at + n, MEMDIAG_UNLOADED, tail);
		length += tail;
	}
}

static bool names_in(const struct track_stack *stack, const struct track_range *ranges, u32 nr)
{
	u32 i, r;

	for (i = 0; i < stack->nr; i++)
		for (r = 0; r < nr; r++)
			if (stack->frames[i] - ranges[r].start < ranges[r].size)
				return true;
	return false;
}

/*
 * Return: whether @bytes more fit into the piece of texts now. All texts move into a new
 * piece, twice as large as they are; those that were dropped stay behind.
 */
static bool names_make_room(struct track_stacks *t, size_t bytes)
{
	size_t size = clamp_t(size_t, 2 * (t->text_bytes + bytes), NAMES_FIRST, 2 * NAMES_MAX);
	size_t used = 0;
	char *texts;
	u32 n;

	texts = memdiag_alloc_pages(size);
	if (!texts)
		return false;
	for (n = 0; n < track_stacks_used(t); n++) {
		struct track_stack *stack = track_stack(t, n);

		if (n % TRACK_BATCH == 0)
			cond_resched();
		if (!stack->text)
			continue;
		strscpy(texts + used, stack->text, size - used);
		stack->text = texts + used;
		used += strlen(stack->text) + 1;
	}
	vfree(t->texts);
	t->texts = texts;
	t->texts_size = size;
	t->texts_used = used;
	return true;
}

/* Keep a text with a stack, if it can be kept. */
static void names_keep(struct track_stacks *t, struct track_stack *stack, const char *text)
{
	size_t bytes = strlen(text) + 1;

	if (t->text_bytes + bytes > NAMES_MAX ||
	    (t->texts_used + bytes > t->texts_size && !names_make_room(t, bytes)))
		return;
	stack->text = t->texts + t->texts_used;
	strscpy(stack->text, text, bytes);
	t->texts_used += bytes;
	t->text_bytes += bytes;
}

static void names_drop(struct track_stacks *t, struct track_stack *stack)
{
	if (stack->text)
		t->text_bytes -= strlen(stack->text) + 1;
	stack->text = NULL;
}

/* Seal what has a frame in the ranges; their number. */
static u32 names_seal(struct track_run *run, const char *module,
		      const struct track_range *ranges, u32 nr, bool unloaded)
{
	char *text = memdiag_keep(TRACK_TEXT, 1);
	u32 n, sealed = 0;

	for (n = 0; n < track_stacks_used(&run->stacks); n++) {
		struct track_stack *stack = track_stack(&run->stacks, n);
		/* What belongs to it was written before the state. */
		u8 state = smp_load_acquire(&stack->state);

		if (n % TRACK_BATCH == 0)
			cond_resched();
		/* Another module of a stack that was sealed before may go, too. */
		if (state == TRACK_STACK_SEALED && unloaded && text && stack->text &&
		    strstr(stack->text, module)) {
			strscpy(text, stack->text, TRACK_TEXT);
			names_mark(text, module);
			if (strcmp(text, stack->text)) {
				names_drop(&run->stacks, stack);
				names_keep(&run->stacks, stack, text);
				sealed++;
			}
			continue;
		}
		if ((state != TRACK_STACK_LIVE && state != TRACK_STACK_SKIP) ||
		    !names_in(stack, ranges, nr))
			continue;
		if (text && state == TRACK_STACK_LIVE) {
			track_print_stack(stack, names_symbol, text);
			if (unloaded)
				names_mark(text, module);
			names_keep(&run->stacks, stack, text);
		}
		/* One that was left out has nothing to keep. */
		stack->dead = state == TRACK_STACK_SKIP;
		WRITE_ONCE(stack->state, TRACK_STACK_SEALED);
		sealed++;
	}
	memdiag_free(text);
	return sealed;
}

static u32 names_hash(const struct track_stack *stack)
{
	return jhash(stack->text, strlen(stack->text), stack->cache ^ stack->kind << 16 ^
		     stack->order << 24);
}

/*
 * For each sealed stack the one it is merged into, in track_stack.into: the first with
 * the same text. Stacks that come meanwhile are not merged. The sums are free to be used: a
 * report that is under way sees by track_generation that they are not its own any more.
 */
static u32 names_find_twins(struct track_run *run)
{
	u32 n, m, merged = 0, used = track_stacks_used(&run->stacks);
	struct track_sum *sums = run->sums;

	/* Chains by hash: the head in .head, the next in .next; plus one. */
	track_clear_sums(run);
	for (n = 0; n < used; n++) {
		struct track_stack *stack = track_stack(&run->stacks, n), *twin;
		u32 *head;

		if (n % TRACK_BATCH == 0)
			cond_resched();
		if (stack->state != TRACK_STACK_SEALED || !stack->text)
			continue;
		head = &sums[names_hash(stack) % run->stacks.max].head;
		for (m = *head; m; m = sums[m - 1].next) {
			twin = track_stack(&run->stacks, m - 1);
			if (twin->kind == stack->kind && twin->order == stack->order &&
			    twin->cache == stack->cache && !strcmp(twin->text, stack->text))
				break;
		}
		if (m) {
			WRITE_ONCE(stack->into, m - 1);
			merged++;
		} else {
			sums[n].next = *head;
			*head = n + 1;
		}
	}
	return merged;
}

static void names_move_objects(struct track_run *run)
{
	u64 n, room = track_objects_room(&run->objects);
	struct track_object object;
	unsigned long key;
	u32 into;

	/* Who takes a block apart puts the rest back with the new stack from then on. */
	synchronize_rcu();
	for (n = 0; n < room; n++) {
		if (n % TRACK_BATCH == 0)
			cond_resched();
		if (!track_objects_read(&run->objects, n, &key, &object))
			continue;
		into = track_stack(&run->stacks, object.stack)->into;
		if (into != object.stack)
			track_objects_move(&run->objects, n, object.stack, into);
	}
}

static void names_add(struct track_stack *to, const struct track_stack *from)
{
	atomic64_add(atomic64_read(&from->allocated), &to->allocated);
	atomic64_add(atomic64_read(&from->freed), &to->freed);
	atomic64_add(atomic64_read(&from->allocated_bytes), &to->allocated_bytes);
}

static void names_merge(struct track_run *run)
{
	u32 n, used = track_stacks_used(&run->stacks);

	/* Probes that found one before it was sealed have put their object. */
	synchronize_rcu();
	if (names_find_twins(run))
		names_move_objects(run);
	for (n = 0; n < used; n++) {
		struct track_stack *stack = track_stack(&run->stacks, n);

		if (n % TRACK_BATCH == 0)
			cond_resched();
		if (stack->state == TRACK_STACK_SEALED && !stack->hidden) {
			track_stacks_hide(&run->stacks, n);
			stack->hidden = true;
		}
	}
	/* Those that took one out have counted it, and nobody is in a chain. */
	synchronize_rcu();
	for (n = 0; n < used; n++) {
		struct track_stack *stack = track_stack(&run->stacks, n);

		if (n % TRACK_BATCH == 0)
			cond_resched();
		if (stack->state != TRACK_STACK_SEALED || (stack->into == n && !stack->dead))
			continue;
		if (!stack->dead)
			names_add(track_stack(&run->stacks, stack->into), stack);
		names_drop(&run->stacks, stack);
		track_stacks_reuse(&run->stacks, n);
	}
}

/**
 * track_names_notify() - a module changes its state
 * @run: the run, armed or not
 * @mod: the module
 * @state: enum module_state that it enters
 *
 * Context: may sleep.
 */
void track_names_notify(struct track_run *run, const struct module *mod, unsigned long state)
{
	struct track_range ranges[2];
	u32 nr = 0;

	if (state != MODULE_STATE_LIVE && state != MODULE_STATE_GOING)
		return;
	ranges[nr].start = memdiag_module_init_text(mod, &ranges[nr].size);
	nr += ranges[nr].size > 0;
	if (state == MODULE_STATE_GOING) {
		ranges[nr].start = memdiag_module_text(mod, &ranges[nr].size);
		nr++;
	}
	if (nr && names_seal(run, mod->name, ranges, nr, state == MODULE_STATE_GOING)) {
		track_generation++;
		names_merge(run);
	}
}
