// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layout of SLUB's private structures, and its verification.
 *
 * The offsets come from the kernel's BTF. They are believed only after a cache
 * of our own, with a known number of objects, reads right through them, and
 * after every cache of the machine reads the same through them as the kernel
 * itself prints into /proc/slabinfo. Until then everything is read with
 * copy_from_kernel_nofault().
 *
 * Locks: the caller holds slab_mutex (taken by the borrowed ->start()), which
 * keeps the caches and their nodes in place. Inside it, one node's list_lock at
 * a time, irqs off, as in get_slabinfo().
 *
 * Stale: the counters of a node are read one after the other while slabs come
 * and go. slab->inuse of a slab on a partial list changes without the lock, as
 * it does under the kernel's own count_partial(). The per-cpu slabs are read
 * without a lock, as show_slab_objects() does; struct slab is a struct page, so
 * what is read may be old but is always there.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../compat/kfence.h"
#include "../compat/slab.h"
#include "../memdiag.h"
#include "../resolve/btf.h"
#include "../resolve/resolve.h"
#include "slab_layout.h"

/*
 * Slabs of one partial list to look at under its lock, as in the kernel's own
 * count_partial_free_approx(): a list of a million once tripped the watchdog.
 */
#define SLAB_MAX_SCAN		10000

#define SLAB_PROBE_NAME		"memdiag_probe"
#define SLAB_PROBE_SIZE		232
#define SLAB_PROBE_OBJECTS	300
/* A number that others change meanwhile is read so often before giving up. */
#define SLAB_CHECK_TRIES	3

/* How struct kmem_cache_order_objects packs its word; the checks prove it. */
#define SLAB_OO_SHIFT		16
#define SLAB_OO_MASK		((1u << SLAB_OO_SHIFT) - 1)

enum slab_member {
	CACHE_NAME,
	CACHE_LIST,
	CACHE_SIZE,
	CACHE_OBJECT_SIZE,
	CACHE_OO,
	CACHE_MIN,
	CACHE_FLAGS,
	CACHE_REFCOUNT,
	CACHE_CTOR,
	CACHE_ALIGN,
	CACHE_MIN_PARTIAL,
	CACHE_NODE,
	NODE_LIST_LOCK,
	NODE_NR_PARTIAL,
	NODE_PARTIAL,
	NODE_NR_SLABS,
	NODE_TOTAL_OBJECTS,
	SLAB_LIST,
	SLAB_INUSE,
	SLAB_OBJECTS,
	SLAB_NR_REQUIRED,
	/* Depend on the kernel's configuration. */
	CACHE_CPU_SLAB = SLAB_NR_REQUIRED,
	CPU_SLAB,
	CPU_PARTIAL,
	SLAB_SLABS,
	CACHE_CPU_PARTIAL,
	CACHE_CPU_PARTIAL_SLABS,
	SLAB_NR_MEMBERS
};

#define SLAB_MEMBER(_type, _member) { .type = (_type), .member = (_member) }

static struct memdiag_member slab_members[SLAB_NR_MEMBERS] = {
	[CACHE_NAME] = SLAB_MEMBER("kmem_cache", "name"),
	[CACHE_LIST] = SLAB_MEMBER("kmem_cache", "list"),
	[CACHE_SIZE] = SLAB_MEMBER("kmem_cache", "size"),
	[CACHE_OBJECT_SIZE] = SLAB_MEMBER("kmem_cache", "object_size"),
	[CACHE_OO] = SLAB_MEMBER("kmem_cache", "oo"),
	[CACHE_MIN] = SLAB_MEMBER("kmem_cache", "min"),
	[CACHE_FLAGS] = SLAB_MEMBER("kmem_cache", "flags"),
	[CACHE_REFCOUNT] = SLAB_MEMBER("kmem_cache", "refcount"),
	[CACHE_CTOR] = SLAB_MEMBER("kmem_cache", "ctor"),
	[CACHE_ALIGN] = SLAB_MEMBER("kmem_cache", "align"),
	[CACHE_MIN_PARTIAL] = SLAB_MEMBER("kmem_cache", "min_partial"),
	[CACHE_NODE] = SLAB_MEMBER("kmem_cache", "node"),
	[CACHE_CPU_SLAB] = SLAB_MEMBER("kmem_cache", "cpu_slab"),
	[CACHE_CPU_PARTIAL] = SLAB_MEMBER("kmem_cache", "cpu_partial"),
	[CACHE_CPU_PARTIAL_SLABS] = SLAB_MEMBER("kmem_cache", "cpu_partial_slabs"),
	[NODE_LIST_LOCK] = SLAB_MEMBER("kmem_cache_node", "list_lock"),
	[NODE_NR_PARTIAL] = SLAB_MEMBER("kmem_cache_node", "nr_partial"),
	[NODE_PARTIAL] = SLAB_MEMBER("kmem_cache_node", "partial"),
	[NODE_NR_SLABS] = SLAB_MEMBER("kmem_cache_node", "nr_slabs"),
	[NODE_TOTAL_OBJECTS] = SLAB_MEMBER("kmem_cache_node", "total_objects"),
	[SLAB_LIST] = SLAB_MEMBER("slab", "slab_list"),
	[SLAB_INUSE] = SLAB_MEMBER("slab", "inuse"),
	[SLAB_OBJECTS] = SLAB_MEMBER("slab", "objects"),
	[SLAB_SLABS] = SLAB_MEMBER("slab", "slabs"),
	[CPU_SLAB] = SLAB_MEMBER("kmem_cache_cpu", "slab"),
	[CPU_PARTIAL] = SLAB_MEMBER("kmem_cache_cpu", "partial"),
};

/* Width that a member must have to be what we take it for; 0: any number. */
static const u32 slab_bits[SLAB_NR_MEMBERS] = {
	[CACHE_NAME] = BITS_PER_LONG,
	[CACHE_LIST] = sizeof(struct list_head) * BITS_PER_BYTE,
	[CACHE_OO] = 32,
	[CACHE_MIN] = 32,
	[CACHE_CTOR] = BITS_PER_LONG,
	[CACHE_NODE] = MAX_NUMNODES * BITS_PER_LONG,
	[CACHE_CPU_SLAB] = BITS_PER_LONG,
	[NODE_LIST_LOCK] = sizeof(spinlock_t) * BITS_PER_BYTE,
	[NODE_PARTIAL] = sizeof(struct list_head) * BITS_PER_BYTE,
	[NODE_NR_SLABS] = BITS_PER_LONG,
	[NODE_TOTAL_OBJECTS] = BITS_PER_LONG,
	[SLAB_LIST] = sizeof(struct list_head) * BITS_PER_BYTE,
	[CPU_SLAB] = BITS_PER_LONG,
	[CPU_PARTIAL] = BITS_PER_LONG,
};

static const void *slab_at(const void *base, enum slab_member which)
{
	return base + slab_members[which].bit_offset / BITS_PER_BYTE;
}

static const void *slab_base(const void *member, enum slab_member which)
{
	return member - slab_members[which].bit_offset / BITS_PER_BYTE;
}

/* Whole aligned numbers, or bitfields inside one 32-bit word. */
static bool slab_is_whole(const struct memdiag_member *member)
{
	u32 bits = member->bit_size;

	return (bits == 8 || bits == 16 || bits == 32 || bits == 64) &&
	       member->bit_offset % bits == 0;
}

static bool slab_is_readable(const struct memdiag_member *member)
{
	return slab_is_whole(member) ||
	       (member->bit_size && member->bit_size < 32 &&
		member->bit_offset % 32 + member->bit_size <= 32);
}

static u64 slab_bitfield(u32 word, const struct memdiag_member *member)
{
	u32 shift = member->bit_offset % 32;

#ifdef __BIG_ENDIAN
	shift = 32 - shift - member->bit_size;
#endif
	return (word >> shift) & GENMASK(member->bit_size - 1, 0);
}

/*
 * A number of any width. All readers are lockless towards somebody: a torn or
 * old value only makes the record as old.
 */
static u64 slab_get(const void *base, enum slab_member which)
{
	const struct memdiag_member *member = &slab_members[which];
	const void *at = slab_at(base, which);

	if (!slab_is_whole(member)) {
		at = base + member->bit_offset / 32 * sizeof(u32);
		return slab_bitfield(READ_ONCE(*(const u32 *)at), member);
	}
	switch (member->bit_size) {
	case 8: return READ_ONCE(*(const u8 *)at);
	case 16: return READ_ONCE(*(const u16 *)at);
	case 32: return READ_ONCE(*(const u32 *)at);
	default: return READ_ONCE(*(const u64 *)at);
	}
}

/* The same for memory that may turn out not to be what we think it is. */
static int slab_peek(const void *base, enum slab_member which, u64 *value)
{
	union {
		u32 narrow;
		u64 wide;
	} copy;
	u32 bits = slab_members[which].bit_size;

	if ((bits != 32 && bits != 64) ||
	    copy_from_kernel_nofault(&copy, slab_at(base, which), bits / BITS_PER_BYTE))
		return -EFAULT;
	*value = bits == 32 ? copy.narrow : copy.wide;
	return 0;
}

static const void *slab_node(const void *cache, int nid)
{
	const void * const *nodes = slab_at(cache, CACHE_NODE);

	/* Set before the cache is on the list; memory hotplug may add one. */
	return READ_ONCE(nodes[nid]);
}

static u64 slab_count_free(const struct list_head *entry)
{
	const void *slab = slab_base(entry, SLAB_LIST);
	u64 objects = slab_get(slab, SLAB_OBJECTS);
	u64 inuse = slab_get(slab, SLAB_INUSE);

	return objects > inuse ? objects - inuse : 0;
}

/*
 * Free objects on one node's partial list. Returns them, and in @unseen how
 * many slabs were not looked at, for which it scaled the others up.
 */
static u64 slab_node_free(struct memdiag_sink *sink, const void *node,
			  u64 *nr_partial, u64 *unseen)
{
	spinlock_t *lock = (spinlock_t *)slab_at(node, NODE_LIST_LOCK);
	const struct list_head *head = slab_at(node, NODE_PARTIAL);
	const struct list_head *entry;
	unsigned long flags;
	u64 scanned = 0;
	u64 first;
	u64 free = 0;

	*unseen = 0;
	spin_lock_irqsave(lock, flags);
	if (sink)
		memdiag_lock_begin(sink);
	*nr_partial = slab_get(node, NODE_NR_PARTIAL);
	first = *nr_partial > SLAB_MAX_SCAN ? SLAB_MAX_SCAN / 2 : SLAB_MAX_SCAN;
	for (entry = head->next; entry != head && scanned < first;
	     entry = entry->next, scanned++)
		free += slab_count_free(entry);
	if (*nr_partial > SLAB_MAX_SCAN) {
		for (entry = head->prev; entry != head && scanned < SLAB_MAX_SCAN;
		     entry = entry->prev, scanned++)
			free += slab_count_free(entry);
		*unseen = *nr_partial - scanned;
		if (scanned)
			free = div64_u64(free * *nr_partial, scanned);
	}
	if (sink)
		memdiag_lock_end(sink);
	spin_unlock_irqrestore(lock, flags);
	return free;
}

/*
 * At most so many objects that get_slabinfo() counts as in use are free: on a
 * CPU's current slab, whose free objects hang off the CPU, and on its partial
 * list. The first slab of that list counts the slabs of the list.
 */
static u64 slab_cpu_free(const void *cache, u64 objs_per_slab)
{
	void __percpu *cpu_slabs;
	u64 slabs = 0;
	int cpu;

	if (!slab_members[CACHE_CPU_SLAB].found || !slab_members[CPU_SLAB].found)
		return MEMDIAG_ABSENT;
	cpu_slabs = (void __percpu *)(unsigned long)slab_get(cache, CACHE_CPU_SLAB);
	for_each_possible_cpu(cpu) {
		const void *c = per_cpu_ptr(cpu_slabs, cpu);
		const void *partial;
		s32 more;

		if (slab_get(c, CPU_SLAB))
			slabs++;
		if (!slab_members[CPU_PARTIAL].found)
			continue;
		partial = (const void *)(unsigned long)slab_get(c, CPU_PARTIAL);
		if (!partial)
			continue;
		/* The slab may have left the list since: then this is garbage. */
		more = slab_get(partial, SLAB_SLABS);
		slabs += clamp_t(s32, more, 1, SLAB_OO_MASK);
	}
	return slabs * objs_per_slab;
}

/*
 * Memory of all slabs. Under memory pressure SLUB takes slabs of the smallest
 * order instead of the usual one; each has so many objects less, so the number
 * of objects tells how many of them there are.
 */
static u64 slab_bytes(const void *cache, const struct memdiag_slab_line *line)
{
	u32 min = slab_get(cache, CACHE_MIN);
	u64 min_objs = min & SLAB_OO_MASK;
	u64 min_pages = 1ull << (min >> SLAB_OO_SHIFT);
	u64 usual = line->num_slabs * line->objs_per_slab;
	u64 pages = line->num_slabs * line->pages_per_slab;
	u64 small;

	if (usual > line->num_objs && min_objs < line->objs_per_slab) {
		small = div64_u64(usual - line->num_objs, line->objs_per_slab - min_objs);
		pages -= min(small, line->num_slabs) *
			 (line->pages_per_slab - min_pages);
	}
	return pages << PAGE_SHIFT;
}

/**
 * memdiag_slab_cache_read() - read one cache from the kernel's structures
 * @sink: where to account how long a lock was held, or NULL
 * @entry: what the borrowed ->start() or ->next() returned
 * @cache: out: the numbers; its name is valid until ->stop()
 *
 * Context: slab_mutex is held; takes the nodes' list_lock, one at a time.
 */
void memdiag_slab_cache_read(struct memdiag_sink *sink, const void *entry,
			     struct memdiag_slab_cache *cache)
{
	const void *s = slab_base(entry, CACHE_LIST);
	struct memdiag_slab_line *line = &cache->line;
	u32 oo = slab_get(s, CACHE_OO);
	u64 free = 0, unseen_slabs = 0;
	u64 error;
	int nid;

	memset(cache, 0, sizeof(*cache));
	line->name = (const char *)(unsigned long)slab_get(s, CACHE_NAME);
	line->objsize = slab_get(s, CACHE_SIZE);
	line->objs_per_slab = oo & SLAB_OO_MASK;
	line->pages_per_slab = 1ull << (oo >> SLAB_OO_SHIFT);
	for (nid = 0; nid < nr_node_ids; nid++) {
		const void *node = slab_node(s, nid);
		u64 nr_partial, unseen;

		if (!node)
			continue;
		line->num_slabs += slab_get(node, NODE_NR_SLABS);
		line->num_objs += slab_get(node, NODE_TOTAL_OBJECTS);
		free += slab_node_free(sink, node, &nr_partial, &unseen);
		cache->nr_partial += nr_partial;
		unseen_slabs += unseen;
	}
	line->active_objs = line->num_objs - min(free, line->num_objs);

	error = slab_cpu_free(s, line->objs_per_slab);
	if (error != MEMDIAG_ABSENT)
		error = min(error, line->active_objs) +
			unseen_slabs * line->objs_per_slab;
	cache->active_objs_error = error;
	cache->object_size = slab_get(s, CACHE_OBJECT_SIZE);
	cache->bytes = slab_bytes(s, line);
	cache->flags = slab_get(s, CACHE_FLAGS);
	cache->refcount = (s32)slab_get(s, CACHE_REFCOUNT);
	cache->ctor = slab_get(s, CACHE_CTOR);
	cache->align = slab_get(s, CACHE_ALIGN);
	cache->min_partial = slab_get(s, CACHE_MIN_PARTIAL);
	cache->cpu_partial = slab_members[CACHE_CPU_PARTIAL].found ?
			     slab_get(s, CACHE_CPU_PARTIAL) : MEMDIAG_ABSENT;
	cache->cpu_partial_slabs = slab_members[CACHE_CPU_PARTIAL_SLABS].found ?
				   slab_get(s, CACHE_CPU_PARTIAL_SLABS) : MEMDIAG_ABSENT;
}

/* Cut the last number off a text. */
static int slab_cut_number(char *text, u64 *value)
{
	char *number;

	strim(text);
	number = strrchr(text, ' ');
	if (!number || kstrtou64(number + 1, 10, value))
		return -EINVAL;
	*number = '\0';
	return 0;
}

/**
 * memdiag_slab_line_parse() - take a line of /proc/slabinfo apart
 * @text: one line without newline; changed, and the name points into it
 * @line: out: the numbers
 *
 * The name may contain anything, also spaces and colons; so the fixed columns
 * are found from the right.
 *
 * Return: 0, or -EINVAL if it is not such a line.
 */
int memdiag_slab_line_parse(char *text, struct memdiag_slab_line *line)
{
	static const char tunables[] = " : tunables ";
	static const char slabdata[] = " : slabdata ";
	char *at, *rest, *columns = NULL;
	u64 shared_avail, active_slabs;

	for (at = strstr(text, tunables); at; at = strstr(at + 1, tunables))
		columns = at;
	if (!columns)
		return -EINVAL;
	*columns = '\0';
	columns = strstr(columns + 1, slabdata);
	if (!columns)
		return -EINVAL;
	columns += sizeof(slabdata) - 2;
	/* CONFIG_SLAB appends statistics. */
	rest = strstr(columns, " : ");
	if (rest)
		*rest = '\0';
	if (slab_cut_number(columns, &shared_avail) ||
	    slab_cut_number(columns, &line->num_slabs) ||
	    slab_cut_number(columns, &active_slabs) ||
	    slab_cut_number(text, &line->pages_per_slab) ||
	    slab_cut_number(text, &line->objs_per_slab) ||
	    slab_cut_number(text, &line->objsize) ||
	    slab_cut_number(text, &line->num_objs) ||
	    slab_cut_number(text, &line->active_objs))
		return -EINVAL;
	/* What is left is the name, padded to its column. */
	for (at = text + strlen(text); at > text && at[-1] == ' '; at--)
		at[-1] = '\0';
	line->name = text;
	return 0;
}

/**
 * memdiag_slab_line_show() - let the kernel print one cache, and parse that
 * @m: prepared by memdiag_ops_seq()
 * @entry: what the borrowed ->start() or ->next() returned
 * @line: out: the numbers; its name is valid until the next call
 *
 * Context: slab_mutex is held.
 *
 * Return: 0, -EINVAL if the line was not understood, -E2BIG if it is too long.
 */
int memdiag_slab_line_show(struct seq_file *m, void *entry,
			   struct memdiag_slab_line *line)
{
	char *text;

	m->count = 0;
	if (m->op->show(m, entry))
		return -EINVAL;
	if (seq_has_overflowed(m))
		return -E2BIG;
	m->buf[m->count] = '\0';
	if (m->count && m->buf[m->count - 1] == '\n')
		m->buf[m->count - 1] = '\0';
	/* The first cache brings the two head lines with it. */
	text = strrchr(m->buf, '\n');
	return memdiag_slab_line_parse(text ? text + 1 : m->buf, line);
}

/* A member behind the end of its struct would be a read of somebody else's memory. */
static bool slab_is_inside(const struct memdiag_btf *btf, const struct memdiag_member *member)
{
	u64 end = (u64)member->bit_offset + member->bit_size;

	return end <= (u64)memdiag_btf_size(btf, member->type) * BITS_PER_BYTE;
}

/* Is the layout complete, and of the widths we read? */
static int slab_layout_load(void)
{
	struct memdiag_btf *btf = memdiag_btf_load();
	enum slab_member i;

	if (IS_ERR(btf)) {
		memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct kmem_cache",
				     MEMDIAG_SRC_NONE, PTR_ERR(btf), "no BTF");
		return PTR_ERR(btf);
	}
	memdiag_btf_members(btf, slab_members, SLAB_NR_MEMBERS);
	for (i = 0; i < SLAB_NR_MEMBERS; i++)
		if (!slab_is_inside(btf, &slab_members[i]))
			slab_members[i].found = false;
	memdiag_btf_free(btf);

	for (i = 0; i < SLAB_NR_MEMBERS; i++) {
		struct memdiag_member *member = &slab_members[i];
		bool fits = member->bit_offset % BITS_PER_BYTE == 0 &&
			    member->bit_size == slab_bits[i];

		if (!slab_bits[i])
			fits = slab_is_readable(member);
		if (member->found && fits)
			continue;
		if (i >= SLAB_NR_REQUIRED && !member->found)
			continue;
		memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct kmem_cache",
				     MEMDIAG_SRC_NONE, -ENOENT, "%s.%s %s",
				     member->type, member->member, member->found ?
				     "is not of the width expected" : "is not in BTF");
		return -ENOENT;
	}
	/* The one is only of use with the other. */
	if (!slab_members[SLAB_SLABS].found)
		slab_members[CPU_PARTIAL].found = false;
	memdiag_resolve_note(MEMDIAG_ITEM_LAYOUT, "struct kmem_cache",
			     MEMDIAG_SRC_BTF, 0,
			     "name at %u, list at %u, node at %u",
			     slab_members[CACHE_NAME].bit_offset / BITS_PER_BYTE,
			     slab_members[CACHE_LIST].bit_offset / BITS_PER_BYTE,
			     slab_members[CACHE_NODE].bit_offset / BITS_PER_BYTE);
	return 0;
}

/* A constructor keeps the cache from being merged with another. */
static noinline void slab_probe_ctor(void *object)
{
	memset(object, 0, SLAB_PROBE_SIZE);
}

/* Our own cache through the layout, before the layout is trusted with more. */
static const char *slab_check_probe(const struct kmem_cache *probe)
{
	char name[sizeof(SLAB_PROBE_NAME)];
	u64 value;
	int nid;

	if (slab_peek(probe, CACHE_NAME, &value) ||
	    copy_from_kernel_nofault(name, (void *)(unsigned long)value, sizeof(name)) ||
	    memcmp(name, SLAB_PROBE_NAME, sizeof(name)))
		return "name";
	if (slab_peek(probe, CACHE_OBJECT_SIZE, &value) || value != SLAB_PROBE_SIZE)
		return "object_size";
	/* With red zones and tracks of the debugging options, but no more. */
	if (slab_peek(probe, CACHE_SIZE, &value) || value < SLAB_PROBE_SIZE ||
	    value > SLAB_PROBE_SIZE + SZ_1K)
		return "size";
	if (slab_peek(probe, CACHE_CTOR, &value) ||
	    value != (unsigned long)slab_probe_ctor)
		return "ctor";
	/* One user, or the mark of a cache that is never merged. */
	if (slab_peek(probe, CACHE_REFCOUNT, &value) ||
	    ((s32)value != 1 && (s32)value != -1))
		return "refcount";
	if (slab_peek(probe, CACHE_FLAGS, &value) ||
	    !(value & (u64 __force)SLAB_HWCACHE_ALIGN))
		return "flags";

	for (nid = 0; nid < nr_node_ids; nid++) {
		const void *at = slab_at(probe, CACHE_NODE) + nid * sizeof(void *);
		struct list_head head, next;
		const void *node, *partial;

		if (copy_from_kernel_nofault(&node, at, sizeof(node)))
			return "node";
		if (!node)
			continue;
		partial = slab_at(node, NODE_PARTIAL);
		if (slab_peek(node, NODE_NR_SLABS, &value) || value > SLAB_PROBE_OBJECTS)
			return "nr_slabs";
		/* Nobody else uses the cache, so the list holds still. */
		if (copy_from_kernel_nofault(&head, partial, sizeof(head)) ||
		    copy_from_kernel_nofault(&next, head.next, sizeof(next)) ||
		    next.prev != partial)
			return "partial";
	}
	return NULL;
}

/*
 * What the probe must read as, whatever slabinfo says. KASAN keeps freed
 * objects for a while, so they still count as in use there.
 */
static const char *slab_check_numbers(const struct memdiag_slab_cache *cache,
				      u64 left)
{
	u64 most = IS_ENABLED(CONFIG_KASAN) ? SLAB_PROBE_OBJECTS : left;

	if (cache->line.active_objs < left || cache->line.active_objs > most)
		return "active_objs of a known cache";
	if (!IS_ENABLED(CONFIG_KASAN) && cache->active_objs_error &&
	    cache->active_objs_error != MEMDIAG_ABSENT)
		return "cpu_slab of a known cache";
	return NULL;
}

/*
 * Does a cache read as slabinfo prints it? Returns the first column that does
 * not. *@moved says that it is one that may just have changed.
 */
static const char *slab_compare(const struct memdiag_slab_line *a,
				const struct memdiag_slab_line *b, bool *moved)
{
	*moved = false;
	if (strncmp(a->name, b->name, strlen(b->name)))
		return "name";
	if (a->objsize != b->objsize)
		return "objsize";
	if (a->objs_per_slab != b->objs_per_slab)
		return "objperslab";
	if (a->pages_per_slab != b->pages_per_slab)
		return "pagesperslab";
	*moved = true;
	if (a->num_objs != b->num_objs)
		return "num_objs";
	if (a->num_slabs != b->num_slabs)
		return "num_slabs";
	if (a->active_objs != b->active_objs)
		return "active_objs";
	return NULL;
}

/* One cache against its line; one that keeps moving adds to *@busy. */
static const char *slab_check_cache(struct seq_file *m, void *entry,
				    struct memdiag_slab_cache *cache,
				    unsigned int *busy)
{
	struct memdiag_slab_line line;
	const char *wrong;
	unsigned int i;
	bool moved;

	for (i = 0; i < SLAB_CHECK_TRIES; i++) {
		memdiag_slab_cache_read(NULL, entry, cache);
		/*
		 * Before 6.12 the kernel itself walks such a list to its end, and
		 * our own number is an estimate: nothing to compare.
		 */
		if (cache->nr_partial > SLAB_MAX_SCAN)
			return NULL;
		if (memdiag_slab_line_show(m, entry, &line))
			return "line of slabinfo";
		wrong = slab_compare(&cache->line, &line, &moved);
		if (!wrong)
			return NULL;
		if (!moved)
			return wrong;
	}
	++*busy;
	return NULL;
}

static const char *slab_check_all(const struct memdiag_ops *ops,
				  const struct kmem_cache *probe, u64 left)
{
	const void *probe_entry = slab_at(probe, CACHE_LIST);
	const char *wrong = "list: own cache not on it";
	unsigned int seen = 0, busy = 0;
	struct seq_file m;
	loff_t pos = 0;
	void *entry;

	/* First only look for our own, without following anything. */
	memdiag_ops_seq(ops, &m);
	entry = ops->op->start(&m, &pos);
	for (; entry; entry = ops->op->next(&m, entry, &pos))
		if (entry == probe_entry)
			wrong = slab_check_probe(probe);
	ops->op->stop(&m, entry);
	if (wrong)
		return wrong;

	pos = 0;
	entry = ops->op->start(&m, &pos);
	for (; entry && !wrong; entry = ops->op->next(&m, entry, &pos)) {
		struct memdiag_slab_cache cache;
		unsigned int was_busy = busy;

		wrong = slab_check_cache(&m, entry, &cache, &busy);
		seen++;
		if (entry == probe_entry && !wrong)
			wrong = busy > was_busy ? "numbers of a known cache" :
				slab_check_numbers(&cache, left);
		cond_resched();
	}
	ops->op->stop(&m, entry);
	if (!wrong && busy > seen / 8 + 2)
		wrong = "too many numbers";
	if (!wrong)
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "slab", MEMDIAG_SRC_BTF, 0,
				     "own cache and %u others read as slabinfo prints them, %u moving",
				     seen - 1, busy);
	return wrong;
}

/* Fill several slabs, then make holes in them. */
static const char *slab_check(const struct memdiag_ops *ops,
			      struct kmem_cache *probe, void **objects)
{
	const char *wrong = "no memory for own cache";
	unsigned int i;
	u64 left = 0;

	for (i = 0; i < SLAB_PROBE_OBJECTS; i++) {
		objects[i] = kmem_cache_alloc(probe, GFP_KERNEL);
		if (!objects[i])
			goto free;
		/* KFENCE puts an object now and then where no slab counts it. */
		if (i % 3 && !is_kfence_address(objects[i]))
			left++;
	}
	for (i = 0; i < SLAB_PROBE_OBJECTS; i += 3) {
		kmem_cache_free(probe, objects[i]);
		objects[i] = NULL;
	}
	/* All CPUs' slabs go back to the nodes, where they are counted exactly. */
	kmem_cache_shrink(probe);
	wrong = slab_check_all(ops, probe, left);
free:
	for (i = 0; i < SLAB_PROBE_OBJECTS; i++)
		if (objects[i])
			kmem_cache_free(probe, objects[i]);
	return wrong;
}

/**
 * memdiag_slab_layout_init() - find the layout of the caches and verify it
 * @ops: operations borrowed from /proc/slabinfo
 *
 * Leaves a line for the layout and one for the check in the resolve section.
 *
 * Context: may sleep; takes slab_mutex.
 *
 * Return: 0 if memdiag_slab_cache_read() may be used; -ENOENT if the layout is
 * not known, -EINVAL if it was not confirmed, -ENOMEM, or as memdiag_btf_load().
 */
int memdiag_slab_layout_init(const struct memdiag_ops *ops)
{
	struct kmem_cache *probe;
	const char *wrong;
	void **objects;
	int error;

	error = slab_layout_load();
	if (error)
		return error;
	objects = kcalloc(SLAB_PROBE_OBJECTS, sizeof(*objects), GFP_KERNEL);
	if (!objects)
		return -ENOMEM;
	probe = kmem_cache_create(SLAB_PROBE_NAME, SLAB_PROBE_SIZE, 0,
				  SLAB_HWCACHE_ALIGN | SLAB_NO_MERGE,
				  slab_probe_ctor);
	if (!probe) {
		kfree(objects);
		return -ENOMEM;
	}
	wrong = slab_check(ops, probe, objects);
	kmem_cache_destroy(probe);
	kfree(objects);
	if (!wrong)
		return 0;
	memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "slab", MEMDIAG_SRC_NONE, -EINVAL,
			     "%s reads otherwise than slabinfo prints it", wrong);
	return -EINVAL;
}
