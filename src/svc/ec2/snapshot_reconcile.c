/* Snapshots as their rows want them: taken, copied, removed. */
#include "svc/ec2/images.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

#define TRIES 5
#define WANTED_MS 100

/* A volume that is still to be made of it was promised before it was deleted. */
static bool
is_wanted(struct call *c, struct str id)
{
	struct ec2_volume_row *v;
	struct ec2_walk walk;
	ec2_walk_begin(&walk, c, &ec2_volume_kind);
	while ((v = ec2_walk_next(&walk)))
		if (!v->Made.v && !v->Root.v && str_eq(v->Volume->SnapshotId, id) &&
			!str_is(v->Volume->State, "error") && !str_is(v->Volume->State, "deleting"))
			return true;
	return false;
}

static void
read_row(struct call *c, struct ec2_work *w)
{
	struct ec2_snapshot_row *row = ec2_get_kept(c, &ec2_snapshot_kind, w->id);
	w->row = row;
	w->at = row && row->Gone.v && is_wanted(c, w->id);
}

static struct ec2_snapshot_row *
now(struct call *c, struct ec2_work *w)
{
	return ec2_get(c, &ec2_snapshot_kind, w->id);
}

static int
effect_taken(struct call *c, struct ec2_work *w)
{
	struct ec2_snapshot_row *row = now(c, w);
	if (!row)
		return CALL_OK;
	row->Snapshot->State = STR("completed");
	row->Snapshot->Progress = STR("100%");
	row->Snapshot->CompletionTime = OPT_TIME(c->now_ms);
	row->Snapshot->FullSnapshotSizeInBytes = OPT_I64((int64_t)w->bytes);
	row->Bytes = OPT_I64((int64_t)w->bytes);
	row->Metered = STR("EBS:SnapshotUsage");
	ec2_bytes_metered(c, row->Metered, row->Bytes.v, 1);
	ec2_put(c, &ec2_snapshot_kind, w->id, row);
	ec2_mark(c, "ec2.snapshot", w->id);
	ec2_image_snapshot_done(c, w->id);
	return CALL_OK;
}

static int
effect_error(struct call *c, struct ec2_work *w)
{
	struct ec2_snapshot_row *row = now(c, w);
	if (!row)
		return CALL_OK;
	row->Snapshot->State = STR("error");
	row->Snapshot->StateMessage = w->why;
	ec2_put(c, &ec2_snapshot_kind, w->id, row);
	ec2_image_snapshot_done(c, w->id);
	return CALL_OK;
}

static void
not_taken(struct ec2_work *w)
{
	if (w->task->attempts + 1 >= TRIES)
		ec2_work_end(w, effect_error);
	else
		ec2_work_fail(w);
}

static void
taken(struct ec2_work *w)
{
	if (w->status)
		not_taken(w);
	else
		ec2_work_end(w, effect_taken);
}

/* The plane copies through a volume that nobody else sees; shared content costs no room. */
static struct str
passing_volume(struct ec2_work *w)
{
	return arena_printf(w->task->arena, "%.*s-copy", STR_FMT(w->id));
}

static void
copied(struct ec2_work *w)
{
	w->bytes = (uint64_t)((struct ec2_snapshot_row *)w->row)->Bytes.v;
	ec2_work_end(w, effect_taken);
}

static void
copy_taken(struct ec2_work *w)
{
	if (w->status) {
		not_taken(w);
		return;
	}
	struct ec2_snapshot_row *row = w->row;
	row->Bytes = OPT_I64((int64_t)w->bytes);
	w->plane->ops->volume_remove(w->plane, ec2_work_ask(w, copied), passing_volume(w));
}

static void
copy_opened(struct ec2_work *w)
{
	if (w->status)
		not_taken(w);
	else
		w->plane->ops->snapshot_create(
			w->plane, ec2_work_ask(w, copy_taken), w->id, passing_volume(w));
}

static int
effect_removed(struct call *c, struct ec2_work *w)
{
	struct ec2_snapshot_row *row = now(c, w);
	if (!row)
		return CALL_OK;
	if (row->Metered.len)
		ec2_bytes_metered(c, row->Metered, -row->Bytes.v, -1);
	ec2_delete(c, &ec2_snapshot_kind, w->id);
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

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = ec2_work_begin(task);
	(void)arg;
	if (!w)
		return;
	ec2_work_read(w, read_row);
	const struct ec2_snapshot_row *row = w->row;
	if (!row)
		ec2_work_end(w, NULL);
	else if (w->at)
		ec2_work_again(w, WANTED_MS);
	else if (row->Gone.v)
		w->plane->ops->snapshot_remove(w->plane, ec2_work_ask(w, removed), w->id);
	else if (!str_is(row->Snapshot->State, "pending"))
		ec2_work_end(w, NULL);
	else if (row->Held.len)
		w->plane->ops->volume_create(w->plane, ec2_work_ask(w, copy_opened),
			passing_volume(w), (uint64_t)row->Snapshot->VolumeSize.v * EC2_GIB,
			row->Held);
	else
		w->plane->ops->snapshot_create(
			w->plane, ec2_work_ask(w, taken), w->id, row->Snapshot->VolumeId);
}

static struct reconciler snapshots = {
	.noun = "ec2.snapshot", .step = step, .backoff_max_ms = 60000
};

static void
start(struct store *s)
{
	(void)s;
	reconcile_register(&snapshots);
}
EC2_START(start);
