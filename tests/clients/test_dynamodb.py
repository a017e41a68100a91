"""DynamoDB through boto3 (client and resource) and the aws CLI: operations, errors, paging."""
import json
import threading
import time
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from haneul import REGION, error_code, wait_until


def resource(h):
    return boto3.resource("dynamodb", endpoint_url=h.endpoint, region_name=REGION, aws_access_key_id=h.key,
                          aws_secret_access_key=h.secret)


def table(h, name, range_key=None, indexes=(), **options):
    keys = [("h", "HASH", "S")] + ([(range_key, "RANGE", "N")] if range_key else [])
    definitions = {k: t for k, _, t in keys}
    gsis = []
    for index, attribute in indexes:
        definitions[attribute] = "S"
        gsis.append(dict(IndexName=index, KeySchema=[dict(AttributeName=attribute, KeyType="HASH")],
                         Projection=dict(ProjectionType="ALL")))
    if gsis:
        options["GlobalSecondaryIndexes"] = gsis
    if "ProvisionedThroughput" not in options:
        options["BillingMode"] = "PAY_PER_REQUEST"
    t = resource(h).create_table(
        TableName=name, KeySchema=[dict(AttributeName=k, KeyType=t) for k, t, _ in keys],
        AttributeDefinitions=[dict(AttributeName=k, AttributeType=t) for k, t in definitions.items()], **options)
    t.wait_until_exists()
    return t


def message(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ClientError as e:
        return e.response["Error"]["Message"]
    return None


def test_items_come_back_as_they_were_put(h):
    t = table(h, "kinds")
    item = {"h": "k", "n": Decimal("-12345678901234567890.123456789"), "b": b"\0\xff", "t": True, "z": None,
            "l": [1, "two", {"three": [3]}], "m": {"a": {"b": {}}}, "ss": {"a", "b"}, "ns": {1, Decimal("2.5")},
            "bs": {b"x", b"y"}, "empty": "", "unicode": "하늘 ☁"}
    t.put_item(Item=item)
    got = t.get_item(Key={"h": "k"}, ConsistentRead=True)["Item"]
    got["b"], got["bs"] = got["b"].value, {x.value for x in got["bs"]}
    assert got == item
    assert t.get_item(Key={"h": "k"}, ProjectionExpression="m.a, l[2].three[0], #n",
                      ExpressionAttributeNames={"#n": "n"})["Item"] == {
        "m": {"a": {"b": {}}}, "l": [{"three": [3]}], "n": item["n"]}
    assert "Item" not in t.get_item(Key={"h": "none"})


def test_update_with_expressions(h):
    t = table(h, "updates")
    out = t.update_item(Key={"h": "k"}, UpdateExpression="SET a = if_not_exists(a, :z) + :one, l = :l ADD c :one",
                        ExpressionAttributeValues={":z": 0, ":one": 1, ":l": [1]}, ReturnValues="ALL_NEW")
    assert out["Attributes"] == {"h": "k", "a": 1, "l": [1], "c": 1}
    out = t.update_item(Key={"h": "k"}, UpdateExpression="SET l = list_append(l, :l) REMOVE a",
                        ExpressionAttributeValues={":l": [2, 3]}, ReturnValues="UPDATED_NEW")
    assert out["Attributes"] == {"l": [1, 2, 3]}
    assert message(t.update_item, Key={"h": "k"}, UpdateExpression="SET h = :x", ExpressionAttributeValues={":x": "y"}) == (
        "One or more parameter values were invalid: Cannot update attribute h. This attribute is part of the key")


def test_conditions_and_the_item_in_their_failure(h):
    t = table(h, "conditions")
    t.put_item(Item={"h": "k", "v": 1}, ConditionExpression=Attr("h").not_exists())
    try:
        t.put_item(Item={"h": "k", "v": 2}, ConditionExpression=Attr("v").gt(5), ReturnValuesOnConditionCheckFailure="ALL_OLD")
        raise AssertionError("not refused")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "ConditionalCheckFailedException"
        assert e.response["Item"] == {"h": {"S": "k"}, "v": {"N": "1"}}


def test_query_and_scan_pages(h):
    t = table(h, "pages", "r", [("by-g", "g")])
    with t.batch_writer() as batch:
        for i in range(200):
            batch.put_item(Item={"h": f"h{i % 2}", "r": i, "g": f"g{i % 3}", "pad": "x" * 15000})
    c = h.client("dynamodb")
    pages = list(c.get_paginator("query").paginate(
        TableName="pages", KeyConditionExpression="h = :h", ExpressionAttributeValues={":h": {"S": "h1"}}))
    assert len(pages) == 2 and [int(i["r"]["N"]) for p in pages for i in p["Items"]] == list(range(1, 200, 2))
    assert sum(p["Count"] for p in c.get_paginator("scan").paginate(TableName="pages", Select="COUNT")) == 200
    got = [int(i["r"]) for i in t.query(KeyConditionExpression=Key("h").eq("h0") & Key("r").between(10, 20),
                                        ScanIndexForward=False, FilterExpression=Attr("g").eq("g1"))["Items"]]
    assert got == [16, 10]
    out = t.query(IndexName="by-g", KeyConditionExpression=Key("g").eq("g2"), Limit=5, ReturnConsumedCapacity="INDEXES")
    assert out["Count"] == 5 and set(out["LastEvaluatedKey"]) == {"h", "r", "g"}
    assert out["ConsumedCapacity"]["GlobalSecondaryIndexes"]["by-g"]["CapacityUnits"] == 9.5
    found = [sum(p["Count"] for p in c.get_paginator("scan").paginate(TableName="pages", Segment=s, TotalSegments=5))
             for s in range(5)]
    assert sum(found) == 200


def test_batches(h):
    t = table(h, "batches")
    c = h.client("dynamodb")
    put = [{"PutRequest": {"Item": {"h": {"S": f"k{i}"}, "v": {"N": str(i)}}}} for i in range(25)]
    assert c.batch_write_item(RequestItems={"batches": put})["UnprocessedItems"] == {}
    assert error_code(c.batch_write_item, RequestItems={"batches": put + put[:1]}) == "ValidationException"
    got = c.batch_get_item(RequestItems={"batches": {"Keys": [{"h": {"S": f"k{i}"}} for i in range(30)],
                                                     "ProjectionExpression": "v"}})["Responses"]["batches"]
    assert sorted(int(i["v"]["N"]) for i in got) == list(range(25))
    assert t.scan(Select="COUNT")["Count"] == 25


def test_transactions(h):
    table(h, "accounts")
    c = h.client("dynamodb")
    for name in "ab":
        c.put_item(TableName="accounts", Item={"h": {"S": name}, "n": {"N": "10"}})

    def move(amount, token=None):
        items = [{"Update": {"TableName": "accounts", "Key": {"h": {"S": name}}, "UpdateExpression": "SET n = n + :d",
                             "ConditionExpression": "n >= :min", "ExpressionAttributeValues": {
                                 ":d": {"N": str(d)}, ":min": {"N": str(-d)}}}} for name, d in (("a", -amount), ("b", amount))]
        return c.transact_write_items(TransactItems=items, **({"ClientRequestToken": token} if token else {}))
    move(4, "first")
    move(4, "first")
    try:
        move(7)
        raise AssertionError("not cancelled")
    except c.exceptions.TransactionCanceledException as e:
        assert [r["Code"] for r in e.response["CancellationReasons"]] == ["ConditionalCheckFailed", "None"]
    assert error_code(move, 1, "first") == "IdempotentParameterMismatchException"
    got = c.transact_get_items(TransactItems=[{"Get": {"TableName": "accounts", "Key": {"h": {"S": n}}}} for n in "abx"])
    assert [r.get("Item", {}).get("n") for r in got["Responses"]] == [{"N": "6"}, {"N": "14"}, None]


def test_no_update_is_lost_on_a_hot_item(h):
    t = table(h, "hot")

    def work():
        mine = h.client("dynamodb")
        for _ in range(50):
            mine.update_item(TableName="hot", Key={"h": {"S": "k"}}, UpdateExpression="ADD n :one",
                             ExpressionAttributeValues={":one": {"N": "1"}})
    threads = [threading.Thread(target=work) for _ in range(8)]
    [x.start() for x in threads]
    [x.join() for x in threads]
    assert t.get_item(Key={"h": "k"})["Item"]["n"] == 400


def test_an_index_is_added_to_a_table_in_use(h):
    t = table(h, "later")
    with t.batch_writer() as batch:
        for i in range(1200):
            batch.put_item(Item={"h": f"k{i}", **({"g": f"g{i % 4}"} if i % 2 else {})})
    c = h.client("dynamodb")
    out = c.update_table(TableName="later", AttributeDefinitions=[dict(AttributeName="g", AttributeType="S")],
                         GlobalSecondaryIndexUpdates=[{"Create": dict(
                             IndexName="g-index", KeySchema=[dict(AttributeName="g", KeyType="HASH")],
                             Projection=dict(ProjectionType="KEYS_ONLY"))}])["TableDescription"]
    assert out["TableStatus"] == "UPDATING" and out["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    t.put_item(Item={"h": "while", "g": "g1"})

    def active():
        d = c.describe_table(TableName="later")["Table"]
        return d["TableStatus"] == "ACTIVE" and d["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE" and d
    d = wait_until(active, what="the index")
    assert d["GlobalSecondaryIndexes"][0]["ItemCount"] == 601 and d["ItemCount"] == 1201
    assert t.query(IndexName="g-index", KeyConditionExpression=Key("g").eq("g1"), Select="COUNT")["Count"] == 301
    c.update_table(TableName="later", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "g-index"}}])
    d = c.describe_table(TableName="later")["Table"]
    assert "GlobalSecondaryIndexes" not in d and len(d["AttributeDefinitions"]) == 1


def test_tables_tags_policies_and_settings(h):
    t = table(h, "settings", DeletionProtectionEnabled=True, Tags=[dict(Key="a", Value="1")])
    c = h.client("dynamodb")
    arn = c.describe_table(TableName="settings")["Table"]["TableArn"]
    assert c.describe_table(TableName=arn)["Table"]["TableName"] == "settings"
    # Always there: Terraform waits for its status.
    assert c.describe_table(TableName=arn)["Table"]["WarmThroughput"] == {
        "ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
    assert error_code(c.delete_table, TableName="settings") == "ValidationException"
    c.tag_resource(ResourceArn=arn, Tags=[dict(Key="b", Value="2")])
    c.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert c.list_tags_of_resource(ResourceArn=arn)["Tags"] == [dict(Key="b", Value="2")]
    c.update_time_to_live(TableName="settings", TimeToLiveSpecification=dict(Enabled=True, AttributeName="ttl"))
    assert c.describe_time_to_live(TableName="settings")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:DeleteItem", "Resource": arn}]})
    c.put_resource_policy(ResourceArn=arn, Policy=policy)
    assert c.get_resource_policy(ResourceArn=arn)["Policy"] == policy
    assert error_code(c.delete_item, TableName="settings", Key={"h": {"S": "x"}}) == "AccessDeniedException"
    t.put_item(Item={"h": "x"})
    c.delete_resource_policy(ResourceArn=arn)
    assert error_code(c.get_resource_policy, ResourceArn=arn) == "PolicyNotFoundException"
    c.update_table(TableName="settings", DeletionProtectionEnabled=False)
    c.delete_table(TableName="settings")
    assert error_code(c.describe_table, TableName="settings") == "ResourceNotFoundException"
    assert c.describe_limits()["TableMaxReadCapacityUnits"] == 40000
    assert c.describe_endpoints()["Endpoints"][0]["CachePeriodInMinutes"] == 1440


def test_leading_keys_in_policies(h):
    table(h, "tenants")
    iam = h.client("iam")
    iam.create_user(UserName="tenant")
    iam.put_user_policy(UserName="tenant", PolicyName="own", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], "Resource": "*",
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}}]}))
    key = iam.create_access_key(UserName="tenant")["AccessKey"]
    c = h.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    c.put_item(TableName="tenants", Item={"h": {"S": "tenant"}, "v": {"N": "1"}})
    assert error_code(c.put_item, TableName="tenants", Item={"h": {"S": "other"}}) == "AccessDeniedException"
    assert error_code(c.get_item, TableName="tenants", Key={"h": {"S": "other"}}) == "AccessDeniedException"
    out = c.query(TableName="tenants", KeyConditionExpression="h = :h", ExpressionAttributeValues={":h": {"S": "tenant"}})
    assert out["Count"] == 1
    assert error_code(c.scan, TableName="tenants") == "AccessDeniedException"


def user_with(h, name, *statements):
    """A client of a new user with that policy."""
    iam = h.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(dict(
        Version="2012-10-17", Statement=[dict(dict(Effect="Allow", Resource="*"), **s) for s in statements])))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return h.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def refused(call, **request):
    return error_code(call, **request) == "AccessDeniedException"


def test_attributes_in_policies(h):
    table(h, "columns")
    h.client("dynamodb").put_item(TableName="columns", Item={"h": {"S": "k"}, "open": {"N": "1"}, "secret": {"N": "2"}})
    # the form of AWS's guide: attributes are listed, and reads must name what they want
    c = user_with(h, "columns", dict(
        Action=["dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan"], Condition={
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["h", "open"]},
            "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]}}))
    key, at = {"h": {"S": "k"}}, dict(TableName="columns")
    assert c.get_item(**at, Key=key, ProjectionExpression="h, #o", ExpressionAttributeNames={"#o": "open"})["Item"]["open"] == {"N": "1"}
    assert refused(c.get_item, **at, Key=key)
    assert refused(c.get_item, **at, Key=key, ProjectionExpression="secret")
    assert refused(c.get_item, **at, Key=key, AttributesToGet=["secret"])
    assert refused(c.scan, **at) and refused(c.scan, **at, Select="COUNT")
    assert c.scan(**at, ProjectionExpression="h")["Count"] == 1
    assert refused(c.scan, **at, ProjectionExpression="h", FilterExpression="secret = :v", ExpressionAttributeValues={":v": {"N": "2"}})
    ask = dict(**at, KeyConditionExpression="h = :h", ExpressionAttributeValues={":h": {"S": "k"}})
    assert c.query(**ask, ProjectionExpression="h")["Count"] == 1
    assert refused(c.query, **ask) and refused(c.query, **ask, ProjectionExpression="secret")
    c.put_item(**at, Item={"h": {"S": "k2"}, "open": {"N": "3"}})
    assert refused(c.put_item, **at, Item={"h": {"S": "k2"}, "secret": {"N": "3"}})
    assert refused(c.put_item, **at, Item={"h": {"S": "k"}}, ReturnValues="ALL_OLD")
    assert refused(c.delete_item, **at, Key=key, ConditionExpression="secret = :v", ExpressionAttributeValues={":v": {"N": "2"}})
    change = dict(**at, Key=key, UpdateExpression="SET #o = :v", ExpressionAttributeNames={"#o": "open"},
                  ExpressionAttributeValues={":v": {"N": "5"}})
    assert c.update_item(**change, ReturnValues="UPDATED_NEW")["Attributes"] == {"open": {"N": "5"}}
    assert refused(c.update_item, **change, ReturnValues="ALL_NEW")
    assert refused(c.update_item, **dict(change, UpdateExpression="SET #o = secret + :v"))
    assert refused(c.update_item, **change, ConditionExpression="secret = :v")
    assert refused(c.update_item, **at, Key=key, AttributeUpdates={"secret": {"Value": {"N": "1"}}})
    gets = {"columns": {"Keys": [key]}}
    assert refused(c.batch_get_item, RequestItems=gets)
    gets["columns"]["ProjectionExpression"] = "h"
    assert c.batch_get_item(RequestItems=gets)["Responses"]["columns"] == [key]
    put = lambda item: [{"PutRequest": {"Item": item}}]  # noqa: E731
    c.batch_write_item(RequestItems={"columns": put({"h": {"S": "k3"}, "open": {"N": "3"}})})
    assert refused(c.batch_write_item, RequestItems={"columns": put({"h": {"S": "k3"}, "secret": {"N": "3"}})})
    assert refused(c.transact_write_items, TransactItems=[{"Put": dict(**at, Item={"h": {"S": "k4"}, "secret": {"N": "3"}})}])
    assert refused(c.transact_get_items, TransactItems=[{"Get": dict(**at, Key=key)}])
    got = c.transact_get_items(TransactItems=[{"Get": dict(**at, Key=key, ProjectionExpression="h")}])
    assert got["Responses"] == [{"Item": key}]
    assert h.client("dynamodb").get_item(**at, Key=key)["Item"]["secret"] == {"N": "2"}


def test_transactions_and_capacity_in_policies(h):
    table(h, "enclosed")
    c = user_with(
        h, "enclosed", dict(Action=["dynamodb:PutItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem"], Condition={
            "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems", "TransactGetItems"]}}),
        dict(Action="dynamodb:Scan", Condition={"StringEquals": {"dynamodb:ReturnConsumedCapacity": "TOTAL"}}))
    item, at = {"h": {"S": "k"}}, dict(TableName="enclosed")
    assert refused(c.put_item, **at, Item=item) and refused(c.get_item, **at, Key=item)
    c.transact_write_items(TransactItems=[{"Put": dict(**at, Item=item)}])
    assert c.transact_get_items(TransactItems=[{"Get": dict(**at, Key=item)}])["Responses"] == [{"Item": item}]
    assert refused(c.transact_write_items, TransactItems=[{"Delete": dict(**at, Key=item)}])
    assert refused(c.scan, **at) and refused(c.scan, **at, ReturnConsumedCapacity="INDEXES")
    assert c.scan(**at, ReturnConsumedCapacity="TOTAL")["Count"] == 1


def test_the_command_line(h):
    h.cli("dynamodb", "create-table", "--table-name", "cli", "--key-schema", "AttributeName=h,KeyType=HASH",
          "--attribute-definitions", "AttributeName=h,AttributeType=S", "--billing-mode", "PAY_PER_REQUEST")
    h.cli("dynamodb", "wait", "table-exists", "--table-name", "cli")
    for i in range(3):
        h.cli("dynamodb", "put-item", "--table-name", "cli", "--item", json.dumps({"h": {"S": f"k{i}"}, "v": {"N": str(i)}}))
    out = h.cli_json("dynamodb", "scan", "--table-name", "cli", "--page-size", "2")
    assert out["Count"] == 3
    assert "cli" in h.cli_json("dynamodb", "list-tables")["TableNames"]
    done = h.cli("dynamodb", "get-item", "--table-name", "none", "--key", '{"h":{"S":"x"}}', ok=False)
    assert "ResourceNotFoundException" in done.stderr


def test_items_survive_the_plug(h):
    """Nothing that was acknowledged is lost, and indexes equal their table."""
    from haneul import Haneul
    with Haneul(bin=h.bin) as mine:
        table(mine, "kept", "r", [("by-g", "g")])
        c = mine.client("dynamodb")
        for i in range(200):
            c.put_item(TableName="kept", Item={"h": {"S": f"h{i % 7}"}, "r": {"N": str(i)}, "g": {"S": f"g{i % 3}"}})
        mine.kill()
        mine.start()
        c = mine.client("dynamodb")
        assert c.scan(TableName="kept", Select="COUNT")["Count"] == 200
        assert c.scan(TableName="kept", IndexName="by-g", Select="COUNT")["Count"] == 200
        assert c.describe_table(TableName="kept")["Table"]["ItemCount"] == 200


def test_time_to_live_deletes_on_the_clock(h):
    from haneul import Haneul
    with Haneul(bin=h.bin) as mine:
        t = table(mine, "expiring", indexes=[("by-g", "g")])
        c = mine.client("dynamodb")
        now = int(time.time())
        t.put_item(Item={"h": "before", "g": "g", "e": now + 100})
        c.update_time_to_live(TableName="expiring", TimeToLiveSpecification=dict(Enabled=True, AttributeName="e"))
        for key, value in (("soon", now + 200), ("late", now + 90000), ("text", str(now + 100)), ("ancient", 1000), ("moved", now + 150)):
            t.put_item(Item={"h": key, "g": "g", "e": value})
        t.update_item(Key={"h": "moved"}, UpdateExpression="SET e = e + :x", ExpressionAttributeValues={":x": 50000})

        def left():
            return {i["h"] for i in t.query(IndexName="by-g", KeyConditionExpression=Key("g").eq("g"))["Items"]}
        assert len(left()) == 6
        assert mine.get("/_haneul/clock", method="POST", data=json.dumps({"advance_ms": 3600 * 1000}).encode())[0] == 200
        wait_until(lambda: left() == {"late", "text", "ancient", "moved"}, what="expiry")
