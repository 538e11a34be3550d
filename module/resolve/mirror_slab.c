// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mirror of SLUB's private structures: mm/slab.h and mm/slub.c as they are in
 * the releases that are tested, with the members that depend on the kernel's
 * configuration. Members behind the last one that is read are left out.
 *
 * Between two tested releases a boundary may be off by some; nothing is taken
 * from here that a cache of our own does not confirm.
 */
#include <linux/kasan.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/local_lock.h>
#include <linux/lockdep.h>
#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/reciprocal_div.h>
#include <linux/spinlock.h>
#include <linux/version.h>

#include "../compat/slab.h"
#include "mirror.h"

#if !defined(CONFIG_SLAB) && !defined(CONFIG_SLOB)

/* 7.0 put sheaves in the place of the CPUs' slabs. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define MIRROR_SHEAVES
#endif

struct mirror_kmem_cache {
#if defined(MIRROR_SHEAVES)
	void __percpu *cpu_sheaves;
#elif !defined(CONFIG_SLUB_TINY)
	void __percpu *cpu_slab;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	struct lock_class_key lock_key;
#endif
#endif
	slab_flags_t flags;
	unsigned long min_partial;
	unsigned int size;
	unsigned int object_size;
	struct reciprocal_value reciprocal_size;
	unsigned int offset;
#if defined(MIRROR_SHEAVES)
	unsigned int sheaf_capacity;
#elif defined(CONFIG_SLUB_CPU_PARTIAL)
	unsigned int cpu_partial;
/* b47291ef02b0 ("mm, slub: change percpu partial accounting from objects to pages") */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
	unsigned int cpu_partial_slabs;
#endif
#endif
	unsigned int oo;
#ifdef MEMDIAG_HAVE_PAGE_SLAB_CACHE
	unsigned int max;
#endif
	unsigned int min;
	gfp_t allocflags;
	int refcount;
	void (*ctor)(void *object);
	unsigned int inuse;
	unsigned int align;
	unsigned int red_left_pad;
	const char *name;
	struct list_head list;
#ifdef CONFIG_SYSFS
	struct kobject kobj;
#endif
#ifdef CONFIG_SLAB_FREELIST_HARDENED
	unsigned long random;
#endif
#ifdef CONFIG_NUMA
	unsigned int remote_node_defrag_ratio;
#endif
#ifdef CONFIG_SLAB_FREELIST_RANDOM
	unsigned int *random_seq;
#endif
/* 6.2 left only what generic KASAN needs, and made these optional. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#ifdef CONFIG_KASAN
	struct kasan_cache kasan_info;
#endif
	unsigned int useroffset;
	unsigned int usersize;
#else
#ifdef CONFIG_KASAN_GENERIC
	struct kasan_cache kasan_info;
#endif
#ifdef CONFIG_HARDENED_USERCOPY
	unsigned int useroffset;
	unsigned int usersize;
#endif
#endif
#ifdef MIRROR_SHEAVES
#ifdef CONFIG_SLUB_STATS
	void __percpu *cpu_stats;
#endif
	struct mirror_per_node {
		void *barn;
		void *node;
	} per_node[MAX_NUMNODES];
#else
	void *node[MAX_NUMNODES];
#endif
};

struct mirror_kmem_cache_node {
	spinlock_t list_lock;
	unsigned long nr_partial;
	struct list_head partial;
#ifdef CONFIG_SLUB_DEBUG
	atomic_long_t nr_slabs;
	atomic_long_t total_objects;
#endif
};

#if defined(MIRROR_SHEAVES)
struct mirror_slab_sheaf {
	union {
		struct rcu_head rcu_head;
		struct list_head barn_list;
	};
	void *cache;
	unsigned int size;
};

struct mirror_percpu_sheaves {
	local_trylock_t lock;
	void *main;
	void *spare;
};

struct mirror_node_barn {
	spinlock_t lock;
	struct list_head sheaves_full;
	struct list_head sheaves_empty;
	unsigned int nr_full;
};
#elif !defined(CONFIG_SLUB_TINY)
struct mirror_kmem_cache_cpu {
	void **freelist;
	unsigned long tid;
	void *slab;
#ifdef CONFIG_SLUB_CPU_PARTIAL
	void *partial;
#endif
};
#endif

#ifndef MEMDIAG_HAVE_PAGE_SLAB_CACHE
struct mirror_slab {
	unsigned long flags;
/* 130d4df57390 ("mm/sl[au]b: rearrange struct slab fields to allow larger rcu_head") */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	void *slab_cache;
#endif
	union {
		struct list_head slab_list;
#if !defined(MIRROR_SHEAVES) && defined(CONFIG_SLUB_CPU_PARTIAL)
		struct {
			void *next;
			int slabs;
		};
#endif
	};
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	void *slab_cache;
#endif
	void *freelist;
	unsigned long counters;
};
#endif

#define CACHE(_member)	MEMDIAG_MIRROR(kmem_cache, mirror_kmem_cache, _member)
#define NODE(_member)	MEMDIAG_MIRROR(kmem_cache_node, mirror_kmem_cache_node, _member)
/* Bits of the first half of the word, as the compiler lays bitfields out. */
#ifdef __BIG_ENDIAN
#define COUNTER(_type, _mirror, _member, _shift, _width) \
	MEMDIAG_MIRROR_BITS(_type, _mirror, _member, counters, 32 - (_shift) - (_width), _width)
#else
#define COUNTER(_type, _mirror, _member, _shift, _width) \
	MEMDIAG_MIRROR_BITS(_type, _mirror, _member, counters, _shift, _width)
#endif

const struct memdiag_mirror memdiag_mirror_slab[] = {
	CACHE(flags),
	CACHE(min_partial),
	CACHE(size),
	CACHE(object_size),
	CACHE(oo),
	CACHE(min),
	CACHE(refcount),
	CACHE(ctor),
	CACHE(align),
	CACHE(name),
	CACHE(list),
	NODE(list_lock),
	NODE(nr_partial),
	NODE(partial),
#ifdef CONFIG_SLUB_DEBUG
	NODE(nr_slabs),
	NODE(total_objects),
#endif
#ifdef MEMDIAG_HAVE_PAGE_SLAB_CACHE
	MEMDIAG_MIRROR(page, page, slab_list),
	MEMDIAG_MIRROR(page, page, slab_cache),
	COUNTER(page, page, inuse, 0, 16),
	COUNTER(page, page, objects, 16, 15),
	COUNTER(page, page, frozen, 31, 1),
#else
	MEMDIAG_MIRROR(slab, mirror_slab, slab_list),
	MEMDIAG_MIRROR(slab, mirror_slab, slab_cache),
	COUNTER(slab, mirror_slab, inuse, 0, 16),
	COUNTER(slab, mirror_slab, objects, 16, 15),
	COUNTER(slab, mirror_slab, frozen, 31, 1),
#endif
#if defined(MIRROR_SHEAVES)
	CACHE(cpu_sheaves),
	CACHE(sheaf_capacity),
	CACHE(per_node),
	MEMDIAG_MIRROR(kmem_cache_per_node_ptrs, mirror_per_node, node),
	MEMDIAG_MIRROR(kmem_cache_per_node_ptrs, mirror_per_node, barn),
	MEMDIAG_MIRROR(slub_percpu_sheaves, mirror_percpu_sheaves, main),
	MEMDIAG_MIRROR(slub_percpu_sheaves, mirror_percpu_sheaves, spare),
	MEMDIAG_MIRROR(slab_sheaf, mirror_slab_sheaf, cache),
	MEMDIAG_MIRROR(slab_sheaf, mirror_slab_sheaf, size),
	MEMDIAG_MIRROR(node_barn, mirror_node_barn, nr_full),
#else
	CACHE(node),
#ifndef CONFIG_SLUB_TINY
	CACHE(cpu_slab),
#ifdef MEMDIAG_HAVE_PAGE_SLAB_CACHE
	MEMDIAG_MIRROR_BITS(kmem_cache_cpu, mirror_kmem_cache_cpu, page, slab, 0, BITS_PER_LONG),
#else
	MEMDIAG_MIRROR(kmem_cache_cpu, mirror_kmem_cache_cpu, slab),
#endif
#ifdef CONFIG_SLUB_CPU_PARTIAL
	MEMDIAG_MIRROR(kmem_cache_cpu, mirror_kmem_cache_cpu, partial),
	CACHE(cpu_partial),
#ifdef MEMDIAG_HAVE_PAGE_SLAB_CACHE
	MEMDIAG_MIRROR(page, page, pages),
#else
	CACHE(cpu_partial_slabs),
	MEMDIAG_MIRROR(slab, mirror_slab, slabs),
#endif
#endif
#endif
#endif
};
const unsigned int memdiag_mirror_slab_nr = ARRAY_SIZE(memdiag_mirror_slab);

#else

/* CONFIG_SLAB and CONFIG_SLOB are read by text or not at all. */
const struct memdiag_mirror memdiag_mirror_slab[] = {
};
const unsigned int memdiag_mirror_slab_nr;

#endif
