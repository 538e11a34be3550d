#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vmalloc_ways.sh - the ways to the vmalloc areas, closed and laid out wrongly
#
# From v6.9 on: the nodes by BTF, by the mirror, and the text. Each member of the
# layout is placed a word further than it is (parameter wrong_layout): that must be
# refused with a reason before a lock is touched, another way taken, and the areas
# be as right as before (tests/bin/oracle). Up to v6.8 the layout is not used, so a
# wrong one must not matter. Run as root in the guest, ends with the module loaded
# as it was found.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

ko=${MEMDIAG_KO:-/lib/memdiag/memdiag.ko}
dir=/sys/kernel/debug/memdiag
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

complaints() { dmesg | grep -cE 'BUG:|WARNING:|Oops|KASAN|list_add|list_del|bad magic'; }

load() { # PARAMETER
	rmmod memdiag 2>/dev/null
	if ! insmod "$ko" "$1"; then
		ktap_fail "$1: the module loads"
		return 1
	fi
	memdiagctl status --no-headings >"$work/status" 2>/dev/null
	state=$(awk '$1 == "vmalloc" { print $2; exit }' "$work/status")
	source=$(awk '$1 == "vmalloc" { print $3; exit }' "$work/status")
	reason=$(sed -n '3s/^# partial: //p' "$dir/vmalloc")
}

# verdict WAY: what the check of the nodes said, "0 ..." if they were found
verdict() { sed -n "s/^check *vmalloc nodes by $1 *[a-z]* *//p" "$work/status"; }

# check_state PARAMETER SOURCE...: the source is one of them; ok, or partial with a reason
check_state() {
	name=$1
	shift
	for wanted; do
		[ "$source" != "$wanted" ] || break
	done
	if [ "$source" != "$wanted" ]; then
		ktap_fail "$name: the source is '$source', not $*"
	elif [ "$state" = ok ] || { [ "$state" = partial ] && [ "$reason" ]; }; then
		ktap_pass "$name: $state by $source${reason:+: $reason}"
	else
		ktap_fail "$name: '$state' by $source, reason '$reason'"
	fi
}

check_oracle() { # PARAMETER
	if /tests/bin/oracle vmalloc >"$work/oracle"; then
		ktap_pass "$1: the areas are right"
	else
		ktap_fail "$1: the areas are right"
		ktap_note "$(grep -v '^ok' "$work/oracle" | head -n 30)"
	fi
}

# churn PARAMETER: areas that come and go while the nodes are looked for
churn() {
	i=0
	while [ $i -lt 20 ]; do
		insmod /lib/memdiag/memdiag_fixture.ko command=hold,vmalloc,size=8192,count=200
		rmmod memdiag_fixture
		i=$((i + 1))
	done 2>"$work/churn.err" >&2 &
	churner=$!
	tries=0 other=0
	while kill -0 $churner 2>/dev/null; do
		load "$1" || break
		tries=$((tries + 1))
		[ "$source" = "$best" ] || other=$((other + 1))
	done
	wait $churner
	[ "$tries" -gt 0 ] && [ "$other" = 0 ] &&
		ktap_pass "$1: by $best in each of $tries loads while areas come and go" ||
		ktap_fail "$1: not by $best in $other of $tries loads while areas come and go"
}

ktap_start
before=$(complaints)
load force_ways=0 || exit 1
best=$source
ktap_note "by $best: $(grep '^vmalloc ' "$work/status" | head -n 1)"
case $best in
ops) by_mirror=ops by_text=ops wrong=ops ;;
btf | mirror) by_mirror=mirror by_text=text wrong=text ;;
*) by_mirror=text by_text=text wrong=text ;;
esac
check_state force_ways=0 ops btf mirror text
if load force_ways=1; then
	check_state force_ways=1 $by_mirror
	[ "$by_mirror" != mirror ] || [ "$state" = ok ] ||
		ktap_fail "force_ways=1: $state, although the nodes are seen"
	check_oracle force_ways=1
fi
if load force_ways=9; then
	check_state force_ways=9 $by_text
	check_oracle force_ways=9
fi

for member in vmap_node.busy vmap_node.lazy vmap_node. rb_list.root rb_list.head rb_list.lock \
	rb_list.; do
	load wrong_layout=$member || continue
	by=$wrong
	# One node alone is found wherever the next one would begin.
	if [ $member = vmap_node. ] && [ "$(nproc --all)" = 1 ]; then
		by=$best
	elif [ "$wrong" = text ] && [ "$best" != text ]; then
		for way in BTF mirror; do
			case $(verdict $way) in
			-*\ *) ktap_pass "$member: refused by $way: $(verdict $way)" ;;
			'') [ $way = BTF ] && [ "$best" = mirror ] ||
				ktap_fail "$member: no check by $way" ;;
			*) ktap_fail "$member: not refused by $way: $(verdict $way)" ;;
			esac
		done
	fi
	check_state wrong_layout=$member $by
	check_oracle wrong_layout=$member
done
churn force_ways=0

rmmod memdiag
ktap_check "the module loads again without" insmod "$ko"
after=$(complaints)
if [ "$before" = "$after" ]; then
	ktap_pass "nothing in the log"
else
	ktap_fail "nothing in the log"
	ktap_note "$(dmesg | grep -E 'BUG:|WARNING:|Oops|KASAN' | tail -n 5)"
fi
ktap_end
