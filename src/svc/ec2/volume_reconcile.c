/* Volumes as their rows want them: made, attached, made larger, detached, removed. */
#include "svc/ec2/instances.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"
#include "svc/ec2/zones.h"

#define TRIES 5
#define START_MS 20

struct seen {
	struct ec2_volume_row *row;
	struct ec2_volume_attachment *at; /* NULL: nobody's */
	bool runs;                        /* its instance's machine does */
	bool starting;                    /* it does not yet, and may have been given its disks */
};

static void
read_row(struct call *c, struct ec2_work *w)
{
	struct seen *s = arena_new(w->task->arena, struct seen);
	w->row = s;
	s->row = ec2_get_kept(c, &ec2_volume_kind, w->id);
	if (!s->row || !s->row->Volume->Attachments.n)
		return;
	s->at = s->row->Volume->Attachments.v;
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, s->at->InstanceId);
	s->runs = i && i->Runs.v;
	s->starting =
		i && !s->runs && (ec2_state_is(i, EC2_PENDING) || ec2_state_is(i, EC2_RUNNING)) &&
		!(ec2_zones_failed(c->tx, c->region) >> i->Zone.v & 1);
}

static struct ec2_volume_row *
now(struct call *c, struct ec2_work *w)
{
	return ec2_get(c, &ec2_volume_kind, w->id);
}

static void
put(struct call *c, struct ec2_work *w, struct ec2_volume_row *row)
{
	ec2_put(c, &ec2_volume_kind, w->id, row);
	ec2_mark(c, "ec2.volume", w->id);
}

static int
effect_made(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	if (!row)
		return CALL_OK;
	row->Made = OPT_BOOL(true);
	row->MadeSize = ((struct seen *)w->row)->row->Volume->Size;
	if (str_is(row->Volume->State, "creating"))
		row->Volume->State = STR("available");
	put(c, w, row);
	return CALL_OK;
}

static int
effect_error(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	if (!row)
		return CALL_OK;
	row->Volume->State = STR("error");
	row->Trouble = w->why;
	ec2_put(c, &ec2_volume_kind, w->id, row);
	return CALL_OK;
}

static void
made(struct ec2_work *w)
{
	if (!w->status)
		ec2_work_end(w, effect_made);
	else if (w->task->attempts + 1 >= TRIES)
		ec2_work_end(w, effect_error);
	else
		ec2_work_fail(w);
}

static int
effect_removed(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	if (!row)
		return CALL_OK;
	ec2_bytes_metered(c, row->Metered, -row->Volume->Size.v * (int64_t)EC2_GIB, -1);
	ec2_delete(c, &ec2_volume_kind, w->id);
	return CALL_OK;
}

static void
removed(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_removed);
}

/* What was done to an attachment holds only if it is still the one that was looked at. */
static bool
same_attachment(const struct ec2_volume_row *row, const struct ec2_work *w)
{
	const struct ec2_volume_attachment *at = ((struct seen *)w->row)->at;
	return row && row->Volume->Attachments.n &&
	       str_eq(row->Volume->Attachments.v[0].InstanceId, at->InstanceId) &&
	       str_eq(row->Volume->Attachments.v[0].State, at->State);
}

static void
mapping(struct call *c, const struct ec2_volume_row *row, const char *state)
{
	struct str instance = row->Volume->Attachments.v[0].InstanceId;
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, instance);
	if (!i)
		return;
	ec2_volume_mapping_state(i->Instance, row->Volume->VolumeId, state);
	ec2_put(c, &ec2_instance_kind, instance, i);
}

static int
effect_attached(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	if (!same_attachment(row, w))
		return CALL_OK;
	mapping(c, row, "attached");
	row->Volume->Attachments.v[0].State = STR("attached");
	put(c, w, row);
	return CALL_OK;
}

static void
attached(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_attached);
}

static int
effect_detached(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	if (!same_attachment(row, w))
		return CALL_OK;
	mapping(c, row, NULL);
	row->Volume->Attachments.n = 0;
	row->Volume->State = STR("available");
	put(c, w, row);
	return CALL_OK;
}

static void
detached(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_detached);
}

static int
effect_modified(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	struct ec2_volume_modification *m = row ? row->Modification : NULL;
	if (!m || !str_is(m->ModificationState, "modifying"))
		return CALL_OK;
	ec2_bytes_metered(c, row->Metered, -row->Volume->Size.v * (int64_t)EC2_GIB, -1);
	row->Volume->Size = row->MadeSize = m->TargetSize;
	row->Volume->VolumeType = m->TargetVolumeType;
	row->Volume->Iops = m->TargetIops;
	row->Volume->Throughput = m->TargetThroughput;
	row->Metered =
		arena_printf(c->arena, "EBS:VolumeUsage.%.*s", STR_FMT(row->Volume->VolumeType));
	ec2_bytes_metered(c, row->Metered, row->Volume->Size.v * (int64_t)EC2_GIB, 1);
	m->ModificationState = STR("completed");
	m->Progress = OPT_I64(100);
	m->EndTime = OPT_TIME(c->now_ms);
	put(c, w, row);
	return CALL_OK;
}

static int
effect_not_modified(struct call *c, struct ec2_work *w)
{
	struct ec2_volume_row *row = now(c, w);
	if (!row || !row->Modification)
		return CALL_OK;
	row->Modification->ModificationState = STR("failed");
	row->Modification->StatusMessage = w->why;
	row->Modification->EndTime = OPT_TIME(c->now_ms);
	ec2_put(c, &ec2_volume_kind, w->id, row);
	return CALL_OK;
}

static void
resized(struct ec2_work *w)
{
	if (!w->status)
		ec2_work_end(w, effect_modified);
	else if (w->task->attempts + 1 >= TRIES)
		ec2_work_end(w, effect_not_modified);
	else
		ec2_work_fail(w);
}

static void
attach(struct ec2_work *w, const struct seen *s)
{
	const struct ec2_volume *v = s->row->Volume;
	struct plane_disk d = { .volume = w->id,
		.device = s->at->Device,
		.iops = ec2_volume_iops(v),
		.bytes_a_second = ec2_volume_bytes_a_second(v) };
	if (s->runs)
		w->plane->ops->volume_attach(
			w->plane, ec2_work_ask(w, attached), s->at->InstanceId, &d);
	else
		ec2_work_end(w, effect_attached);
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
	const struct ec2_volume *v = s->row ? s->row->Volume : NULL;
	const struct ec2_volume_modification *m = s->row ? s->row->Modification : NULL;
	if (!v || str_is(v->State, "error"))
		ec2_work_end(w, NULL);
	else if (str_is(v->State, "deleting"))
		w->plane->ops->volume_remove(w->plane, ec2_work_ask(w, removed), w->id);
	else if (!s->row->Made.v && !s->row->Root.v)
		w->plane->ops->volume_create(w->plane, ec2_work_ask(w, made), w->id,
			(uint64_t)v->Size.v * EC2_GIB, v->SnapshotId);
	else if (s->starting &&
		 (str_is(s->at->State, "attaching") || str_is(s->at->State, "detaching")))
		ec2_work_again(w, START_MS);
	else if (s->at && str_is(s->at->State, "attaching"))
		attach(w, s);
	else if (s->at && str_is(s->at->State, "detaching") && s->runs)
		w->plane->ops->volume_detach(
			w->plane, ec2_work_ask(w, detached), s->at->InstanceId, w->id);
	else if (s->at && str_is(s->at->State, "detaching"))
		ec2_work_end(w, effect_detached);
	else if (m && str_is(m->ModificationState, "modifying") && m->TargetSize.v > v->Size.v)
		w->plane->ops->volume_resize(w->plane, ec2_work_ask(w, resized), w->id,
			(uint64_t)m->TargetSize.v * EC2_GIB);
	else if (m && str_is(m->ModificationState, "modifying"))
		ec2_work_end(w, effect_modified);
	else
		ec2_work_end(w, NULL);
}

static struct reconciler volumes = {
	.noun = "ec2.volume", .step = step, .backoff_min_ms = 200, .backoff_max_ms = 60000
};

static void
start(struct store *s)
{
	(void)s;
	reconcile_register(&volumes);
}
EC2_START(start);
