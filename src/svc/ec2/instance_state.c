/* Instances change their state: wanted by calls, reached by the reconciler. */
#include "aws/due.h"
#include "base/clock.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

#define SHOWN_AFTER_MS INT64_C(3600000)

struct ec2_instance_state *
ec2_state_new(struct arena *a, enum ec2_state s)
{
	struct ec2_instance_state *state = arena_new(a, struct ec2_instance_state);
	state->Code = OPT_I64(s);
	switch (s) {
	case EC2_PENDING:
		state->Name = STR("pending");
		break;
	case EC2_RUNNING:
		state->Name = STR("running");
		break;
	case EC2_SHUTTING_DOWN:
		state->Name = STR("shutting-down");
		break;
	case EC2_TERMINATED:
		state->Name = STR("terminated");
		break;
	case EC2_STOPPING:
		state->Name = STR("stopping");
		break;
	case EC2_STOPPED:
		state->Name = STR("stopped");
	}
	return state;
}

void
ec2_state_set(struct call *c, struct ec2_instance_row *i, enum ec2_state s)
{
	i->Instance->State = ec2_state_new(c->arena, s);
}

bool
ec2_state_is(const struct ec2_instance_row *i, enum ec2_state s)
{
	return i->Instance->State && i->Instance->State->Code.v == (int64_t)s;
}

void
ec2_reason_set(struct call *c, struct ec2_instance_row *i, const char *code, struct str message)
{
	i->Instance->StateReason = NULL;
	if (!*code)
		return;
	i->Instance->StateReason = arena_new(c->arena, struct ec2_state_reason);
	i->Instance->StateReason->Code = str_c(code);
	i->Instance->StateReason->Message =
		arena_printf(c->arena, "%s: %.*s", code, STR_FMT(message));
}

void
ec2_instance_put(struct call *c, struct ec2_instance_row *i)
{
	ec2_put(c, &ec2_instance_kind, i->Instance->InstanceId, i);
}

static void
transition(struct call *c, struct ec2_instance_row *i, const char *what)
{
	struct str at = time_text(c->arena, c->now_ms, TIME_ISO8601);
	i->Instance->StateTransitionReason =
		arena_printf(c->arena, "%s (%.10s %.8s GMT)", what, at.p, at.p + 11);
}

void
ec2_instance_stop(struct call *c, struct ec2_instance_row *i, bool force, struct str reason)
{
	i->Force = OPT_BOOL(force);
	ec2_state_set(c, i, EC2_STOPPING);
	transition(c, i, "User initiated");
	ec2_reason_set(c, i, "Client.UserInitiatedShutdown", reason);
	ec2_instance_put(c, i);
	ec2_mark(c, "ec2.instance", i->Instance->InstanceId);
}

void
ec2_instance_terminate(struct call *c, struct ec2_instance_row *i, struct str reason)
{
	ec2_state_set(c, i, EC2_SHUTTING_DOWN);
	transition(c, i, "User initiated");
	ec2_reason_set(c, i, "Client.UserInitiatedShutdown", reason);
	ec2_instance_put(c, i);
	ec2_mark(c, "ec2.instance", i->Instance->InstanceId);
}

void
ec2_instance_ended(struct call *c, struct ec2_instance_row *i, bool terminated)
{
	struct str id = i->Instance->InstanceId;
	i->Runs = OPT_BOOL(false);
	i->SystemStatus = i->InstanceStatus = STR_NULL;
	i->RebootsDone = i->Reboots;
	ec2_usage_end(c, i);
	if (terminated) {
		ec2_state_set(c, i, EC2_TERMINATED);
		i->EndedAt = OPT_TIME(c->now_ms);
		i->UserData = STR_NULL;
		ec2_interfaces_terminated(c, id);
		ec2_volumes_released(c, i->Instance);
		i->Instance->IamInstanceProfile = NULL;
		due_add(c->tx, STR("ec2.instance-gone"), id, c->now_ms + SHOWN_AFTER_MS, STR(""));
	} else {
		ec2_state_set(c, i, EC2_STOPPED);
		ec2_interfaces_stopped(c, id);
	}
	ec2_network_mark(c->tx, c->region, c->account, i->Instance->VpcId);
	ec2_instance_put(c, i);
}

static int
gone(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	struct str region, account;
	(void)due_ms, (void)payload, (void)arg;
	arena_init(&a);
	if (ec2_instance_where(t, &a, id, &region, &account)) {
		ec2_inner_call(&c, t, &a, region, account);
		ec2_delete(&c, &ec2_instance_kind, id);
		ec2_console_forget(&c, id);
		ec2_owner_delete(&c, id);
	}
	arena_done(&a);
	return 0;
}

static void
start(struct store *s)
{
	(void)s;
	due_handle("ec2.instance-gone", gone, NULL);
}
EC2_START(start);

/* ---- calls on several instances: all are checked before one is changed */

static struct ec2_instance_row **
all_of(struct call *c, const struct list_str *ids)
{
	struct ec2_instance_row **rows =
		arena_array(c->arena, struct ec2_instance_row *, ids->n + 1);
	if (!ids->n) {
		ec2_missing(c, "InstanceId");
		return NULL;
	}
	for (uint32_t i = 0; i < ids->n; i++)
		if (!(rows[i] = ec2_need(c, &ec2_instance_kind, ids->v[i])))
			return NULL;
	return rows;
}

static int
wrong_state(struct call *c, const struct ec2_instance_row *i, const char *what)
{
	return call_fail(c, &EC2_IncorrectInstanceState,
		"The instance '%.*s' is not in a state from which it can be %s.",
		STR_FMT(i->Instance->InstanceId), what);
}

static struct ec2_instance_state_change *
change(struct call *c, struct ec2_instance_state_change_list *l, const struct ec2_instance_row *i,
	uint32_t n)
{
	if (!l->set)
		l->v = arena_array(c->arena, struct ec2_instance_state_change, n);
	l->set = true;
	l->v[l->n] = (struct ec2_instance_state_change){ .InstanceId = i->Instance->InstanceId,
		.PreviousState = i->Instance->State,
		.CurrentState = i->Instance->State };
	return &l->v[l->n++];
}

int
ec2_start_instances(struct call *c, const struct ec2_start_instances_in *in,
	struct ec2_start_instances_out *out)
{
	struct ec2_instance_row **rows = all_of(c, &in->InstanceIds);
	uint32_t n = in->InstanceIds.n;
	if (!rows || ec2_plane_need(c, 'm') != CALL_OK)
		return CALL_FAILED;
	for (uint32_t k = 0; k < n; k++) {
		if (!ec2_state_is(rows[k], EC2_STOPPED) && !ec2_state_is(rows[k], EC2_RUNNING) &&
			!ec2_state_is(rows[k], EC2_PENDING))
			return wrong_state(c, rows[k], "started");
		if (ec2_capacity_check(c, rows[k]->Instance->InstanceType) != CALL_OK)
			return CALL_FAILED;
	}
	for (uint32_t k = 0; k < n; k++) {
		struct ec2_instance_row *i = rows[k];
		struct ec2_instance_state_change *to = change(c, &out->StartingInstances, i, n);
		if (!ec2_state_is(i, EC2_STOPPED))
			continue;
		ec2_state_set(c, i, EC2_PENDING);
		ec2_reason_set(c, i, "", STR_NULL);
		i->Instance->StateTransitionReason = STR("");
		i->Instance->LaunchTime = OPT_TIME(c->now_ms);
		i->Failures = OPT_I64(0);
		to->CurrentState = i->Instance->State;
		if (ec2_interfaces_started(c, to->InstanceId) != CALL_OK)
			return CALL_FAILED;
		ec2_instance_put(c, i);
		ec2_mark(c, "ec2.instance", to->InstanceId);
	}
	return CALL_OK;
}

int
ec2_stop_instances(
	struct call *c, const struct ec2_stop_instances_in *in, struct ec2_stop_instances_out *out)
{
	struct ec2_instance_row **rows = all_of(c, &in->InstanceIds);
	uint32_t n = in->InstanceIds.n;
	if (!rows)
		return CALL_FAILED;
	if (in->Hibernate.v)
		return call_fail(c, &EC2_UnsupportedHibernationConfiguration,
			"Instances cannot hibernate here: their memory is not kept.");
	for (uint32_t k = 0; k < n; k++) {
		const struct ec2_instance_row *i = rows[k];
		if (ec2_state_is(i, EC2_TERMINATED) || ec2_state_is(i, EC2_SHUTTING_DOWN) ||
			ec2_state_is(i, EC2_PENDING))
			return wrong_state(c, i, "stopped");
		if (i->DisableApiStop.v)
			return call_fail(c, &EC2_OperationNotPermitted,
				"The instance '%.*s' may not be stopped. Modify its "
				"'disableApiStop' "
				"instance attribute and try again.",
				STR_FMT(i->Instance->InstanceId));
	}
	for (uint32_t k = 0; k < n; k++) {
		struct ec2_instance_row *i = rows[k];
		struct ec2_instance_state_change *to = change(c, &out->StoppingInstances, i, n);
		if (ec2_state_is(i, EC2_RUNNING) || (ec2_state_is(i, EC2_STOPPING) && in->Force.v))
			ec2_instance_stop(c, i, in->Force.v || in->SkipOsShutdown.v,
				STR("User initiated shutdown"));
		to->CurrentState = i->Instance->State;
	}
	return CALL_OK;
}

int
ec2_reboot_instances(struct call *c, const struct ec2_reboot_instances_in *in,
	struct ec2_reboot_instances_out *out __attribute__((unused)))
{
	struct ec2_instance_row **rows = all_of(c, &in->InstanceIds);
	if (!rows)
		return CALL_FAILED;
	for (uint32_t k = 0; k < in->InstanceIds.n; k++)
		if (!ec2_state_is(rows[k], EC2_RUNNING) && !ec2_state_is(rows[k], EC2_PENDING))
			return wrong_state(c, rows[k], "rebooted");
	for (uint32_t k = 0; k < in->InstanceIds.n; k++) {
		rows[k]->Reboots = OPT_I64(rows[k]->Reboots.v + 1);
		ec2_instance_put(c, rows[k]);
		ec2_mark(c, "ec2.instance", in->InstanceIds.v[k]);
	}
	return CALL_OK;
}

/* AWS terminates nothing of a zone where one instance is protected; here nothing of the call. */
int
ec2_terminate_instances(struct call *c, const struct ec2_terminate_instances_in *in,
	struct ec2_terminate_instances_out *out)
{
	struct ec2_instance_row **rows = all_of(c, &in->InstanceIds);
	uint32_t n = in->InstanceIds.n;
	if (!rows)
		return CALL_FAILED;
	for (uint32_t k = 0; k < n; k++)
		if (rows[k]->DisableApiTermination.v)
			return call_fail(c, &EC2_OperationNotPermitted,
				"The instance '%.*s' may not be terminated. Modify its "
				"'disableApiTermination' instance attribute and try again.",
				STR_FMT(in->InstanceIds.v[k]));
	for (uint32_t k = 0; k < n; k++) {
		struct ec2_instance_row *i = rows[k];
		struct ec2_instance_state_change *to = change(c, &out->TerminatingInstances, i, n);
		if (!ec2_state_is(i, EC2_TERMINATED) && !ec2_state_is(i, EC2_SHUTTING_DOWN))
			ec2_instance_terminate(c, i, STR("User initiated shutdown"));
		to->CurrentState = i->Instance->State;
	}
	return CALL_OK;
}

static int
monitor(struct call *c, const struct list_str *ids, bool on,
	struct ec2_instance_monitoring_list *out)
{
	struct ec2_instance_row **rows = all_of(c, ids);
	if (!rows)
		return CALL_FAILED;
	out->v = arena_array(c->arena, struct ec2_instance_monitoring, ids->n);
	out->set = true;
	for (uint32_t k = 0; k < ids->n; k++) {
		struct ec2_monitoring *told = arena_new(c->arena, struct ec2_monitoring);
		struct ec2_monitoring *m = arena_new(c->arena, struct ec2_monitoring);
		m->State = on ? STR("enabled") : STR("disabled");
		told->State = on ? STR("pending") : STR("disabling");
		rows[k]->Instance->Monitoring = m;
		ec2_instance_put(c, rows[k]);
		out->v[out->n++] = (struct ec2_instance_monitoring){ ids->v[k], told };
	}
	return CALL_OK;
}

int
ec2_monitor_instances(struct call *c, const struct ec2_monitor_instances_in *in,
	struct ec2_monitor_instances_out *out)
{
	return monitor(c, &in->InstanceIds, true, &out->InstanceMonitorings);
}

int
ec2_unmonitor_instances(struct call *c, const struct ec2_unmonitor_instances_in *in,
	struct ec2_unmonitor_instances_out *out)
{
	return monitor(c, &in->InstanceIds, false, &out->InstanceMonitorings);
}
