"""Two networks with the same range at once: groups, ACLs, routes and addresses decide what the host reaches in them."""
import os
import socket

from haneul import Haneul, Skip, wait_until

ANYWHERE = "0.0.0.0/0"


def banner(ip, seconds=0.5):
    """What the SSH server behind the address says first; None when nothing answers."""
    with socket.socket() as s:
        s.settimeout(seconds)
        try:
            s.connect((ip, 22))
            return s.recv(7) == b"SSH-2.0"
        except OSError:
            return None


def network(c, image):
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = c.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    igw = c.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    c.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    table = c.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    c.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=igw)
    group = c.create_security_group(GroupName="ssh", Description="ssh", VpcId=vpc)["GroupId"]
    instance = c.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, NetworkInterfaces=[
        {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "PrivateIpAddress": "10.0.0.10", "AssociatePublicIpAddress": True}])
    return {"vpc": vpc, "igw": igw, "table": table, "group": group, "instance": instance["Instances"][0]["InstanceId"]}


def play(c, image):
    one, two = network(c, image), network(c, image)
    both = [one["instance"], two["instance"]]
    c.get_waiter("instance_running").wait(InstanceIds=both, WaiterConfig={"Delay": 1})
    for n in (one, two):
        i = c.describe_instances(InstanceIds=[n["instance"]])["Reservations"][0]["Instances"][0]
        assert i["PrivateIpAddress"] == "10.0.0.10"
        n["ip"] = i["PublicIpAddress"]
    assert not banner(one["ip"]) and not banner(two["ip"])
    rule = dict(IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=ANYWHERE)
    for n in (one, two):
        c.authorize_security_group_ingress(GroupId=n["group"], **rule)
    for n in (one, two):
        wait_until(lambda: banner(n["ip"]), what="the group's rule")
    # Stateless rules, and only of the first network.
    acl = c.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [one["vpc"]]}])["NetworkAcls"][0]["NetworkAclId"]
    c.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, Protocol="6", RuleAction="deny", Egress=False, CidrBlock=ANYWHERE,
                               PortRange={"From": 22, "To": 22})
    wait_until(lambda: not banner(one["ip"]), what="the ACL's refusal")
    assert banner(two["ip"], 5)
    c.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=50, Egress=False)
    wait_until(lambda: banner(one["ip"]), what="the ACL's leave")
    c.delete_route(RouteTableId=one["table"], DestinationCidrBlock=ANYWHERE)
    wait_until(lambda: not banner(one["ip"]), what="the end of the route")
    c.create_route(RouteTableId=one["table"], DestinationCidrBlock=ANYWHERE, GatewayId=one["igw"])
    wait_until(lambda: banner(one["ip"]), what="the route")
    # An elastic address takes the place of the automatic one and outlives a stop.
    eip = c.allocate_address()
    c.associate_address(AllocationId=eip["AllocationId"], InstanceId=one["instance"])
    wait_until(lambda: banner(eip["PublicIp"]), what="the elastic address")
    assert not banner(one["ip"])
    c.stop_instances(InstanceIds=[one["instance"]])
    c.get_waiter("instance_stopped").wait(InstanceIds=[one["instance"]], WaiterConfig={"Delay": 1})
    assert not banner(eip["PublicIp"])
    c.start_instances(InstanceIds=[one["instance"]])
    wait_until(lambda: banner(eip["PublicIp"]), what="the machine after its start")
    c.terminate_instances(InstanceIds=both)
    c.get_waiter("instance_terminated").wait(InstanceIds=both, WaiterConfig={"Delay": 1})
    assert not banner(eip["PublicIp"]) and not banner(two["ip"])


def test_two_networks_of_one_range():
    if os.geteuid() != 0:
        raise Skip("networks are made by root")
    with Haneul() as h:
        c = h.client("ec2")
        images = c.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["haneul/tiny"]}])["Images"]
        if not images:
            raise Skip("the tiny image cannot be made here: haneul doctor says why")
        play(c, images[0]["ImageId"])
