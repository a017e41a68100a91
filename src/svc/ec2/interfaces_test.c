#include "svc/ec2/plane_rig.h"

#include "svc/ec2/network_rows.h"

static const char *
launch(struct plane_rig *p, const char *more)
{
	const char *image = plane_rig_image(p);
	rig_do(&p->r, "RunInstances", "ImageId=%s&InstanceType=t3.micro&MinCount=1&MaxCount=1%s",
		image, more);
	const char *id = rig_text(&p->r, "instanceId");
	plane_rig_settle(p);
	return id;
}

static const struct plane_interface *
plugged(struct plane_rig *p, const char *vpc, const char *eni)
{
	const struct plane_network *n = fake_network(p->plane, vpc);
	for (uint32_t i = 0; n && i < n->interfaces_n; i++)
		if (str_eq(n->interfaces[i].id, str_c(eni)))
			return &n->interfaces[i];
	return NULL;
}

/* The public address changes with a stop, an elastic one stays. */
TEST(ec2_public_addresses_of_an_instance)
{
	struct plane_rig p;
	struct rig *r = &p.r;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	rig_do(r, "DescribeInstances", "InstanceId.1=%s", id);
	const char *eni = rig_text(r, "networkInterfaceId"), *vpc = rig_text(r, "vpcId");
	const char *first = rig_text(r, "ipAddress");
	assert_true(str_starts(str_c(first), STR("100.64.")));
	uint32_t ip;
	assert_true(ec2_ip_parse(str_c(first), &ip));
	assert_int_equal(plugged(&p, vpc, eni)->ips[0].public_ip, ip);
	rig_do(r, "StopInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	rig_do(r, "DescribeInstances", "InstanceId.1=%s", id);
	assert_string_equal(rig_text(r, "ipAddress"), "");
	rig_do(r, "AllocateAddress", "");
	const char *eip = rig_text(r, "allocationId"), *address = rig_text(r, "publicIp");
	rig_do(r, "AssociateAddress", "AllocationId=%s&InstanceId=%s", eip, id);
	rig_do(r, "StartInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	rig_do(r, "DescribeInstances", "InstanceId.1=%s", id);
	assert_string_equal(rig_text(r, "ipAddress"), address);
	rig_do(r, "DescribeAddresses", "Filter.1.Name=instance-id&Filter.1.Value.1=%s", id);
	assert_string_equal(rig_text(r, "allocationId"), eip);
	assert_true(ec2_ip_parse(str_c(address), &ip));
	assert_int_equal(plugged(&p, vpc, eni)->ips[0].public_ip, ip);
	rig_do(r, "TerminateInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	rig_do(r, "DescribeAddresses", "");
	assert_string_equal(rig_text(r, "associationId"), "");
	rig_do(r, "ReleaseAddress", "AllocationId=%s", eip);
	assert_null(fake_network(p.plane, vpc));
	plane_rig_close(&p);
}

TEST(ec2_interfaces_are_plugged_and_unplugged)
{
	struct plane_rig p;
	struct rig *r = &p.r;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	rig_do(r, "DescribeInstances", "InstanceId.1=%s", id);
	const char *subnet = rig_text(r, "subnetId"), *vpc = rig_text(r, "vpcId");
	const char *primary = rig_text(r, "attachmentId");
	rig_do(r, "CreateNetworkInterface", "SubnetId=%s", subnet);
	const char *eni = rig_text(r, "networkInterfaceId");
	assert_null(plugged(&p, vpc, eni));
	rig_call(r, "AttachNetworkInterface", "NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=0",
		eni, id);
	rig_fails(r, "InvalidParameterValue");
	rig_do(r, "AttachNetworkInterface", "NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=1",
		eni, id);
	const char *attachment = rig_text(r, "attachmentId");
	plane_rig_settle(&p);
	assert_non_null(plugged(&p, vpc, eni));
	assert_true(str_find_str(buf_str(&fake_machine(p.plane, id)->interfaces), str_c(eni)) >= 0);
	rig_do(r, "ModifyNetworkInterfaceAttribute",
		"NetworkInterfaceId=%s&SourceDestCheck.Value=false", eni);
	rig_do(r, "DescribeRouteTables", "");
	const char *table = rig_text(r, "routeTableId");
	rig_do(r, "CreateRoute",
		"RouteTableId=%s&DestinationCidrBlock=192.0.2.0/24&NetworkInterfaceId=%s", table,
		eni);
	rig_call(r, "CreateRoute",
		"RouteTableId=%s&DestinationCidrBlock=198.51.100.0/24&InstanceId=%s", table, id);
	rig_fails(r, "InvalidParameterCombination");
	plane_rig_settle(&p);
	const struct plane_network *n = fake_network(p.plane, vpc);
	assert_false(plugged(&p, vpc, eni)->source_check);
	assert_int_equal(n->tables[0].routes[2].target, PLANE_TO_INTERFACE);
	rig_call(r, "DetachNetworkInterface", "AttachmentId=%s", primary);
	rig_fails(r, "OperationNotPermitted");
	rig_do(r, "DetachNetworkInterface", "AttachmentId=%s", attachment);
	plane_rig_settle(&p);
	assert_null(plugged(&p, vpc, eni));
	assert_int_equal(fake_network(p.plane, vpc)->tables[0].routes[2].target, PLANE_TO_NOWHERE);
	assert_true(str_find_str(buf_str(&fake_machine(p.plane, id)->interfaces), str_c(eni)) < 0);
	rig_do(r, "DeleteNetworkInterface", "NetworkInterfaceId=%s", eni);
	/* An own interface survives its instance unless it is to go with it. */
	rig_do(r, "TerminateInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	rig_do(r, "DescribeNetworkInterfaces", "");
	assert_int_equal(rig_count(r, "networkInterfaceId"), 0);
	plane_rig_close(&p);
}

TEST(ec2_instances_of_one_call_share_one_network)
{
	struct plane_rig p;
	struct rig *r = &p.r;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p);
	rig_do(r, "DescribeSubnets", "");
	const char *vpc = rig_text(r, "vpcId");
	rig_do(r, "RunInstances", "ImageId=%s&InstanceType=t3.micro&MinCount=20&MaxCount=20",
		image);
	plane_rig_settle(&p);
	const struct plane_network *n = fake_network(p.plane, vpc);
	assert_int_equal(n->interfaces_n, 20);
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		for (uint32_t k = 0; k < i; k++) {
			assert_int_not_equal(n->interfaces[i].ips[0].private_ip,
				n->interfaces[k].ips[0].private_ip);
			assert_int_not_equal(n->interfaces[i].ips[0].public_ip,
				n->interfaces[k].ips[0].public_ip);
		}
	plane_rig_close(&p);
}
