// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section net: one record per protocol with its sockets in all network
 * namespaces, its memory and its limits; one per protocol and namespace it has
 * sockets in; one per namespace for the fragments that wait to be put together, if
 * there are any; one per namespace with all of these; and one per slab cache of socket
 * buffers.
 *
 * Walks the kernel's list of protocols with the operations of
 * /proc/net/protocols and reads the public struct proto; at load tcp_prot must be
 * found in it. Namespaces are walked by their exported list. The caches are those
 * of section slab.
 *
 * Locks: proto_list_mutex, from the operations' start to their stop, while
 * protocols are noted with a reference to their modules; after that net_rwsem
 * for reading, let go after NET_BATCH namespaces, with a reference to the one to go
 * on from: one that has a reference stays in the list. Under both locks only reads
 * and pushes.
 *
 * Stale: sockets are counted per CPU and read without a lock. Memory is counted
 * ahead or behind by what memory_percpu says, on kernels that keep a part of it
 * per CPU.
 *
 * Skipped: protocols beyond NET_MAX_PROTOCOLS. Pages in flight in a page_pool:
 * its list is private to the kernel.
 */
#include <linux/err.h>
#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu_counter.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/inet_frag.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "../../compat/module.h"
#include "../../compat/net.h"
#include "../../memdiag.h"
#include "../../resolve/resolve.h"

#define NET_PROTOCOLS		"/proc/net/protocols"
#define NET_SOCKSTAT		"/proc/net/sockstat"
#define NET_MAX_PROTOCOLS	64
/* Namespaces to look at under one hold: each costs a sum over all CPUs per protocol. */
#define NET_BATCH		16
/* Slab caches whose names begin so are of socket buffers. */
#define NET_CACHES		"skbuff_"

struct net_record {
	u64 protocol;
	u64 net_ns;
	u64 kind;
	u64 sockets;
	u64 memory;
	u64 memory_percpu;
	u64 min;
	u64 pressure;
	u64 max;
	u64 under_pressure;
	u64 allocated;
	u64 orphans;
	u64 time_wait;
	u64 bytes;
	u64 obj_size;
};

static const struct memdiag_field_desc net_fields[] = {
	MEMDIAG_LABEL(net_record, protocol, STR, NONE, KEY_BRIEF,
		      "as in /proc/net/protocols; FRAG, FRAG6; all, of a namespace; or the name of a slab cache"),
	MEMDIAG_LABEL(net_record, net_ns, U64, NONE, KEY_BRIEF,
		      "network namespace, as in /proc/PID/ns/net; 0: all of them together"),
	MEMDIAG_LABEL(net_record, kind, STR, NONE, 0, "protocol, fragments, namespace or cache"),
	MEMDIAG_GAUGE(net_record, sockets, U64, NONE, BRIEF,
		      "sockets in use, as /proc/net/protocols has it: of TCP and UDP those with a port"),
	MEMDIAG_GAUGE(net_record, memory, U64, PAGES, INEXACT_BRIEF,
		      "memory of queues, as /proc/net/sockstat has it; off by memory_percpu; what protocols share (TCP, TCPv6) stands at the first"),
	MEMDIAG_GAUGE(net_record, memory_percpu, S64, PAGES, 0,
		      "what the CPUs have not yet added to it"),
	MEMDIAG_GAUGE(net_record, min, U64, PAGES, 0,
		      "no pressure below (first of tcp_mem, udp_mem)"),
	MEMDIAG_GAUGE(net_record, pressure, U64, PAGES, 0, "pressure above (second)"),
	MEMDIAG_GAUGE(net_record, max, U64, PAGES, BRIEF, "nothing is given above (third)"),
	MEMDIAG_GAUGE(net_record, under_pressure, BOOL, NONE, BRIEF, "it is under pressure now"),
	MEMDIAG_GAUGE(net_record, allocated, U64, NONE, 0,
		      "sockets that exist, also those closed but not yet done with"),
	MEMDIAG_GAUGE(net_record, orphans, U64, NONE, BRIEF, "of these, without a process; of TCP"),
	MEMDIAG_GAUGE(net_record, time_wait, U64, NONE, BRIEF, "connections in TIME_WAIT; of TCP"),
	MEMDIAG_GAUGE(net_record, bytes, U64, BYTES, BRIEF,
		      "memory of fragments that wait, or of the slab cache"),
	MEMDIAG_LABEL(net_record, obj_size, U64, BYTES, 0,
		      "size of one socket, without its queues"),
};

#ifdef CONFIG_INET

/**
 * struct net_protocol - a protocol that was noted
 * @prot: it, by a reference to its module
 * @sockets: in all namespaces
 */
struct net_protocol {
	struct proto *prot;
	u64 sockets;
};

/**
 * struct net_protocols - all of them
 * @nr: their number
 * @at: the protocols
 */
struct net_protocols {
	unsigned int nr;
	struct net_protocol at[NET_MAX_PROTOCOLS];
};

static struct memdiag_ops net_ops;
/* For what cannot be had otherwise; NULL if it can. */
static struct file *net_sockstat;

/* Call @fn for each protocol, under proto_list_mutex, until it does not return 0. */
static int net_walk_protocols(int (*fn)(struct proto *prot, void *arg), void *arg)
{
	struct seq_file m;
	/* Position 0 is that of the heading: the list's head, which is no protocol. */
	loff_t pos = 1;
	int error = 0;
	void *entry;

	memdiag_ops_seq(&net_ops, &m);
	entry = net_ops.op->start(&m, &pos);
	while (entry && !IS_ERR(entry) && !error) {
		error = fn(list_entry(entry, struct proto, node), arg);
		if (!error)
			entry = net_ops.op->next(&m, entry, &pos);
	}
	net_ops.op->stop(&m, entry);
	return error;
}

static int net_is_tcp(struct proto *prot, void *arg)
{
	return prot == &tcp_prot;
}

static int net_note_protocol(struct proto *prot, void *arg)
{
	struct net_protocols *protocols = arg;

	if (protocols->nr == NET_MAX_PROTOCOLS)
		return -EFBIG;
	/* One whose module is loading or going has no sockets. */
	if (memdiag_module_is_live(prot->owner) && try_module_get(prot->owner))
		protocols->at[protocols->nr++].prot = prot;
	return 0;
}

static void net_put_protocols(struct net_protocols *protocols)
{
	while (protocols->nr)
		module_put(protocols->at[--protocols->nr].prot->owner);
}

static struct net_record *net_push(struct memdiag_sink *sink, const char *protocol, u64 net_ns,
				   const char *kind)
{
	struct net_record *record = memdiag_push(sink);

	if (!record)
		return NULL;
	record->protocol = memdiag_push_string(sink, protocol);
	record->net_ns = net_ns;
	record->kind = memdiag_push_string(sink, kind);
	return record;
}

static int net_push_fragments(struct memdiag_sink *sink, u64 net_ns, const char *name,
			      const struct fqdir *fqdir, u64 *bytes)
{
	struct net_record *record;
	u64 waiting;

	waiting = fqdir ? max(frag_mem_limit(fqdir), 0L) : 0;
	if (!waiting)
		return 0;
	record = net_push(sink, name, net_ns, "fragments");
	if (!record)
		return -ENOSPC;
	record->bytes = waiting;
	*bytes += waiting;
	return 0;
}

/* Of one namespace; its list holds it, under net_rwsem. */
static int net_push_namespace(struct memdiag_sink *sink, struct net_protocols *protocols,
			      struct net *net)
{
	u64 time_wait = memdiag_net_time_wait(net), all = 0, bytes = 0;
	struct net_record *record;
	unsigned int i, sockets;
	int error;

	for (i = 0; i < protocols->nr; i++) {
		struct proto *prot = protocols->at[i].prot;

		sockets = sock_prot_inuse_get(net, prot);
		if (!sockets && (prot != &tcp_prot || !time_wait))
			continue;
		protocols->at[i].sockets += sockets;
		all += sockets;
		record = net_push(sink, prot->name, net->ns.inum, "protocol");
		if (!record)
			return -ENOSPC;
		record->sockets = sockets;
		if (prot == &tcp_prot)
			record->time_wait = time_wait;
	}
	error = net_push_fragments(sink, net->ns.inum, "FRAG", net->ipv4.fqdir, &bytes);
#if IS_ENABLED(CONFIG_IPV6)
	if (!error)
		error = net_push_fragments(sink, net->ns.inum, "FRAG6", net->ipv6.fqdir, &bytes);
#endif
	if (error)
		return error;
	record = net_push(sink, "all", net->ns.inum, "namespace");
	if (!record)
		return -ENOSPC;
	record->sockets = all;
	record->time_wait = time_wait;
	record->bytes = bytes;
	return 0;
}

static int net_push_namespaces(struct memdiag_sink *sink, struct net_protocols *protocols,
			       u64 *time_wait)
{
	struct net *net, *held = NULL;
	unsigned int nr = 0;
	int error = 0;

	down_read(&net_rwsem);
	for_each_net(net) {
		error = net_push_namespace(sink, protocols, net);
		if (error)
			break;
		*time_wait += memdiag_net_time_wait(net);
		/* One that is on its way out cannot be held: the next one then. */
		if (++nr < NET_BATCH || !maybe_get_net(net))
			continue;
		up_read(&net_rwsem);
		if (held)
			put_net(held);
		held = net;
		nr = 0;
		cond_resched();
		if (fatal_signal_pending(current))
			error = -EINTR;
		down_read(&net_rwsem);
		if (error)
			break;
	}
	up_read(&net_rwsem);
	if (held)
		put_net(held);
	return error;
}

/* The number behind a word of /proc/net/sockstat. */
static u64 net_sockstat_value(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	unsigned long long value;

	if (!at || sscanf(at + strlen(word), "%llu", &value) != 1)
		return MEMDIAG_ABSENT;
	return value;
}

static u64 net_orphans(struct memdiag_sink *sink)
{
	u64 orphans = memdiag_proto_orphans(&tcp_prot);
	char *text;
	ssize_t n;

	if (orphans != MEMDIAG_ABSENT || !net_sockstat)
		return orphans;
	n = memdiag_file_read_seq(net_sockstat, &text, SZ_64K);
	if (n < 0) {
		memdiag_mark_partial(sink, "orphans: " NET_SOCKSTAT " cannot be read: %pe",
				     ERR_PTR(n));
		return MEMDIAG_ABSENT;
	}
	orphans = net_sockstat_value(text, " orphan ");
	memdiag_free(text);
	return orphans;
}

/* Does another protocol, of a shorter name, count into the same? */
static bool net_is_shared(const struct net_protocols *protocols, const struct proto *prot)
{
	unsigned int i;

	for (i = 0; i < protocols->nr; i++) {
		const struct proto *other = protocols->at[i].prot;

		if (other != prot && other->memory_allocated == prot->memory_allocated &&
		    strlen(other->name) < strlen(prot->name))
			return true;
	}
	return false;
}

/* The limits are changed by sysctl, without a lock. */
static void net_fill_memory(struct net_record *record, struct proto *prot)
{
	record->memory = memdiag_proto_memory(prot);
	record->memory_percpu = memdiag_proto_percpu(prot);
	if (prot->sysctl_mem) {
		record->min = READ_ONCE(prot->sysctl_mem[0]);
		record->pressure = READ_ONCE(prot->sysctl_mem[1]);
		record->max = READ_ONCE(prot->sysctl_mem[2]);
	}
	if (prot->memory_pressure)
		record->under_pressure = !!READ_ONCE(*prot->memory_pressure);
	if (prot->sockets_allocated)
		record->allocated = percpu_counter_sum_positive(prot->sockets_allocated);
}

static int net_push_totals(struct memdiag_sink *sink, const struct net_protocols *protocols,
			   u64 time_wait)
{
	struct net_record *record;
	unsigned int i;

	for (i = 0; i < protocols->nr; i++) {
		struct proto *prot = protocols->at[i].prot;

		record = net_push(sink, prot->name, 0, "protocol");
		if (!record)
			return -ENOSPC;
		record->sockets = protocols->at[i].sockets;
		record->obj_size = prot->obj_size;
		if (prot->memory_allocated && !net_is_shared(protocols, prot))
			net_fill_memory(record, prot);
		if (prot == &tcp_prot) {
			record->orphans = net_orphans(sink);
			record->time_wait = time_wait;
		}
	}
	return 0;
}

/* The caches of socket buffers, out of section slab. */
static int net_push_caches(struct memdiag_sink *sink)
{
	const struct memdiag_sink *slab = memdiag_parent(sink, MEMDIAG_SEC_SLAB);
	int name_at, bytes_at;
	struct net_record *record;
	const char *name;
	unsigned int i;

	if (!slab) {
		memdiag_mark_partial(sink, "caches: section slab is unavailable");
		return 0;
	}
	name_at = memdiag_field_at(slab, "name");
	bytes_at = memdiag_field_at(slab, "bytes");
	for (i = 0; i < slab->nr_records; i++) {
		name = memdiag_string(sink, memdiag_value_at(slab, i, name_at));
		if (strncmp(name, NET_CACHES, strlen(NET_CACHES)))
			continue;
		record = memdiag_push(sink);
		if (!record)
			return -ENOSPC;
		record->protocol = memdiag_value_at(slab, i, name_at);
		record->net_ns = 0;
		record->kind = memdiag_push_string(sink, "cache");
		record->bytes = memdiag_value_at(slab, i, bytes_at);
	}
	return 0;
}

static int net_collect(struct memdiag_sink *sink)
{
	struct net_protocols *protocols;
	u64 time_wait = 0;
	int error;

	protocols = memdiag_alloc(1, sizeof(*protocols));
	if (!protocols)
		return -ENOMEM;
	if (net_walk_protocols(net_note_protocol, protocols))
		memdiag_mark_partial(sink, "there are more than %u protocols", NET_MAX_PROTOCOLS);
	error = net_push_namespaces(sink, protocols, &time_wait);
	if (!error)
		error = net_push_totals(sink, protocols, time_wait);
	net_put_protocols(protocols);
	memdiag_free(protocols);
	return error ?: net_push_caches(sink);
}

static void __init net_init(struct memdiag_status *status)
{
	int error = memdiag_ops_open(&net_ops, NET_PROTOCOLS);

	if (error) {
		memdiag_set_unavailable(status, error, NET_PROTOCOLS " cannot be walked: %pe",
					ERR_PTR(error));
		return;
	}
	if (!net_walk_protocols(net_is_tcp, NULL)) {
		memdiag_ops_close(&net_ops);
		memdiag_set_unavailable(status, -ENOENT,
					"tcp_prot is not found in " NET_PROTOCOLS);
		return;
	}
	memdiag_set_ok(status, MEMDIAG_SRC_OPS);
	if (memdiag_proto_orphans(&tcp_prot) != MEMDIAG_ABSENT)
		return;
	net_sockstat = memdiag_file_open(NET_SOCKSTAT);
	if (IS_ERR(net_sockstat)) {
		memdiag_set_partial(status, MEMDIAG_SRC_OPS,
				    "orphans: " NET_SOCKSTAT " cannot be opened: %pe",
				    net_sockstat);
		net_sockstat = NULL;
	}
}

static void net_exit(struct memdiag_status *status)
{
	if (net_sockstat)
		filp_close(net_sockstat, NULL);
	net_sockstat = NULL;
	memdiag_ops_close(&net_ops);
}

#else

static int net_collect(struct memdiag_sink *sink)
{
	return -EOPNOTSUPP;
}

static void __init net_init(struct memdiag_status *status)
{
	memdiag_set_unavailable(status, -EOPNOTSUPP, "CONFIG_INET is not set");
}

static void net_exit(struct memdiag_status *status)
{
}

#endif /* CONFIG_INET */

const struct memdiag_provider memdiag_net_provider __refconst = {
	.id = MEMDIAG_SEC_NET,
	.name = "net",
	.help = "per protocol and network namespace: sockets, memory against limits; page_pool is not seen",
	MEMDIAG_RECORDS(net_fields, net_record),
	.after = MEMDIAG_BIT(SLAB),
	.init = net_init,
	.exit = net_exit,
	.collect = net_collect,
};
