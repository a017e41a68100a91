"""What the tests of SNS share: queues that let topics in, and a subscriber on a local port."""
import base64
import http.server
import json
import os
import subprocess
import tempfile
import threading
import urllib.request

from haneul import wait_until


def queue(h, name, fifo=False, allow=True):
    """(url, arn) of a queue that SNS may send to."""
    sqs = h.client("sqs")
    attributes = {"FifoQueue": "true"} if fifo else {}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if allow:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                "Resource": arn}]})})
    return url, arn


def receive(h, url, n=1, seconds=10, attributes=False):
    """Exactly n messages, deleted as they come; FIFO order is kept."""
    sqs, got = h.client("sqs"), []

    def more():
        r = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                MessageAttributeNames=["All"], AttributeNames=["All"])
        for m in r.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            got.append(m)
        return len(got) >= n
    wait_until(more, seconds, f"{n} messages")
    assert len(got) == n, got
    return got if attributes else [m["Body"] for m in got]


def is_empty(h, url):
    return not h.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages")


class Subscriber:
    """An HTTP endpoint that keeps what it gets. answers: status codes to give, then 200."""

    def __init__(self, answers=()):
        self.got, self.answers = [], list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status = outer.answers.pop(0) if outer.answers else 200
                outer.got.append((dict((k.lower(), v) for k, v in self.headers.items()), body.decode(), status))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def wait(self, n, seconds=15):
        wait_until(lambda: len(self.got) >= n, seconds, f"{n} requests, there are {len(self.got)}")
        return self.got[n - 1]


def signed_text(m):
    names = (["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] if m["Type"] == "Notification" else
             ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"])
    return "".join(f"{n}\n{m[n]}\n" for n in names if n in m)


def verify(m):
    """Against the certificate that the message names, with the openssl program."""
    pem = urllib.request.urlopen(m["SigningCertURL"], timeout=10).read()
    with tempfile.TemporaryDirectory() as d:
        for name, data in (("cert.pem", pem), ("text", signed_text(m).encode()), ("sig", base64.b64decode(m["Signature"]))):
            with open(os.path.join(d, name), "wb") as f:
                f.write(data)
        key = subprocess.run(["openssl", "x509", "-in", f"{d}/cert.pem", "-noout", "-pubkey"], capture_output=True, check=True)
        with open(f"{d}/key.pem", "wb") as f:
            f.write(key.stdout)
        digest = "-sha256" if m["SignatureVersion"] == "2" else "-sha1"
        done = subprocess.run(["openssl", "dgst", digest, "-verify", f"{d}/key.pem", "-signature", f"{d}/sig", f"{d}/text"],
                              capture_output=True)
        return done.returncode == 0
