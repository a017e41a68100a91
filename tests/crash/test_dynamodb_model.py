"""Random operations beside a reference written separately; and the plug pulled under them.

A run is a sequence of steps on one table with a local and two global indexes and a stream, each step on both sides; what
is compared: every reply, and now and then the whole table, each index, the counts, and the stream, which must hold each
change once and in order. Under kills an operation that got no answer may have happened or not: the table says which.

20,000 steps and 6 kills; HANEUL_SOAK=1: 1,000,000 steps and 200 kills. HANEUL_MODEL_STEPS, _KILLS, _SEED choose others.
"""
import http.client
import json
import os
import random
import threading
import time
from decimal import Decimal

from haneul import Haneul

SOAK = bool(os.environ.get("HANEUL_SOAK"))
STEPS = int(os.environ.get("HANEUL_MODEL_STEPS", 1000000 if SOAK else 20000))
KILLS = int(os.environ.get("HANEUL_MODEL_KILLS", 200 if SOAK else 6))
SEED = int(os.environ.get("HANEUL_MODEL_SEED", "1"))


class Down(Exception):
    """The server went away before it answered."""


class Wire:
    """One keep-alive connection; a well-known key, so signatures need not be right."""

    def __init__(self, h):
        self.h, self.connection, self.port = h, None, None

    def call(self, op, service="DynamoDB_20120810", **body):
        try:
            if not self.connection or self.port != self.h.port:
                self.connection, self.port = http.client.HTTPConnection("127.0.0.1", self.h.port, timeout=20), self.h.port
            self.connection.request("POST", "/", json.dumps(body), {
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{service}.{op}",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
                                 "SignedHeaders=host, Signature=" + "0" * 64, "X-Amz-Date": "20260101T000000Z"})
            r = self.connection.getresponse()
            text = r.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise Down()
        return r.status, json.loads(text)

    def ok(self, op, **body):
        """A read, or anything while nobody kills: a connection from before a restart is made anew."""
        try:
            status, out = self.call(op, **body)
        except Down:
            status, out = self.call(op, **body)
        assert status == 200, (op, body, out)
        return out


def num(n):
    return {"N": str(n)}


def make(w, name):
    attrs = [dict(AttributeName=n, AttributeType=t) for n, t in (("h", "S"), ("r", "N"), ("g", "S"), ("n", "N"))]
    w.ok("CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=attrs,
         KeySchema=[dict(AttributeName="h", KeyType="HASH"), dict(AttributeName="r", KeyType="RANGE")],
         LocalSecondaryIndexes=[dict(IndexName="by-n", Projection=dict(ProjectionType="KEYS_ONLY"), KeySchema=[
             dict(AttributeName="h", KeyType="HASH"), dict(AttributeName="n", KeyType="RANGE")])],
         GlobalSecondaryIndexes=[
             dict(IndexName="by-g", Projection=dict(ProjectionType="ALL"), KeySchema=[
                 dict(AttributeName="g", KeyType="HASH")]),
             dict(IndexName="by-gn", Projection=dict(ProjectionType="INCLUDE", NonKeyAttributes=["s"]), KeySchema=[
                 dict(AttributeName="g", KeyType="HASH"), dict(AttributeName="n", KeyType="RANGE")])],
         StreamSpecification=dict(StreamEnabled=True, StreamViewType="NEW_AND_OLD_IMAGES"))


def key_of(item):
    return item["h"]["S"], int(item["r"]["N"])


def wire_key(key):
    return {"h": {"S": key[0]}, "r": num(key[1])}


class Model:
    """The reference: a dictionary, and every change of it in order."""

    def __init__(self, seed, prefix="h", hashes=12, ranges=40):
        self.rng, self.items, self.changes = random.Random(seed), {}, []
        self.prefix, self.hashes, self.ranges = prefix, hashes, ranges

    def key(self):
        return f"{self.prefix}{self.rng.randrange(self.hashes)}", self.rng.randrange(-self.ranges, self.ranges)

    def item(self, key):
        rng, item = self.rng, wire_key(key)
        if rng.random() < 0.7:
            item["g"] = {"S": f"g{rng.randrange(4)}"}
        if rng.random() < 0.7:
            item["n"] = num(rng.randrange(-50, 50))
        if rng.random() < 0.5:
            item["s"] = {"S": "x" * rng.randrange(60)}
        item["l"] = {"L": [num(i) for i in range(rng.randrange(4))]}
        if rng.random() < 0.3:
            item["ss"] = {"SS": sorted(rng.sample("abcdef", rng.randrange(1, 4)))}
        return item

    def set(self, key, item):
        old = self.items.get(key)
        if old == item:
            return
        self.changes.append((key, old, item))
        if item is None:
            del self.items[key]
        else:
            self.items[key] = item

    # each step: (operation, body, how the table is after it, the reply that is expected or None)
    def put(self):
        key = self.key()
        item = self.item(key)
        old = self.items.get(key)
        return "PutItem", dict(Item=item, ReturnValues="ALL_OLD"), {key: item}, (200, {"Attributes": old} if old else {})

    def put_new(self):
        key = self.key()
        item = self.item(key)
        fails = key in self.items
        return "PutItem", dict(Item=item, ConditionExpression="attribute_not_exists(h)"), {} if fails else {key: item}, (
            400 if fails else 200, None)

    def delete(self):
        key = self.key()
        old = self.items.get(key)
        return "DeleteItem", dict(Key=wire_key(key), ReturnValues="ALL_OLD"), {key: None}, (200, {"Attributes": old} if old else {})

    def delete_if(self):
        key, limit = self.key(), self.rng.randrange(-50, 50)
        old = self.items.get(key)
        holds = bool(old and "n" in old and Decimal(old["n"]["N"]) > limit)
        return "DeleteItem", dict(Key=wire_key(key), ConditionExpression="n > :n", ExpressionAttributeValues={":n": num(limit)}), {
            key: None} if holds else {}, (200 if holds else 400, None)

    def update(self):
        key, by = self.key(), self.rng.randrange(-9, 9)
        item = dict(self.items.get(key) or wire_key(key))
        item["n"] = num(int(item.get("n", num(0))["N"]) + by)
        item["g"] = {"S": f"g{self.rng.randrange(4)}"}
        item["ss"] = {"SS": sorted(set(item.get("ss", {"SS": []})["SS"]) | {"z"})}
        item.pop("s", None)
        return "UpdateItem", dict(
            Key=wire_key(key), UpdateExpression="ADD n :by, ss :z SET g = :g REMOVE s", ReturnValues="ALL_NEW",
            ExpressionAttributeValues={":by": num(by), ":z": {"SS": ["z"]}, ":g": item["g"]}), {key: item}, (200, {"Attributes": item})

    def update_list(self):
        key = self.key()
        old = self.items.get(key)
        if not old or "l" not in old:
            return self.put()
        item = dict(old, l={"L": old["l"]["L"][1:] + [num(7)]})
        return "UpdateItem", dict(Key=wire_key(key), UpdateExpression="SET l = :l",
                                  ExpressionAttributeValues={":l": item["l"]}, ReturnValues="ALL_NEW"), {key: item}, (
            200, {"Attributes": item})

    def statement(self):
        key, n = self.key(), self.rng.randrange(-50, 50)
        old = self.items.get(key)
        after = {key: dict(old, n=num(n))} if old else {}
        return "ExecuteStatement", dict(Statement='UPDATE "model" SET n = ? WHERE h = ? AND r = ?', Parameters=[
            num(n), {"S": key[0]}, num(key[1])]), after, (200 if old else 400, None)

    def batch(self):
        keys = {self.key() for _ in range(self.rng.randrange(1, 12))}
        after = {k: None if self.rng.random() < 0.3 else self.item(k) for k in keys}
        requests = [dict(DeleteRequest=dict(Key=wire_key(k))) if v is None else dict(PutRequest=dict(Item=v)) for k, v in after.items()]
        return "BatchWriteItem", dict(RequestItems=dict(model=requests)), after, (200, {"UnprocessedItems": {}})

    def transaction(self):
        keys = {self.key() for _ in range(3)}
        check = self.key()
        after = {k: self.item(k) for k in keys if k != check}
        holds = check in self.items
        actions = [dict(ConditionCheck=dict(TableName="model", Key=wire_key(check), ConditionExpression="attribute_exists(h)"))]
        actions += [dict(Put=dict(TableName="model", Item=v)) for v in after.values()]
        return "TransactWriteItems", dict(TransactItems=actions), after if holds else {}, (200 if holds else 400, None)

    def get(self):
        key = self.key()
        item = self.items.get(key)
        return "GetItem", dict(Key=wire_key(key), ConsistentRead=True), {}, (200, {"Item": item} if item else {})

    def query(self):
        h, lo, down = f"{self.prefix}{self.rng.randrange(self.hashes)}", self.rng.randrange(-self.ranges, self.ranges), self.rng.random() < 0.5
        keys = sorted((k for k in self.items if k[0] == h and k[1] >= lo), key=lambda k: k[1], reverse=down)[:10]
        return "Query", dict(KeyConditionExpression="h = :h AND r >= :lo", ScanIndexForward=not down, Limit=10,
                             ExpressionAttributeValues={":h": {"S": h}, ":lo": num(lo)}), {}, (
            200, {"Items": [self.items[k] for k in keys]})

    STEPS = (["put"] * 4 + ["put_new", "delete", "delete", "delete_if", "update", "update", "update_list", "statement", "batch",
                            "transaction", "get", "query", "query"])

    def step(self):
        return getattr(self, self.rng.choice(self.STEPS))()


def run(w, op, body):
    if op not in ("BatchWriteItem", "TransactWriteItems", "ExecuteStatement"):
        body = dict(body, TableName="model")
    return w.call(op, **body)


def walk(w, **options):
    got, start = [], {}
    while True:
        page = w.ok("Scan", TableName="model", **options, **start)
        got += page["Items"]
        if "LastEvaluatedKey" not in page:
            return got
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def by_key(items):
    return sorted(items, key=key_of)


def check_whole(w, items):
    """The table, its indexes and its counts are those of the reference."""
    want = by_key(items.values())
    assert by_key(walk(w)) == want
    assert by_key(walk(w, IndexName="by-g")) == [i for i in want if "g" in i]
    assert by_key(walk(w, IndexName="by-n")) == [{k: i[k] for k in ("h", "r", "n")} for i in want if "n" in i]
    assert by_key(walk(w, IndexName="by-gn")) == [
        {k: i[k] for k in ("h", "r", "g", "n", "s") if k in i} for i in want if "g" in i and "n" in i]
    t = w.ok("DescribeTable", TableName="model")["Table"]
    assert t["ItemCount"] == len(items)
    counts = {x["IndexName"]: x["ItemCount"] for x in t["GlobalSecondaryIndexes"] + t["LocalSecondaryIndexes"]}
    assert counts == {"by-g": sum("g" in i for i in want), "by-n": sum("n" in i for i in want),
                      "by-gn": sum("g" in i and "n" in i for i in want)}


class Stream:
    """Follows the table's stream; hands over what is new."""

    def __init__(self, w):
        self.w, self.last = w, None
        streams = self.streams("ListStreams", TableName="model")["Streams"]
        self.arn = streams[0]["StreamArn"]
        self.shard = self.streams("DescribeStream", StreamArn=self.arn)["StreamDescription"]["Shards"][0]["ShardId"]

    def streams(self, op, **body):
        return self.w.ok(op, service="DynamoDBStreams_20120810", **body)

    def news(self):
        where = dict(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=self.last) if self.last else dict(
            ShardIteratorType="TRIM_HORIZON")
        iterator = self.streams("GetShardIterator", StreamArn=self.arn, ShardId=self.shard, **where)["ShardIterator"]
        got = []
        while True:
            page = self.streams("GetRecords", ShardIterator=iterator, Limit=1000)
            got += page["Records"]
            iterator = page.get("NextShardIterator")
            if not page["Records"] or not iterator:
                break
        if got:
            self.last = got[-1]["dynamodb"]["SequenceNumber"]
        return got


def in_one_order(changes):
    return sorted(changes, key=lambda c: json.dumps(c, sort_keys=True))


def change_of(record):
    d = record["dynamodb"]
    return key_of(d["Keys"]), d.get("OldImage"), d.get("NewImage")


def test_random_steps_equal_the_reference():
    with Haneul("--durability", "relaxed") as h:
        w, m = Wire(h), Model(SEED)
        make(w, "model")
        stream, began = Stream(w), time.monotonic()
        for i in range(STEPS):
            op, body, after, (status, reply) = m.step()
            got, out = run(w, op, body)
            assert got == status, (i, op, body, out)
            if reply is not None:
                assert {k: v for k, v in out.items() if k not in ("Count", "ScannedCount", "LastEvaluatedKey")} == reply, (i, op, body, out)
            if got == 200:
                for k, v in after.items():
                    if not (v is None and k not in m.items):
                        m.set(k, v)
            if i % 2500 == 2499 or i == STEPS - 1:
                check_whole(w, m.items)
                records = [change_of(r) for r in stream.news()]
                assert in_one_order(records) == in_one_order(m.changes)
                order = {}
                for k, old, new in records:  # each change begins where the one before it ended
                    assert k not in order or order[k] == old, (i, k)
                    order[k] = new
                m.changes.clear()
        print(f"{STEPS} steps in {time.monotonic() - began:.0f} s")


class Writer(threading.Thread):
    """Steps on keys of its own, while the server comes and goes."""

    def __init__(self, h, who, stop):
        super().__init__(daemon=True)
        self.w, self.m, self.stop = Wire(h), Model(SEED * 100 + who, prefix=f"w{who}-", hashes=3, ranges=15), stop
        self.acknowledged, self.error, self.pause = 0, None, threading.Event()

    def look(self):
        """What the table says of the keys of this writer; waits until somebody answers."""
        while True:
            try:
                got = {}
                for i in range(self.m.hashes):
                    page = self.w.ok("Query", TableName="model", KeyConditionExpression="h = :h", ConsistentRead=True,
                                     ExpressionAttributeValues={":h": {"S": f"{self.m.prefix}{i}"}})
                    assert "LastEvaluatedKey" not in page
                    got.update((key_of(i), i) for i in page["Items"])
                return got
            except Down:
                time.sleep(0.02)

    def settle(self, after):
        """An operation without an answer happened whole or, except for a batch, not at all."""
        now, before = self.look(), dict(self.m.items)
        for k, v in after.items():
            if now.get(k) != before.get(k):
                assert now.get(k) == v, (k, before.get(k), v, now.get(k))
                self.m.items.pop(k, None)
                if v is not None:
                    self.m.items[k] = v
        assert now == self.m.items

    def run(self):
        try:
            while not self.stop.is_set():
                op, body, after, (status, _) = self.m.step()
                try:
                    got, out = run(self.w, op, body)
                except Down:
                    self.settle(after)
                    continue
                assert got == status, (op, body, out)
                self.acknowledged += 1
                for k, v in after.items() if got == 200 else ():
                    if v is None:
                        self.m.items.pop(k, None)
                    else:
                        self.m.items[k] = v
        except Exception as e:  # noqa: BLE001 - told by the test
            self.error = e
            self.stop.set()


def test_the_reference_holds_under_kills():
    with Haneul() as h:
        w, rng = Wire(h), random.Random(SEED)
        make(w, "model")
        stream, stop = Stream(w), threading.Event()
        writers = [Writer(h, i, stop) for i in range(4)]
        for t in writers:
            t.start()
        state = {}  # the table as the stream tells it
        for n in range(KILLS):
            if stop.wait(rng.uniform(0.05, 0.4)):
                break
            h.kill()
            h.start(h.port)
            if n % 10 == 9 or n == KILLS - 1:
                for r in stream.news():
                    k, old, new = change_of(r)
                    assert state.get(k) == old, (k, state.get(k), old)
                    state[k] = new
        stop.set()
        for t in writers:
            t.join(60)
            assert not t.error, repr(t.error)
        items = {k: v for t in writers for k, v in t.m.items.items()}
        check_whole(w, items)
        for r in stream.news():
            k, old, new = change_of(r)
            assert state.get(k) == old, (k, state.get(k), old)
            state[k] = new
        assert {k: v for k, v in state.items() if v is not None} == items
        print(f"{KILLS} kills, {sum(t.acknowledged for t in writers)} acknowledged operations")
