/* Spot requests as their users see them. */
#include "svc/ec2/spot_requests.h"

#include "svc/ec2/instance_types.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/prices.h"
#include "svc/ec2/shape_copy.h"
#include "svc/ec2/zones.h"

#define PAGE 1000
#define COUNT_MAX 100

static const struct ec2_filter_rule filters[] = { { "create-time", "CreateTime", NULL },
	{ "fault-code", "Fault.Code", NULL }, { "fault-message", "Fault.Message", NULL },
	{ "instance-id", "InstanceId", NULL }, { "launch-group", "LaunchGroup", NULL },
	{ "launch.image-id", "LaunchSpecification.ImageId", NULL },
	{ "launch.instance-type", "LaunchSpecification.InstanceType", NULL },
	{ "launch.key-name", "LaunchSpecification.KeyName", NULL },
	{ "launched-availability-zone", "LaunchedAvailabilityZone", NULL },
	{ "network-interface.subnet-id", "LaunchSpecification.SubnetId", NULL },
	{ "product-description", "ProductDescription", NULL },
	{ "spot-instance-request-id", "SpotInstanceRequestId", NULL },
	{ "spot-price", "SpotPrice", NULL }, { "state", "State", NULL },
	{ "status-code", "Status.Code", NULL }, { "status-message", "Status.Message", NULL },
	{ "type", "Type", NULL }, { "valid-from", "ValidFrom", NULL },
	{ "valid-until", "ValidUntil", NULL }, { NULL, NULL, NULL } };

/* An instance that its user ended: the request follows at the next look; until then it is shown so.
 */
static void
show(struct call *c, void *row, void *item)
{
	struct ec2_spot_instance_request *r = item;
	(void)row;
	if (!str_is(r->State, "active"))
		return;
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, r->InstanceId);
	if (i && !ec2_state_is(i, EC2_TERMINATED) && !ec2_state_is(i, EC2_SHUTTING_DOWN))
		return;
	r->State = STR("closed");
	r->Status->Code = STR("instance-terminated-by-user");
	r->Status->Message = STR("Your Spot instance was terminated by you.");
}

const struct ec2_kind ec2_spot_request_kind = {
	.type = "spot-instances-request",
	.prefix = "sir-",
	.row = &ec2_spot_request_row_shape,
	.unknown = &EC2_InvalidSpotInstanceRequestID_NotFound,
	.unknown_text = "The spot instance request ID '%.*s' does not exist",
	.malformed = &EC2_InvalidSpotInstanceRequestID_Malformed,
	.filters = filters,
	.show = show,
};
EC2_KIND(ec2_spot_request_kind);

int
ec2_spot_check(struct call *c, struct str type, uint32_t zone, struct str max, int64_t *ret_max)
{
	int64_t on_demand = ec2_price_on_demand(c->region, type),
		now = ec2_price_spot(c->region, zone, type, c->now_ms);
	if (!on_demand)
		return call_fail(c, &EC2_Unsupported,
			"The type %.*s is not offered as a spot instance.", STR_FMT(type));
	*ret_max = on_demand;
	if (max.len && !ec2_price_parse(max, ret_max))
		return ec2_bad_value(c, "spotPrice", max, "It is not a price.");
	if (*ret_max < now)
		return call_fail(c, &EC2_SpotMaxPriceTooLow,
			"Your Spot request price of %.*s is lower than the minimum required Spot "
			"request fulfillment price of %.*s.",
			STR_FMT(ec2_price_text(c->arena, *ret_max)),
			STR_FMT(ec2_price_text(c->arena, now)));
	return CALL_OK;
}

void
ec2_spot_status(struct call *c, struct ec2_spot_request_row *row, const char *state,
	const char *code, struct str message)
{
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	r->State = str_c(state);
	r->Status = arena_new(c->arena, struct ec2_spot_instance_status);
	r->Status->Code = str_c(code);
	r->Status->Message = message;
	r->Status->UpdateTime = OPT_TIME(c->now_ms);
}

static struct ec2_spot_request_row *
row_new(struct call *c, struct str type, int64_t max, struct str behavior)
{
	struct ec2_spot_request_row *row = arena_new(c->arena, struct ec2_spot_request_row);
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest =
		arena_new(c->arena, struct ec2_spot_instance_request);
	r->SpotInstanceRequestId = call_id_hex(c, ec2_spot_request_kind.prefix, 8);
	r->CreateTime = OPT_TIME(c->now_ms);
	r->ProductDescription = STR("Linux/UNIX");
	r->SpotPrice = ec2_price_text(c->arena, max);
	r->Type = type.len ? type : STR("one-time");
	r->InstanceInterruptionBehavior = behavior.len ? behavior : STR("terminate");
	row->MaxPrice = OPT_I64(max);
	return row;
}

void
ec2_spot_adopt(struct call *c, struct ec2_instance_row *i, const struct ec2_spot_market_options *o,
	int64_t max, struct str fleet)
{
	struct ec2_instance *x = i->Instance;
	struct ec2_spot_request_row *row = row_new(c, o ? o->SpotInstanceType : STR_NULL, max,
		o ? o->InstanceInterruptionBehavior : STR_NULL);
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	row->Fleet = fleet;
	if (o)
		r->ValidUntil = o->ValidUntil;
	r->InstanceId = x->InstanceId;
	r->LaunchSpecification = arena_new(c->arena, struct ec2_launch_specification);
	r->LaunchSpecification->ImageId = x->ImageId;
	r->LaunchSpecification->InstanceType = x->InstanceType;
	r->LaunchSpecification->KeyName = x->KeyName;
	r->LaunchSpecification->SubnetId = x->SubnetId;
	r->LaunchedAvailabilityZone = x->Placement ? x->Placement->AvailabilityZone : STR_NULL;
	ec2_spot_status(c, row, "active", "fulfilled", STR("Your Spot request is fulfilled."));
	x->InstanceLifecycle = STR("spot");
	x->SpotInstanceRequestId = r->SpotInstanceRequestId;
	ec2_put(c, &ec2_spot_request_kind, r->SpotInstanceRequestId, row);
	ec2_spot_look(c, r->SpotInstanceRequestId,
		c->now_ms / EC2_SPOT_STEP_MS * EC2_SPOT_STEP_MS + EC2_SPOT_STEP_MS);
}

bool
ec2_spot_notice(struct call *c, struct str request, int64_t *ret_ends_ms, struct str *ret_action)
{
	struct ec2_spot_request_row *row = ec2_get(c, &ec2_spot_request_kind, request);
	if (!row || !row->EndsAt.set)
		return false;
	*ret_ends_ms = row->EndsAt.ms;
	*ret_action = row->SpotInstanceRequest->InstanceInterruptionBehavior;
	return true;
}

/* ---- operations */

static int
request_check(struct call *c, const struct ec2_request_spot_instances_in *in, int64_t *ret_max)
{
	const struct ec2_request_spot_launch_specification *l = in->LaunchSpecification;
	int zone;
	if (!l)
		return ec2_missing(c, "LaunchSpecification");
	if (!l->ImageId.len)
		return ec2_missing(c, "LaunchSpecification.ImageId");
	if (!ec2_instance_type_find(l->InstanceType))
		return ec2_bad_value(c, "InstanceType", l->InstanceType, "There is no such type.");
	if (l->Placement && ec2_zone_asked(c, l->Placement->AvailabilityZone,
				    l->Placement->AvailabilityZoneId, &zone) != CALL_OK)
		return CALL_FAILED;
	if (in->InstanceCount.set && (in->InstanceCount.v < 1 || in->InstanceCount.v > COUNT_MAX))
		return call_fail(c, &EC2_InvalidParameterValue,
			"The instance count must be between 1 and %d.", COUNT_MAX);
	if (in->BlockDurationMinutes.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Spot instances with a defined duration are no longer offered.");
	if (str_is(in->InstanceInterruptionBehavior, "hibernate"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Instances cannot hibernate here; use stop or terminate.");
	if (str_is(in->InstanceInterruptionBehavior, "stop") && !str_is(in->Type, "persistent"))
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Only instances of persistent requests can be stopped when interrupted.");
	if (in->ValidUntil.set && in->ValidUntil.ms <= c->now_ms)
		return call_fail(
			c, &EC2_InvalidParameterValue, "The request's end is in the past.");
	*ret_max = ec2_price_on_demand(c->region, l->InstanceType);
	if (in->SpotPrice.len && (!ec2_price_parse(in->SpotPrice, ret_max) || *ret_max <= 0))
		return ec2_bad_value(c, "spotPrice", in->SpotPrice, "It is not a price.");
	return CALL_OK;
}

static struct ec2_spot_request_row *
request_make(struct call *c, const struct ec2_request_spot_instances_in *in, int64_t max)
{
	struct ec2_spot_request_row *row =
		row_new(c, in->Type, max, in->InstanceInterruptionBehavior);
	struct ec2_spot_instance_request *r = row->SpotInstanceRequest;
	row->Launch = in->LaunchSpecification;
	r->LaunchSpecification = arena_new(c->arena, struct ec2_launch_specification);
	ec2_shape_copy(c->arena, &ec2_request_spot_launch_specification_shape,
		in->LaunchSpecification, &ec2_launch_specification_shape, r->LaunchSpecification);
	r->LaunchGroup = in->LaunchGroup;
	r->AvailabilityZoneGroup = in->AvailabilityZoneGroup;
	r->ValidFrom = in->ValidFrom;
	r->ValidUntil = in->ValidUntil;
	ec2_spot_status(c, row, "open", "pending-evaluation",
		STR("Your Spot request has been submitted for review, and is pending evaluation."));
	ec2_put(c, &ec2_spot_request_kind, r->SpotInstanceRequestId, row);
	ec2_spot_look(c, r->SpotInstanceRequestId,
		in->ValidFrom.set && in->ValidFrom.ms > c->now_ms ? in->ValidFrom.ms : c->now_ms);
	return row;
}

int
ec2_request_spot_instances(struct call *c, const struct ec2_request_spot_instances_in *in,
	struct ec2_request_spot_instances_out *out)
{
	int64_t max, n = in->InstanceCount.set ? in->InstanceCount.v : 1;
	struct str before, all = STR("");
	if (ec2_token_find(c, in->ClientToken, in, &before) != CALL_OK ||
		request_check(c, in, &max) != CALL_OK)
		return CALL_FAILED;
	out->SpotInstanceRequests.v = arena_array(c->arena, struct ec2_spot_instance_request, n);
	out->SpotInstanceRequests.set = true;
	for (struct str rest = before; rest.len;) {
		struct ec2_spot_request_row *row =
			ec2_get(c, &ec2_spot_request_kind, str_cut(&rest, ' '));
		if (row && out->SpotInstanceRequests.n < n)
			out->SpotInstanceRequests.v[out->SpotInstanceRequests.n++] =
				*row->SpotInstanceRequest;
	}
	for (int64_t i = 0; !before.len && i < n; i++) {
		struct ec2_spot_instance_request *r = request_make(c, in, max)->SpotInstanceRequest;
		if (ec2_tags_create(c, &ec2_spot_request_kind, r->SpotInstanceRequestId,
			    &in->TagSpecifications) != CALL_OK)
			return CALL_FAILED;
		ec2_tags_get(c, r->SpotInstanceRequestId, &r->Tags);
		all = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(all), i ? " " : "",
			STR_FMT(r->SpotInstanceRequestId));
		out->SpotInstanceRequests.v[out->SpotInstanceRequests.n++] = *r;
	}
	if (!before.len)
		ec2_token_keep(c, in->ClientToken, in, all);
	return CALL_OK;
}

int
ec2_cancel_spot_instance_requests(struct call *c,
	const struct ec2_cancel_spot_instance_requests_in *in,
	struct ec2_cancel_spot_instance_requests_out *out)
{
	out->CancelledSpotInstanceRequests.v = arena_array(
		c->arena, struct ec2_cancelled_spot_instance_request, in->SpotInstanceRequestIds.n);
	out->CancelledSpotInstanceRequests.set = true;
	for (uint32_t i = 0; i < in->SpotInstanceRequestIds.n; i++) {
		struct ec2_spot_request_row *row =
			ec2_need(c, &ec2_spot_request_kind, in->SpotInstanceRequestIds.v[i]);
		if (!row)
			return CALL_FAILED;
		struct str state = row->SpotInstanceRequest->State;
		if (str_is(state, "open"))
			ec2_spot_status(c, row, "cancelled", "canceled-before-fulfillment",
				STR("Your Spot request was canceled before it was fulfilled."));
		else if (str_is(state, "active"))
			ec2_spot_status(c, row, "cancelled",
				"request-canceled-and-instance-running",
				STR("Your Spot request is canceled, but your instance is still "
				    "running."));
		ec2_put(c, &ec2_spot_request_kind, in->SpotInstanceRequestIds.v[i], row);
		struct ec2_cancelled_spot_instance_request *gone =
			&out->CancelledSpotInstanceRequests
				 .v[out->CancelledSpotInstanceRequests.n++];
		gone->SpotInstanceRequestId = in->SpotInstanceRequestIds.v[i];
		gone->State = row->SpotInstanceRequest->State;
	}
	return CALL_OK;
}

int
ec2_describe_spot_instance_requests(struct call *c,
	const struct ec2_describe_spot_instance_requests_in *in,
	struct ec2_describe_spot_instance_requests_out *out)
{
	struct ec2_query q = { .kind = &ec2_spot_request_kind,
		.ids = &in->SpotInstanceRequestIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = PAGE };
	if (in->MaxResults.set && (in->MaxResults.v < 5 || in->MaxResults.v > 1000))
		return call_fail(
			c, &EC2_InvalidParameterValue, "MaxResults must be between 5 and 1000.");
	return ec2_describe(c, &q, &out->SpotInstanceRequests, &out->NextToken);
}
