"""Networks by the aws CLI: what people type from tutorials."""


def test_public_and_private_subnet(h):
    cli = lambda *args: h.cli_json("ec2", *args)  # noqa: E731
    vpc = cli("create-vpc", "--cidr-block", "10.0.0.0/16", "--tag-specifications", "ResourceType=vpc,Tags=[{Key=Name,Value=lab}]")["Vpc"]["VpcId"]
    public = cli("create-subnet", "--vpc-id", vpc, "--cidr-block", "10.0.0.0/20", "--availability-zone", "us-east-1a")["Subnet"]["SubnetId"]
    private = cli("create-subnet", "--vpc-id", vpc, "--cidr-block", "10.0.16.0/20")["Subnet"]["SubnetId"]
    h.cli("ec2", "modify-subnet-attribute", "--subnet-id", public, "--map-public-ip-on-launch")
    h.cli("ec2", "modify-vpc-attribute", "--vpc-id", vpc, "--enable-dns-hostnames")
    igw = cli("create-internet-gateway")["InternetGateway"]["InternetGatewayId"]
    h.cli("ec2", "attach-internet-gateway", "--internet-gateway-id", igw, "--vpc-id", vpc)
    table = cli("create-route-table", "--vpc-id", vpc)["RouteTable"]["RouteTableId"]
    assert cli("create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", igw)["Return"]
    cli("associate-route-table", "--route-table-id", table, "--subnet-id", public)
    eip = cli("allocate-address", "--domain", "vpc")["AllocationId"]
    nat = cli("create-nat-gateway", "--subnet-id", public, "--allocation-id", eip)["NatGateway"]["NatGatewayId"]
    h.cli("ec2", "wait", "nat-gateway-available", "--nat-gateway-ids", nat)
    group = cli("create-security-group", "--group-name", "ssh", "--description", "ssh", "--vpc-id", vpc)["GroupId"]
    rule = cli("authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0")
    assert rule["SecurityGroupRules"][0]["FromPort"] == 22
    named = cli("describe-vpcs", "--filters", "Name=tag:Name,Values=lab", "--query", "Vpcs[].VpcId")
    assert named == [vpc]
    assert len(cli("describe-subnets", "--filters", f"Name=vpc-id,Values={vpc}", "--max-items", "1")["Subnets"]) == 1
    again = h.cli("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", "10.0.16.0/24", ok=False)
    assert "InvalidSubnet.Conflict" in str(again)
    dry = h.cli("ec2", "delete-subnet", "--subnet-id", private, "--dry-run", ok=False)
    assert "DryRunOperation" in str(dry)
    h.cli("ec2", "delete-subnet", "--subnet-id", private)
    zones = cli("describe-availability-zones", "--query", "AvailabilityZones[].ZoneName")
    assert zones[0] == "us-east-1a" and len(zones) == 6
    assert "eu-west-1" in cli("describe-regions", "--query", "Regions[].RegionName")
