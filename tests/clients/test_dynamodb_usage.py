"""What a bill of DynamoDB is made of: amounts and request units, by region and table class."""
import json
import urllib.request

from haneul import error_code, wait_until

REGION = "ap-south-1"


def amounts(h):
    u = json.loads(urllib.request.urlopen(f"{h.endpoint}/_haneul/usage").read())
    return {a["class"]: (a["bytes"], a["objects"]) for a in u["amounts"] if a["service"] == "dynamodb" and a["resource"] == REGION}


def requests(h, kind):
    u = json.loads(urllib.request.urlopen(f"{h.endpoint}/_haneul/usage").read())
    return sum(r["requests"] for r in u["requests"]
               if r["service"] == "dynamodb" and r["resource"] == REGION and r["operation"] == kind)


def test_on_demand_has_a_maximum_when_asked(h):
    c = h.client("dynamodb")
    c.create_table(TableName="capped", KeySchema=[dict(AttributeName="h", KeyType="HASH")], BillingMode="PAY_PER_REQUEST",
                   AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in "hg"],
                   OnDemandThroughput=dict(MaxReadRequestUnits=-1, MaxWriteRequestUnits=1),
                   GlobalSecondaryIndexes=[dict(IndexName="by-g", Projection=dict(ProjectionType="ALL"),
                                                KeySchema=[dict(AttributeName="g", KeyType="HASH")])])
    put = dict(TableName="capped", Item={"h": {"S": "k"}, "v": {"S": "x" * 200_000}})  # 196 units of a burst of 300
    c.put_item(**put)
    c.put_item(**put)
    assert error_code(c.put_item, **put) == "ThrottlingException"
    assert error_code(c.batch_write_item, RequestItems={"capped": [{"PutRequest": {"Item": put["Item"]}}]}) == "ThrottlingException"
    for _ in range(20):
        c.get_item(TableName="capped", Key={"h": {"S": "k"}})
    c.update_table(TableName="capped", OnDemandThroughput=dict(MaxWriteRequestUnits=-1))
    c.put_item(**put)
    c.update_table(TableName="capped", GlobalSecondaryIndexUpdates=[dict(Update=dict(
        IndexName="by-g", OnDemandThroughput=dict(MaxReadRequestUnits=1)))])
    c.put_item(TableName="capped", Item={"h": {"S": "i"}, "g": {"S": "g"}, "v": {"S": "x" * 390_000}})
    ask = dict(TableName="capped", IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "g"}})
    codes = {error_code(c.query, **ask) for _ in range(12)}  # 48 units each
    assert codes == {None, "ThrottlingException"}


def test_warm_throughput_only_grows(h):
    c = h.client("dynamodb")
    c.create_table(TableName="warm", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                   AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in "hg"],
                   ProvisionedThroughput=dict(ReadCapacityUnits=5, WriteCapacityUnits=7),
                   GlobalSecondaryIndexes=[dict(IndexName="by-g", Projection=dict(ProjectionType="ALL"),
                                                KeySchema=[dict(AttributeName="g", KeyType="HASH")],
                                                ProvisionedThroughput=dict(ReadCapacityUnits=1, WriteCapacityUnits=2))])

    def warm():
        t = c.describe_table(TableName="warm")["Table"]
        both = [t["WarmThroughput"], t["GlobalSecondaryIndexes"][0]["WarmThroughput"]]
        assert [w["Status"] for w in both] == ["ACTIVE", "ACTIVE"]
        return [(w["ReadUnitsPerSecond"], w["WriteUnitsPerSecond"]) for w in both]
    assert warm() == [(5, 7), (1, 2)]
    c.update_table(TableName="warm", ProvisionedThroughput=dict(ReadCapacityUnits=2, WriteCapacityUnits=20))
    assert warm() == [(5, 20), (1, 2)]
    c.update_table(TableName="warm", BillingMode="PAY_PER_REQUEST")
    assert warm() == [(12000, 4000), (12000, 4000)]
    c.update_table(TableName="warm", WarmThroughput=dict(ReadUnitsPerSecond=15000))
    c.update_table(TableName="warm", GlobalSecondaryIndexUpdates=[dict(Update=dict(
        IndexName="by-g", WarmThroughput=dict(WriteUnitsPerSecond=5000)))])
    assert warm() == [(15000, 4000), (12000, 5000)]
    lower = dict(ReadUnitsPerSecond=14000)
    assert error_code(c.update_table, TableName="warm", WarmThroughput=lower) == "ValidationException"
    assert error_code(c.update_table, TableName="warm", GlobalSecondaryIndexUpdates=[dict(Update=dict(
        IndexName="by-g", WarmThroughput=dict(WriteUnitsPerSecond=4999)))]) == "ValidationException"
    assert error_code(c.create_table, TableName="warm-2", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                      AttributeDefinitions=[dict(AttributeName="h", AttributeType="S")], BillingMode="PAY_PER_REQUEST",
                      WarmThroughput=dict(ReadUnitsPerSecond=11999, WriteUnitsPerSecond=4000)) == "ValidationException"


def test_what_a_table_holds_and_has_is_metered_by_class(h):
    c = h.client("dynamodb", region=REGION)

    def table():
        return c.describe_table(TableName="metered")["Table"]

    def stored():
        t = table()
        return t["TableSizeBytes"] + sum(x["IndexSizeBytes"] for x in t.get("GlobalSecondaryIndexes", [])), t["ItemCount"]
    c.create_table(TableName="metered", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                   AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in "hg"],
                   ProvisionedThroughput=dict(ReadCapacityUnits=5, WriteCapacityUnits=7),
                   GlobalSecondaryIndexes=[dict(IndexName="by-g", Projection=dict(ProjectionType="KEYS_ONLY"),
                                                KeySchema=[dict(AttributeName="g", KeyType="HASH")],
                                                ProvisionedThroughput=dict(ReadCapacityUnits=1, WriteCapacityUnits=2))])
    for i in range(10):
        c.put_item(TableName="metered", Item={"h": {"S": f"k{i}"}, "g": {"S": "g"}, "v": {"S": "x" * 100}})
    c.delete_item(TableName="metered", Key={"h": {"S": "k3"}})
    c.update_item(TableName="metered", Key={"h": {"S": "k4"}}, UpdateExpression="SET v = :v REMOVE g",
                  ExpressionAttributeValues={":v": {"S": "short"}})
    a = amounts(h)
    assert a["TimedStorage-ByteHrs"] == stored() and stored()[1] == 9
    assert a["ReadCapacityUnit-Hrs"][0] == 6 and a["WriteCapacityUnit-Hrs"][0] == 9
    c.update_table(TableName="metered", TableClass="STANDARD_INFREQUENT_ACCESS")
    a = amounts(h)
    assert a["TimedStorage-ByteHrs"] == (0, 0) and a["ReadCapacityUnit-Hrs"][0] == 0
    assert a["IA-TimedStorage-ByteHrs"] == stored() and a["IA-WriteCapacityUnit-Hrs"][0] == 9
    c.update_table(TableName="metered", GlobalSecondaryIndexUpdates=[dict(Delete=dict(IndexName="by-g"))])
    assert amounts(h)["IA-TimedStorage-ByteHrs"] == stored() and amounts(h)["IA-ReadCapacityUnit-Hrs"][0] == 5
    # on demand: what is provisioned ends, what requests take is counted
    c.update_table(TableName="metered", BillingMode="PAY_PER_REQUEST")
    assert amounts(h)["IA-ReadCapacityUnit-Hrs"][0] == 0
    c.put_item(TableName="metered", Item={"h": {"S": "big"}, "v": {"S": "x" * 3000}})
    c.get_item(TableName="metered", Key={"h": {"S": "k1"}})
    c.get_item(TableName="metered", Key={"h": {"S": "big"}}, ConsistentRead=True)
    h.command("clock", "advance", "2m")
    c.get_item(TableName="metered", Key={"h": {"S": "k1"}})
    wait_until(lambda: requests(h, "IA-WriteRequestUnits") == 3, 60)
    wait_until(lambda: requests(h, "IA-ReadRequestHalfUnits") == 4, 60)
    c.delete_table(TableName="metered")
    assert amounts(h)["IA-TimedStorage-ByteHrs"] == (0, 0)
