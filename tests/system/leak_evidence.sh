#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# leak_evidence.sh - what the kernel's own instruments say beside leakcheck's verdict
#
# memdiagctl status says which there are, as their files do. leakcheck of the fixture,
# which leaks slab objects and pages: each instrument that is on names the function that
# leaks, with the module, which is gone by then, and the exact number. Of what is given
# back they say nothing.
#
# Runs in the guest. Which instruments are on is for its command line to say:
#   slub_debug=U,kmalloc-2k  kmemleak=on  page_owner=on  sysctl.vm.mem_profiling=0
# The last one is switched on here, for the part that needs it. Where page_owner is on,
# alloc_traces is not read: not both in one guest.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

debug=/sys/kernel/debug
profiling=/proc/sys/vm/mem_profiling
fixture=/lib/memdiag/memdiag_fixture.ko
work=/tmp/leak_evidence
warmup=1 cycles=2 all=3

# has INSTRUMENT: what memdiagctl status says
has() { grep -q "^for leaks .*\<$1 on\>" $work/status; }

# agrees INSTRUMENT COMMAND...: status says "on" if the command succeeds, and not otherwise
agrees() {
	instrument=$1
	shift
	if "$@" >/dev/null 2>&1; then
		ktap_check "leak_evidence: status: $instrument is on" has "$instrument"
	elif has "$instrument"; then
		ktap_fail "leak_evidence: status: $instrument is not on"
		ktap_note "$(cat $work/status)"
	else
		ktap_pass "leak_evidence: status: $instrument is not on"
	fi
}

scan() { echo scan >$debug/kmemleak; }
traces() { ls $debug/slab/*/alloc_traces || grep -q . /sys/kernel/slab/*/alloc_calls; }
is_on() { [ "$(cat $profiling)" = 1 ]; }

# The cache of what the fixture leaks has call sites of its own.
traced() { [ -r $debug/slab/kmalloc-2k/alloc_traces ] || grep -q . /sys/kernel/slab/kmalloc-2k/alloc_calls; }

# check OPTION...: leakcheck, its report in $work/report; quick_check OPTION...: the same
# for all instruments but kmemleak
check() {
	if has kmemleak; then
		set -- --kmemleak "$@"
	fi
	quick_check "$@"
}
# Two cycles are enough for evidence, though not for counts.
quick_check() {
	memdiagctl leakcheck --cycles $cycles --warmup $warmup --sensitivity any "$@" >$work/report 2>&1
	status=$?
}

# said NAME STATUS PATTERN: leakcheck ended so, and has such a note
said() {
	if [ $status = "$2" ] && grep -q "^note: $3" $work/report; then
		ktap_pass "leak_evidence: $1"
	else
		ktap_fail "leak_evidence: $1"
		ktap_note "status $status, wanted a note '$3'"
		ktap_note "$(cat $work/report)"
	fi
}

gone='\[memdiag_fixture (unloaded)\]'

leaking() {
	check --module $fixture \
		--param 'command=leak,kmalloc,size=1500,count=3;leak,pages,order=1,count=2'
	if traced 2>/dev/null; then
		said "alloc_traces: what a module left behind" 1 \
			"alloc_[a-z]* of kmalloc-2k: $((3 * all)) objects more after $all cycles: alloc_kmalloc+0x[0-9a-f/x]* $gone"
	else
		ktap_skip "kmalloc-2k is not debugged: slub_debug=U,kmalloc-2k" \
			"leak_evidence: alloc_traces"
	fi
	if has page_owner; then
		said "page_owner: what a module left behind" 1 \
			"page_owner: $((4 * all)) pages, $((4 * all * 4096)) bytes more after $all cycles: alloc_pages_kind+0x[0-9a-f/x]* $gone"
	else
		ktap_skip "page_owner is not on" "leak_evidence: page_owner"
	fi
	if has kmemleak; then
		# A register or a stack may still have the address of one of a cycle.
		said "kmemleak: what a module left behind" 1 \
			"kmemleak: [$((2 * all))-$((3 * all))] objects, [0-9]* bytes more after $all cycles: alloc_kmalloc+0x[0-9a-f/x]* $gone"
	else
		ktap_skip "kmemleak is not on" "leak_evidence: kmemleak"
	fi
}

# silent NAME STATUS...: one of these, and no note but that kmemleak has nothing
silent() {
	grep '^note: ' $work/report | grep -v -e 'kmemleak: nothing more after' -e 'asks it, too$' >$work/notes
	silent_name=$1
	shift
	if echo " $* " | grep -q " $status " && [ ! -s $work/notes ]; then
		ktap_pass "leak_evidence: $silent_name"
	else
		ktap_fail "leak_evidence: $silent_name"
		ktap_note "status $status: $(cat $work/report)"
	fi
}

clean() {
	check --module $fixture \
		--param 'command=hold,kmalloc,size=1500,count=3;hold,pages,order=1,count=2'
	silent "what is given back is no evidence" 0
	! has kmemleak || said "kmemleak: what is given back" 0 "kmemleak: nothing more after $all cycles"
}

# The kernel counts by call site while the module is there.
profiled() {
	if ! echo 1 2>/dev/null >$profiling; then
		ktap_skip "memory allocation profiling cannot be switched on" "leak_evidence: allocinfo"
		return
	fi
	insmod $fixture
	quick_check --module memdiag_fixture --attach -- \
		sh -c 'echo hold kmalloc size=1500 count=3 >/proc/memdiag_fixture/command'
	said "allocinfo: what a module holds" 1 \
		"allocinfo: $((3 * all)) objects, [0-9]* bytes more after $all cycles: .*kinds.c:[0-9]* \[memdiag_fixture\] func:alloc_kmalloc"
	echo free all >/proc/memdiag_fixture/command
	quick_check --module memdiag_fixture --attach -- \
		sh -c 'echo hold kmalloc size=1500 count=3 >/proc/memdiag_fixture/command
			echo free all >/proc/memdiag_fixture/command'
	# What KASAN keeps in quarantine keeps its slabs, and each has a table for profiling:
	# then it cannot be told, but allocinfo is right.
	silent "allocinfo: what is given back is no evidence" 0 4
	rmmod memdiag_fixture
	unloaded
	# What is freed when it is switched off would seem to be there for ever: nothing of
	# memdiag's may be on its way, and nothing is left by the kernel's account.
	ktap_check "leak_evidence: allocinfo: memdiag leaves nothing behind" rmmod memdiag
	echo 0 >$profiling
	insmod /lib/memdiag/memdiag.ko
}

# What is left when the module goes is told in the kernel's log: in 6.12 with a warning,
# which here is the kernel's right.
unloaded() {
	panic=$(cat /proc/sys/kernel/panic_on_warn)
	echo 0 >/proc/sys/kernel/panic_on_warn
	quick_check --module $fixture --param 'command=leak,kmalloc,size=1500,count=3'
	echo "$panic" >/proc/sys/kernel/panic_on_warn
	said "allocinfo: what a module left behind" 1 \
		"allocinfo, at unload: $((3 * all * $(cat /sys/kernel/slab/kmalloc-2k/slab_size))) bytes in $all cycles: .*kinds.c:[0-9]* \[memdiag_fixture\] func:alloc_kmalloc"
	dmesg | grep 'WARNING:' | grep -v 'alloc_tag_module_unload' && return
	# The log from here on, as if nothing had been.
	mark=$(dmesg | sed -n 's/.*\(memdiag-tests: mark [0-9]*\)$/\1/p' | tail -n 1)
	dmesg -c >/dev/null
	echo "$mark" >/dev/kmsg
}

ktap_start
mkdir -p $work
memdiagctl status >$work/status
grep -q '^for leaks ' $work/status || ktap_fail "leak_evidence: status has no line for leaks"
agrees kmemleak scan
agrees page_owner test -e $debug/page_owner
agrees alloc_tag is_on
agrees slub_debug traces
if ! memdiagctl show track_status >$work/track 2>&1 || grep -q 'unavailable' $work/track; then
	ktap_skip "$(head -n 1 $work/track)" "leak_evidence: leakcheck"
	ktap_end
	exit
fi
if has kmemleak || has page_owner || traced 2>/dev/null; then
	leaking
	clean
else
	ktap_skip "no instrument is on" "leak_evidence: leakcheck"
fi
profiled
ktap_end
