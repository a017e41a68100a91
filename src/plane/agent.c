/* The server's half of the agent: requests out, answers to those who wait. */
#include "plane/agent.h"

#include "base/log.h"
#include "plane/agent_impl.h"
#include "plane/agent_list.h"
#include "plane/fabric.h"
#include "plane/guard.h"
#include "plane/machine_pack.h"
#include "plane/network_pack.h"
#include "plane/publish.h"
#include "plane/vm_image.h"
#include "plane/wire.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A message that did not fit into the socket. */
struct unsent {
	struct unsent *next;
	struct buf bytes;
	int fd;
};
struct client {
	struct plane plane; /* first */
	struct loop *loop;
	struct publish *
		publish; /* ports of the host: relays of this process, which needs no privilege for them */
	struct guard guard;
	struct loop_io io, control;
	struct loop_job lost;
	pid_t pid; /* of the agent, once it has said so */
	uint32_t number;
	struct map_u64 pending;
	struct unsent *first, **last;
	struct loop_job *early,
		**early_last; /* listings that were asked for before there was a loop */
	char data_dir[1024], why_not[600], vm_why[PLANE_WHY_MAX];
	struct plane_ability ability;
	struct plane_request opened;
	void (*ready)(void *ctx);
	void *ready_ctx;
	bool gone, down, unguarded, asked; /* gone: for good; down: until there is another */
	uint8_t uplink;
	pthread_mutex_t lock; /* ability */
};

static struct client *
client_of(struct plane *p)
{
	return (struct client *)p;
}

/* --- out --- */

static void open_agent(struct client *c);

static void
begin(struct pack *p, struct client *c, uint8_t op, const struct str *keys, uint32_t keys_n)
{
	*p = (struct pack){ 0 };
	if (op != AGENT_OPEN)
		open_agent(c);
	pack_u8(p, op);
	pack_u32(p, ++c->number ? c->number : ++c->number);
	pack_u32(p, keys_n);
	for (uint32_t i = 0; i < keys_n; i++)
		pack_str(p, keys[i]);
}

static void
flush(struct client *c)
{
	for (struct unsent *u; !c->down && (u = c->first);) {
		int r = wire_send(c->io.fd, buf_str(&u->bytes), u->fd);
		if (r == -EAGAIN)
			break;
		if (!(c->first = u->next))
			c->last = &c->first;
		if (u->fd >= 0)
			close(u->fd);
		buf_done(&u->bytes);
		free(u);
	}
	uint32_t want = EPOLLIN | (c->first ? EPOLLOUT : 0);
	if (want != c->io.events && c->loop && !c->down) {
		c->io.events = want;
		loop_rearm(c->loop, &c->io);
	}
}

/* Takes fd. */
static void
end_with(struct client *c, struct pack *p, struct plane_request *r, int fd)
{
	struct unsent *u = calloc(1, sizeof(*u));
	assert(u);
	map_u64_put(&c->pending, c->number, r);
	u->bytes = p->buf;
	u->fd = fd;
	*c->last = u;
	c->last = &u->next;
	if (p->bad)
		buf_clear(&u->bytes); /* too large: refused by the agent as malformed */
	flush(c);
	if (c->gone && c->loop)
		loop_post(c->loop, &c->lost);
}

static void
end(struct client *c, struct pack *p, struct plane_request *r)
{
	end_with(c, p, r, -1);
}

/* --- in --- */

static void
answer(struct client *c, struct unpack *u, int fd)
{
	uint32_t number = unpack_u32(u);
	struct plane_answer a = { .fd = fd };
	a.status = (int)unpack_u32(u);
	struct str why = unpack_str(u);
	a.bytes = unpack_u64(u);
	a.text = unpack_str(u);
	char text[600];
	size_t n = why.len < sizeof(text) - 1 ? why.len : sizeof(text) - 1;
	memcpy(text, why.p, n);
	text[n] = 0;
	a.why = text;
	struct plane_request *r = unpack_whole(u) ? map_u64_take(&c->pending, number) : NULL;
	if (!r) {
		log_error("agent.answer", log_uint("number", number));
		if (fd >= 0)
			close(fd);
		return;
	}
	r->done(r, &a);
}

static void
tell_report(struct client *c, struct unpack *u)
{
	struct plane_machine_report m;
	unpack_report(u, &m);
	for (struct plane_listener *l = c->plane.listeners; l && unpack_whole(u); l = l->next)
		if (l->reported)
			l->reported(l, &m);
}

static void
tell_progress(struct client *c, struct unpack *u)
{
	struct str what = unpack_str(u), text = unpack_str(u);
	for (struct plane_listener *l = c->plane.listeners; l && unpack_whole(u); l = l->next)
		if (l->progress)
			l->progress(l, what, text);
}

static void
tell_flow(struct client *c, struct unpack *u)
{
	struct plane_flow f;
	if (!flow_unpack(u, &f) || !unpack_whole(u))
		return;
	for (struct plane_listener *l = c->plane.listeners; l; l = l->next)
		if (l->flow)
			l->flow(l, &f);
}

static void
drop_unsent(struct client *c)
{
	for (struct unsent *u; (u = c->first); free(u)) {
		c->first = u->next;
		buf_done(&u->bytes);
		if (u->fd >= 0)
			close(u->fd);
	}
	c->last = &c->first;
}

/* Nobody will answer what was asked so far. Whoever is told may ask again at once, which is not
 * of these. */
static void
fail_all(struct loop_job *job)
{
	struct client *c = (struct client *)((char *)job - offsetof(struct client, lost));
	const struct plane_answer a = { .status = -EPIPE,
		.why = c->gone ? "The process that holds the privilege has ended: "
				 "start Haneul again."
			       : "The process that holds the privilege ended meanwhile; "
				 "another is made: try again.",
		.fd = -1,
		.text = STR("") };
	struct map_u64 old = c->pending;
	uint64_t number;
	void *v;
	c->pending = (struct map_u64){ 0 };
	drop_unsent(c);
	for (size_t at = 0; map_u64_next(&old, &at, &number, &v);) {
		struct plane_request *r = v;
		r->done(r, &a);
	}
	map_u64_done(&old);
}

static void
tell_forgot(struct client *c)
{
	for (struct plane_listener *l = c->plane.listeners; l; l = l->next)
		if (l->forgot)
			l->forgot(l);
}

/* Its machines go on. What is asked from now on waits for the next one. */
static void
lost(struct client *c)
{
	if (c->down)
		return;
	log_error("agent.lost", log_int("process", c->pid));
	loop_unwatch(c->loop, &c->io);
	close(c->io.fd);
	c->io.fd = -1;
	c->down = true;
	c->gone = c->unguarded;
	tell_forgot(c);
	fail_all(&c->lost);
}

static void
from_agent(struct loop_io *io, uint32_t events)
{
	struct client *c = (struct client *)((char *)io - offsetof(struct client, io));
	struct buf b = { 0 };
	int fd = -1, r;
	if (events & EPOLLOUT)
		flush(c);
	while ((r = wire_recv(io->fd, &b, &fd)) == 1) {
		struct unpack u = unpack_of(buf_str(&b));
		uint8_t kind = unpack_u8(&u);
		if (kind == AGENT_ANSWER)
			answer(c, &u, fd);
		else if (fd >= 0)
			close(fd);
		if (kind == AGENT_REPORTED)
			tell_report(c, &u);
		else if (kind == AGENT_PROGRESS)
			tell_progress(c, &u);
		else if (kind == AGENT_FLOW)
			tell_flow(c, &u);
	}
	if (r != -EAGAIN && r != -EINTR)
		lost(c);
	buf_done(&b);
}

static void
from_guard(struct loop_io *io, uint32_t events)
{
	struct client *c = (struct client *)((char *)io - offsetof(struct client, control));
	int fd = guard_next(&c->guard);
	(void)events;
	if (fd == -EAGAIN)
		return;
	if (fd < 0) {
		log_error("agent.guard", log_c("why", "it has ended: no other agent can be made"));
		loop_unwatch(c->loop, &c->control);
		c->unguarded = true;
		c->gone = c->down;
		if (c->gone)
			fail_all(&c->lost);
		return;
	}
	if (!c->down) /* its last answers, and its end */
		from_agent(&c->io, EPOLLIN);
	log_info("agent.again", log_int("after", c->pid));
	c->io.fd = fd;
	c->io.events = EPOLLIN;
	c->down = false;
	loop_watch(c->loop, &c->io);
	struct unsent *waiting = c->first, **end_of_waiting = c->last;
	c->first = NULL;
	c->last = &c->first;
	c->asked = false;
	open_agent(c);
	if (waiting) {
		*c->last = waiting;
		c->last = end_of_waiting;
	}
	flush(c);
}

static void
opened(struct plane_request *r, const struct plane_answer *a)
{
	struct client *c = (struct client *)((char *)r - offsetof(struct client, opened));
	struct unpack u = unpack_of(a->text);
	if (a->status == -EPIPE && !c->gone)
		return; /* the next one is asked */
	uint8_t bits = unpack_u8(&u);
	uint32_t cpus = unpack_u32(&u);
	uint64_t memory = unpack_u64(&u);
	struct plane_cidr range = { unpack_u32(&u), 0 };
	range.bits = unpack_u8(&u);
	c->pid = (pid_t)unpack_u32(&u);
	pthread_mutex_lock(&c->lock);
	if (unpack_whole(&u))
		c->ability = (struct plane_ability){ .public_range = range,
			.networks = bits & 1,
			.machines = bits & 2,
			.volumes = bits & 4,
			.vms = bits & 8,
			.rootless = bits & 16,
			.cpus = cpus,
			.memory_bytes = memory };
	snprintf(c->why_not, sizeof(c->why_not), "%s", a->why);
	c->ability.why_not = c->why_not;
	pthread_mutex_unlock(&c->lock);
	void (*ready)(void *ctx) = c->ready;
	c->ready = NULL; /* of the first */
	if (ready)
		ready(c->ready_ctx);
}

/* --- the requests --- */

#define REQUEST struct plane *plane, struct plane_request *r
#define BEGIN(op, ...)                                                                             \
	struct client *c = client_of(plane);                                                       \
	const struct str keys[] = { __VA_ARGS__ };                                                 \
	struct pack p;                                                                             \
	begin(&p, c, (op), keys, sizeof(keys) / sizeof(keys[0]))

/* Any thread. The range of public addresses is looked up when somebody first wants to know: most
 * servers never do. */
static void
ability(struct plane *plane, struct plane_ability *ret)
{
	struct client *c = client_of(plane);
	pthread_mutex_lock(&c->lock);
	if (c->ability.networks && !c->ability.public_range.bits)
		fabric_range_of(c->data_dir, &c->ability.public_range);
	*ret = c->ability;
	/* A kernel or QEMU may have come since the agent looked. */
	struct place p;
	place_name(&p, c->data_dir);
	ret->vms = ret->machines && !vm_check(&p, c->vm_why, sizeof(c->vm_why));
	ret->vm_why_not = ret->vms ? "" : c->vm_why;
	pthread_mutex_unlock(&c->lock);
}

static void
ask(REQUEST, uint8_t op, struct str id)
{
	struct client *c = client_of(plane);
	struct pack p;
	begin(&p, c, op, NULL, 0);
	pack_str(&p, id);
	end(c, &p, r);
}

static void
network_apply(REQUEST, const struct plane_network *n)
{
	struct client *c = client_of(plane);
	struct pack p;
	begin(&p, c, AGENT_NETWORK_APPLY, NULL, 0);
	network_pack(&p, n);
	end(c, &p, r);
	char why[PLANE_WHY_MAX];
	if (c->publish && publish_apply(c->publish, n, why, sizeof(why)))
		log_warn("plane.publish", log_str("network", n->id), log_c("why", why));
}

static void
network_remove(REQUEST, struct str network)
{
	ask(plane, r, AGENT_NETWORK_REMOVE, network);
	if (client_of(plane)->publish)
		publish_remove(client_of(plane)->publish, network);
}

static void
network_socket(REQUEST, struct str network, uint32_t ip, uint16_t port, int type)
{
	struct client *c = client_of(plane);
	struct pack p;
	begin(&p, c, AGENT_NETWORK_SOCKET, NULL, 0);
	pack_str(&p, network);
	pack_u32(&p, ip);
	pack_u16(&p, port);
	pack_u8(&p, type == SOCK_DGRAM);
	end(c, &p, r);
}

static void
machine_start(REQUEST, const struct plane_machine *m)
{
	struct client *c = client_of(plane);
	struct str keys[AGENT_KEYS_MAX] = { m->id, m->root_volume };
	uint32_t n = 2;
	struct pack p;
	for (uint32_t i = 0; i < m->disks_n && n < AGENT_KEYS_MAX; i++)
		keys[n++] = m->disks[i].volume;
	/* An image that is being made is waited for. */
	if (n < AGENT_KEYS_MAX)
		keys[n++] = m->image;
	begin(&p, c, AGENT_MACHINE_START, keys, n - 1);
	pack_machine(&p, m);
	end(c, &p, r);
}

static void
machine_stop(REQUEST, struct str machine, enum plane_stop how)
{
	/* Without a key, so that it does not wait behind the orderly stop, or the start, that it
	 * ends. */
	struct client *c = client_of(plane);
	struct pack p;
	begin(&p, c, AGENT_MACHINE_STOP, &machine, how & PLANE_STOP_NOW ? 0 : 1);
	pack_str(&p, machine);
	pack_u8(&p, (uint8_t)how);
	end(c, &p, r);
}

static void
machine_reboot(REQUEST, struct str machine)
{
	BEGIN(AGENT_MACHINE_REBOOT, machine);
	pack_str(&p, machine);
	end(c, &p, r);
}

static void
machine_limits(REQUEST, struct str machine, uint32_t cpu_milli, uint64_t memory_bytes)
{
	BEGIN(AGENT_MACHINE_LIMITS, machine);
	pack_str(&p, machine);
	pack_u32(&p, cpu_milli);
	pack_u64(&p, memory_bytes);
	end(c, &p, r);
}

static void
machine_plug(REQUEST, struct str machine, struct str interface, uint32_t device_index)
{
	BEGIN(AGENT_MACHINE_PLUG, machine);
	pack_str(&p, machine);
	pack_str(&p, interface);
	pack_u32(&p, device_index);
	end(c, &p, r);
}

static void
machine_unplug(REQUEST, struct str machine, struct str interface)
{
	BEGIN(AGENT_MACHINE_UNPLUG, machine);
	pack_str(&p, machine);
	pack_str(&p, interface);
	end(c, &p, r);
}

/* A directory in which nothing ever ran: nobody is woken. */
struct nothing {
	struct loop_job job; /* first */
	struct plane_request *r;
};

static void
nothing_there(struct loop_job *job)
{
	const struct plane_answer a = { .why = "", .fd = -1, .text = STR("") };
	struct plane_request *r = ((struct nothing *)job)->r;
	free(job);
	r->done(r, &a);
}

/* true: answered. */
static bool
nothing_ran(REQUEST)
{
	struct client *c = client_of(plane);
	char path[1100];
	snprintf(path, sizeof(path), "%s/plane", c->data_dir);
	if (c->asked || !c->loop || access(path, F_OK) == 0)
		return false;
	struct nothing *n = calloc(1, sizeof(*n));
	assert(n);
	n->job.run = nothing_there;
	n->r = r;
	loop_post(c->loop, &n->job);
	return true;
}

static void
machine_console(REQUEST, struct str machine)
{
	ask(plane, r, AGENT_MACHINE_CONSOLE, machine);
}

static void
machine_look(REQUEST, struct str machine)
{
	if (machine.len || !nothing_ran(plane, r))
		ask(plane, r, AGENT_MACHINE_LOOK, machine);
}

static void
volume_create(REQUEST, struct str volume, uint64_t bytes, struct str snapshot)
{
	struct client *c = client_of(plane);
	const struct str keys[] = { volume, snapshot };
	struct pack p;
	begin(&p, c, AGENT_VOLUME_CREATE, keys, snapshot.len ? 2 : 1);
	pack_str(&p, volume);
	pack_u64(&p, bytes);
	pack_str(&p, snapshot);
	end(c, &p, r);
}

static void
volume_resize(REQUEST, struct str volume, uint64_t bytes)
{
	BEGIN(AGENT_VOLUME_RESIZE, volume);
	pack_str(&p, volume);
	pack_u64(&p, bytes);
	end(c, &p, r);
}

static void
volume_remove(REQUEST, struct str volume)
{
	BEGIN(AGENT_VOLUME_REMOVE, volume);
	pack_str(&p, volume);
	end(c, &p, r);
}

static void
volume_attach(REQUEST, struct str machine, const struct plane_disk *d)
{
	BEGIN(AGENT_VOLUME_ATTACH, machine, d->volume);
	pack_str(&p, machine);
	pack_disk(&p, d);
	end(c, &p, r);
}

static void
volume_detach(REQUEST, struct str machine, struct str volume)
{
	BEGIN(AGENT_VOLUME_DETACH, machine, volume);
	pack_str(&p, machine);
	pack_str(&p, volume);
	end(c, &p, r);
}

static void
snapshot_create(REQUEST, struct str snapshot, struct str volume)
{
	BEGIN(AGENT_SNAPSHOT_CREATE, snapshot, volume);
	pack_str(&p, snapshot);
	pack_str(&p, volume);
	end(c, &p, r);
}

static void
snapshot_remove(REQUEST, struct str snapshot)
{
	BEGIN(AGENT_SNAPSHOT_REMOVE, snapshot);
	pack_str(&p, snapshot);
	end(c, &p, r);
}

static void
image_list(REQUEST, void (*each)(struct plane_request *r, const struct plane_image *i))
{
	struct client *c = client_of(plane);
	struct loop_job *job = agent_list_images(c->data_dir, r, each);
	if (c->loop) {
		loop_post(c->loop, job);
		return;
	}
	*c->early_last = job;
	job->next = NULL;
	c->early_last = &job->next;
}

static void
image_pull(REQUEST, struct str name)
{
	BEGIN(AGENT_IMAGE_PULL, name);
	pack_str(&p, name);
	end(c, &p, r);
}

static void
image_import(REQUEST, const struct plane_image *i, const char *path, enum plane_image_format f)
{
	BEGIN(AGENT_IMAGE_IMPORT, i->id);
	pack_image(&p, i);
	pack_u8(&p, (uint8_t)f);
	end_with(c, &p, r, open(path, O_RDONLY | O_CLOEXEC));
}

static void
image_export(REQUEST, struct str image, const char *path)
{
	BEGIN(AGENT_IMAGE_EXPORT, image);
	pack_str(&p, image);
	end_with(c, &p, r, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

static void
image_from_root(REQUEST, const struct plane_image *i, struct str root)
{
	BEGIN(AGENT_IMAGE_FROM_ROOT, i->id, root);
	pack_image(&p, i);
	pack_str(&p, root);
	end(c, &p, r);
}

static void
image_remove(REQUEST, struct str image)
{
	BEGIN(AGENT_IMAGE_REMOVE, image);
	pack_str(&p, image);
	end(c, &p, r);
}

static void
remove_all(REQUEST)
{
	struct client *c = client_of(plane);
	struct pack p;
	if (nothing_ran(plane, r))
		return;
	begin(&p, c, AGENT_REMOVE_ALL, NULL, 0);
	end(c, &p, r);
}

static const struct plane_ops agent_ops = {
	.close = agent_close,
	.ability = ability,
	.network_apply = network_apply,
	.network_remove = network_remove,
	.network_socket = network_socket,
	.machine_start = machine_start,
	.machine_stop = machine_stop,
	.machine_reboot = machine_reboot,
	.machine_limits = machine_limits,
	.machine_plug = machine_plug,
	.machine_unplug = machine_unplug,
	.machine_console = machine_console,
	.machine_look = machine_look,
	.volume_create = volume_create,
	.volume_resize = volume_resize,
	.volume_remove = volume_remove,
	.volume_attach = volume_attach,
	.volume_detach = volume_detach,
	.snapshot_create = snapshot_create,
	.snapshot_remove = snapshot_remove,
	.image_list = image_list,
	.image_pull = image_pull,
	.image_import = image_import,
	.image_export = image_export,
	.image_from_root = image_from_root,
	.image_remove = image_remove,
	.remove_all = remove_all,
};

/* --- the beginning and the end --- */

int
agent_fork(struct plane **ret_plane, const char *data_dir, bool drop)
{
	struct client *c = calloc(1, sizeof(*c));
	int fd, r;
	assert(c);
	if ((r = guard_fork(&c->guard, &fd, data_dir))) {
		free(c);
		return r;
	}
	if (drop)
		guard_drop_capabilities();
	c->plane.ops = &agent_ops;
	pthread_mutex_init(&c->lock, NULL);
	c->io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .ready = from_agent };
	c->control = (struct loop_io){
		.fd = c->guard.control, .events = EPOLLIN, .ready = from_guard
	};
	c->lost.run = fail_all;
	c->last = &c->first;
	c->early_last = &c->early;
	c->opened.done = opened;
	/* Until it was asked: what it will say wherever nothing is missing. */
	bool root = geteuid() == 0;
	c->ability = (struct plane_ability){ .networks = root,
		.machines = root,
		.volumes = root,
		.why_not = c->why_not,
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.memory_bytes =
			(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) };
	snprintf(c->data_dir, sizeof(c->data_dir), "%s", data_dir);
	snprintf(c->why_not, sizeof(c->why_not), "%s",
		root ? "" : "Machines, networks and volumes need root: start with sudo.");
	*ret_plane = &c->plane;
	return 0;
}

/* Before whatever else it is asked: it sleeps until then. */
static void
open_agent(struct client *c)
{
	struct pack p;
	if (c->asked)
		return;
	c->asked = true;
	begin(&p, c, AGENT_OPEN, NULL, 0);
	pack_str(&p, str_c(c->data_dir));
	pack_u8(&p, c->uplink);
	end(c, &p, &c->opened);
}

static bool
machines_were_here(const struct client *c)
{
	char path[1100];
	bool any = false;
	snprintf(path, sizeof(path), "%s/plane/machines", c->data_dir);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		any |= e->d_name[0] != '.';
	if (d)
		closedir(d);
	return any;
}

void
agent_attach(struct plane *plane, struct loop *l, bool now, void (*ready)(void *ctx), void *ctx)
{
	struct client *c = client_of(plane);
	c->loop = l;
	c->ready = ready;
	c->ready_ctx = ctx;
	loop_watch(l, &c->io);
	loop_watch(l, &c->control);
	c->publish = publish_new(l);
	for (struct loop_job *j = c->early, *next; j; j = next) {
		next = j->next;
		loop_post(l, j);
	}
	c->early = NULL;
	if (now || machines_were_here(c))
		open_agent(c);
}

void
agent_uplink(struct plane *plane, uint8_t uplink)
{
	client_of(plane)->uplink = uplink;
}

int
agent_pid(struct plane *plane)
{
	return client_of(plane)->pid;
}

void
agent_close(struct plane *plane)
{
	struct client *c = client_of(plane);
	publish_free(c->publish);
	guard_done(&c->guard, c->io.fd);
	drop_unsent(c);
	map_u64_done(&c->pending);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
