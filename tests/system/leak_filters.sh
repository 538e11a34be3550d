#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# leak_filters.sh - what is looked at: processes, cgroups, what stays loaded or is built in
#
# memdiagctl track start --pid and --cgroup see what that process or those in the
# cgroup allocate, and nothing of what others do. memdiagctl leakcheck --attach of a module,
# a process, a cgroup and a part of the kernel: a command that leaves something behind each
# time is a leak, with the stack and the exact number; the same command that takes it back
# is clean. So is the one that leaves something behind but is not looked at.
#
# Runs in the guest.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

command=/proc/memdiag_fixture/command
work=/tmp/leak_filters
cgroups=/tmp/leak_filters.cgroups
# Enough for what is left behind: stacks are exact.
cycles=4
# Enough for the counts of a machine that is busy with other guests: the default.
clean_cycles=10
here=$0

# --- the tracker -----------------------------------------------------------------------

# outstanding: objects by alloc_kmalloc of the fixture
outstanding() {
	memdiagctl track report --no-headings -o count,module,stack |
		awk '$2 == "memdiag_fixture" && /alloc_kmalloc\+/ { sum += $1 } END { print sum + 0 }'
}

# tracked NAME WANTED: what is outstanding; stops the tracker
tracked() {
	number=$(outstanding)
	if [ "$number" = "$2" ]; then
		ktap_pass "leak_filters: $1: $2 objects"
	else
		ktap_fail "leak_filters: $1: $number objects, expected $2"
		ktap_note "$(memdiagctl track report)"
	fi
	memdiagctl track stop --discard >/dev/null
	echo free all >$command
}

# A process that does what it is told, and says when it is done.
serve() {
	while read -r line <$work/orders; do
		if echo "$line" >$command; then
			echo 0 >$work/done
		else
			echo 1 >$work/done
		fi
	done
}
order() {
	echo "$*" >$work/orders
	read -r answer <$work/done && [ "$answer" = 0 ]
}

in_cgroup() { # CGROUP COMMAND...: in a process of its own
	sh -c 'echo $$ >"$1/cgroup.procs" && echo "$2" >/proc/memdiag_fixture/command' - "$@"
}

track_pid() {
	memdiagctl track start --pid $server >$work/out || { ktap_fail "leak_filters: $(cat $work/out)"; return; }
	order hold kmalloc size=64 count=5
	echo hold kmalloc size=64 count=3 >$command
	tracked "track start --pid" 5
}

track_cgroup() {
	memdiagctl track start --cgroup $cgroups/a >$work/out || { ktap_fail "leak_filters: $(cat $work/out)"; return; }
	in_cgroup $cgroups/a "hold kmalloc size=64 count=5"
	in_cgroup $cgroups/a/below "hold kmalloc size=64 count=2"
	in_cgroup $cgroups/c "hold kmalloc size=64 count=3"
	echo hold kmalloc size=64 count=4 >$command
	tracked "track start --cgroup" 7
}

# --- leakcheck --attach ----------------------------------------------------------------

# check CYCLES OPTION...: leakcheck of what is there already, its report in $work/report
check() {
	memdiagctl leakcheck --attach --bytes --limit 20 --cycles "$@" >$work/report 2>&1
	status=$?
}

# said NAME STATUS: that was the verdict, and why it was not
said() {
	if [ $status = "$2" ]; then
		ktap_pass "leak_filters: $1"
	else
		ktap_fail "leak_filters: $1: status $status"
		ktap_note "$(cat $work/report)"
	fi
}

# found FUNCTION N: tracked stacks with that function leak N objects in all
found() {
	awk -v name="$1" -v wanted="$2" '
		/^leak: slab/ { n = 0; for (i = 2; i <= NF; i++) if ($i == "objects,") n = $(i - 1) }
		!/^ / && !/^leak: slab/ { n = 0 }
		n && index($1, name "+") == 1 { sum += n; n = 0 }
		END { exit sum != wanted }' $work/report
}

# named NAME FUNCTION N: a leak, by that function, of so many objects
named() {
	if [ $status = 1 ] && found "$2" "$3"; then
		ktap_pass "leak_filters: $1"
	else
		ktap_fail "leak_filters: $1: status $status, expected $3 objects by $2"
		ktap_note "$(cat $work/report)"
	fi
}

# each NAME OPTION... : with three objects left behind per cycle and without, by the
# command $leave and $take
each() {
	each_name=$1
	shift
	check $cycles "$@" -- sh "$here" $leave
	named "leakcheck --attach $each_name: what is left behind" alloc_kmalloc $((3 * cycles))
	echo free all >$command
	check $clean_cycles "$@" -- sh "$here" $take
	said "leakcheck --attach $each_name: what is taken back" 0
	# Before others get to it, all must be as it was.
	echo free all >$command
}

attach_module() {
	leave="leave" take="take"
	each "--module" --module memdiag_fixture
}

attach_pid() {
	leave="leave_by_server" take="take_by_server"
	each "--pid" --pid $server
	# Counts are of the whole machine and may see it, stacks are not.
	check $cycles --pid $server -- sh "$here" leave
	if [ $status -le 1 ] && ! grep -q 'alloc_kmalloc+' $work/report; then
		ktap_pass "leak_filters: leakcheck --attach --pid: another process is not looked at"
	else
		ktap_fail "leak_filters: leakcheck --attach --pid: another process is not looked at"
		ktap_note "status $status: $(cat $work/report)"
	fi
	echo free all >$command
}

attach_cgroup() {
	leave="leave_in_cgroup" take="take_in_cgroup"
	each "--cgroup" --cgroup $cgroups/a
}

# Internet addresses: a part of the kernel that is always there.
attach_built_in() {
	echo 0 >$work/number
	check $cycles --cache 'kmalloc-*' --kinds slab -- sh "$here" add_address
	if [ $status = 1 ] && grep -q '^ *inet_rtm_newaddr+' $work/report; then
		ktap_pass "leak_filters: leakcheck --attach --cache: addresses that stay"
	else
		ktap_fail "leak_filters: leakcheck --attach --cache: addresses that stay: status $status"
		ktap_note "$(cat $work/report)"
	fi
	check $clean_cycles --cache 'kmalloc-*' --kinds slab -- sh "$here" replace_address
	said "leakcheck --attach --cache: addresses that go" 0
	while [ "$(cat $work/number)" -gt 0 ]; do
		ip addr del "127.9.0.$(cat $work/number)/32" dev lo
		echo $(($(cat $work/number) - 1)) >$work/number
	done
}

next_address() {
	number=$(($(cat $work/number) + 1))
	ip addr add "127.9.0.$number/32" dev lo
}

case ${1:-} in
leave) echo hold kmalloc size=64 count=3 >$command; exit ;;
take) echo hold kmalloc size=64 count=3 >$command && echo free all >$command; exit ;;
leave_by_server) order hold kmalloc size=64 count=3; exit ;;
take_by_server) order hold kmalloc size=64 count=3 && order free all; exit ;;
leave_in_cgroup) in_cgroup $cgroups/a "hold kmalloc size=64 count=3"; exit ;;
take_in_cgroup) in_cgroup $cgroups/a "hold kmalloc size=64 count=3" && echo free all >$command; exit ;;
add_address) next_address && echo "$number" >$work/number; exit ;;
replace_address) next_address && ip addr del "127.9.0.$number/32" dev lo; exit ;;
esac

ktap_start
mkdir -p $work $cgroups
memdiagctl track stop --discard >/dev/null 2>&1
if ! memdiagctl show track_status >$work/status 2>&1 || grep -q 'unavailable' $work/status; then
	ktap_skip "$(head -n 1 $work/status)" "leak_filters"
	ktap_end
	exit
fi
insmod /lib/memdiag/memdiag_fixture.ko || ktap_bail "memdiag_fixture.ko cannot be loaded"
mkfifo $work/orders $work/done
serve &
server=$!
track_pid
attach_module
attach_pid
kill $server
if mount -t cgroup2 none $cgroups 2>/dev/null && mkdir -p $cgroups/a/below $cgroups/c 2>/dev/null; then
	track_cgroup
	attach_cgroup
	rmdir $cgroups/a/below $cgroups/a $cgroups/c
	umount $cgroups
else
	ktap_skip "no cgroups" "leak_filters: --cgroup"
fi
attach_built_in
rmmod memdiag_fixture
rm -r $work
rmdir $cgroups
ktap_end
