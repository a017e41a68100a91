/* Capacity reservations: so many instances of a type in a zone are set aside until an end on the
 * clock. */
#include "aws/due.h"
#include "svc/ec2/instance_types.h"
#include "svc/ec2/resource.h"
#include "svc/ec2/zones.h"

#define PAGE 1000
#define INSTANCES_MAX 1000
#define KIND_END "ec2.capacity"

static const struct ec2_filter_rule filters[] = { { "instance-type", "InstanceType", NULL },
	{ "owner-id", "OwnerId", NULL }, { "instance-platform", "InstancePlatform", NULL },
	{ "availability-zone", "AvailabilityZone", NULL },
	{ "availability-zone-id", "AvailabilityZoneId", NULL }, { "tenancy", "Tenancy", NULL },
	{ "state", "State", NULL }, { "start-date", "StartDate", NULL },
	{ "end-date", "EndDate", NULL }, { "end-date-type", "EndDateType", NULL },
	{ "instance-match-criteria", "InstanceMatchCriteria", NULL }, { NULL, NULL, NULL } };

/* What instances take of it follows from them: those that name it, and of open ones whoever fits.
 */
static void
show(struct call *c, void *row, void *item)
{
	struct ec2_capacity_reservation *r = item;
	static struct str alive[] = { { "pending", 7 }, { "running", 7 } };
	struct ec2_filter f[] = { { .Name = STR("instance-type"),
					  .Values = { &r->InstanceType, 1, true } },
		{ .Name = STR("availability-zone"), .Values = { &r->AvailabilityZone, 1, true } },
		{ .Name = STR("instance-state-name"), .Values = { alive, 2, true } } };
	struct ec2_describe_instances_in in = { .Filters = { f, 3, true } };
	struct ec2_describe_instances_out out = { 0 };
	int64_t used = 0;
	(void)row;
	if (!str_is(r->State, "active"))
		return;
	if (ec2_describe_instances(c, &in, &out) == CALL_OK)
		for (uint32_t i = 0; i < out.Reservations.n; i++)
			for (uint32_t j = 0; j < out.Reservations.v[i].Instances.n; j++) {
				struct str named =
					out.Reservations.v[i].Instances.v[j].CapacityReservationId;
				used += named.len ? str_eq(named, r->CapacityReservationId)
						  : str_is(r->InstanceMatchCriteria, "open");
			}
	r->AvailableInstanceCount =
		OPT_I64(r->TotalInstanceCount.v > used ? r->TotalInstanceCount.v - used : 0);
}

static const struct ec2_kind capacity_kind = {
	.type = "capacity-reservation",
	.prefix = "cr-",
	.row = &ec2_capacity_reservation_row_shape,
	.unknown = &EC2_InvalidCapacityReservationId_NotFound,
	.unknown_text = "The capacity reservation ID '%.*s' does not exist",
	.malformed = &EC2_InvalidCapacityReservationId_Malformed,
	.filters = filters,
	.show = show,
};
EC2_KIND(capacity_kind);

static int
create_check(struct call *c, const struct ec2_create_capacity_reservation_in *in, int *ret_zone)
{
	const struct ec2_instance_type *t = ec2_instance_type_find(in->InstanceType);
	if (!t)
		return ec2_bad_value(c, "instanceType", in->InstanceType, "There is no such type.");
	if (ec2_zone_asked(c, in->AvailabilityZone, in->AvailabilityZoneId, ret_zone) != CALL_OK)
		return CALL_FAILED;
	if (*ret_zone < 0)
		return ec2_missing(c, "availabilityZone");
	if (!ec2_instance_type_offered(c->region, (uint32_t)*ret_zone, t))
		return call_fail(
			c, &EC2_Unsupported, "The type %s is not offered in that zone.", t->name);
	if (in->InstanceCount.v < 1 || in->InstanceCount.v > INSTANCES_MAX)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The instance count must be between 1 and %d.", INSTANCES_MAX);
	if (!str_is(in->InstancePlatform, "Linux/UNIX"))
		return call_fail(c, &EC2_Unsupported, "Only the platform Linux/UNIX runs here.");
	if (in->StartDate.set || in->CommitmentDuration.set)
		return call_fail(c, &EC2_Unsupported,
			"Reservations begin at once here; leave out StartDate and "
			"CommitmentDuration.");
	bool limited = str_is(in->EndDateType, "limited");
	if (limited != in->EndDate.set)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"An end date goes with the end date type limited, and with no other.");
	if (in->EndDate.set && in->EndDate.ms <= c->now_ms)
		return call_fail(
			c, &EC2_InvalidParameterValue, "The end date must be in the future.");
	return CALL_OK;
}

int
ec2_create_capacity_reservation(struct call *c, const struct ec2_create_capacity_reservation_in *in,
	struct ec2_create_capacity_reservation_out *out)
{
	struct ec2_capacity_reservation_row row = { 0 }, *before;
	struct str id;
	int zone;
	if (ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	if (id.len && (before = ec2_get(c, &capacity_kind, id))) {
		out->CapacityReservation = before->CapacityReservation;
		return CALL_OK;
	}
	if (create_check(c, in, &zone) != CALL_OK)
		return CALL_FAILED;
	struct ec2_capacity_reservation *r = row.CapacityReservation =
		arena_new(c->arena, struct ec2_capacity_reservation);
	r->CapacityReservationId = ec2_new_id(c, &capacity_kind);
	r->OwnerId = c->account;
	r->CapacityReservationArn = ec2_arn(c, &capacity_kind, r->CapacityReservationId);
	r->AvailabilityZone = ec2_zone_name(c->arena, c->region, (uint32_t)zone);
	r->AvailabilityZoneId = ec2_zone_id(c->arena, c->region, (uint32_t)zone);
	r->InstanceType = in->InstanceType;
	r->InstancePlatform = in->InstancePlatform;
	r->Tenancy = in->Tenancy.len ? in->Tenancy : STR("default");
	r->TotalInstanceCount = r->AvailableInstanceCount = in->InstanceCount;
	r->EbsOptimized = OPT_BOOL(in->EbsOptimized.set && in->EbsOptimized.v);
	r->EphemeralStorage = OPT_BOOL(false);
	r->State = STR("active");
	r->StartDate = r->CreateDate = OPT_TIME(c->now_ms);
	r->EndDate = in->EndDate;
	r->EndDateType = in->EndDateType.len ? in->EndDateType : STR("unlimited");
	r->InstanceMatchCriteria =
		in->InstanceMatchCriteria.len ? in->InstanceMatchCriteria : STR("open");
	r->ReservationType = STR("default");
	ec2_put(c, &capacity_kind, r->CapacityReservationId, &row);
	if (ec2_tags_create(c, &capacity_kind, r->CapacityReservationId, &in->TagSpecifications) !=
		CALL_OK)
		return CALL_FAILED;
	if (in->EndDate.set)
		due_add(c->tx, STR(KIND_END), r->CapacityReservationId, in->EndDate.ms,
			arena_printf(
				c->arena, "%.*s %.*s", STR_FMT(c->region), STR_FMT(c->account)));
	ec2_token_keep(c, in->ClientToken, in, r->CapacityReservationId);
	ec2_tags_get(c, r->CapacityReservationId, &r->Tags);
	out->CapacityReservation = r;
	return CALL_OK;
}

static void
end(struct call *c, struct ec2_capacity_reservation_row *row, struct str state)
{
	row->CapacityReservation->State = state;
	row->CapacityReservation->AvailableInstanceCount = OPT_I64(0);
	if (!row->CapacityReservation->EndDate.set)
		row->CapacityReservation->EndDate = OPT_TIME(c->now_ms);
	ec2_put(c, &capacity_kind, row->CapacityReservation->CapacityReservationId, row);
}

static int
expired(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	struct str account = payload, region = str_cut(&account, ' ');
	(void)due_ms, (void)arg;
	arena_init(&a);
	ec2_inner_call(&c, t, &a, region, account);
	struct ec2_capacity_reservation_row *row = ec2_get(&c, &capacity_kind, id);
	if (row && str_is(row->CapacityReservation->State, "active"))
		end(&c, row, STR("expired"));
	arena_done(&a);
	return 0;
}

static void
capacity_start(struct store *s)
{
	(void)s;
	due_handle(KIND_END, expired, NULL);
}
EC2_START(capacity_start);

int
ec2_cancel_capacity_reservation(struct call *c, const struct ec2_cancel_capacity_reservation_in *in,
	struct ec2_cancel_capacity_reservation_out *out)
{
	struct ec2_capacity_reservation_row *row =
		ec2_need(c, &capacity_kind, in->CapacityReservationId);
	if (!row)
		return CALL_FAILED;
	if (!str_is(row->CapacityReservation->State, "active"))
		return call_fail(c, &EC2_InvalidCapacityReservationState,
			"The reservation is %.*s.", STR_FMT(row->CapacityReservation->State));
	due_cancel(c->tx, STR(KIND_END), in->CapacityReservationId);
	end(c, row, STR("cancelled"));
	out->Return = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_describe_capacity_reservations(struct call *c,
	const struct ec2_describe_capacity_reservations_in *in,
	struct ec2_describe_capacity_reservations_out *out)
{
	struct ec2_query q = { .kind = &capacity_kind,
		.ids = &in->CapacityReservationIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = PAGE };
	return ec2_describe(c, &q, &out->CapacityReservations, &out->NextToken);
}
