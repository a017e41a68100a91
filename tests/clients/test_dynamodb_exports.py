"""Exports into S3 and imports from it: what the files hold, manifests, windows of changes, formats, failures."""
import gzip
import json
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
