/* Networks of the agent: what is asked for goes to the fabric; what it tells goes to the server. */
#include "plane/agent_impl.h"

#include "base/log.h"
#include "plane/fabric.h"
#include "plane/network_pack.h"
#include "plane/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PING_WAIT_MS 20 /* it is on this host: an answer takes a fraction of one */

static struct loop_io flows;

/* Which address an interface has, as last applied: whom to ask whether a machine is alive. */
struct known_network {
	struct arena arena;
	struct str id;
	struct map ips; /* interface -> struct known_link */
};
struct known_link {
	uint32_t ip, gateway;
	uint8_t bits, mac[6];
};
static struct map known;

static void
say_flow(void *ctx, const struct plane_flow *f)
{
	struct pack p = { 0 };
	pack_u8(&p, AGENT_FLOW);
	flow_pack(&p, f);
	agent_say(ctx, buf_str(&p.buf));
	pack_done(&p);
}

static struct agent *flows_of;

static void
flows_ready(struct loop_io *io, uint32_t events)
{
	(void)io, (void)events;
	fabric_flow_read(say_flow, flows_of);
}

bool
networks_open(struct agent *a, const char *data_dir, char *why, size_t cap)
{
	struct fabric_options o = { .data_dir = data_dir, .uplink = a->uplink };
	if (fabric_open(&o, why, cap))
		return false;
	flows_of = a;
	a->ability.public_range = fabric_range();
	flows = (struct loop_io){ .fd = fabric_flow_fd(), .events = EPOLLIN, .ready = flows_ready };
	if (flows.fd >= 0 && loop_watch(a->loop, &flows))
		log_warn("agent.flows", log_errno("why", errno));
	return true;
}

static void
forget(struct str network)
{
	struct known_network *k = map_take(&known, network);
	if (!k)
		return;
	map_done(&k->ips);
	arena_done(&k->arena);
	free(k);
}

static void
remember(const struct plane_network *n)
{
	struct known_network *k = calloc(1, sizeof(*k));
	assert(k);
	forget(n->id);
	arena_init(&k->arena);
	k->id = arena_dup(&k->arena, n->id);
	for (uint32_t i = 0; i < n->interfaces_n; i++) {
		struct known_link *l = arena_new(&k->arena, struct known_link);
		if (!n->interfaces[i].ips_n)
			continue;
		const struct plane_cidr *subnet = &n->subnets[n->interfaces[i].subnet].cidr;
		*l = (struct known_link){ n->interfaces[i].ips[0].private_ip, subnet->ip + 1,
			subnet->bits, { 0 } };
		memcpy(l->mac, n->interfaces[i].mac, 6);
		map_put(&k->ips, arena_dup(&k->arena, n->interfaces[i].id), l);
	}
	map_put(&known, k->id, k);
}

void
agent_network_apply(struct agent *a, struct agent_request *r)
{
	struct plane_network n;
	char why[PLANE_WHY_MAX] = "";
	(void)a;
	network_unpack(&r->args, &r->arena, &n);
	if (!agent_args_end(r))
		return;
	int e = fabric_apply(&n, why, sizeof(why));
	if (e) {
		agent_fail(r, e, "%s", why);
		return;
	}
	remember(&n);
	agent_ok(r);
}

void
agent_network_remove(struct agent *a, struct agent_request *r)
{
	struct str network = unpack_str(&r->args);
	char why[PLANE_WHY_MAX] = "";
	(void)a;
	if (!agent_args_end(r))
		return;
	int e = fabric_remove(network, why, sizeof(why));
	if (e) {
		agent_fail(r, e, "%s", why);
		return;
	}
	forget(network);
	agent_ok(r);
}

void
agent_network_socket(struct agent *a, struct agent_request *r)
{
	struct str network = unpack_str(&r->args);
	uint32_t ip = unpack_u32(&r->args);
	uint16_t port = unpack_u16(&r->args);
	uint8_t datagrams = unpack_u8(&r->args);
	char why[PLANE_WHY_MAX] = "";
	(void)a;
	if (!agent_args_end(r))
		return;
	int fd = fabric_socket(
		network, ip, port, datagrams ? SOCK_DGRAM : SOCK_STREAM, why, sizeof(why));
	if (fd < 0) {
		agent_fail(r, fd, "%s", *why ? why : strerror(-fd));
		return;
	}
	agent_answer(r, 0, "", 0, STR(""), fd);
	close(fd);
}

#define BYTE(ip, n) ((ip) >> (24 - 8 * (n)) & 255)

bool
networks_describe(struct str network, struct str interface, char *ret, size_t cap)
{
	struct known_network *k = map_get(&known, network);
	const struct known_link *l = k ? map_get(&k->ips, interface) : NULL;
	if (!l)
		return false;
	snprintf(ret, cap, "%02x:%02x:%02x:%02x:%02x:%02x,%u.%u.%u.%u/%u,%u.%u.%u.%u", l->mac[0],
		l->mac[1], l->mac[2], l->mac[3], l->mac[4], l->mac[5], BYTE(l->ip, 0),
		BYTE(l->ip, 1), BYTE(l->ip, 2), BYTE(l->ip, 3), l->bits, BYTE(l->gateway, 0),
		BYTE(l->gateway, 1), BYTE(l->gateway, 2), BYTE(l->gateway, 3));
	return true;
}

int
networks_plug(struct agent *a, struct str network, struct str interface, int netns_fd,
	unsigned index, bool raw, char *why, size_t cap)
{
	char name[16];
	if (!a->networks_open) {
		snprintf(why, cap, "networks are not available on this host");
		return -EOPNOTSUPP;
	}
	snprintf(name, sizeof(name), "eth%u", index);
	struct fabric_plug p = { .network = network,
		.interface = interface,
		.netns_fd = netns_fd,
		.ifname = name,
		.index = index,
		.raw = raw };
	return fabric_plug(&p, why, cap);
}

void
networks_unplug(struct agent *a, struct str network, struct str interface)
{
	char why[PLANE_WHY_MAX];
	if (a->networks_open && fabric_unplug(network, interface, why, sizeof(why)))
		log_warn("agent.unplug", log_str("interface", interface), log_c("why", why));
}

/* An echo from the router, as far as the machine's own kernel part answers it. */
static bool
answers(struct str network, uint32_t ip)
{
	char why[PLANE_WHY_MAX];
	struct icmphdr h = { .type = ICMP_ECHO };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
	int fd = fabric_ping_socket(network, why, sizeof(why));
	if (fd < 0)
		return false;
	struct pollfd p = { fd, POLLIN, 0 };
	bool yes = sendto(fd, &h, sizeof(h), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(h) &&
		   poll(&p, 1, PING_WAIT_MS) == 1 && p.revents & POLLIN;
	close(fd);
	return yes;
}

void
networks_look(struct agent *a, struct machine *m, struct plane_machine_report *r)
{
	struct fabric_counters c;
	for (uint32_t i = 0; a->networks_open && i < m->m.interfaces_n; i++)
		if (fabric_counters(m->m.network, m->m.interfaces[i], &c) == 0) {
			r->net_in_bytes += c.in_bytes;
			r->net_out_bytes += c.out_bytes;
		}
	struct known_network *k = m->m.interfaces_n ? map_get(&known, m->m.network) : NULL;
	const struct known_link *l = k ? map_get(&k->ips, m->m.interfaces[0]) : NULL;
	if (l && r->instance_ok)
		r->instance_ok = answers(m->m.network, l->ip);
}

int
networks_remove_all(struct agent *a, char *why, size_t cap)
{
	if (!a->networks_open)
		return 0;
	if (flows.fd >= 0)
		loop_unwatch(a->loop, &flows);
	flows.fd = -1;
	int r = fabric_remove_all(why, cap);
	fabric_close();
	a->networks_open = false;
	return r;
}
