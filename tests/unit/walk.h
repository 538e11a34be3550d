/* SPDX-License-Identifier: GPL-2.0-only */
/* Touches everything that the getters of libmemdiag can reach, for the sanitizers. */
#ifndef _WALK_H
#define _WALK_H

#include <string.h>

#include "libmemdiag.h"

static inline size_t walk(const struct memdiag_data *data)
{
	const struct memdiag_header *h = memdiag_data_header(data);
	size_t sum = strlen(memdiag_data_string(data, h->version));

	for (uint32_t n = 0; n < h->nr_sections; n++) {
		const struct memdiag_section *s = memdiag_data_section(data, n);

		sum += strlen(memdiag_section_name(data, s));
		sum += strlen(memdiag_data_string(data, s->help));
		sum += strlen(memdiag_data_string(data, s->reason));
		for (uint32_t i = 0; i < s->nr_fields; i++) {
			const struct memdiag_field *f = memdiag_field(data, s, i);

			sum += strlen(memdiag_field_name(data, f));
			sum += strlen(memdiag_data_string(data, f->help));
			for (uint64_t r = 0; r < s->nr_records; r++) {
				uint64_t value = memdiag_value(data, s, r, f);

				sum += value;
				if (f->type == MEMDIAG_TYPE_STR && !memdiag_value_is_absent(value))
					sum += strlen(memdiag_data_string(data, value));
			}
		}
	}
	return sum;
}

#endif /* _WALK_H */
