#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# users - processes, files, mounts, sockets, namespaces and modules come and go
# while snapshots of those who use memory are taken; afterwards none of what was
# made may still be reported, and nothing may have been kept from going.
#
# USERS_SECONDS: for how long (default 20)

# shellcheck source=tests/lib/ktap.sh
. ktap.sh
SECTIONS=task,shmem,shmem_file,net,net_task,net_counter,module,inode,cache_memcg
end=$(($(date +%s) + ${USERS_SECONDS:-20}))
going() { [ "$(date +%s)" -lt $end ]; }

processes() {
	while going; do
		for i in 1 2 3 4 5 6 7 8; do
			sh -c 'exec 3>/dev/shm/users.$$; rm /dev/shm/users.$$; echo x >&3; sleep 0.05' &
		done
		wait
	done
}

mounts() {
	mkdir -p /tmp/users_mount
	while going; do
		mount -t tmpfs none /tmp/users_mount
		i=0
		while [ $i -lt 300 ]; do : >/tmp/users_mount/$i; i=$((i + 1)); done
		umount /tmp/users_mount
	done
	rmdir /tmp/users_mount
}

namespaces() {
	while going; do
		unshare -n sh -c 'nc -l -p 1 </dev/null >/dev/null 2>&1 & sleep 0.1; kill $!' \
			2>/dev/null || sleep 0.2
	done
}

modules() {
	while going; do
		insmod /lib/memdiag/memdiag_fixture.ko "command=hold,vmalloc,size=65536,count=50"
		rmmod memdiag_fixture
	done
}

# How many of those made here have a record. Other tests may have left some.
reported() {
	{
		memdiagctl tasks --no-headings -o comm | grep -E '^(nc|unshare)$'
		memdiagctl tmpfs --no-headings -o mount | grep users_mount
		memdiagctl tmpfs --by file --no-headings -o path | grep users
		memdiagctl modules --no-headings -o name | grep memdiag_fixture
	} | wc -l
}

ktap_start
rmmod memdiag_fixture 2>/dev/null
before=$(reported)
for kind in processes mounts namespaces modules; do
	$kind >/tmp/users.$kind 2>&1 &
done
taken=0 failed=0
while going; do
	memdiagctl save --sections "$SECTIONS" /tmp/users.snapshot >/tmp/users.save 2>&1
	case $? in
	# Sections may be partial.
	0 | 3) taken=$((taken + 1)) ;;
	*) failed=$((failed + 1)); ktap_note "$(cat /tmp/users.save)" ;;
	esac
done
wait
if [ $failed = 0 ] && [ $taken -ge 2 ]; then
	ktap_pass "users: $taken snapshots while all came and went"
else
	ktap_fail "users: $taken snapshots while all came and went, $failed failed"
fi

left=$(reported)
ktap_check "users: nothing is reported that is gone ($left, $before before)" [ "$left" = "$before" ]
ktap_check "users: and memdiag can be unloaded" rmmod memdiag
rm -f /tmp/users.*
ktap_end
