/* Rules of security groups: authorised, revoked, changed, listed. */
#include "svc/ec2/group_rules.h"
#include "svc/ec2/interfaces.h"

static const struct ec2_filter_rule filters[] = { { .name = "group-id", .path = "GroupId" },
	{ .name = "security-group-rule-id", .path = "SecurityGroupRuleId" }, { NULL } };

const struct ec2_kind ec2_group_rule_kind = { .type = "security-group-rule",
	.prefix = "sgr-",
	.row = &ec2_security_group_rule_row_shape,
	.unknown = &EC2_InvalidSecurityGroupRuleId_NotFound,
	.unknown_text = "The security group rule ID '%.*s' does not exist",
	.malformed = &EC2_InvalidSecurityGroupRuleId_Malformed,
	.filters = filters };
EC2_KIND(ec2_group_rule_kind);

/* Requests name a group by id, or by name in the default network, and say what traffic they mean
 * either by permissions or by members of their own. */
struct traffic {
	struct str group, name, protocol, cidr, source_group, source_owner;
	struct opt_i64 from, to;
	const struct ec2_ip_permission_list *permissions;
};

static struct ec2_security_group_row *
group_asked(struct call *c, const struct traffic *t)
{
	struct ec2_walk w;
	struct ec2_vpc *d = t->group.len ? NULL : ec2_default_vpc(c);
	if (t->group.len)
		return ec2_need(c, &ec2_group_kind, t->group);
	if (!t->name.len) {
		call_fail(c, &EC2_MissingParameter,
			"The request must contain the parameter groupName or groupId");
		return NULL;
	}
	ec2_walk_begin(&w, c, &ec2_group_kind);
	for (struct ec2_security_group_row *g; (g = ec2_walk_next(&w));)
		if (d && str_eq(g->SecurityGroup->VpcId, d->VpcId) &&
			str_eq(g->SecurityGroup->GroupName, t->name)) {
			ec2_walk_end(&w);
			return g;
		}
	call_fail(c, &EC2_InvalidGroup_NotFound,
		"The security group '%.*s' does not exist in default VPC", STR_FMT(t->name));
	return NULL;
}

static int
traffic_read(struct call *c, const struct ec2_security_group *g, const struct traffic *t,
	bool egress, struct ec2_security_group_rule_list *ret)
{
	struct ec2_ip_permission p = {
		.IpProtocol = t->protocol, .FromPort = t->from, .ToPort = t->to
	};
	struct ec2_ip_permission_list one = { &p, 1, true };
	struct ec2_ip_range range = { .CidrIp = t->cidr };
	struct ec2_user_id_group_pair pair = { .UserId = t->source_owner };
	bool own = t->protocol.len || t->cidr.len || t->source_group.len;
	if (own && t->permissions->n)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"The parameter ipPermissions may not be used with ipProtocol, cidrIp or "
			"source groups");
	if (!own && !t->permissions->n)
		return call_fail(c, &EC2_MissingParameter,
			"The request must contain the parameter ipPermissions");
	if (!own)
		return ec2_permissions_read(c, g, t->permissions, egress, ret);
	if (t->cidr.len)
		p.IpRanges = (struct ec2_ip_range_list){ .v = &range, .n = 1, .set = true };
	if (t->source_group.len) {
		/* AWS: a source group named this way means all traffic. */
		p.IpProtocol = t->protocol.len ? t->protocol : STR("-1");
		*(str_starts(t->source_group, STR("sg-")) ? &pair.GroupId : &pair.GroupName) =
			t->source_group;
		p.UserIdGroupPairs =
			(struct ec2_user_id_group_pair_list){ .v = &pair, .n = 1, .set = true };
	}
	return ec2_permissions_read(c, g, &one, egress, ret);
}

static int
duplicate(struct call *c, const struct ec2_security_group_rule *r)
{
	struct str peer = r->CidrIpv4.len	   ? r->CidrIpv4
			  : r->CidrIpv6.len	   ? r->CidrIpv6
			  : r->PrefixListId.len	   ? r->PrefixListId
			  : r->ReferencedGroupInfo ? r->ReferencedGroupInfo->GroupId
						   : STR("");
	bool all = str_is(r->IpProtocol, "-1");
	struct str ports = all ? STR("")
			       : arena_printf(c->arena, "from port: %lld, to port: %lld, ",
					 (long long)r->FromPort.v, (long long)r->ToPort.v);
	struct str upper = arena_dup(c->arena, all ? STR("ALL") : r->IpProtocol);
	for (size_t i = 0; i < upper.len; i++)
		if (upper.p[i] >= 'a' && upper.p[i] <= 'z')
			((char *)upper.p)[i] = (char)(upper.p[i] - 32);
	return call_fail(c, &EC2_InvalidPermission_Duplicate,
		"the specified rule \"peer: %.*s, %.*s, %.*sALLOW\" already exists", STR_FMT(peer),
		STR_FMT(upper), STR_FMT(ports));
}

/* The out structs of both directions have the same members. */
struct authorized {
	struct opt_bool *ret;
	struct ec2_security_group_rule_list *rules;
};

static int
authorize(struct call *c, const struct traffic *t, bool egress,
	const struct ec2_tag_specification_list *specs, const struct authorized *out)
{
	static const char *const allowed[] = { "security-group-rule", NULL };
	struct ec2_security_group_row *g = group_asked(c, t);
	struct ec2_security_group_rule_list new, have;
	struct ec2_tag_list tags;
	if (!g || traffic_read(c, g->SecurityGroup, t, egress, &new) != CALL_OK ||
		ec2_tags_asked(c, specs, allowed, allowed[0], &tags) != CALL_OK)
		return CALL_FAILED;
	have = ec2_group_rules(c, g);
	for (uint32_t i = 0; i < new.n; i++) {
		for (uint32_t j = 0; j < have.n; j++)
			if (ec2_rule_same(&new.v[i], &have.v[j]))
				return duplicate(c, &new.v[i]);
		for (uint32_t j = 0; j < i; j++)
			if (ec2_rule_same(&new.v[i], &new.v[j]))
				return call_fail(c, &EC2_InvalidParameterValue,
					"The same permission must not appear multiple times");
	}
	for (uint32_t i = 0; i < new.n; i++) {
		ec2_rule_add(c, g, &new.v[i], NULL);
		if (tags.n && ec2_tags_add(c, new.v[i].SecurityGroupRuleId, &tags) != CALL_OK)
			return CALL_FAILED;
		ec2_tags_get(c, new.v[i].SecurityGroupRuleId, &new.v[i].Tags);
	}
	if (ec2_rules_limit(c, g) != CALL_OK)
		return CALL_FAILED;
	ec2_put(c, &ec2_group_kind, g->SecurityGroup->GroupId, g);
	ec2_vpc_changed(c, g->SecurityGroup->VpcId);
	*out->ret = OPT_BOOL(true);
	*out->rules = new;
	return CALL_OK;
}

int
ec2_authorize_security_group_ingress(struct call *c,
	const struct ec2_authorize_security_group_ingress_in *in,
	struct ec2_authorize_security_group_ingress_out *out)
{
	struct traffic t = { in->GroupId, in->GroupName, in->IpProtocol, in->CidrIp,
		in->SourceSecurityGroupName, in->SourceSecurityGroupOwnerId, in->FromPort,
		in->ToPort, &in->IpPermissions };
	struct authorized a = { &out->Return, &out->SecurityGroupRules };
	return authorize(c, &t, false, &in->TagSpecifications, &a);
}

int
ec2_authorize_security_group_egress(struct call *c,
	const struct ec2_authorize_security_group_egress_in *in,
	struct ec2_authorize_security_group_egress_out *out)
{
	struct traffic t = { in->GroupId, STR(""), in->IpProtocol, in->CidrIp,
		in->SourceSecurityGroupName, in->SourceSecurityGroupOwnerId, in->FromPort,
		in->ToPort, &in->IpPermissions };
	struct authorized a = { &out->Return, &out->SecurityGroupRules };
	return authorize(c, &t, true, &in->TagSpecifications, &a);
}

static void
rule_take_out(struct call *c, struct ec2_security_group_row *g, struct str id)
{
	for (uint32_t i = 0; i < g->RuleIds.n; i++)
		if (str_eq(g->RuleIds.v[i], id)) {
			ec2_list_remove(&g->RuleIds, i);
			break;
		}
	ec2_delete(c, &ec2_group_rule_kind, id);
}

struct revoked {
	struct opt_bool *ret;
	struct ec2_ip_permission_list *unknown;
	struct ec2_revoked_security_group_rule_list *rules;
};

static void
revoke_one(struct call *c, struct ec2_security_group_row *g,
	const struct ec2_security_group_rule *r, const struct revoked *out)
{
	struct ec2_revoked_security_group_rule *x = ec2_list_add(c->arena, out->rules);
	*x = (struct ec2_revoked_security_group_rule){ .SecurityGroupRuleId =
							       r->SecurityGroupRuleId,
		.GroupId = r->GroupId,
		.IsEgress = r->IsEgress,
		.IpProtocol = r->IpProtocol,
		.FromPort = r->FromPort,
		.ToPort = r->ToPort,
		.CidrIpv4 = r->CidrIpv4,
		.CidrIpv6 = r->CidrIpv6,
		.PrefixListId = r->PrefixListId,
		.ReferencedGroupId =
			r->ReferencedGroupInfo ? r->ReferencedGroupInfo->GroupId : STR_NULL,
		.Description = r->Description };
	rule_take_out(c, g, r->SecurityGroupRuleId);
}

static int
revoke_ids(struct call *c, struct ec2_security_group_row *g, const struct list_str *ids,
	bool egress, const struct revoked *out)
{
	for (uint32_t i = 0; i < ids->n; i++) {
		struct ec2_security_group_rule_row *r =
			ec2_need(c, &ec2_group_rule_kind, ids->v[i]);
		if (!r)
			return CALL_FAILED;
		if (r->SecurityGroupRule->IsEgress.v != egress ||
			!str_eq(r->SecurityGroupRule->GroupId, g->SecurityGroup->GroupId))
			return call_fail(c, &EC2_InvalidSecurityGroupRuleId_NotFound,
				"The security group rule ID '%.*s' does not exist",
				STR_FMT(ids->v[i]));
		revoke_one(c, g, r->SecurityGroupRule, out);
	}
	return CALL_OK;
}

/* What is not there is an error, but in groups of the default network it is only told. */
static int
revoke_traffic(struct call *c, struct ec2_security_group_row *g, const struct traffic *t,
	bool egress, const struct revoked *out)
{
	struct ec2_security_group_rule_list gone, have = ec2_group_rules(c, g),
						  unknown = { .set = true };
	struct ec2_vpc_row *vpc = ec2_get(c, &ec2_vpc_kind, g->SecurityGroup->VpcId);
	if (traffic_read(c, g->SecurityGroup, t, egress, &gone) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < gone.n; i++) {
		uint32_t j = 0;
		while (j < have.n && !ec2_rule_same(&have.v[j], &gone.v[i]))
			j++;
		if (j < have.n) {
			revoke_one(c, g, &have.v[j], out);
			continue;
		}
		if (!vpc || !vpc->Vpc->IsDefault.v)
			return call_fail(c, &EC2_InvalidPermission_NotFound,
				"The specified rule does not exist in this security group.");
		struct ec2_security_group_rule *u = ec2_list_add(c->arena, &unknown);
		*u = gone.v[i];
	}
	if (unknown.n)
		ec2_permissions_show(c, &unknown, egress, out->unknown);
	return CALL_OK;
}

static int
revoke(struct call *c, const struct traffic *t, const struct list_str *ids, bool egress,
	const struct revoked *out)
{
	struct ec2_security_group_row *g = group_asked(c, t);
	if (!g)
		return CALL_FAILED;
	int r = ids->n ? revoke_ids(c, g, ids, egress, out)
		       : revoke_traffic(c, g, t, egress, out);
	if (r != CALL_OK)
		return r;
	ec2_put(c, &ec2_group_kind, g->SecurityGroup->GroupId, g);
	ec2_vpc_changed(c, g->SecurityGroup->VpcId);
	out->rules->set = true;
	*out->ret = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_revoke_security_group_ingress(struct call *c,
	const struct ec2_revoke_security_group_ingress_in *in,
	struct ec2_revoke_security_group_ingress_out *out)
{
	struct traffic t = { in->GroupId, in->GroupName, in->IpProtocol, in->CidrIp,
		in->SourceSecurityGroupName, in->SourceSecurityGroupOwnerId, in->FromPort,
		in->ToPort, &in->IpPermissions };
	struct revoked r = { &out->Return, &out->UnknownIpPermissions,
		&out->RevokedSecurityGroupRules };
	return revoke(c, &t, &in->SecurityGroupRuleIds, false, &r);
}

int
ec2_revoke_security_group_egress(struct call *c,
	const struct ec2_revoke_security_group_egress_in *in,
	struct ec2_revoke_security_group_egress_out *out)
{
	struct traffic t = { in->GroupId, STR(""), in->IpProtocol, in->CidrIp,
		in->SourceSecurityGroupName, in->SourceSecurityGroupOwnerId, in->FromPort,
		in->ToPort, &in->IpPermissions };
	struct revoked r = { &out->Return, &out->UnknownIpPermissions,
		&out->RevokedSecurityGroupRules };
	return revoke(c, &t, &in->SecurityGroupRuleIds, true, &r);
}

int
ec2_modify_security_group_rules(struct call *c, const struct ec2_modify_security_group_rules_in *in,
	struct ec2_modify_security_group_rules_out *out)
{
	struct ec2_security_group_row *g = ec2_need(c, &ec2_group_kind, in->GroupId);
	if (!g)
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->SecurityGroupRules.n; i++) {
		const struct ec2_security_group_rule_update *u = &in->SecurityGroupRules.v[i];
		struct ec2_security_group_rule_row *r =
			ec2_need(c, &ec2_group_rule_kind, u->SecurityGroupRuleId);
		struct ec2_security_group_rule new, *old;
		if (!r)
			return CALL_FAILED;
		old = r->SecurityGroupRule;
		if (!str_eq(old->GroupId, in->GroupId))
			return call_fail(c, &EC2_InvalidSecurityGroupRuleId_NotFound,
				"The security group rule ID '%.*s' does not exist",
				STR_FMT(u->SecurityGroupRuleId));
		if (!u->SecurityGroupRule)
			return ec2_missing(c, "SecurityGroupRule");
		if (ec2_rule_read(c, g->SecurityGroup, u->SecurityGroupRule, old->IsEgress.v,
			    &new) != CALL_OK)
			return CALL_FAILED;
		struct ec2_security_group_rule_list have = ec2_group_rules(c, g);
		for (uint32_t j = 0; j < have.n; j++)
			if (ec2_rule_same(&have.v[j], &new) &&
				!str_eq(have.v[j].SecurityGroupRuleId, u->SecurityGroupRuleId))
				return duplicate(c, &new);
		new.SecurityGroupRuleId = old->SecurityGroupRuleId;
		new.GroupId = old->GroupId;
		new.GroupOwnerId = old->GroupOwnerId;
		new.SecurityGroupRuleArn = old->SecurityGroupRuleArn;
		r->SecurityGroupRule = &new;
		ec2_put(c, &ec2_group_rule_kind, u->SecurityGroupRuleId, r);
	}
	if (ec2_rules_limit(c, g) != CALL_OK)
		return CALL_FAILED;
	ec2_vpc_changed(c, g->SecurityGroup->VpcId);
	out->Return = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_describe_security_group_rules(struct call *c,
	const struct ec2_describe_security_group_rules_in *in,
	struct ec2_describe_security_group_rules_out *out)
{
	struct ec2_query q = { .kind = &ec2_group_rule_kind,
		.ids = &in->SecurityGroupRuleIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = 1000 };
	return ec2_describe(c, &q, &out->SecurityGroupRules, &out->NextToken);
}

static int
describe_rule(struct call *c, struct str group, struct str id, bool egress, struct str text)
{
	struct ec2_security_group_rule_row *r = ec2_need(c, &ec2_group_rule_kind, id);
	if (!r)
		return CALL_FAILED;
	if (!str_eq(r->SecurityGroupRule->GroupId, group) ||
		r->SecurityGroupRule->IsEgress.v != egress)
		return call_fail(c, &EC2_InvalidSecurityGroupRuleId_NotFound,
			"The security group rule ID '%.*s' does not exist", STR_FMT(id));
	r->SecurityGroupRule->Description = text.len ? text : STR_NULL;
	ec2_put(c, &ec2_group_rule_kind, id, r);
	return CALL_OK;
}

static int
descriptions(struct call *c, const struct traffic *t,
	const struct ec2_security_group_rule_description_list *by_id, bool egress,
	struct opt_bool *ret)
{
	struct ec2_security_group_row *g = group_asked(c, t);
	struct ec2_security_group_rule_list asked = { 0 }, have;
	if (!g)
		return CALL_FAILED;
	struct str group = g->SecurityGroup->GroupId;
	for (uint32_t i = 0; i < by_id->n; i++)
		if (describe_rule(c, group, by_id->v[i].SecurityGroupRuleId, egress,
			    by_id->v[i].Description) != CALL_OK)
			return CALL_FAILED;
	if (!by_id->n && traffic_read(c, g->SecurityGroup, t, egress, &asked) != CALL_OK)
		return CALL_FAILED;
	have = ec2_group_rules(c, g);
	for (uint32_t i = 0; i < asked.n; i++) {
		uint32_t j = 0;
		while (j < have.n && !ec2_rule_same(&have.v[j], &asked.v[i]))
			j++;
		if (j == have.n)
			return call_fail(c, &EC2_InvalidPermission_NotFound,
				"The specified rule does not exist in this security group.");
		if (describe_rule(c, group, have.v[j].SecurityGroupRuleId, egress,
			    asked.v[i].Description) != CALL_OK)
			return CALL_FAILED;
	}
	*ret = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_update_security_group_rule_descriptions_ingress(struct call *c,
	const struct ec2_update_security_group_rule_descriptions_ingress_in *in,
	struct ec2_update_security_group_rule_descriptions_ingress_out *out)
{
	struct traffic t = { .group = in->GroupId,
		.name = in->GroupName,
		.permissions = &in->IpPermissions };
	return descriptions(c, &t, &in->SecurityGroupRuleDescriptions, false, &out->Return);
}

int
ec2_update_security_group_rule_descriptions_egress(struct call *c,
	const struct ec2_update_security_group_rule_descriptions_egress_in *in,
	struct ec2_update_security_group_rule_descriptions_egress_out *out)
{
	struct traffic t = { .group = in->GroupId,
		.name = in->GroupName,
		.permissions = &in->IpPermissions };
	return descriptions(c, &t, &in->SecurityGroupRuleDescriptions, true, &out->Return);
}
