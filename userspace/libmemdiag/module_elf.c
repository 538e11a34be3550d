// SPDX-License-Identifier: GPL-2.0-only
/* Sections, strings and symbols of an ELF file. */
#include <errno.h>
#include <string.h>

#include "module_elf.h"

/* Does the rest with h, the structure of the file's class that stands at @at. */
#define WITH_ELF(elf, type, at, ...)                                \
	do {                                                        \
		if ((elf)->is_64) {                                 \
			Elf64_##type h;                             \
			memcpy(&h, (elf)->bytes + (at), sizeof(h)); \
			__VA_ARGS__;                                \
		} else {                                            \
			Elf32_##type h;                             \
			memcpy(&h, (elf)->bytes + (at), sizeof(h)); \
			__VA_ARGS__;                                \
		}                                                   \
	} while (0)

/*
 * Takes the file header; every offset and size in it is checked.
 * Return: 0 or -ENOEXEC if it is no relocatable file for this machine.
 */
int memdiag_elf_open(const unsigned char *bytes, size_t size, struct elf_file *elf,
		     struct memdiag_error *error)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	static const unsigned char order = ELFDATA2LSB;
#else
	static const unsigned char order = ELFDATA2MSB;
#endif
	uint32_t entry, type;

	if (size < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG))
		return memdiag_refuse(error, -ENOEXEC, "it is no kernel module (not ELF)");
	if (bytes[EI_DATA] != order ||
	    (bytes[EI_CLASS] != ELFCLASS64 && bytes[EI_CLASS] != ELFCLASS32))
		return memdiag_refuse(error, -ENOEXEC, "it is for another kind of machine");
	elf->bytes = bytes;
	elf->size = size;
	elf->is_64 = bytes[EI_CLASS] == ELFCLASS64;
	if (size < (elf->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return memdiag_refuse(error, -ENOEXEC, "it is cut short");
	WITH_ELF(elf, Ehdr, 0, {
		elf->headers = h.e_shoff;
		elf->nr = h.e_shnum;
		elf->names = h.e_shstrndx;
		entry = h.e_shentsize;
		type = h.e_type;
	});
	if (type != ET_REL)
		return memdiag_refuse(error, -ENOEXEC, "it is no kernel module (ELF type %u)",
				      type);
	if (entry != (elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) ||
	    !memdiag_inside(elf->headers, (uint64_t)elf->nr * entry, size) || elf->names >= elf->nr)
		return memdiag_refuse(error, -ENOEXEC, "it is cut short or damaged");
	return 0;
}

/* The section header number @n, less than the number of headers. */
struct elf_section memdiag_elf_section(const struct elf_file *elf, uint32_t n)
{
	struct elf_section s;

	WITH_ELF(elf, Shdr, elf->headers + n * sizeof(h), {
		s.name = h.sh_name;
		s.type = h.sh_type;
		s.flags = h.sh_flags;
		s.offset = h.sh_offset;
		s.size = h.sh_size;
		s.link = h.sh_link;
	});
	return s;
}

/* A string of a table of strings; "" if it is not one. */
const char *memdiag_elf_string(const struct elf_file *elf, uint32_t section, uint32_t at)
{
	struct elf_section s;

	if (section >= elf->nr)
		return "";
	s = memdiag_elf_section(elf, section);
	if (s.type != SHT_STRTAB || !memdiag_inside(s.offset, s.size, elf->size) || at >= s.size ||
	    elf->bytes[s.offset + s.size - 1])
		return "";
	return (const char *)elf->bytes + s.offset + at;
}

/* How many symbols a table has; its bytes must lie in the file. */
uint64_t memdiag_elf_symbols(const struct elf_file *elf, const struct elf_section *table)
{
	return table->size / (elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
}

/* The symbol number @n, less than the number of symbols. */
struct elf_symbol memdiag_elf_symbol(const struct elf_file *elf, const struct elf_section *table,
				     uint64_t n)
{
	struct elf_symbol symbol;

	/* The type stands in the same bits in both classes. */
	WITH_ELF(elf, Sym, table->offset + n * sizeof(h), {
		symbol.name = h.st_name;
		symbol.type = ELF64_ST_TYPE(h.st_info);
		symbol.section = h.st_shndx;
		symbol.value = h.st_value;
		symbol.size = h.st_size;
	});
	return symbol;
}
