"""Private networks: VPCs, subnets, gateways, groups, lists, by boto3 and the aws CLI."""
import json

from haneul import error_code


def ec2(h, account):
    return h.client("ec2", key=account)


def test_default_network(h):
    c = ec2(h, "100000000001")
    vpc = c.describe_vpcs()["Vpcs"][0]
    assert vpc["IsDefault"] and vpc["CidrBlock"] == "172.31.0.0/16" and vpc["State"] == "available"
    subnets = c.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert len(subnets) == 6 and all(s["MapPublicIpOnLaunch"] and s["AvailableIpAddressCount"] == 4091 for s in subnets)
    assert error_code(c.create_default_vpc) == "DefaultVpcAlreadyExists"
    west = h.client("ec2", key="100000000001", region="eu-west-1")
    assert len(west.describe_subnets()["Subnets"]) == 3
    names = [r["RegionName"] for r in c.describe_regions()["Regions"]]
    assert "us-east-1" in names and "ap-southeast-2" in names and "cn-north-1" not in names
    zones = west.describe_availability_zones()["AvailabilityZones"]
    assert [z["ZoneId"] for z in zones] == ["euw1-az1", "euw1-az2", "euw1-az3"]
    attributes = c.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attributes[0]["AttributeValues"][0]["AttributeValue"] == vpc["VpcId"]


def test_default_network_is_deleted_and_made_again(h):
    c = ec2(h, "100000000002")
    vpc = c.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert error_code(c.delete_vpc, VpcId=vpc) == "DependencyViolation"
    for s in c.describe_subnets()["Subnets"]:
        c.delete_subnet(SubnetId=s["SubnetId"])
    igw = c.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    c.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    c.delete_internet_gateway(InternetGatewayId=igw)
    c.delete_vpc(VpcId=vpc)
    assert c.describe_vpcs()["Vpcs"] == []
    assert error_code(c.create_default_subnet, AvailabilityZone="us-east-1a") == "DefaultVpcDoesNotExist"
    again = c.create_default_vpc()["Vpc"]["VpcId"]
    assert again != vpc
    assert error_code(c.create_default_subnet, AvailabilityZone="us-east-1a") == "DefaultSubnetAlreadyExistsInAvailabilityZone"
    first = c.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["us-east-1a"]}])["Subnets"][0]
    c.delete_subnet(SubnetId=first["SubnetId"])
    made = c.create_default_subnet(AvailabilityZone="us-east-1a")["Subnet"]
    assert made["DefaultForAz"] and made["CidrBlock"] == "172.31.0.0/20"


def test_sixteen_subnets_and_no_more(h):
    c = ec2(h, "100000000003")
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[
        {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "main"}]}])["Vpc"]["VpcId"]
    c.get_waiter("vpc_available").wait(VpcIds=[vpc])
    for i in range(16):
        s = c.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i * 16}.0/20")["Subnet"]
        assert s["AvailableIpAddressCount"] == 4091
    assert error_code(c.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/20") == "InvalidSubnet.Conflict"
    assert error_code(c.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/20") == "InvalidSubnet.Range"
    assert error_code(c.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/29") == "InvalidSubnet.Range"
    assert error_code(c.create_vpc, CidrBlock="10.0.0.0/8") == "InvalidVpc.Range"
    assert error_code(c.create_vpc, CidrBlock="nonsense") == "InvalidParameterValue"
    assert error_code(c.create_vpc, CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True) == "UnsupportedOperation"
    pages = c.get_paginator("describe_subnets").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}], PaginationConfig={"PageSize": 5})
    sizes = [len(p["Subnets"]) for p in pages]
    assert sizes == [5, 5, 5, 1]
    assert c.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["ma*"]}])["Vpcs"][0]["VpcId"] == vpc
    assert error_code(c.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True) == "DryRunOperation"


def test_permissions_by_resource_and_tag(h):
    account = "100000000004"
    c, iam = ec2(h, account), h.client("iam", key=account)
    one = c.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "red"}]}])["Vpc"]["VpcId"]
    two = c.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    statements = [
        {"Effect": "Allow", "Action": "ec2:DeleteVpc", "Resource": f"arn:aws:ec2:us-east-1:{account}:vpc/{two}"},
        {"Effect": "Allow", "Action": "ec2:ModifyVpcAttribute", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}},
        {"Effect": "Allow", "Action": "ec2:CreateSubnet", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestTag/team": "red"}}},
    ]
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    u = h.client("ec2", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_code(u.describe_vpcs) == "UnauthorizedOperation"
    assert error_code(u.delete_vpc, VpcId=one) == "UnauthorizedOperation"
    u.modify_vpc_attribute(VpcId=one, EnableDnsHostnames={"Value": True})
    assert error_code(u.modify_vpc_attribute, VpcId=two, EnableDnsHostnames={"Value": True}) == "UnauthorizedOperation"
    assert error_code(u.create_subnet, VpcId=one, CidrBlock="10.0.0.0/24") == "UnauthorizedOperation"
    u.create_subnet(VpcId=one, CidrBlock="10.0.0.0/24", TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "team", "Value": "red"}]}])
    assert error_code(u.delete_vpc, VpcId=two, DryRun=True) == "DryRunOperation"
    u.delete_vpc(VpcId=two)


def test_pages_of_nothing(h):
    c = ec2(h, "100000000005")
    assert error_code(c.describe_flow_logs, MaxResults=0) == "InvalidParameterValue"
    assert error_code(c.describe_vpc_endpoints, MaxResults=-1) == "InvalidParameterValue"
    assert error_code(c.describe_subnets, NextToken="?", MaxResults=5) == "InvalidPaginationToken"
    assert error_code(c.describe_subnets, Filters=[{"Name": "no-such", "Values": ["x"]}]) == "InvalidParameterValue"
