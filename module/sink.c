// SPDX-License-Identifier: GPL-2.0-only
/*
 * What providers call: records and strings pushed into the buffers of a snapshot
 * in the making, and the records of sections that came before.
 *
 * Nothing here allocates, but for the names of symbols, which are looked up
 * outside of locks. A push that finds no room is counted, and snapshot.c starts the
 * provider again with as much more.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/kallsyms.h>
#include <linux/string.h>

#include "memdiag.h"
#include "resolve/resolve.h"
#include "sink.h"

#define SINK_HASH_PROBES	8
/* Slots for symbols, by hash; as many as differ on most machines. */
#define SINK_SYMBOL_BITS	8

/**
 * struct sink_symbol - a name that was looked up
 * @address: of code of the kernel itself
 * @name: its name, or NULL in a free slot
 */
struct sink_symbol {
	unsigned long address;
	char *name;
};

/* Used by one snapshot at a time, which snapshot.c sees to. */
static struct sink_symbol sink_names[BIT(SINK_SYMBOL_BITS)];

/**
 * memdiag_sink_string() - put a string into the table unless it is there already
 * @c: the snapshot in the making
 * @string: the string, copied
 *
 * A slot may be left from a walk that was started again: then it points past the
 * end, or to other bytes, and the comparison says no.
 *
 * Context: any.
 *
 * Return: its offset, or -1 if it does not fit.
 */
s64 memdiag_sink_string(struct memdiag_collection *c, const char *string)
{
	size_t size = strlen(string) + 1;
	u32 hash, i, *slot = NULL;

	if (size == 1)
		return 0;
	hash = jhash(string, size, 0);
	for (i = 0; i < SINK_HASH_PROBES; i++) {
		u32 *s = &c->slots[(hash + i) % SINK_HASH_SLOTS];

		if (!*s || *s + size > c->strings_len) {
			slot = slot ?: s;
			if (!*s)
				break;
		} else if (!memcmp(c->strings + *s, string, size)) {
			return *s;
		}
	}
	if (size > c->strings_max - c->strings_len)
		return -1;
	memcpy(c->strings + c->strings_len, string, size);
	if (slot)
		*slot = c->strings_len;
	c->strings_len += size;
	return c->strings_len - size;
}

/**
 * memdiag_push() - append a record
 * @sink: the provider's sink
 *
 * One that finds no room is counted, so that the next walk has room for all. It can
 * be written as any other, but is not found again by its number: a walk that looks for
 * its own records calls memdiag_push_kept().
 *
 * Context: any, also under locks.
 *
 * Return: the record, all fields MEMDIAG_ABSENT; NULL if there are more than snapshots
 * may take: the provider then releases its locks and returns -ENOSPC.
 */
void *memdiag_push(struct memdiag_sink *sink)
{
	void *record;

	if (sink->nr_records < sink->max_records) {
		record = memdiag_record(sink, sink->nr_records++);
	} else if (sink->missed < sink->max_missed) {
		/* There is one more behind the last. */
		record = memdiag_record(sink, sink->max_records);
		sink->missed++;
	} else {
		return NULL;
	}
	memset64(record, MEMDIAG_ABSENT, sink->status->record_size / sizeof(u64));
	return record;
}

/**
 * memdiag_push_kept() - append a record that the walk will look for
 * @sink: the provider's sink
 *
 * Context: any, also under locks.
 *
 * Return: as memdiag_push(), but NULL also if there is no room now.
 */
void *memdiag_push_kept(struct memdiag_sink *sink)
{
	if (sink->nr_records < sink->max_records)
		return memdiag_push(sink);
	sink->missed++;
	return NULL;
}

/* The same string often comes again, and counts once unless another took its slot. */
static void sink_miss_string(struct memdiag_collection *c, const char *string)
{
	size_t size = strlen(string) + 1;
	u32 hash = jhash(string, size, 0) ?: 1;
	u32 *slot = &c->missed[hash % SINK_MISSED_SLOTS];

	if (*slot == hash)
		return;
	*slot = hash;
	c->strings_missed += size;
}

/**
 * memdiag_push_string() - put a string into the string table
 * @sink: the provider's sink
 * @string: the string, copied
 *
 * Context: any, also under locks.
 *
 * Return: the value for a field of type STR; 0 (the empty string) if there is
 * no room: the walk is then repeated with more, so the provider need not check.
 */
u64 memdiag_push_string(struct memdiag_sink *sink, const char *string)
{
	s64 at = memdiag_sink_string(sink->collection, string);

	if (at < 0) {
		sink_miss_string(sink->collection, string);
		return 0;
	}
	return at;
}

/**
 * memdiag_push_printf() - format a short string into the string table
 * @sink: the provider's sink
 * @fmt: format; the result is cut at 127 bytes
 *
 * Context: any, but formatting is slow: not under locks that others wait for.
 *
 * Return: as memdiag_push_string().
 */
u64 memdiag_push_printf(struct memdiag_sink *sink, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return memdiag_push_string(sink, text);
}

/*
 * What the kernel calls an address now; NULL if it has no name. Names of the kernel
 * itself stay what they are, and looking them up is slow, so they are kept; those with a
 * "[module]" (or [bpf]) behind them may be gone or another's tomorrow.
 */
static const char *symbol_now(unsigned long address, char *text)
{
	struct sink_symbol *symbol;

	symbol = &sink_names[hash_long(address, SINK_SYMBOL_BITS)];
	if (symbol->name && symbol->address == address)
		return symbol->name;
	sprint_symbol(text, address);
	/* It prints a raw address if it knows no name for it. */
	if (!strncmp(text, "0x", 2))
		return NULL;
	if (strchr(text, '['))
		return text;
	memdiag_free(symbol->name);
	symbol->address = address;
	symbol->name = memdiag_keep_string(text, KSYM_SYMBOL_LEN);
	return symbol->name ?: text;
}

/**
 * memdiag_symbol() - name an address of code that is there, or has just gone
 * @address: what to name
 * @text: KSYM_SYMBOL_LEN bytes to use
 *
 * As %pS prints it: "name+0x12/0x34 [module]"; "+0x12 [module (unloaded)]" if the
 * module went while memdiag was loaded; "?" if the kernel knows no name, for then
 * %pS prints the raw address.
 *
 * Context: process, while collecting; not under locks.
 *
 * Return: the name, in @text or elsewhere; valid until the next call.
 */
const char *memdiag_symbol(unsigned long address, char *text)
{
	const char *name = symbol_now(address, text);

	if (!name)
		name = memdiag_unloaded_print(address, text) ? text : "?";
	return name;
}

static const char *symbol_of_old(unsigned long address, bool called, char *text)
{
	const char *name = symbol_now(address, text);

	if (name && !strchr(name, '['))
		return name;
	if (!name)
		text[0] = '\0';
	memdiag_unloaded_owner(address, called, text);
	return text;
}

/**
 * memdiag_caller_name() - name an address that something was asked for from, long ago maybe
 * @address: where the call returned to
 * @text: KSYM_SYMBOL_LEN bytes to use
 *
 * As memdiag_symbol(); but another module may lie there now, so it is
 * memdiag_unloaded_owner() that says whose address it is.
 *
 * Context: process, while collecting; not under locks.
 *
 * Return: the name, in @text or elsewhere; valid until the next call.
 */
const char *memdiag_caller_name(unsigned long address, char *text)
{
	return symbol_of_old(address, true, text);
}

/**
 * memdiag_push_caller() - as memdiag_caller_name()
 * @sink: the provider's sink
 * @address: where the call returned to
 *
 * Context: process, while collecting; not under locks.
 *
 * Return: as memdiag_push_string().
 */
u64 memdiag_push_caller(struct memdiag_sink *sink, unsigned long address)
{
	char text[KSYM_SYMBOL_LEN];

	return memdiag_push_string(sink, memdiag_caller_name(address, text));
}

/**
 * memdiag_push_function() - name a function that was handed over, long ago maybe
 * @sink: the provider's sink
 * @address: of the function
 *
 * Context: process, while collecting; not under locks.
 *
 * Return: as memdiag_push_string(); the name is as that of memdiag_caller_name().
 */
u64 memdiag_push_function(struct memdiag_sink *sink, unsigned long address)
{
	char text[KSYM_SYMBOL_LEN];

	return memdiag_push_string(sink, symbol_of_old(address, false, text));
}

/**
 * memdiag_push_symbol_module() - name the module an address of code lies in now
 * @sink: the provider's sink
 * @address: the address
 *
 * Context: process, while collecting; not under locks.
 *
 * Return: value for a STR field: the module's name, or MEMDIAG_ABSENT if it lies in the
 * kernel itself or nowhere.
 */
u64 memdiag_push_symbol_module(struct memdiag_sink *sink, unsigned long address)
{
	char text[KSYM_SYMBOL_LEN];
	const char *symbol = symbol_now(address, text), *name;
	size_t length;

	name = symbol ? memdiag_symbol_module(symbol, &length) : NULL;
	if (!name)
		return MEMDIAG_ABSENT;
	text[name - text + length] = '\0';
	return memdiag_push_string(sink, name);
}

/**
 * memdiag_string() - a string that was pushed
 * @sink: any sink of the snapshot
 * @string: value of a STR field, not absent
 *
 * Return: the string; valid until the next push.
 */
const char *memdiag_string(const struct memdiag_sink *sink, u64 string)
{
	return sink->collection->strings + string;
}

/**
 * memdiag_parent() - the records of a section this one is derived from
 * @sink: the provider's sink
 * @id: a section in the provider's .after
 *
 * Return: its sink, to be read with memdiag_record(); NULL if the section is
 * unavailable in this snapshot.
 */
const struct memdiag_sink *memdiag_parent(const struct memdiag_sink *sink, u32 id)
{
	const struct memdiag_sink *other = &sink->collection->sinks[id];

	return other->state == MEMDIAG_STATE_OK ||
	       other->state == MEMDIAG_STATE_PARTIAL ? other : NULL;
}

/**
 * memdiag_field_at() - where a field of another section is
 * @other: from memdiag_parent()
 * @name: name of the field
 *
 * Return: offset in its records, for memdiag_value_at(); -1 if there is none.
 */
int memdiag_field_at(const struct memdiag_sink *other, const char *name)
{
	unsigned int i;

	for (i = 0; i < other->status->nr_fields; i++)
		if (!strcmp(other->status->fields[i].name, name))
			return other->status->fields[i].offset;
	return -1;
}

/**
 * memdiag_value_at() - a value of another section
 * @other: from memdiag_parent()
 * @n: number of the record
 * @at: from memdiag_field_at()
 *
 * Return: the value; MEMDIAG_ABSENT if there is no such record or field.
 */
u64 memdiag_value_at(const struct memdiag_sink *other, unsigned int n, int at)
{
	if (at < 0 || n >= other->nr_records)
		return MEMDIAG_ABSENT;
	return *(const u64 *)(memdiag_record(other, n) + at);
}

/**
 * memdiag_mark_partial() - say that something is missing in this snapshot
 * @sink: the provider's sink
 * @fmt: what and why; the first call of a walk wins
 *
 * Context: any.
 */
void memdiag_mark_partial(struct memdiag_sink *sink, const char *fmt, ...)
{
	va_list args;

	if (sink->state == MEMDIAG_STATE_PARTIAL)
		return;
	sink->state = MEMDIAG_STATE_PARTIAL;
	va_start(args, fmt);
	vsnprintf(sink->reason, sizeof(sink->reason), fmt, args);
	va_end(args);
}

/**
 * memdiag_mark_unavailable() - say why the section cannot be had just now
 * @sink: the provider's sink
 * @fmt: why; .collect then returns an error
 *
 * Context: any.
 */
void memdiag_mark_unavailable(struct memdiag_sink *sink, const char *fmt, ...)
{
	va_list args;

	sink->state = MEMDIAG_STATE_UNAVAILABLE;
	va_start(args, fmt);
	vsnprintf(sink->reason, sizeof(sink->reason), fmt, args);
	va_end(args);
}

/** memdiag_sink_forget_names() - give back what names take; no snapshot is made now */
void memdiag_sink_forget_names(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sink_names); i++) {
		memdiag_free(sink_names[i].name);
		sink_names[i].name = NULL;
	}
}
