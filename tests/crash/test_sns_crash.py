"""Publishes, pulls the plug in the middle of fan-outs, and counts: every acknowledged message reaches
every subscribed queue at least once; through FIFO topics exactly once and in order."""
import base64
import hashlib
import http.client
import json
import os
import random
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients"))
from haneul import ROOT, Haneul  # noqa: E402
from sns_util import queue  # noqa: E402

KILLS = int(os.environ.get("HANEUL_KILLS") or (200 if os.environ.get("HANEUL_SOAK") else 10))
SEED = int(os.environ.get("HANEUL_SEED") or random.SystemRandom().randrange(1 << 32))
BIN = os.environ.get("HANEUL_BIN") or os.path.join(ROOT, "build/release/haneul")
QUEUES = 4
GROUPS = 3


class Line:
    """One kept connection; the well-known key needs no real signature."""

    def __init__(self, port, service):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.service = service

    def call(self, body, headers):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.c.request("POST", "/", body, {
            "x-amz-date": stamp, "authorization":
            f"AWS4-HMAC-SHA256 Credential=test/{stamp[:8]}/us-east-1/{self.service}/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}", **headers})
        r = self.c.getresponse()
        return r.status, r.read()


class Publisher(threading.Thread):
    def __init__(self, port, topic, fifo, name, acked):
        super().__init__(daemon=True)
        self.port, self.topic, self.fifo, self.name_, self.acked, self.wrong = port, topic, fifo, name, acked, None

    def run(self):
        line, n = Line(self.port, "sns"), 0
        try:
            while True:
                group = f"{self.name_}-{n % GROUPS}"
                text = f"{group}/{n:06}"
                form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": self.topic, "Message": text}
                if self.fifo:
                    form.update(MessageGroupId=group, MessageDeduplicationId=text.replace("/", "."))
                status, data = line.call(urllib.parse.urlencode(form), {"content-type": "application/x-www-form-urlencoded"})
                if status != 200:
                    self.wrong = f"{status} {data}"
                    return
                self.acked.append(text)
                n += 1
        except (OSError, http.client.HTTPException):
            pass


def text_of(m):
    """The bare message; of an envelope, which must be whole, what it holds."""
    body = m["Body"]
    assert hashlib.md5(body.encode()).hexdigest() == m["MD5OfBody"], m
    if not body.startswith("{"):
        return body
    envelope = json.loads(body)
    assert len(base64.b64decode(envelope["Signature"], validate=True)) == 256, body
    return envelope["Message"]


def drain(port, url, wanted, seconds=60):
    """What the queue gives until all of `wanted` came (or time is up), and then until it is empty."""
    line, got, missing, end = Line(port, "sqs"), [], set(wanted), time.monotonic() + seconds

    def sqs(op, **body):
        status, data = line.call(json.dumps(body), {"content-type": "application/x-amz-json-1.0",
                                                    "x-amz-target": f"AmazonSQS.{op}"})
        assert status == 200, (op, status, data)
        return json.loads(data)
    while time.monotonic() < end:
        messages = sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1 if missing else 0).get("Messages")
        if not messages:
            if not missing:
                break
            continue
        bodies = [text_of(m) for m in messages]
        got += bodies
        missing -= set(bodies)
        sqs("DeleteMessageBatch", QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]}
                                                        for i, m in enumerate(messages)])
    return got, missing


def test_acknowledged_publishes_reach_every_queue():
    r, h = random.Random(SEED), Haneul(bin=BIN)
    print(f"sns crash: seed {SEED}, {KILLS} kills")
    h.start()
    sns = h.client("sns")
    topic = sns.create_topic(Name="crash")["TopicArn"]
    fifo = sns.create_topic(Name="crash.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    paths = []
    for i in range(QUEUES):
        url, arn = queue(h, f"crash-{i}")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        paths.append(urllib.parse.urlparse(url).path)
    # A text message in it makes the fan-out a task; a topic with few queues alone is served by the publish itself.
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+12345678901")
    light = sns.create_topic(Name="light")["TopicArn"]
    light_paths = []
    for i in range(2):  # the second one in envelopes, which are signed when they are received
        url, arn = queue(h, f"light-{i}")
        sns.subscribe(TopicArn=light, Protocol="sqs", Endpoint=arn, Attributes={} if i else raw)
        light_paths.append(urllib.parse.urlparse(url).path)
    fifo_url, arn = queue(h, "crash.fifo", fifo=True)
    h.client("sqs").set_queue_attributes(QueueUrl=fifo_url, Attributes={
        "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"})
    fifo_path = urllib.parse.urlparse(fifo_url).path
    sns.subscribe(TopicArn=fifo, Protocol="sqs", Endpoint=arn, Attributes=raw)
    total = lost = repeated = 0
    port = h.port
    try:
        for kill in range(KILLS):
            plain, ordered, bare = [], [], []
            workers = [Publisher(port, topic, False, f"k{kill}w{i}", plain) for i in range(3)]
            workers += [Publisher(port, light, False, f"k{kill}l{i}", bare) for i in range(2)]
            workers.append(Publisher(port, fifo, True, f"k{kill}f", ordered))
            for w in workers:
                w.start()
            time.sleep(r.uniform(0.02, 0.35))
            h.kill()
            for w in workers:
                w.join()
                assert not w.wrong, w.wrong
            h.start(port)
            base = h.endpoint
            for path, sent in [(path, plain) for path in paths] + [(path, bare) for path in light_paths]:
                got, missing = drain(port, base + path, sent)
                lost += len(missing)
                repeated += len(got) - len(set(got))
                assert not missing, f"seed {SEED}, kill {kill}: {len(missing)} lost, first {min(missing)}"
            got, missing = drain(port, base + fifo_path, ordered)
            assert not missing, f"seed {SEED}, kill {kill}: FIFO {len(missing)} lost, first {min(missing)}"
            assert len(got) == len(set(got)), f"seed {SEED}, kill {kill}: FIFO repeated"
            for group in {g.split("/")[0] for g in got}:
                mine = [g for g in got if g.startswith(group + "/")]
                assert mine == sorted(mine), f"seed {SEED}, kill {kill}: FIFO order of {group}"
            total += len(plain) + len(ordered) + len(bare)
        print(f"sns crash: {KILLS} kills, {total} publishes acknowledged, {lost} lost, {repeated} delivered twice")
        assert total > KILLS * 10
        h.stop()
    finally:
        h.kill()
        h.remove()
