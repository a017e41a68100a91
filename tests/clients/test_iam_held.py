"""What else a user holds: SSH public keys, signing certificates, credentials of single services."""
import os
import subprocess
import tempfile

from haneul import error_code


def made(*command):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([x.replace("DIR", d) for x in command], check=True, capture_output=True)
        return {n: open(os.path.join(d, n)).read() for n in os.listdir(d)}


def test_ssh_public_keys(h):
    iam = h.client("iam")
    iam.create_user(UserName="coder")
    keys = made("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "me@here", "-f", "DIR/k")
    public = keys["k.pub"]
    up = iam.upload_ssh_public_key(UserName="coder", SSHPublicKeyBody=public)["SSHPublicKey"]
    assert up["SSHPublicKeyId"].startswith("APKA") and up["Status"] == "Active"
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "k.pub")
        open(path, "w").write(public)
        told = subprocess.run(["ssh-keygen", "-l", "-E", "md5", "-f", path], capture_output=True, text=True, check=True).stdout
        pem = subprocess.run(["ssh-keygen", "-e", "-m", "PKCS8", "-f", path], capture_output=True, text=True, check=True).stdout
    assert up["Fingerprint"] == told.split()[1].removeprefix("MD5:")
    one = {"UserName": "coder", "SSHPublicKeyId": up["SSHPublicKeyId"]}
    assert iam.get_ssh_public_key(**one, Encoding="SSH")["SSHPublicKey"]["SSHPublicKeyBody"].split() == public.split()[:2]
    assert iam.get_ssh_public_key(**one, Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"] == pem
    assert error_code(iam.upload_ssh_public_key, UserName="coder", SSHPublicKeyBody=pem) == "DuplicateSSHPublicKey"
    assert error_code(iam.upload_ssh_public_key, UserName="coder", SSHPublicKeyBody="ssh-rsa AAAA x") == "InvalidPublicKey"
    assert error_code(iam.upload_ssh_public_key, UserName="coder", SSHPublicKeyBody="hello") == "UnrecognizedPublicKeyEncoding"
    assert error_code(iam.upload_ssh_public_key, UserName="nobody", SSHPublicKeyBody=public) == "NoSuchEntity"
    for _ in range(4):
        more = made("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "DIR/k")["k.pub"]
        iam.upload_ssh_public_key(UserName="coder", SSHPublicKeyBody=more)
    assert error_code(iam.upload_ssh_public_key, UserName="coder", SSHPublicKeyBody=made(
        "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "DIR/k")["k.pub"]) == "LimitExceeded"
    page = iam.get_paginator("list_ssh_public_keys").paginate(UserName="coder", PaginationConfig={"PageSize": 2})
    ids = [k["SSHPublicKeyId"] for p in page for k in p["SSHPublicKeys"]]
    assert len(set(ids)) == 5 and up["SSHPublicKeyId"] in ids
    iam.update_ssh_public_key(**one, Status="Inactive")
    assert iam.get_ssh_public_key(**one, Encoding="SSH")["SSHPublicKey"]["Status"] == "Inactive"
    assert error_code(iam.delete_user, UserName="coder") == "DeleteConflict"
    for i in ids:
        iam.delete_ssh_public_key(UserName="coder", SSHPublicKeyId=i)
    assert error_code(iam.delete_ssh_public_key, **one) == "NoSuchEntity"
    iam.delete_user(UserName="coder")


def test_signing_certificates(h):
    iam = h.client("iam")
    iam.create_user(UserName="signer")
    pems = [made("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                 "-keyout", "DIR/k", "-out", "DIR/c")["c"] for _ in range(3)]
    up = iam.upload_signing_certificate(UserName="signer", CertificateBody=pems[0])["Certificate"]
    assert len(up["CertificateId"]) == 32 and up["CertificateBody"] == pems[0]
    assert error_code(iam.upload_signing_certificate, UserName="signer", CertificateBody=pems[0]) == "DuplicateCertificate"
    assert error_code(iam.upload_signing_certificate, UserName="signer", CertificateBody="x") == "MalformedCertificate"
    iam.upload_signing_certificate(UserName="signer", CertificateBody=pems[1])
    assert error_code(iam.upload_signing_certificate, UserName="signer", CertificateBody=pems[2]) == "LimitExceeded"
    iam.update_signing_certificate(UserName="signer", CertificateId=up["CertificateId"], Status="Inactive")
    page = iam.get_paginator("list_signing_certificates").paginate(UserName="signer", PaginationConfig={"PageSize": 1})
    listed = [c for p in page for c in p["Certificates"]]
    assert [c["Status"] for c in listed] == ["Inactive", "Active"]
    assert error_code(iam.delete_user, UserName="signer") == "DeleteConflict"
    for c in listed:
        iam.delete_signing_certificate(UserName="signer", CertificateId=c["CertificateId"])
    assert error_code(iam.delete_signing_certificate, UserName="signer", CertificateId=up["CertificateId"]) == "NoSuchEntity"
    iam.delete_user(UserName="signer")


def test_no_service_takes_credentials_of_its_own(h):
    iam = h.client("iam")
    iam.create_user(UserName="git")
    assert iam.list_service_specific_credentials(UserName="git")["ServiceSpecificCredentials"] == []
    assert error_code(iam.create_service_specific_credential, UserName="git",
                      ServiceName="codecommit.amazonaws.com") == "NotSupportedService"
    assert error_code(iam.list_service_specific_credentials, UserName="nobody") == "NoSuchEntity"
    iam.delete_user(UserName="git")
