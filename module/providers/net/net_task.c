// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section net_task: one record per process and protocol: the sockets it has open,
 * and what their queues hold; and one per process that holds network namespaces by
 * open files. On request, for it looks at every open file of every process.
 *
 * Walks the tables of open files (task_walk.c); a socket or namespace found is held by a
 * reference to its file while it is looked at.
 *
 * What a queue takes from memory (rcv_memory) is more than the bytes in it
 * (rcv_bytes), as each packet pins the whole of what it was received into. The
 * bytes are told by the sequence numbers of TCP, and by walking the queue of
 * datagrams, at most NET_TASK_PACKETS of them. Rings of packet sockets are beside the
 * queues (packet_ring.c).
 *
 * Locks: below those of task_walk.c none; outside of them, with softirqs off, the
 * lock of a queue of datagrams, one at a time.
 *
 * Stale: counters of sockets are read without a lock. TCP that arrived out of
 * order counts as memory, not as bytes; a message of a UNIX stream that was read
 * in part counts whole.
 *
 * Skipped: sockets that no process has (orphans, those of the kernel, those in
 * flight in a message, connections that nobody accepted yet). One that several processes have open is counted in each
 * of them; one that a process has open twice once, unless many lie in between.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <linux/ns_common.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/af_unix.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../../compat/net.h"
#include "../../memdiag.h"
#include "packet_ring.h"
#include "../../readers/task_walk.h"

/* Packets of a queue to look at under its lock. */
#define NET_TASK_PACKETS	1024

struct net_task_record {
	u64 pid;
	u64 start_time;
	u64 protocol;
	u64 comm;
	u64 sockets;
	u64 rcv_memory;
	u64 rcv_bytes;
	u64 rcv_overhead;
	u64 snd_memory;
	u64 snd_queue;
	u64 forward;
	u64 drops;
	u64 listening;
	u64 rings;
	u64 in_flight;
	u64 namespaces;
};

static const struct memdiag_field_desc net_task_fields[] = {
	MEMDIAG_LABEL(net_task_record, pid, U64, NONE, KEY_BRIEF,
		      "process that has them open, as in section task"),
	MEMDIAG_LABEL(net_task_record, start_time, U64, NS, KEY, "likewise"),
	MEMDIAG_LABEL(net_task_record, protocol, STR, NONE, KEY_BRIEF,
		      "as in section net; namespace"),
	MEMDIAG_LABEL(net_task_record, comm, STR, NONE, BRIEF, "name of the process, any bytes"),
	MEMDIAG_GAUGE(net_task_record, sockets, U64, NONE, BRIEF, "its sockets of the protocol"),
	MEMDIAG_GAUGE(net_task_record, rcv_memory, U64, BYTES, BRIEF,
		      "memory of their receive queues"),
	MEMDIAG_GAUGE(net_task_record, rcv_bytes, U64, BYTES, BRIEF,
		      "bytes in them that wait to be read; absent if too many packets to count, or not known for the protocol"),
	MEMDIAG_GAUGE(net_task_record, rcv_overhead, U64, PERMILLE, BRIEF,
		      "memory for a byte: rcv_memory by rcv_bytes; absent without either; UNIX sockets count at the sender"),
	MEMDIAG_GAUGE(net_task_record, snd_memory, U64, BYTES, BRIEF,
		      "memory of what they sent and is still on its way"),
	MEMDIAG_GAUGE(net_task_record, snd_queue, U64, BYTES, 0,
		      "of streams: memory of what is not yet acknowledged or sent"),
	MEMDIAG_GAUGE(net_task_record, forward, U64, BYTES, 0,
		      "accounted ahead, for what is to come"),
	MEMDIAG_GAUGE(net_task_record, drops, U64, NONE, 0,
		      "packets dropped for want of room and the like, of the sockets that are there"),
	MEMDIAG_GAUGE(net_task_record, listening, U64, NONE, 0,
		      "of the sockets, those that listen"),
	MEMDIAG_GAUGE(net_task_record, rings, U64, BYTES, BRIEF,
		      "rings of packet sockets, beside their queues; absent if the kernel has no BTF that tells where they are"),
	MEMDIAG_GAUGE(net_task_record, in_flight, U64, NONE, BRIEF,
		      "files in messages that wait in their queues, of UNIX sockets"),
	MEMDIAG_GAUGE(net_task_record, namespaces, U64, NONE, BRIEF,
		      "network namespaces that it holds by open files, beside the one it is in"),
};

/**
 * struct net_task_walk - what a walk carries along
 * @sink: where to
 * @pid: process of the records from @first on
 * @first: its first record
 * @inos: of its last sockets and namespaces, against those it has open twice
 */
struct net_task_walk {
	struct memdiag_sink *sink;
	pid_t pid;
	unsigned int first;
	unsigned long inos[64];
};

/* Not a socket opened with O_PATH, which may have been closed. */
static bool net_task_wanted(const struct file *file, void *arg)
{
	unsigned long magic = file_inode(file)->i_sb->s_magic;

	return magic == NSFS_MAGIC || (magic == SOCKFS_MAGIC && !(file->f_mode & FMODE_PATH));
}

/* An open file holds its namespace, and the operations are the kernel's own. */
static bool net_task_is_namespace(const struct file *file)
{
	const struct ns_common *ns = get_proc_ns(file_inode(file));

	return ns && ns->ops && !strcmp(ns->ops->name, "net");
}

/* Those of a few files back are enough: a copy mostly follows its original. */
static bool net_task_again(struct net_task_walk *walk, const struct inode *inode)
{
	/* Sockets and namespaces have numbers of their own each. */
	unsigned long ino = inode->i_ino << 1 | (inode->i_sb->s_magic == NSFS_MAGIC);
	unsigned long *slot = &walk->inos[inode->i_ino % ARRAY_SIZE(walk->inos)];

	if (*slot == ino)
		return true;
	*slot = ino;
	return false;
}

/* Bytes in a queue that is changed under its own lock only. */
static u64 net_task_queue(struct memdiag_sink *sink, struct sk_buff_head *queue)
{
	const struct sk_buff *skb;
	unsigned int nr = 0;
	u64 bytes = 0;

	spin_lock_bh(&queue->lock);
	memdiag_lock_begin(sink);
	skb_queue_walk(queue, skb) {
		if (nr++ == NET_TASK_PACKETS) {
			bytes = MEMDIAG_ABSENT;
			break;
		}
		bytes += skb->len;
	}
	memdiag_lock_end(sink);
	spin_unlock_bh(&queue->lock);
	return bytes;
}

static u64 net_task_add(u64 a, u64 b)
{
	return a == MEMDIAG_ABSENT || b == MEMDIAG_ABSENT ? MEMDIAG_ABSENT : a + b;
}

static u64 net_task_udp_bytes(struct memdiag_sink *sink, struct sock *sk)
{
	return net_task_add(net_task_queue(sink, &sk->sk_receive_queue),
			    net_task_queue(sink, &udp_sk(sk)->reader_queue));
}

static u64 net_task_tcp_bytes(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	/* What waits in a listening one is connections. */
	if (READ_ONCE(sk->sk_state) == TCP_LISTEN)
		return 0;
	/* As /proc/net/tcp has it, which also reads without the lock. */
	return max_t(int, READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq), 0);
}

/* Bytes that wait to be read, where it is known how to tell. */
static u64 net_task_bytes(struct memdiag_sink *sink, struct sock *sk)
{
	bool inet = sk->sk_family == AF_INET || sk->sk_family == AF_INET6;

	if (!atomic_read(&sk->sk_rmem_alloc) && sk->sk_family != AF_UNIX)
		return 0;
	if (inet && sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP)
		return net_task_tcp_bytes(sk);
	if (inet && sk->sk_type == SOCK_DGRAM && sk->sk_protocol == IPPROTO_UDP)
		return net_task_udp_bytes(sink, sk);
	if (sk->sk_family == AF_UNIX || sk->sk_family == AF_NETLINK ||
	    (inet && sk->sk_type == SOCK_RAW))
		return net_task_queue(sink, &sk->sk_receive_queue);
	return MEMDIAG_ABSENT;
}

static struct net_task_record *net_task_record(const struct net_task_walk *walk,
					       struct task_struct *leader, u64 protocol)
{
	struct memdiag_sink *sink = walk->sink;
	struct net_task_record *record;
	char comm[TASK_COMM_LEN];
	unsigned int i;

	for (i = walk->first; i < sink->nr_records; i++) {
		record = memdiag_record(sink, i);
		if (!strcmp(memdiag_string(sink, record->protocol),
			    memdiag_string(sink, protocol)))
			return record;
	}
	record = memdiag_push_kept(sink);
	if (!record)
		return NULL;
	memset(record, 0, sizeof(*record));
	record->pid = leader->tgid;
	record->start_time = leader->start_boottime;
	record->protocol = protocol;
	get_task_comm(comm, leader);
	record->comm = memdiag_push_string(sink, comm);
	record->rcv_overhead = MEMDIAG_ABSENT;
	return record;
}

/* Each number is right by itself; they move while they are read. */
static void net_task_fill(struct memdiag_sink *sink, struct net_task_record *record,
			  struct sock *sk)
{
	record->sockets++;
	record->rcv_memory += max(atomic_read(&sk->sk_rmem_alloc), 0);
	record->rcv_bytes = net_task_add(record->rcv_bytes, net_task_bytes(sink, sk));
	record->snd_memory += max(sk_wmem_alloc_get(sk), 0);
	record->snd_queue += max(READ_ONCE(sk->sk_wmem_queued), 0);
	record->forward += max(READ_ONCE(sk->sk_forward_alloc), 0);
	record->drops += memdiag_sock_drops(sk);
	record->listening += READ_ONCE(sk->sk_state) == TCP_LISTEN;
	record->rings = net_task_add(record->rings, memdiag_packet_rings(sk));
	if (sk->sk_family == AF_UNIX)
		record->in_flight += max(atomic_read(&unix_sk(sk)->scm_stat.nr_fds), 0);
}

static int net_task_found(struct task_struct *leader, struct file *file, void *arg)
{
	struct net_task_walk *walk = arg;
	struct inode *inode = file_inode(file);
	struct net_task_record *record;
	struct sock *sk = NULL;
	u64 protocol;

	if (walk->pid != leader->tgid) {
		walk->pid = leader->tgid;
		walk->first = walk->sink->nr_records;
		memset(walk->inos, 0, sizeof(walk->inos));
	}
	/* Both stay while the file does, which is ours. */
	if (inode->i_sb->s_magic == SOCKFS_MAGIC) {
		sk = READ_ONCE(SOCKET_I(inode)->sk);
		if (!sk)
			return 0;
	} else if (!net_task_is_namespace(file)) {
		return 0;
	}
	if (net_task_again(walk, inode))
		return 0;
	protocol = memdiag_push_string(walk->sink,
				       sk ? READ_ONCE(sk->sk_prot)->name : "namespace");
	record = net_task_record(walk, leader, protocol);
	if (!record)
		return -ENOSPC;
	if (sk)
		net_task_fill(walk->sink, record, sk);
	else
		record->namespaces++;
	return 0;
}

static int net_task_collect(struct memdiag_sink *sink)
{
	struct net_task_walk walk = { .sink = sink };
	const struct memdiag_walk files = {
		.wanted = net_task_wanted,
		.found = net_task_found,
		.sink = sink,
		.arg = &walk,
	};

	return memdiag_walk_files(&files);
}

static int net_task_finish(struct memdiag_sink *sink)
{
	unsigned int i;

	for (i = 0; i < sink->nr_records; i++) {
		struct net_task_record *record = memdiag_record(sink, i);

		if (record->rcv_memory && record->rcv_bytes &&
		    record->rcv_bytes != MEMDIAG_ABSENT)
			record->rcv_overhead = div64_u64(record->rcv_memory * 1000,
							 record->rcv_bytes);
	}
	return 0;
}

static void __init net_task_init(struct memdiag_status *status)
{
	if (!IS_ENABLED(CONFIG_NET)) {
		memdiag_set_unavailable(status, -EOPNOTSUPP, "CONFIG_NET is not set");
		return;
	}
	memdiag_packet_ring_init();
	memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
}

const struct memdiag_provider memdiag_net_task_provider __refconst = {
	.id = MEMDIAG_SEC_NET_TASK,
	.name = "net_task",
	.help = "per process and protocol: the sockets it has open, what their queues hold; namespaces it has open",
	MEMDIAG_RECORDS(net_task_fields, net_task_record),
	.on_request = true,
	.init = net_task_init,
	.collect = net_task_collect,
	.finish = net_task_finish,
};
