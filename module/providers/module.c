// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section module: one record per module: what it takes for itself, and what
 * section vmalloc and section slab say was asked for by its code. Modules that
 * were unloaded have a record as long as something of theirs is left.
 *
 * Walks the kernel's list with the operations of /proc/modules, and reads the
 * public struct module. At load memdiag must find itself in the list, or the
 * section is unavailable. Names of modules that are gone are those that unloaded.c
 * kept; they arrive here in the strings of the other sections.
 *
 * Locks: module_mutex, from the operations' start to their stop; under it only
 * reads and pushes.
 *
 * Stale: a module that is loaded or goes between the sections has no areas yet,
 * or is in the list no more.
 *
 * Skipped: of the memory that a module allocated, what is neither vmalloc nor in
 * a cache with a constructor of the module: nothing else tells whose it is.
 * Modules that went while memdiag was not loaded have no name.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "../compat/module.h"
#include "../memdiag.h"
#include "../resolve/resolve.h"

/* Records of other sections between two looks at the scheduler. */
#define MODULE_BATCH	1024

struct module_record {
	u64 name;
	u64 loaded;
	u64 state;
	u64 taints;
	u64 out_of_tree;
	u64 refcnt;
	u64 size;
	u64 text;
	u64 rodata;
	u64 data;
	u64 init;
	u64 percpu;
	u64 vmalloc_areas;
	u64 vmalloc;
	u64 vmalloc_pages;
	u64 caches;
	u64 cache_bytes;
	u64 version;
	u64 srcversion;
};

static const struct memdiag_field_desc module_fields[] = {
	MEMDIAG_LABEL(module_record, name, STR, NONE, KEY_BRIEF, "its name"),
	MEMDIAG_LABEL(module_record, loaded, BOOL, NONE, KEY,
		      "it is there; else it was unloaded, and something of it is left"),
	MEMDIAG_LABEL(module_record, state, STR, NONE, BRIEF, "live, loading, unloading, unloaded"),
	MEMDIAG_LABEL(module_record, taints, STR, NONE, BRIEF,
		      "letters as in /proc/modules: O out of tree, E unsigned, P proprietary"),
	MEMDIAG_LABEL(module_record, out_of_tree, BOOL, NONE, 0, "not built with the kernel"),
	MEMDIAG_GAUGE(module_record, refcnt, U64, NONE, BRIEF,
		      "users; absent if it cannot be unloaded"),
	MEMDIAG_GAUGE(module_record, size, U64, BYTES, BRIEF,
		      "memory it is loaded in: the next four; absent if unloaded"),
	MEMDIAG_GAUGE(module_record, text, U64, BYTES, 0, "code"),
	MEMDIAG_GAUGE(module_record, rodata, U64, BYTES, 0, "read-only data"),
	MEMDIAG_GAUGE(module_record, data, U64, BYTES, 0, "other data"),
	MEMDIAG_GAUGE(module_record, init, U64, BYTES, 0,
		      "code and data of its init, given back when it has run"),
	MEMDIAG_GAUGE(module_record, percpu, U64, BYTES, 0, "per-cpu variables, of one CPU"),
	MEMDIAG_GAUGE(module_record, vmalloc_areas, U64, NONE, 0,
		      "vmalloc areas its code asked for"),
	MEMDIAG_GAUGE(module_record, vmalloc, U64, BYTES, BRIEF,
		      "address space of these, with guard pages"),
	MEMDIAG_GAUGE(module_record, vmalloc_pages, U64, PAGES, 0,
		      "pages of these, as far as they are known"),
	MEMDIAG_GAUGE(module_record, caches, U64, NONE, 0,
		      "slab caches with a constructor in its code"),
	MEMDIAG_GAUGE(module_record, cache_bytes, U64, BYTES, BRIEF, "memory of these"),
	MEMDIAG_LABEL(module_record, version, STR, NONE, 0,
		      "MODULE_VERSION() of it; absent unless it is live"),
	MEMDIAG_LABEL(module_record, srcversion, STR, NONE, 0, "checksum of its sources; likewise"),
};

static struct memdiag_ops module_ops;
/* Why there are none. */
static int module_why = -EOPNOTSUPP;

/* Letters of the taints, by bit; see taint_flags[] of the kernel. */
static void module_taints(unsigned long taints, char *text)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXTNJ";
	unsigned int bit;

	for (bit = 0; bit < sizeof(letters) - 1; bit++)
		if (taints & BIT(bit))
			*text++ = letters[bit];
	*text = '\0';
}

static const char *module_state(const struct module *mod)
{
	switch (mod->state) {
	case MODULE_STATE_LIVE: return "live";
	case MODULE_STATE_COMING: return "loading";
	default: return "unloading";
	}
}

/*
 * The strings of its modinfo. Absent unless the module is live: the kernel frees
 * them without module_mutex when a module goes, or when loading it fails.
 */
static u64 module_string(struct memdiag_sink *sink, const struct module *mod, const char *string)
{
	return string && mod->state == MODULE_STATE_LIVE ? memdiag_push_string(sink, string) :
							   MEMDIAG_ABSENT;
}

static int module_push(const struct module *mod, void *data)
{
	struct memdiag_sink *sink = data;
	struct memdiag_module_parts parts;
	struct module_record *record;
	char taints[BITS_PER_LONG];
	int refcnt = module_refcount((struct module *)mod);

	record = memdiag_push(sink);
	if (!record)
		return -ENOSPC;
	record->name = memdiag_push_string(sink, mod->name);
	record->loaded = true;
	record->state = memdiag_push_string(sink, module_state(mod));
	module_taints(mod->taints, taints);
	record->taints = memdiag_push_string(sink, taints);
	record->out_of_tree = !!(mod->taints & BIT(TAINT_OOT_MODULE));
	if (refcnt >= 0)
		record->refcnt = refcnt;
	memdiag_module_measure(mod, &parts);
	record->text = parts.text;
	record->rodata = parts.rodata;
	record->data = parts.data;
	record->init = parts.init;
	record->size = parts.text + parts.rodata + parts.data + parts.init;
#ifdef CONFIG_SMP
	record->percpu = mod->percpu_size;
#endif
	record->version = module_string(sink, mod, mod->version);
	record->srcversion = module_string(sink, mod, mod->srcversion);
	return 0;
}

/**
 * memdiag_module_walk() - look at each module, as /proc/modules is printed
 * @fn: called with each that is formed; what it returns ends the walk, unless 0
 * @data: for @fn
 *
 * Context: may sleep; @fn runs under module_mutex. Nothing is opened: the operations are
 * those that the load of memdiag got.
 *
 * Return: what @fn returned last, 0 if there are no modules, or why the list cannot be
 * walked: what opening /proc/modules said.
 */
int memdiag_module_walk(int (*fn)(const struct module *mod, void *data), void *data)
{
	const struct module *mod;
	struct seq_file m;
	loff_t pos = 0;
	int error = 0;
	void *entry;

	if (!module_ops.op)
		return module_why;
	memdiag_ops_seq(&module_ops, &m);
	entry = module_ops.op->start(&m, &pos);
	while (entry && !IS_ERR(entry)) {
		mod = list_entry(entry, struct module, list);
		/* One that is not yet formed has no places and sizes; the kernel skips it, too. */
		if (mod->state != MODULE_STATE_UNFORMED)
			error = fn(mod, data);
		if (error)
			break;
		entry = module_ops.op->next(&m, entry, &pos);
	}
	module_ops.op->stop(&m, entry);
	return error;
}

static int module_is_self(const struct module *mod, void *data)
{
	return mod == THIS_MODULE;
}

static void __init module_init_section(struct memdiag_status *status)
{
	int error = memdiag_ops_open(&module_ops, "/proc/modules");

	if (error) {
		module_why = error;
		memdiag_set_unavailable(status, error, "/proc/modules cannot be walked: %pe",
					ERR_PTR(error));
		return;
	}
	if (!memdiag_module_walk(module_is_self, NULL)) {
		memdiag_ops_close(&module_ops);
		module_why = -ENOENT;
		memdiag_set_unavailable(status, -ENOENT,
					"memdiag does not find itself in /proc/modules");
		return;
	}
	memdiag_set_ok(status, MEMDIAG_SRC_OPS);
}

static void module_exit_section(struct memdiag_status *status)
{
	memdiag_ops_close(&module_ops);
}

static struct module_record *module_find(const struct memdiag_sink *sink, const char *name,
					 bool loaded)
{
	struct module_record *record;
	unsigned int i;

	for (i = 0; i < sink->nr_records; i++) {
		record = memdiag_record(sink, i);
		if (record->loaded == loaded &&
		    !strcmp(memdiag_string(sink, record->name), name))
			return record;
	}
	return NULL;
}

/* Whether section slab says who constructs; the text of slabinfo does not. */
static bool module_knows_ctors(const struct memdiag_sink *sink)
{
	const struct memdiag_sink *caches = memdiag_parent(sink, MEMDIAG_SEC_SLAB);

	return IS_ENABLED(CONFIG_KALLSYMS) && caches && caches->source != MEMDIAG_SRC_TEXT &&
	       memdiag_field_at(caches, "ctor") >= 0;
}

/* What is added up from other sections begins with nothing, if they are there. */
static void module_begin_sums(const struct memdiag_sink *sink, struct module_record *record)
{
	if (IS_ENABLED(CONFIG_KALLSYMS) && memdiag_parent(sink, MEMDIAG_SEC_VMALLOC)) {
		record->vmalloc_areas = 0;
		record->vmalloc = 0;
		record->vmalloc_pages = 0;
	}
	if (module_knows_ctors(sink)) {
		record->caches = 0;
		record->cache_bytes = 0;
	}
}

/* The record of a module by its name in another section; it may be gone. */
static struct module_record *module_of(struct memdiag_sink *sink, const char *name, size_t length)
{
	size_t tail = strlen(MEMDIAG_UNLOADED);
	char copy[MODULE_NAME_LEN];
	struct module_record *record;
	bool loaded = length < tail || memcmp(name + length - tail, MEMDIAG_UNLOADED, tail);

	if (!loaded)
		length -= tail;
	if (length >= sizeof(copy))
		return ERR_PTR(-ENOENT);
	memcpy(copy, name, length);
	copy[length] = '\0';
	record = module_find(sink, copy, loaded);
	if (record)
		return record;
	/* Came since the list was walked, or is no module: "[bpf]". */
	if (loaded)
		return ERR_PTR(-ENOENT);
	record = memdiag_push_kept(sink);
	if (!record)
		return ERR_PTR(-ENOSPC);
	record->name = memdiag_push_string(sink, copy);
	record->loaded = false;
	record->state = memdiag_push_string(sink, "unloaded");
	module_begin_sums(sink, record);
	return record;
}

/* The module that a "name+0x12/0x34 [module]" names. */
static struct module_record *module_of_symbol(struct memdiag_sink *sink, u64 symbol)
{
	const char *name = NULL;
	size_t length;

	if (symbol != MEMDIAG_ABSENT)
		name = memdiag_symbol_module(memdiag_string(sink, symbol), &length);
	/* One of two is neither. */
	if (name && strnstr(name, MEMDIAG_OR, length))
		name = NULL;
	return name ? module_of(sink, name, length) : ERR_PTR(-ENOENT);
}

static int module_add_areas(struct memdiag_sink *sink, const struct memdiag_sink *areas)
{
	int caller = memdiag_field_at(areas, "caller");
	int size = memdiag_field_at(areas, "size");
	int nr_pages = memdiag_field_at(areas, "nr_pages");
	struct module_record *record;
	unsigned int i;
	u64 pages;

	for (i = 0; i < areas->nr_records; i++) {
		if (i % MODULE_BATCH == MODULE_BATCH - 1)
			cond_resched();
		record = module_of_symbol(sink, memdiag_value_at(areas, i, caller));
		if (PTR_ERR(record) == -ENOSPC)
			return -ENOSPC;
		if (IS_ERR(record))
			continue;
		record->vmalloc_areas++;
		record->vmalloc += memdiag_value_at(areas, i, size);
		pages = memdiag_value_at(areas, i, nr_pages);
		if (pages != MEMDIAG_ABSENT)
			record->vmalloc_pages += pages;
	}
	return 0;
}

static int module_add_caches(struct memdiag_sink *sink, const struct memdiag_sink *caches)
{
	int ctor = memdiag_field_at(caches, "ctor");
	int bytes = memdiag_field_at(caches, "bytes");
	struct module_record *record;
	unsigned int i;
	u64 value;

	for (i = 0; i < caches->nr_records; i++) {
		record = module_of_symbol(sink, memdiag_value_at(caches, i, ctor));
		if (PTR_ERR(record) == -ENOSPC)
			return -ENOSPC;
		if (IS_ERR(record))
			continue;
		record->caches++;
		value = memdiag_value_at(caches, i, bytes);
		if (value != MEMDIAG_ABSENT)
			record->cache_bytes += value;
	}
	return 0;
}

static u64 module_known(u64 value)
{
	return value == MEMDIAG_ABSENT ? 0 : value;
}

/* Those that are gone, then those that are not the kernel's, the largest first. */
static int module_compare(const void *_a, const void *_b)
{
	const struct module_record *a = _a, *b = _b;
	u64 bytes_a = module_known(a->size) + module_known(a->vmalloc) +
		      module_known(a->cache_bytes);
	u64 bytes_b = module_known(b->size) + module_known(b->vmalloc) +
		      module_known(b->cache_bytes);

	if (a->loaded != b->loaded)
		return a->loaded ? 1 : -1;
	if (a->out_of_tree != b->out_of_tree)
		return a->out_of_tree ? -1 : 1;
	if (bytes_a != bytes_b)
		return bytes_a > bytes_b ? -1 : 1;
	return 0;
}

static int module_collect(struct memdiag_sink *sink)
{
	const struct memdiag_sink *areas = memdiag_parent(sink, MEMDIAG_SEC_VMALLOC);
	const struct memdiag_sink *caches = memdiag_parent(sink, MEMDIAG_SEC_SLAB);
	bool has_ctor = module_knows_ctors(sink);
	int error = memdiag_module_walk(module_push, sink);
	unsigned int i;

	if (error)
		return error;
	for (i = 0; i < sink->nr_records; i++)
		module_begin_sums(sink, memdiag_record(sink, i));
	if (!IS_ENABLED(CONFIG_KALLSYMS)) {
		memdiag_mark_partial(sink, "CONFIG_KALLSYMS is not set: who asked for areas and caches is not known");
		areas = NULL;
	} else if (!areas) {
		memdiag_mark_partial(sink, "vmalloc: section vmalloc is unavailable");
	} else if (areas->state == MEMDIAG_STATE_PARTIAL) {
		memdiag_mark_partial(sink, "vmalloc: %s", areas->reason);
	}
	if (!has_ctor && IS_ENABLED(CONFIG_KALLSYMS))
		memdiag_mark_partial(sink, "caches: their constructors are not known to section slab");
	error = areas ? module_add_areas(sink, areas) : 0;
	if (!error && has_ctor)
		error = module_add_caches(sink, caches);
	if (!error && sink->nr_records)
		sort(memdiag_record(sink, 0), sink->nr_records, sizeof(struct module_record),
		     module_compare, NULL);
	return error;
}

const struct memdiag_provider memdiag_module_provider __refconst = {
	.id = MEMDIAG_SEC_MODULE,
	.name = "module",
	.help = "per module, unloaded ones that left something behind first: what it takes and asked for",
	MEMDIAG_RECORDS(module_fields, module_record),
	.after = MEMDIAG_BIT(VMALLOC) | MEMDIAG_BIT(SLAB),
	.init = module_init_section,
	.exit = module_exit_section,
	.collect = module_collect,
};
