"""Storage classes; archived objects and their restores, on the virtual clock."""
from haneul import error_code, wait_until

CLASSES = ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]


def advance(h, what):
    assert h.command("clock", "advance", what).returncode == 0


def restore(s3, b, key, days, tier):
    return s3.restore_object(Bucket=b, Key=key, RestoreRequest={
        "Days": days, "GlacierJobParameters": {"Tier": tier}})["ResponseMetadata"]["HTTPStatusCode"]


def test_classes_are_kept_and_listed(h):
    s3, b = h.client("s3"), "classes"
    s3.create_bucket(Bucket=b)
    for c in CLASSES:
        s3.put_object(Bucket=b, Key=c, Body=b"x" * 20_000, StorageClass=c)
        assert s3.head_object(Bucket=b, Key=c)["StorageClass"] == c
    assert {o["Key"]: o["StorageClass"] for o in s3.list_objects_v2(Bucket=b)["Contents"]} == {c: c for c in CLASSES}
    for c in CLASSES[:4]:
        assert len(s3.get_object(Bucket=b, Key=c)["Body"].read()) == 20_000
    for c in CLASSES[4:]:
        assert error_code(s3.get_object, Bucket=b, Key=c) == "InvalidObjectState"
        assert error_code(s3.copy_object, Bucket=b, Key="copy",
                          CopySource={"Bucket": b, "Key": c}) in ("InvalidObjectState", "ObjectNotInActiveTierError")
    s3.copy_object(Bucket=b, Key="STANDARD_IA", CopySource={"Bucket": b, "Key": "STANDARD_IA"}, StorageClass="GLACIER")
    assert error_code(s3.get_object, Bucket=b, Key="STANDARD_IA") == "InvalidObjectState"
    assert error_code(s3.put_object, Bucket=b, Key="k", StorageClass="SNOW") == "InvalidStorageClass"


def test_restore_takes_its_hours_and_ends(h):
    s3, b = h.client("s3"), "restores"
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="k", Body=b"cold", StorageClass="GLACIER")
    s3.put_object(Bucket=b, Key="deep", Body=b"colder", StorageClass="DEEP_ARCHIVE")
    s3.put_object(Bucket=b, Key="warm", Body=b"warm")
    assert error_code(restore, s3, b, "warm", 1, "Standard") == "InvalidObjectState"
    assert error_code(restore, s3, b, "deep", 1, "Expedited") == "InvalidArgument"
    assert restore(s3, b, "k", 2, "Standard") == 202
    assert error_code(restore, s3, b, "k", 2, "Standard") == "RestoreAlreadyInProgress"
    assert s3.head_object(Bucket=b, Key="k")["Restore"] == 'ongoing-request="true"'
    advance(h, "2h")
    assert error_code(s3.get_object, Bucket=b, Key="k") == "InvalidObjectState"
    advance(h, "3h")
    wait_until(lambda: 'ongoing-request="false"' in s3.head_object(Bucket=b, Key="k").get("Restore", ""))
    assert s3.get_object(Bucket=b, Key="k")["Body"].read() == b"cold"
    assert restore(s3, b, "k", 5, "Standard") == 200
    advance(h, "3d")
    assert s3.get_object(Bucket=b, Key="k")["Body"].read() == b"cold"
    advance(h, "4d")
    wait_until(lambda: "Restore" not in s3.head_object(Bucket=b, Key="k"))
    assert error_code(s3.get_object, Bucket=b, Key="k") == "InvalidObjectState"
    assert restore(s3, b, "k", 1, "Expedited") == 202
    advance(h, "5m")
    wait_until(lambda: error_code(s3.get_object, Bucket=b, Key="k") is None)
