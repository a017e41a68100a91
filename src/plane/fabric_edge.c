/*
 * The edge: where routers and the host meet. It is a namespace with a link to each router that has
 * an internet gateway and one to the host; it routes each public address to the router that has it.
 * The host has one link and one range, and a table of rules only where packets go beyond it.
 */
#include "plane/fabric_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST_IP(range) ((range).ip + 1)
#define EDGE_IP(range) ((range).ip + 2)
#define LOOPBACK 1

static const uint8_t host_mac[6] = { 0x02, 0x68, 0x6e, 0, 2, 1 },
		     edge_mac[6] = { 0x02, 0x68, 0x6e, 0, 2, 2 };

static void
host_link_name(char out[IFNAMSIZ])
{
	snprintf(out, IFNAMSIZ, "hn-%s", fabric.tag);
}

static void
edge_pin(char out[FABRIC_PATH])
{
	snprintf(out, FABRIC_PATH, "%s/.edge", fabric.dir);
}

/* ---- The range ---- */

struct taken {
	struct plane_cidr range;
	int own; /* index of our own link, whose routes do not count */
	bool hit;
};

static void
look_at_route(void *ctx, const struct rt_route *r)
{
	struct taken *t = ctx;
	uint8_t bits = r->to.bits < t->range.bits ? r->to.bits : t->range.bits;
	uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
	if (r->to.bits && !((r->to.ip ^ t->range.ip) & mask) && r->index != t->own)
		t->hit = true;
}

static bool
range_free(struct plane_cidr range)
{
	char name[IFNAMSIZ];
	host_link_name(name);
	int own = rt_link_index(fabric.host.rt, name);
	struct taken t = { .range = range, .own = own > 0 ? own : -1 };
	return !rt_routes(fabric.host.rt, look_at_route, &t) && !t.hit;
}

static void
range_path(char out[PATH_MAX + 16])
{
	snprintf(out, PATH_MAX + 16, "%s/public-range", fabric.data_dir);
}

static bool
range_kept(struct plane_cidr *ret)
{
	char path[PATH_MAX + 16], text[64] = "";
	range_path(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	unsigned a, b, c, d, bits;
	if (n <= 0 || sscanf(text, "%u.%u.%u.%u/%u", &a, &b, &c, &d, &bits) != 5 ||
		(a | b | c | d) > 255 || bits < 8 || bits > 28)
		return false;
	*ret = (struct plane_cidr){ a << 24 | b << 16 | c << 8 | d, (uint8_t)bits };
	ret->ip &= UINT32_MAX << (32 - bits);
	return true;
}

static void
range_keep(struct plane_cidr r)
{
	char path[PATH_MAX + 16];
	range_path(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	dprintf(fd, "%u.%u.%u.%u/%u\n", r.ip >> 24, r.ip >> 16 & 255, r.ip >> 8 & 255, r.ip & 255,
		r.bits);
	close(fd);
}

int
fabric_range_choose(struct plane_cidr wanted, char *why, size_t cap)
{
	struct plane_cidr r = wanted;
	if (r.bits && (r.bits > 28 || r.bits < 8 || r.ip & ~(UINT32_MAX << (32 - r.bits))))
		return fabric_fail(why, cap, -EINVAL,
			"the range of public addresses must be a prefix of 8 to 28 bits");
	if ((r.bits || range_kept(&r)) && range_free(r)) {
		fabric.range = r;
		if (wanted.bits)
			range_keep(r);
		return 0;
	}
	if (wanted.bits)
		return fabric_fail(why, cap, -EADDRINUSE,
			"the range of public addresses overlaps a route of this host; choose another one");
	/* Another Haneul, a VPN …: several share the thousand ranges of 100.64.0.0/10, each
	 * starting elsewhere. */
	uint32_t first = (uint32_t)strtoul(fabric.tag, NULL, 16);
	for (uint32_t i = 0; i < 1024; i++) {
		r = (struct plane_cidr){ 0x64400000 + ((first + i) & 1023) * 4096, 20 };
		if (range_free(r)) {
			fabric.range = r;
			range_keep(r);
			return 0;
		}
	}
	return fabric_fail(why, cap, -EADDRINUSE,
		"no /20 of 100.64.0.0/10 is free of this host's routes; set a range of public addresses");
}

/* ---- The link to the host ---- */

static void
add_edge_base(struct buf *b, int host)
{
	rt_neighbour(b, true, host, HOST_IP(fabric.range), host_mac);
	const struct rt_route routes[] = {
		{ RT_TABLE_LOCAL, { EDGE_IP(fabric.range), 32 }, RTN_LOCAL, LOOPBACK, 0, 0 },
		{ RT_TABLE_MAIN, { HOST_IP(fabric.range), 32 }, RTN_UNICAST, host,
			HOST_IP(fabric.range), 0 },
		{ RT_TABLE_MAIN, fabric.range, RTN_BLACKHOLE, 0, 0, 0 },
		{ RT_TABLE_MAIN, { 0, 0 }, RTN_BLACKHOLE, 0, 0, 0 },
		{ RT_TABLE_MAIN, { 0, 0 }, RTN_UNICAST, host, HOST_IP(fabric.range), 0 },
	};
	for (unsigned i = 0; i < 5; i++)
		if (i != (fabric.uplink == FABRIC_UPLINK_OFF ? 4 : 3))
			rt_route(b, true, &routes[i]);
}

/* The host's side: an address, the range behind it, its neighbour; nothing global. */
static int
connect_host(void)
{
	char name[IFNAMSIZ];
	host_link_name(name);
	struct buf b = { 0 };
	int err = 0, here = rt_link_index(fabric.host.rt, name),
	    there = links_index(&fabric.edge_links, "host");
	if (here > 0 && !there) {
		rt_link_remove(&b, here);
		nl_send(fabric.host.rt, &b);
	}
	if (!there) {
		struct rt_end host = { .name = name, .netns_fd = -1 },
			      edge = { .name = "host", .netns_fd = fabric.edge.ns, .index = 1000 };
		memcpy(host.mac, host_mac, 6);
		memcpy(edge.mac, edge_mac, 6);
		rt_veth(&b, &host, &edge, MTU_OUTSIDE);
		err = nl_send(fabric.host.rt, &b);
		here = err ? err : rt_link_index(fabric.host.rt, name);
		there = err ? err : rt_link_index(fabric.edge.rt, "host");
		if (there > 0)
			links_put(&fabric.edge_links, "host", there);
	}
	if (!err && here > 0 && there > 0) {
		rt_link_up(&b, there);
		err = nl_send(fabric.edge.rt, &b);
		struct rt_route to = { RT_TABLE_MAIN, fabric.range, RTN_UNICAST, here,
			EDGE_IP(fabric.range), HOST_IP(fabric.range) };
		rt_address(&b, here, HOST_IP(fabric.range), 32);
		rt_neighbour(&b, true, here, EDGE_IP(fabric.range), edge_mac);
		rt_route(&b, true, &to);
		err = err ? err : nl_send(fabric.host.rt, &b);
		buf_clear(&b);
		add_edge_base(&b, there);
		err = err ? err : nl_send(fabric.edge.rt, &b);
		rt_link_ready(fabric.host.rt, name);
	}
	buf_done(&b);
	return err ? err : here < 0 ? here : there < 0 ? there : 0;
}

static bool
host_forwards(void)
{
	char c = '0';
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool yes = read(fd, &c, 1) == 1 && c == '1';
	close(fd);
	return yes;
}

static const char *
host_table(char out[32])
{
	snprintf(out, 32, "haneul-%s", fabric.tag);
	return out;
}

/* Only where packets go beyond the host. */
static int
host_rules(char *why, size_t cap)
{
	char name[IFNAMSIZ], table[32], said[200] = "";
	host_link_name(name);
	if (fabric.uplink == FABRIC_UPLINK_AUTO)
		fabric.uplink = host_forwards() ? FABRIC_UPLINK_MASQUERADE : FABRIC_UPLINK_OFF;
	int nft = space_nft(&fabric.host);
	struct arena a = { 0 };
	struct nft_rules r;
	struct buf b = { 0 };
	nft_rules_init(&r, &a, host_table(table));
	if (fabric.uplink != FABRIC_UPLINK_OFF)
		fabric_rules_host(&r, name, fabric.range, fabric.uplink);
	nft_rules_change(&b, fabric.uplink == FABRIC_UPLINK_OFF ? &r : NULL,
		fabric.uplink == FABRIC_UPLINK_OFF ? NULL : &r);
	int err = nft < 0 ? nft : nft_rules_send(nft, &b, said, sizeof(said));
	buf_done(&b);
	nft_rules_done(&r);
	arena_done(&a);
	return err ? fabric_fail(why, cap, -EOPNOTSUPP,
			     "nf_tables: %s; the kernel needs CONFIG_NF_TABLES", said)
		   : 0;
}

/* ---- Public addresses ---- */

static int
send_rules(char *why, size_t cap)
{
	struct arena *a = calloc(1, sizeof(*a));
	struct nft_rules r;
	struct fabric_public *all = arena_array(a, struct fabric_public, fabric.public_n);
	for (uint32_t i = 0; i < fabric.public_n; i++)
		all[i] = (struct fabric_public){ fabric.public[i].ip,
			arena_cstr(a, str_c(fabric.public[i].link)) };
	nft_rules_init(&r, a, FABRIC_TABLE);
	fabric_rules_edge(&r, fabric.range, all, fabric.public_n, fabric.uplink);
	struct buf b = { 0 };
	char said[200] = "";
	int err = 0, nft = space_nft(&fabric.edge);
	if (nft < 0)
		err = nft;
	else if (nft_rules_change(&b, fabric.edge_known ? &fabric.edge_rules : NULL, &r))
		err = nft_rules_send(nft, &b, said, sizeof(said));
	buf_done(&b);
	if (err) {
		nft_rules_done(&r);
		arena_done(a);
		free(a);
		return fabric_fail(why, cap, err, "edge: %s", said);
	}
	if (fabric.edge_arena) {
		nft_rules_done(&fabric.edge_rules);
		arena_done(fabric.edge_arena);
		free(fabric.edge_arena);
	}
	fabric.edge_arena = a;
	fabric.edge_rules = r;
	fabric.edge_known = true;
	return 0;
}

static bool
forgive_gone(void *ctx, unsigned n, int err)
{
	(void)ctx, (void)n;
	return err == -ESRCH || err == -ENOENT;
}

static int
send_paths(char *why, size_t cap)
{
	struct paths to = { 0 };
	uint8_t mac[6];
	fabric_mac(mac, false);
	for (uint32_t i = 0; i < fabric.public_n; i++) {
		int index = links_index(&fabric.edge_links, fabric.public[i].link);
		if (!index)
			continue;
		struct path *x = paths_add(&to, PATH_NEIGHBOUR, (uint32_t)index, FABRIC_FAR_IP, 0);
		x->index = index;
		memcpy(x->mac, mac, 6);
		x = paths_add(&to, PATH_ROUTE, RT_TABLE_MAIN, fabric.public[i].ip, 32);
		x->type = RTN_UNICAST;
		x->index = index;
		x->gateway = FABRIC_FAR_IP;
	}
	paths_seal(&to);
	struct buf b = { 0 };
	paths_change(&b, &fabric.edge_paths, &to);
	struct nl_run run = { .failed = forgive_gone };
	int err = nl_run(fabric.edge.rt, &b, &run);
	buf_done(&b);
	paths_done(&fabric.edge_paths);
	fabric.edge_paths = to;
	return err ? fabric_fail(why, cap, err, "edge: routes of public addresses: %s %s",
			     strerror(-err), run.said)
		   : 0;
}

static void
public_put(uint32_t ip, const char *link)
{
	for (uint32_t i = 0; i < fabric.public_n; i++)
		if (fabric.public[i].ip == ip) {
			memcpy(fabric.public[i].link, link, IFNAMSIZ);
			return;
		}
	fabric.public = realloc(fabric.public, (fabric.public_n + 1) * sizeof(*fabric.public));
	fabric.public[fabric.public_n].ip = ip;
	memcpy(fabric.public[fabric.public_n++].link, link, IFNAMSIZ);
}

static void
public_drop(const char *link)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < fabric.public_n; i++)
		if (strcmp(fabric.public[i].link, link))
			fabric.public[kept++] = fabric.public[i];
	fabric.public_n = kept;
}

int
fabric_edge_publish(struct router *r, const struct plane_network *n, char *why, size_t cap)
{
	struct fabric_link l = fabric_link_of('r', str_c(r->id));
	public_drop(l.name);
	for (uint32_t i = 0; n && n->internet && i < n->interfaces_n; i++)
		for (uint32_t k = 0; k < n->interfaces[i].ips_n; k++)
			if (n->interfaces[i].ips[k].public_ip)
				public_put(n->interfaces[i].ips[k].public_ip, l.name);
	for (uint32_t i = 0; n && n->internet && i < n->nats_n; i++)
		if (n->nats[i].public_ip)
			public_put(n->nats[i].public_ip, l.name);
	int err = send_rules(why, cap);
	return err ? err : send_paths(why, cap);
}

void
fabric_edge_disconnected(struct router *r)
{
	struct fabric_link l = fabric_link_of('r', str_c(r->id));
	int index = links_index(&fabric.edge_links, l.name);
	links_drop(&fabric.edge_links, l.name);
	if (index)
		paths_forget(&fabric.edge_paths, index);
}

int
fabric_edge_connect(struct router *r, char *why, size_t cap)
{
	struct fabric_link l = fabric_link_of('r', str_c(r->id));
	if (links_index(&r->links, FABRIC_IGW_LINK) && links_index(&fabric.edge_links, l.name))
		return 0;
	fabric_router_unlink(r, FABRIC_IGW_LINK);
	struct rt_end router = { .name = FABRIC_IGW_LINK,
		.netns_fd = -1,
		.index = links_next_index(&r->links) },
		      edge = { .name = l.name, .netns_fd = fabric.edge.ns };
	fabric_mac(router.mac, false);
	fabric_mac(edge.mac, true);
	struct buf b = { 0 };
	rt_veth(&b, &router, &edge, MTU_OUTSIDE);
	int err = nl_send(r->space.rt, &b);
	int here = err ? err : rt_link_index(r->space.rt, FABRIC_IGW_LINK),
	    there = err ? err : rt_link_index(fabric.edge.rt, l.name);
	if (there > 0) {
		rt_link_up(&b, there);
		err = nl_send(fabric.edge.rt, &b);
		there = err ? err : there;
		rt_link_ready(r->space.rt, FABRIC_IGW_LINK);
	}
	buf_done(&b);
	if (here < 0 || there < 0)
		return fabric_fail(why, cap, here < 0 ? here : there,
			"link of the internet gateway: %s", strerror(here < 0 ? -here : -there));
	links_put(&r->links, FABRIC_IGW_LINK, here);
	links_put(&fabric.edge_links, l.name, there);
	return 0;
}

/* ---- Open, close ---- */


static void
adopt_public(void)
{
	size_t at = 0;
	struct str name;
	void *v;
	for (uint32_t i = 0; i < fabric.edge_paths.n; i++) {
		const struct path *x = &fabric.edge_paths.all[i];
		at = 0;
		while (x->kind == PATH_ROUTE && x->table == RT_TABLE_MAIN && x->bits == 32 &&
			map_next(&fabric.edge_links.by_name, &at, &name, &v)) {
			struct link_known *l = v;
			if (l->index == x->index && l->name[0] == 'r')
				public_put(x->ip, l->name);
		}
	}
}

/* Those of public addresses only; the edge's own stand for themselves. */
static void
keep_public_paths(void)
{
	struct paths *p = &fabric.edge_paths;
	int host = links_index(&fabric.edge_links, "host");
	uint32_t kept = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (p->all[i].index && p->all[i].index != host && p->all[i].index != LOOPBACK)
			p->all[kept++] = p->all[i];
	p->n = kept;
}

int
fabric_edge_open(char *why, size_t cap)
{
	char pin[FABRIC_PATH];
	edge_pin(pin);
	int err = space_open(&fabric.edge, pin);
	if (err)
		err = space_make(&fabric.edge, pin, SPACE_HOP);
	if (err)
		return fabric_fail(why, cap, err,
			err == -EPERM ? "no privilege to make network namespaces: run as root"
				      : "network namespace %s: %s",
			pin, strerror(-err));
	links_read(&fabric.edge_links, fabric.edge.rt);
	err = host_rules(why, cap);
	if (err)
		return err;
	err = connect_host();
	if (err)
		return fabric_fail(why, cap, err == -EOPNOTSUPP ? -EOPNOTSUPP : err,
			"veth to the host: %s; the kernel needs CONFIG_VETH", strerror(-err));
	paths_read(fabric.edge.rt, &fabric.edge_paths);
	keep_public_paths();
	adopt_public();
	return send_rules(why, cap);
}

void
fabric_edge_close(void)
{
	space_close(&fabric.edge);
	links_done(&fabric.edge_links);
	paths_done(&fabric.edge_paths);
	if (fabric.edge_arena) {
		nft_rules_done(&fabric.edge_rules);
		arena_done(fabric.edge_arena);
		free(fabric.edge_arena);
	}
	free(fabric.public);
}

void
fabric_edge_remove(void)
{
	char pin[FABRIC_PATH], name[IFNAMSIZ], table[32], said[200];
	edge_pin(pin);
	host_link_name(name);
	space_remove(fabric.edge.ns >= 0 ? &fabric.edge : NULL, pin);
	struct buf b = { 0 };
	int index = rt_link_index(fabric.host.rt, name);
	if (index > 0) {
		rt_link_remove(&b, index);
		nl_send(fabric.host.rt, &b);
	}
	struct nft_rules r = { .table = host_table(table), .family = NFPROTO_IPV4 };
	nft_rules_change(&b, &r, NULL);
	if (space_nft(&fabric.host) >= 0)
		nft_rules_send(fabric.host.nft, &b, said, sizeof(said));
	buf_done(&b);
}
