/* The default network that every account has in every region, made when it is first touched. */
#include "svc/ec2/network_rows.h"
#include "svc/ec2/zones.h"

#include "base/buf.h"

static void
place_key(struct key *k, struct call *c)
{
	key_begin(k);
	key_add_raw(k, STR("v"));
	key_add(k, c->region);
	key_add(k, c->account);
}

bool
ec2_place_new(struct call *c)
{
	struct key k;
	struct str v;
	place_key(&k, c);
	return !tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &v);
}

/* 172.31.0.0/16, a /20 for each zone, all open to the internet. */
static void
default_vpc_make(struct call *c, const char *seed)
{
	struct plane_cidr cidr = { 0xac1f0000u, 16 };
	struct str id = ec2_vpc_make(c, cidr, "default", seed, true);
	struct ec2_vpc_row *vpc = ec2_get(c, &ec2_vpc_kind, id);
	for (uint32_t z = 0; z < ec2_zones_n(c->region); z++) {
		struct plane_cidr part = { cidr.ip + (z << 12), 20 };
		const char *own = seed ? arena_cstr(c->arena,
						 arena_printf(c->arena, "default-%u", z))
				       : NULL;
		ec2_subnet_make(c, vpc, part, z, own, true);
	}
	struct str igw = ec2_igw_make(c, id, seed);
	struct ec2_route_table_row *t = ec2_get(c, &ec2_route_table_kind, vpc->RouteTableId);
	struct ec2_route *r = ec2_list_add(c->arena, &t->RouteTable->Routes);
	*r = (struct ec2_route){ .DestinationCidrBlock = STR("0.0.0.0/0"),
		.GatewayId = igw,
		.Origin = STR("CreateRoute"),
		.State = STR("active") };
	ec2_put(c, &ec2_route_table_kind, vpc->RouteTableId, t);
}

int
ec2_place_make(struct call *c)
{
	struct key k;
	place_key(&k, c);
	tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&k), STR("1"));
	ec2_managed_lists_make(c);
	default_vpc_make(c, "default");
	return CALL_OK;
}

static bool
vpc_is_default(const void *row, struct str arg)
{
	const struct ec2_vpc_row *v = row;
	(void)arg;
	return v->Vpc->IsDefault.v;
}

struct ec2_vpc *
ec2_default_vpc(struct call *c)
{
	/* Asked by another service, whose calls do not come by here. */
	if (tx_is_writer(c->tx) && ec2_place_new(c))
		ec2_place_make(c);
	struct ec2_vpc_row *v = ec2_find(c, &ec2_vpc_kind, vpc_is_default, STR_NULL, NULL);
	return v ? v->Vpc : NULL;
}

static bool
subnet_is_default(const void *row, struct str zone_name)
{
	const struct ec2_subnet_row *s = row;
	return s->Subnet->DefaultForAz.v &&
	       (!zone_name.len || str_eq(s->Subnet->AvailabilityZone, zone_name));
}

struct ec2_subnet_row *
ec2_default_subnet(struct call *c, int zone)
{
	if (tx_is_writer(c->tx) && ec2_place_new(c))
		ec2_place_make(c);
	struct str name = zone < 0 ? STR("") : ec2_zone_name(c->arena, c->region, (uint32_t)zone);
	struct ec2_subnet_row *s = NULL;
	/* Asked for none, the first zone that has one. */
	for (uint32_t z = 0; zone < 0 && !s && z < ec2_zones_n(c->region); z++)
		s = ec2_default_subnet(c, (int)z);
	return zone < 0 ? s : ec2_find(c, &ec2_subnet_kind, subnet_is_default, name, NULL);
}

int
ec2_create_default_vpc(struct call *c, const struct ec2_create_default_vpc_in *in,
	struct ec2_create_default_vpc_out *out)
{
	(void)in;
	if (ec2_default_vpc(c))
		return call_fail(c, &EC2_DefaultVpcAlreadyExists,
			"A Default VPC already exists for this account in this region.");
	default_vpc_make(c, NULL);
	out->Vpc = ec2_default_vpc(c);
	return CALL_OK;
}

/* The first /20 of the default network that is free. */
static bool
free_part(struct call *c, const struct ec2_vpc *vpc, struct plane_cidr *ret)
{
	struct plane_cidr whole;
	ec2_cidr_parse(vpc->CidrBlock, &whole);
	for (uint32_t i = 0; i < 16; i++) {
		struct plane_cidr part = { whole.ip + (i << 12), 20 }, have;
		struct ec2_walk w;
		bool taken = false;
		ec2_walk_begin(&w, c, &ec2_subnet_kind);
		for (struct ec2_subnet_row *s; (s = ec2_walk_next(&w));)
			taken |= str_eq(s->Subnet->VpcId, vpc->VpcId) &&
				 ec2_cidr_parse(s->Subnet->CidrBlock, &have) &&
				 ec2_cidr_overlap(have, part);
		*ret = part;
		if (!taken)
			return true;
	}
	return false;
}

int
ec2_create_default_subnet(struct call *c, const struct ec2_create_default_subnet_in *in,
	struct ec2_create_default_subnet_out *out)
{
	int zone;
	struct plane_cidr part;
	struct ec2_vpc *vpc = ec2_default_vpc(c);
	if (in->Ipv6Native.v)
		return ec2_no_ipv6(c);
	if (!in->AvailabilityZone.len && !in->AvailabilityZoneId.len)
		return ec2_missing(c, "AvailabilityZone");
	if (ec2_zone_asked(c, in->AvailabilityZone, in->AvailabilityZoneId, &zone) != CALL_OK)
		return CALL_FAILED;
	if (!vpc)
		return call_fail(c, &EC2_DefaultVpcDoesNotExist,
			"There is no default VPC in this region. Create one with "
			"CreateDefaultVpc.");
	struct ec2_subnet_row *have = ec2_default_subnet(c, zone);
	if (have)
		return call_fail(c, &EC2_DefaultSubnetAlreadyExistsInAvailabilityZone,
			"'%.*s' is already the default subnet in %.*s.",
			STR_FMT(have->Subnet->SubnetId), STR_FMT(have->Subnet->AvailabilityZone));
	if (!free_part(c, vpc, &part))
		return call_fail(c, &EC2_InvalidSubnet_Conflict,
			"The default VPC has no /20 left for a default subnet.");
	struct str id = ec2_subnet_make(
		c, ec2_get(c, &ec2_vpc_kind, vpc->VpcId), part, (uint32_t)zone, NULL, true);
	struct ec2_subnet_row *s = ec2_get(c, &ec2_subnet_kind, id);
	out->Subnet = s->Subnet;
	ec2_subnet_kind.show(c, s, s->Subnet);
	return CALL_OK;
}
