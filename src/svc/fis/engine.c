/* Experiments on the clock: each step looks at what has ended, what may begin, and when to look
 * again. */
#include "aws/credentials.h"
#include "aws/due.h"
#include "svc/ec2/ec2.h"
#include "svc/fis/fis.h"
#include "svc/iam/iam.h"
#include "svc/sts/sts.h"

static struct fis_experiment_action_state *
state_set(struct call *c, struct fis_experiment_action *a, const char *status, struct str reason)
{
	if (!a->state)
		a->state = arena_new(c->arena, struct fis_experiment_action_state);
	a->state->status = str_c(status);
	a->state->reason = reason;
	return a->state;
}

static bool
action_is(const struct fis_experiment_action *a, const char *status)
{
	return a->state && str_eq(a->state->status, str_c(status));
}

static void
experiment_set(struct call *c, struct fis_experiment *e, const char *status, struct str reason)
{
	if (!e->state)
		e->state = arena_new(c->arena, struct fis_experiment_state);
	e->state->status = str_c(status);
	e->state->reason = reason;
}

/* Acts as the role: what the role may not do, the experiment cannot. */
int
fis_act_as(struct call *c, struct str role_arn, struct str session, struct call *ret)
{
	struct sts_credentials *k =
		sts_service_session(c, role_arn, STR("fis.amazonaws.com"), session, 43200);
	struct credential found;
	if (!k)
		return CALL_FAILED;
	if (credentials_find(k->AccessKeyId, 0, c->tx, c->arena, &found))
		return call_fail(c, &FIS_ValidationException, "The role's session was not found.");
	ec2_inner_call(ret, c->tx, c->arena, c->region, c->account);
	credentials_principal(&found, c->arena, &ret->who);
	return CALL_OK;
}

static const struct list_str *
chosen_of(const struct fis_experiment_row *row, const struct fis_experiment_action *a)
{
	static const struct list_str none;
	for (uint32_t i = 0; a->targets.n && i < row->Chosen.n; i++)
		if (str_eq(row->Chosen.v[i].Target, a->targets.v[0].value))
			return &row->Chosen.v[i].Arns;
	return &none;
}

static int64_t
end_of(const struct fis_experiment_row *row, struct str name)
{
	for (uint32_t i = 0; i < row->Ends.n; i++)
		if (str_eq(row->Ends.v[i].key, name))
			return row->Ends.v[i].value;
	return 0;
}

static void
end_put(struct call *c, struct fis_experiment_row *row, struct str name, int64_t end_ms)
{
	struct map_i64_entry *v = arena_array(c->arena, struct map_i64_entry, row->Ends.n + 1);
	if (row->Ends.n)
		memcpy(v, row->Ends.v, row->Ends.n * sizeof(*v));
	v[row->Ends.n] = (struct map_i64_entry){ name, end_ms };
	row->Ends = (struct map_i64){ v, row->Ends.n + 1, true };
}

/* What the action left to be changed back, in turn of its making. */
static void
action_undo(struct call *as, struct fis_experiment_row *row, struct str name)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < row->Undos.n; i++) {
		const struct fis_undo *u = &row->Undos.v[i];
		if (!str_eq(u->Action, name)) {
			row->Undos.v[kept++] = *u;
			continue;
		}
		for (const struct fis_action_kind *k = fis_ec2_actions; k->id; k++)
			if (k->undo &&
				str_eq(u->Kind, str_is(str_c(k->id), "aws:ec2:stop-instances")
							? STR("start")
							: STR("acl")))
				k->undo(as, u);
	}
	row->Undos.n = kept;
}

static void
action_start(struct call *as, struct fis_experiment_row *row, struct str name,
	struct fis_experiment_action *a)
{
	const struct fis_action_kind *k = fis_action_find(a->actionId);
	struct fis_running r = {
		.c = as, .row = row, .name = name, .action = a, .arns = *chosen_of(row, a)
	};
	struct str duration = fis_parameter_of(a, "duration");
	int64_t ms = 0;
	a->startTime = OPT_TIME(as->now_ms);
	if (k->target && !r.arns.n) {
		state_set(as, a, "skipped", STR("Action's target resolved to no resource."));
		a->endTime = OPT_TIME(as->now_ms);
		return;
	}
	if (!duration.len)
		duration = fis_parameter_of(a, "startInstancesAfterDuration");
	if (duration.len && !fis_duration(duration, &ms))
		ms = 0;
	if (k->start && k->start(&r) != CALL_OK) {
		state_set(as, a, "failed", as->error_message);
		a->endTime = OPT_TIME(as->now_ms);
		return;
	}
	end_put(as, row, name, as->now_ms + ms);
	state_set(as, a, "running", STR("Action is running."));
}

static bool
may_begin(const struct fis_experiment *e, const struct fis_experiment_action *a)
{
	for (uint32_t i = 0; i < a->startAfter.n; i++)
		for (uint32_t j = 0; j < e->actions.n; j++)
			if (str_eq(e->actions.v[j].key, a->startAfter.v[i]) &&
				!action_is(&e->actions.v[j].value, "completed") &&
				!action_is(&e->actions.v[j].value, "skipped"))
				return false;
	return action_is(a, "pending");
}

/* true: something changed, so that others may begin. */
static bool
actions_turn(struct call *as, struct fis_experiment_row *row)
{
	struct fis_experiment *e = row->Experiment;
	bool changed = false;
	for (uint32_t i = 0; i < e->actions.n; i++) {
		struct fis_experiment_action *a = &e->actions.v[i].value;
		if (action_is(a, "running") && end_of(row, e->actions.v[i].key) <= as->now_ms) {
			action_undo(as, row, e->actions.v[i].key);
			state_set(as, a, "completed", STR("Action was completed."));
			a->endTime = OPT_TIME(as->now_ms);
			changed = true;
		} else if (may_begin(e, a)) {
			action_start(as, row, e->actions.v[i].key, a);
			changed = true;
		}
	}
	return changed;
}

static bool
any_action(const struct fis_experiment *e, const char *status)
{
	for (uint32_t i = 0; i < e->actions.n; i++)
		if (action_is(&e->actions.v[i].value, status))
			return true;
	return false;
}

/* Running actions are changed back, others do not begin. */
static void
end_all(struct call *as, struct fis_experiment_row *row, const char *running, const char *pending)
{
	struct fis_experiment *e = row->Experiment;
	for (uint32_t i = 0; i < e->actions.n; i++) {
		struct fis_experiment_action *a = &e->actions.v[i].value;
		bool was_running = action_is(a, "running");
		if (!was_running && !action_is(a, "pending"))
			continue;
		if (was_running)
			action_undo(as, row, e->actions.v[i].key);
		state_set(as, a, was_running ? running : pending, STR_NULL);
		a->endTime = OPT_TIME(as->now_ms);
	}
	e->endTime = OPT_TIME(as->now_ms);
}

static void
experiment_fail(struct call *as, struct fis_experiment_row *row, struct str why)
{
	end_all(as, row, "stopped", "cancelled");
	experiment_set(as, row->Experiment, "failed", arena_dup(as->arena, str_slice(why, 0, 512)));
}

static int
targets_choose(struct call *as, struct fis_experiment_row *row)
{
	struct fis_experiment *e = row->Experiment;
	bool skip = e->experimentOptions &&
		    str_is(e->experimentOptions->emptyTargetResolutionMode, "skip");
	row->Chosen = (struct fis_chosen_list){
		.v = arena_array(as->arena, struct fis_chosen, e->targets.n), .set = true
	};
	for (uint32_t i = 0; i < e->targets.n; i++) {
		struct fis_chosen *chosen = &row->Chosen.v[row->Chosen.n++];
		chosen->Target = e->targets.v[i].key;
		if (fis_resolve(as, &e->targets.v[i].value, &chosen->Arns) != CALL_OK)
			return CALL_FAILED;
		if (!chosen->Arns.n && !skip)
			return call_fail(as, &FIS_ValidationException,
				"Target resolution returned empty set");
	}
	return CALL_OK;
}

static int64_t
next_end(const struct fis_experiment_row *row)
{
	const struct fis_experiment *e = row->Experiment;
	int64_t next = INT64_MAX;
	for (uint32_t i = 0; i < e->actions.n; i++) {
		int64_t end = end_of(row, e->actions.v[i].key);
		if (action_is(&e->actions.v[i].value, "running") && end < next)
			next = end;
	}
	return next;
}

static void
run(struct call *as, struct fis_experiment_row *row)
{
	struct fis_experiment *e = row->Experiment;
	struct str why;
	if (fis_lever_engaged(as, &why)) {
		end_all(as, row, "stopped", "cancelled");
		experiment_set(as, e, "stopped", STR("Experiment stopped by the safety lever."));
		return;
	}
	if (str_is(e->state->status, "initiating")) {
		if (targets_choose(as, row) != CALL_OK) {
			experiment_fail(as, row, as->error_message);
			return;
		}
		experiment_set(as, e, "running", STR("Experiment is running."));
		if (e->experimentOptions && str_is(e->experimentOptions->actionsMode, "skip-all")) {
			end_all(as, row, "skipped", "skipped");
			experiment_set(as, e, "completed",
				STR("Experiment completed with all actions skipped."));
			return;
		}
	}
	while (actions_turn(as, row) && !any_action(e, "failed"))
		;
	if (any_action(e, "failed")) {
		experiment_fail(as, row, STR("One or more actions failed."));
	} else if (!any_action(e, "running") && !any_action(e, "pending")) {
		e->endTime = OPT_TIME(as->now_ms);
		experiment_set(as, e, "completed", STR("Experiment completed."));
	}
}

static bool
over(const struct fis_experiment *e)
{
	return str_is(e->state->status, "completed") || str_is(e->state->status, "stopped") ||
	       str_is(e->state->status, "failed");
}

/* The region, account and id of a step's key. */
static bool
step_place(struct arena *a, struct str key, struct str ret[3])
{
	struct str rest = str_slice(key, 1, key.len);
	for (int i = 0; i < 3; i++) {
		char text[256];
		if (!key_take(&rest, text, sizeof(text), &ret[i]))
			return false;
		ret[i] = arena_dup(a, ret[i]);
	}
	return true;
}

static int
step(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c, as;
	struct str place[3];
	(void)payload, (void)arg;
	arena_init(&a);
	if (step_place(&a, id, place)) {
		ec2_inner_call(&c, t, &a, place[0], place[1]);
		c.now_ms = due_ms;
		struct fis_experiment_row *row = fis_experiment_need(&c, place[2]);
		if (row && !over(row->Experiment)) {
			struct fis_experiment *e = row->Experiment;
			int r = fis_act_as(&c, e->roleArn, e->id, &as);
			if (r != CALL_OK)
				as = c;
			as.now_ms = due_ms;
			if (str_is(e->state->status, "stopping")) {
				end_all(&as, row, "stopped", "cancelled");
				experiment_set(&as, e, "stopped", STR("Experiment stopped."));
			} else if (r != CALL_OK) {
				experiment_fail(&as, row, c.error_message);
			} else {
				run(&as, row);
			}
			fis_put(&c, 'E', e->id, &fis_experiment_row_shape, row);
			if (!over(e))
				due_add(t, STR(FIS_STEP), id, next_end(row), STR(""));
		}
	}
	arena_done(&a);
	return 0;
}

void
fis_engine_wake(struct call *c, struct str experiment)
{
	struct key k;
	fis_key(&k, c, 'E', experiment);
	due_add(c->tx, STR(FIS_STEP), key_str(&k), c->now_ms, STR(""));
}

void
fis_engine_start(void)
{
	due_handle(FIS_STEP, step, NULL);
}
