/* The router's table; see fabric_rules.h. */
#include "plane/fabric_rules.h"

#include "plane/network_pack.h"
#include "plane/nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
fabric_digest(const void *p, size_t len)
{
	return XXH3_64bits(p ? p : "", len);
}

struct fabric_link
fabric_link_of(char kind, struct str id)
{
	struct fabric_link l;
	snprintf(l.name, sizeof(l.name), "%c%014llx", kind,
		(unsigned long long)(fabric_digest(id.p, id.len) >> 8));
	return l;
}

uint32_t
fabric_mark(const struct plane_network *n, const struct fabric_numbers *k, uint32_t subnet)
{
	const struct plane_subnet *s = &n->subnets[subnet];
	return FABRIC_MARK_ZONE(s->zone) | FABRIC_MARK_TABLE(k->tables[s->table]) |
	       k->subnets[subnet];
}

struct router {
	struct nft_rules *r;
	const struct plane_network *n;
	const struct fabric_numbers *k;
	struct nft_set *senders, *free, *outer, *own, *same, *acl_out, *acl_in, *out, *in, *public,
		*private;
	struct nft_set *zones[16];
	const char **acl_chains[2]; /* [outbound][acl]; NULL: lets everything pass */
	bool acls;
};

static const struct nft_hook hook_source = { "filter", NF_INET_PRE_ROUTING, -300, true };
static const struct nft_hook hook_dnat = { "nat", NF_INET_PRE_ROUTING, -100, false };
static const struct nft_hook hook_leave = { "filter", NF_INET_FORWARD, 0, false };
static const struct nft_hook hook_arrive = { "filter", NF_INET_FORWARD, 1, false };
static const struct nft_hook hook_input = { "filter", NF_INET_LOCAL_IN, 0, true };
static const struct nft_hook hook_snat = { "nat", NF_INET_POST_ROUTING, 100, false };

static void
end(struct router *x, struct nft_chain *c, int32_t verdict)
{
	nft_verdict(&x->r->rule, verdict, NULL);
	nft_rule_end(x->r, c);
}

/* ---- Sets ---- */

static void
make_sets(struct router *x)
{
	struct nft_rules *r = x->r;
	x->senders = nft_set_new(r, STR("senders"), NFT_KEY_IFNAME_IP, NFT_VALUE_MARK);
	x->free = nft_set_new(r, STR("unchecked"), NFT_KEY_IFNAME, NFT_VALUE_MARK);
	x->outer = nft_set_new(r, STR("outer"), NFT_KEY_IFNAME, NFT_VALUE_NONE);
	x->own = nft_set_new(r, STR("own"), NFT_KEY_IP, NFT_VALUE_NONE);
	x->same = nft_set_new(r, STR("same-subnet"), NFT_KEY_MARK_IFNAME, NFT_VALUE_NONE);
	x->acl_out = nft_set_new(r, STR("acl-out"), NFT_KEY_MARK, NFT_VALUE_JUMP);
	x->acl_in = nft_set_new(r, STR("acl-in"), NFT_KEY_IFNAME, NFT_VALUE_JUMP);
	x->out = nft_set_new(r, STR("groups-out"), NFT_KEY_IFNAME, NFT_VALUE_JUMP);
	x->in = nft_set_new(r, STR("groups-in"), NFT_KEY_IFNAME, NFT_VALUE_JUMP);
	x->public = nft_set_new(r, STR("public"), NFT_KEY_IP, NFT_VALUE_IP);
	x->private = nft_set_new(r, STR("private"), NFT_KEY_IP, NFT_VALUE_IP);
	for (uint32_t s = 0; s < x->n->subnets_n; s++) {
		uint8_t z = x->n->subnets[s].zone;
		if (!x->zones[z])
			x->zones[z] = nft_set_new(r, arena_printf(r->arena, "zone-%u", z),
				NFT_KEY_IFNAME, NFT_VALUE_NONE);
	}
}

static void
put_name(struct router *x, struct nft_set *s, const char *name, const char *chain)
{
	struct nft_element *e = nft_set_add(x->r, s);
	nft_key_ifname(e, 0, name);
	e->chain = chain;
}

/* What every link of a subnet is in, whoever stands behind it. */
static void
put_subnet_link(struct router *x, const char *link, uint32_t subnet)
{
	const struct plane_subnet *s = &x->n->subnets[subnet];
	uint32_t mark = fabric_mark(x->n, x->k, subnet);
	put_name(x, x->zones[s->zone], link, NULL);
	if (!x->acls)
		return;
	struct nft_element *e = nft_set_add(x->r, x->same);
	memcpy(e->key, &mark, 4);
	nft_key_ifname(e, 4, link);
	if (x->acl_chains[0][s->acl])
		put_name(x, x->acl_in, link, x->acl_chains[0][s->acl]);
}

static void
put_public(struct router *x, uint32_t private_ip, uint32_t public_ip)
{
	if (!public_ip || !x->n->internet)
		return;
	struct nft_element *e = nft_set_add(x->r, x->public);
	nft_key_ip(e, 0, private_ip);
	e->value = public_ip;
	e = nft_set_add(x->r, x->private);
	nft_key_ip(e, 0, public_ip);
	e->value = private_ip;
}

static void
put_unchecked(struct router *x, const char *link, uint32_t mark)
{
	struct nft_element *e = nft_set_add(x->r, x->free);
	nft_key_ifname(e, 0, link);
	e->value = mark;
}

static void
put_interface(struct router *x, const struct plane_interface *i, const struct fabric_combo *c)
{
	struct fabric_link l = fabric_link_of('v', i->id);
	uint32_t mark = fabric_mark(x->n, x->k, i->subnet);
	for (uint32_t k = 0; k < i->ips_n; k++) {
		if (i->source_check) {
			struct nft_element *e = nft_set_add(x->r, x->senders);
			nft_key_ifname(e, 0, l.name);
			nft_key_ip(e, 16, i->ips[k].private_ip);
			e->value = mark;
		}
		put_public(x, i->ips[k].private_ip, i->ips[k].public_ip);
	}
	if (!i->source_check)
		put_unchecked(x, l.name, mark);
	put_name(x, x->out, l.name, c->out);
	put_name(x, x->in, l.name, c->in);
	put_subnet_link(x, l.name, i->subnet);
}

static void
put_own(struct router *x)
{
	static const uint32_t link_local[] = { PLANE_IP_METADATA, PLANE_IP_RESOLVER,
		PLANE_IP_SERVICES };
	for (unsigned i = 0; i < 3; i++)
		nft_key_ip(nft_set_add(x->r, x->own), 0, link_local[i]);
	for (const struct plane_subnet *s = x->n->subnets; s < x->n->subnets + x->n->subnets_n;
		s++) {
		nft_key_ip(nft_set_add(x->r, x->own), 0, s->cidr.ip + 1);
		nft_key_ip(nft_set_add(x->r, x->own), 0, s->cidr.ip + 2);
	}
}

static void
fill_sets(struct router *x, const struct fabric_combo *combos)
{
	const struct plane_network *n = x->n;
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		put_interface(x, &n->interfaces[i], &combos[i]);
	for (const struct plane_nat *t = n->nats; t < n->nats + n->nats_n; t++) {
		struct fabric_link l = fabric_link_of('n', t->id);
		put_unchecked(x, l.name, fabric_mark(n, x->k, t->subnet));
		put_subnet_link(x, l.name, t->subnet);
		put_public(x, t->private_ip, t->public_ip);
	}
	put_name(x, x->outer, FABRIC_IGW_LINK, NULL);
	for (uint32_t i = 0; i < n->peers_n; i++) {
		struct fabric_link l = fabric_link_of('p', n->peers[i].id);
		put_name(x, x->outer, l.name, NULL);
	}
	for (uint32_t s = 0; x->acls && s < n->subnets_n; s++) {
		const char *chain = x->acl_chains[1][n->subnets[s].acl];
		if (!chain)
			continue;
		struct nft_element *e = nft_set_add(x->r, x->acl_out);
		uint32_t mark = fabric_mark(n, x->k, s);
		memcpy(e->key, &mark, 4);
		e->chain = chain;
	}
	put_own(x);
}

/* ---- ACLs ---- */

/* The default list, and most others: its first rule lets everything pass. */
static bool
acl_open(const struct plane_acl *l, bool out)
{
	for (uint32_t i = 0; i < l->rules_n; i++)
		if (l->rules[i].outbound == out)
			return l->rules[i].allow && l->rules[i].match.proto == PLANE_ANY &&
			       !l->rules[i].cidr.bits;
	return false;
}

static const char *
compile_acl(struct router *x, uint32_t index, bool out)
{
	const struct plane_acl *l = &x->n->acls[index];
	if (acl_open(l, out))
		return NULL;
	struct str id = l->id.len ? l->id : arena_printf(x->r->arena, "%u", index);
	struct nft_chain *c = nft_chain_new(x->r,
		arena_printf(x->r->arena, "acl-%s-%.*s", out ? "out" : "in", STR_FMT(id)), NULL);
	for (const struct plane_acl_rule *a = l->rules; a < l->rules + l->rules_n; a++) {
		if (a->outbound != out)
			continue;
		struct buf *b = nft_rule(x->r);
		if (out)
			nft_is_destination(b, a->cidr);
		else
			nft_is_source(b, a->cidr);
		nft_is_match(b, a->match);
		nft_verdict(b, NFT_GOTO,
			a->allow ? "acl-pass"
			: out    ? "acl-refused-out"
				 : "acl-refused-in");
		nft_rule_end(x->r, c);
	}
	nft_verdict(nft_rule(x->r), NFT_GOTO, out ? "acl-refused-out" : "acl-refused-in");
	nft_rule_end(x->r, c);
	x->acls = true;
	return c->name;
}

/* Logged only where somebody reads: without a reader the kernel drops the message. */
static void
compile_refusal(struct router *x, struct str name, const char *prefix)
{
	struct nft_chain *c = nft_chain_new(x->r, name, NULL);
	bool logged = false;
	for (uint32_t i = 0; i < x->n->interfaces_n; i++)
		logged |= x->n->interfaces[i].flow_log;
	if (logged) {
		struct buf *b = nft_rule(x->r);
		nft_limit(b, 1000);
		nft_log(b, FABRIC_LOG_GROUP, prefix);
		nft_rule_end(x->r, c);
	}
	nft_rule(x->r);
	end(x, c, NF_DROP);
}

static void
compile_acls(struct router *x)
{
	for (int out = 0; out < 2; out++) {
		x->acl_chains[out] = arena_array(x->r->arena, const char *, x->n->acls_n);
		for (uint32_t i = 0; i < x->n->acls_n; i++)
			x->acl_chains[out][i] = compile_acl(x, i, out);
	}
	if (!x->acls)
		return;
	nft_chain_new(x->r, STR("acl-pass"), NULL); /* empty: back to where the list was asked */
	compile_refusal(x, STR("acl-refused-out"), "out");
	compile_refusal(x, STR("acl-refused-in"), "in");
	struct nft_chain *c = nft_chain_new(x->r, STR("acls"), NULL);
	struct buf *b = nft_rule(x->r);
	nft_meta(b, 0, NFT_META_MARK);
	nft_vmap(b, 0, "acl-out");
	nft_rule_end(x->r, c);
	b = nft_rule(x->r);
	nft_oifname(b, 0);
	nft_vmap(b, 0, "acl-in");
	nft_rule_end(x->r, c);
}

/* ---- Chains ---- */

static void
compile_source(struct router *x)
{
	struct nft_chain *c = nft_chain_new(x->r, STR("source"), &hook_source);
	nft_is_iif(nft_rule(x->r), "lo");
	end(x, c, NF_ACCEPT);
	struct buf *b = nft_rule(x->r);
	nft_iifname(b, 0);
	nft_saddr(b, 4);
	nft_map(b, 0, "senders", 0);
	nft_set_mark(b, 0);
	end(x, c, NF_ACCEPT);
	b = nft_rule(x->r);
	nft_iifname(b, 0);
	nft_map(b, 0, "unchecked", 0);
	nft_set_mark(b, 0);
	end(x, c, NF_ACCEPT);
	for (uint32_t i = 0; i < x->n->cidrs_n; i++) {
		/* Our own addresses come from our own links only. */
		nft_is_source(nft_rule(x->r), x->n->cidrs[i]);
		end(x, c, NF_DROP);
	}
	b = nft_rule(x->r);
	nft_iifname(b, 0);
	nft_in_set(b, 0, "outer", false);
	end(x, c, NF_ACCEPT);
}

static void
compile_gateways(struct router *x)
{
	struct nft_chain *c = nft_chain_new(x->r, STR("from-internet"), &hook_dnat);
	struct buf *b = nft_rule(x->r);
	nft_is_iif(b, FABRIC_IGW_LINK);
	nft_daddr(b, 0);
	nft_map(b, 0, "private", 0);
	nft_nat(b, NFT_NAT_DNAT, 0);
	nft_rule_end(x->r, c);
	/* Routes to this cloud's own API lead to the loopback link; what they match goes to the one
	 * address where it listens. */
	b = nft_rule(x->r);
	nft_daddr(b, 0);
	nft_in_set(b, 0, "own", true);
	static const char lo[IFNAMSIZ] = "lo";
	nft_fib_oifname(b, 0);
	nft_cmp(b, 0, NFT_CMP_EQ, lo, sizeof(lo));
	nft_ip(b, 0, PLANE_IP_SERVICES);
	nft_nat(b, NFT_NAT_DNAT, 0);
	nft_rule_end(x->r, c);

	c = nft_chain_new(x->r, STR("to-internet"), &hook_snat);
	b = nft_rule(x->r);
	nft_is_oif(b, FABRIC_IGW_LINK);
	nft_saddr(b, 0);
	nft_map(b, 0, "public", 0);
	nft_nat(b, NFT_NAT_SNAT, 0);
	nft_rule_end(x->r, c);
}

/* A zone that is cut: one end within it and the other not. */
static void
compile_cuts(struct router *x, struct nft_chain *c)
{
	for (unsigned z = 0; z < 16; z++) {
		if (!x->zones[z] || !(x->n->zones_cut >> z & 1))
			continue;
		for (int from = 0; from < 2; from++) {
			struct buf *b = nft_rule(x->r);
			nft_meta(b, 0, NFT_META_MARK);
			nft_mask(b, 0, FABRIC_MARK_ZONE_MASK);
			nft_cmp_u32(b, 0, from ? NFT_CMP_EQ : NFT_CMP_NEQ, FABRIC_MARK_ZONE(z));
			nft_oifname(b, 0);
			nft_in_set(b, 0, x->zones[z]->name, from);
			end(x, c, NF_DROP);
		}
	}
}

static void
compile_leave(struct router *x)
{
	struct nft_chain *c = nft_chain_new(x->r, STR("leave"), &hook_leave);
	compile_cuts(x, c);
	struct buf *b;
	if (x->acls) {
		b = nft_rule(x->r);
		nft_meta(b, 0, NFT_META_MARK);
		nft_oifname(b, 1);
		nft_in_set(b, 0, "same-subnet", true);
		nft_verdict(b, NFT_JUMP, "acls");
		nft_rule_end(x->r, c);
	}
	nft_is_established(nft_rule(x->r));
	end(x, c, NF_ACCEPT);
	b = nft_rule(x->r);
	nft_iifname(b, 0);
	nft_vmap(b, 0, "groups-out");
	nft_rule_end(x->r, c);
}

static void
compile_arrive(struct router *x)
{
	struct nft_chain *c = nft_chain_new(x->r, STR("arrive"), &hook_arrive);
	nft_is_established(nft_rule(x->r));
	end(x, c, NF_ACCEPT);
	/* Only who has a public address passes the internet gateway. */
	struct buf *b = nft_rule(x->r);
	nft_is_oif(b, FABRIC_IGW_LINK);
	nft_saddr(b, 0);
	nft_map(b, 0, "public", 0);
	end(x, c, NF_ACCEPT);
	nft_is_oif(nft_rule(x->r), FABRIC_IGW_LINK);
	end(x, c, NF_DROP);
	b = nft_rule(x->r);
	nft_oifname(b, 0);
	nft_vmap(b, 0, "groups-in");
	nft_rule_end(x->r, c);
}

static void
compile_input(struct router *x)
{
	struct nft_chain *c = nft_chain_new(x->r, STR("input"), &hook_input);
	nft_is_established(nft_rule(x->r));
	end(x, c, NF_ACCEPT);
	struct buf *b = nft_rule(x->r);
	nft_iifname(b, 0);
	nft_in_set(b, 0, "outer", false);
	end(x, c, NF_DROP);
	b = nft_rule(x->r);
	nft_daddr(b, 0);
	nft_in_set(b, 0, "own", false);
	end(x, c, NF_ACCEPT);
}

/* A machine asks for its own addresses only. Each other sender would become a neighbour, and the
 * kernel's table of these is one for all namespaces: a machine could fill it for the host. */
static void
compile_arp(struct router *x)
{
	static const struct nft_hook hook = { "filter", NF_ARP_IN, 0, true };
	struct nft_rules *r = arena_new(x->r->arena, struct nft_rules);
	nft_rules_init(r, x->r->arena, FABRIC_TABLE);
	r->family = NFPROTO_ARP;
	nft_rules_add(x->r, r);
	struct nft_set *senders = nft_set_new(r, STR("senders"), NFT_KEY_IFNAME_IP, NFT_VALUE_NONE);
	struct nft_set *unchecked =
		nft_set_new(r, STR("unchecked"), NFT_KEY_IFNAME, NFT_VALUE_NONE);
	for (const struct plane_interface *i = x->n->interfaces;
		i < x->n->interfaces + x->n->interfaces_n; i++) {
		struct fabric_link l = fabric_link_of('v', i->id);
		if (!i->source_check)
			nft_key_ifname(nft_set_add(r, unchecked), 0, l.name);
		for (uint32_t k = 0; k < i->ips_n; k++) {
			struct nft_element *e = nft_set_add(r, senders);
			nft_key_ifname(e, 0, l.name);
			nft_key_ip(e, 16, i->ips[k].private_ip);
		}
	}
	struct nft_chain *c = nft_chain_new(r, STR("input"), &hook);
	struct buf *b = nft_rule(r);
	nft_iifname(b, 0);
	nft_arp_sender(b, 4);
	nft_in_set(b, 0, "senders", false);
	nft_verdict(b, NF_ACCEPT, NULL);
	nft_rule_end(r, c);
	/* Who may send under any address may ask so, too, but not often enough to fill the
	 * table. */
	b = nft_rule(r);
	nft_iifname(b, 0);
	nft_in_set(b, 0, "unchecked", false);
	nft_limit(b, 20);
	nft_verdict(b, NF_ACCEPT, NULL);
	nft_rule_end(r, c);
}

void
fabric_rules_router(
	struct nft_rules *r, const struct plane_network *n, const struct fabric_numbers *k)
{
	struct router x = { .r = r, .n = n, .k = k };
	struct fabric_combo *combos = arena_array(r->arena, struct fabric_combo, n->interfaces_n);
	make_sets(&x);
	compile_acls(&x);
	fabric_rules_groups(r, n, combos);
	fill_sets(&x, combos);
	compile_source(&x);
	compile_gateways(&x);
	compile_leave(&x);
	compile_arrive(&x);
	compile_input(&x);
	compile_arp(&x);
	nft_rules_seal(r);
}
