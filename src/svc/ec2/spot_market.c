/* The market: open requests are met when the price allows, active ones end when it no longer does.
 */
#include "aws/due.h"
#include "aws/tasks.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/prices.h"
#include "svc/ec2/shape_copy.h"
#include "svc/ec2/spot_requests.h"
#include "svc/ec2/zones.h"

#include <errno.h>

#define KIND_LOOK "ec2.spot"
#define KIND_LAUNCH "ec2.spot.launch"

static struct str
request_key(struct call *c, struct str id)
{
	return arena_printf(
		c->arena, "%.*s/%.*s/%.*s", STR_FMT(c->region), STR_FMT(c->account), STR_FMT(id));
}

/* The request that a key names, and a call in its place. NULL: it is gone. */
static struct ec2_spot_request_row *
request_open(struct call *c, struct tx *t, struct arena *a, struct str key, int64_t now_ms)
{
	struct str rest = arena_dup(a, key), region = str_cut(&rest, '/'),
		   account = str_cut(&rest, '/');
	ec2_inner_call(c, t, a, region, account);
	c->now_ms = now_ms;
	return ec2_get(c, &ec2_spot_request_kind, rest);
}

static void
request_put(struct call *c, struct ec2_spot_request_row *row)
{
	ec2_put(c, &ec2_spot_request_kind, row->SpotInstanceRequest->SpotInstanceRequestId, row);
}

void
ec2_spot_look(struct call *c, struct str id, int64_t at_ms)
{
	due_add(c->tx, STR(KIND_LOOK), request_key(c, id), at_ms, STR(""));
}

static int64_t
next_step(int64_t now_ms)
{
	return now_ms / EC2_SPOT_STEP_MS * EC2_SPOT_STEP_MS + EC2_SPOT_STEP_MS;
}

/* The zone that the launch names, or the cheapest that would take it. */
static uint32_t
zone_of(struct call *c, const struct ec2_spot_request_row *row)
{
	const struct ec2_request_spot_launch_specification *l = row->Launch;
	uint32_t best = 0;
	if (row->SpotInstanceRequest->LaunchedAvailabilityZone.len) {
		int z = ec2_zone_find(
			c->arena, c->region, row->SpotInstanceRequest->LaunchedAvailabilityZone);
		return z < 0 ? 0 : (uint32_t)z;
	}
	if (l && l->SubnetId.len) {
		struct ec2_describe_subnets_in in = {
			.SubnetIds = { &(struct str){ l->SubnetId.p, l->SubnetId.len }, 1, true }
		};
		struct ec2_describe_subnets_out out = { 0 };
		if (ec2_describe_subnets(c, &in, &out) == CALL_OK && out.Subnets.n) {
			int z = ec2_zone_find(
				c->arena, c->region, out.Subnets.v[0].AvailabilityZone);
			return z < 0 ? 0 : (uint32_t)z;
		}
	}
	if (l && l->Placement) {
		struct str name = l->Placement->AvailabilityZone.len
					  ? l->Placement->AvailabilityZone
					  : l->Placement->AvailabilityZoneId;
		int z = name.len ? ec2_zone_find(c->arena, c->region, name) : -1;
		if (z >= 0)
			return (uint32_t)z;
	}
	struct str type = row->SpotInstanceRequest->LaunchSpecification->InstanceType;
	for (uint32_t z = 1; z < ec2_zones_n(c->region); z++)
		if (ec2_price_spot(c->region, z, type, c->now_ms) <
			ec2_price_spot(c->region, best, type, c->now_ms))
			best = z;
	return best;
}

static bool
price_fits(struct call *c, const struct ec2_spot_request_row *row)
{
	struct str type = row->SpotInstanceRequest->LaunchSpecification->InstanceType;
	return ec2_price_spot(c->region, zone_of(c, row), type, c->now_ms) <= row->MaxPrice.v;
}

/* ---- launching */

static void
launch_input(
	struct call *c, const struct ec2_spot_request_row *row, struct ec2_run_instances_in *ret)
{
	const struct ec2_request_spot_launch_specification *l = row->Launch;
	*ret = (struct ec2_run_instances_in){ .ImageId = l->ImageId,
		.InstanceType = l->InstanceType,
		.KeyName = l->KeyName,
		.MinCount = OPT_I64(1),
		.MaxCount = OPT_I64(1),
		.BlockDeviceMappings = l->BlockDeviceMappings,
		.EbsOptimized = l->EbsOptimized,
		.IamInstanceProfile = l->IamInstanceProfile,
		.Monitoring = l->Monitoring,
		.NetworkInterfaces = l->NetworkInterfaces,
		.SubnetId = l->SubnetId,
		.UserData = l->UserData,
		.SecurityGroupIds = l->SecurityGroupIds,
		.SecurityGroups = l->SecurityGroups };
	if (!l->SubnetId.len && !l->NetworkInterfaces.n) {
		ret->Placement = arena_new(c->arena, struct ec2_placement);
		ret->Placement->AvailabilityZone =
			ec2_zone_name(c->arena, c->region, zone_of(c, row));
	}
}

static int
launch(struct tx *t, const struct task *task, void *arg)
{
	struct arena a;
	struct call c;
	int r = 0;
	(void)arg;
	arena_init(&a);
	struct ec2_spot_request_row *row = request_open(&c, t, &a, task->id, task->due_ms);
	if (row && str_is(row->SpotInstanceRequest->State, "open") && row->Launch) {
		struct ec2_spot_instance_request *q = row->SpotInstanceRequest;
		struct ec2_run_instances_in in;
		struct ec2_run_instances_out out = { 0 };
		launch_input(&c, row, &in);
		r = ec2_run_instances(&c, &in, &out) == CALL_OK && out.Instances.n ? 0 : -EAGAIN;
		struct ec2_instance_row *i =
			r ? NULL : ec2_instance_get(&c, out.Instances.v[0].InstanceId);
		if (i) {
			i->Instance->InstanceLifecycle = STR("spot");
			i->Instance->SpotInstanceRequestId = q->SpotInstanceRequestId;
			ec2_instance_put(&c, i);
			q->InstanceId = i->Instance->InstanceId;
			q->LaunchedAvailabilityZone = i->Instance->Placement->AvailabilityZone;
			ec2_spot_status(&c, row, "active", "fulfilled",
				STR("Your Spot request is fulfilled."));
			request_put(&c, row);
			ec2_spot_look(&c, q->SpotInstanceRequestId, next_step(c.now_ms));
		}
	}
	arena_done(&a);
	return r;
}

/* The failed launch was undone with its words; the task tries again. */
static void
launch_failed(struct tx *t, const struct task *task, int status, struct str reason, void *arg)
{
	struct arena a;
	struct call c;
	(void)status, (void)reason, (void)arg;
	arena_init(&a);
	struct ec2_spot_request_row *row = request_open(&c, t, &a, task->id, task->due_ms);
	if (row && str_is(row->SpotInstanceRequest->State, "open")) {
		ec2_spot_status(&c, row, "open", "capacity-not-available",
			STR("There is no capacity available that matches your request."));
		request_put(&c, row);
	}
	arena_done(&a);
}

/* ---- looking */

static void
close_or_reopen(
	struct call *c, struct ec2_spot_request_row *row, const char *code, const char *message)
{
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	bool again = str_is(r->Type, "persistent") && row->Launch;
	row->EndsAt = (struct opt_time){ 0 };
	ec2_spot_status(c, row, again ? "open" : "closed", code, str_c(message));
	if (again) {
		r->InstanceId = r->LaunchedAvailabilityZone = STR_NULL;
		ec2_spot_look(c, r->SpotInstanceRequestId, next_step(c->now_ms));
	}
}

static void
interrupt(struct call *c, struct ec2_spot_request_row *row, struct ec2_instance_row *i)
{
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	if (str_is(r->InstanceInterruptionBehavior, "stop")) {
		ec2_instance_stop(c, i, true,
			STR("Server.SpotInstanceShutdown: Instance stopped due to a Spot "
			    "interruption"));
		row->EndsAt = (struct opt_time){ 0 };
		ec2_spot_status(c, row, "disabled", "instance-stopped-by-price",
			STR("Your Spot instance was stopped because the Spot price is above your "
			    "bid."));
		ec2_spot_look(c, r->SpotInstanceRequestId, next_step(c->now_ms));
		return;
	}
	ec2_instance_terminate(
		c, i, STR("Server.SpotInstanceTermination: Spot instance termination"));
	close_or_reopen(c, row, "instance-terminated-by-price",
		"Your Spot instance was terminated because the Spot price is above your bid.");
}

static void
look_active(struct call *c, struct ec2_spot_request_row *row)
{
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, r->InstanceId);
	if (!i || ec2_state_is(i, EC2_TERMINATED) || ec2_state_is(i, EC2_SHUTTING_DOWN)) {
		close_or_reopen(c, row, "instance-terminated-by-user",
			"Your Spot instance was terminated by you.");
	} else if (row->EndsAt.set && c->now_ms >= row->EndsAt.ms) {
		interrupt(c, row, i);
	} else if (!row->EndsAt.set && !price_fits(c, row)) {
		row->EndsAt = OPT_TIME(c->now_ms + EC2_SPOT_NOTICE_MS);
		ec2_spot_status(c, row, "active", "marked-for-termination",
			STR("Your Spot instance is marked for termination, because the Spot price "
			    "is above your bid."));
		ec2_spot_look(c, r->SpotInstanceRequestId, row->EndsAt.ms);
	} else {
		ec2_spot_look(c, r->SpotInstanceRequestId,
			row->EndsAt.set ? row->EndsAt.ms : next_step(c->now_ms));
	}
}

static void
look_open(struct call *c, struct ec2_spot_request_row *row)
{
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	if (r->ValidUntil.set && c->now_ms >= r->ValidUntil.ms) {
		ec2_spot_status(c, row, "cancelled", "schedule-expired",
			STR("Your Spot request expired before it was fulfilled."));
		return;
	}
	if (price_fits(c, row)) {
		ec2_spot_status(c, row, "open", "pending-fulfillment",
			STR("Your Spot request is being fulfilled."));
		task_put(c->tx, STR(KIND_LAUNCH), request_key(c, r->SpotInstanceRequestId), STR(""),
			c->now_ms);
	} else {
		ec2_spot_status(c, row, "open", "price-too-low",
			STR("Your Spot request price is lower than the current Spot price."));
	}
	int64_t next = next_step(c->now_ms);
	ec2_spot_look(c, r->SpotInstanceRequestId,
		r->ValidUntil.set && r->ValidUntil.ms < next ? r->ValidUntil.ms : next);
}

/* A stopped instance runs again when the price allows. */
static void
look_disabled(struct call *c, struct ec2_spot_request_row *row)
{
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	struct ec2_start_instances_in in = { .InstanceIds = { &r->InstanceId, 1, true } };
	struct ec2_start_instances_out out = { 0 };
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, r->InstanceId);
	if (!i || ec2_state_is(i, EC2_TERMINATED)) {
		close_or_reopen(c, row, "instance-terminated-by-user",
			"Your Spot instance was terminated by you.");
		return;
	}
	if (ec2_state_is(i, EC2_STOPPED) && price_fits(c, row) &&
		ec2_start_instances(c, &in, &out) == CALL_OK)
		ec2_spot_status(
			c, row, "active", "fulfilled", STR("Your Spot request is fulfilled."));
	ec2_spot_look(c, r->SpotInstanceRequestId, next_step(c->now_ms));
}

static int
look(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	(void)payload, (void)arg;
	arena_init(&a);
	struct ec2_spot_request_row *row = request_open(&c, t, &a, id, due_ms);
	if (row) {
		struct str state = row->SpotInstanceRequest->State;
		if (str_is(state, "open"))
			look_open(&c, row);
		else if (str_is(state, "active"))
			look_active(&c, row);
		else if (str_is(state, "disabled"))
			look_disabled(&c, row);
		request_put(&c, row);
	}
	arena_done(&a);
	return 0;
}

static void
market_start(struct store *s)
{
	static const struct task_kind launches = { .name = KIND_LAUNCH,
		.run = launch,
		.failed = launch_failed,
		.backoff_min_ms = 60000,
		.backoff_max_ms = 3600000 };
	(void)s;
	tasks_register(&launches);
	due_handle(KIND_LOOK, look, NULL);
}
EC2_START(market_start);
