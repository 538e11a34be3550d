// SPDX-License-Identifier: GPL-2.0-only
/*
 * text - do text, JSON and the bytes say the same?
 *
 * The files in debugfs are held against the bytes of a snapshot before and one
 * after, every value of every section. memdiagctl's JSON is made of a saved
 * snapshot, and held against the very bytes of that file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "oracle.h"

#define DEBUGFS "/sys/kernel/debug/memdiag"
#define SAVED "/tmp/text.snap"
#define MAX_COLUMNS 256

/* --- debugfs against bytes ------------------------------------------------ */

static struct snap bytes_snap;
static unsigned int section_now;
static char text_trouble[300];

/* The kernel keeps free objects in sheaves, which each open() takes from and adds to. */
static bool sheaves;

static void sheaves_look(const struct snap *snap)
{
	const struct memdiag_section *s = snap_section(snap, MEMDIAG_SEC_SLAB);
	uint64_t n, capacity;

	for (n = 0; n < s->nr_records; n++) {
		capacity = snap_get(snap, s, n, "sheaf_capacity");
		sheaves |= capacity && capacity != MEMDIAG_ABSENT;
	}
}

/* What differs for reasons of its own: memory taken, and references, by the very asking. */
static bool not_compared(const char *field)
{
	return !strcmp(field, "memdiag_snapshot_bytes") || !strcmp(field, "refcnt") ||
	       (sheaves && !strcmp(field, "active_objs_error"));
}

static void key_add(char *key, size_t size, const char *part)
{
	size_t used = strlen(key);

	snprintf(key + used, size - used, "%s|", part);
}

/* The record's keys as text; hexadecimal ones too are numbers here. */
static void key_of_record(char *key, size_t size, const struct snap *snap,
			  const struct memdiag_section *s, uint64_t n)
{
	unsigned int f;
	char number[32];

	*key = '\0';
	for (f = 0; f < s->nr_fields; f++) {
		const struct memdiag_field *field = snap_field(snap, s, f);
		uint64_t value = snap_value(snap, s, n, f);

		if (!(field->flags & MEMDIAG_FIELD_KEY))
			continue;
		if (value == MEMDIAG_ABSENT) {
			key_add(key, size, "absent");
		} else if (field->type == MEMDIAG_TYPE_STR) {
			key_add(key, size, snap_string(snap, value));
		} else {
			snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
			key_add(key, size, number);
		}
	}
}

static bool bytes_facts(struct facts *facts)
{
	const struct memdiag_section *s;
	char key[1024];
	unsigned int f;
	uint64_t n;
	int error;

	/* When text is collected one file more is open, which counts among the objects. */
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	error = snap_collect(&bytes_snap, 1ull << section_now);
	close(fd);
	if (error)
		return false;
	s = snap_section(&bytes_snap, section_now);
	for (n = 0; n < s->nr_records; n++) {
		key_of_record(key, sizeof(key), &bytes_snap, s, n);
		for (f = 0; f < s->nr_fields; f++)
			if (!not_compared(snap_string(&bytes_snap,
						      snap_field(&bytes_snap, s, f)->name)))
				facts_field(facts, &bytes_snap, s, n, f, key);
	}
	return true;
}

/* Undo the escapes of a word; false if it is not as text.c of the module says. */
static bool unescape(char *word)
{
	char *to = word;

	if (!strcmp(word, "\\0")) {
		*word = '\0';
		return true;
	}
	while (*word) {
		if (*word == '\\') {
			unsigned int c;

			if (sscanf(word + 1, "%3o", &c) != 1 || strspn(word + 1, "01234567") < 3)
				return false;
			*to++ = c;
			word += 4;
		} else {
			*to++ = *word++;
		}
	}
	*to = '\0';
	return true;
}

static void trouble(const char *what, const char *line)
{
	if (!*text_trouble)
		snprintf(text_trouble, sizeof(text_trouble), "%s: %.200s", what, line);
}

/* One value by the type that the bytes give it. */
static void word_fact(struct facts *facts, const struct memdiag_field *field, char *word,
		      const char *key, const char *name)
{
	char *end = word;

	if (!strcmp(word, "-"))
		return;
	if (field->type == MEMDIAG_TYPE_STR) {
		if (!unescape(word))
			trouble("bad escape", word);
		facts_string(facts, word, "%s/%s", key, name);
		return;
	}
	if (field->type == MEMDIAG_TYPE_U64 && !strcmp(word, "max")) {
		facts_string(facts, "max", "%s/%s", key, name);
		return;
	}
	if (field->type == MEMDIAG_TYPE_HEX && strncmp(word, "0x", 2))
		trouble("not hexadecimal", word);
	if (field->type == MEMDIAG_TYPE_BOOL && strcmp(word, "0") && strcmp(word, "1"))
		trouble("not a truth", word);
	if (field->type == MEMDIAG_TYPE_S64)
		facts_number(facts, strtoll(word, &end, 10), "%s/%s", key, name);
	else
		facts_number(facts,
			     strtoull(word, &end, field->type == MEMDIAG_TYPE_HEX ? 16 : 10),
			     "%s/%s", key, name);
	if (end == word || *end)
		trouble("not a number", word);
}

static void text_record(struct facts *facts, const struct snap *snap,
			const struct memdiag_section *s, char *line)
{
	char *words[MAX_COLUMNS], *keys[MAX_COLUMNS], copy[200], *word, key[1024] = "";
	unsigned int f, nr = 0, nr_keys = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&line, " ")) && nr < MAX_COLUMNS)
		words[nr++] = word;
	if (nr != s->nr_fields) {
		trouble("not as many words as columns", copy);
		return;
	}
	for (f = 0; f < nr; f++) {
		const struct memdiag_field *field = snap_field(snap, s, f);
		char number[32];

		if (!(field->flags & MEMDIAG_FIELD_KEY))
			continue;
		keys[nr_keys] = strdup(words[f]);
		if (!strcmp(words[f], "-")) {
			key_add(key, sizeof(key), "absent");
		} else if (field->type == MEMDIAG_TYPE_STR) {
			unescape(keys[nr_keys]);
			key_add(key, sizeof(key), keys[nr_keys]);
		} else {
			snprintf(number, sizeof(number), "%llu",
				 strtoull(words[f], NULL,
					  field->type == MEMDIAG_TYPE_HEX ? 16 : 10));
			key_add(key, sizeof(key), number);
		}
		nr_keys++;
	}
	for (f = 0; f < nr; f++) {
		const struct memdiag_field *field = snap_field(snap, s, f);
		const char *name = snap_string(snap, field->name);

		if (!not_compared(name))
			word_fact(facts, field, words[f], key, name);
	}
	while (nr_keys)
		free(keys[--nr_keys]);
}

static void text_head(const struct snap *snap, const struct memdiag_section *s, char **rest)
{
	char want[8192], *line;
	unsigned int f, at;

	line = file_line(rest);
	snprintf(want, sizeof(want), "memdiag %s - version: %u.%u", snap_string(snap, s->name),
		 MEMDIAG_FORMAT_MAJOR, MEMDIAG_FORMAT_MINOR);
	if (!line || strcmp(line, want))
		trouble("first line", line ?: "(none)");
	at = snprintf(want, sizeof(want), "#");
	for (f = 0; f < s->nr_fields; f++)
		at += snprintf(want + at, sizeof(want) - at, " %s",
			       snap_string(snap, snap_field(snap, s, f)->name));
	line = file_line(rest);
	if (!line || strcmp(line, want))
		trouble("column line", line ?: "(none)");
	if (s->state != MEMDIAG_STATE_PARTIAL)
		return;
	snprintf(want, sizeof(want), "# partial: %s", snap_string(snap, s->reason));
	line = file_line(rest);
	if (!line || strcmp(line, want))
		trouble("reason", line ?: "(none)");
}

static void text_facts(struct facts *facts, const struct snap *snap,
		       const struct memdiag_section *s)
{
	char *text = file_read(DEBUGFS "/%s", snap_string(snap, s->name)), *rest = text, *line;

	if (!text) {
		trouble("cannot be read", strerror(errno));
		return;
	}
	if (*text && text[strlen(text) - 1] != '\n')
		trouble("the last line has no end", "");
	text_head(snap, s, &rest);
	while ((line = file_line(&rest)))
		text_record(facts, snap, s, line);
	free(text);
}

static void debugfs(const struct snap *all)
{
	struct oracle oracle = { .kernel = bytes_facts, .memdiag = text_facts };
	char name[64];

	if (access(DEBUGFS, F_OK)) {
		ktap_skip("no debugfs", "text: the files in debugfs");
		return;
	}
	if (snap_open(&bytes_snap))
		ktap_bail("%s", SNAP_DEVICE);
	for (section_now = 0; section_now < MEMDIAG_NR_SECTIONS; section_now++) {
		const struct memdiag_section *s = snap_section(all, section_now);

		*text_trouble = '\0';
		snprintf(name, sizeof(name), "text %s", snap_string(all, s->name));
		if (!snap_has(all, section_now)) {
			char *text = file_read(DEBUGFS "/%s", snap_string(all, s->name));
			bool ok = text && strstr(text, "\n# unavailable: ");

			ktap_ok(ok, "%s: is unavailable and says so", name);
			free(text);
			continue;
		}
		/* Without records there is nothing to compare but the head. */
		if (!s->nr_records && section_now != MEMDIAG_SEC_SYSTEM) {
			ktap_skip("no records", "%s", name);
			continue;
		}
		oracle.name = name;
		oracle.section = section_now;
		oracle_run(&oracle);
		if (!ktap_ok(!*text_trouble, "%s: is well-formed", name))
			ktap_note("%s", text_trouble);
	}
	snap_drop(&bytes_snap);
}

/* Read in pieces of any size the file says the same, as of one moment. */
static void pieces(void)
{
	static char small[1 << 20], large[1 << 20];
	size_t at = 0, n;
	FILE *file = fopen(DEBUGFS "/vmstat", "re");
	unsigned int lines = 0, i;

	if (!file) {
		if (access(DEBUGFS, F_OK))
			ktap_skip("no debugfs", "text: a file in pieces");
		else
			ktap_ok(false, "text: " DEBUGFS "/vmstat can be opened");
		return;
	}
	setvbuf(file, NULL, _IONBF, 0);
	while (at < sizeof(small) && (n = fread(small + at, 1, 61, file)) > 0)
		at += n;
	rewind(file);
	n = fread(large, 1, sizeof(large), file);
	ktap_ok(n == at && !memcmp(small, large, at),
		"text: a file in pieces of 61 bytes and at once are the same %zu bytes", at);
	for (i = 0; i < at; i++)
		lines += small[i] == '\n';
	ktap_ok(lines > 20, "text: %u lines of vmstat", lines);
	fclose(file);
}

/* --- /proc/memdiag -------------------------------------------------------- */

static void proc(void)
{
	char *text = file_read("/proc/memdiag"), *info = file_read("/proc/meminfo"), *at;
	long long total = 0, mine = 0, longest = 0, length = 0;
	const char *c;

	if (info)
		sscanf(info, "MemTotal: %lld", &total);
	at = text ? strstr(text, " total") : NULL;
	if (at)
		sscanf(at, " total %lld", &mine);
	ktap_ok(text && !strncmp(text, "memdiag ", 8) && total && mine == total,
		"text: /proc/memdiag begins with the machine, %lld KiB of %lld", mine, total);
	for (c = text; c && *c; c++) {
		length = *c == '\n' ? 0 : length + 1;
		if (length > longest)
			longest = length;
	}
	ktap_ok(text && strstr(text, "\nzones") && strstr(text, "\nslab caches") &&
			strstr(text, "\nvmalloc callers") && strstr(text, "\nmemory cgroups") &&
			!strstr(text, "9223372036854775808") && longest <= 132,
		"text: /proc/memdiag has all parts, and no line of more than 132 columns (%lld)",
		longest);
	free(text);
	free(info);
}

/* --- JSON against the bytes of the same file ------------------------------ */

/* Where the parser is; a token is a string, or everything else up to a delimiter. */
static char *json_at;
static char json_token[8192];
static bool json_is_string;

static void json_space(void)
{
	json_at += strspn(json_at, " \t\r\n");
}

static bool json_take(char c)
{
	json_space();
	if (*json_at != c)
		return false;
	json_at++;
	return true;
}

static size_t utf8_put(char *to, unsigned int c)
{
	if (c < 0x80) {
		*to = c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = 0xc0 | c >> 6;
		to[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	to[0] = 0xe0 | c >> 12;
	to[1] = 0x80 | (c >> 6 & 0x3f);
	to[2] = 0x80 | (c & 0x3f);
	return 3;
}

static bool json_string(void)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;

	for (; *json_at && *json_at != '"' && n < sizeof(json_token) - 4; json_at++) {
		if (*json_at == '\\') {
			const char *which = strchr(from, *++json_at);
			unsigned int c;

			if (!*json_at)
				return false;
			if (which) {
				json_token[n++] = to[which - from];
			} else if (*json_at == 'u' && sscanf(json_at + 1, "%4x", &c) == 1) {
				n += utf8_put(json_token + n, c);
				json_at += 4;
			} else {
				return false;
			}
		} else {
			json_token[n++] = *json_at;
		}
	}
	json_token[n] = '\0';
	json_is_string = true;
	return *json_at == '"' && json_at++;
}

/* A value that is neither object nor array. */
static bool json_scalar(void)
{
	size_t n;

	if (json_take('"'))
		return json_string();
	n = strcspn(json_at, ",]} \t\r\n");
	if (!n || n >= sizeof(json_token))
		return false;
	memcpy(json_token, json_at, n);
	json_token[n] = '\0';
	json_at += n;
	json_is_string = false;
	return true;
}

static bool json_skip(void)
{
	char close;

	json_space();
	if (*json_at != '{' && *json_at != '[')
		return json_scalar();
	close = *json_at++ == '{' ? '}' : ']';
	if (json_take(close))
		return true;
	do {
		if (close == '}' && (!json_take('"') || !json_string() || !json_take(':')))
			return false;
		if (!json_skip())
			return false;
	} while (json_take(','));
	return json_take(close);
}

static bool json_is(const struct snap *snap, const struct memdiag_field *field, uint64_t value)
{
	char want[32];

	if (value == MEMDIAG_ABSENT)
		return !json_is_string && !strcmp(json_token, "null");
	switch (field->type) {
	case MEMDIAG_TYPE_STR:
		return json_is_string && !strcmp(json_token, snap_string(snap, value));
	case MEMDIAG_TYPE_BOOL:
		return !json_is_string && !strcmp(json_token, value ? "true" : "false");
	case MEMDIAG_TYPE_S64:
		snprintf(want, sizeof(want), "%lld", (long long)value);
		return !json_is_string && !strcmp(json_token, want);
	default:
		if (field->type == MEMDIAG_TYPE_U64 && value == MEMDIAG_UNLIMITED)
			return json_is_string && !strcmp(json_token, "max");
		snprintf(want, sizeof(want), "%llu", (unsigned long long)value);
		return !json_is_string && !strcmp(json_token, want);
	}
}

/* One record: all fields, in their order, with their values. */
static bool json_record(const struct snap *snap, const struct memdiag_section *s, uint64_t n)
{
	unsigned int f;

	if (!json_take('{'))
		return false;
	for (f = 0; f < s->nr_fields; f++) {
		const struct memdiag_field *field = snap_field(snap, s, f);
		const char *name = snap_string(snap, field->name);

		if ((f && !json_take(',')) || !json_take('"') || !json_string() ||
		    strcmp(json_token, name) || !json_take(':') || !json_scalar()) {
			ktap_note("record %llu: %s expected", (unsigned long long)n, name);
			return false;
		}
		if (!json_is(snap, field, snap_value(snap, s, n, f))) {
			ktap_note("record %llu: %s is %s in JSON, %#llx in bytes",
				  (unsigned long long)n, name, json_token,
				  (unsigned long long)snap_value(snap, s, n, f));
			return false;
		}
	}
	return json_take('}');
}

static bool json_section(const struct snap *snap, const struct memdiag_section *s)
{
	uint64_t n;

	if (!json_take('['))
		return false;
	for (n = 0; n < s->nr_records; n++)
		if ((n && !json_take(',')) || !json_record(snap, s, n))
			return false;
	return json_take(']');
}

static char *run(const char *command)
{
	FILE *pipe = popen(command, "re");
	size_t used = 0, size = 1 << 20, n;
	char *text = malloc(size);

	while (pipe && (n = fread(text + used, 1, size - used - 1, pipe)) > 0) {
		used += n;
		if (size - used < 65536)
			text = realloc(text, size *= 2);
	}
	text[used] = '\0';
	if (pipe)
		pclose(pipe);
	return text;
}

static void json_one(const struct snap *snap, unsigned int id)
{
	const struct memdiag_section *s = snap_section(snap, id);
	const char *name = snap_string(snap, s->name);
	bool header = false, found = false, ok = true;
	char command[200], *text;

	if (!snap_has(snap, id)) {
		snprintf(command, sizeof(command),
			 "memdiagctl --input " SAVED " show %s --json 2>&1; echo status $?", name);
		text = run(command);
		ktap_ok(strstr(text, snap_string(snap, s->reason)) && strstr(text, "\nstatus 4\n"),
			"text %s: no JSON, but why not", name);
		free(text);
		return;
	}
	snprintf(command, sizeof(command), "memdiagctl --input " SAVED " show %s --json", name);
	text = run(command);
	json_at = text;
	ok = json_take('{');
	while (ok && !json_take('}')) {
		json_take(',');
		if (!json_take('"') || !json_string() || !json_take(':')) {
			ok = false;
		} else if (!strcmp(json_token, name)) {
			found = true;
			ok = json_section(snap, s);
		} else {
			header |= !strcmp(json_token, "header");
			ok = json_skip();
		}
	}
	json_space();
	ktap_ok(ok && header && !*json_at && found,
		"text %s: JSON has the %llu records of the bytes", name,
		(unsigned long long)s->nr_records);
	free(text);
}

/* CRC-32 as in zlib. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
	unsigned int bit;

	crc = ~crc;
	while (size--) {
		crc ^= *data++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void saved(void)
{
	struct memdiag_header header;
	const char *wrong;
	struct snap snap;
	unsigned int id;
	uint32_t crc;

	free(run("memdiagctl save " SAVED));
	if (snap_load(&snap, SAVED)) {
		ktap_ok(false, "text: memdiagctl saves a snapshot");
		return;
	}
	wrong = snap_check(&snap);
	ktap_ok(!wrong, "text: the saved snapshot is well-formed%s%s", wrong ? ": " : "",
		wrong ?: "");
	if (wrong)
		return;
	header = *snap_header(&snap);
	header.checksum = 0;
	crc = crc32(0, (void *)&header, sizeof(header));
	crc = crc32(crc, snap.data + sizeof(header), snap.size - sizeof(header));
	ktap_ok(snap_header(&snap)->flags & MEMDIAG_HEADER_CHECKSUM &&
			crc == snap_header(&snap)->checksum,
		"text: and has the checksum of its bytes");
	/* Without those that are only collected when asked for. */
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++)
		if (snap_section(&snap, id)->state != MEMDIAG_STATE_NOT_ASKED)
			json_one(&snap, id);
	snap_drop(&snap);
	unlink(SAVED);
}

int main(void)
{
	struct snap all;

	ktap_start();
	/* limits that are set and not set, to read as "max" */
	mkdir("/sys/fs/cgroup/text", 0755);
	mkdir("/sys/fs/cgroup/memory/text", 0755);
	snap_take(&all, (1ull << MEMDIAG_NR_SECTIONS) - 1);
	sheaves_look(&all);
	debugfs(&all);
	pieces();
	proc();
	if (access("/usr/bin/memdiagctl", X_OK))
		ktap_skip("no memdiagctl", "text: JSON");
	else
		saved();
	snap_drop(&all);
	rmdir("/sys/fs/cgroup/text");
	rmdir("/sys/fs/cgroup/memory/text");
	return ktap_end();
}
