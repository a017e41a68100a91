"""Checksums of all kinds: computed by us, by the client, stated wrong, in headers and in trailers."""
import base64
import hashlib
import io
import os
import zlib

from haneul import error_code

MIB = 1 << 20


def crc_of(poly, width):
    table = []
    for i in range(256):
        v = i
        for _ in range(8):
            v = v >> 1 ^ (poly if v & 1 else 0)
        table.append(v)
    ones = (1 << width) - 1

    def crc(data):
        v = ones
        for b in data:
            v = table[(v ^ b) & 0xff] ^ v >> 8
        return (v ^ ones).to_bytes(width // 8, "big")
    return crc


SUMS = {"CRC32": lambda d: zlib.crc32(d).to_bytes(4, "big"), "CRC32C": crc_of(0x82F63B78, 32),
        "CRC64NVME": crc_of(0x9A6C9329AC4BC9B5, 64), "SHA1": lambda d: hashlib.sha1(d).digest(),
        "SHA256": lambda d: hashlib.sha256(d).digest(), "SHA512": lambda d: hashlib.sha512(d).digest(),
        "MD5": lambda d: hashlib.md5(d).digest()}


def b64(raw):
    return base64.b64encode(raw).decode()


def test_stated_in_a_header(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="summed")
    assert SUMS["CRC32C"](b"123456789").hex() == "e3069283" and SUMS["CRC64NVME"](b"123456789").hex() == "ae8b14860a799888"
    for name, compute in SUMS.items():
        for size in (0, 1, 1000, 70000):
            body = os.urandom(size)
            field, text = f"Checksum{name}", b64(compute(body))
            r = s3.put_object(Bucket="summed", Key=name, Body=body, **{field: text})
            assert r[field] == text and r["ChecksumType"] == "FULL_OBJECT"
            assert s3.head_object(Bucket="summed", Key=name, ChecksumMode="ENABLED")[field] == text
            assert field not in s3.head_object(Bucket="summed", Key=name)
            if size:
                wrong = b64(compute(body + b"x"))
                assert error_code(s3.put_object, Bucket="summed", Key="bad", Body=body, **{field: wrong}) == "BadDigest"
        assert error_code(s3.put_object, Bucket="summed", Key="bad", Body=b"x", **{field: "short"}) == "InvalidRequest"
    assert error_code(s3.head_object, Bucket="summed", Key="bad") == "404"
    body = b"md5 too"
    s3.put_object(Bucket="summed", Key="md5", Body=body, ContentMD5=b64(hashlib.md5(body).digest()))
    assert error_code(s3.put_object, Bucket="summed", Key="bad", Body=body, ContentMD5=b64(bytes(16))) == "BadDigest"
    assert error_code(s3.put_object, Bucket="summed", Key="bad", Body=body, ContentMD5="!") == "InvalidDigest"


def test_in_a_trailer(h):
    """A body that cannot be rewound goes out in chunks with its checksum behind it."""
    s3 = h.client("s3")
    s3.create_bucket(Bucket="trailed")
    for name in ("CRC32", "SHA1", "SHA256"):
        for size in (0, 1, 70000, 3 * MIB):
            body = os.urandom(size)
            r = s3.put_object(Bucket="trailed", Key=name, Body=io.BytesIO(body), ChecksumAlgorithm=name)
            assert r[f"Checksum{name}"] == b64(SUMS[name](body))
            assert s3.get_object(Bucket="trailed", Key=name, ChecksumMode="ENABLED")["Body"].read() == body


def test_of_those_who_state_none(h):
    s3 = h.client("s3", request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="silent")
    body = os.urandom(5000)
    s3.put_object(Bucket="silent", Key="k", Body=body)
    got = s3.head_object(Bucket="silent", Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC64NVME"] == b64(SUMS["CRC64NVME"](body)) and got["ChecksumType"] == "FULL_OBJECT"


def test_of_gathered_parts(h):
    s3 = h.client("s3", request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="parts")
    a, b = os.urandom(5 * MIB), os.urandom(100)
    for name in ("CRC32", "CRC64NVME", "SHA1", "SHA256"):
        kinds = {"CRC64NVME": ["FULL_OBJECT"], "CRC32": ["FULL_OBJECT", "COMPOSITE"]}.get(name, ["COMPOSITE"])
        for kind in kinds:
            args = dict(Bucket="parts", Key="k")
            up = s3.create_multipart_upload(ChecksumAlgorithm=name, ChecksumType=kind, **args)["UploadId"]
            field, done = f"Checksum{name}", []
            for n, part in ((1, a), (2, b)):
                stated = {} if name == "CRC64NVME" else {field: b64(SUMS[name](part))}
                r = s3.upload_part(UploadId=up, PartNumber=n, Body=part, **stated, **args)
                done.append({"PartNumber": n, "ETag": r["ETag"], field: r[field]})
            r = s3.complete_multipart_upload(UploadId=up, MultipartUpload={"Parts": done}, **args)
            if kind == "COMPOSITE":
                want = b64(SUMS[name](b"".join(base64.b64decode(p[field]) for p in done))) + "-2"
            else:
                want = b64(SUMS[name](a + b))
            assert r[field] == want, (name, kind)
            assert s3.head_object(ChecksumMode="ENABLED", **args)[field] == want
    assert error_code(s3.create_multipart_upload, Bucket="parts", Key="k", ChecksumAlgorithm="SHA256",
                      ChecksumType="FULL_OBJECT") == "InvalidRequest"



def test_xxhashes(h):
    s3, b = h.client("s3"), "xxhashed"
    s3.create_bucket(Bucket=b)
    known = {"XXHASH64": ("ef46db3751d8e999", "44bc2cf5ad770999"), "XXHASH3": ("2d06800538d394c2", "78af5f94892f3950"),
             "XXHASH128": ("99aa06d3014798d86001c324468d497f", "06b05ab6733a618578af5f94892f3950")}
    for name, sums in known.items():
        for body, text in zip((b"", b"abc"), sums):
            field, text = f"Checksum{name}", b64(bytes.fromhex(text))
            r = s3.put_object(Bucket=b, Key=name, Body=body, **{field: text})
            assert r[field] == text, (name, body)
            assert s3.head_object(Bucket=b, Key=name, ChecksumMode="ENABLED")[field] == text
        assert error_code(s3.put_object, Bucket=b, Key=name, Body=b"abd", **{field: text}) == "BadDigest"
        sums = s3.get_object_attributes(Bucket=b, Key=name, ObjectAttributes=["Checksum"])["Checksum"]
        assert sums == {field: text, "ChecksumType": "FULL_OBJECT"}
        # Of a copy it is computed anew, of parts it is that of the parts' sums.
        assert s3.copy_object(Bucket=b, Key="copy", CopySource=f"{b}/{name}")["CopyObjectResult"][field] == text
        up = s3.create_multipart_upload(Bucket=b, Key="m", ChecksumAlgorithm=name)
        assert up["ChecksumType"] == "COMPOSITE"
        part = s3.upload_part(Bucket=b, Key="m", UploadId=up["UploadId"], PartNumber=1, Body=b"abc", **{field: text})
        done = s3.complete_multipart_upload(Bucket=b, Key="m", UploadId=up["UploadId"], MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["ETag"], field: text}]})
        assert done[field].endswith("-1") and done["ChecksumType"] == "COMPOSITE"
        told = s3.get_object_attributes(Bucket=b, Key="m", ObjectAttributes=["ObjectParts"])["ObjectParts"]
        assert told["Parts"][0][field] == text
