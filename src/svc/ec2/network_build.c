/* A private network as one value for the plane, from its rows. */
#include "svc/ec2/host_ports.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/networks.h"
#include "svc/ec2/routes.h"
#include "svc/ec2/zones.h"

/* Ids in the order of the arrays, to refer by index. */
struct index {
	struct list_str acls, groups, tables, subnets, interfaces, nats, peers;
};

struct build {
	struct call *c;
	struct str vpc;
	struct index at;
	struct plane_network *n;
};

static uint32_t
find(const struct list_str *l, struct str id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], id))
			return i;
	return PLANE_NONE;
}

/* An array of the plane's that grows by one; n counts. */
static void *
more(struct build *b, const void *v, uint32_t *n, size_t size)
{
	struct list_any l = { (void *)(uintptr_t)v, *n, true };
	/* Doubling: these arrays may be long. */
	if (!(l.n & (l.n - 1))) {
		void *bigger = arena_alloc(b->c->arena, size * (l.n ? l.n * 2 : 1));
		if (l.n)
			memcpy(bigger, l.v, size * l.n);
		l.v = bigger;
	}
	++*n;
	return l.v;
}
#define MORE(b, array, count, type)                                                                \
	({                                                                                         \
		type *grown = more((b), (array), &(count), sizeof(type));                          \
		(array) = grown;                                                                   \
		memset(&grown[(count)-1], 0, sizeof(type));                                        \
		&grown[(count)-1];                                                                 \
	})

static void
name(struct build *b, struct list_str *l, struct str id)
{
	*(struct str *)ec2_list_add(b->c->arena, l) = id;
}

/* ---- ACLs */

static int16_t
protocol_number(struct str text)
{
	static const struct {
		const char *name;
		int16_t number;
	} names[] = { { "tcp", 6 }, { "udp", 17 }, { "icmp", 1 }, { "icmpv6", 58 } };
	int64_t n;
	for (unsigned i = 0; i < 4; i++)
		if (str_eq(text, str_c(names[i].name)))
			return names[i].number;
	return str_to_i64(text, &n) && n >= 0 && n <= 255 ? (int16_t)n : PLANE_ANY;
}

static struct plane_match
acl_match(const struct ec2_network_acl_entry *e)
{
	struct plane_match m = { protocol_number(e->Protocol), -1, -1 };
	if (e->PortRange && (m.proto == 6 || m.proto == 17)) {
		m.from = (int32_t)e->PortRange->From.v;
		m.to = (int32_t)e->PortRange->To.v;
	} else if (e->IcmpTypeCode && m.proto == 1) {
		m.from = (int32_t)e->IcmpTypeCode->Type.v;
		m.to = (int32_t)e->IcmpTypeCode->Code.v;
	}
	return m;
}

static void
acls(struct build *b)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, b->c, &ec2_acl_kind);
	for (struct ec2_network_acl_row *row; (row = ec2_walk_next(&w));) {
		const struct ec2_network_acl *a = row->NetworkAcl;
		if (!str_eq(a->VpcId, b->vpc))
			continue;
		struct plane_acl *p = MORE(b, b->n->acls, b->n->acls_n, struct plane_acl);
		p->id = w.id;
		name(b, &b->at.acls, w.id);
		for (uint32_t i = 0; i < a->Entries.n; i++) {
			const struct ec2_network_acl_entry *e = &a->Entries.v[i];
			struct plane_cidr cidr;
			if (!ec2_cidr_parse(e->CidrBlock, &cidr))
				continue; /* about IPv6, of which there are no packets */
			struct plane_acl_rule *r =
				MORE(b, p->rules, p->rules_n, struct plane_acl_rule);
			*r = (struct plane_acl_rule){ .match = acl_match(e),
				.cidr = cidr,
				.outbound = e->Egress.v,
				.allow = str_is(e->RuleAction, "allow") };
		}
	}
}

/* ---- groups */

static void
foreign_members(struct call *there, struct str group, struct build *b, struct plane_group *p)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, there, &ec2_interface_kind);
	for (struct ec2_interface_row *row; (row = ec2_walk_next(&w));) {
		const struct ec2_network_interface *n = row->NetworkInterface;
		for (uint32_t g = 0; g < n->Groups.n; g++)
			for (uint32_t i = 0; str_eq(n->Groups.v[g].GroupId, group) &&
					     i < n->PrivateIpAddresses.n;
				i++) {
				uint32_t ip;
				if (!ec2_ip_parse(n->PrivateIpAddresses.v[i].PrivateIpAddress, &ip))
					continue;
				uint32_t *at = MORE(b, p->others, p->others_n, uint32_t);
				*at = ip;
			}
	}
}

/* A group of a peered network: its members are addresses only. */
static uint32_t
foreign_group(struct build *b, const struct ec2_referenced_security_group *ref)
{
	struct ec2_peering_row *row =
		ec2_get(b->c, &ec2_peering_kind, ref->VpcPeeringConnectionId);
	const struct ec2_vpc_peering_connection *p = row ? row->VpcPeeringConnection : NULL;
	if (!p || !str_is(p->Status->Code, "active"))
		return PLANE_NONE;
	uint32_t have = find(&b->at.groups, ref->GroupId);
	if (have != PLANE_NONE)
		return have;
	struct call there = ec2_elsewhere(b->c, b->c->region, ref->UserId);
	struct plane_group *g = MORE(b, b->n->groups, b->n->groups_n, struct plane_group);
	g->id = ref->GroupId;
	name(b, &b->at.groups, ref->GroupId);
	foreign_members(&there, ref->GroupId, b, g);
	return b->n->groups_n - 1;
}

static struct plane_match
rule_match(const struct ec2_security_group_rule *r)
{
	struct plane_match m = { protocol_number(r->IpProtocol), -1, -1 };
	if (m.proto == 6 || m.proto == 17 || m.proto == 1) {
		m.from = (int32_t)r->FromPort.v;
		m.to = (int32_t)r->ToPort.v;
	}
	return m;
}

static void
rule_build(struct build *b, uint32_t group, const struct ec2_security_group_rule *r)
{
	struct plane_cidr one, *cidrs = &one;
	uint32_t n = 0, to = PLANE_NONE;
	if (r->CidrIpv4.len) {
		n = ec2_cidr_parse(r->CidrIpv4, &one);
	} else if (r->PrefixListId.len) {
		n = ec2_prefix_list_cidrs(b->c, r->PrefixListId, &cidrs);
	} else if (r->ReferencedGroupInfo) {
		to = r->ReferencedGroupInfo->VpcPeeringConnectionId.len
			     ? foreign_group(b, r->ReferencedGroupInfo)
			     : find(&b->at.groups, r->ReferencedGroupInfo->GroupId);
		one = (struct plane_cidr){ 0, 0 };
		/* A stale reference lets nothing through. */
		n = to != PLANE_NONE;
	}
	struct plane_group *all = (struct plane_group *)(uintptr_t)b->n->groups, *g = &all[group];
	for (uint32_t i = 0; i < n; i++) {
		struct plane_group_rule *p = MORE(b, g->rules, g->rules_n, struct plane_group_rule);
		*p = (struct plane_group_rule){ .match = rule_match(r),
			.cidr = cidrs[i],
			.group = to,
			.outbound = r->IsEgress.v };
	}
}

static void
groups(struct build *b)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, b->c, &ec2_group_kind);
	for (struct ec2_security_group_row *row; (row = ec2_walk_next(&w));) {
		if (!str_eq(row->SecurityGroup->VpcId, b->vpc))
			continue;
		struct plane_group *g = MORE(b, b->n->groups, b->n->groups_n, struct plane_group);
		g->id = w.id;
		name(b, &b->at.groups, w.id);
	}
	ec2_walk_begin(&w, b->c, &ec2_group_rule_kind);
	for (struct ec2_security_group_rule_row *row; (row = ec2_walk_next(&w));) {
		uint32_t g = find(&b->at.groups, row->SecurityGroupRule->GroupId);
		if (g != PLANE_NONE)
			rule_build(b, g, row->SecurityGroupRule);
	}
}

/* ---- gateways, peers, routes */

static void
nats(struct build *b)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, b->c, &ec2_nat_gateway_kind);
	for (struct ec2_nat_gateway_row *row; (row = ec2_walk_next(&w));) {
		const struct ec2_nat_gateway *g = row->NatGateway;
		bool on = str_is(g->State, "pending") || str_is(g->State, "available");
		if (!str_eq(g->VpcId, b->vpc) || !on || !g->NatGatewayAddresses.n)
			continue;
		struct plane_nat *p = MORE(b, b->n->nats, b->n->nats_n, struct plane_nat);
		p->id = w.id;
		p->subnet = find(&b->at.subnets, g->SubnetId);
		ec2_ip_parse(g->NatGatewayAddresses.v[0].PrivateIp, &p->private_ip);
		ec2_ip_parse(g->NatGatewayAddresses.v[0].PublicIp, &p->public_ip);
		name(b, &b->at.nats, w.id);
	}
}

static void
peers(struct build *b)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, b->c, &ec2_peering_kind);
	for (struct ec2_peering_row *row; (row = ec2_walk_next(&w));) {
		const struct ec2_vpc_peering_connection *x = row->VpcPeeringConnection;
		bool from = str_eq(x->RequesterVpcInfo->VpcId, b->vpc);
		if (!str_is(x->Status->Code, "active") ||
			(!from && !str_eq(x->AccepterVpcInfo->VpcId, b->vpc)))
			continue;
		struct plane_peer *p = MORE(b, b->n->peers, b->n->peers_n, struct plane_peer);
		p->id = w.id;
		p->network = from ? x->AccepterVpcInfo->VpcId : x->RequesterVpcInfo->VpcId;
		name(b, &b->at.peers, w.id);
	}
}

static uint8_t
route_target(struct build *b, const struct ec2_route *r, uint32_t *ret_index)
{
	uint8_t target = PLANE_TO_NOWHERE;
	*ret_index = 0;
	if (str_is(r->GatewayId, "local"))
		return PLANE_TO_LOCAL;
	if (!str_is(r->State, "active"))
		return PLANE_TO_NOWHERE;
	if (str_starts(r->GatewayId, STR("vpce-")))
		return PLANE_TO_SERVICES;
	if (r->GatewayId.len)
		return PLANE_TO_INTERNET;
	if (r->NatGatewayId.len) {
		*ret_index = find(&b->at.nats, r->NatGatewayId);
		target = PLANE_TO_NAT;
	} else if (r->VpcPeeringConnectionId.len) {
		*ret_index = find(&b->at.peers, r->VpcPeeringConnectionId);
		target = PLANE_TO_PEER;
	} else if (r->NetworkInterfaceId.len) {
		*ret_index = find(&b->at.interfaces, r->NetworkInterfaceId);
		target = PLANE_TO_INTERFACE;
	}
	return *ret_index == PLANE_NONE ? (uint8_t)PLANE_TO_NOWHERE : target;
}

static void
route_build(struct build *b, struct plane_route_table *t, const struct ec2_route *r)
{
	struct plane_cidr one, *to = &one;
	uint32_t n = r->DestinationPrefixListId.len
			     ? ec2_prefix_list_cidrs(b->c, r->DestinationPrefixListId, &to)
			     : ec2_cidr_parse(r->DestinationCidrBlock, &one);
	for (uint32_t i = 0; i < n; i++) {
		struct plane_route *p = MORE(b, t->routes, t->routes_n, struct plane_route);
		p->to = to[i];
		p->target = route_target(b, r, &p->index);
		if (p->index == PLANE_NONE)
			p->index = 0;
	}
}

/* First the tables, which subnets refer to; their routes when all they lead to has a number. */
static void
tables(struct build *b, bool routes)
{
	struct ec2_walk w;
	uint32_t i = 0;
	ec2_walk_begin(&w, b->c, &ec2_route_table_kind);
	for (struct ec2_route_table_row *row; (row = ec2_walk_next(&w));) {
		if (!str_eq(row->RouteTable->VpcId, b->vpc))
			continue;
		if (!routes) {
			MORE(b, b->n->tables, b->n->tables_n, struct plane_route_table)->id = w.id;
			name(b, &b->at.tables, w.id);
			continue;
		}
		struct plane_route_table *t =
			&((struct plane_route_table *)(uintptr_t)b->n->tables)[i++];
		ec2_routes_show(b->c, row->RouteTable);
		for (uint32_t k = 0; k < row->RouteTable->Routes.n; k++)
			route_build(b, t, &row->RouteTable->Routes.v[k]);
	}
}

/* ---- subnets and interfaces */

static void
subnets(struct build *b)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, b->c, &ec2_subnet_kind);
	for (struct ec2_subnet_row *row; (row = ec2_walk_next(&w));) {
		struct plane_cidr cidr;
		if (!str_eq(row->Subnet->VpcId, b->vpc) ||
			!ec2_cidr_parse(row->Subnet->CidrBlock, &cidr))
			continue;
		struct plane_subnet *s =
			MORE(b, b->n->subnets, b->n->subnets_n, struct plane_subnet);
		s->id = w.id;
		s->cidr = cidr;
		s->zone = (uint8_t)row->Zone.v;
		s->acl = s->table = PLANE_NONE;
		name(b, &b->at.subnets, w.id);
	}
}

/* Which ACL and table each subnet is under stands in the rows of those. */
static void
subnets_under(struct build *b)
{
	struct plane_subnet *s = (struct plane_subnet *)(uintptr_t)b->n->subnets;
	struct ec2_walk w;
	uint32_t main = 0;
	ec2_walk_begin(&w, b->c, &ec2_acl_kind);
	for (struct ec2_network_acl_row *row; (row = ec2_walk_next(&w));)
		for (uint32_t i = 0; i < row->NetworkAcl->Associations.n; i++) {
			uint32_t at = find(
				&b->at.subnets, row->NetworkAcl->Associations.v[i].SubnetId);
			if (at != PLANE_NONE)
				s[at].acl = find(&b->at.acls, w.id);
		}
	ec2_walk_begin(&w, b->c, &ec2_route_table_kind);
	for (struct ec2_route_table_row *row; (row = ec2_walk_next(&w));)
		for (uint32_t i = 0; i < row->RouteTable->Associations.n; i++) {
			const struct ec2_route_table_association *a =
				&row->RouteTable->Associations.v[i];
			uint32_t at = find(&b->at.subnets, a->SubnetId);
			if (at != PLANE_NONE)
				s[at].table = find(&b->at.tables, w.id);
			else if (a->Main.v && str_eq(row->RouteTable->VpcId, b->vpc))
				main = find(&b->at.tables, w.id);
		}
	for (uint32_t i = 0; i < b->n->subnets_n; i++) {
		s[i].table = s[i].table == PLANE_NONE ? main : s[i].table;
		s[i].acl = s[i].acl == PLANE_NONE ? 0 : s[i].acl;
	}
}

static void
mac_parse(struct str text, uint8_t ret[6])
{
	for (unsigned i = 0; i < 6 && text.len == 17; i++) {
		unsigned v = 0;
		for (unsigned k = 0; k < 2; k++) {
			char x = text.p[i * 3 + k];
			v = v * 16 + (unsigned)(x <= '9' ? x - '0' : x - 'a' + 10);
		}
		ret[i] = (uint8_t)v;
	}
}

/* Of an instance, or of this program (a balancer's). NAT gateways come by themselves. */
static bool
is_plugged(const struct ec2_interface_row *row)
{
	const struct ec2_network_interface *n = row->NetworkInterface;
	return row->Local.v || (n->Attachment && str_starts(n->Attachment->InstanceId, STR("i-")));
}

static bool
is_logged(const struct list_str *logged, const struct ec2_network_interface *n)
{
	return ec2_list_has(logged, n->VpcId) || ec2_list_has(logged, n->SubnetId) ||
	       ec2_list_has(logged, n->NetworkInterfaceId);
}

/* An instance is published by its first interface. */
static void
publish(struct build *b, const struct ec2_network_interface *n, const struct plane_interface *p)
{
	const struct plane_publish *v;
	if (!n->Attachment || n->Attachment->DeviceIndex.v || !p->ips_n)
		return;
	uint32_t k = ec2_host_ports(b->c, n->Attachment->InstanceId, p->ips[0].public_ip, &v);
	for (uint32_t i = 0; i < k; i++)
		*MORE(b, b->n->publishes, b->n->publishes_n, struct plane_publish) = v[i];
}

static void
interface_build(struct build *b, struct str id, const struct ec2_interface_row *row, bool logged)
{
	const struct ec2_network_interface *n = row->NetworkInterface;
	struct plane_interface *p =
		MORE(b, b->n->interfaces, b->n->interfaces_n, struct plane_interface);
	p->id = id;
	p->subnet = find(&b->at.subnets, n->SubnetId);
	p->source_check = n->SourceDestCheck.v;
	p->local = row->Local.v;
	p->flow_log = logged;
	mac_parse(n->MacAddress, p->mac);
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		const struct ec2_network_interface_private_ip_address *a =
			&n->PrivateIpAddresses.v[i];
		struct plane_ip_pair *ip = MORE(b, p->ips, p->ips_n, struct plane_ip_pair);
		ec2_ip_parse(a->PrivateIpAddress, &ip->private_ip);
		if (a->Association && (!ec2_ip_parse(a->Association->PublicIp, &ip->public_ip) ||
					      !ec2_cidr_has(ec2_public_range(), ip->public_ip)))
			ip->public_ip = 0;
	}
	for (uint32_t i = 0; i < n->Groups.n; i++) {
		uint32_t g = find(&b->at.groups, n->Groups.v[i].GroupId);
		if (g != PLANE_NONE)
			*MORE(b, p->groups, p->groups_n, uint32_t) = g;
	}
	name(b, &b->at.interfaces, id);
	publish(b, n, p);
}

static void
interfaces(struct build *b)
{
	struct ec2_walk w;
	struct list_str logged = { 0 };
	ec2_walk_begin(&w, b->c, &ec2_flow_log_kind);
	for (struct ec2_flow_log_row *row; (row = ec2_walk_next(&w));)
		name(b, &logged, row->FlowLog->ResourceId);
	ec2_walk_begin(&w, b->c, &ec2_interface_kind);
	for (struct ec2_interface_row *row; (row = ec2_walk_next(&w));)
		if (str_eq(row->NetworkInterface->VpcId, b->vpc) && is_plugged(row))
			interface_build(b, w.id, row, is_logged(&logged, row->NetworkInterface));
}

bool
ec2_network_build(struct call *c, struct str vpc, struct plane_network *ret)
{
	struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, vpc);
	struct build b = { .c = c, .vpc = vpc, .n = ret };
	*ret = (struct plane_network){ .id = vpc };
	if (!v)
		return false;
	subnets(&b);
	acls(&b);
	groups(&b);
	interfaces(&b);
	if (!ret->interfaces_n)
		return false;
	struct plane_cidr *cidrs = arena_array(c->arena, struct plane_cidr, 8);
	ret->cidrs_n = ec2_vpc_cidrs(v->Vpc, cidrs, 8);
	ret->cidrs = cidrs;
	ret->internet = ec2_vpc_has_igw(c, vpc, NULL);
	ret->zones_cut = ec2_zones_failed(c->tx, c->region);
	tables(&b, false);
	subnets_under(&b);
	nats(&b);
	peers(&b);
	tables(&b, true);
	return true;
}
