"""Listings of all kinds against a model in a few lines of Python."""
import os
import random

from haneul import error_code

SEED = int(os.environ.get("HANEUL_SEED") or 20261121)
ODD = ["a b", "a+b", "ä/ö", "한글/하늘", "x&y<z>", "p%20q", "a//b", "/lead", "trail/", "~", "\u2603", "emoji/😀", "q?x=1#f", "'\""]


def fill(h, name, n=300):
    s3, r = h.client("s3"), random.Random(SEED)
    s3.create_bucket(Bucket=name)
    keys = set(ODD)
    while len(keys) < n:
        keys.add("/".join(r.choice(["a", "b", "ab", "logs", "z", "-", "0"]) for _ in range(r.randrange(1, 5)))
                 + r.choice(["", "/", ".txt"]))
    for k in keys:
        s3.put_object(Bucket=name, Key=k, Body=b"x")
    return s3, sorted(keys, key=lambda k: k.encode()), r


def model(keys, prefix, delimiter, after):
    """(kind, name) in order: what a listing holds in the end."""
    out = []
    for k in keys:
        if not k.startswith(prefix) or k.encode() <= after.encode():
            continue
        cut = k.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            out.append(("key", k))
            continue
        group = k[:cut + len(delimiter)]
        if ("prefix", group) not in out and not (after and group == after):
            out.append(("prefix", group))
    return out


def listed(page):
    keys = [("key", o["Key"]) for o in page.get("Contents", [])]
    groups = [("prefix", p["Prefix"]) for p in page.get("CommonPrefixes", [])]
    return sorted(keys + groups, key=lambda x: x[1].encode())


def test_against_the_model(h):
    s3, keys, r = fill(h, "listing")
    for _ in range(24):
        prefix = r.choice(["", "", "a", "a/", "logs/", "ab/", "nothing", "한", r.choice(keys)[:3]])
        delimiter = r.choice(["", "/", "/", "a", "/a", "."])
        size = r.choice([1, 3, 7, 50, 1000]) if len(prefix) > 1 else r.choice([17, 50, 1000])
        want = model(keys, prefix, delimiter, "")
        for version in ("list_objects_v2", "list_objects"):
            got, pages = [], 0
            args = dict(Bucket="listing", Prefix=prefix, MaxKeys=size, **({"Delimiter": delimiter} if delimiter else {}))
            while True:
                page = getattr(s3, version)(**args)
                one = listed(page)
                assert len(one) <= size and (one or not page["IsTruncated"])
                got += one
                pages += 1
                if not page["IsTruncated"]:
                    break
                if version == "list_objects_v2":
                    assert page["KeyCount"] == len(one)
                    args["ContinuationToken"] = page["NextContinuationToken"]
                else:
                    args["Marker"] = page["NextMarker"] if delimiter else one[-1][1]
            assert got == want, (prefix, delimiter, size, version, set(got) ^ set(want))
            assert pages == max(1, -(-len(want) // size))


def test_start_after(h):
    s3, keys, r = fill(h, "starting", 80)
    for after in ["", "a", "a/", "b/zzz", "zzzz", "\uffff", *r.sample(keys, 10)]:
        got = listed(s3.list_objects_v2(Bucket="starting", StartAfter=after))
        assert got == model(keys, "", "", after), after


def test_url_encoding_and_odd_sizes(h):
    s3, keys, _ = fill(h, "encoding", 40)
    page = s3.list_objects_v2(Bucket="encoding", EncodingType="url")
    assert page["EncodingType"] == "url"
    from urllib.parse import unquote_plus
    assert [unquote_plus(o["Key"]) for o in page["Contents"]] == keys
    page = s3.list_objects_v2(Bucket="encoding", MaxKeys=0)
    assert page["KeyCount"] == 0 and page["IsTruncated"] is False
    assert len(s3.list_objects_v2(Bucket="encoding", MaxKeys=100000)["Contents"]) == len(keys)
    assert error_code(s3.list_objects_v2, Bucket="encoding", MaxKeys=-1) == "InvalidArgument"
    assert error_code(s3.list_objects_v2, Bucket="encoding", ContinuationToken="nonsense") == "InvalidArgument"
    assert error_code(s3.list_objects_v2, Bucket="no-such-bucket-here") == "NoSuchBucket"


def test_versions_against_the_model(h):
    s3, r = h.client("s3"), random.Random(SEED)
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    made = {}  # key -> versions, newest first: (id, is it a marker)
    for _ in range(150):
        key = r.choice(["a", "a/b", "a/c", "b/x", "b/y", "c", "하늘"])
        if r.random() < 0.25:
            v, marker = s3.delete_object(Bucket="versions", Key=key), True
        else:
            v, marker = s3.put_object(Bucket="versions", Key=key, Body=b"x"), False
        made.setdefault(key, []).insert(0, (v["VersionId"], marker))
        if r.random() < 0.15:
            gone = made[key].pop(r.randrange(len(made[key])))
            s3.delete_object(Bucket="versions", Key=key, VersionId=gone[0])
    want = [(k, v, marker) for k in sorted(made, key=lambda k: k.encode()) for v, marker in made[k]]
    for size in (1, 3, 10, 1000):
        got, args = [], {}
        while True:
            page = s3.list_object_versions(Bucket="versions", MaxKeys=size, **args)
            one = ([(v["Key"], v["VersionId"], False, v["IsLatest"]) for v in page.get("Versions", [])]
                   + [(v["Key"], v["VersionId"], True, v["IsLatest"]) for v in page.get("DeleteMarkers", [])])
            assert len(one) <= size
            got += one
            if not page["IsTruncated"]:
                break
            args = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        assert sorted(x[:3] for x in got) == sorted(want), size
        latest = {(k, v) for k, v, _, is_latest in got if is_latest}
        assert latest == {(k, v[0][0]) for k, v in made.items() if v}
    current = sorted((k for k, v in made.items() if v and not v[0][1]), key=lambda k: k.encode())
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="versions").get("Contents", [])] == current
    page = s3.list_object_versions(Bucket="versions", Delimiter="/")
    assert {p["Prefix"] for p in page["CommonPrefixes"]} == {"a/", "b/"}


def test_uploads_in_pages(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="uploads")
    want = []
    for key in ("a", "a", "b/1", "b/2", "b/2", "c"):
        want.append((key, s3.create_multipart_upload(Bucket="uploads", Key=key)["UploadId"]))
    for size in (1, 2, 4, 1000):
        got, args = [], {}
        while True:
            page = s3.list_multipart_uploads(Bucket="uploads", MaxUploads=size, **args)
            got += [(u["Key"], u["UploadId"]) for u in page.get("Uploads", [])]
            if not page["IsTruncated"]:
                break
            args = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
        assert sorted(got) == sorted(want) and [k for k, _ in got] == [k for k, _ in want]
    page = s3.list_multipart_uploads(Bucket="uploads", Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["b/"] and len(page["Uploads"]) == 3
    page = s3.list_multipart_uploads(Bucket="uploads", Prefix="b/")
    assert len(page["Uploads"]) == 3


def test_buckets_in_pages(h):
    s3 = h.client("s3", key="777788889999")
    names = [f"page-{i:03}" for i in range(23)]
    for n in names:
        s3.create_bucket(Bucket=n)
    got = [b["Name"] for page in s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 5})
           for b in page["Buckets"]]
    assert got == names
    assert [b["Name"] for b in s3.list_buckets(Prefix="page-01")["Buckets"]] == names[10:20]
