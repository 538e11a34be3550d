// SPDX-License-Identifier: GPL-2.0-only
/*
 * load [SECONDS] - snapshots while the machine works (15 s if not said)
 *
 * Processes, files, sockets, mappings and cgroups come and go; two threads take
 * snapshots of everything meanwhile, and each must be well-formed and true in
 * itself, and not behind the one before. The module is unloaded at the end.
 *
 * Keys may repeat in one place: the kernel lets two slab caches have one name.
 * Then /proc/slabinfo has the name twice as well, and nothing else may repeat.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"
#include "mod.h"
#include "snap.h"

#define VMSTAT_TEXT	(128 << 10)
#define MAX_COUNTERS	512
#define MAX_KEY		600
#define NR_SNAPPERS	2

static atomic_bool stop;
static const char *self;

/* --- churn: each in a process of its own -------------------------------- */

static void churn_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		execl(self, self, "nothing", NULL);
		_exit(1);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void churn_files(void)
{
	static char data[3 * 4096];
	char name[40];
	int i, fd;

	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "/tmp/load-%d", i);
		fd = open(name, O_CREAT | O_RDWR, 0600);
		if (fd < 0 || write(fd, data, sizeof(data)) < 0)
			_exit(1);
		close(fd);
	}
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "/tmp/load-%d", i);
		unlink(name);
	}
}

static void churn_sockets(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(to);
	int i, pair[2], udp;
	char data[700] = "";

	for (i = 0; i < 20; i++) {
		if (!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) {
			if (send(pair[0], data, sizeof(data), 0) > 0)
				recv(pair[1], data, sizeof(data), 0);
			close(pair[0]);
			close(pair[1]);
		}
		udp = socket(AF_INET, SOCK_DGRAM, 0);
		if (udp < 0)
			continue;
		to.sin_port = 0;
		if (!bind(udp, (void *)&to, size) && !getsockname(udp, (void *)&to, &size))
			/* left unread every other time */
			if (sendto(udp, data, sizeof(data), 0, (void *)&to, size) > 0 && i % 2)
				recv(udp, data, sizeof(data), MSG_DONTWAIT);
		close(udp);
	}
}

static void *churn_map_thread(void *arg)
{
	size_t size = 1 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (p == MAP_FAILED)
		return NULL;
	for (i = 0; i < size; i += 4096)
		p[i] = 1;
	munmap(p, size);
	return NULL;
}

static void churn_maps(void)
{
	pthread_t threads[4];
	unsigned int i, n = 0;

	for (i = 0; i < 4; i++)
		n += !pthread_create(&threads[n], NULL, churn_map_thread, NULL);
	while (n)
		pthread_join(threads[--n], NULL);
}

static const char *cgroup_root;

static void churn_cgroups(void)
{
	char dir[120], procs[160], file[60];
	static unsigned int number;
	pid_t pid;
	int fd;

	snprintf(dir, sizeof(dir), "%s/load-%u", cgroup_root, number++);
	if (mkdir(dir, 0755))
		_exit(1);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	snprintf(file, sizeof(file), "/tmp/load-cgroup-%u", number % 8);
	pid = fork();
	if (!pid) {
		if (file_write(procs, "0"))
			_exit(1);
		/* the file outlives the cgroup, which therefore lingers on */
		unlink(file);
		fd = open(file, O_CREAT | O_WRONLY, 0600);
		if (fd < 0 || write(fd, dir, sizeof(dir)) < 0)
			_exit(1);
		churn_map_thread(NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	rmdir(dir);
}

static const struct {
	const char *name;
	void (*run)(void);
} churns[] = {
	{ "processes", churn_fork }, { "files", churn_files },	   { "sockets", churn_sockets },
	{ "mappings", churn_maps },  { "cgroups", churn_cgroups },
};

#define NR_CHURNS (sizeof(churns) / sizeof(churns[0]))

/* How often each came round, shared with the processes. */
static atomic_ulong *churned;

static pid_t churn_start(unsigned int i)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;) {
		churns[i].run();
		churned[i]++;
	}
}

/* --- snapshots ---------------------------------------------------------- */

/**
 * struct snapper - a thread that takes snapshots
 * @wrong: the first thing that was wrong
 * @taken: number of snapshots
 * @nr: counters of the last one, @last, in the order of the section
 * @compared: counters that were compared
 */
struct snapper {
	pthread_t thread;
	char wrong[400];
	unsigned long taken;
	unsigned long compared;
	unsigned int nr;
	uint64_t last[MAX_COUNTERS];
	char before[VMSTAT_TEXT];
	char after[VMSTAT_TEXT];
};

#define wrong(s, ...) \
	((s)->wrong[0] ? 0 : snprintf((s)->wrong, sizeof((s)->wrong), __VA_ARGS__))

/* Not file_read(): that is for one thread. */
static bool read_vmstat(char *text)
{
	int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (used < VMSTAT_TEXT - 1 && (n = read(fd, text + used, VMSTAT_TEXT - 1 - used)) > 0)
		used += n;
	close(fd);
	text[used] = '\0';
	return used;
}

/* The number in line @n, which must be @name's. */
static bool vmstat_line(const char *text, unsigned int n, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	while (n-- && text)
		text = (text = strchr(text, '\n')) ? text + 1 : NULL;
	if (!text || strncmp(text, name, length) || text[length] != ' ')
		return false;
	*value = strtoull(text + length, NULL, 10);
	return true;
}

static void judge_counters(struct snapper *s, const struct snap *snap)
{
	const struct memdiag_section *section = snap_section(snap, MEMDIAG_SEC_VMSTAT);
	bool first = !s->nr;
	uint64_t n, low, high;

	for (n = 0; n < section->nr_records && n < MAX_COUNTERS; n++) {
		const char *name = snap_get_string(snap, section, n, "name");
		uint64_t value = snap_get(snap, section, n, "value");

		if (strcmp(snap_get_string(snap, section, n, "kind"), "counter"))
			continue;
		s->compared++;
		if (!first && value < s->last[n])
			wrong(s, "%s fell from %" PRIu64 " to %" PRIu64, name, s->last[n], value);
		s->last[n] = value;
		if (!vmstat_line(s->before, n, name, &low) || !vmstat_line(s->after, n, name, &high))
			wrong(s, "%s is not in line %" PRIu64 " of /proc/vmstat", name, n + 1);
		else if (value < low || value > high)
			wrong(s, "%s is %" PRIu64 ", in /proc/vmstat it was %" PRIu64 " and %" PRIu64,
			      name, value, low, high);
	}
	s->nr = n;
}

static void judge_bounds(struct snapper *s, const struct snap *snap)
{
	const struct memdiag_section *section = snap_section(snap, MEMDIAG_SEC_ZONE);
	uint64_t n;

	for (n = 0; n < section->nr_records; n++)
		if (snap_get(snap, section, n, "free") > snap_get(snap, section, n, "managed"))
			wrong(s, "zone %s: free %" PRIu64 " of %" PRIu64,
			      snap_get_string(snap, section, n, "name"),
			      snap_get(snap, section, n, "free"),
			      snap_get(snap, section, n, "managed"));
	section = snap_section(snap, MEMDIAG_SEC_SLAB);
	for (n = 0; n < section->nr_records; n++)
		if (snap_get(snap, section, n, "active_objs") >
		    snap_get(snap, section, n, "num_objs"))
			wrong(s, "slab %s: %" PRIu64 " active of %" PRIu64,
			      snap_get_string(snap, section, n, "name"),
			      snap_get(snap, section, n, "active_objs"),
			      snap_get(snap, section, n, "num_objs"));
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The values of the fields that are keys, as one string. */
static char *make_key(const struct snap *snap, const struct memdiag_section *section, uint64_t n)
{
	char key[MAX_KEY] = "";
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < section->nr_fields && used < sizeof(key); i++) {
		const struct memdiag_field *f = snap_field(snap, section, i);
		uint64_t value = snap_value(snap, section, n, i);

		if (!(f->flags & MEMDIAG_FIELD_KEY))
			continue;
		if (value == MEMDIAG_ABSENT)
			used += snprintf(key + used, sizeof(key) - used, "- ");
		else if (f->type == MEMDIAG_TYPE_STR)
			used += snprintf(key + used, sizeof(key) - used, "'%s' ",
					 snap_string(snap, value));
		else
			used += snprintf(key + used, sizeof(key) - used, "%" PRIu64 " ", value);
	}
	return strdup(key);
}

static void judge_keys(struct snapper *s, const struct snap *snap, unsigned int id)
{
	const struct memdiag_section *section = snap_section(snap, id);
	uint64_t n, nr = section->nr_records;
	char **keys = calloc(nr + 1, sizeof(*keys));

	if (!keys)
		ktap_bail("no memory");
	for (n = 0; n < nr; n++)
		keys[n] = make_key(snap, section, n);
	qsort(keys, nr, sizeof(*keys), compare_keys);
	for (n = 1; n < nr; n++)
		if (!strcmp(keys[n - 1], keys[n]))
			wrong(s, "section %s has %stwice", snap_string(snap, section->name), keys[n]);
	for (n = 0; n < nr; n++)
		free(keys[n]);
	free(keys);
}

static void judge(struct snapper *s, const struct snap *snap)
{
	const char *malformed = snap_check(snap);
	unsigned int id;

	if (malformed) {
		wrong(s, "not well-formed: %s", malformed);
		return;
	}
	judge_counters(s, snap);
	judge_bounds(s, snap);
	for (id = 0; id < MEMDIAG_NR_SECTIONS; id++) {
		const struct memdiag_section *section = snap_section(snap, id);

		if (section->error == -EAGAIN || section->error == -EINVAL ||
		    section->error == -EIO)
			wrong(s, "section %s: %s", snap_string(snap, section->name),
			      snap_string(snap, section->reason));
		judge_keys(s, snap, id);
	}
}

static void *snapper(void *arg)
{
	struct snapper *s = arg;
	struct snap snap;
	int error = snap_open(&snap);

	if (error) {
		wrong(s, "open: %s", strerror(-error));
		return NULL;
	}
	while (!stop && !s->wrong[0]) {
		if (!read_vmstat(s->before))
			wrong(s, "/proc/vmstat cannot be read");
		error = snap_collect(&snap, 0);
		if (error || !read_vmstat(s->after)) {
			wrong(s, "SNAPSHOT: %s", strerror(-error));
			break;
		}
		s->taken++;
		judge(s, &snap);
	}
	snap_drop(&snap);
	return NULL;
}

static void load_run(unsigned int seconds)
{
	static struct snapper snappers[NR_SNAPPERS];
	pid_t pids[NR_CHURNS];
	unsigned int i;

	cgroup_root = access("/sys/fs/cgroup/memory/cgroup.procs", F_OK) ?
			      "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
	for (i = 0; i < NR_CHURNS; i++)
		pids[i] = churn_start(i);
	for (i = 0; i < NR_SNAPPERS; i++)
		if (pthread_create(&snappers[i].thread, NULL, snapper, &snappers[i]))
			ktap_bail("no thread");
	sleep(seconds);
	stop = true;
	for (i = 0; i < NR_SNAPPERS; i++)
		pthread_join(snappers[i].thread, NULL);
	for (i = 0; i < NR_CHURNS; i++)
		if (pids[i] > 0) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
	for (i = 0; i < NR_CHURNS; i++)
		ktap_ok(churned[i] > 0, "load: %s came and went, %lu times", churns[i].name,
			churned[i]);
	for (i = 0; i < NR_SNAPPERS; i++) {
		if (!ktap_ok(!snappers[i].wrong[0] && snappers[i].taken > 1 && snappers[i].compared,
			     "load: thread %u: %lu snapshots, %lu counters compared", i,
			     snappers[i].taken, snappers[i].compared))
			ktap_note("%s", snappers[i].wrong);
	}
}

/* The twin: the judge does find what it looks for. A copy of a snapshot is spoilt. */
static void load_spoilt(void)
{
	static struct snapper s[5];
	struct snap snap, copy;
	const struct memdiag_section *section;
	uint64_t *record, value = 1ull << 60;
	uint8_t *data;
	int field;

	snap_take(&snap, 0);
	data = malloc(snap.size);
	if (!data || !read_vmstat(s[0].before))
		ktap_bail("no memory, or no /proc/vmstat");
	copy = snap;
	copy.data = data;

	memcpy(data, snap.data, snap.size);
	judge_bounds(&s[0], &copy);
	judge_keys(&s[0], &copy, MEMDIAG_SEC_ZONE);
	judge_keys(&s[0], &copy, MEMDIAG_SEC_VMALLOC);
	ktap_ok(!s[0].wrong[0], "load: twin: nothing is found in a good snapshot");

	section = snap_section(&copy, MEMDIAG_SEC_ZONE);
	field = snap_field_named(&copy, section, "free");
	record = (uint64_t *)(data + section->records + snap_field(&copy, section, field)->offset);
	*record = value;
	judge_bounds(&s[1], &copy);
	ktap_ok(s[1].wrong[0], "load: twin: free above managed is found");

	memcpy(data, snap.data, snap.size);
	section = snap_section(&copy, MEMDIAG_SEC_VMALLOC);
	memcpy(data + section->records + section->record_size, data + section->records,
	       section->record_size);
	judge_keys(&s[2], &copy, MEMDIAG_SEC_VMALLOC);
	ktap_ok(s[2].wrong[0], "load: twin: an area reported twice is found");

	memcpy(data, snap.data, snap.size);
	memcpy(s[3].before, s[0].before, VMSTAT_TEXT);
	read_vmstat(s[3].after);
	memset(s[3].last, 0x7f, sizeof(s[3].last));
	s[3].nr = 1;
	judge_counters(&s[3], &copy);
	ktap_ok(s[3].wrong[0], "load: twin: a counter that fell is found");

	read_vmstat(s[4].before);
	read_vmstat(s[4].after);
	judge_counters(&s[4], &copy);
	ktap_ok(s[4].wrong[0], "load: twin: a counter that is behind is found");
	free(data);
	snap_drop(&snap);
}

static void load_unload(void)
{
	int error = mod_unload("memdiag");

	ktap_ok(!error && access(SNAP_DEVICE, F_OK), "load: the module is unloaded: %s",
		strerror(-error));
	error = mod_load(MEMDIAG_KO, "");
	ktap_ok(!error, "load: and loaded again: %s", strerror(-error));
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 15;

	if (argc > 1 && !strcmp(argv[1], "nothing"))
		return 0;
	self = "/proc/self/exe";
	churned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (churned == MAP_FAILED)
		return 1;
	ktap_start();
	load_spoilt();
	load_run(seconds ?: 15);
	load_unload();
	return ktap_end();
}
