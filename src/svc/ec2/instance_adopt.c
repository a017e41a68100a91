/* After a start of this process: what runs goes on, what should run is started, what nobody owns
 * ends. */
#include "svc/ec2/instance_reconcile.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/work.h"

#include <errno.h>

/* ---- machines that ended by themselves */

static int
ended(struct call *c, struct str id, struct str why)
{
	struct str region, account;
	if (!ec2_instance_where(c->tx, c->arena, id, &region, &account))
		return CALL_OK;
	struct call owner = ec2_as(c, account);
	owner.region = region;
	struct ec2_instance_row *i = ec2_get(&owner, &ec2_instance_kind, id);
	if (!i || !i->Runs.v || ec2_state_is(i, EC2_STOPPING) || ec2_state_is(i, EC2_SHUTTING_DOWN))
		return CALL_OK;
	bool orderly = why.len && why.p[0] == '0';
	ec2_reason_set(&owner, i,
		orderly ? "Client.InstanceInitiatedShutdown" : "Server.InternalError",
		orderly ? STR("Instance initiated shutdown") : str_slice(why, 1, why.len));
	i->Instance->StateTransitionReason = STR("");
	ec2_instance_ended(&owner, i, str_is(i->ShutdownBehavior, "terminate"));
	ec2_mark(&owner, "ec2.instance", id);
	return CALL_OK;
}

/* ---- what the plane tells */

struct adoption {
	struct ec2_work w; /* first */
	struct str *running;
	uint32_t n;
};
static struct adoption *adopting; /* on the loop; NULL: not now */

static void
collect(struct adoption *a, struct str id)
{
	struct arena *arena = a->w.task->arena;
	if (!(a->n & (a->n - 1))) {
		struct str *more = arena_array(arena, struct str, a->n ? a->n * 2 : 1);
		memcpy(more, a->n ? a->running : more, a->n * sizeof(*more));
		a->running = more;
	}
	a->running[a->n++] = arena_dup(arena, id);
}

static void
reported(struct plane_listener *l, const struct plane_machine_report *m)
{
	char why[512];
	(void)l;
	if (!str_starts(m->id, STR("i-")))
		return;
	bool runs = m->state == PLANE_MACHINE_RUNNING || m->state == PLANE_MACHINE_STARTING;
	if (adopting && runs)
		collect(adopting, m->id);
	if (m->state == PLANE_MACHINE_STOPPED) {
		int n = snprintf(why, sizeof(why), "%c%.*s", m->exit_status ? '1' : '0',
			(int)(m->why.len > 400 ? 400 : m->why.len), m->why.p ? m->why.p : "");
		ec2_unit(NULL, STR("-"), STR("-"), m->id, str_of(why, (size_t)n), ended);
	}
	ec2_status_reported(m);
}

static int mark(struct call *c, struct str id, struct str text);

static void
forgot(struct plane_listener *l)
{
	(void)l;
	ec2_unit(NULL, STR("-"), STR("-"), STR("all"), STR(""), mark);
}

static struct plane_listener listener = { .reported = reported, .forgot = forgot };

/* ---- adoption */

struct places {
	struct call *c;
	struct adoption *a;
};

static bool
is_running(const struct adoption *a, struct str id)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (str_eq(a->running[i], id))
			return true;
	return false;
}

static void
restore_place(void *arg, struct str region, struct str account)
{
	struct places *p = arg;
	struct call c = ec2_as(p->c, account);
	struct ec2_instance_row *i;
	struct ec2_walk w;
	c.region = region;
	ec2_walk_begin(&w, &c, &ec2_instance_kind);
	while ((i = ec2_walk_next(&w))) {
		bool runs = is_running(p->a, w.id);
		if (!ec2_state_is(i, EC2_RUNNING) || (runs && i->Runs.v))
			continue;
		/* The host was started anew, or a crash came between start and row. */
		i->Runs = OPT_BOOL(runs);
		i->InterfacesSeen = STR_NULL;
		ec2_instance_put(&c, i);
		ec2_mark(&c, "ec2.instance", w.id);
	}
}

/* Whose row wants it ended, or who has none. */
static void
sweep(struct call *c, struct str id)
{
	struct str region, account;
	struct ec2_instance_row *i = NULL;
	struct call owner = *c;
	if (ec2_instance_where(c->tx, c->arena, id, &region, &account)) {
		owner = ec2_as(c, account);
		owner.region = region;
		i = ec2_get(&owner, &ec2_instance_kind, id);
	}
	if (!i || ec2_state_is(i, EC2_TERMINATED) || ec2_state_is(i, EC2_STOPPED))
		ec2_mark(&owner, "ec2.instance", id);
}

static int
effect_adopted(struct call *c, struct ec2_work *w)
{
	struct adoption *a = (struct adoption *)w;
	struct places p = { c, a };
	ec2_each_place(c->tx, c->arena, &ec2_instance_kind, restore_place, &p);
	for (uint32_t i = 0; i < a->n; i++)
		sweep(c, a->running[i]);
	return CALL_OK;
}

static void
looked(struct ec2_work *w)
{
	adopting = NULL;
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_adopted);
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
	struct adoption *a = arena_new(task->arena, struct adoption);
	a->w = *w;
	adopting = a;
	w->plane->ops->machine_look(w->plane, ec2_work_ask(&a->w, looked), STR(""));
}

static struct reconciler adoption = {
	.noun = "ec2.adoption", .step = step, .backoff_max_ms = 60000
};

static int
mark(struct call *c, struct str id, struct str text)
{
	(void)id, (void)text;
	reconcile_mark(c->tx, STR("ec2.adoption"), STR("-/-/all"));
	return CALL_OK;
}

static void
there_is_one(void *arg, struct str region, struct str account)
{
	(void)region, (void)account;
	*(bool *)arg = true;
}

/* The plane is not woken for a cloud without instances. */
static void
start(struct store *s)
{
	struct arena a;
	bool any = false;
	struct plane *p = plane_current();
	reconcile_register(&adoption);
	adopting = NULL;
	if (p)
		plane_listen(p, &listener);
	arena_init(&a);
	struct tx *t = tx_begin_read(s);
	ec2_each_place(t, &a, &ec2_instance_kind, there_is_one, &any);
	tx_end(t);
	arena_done(&a);
	if (any)
		ec2_unit(s, STR("-"), STR("-"), STR("all"), STR(""), mark);
}
EC2_START(start);
