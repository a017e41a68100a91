#include "svc/ec2/volumes.h"

#include "svc/ec2/plane_rig.h"

#include <errno.h>

static const char *
volume(struct plane_rig *p, const char *more)
{
	rig_do(&p->r, "CreateVolume", "AvailabilityZone=us-east-1a&%s", more);
	const char *id = rig_text(&p->r, "volumeId");
	plane_rig_settle(p);
	return id;
}

static const char *
instance(struct plane_rig *p, const char *more)
{
	const char *image = plane_rig_image(p);
	rig_do(&p->r, "RunInstances",
		"ImageId=%s&InstanceType=t3.micro&MinCount=1&MaxCount=1"
		"&Placement.AvailabilityZone=us-east-1a%s",
		image, more);
	const char *id = rig_text(&p->r, "instanceId");
	plane_rig_settle(p);
	return id;
}

static const char *
status_of(struct plane_rig *p, const char *id)
{
	rig_do(&p->r, "DescribeVolumes", "VolumeId.1=%s", id);
	return rig_text(&p->r, "status");
}

TEST(ec2_volumes_keep_to_the_limits_of_their_type)
{
	static const struct {
		const char *asked, *code;
	} cases[] = {
		{ "Size=1", NULL },
		{ "Size=8&VolumeType=gp3&Iops=4000&Throughput=250", NULL },
		{ "Size=10&VolumeType=io1&Iops=500", NULL },
		{ "Size=20000", "InvalidParameterValue" },
		{ "Size=3&VolumeType=io1&Iops=100", "InvalidParameterValue" },
		{ "Size=10&VolumeType=io1", "MissingParameter" },
		{ "Size=10&VolumeType=io1&Iops=501", "InvalidParameterValue" },
		{ "Size=10&VolumeType=gp2&Iops=300", "InvalidParameterCombination" },
		{ "Size=10&VolumeType=gp2&Throughput=300", "InvalidParameterCombination" },
		{ "Size=10&VolumeType=gp3&Throughput=100", "InvalidParameterValue" },
		{ "Size=100&VolumeType=st1", "InvalidParameterValue" },
		{ "Size=10&Encrypted=true", "UnsupportedOperation" },
		{ "VolumeType=gp3", "MissingParameter" },
		{ "SnapshotId=snap-0123456789abcdef0", "InvalidSnapshot.NotFound" },
	};
	struct plane_rig p;
	plane_rig_open(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_call(&p.r, "CreateVolume", "AvailabilityZone=us-east-1a&%s", cases[i].asked);
		if (cases[i].code)
			rig_fails(&p.r, cases[i].code);
		else
			assert_int_equal(p.r.status, 200);
	}
	plane_rig_settle(&p);
	assert_int_equal(fake_volumes_n(p.plane), 3);
	plane_rig_close(&p);
}

TEST(ec2_a_volume_is_attached_enlarged_detached_and_removed)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *v = volume(&p, "Size=5&VolumeType=gp3"), *i = instance(&p, "");
	assert_string_equal(status_of(&p, v), "available");
	rig_do(&p.r, "AttachVolume", "VolumeId=%s&InstanceId=%s&Device=/dev/sdf", v, i);
	assert_string_equal(rig_text(&p.r, "status"), "attaching");
	plane_rig_settle(&p);
	assert_string_equal(status_of(&p, v), "in-use");
	assert_string_equal(fake_volume(p.plane, v)->machine, i);
	rig_call(&p.r, "AttachVolume", "VolumeId=%s&InstanceId=%s&Device=/dev/sdg", v, i);
	rig_fails(&p.r, "VolumeInUse");
	rig_call(&p.r, "DeleteVolume", "VolumeId=%s", v);
	rig_fails(&p.r, "VolumeInUse");
	rig_do(&p.r, "ModifyVolume", "VolumeId=%s&Size=9", v);
	plane_rig_settle(&p);
	assert_int_equal(fake_volume(p.plane, v)->bytes, 9 * EC2_GIB);
	rig_do(&p.r, "DescribeVolumesModifications", "VolumeId.1=%s", v);
	assert_string_equal(rig_text(&p.r, "modificationState"), "completed");
	rig_call(&p.r, "ModifyVolume", "VolumeId=%s&Size=10", v);
	rig_fails(&p.r, "VolumeModificationRateExceeded");
	rig_call(&p.r, "ModifyVolume", "VolumeId=%s&Size=1", v);
	rig_fails(&p.r, "InvalidParameterValue");
	rig_do(&p.r, "DetachVolume", "VolumeId=%s", v);
	plane_rig_settle(&p);
	assert_string_equal(status_of(&p, v), "available");
	assert_string_equal(fake_volume(p.plane, v)->machine, "");
	rig_do(&p.r, "DeleteVolume", "VolumeId=%s", v);
	plane_rig_settle(&p);
	rig_call(&p.r, "DescribeVolumes", "VolumeId.1=%s", v);
	rig_fails(&p.r, "InvalidVolume.NotFound");
	assert_int_equal(fake_volumes_n(p.plane), 1);
	plane_rig_close(&p);
}

TEST(ec2_volumes_of_a_stopped_instance_come_with_its_start)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *v = volume(&p, "Size=5"), *i = instance(&p, "");
	rig_do(&p.r, "StopInstances", "InstanceId.1=%s", i);
	plane_rig_settle(&p);
	rig_do(&p.r, "AttachVolume", "VolumeId=%s&InstanceId=%s&Device=/dev/sdf", v, i);
	plane_rig_settle(&p);
	rig_do(&p.r, "StartInstances", "InstanceId.1=%s", i);
	plane_rig_settle(&p);
	assert_string_equal(fake_volume(p.plane, v)->machine, i);
	rig_do(&p.r, "TerminateInstances", "InstanceId.1=%s", i);
	plane_rig_settle(&p);
	/* Attached later, it stays. */
	assert_string_equal(status_of(&p, v), "available");
	assert_int_equal(fake_volumes_n(p.plane), 1);
	plane_rig_close(&p);
}

/* Whatever the start was told of its disks: what is wanted when it is done holds. */
TEST(ec2_a_volume_may_go_while_its_instance_starts)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *goes = volume(&p, "Size=5"), *i = instance(&p, "");
	rig_do(&p.r, "StopInstances", "InstanceId.1=%s", i);
	plane_rig_settle(&p);
	rig_do(&p.r, "AttachVolume", "VolumeId=%s&InstanceId=%s&Device=/dev/sdf", goes, i);
	plane_rig_settle(&p);
	fake_hold(p.plane, true);
	rig_do(&p.r, "StartInstances", "InstanceId.1=%s", i);
	plane_rig_ticks(&p, 200);
	assert_string_equal(fake_volume(p.plane, goes)->machine, i);
	rig_do(&p.r, "DetachVolume", "VolumeId=%s", goes);
	plane_rig_ticks(&p, 50);
	assert_string_equal(status_of(&p, goes), "in-use");
	fake_hold(p.plane, false);
	plane_rig_advance(&p, 1000);
	assert_string_equal(status_of(&p, goes), "available");
	assert_string_equal(fake_volume(p.plane, goes)->machine, "");
	plane_rig_close(&p);
}

TEST(ec2_a_launch_brings_its_volumes)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *i = instance(&p,
		"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=12"
		"&BlockDeviceMapping.2.DeviceName=/dev/sdb&BlockDeviceMapping.2.Ebs.VolumeSize=3"
		"&BlockDeviceMapping.2.Ebs.DeleteOnTermination=false"
		"&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=k"
		"&TagSpecification.1.Tag.1.Value=v");
	assert_int_equal(fake_volumes_n(p.plane), 2);
	rig_do(&p.r, "DescribeVolumes",
		"Filter.1.Name=attachment.instance-id&Filter.1.Value.1=%s&Filter.2.Name=tag:k"
		"&Filter.2.Value.1=v&Filter.3.Name=size&Filter.3.Value.1=12",
		i);
	assert_int_equal(rig_count(&p.r, "instanceId"), 1);
	rig_do(&p.r, "TerminateInstances", "InstanceId.1=%s", i);
	plane_rig_settle(&p);
	assert_int_equal(fake_volumes_n(p.plane), 1);
	plane_rig_close(&p);
}

TEST(ec2_snapshots_are_taken_copied_shared_and_made_volumes_of)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *v = volume(&p, "Size=5");
	rig_do(&p.r, "CreateSnapshot", "VolumeId=%s&Description=d", v);
	assert_string_equal(rig_text(&p.r, "status"), "pending");
	const char *s = rig_text(&p.r, "snapshotId");
	plane_rig_settle(&p);
	rig_do(&p.r, "DescribeSnapshots", "SnapshotId.1=%s", s);
	assert_string_equal(rig_text(&p.r, "status"), "completed");
	assert_string_equal(rig_text(&p.r, "progress"), "100%");
	rig_do(&p.r, "CreateVolume", "AvailabilityZone=us-east-1b&SnapshotId=%s", s);
	assert_string_equal(rig_text(&p.r, "size"), "5");
	plane_rig_settle(&p);
	rig_do(&p.r, "CopySnapshot", "SourceRegion=us-east-1&SourceSnapshotId=%s", s);
	const char *copy = rig_text(&p.r, "snapshotId");
	plane_rig_settle(&p);
	assert_non_null(fake_snapshot(p.plane, copy));
	assert_int_equal(fake_volumes_n(p.plane), 2);
	rig_do(&p.r, "ModifySnapshotAttribute",
		"SnapshotId=%s&CreateVolumePermission.Add.1.UserId=444455556666", s);
	rig_call(&p.r, "ModifySnapshotAttribute",
		"SnapshotId=%s&CreateVolumePermission.Add.1.UserId=4", s);
	rig_fails(&p.r, "InvalidParameterValue");
	p.r.account = "444455556666";
	rig_do(&p.r, "DescribeSnapshots", "RestorableBy.1=self");
	assert_int_equal(rig_count(&p.r, "snapshotId"), 1);
	rig_do(&p.r, "CreateVolume", "AvailabilityZone=us-east-1a&SnapshotId=%s", s);
	rig_call(&p.r, "DeleteSnapshot", "SnapshotId=%s", s);
	rig_fails(&p.r, "InvalidSnapshot.NotFound");
	p.r.account = "111122223333";
	plane_rig_settle(&p);
	rig_do(&p.r, "DeleteSnapshot", "SnapshotId=%s", s);
	rig_call(&p.r, "DescribeSnapshots", "SnapshotId.1=%s", s);
	rig_fails(&p.r, "InvalidSnapshot.NotFound");
	plane_rig_settle(&p);
	assert_int_equal(fake_snapshots_n(p.plane), 1);
	plane_rig_close(&p);
}

/* The plane was away when the volume should have been made, and its snapshot was deleted
 * meanwhile. */
TEST(ec2_a_deleted_snapshot_stays_until_its_volumes_are_made)
{
	struct plane_rig p;
	plane_rig_open(&p);
	const char *v = volume(&p, "Size=5");
	rig_do(&p.r, "CreateSnapshot", "VolumeId=%s", v);
	const char *s = rig_text(&p.r, "snapshotId");
	plane_rig_settle(&p);
	fake_fail(p.plane, "volume_create", NULL, -EPIPE, "away", 1);
	rig_do(&p.r, "CreateVolume", "AvailabilityZone=us-east-1b&SnapshotId=%s", s);
	const char *made = rig_text(&p.r, "volumeId");
	plane_rig_settle(&p);
	rig_do(&p.r, "DeleteSnapshot", "SnapshotId=%s", s);
	plane_rig_settle(&p);
	assert_non_null(fake_snapshot(p.plane, s));
	assert_string_equal(status_of(&p, made), "creating");
	plane_rig_advance(&p, 60000);
	assert_string_equal(status_of(&p, made), "available");
	plane_rig_advance(&p, 60000);
	assert_null(fake_snapshot(p.plane, s));
	plane_rig_close(&p);
}
