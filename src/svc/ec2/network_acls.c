/* Network ACLs: numbered rules of a subnet, without memory of connections. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define ACLS_MAX 200
#define ENTRIES_MAX 20 /* in each direction */
#define LAST_RULE 32767

static const struct ec2_filter_rule filters[] = {
	{ .name = "association.association-id", .path = "Associations.NetworkAclAssociationId" },
	{ .name = "association.network-acl-id", .path = "Associations.NetworkAclId" },
	{ .name = "association.subnet-id", .path = "Associations.SubnetId" },
	{ .name = "default", .path = "IsDefault" },
	{ .name = "entry.cidr", .path = "Entries.CidrBlock" },
	{ .name = "entry.ipv6-cidr", .path = "Entries.Ipv6CidrBlock" },
	{ .name = "entry.egress", .path = "Entries.Egress" },
	{ .name = "entry.icmp.code", .path = "Entries.IcmpTypeCode.Code" },
	{ .name = "entry.icmp.type", .path = "Entries.IcmpTypeCode.Type" },
	{ .name = "entry.port-range.from", .path = "Entries.PortRange.From" },
	{ .name = "entry.port-range.to", .path = "Entries.PortRange.To" },
	{ .name = "entry.protocol", .path = "Entries.Protocol" },
	{ .name = "entry.rule-action", .path = "Entries.RuleAction" },
	{ .name = "entry.rule-number", .path = "Entries.RuleNumber" },
	{ .name = "network-acl-id", .path = "NetworkAclId" },
	{ .name = "owner-id", .path = "OwnerId" }, { .name = "vpc-id", .path = "VpcId" }, { NULL }
};

const struct ec2_kind ec2_acl_kind = { .type = "network-acl",
	.prefix = "acl-",
	.row = &ec2_network_acl_row_shape,
	.unknown = &EC2_InvalidNetworkAclID_NotFound,
	.unknown_text = "The networkAcl ID '%.*s' does not exist",
	.malformed = &EC2_InvalidNetworkAclId_Malformed,
	.filters = filters };
EC2_KIND(ec2_acl_kind);

/* Where a rule belongs: outbound ones first, each direction in order of the numbers. */
static struct ec2_network_acl_entry *
entry_place(struct call *c, struct ec2_network_acl *a, bool egress, int64_t number)
{
	struct ec2_network_acl_entry_list *l = &a->Entries;
	uint32_t i = 0;
	ec2_list_add(c->arena, l);
	while (i + 1 < l->n &&
		(l->v[i].Egress.v > egress ||
			(l->v[i].Egress.v == egress && l->v[i].RuleNumber.v < number)))
		i++;
	memmove(l->v + i + 1, l->v + i, (l->n - i - 1) * sizeof(*l->v));
	l->v[i] = (struct ec2_network_acl_entry){ .Egress = OPT_BOOL(egress),
		.RuleNumber = OPT_I64(number) };
	return &l->v[i];
}

static void
entry_all(struct call *c, struct ec2_network_acl *a, bool egress, int64_t number, bool allow)
{
	struct ec2_network_acl_entry *e = entry_place(c, a, egress, number);
	e->CidrBlock = STR("0.0.0.0/0");
	e->Protocol = STR("-1");
	e->RuleAction = allow ? STR("allow") : STR("deny");
}

struct str
ec2_acl_make(struct call *c, struct str vpc, const char *seed, bool is_default)
{
	struct ec2_network_acl *a = arena_new(c->arena, struct ec2_network_acl);
	struct ec2_network_acl_row row = { .NetworkAcl = a };
	*a = (struct ec2_network_acl){ .IsDefault = OPT_BOOL(is_default),
		.NetworkAclId = ec2_seeded_id(c, &ec2_acl_kind, seed),
		.VpcId = vpc,
		.OwnerId = c->account };
	a->Associations.set = true;
	for (int egress = 1; egress >= 0; egress--) {
		if (is_default)
			entry_all(c, a, egress, 100, true);
		entry_all(c, a, egress, LAST_RULE, false);
	}
	ec2_put(c, &ec2_acl_kind, a->NetworkAclId, &row);
	return a->NetworkAclId;
}

int
ec2_create_network_acl(struct call *c, const struct ec2_create_network_acl_in *in,
	struct ec2_create_network_acl_out *out)
{
	struct str id;
	if (ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK ||
		!ec2_need(c, &ec2_vpc_kind, in->VpcId))
		return CALL_FAILED;
	if (!id.len) {
		if (ec2_count(c, &ec2_acl_kind, NULL, STR_NULL) >= ACLS_MAX)
			return call_fail(c, &EC2_NetworkAclLimitExceeded,
				"The maximum number of network ACLs has been reached.");
		id = ec2_acl_make(c, in->VpcId, NULL, false);
		if (ec2_tags_create(c, &ec2_acl_kind, id, &in->TagSpecifications) != CALL_OK)
			return CALL_FAILED;
		ec2_token_keep(c, in->ClientToken, in, id);
	}
	struct ec2_network_acl_row *row = ec2_need(c, &ec2_acl_kind, id);
	if (!row)
		return CALL_FAILED;
	out->NetworkAcl = row->NetworkAcl;
	ec2_tags_get(c, id, &out->NetworkAcl->Tags);
	out->ClientToken = in->ClientToken;
	return CALL_OK;
}

int
ec2_delete_network_acl(struct call *c, const struct ec2_delete_network_acl_in *in,
	struct ec2_delete_network_acl_out *out)
{
	struct ec2_network_acl_row *a = ec2_need(c, &ec2_acl_kind, in->NetworkAclId);
	(void)out;
	if (!a)
		return CALL_FAILED;
	if (a->NetworkAcl->IsDefault.v)
		return call_fail(c, &EC2_InvalidParameterValue,
			"cannot delete default network ACL %.*s", STR_FMT(in->NetworkAclId));
	if (a->NetworkAcl->Associations.n)
		return call_fail(c, &EC2_DependencyViolation,
			"The networkAcl '%.*s' has dependencies and cannot be deleted.",
			STR_FMT(in->NetworkAclId));
	ec2_delete(c, &ec2_acl_kind, in->NetworkAclId);
	return CALL_OK;
}

int
ec2_describe_network_acls(struct call *c, const struct ec2_describe_network_acls_in *in,
	struct ec2_describe_network_acls_out *out)
{
	struct ec2_query q = { .kind = &ec2_acl_kind,
		.ids = &in->NetworkAclIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->NetworkAcls, &out->NextToken);
}

static int
entry_find(const struct ec2_network_acl *a, bool egress, int64_t number)
{
	for (uint32_t i = 0; i < a->Entries.n; i++)
		if (a->Entries.v[i].Egress.v == egress && a->Entries.v[i].RuleNumber.v == number)
			return (int)i;
	return -1;
}

/* Names of the usual protocols are taken too; AWS keeps numbers. */
static int
protocol_asked(struct call *c, struct str text, struct str *ret)
{
	int64_t n;
	if (str_is(text, "tcp") || str_is(text, "udp") || str_is(text, "icmp") ||
		str_is(text, "all")) {
		*ret = str_is(text, "tcp")    ? STR("6")
		       : str_is(text, "udp")  ? STR("17")
		       : str_is(text, "icmp") ? STR("1")
					      : STR("-1");
		return CALL_OK;
	}
	if (!str_to_i64(text, &n) || n < -1 || n > 255)
		return ec2_bad_value(c, "protocol", text, "Unknown protocol");
	*ret = text;
	return CALL_OK;
}

/* What the two operations on an entry give in common. */
struct entry_ask {
	int64_t number;
	bool egress;
	struct str protocol, action, cidr, ipv6;
	const struct ec2_icmp_type_code *icmp;
	const struct ec2_port_range *ports;
};

static int
entry_check(struct call *c, const struct entry_ask *a)
{
	struct plane_cidr cidr;
	if (a->number < 1 || a->number > 32766)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%lld) for parameter ruleNumber is invalid. It must be between 1 "
			"and 32766.",
			(long long)a->number);
	if (a->cidr.len && a->ipv6.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"CidrBlock and Ipv6CidrBlock exclude each other.");
	if (!a->cidr.len && !a->ipv6.len)
		return ec2_missing(c, "CidrBlock");
	if (a->ipv6.len ? !ec2_cidr6_plain(c->arena, a->ipv6).p : !ec2_cidr_parse(a->cidr, &cidr))
		return ec2_bad_value(c, "cidrBlock", a->cidr.len ? a->cidr : a->ipv6,
			"This is not a valid CIDR block.");
	return CALL_OK;
}

static int
entry_fill(struct call *c, const struct entry_ask *a, struct ec2_network_acl_entry *e)
{
	struct plane_cidr cidr;
	if (ec2_cidr_parse(a->cidr, &cidr))
		e->CidrBlock = ec2_cidr_text(c->arena, cidr);
	else
		e->Ipv6CidrBlock = ec2_cidr6_plain(c->arena, a->ipv6);
	e->RuleAction = a->action;
	if (protocol_asked(c, a->protocol, &e->Protocol) != CALL_OK)
		return CALL_FAILED;
	if (str_is(e->Protocol, "6") || str_is(e->Protocol, "17")) {
		if (!a->ports || !a->ports->From.set || !a->ports->To.set)
			return call_fail(c, &EC2_MissingParameter,
				"The request must contain the parameter portRange");
		if (a->ports->From.v < 0 || a->ports->To.v > 65535 ||
			a->ports->From.v > a->ports->To.v)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Value (%lld-%lld) for parameter portRange is invalid.",
				(long long)a->ports->From.v, (long long)a->ports->To.v);
		e->PortRange = arena_new(c->arena, struct ec2_port_range);
		*e->PortRange = *a->ports;
	} else if (str_is(e->Protocol, "1")) {
		if (!a->icmp || !a->icmp->Type.set || !a->icmp->Code.set)
			return call_fail(c, &EC2_MissingParameter,
				"The request must contain the parameter icmpTypeCode");
		e->IcmpTypeCode = arena_new(c->arena, struct ec2_icmp_type_code);
		*e->IcmpTypeCode = *a->icmp;
	}
	return CALL_OK;
}

static struct ec2_network_acl_row *
entry_acl(struct call *c, struct str acl, const struct entry_ask *a)
{
	struct ec2_network_acl_row *row = ec2_need(c, &ec2_acl_kind, acl);
	return row && entry_check(c, a) == CALL_OK ? row : NULL;
}

int
ec2_create_network_acl_entry(struct call *c, const struct ec2_create_network_acl_entry_in *in,
	struct ec2_create_network_acl_entry_out *out)
{
	struct entry_ask a = { in->RuleNumber.v, in->Egress.v, in->Protocol, in->RuleAction,
		in->CidrBlock, in->Ipv6CidrBlock, in->IcmpTypeCode, in->PortRange };
	struct ec2_network_acl_row *row = entry_acl(c, in->NetworkAclId, &a);
	uint32_t n = 0;
	(void)out;
	if (!row)
		return CALL_FAILED;
	if (entry_find(row->NetworkAcl, a.egress, a.number) >= 0)
		return call_fail(c, &EC2_NetworkAclEntryAlreadyExists,
			"The network acl entry identified by %lld already exists.",
			(long long)a.number);
	for (uint32_t i = 0; i < row->NetworkAcl->Entries.n; i++)
		n += row->NetworkAcl->Entries.v[i].Egress.v == a.egress;
	if (n > ENTRIES_MAX) /* the last one does not count */
		return call_fail(c, &EC2_NetworkAclEntryLimitExceeded,
			"The maximum number of network acl entries has been reached.");
	if (entry_fill(c, &a, entry_place(c, row->NetworkAcl, a.egress, a.number)) != CALL_OK)
		return CALL_FAILED;
	ec2_put(c, &ec2_acl_kind, in->NetworkAclId, row);
	ec2_vpc_changed(c, row->NetworkAcl->VpcId);
	return CALL_OK;
}

static int
no_entry(struct call *c, int64_t number)
{
	return call_fail(c, &EC2_InvalidNetworkAclEntry_NotFound,
		"The network acl entry identified by %lld does not exist.", (long long)number);
}

int
ec2_replace_network_acl_entry(struct call *c, const struct ec2_replace_network_acl_entry_in *in,
	struct ec2_replace_network_acl_entry_out *out)
{
	struct entry_ask a = { in->RuleNumber.v, in->Egress.v, in->Protocol, in->RuleAction,
		in->CidrBlock, in->Ipv6CidrBlock, in->IcmpTypeCode, in->PortRange };
	struct ec2_network_acl_row *row = entry_acl(c, in->NetworkAclId, &a);
	(void)out;
	if (!row)
		return CALL_FAILED;
	int at = entry_find(row->NetworkAcl, a.egress, a.number);
	if (at < 0)
		return no_entry(c, a.number);
	struct ec2_network_acl_entry *e = &row->NetworkAcl->Entries.v[at];
	*e = (struct ec2_network_acl_entry){ .Egress = OPT_BOOL(a.egress),
		.RuleNumber = OPT_I64(a.number) };
	if (entry_fill(c, &a, e) != CALL_OK)
		return CALL_FAILED;
	ec2_put(c, &ec2_acl_kind, in->NetworkAclId, row);
	ec2_vpc_changed(c, row->NetworkAcl->VpcId);
	return CALL_OK;
}

int
ec2_delete_network_acl_entry(struct call *c, const struct ec2_delete_network_acl_entry_in *in,
	struct ec2_delete_network_acl_entry_out *out)
{
	struct ec2_network_acl_row *row = ec2_need(c, &ec2_acl_kind, in->NetworkAclId);
	(void)out;
	if (!row)
		return CALL_FAILED;
	int at = entry_find(row->NetworkAcl, in->Egress.v, in->RuleNumber.v);
	if (at < 0 || in->RuleNumber.v == LAST_RULE)
		return no_entry(c, in->RuleNumber.v);
	ec2_list_remove(&row->NetworkAcl->Entries, (uint32_t)at);
	ec2_put(c, &ec2_acl_kind, in->NetworkAclId, row);
	ec2_vpc_changed(c, row->NetworkAcl->VpcId);
	return CALL_OK;
}

static bool
has_association(const void *row, struct str id)
{
	const struct ec2_network_acl *a = ((const struct ec2_network_acl_row *)row)->NetworkAcl;
	for (uint32_t i = 0; i < a->Associations.n; i++)
		if (str_eq(a->Associations.v[i].NetworkAclAssociationId, id))
			return true;
	return false;
}

int
ec2_replace_network_acl_association(struct call *c,
	const struct ec2_replace_network_acl_association_in *in,
	struct ec2_replace_network_acl_association_out *out)
{
	struct str from_id;
	uint32_t i = 0;
	if (!ec2_need(c, &ec2_acl_kind, in->NetworkAclId))
		return CALL_FAILED;
	struct ec2_network_acl_row *from =
		ec2_find(c, &ec2_acl_kind, has_association, in->AssociationId, &from_id);
	if (!from)
		return call_fail(c, &EC2_InvalidAssociationID_NotFound,
			"The association ID '%.*s' does not exist", STR_FMT(in->AssociationId));
	struct ec2_network_acl_association_list *l = &from->NetworkAcl->Associations;
	while (!str_eq(l->v[i].NetworkAclAssociationId, in->AssociationId))
		i++;
	struct str subnet = l->v[i].SubnetId;
	ec2_list_remove(l, i);
	ec2_put(c, &ec2_acl_kind, from_id, from);
	struct ec2_network_acl_row *to = ec2_get(c, &ec2_acl_kind, in->NetworkAclId);
	if (!str_eq(to->NetworkAcl->VpcId, from->NetworkAcl->VpcId))
		return call_fail(c, &EC2_InvalidParameterValue,
			"The network ACL '%.*s' belongs to another VPC.",
			STR_FMT(in->NetworkAclId));
	struct ec2_network_acl_association *a =
		ec2_list_add(c->arena, &to->NetworkAcl->Associations);
	a->NetworkAclAssociationId = call_id_hex(c, "aclassoc-", 17);
	a->NetworkAclId = in->NetworkAclId;
	a->SubnetId = subnet;
	ec2_put(c, &ec2_acl_kind, in->NetworkAclId, to);
	out->NewAssociationId = a->NetworkAclAssociationId;
	ec2_vpc_changed(c, to->NetworkAcl->VpcId);
	return CALL_OK;
}
