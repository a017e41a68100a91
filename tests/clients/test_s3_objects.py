"""Buckets, objects, listings, versions, multipart uploads and copies through boto3 and the aws CLI."""
import base64
import hashlib
import io
import os
import tempfile

from haneul import error_code, wait_until

MIB = 1 << 20


def s3_of(h):
    return h.client("s3", s3={"addressing_style": "path"})


def fresh(h, name, **kwargs):
    s3 = s3_of(h)
    s3.create_bucket(Bucket=name, **kwargs)
    return s3


def test_s3_buckets(h):
    s3 = s3_of(h)
    s3.create_bucket(Bucket="alpha-one")
    assert s3.create_bucket(Bucket="alpha-eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket="alpha-one")["LocationConstraint"] is None
    assert s3.get_bucket_location(Bucket="alpha-eu")["LocationConstraint"] == "eu-west-1"
    assert s3.head_bucket(Bucket="alpha-eu")["BucketRegion"] == "eu-west-1"
    assert error_code(s3.head_bucket, Bucket="alpha-none") == "404"
    assert error_code(s3.create_bucket, Bucket="Bad_Name") == "InvalidBucketName"
    other = h.client("s3", key="444455556666", s3={"addressing_style": "path"})
    assert error_code(other.create_bucket, Bucket="alpha-one") == "BucketAlreadyExists"
    assert error_code(other.head_bucket, Bucket="alpha-one") == "403"
    page = s3.list_buckets(Prefix="alpha-", MaxBuckets=1)
    assert [b["Name"] for b in page["Buckets"]] == ["alpha-eu"]
    page = s3.list_buckets(Prefix="alpha-", ContinuationToken=page["ContinuationToken"])
    assert [b["Name"] for b in page["Buckets"]] == ["alpha-one"]
    s3.put_object(Bucket="alpha-one", Key="k", Body=b"x")
    assert error_code(s3.delete_bucket, Bucket="alpha-one") == "BucketNotEmpty"
    s3.delete_object(Bucket="alpha-one", Key="k")
    s3.delete_bucket(Bucket="alpha-one")
    assert error_code(s3.delete_bucket, Bucket="alpha-one") == "NoSuchBucket"


def test_s3_put_and_get(h):
    s3 = fresh(h, "beta")
    for size in (0, 1, 1536, 1537, 16384, 16385, 3 * MIB + 7):
        body = os.urandom(size)
        put = s3.put_object(Bucket="beta", Key=f"k/{size}", Body=body)
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        got = s3.get_object(Bucket="beta", Key=f"k/{size}", ChecksumMode="ENABLED")
        assert got["Body"].read() == body and got["ContentLength"] == size
        assert got["ContentType"] == "binary/octet-stream" and got["ChecksumType"] == "FULL_OBJECT"
        if size > 100:
            got = s3.get_object(Bucket="beta", Key=f"k/{size}", Range="bytes=10-19")
            assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
            assert got["Body"].read() == body[10:20] and got["ContentRange"] == f"bytes 10-19/{size}"
            assert s3.get_object(Bucket="beta", Key=f"k/{size}", Range="bytes=-5")["Body"].read() == body[-5:]
    assert error_code(s3.get_object, Bucket="beta", Key="k/1", Range="bytes=5-9") == "InvalidRange"
    assert error_code(s3.get_object, Bucket="beta", Key="none") == "NoSuchKey"
    assert error_code(s3.head_object, Bucket="beta", Key="none") == "404"


def test_s3_metadata_and_overrides(h):
    s3 = fresh(h, "gamma")
    s3.put_object(Bucket="gamma", Key="a b+c/ü", Body=b"x", ContentType="text/plain", CacheControl="no-cache",
                  ContentDisposition="inline", ContentEncoding="gzip", ContentLanguage="ko", Metadata={"One": "1"},
                  WebsiteRedirectLocation="/there", Tagging="a=1&b=2", StorageClass="STANDARD_IA")
    got = s3.head_object(Bucket="gamma", Key="a b+c/ü")
    assert got["ContentType"] == "text/plain" and got["CacheControl"] == "no-cache"
    assert got["ContentEncoding"] == "gzip" and got["Metadata"] == {"one": "1"}
    assert got["WebsiteRedirectLocation"] == "/there" and got["StorageClass"] == "STANDARD_IA"
    got = s3.get_object(Bucket="gamma", Key="a b+c/ü", ResponseContentType="text/html")
    assert got["ContentType"] == "text/html" and got["TagCount"] == 2
    tags = s3.get_object_tagging(Bucket="gamma", Key="a b+c/ü")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    s3.put_object_tagging(Bucket="gamma", Key="a b+c/ü", Tagging={"TagSet": [{"Key": "z", "Value": "9"}]})
    assert s3.get_object_tagging(Bucket="gamma", Key="a b+c/ü")["TagSet"][0]["Key"] == "z"
    s3.delete_object_tagging(Bucket="gamma", Key="a b+c/ü")
    assert s3.get_object_tagging(Bucket="gamma", Key="a b+c/ü")["TagSet"] == []
    many = [{"Key": str(i), "Value": ""} for i in range(11)]
    assert error_code(s3.put_object_tagging, Bucket="gamma", Key="a b+c/ü", Tagging={"TagSet": many}) == "BadRequest"
    assert error_code(s3.put_object, Bucket="gamma", Key="m", Metadata={"a": "x" * 2048}) == "MetadataTooLarge"
    assert error_code(s3.put_object, Bucket="gamma", Key="k" * 1025) == "KeyTooLongError"
    assert error_code(s3.put_object, Bucket="gamma", Key="k", StorageClass="GOLD") == "InvalidStorageClass"
    told = s3.put_object(Bucket="gamma", Key="k", ServerSideEncryption="AES256")
    assert told["ServerSideEncryption"] == "AES256"


def test_s3_conditions(h):
    s3 = fresh(h, "delta")
    etag = s3.put_object(Bucket="delta", Key="k", Body=b"1")["ETag"]
    get = dict(Bucket="delta", Key="k")
    assert error_code(s3.get_object, IfNoneMatch=etag, **get) == "304"
    assert error_code(s3.get_object, IfMatch='"other"', **get) == "PreconditionFailed"
    assert error_code(s3.head_object, IfMatch='"other"', **get) == "412"
    modified = s3.head_object(**get)["LastModified"]
    assert error_code(s3.get_object, IfModifiedSince=modified, **get) == "304"
    s3.get_object(IfUnmodifiedSince=modified, **get)
    assert error_code(s3.put_object, IfNoneMatch="*", Body=b"2", **get) == "PreconditionFailed"
    assert error_code(s3.put_object, IfMatch='"other"', Body=b"2", **get) == "PreconditionFailed"
    assert error_code(s3.put_object, Bucket="delta", Key="new", IfMatch=etag) == "NoSuchKey"
    s3.put_object(IfMatch=etag, Body=b"2", **get)
    assert error_code(s3.delete_object, IfMatch=etag, **get) == "PreconditionFailed"
    s3.delete_object(IfMatch="*", **get)


def test_s3_listings(h):
    s3 = fresh(h, "epsilon")
    keys = ["a", "b/1", "b/2", "b/c/3", "c d", "e/", "é", "한글", "z"]
    for key in keys:
        s3.put_object(Bucket="epsilon", Key=key, Body=b"x")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="epsilon")["Contents"]] == sorted(keys, key=str.encode)
    page = s3.list_objects_v2(Bucket="epsilon", Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["b/", "e/"] and page["KeyCount"] == 7
    page = s3.list_objects_v2(Bucket="epsilon", Prefix="b/", Delimiter="/", FetchOwner=True)
    assert [o["Key"] for o in page["Contents"]] == ["b/1", "b/2"] and page["Contents"][0]["Owner"]["ID"]
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["b/c/"]
    got = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="epsilon", Delimiter="/",
                                                             PaginationConfig={"PageSize": 1}):
        got += [o["Key"] for o in page.get("Contents", [])] + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
    assert got == ["a", "b/", "c d", "e/", "z", "é", "한글"]
    got = []
    for page in s3.get_paginator("list_objects").paginate(Bucket="epsilon", PaginationConfig={"PageSize": 2}):
        got += [o["Key"] for o in page["Contents"]]
    assert got == sorted(keys, key=str.encode)
    assert s3.list_objects_v2(Bucket="epsilon", StartAfter="e/")["KeyCount"] == 3
    assert s3.list_objects_v2(Bucket="epsilon", MaxKeys=0)["KeyCount"] == 0
    assert error_code(s3.list_objects_v2, Bucket="epsilon", ContinuationToken="no") == "InvalidArgument"


def test_s3_versions(h):
    s3 = fresh(h, "zeta")
    assert "Status" not in s3.get_bucket_versioning(Bucket="zeta")
    s3.put_object(Bucket="zeta", Key="k", Body=b"null")
    s3.put_bucket_versioning(Bucket="zeta", VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket="zeta", Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket="zeta", Key="k", Body=b"two")["VersionId"]
    assert len(one) == 32 and one != two
    marker = s3.delete_object(Bucket="zeta", Key="k")
    assert marker["DeleteMarker"] and marker["VersionId"]
    assert error_code(s3.get_object, Bucket="zeta", Key="k") == "NoSuchKey"
    assert error_code(s3.get_object, Bucket="zeta", Key="k", VersionId=marker["VersionId"]) == "MethodNotAllowed"
    assert s3.get_object(Bucket="zeta", Key="k", VersionId=one)["Body"].read() == b"one"
    assert s3.get_object(Bucket="zeta", Key="k", VersionId="null")["Body"].read() == b"null"
    assert error_code(s3.get_object, Bucket="zeta", Key="k", VersionId="A" * 32) == "NoSuchVersion"
    assert error_code(s3.get_object, Bucket="zeta", Key="k", VersionId="no") == "InvalidArgument"
    listed = s3.list_object_versions(Bucket="zeta")
    assert [v["VersionId"] for v in listed["Versions"]] == [two, one, "null"]
    assert listed["DeleteMarkers"][0]["IsLatest"] and not any(v["IsLatest"] for v in listed["Versions"])
    got = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="zeta", PaginationConfig={"PageSize": 1}):
        got += [v["VersionId"] for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    assert got == [marker["VersionId"], two, one, "null"]
    assert s3.delete_object(Bucket="zeta", Key="k", VersionId=marker["VersionId"])["DeleteMarker"]
    assert s3.get_object(Bucket="zeta", Key="k")["VersionId"] == two
    s3.put_bucket_versioning(Bucket="zeta", VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket="zeta", Key="k", Body=b"null again")
    listed = s3.list_object_versions(Bucket="zeta")
    assert [v["VersionId"] for v in listed["Versions"]] == ["null", two, one]
    assert error_code(s3.delete_bucket, Bucket="zeta") == "BucketNotEmpty"
    objects = [{"Key": "k", "VersionId": v} for v in ("null", two, one)]
    assert len(s3.delete_objects(Bucket="zeta", Delete={"Objects": objects})["Deleted"]) == 3
    s3.delete_bucket(Bucket="zeta")


def test_s3_bulk_delete(h):
    s3 = fresh(h, "eta")
    for i in range(20):
        s3.put_object(Bucket="eta", Key=f"k{i}", Body=b"x")
    gone = s3.delete_objects(Bucket="eta", Delete={"Objects": [{"Key": f"k{i}"} for i in range(10)]})
    assert len(gone["Deleted"]) == 10
    gone = s3.delete_objects(Bucket="eta", Delete={"Quiet": True, "Objects": [{"Key": f"k{i}"} for i in range(10, 20)]
                                                   + [{"Key": "k", "VersionId": "bad"}]})
    assert "Deleted" not in gone and gone["Errors"][0]["Code"] == "InvalidArgument"
    assert s3.list_objects_v2(Bucket="eta")["KeyCount"] == 0
    assert error_code(s3.delete_objects, Bucket="eta",
                      Delete={"Objects": [{"Key": str(i)} for i in range(1001)]}) == "MalformedXML"


def upload(s3, bucket, key, parts, **kwargs):
    up = s3.create_multipart_upload(Bucket=bucket, Key=key, **kwargs)["UploadId"]
    done = []
    for number, body in parts:
        r = s3.upload_part(Bucket=bucket, Key=key, UploadId=up, PartNumber=number, Body=body)
        sums = {k: v for k, v in r.items() if k.startswith("Checksum")}
        done.append({"PartNumber": number, "ETag": r["ETag"], **(sums if kwargs.get("ChecksumAlgorithm") else {})})
    return up, done


def test_s3_multipart(h):
    s3 = fresh(h, "theta")
    a, b, c = os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(1000)
    up, done = upload(s3, "theta", "k", [(1, a), (2, b), (5, c)], ContentType="x/y")
    assert [p["PartNumber"] for p in s3.list_parts(Bucket="theta", Key="k", UploadId=up, MaxParts=2)["Parts"]] == [1, 2]
    assert s3.list_multipart_uploads(Bucket="theta")["Uploads"][0]["UploadId"] == up
    args = dict(Bucket="theta", Key="k", UploadId=up)
    assert error_code(s3.complete_multipart_upload, MultipartUpload={"Parts": done[::-1]}, **args) == "InvalidPartOrder"
    bad = [dict(done[0], ETag='"' + "0" * 32 + '"')]
    assert error_code(s3.complete_multipart_upload, MultipartUpload={"Parts": bad}, **args) == "InvalidPart"
    r = s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **args)
    md5s = b"".join(hashlib.md5(x).digest() for x in (a, b, c))
    assert r["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'
    assert s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **args)["ETag"] == r["ETag"]
    got = s3.get_object(Bucket="theta", Key="k")
    assert got["Body"].read() == a + b + c and got["ContentType"] == "x/y"
    got = s3.get_object(Bucket="theta", Key="k", PartNumber=2)
    assert got["Body"].read() == b and got["PartsCount"] == 3
    part = s3.get_object(Bucket="theta", Key="k", Range=f"bytes={5 * MIB - 3}-{10 * MIB + 9}")["Body"].read()
    assert part == (a + b + c)[5 * MIB - 3:10 * MIB + 10]
    assert error_code(s3.get_object, Bucket="theta", Key="k", PartNumber=9) == "InvalidPartNumber"
    up, done = upload(s3, "theta", "small", [(1, b"x"), (2, b"y")])
    assert error_code(s3.complete_multipart_upload, Bucket="theta", Key="small", UploadId=up,
                      MultipartUpload={"Parts": done}) == "EntityTooSmall"
    s3.abort_multipart_upload(Bucket="theta", Key="small", UploadId=up)
    assert error_code(s3.list_parts, Bucket="theta", Key="small", UploadId=up) == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="theta")


def test_s3_multipart_checksums(h):
    s3 = fresh(h, "iota")
    a, b = os.urandom(5 * MIB), os.urandom(77)
    whole = s3.put_object(Bucket="iota", Key="whole", Body=a + b, ChecksumAlgorithm="CRC32")
    for algorithm, kind in (("SHA256", "COMPOSITE"), ("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT")):
        up = s3.create_multipart_upload(Bucket="iota", Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)["UploadId"]
        done = []
        for number, body in ((1, a), (2, b)):
            r = s3.upload_part(Bucket="iota", Key="k", UploadId=up, PartNumber=number, Body=body,
                               ChecksumAlgorithm=algorithm)
            done.append({"PartNumber": number, "ETag": r["ETag"], f"Checksum{algorithm}": r[f"Checksum{algorithm}"]})
        r = s3.complete_multipart_upload(Bucket="iota", Key="k", UploadId=up, MultipartUpload={"Parts": done})
        assert r["ChecksumType"] == kind
        assert r[f"Checksum{algorithm}"].endswith("-2") == (kind == "COMPOSITE")
        if kind == "FULL_OBJECT":
            assert r["ChecksumCRC32"] == whole["ChecksumCRC32"]
        attributes = s3.get_object_attributes(Bucket="iota", Key="k",
                                              ObjectAttributes=["ETag", "Checksum", "ObjectParts", "ObjectSize"])
        assert attributes["ObjectParts"]["TotalPartsCount"] == 2 and attributes["ObjectSize"] == 5 * MIB + 77
        assert attributes["Checksum"]["ChecksumType"] == kind


def test_s3_copies(h):
    s3 = fresh(h, "kappa")
    s3.create_bucket(Bucket="kappa-eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for size in (5, 5000, 2 * MIB):
        body = os.urandom(size)
        s3.put_object(Bucket="kappa", Key="src +é", Body=body, Metadata={"m": "1"}, Tagging="t=1")
        for bucket in ("kappa", "kappa-eu"):
            r = s3.copy_object(Bucket=bucket, Key="dst", CopySource={"Bucket": "kappa", "Key": "src +é"})
            assert r["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
            got = s3.get_object(Bucket=bucket, Key="dst")
            assert got["Body"].read() == body and got["Metadata"] == {"m": "1"} and got["TagCount"] == 1
        s3.delete_object(Bucket="kappa", Key="src +é")
        assert s3.get_object(Bucket="kappa", Key="dst")["Body"].read() == body
    source = {"Bucket": "kappa", "Key": "dst"}
    assert error_code(s3.copy_object, Bucket="kappa", Key="dst", CopySource=source) == "InvalidRequest"
    s3.copy_object(Bucket="kappa", Key="dst", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"},
                   ContentType="a/b", ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket="kappa", Key="dst", ChecksumMode="ENABLED")
    assert got["Metadata"] == {"n": "2"} and got["ContentType"] == "a/b" and got["Body"].read() == body
    assert got["ChecksumSHA256"]
    assert error_code(s3.copy_object, Bucket="kappa", Key="x", CopySource=source,
                      CopySourceIfMatch='"no"') == "PreconditionFailed"
    up = s3.create_multipart_upload(Bucket="kappa", Key="m")["UploadId"]
    r = s3.upload_part_copy(Bucket="kappa", Key="m", UploadId=up, PartNumber=1, CopySource=source,
                            CopySourceRange="bytes=10-1000009")
    s3.complete_multipart_upload(Bucket="kappa", Key="m", UploadId=up, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": r["CopyPartResult"]["ETag"]}]})
    assert s3.get_object(Bucket="kappa", Key="m")["Body"].read() == body[10:1000010]
    s3.copy_object(Bucket="kappa", Key="m2", CopySource={"Bucket": "kappa", "Key": "m"})
    got = s3.get_object(Bucket="kappa", Key="m2")
    assert got["Body"].read() == body[10:1000010]
    assert got["ETag"] == f'"{hashlib.md5(body[10:1000010]).hexdigest()}"'


def test_s3_sums_of_configuration_bodies(h):
    s3 = fresh(h, "nu-sums")
    tagging = {"TagSet": [{"Key": "k", "Value": "v"}]}
    s3.put_bucket_tagging(Bucket="nu-sums", Tagging=tagging)
    wrong = base64.b64encode(b"0" * 16).decode()
    assert error_code(s3.put_bucket_tagging, Bucket="nu-sums", Tagging=tagging, ContentMD5=wrong) == "BadDigest"
    assert error_code(s3.put_bucket_tagging, Bucket="nu-sums", Tagging=tagging, ContentMD5="x") == "InvalidDigest"
    assert s3.get_bucket_tagging(Bucket="nu-sums")["TagSet"] == tagging["TagSet"]
    s3.delete_bucket_tagging(Bucket="nu-sums")
    assert error_code(s3.get_bucket_tagging, Bucket="nu-sums") == "NoSuchTagSet"


def test_s3_cli(h):
    h.cli("s3", "mb", "s3://lambda-cli")
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(f"{d}/in/sub")
        for name, size in (("a.txt", 10), ("sub/b.bin", 20 * MIB), ("sub/empty", 0)):
            with open(f"{d}/in/{name}", "wb") as f:
                f.write(os.urandom(size))
        h.cli("s3", "sync", f"{d}/in", "s3://lambda-cli/x")
        h.cli("s3", "sync", "s3://lambda-cli/x", f"{d}/out")
        for name in ("a.txt", "sub/b.bin", "sub/empty"):
            with open(f"{d}/in/{name}", "rb") as i, open(f"{d}/out/{name}", "rb") as o:
                assert i.read() == o.read()
        assert "sub/b.bin" in h.cli("s3", "ls", "--recursive", "s3://lambda-cli").stdout
    h.cli("s3", "rb", "--force", "s3://lambda-cli")


def test_s3_everything_survives_a_restart(h):
    s3 = fresh(h, "mu-one")
    body = os.urandom(300000)
    s3.put_object(Bucket="mu-one", Key="big", Body=body)
    s3.upload_fileobj(io.BytesIO(body * 60), "mu-one", "multi")
    h.kill()
    h.start()
    s3 = s3_of(h)
    assert s3.get_object(Bucket="mu-one", Key="big")["Body"].read() == body
    assert s3.get_object(Bucket="mu-one", Key="multi")["Body"].read() == body * 60


def blobs_on_disk(h):
    return {name for _, _, names in os.walk(f"{h.data}/blobs") for name in names}


def test_s3_deleted_bodies_leave_the_disk(h):
    s3 = fresh(h, "xi-gone")
    before = blobs_on_disk(h)
    s3.put_object(Bucket="xi-gone", Key="k", Body=os.urandom(MIB))
    s3.copy_object(Bucket="xi-gone", Key="copy", CopySource="xi-gone/k")
    up, done = upload(s3, "xi-gone", "m", [(1, os.urandom(5 * MIB)), (2, b"tail")])
    s3.complete_multipart_upload(Bucket="xi-gone", Key="m", UploadId=up, MultipartUpload={"Parts": done})
    upload(s3, "xi-gone", "unfinished", [(1, os.urandom(MIB))])
    made = blobs_on_disk(h) - before
    assert made
    s3.delete_objects(Bucket="xi-gone", Delete={"Objects": [{"Key": k} for k in ("k", "copy", "m")]})
    s3.delete_bucket(Bucket="xi-gone")

    def gone():
        h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 120000}')
        return not made & blobs_on_disk(h)
    wait_until(gone, what="the removal of the bucket's blobs")
