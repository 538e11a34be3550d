// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's file: what it says about itself in .modinfo, the names of its
 * functions, loading, unloading.
 *
 * The file is untrusted until the kernel has taken it: every offset and size is
 * checked before it is used. Nothing but .modinfo has to be there.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "module_elf.h"

/* Far above any module, also with debug information. */
#define MAX_MODULE_SIZE (64u << 20)

struct memdiag_module {
	int fd;
	bool packed;
	unsigned char *bytes;
	size_t size;
	const char *info;
	size_t info_size;
};

/* Finds .modinfo: strings, each with its NUL. */
static int elf_modinfo(const struct elf_file *elf, const char **info, size_t *info_size,
		       struct memdiag_error *error)
{
	static const char wanted[] = ".modinfo";
	struct elf_section names = memdiag_elf_section(elf, elf->names), s;

	if (names.type == SHT_NOBITS || !memdiag_inside(names.offset, names.size, elf->size))
		return memdiag_refuse(error, -ENOEXEC, "it is cut short or damaged");
	for (uint32_t n = 0; n < elf->nr; n++) {
		s = memdiag_elf_section(elf, n);
		if (!memdiag_inside(s.name, sizeof(wanted), names.size) ||
		    memcmp(elf->bytes + names.offset + s.name, wanted, sizeof(wanted)))
			continue;
		if (s.type != SHT_PROGBITS || !memdiag_inside(s.offset, s.size, elf->size) ||
		    !s.size || elf->bytes[s.offset + s.size - 1])
			return memdiag_refuse(error, -ENOEXEC, "its .modinfo is damaged");
		*info = (const char *)elf->bytes + s.offset;
		*info_size = s.size;
		return 0;
	}
	return memdiag_refuse(error, -ENOEXEC, "it is no kernel module (no .modinfo)");
}

static int module_check(struct memdiag_module *module, struct memdiag_error *error)
{
	struct elf_file elf;
	int ret;

	ret = memdiag_elf_open(module->bytes, module->size, &elf, error);
	if (ret)
		return ret;
	return elf_modinfo(&elf, &module->info, &module->info_size, error);
}

/**
 * memdiag_module_parse() - look at the bytes of a module's file
 * @bytes: the file, unpacked; copied
 * @size: bytes
 * @error: filled in on failure, may be NULL
 * @module: the result, to be freed with memdiag_module_free(); cannot be loaded
 *
 * Return: 0, -ENOEXEC if it is no module for this machine, -ENOMEM.
 */
int memdiag_module_parse(const void *bytes, size_t size, struct memdiag_error *error,
			 struct memdiag_module **module)
{
	struct memdiag_module *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return memdiag_refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	m->fd = -1;
	/* One more, as nothing is a size of its own to malloc(). */
	m->bytes = malloc(size + 1);
	if (!m->bytes) {
		free(m);
		return memdiag_refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	memcpy(m->bytes, bytes, size);
	m->size = size;
	ret = module_check(m, error);
	if (ret) {
		memdiag_module_free(m);
		return ret;
	}
	*module = m;
	return 0;
}

/* What packs modules, but for gzip, and the program that unpacks it. */
static const struct packer {
	const char *magic;
	size_t length;
	const char *name;
} packers[] = {
	{ "\xfd\x37zXZ", 6, "xz" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd" },
	{ "BZh", 3, "bzip2" },
};

/* What packed these bytes, NULL if nothing did. */
static const struct packer *packer_of(const unsigned char *bytes, size_t size)
{
	for (size_t n = 0; n < sizeof(packers) / sizeof(packers[0]); n++)
		if (size >= packers[n].length &&
		    !memcmp(bytes, packers[n].magic, packers[n].length))
			return &packers[n];
	return NULL;
}

/*
 * Reads all there is, unpacked if gzip packed it; zlib hands out others as they are.
 * Closes @fd.
 */
static int module_read(struct memdiag_module *m, int fd, struct memdiag_error *error)
{
	size_t room = 1 << 18;
	gzFile file = fd < 0 ? NULL : gzdopen(fd, "r");
	int got;
	int ret = 0;

	free(m->bytes);
	m->size = 0;
	m->bytes = malloc(room);
	if (!file || !m->bytes) {
		if (!file && fd >= 0)
			close(fd);
		if (file)
			gzclose(file);
		return memdiag_refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	while ((got = gzread(file, m->bytes + m->size, room - m->size)) > 0) {
		m->size += got;
		if (m->size == MAX_MODULE_SIZE) {
			ret = memdiag_refuse(error, -EFBIG, "it is too large for a module");
			break;
		}
		if (m->size == room) {
			unsigned char *more = realloc(m->bytes, room * 2);

			if (!more) {
				ret = memdiag_refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
				break;
			}
			m->bytes = more;
			room *= 2;
		}
	}
	m->packed = !gzdirect(file);
	/* Also a packed file that is cut short ends here. */
	if (gzclose(file) != Z_OK || got < 0)
		ret = ret ? ret : memdiag_refuse(error, -EIO, "it cannot be read or unpacked");
	return ret;
}

/* Starts the packer's program on the module's file. Return: 0 or -errno. */
static int start_unpacking(const struct memdiag_module *m, const struct packer *packer, int out,
			   pid_t *pid)
{
	char *const words[] = { (char *)packer->name, "-dc", NULL };
	posix_spawn_file_actions_t actions;
	int ret;

	if (lseek(m->fd, 0, SEEK_SET) < 0)
		return -errno;
	ret = posix_spawn_file_actions_init(&actions);
	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_adddup2(&actions, m->fd, STDIN_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	/* What it complains of is that the file is damaged, which its status says, too. */
	if (!ret)
		ret = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
						       O_WRONLY, 0);
	if (!ret)
		ret = posix_spawnp(pid, packer->name, &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* Takes the file's bytes again, through the program that unpacks it. */
static int module_unpack(struct memdiag_module *m, const struct packer *packer,
			 struct memdiag_error *error)
{
	int ends[2], status = 0, ret;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC))
		return memdiag_refuse(error, -errno, "%s", strerror(errno));
	ret = start_unpacking(m, packer, ends[1], &pid);
	close(ends[1]);
	if (ret) {
		close(ends[0]);
		return memdiag_refuse(
			error, -EOPNOTSUPP,
			"it is packed with %s, which cannot be run here (%s): unpack it first",
			packer->name, strerror(-ret));
	}
	ret = module_read(m, ends[0], error);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ret && status)
		ret = memdiag_refuse(error, -EIO, "%s cannot unpack it: it is damaged",
				     packer->name);
	/* The kernel gets the bytes. */
	m->packed = true;
	return ret;
}

/**
 * memdiag_module_open() - open a module's file
 * @path: a .ko, also packed by gzip, or by xz, zstd or bzip2 where the program of
 *	that name is there to unpack it
 * @error: filled in on failure, may be NULL
 * @module: the result, to be freed with memdiag_module_free()
 *
 * Return: 0, what open() or read() says, -EOPNOTSUPP if there is no program to
 * unpack it, -EIO if it is damaged, -EFBIG, or as memdiag_module_parse().
 */
int memdiag_module_open(const char *path, struct memdiag_error *error,
			struct memdiag_module **module)
{
	struct memdiag_module *m = calloc(1, sizeof(*m));
	const struct packer *packer;
	struct stat st;
	int ret;

	if (!m)
		return memdiag_refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	/* Not to wait for somebody who writes, should it be a pipe. */
	m->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0 || fstat(m->fd, &st)) {
		ret = memdiag_refuse(error, -errno, "%s", strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = memdiag_refuse(error, -EINVAL, "it is no regular file");
		goto fail;
	}
	ret = module_read(m, dup(m->fd), error);
	packer = ret ? NULL : packer_of(m->bytes, m->size);
	if (packer)
		ret = module_unpack(m, packer, error);
	if (!ret)
		ret = module_check(m, error);
	if (ret)
		goto fail;
	*module = m;
	return 0;

fail:
	memdiag_module_free(m);
	return ret;
}

/**
 * memdiag_module_free() - forget a module's file
 * @module: the module or NULL; what was loaded stays loaded
 */
void memdiag_module_free(struct memdiag_module *module)
{
	if (!module)
		return;
	if (module->fd >= 0)
		close(module->fd);
	free(module->bytes);
	free(module);
}

/**
 * memdiag_module_info() - what the module says about itself
 * @module: the module
 * @tag: such as "vermagic"
 * @n: the n-th one of that tag, from 0
 *
 * Return: the value, owned by @module, or NULL if there are not so many.
 */
const char *memdiag_module_info(const struct memdiag_module *module, const char *tag,
				unsigned int n)
{
	const char *at = module->info, *end = at + module->info_size;
	size_t length = strlen(tag);

	/* The section ends with a NUL, so each string in it does. */
	for (; at < end; at += strlen(at) + 1)
		if (!strncmp(at, tag, length) && at[length] == '=' && !n--)
			return at + length + 1;
	return NULL;
}

/* Names of modules and parameters: the kernel takes a hyphen for an underscore. */
static bool same_name(const char *a, const char *b, size_t length)
{
	for (size_t n = 0; n < length; n++)
		if (a[n] != b[n] && !((a[n] == '-' || a[n] == '_') && (b[n] == '-' || b[n] == '_')))
			return false;
	return true;
}

/**
 * memdiag_module_name() - the name that the kernel gives a module
 * @name: what somebody calls it; changed: usb-storage becomes usb_storage
 */
void memdiag_module_name(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

static bool info_has_parameter(const struct memdiag_module *module, const char *tag,
			       const char *name, size_t length)
{
	const char *value;

	for (unsigned int n = 0; (value = memdiag_module_info(module, tag, n)); n++)
		if (strlen(value) > length && same_name(value, name, length) &&
		    value[length] == ':')
			return true;
	return false;
}

/* The file was checked when it was opened. */
static struct elf_file module_elf(const struct memdiag_module *module)
{
	struct elf_file elf = {};

	memdiag_elf_open(module->bytes, module->size, &elf, NULL);
	return elf;
}

/**
 * memdiag_module_has_parameter() - does the module take this parameter?
 * @module: the module
 * @name: of the parameter, need not end with a NUL
 * @length: of @name
 *
 * The kernel loads a module with a parameter it does not know, and only logs that.
 * .modinfo does not have to list a parameter with a callback, and may be stripped. But
 * its name is a string among the module's data, as the kernel compares it.
 *
 * Return: false if it surely has none of this name.
 */
bool memdiag_module_has_parameter(const struct memdiag_module *module, const char *name,
				  size_t length)
{
	static const char *const every_module[] = { "async_probe", "dyndbg" };
	struct elf_file elf = module_elf(module);

	for (size_t n = 0; n < sizeof(every_module) / sizeof(every_module[0]); n++)
		if (strlen(every_module[n]) == length && same_name(every_module[n], name, length))
			return true;
	if (info_has_parameter(module, "parm", name, length) ||
	    info_has_parameter(module, "parmtype", name, length))
		return true;
	for (uint32_t n = 0; length && n < elf.nr; n++) {
		struct elf_section s = memdiag_elf_section(&elf, n);
		const char *bytes = (const char *)elf.bytes + s.offset;

		if (s.type != SHT_PROGBITS || !(s.flags & SHF_ALLOC) || s.flags & SHF_EXECINSTR ||
		    !memdiag_inside(s.offset, s.size, elf.size) || bytes == module->info)
			continue;
		for (uint64_t at = 0; memdiag_inside(at, length + 1, s.size); at++)
			if (!bytes[at + length] && (!at || !bytes[at - 1]) &&
			    same_name(bytes + at, name, length))
				return true;
	}
	return false;
}

/**
 * memdiag_module_code() - the sections of code
 * @module: the module
 * @from: look from this section on
 * @name: set to its name, owned by @module
 * @size: set to its bytes
 *
 * Return: the number of the first one from @from on, or -ENOENT.
 */
int memdiag_module_code(const struct memdiag_module *module, unsigned int from, const char **name,
			uint64_t *size)
{
	const uint64_t code = SHF_ALLOC | SHF_EXECINSTR;
	struct elf_file elf = module_elf(module);

	for (uint32_t n = from; n < elf.nr; n++) {
		struct elf_section s = memdiag_elf_section(&elf, n);

		if ((s.flags & code) != code || !s.size)
			continue;
		*name = memdiag_elf_string(&elf, elf.names, s.name);
		*size = s.size;
		return n;
	}
	return -ENOENT;
}

/**
 * memdiag_module_function() - which function is it?
 * @module: the module
 * @section: number of a section of code
 * @at: where in it
 * @in: set to where in the function that is
 * @size: set to the function's bytes
 *
 * Return: its name, owned by @module, or NULL if the file does not say.
 */
const char *memdiag_module_function(const struct memdiag_module *module, unsigned int section,
				    uint64_t at, uint64_t *in, uint64_t *size)
{
	struct elf_file elf = module_elf(module);
	const char *name = NULL;

	for (uint32_t n = 0; n < elf.nr; n++) {
		struct elf_section s = memdiag_elf_section(&elf, n);

		if (s.type != SHT_SYMTAB || !memdiag_inside(s.offset, s.size, elf.size))
			continue;
		for (uint64_t i = 0; i < memdiag_elf_symbols(&elf, &s); i++) {
			struct elf_symbol symbol = memdiag_elf_symbol(&elf, &s, i);

			if (symbol.type != STT_FUNC || symbol.section != section ||
			    at < symbol.value || at - symbol.value >= symbol.size)
				continue;
			name = memdiag_elf_string(&elf, s.link, symbol.name);
			*in = at - symbol.value;
			*size = symbol.size;
		}
	}
	return name && *name ? name : NULL;
}

/**
 * memdiag_module_load() - have the kernel load the module
 * @module: from memdiag_module_open()
 * @parameters: "name=value name=value"
 *
 * Return: 0 or what finit_module(2) says.
 */
int memdiag_module_load(const struct memdiag_module *module, const char *parameters)
{
	/* By its file, which the kernel can check better than our copy. */
	if (!module->packed && !syscall(SYS_finit_module, module->fd, parameters, 0))
		return 0;
	if (!module->packed && errno != ENOSYS)
		return -errno;
	return syscall(SYS_init_module, module->bytes, module->size, parameters) ? -errno : 0;
}

/**
 * memdiag_module_remove() - have the kernel unload a module
 * @name: its name
 *
 * Return: 0 or what delete_module(2) says: -ENOENT if it is not loaded, -EAGAIN
 * or -EBUSY if it is in use.
 */
int memdiag_module_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/**
 * memdiag_module_unload() - have the kernel unload memdiag
 *
 * Return: as memdiag_module_remove().
 */
int memdiag_module_unload(void)
{
	return memdiag_module_remove("memdiag");
}
