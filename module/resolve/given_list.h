/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols of given.c, which includes this several times: no include guard.
 *
 * GIVEN_SYMBOL(name, type) is one that a provider asks memdiag_resolve_data() for,
 * aligned at least as the type is. GIVEN_DATA(name) and GIVEN_TEXT(name) are
 * references: exported by every kernel, and hardly to be trimmed away, as memdiag or
 * nearly any other module uses them; not per CPU, and in no section that is freed
 * after boot. They come from all over the kernel, so that a change anywhere in it
 * moves some of them against others.
 */
GIVEN_SYMBOL(pcpu_first_chunk, long)
GIVEN_SYMBOL(pcpu_base_addr, long)
GIVEN_SYMBOL(pcpu_nr_units, int)
GIVEN_SYMBOL(zswap_pool_total_size, long)
GIVEN_SYMBOL(purge_vmap_area_list, long)
GIVEN_SYMBOL(purge_vmap_area_lock, int)
GIVEN_SYMBOL(vmap_purge_list, long)
GIVEN_SYMBOL(vmap_nodes, long)
GIVEN_SYMBOL(nr_vmap_nodes, int)
GIVEN_SYMBOL(integrity_buf_pool, long)
GIVEN_SYMBOL(mem_cgroup_stats_index, char)
GIVEN_SYMBOL(mem_cgroup_events_index, char)
GIVEN_SYMBOL(kmemleak_enabled, int)
GIVEN_SYMBOL(page_owner_inited, int)
GIVEN_SYMBOL(mem_alloc_profiling_key, int)
GIVEN_SYMBOL(kfence_enabled, char)
GIVEN_SYMBOL(slub_debug_enabled, int)
GIVEN_SYMBOL(psi_disabled, int)
GIVEN_SYMBOL(transparent_hugepage_flags, long)

GIVEN_DATA(init_task)
GIVEN_DATA(init_uts_ns)
GIVEN_DATA(jiffies)
GIVEN_DATA(iomem_resource)
GIVEN_DATA(__cpu_possible_mask)
GIVEN_DATA(node_states)
GIVEN_DATA(vm_zone_stat)
GIVEN_DATA(vm_node_stat)
#ifdef CONFIG_MEMCG
GIVEN_DATA(memory_cgrp_subsys)
#endif
#ifdef CONFIG_NET
GIVEN_DATA(init_net)
#endif

GIVEN_TEXT(register_module_notifier)
GIVEN_TEXT(kfree)
GIVEN_TEXT(vfree)
GIVEN_TEXT(si_meminfo)
GIVEN_TEXT(filp_open)
GIVEN_TEXT(kernel_read)
GIVEN_TEXT(seq_printf)
GIVEN_TEXT(vsnprintf)
GIVEN_TEXT(misc_register)

#undef GIVEN_SYMBOL
#undef GIVEN_DATA
#undef GIVEN_TEXT
