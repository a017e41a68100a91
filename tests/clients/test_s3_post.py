"""Uploads from a browser's form."""
import http.client
import json
import os
import uuid
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from botocore.exceptions import ClientError

from haneul import Haneul


def multipart(fields, data, name="pic.png", file_field="file"):
    mark = uuid.uuid4().hex
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    if file_field:
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{file_field}"; filename="{name}"\r\n'
                     f'Content-Type: image/png\r\n\r\n'.encode() + data + b"\r\n")
    return f"multipart/form-data; boundary={mark}", b"".join(parts) + f"--{mark}--\r\n".encode()


def send(h, path, fields, data, host="localhost", **kw):
    kind, body = multipart(fields, data, **kw)
    c = http.client.HTTPConnection("127.0.0.1", h.port)
    c.request("POST", path, body, {"Host": host, "Content-Type": kind})
    r = c.getresponse()
    text = r.read()
    c.close()
    return r, text


def code(text):
    return ElementTree.fromstring(text).findtext("Code")


def test_presigned_post(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="forms")
    post = s3.generate_presigned_post("forms", "up/${filename}", Fields={"x-amz-meta-who": "me", "Content-Type": "image/png"},
                                      Conditions=[{"x-amz-meta-who": "me"}, ["starts-with", "$Content-Type", "image/"],
                                                  ["content-length-range", 1, 100000]])
    assert urlsplit(post["url"]).path == "/forms"
    r, text = send(h, "/forms", post["fields"], b"small")
    assert r.status == 204 and not text, text
    assert r.getheader("location") == "http://localhost/forms/up%2Fpic.png"
    got = s3.get_object(Bucket="forms", Key="up/pic.png")
    assert got["Body"].read() == b"small" and got["ETag"] == r.getheader("etag")
    assert got["ContentType"] == "image/png" and got["Metadata"] == {"who": "me"}
    big = bytes(range(256)) * 300
    r, _ = send(h, "/", post["fields"], big, host="forms.s3.localhost.localstack.cloud:4566", name="big.bin")
    assert r.status == 204
    assert r.getheader("location") == "http://forms.s3.localhost.localstack.cloud:4566/up%2Fbig.bin"
    assert s3.get_object(Bucket="forms", Key="up/big.bin")["Body"].read() == big
    r, text = send(h, "/forms", post["fields"], b"")
    assert r.status == 400 and code(text) == "EntityTooSmall"
    r, text = send(h, "/forms", post["fields"], b"x" * 100001)
    assert r.status == 400 and code(text) == "EntityTooLarge" and b"<MaxSizeAllowed>100000<" in text
    r, text = send(h, "/forms", {**post["fields"], "Content-Type": "text/html"}, b"x")
    assert r.status == 403 and b"Invalid according to Policy: Policy Condition failed" in text
    r, text = send(h, "/forms", {**post["fields"], "x-amz-meta-more": "x"}, b"x")
    assert r.status == 403 and b"Invalid according to Policy: Extra input fields: x-amz-meta-more" in text
    s3.create_bucket(Bucket="forms2")
    r, text = send(h, "/forms2", post["fields"], b"x")
    assert r.status == 403 and b"$bucket" in text
    late = s3.generate_presigned_post("forms", "k", ExpiresIn=-10)
    r, text = send(h, "/forms", late["fields"], b"x")
    assert r.status == 403 and b"Policy expired" in text


def test_both_signatures(h):
    for version in ("s3", "s3v4"):
        name = "sig-" + version
        s3 = h.client("s3", signature_version=version)
        h.client("s3").create_bucket(Bucket=name)
        fields = s3.generate_presigned_post(name, "k")["fields"]
        assert ("x-amz-signature" in fields) == (version == "s3v4")
        assert send(h, "/" + name, fields, b"x")[0].status == 204
        unknown = h.client("s3", key="AKIAUNKNOWN", signature_version=version)
        r, text = send(h, "/" + name, unknown.generate_presigned_post(name, "k")["fields"], b"x")
        assert r.status == 403 and code(text) == "InvalidAccessKeyId"


def test_signature_is_checked():
    with Haneul("--strict") as h:
        with open(os.path.join(h.data, "root-key")) as f:
            key, secret = f.read().split()
        h.client("s3", key=key, secret=secret).create_bucket(Bucket="strict")
        for version in ("s3", "s3v4"):
            for given, status in ((secret, 204), (secret[:-1] + "?", 403)):
                s3 = h.client("s3", key=key, secret=given, signature_version=version)
                r, text = send(h, "/strict", s3.generate_presigned_post("strict", "k")["fields"], b"x")
                assert r.status == status, text
                assert status == 204 or code(text) == "SignatureDoesNotMatch"


def test_large_forms(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="large")
    fields = s3.generate_presigned_post("large", "k")["fields"]
    data = bytes(range(256)) * (15 << 12)
    assert send(h, "/large", fields, data)[0].status == 204
    assert s3.get_object(Bucket="large", Key="k")["Body"].read() == data
    kind, _ = multipart(fields, b"")
    c = http.client.HTTPConnection("127.0.0.1", h.port)
    c.request("POST", "/large", headers={"Host": "localhost", "Content-Type": kind, "Content-Length": str(17 << 20)})
    r = c.getresponse()
    assert r.status == 400 and code(r.read()) == "EntityTooLarge"
    c.close()


def test_answers(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="answers")
    post = s3.generate_presigned_post("answers", "k", Conditions=[["starts-with", "$success_action_status", ""],
                                                                  ["starts-with", "$success_action_redirect", ""]],
                                      Fields={"success_action_redirect": ""})
    for status in ("200", "204", "299"):
        r, text = send(h, "/answers", {**post["fields"], "success_action_status": status}, b"x")
        assert r.status == (200 if status == "200" else 204) and not text
    r, text = send(h, "/answers", {**post["fields"], "success_action_status": "201"}, b"x")
    doc = ElementTree.fromstring(text)
    assert r.status == 201 and doc.tag == "PostResponse"
    assert [doc.findtext(t) for t in ("Bucket", "Key", "ETag")] == ["answers", "k", r.getheader("etag")]
    r, _ = send(h, "/answers", {**post["fields"], "success_action_status": "200",
                                "success_action_redirect": "https://example.com/done?x=1"}, b"x")
    to = urlsplit(r.getheader("location"))
    assert r.status == 303 and to.netloc == "example.com"
    assert parse_qs(to.query) == {"x": ["1"], "bucket": ["answers"], "key": ["k"], "etag": [r.getheader("etag")]}


def test_who_may(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="box")
    r, text = send(h, "/box", {"key": "k"}, b"x")
    assert r.status == 403 and code(text) == "AccessDenied"
    other = h.client("s3", key="333333333333")
    post = other.generate_presigned_post("box", "k")
    r, text = send(h, "/box", post["fields"], b"x")
    assert r.status == 403 and code(text) == "AccessDenied"
    s3.delete_public_access_block(Bucket="box")
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps({"Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/in/*"}]}))
    assert send(h, "/box", {"key": "in/k"}, b"anon")[0].status == 204
    assert s3.get_object(Bucket="box", Key="in/k")["Body"].read() == b"anon"
    assert send(h, "/box", {"key": "out/k"}, b"anon")[0].status == 403
    try:
        s3.head_object(Bucket="box", Key="out/k")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "404"
    else:
        raise AssertionError("it is there")


def test_forms_that_are_none(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="odd")
    r, text = send(h, "/odd", {}, b"x")
    assert r.status == 400 and code(text) == "InvalidArgument" and b"field named 'key'" in text
    r, text = send(h, "/odd", {"key": "k"}, b"", file_field=None)
    assert r.status == 400 and code(text) == "InvalidArgument" and b"exactly one file" in text
    r, text = send(h, "/odd", {"key": "k", "x-amz-meta-a": "x" * 30000}, b"x")
    assert r.status == 400 and code(text) == "MaxPostPreDataLengthExceededError"
    r, text = send(h, "/nobody", {"key": "k"}, b"x")
    assert r.status == 404 and code(text) == "NoSuchBucket"
    status, _, text = h.get("/odd", method="POST", data=b"junk",
                            headers={"Content-Type": "multipart/form-data; boundary=a"})
    assert status == 400 and code(text) == "MalformedPOSTRequest"
