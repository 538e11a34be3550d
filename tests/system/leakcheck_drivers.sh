#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# leakcheck_drivers - memdiagctl leakcheck on drivers that come with the kernel
#
# The files are in /lib/memdiag/offered/NAME/, put there by qemu/run --offer NAME.
# Each driver is loaded, used and unloaded: it must be told clean. Then the same with
# memdiag_leaky.ko there, which loses memory for it: it must be told to leak, by the
# name of the function that loses it. For network drivers that function is called by
# the driver's own; for others by the kernel when it loads them, so it is the wrapper
# that is looked at there, while the driver is loaded, used and unloaded.
#
# Environment: DRIVERS (default all below); DRIVER_CYCLES (default 2). On kernels before
# v6.12 each leakcheck takes a minute: see MEMDIAG_IOC_SETTLE.

. ktap.sh
offered=/lib/memdiag/offered
cycles=${DRIVER_CYCLES:-2}
bytes=3000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

loaded() { grep -q "^$1 " /proc/modules; }

# How each is used, by a shell of its own; it must leave the driver unused.
use() {
	case $1 in
	dummy) echo 'ip link add mdl0 type dummy && ip link set mdl0 up && ip link del mdl0' ;;
	veth) echo 'ip link add mdl0 type veth && ip link set mdl0 up && ip link del mdl0' ;;
	brd) echo 'dd if=/dev/zero of=/dev/ram0 bs=64k count=8 conv=fsync && dd if=/dev/ram0 of=/dev/null bs=64k count=8' ;;
	null_blk) echo 'dd if=/dev/nullb0 of=/dev/null bs=64k count=8' ;;
	zram) echo 'echo 8M >/sys/block/zram0/disksize && dd if=/proc/kallsyms of=/dev/zram0 bs=64k count=8 && sync && echo 1 >/sys/block/zram0/reset' ;;
	loop) echo "losetup /dev/loop0 $work/image && dd if=/dev/zero of=/dev/loop0 bs=64k count=8 conv=fsync && losetup -d /dev/loop0" ;;
	esac
}

# What it must be told at load, if anything.
parameters() {
	case $1 in
	brd) echo '--param rd_nr=1 --param rd_size=4096' ;;
	null_blk) echo '--param nr_devices=1 --param gb=1' ;;
	loop) echo '--param max_loop=1' ;;
	esac
}

# check NAME WHAT STATUS WORDS OPTION... -- COMMAND: leakcheck ends with that status,
# and says WORDS
check() {
	name=$1 what=$2 wanted=$3 words=$4
	shift 4
	memdiagctl leakcheck --cycles "$cycles" "$@" >out 2>err </dev/null
	status=$?
	if [ $status = "$wanted" ] && grep -q -e "$words" out; then
		ktap_pass "$name, $what: status $status"
	else
		ktap_fail "$name, $what: status $wanted, '$words'"
		ktap_note "status $status: $(cat out err | head -n 60)"
	fi
}

# Loads, uses and unloads a driver without memdiag looking, and prints by how many
# objects the directories of sysfs grew meanwhile: some drivers do leak.
OWN_CYCLES=40
own_leak() {
	before=$(awk '$1 == "kernfs_node_cache" { print $2 }' /proc/slabinfo)
	n=0
	while [ $n -lt $OWN_CYCLES ]; do
		# shellcheck disable=SC2046  # words
		insmod "$file" $(parameters "$1" | sed 's/--param//g')
		sh -c "$(use "$1")" >/dev/null 2>&1
		rmmod "$1"
		n=$((n + 1))
	done
	after=$(awk '$1 == "kernfs_node_cache" { print $2 }' /proc/slabinfo)
	echo $((${after:-0} - ${before:-0}))
}

driver() {
	if [ ! -d "$offered/$1" ]; then
		ktap_skip "the kernel has no such module" "$1"
		return
	fi
	if loaded "$1"; then
		ktap_skip "it is in use" "$1"
		return
	fi
	# What it needs is loaded before, and stays.
	for file in "$offered/$1"/*.ko; do
		case $file in */??-"$1".ko) ;; *) insmod "$file" 2>/dev/null ;; esac
	done
	grown=0 expected="0 clean"
	# By one node per cycle at least, of a cache that moves little: the kernel says so.
	[ "$1" != null_blk ] || grown=$(own_leak "$1")
	if [ "$grown" -ge $OWN_CYCLES ]; then
		expected="1 blk_mq_"
		ktap_note "$1 itself leaks here: $grown nodes in $OWN_CYCLES cycles, by /proc/slabinfo"
	fi
	# shellcheck disable=SC2046,SC2086  # words
	check "$1" "as it is" $expected --module "$file" $(parameters "$1") -- sh -c "$(use "$1")"
	insmod /lib/memdiag/memdiag_leaky.ko driver="$1" bytes=$bytes
	case $1 in
	dummy | veth)
		check "$1" "losing memory" 1 leaky_lose --module "$file" -- sh -c "$(use "$1")"
		;;
	*)
		check "$1" "losing memory" 1 leaky_lose --attach --module memdiag_leaky -- sh -c "
			insmod $file $(parameters "$1" | sed 's/--param//g') && $(use "$1") &&
			rmmod $1"
		;;
	esac
	lost=$(cat /sys/module/memdiag_leaky/parameters/lost)
	rmmod memdiag_leaky
	ktap_check "$1: memory was lost, $lost times" [ "$lost" -ge "$cycles" ]
	for file in "$offered/$1"/*.ko; do
		needed=${file##*/??-} needed=${needed%.ko}
		! loaded "$needed" || rmmod "$needed" 2>/dev/null
	done
}

ktap_start
[ -d $offered ] || { ktap_skip "no modules are offered" "drivers"; ktap_end; exit; }
if ! memdiagctl status | grep -q '^track_status *\(ok\|partial\)'; then
	ktap_skip "$(memdiagctl status | awk '$1 == "track_status"')" "drivers"
	ktap_end
	exit
fi
head -c 4194304 /dev/zero >image
for driver in ${DRIVERS:-dummy veth null_blk brd loop zram}; do
	driver "$driver"
done
ktap_end
