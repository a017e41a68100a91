"""EC2 key pairs through boto3 and the aws CLI; what ssh-keygen, openssl and puttygen say of them."""
import base64
import os
import subprocess
import tempfile

from haneul import error_code


def run(*argv, data=None):
    return subprocess.run(argv, input=data, capture_output=True, check=True).stdout


def private_file(folder, material):
    path = os.path.join(folder, "key")
    with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(material)
    return path


def openssl_sha1(path):
    der = run("openssl", "pkcs8", "-in", path, "-topk8", "-nocrypt", "-outform", "DER")
    return run("openssl", "sha1", "-c", data=der).decode().split("= ")[1].strip()


def ssh_sha256(path):
    return run("ssh-keygen", "-lf", path).decode().split()[1].removeprefix("SHA256:")


def test_rsa(h):
    with tempfile.TemporaryDirectory() as folder:
        rsa(h, folder)


def rsa(h, folder):
    e = h.client("ec2")
    made = e.create_key_pair(KeyName="keys-rsa", TagSpecifications=[
        {"ResourceType": "key-pair", "Tags": [{"Key": "Name", "Value": "mine"}]}])
    path = private_file(folder, made["KeyMaterial"])
    assert made["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert made["KeyFingerprint"] == openssl_sha1(path)
    got = e.describe_key_pairs(KeyNames=["keys-rsa"], IncludePublicKey=True)["KeyPairs"][0]
    public = run("ssh-keygen", "-yf", path).decode().split()
    assert got["PublicKey"].split() == public[:2] + ["keys-rsa"]
    assert got["KeyType"] == "rsa" and got["Tags"] == [{"Key": "Name", "Value": "mine"}]
    assert error_code(e.create_key_pair, KeyName="keys-rsa") == "InvalidKeyPair.Duplicate"
    assert error_code(e.describe_key_pairs, KeyNames=["keys-none"]) == "InvalidKeyPair.NotFound"
    assert error_code(e.describe_key_pairs, KeyPairIds=["key-0123456789abcdef0"]) == "InvalidKeyPair.NotFound"
    assert error_code(e.create_key_pair, KeyName="keys-dry", DryRun=True) == "DryRunOperation"
    # More than are kept ready: the later ones wait for the worker.
    names = [f"keys-many-{i}" for i in range(8)]
    assert len({e.create_key_pair(KeyName=n)["KeyFingerprint"] for n in names}) == 8
    found = e.describe_key_pairs(Filters=[{"Name": "key-name", "Values": ["keys-many-*"]}])["KeyPairs"]
    assert sorted(k["KeyName"] for k in found) == names
    assert e.delete_key_pair(KeyPairId=made["KeyPairId"])["Return"] is True
    assert error_code(e.describe_key_pairs, KeyNames=["keys-rsa"]) == "InvalidKeyPair.NotFound"
    assert e.delete_key_pair(KeyName="keys-rsa")["Return"] is True


def test_ed25519(h):
    with tempfile.TemporaryDirectory() as folder:
        ed25519(h, folder)


def ed25519(h, folder):
    e = h.client("ec2")
    made = e.create_key_pair(KeyName="keys-ed", KeyType="ed25519")
    path = private_file(folder, made["KeyMaterial"])
    assert made["KeyFingerprint"].rstrip("=") == ssh_sha256(path)
    got = e.describe_key_pairs(KeyNames=["keys-ed"], IncludePublicKey=True)["KeyPairs"][0]
    assert got["PublicKey"].split()[:2] == run("ssh-keygen", "-yf", path).decode().split()[:2]


def putty(h, kind, folder):
    e = h.client("ec2")
    made = e.create_key_pair(KeyName=f"keys-ppk-{kind}", KeyType=kind, KeyFormat="ppk")
    path = private_file(folder, made["KeyMaterial"])
    assert made["KeyMaterial"].startswith("PuTTY-User-Key-File-3: ssh-")
    public = e.describe_key_pairs(KeyNames=[made["KeyName"]], IncludePublicKey=True)["KeyPairs"][0]["PublicKey"]
    assert run("puttygen", path, "-L").decode().split()[:2] == public.split()[:2]
    again = os.path.join(folder, "again")
    run("puttygen", path, "-O", "private-openssh", "-o", again)
    os.chmod(again, 0o600)
    assert run("ssh-keygen", "-yf", again).decode().split()[:2] == public.split()[:2]


def test_putty(h):
    for kind in ("rsa", "ed25519"):
        with tempfile.TemporaryDirectory() as folder:
            putty(h, kind, folder)


def test_import(h):
    with tempfile.TemporaryDirectory() as folder:
        imported(h, folder)


def imported(h, folder):
    e = h.client("ec2")
    rsa, ed = os.path.join(folder, "rsa"), os.path.join(folder, "ed")
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ed)
    pem = run("ssh-keygen", "-ef", rsa + ".pub", "-m", "PKCS8")
    der = run("openssl", "pkey", "-pubin", "-outform", "DER", data=pem)
    md5 = run("openssl", "md5", "-c", data=der).decode().split("= ")[1].strip()
    forms = {"line": open(rsa + ".pub", "rb").read(), "rfc": run("ssh-keygen", "-ef", rsa + ".pub"),
             "der": der, "der64": base64.b64encode(der)}
    for name, material in forms.items():
        got = e.import_key_pair(KeyName=f"keys-import-{name}", PublicKeyMaterial=material)
        assert got["KeyFingerprint"] == md5, name
    got = e.import_key_pair(KeyName="keys-import-ed", PublicKeyMaterial=open(ed + ".pub", "rb").read())
    assert got["KeyFingerprint"].rstrip("=") == ssh_sha256(ed)
    assert error_code(e.import_key_pair, KeyName="keys-bad", PublicKeyMaterial=b"nonsense") == "InvalidKey.Format"
    assert error_code(e.import_key_pair, KeyName="keys-import-ed", PublicKeyMaterial=b"x") == "InvalidKeyPair.Duplicate"
