"""Permissions bite: what a key may do is what its user's policies say, from the next request on."""
import json

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
