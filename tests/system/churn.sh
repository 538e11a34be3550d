#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# churn - processes, files, sockets, slab objects and modules come and go in bursts
# with pauses in between; after each burst the ledger's unaccounted pages must be
# under 1 % of all memory, and as many as before, within DRIFT pages: what is only
# passed through leaves nothing behind that no line claims.
#
# CHURN_SECONDS: for how long (default 40); CHURN_BURST and CHURN_PAUSE: seconds of
# a burst and of the pause behind it (default 4 and 3). For an hour, mostly idle:
#	CHURN_SECONDS=3600 CHURN_BURST=5 CHURN_PAUSE=55

# shellcheck source=tests/lib/ktap.sh
. ktap.sh
# 1 MiB: pipe buffers, fragments of sockets and tables of kernel maps that are kept
# for the next user, one or some per CPU.
DRIFT=256
seconds=${CHURN_SECONDS:-40} burst=${CHURN_BURST:-4} pause=${CHURN_PAUSE:-3}
now() { cut -d. -f1 /proc/uptime; }
going() { [ "$(now)" -lt "$burst_end" ]; }
did() { echo >>"/tmp/churn.did.$1"; }

processes() {
	while going; do
		for i in 1 2 3 4 5 6 7 8; do
			sh -c 'echo $$ | cat | cat >/dev/null' &
		done
		wait
		did processes
	done
}

files() {
	mkdir -p /tmp/churn_mount
	while going; do
		mount -t tmpfs none /tmp/churn_mount
		i=0
		while [ $i -lt 200 ]; do echo $i >/tmp/churn_mount/$i; i=$((i + 1)); done
		dd if=/dev/zero of=/tmp/churn_mount/large bs=64k count=128 2>/dev/null
		umount /tmp/churn_mount && did files
	done
}

sockets() {
	while going; do
		timeout 2 nc -l -p 7777 >/dev/null &
		sleep 0.1
		dd if=/dev/zero bs=16k count=64 2>/dev/null | timeout 2 nc 127.0.0.1 7777 && did sockets
		wait
	done
}

# Slab objects, large blocks, pages, vmalloc() and percpu memory.
modules() {
	while going; do
		insmod /lib/memdiag/memdiag_fixture.ko command="hold,cache,count=20000;\
hold,kmalloc,size=96,count=20000;hold,kmalloc,size=65536,count=20;\
hold,pages,order=3,count=100;hold,vmalloc,size=262144,count=20;hold,percpu,size=512,count=100"
		rmmod memdiag_fixture && did modules
	done
}

page=$(getconf PAGESIZE 2>/dev/null || echo 4096)

# The least of some looks: the pages of a process that is just going are on no line
# until all of them are free.
unaccounted() {
	for look in 1 2 3 4; do
		memdiagctl ledger --bytes --no-headings -o line,size
		sleep 0.2
	done | awk -v page="$page" '$1 == "unaccounted" && (least == "" || $2 < least) { least = $2 }
		END { if (least != "") print least / page }'
}

ktap_start
rmmod memdiag_fixture 2>/dev/null
ip link set lo up
all=$(memdiagctl show identity --bytes --no-headings -o name,left |
	awk -v page="$page" '$1 == "present" { print $2 / page }')
end=$(($(now) + seconds))
bursts=0 first='' low='' high=''
while [ "$(now)" -lt $end ]; do
	burst_end=$(($(now) + burst))
	for kind in processes files sockets modules; do
		$kind >/tmp/churn.$kind 2>&1 &
	done
	wait
	# What is given back later, through RCU or by a worker, is gone by then.
	sleep "$pause"
	pages=$(unaccounted)
	[ -n "$pages" ] || ktap_bail "the ledger has no unaccounted pages"
	ktap_note "after $(now) s: $pages pages"
	bursts=$((bursts + 1))
	# The first burst fills what is kept.
	[ $bursts -gt 1 ] || continue
	: "${first:=$pages}" "${low:=$pages}" "${high:=$pages}"
	[ "$pages" -ge "$low" ] || low=$pages
	[ "$pages" -le "$high" ] || high=$pages
done
for kind in processes files sockets modules; do
	did=$(wc -l <"/tmp/churn.did.$kind")
	ktap_check "churn: $kind came and went ${did:-0} times" [ "${did:-0}" -ge "$bursts" ]
done
rm -f /tmp/churn.*
rmdir /tmp/churn_mount
ktap_check "churn: it was done more than twice: $bursts times" [ "$bursts" -gt 2 ]
ktap_check "churn: at most $high of $all pages are unaccounted, under 1 %" \
	[ $((${high:-$all} * 100)) -lt "$all" ]
ktap_check "churn: from $low to $high unaccounted pages, $pages in the end" \
	[ $((high - first)) -le $DRIFT -a $((first - low)) -le $DRIFT ]
ktap_end
