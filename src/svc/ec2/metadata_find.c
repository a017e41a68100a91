/* From an address inside a network to the instance that has it. */
#include "base/clock.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/metadata.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/spot_requests.h"

#define CIDRS_MAX 16

/* The subnet of the network that holds the address. */
static struct ec2_subnet *
subnet_of(struct call *c, struct str vpc, uint32_t ip)
{
	struct ec2_walk w;
	struct ec2_subnet_row *row;
	struct plane_cidr cidr;
	ec2_walk_begin(&w, c, &ec2_subnet_kind);
	while ((row = ec2_walk_next(&w)))
		if (str_eq(row->Subnet->VpcId, vpc) &&
			ec2_cidr_parse(row->Subnet->CidrBlock, &cidr) && ec2_cidr_has(cidr, ip)) {
			ec2_walk_end(&w);
			return row->Subnet;
		}
	return NULL;
}

static void
network_fill(
	struct call *c, struct str vpc, const struct ec2_subnet *subnet, struct ec2_metadata *ret)
{
	struct plane_cidr cidrs[CIDRS_MAX];
	struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, vpc);
	uint32_t n = v ? ec2_vpc_cidrs(v->Vpc, cidrs, CIDRS_MAX) : 0;
	ret->subnet_cidr = subnet->CidrBlock;
	ret->zone_id = subnet->AvailabilityZoneId;
	ret->vpc_cidrs.v = arena_array(c->arena, struct str, n);
	for (uint32_t i = 0; i < n; i++)
		ret->vpc_cidrs.v[ret->vpc_cidrs.n++] = ec2_cidr_text(c->arena, cidrs[i]);
}

bool
ec2_metadata_find(struct call *c, struct str vpc, uint32_t ip, struct ec2_metadata *ret)
{
	const struct ec2_subnet *subnet = subnet_of(c, vpc, ip);
	struct str interface = subnet ? ec2_private_owner(c, subnet->SubnetId, ip) : STR("");
	struct ec2_instance_row *row =
		interface.len ? ec2_instance_by_interface(c, interface) : NULL;
	if (!row)
		return false;
	*ret = (struct ec2_metadata){ .instance = row->Instance,
		.reservation_id = row->ReservationId };
	network_fill(c, vpc, subnet, ret);
	ret->user_data = ec2_instance_user_data(c, row);
	ret->public_key = ec2_instance_public_key(row);
	int64_t ends_ms;
	struct str action;
	if (row->Instance->SpotInstanceRequestId.len &&
		ec2_spot_notice(c, row->Instance->SpotInstanceRequestId, &ends_ms, &action)) {
		ret->spot_time = time_text(c->arena, ends_ms, TIME_ISO8601);
		ret->spot_action = arena_printf(c->arena, "{\"action\":\"%.*s\",\"time\":\"%.*s\"}",
			STR_FMT(action), STR_FMT(ret->spot_time));
	}
	if (row->Instance->IamInstanceProfile) {
		ret->profile_arn = row->Instance->IamInstanceProfile->Arn;
		ret->profile_id = row->Instance->IamInstanceProfile->Id;
		ret->role_name = ec2_instance_role(c, row, &ret->role_arn);
	}
	return true;
}
