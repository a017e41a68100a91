/* Routes, rules and neighbours of a router as values; see fabric_paths.h. */
#include "plane/fabric_paths.h"

#include "plane/network_pack.h"

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>

#define LOOPBACK 1
#define MARK_PRIORITY 100
#define TABLE_OF(number) (1000u + (number))

void
fabric_mac(uint8_t ret[6], bool upper)
{
	memcpy(ret, (uint8_t[]){ 0x02, 0x68, 0x6e, 0, 0, upper ? 2 : 1 }, 6);
}

void
fabric_nat_mac(uint8_t ret[6], bool inside)
{
	memcpy(ret, (uint8_t[]){ 0x02, 0x68, 0x6e, 0, 1, inside ? 2 : 1 }, 6);
}

/* ---- Lists ---- */

void
paths_done(struct paths *p)
{
	free(p->all);
	*p = (struct paths){ 0 };
}

struct path *
paths_add(struct paths *p, uint32_t kind, uint32_t table, uint32_t ip, uint8_t bits)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 32;
		p->all = realloc(p->all, p->cap * sizeof(*p->all));
	}
	struct path *x = &p->all[p->n++];
	*x = (struct path){ .kind = kind, .bits = bits, .table = table, .ip = ip };
	return x;
}

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct path, type));
}

void
paths_seal(struct paths *p)
{
	if (p->n > 1)
		qsort(p->all, p->n, sizeof(*p->all), by_key);
	uint32_t kept = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (!kept || by_key(&p->all[i], &p->all[kept - 1]))
			p->all[kept++] = p->all[i];
	p->n = kept;
}

void
paths_forget(struct paths *p, int index)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (p->all[i].index != index)
			p->all[kept++] = p->all[i];
	p->n = kept;
}

static void
put(struct buf *b, const struct path *x, bool add)
{
	struct rt_route route = { .table = x->table,
		.to = { x->ip, (uint8_t)x->bits },
		.type = (uint8_t)x->type,
		.index = x->index,
		.gateway = x->gateway };
	struct rt_rule rule = { .priority = MARK_PRIORITY,
		.mark = x->ip,
		.mask = FABRIC_MARK_TABLE_MASK,
		.table = x->table };
	switch (x->kind) {
	case PATH_NEIGHBOUR:
		rt_neighbour(b, add, (int)x->table, x->ip, x->mac);
		break;
	case PATH_ROUTE:
		rt_route(b, add, &route);
		break;
	default:
		rt_rule(b, add, &rule);
	}
}

/* Neighbours first, and what is new before what is old goes. */
void
paths_change(struct buf *b, const struct paths *from, const struct paths *to)
{
	uint32_t k = 0;
	for (uint32_t i = 0; i < to->n; i++) {
		while (k < from->n && by_key(&from->all[k], &to->all[i]) < 0)
			k++;
		if (k == from->n || memcmp(&from->all[k], &to->all[i], sizeof(*to->all)))
			put(b, &to->all[i], true);
	}
	k = 0;
	for (uint32_t i = 0; i < from->n; i++) {
		while (k < to->n && by_key(&to->all[k], &from->all[i]) < 0)
			k++;
		if (k == to->n || by_key(&to->all[k], &from->all[i]))
			put(b, &from->all[i], false);
	}
}

/* ---- What is there ---- */

static void
read_route(void *ctx, const struct rt_route *r)
{
	struct path *x = paths_add(ctx, PATH_ROUTE, r->table, r->to.ip, r->to.bits);
	x->type = r->type;
	x->gateway = r->gateway;
	x->index = r->index;
}

static void
read_rule(void *ctx, const struct rt_rule *r)
{
	if (r->priority == MARK_PRIORITY)
		paths_add(ctx, PATH_RULE, r->table, r->mark, 0);
}

static void
read_neighbour(void *ctx, int index, uint32_t ip, const uint8_t mac[6])
{
	struct path *x = paths_add(ctx, PATH_NEIGHBOUR, (uint32_t)index, ip, 0);
	x->index = index;
	memcpy(x->mac, mac, 6);
}

int
paths_read(int fd, struct paths *ret)
{
	ret->n = 0;
	int err = rt_routes(fd, read_route, ret);
	err = err ? err : rt_rules(fd, read_rule, ret);
	err = err ? err : rt_neighbours(fd, read_neighbour, ret);
	paths_seal(ret);
	return err;
}

/* ---- What should be there ---- */

struct compile {
	struct paths *p;
	const struct plane_network *n;
	const struct fabric_links *links;
};

static int
link_of(struct compile *c, char kind, struct str id)
{
	struct fabric_link l = fabric_link_of(kind, id);
	return c->links->index(c->links->ctx, l.name);
}

static void
add_route(struct compile *c, uint32_t table, struct plane_cidr to, uint8_t type, int index,
	uint32_t gateway)
{
	struct path *x = paths_add(c->p, PATH_ROUTE, table, to.ip, to.bits);
	x->type = type;
	x->index = index;
	x->gateway = gateway;
}

static void
add_neighbour(struct compile *c, int index, uint32_t ip, const uint8_t mac[6])
{
	struct path *x = paths_add(c->p, PATH_NEIGHBOUR, (uint32_t)index, ip, 0);
	x->index = index;
	memcpy(x->mac, mac, 6);
}

static void
add_own(struct compile *c, uint32_t ip)
{
	add_route(c, RT_TABLE_LOCAL, (struct plane_cidr){ ip, 32 }, RTN_LOCAL, LOOPBACK, 0);
}

static void
add_interfaces(struct compile *c)
{
	for (const struct plane_interface *i = c->n->interfaces;
		i < c->n->interfaces + c->n->interfaces_n; i++) {
		int index = link_of(c, 'v', i->id);
		for (uint32_t k = 0; index && k < i->ips_n; k++) {
			add_route(c, RT_TABLE_MAIN, (struct plane_cidr){ i->ips[k].private_ip, 32 },
				RTN_UNICAST, index, 0);
			add_neighbour(c, index, i->ips[k].private_ip, i->mac);
		}
	}
	for (const struct plane_nat *t = c->n->nats; t < c->n->nats + c->n->nats_n; t++) {
		int index = link_of(c, 'n', t->id);
		uint8_t mac[6];
		if (!index)
			continue;
		fabric_nat_mac(mac, true);
		add_route(c, RT_TABLE_MAIN, (struct plane_cidr){ t->private_ip, 32 }, RTN_UNICAST,
			index, 0);
		add_neighbour(c, index, t->private_ip, mac);
	}
}

static void
add_far_ends(struct compile *c)
{
	uint8_t mac[6];
	int igw = c->links->index(c->links->ctx, FABRIC_IGW_LINK);
	fabric_mac(mac, true);
	if (igw)
		add_neighbour(c, igw, FABRIC_FAR_IP, mac);
	for (uint32_t i = 0; i < c->n->peers_n; i++) {
		int index = link_of(c, 'p', c->n->peers[i].id);
		fabric_mac(mac, str_cmp(c->n->peers[i].network, c->n->id) > 0);
		if (index)
			add_neighbour(c, index, FABRIC_FAR_IP, mac);
	}
}

static void
add_target(struct compile *c, uint32_t table, const struct plane_route *r)
{
	const struct plane_network *n = c->n;
	int index = 0;
	uint32_t gateway = FABRIC_FAR_IP;
	switch (r->target) {
	case PLANE_TO_LOCAL:
		add_route(c, table, r->to, RTN_THROW, 0, 0);
		return;
	case PLANE_TO_SERVICES:
		/* Never taken: a rule of the router sees that it would be, and sends the packet to
		 * where the services listen. */
		add_route(c, table, r->to, RTN_UNICAST, LOOPBACK, 0);
		return;
	case PLANE_TO_INTERNET:
		index = n->internet ? c->links->index(c->links->ctx, FABRIC_IGW_LINK) : 0;
		break;
	case PLANE_TO_NAT:
		index = link_of(c, 'n', n->nats[r->index].id);
		gateway = n->nats[r->index].private_ip;
		break;
	case PLANE_TO_PEER:
		index = link_of(c, 'p', n->peers[r->index].id);
		break;
	case PLANE_TO_INTERFACE:
		/* Who checks its destination takes only what is its own. */
		index = n->interfaces[r->index].source_check
				? 0
				: link_of(c, 'v', n->interfaces[r->index].id);
		gateway = n->interfaces[r->index].ips[0].private_ip;
		break;
	default:
		break;
	}
	if (index)
		add_route(c, table, r->to, RTN_UNICAST, index, gateway);
	else
		add_route(c, table, r->to, RTN_BLACKHOLE, 0, 0);
}

static bool
has_route(const struct plane_route_table *t, struct plane_cidr to)
{
	for (uint32_t i = 0; i < t->routes_n; i++)
		if (t->routes[i].to.ip == to.ip && t->routes[i].to.bits == to.bits)
			return true;
	return false;
}

void
fabric_paths_compile(struct paths *ret, const struct plane_network *n,
	const struct fabric_numbers *k, const struct fabric_links *links)
{
	struct compile c = { ret, n, links };
	ret->n = 0;
	add_own(&c, PLANE_IP_METADATA);
	add_own(&c, PLANE_IP_RESOLVER);
	add_own(&c, PLANE_IP_SERVICES);
	for (uint32_t i = 0; i < n->subnets_n; i++) {
		add_own(&c, n->subnets[i].cidr.ip + 1);
		add_own(&c, n->subnets[i].cidr.ip + 2);
	}
	add_interfaces(&c);
	add_far_ends(&c);
	add_route(&c, RT_TABLE_MAIN, (struct plane_cidr){ 0, 0 }, RTN_BLACKHOLE, 0, 0);
	for (uint32_t t = 0; t < n->tables_n; t++) {
		uint32_t table = TABLE_OF(k->tables[t]);
		paths_add(ret, PATH_RULE, table, FABRIC_MARK_TABLE(k->tables[t]), 0);
		for (uint32_t i = 0; i < n->tables[t].routes_n; i++)
			add_target(&c, table, &n->tables[t].routes[i]);
		for (uint32_t i = 0; i < n->cidrs_n; i++)
			if (!has_route(&n->tables[t], n->cidrs[i]))
				add_route(&c, table, n->cidrs[i], RTN_THROW, 0, 0);
	}
	paths_seal(ret);
}
