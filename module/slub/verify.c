// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the layout of SLUB's structures right?
 *
 * A cache of our own, whose objects nobody else touches, with a known number of
 * them and with holes: every member must read as what we know of it, first while
 * free objects hang off the CPUs, then when all have gone back to the nodes.
 * Until that is seen, everything is read so that it may fault. Where there is a
 * list of caches, each cache of the machine must then read as the kernel itself
 * prints it into /proc/slabinfo.
 *
 * Locks: slab_mutex by the borrowed ->start(), and what cache.c takes.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
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
#include "../compat/spinlock.h"
#include "../memdiag.h"
#include "slub.h"

#define PROBE_NAME	"memdiag_probe"
#define PROBE_SIZE	232
#define PROBE_ALIGN	256
#define PROBE_OBJECTS	300
#define PROBE_FLAGS	(SLAB_HWCACHE_ALIGN | SLAB_NO_MERGE | SLAB_NO_USER_FLAGS)

/* A number that others change meanwhile is read so often before giving up. */
#define SLAB_CHECK_TRIES	3

/* What our own objects say of their slabs. */
struct slab_facts {
	/* Objects in use, slabs, and objects in these. */
	u64 left;
	u64 slabs;
	u64 objects;
	unsigned int frozen;
	unsigned int marked;
	/* One of the slabs. */
	struct memdiag_slab_page slab;
};

/* Slabs that CPUs hold, and those that turned out to be none. */
struct slab_tally {
	unsigned int slabs;
	unsigned int partials;
	unsigned int bad;
};

/* A constructor keeps the cache from being merged with another. */
static noinline void slab_probe_ctor(void *object)
{
	memset(object, 0, PROBE_SIZE);
}

/* As many objects as fit in so many pages? */
static bool __init slab_is_full_order(u64 oo, u64 size)
{
	u64 order = oo >> MEMDIAG_SLAB_OO_SHIFT;

	return order < 16 && size &&
	       (oo & MEMDIAG_SLAB_OO_MASK) == (PAGE_SIZE << order) / (unsigned long)size;
}

/* How many objects a CPU keeps; what depends on what. */
static const char *__init slab_check_cpu_partial(const struct kmem_cache *probe, u64 oo)
{
	u64 objects, slabs;

	if (!memdiag_slab_has(CACHE_CPU_PARTIAL))
		return NULL;
	if (memdiag_slab_peek(probe, CACHE_CPU_PARTIAL, &objects))
		return "cpu_partial";
	if (memdiag_slab_has(CACHE_CPU_PARTIAL_SLABS)) {
		if (memdiag_slab_peek(probe, CACHE_CPU_PARTIAL_SLABS, &slabs) ||
		    slabs != DIV_ROUND_UP_ULL(objects * 2, oo & MEMDIAG_SLAB_OO_MASK))
			return "cpu_partial_slabs";
	} else if (objects && objects != 13) {
		/* 5.10: set_cpu_partial(), for objects of 256 bytes and more */
		return "cpu_partial";
	}
	return NULL;
}

/* Our own cache through the layout, before the layout is trusted with more. */
static const char *__init slab_check_probe(const struct kmem_cache *probe)
{
	char name[sizeof(PROBE_NAME)];
	u64 value, oo, size;

	if (memdiag_slab_peek(probe, CACHE_NAME, &value) ||
	    copy_from_kernel_nofault(name, (void *)(unsigned long)value, sizeof(name)) ||
	    memcmp(name, PROBE_NAME, sizeof(name)))
		return "name";
	if (memdiag_slab_peek(probe, CACHE_OBJECT_SIZE, &value) || value != PROBE_SIZE)
		return "object_size";
	/* With red zones and tracks of the debugging options, but no more. */
	if (memdiag_slab_peek(probe, CACHE_SIZE, &size) || size < PROBE_SIZE ||
	    size > PROBE_SIZE + SZ_1K || size % PROBE_ALIGN)
		return "size";
	if (memdiag_slab_peek(probe, CACHE_ALIGN, &value) || value != PROBE_ALIGN)
		return "align";
	if (memdiag_slab_peek(probe, CACHE_CTOR, &value) ||
	    value != (unsigned long)slab_probe_ctor)
		return "ctor";
	/* Ours; -1, of caches that are never merged, is half an address as well. */
	if (memdiag_slab_peek(probe, CACHE_REFCOUNT, &value) || value != 1)
		return "refcount";
	if (memdiag_slab_peek(probe, CACHE_FLAGS, &value) ||
	    !(value & (u64 __force)SLAB_HWCACHE_ALIGN))
		return "flags";
	/* MIN_PARTIAL, as the objects are small. */
	if (memdiag_slab_peek(probe, CACHE_MIN_PARTIAL, &value) ||
	    value != (IS_ENABLED(CONFIG_SLUB_TINY) ? 0 : 5))
		return "min_partial";
	if (memdiag_slab_peek(probe, CACHE_OO, &oo) || !slab_is_full_order(oo, size))
		return "oo";
	if (memdiag_slab_peek(probe, CACHE_MIN, &value) || !slab_is_full_order(value, size) ||
	    value > oo)
		return "min";
	return slab_check_cpu_partial(probe, oo);
}

static bool __init slab_is_of(u64 page, const void *cache, struct memdiag_slab_page *slab)
{
	return IS_ALIGNED(page, sizeof(long)) &&
	       memdiag_slab_page_read((const void *)(unsigned long)page, slab) &&
	       slab->cache == cache;
}

/* What the CPUs hold of a cache, without following anything unseen. */
static void __init slab_tally(const void *s, struct slab_tally *tally)
{
	struct memdiag_slab_page slab;
	void __percpu *cpu_slabs;
	u64 at, partial, nr;
	int cpu;

	if (!memdiag_slab_has(CACHE_CPU_SLAB) || !memdiag_slab_has(CPU_SLAB))
		return;
	if (memdiag_slab_peek(s, CACHE_CPU_SLAB, &at)) {
		tally->bad++;
		return;
	}
	cpu_slabs = (void __percpu *)(unsigned long)at;
	for_each_possible_cpu(cpu) {
		const void *c = per_cpu_ptr(cpu_slabs, cpu);

		if (memdiag_slab_peek(c, CPU_SLAB, &at))
			tally->bad++;
		else if (at && slab_is_of(at, s, &slab) && slab.frozen)
			tally->slabs++;
		else if (at)
			tally->bad++;
		if (!memdiag_slab_has(CPU_PARTIAL))
			continue;
		if (memdiag_slab_peek(c, CPU_PARTIAL, &partial))
			tally->bad++;
		else if (partial && partial != at && slab_is_of(partial, s, &slab) &&
			 !memdiag_slab_peek((const void *)(unsigned long)partial, SLAB_SLABS,
					    &nr) &&
			 nr >= 1 && nr < SZ_1K)
			tally->partials++;
		else if (partial)
			tally->bad++;
	}
}

/*
 * While free objects hang off the CPUs: on a slab of theirs, or in sheaves.
 * @active is what slabinfo prints, MEMDIAG_ABSENT if it does not.
 */
static const char *__init slab_check_held(const struct kmem_cache *probe, u64 left, u64 active)
{
	struct slab_tally tally = {};
	unsigned int unsure = 0;
	u64 objects, per_cpu = 0;

	slab_tally(probe, &tally);
	if (tally.bad)
		return "cpu_slab of a known cache";
	if (memdiag_slab_has(CACHE_CPU_SLAB)) {
		memdiag_slab_peek(probe, CACHE_CPU_PARTIAL, &per_cpu);
		/* Debugging by force, before there was SLAB_NO_USER_FLAGS: nothing to see. */
		if (!tally.slabs && SLAB_NO_USER_FLAGS)
			return "no cpu_slab of a known cache";
		if (!tally.slabs)
			memdiag_slab_members[CACHE_CPU_SLAB].found = false;
		/* KASAN keeps what was freed for a while. */
		if (!tally.partials && per_cpu && !IS_ENABLED(CONFIG_KASAN))
			return "no partial slab of a CPU of a known cache";
	}
	objects = memdiag_slab_sheaf_objects(probe, &unsure);
	if (!memdiag_slab_has(CACHE_SHEAF_CAPACITY))
		return NULL;
	if (objects == MEMDIAG_ABSENT || unsure)
		return "sheaves of a known cache";
	if (IS_ENABLED(CONFIG_SLUB_TINY) || IS_ENABLED(CONFIG_KASAN))
		return NULL;
	if (active == MEMDIAG_ABSENT ? !objects : objects != active - left)
		return "objects in the sheaves of a known cache";
	return NULL;
}

/* Our objects' slabs, after all that is free has gone back to them. */
static const char *__init slab_check_slabs(const struct kmem_cache *probe, void * const *objects,
					   struct slab_facts *facts)
{
	unsigned int i, j;
	u64 oo, inuse = 0;

	facts->slabs = 0;
	facts->objects = 0;
	facts->frozen = 0;
	facts->marked = 0;
	for (i = 0; i < PROBE_OBJECTS; i++) {
		const struct page *page;

		if (!objects[i] || is_kfence_address(objects[i]))
			continue;
		page = virt_to_head_page(objects[i]);
		for (j = 0; j < i; j++)
			if (objects[j] && virt_to_head_page(objects[j]) == page)
				break;
		if (j < i)
			continue;
		if (!memdiag_slab_page_read(page, &facts->slab) || facts->slab.cache != probe)
			return "slab_cache";
		if (memdiag_slab_peek(probe, CACHE_OO, &oo))
			return "oo";
		if (facts->slab.order == oo >> MEMDIAG_SLAB_OO_SHIFT &&
		    facts->slab.objects != (oo & MEMDIAG_SLAB_OO_MASK))
			return "objects";
		facts->slabs++;
		facts->objects += facts->slab.objects;
		facts->frozen += facts->slab.frozen;
		facts->marked += facts->slab.is_marked;
		inuse += facts->slab.inuse;
	}
	if (IS_ENABLED(CONFIG_KASAN) ? inuse < facts->left : inuse != facts->left)
		return "inuse";
	if (facts->frozen)
		return "frozen";
	if (facts->marked && facts->marked < facts->slabs)
		return "mark of a partial slab";
	memdiag_slab_marks_partial = facts->marked;
	return NULL;
}

/* An unlocked lock, or something that cannot be one? Nobody else uses our cache. */
static bool __init slab_is_lock(const void *at)
{
	union {
		spinlock_t lock;
		long word;
	} copy = {};

	if (copy_from_kernel_nofault(&copy, at, sizeof(copy.lock)))
		return false;
	return memdiag_spin_looks_free(&copy.lock);
}

/* Our cache's nodes; then their locks may be taken and their lists followed. */
static const char *__init slab_check_nodes(const struct kmem_cache *probe,
					   const struct slab_facts *facts)
{
	u64 value, nr_partial = 0, nr_slabs = 0, total_objects = 0;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++) {
		struct memdiag_slab_page slab;
		struct list_head head, next;
		const void *node, *partial;

		if (copy_from_kernel_nofault(&node, memdiag_slab_node(probe, nid), sizeof(node)))
			return "node";
		if (!node)
			continue;
		partial = memdiag_slab_at(node, NODE_PARTIAL);
		if (memdiag_slab_peek(node, NODE_NR_PARTIAL, &value))
			return "nr_partial";
		nr_partial += value;
		/* It is free, so where another number stands there is no lock. */
		if (!slab_is_lock(memdiag_slab_at(node, NODE_LIST_LOCK)))
			return "list_lock";
		if (copy_from_kernel_nofault(&head, partial, sizeof(head)) ||
		    copy_from_kernel_nofault(&next, head.next, sizeof(next)) ||
		    next.prev != partial || (value && head.next == partial))
			return "partial";
		if (value && !slab_is_of((unsigned long)memdiag_slab_base(head.next, SLAB_LIST),
					 probe, &slab))
			return "slab_list";
		if (memdiag_slab_peek(node, NODE_NR_SLABS, &value))
			return "nr_slabs";
		nr_slabs += value;
		if (memdiag_slab_peek(node, NODE_TOTAL_OBJECTS, &value))
			return "total_objects";
		total_objects += value;
	}
	/* Each of our slabs has a hole, and all are on these lists. */
	if (IS_ENABLED(CONFIG_KASAN) ? nr_partial > nr_slabs : nr_partial != facts->slabs)
		return "nr_partial";
	if (IS_ENABLED(CONFIG_KASAN) ? nr_slabs < facts->slabs : nr_slabs != facts->slabs)
		return "nr_slabs";
	if (IS_ENABLED(CONFIG_KASAN) ? total_objects < facts->objects :
	    total_objects != facts->objects)
		return "total_objects";
	return NULL;
}

/*
 * What the probe must read as, whatever slabinfo says. KASAN keeps freed
 * objects for a while, so they still count as in use there.
 */
static const char *__init slab_check_numbers(const struct memdiag_slab_cache *cache,
					     u64 left)
{
	u64 most = IS_ENABLED(CONFIG_KASAN) ? PROBE_OBJECTS : left;

	if (cache->line.active_objs < left || cache->line.active_objs > most)
		return "active_objs of a known cache";
	if (!IS_ENABLED(CONFIG_KASAN) && cache->active_objs_error &&
	    cache->active_objs_error != MEMDIAG_ABSENT)
		return "active_objs_error of a known cache";
	return NULL;
}

/*
 * Does a cache read as slabinfo prints it? Returns the first column that does
 * not. *@moved says that it is one that may just have changed.
 */
static const char *__init slab_compare(const struct memdiag_slab_line *a,
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
static const char *__init slab_check_cache(struct seq_file *m, void *entry,
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
		if (cache->nr_partial > 10000)
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

/* Only look for our own on the list, without following anything. */
static const char *__init slab_find_probe(const struct memdiag_ops *ops,
					  const struct kmem_cache *probe, u64 *active)
{
	const void *probe_entry = memdiag_slab_at(probe, CACHE_LIST);
	const char *wrong = "list: own cache not on it";
	struct memdiag_slab_line line;
	struct seq_file m;
	loff_t pos = 0;
	void *entry;

	memdiag_ops_seq(ops, &m);
	entry = ops->op->start(&m, &pos);
	for (; entry; entry = ops->op->next(&m, entry, &pos)) {
		if (entry != probe_entry)
			continue;
		wrong = memdiag_slab_line_show(&m, entry, &line) ? "line of slabinfo" : NULL;
		*active = line.active_objs;
		break;
	}
	ops->op->stop(&m, entry);
	return wrong;
}

static const char *__init slab_check_all(const struct memdiag_ops *ops,
					 const struct kmem_cache *probe, u64 left)
{
	const void *probe_entry = memdiag_slab_at(probe, CACHE_LIST);
	unsigned int seen = 0, busy = 0;
	struct slab_tally tally = {};
	const char *wrong = NULL;
	struct seq_file m;
	loff_t pos = 0;
	void *entry;

	memdiag_ops_seq(ops, &m);
	entry = ops->op->start(&m, &pos);
	for (; entry && !wrong; entry = ops->op->next(&m, entry, &pos)) {
		struct memdiag_slab_cache cache;
		unsigned int was_busy = busy;

		slab_tally(memdiag_slab_base(entry, CACHE_LIST), &tally);
		if (tally.bad > (tally.slabs + tally.partials) / 8 + 8) {
			wrong = "cpu_slab";
			break;
		}
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
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "slab caches", MEMDIAG_SRC_OPS, 0,
				     "own cache and %u others read as slabinfo prints them, %u moving",
				     seen - 1, busy);
	return wrong;
}

/* Fill several slabs, then make holes in them. */
static bool __init slab_probe_fill(struct kmem_cache *probe, void **objects, u64 *left)
{
	unsigned int i;

	*left = 0;
	for (i = 0; i < PROBE_OBJECTS; i++) {
		objects[i] = kmem_cache_alloc(probe, MEMDIAG_GFP);
		if (!objects[i])
			return false;
		/* KFENCE puts an object now and then where no slab counts it. */
		if (i % 3 && !is_kfence_address(objects[i]))
			++*left;
	}
	for (i = 0; i < PROBE_OBJECTS; i += 3) {
		kmem_cache_free(probe, objects[i]);
		objects[i] = NULL;
	}
	return true;
}

/* What there is to check before and after all CPUs gave their slabs back. */
static const char *__init slab_check_filled(const struct memdiag_ops *ops,
					    struct kmem_cache *probe, void * const *objects,
					    struct slab_facts *facts)
{
	bool listed = ops->op && memdiag_slab_has_list();
	const char *wrong = slab_check_probe(probe);
	u64 active = MEMDIAG_ABSENT;

	if (!wrong && listed)
		wrong = slab_find_probe(ops, probe, &active);
	if (!wrong)
		wrong = slab_check_held(probe, facts->left, active);
	kmem_cache_shrink(probe);
	if (!wrong)
		wrong = slab_check_slabs(probe, objects, facts);
	if (wrong || !listed)
		return wrong;
	wrong = slab_find_probe(ops, probe, &active);
	if (!wrong)
		wrong = slab_check_nodes(probe, facts);
	return wrong ?: slab_check_all(ops, probe, facts->left);
}

static const char *__init slab_check(const struct memdiag_ops *ops, struct kmem_cache *probe,
				     void **objects)
{
	const char *wrong = "no memory for own cache";
	struct slab_facts facts;
	unsigned int i;

	memset(objects, 0, PROBE_OBJECTS * sizeof(*objects));
	if (slab_probe_fill(probe, objects, &facts.left))
		wrong = slab_check_filled(ops, probe, objects, &facts);
	for (i = 0; i < PROBE_OBJECTS; i++)
		if (objects[i])
			kmem_cache_free(probe, objects[i]);
	return wrong;
}

/* Is this the layout that was refused already? */
static bool __init slab_is_refused(const u32 *refused)
{
	enum memdiag_slab_member i;

	for (i = 0; i < SLAB_NR_MEMBERS; i++)
		if (memdiag_slab_members[i].found &&
		    memdiag_slab_members[i].bit_offset != refused[i])
			return false;
	return true;
}

/* Ways to know the layout, the kernel's own word first. */
static const u32 slab_ways[] = { MEMDIAG_SRC_BTF, MEMDIAG_SRC_MIRROR };

static u32 __init slab_try_ways(const struct memdiag_ops *ops, struct kmem_cache *probe,
				void **objects)
{
	u32 refused[SLAB_NR_MEMBERS];
	bool any_refused = false;
	const char *wrong;
	unsigned int i, m;
	/* A line for each way that was tried. */
	char name[32];

	for (i = 0; i < ARRAY_SIZE(slab_ways); i++) {
		u32 way = slab_ways[i];

		if (memdiag_slab_layout_load(way))
			continue;
		snprintf(name, sizeof(name), "slab by %s", memdiag_source_name(way));
		if (way == MEMDIAG_SRC_MIRROR && any_refused && slab_is_refused(refused)) {
			memdiag_resolve_note(MEMDIAG_ITEM_CHECK, name, MEMDIAG_SRC_NONE, -EINVAL,
					     "the same layout as was refused");
			continue;
		}
		wrong = slab_check(ops, probe, objects);
		if (!wrong) {
			memdiag_resolve_note(MEMDIAG_ITEM_CHECK, name, way, 0,
					     "own cache reads as it was made, %s list of caches",
					     memdiag_slab_has_list() ? "with the" : "without");
			return way;
		}
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, name, MEMDIAG_SRC_NONE, -EINVAL,
				     "%s reads otherwise than it must", wrong);
		any_refused = true;
		for (m = 0; m < SLAB_NR_MEMBERS; m++)
			refused[m] = memdiag_slab_members[m].bit_offset;
	}
	return MEMDIAG_SRC_NONE;
}

/**
 * memdiag_slab_verify() - find the layout of the caches and verify it
 * @ops: operations borrowed from /proc/slabinfo, or zeroed
 *
 * Leaves a line in the resolve section for each way that was tried.
 *
 * Context: may sleep; takes slab_mutex.
 *
 * Return: the enum memdiag_source by which memdiag_slab_members[] is known;
 * MEMDIAG_SRC_NONE if by no way, or there was no memory.
 */
u32 __init memdiag_slab_verify(const struct memdiag_ops *ops)
{
	struct kmem_cache *probe;
	u32 way = MEMDIAG_SRC_NONE;
	void **objects;

	objects = memdiag_alloc(PROBE_OBJECTS, sizeof(*objects));
	if (!objects)
		return way;
	probe = kmem_cache_create(PROBE_NAME, PROBE_SIZE, PROBE_ALIGN, PROBE_FLAGS,
				  slab_probe_ctor);
	if (probe) {
		way = slab_try_ways(ops, probe, objects);
		kmem_cache_destroy(probe);
	}
	memdiag_free(objects);
	return way;
}
