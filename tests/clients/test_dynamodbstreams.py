"""DynamoDB Streams through boto3: records, iterators, TTL deletions, restarts, trimming on the clock."""
import json
import time

from haneul import Haneul, error_code, wait_until


def make(c, name, view="NEW_AND_OLD_IMAGES"):
    d = c.create_table(TableName=name, KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                       AttributeDefinitions=[dict(AttributeName="h", AttributeType="S")], BillingMode="PAY_PER_REQUEST",
                       StreamSpecification=dict(StreamEnabled=True, StreamViewType=view))
    return d["TableDescription"]["LatestStreamArn"]


def iterator(s, arn, kind="TRIM_HORIZON", **more):
    shard = s.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    return s.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def records(s, arn, limit=1000):
    out, it = [], iterator(s, arn)
    while it:
        page = s.get_records(ShardIterator=it, Limit=limit)
        assert len(page["Records"]) <= limit
        out += page["Records"]
        it = page.get("NextShardIterator")
        if not page["Records"]:
            break
    return out


def advance(h, seconds):
    assert h.get("/_haneul/clock", method="POST", data=json.dumps({"advance_ms": seconds * 1000}).encode())[0] == 200


def test_every_way_to_change_an_item_is_a_record(h):
    c, s = h.client("dynamodb"), h.client("dynamodbstreams")
    arn = make(c, "streamed")
    one = {"h": {"S": "1"}}
    c.put_item(TableName="streamed", Item={**one, "v": {"N": "1"}})
    c.update_item(TableName="streamed", Key=one, UpdateExpression="SET v = v + :x", ExpressionAttributeValues={":x": {"N": "1"}})
    c.update_item(TableName="streamed", Key=one, UpdateExpression="SET v = :x", ExpressionAttributeValues={":x": {"N": "2"}})
    c.batch_write_item(RequestItems={"streamed": [{"PutRequest": {"Item": {"h": {"S": "2"}}}}, {"DeleteRequest": {"Key": one}}]})
    c.transact_write_items(TransactItems=[{"Delete": {"TableName": "streamed", "Key": {"h": {"S": "2"}}}}])
    assert error_code(c.transact_write_items, TransactItems=[
        {"Put": {"TableName": "streamed", "Item": {"h": {"S": "never"}}}},
        {"ConditionCheck": {"TableName": "streamed", "Key": one, "ConditionExpression": "attribute_exists(h)"}},
    ]) == "TransactionCanceledException"
    got = records(s, arn, limit=2)
    assert sorted((r["dynamodb"]["Keys"]["h"]["S"], r["eventName"]) for r in got) == [
        ("1", "INSERT"), ("1", "MODIFY"), ("1", "REMOVE"), ("2", "INSERT"), ("2", "REMOVE")]
    assert got[1]["dynamodb"]["OldImage"] == {**one, "v": {"N": "1"}}
    assert got[1]["dynamodb"]["NewImage"] == {**one, "v": {"N": "2"}}
    numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in got]
    assert numbers == sorted(set(numbers))
    assert len({r["eventID"] for r in got}) == 5
    assert all(r["eventSource"] == "aws:dynamodb" and r["awsRegion"] == "us-east-1" for r in got)
    assert got[0]["dynamodb"]["SizeBytes"] == 7
    assert arn in [x["StreamArn"] for x in s.list_streams(TableName="streamed")["Streams"]]
    c.delete_table(TableName="streamed")
    d = s.describe_stream(StreamArn=arn)["StreamDescription"]
    assert d["StreamStatus"] == "DISABLED"
    assert d["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"] == str(numbers[-1])
    assert len(records(s, arn)) == 5


def test_errors(h):
    c, s = h.client("dynamodb"), h.client("dynamodbstreams")
    arn = make(c, "stream-errors", "KEYS_ONLY")
    assert error_code(s.describe_stream, StreamArn=arn[:-1] + "x") == "ResourceNotFoundException"
    assert error_code(s.get_shard_iterator, StreamArn=arn, ShardId="shardId-00000000000000000000-none",
                      ShardIteratorType="LATEST") == "ResourceNotFoundException"
    assert error_code(s.get_records, ShardIterator="nothing") == "ValidationException"
    assert error_code(s.get_records, ShardIterator=arn + "|!!") == "ValidationException"
    assert error_code(iterator, s, arn, "AT_SEQUENCE_NUMBER", SequenceNumber="9" * 21) == "ValidationException"


def test_deletions_by_time_and_what_a_day_leaves():
    with Haneul() as mine:
        c, s = mine.client("dynamodb"), mine.client("dynamodbstreams")
        arn = make(c, "aging")
        c.update_time_to_live(TableName="aging", TimeToLiveSpecification=dict(Enabled=True, AttributeName="e"))
        now = int(time.time())
        c.put_item(TableName="aging", Item={"h": {"S": "a"}, "e": {"N": str(now + 2400)}})
        c.put_item(TableName="aging", Item={"h": {"S": "past"}, "e": {"N": str(now - 3 * 86400)}})
        wait_until(lambda: len(records(s, arn)) == 3, what="deletion of what had expired")
        advance(mine, 3600)
        wait_until(lambda: len(records(s, arn)) == 4, what="deletion by time")
        gone = [r for r in records(s, arn) if r["eventName"] == "REMOVE"]
        assert [r["userIdentity"] for r in gone] == [{"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}] * 2
        mine.stop()
        mine.start()
        c, s = mine.client("dynamodb"), mine.client("dynamodbstreams")
        assert len(records(s, arn)) == 4
        first = records(s, arn)[0]["dynamodb"]["SequenceNumber"]
        advance(mine, 86400 - 1800)
        assert len(records(s, arn)) == 1
        assert error_code(iterator, s, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=first) == "TrimmedDataAccessException"
        advance(mine, 86400)
        assert records(s, arn) == []
        c.put_item(TableName="aging", Item={"h": {"S": "b"}})
        assert len(records(s, arn)) == 1
