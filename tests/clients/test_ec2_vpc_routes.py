"""Ways of packets: route tables, gateways, NAT, endpoints, prefix lists."""
import json

from haneul import error_code, wait_until


def ec2(h, account):
    return h.client("ec2", key=account)


def network(c, cidr="10.0.0.0/16", subnets=2):
    vpc = c.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    a, b = cidr.split(".")[:2]
    made = [c.create_subnet(VpcId=vpc, CidrBlock=f"{a}.{b}.{i}.0/24", AvailabilityZone="us-east-1" + "abc"[i % 3])["Subnet"]["SubnetId"]
            for i in range(subnets)]
    return vpc, made


def gateway(c, vpc):
    igw = c.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    c.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    return igw


def test_route_tables(h):
    c = ec2(h, "200000000001")
    vpc, (one, two) = network(c)
    igw = gateway(c, vpc)
    main = c.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}])["RouteTables"]
    assert len(main) == 1 and main[0]["Routes"][0]["GatewayId"] == "local"
    token = {"ClientToken": "t-1"}
    table = c.create_route_table(VpcId=vpc, **token)["RouteTable"]["RouteTableId"]
    assert c.create_route_table(VpcId=vpc, **token)["RouteTable"]["RouteTableId"] == table
    assert c.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)["Return"]
    c.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)  # the same again
    assert error_code(c.create_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16", GatewayId=igw) == "RouteAlreadyExists"
    assert error_code(c.create_route, RouteTableId=table, DestinationCidrBlock="nonsense", GatewayId=igw) == "InvalidParameterValue"
    assert error_code(c.create_route, RouteTableId=table, DestinationCidrBlock="1.0.0.0/8") == "MissingParameter"
    assert error_code(c.create_route, RouteTableId=table, DestinationCidrBlock="1.0.0.0/8", GatewayId="igw-0123456789abcdef0") == "InvalidGatewayID.NotFound"
    assert error_code(c.create_route, RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=igw) == "UnsupportedOperation"
    first = c.associate_route_table(RouteTableId=table, SubnetId=one)
    assert first["AssociationState"]["State"] == "associated"
    assert c.associate_route_table(RouteTableId=table, SubnetId=one)["AssociationId"] == first["AssociationId"]
    other = c.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    assert error_code(c.associate_route_table, RouteTableId=other, SubnetId=one) == "Resource.AlreadyAssociated"
    moved = c.replace_route_table_association(AssociationId=first["AssociationId"], RouteTableId=other)["NewAssociationId"]
    assert error_code(c.delete_route_table, RouteTableId=other) == "DependencyViolation"
    c.disassociate_route_table(AssociationId=moved)
    assert error_code(c.disassociate_route_table, AssociationId=moved) == "InvalidAssociationID.NotFound"
    # Another table becomes the main one.
    old = main[0]["Associations"][0]["RouteTableAssociationId"]
    assert error_code(c.disassociate_route_table, AssociationId=old) == "InvalidParameterValue"
    c.replace_route_table_association(AssociationId=old, RouteTableId=other)
    assert c.describe_route_tables(RouteTableIds=[other])["RouteTables"][0]["Associations"][0]["Main"]
    c.delete_route_table(RouteTableId=main[0]["RouteTableId"])
    # What a route leads to goes away.
    c.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    states = {r["DestinationCidrBlock"]: r["State"] for r in c.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]}
    assert states == {"10.0.0.0/16": "active", "0.0.0.0/0": "blackhole"}
    c.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    c.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert error_code(c.delete_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0") == "InvalidRoute.NotFound"
    assert error_code(c.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16") == "InvalidParameterValue"
    assert error_code(c.replace_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw) == "InvalidRoute.NotFound"
    for _ in range(6):
        c.create_route_table(VpcId=vpc)
    pages = [len(p["RouteTables"]) for p in c.get_paginator("describe_route_tables").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}], PaginationConfig={"PageSize": 5})]
    assert pages == [5, 3]


def test_internet_gateways(h):
    c = ec2(h, "200000000002")
    vpc, _ = network(c)
    igw = c.create_internet_gateway(TagSpecifications=[{"ResourceType": "internet-gateway", "Tags": [{"Key": "a", "Value": "b"}]}])["InternetGateway"]
    assert igw["Attachments"] == [] and igw["Tags"] == [{"Key": "a", "Value": "b"}]
    igw = igw["InternetGatewayId"]
    assert error_code(c.detach_internet_gateway, InternetGatewayId=igw, VpcId=vpc) == "Gateway.NotAttached"
    c.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    assert error_code(c.attach_internet_gateway, InternetGatewayId=igw, VpcId=vpc) == "Resource.AlreadyAssociated"
    second = c.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert error_code(c.attach_internet_gateway, InternetGatewayId=second, VpcId=vpc) == "InvalidParameterValue"
    assert error_code(c.delete_internet_gateway, InternetGatewayId=igw) == "DependencyViolation"
    found = c.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]
    assert [g["InternetGatewayId"] for g in found] == [igw] and found[0]["Attachments"][0]["State"] == "available"
    c.get_waiter("internet_gateway_exists").wait(InternetGatewayIds=[igw])
    c.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    c.delete_internet_gateway(InternetGatewayId=igw)
    assert error_code(c.delete_internet_gateway, InternetGatewayId=igw) == "InvalidInternetGatewayID.NotFound"
    eigw = c.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    assert eigw["Attachments"][0]["State"] == "attached"
    got = c.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"]
    assert [g["EgressOnlyInternetGatewayId"] for g in got] == [eigw["EgressOnlyInternetGatewayId"]]
    assert error_code(c.delete_vpc, VpcId=vpc) == "DependencyViolation"
    assert c.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=eigw["EgressOnlyInternetGatewayId"])["ReturnCode"]


def test_nat_gateways(h):
    c = ec2(h, "200000000003")
    vpc, (one, two) = network(c)
    eip = c.allocate_address()["AllocationId"]
    # AWS makes what cannot work, and lets it fail.
    bad = c.create_nat_gateway(SubnetId=one, AllocationId=eip)["NatGateway"]
    assert bad["State"] == "pending"
    bad = c.describe_nat_gateways(NatGatewayIds=[bad["NatGatewayId"]])["NatGateways"][0]
    assert bad["State"] == "failed" and bad["FailureCode"] == "Gateway.NotAttached"
    gateway(c, vpc)
    nat = c.create_nat_gateway(SubnetId=one, AllocationId=eip, ClientToken="n-1", TagSpecifications=[
        {"ResourceType": "natgateway", "Tags": [{"Key": "a", "Value": "b"}]}])["NatGateway"]["NatGatewayId"]
    assert c.create_nat_gateway(SubnetId=one, AllocationId=eip, ClientToken="n-1", TagSpecifications=[
        {"ResourceType": "natgateway", "Tags": [{"Key": "a", "Value": "b"}]}])["NatGateway"]["NatGatewayId"] == nat
    c.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1})
    got = c.describe_nat_gateways(Filter=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    assert [g["NatGatewayId"] for g in got] == [nat]
    address = got[0]["NatGatewayAddresses"][0]
    assert address["AllocationId"] == eip and address["PrivateIp"].startswith("10.0.0.")
    eni = c.describe_network_interfaces(NetworkInterfaceIds=[address["NetworkInterfaceId"]])["NetworkInterfaces"][0]
    assert eni["InterfaceType"] == "nat_gateway" or eni["InterfaceType"] == "natGateway"
    assert error_code(c.delete_network_interface, NetworkInterfaceId=eni["NetworkInterfaceId"]) == "InvalidNetworkInterface.InUse"
    assert error_code(c.detach_network_interface, AttachmentId=eni["Attachment"]["AttachmentId"]) == "OperationNotPermitted"
    table = c.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    c.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    private = c.create_nat_gateway(SubnetId=two, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    c.get_waiter("nat_gateway_available").wait(NatGatewayIds=[private], WaiterConfig={"Delay": 1})
    c.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=private)
    assert error_code(c.delete_subnet, SubnetId=one) == "DependencyViolation"
    for n in (nat, private):
        assert c.delete_nat_gateway(NatGatewayId=n)["NatGatewayId"] == n
    c.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat, private], WaiterConfig={"Delay": 1})
    assert c.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][1]["State"] == "blackhole"
    c.release_address(AllocationId=eip)
    c.delete_subnet(SubnetId=one)
    assert error_code(c.delete_nat_gateway, NatGatewayId="nat-0123456789abcdef0") == "NatGatewayNotFound"
    assert error_code(c.create_nat_gateway, SubnetId=two) == "MissingParameter"
    # Deleted ones are shown for an hour.
    h.command("clock", "advance", "61m")
    wait_until(lambda: c.describe_nat_gateways()["NatGateways"] == [])


def test_gateway_endpoints(h):
    c = ec2(h, "200000000004")
    vpc, _ = network(c)
    table = c.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    service = c.describe_vpc_endpoint_services(Filters=[{"Name": "service-name", "Values": ["*.s3"]}])
    assert service["ServiceNames"] == ["com.amazonaws.us-east-1.s3"] and service["ServiceDetails"][0]["ServiceType"][0]["ServiceType"] == "Gateway"
    e = c.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])["VpcEndpoint"]
    assert e["State"] == "available" and json.loads(e["PolicyDocument"])["Statement"]
    routes = c.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    lists = c.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}])["PrefixLists"]
    assert routes[1]["GatewayId"] == e["VpcEndpointId"] and routes[1]["DestinationPrefixListId"] == lists[0]["PrefixListId"]
    again = dict(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])
    assert error_code(c.create_vpc_endpoint, **again) == "RouteAlreadyExists"
    assert error_code(c.create_vpc_endpoint, VpcId=vpc, ServiceName="com.amazonaws.us-east-1.nothing") == "InvalidServiceName"
    assert error_code(c.create_vpc_endpoint, VpcId=vpc, ServiceName="com.amazonaws.us-east-1.sqs", VpcEndpointType="Interface") == "UnsupportedOperation"
    denied = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]})
    assert error_code(c.modify_vpc_endpoint, VpcEndpointId=e["VpcEndpointId"], PolicyDocument=denied) == "UnsupportedOperation"
    assert c.modify_vpc_endpoint(VpcEndpointId=e["VpcEndpointId"], RemoveRouteTableIds=[table], ResetPolicy=True)["Return"]
    assert c.describe_vpc_endpoints(VpcEndpointIds=[e["VpcEndpointId"]])["VpcEndpoints"][0]["RouteTableIds"] == []
    c.modify_vpc_endpoint(VpcEndpointId=e["VpcEndpointId"], AddRouteTableIds=[table])
    assert error_code(c.delete_vpc, VpcId=vpc) == "DependencyViolation"
    gone = c.delete_vpc_endpoints(VpcEndpointIds=[e["VpcEndpointId"], "vpce-0123456789abcdef0"])
    assert [u["ResourceId"] for u in gone["Unsuccessful"]] == ["vpce-0123456789abcdef0"]
    assert len(c.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]) == 1


def test_prefix_lists(h):
    c = ec2(h, "200000000005")
    vpc, _ = network(c)
    entries = [{"Cidr": f"192.168.{i}.0/24", "Description": str(i)} for i in range(3)]
    made = c.create_managed_prefix_list(PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=entries)["PrefixList"]
    pl = made["PrefixListId"]
    assert made["State"] == "create-in-progress" and made["Version"] == 1
    shown = c.describe_managed_prefix_lists(PrefixListIds=[pl])["PrefixLists"][0]
    assert shown["State"] == "create-complete" and shown["MaxEntries"] == 5
    assert error_code(c.modify_managed_prefix_list, PrefixListId=pl, CurrentVersion=7, AddEntries=[{"Cidr": "1.1.1.0/24"}]) == "PrefixListVersionMismatch"
    assert error_code(c.modify_managed_prefix_list, PrefixListId=pl, AddEntries=[{"Cidr": "1.1.1.0/24"}]) == "MissingParameter"
    changed = c.modify_managed_prefix_list(PrefixListId=pl, CurrentVersion=1, AddEntries=[{"Cidr": "1.1.1.0/24"}],
                                           RemoveEntries=[{"Cidr": "192.168.0.0/24"}])["PrefixList"]
    assert changed["Version"] == 2
    now = [e["Cidr"] for e in c.get_managed_prefix_list_entries(PrefixListId=pl)["Entries"]]
    assert now == ["192.168.1.0/24", "192.168.2.0/24", "1.1.1.0/24"]
    before = c.get_managed_prefix_list_entries(PrefixListId=pl, TargetVersion=1)["Entries"]
    assert [e["Cidr"] for e in before] == [e["Cidr"] for e in entries]
    pages = [len(p["Entries"]) for p in c.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=pl, PaginationConfig={"PageSize": 2})]
    assert pages == [2, 1]
    many = [{"Cidr": f"172.16.{i}.0/24"} for i in range(4)]
    assert error_code(c.modify_managed_prefix_list, PrefixListId=pl, CurrentVersion=2, AddEntries=many) == "PrefixListMaxEntriesExceeded"
    group = c.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    permission = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": pl}]}]
    c.authorize_security_group_ingress(GroupId=group, IpPermissions=permission)
    assert error_code(c.delete_managed_prefix_list, PrefixListId=pl) == "DependencyViolation"
    c.revoke_security_group_ingress(GroupId=group, IpPermissions=permission)
    assert c.delete_managed_prefix_list(PrefixListId=pl)["PrefixList"]["State"] == "delete-in-progress"
    assert error_code(c.get_managed_prefix_list_entries, PrefixListId=pl) == "InvalidPrefixListID.NotFound"
    own = c.describe_managed_prefix_lists(Filters=[{"Name": "owner-id", "Values": ["AWS"]}])["PrefixLists"]
    assert sorted(p["PrefixListName"] for p in own) == ["com.amazonaws.us-east-1.dynamodb", "com.amazonaws.us-east-1.s3"]
    assert error_code(c.delete_managed_prefix_list, PrefixListId=own[0]["PrefixListId"]) == "OperationNotPermitted"
    assert error_code(c.create_managed_prefix_list, PrefixListName="x", MaxEntries=1, AddressFamily="IPv6") == "UnsupportedOperation"


def test_dhcp_options(h):
    c = ec2(h, "200000000006")
    vpc, _ = network(c)
    options = [{"Key": "domain-name", "Values": ["example.org"]}, {"Key": "domain-name-servers", "Values": ["10.0.0.5", "10.0.0.6"]}]
    d = c.create_dhcp_options(DhcpConfigurations=options)["DhcpOptions"]["DhcpOptionsId"]
    assert error_code(c.create_dhcp_options, DhcpConfigurations=[{"Key": "no-such", "Values": ["1"]}]) == "InvalidParameterValue"
    assert error_code(c.create_dhcp_options, DhcpConfigurations=[{"Key": "ntp-servers", "Values": ["name"]}]) == "InvalidParameterValue"
    c.associate_dhcp_options(DhcpOptionsId=d, VpcId=vpc)
    assert c.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"] == d
    got = c.describe_dhcp_options(Filters=[{"Name": "value", "Values": ["example.*"]}])["DhcpOptions"]
    assert [x["DhcpOptionsId"] for x in got] == [d]
    assert error_code(c.delete_dhcp_options, DhcpOptionsId=d) == "DependencyViolation"
    c.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc)
    c.delete_dhcp_options(DhcpOptionsId=d)
    assert error_code(c.delete_dhcp_options, DhcpOptionsId=d) == "InvalidDhcpOptionsID.NotFound"
