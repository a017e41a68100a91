#include "plane/network_pack.h"
#include "unit.h"

static const struct plane_cidr wide = { .ip = 0x0a000000, .bits = 16 };
static const struct plane_acl_rule acl_rules[] = {
	{ .match = { 6, 22, 22 }, .cidr = { 0x0a000000, 8 }, .allow = true },
	{ .match = { PLANE_ANY, -1, -1 }, .outbound = true, .allow = true },
};
static const struct plane_acl acls[] = {
	{ .id = { "acl-1", 5 }, .rules = acl_rules, .rules_n = 2 }
};
static const struct plane_group_rule group_rules[] = {
	{ .match = { 6, 80, 90 }, .group = PLANE_NONE },
	{ .match = { 1, 8, -1 }, .group = 0, .outbound = true },
};
static const uint32_t others[] = { 0x0b000001 };
static const struct plane_group groups[] = { { { "sg-1", 4 }, group_rules, 2, others, 1 } };
static const struct plane_route routes[] = { { wide, PLANE_TO_LOCAL, 0 },
	{ { 0, 0 }, PLANE_TO_NAT, 0 } };
static const struct plane_route_table tables[] = { { { "rtb-1", 5 }, routes, 2 } };
static const struct plane_subnet subnets[] = { { { "subnet-1", 8 }, { 0x0a000000, 20 }, 0, 0, 2 } };
static const struct plane_ip_pair ips[] = { { 0x0a000005, 0x64400005 } };
static const uint32_t of_groups[] = { 0 };
static const struct plane_interface interfaces[] = {
	{ { "eni-1", 5 }, { 2, 0, 0, 0, 0, 1 }, 0, ips, 1, of_groups, 1, true, true, false },
};
static const struct plane_nat nats[] = { { { "nat-1", 5 }, 0, 0x0a000009, 0x64400009 } };
static const struct plane_peer peers[] = { { { "pcx-1", 5 }, { "vpc-2", 5 } } };
static const struct plane_publish publishes[] = { { 0x64400005, 22, 2222, 6 } };
static const struct plane_network all = {
	.id = { "vpc-1", 5 },
	.cidrs = &wide,
	.cidrs_n = 1,
	.acls = acls,
	.acls_n = 1,
	.groups = groups,
	.groups_n = 1,
	.tables = tables,
	.tables_n = 1,
	.subnets = subnets,
	.subnets_n = 1,
	.interfaces = interfaces,
	.interfaces_n = 1,
	.nats = nats,
	.nats_n = 1,
	.peers = peers,
	.peers_n = 1,
	.publishes = publishes,
	.publishes_n = 1,
	.internet = true,
	.zones_cut = 4,
};

TEST(description_survives_the_socket)
{
	struct arena a = { 0 };
	struct pack p = { 0 }, q = { 0 };
	network_pack(&p, &all);
	struct unpack u = unpack_of(buf_str(&p.buf));
	struct plane_network n;
	assert_true(network_unpack(&u, &a, &n) && unpack_whole(&u));
	assert_str(n.interfaces[0].id, "eni-1");
	assert_int_equal(n.interfaces[0].ips[0].public_ip, 0x64400005);
	assert_true(
		n.interfaces[0].flow_log && n.interfaces[0].source_check && !n.interfaces[0].local);
	assert_int_equal(n.groups[0].rules[1].match.to, -1);
	assert_int_equal(n.groups[0].others[0], 0x0b000001);
	assert_int_equal(n.acls[0].rules[1].match.proto, PLANE_ANY);
	assert_int_equal(n.publishes[0].host_port, 2222);
	assert_int_equal(n.zones_cut, 4);
	network_pack(&q, &n);
	assert_true(str_eq(buf_str(&p.buf), buf_str(&q.buf)));
	assert_null(network_fault(&n));
	/* Cut anywhere it is bad, never read past. */
	for (size_t len = 0; len < p.buf.len; len++) {
		u = unpack_of(str_of(p.buf.p, len));
		assert_false(network_unpack(&u, &a, &n));
	}
	pack_done(&p);
	pack_done(&q);
	arena_done(&a);
}

TEST(faults_are_found)
{
	struct plane_network n = all;
	n.id = STR("../etc");
	assert_non_null(network_fault(&n));
	n = all;
	n.nats_n = 0;
	assert_non_null(network_fault(&n)); /* a route leads to it */
	n = all;
	n.groups_n = 0;
	assert_non_null(network_fault(&n));
	n = all;
	struct plane_subnet moved = subnets[0];
	moved.cidr.ip = 0x0a001000;
	n.subnets = &moved;
	assert_non_null(network_fault(&n)); /* the interface's address is outside now */
	n = all;
	n.tables_n = 0;
	assert_non_null(network_fault(&n));
}
