"""Instances that are virtual machines (QEMU, software emulation): the same image, reached by SSH; stopped, started, adopted; disks."""
import shutil
import time

from ec2_play import Key, image, in_state, instances, launch, leftovers, need_plane, open_ssh, ssh, timed
from haneul import Haneul, Skip, wait_until

need_plane()
VM = [{"ResourceType": "instance", "Tags": [{"Key": "haneul:machine", "Value": "qemu"}]}]
SLOW = 120  # seconds: emulation shares the processors with all other tests


def get_kernel(h):
    done = h.command("image", "pull", "kernel", timeout=180)
    if done.returncode:
        raise Skip(done.stderr.strip())


def test_without_a_kernel_it_is_refused_by_name():
    with Haneul() as h:
        ec2 = h.client("ec2")
        try:
            ec2.run_instances(ImageId=image(ec2), InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=VM)
            raise AssertionError("it was taken")
        except ec2.exceptions.ClientError as refused:
            code, text = refused.response["Error"]["Code"], refused.response["Error"]["Message"]
        assert code == "Unsupported" and ("apt-get install qemu-system-x86" in text or "haneul image pull kernel" in text), text
        try:
            ec2.run_instances(ImageId=image(ec2), InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": "haneul:machine", "Value": "mainframe"}]}])
            raise AssertionError("it was taken")
        except ec2.exceptions.ClientError as refused:
            assert refused.response["Error"]["Code"] == "InvalidParameterValue", refused


def test_a_virtual_machine_lives_as_every_instance_does():
    if not shutil.which("qemu-system-x86_64"):
        raise Skip("apt-get install qemu-system-x86")
    h = Haneul().start()
    try:
        get_kernel(h)
        ec2 = h.client("ec2")
        key = Key(ec2)
        open_ssh(ec2)
        began = time.monotonic()
        i = launch(ec2, KeyName=key.name, TagSpecifications=VM, UserData="#!/bin/sh\necho user data ran >> /dev/console\n")[0]
        address, vm = i["PublicIpAddress"], i["InstanceId"]
        told = ssh(address, key, "uname -r; cat /proc/cmdline; id -un; sudo id -un; hostname; df -m / | tail -1", seconds=SLOW)
        print(f"measured: RunInstances to a shell in the virtual machine: {time.monotonic() - began:.1f} s")
        kernel, line, user, root, name, disk = told.splitlines()
        with open("/proc/sys/kernel/osrelease") as f:
            assert kernel != f.read().strip() and "haneul.if=" in line, told
        assert (user, root) == ("ec2-user", "root") and name == "ip-" + i["PrivateIpAddress"].replace(".", "-"), told
        assert 7000 < int(disk.split()[1]) < 8200, disk
        assert "172.31." in ssh(address, key, "wget -qO- http://169.254.169.254/latest/meta-data/local-ipv4 2>&1 || ip addr")
        wait_until(lambda: "user data ran" in ec2.get_console_output(InstanceId=vm, Latest=True).get("Output", ""), seconds=30, what="the console")
        assert "nameserver 169.254.169.253" in ssh(address, key, "cat /etc/resolv.conf")
        ssh(address, key, "echo kept > note; sync")
        # A killed server: the machine goes on, and the next one takes it over.
        boot = ssh(address, key, "cat /proc/sys/kernel/random/boot_id")
        h.kill()
        assert ssh(address, key, "cat /proc/sys/kernel/random/boot_id", seconds=SLOW) == boot
        h.start()
        ec2 = h.client("ec2")
        assert in_state(ec2, [vm], "running")
        # A disk comes while it runs, and goes.
        volume = ec2.create_volume(Size=1, AvailabilityZone=i["Placement"]["AvailabilityZone"])["VolumeId"]
        ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
        ec2.attach_volume(VolumeId=volume, InstanceId=vm, Device="/dev/sdf")
        wait_until(lambda: "vdb" in ssh(address, key, "cat /proc/partitions", seconds=SLOW), seconds=SLOW, what="the disk")
        assert ssh(address, key, "cat /sys/block/vdb/serial; echo; cat /sys/block/vdb/size").split() == ["sdf", str(1 << 21)]
        ssh(address, key, "sudo sh -c 'echo of the guest | dd of=/dev/vdb conv=sync bs=4096 2>/dev/null; sync'")
        ec2.detach_volume(VolumeId=volume, InstanceId=vm)
        wait_until(lambda: "vdb" not in ssh(address, key, "cat /proc/partitions", seconds=SLOW), seconds=SLOW, what="the disk's end")
        wait_until(lambda: ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available", seconds=SLOW, what="detached")
        # Stopped in order, started again: the disk is the same, and it has another size.
        _, took = timed(lambda: (ec2.stop_instances(InstanceIds=[vm]), in_state(ec2, [vm], "stopped")))
        print(f"measured: stopped in {took:.1f} s")
        assert "user data ran" in ec2.get_console_output(InstanceId=vm)["Output"]
        ec2.attach_volume(VolumeId=volume, InstanceId=vm, Device="/dev/sdg")
        ec2.modify_instance_attribute(InstanceId=vm, InstanceType={"Value": "t3.nano"})
        ec2.start_instances(InstanceIds=[vm])
        address = in_state(ec2, [vm], "running")[0]["PublicIpAddress"]
        told = ssh(address, key, "cat note; sudo head -c 12 /dev/vdb; echo; awk '/MemTotal/{print $2}' /proc/meminfo", seconds=SLOW).splitlines()
        assert told[:2] == ["kept", "of the guest"] and 300000 < int(told[2]) < 524288, told
        assert instances(ec2, [vm])[0]["InstanceType"] == "t3.nano"
        # What is on its disk becomes an image, of which a container starts as well.
        ec2.stop_instances(InstanceIds=[vm])
        in_state(ec2, [vm], "stopped")
        copy = ec2.create_image(InstanceId=vm, Name="of the machine")["ImageId"]
        ec2.get_waiter("image_available").wait(ImageIds=[copy], WaiterConfig={"Delay": 1})
        box = launch(ec2, ImageId=copy, KeyName=key.name)[0]
        assert ssh(box["PublicIpAddress"], key, "cat note; grep -c haneul.if /proc/cmdline || true") == "kept\n0"
        ec2.terminate_instances(InstanceIds=[vm, box["InstanceId"]])
        in_state(ec2, [vm, box["InstanceId"]], "terminated")
        h.command("reset", "--yes")
        key.remove()
    finally:
        h.stop()
        h.command("cleanup")
        assert not leftovers(h), leftovers(h)
        h.remove()
