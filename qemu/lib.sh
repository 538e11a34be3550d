# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts in qemu/ share: messages, the cache, locks, the kernel list,
# fetching Debian packages, and finding a QEMU that can be trusted.
# Sourced, never run. Nothing is ever written outside the cache.
#
# Variables set here are for the sourcing script, which shellcheck cannot see:
# shellcheck disable=SC2034
#
# Environment:
#   MEMDIAG_CACHE            the cache (default ${XDG_CACHE_HOME:-~/.cache}/memdiag)
#   MEMDIAG_SRC              the source tree to build (default: this repository)
#   MEMDIAG_CC               compiler for kernels and modules (default gcc-12);
#                            for another architecture, its prefix is put before
#   MEMDIAG_KERNELS          the list of kernels (default kernels.list here)
#   MEMDIAG_MIRROR           Debian mirror; default: the one apt is configured with
#   MEMDIAG_SECURITY_MIRROR  the same for the -security suites

QEMU_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SRC=$(cd "${MEMDIAG_SRC:-$QEMU_DIR/..}" && pwd)
CACHE=${MEMDIAG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/memdiag}
KERNEL_CC=${MEMDIAG_CC:-gcc-12}
KERNELS_LIST=${MEMDIAG_KERNELS:-$QEMU_DIR/kernels.list}
HOST_DEBIAN=$(dpkg --print-architecture)
mkdir -p "$CACHE/lock"

# depmod and modprobe live here, which is not in every user's PATH.
PATH=$PATH:/usr/sbin:/sbin

note() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die [-STATUS] MESSAGE: every failure before the guest has a verdict is a
# setup failure, so 126 unless said otherwise.
die() {
	local status=126
	if [[ $1 == -[0-9]* ]]; then status=${1#-}; shift; fi
	note "$*"
	exit "$status"
}

# usage: print the comment which heads the calling script.
usage() { sed -n '3,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# lock NAME: hold an exclusive lock until this process ends. Called again with
# the same name in a child process it would wait for ever: lock late, and in
# the script which owns the resource only.
lock() {
	local fd
	exec {fd}>"$CACHE/lock/$1"
	if ! flock -w 5 "$fd"; then
		note "waiting for another process to finish with $1"
		flock "$fd"
	fi
}

# lock_shared NAME: keep writers of NAME out until this process ends.
lock_shared() {
	local fd
	exec {fd}>"$CACHE/lock/$1"
	flock -s "$fd"
}

# kernel_lookup NAME: find NAME's line in kernels.list; sets K_ARCH, K_KIND,
# K_SUITE, K_CONFIG and K_PACKAGES (arrays), K_MACHINE (array of OPTION=VALUE)
# and K_LINE, that of it which decides what the kernel is.
kernel_lookup() {
	local name set arch kind suite config machine packages more
	while read -r name set arch kind suite config machine packages more; do
		[[ $name == "$1" ]] || continue
		[[ $packages && ! $more ]] || die "${KERNELS_LIST##*/}: kernel $name: not eight columns"
		K_LINE="$name $arch $kind $suite $packages $config"
		K_ARCH=$arch K_KIND=$kind K_SUITE=$suite K_CONFIG=() K_MACHINE=()
		IFS=, read -r -a K_PACKAGES <<<"$packages"
		if [[ $config != - ]]; then
			IFS=, read -r -a K_CONFIG <<<"$config"
			K_CONFIG=("${K_CONFIG[@]/#/$QEMU_DIR/config/}")
		fi
		[[ $machine == - ]] || IFS=';' read -r -a K_MACHINE <<<"$machine"
		return 0
	done < <(grep -v '^[[:space:]]*\(#\|$\)' "$KERNELS_LIST")
	die "unknown kernel '$1'; known: $(kernel_names '' | paste -sd' ')"
}

# kernel_names [SET]: of all kernels, or those of a set.
kernel_names() {
	awk -v set="${1:-}" '!/^[[:space:]]*(#|$)/ && (set == "" || $2 == set) { print $1 }' "$KERNELS_LIST"
}

# arch_names ARCH: sets what others call the kernel's ARCH: A_DEBIAN, A_GNU
# (libraries and compilers), A_QEMU; A_CROSS, what the names of the compiler and
# its tools begin with when it is not this machine's (else empty), and
# A_PROGRAMS, what qemu/build makes the guest's programs for it by.
arch_names() {
	case $1 in
	x86_64) A_DEBIAN=amd64 A_GNU=x86_64-linux-gnu A_QEMU=x86_64 ;;
	arm64) A_DEBIAN=arm64 A_GNU=aarch64-linux-gnu A_QEMU=aarch64 ;;
	*) die "unknown architecture '$1'" ;;
	esac
	A_CROSS='' A_PROGRAMS=host
	if [[ $A_DEBIAN != "$HOST_DEBIAN" ]]; then A_CROSS=$A_GNU- A_PROGRAMS=host-$1; fi
}

# build_dir NAME: where things built from $SRC for kernel NAME (or "host...") are.
# Keyed by the source tree, so that two checkouts do not fight.
build_dir() {
	local key
	key=$(printf '%s' "$SRC" | sha256sum)
	echo "$CACHE/build/${SRC##*/}-${key:0:8}/$1"
}

# --- Debian packages --------------------------------------------------------

# mirror SUITE: the URI which serves SUITE, from the environment or from this
# machine's own apt configuration. Before the first "apt-get update" apt knows
# only what sources.list says: names of suites, but no labels.
mirror() {
	local label=Debian pattern='^[a-z]+$' variable=MEMDIAG_MIRROR uri
	if [[ $1 == *-security ]]; then
		label=Debian-Security pattern='^[a-z]+-security$' variable=MEMDIAG_SECURITY_MIRROR
	fi
	uri=${!variable:-}
	# shellcheck disable=SC2016  # apt's variables, not the shell's
	[[ $uri ]] || uri=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' |
		awk -v label="$label" '$1 == label && !n++ { print $2 }')
	# shellcheck disable=SC2016
	[[ $uri ]] || uri=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
		awk -v pattern="$pattern" '$1 ~ pattern && $2 == "main" && !n++ { print $3 }')
	[[ $uri ]] || die "apt's sources name no $label archive: set $variable"
	echo "${uri%/}"
}

# apt_root SUITE ARCH: make (once) a private apt for one suite; prints its
# configuration file. It adds to the machine's configuration, so proxies and
# credentials still apply, and apt checks the signatures as always.
apt_root() {
	local suite=$1 arch=$2 root=$CACHE/apt/$1-$2 uri
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[[ -r $keyring ]] || die "$keyring is missing: install debian-archive-keyring"
	uri=$(mirror "$suite")
	mkdir -p "$root"/{lists,archives}/partial
	: >"$root/status"
	echo "deb [signed-by=$keyring] $uri $suite main" >"$root/sources.list"
	cat >"$root/apt.conf" <<-END
		#clear APT::Architectures;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		APT::Update::Error-Mode "any";
		Acquire::Languages "none";
		Acquire::Retries "2";
		Dir::Etc::SourceList "$root/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$root/lists";
		Dir::State::status "$root/status";
		Dir::Cache "$root";
		Dir::Cache::Archives "$root/archives";
	END
	echo "$root/apt.conf"
}

# fetch SUITE ARCH DIR FILTER PACKAGE...: download PACKAGEs, and those of their
# dependencies whose name matches the regular expression FILTER, into DIR. A
# PACKAGE with a * is the newest version of all it matches. The index is
# refreshed only when there is none, or it no longer fits; a mirror which fails
# is asked again after a while.
# A subshell, so that the lock ends with the function.
fetch() (
	local suite=$1 arch=$2 dir=$3 filter=$4 conf pause package match wanted names
	shift 4
	lock "apt-$suite-$arch"
	conf=$(apt_root "$suite" "$arch")
	for pause in cached 0 5 30; do
		if [[ $pause == cached ]]; then
			[[ ! ${FETCH_FRESH:-} && $(find "${conf%/*}/lists" -name '*Packages*' -print -quit) ]] || continue
		else
			sleep "$pause"
			note "reading the package index of $suite ($arch)"
			apt-get -c "$conf" -qq update >&2 || continue
		fi
		wanted=()
		for package in "$@"; do
			match=${package//./[.]} match=${match//+/[+]}
			match=$(apt-cache -c "$conf" pkgnames | grep -x -e "${match//\*/.*}" | sort -V | tail -n 1) || :
			if [[ $match ]]; then wanted+=("$match"); continue; fi
			[[ $pause != cached ]] || continue 2
			note "$suite ($arch) has no package $package any more"
			exit 1
		done
		mapfile -t names < <(
			{
				printf '%s\n' "${wanted[@]}"
				apt-cache -c "$conf" depends --recurse --no-recommends --no-suggests --no-conflicts \
					--no-breaks --no-replaces --no-enhances --no-pre-depends "${wanted[@]}" |
					awk '/^[^ <|]/ { print $1 }' | grep -E -e "$filter"
			} | sort -u)
		if (cd "$dir" && apt-get -c "$conf" -qq download "${names[@]}" >&2); then exit 0; fi
	done
	note "the mirror of $suite ($arch) gives no ${*}"
	exit 1
)

# unpack_into DIR SUITE ARCH FILTER PACKAGE...: what fetch gets, unpacked in DIR
# as if installed; DIR appears only when it is complete, and once.
unpack_into() (
	local dir=$1 tmp deb link
	shift
	[[ ! -d $dir ]] || exit 0
	lock "${dir//\//_}"
	[[ ! -d $dir ]] || exit 0
	note "fetching $dir (once)"
	mkdir -p "${dir%/*}"
	tmp=$(mktemp -d "${dir%/*}/.tmp.XXXXXX")
	# shellcheck disable=SC2064  # the value of now
	trap "rm -rf '$tmp'" EXIT
	mkdir -p "$tmp/debs" "$tmp/root/usr"/{bin,lib,sbin}
	ln -s usr/bin usr/lib usr/sbin "$tmp/root/"
	fetch "$1" "$2" "$tmp/debs" "${@:3}" || exit 1
	for deb in "$tmp"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$tmp/root" || exit 1
	done
	# Links which are absolute would lead out of it.
	while IFS= read -r -d '' link; do
		ln -sfn "$dir$(readlink "$link")" "$link"
	done < <(find "$tmp/root" -type l -lname '/*' -print0)
	mv "$tmp/root" "$dir"
)

host_suite() { (. /etc/os-release && echo "$VERSION_CODENAME"); }

# sysroot ARCH: print the directory with what programs for another architecture
# are built with and run with, besides the C library, which comes with the cross
# compiler: libraries, their headers, and busybox.
sysroot() {
	local suite dir
	arch_names "$1"
	suite=$(host_suite)
	# The number is that of the list below: another list is another directory.
	dir=$CACHE/sysroot/$suite-$1-2
	unpack_into "$dir" "$suite" "$A_DEBIAN" '^(libsmartcols1|libjson-c[0-9]+|zlib1g|lib(ncursesw|tinfo)6)$' \
		libsmartcols-dev libjson-c-dev zlib1g-dev libncurses-dev busybox-static || die "could not fetch libraries for $1"
	echo "$dir"
}

# --- QEMU -------------------------------------------------------------------

# find_qemu ARCH: sets QEMU (array: program and fixed arguments) and QEMU_CPU.
#
# QEMU before 10 emulates cmpxchg16b wrongly now and then, and kernels from
# 6.12 on allocate with it: the guest's memory is corrupted, which looks like
# a rare bug of the module under test. So: the system's QEMU when it is new
# enough, else the one of the host release's backports, unpacked in the cache,
# else the old one with that instruction taken away.
find_qemu() {
	local program dir version
	arch_names "$1"
	program=qemu-system-$A_QEMU dir=$CACHE/qemu/$A_QEMU
	case $1 in
	# With these two, kernel and C library clear and copy byte by byte (rep stosb,
	# rep movsb): fast on a processor, but emulated eight times slower than by words;
	# a third of all time went there.
	x86_64) QEMU_CPU=max,-erms,-fsrm ;;
	# max is armv9 with everything, most of which costs time; this is a router's
	arm64) QEMU_CPU=cortex-a53 ;;
	esac
	if [[ ! -x $dir/usr/bin/$program ]]; then
		QEMU=("$program")
		version=$("$program" --version 2>/dev/null | sed -n '1s/.*version \([0-9]*\).*/\1/p') || version=
		[[ ${version:-0} -lt 10 ]] || return 0
		if ! (fetch_qemu "$A_QEMU"); then
			[[ $version ]] || die "no $program: run qemu/setup"
			[[ $1 == x86_64 ]] || return 0
			note "using $program $version without cmpxchg16b, as QEMU 10 could not be fetched"
			QEMU_CPU+=,-cx16
			return 0
		fi
	fi
	QEMU=("$dir/usr/bin/$program" -L "$dir/usr/share/qemu" -L /usr/share/seabios)
}

# fetch_qemu ARCH: QEMU from the host release's backports into the cache.
fetch_qemu() {
	local dir=$CACHE/qemu/$1 package tmp deb
	case $1 in
	x86_64) package=qemu-system-x86 ;;
	aarch64) package=qemu-system-arm ;;
	*) return 1 ;;
	esac
	lock "qemu-$1"
	[[ ! -d $dir ]] || return 0
	note "fetching QEMU for $1 into the cache (once)"
	mkdir -p "$CACHE/qemu"
	tmp=$(mktemp -d "$CACHE/qemu/.tmp.XXXXXX")
	if fetch "$(host_suite)-backports" "$HOST_DEBIAN" "$tmp" '^qemu-system-(common|data)$' "$package"; then
		for deb in "$tmp"/*.deb; do dpkg -x "$deb" "$tmp/root" || break; done
		if "$tmp/root/usr/bin/qemu-system-$1" --version >/dev/null; then
			mv "$tmp/root" "$dir"
		fi
	fi
	rm -rf "$tmp"
	[[ -d $dir ]]
}
