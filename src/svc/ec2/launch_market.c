/* Where an instance of a launch goes and how it is paid: groups, hosts, reservations, the spot
 * market. */
#include "svc/ec2/hosts.h"
#include "svc/ec2/launch.h"
#include "svc/ec2/placement_groups.h"
#include "svc/ec2/prices.h"
#include "svc/ec2/spot_requests.h"
#include "svc/ec2/zones.h"

#define SPREAD_MAX 7 /* instances of a spread group in a zone */

static int
spot_options_check(struct call *c, const struct ec2_instance_market_options_request *m)
{
	const struct ec2_spot_market_options *o = m->SpotOptions;
	int64_t price;
	if (!str_is(m->MarketType, "spot"))
		return call_fail(c, &EC2_Unsupported, "The market %.*s is not offered here.",
			STR_FMT(m->MarketType));
	if (!o)
		return CALL_OK;
	if (o->BlockDurationMinutes.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Spot instances with a defined duration are no longer offered.");
	if (str_is(o->InstanceInterruptionBehavior, "hibernate"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Instances cannot hibernate here; use stop or terminate.");
	if (str_is(o->InstanceInterruptionBehavior, "stop") &&
		!str_is(o->SpotInstanceType, "persistent"))
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Only instances of persistent requests can be stopped when interrupted.");
	if (o->MaxPrice.len && !ec2_price_parse(o->MaxPrice, &price))
		return ec2_bad_value(c, "MaxPrice", o->MaxPrice, "It is not a price.");
	return CALL_OK;
}

static int
reservation_check(struct ec2_launch *l)
{
	const struct ec2_capacity_reservation_specification *s =
		l->in->CapacityReservationSpecification;
	const struct ec2_capacity_reservation_target *t = s ? s->CapacityReservationTarget : NULL;
	struct ec2_describe_capacity_reservations_in in = { 0 };
	struct ec2_describe_capacity_reservations_out out = { 0 };
	if (!t)
		return CALL_OK;
	if (t->CapacityReservationResourceGroupArn.len)
		return call_fail(l->c, &EC2_Unsupported,
			"Groups of capacity reservations are not available here; name one.");
	struct str id = t->CapacityReservationId;
	in.CapacityReservationIds = (struct list_str){ &id, 1, true };
	if (ec2_describe_capacity_reservations(l->c, &in, &out) != CALL_OK)
		return CALL_FAILED;
	const struct ec2_capacity_reservation *r = &out.CapacityReservations.v[0];
	if (!str_is(r->State, "active") || !str_eq(r->InstanceType, l->in->InstanceType) ||
		r->AvailableInstanceCount.v < l->in->MinCount.v)
		return call_fail(l->c, &EC2_ReservationCapacityExceeded,
			"The capacity reservation %.*s is %.*s, of the type %.*s, with room for "
			"%lld.",
			STR_FMT(id), STR_FMT(r->State), STR_FMT(r->InstanceType),
			(long long)r->AvailableInstanceCount.v);
	l->capacity_reservation = id;
	return CALL_OK;
}

int
ec2_launch_market_check(struct ec2_launch *l)
{
	const struct ec2_placement *p = l->in->Placement;
	const struct ec2_instance_market_options_request *m = l->in->InstanceMarketOptions;
	if (p && p->HostResourceGroupArn.len)
		return call_fail(l->c, &EC2_Unsupported,
			"Groups of hosts are not available here; name a host.");
	if (p && (p->GroupName.len || p->GroupId.len)) {
		l->group = ec2_placement_group_find(
			l->c, p->GroupName.len ? p->GroupName : p->GroupId);
		if (!l->group)
			return CALL_FAILED;
	}
	if (p && p->PartitionNumber.set &&
		(!l->group || !str_is(l->group->Strategy, "partition") ||
			p->PartitionNumber.v < 1 ||
			p->PartitionNumber.v > l->group->PartitionCount.v))
		return call_fail(l->c, &EC2_InvalidParameterValue,
			"The partition number is none of a partition group's.");
	if (m && m->MarketType.len && spot_options_check(l->c, m) != CALL_OK)
		return CALL_FAILED;
	return reservation_check(l);
}

/* How many of the group are in the zone. */
static uint32_t
of_group(struct call *c, const struct ec2_placement_group *g, struct str zone)
{
	struct str name = g->GroupName;
	static struct str alive[] = { { "pending", 7 }, { "running", 7 } };
	struct ec2_filter f[] = { { .Name = STR("placement-group-name"),
					  .Values = { &name, 1, true } },
		{ .Name = STR("availability-zone"), .Values = { &zone, 1, true } },
		{ .Name = STR("instance-state-name"), .Values = { alive, 2, true } } };
	struct ec2_describe_instances_in in = { .Filters = { f, 3, true } };
	struct ec2_describe_instances_out out = { 0 };
	uint32_t n = 0;
	if (ec2_describe_instances(c, &in, &out) == CALL_OK)
		for (uint32_t i = 0; i < out.Reservations.n; i++)
			n += out.Reservations.v[i].Instances.n;
	return n;
}

static int
group_place(struct ec2_launch *l, struct ec2_placement *p, int64_t index)
{
	p->GroupName = l->group->GroupName;
	p->GroupId = l->group->GroupId;
	if (str_is(l->group->Strategy, "spread") &&
		of_group(l->c, l->group, p->AvailabilityZone) >= SPREAD_MAX)
		return call_fail(l->c, &EC2_InsufficientInstanceCapacity,
			"A spread placement group has at most %d running instances in a zone.",
			SPREAD_MAX);
	if (str_is(l->group->Strategy, "partition"))
		p->PartitionNumber = l->in->Placement->PartitionNumber.set
					     ? l->in->Placement->PartitionNumber
					     : OPT_I64(index % l->group->PartitionCount.v + 1);
	return CALL_OK;
}

int
ec2_launch_market(struct ec2_launch *l, struct ec2_instance_row *row, int64_t index)
{
	struct call *c = l->c;
	struct ec2_placement *p = row->Instance->Placement;
	const struct ec2_placement *asked = l->in->Placement;
	const struct ec2_instance_market_options_request *m = l->in->InstanceMarketOptions;
	int64_t max;
	if (ec2_zones_failed(c->tx, c->region) >> row->Zone.v & 1)
		return call_fail(c, &EC2_InsufficientInstanceCapacity,
			"We currently do not have sufficient %s capacity in the Availability Zone "
			"you requested (%.*s): the zone has failed.",
			l->type->name, STR_FMT(p->AvailabilityZone));
	if (l->group && group_place(l, p, index) != CALL_OK)
		return CALL_FAILED;
	if (asked && (asked->HostId.len || str_is(asked->Tenancy, "host"))) {
		if (ec2_host_place(c, asked->HostId, l->in->InstanceType, p->AvailabilityZone,
			    &p->HostId) != CALL_OK)
			return CALL_FAILED;
		p->Tenancy = STR("host");
		p->Affinity = asked->Affinity.len ? asked->Affinity : STR("default");
	}
	row->Instance->CapacityReservationId = l->capacity_reservation;
	if (!m || !m->MarketType.len)
		return CALL_OK;
	if (ec2_spot_check(c, l->in->InstanceType, (uint32_t)row->Zone.v,
		    m->SpotOptions ? m->SpotOptions->MaxPrice : STR_NULL, &max) != CALL_OK)
		return CALL_FAILED;
	ec2_spot_adopt(c, row, m->SpotOptions, max, STR_NULL);
	return CALL_OK;
}
