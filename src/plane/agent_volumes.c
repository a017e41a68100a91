/* Volumes and snapshots of the agent. A machine's root is a folder, a disk is a file; both have ids
 * of one kind. */
#include "plane/agent_impl.h"

#include "base/log.h"
#include "plane/cgroup.h"
#include "plane/image_store.h"
#include "plane/machine_pack.h"
#include "plane/network_pack.h"
#include "plane/volume_file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LOOP_MAJOR 7
#define DETACH_LOOK_MS 100
#define DETACH_LOOKS 200

static bool
is_there(const struct place *p, const char *folder, struct str id, const char *rest)
{
	char path[PLACE_MAX];
	place_path(p, path, folder, id, rest);
	return access(path, F_OK) == 0;
}

static bool
valid(struct agent_request *r, struct str id, struct str other)
{
	if (!agent_args_end(r))
		return false;
	if (plane_id_ok(id) && (!other.len || plane_id_ok(other)))
		return true;
	agent_fail(r, -EINVAL, "That is no id of a volume or snapshot.");
	return false;
}

/* --- in jobs: what takes long --- */

struct volume_work {
	char from[PLACE_MAX], to[PLACE_MAX];
	uint64_t bytes;     /* at least so long; 0: as it is */
	unsigned slot;      /* of the machine that stands still meanwhile */
	bool is_root, frozen;
};

/* Everything as it is: ids, links, attributes, holes; blocks are shared where the file system
 * can. */
static int
copy_root(const char *from, const char *to, struct job_result *r)
{
	struct buf said = { 0 };
	char source[PLACE_MAX + 4], part[PLACE_MAX + 8], work[PLACE_MAX + 16];
	snprintf(source, sizeof(source), "%s/.", from);
	snprintf(part, sizeof(part), "%s.new", to);
	snprintf(work, sizeof(work), "%s/work", part);
	place_remove_tree(part);
	int e = mkdir(part, 0755) ? -errno
				  : job_program((char *[]){ "cp", "-a", "--reflink=auto", source,
							part, NULL },
					    &said);
	if (e > 0)
		job_fail(r, -EIO, "The copy failed: %.*s", STR_FMT(str_trim(buf_str(&said))));
	else if (e < 0)
		job_fail(r, e, "The copy failed: %s.", strerror(-e));
	else if (place_remove_tree(work) || mkdir(work, 0755) || rename(part, to))
		job_fail(r, -errno, "The copy cannot be kept: %s.", strerror(errno));
	if (r->status)
		place_remove_tree(part);
	buf_done(&said);
	return r->status;
}

static void
copy_job(void *request, struct job_result *r)
{
	struct volume_work *k = ((struct agent_request *)request)->work;
	if (k->is_root) {
		copy_root(k->from, k->to, r);
		r->bytes = place_tree_bytes(k->to);
		return;
	}
	int e = volume_file_copy(k->from, k->to, &r->bytes);
	if (!e && k->bytes && (e = volume_file_grow(k->to, k->bytes, -1)) == -EINVAL)
		e = 0; /* the snapshot is of a larger one */
	if (e)
		job_fail(r, e, "The copy failed: %s.", strerror(-e));
}

static void
remove_job(void *request, struct job_result *r)
{
	struct volume_work *k = ((struct agent_request *)request)->work;
	int e = place_remove_tree(k->from);
	if (e)
		job_fail(r, e, "%s cannot be removed: %s.", k->from, strerror(-e));
}

static void
thaw(struct agent_request *r, const struct job_result *result)
{
	struct volume_work *k = r->work;
	(void)result;
	if (k->frozen)
		cgroup_freeze(k->slot, false);
}

static struct volume_work *
work_of(struct agent_request *r)
{
	r->work = arena_new(&r->arena, struct volume_work);
	return r->work;
}

/* Gone at once under its own name; the rest is a job. */
static void
remove_later(struct agent *a, struct agent_request *r, const char *folder, struct str id)
{
	struct volume_work *k = work_of(r);
	char path[PLACE_MAX], name[PLACE_MAX];
	struct stat st;
	place_path(&a->place, path, folder, id, "");
	if (lstat(path, &st)) {
		agent_ok(r);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (unlink(path))
			agent_fail(r, -errno, "%s cannot be removed: %s.", path, strerror(errno));
		else
			agent_ok(r);
		return;
	}
	snprintf(name, sizeof(name), ".gone-%.*s", STR_FMT(id));
	place_path(&a->place, k->from, folder, str_c(name), "");
	place_remove_tree(k->from);
	if (rename(path, k->from))
		agent_fail(r, -errno, "%s cannot be removed: %s.", path, strerror(errno));
	else
		agent_job(r, remove_job, STR(""));
}

/* --- volumes --- */

void
agent_volume_create(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args), snapshot;
	uint64_t bytes = unpack_u64(&r->args);
	snapshot = unpack_str(&r->args);
	if (!valid(r, id, snapshot))
		return;
	struct volume_work *k = work_of(r);
	k->bytes = bytes;
	k->is_root = snapshot.len && is_there(&a->place, "snapshots", snapshot, "/layers");
	place_path(&a->place, k->to, k->is_root ? "roots" : "volumes", id, "");
	place_path(&a->place, k->from, "snapshots", snapshot, "");
	if (is_there(&a->place, "volumes", id, "") || is_there(&a->place, "roots", id, "")) {
		agent_ok(r);
	} else if (!snapshot.len) {
		int e = volume_file_make(k->to, bytes);
		if (e)
			agent_fail(r, e, "The volume cannot be made: %s.", strerror(-e));
		else
			agent_ok(r);
	} else if (access(k->from, F_OK)) {
		agent_fail(r, -ENOENT, "The snapshot %.*s is not there.", STR_FMT(snapshot));
	} else {
		agent_job(r, copy_job, STR(""));
	}
}

void
agent_volume_resize(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	uint64_t bytes = unpack_u64(&r->args);
	char path[PLACE_MAX];
	if (!valid(r, id, STR("")))
		return;
	struct attached *t = map_get(&a->attached, id);
	place_path(&a->place, path, "volumes", id, "");
	/* A root is a folder and has the room that its disk has. */
	int e = is_there(&a->place, "roots", id, "")
			? 0
			: volume_file_grow(path, bytes, t ? (int)t->loop_minor : -1);
	if (e)
		agent_fail(r, e, "The volume %.*s cannot become %llu bytes long: %s.", STR_FMT(id),
			(unsigned long long)bytes, strerror(-e));
	else
		agent_ok(r);
}

static struct machine *
machine_of_root(struct agent *a, struct str volume)
{
	void *v;
	for (size_t at = 0; map_next(&a->machines, &at, NULL, &v);)
		if (str_eq(((struct machine *)v)->m.root_volume, volume))
			return v;
	return NULL;
}

void
agent_volume_remove(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	if (!valid(r, id, STR("")))
		return;
	struct attached *t = map_get(&a->attached, id);
	struct machine *m = machine_of_root(a, id);
	if (t || m)
		agent_fail(r, -EBUSY, "The volume %.*s is in use by %s.", STR_FMT(id),
			t ? t->machine : m->id);
	else
		remove_later(a, r, is_there(&a->place, "roots", id, "") ? "roots" : "volumes", id);
}

/* --- attaching --- */

static int
device_node(struct machine *m, const struct attached *t, bool make)
{
	const char *name = t->device + strlen("/dev/");
	int dev = machine_in(m, "r/dev", O_PATH | O_DIRECTORY), r = 0;
	if (dev < 0)
		return dev;
	unlinkat(dev, name, 0); /* whatever its owner put there */
	if (make && (mknodat(dev, name, S_IFBLK | 0660, makedev(LOOP_MAJOR, t->loop_minor)) ||
			    fchownat(dev, name, SLOT_UID(m->keeper.slot), SLOT_UID(m->keeper.slot),
				    AT_SYMLINK_NOFOLLOW)))
		r = -errno;
	close(dev);
	return r;
}

static int
attach_device(struct agent *a, struct machine *m, const struct plane_disk *d, struct attached *t)
{
	char path[PLACE_MAX];
	place_path(&a->place, path, "volumes", d->volume, "");
	int r = loop_device_find(path, &t->loop_minor) ? 0
						       : loop_device_attach(path, &t->loop_minor);
	if (r)
		return r;
	r = cgroup_device(m->keeper.slot, LOOP_MAJOR, t->loop_minor, true);
	if (!r && (d->iops || d->bytes_a_second))
		r = cgroup_io(
			m->keeper.slot, LOOP_MAJOR, t->loop_minor, d->iops, d->bytes_a_second);
	r = r ? r : device_node(m, t, true);
	if (r)
		loop_device_detach(t->loop_minor, path);
	return r;
}

int
volumes_attach(
	struct agent *a, struct machine *m, const struct plane_disk *d, char *why, size_t cap)
{
	struct attached *t = map_get(&a->attached, d->volume);
	if (t && strcmp(t->machine, m->id) == 0)
		return 0;
	if (t) {
		snprintf(why, cap, "The volume %.*s is attached to %s.", STR_FMT(d->volume),
			t->machine);
		return -EBUSY;
	}
	if (!is_there(&a->place, "volumes", d->volume, "")) {
		snprintf(why, cap, "The volume %.*s is not there.", STR_FMT(d->volume));
		return -ENOENT;
	}
	t = calloc(1, sizeof(*t));
	assert(t);
	snprintf(t->volume, sizeof(t->volume), "%.*s", STR_FMT(d->volume));
	snprintf(t->machine, sizeof(t->machine), "%s", m->id);
	snprintf(t->device, sizeof(t->device), "%.*s", STR_FMT(d->device));
	int r = attach_device(a, m, d, t);
	if (r) {
		snprintf(
			why, cap, "The volume %s cannot be attached: %s.", t->volume, strerror(-r));
		free(t);
		return r;
	}
	map_put(&a->attached, str_c(t->volume), t);
	map_put(&m->disks, str_c(t->volume), t);
	return 0;
}

void
volumes_adopt(struct agent *a, struct machine *m, const struct attached *d)
{
	char path[PLACE_MAX];
	struct attached *t = calloc(1, sizeof(*t));
	assert(t);
	*t = *d;
	snprintf(t->machine, sizeof(t->machine), "%s", m->id);
	place_path(&a->place, path, "volumes", str_c(t->volume), "");
	loop_device_find(path, &t->loop_minor);
	map_put(&a->attached, str_c(t->volume), t);
	map_put(&m->disks, str_c(t->volume), t);
}

static bool
has_minor(const struct machine *m, unsigned minor)
{
	void *v;
	for (size_t at = 0; map_next(&m->disks, &at, NULL, &v);)
		if (((struct attached *)v)->loop_minor == minor)
			return true;
	return false;
}

static void
deny_unknown(void *ctx, unsigned major, unsigned minor)
{
	struct machine *m = ctx;
	if (major == LOOP_MAJOR && !has_minor(m, minor))
		cgroup_device(m->keeper.slot, major, minor, false);
}

/* An attachment that was cut off: the device's number may be another volume's soon. */
static void
take_back_unknown(struct machine *m)
{
	struct stat st;
	void *v;
	int err = cgroup_devices_again(m->keeper.slot);
	if (err)
		log_warn("agent.devices", log_c("machine", m->id), log_errno("why", err));
	for (size_t at = 0; map_next(&m->disks, &at, NULL, &v);)
		cgroup_device(
			m->keeper.slot, LOOP_MAJOR, ((struct attached *)v)->loop_minor, true);
	int dev = machine_in(m, "r/dev", O_RDONLY | O_DIRECTORY);
	cgroup_each_block_device(m->keeper.slot, deny_unknown, m);
	DIR *d = dev < 0 ? NULL : fdopendir(dev);
	for (struct dirent *e; d && (e = readdir(d));)
		if (fstatat(dev, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISBLK(st.st_mode) && major(st.st_rdev) == LOOP_MAJOR &&
			!has_minor(m, minor(st.st_rdev)))
			unlinkat(dev, e->d_name, 0);
	if (d)
		closedir(d);
	else if (dev >= 0)
		close(dev);
}

static void
detach_unknown(void *ctx, unsigned minor, const char *path)
{
	struct agent *a = ctx;
	void *v;
	for (size_t at = 0; map_next(&a->attached, &at, NULL, &v);)
		if (((struct attached *)v)->loop_minor == minor)
			return;
	log_info("agent.device", log_uint("loop", minor), log_c("of", path));
	loop_device_detach(minor, path);
}

/* Copies and removals that ended with their agent. */
static void
remove_begun(struct agent *a, const char *folder)
{
	char path[PLACE_MAX];
	place_path(&a->place, path, folder, STR(""), "");
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct str name = str_c(e->d_name);
		if (!str_starts(name, STR(".gone-")) && !str_ends(name, STR(".new")))
			continue;
		place_path(&a->place, path, folder, name, "");
		log_info("agent.begun", log_c("path", path));
		place_remove_tree(path);
	}
	if (d)
		closedir(d);
}

void
volumes_sweep(struct agent *a)
{
	static const char *const folders[] = { "roots", "volumes", "snapshots" };
	void *v;
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		remove_begun(a, folders[i]);
	for (size_t at = 0; map_next(&a->machines, &at, NULL, &v);)
		take_back_unknown(v);
	loop_device_each_below(a->place.dir, detach_unknown, a);
}

static void
let_go(struct agent *a, struct machine *m, struct attached *t)
{
	char path[PLACE_MAX];
	place_path(&a->place, path, "volumes", str_c(t->volume), "");
	loop_device_detach(t->loop_minor, path);
	map_take(&a->attached, str_c(t->volume));
	map_take(&m->disks, str_c(t->volume));
	free(t);
}

void
volumes_forget(struct agent *a, struct machine *m)
{
	void *v;
	for (size_t at = 0; map_next(&m->disks, &at, NULL, &v); at = 0)
		let_go(a, m, v);
}

void
agent_volume_attach(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	struct plane_disk d;
	char why[PLANE_WHY_MAX] = "";
	unpack_disk(&r->args, &d);
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	if (!m || m->phase != MACHINE_RUNNING) {
		agent_fail(r, -ENOENT, "The machine %.*s does not run.", STR_FMT(id));
		return;
	}
	int e = volumes_attach(a, m, &d, why, sizeof(why));
	machine_save(m);
	if (e)
		agent_fail(r, e, "%s", why);
	else
		agent_ok(r);
}

/* Where the machine has it mounted: "" nowhere. */
static void
mounted_at(const struct machine *m, unsigned minor, char ret[256])
{
	char path[64], device[16];
	struct buf b = { 0 };
	ret[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)m->init_pid);
	snprintf(device, sizeof(device), "7:%u", minor);
	if (place_read(path, &b) == 0)
		for (struct str rest = buf_str(&b); rest.p && !ret[0];) {
			struct str line = str_cut(&rest, '\n');
			str_cut(&line, ' ');
			str_cut(&line, ' ');
			struct str is = str_cut(&line, ' ');
			str_cut(&line, ' ');
			struct str at = str_cut(&line, ' ');
			if (str_eq(is, str_c(device)))
				snprintf(ret, 256, "%.*s", STR_FMT(at));
		}
	buf_done(&b);
}

static void
detached(struct agent *a, struct agent_request *r, struct machine *m, struct attached *t)
{
	cgroup_device(m->keeper.slot, LOOP_MAJOR, t->loop_minor, false);
	cgroup_io(m->keeper.slot, LOOP_MAJOR, t->loop_minor, 0, 0);
	let_go(a, m, t);
	machine_save(m);
	agent_ok(r);
}

/* A virtual machine gives a disk back some time after it was told so; until then it may write. What
 * it has is a file beside its monitor (guest/vm_host.c). */
struct detaching {
	struct loop_timer timer; /* first */
	struct agent_request *r;
	struct str machine, volume;
	unsigned looks;
};

static void
detach_look(struct loop_timer *timer)
{
	struct detaching *d = (struct detaching *)timer;
	struct agent *a = d->r->agent;
	struct machine *m = machine_find(a, d->machine);
	struct attached *t = m ? map_get(&m->disks, d->volume) : NULL;
	char path[64];
	if (!t) {
		agent_ok(d->r);
		return;
	}
	snprintf(path, sizeof(path), "r/run/disk-%.31s", t->device + strlen("/dev/"));
	int fd = machine_in(m, path, O_PATH);
	if (fd >= 0)
		close(fd);
	if (fd < 0)
		detached(a, d->r, m, t);
	else if (++d->looks == DETACH_LOOKS)
		agent_fail(d->r, -EBUSY, "The virtual machine does not give the volume %s back.",
			t->volume);
	else
		loop_timer_set(a->loop, timer, DETACH_LOOK_MS);
}

void
agent_volume_detach(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args), volume = unpack_str(&r->args);
	char at[256];
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	struct attached *t = m ? map_get(&m->disks, volume) : NULL;
	if (!t) {
		agent_ok(r);
		return;
	}
	mounted_at(m, t->loop_minor, at);
	if (at[0]) {
		agent_fail(r, -EBUSY,
			"The volume %s is mounted at %s in the machine: unmount it there first.",
			t->volume, at);
		return;
	}
	device_node(m, t, false);
	if (m->m.kind != PLANE_VM) {
		detached(a, r, m, t);
		return;
	}
	struct detaching *d = arena_new(&r->arena, struct detaching);
	*d = (struct detaching){
		.timer.fire = detach_look, .r = r, .machine = id, .volume = volume
	};
	loop_timer_set(a->loop, &d->timer, DETACH_LOOK_MS);
}

/* --- snapshots --- */

void
agent_snapshot_create(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args), volume = unpack_str(&r->args);
	if (!valid(r, id, volume))
		return;
	struct volume_work *k = work_of(r);
	struct attached *t = map_get(&a->attached, volume);
	struct machine *m = machine_of_root(a, volume);
	k->is_root = is_there(&a->place, "roots", volume, "/layers");
	place_path(&a->place, k->from, k->is_root ? "roots" : "volumes", volume, "");
	place_path(&a->place, k->to, "snapshots", id, "");
	if (access(k->to, F_OK) == 0) {
		agent_answer(r, 0, "",
			k->is_root ? place_tree_bytes(k->to) : volume_file_used(k->to), STR(""),
			-1);
		return;
	}
	if (access(k->from, F_OK)) {
		agent_fail(r, -ENOENT, "The volume %.*s is not there.", STR_FMT(volume));
		return;
	}
	if (t)
		m = machine_find(a, str_c(t->machine));
	/* Content of one moment: its machine stands still while the copy is made. */
	if (m) {
		k->frozen = true;
		k->slot = m->keeper.slot;
		cgroup_freeze(k->slot, true);
	}
	if (t)
		loop_device_sync(t->loop_minor);
	r->after = thaw;
	agent_job(r, copy_job, STR(""));
}

void
agent_snapshot_remove(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	if (valid(r, id, STR("")))
		remove_later(a, r, "snapshots", id);
}
