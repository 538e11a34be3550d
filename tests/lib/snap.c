// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktap.h"
#include "snap.h"

int snap_open(struct snap *snap)
{
	memset(snap, 0, sizeof(*snap));
	snap->fd = open(SNAP_DEVICE, O_RDONLY | O_CLOEXEC);
	return snap->fd < 0 ? -errno : 0;
}

int snap_collect(struct snap *snap, uint64_t sections)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg), .sections = sections };
	void *data;

	if (ioctl(snap->fd, MEMDIAG_IOC_SNAPSHOT, &arg))
		return -errno;
	data = mmap(NULL, arg.bytes, PROT_READ, MAP_SHARED, snap->fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	if (snap->data)
		munmap((void *)snap->data, snap->size);
	snap->data = data;
	snap->size = arg.bytes;
	return 0;
}

int snap_load(struct snap *snap, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data;

	memset(snap, 0, sizeof(*snap));
	snap->fd = -1;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		close(fd);
		return -errno;
	}
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return -errno;
	snap->data = data;
	snap->size = st.st_size;
	return 0;
}

void snap_drop(struct snap *snap)
{
	if (snap->data)
		munmap((void *)snap->data, snap->size);
	if (snap->fd >= 0)
		close(snap->fd);
	memset(snap, 0, sizeof(*snap));
	snap->fd = -1;
}

void snap_take(struct snap *snap, uint64_t sections)
{
	const char *wrong;
	int error;

	error = snap_open(snap);
	if (error)
		ktap_bail("%s: %s", SNAP_DEVICE, strerror(-error));
	error = snap_collect(snap, sections);
	if (error)
		ktap_bail("SNAPSHOT: %s", strerror(-error));
	wrong = snap_check(snap);
	if (wrong)
		ktap_bail("the snapshot is not well-formed: %s", wrong);
}

const struct memdiag_header *snap_header(const struct snap *snap)
{
	return (const void *)snap->data;
}

const struct memdiag_section *snap_section(const struct snap *snap, unsigned int id)
{
	const struct memdiag_header *header = snap_header(snap);

	return (const void *)(snap->data + header->sections + id * header->section_size);
}

const char *snap_string(const struct snap *snap, uint64_t offset)
{
	return (const char *)snap->data + snap_header(snap)->strings + offset;
}

const struct memdiag_field *snap_field(const struct snap *snap,
				       const struct memdiag_section *section, unsigned int i)
{
	return (const void *)(snap->data + section->fields + i * section->field_size);
}

int snap_field_named(const struct snap *snap, const struct memdiag_section *section,
		     const char *name)
{
	unsigned int i;

	for (i = 0; i < section->nr_fields; i++)
		if (!strcmp(snap_string(snap, snap_field(snap, section, i)->name), name))
			return i;
	return -1;
}

uint64_t snap_value(const struct snap *snap, const struct memdiag_section *section, uint64_t n,
		    unsigned int field)
{
	uint64_t value;

	memcpy(&value,
	       snap->data + section->records + n * section->record_size +
		       snap_field(snap, section, field)->offset,
	       sizeof(value));
	return value;
}

uint64_t snap_get(const struct snap *snap, const struct memdiag_section *section, uint64_t n,
		  const char *name)
{
	int field = snap_field_named(snap, section, name);

	if (field < 0)
		ktap_bail("section %s has no field %s", snap_string(snap, section->name), name);
	return snap_value(snap, section, n, field);
}

const char *snap_get_string(const struct snap *snap, const struct memdiag_section *section,
			    uint64_t n, const char *name)
{
	uint64_t value = snap_get(snap, section, n, name);

	return value == MEMDIAG_ABSENT ? NULL : snap_string(snap, value);
}

bool snap_has(const struct snap *snap, unsigned int id)
{
	uint32_t state = snap_section(snap, id)->state;

	return state == MEMDIAG_STATE_OK || state == MEMDIAG_STATE_PARTIAL;
}

static char check_text[256];

#define wrong(...) (snprintf(check_text, sizeof(check_text), __VA_ARGS__), check_text)

static bool check_range(const struct snap *snap, uint64_t at, uint64_t size)
{
	return !(at % 8) && at >= snap_header(snap)->header_size && at <= snap->size &&
	       size <= snap->size - at;
}

static bool check_string(const struct snap *snap, uint64_t string)
{
	return string < snap_header(snap)->strings_size;
}

static const char *check_header(const struct snap *snap)
{
	const struct memdiag_header *h = snap_header(snap);

	if (snap->size < sizeof(*h) || memcmp(h->magic, MEMDIAG_MAGIC, 8) ||
	    h->byte_order != MEMDIAG_BYTE_ORDER)
		return "no magic";
	if (h->format_major != MEMDIAG_FORMAT_MAJOR || h->format_minor != MEMDIAG_FORMAT_MINOR)
		return "version";
	if (h->header_size != sizeof(*h) || h->section_size != sizeof(struct memdiag_section) ||
	    h->nr_sections != MEMDIAG_NR_SECTIONS)
		return "table sizes";
	if (h->total_size != snap->size)
		return wrong("total size %llu of %zu", (unsigned long long)h->total_size,
			     snap->size);
	if (h->flags || h->checksum || h->__reserved)
		if (!(h->flags & MEMDIAG_HEADER_CHECKSUM))
			return "flags or checksum set";
	if (!h->generation || !h->start_ns || h->start_ns > h->end_ns || !h->realtime_ns ||
	    !h->boottime_ns || h->page_size != (unsigned int)getpagesize())
		return "generation, times or page size";
	if (!check_range(snap, h->sections, (uint64_t)h->nr_sections * h->section_size) ||
	    !check_range(snap, h->strings, h->strings_size) || !h->strings_size)
		return "tables outside of the snapshot";
	if (snap->data[h->strings] || snap->data[h->strings + h->strings_size - 1])
		return "string table without NULs at its ends";
	if (!check_string(snap, h->version) || !*snap_string(snap, h->version))
		return "no version string";
	return NULL;
}

static const char *check_field(const struct snap *snap, const struct memdiag_section *s,
			       unsigned int i)
{
	const struct memdiag_field *f = snap_field(snap, s, i);
	uint64_t n, value;
	unsigned int j;

	if (!check_string(snap, f->name) || !*snap_string(snap, f->name) ||
	    !check_string(snap, f->help) || !*snap_string(snap, f->help))
		return wrong("field %u of %s: name or help", i, snap_string(snap, s->name));
	for (j = 0; j < i; j++)
		if (!strcmp(snap_string(snap, f->name),
			    snap_string(snap, snap_field(snap, s, j)->name)))
			return wrong("%s has field %s twice", snap_string(snap, s->name),
				     snap_string(snap, f->name));
	if (f->type > MEMDIAG_TYPE_BOOL || f->unit > MEMDIAG_UNIT_KBYTES ||
	    f->kind > MEMDIAG_KIND_COUNTER || f->source > MEMDIAG_SRC_PAGES ||
	    f->flags & ~(MEMDIAG_FIELD_KEY | MEMDIAG_FIELD_INEXACT | MEMDIAG_FIELD_BRIEF))
		return wrong("%s.%s: type, unit, kind, flags or source", snap_string(snap, s->name),
			     snap_string(snap, f->name));
	if (f->offset % 8 || f->offset + 8 > s->record_size)
		return wrong("%s.%s: offset", snap_string(snap, s->name),
			     snap_string(snap, f->name));
	if (strchr(snap_string(snap, f->help), '\n'))
		return wrong("%s.%s: help of more than a line", snap_string(snap, s->name),
			     snap_string(snap, f->name));
	for (n = 0; n < s->nr_records; n++) {
		value = snap_value(snap, s, n, i);
		if (value == MEMDIAG_ABSENT)
			continue;
		if ((f->type == MEMDIAG_TYPE_STR && !check_string(snap, value)) ||
		    (f->type == MEMDIAG_TYPE_BOOL && value > 1) ||
		    (f->type != MEMDIAG_TYPE_U64 && value == MEMDIAG_UNLIMITED))
			return wrong("%s.%s of record %llu is %#llx", snap_string(snap, s->name),
				     snap_string(snap, f->name), (unsigned long long)n,
				     (unsigned long long)value);
	}
	return NULL;
}

static const char *check_section(const struct snap *snap, unsigned int id)
{
	const struct memdiag_section *s = snap_section(snap, id);
	const char *what = NULL;
	unsigned int i;

	if (s->id != id || !check_string(snap, s->name) || !*snap_string(snap, s->name) ||
	    !check_string(snap, s->help) || !*snap_string(snap, s->help) ||
	    !check_string(snap, s->reason) || s->__reserved)
		return wrong("section %u: id, strings or reserved", id);
	if (s->state == MEMDIAG_STATE_NOT_ASKED) {
		if (s->nr_fields || s->nr_records || s->fields || s->records || s->error ||
		    s->collect_ns || *snap_string(snap, s->reason))
			return wrong("section %u: not asked, but not empty", id);
		return NULL;
	}
	if (s->state > MEMDIAG_STATE_UNAVAILABLE || s->source > MEMDIAG_SRC_PAGES)
		return wrong("section %u: state or source", id);
	if ((s->state == MEMDIAG_STATE_UNAVAILABLE) != (s->error < 0) || s->error > 0 ||
	    (s->state == MEMDIAG_STATE_OK) != !*snap_string(snap, s->reason) ||
	    (s->state == MEMDIAG_STATE_UNAVAILABLE && s->nr_records))
		return wrong("section %u: state %u, error %d, %llu records, reason '%s'", id,
			     s->state, s->error, (unsigned long long)s->nr_records,
			     snap_string(snap, s->reason));
	if (s->field_size != sizeof(struct memdiag_field) || s->record_size % 8 ||
	    !check_range(snap, s->fields, (uint64_t)s->nr_fields * s->field_size) ||
	    s->nr_records > snap->size ||
	    !check_range(snap, s->records, s->nr_records * s->record_size))
		return wrong("section %u: fields or records outside of the snapshot", id);
	for (i = 0; i < s->nr_fields && !what; i++)
		what = check_field(snap, s, i);
	return what;
}

const char *snap_check(const struct snap *snap)
{
	const char *what = check_header(snap);
	unsigned int id;

	for (id = 0; !what && id < MEMDIAG_NR_SECTIONS; id++)
		what = check_section(snap, id);
	return what;
}
