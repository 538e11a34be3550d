#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# perms.sh - who may look, and who may see addresses
#
# Runs in the guest, with memdiag loaded. The modes of the files are one fence,
# the checks of open() another: behind the back of the first, the second holds.

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

debugfs=/sys/kernel/debug/memdiag
kptr=/proc/sys/kernel/kptr_restrict
kptr_was=$(cat $kptr)
# Files that print a section each, where the kernel has debugfs.
printed=
if [ -d $debugfs ]; then
	printed="$debugfs/slab $debugfs/system"
	was_mode=$(stat -c %a /sys/kernel/debug)
fi

# opens WHO PATH ERRNO WHAT: what open() says, run as WHO
opens() {
	got=$(uapi as "$1" uapi open "$2" 2>/dev/null)
	status=$?
	if [ $status = 77 ]; then
		ktap_skip "cannot become $1 here" "perms: $4"
	elif [ "$got" = "$3" ]; then
		ktap_pass "perms: $4"
	else
		ktap_fail "perms: $4"
		ktap_note "$2 as $1: ${got:-status $status}, expected $3"
	fi
}

has_mode() { # MODE PATH
	[ "$(stat -c '%a %u %g' "$2")" = "$1 0 0" ] || { stat "$2"; return 1; }
}

file_modes() {
	ktap_check "perms: /dev/memdiag is root's and has mode 600" has_mode 600 /dev/memdiag
	ktap_check "perms: /proc/memdiag is root's and has mode 400" has_mode 400 /proc/memdiag
	[ -n "$printed" ] || ktap_skip "no debugfs" "perms: its files are root's and have mode 400"
	for file in "$debugfs"/*; do
		[ -e "$file" ] || continue
		ktap_check "perms: $file is root's and has mode 400" has_mode 400 "$file"
	done
	# shellcheck disable=SC2086  # a list
	for file in /proc/memdiag ${printed% *}; do
		before=$(wc -l <"$file")
		# root may open what has no mode for it; there must be no way to write
		if echo x 2>/dev/null >"$file"; then
			ktap_fail "perms: $file cannot be written"
		else
			ktap_pass "perms: $file cannot be written"
		fi
		[ "$before" -gt 0 ] || ktap_note "$file was empty"
	done
}

who_may_open() {
	# shellcheck disable=SC2086  # a list
	for file in /dev/memdiag /proc/memdiag $printed; do
		mode=$(stat -c %a "$file")
		opens user "$file" EACCES "$file refuses a user"
		opens userns "$file" EPERM "$file refuses root in a user namespace"
		# What a careless administrator might do.
		[ -z "$printed" ] || chmod 755 /sys/kernel/debug
		chmod 666 "$file"
		opens user "$file" EPERM "$file refuses a user, also with mode 666"
		chmod "$mode" "$file"
		[ -z "$printed" ] || chmod "$was_mode" /sys/kernel/debug
		opens no-sysadmin "$file" EPERM "$file refuses root without CAP_SYS_ADMIN"
		opens no-syslog "$file" success "$file lets root in without CAP_SYSLOG"
	done
}

# text_addresses [COMMAND...]: start and end of each area, "-" if hidden, as the command
# gets to see them: from debugfs, or from memdiagctl where there is none.
text_addresses() {
	if [ -n "$printed" ]; then
		"$@" cat "$debugfs/vmalloc" | awk 'NR == 2 {
				for (i = 2; i <= NF; i++)
					column[$i] = i - 1
			}
			!/^#/ && NR > 2 { print $column["start"] "-" $column["end"] }'
	else
		"$@" memdiagctl show vmalloc -o start,end 2>/dev/null | awk 'NR > 1 { print $1 "-" $2 }'
	fi
}

hidden() { # [COMMAND...]: run by it, neither in the text nor in the binary snapshot
	text=$(text_addresses "$@" | awk '$1 != "---" { n++ } END { print NR ? n + 0 : "nothing" }')
	binary=$("$@" uapi pointers)
	echo "shown: $text in the text, $binary in the snapshot"
	[ "$text" = 0 ] && [ "$binary" = 0 ]
}

# Every area that is there before and after is shown with the same addresses.
same_addresses() {
	awk '{ print $1 }' /proc/vmallocinfo | sort >/tmp/before
	text_addresses | sort >/tmp/memdiag
	awk '{ print $1 }' /proc/vmallocinfo | sort >/tmp/after
	sort /tmp/before /tmp/after | uniq -d | sort -u >/tmp/both
	sort -u /tmp/memdiag >/tmp/shown
	missing=$(cat /tmp/shown /tmp/shown /tmp/both | sort | uniq -u)
	echo "$(wc -l </tmp/both) areas; not shown: $missing"
	[ -s /tmp/both ] && [ -z "$missing" ]
}

no_other_addresses() {
	# Those behind the lazily freed ones come and go; vmallocinfo before 6.10 has
	# them as well, so a few may have come in between, but no more.
	sort -u /tmp/before /tmp/after >/tmp/either
	extra=$(cat /tmp/either /tmp/either /tmp/shown | sort | uniq -u | wc -l)
	echo "$extra areas that vmallocinfo has not"
	[ -s /tmp/shown ] && [ "$extra" -le 4 ]
}

addresses() {
	if memdiagctl status | grep -q '^vmalloc *unavailable'; then
		ktap_skip "no vmalloc section" "perms: addresses"
		return
	fi
	for value in 0 2; do
		echo $value >$kptr
		ktap_check "perms: kptr_restrict=$value hides addresses" hidden
		ktap_check "perms: kptr_restrict=$value hides them without CAP_SYSLOG" \
			hidden uapi as no-syslog
	done
	echo 1 >$kptr
	ktap_check "perms: kptr_restrict=1 shows root the addresses of vmallocinfo" same_addresses
	ktap_check "perms: kptr_restrict=1 shows no others" no_other_addresses
	ktap_check "perms: kptr_restrict=1 hides them without CAP_SYSLOG" hidden uapi as no-syslog
	echo "$kptr_was" >$kptr
}

ktap_start
file_modes
who_may_open
addresses
ktap_end
