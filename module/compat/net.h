/* SPDX-License-Identifier: GPL-2.0-only */
/* <net/sock.h> and its neighbours, what differs between kernels. */
#ifndef _MEMDIAG_COMPAT_NET_H
#define _MEMDIAG_COMPAT_NET_H

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "../memdiag.h"

/**
 * memdiag_proto_memory() - memory that a protocol has accounted
 * @prot: with ->memory_allocated
 *
 * Up to v5.19 it is counted in pieces of 4096 bytes, whatever a page is.
 *
 * Return: pages.
 */
static inline u64 memdiag_proto_memory(const struct proto *prot)
{
	long value = max(0L, atomic_long_read(prot->memory_allocated));

#ifdef SK_MEM_QUANTUM
	return DIV_ROUND_UP_ULL((u64)value * SK_MEM_QUANTUM, PAGE_SIZE);
#else
	return value;
#endif
}

/**
 * memdiag_proto_percpu() - what the CPUs have not yet added to that
 * @prot: with ->memory_allocated
 *
 * 0defbb0af775 ("net: add per_cpu_fw_alloc field to struct proto", in v6.0)
 *
 * Return: pages, may be negative.
 */
static inline s64 memdiag_proto_percpu(const struct proto *prot)
{
	s64 sum = 0;
#ifndef SK_MEM_QUANTUM
	int cpu;

	if (prot->per_cpu_fw_alloc)
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(*per_cpu_ptr(prot->per_cpu_fw_alloc, cpu));
#endif
	return sum;
}

/**
 * memdiag_proto_orphans() - sockets that no process has any more
 * @prot: the protocol
 *
 * Return: their number; MEMDIAG_ABSENT if it is not counted, or no longer to be
 * found here (->orphan_count went between v6.12 and v7.3).
 */
static inline u64 memdiag_proto_orphans(const struct proto *prot)
{
#ifdef MEMDIAG_HAVE_PROTO_ORPHANS
	s64 sum = 0;
	int cpu;

	if (!prot->orphan_count)
		return MEMDIAG_ABSENT;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(prot->orphan_count, cpu));
	return max_t(s64, sum, 0);
#else
	return MEMDIAG_ABSENT;
#endif
}

/**
 * memdiag_sock_drops() - packets that a socket dropped
 * @sk: the socket, held
 *
 * From v6.18 on UDP and RAW count them per node, and sk_drops stays 0.
 *
 * Return: their number.
 */
static inline u64 memdiag_sock_drops(const struct sock *sk)
{
#ifdef MEMDIAG_HAVE_SK_DROPS_READ
	return (u32)sk_drops_read(sk);
#else
	return (u32)atomic_read(&sk->sk_drops);
#endif
}

/**
 * memdiag_net_time_wait() - TCP connections in TIME_WAIT
 * @net: the namespace
 *
 * Return: their number; MEMDIAG_ABSENT if IP is not built in.
 */
static inline u64 memdiag_net_time_wait(const struct net *net)
{
#if !defined(CONFIG_INET)
	return MEMDIAG_ABSENT;
#elif defined(MEMDIAG_HAVE_TW_REFCOUNT)
	/* One is the namespace's own. */
	return max_t(int, refcount_read(&net->ipv4.tcp_death_row.tw_refcount) - 1, 0);
#else
	return max_t(int, atomic_read(&net->ipv4.tcp_death_row.tw_count), 0);
#endif
}

#endif /* _MEMDIAG_COMPAT_NET_H */
