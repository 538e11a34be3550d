// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who took the memory of a stack: the first frames say, once those that only allocate for
 * their callers are skipped.
 */
#include <string.h>

#include "leakcheck.h"

/* Functions that allocate for whoever calls them, by what their names begin with. */
static const char *const allocators[] = {
	"__alloc_pages",
	"alloc_pages",
	"__alloc_frozen_pages",
	"alloc_frozen_pages",
	"__folio_alloc",
	"folio_alloc",
	"__get_free_pages",
	"get_free_pages",
	"get_zeroed_page",
	"kmalloc",
	"__kmalloc",
	"__do_kmalloc",
	"kmem_cache_alloc",
	"__kmem_cache_alloc",
	"slab_",
	"__slab_alloc",
	"___slab_alloc",
	"krealloc",
	"__krealloc",
	"__do_krealloc",
	"kmemdup",
	"kstrdup",
	"kstrndup",
	"kasprintf",
	"kvasprintf",
	"memdup_user",
	"kvmalloc",
	"__kvmalloc",
	"kvrealloc",
	"vmalloc",
	"__vmalloc",
	"vzalloc",
	"__get_vm_area",
	"get_vm_area",
	"vm_area_alloc_pages",
	"vmemdup_user",
	"pcpu_alloc",
	"__alloc_percpu",
	"alloc_skb",
	"__alloc_skb",
	"__netdev_alloc_skb",
	"__napi_alloc_skb",
	"mempool_alloc",
	"dma_alloc",
	"__dma_direct_alloc",
	"dma_direct_alloc",
};

static bool is_allocator(const char *frame)
{
	for (size_t n = 0; n < sizeof(allocators) / sizeof(allocators[0]); n++)
		if (!strncmp(frame, allocators[n], strlen(allocators[n])))
			return true;
	return false;
}

/* "function+0x1/0x2 [module]" or "[module (unloaded)]" */
static bool is_frame_of(const char *frame, size_t length, const char *module)
{
	const char *at = memchr(frame, '[', length);
	size_t n = strlen(module);

	return at && (size_t)(frame + length - at) > n + 1 && !memcmp(at + 1, module, n) &&
	       (at[n + 1] == ']' || at[n + 1] == ' ');
}

/*
 * Whether @module, NULL for the one that the stack belongs to, called an allocator itself: the
 * first frame that does not just allocate for its caller lies in the module.
 */
bool leak_owner_is_direct(const struct leak_row *row, const char *module)
{
	const char *frame = row->name;
	size_t length;

	if (!module)
		module = row->module;
	if (!*module)
		return false;
	for (;;) {
		length = strcspn(frame, ";");
		if (length && frame[length - 1] == ']')
			return is_frame_of(frame, length, module);
		if (!frame[length] || !is_allocator(frame))
			return false;
		frame += length + 1;
	}
}

/* What those call who want an object of a slab cache, or give one back. */
static bool is_slab_entry(const char *frame)
{
	static const char *const begins[] = { "kmem_cache_alloc", "__kmem_cache_alloc",
					      "__kmalloc",	  "kmalloc_trace",
					      "kmalloc_large",	  "kmalloc_node_trace",
					      "kmem_cache_free" };
	static const char *const names[] = { "kfree+", "kvfree_call_rcu+" };

	for (size_t n = 0; n < sizeof(begins) / sizeof(begins[0]); n++)
		if (!strncmp(frame, begins[n], strlen(begins[n])))
			return true;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (!strncmp(frame, names[n], strlen(names[n])))
			return true;
	return false;
}

/*
 * Whether the slab allocator, or what watches it, keeps the memory. Somebody called the
 * allocator then, and that called others, which called it again: its sheaves, the tables of a
 * slab, what kmemleak remembers.
 */
bool leak_owner_is_slab(const struct leak_row *row)
{
	const char *frame = row->name;
	bool begun = false;

	if (row->kind != MEMDIAG_LEAK_SLAB)
		return false;
	for (;;) {
		size_t length = strcspn(frame, ";");

		/* A module is nobody whom the allocator calls for its own purposes. */
		if (length && frame[length - 1] == ']')
			return false;
		if (begun && is_slab_entry(frame))
			return true;
		begun = begun || !is_allocator(frame);
		if (!frame[length])
			return false;
		frame += length + 1;
	}
}
