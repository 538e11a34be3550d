// SPDX-License-Identifier: GPL-2.0-only
/*
 * Section net_counter: one record per counter of the network, named as nstat
 * names it: TcpRetransSegs, UdpRcvbufErrors, TcpExtTCPMemoryPressures.
 *
 * Reads the text of /proc/net/snmp and /proc/net/netstat of the initial network
 * namespace: each line of names is followed by one of values. The counters are
 * public, but only these files have their names.
 *
 * Locks: none of ours; the kernel adds up what is per CPU.
 *
 * Skipped: other namespaces; IPv6, which the kernel counts apart from this.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../../memdiag.h"
#include "../../resolve/resolve.h"

struct net_counter_record {
	u64 name;
	u64 value;
	u64 kind;
};

static const struct memdiag_field_desc net_counter_fields[] = {
	MEMDIAG_LABEL(net_counter_record, name, STR, NONE, KEY_BRIEF, "as nstat names it"),
	MEMDIAG_GAUGE(net_counter_record, value, S64, NONE, BRIEF, "what the kernel prints"),
	MEMDIAG_LABEL(net_counter_record, kind, STR, NONE, BRIEF,
		      "counter, or gauge if it can fall"),
};

static const char * const net_counter_paths[] = { "/proc/net/snmp", "/proc/net/netstat" };

/* Those that are no counters: settings, and a number of connections. */
static const char * const net_counter_gauges[] = {
	"IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax",
	"TcpMaxConn", "TcpCurrEstab",
};

static struct file *net_counter_files[ARRAY_SIZE(net_counter_paths)];

static bool net_counter_is_gauge(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(net_counter_gauges); i++)
		if (!strcmp(net_counter_gauges[i], name))
			return true;
	return false;
}

static int net_counter_push(struct memdiag_sink *sink, const char *prefix, const char *name,
			    const char *value)
{
	struct net_counter_record *record = memdiag_push(sink);
	char text[64];
	s64 number;

	if (!record)
		return -ENOSPC;
	snprintf(text, sizeof(text), "%s%s", prefix, name);
	record->name = memdiag_push_string(sink, text);
	record->kind = memdiag_push_string(sink, net_counter_is_gauge(text) ? "gauge" : "counter");
	/* Only TcpMaxConn is negative; a counter beyond 63 bits has yet to be seen. */
	if (!kstrtos64(value, 10, &number))
		record->value = number;
	return 0;
}

/*
 * A line "Tcp: RtoAlgorithm RtoMin ..." and the next one, "Tcp: 1 200 ...". Words
 * are cut off in place. What does not match is skipped.
 */
static int net_counter_lines(struct memdiag_sink *sink, char *names, char *values)
{
	char *prefix = strsep(&names, " "), *other = strsep(&values, " ");
	char *name, *value, *colon = strchr(prefix, ':');
	int error = 0;

	if (!names || !values || !colon || strcmp(prefix, other))
		return 0;
	*colon = '\0';
	while (!error) {
		name = strsep(&names, " ");
		value = strsep(&values, " ");
		if (!name || !value)
			break;
		/* ICMP ends its lines with a space. */
		if (*name && *value)
			error = net_counter_push(sink, prefix, name, value);
	}
	return error;
}

static int net_counter_text(struct memdiag_sink *sink, char *text)
{
	char *names, *values;
	int error = 0;

	while (!error) {
		names = strsep(&text, "\n");
		values = strsep(&text, "\n");
		if (!names || !values)
			break;
		error = net_counter_lines(sink, names, values);
	}
	return error;
}

static int net_counter_collect(struct memdiag_sink *sink)
{
	unsigned int i;
	int error = 0;
	char *text;
	ssize_t n;

	for (i = 0; i < ARRAY_SIZE(net_counter_files) && !error; i++) {
		n = IS_ERR(net_counter_files[i]) ? PTR_ERR(net_counter_files[i]) :
		    memdiag_file_read_seq(net_counter_files[i], &text, SZ_1M);
		if (n < 0) {
			memdiag_mark_partial(sink, "%s cannot be read: %pe",
					     net_counter_paths[i], ERR_PTR(n));
			continue;
		}
		error = net_counter_text(sink, text);
		memdiag_free(text);
	}
	return error;
}

static void __init net_counter_init(struct memdiag_status *status)
{
	unsigned int i, opened = 0;

	if (!IS_ENABLED(CONFIG_INET)) {
		memdiag_set_unavailable(status, -EOPNOTSUPP, "CONFIG_INET is not set");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(net_counter_files); i++) {
		net_counter_files[i] = memdiag_file_open(net_counter_paths[i]);
		opened += !IS_ERR(net_counter_files[i]);
		memdiag_resolve_note(MEMDIAG_ITEM_FILE, net_counter_paths[i], MEMDIAG_SRC_TEXT,
				     PTR_ERR_OR_ZERO(net_counter_files[i]), "%s",
				     IS_ERR(net_counter_files[i]) ? "cannot be opened" :
				     "counters of the network");
	}
	if (opened)
		memdiag_set_ok(status, MEMDIAG_SRC_TEXT);
	else
		memdiag_set_unavailable(status, PTR_ERR(net_counter_files[0]),
					"%s cannot be opened: %pe", net_counter_paths[0],
					net_counter_files[0]);
}

static void net_counter_exit(struct memdiag_status *status)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(net_counter_files); i++)
		if (!IS_ERR_OR_NULL(net_counter_files[i]))
			filp_close(net_counter_files[i], NULL);
}

const struct memdiag_provider memdiag_net_counter_provider __refconst = {
	.id = MEMDIAG_SEC_NET_COUNTER,
	.name = "net_counter",
	.help = "per counter of the network: retransmissions, drops, pressure; for rates",
	MEMDIAG_RECORDS(net_counter_fields, net_counter_record),
	.init = net_counter_init,
	.exit = net_counter_exit,
	.collect = net_counter_collect,
};
