"""Replication to another bucket, executed."""
from haneul import error_code, wait_until

ROLE = "arn:aws:iam::000000000000:role/replication"


def pair(h, name):
    s3 = h.client("s3")
    for b in (name, name + "-copy"):
        s3.create_bucket(Bucket=b)
        s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    return s3, name, name + "-copy"


def rule(copy, **kw):
    return dict({"ID": "r", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
                 "DeleteMarkerReplication": {"Status": "Enabled"},
                 "Destination": {"Bucket": f"arn:aws:s3:::{copy}"}}, **kw)


def put(s3, b, *rules):
    s3.put_bucket_replication(Bucket=b, ReplicationConfiguration={"Role": ROLE, "Rules": list(rules)})


def status(s3, b, k):
    return s3.head_object(Bucket=b, Key=k).get("ReplicationStatus")


def test_versions_of_every_size_are_copied(h):
    s3, b, copy = pair(h, "repl-sizes")
    s3.put_object(Bucket=b, Key="before", Body=b"x")
    put(s3, b, rule(copy))
    for n in (0, 100, 8000, 300_000):
        s3.put_object(Bucket=b, Key=f"k{n}", Body=bytes([7]) * n, Metadata={"a": "b"}, Tagging="t=1")
    up = s3.create_multipart_upload(Bucket=b, Key="multi")["UploadId"]
    etags = [s3.upload_part(Bucket=b, Key="multi", UploadId=up, PartNumber=i, Body=bytes([i]) * (5 << 20))["ETag"]
             for i in (1, 2)]
    s3.complete_multipart_upload(Bucket=b, Key="multi", UploadId=up, MultipartUpload={
        "Parts": [{"PartNumber": i + 1, "ETag": e} for i, e in enumerate(etags)]})
    for k in ("k0", "k100", "k8000", "k300000", "multi"):
        wait_until(lambda: status(s3, b, k) == "COMPLETED")
        a, c = s3.get_object(Bucket=b, Key=k), s3.get_object(Bucket=copy, Key=k)
        assert c["ReplicationStatus"] == "REPLICA"
        assert (a["VersionId"], a["ETag"], a["Metadata"]) == (c["VersionId"], c["ETag"], c["Metadata"])
        assert a["Body"].read() == c["Body"].read()
        s3.delete_object(Bucket=b, Key=k, VersionId=a["VersionId"])
        assert len(s3.get_object(Bucket=copy, Key=k)["Body"].read()) == a["ContentLength"]
    assert error_code(s3.head_object, Bucket=copy, Key="before") == "404"
    assert status(s3, b, "before") is None


def test_filters_markers_and_failures(h):
    s3, b, copy = pair(h, "repl-filter")
    put(s3, b, rule(copy, Filter={"Prefix": "in/"}, Destination={
        "Bucket": f"arn:aws:s3:::{copy}", "StorageClass": "STANDARD_IA"}))
    s3.put_object(Bucket=b, Key="in/a", Body=b"x")
    s3.put_object(Bucket=b, Key="out", Body=b"x")
    wait_until(lambda: status(s3, b, "in/a") == "COMPLETED")
    assert status(s3, b, "out") is None
    assert s3.head_object(Bucket=copy, Key="in/a")["StorageClass"] == "STANDARD_IA"
    s3.delete_object(Bucket=b, Key="in/a")
    wait_until(lambda: error_code(s3.head_object, Bucket=copy, Key="in/a") == "404")
    s3.put_bucket_versioning(Bucket=copy, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=b, Key="in/b", Body=b"x")
    wait_until(lambda: status(s3, b, "in/b") == "FAILED")


def test_configuration(h):
    s3, b, copy = pair(h, "repl-conf")
    assert error_code(s3.get_bucket_replication, Bucket=b) == "ReplicationConfigurationNotFoundError"
    assert error_code(put, s3, b, rule("repl-conf-nowhere")) == "InvalidRequest"
    assert error_code(put, s3, b, rule(copy), rule(copy)) == "InvalidArgument"
    put(s3, b, rule(copy))
    assert s3.get_bucket_replication(Bucket=b)["ReplicationConfiguration"]["Rules"][0]["ID"] == "r"
    s3.delete_bucket_replication(Bucket=b)
    assert error_code(s3.get_bucket_replication, Bucket=b) == "ReplicationConfigurationNotFoundError"
