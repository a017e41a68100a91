"""S3 Control: the account's public access block, access points, tags by ARN."""
import json

from haneul import error_code

ACCOUNT = "000000000000"


def control(h):
    """The SDK puts the account in front of the host, which is an address here."""
    client = h.client("s3control")

    def plain(request, **_):
        request.url = request.url.replace(f"//{ACCOUNT}.", "//").replace("//111111111111.", "//")
    client.meta.events.register("before-sign.s3-control.*", plain)
    return client


def test_account_block_really_blocks(h):
    s3, k, b = h.client("s3"), control(h), "control-block"
    s3.create_bucket(Bucket=b)
    s3.delete_public_access_block(Bucket=b)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{b}/*"}]})
    s3.put_bucket_policy(Bucket=b, Policy=policy)
    s3.put_object(Bucket=b, Key="k", Body=b"x")
    assert h.get(f"/{b}/k")[0] == 200
    assert error_code(k.get_public_access_block, AccountId=ACCOUNT) == "NoSuchPublicAccessBlockConfiguration"
    k.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration={
        "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
    assert k.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert h.get(f"/{b}/k")[0] == 403
    assert error_code(s3.put_bucket_policy, Bucket=b, Policy=policy) == "AccessDenied"
    k.delete_public_access_block(AccountId=ACCOUNT)
    assert h.get(f"/{b}/k")[0] == 200
    assert error_code(k.get_public_access_block, AccountId="111111111111") == "AccessDenied"


def test_access_points_lead_to_their_bucket(h):
    s3, k, b = h.client("s3"), control(h), "control-points"
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="k", Body=b"through")
    made = k.create_access_point(AccountId=ACCOUNT, Name="door", Bucket=b)
    assert made["AccessPointArn"] == f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/door"
    assert error_code(k.create_access_point, AccountId=ACCOUNT, Name="door", Bucket=b) == "AccessPointAlreadyOwnedByYou"
    assert s3.get_object(Bucket=made["Alias"], Key="k")["Body"].read() == b"through"
    host = f"door-{ACCOUNT}.s3-accesspoint.us-east-1.localhost"
    assert h.get("/k", headers={"Host": host})[0] == 403  # found, but not for strangers
    k.create_access_point(AccountId=ACCOUNT, Name="window", Bucket=b)
    page = k.list_access_points(AccountId=ACCOUNT, MaxResults=1)
    rest = k.list_access_points(AccountId=ACCOUNT, NextToken=page["NextToken"])
    assert [p["Name"] for p in page["AccessPointList"] + rest["AccessPointList"]] == ["door", "window"]
    assert k.get_access_point(AccountId=ACCOUNT, Name="door")["Bucket"] == b
    k.delete_access_point(AccountId=ACCOUNT, Name="door")
    assert error_code(k.get_access_point, AccountId=ACCOUNT, Name="door") == "NoSuchAccessPoint"
    assert error_code(s3.get_object, Bucket=made["Alias"], Key="k") in ("NoSuchBucket", "InvalidBucketName")


def test_tags_by_arn(h):
    s3, k, b = h.client("s3"), control(h), "control-tags"
    s3.create_bucket(Bucket=b)
    arn = f"arn:aws:s3:::{b}"
    k.tag_resource(AccountId=ACCOUNT, ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    k.tag_resource(AccountId=ACCOUNT, ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    k.untag_resource(AccountId=ACCOUNT, ResourceArn=arn, TagKeys=["b"])
    assert k.list_tags_for_resource(AccountId=ACCOUNT, ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    assert s3.get_bucket_tagging(Bucket=b)["TagSet"] == [{"Key": "a", "Value": "3"}]


def test_policies_of_access_points_bite(h):
    s3, k, b, iam = h.client("s3"), control(h), "control-policies", h.client("iam")
    s3.create_bucket(Bucket=b)
    for key in ("in/k", "out/k"):
        s3.put_object(Bucket=b, Key=key, Body=b"x")
    iam.create_user(UserName="through-door")
    iam.put_user_policy(UserName="through-door", PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    access = iam.create_access_key(UserName="through-door")["AccessKey"]
    user = h.client("s3", key=access["AccessKeyId"], secret=access["SecretAccessKey"])
    made = k.create_access_point(AccountId=ACCOUNT, Name="gate", Bucket=b)
    arn, alias = made["AccessPointArn"], made["Alias"]
    assert all(k.get_access_point(AccountId=ACCOUNT, Name="gate")["PublicAccessBlockConfiguration"].values())
    assert error_code(k.get_access_point_policy, AccountId=ACCOUNT, Name="gate") == "NoSuchAccessPointPolicy"
    assert user.get_object(Bucket=alias, Key="in/k")["Body"].read() == b"x"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/through-door"}, "Action": "s3:GetObject",
         "NotResource": f"{arn}/object/in/*"}]}
    k.put_access_point_policy(AccountId=ACCOUNT, Name="gate", Policy=json.dumps(policy))
    assert json.loads(k.get_access_point_policy(AccountId=ACCOUNT, Name="gate")["Policy"]) == policy
    assert not k.get_access_point_policy_status(AccountId=ACCOUNT, Name="gate")["PolicyStatus"]["IsPublic"]
    assert user.get_object(Bucket=alias, Key="in/k")["Body"].read() == b"x"
    assert error_code(user.get_object, Bucket=alias, Key="out/k") == "AccessDenied"
    assert user.get_object(Bucket=b, Key="out/k")["Body"].read() == b"x"
    # The bucket may insist on its access points.
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/through-door"}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{b}/*", "Condition": {"StringNotEquals": {"s3:DataAccessPointArn": arn}}}]}))
    assert error_code(user.get_object, Bucket=b, Key="in/k") == "AccessDenied"
    assert user.get_object(Bucket=alias, Key="in/k")["Body"].read() == b"x"
    # Another account needs both.
    other = h.client("s3", key="111111111111")
    policy["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "s3:GetObject",
                                "Resource": f"{arn}/object/*"})
    k.put_access_point_policy(AccountId=ACCOUNT, Name="gate", Policy=json.dumps(policy))
    assert error_code(other.get_object, Bucket=alias, Key="in/k") == "AccessDenied"
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{b}/*", "Condition": {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}}]}))
    assert other.get_object(Bucket=alias, Key="in/k")["Body"].read() == b"x"
    assert error_code(other.get_object, Bucket=b, Key="in/k") == "AccessDenied"
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                                      "Resource": f"{arn}/object/*"}]}
    assert error_code(k.put_access_point_policy, AccountId=ACCOUNT, Name="gate",
                      Policy=json.dumps(public)) == "AccessDenied"
    assert error_code(k.put_access_point_policy, AccountId=ACCOUNT, Name="gate", Policy="{") == "MalformedPolicy"
    k.delete_access_point_policy(AccountId=ACCOUNT, Name="gate")
    assert error_code(k.get_access_point_policy, AccountId=ACCOUNT, Name="gate") == "NoSuchAccessPointPolicy"
    assert error_code(k.get_access_point_policy, AccountId=ACCOUNT, Name="nobody") == "NoSuchAccessPoint"


def test_an_access_point_of_a_vpc_takes_nobody_else(h):
    s3, k, b = h.client("s3"), control(h), "control-vpc"
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="k", Body=b"x")
    alias = k.create_access_point(AccountId=ACCOUNT, Name="inner", Bucket=b,
                                  VpcConfiguration={"VpcId": "vpc-0123456789abcdef0"})["Alias"]
    assert k.get_access_point(AccountId=ACCOUNT, Name="inner")["NetworkOrigin"] == "VPC"
    assert error_code(s3.get_object, Bucket=alias, Key="k") == "AccessDenied"
    assert s3.get_object(Bucket=b, Key="k")["Body"].read() == b"x"
