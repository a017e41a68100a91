"""Inventory reports: written at midnight of the virtual clock, into the bucket that lets S3 do so."""
import csv
import gzip
import hashlib
import io
import json

from haneul import error_code, wait_until

FIELDS = ["Size", "LastModifiedDate", "StorageClass", "ETag", "IsMultipartUploaded", "ReplicationStatus",
          "EncryptionStatus", "ObjectLockRetainUntilDate", "ObjectLockMode", "ObjectLockLegalHoldStatus",
          "IntelligentTieringAccessTier", "BucketKeyStatus", "ChecksumAlgorithm", "ObjectAccessControlList",
          "ObjectOwner", "LifecycleExpirationDate"]


def inventory(to, **more):
    return {"Id": "daily", "IsEnabled": True, "IncludedObjectVersions": "Current", "OptionalFields": FIELDS,
            "Schedule": {"Frequency": "Daily"},
            "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{to}", "Format": "CSV", "Prefix": "p",
                                                    "Encryption": {"SSES3": {}}}}, **more}


def destination(h, name, source):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "s3:PutObject",
         "Resource": f"arn:aws:s3:::{name}/*",
         "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
                       "StringEquals": {"aws:SourceAccount": "000000000000",
                                        "s3:x-amz-acl": "bucket-owner-full-control"}}}]}))


def manifest(s3, bucket, below):
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=below).get("Contents", [])]
    found = sorted(k for k in keys if k.endswith("/manifest.json"))
    return (found[-1], keys) if found else None


def rows_of(s3, bucket, key):
    m = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    names = m["fileSchema"].split(", ")
    rows = []
    for f in m["files"]:
        data = s3.get_object(Bucket=bucket, Key=f["key"])["Body"].read()
        assert len(data) == f["size"] and hashlib.md5(data).hexdigest() == f["MD5checksum"]
        rows += [dict(zip(names, r)) for r in csv.reader(io.StringIO(gzip.decompress(data).decode()))]
    return m, rows


def test_a_daily_report(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="inv-from")
    destination(h, "inv-to", "inv-from")
    for i in range(1500):
        s3.put_object(Bucket="inv-from", Key=f"k/{i:04}", Body=b"x" * i)
    s3.put_object(Bucket="inv-from", Key="other key,\"", Body=b"x", ServerSideEncryption="aws:kms",
                  StorageClass="GLACIER_IR")
    s3.put_bucket_inventory_configuration(Bucket="inv-from", Id="daily", InventoryConfiguration=inventory("inv-to"))
    h.command("clock", "advance", "24h")
    key, keys = wait_until(lambda: manifest(s3, "inv-to", "p/inv-from/daily/"), what="the manifest")
    m, rows = rows_of(s3, "inv-to", key)
    assert m["sourceBucket"] == "inv-from" and m["destinationBucket"] == "arn:aws:s3:::inv-to"
    assert m["fileFormat"] == "CSV" and m["version"] == "2016-11-30" and len(m["files"]) == 2
    sum_ = s3.get_object(Bucket="inv-to", Key=key.replace(".json", ".checksum"))["Body"].read().decode()
    assert sum_ == hashlib.md5(s3.get_object(Bucket="inv-to", Key=key)["Body"].read()).hexdigest()
    assert [k for k in keys if k.endswith("symlink.txt")]
    assert len(rows) == 1501
    row = next(r for r in rows if r["Key"] == "k/0077")
    head = s3.head_object(Bucket="inv-from", Key="k/0077")
    assert row["Size"] == "77" and row["ETag"] == head["ETag"].strip('"') and row["StorageClass"] == "STANDARD"
    assert row["EncryptionStatus"] == "SSE-S3" and row["ChecksumAlgorithm"] == "CRC32"
    assert row["IsMultipartUploaded"] == "false"
    row = next(r for r in rows if r["Key"].startswith("other"))
    assert row["Key"] == "other%20key%2C%22" and row["EncryptionStatus"] == "SSE-KMS"
    assert row["BucketKeyStatus"] == "DISABLED" and row["StorageClass"] == "GLACIER_IR"


def test_all_versions_below_a_prefix_weekly(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="inv-versions")
    destination(h, "inv-versions-to", "inv-versions")
    s3.put_bucket_versioning(Bucket="inv-versions", VersioningConfiguration={"Status": "Enabled"})
    for key in ("a/1", "a/1", "a/2", "b/1"):
        s3.put_object(Bucket="inv-versions", Key=key, Body=b"x")
    s3.delete_object(Bucket="inv-versions", Key="a/2")
    config = inventory("inv-versions-to", IncludedObjectVersions="All", OptionalFields=["Size"],
                       Filter={"Prefix": "a/"}, Schedule={"Frequency": "Weekly"})
    s3.put_bucket_inventory_configuration(Bucket="inv-versions", Id="daily", InventoryConfiguration=config)
    h.command("clock", "advance", "7d")
    key, _ = wait_until(lambda: manifest(s3, "inv-versions-to", "p/"), what="the manifest")
    _, rows = rows_of(s3, "inv-versions-to", key)
    assert sorted((r["Key"], r["IsLatest"], r["IsDeleteMarker"]) for r in rows) == [
        ("a/1", "false", "false"), ("a/1", "true", "false"), ("a/2", "false", "false"), ("a/2", "true", "true")]
    assert all(r["VersionId"] for r in rows)


def test_nothing_where_the_policy_does_not_let_it(h):
    s3 = h.client("s3")
    for name in ("inv-closed", "inv-closed-to"):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket="inv-closed", Key="k", Body=b"x")
    s3.put_bucket_inventory_configuration(Bucket="inv-closed", Id="daily",
                                          InventoryConfiguration=inventory("inv-closed-to"))
    destination(h, "inv-closed-other", "inv-closed")
    s3.put_bucket_inventory_configuration(Bucket="inv-closed", Id="second", InventoryConfiguration={
        **inventory("inv-closed-other"), "Id": "second"})
    h.command("clock", "advance", "24h")
    wait_until(lambda: manifest(s3, "inv-closed-other", "p/"), what="the other manifest")
    assert s3.list_objects_v2(Bucket="inv-closed-to")["KeyCount"] == 0


def test_what_is_refused(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="inv-refused")
    config = inventory("inv-refused")
    config["Destination"]["S3BucketDestination"]["Format"] = "Parquet"
    assert error_code(s3.put_bucket_inventory_configuration, Bucket="inv-refused", Id="daily",
                      InventoryConfiguration=config) == "NotImplemented"
    config["Destination"]["S3BucketDestination"].update(Format="CSV", Encryption={"SSEKMS": {"KeyId": "x"}})
    assert error_code(s3.put_bucket_inventory_configuration, Bucket="inv-refused", Id="daily",
                      InventoryConfiguration=config) == "NotImplemented"
