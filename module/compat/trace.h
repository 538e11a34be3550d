/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <trace/events/kmem.h> and <trace/events/percpu.h>: the arguments of the tracepoints of
 * the allocators, in the forms they have had. Whoever defines a probe by these has
 * it checked against the kernel's own declaration.
 */
#ifndef _MEMDIAG_COMPAT_TRACE_H
#define _MEMDIAG_COMPAT_TRACE_H

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <trace/events/kmem.h>
#include <trace/events/percpu.h>

/*
 * 11e9734bcb6a ("mm/slab_common: unify NUMA and UMA version of tracepoints", in v6.1)
 * took out the two events for NUMA and gave their argument to the others. The event of
 * kmem_cache_alloc() tells its cache since then, and no sizes.
 */
#ifdef MEMDIAG_HAVE_KMEM_NODE_EVENTS
#define MEMDIAG_KMALLOC_ARGS	unsigned long call_site, const void *ptr, \
				size_t req, size_t alloc, gfp_t gfp
/* Calls another one with what a probe was called with. */
#define MEMDIAG_KMALLOC_CALL(probe, data)	probe(data, call_site, ptr, req, alloc, gfp)
#define MEMDIAG_CACHE_ALLOC_ARGS MEMDIAG_KMALLOC_ARGS
#define MEMDIAG_CACHE_ALLOC_CALL	MEMDIAG_KMALLOC_CALL
#define MEMDIAG_CACHE_ALLOC_CACHE	NULL
#define MEMDIAG_CACHE_ALLOC_SIZE	alloc
#define MEMDIAG_CACHE_ALLOC_ASKED	req
#else
#define MEMDIAG_KMALLOC_ARGS	unsigned long call_site, const void *ptr, \
				size_t req, size_t alloc, gfp_t gfp, int node
#define MEMDIAG_KMALLOC_CALL(probe, data)	probe(data, call_site, ptr, req, alloc, gfp, node)
#define MEMDIAG_CACHE_ALLOC_ARGS unsigned long call_site, const void *ptr, \
				struct kmem_cache *s, gfp_t gfp, int node
#define MEMDIAG_CACHE_ALLOC_CALL(probe, data)	probe(data, call_site, ptr, s, gfp, node)
#define MEMDIAG_CACHE_ALLOC_CACHE	s
/* To be had from the cache. */
#define MEMDIAG_CACHE_ALLOC_SIZE	0
#define MEMDIAG_CACHE_ALLOC_ASKED	kmem_cache_size(s)
#endif

/*
 * In v5.10 kmem_cache_free() had the event of kfree(), behind the free. 3544de8ee6e4
 * ("mm, tracing: record slab name for kmem_cache_free()", in v5.12) added the name and
 * brought it in front; later it was the cache.
 */
#if defined(MEMDIAG_HAVE_KMEM_FREE_CLASS)
#define MEMDIAG_CACHE_FREE_ARGS	unsigned long call_site, const void *ptr
#define MEMDIAG_CACHE_FREE_LATE	true
#elif defined(MEMDIAG_HAVE_KMEM_FREE_NAME)
#define MEMDIAG_CACHE_FREE_ARGS	unsigned long call_site, const void *ptr, const char *name
#define MEMDIAG_CACHE_FREE_LATE	false
#else
#define MEMDIAG_CACHE_FREE_ARGS	unsigned long call_site, const void *ptr, \
				const struct kmem_cache *s
#define MEMDIAG_CACHE_FREE_LATE	false
#endif

/*
 * f67bed134a05 ("percpu: improve percpu_alloc_percpu event trace", in v5.19) has the
 * caller, and the bytes of all CPUs.
 */
#ifdef MEMDIAG_HAVE_PERCPU_CALL_SITE
#define MEMDIAG_PERCPU_ALLOC_ARGS unsigned long call_site, bool reserved, bool is_atomic, \
				size_t size, size_t align, void *base_addr, int off, \
				void __percpu *ptr, size_t bytes_alloc, gfp_t gfp
#define MEMDIAG_PERCPU_CALL_SITE	call_site
#else
#define MEMDIAG_PERCPU_ALLOC_ARGS bool reserved, bool is_atomic, size_t size, size_t align, \
				void *base_addr, int off, void __percpu *ptr
#define MEMDIAG_PERCPU_CALL_SITE	0
#endif

#endif /* _MEMDIAG_COMPAT_TRACE_H */
