#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/zones.h"

TEST(ec2_every_account_has_a_default_network)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "DescribeVpcs", "");
	assert_int_equal(rig_count(&r, "vpcId"), 1);
	assert_string_equal(rig_text(&r, "cidrBlock"), "172.31.0.0/16");
	assert_string_equal(rig_text(&r, "isDefault"), "true");
	const char *vpc = rig_text(&r, "vpcId");
	rig_do(&r, "DescribeSubnets", "");
	assert_int_equal(rig_count(&r, "subnetId"), 6);
	assert_string_equal(rig_text(&r, "availableIpAddressCount"), "4091");
	rig_do(&r, "DescribeSubnets",
		"Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1b");
	assert_string_equal(rig_text(&r, "cidrBlock"), "172.31.16.0/20");
	rig_do(&r, "DescribeRouteTables", "");
	assert_int_equal(rig_count(&r, "destinationCidrBlock"), 2);
	rig_do(&r, "DescribeSecurityGroups", "");
	assert_string_equal(rig_text(&r, "groupName"), "default");
	rig_do(&r, "DescribeNetworkAcls", "");
	assert_int_equal(rig_count(&r, "ruleNumber"), 4);
	assert_int_equal(rig_count(&r, "subnetId"), 6);
	rig_do(&r, "DescribeInternetGateways", "");
	assert_string_equal(rig_text(&r, "vpcId"), vpc);
	rig_do(&r, "DescribeDhcpOptions", "");
	rig_do(&r, "DescribeAccountAttributes", "AttributeName.1=default-vpc");
	assert_string_equal(rig_text(&r, "attributeValue"), vpc);
	r.account = "444455556666";
	rig_do(&r, "DescribeVpcs", "");
	assert_string_not_equal(rig_text(&r, "vpcId"), vpc);
	rig_close(&r);
}

/* What fails leaves nothing, and what is made next has the same ids. */
TEST(ec2_the_default_network_is_the_same_after_a_failure)
{
	struct rig r;
	char vpc[64];
	rig_open(&r);
	rig_call(&r, "DeleteVpc", "VpcId=vpc-0123456789abcdef0");
	rig_fails(&r, "InvalidVpcID.NotFound");
	rig_do(&r, "DescribeVpcs", "");
	snprintf(vpc, sizeof(vpc), "%s", rig_text(&r, "vpcId"));
	rig_close(&r);
	rig_open(&r);
	rig_do(&r, "DescribeVpcs", "");
	assert_string_equal(rig_text(&r, "vpcId"), vpc);
	rig_call(&r, "CreateDefaultVpc", "");
	rig_fails(&r, "DefaultVpcAlreadyExists");
	rig_close(&r);
}

TEST(ec2_zones_have_their_names_and_ids)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "DescribeAvailabilityZones", "");
	assert_int_equal(rig_count(&r, "zoneName"), 6);
	assert_string_equal(rig_nth(&r, "zoneId", 5), "use1-az6");
	rig_do(&r, "DescribeRegions", "RegionName.1=eu-west-1");
	assert_string_equal(rig_text(&r, "regionEndpoint"), "ec2.eu-west-1.amazonaws.com");
	rig_call(&r, "DescribeRegions", "RegionName.1=mars-north-1");
	rig_fails(&r, "InvalidParameterValue");
	assert_int_equal(ec2_zones_n(STR("mars-north-1")), 3);
	rig_close(&r);
}

struct work {
	struct rig *r;
	int (*run)(struct call *c, struct rig *r);
};

static int
work_unit(struct tx *t, void *arg)
{
	struct work *w = arg;
	struct call c;
	ec2_inner_call(&c, t, &w->r->arena, STR("us-east-1"), str_c(w->r->account));
	if (ec2_place_new(&c))
		ec2_place_make(&c);
	return w->run(&c, w->r);
}

static void
inside(struct rig *r, int (*run)(struct call *c, struct rig *r))
{
	struct work w = { r, run };
	assert_int_equal(store_write(cloud_store(r->cloud), work_unit, &w), 0);
}

static int
instance_lives(struct call *c, struct rig *r)
{
	struct ec2_interface_ask ask = { .zone = 1, .public_ip = -1, .secondary_n = 2 };
	struct ec2_interface_attach at = { STR("i-0123"), 0, true };
	struct ec2_interface_row **all, *n;
	struct str id, attachment;
	(void)r;
	assert_int_equal(ec2_interface_create(c, &ask, &id), CALL_OK);
	assert_int_equal(ec2_interface_attach(c, id, &at, &attachment), CALL_OK);
	assert_int_equal(ec2_interface_attach(c, id, &at, &attachment), CALL_FAILED);
	assert_int_equal(ec2_interfaces_started(c, STR("i-0123")), CALL_OK);
	assert_int_equal(ec2_interfaces_of(c, STR("i-0123"), &all), 1);
	n = all[0];
	assert_int_equal(n->NetworkInterface->PrivateIpAddresses.n, 3);
	assert_true(n->NetworkInterface->Association != NULL);
	assert_true(str_starts(n->NetworkInterface->PublicDnsName, STR("ec2-100-64-")));
	assert_true(str_ends(n->NetworkInterface->PrivateDnsName, STR(".ec2.internal")));
	assert_int_equal(n->Zone.v, 1);
	struct str subnet = n->NetworkInterface->SubnetId;
	assert_int_equal(ec2_private_used(c, subnet), 3);
	ec2_interfaces_stopped(c, STR("i-0123"));
	assert_null(ec2_interface_get(c, id)->NetworkInterface->Association);
	assert_int_equal(ec2_interfaces_started(c, STR("i-0123")), CALL_OK);
	ec2_interfaces_terminated(c, STR("i-0123"));
	assert_null(ec2_interface_get(c, id));
	assert_int_equal(ec2_private_used(c, subnet), 0);
	assert_int_equal(ec2_interfaces_of(c, STR("i-0123"), &all), 0);
	return 0;
}

TEST(ec2_interfaces_follow_the_life_of_an_instance)
{
	struct rig r;
	rig_open(&r);
	inside(&r, instance_lives);
	rig_close(&r);
}

static int
zone_fails(struct call *c, struct rig *r)
{
	(void)r;
	ec2_zone_fail(c->tx, STR("us-east-1"), 2, true);
	assert_int_equal(ec2_zones_failed(c->tx, STR("us-east-1")), 4);
	return 0;
}

TEST(ec2_a_failed_zone_shows)
{
	struct rig r;
	rig_open(&r);
	inside(&r, zone_fails);
	rig_do(&r, "DescribeAvailabilityZones", "ZoneName.1=us-east-1c");
	assert_string_equal(rig_text(&r, "zoneState"), "unavailable");
	rig_do(&r, "DescribeAvailabilityZones", "ZoneName.1=us-east-1b");
	assert_string_equal(rig_text(&r, "zoneState"), "available");
	rig_close(&r);
}
