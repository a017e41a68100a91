/* Rules of security groups: read from permissions, compared, shown. */
#include "svc/ec2/group_rules.h"

#define RULES_MAX 60

struct ec2_security_group_rule_list
ec2_group_rules(struct call *c, const struct ec2_security_group_row *g)
{
	struct ec2_security_group_rule_list l = { .set = true };
	l.v = arena_array(c->arena, struct ec2_security_group_rule, g->RuleIds.n);
	for (uint32_t i = 0; i < g->RuleIds.n; i++) {
		struct ec2_security_group_rule_row *r =
			ec2_get(c, &ec2_group_rule_kind, g->RuleIds.v[i]);
		if (r)
			l.v[l.n++] = *r->SecurityGroupRule;
	}
	return l;
}

static bool
opt_same(struct opt_i64 a, struct opt_i64 b)
{
	return a.set == b.set && (!a.set || a.v == b.v);
}

static struct str
group_of(const struct ec2_security_group_rule *r)
{
	return r->ReferencedGroupInfo ? r->ReferencedGroupInfo->GroupId : STR("");
}

bool
ec2_rule_same(const struct ec2_security_group_rule *a, const struct ec2_security_group_rule *b)
{
	return a->IsEgress.v == b->IsEgress.v && str_eq(a->IpProtocol, b->IpProtocol) &&
	       opt_same(a->FromPort, b->FromPort) && opt_same(a->ToPort, b->ToPort) &&
	       str_eq(a->CidrIpv4, b->CidrIpv4) &&
	       str_eq(a->CidrIpv6, b->CidrIpv6) && str_eq(a->PrefixListId, b->PrefixListId) &&
	       str_eq(group_of(a), group_of(b));
}

void
ec2_rule_add(struct call *c, struct ec2_security_group_row *g, struct ec2_security_group_rule *r,
	const char *seed)
{
	struct ec2_security_group_rule_row row = { .SecurityGroupRule = r };
	r->SecurityGroupRuleId = ec2_seeded_id(c, &ec2_group_rule_kind, seed);
	r->GroupId = g->SecurityGroup->GroupId;
	r->GroupOwnerId = c->account;
	r->SecurityGroupRuleArn = ec2_arn(c, &ec2_group_rule_kind, r->SecurityGroupRuleId);
	ec2_put(c, &ec2_group_rule_kind, r->SecurityGroupRuleId, &row);
	*(struct str *)ec2_list_add(c->arena, &g->RuleIds) = r->SecurityGroupRuleId;
}

static int64_t
weight(struct call *c, const struct ec2_security_group_rule *r)
{
	struct ec2_prefix_list_row *p =
		r->PrefixListId.len ? ec2_get(c, &ec2_prefix_list_kind, r->PrefixListId) : NULL;
	return p && p->PrefixList->MaxEntries.v > 0 ? p->PrefixList->MaxEntries.v : 1;
}

int
ec2_rules_limit(struct call *c, const struct ec2_security_group_row *g)
{
	struct ec2_security_group_rule_list l = ec2_group_rules(c, g);
	int64_t n[2] = { 0, 0 };
	for (uint32_t i = 0; i < l.n; i++)
		n[l.v[i].IsEgress.v] += weight(c, &l.v[i]);
	if (n[0] <= RULES_MAX && n[1] <= RULES_MAX)
		return CALL_OK;
	return call_fail(c, &EC2_RulesPerSecurityGroupLimitExceeded,
		"The maximum number of rules per security group has been reached.");
}

/* ---- reading */

static int
protocol_read(struct call *c, struct str text, struct str *ret)
{
	static const char *const names[][2] = { { "tcp", "6" }, { "udp", "17" }, { "icmp", "1" },
		{ "icmpv6", "58" }, { "-1", "all" } };
	int64_t n;
	if (!text.len)
		return ec2_missing(c, "ipProtocol");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_nocase(text, str_c(names[i][0])) ||
			str_eq_nocase(text, str_c(names[i][1]))) {
			*ret = str_c(names[i][0]);
			return CALL_OK;
		}
	if (!str_to_i64(text, &n) || n < 0 || n > 255)
		return call_fail(c, &EC2_InvalidPermission_Malformed,
			"Unsupported IP protocol \"%.*s\"  - supported: [tcp, udp, icmp, icmpv6, "
			"all, or a number up to 255]",
			STR_FMT(text));
	*ret = text;
	return CALL_OK;
}

static int
ports_bad(struct call *c, const char *why)
{
	return call_fail(
		c, &EC2_InvalidParameterValue, "Invalid value '%s' for portRange.", why);
}

/* Protocol and ports in their plain form. */
static int
traffic_read(struct call *c, struct str protocol, struct opt_i64 from, struct opt_i64 to,
	struct ec2_security_group_rule *ret)
{
	if (protocol_read(c, protocol, &ret->IpProtocol) != CALL_OK)
		return CALL_FAILED;
	bool ports = str_is(ret->IpProtocol, "tcp") || str_is(ret->IpProtocol, "udp");
	bool icmp = str_starts(ret->IpProtocol, STR("icmp"));
	if (!ports && !icmp) {
		ret->FromPort = ret->ToPort = OPT_I64(-1);
		return CALL_OK;
	}
	if (icmp && !from.set && !to.set)
		from = to = OPT_I64(-1);
	if (!from.set || !to.set)
		return ports_bad(c, icmp ? "Must specify both type and code with ICMP."
					 : "Must specify both from and to ports with TCP/UDP.");
	int64_t top = icmp ? 255 : 65535, low = icmp ? -1 : 0;
	/* -1 to -1 is all of them for tcp and udp too. */
	if (ports && from.v == -1 && to.v == -1)
		from = OPT_I64(0), to = OPT_I64(65535);
	if (from.v < low || to.v < low || from.v > top || to.v > top)
		return ports_bad(c, icmp ? "ICMP types and codes are between -1 and 255"
					 : "ports are between 0 and 65535");
	if (ports && from.v > to.v)
		return ports_bad(c, "the from port is above the to port");
	ret->FromPort = from;
	ret->ToPort = to;
	return CALL_OK;
}

static int
description_read(struct call *c, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char x = (unsigned char)text.p[i];
		bool plain = (x >= '0' && x <= '9') || (x >= 'a' && x <= 'z') ||
			     (x >= 'A' && x <= 'Z') || strchr(" ._-:/()#,@[]+=&;{}!$*", x);
		if (!x || !plain || text.len > 255)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Invalid rule description. Valid descriptions are strings less than "
				"256 characters from the following set:  a-zA-Z0-9. "
				"_-:/()#,@[]+=&;{}!$*");
	}
	return CALL_OK;
}

static int
cidr_read(struct call *c, struct str text, struct str *ret)
{
	struct plane_cidr cidr;
	if (!ec2_cidr_parse(text, &cidr))
		return call_fail(c, &EC2_InvalidParameterValue, "CIDR block %.*s is malformed",
			STR_FMT(text));
	*ret = ec2_cidr_text(c->arena, cidr);
	return CALL_OK;
}

static int
cidr6_read(struct call *c, struct str text, struct str *ret)
{
	*ret = ec2_cidr6_plain(c->arena, text);
	return ret->p ? CALL_OK
		      : call_fail(c, &EC2_InvalidParameterValue, "CIDR block %.*s is malformed",
				STR_FMT(text));
}

static bool
active_peering_of(const void *row, struct str vpc)
{
	const struct ec2_vpc_peering_connection *p =
		((const struct ec2_peering_row *)row)->VpcPeeringConnection;
	return str_is(p->Status->Code, "active") &&
	       (str_eq(p->RequesterVpcInfo->VpcId, vpc) || str_eq(p->AccepterVpcInfo->VpcId, vpc));
}

/* The other side of a peering of the network, in whose place its groups are. */
static const struct ec2_vpc_peering_connection_vpc_info *
other_side(const struct ec2_vpc_peering_connection *p, struct str vpc)
{
	return str_eq(p->RequesterVpcInfo->VpcId, vpc) ? p->AccepterVpcInfo : p->RequesterVpcInfo;
}

static bool
group_in_peers(struct call *c, const struct ec2_security_group *g,
	struct ec2_referenced_security_group *ref)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_peering_kind);
	for (struct ec2_peering_row *p; (p = ec2_walk_next(&w));) {
		if (!active_peering_of(p, g->VpcId))
			continue;
		const struct ec2_vpc_peering_connection_vpc_info *o =
			other_side(p->VpcPeeringConnection, g->VpcId);
		struct call there = ec2_elsewhere(c, o->Region, o->OwnerId);
		struct ec2_security_group_row *x = ec2_get(&there, &ec2_group_kind, ref->GroupId);
		/* AWS: not across regions. */
		if (!x || !str_eq(x->SecurityGroup->VpcId, o->VpcId) ||
			!str_eq(o->Region, c->region))
			continue;
		ref->UserId = o->OwnerId;
		ref->VpcId = o->VpcId;
		ref->VpcPeeringConnectionId = p->VpcPeeringConnection->VpcPeeringConnectionId;
		ref->PeeringStatus = STR("active");
		ec2_walk_end(&w);
		return true;
	}
	return false;
}

static int
group_read(struct call *c, const struct ec2_security_group *g, struct str id, struct str name,
	struct ec2_security_group_rule *ret)
{
	struct ec2_referenced_security_group *ref =
		arena_new(c->arena, struct ec2_referenced_security_group);
	ret->ReferencedGroupInfo = ref;
	ref->UserId = c->account;
	if (!id.len) {
		struct ec2_walk w;
		ec2_walk_begin(&w, c, &ec2_group_kind);
		for (struct ec2_security_group_row *x; (x = ec2_walk_next(&w));)
			if (str_eq(x->SecurityGroup->VpcId, g->VpcId) &&
				str_eq(x->SecurityGroup->GroupName, name))
				id = x->SecurityGroup->GroupId;
		if (!id.len)
			return call_fail(c, &EC2_InvalidGroup_NotFound,
				"The security group '%.*s' does not exist", STR_FMT(name));
	}
	ref->GroupId = id;
	struct ec2_security_group_row *x = ec2_get(c, &ec2_group_kind, id);
	if (x && str_eq(x->SecurityGroup->VpcId, g->VpcId))
		return CALL_OK;
	if (group_in_peers(c, g, ref))
		return CALL_OK;
	if (x)
		return call_fail(c, &EC2_InvalidGroup_NotFound,
			"You have specified two resources that belong to different networks.");
	return ec2_need(c, &ec2_group_kind, id) ? CALL_OK : CALL_FAILED;
}

static int
prefix_list_read(struct call *c, struct str id, struct ec2_security_group_rule *ret)
{
	ret->PrefixListId = id;
	return ec2_need(c, &ec2_prefix_list_kind, id) ? CALL_OK : CALL_FAILED;
}

static struct ec2_security_group_rule *
rule_new(struct call *c, const struct ec2_security_group_rule *traffic, struct str description,
	struct ec2_security_group_rule_list *ret)
{
	struct ec2_security_group_rule *r = ec2_list_add(c->arena, ret);
	*r = *traffic;
	r->Description = description.len ? description : STR_NULL;
	return r;
}

static int
permission_read(struct call *c, const struct ec2_security_group *g,
	const struct ec2_ip_permission *p, bool egress, struct ec2_security_group_rule_list *ret)
{
	struct ec2_security_group_rule t = { .IsEgress = OPT_BOOL(egress) };
	if (traffic_read(c, p->IpProtocol, p->FromPort, p->ToPort, &t) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < p->Ipv6Ranges.n; i++)
		if (description_read(c, p->Ipv6Ranges.v[i].Description) != CALL_OK ||
			cidr6_read(c, p->Ipv6Ranges.v[i].CidrIpv6,
				&rule_new(c, &t, p->Ipv6Ranges.v[i].Description, ret)->CidrIpv6) !=
				CALL_OK)
			return CALL_FAILED;
	for (uint32_t i = 0; i < p->IpRanges.n; i++)
		if (description_read(c, p->IpRanges.v[i].Description) != CALL_OK ||
			cidr_read(c, p->IpRanges.v[i].CidrIp,
				&rule_new(c, &t, p->IpRanges.v[i].Description, ret)->CidrIpv4) !=
				CALL_OK)
			return CALL_FAILED;
	for (uint32_t i = 0; i < p->PrefixListIds.n; i++)
		if (description_read(c, p->PrefixListIds.v[i].Description) != CALL_OK ||
			prefix_list_read(c, p->PrefixListIds.v[i].PrefixListId,
				rule_new(c, &t, p->PrefixListIds.v[i].Description, ret)) != CALL_OK)
			return CALL_FAILED;
	for (uint32_t i = 0; i < p->UserIdGroupPairs.n; i++) {
		const struct ec2_user_id_group_pair *u = &p->UserIdGroupPairs.v[i];
		if (description_read(c, u->Description) != CALL_OK ||
			group_read(c, g, u->GroupId, u->GroupName,
				rule_new(c, &t, u->Description, ret)) != CALL_OK)
			return CALL_FAILED;
	}
	return CALL_OK;
}

int
ec2_permissions_read(struct call *c, const struct ec2_security_group *g,
	const struct ec2_ip_permission_list *in, bool egress,
	struct ec2_security_group_rule_list *ret)
{
	*ret = (struct ec2_security_group_rule_list){ .set = true };
	for (uint32_t i = 0; i < in->n; i++) {
		uint32_t before = ret->n;
		if (permission_read(c, g, &in->v[i], egress, ret) != CALL_OK)
			return CALL_FAILED;
		if (ret->n == before)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Invalid value 'Must specify a source: a CIDR, a prefix list or a "
				"group.' for IP permission.");
		if (ret->n > 1000)
			return call_fail(c, &EC2_RulesPerSecurityGroupLimitExceeded,
				"The maximum number of rules per security group has been reached.");
	}
	return CALL_OK;
}

int
ec2_rule_read(struct call *c, const struct ec2_security_group *g,
	const struct ec2_security_group_rule_request *in, bool egress,
	struct ec2_security_group_rule *ret)
{
	int sources = !!in->CidrIpv4.len + !!in->CidrIpv6.len + !!in->PrefixListId.len +
		      !!in->ReferencedGroupId.len;
	*ret = (struct ec2_security_group_rule){ .IsEgress = OPT_BOOL(egress),
		.Description = in->Description.len ? in->Description : STR_NULL };
	if (sources != 1)
		return call_fail(c, &EC2_InvalidParameterValue,
			"A rule has exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId.");
	if (traffic_read(c, in->IpProtocol, in->FromPort, in->ToPort, ret) != CALL_OK ||
		description_read(c, in->Description) != CALL_OK)
		return CALL_FAILED;
	if (in->CidrIpv4.len)
		return cidr_read(c, in->CidrIpv4, &ret->CidrIpv4);
	if (in->CidrIpv6.len)
		return cidr6_read(c, in->CidrIpv6, &ret->CidrIpv6);
	return in->PrefixListId.len ? prefix_list_read(c, in->PrefixListId, ret)
				    : group_read(c, g, in->ReferencedGroupId, STR(""), ret);
}

/* ---- showing */

static struct ec2_ip_permission *
permission_for(struct call *c, struct ec2_ip_permission_list *l,
	const struct ec2_security_group_rule *r)
{
	bool all = str_is(r->IpProtocol, "-1");
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].IpProtocol, r->IpProtocol) &&
			(all || (opt_same(l->v[i].FromPort, r->FromPort) &&
					opt_same(l->v[i].ToPort, r->ToPort))))
			return &l->v[i];
	struct ec2_ip_permission *p = ec2_list_add(c->arena, l);
	p->IpProtocol = r->IpProtocol;
	if (!all) {
		p->FromPort = r->FromPort;
		p->ToPort = r->ToPort;
	}
	p->IpRanges.set = p->Ipv6Ranges.set = p->PrefixListIds.set = true;
	p->UserIdGroupPairs.set = true;
	return p;
}

void
ec2_permissions_show(struct call *c, const struct ec2_security_group_rule_list *rules, bool egress,
	struct ec2_ip_permission_list *ret)
{
	*ret = (struct ec2_ip_permission_list){ .set = true };
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct ec2_security_group_rule *r = &rules->v[i];
		if (r->IsEgress.v != egress)
			continue;
		struct ec2_ip_permission *p = permission_for(c, ret, r);
		if (r->CidrIpv4.len) {
			struct ec2_ip_range *x = ec2_list_add(c->arena, &p->IpRanges);
			*x = (struct ec2_ip_range){ .CidrIp = r->CidrIpv4,
				.Description = r->Description };
		} else if (r->CidrIpv6.len) {
			struct ec2_ipv6_range *x = ec2_list_add(c->arena, &p->Ipv6Ranges);
			*x = (struct ec2_ipv6_range){ .CidrIpv6 = r->CidrIpv6,
				.Description = r->Description };
		} else if (r->PrefixListId.len) {
			struct ec2_prefix_list_id *x = ec2_list_add(c->arena, &p->PrefixListIds);
			*x = (struct ec2_prefix_list_id){ .PrefixListId = r->PrefixListId,
				.Description = r->Description };
		} else if (r->ReferencedGroupInfo) {
			const struct ec2_referenced_security_group *g = r->ReferencedGroupInfo;
			struct ec2_user_id_group_pair *x =
				ec2_list_add(c->arena, &p->UserIdGroupPairs);
			*x = (struct ec2_user_id_group_pair){ .GroupId = g->GroupId,
				.UserId = g->UserId,
				.Description = r->Description,
				.VpcId = g->VpcId,
				.VpcPeeringConnectionId = g->VpcPeeringConnectionId,
				.PeeringStatus = g->PeeringStatus };
		}
	}
}
