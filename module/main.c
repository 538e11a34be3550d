// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiag: where did the memory go, who holds it, and is it leaking?
 * Brings the parts up and down in order, and holds the module's parameters.
 */
#include <linux/module.h>

#include "memdiag.h"
#include "readers/readers.h"
#include "resolve/resolve.h"

module_param_named(snapshot_mib, memdiag_snapshot_mib, uint, 0444);
MODULE_PARM_DESC(snapshot_mib,
		 "MiB that all snapshots together may take (default: 1/16 of RAM, at least 8, at most 1024)");

#ifdef MEMDIAG_TEST
unsigned int memdiag_force_ways;
module_param_named(force_ways, memdiag_force_ways, uint, 0444);
MODULE_PARM_DESC(force_ways,
		 "for tests: ways into the kernel not to use, bits: 1 BTF, 2 symbols by kprobe, 4 seq operations, 8 mirrors, 16 walk of pages (default: 0, use all)");

char *memdiag_wrong_layout;
module_param_named(wrong_layout, memdiag_wrong_layout, charp, 0444);
MODULE_PARM_DESC(wrong_layout,
		 "for tests: a member to be taken for one word further than it is, such as kmem_cache.list (default: none)");
#endif

/* Not in sysfs: it has raw addresses. */
module_param_cb(addresses, &memdiag_given_param, NULL, 0);
MODULE_PARM_DESC(addresses,
		 "for memdiagctl load: name=hex,... of symbols that this kernel does not tell, as in its System.map (default: none)");

static int __init memdiag_init(void)
{
	struct memdiag_btf *btf;
	int error;

	error = memdiag_resolve_init();
	if (error)
		return error;
	error = memdiag_unloaded_init();
	if (error)
		goto resolve;
	error = memdiag_track_init();
	if (error)
		goto gone;
	memdiag_snapshot_init();
	/* Read once for all who look for a layout in it. */
	btf = memdiag_btf_load();
	memdiag_readers_init();
	memdiag_registry_init();
	memdiag_btf_free(btf);
	memdiag_alloc_init();
	error = memdiag_procfs_init();
	if (error)
		goto registry;
	error = memdiag_chardev_init();
	if (error)
		goto procfs;
	/*
	 * Last, because nothing can fail any more: a file of debugfs that somebody
	 * has open holds the module, but not one whose init fails.
	 */
	memdiag_debugfs_init();
	return 0;

procfs:
	memdiag_procfs_exit();
registry:
	memdiag_registry_exit();
	memdiag_readers_exit();
	memdiag_snapshot_exit();
	memdiag_track_exit();
gone:
	memdiag_unloaded_exit();
resolve:
	memdiag_resolve_exit();
	memdiag_alloc_exit();
	return error;
}

static void __exit memdiag_exit(void)
{
	memdiag_debugfs_exit();
	memdiag_chardev_exit();
	memdiag_procfs_exit();
	memdiag_registry_exit();
	memdiag_readers_exit();
	memdiag_snapshot_exit();
	memdiag_track_exit();
	memdiag_unloaded_exit();
	memdiag_resolve_exit();
	memdiag_alloc_exit();
}

module_init(memdiag_init);
module_exit(memdiag_exit);

MODULE_AUTHOR("The memdiag developers");
MODULE_DESCRIPTION("Where did the memory go, who holds it, and is it leaking?");
MODULE_LICENSE("GPL");
MODULE_VERSION(MEMDIAG_VERSION);
