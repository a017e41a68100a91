"""Lifecycle rules really run, at midnight of the virtual clock."""
import datetime

from haneul import error_code, wait_until


def advance(h, what):
    assert h.command("clock", "advance", what).returncode == 0


def keys(s3, b):
    return sorted(o["Key"] for o in s3.list_objects_v2(Bucket=b).get("Contents", []))


def rules(s3, b, *rules):
    full = [dict({"ID": f"rule-{i}", "Status": "Enabled"}, **r) for i, r in enumerate(rules)]
    s3.put_bucket_lifecycle_configuration(Bucket=b, LifecycleConfiguration={"Rules": full})


def test_objects_expire_by_prefix_tag_and_size(h):
    s3, b = h.client("s3"), "lc-expire"
    s3.create_bucket(Bucket=b)
    for k in ("log/a", "log/b", "keep"):
        s3.put_object(Bucket=b, Key=k, Body=b"x")
    s3.put_object(Bucket=b, Key="tagged", Body=b"x", Tagging="temp=yes")
    s3.put_object(Bucket=b, Key="large", Body=b"x" * 5000)
    rules(s3, b,
          {"Filter": {"Prefix": "log/"}, "Expiration": {"Days": 2}},
          {"Filter": {"Tag": {"Key": "temp", "Value": "yes"}}, "Expiration": {"Days": 10}},
          {"Filter": {"ObjectSizeGreaterThan": 4000}, "Expiration": {"Days": 20}})
    told = s3.head_object(Bucket=b, Key="log/a")["Expiration"]
    assert 'rule-id="rule-0"' in told and "00:00:00 GMT" in told
    assert "Expiration" not in s3.head_object(Bucket=b, Key="keep")
    advance(h, "1d")
    assert len(keys(s3, b)) == 5
    advance(h, "2d")
    wait_until(lambda: keys(s3, b) == ["keep", "large", "tagged"])
    advance(h, "9d")
    wait_until(lambda: keys(s3, b) == ["keep", "large"])
    advance(h, "30d")
    wait_until(lambda: keys(s3, b) == ["keep"])
    s3.delete_bucket_lifecycle(Bucket=b)
    assert error_code(s3.get_bucket_lifecycle_configuration, Bucket=b) == "NoSuchLifecycleConfiguration"


def test_versions_and_markers_go(h):
    s3, b = h.client("s3"), "lc-versions"
    s3.create_bucket(Bucket=b)
    s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    for i in range(5):
        s3.put_object(Bucket=b, Key="k", Body=str(i).encode())
    s3.put_object(Bucket=b, Key="gone", Body=b"x")
    s3.delete_object(Bucket=b, Key="gone")
    rules(s3, b, {"Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True},
                  "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}},
          {"Filter": {"Prefix": "gone"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    advance(h, "3d")

    def left():
        page = s3.list_object_versions(Bucket=b)
        return len(page.get("Versions", [])), len(page.get("DeleteMarkers", []))
    wait_until(lambda: left() == (2, 0))
    assert s3.get_object(Bucket=b, Key="k")["Body"].read() == b"4"


def test_transitions_and_uploads(h):
    s3, b = h.client("s3"), "lc-move"
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="big", Body=b"x" * 200_000)
    s3.put_object(Bucket=b, Key="small", Body=b"x")
    s3.create_multipart_upload(Bucket=b, Key="never")
    rules(s3, b, {"Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
                  "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"},
                                  {"Days": 90, "StorageClass": "GLACIER"}]})
    advance(h, "32d")
    wait_until(lambda: s3.head_object(Bucket=b, Key="big").get("StorageClass") == "STANDARD_IA")
    assert "StorageClass" not in s3.head_object(Bucket=b, Key="small")
    assert not s3.list_multipart_uploads(Bucket=b).get("Uploads")
    advance(h, "60d")
    wait_until(lambda: s3.head_object(Bucket=b, Key="big").get("StorageClass") == "GLACIER")
    assert error_code(s3.get_object, Bucket=b, Key="big") == "InvalidObjectState"


def test_many_objects_in_bounded_units(h):
    s3, b = h.client("s3"), "lc-many"
    s3.create_bucket(Bucket=b)
    for i in range(300):
        s3.put_object(Bucket=b, Key=f"k{i:04}", Body=b"")
    rules(s3, b, {"Filter": {"Prefix": ""}, "Expiration": {"Days": 1}})
    advance(h, "3d")
    wait_until(lambda: keys(s3, b) == [])


def test_what_aws_refuses(h):
    s3, b = h.client("s3"), "lc-refused"
    s3.create_bucket(Bucket=b)

    def put(**rule):
        return error_code(rules, s3, b, rule)
    assert put(Filter={"Prefix": ""}) == "InvalidRequest"
    assert put(Expiration={"Days": 1}) == "MalformedXML"
    assert put(Filter={"Prefix": ""}, Expiration={"Days": 0}) == "InvalidArgument"
    assert put(Filter={"Prefix": ""}, Status="on", Expiration={"Days": 1}) == "MalformedXML"
    assert put(Filter={"Prefix": ""}, ID="x" * 256, Expiration={"Days": 1}) == "InvalidArgument"
    assert put(Filter={"Prefix": ""}, Transitions=[{"Days": 3, "StorageClass": "STANDARD_IA"}]) == "InvalidArgument"
    noon = datetime.datetime(2030, 1, 1, 12)
    assert put(Filter={"Prefix": ""}, Expiration={"Date": noon}) == "InvalidArgument"
    same = {"ID": "same", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    assert error_code(rules, s3, b, same, same) == "InvalidArgument"
