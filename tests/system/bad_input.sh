#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# bad_input.sh - memdiagctl against the real device, and what it is told wrongly
#
# Each wrong use must end with the documented exit status (2: the command line,
# 3: partial, 4: cannot run), nothing on stdout, and one sentence on stderr that
# names what is wrong. Each has a twin that is right and says nothing on stderr.
# Run as root in the guest with the module loaded; loads it again at the end.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

ko=${MEMDIAG_KO:-/lib/memdiag/memdiag.ko}
work=$(mktemp -d)
kptr=/proc/sys/kernel/kptr_restrict
kptr_was=$(cat $kptr)
trap 'echo "$kptr_was" >$kptr; rm -rf "$work"' EXIT
cd "$work" || exit 1
# From v6.9 on section vmalloc is complete only for those who may see addresses.
echo 1 >$kptr

# wrong STATUS WORDS ARGUMENTS...: WORDS must be in the sentence
wrong() {
	status=$1 words=$2
	shift 2
	memdiagctl "$@" >out 2>err </dev/null
	got=$?
	lines=$(wc -l <err) trouble=
	[ "$got" = "$status" ] || trouble="$trouble status $got, not $status;"
	[ ! -s out ] || trouble="$trouble something on stdout;"
	# A usage error may add where help is to be had.
	[ "$lines" = 1 ] || trouble="$trouble $lines lines on stderr;"
	grep -q '^memdiagctl: [^ ]' err || trouble="$trouble does not begin with the program;"
	grep -qF -e "$words" err || trouble="$trouble '$words' is not named;"
	if [ "$trouble" ]; then
		ktap_fail "memdiagctl $*: refused"
		ktap_note "$trouble"
		ktap_note "$(head -n 5 err)"
	else
		ktap_pass "memdiagctl $*: $status, $(cut -c13-120 err)"
	fi
}

# right ARGUMENTS...: the twin
right() {
	memdiagctl "$@" >out 2>err </dev/null
	got=$?
	if [ $got = 0 ] && [ -s out ] && [ ! -s err ]; then
		ktap_pass "memdiagctl $*"
	else
		ktap_fail "memdiagctl $*: status $got, $(wc -c <out) bytes"
		ktap_note "$(head -n 5 err)"
	fi
}

# json FILE: whether it is one JSON value. Strings and numbers become one letter
# each, then pairs, objects and arrays shrink until nothing more does.
json() {
	awk '
	{ all = all $0 "\n" }
	END {
		gsub(/"([^"\\]|\\["\\\/bfnrtu])*"/, "S", all)
		gsub(/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null/, "N", all)
		gsub(/[ \t\n]/, "", all)
		do {
			before = all
			gsub(/S:[SN]/, "P", all)
			gsub(/\{(P(,P)*)?\}/, "N", all)
			gsub(/\[([SN](,[SN])*)?\]/, "N", all)
		} while (all != before)
		if (all != "N" && all != "S")
			print substr(all, 1, 60)
		exit !(all == "N" || all == "S")
	}' "$1"
}

is_json() { # ARGUMENTS...
	memdiagctl "$@" >out 2>err
	got=$?
	if { [ $got = 0 ] || [ $got = 3 ]; } && [ -s out ] && json out >json.err; then
		ktap_pass "memdiagctl $*: is JSON, $(wc -c <out) bytes"
	else
		ktap_fail "memdiagctl $*: status $got, is JSON"
		ktap_note "$(cat json.err err)"
	fi
}

usage() {
	wrong 2 nope nope
	wrong 2 slabs slabs
	wrong 2 --nope slab --nope
	wrong 2 -x slab -x
	wrong 2 nope slab -o nope
	wrong 2 nope slab --sort nope
	wrong 2 nope show nope
	wrong 2 nope save x --sections nope
	wrong 2 nope vmalloc --by nope
	wrong 2 0 slab --limit 0
	wrong 2 -1 slab --limit -1
	wrong 2 five slab --limit five
	wrong 2 more slab more
	wrong 2 FILE save
	wrong 2 SECTION show
	wrong 2 input slab --input
	wrong 2 nope diff a.snap /dev/memdiag nope
	right slab --limit 5
	right slab -o name,bytes --sort -bytes
	right show slab
	right vmalloc --by module
	right zones
	right vmstat
	right help slab
}

files() {
	size=$(wc -c <a.snap)
	: >empty
	mkdir directory
	echo "this is no snapshot" >text
	head -c 100 a.snap >cut-header
	head -c $((size / 2)) a.snap >cut-middle
	head -c $((size - 1)) a.snap >cut-end
	{ cat a.snap; echo more; } >longer
	{ head -c $((size / 2)) a.snap; printf X; tail -c +$((size / 2 + 2)) a.snap; } >flipped
	{ printf 'memdiaG\n'; tail -c +9 a.snap; } >magic
	head -c 65536 /dev/urandom >noise
	for file in missing empty directory text cut-header cut-middle cut-end longer magic noise; do
		wrong 4 $file slab --input $file
		wrong 4 $file status --input $file
		wrong 4 $file diff a.snap $file
	done
	if cmp -s flipped a.snap; then
		ktap_skip "the byte was an X" "a flipped byte"
	else
		wrong 4 checksum slab --input flipped
		wrong 4 flipped diff flipped
	fi
	wrong 4 /dev/zero slab --input /dev/zero
	right slab --input a.snap
	right status --input a.snap
	memdiagctl slab --input a.snap >one && memdiagctl slab --input - <a.snap >two
	ktap_check "a snapshot from stdin reads the same" cmp one two
}

saving() {
	wrong 4 /nowhere/x save /nowhere/x
	wrong 4 directory save directory
	wrong 4 /proc/version save /proc/version
	wrong 4 /sys/kernel/x save /sys/kernel/x
	echo old >kept
	wrong 4 missing save kept --input missing
	ktap_check "a failed save leaves the file alone" grep -qx old kept
	memdiagctl save kept >out 2>err
	expect_status=$?
	if [ $expect_status = 0 ] && [ ! -s out ] && [ ! -s err ] && [ "$(stat -c %a kept)" = 600 ]; then
		ktap_pass "memdiagctl save: replaced, for the owner only"
	else
		ktap_fail "memdiagctl save: status $expect_status, mode $(stat -c %a kept)"
		ktap_note "$(cat err)"
	fi
	memdiagctl slab >/dev/full 2>err
	status=$?
	if [ $status = 4 ] && [ "$(wc -l <err)" = 1 ]; then
		ktap_pass "memdiagctl slab >/dev/full: $status, $(cut -c13- err)"
	else
		ktap_fail "memdiagctl slab >/dev/full: status $status, $(cat err)"
	fi
}

diffs() {
	sleep 1
	memdiagctl save b.snap
	right diff a.snap b.snap
	right diff a.snap b.snap vmstat
	right diff a.snap b.snap slab
	is_json diff a.snap b.snap --json
	is_json diff a.snap b.snap vmstat --json
	# A snapshot and itself: nothing has changed.
	memdiagctl diff a.snap a.snap vmstat --no-headings >out 2>err
	status=$?
	if [ $status = 0 ] && [ "$(cat out)" = "nothing changed" ] && [ "$(wc -l <err)" = 1 ]; then
		ktap_pass "diff of a snapshot with itself: nothing changed"
	else
		ktap_fail "diff of a snapshot with itself: status $status, $(head -n 3 out)"
		ktap_note "$(cat err)"
	fi
	# A counter that surely grew.
	if memdiagctl diff a.snap b.snap vmstat --no-headings --bytes 2>/dev/null | grep -qw pgfault; then
		ktap_pass "diff shows that pgfault grew"
	else
		ktap_fail "diff shows that pgfault grew"
	fi
}

jsons() {
	is_json slab --json
	is_json status --json
	is_json summary --json
	is_json show resolve --json
	is_json cgroups --json
	is_json vmalloc --json
	# The twin: the check does not take anything.
	for bad in '{"a":1,}' '{"a" 1}' '[1 2]' '{"a":01x}' '{"a":"b}' '[1]]' '' '{a:1}'; do
		printf '%s' "$bad" >bad
		if json bad >/dev/null; then
			ktap_fail "twin: '$bad' passed for JSON"
		else
			ktap_pass "twin: '$bad' is not JSON"
		fi
	done
}

# Without operations section slab is partial; without the walk of pages as well it is
# unavailable.
states() {
	rmmod memdiag && insmod "$ko" force_ways=4 || ktap_bail "force_ways=4"
	memdiagctl slab >out 2>err
	status=$?
	if [ $status = 3 ] && [ "$(wc -l <out)" -gt 20 ] && [ "$(wc -l <err)" = 1 ] &&
		grep -q 'slab is partial: ' err; then
		ktap_pass "slab partial: status 3, shown, and said: $(cut -c13-120 err)"
	else
		ktap_fail "slab partial: status $status, $(wc -l <out) lines, $(cat err)"
	fi
	right status
	ktap_check "status says that slab is partial" sh -c "memdiagctl status | grep -Eq '^slab +partial +pages'"
	memdiagctl save p.snap --sections slab >out 2>err
	status=$?
	if [ $status = 3 ] && [ -s p.snap ] && grep -q 'slab is partial: ' err; then
		ktap_pass "save --sections slab: status 3, saved"
	else
		ktap_fail "save --sections slab: status $status, $(cat err)"
	fi
	memdiagctl zones >out 2>err && [ ! -s err ]
	ktap_check "a section that is complete is not concerned" test $? = 0
	wrong 4 zone zones --input p.snap

	rmmod memdiag && insmod "$ko" force_ways=20 || ktap_bail "force_ways=20"
	wrong 4 slab slab
	right status
	memdiagctl save u.snap >out 2>err
	ktap_check "save of everything with one unavailable: status 0" test $? = 0
	wrong 4 unavailable slab --input u.snap
	rmmod memdiag && insmod "$ko" || ktap_bail "insmod"
}

absent() {
	rmmod memdiag || ktap_bail "rmmod"
	for command in slab status summary vmstat 'save x' 'diff a.snap'; do
		# shellcheck disable=SC2086  # a list
		wrong 4 "is the module loaded" $command
	done
	right slab --input a.snap
	right version
	insmod "$ko" || ktap_bail "insmod"
	right slab --limit 1
}

ktap_start
memdiagctl save a.snap || ktap_bail "memdiagctl save: $?"
usage
files
saving
diffs
jsons
states
absent
ktap_check "nothing in the log" sh -c "! dmesg | grep -qE 'BUG:|WARNING:|Oops'"
ktap_end
