/* The cloud is emptied: machines, networks and disks of it end too, before new ones begin. */
#include "svc/ec2/images.h"
#include "svc/ec2/metadata.h"
#include "svc/ec2/networks.h"
#include "svc/ec2/work.h"

struct clearing {
	struct ec2_work w; /* first */
	struct str *images;
	uint32_t n;
};

static void
one(struct plane_request *r, const struct plane_image *i)
{
	struct clearing *c = (struct clearing *)r;
	struct arena *a = c->w.task->arena;
	if (!str_starts(i->id, STR("ami-")))
		return;
	struct str *more = arena_array(a, struct str, c->n + 1);
	memcpy(more, c->n ? c->images : more, c->n * sizeof(*more));
	c->images = more;
	c->images[c->n++] = arena_dup(a, i->id);
}

/* Those that were pulled stay; images of accounts go, one on top of another from above. */
static void
next_image(struct ec2_work *w)
{
	struct clearing *c = (struct clearing *)w;
	if (c->n)
		w->plane->ops->image_remove(
			w->plane, ec2_work_ask(w, next_image), c->images[--c->n]);
	else
		ec2_work_end(w, NULL);
	if (!c->n)
		ec2_work_hold(false);
}

static void
removed(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		w->plane->ops->image_list(w->plane, ec2_work_ask(w, next_image), one);
}

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = plane_current() ? ec2_work_begin(task) : NULL;
	(void)arg;
	if (!plane_current())
		task_done(task, 0, STR_NULL, NULL, NULL);
	if (!w)
		return;
	struct clearing *c = arena_new(task->arena, struct clearing);
	c->w = *w;
	ec2_inside_down_all();
	ec2_networks_forget();
	c->w.plane->ops->remove_all(c->w.plane, ec2_work_ask(&c->w, removed));
}

static struct reconciler clearing = {
	.noun = EC2_RESET_NOUN, .step = step, .backoff_max_ms = 10000
};

void
ec2_world_reset(struct tx *t, struct store *s)
{
	(void)s;
	if (!plane_current())
		return;
	ec2_work_hold(true);
	/* The list of images went with the rows; who asks now waits for a new one. */
	ec2_catalogue_forget();
	reconcile_mark(t, STR(EC2_RESET_NOUN), STR("-/-/all"));
}

static void
start(struct store *s)
{
	(void)s;
	ec2_work_hold(false);
	reconcile_register(&clearing);
}
EC2_START(start);
