// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections net, net_task and net_counter: against /proc/net/protocols, sockstat,
 * tcp_mem and udp_mem, /proc/net/snmp and netstat, /proc/net/tcp and udp; and with
 * known amounts: unread sockets, an orphan, a connection in TIME_WAIT, packet rings,
 * sockets in another namespace, and who holds that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define DATAGRAMS	20
#define DATAGRAM	1000
#define STREAM		100000
#define LOCAL		5000
#define ELSEWHERE	13
#define BLOCKS		6
#define FILES		7

static unsigned long long net_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

/* --- protocols --------------------------------------------------------------- */

static void limit_facts(struct facts *facts, const char *protocol, const char *path)
{
	static const char *const names[] = { "min", "pressure", "max" };
	char *text = file_read("%s", path), *rest = text, *word;
	unsigned int i;

	for (i = 0; text && i < 3 && (word = file_word(&rest)); i++)
		facts_number(facts, atoll(word), "%s/%s", protocol, names[i]);
	free(text);
}

static bool net_kernel(struct facts *facts)
{
	char *text = file_read("/proc/net/sockstat"), *rest = text, *line, name[64], press[8];
	long long sockets, memory, orphans, alloc, time_wait = 0, waiting = 0, all = 0;

	while (text && (line = file_line(&rest))) {
		if (sscanf(line, "TCP: inuse %*d orphan %lld tw %lld alloc %lld", &orphans,
			   &time_wait, &alloc) == 3) {
			facts_number(facts, orphans, "TCP/orphans");
			facts_number(facts, alloc, "TCP/allocated");
		}
		if (sscanf(line, "FRAG: inuse %*d memory %lld", &waiting) == 1 && waiting)
			facts_number(facts, waiting, "FRAG/bytes");
	}
	free(text);
	text = file_read("/proc/net/sockstat6");
	rest = text;
	while (text && (line = file_line(&rest)))
		if (sscanf(line, "FRAG6: inuse %*d memory %lld", &memory) == 1)
			waiting += memory;
	free(text);
	facts_number(facts, waiting, "all/bytes");
	facts_number(facts, time_wait, "all/time_wait");
	text = file_read("/proc/net/protocols");
	rest = text;
	if (!text)
		return false;
	while ((line = file_line(&rest))) {
		bool tcp;

		if (sscanf(line, "%63s %*d %lld %lld %7s", name, &sockets, &memory, press) != 4)
			continue;
		all += sockets;
		tcp = !strcmp(name, "TCP");
		if (sockets || (tcp && time_wait))
			facts_number(facts, sockets, "%s/sockets", name);
		if (tcp && (sockets || time_wait))
			facts_number(facts, time_wait, "TCP/time_wait");
		/* Others share these, and have no record of it. */
		if (!tcp && strcmp(name, "UDP"))
			continue;
		facts_number(facts, memory, "%s/memory", name);
		if (strcmp(press, "NI"))
			facts_number(facts, !strcmp(press, "yes"), "%s/under_pressure", name);
	}
	free(text);
	facts_number(facts, all, "all/sockets");
	limit_facts(facts, "TCP", "/proc/sys/net/ipv4/tcp_mem");
	limit_facts(facts, "UDP", "/proc/sys/net/ipv4/udp_mem");
	return true;
}

static void net_memdiag(struct facts *facts, const struct snap *snap,
			const struct memdiag_section *s)
{
	static const char *const fields[] = { "memory", "under_pressure", "min", "pressure", "max",
					      "orphans" };
	const unsigned long long ns = net_ns();
	const char *protocol, *kind;
	unsigned int i;
	bool all, core;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		protocol = snap_get_string(snap, s, n, "protocol");
		kind = snap_get_string(snap, s, n, "kind");
		all = !snap_get(snap, s, n, "net_ns");
		core = !strcmp(protocol, "TCP") || !strcmp(protocol, "UDP");
		for (i = 0; all && core && i < 6; i++)
			facts_field(facts, snap, s, n, snap_field_named(snap, s, fields[i]),
				    protocol);
		if (all && !strcmp(protocol, "TCP"))
			facts_field(facts, snap, s, n, snap_field_named(snap, s, "allocated"),
				    protocol);
		if (snap_get(snap, s, n, "net_ns") != ns)
			continue;
		facts_field(facts, snap, s, n, snap_field_named(snap, s, "time_wait"), protocol);
		if (!strcmp(kind, "protocol") || !strcmp(kind, "namespace"))
			facts_field(facts, snap, s, n, snap_field_named(snap, s, "sockets"),
				    protocol);
		if (!strcmp(protocol, "FRAG") || !strcmp(kind, "namespace"))
			facts_field(facts, snap, s, n, snap_field_named(snap, s, "bytes"),
				    protocol);
	}
}

static const struct oracle net_oracle = {
	.name = "net",
	.section = MEMDIAG_SEC_NET,
	.kernel = net_kernel,
	.memdiag = net_memdiag,
};

/* --- counters ---------------------------------------------------------------- */

static void counter_file(struct facts *facts, const char *path)
{
	char *text = file_read("%s", path), *rest = text, *names, *values, *prefix, *name, *value;

	while (text && (names = file_line(&rest)) && (values = file_line(&rest))) {
		prefix = file_word(&names);
		file_word(&values);
		prefix[strlen(prefix) - 1] = '\0';
		while ((name = file_word(&names)) && (value = file_word(&values)))
			facts_number(facts, atoll(value), "%s%s", prefix, name);
	}
	free(text);
}

static bool counter_kernel(struct facts *facts)
{
	counter_file(facts, "/proc/net/snmp");
	counter_file(facts, "/proc/net/netstat");
	return facts->nr;
}

static void counter_memdiag(struct facts *facts, const struct snap *snap,
			    const struct memdiag_section *s)
{
	uint64_t n;

	for (n = 0; n < s->nr_records; n++)
		facts_number(facts, snap_get(snap, s, n, "value"), "%s",
			     snap_get_string(snap, s, n, "name"));
}

static const struct oracle counter_oracle = {
	.name = "net_counter",
	.section = MEMDIAG_SEC_NET_COUNTER,
	.kernel = counter_kernel,
	.memdiag = counter_memdiag,
};

/* --- known amounts ------------------------------------------------------------ */

/* What this process has of a protocol, or of namespaces. */
struct mine {
	uint64_t records;
	uint64_t sockets;
	uint64_t listening;
	uint64_t memory;
	uint64_t bytes;
	uint64_t overhead;
	uint64_t drops;
	uint64_t rings;
	uint64_t in_flight;
	uint64_t namespaces;
};

static struct mine look(const char *protocol)
{
	const struct memdiag_section *s;
	struct mine mine = {};
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(NET_TASK));
	s = snap_section(&snap, MEMDIAG_SEC_NET_TASK);
	for (n = 0; n < s->nr_records; n++) {
		if (snap_get(&snap, s, n, "pid") != (uint64_t)getpid() ||
		    strcmp(snap_get_string(&snap, s, n, "protocol"), protocol))
			continue;
		mine.records++;
		mine.sockets = snap_get(&snap, s, n, "sockets");
		mine.listening = snap_get(&snap, s, n, "listening");
		mine.memory = snap_get(&snap, s, n, "rcv_memory");
		mine.bytes = snap_get(&snap, s, n, "rcv_bytes");
		mine.overhead = snap_get(&snap, s, n, "rcv_overhead");
		mine.drops = snap_get(&snap, s, n, "drops");
		mine.rings = snap_get(&snap, s, n, "rings");
		mine.in_flight = snap_get(&snap, s, n, "in_flight");
		mine.namespaces = snap_get(&snap, s, n, "namespaces");
	}
	snap_drop(&snap);
	return mine;
}

/* A value of section net. */
static uint64_t net_value(const char *protocol, unsigned long long ns, const char *field)
{
	const struct memdiag_section *s;
	uint64_t n, value = MEMDIAG_ABSENT;
	struct snap snap;

	snap_take(&snap, SNAP_BIT(NET));
	s = snap_section(&snap, MEMDIAG_SEC_NET);
	for (n = 0; n < s->nr_records; n++)
		if (snap_get(&snap, s, n, "net_ns") == ns &&
		    !strcmp(snap_get_string(&snap, s, n, "protocol"), protocol))
			value = snap_get(&snap, s, n, field);
	snap_drop(&snap);
	return value;
}

static uint64_t counter_value(const char *name)
{
	const struct memdiag_section *s;
	uint64_t n, value = MEMDIAG_ABSENT;
	struct snap snap;

	snap_take(&snap, SNAP_BIT(NET_COUNTER));
	s = snap_section(&snap, MEMDIAG_SEC_NET_COUNTER);
	for (n = 0; n < s->nr_records; n++)
		if (!strcmp(snap_get_string(&snap, s, n, "name"), name))
			value = snap_get(&snap, s, n, "value");
	snap_drop(&snap);
	return value;
}

/* The receive queues of all sockets in /proc/net/tcp or udp, but not listeners. */
static uint64_t rx_queues(const char *path)
{
	char *text = file_read("%s", path), *rest = text, *line;
	unsigned long long rx, sum = 0;
	unsigned int state;

	while (text && (line = file_line(&rest)))
		if (sscanf(line, " %*d: %*x:%*x %*x:%*x %x %*x:%llx", &state, &rx) == 2 &&
		    (state != 0x0a || strstr(path, "udp")))
			sum += rx;
	free(text);
	return sum;
}

static bool equal(const char *what, uint64_t value, uint64_t want)
{
	if (value != want)
		ktap_note("%s: %llu, not %llu", what, (unsigned long long)value,
			  (unsigned long long)want);
	return value == want;
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		ktap_note("lo: %s", strerror(errno));
	close(fd);
}

/* A socket bound to a port of the loopback address that is free. */
static int bound(int type, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)address, length) ||
	    getsockname(fd, (struct sockaddr *)address, &length))
		ktap_bail("socket: %s", strerror(errno));
	return fd;
}

static void known_udp(void)
{
	struct sockaddr_in address;
	char data[DATAGRAM] = "";
	int from, to, again, i;
	struct mine mine;
	uint64_t sent = counter_value("UdpOutDatagrams");

	to = bound(SOCK_DGRAM, &address);
	from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	again = dup(to);
	for (i = 0; i < DATAGRAMS; i++)
		sendto(from, data, sizeof(data), 0, (struct sockaddr *)&address, sizeof(address));
	mine = look("UDP");
	ktap_ok(equal("records", mine.records, 1) & equal("sockets", mine.sockets, 2) &
			equal("bytes", mine.bytes, DATAGRAMS * DATAGRAM) &
			equal("memory", mine.memory, rx_queues("/proc/net/udp")) &
			equal("overhead", mine.overhead, mine.memory * 1000 / mine.bytes) &
			(mine.memory > mine.bytes),
		"oracle_net: known: %d unread datagrams of %d bytes take %llu", DATAGRAMS,
		DATAGRAM, (unsigned long long)mine.memory);
	ktap_ok(equal("UdpOutDatagrams", counter_value("UdpOutDatagrams"), sent + DATAGRAMS),
		"oracle_net: known: so many were counted");
	oracle_run(&net_oracle);
	for (i = 0; i < DATAGRAMS; i++)
		if (recv(to, data, sizeof(data), MSG_DONTWAIT) != DATAGRAM)
			ktap_note("recv: %s", strerror(errno));
	mine = look("UDP");
	ktap_ok(equal("bytes", mine.bytes, 0) & equal("memory", mine.memory, 0) &
			equal("overhead", mine.overhead, MEMDIAG_ABSENT),
		"oracle_net: known: nothing is left when they are read");
	close(from);
	close(to);
	close(again);
	mine = look("UDP");
	ktap_ok(equal("records", mine.records, 0), "oracle_net: known: and no record when closed");
}

/* The drops of the socket that is bound to a port, in /proc/net/udp. */
static uint64_t udp_drops(const struct sockaddr_in *address)
{
	char *text = file_read("/proc/net/udp"), *rest = text, *line;
	unsigned long long drops, found = 0;
	unsigned int port;

	while (text && (line = file_line(&rest)))
		if (sscanf(line,
			   " %*d: %*x:%x %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &port,
			   &drops) == 2 &&
		    port == ntohs(address->sin_port))
			found = drops;
	free(text);
	return found;
}

/* More than the queue has room for, of UDP. */
static void known_drops(void)
{
	struct sockaddr_in address;
	char data[DATAGRAM] = "";
	int from, to, i, room = 1;
	struct mine mine;

	to = bound(SOCK_DGRAM, &address);
	from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(to, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (i = 0; i < DATAGRAMS; i++)
		sendto(from, data, sizeof(data), 0, (struct sockaddr *)&address, sizeof(address));
	mine = look("UDP");
	ktap_ok(equal("drops", mine.drops, udp_drops(&address)) & (mine.drops > 0),
		"oracle_net: known: of %d datagrams %llu were dropped", DATAGRAMS,
		(unsigned long long)mine.drops);
	close(from);
	close(to);
}

/* Until a number is as wanted, or two seconds. */
static bool becomes(const char *protocol, unsigned long long ns, const char *field, uint64_t want)
{
	int i;

	for (i = 0; i < 20; i++) {
		if (net_value(protocol, ns, field) == want)
			return true;
		usleep(100000);
	}
	return equal(field, net_value(protocol, ns, field), want);
}

static void known_tcp(void)
{
	const unsigned long long ns = net_ns();
	uint64_t orphans, time_wait;
	struct sockaddr_in address;
	char *data = calloc(1, STREAM);
	int listener, client, server;
	struct mine mine;
	ssize_t n, sum;

	listener = bound(SOCK_STREAM, &address);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listen(listener, 1) || connect(client, (struct sockaddr *)&address, sizeof(address)))
		ktap_bail("connect: %s", strerror(errno));
	server = accept(listener, NULL, NULL);
	for (sum = 0; sum < STREAM && (n = send(client, data, STREAM - sum, MSG_DONTWAIT)) > 0;)
		sum += n;
	usleep(200000);
	mine = look("TCP");
	ktap_ok(equal("sockets", mine.sockets, 3) & equal("listening", mine.listening, 1) &
			equal("bytes", mine.bytes, rx_queues("/proc/net/tcp")) &
			(mine.bytes > 0) & (mine.memory > mine.bytes / 2),
		"oracle_net: known: %zd bytes sent, %llu wait to be read and take %llu", sum,
		(unsigned long long)mine.bytes, (unsigned long long)mine.memory);
	oracle_run(&net_oracle);

	/* With nobody to read, what it still has to send keeps it after close(). */
	while (send(client, data, STREAM, MSG_DONTWAIT) > 0 || usleep(10000) ||
	       send(client, data, STREAM, MSG_DONTWAIT) > 0)
		;
	orphans = net_value("TCP", 0, "orphans");
	close(client);
	ktap_ok(becomes("TCP", 0, "orphans", orphans + 1), "oracle_net: known: an orphan");
	oracle_run(&net_oracle);
	close(server);
	ktap_ok(becomes("TCP", 0, "orphans", orphans), "oracle_net: known: it is gone");

	time_wait = net_value("all", ns, "time_wait");
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(client, (struct sockaddr *)&address, sizeof(address)))
		ktap_bail("connect: %s", strerror(errno));
	server = accept(listener, NULL, NULL);
	close(client);
	close(server);
	ktap_ok(becomes("all", ns, "time_wait", time_wait + 1),
		"oracle_net: known: a connection in TIME_WAIT");
	oracle_run(&net_oracle);
	close(listener);
	free(data);
}

static void known_unix(void)
{
	const char *protocol = "UNIX-STREAM";
	char data[LOCAL] = "";
	struct mine mine;
	int pair[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		ktap_skip(strerror(errno), "oracle_net: known: a UNIX socket");
		return;
	}
	if (write(pair[0], data, sizeof(data)) != LOCAL)
		ktap_note("write: %s", strerror(errno));
	mine = look(protocol);
	/* Streams became a protocol of their own in v5.15. */
	if (!mine.records)
		mine = look("UNIX");
	ktap_ok(equal("sockets", mine.sockets, 2) & equal("bytes", mine.bytes, LOCAL) &
			equal("in_flight", mine.in_flight, 0),
		"oracle_net: known: %d unread bytes in a UNIX socket", LOCAL);
	for (i = 0; i < FILES; i++)
		if (!oracle_send_file(pair[0], STDIN_FILENO))
			ktap_note("sendmsg: %s", strerror(errno));
	mine = look(protocol);
	if (!mine.records)
		mine = look("UNIX");
	ktap_ok(equal("bytes", mine.bytes, LOCAL + FILES) &
			equal("in_flight", mine.in_flight, FILES),
		"oracle_net: known: %d files in flight in it", FILES);
	close(pair[0]);
	close(pair[1]);
}

/* Rings, which are beside the queues. */
static void known_packet(void)
{
	struct tpacket_req rx = { .tp_block_size = 4 * getpagesize(),
				  .tp_block_nr = BLOCKS,
				  .tp_frame_size = 2048,
				  .tp_frame_nr = BLOCKS * 4 * getpagesize() / 2048 };
	struct tpacket_req tx = rx, none = {};
	uint64_t block = rx.tp_block_size;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct mine mine;

	if (fd < 0) {
		ktap_skip("no packet sockets", "oracle_net: known: a packet ring");
		return;
	}
	tx.tp_block_nr /= 2;
	tx.tp_frame_nr /= 2;
	mine = look("PACKET");
	if (mine.rings == MEMDIAG_ABSENT &&
	    (access("/sys/kernel/btf/vmlinux", F_OK) || oracle_closed_ways() & ORACLE_NO_BTF ||
	     !access("/sys/module/af_packet/initstate", F_OK))) {
		ktap_skip("the kernel does not tell where a socket has its rings",
			  "oracle_net: known: a packet ring");
		close(fd);
		return;
	}
	ktap_ok(equal("sockets", mine.sockets, 1) & equal("rings", mine.rings, 0),
		"oracle_net: known: a packet socket without a ring");
	if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &rx, sizeof(rx)))
		ktap_bail("PACKET_RX_RING: %s", strerror(errno));
	mine = look("PACKET");
	ktap_ok(equal("rings", mine.rings, BLOCKS * block) & equal("memory", mine.memory, 0),
		"oracle_net: known: a packet ring of %d blocks", BLOCKS);
	if (setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &tx, sizeof(tx)))
		ktap_bail("PACKET_TX_RING: %s", strerror(errno));
	mine = look("PACKET");
	ktap_ok(equal("rings", mine.rings, (BLOCKS + BLOCKS / 2) * block),
		"oracle_net: known: and one to send from");
	setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &none, sizeof(none));
	setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none));
	mine = look("PACKET");
	ktap_ok(equal("rings", mine.rings, 0), "oracle_net: known: nothing when they are given back");
	close(fd);
}

static void known_namespace(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	unsigned long long ns = 0;
	struct sockaddr_in address;
	int ready[2], files[3], i, own;
	char path[64];
	uint64_t here;
	pid_t pid;
	bool has;

	own = bound(SOCK_DGRAM, &address);
	here = net_value("UDP", 0, "sockets");
	if (pipe(ready))
		ktap_bail("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!unshare(CLONE_NEWNET))
			ns = net_ns();
		/* They count when they are bound. */
		for (i = 0; ns && i < ELSEWHERE; i++)
			if (bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&any,
				 sizeof(any)))
				_exit(1);
		if (write(ready[1], &ns, sizeof(ns)) != sizeof(ns))
			_exit(1);
		pause();
	}
	close(ready[1]);
	has = read(ready[0], &ns, sizeof(ns)) == sizeof(ns) && ns;
	if (has)
		ktap_ok(equal("there", net_value("UDP", ns, "sockets"), ELSEWHERE) &
				equal("there, all", net_value("all", ns, "sockets"), ELSEWHERE) &
				equal("all", net_value("UDP", 0, "sockets"), here + ELSEWHERE),
			"oracle_net: known: %d sockets in another namespace", ELSEWHERE);
	else
		ktap_skip("no network namespaces", "oracle_net: known: another namespace");
	close(ready[0]);
	close(own);
	/* Another kind of namespace does not count, a copy counts once. */
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	files[0] = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	files[1] = open(path, O_RDONLY | O_CLOEXEC);
	files[2] = dup(files[1]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (has && files[2] >= 0)
		ktap_ok(equal("namespaces", look("namespace").namespaces, 1) &
				equal("there", net_value("all", ns, "sockets"), 0),
			"oracle_net: known: the namespace is held by a file of this process");
	for (i = 0; i < 3; i++)
		close(files[i]);
	if (has)
		ktap_ok(equal("records", look("namespace").records, 0) &
				becomes("all", ns, "sockets", MEMDIAG_ABSENT),
			"oracle_net: known: it is gone with the file");
}

void oracle_net(void)
{
	struct snap snap;
	bool has;

	snap_take(&snap, SNAP_BIT(NET));
	has = snap_has(&snap, MEMDIAG_SEC_NET);
	snap_drop(&snap);
	if (!has && (access("/proc/net/tcp", F_OK) || oracle_closed_ways() & ORACLE_NO_OPS)) {
		ktap_skip("no IP on this kernel, or the only way in is closed", "oracle_net");
		return;
	}
	loopback_up();
	oracle_run(&net_oracle);
	oracle_run(&counter_oracle);
	known_udp();
	known_drops();
	known_tcp();
	known_unix();
	known_packet();
	known_namespace();
}
