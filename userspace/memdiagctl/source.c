// SPDX-License-Identifier: GPL-2.0-only
/* Where the data comes from: the module or a saved snapshot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdiagctl.h"

static int cannot_open(int error, const char *why)
{
	switch (error) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return cannot("cannot open %s: %s; is the module loaded? memdiagctl load",
			      MEMDIAG_DEVICE, why);
	case -EPERM:
	case -EACCES:
		return cannot("cannot open %s: %s; be root in the initial user namespace",
			      MEMDIAG_DEVICE, why);
	default:
		return cannot("cannot use %s: %s", MEMDIAG_DEVICE, why);
	}
}

/* Opens the device. Return: 0 or STATUS_CANNOT. */
int source_open(struct memdiag_device **device)
{
	struct memdiag_error error;
	int ret = memdiag_device_open(MEMDIAG_DEVICE, &error, device);

	return ret ? cannot_open(ret, error.text) : 0;
}

/* Asks the module about itself. Return: 0 or STATUS_CANNOT. */
int source_live_info(struct memdiag_info *info)
{
	struct memdiag_device *device;
	struct memdiag_error error;
	int ret = source_open(&device);

	if (ret)
		return ret;
	if (memdiag_device_info(device, &error, info))
		ret = cannot("cannot ask %s: %s", MEMDIAG_DEVICE, error.text);
	memdiag_device_close(device);
	return ret;
}

/*
 * The mask of those of @sections that the module has: an older one may lack some, and
 * the command says of which it knows nothing. Return: 0 or an error, -ENOENT if it has none.
 */
static int known_mask(struct memdiag_device *device, const char *sections,
		      struct memdiag_error *error, uint64_t *mask)
{
	char *copy = must(strdup(sections)), *save = NULL;
	uint64_t one;
	int ret = 0;

	for (char *name = strtok_r(copy, ",", &save); name && (!ret || ret == -ENOENT);
	     name = strtok_r(NULL, ",", &save)) {
		ret = memdiag_device_mask(device, name, error, &one);
		*mask |= ret ? 0 : one;
	}
	free(copy);
	return ret == -ENOENT && *mask ? 0 : ret;
}

/*
 * Takes a snapshot of @sections (names with commas, NULL for all); section track
 * without objects younger than @min_age_ns. With @named they come from the command line.
 * Return: 0, STATUS_CANNOT; STATUS_USAGE for one of these that does not exist.
 */
static int live(const char *sections, bool named, uint64_t min_age_ns, struct memdiag_data **data)
{
	struct memdiag_device *device;
	struct memdiag_error error;
	uint64_t mask = 0;
	int ret;

	ret = source_open(&device);
	if (ret)
		return ret;
	if (sections)
		ret = named ? memdiag_device_mask(device, sections, &error, &mask)
			    : known_mask(device, sections, &error, &mask);
	if (ret == -ENOENT) {
		ret = named ? usage_error("%s; 'memdiagctl status' lists them", error.text)
			    : cannot("cannot show that: %s; load the module of this version",
				     error.text);
		goto close;
	}
	if (!ret)
		ret = memdiag_device_snapshot_aged(device, mask, min_age_ns, &error, data);
	if (ret == -EMFILE)
		ret = cannot(
			"cannot take a snapshot: %s; other open snapshots hold the memory, or raise the module's limit",
			error.text);
	else if (ret)
		ret = cannot("cannot take a snapshot: %s", error.text);
close:
	memdiag_device_close(device);
	return ret;
}

/* Takes a snapshot for a report of the tracker. Return: 0 or STATUS_CANNOT. */
int source_live_aged(const char *sections, uint64_t min_age_ns, struct memdiag_data **data)
{
	return live(sections, false, min_age_ns, data);
}

/* The same, whatever the age. */
int source_live(const char *sections, struct memdiag_data **data)
{
	return live(sections, false, 0, data);
}

/*
 * Loads a file, or takes a snapshot of @sections if it is the device.
 * Return: 0 or STATUS_CANNOT.
 */
int source_load_sections(const char *path, const char *sections, struct memdiag_data **data)
{
	struct memdiag_error error;
	int ret;

	if (!strcmp(path, MEMDIAG_DEVICE))
		return source_live(sections, data);
	ret = memdiag_data_load(path, &error, data);
	if (!ret)
		return 0;
	if (ret == -EPROTONOSUPPORT)
		return cannot("cannot read %s: %s; use the memdiagctl that belongs to it", path,
			      error.text);
	if (ret == -EBADMSG)
		return cannot("cannot read %s: %s; save it again", path, error.text);
	return cannot("cannot read %s: %s", path, error.text);
}

/* The same with all sections that are not on request. */
int source_load(const char *path, struct memdiag_data **data)
{
	return source_load_sections(path, NULL, data);
}

/* The data a command works on: --input or the module. */
int source_get(const struct options *options, const char *sections, struct memdiag_data **data)
{
	const char *input = option_value(options, OPT_INPUT);

	return input ? source_load(input, data) : source_live(sections, data);
}

/* The same with sections that the command line names. Return: also STATUS_USAGE. */
int source_get_named(const struct options *options, const char *sections,
		     struct memdiag_data **data)
{
	const char *input = option_value(options, OPT_INPUT);

	return input ? source_load(input, data) : live(sections, true, 0, data);
}

/*
 * A section that has records.
 * Return: 0, STATUS_PARTIAL after a warning if some may be missing, STATUS_CANNOT if it
 * has none or there is no such section.
 */
int source_section(const struct memdiag_data *data, const char *name,
		   const struct memdiag_section **section)
{
	const struct memdiag_section *s = memdiag_data_find(data, name);
	const char *reason;

	if (!s)
		return cannot(
			"cannot show section %s: the snapshot is of a version without it; 'memdiagctl status' lists the others",
			name);
	*section = s;
	reason = memdiag_data_string(data, s->reason);
	switch (s->state) {
	case MEMDIAG_STATE_OK:
		return 0;
	case MEMDIAG_STATE_PARTIAL:
		warn("section %s is partial: %s", name, *reason ? reason : "no reason given");
		return STATUS_PARTIAL;
	case MEMDIAG_STATE_NOT_ASKED:
		return cannot(
			"cannot show section %s: it was not collected; save a snapshot with it",
			name);
	default:
		return cannot(
			"cannot show section %s: %s: %s (%s); 'memdiagctl status' tells about all",
			name, memdiag_state_name(s->state), *reason ? reason : "no reason given",
			s->error < 0 && s->error > -4096 ? strerror(-s->error) : "no error");
	}
}
