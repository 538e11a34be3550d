/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of libmemdiag share and nobody else sees. */
#ifndef _LIBMEMDIAG_INTERNAL_H
#define _LIBMEMDIAG_INTERNAL_H

#include <stdio.h>

#include "libmemdiag.h"

/* A snapshot: either our own copy or a mapping of the device. */
struct memdiag_data {
	const unsigned char *bytes;
	size_t size;
	bool mapped;
};

__attribute__((format(printf, 3, 4))) int memdiag_refuse(struct memdiag_error *error, int code,
							 const char *format, ...);
int memdiag_check_header(const struct memdiag_header *header, size_t size,
			 struct memdiag_error *error);
int memdiag_check(const struct memdiag_data *data, struct memdiag_error *error);
uint32_t memdiag_checksum(const struct memdiag_header *header, const unsigned char *bytes,
			  size_t size);
int memdiag_symbols_parse(FILE *stream, struct memdiag_symbol *symbols, size_t nr,
			  struct memdiag_error *error);
int memdiag_section_id(const char *name, size_t length);

#endif /* _LIBMEMDIAG_INTERNAL_H */
