// SPDX-License-Identifier: GPL-2.0-only
/*
 * The provider table, and what each provider found out about this kernel.
 *
 * Every provider resolves what it needs by itself, so that one missing symbol,
 * config or layout costs one section and never the module.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "memdiag.h"

static const struct memdiag_provider * const registry_providers[MEMDIAG_NR_SECTIONS] = {
#define SECTION(name, id) \
	[MEMDIAG_SEC_##id] = &memdiag_##name##_provider,
#include "../uapi/section_list.h"
#undef SECTION
};

static struct memdiag_status registry_status[MEMDIAG_NR_SECTIONS];

/**
 * memdiag_status() - what is known of a provider
 * @id: enum memdiag_section_id, less than MEMDIAG_NR_SECTIONS
 *
 * Return: its status; it does not change after the module's init.
 */
const struct memdiag_status *memdiag_status(u32 id)
{
	return &registry_status[id];
}

/**
 * memdiag_available() - sections that can be had on this kernel
 *
 * Return: mask of the sections that are ok or partial.
 */
u64 memdiag_available(void)
{
	u64 mask = 0;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (registry_status[id].state != MEMDIAG_STATE_UNAVAILABLE)
			mask |= BIT_ULL(id);
	return mask;
}

/**
 * memdiag_default_sections() - what a snapshot of all has
 *
 * Return: mask of the sections that are not only collected on request.
 */
u64 memdiag_default_sections(void)
{
	u64 mask = 0;
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (!registry_providers[id]->on_request)
			mask |= BIT_ULL(id);
	return mask;
}

/**
 * memdiag_set_ok() - for .init: the section can be had in full
 * @status: the provider's status
 * @source: enum memdiag_source of the records
 */
void memdiag_set_ok(struct memdiag_status *status, u32 source)
{
	status->state = MEMDIAG_STATE_OK;
	status->source = source;
	status->error = 0;
	status->reason[0] = '\0';
}

/**
 * memdiag_set_partial() - for .init: the section can be had, but not all of it
 * @status: the provider's status
 * @source: enum memdiag_source of the records
 * @fmt: what is missing and why
 */
void memdiag_set_partial(struct memdiag_status *status, u32 source,
			 const char *fmt, ...)
{
	va_list args;

	memdiag_set_ok(status, source);
	status->state = MEMDIAG_STATE_PARTIAL;
	va_start(args, fmt);
	vsnprintf(status->reason, sizeof(status->reason), fmt, args);
	va_end(args);
}

/**
 * memdiag_set_unavailable() - for .init: the section cannot be had
 * @status: the provider's status
 * @error: negative errno
 * @fmt: why
 */
void memdiag_set_unavailable(struct memdiag_status *status, int error,
			     const char *fmt, ...)
{
	va_list args;

	status->state = MEMDIAG_STATE_UNAVAILABLE;
	status->source = MEMDIAG_SRC_NONE;
	status->error = error;
	va_start(args, fmt);
	vsnprintf(status->reason, sizeof(status->reason), fmt, args);
	va_end(args);
}

/* A field table that does not fit its record would be read out of bounds. */
static bool registry_fields_fit(const struct memdiag_status *status)
{
	unsigned int i;

	for (i = 0; i < status->nr_fields; i++)
		if (status->fields[i].offset % sizeof(u64) ||
		    status->fields[i].offset + sizeof(u64) > status->record_size)
			return false;
	return true;
}

/* Why a section that needs others cannot be had; NULL if it can. */
static const struct memdiag_status *registry_missing(const struct memdiag_provider *provider)
{
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (provider->needs & BIT_ULL(id) &&
		    registry_status[id].state == MEMDIAG_STATE_UNAVAILABLE)
			return &registry_status[id];
	return NULL;
}

/* Look at this kernel; what the section needs looks first, in whatever order they stand. */
static void __init registry_init_one(u32 id)
{
	const struct memdiag_provider *provider = registry_providers[id];
	struct memdiag_status *status = &registry_status[id];
	const struct memdiag_status *missing;
	u32 other;

	if (status->provider)
		return;
	status->provider = provider;
	status->fields = provider->fields;
	status->nr_fields = provider->nr_fields;
	status->record_size = provider->record_size;
	for (other = 0; other < MEMDIAG_NR_SECTIONS; other++)
		if (provider->needs & BIT_ULL(other))
			registry_init_one(other);
	memdiag_set_ok(status, MEMDIAG_SRC_EXPORT);
	missing = registry_missing(provider);
	if (missing)
		memdiag_set_unavailable(status, missing->error, "%s", missing->reason);
	else if (provider->init)
		provider->init(status);
	if (WARN_ON_ONCE(!registry_fields_fit(status)))
		memdiag_set_unavailable(status, -EINVAL, "field table does not fit the record");
	if (status->state == MEMDIAG_STATE_UNAVAILABLE)
		pr_info("%s is unavailable: %s\n", provider->name, status->reason);
	else if (status->state == MEMDIAG_STATE_PARTIAL)
		pr_info("%s is partial: %s\n", provider->name, status->reason);
}

/**
 * memdiag_registry_init() - let every provider look at this kernel
 *
 * Context: may sleep.
 *
 * Return: 0; a provider that finds nothing only makes its section unavailable.
 */
int __init memdiag_registry_init(void)
{
	u32 id;

	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		registry_init_one(id);
	return 0;
}

/** memdiag_registry_exit() - undo memdiag_registry_init() */
void memdiag_registry_exit(void)
{
	u32 id = MEMDIAG_NR_SECTIONS;

	while (id--)
		if (registry_providers[id]->exit)
			registry_providers[id]->exit(&registry_status[id]);
}
