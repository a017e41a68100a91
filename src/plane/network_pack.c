/* A network's description as bytes and back; see network_pack.h. Both directions keep the order of
 * the structs. */
#include "plane/network_pack.h"

static void
pack_cidr(struct pack *p, struct plane_cidr c)
{
	pack_u32(p, c.ip);
	pack_u8(p, c.bits);
}

static struct plane_cidr
unpack_cidr(struct unpack *u)
{
	struct plane_cidr c = { .ip = unpack_u32(u) };
	c.bits = unpack_u8(u);
	return c;
}
#define CIDR_BYTES 5

static void
pack_match(struct pack *p, struct plane_match m)
{
	pack_u16(p, (uint16_t)m.proto);
	pack_u32(p, (uint32_t)m.from);
	pack_u32(p, (uint32_t)m.to);
}

static struct plane_match
unpack_match(struct unpack *u)
{
	struct plane_match m = { .proto = (int16_t)unpack_u16(u) };
	m.from = (int32_t)unpack_u32(u);
	m.to = (int32_t)unpack_u32(u);
	return m;
}
#define MATCH_BYTES 10

static void
pack_numbers(struct pack *p, const uint32_t *v, uint32_t n)
{
	pack_u32(p, n);
	for (uint32_t i = 0; i < n; i++)
		pack_u32(p, v[i]);
}

static const uint32_t *
unpack_numbers(struct unpack *u, struct arena *a, uint32_t *ret_n)
{
	*ret_n = unpack_count(u, 4);
	uint32_t *v = arena_array(a, uint32_t, *ret_n);
	for (uint32_t i = 0; i < *ret_n; i++)
		v[i] = unpack_u32(u);
	return v;
}

/* ---- Lists of rules, groups, tables ---- */

static void
pack_acls(struct pack *p, const struct plane_network *n)
{
	pack_u32(p, n->acls_n);
	for (const struct plane_acl *l = n->acls; l < n->acls + n->acls_n; l++) {
		pack_str(p, l->id);
		pack_u32(p, l->rules_n);
		for (const struct plane_acl_rule *r = l->rules; r < l->rules + l->rules_n; r++) {
			pack_match(p, r->match);
			pack_cidr(p, r->cidr);
			pack_u8(p, (uint8_t)(r->outbound | r->allow << 1));
		}
	}
}

static void
unpack_acls(struct unpack *u, struct arena *a, struct plane_network *n)
{
	n->acls_n = unpack_count(u, 8);
	struct plane_acl *acls = arena_array(a, struct plane_acl, n->acls_n);
	for (struct plane_acl *l = acls; l < acls + n->acls_n; l++) {
		l->id = unpack_str(u);
		l->rules_n = unpack_count(u, MATCH_BYTES + CIDR_BYTES + 1);
		struct plane_acl_rule *rules = arena_array(a, struct plane_acl_rule, l->rules_n);
		for (struct plane_acl_rule *r = rules; r < rules + l->rules_n; r++) {
			r->match = unpack_match(u);
			r->cidr = unpack_cidr(u);
			uint8_t bits = unpack_u8(u);
			r->outbound = bits & 1;
			r->allow = bits >> 1 & 1;
		}
		l->rules = rules;
	}
	n->acls = acls;
}

static void
pack_groups(struct pack *p, const struct plane_network *n)
{
	pack_u32(p, n->groups_n);
	for (const struct plane_group *g = n->groups; g < n->groups + n->groups_n; g++) {
		pack_str(p, g->id);
		pack_u32(p, g->rules_n);
		for (const struct plane_group_rule *r = g->rules; r < g->rules + g->rules_n; r++) {
			pack_match(p, r->match);
			pack_cidr(p, r->cidr);
			pack_u32(p, r->group);
			pack_u8(p, r->outbound);
		}
		pack_numbers(p, g->others, g->others_n);
	}
}

static void
unpack_groups(struct unpack *u, struct arena *a, struct plane_network *n)
{
	n->groups_n = unpack_count(u, 12);
	struct plane_group *groups = arena_array(a, struct plane_group, n->groups_n);
	for (struct plane_group *g = groups; g < groups + n->groups_n; g++) {
		g->id = unpack_str(u);
		g->rules_n = unpack_count(u, MATCH_BYTES + CIDR_BYTES + 5);
		struct plane_group_rule *rules =
			arena_array(a, struct plane_group_rule, g->rules_n);
		for (struct plane_group_rule *r = rules; r < rules + g->rules_n; r++) {
			r->match = unpack_match(u);
			r->cidr = unpack_cidr(u);
			r->group = unpack_u32(u);
			r->outbound = unpack_u8(u) & 1;
		}
		g->rules = rules;
		g->others = unpack_numbers(u, a, &g->others_n);
	}
	n->groups = groups;
}

static void
pack_tables(struct pack *p, const struct plane_network *n)
{
	pack_u32(p, n->tables_n);
	for (const struct plane_route_table *t = n->tables; t < n->tables + n->tables_n; t++) {
		pack_str(p, t->id);
		pack_u32(p, t->routes_n);
		for (const struct plane_route *r = t->routes; r < t->routes + t->routes_n; r++) {
			pack_cidr(p, r->to);
			pack_u8(p, r->target);
			pack_u32(p, r->index);
		}
	}
}

static void
unpack_tables(struct unpack *u, struct arena *a, struct plane_network *n)
{
	n->tables_n = unpack_count(u, 8);
	struct plane_route_table *tables = arena_array(a, struct plane_route_table, n->tables_n);
	for (struct plane_route_table *t = tables; t < tables + n->tables_n; t++) {
		t->id = unpack_str(u);
		t->routes_n = unpack_count(u, CIDR_BYTES + 5);
		struct plane_route *routes = arena_array(a, struct plane_route, t->routes_n);
		for (struct plane_route *r = routes; r < routes + t->routes_n; r++) {
			r->to = unpack_cidr(u);
			r->target = unpack_u8(u);
			r->index = unpack_u32(u);
		}
		t->routes = routes;
	}
	n->tables = tables;
}

/* ---- Subnets, interfaces and what else stands in them ---- */

static void
pack_subnets(struct pack *p, const struct plane_network *n)
{
	pack_u32(p, n->subnets_n);
	for (const struct plane_subnet *s = n->subnets; s < n->subnets + n->subnets_n; s++) {
		pack_str(p, s->id);
		pack_cidr(p, s->cidr);
		pack_u32(p, s->acl);
		pack_u32(p, s->table);
		pack_u8(p, s->zone);
	}
}

static void
unpack_subnets(struct unpack *u, struct arena *a, struct plane_network *n)
{
	n->subnets_n = unpack_count(u, 4 + CIDR_BYTES + 9);
	struct plane_subnet *subnets = arena_array(a, struct plane_subnet, n->subnets_n);
	for (struct plane_subnet *s = subnets; s < subnets + n->subnets_n; s++) {
		s->id = unpack_str(u);
		s->cidr = unpack_cidr(u);
		s->acl = unpack_u32(u);
		s->table = unpack_u32(u);
		s->zone = unpack_u8(u);
	}
	n->subnets = subnets;
}

static void
pack_interfaces(struct pack *p, const struct plane_network *n)
{
	pack_u32(p, n->interfaces_n);
	for (const struct plane_interface *i = n->interfaces; i < n->interfaces + n->interfaces_n;
		i++) {
		pack_str(p, i->id);
		pack_bytes(p, i->mac, sizeof(i->mac));
		pack_u32(p, i->subnet);
		pack_u32(p, i->ips_n);
		for (uint32_t k = 0; k < i->ips_n; k++) {
			pack_u32(p, i->ips[k].private_ip);
			pack_u32(p, i->ips[k].public_ip);
		}
		pack_numbers(p, i->groups, i->groups_n);
		pack_u8(p, (uint8_t)(i->source_check | i->flow_log << 1 | i->local << 2));
	}
}

static void
unpack_interfaces(struct unpack *u, struct arena *a, struct plane_network *n)
{
	n->interfaces_n = unpack_count(u, 23);
	struct plane_interface *all = arena_array(a, struct plane_interface, n->interfaces_n);
	for (struct plane_interface *i = all; i < all + n->interfaces_n; i++) {
		i->id = unpack_str(u);
		unpack_bytes(u, i->mac, sizeof(i->mac));
		i->subnet = unpack_u32(u);
		i->ips_n = unpack_count(u, 8);
		struct plane_ip_pair *ips = arena_array(a, struct plane_ip_pair, i->ips_n);
		for (uint32_t k = 0; k < i->ips_n; k++) {
			ips[k].private_ip = unpack_u32(u);
			ips[k].public_ip = unpack_u32(u);
		}
		i->ips = ips;
		i->groups = unpack_numbers(u, a, &i->groups_n);
		uint8_t bits = unpack_u8(u);
		i->source_check = bits & 1;
		i->flow_log = bits >> 1 & 1;
		i->local = bits >> 2 & 1;
	}
	n->interfaces = all;
}

static void
pack_ends(struct pack *p, const struct plane_network *n)
{
	pack_u32(p, n->nats_n);
	for (const struct plane_nat *x = n->nats; x < n->nats + n->nats_n; x++) {
		pack_str(p, x->id);
		pack_u32(p, x->subnet);
		pack_u32(p, x->private_ip);
		pack_u32(p, x->public_ip);
	}
	pack_u32(p, n->peers_n);
	for (const struct plane_peer *x = n->peers; x < n->peers + n->peers_n; x++) {
		pack_str(p, x->id);
		pack_str(p, x->network);
	}
	pack_u32(p, n->publishes_n);
	for (const struct plane_publish *x = n->publishes; x < n->publishes + n->publishes_n; x++) {
		pack_u32(p, x->public_ip);
		pack_u16(p, x->port);
		pack_u16(p, x->host_port);
		pack_u8(p, x->proto);
	}
}

static void
unpack_ends(struct unpack *u, struct arena *a, struct plane_network *n)
{
	n->nats_n = unpack_count(u, 16);
	struct plane_nat *nats = arena_array(a, struct plane_nat, n->nats_n);
	for (struct plane_nat *x = nats; x < nats + n->nats_n; x++) {
		x->id = unpack_str(u);
		x->subnet = unpack_u32(u);
		x->private_ip = unpack_u32(u);
		x->public_ip = unpack_u32(u);
	}
	n->peers_n = unpack_count(u, 8);
	struct plane_peer *peers = arena_array(a, struct plane_peer, n->peers_n);
	for (struct plane_peer *x = peers; x < peers + n->peers_n; x++) {
		x->id = unpack_str(u);
		x->network = unpack_str(u);
	}
	n->publishes_n = unpack_count(u, 9);
	struct plane_publish *publishes = arena_array(a, struct plane_publish, n->publishes_n);
	for (struct plane_publish *x = publishes; x < publishes + n->publishes_n; x++) {
		x->public_ip = unpack_u32(u);
		x->port = unpack_u16(u);
		x->host_port = unpack_u16(u);
		x->proto = unpack_u8(u);
	}
	n->nats = nats;
	n->peers = peers;
	n->publishes = publishes;
}

void
network_pack(struct pack *p, const struct plane_network *n)
{
	pack_str(p, n->id);
	pack_u32(p, n->cidrs_n);
	for (uint32_t i = 0; i < n->cidrs_n; i++)
		pack_cidr(p, n->cidrs[i]);
	pack_acls(p, n);
	pack_groups(p, n);
	pack_tables(p, n);
	pack_subnets(p, n);
	pack_interfaces(p, n);
	pack_ends(p, n);
	pack_u8(p, n->internet);
	pack_u32(p, n->zones_cut);
}

bool
network_unpack(struct unpack *u, struct arena *a, struct plane_network *ret)
{
	*ret = (struct plane_network){ .id = unpack_str(u) };
	ret->cidrs_n = unpack_count(u, CIDR_BYTES);
	struct plane_cidr *cidrs = arena_array(a, struct plane_cidr, ret->cidrs_n);
	for (uint32_t i = 0; i < ret->cidrs_n; i++)
		cidrs[i] = unpack_cidr(u);
	ret->cidrs = cidrs;
	unpack_acls(u, a, ret);
	unpack_groups(u, a, ret);
	unpack_tables(u, a, ret);
	unpack_subnets(u, a, ret);
	unpack_interfaces(u, a, ret);
	unpack_ends(u, a, ret);
	ret->internet = unpack_u8(u) & 1;
	ret->zones_cut = unpack_u32(u);
	return !u->bad;
}

void
flow_pack(struct pack *p, const struct plane_flow *f)
{
	pack_str(p, f->network);
	pack_str(p, f->interface);
	pack_u32(p, f->from_ip);
	pack_u32(p, f->to_ip);
	pack_u16(p, f->from_port);
	pack_u16(p, f->to_port);
	pack_u8(p, f->proto);
	pack_u8(p, (uint8_t)(f->accepted | f->inbound << 1));
	pack_u64(p, f->packets);
	pack_u64(p, f->bytes);
	pack_u64(p, (uint64_t)f->start_ms);
	pack_u64(p, (uint64_t)f->end_ms);
}

bool
flow_unpack(struct unpack *u, struct plane_flow *ret)
{
	*ret = (struct plane_flow){ .network = unpack_str(u) };
	ret->interface = unpack_str(u);
	ret->from_ip = unpack_u32(u);
	ret->to_ip = unpack_u32(u);
	ret->from_port = unpack_u16(u);
	ret->to_port = unpack_u16(u);
	ret->proto = unpack_u8(u);
	uint8_t bits = unpack_u8(u);
	ret->accepted = bits & 1;
	ret->inbound = bits >> 1 & 1;
	ret->packets = unpack_u64(u);
	ret->bytes = unpack_u64(u);
	ret->start_ms = (int64_t)unpack_u64(u);
	ret->end_ms = (int64_t)unpack_u64(u);
	return !u->bad;
}
