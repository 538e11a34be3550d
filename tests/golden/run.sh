#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Compares what memdiagctl prints with expected/: run.sh DIRECTORY
#
# DIRECTORY has memdiagctl, make_samples and fake_device.so, as tests/unit/run
# builds them. Each expected file has standard output, standard error and the
# exit status. UPDATE=1 writes them anew: look at the difference before you
# commit it.

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$here/expected"
cd "$work" || exit 1
"$build/make_samples" . || exit 1
# What sysfs and procfs say of merged caches, for fake_device.so.
mkdir slab && ln -s :a-0001024 slab/leaky_cache && ln -s :a-0001024 slab/another &&
	ln -s :a-0001024 slab/zz && ln -s :0000192 slab/dentry && mkdir slab/:a-0001024 || exit 1
echo 01020304-0506-0708-090a-0b0c0d0e0f10 >boot_id
# Those to shrink, of which none is merged.
mkdir -p caches/kmalloc-64 && : >caches/kmalloc-64/shrink || exit 1
export LC_ALL=C.UTF-8
export ASAN_OPTIONS=verify_asan_link_order=0

count=0
failed=0

# result NAME WHETHER-IT-FAILED
result() {
	count=$((count + 1))
	if [ "$2" = 0 ]; then
		echo "ok $count - golden $1"
	else
		failed=1
		echo "not ok $count - golden $1"
	fi
}

# memdiagctl with the environment and the arguments of a case
run_case() {
	local name=$1 environment=$2 arguments=$3
	local preload=

	case $name in
	live-*) preload="FAKE_SNAPSHOT=after LD_PRELOAD=$build/fake_device.so" ;;
	esac
	# Words of the case file are split on purpose.
	# shellcheck disable=SC2086
	env $preload $environment "$build/memdiagctl" $arguments >stdout 2>stderr </dev/null
	local status=$?

	cat stdout
	echo "--- stderr"
	cat stderr
	echo "--- exit status $status"
}

while IFS='|' read -r name environment arguments; do
	case $name in '' | '#'*) continue ;; esac
	run_case "$name" "$environment" "$arguments" >actual
	if [ -n "$UPDATE" ]; then
		cp actual "$here/expected/$name"
	fi
	if diff -u "$here/expected/$name" actual >difference 2>&1; then
		result "$name" 0
	else
		sed 's/^/# /' difference
		result "$name" 1
	fi
	case " $arguments " in
	*' --json '*)
		if [ -s stdout ] && command -v python3 >/dev/null; then
			python3 -m json.tool stdout >/dev/null
			result "$name is JSON" $?
		fi
		;;
	esac
done <"$here/cases"

# Every expected file has a case.
bad=0
for file in "$here"/expected/*; do
	grep -q "^${file##*/}|" "$here/cases" || { echo "# no case for $file"; bad=1; }
done
result "no expected file without a case" $bad

# Output that cannot be written is a failure, also for large documents.
"$build/memdiagctl" slab --input after >/dev/full 2>stderr
[ $? = 4 ] && grep -q 'No space left' stderr
result "full output" $?
"$build/memdiagctl" status --input after --json >/dev/full 2>stderr
[ $? = 4 ] && grep -q 'cannot write to standard output' stderr
result "full output of JSON" $?
# A pipe whose reader is gone before anything is written.
{ sleep 0.3; "$build/memdiagctl" slab --input after 2>stderr; echo $? >status; } | :
[ "$(cat status)" = 4 ] && [ ! -s stderr ]
result "reader went away" $?
"$build/memdiagctl" slab --input after >&- 2>stderr
[ $? = 4 ]
result "closed output" $?

# Through pipes the bytes stay the same.
"$build/memdiagctl" save - --input after >copy && cmp -s after copy
result "save - keeps the bytes" $?
"$build/memdiagctl" slab --input - <after >one && "$build/memdiagctl" slab --input after >two &&
	cmp -s one two
result "--input - reads standard input" $?
echo old >target && chmod 644 target
"$build/memdiagctl" save target --input corrupt 2>/dev/null
[ "$(cat target)" = old ] && [ "$(ls target*)" = target ]
result "a failed save leaves the file alone" $?

# The disk is full in the middle: the old file stays, nothing else is left behind.
(
	trap '' XFSZ
	ulimit -f 4
	exec "$build/memdiagctl" save target --input after 2>stderr
)
[ $? = 4 ] && grep -q 'File too large' stderr && [ "$(cat target)" = old ] &&
	[ "$(ls target*)" = target ]
result "a save that breaks off leaves the file alone" $?

# The module is asked for no more than a command needs.
asked() {
	rm -f mask
	env FAKE_SNAPSHOT=after FAKE_MASK=mask "LD_PRELOAD=$build/fake_device.so" \
		"$build/memdiagctl" "$@" >/dev/null 2>&1
	cat mask
}
[ "$(asked slab)" = 0x200 ] && [ "$(asked vmalloc --by module)" = 0x1000 ] &&
	[ "$(asked status)" = 0x0 ] && [ "$(asked summary)" = 0x6a15 ] &&
	[ "$(asked top -o)" = 0x4201 ] && [ "$(asked top -o --by ledger)" = 0x4001 ] &&
	[ "$(asked ledger)" = 0xc000 ] && [ "$(asked census)" = 0x10000 ] &&
	[ "$(asked save - --sections zone,memcg)" = 0x2010 ] &&
	[ "$(asked diff after /dev/memdiag census)" = 0x10001 ] &&
	[ "$(asked diff after /dev/memdiag vmalloc)" = 0xc01 ] &&
	[ "$(asked diff after)" = 0x6a11 ]
result "only the sections needed are collected" $?

echo "1..$count"
exit $failed
