"""Storage classes; archived objects and their restores, on the virtual clock."""
import os
import shutil

from botocore.exceptions import ClientError

from haneul import Haneul, error_code, wait_until

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


def shards(h):
    """Files of blobs by zone."""
    found = {"a": [], "b": [], "c": []}
    for folder, _, names in os.walk(os.path.join(h.data, "blobs", "us-east-1")):
        for name in names:
            if "/zone-" in folder and len(name) == 32:
                found[folder.split("/zone-")[1][0]].append(os.path.join(folder, name))
    return found


def test_a_transition_to_one_zone_gives_up_the_others():
    with Haneul() as h:
        s3, b = h.client("s3"), "one-zone"
        s3.create_bucket(Bucket=b)
        data = {"small": os.urandom(100_000), "large": os.urandom(1 << 20), "parts": os.urandom(6 << 20)}
        for key in ("small", "large"):
            s3.put_object(Bucket=b, Key=key, Body=data[key])
        up = s3.create_multipart_upload(Bucket=b, Key="parts")["UploadId"]
        done = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=b, Key="parts", UploadId=up, PartNumber=n,
                                                         Body=piece)["ETag"]}
                for n, piece in ((1, data["parts"][:5 << 20]), (2, data["parts"][5 << 20:]))]
        s3.complete_multipart_upload(Bucket=b, Key="parts", UploadId=up, MultipartUpload={"Parts": done})
        # A second name for the bytes keeps them where they are.
        s3.put_object(Bucket=b, Key="shared", Body=b"s" * 200_000)
        s3.create_bucket(Bucket=b + "-copies")
        s3.copy_object(Bucket=b + "-copies", Key="copy", CopySource=f"{b}/shared")
        before = sum(map(len, shards(h).values()))
        assert before == 2 + 3 + 2 * 3 + 3
        s3.put_bucket_lifecycle_configuration(Bucket=b, LifecycleConfiguration={"Rules": [
            {"ID": "r", "Status": "Enabled", "Filter": {"ObjectSizeGreaterThan": 1000},
             "Transitions": [{"Days": 30, "StorageClass": "ONEZONE_IA"}]}]})
        advance(h, "32d")
        wait_until(lambda: all(o["StorageClass"] == "ONEZONE_IA" for o in s3.list_objects_v2(Bucket=b)["Contents"]))
        for key, body in data.items():
            assert s3.get_object(Bucket=b, Key=key)["Body"].read() == body

        def narrow():
            advance(h, "2m")
            return sum(map(len, shards(h).values())) == 4 + 3
        wait_until(narrow, what="one file for each blob")
        for key, body in data.items():
            assert s3.get_object(Bucket=b, Key=key)["Body"].read() == body
        assert s3.get_object(Bucket=b, Key="large", Range="bytes=300000-300009")["Body"].read() == \
            data["large"][300000:300010]
        for zone in "abc":
            shutil.rmtree(os.path.join(h.data, "blobs", "us-east-1", "zone-" + zone))
            if zone == "a":
                assert s3.get_object(Bucket=b + "-copies", Key="copy")["Body"].read() == b"s" * 200_000
        # What was lost with its zone is said before any byte of it.
        try:
            s3.get_object(Bucket=b, Key="large")
            raise AssertionError("read what is lost")
        except ClientError as e:
            assert e.response["Error"]["Code"] == "InternalError" and "zones" in e.response["Error"]["Message"]
        assert s3.head_object(Bucket=b, Key="large")["StorageClass"] == "ONEZONE_IA"


def test_intelligent_tiering_moves_what_nobody_reads():
    with Haneul() as h:
        s3, b = h.client("s3"), "tiering"
        s3.create_bucket(Bucket=b)
        body = os.urandom(200_000)
        for key in ("in/cold", "in/read", "out/cold"):
            s3.put_object(Bucket=b, Key=key, Body=body, StorageClass="INTELLIGENT_TIERING")
        s3.put_object(Bucket=b, Key="in/small", Body=b"x", StorageClass="INTELLIGENT_TIERING")
        s3.put_bucket_intelligent_tiering_configuration(Bucket=b, Id="t", IntelligentTieringConfiguration={
            "Id": "t", "Status": "Enabled", "Filter": {"Prefix": "in/"},
            "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}, {"Days": 180, "AccessTier": "DEEP_ARCHIVE_ACCESS"}]})

        def status(key):
            return s3.head_object(Bucket=b, Key=key).get("ArchiveStatus")
        advance(h, "60d")
        assert s3.get_object(Bucket=b, Key="in/read")["Body"].read() == body
        advance(h, "32d")
        wait_until(lambda: status("in/cold") == "ARCHIVE_ACCESS", what="the archive tier")
        assert status("in/read") is None and status("out/cold") is None and status("in/small") is None
        assert s3.head_object(Bucket=b, Key="in/cold")["StorageClass"] == "INTELLIGENT_TIERING"
        for key in ("in/read", "out/cold", "in/small"):
            s3.get_object(Bucket=b, Key=key)["Body"].read()
        try:
            s3.get_object(Bucket=b, Key="in/cold")
            raise AssertionError("read what is archived")
        except ClientError as e:
            error = e.response["Error"]
            assert error["Code"] == "InvalidObjectState" and error["AccessTier"] == "ARCHIVE_ACCESS"
        assert error_code(s3.copy_object, Bucket=b, Key="copy", CopySource=f"{b}/in/cold") == "ObjectNotInActiveTierError"
        assert error_code(s3.restore_object, Bucket=b, Key="in/cold", RestoreRequest={"Days": 1}) == "MalformedXML"
        s3.restore_object(Bucket=b, Key="in/cold", RestoreRequest={"GlacierJobParameters": {"Tier": "Standard"}})
        assert s3.head_object(Bucket=b, Key="in/cold")["Restore"] == 'ongoing-request="true"'
        advance(h, "5h")
        wait_until(lambda: status("in/cold") is None, what="the restore")
        assert s3.get_object(Bucket=b, Key="in/cold")["Body"].read() == body
        assert "Restore" not in s3.head_object(Bucket=b, Key="in/cold")
        advance(h, "100d")
        wait_until(lambda: status("in/cold") == "ARCHIVE_ACCESS", what="the archive tier again")
