/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Results in KTAP (Documentation/dev-tools/ktap.rst of the kernel).
 *
 * The plan comes last, so that a program that died in the middle has none, and
 * tests/ktap takes that for a failure.
 */
#ifndef _TESTS_KTAP_H
#define _TESTS_KTAP_H

#include <stdbool.h>

/** ktap_start() - print the version line; the first thing to do */
void ktap_start(void);

/**
 * ktap_ok() - print one result
 * @ok: whether it passed
 * @fmt: what was checked
 *
 * Return: @ok
 */
__attribute__((format(printf, 2, 3))) bool ktap_ok(bool ok, const char *fmt, ...);

/**
 * ktap_skip() - print a result for what could not be checked
 * @reason: why not
 * @fmt: what
 */
__attribute__((format(printf, 2, 3))) void ktap_skip(const char *reason, const char *fmt, ...);

/** ktap_note() - print a line of explanation */
__attribute__((format(printf, 1, 2))) void ktap_note(const char *fmt, ...);

/** ktap_bail() - nothing further can be checked: say why and exit */
__attribute__((format(printf, 1, 2), noreturn)) void ktap_bail(const char *fmt, ...);

/**
 * ktap_end() - print the plan
 *
 * Return: exit status: 0 if nothing failed
 */
int ktap_end(void);

#endif /* _TESTS_KTAP_H */
