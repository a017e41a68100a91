#include "plane/fabric_rig.h"

#include "plane/rt.h"
#include "plane/space.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int home = -1, host = -1, machines[64], machines_n;
static char data_dir[300], run_dir[320];
static struct fabric_options options;
static char why[256];
static int patience_ms = RIG_PATIENCE_MS;

bool
rig_possible(void)
{
	if (geteuid())
		return false;
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	bool yes = !unshare(CLONE_NEWNET) && !setns(here, CLONE_NEWNET);
	close(here);
	return yes;
}

const char *
rig_data_dir(void)
{
	return data_dir;
}

const char *
rig_run_dir(void)
{
	return run_dir;
}

int
rig_host(void)
{
	return host;
}

static int
new_space(void)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	space_sysctl("ipv4/ping_group_range", "0 0");
	struct space s;
	struct buf b = { 0 };
	assert_int_equal(space_here(&s), 0);
	rt_link_up(&b, 1);
	assert_int_equal(nl_send(s.rt, &b), 0);
	buf_done(&b);
	space_close(&s);
	assert_int_equal(setns(back, CLONE_NEWNET), 0);
	close(back);
	return fd;
}

/* After a test that failed in between. */
static void
recover(void)
{
	patience_ms = RIG_PATIENCE_MS;
	if (home < 0)
		return;
	fabric_remove_all(why, sizeof(why));
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	if (host >= 0)
		close(host);
	host = -1;
	while (machines_n)
		close(machines[--machines_n]);
}

void
rig_up_with(const struct fabric_options *o)
{
	recover();
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	snprintf(data_dir, sizeof(data_dir), "%s", unit_tmpdir());
	snprintf(run_dir, sizeof(run_dir), "%s/run", data_dir);
	machines_n = 0;
	if (host < 0)
		host = new_space();
	assert_int_equal(setns(host, CLONE_NEWNET), 0);
	options = *o;
	options.data_dir = data_dir;
	options.run_dir = run_dir;
	if (fabric_open(&options, why, sizeof(why)))
		fail_msg("%s", why);
}

void
rig_up(void)
{
	rig_up_with(&(struct fabric_options){ 0 });
}

void
rig_restart(void)
{
	fabric_close();
	if (fabric_open(&options, why, sizeof(why)))
		fail_msg("%s", why);
}

static void
count_link(void *ctx, int index, const char *name)
{
	(void)index;
	/* Others than those every namespace has (ifb, tunl …). */
	*(int *)ctx += !strncmp(name, "hn-", 3) || !strncmp(name, "veth", 4);
}

static bool
mounts_left(void)
{
	char line[4096];
	bool left = false;
	FILE *f = fopen("/proc/self/mounts", "re");
	while (f && fgets(line, sizeof(line), f))
		left |= strstr(line, data_dir) != NULL;
	if (f)
		fclose(f);
	return left;
}

void
rig_down(void)
{
	struct space s;
	int links = 0;
	assert_int_equal(fabric_remove_all(why, sizeof(why)), 0);
	assert_int_equal(space_here(&s), 0);
	assert_int_equal(rt_links(s.rt, count_link, &links), 0);
	space_close(&s);
	assert_int_equal(links, 0);
	assert_false(mounts_left());
	char dir[400];
	snprintf(dir, sizeof(dir), "%s/%s", run_dir, fabric_tag());
	assert_int_equal(access(dir, F_OK), -1);
	while (machines_n)
		close(machines[--machines_n]);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	close(host);
	host = home = -1;
}

int
rig_machine(void)
{
	assert_true(machines_n < 64);
	return machines[machines_n++] = new_space();
}

/* ---- Descriptions ---- */

static const struct plane_match any = { PLANE_ANY, -1, -1 };

void
rig_net(struct rig_net *x, const char *id, uint32_t base)
{
	memset(x, 0, sizeof(*x));
	x->cidrs[0] = (struct plane_cidr){ base, 16 };
	x->acl_rules[0][0] = (struct plane_acl_rule){ any, { 0, 0 }, false, true };
	x->acl_rules[0][1] = (struct plane_acl_rule){ any, { 0, 0 }, true, true };
	x->acls[0] = (struct plane_acl){ STR("acl-0"), x->acl_rules[0], 2 };
	x->group_rules[0][0] = (struct plane_group_rule){ any, { 0, 0 }, PLANE_NONE, true };
	x->group_rules[0][1] = (struct plane_group_rule){ any, { 0, 0 }, 0, false };
	x->groups[0] = (struct plane_group){ STR("sg-0"), x->group_rules[0], 2, NULL, 0 };
	x->tables[0] = (struct plane_route_table){ STR("rtb-0"), x->routes[0], 0 };
	x->subnets[0] = (struct plane_subnet){ STR("subnet-0"), { base, 24 }, 0, 0, 0 };
	x->subnets[1] = (struct plane_subnet){ STR("subnet-1"), { base + 256, 24 }, 0, 0, 1 };
	x->n = (struct plane_network){ .id = str_c(id),
		.cidrs = x->cidrs,
		.cidrs_n = 1,
		.acls = x->acls,
		.acls_n = 1,
		.groups = x->groups,
		.groups_n = 1,
		.tables = x->tables,
		.tables_n = 1,
		.subnets = x->subnets,
		.subnets_n = 2,
		.interfaces = x->interfaces,
		.nats = x->nats,
		.peers = x->peers };
}

void
rig_interface(struct rig_net *x, uint32_t i, uint32_t subnet, uint32_t number)
{
	snprintf(x->names[i], sizeof(x->names[i]), "eni-%.*s-%u",
		(int)(x->n.id.len > 8 ? 8 : x->n.id.len), x->n.id.p, i);
	x->ips[i][0] = (struct plane_ip_pair){ x->subnets[subnet].cidr.ip + number, 0 };
	x->interfaces[i] = (struct plane_interface){ .id = str_c(x->names[i]),
		.mac = { 0x02, 1, 2, 3, (uint8_t)i, (uint8_t)number },
		.subnet = subnet,
		.ips = x->ips[i],
		.ips_n = 1,
		.groups = x->of_groups[i],
		.groups_n = 1,
		.source_check = true };
	if (x->n.interfaces_n <= i)
		x->n.interfaces_n = i + 1;
}

void
rig_route(struct rig_net *x, uint32_t table, struct plane_cidr to, uint8_t target, uint32_t index)
{
	x->routes[table][x->tables[table].routes_n++] = (struct plane_route){ to, target, index };
	x->tables[table].routes = x->routes[table];
	if (x->n.tables_n <= table)
		x->n.tables_n = table + 1;
}

void
rig_group_rule(struct rig_net *x, uint32_t group, struct plane_group_rule r)
{
	static const char *const names[] = { "sg-0", "sg-1", "sg-2", "sg-3" };
	x->groups[group].id = str_c(names[group]);
	x->groups[group].rules = x->group_rules[group];
	x->group_rules[group][x->groups[group].rules_n++] = r;
	if (x->n.groups_n <= group)
		x->n.groups_n = group + 1;
}

void
rig_apply(struct rig_net *x)
{
	if (fabric_apply(&x->n, why, sizeof(why)))
		fail_msg("%s", why);
}

int
rig_plug(struct rig_net *x, uint32_t i)
{
	struct fabric_plug p = { .network = x->n.id,
		.interface = x->interfaces[i].id,
		.netns_fd = rig_machine(),
		.ifname = "eth0" };
	if (fabric_plug(&p, why, sizeof(why)))
		fail_msg("%s", why);
	return p.netns_fd;
}

/* ---- Packets ---- */

void
rig_patience(int ms)
{
	patience_ms = ms;
}

static int
socket_of(int machine, int type, int proto)
{
	int back = space_enter(&(struct space){ machine, -1, -1 });
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, proto);
	space_leave(back);
	assert_true(fd >= 0);
	return fd;
}

static struct sockaddr_in
address(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)
	};
}

bool
rig_wait(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, timeout_ms) == 1;
}

bool
rig_ping(int from, uint32_t to)
{
	int fd = socket_of(from, SOCK_DGRAM, IPPROTO_ICMP);
	struct icmphdr h = { .type = ICMP_ECHO };
	struct sockaddr_in a = address(to, 0);
	bool yes = sendto(fd, &h, sizeof(h), 0, (struct sockaddr *)&a, sizeof(a)) == sizeof(h) &&
		   rig_wait(fd, patience_ms);
	/* An error that came back is no answer. */
	char answer[64];
	yes = yes && recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0;
	close(fd);
	return yes;
}

int
rig_listen(int machine, uint32_t ip, uint16_t port)
{
	int fd = socket_of(machine, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in a = address(ip, port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

int
rig_connect(int machine, uint32_t ip, uint16_t port)
{
	int fd = socket_of(machine, SOCK_STREAM | SOCK_NONBLOCK, 0), err = 0;
	socklen_t len = sizeof(err);
	struct sockaddr_in a = address(ip, port);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) && errno == EINPROGRESS) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		if (poll(&p, 1, patience_ms) != 1)
			err = ETIMEDOUT;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	}
	if (!err)
		return fd;
	close(fd);
	return -err;
}

bool
rig_echo(int a, int b)
{
	char c = 0;
	return send(a, "x", 1, MSG_NOSIGNAL) == 1 && rig_wait(b, patience_ms) &&
	       recv(b, &c, 1, MSG_DONTWAIT) == 1 && c == 'x';
}

bool
rig_tcp_seen(int from, int to, uint32_t ip, uint16_t port, uint32_t *ret_source)
{
	int server = rig_listen(to, 0, port), client = rig_connect(from, ip, port), other = -1;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	bool yes = false;
	if (client >= 0 && rig_wait(server, patience_ms)) {
		other = accept(server, (struct sockaddr *)&peer, &len);
		yes = rig_echo(client, other) && rig_echo(other, client);
		if (ret_source)
			*ret_source = ntohl(peer.sin_addr.s_addr);
	}
	if (client >= 0)
		close(client);
	if (other >= 0)
		close(other);
	close(server);
	return yes;
}

bool
rig_tcp(int from, int to, uint32_t ip, uint16_t port)
{
	return rig_tcp_seen(from, to, ip, port, NULL);
}

bool
rig_udp(int from, int to, uint32_t ip, uint16_t port)
{
	int server = socket_of(to, SOCK_DGRAM, 0), client = socket_of(from, SOCK_DGRAM, 0);
	struct sockaddr_in a = address(0, port);
	assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof(a)), 0);
	a = address(ip, port);
	bool yes = sendto(client, "u", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1 &&
		   rig_wait(server, patience_ms);
	close(server);
	close(client);
	return yes;
}

/* With a header of our own; the listener is a socket of IPPROTO_UDP (raw) that sees what
 * arrives. */
bool
rig_ping_as(int from, uint32_t source, uint32_t to, int listener)
{
	int raw = socket_of(listener, SOCK_RAW, IPPROTO_UDP),
	    fd = socket_of(from, SOCK_RAW, IPPROTO_RAW);
	struct {
		struct iphdr ip;
		uint16_t udp[4];
	} p = { .ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(28),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = htonl(source),
			.daddr = htonl(to) },
		.udp = { htons(4000), htons(4001), htons(8), 0 } };
	struct sockaddr_in a = address(to, 0);
	bool yes = sendto(fd, &p, 28, 0, (struct sockaddr *)&a, sizeof(a)) == 28 &&
		   rig_wait(raw, patience_ms);
	close(raw);
	close(fd);
	return yes;
}

void
rig_address(int machine, const char *ifname, uint32_t ip, uint8_t bits, uint32_t gateway)
{
	struct space s;
	struct buf b = { 0 };
	assert_int_equal(space_of(&s, machine), 0);
	int index = rt_link_index(s.rt, ifname);
	assert_true(index > 0);
	rt_address(&b, index, ip, bits);
	struct rt_route on_link = { RT_TABLE_MAIN, { ip & (UINT32_MAX << (32 - bits)), bits },
		RTN_UNICAST, index, 0, 0 };
	if (bits < 32)
		rt_route(&b, true, &on_link);
	if (gateway) {
		struct rt_route r = { RT_TABLE_MAIN, { 0, 0 }, RTN_UNICAST, index, gateway, 0 };
		rt_route(&b, true, &r);
	}
	assert_int_equal(nl_send(s.rt, &b), 0);
	buf_done(&b);
	space_close(&s);
}

void
rig_arp(int machine, const char *ifname, uint32_t source, uint32_t wanted)
{
	struct __attribute__((packed)) {
		uint8_t to[6], from[6];
		uint16_t type, hardware, protocol;
		uint8_t hardware_len, protocol_len;
		uint16_t op;
		uint8_t sender[6];
		uint32_t sender_ip;
		uint8_t target[6];
		uint32_t target_ip;
	} p = { { 255, 255, 255, 255, 255, 255 }, { 2, 9, 9, 9, 9, 9 }, htons(ETH_P_ARP), htons(1),
		htons(ETH_P_IP), 6, 4, htons(1), { 2, 9, 9, 9, 9, 9 }, htonl(source), { 0 },
		htonl(wanted) };
	struct space s;
	assert_int_equal(space_of(&s, machine), 0);
	int index = rt_link_index(s.rt, ifname), back = space_enter(&s);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP));
	space_leave(back);
	space_close(&s);
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6 };
	assert_int_equal(sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&a, sizeof(a)), sizeof(p));
	close(fd);
}
