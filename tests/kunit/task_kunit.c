// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_task: the pure parts of the sections of users: scores, taints,
 * names of files and mounts, counters of the network; and their live records.
 */
#include <linux/fdtable.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "kunit.h"

#include "../../module/resolve/resolve.h"

#include "../../module/readers/task_walk.c"
#include "../../module/providers/task.c"
#include "../../module/readers/mounts.c"
#include "../../module/providers/shmem.c"
#include "../../module/providers/shmem_file.c"
#include "../../module/providers/net/net.c"
#include "../../module/providers/net/net_task.c"
#include "../../module/providers/net/packet_ring.c"
#include "../../module/providers/net/net_counter.c"
#include "../../module/providers/module.c"

/* What /proc/PID/oom_score shows of the same: see proc_oom_score(). */
static void task_scores(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, task_score(0, 0, 100000), 666ULL);
	KUNIT_EXPECT_EQ(test, task_score(0, 1000, 100000), 1333ULL);
	KUNIT_EXPECT_EQ(test, task_score(0, -999, 100000), 0ULL);
	KUNIT_EXPECT_EQ(test, task_score(50000, 0, 100000), 1000ULL);
	KUNIT_EXPECT_EQ(test, task_score(50000, -500, 100000), 666ULL);
	/* Less than a thousand pages: the adjustment counts nothing. */
	KUNIT_EXPECT_EQ(test, task_score(0, 1000, 999), 666ULL);
}

/* The parent of one that was reaped is not looked at: it may be freed. */
static void task_parents(struct kunit *test)
{
	struct task_struct *child = kunit_kzalloc(test, sizeof(*child), GFP_KERNEL);
	struct task_struct *parent = kunit_kzalloc(test, sizeof(*parent), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_ASSERT_NOT_NULL(test, parent);
	parent->tgid = 4711;
	RCU_INIT_POINTER(child->real_parent, parent);
	KUNIT_EXPECT_EQ(test, task_ppid(child), MEMDIAG_ABSENT);
	child->thread_pid = task_pid(current);
	KUNIT_EXPECT_EQ(test, task_ppid(child), 4711ULL);
}

/* Numbers of a ring count only if the kernel would have accepted them together. */
static void task_packet_rings(struct kunit *test)
{
	static const enum packet_member members[] = { RING_FRAMES_PER_BLOCK, RING_FRAME_SIZE,
		RING_FRAME_MAX, RING_ORDER, RING_BLOCK_PAGES, RING_BLOCKS };
	/* The pointer, then three blocks of five pages for frames of 2 KiB. */
	union {
		const void *vector;
		u32 numbers[8];
	} ring = { .numbers = { 0, 0, 5 * PAGE_SIZE / 2048, 2048, 15 * PAGE_SIZE / 2048 - 1, 3, 5, 3 } };
	const u8 *at = (const u8 *)&ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(members); i++)
		packet_at[members[i]] = (i + 2) * sizeof(u32);
	KUNIT_EXPECT_EQ(test, ring_bytes(at), MEMDIAG_ABSENT);
	ring.vector = &ring;
	KUNIT_EXPECT_EQ(test, ring_bytes(at), 15ULL * PAGE_SIZE);
	for (i = 2; i < ARRAY_SIZE(ring.numbers); i++) {
		ring.numbers[i]++;
		KUNIT_EXPECT_EQ(test, ring_bytes(at), MEMDIAG_ABSENT);
		ring.numbers[i]--;
	}
	memset(&ring, 0, sizeof(ring));
	KUNIT_EXPECT_EQ(test, ring_bytes(at), 0ULL);
	/* As it is left when the process gives the ring back. */
	ring.numbers[2] = 2;
	ring.numbers[4] = U32_MAX;
	KUNIT_EXPECT_EQ(test, ring_bytes(at), 0ULL);
	ring.vector = &ring;
	KUNIT_EXPECT_EQ(test, ring_bytes(at), MEMDIAG_ABSENT);
	memset(packet_at, 0, sizeof(packet_at));
}

static void task_module_taints(struct kunit *test)
{
	char text[BITS_PER_LONG];

	module_taints(0, text);
	KUNIT_EXPECT_STREQ(test, text, "");
	module_taints(BIT(TAINT_OOT_MODULE) | BIT(TAINT_UNSIGNED_MODULE), text);
	KUNIT_EXPECT_STREQ(test, text, "OE");
	module_taints(BIT(TAINT_PROPRIETARY_MODULE) | BIT(TAINT_CRAP), text);
	KUNIT_EXPECT_STREQ(test, text, "PC");
	module_taints(~0UL, text);
	KUNIT_EXPECT_EQ(test, strlen(text), (size_t)20);
}

/* The strings of a module that is not live may be freed. */
static int task_module_collect(struct memdiag_sink *sink)
{
	static const enum module_state states[] = {
		MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING,
	};
	struct module *mod = kzalloc(sizeof(*mod), GFP_KERNEL);
	unsigned int i;
	int error = 0;

	if (!mod)
		return -ENOMEM;
	mod->version = "1.2.3";
	mod->srcversion = "ABCDEF";
	for (i = 0; i < ARRAY_SIZE(states) && !error; i++) {
		mod->state = states[i];
		error = module_push(mod, sink);
	}
	kfree(mod);
	return error;
}

static void task_module_strings(struct kunit *test)
{
	static const char * const states[] = { "live", "loading", "unloading" };
	const u32 id = MEMDIAG_SEC_MODULE;
	struct memdiag_bytes *bytes;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, memdiag_kunit_fake_begin(test), 0);
	memdiag_kunit_statuses[id].fields = module_fields;
	memdiag_kunit_statuses[id].nr_fields = ARRAY_SIZE(module_fields);
	memdiag_kunit_statuses[id].record_size = sizeof(struct module_record);
	memdiag_kunit_fakes[id].collect = task_module_collect;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(id));
	KUNIT_ASSERT_EQ(test, memdiag_snapshot_section(bytes, id)->nr_records,
			(u64)ARRAY_SIZE(states));
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, i, "state"),
				   states[i]);
		KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, i, "version"),
				   i ? "-" : "1.2.3");
		KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, i, "srcversion"),
				   i ? "-" : "ABCDEF");
	}
}

static bool task_count_file(const struct file *file, void *arg)
{
	++*(unsigned int *)arg;
	return false;
}

/* Of a table of many numbers only those that are open are looked at. */
static void task_sparse_files(struct kunit *test)
{
	const unsigned int numbers = 4 * WALK_NUMBERS, last = numbers - 1;
	struct files_struct *files = kunit_kzalloc(test, sizeof(*files), GFP_KERNEL);
	unsigned int seen = 0, holds = 0, i, fd = 0;
	struct memdiag_walk walk = { .wanted = task_count_file, .arg = &seen };
	struct file **table = kvcalloc(numbers, sizeof(*table), GFP_KERNEL);
	unsigned long *open = kvcalloc(BITS_TO_LONGS(numbers), sizeof(long), GFP_KERNEL);
	struct walk_batch batch = { .walk = &walk };

	if (files && table && open) {
		spin_lock_init(&files->file_lock);
		files->fdtab = (struct fdtable){ .max_fds = numbers, .open_fds = open };
		files->fdtab.fd = (struct file __rcu **)table;
		RCU_INIT_POINTER(files->fdt, &files->fdtab);
		/* Nobody may look at what is not open. */
		for (i = 0; i < numbers; i++)
			table[i] = (struct file *)files;
		__set_bit(3, open);
		__set_bit(last, open);
		/* Taken, but not yet opened. */
		__set_bit(5, open);
		table[5] = NULL;
		do {
			fd = walk_numbers(files, fd, &batch);
			holds++;
		} while (fd && holds < 100);
	}
	kvfree(table);
	kvfree(open);
	KUNIT_EXPECT_EQ(test, seen, 2U);
	KUNIT_EXPECT_EQ(test, holds, 4U);
}

static void task_shmem_names(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (int)memdiag_shmem_name_kind("memfd:x"), (int)SHMEM_MEMFD);
	KUNIT_EXPECT_EQ(test, (int)memdiag_shmem_name_kind("SYSV00000000"), (int)SHMEM_SYSV);
	KUNIT_EXPECT_EQ(test, (int)memdiag_shmem_name_kind("dev/zero"), (int)SHMEM_ANON);
	KUNIT_EXPECT_EQ(test, (int)memdiag_shmem_name_kind("dev/zeros"), (int)SHMEM_KERNEL);
	KUNIT_EXPECT_EQ(test, (int)memdiag_shmem_name_kind("drm mm object"), (int)SHMEM_KERNEL);
	KUNIT_EXPECT_EQ(test, (int)memdiag_shmem_name_kind(""), (int)SHMEM_KERNEL);
}

/* An inode that is still being made has no blocks: what tmpfs keeps beside it is noise. */
static void task_shmem_swapped(struct kunit *test)
{
#ifdef CONFIG_SHMEM
	struct shmem_inode_info *info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	struct shmem_sum sum = {};

	KUNIT_ASSERT_NOT_NULL(test, info);
	info->swapped = 77;
	shmem_add(&sum, &info->vfs_inode);
	KUNIT_EXPECT_EQ(test, sum.swapped, 0ULL);
	info->vfs_inode.i_blocks = 100 << (PAGE_SHIFT - 9);
	shmem_add(&sum, &info->vfs_inode);
	KUNIT_EXPECT_EQ(test, sum.swapped, 77ULL);
#endif
}

/* A list of modules that are none, as the operations of /proc/modules walk it. */
static struct module *task_modules;
#define TASK_MODULES	4

static void *task_modules_at(loff_t n)
{
	return n < TASK_MODULES ? &task_modules[n].list : NULL;
}

static void *task_modules_start(struct seq_file *m, loff_t *pos)
{
	return task_modules_at(*pos);
}

static void *task_modules_next(struct seq_file *m, void *entry, loff_t *pos)
{
	return task_modules_at(++*pos);
}

static void task_modules_stop(struct seq_file *m, void *entry)
{
}

static int task_module_seen(const struct module *mod, void *data)
{
	*(unsigned int *)data |= BIT(mod - task_modules);
	return 0;
}

static int task_module_ends(const struct module *mod, void *data)
{
	task_module_seen(mod, data);
	return -ENOSPC;
}

/* A module that is not yet formed is followed nowhere. */
static void task_modules_formed(struct kunit *test)
{
	static const struct seq_operations op = {
		.start = task_modules_start, .next = task_modules_next, .stop = task_modules_stop,
	};
	const struct memdiag_ops kept = module_ops;
	unsigned int seen = 0;

	task_modules = kunit_kcalloc(test, TASK_MODULES, sizeof(*task_modules), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, task_modules);
	task_modules[0].state = MODULE_STATE_UNFORMED;
	task_modules[1].state = MODULE_STATE_COMING;
	task_modules[2].state = MODULE_STATE_UNFORMED;
	task_modules[3].state = MODULE_STATE_GOING;
	module_ops = (struct memdiag_ops){ .op = &op };
	KUNIT_EXPECT_EQ(test, memdiag_module_walk(task_module_seen, &seen), 0);
	KUNIT_EXPECT_EQ(test, seen, (unsigned int)(BIT(1) | BIT(3)));
	seen = 0;
	KUNIT_EXPECT_EQ(test, memdiag_module_walk(task_module_ends, &seen), -ENOSPC);
	KUNIT_EXPECT_EQ(test, seen, (unsigned int)BIT(1));
	module_ops = (struct memdiag_ops){ };
	KUNIT_EXPECT_EQ(test, memdiag_module_walk(task_module_seen, &seen), module_why);
	KUNIT_EXPECT_NE(test, module_why, 0);
	module_ops = kept;
}

static void task_symbol_modules(struct kunit *test)
{
	static const struct {
		const char *symbol;
		const char *module;
	} symbols[] = {
		{ "load_module+0xbb7/0x21a0", NULL }, { "?", NULL }, { "", NULL },
		{ "f+0x1/0x2 [mod]", "mod" }, { "f+0x1/0x2 [mod 0123abcd]", "mod" },
		{ "+0x5f [mod (unloaded)]", "mod (unloaded)" }, { "f [", "" },
		{ "f+0x1/0x2 or +0x3 [a or b (init, freed)]", "a or b (init, freed)" },
		{ "+0x3 [mod (init, freed)]", "mod" },
	};
	const char *name;
	size_t length;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		name = memdiag_symbol_module(symbols[i].symbol, &length);
		KUNIT_EXPECT_EQ_MSG(test, !name, !symbols[i].module, "%s", symbols[i].symbol);
		if (!name || !symbols[i].module)
			continue;
		KUNIT_EXPECT_EQ(test, length, strlen(symbols[i].module));
		KUNIT_EXPECT_FALSE(test, !!memcmp(name, symbols[i].module, length));
	}
}

static void task_mount_lines(struct kunit *test)
{
	static const char * const bad[] = { "", "36", "36 35 0:24 /", "36 35 0:24 / /x" };
	char line[80] = "36 35 0:24 / /a\\040b\\134 rw - tmpfs none rw";
	const char *dev, *root, *path;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, mount_line(line, &dev, &root, &path));
	KUNIT_EXPECT_STREQ(test, dev, "0:24");
	KUNIT_EXPECT_STREQ(test, root, "/");
	KUNIT_EXPECT_STREQ(test, path, "/a b\\");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		strscpy(line, bad[i], sizeof(line));
		KUNIT_EXPECT_FALSE(test, mount_line(line, &dev, &root, &path));
	}
}

#ifdef CONFIG_INET
/* A reference does not hold a module that is still loading. */
static void task_loading_protocol(struct kunit *test)
{
	struct net_protocols *protocols = kunit_kzalloc(test, sizeof(*protocols), GFP_KERNEL);
	struct proto *prot = kunit_kzalloc(test, sizeof(*prot), GFP_KERNEL);
	struct module *mod = kunit_kzalloc(test, sizeof(*mod), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, protocols && prot && mod);
	prot->owner = mod;
	atomic_set(&mod->refcnt, 1);
	mod->state = MODULE_STATE_COMING;
	KUNIT_EXPECT_EQ(test, net_note_protocol(prot, protocols), 0);
	KUNIT_EXPECT_EQ(test, protocols->nr, 0U);
	mod->state = MODULE_STATE_LIVE;
	KUNIT_EXPECT_EQ(test, net_note_protocol(prot, protocols), 0);
	KUNIT_EXPECT_EQ(test, protocols->nr, 1U);
}

static void task_sockstat(struct kunit *test)
{
	static const char text[] = "sockets: used 9\nTCP: inuse 5 orphan 7 tw 0 alloc 6 mem 1\n";

	KUNIT_EXPECT_EQ(test, net_sockstat_value(text, " orphan "), 7ULL);
	KUNIT_EXPECT_EQ(test, net_sockstat_value(text, " nothing "), MEMDIAG_ABSENT);
	KUNIT_EXPECT_EQ(test, net_sockstat_value("TCP: orphan", " orphan"), MEMDIAG_ABSENT);
}
#endif

/* Text as the files have it, and text that they never had. */
static char task_counters_text[] =
	"Tcp: RtoMin MaxConn RetransSegs\nTcp: 200 -1 42\n"
	"Icmp: In Out\040\nIcmp: 1 2\040\n"
	"Odd: A B\nOther: 1 2\n"
	"Short: A B C\nShort: 1\n"
	"No colon\nNo 1\n"
	"Bad: A\nBad: x\n"
	"Last: A\n";

static int task_counters_collect(struct memdiag_sink *sink)
{
	char text[sizeof(task_counters_text)];

	strscpy(text, task_counters_text, sizeof(text));
	return net_counter_text(sink, text);
}

static void task_counters(struct kunit *test)
{
	static const struct {
		const char *name;
		u64 value;
		const char *kind;
	} want[] = {
		{ "TcpRtoMin", 200, "gauge" }, { "TcpMaxConn", -1, "gauge" },
		{ "TcpRetransSegs", 42, "counter" }, { "IcmpIn", 1, "counter" },
		{ "IcmpOut", 2, "counter" }, { "ShortA", 1, "counter" },
		{ "BadA", MEMDIAG_ABSENT, "counter" },
	};
	const u32 id = MEMDIAG_SEC_NET_COUNTER;
	struct memdiag_bytes *bytes;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, memdiag_kunit_fake_begin(test), 0);
	memdiag_kunit_statuses[id].fields = net_counter_fields;
	memdiag_kunit_statuses[id].nr_fields = ARRAY_SIZE(net_counter_fields);
	memdiag_kunit_statuses[id].record_size = sizeof(struct net_counter_record);
	memdiag_kunit_fakes[id].collect = task_counters_collect;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(id));
	KUNIT_ASSERT_EQ(test, memdiag_snapshot_section(bytes, id)->nr_records,
			(u64)ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, i, "name"),
				   want[i].name);
		KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, id, i, "value"),
				want[i].value);
		KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, id, i, "kind"),
				   want[i].kind);
	}
}

static struct kunit_case task_cases[] = {
	KUNIT_CASE(task_scores),
	KUNIT_CASE(task_parents),
	KUNIT_CASE(task_packet_rings),
	KUNIT_CASE(task_module_taints),
	KUNIT_CASE(task_modules_formed),
	KUNIT_CASE(task_module_strings),
	KUNIT_CASE(task_sparse_files),
	KUNIT_CASE(task_shmem_names),
	KUNIT_CASE(task_shmem_swapped),
	KUNIT_CASE(task_symbol_modules),
	KUNIT_CASE(task_mount_lines),
#ifdef CONFIG_INET
	KUNIT_CASE(task_loading_protocol),
	KUNIT_CASE(task_sockstat),
#endif
	KUNIT_CASE(task_counters),
	{}
};

static struct kunit_suite task_suite = {
	.name = "memdiag_task",
	.test_cases = task_cases,
};

/* This very thread is in the list, kernel thread that it is; so is this module. */
static void task_live_records(struct kunit *test)
{
	struct memdiag_bytes *bytes = memdiag_kunit_snapshot(test, MEMDIAG_BIT(TASK) |
							     MEMDIAG_BIT(MODULE));
	const struct memdiag_section *s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_TASK);
	bool found = false;
	u64 n;

	for (n = 0; n < s->nr_records; n++) {
		if (memdiag_kunit_value(test, bytes, s->id, n, "pid") != current->tgid)
			continue;
		found = true;
		KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, s->id, n, "VmRSS"),
				MEMDIAG_ABSENT);
		KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, s->id, n, "threads"), 1ULL);
		KUNIT_EXPECT_EQ(test, memdiag_kunit_value(test, bytes, s->id, n, "oom_score"),
				0ULL);
		KUNIT_EXPECT_STREQ(test, memdiag_kunit_string(test, bytes, s->id, n, "comm"),
				   current->comm);
	}
	KUNIT_EXPECT_TRUE(test, found);

	s = memdiag_snapshot_section(bytes, MEMDIAG_SEC_MODULE);
	for (n = 0, found = false; n < s->nr_records; n++)
		found |= !strcmp(memdiag_kunit_string(test, bytes, s->id, n, "name"),
				 "memdiag_kunit");
	KUNIT_EXPECT_TRUE(test, found);
}

/* A module that goes leaves its name to the addresses it had, and to no others. */
static void task_live_gone(struct kunit *test)
{
	char text[KSYM_SYMBOL_LEN] = "";
	const unsigned long start = 0x1000;

	KUNIT_EXPECT_FALSE(test, memdiag_unloaded_print(start, text));
	KUNIT_EXPECT_STREQ(test, text, "");
	memdiag_kunit_gone("first", start, 0x100);
	memdiag_kunit_gone("second", start + 0x80, 0x100);
	KUNIT_EXPECT_TRUE(test, memdiag_unloaded_print(start + 0x7f, text));
	KUNIT_EXPECT_STREQ(test, text, "+0x7f [first (unloaded)]");
	KUNIT_EXPECT_TRUE(test, memdiag_unloaded_print(start + 0x80, text));
	KUNIT_EXPECT_STREQ(test, text, "+0x0 [second (unloaded)]");
	/* Either may have asked; a module that is there now is one of two, or of three. */
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x7f, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x7f [first (unloaded)]");
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x80, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x0 or +0x80 [second (unloaded) or first (unloaded)]");
	strscpy(text, "now+0x0/0x8 [third 0123abcd]", sizeof(text));
	memdiag_unloaded_owner(start, true, text);
	KUNIT_EXPECT_STREQ(test, text, "now+0x0/0x8 or +0x0 [third or first (unloaded)]");
	strscpy(text, "now+0x0/0x8 [third]", sizeof(text));
	memdiag_unloaded_owner(start + 0x80, true, text);
	KUNIT_EXPECT_STREQ(test, text, "?");
	/* One of the two, loaded before at another place, is no third. */
	memdiag_kunit_gone("first", start + 0x200, 0x100);
	memdiag_kunit_gone("second", start + 0x210, 0x100);
	memdiag_kunit_gone("second", start + 0x220, 0x100);
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x280, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x60 or +0x80 [second (unloaded) or first (unloaded)]");
	memdiag_kunit_gone("first", start + 0x230, 0x100);
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x280, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x50 or +0x60 [first (unloaded) or second (unloaded)]");
	/* The same module that was loaded before is another one, unless it was there. */
	strscpy(text, "now+0x0/0x8 [first]", sizeof(text));
	memdiag_unloaded_owner(start, true, text);
	KUNIT_EXPECT_STREQ(test, text, "now+0x0/0x8 or +0x0 [first or first (unloaded)]");
	memdiag_kunit_come(test, "first", start, 0x200);
	strscpy(text, "now+0x0/0x8 [first]", sizeof(text));
	memdiag_unloaded_owner(start, true, text);
	KUNIT_EXPECT_STREQ(test, text, "now+0x0/0x8 or +0x0 [first or first (unloaded)]");
	memdiag_kunit_come(test, "first", start, 0x100);
	strscpy(text, "now+0x0/0x8 [first]", sizeof(text));
	memdiag_unloaded_owner(start, true, text);
	KUNIT_EXPECT_STREQ(test, text, "now+0x0/0x8 [first]");
	text[0] = '\0';
	memdiag_unloaded_owner(start - 1, true, text);
	KUNIT_EXPECT_STREQ(test, text, "?");
	KUNIT_EXPECT_FALSE(test, memdiag_unloaded_print(start + 0x180, text));
	KUNIT_EXPECT_FALSE(test, memdiag_unloaded_print(start - 1, text));
}

/* Code is forgotten one day, but no other module is named alone for it. */
static void task_live_gone_many(struct kunit *test)
{
	const unsigned long start = 0x1000000;
	char text[KSYM_SYMBOL_LEN] = "", name[16];
	unsigned int i;

	memdiag_kunit_gone("first", start, 0x100);
	memdiag_kunit_gone("same", start + 0x800, 0x100);
	/* What comes and goes at one place takes one place, and what is loaded none of it. */
	for (i = 0; i < 100; i++) {
		memdiag_kunit_gone("again", start + 0x1000, 0x100);
		snprintf(name, sizeof(name), "init%u", i);
		memdiag_kunit_freed_init(name, start + 0x2000 + i * 0x100, 0x100);
	}
	memdiag_kunit_gone("second", start, 0x100);
	memdiag_unloaded_owner(start, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x0 or +0x0 [second (unloaded) or first (unloaded)]");
	/* No function of an init that was forgotten can be asked for. */
	memdiag_kunit_gone("third", start + 0x2000, 0x100);
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x2000, true, text);
	KUNIT_EXPECT_STREQ(test, text, "?");
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x2000, false, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x0 [third (unloaded)]");

	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "other%u", i);
		memdiag_kunit_gone(name, start + 0x1000000 + i * 0x1000, 0x1000);
	}
	memdiag_kunit_gone("fourth", start, 0x100);
	text[0] = '\0';
	memdiag_unloaded_owner(start, true, text);
	KUNIT_EXPECT_STREQ(test, text, "?");
	text[0] = '\0';
	memdiag_unloaded_owner(start, false, text);
	KUNIT_EXPECT_STREQ(test, text, "?");
	strscpy(text, "now+0x0/0x8 [third]", sizeof(text));
	memdiag_unloaded_owner(start + 0x1000, false, text);
	KUNIT_EXPECT_STREQ(test, text, "?");
	/* The module itself is no other one, and beside what is forgotten all is known. */
	memdiag_kunit_gone("same", start + 0x810, 0x100);
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x820, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x10 [same (unloaded)]");
	memdiag_kunit_gone("beside", start + 0x100000, 0x100);
	text[0] = '\0';
	memdiag_unloaded_owner(start + 0x100000, true, text);
	KUNIT_EXPECT_STREQ(test, text, "+0x0 [beside (unloaded)]");
}

static struct kunit_case task_live_cases[] = {
	KUNIT_CASE(task_live_records),
	KUNIT_CASE(task_live_gone),
	KUNIT_CASE(task_live_gone_many),
	{}
};

static struct kunit_suite task_live_suite = {
	.name = "memdiag_task_live",
	.suite_init = memdiag_kunit_live,
	.test_cases = task_live_cases,
};
kunit_test_suites(&task_suite, &task_live_suite);
