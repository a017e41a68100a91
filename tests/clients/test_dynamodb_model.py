"""Random operations on a table with two indexes, beside a reference of a few lines: equal results.

HANEUL_MODEL_STEPS sets how many (default 1,500); HANEUL_MODEL_SEED which.
"""
import os
import random

from haneul import error_code

STEPS = int(os.environ.get("HANEUL_MODEL_STEPS", "1500"))
SEED = int(os.environ.get("HANEUL_MODEL_SEED", "1"))


def number(n):
    return {"N": str(n)}


class Model:
    """Items by key; each change as DynamoDB describes it."""

    def __init__(self, rng):
        self.items, self.rng = {}, rng

    def key(self):
        return f"h{self.rng.randrange(5)}", self.rng.randrange(-10, 10)

    @staticmethod
    def wire_key(key):
        return {"h": {"S": key[0]}, "r": number(key[1])}

    def new_item(self, key):
        item = self.wire_key(key)
        if self.rng.random() < 0.7:
            item["g"] = {"S": f"g{self.rng.randrange(3)}"}
        if self.rng.random() < 0.7:
            item["n"] = number(self.rng.randrange(100))
        item["l"] = {"L": [number(i) for i in range(self.rng.randrange(4))]}
        return item

    def put(self, c):
        key = self.key()
        item, old = self.new_item(key), self.items.get(key)
        got = c.put_item(TableName="model", Item=item, ReturnValues="ALL_OLD").get("Attributes")
        assert got == old
        self.items[key] = item

    def put_new(self, c):
        key = self.key()
        item = self.new_item(key)
        code = error_code(c.put_item, TableName="model", Item=item, ConditionExpression="attribute_not_exists(h)")
        assert code == ("ConditionalCheckFailedException" if key in self.items else None)
        self.items.setdefault(key, item)

    def delete(self, c):
        key = self.key()
        got = c.delete_item(TableName="model", Key=self.wire_key(key), ReturnValues="ALL_OLD").get("Attributes")
        assert got == self.items.pop(key, None)

    def add_if_there(self, c):
        key = self.key()
        if key in self.items:
            self.add_at(c, key)

    def add_at(self, c, key):
        item = dict(self.items[key])
        by = self.rng.randrange(-5, 5)
        got = c.update_item(TableName="model", Key=self.wire_key(key), UpdateExpression="ADD n :by SET g = :g REMOVE l[0]",
                            ExpressionAttributeValues={":by": number(by), ":g": {"S": "g1"}}, ReturnValues="ALL_NEW")
        item.update(n=number(int(item.get("n", {"N": "0"})["N"]) + by), g={"S": "g1"}, l={"L": item["l"]["L"][1:]})
        assert got["Attributes"] == item
        self.items[key] = item

    def query(self, c):
        h, lo, reverse = f"h{self.rng.randrange(5)}", self.rng.randrange(-10, 10), self.rng.random() < 0.5
        got = c.query(TableName="model", KeyConditionExpression="h = :h AND r >= :lo", ScanIndexForward=not reverse,
                      ExpressionAttributeValues={":h": {"S": h}, ":lo": number(lo)})["Items"]
        keys = sorted((k for k in self.items if k[0] == h and k[1] >= lo), key=lambda k: k[1], reverse=reverse)
        assert got == [self.items[k] for k in keys]

    def query_indexes(self, c):
        g = f"g{self.rng.randrange(3)}"
        got = c.query(TableName="model", IndexName="by-g", KeyConditionExpression="g = :g",
                      ExpressionAttributeValues={":g": {"S": g}})["Items"]
        want = [i for i in self.items.values() if i.get("g") == {"S": g}]
        order = lambda i: (i["h"]["S"], int(i["r"]["N"]))  # noqa: E731
        assert sorted(got, key=order) == sorted(want, key=order)
        h = f"h{self.rng.randrange(5)}"
        got = c.query(TableName="model", IndexName="by-n", KeyConditionExpression="h = :h AND n < :n",
                      ExpressionAttributeValues={":h": {"S": h}, ":n": number(50)})["Items"]
        ns = [int(i["n"]["N"]) for i in got]
        want = [i for k, i in self.items.items() if k[0] == h and "n" in i and int(i["n"]["N"]) < 50]
        assert ns == sorted(ns) and sorted(got, key=order) == sorted(
            ({k: i[k] for k in ("h", "r", "n")} for i in want), key=order)

    def scan(self, c):
        start, got = {}, []
        while True:
            page = c.scan(TableName="model", Limit=7, FilterExpression="size(l) > :one",
                          ExpressionAttributeValues={":one": number(1)}, **start)
            got += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        order = lambda i: (i["h"]["S"], int(i["r"]["N"]))  # noqa: E731
        want = [i for i in self.items.values() if len(i["l"]["L"]) > 1]
        assert sorted(got, key=order) == sorted(want, key=order)


def test_random_operations_equal_a_reference(h):
    c = h.client("dynamodb")
    c.create_table(
        TableName="model", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[dict(AttributeName=n, AttributeType=t) for n, t in (("h", "S"), ("r", "N"), ("g", "S"), ("n", "N"))],
        KeySchema=[dict(AttributeName="h", KeyType="HASH"), dict(AttributeName="r", KeyType="RANGE")],
        LocalSecondaryIndexes=[dict(IndexName="by-n", Projection=dict(ProjectionType="KEYS_ONLY"), KeySchema=[
            dict(AttributeName="h", KeyType="HASH"), dict(AttributeName="n", KeyType="RANGE")])],
        GlobalSecondaryIndexes=[dict(IndexName="by-g", Projection=dict(ProjectionType="ALL"),
                                     KeySchema=[dict(AttributeName="g", KeyType="HASH")])])
    m = Model(random.Random(SEED))
    steps = [m.put] * 4 + [m.put_new, m.delete, m.delete, m.add_if_there, m.add_if_there, m.query, m.query_indexes]
    for i in range(STEPS):
        m.rng.choice(steps)(c)
        if i % 100 == 99:
            m.scan(c)
            assert c.describe_table(TableName="model")["Table"]["ItemCount"] == len(m.items)
