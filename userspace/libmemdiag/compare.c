// SPDX-License-Identifier: GPL-2.0-only
/* How two snapshots stand to each other: time, boot, kernel; and the notices about that. */
#include <string.h>

#include "internal.h"

/* Without a boot id: wall and boot clock drifting apart by more is a reboot. */
#define CLOCK_JUMP_NS 10000000000ll

static bool boot_id_known(const struct memdiag_header *h)
{
	static const unsigned char zero[sizeof(h->boot_id)];

	return memcmp(h->boot_id, zero, sizeof(zero));
}

static int64_t wall_minus_boot(const struct memdiag_header *h)
{
	return (int64_t)(h->realtime_ns - h->boottime_ns);
}

/* Only asked where one of the boot ids could not be read. */
static bool clocks_say_reboot(const struct memdiag_header *a, const struct memdiag_header *b)
{
	uint64_t apart = wall_minus_boot(a) < wall_minus_boot(b)
				 ? (uint64_t)wall_minus_boot(b) - wall_minus_boot(a)
				 : (uint64_t)wall_minus_boot(a) - wall_minus_boot(b);

	/* Monotonic time back while wall time goes on; both back is just the wrong order. */
	if (b->start_ns < a->start_ns && b->realtime_ns > a->realtime_ns)
		return true;
	return apart > CLOCK_JUMP_NS;
}

static const char *kernel_release(const struct memdiag_data *data)
{
	const struct memdiag_section *s = memdiag_data_find(data, "system");
	const char *release;

	if (!s || !s->nr_records || memdiag_get_string(data, s, 0, "release", &release))
		return NULL;
	return release;
}

/**
 * memdiag_compare() - how two snapshots stand to each other
 * @a: first snapshot
 * @b: second snapshot
 * @elapsed_ns: from the start of @a to the start of @b, negative if @a is the
 *	later one, 0 after a reboot
 * @notices: mask of enum memdiag_notice, those that hold for all sections
 */
void memdiag_compare(const struct memdiag_data *a, const struct memdiag_data *b,
		     int64_t *elapsed_ns, uint32_t *notices)
{
	const struct memdiag_header *ha = memdiag_data_header(a);
	const struct memdiag_header *hb = memdiag_data_header(b);
	const char *release_a = kernel_release(a);
	const char *release_b = kernel_release(b);

	*notices = 0;
	*elapsed_ns = 0;
	if (boot_id_known(ha) && boot_id_known(hb)) {
		if (memcmp(ha->boot_id, hb->boot_id, sizeof(ha->boot_id)))
			*notices |= MEMDIAG_NOTICE_REBOOTED;
	} else if (clocks_say_reboot(ha, hb)) {
		*notices |= MEMDIAG_NOTICE_REBOOTED | MEMDIAG_NOTICE_REBOOT_GUESSED;
	}
	if (*notices & MEMDIAG_NOTICE_REBOOTED) {
		/* Two boots have only the wall clock in common. */
		if (hb->realtime_ns < ha->realtime_ns)
			*notices |= MEMDIAG_NOTICE_REVERSED;
	} else {
		*elapsed_ns = (int64_t)(hb->start_ns - ha->start_ns);
		if (*elapsed_ns < 0)
			*notices |= MEMDIAG_NOTICE_REVERSED;
		if (!*elapsed_ns)
			*notices |= MEMDIAG_NOTICE_SAME_TIME;
	}
	if (release_a && release_b && strcmp(release_a, release_b))
		*notices |= MEMDIAG_NOTICE_RELEASE;
	if (ha->page_size != hb->page_size)
		*notices |= MEMDIAG_NOTICE_PAGE_SIZE;
}

/**
 * memdiag_notice_text() - a notice in words
 * @notice: one of enum memdiag_notice
 *
 * Return: one line.
 */
const char *memdiag_notice_text(enum memdiag_notice notice)
{
	switch (notice) {
	case MEMDIAG_NOTICE_REBOOTED:
		return "the snapshots are from different boots or machines: counters are not compared";
	case MEMDIAG_NOTICE_REBOOT_GUESSED:
		return "a boot id is missing: the clocks say that it was rebooted or that the time was set";
	case MEMDIAG_NOTICE_REVERSED:
		return "the first snapshot is the later one: differences run backwards in time";
	case MEMDIAG_NOTICE_SAME_TIME:
		return "both snapshots were taken at the same time: there are no rates";
	case MEMDIAG_NOTICE_RELEASE:
		return "the snapshots are from different kernel releases";
	case MEMDIAG_NOTICE_PAGE_SIZE:
		return "the page sizes differ: values in pages are not compared";
	case MEMDIAG_NOTICE_PARTIAL:
		return "a section is partial: what seems to appear or vanish may have been missed";
	case MEMDIAG_NOTICE_REUSED:
		return "ids were used again for something else: shown as vanished and appeared";
	case MEMDIAG_NOTICE_RENAMED:
		return "something was renamed: compared under its new name";
	case MEMDIAG_NOTICE_DUPLICATES:
		return "several records have the same key: joined in the order in which they stand";
	case MEMDIAG_NOTICE_BACKWARDS:
		return "counters went backwards without a reboot: not compared";
	case MEMDIAG_NOTICE_BY_CALLER:
		return "areas cannot be recognized without their addresses: their callers are compared";
	}
	return "unknown notice";
}
