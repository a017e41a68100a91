/* What is wrong with a network's description, before anything is made of it; see network_pack.h. */
#include "plane/network_pack.h"
#include "plane/plane.h"

#include <stddef.h>

/* Marks of packets hold a subnet in 10 bits and a table in 10; the rest bounds what one network may
 * cost the agent. */
#define SUBNETS_MAX 1000
#define TABLES_MAX 1000
#define INTERFACES_MAX 70000
#define RULES_MAX 4000
#define ZONES_MAX 15

bool
plane_id_ok(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return id.len > 0 && id.len <= PLANE_ID_MAX;
}

static bool
cidr_ok(struct plane_cidr c)
{
	return c.bits <= 32 && (c.ip & ~plane_mask(c.bits)) == 0;
}

static bool
match_ok(struct plane_match m)
{
	if (m.proto < -1 || m.proto > 255)
		return false;
	if (m.proto == 1)
		return m.from >= -1 && m.from <= 255 && m.to >= -1 && m.to <= 255;
	if (m.proto == 6 || m.proto == 17 || m.proto == 132)
		return (m.from == -1 && m.to == -1) ||
		       (m.from >= 0 && m.from <= m.to && m.to <= 65535);
	return true;
}

static const char *
rules_fault(const struct plane_network *n)
{
	for (const struct plane_acl *l = n->acls; l < n->acls + n->acls_n; l++) {
		if (l->rules_n > RULES_MAX)
			return "a network ACL with too many rules";
		for (uint32_t i = 0; i < l->rules_n; i++)
			if (!match_ok(l->rules[i].match) || !cidr_ok(l->rules[i].cidr))
				return "a rule of a network ACL with impossible numbers";
	}
	for (const struct plane_group *g = n->groups; g < n->groups + n->groups_n; g++) {
		if (!plane_id_ok(g->id))
			return "a group without a proper id";
		if (g->rules_n > RULES_MAX)
			return "a group with too many rules";
		for (const struct plane_group_rule *r = g->rules; r < g->rules + g->rules_n; r++) {
			if (!match_ok(r->match))
				return "a group's rule with impossible numbers";
			if (r->group == PLANE_NONE ? !cidr_ok(r->cidr) : r->group >= n->groups_n)
				return "a group's rule that leads nowhere";
		}
	}
	return NULL;
}

static const char *
routes_fault(const struct plane_network *n)
{
	const uint32_t ends[] = { [PLANE_TO_NAT] = n->nats_n,
		[PLANE_TO_PEER] = n->peers_n,
		[PLANE_TO_INTERFACE] = n->interfaces_n };
	for (const struct plane_route_table *t = n->tables; t < n->tables + n->tables_n; t++) {
		for (const struct plane_route *r = t->routes; r < t->routes + t->routes_n; r++) {
			if (!cidr_ok(r->to) || r->target > PLANE_TO_NOWHERE)
				return "a route with impossible numbers";
			bool indexed = r->target == PLANE_TO_NAT || r->target == PLANE_TO_PEER ||
				       r->target == PLANE_TO_INTERFACE;
			if (indexed && r->index >= ends[r->target])
				return "a route that leads nowhere";
		}
	}
	return NULL;
}

static const char *
interfaces_fault(const struct plane_network *n)
{
	for (const struct plane_interface *i = n->interfaces; i < n->interfaces + n->interfaces_n;
		i++) {
		if (!plane_id_ok(i->id))
			return "an interface without a proper id";
		if (i->subnet >= n->subnets_n || !i->ips_n || i->ips_n > 256 || i->groups_n > 64)
			return "an interface without subnet or address";
		for (uint32_t k = 0; k < i->ips_n; k++)
			if (!plane_inside(n->subnets[i->subnet].cidr, i->ips[k].private_ip))
				return "an interface with an address outside its subnet";
		for (uint32_t k = 0; k < i->groups_n; k++)
			if (i->groups[k] >= n->groups_n)
				return "an interface in a group that is not there";
	}
	return NULL;
}

const char *
network_fault(const struct plane_network *n)
{
	if (!plane_id_ok(n->id))
		return "a network without a proper id";
	if (n->subnets_n > SUBNETS_MAX || n->tables_n > TABLES_MAX ||
		n->interfaces_n > INTERFACES_MAX)
		return "a network with too many subnets, tables or interfaces";
	for (uint32_t i = 0; i < n->cidrs_n; i++)
		if (!cidr_ok(n->cidrs[i]))
			return "a network with an impossible range";
	for (const struct plane_subnet *s = n->subnets; s < n->subnets + n->subnets_n; s++)
		if (!cidr_ok(s->cidr) || s->cidr.bits > 30 || s->acl >= n->acls_n ||
			s->table >= n->tables_n || s->zone >= ZONES_MAX)
			return "a subnet without range, network ACL or route table";
	for (uint32_t i = 0; i < n->nats_n; i++)
		if (!plane_id_ok(n->nats[i].id) || n->nats[i].subnet >= n->subnets_n)
			return "a NAT gateway without id or subnet";
	for (uint32_t i = 0; i < n->peers_n; i++)
		if (!plane_id_ok(n->peers[i].id) || !plane_id_ok(n->peers[i].network))
			return "a peering without a proper id";
	const char *fault = rules_fault(n);
	fault = fault ? fault : routes_fault(n);
	return fault ? fault : interfaces_fault(n);
}
