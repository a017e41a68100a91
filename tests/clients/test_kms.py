"""Key management as clients see it: keys, ciphertexts, signatures, policies, grants, the clock."""
import base64
import hashlib
import json
import subprocess
import tempfile

from botocore.exceptions import ClientError

from haneul import error_code, wait_until

ROOT = "arn:aws:iam::000000000000:root"


def new_user(h, name):
    """A user with a key; returns a client of KMS with that key."""
    iam = h.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return h.client("kms", key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def message(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ClientError as e:
        return e.response["Error"]["Message"]
    return None


def new_key(h, **options):
    return h.client("kms").create_key(**options)["KeyMetadata"]


def test_a_key_and_its_metadata(h):
    kms = h.client("kms")
    m = new_key(h, Description="first", Tags=[{"TagKey": "a", "TagValue": "1"}])
    assert m["KeyState"] == "Enabled" and m["Enabled"] and m["KeyManager"] == "CUSTOMER"
    assert m["KeySpec"] == m["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT"
    assert m["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"] and m["Origin"] == "AWS_KMS"
    assert m["Arn"] == f"arn:aws:kms:us-east-1:000000000000:key/{m['KeyId']}" and not m["MultiRegion"]
    for name in (m["KeyId"], m["Arn"]):
        assert kms.describe_key(KeyId=name)["KeyMetadata"]["Description"] == "first"
    kms.update_key_description(KeyId=m["KeyId"], Description="second")
    assert kms.describe_key(KeyId=m["KeyId"])["KeyMetadata"]["Description"] == "second"
    missing = "12345678-1234-1234-1234-123456789012"
    assert error_code(kms.describe_key, KeyId=missing) == "NotFoundException"
    assert message(kms.describe_key, KeyId=missing) == \
        f"Key 'arn:aws:kms:us-east-1:000000000000:key/{missing}' does not exist"
    assert error_code(kms.describe_key, KeyId="nonsense") == "NotFoundException"
    assert error_code(h.client("kms", region="eu-west-1").describe_key, KeyId=m["Arn"]) == "NotFoundException"
    assert error_code(kms.create_key, KeySpec="RSA_2048") == "ValidationException"
    assert error_code(kms.create_key, KeySpec="HMAC_256", KeyUsage="SIGN_VERIFY") == "ValidationException"
    assert error_code(kms.create_key, KeySpec="SM2", KeyUsage="SIGN_VERIFY") == "UnsupportedOperationException"
    assert error_code(kms.create_key, Origin="EXTERNAL") == "UnsupportedOperationException"


def test_listing_pages(h):
    kms = h.client("kms", region="eu-central-1")
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    first = kms.list_keys(Limit=2)
    assert len(first["Keys"]) == 2 and first["Truncated"]
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    assert {k["KeyId"] for p in pages for k in p["Keys"]} == made
    assert error_code(kms.list_keys, Marker="x") == "InvalidMarkerException"
    for i, key in enumerate(sorted(made)):
        kms.create_alias(AliasName=f"alias/n{i}", TargetKeyId=key)
    names = [a["AliasName"] for p in kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2})
             for a in p["Aliases"]]
    assert names == [f"alias/n{i}" for i in range(5)]


def test_aliases(h):
    kms = h.client("kms")
    one, two = new_key(h), new_key(h)
    kms.create_alias(AliasName="alias/mine", TargetKeyId=one["KeyId"])
    assert error_code(kms.create_alias, AliasName="alias/mine", TargetKeyId=one["KeyId"]) == "AlreadyExistsException"
    assert error_code(kms.create_alias, AliasName="mine", TargetKeyId=one["KeyId"]) == "InvalidAliasNameException"
    assert error_code(kms.create_alias, AliasName="alias/aws/x", TargetKeyId=one["KeyId"]) == "InvalidAliasNameException"
    sealed = kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["CiphertextBlob"]
    assert kms.describe_key(KeyId="alias/mine")["KeyMetadata"]["KeyId"] == one["KeyId"]
    kms.update_alias(AliasName="alias/mine", TargetKeyId=two["Arn"])
    got = kms.list_aliases(KeyId=two["KeyId"])["Aliases"]
    assert [a["AliasName"] for a in got] == ["alias/mine"] and got[0]["TargetKeyId"] == two["KeyId"]
    assert kms.decrypt(CiphertextBlob=sealed)["KeyId"] == one["Arn"]
    # Most operations want the key itself.
    assert error_code(kms.disable_key, KeyId="alias/mine") == "NotFoundException"
    kms.delete_alias(AliasName="alias/mine")
    assert error_code(kms.encrypt, KeyId="alias/mine", Plaintext=b"x") == "NotFoundException"
    assert error_code(kms.delete_alias, AliasName="alias/mine") == "NotFoundException"


def test_encrypt_decrypt(h):
    kms, key = h.client("kms"), new_key(h)
    context = {"purpose": "test", "a": "b"}
    r = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=context)
    assert r["KeyId"] == key["Arn"] and b"secret" not in r["CiphertextBlob"]
    assert kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"] != \
        r["CiphertextBlob"]
    d = kms.decrypt(CiphertextBlob=r["CiphertextBlob"], EncryptionContext=context)
    assert d["Plaintext"] == b"secret" and d["KeyId"] == key["Arn"]
    assert error_code(kms.decrypt, CiphertextBlob=r["CiphertextBlob"]) == "InvalidCiphertextException"
    broken = r["CiphertextBlob"][:-1] + bytes([r["CiphertextBlob"][-1] ^ 1])
    assert error_code(kms.decrypt, CiphertextBlob=broken, EncryptionContext=context) == "InvalidCiphertextException"
    assert error_code(kms.decrypt, CiphertextBlob=b"nonsense") == "InvalidCiphertextException"
    other = new_key(h)
    assert error_code(kms.decrypt, CiphertextBlob=r["CiphertextBlob"], EncryptionContext=context,
                      KeyId=other["KeyId"]) == "IncorrectKeyException"
    assert error_code(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x" * 4097) == "ValidationException"
    assert error_code(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x", DryRun=True) == "DryRunOperationException"
    again = kms.re_encrypt(CiphertextBlob=r["CiphertextBlob"], SourceEncryptionContext=context,
                           DestinationKeyId=other["KeyId"])
    assert again["SourceKeyId"] == key["Arn"] and again["KeyId"] == other["Arn"]
    assert kms.decrypt(CiphertextBlob=again["CiphertextBlob"])["Plaintext"] == b"secret"


def test_data_keys_and_random(h):
    kms, key = h.client("kms"), new_key(h)
    r = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", EncryptionContext={"x": "y"})
    assert len(r["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=r["CiphertextBlob"], EncryptionContext={"x": "y"})["Plaintext"] == r["Plaintext"]
    r = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], NumberOfBytes=64)
    assert "Plaintext" not in r and len(kms.decrypt(CiphertextBlob=r["CiphertextBlob"])["Plaintext"]) == 64
    assert error_code(kms.generate_data_key, KeyId=key["KeyId"]) == "ValidationException"
    assert error_code(kms.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256",
                      NumberOfBytes=3) == "ValidationException"
    for spec in ("ECC_NIST_P256", "RSA_2048"):
        r = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec)
        assert kms.decrypt(CiphertextBlob=r["PrivateKeyCiphertextBlob"])["Plaintext"] == r["PrivateKeyPlaintext"]
        assert openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER",
                       input=r["PrivateKeyPlaintext"]) == r["PublicKey"]
    r = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P384")
    assert "PrivateKeyPlaintext" not in r and r["PublicKey"]
    a, b = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert len(a) == 32 and a != b


def openssl(*args, input=None):
    return subprocess.run(["openssl", *args], input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True, timeout=30).stdout


def outside_verifies(public, message_, signature, *options):
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as sig:
        key.write(openssl("pkey", "-pubin", "-inform", "DER", "-pubout", input=public))
        key.flush()
        sig.write(signature)
        sig.flush()
        return b"OK" in openssl("dgst", "-sha256", *options, "-verify", key.name, "-signature", sig.name,
                                input=message_)


def test_signatures(h):
    kms = h.client("kms")
    for spec, algorithm, options in (
            ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", ()),
            ("RSA_2048", "RSASSA_PSS_SHA_256", ("-sigopt", "rsa_padding_mode:pss")),
            ("ECC_NIST_P256", "ECDSA_SHA_256", ()), ("ECC_SECG_P256K1", "ECDSA_SHA_256", ())):
        key = new_key(h, KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyId"]
        r = kms.sign(KeyId=key, Message=b"hello", SigningAlgorithm=algorithm)
        public = kms.get_public_key(KeyId=key)
        assert algorithm in public["SigningAlgorithms"] and public["KeySpec"] == spec
        assert outside_verifies(public["PublicKey"], b"hello", r["Signature"], *options)
        digest = hashlib.sha256(b"hello").digest()
        assert kms.verify(KeyId=key, Message=digest, MessageType="DIGEST", Signature=r["Signature"],
                          SigningAlgorithm=algorithm)["SignatureValid"]
        r = kms.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm)
        assert kms.verify(KeyId=key, Message=b"hello", Signature=r["Signature"],
                          SigningAlgorithm=algorithm)["SignatureValid"]
        assert error_code(kms.verify, KeyId=key, Message=b"other", Signature=r["Signature"],
                          SigningAlgorithm=algorithm) == "KMSInvalidSignatureException"
        assert error_code(kms.sign, KeyId=key, Message=b"short", MessageType="DIGEST",
                          SigningAlgorithm=algorithm) == "ValidationException"
        assert error_code(kms.encrypt, KeyId=key, Plaintext=b"x") == "InvalidKeyUsageException"
    key = new_key(h, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyId"]
    r = kms.sign(KeyId=key, Message=b"hello", SigningAlgorithm="ED25519_SHA_512")
    assert kms.verify(KeyId=key, Message=b"hello", Signature=r["Signature"],
                      SigningAlgorithm="ED25519_SHA_512")["SignatureValid"]
    assert error_code(kms.get_public_key, KeyId=new_key(h)["KeyId"]) == "UnsupportedOperationException"


def test_rsa_encryption(h):
    kms = h.client("kms")
    key = new_key(h, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    for algorithm, most in (("RSAES_OAEP_SHA_256", 190), ("RSAES_OAEP_SHA_1", 214)):
        r = kms.encrypt(KeyId=key, Plaintext=b"x" * most, EncryptionAlgorithm=algorithm)
        assert kms.decrypt(KeyId=key, CiphertextBlob=r["CiphertextBlob"],
                           EncryptionAlgorithm=algorithm)["Plaintext"] == b"x" * most
        assert error_code(kms.encrypt, KeyId=key, Plaintext=b"x" * (most + 1),
                          EncryptionAlgorithm=algorithm) == "ValidationException"
    assert error_code(kms.encrypt, KeyId=key, Plaintext=b"x") == "InvalidKeyUsageException"


def test_macs_and_shared_secrets(h):
    kms = h.client("kms")
    key = new_key(h, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    mac = kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert len(mac) == 32
    assert kms.verify_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"]
    assert error_code(kms.verify_mac, KeyId=key, Message=b"n", MacAlgorithm="HMAC_SHA_256",
                      Mac=mac) == "KMSInvalidMacException"
    assert error_code(kms.generate_mac, KeyId=key, Message=b"m",
                      MacAlgorithm="HMAC_SHA_512") == "InvalidKeyUsageException"
    a, b = (new_key(h, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyId"] for _ in range(2))
    one, two = (kms.derive_shared_secret(KeyId=x, KeyAgreementAlgorithm="ECDH",
                                         PublicKey=kms.get_public_key(KeyId=y)["PublicKey"])["SharedSecret"]
                for x, y in ((a, b), (b, a)))
    assert one == two and len(one) == 32


def test_states(h):
    kms, key = h.client("kms"), new_key(h)["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert error_code(kms.encrypt, KeyId=key, Plaintext=b"x") == "DisabledException"
    assert error_code(kms.decrypt, CiphertextBlob=sealed) == "DisabledException"
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    assert error_code(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=6) == "ValidationException"
    r = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert r["KeyState"] == "PendingDeletion" and r["DeletionDate"]
    assert error_code(kms.decrypt, CiphertextBlob=sealed) == "KMSInvalidStateException"
    assert error_code(kms.enable_key, KeyId=key) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    assert error_code(kms.cancel_key_deletion, KeyId=key) == "KMSInvalidStateException"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_deletion_and_rotation_on_the_clock(h):
    kms = h.client("kms")
    gone, kept = new_key(h)["KeyId"], new_key(h)["KeyId"]
    kms.create_alias(AliasName="alias/gone", TargetKeyId=gone)
    sealed = kms.encrypt(KeyId=kept, Plaintext=b"old")["CiphertextBlob"]
    kms.enable_key_rotation(KeyId=kept, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=kept)
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 90 and status["NextRotationDate"]
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=30)
    h.command("clock", "advance", "91d")
    wait_until(lambda: kms.list_key_rotations(KeyId=kept)["Rotations"], what="the rotation")
    wait_until(lambda: error_code(kms.describe_key, KeyId=gone) == "NotFoundException", what="the deletion")
    rotations = kms.list_key_rotations(KeyId=kept)["Rotations"]
    assert [r["RotationType"] for r in rotations] == ["AUTOMATIC"]
    assert "alias/gone" not in [a["AliasName"] for a in kms.list_aliases()["Aliases"]]
    kms.rotate_key_on_demand(KeyId=kept)
    every = kms.list_key_rotations(KeyId=kept, IncludeKeyMaterial="ALL_KEY_MATERIAL", Limit=2)
    assert every["Truncated"] and every["NextMarker"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"old"
    kms.disable_key_rotation(KeyId=kept)
    assert not kms.get_key_rotation_status(KeyId=kept)["KeyRotationEnabled"]
    hmac_key = new_key(h, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    assert error_code(kms.enable_key_rotation, KeyId=hmac_key) == "UnsupportedOperationException"


def test_tags(h):
    kms, key = h.client("kms"), new_key(h)["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "3"}])
    first = kms.list_resource_tags(KeyId=key, Limit=1)
    assert first["Tags"] == [{"TagKey": "a", "TagValue": "3"}] and first["Truncated"]
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    assert error_code(kms.tag_resource, KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": ""}]) == "TagException"


def test_policies_bite(h):
    kms, key = h.client("kms"), new_key(h)
    hers = new_user(h, "kms-alice")
    assert error_code(hers.encrypt, KeyId=key["KeyId"], Plaintext=b"x") == "AccessDeniedException"
    h.client("iam").put_user_policy(UserName="kms-alice", PolicyName="p",
                                    PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": key["Arn"]}]}))
    sealed = hers.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert error_code(hers.decrypt, CiphertextBlob=sealed) == "AccessDeniedException"
    # Without the account in the key's policy, IAM has no say.
    own = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": ["kms:*Polic*"], "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/kms-alice"}, "Action": "kms:Decrypt",
         "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:team": "red"}}}]}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(own))
    assert json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"]) == own
    assert kms.list_key_policies(KeyId=key["KeyId"])["PolicyNames"] == ["default"]
    assert error_code(hers.encrypt, KeyId=key["KeyId"], Plaintext=b"x") == "AccessDeniedException"
    assert error_code(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x") == "AccessDeniedException"
    assert error_code(hers.decrypt, CiphertextBlob=sealed) == "AccessDeniedException"
    # The condition holds, so what is wrong now is the context.
    assert error_code(hers.decrypt, CiphertextBlob=sealed,
                      EncryptionContext={"team": "red"}) == "InvalidCiphertextException"
    assert error_code(kms.put_key_policy, KeyId=key["KeyId"], Policy="{}") == "MalformedPolicyDocumentException"
    locked = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:Encrypt", "Resource": "*"}]}
    assert error_code(kms.put_key_policy, KeyId=key["KeyId"],
                      Policy=json.dumps(locked)) == "MalformedPolicyDocumentException"
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(locked), BypassPolicyLockoutSafetyCheck=True)
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_grants(h):
    kms, key = h.client("kms"), new_key(h)["KeyId"]
    bob = "arn:aws:iam::000000000000:user/kms-bob"
    his = new_user(h, "kms-bob")
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"d": "1"})["CiphertextBlob"]
    assert error_code(his.decrypt, CiphertextBlob=sealed, EncryptionContext={"d": "1"}) == "AccessDeniedException"
    g = kms.create_grant(KeyId=key, GranteePrincipal=bob, RetiringPrincipal=bob, Operations=["Decrypt"], Name="n",
                         Constraints={"EncryptionContextSubset": {"d": "1"}})
    assert kms.create_grant(KeyId=key, GranteePrincipal=bob, RetiringPrincipal=bob, Operations=["Decrypt"], Name="n",
                            Constraints={"EncryptionContextSubset": {"d": "1"}})["GrantId"] == g["GrantId"]
    assert his.decrypt(CiphertextBlob=sealed, EncryptionContext={"d": "1"})["Plaintext"] == b"x"
    assert error_code(his.encrypt, KeyId=key, Plaintext=b"x") == "AccessDeniedException"
    listed = kms.list_grants(KeyId=key)["Grants"]
    assert len(listed) == 1 and listed[0]["Constraints"] == {"EncryptionContextSubset": {"d": "1"}}
    assert [x["GrantId"] for x in kms.list_retirable_grants(RetiringPrincipal=bob)["Grants"]] == [g["GrantId"]]
    his.retire_grant(GrantToken=g["GrantToken"])
    assert error_code(his.decrypt, CiphertextBlob=sealed, EncryptionContext={"d": "1"}) == "AccessDeniedException"
    ids = [kms.create_grant(KeyId=key, GranteePrincipal=bob, Operations=["Encrypt"])["GrantId"] for _ in range(3)]
    page = kms.list_grants(KeyId=key, Limit=2)
    assert page["Truncated"] and len(page["Grants"]) == 2
    kms.revoke_grant(KeyId=key, GrantId=ids[0])
    assert error_code(kms.revoke_grant, KeyId=key, GrantId=ids[0]) == "NotFoundException"


def test_another_account(h):
    key = new_key(h)
    other = h.client("kms", key="333333333333")
    assert error_code(other.encrypt, KeyId=key["Arn"], Plaintext=b"x") == "AccessDeniedException"
    h.client("kms").put_key_policy(KeyId=key["KeyId"], Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "333333333333"}, "Action": ["kms:Encrypt", "kms:Decrypt"],
         "Resource": "*"}]}))
    sealed = other.encrypt(KeyId=key["Arn"], Plaintext=b"x")["CiphertextBlob"]
    assert other.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    assert error_code(other.disable_key, KeyId=key["Arn"]) == "AccessDeniedException"


def test_cli(h):
    key = h.cli_json("kms", "create-key", "--description", "by the cli")["KeyMetadata"]["KeyId"]
    sealed = h.cli_json("kms", "encrypt", "--key-id", key, "--plaintext", "hello")["CiphertextBlob"]
    with tempfile.NamedTemporaryFile() as f:
        f.write(base64.b64decode(sealed))
        f.flush()
        plain = h.cli_json("kms", "decrypt", "--ciphertext-blob", f"fileb://{f.name}")["Plaintext"]
    assert base64.b64decode(plain) == b"hello"
