/* NAT gateways. */
#include "svc/ec2/nat_gateways.h"

#include "aws/due.h"
#include "svc/ec2/networks.h"
#include "svc/ec2/interfaces.h"

#define GATEWAYS_MAX 5 /* of a zone */
#define SHOWN_MS INT64_C(3600000)

static const struct ec2_filter_rule filters[] = {
	{ .name = "nat-gateway-id", .path = "NatGatewayId" }, { .name = "state", .path = "State" },
	{ .name = "subnet-id", .path = "SubnetId" }, { .name = "vpc-id", .path = "VpcId" },
	{ .name = "connectivity-type", .path = "ConnectivityType" }, { NULL }
};

/* One that is not there yet says why its network could not be made. */
static void
show(struct call *c, void *row, void *item)
{
	struct ec2_nat_gateway *g = item;
	struct str why = str_is(g->State, "pending") ? ec2_network_trouble(c, g->VpcId) : STR("");
	(void)row;
	if (why.len)
		g->FailureMessage = why;
}

const struct ec2_kind ec2_nat_gateway_kind = { .type = "natgateway",
	.prefix = "nat-",
	.row = &ec2_nat_gateway_row_shape,
	.unknown = &EC2_NatGatewayNotFound,
	.unknown_text = "The Nat Gateway %.*s was not found",
	.malformed = &EC2_NatGatewayMalformed,
	.filters = filters,
	.show = show };
EC2_KIND(ec2_nat_gateway_kind);

static bool
counts_in_zone(const void *row, struct str zone)
{
	const struct ec2_nat_gateway_row *g = row;
	return str_eq(g->NatGateway->NatGatewayAddresses.v[0].AvailabilityZone, zone) &&
	       (str_is(g->NatGateway->State, "pending") ||
		       str_is(g->NatGateway->State, "available"));
}

static int
ask_check(struct call *c, const struct ec2_create_nat_gateway_in *in, bool private)
{
	if (str_is(in->AvailabilityMode, "regional") || in->AvailabilityZoneAddresses.n)
		return call_fail(c, &EC2_UnsupportedOperation,
			"A NAT gateway of this cloud is in one zone: give SubnetId.");
	if (in->SecondaryAllocationIds.n || in->SecondaryPrivateIpAddresses.n ||
		in->SecondaryPrivateIpAddressCount.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"A NAT gateway of this cloud has one address: secondary ones are not "
			"there.");
	if (!in->SubnetId.len)
		return ec2_missing(c, "SubnetId");
	if (!private && !in->AllocationId.len)
		return ec2_missing(c, "AllocationId");
	if (private && in->AllocationId.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"A private NAT gateway has no elastic address.");
	return CALL_OK;
}

/* AWS makes a gateway that cannot work, and lets it fail. */
static const char *
failure_of(struct call *c, const struct ec2_subnet *s, const struct ec2_address_row *a,
	struct str *ret_message)
{
	if (!a)
		return NULL;
	if (!ec2_vpc_has_igw(c, s->VpcId, NULL)) {
		*ret_message = arena_printf(c->arena,
			"Network %.*s has no Internet gateway attached", STR_FMT(s->VpcId));
		return "Gateway.NotAttached";
	}
	if (a->Address->AssociationId.len) {
		*ret_message = arena_printf(c->arena,
			"Elastic IP address [%.*s] is already associated",
			STR_FMT(a->Address->AllocationId));
		return "Resource.AlreadyAssociated";
	}
	return NULL;
}

static int
interface_make(struct call *c, const struct ec2_create_nat_gateway_in *in,
	struct ec2_nat_gateway *g, struct ec2_interface_row **ret)
{
	struct ec2_interface_ask ask = { .subnet = in->SubnetId,
		.zone = -1,
		.private_ip = in->PrivateIpAddress,
		.type = "natGateway",
		.requester = STR("amazon-aws"),
		.description = arena_printf(c->arena, "Interface for NAT Gateway %.*s",
			STR_FMT(g->NatGatewayId)) };
	struct str id;
	if (ec2_interface_create(c, &ask, &id) != CALL_OK)
		return CALL_FAILED;
	struct ec2_interface_row *n = ec2_get(c, &ec2_interface_kind, id);
	struct ec2_network_interface_attachment *a =
		arena_new(c->arena, struct ec2_network_interface_attachment);
	*a = (struct ec2_network_interface_attachment){ .AttachTime = OPT_TIME(c->now_ms),
		.AttachmentId = call_id_hex(c, "ela-attach-", 17),
		.DeleteOnTermination = OPT_BOOL(false),
		.DeviceIndex = OPT_I64(1),
		.InstanceOwnerId = STR("amazon-aws"),
		.Status = STR("attached") };
	n->NetworkInterface->Attachment = a;
	n->NetworkInterface->Status = STR("in-use");
	n->NetworkInterface->Groups.n = 0;
	ec2_interface_put(c, n);
	*ret = n;
	return CALL_OK;
}

static int
gateway_make(struct call *c, const struct ec2_create_nat_gateway_in *in, const struct ec2_subnet *s,
	struct ec2_address_row *address, struct ec2_nat_gateway *g)
{
	struct ec2_interface_row *n;
	struct ec2_nat_gateway_row row = { .NatGateway = g };
	g->NatGatewayId = ec2_new_id(c, &ec2_nat_gateway_kind);
	g->CreateTime = OPT_TIME(c->now_ms);
	g->SubnetId = s->SubnetId;
	g->VpcId = s->VpcId;
	g->State = STR("pending");
	g->ConnectivityType = address ? STR("public") : STR("private");
	g->AvailabilityMode = STR("zonal");
	const char *failure = failure_of(c, s, address, &g->FailureMessage);
	struct ec2_nat_gateway_address *a = ec2_list_add(c->arena, &g->NatGatewayAddresses);
	a->AvailabilityZone = s->AvailabilityZone;
	a->AvailabilityZoneId = s->AvailabilityZoneId;
	a->IsPrimary = OPT_BOOL(true);
	a->Status = STR("succeeded");
	a->AllocationId = address ? address->Address->AllocationId : STR_NULL;
	if (failure) {
		g->FailureCode = str_c(failure);
		a->Status = STR("failed");
		g->State = STR("failed");
		g->DeleteTime = OPT_TIME(c->now_ms);
		due_add(c->tx, STR("ec2.nat"), arena_printf(c->arena, "%.*s/%.*s/%.*s",
			STR_FMT(c->region), STR_FMT(c->account), STR_FMT(g->NatGatewayId)),
			c->now_ms + SHOWN_MS, STR(""));
	} else {
		if (interface_make(c, in, g, &n) != CALL_OK)
			return CALL_FAILED;
		a->NetworkInterfaceId = n->NetworkInterface->NetworkInterfaceId;
		a->PrivateIp = n->NetworkInterface->PrivateIpAddress;
		if (address &&
			ec2_address_associate(c, address, n, 0, &a->AssociationId) != CALL_OK)
			return CALL_FAILED;
		a->PublicIp = address ? address->Address->PublicIp : STR_NULL;
	}
	ec2_put(c, &ec2_nat_gateway_kind, g->NatGatewayId, &row);
	ec2_vpc_changed(c, s->VpcId);
	return CALL_OK;
}

int
ec2_create_nat_gateway(struct call *c, const struct ec2_create_nat_gateway_in *in,
	struct ec2_create_nat_gateway_out *out)
{
	bool private = str_is(in->ConnectivityType, "private");
	struct ec2_address_row *address = NULL;
	struct ec2_nat_gateway *g = arena_new(c->arena, struct ec2_nat_gateway);
	struct str id;
	if (ask_check(c, in, private) != CALL_OK ||
		ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	out->ClientToken = in->ClientToken;
	if (id.len) {
		struct ec2_nat_gateway_row *row = ec2_need(c, &ec2_nat_gateway_kind, id);
		out->NatGateway = row ? row->NatGateway : NULL;
		return row ? CALL_OK : CALL_FAILED;
	}
	struct ec2_subnet_row *s = ec2_need(c, &ec2_subnet_kind, in->SubnetId);
	if (!s || (!private && !(address = ec2_need(c, &ec2_address_kind, in->AllocationId))))
		return CALL_FAILED;
	if (ec2_count(c, &ec2_nat_gateway_kind, counts_in_zone, s->Subnet->AvailabilityZone) >=
		GATEWAYS_MAX)
		return call_fail(c, &EC2_NatGatewayLimitExceeded,
			"Performing this operation would exceed the limit of %d NAT gateways",
			GATEWAYS_MAX);
	if (gateway_make(c, in, s->Subnet, address, g) != CALL_OK ||
		ec2_tags_create(c, &ec2_nat_gateway_kind, g->NatGatewayId,
			&in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	ec2_token_keep(c, in->ClientToken, in, g->NatGatewayId);
	ec2_tags_get(c, g->NatGatewayId, &g->Tags);
	g->State = STR("pending");
	g->FailureCode = g->FailureMessage = STR_NULL;
	out->NatGateway = g;
	return CALL_OK;
}

int
ec2_delete_nat_gateway(struct call *c, const struct ec2_delete_nat_gateway_in *in,
	struct ec2_delete_nat_gateway_out *out)
{
	struct ec2_nat_gateway_row *g = ec2_need(c, &ec2_nat_gateway_kind, in->NatGatewayId);
	if (!g)
		return CALL_FAILED;
	out->NatGatewayId = in->NatGatewayId;
	/* Deleted again, it answers the same. */
	if (str_is(g->NatGateway->State, "deleting") || str_is(g->NatGateway->State, "deleted"))
		return CALL_OK;
	g->NatGateway->State = STR("deleting");
	ec2_put(c, &ec2_nat_gateway_kind, in->NatGatewayId, g);
	ec2_vpc_changed(c, g->NatGateway->VpcId);
	return CALL_OK;
}

int
ec2_describe_nat_gateways(struct call *c, const struct ec2_describe_nat_gateways_in *in,
	struct ec2_describe_nat_gateways_out *out)
{
	struct ec2_query q = { .kind = &ec2_nat_gateway_kind,
		.ids = &in->NatGatewayIds,
		.filters = &in->Filter,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->NatGateways, &out->NextToken);
}

void
ec2_nat_settled(struct call *c, struct str id)
{
	struct ec2_nat_gateway_row *row = ec2_get(c, &ec2_nat_gateway_kind, id);
	if (!row)
		return;
	struct ec2_nat_gateway *g = row->NatGateway;
	if (str_is(g->State, "pending")) {
		g->State = STR("available");
		row->Metered = OPT_BOOL(true);
		ec2_network_usage(c, "NatGateway-Hours", 1);
	} else if (str_is(g->State, "deleting")) {
		for (uint32_t i = 0; i < g->NatGatewayAddresses.n; i++)
			ec2_interface_delete(c, g->NatGatewayAddresses.v[i].NetworkInterfaceId);
		if (row->Metered.v)
			ec2_network_usage(c, "NatGateway-Hours", -1);
		row->Metered = OPT_BOOL(false);
		g->State = STR("deleted");
		g->DeleteTime = OPT_TIME(c->now_ms);
		due_add(c->tx, STR("ec2.nat"), arena_printf(c->arena, "%.*s/%.*s/%.*s",
			STR_FMT(c->region), STR_FMT(c->account), STR_FMT(id)),
			c->now_ms + SHOWN_MS, STR(""));
	} else {
		return;
	}
	ec2_put(c, &ec2_nat_gateway_kind, id, row);
}

/* A deleted one is shown for an hour. */
static int
forget(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	arena_init(&a);
	struct str rest = arena_dup(&a, id), region = str_cut(&rest, '/'),
		   account = str_cut(&rest, '/');
	(void)due_ms, (void)payload, (void)arg;
	ec2_inner_call(&c, t, &a, region, account);
	ec2_delete(&c, &ec2_nat_gateway_kind, rest);
	arena_done(&a);
	return 0;
}

static void
start(struct store *s)
{
	(void)s;
	due_handle("ec2.nat", forget, NULL);
}
EC2_START(start);
