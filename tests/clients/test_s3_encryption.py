"""Encryption of objects with customers' keys and with KMS: what is asked, told, refused, and on the disk."""
import base64
import hashlib
import json
import os
import urllib.request

from haneul import error_code

KEY, OTHER = b"k" * 32, b"o" * 32
MIB = 1 << 20


def customer(key=KEY, source=False):
    prefix = "CopySource" if source else ""
    return {prefix + "SSECustomerAlgorithm": "AES256", prefix + "SSECustomerKey": key}


def bucket(h, name):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name)
    return s3, name


def new_key(h):
    return h.client("kms").create_key()["KeyMetadata"]["Arn"]


def read(s3, b, key, **more):
    return s3.get_object(Bucket=b, Key=key, **more)["Body"].read()


def on_disk(h, needle):
    for folder, _, names in os.walk(h.data):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as f:
                    if needle in f.read():
                        return True
            except OSError:
                pass
    return False


def test_customer_keys(h):
    s3, b = bucket(h, "sse-c")
    for size in (0, 100, 10_000, 3 * MIB + 5):
        data = os.urandom(size)
        r = s3.put_object(Bucket=b, Key="k", Body=data, **customer())
        assert r["SSECustomerAlgorithm"] == "AES256" and "ServerSideEncryption" not in r
        assert r["SSECustomerKeyMD5"] == base64.b64encode(hashlib.md5(KEY).digest()).decode()
        assert r["ETag"].strip('"') != hashlib.md5(data).hexdigest()
        got = s3.get_object(Bucket=b, Key="k", **customer())
        assert got["Body"].read() == data and got["SSECustomerAlgorithm"] == "AES256"
        assert got["ETag"] == r["ETag"]
        if size > 50:
            assert read(s3, b, "k", Range="bytes=10-49", **customer()) == data[10:50]
        assert error_code(s3.get_object, Bucket=b, Key="k") == "InvalidRequest"
        assert error_code(s3.head_object, Bucket=b, Key="k") == "400"
        assert error_code(s3.get_object, Bucket=b, Key="k", **customer(OTHER)) == "InvalidRequest"
        assert s3.head_object(Bucket=b, Key="k", **customer())["ContentLength"] == size
        attributes = dict(Bucket=b, Key="k", ObjectAttributes=["ObjectSize"])
        assert error_code(s3.get_object_attributes, **attributes) == "InvalidRequest"
        # botocore leaves the encoding of the key to the caller here.
        told = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64encode(KEY).decode(),
                "SSECustomerKeyMD5": r["SSECustomerKeyMD5"]}
        assert s3.get_object_attributes(**attributes, **told)["ObjectSize"] == size
    s3.put_object(Bucket=b, Key="plain", Body=b"x")
    assert error_code(s3.get_object, Bucket=b, Key="plain", **customer()) == "InvalidRequest"


def test_what_is_wrong_with_customer_headers(h):
    s3, b = bucket(h, "sse-c-bad")
    md5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()

    def put(**headers):
        def add(params, **_):
            for name in list(params["headers"]):
                if "customer" in name.lower():
                    del params["headers"][name]
            params["headers"].update({"x-amz-server-side-encryption-customer-" + k.replace("_", "-"): v
                                      for k, v in headers.items()})
        client = h.client("s3")
        client.meta.events.register("before-call.s3.PutObject", add)
        return error_code(client.put_object, Bucket=b, Key="k", Body=b"x")
    good = base64.b64encode(KEY).decode()
    assert put(algorithm="AES256", key=good, key_MD5=md5) is None
    assert put(algorithm="AES256", key=good) == "InvalidArgument"
    assert put(algorithm="AES256") == "InvalidArgument"
    assert put(key=good, key_MD5=md5) == "InvalidArgument"
    assert put(algorithm="AES128", key=good, key_MD5=md5) == "InvalidEncryptionAlgorithmError"
    assert put(algorithm="AES256", key="c2hvcnQ=", key_MD5=md5) == "InvalidArgument"
    assert put(algorithm="AES256", key=base64.b64encode(OTHER).decode(), key_MD5=md5) == "InvalidArgument"
    assert error_code(s3.put_object, Bucket=b, Key="k", Body=b"x", ServerSideEncryption="AES256",
                      **customer()) == "InvalidArgument"


def test_customer_keys_of_uploads(h):
    s3, b = bucket(h, "sse-c-parts")
    parts = [os.urandom(5 * MIB), os.urandom(100)]
    up = s3.create_multipart_upload(Bucket=b, Key="m", **customer())["UploadId"]
    where = dict(Bucket=b, Key="m", UploadId=up)
    assert error_code(s3.upload_part, PartNumber=1, Body=b"x", **where) == "InvalidRequest"
    assert error_code(s3.upload_part, PartNumber=1, Body=b"x", **where, **customer(OTHER)) == "InvalidRequest"
    done = [{"PartNumber": i, "ETag": s3.upload_part(PartNumber=i, Body=p, **where, **customer())["ETag"]}
            for i, p in enumerate(parts, 1)]
    s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **where, **customer())
    assert read(s3, b, "m", **customer()) == b"".join(parts)
    assert read(s3, b, "m", PartNumber=2, **customer()) == parts[1]
    assert error_code(s3.get_object, Bucket=b, Key="m") == "InvalidRequest"
    plain = s3.create_multipart_upload(Bucket=b, Key="p")["UploadId"]
    assert error_code(s3.upload_part, Bucket=b, Key="p", UploadId=plain, PartNumber=1, Body=b"x",
                      **customer()) == "InvalidRequest"


def test_copies_change_the_key(h):
    s3, b = bucket(h, "sse-copies")
    key = new_key(h)
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    modes = {"plain": ({}, {}, {}), "customer": (customer(), customer(source=True), customer()),
             "kms": (kms, {}, {})}
    for size in (50, 10_000, 3 * MIB):
        data = os.urandom(size)
        for source, (put, from_, _) in modes.items():
            s3.put_object(Bucket=b, Key=source, Body=data, **put)
            for to, (put_to, _, get) in modes.items():
                s3.copy_object(Bucket=b, Key="to", CopySource=f"{b}/{source}", **put_to, **from_)
                assert read(s3, b, "to", **get) == data, (source, to, size)
    assert error_code(s3.copy_object, Bucket=b, Key="to", CopySource=f"{b}/customer") == "InvalidRequest"
    up = s3.create_multipart_upload(Bucket=b, Key="m", **kms)["UploadId"]
    part = s3.upload_part_copy(Bucket=b, Key="m", UploadId=up, PartNumber=1, CopySource=f"{b}/customer",
                               **customer(source=True))["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(Bucket=b, Key="m", UploadId=up,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    assert read(s3, b, "m") == data


def test_kms(h):
    s3, b = bucket(h, "sse-kms")
    key = new_key(h)
    for size in (0, 100, 10_000, 3 * MIB):
        data = os.urandom(size)
        r = s3.put_object(Bucket=b, Key="k", Body=data, ServerSideEncryption="aws:kms", SSEKMSKeyId=key.split("/")[1],
                          BucketKeyEnabled=True)
        assert r["ServerSideEncryption"] == "aws:kms" and r["SSEKMSKeyId"] == key and r["BucketKeyEnabled"]
        got = s3.get_object(Bucket=b, Key="k")
        assert got["Body"].read() == data and got["SSEKMSKeyId"] == key and got["BucketKeyEnabled"]
    up = s3.create_multipart_upload(Bucket=b, Key="m", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert up["SSEKMSKeyId"] == key
    part = s3.upload_part(Bucket=b, Key="m", UploadId=up["UploadId"], PartNumber=1, Body=b"x" * MIB)
    r = s3.complete_multipart_upload(Bucket=b, Key="m", UploadId=up["UploadId"],
                                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert r["SSEKMSKeyId"] == key and read(s3, b, "m") == b"x" * MIB
    missing = key.rsplit("/", 1)[0] + "/12345678-1234-1234-1234-123456789012"
    assert error_code(s3.put_object, Bucket=b, Key="n", Body=b"x", ServerSideEncryption="aws:kms",
                      SSEKMSKeyId=missing) == "KMS.NotFoundException"
    assert error_code(s3.put_object, Bucket=b, Key="n", Body=b"x", ServerSideEncryption="AES256",
                      SSEKMSKeyId=key) == "InvalidArgument"
    assert error_code(s3.put_object, Bucket=b, Key="n", Body=b"x",
                      ServerSideEncryption="aws:kms:dsse") == "NotImplemented"
    assert error_code(s3.put_object, Bucket=b, Key="n", Body=b"x", ServerSideEncryption="aws:kms",
                      SSEKMSEncryptionContext="nonsense") == "InvalidArgument"
    context = base64.b64encode(json.dumps({"team": "red"}).encode()).decode()
    s3.put_object(Bucket=b, Key="n", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSEncryptionContext=context)
    assert read(s3, b, "n") == b"x"


def test_the_key_decides(h):
    s3, b = bucket(h, "sse-kms-key")
    kms, iam = h.client("kms"), h.client("iam")
    key = new_key(h)
    s3.put_object(Bucket=b, Key="k", Body=b"x" * 20_000, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    access = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = h.client("s3", key=access["AccessKeyId"], secret=access["SecretAccessKey"])
    assert reader.head_object(Bucket=b, Key="k")["SSEKMSKeyId"] == key
    assert error_code(reader.get_object, Bucket=b, Key="k") == "AccessDenied"
    assert error_code(reader.put_object, Bucket=b, Key="l", Body=b"x", ServerSideEncryption="aws:kms",
                      SSEKMSKeyId=key) == "AccessDenied"
    kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::000000000000:user/reader", Operations=["Decrypt"],
                     Constraints={"EncryptionContextSubset": {"aws:s3:arn": f"arn:aws:s3:::{b}/k"}})
    assert read(reader, b, "k") == b"x" * 20_000
    kms.disable_key(KeyId=key)
    assert error_code(s3.get_object, Bucket=b, Key="k") == "KMS.DisabledException"
    assert error_code(s3.put_object, Bucket=b, Key="l", Body=b"x", ServerSideEncryption="aws:kms",
                      SSEKMSKeyId=key) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    kms.rotate_key_on_demand(KeyId=key)
    assert read(s3, b, "k") == b"x" * 20_000
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert error_code(s3.get_object, Bucket=b, Key="k") == "KMS.KMSInvalidStateException"
    # Strangers never read what lies under a key, whatever the bucket lets them.
    s3.delete_public_access_block(Bucket=b)
    s3.put_object(Bucket=b, Key="o", Body=b"x", ServerSideEncryption="aws:kms")
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{b}/*"}]}))
    assert h.get(f"/{b}/o")[0] == 400


def test_bucket_default(h):
    s3, b = bucket(h, "sse-default")
    default = s3.get_bucket_encryption(Bucket=b)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert default["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    s3.put_bucket_encryption(Bucket=b, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]})
    got = s3.get_bucket_encryption(Bucket=b)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert got["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms" and got["BucketKeyEnabled"]
    r = s3.put_object(Bucket=b, Key="k", Body=b"x")
    managed = h.client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert r["ServerSideEncryption"] == "aws:kms" and r["SSEKMSKeyId"] == managed["Arn"] and r["BucketKeyEnabled"]
    assert managed["KeyManager"] == "AWS"
    assert s3.put_object(Bucket=b, Key="l", Body=b"x", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    url = s3.generate_presigned_url("put_object", Params={"Bucket": b, "Key": "p"})
    urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT")).read()
    assert s3.head_object(Bucket=b, Key="p")["SSEKMSKeyId"] == managed["Arn"] and read(s3, b, "p") == b"by url"
    s3.put_bucket_encryption(Bucket=b, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
         "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]})
    assert error_code(s3.put_object, Bucket=b, Key="c", Body=b"x", **customer()) == "AccessDenied"
    s3.delete_bucket_encryption(Bucket=b)
    assert s3.put_object(Bucket=b, Key="c", Body=b"x")["ServerSideEncryption"] == "AES256"
    assert error_code(s3.put_bucket_encryption, Bucket=b, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "x"}}]}) == "InvalidArgument"


def test_nothing_is_on_the_disk_in_the_clear(h):
    s3, b = bucket(h, "sse-disk")
    text = b"in the clear nowhere "
    for key, more in (("c", customer()), ("k", {"ServerSideEncryption": "aws:kms"})):
        s3.put_object(Bucket=b, Key=key + "small", Body=text, **more)
        s3.put_object(Bucket=b, Key=key + "large", Body=text * 50_000, **more)
    assert not on_disk(h, text) and not on_disk(h, KEY)


def test_replicas_under_another_key(h):
    s3, b = bucket(h, "sse-from")
    bucket(h, "sse-to")
    for name in (b, "sse-to"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    one, two = new_key(h), new_key(h)
    rule = {"ID": "r", "Status": "Enabled", "Priority": 1, "Filter": {}, "DeleteMarkerReplication": {"Status": "Disabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": {"Bucket": "arn:aws:s3:::sse-to", "EncryptionConfiguration": {"ReplicaKmsKeyID": two}}}
    s3.put_bucket_replication(Bucket=b, ReplicationConfiguration={"Role": "arn:aws:iam::000000000000:role/r",
                                                                  "Rules": [rule]})
    for size in (100, 10_000, MIB):
        data = os.urandom(size)
        for key, put, get in (("k", {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": one}, {}),
                              ("c", customer(), customer()), ("p", {}, {})):
            s3.put_object(Bucket=b, Key=f"{key}{size}", Body=data, **put)
            s3.get_waiter("object_exists").wait(Bucket="sse-to", Key=f"{key}{size}", **get,
                                                WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
            assert read(s3, "sse-to", f"{key}{size}", **get) == data
    assert s3.head_object(Bucket="sse-to", Key="k100")["SSEKMSKeyId"] == two


def test_another_encryption_for_what_is_there(h):
    s3, b = bucket(h, "sse-update")
    one, two = new_key(h), new_key(h)
    s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    for key, data, put in (("small", b"x" * 500, {}), ("middle", b"y" * 10_000, {}),
                           ("large", b"z" * MIB, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": one})):
        before = s3.put_object(Bucket=b, Key=key, Body=data, **put)
        s3.update_object_encryption(Bucket=b, Key=key, ObjectEncryption={
            "SSEKMS": {"KMSKeyArn": two, "BucketKeyEnabled": True}})
        got = s3.get_object(Bucket=b, Key=key)
        assert got["Body"].read() == data and got["SSEKMSKeyId"] == two and got["BucketKeyEnabled"]
        assert got["VersionId"] == before["VersionId"] and got["ETag"] == before["ETag"]
    s3.put_object(Bucket=b, Key="blob", Body=b"x" * MIB)
    s3.put_object(Bucket=b, Key="customer", Body=b"x", **customer())
    to = {"SSEKMS": {"KMSKeyArn": two}}
    assert error_code(s3.update_object_encryption, Bucket=b, Key="blob", ObjectEncryption=to) == "NotImplemented"
    assert error_code(s3.update_object_encryption, Bucket=b, Key="customer", ObjectEncryption=to) == "InvalidRequest"
    assert error_code(s3.update_object_encryption, Bucket=b, Key="nothing", ObjectEncryption=to) == "NoSuchKey"
