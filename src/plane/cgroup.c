/* Groups in every hierarchy of the host; see cgroup.h. */
#include "plane/cgroup.h"

#include "base/buf.h"
#include "plane/device_program.h"
#include "plane/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum controller { CPU, CPUACCT, CPUSET, MEMORY, DEVICES, FREEZER, BLKIO, PIDS, CONTROLLERS_N };
static const char *const names_v1[CONTROLLERS_N] = { "cpu", "cpuacct", "cpuset", "memory",
	"devices", "freezer", "blkio", "pids" };

struct hierarchy {
	char dir[700]; /* …/haneul-<tag> */
	bool v2;
};
static struct hierarchy hierarchies[CONTROLLERS_N + 2];
static unsigned hierarchies_n;
static int of_controller[CONTROLLERS_N]; /* index into hierarchies; -1: nowhere */
static int unified = -1;
static struct buf all_cpus;

static int missing_files; /* O_CREAT in a tree that a test made */

static int
put(const char *dir, const char *file, const char *text)
{
	char path[900];
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC | missing_files, 0644);
	if (fd < 0)
		return -errno;
	int r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static bool
get(const char *dir, const char *file, struct buf *ret)
{
	char path[900];
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	buf_clear(ret);
	return place_read(path, ret) == 0;
}

/* Our own group in the hierarchy that has the controller (v1), or in version 2 (""). */
static void
own_group(const char *controller, char *ret, size_t cap)
{
	struct buf all = { 0 };
	snprintf(ret, cap, "/");
	place_read("/proc/self/cgroup", &all);
	for (struct str rest = buf_str(&all), line; rest.p;) {
		line = str_cut(&rest, '\n');
		str_cut(&line, ':');
		struct str list = str_cut(&line, ':');
		bool match = list.p && list.len == 0 && !*controller;
		while (list.p && list.len && !match)
			match = str_eq(str_cut(&list, ','), str_c(controller));
		/* A unit of systemd ends with all that is in its group. */
		if (match && line.len && !strstr(buf_str(&all).p, ".slice"))
			snprintf(ret, cap, "%.*s", STR_FMT(line));
	}
	buf_done(&all);
}

static void
add(const char *mount_point, const char *options, bool v2, const char *tag)
{
	char own[512], first[32];
	struct hierarchy *h = &hierarchies[hierarchies_n];
	bool used = v2;
	snprintf(first, sizeof(first), "%s", "");
	for (unsigned c = 0; c < CONTROLLERS_N && !v2; c++) {
		struct str rest = str_c(options);
		while (rest.p)
			if (str_eq(str_cut(&rest, ','), str_c(names_v1[c]))) {
				of_controller[c] = (int)hierarchies_n;
				snprintf(first, sizeof(first), "%s", names_v1[c]);
				used = true;
			}
	}
	if (!used || hierarchies_n == sizeof(hierarchies) / sizeof(hierarchies[0]))
		return;
	own_group(first, own, sizeof(own));
	snprintf(h->dir, sizeof(h->dir), "%s%s%shaneul-%s", mount_point, own,
		own[strlen(own) - 1] == '/' ? "" : "/", tag);
	h->v2 = v2;
	if (v2)
		unified = (int)hierarchies_n;
	hierarchies_n++;
}

/* A line of mountinfo: 36 35 98:0 /root /mount/point options - type source super,options */
static void
find_hierarchies(const char *tag)
{
	struct buf all = { 0 };
	hierarchies_n = 0;
	unified = -1;
	for (unsigned c = 0; c < CONTROLLERS_N; c++)
		of_controller[c] = -1;
	place_read("/proc/self/mountinfo", &all);
	for (char *save, *line = all.p ? strtok_r(all.p, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		char point[256], type[32], options[256];
		char *tail = strstr(line, " - ");
		if (!tail || sscanf(line, "%*s %*s %*s / %255s", point) != 1 ||
			sscanf(tail, " - %31s %*s %255s", type, options) != 2)
			continue;
		if (strcmp(type, "cgroup") == 0)
			add(point, options, false, tag);
		else if (strcmp(type, "cgroup2") == 0 && unified < 0)
			add(point, options, true, tag);
	}
	buf_done(&all);
}

/* -EBUSY: there are processes in the group above, and its controllers cannot be given on. */
static int
take_from_v2(void)
{
	static const char *const names_v2[CONTROLLERS_N] = { "cpu", "cpu", "cpuset", "memory", "",
		"", "io", "pids" };
	struct buf has = { 0 };
	char parent[700];
	int r = 0;
	if (unified < 0)
		return 0;
	snprintf(parent, sizeof(parent), "%s", hierarchies[unified].dir);
	*strrchr(parent, '/') = 0;
	get(parent, "cgroup.controllers", &has);
	for (unsigned c = 0; c < CONTROLLERS_N; c++) {
		char plus[16];
		if (of_controller[c] >= 0 || !*names_v2[c] || !strstr(buf_str(&has).p, names_v2[c]))
			continue;
		snprintf(plus, sizeof(plus), "+%s", names_v2[c]);
		int e = put(parent, "cgroup.subtree_control", plus);
		e = e ? e : put(hierarchies[unified].dir, "cgroup.subtree_control", plus);
		if (!e)
			of_controller[c] = unified;
		r = r ? r : e;
	}
	if (of_controller[FREEZER] < 0)
		of_controller[FREEZER] = unified;
	buf_done(&has);
	return r;
}

/* A cpuset of version 1 is empty until it is filled. */
static void
fill_cpuset(void)
{
	struct buf text = { 0 };
	char parent[700];
	int h = of_controller[CPUSET];
	if (h < 0)
		return;
	snprintf(parent, sizeof(parent), "%s", hierarchies[h].dir);
	*strrchr(parent, '/') = 0;
	bool v2 = hierarchies[h].v2;
	get(parent, v2 ? "cpuset.cpus.effective" : "cpuset.cpus", &text);
	buf_clear(&all_cpus);
	buf_add_str(&all_cpus, str_trim(buf_str(&text)));
	if (!v2) {
		put(hierarchies[h].dir, "cpuset.cpus", buf_str(&all_cpus).p);
		get(parent, "cpuset.mems", &text);
		put(hierarchies[h].dir, "cpuset.mems", text.p);
	}
	buf_done(&text);
}

/* What was found is made and divided. */
static int
open_found(char *why, size_t cap)
{
	for (unsigned i = 0; i < hierarchies_n; i++)
		if (place_mkdir(hierarchies[i].dir, 0755)) {
			snprintf(why, cap,
				"The control group %s cannot be made: %s. Machines need root and a writable /sys/fs/cgroup.",
				hierarchies[i].dir, strerror(errno));
			return -errno;
		}
	int given = take_from_v2();
	fill_cpuset();
	static const enum controller needed[] = { CPU, CPUSET, MEMORY, PIDS };
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (of_controller[needed[i]] < 0 && given == -EBUSY) {
			*strrchr(hierarchies[unified].dir, '/') = 0;
			snprintf(why, cap,
				"The control group %s has processes of its own, so its controllers cannot be given on: move them into a group below it first.",
				hierarchies[unified].dir);
			return -EBUSY;
		} else if (of_controller[needed[i]] < 0) {
			snprintf(why, cap,
				"The kernel's control group \"%s\" is not there; mount -t cgroup2 none /sys/fs/cgroup.",
				names_v1[needed[i]]);
			return -ENODEV;
		}
	return 0;
}

int
cgroup_open(const char *tag, char *why, size_t cap)
{
	find_hierarchies(tag);
	missing_files = 0;
	return open_found(why, cap);
}

int
cgroup_open_tree(const char *dir, const char *tag, char *why, size_t cap)
{
	hierarchies_n = 1;
	unified = 0;
	missing_files = O_CREAT | O_TRUNC;
	for (unsigned c = 0; c < CONTROLLERS_N; c++)
		of_controller[c] = -1;
	hierarchies[0].v2 = true;
	snprintf(hierarchies[0].dir, sizeof(hierarchies[0].dir), "%s/haneul-%s", dir, tag);
	return open_found(why, cap);
}

static void
slot_dir(char *ret, size_t cap, int h, unsigned slot)
{
	snprintf(ret, cap, "%s/%u", hierarchies[h].dir, slot);
}

/* In the hierarchy that has the controller; -ENODEV: none has. */
static int
set(enum controller c, unsigned slot, const char *v1_file, const char *v2_file, const char *text)
{
	char dir[720];
	int h = of_controller[c];
	if (h < 0 || !(hierarchies[h].v2 ? v2_file : v1_file))
		return -ENODEV;
	slot_dir(dir, sizeof(dir), h, slot);
	return put(dir, hierarchies[h].v2 ? v2_file : v1_file, text);
}

static bool
ask(enum controller c, unsigned slot, const char *v1_file, const char *v2_file, struct buf *ret)
{
	char dir[720];
	int h = of_controller[c];
	buf_clear(ret);
	if (h < 0)
		return false;
	slot_dir(dir, sizeof(dir), h, slot);
	const char *file = hierarchies[h].v2 ? v2_file : v1_file;
	return file && get(dir, file, ret);
}

int
cgroup_make(unsigned slot)
{
	char dir[720];
	int r = 0;
	for (unsigned i = 0; i < hierarchies_n && !r; i++) {
		slot_dir(dir, sizeof(dir), (int)i, slot);
		r = place_mkdir(dir, 0755);
	}
	int h = of_controller[CPUSET];
	if (!r && !hierarchies[h].v2) {
		struct buf mems = { 0 };
		slot_dir(dir, sizeof(dir), h, slot);
		get(hierarchies[h].dir, "cpuset.mems", &mems);
		r = put(dir, "cpuset.cpus", all_cpus.p);
		r = r ? r : put(dir, "cpuset.mems", buf_str(&mems).p);
		buf_done(&mems);
	}
	return r;
}

int
cgroup_enter(unsigned slot)
{
	char dir[720];
	int r = 0;
	for (unsigned i = 0; i < hierarchies_n && !r; i++) {
		slot_dir(dir, sizeof(dir), (int)i, slot);
		r = put(dir, "cgroup.procs", "0");
	}
	return r;
}

void
cgroup_delegate(unsigned slot, uint32_t uid)
{
	static const char *const files[] = { "", "/cgroup.procs", "/cgroup.subtree_control",
		"/cgroup.threads" };
	char dir[720], path[760];
	if (unified < 0)
		return;
	slot_dir(dir, sizeof(dir), unified, slot);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, files[i]);
		if (chown(path, uid, uid))
			return;
	}
}

unsigned
cgroup_cpus(unsigned *ret, unsigned max)
{
	unsigned n = 0;
	for (struct str rest = buf_str(&all_cpus); rest.p;) {
		struct str part = str_cut(&rest, ','), from = str_cut(&part, '-');
		uint64_t a, b;
		if (!str_to_u64(from, &a))
			continue;
		if (!part.p || !str_to_u64(part, &b))
			b = a;
		for (; a <= b && n < max; a++)
			ret[n++] = (unsigned)a;
	}
	return n;
}

/* Neighbours in slots get different processors as long as there are enough. */
static void
choose_cpus(unsigned slot, unsigned want, struct buf *ret)
{
	unsigned cpus[1024], n = cgroup_cpus(cpus, 1024);
	for (unsigned i = 0; i < want && i < n; i++)
		buf_printf(ret, "%s%u", i ? "," : "", cpus[(slot * want + i) % n]);
}

int
cgroup_limit(unsigned slot, const struct cgroup_limits *l)
{
	char text[64];
	struct buf cpus = { 0 };
	/* Of 100 ms; the kernel wants at least one. */
	uint32_t quota = l->cpu_milli * 100 < 1000 ? 1000 : l->cpu_milli * 100;
	snprintf(text, sizeof(text), "%u 100000", quota);
	int r = set(CPU, slot, NULL, "cpu.max", text);
	if (r == -ENODEV) {
		snprintf(text, sizeof(text), "%u", quota);
		r = set(CPU, slot, "cpu.cfs_quota_us", NULL, text);
	}
	choose_cpus(slot, l->cpus, &cpus);
	if (!r)
		r = set(CPUSET, slot, "cpuset.cpus", "cpuset.cpus", cpus.p);
	buf_done(&cpus);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)l->memory_bytes);
	/* The limit with swap may never be the lower one, also on the way. */
	set(MEMORY, slot, "memory.memsw.limit_in_bytes", NULL, "-1");
	if (!r)
		r = set(MEMORY, slot, "memory.limit_in_bytes", "memory.max", text);
	/* What is swapped is memory as well. */
	set(MEMORY, slot, "memory.memsw.limit_in_bytes", NULL, text);
	set(MEMORY, slot, NULL, "memory.swap.max", "0");
	snprintf(text, sizeof(text), "%u", l->pids);
	return r ? r : set(PIDS, slot, "pids.max", "pids.max", text);
}

/* null, zero, full, random, urandom, tty, console, ptmx, terminals, tun, fuse */
static const struct device_rule every[] = { { false, 1, 3 }, { false, 1, 5 }, { false, 1, 7 },
	{ false, 1, 8 }, { false, 1, 9 }, { false, 5, 0 }, { false, 5, 1 }, { false, 5, 2 },
	{ false, 136, -1 }, { false, 10, 200 }, { false, 10, 229 } };
#define EVERY_N (sizeof(every) / sizeof(every[0]))

/* By version 2: the disks that this process allowed, of all slots. */
static struct allowed {
	unsigned slot, major, minor;
} *disks;
static unsigned disks_n, disks_cap;

/* Without such programs no device can be made inside either: no CAP_MKNOD outside the user
 * namespace, and every file system but our own /dev is mounted nodev for good. */
static int
attach_program(unsigned slot)
{
	struct device_rule rules[DEVICE_RULES_MAX];
	char dir[720];
	unsigned n = EVERY_N;
	if (unified < 0 || missing_files)
		return 0;
	memcpy(rules, every, sizeof(every));
	for (unsigned i = 0; i < disks_n && n < DEVICE_RULES_MAX; i++)
		if (disks[i].slot == slot)
			rules[n++] = (struct device_rule){ true, (int)disks[i].major,
				(int)disks[i].minor };
	slot_dir(dir, sizeof(dir), unified, slot);
	int r = device_program_attach(dir, rules, n);
	return r == -EPERM || r == -EINVAL || r == -ENOSYS ? 0 : r;
}

int
cgroup_devices(unsigned slot)
{
	char text[64];
	int r = set(DEVICES, slot, "devices.deny", NULL, "a");
	for (unsigned i = 0; i < EVERY_N && !r; i++) {
		snprintf(text, sizeof(text), "c %d:%d rwm", every[i].major, every[i].minor);
		if (every[i].minor < 0)
			snprintf(text, sizeof(text), "c %d:* rwm", every[i].major);
		r = set(DEVICES, slot, "devices.allow", NULL, text);
	}
	return r == -ENODEV ? attach_program(slot) : r;
}

void
cgroup_devices_forget(unsigned slot)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < disks_n; i++)
		if (disks[i].slot != slot)
			disks[kept++] = disks[i];
	disks_n = kept;
}

int
cgroup_devices_again(unsigned slot)
{
	cgroup_devices_forget(slot);
	return of_controller[DEVICES] < 0 ? attach_program(slot) : 0;
}

static void
note_disk(struct allowed x, bool allow)
{
	unsigned i = 0;
	while (i < disks_n && memcmp(&disks[i], &x, sizeof(x)) != 0)
		i++;
	if (i < disks_n)
		disks[i] = disks[--disks_n];
	if (!allow)
		return;
	if (disks_n == disks_cap) {
		disks_cap = disks_cap ? disks_cap * 2 : 16;
		disks = realloc(disks, disks_cap * sizeof(*disks));
		if (!disks)
			abort();
	}
	disks[disks_n++] = x;
}

int
cgroup_device(unsigned slot, unsigned major, unsigned minor, bool allow)
{
	char text[64];
	snprintf(text, sizeof(text), "b %u:%u rwm", major, minor);
	int r = set(DEVICES, slot, allow ? "devices.allow" : "devices.deny", NULL, text);
	if (r != -ENODEV)
		return r;
	note_disk((struct allowed){ slot, major, minor }, allow);
	return attach_program(slot);
}

void
cgroup_each_block_device(
	unsigned slot, void (*each)(void *ctx, unsigned major, unsigned minor), void *ctx)
{
	struct buf b = { 0 };
	unsigned major, minor;
	ask(DEVICES, slot, "devices.list", NULL, &b);
	for (char *save, *line = b.p ? strtok_r(b.p, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "b %u:%u ", &major, &minor) == 2)
			each(ctx, major, minor);
	buf_done(&b);
}

int
cgroup_io(unsigned slot, unsigned major, unsigned minor, uint32_t iops, uint64_t bytes_a_second)
{
	static const char *const v1[] = { "blkio.throttle.read_bps_device",
		"blkio.throttle.write_bps_device", "blkio.throttle.read_iops_device",
		"blkio.throttle.write_iops_device" };
	char text[160], b[32] = "max", n[32] = "max";
	int r = 0;
	for (unsigned i = 0; i < 4 && !r; i++) {
		snprintf(text, sizeof(text), "%u:%u %llu", major, minor,
			(unsigned long long)(i < 2 ? bytes_a_second : iops));
		r = set(BLKIO, slot, v1[i], NULL, text);
	}
	if (r != -ENODEV)
		return r;
	if (bytes_a_second)
		snprintf(b, sizeof(b), "%llu", (unsigned long long)bytes_a_second);
	if (iops)
		snprintf(n, sizeof(n), "%u", iops);
	snprintf(text, sizeof(text), "%u:%u rbps=%s wbps=%s riops=%s wiops=%s", major, minor, b, b,
		n, n);
	return set(BLKIO, slot, NULL, "io.max", text);
}

/* The number behind `key` in lines of "key number". */
static uint64_t
keyed(const struct buf *b, const char *key)
{
	for (struct str rest = buf_str(b); rest.p;) {
		struct str line = str_cut(&rest, '\n'), name = str_cut(&line, ' ');
		uint64_t v;
		if (str_eq(name, str_c(key)) && line.p && str_to_u64(str_trim(line), &v))
			return v;
	}
	return 0;
}

/* Sums over devices: "8:0 Read 123" or "8:0 rbytes=123 wbytes=45 …". */
static void
io_bytes(unsigned slot, struct buf *b, struct cgroup_usage *u)
{
	if (!ask(BLKIO, slot, "blkio.throttle.io_service_bytes_recursive", "io.stat", b))
		return;
	for (char *save, *w = b->p ? strtok_r(b->p, " \n", &save) : NULL; w;
		w = strtok_r(NULL, " \n", &save)) {
		char *number = strncmp(w, "rbytes=", 7) == 0 || strncmp(w, "wbytes=", 7) == 0
				       ? w + 7
			       : strcmp(w, "Read") == 0 || strcmp(w, "Write") == 0
				       ? strtok_r(NULL, " \n", &save)
				       : NULL;
		if (number)
			*(*w == 'r' || *w == 'R' ? &u->read_bytes : &u->write_bytes) +=
				strtoull(number, NULL, 10);
	}
}

bool
cgroup_usage(unsigned slot, struct cgroup_usage *ret)
{
	struct buf b = { 0 };
	memset(ret, 0, sizeof(*ret));
	bool there = ask(PIDS, slot, "pids.current", "pids.current", &b);
	ret->processes = (uint32_t)strtoul(buf_str(&b).p, NULL, 10);
	if (ask(MEMORY, slot, "memory.usage_in_bytes", "memory.current", &b))
		ret->memory_bytes = strtoull(buf_str(&b).p, NULL, 10);
	if (ask(MEMORY, slot, "memory.oom_control", "memory.events", &b))
		ret->oom_kills = keyed(&b, "oom_kill");
	if (ask(CPUACCT, slot, "cpuacct.usage", "cpu.stat", &b))
		ret->cpu_us = of_controller[CPUACCT] >= 0 && hierarchies[of_controller[CPUACCT]].v2
				      ? keyed(&b, "usage_usec")
				      : strtoull(buf_str(&b).p, NULL, 10) / 1000;
	if (ask(FREEZER, slot, "freezer.state", "cgroup.freeze", &b))
		ret->frozen = b.len && (b.p[0] == '1' || str_starts(buf_str(&b), STR("FRO")));
	io_bytes(slot, &b, ret);
	buf_done(&b);
	return there;
}

static void
each_pid(unsigned slot, void (*each)(void *ctx, int pid), void *ctx)
{
	struct buf b = { 0 };
	ask(PIDS, slot, "cgroup.procs", "cgroup.procs", &b);
	for (char *save, *w = b.p ? strtok_r(b.p, "\n", &save) : NULL; w;
		w = strtok_r(NULL, "\n", &save))
		each(ctx, (int)strtol(w, NULL, 10));
	buf_done(&b);
}

struct search {
	int pid;
	bool found;
};
static void
compare(void *ctx, int pid)
{
	struct search *s = ctx;
	s->found |= s->pid == pid;
}

bool
cgroup_has(unsigned slot, int pid)
{
	struct search s = { pid, false };
	each_pid(slot, compare, &s);
	return s.found;
}

static void
kill_one(void *ctx, int pid)
{
	(void)ctx;
	if (pid > 1)
		kill(pid, SIGKILL);
}

void
cgroup_kill(unsigned slot)
{
	if (set(FREEZER, slot, NULL, "cgroup.kill", "1"))
		each_pid(slot, kill_one, NULL);
}

void
cgroup_freeze(unsigned slot, bool frozen)
{
	if (set(FREEZER, slot, NULL, "cgroup.freeze", frozen ? "1" : "0") == -ENODEV)
		set(FREEZER, slot, "freezer.state", NULL, frozen ? "FROZEN" : "THAWED");
	for (unsigned i = 0; frozen && i < 100; i++) {
		struct buf b = { 0 };
		ask(FREEZER, slot, "freezer.state", "cgroup.events", &b);
		bool is = str_starts(buf_str(&b), STR("FROZEN")) || keyed(&b, "frozen") == 1;
		buf_done(&b);
		if (is)
			return;
		usleep(500);
	}
}

static int
remove_groups(const char *dir, unsigned depth)
{
	DIR *d = opendir(dir);
	char path[1000];
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *e; (e = readdir(d)) && depth < 32;)
		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			remove_groups(path, depth + 1);
	closedir(d);
	return rmdir(dir) && errno != ENOENT ? -errno : 0;
}

int
cgroup_remove(unsigned slot)
{
	char dir[720];
	int r = 0;
	for (unsigned i = 0; i < hierarchies_n; i++) {
		slot_dir(dir, sizeof(dir), (int)i, slot);
		int one = remove_groups(dir, 0);
		r = r ? r : one;
	}
	return r;
}

void
cgroup_list(void (*each)(void *ctx, unsigned slot), void *ctx)
{
	bool seen[SLOTS_MAX] = { 0 };
	for (unsigned i = 0; i < hierarchies_n; i++) {
		DIR *d = opendir(hierarchies[i].dir);
		for (struct dirent *e; d && (e = readdir(d));) {
			uint64_t slot;
			if (!str_to_u64(str_c(e->d_name), &slot) || slot >= SLOTS_MAX || seen[slot])
				continue;
			seen[slot] = true;
			each(ctx, (unsigned)slot);
		}
		if (d)
			closedir(d);
	}
}

void
cgroup_close_all(void)
{
	for (unsigned i = 0; i < hierarchies_n; i++)
		rmdir(hierarchies[i].dir);
}
