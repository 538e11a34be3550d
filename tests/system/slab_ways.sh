#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# slab_ways.sh - layouts of SLUB's structures that are wrong
#
# Loads memdiag once for each member it reads, with the parameter wrong_layout
# placing that member wrongly: with /proc/slabinfo, and without it, where the
# caches are found by their pages (force_ways=4). The kernel may not complain.
# The layout must be refused, so what remains is the text of slabinfo or nothing,
# with a reason; and what is said must be right (tests/bin/oracle). Run as root in the guest,
# ends with the module loaded.
#
# SLAB_WAYS, SLAB_MEMBERS, ORACLE=no: other ways to close, only these members, and no
# comparison with the kernel.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

ko=${MEMDIAG_KO:-/lib/memdiag/memdiag.ko}
file=/sys/kernel/debug/memdiag/slab
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# In every kernel, though some not without CONFIG_SLUB_DEBUG.
slab=slab
[ "$(uname -r | cut -d. -f1-2)" != 5.10 ] || slab=page
always="kmem_cache.name kmem_cache.size kmem_cache.object_size kmem_cache.oo kmem_cache.min
	kmem_cache.flags kmem_cache.refcount kmem_cache.ctor kmem_cache.align
	kmem_cache.min_partial $slab.slab_cache $slab.inuse $slab.objects"
# Only read along the list of caches.
list="kmem_cache.list kmem_cache_node.list_lock kmem_cache_node.nr_partial
	kmem_cache_node.partial kmem_cache_node.nr_slabs kmem_cache_node.total_objects
	$slab.slab_list"
some="$slab.frozen kmem_cache.node kmem_cache.per_node kmem_cache_per_node_ptrs.node
	kmem_cache_per_node_ptrs.barn kmem_cache.cpu_slab kmem_cache_cpu.slab
	kmem_cache_cpu.page kmem_cache_cpu.partial $slab.slabs $slab.pages
	kmem_cache.cpu_partial kmem_cache.cpu_partial_slabs kmem_cache.cpu_sheaves
	kmem_cache.sheaf_capacity slub_percpu_sheaves.main slub_percpu_sheaves.spare
	slab_sheaf.cache slab_sheaf.size node_barn.nr_full"

source_of() { memdiagctl status --no-headings 2>/dev/null | awk '$1 == "slab" && ($2 ~ /ok|partial|unavailable/) { print $2, $3; exit }'; }
says() { sed -n 3p "$file" | grep -q "^# \(partial\|unavailable\): ."; }
refused() { grep -q 'reads\\040otherwise\\040than\\040it\\040must' /sys/kernel/debug/memdiag/resolve; }

wrong() { # WAYS MEMBER REFUSED
	case " ${SLAB_MEMBERS:-$2} " in
	*" $2 "*) ;;
	*) return ;;
	esac
	what="force_ways=$1 wrong_layout=$2"
	rmmod memdiag 2>/dev/null
	if ! insmod "$ko" force_ways="$1" wrong_layout="$2"; then
		ktap_fail "$what: the module loads"
		return
	fi
	now=$(source_of)
	why=
	case $now in
	"ok btf" | "ok mirror")
		# Then it is not in this kernel, or not read.
		[ "$3" = no ] && ! refused || why="it was believed"
		;;
	"ok "*) why="it may not be ok" ;;
	"partial "*) says || why="no reason" ;;
	"unavailable none") says || why="no reason" ;;
	*) why="no state" ;;
	esac
	[ "$3" = no ] || refused || why="${why:-no line says what was refused}"
	# What is ok is as it always is, which job matrix compares.
	if [ -z "$why" ] && [ "${ORACLE:-yes}" = yes ] && [ "${now%% *}" = partial ] &&
		[ -e /proc/slabinfo ]; then
		/tests/bin/oracle slab >"$out" || why="$(grep '^not ok\|^#' "$out" | head -n 20)"
	fi
	if [ -z "$why" ]; then
		ktap_pass "$what: $now"
	else
		ktap_fail "$what: $now"
		ktap_note "$why"
		ktap_note "$(grep slab /sys/kernel/debug/memdiag/resolve)"
	fi
}

ktap_start
for ways in ${SLAB_WAYS:-0 4}; do
	for member in $always; do
		wrong "$ways" "$member" yes
	done
	for member in $list; do
		needed=no
		[ "$((ways & 4))" != 0 ] || [ ! -e /proc/slabinfo ] || needed=yes
		wrong "$ways" "$member" $needed
	done
	for member in $some; do
		wrong "$ways" "$member" no
	done
done
rmmod memdiag 2>/dev/null
ktap_check "the module loads again without" insmod "$ko"
ktap_check "and nothing is refused" sh -c "! grep 'reads.040otherwise.040than' /sys/kernel/debug/memdiag/resolve"
ktap_check "nothing in the log" sh -c "! dmesg | grep -E 'BUG:|WARNING:|Oops|KASAN:'"
ktap_end
