/* Links of interfaces and sockets inside a network; see fabric.h. */
#include "plane/fabric_plug.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK 1
#define OWN_TABLE(index) (100 + (index))

/* Of the router's end: only the machine behind it ever sees it. */
static void
gateway_mac(uint8_t ret[6], const struct plane_interface *i)
{
	memcpy(ret, i->mac, 6);
	ret[0] = 0x06; /* the interface's own, in another range */
	ret[1] ^= 0x68;
}

/* A route of an own table answers from where it was asked, when there are several interfaces. */
static void
add_way_out(struct buf *b, int index, uint32_t gateway, uint32_t ip, uint32_t number)
{
	struct rt_route out = { number ? OWN_TABLE(number) : RT_TABLE_MAIN, { 0, 0 }, RTN_UNICAST,
		index, gateway, ip };
	rt_route(b, true, &out);
	if (number) {
		struct rt_rule rule = { .priority = 1000 + number, .table = out.table, .from = ip };
		rt_rule(b, true, &rule);
	}
}

static bool
forgive_there(void *ctx, unsigned n, int err)
{
	(void)ctx, (void)n;
	return err == -EEXIST;
}

static int
set_up_inside(struct router *r, const struct plane_interface *i, const struct fabric_plug *p)
{
	const struct plane_subnet *s = &r->now->n.subnets[i->subnet];
	uint32_t ip = i->ips[0].private_ip, gateway = s->cidr.ip + 1;
	uint8_t mac[6];
	struct space inside;
	int err = space_of(&inside, p->netns_fd);
	if (err)
		return err;
	int index = rt_link_index(inside.rt, p->ifname);
	struct buf b = { 0 };
	rt_link_up(&b, LOOPBACK);
	if (index > 0)
		rt_link_up(&b, index);
	if (index > 0 && !p->raw) {
		gateway_mac(mac, i);
		/* Its subnet is reached by the gateway as all else: nobody is asked for, and a scan
		 * of the subnet does not fill the table of neighbours, which is one for all
		 * namespaces. */
		rt_address(&b, index, ip, s->cidr.bits);
		rt_neighbour(&b, true, index, gateway, mac);
		add_way_out(&b, index, gateway, ip, p->index);
	}
	struct nl_run run = { .failed = forgive_there };
	err = index < 0 ? index : nl_run(inside.rt, &b, &run);
	buf_done(&b);
	space_close(&inside);
	return err;
}

int
fabric_plug_link(struct router *r, const struct plane_interface *i, const struct fabric_plug *p,
	char *why, size_t cap)
{
	struct fabric_link l = fabric_link_of('v', i->id);
	struct rt_end here = { .name = l.name, .netns_fd = -1 };
	struct rt_end there = { .name = p->ifname, .netns_fd = p->netns_fd, .any_mac = p->raw };
	struct buf b = { 0 };
	/* One that nobody knows of may be left from a process that ended in between. */
	int stale = links_index(&r->links, l.name) ? 0 : rt_link_index(r->space.rt, l.name);
	if (stale > 0)
		links_put(&r->links, l.name, stale);
	fabric_router_unlink(r, l.name);
	here.index = links_next_index(&r->links);
	gateway_mac(here.mac, i);
	memcpy(there.mac, i->mac, 6);
	rt_veth(&b, &here, &there, MTU_INSIDE);
	rt_answer_at_once(&b, here.index);
	struct nl_run run = { 0 };
	int err = nl_run(r->space.rt, &b, &run);
	buf_done(&b);
	if (err)
		return fabric_fail(why, cap, err, "link %s of interface %.*s: %s %s", p->ifname,
			STR_FMT(i->id), strerror(-err), run.said);
	links_put(&r->links, l.name, here.index);
	err = set_up_inside(r, i, p);
	rt_link_ready(r->space.rt, l.name);
	if (err) {
		fabric_router_unlink(r, l.name);
		return fabric_fail(why, cap, err, "addresses of interface %.*s: %s", STR_FMT(i->id),
			strerror(-err));
	}
	return 0;
}

int
fabric_plug(const struct fabric_plug *p, char *why, size_t cap)
{
	struct router *r = fabric.open ? fabric_router(p->network) : NULL;
	const struct plane_interface *i = fabric_interface(r, p->interface);
	if (!i)
		return fabric_fail(why, cap, -ENOENT,
			"network %.*s was not made with interface %.*s", STR_FMT(p->network),
			STR_FMT(p->interface));
	if (i->local || strlen(p->ifname) >= IFNAMSIZ)
		return fabric_fail(why, cap, -EINVAL, "interface %.*s cannot be plugged",
			STR_FMT(p->interface));
	/* An earlier link may have gone with its machine, unseen by us; a new one may get its
	 * number. */
	struct fabric_link l = fabric_link_of('v', i->id);
	int known = links_index(&r->links, l.name);
	if (known && rt_link_index(r->space.rt, l.name) != known) {
		links_drop(&r->links, l.name);
		paths_forget(&r->paths, known);
	}
	int err = fabric_plug_link(r, i, p, why, cap);
	return err ? err : fabric_router_paths(r, why, cap);
}

int
fabric_unplug(struct str network, struct str interface, char *why, size_t cap)
{
	struct router *r = fabric.open ? fabric_router(network) : NULL;
	if (!r)
		return 0;
	fabric_router_unlink(r, fabric_link_of('v', interface).name);
	return r->now ? fabric_router_paths(r, why, cap) : 0;
}

int
fabric_counters(struct str network, struct str interface, struct fabric_counters *ret)
{
	struct router *r = fabric.open ? fabric_router(network) : NULL;
	struct rt_counters c;
	int err = r ? rt_link_counters(r->space.rt, fabric_link_of('v', interface).name, &c)
		    : -ENOENT;
	if (!err)
		*ret = (struct fabric_counters){ c.tx_bytes, c.tx_packets, c.rx_bytes,
			c.rx_packets };
	return err;
}

/* ---- Sockets ---- */

bool
fabric_own_address(const struct plane_network *n, uint32_t ip)
{
	for (uint32_t i = 0; i < n->subnets_n; i++)
		if (ip == n->subnets[i].cidr.ip + 1 || ip == n->subnets[i].cidr.ip + 2)
			return true;
	return ip == PLANE_IP_METADATA || ip == PLANE_IP_RESOLVER || ip == PLANE_IP_SERVICES;
}

static const struct plane_interface *
local_with(const struct plane_network *n, uint32_t ip)
{
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		for (uint32_t k = 0; n->interfaces[i].local && k < n->interfaces[i].ips_n; k++)
			if (n->interfaces[i].ips[k].private_ip == ip)
				return &n->interfaces[i];
	return NULL;
}

static int
bound(uint32_t ip, uint16_t port, int type)
{
	int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)
	};
	if (port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) ||
		(port && type == SOCK_STREAM && listen(fd, 4096))) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Inside the namespace of that pin, or the router's when it is NULL. */
static int
socket_in(struct router *r, const char *pin, uint32_t ip, uint16_t port, int type)
{
	struct space s = SPACE_CLOSED;
	int err = pin ? space_open(&s, pin) : 0;
	int back = err ? err : space_enter(pin ? &s : &r->space);
	int fd = back;
	if (back >= 0) {
		fd = bound(ip, port, type);
		space_leave(back);
	}
	space_close(&s);
	return fd;
}

int
fabric_socket(struct str network, uint32_t ip, uint16_t port, int type, char *why, size_t cap)
{
	struct router *r = fabric.open ? fabric_router(network) : NULL;
	if (!r || !r->now || (type != SOCK_STREAM && type != SOCK_DGRAM))
		return fabric_fail(
			why, cap, -ENOENT, "network %.*s was not made", STR_FMT(network));
	const struct plane_interface *local = local_with(&r->now->n, ip);
	char pin[FABRIC_PATH];
	if (local)
		fabric_pin(pin, network, 'l', local->id);
	/* From the router itself connections would pass no group. */
	else if (!fabric_own_address(&r->now->n, ip) || (type == SOCK_STREAM && !port))
		return fabric_fail(why, cap, -EADDRNOTAVAIL,
			"no address of the router or of a local interface");
	int fd = socket_in(r, local ? pin : NULL, ip, port, type);
	return fd < 0 ? fabric_fail(why, cap, fd, "socket inside network %.*s: %s",
				STR_FMT(network), strerror(-fd))
		      : fd;
}

int
fabric_ping_socket(struct str network, char *why, size_t cap)
{
	struct router *r = fabric.open ? fabric_router(network) : NULL;
	int back = r ? space_enter(&r->space) : -ENOENT;
	if (back < 0)
		return fabric_fail(
			why, cap, back, "network %.*s: %s", STR_FMT(network), strerror(-back));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	int err = fd < 0 ? -errno : 0;
	space_leave(back);
	return err ? fabric_fail(why, cap, err, "ping socket: %s", strerror(-err)) : fd;
}
