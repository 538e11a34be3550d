// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section vmalloc: one record per area of the vmalloc address space.
 *
 * Up to v6.8 all areas stand in one list and one tree, both sorted by address,
 * and the borrowed ->start() of /proc/vmallocinfo takes the mutex
 * vmap_purge_lock and the spinlock vmap_area_lock and returns the first area;
 * its structures are in public headers. Between ->start() and ->stop() nothing
 * may sleep and nothing is formatted: raw words are pushed, .finish makes text
 * of them.
 *
 * One hold takes at most VMALLOC_HOLD areas. The next one begins at the first
 * area whose address is above the last one reported. It is found in the tree:
 * from the first area's node up to the root, then down, in O(log n); no position
 * in the list is kept, so it does not matter what came or went meanwhile. An
 * area never moves, and addresses only go up: so an area that was there all the
 * time is reported exactly once, and none twice. One that came or went during
 * the walk may or may not be there.
 *
 * Areas freed lazily ("unpurged") are in another list and tree under the
 * spinlock purge_vmap_area_lock, whose addresses come from the symbol table. It
 * is taken inside the two others, as show_purge_info() does, but only tried: if
 * it is not to be had the section is partial. An area on its way from the first
 * list to the second is in neither.
 *
 * From v6.9 on the areas are spread over nodes, and the file is printed by one
 * ->show() under each node's lock: then its text is read (vmalloc_text.c).
 *
 * As in the kernel's own reader a vm_struct may be half filled in
 * (VM_UNINITIALIZED), and an area without one is a vm_map_ram() block or about
 * to be freed.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
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

#include "../compat/vmalloc.h"
#include "../memdiag.h"
#include "../resolve/resolve.h"
#include "vmalloc.h"

/* Most areas in one hold of a spinlock. */
#define VMALLOC_HOLD	512
/* Room at the first try. */
#define VMALLOC_GUESS	1024
/* A tree of depth 2 * log2(n + 1) cannot be higher. */
#define VMALLOC_DEPTH	(2 * BITS_PER_LONG)
/* How often a lock is tried that is not waited for. */
#define VMALLOC_TRIES	100

static const struct memdiag_field_desc vmalloc_fields[] = {
	MEMDIAG_FIELD(struct vmalloc_record, id, "id", HEX, NONE, LABEL,
		      MEMDIAG_FIELD_KEY,
		      "hash of the start address as the asker may see it; the same until reboot"),
	MEMDIAG_FIELD(struct vmalloc_record, kind, "kind", STR, NONE, LABEL,
		      MEMDIAG_FIELD_KEY | MEMDIAG_FIELD_BRIEF,
		      "word of flags, vm_map_ram, unpurged (freed lazily), module, executable (bpf and others), other"),
	MEMDIAG_FIELD(struct vmalloc_record, size, "size", U64, BYTES, GAUGE,
		      MEMDIAG_FIELD_BRIEF, "address space taken, with the guard page"),
	MEMDIAG_FIELD(struct vmalloc_record, nr_pages, "nr_pages", U64, PAGES, GAUGE,
		      MEMDIAG_FIELD_BRIEF, "pages of memory that belong to the area"),
	MEMDIAG_FIELD(struct vmalloc_record, caller, "caller", STR, NONE, LABEL,
		      MEMDIAG_FIELD_BRIEF, "who asked for the area"),
	MEMDIAG_FIELD(struct vmalloc_record, module, "module", STR, NONE, LABEL,
		      MEMDIAG_FIELD_BRIEF,
		      "module that asked for it or is loaded in it; absent for the kernel or if not known"),
	MEMDIAG_FIELD(struct vmalloc_record, flags, "flags", STR, NONE, LABEL, 0,
		      "words of /proc/vmallocinfo: ioremap sparse vmalloc vmap user dma-coherent vpages"),
	MEMDIAG_FIELD(struct vmalloc_record, start, "start", HEX, NONE, LABEL, 0,
		      "first address; absent unless kptr_restrict and CAP_SYSLOG let %pK show it"),
	MEMDIAG_FIELD(struct vmalloc_record, end, "end", HEX, NONE, LABEL, 0,
		      "address behind the last; absent like start"),
	MEMDIAG_FIELD(struct vmalloc_record, phys_addr, "phys_addr", HEX, NONE, LABEL, 0,
		      "physical address that is mapped; absent if there is no such single one"),
};

static struct memdiag_ops vmalloc_ops;
/* The areas themselves are walked, otherwise the text is read. */
static bool vmalloc_by_ops;
/* Lazily freed areas; NULL if they cannot be reached. */
static struct list_head *vmalloc_purge_list;
static spinlock_t *vmalloc_purge_lock;

/*
 * The first area with an address above @after, in the tree that @any is in; NULL
 * if there is none. Under the lock of the tree.
 */
static struct vmap_area *vmalloc_above(struct vmap_area *any, unsigned long after)
{
	struct vmap_area *va, *found = NULL;
	struct rb_node *node = &any->rb_node;
	unsigned int depth;

	for (depth = 0; rb_parent(node) && depth < VMALLOC_DEPTH; depth++)
		node = rb_parent(node);
	for (depth = 0; node && depth < VMALLOC_DEPTH; depth++) {
		va = rb_entry(node, struct vmap_area, rb_node);
		if (va->va_start > after) {
			found = va;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static u64 vmalloc_flags(const struct vm_struct *vm)
{
	unsigned long flags = READ_ONCE(vm->flags);

	return (flags & VM_IOREMAP ? AREA_IOREMAP : 0) |
	       (flags & VM_SPARSE ? AREA_SPARSE : 0) |
	       (flags & VM_ALLOC ? AREA_VMALLOC : 0) |
	       (flags & VM_MAP ? AREA_VMAP : 0) |
	       (flags & VM_USERMAP ? AREA_USER : 0) |
	       (flags & VM_DMA_COHERENT ? AREA_DMA_COHERENT : 0) |
	       (is_vmalloc_addr(READ_ONCE(vm->pages)) ? AREA_VPAGES : 0);
}

/* Under the lock of the tree that @va is in: only reads and pushes. */
static bool vmalloc_push(struct memdiag_sink *sink, const struct vmap_area *va, u64 without_vm)
{
	const struct vm_struct *vm = without_vm == AREA_UNPURGED ? NULL : va->vm;
	struct vmalloc_record *record = memdiag_push(sink);

	if (!record)
		return false;
	if (!vm) {
		record->start = va->va_start;
		record->size = va->va_end - va->va_start;
		record->flags = without_vm;
		return true;
	}
	/*
	 * The vm_struct cannot go away under the lock, but whoever allocates the
	 * area fills it in without: each of these is one word.
	 */
	record->start = (unsigned long)READ_ONCE(vm->addr);
	record->size = READ_ONCE(vm->size);
	record->nr_pages = READ_ONCE(vm->nr_pages);
	record->flags = vmalloc_flags(vm);
	if (vm->caller)
		record->caller = (unsigned long)vm->caller;
	if (vm->phys_addr)
		record->phys_addr = vm->phys_addr;
	return true;
}

static int vmalloc_collect_busy(struct memdiag_sink *sink)
{
	unsigned long after = 0;
	struct vmap_area *va;
	struct seq_file m;
	unsigned int n;
	loff_t pos;
	void *p;
	bool full = false;

	memdiag_ops_seq(&vmalloc_ops, &m);
	do {
		pos = 0;
		p = m.op->start(&m, &pos);
		memdiag_lock_begin(sink);
		va = p ? vmalloc_above(list_entry(p, struct vmap_area, list), after) : NULL;
		for (n = 0; va && !full && n < VMALLOC_HOLD; n++) {
			full = !vmalloc_push(sink, va, AREA_VM_MAP_RAM);
			after = va->va_start;
			p = m.op->next(&m, &va->list, &pos);
			va = p ? list_entry(p, struct vmap_area, list) : NULL;
		}
		memdiag_lock_end(sink);
		m.op->stop(&m, p);
		if (full)
			return -ENOSPC;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (va);
	return 0;
}

/*
 * One hold on the lazily freed areas above @after. The address of their lock
 * comes from a symbol: should it not be a lock after all, we had better not wait
 * for it, and not spin under the locks that ->start() took either. Returns 0 at
 * the end of the list, 1 if there is more, -EAGAIN if the lock was busy.
 */
static int vmalloc_hold_purge(struct memdiag_sink *sink, unsigned long *after)
{
	struct vmap_area *va;
	struct seq_file m;
	unsigned int n;
	loff_t pos = 0;
	int ret = 0;
	void *p;

	memdiag_ops_seq(&vmalloc_ops, &m);
	p = m.op->start(&m, &pos);
	memdiag_lock_begin(sink);
	if (!spin_trylock(vmalloc_purge_lock)) {
		ret = -EAGAIN;
		goto stop;
	}
	va = list_first_entry_or_null(vmalloc_purge_list, struct vmap_area, list);
	if (va)
		va = vmalloc_above(va, *after);
	for (n = 0; va && !ret; n++) {
		if (n == VMALLOC_HOLD) {
			ret = 1;
		} else if (!vmalloc_push(sink, va, AREA_UNPURGED)) {
			ret = -ENOSPC;
		} else {
			*after = va->va_start;
			va = list_is_last(&va->list, vmalloc_purge_list) ? NULL :
			     list_next_entry(va, list);
		}
	}
	spin_unlock(vmalloc_purge_lock);
stop:
	memdiag_lock_end(sink);
	m.op->stop(&m, p);
	return ret;
}

static int vmalloc_collect_purge(struct memdiag_sink *sink)
{
	unsigned long after = 0;
	unsigned int busy = 0;
	int ret;

	do {
		ret = vmalloc_hold_purge(sink, &after);
		if (ret == -EAGAIN && ++busy == VMALLOC_TRIES) {
			memdiag_mark_partial(sink, "not all unpurged areas seen: their lock was busy");
			return 0;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (ret == 1 || ret == -EAGAIN);
	return ret;
}

static u64 vmalloc_push_caller_module(struct memdiag_sink *sink, char *caller)
{
	char *open = strrchr(caller, '['), *end;

	if (!open)
		return MEMDIAG_ABSENT;
	/* A build id may stand behind the name. */
	end = strpbrk(open, " ]");
	if (end)
		*end = '\0';
	return memdiag_push_string(sink, open + 1);
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
	int error;

	if (!vmalloc_by_ops) {
		memdiag_lock_unknown(sink);
		return memdiag_vmalloc_read_lines(vmalloc_push_line, sink);
	}
	error = vmalloc_collect_busy(sink);
	if (!error && vmalloc_purge_list)
		error = vmalloc_collect_purge(sink);
	return error;
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

	snprintf(text, sizeof(text), "%pK", &vmalloc_ops);
	return !kstrtoul(text, 16, &shown) && shown == (unsigned long)&vmalloc_ops;
}

/*
 * The module loaded in an area. kallsyms names an address in a module by the
 * nearest symbol below it, so the last byte is the one that is sure to have one,
 * unless the area is larger than what the module needs of it.
 */
static u64 vmalloc_owner(struct memdiag_sink *sink, const struct vmalloc_record *record)
{
	unsigned long last = record->start + record->size - PAGE_SIZE - 1;
	u64 owner;

	if (record->size <= PAGE_SIZE)
		return MEMDIAG_ABSENT;
	owner = memdiag_push_symbol_module(sink, last);
	if (owner == MEMDIAG_ABSENT)
		owner = memdiag_push_symbol_module(sink, record->start + PAGE_SIZE - 1);
	return owner;
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
		slot->caller = memdiag_push_symbol(sink, address);
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
	bool raw = vmalloc_by_ops || see;
	unsigned int flags = record->flags;
	const struct vmalloc_symbol *symbol;
	const char *kind = NULL;
	bool loader = false;
	u64 owner;

	if (vmalloc_by_ops && record->caller != MEMDIAG_ABSENT) {
		symbol = vmalloc_symbol(sink, cache, record->caller);
		record->caller = symbol->caller;
		record->module = symbol->module;
		loader = symbol->loader;
	} else if (record->caller != MEMDIAG_ABSENT) {
		loader = vmalloc_by_loader(sink, record->caller);
	}
	if (raw && !(record->flags & AREA_UNPURGED) && memdiag_is_module_address(record->start)) {
		owner = vmalloc_owner(sink, record);
		kind = owner == MEMDIAG_ABSENT ? "executable" : "module";
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

	if (!vmalloc_by_ops && !see)
		memdiag_mark_partial(sink, "addresses are not to be seen (kernel.kptr_restrict): which module an area holds is not known");
	cache = kvzalloc(sizeof(*cache), GFP_KERNEL);
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
	kvfree(cache);
	return i < sink->nr_records ? -EINTR : 0;
}

static unsigned int vmalloc_estimate(void)
{
	unsigned int last = READ_ONCE(memdiag_status(MEMDIAG_SEC_VMALLOC)->last_records);

	return max_t(unsigned int, last + last / 8, VMALLOC_GUESS);
}

/* Pages of the area that is made to be found again; unlikely in any other. */
#define PROBE_PAGES	37
/* Most lazily freed areas among which it is looked for. */
#define VMALLOC_MAX_PROBE	16384

/*
 * Whether the walk leads where it should, with an area of our own at @probe:
 * start() gives the first entry of a list of struct vmap_area that are also in a
 * tree, and ours is found in it with all that we know of it.
 */
static int vmalloc_check_busy(struct seq_file *m, const void *probe, const char **why)
{
	struct vmap_area *first, *va, copy;
	const struct vm_struct *vm;
	int error = -EINVAL;
	loff_t pos = 0;
	void *p;

	p = m->op->start(m, &pos);
	if (p == SEQ_START_TOKEN || !p) {
		*why = "not a list: the file is printed as a whole";
		error = -EOPNOTSUPP;
		goto stop;
	}
	first = list_entry(p, struct vmap_area, list);
	*why = "not a list of areas";
	/* Not yet trusted: look before following pointers of it. */
	if (copy_from_kernel_nofault(&copy, first, sizeof(copy)) ||
	    copy.va_start >= copy.va_end || !PAGE_ALIGNED(copy.va_start) ||
	    !PAGE_ALIGNED(copy.va_end) ||
	    copy_from_kernel_nofault(&copy.list, copy.list.next, sizeof(copy.list)) ||
	    copy.list.prev != &first->list)
		goto stop;
	*why = "the tree does not match the list";
	if (vmalloc_above(first, 0) != first)
		goto stop;
	*why = "own area not found, or not with its size, pages and caller";
	va = vmalloc_above(first, (unsigned long)probe - 1);
	vm = va && va->va_start == (unsigned long)probe ? va->vm : NULL;
	if (vm && vm->addr == probe && vm->size == (PROBE_PAGES + 1) * PAGE_SIZE &&
	    vm->nr_pages == PROBE_PAGES && vmalloc_flags(vm) == AREA_VMALLOC &&
	    within_module((unsigned long)vm->caller, THIS_MODULE))
		error = 0;
stop:
	m->op->stop(m, p);
	return error;
}

/* Whether @address is in an area with a vm_struct: it must not be after vfree(). */
static bool vmalloc_is_busy(struct seq_file *m, unsigned long address)
{
	struct vmap_area *va = NULL;
	loff_t pos = 0;
	void *p;
	bool busy;

	p = m->op->start(m, &pos);
	if (p)
		va = vmalloc_above(list_entry(p, struct vmap_area, list), address - 1);
	busy = va && va->va_start == address && va->vm &&
	       within_module((unsigned long)va->vm->caller, THIS_MODULE);
	m->op->stop(m, p);
	return busy;
}

/* Whether @address is in a lazily freed area; these are merged with neighbours. */
static bool vmalloc_purge_list_has(unsigned long address)
{
	struct vmap_area *va;
	unsigned int n = 0;

	list_for_each_entry(va, vmalloc_purge_list, list) {
		if (va->va_start <= address && address < va->va_end)
			return true;
		if (++n > VMALLOC_MAX_PROBE)
			break;
	}
	return false;
}

static bool vmalloc_is_unpurged(struct seq_file *m, unsigned long address)
{
	loff_t pos = 0;
	bool found;
	void *p;

	p = m->op->start(m, &pos);
	if (!spin_trylock(vmalloc_purge_lock)) {
		m->op->stop(m, p);
		return false;
	}
	found = vmalloc_purge_list_has(address);
	spin_unlock(vmalloc_purge_lock);
	m->op->stop(m, p);
	return found;
}

static void *vmalloc_probe(void)
{
	return vmalloc(PROBE_PAGES * PAGE_SIZE - 1);
}

static int vmalloc_check_ops(const char **why)
{
	struct seq_file m;
	void *probe;
	int error;

	probe = vmalloc_probe();
	if (!probe) {
		*why = "no memory";
		return -ENOMEM;
	}
	memdiag_ops_seq(&vmalloc_ops, &m);
	error = vmalloc_check_busy(&m, probe, why);
	vfree(probe);
	if (!error && vmalloc_is_busy(&m, (unsigned long)probe)) {
		*why = "own area still there after vfree()";
		error = -EINVAL;
	}
	return error;
}

/* A list head that is one: its neighbours point back to it. */
static bool vmalloc_is_list(struct list_head *head)
{
	struct list_head copy, next, prev;

	return !copy_from_kernel_nofault(&copy, head, sizeof(copy)) &&
	       !copy_from_kernel_nofault(&next, copy.next, sizeof(next)) &&
	       !copy_from_kernel_nofault(&prev, copy.prev, sizeof(prev)) &&
	       next.prev == head && prev.next == head;
}

/*
 * Find the lazily freed areas: an area of ours, once freed, must turn up there.
 * A purge may come in between, therefore several tries.
 */
static void vmalloc_find_purge(void)
{
	struct seq_file m;
	unsigned int tries;
	void *probe;

	vmalloc_purge_list = (void *)memdiag_resolve_data("purge_vmap_area_list");
	vmalloc_purge_lock = (void *)memdiag_resolve_data("purge_vmap_area_lock");
	if (!vmalloc_purge_list || !vmalloc_purge_lock)
		goto none;
	memdiag_ops_seq(&vmalloc_ops, &m);
	for (tries = 0; tries < 5; tries++) {
		if (!vmalloc_is_list(vmalloc_purge_list))
			continue;
		probe = vmalloc_probe();
		if (!probe)
			break;
		vfree(probe);
		if (vmalloc_is_unpurged(&m, (unsigned long)probe)) {
			memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmalloc unpurged areas",
					     MEMDIAG_SRC_SYMBOL, 0,
					     "own freed area found in the list");
			return;
		}
	}
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmalloc unpurged areas",
			     MEMDIAG_SRC_SYMBOL, -EINVAL,
			     "own freed area not found in the list");
none:
	vmalloc_purge_list = NULL;
	vmalloc_purge_lock = NULL;
}

static int vmalloc_is_probe(struct vmalloc_line *line, void *arg)
{
	return line->size == (PROBE_PAGES + 1) * PAGE_SIZE && line->nr_pages == PROBE_PAGES &&
	       line->flags == AREA_VMALLOC && strstr(line->caller, "[" KBUILD_MODNAME);
}

static int vmalloc_check_text(void)
{
	void *probe = vmalloc_probe();
	int ret;

	if (!probe)
		return -ENOMEM;
	ret = memdiag_vmalloc_read_lines(vmalloc_is_probe, NULL);
	vfree(probe);
	if (ret < 0)
		return ret;
	return ret ? 0 : -EINVAL;
}

static void vmalloc_provider_init(struct memdiag_status *status)
{
	const char *why = "";
	int error;

	vmalloc_make_key();
	if (!memdiag_ops_open(&vmalloc_ops, VMALLOC_PATH)) {
		error = vmalloc_check_ops(&why);
		vmalloc_by_ops = !error;
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "vmalloc areas", MEMDIAG_SRC_OPS,
				     error, "%s", error ? why :
				     "own area found by its address, size, pages and caller, and gone when freed");
		if (error)
			memdiag_ops_close(&vmalloc_ops);
	}
	if (vmalloc_by_ops) {
		vmalloc_find_purge();
		if (vmalloc_purge_list)
			memdiag_set_ok(status, MEMDIAG_SRC_OPS);
		else
			memdiag_set_partial(status, MEMDIAG_SRC_OPS,
					    "unpurged areas cannot be seen");
		return;
	}

	error = memdiag_vmalloc_text_init();
	if (!error)
		error = vmalloc_check_text();
	memdiag_resolve_note(MEMDIAG_ITEM_FILE, VMALLOC_PATH, MEMDIAG_SRC_TEXT, error,
			     error == -EINVAL ? "own area not found in it" : error ? "cannot be read" :
			     "own area found by its size, pages and caller");
	if (error)
		memdiag_set_unavailable(status, error, VMALLOC_PATH " not understood: %pe",
					ERR_PTR(error));
	else
		memdiag_set_ok(status, MEMDIAG_SRC_TEXT);
}

static void vmalloc_provider_exit(struct memdiag_status *status)
{
	memdiag_vmalloc_text_exit();
	memdiag_ops_close(&vmalloc_ops);
}

const struct memdiag_provider memdiag_vmalloc_provider = {
	.id = MEMDIAG_SEC_VMALLOC,
	.name = "vmalloc",
	.help = "per area of the vmalloc address space: who asked for it, how large, of what kind",
	.fields = vmalloc_fields,
	.nr_fields = ARRAY_SIZE(vmalloc_fields),
	.record_size = sizeof(struct vmalloc_record),
	.init = vmalloc_provider_init,
	.exit = vmalloc_provider_exit,
	.estimate = vmalloc_estimate,
	.collect = vmalloc_collect,
	.finish = vmalloc_finish,
};
