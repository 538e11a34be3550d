# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Results in KTAP, for sh; see ktap.h. Sourced.

ktap_number=0 ktap_failed=0

ktap_start() { echo "KTAP version 1"; }
ktap_pass() { ktap_number=$((ktap_number + 1)); echo "ok $ktap_number $*"; }
ktap_fail() {
	ktap_number=$((ktap_number + 1)) ktap_failed=$((ktap_failed + 1))
	echo "not ok $ktap_number $*"
}
ktap_skip() { # REASON WHAT...
	ktap_number=$((ktap_number + 1)) ktap_reason=$1
	shift
	echo "ok $ktap_number $* # SKIP $ktap_reason"
}
ktap_note() { echo "$*" | sed 's/^/# /'; }
ktap_bail() { echo "Bail out! $*"; exit 1; }
ktap_end() { echo "1..$ktap_number"; [ "$ktap_failed" = 0 ]; }

# ktap_check WHAT COMMAND...: a result from the status of a command
ktap_check() {
	ktap_what=$1
	shift
	if ktap_out=$("$@" 2>&1); then
		ktap_pass "$ktap_what"
	else
		ktap_status=$?
		ktap_fail "$ktap_what"
		ktap_note "$*: status $ktap_status"
		[ -z "$ktap_out" ] || ktap_note "$ktap_out"
	fi
}
