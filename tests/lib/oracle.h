/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compare what memdiag says with what the kernel says, value by value.
 *
 * Both sides are turned into facts: "record/field" and a number or a string.
 * The kernel is asked before and after memdiag. A fact is right if
 *
 *   - memdiag has it and it lies between, or at, the two of the kernel, or
 *   - the kernel has it only before or only after: it came or went.
 *
 * What is there before and after must be there in between, and what is there
 * in between must be there before or after.
 *
 * A number that went up and came down again in between is not wrong, so a
 * comparison is repeated; but every single fact must be right in at least one
 * of them, and no bound is ever widened.
 */
#ifndef _TESTS_ORACLE_H
#define _TESTS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "snap.h"

struct fact;

/** struct facts - what one side says */
struct facts {
	struct fact *fact;
	unsigned int nr;
	unsigned int max;
};

__attribute__((format(printf, 3, 4))) void facts_number(struct facts *facts, long long number,
							const char *key, ...);
__attribute__((format(printf, 3, 4))) void facts_string(struct facts *facts, const char *string,
							const char *key, ...);
/*
 * A number of free pages lacks @lists more, which are on the per-cpu lists. They come
 * from there and go back many at a time, whoever takes one. So if all say how many, the
 * sums are compared as well, and only they tell how many memdiag may have taken.
 */
__attribute__((format(printf, 3, 4))) void facts_lists(struct facts *facts, long long lists,
						       const char *key, ...);
void facts_free(struct facts *facts);

/* A field of a record of memdiag's under the key "@record/its name"; not if absent. */
void facts_field(struct facts *facts, const struct snap *snap,
		 const struct memdiag_section *section, uint64_t n, unsigned int field,
		 const char *record);

/*
 * The same for a field that may count what memdiag itself works in: free pages, slab
 * memory. That is used when it looks, and not when the kernel is asked; how much it is,
 * at most, it says itself, so the snapshot must have the section system, and for free
 * pages section pcp. @name tells what is counted.
 */
void facts_own_field(struct facts *facts, const struct snap *snap,
		     const struct memdiag_section *section, uint64_t n, unsigned int field,
		     const char *record, const char *name);

/**
 * struct oracle - a section and what the kernel says of the same
 * @name: for the result
 * @section: which
 * @also: mask of sections that @memdiag wants in the same snapshot
 * @kernel: asks the kernel; false: it does not say (skipped)
 * @memdiag: reads the section, or asks memdiag in another way
 */
struct oracle {
	const char *name;
	unsigned int section;
	uint64_t also;
	bool (*kernel)(struct facts *facts);
	void (*memdiag)(struct facts *facts, const struct snap *snap,
			const struct memdiag_section *section);
};

/* Ways into the kernel that were closed when the module was loaded; its parameter. */
#define ORACLE_NO_BTF 1
#define ORACLE_NO_SYMBOL 2
#define ORACLE_NO_OPS 4
unsigned int oracle_closed_ways(void);
/*
 * Whether there is a way, not closed, from the name of the kernel's data to its address:
 * kallsyms has it, and there are kprobes.
 */
bool oracle_symbol_known(const char *symbol);

/* Free pages of all zones, those on the per-cpu lists too, or -1. */
long long oracle_free_everywhere(void);

/* Prints one result. */
void oracle_run(const struct oracle *oracle);

/* How many values oracle_run() has compared so far. */
extern unsigned long oracle_values;

#endif /* _TESTS_ORACLE_H */
