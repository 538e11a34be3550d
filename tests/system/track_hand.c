// SPDX-License-Identifier: GPL-2.0-only
/*
 * track, asked by hand: start, stop, settle, report and status. What it prints is for a
 * person, or for the tests that are shell scripts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snap.h"
#include "tracker.h"

static void print_value(const struct snap *snap, const struct memdiag_section *section, uint64_t n,
			unsigned int field)
{
	uint64_t value = snap_value(snap, section, n, field);
	const struct memdiag_field *f = snap_field(snap, section, field);

	printf(" %s=", snap_string(snap, f->name));
	if (value == MEMDIAG_ABSENT)
		printf("-");
	else if (f->type == MEMDIAG_TYPE_STR)
		printf("%s", snap_string(snap, value));
	else
		printf("%" PRIu64, value);
}

static int print(unsigned int id, const char *module)
{
	const struct memdiag_section *section;
	struct snap snap;
	unsigned int i;
	uint64_t n;

	snap_take(&snap, 1ull << id);
	section = snap_section(&snap, id);
	printf("%" PRIu64 " records %s\n", (uint64_t)section->nr_records,
	       snap_string(&snap, section->reason));
	for (n = 0; n < section->nr_records; n++) {
		if (module && strncmp(snap_get_string(&snap, section, n, "module"), module,
				      strlen(module)))
			continue;
		for (i = 0; i < section->nr_fields; i++)
			print_value(&snap, section, n, i);
		printf("\n");
	}
	return 0;
}

int by_hand(int argc, char **argv)
{
	struct memdiag_track_start arg = { 0 };
	uint64_t ns;
	int i, error;

	if (!strcmp(argv[1], "report"))
		return print(MEMDIAG_SEC_TRACK, argv[2]);
	if (!strcmp(argv[1], "status"))
		return print(MEMDIAG_SEC_TRACK_STATUS, NULL);
	if (!strcmp(argv[1], "stop")) {
		error = stop(argv[2] ? MEMDIAG_TRACK_DISCARD : 0);
	} else if (!strcmp(argv[1], "settle")) {
		error = settle(&ns);
		printf("%" PRIu64 " ms\n", ns / 1000000);
	} else {
		for (i = 2; i < argc; i++) {
			char *v = strchr(argv[i], '=');
			char *end;

			if (!v)
				return 2;
			*v++ = '\0';
			if (!strcmp(argv[i], "kinds"))
				arg.kinds = strtoul(v, NULL, 0);
			else if (!strcmp(argv[i], "depth"))
				arg.depth = strtoul(v, NULL, 0);
			else if (!strcmp(argv[i], "objects"))
				arg.objects = strtoull(v, NULL, 0);
			else if (!strcmp(argv[i], "stacks"))
				arg.stacks = strtoull(v, NULL, 0);
			else if (!strcmp(argv[i], "one_in"))
				arg.one_in = strtoul(v, NULL, 0);
			else if (!strcmp(argv[i], "anywhere"))
				arg.flags |= MEMDIAG_TRACK_ANYWHERE;
			else if (!strcmp(argv[i], "pid")) {
				arg.flags |= MEMDIAG_TRACK_BY_PID;
				arg.pid = atoi(v);
			} else if (!strcmp(argv[i], "cgroup")) {
				arg.flags |= MEMDIAG_TRACK_BY_CGROUP;
				arg.cgroup = strtoull(v, NULL, 0);
			} else if (!strcmp(argv[i], "module")) {
				arg.flags |= MEMDIAG_TRACK_BY_MODULE;
				snprintf((char *)arg.module, sizeof(arg.module), "%s", v);
			} else if (!strcmp(argv[i], "cache")) {
				arg.flags |= MEMDIAG_TRACK_BY_CACHE;
				snprintf((char *)arg.cache, sizeof(arg.cache), "%s", v);
			} else if (!strcmp(argv[i], "size")) {
				arg.flags |= MEMDIAG_TRACK_BY_SIZE;
				arg.size_min = strtoull(v, &end, 0);
				arg.size_max = strtoull(end + 1, NULL, 0);
			} else if (!strcmp(argv[i], "order")) {
				arg.flags |= MEMDIAG_TRACK_BY_ORDER;
				arg.order_min = strtoul(v, &end, 0);
				arg.order_max = strtoul(end + 1, NULL, 0);
			} else {
				return 2;
			}
		}
		error = start(&arg);
		if (!error)
			printf("kinds %u depth %u objects %llu stacks %llu bytes %llu\n", arg.kinds,
			       arg.depth, (unsigned long long)arg.objects,
			       (unsigned long long)arg.stacks, (unsigned long long)arg.bytes);
	}
	if (error)
		fprintf(stderr, "track: %s\n", strerror(error));
	return !!error;
}
