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


def test_signed_when_received(h):
    """Queues get envelopes without a signature, which is made when they are read: whatever happened in between."""
    sns, sqs = h.client("sns"), h.client("sqs")
    arn = sns.create_topic(Name="verified-late")["TopicArn"]
    dead, dead_arn = queue(h, "verified-dead")
    for i in range(3):
        url, qarn = queue(h, f"verified-late-{i}")
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})})
    for i in range(12):
        sns.publish(TopicArn=arn, Message=f"message {i}", MessageAttributes={"n": {"DataType": "Number", "StringValue": str(i)}})
    h.kill()
    h.start()

    def bodies():
        got = h.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return {json.loads(m["Body"])["Message"]: m["Body"] for m in got}  # boto3 has compared each with its MD5
    texts = bodies()
    while more := bodies():
        texts.update(more)
    assert len(texts) == 12 and verdict(h, texts["message 7"]) == "accepted"
    # All of them are in the dead-letter queue now, and those of another subscriber have the same signatures.
    signatures = {k: json.loads(t)["Signature"] for k, t in texts.items()}
    for other in dead, url.replace("-late-2", "-late-0"):
        again = [json.loads(t) for t in receive(h, other, 12)]
        assert {m["Message"]: m["Signature"] for m in again} == signatures


def test_confirmation(h):
    with Subscriber() as s:
        sns = h.client("sns")
        arn = sns.create_topic(Name="verified-web")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=s.url)
        assert verdict(h, s.wait(1)[1]) == "accepted"
