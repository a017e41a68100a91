"""The verifier that JavaScript services use accepts our messages, with its default rule about hosts."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from haneul import ROOT, Skip  # noqa: E402
from sns_util import Subscriber, queue, receive  # noqa: E402

MODULE_ARGS = ["--sns-cert-url", "https://sns.{region}.amazonaws.com"]


def verdict(h, text):
    folder = os.path.join(ROOT, "tests/js")
    if not os.path.isdir(os.path.join(folder, "node_modules/sns-validator")):
        raise Skip("npm install in tests/js was not run: sns-validator is missing")
    path = os.path.join(h.data, "ca-for-tests.pem")
    with open(path, "wb") as f:
        f.write(h.get("/_haneul/ca.pem")[2])
    return subprocess.run(["node", os.path.join(folder, "sns_verify.mjs"), str(h.port), path], input=text, text=True,
                          capture_output=True, timeout=60).stdout.strip()


def test_both_signature_versions(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="verified")["TopicArn"]
    url, qarn = queue(h, "verified-q")
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn)
    for version in ("1", "2"):
        sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue=version)
        sns.publish(TopicArn=arn, Message='"quoted"\tünï', Subject="Subject")
        text = receive(h, url)[0]
        m = json.loads(text)
        assert m["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/") and m["SignatureVersion"] == version
        assert verdict(h, text) == "accepted"
        m["Message"] += "!"
        assert verdict(h, json.dumps(m)).startswith("refused")


def test_confirmation(h):
    with Subscriber() as s:
        sns = h.client("sns")
        arn = sns.create_topic(Name="verified-web")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=s.url)
        assert verdict(h, s.wait(1)[1]) == "accepted"
