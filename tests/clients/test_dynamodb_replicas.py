"""Global tables between regions, and what needs services that are not there."""
import json
import random
import threading

from haneul import Haneul, error_code, wait_until

OTHER, THIRD = "eu-west-1", "ap-northeast-2"


def make(c, name, stream=True):
    more = dict(StreamSpecification=dict(StreamEnabled=True, StreamViewType="NEW_AND_OLD_IMAGES")) if stream else {}
    c.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
        AttributeDefinitions=[dict(AttributeName=a, AttributeType="S") for a in ("h", "g")],
        GlobalSecondaryIndexes=[dict(IndexName="by-g", Projection=dict(ProjectionType="ALL"),
                                     KeySchema=[dict(AttributeName="g", KeyType="HASH")])], **more)


def contents(c, name, **options):
    return {i["h"]["S"]: i for page in c.get_paginator("scan").paginate(TableName=name, **options) for i in page["Items"]}


def replicate(c, name, region):
    c.update_table(TableName=name, ReplicaUpdates=[dict(Create=dict(RegionName=region))])
    wait_until(lambda: [r["ReplicaStatus"] for r in c.describe_table(TableName=name)["Table"]["Replicas"]
                        if r["RegionName"] == region] == ["ACTIVE"], 60)


def equal(name, *clients):
    wait_until(lambda: all(contents(c, name) == contents(clients[0], name) for c in clients[1:]), 60)
    for c in clients:
        assert contents(c, name) == contents(clients[0], name)
        assert contents(c, name, IndexName="by-g") == {k: i for k, i in contents(c, name).items() if "g" in i}


def test_replicas_take_writes_and_agree():
    with Haneul() as h:
        a, b, d = h.client("dynamodb"), h.client("dynamodb", region=OTHER), h.client("dynamodb", region=THIRD)
        make(a, "glob")
        for at in range(0, 1000, 25):
            a.batch_write_item(RequestItems={"glob": [{"PutRequest": {"Item": {
                "h": {"S": f"k{i}"}, "g": {"S": f"g{i % 3}"}, "pad": {"S": "x" * 400}}}} for i in range(at, at + 25)]})
        a.update_table(TableName="glob", ReplicaUpdates=[dict(Create=dict(RegionName=OTHER))])
        for i in range(40):  # while it is filled
            a.put_item(TableName="glob", Item={"h": {"S": f"k{i * 20}"}, "during": {"BOOL": True}})
            a.delete_item(TableName="glob", Key={"h": {"S": f"k{i * 20 + 1}"}})
        wait_until(lambda: b.describe_table(TableName="glob")["Table"]["TableStatus"] == "ACTIVE", 60)
        equal("glob", a, b)
        t = b.describe_table(TableName="glob")["Table"]
        assert t["GlobalTableVersion"] == "2019.11.21" and t["Replicas"][0]["RegionName"] == "us-east-1"
        assert t["ItemCount"] == len(contents(a, "glob"))
        b.put_item(TableName="glob", Item={"h": {"S": "from-b"}, "g": {"S": "g1"}})
        b.delete_item(TableName="glob", Key={"h": {"S": "k9"}})
        equal("glob", a, b)
        assert "from-b" in contents(a, "glob") and "k9" not in contents(a, "glob")
        replicate(b, "glob", THIRD)
        equal("glob", a, b, d)
        assert {r["RegionName"] for r in a.describe_table(TableName="glob")["Table"]["Replicas"]} == {OTHER, THIRD}
        # everybody writes the same keys at once: whoever was last, all agree
        clients, rngs = [a, b, d], [random.Random(i) for i in range(3)]

        def churn(c, rng, who):
            for i in range(120):
                key = {"h": {"S": f"hot{rng.randrange(5)}"}}
                if rng.random() < 0.3:
                    c.delete_item(TableName="glob", Key=key)
                else:
                    c.update_item(TableName="glob", Key=key, UpdateExpression="SET g = :g, who = :w", ExpressionAttributeValues={
                        ":g": {"S": f"g{rng.randrange(3)}"}, ":w": {"S": f"{who}-{i}"}})
        threads = [threading.Thread(target=churn, args=(c, r, w)) for c, r, w in zip(clients, rngs, "abd")]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal("glob", a, b, d)
        h.kill()
        h.start()
        a, b, d = h.client("dynamodb"), h.client("dynamodb", region=OTHER), h.client("dynamodb", region=THIRD)
        equal("glob", a, b, d)
        streams = h.client("dynamodbstreams", region=OTHER)
        assert len(streams.list_streams(TableName="glob")["Streams"]) == 1
        a.update_table(TableName="glob", ReplicaUpdates=[dict(Delete=dict(RegionName=OTHER))])
        assert error_code(b.describe_table, TableName="glob") == "ResourceNotFoundException"
        assert [r["RegionName"] for r in d.describe_table(TableName="glob")["Table"]["Replicas"]] == ["us-east-1"]
        d.put_item(TableName="glob", Item={"h": {"S": "still"}})
        equal("glob", a, d)
        a.delete_table(TableName="glob")
        assert "Replicas" not in d.describe_table(TableName="glob")["Table"]


def test_what_replicas_share_follows(h):
    a, b = h.client("dynamodb"), h.client("dynamodb", region=OTHER)
    a.create_table(TableName="shared", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                   AttributeDefinitions=[dict(AttributeName="h", AttributeType="S")],
                   ProvisionedThroughput=dict(ReadCapacityUnits=5, WriteCapacityUnits=6),
                   StreamSpecification=dict(StreamEnabled=True, StreamViewType="NEW_AND_OLD_IMAGES"))
    a.put_item(TableName="shared", Item={"h": {"S": "k"}, "g": {"S": "g"}, "t": {"N": "1"}})
    replicate(a, "shared", OTHER)

    def table(c):
        return c.describe_table(TableName="shared")["Table"]

    def units(c):
        return [table(c)["ProvisionedThroughput"][k] for k in ("ReadCapacityUnits", "WriteCapacityUnits")]
    b.update_table(TableName="shared", ProvisionedThroughput=dict(ReadCapacityUnits=7, WriteCapacityUnits=8))
    assert units(a) == units(b) == [7, 8]
    a.update_table(TableName="shared", ReplicaUpdates=[dict(Update=dict(
        RegionName=OTHER, ProvisionedThroughputOverride=dict(ReadCapacityUnits=20), TableClassOverride="STANDARD_INFREQUENT_ACCESS"))])
    assert units(a) == [7, 8] and units(b) == [20, 8] and "TableClassSummary" not in table(a)
    replica = table(a)["Replicas"][0]
    assert replica["ProvisionedThroughputOverride"] == {"ReadCapacityUnits": 20}
    assert replica["ReplicaTableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    a.update_table(TableName="shared", ProvisionedThroughput=dict(ReadCapacityUnits=9, WriteCapacityUnits=10), TableClass="STANDARD")
    assert units(a) == [9, 10] and units(b) == [20, 10]
    assert table(b)["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    # an index made in one region is made in each, and filled
    b.update_table(TableName="shared", AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in "hg"],
                   GlobalSecondaryIndexUpdates=[dict(Create=dict(
                       IndexName="by-g", Projection=dict(ProjectionType="ALL"), KeySchema=[dict(AttributeName="g", KeyType="HASH")],
                       ProvisionedThroughput=dict(ReadCapacityUnits=1, WriteCapacityUnits=2)))])
    for c in (a, b):
        wait_until(lambda: table(c)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE", 60)
        assert contents(c, "shared", IndexName="by-g").keys() == {"k"}
    assert error_code(a.update_table, TableName="shared", ReplicaUpdates=[dict(Update=dict(
        RegionName=OTHER, GlobalSecondaryIndexes=[dict(IndexName="none", ProvisionedThroughputOverride=dict(ReadCapacityUnits=3))]))]) == (
            "ValidationException")
    a.update_table(TableName="shared", ReplicaUpdates=[dict(Update=dict(
        RegionName=OTHER, GlobalSecondaryIndexes=[dict(IndexName="by-g", ProvisionedThroughputOverride=dict(ReadCapacityUnits=3))]))])
    assert [table(c)["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] for c in (a, b)] == [1, 3]
    # time to live
    b.update_time_to_live(TableName="shared", TimeToLiveSpecification=dict(Enabled=True, AttributeName="t"))
    assert a.describe_time_to_live(TableName="shared")["TimeToLiveDescription"] == dict(TimeToLiveStatus="ENABLED", AttributeName="t")
    b.update_table(TableName="shared", BillingMode="PAY_PER_REQUEST")
    assert table(a)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST" and units(a) == units(b) == [0, 0]
    assert error_code(a.update_table, TableName="shared", ReplicaUpdates=[dict(Update=dict(
        RegionName=OTHER, ProvisionedThroughputOverride=dict(ReadCapacityUnits=3)))]) == "ValidationException"
    b.update_table(TableName="shared", GlobalSecondaryIndexUpdates=[dict(Delete=dict(IndexName="by-g"))])
    assert "GlobalSecondaryIndexes" not in table(a)
    # and what each region keeps for itself
    a.update_table(TableName="shared", DeletionProtectionEnabled=True)
    a.tag_resource(ResourceArn=table(a)["TableArn"], Tags=[dict(Key="k", Value="v")])
    a.update_continuous_backups(TableName="shared", PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=True))
    assert not table(b)["DeletionProtectionEnabled"] and b.list_tags_of_resource(ResourceArn=table(b)["TableArn"])["Tags"] == []
    assert error_code(b.update_table, TableName="shared", StreamSpecification=dict(StreamEnabled=False)) == "ValidationException"


def test_refusals_of_replicas(h):
    c = h.client("dynamodb")
    make(c, "plain", stream=False)
    make(h.client("dynamodb", region=OTHER), "taken")
    make(c, "taken")

    def code(name, **update):
        return error_code(c.update_table, TableName=name, ReplicaUpdates=[update])
    assert code("plain", Create=dict(RegionName=OTHER)) == "ValidationException"
    assert code("taken", Create=dict(RegionName=OTHER)) == "ValidationException"
    assert code("taken", Create=dict(RegionName="us-east-1")) == "ValidationException"
    assert code("taken", Create=dict(RegionName="nowhere")) == "ValidationException"
    assert code("taken", Delete=dict(RegionName=OTHER)) == "ValidationException"
    iam = h.client("iam")
    iam.create_user(UserName="one-region")
    iam.put_user_policy(UserName="one-region", PolicyName="p", PolicyDocument=json.dumps(dict(Version="2012-10-17", Statement=[
        dict(Effect="Allow", Action="dynamodb:*", Resource="arn:aws:dynamodb:us-east-1:*:*")])))
    key = iam.create_access_key(UserName="one-region")["AccessKey"]
    u = h.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_code(u.update_table, TableName="taken", ReplicaUpdates=[dict(Create=dict(RegionName=THIRD))]) == (
        "AccessDeniedException")


def test_what_needs_other_services_is_refused(h):
    c = h.client("dynamodb")
    make(c, "lonely")
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/changes"
    assert c.describe_kinesis_streaming_destination(TableName="lonely")["KinesisDataStreamDestinations"] == []
    for call in (c.enable_kinesis_streaming_destination, c.disable_kinesis_streaming_destination,
                 c.update_kinesis_streaming_destination):
        assert error_code(call, TableName="lonely", StreamArn=stream) == "ResourceNotFoundException"
    assert error_code(c.describe_kinesis_streaming_destination, TableName="none") == "ResourceNotFoundException"
    assert c.describe_contributor_insights(TableName="lonely", IndexName="by-g")["ContributorInsightsStatus"] == "DISABLED"
    assert c.list_contributor_insights(TableName="lonely")["ContributorInsightsSummaries"] == []
    assert error_code(c.update_contributor_insights, TableName="lonely", ContributorInsightsAction="ENABLE") == "ValidationException"
    assert c.update_contributor_insights(TableName="lonely", ContributorInsightsAction="DISABLE")["ContributorInsightsStatus"] == (
        "DISABLED")
