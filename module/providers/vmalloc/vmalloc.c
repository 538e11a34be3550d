// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section vmalloc: one record per area of the vmalloc address space.
 *
 * There are three ways to the areas, each verified with an area of our own before
 * it is used: up to v6.8 the borrowed operations of /proc/vmallocinfo
 * (ops.c), from v6.9 on the nodes over which the areas are spread
 * (nodes.c), and else the text of the file (text.c). The first two
 * walk the areas under the kernel's spinlocks. There nothing may sleep and nothing
 * is formatted: raw words are pushed, .finish makes text of them.
 *
 * One hold takes at most VMALLOC_HOLD areas. The next one begins at the first area
 * whose address is above the last one reported, found in the tree in O(log n); no
 * position in the list is kept, so it does not matter what came or went meanwhile.
 * An area never moves, and addresses only go up: so an area that was there all the
 * time is reported exactly once, and none twice. One that came or went during the
 * walk may or may not be there; one on its way from those in use to those freed
 * lazily ("unpurged") may be in neither, or, freed during the walk, in both.
 *
 * As in the kernel's own reader a vm_struct may be half filled in
 * (VM_UNINITIALIZED), and an area without one is a vm_map_ram() block or about
 * to be freed.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../../compat/vmalloc.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "vmalloc.h"

/* Room at the first try. */
#define VMALLOC_GUESS	1024

static const struct memdiag_field_desc vmalloc_fields[] = {
	MEMDIAG_LABEL(vmalloc_record, id, HEX, NONE, KEY,
		      "hash of the start address as the asker may see it; the same until reboot"),
	MEMDIAG_LABEL(vmalloc_record, kind, STR, NONE, KEY_BRIEF,
		      "word of flags, vm_map_ram, unpurged (freed lazily), module, executable (bpf and others), other"),
	MEMDIAG_GAUGE(vmalloc_record, size, U64, BYTES, BRIEF,
		      "address space taken, with the guard page"),
	MEMDIAG_GAUGE(vmalloc_record, nr_pages, U64, PAGES, BRIEF,
		      "pages of memory that belong to the area"),
	MEMDIAG_LABEL(vmalloc_record, caller, STR, NONE, BRIEF, "who asked for the area"),
	MEMDIAG_LABEL(vmalloc_record, module, STR, NONE, BRIEF,
		      "module that asked for it or is loaded in it; absent for the kernel or if not known"),
	MEMDIAG_LABEL(vmalloc_record, flags, STR, NONE, 0,
		      "words of /proc/vmallocinfo: ioremap sparse vmalloc vmap user dma-coherent vpages"),
	MEMDIAG_LABEL(vmalloc_record, start, HEX, NONE, 0,
		      "first address; absent unless kptr_restrict and CAP_SYSLOG let %pK show it"),
	MEMDIAG_LABEL(vmalloc_record, end, HEX, NONE, 0,
		      "address behind the last; absent like start"),
	MEMDIAG_LABEL(vmalloc_record, phys_addr, HEX, NONE, 0,
		      "physical address that is mapped; absent if there is no such single one"),
};

/* The way to the areas: two walk the areas themselves, one reads the text. */
static enum {
	VMALLOC_BY_OPS,
	VMALLOC_BY_NODES,
	VMALLOC_BY_TEXT,
} vmalloc_way;

static u64 vmalloc_push_caller_module(struct memdiag_sink *sink, char *caller)
{
	size_t length;
	char *name = (char *)memdiag_symbol_module(caller, &length);

	if (!name)
		return MEMDIAG_ABSENT;
	name[length] = '\0';
	return memdiag_push_string(sink, name);
}

static int vmalloc_push_line(struct vmalloc_line *line, void *arg)
{
	struct memdiag_sink *sink = arg;
	struct vmalloc_record *record = memdiag_push(sink);

	if (!record)
		return -ENOSPC;
	record->start = line->start;
	record->size = line->size;
	record->flags = line->flags;
	if (line->phys_addr)
		record->phys_addr = line->phys_addr;
	if (line->flags & (AREA_VM_MAP_RAM | AREA_UNPURGED))
		return 0;
	record->nr_pages = line->nr_pages;
	if (line->caller[0]) {
		record->caller = memdiag_push_string(sink, line->caller);
		record->module = vmalloc_push_caller_module(sink, line->caller);
	}
	return 0;
}

static int vmalloc_collect(struct memdiag_sink *sink)
{
	if (vmalloc_way == VMALLOC_BY_OPS)
		return memdiag_vmalloc_ops_collect(sink);
	if (vmalloc_way == VMALLOC_BY_NODES)
		return memdiag_vmalloc_nodes_collect(sink);
	memdiag_lock_unknown(sink);
	return memdiag_vmalloc_read_lines(vmalloc_push_line, sink);
}

/* Symbols of callers already looked up: few are different. One slot per hash. */
#define SYMBOL_CACHE_BITS	10

struct vmalloc_symbol {
	unsigned long address;
	u64 caller;
	u64 module;
	bool loader;
};

/**
 * struct vmalloc_cache - what .finish made already, as most areas look alike
 * @symbols: callers, by hash
 * @kinds: strings of kinds by AREA_* bits, 0 if not yet made
 * @flags: strings of flags by AREA_* bits, 0 if not yet made
 */
struct vmalloc_cache {
	struct vmalloc_symbol symbols[BIT(SYMBOL_CACHE_BITS)];
	u64 kinds[BIT(AREA_NR_BITS)];
	u64 flags[BIT(AREA_NR_BITS)];
};

/* Secret of this boot, see vmalloc_make_key(). */
static siphash_key_t vmalloc_key;

/*
 * The id of an area is a hash of its address that tells nothing of the address,
 * and is the same until reboot, also if we are loaded again. So the key is not
 * drawn anew but made of what %p prints for some addresses, which is a hash with
 * a secret that the kernel draws at boot. %p itself for each area would take
 * longer than all the rest of its record.
 */
static void vmalloc_make_key(void)
{
	u32 hashes[sizeof(vmalloc_key) / sizeof(u32)];
	char text[24];
	unsigned long hash;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		snprintf(text, sizeof(text), "%p", (void *)&init_task + i);
		hashes[i] = kstrtoul(text, 16, &hash) ? 0 : hash;
	}
	memcpy(&vmalloc_key, hashes, sizeof(vmalloc_key));
}

static u64 vmalloc_id(unsigned long address)
{
	return siphash_1u64(address, &vmalloc_key) >> 1;
}

/*
 * Whether the one who asks may see addresses: whether %pK, which obeys
 * kptr_restrict and looks for CAP_SYSLOG, shows one as it is.
 */
static bool vmalloc_may_see_addresses(void)
{
	unsigned long shown;
	char text[24];

	snprintf(text, sizeof(text), "%pK", &vmalloc_key);
	return !kstrtoul(text, 16, &shown) && shown == (unsigned long)&vmalloc_key;
}

/*
 * The module loaded in an area, by what the modules themselves say: the objects of
 * /sys/module lead to them. These are taken off the list before a module is freed,
 * so the list's lock keeps them there. From v6.14 on an area may hold parts of
 * several (ARCH_HAS_EXECMEM_ROX): then it is no single one's, and @owner is left
 * absent.
 */
static bool vmalloc_owner_by_sysfs(struct memdiag_sink *sink, const struct vmalloc_record *record,
				   u64 *owner)
{
	struct kset *kset = THIS_MODULE->mkobj.kobj.kset;
	struct kobject *kobj;
	struct module *mod;
	bool found = false;

	if (!kset)
		return false;
	spin_lock(&kset->list_lock);
	list_for_each_entry(kobj, &kset->list, entry) {
		mod = container_of(kobj, struct module_kobject, kobj)->mod;
		/* What is built in has an object as well, for its parameters. */
		if (!mod || !memdiag_module_is_in(mod, record->start,
						  record->start + record->size))
			continue;
		*owner = found ? MEMDIAG_ABSENT : memdiag_push_string(sink, mod->name);
		if (found)
			break;
		found = true;
	}
	spin_unlock(&kset->list_lock);
	return found;
}

/*
 * Whether a module is loaded in an area, and in @owner which one, if it is only
 * one. One that is just being loaded or unloaded is not in /sys/module, but has
 * names. kallsyms names an address by the nearest symbol below it, so the last byte
 * is the one that is sure to have one, unless the area is larger than what the
 * module needs of it, or that part of a module has no symbols at all.
 */
static bool vmalloc_owner(struct memdiag_sink *sink, const struct vmalloc_record *record,
			  u64 *owner)
{
	unsigned long last = record->start + record->size - PAGE_SIZE - 1;

	*owner = MEMDIAG_ABSENT;
	if (record->size <= PAGE_SIZE)
		return false;
	if (vmalloc_owner_by_sysfs(sink, record, owner))
		return true;
	*owner = memdiag_push_symbol_module(sink, last);
	if (*owner == MEMDIAG_ABSENT)
		*owner = memdiag_push_symbol_module(sink, record->start + PAGE_SIZE - 1);
	return *owner != MEMDIAG_ABSENT;
}

/*
 * One word for an area, also for those with several flags. .finish replaces it by
 * "module" for areas that hold a module, and by "executable" for all others in
 * the range of modules: bpf programs, trampolines, kprobe slots.
 */
static const char *vmalloc_kind(u64 flags)
{
	if (flags & AREA_UNPURGED)
		return "unpurged";
	if (flags & AREA_VM_MAP_RAM)
		return "vm_map_ram";
	if (flags & AREA_IOREMAP)
		return "ioremap";
	if (flags & AREA_SPARSE)
		return "sparse";
	if (flags & AREA_DMA_COHERENT)
		return "dma-coherent";
	if (flags & AREA_VMALLOC)
		return "vmalloc";
	if (flags & AREA_VMAP)
		return "vmap";
	return "other";
}

static u64 vmalloc_push_flags(struct memdiag_sink *sink, u64 flags)
{
	char text[64] = "";
	unsigned int i;

	for (i = 0; i < AREA_NR_WORDS; i++) {
		if (!(flags & BIT(i)))
			continue;
		if (text[0])
			strlcat(text, " ", sizeof(text));
		strlcat(text, memdiag_vmalloc_words[i], sizeof(text));
	}
	return memdiag_push_string(sink, text);
}

/* Whether the module loader asked for an area: functions that are inlined or not. */
static bool vmalloc_by_loader(struct memdiag_sink *sink, u64 caller)
{
	static const char * const loaders[] = {
		"load_module", "layout_and_allocate", "move_module", "module_memory_alloc",
	};
	const char *text;
	unsigned int i;

	text = memdiag_string(sink, caller);
	for (i = 0; i < ARRAY_SIZE(loaders); i++) {
		size_t length = strlen(loaders[i]);

		if (!strncmp(text, loaders[i], length) && strchr("+.", text[length]))
			return true;
	}
	return false;
}

static const struct vmalloc_symbol *vmalloc_symbol(struct memdiag_sink *sink,
						    struct vmalloc_cache *cache,
						    unsigned long address)
{
	struct vmalloc_symbol *slot = &cache->symbols[hash_long(address, SYMBOL_CACHE_BITS)];
	char text[KSYM_SYMBOL_LEN];

	if (slot->address != address) {
		slot->address = address;
		slot->caller = memdiag_push_caller(sink, address);
		strscpy(text, memdiag_string(sink, slot->caller), sizeof(text));
		slot->module = vmalloc_push_caller_module(sink, text);
		slot->loader = vmalloc_by_loader(sink, slot->caller);
	}
	return slot;
}

/* Turn what was collected into what is shown. */
static void vmalloc_finish_record(struct memdiag_sink *sink, struct vmalloc_record *record,
				  struct vmalloc_cache *cache, bool see)
{
	/* A text that hides the addresses has hashed ones in their place. */
	bool raw = vmalloc_way != VMALLOC_BY_TEXT || see;
	unsigned int flags = record->flags;
	const struct vmalloc_symbol *symbol;
	const char *kind = NULL;
	bool loader = false, code;
	u64 owner;

	if (vmalloc_way != VMALLOC_BY_TEXT && record->caller != MEMDIAG_ABSENT) {
		symbol = vmalloc_symbol(sink, cache, record->caller);
		record->caller = symbol->caller;
		record->module = symbol->module;
		loader = symbol->loader;
	} else if (record->caller != MEMDIAG_ABSENT) {
		loader = vmalloc_by_loader(sink, record->caller);
	}
	/* On arm64 modules may also be loaded elsewhere than where they should. */
	code = memdiag_is_module_address(record->start);
	if (raw && !(record->flags & AREA_UNPURGED) && (code || loader)) {
		if (vmalloc_owner(sink, record, &owner))
			kind = "module";
		else if (code)
			kind = "executable";
		if (owner != MEMDIAG_ABSENT)
			record->module = owner;
	}
	/* A part without symbols, or an address that is not known. */
	if (loader)
		kind = "module";
	if (!cache->kinds[flags]) {
		cache->kinds[flags] = memdiag_push_string(sink, vmalloc_kind(flags));
		cache->flags[flags] = vmalloc_push_flags(sink, flags & AREA_WORDS);
	}
	record->kind = kind ? memdiag_push_string(sink, kind) : cache->kinds[flags];
	record->flags = cache->flags[flags];
	if (record->start)
		record->id = vmalloc_id(record->start);
	record->end = see ? record->start + record->size : MEMDIAG_ABSENT;
	if (!see)
		record->start = MEMDIAG_ABSENT;
}

static int vmalloc_finish(struct memdiag_sink *sink)
{
	bool see = vmalloc_may_see_addresses();
	struct vmalloc_cache *cache;
	unsigned int i;

	if (vmalloc_way == VMALLOC_BY_TEXT && !see)
		memdiag_mark_partial(sink, "addresses are not to be seen (kernel.kptr_restrict): which module an area holds is not known");
	cache = memdiag_alloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	for (i = 0; i < sink->nr_records; i++) {
		vmalloc_finish_record(sink, memdiag_record(sink, i), cache, see);
		if (i % VMALLOC_BATCH == VMALLOC_BATCH - 1) {
			cond_resched();
			if (fatal_signal_pending(current))
				break;
		}
	}
	memdiag_free(cache);
	return i < sink->nr_records ? -EINTR : 0;
}

static unsigned int vmalloc_estimate(void)
{
	unsigned int last = READ_ONCE(memdiag_status(MEMDIAG_SEC_VMALLOC)->last_records);

	return max_t(unsigned int, last + last / 8, VMALLOC_GUESS);
}

static int vmalloc_is_probe(struct vmalloc_line *line, void *arg)
{
	return line->size == (VMALLOC_PROBE_PAGES + 1) * PAGE_SIZE && line->nr_pages == VMALLOC_PROBE_PAGES &&
	       line->flags == AREA_VMALLOC &&
	       (!IS_ENABLED(CONFIG_KALLSYMS) || strstr(line->caller, "[" KBUILD_MODNAME));
}

static int vmalloc_check_text(void)
{
	void *probe = memdiag_vmalloc_probe();
	int ret;

	if (!probe)
		return -ENOMEM;
	ret = memdiag_vmalloc_read_lines(vmalloc_is_probe, NULL);
	vfree(probe);
	if (ret < 0)
		return ret;
	return ret ? 0 : -EINVAL;
}

static int vmalloc_init_text(void)
{
	int error = memdiag_vmalloc_text_init();

	if (!error)
		error = vmalloc_check_text();
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, VMALLOC_PATH, MEMDIAG_SRC_TEXT, error,
			     error == -EINVAL ? "own area not found in it" : error ? "cannot be read" :
			     "own area found by its size, pages and caller");
	return error;
}

/* One way after the other, each of them verified. */
static void __init vmalloc_provider_init(struct memdiag_status *status)
{
	u32 source = MEMDIAG_SRC_OPS;
	bool unpurged = true;
	int error;

	vmalloc_make_key();
	vmalloc_way = VMALLOC_BY_OPS;
	error = memdiag_vmalloc_ops_init(&unpurged);
	if (error) {
		vmalloc_way = VMALLOC_BY_NODES;
		source = MEMDIAG_SRC_BTF;
		error = memdiag_vmalloc_nodes_init(source);
	}
	if (error) {
		source = MEMDIAG_SRC_MIRROR;
		error = memdiag_vmalloc_nodes_init(source);
	}
	if (error) {
		vmalloc_way = VMALLOC_BY_TEXT;
		source = MEMDIAG_SRC_TEXT;
		error = vmalloc_init_text();
	}
	if (error)
		memdiag_set_unavailable(status, error, VMALLOC_PATH " not understood: %pe",
					ERR_PTR(error));
	else if (!unpurged)
		memdiag_set_partial(status, source, "unpurged areas cannot be seen");
	else if (!IS_ENABLED(CONFIG_KALLSYMS))
		memdiag_set_partial(status, source,
				    "callers and modules have no names: CONFIG_KALLSYMS is not set");
	else
		memdiag_set_ok(status, source);
}

static void vmalloc_provider_exit(struct memdiag_status *status)
{
	memdiag_vmalloc_text_exit();
	memdiag_vmalloc_ops_exit();
}

const struct memdiag_provider memdiag_vmalloc_provider __refconst = {
	.id = MEMDIAG_SEC_VMALLOC,
	.name = "vmalloc",
	.help = "per area of the vmalloc address space: who asked for it, how large, of what kind",
	MEMDIAG_RECORDS(vmalloc_fields, vmalloc_record),
	.buffers = MEMDIAG_BUFFERS_NO_VMALLOC,
	.init = vmalloc_provider_init,
	.exit = vmalloc_provider_exit,
	.estimate = vmalloc_estimate,
	.collect = vmalloc_collect,
	.finish = vmalloc_finish,
};
