/* Virtual private clouds. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define VPCS_MAX 5
#define CIDRS_MAX 5 /* one and four more */

static const struct ec2_filter_rule filters[] = { { .name = "cidr", .path = "CidrBlock" },
	{ .name = "cidr-block", .path = "CidrBlock" }, { .name = "cidrBlock", .path = "CidrBlock" },
	{ .name = "cidr-block-association.cidr-block",
		.path = "CidrBlockAssociationSet.CidrBlock" },
	{ .name = "cidr-block-association.association-id",
		.path = "CidrBlockAssociationSet.AssociationId" },
	{ .name = "cidr-block-association.state",
		.path = "CidrBlockAssociationSet.CidrBlockState.State" },
	{ .name = "ipv6-cidr-block-association.ipv6-cidr-block",
		.path = "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock" },
	{ .name = "ipv6-cidr-block-association.association-id",
		.path = "Ipv6CidrBlockAssociationSet.AssociationId" },
	{ .name = "ipv6-cidr-block-association.state",
		.path = "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State" },
	{ .name = "ipv6-cidr-block-association.ipv6-pool",
		.path = "Ipv6CidrBlockAssociationSet.Ipv6Pool" },
	{ .name = "dhcp-options-id", .path = "DhcpOptionsId" },
	{ .name = "is-default", .path = "IsDefault" }, { .name = "isDefault", .path = "IsDefault" },
	{ .name = "owner-id", .path = "OwnerId" }, { .name = "state", .path = "State" },
	{ .name = "vpc-id", .path = "VpcId" }, { NULL } };

const struct ec2_kind ec2_vpc_kind = { .type = "vpc",
	.prefix = "vpc-",
	.row = &ec2_vpc_row_shape,
	.unknown = &EC2_InvalidVpcID_NotFound,
	.unknown_text = "The vpc ID '%.*s' does not exist",
	.malformed = &EC2_InvalidVpcID_Malformed,
	.filters = filters };
EC2_KIND(ec2_vpc_kind);

uint32_t
ec2_vpc_cidrs(const struct ec2_vpc *vpc, struct plane_cidr *ret, uint32_t cap)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < vpc->CidrBlockAssociationSet.n && n < cap; i++)
		n += ec2_cidr_parse(vpc->CidrBlockAssociationSet.v[i].CidrBlock, &ret[n]);
	return n;
}

static void
cidr_add(struct call *c, struct ec2_vpc *vpc, struct plane_cidr cidr, const char *seed)
{
	struct ec2_vpc_cidr_block_association *a =
		ec2_list_add(c->arena, &vpc->CidrBlockAssociationSet);
	static const struct ec2_kind association = { .type = "vpc-cidr-assoc",
		.prefix = "vpc-cidr-assoc-" };
	a->AssociationId = ec2_seeded_id(c, &association, seed);
	a->CidrBlock = ec2_cidr_text(c->arena, cidr);
	a->CidrBlockState = arena_new(c->arena, struct ec2_vpc_cidr_block_state);
	a->CidrBlockState->State = STR("associated");
}

struct str
ec2_vpc_make(struct call *c, struct plane_cidr cidr, const char *tenancy, const char *seed,
	bool is_default)
{
	struct ec2_vpc *v = arena_new(c->arena, struct ec2_vpc);
	*v = (struct ec2_vpc){ .OwnerId = c->account,
		.InstanceTenancy = str_c(tenancy),
		.IsDefault = OPT_BOOL(is_default),
		.VpcId = ec2_seeded_id(c, &ec2_vpc_kind, seed),
		.State = STR("available"),
		.CidrBlock = ec2_cidr_text(c->arena, cidr),
		.DhcpOptionsId = ec2_dhcp_default(c) };
	cidr_add(c, v, cidr, seed);
	struct ec2_vpc_row row = { .Vpc = v,
		.DnsSupport = OPT_BOOL(true),
		.DnsHostnames = OPT_BOOL(is_default),
		.AddressMetrics = OPT_BOOL(false) };
	row.RouteTableId = ec2_route_table_make(c, v, seed, true);
	row.NetworkAclId = ec2_acl_make(c, v->VpcId, seed, true);
	row.GroupId = ec2_group_make(
		c, v->VpcId, STR("default"), STR("default VPC security group"), seed);
	ec2_put(c, &ec2_vpc_kind, v->VpcId, &row);
	return v->VpcId;
}

static int
cidr_asked(struct call *c, struct str text, struct plane_cidr *ret)
{
	if (!ec2_cidr_parse(text, ret))
		return ec2_bad_value(
			c, "cidrBlock", text, "This is not a valid CIDR block.");
	if (ret->bits < 16 || ret->bits > 28)
		return call_fail(c, &EC2_InvalidVpc_Range, "The CIDR '%.*s' is invalid.",
			STR_FMT(text));
	return CALL_OK;
}

static int
ipam_refused(struct call *c)
{
	return call_fail(c, &EC2_UnsupportedOperation,
		"There is no IPAM in this cloud: give CidrBlock.");
}

int
ec2_create_vpc(struct call *c, const struct ec2_create_vpc_in *in, struct ec2_create_vpc_out *out)
{
	struct plane_cidr cidr;
	if (in->AmazonProvidedIpv6CidrBlock.v || in->Ipv6CidrBlock.len || in->Ipv6Pool.len ||
		in->Ipv6IpamPoolId.len)
		return ec2_no_ipv6(c);
	if (in->Ipv4IpamPoolId.len || in->Ipv4NetmaskLength.set)
		return ipam_refused(c);
	if (in->VpcEncryptionControl)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Encryption between machines is not there: VpcEncryptionControl cannot "
			"be met.");
	if (!in->CidrBlock.len)
		return call_fail(c, &EC2_MissingParameter,
			"Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
	if (cidr_asked(c, in->CidrBlock, &cidr) != CALL_OK)
		return CALL_FAILED;
	if (str_is(in->InstanceTenancy, "host"))
		return ec2_bad_value(c, "instanceTenancy", in->InstanceTenancy,
			"A VPC is default or dedicated.");
	if (ec2_count(c, &ec2_vpc_kind, NULL, STR_NULL) >= VPCS_MAX)
		return call_fail(c, &EC2_VpcLimitExceeded,
			"The maximum number of VPCs has been reached.");
	struct str id = ec2_vpc_make(c, cidr,
		str_is(in->InstanceTenancy, "dedicated") ? "dedicated" : "default", NULL, false);
	if (ec2_tags_create(c, &ec2_vpc_kind, id, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	struct ec2_vpc_row *row = ec2_get(c, &ec2_vpc_kind, id);
	out->Vpc = row->Vpc;
	ec2_tags_get(c, id, &out->Vpc->Tags);
	out->Vpc->Ipv6CidrBlockAssociationSet.set = true;
	/* AWS answers `pending`, and `available` from the first look on. */
	out->Vpc->State = STR("pending");
	return CALL_OK;
}

static bool
subnet_of(const void *row, struct str vpc)
{
	return str_eq(((const struct ec2_subnet_row *)row)->Subnet->VpcId, vpc);
}

static bool
interface_of(const void *row, struct str vpc)
{
	return str_eq(((const struct ec2_interface_row *)row)->NetworkInterface->VpcId, vpc);
}

static bool
other_table_of(const void *row, struct str vpc)
{
	const struct ec2_route_table *t = ((const struct ec2_route_table_row *)row)->RouteTable;
	for (uint32_t i = 0; i < t->Associations.n; i++)
		if (t->Associations.v[i].Main.v)
			return false;
	return str_eq(t->VpcId, vpc);
}

static bool
other_group_of(const void *row, struct str vpc)
{
	const struct ec2_security_group *g =
		((const struct ec2_security_group_row *)row)->SecurityGroup;
	return str_eq(g->VpcId, vpc) && !str_is(g->GroupName, "default");
}

static bool
other_acl_of(const void *row, struct str vpc)
{
	const struct ec2_network_acl *a = ((const struct ec2_network_acl_row *)row)->NetworkAcl;
	return str_eq(a->VpcId, vpc) && !a->IsDefault.v;
}

static bool
peering_of(const void *row, struct str vpc)
{
	const struct ec2_vpc_peering_connection *p =
		((const struct ec2_peering_row *)row)->VpcPeeringConnection;
	return (str_is(p->Status->Code, "active") ||
		       str_is(p->Status->Code, "pending-acceptance")) &&
	       (str_eq(p->RequesterVpcInfo->VpcId, vpc) || str_eq(p->AccepterVpcInfo->VpcId, vpc));
}

static bool
endpoint_of(const void *row, struct str vpc)
{
	return str_eq(((const struct ec2_endpoint_row *)row)->VpcEndpoint->VpcId, vpc);
}

static bool
egress_of(const void *row, struct str vpc)
{
	const struct ec2_egress_only_internet_gateway *g =
		((const struct ec2_egress_gateway_row *)row)->EgressOnlyInternetGateway;
	return g->Attachments.n && str_eq(g->Attachments.v[0].VpcId, vpc);
}

static bool
vpc_in_use(struct call *c, struct str id)
{
	static const struct {
		const struct ec2_kind *kind;
		bool (*of)(const void *row, struct str vpc);
	} users[] = { { &ec2_subnet_kind, subnet_of }, { &ec2_interface_kind, interface_of },
		{ &ec2_route_table_kind, other_table_of }, { &ec2_group_kind, other_group_of },
		{ &ec2_acl_kind, other_acl_of }, { &ec2_peering_kind, peering_of },
		{ &ec2_endpoint_kind, endpoint_of }, { &ec2_egress_gateway_kind, egress_of } };
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (ec2_find(c, users[i].kind, users[i].of, id, NULL))
			return true;
	return ec2_vpc_has_igw(c, id, NULL);
}

int
ec2_delete_vpc(struct call *c, const struct ec2_delete_vpc_in *in, struct ec2_delete_vpc_out *out)
{
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	(void)out;
	if (!v)
		return CALL_FAILED;
	if (vpc_in_use(c, in->VpcId))
		return call_fail(c, &EC2_DependencyViolation,
			"The vpc '%.*s' has dependencies and cannot be deleted.",
			STR_FMT(in->VpcId));
	ec2_delete(c, &ec2_route_table_kind, v->RouteTableId);
	ec2_delete(c, &ec2_acl_kind, v->NetworkAclId);
	struct ec2_security_group_row *g = ec2_get(c, &ec2_group_kind, v->GroupId);
	for (uint32_t i = 0; g && i < g->RuleIds.n; i++)
		ec2_delete(c, &ec2_group_rule_kind, g->RuleIds.v[i]);
	ec2_delete(c, &ec2_group_kind, v->GroupId);
	ec2_delete(c, &ec2_vpc_kind, in->VpcId);
	ec2_network_mark(c->tx, c->region, c->account, in->VpcId);
	return CALL_OK;
}

int
ec2_describe_vpcs(
	struct call *c, const struct ec2_describe_vpcs_in *in, struct ec2_describe_vpcs_out *out)
{
	struct ec2_query q = { .kind = &ec2_vpc_kind,
		.ids = &in->VpcIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->Vpcs, &out->NextToken);
}

static struct ec2_attribute_boolean_value *
answer(struct call *c, struct opt_bool v)
{
	struct ec2_attribute_boolean_value *a =
		arena_new(c->arena, struct ec2_attribute_boolean_value);
	a->Value = OPT_BOOL(v.v);
	return a;
}

int
ec2_describe_vpc_attribute(struct call *c, const struct ec2_describe_vpc_attribute_in *in,
	struct ec2_describe_vpc_attribute_out *out)
{
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	if (!v)
		return CALL_FAILED;
	out->VpcId = in->VpcId;
	if (str_is(in->Attribute, "enableDnsSupport"))
		out->EnableDnsSupport = answer(c, v->DnsSupport);
	else if (str_is(in->Attribute, "enableDnsHostnames"))
		out->EnableDnsHostnames = answer(c, v->DnsHostnames);
	else
		out->EnableNetworkAddressUsageMetrics = answer(c, v->AddressMetrics);
	return CALL_OK;
}

/* One attribute in one call, as AWS takes them. */
int
ec2_modify_vpc_attribute(struct call *c, const struct ec2_modify_vpc_attribute_in *in,
	struct ec2_modify_vpc_attribute_out *out)
{
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	int asked = !!in->EnableDnsHostnames + !!in->EnableDnsSupport +
		    !!in->EnableNetworkAddressUsageMetrics;
	(void)out;
	if (!v)
		return CALL_FAILED;
	if (asked > 1)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Fields for multiple attribute types specified");
	if (!asked)
		return call_fail(c, &EC2_MissingParameter, "No attributes specified.");
	if (in->EnableDnsHostnames)
		v->DnsHostnames = OPT_BOOL(in->EnableDnsHostnames->Value.v);
	if (in->EnableDnsSupport)
		v->DnsSupport = OPT_BOOL(in->EnableDnsSupport->Value.v);
	if (in->EnableNetworkAddressUsageMetrics)
		v->AddressMetrics = OPT_BOOL(in->EnableNetworkAddressUsageMetrics->Value.v);
	ec2_put(c, &ec2_vpc_kind, in->VpcId, v);
	ec2_vpc_changed(c, in->VpcId);
	return CALL_OK;
}

static int
cidr_check(struct call *c, const struct ec2_vpc *vpc, struct plane_cidr cidr)
{
	struct plane_cidr have[CIDRS_MAX];
	uint32_t n = ec2_vpc_cidrs(vpc, have, CIDRS_MAX);
	for (uint32_t i = 0; i < n; i++)
		if (ec2_cidr_overlap(have[i], cidr))
			return call_fail(c, &EC2_InvalidVpc_Range,
				"The CIDR '%.*s' conflicts with another CIDR of the VPC.",
				STR_FMT(ec2_cidr_text(c->arena, cidr)));
	if (n >= CIDRS_MAX)
		return call_fail(c, &EC2_VpcCidrBlockLimitExceeded,
			"This network '%.*s' has met its maximum number of allowed CIDRs: %d",
			STR_FMT(vpc->VpcId), CIDRS_MAX);
	return CALL_OK;
}

int
ec2_associate_vpc_cidr_block(struct call *c, const struct ec2_associate_vpc_cidr_block_in *in,
	struct ec2_associate_vpc_cidr_block_out *out)
{
	struct plane_cidr cidr;
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	if (!v)
		return CALL_FAILED;
	if (in->AmazonProvidedIpv6CidrBlock.v || in->Ipv6CidrBlock.len || in->Ipv6Pool.len ||
		in->Ipv6IpamPoolId.len)
		return ec2_no_ipv6(c);
	if (in->Ipv4IpamPoolId.len)
		return ipam_refused(c);
	if (!in->CidrBlock.len)
		return ec2_missing(c, "CidrBlock");
	if (cidr_asked(c, in->CidrBlock, &cidr) != CALL_OK ||
		cidr_check(c, v->Vpc, cidr) != CALL_OK)
		return CALL_FAILED;
	cidr_add(c, v->Vpc, cidr, NULL);
	ec2_put(c, &ec2_vpc_kind, in->VpcId, v);
	ec2_vpc_changed(c, in->VpcId);
	out->VpcId = in->VpcId;
	out->CidrBlockAssociation =
		&v->Vpc->CidrBlockAssociationSet.v[v->Vpc->CidrBlockAssociationSet.n - 1];
	return CALL_OK;
}

static bool
has_association(const void *row, struct str id)
{
	const struct ec2_vpc *v = ((const struct ec2_vpc_row *)row)->Vpc;
	for (uint32_t i = 0; i < v->CidrBlockAssociationSet.n; i++)
		if (str_eq(v->CidrBlockAssociationSet.v[i].AssociationId, id))
			return true;
	return false;
}

static bool
cidr_in_use(struct call *c, struct str vpc, struct plane_cidr cidr)
{
	struct ec2_walk w;
	struct plane_cidr have;
	bool used = false;
	ec2_walk_begin(&w, c, &ec2_subnet_kind);
	for (struct ec2_subnet_row *s; (s = ec2_walk_next(&w));)
		used |= str_eq(s->Subnet->VpcId, vpc) &&
			ec2_cidr_parse(s->Subnet->CidrBlock, &have) && ec2_cidr_within(have, cidr);
	return used;
}

int
ec2_disassociate_vpc_cidr_block(struct call *c,
	const struct ec2_disassociate_vpc_cidr_block_in *in,
	struct ec2_disassociate_vpc_cidr_block_out *out)
{
	struct plane_cidr cidr;
	uint32_t i = 0;
	struct ec2_vpc_row *v =
		ec2_find(c, &ec2_vpc_kind, has_association, in->AssociationId, NULL);
	if (!v)
		return call_fail(c, &EC2_InvalidVpcCidrBlockAssociationID_NotFound,
			"The vpc CIDR block association ID '%.*s' does not exist",
			STR_FMT(in->AssociationId));
	struct ec2_vpc_cidr_block_association_list *l = &v->Vpc->CidrBlockAssociationSet;
	while (!str_eq(l->v[i].AssociationId, in->AssociationId))
		i++;
	if (str_eq(l->v[i].CidrBlock, v->Vpc->CidrBlock))
		return call_fail(c, &EC2_OperationNotPermitted,
			"The vpc CIDR block with association ID %.*s may not be disassociated. It "
			"is the primary IPv4 CIDR block of the VPC",
			STR_FMT(in->AssociationId));
	ec2_cidr_parse(l->v[i].CidrBlock, &cidr);
	if (cidr_in_use(c, v->Vpc->VpcId, cidr))
		return call_fail(c, &EC2_InvalidCidrBlock,
			"The vpc CIDR block with association ID %.*s has subnets and cannot be "
			"disassociated.",
			STR_FMT(in->AssociationId));
	out->CidrBlockAssociation = arena_new(c->arena, struct ec2_vpc_cidr_block_association);
	*out->CidrBlockAssociation = l->v[i];
	out->CidrBlockAssociation->CidrBlockState =
		arena_new(c->arena, struct ec2_vpc_cidr_block_state);
	out->CidrBlockAssociation->CidrBlockState->State = STR("disassociating");
	out->VpcId = v->Vpc->VpcId;
	ec2_list_remove(l, i);
	ec2_put(c, &ec2_vpc_kind, v->Vpc->VpcId, v);
	ec2_vpc_changed(c, v->Vpc->VpcId);
	return CALL_OK;
}
