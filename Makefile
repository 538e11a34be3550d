# SPDX-License-Identifier: GPL-2.0-only
#
# memdiag - the human entry. kbuild's files are named Kbuild.
#
# Targets
#   all            memdiag.ko for KDIR and memdiagctl (default)
#   modules        memdiag.ko (and the test modules) only
#   userspace      memdiagctl only
#   install        both, with man page and completion, below DESTDIR
#   uninstall      remove what install put there
#   demo           boot a kernel, load memdiag beside a leaking driver, print
#                  the diagnosis
#   check          the tests: host, stock kernels, one of arm64, the embedded
#                  profile, the debug kernel; ends with
#                  "N passed, N failed, N skipped"
#   check T=TEST   that test of tests/system only, or a part of the oracle; with
#                  K=KERNEL on that kernel: make check T=oracle_slab K=7.3
#   check-all      the same on every kernel of qemu/kernels.list
#   bench          time of snapshot and census against reading the kernel's files
#   lint           W=1, sparse, checkpatch, kernel-doc, clang-format
#   setup          install what demo, check, bench and lint need
#   compile_commands.json
#                  how each file of the module is compiled, for editors
#   clean          remove what was built here
#   help           this text
#
# Variables
#   KDIR           kernel build directory (/lib/modules/$(uname -r)/build)
#   CC             compiler of memdiagctl
#   CROSS_COMPILE  prefix of the compiler
#   W, C           handed to kbuild: W=1 more warnings, C=2 sparse
#   MEMDIAG_TEST   1: memdiag.ko has the parameters that the tests need
#   PREFIX         where memdiagctl goes (/usr/local)
#   DESTDIR        put in front of every installed path
#   MEMDIAG_CACHE  where kernels, QEMU and guest builds are kept
#                  (${XDG_CACHE_HOME:-~/.cache}/memdiag)
#   MEMDIAG_MIRROR, MEMDIAG_SECURITY_MIRROR
#                  package archives, if apt's own configuration names none

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
O ?= $(CURDIR)/build

.DEFAULT_GOAL := all
.PHONY: all modules userspace install uninstall demo check check-all bench lint setup clean help

all: modules userspace

modules:
	@test -e $(KDIR)/Makefile || { \
		echo "memdiag: no kernel build directory $(KDIR):" \
		     "install the headers of your kernel, or say make KDIR=..." >&2; \
		exit 1; }
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules

userspace:
	+$(MAKE) -C userspace O=$(O)

# Where the module goes, below DESTDIR. Debian's headers say another release to
# "make kernelrelease" than the kernel has; this is the one modules are made for.
RELEASE = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h)
MODDIR = /lib/modules/$(RELEASE)/updates

install: all
	+$(MAKE) -C userspace O=$(O) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install
	install -D -m 644 module/memdiag.ko "$(DESTDIR)$(MODDIR)/memdiag.ko"
	$(CROSS_COMPILE)strip --strip-debug "$(DESTDIR)$(MODDIR)/memdiag.ko"
	@test -n "$(DESTDIR)" || depmod "$(RELEASE)"

uninstall:
	+$(MAKE) -C userspace O=$(O) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) uninstall
	rm -f "$(DESTDIR)$(MODDIR)/memdiag.ko"
	@test -n "$(DESTDIR)" || depmod "$(RELEASE)"

setup:
	@qemu/setup

demo: setup
	@qemu/demo

check: setup
	@tests/check $(if $(T),--test $(T) $(K))

check-all: setup
	@tests/check --all

bench: setup
	@tests/bench/run
	@tests/bench/run_track

lint: setup
	@tests/lint

# For editors and clangd; of the module, against KDIR. Packages of headers lack the script.
GEN_COMMANDS = $(firstword $(wildcard $(KDIR)/scripts/clang-tools/gen_compile_commands.py \
	$(KDIR)/source/scripts/clang-tools/gen_compile_commands.py))
compile_commands.json: modules
	@test -n "$(GEN_COMMANDS)" || { \
		echo "memdiag: $(KDIR) has no scripts/clang-tools:" \
		     "name a kernel that was built from its source with make KDIR=..." >&2; \
		exit 1; }
	python3 $(GEN_COMMANDS) -d $(KDIR) -o $@ $(CURDIR)

clean:
	@test ! -e $(KDIR)/Makefile || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	rm -rf $(O)

help:
	@sed -n '/^# Targets/,/^$$/s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))
