"""kill -9 under producers and consumers: what was acknowledged holds.

Every acknowledged send is received (unless its deletion was asked for), no acknowledged deletion comes
back, FIFO groups stay in order, and a send repeated under its deduplication id counts once.
15 kills; 200 with HANEUL_SOAK=1.
"""
import collections
import http.client
import json
import os
import random
import threading
import time

from haneul import Haneul

KILLS = 200 if os.environ.get("HANEUL_SOAK") else 15
GROUPS = 4


class Down(Exception):
    """The server went away before it answered: nobody knows whether the call counted."""


class Client:
    """One keep-alive connection; a well-known key, so signatures need not be right."""

    def __init__(self, world):
        self.world, self.connection, self.port = world, None, None

    def call(self, op, **body):
        h = self.world.h
        try:
            if not self.connection or self.port != h.port:
                self.connection, self.port = http.client.HTTPConnection("127.0.0.1", h.port, timeout=10), h.port
            self.connection.request("POST", "/", json.dumps(body), {
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + op,
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, "
                                 "SignedHeaders=host, Signature=" + "0" * 64, "X-Amz-Date": "20260101T000000Z"})
            r = self.connection.getresponse()
            text = r.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            time.sleep(0.01)
            raise Down()
        return r.status, json.loads(text) if text else {}


class World:
    def __init__(self):
        self.h = Haneul()
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.sent, self.asked, self.deleted = set(), set(), set()
        self.drained = set()
        self.fifo_sent, self.fifo_asked, self.fifo_deleted = (collections.defaultdict(set) for _ in range(3))
        self.wrong = []

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)
        self.stop.set()

    def url(self, name):
        return f"http://127.0.0.1:{self.h.port}/000000000000/{name}"


def produce(w, who):
    c, n = Client(w), 0
    while not w.stop.is_set():
        n += 1
        name = f"{who}-{n}"
        try:
            status, out = c.call("SendMessage", QueueUrl=w.url("q"), MessageBody=name)
        except Down:
            continue
        if status != 200:
            return w.complain(f"send: {status} {out}")
        with w.lock:
            w.sent.add(name)


def receive(w, c, queue):
    """The messages, and those whose deletion had been acknowledged before we asked."""
    with w.lock:
        before = set(w.deleted) if queue == "q" else {g: set(s) for g, s in w.fifo_deleted.items()}
    status, out = c.call("ReceiveMessage", QueueUrl=w.url(queue), MaxNumberOfMessages=10, WaitTimeSeconds=1)
    if status != 200:
        w.complain(f"receive: {status} {out}")
    return out.get("Messages", []), before


def consume(w):
    c = Client(w)
    while not w.stop.is_set():
        try:
            messages, before = receive(w, c, "q")
            at = time.monotonic()
            for m in messages:
                if m["Body"] in before:
                    return w.complain(f"{m['Body']} came back after its deletion")
                if random.random() < 0.2:
                    continue
                with w.lock:
                    w.asked.add(m["Body"])
                if c.call("DeleteMessage", QueueUrl=w.url("q"), ReceiptHandle=m["ReceiptHandle"])[0] == 200:
                    with w.lock:
                        # An outdated receipt deletes nothing, without a word: only a fresh one counts.
                        if time.monotonic() - at < 0.5:
                            w.deleted.add(m["Body"])
        except Down:
            continue


def produce_fifo(w, group):
    c, n = Client(w), 0
    while not w.stop.is_set():
        try:
            status, out = c.call("SendMessage", QueueUrl=w.url("q.fifo"), MessageBody=f"{group} {n}",
                                 MessageGroupId=f"g{group}", MessageDeduplicationId=f"{group}-{n}")
        except Down:
            continue  # the same again
        if status != 200:
            return w.complain(f"send: {status} {out}")
        w.fifo_sent[group].add(n)
        n += 1
        if n > len(w.fifo_deleted[group]) + 200:
            time.sleep(0.05)  # a long backlog would only be drained at the end


def check_fifo(w, messages, before):
    seen = collections.defaultdict(list)
    for m in messages:
        group, n = map(int, m["Body"].split())
        seen[group].append(n)
        if n in before.get(group, ()):
            w.complain(f"group {group}: {n} came again after its deletion")
    for group, numbers in seen.items():
        with w.lock:
            missing = set(range(numbers[0])) - w.fifo_asked[group]
        if missing or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            w.complain(f"group {group}: received {numbers} while {sorted(missing)[:5]} wait")


def consume_fifo(w):
    c = Client(w)
    while not w.stop.is_set():
        try:
            messages, before = receive(w, c, "q.fifo")
            check_fifo(w, messages, before)
            for m in messages:
                group, n = map(int, m["Body"].split())
                if random.random() < 0.02:
                    break
                with w.lock:
                    w.fifo_asked[group].add(n)
                if c.call("DeleteMessage", QueueUrl=w.url("q.fifo"), ReceiptHandle=m["ReceiptHandle"])[0] == 200:
                    with w.lock:
                        w.fifo_deleted[group].add(n)
                else:
                    break  # it took too long: the rest of the batch is not ours any more
        except Down:
            continue


def drain(w, queue):
    """All that is left, each once."""
    c, left, quiet = Client(w), set(), 0
    while quiet < 2:
        status, out = c.call("ReceiveMessage", QueueUrl=w.url(queue), MaxNumberOfMessages=10, WaitTimeSeconds=2)
        messages = out.get("Messages", [])
        quiet = 0 if messages else quiet + 1
        left.update(m["Body"] for m in messages)
        if messages:
            c.call("DeleteMessageBatch", QueueUrl=w.url(queue), Entries=[
                {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)])
    return left


def test_acknowledged_messages_survive_kills():
    w = World()
    w.h.start()
    c = Client(w)
    c.call("CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "1"})
    c.call("CreateQueue", QueueName="q.fifo", Attributes={"VisibilityTimeout": "1", "FifoQueue": "true",
           "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"})
    work = [threading.Thread(target=produce, args=(w, i)) for i in range(2)]
    work += [threading.Thread(target=consume, args=(w,)) for _ in range(2)]
    work += [threading.Thread(target=produce_fifo, args=(w, g)) for g in range(GROUPS)]
    work += [threading.Thread(target=consume_fifo, args=(w,)) for _ in range(2)]
    for t in work:
        t.start()
    try:
        for _ in range(KILLS):
            if w.stop.wait(random.uniform(0.15, 0.5)):
                break
            w.h.kill()
            w.h.start()
    finally:
        w.stop.set()
        for t in work:
            t.join()
    try:
        assert not w.wrong, w.wrong
        left = drain(w, "q")
        lost = w.sent - w.asked - left
        back = left & w.deleted
        assert not lost and not back, (len(lost), sorted(lost)[:5], len(back), sorted(back)[:5])
        left = collections.defaultdict(set)
        for body in drain(w, "q.fifo"):
            group, n = map(int, body.split())
            left[group].add(n)
        for g in range(GROUPS):
            lost = w.fifo_sent[g] - w.fifo_asked[g] - left[g]
            back = left[g] & w.fifo_deleted[g]
            assert not lost and not back, (g, sorted(lost)[:5], sorted(back)[:5])
        print(f"{len(w.sent)} sent, {len(w.deleted)} deleted, FIFO {sum(map(len, w.fifo_sent.values()))} sent, "
              f"{sum(map(len, w.fifo_deleted.values()))} deleted, {KILLS} kills")
        assert len(w.deleted) > 10 * KILLS and sum(map(len, w.fifo_deleted.values())) > 5 * KILLS
    finally:
        w.h.stop()
        w.h.remove()
