/* Instances as their rows want them: started, rebooted, stopped; interfaces plugged as attached. */
#include "svc/ec2/instance_reconcile.h"
#include "svc/ec2/instance_types.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"
#include "svc/ec2/zones.h"

#include <errno.h>

#define TRIES 6

struct seen {
	struct ec2_instance_row *row;
	struct ec2_volume_row **volumes;
	uint32_t volumes_n;
	struct str *interfaces;
	uint32_t interfaces_n;
	struct str vpc;    /* "": nobody makes networks here */
	struct str resolver; /* what its network tells it of names */
	struct str device; /* the interface that is plugged or unplugged */
	bool zone_failed;
};

/* The networks' own (networks.h); weak: without them machines have no network. */
bool ec2_network_has(struct str vpc, struct str interface) __attribute__((weak));
void ec2_network_send(struct call *c, struct plane *p, struct plane_request *r, struct str vpc)
	__attribute__((weak));
struct str ec2_dhcp_resolver(struct call *c, struct str vpc) __attribute__((weak));

static bool
has_id(const struct seen *s, struct str id)
{
	for (uint32_t i = 0; i < s->interfaces_n; i++)
		if (str_eq(s->interfaces[i], id))
			return true;
	return false;
}

static void
read_row(struct call *c, struct ec2_work *w)
{
	struct seen *s = arena_new(w->task->arena, struct seen);
	struct ec2_interface_row **all;
	w->row = s;
	s->row = ec2_get_kept(c, &ec2_instance_kind, w->id);
	if (!s->row)
		return;
	s->zone_failed = ec2_zones_failed(c->tx, c->region) >> s->row->Zone.v & 1;
	s->volumes_n = ec2_volumes_of(c, s->row->Instance, &s->volumes);
	s->interfaces_n = ec2_interfaces_of(c, w->id, &all);
	s->interfaces = arena_array(c->arena, struct str, s->interfaces_n);
	for (uint32_t i = 0; i < s->interfaces_n; i++)
		s->interfaces[i] =
			arena_dup(c->arena, all[i]->NetworkInterface->NetworkInterfaceId);
	s->vpc = ec2_network_send && s->interfaces_n
			 ? arena_dup(c->arena, all[0]->NetworkInterface->VpcId)
			 : STR("");
	s->resolver = s->vpc.len && ec2_dhcp_resolver
			      ? arena_dup(c->arena, ec2_dhcp_resolver(c, s->vpc))
			      : STR("");
}

static struct ec2_instance_row *
now(struct call *c, struct ec2_work *w)
{
	return ec2_get(c, &ec2_instance_kind, w->id);
}

/* ---- start */

static void
volume_runs(struct call *c, const struct ec2_volume_row *was)
{
	struct ec2_volume_row *v = ec2_get(c, &ec2_volume_kind, was->Volume->VolumeId);
	if (!v)
		return;
	v->Made = OPT_BOOL(true);
	if (!v->MadeSize.set)
		v->MadeSize = was->Volume->Size;
	ec2_put(c, &ec2_volume_kind, v->Volume->VolumeId, v);
}

static struct str
interfaces_text(struct arena *a, const struct seen *s)
{
	struct str text = STR("");
	for (uint32_t i = 0; i < s->interfaces_n; i++)
		text = arena_printf(
			a, "%.*s%s%.*s", STR_FMT(text), i ? " " : "", STR_FMT(s->interfaces[i]));
	return text;
}

static int
effect_started(struct call *c, struct ec2_work *w)
{
	const struct seen *s = w->row;
	struct ec2_instance_row *i = now(c, w);
	if (!i)
		return CALL_OK;
	for (uint32_t k = 0; k < s->volumes_n; k++)
		volume_runs(c, s->volumes[k]);
	i->Runs = OPT_BOOL(true);
	i->RebootsDone = s->row->Reboots;
	i->InterfacesSeen = interfaces_text(c->arena, s);
	i->SystemStatus = i->InstanceStatus = STR("initializing");
	i->ImpairedSince = (struct opt_time){ 0 };
	if (ec2_state_is(i, EC2_PENDING))
		ec2_state_set(c, i, EC2_RUNNING);
	ec2_usage_begin(c, i);
	ec2_instance_put(c, i);
	/* It may have been told to end meanwhile, or an interface came. */
	ec2_mark(c, "ec2.instance", w->id);
	ec2_status_begin(c, w->id);
	return CALL_OK;
}

/* A launch that fails ends the instance, as on AWS; a start leaves it stopped. */
static int
effect_not_started(struct call *c, struct ec2_work *w)
{
	const struct seen *s = w->row;
	struct ec2_instance_row *i = now(c, w);
	bool launch = true;
	if (!i)
		return CALL_OK;
	for (uint32_t k = 0; k < s->volumes_n; k++)
		launch &= !s->volumes[k]->Root.v || !s->volumes[k]->Made.v;
	i->Instance->StateTransitionReason = STR("Server.InternalError");
	ec2_reason_set(c, i, "Server.InternalError",
		arena_printf(c->arena, "Internal error on launch: %.*s", STR_FMT(w->why)));
	ec2_instance_ended(c, i, launch);
	ec2_mark(c, "ec2.instance", w->id);
	return CALL_OK;
}

static void
started(struct ec2_work *w)
{
	const struct seen *s = w->row;
	if (!w->status)
		ec2_work_end(w, effect_started);
	else if (w->task->attempts + 1 >= TRIES && ec2_state_is(s->row, EC2_PENDING))
		ec2_work_end(w, effect_not_started);
	else
		ec2_work_fail(w);
}

static void
machine_start(struct ec2_work *w)
{
	const struct seen *s = w->row;
	const struct ec2_instance *i = s->row->Instance;
	const struct ec2_instance_type *t = ec2_instance_type_find(i->InstanceType);
	struct plane_ability a = { 0 };
	struct plane_disk *disks = arena_array(w->task->arena, struct plane_disk, s->volumes_n);
	struct plane_machine m = { .id = w->id,
		.image = s->row->PlaneImage,
		.root_volume = s->row->RootVolume,
		.kind = str_is(s->row->Machine, "qemu") ? PLANE_VM : PLANE_CONTAINER,
		.disks = disks,
		.network = s->vpc,
		.resolver = s->resolver,
		.interfaces = s->interfaces,
		.interfaces_n = s->vpc.len ? s->interfaces_n : 0 };
	w->plane->ops->ability(w->plane, &a);
	for (uint32_t k = 0; k < s->volumes_n; k++) {
		const struct ec2_volume *v = s->volumes[k]->Volume;
		if (s->volumes[k]->Root.v)
			m.root_bytes = (uint64_t)v->Size.v * EC2_GIB;
		else if (v->Attachments.n && !str_is(v->Attachments.v->State, "detaching"))
			disks[m.disks_n++] = (struct plane_disk){ .volume = v->VolumeId,
				.device = v->Attachments.v->Device,
				.iops = ec2_volume_iops(v),
				.bytes_a_second = ec2_volume_bytes_a_second(v) };
	}
	m.hostname = arena_dup(w->task->arena,
		arena_printf(w->task->arena, "ip-%.*s", STR_FMT(i->PrivateIpAddress)));
	for (size_t k = 0; k < m.hostname.len; k++)
		if (m.hostname.p[k] == '.')
			((char *)m.hostname.p)[k] = '-';
	/* More than the host has is only started with overcommit: then it has what there is. */
	m.cpus = t ? t->vcpus : 1;
	if (a.cpus && m.cpus > a.cpus)
		m.cpus = a.cpus;
	m.cpu_milli = m.cpus * 1000;
	m.memory_bytes = (uint64_t)(t ? t->memory_mib : 1024) << 20;
	if (a.memory_bytes && m.memory_bytes > a.memory_bytes)
		m.memory_bytes = a.memory_bytes;
	w->plane->ops->machine_start(w->plane, ec2_work_ask(w, started), &m);
}

static void
send(struct call *c, struct ec2_work *w)
{
	ec2_network_send(c, w->plane, &w->request, ((struct seen *)w->row)->vpc);
}

/* A machine may start right behind its network, so who starts it sees to it that it is there. */
static void
network(struct ec2_work *w, void (*then)(struct ec2_work *w))
{
	const struct seen *s = w->row;
	bool has = true;
	for (uint32_t i = 0; s->vpc.len && i < s->interfaces_n; i++)
		has &= ec2_network_has(s->vpc, s->interfaces[i]);
	w->status = 0;
	if (has) {
		then(w);
		return;
	}
	ec2_work_ask(w, then);
	ec2_work_read(w, send);
}

static void
network_applied(struct ec2_work *w)
{
	if (w->status)
		started(w);
	else
		machine_start(w);
}

/* Volumes of the launch first: the machine wants its disks to be there. */
static void
next_volume(struct ec2_work *w)
{
	const struct seen *s = w->row;
	if (w->status) {
		started(w);
		return;
	}
	while (w->at < s->volumes_n) {
		const struct ec2_volume_row *v = s->volumes[w->at++];
		if (v->Root.v || v->Made.v)
			continue;
		w->plane->ops->volume_create(w->plane, ec2_work_ask(w, next_volume),
			v->Volume->VolumeId, (uint64_t)v->Volume->Size.v * EC2_GIB,
			v->Volume->SnapshotId);
		return;
	}
	network(w, network_applied);
}

/* ---- stop */

static int
effect_stopped(struct call *c, struct ec2_work *w)
{
	struct ec2_instance_row *i = now(c, w);
	if (!i)
		return CALL_OK;
	if (w->text.len)
		ec2_console_put(c, w->id, w->text);
	if (ec2_state_is(i, EC2_SHUTTING_DOWN) || ec2_state_is(i, EC2_STOPPING))
		ec2_instance_ended(c, i, ec2_state_is(i, EC2_SHUTTING_DOWN));
	return CALL_OK;
}

static void
stopped(struct ec2_work *w)
{
	w->text = ((struct seen *)w->row)->device; /* the console, as it was last */
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_stopped);
}

static void
console_read(struct ec2_work *w)
{
	struct seen *s = w->row;
	s->device = w->status ? STR("") : w->text;
	enum plane_stop how = s->row->Force.v ? PLANE_STOP_NOW : PLANE_STOP_ORDERLY;
	if (ec2_state_is(s->row, EC2_SHUTTING_DOWN))
		how |= PLANE_STOP_FORGET;
	w->plane->ops->machine_stop(w->plane, ec2_work_ask(w, stopped), w->id, how);
}

static void
swept(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, NULL);
}

static int
effect_forgotten(struct call *c, struct ec2_work *w)
{
	if (w->text.len && now(c, w))
		ec2_console_put(c, w->id, w->text);
	return CALL_OK;
}

static void
forgotten(struct ec2_work *w)
{
	w->text = ((struct seen *)w->row)->device;
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_forgotten);
}

/* It ended by itself, for good: what it said last is still with the plane. */
static void
last_words(struct ec2_work *w)
{
	((struct seen *)w->row)->device = w->status ? STR("") : w->text;
	w->plane->ops->machine_stop(w->plane, ec2_work_ask(w, forgotten), w->id,
		PLANE_STOP_NOW | PLANE_STOP_FORGET);
}

/* ---- while it runs */

static int
effect_rebooted(struct call *c, struct ec2_work *w)
{
	struct ec2_instance_row *i = now(c, w);
	if (!i)
		return CALL_OK;
	i->RebootsDone = ((struct seen *)w->row)->row->Reboots;
	ec2_instance_put(c, i);
	ec2_mark(c, "ec2.instance", w->id);
	return CALL_OK;
}

static void
rebooted(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_rebooted);
}

static int
effect_plugged(struct call *c, struct ec2_work *w)
{
	const struct seen *s = w->row;
	struct ec2_instance_row *i = now(c, w);
	if (!i)
		return CALL_OK;
	i->InterfacesSeen = w->text;
	ec2_instance_put(c, i);
	ec2_mark(c, "ec2.instance", w->id);
	(void)s;
	return CALL_OK;
}

static void
plugged(struct ec2_work *w)
{
	struct seen *s = w->row;
	struct str rest = s->row->InterfacesSeen, left = STR("");
	bool was = false;
	if (w->status) {
		ec2_work_fail(w);
		return;
	}
	while (rest.len) {
		struct str one = str_cut(&rest, ' ');
		was |= str_eq(one, s->device);
		if (!str_eq(one, s->device))
			left = arena_printf(w->task->arena, "%.*s%s%.*s", STR_FMT(left),
				left.len ? " " : "", STR_FMT(one));
	}
	w->text = was ? left
		      : arena_printf(w->task->arena, "%.*s%s%.*s", STR_FMT(left),
				left.len ? " " : "", STR_FMT(s->device));
	ec2_work_end(w, effect_plugged);
}

static void
plug(struct ec2_work *w)
{
	struct seen *s = w->row;
	uint32_t at = 0;
	if (w->status) {
		ec2_work_fail(w);
		return;
	}
	while (at < s->interfaces_n && !str_eq(s->interfaces[at], s->device))
		at++;
	w->plane->ops->machine_plug(w->plane, ec2_work_ask(w, plugged), w->id, s->device, at);
}

/* One difference at a time; the effect marks again. false: there is none. */
static bool
interfaces_differ(struct ec2_work *w)
{
	struct seen *s = w->row;
	struct str rest = s->row->InterfacesSeen;
	if (!s->vpc.len)
		return false;
	for (uint32_t i = 0; i < s->interfaces_n; i++)
		if (str_find_str(rest, s->interfaces[i]) < 0) {
			s->device = s->interfaces[i];
			network(w, plug);
			return true;
		}
	while (rest.len) {
		struct str one = str_cut(&rest, ' ');
		if (has_id(s, one))
			continue;
		s->device = one;
		w->plane->ops->machine_unplug(w->plane, ec2_work_ask(w, plugged), w->id, one);
		return true;
	}
	return false;
}

/* Its zone has failed: the machine is gone without a word, while its row goes on saying that it
 * runs, as in a real failure. When the zone is restored it is marked, and started again. */
static int
effect_lost(struct call *c, struct ec2_work *w)
{
	struct ec2_instance_row *i = now(c, w);
	if (!i)
		return CALL_OK;
	i->Runs = OPT_BOOL(false);
	i->SystemStatus = i->InstanceStatus = STR("impaired");
	i->ImpairedSince = OPT_TIME(c->now_ms);
	ec2_usage_end(c, i);
	ec2_instance_put(c, i);
	ec2_mark(c, "ec2.instance", w->id);
	return CALL_OK;
}

static void
lost(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_lost);
}

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = ec2_work_begin(task);
	(void)arg;
	if (!w)
		return;
	ec2_work_read(w, read_row);
	const struct seen *s = w->row;
	const struct ec2_instance_row *i = s->row;
	if (!i)
		w->plane->ops->machine_stop(w->plane, ec2_work_ask(w, swept), w->id,
			PLANE_STOP_NOW | PLANE_STOP_FORGET);
	else if (ec2_state_is(i, EC2_STOPPING) || ec2_state_is(i, EC2_SHUTTING_DOWN))
		w->plane->ops->machine_console(w->plane, ec2_work_ask(w, console_read), w->id);
	else if (ec2_state_is(i, EC2_TERMINATED))
		w->plane->ops->machine_console(w->plane, ec2_work_ask(w, last_words), w->id);
	else if (ec2_state_is(i, EC2_STOPPED))
		/* What ended by itself may have left something. */
		w->plane->ops->machine_stop(
			w->plane, ec2_work_ask(w, swept), w->id, PLANE_STOP_NOW);
	else if (s->zone_failed && i->Runs.v)
		w->plane->ops->machine_stop(
			w->plane, ec2_work_ask(w, lost), w->id, PLANE_STOP_NOW);
	else if (s->zone_failed)
		ec2_work_end(w, NULL);
	else if (!i->Runs.v)
		next_volume(w);
	else if (i->Reboots.v > i->RebootsDone.v)
		w->plane->ops->machine_reboot(w->plane, ec2_work_ask(w, rebooted), w->id);
	else if (!interfaces_differ(w))
		ec2_work_end(w, NULL);
}

void
ec2_instance_interfaces_changed(struct call *c, struct str id)
{
	ec2_mark(c, "ec2.instance", id);
}

static struct reconciler instances = { .noun = "ec2.instance",
	.step = step,
	.concurrency = 64,
	.backoff_min_ms = 200,
	.backoff_max_ms = 60000 };

static void
start(struct store *s)
{
	(void)s;
	reconcile_register(&instances);
}
EC2_START(start);
