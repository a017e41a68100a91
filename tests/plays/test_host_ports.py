"""Ports of the host lead to instances (`--publish`), seen by another computer: a network namespace with a link to this one."""
import socket
import subprocess
import tempfile
import os

from ec2_play import image, in_state, launch, need_plane
from haneul import Haneul, wait_until

need_plane()


class Computer:
    """A second machine on a cable of its own."""

    def __init__(self, name="hn-play", net="198.18.77"):
        self.name, self.here, self.there = name, f"{net}.1", f"{net}.2"
        for line in (f"netns add {name}", f"link add {name}0 type veth peer name {name}1 netns {name}", f"addr add {self.here}/30 dev {name}0",
                     f"link set {name}0 up", f"-n {name} addr add {self.there}/30 dev {name}1", f"-n {name} link set {name}1 up",
                     f"-n {name} link set lo up"):
            subprocess.run(["ip", *line.split()], check=True)

    def hears(self, port, protocol="tcp", say=""):
        """What a client over there gets from that port of this host; "" when nothing."""
        code = ("import socket,sys\n"
                f"s=socket.socket(socket.AF_INET, socket.SOCK_{'STREAM' if protocol == 'tcp' else 'DGRAM'})\ns.settimeout(1)\n"
                f"s.connect(({self.here!r},{port}))\n"
                f"s.send({say.encode()!r}) if {say!r} else None\nsys.stdout.write(s.recv(100).decode('latin-1'))")
        done = subprocess.run(["ip", "netns", "exec", self.name, "python3", "-c", code], capture_output=True, text=True)
        return done.stdout

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        subprocess.run(["ip", "link", "del", self.name + "0"], capture_output=True)


def free_ports(n):
    kept = [socket.socket() for _ in range(n)]
    for s in kept:
        s.bind(("0.0.0.0", 0))
    ports = [s.getsockname()[1] for s in kept]
    for s in kept:
        s.close()
    return ports


def test_ports_of_the_host_lead_to_instances():
    computer = Computer(f"hn{os.getpid()}")
    fixed, asked, refused = free_ports(3)
    try:
        with Haneul("--publish", f"{fixed}=web:22,{asked}") as h:
            ec2 = h.client("ec2")
            i = launch(ec2, TagSpecifications=[{"ResourceType": "instance", "Tags": [
                {"Key": "Name", "Value": "web"}, {"Key": "haneul:publish", "Value": f"{asked}:22 {refused}:22"}]}])[0]
            # Groups hold: by default nobody gets in.
            assert not computer.hears(fixed) and not computer.hears(asked)
            group = i["SecurityGroups"][0]["GroupId"]
            rule = dict(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
            ec2.authorize_security_group_ingress(**rule)
            wait_until(lambda: computer.hears(fixed).startswith("SSH-2.0"), what="SSH through the setting's port")
            wait_until(lambda: computer.hears(asked).startswith("SSH-2.0"), what="SSH through the tag's port")
            assert not computer.hears(refused), "the setting does not leave that port to instances"
            # The tags are followed while it runs.
            ec2.delete_tags(Resources=[i["InstanceId"]], Tags=[{"Key": "haneul:publish"}])
            wait_until(lambda: not computer.hears(asked), what="the end of the tag")
            ec2.create_tags(Resources=[i["InstanceId"]], Tags=[{"Key": "Name", "Value": "other"}])
            wait_until(lambda: not computer.hears(fixed), what="another name")
            ec2.create_tags(Resources=[i["InstanceId"]], Tags=[{"Key": "Name", "Value": "web"}])
            wait_until(lambda: computer.hears(fixed).startswith("SSH-2.0"), what="the name again")
            # A killed server opens them again.
            h.kill()
            assert not computer.hears(fixed)
            h.start()
            wait_until(lambda: computer.hears(fixed).startswith("SSH-2.0"), what="the port after a restart")
            # An elastic address takes the automatic one's place.
            eip = ec2.allocate_address()
            ec2.associate_address(AllocationId=eip["AllocationId"], InstanceId=i["InstanceId"])
            wait_until(lambda: computer.hears(fixed).startswith("SSH-2.0"), what="the port with an elastic address")
            ec2.revoke_security_group_ingress(**rule)
            wait_until(lambda: not computer.hears(fixed), what="the group's end")
            ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
            in_state(ec2, [i["InstanceId"]], "terminated")
            h.command("reset", "--yes")
    finally:
        computer.remove()


def test_the_range_of_addresses_is_a_setting():
    with Haneul("--public-range", "100.127.240.0/24", "--uplink", "off") as h:
        ec2 = h.client("ec2")
        i = launch(ec2, ImageId=image(ec2))[0]
        assert i["PublicIpAddress"].startswith("100.127.240."), i["PublicIpAddress"]
        said = h.command("doctor").stdout
        assert "100.127.240.0/24 by the link hn-" in said, said
        ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
        in_state(ec2, [i["InstanceId"]], "terminated")
        h.command("reset", "--yes")
    for bad in (["--public-range", "127.0.0.0/24"], ["--public-range", "100.1.2.0/40"], ["--publish", "80=:x"]):
        try:
            Haneul(*bad, data=tempfile.mkdtemp(prefix="haneul-test-")).start().stop()
            raise AssertionError(f"{bad} was taken")
        except RuntimeError as refused:
            assert "haneul start:" in str(refused), refused
