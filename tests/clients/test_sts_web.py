"""AssumeRoleWithWebIdentity against a real issuer on this machine, with real signatures."""
import base64
import http.server
import json
import subprocess
import tempfile
import threading
import time

from botocore import UNSIGNED

from haneul import error_code

ACCOUNT = "000000000000"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Serves its configuration and keys; signs tokens with openssl."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.keys, self.hits = {}, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.hits += 1
                if self.path == "/.well-known/openid-configuration":
                    doc = {"issuer": outer.url, "jwks_uri": outer.url + "/keys"}
                elif self.path == "/keys":
                    doc = {"keys": list(outer.keys.values())}
                else:
                    return self.send_error(404)
                body = json.dumps(doc).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add_rsa(self, kid):
        path = f"{self.dir.name}/{kid}"
        subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
        out = subprocess.run(["openssl", "rsa", "-in", path, "-modulus", "-noout"], check=True, capture_output=True, text=True)
        n = bytes.fromhex(out.stdout.strip().split("=")[1])
        self.keys[kid] = {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(n), "e": "AQAB"}

    def add_ec(self, kid):
        path = f"{self.dir.name}/{kid}"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path], check=True, capture_output=True)
        der = subprocess.run(["openssl", "ec", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        point = der[-64:]
        self.keys[kid] = {"kty": "EC", "kid": kid, "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}

    def token(self, kid, alg="RS256", **claims):
        now = int(time.time())
        body = {"iss": self.url, "sub": "robot-7", "aud": "my-app", "iat": now, "exp": now + 600, **claims}
        head = b64(json.dumps({"alg": alg, "kid": kid, "typ": "JWT"}).encode())
        text = head + "." + b64(json.dumps(body).encode())
        sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", f"{self.dir.name}/{kid}"],
                             input=text.encode(), check=True, capture_output=True).stdout
        if alg == "ES256":
            def number(at):
                size = sig[at + 1]
                return sig[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"), at + 2 + size
            r, at = number(2)
            s, _ = number(at)
            sig = r + s
        return text + "." + b64(sig)


def setup(h, issuer, name, **condition):
    iam = h.client("iam")
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.url[7:]}"
    if error_code(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn):
        iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["my-app"], ThumbprintList=["a" * 40])
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity",
         "Condition": {"StringEquals": {f"{issuer.url[7:]}:{k}": v for k, v in condition.items()}}}]}
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def test_web_identity(h):
    issuer = Issuer()
    issuer.add_rsa("rsa1")
    role = setup(h, issuer, "web", aud="my-app", sub="robot-7")
    sts = h.client("sts", signature_version=UNSIGNED)

    def ask(token, arn=role):
        return error_code(sts.assume_role_with_web_identity, RoleArn=arn, RoleSessionName="ww", WebIdentityToken=token)

    good = issuer.token("rsa1")
    got = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ww", WebIdentityToken=good)
    assert got["SubjectFromWebIdentityToken"] == "robot-7" and got["Audience"] == "my-app"
    assert got["AssumedRoleUser"]["Arn"].endswith(":assumed-role/web/ww")
    hits = issuer.hits
    assert ask(good) is None and issuer.hits == hits, "keys are kept"
    assert ask(issuer.token("rsa1", sub="robot-8")) == "AccessDenied"
    assert ask(issuer.token("rsa1", aud="other")) == "InvalidIdentityToken"
    assert ask(issuer.token("rsa1", exp=int(time.time()) - 5)) == "ExpiredTokenException"
    head, body, sig = good.split(".")
    forged = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged["sub"] = "root"
    assert ask(".".join([head, b64(json.dumps(forged).encode()), sig])) == "InvalidIdentityToken"
    none = b64(json.dumps({"alg": "none", "kid": "rsa1"}).encode())
    assert ask(".".join([none, body, ""])) == "InvalidIdentityToken"
    hmac = b64(json.dumps({"alg": "HS256", "kid": "rsa1"}).encode())
    assert ask(".".join([hmac, body, sig])) == "InvalidIdentityToken"
    assert ask("not-a-token") == "InvalidIdentityToken"
    assert ask(good, f"arn:aws:iam::{ACCOUNT}:role/none") == "AccessDenied"
    assert ask(good, "arn:aws:iam::999999999999:role/web") == "InvalidIdentityToken"


def test_new_keys_are_fetched(h):
    issuer = Issuer()
    issuer.add_rsa("old")
    role = setup(h, issuer, "rotating", aud="my-app")
    sts = h.client("sts", signature_version=UNSIGNED)
    sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ww", WebIdentityToken=issuer.token("old"))
    issuer.add_ec("new")
    h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 20000}')
    token = issuer.token("new", alg="ES256")
    sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ww", WebIdentityToken=token)


def test_an_issuer_that_does_not_answer(h):
    issuer = Issuer()
    issuer.add_rsa("k")
    role = setup(h, issuer, "silent", aud="my-app")
    token = issuer.token("k")
    issuer.server.shutdown()
    issuer.server.server_close()
    sts = h.client("sts", signature_version=UNSIGNED)
    assert error_code(sts.assume_role_with_web_identity, RoleArn=role, RoleSessionName="ww",
                      WebIdentityToken=token) == "IDPCommunicationError"
