/* Security groups. */
#include "svc/ec2/group_rules.h"
#include "svc/ec2/interfaces.h"

#define GROUPS_MAX 2500

static const struct ec2_filter_rule filters[] = { { .name = "description", .path = "Description" },
	{ .name = "egress.ip-permission.cidr", .path = "IpPermissionsEgress.IpRanges.CidrIp" },
	{ .name = "egress.ip-permission.from-port", .path = "IpPermissionsEgress.FromPort" },
	{ .name = "egress.ip-permission.group-id",
		.path = "IpPermissionsEgress.UserIdGroupPairs.GroupId" },
	{ .name = "egress.ip-permission.group-name",
		.path = "IpPermissionsEgress.UserIdGroupPairs.GroupName" },
	{ .name = "egress.ip-permission.ipv6-cidr",
		.path = "IpPermissionsEgress.Ipv6Ranges.CidrIpv6" },
	{ .name = "egress.ip-permission.prefix-list-id",
		.path = "IpPermissionsEgress.PrefixListIds.PrefixListId" },
	{ .name = "egress.ip-permission.protocol", .path = "IpPermissionsEgress.IpProtocol" },
	{ .name = "egress.ip-permission.to-port", .path = "IpPermissionsEgress.ToPort" },
	{ .name = "egress.ip-permission.user-id",
		.path = "IpPermissionsEgress.UserIdGroupPairs.UserId" },
	{ .name = "group-id", .path = "GroupId" }, { .name = "group-name", .path = "GroupName" },
	{ .name = "ip-permission.cidr", .path = "IpPermissions.IpRanges.CidrIp" },
	{ .name = "ip-permission.from-port", .path = "IpPermissions.FromPort" },
	{ .name = "ip-permission.group-id", .path = "IpPermissions.UserIdGroupPairs.GroupId" },
	{ .name = "ip-permission.group-name", .path = "IpPermissions.UserIdGroupPairs.GroupName" },
	{ .name = "ip-permission.ipv6-cidr", .path = "IpPermissions.Ipv6Ranges.CidrIpv6" },
	{ .name = "ip-permission.prefix-list-id",
		.path = "IpPermissions.PrefixListIds.PrefixListId" },
	{ .name = "ip-permission.protocol", .path = "IpPermissions.IpProtocol" },
	{ .name = "ip-permission.to-port", .path = "IpPermissions.ToPort" },
	{ .name = "ip-permission.user-id", .path = "IpPermissions.UserIdGroupPairs.UserId" },
	{ .name = "owner-id", .path = "OwnerId" }, { .name = "vpc-id", .path = "VpcId" },
	{ NULL } };

static void
show(struct call *c, void *row, void *item)
{
	struct ec2_security_group *g = item;
	struct ec2_security_group_rule_list rules = ec2_group_rules(c, row);
	ec2_permissions_show(c, &rules, false, &g->IpPermissions);
	ec2_permissions_show(c, &rules, true, &g->IpPermissionsEgress);
}

const struct ec2_kind ec2_group_kind = { .type = "security-group",
	.prefix = "sg-",
	.row = &ec2_security_group_row_shape,
	.unknown = &EC2_InvalidGroup_NotFound,
	.unknown_text = "The security group '%.*s' does not exist",
	.malformed = &EC2_InvalidGroupId_Malformed,
	.filters = filters,
	.show = show };
EC2_KIND(ec2_group_kind);

struct str
ec2_group_make(struct call *c, struct str vpc, struct str name, struct str description,
	const char *seed)
{
	struct ec2_security_group *g = arena_new(c->arena, struct ec2_security_group);
	struct ec2_security_group_row row = { .SecurityGroup = g };
	struct ec2_security_group_rule out = { .IsEgress = OPT_BOOL(true),
		.IpProtocol = STR("-1"),
		.FromPort = OPT_I64(-1),
		.ToPort = OPT_I64(-1),
		.CidrIpv4 = STR("0.0.0.0/0") };
	*g = (struct ec2_security_group){ .GroupId = ec2_seeded_id(c, &ec2_group_kind, seed),
		.VpcId = vpc,
		.OwnerId = c->account,
		.GroupName = name,
		.Description = description };
	g->SecurityGroupArn = ec2_arn(c, &ec2_group_kind, g->GroupId);
	ec2_rule_add(c, &row, &out, seed ? "default-out" : NULL);
	if (str_is(name, "default")) {
		struct ec2_referenced_security_group self = { .GroupId = g->GroupId,
			.UserId = c->account };
		struct ec2_security_group_rule in = out;
		in.IsEgress = OPT_BOOL(false);
		in.CidrIpv4 = STR_NULL;
		in.ReferencedGroupInfo = &self;
		ec2_rule_add(c, &row, &in, seed ? "default-in" : NULL);
	}
	ec2_put(c, &ec2_group_kind, g->GroupId, &row);
	return g->GroupId;
}

static bool
text_allowed(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char x = (unsigned char)text.p[i];
		if (!x || !((x >= '0' && x <= '9') || (x >= 'a' && x <= 'z') ||
				  (x >= 'A' && x <= 'Z') || strchr(" ._-:/()#,@[]+=&;{}!$*", x)))
			return false;
	}
	return text.len > 0 && text.len <= 255;
}

static int
names_check(struct call *c, const struct ec2_create_security_group_in *in)
{
	if (str_is(in->GroupName, "default"))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Cannot use reserved security group name: default");
	if (str_starts(in->GroupName, STR("sg-")))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter GroupName is invalid. Group names may not be "
			"in the format sg-*.",
			STR_FMT(in->GroupName));
	if (!text_allowed(in->GroupName))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter GroupName is invalid. Character sets beyond "
			"a-zA-Z0-9. _-:/()#,@[]+=&;{}!$* and lengths beyond 255 are not supported.",
			STR_FMT(in->GroupName));
	if (!text_allowed(in->Description))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter GroupDescription is invalid. Character sets "
			"beyond a-zA-Z0-9. _-:/()#,@[]+=&;{}!$* and lengths beyond 255 are not "
			"supported.",
			STR_FMT(in->Description));
	return CALL_OK;
}


static struct ec2_security_group_row *
group_named(struct call *c, struct str vpc, struct str name)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_group_kind);
	for (struct ec2_security_group_row *g; (g = ec2_walk_next(&w));)
		if (str_eq(g->SecurityGroup->VpcId, vpc) &&
			str_eq(g->SecurityGroup->GroupName, name)) {
			ec2_walk_end(&w);
			return g;
		}
	return NULL;
}

int
ec2_create_security_group(struct call *c, const struct ec2_create_security_group_in *in,
	struct ec2_create_security_group_out *out)
{
	struct str vpc = in->VpcId;
	if (names_check(c, in) != CALL_OK)
		return CALL_FAILED;
	if (!vpc.len) {
		struct ec2_vpc *d = ec2_default_vpc(c);
		if (!d)
			return call_fail(c, &EC2_VPCIdNotSpecified, NULL);
		vpc = d->VpcId;
	}
	if (!ec2_need(c, &ec2_vpc_kind, vpc))
		return CALL_FAILED;
	if (group_named(c, vpc, in->GroupName))
		return call_fail(c, &EC2_InvalidGroup_Duplicate,
			"The security group '%.*s' already exists for VPC '%.*s'",
			STR_FMT(in->GroupName), STR_FMT(vpc));
	if (ec2_count(c, &ec2_group_kind, NULL, STR_NULL) >= GROUPS_MAX)
		return call_fail(c, &EC2_SecurityGroupLimitExceeded,
			"The maximum number of security groups has been reached.");
	out->GroupId = ec2_group_make(c, vpc, in->GroupName, in->Description, NULL);
	out->SecurityGroupArn = ec2_arn(c, &ec2_group_kind, out->GroupId);
	if (ec2_tags_create(c, &ec2_group_kind, out->GroupId, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	ec2_tags_get(c, out->GroupId, &out->Tags);
	return CALL_OK;
}

static bool
interface_has_group(const void *row, struct str id)
{
	const struct ec2_network_interface *n =
		((const struct ec2_interface_row *)row)->NetworkInterface;
	for (uint32_t i = 0; i < n->Groups.n; i++)
		if (str_eq(n->Groups.v[i].GroupId, id))
			return true;
	return false;
}

/* A rule of its own that names it does not hold it. */
static bool
rule_of_other_names(const void *row, struct str id)
{
	const struct ec2_security_group_rule *r =
		((const struct ec2_security_group_rule_row *)row)->SecurityGroupRule;
	return r->ReferencedGroupInfo && str_eq(r->ReferencedGroupInfo->GroupId, id) &&
	       !str_eq(r->GroupId, id);
}

int
ec2_delete_security_group(struct call *c, const struct ec2_delete_security_group_in *in,
	struct ec2_delete_security_group_out *out)
{
	struct ec2_vpc *d = in->GroupId.len ? NULL : ec2_default_vpc(c);
	struct ec2_security_group_row *g =
		in->GroupId.len ? ec2_need(c, &ec2_group_kind, in->GroupId)
		: d             ? group_named(c, d->VpcId, in->GroupName)
				: NULL;
	if (!g && in->GroupId.len)
		return CALL_FAILED;
	if (!g && !in->GroupName.len)
		return ec2_missing(c, "GroupId");
	if (!g)
		return call_fail(c, &EC2_InvalidGroup_NotFound,
			"The security group '%.*s' does not exist in default VPC",
			STR_FMT(in->GroupName));
	struct str id = g->SecurityGroup->GroupId;
	if (str_is(g->SecurityGroup->GroupName, "default"))
		return call_fail(c, &EC2_CannotDelete,
			"the specified group: \"%.*s\" name: \"default\" cannot be deleted by a "
			"user",
			STR_FMT(id));
	if (ec2_find(c, &ec2_interface_kind, interface_has_group, id, NULL) ||
		ec2_find(c, &ec2_group_rule_kind, rule_of_other_names, id, NULL))
		return call_fail(c, &EC2_DependencyViolation,
			"resource %.*s has a dependent object", STR_FMT(id));
	for (uint32_t i = 0; i < g->RuleIds.n; i++)
		ec2_delete(c, &ec2_group_rule_kind, g->RuleIds.v[i]);
	ec2_delete(c, &ec2_group_kind, id);
	out->Return = OPT_BOOL(true);
	out->GroupId = id;
	return CALL_OK;
}

/* Names are looked for in the default network, as AWS does. */
int
ec2_describe_security_groups(struct call *c, const struct ec2_describe_security_groups_in *in,
	struct ec2_describe_security_groups_out *out)
{
	struct list_str ids = { 0 };
	struct ec2_vpc *d = in->GroupNames.n ? ec2_default_vpc(c) : NULL;
	for (uint32_t i = 0; i < in->GroupIds.n; i++)
		*(struct str *)ec2_list_add(c->arena, &ids) = in->GroupIds.v[i];
	for (uint32_t i = 0; i < in->GroupNames.n; i++) {
		struct ec2_security_group_row *g =
			d ? group_named(c, d->VpcId, in->GroupNames.v[i]) : NULL;
		if (!g)
			return call_fail(c, &EC2_InvalidGroup_NotFound,
				"The security group '%.*s' does not exist in default VPC '%.*s'",
				STR_FMT(in->GroupNames.v[i]), STR_FMT(d ? d->VpcId : STR("")));
		*(struct str *)ec2_list_add(c->arena, &ids) = g->SecurityGroup->GroupId;
	}
	struct ec2_query q = { .kind = &ec2_group_kind,
		.ids = &ids,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->SecurityGroups, &out->NextToken);
}
