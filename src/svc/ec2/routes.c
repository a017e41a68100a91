/* Routes: made, replaced, deleted, shown. */
#include "svc/ec2/routes.h"

#include "svc/ec2/interfaces.h"

#define ROUTES_MAX 500

static bool
peering_lives(struct call *c, struct str id, struct str vpc)
{
	struct ec2_peering_row *p = ec2_get(c, &ec2_peering_kind, id);
	const struct ec2_vpc_peering_connection *x = p ? p->VpcPeeringConnection : NULL;
	return x && str_is(x->Status->Code, "active") &&
	       (str_eq(x->RequesterVpcInfo->VpcId, vpc) || str_eq(x->AccepterVpcInfo->VpcId, vpc));
}

bool
ec2_route_lives(struct call *c, const struct ec2_route_table *t, const struct ec2_route *r)
{
	if (str_is(r->GatewayId, "local"))
		return true;
	if (str_starts(r->GatewayId, STR("vpce-")))
		return ec2_get(c, &ec2_endpoint_kind, r->GatewayId) != NULL;
	if (r->GatewayId.len) {
		struct str igw;
		return ec2_vpc_has_igw(c, t->VpcId, &igw) && str_eq(igw, r->GatewayId);
	}
	if (r->NatGatewayId.len) {
		struct ec2_nat_gateway_row *n = ec2_get(c, &ec2_nat_gateway_kind, r->NatGatewayId);
		return n && (str_is(n->NatGateway->State, "available") ||
				    str_is(n->NatGateway->State, "pending"));
	}
	if (r->VpcPeeringConnectionId.len)
		return peering_lives(c, r->VpcPeeringConnectionId, t->VpcId);
	if (r->NetworkInterfaceId.len) {
		struct ec2_interface_row *n =
			ec2_get(c, &ec2_interface_kind, r->NetworkInterfaceId);
		return n && n->NetworkInterface->Attachment;
	}
	return r->EgressOnlyInternetGatewayId.len &&
	       ec2_get(c, &ec2_egress_gateway_kind, r->EgressOnlyInternetGatewayId);
}

static void
endpoint_routes(struct call *c, struct ec2_route_table *t)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_endpoint_kind);
	for (struct ec2_endpoint_row *e; (e = ec2_walk_next(&w));) {
		if (!ec2_list_has(&e->VpcEndpoint->RouteTableIds, t->RouteTableId))
			continue;
		struct ec2_route *r = ec2_list_add(c->arena, &t->Routes);
		*r = (struct ec2_route){
			.DestinationPrefixListId =
				ec2_managed_list_id(c, e->VpcEndpoint->ServiceName),
			.GatewayId = e->VpcEndpoint->VpcEndpointId,
			.Origin = STR("CreateRoute"),
			.State = STR("active")
		};
	}
}

void
ec2_routes_show(struct call *c, struct ec2_route_table *t)
{
	struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, t->VpcId);
	struct ec2_route_list made = t->Routes;
	t->Routes = (struct ec2_route_list){ .set = true };
	for (uint32_t i = 0; v && i < v->Vpc->CidrBlockAssociationSet.n; i++) {
		struct ec2_route *r = ec2_list_add(c->arena, &t->Routes);
		*r = (struct ec2_route){
			.DestinationCidrBlock = v->Vpc->CidrBlockAssociationSet.v[i].CidrBlock,
			.GatewayId = STR("local"),
			.Origin = STR("CreateRouteTable"),
			.State = STR("active")
		};
	}
	for (uint32_t i = 0; i < made.n; i++) {
		struct ec2_route *r = ec2_list_add(c->arena, &t->Routes);
		*r = made.v[i];
		r->State = ec2_route_lives(c, t, r) ? STR("active") : STR("blackhole");
	}
	endpoint_routes(c, t);
	t->PropagatingVgws.set = t->Associations.set = true;
}

void
ec2_routes_endpoints_forget(struct call *c, struct str table)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_endpoint_kind);
	for (struct ec2_endpoint_row *e; (e = ec2_walk_next(&w));)
		for (uint32_t i = 0; i < e->VpcEndpoint->RouteTableIds.n; i++)
			if (str_eq(e->VpcEndpoint->RouteTableIds.v[i], table)) {
				ec2_list_remove(&e->VpcEndpoint->RouteTableIds, i);
				ec2_put(c, &ec2_endpoint_kind, w.id, e);
			}
}

/* What CreateRoute and ReplaceRoute have in common. */
struct route_ask {
	struct str table, cidr, ipv6, list, gateway, nat, peering, interface, instance, egress,
		other;
	bool local;
};

static int
target_gateway(struct call *c, const struct ec2_route_table *t, struct str id, struct ec2_route *r)
{
	struct str have;
	if (str_starts(id, STR("vgw-")))
		return call_fail(c, &EC2_InvalidGatewayID_NotFound,
			"The gateway ID '%.*s' does not exist", STR_FMT(id));
	if (!ec2_need(c, &ec2_internet_gateway_kind, id)) {
		return call_fail(c, &EC2_InvalidGatewayID_NotFound,
			"The gateway ID '%.*s' does not exist", STR_FMT(id));
	}
	if (!ec2_vpc_has_igw(c, t->VpcId, &have) || !str_eq(have, id))
		return call_fail(c, &EC2_InvalidParameterValue,
			"route table %.*s and network gateway %.*s belong to different networks",
			STR_FMT(t->RouteTableId), STR_FMT(id));
	r->GatewayId = id;
	return CALL_OK;
}

static int
target_interface(struct call *c, const struct ec2_route_table *t, const struct route_ask *a,
	struct ec2_route *r)
{
	struct str id = a->interface;
	if (a->instance.len) {
		struct ec2_instance_place place;
		struct ec2_interface_row **all;
		if (!ec2_instance_place)
			return call_fail(c, &EC2_InvalidParameterValue,
				"There is no instance '%.*s'.", STR_FMT(a->instance));
		if (ec2_instance_place(c, a->instance, &place) != CALL_OK)
			return CALL_FAILED;
		/* AWS: more than one interface must be named itself. */
		if (ec2_interfaces_of(c, a->instance, &all) != 1)
			return call_fail(c, &EC2_InvalidParameterCombination,
				"There are multiple interfaces attached to instance '%.*s'. "
				"Please specify an interface ID for the operation instead.",
				STR_FMT(a->instance));
		id = all[0]->NetworkInterface->NetworkInterfaceId;
	}
	struct ec2_interface_row *n = ec2_need(c, &ec2_interface_kind, id);
	if (!n)
		return CALL_FAILED;
	if (!str_eq(n->NetworkInterface->VpcId, t->VpcId))
		return call_fail(c, &EC2_InvalidParameterValue,
			"route table %.*s and interface %.*s belong to different networks",
			STR_FMT(t->RouteTableId), STR_FMT(id));
	r->NetworkInterfaceId = id;
	if (n->NetworkInterface->Attachment && n->NetworkInterface->Attachment->InstanceId.len) {
		r->InstanceId = n->NetworkInterface->Attachment->InstanceId;
		r->InstanceOwnerId = c->account;
	}
	return CALL_OK;
}

static int
target_nat(struct call *c, const struct ec2_route_table *t, struct str id, struct ec2_route *r)
{
	struct ec2_nat_gateway_row *n = ec2_need(c, &ec2_nat_gateway_kind, id);
	if (!n)
		return CALL_FAILED;
	if (!str_eq(n->NatGateway->VpcId, t->VpcId))
		return call_fail(c, &EC2_InvalidParameterValue,
			"route table %.*s and network gateway %.*s belong to different networks",
			STR_FMT(t->RouteTableId), STR_FMT(id));
	r->NatGatewayId = id;
	return CALL_OK;
}

static int
target_peering(struct call *c, const struct ec2_route_table *t, struct str id, struct ec2_route *r)
{
	if (!ec2_need(c, &ec2_peering_kind, id))
		return CALL_FAILED;
	if (!peering_lives(c, id, t->VpcId))
		return call_fail(c, &EC2_InvalidStateTransition,
			"The VPC peering connection %.*s is not active, or not of this network.",
			STR_FMT(id));
	r->VpcPeeringConnectionId = id;
	return CALL_OK;
}

static int
target_read(struct call *c, const struct ec2_route_table *t, const struct route_ask *a,
	struct ec2_route *r)
{
	int n = !!a->gateway.len + !!a->nat.len + !!a->peering.len + !!a->interface.len +
		!!a->instance.len + !!a->egress.len + !!a->other.len + a->local;
	if (n != 1)
		return call_fail(c, n ? &EC2_InvalidParameterCombination : &EC2_MissingParameter,
			"The request must contain exactly one of gatewayId, natGatewayId, "
			"networkInterfaceId, vpcPeeringConnectionId, instanceId or "
			"egressOnlyInternetGatewayId.");
	if (a->other.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Routes to %.*s are not there: this cloud has no transit, local, carrier or "
			"core network and no gateway load balancer.",
			STR_FMT(a->other));
	r->Origin = STR("CreateRoute");
	r->State = STR("active");
	if (a->egress.len) {
		if (!ec2_need(c, &ec2_egress_gateway_kind, a->egress))
			return CALL_FAILED;
		return call_fail(c, &EC2_InvalidParameterValue,
			"An egress-only internet gateway takes IPv6 traffic only.");
	}
	return a->gateway.len	? target_gateway(c, t, a->gateway, r)
	       : a->nat.len	? target_nat(c, t, a->nat, r)
	       : a->peering.len ? target_peering(c, t, a->peering, r)
				: target_interface(c, t, a, r);
}

static int
destination_read(struct call *c, const struct route_ask *a, struct ec2_route *r)
{
	struct plane_cidr cidr;
	if (a->ipv6.len)
		return ec2_no_ipv6(c);
	if (!a->cidr.len == !a->list.len)
		return call_fail(c,
			a->cidr.len ? &EC2_InvalidParameterCombination : &EC2_MissingParameter,
			"The request must contain exactly one of destinationCidrBlock, "
			"destinationIpv6CidrBlock or destinationPrefixListId.");
	if (a->list.len) {
		if (!ec2_need(c, &ec2_prefix_list_kind, a->list))
			return CALL_FAILED;
		r->DestinationPrefixListId = a->list;
		return CALL_OK;
	}
	if (!ec2_cidr_parse(a->cidr, &cidr))
		return ec2_bad_value(c, "destinationCidrBlock", a->cidr,
			"This is not a valid CIDR block.");
	r->DestinationCidrBlock = ec2_cidr_text(c->arena, cidr);
	return CALL_OK;
}

static int
route_find(const struct ec2_route_table *t, const struct ec2_route *r)
{
	for (uint32_t i = 0; i < t->Routes.n; i++)
		if (str_eq(t->Routes.v[i].DestinationCidrBlock, r->DestinationCidrBlock) &&
			str_eq(t->Routes.v[i].DestinationPrefixListId, r->DestinationPrefixListId))
			return (int)i;
	return -1;
}

static bool
is_local(struct call *c, const struct ec2_route_table *t, const struct ec2_route *r)
{
	struct plane_cidr of[8], to;
	struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, t->VpcId);
	uint32_t n = v ? ec2_vpc_cidrs(v->Vpc, of, 8) : 0;
	for (uint32_t i = 0; r->DestinationCidrBlock.len && i < n; i++)
		if (ec2_cidr_parse(r->DestinationCidrBlock, &to) && to.ip == of[i].ip &&
			to.bits == of[i].bits)
			return true;
	return false;
}

static struct str
destination(const struct ec2_route *r)
{
	return r->DestinationCidrBlock.len ? r->DestinationCidrBlock : r->DestinationPrefixListId;
}

int
ec2_create_route(
	struct call *c, const struct ec2_create_route_in *in, struct ec2_create_route_out *out)
{
	struct str other = in->TransitGatewayId.len   ? in->TransitGatewayId
			   : in->LocalGatewayId.len   ? in->LocalGatewayId
			   : in->CarrierGatewayId.len ? in->CarrierGatewayId
			   : in->CoreNetworkArn.len   ? in->CoreNetworkArn
			   : in->VpcEndpointId.len    ? in->VpcEndpointId
						      : in->OdbNetworkArn;
	struct route_ask a = { in->RouteTableId, in->DestinationCidrBlock,
		in->DestinationIpv6CidrBlock, in->DestinationPrefixListId, in->GatewayId,
		in->NatGatewayId, in->VpcPeeringConnectionId, in->NetworkInterfaceId,
		in->InstanceId, in->EgressOnlyInternetGatewayId, other, false };
	struct ec2_route_table_row *t = ec2_need(c, &ec2_route_table_kind, in->RouteTableId);
	struct ec2_route r = { 0 };
	if (!t || destination_read(c, &a, &r) != CALL_OK ||
		target_read(c, t->RouteTable, &a, &r) != CALL_OK)
		return CALL_FAILED;
	int at = route_find(t->RouteTable, &r);
	/* AWS: the very same route again is no error. */
	if (at >= 0 && str_eq(t->RouteTable->Routes.v[at].GatewayId, r.GatewayId) &&
		str_eq(t->RouteTable->Routes.v[at].NatGatewayId, r.NatGatewayId) &&
		str_eq(t->RouteTable->Routes.v[at].NetworkInterfaceId, r.NetworkInterfaceId) &&
		str_eq(t->RouteTable->Routes.v[at].VpcPeeringConnectionId,
			r.VpcPeeringConnectionId)) {
		out->Return = OPT_BOOL(true);
		return CALL_OK;
	}
	if (at >= 0 || is_local(c, t->RouteTable, &r))
		return call_fail(c, &EC2_RouteAlreadyExists,
			"The route identified by %.*s already exists.", STR_FMT(destination(&r)));
	if (t->RouteTable->Routes.n >= ROUTES_MAX)
		return call_fail(c, &EC2_RouteLimitExceeded,
			"The maximum number of routes has been reached.");
	struct ec2_route *new = ec2_list_add(c->arena, &t->RouteTable->Routes);
	*new = r;
	ec2_put(c, &ec2_route_table_kind, in->RouteTableId, t);
	ec2_vpc_changed(c, t->RouteTable->VpcId);
	out->Return = OPT_BOOL(true);
	return CALL_OK;
}

static int
no_route(struct call *c, struct str table, const struct ec2_route *r)
{
	return call_fail(c, &EC2_InvalidRoute_NotFound,
		"no route with destination-cidr-block %.*s in route table %.*s",
		STR_FMT(destination(r)), STR_FMT(table));
}

int
ec2_replace_route(
	struct call *c, const struct ec2_replace_route_in *in, struct ec2_replace_route_out *out)
{
	struct str other = in->TransitGatewayId.len   ? in->TransitGatewayId
			   : in->LocalGatewayId.len   ? in->LocalGatewayId
			   : in->CarrierGatewayId.len ? in->CarrierGatewayId
			   : in->CoreNetworkArn.len   ? in->CoreNetworkArn
			   : in->VpcEndpointId.len    ? in->VpcEndpointId
						      : in->OdbNetworkArn;
	struct route_ask a = { in->RouteTableId, in->DestinationCidrBlock,
		in->DestinationIpv6CidrBlock, in->DestinationPrefixListId, in->GatewayId,
		in->NatGatewayId, in->VpcPeeringConnectionId, in->NetworkInterfaceId,
		in->InstanceId, in->EgressOnlyInternetGatewayId, other, false };
	struct ec2_route_table_row *t = ec2_need(c, &ec2_route_table_kind, in->RouteTableId);
	struct ec2_route r = { 0 };
	(void)out;
	if (!t || destination_read(c, &a, &r) != CALL_OK)
		return CALL_FAILED;
	if (in->LocalTarget.v || is_local(c, t->RouteTable, &r))
		return call_fail(c, &EC2_UnsupportedOperation,
			"The local route cannot be led elsewhere here.");
	if (target_read(c, t->RouteTable, &a, &r) != CALL_OK)
		return CALL_FAILED;
	int at = route_find(t->RouteTable, &r);
	if (at < 0)
		return no_route(c, in->RouteTableId, &r);
	t->RouteTable->Routes.v[at] = r;
	ec2_put(c, &ec2_route_table_kind, in->RouteTableId, t);
	ec2_vpc_changed(c, t->RouteTable->VpcId);
	return CALL_OK;
}

int
ec2_delete_route(
	struct call *c, const struct ec2_delete_route_in *in, struct ec2_delete_route_out *out)
{
	struct route_ask a = { .cidr = in->DestinationCidrBlock,
		.ipv6 = in->DestinationIpv6CidrBlock,
		.list = in->DestinationPrefixListId };
	struct ec2_route_table_row *t = ec2_need(c, &ec2_route_table_kind, in->RouteTableId);
	struct ec2_route r = { 0 };
	(void)out;
	if (!t || destination_read(c, &a, &r) != CALL_OK)
		return CALL_FAILED;
	if (is_local(c, t->RouteTable, &r))
		return call_fail(c, &EC2_InvalidParameterValue,
			"cannot remove local route %.*s in route table %.*s",
			STR_FMT(destination(&r)), STR_FMT(in->RouteTableId));
	int at = route_find(t->RouteTable, &r);
	if (at < 0)
		return no_route(c, in->RouteTableId, &r);
	ec2_list_remove(&t->RouteTable->Routes, (uint32_t)at);
	ec2_put(c, &ec2_route_table_kind, in->RouteTableId, t);
	ec2_vpc_changed(c, t->RouteTable->VpcId);
	return CALL_OK;
}
