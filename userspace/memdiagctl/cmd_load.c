// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl load, unload: the module, with the addresses of symbols that it
 * cannot look up itself on every kernel.
 *
 * Which symbols those are is asked of the module's file, not known here. Whether
 * the addresses are right is for the module to say: it knows some of them.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* Nodes are made by a daemon on some systems. */
#define WAIT_MS 5000
#define WAIT_STEP_MS 20

/* First line of a small file, without its newline; "" if it cannot be read. */
static void read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, size, file))
		*line = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

static bool is_loaded(void)
{
	return !access("/sys/module/memdiag/initstate", F_OK);
}

/* --- finding the file ------------------------------------------------------ */

static char found_path[PATH_MAX];

static bool is_module_name(const char *path, size_t length)
{
	static const char *const names[] = { "memdiag.ko", "memdiag.ko.gz", "memdiag.ko.xz",
					     "memdiag.ko.zst" };
	const char *slash = memrchr(path, '/', length);
	const char *name = slash ? slash + 1 : path;

	length -= name - path;
	for (unsigned int n = 0; n < ARRAY_SIZE(names); n++)
		if (strlen(names[n]) == length && !memcmp(names[n], name, length))
			return true;
	return false;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type != FTW_F || !is_module_name(path, strlen(path)))
		return 0;
	return snprintf(found_path, sizeof(found_path), "%s", path) < (int)sizeof(found_path);
}

/* What modprobe would take: lines are "path: paths it depends on". */
static bool find_in_dep(const char *directory)
{
	char path[PATH_MAX + sizeof("/modules.dep")], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/modules.dep", directory);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0) {
		size_t length = strcspn(line, ":");

		if (!line[length] || !is_module_name(line, length))
			continue;
		found = snprintf(found_path, sizeof(found_path), "%s%s%.*s",
				 *line == '/' ? "" : directory, *line == '/' ? "" : "/",
				 (int)length, line) < (int)sizeof(found_path) &&
			!access(found_path, F_OK);
	}
	free(line);
	fclose(file);
	return found;
}

static const char *find_module(const char *release)
{
	/* In the order in which depmod prefers them, for systems without modules.dep. */
	static const char *const below[] = { "/updates", "/extra", "" };
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "/lib/modules/%s", release);
	if (find_in_dep(directory))
		return found_path;
	for (unsigned int n = 0; n < ARRAY_SIZE(below); n++) {
		snprintf(directory, sizeof(directory), "/lib/modules/%s%s", release, below[n]);
		if (nftw(directory, visit, 8, FTW_PHYS) == 1)
			return found_path;
	}
	return NULL;
}

/* --- parameters ------------------------------------------------------------- */

/* The kernel loads a module with a parameter it does not know, and only logs that. */
static int check_parameters(const struct memdiag_module *module, const struct options *options)
{
	for (int n = 0; n < options->nr_args; n++) {
		const char *arg = options->args[n];
		size_t length = strcspn(arg, "=");

		if (!memdiag_module_has_parameter(module, arg, length))
			return usage_error(
				"the module has no parameter '%.*s'; see 'modinfo memdiag'",
				(int)length, arg);
	}
	return 0;
}

/* Before anything is read: what can be no parameter. */
static int check_arguments(const struct options *options)
{
	for (int n = 0; n < options->nr_args; n++) {
		const char *arg = options->args[n];
		size_t length = strspn(arg, "abcdefghijklmnopqrstuvwxyz0123456789_-");

		if (!length || arg[length] != '=')
			return usage_error("bad parameter '%s': NAME=VALUE is wanted", arg);
		if (strpbrk(arg, "\"\n"))
			return usage_error("bad parameter '%s': no quotes, no line ends", arg);
		if (!strncmp(arg, "addresses=", 10) && options->given & OPT_SYSTEM_MAP)
			return usage_error("addresses= does not go with --system-map");
	}
	return 0;
}

/* Values with blanks stand in quotes, as the kernel takes words apart. */
static char *join_parameters(const struct options *options, const struct addresses *addresses)
{
	char *text;
	size_t size;
	FILE *stream = must(open_memstream(&text, &size));

	for (int n = 0; n < options->nr_args; n++) {
		const char *arg = options->args[n];
		const char *value = strchr(arg, '=') + 1;
		const char *quote = strpbrk(value, " \t") ? "\"" : "";

		fprintf(stream, "%.*s%s%s%s ", (int)(value - arg), arg, quote, value, quote);
	}
	if (addresses->text)
		fprintf(stream, "addresses=%s", addresses->text);
	if (fclose(stream))
		no_memory();
	return text;
}

/* --- loading ---------------------------------------------------------------- */

static int refused_eperm(const char *path)
{
	char line[128];

	read_line("/proc/sys/kernel/modules_disabled", line, sizeof(line));
	if (!strcmp(line, "1"))
		return cannot(
			"cannot load %s: loading modules is switched off until the next boot (kernel.modules_disabled)",
			path);
	read_line("/sys/kernel/security/lockdown", line, sizeof(line));
	if (strchr(line, '[') && !strstr(line, "[none]"))
		return cannot(
			"cannot load %s: the kernel is locked down, it takes signed modules only: sign it with a key that the kernel trusts",
			path);
	return cannot("cannot load %s: %s; be root in the initial user namespace", path,
		      strerror(EPERM));
}

static int refused_enoexec(const char *path, const struct memdiag_module *module,
			   const char *release)
{
	const char *vermagic = memdiag_module_info(module, "vermagic", 0);
	int length = vermagic ? strcspn(vermagic, " ") : 0;

	if (vermagic && (strlen(release) != (size_t)length || strncmp(vermagic, release, length)))
		return cannot(
			"cannot load %s: it is for kernel %.*s, this is %s; build it for this one",
			path, length, vermagic, release);
	return cannot(
		"cannot load %s: the kernel does not take its format (%s); 'dmesg' says what differs",
		path, vermagic ? vermagic : "no vermagic");
}

/* Says what happened and what to do. Return: STATUS_CANNOT. */
static int refused(int error, const char *path, const struct memdiag_module *module,
		   const char *release)
{
	switch (error) {
	case -EPERM:
		return refused_eperm(path);
	case -ENOEXEC:
		return refused_enoexec(path, module, release);
	case -EEXIST:
		if (is_loaded())
			return cannot(
				"cannot load %s: memdiag is loaded already; 'memdiagctl unload' first",
				path);
		return cannot(
			"cannot load %s: something of its name is there already, but not the module; 'dmesg' names it",
			path);
	case -ENOKEY:
	case -EKEYREJECTED:
	case -EKEYEXPIRED:
	case -EBADMSG:
		return cannot(
			"cannot load %s: the kernel takes signed modules only (%s): sign it with a key that it trusts",
			path, strerror(-error));
	case -ENOENT:
		return cannot(
			"cannot load %s: the kernel lacks something that it needs; 'dmesg' names it",
			path);
	case -EINVAL:
		return cannot(
			"cannot load %s: a parameter was refused, or it was built for another configuration of the kernel; 'dmesg' says which",
			path);
	case -ENOSYS:
		return cannot("cannot load %s: this kernel has no loadable modules", path);
	default:
		return cannot("cannot load %s: %s; 'dmesg' may say more", path, strerror(-error));
	}
}

/* The number that a node would need, for whoever has to make it; -1 if unknown. */
static int device_minor(void)
{
	char line[128], name[64];
	FILE *file = fopen("/proc/misc", "re");
	int minor = -1, n;

	while (file && minor < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%d %63s", &n, name) == 2 && !strcmp(name, "memdiag"))
			minor = n;
	if (file)
		fclose(file);
	return minor;
}

/*
 * The node is made by the kernel or by a daemon. Not by us: it would stay behind,
 * and be another device's when the module is loaded again.
 */
static int wait_for_device(void)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
	int minor;

	for (int waited = 0; access(MEMDIAG_DEVICE, F_OK); waited += WAIT_STEP_MS) {
		if (waited >= WAIT_MS) {
			minor = device_minor();
			if (minor < 0)
				warn("the module is loaded, but there is no %s after %d s; make it with the number that 'grep memdiag /proc/misc' says",
				     MEMDIAG_DEVICE, WAIT_MS / 1000);
			else
				warn("the module is loaded, but nothing made %s in %d s: 'mknod -m 600 %s c 10 %d'",
				     MEMDIAG_DEVICE, WAIT_MS / 1000, MEMDIAG_DEVICE, minor);
			return STATUS_PARTIAL;
		}
		nanosleep(&step, NULL);
	}
	return 0;
}

/* --- telling ---------------------------------------------------------------- */

static void print_sections(const struct memdiag_data *data)
{
	static const uint32_t states[] = { MEMDIAG_STATE_OK, MEMDIAG_STATE_PARTIAL,
					   MEMDIAG_STATE_UNAVAILABLE };
	uint32_t nr = memdiag_data_header(data)->nr_sections;

	for (unsigned int i = 0; i < ARRAY_SIZE(states); i++) {
		const char *before = " (";
		unsigned int count = 0;

		for (uint32_t n = 0; n < nr; n++)
			count += memdiag_data_section(data, n)->state == states[i];
		if (i && !count)
			continue;
		printf("%s%u %s", i ? ", " : "sections: ", count, memdiag_state_name(states[i]));
		for (uint32_t n = 0; i && n < nr; n++) {
			const struct memdiag_section *s = memdiag_data_section(data, n);

			if (s->state != states[i])
				continue;
			fputs(before, stdout);
			print_safe(stdout, memdiag_section_name(data, s));
			before = ", ";
		}
		if (i)
			putchar(')');
	}
	putchar('\n');
}

/**
 * struct findings - what section resolve says about symbols
 * @by_name: variables found without our help
 * @given: variables found at a given address
 * @missing: variables that were not found
 * @wrong: those of them whose given addresses cannot be right
 * @used: the addresses passed the module's check
 * @why: what that check said; borrowed, NULL if the section does not have it
 */
struct findings {
	unsigned int by_name;
	unsigned int given;
	unsigned int missing;
	unsigned int wrong;
	bool used;
	const char *why;
};

static void read_findings(const struct memdiag_data *data, struct findings *f)
{
	const struct memdiag_section *s = memdiag_data_find(data, "resolve");
	const char *kind, *name, *source;
	uint64_t error;

	memset(f, 0, sizeof(*f));
	for (uint64_t n = 0; s && n < s->nr_records; n++) {
		if (memdiag_get_string(data, s, n, "kind", &kind) ||
		    memdiag_get_string(data, s, n, "name", &name) ||
		    memdiag_get_string(data, s, n, "source", &source) ||
		    memdiag_get(data, s, n, "error", MEMDIAG_TYPE_S64, MEMDIAG_UNIT_NONE, &error))
			continue;
		if (!strcmp(kind, "check") && !strcmp(name, "given addresses")) {
			f->used = !error;
			memdiag_get_string(data, s, n, "detail", &f->why);
		} else if (!strcmp(kind, "symbol")) {
			f->missing += !!error;
			f->wrong += (int64_t)error == -EFAULT;
			if (error)
				continue;
			if (!strcmp(source, "given"))
				f->given++;
			else
				f->by_name++;
		}
	}
}

/* What came of it. Return: STATUS_DONE; STATUS_PARTIAL if a map that was asked for does not fit. */
static int report(const struct addresses *addresses, bool asked)
{
	struct memdiag_data *data;
	struct findings f;
	int ret;

	ret = source_live(NULL, &data);
	if (ret)
		return ret;
	read_findings(data, &f);
	printf("symbols: %u found by name, %u by an address%s%s, %u not found\n", f.by_name,
	       f.given, addresses->text ? " from " : "", addresses->text ? addresses->source : "",
	       f.missing);
	print_sections(data);
	if (addresses->text && !f.used) {
		warn("%s is not of this kernel, memdiag was loaded without it: %s",
		     addresses->source, f.why ? f.why : "the module does not say why");
		ret = asked ? STATUS_PARTIAL : STATUS_DONE;
	} else if (f.wrong) {
		warn("not all addresses of %s can be right: %u are not used, 'memdiagctl status' says which; is it of this kernel?",
		     addresses->source ? addresses->source : "the parameter", f.wrong);
		ret = asked ? STATUS_PARTIAL : STATUS_DONE;
	} else if (addresses->note && f.missing) {
		warn("no addresses were given: %s", addresses->note);
	}
	memdiag_data_free(data);
	return ret;
}

/* Loaded already: all is well, unless something was asked that comes too late. */
static int already(const struct options *options)
{
	if (options->nr_args || options->given & (OPT_MODULE | OPT_SYSTEM_MAP))
		return cannot(
			"cannot load memdiag: it is loaded already, and its parameters and addresses stay as they are; 'memdiagctl unload' first");
	puts("memdiag is loaded already");
	return STATUS_DONE;
}

/* Opens the file at @path if that is memdiag and has the parameters. Return: 0 or a status. */
static int open_module(const char *path, const struct options *options,
		       struct memdiag_module **module)
{
	struct memdiag_error error;
	const char *name;
	int ret;

	if (memdiag_module_open(path, &error, module))
		return cannot("cannot load %s: %s", path, error.text);
	name = memdiag_module_info(*module, "name", 0);
	if (name && strcmp(name, "memdiag"))
		ret = cannot("cannot load %s: it is module '%s', not memdiag", path, name);
	else
		ret = check_parameters(*module, options);
	if (ret)
		memdiag_module_free(*module);
	return ret;
}

static bool has_addresses(const struct options *options)
{
	for (int n = 0; n < options->nr_args; n++)
		if (!strncmp(options->args[n], "addresses=", 10))
			return true;
	return false;
}

int cmd_load(const struct command *command, const struct options *options)
{
	const char *map = option_value(options, OPT_SYSTEM_MAP);
	const char *path = option_value(options, OPT_MODULE);
	struct addresses addresses = {};
	struct memdiag_module *module;
	struct utsname uts = {};
	char *parameters;
	int ret;

	(void)command;
	ret = check_arguments(options);
	if (ret)
		return ret;
	if (is_loaded())
		return already(options);
	uname(&uts);
	if (!path)
		path = find_module(uts.release);
	if (!path)
		return cannot(
			"cannot find memdiag.ko below /lib/modules/%s; install it there, or name it with --module",
			uts.release);
	ret = open_module(path, options, &module);
	if (ret)
		return ret;
	if (!has_addresses(options))
		ret = load_addresses(module, map, &addresses);
	if (ret)
		goto free_module;
	parameters = join_parameters(options, &addresses);
	ret = memdiag_module_load(module, parameters);
	free(parameters);
	if (ret) {
		ret = refused(ret, path, module, uts.release);
		goto free_module;
	}
	fputs("loaded ", stdout);
	print_safe(stdout, path);
	putchar('\n');
	ret = wait_for_device();
	if (!ret)
		ret = report(&addresses, map);
free_module:
	free(addresses.text);
	memdiag_module_free(module);
	return ret;
}

int cmd_unload(const struct command *command, const struct options *options)
{
	int ret = memdiag_module_unload();

	(void)command;
	(void)options;
	switch (ret) {
	case 0:
		puts("unloaded memdiag");
		return STATUS_DONE;
	case -ENOENT:
		puts("memdiag is not loaded");
		return STATUS_DONE;
	case -EAGAIN:
	case -EBUSY:
		return cannot(
			"cannot unload memdiag: it is in use: somebody has %s, a snapshot or a file below /sys/kernel/debug/memdiag open",
			MEMDIAG_DEVICE);
	case -EPERM:
		return cannot("cannot unload memdiag: %s; be root in the initial user namespace",
			      strerror(EPERM));
	case -ENOSYS:
		return cannot("cannot unload memdiag: this kernel does not unload modules");
	default:
		return cannot("cannot unload memdiag: %s", strerror(-ret));
	}
}
