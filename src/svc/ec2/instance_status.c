/* Status checks: machines are looked at, soon after their start and then each minute of the clock.
 */
#include "aws/due.h"
#include "base/clock.h"
#include "svc/ec2/instance_reconcile.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/work.h"

#define EVERY_MS 60000
#define SOON_MS 2000
#define BOOT_MS 180000 /* so long is not yet impaired */

struct look {
	struct ec2_work w; /* first */
	struct look *next;
	bool came, system_ok, instance_ok, running;
};
static struct look *looks; /* on the loop: those under way */

bool
ec2_status_reported(const struct plane_machine_report *m)
{
	bool found = false;
	for (struct look *l = looks; l; l = l->next) {
		if (!str_eq(l->w.id, m->id))
			continue;
		found = l->came = true;
		l->running = m->state == PLANE_MACHINE_RUNNING;
		l->system_ok = m->system_ok && l->running;
		l->instance_ok = m->instance_ok && l->running;
	}
	return found;
}

static void
read_row(struct call *c, struct ec2_work *w)
{
	w->row = ec2_get_kept(c, &ec2_instance_kind, w->id);
}

static const char *
verdict(bool ok, const struct ec2_instance_row *i, int64_t now_ms)
{
	return ok ? "passed" : now_ms < i->StartedAt.ms + BOOT_MS ? "initializing" : "failed";
}

static int
effect_looked(struct call *c, struct ec2_work *w)
{
	struct look *l = (struct look *)w;
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, w->id);
	if (!i || !i->Runs.v)
		return CALL_OK;
	struct str system = str_c(verdict(l->system_ok, i, c->now_ms));
	struct str instance = str_c(verdict(l->instance_ok, i, c->now_ms));
	bool changed = !str_eq(system, i->SystemStatus) || !str_eq(instance, i->InstanceStatus);
	bool failed = str_is(system, "failed") || str_is(instance, "failed");
	if (!changed)
		return CALL_OK;
	i->SystemStatus = system;
	i->InstanceStatus = instance;
	if (failed && !i->ImpairedSince.set)
		i->ImpairedSince = OPT_TIME(c->now_ms);
	if (!failed)
		i->ImpairedSince = (struct opt_time){ 0 };
	ec2_instance_put(c, i);
	return CALL_OK;
}

static void
looked(struct ec2_work *w)
{
	struct look *l = (struct look *)w;
	const struct ec2_instance_row *i = w->row;
	for (struct look **at = &looks; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	if (w->status || !l->came)
		ec2_work_end(w, NULL);
	else if (!l->instance_ok && clock_now_ms() < i->StartedAt.ms + BOOT_MS)
		ec2_work_again(w, SOON_MS);
	else
		ec2_work_end(w, effect_looked);
}

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = ec2_work_begin(task);
	(void)arg;
	if (!w)
		return;
	ec2_work_read(w, read_row);
	const struct ec2_instance_row *i = w->row;
	if (!i || !i->Runs.v || !ec2_state_is(i, EC2_RUNNING)) {
		ec2_work_end(w, NULL);
		return;
	}
	struct look *l = arena_new(task->arena, struct look);
	l->w = *w;
	l->next = looks;
	looks = l;
	w->plane->ops->machine_look(w->plane, ec2_work_ask(&l->w, looked), l->w.id);
}

void
ec2_status_begin(struct call *c, struct str id)
{
	ec2_mark(c, "ec2.status", id);
	due_add(c->tx, STR("ec2.look"), id, c->now_ms + EVERY_MS, STR(""));
}

/* The clock may have jumped by a day: one look is enough for it. */
static int
look_due(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	struct str region, account;
	(void)due_ms, (void)payload, (void)arg;
	arena_init(&a);
	if (ec2_instance_where(t, &a, id, &region, &account)) {
		ec2_inner_call(&c, t, &a, region, account);
		struct ec2_instance_row *i = ec2_get(&c, &ec2_instance_kind, id);
		if (i && i->Runs.v)
			ec2_status_begin(&c, id);
	}
	arena_done(&a);
	return 0;
}

static struct reconciler status = { .noun = "ec2.status", .step = step, .backoff_max_ms = 60000 };

static void
start(struct store *s)
{
	(void)s;
	looks = NULL;
	reconcile_register(&status);
	due_handle("ec2.look", look_due, NULL);
}
EC2_START(start);

/* ---- told */

static const struct ec2_filter_rule filters[] = {
	{ "availability-zone", "AvailabilityZone", NULL },
	{ "availability-zone-id", "AvailabilityZoneId", NULL },
	{ "event.code", "Events.Code", NULL },
	{ "event.instance-event-id", "Events.InstanceEventId", NULL },
	{ "instance-state-code", "InstanceState.Code", NULL },
	{ "instance-state-name", "InstanceState.Name", NULL },
	{ "instance-status.reachability", "InstanceStatus.Details.Status", NULL },
	{ "instance-status.status", "InstanceStatus.Status", NULL },
	{ "system-status.reachability", "SystemStatus.Details.Status", NULL },
	{ "system-status.status", "SystemStatus.Status", NULL },
	{ 0 },
};
static const struct ec2_kind status_kind = { .row = &ec2_instance_status_row_shape,
	.filters = filters };

static struct ec2_instance_status_summary *
summary(struct call *c, struct str state, const struct ec2_instance_row *i)
{
	struct ec2_instance_status_summary *s =
		arena_new(c->arena, struct ec2_instance_status_summary);
	bool failed = str_is(state, "failed");
	s->Status = !i->Runs.v                ? STR("not-applicable")
		    : failed                  ? STR("impaired")
		    : str_is(state, "passed") ? STR("ok")
					      : STR("initializing");
	if (!i->Runs.v)
		return s;
	s->Details.v = arena_new(c->arena, struct ec2_instance_status_details);
	s->Details.n = 1;
	*s->Details.v = (struct ec2_instance_status_details){ .Name = STR("reachability"),
		.Status = state.len ? state : STR("initializing") };
	if (failed)
		s->Details.v->ImpairedSince = i->ImpairedSince;
	return s;
}

static void
tell(struct call *c, const struct ec2_instance_row *i, struct ec2_instance_status *to)
{
	const struct ec2_placement *p = i->Instance->Placement;
	*to = (struct ec2_instance_status){ .InstanceId = i->Instance->InstanceId,
		.InstanceState = i->Instance->State,
		.AvailabilityZone = p ? p->AvailabilityZone : STR_NULL,
		.AvailabilityZoneId = p ? p->AvailabilityZoneId : STR_NULL,
		.InstanceStatus = summary(c, i->InstanceStatus, i),
		.SystemStatus = summary(c, i->SystemStatus, i) };
	to->AttachedEbsStatus = arena_new(c->arena, struct ec2_ebs_status_summary);
	to->AttachedEbsStatus->Status = to->SystemStatus->Status;
}

static bool
asked_for(const struct list_str *ids, struct str id)
{
	for (uint32_t i = 0; i < ids->n; i++)
		if (str_eq(ids->v[i], id))
			return true;
	return !ids->n;
}

int
ec2_describe_instance_status(struct call *c, const struct ec2_describe_instance_status_in *in,
	struct ec2_describe_instance_status_out *out)
{
	uint32_t limit =
		in->MaxResults.set && in->MaxResults.v > 0 ? (uint32_t)in->MaxResults.v : 1000;
	struct ec2_instance_row *row;
	struct ec2_walk w;
	struct str after, last = STR_NULL;
	for (uint32_t i = 0; i < in->InstanceIds.n; i++)
		if (!ec2_need(c, &ec2_instance_kind, in->InstanceIds.v[i]))
			return CALL_FAILED;
	if (ec2_filters_check(c, &status_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	limit = limit > 1000 ? 1000 : limit;
	out->InstanceStatuses.v = arena_array(c->arena, struct ec2_instance_status, limit + 1);
	out->InstanceStatuses.set = true;
	ec2_walk_begin(&w, c, &ec2_instance_kind);
	while ((row = ec2_walk_next(&w))) {
		struct ec2_instance_status *to = &out->InstanceStatuses.v[out->InstanceStatuses.n];
		if ((after.p && str_cmp(w.id, after) <= 0) || !asked_for(&in->InstanceIds, w.id) ||
			(!in->IncludeAllInstances.v && !ec2_state_is(row, EC2_RUNNING)))
			continue;
		tell(c, row, to);
		if (!ec2_filters_pass(c, &status_kind, &in->Filters, w.id, row, to))
			continue;
		if (out->InstanceStatuses.n == limit) {
			out->NextToken = ec2_page_token(c, last);
			ec2_walk_end(&w);
			break;
		}
		last = w.id;
		out->InstanceStatuses.n++;
	}
	return CALL_OK;
}
