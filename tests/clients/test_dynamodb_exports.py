"""Exports into S3 and imports from it: what the files hold, manifests, windows of changes, formats, failures."""
import ctypes
import gzip
import json
import os
import random

from haneul import Haneul, error_code, wait_until


def advance(h, seconds):
    assert h.get("/_haneul/clock", method="POST", data=json.dumps({"advance_ms": int(seconds * 1000)}).encode())[0] == 200


def now(h):
    return json.loads(h.get("/_haneul/clock")[2])["now_ms"] / 1000


def make(c, name):
    c.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
        AttributeDefinitions=[dict(AttributeName="h", AttributeType="S")])
    c.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=True))
    return c.describe_table(TableName=name)["Table"]["TableArn"]


def put_all(c, name, items):
    for at in range(0, len(items), 25):
        c.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": i}} for i in items[at:at + 25]]})


def finished(c, arn):
    wait_until(lambda: c.describe_export(ExportArn=arn)["ExportDescription"]["ExportStatus"] != "IN_PROGRESS", 60)
    return c.describe_export(ExportArn=arn)["ExportDescription"]


def data_of(s3, d):
    """The summary and all lines of an export."""
    read = lambda key: s3.get_object(Bucket=d["S3Bucket"], Key=key)["Body"].read()  # noqa: E731
    summary = json.loads(read(d["ExportManifest"]))
    assert summary["exportArn"] == d["ExportArn"] and summary["itemCount"] == d["ItemCount"]
    lines = []
    for line in read(summary["manifestFilesS3Key"]).splitlines():
        entry = json.loads(line)
        part = gzip.decompress(read(entry["dataFileS3Key"])).splitlines()
        assert len(part) == entry["itemCount"]
        lines += [json.loads(i) for i in part]
    return summary, lines


def test_a_full_export_is_the_table_at_a_moment():
    with Haneul() as h:
        c, s3 = h.client("dynamodb"), h.client("s3")
        s3.create_bucket(Bucket="exports")
        arn = make(c, "full")
        rng = random.Random(5)
        items = {f"k{i}": {"h": {"S": f"k{i}"}, "n": {"N": str(i)}, "pad": {"S": "%030x" % rng.getrandbits(3000)}} for i in range(6000)}
        put_all(c, "full", list(items.values()))
        advance(h, 5)
        at = now(h)
        advance(h, 5)
        for i in range(50):
            c.put_item(TableName="full", Item={"h": {"S": f"k{i * 3}"}, "new": {"BOOL": True}})
        e = c.export_table_to_point_in_time(TableArn=arn, S3Bucket="exports", S3Prefix="my/place", ExportTime=at,
                                            ClientToken="token-1")["ExportDescription"]
        assert e["ExportStatus"] == "IN_PROGRESS" and e["ExportType"] == "FULL_EXPORT"
        c.put_item(TableName="full", Item={"h": {"S": "late"}})
        d = finished(c, e["ExportArn"])
        assert d["ExportStatus"] == "COMPLETED" and d["ItemCount"] == 6000 and d["S3SseAlgorithm"] == "AES256", d
        summary, lines = data_of(s3, d)
        assert {i["Item"]["h"]["S"]: i["Item"] for i in lines} == items and len(lines) == 6000
        assert summary["outputFormat"] == "DYNAMODB_JSON" and summary["s3Prefix"] == "my/place"
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket="exports", Prefix="my/place/AWSDynamoDB/")["Contents"]]
        assert any(k.endswith("/_started") for k in keys) and sum(k.endswith(".json.gz") for k in keys) > 1
        again = c.export_table_to_point_in_time(TableArn=arn, S3Bucket="exports", S3Prefix="my/place", ExportTime=at,
                                                ClientToken="token-1")["ExportDescription"]
        assert again["ExportArn"] == e["ExportArn"]
        assert error_code(c.export_table_to_point_in_time, TableArn=arn, S3Bucket="other", ClientToken="token-1") == (
            "ExportConflictException")
        for i in range(3):
            finished(c, c.export_table_to_point_in_time(TableArn=arn, S3Bucket="exports")["ExportDescription"]["ExportArn"])
        got, more = [], {}
        while True:
            page = c.list_exports(TableArn=arn, MaxResults=2, **more)
            got += page["ExportSummaries"]
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}
        assert len(got) == 4 and {g["ExportStatus"] for g in got} == {"COMPLETED"}


def test_large_files_lie_in_blobs_under_the_buckets_key(h):
    c, s3 = h.client("dynamodb"), h.client("s3")
    key = h.client("kms").create_key()["KeyMetadata"]["Arn"]
    arn = make(c, "blobs")
    rng = random.Random(7)
    items = [{"h": {"S": f"k{i}"}, "pad": {"S": "%060x" % rng.getrandbits(8000)}} for i in range(300)]
    put_all(c, "blobs", items)

    def blobs():
        return {f for zone in os.listdir(f"{h.data}/blobs/us-east-1") for _, _, names in os.walk(f"{h.data}/blobs/us-east-1/{zone}")
                for f in names} if os.path.exists(f"{h.data}/blobs/us-east-1") else set()
    for bucket, sse in (("plain-exports", "AES256"), ("kms-exports", "aws:kms")):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=dict(Rules=[dict(
            ApplyServerSideEncryptionByDefault=dict(SSEAlgorithm=sse, **(dict(KMSMasterKeyID=key) if sse == "aws:kms" else {})))]))
        before = blobs()
        d = finished(c, c.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket)["ExportDescription"]["ExportArn"])
        assert d["ExportStatus"] == "COMPLETED" and d["ItemCount"] == 300
        assert blobs() - before
        _, lines = data_of(s3, d)
        assert sorted(i["Item"]["h"]["S"] for i in lines) == sorted(i["h"]["S"] for i in items)
        data = [o for o in s3.list_objects_v2(Bucket=bucket)["Contents"] if "/data/" in o["Key"]]
        assert s3.head_object(Bucket=bucket, Key=data[0]["Key"])["ServerSideEncryption"] == sse
        part = s3.get_object(Bucket=bucket, Key=data[0]["Key"], Range="bytes=100000-100099")["Body"].read()
        assert part == s3.get_object(Bucket=bucket, Key=data[0]["Key"])["Body"].read()[100000:100100]


def test_an_incremental_export_is_what_changed():
    with Haneul() as h:
        c, s3 = h.client("dynamodb"), h.client("s3")
        s3.create_bucket(Bucket="changes")
        arn = make(c, "inc")
        put_all(c, "inc", [{"h": {"S": f"k{i}"}, "v": {"N": "0"}} for i in range(100)])
        advance(h, 1000)
        start = now(h)
        advance(h, 10)
        c.update_item(TableName="inc", Key={"h": {"S": "k1"}}, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": "1"}})
        c.update_item(TableName="inc", Key={"h": {"S": "k1"}}, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": "2"}})
        c.delete_item(TableName="inc", Key={"h": {"S": "k2"}})
        c.put_item(TableName="inc", Item={"h": {"S": "new"}})
        c.put_item(TableName="inc", Item={"h": {"S": "gone"}})
        c.delete_item(TableName="inc", Key={"h": {"S": "gone"}})
        advance(h, 1000)
        end = now(h)
        advance(h, 10)
        c.put_item(TableName="inc", Item={"h": {"S": "k1"}, "v": {"N": "9"}})
        c.put_item(TableName="inc", Item={"h": {"S": "k3"}, "v": {"N": "9"}})
        window = dict(ExportFromTime=start, ExportToTime=end)
        e = c.export_table_to_point_in_time(TableArn=arn, S3Bucket="changes", ExportType="INCREMENTAL_EXPORT",
                                            IncrementalExportSpecification=window)["ExportDescription"]
        d = finished(c, e["ExportArn"])
        assert d["ExportStatus"] == "COMPLETED", d
        summary, lines = data_of(s3, d)
        assert summary["outputView"] == "NEW_AND_OLD_IMAGES"
        got = {line["Keys"]["h"]["S"]: line for line in lines}
        assert set(got) == {"k1", "k2", "new"}
        assert got["k1"]["OldImage"]["v"] == {"N": "0"} and got["k1"]["NewImage"]["v"] == {"N": "2"}
        assert "NewImage" not in got["k2"] and "OldImage" not in got["new"]
        assert start < int(got["k1"]["Metadata"]["WriteTimestampMicros"]) / 1e6 < end
        e = c.export_table_to_point_in_time(TableArn=arn, S3Bucket="changes", ExportType="INCREMENTAL_EXPORT",
                                            IncrementalExportSpecification=dict(window, ExportViewType="NEW_IMAGE"))
        summary, lines = data_of(s3, finished(c, e["ExportDescription"]["ExportArn"]))
        assert not any("OldImage" in line for line in lines)
        assert error_code(c.export_table_to_point_in_time, TableArn=arn, S3Bucket="changes", ExportType="INCREMENTAL_EXPORT",
                          IncrementalExportSpecification=dict(ExportFromTime=end - 60, ExportToTime=end)) == "ValidationException"


def test_exports_that_are_refused_or_fail(h):
    c = h.client("dynamodb")
    arn = make(c, "refused")
    assert error_code(c.export_table_to_point_in_time, TableArn=arn, S3Bucket="bucket", ExportFormat="ION") == "ValidationException"
    assert error_code(c.export_table_to_point_in_time, TableArn=arn + "x", S3Bucket="bucket") == "TableNotFoundException"
    assert error_code(c.export_table_to_point_in_time, TableArn=arn, S3Bucket="bucket", ExportTime=1) == "InvalidExportTimeException"
    assert error_code(c.describe_export, ExportArn=arn + "/export/01234567890123-00000000") == "ExportNotFoundException"
    d = finished(c, c.export_table_to_point_in_time(TableArn=arn, S3Bucket="no-such-bucket")["ExportDescription"]["ExportArn"])
    assert d["ExportStatus"] == "FAILED" and d["FailureCode"] == "S3NoSuchBucket"
    c.update_continuous_backups(TableName="refused", PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=False))
    assert error_code(c.export_table_to_point_in_time, TableArn=arn, S3Bucket="bucket") == "PointInTimeRecoveryUnavailableException"


def zstd(data):
    lib = ctypes.CDLL("libzstd.so.1")
    lib.ZSTD_compressBound.restype = lib.ZSTD_compress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(lib.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    n = lib.ZSTD_compress(out, ctypes.c_size_t(len(out)), data, ctypes.c_size_t(len(data)), 3)
    return out.raw[:n]


def start_import(c, name, bucket, prefix, key_type="S", index=None, options=None, **more):
    params = dict(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                  AttributeDefinitions=[dict(AttributeName="h", AttributeType=key_type)])
    if index:
        params["AttributeDefinitions"].append(dict(AttributeName=index, AttributeType="S"))
        params["GlobalSecondaryIndexes"] = [dict(IndexName="by-" + index, Projection=dict(ProjectionType="ALL"),
                                                 KeySchema=[dict(AttributeName=index, KeyType="HASH")])]
    if options:
        more["InputFormatOptions"] = options
    return c.import_table(S3BucketSource=dict(S3Bucket=bucket, S3KeyPrefix=prefix), TableCreationParameters=params,
                          **more)["ImportTableDescription"]


def imported(c, d):
    arn = d["ImportArn"]
    wait_until(lambda: c.describe_import(ImportArn=arn)["ImportTableDescription"]["ImportStatus"] != "IN_PROGRESS", 60)
    return c.describe_import(ImportArn=arn)["ImportTableDescription"]


def scan(c, name, **options):
    return [i for page in c.get_paginator("scan").paginate(TableName=name, **options) for i in page["Items"]]


def test_imports_of_json(h):
    c, s3 = h.client("dynamodb"), h.client("s3")
    s3.create_bucket(Bucket="imports")
    items = [{"h": {"S": f"k{i}"}, "g": {"S": f"g{i % 5}"}, "n": {"N": str(i)}, "l": {"L": [{"BOOL": True}]}, "pad": {"S": "y" * (i % 900)}}
             for i in range(4000)]
    lines = [json.dumps({"Item": i}).encode() for i in items]
    for kind, pack in (("NONE", bytes), ("GZIP", gzip.compress), ("ZSTD", zstd)):
        for part in range(3):
            s3.put_object(Bucket="imports", Key=f"{kind}/{part}", Body=pack(b"\n".join(lines[part::3])))
        s3.put_object(Bucket="imports", Key=f"{kind}/bad", Body=pack(b'{"Item":{"h":{"N":"1"}}}\nnonsense\n{"Item":{"n":{"N":"1"}}}\n'))
        d = start_import(c, f"in-{kind}", "imports", f"{kind}/", index="g", InputFormat="DYNAMODB_JSON", InputCompressionType=kind)
        assert d["ImportStatus"] == "IN_PROGRESS"
        d = imported(c, d)
        assert d["ImportStatus"] == "COMPLETED" and d["ErrorCount"] == 3, d
        assert d["ImportedItemCount"] == 4000 and d["ProcessedItemCount"] == 4003
        want = sorted(items, key=lambda i: i["h"]["S"])
        assert sorted(scan(c, f"in-{kind}"), key=lambda i: i["h"]["S"]) == want
        assert sorted(scan(c, f"in-{kind}", IndexName="by-g"), key=lambda i: i["h"]["S"]) == want
    assert error_code(start_import, c, "in-GZIP", "imports", "x", InputFormat="DYNAMODB_JSON") == "ResourceInUseException"
    got, more = [], {}
    while True:
        page = c.list_imports(PageSize=2, **more)
        got += page["ImportSummaryList"]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert len([g for g in got if "/in-" in g["TableArn"]]) == 3
    assert error_code(c.describe_import, ImportArn="arn:aws:dynamodb:us-east-1:000000000000:table/abc/import/1") == (
        "ImportNotFoundException")


def test_imports_of_csv_and_failures(h):
    c, s3 = h.client("dynamodb"), h.client("s3")
    s3.create_bucket(Bucket="csv")
    s3.put_object(Bucket="csv", Key="a/1.csv", Body=b'h,name,note\r\n1,Ann,"says ""hi"", twice"\r\n2,Bob,\r\nx,bad,key\r\n')
    d = imported(c, start_import(c, "csv-one", "csv", "a/", "N", InputFormat="CSV"))
    assert (d["ImportedItemCount"], d["ErrorCount"]) == (2, 1)
    assert sorted(scan(c, "csv-one"), key=str) == [
        {"h": {"N": "1"}, "name": {"S": "Ann"}, "note": {"S": 'says "hi", twice'}},
        {"h": {"N": "2"}, "name": {"S": "Bob"}, "note": {"S": ""}}]
    s3.put_object(Bucket="csv", Key="b/1", Body=b"k1;v1\nk2;v2")
    d = imported(c, start_import(c, "csv-two", "csv", "b/", InputFormat="CSV",
                                 options=dict(Csv=dict(Delimiter=";", HeaderList=["h", "v"]))))
    assert d["ImportedItemCount"] == 2 and {i["v"]["S"] for i in scan(c, "csv-two")} == {"v1", "v2"}
    d = imported(c, start_import(c, "csv-three", "no-such-bucket", "b/", InputFormat="CSV"))
    assert d["ImportStatus"] == "FAILED" and d["FailureCode"] == "S3NoSuchBucket"
    s3.put_object(Bucket="csv", Key="c/1", Body=gzip.compress(b"x" * 5000)[:-9])
    d = imported(c, start_import(c, "csv-four", "csv", "c/", InputFormat="CSV", InputCompressionType="GZIP"))
    assert d["ImportStatus"] == "FAILED" and d["FailureCode"] == "InvalidCompression"
    assert error_code(start_import, c, "csv-five", "csv", "b/", InputFormat="ION") == "ValidationException"


def test_what_was_exported_is_imported_again_even_when_the_plug_is_pulled():
    with Haneul() as h:
        c, s3 = h.client("dynamodb"), h.client("s3")
        s3.create_bucket(Bucket="round")
        arn = make(c, "there")
        items = [{"h": {"S": f"k{i}"}, "pad": {"S": "%0500x" % random.getrandbits(1900)}} for i in range(8000)]
        put_all(c, "there", items)
        e = c.export_table_to_point_in_time(TableArn=arn, S3Bucket="round")["ExportDescription"]
        h.kill()
        h.start()
        c, s3 = h.client("dynamodb"), h.client("s3")
        d = finished(c, e["ExportArn"])
        data_of(s3, d)
        folder = d["ExportManifest"].rsplit("/", 1)[0] + "/data/"
        d = start_import(c, "here", "round", folder, InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP")
        h.kill()
        h.start()
        c = h.client("dynamodb")
        d = imported(c, d)
        assert (d["ImportStatus"], d["ImportedItemCount"], d["ErrorCount"]) == ("COMPLETED", 8000, 0), d
        assert sorted(scan(c, "here"), key=str) == sorted(items, key=str)
        assert c.describe_table(TableName="here")["Table"]["ItemCount"] == 8000
