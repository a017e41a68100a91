"""Temporary credentials: who gets them, what they may do, when they end."""
import json

import boto3
from botocore.config import Config

from haneul import error_code
from haneul import REGION

ACCOUNT = "000000000000"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal, action="sts:AssumeRole", **more):
    return policy({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def session_client(h, service, credentials):
    return boto3.client(service, endpoint_url=h.endpoint, region_name=REGION,
                        aws_access_key_id=credentials["AccessKeyId"],
                        aws_secret_access_key=credentials["SecretAccessKey"],
                        aws_session_token=credentials["SessionToken"], config=Config(retries={"max_attempts": 0}))


def user(h, name, *statements):
    iam = h.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: h.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def role(h, name, trust_policy, *statements, **options):
    iam = h.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy, **options)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return arn


def test_caller_identity_needs_no_permission(h):
    me = user(h, "nobody")("sts").get_caller_identity()
    assert me["Account"] == ACCOUNT and me["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/nobody"
    assert me["UserId"].startswith("AIDA") and len(me["UserId"]) == 21
    assert h.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert h.client("sts", key="123456789012").get_caller_identity()["Account"] == "123456789012"


def test_access_key_tells_its_account(h):
    iam = h.client("iam", key="210987654321")
    iam.create_user(UserName="far")
    key = iam.create_access_key(UserName="far")["AccessKey"]["AccessKeyId"]
    assert h.client("sts").get_access_key_info(AccessKeyId=key)["Account"] == "210987654321"


def test_assume_role_needs_both_sides_or_a_name(h):
    arn = role(h, "reader", trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), allow("s3:ListAllMyBuckets"))
    plain, may = user(h, "plain"), user(h, "may", allow("sts:AssumeRole", arn))
    assert error_code(plain("sts").assume_role, RoleArn=arn, RoleSessionName="sess") == "AccessDenied"
    got = may("sts").assume_role(RoleArn=arn, RoleSessionName="sess")
    assert got["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/sess"
    assert got["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA")
    assert got["Credentials"]["AccessKeyId"].startswith("ASIA")
    s3 = session_client(h, "s3", got["Credentials"])
    s3.list_buckets()
    assert error_code(s3.create_bucket, Bucket="by-reader") == "AccessDenied"
    me = session_client(h, "sts", got["Credentials"]).get_caller_identity()
    assert me["Arn"].endswith(":assumed-role/reader/sess") and me["UserId"].endswith(":sess")
    # Named itself, the user needs no policy of its own in the same account.
    h.client("iam").update_assume_role_policy(
        RoleName="reader", PolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/plain"}))
    plain("sts").assume_role(RoleArn=arn, RoleSessionName="sess")
    assert error_code(may("sts").assume_role, RoleArn=arn, RoleSessionName="sess") == "AccessDenied"


def test_external_id(h):
    arn = role(h, "ext", trust({"AWS": ACCOUNT}, Condition={"StringEquals": {"sts:ExternalId": "secret-1"}}))
    sts = h.client("sts")
    assert error_code(sts.assume_role, RoleArn=arn, RoleSessionName="ss") == "AccessDenied"
    assert error_code(sts.assume_role, RoleArn=arn, RoleSessionName="ss", ExternalId="other") == "AccessDenied"
    sts.assume_role(RoleArn=arn, RoleSessionName="ss", ExternalId="secret-1")


def test_cross_account(h):
    other = "222222222222"
    there = h.client("iam", key=other)
    arn = there.create_role(RoleName="guest", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    there.put_role_policy(RoleName="guest", PolicyName="p", PolicyDocument=policy(allow("iam:ListUsers")))
    without, with_it = user(h, "xa"), user(h, "xb", allow("sts:AssumeRole", arn))
    assert error_code(without("sts").assume_role, RoleArn=arn, RoleSessionName="xx") == "AccessDenied"
    got = with_it("sts").assume_role(RoleArn=arn, RoleSessionName="xx")["Credentials"]
    assert session_client(h, "sts", got).get_caller_identity()["Account"] == other
    assert session_client(h, "iam", got).list_users()["Users"] == []
    assert error_code(with_it("iam").list_users) == "AccessDenied"
    missing = f"arn:aws:iam::{other}:role/none"
    assert error_code(with_it("sts").assume_role, RoleArn=missing, RoleSessionName="xx") == "AccessDenied"


def test_session_policies_narrow(h):
    arn = role(h, "wide", trust({"AWS": ACCOUNT}), allow("s3:*"))
    sts = h.client("sts")
    got = sts.assume_role(RoleArn=arn, RoleSessionName="nn", Policy=policy(allow("s3:ListAllMyBuckets")))
    assert got["PackedPolicySize"] > 0
    s3 = session_client(h, "s3", got["Credentials"])
    s3.list_buckets()
    assert error_code(s3.create_bucket, Bucket="narrow-one") == "AccessDenied"
    got = sts.assume_role(RoleArn=arn, RoleSessionName="nn",
                          PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonSQSFullAccess"}])
    assert error_code(session_client(h, "s3", got["Credentials"]).list_buckets) == "AccessDenied"
    assert error_code(sts.assume_role, RoleArn=arn, RoleSessionName="nn", Policy="{}") == "MalformedPolicyDocument"


def test_durations_and_chaining(h):
    first = role(h, "first", trust({"AWS": ACCOUNT}), allow(["sts:AssumeRole", "sts:TagSession"]),
                 MaxSessionDuration=7200)
    second = role(h, "second", trust({"AWS": first}, ["sts:AssumeRole", "sts:TagSession"]), MaxSessionDuration=43200)
    sts = h.client("sts")
    assert error_code(sts.assume_role, RoleArn=first, RoleSessionName="cc", DurationSeconds=7201) == "ValidationError"
    got = sts.assume_role(RoleArn=first, RoleSessionName="cc", DurationSeconds=7200)["Credentials"]
    chained = session_client(h, "sts", got)
    assert error_code(chained.assume_role, RoleArn=second, RoleSessionName="dd",
                      DurationSeconds=3601) == "ValidationError"
    chained.assume_role(RoleArn=second, RoleSessionName="dd", DurationSeconds=3600)


def test_tags_of_sessions(h):
    arn = role(h, "tagged", trust({"AWS": ACCOUNT}, ["sts:AssumeRole", "sts:TagSession"]),
               allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    sts = h.client("sts")
    blue = sts.assume_role(RoleArn=arn, RoleSessionName="tt", Tags=[{"Key": "team", "Value": "blue"}])
    red = sts.assume_role(RoleArn=arn, RoleSessionName="tt", Tags=[{"Key": "team", "Value": "red"}])
    session_client(h, "s3", blue["Credentials"]).list_buckets()
    assert error_code(session_client(h, "s3", red["Credentials"]).list_buckets) == "AccessDenied"


def test_sessions_end(h):
    arn = role(h, "brief", trust({"AWS": ACCOUNT}), allow("s3:ListAllMyBuckets"))
    got = h.client("sts").assume_role(RoleArn=arn, RoleSessionName="ee", DurationSeconds=900)["Credentials"]
    s3 = session_client(h, "s3", got)
    s3.list_buckets()
    h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 901000}')
    assert error_code(s3.list_buckets) == "ExpiredToken"
    bad = dict(got, SessionToken=got["SessionToken"][:-8] + "AAAAAAA=")
    assert error_code(session_client(h, "sts", bad).get_caller_identity) == "InvalidClientTokenId"


def test_session_token_of_a_user(h):
    client = user(h, "mfa-less", allow(["s3:*", "iam:*"]))
    got = client("sts").get_session_token()["Credentials"]
    session_client(h, "s3", got).list_buckets()
    assert session_client(h, "sts", got).get_caller_identity()["Arn"].endswith(":user/mfa-less")
    # Without MFA such keys have no business in IAM.
    assert error_code(session_client(h, "iam", got).list_users) == "InvalidClientTokenId"
    assert error_code(session_client(h, "sts", got).get_session_token) == "AccessDenied"


def test_federation(h):
    client = user(h, "broker", allow(["s3:*", "sts:GetFederationToken"]))
    got = client("sts").get_federation_token(Name="guest1", Policy=policy(allow("s3:ListAllMyBuckets")))
    assert got["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest1"
    s3 = session_client(h, "s3", got["Credentials"])
    s3.list_buckets()
    assert error_code(s3.create_bucket, Bucket="federated-bucket") == "AccessDenied"
    bare = client("sts").get_federation_token(Name="guest2")["Credentials"]
    assert error_code(session_client(h, "s3", bare).list_buckets) == "AccessDenied"


def test_a_deleted_role_ends_its_sessions(h):
    arn = role(h, "gone", trust({"AWS": ACCOUNT}), allow("s3:ListAllMyBuckets"))
    iam = h.client("iam")
    s3 = session_client(h, "s3", h.client("sts").assume_role(RoleArn=arn, RoleSessionName="gg")["Credentials"])
    s3.list_buckets()
    iam.delete_role_policy(RoleName="gone", PolicyName="p")
    iam.delete_role(RoleName="gone")
    assert error_code(s3.list_buckets) == "AccessDenied"
    role(h, "gone", trust({"AWS": ACCOUNT}), allow("s3:ListAllMyBuckets"))
    assert error_code(s3.list_buckets) == "AccessDenied"


def test_a_refusal_of_ec2_can_be_decoded(h):
    client = user(h, "pilot", allow("ec2:*"), {"Sid": "NoKeys", "Effect": "Deny", "Action": "ec2:DeleteKeyPair", "Resource": "*"})
    failed = refusal(client("ec2").delete_key_pair, KeyName="k")
    assert failed["Code"] == "UnauthorizedOperation"
    before, text = failed["Message"].split(". Encoded authorization failure message: ")
    assert before.startswith("You are not authorized to perform this operation. User: "
                             f"arn:aws:iam::{ACCOUNT}:user/pilot is not authorized to perform: ec2:DeleteKeyPair on resource: ")
    assert error_code(client("sts").decode_authorization_message, EncodedMessage=text) == "AccessDenied"
    sts = h.client("sts")
    said = json.loads(sts.decode_authorization_message(EncodedMessage=text)["DecodedMessage"])
    assert said["allowed"] is False and said["explicitDeny"] is True
    assert said["matchedStatements"]["items"][0]["statementId"] == "NoKeys"
    assert said["context"]["action"] == "ec2:DeleteKeyPair" and said["context"]["principal"]["arn"].endswith(":user/pilot")
    # Nobody else's, and nothing that was touched.
    foreign = h.client("sts", key="123456789012").decode_authorization_message
    assert error_code(foreign, EncodedMessage=text) == "InvalidAuthorizationMessageException"
    for bad in (text[:-4] + "AAAA", "x" + text[1:], "no"):
        assert error_code(sts.decode_authorization_message, EncodedMessage=bad) == "InvalidAuthorizationMessageException"


def refusal(call, **input):
    from botocore.exceptions import ClientError
    try:
        call(**input)
    except ClientError as e:
        return e.response["Error"]
    raise AssertionError("was not refused")


def test_cli(h):
    assert h.cli_json("sts", "get-caller-identity")["Account"] == ACCOUNT
    arn = role(h, "cli-role", trust({"AWS": ACCOUNT}))
    got = h.cli_json("sts", "assume-role", "--role-arn", arn, "--role-session-name", "cli")
    assert got["AssumedRoleUser"]["Arn"].endswith("assumed-role/cli-role/cli")
