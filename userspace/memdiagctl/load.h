/* SPDX-License-Identifier: GPL-2.0-only */
/* memdiagctl load: the addresses that are handed to the module. */
#ifndef _LOAD_H
#define _LOAD_H

#include "memdiagctl.h"

/**
 * struct addresses - what is handed to the module
 * @source: file they were taken from, NULL if none were
 * @text: the value of the module's parameter, NULL without
 * @note: why there are none, NULL if there are; constant
 */
struct addresses {
	const char *source;
	char *text;
	const char *note;
};

int load_addresses(const struct memdiag_module *module, const char *map,
		   struct addresses *addresses);

#endif /* _LOAD_H */
