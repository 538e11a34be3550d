/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading and unloading modules, and commands to the fixture. */
#ifndef _TESTS_MOD_H
#define _TESTS_MOD_H

#define FIXTURE		"memdiag_fixture"
#define FIXTURE_KO	"/lib/memdiag/memdiag_fixture.ko"
#define FIXTURE_COMMAND	"/proc/memdiag_fixture/command"
#define MEMDIAG_KO	"/lib/memdiag/memdiag.ko"

/* 0 or -errno */
int mod_load(const char *path, const char *parameters);
int mod_unload(const char *name);

/* 0 or -errno */
int fixture_try(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a command that must work: bails out. */
void fixture(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* _TESTS_MOD_H */
