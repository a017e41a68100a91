/* Route tables and which subnets are under them. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/routes.h"

#define TABLES_MAX 200 /* of a network */

static const struct ec2_filter_rule filters[] = {
	{ .name = "association.gateway-id", .path = "Associations.GatewayId" },
	{ .name = "association.main", .path = "Associations.Main" },
	{ .name = "association.route-table-association-id",
		.path = "Associations.RouteTableAssociationId" },
	{ .name = "association.route-table-id", .path = "Associations.RouteTableId" },
	{ .name = "association.subnet-id", .path = "Associations.SubnetId" },
	{ .name = "owner-id", .path = "OwnerId" },
	{ .name = "route-table-id", .path = "RouteTableId" },
	{ .name = "route.destination-cidr-block", .path = "Routes.DestinationCidrBlock" },
	{ .name = "route.destination-ipv6-cidr-block", .path = "Routes.DestinationIpv6CidrBlock" },
	{ .name = "route.destination-prefix-list-id", .path = "Routes.DestinationPrefixListId" },
	{ .name = "route.egress-only-internet-gateway-id",
		.path = "Routes.EgressOnlyInternetGatewayId" },
	{ .name = "route.gateway-id", .path = "Routes.GatewayId" },
	{ .name = "route.instance-id", .path = "Routes.InstanceId" },
	{ .name = "route.nat-gateway-id", .path = "Routes.NatGatewayId" },
	{ .name = "route.transit-gateway-id", .path = "Routes.TransitGatewayId" },
	{ .name = "route.origin", .path = "Routes.Origin" },
	{ .name = "route.state", .path = "Routes.State" },
	{ .name = "route.vpc-peering-connection-id", .path = "Routes.VpcPeeringConnectionId" },
	{ .name = "vpc-id", .path = "VpcId" }, { NULL } };

static void
show(struct call *c, void *row, void *item)
{
	(void)row;
	ec2_routes_show(c, item);
}

const struct ec2_kind ec2_route_table_kind = { .type = "route-table",
	.prefix = "rtb-",
	.row = &ec2_route_table_row_shape,
	.unknown = &EC2_InvalidRouteTableID_NotFound,
	.unknown_text = "The routeTable ID '%.*s' does not exist",
	.malformed = &EC2_InvalidRouteTableId_Malformed,
	.filters = filters,
	.show = show };
EC2_KIND(ec2_route_table_kind);

static struct ec2_route_table_association *
associate(struct call *c, struct ec2_route_table *t, struct str subnet, const char *seed)
{
	static const struct ec2_kind association = { .type = "rtbassoc", .prefix = "rtbassoc-" };
	struct ec2_route_table_association *a = ec2_list_add(c->arena, &t->Associations);
	a->Main = OPT_BOOL(!subnet.len);
	a->RouteTableAssociationId = ec2_seeded_id(c, &association, seed);
	a->RouteTableId = t->RouteTableId;
	a->SubnetId = subnet.len ? subnet : STR_NULL;
	a->AssociationState = arena_new(c->arena, struct ec2_route_table_association_state);
	a->AssociationState->State = STR("associated");
	return a;
}

struct str
ec2_route_table_make(struct call *c, const struct ec2_vpc *vpc, const char *seed, bool main)
{
	struct ec2_route_table *t = arena_new(c->arena, struct ec2_route_table);
	struct ec2_route_table_row row = { .RouteTable = t };
	t->RouteTableId = ec2_seeded_id(c, &ec2_route_table_kind, seed);
	t->VpcId = vpc->VpcId;
	t->OwnerId = c->account;
	t->Associations.set = t->PropagatingVgws.set = t->Routes.set = true;
	if (main)
		associate(c, t, STR(""), seed);
	ec2_put(c, &ec2_route_table_kind, t->RouteTableId, &row);
	return t->RouteTableId;
}

static bool
table_of(const void *row, struct str vpc)
{
	return str_eq(((const struct ec2_route_table_row *)row)->RouteTable->VpcId, vpc);
}

int
ec2_create_route_table(struct call *c, const struct ec2_create_route_table_in *in,
	struct ec2_create_route_table_out *out)
{
	struct str id;
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	if (!v || ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	if (!id.len) {
		if (ec2_count(c, &ec2_route_table_kind, table_of, in->VpcId) >= TABLES_MAX)
			return call_fail(c, &EC2_RouteTableLimitExceeded,
				"The maximum number of route tables has been reached.");
		id = ec2_route_table_make(c, v->Vpc, NULL, false);
		if (ec2_tags_create(c, &ec2_route_table_kind, id, &in->TagSpecifications) !=
			CALL_OK)
			return CALL_FAILED;
		ec2_token_keep(c, in->ClientToken, in, id);
	}
	struct ec2_route_table_row *row = ec2_need(c, &ec2_route_table_kind, id);
	if (!row)
		return CALL_FAILED;
	ec2_routes_show(c, row->RouteTable);
	ec2_tags_get(c, id, &row->RouteTable->Tags);
	out->RouteTable = row->RouteTable;
	out->ClientToken = in->ClientToken;
	return CALL_OK;
}

int
ec2_delete_route_table(struct call *c, const struct ec2_delete_route_table_in *in,
	struct ec2_delete_route_table_out *out)
{
	struct ec2_route_table_row *t = ec2_need(c, &ec2_route_table_kind, in->RouteTableId);
	(void)out;
	if (!t)
		return CALL_FAILED;
	if (t->RouteTable->Associations.n)
		return call_fail(c, &EC2_DependencyViolation,
			"The routeTable '%.*s' has dependencies and cannot be deleted.",
			STR_FMT(in->RouteTableId));
	ec2_routes_endpoints_forget(c, in->RouteTableId);
	ec2_delete(c, &ec2_route_table_kind, in->RouteTableId);
	return CALL_OK;
}

int
ec2_describe_route_tables(struct call *c, const struct ec2_describe_route_tables_in *in,
	struct ec2_describe_route_tables_out *out)
{
	struct ec2_query q = { .kind = &ec2_route_table_kind,
		.ids = &in->RouteTableIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->RouteTables, &out->NextToken);
}

static bool
has_subnet(const void *row, struct str subnet)
{
	const struct ec2_route_table *t = ((const struct ec2_route_table_row *)row)->RouteTable;
	for (uint32_t i = 0; i < t->Associations.n; i++)
		if (str_eq(t->Associations.v[i].SubnetId, subnet))
			return true;
	return false;
}

int
ec2_associate_route_table(struct call *c, const struct ec2_associate_route_table_in *in,
	struct ec2_associate_route_table_out *out)
{
	struct ec2_route_table_row *t = ec2_need(c, &ec2_route_table_kind, in->RouteTableId);
	if (!t)
		return CALL_FAILED;
	if (in->GatewayId.len || in->PublicIpv4Pool.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Routes of what comes in through a gateway are not there: a route table is "
			"associated with subnets only.");
	struct ec2_subnet_row *s = ec2_need(c, &ec2_subnet_kind, in->SubnetId);
	if (!s)
		return CALL_FAILED;
	if (!str_eq(s->Subnet->VpcId, t->RouteTable->VpcId))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Route table %.*s and network interface/subnet %.*s belong to different "
			"networks",
			STR_FMT(in->RouteTableId), STR_FMT(in->SubnetId));
	/* The same association again is no error. */
	for (uint32_t i = 0; i < t->RouteTable->Associations.n; i++)
		if (str_eq(t->RouteTable->Associations.v[i].SubnetId, in->SubnetId)) {
			out->AssociationId =
				t->RouteTable->Associations.v[i].RouteTableAssociationId;
			out->AssociationState = t->RouteTable->Associations.v[i].AssociationState;
			return CALL_OK;
		}
	if (ec2_find(c, &ec2_route_table_kind, has_subnet, in->SubnetId, NULL))
		return call_fail(c, &EC2_Resource_AlreadyAssociated,
			"the specified association for route table %.*s conflicts with an existing "
			"association",
			STR_FMT(in->RouteTableId));
	struct ec2_route_table_association *a = associate(c, t->RouteTable, in->SubnetId, NULL);
	ec2_put(c, &ec2_route_table_kind, in->RouteTableId, t);
	out->AssociationId = a->RouteTableAssociationId;
	out->AssociationState = a->AssociationState;
	ec2_vpc_changed(c, t->RouteTable->VpcId);
	return CALL_OK;
}

static bool
has_association(const void *row, struct str id)
{
	const struct ec2_route_table *t = ((const struct ec2_route_table_row *)row)->RouteTable;
	for (uint32_t i = 0; i < t->Associations.n; i++)
		if (str_eq(t->Associations.v[i].RouteTableAssociationId, id))
			return true;
	return false;
}

/* The table that has the association, and which of its associations that is. */
static struct ec2_route_table_row *
association_find(struct call *c, struct str id, uint32_t *ret_i)
{
	struct ec2_route_table_row *t =
		ec2_find(c, &ec2_route_table_kind, has_association, id, NULL);
	if (!t) {
		call_fail(c, &EC2_InvalidAssociationID_NotFound,
			"The association ID '%.*s' does not exist", STR_FMT(id));
		return NULL;
	}
	*ret_i = 0;
	while (!str_eq(t->RouteTable->Associations.v[*ret_i].RouteTableAssociationId, id))
		++*ret_i;
	return t;
}

int
ec2_disassociate_route_table(struct call *c, const struct ec2_disassociate_route_table_in *in,
	struct ec2_disassociate_route_table_out *out)
{
	uint32_t i;
	struct ec2_route_table_row *t = association_find(c, in->AssociationId, &i);
	(void)out;
	if (!t)
		return CALL_FAILED;
	if (t->RouteTable->Associations.v[i].Main.v)
		return call_fail(c, &EC2_InvalidParameterValue,
			"cannot disassociate the main route table association %.*s",
			STR_FMT(in->AssociationId));
	ec2_list_remove(&t->RouteTable->Associations, i);
	ec2_put(c, &ec2_route_table_kind, t->RouteTable->RouteTableId, t);
	ec2_vpc_changed(c, t->RouteTable->VpcId);
	return CALL_OK;
}

/* Also how another table becomes the main one. */
int
ec2_replace_route_table_association(struct call *c,
	const struct ec2_replace_route_table_association_in *in,
	struct ec2_replace_route_table_association_out *out)
{
	uint32_t i;
	struct ec2_route_table_row *to = ec2_need(c, &ec2_route_table_kind, in->RouteTableId);
	struct ec2_route_table_row *from = to ? association_find(c, in->AssociationId, &i) : NULL;
	if (!from)
		return CALL_FAILED;
	if (!str_eq(from->RouteTable->VpcId, to->RouteTable->VpcId))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Route table %.*s belongs to a different network",
			STR_FMT(in->RouteTableId));
	struct str subnet = from->RouteTable->Associations.v[i].SubnetId;
	ec2_list_remove(&from->RouteTable->Associations, i);
	ec2_put(c, &ec2_route_table_kind, from->RouteTable->RouteTableId, from);
	to = ec2_get(c, &ec2_route_table_kind, in->RouteTableId);
	struct ec2_route_table_association *a = associate(c, to->RouteTable, subnet, NULL);
	ec2_put(c, &ec2_route_table_kind, in->RouteTableId, to);
	if (a->Main.v) {
		struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, to->RouteTable->VpcId);
		v->RouteTableId = in->RouteTableId;
		ec2_put(c, &ec2_vpc_kind, v->Vpc->VpcId, v);
	}
	out->NewAssociationId = a->RouteTableAssociationId;
	out->AssociationState = a->AssociationState;
	ec2_vpc_changed(c, to->RouteTable->VpcId);
	return CALL_OK;
}
