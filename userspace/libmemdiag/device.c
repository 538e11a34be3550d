// SPDX-License-Identifier: GPL-2.0-only
/* The device: open, ask, take a snapshot, get its bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

struct memdiag_device {
	int fd;
};

static int device_fail(struct memdiag_error *error, int code, const char *what)
{
	return memdiag_refuse(error, code, "%s: %s", what, strerror(-code));
}

/**
 * memdiag_device_open() - open the device
 * @path: usually MEMDIAG_DEVICE
 * @error: filled in on failure, may be NULL
 * @device: the result, to be closed with memdiag_device_close()
 *
 * Return: 0 or what open() says: -ENOENT without the module, -EPERM or
 * -EACCES without CAP_SYS_ADMIN in the initial user namespace; -ENOTTY if it
 * is something else than the device; -ENOMEM.
 */
int memdiag_device_open(const char *path, struct memdiag_error *error,
			struct memdiag_device **device)
{
	struct memdiag_device *d;
	struct memdiag_info info;
	int ret;

	d = malloc(sizeof(*d));
	if (!d)
		return device_fail(error, -ENOMEM, path);
	d->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (d->fd < 0) {
		ret = -errno;
		free(d);
		return memdiag_refuse(error, ret, "%s", strerror(-ret));
	}
	ret = memdiag_device_info(d, error, &info);
	if (ret) {
		memdiag_device_close(d);
		return ret;
	}
	*device = d;
	return 0;
}

/**
 * memdiag_device_close() - close the device
 * @device: the device or NULL; snapshots taken from it stay valid
 */
void memdiag_device_close(struct memdiag_device *device)
{
	if (!device)
		return;
	close(device->fd);
	free(device);
}

/**
 * memdiag_device_info() - what the module knows and can
 * @device: the device
 * @error: filled in on failure, may be NULL
 * @info: the result
 *
 * Return: 0, -EPROTONOSUPPORT if it speaks another major version, or what the
 * ioctl says.
 */
int memdiag_device_info(struct memdiag_device *device, struct memdiag_error *error,
			struct memdiag_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	if (ioctl(device->fd, MEMDIAG_IOC_INFO, info))
		return device_fail(error, -errno, "MEMDIAG_IOC_INFO");
	info->version[sizeof(info->version) - 1] = '\0';
	if (info->format_major != MEMDIAG_FORMAT_MAJOR)
		return memdiag_refuse(
			error, -EPROTONOSUPPORT,
			"module version %s has format %u.%u, this program knows %u.%u",
			(const char *)info->version, info->format_major, info->format_minor,
			MEMDIAG_FORMAT_MAJOR, MEMDIAG_FORMAT_MINOR);
	return 0;
}

/**
 * memdiag_device_mask() - the mask bits of sections by their names
 * @device: the device
 * @names: names with commas between
 * @error: filled in on failure, may be NULL
 * @mask: the result
 *
 * Return: 0, -ENOENT if the module has no such section, or what taking a
 * snapshot returns: sections that are not known here are looked up there.
 */
int memdiag_device_mask(struct memdiag_device *device, const char *names,
			struct memdiag_error *error, uint64_t *mask)
{
	struct memdiag_data *data = NULL;
	struct memdiag_info info;
	uint64_t result = 0;
	int ret;

	ret = memdiag_device_info(device, error, &info);
	if (ret)
		return ret;
	for (const char *name = names; name;) {
		const char *comma = strchr(name, ',');
		size_t length = comma ? (size_t)(comma - name) : strlen(name);
		int id = memdiag_section_id(name, length);

		if (id < 0 && !data) {
			ret = memdiag_device_snapshot(device, 1ull << MEMDIAG_SEC_SYSTEM, error,
						      &data);
			if (ret)
				return ret;
		}
		for (uint32_t n = 0; id < 0 && n < memdiag_data_header(data)->nr_sections; n++) {
			const struct memdiag_section *s = memdiag_data_section(data, n);
			const char *known = memdiag_section_name(data, s);

			if (strlen(known) == length && !memcmp(known, name, length) && s->id < 64)
				id = s->id;
		}
		/* An older module may not have all that is known here. */
		if (id < 0 || !(info.known & 1ull << id)) {
			ret = memdiag_refuse(error, -ENOENT, "the module has no section '%.*s'",
					     (int)length, name);
			break;
		}
		result |= 1ull << id;
		name = comma ? comma + 1 : NULL;
	}
	memdiag_data_free(data);
	if (!ret)
		*mask = result;
	return ret;
}

/* Where mapping does not work (a file system or emulator in between), read. */
static int device_read(struct memdiag_device *device, struct memdiag_data *data)
{
	unsigned char *bytes = malloc(data->size);
	size_t done = 0;

	if (!bytes)
		return -ENOMEM;
	while (done < data->size) {
		ssize_t got = pread(device->fd, bytes + done, data->size - done, done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			int ret = got ? -errno : -EIO;

			free(bytes);
			return ret;
		}
		done += got;
	}
	data->bytes = bytes;
	return 0;
}

/**
 * memdiag_device_snapshot_aged() - take a snapshot, tracked objects by their age
 * @device: the device
 * @sections: mask of sections, 0 for all
 * @min_age_ns: section track leaves out what is younger
 * @error: filled in on failure, may be NULL
 * @data: the result, to be freed with memdiag_data_free()
 *
 * Return: 0, what the ioctl says, -EBADMSG or -EPROTONOSUPPORT if the bytes
 * are not as the contract says, -ENOMEM.
 */
int memdiag_device_snapshot_aged(struct memdiag_device *device, uint64_t sections,
				 uint64_t min_age_ns, struct memdiag_error *error,
				 struct memdiag_data **data)
{
	struct memdiag_snapshot arg = { .size = sizeof(arg),
					.sections = sections,
					.track_min_age_ns = min_age_ns };
	struct memdiag_data *d;
	void *map;
	int ret;

	if (ioctl(device->fd, MEMDIAG_IOC_SNAPSHOT, &arg))
		return device_fail(error, -errno, "MEMDIAG_IOC_SNAPSHOT");
	if (arg.bytes < sizeof(struct memdiag_header) || arg.bytes > SIZE_MAX / 2)
		return memdiag_refuse(error, -EBADMSG, "the module made a snapshot of %llu bytes",
				      (unsigned long long)arg.bytes);
	d = calloc(1, sizeof(*d));
	if (!d)
		return device_fail(error, -ENOMEM, "snapshot");
	d->size = arg.bytes;
	map = mmap(NULL, d->size, PROT_READ, MAP_PRIVATE, device->fd, 0);
	if (map != MAP_FAILED) {
		d->bytes = map;
		d->mapped = true;
	} else {
		ret = device_read(device, d);
		if (ret) {
			free(d);
			return device_fail(error, ret, "reading the snapshot");
		}
	}
	ret = memdiag_check(d, error);
	if (ret) {
		memdiag_data_free(d);
		return ret;
	}
	*data = d;
	return 0;
}

/**
 * memdiag_device_snapshot() - take a snapshot
 * @device: the device
 * @sections: mask of sections, 0 for all
 * @error: filled in on failure, may be NULL
 * @data: the result, to be freed with memdiag_data_free()
 *
 * Return: as memdiag_device_snapshot_aged().
 */
int memdiag_device_snapshot(struct memdiag_device *device, uint64_t sections,
			    struct memdiag_error *error, struct memdiag_data **data)
{
	return memdiag_device_snapshot_aged(device, sections, 0, error, data);
}

/* What the module says to a command, in words. */
static int track_fail(struct memdiag_error *error, int code)
{
	switch (code) {
	case -EALREADY:
		return memdiag_refuse(error, code, "the tracker is started already");
	case -EOPNOTSUPP:
		return memdiag_refuse(error, code,
				      "this kernel has no tracepoints that it could attach to");
	case -ENOTTY:
		return memdiag_refuse(error, code,
				      "the module is older than this program and has no tracker");
	case -ENOMEM:
		return memdiag_refuse(error, code, "no memory for tables of this size");
	case -ENOENT:
		return memdiag_refuse(error, code, "there is no such process or cgroup");
	case -EINVAL:
		return memdiag_refuse(error, code, "a value of the filter makes no sense");
	default:
		return memdiag_refuse(error, code, "%s", strerror(-code));
	}
}

/**
 * memdiag_device_track_start() - have the module remember allocations
 * @device: the device
 * @start: what and how, and room made in return; @size is filled in here
 * @error: filled in on failure, may be NULL
 *
 * Return: 0 or what the ioctl says: -EALREADY, -EOPNOTSUPP without tracepoints,
 * -EINVAL, -ENOENT, -ENOMEM, -ENOTTY from a module without tracker.
 */
int memdiag_device_track_start(struct memdiag_device *device, struct memdiag_track_start *start,
			       struct memdiag_error *error)
{
	start->size = sizeof(*start);
	if (ioctl(device->fd, MEMDIAG_IOC_TRACK_START, start))
		return track_fail(error, -errno);
	return 0;
}

/**
 * memdiag_device_track_stop() - have it no longer do so
 * @device: the device
 * @discard: forget what was remembered
 * @error: filled in on failure, may be NULL
 *
 * Return: 0, also if nothing was started, or what the ioctl says.
 */
int memdiag_device_track_stop(struct memdiag_device *device, bool discard,
			      struct memdiag_error *error)
{
	struct memdiag_track_stop arg = { .size = sizeof(arg),
					  .flags = discard ? MEMDIAG_TRACK_DISCARD : 0 };

	if (ioctl(device->fd, MEMDIAG_IOC_TRACK_STOP, &arg))
		return track_fail(error, -errno);
	return 0;
}

/**
 * memdiag_device_settle() - wait until what was freed is freed indeed
 * @device: the device
 * @error: filled in on failure, may be NULL
 *
 * Return: 0 or what the ioctl says; -EINTR after a signal.
 */
int memdiag_device_settle(struct memdiag_device *device, struct memdiag_error *error)
{
	struct memdiag_settle arg = { .size = sizeof(arg) };

	if (ioctl(device->fd, MEMDIAG_IOC_SETTLE, &arg))
		return device_fail(error, -errno, "MEMDIAG_IOC_SETTLE");
	return 0;
}
