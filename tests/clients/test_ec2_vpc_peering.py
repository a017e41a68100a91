"""Peering of networks: of one account, of two, of ranges that overlap."""
from haneul import error_code, wait_until


def ec2(h, account, region="us-east-1"):
    return h.client("ec2", key=account, region=region)


def vpc(c, cidr):
    return c.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]


def status(c, pcx):
    return c.describe_vpc_peering_connections(VpcPeeringConnectionIds=[pcx])["VpcPeeringConnections"][0]["Status"]["Code"]


def test_overlap_is_refused_and_another_range_accepted(h):
    c = ec2(h, "500000000001")
    a, same, b = vpc(c, "10.0.0.0/16"), vpc(c, "10.0.0.0/16"), vpc(c, "10.1.0.0/16")
    bad = c.create_vpc_peering_connection(VpcId=a, PeerVpcId=same)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    shown = c.describe_vpc_peering_connections(VpcPeeringConnectionIds=[bad])["VpcPeeringConnections"][0]
    assert shown["Status"]["Code"] == "failed" and "overlapping CIDR" in shown["Status"]["Message"]
    assert error_code(c.accept_vpc_peering_connection, VpcPeeringConnectionId=bad) == "InvalidStateTransition"
    pcx = c.create_vpc_peering_connection(VpcId=a, PeerVpcId=b)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    c.get_waiter("vpc_peering_connection_exists").wait(VpcPeeringConnectionIds=[pcx])
    assert error_code(c.create_vpc_peering_connection, VpcId=b, PeerVpcId=a) == "VpcPeeringConnectionAlreadyExists"
    assert error_code(c.create_vpc_peering_connection, VpcId=b, PeerVpcId="vpc-0123456789abcdef0") == "InvalidVpcID.NotFound"
    table = c.create_route_table(VpcId=a)["RouteTable"]["RouteTableId"]
    route = dict(RouteTableId=table, DestinationCidrBlock="10.1.0.0/16", VpcPeeringConnectionId=pcx)
    assert error_code(c.create_route, **route) == "InvalidStateTransition"
    assert c.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)["VpcPeeringConnection"]["Status"]["Code"] == "provisioning"
    assert status(c, pcx) == "active"
    c.create_route(**route)
    # A group of the other network.
    there = c.create_security_group(GroupName="there", Description="d", VpcId=b)["GroupId"]
    here = c.create_security_group(GroupName="here", Description="d", VpcId=a)["GroupId"]
    c.authorize_security_group_ingress(GroupId=here, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": there}]}])
    pair = c.describe_security_groups(GroupIds=[here])["SecurityGroups"][0]["IpPermissions"][0]["UserIdGroupPairs"][0]
    assert pair["VpcPeeringConnectionId"] == pcx and pair["VpcId"] == b
    on = {"AllowDnsResolutionFromRemoteVpc": True}
    assert error_code(c.modify_vpc_peering_connection_options, VpcPeeringConnectionId=pcx, RequesterPeeringConnectionOptions=on) == "UnsupportedOperation"
    off = c.modify_vpc_peering_connection_options(VpcPeeringConnectionId=pcx, RequesterPeeringConnectionOptions={"AllowDnsResolutionFromRemoteVpc": False})
    assert off["RequesterPeeringConnectionOptions"]["AllowDnsResolutionFromRemoteVpc"] is False
    assert c.delete_vpc_peering_connection(VpcPeeringConnectionId=pcx)["Return"]
    assert status(c, pcx) == "deleted"
    c.get_waiter("vpc_peering_connection_deleted").wait(VpcPeeringConnectionIds=[pcx])
    assert c.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][1]["State"] == "blackhole"


def test_two_accounts_and_regions(h):
    c, d = ec2(h, "500000000002"), ec2(h, "500000000003", "eu-west-1")
    a, b = vpc(c, "10.0.0.0/16"), vpc(d, "10.1.0.0/16")
    pcx = c.create_vpc_peering_connection(VpcId=a, PeerVpcId=b, PeerOwnerId="500000000003", PeerRegion="eu-west-1")["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    assert status(d, pcx) == "pending-acceptance"
    assert error_code(c.accept_vpc_peering_connection, VpcPeeringConnectionId=pcx) == "OperationNotPermitted"
    d.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    assert status(c, pcx) == "active"
    shown = c.describe_vpc_peering_connections(Filters=[{"Name": "accepter-vpc-info.vpc-id", "Values": [b]}])["VpcPeeringConnections"][0]
    assert shown["AccepterVpcInfo"]["CidrBlock"] == "10.1.0.0/16" and shown["AccepterVpcInfo"]["Region"] == "eu-west-1"
    d.delete_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    assert status(c, pcx) == "deleted"
    # Nobody answers for a week.
    late = c.create_vpc_peering_connection(VpcId=a, PeerVpcId=b, PeerOwnerId="500000000003", PeerRegion="eu-west-1")["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    h.command("clock", "advance", "169h")
    wait_until(lambda: status(d, late) == "expired")
    h.command("clock", "advance", "3h")
    wait_until(lambda: late not in [p["VpcPeeringConnectionId"] for p in c.describe_vpc_peering_connections()["VpcPeeringConnections"]])
    assert error_code(status, c, late) == "InvalidVpcPeeringConnectionID.NotFound"
