"""What S3 is billed by; access logs; who pays; configurations kept by id."""
import json

from haneul import error_code, wait_until


def usage(h):
    return json.loads(h.command("s3", "usage", "--json").stdout)


def test_bytes_by_class_and_requests_by_kind(h):
    s3, b = h.client("s3"), "usage-bytes"
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="a", Body=b"x" * 1000)
    s3.put_object(Bucket=b, Key="a", Body=b"x" * 3000)
    s3.put_object(Bucket=b, Key="b", Body=b"x" * 500, StorageClass="STANDARD_IA")
    s3.put_object(Bucket=b, Key="c", Body=b"x")
    s3.delete_object(Bucket=b, Key="c")
    amounts = {a["class"]: a for a in usage(h)["amounts"] if a["resource"] == b}
    assert (amounts["STANDARD"]["bytes"], amounts["STANDARD"]["objects"]) == (3000, 1)
    assert (amounts["STANDARD_IA"]["bytes"], amounts["STANDARD_IA"]["objects"]) == (500, 1)
    assert h.command("clock", "advance", "10h").returncode == 0
    amounts = {a["class"]: a for a in usage(h)["amounts"] if a["resource"] == b}
    assert 29_900 < amounts["STANDARD"]["byte_hours"] < 33_000
    for _ in range(3):
        s3.head_object(Bucket=b, Key="a")
    assert h.command("clock", "advance", "5m").returncode == 0
    s3.head_object(Bucket=b, Key="a")

    def counted(op):
        return sum(r["requests"] for r in usage(h)["requests"] if r["resource"] == b and r["operation"] == op)
    wait_until(lambda: counted("HeadObject") >= 3 and counted("PutObject") == 4)
    assert b in h.command("s3", "usage").stdout


def test_access_logs_arrive(h):
    s3, b = h.client("s3"), "log-source"
    s3.create_bucket(Bucket=b)
    s3.create_bucket(Bucket="log-target")
    assert error_code(s3.put_bucket_logging, Bucket=b, BucketLoggingStatus={"LoggingEnabled": {
        "TargetBucket": "log-nowhere", "TargetPrefix": ""}}) == "InvalidTargetBucketForLogging"
    s3.put_bucket_logging(Bucket=b, BucketLoggingStatus={"LoggingEnabled": {
        "TargetBucket": "log-target", "TargetPrefix": "logs/"}})
    assert s3.get_bucket_logging(Bucket=b)["LoggingEnabled"]["TargetPrefix"] == "logs/"
    s3.put_object(Bucket=b, Key="a b", Body=b"hello")
    s3.get_object(Bucket=b, Key="a b")["Body"].read()
    error_code(s3.get_object, Bucket=b, Key="gone")
    assert h.command("clock", "advance", "1h").returncode == 0
    found = wait_until(lambda: s3.list_objects_v2(Bucket="log-target", Prefix="logs/").get("Contents"))
    lines = s3.get_object(Bucket="log-target", Key=found[0]["Key"])["Body"].read().decode().splitlines()
    put = next(x for x in lines if " REST.PUT.OBJECT a%20b " in x)
    get = next(x for x in lines if " REST.GET.OBJECT a%20b " in x)
    assert f" {b} [" in put and '"PUT /log-source/a%20b' in put and " 200 - " in put
    assert " 200 - 5 5 " in get and " AuthHeader " in get
    assert any(" 404 NoSuchKey " in x for x in lines)


def test_requester_pays(h):
    s3, b, other = h.client("s3"), "payer", h.client("s3", key="222222222222")
    s3.create_bucket(Bucket=b)
    s3.put_object(Bucket=b, Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{b}/*"}]}))
    assert other.get_object(Bucket=b, Key="k")["Body"].read() == b"x"
    s3.put_bucket_request_payment(Bucket=b, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=b)["Payer"] == "Requester"
    assert error_code(other.get_object, Bucket=b, Key="k") == "AccessDenied"
    assert other.get_object(Bucket=b, Key="k", RequestPayer="requester")["RequestCharged"] == "requester"
    assert s3.get_object(Bucket=b, Key="k")["Body"].read() == b"x"


def test_configurations_by_id(h):
    s3, b = h.client("s3"), "conf-ids"
    s3.create_bucket(Bucket=b)
    for i in range(105):
        s3.put_bucket_metrics_configuration(Bucket=b, Id=f"m{i:03}", MetricsConfiguration={"Id": f"m{i:03}"})
    page = s3.list_bucket_metrics_configurations(Bucket=b)
    assert len(page["MetricsConfigurationList"]) == 100 and page["IsTruncated"]
    rest = s3.list_bucket_metrics_configurations(Bucket=b, ContinuationToken=page["NextContinuationToken"])
    assert [m["Id"] for m in rest["MetricsConfigurationList"]] == [f"m{i}" for i in range(100, 105)]
    s3.delete_bucket_metrics_configuration(Bucket=b, Id="m000")
    assert error_code(s3.get_bucket_metrics_configuration, Bucket=b, Id="m000") == "NoSuchConfiguration"
    s3.put_bucket_intelligent_tiering_configuration(Bucket=b, Id="t", IntelligentTieringConfiguration={
        "Id": "t", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]})
    got = s3.get_bucket_intelligent_tiering_configuration(Bucket=b, Id="t")["IntelligentTieringConfiguration"]
    assert got["Tierings"] == [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]
    s3.put_bucket_inventory_configuration(Bucket=b, Id="i", InventoryConfiguration={
        "Id": "i", "IsEnabled": True, "IncludedObjectVersions": "Current", "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::conf-ids", "Format": "CSV"}}})
    assert s3.list_bucket_inventory_configurations(Bucket=b)["InventoryConfigurationList"][0]["Id"] == "i"
    s3.put_bucket_analytics_configuration(Bucket=b, Id="a", AnalyticsConfiguration={
        "Id": "a", "StorageClassAnalysis": {}})
    assert s3.get_bucket_analytics_configuration(Bucket=b, Id="a")["AnalyticsConfiguration"]["Id"] == "a"
    s3.put_bucket_accelerate_configuration(Bucket=b, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket=b)["Status"] == "Enabled"
    s3.delete_bucket(Bucket=b)
