#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ctl_load.sh - memdiagctl load and unload, and the addresses that are handed over
#
# force_ways=2 closes the kprobes, as on a kernel without them: then what was found
# by name has to be found by the given addresses, and every section has to be as
# good. Wrong maps are made from the right one. For a kernel that can be moved
# (CONFIG_RELOCATABLE), as all of distributions can. Run as root in the guest; ends
# with the module loaded.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

ko=${MEMDIAG_KO:-/lib/memdiag/memdiag.ko}
work=$(mktemp -d)
kptr=/proc/sys/kernel/kptr_restrict
kptr_was=$(cat $kptr)
trap 'echo "$kptr_was" >$kptr; rm -rf "$work"' EXIT
cd "$work" || exit 1
echo 1 >$kptr

loaded() { grep -q '^memdiag ' /proc/modules; }

# ctl STATUS ARGUMENTS...: the status is right, stderr has one line unless it is 0
ctl() {
	wanted=$1
	shift
	memdiagctl "$@" >out 2>err </dev/null
	status=$?
	if [ $status != "$wanted" ] || { [ $status != 0 ] && [ "$(wc -l <err)" != 1 ]; }; then
		ktap_fail "memdiagctl $*: status $wanted"
		ktap_note "status $status: $(cat out err)"
		return 1
	fi
	ktap_pass "memdiagctl $*: $status, $(head -n 1 err | cut -c13-140)"
}

# refused STATUS WORDS ARGUMENTS...: nothing was loaded, and WORDS say why
refused() {
	wanted=$1 words=$2
	shift 2
	ctl "$wanted" load "$@" || return
	ktap_check "load $*: says '$words'" grep -qF -e "$words" err
	if loaded; then
		ktap_fail "load $*: is not loaded"
		rmmod memdiag
	fi
}

# states: name and state of each section
states() { memdiagctl status --no-headings | awk '$2 ~ /^(ok|partial|unavailable)$/ { print $1, $2 }'; }

# found SOURCE: the variables that were found that way
found() {
	memdiagctl show resolve --no-headings -o kind,source,error,name |
		awk -v by="$1" '$1 == "symbol" && $2 == by { print $4 }' | sort
}

# as_good WHAT: as by name
as_good() {
	states >states.now
	found given >given.now
	ktap_check "$1: the sections are as good as by name" cmp states.best states.now
	ktap_check "$1: the same symbols are found" cmp symbols.best given.now
	ktap_check "$1: none by name" [ -z "$(found symbol)" ]
}

check_line() { memdiagctl show resolve --no-headings -o name,error,detail | grep '^given addresses'; }

# short_map: of the kernel's symbols all that memdiag asks for, and one in a hundred of the
# others: a hundred thousand lines take seconds each time, and tell nothing more.
short_map() {
	asked=$(tr '\0' '\n' <"$ko" | sed -n 's/^memdiag_symbols=//p; s/^memdiag_references=//p' |
		tr '\n' ' ')
	[ -n "$asked" ] || ktap_bail "$ko does not say which symbols it asks for"
	awk -v asked="$asked" '
	BEGIN { n = split(asked, names, " "); for (i = 1; i <= n; i++) wanted[names[i]] }
	!$4 && ($3 in wanted || NR % 100 == 0) { print $1, $2, $3 }
	' /proc/kallsyms >kernel.map
}

# moved HEX FILE [SOURCE]: a System.map as if the kernel had been linked so much higher;
# all that is done to the digits above the last five, which sh can count with.
moved() {
	awk -v by="$1" '
	function hex(text,   i, n) { n = 0
		for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
		return n }
	BEGIN { by = hex(by) }
	$4 { next }
	# A kernel has few of these, and a hundred thousand lines.
	{ high = substr($1, 1, 11) }
	!(high in moved) {
		moved[high] = substr(high, 1, 8) == "00000000" ? high :
			sprintf("%s%03x", substr(high, 1, 8), (hex(substr(high, 9)) + by) % 4096)
	}
	{ print moved[high] substr($1, 12), $2, $3 }
	' "${3:-kernel.map}" >"$2"
}

# The best there is, to be compared with.
best() {
	ctl 0 load --module "$ko" || ktap_bail "load"
	ktap_check "load: says what it did" grep -qxF "loaded $ko" out
	ktap_check "load: says what was found" grep -Eq '^symbols: [0-9]+ found by name, .* not found' out
	ktap_check "load: tells of the sections in one line" grep -Eq '^sections: [0-9]+ ok' out
	states >states.best
	found symbol >symbols.best
	ktap_check "load: kprobes come first" [ -z "$(found given)" ]
	# Without KALLSYMS_ALL no map can be made here, nor be compared with anything.
	grep -q ' [DdBb] init_task$' /proc/kallsyms && variables=yes || variables=no
	[ $variables = no ] || ktap_check "load: there are symbols to be found" [ -s symbols.best ]
	ktap_check "load: no parameter in sysfs" [ ! -e /sys/module/memdiag/parameters/addresses ]
}

twice() {
	ctl 0 load
	ktap_check "load twice: says so" grep -q 'loaded already' out
	ctl 4 load snapshot_mib=8
	ctl 4 load --system-map /proc/kallsyms
	ktap_check "load twice: says what to do" grep -q 'memdiagctl unload' err
	exec 3</dev/memdiag
	ctl 4 unload
	ktap_check "unload while open: says that it is in use" grep -q 'in use' err
	exec 3<&-
	ctl 0 unload
	ktap_check "unload: it is gone" sh -c '! grep -q "^memdiag " /proc/modules'
	ctl 0 unload
	ktap_check "unload twice: says so" grep -q 'not loaded' out
}

given() {
	ctl 0 load --module "$ko" force_ways=2
	as_good "kallsyms"
	ktap_check "kallsyms: the map agrees" sh -c "echo '$(check_line)' | grep -q agree"
	ctl 0 unload

	# Without addresses the symbols are missing: or the above says nothing.
	insmod "$ko" force_ways=2
	ktap_check "twin: without addresses none is found" [ -z "$(found given)$(found symbol)" ]
	rmmod memdiag

	# The distance between a kernel and its map, as KASLR makes it.
	short_map
	for by in 000 200 fc0 040; do
		moved $by System.map
		ctl 0 load --module "$ko" --system-map System.map force_ways=2
		as_good "System.map moved by 0x${by}00000"
		ctl 0 unload
	done
	# All of it once.
	moved 000 whole.map /proc/kallsyms
	ctl 0 load --module "$ko" --system-map whole.map force_ways=2
	as_good "whole System.map"
	ctl 0 unload
	gzip -c "$ko" >packed.ko.gz
	ctl 0 load --module packed.ko.gz --system-map System.map force_ways=2
	as_good "packed module"
	ctl 0 unload
	ctl 0 load --module "$ko" snapshot_mib=9
	ktap_check "a parameter arrives" [ "$(cat /sys/module/memdiag/parameters/snapshot_mib)" = 9 ]
	ctl 0 unload
}

# not_used FILE WHAT: loaded without the map
not_used() {
	ctl 3 load --module "$ko" --system-map "$1" force_ways=2
	ktap_check "$2: loaded without" loaded
	ktap_check "$2: says whose fault it is" grep -q "$1" err
	ktap_check "$2: nothing of it is used" [ -z "$(found given)" ]
	ktap_check "$2: resolve says why" sh -c "echo '$(check_line)' | grep -Eq 'wrong map|cannot be checked'"
	ctl 0 unload
}

wrong_maps() {
	mv System.map good.map
	# Not by a step that any kernel takes.
	awk '{ printf "%s%x%s %s %s\n", substr($1, 1, 15), 8 - index("01234567", substr($1, 16)) % 8, "", $2, $3 }' \
		good.map >odd.map
	moved 001 page.map
	not_used page.map "moved by 1 MiB"
	not_used odd.map "moved by bytes"
	# One reference after the other is elsewhere, as if something was put in there.
	for name in init_task vm_node_stat kfree misc_register; do
		awk -v name=$name '$3 == name { sub(/...$/, "ab8", $1) } { print $1, $2, $3 }' good.map >one.map
		not_used one.map "$name is elsewhere"
	done
	grep -Ev ' [TtWw] ' good.map >no-text.map
	not_used no-text.map "no functions"

	# References agree, and a variable is elsewhere: that one is not used.
	name=transparent_hugepage_flags
	awk -v name=$name '$3 == name { sub(/...$/, "ab8", $1) } { print $1, $2, $3 }' good.map >one.map
	ctl 3 load --module "$ko" --system-map one.map force_ways=2
	ktap_check "$name is elsewhere: it is not used" sh -c "! echo '$(found given)' | grep -qx $name"
	ktap_check "$name is elsewhere: others are" [ -n "$(found given)" ]
	ktap_check "$name is elsewhere: resolve says so" \
		sh -c "memdiagctl show resolve --no-headings | grep $name | grep -q 'cannot be right'"
	ctl 0 unload

	# Two variables that stand in for each other.
	awk '$3 == "psi_disabled" { $3 = "!" } $3 == "slub_debug_enabled" { $3 = "psi_disabled" }
		$3 == "!" { $3 = "slub_debug_enabled" } { print $1, $2, $3 }' good.map >swapped.map
	ctl 3 load --module "$ko" --system-map swapped.map force_ways=2
	ktap_check "swapped: not used" sh -c "! echo '$(found given)' | grep -Eq 'psi_disabled|slub_debug_enabled'"
	ctl 0 unload
}

no_maps() {
	size=$(wc -c <good.map)
	: >empty
	mkdir directory
	head -c $((size - 5)) good.map >'cut'
	head -c 65536 /dev/urandom >noise
	tr '\n' '\r' <good.map >mac
	tr '\n' ' ' <good.map >line
	echo "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package" >stub
	{ head -n 100 good.map; echo hello; } >hello
	grep -v -E "$(tr '\n' ' ' <symbols.best | sed 's/ $//; s/ /|/g')|slab_|vmap_|_index|_enabled|_inited|_key" good.map >none
	sed 's/^[0-9a-f]*/0000000000000000/' good.map >hidden
	for file in empty directory cut noise mac line stub hello none hidden missing /dev/null /dev/zero "$ko"; do
		refused 4 "cannot use $file" --module "$ko" --system-map "$file"
	done
}

no_modules() {
	mkdir -p other
	: >empty.ko
	echo hello >text.ko
	head -c 1000 "$ko" >cut.ko
	head -c 100000 "$ko" >cut2.ko
	cp /bin/busybox program.ko
	gzip -c "$ko" | head -c 20000 >cut.ko.gz
	printf '\3757zXZ\0more' >packed.ko.xz
	printf '\050\265\057\375more' >packed.ko.zstd
	for file in missing.ko directory /dev/null empty.ko text.ko cut.ko cut2.ko program.ko cut.ko.gz; do
		refused 4 "cannot load $file: " --module $file
	done
	for tool in xz zstd; do
		if command -v $tool >/dev/null; then
			refused 4 "$tool cannot unpack it" --module packed.ko.$tool
		else
			refused 4 "packed with $tool" --module packed.ko.$tool
		fi
	done
	refused 4 "not memdiag" --module /lib/memdiag/memdiag_fixture.ko
	# The release stands in the file once, as vermagic.
	sed "s/vermagic=$(uname -r) /vermagic=$(uname -r | tr 0-9 1) /" "$ko" >vermagic.ko
	sed "s/vermagic=$(uname -r) SMP /vermagic=$(uname -r) UP_ /" "$ko" >smp.ko
	if cmp -s vermagic.ko "$ko"; then
		ktap_fail "the file's vermagic could be changed"
	else
		# With modversions the release does not count for the kernel.
		refused 4 "dmesg" --module smp.ko
	fi
	refused 4 "cannot find memdiag.ko below /lib/modules/$(uname -r)"
	refused 2 "NAME=VALUE" --module "$ko" force_ways
	refused 2 "no parameter 'forceways'" --module "$ko" forceways=2
	refused 2 "quotes" --module "$ko" 'wrong_layout=a"b'
	refused 2 "does not go with" --module "$ko" --system-map /proc/kallsyms addresses=a=1
	refused 4 "a parameter was refused" --module "$ko" force_ways=x
}

# What is no address at all: not loaded, and the log does not tell what it was.
nonsense() {
	n=0
	for value in x kfree= kfree=0x1 'kfree=1,' kfree=0 kfree=1,kfree=1 "kfree=12345678912345678" "kfree=1;x"; do
		n=$((n + 1))
		echo "memdiag-ctl-load: mark $n" >/dev/kmsg
		refused 4 "a parameter was refused" --module "$ko" "addresses=$value"
		ktap_check "addresses=$value: the log says which entry" \
			sh -c "dmesg | sed '1,/memdiag-ctl-load: mark $n\$/d' | grep -q 'memdiag: addresses: entry [12]: '"
	done
	long=$(head -c 9000 /dev/zero | tr '\0' a)
	refused 4 "a parameter was refused" --module "$ko" "addresses=$long=1"
	ktap_check "addresses too long: the log says so" sh -c "dmesg | grep -q 'memdiag: addresses: too long'"
	# Names that nobody asks for are no reason not to load.
	ctl 0 load --module "$ko" addresses=nobody=1
	ctl 0 unload
}

where() {
	directory=/lib/modules/$(uname -r)
	for place in updates extra kernel/drivers/misc .; do
		mkdir -p "$directory/$place"
		cp "$ko" "$directory/$place/memdiag.ko"
		ctl 0 load
		ktap_check "found in $place" grep -q "^loaded $directory/.*memdiag.ko" out
		ctl 0 unload
		rm "$directory/$place/memdiag.ko"
	done
	mkdir -p "$directory/elsewhere"
	cp "$ko" "$directory/elsewhere/memdiag.ko"
	cp "$ko" "$directory/updates/memdiag.ko"
	{ echo "kernel/memdiag.ko.not: x"; echo "elsewhere/memdiag.ko: kernel/other.ko"; } >"$directory/modules.dep"
	ctl 0 load
	ktap_check "modules.dep comes first" grep -q "^loaded $directory/elsewhere/memdiag.ko" out
	ctl 0 unload
	rm "$directory/modules.dep" "$directory/elsewhere/memdiag.ko" "$directory/updates/memdiag.ko"
}

hidden() {
	echo 2 >$kptr
	ctl 0 load --module "$ko" force_ways=2
	ktap_check "kptr_restrict=2: says what to do" grep -q 'kptr_restrict=1' err
	ktap_check "kptr_restrict=2: none is found" [ -z "$(found given)" ]
	ctl 0 unload
	refused 4 "all zero" --module "$ko" --system-map /proc/kallsyms
	ctl 0 load --module "$ko"
	missing=$(memdiagctl show resolve -o kind,error --no-headings | grep -c '^symbol *-')
	if [ "$missing" = 0 ]; then
		ktap_check "kptr_restrict=2: nothing is said if nothing is missing" [ ! -s err ]
	else
		ktap_check "kptr_restrict=2: said, as $missing are missing" grep -q 'kptr_restrict=1' err
	fi
	ctl 0 unload
	echo 1 >$kptr
}

# Nothing makes the node: what load says is enough to make it.
no_node() {
	mount -t tmpfs tmpfs /dev || { ktap_skip "cannot mount over /dev" "no node"; return; }
	mknod /dev/null c 1 3
	ctl 3 load --module "$ko"
	command=$(sed -n "s/.*'\(mknod [^']*\)'.*/\1/p" err)
	ktap_check "no node: says how to make it" [ -n "$command" ]
	eval "$command"
	ktap_check "no node: made, it works" memdiagctl zones
	ctl 0 unload
	umount /dev
}


ktap_start
! loaded || rmmod memdiag
best
twice
if [ $variables = yes ]; then
	given
	wrong_maps
	no_maps
	hidden
else
	ktap_skip "/proc/kallsyms has no variables" "maps"
fi
no_modules
nonsense
where
no_node
ktap_check "no address is in the log" sh -c \
	"! dmesg | grep 'memdiag: ' | grep -Eq '[0-9a-f]{8}'"
insmod "$ko" || ktap_bail "insmod"
ktap_check "nothing in the log" sh -c "! dmesg | grep -qE 'BUG:|WARNING:|Oops'"
ktap_end
