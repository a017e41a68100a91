#include "svc/ec2/instances.h"

#include "svc/ec2/plane_rig.h"

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
