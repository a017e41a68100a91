/* The agent: requests in, in order for each id, answers out; ends when the server does. */
#include "plane/agent_impl.h"

#include "base/log.h"
#include "plane/cgroup.h"
#include "plane/guest_blob.h"
#include "plane/host_check.h"
#include "plane/image_store.h"
#include "plane/job.h"
#include "plane/leftovers.h"
#include "plane/machine_pack.h"
#include "plane/vm_image.h"
#include "plane/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static agent_function *const functions[AGENT_OPS_N] = {
	[AGENT_NETWORK_APPLY] = agent_network_apply,
	[AGENT_NETWORK_REMOVE] = agent_network_remove,
	[AGENT_NETWORK_SOCKET] = agent_network_socket,
	[AGENT_MACHINE_START] = agent_machine_start,
	[AGENT_MACHINE_STOP] = agent_machine_stop,
	[AGENT_MACHINE_REBOOT] = agent_machine_reboot,
	[AGENT_MACHINE_LIMITS] = agent_machine_limits,
	[AGENT_MACHINE_PLUG] = agent_machine_plug,
	[AGENT_MACHINE_UNPLUG] = agent_machine_unplug,
	[AGENT_MACHINE_CONSOLE] = agent_machine_console,
	[AGENT_MACHINE_LOOK] = agent_machine_look,
	[AGENT_VOLUME_CREATE] = agent_volume_create,
	[AGENT_VOLUME_RESIZE] = agent_volume_resize,
	[AGENT_VOLUME_REMOVE] = agent_volume_remove,
	[AGENT_VOLUME_ATTACH] = agent_volume_attach,
	[AGENT_VOLUME_DETACH] = agent_volume_detach,
	[AGENT_SNAPSHOT_CREATE] = agent_snapshot_create,
	[AGENT_SNAPSHOT_REMOVE] = agent_snapshot_remove,
	[AGENT_IMAGE_PULL] = agent_image_pull,
	[AGENT_IMAGE_IMPORT] = agent_image_import,
	[AGENT_IMAGE_EXPORT] = agent_image_export,
	[AGENT_IMAGE_FROM_ROOT] = agent_image_from_root,
	[AGENT_IMAGE_REMOVE] = agent_image_remove,
	[AGENT_REMOVE_ALL] = agent_remove_all,
};

void
agent_say(struct agent *a, struct str bytes)
{
	/* The server reads on its loop, and the buffer holds hundreds of answers. */
	int r = wire_send(a->server.fd, bytes, -1);
	if (r && r != -EPIPE)
		log_warn("agent.send", log_errno("why", r));
}

static bool
is_busy(struct agent *a, const struct agent_request *r)
{
	for (unsigned i = 0; i < r->keys_n; i++)
		if (map_get(&a->busy, r->keys[i]))
			return true;
	return false;
}

/* An earlier one that waits goes first. */
static bool
waits_behind(struct agent *a, const struct agent_request *r)
{
	for (struct agent_request *w = a->waiting; w && w != r; w = w->next)
		for (unsigned i = 0; i < w->keys_n; i++)
			for (unsigned k = 0; k < r->keys_n; k++)
				if (str_eq(w->keys[i], r->keys[k]))
					return true;
	return false;
}

static void
run(struct agent *a, struct agent_request *r)
{
	for (unsigned i = 0; i < r->keys_n; i++)
		if (!map_get(&a->busy, r->keys[i]))
			map_put(&a->busy, r->keys[i], r);
	functions[r->op](a, r);
}

static void
run_waiting(struct agent *a)
{
	for (struct agent_request **at = &a->waiting, *r; (r = *at);) {
		if (is_busy(a, r) || waits_behind(a, r)) {
			at = &r->next;
			continue;
		}
		if (!(*at = r->next))
			a->waiting_last = at;
		run(a, r); /* may answer, and so come here again */
		at = &a->waiting;
	}
}

static void
request_free(struct agent_request *r)
{
	struct agent *a = r->agent;
	for (unsigned i = 0; i < r->keys_n; i++)
		if (map_get(&a->busy, r->keys[i]) == r)
			map_take(&a->busy, r->keys[i]);
	if (r->fd >= 0)
		close(r->fd);
	arena_done(&r->arena);
	free(r);
}

void
agent_answer(struct agent_request *r, int status, const char *why, uint64_t bytes, struct str text,
	int fd)
{
	struct agent *a = r->agent;
	struct pack p = { 0 };
	pack_u8(&p, AGENT_ANSWER);
	pack_u32(&p, r->number);
	pack_u32(&p, (uint32_t)status);
	pack_str(&p, str_c(why));
	pack_u64(&p, bytes);
	pack_str(&p, text);
	int e = wire_send(a->server.fd, buf_str(&p.buf), fd);
	if (e && e != -EPIPE)
		log_warn("agent.send", log_errno("why", e));
	pack_done(&p);
	request_free(r);
	run_waiting(a);
}

void
agent_ok(struct agent_request *r)
{
	agent_answer(r, 0, "", 0, STR(""), -1);
}

void
agent_fail(struct agent_request *r, int status, const char *fmt, ...)
{
	char why[PLANE_WHY_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	agent_answer(r, status ? status : -EIO, why, 0, STR(""), -1);
}

bool
agent_args_end(struct agent_request *r)
{
	if (unpack_whole(&r->args))
		return true;
	agent_fail(r, -EINVAL, "The request is malformed: an id or a number in it is not allowed.");
	return false;
}

void
agent_report(struct agent *a, const struct plane_machine_report *m)
{
	struct pack p = { 0 };
	pack_u8(&p, AGENT_REPORTED);
	pack_report(&p, m);
	agent_say(a, buf_str(&p.buf));
	pack_done(&p);
}

/* --- jobs --- */

struct request_job {
	struct job job;
	struct agent_request *r;
	struct str of;
};

static void
job_heard(struct job *j, struct str text)
{
	struct request_job *k = (struct request_job *)j;
	struct pack p = { 0 };
	pack_u8(&p, AGENT_PROGRESS);
	pack_str(&p, k->of);
	pack_str(&p, text);
	agent_say(k->r->agent, buf_str(&p.buf));
	pack_done(&p);
}

static void
job_ended(struct job *j, const struct job_result *result)
{
	struct request_job *k = (struct request_job *)j;
	struct agent_request *r = k->r;
	free(k);
	if (r->after)
		r->after(r, result);
	agent_answer(r, result->status, result->why, result->bytes, STR(""), -1);
}

void
agent_job(struct agent_request *r, void (*work)(void *request, struct job_result *result),
	struct str progress_of)
{
	struct request_job *k = calloc(1, sizeof(*k));
	assert(k);
	k->r = r;
	k->of = progress_of;
	k->job.progress = job_heard;
	k->job.done = job_ended;
	k->job.kept = r->fd;
	int e = job_start(&k->job, r->agent->loop, work, r);
	if (!e)
		return;
	free(k);
	agent_fail(r, e, "No process for it: %s.", strerror(-e));
}

/* --- the beginning --- */

static void
explain(struct agent *a, const char *why)
{
	size_t n = strlen(a->why_not);
	snprintf(a->why_not + n, sizeof(a->why_not) - n, "%s%s", n ? " " : "", why);
}

static void
look_around(struct agent *a, const char *data_dir)
{
	char why[PLANE_WHY_MAX] = "";
	a->ability.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	a->ability.memory_bytes =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	if (host_check_machines(why, sizeof(why))) {
		explain(a, why);
		return;
	}
	leftovers_remove_gone();
	if (place_open(&a->place, data_dir, why, sizeof(why))) {
		explain(a, why);
		return;
	}
	if (cgroup_open(a->place.tag, why, sizeof(why)))
		explain(a, why);
	else
		a->ability.machines = true;
	a->ability.volumes = !host_check_volumes(why, sizeof(why));
	if (!a->ability.volumes)
		explain(a, why);
	a->ability.networks = a->networks_open = networks_open(a, data_dir, why, sizeof(why));
	if (!a->ability.networks)
		explain(a, why);
	a->ability.vms = a->ability.machines && !vm_check(&a->place, why, sizeof(why));
}

/* A copy that can be executed and mounted; our own binary may be replaced while machines run. */
static void
write_guest(struct agent *a)
{
	char path[PLACE_MAX];
	struct stat st;
	size_t len = (size_t)(guest_blob_end - guest_blob);
	snprintf(path, sizeof(path), "%s/guest", a->place.dir);
	struct buf there = { 0 };
	bool same = stat(path, &st) == 0 && (size_t)st.st_size == len &&
		    place_read(path, &there) == 0 && memcmp(there.p, guest_blob, len) == 0;
	buf_done(&there);
	if (!same && place_write(path, str_of(guest_blob, len)) == 0 && chmod(path, 0755))
		log_warn("agent.guest", log_errno("why", errno));
}

static void
open_all(struct agent *a, struct agent_request *r)
{
	struct str data_dir = unpack_str(&r->args);
	uint8_t uplink = unpack_u8(&r->args);
	if (!agent_args_end(r))
		return;
	if (!a->opened) {
		a->uplink = uplink;
		snprintf(a->data_dir, sizeof(a->data_dir), "%.*s", STR_FMT(data_dir));
		look_around(a, a->data_dir);
		a->opened = true;
		if (a->ability.machines) {
			write_guest(a);
			keeper_open();
			images_sweep(a);
			machines_adopt(a);
			machines_spare(a);
		}
	}
	struct pack p = { 0 };
	pack_u8(&p,
		(uint8_t)(a->ability.networks | a->ability.machines << 1 | a->ability.volumes << 2 |
			  a->ability.vms << 3 | a->ability.rootless << 4));
	pack_u32(&p, a->ability.cpus);
	pack_u64(&p, a->ability.memory_bytes);
	pack_u32(&p, a->ability.public_range.ip);
	pack_u8(&p, a->ability.public_range.bits);
	pack_u32(&p, (uint32_t)getpid());
	struct str text = arena_dup(&r->arena, buf_str(&p.buf));
	pack_done(&p);
	agent_answer(r, 0, a->why_not, 0, text, -1);
}

/* Also after everything was removed. */
static bool
networks_again(struct agent *a)
{
	char why[PLANE_WHY_MAX] = "";
	if (!a->networks_open)
		a->networks_open = networks_open(a, a->data_dir, why, sizeof(why));
	if (!a->networks_open)
		log_warn("agent.networks", log_c("why", why));
	return a->networks_open;
}

static const char *
missing_for(struct agent *a, uint8_t op)
{
	if (op >= AGENT_NETWORK_APPLY && op <= AGENT_NETWORK_SOCKET)
		return a->ability.networks && networks_again(a) ? NULL : "networks";
	if ((op >= AGENT_MACHINE_START && op <= AGENT_MACHINE_LOOK) || op >= AGENT_IMAGE_PULL)
		return a->ability.machines ? NULL : "machines";
	return a->ability.volumes ? NULL : "volumes";
}

static void
take_request(struct agent *a, struct str bytes, int fd)
{
	struct agent_request *r = calloc(1, sizeof(*r));
	assert(r);
	arena_init(&r->arena);
	r->agent = a;
	r->fd = fd;
	r->args = unpack_of(arena_dup(&r->arena, bytes));
	r->op = unpack_u8(&r->args);
	r->number = unpack_u32(&r->args);
	uint32_t keys_n = unpack_count(&r->args, 4);
	for (; r->keys_n < keys_n && r->keys_n < AGENT_KEYS_MAX; r->keys_n++)
		r->keys[r->keys_n] = unpack_str(&r->args);
	const char *missing;
	if (r->args.bad || r->op >= AGENT_OPS_N || keys_n > AGENT_KEYS_MAX) {
		r->keys_n = 0;
		agent_fail(r, -EINVAL, "The request is malformed.");
	} else if (r->op == AGENT_OPEN) {
		open_all(a, r);
	} else if (!a->opened || (missing = missing_for(a, r->op))) {
		r->keys_n = 0;
		agent_fail(r, -EOPNOTSUPP, "This host cannot: %s",
			*a->why_not ? a->why_not : "nothing was opened.");
	} else if (is_busy(a, r) || waits_behind(a, r)) {
		*a->waiting_last = r;
		a->waiting_last = &r->next;
	} else {
		run(a, r);
	}
}

/* Machines live on; jobs notice by themselves. Without machines no control group stays. */
static void
end(struct agent *a)
{
	if (a->has_spare) {
		close(a->spare.socket);
		waitpid(a->spare.pid, NULL, 0);
	}
	if (a->opened && a->ability.machines)
		cgroup_close_all();
	_exit(0);
}

static void
from_server(struct loop_io *io, uint32_t events)
{
	struct agent *a = (struct agent *)((char *)io - offsetof(struct agent, server));
	struct buf b = { 0 };
	int fd, r;
	(void)events;
	if ((r = wire_recv(io->fd, &b, &fd)) <= 0 && r != -EAGAIN && r != -EINTR)
		end(a);
	if (r == 1)
		take_request(a, buf_str(&b), fd);
	buf_done(&b);
}


void
agent_process(int socket, const char *data_dir)
{
	static struct agent a;
	(void)data_dir;
	prctl(PR_SET_NAME, "haneul-agent");
	/* Nothing is made before it is asked for. */
	struct pollfd p = { socket, POLLIN, 0 };
	while (poll(&p, 1, -1) < 0)
		;
	a.server = (struct loop_io){ .fd = socket, .events = EPOLLIN, .ready = from_server };
	a.waiting_last = &a.waiting;
	a.ability.why_not = a.why_not;
	if (loop_new(&a.loop) || loop_watch(a.loop, &a.server))
		_exit(1);
	loop_run(a.loop);
	_exit(0);
}
