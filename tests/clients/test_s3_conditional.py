"""Conditions on reads and writes, and writers who race for one key."""
import datetime
import threading

from botocore.exceptions import ClientError
from haneul import error_code


def make(h, name):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name)
    return s3


def test_reads(h):
    s3 = make(h, "reads")
    etag = s3.put_object(Bucket="reads", Key="k", Body=b"hello")["ETag"]
    when = s3.head_object(Bucket="reads", Key="k")["LastModified"]
    hour = datetime.timedelta(hours=1)
    good = [dict(IfMatch=etag), dict(IfMatch="*"), dict(IfNoneMatch='"other"'), dict(IfModifiedSince=when - hour),
            dict(IfUnmodifiedSince=when), dict(IfMatch=etag, IfUnmodifiedSince=when - hour),
            dict(IfMatch=etag.strip('"'))]
    for args in good:
        assert s3.get_object(Bucket="reads", Key="k", **args)["Body"].read() == b"hello", args
        s3.head_object(Bucket="reads", Key="k", **args)
    for args, code in ((dict(IfMatch='"other"'), "412"), (dict(IfNoneMatch=etag), "304"), (dict(IfNoneMatch="*"), "304"),
                       (dict(IfModifiedSince=when), "304"), (dict(IfUnmodifiedSince=when - hour), "412"),
                       (dict(IfNoneMatch=etag, IfModifiedSince=when - hour), "304")):
        assert error_code(s3.head_object, Bucket="reads", Key="k", **args) == code, args
        got = error_code(s3.get_object, Bucket="reads", Key="k", **args)
        assert got == {"412": "PreconditionFailed", "304": "304"}[code], (args, got)


def test_writes(h):
    s3 = make(h, "writes")
    args = dict(Bucket="writes", Key="k")
    etag = s3.put_object(IfNoneMatch="*", Body=b"1", **args)["ETag"]
    assert error_code(s3.put_object, IfNoneMatch="*", Body=b"2", **args) == "PreconditionFailed"
    assert error_code(s3.put_object, IfMatch='"other"', Body=b"2", **args) == "PreconditionFailed"
    assert error_code(s3.put_object, Bucket="writes", Key="none", IfMatch=etag, Body=b"2") == "NoSuchKey"
    s3.put_object(IfMatch=etag, Body=b"2", **args)
    assert s3.get_object(**args)["Body"].read() == b"2"
    assert error_code(s3.copy_object, CopySource="writes/k", Bucket="writes", Key="c", CopySourceIfNoneMatch="*") \
        == "PreconditionFailed"
    s3.delete_object(**args)
    s3.put_object(IfNoneMatch="*", Body=b"3", **args)


def race(n, call):
    won, lost, other = [], [], []
    gate = threading.Barrier(n)

    def one(i):
        gate.wait()
        try:
            call(i)
            won.append(i)
        except ClientError as e:
            (lost if e.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict") else other).append(e)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not other, other[0]
    return won


def test_one_wins(h):
    """If-None-Match and If-Match are decided where writes stand in line."""
    s3 = make(h, "racing")
    for size in (10, 200000):
        for round_n in range(4):
            key = f"k{size}-{round_n}"
            won = race(8, lambda i: s3.put_object(Bucket="racing", Key=key, Body=bytes([i]) * size, IfNoneMatch="*"))
            assert len(won) == 1
            assert s3.get_object(Bucket="racing", Key=key)["Body"].read() == bytes([won[0]]) * size
    # A counter that several raise by compare and swap.
    s3.put_object(Bucket="racing", Key="counter", Body=b"0")
    raised = [0] * 6

    def raise_it(i):
        for _ in range(5):
            got = s3.get_object(Bucket="racing", Key="counter")
            value = int(got["Body"].read())
            try:
                s3.put_object(Bucket="racing", Key="counter", Body=str(value + 1).encode(), IfMatch=got["ETag"])
                raised[i] += 1
            except ClientError as e:
                assert e.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
    threads = [threading.Thread(target=raise_it, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert int(s3.get_object(Bucket="racing", Key="counter")["Body"].read()) == sum(raised) > 0
