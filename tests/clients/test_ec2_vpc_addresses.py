"""Addresses: network interfaces, elastic addresses, attributes of networks and subnets, flow logs."""
from haneul import error_code


def ec2(h, account):
    return h.client("ec2", key=account)


def network(c):
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return vpc, c.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/28", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]


def test_interfaces(h):
    c = ec2(h, "400000000001")
    vpc, subnet = network(c)
    made = c.create_network_interface(SubnetId=subnet, Description="d", PrivateIpAddress="10.0.0.9", SecondaryPrivateIpAddressCount=2,
                                      TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "a", "Value": "b"}]}])["NetworkInterface"]
    eni = made["NetworkInterfaceId"]
    assert made["Status"] == "available" and made["PrivateIpAddress"] == "10.0.0.9" and len(made["PrivateIpAddresses"]) == 3
    assert made["PrivateDnsName"] == "ip-10-0-0-9.ec2.internal" and made["TagSet"][0]["Key"] == "a" and made["Groups"][0]["GroupName"] == "default"
    assert c.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 8
    c.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni])
    assert error_code(c.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.0.0.9") == "InvalidIPAddress.InUse"
    assert error_code(c.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.0.0.2") == "InvalidParameterValue"
    assert error_code(c.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.0.1.2") == "InvalidParameterValue"
    assert error_code(c.create_network_interface, SubnetId=subnet, SecondaryPrivateIpAddressCount=8) == "InsufficientFreeAddressesInSubnet"
    assert error_code(c.create_network_interface, SubnetId=subnet, Ipv6AddressCount=1) == "UnsupportedOperation"
    more = c.assign_private_ip_addresses(NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=1)["AssignedPrivateIpAddresses"]
    assert len(more) == 1
    other = c.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    taken = more[0]["PrivateIpAddress"]
    assert error_code(c.assign_private_ip_addresses, NetworkInterfaceId=other, PrivateIpAddresses=[taken]) == "InvalidIPAddress.InUse"
    c.assign_private_ip_addresses(NetworkInterfaceId=other, PrivateIpAddresses=[taken], AllowReassignment=True)
    c.unassign_private_ip_addresses(NetworkInterfaceId=other, PrivateIpAddresses=[taken])
    assert error_code(c.unassign_private_ip_addresses, NetworkInterfaceId=other, PrivateIpAddresses=[taken]) == "InvalidParameterValue"
    group = c.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    c.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[group])
    c.modify_network_interface_attribute(NetworkInterfaceId=eni, SourceDestCheck={"Value": False})
    c.modify_network_interface_attribute(NetworkInterfaceId=eni, Description={"Value": "new"})
    got = c.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"][0]
    assert got["Description"] == "new" and not got["SourceDestCheck"]
    assert error_code(c.delete_security_group, GroupId=group) == "DependencyViolation"
    assert error_code(c.detach_network_interface, AttachmentId="eni-attach-0123") == "InvalidAttachmentID.NotFound"
    assert error_code(c.attach_network_interface, NetworkInterfaceId=eni, InstanceId="i-0123456789abcdef0", DeviceIndex=1) in (
        "InvalidInstanceID.NotFound", "InvalidParameterValue")
    assert error_code(c.delete_vpc, VpcId=vpc) == "DependencyViolation"
    for i in (eni, other):
        c.delete_network_interface(NetworkInterfaceId=i)
    assert error_code(c.delete_network_interface, NetworkInterfaceId=eni) == "InvalidNetworkInterfaceID.NotFound"
    assert c.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 11
    ids = [c.create_network_interface(SubnetId=subnet, ClientToken=f"t{i}")["NetworkInterface"]["NetworkInterfaceId"] for i in range(7)]
    assert c.create_network_interface(SubnetId=subnet, ClientToken="t0")["NetworkInterface"]["NetworkInterfaceId"] == ids[0]
    pages = [len(p["NetworkInterfaces"]) for p in c.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5})]
    assert pages == [5, 2]


def test_elastic_addresses(h):
    c = ec2(h, "400000000002")
    vpc, subnet = network(c)
    eni = c.create_network_interface(SubnetId=subnet, SecondaryPrivateIpAddressCount=1)["NetworkInterface"]
    a = c.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [{"Key": "a", "Value": "b"}]}])
    one = dict(AllocationId=a["AllocationId"], NetworkInterfaceId=eni["NetworkInterfaceId"])
    assert error_code(c.associate_address, **one) == "Gateway.NotAttached"
    igw = c.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    c.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    first = c.associate_address(**one)["AssociationId"]
    assert c.associate_address(**one)["AssociationId"] == first
    second = dict(**one, PrivateIpAddress=eni["PrivateIpAddresses"][1]["PrivateIpAddress"])
    assert error_code(c.associate_address, **second, AllowReassociation=False) == "Resource.AlreadyAssociated"
    moved = c.associate_address(**second)["AssociationId"]
    got = c.describe_addresses(PublicIps=[a["PublicIp"]])["Addresses"][0]
    assert got["AssociationId"] == moved and got["PrivateIpAddress"] == second["PrivateIpAddress"] and got["Tags"]
    shown = c.describe_network_interfaces(Filters=[{"Name": "addresses.association.public-ip", "Values": [a["PublicIp"]]}])["NetworkInterfaces"][0]
    assert "Association" not in shown and shown["PrivateIpAddresses"][1]["Association"]["AllocationId"] == a["AllocationId"]
    assert error_code(c.detach_internet_gateway, InternetGatewayId=igw, VpcId=vpc) == "DependencyViolation"
    assert error_code(c.release_address, AllocationId=a["AllocationId"]) == "InvalidIPAddress.InUse"
    assert c.describe_addresses_attribute(AllocationIds=[a["AllocationId"]], Attribute="domain-name")["Addresses"][0]["PublicIp"] == a["PublicIp"]
    c.disassociate_address(AssociationId=moved)
    assert error_code(c.disassociate_address, AssociationId=moved) == "InvalidAssociationID.NotFound"
    c.associate_address(**one)
    c.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    assert "AssociationId" not in c.describe_addresses()["Addresses"][0]
    c.release_address(PublicIp=a["PublicIp"])
    assert error_code(c.describe_addresses, AllocationIds=[a["AllocationId"]]) == "InvalidAllocationID.NotFound"
    assert error_code(c.describe_addresses, PublicIps=["9.9.9.9"]) == "InvalidAddress.NotFound"
    # An address that was given back can be had again by name.
    assert c.allocate_address(Address=a["PublicIp"])["PublicIp"] == a["PublicIp"]
    for _ in range(4):
        c.allocate_address()
    assert error_code(c.allocate_address) == "AddressLimitExceeded"
    assert error_code(ec2(h, "400000000009").release_address, PublicIp=a["PublicIp"]) == "AuthFailure"


def test_attributes(h):
    c = ec2(h, "400000000003")
    vpc, subnet = network(c)
    assert c.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
    assert not c.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    c.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert c.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    c.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert c.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["MapPublicIpOnLaunch"]
    assert error_code(c.modify_subnet_attribute, SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True}) == "UnsupportedOperation"
    a = c.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    assert a["CidrBlockState"]["State"] == "associated"
    assert error_code(c.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.1.128.0/17") == "InvalidVpc.Range"
    s = c.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    assert error_code(c.disassociate_vpc_cidr_block, AssociationId=a["AssociationId"]) == "InvalidCidrBlock"
    c.delete_subnet(SubnetId=s)
    gone = c.disassociate_vpc_cidr_block(AssociationId=a["AssociationId"])
    assert gone["CidrBlockAssociation"]["CidrBlockState"]["State"] == "disassociating"
    first = c.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"]
    assert [x["CidrBlock"] for x in first] == ["10.0.0.0/16"]
    assert error_code(c.disassociate_vpc_cidr_block, AssociationId=first[0]["AssociationId"]) == "OperationNotPermitted"
    for i in range(3):
        c.create_vpc(CidrBlock=f"10.{i}.0.0/16")
    assert error_code(c.create_vpc, CidrBlock="10.9.0.0/16") == "VpcLimitExceeded"


def test_tags_of_networks(h):
    c = ec2(h, "400000000004")
    vpc, subnet = network(c)
    c.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "k", "Value": "v"}])
    assert {t["ResourceType"] for t in c.describe_tags(Filters=[{"Name": "key", "Values": ["k"]}])["Tags"]} == {"vpc", "subnet"}
    assert c.describe_subnets(Filters=[{"Name": "tag:k", "Values": ["v"]}])["Subnets"][0]["SubnetId"] == subnet
    c.delete_tags(Resources=[vpc], Tags=[{"Key": "k"}])
    assert c.describe_vpcs(Filters=[{"Name": "tag-key", "Values": ["k"]}])["Vpcs"] == []
    bad = [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]
    assert error_code(c.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=bad) == "InvalidParameterValue"


def test_flow_logs(h):
    c = ec2(h, "400000000005")
    s3 = h.client("s3", key="400000000005")
    vpc, subnet = network(c)
    s3.create_bucket(Bucket="flow-logs-here")
    ask = dict(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3", MaxAggregationInterval=60)
    assert error_code(c.create_flow_logs, **ask, LogDestination="arn:aws:s3:::no-such-bucket-at-all") == "InvalidParameter"
    made = c.create_flow_logs(**ask, LogDestination="arn:aws:s3:::flow-logs-here/net/", ClientToken="x")
    again = c.create_flow_logs(**ask, LogDestination="arn:aws:s3:::flow-logs-here/net/", ClientToken="x")
    assert made["FlowLogIds"] == again["FlowLogIds"] and made["Unsuccessful"] == []
    assert error_code(c.create_flow_logs, **ask, LogDestination="arn:aws:s3:::flow-logs-here/net/") == "FlowLogAlreadyExists"
    assert error_code(c.create_flow_logs, **{**ask, "LogDestinationType": "cloud-watch-logs"}, LogGroupName="g") == "UnsupportedOperation"
    assert error_code(c.create_flow_logs, **ask, LogDestination="arn:aws:s3:::flow-logs-here", LogFormat="${no-such}") == "InvalidParameter"
    log = c.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"][0]
    assert log["FlowLogStatus"] == "ACTIVE" and log["DeliverLogsStatus"] == "SUCCESS" and log["LogFormat"].startswith("${version}")
    assert c.delete_flow_logs(FlowLogIds=made["FlowLogIds"])["Unsuccessful"] == []
    assert error_code(c.delete_flow_logs, FlowLogIds=made["FlowLogIds"]) == "InvalidFlowLogId.NotFound"
