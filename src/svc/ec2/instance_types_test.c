#include "svc/ec2/instance_types.h"

#include "svc/ec2/ec2_rig.h"

TEST(ec2_the_catalogue_is_sorted_and_whole)
{
	for (uint32_t i = 0; i < ec2_instance_types_n; i++) {
		const struct ec2_instance_type *t = &ec2_instance_types[i];
		struct str name = str_c(t->name);
		assert_true(!i || str_cmp(str_c(t[-1].name), name) < 0);
		assert_true(str_starts(name, str_c(t->family->name)));
		assert_int_equal(name.p[strlen(t->family->name)], '.');
		assert_true(t->vcpus && t->memory_mib && t->interfaces_max && t->addresses_max);
		assert_ptr_equal(ec2_instance_type_find(name), t);
	}
	assert_null(ec2_instance_type_find(STR("t3")));
	assert_null(ec2_instance_type_find(STR("zz.large")));
}

TEST(ec2_instance_types_by_filters_and_pages)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "DescribeInstanceTypes", "InstanceType.1=t3.micro");
	assert_string_equal(rig_text(&r, "defaultVCpus"), "2");
	assert_string_equal(rig_text(&r, "sizeInMiB"), "1024");
	rig_do(&r, "DescribeInstanceTypes",
		"Filter.1.Name=instance-type&Filter.1.Value.1=t3.*&Filter.2.Name=vcpu-info.default-"
		"vcpus"
		"&Filter.2.Value.1=8");
	assert_int_equal(rig_count(&r, "instanceType"), 1);
	assert_string_equal(rig_text(&r, "instanceType"), "t3.2xlarge");
	rig_do(&r, "DescribeInstanceTypes",
		"Filter.1.Name=processor-info.sustained-clock-speed-in-ghz&Filter.1.Value.1=2.2");
	assert_int_equal(rig_count(&r, "instanceType"), 7);
	rig_call(&r, "DescribeInstanceTypes", "InstanceType.1=t9.huge");
	assert_true(r.status >= 400);
	rig_call(&r, "DescribeInstanceTypes", "Filter.1.Name=nonsense&Filter.1.Value.1=x");
	rig_fails(&r, "InvalidParameterValue");
	unsigned n = 0, pages = 0;
	const char *token = "";
	do {
		rig_do(&r, "DescribeInstanceTypes", "MaxResults=60&NextToken=%s", token);
		n += rig_count(&r, "instanceType");
		token = rig_text(&r, "nextToken");
		pages++;
	} while (*token);
	assert_int_equal(n, ec2_instance_types_n);
	assert_int_equal(pages, (n + 59) / 60);
	rig_close(&r);
}

TEST(ec2_offerings_of_instance_types)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "DescribeInstanceTypeOfferings",
		"Filter.1.Name=instance-type&Filter.1.Value.1=t3.micro");
	assert_string_equal(rig_text(&r, "location"), "us-east-1");
	rig_do(&r, "DescribeInstanceTypeOfferings",
		"LocationType=availability-zone&Filter.1.Name=instance-type&Filter.1.Value.1=t3."
		"micro");
	assert_int_equal(rig_count(&r, "location"), 5);
	rig_do(&r, "DescribeInstanceTypeOfferings",
		"LocationType=availability-zone-id&Filter.1.Name=instance-type"
		"&Filter.1.Value.1=t2.micro");
	assert_int_equal(rig_count(&r, "location"), 6);
	rig_close(&r);
}
