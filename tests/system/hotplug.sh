#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# hotplug.sh - memory that comes after boot, and goes while it is looked at
#
# The memory map of what was added is in line memmap, also of sections that are not
# online, and not in unaccounted. Then zones, lists and page frames are read while all of
# zone Movable is taken offline and brought back.
#
# Runs in the guest, which has memory to add (qemu/run --hotplug).

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

memory=/sys/devices/system/memory
work=/tmp/hotplug
# Pages that others may take meanwhile.
noise=384

give_up() {
	ktap_skip "$1" "hotplug"
	ktap_end
	exit
}

# line NAME: its pages
line() { memdiagctl show ledger -o line,pages --bytes --no-headings | awk -v n="$1" '$1 == n { print $2 / 4096 }'; }

# sums_up: whether all lines together are MemTotal
sums_up() {
	memdiagctl show ledger -o pages --bytes --no-headings |
		awk -v kib="$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" '
			{ sum += $1 } END { exit sum != kib * 1024 }'
}

# still NAME WAS: whether a line has about the pages that it had
still() {
	now=$(line "$1")
	if [ $((now - $2)) -gt $noise ] || [ $(($2 - now)) -gt $noise ]; then
		echo "$1: $2 pages, now $now"
		return 1
	fi
}

# all STATE: bring the added memory there
all() { for block in $added; do echo "$1" >"$block/state" || return 1; done; }

# often: offline and back
often() {
	times=0
	while [ $times -lt 10 ]; do
		times=$((times + 1))
		all offline && all online_movable || return 1
	done
}

# read_all: what is read of zones and page frames, until nobody wants it any more
read_all() {
	sections=zone,node,pcp,buddy,fragmentation,pageblock,ledger,identity,vmstat,census,misplaced
	while [ ! -e "$work/stop" ]; do
		memdiagctl save --sections "$sections" "$work/save" 2>/dev/null
		status=$?
		[ $status = 0 ] || [ $status = 3 ] || echo "status $status" >>"$work/failed"
		echo taken >>"$work/taken"
	done
}

ktap_start
mkdir -p "$work"
added=
for block in "$memory"/memory*; do
	[ "$(cat "$block/state" 2>/dev/null)" != offline ] || added="$added $block"
done
[ -n "$added" ] || give_up "no memory that is not online yet"

# 64 bytes for each page of 4096.
# shellcheck disable=SC2086
map=$(($(echo $added | wc -w) * 0x$(cat $memory/block_size_bytes) * 64 / 4096 / 4096))
unaccounted=$(line unaccounted)
total=$(awk '/^MemTotal/ { print $2 * 1024 / 4096 }' /proc/meminfo)
ktap_check "hotplug: not online: memmap has $map pages" [ "$(line memmap)" = $map ]
ktap_check "hotplug: not online: unaccounted has $unaccounted of $total pages" \
	[ $((unaccounted * 50)) -lt "$total" ]
ktap_check "hotplug: not online: the lines sum up" sums_up
ktap_check "hotplug: all can be brought online" all online_movable
ktap_check "hotplug: online: memmap has $map pages" [ "$(line memmap)" = $map ]
ktap_check "hotplug: online: unaccounted is the same" still unaccounted "$unaccounted"
ktap_check "hotplug: online: the lines sum up" sums_up

read_all &
reading=$!
ktap_check "hotplug: offline and back 10 times while all is read" often
: >"$work/stop"
wait $reading
ktap_check "hotplug: all of $(wc -l <"$work/taken") were taken" [ ! -e "$work/failed" ]
ktap_check "hotplug: offline again" all offline
ktap_check "hotplug: offline: memmap has $map pages" [ "$(line memmap)" = $map ]
ktap_check "hotplug: offline: unaccounted is the same" still unaccounted "$unaccounted"
ktap_check "hotplug: offline: the lines sum up" sums_up
rm -rf "$work"
ktap_end
