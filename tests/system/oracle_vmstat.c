// SPDX-License-Identifier: GPL-2.0-only
/* vmstat: /proc/vmstat, every line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

static bool vmstat_kernel(struct facts *facts)
{
	char *text = file_read("/proc/vmstat"), *rest = text, *line;
	char name[128];
	long long value, free_pages = 0;

	if (!text)
		return false;
	while ((line = file_line(&rest))) {
		if (sscanf(line, "%127s %lld", name, &value) != 2)
			continue;
		facts_number(facts, value, "%s/value", name);
		if (!strcmp(name, "nr_free_pages"))
			free_pages = value;
	}
	free(text);
	facts_lists(facts, oracle_free_everywhere() - free_pages, "nr_free_pages/value");
	return true;
}

static void vmstat_memdiag(struct facts *facts, const struct snap *snap,
			   const struct memdiag_section *section)
{
	int value = snap_field_named(snap, section, "value");
	uint64_t n;

	for (n = 0; n < section->nr_records; n++) {
		const char *name = snap_get_string(snap, section, n, "name");

		facts_own_field(facts, snap, section, n, value, name, name);
	}
}

static const struct oracle vmstat_oracle = {
	.name = "vmstat",
	.section = MEMDIAG_SEC_VMSTAT,
	.also = SNAP_BIT(SYSTEM) | SNAP_BIT(PCP),
	.kernel = vmstat_kernel,
	.memdiag = vmstat_memdiag,
};

/* The records stand in the order of the file. */
static void vmstat_order(void)
{
	char *text = file_read("/proc/vmstat"), *rest = text, *line, *name;
	const struct memdiag_section *s;
	struct snap snap;
	uint64_t n = 0;
	bool same = true;

	snap_take(&snap, SNAP_BIT(VMSTAT));
	s = snap_section(&snap, MEMDIAG_SEC_VMSTAT);
	while ((line = file_line(&rest)) && (name = file_word(&line))) {
		const char *mine = n < s->nr_records ? snap_get_string(&snap, s, n, "name") : NULL;

		if (!mine || strcmp(mine, name)) {
			ktap_note("line %llu: %s, memdiag %s", (unsigned long long)n + 1, name,
				  mine ?: "nothing");
			same = false;
			break;
		}
		n++;
	}
	ktap_ok(same && n == s->nr_records, "oracle_vmstat: %llu lines in the file's order",
		(unsigned long long)n);
	snap_drop(&snap);
	free(text);
}

#define HELD (8 << 20)

/* What is called a counter must not fall, when what was held is given back. */
static void vmstat_kinds(void)
{
	const struct memdiag_section *a, *b;
	struct snap first, second;
	unsigned int counters = 0, least = 10, fell = 0;
	bool ok = true;
	uint64_t n;
	void *anon;
	int fd;

	anon = mmap(NULL, HELD, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	fd = syscall(SYS_memfd_create, "oracle_vmstat", 0);
	if (anon == MAP_FAILED || fd < 0 || write(fd, anon, HELD) != HELD)
		ktap_bail("oracle_vmstat: no memory to hold: %s", strerror(errno));
	snap_take(&first, SNAP_BIT(VMSTAT));
	close(fd);
	munmap(anon, HELD);
	snap_take(&second, SNAP_BIT(VMSTAT));
	a = snap_section(&first, MEMDIAG_SEC_VMSTAT);
	b = snap_section(&second, MEMDIAG_SEC_VMSTAT);
	for (n = 0; n < a->nr_records && n < b->nr_records; n++) {
		const char *kind = snap_get_string(&first, a, n, "kind");

		if (!kind || (strcmp(kind, "gauge") && strcmp(kind, "counter")) ||
		    !snap_get_string(&first, a, n, "unit")) {
			ktap_note("%s: kind %s", snap_get_string(&first, a, n, "name"),
				  kind ?: "-");
			ok = false;
			continue;
		}
		if (strcmp(kind, "counter")) {
			fell += snap_get(&second, b, n, "value") < snap_get(&first, a, n, "value");
			continue;
		}
		/* Only with CONFIG_VM_EVENT_COUNTERS; then there are many. */
		if (!strcmp(snap_get_string(&first, a, n, "name"), "pgfault"))
			least = 60;
		counters++;
		if (snap_get(&second, b, n, "value") < snap_get(&first, a, n, "value")) {
			ktap_note("%s fell from %llu to %llu",
				  snap_get_string(&first, a, n, "name"),
				  (unsigned long long)snap_get(&first, a, n, "value"),
				  (unsigned long long)snap_get(&second, b, n, "value"));
			ok = false;
		}
	}
	ktap_ok(ok && counters > least && fell,
		"oracle_vmstat: %u counters do not fall, %u gauges do", counters, fell);
	snap_drop(&first);
	snap_drop(&second);
}

void oracle_vmstat(void)
{
	oracle_run(&vmstat_oracle);
	vmstat_order();
	vmstat_kinds();
}
