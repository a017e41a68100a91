"""Who may do what with a bucket: policies, lists, ownership, the public access block, presigned URLs."""
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from botocore.exceptions import ClientError

from haneul import Haneul

OTHER = "222222222222"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
CALENDAR = [0]


def fails(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response
    raise AssertionError(f"no {code}")


def bucket(h, **kw):
    CALENDAR[0] += 1
    name = f"access-{CALENDAR[0]}"
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name, **kw)
    s3.put_object(Bucket=name, Key="k", Body=b"hello")
    return s3, name


def policy(name, action="s3:GetObject", effect="Allow", principal="*", resource="/*", **condition):
    st = {"Effect": effect, "Principal": principal, "Action": action, "Resource": f"arn:aws:s3:::{name}{resource}"}
    if condition:
        st["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [st]})


def fetch(url, method="GET", data=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers=headers or {})) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def test_new_bucket_has_defaults_of_aws(h):
    s3, b = bucket(h)
    block = s3.get_public_access_block(Bucket=b)["PublicAccessBlockConfiguration"]
    assert len(block) == 4 and all(block.values())
    rules = s3.get_bucket_ownership_controls(Bucket=b)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    acl = s3.get_bucket_acl(Bucket=b)
    assert [g["Permission"] for g in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]
    fails("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=b)
    fails("NoSuchBucketPolicy", s3.get_bucket_policy_status, Bucket=b)


def test_public_policy_needs_the_block_gone(h):
    s3, b = bucket(h)
    assert h.get(f"/{b}/k")[0] == 403
    e = fails("AccessDenied", s3.put_bucket_policy, Bucket=b, Policy=policy(b))
    assert "BlockPublicPolicy" in e["Error"]["Message"]
    s3.delete_public_access_block(Bucket=b)
    fails("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, Bucket=b)
    s3.put_bucket_policy(Bucket=b, Policy=policy(b))
    assert json.loads(s3.get_bucket_policy(Bucket=b)["Policy"]) == json.loads(policy(b))
    assert s3.get_bucket_policy_status(Bucket=b)["PolicyStatus"]["IsPublic"] is True
    assert h.get(f"/{b}/k")[::2] == (200, b"hello")
    assert h.get(f"/{b}/missing")[0] == 403 and h.get(f"/{b}")[0] == 403
    assert h.get(f"/{b}/k", method="PUT", data=b"x")[0] == 403
    assert h.get(f"/{b}/k", method="DELETE")[0] == 403
    s3.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert h.get(f"/{b}/k")[0] == 403
    s3.delete_public_access_block(Bucket=b)
    assert h.get(f"/{b}/k")[0] == 200
    s3.delete_bucket_policy(Bucket=b)
    assert h.get(f"/{b}/k")[0] == 403


def test_bad_policies(h):
    s3, b = bucket(h)
    for text in ("", "nonsense", "{}", policy("another"), policy(b, effect="Perhaps")):
        try:
            s3.put_bucket_policy(Bucket=b, Policy=text)
        except ClientError as e:
            assert e.response["Error"]["Code"] in ("MalformedPolicy", "MissingRequestBodyError"), e
        else:
            raise AssertionError(text)


def test_other_account_needs_both_sides(h):
    s3, b = bucket(h)
    other = h.client("s3", key=OTHER)
    fails("AccessDenied", other.get_object, Bucket=b, Key="k")
    fails("AccessDenied", other.list_objects_v2, Bucket=b)
    fails("403", other.head_bucket, Bucket=b)
    s3.put_bucket_policy(Bucket=b, Policy=policy(b, principal={"AWS": OTHER}))
    assert other.get_object(Bucket=b, Key="k")["Body"].read() == b"hello"
    fails("AccessDenied", other.put_object, Bucket=b, Key="k", Body=b"x")
    fails("AccessDenied", other.get_object, Bucket=b, Key="missing")
    fails("AccessDenied", other.put_bucket_policy, Bucket=b, Policy=policy(b))
    fails("AccessDenied", s3.get_object, Bucket=b, Key="k", ExpectedBucketOwner=OTHER)


def test_conditions(h):
    s3, b = bucket(h)
    other = h.client("s3", key=OTHER)
    both = json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{b}",
         "Condition": {"StringEquals": {"s3:prefix": "home/"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}},
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": f"arn:aws:s3:::{b}/*", "Condition": {"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}},
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{b}/*",
         "Condition": {"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}}]})
    s3.put_bucket_policy(Bucket=b, Policy=both)
    fails("AccessDenied", other.list_objects_v2, Bucket=b)
    fails("AccessDenied", other.list_objects_v2, Bucket=b, Prefix="home/", MaxKeys=11)
    other.list_objects_v2(Bucket=b, Prefix="home/", MaxKeys=10)
    fails("AccessDenied", other.get_object, Bucket=b, Key="k")
    s3.put_object_tagging(Bucket=b, Key="k", Tagging={"TagSet": [{"Key": "open", "Value": "yes"}]})
    other.get_object(Bucket=b, Key="k")
    fails("AccessDenied", other.put_object, Bucket=b, Key="n", Body=b"x")
    other.put_object(Bucket=b, Key="n", Body=b"x", StorageClass="STANDARD_IA")


def test_deny_holds_for_the_owner_but_can_be_taken_back(h):
    s3, b = bucket(h)
    s3.put_bucket_policy(Bucket=b, Policy=policy(b, effect="Deny", action="s3:*"))
    e = fails("AccessDenied", s3.get_object, Bucket=b, Key="k")
    assert "explicit deny" in e["Error"]["Message"] and "s3:GetObject" in e["Error"]["Message"]
    s3.delete_bucket_policy(Bucket=b)
    s3.get_object(Bucket=b, Key="k")


def test_acls_are_off_unless_ownership_says_so(h):
    s3, b = bucket(h)
    fails("AccessControlListNotSupported", s3.put_bucket_acl, Bucket=b, ACL="public-read")
    fails("AccessControlListNotSupported", s3.put_bucket_acl, Bucket=b, ACL="private")
    fails("AccessControlListNotSupported", s3.put_object_acl, Bucket=b, Key="k", ACL="private")
    fails("AccessControlListNotSupported", s3.put_object_acl, Bucket=b, Key="k", ACL="public-read")
    fails("AccessControlListNotSupported", s3.put_object, Bucket=b, Key="n", Body=b"", ACL="public-read")
    s3.put_object(Bucket=b, Key="n", Body=b"", ACL="bucket-owner-full-control")
    fails("InvalidBucketAclWithObjectOwnership", s3.create_bucket, Bucket=b + "-x", ACL="public-read")
    fails("InvalidBucketAclWithBlockPublicAccessError", s3.create_bucket, Bucket=b + "-x", ACL="public-read",
          ObjectOwnership="ObjectWriter")
    s3.delete_bucket_ownership_controls(Bucket=b)
    fails("OwnershipControlsNotFoundError", s3.get_bucket_ownership_controls, Bucket=b)


def test_who_may_list_a_key_may_know_that_it_is_missing(h):
    s3, b = bucket(h)
    doc = json.loads(policy(b, action="s3:ListBucket"))
    doc["Statement"][0].update(Principal={"AWS": OTHER}, Resource=f"arn:aws:s3:::{b}",
                               Condition={"StringLike": {"s3:prefix": "public/*"}})
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps(doc))
    other = h.client("s3", key=OTHER)
    fails("404", other.head_object, Bucket=b, Key="public/none")
    fails("NoSuchKey", other.get_object, Bucket=b, Key="public/none")
    fails("403", other.head_object, Bucket=b, Key="private/none")
    s3.put_object(Bucket=b, Key="public/there", Body=b"")
    fails("403", other.head_object, Bucket=b, Key="public/there")
    doc["Statement"].append({"Effect": "Deny", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject",
                             "Resource": f"arn:aws:s3:::{b}/*"})
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps(doc))
    fails("403", other.head_object, Bucket=b, Key="public/none")


def test_who_began_an_upload_may_end_it_unless_that_is_denied(h):
    s3, b = bucket(h)
    s3.put_bucket_policy(Bucket=b, Policy=policy(b, action="s3:PutObject", principal={"AWS": OTHER}))
    other = h.client("s3", key=OTHER)
    upload = {"Bucket": b, "Key": "u", "UploadId": other.create_multipart_upload(Bucket=b, Key="u")["UploadId"]}
    s3.put_bucket_policy(Bucket=b, Policy=policy(b, effect="Deny", action="s3:AbortMultipartUpload", principal={"AWS": OTHER}))
    fails("AccessDenied", other.abort_multipart_upload, **upload)
    s3.delete_bucket_policy(Bucket=b)
    other.abort_multipart_upload(**upload)
    fails("NoSuchUpload", s3.abort_multipart_upload, **upload)


def test_acls(h):
    s3, b = bucket(h, ObjectOwnership="BucketOwnerPreferred")
    e = fails("AccessDenied", s3.put_object_acl, Bucket=b, Key="k", ACL="public-read")
    assert "BlockPublicAcls" in e["Error"]["Message"]
    s3.delete_public_access_block(Bucket=b)
    s3.put_object_acl(Bucket=b, Key="k", ACL="public-read")
    assert h.get(f"/{b}/k")[::2] == (200, b"hello")
    grants = s3.get_object_acl(Bucket=b, Key="k")["Grants"]
    assert {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"} in grants
    s3.put_object(Bucket=b, Key="p", Body=b"p", ACL="public-read")
    s3.put_object(Bucket=b, Key="q", Body=b"q")
    assert h.get(f"/{b}/p")[0] == 200 and h.get(f"/{b}/q")[0] == 403
    s3.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert h.get(f"/{b}/p")[0] == 403
    s3.delete_public_access_block(Bucket=b)
    # By canonical id, in headers and in XML.
    other = h.client("s3", key=OTHER)
    uid = other.list_buckets()["Owner"]["ID"]
    s3.put_bucket_acl(Bucket=b, GrantRead=f'id="{uid}"')
    other.list_objects_v2(Bucket=b)
    fails("AccessDenied", other.get_object, Bucket=b, Key="q")
    acl = s3.get_object_acl(Bucket=b, Key="q")
    acl = {"Owner": acl["Owner"], "Grants": acl["Grants"] + [
        {"Grantee": {"Type": "CanonicalUser", "ID": uid}, "Permission": "READ"}]}
    s3.put_object_acl(Bucket=b, Key="q", AccessControlPolicy=acl)
    assert other.get_object(Bucket=b, Key="q")["Body"].read() == b"q"
    fails("UnresolvableGrantByEmailAddress", s3.put_bucket_acl, Bucket=b, GrantRead='emailAddress="a@b.example"')
    fails("InvalidArgument", s3.put_bucket_acl, Bucket=b, GrantRead='id="123"')
    fails("InvalidBucketAclWithObjectOwnership", s3.put_bucket_ownership_controls, Bucket=b,
          OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    s3.put_bucket_acl(Bucket=b, ACL="private")
    s3.put_bucket_ownership_controls(Bucket=b, OwnershipControls={
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert h.get(f"/{b}/p")[0] == 403


def test_presigned_in_both_versions():
    with Haneul("--strict") as h:
        with open(os.path.join(h.data, "root-key")) as f:
            h.key, h.secret = f.read().split()
        s3, b = bucket(h)
        for version in (None, "s3", "s3v4"):
            for style in ("path", "virtual"):
                kw = {"s3": {"addressing_style": style}}
                if version:
                    kw["signature_version"] = version
                s3 = h.client("s3", **kw)
                bad = h.client("s3", secret="wrong", **kw)
                for params, want in (({"Key": "k"}, b"hello"), ({"Key": "a b/ü+"}, b"odd")):
                    params = {"Bucket": b, **params}
                    put = s3.generate_presigned_url("put_object", Params={**params, "ContentType": "text/x"})
                    assert ("X-Amz-Signature" in put) == (version == "s3v4")
                    assert through(h, put, "PUT", want, {"Content-Type": "text/x"})[0] == 200
                    assert through(h, put, "PUT", want, {"Content-Type": "text/y"})[0] == 403
                    get = s3.generate_presigned_url("get_object", Params={
                        **params, "ResponseContentType": "text/z; a=b"})
                    assert through(h, get)[:2] == (200, want), (version, style, get)
                    assert through(h, get.replace("text", "tex2"))[0] == 403
                    assert through(h, get, "DELETE")[0] == 403
                    status, body = through(h, bad.generate_presigned_url("get_object", Params=params))
                    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
                late = s3.generate_presigned_url("get_object", Params=params, ExpiresIn=-1)
                status, body = through(h, late)
                assert status in (400, 403) and (version == "s3v4" or b"Request has expired" in body)


def through(h, url, method="GET", data=None, headers=None):
    """The URL may name a host that has no address here."""
    parts = urllib.parse.urlsplit(url)
    return fetch(f"{h.endpoint}{parts.path}?{parts.query}", method, data, {"Host": parts.netloc, **(headers or {})})


def test_presigned(h):
    s3, b = bucket(h)
    s3 = h.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": b, "Key": "k"}, ExpiresIn=60)
    assert fetch(url) == (200, b"hello")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": b, "Key": "up"}, ExpiresIn=60)
    assert fetch(put, "PUT", b"up!")[0] == 200
    assert s3.get_object(Bucket=b, Key="up")["Body"].read() == b"up!"
    shown = s3.generate_presigned_url("get_object", Params={
        "Bucket": b, "Key": "k", "ResponseContentType": "text/x"}, ExpiresIn=60)
    with urllib.request.urlopen(shown) as r:
        assert r.headers["content-type"] == "text/x"
    other = h.client("s3", key=OTHER, signature_version="s3v4")
    status, body = fetch(other.generate_presigned_url("get_object", Params={"Bucket": b, "Key": "k"}))
    assert status == 403 and b"AccessDenied" in body


def test_virtual_hosts(h):
    s3, b = bucket(h)
    s3.delete_public_access_block(Bucket=b)
    s3.put_bucket_policy(Bucket=b, Policy=policy(b))
    for host in (f"{b}.s3.amazonaws.com", f"{b}.s3.eu-west-1.amazonaws.com", f"{b}.s3-eu-west-1.amazonaws.com",
                 f"{b}.s3.localhost.localstack.cloud:4566", f"{b}.localhost:4566"):
        assert h.get("/k", headers={"Host": host})[::2] == (200, b"hello"), host
    assert h.get("/k", headers={"Host": "nobody.s3.amazonaws.com"})[0] == 404
    dotted = "assets.example.com"
    s3.create_bucket(Bucket=dotted)
    s3.put_object(Bucket=dotted, Key="k", Body=b"dotted")
    s3.delete_public_access_block(Bucket=dotted)
    s3.put_bucket_policy(Bucket=dotted, Policy=policy(dotted))
    assert h.get("/k", headers={"Host": dotted})[2] == b"dotted"


def test_methods_that_do_not_fit(h):
    s3, b = bucket(h)
    s3.delete_public_access_block(Bucket=b)
    assert h.get(f"/{b}?notification", method="DELETE")[0] == 405
    s3.head_bucket(Bucket=b)
    assert h.get(f"/{b}/%zz")[0] == 400
    assert h.get(f"/{b}", method="POST", data=b"x")[0] == 412


def test_unset_configuration_reads_as_on_aws(h):
    s3, b = bucket(h)
    for op, code in (("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
                     ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
                     ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
                     ("get_bucket_cors", "NoSuchCORSConfiguration"),
                     ("get_bucket_website", "NoSuchWebsiteConfiguration"),
                     ("get_bucket_tagging", "NoSuchTagSet")):
        fails(code, getattr(s3, op), Bucket=b)
    for op in ("get_bucket_accelerate_configuration", "get_bucket_logging", "get_bucket_notification_configuration"):
        assert set(getattr(s3, op)(Bucket=b)) == {"ResponseMetadata"}
    assert s3.get_bucket_request_payment(Bucket=b)["Payer"] == "BucketOwner"
    rule = s3.get_bucket_encryption(Bucket=b)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.list_bucket_inventory_configurations(Bucket=b)["IsTruncated"] is False
    fails("NotImplemented", s3.put_bucket_encryption, Bucket=b, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse"}}]})

