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
