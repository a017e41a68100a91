/* What a network offers besides packets between machines: sockets, flows, restarts, the way out;
 * and that nothing stays. */
#include "plane/fabric.h"
#include "plane/fabric_rig.h"
#include "plane/rt.h"
#include "plane/space.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEEDS_ROOT()                                               \
	do {                                                       \
		if (!rig_possible())                               \
			test_skip("network namespaces need root"); \
	} while (0)

static struct rig_net a, b;
static const struct plane_match any = { PLANE_ANY, -1, -1 };
static const struct plane_cidr all = { 0, 0 };
static char why[256];

static void
two(struct rig_net *x, const char *id, uint32_t base)
{
	rig_net(x, id, base);
	rig_interface(x, 0, 0, 10);
	rig_interface(x, 1, 1, 10);
}

/* Everybody may come in. */
static void
open_group(struct rig_net *x)
{
	x->group_rules[0][1] = (struct plane_group_rule){ any, all, PLANE_NONE, false };
}

TEST(sockets_of_the_router)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	a.groups[0].rules_n =
		0; /* no group lets anything pass: the router's own addresses do not ask */
	rig_apply(&a);
	int one = rig_plug(&a, 0);
	int web = fabric_socket(STR("vpc-a"), PLANE_IP_METADATA, 80, SOCK_STREAM, why, sizeof(why));
	int names = fabric_socket(STR("vpc-a"), IP(10, 0, 0, 2), 53, SOCK_DGRAM, why, sizeof(why));
	assert_true(web >= 0 && names >= 0);
	int client = rig_connect(one, PLANE_IP_METADATA, 80);
	assert_true(client >= 0 && rig_wait(web, RIG_PATIENCE_MS));
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int server = accept(web, (struct sockaddr *)&peer, &len);
	assert_int_equal(ntohl(peer.sin_addr.s_addr),
		IP(10, 0, 0, 10)); /* who asks is known by its address */
	assert_true(rig_echo(client, server) && rig_echo(server, client));
	int back = space_enter(&(struct space){ one, -1, -1 }),
	    udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	space_leave(back);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(53),
		.sin_addr.s_addr = htonl(IP(10, 0, 0, 2)) };
	char c;
	assert_int_equal(sendto(udp, "q", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	assert_true(rig_wait(names, RIG_PATIENCE_MS));
	len = sizeof(peer);
	assert_int_equal(recvfrom(names, &c, 1, 0, (struct sockaddr *)&peer, &len), 1);
	assert_int_equal(sendto(names, "a", 1, 0, (struct sockaddr *)&peer, len), 1);
	assert_true(rig_wait(udp, RIG_PATIENCE_MS));
	/* A probe passes every group; other sockets are not to be had in the router: connections
	 * from there would pass no group. */
	int ping = fabric_ping_socket(STR("vpc-a"), why, sizeof(why));
	assert_true(ping >= 0);
	assert_int_equal(
		fabric_socket(STR("vpc-a"), IP(10, 0, 0, 10), 80, SOCK_STREAM, why, sizeof(why)),
		-EADDRNOTAVAIL);
	assert_int_equal(
		fabric_socket(STR("vpc-a"), IP(10, 0, 0, 2), 0, SOCK_STREAM, why, sizeof(why)),
		-EADDRNOTAVAIL);
	assert_int_equal(
		fabric_socket(STR("vpc-x"), IP(10, 0, 0, 2), 53, SOCK_DGRAM, why, sizeof(why)),
		-ENOENT);
	int fds[] = { web, names, client, server, udp, ping };
	for (unsigned i = 0; i < 6; i++)
		close(fds[i]);
	rig_down();
}

/* A balancer: its interface is this program's, and groups hold for it as for a machine. */
TEST(local_interfaces_obey_groups)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_interface(&a, 2, 0, 20);
	a.interfaces[2].local = true;
	rig_group_rule(&a, 1, (struct plane_group_rule){ { 6, 80, 80 }, all, PLANE_NONE, false });
	rig_group_rule(
		&a, 1, (struct plane_group_rule){ { 6, 8080, 8080 }, all, PLANE_NONE, true });
	a.of_groups[2][0] = 1;
	rig_group_rule(&a, 0, (struct plane_group_rule){ { 6, 8080, 8090 }, all, 1, false });
	rig_apply(&a);
	int one = rig_plug(&a, 0), target = rig_plug(&a, 1);
	int web = fabric_socket(STR("vpc-a"), IP(10, 0, 0, 20), 80, SOCK_STREAM, why, sizeof(why));
	int other =
		fabric_socket(STR("vpc-a"), IP(10, 0, 0, 20), 81, SOCK_STREAM, why, sizeof(why));
	assert_true(web >= 0 && other >= 0);
	int client = rig_connect(one, IP(10, 0, 0, 20), 80);
	assert_true(client >= 0);
	rig_patience(100);
	assert_true(rig_connect(one, IP(10, 0, 0, 20), 81) < 0);
	rig_patience(RIG_PATIENCE_MS);
	/* Out of it: to 8080 and no other port. */
	int server = rig_listen(target, 0, 8080), closed = rig_listen(target, 0, 8081);
	for (uint16_t port = 8080; port <= 8081; port++) {
		int fd = fabric_socket(
			STR("vpc-a"), IP(10, 0, 0, 20), 0, SOCK_STREAM, why, sizeof(why));
		struct sockaddr_in to = { .sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr.s_addr = htonl(IP(10, 0, 1, 10)) };
		assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
		assert_int_equal(errno, EINPROGRESS);
		assert_int_equal(rig_wait(port == 8080 ? server : closed,
					 port == 8080 ? RIG_PATIENCE_MS : 100),
			port == 8080);
		close(fd);
	}
	/* Another process opens sockets of the same interface. */
	rig_restart();
	rig_apply(&a);
	int again =
		fabric_socket(STR("vpc-a"), IP(10, 0, 0, 20), 82, SOCK_STREAM, why, sizeof(why));
	assert_true(again >= 0);
	int fds[] = { web, other, client, server, closed, again };
	for (unsigned i = 0; i < 6; i++)
		close(fds[i]);
	a.n.interfaces_n = 2;
	rig_apply(&a);
	assert_refused(rig_ping(one, IP(10, 0, 0, 20)));
	rig_down();
}

static int
lines_of(const char *path, const char *with)
{
	char line[300];
	int n = 0;
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, with) != NULL;
	if (f)
		fclose(f);
	return n;
}

/* A machine that asks under a hundred foreign addresses gets no answer and leaves no trace in the
 * kernel's table. */
TEST(neighbours_are_not_invented)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_apply(&a);
	int one = rig_plug(&a, 0);
	for (uint32_t i = 100; i < 200; i++)
		rig_arp(one, "eth0", IP(10, 0, 0, i), IP(10, 0, 0, 1));
	char pin[500];
	struct space s;
	snprintf(pin, sizeof(pin), "%s/%s/vpc-a", rig_run_dir(), fabric_tag());
	assert_int_equal(space_open(&s, pin), 0);
	int back = space_enter(&s);
	assert_int_equal(lines_of("/proc/thread-self/net/arp", "10.0.0."), 1); /* its own */
	space_leave(back);
	space_close(&s);
	assert_true(rig_ping(one, IP(10, 0, 0, 1)));
	rig_down();
}

/* A datagram is sent once: were the first packets of a new link lost, as they are while the kernel
 * has not seen both ends up, a machine's first connection would wait a second. */
TEST(the_first_packet_of_a_link_arrives)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_apply(&a);
	int far = rig_plug(&a, 1);
	for (int i = 0; i < 20; i++) {
		int one = rig_plug(&a, 0);
		assert_true(rig_udp(one, far, IP(10, 0, 1, 10), 53));
		one = rig_plug(&a, 0);
		assert_true(rig_udp(far, one, IP(10, 0, 0, 10), 53));
	}
	rig_down();
}

/* Gateway endpoints: the addresses that a route names lead to this cloud's own API. */
TEST(routes_to_the_services)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	a.tables[1].id = STR("rtb-1");
	rig_route(&a, 1, CIDR(52, 216, 0, 0, 15), PLANE_TO_SERVICES, 0);
	a.subnets[1].table = 1;
	rig_apply(&a);
	int without = rig_plug(&a, 0), with = rig_plug(&a, 1);
	int api =
		fabric_socket(STR("vpc-a"), PLANE_IP_SERVICES, 443, SOCK_STREAM, why, sizeof(why));
	int client = rig_connect(with, IP(52, 217, 1, 2), 443);
	assert_true(client >= 0 && rig_wait(api, RIG_PATIENCE_MS));
	int server = accept(api, NULL, NULL);
	assert_true(rig_echo(client, server) && rig_echo(server, client));
	rig_patience(100);
	assert_true(rig_connect(without, IP(52, 217, 1, 2), 443) < 0);
	assert_true(rig_connect(with, IP(52, 218, 1, 2), 443) < 0);
	rig_patience(RIG_PATIENCE_MS);
	int fds[] = { api, client, server };
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
	rig_down();
}

TEST(another_process_takes_over)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	two(&b, "vpc-b", IP(10, 1, 0, 0));
	open_group(&a);
	open_group(&b);
	a.n.internet = b.n.internet = true;
	rig_route(&a, 0, all, PLANE_TO_INTERNET, 0);
	rig_route(&b, 0, CIDR(10, 0, 0, 0, 16), PLANE_TO_PEER, 0);
	rig_route(&a, 0, CIDR(10, 1, 0, 0, 16), PLANE_TO_PEER, 0);
	a.peers[0] = (struct plane_peer){ STR("pcx-1"), STR("vpc-b") };
	b.peers[0] = (struct plane_peer){ STR("pcx-1"), STR("vpc-a") };
	a.n.peers_n = b.n.peers_n = 1;
	a.nats[0] = (struct plane_nat){ STR("nat-0"), 0, IP(10, 0, 0, 50), fabric_range().ip + 31 };
	a.n.nats_n = 1;
	a.tables[1].id = STR("rtb-1");
	rig_route(&a, 1, all, PLANE_TO_NAT, 0);
	a.subnets[1].table = 1;
	a.ips[0][0].public_ip = fabric_range().ip + 30;
	b.ips[0][0].public_ip = fabric_range().ip + 32;
	rig_route(&b, 0, all, PLANE_TO_INTERNET, 0);
	rig_apply(&a);
	rig_apply(&b);
	struct plane_cidr range = fabric_range();
	int one = rig_plug(&a, 0), private = rig_plug(&a, 1), other = rig_plug(&b, 0);
	/* Through the gateway, a NAT gateway and a peering. */
	int in_one = rig_listen(one, 0, 22), in_other = rig_listen(other, 0, 80);
	int from_host = rig_connect(rig_host(), a.ips[0][0].public_ip, 22),
	    at_one = accept(in_one, NULL, NULL);
	int by_nat = rig_connect(private, b.ips[0][0].public_ip, 80),
	    at_other = accept(in_other, NULL, NULL);
	int by_peer = rig_connect(one, IP(10, 1, 0, 10), 80),
	    at_peer = accept(in_other, NULL, NULL);
	for (int round = 0; round < 4; round++) {
		assert_true(rig_echo(from_host, at_one) && rig_echo(at_one, from_host));
		assert_true(rig_echo(by_nat, at_other) && rig_echo(at_other, by_nat));
		assert_true(rig_echo(by_peer, at_peer) && rig_echo(at_peer, by_peer));
		if (round == 0)
			rig_restart(); /* and nobody has asked for a network yet */
		if (round == 1) {
			rig_apply(&a);
			rig_apply(&b);
		}
		if (round == 2)
			rig_apply(&a);
	}
	assert_int_equal(fabric_range().ip, range.ip);
	/* What went while nobody watched: an interface that the description does not have any
	 * more. */
	fabric_close();
	rig_restart();
	a.n.interfaces_n = 1;
	rig_apply(&a);
	rig_apply(&b);
	assert_refused(rig_ping(private, IP(10, 0, 0, 1)));
	assert_true(rig_ping(rig_host(), a.ips[0][0].public_ip));
	int fds[] = { in_one, in_other, from_host, at_one, by_nat, at_other, by_peer, at_peer };
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	rig_down();
}

/* An address that another machine gets does not bring the old one's connections along. */
TEST(a_link_may_go_with_its_machine_at_any_time)
{
	struct space inside;
	struct buf m = { 0 };
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_apply(&a);
	int one = rig_plug(&a, 0), other = rig_plug(&a, 1);
	assert_int_equal(space_of(&inside, one), 0);
	rt_link_remove(&m, rt_link_index(inside.rt, "eth0"));
	assert_int_equal(nl_send(inside.rt, &m), 0);
	buf_done(&m);
	space_close(&inside);
	a.ips[0][1].private_ip = IP(10, 0, 0, 11);
	a.interfaces[0].ips_n = 2;
	rig_apply(&a); /* has a route to change that leads to where nothing is any more */
	assert_true(rig_ping(other, IP(10, 0, 1, 1)));
	rig_down();
}

TEST(connections_end_with_their_address)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_apply(&a);
	int one = rig_plug(&a, 0), far = rig_plug(&a, 1);
	int server = rig_listen(far, 0, 80), client = rig_connect(one, IP(10, 0, 1, 10), 80),
	    peer = accept(server, NULL, NULL);
	assert_true(rig_echo(client, peer));
	/* Its group lets nothing new in, so that only the connection's memory could let this
	 * pass. */
	a.groups[0].rules_n = 1;
	rig_apply(&a);
	assert_true(rig_echo(client, peer));
	struct plane_interface kept = a.interfaces[0];
	a.interfaces[0].id = STR("eni-new");
	rig_apply(&a);
	a.interfaces[0] = kept;
	rig_apply(&a);
	int back = space_enter(&(struct space){ one, -1, -1 });
	space_leave(back);
	struct fabric_plug p = {
		.network = STR("vpc-a"), .interface = kept.id, .netns_fd = one, .ifname = "eth0"
	};
	assert_int_equal(fabric_plug(&p, why, sizeof(why)), 0);
	assert_refused(rig_echo(client, peer));
	close(server);
	close(client);
	close(peer);
	rig_down();
}

struct flows {
	unsigned accepted_in, accepted_out, refused_in, refused_out;
	struct plane_flow last_refused, last_in;
};

static void
count_flow(void *ctx, const struct plane_flow *f)
{
	struct flows *x = ctx;
	assert_true(str_is(f->network, "vpc-a"));
	assert_true(f->start_ms > 0 && f->end_ms >= f->start_ms);
	if (f->accepted && f->inbound)
		x->last_in = *f;
	if (!f->accepted)
		x->last_refused = *f;
	x->accepted_in += f->accepted && f->inbound;
	x->accepted_out += f->accepted && !f->inbound;
	x->refused_in += !f->accepted && f->inbound;
	x->refused_out += !f->accepted && !f->inbound;
}

TEST(flows_are_told)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	a.group_rules[0][1] = (struct plane_group_rule){ { 6, 80, 80 }, all, PLANE_NONE, false };
	a.interfaces[1].flow_log = true;
	rig_apply(&a);
	int one = rig_plug(&a, 0), far = rig_plug(&a, 1);
	struct flows x = { 0 };
	assert_refused(rig_tcp(one, far, IP(10, 0, 1, 10), 81));
	assert_true(rig_wait(fabric_flow_fd(), RIG_PATIENCE_MS));
	fabric_flow_read(count_flow, &x);
	assert_true(x.refused_in >= 1);
	assert_int_equal(x.last_refused.to_port, 81);
	assert_int_equal(x.last_refused.proto, 6);
	assert_int_equal(x.last_refused.from_ip, IP(10, 0, 0, 10));
	assert_true(rig_tcp(one, far, IP(10, 0, 1, 10), 80));
	/* It ends with the address of its machine, here by force: the kernel would keep it for a
	 * while. */
	a.n.interfaces_n = 2;
	struct plane_interface *gone = &a.interfaces[0];
	gone->id = STR("eni-new");
	rig_apply(&a);
	assert_true(rig_wait(fabric_flow_fd(), RIG_PATIENCE_MS));
	fabric_flow_read(count_flow, &x);
	assert_int_equal(x.accepted_in, 1);
	assert_int_equal(x.accepted_out, 1);
	assert_int_equal(x.last_in.from_ip, IP(10, 0, 0, 10));
	assert_int_equal(x.last_in.to_port, 80);
	assert_true(x.last_in.packets >= 4 && x.last_in.bytes > 160);
	rig_down();
}

/* A host that forwards, and a network behind it. */
static int
outside(uint32_t ip, uint32_t host_ip)
{
	int out = rig_machine(), back = space_enter(&(struct space){ rig_host(), -1, -1 });
	space_sysctl("ipv4/ip_forward", "1");
	struct space host;
	struct buf buf = { 0 };
	assert_int_equal(space_here(&host), 0);
	struct rt_end here = { .name = "wan", .any_mac = true, .netns_fd = -1, .index = 777 };
	struct rt_end there = { .name = "lan", .any_mac = true, .netns_fd = out };
	rt_veth(&buf, &here, &there, 1500);
	struct rt_route on_link = { RT_TABLE_MAIN, { ip & ~255u, 24 }, RTN_UNICAST, 777, 0, 0 };
	rt_address(&buf, 777, host_ip, 24);
	rt_route(&buf, true, &on_link);
	assert_int_equal(nl_send(host.rt, &buf), 0);
	space_close(&host);
	space_leave(back);
	assert_int_equal(space_of(&host, out), 0);
	rt_link_up(&buf, rt_link_index(host.rt, "lan"));
	assert_int_equal(nl_send(host.rt, &buf), 0);
	buf_done(&buf);
	space_close(&host);
	rig_address(out, "lan", ip, 24, 0);
	return out;
}

TEST(beyond_the_host_where_it_forwards)
{
	NEEDS_ROOT();
	rig_up();
	assert_false(fabric_reaches_out());
	int out = outside(IP(203, 0, 113, 9), IP(203, 0, 113, 1)),
	    secret = rig_listen(rig_host(), 0, 9999);
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	open_group(&a);
	a.n.internet = true;
	a.ips[0][0].public_ip = fabric_range().ip + 20;
	rig_route(&a, 0, all, PLANE_TO_INTERNET, 0);
	rig_apply(&a);
	int one = rig_plug(&a, 0);
	assert_refused(rig_tcp(one, out, IP(203, 0, 113, 9), 80));
	/* The host forwards now; so does the fabric, once it is opened again. */
	rig_restart();
	rig_apply(&a);
	assert_true(fabric_reaches_out());
	uint32_t seen = 0;
	assert_true(rig_tcp_seen(one, out, IP(203, 0, 113, 9), 80, &seen));
	assert_int_equal(seen, IP(203, 0, 113, 1)); /* under the host's address */
	assert_true(rig_tcp(rig_host(), one, a.ips[0][0].public_ip, 22));
	/* Yet the host itself is not reached, by no address of its own. */
	rig_patience(100);
	assert_true(rig_connect(one, IP(203, 0, 113, 1), 9999) < 0);
	assert_true(rig_connect(one, fabric_range().ip + 1, 9999) < 0);
	rig_patience(RIG_PATIENCE_MS);
	assert_refused(rig_ping(one, IP(203, 0, 113, 1)));
	close(secret);
	rig_down();
}

/* Under their own addresses, where the range is routed here. */
TEST(beyond_the_host_routed)
{
	NEEDS_ROOT();
	rig_up_with(&(struct fabric_options){
		.uplink = FABRIC_UPLINK_ROUTED, .range = CIDR(198, 51, 100, 0, 24) });
	assert_int_equal(fabric_range().ip, IP(198, 51, 100, 0));
	int out = outside(IP(203, 0, 113, 9), IP(203, 0, 113, 1)),
	    secret = rig_listen(rig_host(), 0, 9999);
	rig_address(out, "lan", IP(203, 0, 113, 10), 24, IP(203, 0, 113, 1));
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	open_group(&a);
	a.n.internet = true;
	a.ips[0][0].public_ip = IP(198, 51, 100, 20);
	rig_route(&a, 0, all, PLANE_TO_INTERNET, 0);
	rig_apply(&a);
	int one = rig_plug(&a, 0);
	uint32_t seen = 0;
	assert_true(rig_tcp_seen(one, out, IP(203, 0, 113, 9), 80, &seen));
	assert_int_equal(seen, IP(198, 51, 100, 20));
	assert_true(rig_tcp(out, one, IP(198, 51, 100, 20), 22));
	assert_true(rig_tcp(rig_host(), one, IP(198, 51, 100, 20), 22));
	rig_patience(100);
	assert_true(rig_connect(one, IP(203, 0, 113, 1), 9999) < 0);
	rig_patience(RIG_PATIENCE_MS);
	close(secret);
	rig_down();
}

static unsigned leftovers_n;

static void
count_leftover(void *ctx, const struct fabric_leftover *l)
{
	(void)ctx;
	assert_int_equal(strlen(l->tag), 8);
	assert_string_equal(l->data_dir, rig_data_dir());
	assert_true(l->seen_here);
	leftovers_n++;
}

static void
count_network(void *ctx, struct str id)
{
	assert_true(str_is(id, "vpc-a"));
	++*(int *)ctx;
}

TEST(leftovers_are_found_and_swept)
{
	NEEDS_ROOT();
	char tag[9];
	int networks = 0;
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_interface(&a, 2, 0, 20);
	a.interfaces[2].local = true;
	rig_apply(&a);
	rig_plug(&a, 0);
	rig_restart();
	fabric_list(count_network, &networks);
	assert_int_equal(networks, 1);
	snprintf(tag, sizeof(tag), "%s", fabric_tag());
	fabric_close();
	leftovers_n = 0;
	fabric_leftovers(rig_run_dir(), count_leftover, NULL);
	assert_int_equal(leftovers_n, 1);
	assert_int_equal(fabric_sweep(rig_run_dir(), "../../etc", why, sizeof(why)), -EINVAL);
	assert_int_equal(fabric_sweep(rig_run_dir(), tag, why, sizeof(why)), 0);
	leftovers_n = 0;
	fabric_leftovers(rig_run_dir(), count_leftover, NULL);
	assert_int_equal(leftovers_n, 0);
	rig_restart();
	assert_string_equal(fabric_tag(), tag);
	rig_down();
}

TEST(what_cannot_be_is_refused)
{
	NEEDS_ROOT();
	rig_up();
	two(&a, "vpc-a", IP(10, 0, 0, 0));
	a.ips[0][0].public_ip = IP(8, 8, 8, 8);
	assert_int_equal(fabric_apply(&a.n, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "range"));
	a.ips[0][0].public_ip = 0;
	a.n.id = STR("../vpc");
	assert_int_equal(fabric_apply(&a.n, why, sizeof(why)), -EINVAL);
	a.n.id = STR("vpc-a");
	struct fabric_plug p = { .network = STR("vpc-a"),
		.interface = a.interfaces[0].id,
		.netns_fd = rig_host(),
		.ifname = "eth0" };
	assert_int_equal(fabric_plug(&p, why, sizeof(why)), -ENOENT);
	rig_apply(&a);
	p.ifname = "a-name-that-is-too-long";
	assert_int_equal(fabric_plug(&p, why, sizeof(why)), -EINVAL);
	p.ifname = "lo";
	assert_true(fabric_plug(&p, why, sizeof(why)) < 0); /* is there */
	int one = rig_plug(&a, 0);
	assert_true(rig_ping(one, IP(10, 0, 0, 1)));
	rig_down();
}
