"""The life of machines as their users see it, on the real plane."""
import json
import os
import subprocess
import time

import ec2_play as play
from haneul import Haneul, error_code, wait_until

play.need_plane()


def test_launch_and_ssh(h):
    ec2 = h.client("ec2")
    play.open_ssh(ec2)
    for kind in ("ed25519", "rsa"):
        key = play.Key(ec2, f"k-{kind}", kind)
        told = subprocess.run(["ssh-keygen", "-lf", key.path], capture_output=True, text=True)
        assert told.returncode == 0, told.stderr
        if kind == "ed25519":
            assert key.fingerprint.rstrip("=") in told.stdout.replace("SHA256:", "")
        i = play.launch(ec2, KeyName=key.name)[0]
        address = i["PublicIpAddress"]
        assert play.ssh(address, key, "whoami") == "ec2-user"
        assert play.ssh(address, key, "sudo id -u") == "0"
        other = play.Key(ec2, f"other-{kind}", kind)
        refused = play.ssh_once(address, other, "true")
        assert refused.returncode == 255 and "denied" in refused.stderr.lower(), refused
        described = ec2.describe_key_pairs(KeyNames=[key.name], IncludePublicKey=True)["KeyPairs"][0]
        assert "PRIVATE" not in json.dumps(described, default=str)
        ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
        key.remove()
        other.remove()


def test_resize(h):
    ec2 = h.client("ec2")
    key = play.Key(ec2, "resize")
    i = play.launch(ec2, KeyName=key.name, InstanceType="t3.micro")[0]
    fixed = ec2.allocate_address()
    address = i["PublicIpAddress"]
    play.ssh(address, key, "echo kept > /home/ec2-user/file")
    memory = int(play.ssh(address, key, "awk '/MemTotal/{print $2}' /proc/meminfo"))
    assert memory <= 1024 * 1024
    assert error_code(ec2.modify_instance_attribute, InstanceId=i["InstanceId"],
                      InstanceType={"Value": "t3.small"}) == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[i["InstanceId"]])
    stopped = play.in_state(ec2, [i["InstanceId"]], "stopped")[0]
    assert "PublicIpAddress" not in stopped and stopped["PrivateIpAddress"] == i["PrivateIpAddress"]
    ec2.modify_instance_attribute(InstanceId=i["InstanceId"], InstanceType={"Value": "t3.small"})
    ec2.start_instances(InstanceIds=[i["InstanceId"]])
    again = play.running(ec2, [i["InstanceId"]])[0]
    assert again["PrivateIpAddress"] == i["PrivateIpAddress"]
    assert play.ssh(again["PublicIpAddress"], key, "cat /home/ec2-user/file") == "kept"
    assert int(play.ssh(again["PublicIpAddress"], key, "awk '/MemTotal/{print $2}' /proc/meminfo")) > memory * 3 // 2
    ec2.associate_address(InstanceId=i["InstanceId"], AllocationId=fixed["AllocationId"])
    assert play.ssh(fixed["PublicIp"], key, "echo here") == "here"
    ec2.stop_instances(InstanceIds=[i["InstanceId"]])
    play.in_state(ec2, [i["InstanceId"]], "stopped")
    ec2.start_instances(InstanceIds=[i["InstanceId"]])
    assert play.running(ec2, [i["InstanceId"]])[0]["PublicIpAddress"] == fixed["PublicIp"]
    assert play.ssh(fixed["PublicIp"], key, "echo here") == "here"
    ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
    play.in_state(ec2, [i["InstanceId"]], "terminated")
    ec2.release_address(AllocationId=fixed["AllocationId"])
    key.remove()


def test_image_of_an_instance(h):
    ec2 = h.client("ec2")
    key = play.Key(ec2, "image")
    i = play.launch(ec2, KeyName=key.name)[0]
    play.ssh(i["PublicIpAddress"], key, "echo configured | sudo tee /etc/my-config")
    made = ec2.create_image(InstanceId=i["InstanceId"], Name="configured")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[made], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    copies = play.launch(ec2, 3, ImageId=made, KeyName=key.name)
    for c in copies:
        assert play.ssh(c["PublicIpAddress"], key, "cat /etc/my-config") == "configured"
    ec2.terminate_instances(InstanceIds=[x["InstanceId"] for x in [i, *copies]])
    play.in_state(ec2, [x["InstanceId"] for x in [i, *copies]], "terminated")
    ec2.deregister_image(ImageId=made)
    key.remove()


def test_user_data_and_metadata(h):
    ec2 = h.client("ec2")
    iam = h.client("iam")
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="machine")
    key = play.Key(ec2, "metadata")
    i = play.launch(ec2, KeyName=key.name, UserData="#!/bin/sh\necho ran >> /var/ran\n",
                    IamInstanceProfile={"Name": "machine"})[0]
    address = i["PublicIpAddress"]
    wait_until(lambda: play.ssh(address, key, "cat /var/ran 2>/dev/null; true") == "ran", what="user data")
    token = play.ssh(address, key, "wget -qO- --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' --post-data '' "
                     "http://169.254.169.254/latest/api/token 2>/dev/null || curl -s -X PUT -H "
                     "'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token || true")
    header = f"--header 'X-aws-ec2-metadata-token: {token}' " if token else ""
    asked = f"wget -qO- {header}http://169.254.169.254/latest/"
    assert play.ssh(address, key, asked + "meta-data/instance-id") == i["InstanceId"]
    keys = json.loads(play.ssh(address, key, asked + "meta-data/iam/security-credentials/machine"))
    assert keys["Code"] == "Success"
    import boto3
    sts = boto3.client("sts", endpoint_url=h.endpoint, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
                       aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["Token"])
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/machine/{i['InstanceId']}")
    ec2.reboot_instances(InstanceIds=[i["InstanceId"]])
    time.sleep(1)
    assert play.ssh(address, key, "cat /var/ran") == "ran"
    console = wait_until(lambda: ec2.get_console_output(InstanceId=i["InstanceId"], Latest=True).get("Output"), what="console")
    assert console
    status = wait_until(lambda: next((s for s in ec2.describe_instance_status(
        InstanceIds=[i["InstanceId"]])["InstanceStatuses"] if s["InstanceStatus"]["Status"] == "ok"), None), seconds=60,
        what="a status check")
    assert status["SystemStatus"]["Status"] == "ok"
    ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
    play.in_state(ec2, [i["InstanceId"]], "terminated")
    key.remove()


def test_volumes(h):
    ec2 = h.client("ec2")
    key = play.Key(ec2, "volumes")
    a, b = play.launch(ec2, 2, KeyName=key.name)
    zone = a["Placement"]["AvailabilityZone"]
    if b["Placement"]["AvailabilityZone"] != zone:
        raise AssertionError("one call launches into one zone")
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    def attach(instance, v):
        ec2.attach_volume(VolumeId=v, InstanceId=instance["InstanceId"], Device="/dev/sdf")
        ec2.get_waiter("volume_in_use").wait(VolumeIds=[v], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        wait_until(lambda: "b" in play.ssh(instance["PublicIpAddress"], key, "stat -Lc %A /dev/sdf 2>/dev/null; true")[:1],
                   what="the device")
    attach(a, volume)
    play.ssh(a["PublicIpAddress"], key, "sudo mke2fs -q /dev/sdf && sudo mkdir -p /mnt/d && sudo mount /dev/sdf /mnt/d && "
             "echo data | sudo tee /mnt/d/file && sudo umount /mnt/d")
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    ec2.detach_volume(VolumeId=volume)
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    attach(b, volume)
    look = "sudo mkdir -p /mnt/d && sudo mount /dev/sdf /mnt/d && cat /mnt/d/file && sudo umount /mnt/d"
    assert play.ssh(b["PublicIpAddress"], key, look) == "data"
    copy = ec2.create_volume(AvailabilityZone=zone, SnapshotId=snapshot)["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[copy], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    attach(a, copy)
    assert play.ssh(a["PublicIpAddress"], key, look) == "data"
    ec2.terminate_instances(InstanceIds=[a["InstanceId"], b["InstanceId"]])
    play.in_state(ec2, [a["InstanceId"], b["InstanceId"]], "terminated")
    key.remove()


def test_private_servers_behind_a_bastion(h):
    ec2 = h.client("ec2")
    key = play.Key(ec2, "bastion")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{16 * n}.0/20")["Subnet"] for n in range(16)]
    assert {s["AvailableIpAddressCount"] for s in subnets} == {4091}
    assert error_code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/24") == "InvalidSubnet.Conflict"
    public, private = subnets[0]["SubnetId"], subnets[1]["SubnetId"]
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    ec2.associate_route_table(RouteTableId=table, SubnetId=public)
    ec2.modify_subnet_attribute(SubnetId=public, MapPublicIpOnLaunch={"Value": True})
    door = ec2.create_security_group(GroupName="door", Description="d", VpcId=vpc)["GroupId"]
    inner = ec2.create_security_group(GroupName="inner", Description="d", VpcId=vpc)["GroupId"]
    play.open_ssh(ec2, door)
    ec2.authorize_security_group_ingress(GroupId=inner, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": door}]}])
    bastion = play.launch(ec2, KeyName=key.name, SubnetId=public, SecurityGroupIds=[door])[0]
    server = play.launch(ec2, KeyName=key.name, SubnetId=private, SecurityGroupIds=[inner])[0]
    assert "PublicIpAddress" not in server
    ip = server["PrivateIpAddress"]
    assert play.ssh(ip, key, "hostname -i 2>/dev/null || echo in", jump=bastion["PublicIpAddress"])
    # The group is changed while the machine runs, and is in force at once.
    ec2.revoke_security_group_ingress(GroupId=inner, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": door}]}])
    wait_until(lambda: play.ssh_once(ip, key, "true", jump=bastion["PublicIpAddress"], timeout=8).returncode != 0,
               what="the refusal")
    # Outward by a NAT gateway, which has the address that others see.
    fixed = ec2.allocate_address()
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=fixed["AllocationId"])["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    out = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=out, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    ec2.associate_route_table(RouteTableId=out, SubnetId=private)
    ec2.authorize_security_group_ingress(GroupId=inner, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": door}]}])
    # Another network of the same range: it sees the NAT gateway's address.
    twin = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert error_code(ec2.create_vpc_peering_connection, VpcId=vpc, PeerVpcId=twin) in (
        None, "InvalidParameterValue", "OverlappingCidrBlock")
    seen = play.ssh(ip, key, f"ssh -o StrictHostKeyChecking=no -o BatchMode=yes -o ConnectTimeout=3 {bastion['PublicIpAddress']} true "
                    "2>&1; true", jump=bastion["PublicIpAddress"])
    assert "timed out" not in seen.lower() and "unreachable" not in seen.lower(), seen
    ec2.terminate_instances(InstanceIds=[bastion["InstanceId"], server["InstanceId"]])
    play.in_state(ec2, [bastion["InstanceId"], server["InstanceId"]], "terminated")
    key.remove()


def test_machines_outlive_the_server():
    with Haneul() as h:
        ec2 = h.client("ec2")
        key = play.Key(ec2, "outlive")
        play.open_ssh(ec2)
        many = play.launch(ec2, 5, KeyName=key.name)
        address = many[0]["PublicIpAddress"]
        play.ssh(address, key, "(trap '' HUP; exec sleep 1000) >/dev/null 2>&1 </dev/null & echo $! > /tmp/pid")
        kept = subprocess.Popen(["ssh", "-i", key.path, *play.SSH, f"ec2-user@{address}", "while :; do date; sleep 0.2; done"],
                                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            assert kept.stdout.readline()
            h.kill()
            h.start()
            ec2 = h.client("ec2")
            play.running(ec2, [i["InstanceId"] for i in many])
            for _ in range(10):
                assert kept.stdout.readline(), "the connection was cut"
        finally:
            kept.kill()
            kept.wait()
        assert play.ssh(address, key, "kill -0 $(cat /tmp/pid) && echo alive") == "alive"
        done = h.command("reset", "--yes")
        assert done.returncode == 0, done.stderr
        key.remove()
        wait_until(lambda: not play.leftovers(h), what="an empty machine")


def test_a_restart_of_the_host():
    """As a power cut: all of its processes at once, then what /run and the kernel had is gone."""
    with Haneul() as h:
        ec2 = h.client("ec2")
        key = play.Key(ec2, "host")
        play.open_ssh(ec2)
        a, b, c = play.launch(ec2, 3, KeyName=key.name)
        volume = ec2.create_volume(AvailabilityZone=a["Placement"]["AvailabilityZone"], Size=1)["VolumeId"]
        ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        ec2.attach_volume(VolumeId=volume, InstanceId=a["InstanceId"], Device="/dev/sdf")
        ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        wait_until(lambda: "b" in play.ssh(a["PublicIpAddress"], key, "stat -Lc %A /dev/sdf 2>/dev/null; true")[:1], what="the disk")
        play.ssh(a["PublicIpAddress"], key, "echo kept > file && echo mine | sudo dd of=/dev/sdf bs=512 conv=sync,fsync 2>/dev/null; sync")
        boot = play.ssh(a["PublicIpAddress"], key, "cat /proc/sys/kernel/random/boot_id")
        ec2.stop_instances(InstanceIds=[c["InstanceId"]])
        play.in_state(ec2, [c["InstanceId"]], "stopped")
        wait_until(lambda: ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"][0]["State"] == "attached", what="the row")
        play.power_cut(h)
        h.start()
        ec2 = h.client("ec2")
        now = play.running(ec2, [a["InstanceId"], b["InstanceId"]])
        assert [i["PrivateIpAddress"] for i in now] == [a["PrivateIpAddress"], b["PrivateIpAddress"]]
        assert play.ssh(now[0]["PublicIpAddress"], key, "cat file; sudo head -c 4 /dev/sdf") == "kept\nmine"
        assert play.ssh(now[0]["PublicIpAddress"], key, "cat /proc/sys/kernel/random/boot_id") != boot
        assert play.ssh(now[1]["PublicIpAddress"], key, "echo up") == "up"
        assert play.instances(ec2, [c["InstanceId"]])[0]["State"]["Name"] == "stopped"
        assert h.command("reset", "--yes").returncode == 0
        wait_until(lambda: not play.leftovers(h), what="an empty machine")
        key.remove()


def test_a_zone_is_lost_and_comes_back(h):
    ec2 = h.client("ec2")
    key = play.Key(ec2, "zone")
    subnets = {s["AvailabilityZone"]: s["SubnetId"] for s in ec2.describe_subnets(
        Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]}
    a = play.launch(ec2, KeyName=key.name, SubnetId=subnets["us-east-1a"])[0]
    b = play.launch(ec2, KeyName=key.name, SubnetId=subnets["us-east-1b"])[0]
    assert play.ssh(a["PublicIpAddress"], key, "echo up") == "up"
    done = h.command("zone", "fail", "us-east-1a")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: play.ssh_once(a["PublicIpAddress"], key, "true").returncode != 0, what="the zone's silence")
    assert play.ssh(b["PublicIpAddress"], key, "echo up") == "up"
    zones = {z["ZoneName"]: z["State"] for z in ec2.describe_availability_zones()["AvailabilityZones"]}
    assert zones["us-east-1a"] != "available" and zones["us-east-1b"] == "available"
    assert h.command("zone", "restore", "us-east-1a").returncode == 0
    assert play.ssh(a["PublicIpAddress"], key, "echo up") == "up"
    ec2.terminate_instances(InstanceIds=[a["InstanceId"], b["InstanceId"]])
    play.in_state(ec2, [a["InstanceId"], b["InstanceId"]], "terminated")
    key.remove()


def test_nothing_is_left():
    with Haneul() as h:
        ec2 = h.client("ec2")
        i = play.launch(ec2)[0]
        assert os.listdir("/proc")
        ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
        play.in_state(ec2, [i["InstanceId"]], "terminated")
        assert h.command("reset", "--yes").returncode == 0
        wait_until(lambda: not play.leftovers(h), what="an empty machine")
