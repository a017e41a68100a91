#include "svc/ec2/instances.h"

#include "aws/metering.h"
#include "svc/ec2/plane_rig.h"

#include <errno.h>

#define HOUR INT64_C(3600000)

static const char *
launch(struct plane_rig *p, const char *more)
{
	const char *image = plane_rig_image(p);
	rig_do(&p->r, "RunInstances", "ImageId=%s&InstanceType=t3.micro&MinCount=1&MaxCount=1%s",
		image, more);
	return rig_text(&p->r, "instanceId");
}

static const char *
state_of(struct plane_rig *p, const char *id)
{
	rig_do(&p->r, "DescribeInstances", "InstanceId.1=%s", id);
	return rig_text(&p->r, "name");
}

TEST(ec2_an_instance_lives_from_launch_to_oblivion)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	assert_string_equal(rig_text(&p.r, "name"), "pending");
	assert_null(fake_machine(p.plane, id));
	plane_rig_settle(&p);
	assert_non_null(fake_machine(p.plane, id));
	assert_string_equal(state_of(&p, id), "running");
	rig_do(&p.r, "DescribeInstanceStatus", "InstanceId.1=%s", id);
	assert_int_equal(rig_count(&p.r, "status"), 5);
	rig_do(&p.r, "StopInstances", "InstanceId.1=%s", id);
	assert_string_equal(rig_nth(&p.r, "name", 0), "stopping");
	plane_rig_settle(&p);
	assert_null(fake_machine(p.plane, id));
	assert_string_equal(state_of(&p, id), "stopped");
	rig_do(&p.r, "StartInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	assert_string_equal(state_of(&p, id), "running");
	rig_do(&p.r, "TerminateInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	assert_string_equal(state_of(&p, id), "terminated");
	assert_int_equal(fake_machines_n(p.plane), 0);
	assert_int_equal(fake_volumes_n(p.plane), 0);
	plane_rig_advance(&p, HOUR + 1);
	rig_call(&p.r, "DescribeInstances", "InstanceId.1=%s", id);
	rig_fails(&p.r, "InvalidInstanceID.NotFound");
	plane_rig_close(&p);
}

TEST(ec2_a_machine_hears_of_names_what_its_network_tells)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	plane_rig_settle(&p);
	assert_str(fake_machine(p.plane, id)->m.resolver,
		"nameserver 169.254.169.253\nsearch ec2.internal\n");
	rig_do(&p.r, "DescribeVpcs", "");
	const char *vpc = rig_text(&p.r, "vpcId");
	rig_do(&p.r, "CreateDhcpOptions",
		"DhcpConfiguration.1.Key=domain-name-servers&DhcpConfiguration.1.Value.1=192.0.2.1"
		"&DhcpConfiguration.1.Value.2=AmazonProvidedDNS&DhcpConfiguration.2.Key=domain-name"
		"&DhcpConfiguration.2.Value.1=corp.example");
	rig_do(&p.r, "AssociateDhcpOptions", "VpcId=%s&DhcpOptionsId=%s", vpc,
		rig_text(&p.r, "dhcpOptionsId"));
	id = launch(&p, "");
	plane_rig_settle(&p);
	assert_str(fake_machine(p.plane, id)->m.resolver,
		"nameserver 192.0.2.1\nnameserver 169.254.169.253\nsearch corp.example\n");
	rig_do(&p.r, "AssociateDhcpOptions", "VpcId=%s&DhcpOptionsId=default", vpc);
	id = launch(&p, "");
	plane_rig_settle(&p);
	assert_str(fake_machine(p.plane, id)->m.resolver,
		"# The network's DHCP options name no resolver.\n");
	plane_rig_close(&p);
}

static const char *
reason_of(struct plane_rig *p, const char *id)
{
	rig_do(&p->r, "DescribeInstances", "InstanceId.1=%s", id);
	return rig_text(&p->r, "message");
}

TEST(ec2_launches_that_are_refused)
{
	static const struct {
		const char *asked, *code;
	} cases[] = {
		{ "ImageId=ami-0123456789abcdef0&MinCount=1&MaxCount=1", "InvalidAMIID.NotFound" },
		{ "ImageId=nonsense&MinCount=1&MaxCount=1", "InvalidAMIID.Malformed" },
		{ "ImageId=%s&MinCount=2&MaxCount=1", "InvalidParameterCombination" },
		{ "ImageId=%s&MinCount=0&MaxCount=1", "InvalidParameterValue" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&InstanceType=t4g.micro",
			"InvalidParameterValue" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&InstanceType=m7i.48xlarge",
			"InsufficientInstanceCapacity" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&KeyName=none", "InvalidKeyPair.NotFound" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&SubnetId=subnet-0123456789abcdef0",
			"InvalidSubnetID.NotFound" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&SecurityGroupId.1=sg-0123456789abcdef0",
			"InvalidGroup.NotFound" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&IamInstanceProfile.Name=none",
			"InvalidParameterValue" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&HibernationOptions.Configured=true",
			"UnsupportedHibernationConfiguration" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&EnclaveOptions.Enabled=true", "Unsupported" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&CreditSpecification.CpuCredits=standard"
		  "&InstanceType=m5.large",
			"InvalidParameterCombination" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&MetadataOptions.HttpPutResponseHopLimit=65",
			"InvalidParameterValue" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&UserData=!!!!", "InvalidParameterValue" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&BlockDeviceMapping.1.DeviceName=/dev/xvda"
		  "&BlockDeviceMapping.1.Ebs.VolumeSize=1",
			"InvalidBlockDeviceMapping" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&DryRun=true", "DryRunOperation" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&SubnetId=subnet-1&NetworkInterface.1."
		  "DeviceIndex=0",
			"InvalidParameterCombination" },
		{ "ImageId=%s&MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateName=none",
			"InvalidLaunchTemplateName.NotFoundException" },
	};
	struct plane_rig p;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		rig_call(&p.r, "RunInstances", cases[i].asked, image);
#pragma GCC diagnostic pop
		if (strcmp(rig_text(&p.r, "Code"), cases[i].code) != 0)
			print_error("%s: %.*s\n", cases[i].asked, STR_FMT(p.r.body));
		rig_fails(&p.r, cases[i].code);
	}
	rig_do(&p.r, "DescribeNetworkInterfaces", "");
	assert_int_equal(rig_count(&p.r, "networkInterfaceId"), 0);
	plane_rig_close(&p);
}

TEST(ec2_without_a_plane_a_launch_says_what_is_missing)
{
	struct rig r;
	rig_open(&r);
	rig_call(&r, "RunInstances", "ImageId=ami-0123456789abcdef0&MinCount=1&MaxCount=1");
	rig_fails(&r, "Unsupported");
	assert_true(str_find_str(str_c(rig_text(&r, "Message")), STR("data plane")) >= 0);
	rig_call(&r, "CreateVolume", "AvailabilityZone=us-east-1a&Size=1");
	rig_fails(&r, "Unsupported");
	rig_close(&r);
}

TEST(ec2_the_same_token_makes_the_same_instances)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p);
	rig_do(&p.r, "RunInstances", "ImageId=%s&MinCount=2&MaxCount=2&ClientToken=t", image);
	const char *r = rig_text(&p.r, "reservationId");
	assert_int_equal(rig_count(&p.r, "amiLaunchIndex"), 2);
	rig_do(&p.r, "RunInstances", "ImageId=%s&MinCount=2&MaxCount=2&ClientToken=t", image);
	assert_string_equal(rig_text(&p.r, "reservationId"), r);
	assert_int_equal(rig_count(&p.r, "amiLaunchIndex"), 2);
	rig_call(&p.r, "RunInstances", "ImageId=%s&MinCount=1&MaxCount=1&ClientToken=t", image);
	rig_fails(&p.r, "IdempotentParameterMismatch");
	plane_rig_settle(&p);
	assert_int_equal(fake_machines_n(p.plane), 2);
	rig_do(&p.r, "DescribeInstances", "Filter.1.Name=reservation-id&Filter.1.Value.1=%s", r);
	assert_int_equal(rig_count(&p.r, "amiLaunchIndex"), 2);
	assert_int_equal(rig_count(&p.r, "reservationId"), 1);
	plane_rig_close(&p);
}

TEST(ec2_the_type_changes_only_when_stopped)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	plane_rig_settle(&p);
	rig_call(&p.r, "ModifyInstanceAttribute", "InstanceId=%s&InstanceType.Value=t3.small", id);
	rig_fails(&p.r, "IncorrectInstanceState");
	rig_do(&p.r, "StopInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	rig_do(&p.r, "ModifyInstanceAttribute",
		"InstanceId=%s&Attribute=instanceType&Value=t3.small", id);
	rig_do(&p.r, "StartInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	assert_int_equal(fake_machine(p.plane, id)->m.memory_bytes, UINT64_C(2) << 30);
	rig_do(&p.r, "ModifyInstanceAttribute",
		"InstanceId=%s&DisableApiTermination.Value=true&DisableApiStop.Value=true", id);
	rig_call(&p.r, "TerminateInstances", "InstanceId.1=%s", id);
	rig_fails(&p.r, "OperationNotPermitted");
	rig_call(&p.r, "StopInstances", "InstanceId.1=%s", id);
	rig_fails(&p.r, "OperationNotPermitted");
	rig_do(&p.r, "DescribeInstanceAttribute", "InstanceId=%s&Attribute=disableApiStop", id);
	assert_string_equal(rig_text(&p.r, "value"), "true");
	plane_rig_close(&p);
}

TEST(ec2_a_machine_that_ends_by_itself)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *a = launch(&p, ""), *b;
	b = launch(&p, "&InstanceInitiatedShutdownBehavior=terminate");
	const char *c = launch(&p, "");
	plane_rig_settle(&p);
	fake_machine_end(p.plane, a, 0, "");
	fake_machine_end(p.plane, b, 0, "");
	fake_machine_end(p.plane, c, 9, "out of memory");
	plane_rig_settle(&p);
	assert_string_equal(state_of(&p, a), "stopped");
	assert_string_equal(
		reason_of(&p, a), "Client.InstanceInitiatedShutdown: Instance initiated shutdown");
	assert_string_equal(state_of(&p, b), "terminated");
	assert_string_equal(state_of(&p, c), "stopped");
	assert_string_equal(reason_of(&p, c), "Server.InternalError: out of memory");
	assert_int_equal(fake_machines_n(p.plane), 0);
	assert_int_equal(fake_volumes_n(p.plane), 2);
	plane_rig_close(&p);
}

/* Its process was killed and another has taken over. */
TEST(ec2_a_plane_that_forgot_is_told_of_networks_and_asked_for_machines)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	plane_rig_settle(&p);
	fake_forget_log(p.plane);
	fake_forget(p.plane);
	plane_rig_settle(&p);
	assert_true(str_find_str(fake_log(p.plane), STR("network_apply ")) >= 0);
	assert_true(str_find_str(fake_log(p.plane), STR("machine_look")) >= 0);
	assert_string_equal(state_of(&p, id), "running");
	plane_rig_close(&p);
}

TEST(ec2_a_launch_that_fails_ends_with_its_reason)
{
	struct plane_rig p;
	plane_rig_open(&p);
	fake_fail(p.plane, "machine_start", NULL, -ENOSPC, "The disk is full.", 100);
	const char *id = launch(&p, "");
	for (int i = 0; i < 12; i++)
		plane_rig_advance(&p, 61000);
	assert_string_equal(state_of(&p, id), "terminated");
	assert_string_equal(reason_of(&p, id),
		"Server.InternalError: Internal error on launch: The disk is full.");
	assert_int_equal(fake_volumes_n(p.plane), 0);
	rig_do(&p.r, "DescribeNetworkInterfaces", "");
	assert_int_equal(rig_count(&p.r, "networkInterfaceId"), 0);
	plane_rig_close(&p);
}

TEST(ec2_status_checks_look)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	plane_rig_settle(&p);
	rig_do(&p.r, "DescribeInstanceStatus",
		"InstanceId.1=%s&Filter.1.Name=instance-status.status&Filter.1.Value.1=ok", id);
	assert_string_equal(rig_text(&p.r, "instanceId"), id);
	fake_machine_report(p.plane, id, &(struct plane_machine_report){ .system_ok = true });
	for (int i = 0; i < 5; i++)
		plane_rig_advance(&p, 61000);
	rig_do(&p.r, "DescribeInstanceStatus",
		"InstanceId.1=%s&Filter.1.Name=instance-status.status&Filter.1.Value.1=impaired",
		id);
	assert_string_equal(rig_text(&p.r, "instanceId"), id);
	assert_int_equal(rig_count(&p.r, "impairedSince"), 1);
	rig_do(&p.r, "StopInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	rig_do(&p.r, "DescribeInstanceStatus", "InstanceId.1=%s", id);
	assert_int_equal(rig_count(&p.r, "instanceId"), 0);
	rig_do(&p.r, "DescribeInstanceStatus", "InstanceId.1=%s&IncludeAllInstances=true", id);
	assert_int_equal(rig_count(&p.r, "instanceId"), 1);
	rig_do(&p.r, "GetConsoleOutput", "InstanceId=%s", id);
	assert_string_equal(rig_text(&p.r, "output"), "ZmFrZTogYm9vdGVkCg==");
	rig_call(&p.r, "GetPasswordData", "InstanceId=%s", id);
	rig_fails(&p.r, "UnsupportedOperation");
	plane_rig_close(&p);
}

TEST(ec2_instances_are_paged)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p), *token = "";
	unsigned n = 0;
	rig_do(&p.r, "RunInstances", "ImageId=%s&MinCount=12&MaxCount=12", image);
	do {
		rig_do(&p.r, "DescribeInstances", "MaxResults=5&NextToken=%s", token);
		n += rig_count(&p.r, "amiLaunchIndex");
		token = rig_text(&p.r, "nextToken");
	} while (*token);
	assert_int_equal(n, 12);
	rig_call(&p.r, "DescribeInstances", "MaxResults=4");
	rig_fails(&p.r, "InvalidParameterValue");
	plane_rig_settle(&p);
	plane_rig_close(&p);
}

struct sum {
	double hours;
	uint64_t now;
};

static bool
sum_add(void *arg, const struct metering_amount *a)
{
	struct sum *s = arg;
	if (str_starts(a->key.kind, STR("BoxUsage:t3.micro:default:on-demand"))) {
		s->hours += a->byte_hours;
		s->now += a->bytes;
	}
	return true;
}

static struct sum
usage(struct plane_rig *p)
{
	struct sum s = { 0 };
	struct tx *t = tx_begin_read(cloud_store(p->r.cloud));
	metering_amounts(t, cloud_store(p->r.cloud), clock_now_ms(), sum_add, &s);
	tx_end(t);
	return s;
}

TEST(ec2_instance_seconds_are_metered_a_minute_at_least)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *id = launch(&p, "");
	plane_rig_settle(&p);
	assert_int_equal(usage(&p).now, 1);
	plane_rig_advance(&p, 10000);
	rig_do(&p.r, "TerminateInstances", "InstanceId.1=%s", id);
	plane_rig_settle(&p);
	plane_rig_advance(&p, HOUR);
	assert_int_equal(usage(&p).now, 0);
	assert_true(usage(&p).hours > 59.0 / 3600 && usage(&p).hours < 61.0 / 3600);
	id = launch(&p, "");
	plane_rig_settle(&p);
	plane_rig_advance(&p, 2 * HOUR);
	assert_true(usage(&p).hours > 2.01 && usage(&p).hours < 2.02);
	plane_rig_close(&p);
}

TEST(ec2_a_launch_template_lies_under_a_launch)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p);
	rig_do(&p.r, "CreateLaunchTemplate",
		"LaunchTemplateName=tpl&LaunchTemplateData.ImageId=%s"
		"&LaunchTemplateData.InstanceType=t3.small"
		"&LaunchTemplateData.TagSpecification.1.ResourceType=instance"
		"&LaunchTemplateData.TagSpecification.1.Tag.1.Key=k"
		"&LaunchTemplateData.TagSpecification.1.Tag.1.Value=v",
		image);
	rig_do(&p.r, "RunInstances", "LaunchTemplate.LaunchTemplateName=tpl&MinCount=1&MaxCount=1");
	assert_string_equal(rig_text(&p.r, "instanceType"), "t3.small");
	assert_string_equal(rig_text(&p.r, "value"), "v");
	assert_string_equal(rig_nth(&p.r, "key", 1), "aws:ec2launchtemplate:id");
	const char *id = rig_text(&p.r, "instanceId");
	rig_call(&p.r, "DeleteTags", "ResourceId.1=%s&Tag.1.Key=aws:ec2launchtemplate:id", id);
	rig_fails(&p.r, "InvalidParameterValue");
	rig_do(&p.r, "RunInstances",
		"LaunchTemplate.LaunchTemplateName=tpl&MinCount=1&MaxCount=1&InstanceType=t3.nano");
	assert_string_equal(rig_text(&p.r, "instanceType"), "t3.nano");
	plane_rig_settle(&p);
	plane_rig_close(&p);
}

TEST(ec2_a_reset_leaves_no_machine)
{
	struct plane_rig p;
	plane_rig_open(&p);
	launch(&p, "");
	plane_rig_settle(&p);
	assert_int_equal(fake_machines_n(p.plane), 1);
	assert_int_equal(cloud_reset(p.r.cloud), 0);
	plane_rig_settle(&p);
	assert_int_equal(fake_machines_n(p.plane), 0);
	assert_int_equal(fake_volumes_n(p.plane), 0);
	assert_int_equal(fake_networks_n(p.plane), 0);
	plane_rig_close(&p);
}

#define ASK_QEMU                                                                                   \
	"&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=haneul:machine"    \
	"&TagSpecification.1.Tag.1.Value="

TEST(ec2_a_tag_asks_for_a_virtual_machine)
{
	struct plane_rig p;
	struct plane_ability a;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p);
	rig_call(&p.r, "RunInstances", "ImageId=%s&MinCount=1&MaxCount=1" ASK_QEMU "qemu", image);
	rig_fails(&p.r, "Unsupported");
	rig_call(&p.r, "RunInstances", "ImageId=%s&MinCount=1&MaxCount=1" ASK_QEMU "mainframe",
		image);
	rig_fails(&p.r, "InvalidParameterValue");
	p.plane->ops->ability(p.plane, &a);
	a.vms = true;
	fake_ability(p.plane, &a);
	const char *id = launch(&p, ASK_QEMU "qemu"), *other = launch(&p, ASK_QEMU "container");
	plane_rig_settle(&p);
	assert_string_equal(state_of(&p, id), "running");
	assert_string_equal(state_of(&p, other), "running");
	plane_rig_close(&p);
}
