"""Object lock as clients see it."""
import datetime

from haneul import error_code


def bucket(h, name):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return s3


def later(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)


def test_default_retention(h):
    s3 = bucket(h, "lock-default")
    b = "lock-default"
    s3.put_object_lock_configuration(Bucket=b, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}})
    got = s3.get_object_lock_configuration(Bucket=b)["ObjectLockConfiguration"]
    assert got["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 3}
    v = s3.put_object(Bucket=b, Key="k", Body=b"x")["VersionId"]
    assert s3.get_object_retention(Bucket=b, Key="k")["Retention"]["Mode"] == "GOVERNANCE"
    assert error_code(s3.delete_object, Bucket=b, Key="k", VersionId=v) == "AccessDenied"
    answer = s3.delete_objects(Bucket=b, Delete={"Objects": [{"Key": "k", "VersionId": v}]})
    assert answer["Errors"][0]["Code"] == "AccessDenied"
    s3.delete_object(Bucket=b, Key="k", VersionId=v, BypassGovernanceRetention=True)


def test_headers_and_holds(h):
    s3, b = bucket(h, "lock-headers"), "lock-headers"
    v = s3.put_object(Bucket=b, Key="k", Body=b"x", ObjectLockMode="COMPLIANCE",
                      ObjectLockRetainUntilDate=later(1), ObjectLockLegalHoldStatus="ON")["VersionId"]
    head = s3.head_object(Bucket=b, Key="k")
    assert head["ObjectLockMode"] == "COMPLIANCE" and head["ObjectLockLegalHoldStatus"] == "ON"
    assert error_code(s3.put_object_retention, Bucket=b, Key="k", BypassGovernanceRetention=True,
                      Retention={"Mode": "GOVERNANCE", "RetainUntilDate": later(2)}) == "AccessDenied"
    s3.put_object_retention(Bucket=b, Key="k", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later(2)})
    assert error_code(s3.delete_object, Bucket=b, Key="k", VersionId=v,
                      BypassGovernanceRetention=True) == "AccessDenied"
    up = s3.create_multipart_upload(Bucket=b, Key="m", ObjectLockLegalHoldStatus="ON")["UploadId"]
    part = s3.upload_part(Bucket=b, Key="m", UploadId=up, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(Bucket=b, Key="m", UploadId=up,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    assert s3.get_object_legal_hold(Bucket=b, Key="m")["LegalHold"]["Status"] == "ON"
    s3.put_object_legal_hold(Bucket=b, Key="m", LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(Bucket=b, Key="m")["LegalHold"]["Status"] == "OFF"
    s3.put_object_legal_hold(Bucket=b, Key="m", LegalHold={"Status": "ON"})
    assert error_code(s3.put_bucket_versioning, Bucket=b,
                      VersioningConfiguration={"Status": "Suspended"}) == "InvalidBucketState"


def test_without_lock(h):
    s3, b = h.client("s3"), "lock-none"
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="k", Body=b"x")
    assert error_code(s3.get_object_lock_configuration, Bucket=b) == "ObjectLockConfigurationNotFoundError"
    assert error_code(s3.get_object_retention, Bucket=b, Key="k") == "InvalidRequest"
    assert error_code(s3.put_object, Bucket=b, Key="k", ObjectLockLegalHoldStatus="ON") == "InvalidRequest"
