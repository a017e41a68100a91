/*
 * Security groups as chains. Rules of a group only ever allow, so their order is free: what can be
 * looked up in one set is, and a thousand rules cost what ten do. A chain accepts or returns; the
 * chain of a set of groups jumps through them and refuses at its end.
 */
#include "base/map.h"
#include "plane/boxes.h"
#include "plane/fabric_rules.h"
#include "plane/network_pack.h"
#include "plane/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define FEW 4 /* up to here rules of their own are cheaper to make than a set */

struct side {
	struct nft_rules *r;
	const struct plane_network *n;
	const struct plane_group *g;
	struct nft_chain *chain;
	bool out;
};

static void
load_far_address(struct buf *b, bool out)
{
	if (out)
		nft_daddr(b, 0);
	else
		nft_saddr(b, 0);
}

static void
is_far(struct buf *b, bool out, struct plane_cidr c)
{
	if (out)
		nft_is_destination(b, c);
	else
		nft_is_source(b, c);
}

static void
accept_rule(struct side *s)
{
	nft_verdict(&s->r->rule, NF_ACCEPT, NULL);
	nft_rule_end(s->r, s->chain);
}

static bool
has_ports(struct plane_match m)
{
	return m.proto == 6 || m.proto == 17 || m.proto == 132;
}

static void
one_rule(struct side *s, const struct plane_group_rule *x)
{
	struct buf *b = nft_rule(s->r);
	if (x->group == PLANE_NONE) {
		is_far(b, s->out, x->cidr);
	} else {
		struct str set = arena_printf(
			s->r->arena, "members-%.*s", STR_FMT(s->n->groups[x->group].id));
		load_far_address(b, s->out);
		nft_in_set(b, 0, set.p, false);
	}
	nft_is_match(b, x->match);
	accept_rule(s);
}

static struct box
box_of(const struct plane_group_rule *x)
{
	struct box b = { 0, 65535, x->cidr.ip, x->cidr.ip | ~plane_mask(x->cidr.bits) };
	if (x->match.from >= 0) {
		b.from = (uint16_t)x->match.from;
		b.to = (uint16_t)x->match.to;
	}
	return b;
}

/* Rules by CIDR of this direction and protocol (PLANE_ANY: all protocols), as boxes. */
static uint32_t
gather(struct side *s, int proto, struct box *ret)
{
	uint32_t n = 0;
	for (const struct plane_group_rule *x = s->g->rules; x < s->g->rules + s->g->rules_n; x++)
		if (x->outbound == s->out && x->group == PLANE_NONE && x->match.proto == proto)
			ret[n++] = box_of(x);
	return n;
}

static void
put_box(struct nft_rules *r, struct nft_set *set, uint8_t proto, const struct box *b)
{
	struct nft_element *e = nft_set_add(r, set);
	uint16_t from = htons(b->from), to = htons(b->to);
	uint32_t last = htonl(b->last);
	nft_key_ip(e, 0, b->first);
	memcpy(e->end, &last, 4);
	e->key[4] = e->end[4] = proto;
	memcpy(e->key + 8, &from, 2);
	memcpy(e->end + 8, &to, 2);
}

/* A set of ranges never changes: its name tells its content, and another content is another set. */
static void
name_by_content(struct side *s, struct nft_set *set)
{
	uint64_t h = fabric_digest(set->elements, set->n * sizeof(*set->elements));
	set->name = arena_printf(
		s->r->arena, "%s-%.*s-%08x", s->out ? "out" : "in", STR_FMT(s->g->id), (unsigned)h)
			    .p;
}

static void
rules_one_by_one(struct side *s, int proto)
{
	for (const struct plane_group_rule *x = s->g->rules; x < s->g->rules + s->g->rules_n; x++)
		if (x->outbound == s->out && x->group == PLANE_NONE && x->match.proto == proto)
			one_rule(s, x);
}

/* TCP, UDP and SCTP by address and port, one set for all three. */
static void
port_rules(struct side *s, struct box *boxes)
{
	static const uint8_t protos[] = { 6, 17, 132 };
	struct nft_set *set = NULL;
	for (unsigned i = 0; i < 3; i++) {
		uint32_t n = gather(s, protos[i], boxes), apart_n;
		struct box *apart;
		if (n <= FEW || !boxes_apart(s->r->arena, boxes, n, &apart, &apart_n)) {
			rules_one_by_one(s, protos[i]);
			continue;
		}
		if (!set)
			set = nft_set_new(s->r, STR("?"), NFT_KEY_IP_PROTO_PORT, NFT_VALUE_NONE);
		for (uint32_t k = 0; k < apart_n; k++)
			put_box(s->r, set, protos[i], &apart[k]);
	}
	if (!set)
		return;
	name_by_content(s, set);
	struct buf *b = nft_rule(s->r);
	load_far_address(b, s->out);
	nft_meta(b, 1, NFT_META_L4PROTO);
	nft_transport(b, 2, 2, 2);
	nft_in_set(b, 0, set->name, false);
	accept_rule(s);
}

static void
any_rules(struct side *s, struct box *boxes)
{
	uint32_t n = gather(s, PLANE_ANY, boxes), apart_n;
	struct box *apart;
	for (uint32_t i = 0; i < n; i++) {
		boxes[i].from = 0; /* ports of a rule for all protocols mean nothing */
		boxes[i].to = 65535;
	}
	if (n <= FEW || !boxes_apart(s->r->arena, boxes, n, &apart, &apart_n)) {
		rules_one_by_one(s, PLANE_ANY);
		return;
	}
	struct nft_set *set = nft_set_new(s->r, STR("?"), NFT_KEY_IP_RANGE, NFT_VALUE_NONE);
	for (uint32_t k = 0; k < apart_n; k++) {
		struct nft_element *e = nft_set_add(s->r, set);
		uint32_t last = htonl(apart[k].last);
		nft_key_ip(e, 0, apart[k].first);
		memcpy(e->end, &last, 4);
	}
	name_by_content(s, set);
	struct buf *b = nft_rule(s->r);
	load_far_address(b, s->out);
	nft_in_set(b, 0, set->name, false);
	accept_rule(s);
}

static void
compile_side(
	struct nft_rules *r, const struct plane_network *n, const struct plane_group *g, bool out)
{
	struct side s = { .r = r, .n = n, .g = g, .out = out };
	struct box *boxes = arena_array(r->arena, struct box, g->rules_n);
	s.chain = nft_chain_new(
		r, arena_printf(r->arena, "%s-%.*s", out ? "out" : "in", STR_FMT(g->id)), NULL);
	any_rules(&s, boxes);
	port_rules(&s, boxes);
	for (const struct plane_group_rule *x = g->rules; x < g->rules + g->rules_n; x++)
		if (x->outbound == out && (x->group != PLANE_NONE || (x->match.proto != PLANE_ANY &&
									     !has_ports(x->match))))
			one_rule(&s, x);
}

/* ---- Members ---- */

/* Only groups that a rule names have a set of their members. */
static struct nft_set **
member_sets(struct nft_rules *r, const struct plane_network *n)
{
	struct nft_set **sets = arena_array(r->arena, struct nft_set *, n->groups_n);
	for (const struct plane_group *g = n->groups; g < n->groups + n->groups_n; g++)
		for (const struct plane_group_rule *x = g->rules; x < g->rules + g->rules_n; x++)
			if (x->group != PLANE_NONE && !sets[x->group])
				sets[x->group] = nft_set_new(r,
					arena_printf(r->arena, "members-%.*s",
						STR_FMT(n->groups[x->group].id)),
					NFT_KEY_IP, NFT_VALUE_NONE);
	return sets;
}

static void
compile_members(struct nft_rules *r, const struct plane_network *n)
{
	struct nft_set **sets = member_sets(r, n);
	for (uint32_t g = 0; g < n->groups_n; g++)
		for (uint32_t i = 0; sets[g] && i < n->groups[g].others_n; i++)
			nft_key_ip(nft_set_add(r, sets[g]), 0, n->groups[g].others[i]);
	for (const struct plane_interface *i = n->interfaces; i < n->interfaces + n->interfaces_n;
		i++)
		for (uint32_t g = 0; g < i->groups_n; g++)
			for (uint32_t k = 0; sets[i->groups[g]] && k < i->ips_n; k++)
				nft_key_ip(nft_set_add(r, sets[i->groups[g]]), 0,
					i->ips[k].private_ip);
}

/* ---- Sets of groups ---- */

static void
refuse(struct nft_rules *r, struct nft_chain *c, bool logged, const char *prefix)
{
	if (logged) {
		struct buf *b = nft_rule(r);
		nft_limit(b, 1000);
		nft_log(b, FABRIC_LOG_GROUP, prefix);
		nft_rule_end(r, c);
	}
	nft_verdict(nft_rule(r), NF_DROP, NULL);
	nft_rule_end(r, c);
}

static const char *
combo_chain(struct nft_rules *r, const struct plane_network *n, const struct plane_interface *i,
	uint64_t h, bool out)
{
	struct str name =
		arena_printf(r->arena, "%s-all-%016llx", out ? "out" : "in", (unsigned long long)h);
	struct nft_chain *c = nft_chain_new(r, name, NULL);
	for (uint32_t g = 0; g < i->groups_n; g++) {
		struct str to = arena_printf(r->arena, "%s-%.*s", out ? "out" : "in",
			STR_FMT(n->groups[i->groups[g]].id));
		nft_verdict(nft_rule(r), NFT_JUMP, to.p);
		nft_rule_end(r, c);
	}
	refuse(r, c, i->flow_log, out ? "out" : "in");
	return c->name;
}

/* By names, not by indices, which may shift. */
static uint64_t
combo_digest(const struct plane_network *n, const struct plane_interface *i)
{
	uint64_t h = i->flow_log;
	for (uint32_t g = 0; g < i->groups_n; g++) {
		struct str id = n->groups[i->groups[g]].id;
		h = (h ^ fabric_digest(id.p, id.len)) * 0x9e3779b97f4a7c15u;
	}
	return h;
}

void
fabric_rules_groups(struct nft_rules *r, const struct plane_network *n, struct fabric_combo *ret)
{
	for (uint32_t g = 0; g < n->groups_n; g++) {
		compile_side(r, n, &n->groups[g], true);
		compile_side(r, n, &n->groups[g], false);
	}
	compile_members(r, n);
	struct map_u64 seen;
	map_u64_init(&seen, r->arena);
	for (uint32_t i = 0; i < n->interfaces_n; i++) {
		uint64_t h = combo_digest(n, &n->interfaces[i]);
		struct fabric_combo *c = map_u64_get(&seen, h);
		if (!c) {
			c = &ret[i];
			*c = (struct fabric_combo){ combo_chain(r, n, &n->interfaces[i], h, true),
				combo_chain(r, n, &n->interfaces[i], h, false) };
			map_u64_put(&seen, h, c);
		}
		ret[i] = *c;
	}
}
