/* Machines of the agent: started by keepers, watched, stopped, adopted. */
#include "plane/agent_impl.h"

#include "base/ids.h"
#include "base/log.h"
#include "plane/cgroup.h"
#include "plane/image_store.h"
#include "plane/image_tiny.h"
#include "plane/machine_pack.h"
#include "plane/network_pack.h"
#include "plane/proc_files.h"
#include "plane/vm_image.h"
#include "plane/wire.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDERLY_MS 10000
#define CONSOLE_ASKED (64u << 10)

static void machine_begin(struct machine *m);
static void machine_prepare(struct machine *m);

struct machine *
machine_find(struct agent *a, struct str id)
{
	return map_get(&a->machines, id);
}

/* --- what is kept over our end --- */

uint64_t
machine_start_time(pid_t pid)
{
	char path[64];
	struct buf b = { 0 };
	uint64_t t = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (place_read(path, &b) == 0) {
		struct str rest =
			str_slice(buf_str(&b), (size_t)str_rfind(buf_str(&b), ')') + 1, b.len);
		for (unsigned field = 2; rest.p && field < 23; field++) {
			struct str one = str_cut(&rest, ' ');
			if (str_is(one, "Z")) /* only nobody has asked how it ended yet */
				break;
			if (field == 22)
				str_to_u64(one, &t);
		}
	}
	buf_done(&b);
	return t;
}

void
machine_save(struct machine *m)
{
	char path[PLACE_MAX];
	struct pack p = { 0 };
	void *v;
	pack_u32(&p, m->keeper.slot);
	pack_u32(&p, (uint32_t)m->keeper.pid);
	pack_u64(&p, machine_start_time(m->keeper.pid));
	pack_u32(&p, (uint32_t)m->init_pid);
	pack_u8(&p, m->has_init);
	pack_u32(&p, (uint32_t)m->disks.n);
	for (size_t at = 0; map_next(&m->disks, &at, NULL, &v);) {
		const struct attached *d = v;
		pack_str(&p, str_c(d->volume));
		pack_str(&p, str_c(d->device));
		pack_u32(&p, d->loop_minor);
	}
	pack_str(&p, buf_str(&m->packed));
	place_path(&m->agent->place, path, "machines", str_c(m->id), "/state");
	int r = place_write(path, buf_str(&p.buf));
	if (r)
		log_warn("agent.state", log_c("machine", m->id), log_errno("why", r));
	pack_done(&p);
}

/* --- one machine in memory --- */

struct machine *
machine_new(struct agent *a, const struct plane_machine *m)
{
	struct machine *x = calloc(1, sizeof(*x));
	struct pack p = { 0 };
	assert(x);
	arena_init(&x->arena);
	x->agent = a;
	x->keeper.socket = x->keeper.pidfd = -1;
	x->keeper_io.fd = -1;
	snprintf(x->id, sizeof(x->id), "%.*s", STR_FMT(m->id));
	pack_machine(&p, m);
	x->packed = p.buf;
	struct unpack u = unpack_of(buf_str(&x->packed));
	unpack_machine(&u, &x->arena, &x->m);
	map_put(&a->machines, str_c(x->id), x);
	return x;
}

void
machine_free(struct machine *m)
{
	map_take(&m->agent->machines, str_c(m->id));
	vms_forget(m);
	loop_timer_cancel(m->agent->loop, &m->deadline);
	if (m->keeper_io.fd >= 0)
		loop_unwatch(m->agent->loop, &m->keeper_io);
	if (m->keeper.socket >= 0)
		close(m->keeper.socket);
	if (m->keeper.pidfd >= 0)
		close(m->keeper.pidfd);
	map_done(&m->disks);
	buf_done(&m->packed);
	arena_done(&m->arena);
	free(m);
}

void
machine_report(struct machine *m, uint8_t state, int exit_status, const char *why)
{
	struct plane_machine_report r = { .id = str_c(m->id),
		.state = state,
		.exit_status = exit_status,
		.why = str_c(why),
		.system_ok = state == PLANE_MACHINE_RUNNING };
	agent_report(m->agent, &r);
}

/* Its keeper's view of its root; a machine cannot change that one. */
static void
keeper_path(const struct machine *m, const char *rest, char ret[PLACE_MAX + 64])
{
	snprintf(ret, PLACE_MAX + 64, "/proc/%d/root%s/mnt/%s", (int)m->keeper.pid,
		m->agent->place.dir, rest);
}

int
machine_in(struct machine *m, const char *path, int flags)
{
	char full[PLACE_MAX + 64];
	keeper_path(m, path, full);
	int fd = open(full, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* --- start --- */

static void
start_ended(struct machine *m, int status, const char *text)
{
	struct agent_request *r = m->waits;
	char why[PLANE_WHY_MAX];
	snprintf(why, sizeof(why), "The machine %s cannot start: %s", m->id, text);
	m->waits = NULL;
	if (!r)
		machine_report(m, PLANE_MACHINE_STOPPED, 0, why);
	for (uint32_t i = 0; i < m->m.interfaces_n; i++)
		networks_unplug(m->agent, m->m.network, m->m.interfaces[i]);
	volumes_forget(m->agent, m);
	if (m->keeper_io.fd >= 0)
		loop_unwatch(m->agent->loop, &m->keeper_io);
	m->keeper_io.fd = -1;
	if (m->keeper.socket >= 0) { /* its keeper puts away what it made, then ends */
		close(m->keeper.socket);
		m->keeper.socket = -1;
	}
	if (m->keeper.pid > 0)
		waitpid(m->keeper.pid, NULL, 0);
	machine_free(m);
	if (r)
		agent_fail(r, status, "%s", why);
}

static void
start_failed(struct machine *m, int status, const char *what)
{
	char text[PLANE_WHY_MAX];
	snprintf(text, sizeof(text), "%s%s%s.", what, status ? ": " : "",
		status ? strerror(-status) : "");
	start_ended(m, status, text);
}

/* Links and disks, before its first program runs: then nothing that it sends is lost. */
static int
connect_machine(struct machine *m, int netns, const char **what, char *why)
{
	for (uint32_t i = 0; i < m->m.interfaces_n; i++) {
		int r = networks_plug(
			m->agent, m->m.network, m->m.interfaces[i], netns, i,
			m->m.kind == PLANE_VM, why, PLANE_WHY_MAX);
		*what = why;
		if (r)
			return r;
	}
	for (uint32_t i = 0; i < m->m.disks_n; i++) {
		int r = volumes_attach(m->agent, m, &m->m.disks[i], why, PLANE_WHY_MAX);
		*what = why;
		if (r)
			return r;
	}
	return 0;
}

static void
is_up(struct machine *m)
{
	struct agent_request *r = m->waits;
	loop_unwatch(m->agent->loop, &m->keeper_io);
	machine_watch_end(m);
	m->waits = NULL;
	machine_save(m);
	if (r)
		agent_ok(r);
	else
		machine_report(m, PLANE_MACHINE_RUNNING, 0, "restarted");
}

static void
keeper_said(struct machine *m)
{
	struct buf b = { 0 };
	char why[PLANE_WHY_MAX] = "", text[160];
	const char *what = "";
	int fd = -1, e, got = wire_recv(m->keeper.socket, &b, &fd);
	struct unpack u = unpack_of(buf_str(&b));
	uint8_t kind = got == 1 ? unpack_u8(&u) : 0;
	uint32_t number = unpack_u32(&u);
	struct str said = unpack_str(&u);
	snprintf(text, sizeof(text), "%.*s", STR_FMT(said));
	if (kind == KEEPER_NETNS && fd >= 0) {
		m->init_pid = (pid_t)number;
		e = connect_machine(m, fd, &what, why);
		if (e || (e = wire_send(m->keeper.socket, STR("G"), -1)))
			start_failed(m, e, what);
	} else if (kind == KEEPER_UP) {
		is_up(m);
	} else {
		start_failed(m, kind == KEEPER_FAILED ? -(int)number : 0,
			kind == KEEPER_FAILED ? text : "its keeper ended");
	}
	if (fd >= 0)
		close(fd);
	buf_done(&b);
}

static void
keeper_ready(struct loop_io *io, uint32_t events)
{
	struct machine *m = (struct machine *)((char *)io - offsetof(struct machine, keeper_io));
	(void)events;
	if (m->phase == MACHINE_STARTING)
		keeper_said(m);
	else
		machine_ended(m);
}

void
machine_watch_end(struct machine *m)
{
	m->phase = MACHINE_RUNNING;
	m->keeper_io =
		(struct loop_io){ .fd = m->keeper.pidfd, .events = EPOLLIN, .ready = keeper_ready };
	loop_watch(m->agent->loop, &m->keeper_io);
}

/* The root's own folder; the first start decides over which layers it lies. */
static int
ready_root(struct machine *m, struct str image_layers, struct buf *ret_layers)
{
	const struct place *p = &m->agent->place;
	char path[PLACE_MAX];
	place_path(p, path, "roots", m->m.root_volume, "/layers");
	if (place_read(path, ret_layers) == 0 && ret_layers->len)
		return 0;
	int r = 0;
	static const char *const folders[] = { "", "/upper", "/work" };
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]) && !r; i++) {
		place_path(p, path, "roots", m->m.root_volume, folders[i]);
		r = place_mkdir(path, 0755);
	}
	if (!r) {
		place_path(p, path, "roots", m->m.root_volume, "/image");
		r = place_write(path, m->m.image);
	}
	if (!r) {
		place_path(p, path, "roots", m->m.root_volume, "/layers");
		r = place_write(path, image_layers);
	}
	buf_add_str(ret_layers, image_layers);
	return r;
}

static void
machine_begin(struct machine *m)
{
	struct agent *a = m->agent;
	struct arena arena;
	struct image image = { 0 };
	struct buf layers = { 0 }, message = { 0 };
	char path[PLACE_MAX], boot_id[IDS_UUID_LEN + 1];
	arena_init(&arena);
	struct job_result made = { 0 };
	if (str_is(m->m.image, "tiny") && !a->tiny_made)
		a->tiny_made = image_tiny_make(&a->place, &made) == 0;
	int r = image_load(&a->place, m->m.image, &arena, &image);
	const char *what = r ? "its image is not there" : "making its root volume";
	if (!r)
		r = ready_root(m, image.layers, &layers);
	struct plane_machine as = m->m;
	if (!r && m->m.kind == PLANE_VM &&
		!vms_describe(a, &m->m, image.pub.has_init, &arena, &as))
		r = -ENOENT, what = "its network was not made";
	if (!r) {
		place_path(&a->place, path, "machines", str_c(m->id), "");
		r = place_mkdir(path, 0700);
		place_path(&a->place, path, "machines", str_c(m->id), "/exit");
		unlink(path);
	}
	if (!r)
		what = "making its keeper", r = machines_take_keeper(a, &m->keeper);
	if (!r) {
		ids_uuid(boot_id);
		m->has_init = image.pub.has_init && !as.argv;
		m->phase = MACHINE_STARTING;
		m->keeper_io = (struct loop_io){
			.fd = m->keeper.socket, .events = EPOLLIN, .ready = keeper_ready
		};
		keeper_pack(&message, &(struct keeper_start){ .m = &as,
					      .layers = buf_str(&layers),
					      .has_init = m->has_init,
					      .boot_id = str_c(boot_id) });
		r = wire_send(m->keeper.socket, buf_str(&message), -1);
		r = r ? r : loop_watch(a->loop, &m->keeper_io);
	}
	if (r)
		start_failed(m, r, what);
	machines_spare(a);
	buf_done(&layers);
	buf_done(&message);
	arena_done(&arena);
}

static void
prepared(struct machine *m, int status, const char *why)
{
	if (status)
		start_ended(m, status, why);
	else
		machine_begin(m);
}

/* A virtual machine's disk is made first, by a job. */
static void
machine_prepare(struct machine *m)
{
	if (m->m.kind == PLANE_VM)
		vms_prepare(m, prepared);
	else
		machine_begin(m);
}

void
agent_machine_start(struct agent *a, struct agent_request *r)
{
	struct plane_machine m;
	unpack_machine(&r->args, &r->arena, &m);
	if (!agent_args_end(r))
		return;
	if (machine_find(a, m.id)) {
		agent_ok(r);
		return;
	}
	if (m.cpus > a->ability.cpus)
		m.cpus = a->ability.cpus;
	struct machine *x = machine_new(a, &m);
	x->waits = r;
	machine_prepare(x);
}

/* --- end --- */

static const char *
end_text(const struct keeper_exit *e, char text[PLANE_WHY_MAX])
{
	if (e->out_of_memory)
		return "out of memory";
	if (WIFSIGNALED(e->status) && WTERMSIG(e->status) == SIGINT)
		return "the machine switched itself off";
	if (WIFSIGNALED(e->status))
		snprintf(text, PLANE_WHY_MAX, "the machine ended by itself (signal %d)",
			WTERMSIG(e->status));
	else
		snprintf(text, PLANE_WHY_MAX, "the machine ended by itself (exit %d)",
			WEXITSTATUS(e->status));
	return text;
}

static void
forget(struct agent *a, struct str id)
{
	char path[PLACE_MAX];
	place_path(&a->place, path, "machines", id, "");
	place_remove_tree(path);
}

/* Its keeper was killed and could not put away what it kept. */
void
machine_bury(struct agent *a, unsigned slot)
{
	for (unsigned i = 0; i < 100 && cgroup_remove(slot) == -EBUSY; i++) {
		cgroup_kill(slot);
		usleep(2000);
	}
	place_slot_free(&a->place, slot);
}

void
machine_ended(struct machine *m)
{
	struct agent *a = m->agent;
	struct agent_request *r = m->waits;
	struct keeper_exit e = { 0 };
	char path[PLACE_MAX], text[PLANE_WHY_MAX];
	if (!m->adopted)
		waitpid(m->keeper.pid, NULL, 0);
	bool told = keeper_exit_read(&a->place, str_c(m->id), &e);
	if (!told)
		machine_bury(a, m->keeper.slot);
	for (uint32_t i = 0; i < m->m.interfaces_n; i++)
		networks_unplug(a, m->m.network, m->m.interfaces[i]);
	volumes_forget(a, m);
	place_path(&a->place, path, "machines", str_c(m->id), "/state");
	unlink(path);
	bool again = m->restart ||
		     (!m->ordered_end && WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGHUP);
	if (!again) {
		if (!m->ordered_end)
			machine_report(m, PLANE_MACHINE_STOPPED, e.status,
				told ? end_text(&e, text) : "its keeper was killed");
		if (m->forget)
			forget(a, str_c(m->id));
		machine_free(m);
		if (r)
			agent_ok(r);
		return;
	}
	struct pack p = { 0 };
	struct arena arena;
	struct plane_machine same;
	pack_machine(&p, &m->m);
	machine_free(m);
	arena_init(&arena);
	struct unpack u = unpack_of(buf_str(&p.buf));
	unpack_machine(&u, &arena, &same);
	struct machine *x = machine_new(a, &same);
	arena_done(&arena);
	pack_done(&p);
	x->waits = r;
	machine_prepare(x);
}

static void
signal_init(struct machine *m, int sig)
{
	/* It is the keeper's child, which buries it only after our keeper_ready has seen its
	 * end. */
	if (m->init_pid > 1)
		kill(m->init_pid, sig);
}

static void
deadline_passed(struct loop_timer *t)
{
	struct machine *m = (struct machine *)((char *)t - offsetof(struct machine, deadline));
	signal_init(m, SIGKILL);
}

void
machine_end_now(struct machine *m)
{
	if (m->phase == MACHINE_STARTING) {
		start_failed(m, -ECANCELED, "it was told to end");
		return;
	}
	struct pollfd p = { m->keeper.pidfd, POLLIN, 0 };
	signal_init(m, SIGKILL);
	while (poll(&p, 1, -1) < 0)
		;
	machine_ended(m);
}

static void
ask_to_end(struct machine *m, struct agent_request *r, bool now, bool restart)
{
	m->waits = r;
	m->restart = restart;
	m->ordered_end = true;
	m->phase = MACHINE_ENDING;
	if (now) {
		signal_init(m, SIGKILL);
		return;
	}
	/* systemd's signals for poweroff and reboot; our init knows them, too. */
	signal_init(m, m->m.argv ? SIGTERM : SIGRTMIN + (restart ? 5 : 4));
	m->deadline.fire = deadline_passed;
	loop_timer_set(m->agent->loop, &m->deadline, ORDERLY_MS);
}

void
agent_machine_stop(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	uint8_t how = unpack_u8(&r->args);
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	if (m)
		m->forget |= how & PLANE_STOP_FORGET;
	if (!m) {
		if (how & PLANE_STOP_FORGET && plane_id_ok(id))
			forget(a, id);
		agent_ok(r);
	} else if (m->phase == MACHINE_STARTING) { /* told to end at once */
		machine_end_now(m);
		if (how & PLANE_STOP_FORGET)
			forget(a, id);
		agent_ok(r);
	} else if (m->phase == MACHINE_ENDING &&
		   m->waits) { /* an orderly stop goes on; this one hurries it */
		signal_init(m, SIGKILL);
		struct agent_request *earlier = m->waits;
		m->waits = r;
		m->restart = false;
		agent_ok(earlier);
	} else {
		ask_to_end(m, r, how & PLANE_STOP_NOW, false);
	}
}

void
agent_machine_reboot(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	if (m)
		ask_to_end(m, r, false, true);
	else
		agent_fail(r, -ENOENT, "The machine %.*s does not run.", STR_FMT(id));
}

/* --- while it runs --- */

static void
show_limits(struct machine *m)
{
	char dir[PLACE_MAX + 64];
	keeper_path(m, "p", dir);
	proc_files_write(dir, m->keeper.slot, m->m.cpus, m->m.memory_bytes, STR(""));
}

void
agent_machine_limits(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	uint32_t cpu_milli = unpack_u32(&r->args);
	uint64_t memory_bytes = unpack_u64(&r->args);
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	if (!m || m->phase != MACHINE_RUNNING) {
		agent_fail(r, -ENOENT, "The machine %.*s does not run.", STR_FMT(id));
		return;
	}
	struct cgroup_limits l = { .cpu_milli = cpu_milli,
		.cpus = m->m.cpus,
		.memory_bytes = memory_bytes + (m->m.kind == PLANE_VM ? VM_MEMORY_MORE : 0),
		.pids = KEEPER_PIDS_MAX };
	int e = cgroup_limit(m->keeper.slot, &l);
	if (e) {
		agent_fail(r, e, "The limits of %s cannot be set: %s.", m->id, strerror(-e));
		return;
	}
	struct pack p = { 0 };
	m->m.cpu_milli = cpu_milli;
	m->m.memory_bytes = memory_bytes;
	pack_machine(&p, &m->m);
	buf_done(&m->packed);
	m->packed = p.buf;
	arena_done(&m->arena);
	arena_init(&m->arena);
	struct unpack u = unpack_of(buf_str(&m->packed));
	unpack_machine(&u, &m->arena, &m->m);
	show_limits(m);
	machine_save(m);
	agent_ok(r);
}

static void
plug_answer(struct agent_request *r, int e, const char *why)
{
	if (e)
		agent_fail(r, e, "%s", why);
	else
		agent_ok(r);
}

void
agent_machine_plug(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args), interface = unpack_str(&r->args);
	uint32_t index = unpack_u32(&r->args);
	char why[PLANE_WHY_MAX] = "The machine does not run.", path[64];
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	int e = -ENOENT;
	if (m && m->m.kind == PLANE_VM) {
		e = -EOPNOTSUPP;
		snprintf(why, sizeof(why),
			"An interface cannot be attached to a virtual machine that runs: stop it first.");
	} else if (m && m->phase == MACHINE_RUNNING) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)m->init_pid);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		e = fd < 0 ? -errno
			   : networks_plug(a, m->m.network, interface, fd, index, false, why,
				     sizeof(why));
		if (fd >= 0)
			close(fd);
	}
	plug_answer(r, e, why);
}

void
agent_machine_unplug(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args), interface = unpack_str(&r->args);
	if (!agent_args_end(r))
		return;
	struct machine *m = machine_find(a, id);
	if (m)
		networks_unplug(a, m->m.network, interface);
	agent_ok(r);
}

void
agent_machine_console(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	char path[PLACE_MAX + 64];
	struct buf b = { 0 };
	if (!agent_args_end(r))
		return;
	if (!plane_id_ok(id)) {
		agent_fail(r, -EINVAL, "No machine has such an id.");
		return;
	}
	struct machine *m = machine_find(a, id);
	if (m)
		keeper_path(m, KEEPER_CONSOLE, path);
	else
		place_path(&a->place, path, "machines", id, "/console");
	place_read(path, &b);
	struct str all = buf_str(&b);
	agent_answer(r, 0, "", 0,
		str_slice(all, all.len > CONSOLE_ASKED ? all.len - CONSOLE_ASKED : 0, all.len), -1);
	buf_done(&b);
}

static void
look(struct machine *m)
{
	struct cgroup_usage u;
	struct plane_machine_report r = { .id = str_c(m->id),
		.state = m->phase == MACHINE_STARTING ? PLANE_MACHINE_STARTING
						      : PLANE_MACHINE_RUNNING,
		.why = STR("") };
	if (cgroup_usage(m->keeper.slot, &u)) {
		r.system_ok = u.processes > 0 && !u.frozen;
		r.cpu_us = u.cpu_us;
		r.memory_bytes = u.memory_bytes;
		r.disk_read_bytes = u.read_bytes;
		r.disk_write_bytes = u.write_bytes;
	}
	r.instance_ok = r.system_ok;
	networks_look(m->agent, m, &r);
	if (m->phase == MACHINE_RUNNING)
		show_limits(m);
	agent_report(m->agent, &r);
}

void
agent_machine_look(struct agent *a, struct agent_request *r)
{
	struct str id = unpack_str(&r->args);
	void *v;
	if (!agent_args_end(r))
		return;
	struct machine *m = id.len ? machine_find(a, id) : NULL;
	if (m)
		look(m);
	else if (id.len && plane_id_ok(id))
		agent_report(a, &(struct plane_machine_report){
					.id = id, .state = PLANE_MACHINE_ABSENT, .why = STR("") });
	for (size_t at = 0; !id.len && map_next(&a->machines, &at, NULL, &v);)
		look(v);
	agent_ok(r);
}
