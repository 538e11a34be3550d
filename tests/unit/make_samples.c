// SPDX-License-Identifier: GPL-2.0-only
/* Writes the samples as files, for the golden tests: make_samples DIRECTORY */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

static void write_file(const char *directory, const char *name, const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static unsigned char *write_sample(const char *directory, const char *name, struct build *b,
				   size_t *size)
{
	unsigned char *bytes = build_finish(b, size);

	build_checksum(bytes, *size);
	write_file(directory, name, bytes, *size);
	build_free(b);
	return bytes;
}

int main(int argc, char **argv)
{
	unsigned char *bytes;
	struct build b;
	size_t size;

	if (argc != 2)
		return 2;
	sample_machine(&b, 0);
	free(write_sample(argv[1], "before", &b, &size));
	sample_users(&b, 0);
	free(write_sample(argv[1], "users-before", &b, &size));
	sample_users(&b, 1);
	free(write_sample(argv[1], "users", &b, &size));
	for (int cycles = 0; cycles < 10; cycles++) {
		char name[] = "tracked-0";

		name[8] += cycles;
		sample_tracked(&b, cycles);
		free(write_sample(argv[1], name, &b, &size));
	}
	sample_untracked(&b);
	free(write_sample(argv[1], "untracked", &b, &size));
	sample_future(&b);
	free(write_sample(argv[1], "future", &b, &size));
	sample_poor(&b);
	free(write_sample(argv[1], "poor", &b, &size));
	sample_hostile(&b);
	free(write_sample(argv[1], "hostile", &b, &size));
	sample_machine(&b, 1);
	b.header.boot_id[0] = 99;
	b.header.start_ns = 5000000000;
	free(write_sample(argv[1], "rebooted", &b, &size));
	sample_machine(&b, 1);
	bytes = write_sample(argv[1], "after", &b, &size);
	write_file(argv[1], "truncated", bytes, size - 100);
	bytes[size / 2] ^= 1;
	write_file(argv[1], "corrupt", bytes, size);
	bytes[size / 2] ^= 1;
	((struct memdiag_header *)bytes)->format_major = 2;
	write_file(argv[1], "major", bytes, size);
	write_file(argv[1], "text", "hello\n", 6);
	free(bytes);
	for (int how = 0; how < 4; how++) {
		char name[] = "loaded-0";

		name[7] += how;
		sample_loaded(&b, how);
		free(write_sample(argv[1], name, &b, &size));
	}
	bytes = sample_module(sample_modinfo, 1, &size);
	write_file(argv[1], "memdiag.ko", bytes, size);
	write_file(argv[1], "cut.ko", bytes, size - 1);
	free(bytes);
	bytes = sample_module("name=memdiag\n", 0, &size);
	write_file(argv[1], "plain.ko", bytes, size);
	free(bytes);
	bytes = sample_module("name=other\nparm=a:first\nparmtype=b:charp\n", 1, &size);
	write_file(argv[1], "other.ko", bytes, size);
	free(bytes);
	write_file(argv[1], "xz.ko", "\xfd\x37zXZ\0 packed", 13);
	write_file(argv[1], "System.map", sample_map, strlen(sample_map));
	write_file(argv[1], "disabled", "1\n", 2);
	write_file(argv[1], "lockdown", "none [integrity] confidentiality\n", 33);
	write_file(argv[1], "cut.map", sample_map, strlen(sample_map) - 1);
	return 0;
}
