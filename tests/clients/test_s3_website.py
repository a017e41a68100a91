"""What browsers ask of S3: website hosts and CORS."""
import http.client
import json

from botocore.exceptions import ClientError


def site(h, name, **website):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name)
    for key in ("index.html", "docs/index.html", "error.html", "x y.txt"):
        s3.put_object(Bucket=name, Key=key, Body=f"this is {key}".encode(), ContentType="text/html")
    s3.delete_public_access_block(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}]}))
    if website:
        s3.put_bucket_website(Bucket=name, WebsiteConfiguration=website)
    return s3


def visit(h, host, path, method="GET", **headers):
    c = http.client.HTTPConnection("127.0.0.1", h.port)
    c.request(method, path, headers={"Host": host, **headers})
    r = c.getresponse()
    body = r.read()
    c.close()
    return r, body


def test_site(h):
    s3 = site(h, "site", IndexDocument={"Suffix": "index.html"}, ErrorDocument={"Key": "error.html"})
    s3.put_object(Bucket="site", Key="moved", WebsiteRedirectLocation="/docs/")
    for host in ("site.s3-website-us-east-1.amazonaws.com", "site.s3-website.eu-west-1.localhost.localstack.cloud:4566"):
        for path, status, want in (("/", 200, b"this is index.html"), ("/docs/", 200, b"this is docs/index.html"),
                                   ("/x%20y.txt", 200, b"this is x y.txt"), ("/nope", 404, b"this is error.html")):
            r, body = visit(h, host, path)
            assert (r.status, body) == (status, want), (path, r.status, body)
            assert r.getheader("content-type") == "text/html"
    r, _ = visit(h, host, "/docs")
    assert r.status == 302 and r.getheader("location") == "/docs/"
    r, _ = visit(h, host, "/moved")
    assert r.status == 301 and r.getheader("location") == "/docs/"
    etag = visit(h, host, "/")[0].getheader("etag")
    assert visit(h, host, "/", **{"If-None-Match": etag})[0].status == 304
    r, body = visit(h, host, "/", Range="bytes=0-3")
    assert (r.status, body) == (206, b"this")
    r, body = visit(h, host, "/", "HEAD")
    assert r.status == 200 and r.getheader("content-length") == "18" and not body
    assert visit(h, host, "/", "DELETE")[0].status == 405


def test_pages_of_its_own(h):
    s3 = site(h, "plain", IndexDocument={"Suffix": "index.html"}, ErrorDocument={"Key": "not-there.html"})
    r, body = visit(h, "plain.s3-website-us-east-1.amazonaws.com", "/nope<b>")
    assert r.status == 404 and r.getheader("content-type").startswith("text/html")
    for text in (b"<title>404 Not Found</title>", b"<li>Code: NoSuchKey</li>", b"Custom Error Document",
                 b"<li>Key: not-there.html</li>", b"<li>RequestId: "):
        assert text in body, body
    assert b"<b>" not in body
    r, body = visit(h, "nobody.s3-website-us-east-1.amazonaws.com", "/")
    assert r.status == 404 and b"NoSuchBucket" in body
    s3.delete_bucket_website(Bucket="plain")
    r, body = visit(h, "plain.s3-website-us-east-1.amazonaws.com", "/")
    assert r.status == 404 and b"NoSuchWebsiteConfiguration" in body
    s3.create_bucket(Bucket="closed")
    s3.put_bucket_website(Bucket="closed", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    r, body = visit(h, "closed.s3-website-us-east-1.amazonaws.com", "/")
    assert r.status == 403 and b"AccessDenied" in body


def test_redirects(h):
    s3 = site(h, "rules", IndexDocument={"Suffix": "index.html"}, RoutingRules=[
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {"Condition": {"KeyPrefixEquals": "one"}, "Redirect": {"ReplaceKeyWith": "index.html", "Protocol": "https",
                                                               "HttpRedirectCode": "307"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"HostName": "www.example.com"}}])
    host = "rules.s3-website-us-east-1.amazonaws.com"
    for path, status, to in (("/old/a%20b", 301, f"http://{host}/new/a%20b"), ("/one", 307, f"https://{host}/index.html"),
                             ("/nope", 301, "http://www.example.com/nope")):
        r, _ = visit(h, host, path)
        assert (r.status, r.getheader("location")) == (status, to)
    assert visit(h, host, "/")[0].status == 200
    s3.put_bucket_website(Bucket="rules", WebsiteConfiguration={
        "RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}})
    r, _ = visit(h, host, "/a/b")
    assert (r.status, r.getheader("location")) == (301, "https://example.com/a/b")
    for bad in ({}, {"IndexDocument": {"Suffix": "a/b"}}, {"IndexDocument": {"Suffix": ""}},
                {"RedirectAllRequestsTo": {"HostName": "x"}, "IndexDocument": {"Suffix": "i"}}):
        try:
            s3.put_bucket_website(Bucket="rules", WebsiteConfiguration=bad)
        except ClientError as e:
            assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        else:
            raise AssertionError(bad)


def test_domain_is_a_site(h):
    site(h, "www.example.com", IndexDocument={"Suffix": "index.html"})
    r, body = visit(h, "www.example.com", "/")
    assert (r.status, body) == (200, b"this is index.html")


RULES = {"CORSRules": [
    {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*"],
     "ExposeHeaders": ["ETag", "x-amz-request-id"], "MaxAgeSeconds": 600},
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}


def test_cors(h):
    s3 = site(h, "cors")
    s3.put_bucket_cors(Bucket="cors", CORSConfiguration=RULES)
    assert s3.get_bucket_cors(Bucket="cors")["CORSRules"] == RULES["CORSRules"]

    def preflight(origin, method, headers=None, path="/cors/k"):
        extra = {"Access-Control-Request-Headers": headers} if headers else {}
        return visit(h, "localhost", path, "OPTIONS", Origin=origin, **{"Access-Control-Request-Method": method}, **extra)

    r, _ = preflight("https://a.example.com", "PUT", "x-amz-date, X-Amz-Meta-A")
    assert r.status == 200
    assert r.getheader("access-control-allow-origin") == "https://a.example.com"
    assert r.getheader("access-control-allow-methods") == "GET, PUT"
    assert r.getheader("access-control-allow-headers") == "x-amz-date, X-Amz-Meta-A"
    assert r.getheader("access-control-expose-headers") == "ETag, x-amz-request-id"
    assert r.getheader("access-control-max-age") == "600"
    assert r.getheader("access-control-allow-credentials") == "true"
    assert "Origin" in r.getheader("vary")
    r, _ = preflight("https://other.example", "GET")
    assert r.status == 200 and r.getheader("access-control-allow-origin") == "*"
    assert r.getheader("access-control-allow-credentials") is None
    for origin, method, headers in (("https://other.example", "PUT", None), ("https://a.example.com", "DELETE", None),
                                    ("https://a.example.com", "PUT", "content-type")):
        r, body = preflight(origin, method, headers)
        assert r.status == 403 and b"<Code>AccessForbidden</Code>" in body
    assert preflight("https://a.example.com", "NONSENSE")[0].status == 400
    assert preflight("https://a.example.com", "GET", path="/nobody/k")[0].status == 403
    r, _ = visit(h, "localhost", "/cors/index.html", Origin="https://a.example.com")
    assert r.status == 200 and r.getheader("access-control-allow-origin") == "https://a.example.com"
    r, _ = visit(h, "localhost", "/cors/missing", Origin="https://a.example.com")
    assert r.status == 404 and r.getheader("access-control-allow-origin") == "https://a.example.com"
    r, _ = visit(h, "cors.s3.localhost.localstack.cloud:4566", "/index.html", Origin="https://b.other")
    assert r.getheader("access-control-allow-origin") == "*"
    for rule in ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]},
                 {"AllowedMethods": ["GET"], "AllowedOrigins": ["*.*"]},
                 {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]}):
        try:
            s3.put_bucket_cors(Bucket="cors", CORSConfiguration={"CORSRules": [rule]})
        except ClientError as e:
            assert e.response["Error"]["Code"] == "InvalidRequest"
        else:
            raise AssertionError(rule)
    s3.delete_bucket_cors(Bucket="cors")
    assert preflight("https://a.example.com", "GET")[0].status == 403
