#include "plane/fabric.h"
#include "plane/fabric_rig.h"
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEEDS_ROOT()                                                        \
	do {                                                                \
		if (!rig_possible())                                        \
			test_skip("network namespaces need root");          \
	} while (0)

static struct rig_net a, b;
static const struct plane_match any = { PLANE_ANY, -1, -1 };
static const struct plane_cidr all = { 0, 0 };
static char why[256];

/* vpc-a: 10.0.0.10 and .11 in subnet 0, 10.0.1.10 in subnet 1. */
static void
three(struct rig_net *x, const char *id, uint32_t base)
{
	rig_net(x, id, base);
	rig_interface(x, 0, 0, 10);
	rig_interface(x, 1, 0, 11);
	rig_interface(x, 2, 1, 10);
}

static uint32_t
public(uint32_t number)
{
	return fabric_range().ip + 16 + number;
}

TEST(machines_of_one_network_reach_each_other)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1), far = rig_plug(&a, 2);
	assert_true(rig_ping(one, IP(10, 0, 0, 1))); /* the router */
	assert_true(rig_ping(one, IP(10, 0, 0, 11)));
	assert_true(rig_ping(one, IP(10, 0, 1, 10)));
	assert_true(rig_tcp(one, two, IP(10, 0, 0, 11), 80));
	assert_true(rig_tcp(far, two, IP(10, 0, 0, 11), 80));
	assert_true(rig_udp(one, far, IP(10, 0, 1, 10), 53));
	assert_refused(rig_ping(one, IP(10, 0, 0, 99)));
	/* Whose address it is not. */
	assert_refused(rig_ping_as(one, IP(10, 0, 0, 77), IP(10, 0, 0, 11), two));
	assert_refused(rig_ping_as(one, IP(10, 0, 1, 10), IP(10, 0, 0, 11), two));
	assert_true(rig_ping_as(one, IP(10, 0, 0, 10), IP(10, 0, 0, 11), two));
	struct fabric_counters c;
	assert_int_equal(fabric_counters(STR("vpc-a"), a.interfaces[0].id, &c), 0);
	assert_true(c.out_packets > 3 && c.in_packets > 3);
	/* Its address goes with it, and comes back with another machine. */
	assert_int_equal(fabric_unplug(STR("vpc-a"), a.interfaces[1].id, why, sizeof(why)), 0);
	assert_refused(rig_ping(one, IP(10, 0, 0, 11)));
	two = rig_plug(&a, 1);
	assert_true(rig_ping(one, IP(10, 0, 0, 11)));
	rig_down();
}

TEST(groups_are_stateful_and_change_while_traffic_flows)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	/* sg-1: TCP 80 from sg-0's members, nothing out. */
	rig_group_rule(&a, 1, (struct plane_group_rule){ { 6, 80, 80 }, all, 0, false });
	a.of_groups[1][0] = 1;
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1), far = rig_plug(&a, 2);
	assert_true(rig_tcp(
		one, two, IP(10, 0, 0, 11), 80)); /* inside a subnet, and back without a rule */
	assert_true(rig_tcp(far, two, IP(10, 0, 0, 11), 80));
	assert_refused(rig_tcp(one, two, IP(10, 0, 0, 11), 81));
	assert_refused(rig_ping(one, IP(10, 0, 0, 11)));
	assert_refused(rig_tcp(
		two, one, IP(10, 0, 0, 10), 80)); /* out is refused, and no member of sg-0 */
	int server = rig_listen(two, 0, 80), client = rig_connect(one, IP(10, 0, 0, 11), 80),
	    peer = accept(server, NULL, NULL);
	assert_true(client >= 0 && peer >= 0);
	/* Another port instead: new connections at once, the old one stays as AWS has it. */
	a.group_rules[1][0].match = (struct plane_match){ 6, 443, 443 };
	rig_apply(&a);
	assert_true(rig_echo(client, peer) && rig_echo(peer, client));
	close(server);
	assert_refused(rig_tcp(one, two, IP(10, 0, 0, 11), 80));
	assert_true(rig_tcp(one, two, IP(10, 0, 0, 11), 443));
	/* far leaves sg-0: no member any more. */
	a.of_groups[2][0] = 1;
	rig_apply(&a);
	assert_refused(rig_tcp(far, two, IP(10, 0, 0, 11), 443));
	assert_true(rig_tcp(one, two, IP(10, 0, 0, 11), 443));
	/* By address, ranges of ports, ICMP of one type. */
	a.groups[1].rules_n = 0;
	rig_group_rule(&a, 1,
		(struct plane_group_rule){
			{ 17, 1000, 2000 }, CIDR(10, 0, 0, 8, 30), PLANE_NONE, false });
	rig_group_rule(&a, 1,
		(struct plane_group_rule){
			{ 1, 8, -1 }, CIDR(10, 0, 0, 10, 32), PLANE_NONE, false });
	rig_apply(&a);
	assert_true(rig_udp(one, two, IP(10, 0, 0, 11), 1500));
	assert_refused(rig_udp(one, two, IP(10, 0, 0, 11), 2001));
	assert_true(rig_ping(one, IP(10, 0, 0, 11)));
	close(client);
	close(peer);
	rig_down();
}

TEST(large_groups_are_sets)
{
	NEEDS_ROOT();
	static struct plane_group_rule many[1000];
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	for (uint32_t i = 0; i < 1000; i++)
		many[i] =
			(struct plane_group_rule){ { 6, (int32_t)(1000 + i), (int32_t)(1000 + i) },
				{ IP(10, 0, 0, 0) | i % 200, 32 }, PLANE_NONE, false };
	many[10].cidr = CIDR(10, 0, 0, 0, 24); /* port 1010 */
	for (uint32_t i = 990; i < 1000; i++)
		many[i] = (struct plane_group_rule){ any, { IP(10, 0, 1, 0) | (i - 990), 32 },
			PLANE_NONE, false };
	rig_group_rule(&a, 1, many[0]);
	a.groups[1].rules = many;
	a.groups[1].rules_n = 1000;
	a.of_groups[1][0] = 1;
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1), far = rig_plug(&a, 2);
	assert_true(rig_tcp(one, two, IP(10, 0, 0, 11), 1010));
	assert_true(rig_tcp(one, two, IP(10, 0, 0, 11), 1210)); /* i % 200 = 10 */
	assert_refused(rig_tcp(one, two, IP(10, 0, 0, 11), 1211));
	assert_refused(rig_tcp(far, two, IP(10, 0, 0, 11), 1210));
	many[995].cidr.ip = IP(10, 0, 1, 10);
	rig_apply(&a);
	assert_true(rig_tcp(far, two, IP(10, 0, 0, 11), 1211));
	rig_down();
}

TEST(acls_are_stateless_and_in_order)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	/* Subnet 1: refuses port 80 from 10.0.0.10, allows TCP in; out only to ephemeral ports. */
	a.acl_rules[1][0] =
		(struct plane_acl_rule){ { 6, 80, 80 }, CIDR(10, 0, 0, 10, 32), false, false };
	a.acl_rules[1][1] = (struct plane_acl_rule){ { 6, 0, 65535 }, all, false, true };
	a.acl_rules[1][2] = (struct plane_acl_rule){ { 6, 1024, 65535 }, all, true, true };
	a.acls[1] = (struct plane_acl){ STR("acl-1"), a.acl_rules[1], 3 };
	a.n.acls_n = 2;
	a.subnets[1].acl = 1;
	rig_interface(&a, 3, 1, 11);
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1), far = rig_plug(&a, 2),
	    near_far = rig_plug(&a, 3);
	assert_refused(rig_tcp(one, far, IP(10, 0, 1, 10), 80));
	assert_true(rig_tcp(two, far, IP(10, 0, 1, 10), 80));
	assert_true(rig_tcp(one, far, IP(10, 0, 1, 10), 81));
	assert_refused(rig_ping(one, IP(10, 0, 1, 10)));
	assert_true(rig_ping(near_far, IP(10, 0, 1, 10))); /* inside the subnet it is not asked */
	/* Answers need a rule of their own. */
	int server = rig_listen(far, 0, 90), client = rig_connect(two, IP(10, 0, 1, 10), 90),
	    peer = accept(server, NULL, NULL);
	assert_true(rig_echo(client, peer));
	a.acl_rules[1][2].cidr = CIDR(192, 168, 0, 0, 16);
	rig_apply(&a);
	assert_refused(rig_echo(peer, client));
	close(server);
	close(client);
	close(peer);
	rig_down();
}

TEST(public_addresses_and_the_host)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_group_rule(&a, 0, (struct plane_group_rule){ any, all, PLANE_NONE, false });
	a.groups[0].rules_n = 2;
	rig_group_rule(&a, 0, (struct plane_group_rule){ any, all, PLANE_NONE, false });
	a.n.internet = true;
	a.ips[0][0].public_ip = public(0);
	rig_route(&a, 0, all, PLANE_TO_INTERNET, 0);
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1);
	uint32_t seen = 0, host_ip = fabric_range().ip + 1;
	assert_true(rig_ping(rig_host(), public(0)));
	assert_true(rig_tcp_seen(rig_host(), one, public(0), 22, &seen));
	assert_int_equal(seen, host_ip);
	/* The host is not to be reached, by none of its addresses, only answered. */
	assert_refused(rig_tcp(one, rig_host(), host_ip, 22));
	assert_refused(rig_udp(one, rig_host(), host_ip, 53));
	assert_refused(rig_ping(one, host_ip));
	/* Nor private addresses from the host, nor public ones that nobody has. */
	assert_refused(rig_ping(rig_host(), public(1)));
	assert_refused(rig_ping(rig_host(), IP(10, 0, 0, 11)));
	/* From its neighbour by its public address: only who has one passes the gateway. */
	assert_refused(rig_tcp(two, one, public(0), 80));
	a.ips[1][0].public_ip = public(1);
	rig_apply(&a);
	assert_true(rig_tcp_seen(two, one, public(0), 80, &seen));
	assert_int_equal(seen, public(1));
	/* An elastic address moves; what went through it ends. */
	a.ips[0][0].public_ip = 0;
	a.ips[1][0].public_ip = public(0);
	rig_apply(&a);
	assert_true(rig_tcp(rig_host(), two, public(0), 22));
	assert_refused(rig_ping(rig_host(), public(1)));
	/* Without the gateway nothing. */
	a.n.internet = false;
	rig_apply(&a);
	assert_refused(rig_ping(rig_host(), public(0)));
	rig_down();
}

TEST(nat_gateway_shows_its_elastic_address)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	three(&b, "vpc-b", IP(10, 0, 0, 0)); /* the same range */
	/* vpc-b's machine is the server outside. */
	rig_group_rule(&b, 0, (struct plane_group_rule){ any, all, PLANE_NONE, false });
	b.groups[0].rules_n = 2;
	rig_group_rule(&b, 0, (struct plane_group_rule){ any, all, PLANE_NONE, false });
	b.n.internet = true;
	b.ips[0][0].public_ip = public(8);
	rig_route(&b, 0, all, PLANE_TO_INTERNET, 0);
	rig_apply(&b);
	/* Subnet 1 is private: table 1 leads to the NAT gateway in subnet 0. */
	a.n.internet = true;
	a.nats[0] = (struct plane_nat){ STR("nat-0"), 0, IP(10, 0, 0, 50), public(9) };
	a.n.nats_n = 1;
	rig_route(&a, 0, all, PLANE_TO_INTERNET, 0);
	a.tables[1].id = STR("rtb-1");
	rig_route(&a, 1, all, PLANE_TO_NAT, 0);
	a.subnets[1].table = 1;
	rig_apply(&a);
	int server = rig_plug(&b, 0), private = rig_plug(&a, 2), one = rig_plug(&a, 0);
	uint32_t seen = 0;
	assert_true(rig_ping(private, public(8)));
	assert_true(rig_tcp_seen(private, server, public(8), 80, &seen));
	assert_int_equal(seen, public(9));
	assert_refused(rig_tcp(
		one, server, public(8), 80)); /* in the public subnet, without a public address */
	/* Nobody gets in by it. */
	assert_refused(rig_tcp(server, private, public(9), 80));
	assert_refused(rig_ping(rig_host(), public(9)));
	/* Overlapping ranges stay apart: the same address is another machine. */
	assert_refused(rig_tcp(server, private, IP(10, 0, 1, 10), 80));
	a.n.nats_n = 0;
	a.routes[1][0] = (struct plane_route){ all, PLANE_TO_NOWHERE, 0 };
	rig_apply(&a);
	assert_refused(rig_ping(private, public(8)));
	rig_down();
}

TEST(peered_networks)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	three(&b, "vpc-b", IP(10, 1, 0, 0));
	rig_route(&a, 0, CIDR(10, 1, 0, 0, 16), PLANE_TO_PEER, 0);
	rig_route(&b, 0, CIDR(10, 0, 0, 0, 16), PLANE_TO_PEER, 0);
	a.peers[0] = (struct plane_peer){ STR("pcx-1"), STR("vpc-b") };
	b.peers[0] = (struct plane_peer){ STR("pcx-1"), STR("vpc-a") };
	a.n.peers_n = b.n.peers_n = 1;
	/* b's sg-0 lets in the members of a's sg-0. */
	uint32_t others[] = { IP(10, 0, 0, 10) };
	b.groups[0].others = others;
	b.groups[0].others_n = 1;
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1);
	assert_refused(rig_ping(one, IP(10, 1, 0, 10))); /* not accepted yet */
	rig_apply(&b);
	int other = rig_plug(&b, 0);
	assert_true(rig_tcp(one, other, IP(10, 1, 0, 10), 80));
	assert_refused(rig_tcp(two, other, IP(10, 1, 0, 10), 80));
	/* From the peering only the network's own addresses are reached. */
	assert_refused(rig_ping_as(one, IP(10, 1, 0, 11), IP(10, 1, 0, 10), other));
	/* Either side ends it. */
	b.n.peers_n = 0;
	b.tables[0].routes_n = 0;
	rig_apply(&b);
	assert_refused(rig_ping(one, IP(10, 1, 0, 10)));
	rig_down();
}

TEST(zones_are_cut)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_apply(&a);
	int one = rig_plug(&a, 0), two = rig_plug(&a, 1), far = rig_plug(&a, 2);
	int server = rig_listen(far, 0, 80), client = rig_connect(one, IP(10, 0, 1, 10), 80),
	    peer = accept(server, NULL, NULL);
	assert_true(rig_echo(client, peer));
	a.n.zones_cut = 2; /* zone 1: subnet 1 */
	rig_apply(&a);
	assert_refused(rig_echo(client, peer));
	assert_refused(rig_ping(one, IP(10, 0, 1, 10)));
	assert_refused(rig_ping(far, IP(10, 0, 0, 10)));
	assert_true(rig_ping(one, IP(10, 0, 0, 11)));
	a.n.zones_cut = 3; /* both: each is alone with itself */
	rig_apply(&a);
	assert_true(rig_ping(one, IP(10, 0, 0, 11)));
	assert_refused(rig_ping(one, IP(10, 0, 1, 10)));
	a.n.zones_cut = 0;
	rig_apply(&a);
	assert_true(rig_ping(two, IP(10, 0, 1, 10)));
	close(server);
	close(client);
	close(peer);
	rig_down();
}

TEST(a_machine_routes_where_its_source_check_is_off)
{
	NEEDS_ROOT();
	rig_up();
	three(&a, "vpc-a", IP(10, 0, 0, 0));
	rig_group_rule(&a, 1, (struct plane_group_rule){ any, all, PLANE_NONE, false });
	rig_group_rule(&a, 1, (struct plane_group_rule){ any, all, PLANE_NONE, true });
	for (uint32_t i = 0; i < 3; i++)
		a.of_groups[i][0] = 1;
	/* Subnet 1 sends 172.16/12 to the machine at 10.0.0.11. */
	a.tables[1].id = STR("rtb-1");
	rig_route(&a, 1, CIDR(172, 16, 0, 0, 12), PLANE_TO_INTERFACE, 1);
	a.subnets[1].table = 1;
	rig_apply(&a);
	int one = rig_plug(&a, 0), box = rig_plug(&a, 1), far = rig_plug(&a, 2);
	rig_address(box, "eth0", IP(172, 16, 0, 1), 32, 0);
	assert_refused(rig_ping(far, IP(172, 16, 0, 1)));
	assert_refused(rig_ping_as(box, IP(172, 16, 0, 1), IP(10, 0, 0, 10), one));
	a.interfaces[1].source_check = false;
	rig_apply(&a);
	assert_true(rig_ping(far, IP(172, 16, 0, 1)));
	assert_true(rig_ping_as(box, IP(172, 16, 0, 1), IP(10, 0, 0, 10), one));
	assert_refused(rig_ping(one, IP(172, 16, 0, 1))); /* another table */
	/* Unplugged, the route is a hole; plugged again it leads. */
	assert_int_equal(fabric_unplug(STR("vpc-a"), a.interfaces[1].id, why, sizeof(why)), 0);
	assert_refused(rig_ping(far, IP(172, 16, 0, 1)));
	box = rig_plug(&a, 1);
	rig_address(box, "eth0", IP(172, 16, 0, 1), 32, 0);
	assert_true(rig_ping(far, IP(172, 16, 0, 1)));
	rig_down();
}
