#include "svc/ec2/images.h"

#include "svc/ec2/plane_rig.h"

TEST(ec2_usual_queries_map_to_what_is_present_and_say_so)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *image = plane_rig_image(&p);
	assert_int_equal(rig_count(&p.r, "imageId"), 1);
	assert_true(str_find_str(str_c(rig_text(&p.r, "description")),
			    STR("Amazon Linux 2023 is not at hand here")) >= 0);
	/* The same each time. */
	assert_string_equal(plane_rig_image(&p), image);
	rig_do(&p.r, "DescribeImages",
		"Owner.1=099720109477&Filter.1.Name=name&Filter.1.Value.1=ubuntu/images/"
		"*noble*amd64*");
	assert_int_equal(rig_count(&p.r, "imageId"), 1);
	rig_do(&p.r, "DescribeImages", "Owner.1=self");
	assert_int_equal(rig_count(&p.r, "imageId"), 0);
	rig_call(&p.r, "DescribeImages", "ImageId.1=ami-0123456789abcdef0");
	rig_fails(&p.r, "InvalidAMIID.NotFound");
	plane_rig_close(&p);
}

TEST(ec2_an_image_of_an_instance_is_launched_copied_shared_and_given_up)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *base = plane_rig_image(&p);
	rig_do(&p.r, "RunInstances", "ImageId=%s&MinCount=1&MaxCount=1", base);
	const char *i = rig_text(&p.r, "instanceId");
	plane_rig_settle(&p);
	rig_do(&p.r, "CreateImage", "InstanceId=%s&Name=mine", i);
	const char *image = rig_text(&p.r, "imageId");
	rig_call(&p.r, "CreateImage", "InstanceId=%s&Name=mine", i);
	rig_fails(&p.r, "InvalidAMIName.Duplicate");
	rig_call(&p.r, "CreateImage", "InstanceId=%s&Name=a*b", i);
	rig_fails(&p.r, "InvalidAMIName.Malformed");
	plane_rig_settle(&p);
	assert_true(fake_image(p.plane, image));
	assert_int_equal(fake_machine(p.plane, i)->reboots, 1);
	rig_do(&p.r, "DescribeImages", "ImageId.1=%s", image);
	assert_string_equal(rig_text(&p.r, "imageState"), "available");
	const char *snap = rig_text(&p.r, "snapshotId");
	rig_call(&p.r, "DeleteSnapshot", "SnapshotId=%s", snap);
	rig_fails(&p.r, "InvalidSnapshot.InUse");
	rig_do(&p.r, "RegisterImage",
		"Name=again&RootDeviceName=/dev/xvda&BlockDeviceMapping.1.DeviceName=/dev/xvda"
		"&BlockDeviceMapping.1.Ebs.SnapshotId=%s",
		snap);
	const char *again = rig_text(&p.r, "imageId");
	rig_do(&p.r, "CopyImage", "SourceImageId=%s&SourceRegion=us-east-1&Name=copy", image);
	plane_rig_settle(&p);
	assert_true(fake_image(p.plane, again));
	rig_do(&p.r, "ModifyImageAttribute",
		"ImageId=%s&LaunchPermission.Add.1.UserId=444455556666", image);
	p.r.account = "444455556666";
	rig_do(&p.r, "RunInstances", "ImageId=%s&MinCount=1&MaxCount=1", image);
	const char *other = rig_text(&p.r, "instanceId");
	plane_rig_settle(&p);
	assert_int_equal(fake_machines_n(p.plane), 2);
	rig_do(&p.r, "TerminateInstances", "InstanceId.1=%s", other);
	p.r.account = "111122223333";
	plane_rig_settle(&p);
	rig_do(&p.r, "DeregisterImage", "ImageId=%s", again);
	rig_do(&p.r, "DeregisterImage", "ImageId=%s", image);
	rig_call(&p.r, "DeregisterImage", "ImageId=%s", image);
	rig_fails(&p.r, "InvalidAMIID.NotFound");
	plane_rig_settle(&p);
	/* The copy has its content. */
	assert_true(fake_image(p.plane, image));
	assert_false(fake_image(p.plane, again));
	plane_rig_close(&p);
}
