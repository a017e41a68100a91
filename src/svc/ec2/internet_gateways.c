/* Internet gateways, and egress-only ones (which have nothing to pass: networks here are IPv4). */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define GATEWAYS_MAX 5

static const struct ec2_filter_rule filters[] = {
	{ .name = "attachment.state", .path = "Attachments.State" },
	{ .name = "attachment.vpc-id", .path = "Attachments.VpcId" },
	{ .name = "internet-gateway-id", .path = "InternetGatewayId" },
	{ .name = "owner-id", .path = "OwnerId" }, { NULL } };

const struct ec2_kind ec2_internet_gateway_kind = { .type = "internet-gateway",
	.prefix = "igw-",
	.row = &ec2_internet_gateway_row_shape,
	.unknown = &EC2_InvalidInternetGatewayID_NotFound,
	.unknown_text = "The internetGateway ID '%.*s' does not exist",
	.malformed = &EC2_InvalidInternetGatewayId_Malformed,
	.filters = filters };
EC2_KIND(ec2_internet_gateway_kind);

static const struct ec2_filter_rule no_filters[] = { { NULL } };

const struct ec2_kind ec2_egress_gateway_kind = { .type = "egress-only-internet-gateway",
	.prefix = "eigw-",
	.row = &ec2_egress_gateway_row_shape,
	.unknown = &EC2_InvalidEgressOnlyInternetGatewayId_NotFound,
	.unknown_text = "The egressOnlyInternetGateway ID '%.*s' does not exist",
	.malformed = &EC2_InvalidEgressOnlyInternetGatewayId_Malformed,
	.filters = no_filters };
EC2_KIND(ec2_egress_gateway_kind);

static void
attach(struct call *c, struct ec2_internet_gateway_attachment_list *l, struct str vpc,
	const char *state)
{
	struct ec2_internet_gateway_attachment *a = ec2_list_add(c->arena, l);
	a->State = str_c(state);
	a->VpcId = vpc;
}

struct str
ec2_igw_make(struct call *c, struct str vpc, const char *seed)
{
	struct ec2_internet_gateway *g = arena_new(c->arena, struct ec2_internet_gateway);
	struct ec2_internet_gateway_row row = { .InternetGateway = g };
	g->InternetGatewayId = ec2_seeded_id(c, &ec2_internet_gateway_kind, seed);
	g->OwnerId = c->account;
	g->Attachments.set = true;
	/* AWS says `available` of an attached one. */
	if (vpc.len)
		attach(c, &g->Attachments, vpc, "available");
	ec2_put(c, &ec2_internet_gateway_kind, g->InternetGatewayId, &row);
	return g->InternetGatewayId;
}

static bool
attached_to(const void *row, struct str vpc)
{
	const struct ec2_internet_gateway *g =
		((const struct ec2_internet_gateway_row *)row)->InternetGateway;
	return g->Attachments.n && str_eq(g->Attachments.v[0].VpcId, vpc);
}

bool
ec2_vpc_has_igw(struct call *c, struct str vpc, struct str *ret_igw)
{
	return ec2_find(c, &ec2_internet_gateway_kind, attached_to, vpc, ret_igw) != NULL;
}

int
ec2_create_internet_gateway(struct call *c, const struct ec2_create_internet_gateway_in *in,
	struct ec2_create_internet_gateway_out *out)
{
	if (ec2_count(c, &ec2_internet_gateway_kind, NULL, STR_NULL) >= GATEWAYS_MAX)
		return call_fail(c, &EC2_InternetGatewayLimitExceeded,
			"The maximum number of internet gateways has been reached.");
	struct str id = ec2_igw_make(c, STR(""), NULL);
	if (ec2_tags_create(c, &ec2_internet_gateway_kind, id, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	struct ec2_internet_gateway_row *row = ec2_get(c, &ec2_internet_gateway_kind, id);
	out->InternetGateway = row->InternetGateway;
	out->InternetGateway->Attachments.set = true;
	ec2_tags_get(c, id, &out->InternetGateway->Tags);
	return CALL_OK;
}

int
ec2_delete_internet_gateway(struct call *c, const struct ec2_delete_internet_gateway_in *in,
	struct ec2_delete_internet_gateway_out *out)
{
	struct ec2_internet_gateway_row *g =
		ec2_need(c, &ec2_internet_gateway_kind, in->InternetGatewayId);
	(void)out;
	if (!g)
		return CALL_FAILED;
	if (g->InternetGateway->Attachments.n)
		return call_fail(c, &EC2_DependencyViolation,
			"The internetGateway '%.*s' has dependencies and cannot be deleted.",
			STR_FMT(in->InternetGatewayId));
	ec2_delete(c, &ec2_internet_gateway_kind, in->InternetGatewayId);
	return CALL_OK;
}

int
ec2_attach_internet_gateway(struct call *c, const struct ec2_attach_internet_gateway_in *in,
	struct ec2_attach_internet_gateway_out *out)
{
	struct str other;
	struct ec2_internet_gateway_row *g =
		ec2_need(c, &ec2_internet_gateway_kind, in->InternetGatewayId);
	(void)out;
	if (!g || !ec2_need(c, &ec2_vpc_kind, in->VpcId))
		return CALL_FAILED;
	if (g->InternetGateway->Attachments.n)
		return call_fail(c, &EC2_Resource_AlreadyAssociated,
			"resource %.*s is already attached to network %.*s",
			STR_FMT(in->InternetGatewayId),
			STR_FMT(g->InternetGateway->Attachments.v[0].VpcId));
	if (ec2_vpc_has_igw(c, in->VpcId, &other))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Network %.*s already has an internet gateway attached",
			STR_FMT(in->VpcId));
	attach(c, &g->InternetGateway->Attachments, in->VpcId, "available");
	ec2_put(c, &ec2_internet_gateway_kind, in->InternetGatewayId, g);
	ec2_vpc_changed(c, in->VpcId);
	return CALL_OK;
}

/* A public address in the network holds its gateway. */
static bool
has_public_address(const void *row, struct str vpc)
{
	const struct ec2_network_interface *n =
		((const struct ec2_interface_row *)row)->NetworkInterface;
	bool public = false;
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++)
		public |= n->PrivateIpAddresses.v[i].Association != NULL;
	return str_eq(n->VpcId, vpc) && public;
}

int
ec2_detach_internet_gateway(struct call *c, const struct ec2_detach_internet_gateway_in *in,
	struct ec2_detach_internet_gateway_out *out)
{
	struct ec2_internet_gateway_row *g =
		ec2_need(c, &ec2_internet_gateway_kind, in->InternetGatewayId);
	(void)out;
	if (!g || !ec2_need(c, &ec2_vpc_kind, in->VpcId))
		return CALL_FAILED;
	if (!attached_to(g, in->VpcId))
		return call_fail(c, &EC2_Gateway_NotAttached,
			"resource %.*s is not attached to network %.*s",
			STR_FMT(in->InternetGatewayId), STR_FMT(in->VpcId));
	if (ec2_find(c, &ec2_interface_kind, has_public_address, in->VpcId, NULL))
		return call_fail(c, &EC2_DependencyViolation,
			"Network %.*s has some mapped public address(es). Please unmap those "
			"public address(es) before detaching the gateway.",
			STR_FMT(in->VpcId));
	g->InternetGateway->Attachments.n = 0;
	ec2_put(c, &ec2_internet_gateway_kind, in->InternetGatewayId, g);
	ec2_vpc_changed(c, in->VpcId);
	return CALL_OK;
}

int
ec2_describe_internet_gateways(struct call *c, const struct ec2_describe_internet_gateways_in *in,
	struct ec2_describe_internet_gateways_out *out)
{
	struct ec2_query q = { .kind = &ec2_internet_gateway_kind,
		.ids = &in->InternetGatewayIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->InternetGateways, &out->NextToken);
}

int
ec2_create_egress_only_internet_gateway(struct call *c,
	const struct ec2_create_egress_only_internet_gateway_in *in,
	struct ec2_create_egress_only_internet_gateway_out *out)
{
	struct str id;
	if (ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK ||
		!ec2_need(c, &ec2_vpc_kind, in->VpcId))
		return CALL_FAILED;
	if (!id.len) {
		struct ec2_egress_only_internet_gateway *g =
			arena_new(c->arena, struct ec2_egress_only_internet_gateway);
		struct ec2_egress_gateway_row row = { .EgressOnlyInternetGateway = g };
		if (ec2_count(c, &ec2_egress_gateway_kind, NULL, STR_NULL) >= GATEWAYS_MAX)
			return call_fail(c, &EC2_InternetGatewayLimitExceeded,
				"The maximum number of egress-only internet gateways has been "
				"reached.");
		id = g->EgressOnlyInternetGatewayId = ec2_new_id(c, &ec2_egress_gateway_kind);
		attach(c, &g->Attachments, in->VpcId, "attached");
		ec2_put(c, &ec2_egress_gateway_kind, id, &row);
		if (ec2_tags_create(c, &ec2_egress_gateway_kind, id, &in->TagSpecifications) !=
			CALL_OK)
			return CALL_FAILED;
		ec2_token_keep(c, in->ClientToken, in, id);
	}
	struct ec2_egress_gateway_row *row = ec2_need(c, &ec2_egress_gateway_kind, id);
	if (!row)
		return CALL_FAILED;
	out->EgressOnlyInternetGateway = row->EgressOnlyInternetGateway;
	ec2_tags_get(c, id, &out->EgressOnlyInternetGateway->Tags);
	out->ClientToken = in->ClientToken;
	return CALL_OK;
}

int
ec2_delete_egress_only_internet_gateway(struct call *c,
	const struct ec2_delete_egress_only_internet_gateway_in *in,
	struct ec2_delete_egress_only_internet_gateway_out *out)
{
	if (!ec2_need(c, &ec2_egress_gateway_kind, in->EgressOnlyInternetGatewayId))
		return CALL_FAILED;
	ec2_delete(c, &ec2_egress_gateway_kind, in->EgressOnlyInternetGatewayId);
	out->ReturnCode = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_describe_egress_only_internet_gateways(struct call *c,
	const struct ec2_describe_egress_only_internet_gateways_in *in,
	struct ec2_describe_egress_only_internet_gateways_out *out)
{
	struct ec2_query q = { .kind = &ec2_egress_gateway_kind,
		.ids = &in->EgressOnlyInternetGatewayIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->EgressOnlyInternetGateways, &out->NextToken);
}
