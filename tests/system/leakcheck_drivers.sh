#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# leakcheck_drivers.sh - memdiagctl leakcheck with drivers of the kernel's package
#
# Each is loaded, used and unloaded, several times: clean. Then the same while
# memdiag_leaky.ko leaks an object for each device that the driver makes: a leak,
# by a stack that names the function that leaks and the driver, as large as it is.
#
# Runs in the guest; /lib/memdiag/offered has the drivers (qemu/run --offer). DRIVERS in the
# environment names those to check.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

drivers=${DRIVERS:-dummy veth null_blk brd loop zram}
# Enough for what is left behind: stacks are exact.
cycles=4
# Enough for the counts of a machine that is busy with other guests: the default.
clean_cycles=10
bytes=600
work=/tmp/leakcheck_drivers

# Device nodes, where there is no devtmpfs to make them.
node() { # NAME
	[ -e "/dev/$1" ] || mknod "/dev/$1" b $(tr : ' ' <"/sys/block/$1/dev")
}

# fill NAME: some pages in and out
fill() {
	node "$1" && dd if=/dev/zero of="/dev/$1" bs=4096 count=64 conv=fsync 2>/dev/null &&
		dd if="/dev/$1" of=/dev/null bs=4096 count=64 2>/dev/null
}

# link_up NAME...: up for a moment
link_up() {
	for link; do
		ip link set "$link" up || return 1
	done
	for link; do
		ip link set "$link" down || return 1
	done
}

use_dummy() {
	ip link add memdiag0 type dummy && link_up dummy0 memdiag0 && ip link del memdiag0
}
use_veth() {
	ip link add memdiag0 type veth && link_up memdiag0 veth0 && ip link del memdiag0
}
use_null_blk() { fill nullb0; }
use_brd() { fill ram0; }
use_loop() {
	dd if=/dev/zero of=/tmp/loop.image bs=65536 count=16 2>/dev/null &&
		node loop0 && losetup /dev/loop0 /tmp/loop.image && fill loop0 &&
		losetup -d /dev/loop0
}
use_zram() { echo 4M >/sys/block/zram0/disksize && fill zram0 && echo 1 >/sys/block/zram0/reset; }

# What a driver is loaded with.
parameters() {
	case $1 in
	brd) echo --param rd_nr=1 --param rd_size=4096 ;;
	loop) echo --param max_loop=2 ;;
	null_blk) echo --param gb=1 --param nr_devices=1 --param poll_queues=0 ;;
	esac
}

# Devices that a driver makes in a cycle; each leaks once. (A link of type dummy is made
# by the kernel on its own.)
devices() {
	case $1 in
	loop | veth) echo 2 ;;
	*) echo 1 ;;
	esac
}

# check DRIVER FILE CYCLES: leakcheck, its report in $work/report
check() {
	# shellcheck disable=SC2046  # words
	memdiagctl leakcheck --module "$2" $(parameters "$1") --cycles "$3" --bytes \
		-- sh "$0" use "$1" >$work/report 2>$work/errors
}

report() {
	ktap_note "status $1"
	ktap_note "$(cat $work/report $work/errors)"
}

# kernfs_nodes: those in use, as the kernel counts them
kernfs_nodes() {
	echo 1 >/sys/kernel/slab/kernfs_node_cache/shrink
	awk '$1 == "kernfs_node_cache" { print $2 }' /proc/slabinfo
}

# grows FILE: does the driver leave objects of sysfs behind, each time?
grows() {
	grows_before=$(kernfs_nodes) n=0
	while [ $n -lt 20 ]; do
		insmod "$1" && rmmod null_blk || return 1
		n=$((n + 1))
	done
	sleep 1
	grows_by=$(($(kernfs_nodes) - grows_before))
	ktap_note "null_blk: 20 cycles without leakcheck: $grows_by more in /proc/slabinfo"
	[ $grows_by -ge 20 ]
}

# null_blk with queues for polling, which is its default, adds an object of sysfs twice
# and thus leaks it with all that hangs on it, in the kernels where it has them. So here
# the kernel's own counts say what is right.
agrees() { # FILE
	memdiagctl leakcheck --module "$1" --cycles $clean_cycles --bytes >$work/report 2>$work/errors
	status=$?
	if grows "$1"; then
		want=1
	else
		want=0
	fi
	if [ $status = $want ] && { [ $want = 0 ] || grep -q '^leak: slab kernfs_node_cache' $work/report; }; then
		ktap_pass "leakcheck_drivers: null_blk with all queues: as the kernel counts ($want)"
	else
		ktap_fail "leakcheck_drivers: null_blk with all queues: as the kernel counts ($want)"
		report $status
	fi
}

clean() { # DRIVER FILE
	check "$1" "$2" $clean_cycles
	status=$?
	if [ $status = 0 ] && grep -q 'clean' $work/report; then
		ktap_pass "leakcheck_drivers: $1: clean"
	else
		ktap_fail "leakcheck_drivers: $1: clean"
		report $status
	fi
}

# found DRIVER N: the report has a leak of N objects by the leaking function, which was
# called on behalf of the driver.
found() {
	awk -v driver="[$1" -v objects="$2" '
		/^leak:/ { n = 0; for (i = 2; i <= NF; i++) if ($i == "objects,") n = $(i - 1) }
		$1 ~ /^leaky_add\+/ && $2 == "[memdiag_leaky]" { sum += n; ours = 1; next }
		!NF { ours = 0 }
		# The stack has the state of before: "(unloaded)" may follow.
		ours && ($2 == driver "]" || $2 == driver) { drivers += n; ours = 0 }
		END { exit !(sum == objects && drivers == objects) }' $work/report
}

leaking() { # DRIVER FILE
	if ! insmod /lib/memdiag/memdiag_leaky.ko bytes=$bytes; then
		ktap_fail "leakcheck_drivers: $1: memdiag_leaky.ko can be loaded"
		return
	fi
	check "$1" "$2" $cycles
	status=$?
	if [ $status = 1 ] && found "$1" $((cycles * $(devices "$1"))); then
		ktap_pass "leakcheck_drivers: $1: a leak is found, by its stack"
	else
		ktap_fail "leakcheck_drivers: $1: a leak is found, by its stack"
		report $status
	fi
	rmmod memdiag_leaky
}

driver() {
	# The last one is the driver, the others are what it needs.
	file=
	for module in /lib/memdiag/offered/"$1"/*.ko; do
		[ -e "$module" ] || break
		[ -z "$file" ] || insmod "$file" 2>/dev/null
		file=$module
	done
	if [ -z "$file" ]; then
		ktap_skip "the kernel's package has no such module" "leakcheck_drivers: $1"
		return
	fi
	# What zram compresses with may be a module that it asks for by name.
	for module in /lib/memdiag/offered/lzo-rle/*.ko; do
		[ "$1" != zram ] || [ ! -e "$module" ] || insmod "$module" 2>/dev/null
	done
	clean "$1" "$file"
	leaking "$1" "$file"
	if [ "$1" = null_blk ] && [ -e /sys/kernel/slab/kernfs_node_cache/shrink ]; then
		agrees "$file"
	fi
}

case ${1:-} in
use)
	"use_$2"
	exit
	;;
esac

ktap_start
mkdir -p $work
if ! memdiagctl show track_status >$work/status 2>&1 || grep -q 'unavailable' $work/status; then
	ktap_skip "$(head -n 1 $work/status)" "leakcheck_drivers"
	ktap_end
	exit
fi
for name in $drivers; do
	driver "$name"
done
ktap_end
