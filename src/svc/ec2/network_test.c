#include "svc/ec2/networks.h"

#include "aws/clock_rows.h"
#include "aws/front.h"
#include "plane/fake.h"
#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/interfaces.h"

#include <errno.h>
#include <unistd.h>

/* A cloud whose first loop runs, over a fake plane on that loop. */
struct net {
	struct rig r;
	struct plane *p;
};

static void
net_open(struct net *n)
{
	rig_open(&n->r);
	n->p = fake_open(n->r.cloud->loops[0].loop);
	plane_set(n->p);
	assert_int_equal(cloud_start(n->r.cloud), 0);
}

static void
net_close(struct net *n)
{
	cloud_stop(n->r.cloud, 1000);
	rig_close(&n->r);
	plane_set(NULL);
	fake_close(n->p);
}

#define until(condition)                                                                           \
	do {                                                                                       \
		for (int tries = 0; !(condition) && tries < 10000; tries++)                        \
			usleep(1000);                                                              \
		assert_true(condition);                                                            \
	} while (0)

struct inside {
	struct net *n;
	void (*run)(struct call *c, void *arg);
	void *arg;
};

static int
inside_unit(struct tx *t, void *arg)
{
	struct inside *i = arg;
	struct call c;
	ec2_inner_call(&c, t, &i->n->r.arena, STR("us-east-1"), str_c(i->n->r.account));
	i->run(&c, i->arg);
	return 0;
}

static void
inside(struct net *n, void (*run)(struct call *c, void *arg), void *arg)
{
	struct inside i = { n, run, arg };
	assert_int_equal(store_write(cloud_store(n->r.cloud), inside_unit, &i), 0);
}

/* An interface in the subnet, as if an instance had been started with it. */
struct machine {
	const char *subnet, *instance;
	struct str id;
};

static void
plug(struct call *c, void *arg)
{
	struct machine *m = arg;
	struct ec2_interface_ask ask = { .subnet = str_c(m->subnet), .zone = -1, .public_ip = 1 };
	struct ec2_interface_attach at = { .instance = str_c(m->instance), .delete_on_termination = true };
	assert_int_equal(ec2_interface_create(c, &ask, &m->id), CALL_OK);
	assert_int_equal(ec2_interface_attach(c, m->id, &at, NULL), CALL_OK);
	assert_int_equal(ec2_interfaces_started(c, str_c(m->instance)), CALL_OK);
}

static void
terminate(struct call *c, void *arg)
{
	ec2_interfaces_terminated(c, str_c(arg));
}

static bool
network_is(struct net *n, const char *vpc, uint32_t interfaces)
{
	const struct plane_network *w = fake_network(n->p, vpc);
	return interfaces ? w && w->interfaces_n == interfaces : !w;
}

TEST(ec2_a_network_is_made_when_something_is_in_it)
{
	struct net n;
	net_open(&n);
	rig_do(&n.r, "DescribeSubnets", "");
	struct machine m = { .subnet = rig_text(&n.r, "subnetId"), .instance = "i-1" };
	const char *vpc = rig_text(&n.r, "vpcId");
	assert_true(network_is(&n, vpc, 0));
	inside(&n, plug, &m);
	until(network_is(&n, vpc, 1));
	const struct plane_network *w = fake_network(n.p, vpc);
	assert_int_equal(w->subnets_n, 6);
	assert_int_equal(w->cidrs_n, 1);
	assert_true(w->internet);
	assert_int_equal(w->acls_n, 1);
	assert_int_equal(w->acls[0].rules_n, 4);
	assert_int_equal(w->groups_n, 1);
	assert_int_equal(w->groups[0].rules_n, 2);
	assert_int_equal(w->tables[0].routes_n, 2);
	assert_int_equal(w->tables[0].routes[1].target, PLANE_TO_INTERNET);
	assert_true(w->interfaces[0].ips[0].public_ip != 0);
	assert_int_equal(w->interfaces[0].mac[0], 6);
	inside(&n, terminate, (void *)(uintptr_t)"i-1");
	until(network_is(&n, vpc, 0));
	net_close(&n);
}

static bool
nat_is(struct rig *r, const char *id, const char *state)
{
	rig_do(r, "DescribeNatGateways", "NatGatewayId.1=%s", id);
	return strcmp(rig_text(r, "state"), state) == 0;
}

TEST(ec2_a_nat_gateway_comes_and_goes_with_its_network)
{
	struct net n;
	net_open(&n);
	struct rig *r = &n.r;
	rig_do(r, "DescribeSubnets", "");
	const char *subnet = rig_text(r, "subnetId");
	const char *other = rig_nth(r, "subnetId", 1), *vpc = rig_text(r, "vpcId");
	struct machine m = { .subnet = other, .instance = "i-1" };
	inside(&n, plug, &m);
	rig_do(r, "AllocateAddress", "");
	const char *eip = rig_text(r, "allocationId");
	rig_do(r, "CreateNatGateway", "SubnetId=%s&AllocationId=%s", subnet, eip);
	assert_string_equal(rig_text(r, "state"), "pending");
	const char *nat = rig_text(r, "natGatewayId");
	until(nat_is(r, nat, "available"));
	rig_do(r, "CreateRouteTable", "VpcId=%s", vpc);
	const char *table = rig_text(r, "routeTableId");
	rig_do(r, "CreateRoute", "RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0&NatGatewayId=%s", table,
		nat);
	rig_do(r, "AssociateRouteTable", "RouteTableId=%s&SubnetId=%s", table, other);
	until(fake_network(n.p, vpc)->nats_n == 1 && fake_network(n.p, vpc)->tables_n == 2);
	rig_call(r, "ReleaseAddress", "AllocationId=%s", eip);
	rig_fails(r, "InvalidIPAddress.InUse");
	rig_do(r, "DeleteNatGateway", "NatGatewayId=%s", nat);
	until(nat_is(r, nat, "deleted"));
	rig_do(r, "DescribeRouteTables", "RouteTableId.1=%s", table);
	assert_string_equal(rig_nth(r, "state", 2), "blackhole");
	until(fake_network(n.p, vpc)->nats_n == 0);
	rig_do(r, "ReleaseAddress", "AllocationId=%s", eip);
	net_close(&n);
}

TEST(ec2_a_network_that_fails_says_why_and_is_tried_again)
{
	struct net n;
	net_open(&n);
	rig_do(&n.r, "DescribeSubnets", "");
	struct machine m = { .subnet = rig_text(&n.r, "subnetId"), .instance = "i-1" };
	const char *vpc = rig_text(&n.r, "vpcId");
	fake_fail(n.p, "network_apply", vpc, -ENOMEM, "no room for a router", 2);
	inside(&n, plug, &m);
	for (int i = 0; i < 10000 && !network_is(&n, vpc, 1); i++) {
		usleep(1000);
		clock_advance(100);
		clock_moved();
	}
	assert_true(network_is(&n, vpc, 1));
	net_close(&n);
}
