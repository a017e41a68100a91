/* Subnets: a part of a network's range in one zone. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/zones.h"

#define SUBNETS_MAX 200
#define RESERVED 5 /* the first four addresses and the last */

static const struct ec2_filter_rule filters[] = {
	{ .name = "availability-zone", .path = "AvailabilityZone" },
	{ .name = "availabilityZone", .path = "AvailabilityZone" },
	{ .name = "availability-zone-id", .path = "AvailabilityZoneId" },
	{ .name = "availabilityZoneId", .path = "AvailabilityZoneId" },
	{ .name = "available-ip-address-count", .path = "AvailableIpAddressCount" },
	{ .name = "cidr", .path = "CidrBlock" }, { .name = "cidr-block", .path = "CidrBlock" },
	{ .name = "cidrBlock", .path = "CidrBlock" },
	{ .name = "default-for-az", .path = "DefaultForAz" },
	{ .name = "defaultForAz", .path = "DefaultForAz" },
	{ .name = "enable-dns64", .path = "EnableDns64" },
	{ .name = "ipv6-native", .path = "Ipv6Native" },
	{ .name = "ipv6-cidr-block-association.ipv6-cidr-block",
		.path = "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock" },
	{ .name = "ipv6-cidr-block-association.association-id",
		.path = "Ipv6CidrBlockAssociationSet.AssociationId" },
	{ .name = "ipv6-cidr-block-association.state",
		.path = "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State" },
	{ .name = "map-public-ip-on-launch", .path = "MapPublicIpOnLaunch" },
	{ .name = "map-customer-owned-ip-on-launch", .path = "MapCustomerOwnedIpOnLaunch" },
	{ .name = "outpost-arn", .path = "OutpostArn" }, { .name = "owner-id", .path = "OwnerId" },
	{ .name = "private-dns-name-options-on-launch.hostname-type",
		.path = "PrivateDnsNameOptionsOnLaunch.HostnameType" },
	{ .name = "state", .path = "State" }, { .name = "subnet-arn", .path = "SubnetArn" },
	{ .name = "subnet-id", .path = "SubnetId" }, { .name = "vpc-id", .path = "VpcId" },
	{ NULL } };

static void
show(struct call *c, void *row, void *item)
{
	struct ec2_subnet *s = item;
	struct plane_cidr cidr = { 0, 32 };
	(void)row;
	ec2_cidr_parse(s->CidrBlock, &cidr);
	uint32_t size = 1u << (32 - cidr.bits);
	s->AvailableIpAddressCount =
		OPT_I64((int64_t)size - RESERVED - ec2_private_used(c, s->SubnetId));
	s->Ipv6CidrBlockAssociationSet.set = true;
}

const struct ec2_kind ec2_subnet_kind = { .type = "subnet",
	.prefix = "subnet-",
	.row = &ec2_subnet_row_shape,
	.unknown = &EC2_InvalidSubnetID_NotFound,
	.unknown_text = "The subnet ID '%.*s' does not exist",
	.malformed = &EC2_InvalidSubnetID_Malformed,
	.filters = filters,
	.show = show };
EC2_KIND(ec2_subnet_kind);

/* A new subnet is under the default ACL, and under the main route table by being in no other. */
static void
acl_associate(struct call *c, struct ec2_vpc_row *vpc, struct str subnet, const char *seed)
{
	static const struct ec2_kind association = { .type = "aclassoc", .prefix = "aclassoc-" };
	struct ec2_network_acl_row *a = ec2_get(c, &ec2_acl_kind, vpc->NetworkAclId);
	struct ec2_network_acl_association *x =
		ec2_list_add(c->arena, &a->NetworkAcl->Associations);
	x->NetworkAclAssociationId = ec2_seeded_id(c, &association, seed);
	x->NetworkAclId = vpc->NetworkAclId;
	x->SubnetId = subnet;
	ec2_put(c, &ec2_acl_kind, vpc->NetworkAclId, a);
}

struct str
ec2_subnet_make(struct call *c, struct ec2_vpc_row *vpc, struct plane_cidr cidr, uint32_t zone,
	const char *seed, bool is_default)
{
	struct ec2_subnet *s = arena_new(c->arena, struct ec2_subnet);
	struct str id = ec2_seeded_id(c, &ec2_subnet_kind, seed);
	*s = (struct ec2_subnet){ .AvailabilityZone = ec2_zone_name(c->arena, c->region, zone),
		.AvailabilityZoneId = ec2_zone_id(c->arena, c->region, zone),
		.CidrBlock = ec2_cidr_text(c->arena, cidr),
		.DefaultForAz = OPT_BOOL(is_default),
		.MapPublicIpOnLaunch = OPT_BOOL(is_default),
		.MapCustomerOwnedIpOnLaunch = OPT_BOOL(false),
		.AssignIpv6AddressOnCreation = OPT_BOOL(false),
		.EnableDns64 = OPT_BOOL(false),
		.Ipv6Native = OPT_BOOL(false),
		.OwnerId = c->account,
		.State = STR("available"),
		.SubnetId = id,
		.SubnetArn = ec2_arn(c, &ec2_subnet_kind, id),
		.VpcId = vpc->Vpc->VpcId };
	s->PrivateDnsNameOptionsOnLaunch =
		arena_new(c->arena, struct ec2_private_dns_name_options_on_launch);
	*s->PrivateDnsNameOptionsOnLaunch = (struct ec2_private_dns_name_options_on_launch){
		.HostnameType = STR("ip-name"),
		.EnableResourceNameDnsARecord = OPT_BOOL(false),
		.EnableResourceNameDnsAAAARecord = OPT_BOOL(false)
	};
	struct ec2_subnet_row row = { .Subnet = s, .Zone = OPT_I64(zone) };
	ec2_put(c, &ec2_subnet_kind, id, &row);
	acl_associate(c, vpc, id, seed);
	return id;
}

static int
range_check(struct call *c, const struct ec2_vpc *vpc, struct str text, struct plane_cidr *ret)
{
	struct plane_cidr of[8], have;
	struct ec2_walk w;
	bool inside = false, conflict = false;
	uint32_t n = ec2_vpc_cidrs(vpc, of, 8), count = 0;
	if (!ec2_cidr_parse(text, ret))
		return ec2_bad_value(c, "cidrBlock", text, "This is not a valid CIDR block.");
	for (uint32_t i = 0; i < n; i++)
		inside |= ec2_cidr_within(*ret, of[i]);
	if (ret->bits < 16 || ret->bits > 28 || !inside)
		return call_fail(c, &EC2_InvalidSubnet_Range, "The CIDR '%.*s' is invalid.",
			STR_FMT(text));
	ec2_walk_begin(&w, c, &ec2_subnet_kind);
	for (struct ec2_subnet_row *s; (s = ec2_walk_next(&w));) {
		if (!str_eq(s->Subnet->VpcId, vpc->VpcId))
			continue;
		count++;
		conflict |= ec2_cidr_parse(s->Subnet->CidrBlock, &have) &&
			    ec2_cidr_overlap(have, *ret);
	}
	if (conflict)
		return call_fail(c, &EC2_InvalidSubnet_Conflict,
			"The CIDR '%.*s' conflicts with another subnet", STR_FMT(text));
	if (count >= SUBNETS_MAX)
		return call_fail(c, &EC2_SubnetLimitExceeded,
			"The maximum number of subnets has been reached.");
	return CALL_OK;
}

int
ec2_create_subnet(
	struct call *c, const struct ec2_create_subnet_in *in, struct ec2_create_subnet_out *out)
{
	struct plane_cidr cidr;
	int zone;
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	if (!v)
		return CALL_FAILED;
	if (in->Ipv6CidrBlock.len || in->Ipv6Native.v || in->Ipv6IpamPoolId.len)
		return ec2_no_ipv6(c);
	if (in->OutpostArn.len || in->Ipv4IpamPoolId.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"There is neither an Outpost nor an IPAM in this cloud.");
	if (!in->CidrBlock.len)
		return call_fail(c, &EC2_MissingParameter,
			"The request must contain the parameter CidrBlock");
	if (ec2_zone_asked(c, in->AvailabilityZone, in->AvailabilityZoneId, &zone) != CALL_OK ||
		range_check(c, v->Vpc, in->CidrBlock, &cidr) != CALL_OK)
		return CALL_FAILED;
	if (zone < 0) {
		uint32_t r;
		call_random(c, &r, sizeof(r));
		zone = (int)(r % ec2_zones_n(c->region));
	}
	struct str id = ec2_subnet_make(c, v, cidr, (uint32_t)zone, NULL, false);
	if (ec2_tags_create(c, &ec2_subnet_kind, id, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	struct ec2_subnet_row *s = ec2_get(c, &ec2_subnet_kind, id);
	show(c, s, s->Subnet);
	ec2_tags_get(c, id, &s->Subnet->Tags);
	out->Subnet = s->Subnet;
	ec2_vpc_changed(c, in->VpcId);
	return CALL_OK;
}

/* Its rows in the ACL and the route table that it was under. */
static void
associations_remove(struct call *c, struct str subnet)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_acl_kind);
	for (struct ec2_network_acl_row *a; (a = ec2_walk_next(&w));)
		for (uint32_t i = 0; i < a->NetworkAcl->Associations.n; i++)
			if (str_eq(a->NetworkAcl->Associations.v[i].SubnetId, subnet)) {
				ec2_list_remove(&a->NetworkAcl->Associations, i);
				ec2_put(c, &ec2_acl_kind, w.id, a);
			}
	ec2_walk_begin(&w, c, &ec2_route_table_kind);
	for (struct ec2_route_table_row *t; (t = ec2_walk_next(&w));)
		for (uint32_t i = 0; i < t->RouteTable->Associations.n; i++)
			if (str_eq(t->RouteTable->Associations.v[i].SubnetId, subnet)) {
				ec2_list_remove(&t->RouteTable->Associations, i);
				ec2_put(c, &ec2_route_table_kind, w.id, t);
			}
}

int
ec2_delete_subnet(
	struct call *c, const struct ec2_delete_subnet_in *in, struct ec2_delete_subnet_out *out)
{
	struct ec2_subnet_row *s = ec2_need(c, &ec2_subnet_kind, in->SubnetId);
	(void)out;
	if (!s)
		return CALL_FAILED;
	if (ec2_private_used(c, in->SubnetId))
		return call_fail(c, &EC2_DependencyViolation,
			"The subnet '%.*s' has dependencies and cannot be deleted.",
			STR_FMT(in->SubnetId));
	associations_remove(c, in->SubnetId);
	ec2_delete(c, &ec2_subnet_kind, in->SubnetId);
	ec2_vpc_changed(c, s->Subnet->VpcId);
	return CALL_OK;
}

int
ec2_describe_subnets(struct call *c, const struct ec2_describe_subnets_in *in,
	struct ec2_describe_subnets_out *out)
{
	struct ec2_query q = { .kind = &ec2_subnet_kind,
		.ids = &in->SubnetIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->Subnets, &out->NextToken);
}

static int
name_options(struct call *c, const struct ec2_modify_subnet_attribute_in *in, struct ec2_subnet *s)
{
	struct ec2_private_dns_name_options_on_launch *o = s->PrivateDnsNameOptionsOnLaunch;
	if (str_is(in->PrivateDnsHostnameTypeOnLaunch, "resource-name"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"The resolver of this cloud knows instances by their address "
			"(ip-name) only.");
	if ((in->EnableResourceNameDnsARecordOnLaunch &&
		    in->EnableResourceNameDnsARecordOnLaunch->Value.v) ||
		(in->EnableResourceNameDnsAAAARecordOnLaunch &&
			in->EnableResourceNameDnsAAAARecordOnLaunch->Value.v))
		return call_fail(c, &EC2_UnsupportedOperation,
			"The resolver of this cloud has no records of resource names.");
	if (in->PrivateDnsHostnameTypeOnLaunch.len)
		o->HostnameType = in->PrivateDnsHostnameTypeOnLaunch;
	return CALL_OK;
}

int
ec2_modify_subnet_attribute(struct call *c, const struct ec2_modify_subnet_attribute_in *in,
	struct ec2_modify_subnet_attribute_out *out)
{
	struct ec2_subnet_row *s = ec2_need(c, &ec2_subnet_kind, in->SubnetId);
	(void)out;
	if (!s)
		return CALL_FAILED;
	if ((in->AssignIpv6AddressOnCreation && in->AssignIpv6AddressOnCreation->Value.v) ||
		(in->EnableDns64 && in->EnableDns64->Value.v))
		return ec2_no_ipv6(c);
	if ((in->MapCustomerOwnedIpOnLaunch && in->MapCustomerOwnedIpOnLaunch->Value.v) ||
		in->CustomerOwnedIpv4Pool.len || in->EnableLniAtDeviceIndex.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"There is no Outpost in this cloud, so there are no addresses of customers "
			"and no local network interfaces.");
	if (name_options(c, in, s->Subnet) != CALL_OK)
		return CALL_FAILED;
	if (in->MapPublicIpOnLaunch)
		s->Subnet->MapPublicIpOnLaunch = OPT_BOOL(in->MapPublicIpOnLaunch->Value.v);
	ec2_put(c, &ec2_subnet_kind, in->SubnetId, s);
	return CALL_OK;
}
