// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle [SECTION...] - compare sections with what the kernel says of the same
 */
#include <stdio.h>
#include <string.h>

#include "ktap.h"
#include "oracle.h"
#include "oracles.h"

static const struct {
	const char *name;
	void (*run)(void);
} oracles[] = {
	/* First: what a child that is measured has from its parent is the least now. */
	{ "task", oracle_task },     { "slab", oracle_slab },	  { "vmalloc", oracle_vmalloc },
	{ "vmstat", oracle_vmstat }, { "zone", oracle_zone },	  { "buddy", oracle_buddy },
	{ "memcg", oracle_memcg },   { "system", oracle_system }, { "ledger", oracle_ledger },
	{ "census", oracle_census }, { "shmem", oracle_shmem },	  { "net", oracle_net },
	{ "module", oracle_module }, { "inode", oracle_inode },	  { "cache_memcg", oracle_cache },
};

#define NR_ORACLES (sizeof(oracles) / sizeof(oracles[0]))

int main(int argc, char **argv)
{
	unsigned int i;
	int arg;

	ktap_start();
	for (arg = 1; arg < argc; arg++) {
		for (i = 0; i < NR_ORACLES && strcmp(argv[arg], oracles[i].name); i++)
			;
		if (i == NR_ORACLES)
			ktap_bail("no oracle '%s'", argv[arg]);
		oracles[i].run();
	}
	for (i = 0; argc == 1 && i < NR_ORACLES; i++)
		oracles[i].run();
	ktap_note("%lu values compared", oracle_values);
	return ktap_end();
}
