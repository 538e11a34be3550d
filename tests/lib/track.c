// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ktap.h"
#include "track.h"

static int track_ioctl(unsigned long command, void *arg)
{
	int error, fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	error = ioctl(fd, command, arg) ? -errno : 0;
	close(fd);
	return error;
}

const char *track_unavailable(void)
{
	static char reason[256];
	const struct memdiag_section *s;
	struct snap snap;

	snap_take(&snap, SNAP_BIT(TRACK_STATUS));
	s = snap_section(&snap, MEMDIAG_SEC_TRACK_STATUS);
	snprintf(reason, sizeof(reason), "%s", snap_string(&snap, s->reason));
	if (snap_has(&snap, MEMDIAG_SEC_TRACK_STATUS)) {
		snap_drop(&snap);
		return NULL;
	}
	snap_drop(&snap);
	return *reason ? reason : "no reason is given";
}

int track_try_start(const struct memdiag_track_start *start)
{
	struct memdiag_track_start arg = *start;

	arg.size = sizeof(arg);
	return track_ioctl(MEMDIAG_IOC_TRACK_START, &arg);
}

void track_start(const char *module)
{
	struct memdiag_track_start start = {};
	int error;

	if (module) {
		start.flags = MEMDIAG_TRACK_BY_MODULE | MEMDIAG_TRACK_ANYWHERE;
		snprintf((char *)start.module, sizeof(start.module), "%s", module);
	}
	error = track_try_start(&start);
	if (error)
		ktap_bail("TRACK_START: %s", strerror(-error));
}

void track_stop(bool discard)
{
	struct memdiag_track_stop stop = {
		.size = sizeof(stop),
		.flags = discard ? MEMDIAG_TRACK_DISCARD : 0,
	};
	int error = track_ioctl(MEMDIAG_IOC_TRACK_STOP, &stop);

	if (error)
		ktap_bail("TRACK_STOP: %s", strerror(-error));
}

void track_settle(void)
{
	struct memdiag_settle settle = { .size = sizeof(settle) };
	int error = track_ioctl(MEMDIAG_IOC_SETTLE, &settle);

	if (error)
		ktap_bail("SETTLE: %s", strerror(-error));
}

void track_take(struct snap *snap)
{
	const struct memdiag_section *s;

	snap_take(snap, SNAP_BIT(TRACK) | SNAP_BIT(TRACK_STATUS));
	s = snap_section(snap, MEMDIAG_SEC_TRACK);
	if (!snap_has(snap, MEMDIAG_SEC_TRACK))
		ktap_bail("section track: %s", snap_string(snap, s->reason));
}

/*
 * Whether the first frame in the module is of this function (NULL: there is one). A
 * frame is "name+0x1/0x2 [module]".
 */
static bool first_frame_is(const char *stack, const char *module, const char *function)
{
	size_t length = function ? strlen(function) : 0;
	const char *frame = stack;
	char tail[80];

	/* Once the module is gone it says so behind the name. */
	snprintf(tail, sizeof(tail), " [%s", module);
	while (frame) {
		const char *end = strchrnul(frame, ';'), *at = strstr(frame, tail);

		if (at && at < end) {
			at = frame + length;
			/* A compiler may have made a copy of it: name.isra.0 */
			return !function || (!strncmp(frame, function, length) &&
					     (*at == '+' || *at == '.'));
		}
		frame = *end ? end + 1 : NULL;
	}
	return false;
}

/* Whether one of the words, separated by commas, is in the text. */
static bool has_word(const char *text, const char *words)
{
	char word[64];

	while (words && *words) {
		size_t length = strcspn(words, ",");

		snprintf(word, sizeof(word), "%.*s", (int)length, words);
		if (strstr(text, word))
			return true;
		words += length + (words[length] == ',');
	}
	return false;
}

static bool matches(const struct snap *snap, uint64_t n, const struct track_want *want)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_TRACK);
	const char *stack = snap_get_string(snap, s, n, "stack");
	const char *kind = snap_get_string(snap, s, n, "kind");
	const char *cache = snap_get_string(snap, s, n, "cache");

	if (want->module && !first_frame_is(stack, want->module, want->function))
		return false;
	if (want->frame && !strstr(stack, want->frame))
		return false;
	if (want->kind && strcmp(kind, want->kind))
		return false;
	if (want->cache && strcmp(cache ? cache : "", want->cache))
		return false;
	if (want->order >= 0 && snap_get(snap, s, n, "order") != (uint64_t)want->order)
		return false;
	return !has_word(stack, want->but);
}

static uint64_t known(uint64_t value)
{
	return value == MEMDIAG_ABSENT ? 0 : value;
}

struct track_sum track_add_up(const struct snap *snap, const struct track_want *want)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_TRACK);
	struct track_sum sum = {};
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		if (!matches(snap, n, want))
			continue;
		sum.records++;
		sum.count += snap_get(snap, s, n, "count");
		sum.unsure += known(snap_get(snap, s, n, "unsure"));
		sum.bytes += snap_get(snap, s, n, "bytes");
		sum.asked += known(snap_get(snap, s, n, "asked_bytes"));
		sum.allocated += snap_get(snap, s, n, "allocated");
		sum.freed += snap_get(snap, s, n, "freed");
	}
	return sum;
}

void track_print(const struct snap *snap, const struct track_want *want)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_TRACK);
	uint64_t n;

	for (n = 0; n < s->nr_records; n++) {
		if (!matches(snap, n, want) || !snap_get(snap, s, n, "count"))
			continue;
		ktap_note("%" PRIu64 " objects, %" PRIu64 " of these unsure, %" PRIu64
			  " bytes, %s %s: %s",
			  snap_get(snap, s, n, "count"), known(snap_get(snap, s, n, "unsure")),
			  snap_get(snap, s, n, "bytes"), snap_get_string(snap, s, n, "kind"),
			  snap_get_string(snap, s, n, "cache"),
			  snap_get_string(snap, s, n, "stack"));
	}
}

uint64_t track_status(const struct snap *snap, const char *field)
{
	return snap_get(snap, snap_section(snap, MEMDIAG_SEC_TRACK_STATUS), 0, field);
}

const char *track_status_string(const struct snap *snap, const char *field)
{
	return snap_get_string(snap, snap_section(snap, MEMDIAG_SEC_TRACK_STATUS), 0, field);
}
