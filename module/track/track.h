/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracker: which objects of the kernel's allocators are outstanding, and by
 * which stack they were allocated.
 *
 *  objects.c     live objects by address: written by probes without a lock
 *  stacks.c      stacks with their counters: likewise
 *  caches.c      names of slab caches: likewise
 *  stack_walk.c  stacks without the unwinder
 *  filter.c      which allocations are looked at
 *  probe.c       what happens when an object is allocated or freed
 *  blocks.c      blocks of pages that are given back in parts
 *  attach.c      the kernel's tracepoints, and what is called by them
 *  kprobes.c     the same where the kernel frees without a tracepoint
 *  check.c       is an object still what it was?
 *  names.c       names of stacks in modules that are unloaded
 *  run.c         start and stop
 *  status.c      section track_status
 *  report.c      section track
 *  settle.c      waiting until what was freed is free
 *  none.c        in place of all but settle.c, where there are no tracepoints
 *
 * Everything that a probe touches was allocated by the start. Probes run in any
 * context, NMI included, nested in each other on a CPU, and use only the atomic
 * operations of the tables. A per-CPU flag keeps a probe from being entered again
 * in the same context where it takes a stack; that is counted as dropped_busy.
 * Frees never need the flag, so that none is lost by it.
 */
#ifndef _MEMDIAG_TRACK_H
#define _MEMDIAG_TRACK_H

#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "../memdiag.h"

struct kmem_cache;
struct track_filter;
struct module;
struct page;
struct pid;

#define TRACK_DEPTH_DEFAULT	16
#define TRACK_DEPTH_MAX		64
/* Frames of the probe and of the allocator, above those that are kept. */
#define TRACK_DEPTH_OWN		12

/* --- objects --------------------------------------------------------------- */

/* Two low bits of a key; addresses of all kinds are multiples of four. */
enum track_kind {
	TRACK_SLAB,
	TRACK_PAGES,
	TRACK_PERCPU,
	TRACK_NR_KINDS
};

#define TRACK_KIND_MASK		3ul

/* Flags of an object. */
/* A block of pages that is not compound, so it may be given back in parts. */
#define TRACK_BLOCK		BIT(0)
/* What is left of such a block, without the part that stands for the object. */
#define TRACK_PART		BIT(1)
/* The free event of the last object at this address may be yet to come. */
#define TRACK_OWED		BIT(2)
/* It may have been freed without an event. */
#define TRACK_UNSURE		BIT(3)
/* It is gone, as was found when tracking stopped. */
#define TRACK_GONE		BIT(4)
/* Pages that the slab allocator made a slab of; they are told as its objects. */
#define TRACK_OF_SLAB		BIT(5)

#define TRACK_STACK_BITS	24

/**
 * struct track_object - what is known of a live object
 * @stack: number of its stack
 * @size: bytes taken from the allocator
 * @asked: bytes asked for; 0 if that is not known
 * @when: jiffies from the start to its allocation
 * @flags: TRACK_*
 */
struct track_object {
	u32 stack;
	u32 size;
	u32 asked;
	u32 when;
	u8 flags;
};

#define TRACK_BUCKET_KEYS	7

/* What belongs to a bucket: the number of objects; of those that had to go to the next ones... */
#define TRACK_BELONG_ONE	1ull
#define TRACK_BELONG_AWAY_ONE	BIT_ULL(16)
#define TRACK_BELONG_AWAY	GENMASK_ULL(31, 16)
/* ... and how far the farthest of them went. */
#define TRACK_BELONG_REACH_SHIFT	32

/**
 * struct track_bucket - keys of a few objects, in one line of the cache
 * @belong: the objects that belong here, by their hash: TRACK_BELONG_*
 * @keys: address and kind; 0 of a free slot, TRACK_KEY_BUSY of one being written
 */
struct track_bucket {
	u64 belong;
	unsigned long keys[TRACK_BUCKET_KEYS];
} ____cacheline_aligned;

#define TRACK_KEY_BUSY		(~0ul)

/**
 * struct track_slot - what belongs to a key, packed
 * @what: size, stack and flags
 * @when: asked and when
 */
struct track_slot {
	u64 what;
	u64 when;
};

/**
 * struct track_objects - the table of live objects
 * @buckets: the keys
 * @slots: what belongs to each of them
 * @nr_buckets: number of buckets
 * @owes: events of frees may come late: what replaces an object is TRACK_OWED
 * @bytes: memory of both
 */
struct track_objects {
	struct track_bucket *buckets;
	struct track_slot *slots;
	u32 nr_buckets;
	bool owes;
	u64 bytes;
};

enum track_put {
	TRACK_PUT_NEW,
	TRACK_PUT_REPLACED,
	TRACK_PUT_FULL,
};

enum track_take {
	TRACK_TAKE_NONE,
	TRACK_TAKE_TAKEN,
	TRACK_TAKE_OWED,
};

static inline unsigned long track_key(enum track_kind kind, unsigned long address)
{
	return (address & ~TRACK_KIND_MASK) | kind;
}

static inline enum track_kind track_key_kind(unsigned long key)
{
	return key & TRACK_KIND_MASK;
}

static inline u64 track_objects_room(const struct track_objects *t)
{
	return (u64)t->nr_buckets * TRACK_BUCKET_KEYS;
}

static inline u32 track_objects_home(const struct track_objects *t, unsigned long key)
{
	return (key * GOLDEN_RATIO_64 >> 32) * t->nr_buckets >> 32;
}

/*
 * Is it certain that an object is not there? So it is with nearly all that are freed
 * under a filter, and one word tells it of most. Its own key is there since before the
 * object was passed on to whoever frees it; those of others may change as they are read.
 */
static inline bool track_objects_miss(const struct track_objects *t, unsigned long key)
{
	const struct track_bucket *bucket = &t->buckets[track_objects_home(t, key)];
	const unsigned long *keys = bucket->keys;
	u64 belong = READ_ONCE(bucket->belong);

	static_assert(TRACK_BUCKET_KEYS == 7);
	if (likely(!belong))
		return true;
	return !(belong & TRACK_BELONG_AWAY) && keys[0] != key && keys[1] != key &&
	       keys[2] != key && keys[3] != key && keys[4] != key && keys[5] != key &&
	       keys[6] != key;
}

/* objects.c */
u64 track_objects_bytes(u64 objects);
int track_objects_alloc(struct track_objects *t, u64 objects);
void track_objects_free(struct track_objects *t);
enum track_put track_objects_put(struct track_objects *t, unsigned long key,
				 const struct track_object *object, struct track_object *old);
enum track_take track_objects_take(struct track_objects *t, unsigned long key,
				   struct track_object *object, u32 owed_since);
u32 track_objects_size(const struct track_objects *t, unsigned long key);
u8 track_objects_flags(const struct track_objects *t, unsigned long key);
bool track_objects_read(const struct track_objects *t, u64 n, unsigned long *key,
			struct track_object *object);
void track_objects_flag(struct track_objects *t, u64 n, u8 flags);
void track_objects_move(struct track_objects *t, u64 n, u32 from, u32 to);

/* --- stacks ---------------------------------------------------------------- */

enum track_stack_state {
	TRACK_STACK_UNUSED,
	/* Objects of this stack are tracked. */
	TRACK_STACK_LIVE,
	/* They are not: memdiag's own, or not of the module asked for. */
	TRACK_STACK_SKIP,
	/* A module of it is unloaded: it has its text, and no more objects come. */
	TRACK_STACK_SEALED,
};

/**
 * struct track_stack - a stack that allocated, or wanted to
 * @allocated: objects allocated
 * @freed: of these freed
 * @allocated_bytes: bytes of @allocated
 * @text: frames by name, once it is sealed; else NULL
 * @hash: of all that identifies it
 * @cache: number of the name of the slab cache; 0 for none
 * @into: the stack that it is merged into; itself if it is not
 * @state: enum track_stack_state
 * @kind: enum track_kind
 * @order: of pages
 * @nr: frames
 * @deep: see struct track_stack_key
 * @dead: sealed: no object ever had it
 * @hidden: sealed: it is not in the hash any more
 * @frames: addresses, innermost first
 */
struct track_stack {
	atomic64_t allocated;
	atomic64_t freed;
	atomic64_t allocated_bytes;
	char *text;
	u32 hash;
	u32 cache;
	u32 into;
	u8 state;
	u8 kind;
	u8 order;
	u8 nr;
	bool deep;
	bool dead;
	bool hidden;
	unsigned long frames[];
};

/**
 * struct track_stacks - the table of stacks
 * @arena: @max stacks, @stride bytes each
 * @slots: by hash: number of a stack plus one; 0 if free, TRACK_SLOT_GONE where a
 *	stack was taken out
 * @nr_slots: a power of two
 * @ring: numbers of stacks to be used again
 * @ring_head: taken from the ring by probes
 * @ring_tail: put into it, under the mutex of the run
 * @used: stacks of the arena that were used at least once
 * @spare: a stack that was taken and not needed, plus one
 * @max: stacks in @arena
 * @depth: frames of a stack
 * @stride: bytes of a stack
 * @bytes: memory of all, less @texts_size
 * @texts: one piece for the texts of stacks that are sealed; NULL as long as there is none
 * @texts_size: bytes of it
 * @texts_used: bytes up to the end of the last text; some may be of no stack any more
 * @text_bytes: bytes of the texts that stacks have
 */
struct track_stacks {
	void *arena;
	u32 *slots;
	u32 nr_slots;
	u32 *ring;
	u32 ring_head;
	u32 ring_tail;
	atomic_t used;
	u32 spare;
	u32 max;
	u32 depth;
	u32 stride;
	u64 bytes;
	char *texts;
	size_t texts_size;
	size_t texts_used;
	size_t text_bytes;
};

#define TRACK_SLOT_GONE		(~0u)
#define TRACK_NO_STACK		(~0u)

/**
 * struct track_stack_key - what a stack is found by
 * @frames: addresses, innermost first
 * @nr: their number, no more than the depth of the table
 * @kind: enum track_kind
 * @order: of pages
 * @deep: the module of the filter has no frame among these, and one behind
 * @cache: number of the name of the slab cache
 */
struct track_stack_key {
	const unsigned long *frames;
	u32 nr;
	u8 kind;
	u8 order;
	bool deep;
	u32 cache;
};

static inline struct track_stack *track_stack(const struct track_stacks *t, u32 n)
{
	return t->arena + (size_t)n * t->stride;
}

static inline u32 track_stacks_used(const struct track_stacks *t)
{
	return min_t(u32, atomic_read(&t->used), t->max);
}

/* stacks.c */
u64 track_stacks_bytes(u32 stacks, u32 depth);
int track_stacks_alloc(struct track_stacks *t, u32 stacks, u32 depth);
void track_stacks_free(struct track_stacks *t);
u32 track_stacks_find(struct track_stacks *t, const struct track_stack_key *key, u32 *hash);
bool track_stacks_full(const struct track_stacks *t);
u32 track_stacks_add(struct track_stacks *t, const struct track_stack_key *key, u32 hash,
		     enum track_stack_state state);
void track_stacks_hide(struct track_stacks *t, u32 n);
void track_stacks_reuse(struct track_stacks *t, u32 n);

/* --- steps of a walk ------------------------------------------------------- */

/**
 * struct track_step - how the unwinder goes on from a return address
 * @address: the return address; 0 of a free slot
 * @rule: where the next one is, see stack_walk.c; 0 if that is not known
 */
struct track_step {
	unsigned long address;
	u64 rule;
};

/**
 * struct track_walk - what the unwinder was seen to do
 * @steps: by hash of the address
 * @stack: a stack that the unwinder is asked on
 * @full: an address found no room
 * @off: no walk is taken: one differed from what the unwinder says, or it cannot be asked
 */
struct track_walk {
	struct track_step *steps;
	unsigned long *stack;
	bool full;
	bool off;
};

#define TRACK_WALK_BITS		13
#define TRACK_WALK_WORDS	2048
/* One walk in so many is compared with what the unwinder says. */
#define TRACK_WALK_COMPARED	1024
#define TRACK_WALK_BYTES	((sizeof(struct track_step) << TRACK_WALK_BITS) + \
				 TRACK_WALK_WORDS * sizeof(long))

/* stack_walk.c */
int track_walk_alloc(struct track_walk *walk);
void track_walk_free(struct track_walk *walk);
u32 track_walk(const struct track_walk *walk, unsigned long at, unsigned long *frames, u32 max,
	       bool *learn);
bool track_walk_misses(const struct track_walk *walk, unsigned long at,
		       const struct track_filter *filter);
void track_walk_learn(struct track_walk *walk, unsigned long at, const unsigned long *frames,
		      u32 nr, char *name);
bool track_walk_wrong(struct track_walk *walk, const unsigned long *walked, u32 nr_walked,
		      const unsigned long *unwound, u32 nr_unwound);
void track_walk_forget(struct track_walk *walk, unsigned long start, unsigned long size);

/* --- names of caches ------------------------------------------------------- */

#define TRACK_CACHES		1024
#define TRACK_CACHE_NAME	56

/**
 * struct track_cache - the name of a slab cache
 * @state: 0 free, 1 being written, 2 there; and above, once it is not free, of its hash
 * @name: the name, cut
 * @matches: the filter wants caches of this name
 */
struct track_cache {
	u32 state;
	bool matches;
	char name[TRACK_CACHE_NAME];
};

#define TRACK_CACHE_HINTS	8

/**
 * struct track_caches - names of slab caches by number
 * @known: the names; the first is ""
 * @hints: numbers by the address of the cache: it may have gone, and the name has to be
 *	compared
 */
struct track_caches {
	struct track_cache known[TRACK_CACHES];
	u16 hints[BIT(TRACK_CACHE_HINTS)];
};

/* caches.c */
const char *track_caches_verify(void);
const struct kmem_cache *track_cache_of(const void *object);
u32 track_cache_size(const struct kmem_cache *cache);
u32 track_cache_number(struct track_caches *caches, const struct kmem_cache *cache,
		       const char *pattern, bool *matches);
bool track_cache_is(const struct track_cache *known, const void *object);
bool track_cache_match(const char *pattern, const char *name);

/* --- a run ----------------------------------------------------------------- */

/**
 * struct track_range - addresses of code
 * @start: the first
 * @size: bytes; 0 for none
 */
struct track_range {
	unsigned long start;
	unsigned long size;
};

/**
 * struct track_filter - which allocations are looked at
 * @flags: MEMDIAG_TRACK_BY_* and MEMDIAG_TRACK_ANYWHERE
 * @one_in: power of two
 * @size_min: see struct memdiag_track_start, as for the others
 * @size_max: likewise
 * @order_min: likewise
 * @order_max: likewise
 * @pid: the process, by a reference
 * @pid_number: its number, to be shown
 * @cgroup: its id
 * @module: its name
 * @cache: pattern for the names of caches
 * @code: code of the module, and of its init while that runs
 * @site: where the call sites are that are looked at closer: around @code, or all addresses
 *	if they alone do not decide
 */
struct track_filter {
	u32 flags;
	u32 one_in;
	u64 size_min;
	u64 size_max;
	u32 order_min;
	u32 order_max;
	struct pid *pid;
	s32 pid_number;
	u64 cgroup;
	char module[64];
	char cache[64];
	struct track_range code[2];
	struct track_range site;
};

#define TRACK_AGES	6

/**
 * struct track_sum - what is outstanding of a stack, added up by a report
 * @count: objects
 * @parts: what is left of blocks, beside those that count
 * @bytes: taken from the allocator
 * @asked: asked for
 * @unsure: of @count
 * @of_slab: pages that are slabs, and in none of the others
 * @gone: objects that were freed without an event, and in none of the others
 * @oldest: jiffies from the start to the oldest
 * @newest: to the newest
 * @ages: objects by age
 * @head: while stacks are merged: a chain of stacks, by hash
 * @next: likewise: the next one in a chain
 */
struct track_sum {
	u64 count;
	u64 parts;
	u64 bytes;
	u64 asked;
	u64 unsure;
	u64 of_slab;
	u64 gone;
	u32 oldest;
	u32 newest;
	u64 ages[TRACK_AGES];
	u32 head;
	u32 next;
};

#define TRACK_LEVELS	4
/* More than any kernel has. */
#define TRACK_ORDERS	20

#define TRACK_FRAMES	(TRACK_DEPTH_MAX + TRACK_DEPTH_OWN)

/**
 * struct track_level - what takes a stack in one context of a CPU
 * @frames: where it is taken to
 * @walked: a walk that is being compared
 * @name: of one of the frames
 * @busy: a stack is being taken
 */
struct track_level {
	unsigned long frames[TRACK_FRAMES];
	unsigned long walked[TRACK_FRAMES];
	char name[KSYM_SYMBOL_LEN];
	u8 busy;
};

/**
 * struct track_cpu - what a CPU needs to itself
 * @allocations: see section track_status, as for the next nine
 * @frees: likewise
 * @unknown_frees: likewise
 * @dropped_objects: likewise
 * @dropped_stacks: likewise
 * @dropped_busy: likewise
 * @replaced: likewise
 * @walks: likewise
 * @unwinds: likewise
 * @wrong_walks: likewise
 * @used: objects put into the table, less those taken out, by this CPU
 * @levels: one per context
 */
struct track_cpu {
	u64 allocations;
	u64 frees;
	u64 unknown_frees;
	u64 dropped_objects;
	u64 dropped_stacks;
	u64 dropped_busy;
	u64 replaced;
	u64 walks;
	u64 unwinds;
	u64 wrong_walks;
	u64 used;
	struct track_level levels[TRACK_LEVELS];
};

/**
 * struct track_run - everything from a start to the next
 * @filter: what is looked at
 * @kinds: MEMDIAG_TRACK_SLAB and so on
 * @objects: live objects
 * @stacks: their stacks
 * @walk: how to get to these without the unwinder
 * @caches: names of caches
 * @cpus: one per CPU
 * @sums: one per stack, for the report
 * @nr_blocks: objects with TRACK_BLOCK, by order
 * @all_blocks: their number
 * @block_lock: taking blocks apart; the innermost lock there is
 * @block_seq: odd while one is taken apart
 * @lost_frees: frees that could not be followed
 * @start_jiffies: when it began
 * @start_ns: likewise, of the monotonic clock
 * @stop_ns: when it ended, 0 if it has not
 * @stop_jiffies: likewise
 * @missed: calls of probed functions that allocate, and were not seen
 * @missed_frees: likewise, that free
 * @gone: objects that the last report found gone
 * @silent: kinds whose objects may be freed without being seen
 * @bytes: memory of all
 */
struct track_run {
	struct track_filter filter;
	u32 kinds;
	struct track_objects objects;
	struct track_stacks stacks;
	struct track_walk walk;
	struct track_caches *caches;
	struct track_cpu __percpu *cpus;
	struct track_sum *sums;
	atomic_t nr_blocks[TRACK_ORDERS];
	atomic_t all_blocks;
	raw_spinlock_t block_lock;
	u32 block_seq;
	atomic_t lost_frees;
	unsigned long start_jiffies;
	unsigned long stop_jiffies;
	u64 start_ns;
	u64 stop_ns;
	u32 silent;
	u64 missed;
	u64 missed_frees;
	u64 gone;
	u64 bytes;
};

/**
 * struct track_event - an allocation
 * @kind: enum track_kind
 * @order: of pages
 * @flags: TRACK_BLOCK or 0
 * @address: of the object
 * @call_site: return address into the caller of the allocator, 0 if not told
 * @pc: where the allocator was entered, if the probe stands there; else 0
 * @size: bytes taken from the allocator; 0 if that is to be had from @cache
 * @asked: bytes asked for; 0 if not known
 * @cache: its cache, or NULL: to be found out
 * @trapped: seen by a probe that may have been entered by a trap
 * @at: where the return address of the probe lies on the stack; 0 if @trapped
 */
struct track_event {
	u8 kind;
	u8 order;
	u8 flags;
	unsigned long address;
	unsigned long call_site;
	unsigned long pc;
	u64 size;
	u64 asked;
	const struct kmem_cache *cache;
	bool trapped;
	unsigned long at;
};

static inline u32 track_now(const struct track_run *run)
{
	return (u32)(jiffies - run->start_jiffies);
}

/* Is the object among the one in so many? Other bits than those of the tables. */
static inline bool track_sampled(const struct track_run *run, unsigned long address)
{
	if (run->filter.one_in <= 1)
		return true;
	return !((u32)((address >> 3) * 0xff51afd7ed558ccdull >> 32) & (run->filter.one_in - 1));
}

static inline bool track_range_has(const struct track_range *range, unsigned long address)
{
	unsigned long size = READ_ONCE(range->size);

	/* The size first, as it is written last in range_set(). */
	smp_rmb();
	return address - READ_ONCE(range->start) < size;
}

static inline bool track_filter_in_module(const struct track_filter *filter,
					  unsigned long address)
{
	return track_range_has(&filter->code[0], address) ||
	       track_range_has(&filter->code[1], address);
}

/*
 * Does it take a stack to say if the module allocates? The caller that percpu memory is told
 * with may be a function of the kernel (arm64, v6.1).
 */
static inline bool track_filter_by_stack(const struct track_filter *filter,
					 const struct track_event *event)
{
	return filter->flags & MEMDIAG_TRACK_BY_MODULE &&
	       (filter->flags & MEMDIAG_TRACK_ANYWHERE || !event->call_site ||
		event->kind == TRACK_PERCPU);
}

/* filter.c */
int track_filter_set(struct track_filter *filter, const struct memdiag_track_start *start);
void track_filter_put(struct track_filter *filter);
void track_filter_module(struct track_filter *filter, const struct module *mod,
			 unsigned long state);
bool track_filter_wants(const struct track_run *run, const struct track_event *event);
bool track_filter_on_stack(const struct track_filter *filter);
bool track_filter_has(const struct track_filter *filter, const unsigned long *frames, u32 nr);
bool track_filter_wants_stack(const struct track_filter *filter, const unsigned long *frames,
			      u32 nr, char *name);
size_t track_filter_print(const struct track_filter *filter, char *text, size_t size);

/* probe.c */
u32 track_stack_of(struct track_run *run, const struct track_event *event);
void track_put_object(struct track_run *run, const struct track_event *event, u32 n);
void track_allocated(struct track_run *run, const struct track_event *event);
void track_freed(struct track_run *run, enum track_kind kind, unsigned long address, bool late);
void track_account_free(struct track_run *run, const struct track_object *object);
void track_forget_pages(struct track_run *run, const struct page *page);
bool track_is_own(unsigned long address);
int track_probe_init(void);

/* blocks.c */
void track_block_add(struct track_run *run, u32 size);
void track_block_sub(struct track_run *run, u32 size);
void track_freed_pages(struct track_run *run, const struct page *page, unsigned int order);

/* check.c */
/* Slots of the table of objects between two looks at the scheduler. */
#define TRACK_BATCH	4096
u8 track_check(const struct track_run *run, unsigned long key, const struct track_object *object);
void track_check_all(struct track_run *run);

/* attach.c */
u32 track_attach_kinds(const char **why);
bool track_attach_late(void);
int track_attach(struct track_run *run);
void track_detach(struct track_run *run);
size_t track_attach_print(char *text, size_t size);

/* kprobes.c */
void track_kprobes_attach(struct track_run *run);
void track_kprobes_detach(struct track_run *run);
size_t track_kprobes_print(char *text, size_t size);
u64 track_kprobes_missed(bool frees);

/* names.c */
/* All the frames there may be. */
#define TRACK_TEXT	(TRACK_DEPTH_MAX * 256)
size_t track_print_stack(const struct track_stack *stack,
			 const char *(*name)(unsigned long address, char *text), char *text);
void track_names_notify(struct track_run *run, const struct module *mod, unsigned long state);

/* run.c */
extern struct mutex track_lock;
extern struct track_run *track_run;
extern bool track_armed;
extern u32 track_generation;
u64 track_sum_counter(const struct track_run *run, size_t offset);
void track_clear_sums(struct track_run *run);

#define track_counter(run, member) \
	track_sum_counter(run, offsetof(struct track_cpu, member))

#endif /* _MEMDIAG_TRACK_H */
