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
#   MEMDIAG_CC               compiler for kernels and modules (default gcc-12)
#   MEMDIAG_MIRROR           Debian mirror; default: the one apt is configured with
#   MEMDIAG_SECURITY_MIRROR  the same for the -security suites

QEMU_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SRC=$(cd "${MEMDIAG_SRC:-$QEMU_DIR/..}" && pwd)
CACHE=${MEMDIAG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/memdiag}
KERNEL_CC=${MEMDIAG_CC:-gcc-12}
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

# kernel_lookup NAME: find NAME's line in kernels.list; sets K_LINE, K_ARCH,
# K_KIND, K_SUITE, K_PACKAGES (array) and K_CONFIG (file name or empty).
kernel_lookup() {
	local name arch kind suite packages config
	while read -r name arch kind suite packages config; do
		[[ $name == "$1" ]] || continue
		K_LINE="$name $arch $kind $suite $packages $config"
		K_ARCH=$arch K_KIND=$kind K_SUITE=$suite K_CONFIG=
		IFS=, read -r -a K_PACKAGES <<<"$packages"
		[[ $config == - ]] || K_CONFIG=$QEMU_DIR/config/$config
		return 0
	done < <(grep -v '^[[:space:]]*\(#\|$\)' "$QEMU_DIR/kernels.list")
	die "unknown kernel '$1'; known: $(kernel_names | paste -sd' ')"
}

kernel_names() { awk '!/^[[:space:]]*(#|$)/ { print $1 }' "$QEMU_DIR/kernels.list"; }

# debian_arch ARCH: the kernel's name of an architecture to Debian's.
debian_arch() {
	case $1 in
	x86_64) echo amd64 ;;
	arm64) echo arm64 ;;
	*) die "unknown architecture '$1'" ;;
	esac
}

# build_dir NAME: where things built from $SRC for kernel NAME (or "host") are.
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
# dependencies whose name matches the regular expression FILTER, into DIR.
# The index is refreshed only when there is none, or it no longer fits.
# A subshell, so that the lock ends with the function.
fetch() (
	local suite=$1 arch=$2 dir=$3 filter=$4 conf attempt list
	shift 4
	lock "apt-$suite-$arch"
	conf=$(apt_root "$suite" "$arch")
	for attempt in cached fresh; do
		if [[ $attempt == fresh || -z $(find "${conf%/*}/lists" -name '*Packages*' -print -quit) ||
			${FETCH_FRESH:-} ]]; then
			note "reading the package index of $suite"
			apt-get -c "$conf" -qq update >&2 || exit 1
			attempt=fresh
		fi
		list=$(apt-cache -c "$conf" depends --recurse --no-recommends --no-suggests \
			--no-conflicts --no-breaks --no-replaces --no-enhances --no-pre-depends "$@" 2>/dev/null |
			awk '/^[^ <|]/ { print $1 }' | grep -E -e "$filter" -e "^($(IFS='|'; echo "$*"))\$" |
			sort -u) || list=
		# shellcheck disable=SC2086  # a list of names
		if [[ $list ]] && (cd "$dir" && apt-get -c "$conf" -qq download $list >&2); then
			exit 0
		fi
		[[ $attempt == cached ]] || exit 1
	done
)

# --- QEMU -------------------------------------------------------------------

# find_qemu ARCH: sets QEMU (array: program and fixed arguments) and QEMU_CPU.
#
# QEMU before 10 emulates cmpxchg16b wrongly now and then, and kernels from
# 6.12 on allocate with it: the guest's memory is corrupted, which looks like
# a rare bug of the module under test. So: the system's QEMU when it is new
# enough, else the one of the host release's backports, unpacked in the cache,
# else the old one with that instruction taken away.
find_qemu() {
	local program=qemu-system-$1 dir=$CACHE/qemu/$1 version
	QEMU_CPU=max
	if [[ -x $dir/usr/bin/$program ]]; then
		QEMU=("$dir/usr/bin/$program" -L "$dir/usr/share/qemu" -L /usr/share/seabios)
		return
	fi
	QEMU=("$program")
	version=$("$program" --version 2>/dev/null | sed -n '1s/.*version \([0-9]*\).*/\1/p') || version=
	[[ ${version:-0} -lt 10 ]] || return 0
	if (fetch_qemu "$1"); then
		QEMU=("$dir/usr/bin/$program" -L "$dir/usr/share/qemu" -L /usr/share/seabios)
		return
	fi
	[[ $version ]] || die "no $program: run qemu/setup"
	note "using $program $version without cmpxchg16b, as QEMU 10 could not be fetched"
	QEMU_CPU=max,-cx16
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
	note "fetching QEMU into the cache (once)"
	mkdir -p "$CACHE/qemu"
	tmp=$(mktemp -d "$CACHE/qemu/.tmp.XXXXXX")
	if fetch "$(. /etc/os-release && echo "$VERSION_CODENAME")-backports" "$(dpkg --print-architecture)" \
		"$tmp" '^qemu-system-(common|data)$' "$package"; then
		for deb in "$tmp"/*.deb; do dpkg -x "$deb" "$tmp/root" || break; done
		if "$tmp/root/usr/bin/qemu-system-$1" --version >/dev/null; then
			mv "$tmp/root" "$dir"
		fi
	fi
	rm -rf "$tmp"
	[[ -d $dir ]]
}
