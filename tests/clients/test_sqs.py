"""SQS through boto3 (JSON) and the aws CLI: each operation, errors, paging, long polls."""
import http.client
import json
import threading
import time

from haneul import error_code, wait_until


def queue(h, name, **attributes):
    return h.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def counts(s, url):
    a = s.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(a["ApproximateNumberOfMessages" + k]) for k in ("", "NotVisible", "Delayed"))


def advance(h, ms):
    assert h.get("/_haneul/clock", method="POST", data=json.dumps({"advance_ms": ms}).encode())[0] == 200


def test_life_of_messages(h):
    s = h.client("sqs")
    url = queue(h, "life", VisibilityTimeout="40")
    assert url == f"{h.endpoint}/{'000000000000'}/life" and s.get_queue_url(QueueName="life")["QueueUrl"] == url
    # botocore compares the checksums of body and attributes itself.
    sent = s.send_message(QueueUrl=url, MessageBody="안녕 <&>", MessageAttributes={
        "t": {"DataType": "String.ko", "StringValue": "하늘"}, "n": {"DataType": "Number", "StringValue": "-1.5e3"},
        "b": {"DataType": "Binary", "BinaryValue": b"\0\1\xff"}},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988"}})
    got = s.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"][0]
    assert got["Body"] == "안녕 <&>" and got["MessageId"] == sent["MessageId"]
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert got["MessageAttributes"]["b"]["BinaryValue"] == b"\0\1\xff"
    assert got["Attributes"]["SenderId"] == "000000000000" and got["Attributes"]["AWSTraceHeader"] == "Root=1-5759e988"
    assert counts(s, url) == (0, 1, 0)
    s.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    got = s.receive_message(QueueUrl=url, MessageAttributeNames=["t*", "n"])["Messages"][0]
    assert set(got["MessageAttributes"]) == {"n"} and "Attributes" not in got
    s.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert counts(s, url) == (0, 0, 0) and "Messages" not in s.receive_message(QueueUrl=url)


def test_batches(h):
    s = h.client("sqs")
    url = queue(h, "batches")
    r = s.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 901}, {"Id": "c", "MessageBody": "3"}])
    assert [e["Id"] for e in r["Successful"]] == ["a", "c"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in r["Failed"]] == [("b", "InvalidParameterValue", True)]
    got = s.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    r = s.change_message_visibility_batch(QueueUrl=url, Entries=[
        {"Id": "x", "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 100},
        {"Id": "y", "ReceiptHandle": "nonsense", "VisibilityTimeout": 1}])
    assert [e["Id"] for e in r["Successful"]] == ["x"] and r["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    r = s.delete_message_batch(QueueUrl=url, Entries=[
        {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)])
    assert len(r["Successful"]) == 2 and counts(s, url) == (0, 0, 0)
    send = s.send_message_batch
    assert error_code(send, QueueUrl=url, Entries=[]) == "AWS.SimpleQueueService.EmptyBatchRequest"
    one = {"MessageBody": "x"}
    assert error_code(send, QueueUrl=url, Entries=[dict(one, Id=str(i)) for i in range(11)]) == \
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    assert error_code(send, QueueUrl=url, Entries=[dict(one, Id="a")] * 2) == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    assert error_code(send, QueueUrl=url, Entries=[dict(one, Id="a b")]) == "AWS.SimpleQueueService.InvalidBatchEntryId"
    assert error_code(send, QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "x" * 600000} for i in range(2)]) == \
        "AWS.SimpleQueueService.BatchRequestTooLong"


def test_sizes_and_characters(h):
    s = h.client("sqs")
    url = queue(h, "sizes")
    s.send_message(QueueUrl=url, MessageBody="x" * (1 << 20))
    assert len(s.receive_message(QueueUrl=url)["Messages"][0]["Body"]) == 1 << 20
    assert error_code(s.send_message, QueueUrl=url, MessageBody="x" * ((1 << 20) + 1)) == "InvalidParameterValue"
    assert error_code(s.send_message, QueueUrl=url, MessageBody="\x02") == "InvalidMessageContents"
    assert error_code(s.send_message, QueueUrl=url, MessageBody="\ufffe") == "InvalidMessageContents"
    assert error_code(s.send_message, QueueUrl=url, MessageBody="") == "MissingParameter"
    s.send_message(QueueUrl=url, MessageBody="\t\r\n\U0001f600")


def test_long_polls_wake_at_once(h):
    s = h.client("sqs", max_pool_connections=20)
    url = queue(h, "polls")
    got, began = [], time.monotonic()

    def wait():
        for m in s.receive_message(QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=1).get("Messages", []):
            got.append((m["Body"], time.monotonic() - float(m["Body"])))
    waiters = [threading.Thread(target=wait) for _ in range(8)]
    for t in waiters:
        t.start()
    wait_until(lambda: b"haneul" in h.get("/metrics")[2])
    time.sleep(0.3)
    for i in range(8):
        s.send_message(QueueUrl=url, MessageBody=repr(time.monotonic()))
    for t in waiters:
        t.join(15)
    assert len(got) == 8 and len({b for b, _ in got}) == 8
    assert sorted(w for _, w in got)[4] < 0.5 and time.monotonic() - began < 15


def test_long_poll_sees_visibility_end_and_delay(h):
    s = h.client("sqs")
    url = queue(h, "again", VisibilityTimeout="1")
    s.send_message(QueueUrl=url, MessageBody="m")
    s.receive_message(QueueUrl=url)
    began = time.monotonic()
    assert s.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["Body"] == "m"
    assert time.monotonic() - began < 5
    assert "Messages" not in s.receive_message(QueueUrl=queue(h, "empty"), WaitTimeSeconds=1)


def test_a_client_that_leaves_takes_no_message_along(h):
    s = h.client("sqs")
    url = queue(h, "leaving")
    for waits in (0.3, 0):
        sockets = []
        for _ in range(20):
            c = http.client.HTTPConnection("127.0.0.1", h.port)
            c.request("POST", "/", json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}), {
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, "
                                 "Signature=" + "0" * 64, "X-Amz-Date": "20260101T000000Z"})
            sockets.append(c)
        time.sleep(waits)
        for c in sockets:
            c.close()
    time.sleep(0.3)
    s.send_message(QueueUrl=url, MessageBody="m")
    assert s.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "m"


def test_fifo_long_poll_is_woken_by_a_deletion(h):
    s, got = h.client("sqs"), []
    url = queue(h, "wake.fifo", FifoQueue="true", ContentBasedDeduplication="true", VisibilityTimeout="30")
    for body in ("1", "2"):
        s.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    first = s.receive_message(QueueUrl=url)["Messages"][0]
    t = threading.Thread(target=lambda: got.extend(s.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]))
    t.start()
    time.sleep(0.3)
    began = time.monotonic()
    h.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    t.join(15)
    assert [m["Body"] for m in got] == ["2"] and time.monotonic() - began < 5


def test_fifo(h):
    s = h.client("sqs")
    url = queue(h, "order.fifo", FifoQueue="true")
    first = s.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g", MessageDeduplicationId="a")
    same = s.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g", MessageDeduplicationId="a")
    assert same["MessageId"] == first["MessageId"] and same["SequenceNumber"] == first["SequenceNumber"]
    s.send_message(QueueUrl=url, MessageBody="2", MessageGroupId="g", MessageDeduplicationId="b")
    s.send_message(QueueUrl=url, MessageBody="3", MessageGroupId="h", MessageDeduplicationId="c")
    one = s.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert [m["Body"] for m in one] == ["1"] and one[0]["Attributes"]["MessageDeduplicationId"] == "a"
    two = s.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [m["Body"] for m in two] == ["3"]
    s.delete_message(QueueUrl=url, ReceiptHandle=one[0]["ReceiptHandle"])
    assert [m["Body"] for m in s.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]] == ["2"]
    assert error_code(s.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="g") == "InvalidParameterValue"
    assert error_code(s.send_message, QueueUrl=url, MessageBody="x", MessageDeduplicationId="z") == "MissingParameter"


def test_dead_letters_and_moves(h):
    s = h.client("sqs")
    dlq = queue(h, "dead")
    arn = s.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = queue(h, "source", VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
    for i in range(5):
        s.send_message(QueueUrl=url, MessageBody=str(i))
    for _ in range(20):
        s.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert counts(s, dlq)[0] == 5 and counts(s, url) == (0, 0, 0)
    assert s.list_dead_letter_source_queues(QueueUrl=dlq)["queueUrls"] == [url]
    source = s.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert error_code(s.start_message_move_task, SourceArn=source) == "InvalidParameterValue"
    assert error_code(s.start_message_move_task, SourceArn=arn + "x") == "ResourceNotFoundException"
    task = s.start_message_move_task(SourceArn=arn)["TaskHandle"]
    done = wait_until(lambda: [t for t in s.list_message_move_tasks(SourceArn=arn)["Results"] if t["Status"] == "COMPLETED"])
    assert done[0]["ApproximateNumberOfMessagesMoved"] == 5 and counts(s, url)[0] == 5 and counts(s, dlq)[0] == 0
    assert error_code(s.cancel_message_move_task, TaskHandle=task) == "AWS.SimpleQueueService.UnsupportedOperation"
    for _ in range(20):
        s.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    task = s.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    assert error_code(s.start_message_move_task, SourceArn=arn) == "AWS.SimpleQueueService.UnsupportedOperation"
    s.cancel_message_move_task(TaskHandle=task)
    advance(h, 2000)
    wait_until(lambda: s.list_message_move_tasks(SourceArn=arn, MaxResults=10)["Results"][0]["Status"] == "CANCELLED")
    assert counts(s, url)[0] + counts(s, dlq)[0] == 5
    s.set_queue_attributes(QueueUrl=dlq, Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})})
    assert error_code(queue, h, "refused", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})) == \
        "InvalidParameterValue"


def test_retention_purge_and_deletion_on_the_clock(h):
    s = h.client("sqs")
    url = queue(h, "clock", MessageRetentionPeriod="60")
    for i in range(20):
        s.send_message(QueueUrl=url, MessageBody=str(i))
    advance(h, 61000)
    wait_until(lambda: counts(s, url) == (0, 0, 0), what="expiry")
    s.send_message(QueueUrl=url, MessageBody="x")
    s.purge_queue(QueueUrl=url)
    assert counts(s, url) == (0, 0, 0)
    assert error_code(s.purge_queue, QueueUrl=url) == "AWS.SimpleQueueService.PurgeQueueInProgress"
    s.delete_queue(QueueUrl=url)
    assert error_code(s.send_message, QueueUrl=url, MessageBody="x") == "AWS.SimpleQueueService.NonExistentQueue"
    assert error_code(queue, h, "clock") == "AWS.SimpleQueueService.QueueDeletedRecently"
    advance(h, 61000)
    queue(h, "clock")


def test_deleting_a_queue_ends_its_polls(h):
    s = h.client("sqs")
    url, codes = queue(h, "gone"), []
    t = threading.Thread(target=lambda: codes.append(error_code(s.receive_message, QueueUrl=url, WaitTimeSeconds=20)))
    t.start()
    time.sleep(0.3)
    h.client("sqs").delete_queue(QueueUrl=url)
    t.join(10)
    assert codes == ["AWS.SimpleQueueService.NonExistentQueue"]


def test_listing_attributes_tags_permissions(h):
    s = h.client("sqs")
    for i in range(7):
        queue(h, f"page-{i}")
    pages = list(s.get_paginator("list_queues").paginate(QueueNamePrefix="page-", PaginationConfig={"PageSize": 3}))
    assert [len(p["QueueUrls"]) for p in pages] == [3, 3, 1]
    url = queue(h, "page-0")
    s.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "3"})
    assert s.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {"DelaySeconds": "3"}
    assert "Attributes" not in s.get_queue_attributes(QueueUrl=url)
    assert error_code(queue, h, "page-0", DelaySeconds="4") == "QueueAlreadyExists"
    s.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    s.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert s.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    other = h.client("sqs", key="444455556666")
    assert error_code(other.send_message, QueueUrl=url, MessageBody="x") == "AccessDenied"
    s.add_permission(QueueUrl=url, Label="l", AWSAccountIds=["444455556666"], Actions=["SendMessage", "GetQueueUrl"])
    other.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=0)
    assert other.get_queue_url(QueueName="page-0", QueueOwnerAWSAccountId="000000000000")["QueueUrl"] == url
    policy = json.loads(s.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert policy["Statement"][0]["Sid"] == "l"
    s.remove_permission(QueueUrl=url, Label="l")
    assert error_code(other.send_message, QueueUrl=url, MessageBody="x") == "AccessDenied"


def test_cli(h):
    def cli(*args, **kwargs):
        return h.cli("--endpoint-url", h.endpoint, "sqs", *args, "--output", "json", **kwargs)

    def read(*args):
        out = cli(*args).stdout
        return json.loads(out) if out.strip() else {}
    url = read("create-queue", "--queue-name", "cli")["QueueUrl"]
    sent = read("send-message", "--queue-url", url, "--message-body", "hello", "--message-attributes",
                '{"k":{"DataType":"String","StringValue":"v"}}')
    got = read("receive-message", "--queue-url", url, "--attribute-names", "All", "--message-attribute-names", "All")["Messages"]
    assert got[0]["MessageId"] == sent["MessageId"] and got[0]["MessageAttributes"]["k"]["StringValue"] == "v"
    cli("delete-message", "--queue-url", url, "--receipt-handle", got[0]["ReceiptHandle"])
    read("send-message-batch", "--queue-url", url, "--entries", '[{"Id":"1","MessageBody":"x"}]')
    assert "cli" in cli("list-queues").stdout
    read("purge-queue", "--queue-url", url)
    cli("delete-queue", "--queue-url", url)
    gone = cli("get-queue-url", "--queue-name", "cli", ok=False)
    assert gone.returncode == 254 or gone.returncode == 255
    assert "NonExistentQueue" in gone.stderr


def test_what_the_temporary_queue_client_does(h):
    """AWS's library keeps temporary queues by itself: tags, heartbeats as tags, a sweep over a prefix."""
    s = h.client("sqs")
    assert error_code(s.create_queue, QueueName="__t", Attributes={"IdleQueueRetentionPeriodSeconds": "60"}) == "InvalidAttributeName"
    tags = {"__IdleQueueRetentionPeriodSeconds": "60", "__AmazonSQSTemporaryQueuesClientCreated": "true"}
    urls = [s.create_queue(QueueName=f"__RequesterClientQueues__{i}", tags=tags)["QueueUrl"] for i in range(3)]
    s.tag_queue(QueueUrl=urls[0], Tags={"__LastHeartbeatTimestamp": "1"})
    assert s.list_queues(QueueNamePrefix="__RequesterClientQueues__")["QueueUrls"] == urls
    assert s.list_queue_tags(QueueUrl=urls[0])["Tags"] == dict(tags, __LastHeartbeatTimestamp="1")
    for url in urls:
        s.delete_queue(QueueUrl=url)
    assert "QueueUrls" not in s.list_queues(QueueNamePrefix="__RequesterClientQueues__")


def test_fifo_calls_beyond_the_quota_are_throttled(h):
    s = h.client("sqs")
    url = queue(h, "quota.fifo", FifoQueue="true")
    codes = {error_code(s.send_message, QueueUrl=url, MessageBody="m", MessageGroupId="g", MessageDeduplicationId=str(i)) for i in range(302)}
    assert codes <= {None, "RequestThrottled"} and None in codes
    s.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"})
    s.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g", MessageDeduplicationId="x")
    assert error_code(s.set_queue_attributes, QueueUrl=url, Attributes={"DeduplicationScope": "queue"}) == "InvalidAttributeValue"
