"""Permissions bite: what a key may do is what its user's policies say, from the next request on."""
import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from haneul import error_code

ALLOW_S3 = json.dumps({"Version": "2012-10-17",
                       "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


def allow(*actions, resource="*", effect="Allow", **more):
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def new_user(h, name, **options):
    """A user with a key; returns a function that makes clients with that key."""
    iam = h.client("iam")
    iam.create_user(UserName=name, **options)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA") and len(key["AccessKeyId"]) == 20
    assert len(key["SecretAccessKey"]) == 40
    return lambda service: h.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def message(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ClientError as e:
        return e.response["Error"]["Message"]
    return None


def test_denied_until_a_policy_is_attached(h):
    iam, client = h.client("iam"), new_user(h, "alice")
    s3 = client("s3")
    assert error_code(s3.list_buckets) == "AccessDenied"
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=ALLOW_S3)
    s3.create_bucket(Bucket="alice-bucket")
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["alice-bucket"]
    iam.delete_user_policy(UserName="alice", PolicyName="p")
    assert error_code(s3.list_buckets) == "AccessDenied"
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    s3.list_objects_v2(Bucket="alice-bucket")
    assert error_code(s3.put_object, Bucket="alice-bucket", Key="k", Body=b"x") == "AccessDenied"


def test_the_sentence_of_a_denial(h):
    client = new_user(h, "bob", Path="/team/")
    assert message(client("iam").create_user, UserName="y", Path="/x/") == (
        "User: arn:aws:iam::000000000000:user/team/bob is not authorized to perform: iam:CreateUser on "
        "resource: arn:aws:iam::000000000000:user/x/y because no identity-based policy allows the "
        "iam:CreateUser action")
    assert message(client("s3").get_object, Bucket="alice-bucket", Key="k").startswith(
        'User: arn:aws:iam::000000000000:user/team/bob is not authorized to perform: s3:GetObject on '
        'resource: "arn:aws:s3:::alice-bucket/k" because no identity-based policy')


def test_deactivated_and_deleted_keys_are_refused_at_once(h):
    iam = h.client("iam")
    iam.create_user(UserName="carol")
    iam.put_user_policy(UserName="carol", PolicyName="p", PolicyDocument=ALLOW_S3)
    key = iam.create_access_key(UserName="carol")["AccessKey"]
    s3 = h.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    s3.list_buckets()
    iam.update_access_key(UserName="carol", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert error_code(s3.list_buckets) == "InvalidAccessKeyId"
    iam.update_access_key(UserName="carol", AccessKeyId=key["AccessKeyId"], Status="Active")
    s3.list_buckets()
    iam.delete_access_key(UserName="carol", AccessKeyId=key["AccessKeyId"])
    assert error_code(s3.list_buckets) == "InvalidAccessKeyId"
    assert error_code(h.client("iam", key=key["AccessKeyId"], secret="x" * 40).get_user) == "InvalidClientTokenId"


def test_a_wrong_secret_is_refused(h):
    iam = h.client("iam")
    iam.create_user(UserName="dave")
    key = iam.create_access_key(UserName="dave")["AccessKey"]
    bad = h.client("iam", key=key["AccessKeyId"], secret="w" * 40)
    assert error_code(bad.list_users) == "SignatureDoesNotMatch"


# ---- holes that other implementations have ----

def test_s3_rights_do_not_reach_iam(h):
    client = new_user(h, "mallory")
    h.client("iam").put_user_policy(UserName="mallory", PolicyName="p", PolicyDocument=ALLOW_S3)
    admin, iam = "arn:aws:iam::aws:policy/AdministratorAccess", client("iam")
    assert error_code(iam.attach_user_policy, UserName="mallory", PolicyArn=admin) == "AccessDenied"
    assert error_code(iam.put_user_policy, UserName="mallory", PolicyName="q", PolicyDocument=allow("*")) == "AccessDenied"
    assert error_code(iam.create_access_key) == "AccessDenied"
    assert error_code(iam.create_user, UserName="x") == "AccessDenied"
    assert error_code(iam.create_policy, PolicyName="x", PolicyDocument=allow("*")) == "AccessDenied"
    assert error_code(iam.list_users) == "AccessDenied"
    assert error_code(iam.simulate_custom_policy, PolicyInputList=[allow("*")], ActionNames=["s3:GetObject"]) == "AccessDenied"


def test_unknown_actions_and_keys_are_denied(h):
    client = new_user(h, "typo")
    h.client("iam").put_user_policy(UserName="typo", PolicyName="p", PolicyDocument=allow("s3:ListAllMyBucketz", "nothing:*"))
    assert error_code(client("s3").list_buckets) == "AccessDenied"
    assert error_code(h.client("s3", key="AKIAQQQQQQQQQQQQQQQQ", secret="s" * 40).list_buckets) == "InvalidAccessKeyId"


def test_boundaries_limit(h):
    iam, client = h.client("iam"), new_user(h, "bounded")
    arn = iam.create_policy(PolicyName="only-list", PolicyDocument=allow("s3:ListAllMyBuckets"))["Policy"]["Arn"]
    iam.put_user_policy(UserName="bounded", PolicyName="p", PolicyDocument=ALLOW_S3)
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=arn)
    s3 = client("s3")
    s3.list_buckets()
    assert "no permissions boundary allows" in message(s3.create_bucket, Bucket="beyond-bounds")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"), SetAsDefault=True)
    s3.create_bucket(Bucket="beyond-bounds")


def test_bucket_policies_bind_signed_callers(h):
    root, client = h.client("s3"), new_user(h, "signed")
    h.client("iam").put_user_policy(UserName="signed", PolicyName="p", PolicyDocument=ALLOW_S3)
    root.create_bucket(Bucket="walled")
    root.put_object(Bucket="walled", Key="k", Body=b"x")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {
        "AWS": "arn:aws:iam::000000000000:user/signed"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::walled/*"}]}
    client("s3").get_object(Bucket="walled", Key="k")
    root.put_bucket_policy(Bucket="walled", Policy=json.dumps(deny))
    assert "explicit deny in a resource-based policy" in message(client("s3").get_object, Bucket="walled", Key="k")


# (what the policy lets, what the user then calls, whether that may be done): a sub-resource is an action of its own.
SUB_RESOURCES = [
    ("s3:GetObject", "get_object", {"Key": "k"}, True),
    ("s3:GetObject", "get_object_acl", {"Key": "k"}, False),
    ("s3:GetObject", "get_object_tagging", {"Key": "k"}, False),
    ("s3:GetObject", "get_object", {"Key": "k", "VersionId": "null"}, False),
    ("s3:GetObject", "list_objects_v2", {}, False),
    ("s3:GetObjectVersion", "get_object", {"Key": "k", "VersionId": "null"}, True),
    ("s3:GetObjectVersion", "get_object", {"Key": "k"}, False),
    ("s3:PutObject", "put_object_acl", {"Key": "k", "ACL": "private"}, False),
    ("s3:PutObject", "put_object_tagging", {"Key": "k", "Tagging": {"TagSet": []}}, False),
    ("s3:PutObject", "put_object", {"Key": "k2", "Tagging": "a=b"}, False),
    ("s3:PutObject", "delete_object", {"Key": "k"}, False),
    ("s3:DeleteObject", "delete_object", {"Key": "k", "VersionId": "null"}, False),
    ("s3:DeleteObject", "delete_object_tagging", {"Key": "k"}, False),
    ("s3:ListBucket", "list_objects_v2", {}, True),
    ("s3:ListBucket", "list_object_versions", {}, False),
    ("s3:ListBucket", "list_multipart_uploads", {}, False),
    ("s3:ListBucket", "get_bucket_policy", {}, False),
    ("s3:ListBucket", "get_bucket_location", {}, False),
    ("s3:GetBucketTagging", "get_bucket_acl", {}, False),
    ("s3:GetBucketAcl", "get_bucket_acl", {}, True),
    ("s3:PutBucketTagging", "put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}, False),
    ("s3:CreateBucket", "put_bucket_acl", {"ACL": "private"}, False),
    ("s3:DeleteBucket", "delete_bucket_policy", {}, False),
]


def test_sub_resources_have_actions_of_their_own(h):
    iam, root, client = h.client("iam"), h.client("s3"), new_user(h, "subber")
    root.create_bucket(Bucket="sub-resources")
    root.put_object(Bucket="sub-resources", Key="k", Body=b"x")
    for action, call, more, may in SUB_RESOURCES:
        iam.put_user_policy(UserName="subber", PolicyName="p", PolicyDocument=allow(action))
        code = error_code(getattr(client("s3"), call), Bucket="sub-resources", **more)
        assert (code != "AccessDenied") == may, (action, call, more, code)


def test_across_accounts_both_sides_must_allow(h):
    """A bucket, a queue and a topic of one account, a user of another: the four cases."""
    other = "121212121212"
    iam = h.client("iam", key=other)
    iam.create_user(UserName="guest")
    key = iam.create_access_key(UserName="guest")["AccessKey"]
    client = lambda name: h.client(name, key=key["AccessKeyId"], secret=key["SecretAccessKey"])  # noqa: E731
    s3, sqs, sns = h.client("s3"), h.client("sqs"), h.client("sns")
    s3.create_bucket(Bucket="both-sides")
    s3.put_object(Bucket="both-sides", Key="k", Body=b"x")
    url, topic = sqs.create_queue(QueueName="both-sides")["QueueUrl"], sns.create_topic(Name="both-sides")["TopicArn"]
    calls = [lambda: error_code(client("s3").get_object, Bucket="both-sides", Key="k"),
             lambda: error_code(client("sqs").send_message, QueueUrl=url, MessageBody="m"),
             lambda: error_code(client("sns").publish, TopicArn=topic, Message="m")]

    def theirs(on):
        def text(action, resource):
            return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{other}:user/guest"},
                                                                      "Action": action, "Resource": resource}]})
        if not on:
            s3.delete_bucket_policy(Bucket="both-sides")
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
            sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue="")
            return
        s3.put_bucket_policy(Bucket="both-sides", Policy=text("s3:GetObject", "arn:aws:s3:::both-sides/*"))
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:both-sides")})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text("sns:Publish", topic))

    for own in (False, True):
        if own:
            iam.put_user_policy(UserName="guest", PolicyName="p", PolicyDocument=allow("*"))
        for on in (False, True):
            theirs(on)
            codes = [call() for call in calls]
            assert all((c is None) == (own and on) for c in codes), (own, on, codes)


def test_paths_and_variables(h):
    iam, client = h.client("iam"), new_user(h, "self", Path="/staff/")
    iam.put_user_policy(UserName="self", PolicyName="p", PolicyDocument=allow(
        "iam:*AccessKey*", resource="arn:aws:iam::*:user/staff/${aws:username}"))
    client("iam").list_access_keys()
    client("iam").list_access_keys(UserName="self")
    new_user(h, "other", Path="/staff/")
    assert error_code(client("iam").list_access_keys, UserName="other") == "AccessDenied"


def test_which_policies_may_be_attached(h):
    iam, client = h.client("iam"), new_user(h, "delegate")
    iam.put_user_policy(UserName="delegate", PolicyName="p", PolicyDocument=allow(
        "iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}}))
    client("iam").attach_user_policy(UserName="delegate", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert error_code(client("iam").attach_user_policy, UserName="delegate",
                      PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess") == "AccessDenied"


def test_roles_cannot_be_passed_without_permission(h):
    iam, client = h.client("iam"), new_user(h, "passer")
    iam.create_role(RoleName="strong", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    iam.create_instance_profile(InstanceProfileName="strong")
    iam.put_user_policy(UserName="passer", PolicyName="p", PolicyDocument=allow("iam:AddRoleToInstanceProfile"))
    assert "iam:PassRole" in message(client("iam").add_role_to_instance_profile, InstanceProfileName="strong", RoleName="strong")


# ---- simulation agrees with enforcement ----

DIFFERENTIAL = [
    (allow("s3:*"), None),
    (allow("s3:GetObject"), None),
    (allow("s3:Get*", resource="arn:aws:s3:::differ/a*"), None),
    (allow("s3:*", "sqs:*", effect="Deny"), None),
    (json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "no", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::differ/b"}]}), None),
    (json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}}), None),
    (json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::differ/a"}}), None),
    (allow("s3:*"), allow("s3:GetObject")),
    (allow("s3:*"), allow("s3:*", resource="arn:aws:s3:::differ/b")),
    (allow("s3:*", Condition={"StringEquals": {"aws:username": "differ"}}), None),
    (allow("s3:*", Condition={"StringNotEquals": {"aws:username": "differ"}}), None),
    (allow("s3:*", resource="arn:aws:s3:::differ/${aws:username}"), None),
]


def test_simulation_agrees_with_enforcement(h):
    iam, root, client = h.client("iam"), h.client("s3"), new_user(h, "differ")
    s3, arn = client("s3"), "arn:aws:iam::000000000000:user/differ"
    root.create_bucket(Bucket="differ")
    for key in ("a", "b", "differ"):
        root.put_object(Bucket="differ", Key=key, Body=b"x")
    for number, (identity, boundary) in enumerate(DIFFERENTIAL):
        iam.put_user_policy(UserName="differ", PolicyName="p", PolicyDocument=identity)
        if boundary:
            b = iam.create_policy(PolicyName=f"differ{number}", PolicyDocument=boundary)["Policy"]["Arn"]
            iam.put_user_permissions_boundary(UserName="differ", PermissionsBoundary=b)
        for key in ("a", "b", "differ"):
            for action, call, more in (("s3:GetObject", s3.get_object, {}), ("s3:PutObject", s3.put_object, {"Body": b"y"})):
                real = error_code(call, Bucket="differ", Key=key, **more) is None
                said = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action],
                                                     ResourceArns=[f"arn:aws:s3:::differ/{key}"])["EvaluationResults"][0]
                assert (said["EvalDecision"] == "allowed") == real, (number, key, action, said)
        if boundary:
            iam.delete_user_permissions_boundary(UserName="differ")


def test_simulations_show_the_statement(h):
    iam = h.client("iam")
    text = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*",
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}]}, indent=2)
    got = iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:DeleteBucket", "s3:GetObject", "ec2:RunInstances"],
                                     ContextEntries=[{"ContextKeyName": "aws:MultiFactorAuthPresent", "ContextKeyType": "boolean",
                                                      "ContextKeyValues": ["false"]}])["EvaluationResults"]
    assert [r["EvalDecision"] for r in got] == ["explicitDeny", "allowed", "implicitDeny"]
    match = got[0]["MatchedStatements"][0]
    assert match["SourcePolicyId"] == "PolicyInputList.1" and match["StartPosition"] == {"Line": 9, "Column": 5}
    assert got[2]["MatchedStatements"] == []
    # Of what allows, every statement is told.
    allows = iam.simulate_custom_policy(PolicyInputList=[text, allow("s3:Get*")], ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::b/k"],
                                        CallerArn="arn:aws:iam::000000000000:user/u",
                                        ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [
                                            {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"},
                                            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}))
    matches = allows["EvaluationResults"][0]["MatchedStatements"]
    assert [m["SourcePolicyId"] for m in matches] == ["PolicyInputList.1", "PolicyInputList.2", "ResourcePolicy"]
    missing = iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:DeleteBucket"])["EvaluationResults"][0]
    assert missing["MissingContextValues"] == ["aws:MultiFactorAuthPresent"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == ["aws:MultiFactorAuthPresent"]
    assert error_code(iam.simulate_custom_policy, PolicyInputList=["{}"], ActionNames=["s3:GetObject"]) == "InvalidInput"


def test_authorization_details(h):
    iam = h.client("iam", key="555555555555")
    iam.create_group(GroupName="g")
    for i in range(3):
        iam.create_user(UserName=f"u{i}")
        iam.add_user_to_group(GroupName="g", UserName=f"u{i}")
    iam.put_user_policy(UserName="u0", PolicyName="p", PolicyDocument=ALLOW_S3)
    iam.attach_group_policy(GroupName="g", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_policy(PolicyName="mine", PolicyDocument=ALLOW_S3)
    whole = iam.get_account_authorization_details()
    assert [u["UserName"] for u in whole["UserDetailList"]] == ["u0", "u1", "u2"]
    assert whole["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"]["Statement"]
    assert {p["PolicyName"] for p in whole["Policies"]} == {"mine", "ReadOnlyAccess"}
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2}))
    assert sum(len(p["UserDetailList"]) for p in pages) == 3 and sum(len(p["GroupDetailList"]) for p in pages) == 1
    assert len(pages) > 1


def test_explain_shows_the_statement(h):
    import subprocess
    iam, client = h.client("iam"), new_user(h, "asker")
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NoBuckets", "Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}]}
    iam.put_user_policy(UserName="asker", PolicyName="pol", PolicyDocument=json.dumps(policy))
    try:
        client("s3").create_bucket(Bucket="refused")
        raise AssertionError("not refused")
    except ClientError as e:
        request = e.response["ResponseMetadata"]["RequestId"]

    def explain(*args):
        return subprocess.run([h.bin, "iam", "explain", *args, "--data", h.data], capture_output=True, text=True,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    said = explain(request)
    assert said.returncode == 0, said.stderr
    assert "explicit deny in an identity-based policy" in said.stdout
    assert "user/asker:pol" in said.stdout and "2 (Sid NoBuckets)" in said.stdout
    assert json.loads(explain(request, "--json").stdout)["decision"]["sid"] == "NoBuckets"
    assert explain("00000000-0000-0000-0000-000000000000").returncode == 1
    assert explain().returncode == 2
