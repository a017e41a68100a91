"""What may pass: security groups with their rules, network ACLs."""
from haneul import error_code


def ec2(h, account):
    return h.client("ec2", key=account)


def tcp(port, to=None, **source):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": to or port, **source}


def cidr(text, **more):
    return {"IpRanges": [{"CidrIp": text, **more}]}


def test_security_groups(h):
    c = ec2(h, "300000000001")
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = c.create_security_group(GroupName="web", Description="web servers", VpcId=vpc,
                                   TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "a", "Value": "b"}]}])
    web = made["GroupId"]
    assert made["Tags"] == [{"Key": "a", "Value": "b"}] and made["SecurityGroupArn"].endswith("security-group/" + web)
    c.get_waiter("security_group_exists").wait(GroupIds=[web])
    assert error_code(c.create_security_group, GroupName="web", Description="x", VpcId=vpc) == "InvalidGroup.Duplicate"
    assert error_code(c.create_security_group, GroupName="default", Description="x", VpcId=vpc) == "InvalidParameterValue"
    assert error_code(c.create_security_group, GroupName="sg-x", Description="x", VpcId=vpc) == "InvalidParameterValue"
    shown = c.describe_security_groups(GroupIds=[web])["SecurityGroups"][0]
    assert shown["IpPermissions"] == [] and shown["IpPermissionsEgress"][0]["IpProtocol"] == "-1"
    default = c.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"][0]
    assert default["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == default["GroupId"]
    assert error_code(c.delete_security_group, GroupId=default["GroupId"]) == "CannotDelete"
    db = c.create_security_group(GroupName="db", Description="databases", VpcId=vpc)["GroupId"]
    c.authorize_security_group_ingress(GroupId=db, IpPermissions=[tcp(5432, UserIdGroupPairs=[{"GroupId": web}])])
    assert error_code(c.delete_security_group, GroupId=web) == "DependencyViolation"
    assert c.delete_security_group(GroupId=db)["Return"]
    c.delete_security_group(GroupId=web)
    assert error_code(c.describe_security_groups, GroupIds=[web]) == "InvalidGroup.NotFound"
    # In the default network groups have names too.
    c.create_security_group(GroupName="named", Description="x")
    assert c.describe_security_groups(GroupNames=["named"])["SecurityGroups"][0]["GroupName"] == "named"
    c.authorize_security_group_ingress(GroupName="named", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    c.delete_security_group(GroupName="named")
    for i in range(9):
        c.create_security_group(GroupName=f"g{i}", Description="x", VpcId=vpc)
    pages = [len(p["SecurityGroups"]) for p in c.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}], PaginationConfig={"PageSize": 5})]
    assert pages == [5, 5]


def test_rules(h):
    c = ec2(h, "300000000002")
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    g = c.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    made = c.authorize_security_group_ingress(GroupId=g, IpPermissions=[
        tcp(22, **cidr("10.1.2.3/16", Description="office")), tcp(80, 81, **cidr("0.0.0.0/0"))], TagSpecifications=[
        {"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}])["SecurityGroupRules"]
    assert [r["CidrIpv4"] for r in made] == ["10.1.0.0/16", "0.0.0.0/0"] and made[0]["Tags"][0]["Value"] == "b"
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=[tcp(22, **cidr("10.1.0.0/16"))]) == "InvalidPermission.Duplicate"
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=[tcp(22, **cidr("10.1.0.0/99"))]) == "InvalidParameterValue"
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=[tcp(70000, **cidr("10.1.0.0/16"))]) == "InvalidParameterValue"
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=[{"IpProtocol": "tcp", **cidr("10.1.0.0/16")}]) == "InvalidParameterValue"
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=[tcp(1, UserIdGroupPairs=[{"GroupId": "sg-0123456789abcdef0"}])]) == "InvalidGroup.NotFound"
    # Rules about IPv6 are kept, as in a VPC of AWS without a range of IPv6.
    all6 = [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
    assert error_code(c.revoke_security_group_egress, GroupId=g, IpPermissions=all6) == "InvalidPermission.NotFound"
    assert c.authorize_security_group_egress(GroupId=g, IpPermissions=all6)["SecurityGroupRules"][0]["CidrIpv6"] == "::/0"
    assert error_code(c.authorize_security_group_egress, GroupId=g, IpPermissions=all6) == "InvalidPermission.Duplicate"
    assert c.describe_security_groups(Filters=[{"Name": "egress.ip-permission.ipv6-cidr", "Values": ["::/0"]}])["SecurityGroups"][0]["GroupId"] == g
    c.revoke_security_group_egress(GroupId=g, IpPermissions=all6)
    bad6 = [tcp(1, Ipv6Ranges=[{"CidrIpv6": "::/200"}])]
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=bad6) == "InvalidParameterValue"
    out = c.authorize_security_group_egress(GroupId=g, IpPermissions=[{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, **cidr("10.0.0.0/8")}])
    assert out["SecurityGroupRules"][0]["IsEgress"]
    listed = c.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [g]}])["SecurityGroupRules"]
    assert len(listed) == 4
    assert c.modify_security_group_rules(GroupId=g, SecurityGroupRules=[{"SecurityGroupRuleId": made[0]["SecurityGroupRuleId"], "SecurityGroupRule": {
        "IpProtocol": "tcp", "FromPort": 2222, "ToPort": 2222, "CidrIpv4": "10.9.0.0/16"}}])["Return"]
    got = c.describe_security_group_rules(SecurityGroupRuleIds=[made[0]["SecurityGroupRuleId"]])["SecurityGroupRules"][0]
    assert got["FromPort"] == 2222 and got["CidrIpv4"] == "10.9.0.0/16"
    c.update_security_group_rule_descriptions_ingress(GroupId=g, IpPermissions=[tcp(80, 81, **cidr("0.0.0.0/0", Description="world"))])
    assert c.describe_security_groups(GroupIds=[g])["SecurityGroups"][0]["IpPermissions"][1]["IpRanges"][0]["Description"] == "world"
    egress = next(r for r in listed if r["IsEgress"] and r["IpProtocol"] == "icmp")
    c.update_security_group_rule_descriptions_egress(GroupId=g, SecurityGroupRuleDescriptions=[
        {"SecurityGroupRuleId": egress["SecurityGroupRuleId"], "Description": "ping"}])
    gone = c.revoke_security_group_egress(GroupId=g, SecurityGroupRuleIds=[egress["SecurityGroupRuleId"]])
    assert gone["RevokedSecurityGroupRules"][0]["Description"] == "ping"
    c.revoke_security_group_ingress(GroupId=g, IpPermissions=[tcp(80, 81, **cidr("0.0.0.0/0"))])
    assert error_code(c.revoke_security_group_ingress, GroupId=g, IpPermissions=[tcp(80, 81, **cidr("0.0.0.0/0"))]) == "InvalidPermission.NotFound"
    default = c.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
    told = c.revoke_security_group_ingress(GroupId=default, IpPermissions=[tcp(9, **cidr("0.0.0.0/0"))])
    assert told["Return"] and told["UnknownIpPermissions"][0]["FromPort"] == 9
    many = [tcp(1000 + i, **cidr("0.0.0.0/0")) for i in range(60)]
    assert error_code(c.authorize_security_group_ingress, GroupId=g, IpPermissions=many) == "RulesPerSecurityGroupLimitExceeded"
    c.authorize_security_group_ingress(GroupId=g, IpPermissions=many[:59])
    pages = [len(p["SecurityGroupRules"]) for p in c.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [g]}], PaginationConfig={"PageSize": 30})]
    assert pages == [30, 30, 1]


def test_network_acls(h):
    c = ec2(h, "300000000003")
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = c.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    default = c.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"][0]
    assert default["IsDefault"] and [e["RuleNumber"] for e in default["Entries"]] == [100, 32767, 100, 32767]
    acl = c.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    rule = dict(NetworkAclId=acl, RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False, CidrBlock="0.0.0.0/0", PortRange={"From": 22, "To": 22})
    c.create_network_acl_entry(**rule)
    assert error_code(c.create_network_acl_entry, **rule) == "NetworkAclEntryAlreadyExists"
    assert error_code(c.create_network_acl_entry, **{**rule, "RuleNumber": 40000}) == "InvalidParameterValue"
    assert error_code(c.create_network_acl_entry, **{**rule, "RuleNumber": 7, "PortRange": {"From": 9, "To": 1}}) == "InvalidParameterValue"
    c.create_network_acl_entry(**{**rule, "RuleNumber": 90, "Protocol": "1", "IcmpTypeCode": {"Type": -1, "Code": -1}})
    c.replace_network_acl_entry(**{**rule, "RuleAction": "deny"})
    six = {k: v for k, v in rule.items() if k != "CidrBlock"}
    c.create_network_acl_entry(**{**six, "RuleNumber": 101, "Ipv6CidrBlock": "::/0"})
    assert error_code(c.create_network_acl_entry, **{**six, "RuleNumber": 102}) == "MissingParameter"
    c.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=101, Egress=False)
    entries = c.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    assert [(e["RuleNumber"], e["RuleAction"]) for e in entries if not e["Egress"]] == [(90, "allow"), (100, "deny"), (32767, "deny")]
    assert error_code(c.replace_network_acl_entry, **{**rule, "RuleNumber": 5}) == "InvalidNetworkAclEntry.NotFound"
    association = default["Associations"][0]["NetworkAclAssociationId"]
    new = c.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
    assert error_code(c.replace_network_acl_association, AssociationId=association, NetworkAclId=acl) == "InvalidAssociationID.NotFound"
    got = c.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"][0]
    assert got["NetworkAclId"] == acl and got["Associations"][0]["NetworkAclAssociationId"] == new
    assert error_code(c.delete_network_acl, NetworkAclId=acl) == "DependencyViolation"
    c.replace_network_acl_association(AssociationId=new, NetworkAclId=default["NetworkAclId"])
    c.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=90, Egress=False)
    assert error_code(c.delete_network_acl_entry, NetworkAclId=acl, RuleNumber=90, Egress=False) == "InvalidNetworkAclEntry.NotFound"
    c.delete_network_acl(NetworkAclId=acl)
    assert error_code(c.delete_network_acl, NetworkAclId=default["NetworkAclId"]) == "InvalidParameterValue"
    for i in range(20):
        if i:
            c.create_network_acl_entry(**{**rule, "NetworkAclId": default["NetworkAclId"], "RuleNumber": i})
    assert error_code(c.create_network_acl_entry, **{**rule, "NetworkAclId": default["NetworkAclId"], "RuleNumber": 50}) == "NetworkAclEntryLimitExceeded"
