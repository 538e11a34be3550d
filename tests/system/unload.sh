#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# unload.sh - loading and unloading: while in use, many times, with bad parameters
#
# Runs in the guest and ends with memdiag loaded. LOADS and RACES in the
# environment say how often; a kernel with kmemleak built in is a slow one.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

ko=/lib/memdiag/memdiag.ko
debugfs=/sys/kernel/debug/memdiag
if [ -e /sys/kernel/debug/kmemleak ] || grep -qw kasan_init_slab /proc/kallsyms; then
	slow=1 loads=${LOADS:-12} races=${RACES:-6}
else
	slow=0 loads=${LOADS:-40} races=${RACES:-10}
fi

loaded() { grep -q '^memdiag ' /proc/modules; }
load() { loaded || insmod $ko; }
nothing() { echo "$1"; [ -z "$1" ]; }

# unload: as soon as those that have it open let go
unload() {
	unload_tries=0
	while loaded && ! rmmod memdiag 2>/dev/null; do
		unload_tries=$((unload_tries + 1))
		[ $unload_tries -lt 300 ] || { echo "cannot be unloaded"; return 1; }
		usleep 10000
	done
}

# refused WHAT: unloading is
refused() {
	if rmmod memdiag 2>/dev/null; then
		ktap_fail "unload: refused while $1"
		load
	else
		ktap_check "unload: refused while $1" loaded
	fi
}

allowed() {
	ktap_check "unload: allowed when $1" rmmod memdiag
	load
}

while_in_use() {
	exec 3</dev/memdiag
	refused "/dev/memdiag is open"
	exec 3<&-
	allowed "/dev/memdiag is closed"

	rm -f /tmp/held
	uapi hold /tmp/held &
	holder=$!
	tries=0
	until [ -e /tmp/held ] || [ $tries = 1000 ]; do
		usleep 10000
		tries=$((tries + 1))
	done
	refused "a snapshot is mapped, though the device is closed"
	ktap_check "unload: the mapping is still good" kill -0 $holder
	kill $holder
	wait $holder 2>/dev/null
	allowed "it is not mapped any more"

	if [ ! -d $debugfs ]; then
		ktap_skip "no debugfs" "unload: refused while its files are open"
		return
	fi
	for file in "$debugfs"/*; do
		exec 3<"$file"
		refused "$file is open"
		exec 3<&-
	done
	allowed "files in debugfs are closed"
}

# procfs takes the file away from those who have it open, also in the middle.
while_proc_is_open() {
	exec 3</proc/memdiag 4</proc/memdiag 5</proc/memdiag
	dd bs=16 count=1 <&4 >/tmp/first 2>/dev/null
	cat <&5 >/tmp/whole
	ktap_check "unload: /proc/memdiag says something" [ -s /tmp/whole ]
	ktap_check "unload: allowed while /proc/memdiag is open" rmmod memdiag
	for fd in 3 4 5; do
		if cat <&$fd >/tmp/late 2>/tmp/late.error; then
			ktap_fail "unload: reading /proc/memdiag fails afterwards (descriptor $fd)"
			ktap_note "$(head -n 3 /tmp/late)"
		else
			ktap_check "unload: reading /proc/memdiag fails afterwards (descriptor $fd)" \
				grep -q 'Input/output error' /tmp/late.error
		fi
	done
	ktap_check "unload: it can be loaded again meanwhile" load
	if cat <&3 >/dev/null 2>&1; then
		ktap_fail "unload: a new module does not answer for the old one"
	else
		ktap_pass "unload: a new module does not answer for the old one"
	fi
	ktap_check "unload: and be read" cat /proc/memdiag
	exec 3<&- 4<&- 5<&-
	ktap_check "unload: nothing is held for readers that are gone" \
		[ "$(held)" = 0 ]
}

held() { uapi held; }

# What is there, memory aside.
traces() {
	ls -d /sys/module/memdiag /dev/memdiag /proc/memdiag $debugfs 2>/dev/null
	# Not every kernel has all of these.
	grep memdiag /proc/modules /proc/misc /proc/vmallocinfo /proc/slabinfo /proc/kallsyms 2>/dev/null
	# Threads of the kernel only: this script has the name in its arguments.
	ps | awk '/\[.*memdiag.*\]/ && !/awk/'
}

free_kib() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	# From v6.7 on many MiB may wait in the lists of a CPU, and go back in between: both
	# numbers of a zone are printed in one moment.
	awk -v page="$(getconf PAGESIZE 2>/dev/null || echo 4096)" '
		$1 == "pages" && $2 == "free" { pages += $3 }
		$1 == "count:" { pages += $2 }
		END { print pages * page / 1024 }' /proc/zoneinfo
}

caches() {
	if [ -e /proc/slabinfo ]; then
		awk 'NR > 2 { print $1 }' /proc/slabinfo | sort
	elif [ -d /sys/kernel/slab ]; then
		ls /sys/kernel/slab
	fi
}

load_many() {
	n=0
	while [ $n -lt "$1" ]; do
		insmod $ko && cat /proc/memdiag >/dev/null && rmmod memdiag || return 1
		n=$((n + 1))
	done
}

many_times() {
	unload
	# What is done once only should not be counted.
	load_many 3
	caches >/tmp/caches.before
	before=$(free_kib)
	ktap_check "unload: $loads times" load_many "$loads"
	after=$(free_kib)
	caches >/tmp/caches.after
	left=$(traces)
	ktap_check "unload: no trace is left" nothing "$left"
	if [ -s /tmp/caches.before ]; then
		ktap_check "unload: the slab caches are those there were" \
			diff /tmp/caches.before /tmp/caches.after
	else
		ktap_skip "no /proc/slabinfo, no /sys/kernel/slab" \
			"unload: the slab caches are those there were"
	fi
	lost=$((before - after))
	if [ $slow = 1 ]; then
		ktap_skip "KASAN keeps freed memory for a while" "unload: no memory is lost"
	elif [ $lost -lt 2048 ]; then
		ktap_pass "unload: no memory is lost ($lost KiB)"
	else
		ktap_fail "unload: no memory is lost ($lost KiB)"
	fi
	load
}

while_hammered() {
	hammers=
	for what in '' '' proc; do
		# shellcheck disable=SC2086  # none is no argument
		uapi hammer $what &
		hammers="$hammers $!"
	done
	n=0 failed=
	while [ $n -lt "$races" ]; do
		load || failed="$failed load"
		# Let them find it, for another while each time.
		usleep $((n * 37 % 10 * 20000))
		unload || failed="$failed unload"
		n=$((n + 1))
	done
	ktap_check "unload: $races times under readers" [ -z "$failed" ]
	for hammer in $hammers; do
		# It ends only when it has seen a snapshot that is not well-formed.
		ktap_check "unload: reader $hammer saw nothing wrong" kill "$hammer"
	done
	# shellcheck disable=SC2086  # a list
	wait $hammers 2>/dev/null
	left=$(unload; traces)
	ktap_check "unload: no trace is left under readers" nothing "$left"
	load
	ktap_check "unload: nothing is held in the end" [ "$(held)" = 0 ]
}

# bad_parameter NAME=VALUE: loading fails, and says which parameter
bad_parameter() {
	echo "memdiag-unload: $1" >/dev/kmsg
	if error=$(insmod $ko "$1" 2>&1); then
		ktap_fail "unload: $1 is refused"
		rmmod memdiag
		return
	fi
	# shellcheck disable=SC2016  # the inner shell expands it
	ktap_check "unload: $1 is refused, and it is clear why" \
		sh -c 'echo "$1" | grep -iE "invalid|out of range|too large"' sh "$error"
	ktap_check "unload: $1: the log names the parameter" \
		sh -c "dmesg | sed '1,/memdiag-unload: $1\$/d' | grep 'memdiag.*${1#*=}.*${1%%=*}'"
	ktap_check "unload: $1: it is not loaded" sh -c '! grep -q "^memdiag " /proc/modules'
}

good_parameter() { # NAME=VALUE [COMMAND...]: it loads, and the command succeeds
	ktap_check "unload: $1 is accepted" insmod $ko "$1"
	ktap_check "unload: $1: the parameter says so" \
		[ "$(cat "/sys/module/memdiag/parameters/${1%%=*}")" = "${1#*=}" ]
	ktap_check "unload: $1: /proc/memdiag can be read" cat /proc/memdiag
	if [ $# -gt 1 ]; then
		parameter=$1
		shift
		ktap_check "unload: $parameter: $*" "$@"
	fi
	ktap_check "unload: ${parameter:-$1}: it can be unloaded" unload
	parameter=
}

parameters() {
	unload
	bad_parameter snapshot_mib=abc
	bad_parameter snapshot_mib=-1
	bad_parameter snapshot_mib=99999999999
	bad_parameter force_ways=x
	good_parameter snapshot_mib=8 uapi limit 8
	good_parameter force_ways=7
	load
}

# The module without the parameters for tests, which "make install" installs.
plain() {
	unload
	ktap_check "unload: the module that make builds is loaded" insmod "$PLAIN"
	ktap_check "unload: it has no parameters for tests" \
		sh -c '! ls /sys/module/memdiag/parameters | grep -v snapshot_mib'
	ktap_check "unload: its slab section is complete" \
		sh -c 'memdiagctl status --no-headings | grep -E "^slab +ok +btf"'
	ktap_check "unload: it is unloaded" unload
	load
}

ktap_start
echo "memdiag-unload: start" >/dev/kmsg
load
while_in_use
while_proc_is_open
many_times
while_hammered
parameters
[ -z "${PLAIN:-}" ] || plain
# Since the start, or all there is if the log has turned over.
said=$(dmesg | awk '/memdiag-unload: start$/ { text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' |
	grep -E 'WARNING:|BUG:|Oops|KASAN|leak|Call Trace' | grep -v kmemleak:)
ktap_check "unload: the kernel has no complaints" nothing "$said"
ktap_end
