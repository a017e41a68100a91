"""Signatures that do not hold, in strict mode: AWS's codes, sentences and fields."""
import contextlib
import datetime
import os
import subprocess
import urllib.error
import urllib.request

import botocore.auth
from botocore.exceptions import ClientError
from haneul import binary
from wire import xml

MODULE_ARGS = ["--strict"]


def root(h):
    text = subprocess.run([binary(), "env", "--data", h.data], capture_output=True, text=True, check=True,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")).stdout
    values = dict(line[7:].split("=", 1) for line in text.splitlines() if line.startswith("export "))
    return values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]


@contextlib.contextmanager
def clients_clock(seconds):
    """The client believes that it is earlier or later."""
    real = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *a, **k: real(*a, **k) + datetime.timedelta(seconds=seconds)
    try:
        yield
    finally:
        botocore.auth.get_current_datetime = real


def failure(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ClientError as e:
        return e.response["Error"]["Code"], e.response["Error"]["Message"]
    return None


def url_failure(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as r:
            return r.status, None, None
    except urllib.error.HTTPError as e:
        doc = xml(e.read())
        return e.code, doc.findtext("Code"), doc.findtext("Message")


def test_keys(h):
    key, secret = root(h)
    assert h.client("s3", key, secret).list_buckets()["Buckets"] == []
    assert failure(h.client("s3", key, secret[:-1] + "x").list_buckets) == (
        "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.")
    for unknown in ("test", "123456789012", "AKIAAAAAAAAAAAAAAAAA"):
        assert failure(h.client("s3", unknown, "test").list_buckets) == (
            "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."), unknown


def test_anonymous_is_denied(h):
    key, secret = root(h)
    h.client("s3", key, secret).create_bucket(Bucket="closed")
    assert url_failure(h.endpoint + "/closed/k") == (403, "AccessDenied", "Access Denied")
    assert url_failure(h.endpoint + "/") == (403, "AccessDenied", "Access Denied")


def test_urls_that_ended_or_were_changed(h):
    key, secret = root(h)
    s3 = h.client("s3", key, secret, signature_version="s3v4")
    s3.create_bucket(Bucket="signed")
    s3.put_object(Bucket="signed", Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "k"}, ExpiresIn=60)
    assert url_failure(url)[0] == 200
    for changed in (url.replace("/k?", "/l?"), url.replace("Expires=60", "Expires=600"), url[:-1] + ("0" if url[-1] != "0" else "1")):
        assert url_failure(changed)[:2] == (403, "SignatureDoesNotMatch"), changed
    assert url_failure(url.replace("Expires=60", "Expires=604801"))[:2] == (400, "AuthorizationQueryParametersError")
    never = s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "k"}, ExpiresIn=0)
    assert url_failure(never) == (403, "AccessDenied", "Request has expired")
    with clients_clock(-120):
        late = s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "k"}, ExpiresIn=60)
        early_enough = s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "k"}, ExpiresIn=600)
    assert url_failure(early_enough)[0] == 200
    assert url_failure(late) == (403, "AccessDenied", "Request has expired")


def test_clocks_that_differ(h):
    key, secret = root(h)
    s3 = h.client("s3", key, secret)
    for minutes in (-16, 16):
        with clients_clock(minutes * 60):
            assert failure(s3.list_buckets) == (
                "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
    for minutes in (-14, 14):
        with clients_clock(minutes * 60):
            assert s3.list_buckets()


def test_bodies_that_differ(h):
    """What was signed is what must arrive."""
    key, secret = root(h)
    s3 = h.client("s3", key, secret, s3={"payload_signing_enabled": True})
    s3.create_bucket(Bucket="bodies")

    def swap(request, **_):
        request.body = b"other"
    s3.meta.events.register("before-send.s3.PutObject", swap)
    code, _ = failure(s3.put_object, Bucket="bodies", Key="k", Body=b"hello", ContentMD5="XUFAKrxLKna5cZ2REBfFkg==")
    assert code in ("XAmzContentSHA256Mismatch", "BadDigest"), code
