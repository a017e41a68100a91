#include "svc/ec2/networks.h"

#include "aws/clock_rows.h"
#include "aws/front.h"
#include "plane/fake.h"
#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/flow_logs.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/zones.h"

#include <errno.h>
#include <stdatomic.h>
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
	struct ec2_interface_attach at = { .instance = str_c(m->instance),
		.delete_on_termination = true };
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
	rig_do(r, "CreateRoute", "RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0&NatGatewayId=%s",
		table, nat);
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

static void
fail_zone(struct call *c, void *arg)
{
	ec2_zone_fail(c->tx, c->region, 2, *(bool *)arg);
}

TEST(ec2_a_failed_zone_is_cut_from_every_network)
{
	struct net n;
	bool on = true, off = false;
	net_open(&n);
	rig_do(&n.r, "DescribeSubnets", "");
	struct machine m = { .subnet = rig_text(&n.r, "subnetId"), .instance = "i-1" };
	const char *vpc = rig_text(&n.r, "vpcId");
	inside(&n, plug, &m);
	until(network_is(&n, vpc, 1));
	inside(&n, fail_zone, &on);
	until(fake_network(n.p, vpc)->zones_cut == 4);
	inside(&n, fail_zone, &off);
	until(fake_network(n.p, vpc)->zones_cut == 0);
	net_close(&n);
}

/* The group of the machine, as the plane has it now. */
static const struct plane_group *
group_now(struct net *n, const char *vpc, const char *group)
{
	const struct plane_network *w = fake_network(n->p, vpc);
	for (uint32_t i = 0; w && i < w->groups_n; i++)
		if (str_eq(w->groups[i].id, str_c(group)))
			return &w->groups[i];
	return NULL;
}

TEST(ec2_rules_reach_the_network_at_once)
{
	struct net n;
	net_open(&n);
	struct rig *r = &n.r;
	rig_do(r, "DescribeSubnets", "");
	struct machine m = { .subnet = rig_text(r, "subnetId"), .instance = "i-1" };
	const char *vpc = rig_text(r, "vpcId");
	inside(&n, plug, &m);
	until(network_is(&n, vpc, 1));
	rig_do(r, "DescribeSecurityGroups", "");
	const char *group = rig_text(r, "groupId");
	rig_do(r, "CreateManagedPrefixList",
		"PrefixListName=p&MaxEntries=9&AddressFamily=IPv4&Entry.1.Cidr=192.0.2.0/25&Entry.2.Cidr="
		"192.0.2.128/25");
	const char *list = rig_text(r, "prefixListId");
	rig_do(r, "AuthorizeSecurityGroupIngress",
		"GroupId=%s&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1."
		"ToPort=23&IpPermissions.1.PrefixListIds.1.PrefixListId=%s",
		group, list);
	until(group_now(&n, vpc, group)->rules_n == 4);
	bool found = false;
	const struct plane_group *g = group_now(&n, vpc, group);
	for (uint32_t i = 0; i < g->rules_n; i++)
		found |= g->rules[i].match.proto == 6 && g->rules[i].match.from == 22 &&
			 g->rules[i].match.to == 23 && g->rules[i].cidr.ip == 0xc0000280u &&
			 !g->rules[i].outbound;
	assert_true(found);
	rig_do(r, "ModifyManagedPrefixList",
		"PrefixListId=%s&CurrentVersion=1&AddEntry.1.Cidr=198.51.100.0/24", list);
	until(group_now(&n, vpc, group)->rules_n == 5);
	rig_do(r, "DescribeNetworkAcls", "");
	rig_do(r, "CreateNetworkAclEntry",
		"NetworkAclId=%s&RuleNumber=50&Protocol=6&RuleAction=deny&Egress=false&CidrBlock=0.0.0.0/"
		"0&PortRange.From=80&PortRange.To=80",
		rig_text(r, "networkAclId"));
	until(fake_network(n.p, vpc)->acls[0].rules_n == 5);
	net_close(&n);
}

/* Two networks with a peering: a group of one in a rule of the other, and routes. */
TEST(ec2_groups_of_a_peered_network_are_addresses)
{
	struct net n;
	net_open(&n);
	struct rig *r = &n.r;
	const char *vpc[2], *subnet[2], *group[2];
	for (int i = 0; i < 2; i++) {
		rig_do(r, "CreateVpc", "CidrBlock=10.%d.0.0/16", i);
		vpc[i] = rig_text(r, "vpcId");
		rig_do(r, "CreateSubnet", "VpcId=%s&CidrBlock=10.%d.0.0/24", vpc[i], i);
		subnet[i] = rig_text(r, "subnetId");
		rig_do(r, "DescribeSecurityGroups", "Filter.1.Name=vpc-id&Filter.1.Value.1=%s",
			vpc[i]);
		group[i] = rig_text(r, "groupId");
	}
	rig_do(r, "CreateVpcPeeringConnection", "VpcId=%s&PeerVpcId=%s", vpc[0], vpc[1]);
	const char *pcx = rig_text(r, "vpcPeeringConnectionId");
	rig_do(r, "AcceptVpcPeeringConnection", "VpcPeeringConnectionId=%s", pcx);
	rig_do(r, "AuthorizeSecurityGroupIngress",
		"GroupId=%s&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=%s",
		group[0], group[1]);
	rig_do(r, "DescribeRouteTables", "Filter.1.Name=vpc-id&Filter.1.Value.1=%s", vpc[0]);
	rig_do(r, "CreateRoute",
		"RouteTableId=%s&DestinationCidrBlock=10.1.0.0/16&VpcPeeringConnectionId=%s",
		rig_text(r, "routeTableId"), pcx);
	struct machine a = { .subnet = subnet[0], .instance = "i-1" };
	struct machine b = { .subnet = subnet[1], .instance = "i-2" };
	inside(&n, plug, &a);
	inside(&n, plug, &b);
	until(group_now(&n, vpc[0], group[1]) && group_now(&n, vpc[0], group[1])->others_n == 1);
	until(network_is(&n, vpc[1], 1));
	assert_int_equal(fake_network(n.p, vpc[1])->peers_n, 1);
	assert_int_equal(fake_network(n.p, vpc[0])->tables[0].routes[1].target, PLANE_TO_PEER);
	/* A machine goes there, and is no member here. */
	inside(&n, terminate, (void *)(uintptr_t)"i-2");
	until(group_now(&n, vpc[0], group[1])->others_n == 0);
	rig_do(r, "DeleteVpcPeeringConnection", "VpcPeeringConnectionId=%s", pcx);
	until(fake_network(n.p, vpc[0])->peers_n == 0);
	assert_int_equal(fake_network(n.p, vpc[0])->tables[0].routes[1].target, PLANE_TO_NOWHERE);
	net_close(&n);
}

static void
net_open_at(struct net *n, const char *dir, struct plane *p)
{
	char why[256] = "";
	struct cloud_options o = { .data_dir = dir, .version = "test", .loops_n = 1 };
	memset(n, 0, sizeof(*n));
	arena_init(&n->r.arena);
	n->r.account = "111122223333";
	assert_int_equal(cloud_open(&n->r.cloud, &o, why, sizeof(why)), 0);
	n->p = p;
	plane_set(n->p);
}

/* The server ends, what runs goes on, and is found again. */
TEST(ec2_networks_are_given_again_after_a_restart)
{
	struct net n;
	const char *dir = unit_tmpdir();
	char vpc[64];
	net_open_at(&n, dir, NULL);
	struct plane *p = fake_open(n.r.cloud->loops[0].loop);
	n.p = p;
	plane_set(p);
	assert_int_equal(cloud_start(n.r.cloud), 0);
	rig_do(&n.r, "DescribeSubnets", "");
	struct machine m = { .subnet = rig_text(&n.r, "subnetId"), .instance = "i-1" };
	snprintf(vpc, sizeof(vpc), "%s", rig_text(&n.r, "vpcId"));
	inside(&n, plug, &m);
	until(network_is(&n, vpc, 1));
	cloud_stop(n.r.cloud, 1000);
	cloud_close(n.r.cloud);
	arena_done(&n.r.arena);
	plane_set(NULL);
	fake_close(p);
	net_open_at(&n, dir, NULL);
	n.p = p = fake_open(n.r.cloud->loops[0].loop);
	plane_set(p);
	assert_int_equal(cloud_start(n.r.cloud), 0);
	until(network_is(&n, vpc, 1));
	net_close(&n);
}

static bool
log_delivered(struct net *n, struct loopback_reply *reply)
{
	clock_advance(30000);
	clock_moved();
	usleep(2000);
	loopback_call(n->r.cloud, &n->r.arena, n->r.account, "s3", "GET",
		"/flows?prefix=x/AWSLogs/", NULL, STR(""), reply);
	return str_find_str(reply->body, STR(".log.gz")) > 0;
}

struct telling {
	struct loop_job job; /* first */
	struct plane *p;
	struct plane_flow f;
	atomic_bool done;
};

static void
tell(struct loop_job *job)
{
	struct telling *t = (struct telling *)job;
	fake_flow(t->p, &t->f);
	atomic_store(&t->done, true);
}

/* On the loop, where networks are given to the plane meanwhile. */
static void
flow(struct net *n, const struct plane_flow *f)
{
	struct telling t = { .job = { .run = tell }, .p = n->p, .f = *f };
	loop_post(n->r.cloud->loops[0].loop, &t.job);
	until(atomic_load(&t.done));
}

TEST(ec2_flows_are_delivered_to_a_bucket)
{
	struct net n;
	struct loopback_reply reply;
	net_open(&n);
	struct rig *r = &n.r;
	loopback_call(
		r->cloud, &r->arena, r->account, "s3", "PUT", "/flows", NULL, STR(""), &reply);
	assert_int_equal(reply.status, 200);
	rig_do(r, "DescribeSubnets", "");
	struct machine m = { .subnet = rig_text(r, "subnetId"), .instance = "i-1" };
	const char *vpc = rig_text(r, "vpcId");
	rig_do(r, "CreateFlowLogs",
		"ResourceId.1=%s&ResourceType=VPC&TrafficType=REJECT&LogDestinationType=s3&LogDestination="
		"arn:aws:s3:::flows/x&MaxAggregationInterval=60",
		vpc);
	inside(&n, plug, &m);
	until(network_is(&n, vpc, 1) && fake_network(n.p, vpc)->interfaces[0].flow_log);
	struct plane_flow f = { .network = str_c(vpc),
		.interface = m.id,
		.from_ip = 0x01020304,
		.to_ip = 0xac1f0009,
		.from_port = 40000,
		.to_port = 22,
		.proto = 6,
		.inbound = true,
		.packets = 1,
		.bytes = 60 };
	flow(&n, &f);
	f.accepted = true; /* not of this log's traffic */
	flow(&n, &f);
	bool done = false;
	for (int i = 0; i < 1000 && !done; i++)
		done = log_delivered(&n, &reply);
	assert_true(done);
	net_close(&n);
}

TEST(ec2_records_of_flows)
{
	struct arena a;
	struct str field;
	struct call c = { .account = STR("111122223333"), .region = STR("us-east-1") };
	struct ec2_network_interface n = { .NetworkInterfaceId = STR("eni-1"),
		.VpcId = STR("vpc-1") };
	struct plane_flow f = { .from_ip = 0x0a000001,
		.to_ip = 0x0a000002,
		.from_port = 1,
		.to_port = 2,
		.proto = 17,
		.accepted = true,
		.packets = 3,
		.bytes = 4 };
	arena_init(&a);
	c.arena = &a;
	assert_true(ec2_flow_format_ok(STR(EC2_FLOW_FORMAT), &field));
	assert_false(ec2_flow_format_ok(STR("${version} ${nothing}"), &field));
	assert_true(str_is(field, "${nothing}"));
	assert_false(ec2_flow_format_ok(STR(""), &field));
	assert_str(ec2_flow_record(
			   &c, STR("${version} ${srcaddr} ${dstport} ${action} ${bytes}"), &f, &n),
		"2 10.0.0.1 2 ACCEPT 4");
	assert_str(ec2_flow_record(&c, STR("${version} ${vpc-id} ${instance-id} ${flow-direction}"),
			   &f, &n),
		"5 vpc-1 - egress");
	arena_done(&a);
}
