/* Images as their rows want them: made of a snapshot once it is complete, removed when nothing
 * names them. */
#include "svc/ec2/images.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

#define TRIES 5

struct seen {
	struct ec2_image_row *row;
	bool waits, broken; /* for snapshots */
	bool used;          /* somebody else names what the plane has */
};

static void
look_at_snapshots(struct call *c, struct seen *s)
{
	for (uint32_t i = 0; i < s->row->Image->BlockDeviceMappings.n; i++) {
		const struct ec2_ebs_block_device *e = s->row->Image->BlockDeviceMappings.v[i].Ebs;
		struct ec2_snapshot_row *snap =
			e && e->SnapshotId.len ? ec2_get(c, &ec2_snapshot_kind, e->SnapshotId)
					       : NULL;
		s->broken |= snap && str_is(snap->Snapshot->State, "error");
		s->waits |= snap && str_is(snap->Snapshot->State, "pending");
	}
}

struct users {
	struct call *c;
	struct str image, plane;
	bool found;
};

static void
look_in_place(void *arg, struct str region, struct str account)
{
	struct users *u = arg;
	struct call c = ec2_as(u->c, account);
	struct ec2_image_row *row;
	struct ec2_instance_row *i;
	struct ec2_walk w;
	c.region = region;
	ec2_walk_begin(&w, &c, &ec2_image_kind);
	while ((row = ec2_walk_next(&w)))
		u->found |= !row->Gone.v && !str_eq(w.id, u->image) &&
			    str_eq(row->PlaneImage, u->plane);
	ec2_walk_begin(&w, &c, &ec2_instance_kind);
	while ((i = ec2_walk_next(&w)))
		u->found |= str_eq(i->PlaneImage, u->plane) &&
			    !str_is(i->Instance->State->Name, "terminated");
}

static void
read_row(struct call *c, struct ec2_work *w)
{
	struct seen *s = arena_new(w->task->arena, struct seen);
	w->row = s;
	s->row = ec2_get_kept(c, &ec2_image_kind, w->id);
	if (!s->row)
		return;
	look_at_snapshots(c, s);
	struct users u = { .c = c, .image = w->id, .plane = s->row->PlaneImage };
	if (s->row->Gone.v) {
		ec2_each_place(c->tx, c->arena, &ec2_image_kind, look_in_place, &u);
		ec2_each_place(c->tx, c->arena, &ec2_instance_kind, look_in_place, &u);
	}
	s->used = u.found;
}

static int
effect_available(struct call *c, struct ec2_work *w)
{
	struct ec2_image_row *row = ec2_get(c, &ec2_image_kind, w->id);
	struct seen *s = w->row;
	if (!row)
		return CALL_OK;
	row->Image->State = STR("available");
	if (s->row->Source.len)
		row->PlaneImage = w->id;
	ec2_put(c, &ec2_image_kind, w->id, row);
	ec2_mark(c, "ec2.image", w->id);
	return CALL_OK;
}

static int
effect_failed(struct call *c, struct ec2_work *w)
{
	struct ec2_image_row *row = ec2_get(c, &ec2_image_kind, w->id);
	if (!row)
		return CALL_OK;
	row->Image->State = STR("failed");
	row->Image->StateReason = arena_new(c->arena, struct ec2_state_reason);
	row->Image->StateReason->Code = STR("Server.InternalError");
	row->Image->StateReason->Message = w->why.len ? w->why : STR("A snapshot failed.");
	ec2_put(c, &ec2_image_kind, w->id, row);
	return CALL_OK;
}

static void
made(struct ec2_work *w)
{
	if (!w->status)
		ec2_work_end(w, effect_available);
	else if (w->task->attempts + 1 >= TRIES)
		ec2_work_end(w, effect_failed);
	else
		ec2_work_fail(w);
}

static int
effect_removed(struct call *c, struct ec2_work *w)
{
	ec2_delete(c, &ec2_image_kind, w->id);
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
make(struct ec2_work *w, const struct seen *s)
{
	const struct ec2_image *i = s->row->Image;
	struct plane_image to = { .id = w->id,
		.name = i->Name,
		.os = s->row->User.len ? i->Description : STR(""),
		.user = s->row->User.len ? s->row->User : STR("ec2-user"),
		.arch = i->Architecture,
		.has_init = true };
	to.os = to.os.p ? to.os : STR("");
	w->plane->ops->image_from_root(w->plane, ec2_work_ask(w, made), &to, s->row->Source);
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
	bool own = s->row && str_starts(s->row->PlaneImage, STR("ami-"));
	if (!s->row)
		ec2_work_end(w, NULL);
	else if (s->row->Gone.v && s->used && own && str_eq(s->row->PlaneImage, w->id))
		/* An instance or a copy still needs it; a marker of a later look. */
		ec2_work_again(w, 60000);
	else if (s->row->Gone.v && own && !s->used)
		w->plane->ops->image_remove(w->plane, ec2_work_ask(w, removed), s->row->PlaneImage);
	else if (s->row->Gone.v)
		ec2_work_end(w, effect_removed);
	else if (!str_is(s->row->Image->State, "pending"))
		ec2_work_end(w, NULL);
	else if (s->broken)
		ec2_work_end(w, effect_failed);
	else if (s->waits)
		ec2_work_end(w, NULL); /* marked again when they are complete */
	else if (s->row->Source.len)
		make(w, s);
	else
		ec2_work_end(w, effect_available);
}

void
ec2_image_snapshot_done(struct call *c, struct str snapshot)
{
	struct str id = ec2_image_with_snapshot(c, snapshot);
	if (id.p)
		ec2_mark(c, "ec2.image", id);
}

static struct reconciler images = { .noun = "ec2.image", .step = step, .backoff_max_ms = 60000 };

static void
start(struct store *s)
{
	(void)s;
	reconcile_register(&images);
}
EC2_START(start);
