"""Fault injection: templates, experiments on the clock, what they may do and what they change back."""
import json

from haneul import error_code, wait_until

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "fis.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def role(h, name, *actions, trust=TRUST):
    iam = h.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    if actions:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    return arn


def template(fis, arn, actions, targets=None, **more):
    return fis.create_experiment_template(
        description="a test", roleArn=arn, stopConditions=[{"source": "none"}], actions=actions,
        targets=targets or {}, **more)["experimentTemplate"]


def ended(fis, experiment):
    def look():
        e = fis.get_experiment(id=experiment)["experiment"]
        return e if e["state"]["status"] in ("completed", "stopped", "failed") else None
    return wait_until(look, what="the end of the experiment")


WAIT = {"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}}}


def test_templates(h):
    fis = h.client("fis")
    arn = role(h, "fis-templates")
    t = template(fis, arn, WAIT, tags={"a": "b"}, clientToken="t1")
    assert template(fis, arn, WAIT, tags={"a": "b"}, clientToken="t1")["id"] == t["id"]
    assert fis.get_experiment_template(id=t["id"])["experimentTemplate"]["actions"]["wait"]["actionId"] == "aws:fis:wait"
    changed = fis.update_experiment_template(id=t["id"], description="changed")["experimentTemplate"]
    assert changed["description"] == "changed" and changed["actions"] == t["actions"]
    for n in range(3):
        template(fis, arn, WAIT)
    pages = [p["experimentTemplates"] for p in fis.get_paginator("list_experiment_templates").paginate(
        PaginationConfig={"PageSize": 2})]
    assert sum(map(len, pages)) == 4 and len(pages[0]) == 2
    fis.tag_resource(resourceArn=t["arn"], tags={"c": "d"})
    assert fis.list_tags_for_resource(resourceArn=t["arn"])["tags"] == {"a": "b", "c": "d"}
    fis.untag_resource(resourceArn=t["arn"], tagKeys=["a"])
    assert fis.list_tags_for_resource(resourceArn=t["arn"])["tags"] == {"c": "d"}
    assert fis.delete_experiment_template(id=t["id"])["experimentTemplate"]["id"] == t["id"]
    assert error_code(fis.get_experiment_template, id=t["id"]) == "ResourceNotFoundException"
    assert error_code(fis.list_tags_for_resource, resourceArn=t["arn"]) == "ResourceNotFoundException"


def test_templates_that_could_not_run_are_refused(h):
    fis = h.client("fis")
    arn = role(h, "fis-refused")
    target = {"t": {"resourceType": "aws:ec2:instance", "resourceTags": {"a": "b"}, "selectionMode": "ALL"}}

    def refused(actions, targets=None, **more):
        assert error_code(template, fis, arn, actions, targets, **more) == "ValidationException"
    refused({})
    refused({"a": {"actionId": "aws:nothing:at-all"}})
    refused({"a": {"actionId": "aws:fis:wait"}})
    refused({"a": {"actionId": "aws:fis:wait", "parameters": {"duration": "five minutes".replace(" ", "-")}}})
    refused({"a": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}, "startAfter": ["b"]},
             "b": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}, "startAfter": ["a"]}})
    refused({"a": {"actionId": "aws:ec2:stop-instances"}})
    refused({"a": {"actionId": "aws:ec2:stop-instances", "targets": {"Instances": "missing"}}}, target)
    refused({"a": {"actionId": "aws:ec2:stop-instances", "targets": {"Instances": "t"}}},
            {"t": dict(target["t"], selectionMode="SOME")})
    refused(WAIT, experimentOptions={"accountTargeting": "multi-account"})


def test_actions_and_target_types(h):
    fis = h.client("fis")
    ids = [a["id"] for p in fis.get_paginator("list_actions").paginate(PaginationConfig={"PageSize": 2}) for a in p["actions"]]
    assert "aws:ec2:stop-instances" in ids and "aws:network:disrupt-connectivity" in ids
    a = fis.get_action(id="aws:network:disrupt-connectivity")["action"]
    assert a["parameters"]["duration"]["required"] and a["targets"]["Subnets"]["resourceType"] == "aws:ec2:subnet"
    assert error_code(fis.get_action, id="aws:nothing:at-all") == "ResourceNotFoundException"
    types = [t["resourceType"] for p in fis.get_paginator("list_target_resource_types").paginate() for t in p["targetResourceTypes"]]
    assert "aws:ec2:subnet" in types
    assert fis.get_target_resource_type(resourceType=types[0])["targetResourceType"]["resourceType"] == types[0]


def test_an_experiment_waits_on_the_clock(h):
    fis = h.client("fis")
    arn = role(h, "fis-wait")
    t = template(fis, arn, {"one": WAIT["wait"], "two": dict(WAIT["wait"], startAfter=["one"])})
    e = fis.start_experiment(experimentTemplateId=t["id"], clientToken="x1")["experiment"]
    assert fis.start_experiment(experimentTemplateId=t["id"], clientToken="x1")["experiment"]["id"] == e["id"]
    wait_until(lambda: fis.get_experiment(id=e["id"])["experiment"]["state"]["status"] == "running", what="running")
    now = fis.get_experiment(id=e["id"])["experiment"]["actions"]
    assert (now["one"]["state"]["status"], now["two"]["state"]["status"]) == ("running", "pending")
    h.command("clock", "advance", "11m")
    assert ended(fis, e["id"])["state"]["status"] == "completed"
    listed = [x["id"] for p in fis.get_paginator("list_experiments").paginate(experimentTemplateId=t["id"]) for x in p["experiments"]]
    assert listed == [e["id"]]
    assert error_code(fis.stop_experiment, id=e["id"]) == "ValidationException"


def test_stop_and_the_safety_lever(h):
    fis = h.client("fis", key="222222222222")
    iam = h.client("iam", key="222222222222")
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    t = template(fis, arn, WAIT)
    e = fis.start_experiment(experimentTemplateId=t["id"])["experiment"]["id"]
    assert fis.stop_experiment(id=e)["experiment"]["state"]["status"] == "stopping"
    assert ended(fis, e)["actions"]["wait"]["state"]["status"] in ("stopped", "cancelled")
    e = fis.start_experiment(experimentTemplateId=t["id"])["experiment"]["id"]
    assert fis.get_safety_lever(id="default")["safetyLever"]["state"]["status"] == "disengaged"
    fis.update_safety_lever_state(id="default", state={"status": "engaged", "reason": "a test"})
    assert ended(fis, e)["state"]["status"] == "stopped"
    assert error_code(fis.start_experiment, experimentTemplateId=t["id"]) == "ConflictException"
    fis.update_safety_lever_state(id="default", state={"status": "disengaged", "reason": "a test"})


def test_the_role_must_be_there_and_allowed(h):
    fis = h.client("fis")
    stranger = role(h, "fis-stranger", trust=TRUST.replace("fis.amazonaws.com", "ec2.amazonaws.com"))
    t = template(fis, stranger, WAIT)
    e = fis.start_experiment(experimentTemplateId=t["id"])["experiment"]["id"]
    assert ended(fis, e)["state"]["status"] == "failed"
    ec2 = h.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    targets = {"s": {"resourceType": "aws:ec2:subnet", "resourceArns": [subnet["SubnetArn"]], "selectionMode": "ALL"}}
    cut = {"cut": {"actionId": "aws:network:disrupt-connectivity", "targets": {"Subnets": "s"},
                   "parameters": {"duration": "PT5M", "scope": "all"}}}
    powerless = template(fis, role(h, "fis-powerless"), cut, targets)
    e = fis.start_experiment(experimentTemplateId=powerless["id"])["experiment"]["id"]
    assert ended(fis, e)["actions"]["cut"]["state"]["status"] == "failed"


def test_a_subnet_is_cut_off_and_comes_back(h):
    fis, ec2 = h.client("fis"), h.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][1]

    def acl():
        return ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}])["NetworkAcls"][0]
    before = acl()["NetworkAclId"]
    arn = role(h, "fis-cut", "ec2:ReplaceNetworkAclAssociation")
    t = template(fis, arn, {"cut": {"actionId": "aws:network:disrupt-connectivity", "targets": {"Subnets": "s"},
                                    "parameters": {"duration": "PT5M", "scope": "all"}}},
                 {"s": {"resourceType": "aws:ec2:subnet", "resourceArns": [subnet["SubnetArn"]], "selectionMode": "ALL"}})
    e = fis.start_experiment(experimentTemplateId=t["id"])["experiment"]["id"]
    wait_until(lambda: acl()["NetworkAclId"] != before, what="another ACL")
    first = min((x for x in acl()["Entries"] if not x["Egress"]), key=lambda x: x["RuleNumber"])
    assert (first["RuleAction"], first["CidrBlock"]) == ("deny", "0.0.0.0/0")
    resolved = fis.list_experiment_resolved_targets(experimentId=e)["resolvedTargets"]
    assert resolved[0]["targetInformation"]["arn"] == subnet["SubnetArn"]
    other = acl()["NetworkAclId"]
    h.command("clock", "advance", "6m")
    assert ended(fis, e)["state"]["status"] == "completed"
    assert acl()["NetworkAclId"] == before
    assert error_code(ec2.describe_network_acls, NetworkAclIds=[other]) == "InvalidNetworkAclID.NotFound"


def test_target_accounts(h):
    fis = h.client("fis")
    t = template(fis, role(h, "fis-accounts"), WAIT)["id"]
    for account in ("333333333333", "444444444444"):
        fis.create_target_account_configuration(
            experimentTemplateId=t, accountId=account, roleArn=f"arn:aws:iam::{account}:role/r", description="d")
    assert error_code(fis.create_target_account_configuration, experimentTemplateId=t, accountId="333333333333",
                      roleArn="arn:aws:iam::333333333333:role/r") == "ConflictException"
    fis.update_target_account_configuration(experimentTemplateId=t, accountId="333333333333", description="changed")
    got = fis.get_target_account_configuration(experimentTemplateId=t, accountId="333333333333")["targetAccountConfiguration"]
    assert got["description"] == "changed"
    e = fis.start_experiment(experimentTemplateId=t)["experiment"]
    assert e["targetAccountConfigurationsCount"] == 2
    assert fis.get_experiment_target_account_configuration(
        experimentId=e["id"], accountId="444444444444")["targetAccountConfiguration"]["accountId"] == "444444444444"
    assert len(fis.list_experiment_target_account_configurations(experimentId=e["id"])["targetAccountConfigurations"]) == 2
    first = fis.list_target_account_configurations(experimentTemplateId=t, maxResults=1)
    rest = fis.list_target_account_configurations(experimentTemplateId=t, nextToken=first["nextToken"])
    assert len(rest["targetAccountConfigurations"]) == 1
    fis.delete_target_account_configuration(experimentTemplateId=t, accountId="333333333333")
    assert error_code(fis.get_target_account_configuration, experimentTemplateId=t,
                      accountId="333333333333") == "ResourceNotFoundException"


def test_the_command_line(h):
    done = h.cli_json("fis", "list-actions", "--no-paginate")
    assert any(a["id"] == "aws:fis:wait" for a in done["actions"])
