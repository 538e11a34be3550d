#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# leak_pins.sh - memdiagctl leakcheck with many small drivers, each with its twin
#
# Each way of memdiag_pins.ko takes one thing and forgets it: leakcheck finds that, by
# the right cache, and where the driver was in the stack, by a stack with its function.
# The same driver, which gives back what it took, is clean. Some only make the kernel's
# caches grow, each time by something else: clean, too.
#
# What is found by a stack is judged by that alone, so those are one driver that forgets
# many things; what is found by a count is a driver of its own. All twins are one driver; if
# that is not clean, each by itself.
#
# Runs in the guest; /lib/memdiag/offered has brd, for the page cache. WAYS in the
# environment names those to check, otherwise all. Lines, tab separated, are left in
# /tmp/leak_pins: "leak" or "twin", a way, what is wanted, what leakcheck said.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

work=/tmp/leak_pins.work
poke=/sys/module/memdiag_pins/parameters/poke

# The name of a way; what is wanted: "stack", if the driver is in it, or "count", KIND,
# and the name of a cache, or of several, as kernels differ; who shows it something.
# "clean" is wanted where there is nothing to give back. A count has no name but of a cache.
table() {
	sed 's/#.*//; /^$/d' <<-'END'
	task             count slab    task_struct
	pid              count slab    pid
	process          count slab    task_struct          process
	mm               count slab    mm_struct            process
	mm_user          count slab    mm_struct            process
	cred             count slab    cred_jar,cred        process
	user_page        count ledger  unmapped             process
	net              count slab    net_namespace        net
	user_ns          count slab    user_namespace       user_ns
	pid_ns           count slab    pid_namespace        pid_ns
	cgroup           count slab    kernfs_node_cache    cgroup
	path             count slab    dentry               file
	dentry           count slab    dentry               file
	inode            count slab    shmem_inode_cache    file
	mount            count slab    mnt_cache            mount
	file             stack slab    filp                 file
	device_ref       stack slab    kmalloc-*
	sock_ref         stack slab    UDP
	path_ref         stack slab    dentry
	cache_page       stack pages   *
	xarray           stack slab    radix_tree_node
	idr              stack slab    radix_tree_node
	ida              stack slab    radix_tree_node
	maple            stack slab    maple_node
	rhashtable       stack slab    kmalloc-*
	kmalloc          stack slab    kmalloc-*
	kasprintf        stack slab    kmalloc-*
	kmalloc_large    stack slab    slab	# larger than any cache
	kmemdup          stack slab    kmalloc-*
	getname          stack slab    names_cache,kmalloc-4k
	kvmalloc         stack vmalloc *
	vmalloc          stack vmalloc *
	vmap             stack slab    kmalloc-*
	page             stack pages   *
	pages            stack pages   *
	pages_exact      stack pages   *
	sg_table         stack pages   *
	percpu           stack percpu  *
	percpu_counter   stack percpu  *
	percpu_ref       stack percpu  *
	mempool          stack slab    kmalloc-512
	mempool_pages    stack pages   *
	kmem_cache       stack slab    kmem_cache
	gen_pool         stack vmalloc *
	shmem            stack slab    shmem_inode_cache
	socket           stack slab    sock_inode_cache
	socket_file      stack slab    filp
	new_cred         stack slab    cred_jar,cred
	keyring          stack slab    key_jar
	device           stack slab    kernfs_node_cache
	class            stack slab    kernfs_node_cache
	platform_device  stack slab    kmalloc-*
	input            stack slab    kmalloc-*
	kobject          stack slab    kernfs_node_cache
	sysfs_link       stack slab    kernfs_node_cache
	debugfs          stack slab    dentry
	proc             stack slab    proc_dir_entry
	kern_mount       stack slab    mnt_cache
	fs_context       stack slab    kmalloc-*
	file_lock        stack slab    file_lock_cache
	posix_acl        stack slab    kmalloc-*
	buffer_head      stack slab    buffer_head
	bdi              stack slab    kmalloc-*
	bioset           stack slab    biovec-max
	disk             stack slab    bdev_cache
	cdev             stack slab    kmalloc-*
	cdev_region      stack slab    kmalloc-*
	tty_driver       stack slab    kmalloc-*
	irq_desc         stack percpu  *
	irq_domain       stack slab    kmalloc-*
	perf_event       stack slab    perf_event
	workqueue        stack slab    kmalloc-*
	kthread_worker   stack slab    kmalloc-*
	skb              stack slab    skbuff_head_cache
	netdev           stack slab    kmalloc-*
	dst              stack slab    kmalloc-*
	page_pool        stack slab    kmalloc-*
	bpf              stack vmalloc *
	shash            stack slab    kmalloc-*
	negative         clean -       -
	come_and_go      clean -       -
	page_cache       clean -       -                    disk
	files            clean -       -                    directory
	END
}

# What is run in each cycle, to show the driver something.
show_process() { sh -c "echo >$poke"; }
show_net() { unshare -n sh -c "echo >$poke"; }
show_user_ns() { unshare -U sh -c "echo >$poke"; }
show_pid_ns() { unshare -p -f sh -c "echo >$poke"; }
show_cgroup() {
	mkdir /sys/fs/cgroup/pins
	echo /pins >$poke
	shown=$?
	rmdir /sys/fs/cgroup/pins
	return $shown
}
show_file() {
	: >/tmp/pins
	echo /tmp/pins >$poke
	shown=$?
	rm /tmp/pins
	return $shown
}
show_mount() {
	mkdir -p $work/mount
	mount -t tmpfs none $work/mount || return 1
	echo $work/mount >$poke
	shown=$?
	umount -l $work/mount
	return $shown
}
show_disk() { echo /dev/ram0 >$poke; }
show_directory() { echo $work/files >$poke; }

# check WAY,... SHOWN LEAK REPORT: leakcheck. Return: its status
check() {
	# shellcheck disable=SC2086  # words
	memdiagctl leakcheck --module /lib/memdiag/memdiag_pins.ko --param "way=$1" --param "leak=$3" \
		-- sh "$0" show $2 >"$4" 2>&1
}

# Caches of the same sort are merged, and any name of theirs will do.
same_cache() { # REPORTED WANTED
	# shellcheck disable=SC2254  # a pattern
	case $1 in $2) return 0 ;; esac
	[ -e "/sys/kernel/slab/$1" ] && [ -e "/sys/kernel/slab/$2" ] &&
		[ "$(readlink -f "/sys/kernel/slab/$1")" = "$(readlink -f "/sys/kernel/slab/$2")" ]
}

# findings REPORT: source, kind, name, function of the driver for each leak
findings() {
	awk '
		function tell() { if (source) print source, kind, name, place; source = "" }
		/^leak: / {
			tell()
			source = "stack"; place = "-"; at = 2
			if ($at == "counted") { source = "count"; at++ }
			kind = $at; name = $(at + 1)
			if (kind ~ /:$/) { sub(":", "", kind); name = kind }
			sub(":", "", name)
			next
		}
		/^ *take_.*\[memdiag_pins/ { place = $1; sub(/[+.].*/, "", place); next }
		/^ / { next }
		{ tell() }
		END { tell() }' "$1"
}

# found WAY SOURCE KIND NAMES: does one of the findings have it?
found() {
	case $2 in
	stack) wanted_place=take_$1 ;;
	*) wanted_place=- ;;
	esac
	while read -r found_source found_kind name place; do
		[ "$found_source $found_kind $place" = "$2 $3 $wanted_place" ] || continue
		[ "$4" != '*' ] || return 0
		for wanted in $(echo "$4" | tr , ' '); do
			same_cache "$name" "$wanted" && return 0
		done
	done <$work/found
	return 1
}

# row WHAT WAY WANTED REPORT
row() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(sed -n 's/^memdiag_pins: //p' "$4")" \
		>>/tmp/leak_pins
}

# leaking FILE: the ways in it, lines as in the table, leak as one driver
leaking() {
	check "$(awk '{ print $1 }' "$1" | paste -sd,)" "$(awk '{ print $5 }' "$1")" 1 $work/leaky
	status=$?
	findings $work/leaky >$work/found
	while read -r way source kind names shown; do
		leaky=$((leaky + 1))
		row leak "$way" "$source $kind $names" $work/leaky
		if [ $status = 1 ] && found "$way" "$source" "$kind" "$names"; then
			ktap_pass "leak_pins: $way: $source of $kind $names"
			right=$((right + 1))
		else
			ktap_fail "leak_pins: $way: $source of $kind $names"
			ktap_note "status $status, $(grep '^memdiag_pins: ' $work/leaky)"
			ktap_note "$(cat $work/found)"
		fi
	done <"$1"
}

# twins: those of $work/twins, lines of WAY [SHOWN]
twins() {
	nr=$(wc -l <$work/twins)
	check "$(cut -d ' ' -f 1 $work/twins | paste -sd,)" "$(cut -d ' ' -f 2- $work/twins)" 0 \
		$work/twin
	together=$?
	[ $together = 0 ] || ktap_note "the $nr twins as one driver:" "$(head -n 40 $work/twin)"
	while read -r way shown; do
		[ $together = 0 ] || check "$way" "$shown" 0 $work/twin
		status=$?
		row twin "$way" clean $work/twin
		if [ $status = 0 ]; then
			ktap_pass "leak_pins: $way: the twin is clean"
		else
			ktap_fail "leak_pins: $way: the twin is clean"
			ktap_note "$(head -n 40 $work/twin)"
		fi
		[ $status != 1 ] || wrong=$((wrong + 1))
	done <$work/twins
}

# one WAY SOURCE KIND NAMES [SHOWN]: check it, or keep it for later
one() {
	# Ways that are shown something say later if that fails.
	if ! insmod /lib/memdiag/memdiag_pins.ko way="$1" leak=0; then
		ktap_skip "not on this kernel" "leak_pins: $1"
		return
	fi
	rmmod memdiag_pins
	case $2 in
	stack) echo "$@" >>$work/stacks ;;
	count)
		echo "$@" >$work/count
		leaking $work/count
		;;
	esac
	echo "$1 ${5:-}" >>$work/twins
}

case ${1:-} in
show)
	shift
	for what; do
		"show_$what" || exit
	done
	exit
	;;
esac

ktap_start
rm -rf $work
mkdir -p $work/files
: >/tmp/leak_pins
if ! memdiagctl show track_status >$work/status 2>&1 || grep -q 'unavailable' $work/status; then
	ktap_skip "$(head -n 1 $work/status)" "leak_pins"
	ktap_end
	exit
fi
if [ ! -e /lib/memdiag/memdiag_pins.ko ]; then
	ktap_skip "this kernel lacks something that memdiag_pins.ko takes" "leak_pins"
	ktap_end
	exit
fi
ways=${WAYS:-$(table | awk '{ printf "%s ", $1 }')}
case " $ways " in
*' page_cache '* | *' files '*)
	# A disk, and a file system on it that has an inode for each file.
	insmod "$(echo /lib/memdiag/offered/brd/*.ko)" rd_nr=2 rd_size=65536 &&
		mke2fs -F /dev/ram1 >/dev/null 2>&1 && mount -t ext2 /dev/ram1 $work/files
	ktap_check "leak_pins: a disk" [ $? = 0 ]
	n=0
	while [ $n -lt 2000 ]; do
		echo $n >$work/files/$n
		n=$((n + 1))
	done
	ktap_check "leak_pins: $n files" [ -e $work/files/1999 ]
	;;
esac
leaky=0 right=0 wrong=0
: >$work/twins
: >$work/stacks
for way in $ways; do
	# Words, of which one may be a pattern.
	set -f
	# shellcheck disable=SC2046
	set -- $(table | awk -v way="$way" '$1 == way')
	set +f
	if [ $# = 0 ]; then
		ktap_fail "leak_pins: $way: no such way"
	else
		one "$@"
	fi
done
[ ! -s $work/stacks ] || leaking $work/stacks
twins
umount $work/files 2>/dev/null
ktap_note "found, by the right cache or stack: $right of $leaky; false alarms: $wrong of $nr"
ktap_end
