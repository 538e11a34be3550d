#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# force_ways.sh - close ways into the kernel, one after the other and together
#
# The module parameter force_ways (bits: 1 BTF, 2 symbols, 4 seq operations,
# 8 mirrors, 16 walk of pages) leaves memdiag the next best way. Every section must then be there by another
# way, or be partial or unavailable with a reason, never empty and called ok; and
# what is there must be as right as before (tests/bin/oracle). Run as root in the
# guest, ends with the module loaded as it was found. The twin is way 0.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

ko=${MEMDIAG_KO:-/lib/memdiag/memdiag.ko}
dir=/sys/kernel/debug/memdiag
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# state FILE: ok, partial or unavailable
state() {
	case $(sed -n 3p "$1") in
	'# partial: '?*) echo partial ;;
	'# unavailable: '?*) echo unavailable ;;
	'# '*) echo "unknown state" ;;
	*) echo ok ;;
	esac
}

reason() { sed -n '3s/^# //p' "$1"; }
records() { grep -vc '^#' "$1" | awk '{ print $1 - 1 }'; }

# in_use FILE: areas of section vmalloc that are
in_use() { awk 'NR > 2 && !/^#/ && $2 != "unpurged"' "$1" | wc -l; }

# column FILE NAME: all values of a column, sorted, each once
column() {
	awk -v name="$2" '
		NR == 2 { for (i = 2; i <= NF; i++) if ($i == name) column = i - 1 }
		NR > 2 && !/^#/ && column { print $column }' "$1" | sort -u
}

# source SECTION: the source of its records, as status says
source_of() { awk -v name="$1" '$1 == name && ($2 ~ /ok|partial|unavailable/) { print $3; exit }' "$work/status"; }

# has WAYS BIT
has() { [ $(($1 & $2)) != 0 ]; }

expect() { # WHAT GOT WANTED...
	what=$1 got=$2
	shift 2
	for wanted; do
		[ "$got" != "$wanted" ] || { ktap_pass "$what is $got"; return; }
	done
	ktap_fail "$what is '$got', not $*"
}

collect() { # WAYS
	rmmod memdiag 2>/dev/null
	if ! insmod "$ko" force_ways="$1"; then
		ktap_fail "force_ways=$1: the module loads"
		return 1
	fi
	ktap_pass "force_ways=$1: the module loads"
	mkdir -p "$work/$1"
	for file in "$dir"/*; do
		cat "$file" >"$work/$1/${file##*/}" || ktap_fail "force_ways=$1: ${file##*/} is read"
	done
	memdiagctl status --no-headings >"$work/status" 2>"$work/status.err" ||
		ktap_fail "force_ways=$1: memdiagctl status"
}

# Whatever is closed: a state, a reason if not ok, records if there are any.
check_sections() { # WAYS
	bad=
	for file in "$work/$1"/*; do
		name=${file##*/} before=$work/0/${file##*/}
		[ "$(head -n 1 "$file")" = "memdiag $name - version: 1.0" ] || bad="$bad $name:heading"
		case $(state "$file") in
		unavailable) [ "$(records "$file")" = 0 ] || bad="$bad $name:unavailable-with-records" ;;
		ok | partial)
			[ "$(records "$file")" -gt 0 ] || [ "$(records "$before")" = 0 ] ||
				bad="$bad $name:$(state "$file")-without-records"
			;;
		*) bad="$bad $name:state" ;;
		esac
		# Nothing gets better by closing a way.
		[ "$(state "$before")" != unavailable ] || [ "$(state "$file")" = unavailable ] ||
			bad="$bad $name:better-than-before"
	done
	if [ "$bad" ]; then
		ktap_fail "force_ways=$1: sections in order"
		ktap_note "$bad"
	else
		ktap_pass "force_ways=$1: sections in order"
	fi
}

# What becomes of a section when ways are closed: the first line counts whose bits
# are all closed and which is meant for this kernel.
#
#   section  bits  kernel   state        source     object_size  words of the reason
#
# kernel is the source of section vmalloc when nothing is closed: ops where areas are
# on one list, btf where they are in nodes. "as-before" is the state with nothing
# closed, "-" is not looked at. object_size: of none, some or all records.
expected() {
	cat <<-'END'
		slab     13   -     unavailable  none        -     /proc/slabinfo cannot be walked
		slab     20   -     unavailable  none        -     /proc/slabinfo cannot be walked
		slab     4    -     partial      pages       all   /proc/slabinfo cannot be walked
		slab     9    -     partial      text        none  -
		slab     1    -     as-before    mirror      all   -
		slab     0    -     as-before    -           all   -
		vmstat   4    -     ok           text        -     -
		vmstat   0    -     as-before    -           -     -
		vmalloc  4    ops   ok,partial   text        -     -
		vmalloc  2    ops   partial      ops         -     -
		vmalloc  0    ops   as-before    ops         -     -
		vmalloc  2    btf   ok,partial   text        -     -
		vmalloc  9    btf   ok,partial   text        -     -
		vmalloc  1    btf   as-before    mirror      -     -
		vmalloc  0    -     as-before    -           -     -
	END
}

# Bits that leave a line "switched off" in section resolve, if they are closed
# alone. The walk of pages is only tried when all else fails.
SAYS_SO='1 2 4'

# expected_line SECTION WAYS: what is expected of it, without section and bits
expected_line() {
	expected | while read -r section bits kernel rest; do
		if [ "$section" = "$1" ] && [ $(($2 & bits)) = "$bits" ] &&
			{ [ "$kernel" = - ] || [ "$kernel" = "$source_vmalloc" ]; }; then
			echo "$rest"
			break
		fi
	done
}

# check_section SECTION WAYS: against the table
check_section() {
	file=$work/$2/$1
	expected_line "$1" "$2" >"$work/line"
	read -r state source sizes words <"$work/line"
	what="force_ways=$2: $1"
	[ "$state" != as-before ] || state=$(state "$work/0/$1")
	# shellcheck disable=SC2046  # a list
	expect "$what" "$(state "$file")" $(echo "$state" | tr , ' ')
	[ "$source" = - ] || expect "$what's source" "$(source_of "$1")" "$source"
	if [ "$words" != - ]; then
		case $(reason "$file") in
		*"$words"*) ktap_pass "$what says why" ;;
		*) ktap_fail "$what says why, not '$(reason "$file")'" ;;
		esac
	fi
	case $sizes in
	none) expect "$what's object_size" "$(column "$file" object_size)" - ;;
	all) expect "$what's object_size is known" \
		"$(column "$file" object_size | grep -c '^-$')" 0 ;;
	some) ktap_check "$what's object_size is known of some" \
		sh -c "echo '$(column "$file" object_size)' | grep -qv '^-$'" ;;
	esac
}

check_ways() { # WAYS
	off=$(grep -c 'switched\\040off' "$work/$1/resolve")
	said=no
	for bit in $SAYS_SO; do
		! has "$1" "$bit" || said=yes
	done
	if [ "$1" = 0 ]; then
		source_vmalloc=$(source_of vmalloc)
		expect "force_ways=0: lines that say switched off" "$off" 0
	elif [ $said = yes ]; then
		ktap_check "force_ways=$1: resolve says so, in $off lines" [ "$off" -gt 0 ]
	fi
	for section in slab vmstat vmalloc; do
		check_section $section "$1"
	done
	# Without the kprobes nothing is found by name; addresses were not given.
	! has "$1" 2 || expect "force_ways=$1: variables that were found" \
		"$(awk '$1 == "symbol" && $2 ~ /^[a-z_]+$/ && $3 ~ /^(symbol|given)$/' "$work/status" | wc -l)" 0

	slab=$work/$1/slab
	# The names must be the same by any way; some counters may appear late.
	column "$work/0/vmstat" name >"$work/names"
	column "$work/$1/vmstat" name >"$work/names.now"
	ktap_check "force_ways=$1: vmstat has the same names" cmp "$work/names" "$work/names.now"
	if [ "$(state "$slab")" != unavailable ]; then
		column "$work/0/slab" name | grep -v memdiag >"$work/names"
		column "$slab" name | grep -v memdiag >"$work/names.now"
		if [ "$(source_of slab)" = pages ]; then
			# Those without a slab have no page, and what is merged has one name.
			ktap_check "force_ways=$1: slab has no other names" \
				sh -c "[ -s '$work/names.now' ] && ! grep -vxFf '$work/names' '$work/names.now'"
		else
			ktap_check "force_ways=$1: slab has the same names" cmp "$work/names" "$work/names.now"
		fi
	fi
	# A few may come or go; those freed lazily do so all the time, and need a symbol.
	n=$(in_use "$work/$1/vmalloc") of=$(in_use "$work/0/vmalloc")
	if [ "$n" -ge $((of - of / 20 - 5)) ] && [ "$n" -le $((of + of / 20 + 5)) ]; then
		ktap_pass "force_ways=$1: vmalloc has $n areas, $of by the best way"
	else
		ktap_fail "force_ways=$1: vmalloc has $n areas, $of by the best way"
	fi
}

check_oracle() { # WAYS
	sections=
	# What has one way only is looked at with all open, and with all closed.
	names="slab vmalloc vmstat memcg system"
	[ "$1" != 0 ] && [ "$1" != 31 ] || names="$names zone buddy"
	for name in $names; do
		[ "$(state "$work/$1/$name")" = unavailable ] || sections="$sections $name"
	done
	[ "${WAYS_ORACLE:-yes}" = yes ] || return
	# shellcheck disable=SC2086  # a list
	if /tests/bin/oracle $sections >"$work/oracle"; then
		ktap_pass "force_ways=$1: oracle of$sections: $(grep -c '^ok' "$work/oracle") results"
	else
		ktap_fail "force_ways=$1: oracle of$sections"
		ktap_note "$(grep -v '^ok' "$work/oracle" | head -n 30)"
	fi
}

ktap_start
for ways in ${WAYS:-0 1 2 4 9 13 20 31}; do
	collect $ways || continue
	check_sections $ways
	check_ways $ways
	check_oracle $ways
done

ktap_check "an unknown bit is ignored" sh -c "rmmod memdiag; insmod $ko force_ways=1024"
if rmmod memdiag && ! insmod "$ko" force_ways=none 2>/dev/null; then
	ktap_pass "no number is refused"
else
	ktap_fail "no number is refused"
fi
ktap_check "the module loads again without" insmod "$ko"
ktap_check "nothing in the log" sh -c "! dmesg | grep -qE 'BUG:|WARNING:|Oops'"
ktap_end
