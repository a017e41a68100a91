"""AssumeRoleWithSAML with assertions that are really signed, and the ways to forge them."""
import base64
import hashlib
import json
import subprocess
import tempfile
import time

from botocore import UNSIGNED

from haneul import error_code

ACCOUNT = "000000000000"
HEAD = "https://aws.amazon.com/SAML/Attributes/"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
SAML = "urn:oasis:names:tc:SAML:2.0:"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/saml"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"


def stamp(offset):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


class Idp:
    """Writes assertions in canonical form already, and signs them with openssl."""

    def __init__(self, entity="https://idp.example.com/"):
        self.dir, self.entity = tempfile.TemporaryDirectory(), entity
        self.key, cert = f"{self.dir.name}/key", f"{self.dir.name}/cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", cert,
                        "-subj", "/CN=idp", "-days", "2"], check=True, capture_output=True)
        self.cert = "".join(line for line in open(cert).read().splitlines() if "-----" not in line)

    def metadata(self):
        return (f'<md:EntityDescriptor xmlns:md="{SAML}metadata" entityID="{self.entity}"><md:IDPSSODescriptor '
                f'protocolSupportEnumeration="{SAML}protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DSIG}">'
                f"<ds:X509Data><ds:X509Certificate>{self.cert}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
                f"</md:KeyDescriptor></md:IDPSSODescriptor></md:EntityDescriptor>")

    def assertion(self, ident="_a1", audience="urn:amazon:webservices", recipient="https://signin.aws.amazon.com/saml",
                  subject="alice", until=300, issued=0, role=f"{ROLE},{PROVIDER}", name="alice@example.com", more=()):
        values = [("Role", role), ("RoleSessionName", name), *more]
        attributes = "".join(f'<saml:Attribute Name="{HEAD}{k}"><saml:AttributeValue>{v}</saml:AttributeValue></saml:Attribute>'
                             for k, v in values if v)
        return (f'<saml:Assertion xmlns:saml="{SAML}assertion" ID="{ident}" IssueInstant="{stamp(issued)}" Version="2.0">'
                f"<saml:Issuer>{self.entity}</saml:Issuer>@SIG@<saml:Subject>"
                f'<saml:NameID Format="{SAML}nameid-format:persistent">{subject}</saml:NameID>'
                f'<saml:SubjectConfirmation Method="{SAML}cm:bearer"><saml:SubjectConfirmationData '
                f'NotOnOrAfter="{stamp(until)}" Recipient="{recipient}"></saml:SubjectConfirmationData>'
                f'</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{stamp(-60)}" NotOnOrAfter="{stamp(until)}">'
                f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
                f"</saml:Conditions><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>")

    def sign(self, text, ident="_a1", sha="sha256", prefixes=""):
        """Puts a signature where @SIG@ stands."""
        digest = base64.b64encode(hashlib.new(sha, text.replace("@SIG@", "").encode()).digest()).decode()
        method = f"{DSIG}rsa-sha1" if sha == "sha1" else "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
        hashed = f"{DSIG}sha1" if sha == "sha1" else "http://www.w3.org/2001/04/xmlenc#sha256"
        inner = f'<ec:InclusiveNamespaces xmlns:ec="{C14N}" PrefixList="{prefixes}"></ec:InclusiveNamespaces>' if prefixes else ""
        info = (f'<ds:SignedInfo xmlns:ds="{DSIG}"><ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
                f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod><ds:Reference URI="#{ident}"><ds:Transforms>'
                f'<ds:Transform Algorithm="{DSIG}enveloped-signature"></ds:Transform><ds:Transform Algorithm="{C14N}">{inner}'
                f'</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="{hashed}"></ds:DigestMethod>'
                f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>")
        value = subprocess.run(["openssl", "dgst", f"-{sha}", "-sign", self.key], input=info.encode(), check=True,
                               capture_output=True).stdout
        # Written another way than it was signed: a reader that skips canonicalisation fails.
        info = info.replace(f' xmlns:ds="{DSIG}"', "", 1).replace("></ds:CanonicalizationMethod>", "  />")
        return text.replace("@SIG@", f'<ds:Signature xmlns:ds="{DSIG}">{info}<ds:SignatureValue>'
                            f"{base64.encodebytes(value).decode()}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
                            f"<ds:X509Certificate>{self.cert}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>")


def response(assertion, extra="", status="Success", head=""):
    return (f'<samlp:Response xmlns:samlp="{SAML}protocol" ID="_r1" Version="2.0">{head}<samlp:Status>'
            f'<samlp:StatusCode Value="{SAML}status:{status}"></samlp:StatusCode></samlp:Status>{extra}{assertion}</samlp:Response>')


def test_saml(h):
    idp, thief = Idp(), Idp()
    iam = h.client("iam")
    iam.create_saml_provider(Name="idp", SAMLMetadataDocument=idp.metadata())
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
         "Condition": {"StringEquals": {"saml:aud": "https://signin.aws.amazon.com/saml", "saml:iss": idp.entity,
                                        "saml:doc": f"{ACCOUNT}/idp", "saml:sub_type": "persistent"},
                       "StringNotEquals": {"saml:sub": "mallory"}}}]}
    iam.create_role(RoleName="saml", AssumeRolePolicyDocument=json.dumps(trust))
    sts = h.client("sts", signature_version=UNSIGNED)

    def call(text, **more):
        return sts.assume_role_with_saml(RoleArn=ROLE, PrincipalArn=PROVIDER,
                                         SAMLAssertion=base64.b64encode(text.encode()).decode(), **more)

    def ask(text, **more):
        return error_code(call, text, **more)

    def signed(**what):
        return response(idp.sign(idp.assertion(**what)))

    good = signed(more=[("PrincipalTag:Team", "blue"), ("SessionDuration", "1800")])
    got = call(good)
    assert got["Subject"] == "alice" and got["SubjectType"] == "persistent" and got["Issuer"] == idp.entity
    assert got["Audience"] == "https://signin.aws.amazon.com/saml"
    assert got["NameQualifier"] == base64.b64encode(hashlib.sha1(f"{idp.entity}{ACCOUNT}/idp".encode()).digest()).decode()
    assert got["AssumedRoleUser"]["Arn"].endswith(":assumed-role/saml/alice@example.com")
    assert 1700 < got["Credentials"]["Expiration"].timestamp() - time.time() < 1900

    # Other ways to be right.
    assert ask(response(idp.sign(idp.assertion(), sha="sha1"))) is None
    assert ask(signed(role=f"{PROVIDER}, {ROLE}", audience="https://signin.aws.amazon.com/saml")) is None
    whole = response(idp.assertion().replace("@SIG@", ""), head="@SIG@")
    # The canonical form of the response: nothing moves, for each prefix is declared where it is first used.
    assert ask(idp.sign(whole, ident="_r1")) is None
    assert ask(response(idp.sign(idp.assertion(), prefixes="saml xs"))) is None
    assert ask(good.replace("alice</saml:NameID>", "ali<!-- c -->ce</saml:NameID>")) is None, "comments are not signed"

    # What was signed was changed, or signed by another.
    invalid = "InvalidIdentityToken"
    assert ask(good.replace(">alice<", ">admin<")) == invalid
    assert ask(good.replace(">blue<", ">red<")) == invalid
    assert ask(good.replace("<saml:Subject>", " <saml:Subject>")) == invalid
    assert ask(response(thief.sign(thief.assertion()))) == invalid, "a key that brings its own certificate"
    assert ask(response(idp.assertion().replace("@SIG@", ""))) == invalid
    assert ask("<a/>") == invalid and ask("not xml") == invalid
    assert ask(good.replace(f"{DSIG}enveloped-signature", C14N)) == invalid
    assert ask('<!DOCTYPE a [<!ENTITY b "c">]>' + good) == invalid

    # Wrapped: a true signature beside, around or inside another assertion.
    true = idp.sign(idp.assertion())
    forged = idp.assertion(ident="_evil", subject="admin").replace("@SIG@", "")
    assert ask(response(forged + true)) == invalid
    assert ask(response(true + forged)) == invalid
    assert ask(response(forged, extra=f"<samlp:Extensions>{true}</samlp:Extensions>")) == invalid
    signature = true[true.index("<ds:Signature "):true.index("</ds:Signature>")]
    inside = f"{signature}<ds:Object>{true}</ds:Object></ds:Signature>"
    assert ask(response(idp.assertion(ident="_evil").replace("@SIG@", inside))) == invalid
    assert ask(response(idp.assertion(subject="admin").replace("@SIG@", signature + "</ds:Signature>"))) == invalid
    hidden = f'<samlp:Extensions><x xmlns="urn:x" ID="_a1"></x></samlp:Extensions>'
    assert ask(response(true, extra=hidden)) == invalid, "an ID twice"

    # True, but not for us, not now, or not enough.
    assert ask(signed(audience="https://other.example.com/")) == invalid
    assert ask(signed(recipient="https://signin.aws.amazon.com.example.com/saml")) == invalid
    assert ask(signed(recipient="https://evil.example.com/signin.aws.amazon.com/saml")) == invalid
    assert ask(signed(issued=120)) == invalid
    assert ask(signed(name="")) == invalid
    assert ask(signed(name="a b")) == invalid
    assert ask(signed(until=-5)) == "ExpiredTokenException"
    assert ask(signed(issued=-600)) == "ExpiredTokenException"
    assert ask(response(true, status="Responder")) == "IDPRejectedClaim"
    assert ask(signed(subject="mallory")) == "AccessDenied"
    assert ask(signed(role=f"{ROLE}2,{PROVIDER}")) == "AccessDenied"
    assert ask(signed(more=[("SourceIdentity", "alice")])) == "AccessDenied", "the trust policy does not allow it"
    assert ask(good, DurationSeconds=7200) == "ValidationError"
    assert ask(good, DurationSeconds=900) is None
    other = Idp("https://other.example.com/")
    assert ask(response(other.sign(other.assertion()))) == invalid
    assert error_code(sts.assume_role_with_saml, RoleArn=ROLE, PrincipalArn=PROVIDER + "2",
                      SAMLAssertion=base64.b64encode(good.encode()).decode()) == invalid


def test_authorization_messages_of_others(h):
    sts = h.client("sts")
    for text in ("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA", "no message", "=", "A" * 10000):
        assert error_code(sts.decode_authorization_message, EncodedMessage=text) == "InvalidAuthorizationMessageException"
    iam = h.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    mine = h.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_code(mine.decode_authorization_message, EncodedMessage="AQID") == "AccessDenied"
