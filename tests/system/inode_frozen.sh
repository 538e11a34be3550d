#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# inode_frozen.sh - section inode while a file system is frozen, and while that happens
#
# Whoever drops the last reference to a deleted file waits until its file system is
# thawed. memdiag must not be that one: it says that it does not look there.
#
# Runs in the guest; /lib/memdiag/offered has loop (qemu/run --offer).

# shellcheck source=tests/lib/ktap.sh
. ktap.sh

work=/tmp/inode_frozen
image=$work/image
mnt=$work/mnt
file=/memdiag_frozen

give_up() {
	ktap_skip "$1" "inode_frozen"
	ktap_end
	exit
}

# files: the section as text, in half a minute at most; 3 is the status of one that is partial
files() {
	timeout 30 memdiagctl show inode -o fs,path,pages 2>/dev/null
	status=$?
	[ $status = 0 ] || [ $status = 3 ]
}

# listed: whether the file is among them
listed() { grep -q "^ext.*$file" "$work/files"; }

# churn: files that are deleted while they are open, as long as nobody says stop
churn() {
	while [ ! -e "$work/stop" ]; do
		exec 5>"$mnt/deleted"
		echo something >&5
		rm "$mnt/deleted"
		exec 5>&-
	done
}

# freeze_often: 30 times; fails if one does not come to an end
freeze_often() {
	times=0
	while [ $times -lt 30 ]; do
		times=$((times + 1))
		timeout 20 fsfreeze --freeze "$mnt" && timeout 20 fsfreeze --unfreeze "$mnt" || return 1
	done
}

ktap_start
mkdir -p "$mnt"
for module in /lib/memdiag/offered/loop/*.ko; do
	[ ! -e "$module" ] || insmod "$module"
done
[ -e /sys/block/loop0 ] || give_up "no loop device"
loop=$work/loop0
# shellcheck disable=SC2046
mknod "$loop" b $(tr : ' ' </sys/block/loop0/dev)
dd if=/dev/zero of="$image" bs=65536 count=128 2>/dev/null
mke2fs -F "$image" >/dev/null 2>&1
losetup "$loop" "$image"
mount -t ext4 "$loop" "$mnt" 2>/dev/null || mount -t ext2 "$loop" "$mnt" 2>/dev/null ||
	give_up "no ext4"
dd if=/dev/zero of="$mnt$file" bs=65536 count=32 conv=fsync 2>/dev/null

files >"$work/files"
ktap_check "inode_frozen: the file is there" listed

fsfreeze --freeze "$mnt"
files >"$work/files"
ktap_check "inode_frozen: frozen: the section is taken" [ $? = 0 ]
ktap_check "inode_frozen: frozen: the file is left out" sh -c "! grep -q '$file' $work/files"
timeout 30 memdiagctl save --sections inode "$work/save" 2>/dev/null
memdiagctl status --input "$work/save" >"$work/status"
ktap_check "inode_frozen: frozen: the section says so" \
	grep -Eq '^inode +partial .*is frozen: its files are not looked at' "$work/status"
fsfreeze --unfreeze "$mnt"
files >"$work/files"
ktap_check "inode_frozen: thawed: the file is there again" listed

churn &
churning=$!
while [ ! -e "$work/stop" ]; do
	files >/dev/null || echo "not taken" >>"$work/failed"
	echo taken >>"$work/taken"
done &
taking=$!
ktap_check "inode_frozen: frozen and thawed 30 times while sections are taken" freeze_often
: >"$work/stop"
wait $churning $taking
ktap_check "inode_frozen: all of $(wc -l <"$work/taken") were taken" [ ! -e "$work/failed" ]

umount "$mnt"
losetup -d "$loop"
# Other tests load it themselves.
[ ! -e /lib/memdiag/offered/loop ] || rmmod loop
rm -rf "$work"
ktap_end
