// SPDX-License-Identifier: GPL-2.0-only
/*
 * node, zone and pcp: /proc/zoneinfo, every number of it, and what follows from
 * those for the fields that it does not print.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

#define MAX_ZONES 64
#define MAX_STATS 128

/* One zone of the file, for what is computed from it. */
struct zone {
	int node;
	char name[32];
	long long high, managed, present, spanned, start_pfn, lists, protection[16];
	unsigned int nr_protection;
};

/* What is read out of the file at once. */
struct zoneinfo {
	struct facts *node, *zone, *pcp;
	struct zone zones[MAX_ZONES];
	unsigned int nr_zones;
	long long unreclaimable[MAX_ZONES];
	/* Names of the statistics of a node; which nodes have been seen with them. */
	char stats[MAX_STATS][64];
	unsigned int nr_stats;
	bool has_stats[MAX_ZONES];
};

enum where { IN_NODE, IN_ZONE, IN_PCP };

static void zone_protection(struct zoneinfo *info, struct zone *zone, char *list)
{
	char *number;

	while ((number = strsep(&list, ",()"))) {
		char *end;
		long long value = strtoll(number, &end, 10);

		if (end == number || zone->nr_protection == 16)
			continue;
		zone->protection[zone->nr_protection++] = value;
	}
}

/* Name and value of "  high     991" or "  count: 12". */
static bool zone_pair(char *line, char **name, long long *value)
{
	char *word, *end;
	size_t n;

	*name = file_word(&line);
	word = file_word(&line);
	if (!word || file_word(&line))
		return false;
	n = strlen(*name);
	if (n && (*name)[n - 1] == ':')
		(*name)[n - 1] = '\0';
	*value = strtoll(word, &end, 10);
	return end != word && !*end;
}

/* What memdiag calls otherwise, by the name of the member, on kernels of all ages. */
static const char *zone_field(const char *name)
{
	if (!strcmp(name, "reserved_highatomic"))
		return "nr_reserved_highatomic";
	if (!strcmp(name, "free_highatomic"))
		return "nr_free_highatomic";
	return name;
}

static void zone_remember(struct zone *zone, const char *name, long long value)
{
	if (!strcmp(name, "high"))
		zone->high = value;
	else if (!strcmp(name, "managed"))
		zone->managed = value;
	else if (!strcmp(name, "present"))
		zone->present = value;
	else if (!strcmp(name, "spanned"))
		zone->spanned = value;
	else if (!strcmp(name, "start_pfn"))
		zone->start_pfn = value;
}

static void zone_line(struct zoneinfo *info, char *line, enum where *where, int *cpu)
{
	struct zone *zone = &info->zones[info->nr_zones - 1];
	char copy[200], *name, *list;
	long long value;

	snprintf(copy, sizeof(copy), "%s", line);
	if (strstr(line, "per-node stats")) {
		*where = IN_NODE;
	} else if (sscanf(line, " pages free %lld", &value) == 1) {
		*where = IN_ZONE;
		facts_number(info->zone, value, "%d/%s/free", zone->node, zone->name);
	} else if (strstr(line, "pagesets")) {
		*where = IN_PCP;
	} else if (sscanf(line, " cpu: %d", cpu) == 1) {
		facts_number(info->pcp, *cpu, "%d/%s/%d/cpu", zone->node, zone->name, *cpu);
	} else if (sscanf(line, " vm stats threshold: %lld", &value) == 1) {
		facts_number(info->pcp, value, "%d/%s/%d/stat_threshold", zone->node, zone->name,
			     *cpu);
	} else if (strstr(line, "protection:")) {
		list = strstr(line, "protection:");
		zone_protection(info, zone, list + strlen("protection:"));
	} else if (zone_pair(copy, &name, &value)) {
		/* "node_unreclaimable:" follows the lists of the CPUs. */
		if (!strcmp(name, "node_unreclaimable"))
			*where = IN_ZONE;
		if (!strcmp(name, "node_unreclaimable")) {
			/* printed with every zone of the node */
			info->unreclaimable[zone->node] = value;
		} else if (*where == IN_NODE) {
			if (info->nr_stats < MAX_STATS && zone == info->zones)
				snprintf(info->stats[info->nr_stats++], sizeof(info->stats[0]), "%s",
					 name);
			info->has_stats[zone->node] = true;
			facts_number(info->node, value, "%d/%s", zone->node, name);
		} else if (*where == IN_ZONE) {
			zone_remember(zone, name, value);
			facts_number(info->zone, value, "%d/%s/%s", zone->node, zone->name,
				     zone_field(name));
		} else {
			if (!strcmp(name, "count"))
				zone->lists += value;
			facts_number(info->pcp, value, "%d/%s/%d/%s", zone->node, zone->name, *cpu,
				     name);
		}
	} else if (*line) {
		ktap_note("zoneinfo line not understood: %s", line);
		facts_string(info->zone, line, "?/line");
	}
}

/* The protections are named after the zones of the first node, in order. */
static void zone_protection_facts(struct zoneinfo *info)
{
	unsigned int i, j;

	for (i = 0; i < info->nr_zones; i++)
		for (j = 0; j < info->zones[i].nr_protection && j < info->nr_zones; j++)
			facts_number(info->zone, info->zones[i].protection[j],
				     "%d/%s/protection_%s", info->zones[i].node,
				     info->zones[i].name, info->zones[j].name);
}

static void zone_lists_facts(struct zoneinfo *info)
{
	unsigned int i;

	for (i = 0; i < info->nr_zones; i++) {
		const struct zone *zone = &info->zones[i];

		facts_lists(info->zone, zone->lists, "%d/%s/free", zone->node, zone->name);
		facts_lists(info->zone, zone->lists, "%d/%s/nr_free_pages", zone->node,
			    zone->name);
	}
}

/* A node without memory is not in zoneinfo with its statistics, but has them in sysfs. */
static void node_without_memory(struct zoneinfo *info, int node)
{
	char *text = file_read("/sys/devices/system/node/node%d/vmstat", node), *rest = text, *line;
	char name[64];
	long long value;
	unsigned int i;

	/* That file also has the sums over its zones. */
	while (text && (line = file_line(&rest)))
		for (i = 0; i < info->nr_stats; i++)
			if (sscanf(line, "%63s %lld", name, &value) == 2 &&
			    !strcmp(name, info->stats[i]))
				facts_number(info->node, value, "%d/%s", node, name);
	free(text);
}

/* What the kernel computes from the zones of a node, see calculate_totalreserve_pages(). */
static void node_facts(struct zoneinfo *info, int node)
{
	long long present = 0, reserve = 0, first = -1, last = 0;
	unsigned int i, j, zones = 0, index = 0;

	for (i = 0; i < info->nr_zones; i++) {
		const struct zone *zone = &info->zones[i];
		long long max = 0;

		if (zone->node != node)
			continue;
		index++;
		present += zone->present;
		if (zone->present)
			zones = index;
		if (zone->spanned) {
			if (first < 0 || zone->start_pfn < first)
				first = zone->start_pfn;
			if (zone->start_pfn + zone->spanned > last)
				last = zone->start_pfn + zone->spanned;
		}
		for (j = index - 1; j < zone->nr_protection; j++)
			if (zone->protection[j] > max)
				max = zone->protection[j];
		max += zone->high;
		reserve += max < zone->managed ? max : zone->managed;
	}
	facts_number(info->node, info->unreclaimable[node], "%d/node_unreclaimable", node);
	facts_number(info->node, present, "%d/node_present_pages", node);
	facts_number(info->node, reserve, "%d/totalreserve_pages", node);
	facts_number(info->node, zones, "%d/nr_zones", node);
	facts_number(info->node, last - (zones ? first : 0), "%d/node_spanned_pages", node);
	if (zones)
		facts_number(info->node, first, "%d/node_start_pfn", node);
	if (!info->has_stats[node])
		node_without_memory(info, node);
}

/* kswapdN is a process. */
static void node_kswapds(struct facts *facts, const int *nodes, unsigned int nr_nodes)
{
	bool seen[MAX_ZONES] = {};
	struct dirent *entry;
	unsigned int i;
	DIR *proc;
	int node;

	proc = opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		char *comm;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		comm = file_read("/proc/%s/comm", entry->d_name);
		if (comm && sscanf(comm, "kswapd%d", &node) == 1 && node >= 0 && node < MAX_ZONES)
			seen[node] = true;
		free(comm);
	}
	if (proc)
		closedir(proc);
	for (i = 0; i < nr_nodes; i++)
		facts_number(facts, seen[nodes[i]], "%d/kswapd", nodes[i]);
}

static bool zoneinfo_read(struct facts *node, struct facts *zone, struct facts *pcp)
{
	static struct zoneinfo info;
	struct facts none[3] = {};
	char *text = file_read("/proc/zoneinfo"), *rest = text, *line;
	int nodes[MAX_ZONES], cpu = 0, number;
	unsigned int nr_nodes = 0;
	enum where where = IN_ZONE;
	char name[32];

	if (!text)
		return false;
	memset(&info, 0, sizeof(info));
	info.node = node ?: &none[0];
	info.zone = zone ?: &none[1];
	info.pcp = pcp ?: &none[2];
	while ((line = file_line(&rest))) {
		if (sscanf(line, "Node %d, zone %31s", &number, name) == 2) {
			struct zone *z = &info.zones[info.nr_zones++];

			z->node = number;
			snprintf(z->name, sizeof(z->name), "%s", name);
			facts_number(info.zone, number, "%d/%s/node", number, name);
			facts_string(info.zone, name, "%d/%s/name", number, name);
			if (!nr_nodes || nodes[nr_nodes - 1] != number) {
				nodes[nr_nodes++] = number;
				facts_number(info.node, number, "%d/node", number);
			}
			where = IN_ZONE;
		} else if (info.nr_zones) {
			zone_line(&info, line, &where, &cpu);
		}
	}
	free(text);
	zone_protection_facts(&info);
	zone_lists_facts(&info);
	for (number = 0; number < (int)nr_nodes; number++)
		node_facts(&info, nodes[number]);
	node_kswapds(info.node, nodes, nr_nodes);
	for (number = 0; number < 3; number++)
		facts_free(&none[number]);
	return true;
}

static bool node_kernel(struct facts *facts)
{
	return zoneinfo_read(facts, NULL, NULL);
}
static bool zone_kernel(struct facts *facts)
{
	return zoneinfo_read(NULL, facts, NULL);
}
static bool pcp_kernel(struct facts *facts)
{
	return zoneinfo_read(NULL, NULL, facts);
}

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static void all_fields(struct facts *facts, const struct snap *snap,
		       const struct memdiag_section *section, uint64_t n, const char *key,
		       const char *const *but)
{
	const char *name;
	unsigned int f;

	for (f = 0; f < section->nr_fields; f++) {
		name = snap_string(snap, snap_field(snap, section, f)->name);
		if (!one_of(name, but))
			facts_own_field(facts, snap, section, n, f, key, name);
	}
}

static void node_memdiag(struct facts *facts, const struct snap *snap,
			 const struct memdiag_section *section)
{
	/* printed nowhere; zone_derived() has a look */
	static const char *const but[] = { "kswapd_failures", NULL };
	uint64_t n;

	for (n = 0; n < section->nr_records; n++) {
		char key[32];

		snprintf(key, sizeof(key), "%llu",
			 (unsigned long long)snap_get(snap, section, n, "node"));
		all_fields(facts, snap, section, n, key, but);
	}
}

/* Whether this kernel's zoneinfo has such lines. */
static bool zoneinfo_prints(const char *name)
{
	char *text = file_read("/proc/zoneinfo");
	bool prints = text && strstr(text, name);

	free(text);
	return prints;
}

static void zone_memdiag(struct facts *facts, const struct snap *snap,
			 const struct memdiag_section *section)
{
	/* What only some kernels print. */
	static const struct {
		const char *line, *field;
	} some[] = {
		{ " boost ", "boost" },
		{ " promo ", "promo" },
		{ " reserved_highatomic:", "nr_reserved_highatomic" },
		{ " free_highatomic:", "nr_free_highatomic" },
	};
	/* The first two follow from the others: zone_derived(). */
	const char *but[2 + sizeof(some) / sizeof(some[0]) + 1] = { "state", "usable" };
	unsigned int i, nr = 2;
	uint64_t n;

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (!zoneinfo_prints(some[i].line))
			but[nr++] = some[i].field;
	for (n = 0; n < section->nr_records; n++) {
		char key[64];

		snprintf(key, sizeof(key), "%llu/%s",
			 (unsigned long long)snap_get(snap, section, n, "node"),
			 snap_get_string(snap, section, n, "name"));
		all_fields(facts, snap, section, n, key, but);
	}
}

static void pcp_memdiag(struct facts *facts, const struct snap *snap,
			const struct memdiag_section *section)
{
	/* part of the key; and what few kernels print: pcp_derived() has a look */
	static const char *const but[] = { "node", "name", NULL };
	static const char *const or_but[] = { "node", "name", "high_min", "high_max", NULL };
	bool tuned = zoneinfo_prints("high_min");
	uint64_t n;

	for (n = 0; n < section->nr_records; n++) {
		char key[64];

		snprintf(key, sizeof(key), "%llu/%s/%llu",
			 (unsigned long long)snap_get(snap, section, n, "node"),
			 snap_get_string(snap, section, n, "name"),
			 (unsigned long long)snap_get(snap, section, n, "cpu"));
		all_fields(facts, snap, section, n, key, tuned ? but : or_but);
	}
}

static const struct oracle node_oracle = {
	.name = "node",
	.section = MEMDIAG_SEC_NODE,
	.also = SNAP_BIT(SYSTEM),
	.kernel = node_kernel,
	.memdiag = node_memdiag,
};

static const struct oracle zone_oracle = {
	.name = "zone",
	.section = MEMDIAG_SEC_ZONE,
	.also = SNAP_BIT(SYSTEM) | SNAP_BIT(PCP),
	.kernel = zone_kernel,
	.memdiag = zone_memdiag,
};

static const struct oracle pcp_oracle = {
	.name = "pcp",
	.section = MEMDIAG_SEC_PCP,
	.kernel = pcp_kernel,
	.memdiag = pcp_memdiag,
};

/* usable and state from the free pages and watermarks of the same snapshot. */
static bool zone_state_right(const struct snap *snap, const struct memdiag_section *s, uint64_t n)
{
	const char *state = snap_get_string(snap, s, n, "state"), *want;
	uint64_t usable = snap_get(snap, s, n, "usable");
	uint64_t free = snap_get(snap, s, n, "free");

	if (!snap_get(snap, s, n, "managed"))
		want = "empty";
	else if (usable <= snap_get(snap, s, n, "min"))
		want = "below min";
	else if (usable <= snap_get(snap, s, n, "low"))
		want = "below low";
	else if (usable <= snap_get(snap, s, n, "high"))
		want = "below high";
	else
		want = "ok";
	if (state && !strcmp(state, want) && usable <= free + 1000 * 8)
		return true;
	ktap_note("zone %s: state %s, expected %s; free %llu, usable %llu",
		  snap_get_string(snap, s, n, "name"), state ?: "-", want, (unsigned long long)free,
		  (unsigned long long)usable);
	return false;
}

static bool zone_usable_right(const struct snap *snap, const struct memdiag_section *s, uint64_t n)
{
	uint64_t free = snap_get(snap, s, n, "free");
	uint64_t reserved = snap_get(snap, s, n, "nr_reserved_highatomic");
	uint64_t high_free = snap_get(snap, s, n, "nr_free_highatomic");
	uint64_t usable = snap_get(snap, s, n, "usable");
	uint64_t cma, unusable;

	/* a zone without pages */
	if (!snap_get(snap, s, n, "present"))
		return usable == 0;
	if (reserved == MEMDIAG_ABSENT || (high_free != MEMDIAG_ABSENT && high_free > reserved))
		return false;
	cma = snap_get(snap, s, n, "nr_free_cma");
	unusable = (high_free == MEMDIAG_ABSENT ? reserved : high_free) + cma;
	/* free and usable are read one after the other: the pages of some CPU lists apart */
	return usable <= free + 256 && usable + unusable + 256 >= free;
}

static void zone_derived(void)
{
	const struct memdiag_section *s;
	unsigned long wrong = 0;
	struct snap snap;
	uint64_t n;

	snap_take(&snap, SNAP_BIT(ZONE) | SNAP_BIT(NODE));
	s = snap_section(&snap, MEMDIAG_SEC_ZONE);
	for (n = 0; n < s->nr_records; n++)
		wrong += !zone_state_right(&snap, s, n) || !zone_usable_right(&snap, s, n);
	ktap_ok(s->nr_records && !wrong, "oracle_zone: usable and state of %llu zones",
		(unsigned long long)s->nr_records);
	s = snap_section(&snap, MEMDIAG_SEC_NODE);
	for (n = 0, wrong = 0; n < s->nr_records; n++)
		wrong += snap_get(&snap, s, n, "kswapd_failures") > 16;
	ktap_ok(s->nr_records && !wrong, "oracle_node: kswapd_failures of %llu nodes",
		(unsigned long long)s->nr_records);
	snap_drop(&snap);
}

/* high is between its bounds, where there are any; 0 as long as the list is not used. */
static unsigned long pcp_out_of_bounds(const struct snap *snap)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_PCP);
	unsigned long wrong = 0;
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		uint64_t min = snap_get(snap, s, n, "high_min");
		uint64_t max = snap_get(snap, s, n, "high_max");
		uint64_t high = snap_get(snap, s, n, "high");

		if ((min == MEMDIAG_ABSENT) != (max == MEMDIAG_ABSENT) ||
		    (min != MEMDIAG_ABSENT && high && (high < min || high > max)))
			wrong++;
	}
	return wrong;
}

/*
 * The kernel keeps the bounds when it takes from a list or fills it, but not when it
 * drains one that is far too long: then high follows the pages that are left until the
 * list is used again. So out of bounds in all attempts would be wrong.
 */
static void pcp_derived(void)
{
	unsigned long wrong = 1;
	unsigned int attempt;
	uint64_t nr = 0;
	struct snap snap;

	for (attempt = 0; attempt < 20 && wrong; attempt++) {
		if (attempt)
			usleep(100000);
		snap_take(&snap, SNAP_BIT(PCP));
		nr = snap_section(&snap, MEMDIAG_SEC_PCP)->nr_records;
		wrong = pcp_out_of_bounds(&snap);
		snap_drop(&snap);
	}
	ktap_ok(nr && !wrong, "oracle_pcp: bounds of %llu lists", (unsigned long long)nr);
}

void oracle_zone(void)
{
	oracle_run(&node_oracle);
	oracle_run(&zone_oracle);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		oracle_run(&pcp_oracle);
	else
		ktap_skip("the only CPU's lists are those that collecting takes from", "oracle_pcp");
	pcp_derived();
	zone_derived();
}
