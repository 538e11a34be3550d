/* SPDX-License-Identifier: GPL-2.0-only */
/* memdiagctl in the process of a test, with files in place of the device. */
#ifndef _CTL_H
#define _CTL_H

#include <stddef.h>

/**
 * struct ctl_output - what a command did
 * @status: its exit status
 * @text: what it wrote to standard output and to standard error, NUL-terminated;
 *	valid until the next run
 * @size: bytes in @text
 * @out: how many of them went to standard output, which stands first
 */
struct ctl_output {
	int status;
	char *text;
	size_t size;
	size_t out;
};

/* Everything that is printed between the two is caught. */
void ctl_begin(void);
void ctl_end(struct ctl_output *output);
/* Runs memdiagctl with these arguments, separated by blanks. */
void ctl_run(const char *arguments, struct ctl_output *output);
/* A file in memory with these bytes, for --input: there are two, 0 and 1. */
const char *ctl_file(unsigned int n, const void *bytes, size_t size);
const char *ctl_file_name(unsigned int n);
/* The device hands out file 0, then file 1, and then fails. */
void ctl_reset_device(void);

/* Of the sanitizers' run-time library, where the program is built with one. */
void __sanitizer_set_report_fd(void *fd);
/* Of libFuzzer, in a program that is built with it. */
size_t LLVMFuzzerMutate(unsigned char *bytes, size_t size, size_t max);

#endif /* _CTL_H */
