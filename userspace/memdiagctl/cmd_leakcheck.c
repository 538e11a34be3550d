// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl leakcheck: does a module give everything back?
 *
 * Whatever happens, the tracker is stopped and the module unloaded at the end.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leak.h"

#define CYCLES 10
#define WARMUP 2

/* Adds a sentence to the result. */
void leak_note(struct leak_run *run, const char *format, ...)
{
	va_list args;

	if (run->nr_notes == LEAK_MAX_NOTES)
		return;
	va_start(args, format);
	if (vasprintf(&run->notes[run->nr_notes], format, args) < 0)
		no_memory();
	va_end(args);
	run->nr_notes++;
}

/* --- the command line ----------------------------------------------------------- */

static int take_count(const struct options *options, enum option_bit bit, const char *name,
		      uint64_t least, uint64_t *count)
{
	const char *value = option_value(options, bit);
	int ret = value ? value_number(name, value, count) : 0;

	if (!ret && (*count < least || *count > 1000000))
		ret = usage_error("bad --%s '%s': from %llu to a million", name, value,
				  (unsigned long long)least);
	return ret;
}

static int take_allow(struct leak_run *run, const char *value)
{
	size_t length = strcspn(value, "=");

	for (unsigned int k = 0; k < MEMDIAG_NR_LEAK_KINDS; k++) {
		const char *name = memdiag_leak_kind_name(k);

		if (strlen(name) == length && !memcmp(name, value, length) && value[length])
			return value_bytes("allow", value + length + 1, &run->allow[k]);
	}
	return usage_error(
		"bad --allow '%s': KIND=BYTES is wanted, KIND of slab, pages, percpu, vmalloc, ledger, unaccounted",
		value);
}

static char *join_parameters(const struct options *options)
{
	const char *param;
	char *text;
	size_t size = 0;
	FILE *stream = must(open_memstream(&text, &size));

	for (int at = 0; (param = option_next(options, OPT_PARAM, &at));) {
		const char *value = strchr(param, '=');
		const char *quote = value && strpbrk(value, " \t") ? "\"" : "";
		int name = value ? value + 1 - param : (int)strlen(param);

		fprintf(stream, "%s%.*s%s%s%s", size ? " " : "", name, param, quote,
			value ? value + 1 : "", quote);
		fflush(stream);
	}
	if (fclose(stream))
		no_memory();
	return text;
}

/* The kernel would load the module without a parameter that it does not know. */
static int check_parameters(const struct leak_run *run)
{
	const char *param;

	for (int at = 0; (param = option_next(run->options, OPT_PARAM, &at));) {
		size_t length = strcspn(param, "=");

		if (!memdiag_module_has_parameter(run->module, param, length))
			return usage_error(
				"bad --param '%s': %s has no parameter '%.*s'; 'modinfo %s' lists them",
				param, run->name, (int)length, param,
				option_value(run->options, OPT_MODULE));
		if (strpbrk(param, "\"\n"))
			return usage_error("bad --param '%s': no quotes, no line ends", param);
	}
	return 0;
}

/* With --attach the module's name is enough, without it its file is needed. */
static int take_module(struct leak_run *run)
{
	const char *path = option_value(run->options, OPT_MODULE);
	bool attach = run->options->given & OPT_ATTACH;
	struct memdiag_error error;
	const char *name;

	if (!path)
		return 0;
	if (attach && !strchr(path, '/') && !strstr(path, ".ko")) {
		run->name = must(strdup(path));
		memdiag_module_name(run->name);
		return 0;
	}
	if (memdiag_module_open(path, &error, &run->module))
		return cannot("cannot use %s: %s", path, error.text);
	name = memdiag_module_info(run->module, "name", 0);
	if (!name || strlen(name) >= sizeof(run->filter.module))
		return cannot("cannot use %s: it does not say the name of the module", path);
	if (!strcmp(name, "memdiag"))
		return cannot("cannot check memdiag with itself");
	run->name = must(strdup(name));
	if (attach) {
		memdiag_module_free(run->module);
		run->module = NULL;
		return 0;
	}
	return check_parameters(run);
}

static int take_options(struct leak_run *run)
{
	static const uint64_t filters = OPT_CACHE | OPT_PID | OPT_CGROUP;
	const struct options *o = run->options;
	const char *junit = option_value(o, OPT_JUNIT), *allow;
	const char *sensitivity = option_value(o, OPT_SENSITIVITY);
	struct options rest = *o;
	int ret;

	if (!(o->given & (OPT_MODULE | OPT_ATTACH)))
		return usage_error("leakcheck needs --module, or --attach for what stays loaded");
	if (o->given & OPT_ATTACH && !o->nr_args)
		return usage_error("--attach needs a command to repeat: -- COMMAND...");
	if (o->given & OPT_ATTACH && o->given & OPT_PARAM)
		return usage_error("--param is for loading a module and does not go with --attach");
	if (o->given & OPT_ATTACH && !(o->given & (OPT_MODULE | filters)))
		return usage_error(
			"--attach needs to know what to look at: --module, --cache, --pid or --cgroup");
	if (!!(o->given & OPT_JSON) + !!(o->given & OPT_TAP) + (junit && !strcmp(junit, "-")) > 1)
		return usage_error("only one of --json, --tap and --junit - at a time");
	ret = take_count(o, OPT_CYCLES, "cycles", 1, &run->cycles);
	if (!ret)
		ret = take_count(o, OPT_WARMUP, "warmup", 0, &run->warmup);
	if (!ret && sensitivity && !strcmp(sensitivity, "any"))
		run->sensitivity = UINT64_MAX;
	else if (!ret && sensitivity)
		ret = value_bytes("sensitivity", sensitivity, &run->sensitivity);
	for (int at = 0; !ret && (allow = option_next(o, OPT_ALLOW, &at));)
		ret = take_allow(run, allow);
	rest.given &= ~(uint64_t)OPT_MODULE;
	if (!ret)
		ret = value_filter(&rest, &run->filter);
	if (!ret)
		ret = take_module(run);
	if (ret || !run->name)
		return ret;
	run->filter.flags |= MEMDIAG_TRACK_BY_MODULE | MEMDIAG_TRACK_ANYWHERE;
	if (strlen(run->name) >= sizeof(run->filter.module))
		return usage_error("bad --module '%s': no module has such a name", run->name);
	strcpy((char *)run->filter.module, run->name);
	return 0;
}

/* --- the command ---------------------------------------------------------------- */

/* Is a module loaded? One that is built in is not. */
bool leak_is_loaded(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

/* The kernel lists what is built in as well, if it has parameters or a version. */
static bool is_built_in(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK) && !leak_is_loaded(name);
}

/* Sections by their names, of the device that is open already. */
int leak_snapshot(struct leak_run *run, const char *sections, struct memdiag_data **data)
{
	uint64_t mask;
	int ret = memdiag_device_mask(run->device, sections, NULL, &mask);

	return ret ? ret : memdiag_device_snapshot(run->device, mask, NULL, data);
}

/* Starts the tracker; without tracepoints it goes on without. Return: 0 or an exit status. */
static int start_tracker(struct leak_run *run)
{
	const char *names = MEMDIAG_LEAK_SECTIONS "," MEMDIAG_TRACK_SECTIONS;
	struct memdiag_data *data = NULL;
	struct memdiag_error error, ignored;
	const char *reason = "";
	int ret;

	ret = memdiag_device_track_start(run->device, &run->filter, &error);
	run->tracking = !ret;
	if (ret == -EALREADY)
		return cannot(
			"cannot check for leaks: the tracker is in use; 'memdiagctl track status' says for what, 'memdiagctl track stop' ends it");
	if (ret && ret != -EOPNOTSUPP && ret != -ENOTTY)
		return cannot("cannot start the tracker: %s", error.text);
	if (ret) {
		names = MEMDIAG_LEAK_SECTIONS;
		if (!leak_snapshot(run, "track_status", &data))
			reason = track_reason(data);
		leak_note(
			run,
			"no tracker: %s; only counts are compared: there are no call stacks, no owners, and a leak of less than an object or page in each cycle is not seen",
			*reason ? reason : error.text);
		memdiag_data_free(data);
	}
	if (memdiag_device_mask(run->device, names, &ignored, &run->sections))
		return cannot("cannot check for leaks: %s", ignored.text);
	return 0;
}

static int exit_status(enum memdiag_verdict verdict)
{
	switch (verdict) {
	case MEMDIAG_VERDICT_CLEAN:
		return STATUS_DONE;
	case MEMDIAG_VERDICT_LEAK:
		return STATUS_FOUND;
	default:
		return STATUS_CANNOT;
	}
}

/* Is the module where the check needs it? Return: 0 or STATUS_CANNOT. */
static int check_module(const struct leak_run *run)
{
	if (!run->name)
		return 0;
	if (is_built_in(run->name))
		return cannot(
			"cannot check %s: it is built into the kernel; use --attach with --cache, --pid or --cgroup instead of --module",
			run->name);
	if (run->module && leak_is_loaded(run->name))
		return cannot("cannot check %s: it is loaded already; unload it, or use --attach",
			      run->name);
	if (run->options->given & OPT_ATTACH && !leak_is_loaded(run->name))
		return cannot("cannot check %s: it is not loaded", run->name);
	return 0;
}

/* From the start of the tracker to its stop. Return: 0, also with a failed check, or a status. */
static int run_tracked(struct leak_run *run)
{
	struct memdiag_error error;
	int ret;

	/* Before the tracker runs: nothing may end us while it does. */
	leak_take_signals();
	leak_evidence_begin(run);
	leak_settle_begin(run);
	ret = start_tracker(run);
	if (!ret)
		leak_run_all(run);
	if (run->tracking && memdiag_device_track_stop(run->device, true, &error))
		warn("cannot stop the tracker: %s", error.text);
	if (!ret && run->leaks && !leak_stopped())
		leak_evidence_end(run);
	if (ret)
		leak_give_up(run, "the check could not begin; standard error says why");
	if (!leak_stopped())
		return ret;
	warn("stopped by a signal; %s",
	     run->loaded ? "the module stays loaded: it is in use" : "nothing is left behind");
	leak_give_up(run, "stopped by signal %d", leak_stopped());
	return 128 + leak_stopped();
}

static int check(struct leak_run *run)
{
	const char *junit = option_value(run->options, OPT_JUNIT);
	int ret = check_module(run);

	if (!ret)
		ret = source_open(&run->device);
	if (!ret && junit)
		ret = leak_open_junit(run, junit);
	if (ret)
		return ret;
	ret = run_tracked(run);
	if (!ret && run->junit != stdout)
		leak_print(run);
	if (run->junit && leak_write_junit(run) && !ret)
		ret = STATUS_CANNOT;
	return ret ? ret : exit_status(leak_verdict(run));
}

int cmd_leakcheck(const struct command *command, const struct options *options)
{
	struct leak_run run = {
		.options = options,
		.cycles = CYCLES,
		.warmup = WARMUP,
		.sensitivity = sysconf(_SC_PAGESIZE),
		.settler = { .drop_fd = -1, .refresh_fd = -1 },
	};
	int ret;

	(void)command;
	if (memdiag_leakcheck_new(&run.check))
		no_memory();
	ret = take_options(&run);
	run.parameters = join_parameters(options);
	if (!ret)
		ret = check(&run);
	memdiag_leaks_free(run.leaks);
	memdiag_leakcheck_free(run.check);
	leak_evidence_free(&run);
	leak_settle_end(&run);
	memdiag_device_close(run.device);
	memdiag_module_free(run.module);
	for (int n = 0; n < run.nr_notes; n++)
		free(run.notes[n]);
	free(run.parameters);
	free(run.name);
	return ret;
}
