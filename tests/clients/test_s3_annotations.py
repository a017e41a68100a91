"""Annotations of objects: limits, versions, conditions, permissions, encryption, copies, and what is left of them."""
import datetime
import hashlib
import io
import json
import os
import time
import urllib.request

from haneul import error_code, wait_until

MIB = 1 << 20


def bucket(h, name, **more):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name, **more)
    return s3


def put(s3, b, name, text, key="k", **more):
    return s3.put_object_annotation(Bucket=b, Key=key, AnnotationName=name, AnnotationPayload=text, **more)


def get(s3, b, name, key="k", **more):
    return s3.get_object_annotation(Bucket=b, Key=key, AnnotationName=name, **more)


def names(s3, b, key="k", **more):
    return [a["AnnotationName"] for a in s3.list_object_annotations(Bucket=b, Key=key, **more).get("Annotations", [])]


def user(h, actions):
    iam = h.client("iam")
    name = f"annotator-{os.urandom(4).hex()}"
    iam.create_user(UserName=name)
    doc = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(doc))
    k = iam.create_access_key(UserName=name)["AccessKey"]
    return h.client("s3", key=k["AccessKeyId"], secret=k["SecretAccessKey"])


def blob_files(h):
    return sum(len(files) for d, _, files in os.walk(f"{h.data}/blobs") if "zone-" in d and "_cloud" not in d)


def test_put_get_list_delete(h):
    s3, b = bucket(h, "annotations"), "annotations"
    etag = s3.put_object(Bucket=b, Key="k", Body=b"body")["ETag"]
    before = s3.head_object(Bucket=b, Key="k")
    for text in ("x", "하늘 " * 50, "t" * 2000, "u" * 20000, "v" * MIB):
        data = text.encode()
        r = put(s3, b, "note", data)
        assert r["ETag"].strip('"') == hashlib.md5(data).hexdigest() and r["ServerSideEncryption"] == "AES256"
        assert r["AnnotationName"] == "note" and r["Key"] == "k" and r["ChecksumCRC32"]
        got = get(s3, b, "note", ChecksumMode="ENABLED")
        assert got["AnnotationPayload"].read() == data and got["ETag"] == r["ETag"]
        assert got["ChecksumCRC32"] == r["ChecksumCRC32"] and got["ContentLength"] == len(data)
    for name in ("ml.sentiment", "하늘-1", "a_b"):
        put(s3, b, name, b"1", ChecksumAlgorithm="SHA256")
    page = s3.list_object_annotations(Bucket=b, Key="k")
    assert [a["AnnotationName"] for a in page["Annotations"]] == ["a_b", "ml.sentiment", "note", "하늘-1"]
    assert page["AnnotationCount"] == 4 and page["Bucket"] == b and page["Key"] == "k"
    assert page["Annotations"][2]["Size"] == MIB and page["Annotations"][0]["ChecksumAlgorithm"] == ["SHA256"]
    assert names(s3, b, AnnotationPrefix="n") == ["note"]
    after = s3.head_object(Bucket=b, Key="k")
    assert after["ETag"] == etag and after["LastModified"] == before["LastModified"], "the object itself is untouched"
    s3.delete_object_annotation(Bucket=b, Key="k", AnnotationName="note")
    s3.delete_object_annotation(Bucket=b, Key="k", AnnotationName="note")
    assert error_code(get, s3, b, "note") == "NoSuchAnnotation"
    assert names(s3, b) == ["a_b", "ml.sentiment", "하늘-1"]


def test_pages_and_the_thousand(h):
    s3, b = bucket(h, "annotations-pages"), "annotations-pages"
    s3.put_object(Bucket=b, Key="k", Body=b"")
    for i in range(1000):
        put(s3, b, f"n{i:04}", b"x")
    assert error_code(put, s3, b, "one-more", b"x") == "AnnotationLimitExceeded"
    put(s3, b, "n0500", b"again")
    pages = list(s3.get_paginator("list_object_annotations").paginate(
        Bucket=b, Key="k", AnnotationPrefix="n0", PaginationConfig={"PageSize": 300}))
    assert [len(p["Annotations"]) for p in pages] == [300, 300, 300, 100]
    assert [a["AnnotationName"] for p in pages for a in p["Annotations"]] == [f"n{i:04}" for i in range(1000)]
    assert error_code(s3.list_object_annotations, Bucket=b, Key="k", ContinuationToken="?") == "InvalidArgument"
    s3.copy_object(Bucket=b, Key="copy", CopySource=f"{b}/k")
    assert len(names(s3, b, "copy")) == 1000
    s3.delete_object(Bucket=b, Key="k")
    s3.put_object(Bucket=b, Key="k", Body=b"")
    assert names(s3, b) == [] and len(names(s3, b, "copy")) == 1000


def test_what_is_refused(h):
    s3, b = bucket(h, "annotations-bad"), "annotations-bad"
    s3.put_object(Bucket=b, Key="k", Body=b"")
    for name in ("aws.x", "AWSx", "s3-x", "S3", "a b", "a/b", "a\n", "\u00a0x"):
        assert error_code(put, s3, b, name, b"x") == "InvalidAnnotationName", name
    put(s3, b, "n" * 512, b"x")
    assert error_code(put, s3, b, "n" * 513, b"x") == "AnnotationNameTooLong"
    assert error_code(put, s3, b, "한" * 171, b"x") == "AnnotationNameTooLong"
    assert error_code(put, s3, b, "n", b"") == "InvalidRequest"
    assert error_code(put, s3, b, "n", b"v" * (MIB + 1)) == "EntityTooLarge"
    for bad in (b"\xff", b"a" * 70000 + b"\xc3", b"\xed\xa0\x80" + b"b" * 20000):
        assert error_code(put, s3, b, "n", bad) == "UnsupportedMediaType"
    assert error_code(put, s3, b, "n", b"x", ChecksumSHA256="A" * 43 + "=") == "BadDigest"
    assert error_code(put, s3, b, "n", b"x", key="none") == "NoSuchKey"
    assert error_code(put, s3, "annotations-none", "n", b"x") == "NoSuchBucket"
    assert error_code(get, s3, b, "none") == "NoSuchAnnotation"
    assert error_code(get, s3, b, "n", key="none") == "NoSuchKey"
    assert error_code(s3.list_object_annotations, Bucket=b, Key="none") == "NoSuchKey"
    assert error_code(s3.list_object_annotations, Bucket=b, Key="k", AnnotationPrefix="a b") == "InvalidPrefix"
    assert error_code(s3.delete_object_annotation, Bucket=b, Key="none", AnnotationName="n") == "NoSuchKey"
    assert names(s3, b) == ["n" * 512]


def test_conditions(h):
    s3, b = bucket(h, "annotations-if"), "annotations-if"
    etag = s3.put_object(Bucket=b, Key="k", Body=b"1")["ETag"]
    put(s3, b, "n", b"x", ObjectIfMatch=etag)
    assert error_code(put, s3, b, "n", b"y", ObjectIfMatch='"0"') == "PreconditionFailed"
    delete = {"Bucket": b, "Key": "k", "AnnotationName": "n"}
    assert error_code(s3.delete_object_annotation, ObjectIfMatch='"0"', **delete) == "PreconditionFailed"
    s3.delete_object_annotation(ObjectIfMatch=etag, **delete)
    assert names(s3, b) == []


def test_versions(h):
    s3, b = bucket(h, "annotations-versions"), "annotations-versions"
    s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=b, Key="k", Body=b"1")["VersionId"]
    assert put(s3, b, "n", b"of one")["ObjectVersionId"] == one
    two = s3.put_object(Bucket=b, Key="k", Body=b"2")["VersionId"]
    assert names(s3, b) == [], "a new version begins without"
    put(s3, b, "n", b"of two")
    put(s3, b, "m", b"of one too", VersionId=one)
    assert get(s3, b, "n", VersionId=one)["AnnotationPayload"].read() == b"of one"
    assert get(s3, b, "n")["ObjectVersionId"] == two
    marker = s3.delete_object(Bucket=b, Key="k")["VersionId"]
    assert error_code(get, s3, b, "n") == "NoSuchKey"
    assert error_code(get, s3, b, "n", VersionId=marker) == "MethodNotAllowed"
    assert names(s3, b, VersionId=one) == ["m", "n"]
    s3.delete_object(Bucket=b, Key="k", VersionId=marker)
    s3.delete_object(Bucket=b, Key="k", VersionId=two)
    assert get(s3, b, "n")["AnnotationPayload"].read() == b"of one", "they come back with their version"
    assert error_code(get, s3, b, "n", VersionId="x" * 32) == "NoSuchVersion"


def test_permissions(h):
    s3, b = bucket(h, "annotations-iam"), "annotations-iam"
    s3.put_object(Bucket=b, Key="k", Body=b"1")
    put(s3, b, "n", b"x")
    reader, writer = user(h, ["s3:GetObject", "s3:GetObjectAnnotation"]), user(h, "s3:PutObjectAnnotation")
    assert get(reader, b, "n")["AnnotationPayload"].read() == b"x"
    put(writer, b, "n", b"y")
    for client, call in ((writer, get), (reader, lambda c, b, n: put(c, b, n, b"z")), (reader, lambda c, b, n: names(c, b))):
        assert error_code(call, client, b, "n") == "AccessDenied"
    assert error_code(writer.delete_object_annotation, Bucket=b, Key="k", AnnotationName="n") == "AccessDenied"
    mover = user(h, ["s3:GetObject", "s3:PutObject"])
    assert error_code(mover.copy_object, Bucket=b, Key="c", CopySource=f"{b}/k") == "AccessDenied"
    mover.copy_object(Bucket=b, Key="c", CopySource=f"{b}/k", AnnotationDirective="EXCLUDE")
    assert names(s3, b, "c") == []


def test_object_lock(h):
    s3, b = bucket(h, "annotations-lock", ObjectLockEnabledForBucket=True), "annotations-lock"
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    s3.put_object(Bucket=b, Key="k", Body=b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)
    put(s3, b, "n", b"x")
    assert error_code(s3.delete_object_annotation, Bucket=b, Key="k", AnnotationName="n") == "AccessDenied"
    s3.meta.events.register("before-call.s3.DeleteObjectAnnotation", lambda params, **_: params["headers"].update(
        {"x-amz-bypass-governance-retention": "true"}))
    s3.delete_object_annotation(Bucket=b, Key="k", AnnotationName="n")
    assert names(s3, b) == []


def test_encryption_is_the_objects(h):
    s3, b = bucket(h, "annotations-sse"), "annotations-sse"
    key = h.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_object(Bucket=b, Key="k", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    small, large = b"needle-small", b"needle-large " * 4000
    for name, text in (("small", small), ("large", large)):
        r = put(s3, b, name, text)
        assert r["ServerSideEncryption"] == "aws:kms" and r["ETag"].strip('"') != hashlib.md5(text).hexdigest()
        assert get(s3, b, name)["AnnotationPayload"].read() == text
    s3.copy_object(Bucket=b, Key="plain", CopySource=f"{b}/k", AnnotationDirective="EXCLUDE")
    assert error_code(s3.copy_object, Bucket=b, Key="c", CopySource=f"{b}/k") == "NotImplemented"
    s3.delete_object_annotation(Bucket=b, Key="k", AnnotationName="large")
    for more in ({}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}):
        s3.copy_object(Bucket=b, Key="c", CopySource=f"{b}/k", **more)
        assert get(s3, b, "small", key="c")["AnnotationPayload"].read() == small
    h.client("kms").disable_key(KeyId=key)
    assert error_code(get, s3, b, "small") == "KMS.DisabledException"
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    s3.put_object(Bucket=b, Key="c", Body=b"1", **customer)
    assert error_code(put, s3, b, "n", b"x", key="c") == "InvalidRequest"


def test_copies_share_and_nothing_is_left(h):
    s3, b = bucket(h, "annotations-copies"), "annotations-copies"
    h.command("clock", "advance", "2m")
    time.sleep(1)  # what other tests deleted goes now
    had = blob_files(h)
    s3.put_object(Bucket=b, Key="k", Body=b"1")
    text = "하늘".encode() * 20000
    for i in range(3):
        put(s3, b, f"n{i}", text)
    put(s3, b, "n0", text + b"!")
    s3.copy_object(Bucket=b, Key="c", CopySource=f"{b}/k")
    assert error_code(s3.copy_object, Bucket=b, Key="c", CopySource=f"{b}/k", AnnotationDirective="X") == "InvalidArgument"
    s3.delete_object(Bucket=b, Key="k")
    h.command("clock", "advance", "2m")
    urllib.request.urlopen(urllib.request.Request(f"{h.endpoint}/_haneul/storage", method="POST"), timeout=30)
    for i in range(3):
        assert get(s3, b, f"n{i}", key="c")["AnnotationPayload"].read() == text + b"!" * (i == 0)
    s3.put_object(Bucket=b, Key="c", Body=b"2")
    h.command("clock", "advance", "2m")
    wait_until(lambda: blob_files(h) == had, what="the blobs of annotations that nobody has")


def test_events(h):
    s3, sqs, b = bucket(h, "annotations-events"), h.client("sqs"), "annotations-events"
    url = sqs.create_queue(QueueName="annotations")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    doc = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                   "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(doc)})
    s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectAnnotation:*"]}]})
    s3.put_object(Bucket=b, Key="k", Body=b"1")
    put(s3, b, "n", b"x")
    s3.delete_object_annotation(Bucket=b, Key="k", AnnotationName="n")
    seen = set()

    def both():
        for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            seen.update(r["eventName"] for r in json.loads(m["Body"]).get("Records", []))
        return seen == {"ObjectAnnotation:Put", "ObjectAnnotation:Delete"}
    wait_until(both, what="both events")


def test_survive_a_restart_and_the_command_line(h):
    s3, b = bucket(h, "annotations-cli"), "annotations-cli"
    s3.put_object(Bucket=b, Key="k", Body=b"1")
    put(s3, b, "n", b"x" * 30000)
    h.stop()
    h.start()
    assert names(h.client("s3"), b) == ["n"]
    assert get(h.client("s3"), b, "n")["AnnotationPayload"].read() == b"x" * 30000


def test_object_lambda_is_refused_in_the_form_of_s3(h):
    s3 = h.client("s3", inject_host_prefix=False)
    for body in (b"", b"text", io.BytesIO(b"x" * 300000)):
        try:
            s3.write_get_object_response(RequestRoute="r", RequestToken="t", Body=body)
        except s3.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] == "MethodNotAllowed" and "Object Lambda" in e.response["Error"]["Message"]
        else:
            raise AssertionError("it was taken")
