/*
 * What else hangs at a router than machines: NAT gateways and local interfaces, which are
 * namespaces of their own so that their packets pass the router's forward hook like anybody's
 * (connections made in the router itself would not); and links to the routers of peered networks.
 */
#include "plane/fabric_plug.h"
#include "plane/fabric_state.h"
#include "plane/plane.h"

#include <dirent.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- NAT gateways ---- */

static int
nat_rules(struct space *s, uint32_t private_ip, char *why, size_t cap)
{
	struct arena a = { 0 };
	struct nft_rules rules;
	struct buf b = { 0 };
	char said[200] = "";
	nft_rules_init(&rules, &a, FABRIC_TABLE);
	fabric_rules_nat(&rules, private_ip);
	nft_rules_change(&b, NULL, &rules);
	int err = space_nft(s) < 0 ? s->nft : nft_rules_send(s->nft, &b, said, sizeof(said));
	buf_done(&b);
	nft_rules_done(&rules);
	arena_done(&a);
	return err ? fabric_fail(why, cap, err, "NAT gateway: %s", said) : 0;
}

static int
nat_link(struct router *r, struct space *s, const struct plane_nat *t, const char *link)
{
	uint32_t gateway = r->now->n.subnets[t->subnet].cidr.ip + 1;
	struct rt_end here = { .name = link, .netns_fd = -1, .index = links_next_index(&r->links) },
		      there = { .name = "eth0", .netns_fd = s->ns };
	fabric_nat_mac(here.mac, false);
	fabric_nat_mac(there.mac, true);
	struct buf b = { 0 };
	rt_veth(&b, &here, &there, MTU_INSIDE);
	int err = nl_send(r->space.rt, &b);
	int index = err ? err : rt_link_index(r->space.rt, link),
	    inside = err ? err : rt_link_index(s->rt, "eth0");
	if (index > 0 && inside > 0) {
		struct rt_route out = { RT_TABLE_MAIN, { 0, 0 }, RTN_UNICAST, inside, gateway,
			t->private_ip };
		links_put(&r->links, link, index);
		rt_link_up(&b, inside);
		rt_address(&b, inside, t->private_ip, 32);
		rt_neighbour(&b, true, inside, gateway, here.mac);
		rt_route(&b, true, &out);
		err = nl_send(s->rt, &b);
		rt_link_ready(r->space.rt, link);
	}
	buf_done(&b);
	return err ? err : index < 0 ? index : inside < 0 ? inside : 0;
}

static int
nat_make(struct router *r, const struct plane_nat *t, char *why, size_t cap)
{
	char pin[FABRIC_PATH];
	struct fabric_link l = fabric_link_of('n', t->id);
	struct space s;
	if (links_index(&r->links, l.name))
		return 0;
	fabric_pin(pin, str_c(r->id), 'n', t->id);
	space_remove(NULL, pin);
	int err = space_make(&s, pin, SPACE_HOP);
	if (err)
		return fabric_fail(why, cap, err, "network namespace %s: %s", pin, strerror(-err));
	err = nat_rules(&s, t->private_ip, why, cap);
	if (!err && (err = nat_link(r, &s, t, l.name)))
		fabric_fail(why, cap, err, "NAT gateway: %s", strerror(-err));
	space_close(&s);
	if (err)
		space_remove(NULL, pin);
	return err;
}

/* ---- Local interfaces ---- */

static int
local_make(struct router *r, const struct plane_interface *i, char *why, size_t cap)
{
	char pin[FABRIC_PATH];
	struct space s;
	if (links_index(&r->links, fabric_link_of('v', i->id).name))
		return 0;
	fabric_pin(pin, str_c(r->id), 'l', i->id);
	space_remove(NULL, pin);
	int err = space_make(&s, pin, SPACE_END);
	if (err)
		return fabric_fail(why, cap, err, "network namespace %s: %s", pin, strerror(-err));
	struct fabric_plug p = {
		.network = str_c(r->id), .interface = i->id, .netns_fd = s.ns, .ifname = "eth0"
	};
	err = fabric_plug_link(r, i, &p, why, cap);
	space_close(&s);
	if (err)
		space_remove(NULL, pin);
	return err;
}

/* ---- Peerings ---- */

static bool
names_peering(const struct router *r, struct str id, struct str network)
{
	const struct plane_network *n = r && r->now ? &r->now->n : NULL;
	for (uint32_t i = 0; n && i < n->peers_n; i++)
		if (str_eq(n->peers[i].id, id) && str_eq(n->peers[i].network, network))
			return true;
	return false;
}

/* Once both sides ask for it. The other side's routes learn of the link at once. */
static int
peer_make(struct router *r, const struct plane_peer *p, char *why, size_t cap)
{
	struct router *other = fabric_router(p->network);
	struct fabric_link l = fabric_link_of('p', p->id);
	if (other == r || !names_peering(other, p->id, str_c(r->id)) ||
		(links_index(&r->links, l.name) && links_index(&other->links, l.name)))
		return 0;
	fabric_router_unlink(r, l.name);
	fabric_router_unlink(other, l.name);
	struct rt_end here = {
		.name = l.name, .netns_fd = -1, .index = links_next_index(&r->links)
	};
	struct rt_end there = { .name = l.name,
		.netns_fd = other->space.ns,
		.index = links_next_index(&other->links) };
	there.index += there.index == here.index;
	bool upper = strcmp(r->id, other->id) > 0;
	fabric_mac(here.mac, upper);
	fabric_mac(there.mac, !upper);
	struct buf b = { 0 };
	rt_veth(&b, &here, &there, MTU_INSIDE);
	int err = nl_send(r->space.rt, &b);
	int index = err ? err : rt_link_index(r->space.rt, l.name),
	    far = err ? err : rt_link_index(other->space.rt, l.name);
	if (far > 0) {
		rt_link_up(&b, far);
		err = nl_send(other->space.rt, &b);
		rt_link_ready(r->space.rt, l.name);
		far = err ? err : far;
	}
	buf_done(&b);
	if (index < 0 || far < 0)
		return fabric_fail(why, cap, index < 0 ? index : far, "link of the peering: %s",
			strerror(index < 0 ? -index : -far));
	links_put(&r->links, l.name, index);
	links_put(&other->links, l.name, far);
	return fabric_router_paths(other, why, cap);
}

int
fabric_ends_make(struct router *r, char *why, size_t cap)
{
	const struct plane_network *n = &r->now->n;
	int err = 0;
	for (uint32_t i = 0; !err && i < n->nats_n; i++)
		err = nat_make(r, &n->nats[i], why, cap);
	for (uint32_t i = 0; !err && i < n->interfaces_n; i++)
		if (n->interfaces[i].local)
			err = local_make(r, &n->interfaces[i], why, cap);
	for (uint32_t i = 0; !err && i < n->peers_n; i++)
		err = peer_make(r, &n->peers[i], why, cap);
	return err;
}

/* ---- Going ---- */

static bool
end_wanted(const struct plane_network *n, char kind, struct str id)
{
	for (uint32_t i = 0; n && kind == 'n' && i < n->nats_n; i++)
		if (str_eq(n->nats[i].id, id))
			return true;
	for (uint32_t i = 0; n && kind == 'l' && i < n->interfaces_n; i++)
		if (n->interfaces[i].local && str_eq(n->interfaces[i].id, id))
			return true;
	return false;
}

static void
remove_spaces(struct router *r, const struct plane_network *n)
{
	DIR *d = opendir(fabric.dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct str id = str_c(e->d_name), network = str_cut(&id, '.'),
			   kind = str_cut(&id, '.');
		if (!str_eq(network, str_c(r->id)) || kind.len != 1 || end_wanted(n, kind.p[0], id))
			continue;
		char pin[FABRIC_PATH];
		fabric_pin(pin, network, kind.p[0], id);
		fabric_router_unlink(r, fabric_link_of(kind.p[0] == 'n' ? 'n' : 'v', id).name);
		space_remove(NULL, pin);
	}
	if (d)
		closedir(d);
}

static bool
peer_wanted(const struct plane_network *n, struct str id)
{
	for (uint32_t i = 0; n && i < n->peers_n; i++)
		if (str_eq(n->peers[i].id, id))
			return true;
	return false;
}

void
fabric_ends_remove(struct router *r, const struct plane_network *n)
{
	const struct plane_network *was = r->now ? &r->now->n : NULL;
	/* Only networks that have, or may have had, such ends pay for looking. */
	bool look = !was || !n || was->nats_n || n->nats_n;
	for (uint32_t i = 0; !look && i < was->interfaces_n; i++)
		look = was->interfaces[i].local;
	if (look)
		remove_spaces(r, n);
	for (uint32_t i = 0; was && i < was->peers_n; i++) {
		const struct plane_peer *p = &was->peers[i];
		struct router *other = fabric_router(p->network);
		if (peer_wanted(n, p->id))
			continue;
		fabric_router_unlink(r, fabric_link_of('p', p->id).name);
		if (other && other != r) {
			/* The pair is gone; the other side's routes through it become holes. */
			struct fabric_link l = fabric_link_of('p', p->id);
			int index = links_index(&other->links, l.name);
			char why[PLANE_WHY_MAX];
			links_drop(&other->links, l.name);
			paths_forget(&other->paths, index ? index : -1);
			if (other->now)
				fabric_router_paths(other, why, sizeof(why));
		}
	}
}
