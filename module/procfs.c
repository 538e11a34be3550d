// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/memdiag: the consolidated view for a person at a console, one screen.
 *
 * Opening takes one snapshot of the sections shown, reading prints from it. A
 * value that could not be read is "-", a section that could not be had says why.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "memdiag.h"

#define PROCFS_SECTIONS	(MEMDIAG_BIT(SYSTEM) | MEMDIAG_BIT(ZONE) | \
			 MEMDIAG_BIT(SLAB) | MEMDIAG_BIT(VMALLOC_CALLER) | \
			 MEMDIAG_BIT(MEMCG) | MEMDIAG_BIT(VMSTAT))
/* Rows of each of the "top" lists. */
#define PROCFS_TOP	5
/* Characters of a reason in one line. */
#define PROCFS_REASON	80

static struct proc_dir_entry *procfs_entry;

/* A field of a record by name; absent if the section has no such field. */
static u64 procfs_value(const struct memdiag_bytes *bytes, u32 id, u64 n,
			const char *name)
{
	const struct memdiag_section *section = memdiag_snapshot_section(bytes, id);
	const struct memdiag_field *field = bytes->data + section->fields;
	u32 i;

	if (n >= section->nr_records)
		return MEMDIAG_ABSENT;
	for (i = 0; i < section->nr_fields; i++, field++)
		if (!strcmp(memdiag_snapshot_string(bytes, field->name), name))
			return *(const u64 *)(bytes->data + section->records +
					      n * section->record_size +
					      field->offset);
	return MEMDIAG_ABSENT;
}

static const char *procfs_string(const struct memdiag_bytes *bytes, u32 id, u64 n,
				 const char *name)
{
	u64 value = procfs_value(bytes, id, n, name);

	return value == MEMDIAG_ABSENT ? "-" : memdiag_snapshot_string(bytes, value);
}

/* A count in a column. */
static void procfs_count(struct seq_file *m, u64 value)
{
	if (value == MEMDIAG_ABSENT)
		seq_puts(m, "         -");
	else
		seq_printf(m, "%10llu", value);
}

/* Print @value units of @unit bytes as KiB in a column. */
static void procfs_kib(struct seq_file *m, u64 value, unsigned int unit)
{
	if (value == MEMDIAG_ABSENT)
		seq_puts(m, "         -");
	else if (value == MEMDIAG_UNLIMITED)
		seq_puts(m, "       max");
	else
		seq_printf(m, "%10llu", value * unit >> 10);
}

static void procfs_reason(struct seq_file *m, const struct memdiag_bytes *bytes, u32 id)
{
	const struct memdiag_section *section = memdiag_snapshot_section(bytes, id);
	const char *reason = memdiag_snapshot_string(bytes, section->reason);
	size_t length;

	if (section->state == MEMDIAG_STATE_OK)
		return;
	seq_printf(m, "  %s: ", section->state == MEMDIAG_STATE_PARTIAL ?
		   "partial" : "unavailable");
	/* A sentence may be longer than a line. */
	while ((length = strlen(reason)) > PROCFS_REASON) {
		length = PROCFS_REASON;
		while (length && reason[length] != ' ')
			length--;
		if (!length)
			break;
		seq_printf(m, "%.*s\n    ", (int)length, reason);
		reason += length + 1;
	}
	seq_printf(m, "%s\n", reason);
}

/*
 * The next largest record by the field @by: less than the last one shown, or
 * equal and behind it. Few rows of sections that are small on a screen: a scan
 * per row is cheaper than memory to sort in.
 */
static bool procfs_next(const struct memdiag_bytes *bytes, u32 id, const char *by,
			u64 *n, u64 *value)
{
	u64 nr = memdiag_snapshot_section(bytes, id)->nr_records;
	u64 i, v, best = 0, best_n = 0;
	bool found = false;

	for (i = 0; i < nr; i++) {
		v = procfs_value(bytes, id, i, by);
		if (v == MEMDIAG_ABSENT || v > *value || (v == *value && i <= *n))
			continue;
		if (!found || v > best) {
			best = v;
			best_n = i;
			found = true;
		}
	}
	*n = best_n;
	*value = best;
	return found;
}

#define procfs_for_each_top(i, n, v, bytes, id, by)			\
	for ((i) = 0, (n) = 0, (v) = U64_MAX;				\
	     (i) < PROCFS_TOP && procfs_next(bytes, id, by, &(n), &(v)); (i)++)

static u64 procfs_counter(const struct memdiag_bytes *bytes, const char *name)
{
	u64 nr = memdiag_snapshot_section(bytes, MEMDIAG_SEC_VMSTAT)->nr_records;
	u64 i;

	for (i = 0; i < nr; i++)
		if (!strcmp(procfs_string(bytes, MEMDIAG_SEC_VMSTAT, i, "name"), name))
			return procfs_value(bytes, MEMDIAG_SEC_VMSTAT, i, "value");
	return MEMDIAG_ABSENT;
}

static void procfs_use(struct seq_file *m, const struct memdiag_bytes *bytes)
{
	static const struct {
		const char *title;
		const char *counter;
		unsigned int unit;
	} uses[] = {
		{ "anonymous", "nr_anon_pages", PAGE_SIZE },
		{ "file and swap cache", "nr_file_pages", PAGE_SIZE },
		{ "  of it shmem", "nr_shmem", PAGE_SIZE },
		{ "slab reclaimable", "nr_slab_reclaimable", PAGE_SIZE },
		{ "slab unreclaimable", "nr_slab_unreclaimable", PAGE_SIZE },
		{ "page tables", "nr_page_table_pages", PAGE_SIZE },
		{ "kernel stacks", "nr_kernel_stack", SZ_1K },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(uses); i++) {
		seq_printf(m, "  %-20s", uses[i].title);
		procfs_kib(m, procfs_counter(bytes, uses[i].counter), uses[i].unit);
		seq_putc(m, i % 2 ? '\n' : ' ');
	}
	if (i % 2)
		seq_putc(m, '\n');
}

static void procfs_zones(struct seq_file *m, const struct memdiag_bytes *bytes)
{
	u64 nr = memdiag_snapshot_section(bytes, MEMDIAG_SEC_ZONE)->nr_records;
	static const char * const columns[] = { "free", "min", "low", "high", "managed" };
	unsigned int i;
	u64 n;

	seq_puts(m, "zones, KiB                free       min       low      high   managed  state\n");
	procfs_reason(m, bytes, MEMDIAG_SEC_ZONE);
	for (n = 0; n < nr; n++) {
		if (!procfs_value(bytes, MEMDIAG_SEC_ZONE, n, "managed"))
			continue;
		seq_printf(m, "  node %-3llu %-10s",
			   procfs_value(bytes, MEMDIAG_SEC_ZONE, n, "node"),
			   procfs_string(bytes, MEMDIAG_SEC_ZONE, n, "name"));
		for (i = 0; i < ARRAY_SIZE(columns); i++)
			procfs_kib(m, procfs_value(bytes, MEMDIAG_SEC_ZONE, n, columns[i]),
				   PAGE_SIZE);
		seq_printf(m, "  %s\n", procfs_string(bytes, MEMDIAG_SEC_ZONE, n, "state"));
	}
}

static void procfs_slab(struct seq_file *m, const struct memdiag_bytes *bytes)
{
	unsigned int i;
	u64 n, v;

	seq_puts(m, "slab caches                KiB    in use     total   objsize\n");
	procfs_reason(m, bytes, MEMDIAG_SEC_SLAB);
	procfs_for_each_top(i, n, v, bytes, MEMDIAG_SEC_SLAB, "bytes") {
		seq_printf(m, "  %-20s", procfs_string(bytes, MEMDIAG_SEC_SLAB, n, "name"));
		procfs_kib(m, v, 1);
		procfs_count(m, procfs_value(bytes, MEMDIAG_SEC_SLAB, n, "active_objs"));
		procfs_count(m, procfs_value(bytes, MEMDIAG_SEC_SLAB, n, "num_objs"));
		procfs_count(m, procfs_value(bytes, MEMDIAG_SEC_SLAB, n, "objsize"));
		seq_putc(m, '\n');
	}
}

static void procfs_vmalloc(struct seq_file *m, const struct memdiag_bytes *bytes)
{
	unsigned int i;
	u64 n, v;

	seq_puts(m, "vmalloc callers            KiB     areas  kind        caller\n");
	procfs_reason(m, bytes, MEMDIAG_SEC_VMALLOC_CALLER);
	procfs_for_each_top(i, n, v, bytes, MEMDIAG_SEC_VMALLOC_CALLER, "size") {
		seq_puts(m, "                      ");
		procfs_kib(m, v, 1);
		procfs_count(m, procfs_value(bytes, MEMDIAG_SEC_VMALLOC_CALLER, n, "areas"));
		seq_printf(m, "  %-11s %s\n",
			   procfs_string(bytes, MEMDIAG_SEC_VMALLOC_CALLER, n, "kind"),
			   procfs_string(bytes, MEMDIAG_SEC_VMALLOC_CALLER, n, "caller"));
	}
}

static void procfs_memcg(struct seq_file *m, const struct memdiag_bytes *bytes)
{
	unsigned int i;
	u64 n, v;

	seq_puts(m, "memory cgroups             KiB       max  state    path\n");
	procfs_reason(m, bytes, MEMDIAG_SEC_MEMCG);
	procfs_for_each_top(i, n, v, bytes, MEMDIAG_SEC_MEMCG, "memory.current") {
		seq_puts(m, "                      ");
		procfs_kib(m, v, 1);
		procfs_kib(m, procfs_value(bytes, MEMDIAG_SEC_MEMCG, n, "memory.max"), 1);
		seq_printf(m, "  %-8s ",
			   procfs_string(bytes, MEMDIAG_SEC_MEMCG, n, "state"));
		memdiag_text_string(m, procfs_string(bytes, MEMDIAG_SEC_MEMCG, n, "path"));
		seq_putc(m, '\n');
	}
	/* The root of cgroup v2 has no memory.current. */
	if (!i && memdiag_snapshot_section(bytes, MEMDIAG_SEC_MEMCG)->nr_records)
		seq_puts(m, "  none below the root\n");
}

static int procfs_show(struct seq_file *m, void *v)
{
	const struct memdiag_bytes *bytes = m->private;
	const struct memdiag_header *header = bytes->data;

	seq_printf(m, "memdiag %s on %s %s, snapshot %llu in %llu us\n", MEMDIAG_VERSION,
		   procfs_string(bytes, MEMDIAG_SEC_SYSTEM, 0, "release"),
		   procfs_string(bytes, MEMDIAG_SEC_SYSTEM, 0, "machine"),
		   header->generation, (header->end_ns - header->start_ns) / 1000);
	seq_puts(m, "memory, KiB:  total");
	procfs_kib(m, procfs_value(bytes, MEMDIAG_SEC_SYSTEM, 0, "mem_total"), PAGE_SIZE);
	seq_puts(m, "  free");
	procfs_kib(m, procfs_value(bytes, MEMDIAG_SEC_SYSTEM, 0, "mem_free"), PAGE_SIZE);
	seq_puts(m, "  available");
	procfs_kib(m, procfs_value(bytes, MEMDIAG_SEC_SYSTEM, 0, "mem_available"),
		   PAGE_SIZE);
	seq_putc(m, '\n');
	procfs_use(m, bytes);
	procfs_zones(m, bytes);
	procfs_slab(m, bytes);
	procfs_vmalloc(m, bytes);
	procfs_memcg(m, bytes);
	return 0;
}

static int procfs_open(struct inode *inode, struct file *file)
{
	struct memdiag_bytes *bytes;
	int error;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	bytes = memdiag_snapshot_collect(PROCFS_SECTIONS);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	error = single_open(file, procfs_show, bytes);
	if (error)
		memdiag_snapshot_put(bytes);
	return error;
}

static int procfs_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	memdiag_snapshot_put(m->private);
	return single_release(inode, file);
}

static const struct proc_ops procfs_ops = {
	.proc_open = procfs_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = procfs_release,
};

/**
 * memdiag_procfs_init() - make the file
 *
 * Return: 0, also on a kernel without procfs; -ENOMEM.
 */
int memdiag_procfs_init(void)
{
	if (!IS_ENABLED(CONFIG_PROC_FS))
		return 0;
	procfs_entry = proc_create("memdiag", 0400, NULL, &procfs_ops);
	return procfs_entry ? 0 : -ENOMEM;
}

/** memdiag_procfs_exit() - remove the file; closes those still open */
void memdiag_procfs_exit(void)
{
	proc_remove(procfs_entry);
}
