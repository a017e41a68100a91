"""EC2 instances, images, volumes and snapshots through boto3 and the aws CLI. What needs machines is
skipped where there are none; then what is missing must be said."""
import base64
import json

from haneul import Skip, error_code, wait_until

NAME = [{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}]
FAST = {"Delay": 1, "MaxAttempts": 60}


def image(h):
    """The image id that stands for Amazon Linux; Skip where instances cannot run."""
    e = h.client("ec2")
    found = e.describe_images(Owners=["amazon"], Filters=NAME)["Images"]
    if not found:
        raise Skip("no data plane here: it needs root, namespaces and the packages busybox-static and dropbear-bin")
    ami = found[0]["ImageId"]
    assert error_code(e.run_instances, ImageId=ami, MinCount=1, MaxCount=1, DryRun=True) == "DryRunOperation"
    # The key is looked for only where launches are possible at all.
    try:
        e.run_instances(ImageId=ami, MinCount=1, MaxCount=1, InstanceType="t3.nano", KeyName="nobody's")
    except e.exceptions.ClientError as why:
        if why.response["Error"]["Code"] == "Unsupported":
            raise Skip(why.response["Error"]["Message"])
    return ami


def launch(h, ami, **more):
    e = h.client("ec2")
    i = e.run_instances(**{"ImageId": ami, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.nano", **more})["Instances"][0]
    assert i["State"]["Name"] == "pending"
    e.get_waiter("instance_running").wait(InstanceIds=[i["InstanceId"]], WaiterConfig=FAST)
    return i["InstanceId"]


def end(h, *ids):
    e = h.client("ec2")
    e.terminate_instances(InstanceIds=list(ids))
    e.get_waiter("instance_terminated").wait(InstanceIds=list(ids), WaiterConfig=FAST)


def one(h, i):
    return h.client("ec2").describe_instances(InstanceIds=[i])["Reservations"][0]["Instances"][0]


def test_instance_types(h):
    e = h.client("ec2")
    t = e.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"][0]
    assert t["VCpuInfo"]["DefaultVCpus"] == 2 and t["MemoryInfo"]["SizeInMiB"] == 1024 and t["FreeTierEligible"]
    every = [x["InstanceType"] for p in e.get_paginator("describe_instance_types").paginate() for x in p["InstanceTypes"]]
    assert len(every) == len(set(every)) > 150
    small = e.describe_instance_types(Filters=[{"Name": "memory-info.size-in-mib", "Values": ["512"]}])["InstanceTypes"]
    assert {x["InstanceType"] for x in small} == {"t2.nano", "t3.nano", "t3a.nano", "t4g.nano"}
    zones = e.describe_instance_type_offerings(LocationType="availability-zone", Filters=[
        {"Name": "instance-type", "Values": ["t3.micro"]}])["InstanceTypeOfferings"]
    assert "us-east-1a" in {z["Location"] for z in zones} and "us-east-1e" not in {z["Location"] for z in zones}
    pages = e.get_paginator("describe_instance_type_offerings").paginate(PaginationConfig={"PageSize": 50})
    assert sum(len(p["InstanceTypeOfferings"]) for p in pages) == len(every)
    assert error_code(e.describe_instance_types, Filters=[{"Name": "nonsense", "Values": ["x"]}]) == "InvalidParameterValue"


def test_errors_without_a_machine(h):
    e = h.client("ec2")
    none = "i-0123456789abcdef0"
    assert error_code(e.describe_instances, InstanceIds=[none]) == "InvalidInstanceID.NotFound"
    assert error_code(e.describe_instances, InstanceIds=["nonsense"]) == "InvalidInstanceID.Malformed"
    for call in (e.start_instances, e.stop_instances, e.terminate_instances, e.reboot_instances, e.monitor_instances,
                 e.unmonitor_instances, e.describe_instance_status):
        assert error_code(call, InstanceIds=[none]) == "InvalidInstanceID.NotFound", call
    for call in (e.get_console_output, e.get_password_data, e.modify_instance_metadata_options):
        assert error_code(call, InstanceId=none) == "InvalidInstanceID.NotFound", call
    assert error_code(e.describe_instance_attribute, InstanceId=none, Attribute="userData") == "InvalidInstanceID.NotFound"
    assert error_code(e.describe_images, ImageIds=["ami-0123456789abcdef0"]) == "InvalidAMIID.NotFound"
    assert error_code(e.deregister_image, ImageId="ami-0123456789abcdef0") == "InvalidAMIID.NotFound"
    assert error_code(e.describe_volumes, VolumeIds=["vol-0123456789abcdef0"]) == "InvalidVolume.NotFound"
    assert error_code(e.delete_volume, VolumeId="vol-0123456789abcdef0") == "InvalidVolume.NotFound"
    assert error_code(e.describe_snapshots, SnapshotIds=["snap-0123456789abcdef0"]) == "InvalidSnapshot.NotFound"
    empty = h.client("ec2", region="eu-north-1")
    assert empty.describe_instances()["Reservations"] == [] and empty.describe_instance_status()["InstanceStatuses"] == []
    assert e.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    assert e.disable_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    assert error_code(e.enable_ebs_encryption_by_default) == "UnsupportedOperation"
    assert e.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"] == []
    assert e.describe_instance_credit_specifications()["InstanceCreditSpecifications"] == []


def test_life_of_an_instance(h):
    ami, e = image(h), h.client("ec2")
    i = launch(h, ami, ClientToken="life", TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "x"}]}])
    again = e.run_instances(ImageId=ami, MinCount=1, MaxCount=1, InstanceType="t3.nano", ClientToken="life", TagSpecifications=[
        {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "x"}]}])
    assert again["Instances"][0]["InstanceId"] == i
    d = one(h, i)
    assert d["Tags"] == [{"Key": "Name", "Value": "x"}] and d["PrivateIpAddress"] and d["PublicIpAddress"]
    assert d["BlockDeviceMappings"][0]["Ebs"]["Status"] == "attached" and d["NetworkInterfaces"][0]["Attachment"]["DeviceIndex"] == 0
    e.get_waiter("instance_status_ok").wait(InstanceIds=[i], WaiterConfig=FAST)
    wait_until(lambda: e.get_console_output(InstanceId=i, Latest=True).get("Output"), what="console output")
    assert error_code(e.get_password_data, InstanceId=i) == "UnsupportedOperation"
    assert error_code(e.modify_instance_attribute, InstanceId=i, InstanceType={"Value": "t3.micro"}) == "IncorrectInstanceState"
    e.reboot_instances(InstanceIds=[i])
    assert e.monitor_instances(InstanceIds=[i])["InstanceMonitorings"][0]["Monitoring"]["State"] == "pending"
    assert e.unmonitor_instances(InstanceIds=[i])["InstanceMonitorings"][0]["Monitoring"]["State"] == "disabling"
    e.stop_instances(InstanceIds=[i])
    e.get_waiter("instance_stopped").wait(InstanceIds=[i], WaiterConfig=FAST)
    d = one(h, i)
    assert "PublicIpAddress" not in d and d["PrivateIpAddress"] and d["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    e.modify_instance_attribute(InstanceId=i, InstanceType={"Value": "t3.micro"})
    e.modify_instance_attribute(InstanceId=i, UserData={"Value": b"#!/bin/sh\n"})
    got = e.describe_instance_attribute(InstanceId=i, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(got) == b"#!/bin/sh\n"
    e.start_instances(InstanceIds=[i])
    e.get_waiter("instance_running").wait(InstanceIds=[i], WaiterConfig=FAST)
    assert one(h, i)["InstanceType"] == "t3.micro"
    e.modify_instance_attribute(InstanceId=i, DisableApiTermination={"Value": True})
    assert error_code(e.terminate_instances, InstanceIds=[i]) == "OperationNotPermitted"
    e.modify_instance_attribute(InstanceId=i, DisableApiTermination={"Value": False})
    m = e.modify_instance_metadata_options(InstanceId=i, HttpTokens="required", HttpPutResponseHopLimit=3)
    assert m["InstanceMetadataOptions"]["HttpTokens"] == "required"
    assert e.describe_instance_credit_specifications(InstanceIds=[i])["InstanceCreditSpecifications"][0]["CpuCredits"] == "unlimited"
    by_cli = h.cli_json("ec2", "describe-instances", "--filters", f"Name=instance-id,Values={i}")
    assert by_cli["Reservations"][0]["Instances"][0]["InstanceId"] == i
    end(h, i)
    assert one(h, i)["State"]["Name"] == "terminated"


def test_profiles(h):
    ami, e, iam = image(h), h.client("ec2"), h.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    iam.create_role(RoleName="box", AssumeRolePolicyDocument=trust)
    for n in ("box", "box2"):
        iam.create_instance_profile(InstanceProfileName=n)
        iam.add_role_to_instance_profile(InstanceProfileName=n, RoleName="box")
    assert error_code(e.run_instances, ImageId=ami, MinCount=1, MaxCount=1, InstanceType="t3.nano",
                      IamInstanceProfile={"Name": "none"}) == "InvalidParameterValue"
    i = launch(h, ami, IamInstanceProfile={"Name": "box"})
    assert one(h, i)["IamInstanceProfile"]["Arn"].endswith(":instance-profile/box")
    a = e.describe_iam_instance_profile_associations(Filters=[{"Name": "instance-id", "Values": [i]}])
    a = a["IamInstanceProfileAssociations"][0]
    assert error_code(e.associate_iam_instance_profile, InstanceId=i, IamInstanceProfile={"Name": "box"}) == "IncorrectState"
    r = e.replace_iam_instance_profile_association(AssociationId=a["AssociationId"], IamInstanceProfile={"Name": "box2"})
    r = r["IamInstanceProfileAssociation"]
    e.disassociate_iam_instance_profile(AssociationId=r["AssociationId"])
    assert "IamInstanceProfile" not in one(h, i)
    e.associate_iam_instance_profile(InstanceId=i, IamInstanceProfile={"Name": "box"})
    end(h, i)


def test_volumes_and_snapshots(h):
    ami, e = image(h), h.client("ec2")
    i = launch(h, ami)
    zone = one(h, i)["Placement"]["AvailabilityZone"]
    v = e.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3", ClientToken="v")["VolumeId"]
    assert e.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3", ClientToken="v")["VolumeId"] == v
    e.get_waiter("volume_available").wait(VolumeIds=[v], WaiterConfig=FAST)
    assert error_code(e.create_volume, AvailabilityZone=zone, Size=20000) == "InvalidParameterValue"
    assert error_code(e.create_volume, AvailabilityZone="us-east-1z", Size=1) == "InvalidParameterValue"
    assert e.attach_volume(VolumeId=v, InstanceId=i, Device="/dev/sdf")["State"] == "attaching"
    e.get_waiter("volume_in_use").wait(VolumeIds=[v], WaiterConfig=FAST)
    wait_until(lambda: e.describe_volumes(VolumeIds=[v])["Volumes"][0]["Attachments"][0]["State"] == "attached")
    assert error_code(e.delete_volume, VolumeId=v) == "VolumeInUse"
    assert e.describe_volume_attribute(VolumeId=v, Attribute="autoEnableIO")["AutoEnableIO"]["Value"] is False
    assert e.describe_volume_status(VolumeIds=[v])["VolumeStatuses"][0]["VolumeStatus"]["Status"] == "ok"
    e.modify_volume(VolumeId=v, Size=2)
    wait_until(lambda: e.describe_volumes_modifications(VolumeIds=[v])["VolumesModifications"][0]["ModificationState"] == "completed")
    s = e.create_snapshot(VolumeId=v, Description="d", TagSpecifications=[
        {"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}])["SnapshotId"]
    e.get_waiter("snapshot_completed").wait(SnapshotIds=[s], WaiterConfig=FAST)
    several = e.create_snapshots(InstanceSpecification={"InstanceId": i, "ExcludeBootVolume": True})["Snapshots"]
    assert [x["VolumeId"] for x in several] == [v]
    copy = e.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=s)["SnapshotId"]
    e.get_waiter("snapshot_completed").wait(SnapshotIds=[copy, several[0]["SnapshotId"]], WaiterConfig=FAST)
    assert len(e.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "tag:k", "Values": ["v"]}])["Snapshots"]) == 1
    e.modify_snapshot_attribute(SnapshotId=s, Attribute="createVolumePermission", OperationType="add", UserIds=["444455556666"])
    p = e.describe_snapshot_attribute(SnapshotId=s, Attribute="createVolumePermission")["CreateVolumePermissions"]
    assert p == [{"UserId": "444455556666"}]
    other = h.client("ec2", key="444455556666")
    assert [x["SnapshotId"] for x in other.describe_snapshots(SnapshotIds=[s])["Snapshots"]] == [s]
    v2 = e.create_volume(AvailabilityZone=zone, SnapshotId=s)
    assert v2["Size"] == 2
    e.get_waiter("volume_available").wait(VolumeIds=[v2["VolumeId"]], WaiterConfig=FAST)
    e.detach_volume(VolumeId=v)
    e.get_waiter("volume_available").wait(VolumeIds=[v], WaiterConfig=FAST)
    pages = e.get_paginator("describe_volumes").paginate(PaginationConfig={"PageSize": 5})
    assert {v, v2["VolumeId"]} <= {x["VolumeId"] for p in pages for x in p["Volumes"]}
    end(h, i)
    for x in (v, v2["VolumeId"]):
        e.delete_volume(VolumeId=x)
    e.get_waiter("volume_deleted").wait(VolumeIds=[v], WaiterConfig=FAST)
    for x in (s, copy, several[0]["SnapshotId"]):
        e.delete_snapshot(SnapshotId=x)
    assert error_code(e.describe_snapshots, SnapshotIds=[s]) == "InvalidSnapshot.NotFound"


def test_images(h):
    ami, e = image(h), h.client("ec2")
    assert "Amazon Linux" in e.describe_images(ImageIds=[ami])["Images"][0]["Description"]
    i = launch(h, ami)
    m = e.create_image(InstanceId=i, Name="mine", Description="d", NoReboot=True)["ImageId"]
    e.get_waiter("image_available").wait(ImageIds=[m], WaiterConfig=FAST)
    assert error_code(e.create_image, InstanceId=i, Name="mine") == "InvalidAMIName.Duplicate"
    d = e.describe_images(Owners=["self"])["Images"][0]
    assert d["ImageId"] == m and d["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"].startswith("snap-")
    e.modify_image_attribute(ImageId=m, Description={"Value": "new"})
    assert e.describe_image_attribute(ImageId=m, Attribute="description")["Description"]["Value"] == "new"
    e.modify_image_attribute(ImageId=m, LaunchPermission={"Add": [{"UserId": "444455556666"}]})
    other = h.client("ec2", key="444455556666")
    assert [x["ImageId"] for x in other.describe_images(ExecutableUsers=["self"])["Images"]] == [m]
    copy = e.copy_image(SourceImageId=m, SourceRegion="us-east-1", Name="copy")["ImageId"]
    e.get_waiter("image_available").wait(ImageIds=[copy], WaiterConfig=FAST)
    snap = d["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    r = e.register_image(Name="again", RootDeviceName="/dev/xvda", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snap}}])["ImageId"]
    e.get_waiter("image_available").wait(ImageIds=[r], WaiterConfig=FAST)
    j = launch(h, m)
    end(h, i, j)
    assert error_code(e.delete_snapshot, SnapshotId=snap) == "InvalidSnapshot.InUse"
    for x in (r, copy, m):
        e.deregister_image(ImageId=x, DeleteAssociatedSnapshots=True)
    assert error_code(e.describe_images, ImageIds=[m]) == "InvalidAMIID.NotFound"


def user(h, name, *statements):
    """A client that signs as a new user of the policy."""
    iam = h.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    k = iam.create_access_key(UserName=name)["AccessKey"]
    return h.client("ec2", key=k["AccessKeyId"], secret=k["SecretAccessKey"])


def test_each_resource_is_asked_about(h):
    ami, e = image(h), h.client("ec2")
    a, b = launch(h, ami), launch(h, ami, TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "x"}]}])
    arn = "arn:aws:ec2:us-east-1:000000000000:instance/"
    one_only = user(h, "one-only", {"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": arn + a})
    assert error_code(one_only.stop_instances, InstanceIds=[a, b]) == "UnauthorizedOperation"
    assert error_code(one_only.stop_instances, InstanceIds=[b, a]) == "UnauthorizedOperation"
    assert error_code(one_only.stop_instances, InstanceIds=[a], DryRun=True) == "DryRunOperation"
    team = user(h, "team", {"Effect": "Allow", "Action": "ec2:*", "Resource": "*",
                            "Condition": {"StringEquals": {"aws:ResourceTag/team": "x"}}})
    assert error_code(team.reboot_instances, InstanceIds=[b]) is None
    assert error_code(team.reboot_instances, InstanceIds=[a]) == "UnauthorizedOperation"
    e.create_key_pair(KeyName="locked", KeyType="ed25519")
    no_key = user(h, "no-key", {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
                  {"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:key-pair/locked"})
    ask = dict(ImageId=ami, MinCount=1, MaxCount=1, InstanceType="t3.nano", DryRun=True)
    assert error_code(no_key.run_instances, **ask) == "DryRunOperation"
    assert error_code(no_key.run_instances, KeyName="locked", **ask) == "UnauthorizedOperation"
    small = user(h, "small", {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"},
                 {"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:instance/*",
                  "Condition": {"StringNotEquals": {"ec2:InstanceType": ["t3.nano", "t3.micro"]}}})
    assert error_code(small.run_instances, **ask) == "DryRunOperation"
    assert error_code(small.run_instances, **dict(ask, InstanceType="t3.small")) == "UnauthorizedOperation"
    end(h, a, b)


def test_an_interface_is_plugged_while_it_runs(h):
    ami, e = image(h), h.client("ec2")
    i = launch(h, ami, InstanceType="t3.small")
    n = e.create_network_interface(SubnetId=one(h, i)["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    t = e.attach_network_interface(NetworkInterfaceId=n, InstanceId=i, DeviceIndex=1)["AttachmentId"]
    assert [x["Attachment"]["DeviceIndex"] for x in one(h, i)["NetworkInterfaces"]] == [0, 1]
    e.detach_network_interface(AttachmentId=t, Force=True)
    wait_until(lambda: len(one(h, i)["NetworkInterfaces"]) == 1)
    end(h, i)
    e.delete_network_interface(NetworkInterfaceId=n)


def test_a_killed_server_finds_its_machines_again(h):
    ami, e = image(h), h.client("ec2")
    i = launch(h, ami)
    h.kill()
    h.start()
    e = h.client("ec2")
    assert one(h, i)["State"]["Name"] == "running"
    e.get_waiter("instance_status_ok").wait(InstanceIds=[i], WaiterConfig=FAST)
    end(h, i)
