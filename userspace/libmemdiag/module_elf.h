/* SPDX-License-Identifier: GPL-2.0-only */
/* An ELF file of this machine's byte order and of either class, untrusted. */
#ifndef _MODULE_ELF_H
#define _MODULE_ELF_H

#include <elf.h>

#include "internal.h"

/* A section header, of either class. */
struct elf_section {
	uint32_t name;
	uint32_t type;
	uint64_t flags;
	uint64_t offset;
	uint64_t size;
	uint32_t link;
};

/* A symbol, of either class. */
struct elf_symbol {
	uint32_t name;
	unsigned char type;
	uint16_t section;
	uint64_t value;
	uint64_t size;
};

/* What is needed of the file header, of either class. */
struct elf_file {
	const unsigned char *bytes;
	size_t size;
	bool is_64;
	uint64_t headers;
	uint32_t nr;
	uint32_t names;
};

static inline bool memdiag_inside(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

int memdiag_elf_open(const unsigned char *bytes, size_t size, struct elf_file *elf,
		     struct memdiag_error *error);
struct elf_section memdiag_elf_section(const struct elf_file *elf, uint32_t n);
const char *memdiag_elf_string(const struct elf_file *elf, uint32_t section, uint32_t at);
uint64_t memdiag_elf_symbols(const struct elf_file *elf, const struct elf_section *table);
struct elf_symbol memdiag_elf_symbol(const struct elf_file *elf, const struct elf_section *table,
				     uint64_t n);

#endif /* _MODULE_ELF_H */
