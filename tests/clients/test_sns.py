"""SNS over boto3 and the CLI: topics, subscriptions, publishing, errors, paging."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from haneul import error_code  # noqa: E402
from sns_util import is_empty, queue, receive, verify  # noqa: E402


def message_of(call, **kwargs):
    from botocore.exceptions import ClientError
    try:
        call(**kwargs)
    except ClientError as e:
        return e.response["Error"]["Message"]
    return None


def test_topics(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="topic-a", Tags=[{"Key": "k", "Value": "v"}])["TopicArn"]
    assert arn == "arn:aws:sns:us-east-1:000000000000:topic-a"
    assert sns.create_topic(Name="topic-a")["TopicArn"] == arn
    assert {"TopicArn": arn} in sns.list_topics()["Topics"]
    a = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert a["TopicArn"] == arn and a["Owner"] == "000000000000" and a["SubscriptionsConfirmed"] == "0"
    assert json.loads(a["Policy"])["Statement"][0]["Sid"] == "__default_statement_ID"
    assert json.loads(a["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="Shown")
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "Shown"
    for name, value in (("DisplayName", "x" * 101), ("Nonsense", "1"), ("SignatureVersion", "3"), ("Policy", "{}"),
                        ("DeliveryPolicy", "{"), ("ContentBasedDeduplication", "true"), ("ArchivePolicy", "{}")):
        assert error_code(sns.set_topic_attributes, TopicArn=arn, AttributeName=name, AttributeValue=value) == \
            "InvalidParameter", name
    assert error_code(sns.create_topic, Name="topic-a", Attributes={"DisplayName": "other"}) == "InvalidParameter"
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert error_code(sns.get_topic_attributes, TopicArn=arn) == "NotFound"
    assert message_of(sns.publish, TopicArn=arn, Message="x") == "Topic does not exist"
    for name in ("", "with space", "a" * 257, "dot.name", "x.fifo"):
        assert error_code(sns.create_topic, Name=name) == "InvalidParameter", name
    assert error_code(sns.create_topic, Name="plain", Attributes={"FifoTopic": "true"}) == "InvalidParameter"
    assert error_code(sns.get_topic_attributes, TopicArn="nonsense") == "InvalidParameter"


def test_topic_pages(h):
    sns = h.client("sns", region="eu-west-1")
    made = {sns.create_topic(Name=f"page-{i:03}")["TopicArn"] for i in range(230)}
    first = sns.list_topics()
    assert len(first["Topics"]) == 100 and first["NextToken"]
    listed = [t["TopicArn"] for p in sns.get_paginator("list_topics").paginate() for t in p["Topics"]]
    assert len(listed) == 230 and set(listed) == made
    assert error_code(sns.list_topics, NextToken="nonsense") == "InvalidParameter"


def test_tags(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="tagged", Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["b"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    assert error_code(sns.tag_resource, ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": "1"}]) == "InvalidParameter"
    assert error_code(sns.tag_resource, ResourceArn=arn,
                      Tags=[{"Key": str(i), "Value": "1"} for i in range(51)]) == "TagLimitExceeded"
    assert error_code(sns.list_tags_for_resource, ResourceArn=arn + "x") == "ResourceNotFound"
    assert error_code(sns.create_topic, Name="tagged", Tags=[{"Key": "z", "Value": "1"}]) == "InvalidParameter"


def test_permissions_and_data_protection(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="permitted")["TopicArn"]
    other = h.client("sns", key="222222222222")
    assert error_code(other.publish, TopicArn=arn, Message="x") == "AuthorizationError"
    sns.add_permission(TopicArn=arn, Label="let", AWSAccountId=["222222222222"], ActionName=["Publish"])
    assert other.publish(TopicArn=arn, Message="x")["MessageId"]
    assert error_code(other.get_topic_attributes, TopicArn=arn) == "AuthorizationError"
    assert error_code(sns.add_permission, TopicArn=arn, Label="let", AWSAccountId=["222222222222"],
                      ActionName=["Publish"]) == "InvalidParameter"
    assert error_code(sns.add_permission, TopicArn=arn, Label="bad", AWSAccountId=["222222222222"],
                      ActionName=["CreateTopic"]) == "InvalidParameter"
    sns.remove_permission(TopicArn=arn, Label="let")
    assert error_code(other.publish, TopicArn=arn, Message="x") == "AuthorizationError"
    policy = json.dumps({"Name": "p", "Version": "2021-06-01", "Statement": []})
    sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy=policy)
    assert sns.get_data_protection_policy(ResourceArn=arn)["DataProtectionPolicy"] == policy
    assert error_code(sns.put_data_protection_policy, ResourceArn=arn, DataProtectionPolicy="[") == "InvalidParameter"


def test_publish_to_queues(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="fan")["TopicArn"]
    url, qarn = queue(h, "fan-a")
    raw_url, raw_arn = queue(h, "fan-raw")
    sub = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn)["SubscriptionArn"]
    assert sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn)["SubscriptionArn"] == sub
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=raw_arn, Attributes={"RawMessageDelivery": "true"})
    attributes = {"s": {"DataType": "String", "StringValue": "é"}, "n": {"DataType": "Number", "StringValue": "1.5"},
                  "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    mid = sns.publish(TopicArn=arn, Message='he said "ü"\n', Subject="S", MessageAttributes=attributes)["MessageId"]
    m = json.loads(receive(h, url)[0])
    assert m["Type"] == "Notification" and m["MessageId"] == mid and m["TopicArn"] == arn and m["Subject"] == "S"
    assert m["Message"] == 'he said "ü"\n' and m["MessageAttributes"]["s"] == {"Type": "String", "Value": "é"}
    assert m["MessageAttributes"]["b"] == {"Type": "Binary", "Value": "AP8="}
    assert m["UnsubscribeURL"].endswith(f"Action=Unsubscribe&SubscriptionArn={sub}")
    assert m["SignatureVersion"] == "1" and verify(m)
    raw = receive(h, raw_url, attributes=True)[0]
    assert raw["Body"] == 'he said "ü"\n' and raw["MessageAttributes"]["b"]["BinaryValue"] == b"\x00\xff"
    sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TargetArn=arn, Message=json.dumps({"default": "d", "sqs": "for queues"}), MessageStructure="json")
    m = json.loads(receive(h, url)[0])
    assert m["Message"] == "for queues" and m["SignatureVersion"] == "2" and verify(m)
    assert receive(h, raw_url) == ["for queues"]


def test_publish_refuses(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="refuses")["TopicArn"]
    for kwargs in (dict(Message=""), dict(Message="x" * (256 * 1024 + 1)), dict(Message="x", Subject="y" * 101),
                   dict(Message="x", Subject="a\nb"), dict(Message="x", MessageStructure="json"),
                   dict(Message='{"sqs":"x"}', MessageStructure="json"), dict(Message="x", MessageStructure="xml"),
                   dict(Message="x", MessageDeduplicationId="1")):
        assert error_code(sns.publish, TopicArn=arn, **kwargs) == "InvalidParameter", kwargs
    for attribute in ({"DataType": "Strange", "StringValue": "x"}, {"DataType": "String"},
                      {"DataType": "Number", "StringValue": "many"}, {"DataType": "String", "StringValue": ""}):
        assert error_code(sns.publish, TopicArn=arn, Message="x", MessageAttributes={"a": attribute}) == \
            "ParameterValueInvalid", attribute
    assert error_code(sns.publish, Message="x") == "InvalidParameter"
    assert sns.publish(TopicArn=arn, Message="x" * 256 * 1024)["MessageId"]


def test_batches(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="batch")["TopicArn"]
    url, qarn = queue(h, "batch-q")
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn, Attributes={"RawMessageDelivery": "true"})
    r = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[
        {"Id": "a", "Message": "one"}, {"Id": "b", "Message": ""}, {"Id": "c", "Message": "two"}])
    assert [s["Id"] for s in r["Successful"]] == ["a", "c"]
    assert r["Failed"][0]["Id"] == "b" and r["Failed"][0]["Code"] == "InvalidParameter" and r["Failed"][0]["SenderFault"]
    assert sorted(receive(h, url, 2)) == ["one", "two"]
    entry = {"Id": "a", "Message": "x"}
    for entries, code in (([], "EmptyBatchRequest"), ([entry, entry], "BatchEntryIdsNotDistinct"),
                          ([{"Id": str(i), "Message": "x"} for i in range(11)], "TooManyEntriesInBatchRequest"),
                          ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
                          ([{"Id": str(i), "Message": "x" * 140000} for i in range(2)], "BatchRequestTooLong")):
        assert error_code(sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=entries) == code, code


def test_fifo(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="order.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    url, qarn = queue(h, "order.fifo", fifo=True)
    plain_url, plain_arn = queue(h, "standard-of-fifo")
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn, Attributes={"RawMessageDelivery": "true"})
    assert error_code(sns.subscribe, TopicArn=arn, Protocol="email", Endpoint="a@example.com") == "InvalidParameter"
    standard = sns.create_topic(Name="not-fifo")["TopicArn"]
    assert error_code(sns.subscribe, TopicArn=standard, Protocol="sqs", Endpoint=qarn) == "InvalidParameter"
    assert error_code(sns.publish, TopicArn=arn, Message="x") == "InvalidParameter"
    first = sns.publish(TopicArn=arn, Message="m0", MessageGroupId="g")
    again = sns.publish(TopicArn=arn, Message="m0", MessageGroupId="g")
    assert first["MessageId"] == again["MessageId"] and first["SequenceNumber"] == again["SequenceNumber"]
    for i in range(1, 30):
        r = sns.publish(TopicArn=arn, Message=f"m{i}", MessageGroupId="g", MessageDeduplicationId=f"d{i}")
        assert int(r["SequenceNumber"]) > int(first["SequenceNumber"]) and len(r["SequenceNumber"]) == 20
    assert receive(h, url, 30, seconds=20) == [f"m{i}" for i in range(30)]
    h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 301000}')
    assert sns.publish(TopicArn=arn, Message="m0", MessageGroupId="g")["MessageId"] != first["MessageId"]
    assert receive(h, url) == ["m0"]
    a = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert a["FifoTopic"] == "true" and a["ContentBasedDeduplication"] == "true"


def test_subscriptions(h):
    sns = h.client("sns", region="eu-north-1")
    arn = sns.create_topic(Name="subs")["TopicArn"]
    for i in range(120):
        sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint=f"+4912345{i:04}")
    pending = sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")["SubscriptionArn"]
    assert pending == "pending confirmation"
    sub = sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="b@example.com", ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert sub.startswith(arn + ":")
    for call, kwargs in (("list_subscriptions", {}), ("list_subscriptions_by_topic", {"TopicArn": arn})):
        pages = list(sns.get_paginator(call).paginate(**kwargs))
        listed = [s for p in pages for s in p["Subscriptions"]]
        assert len(pages) == 2 and len(listed) == 122
        assert sum(s["SubscriptionArn"] == "PendingConfirmation" for s in listed) == 2
    a = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (a["SubscriptionsConfirmed"], a["SubscriptionsPending"]) == ("120", "2")
    one = [s for s in sns.list_subscriptions()["Subscriptions"] if s["Protocol"] == "sms"][0]["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"]["PendingConfirmation"] == "false"
    sns.unsubscribe(SubscriptionArn=one)
    sns.unsubscribe(SubscriptionArn=one)
    assert error_code(sns.get_subscription_attributes, SubscriptionArn=one) == "NotFound"
    for protocol, endpoint in (("http", "https://x"), ("email", "nobody"), ("sms", "abc"), ("sqs", "q"), ("lambda", "f"),
                               ("pigeon", "x"), ("application", "arn:aws:sns:eu-north-1:000000000000:endpoint/GCM/a/b")):
        assert error_code(sns.subscribe, TopicArn=arn, Protocol=protocol, Endpoint=endpoint) == "InvalidParameter", protocol
    sns.delete_topic(TopicArn=arn)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_filters(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="filtered")["TopicArn"]
    url, qarn = queue(h, "filtered-q")
    sub = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn, Attributes={
        "RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": ["a", {"prefix": "b-"}], "n": [{"numeric": [">", 5]}]})
    })["SubscriptionArn"]

    def send(text, **attributes):
        sns.publish(TopicArn=arn, Message=text, MessageAttributes={
            k: {"DataType": "Number" if isinstance(v, int) else "String", "StringValue": str(v)} for k, v in attributes.items()})
    send("no attributes")
    send("too small", kind="a", n=5)
    send("yes 1", kind="a", n=6)
    send("yes 2", kind="b-x", n=7)
    send("no text number", kind="a", n="7")
    assert sorted(receive(h, url, 2)) == ["yes 1", "yes 2"]
    sns.set_subscription_attributes(SubscriptionArn=sub, AttributeName="FilterPolicy", AttributeValue="{}")
    sns.set_subscription_attributes(SubscriptionArn=sub, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
    sns.set_subscription_attributes(SubscriptionArn=sub, AttributeName="FilterPolicy",
                                    AttributeValue=json.dumps({"order": {"state": [{"anything-but": "new"}]}}))
    for body in ('{"order":{"state":"new"}}', "not json", '{"order":{"state":"paid"}}', '{"order":[]}'):
        send(body)
    assert receive(h, url) == ['{"order":{"state":"paid"}}']
    assert is_empty(h, url)
    got = sns.get_subscription_attributes(SubscriptionArn=sub)["Attributes"]
    assert got["FilterPolicyScope"] == "MessageBody" and json.loads(got["FilterPolicy"])["order"]
    for policy in ("{", '{"a":"b"}', '{"a":[{"numeric":["<"]}]}', '{"a":[{"unknown":1}]}',
                   json.dumps({str(i): ["x"] for i in range(6)})):
        assert error_code(sns.set_subscription_attributes, SubscriptionArn=sub, AttributeName="FilterPolicy",
                          AttributeValue=policy) == "InvalidParameter", policy


def test_dead_letters(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="undeliverable")["TopicArn"]
    dead_url, dead_arn = queue(h, "dead")
    closed_url, closed_arn = queue(h, "closed", allow=False)
    redrive = json.dumps({"deadLetterTargetArn": dead_arn})
    for protocol, endpoint in (("sqs", "arn:aws:sqs:us-east-1:000000000000:nowhere"), ("sqs", closed_arn),
                               ("lambda", "arn:aws:lambda:us-east-1:000000000000:function:f")):
        sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint, Attributes={"RedrivePolicy": redrive})
    sns.publish(TopicArn=arn, Message="lost")
    assert [json.loads(m)["Message"] for m in receive(h, dead_url, 3)] == ["lost"] * 3
    assert is_empty(h, closed_url)
    assert error_code(sns.subscribe, TopicArn=arn, Protocol="sms", Endpoint="+491234567",
                      Attributes={"RedrivePolicy": "{}"}) == "InvalidParameter"


def test_mail_and_sms(h):
    sns = h.client("sns")
    arn = sns.create_topic(Name="mailing", Attributes={"DisplayName": "Shop"})["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")
    mail = [m for m in json.loads(h.get("/_haneul/mail.json")[2])["messages"] if m["topic"] == arn]
    link = [w for w in mail[0]["body"].split() if "Action=ConfirmSubscription" in w][0]
    assert mail[0]["to"] == "a@example.com"
    status, _, body = h.get(link[len(h.endpoint):])
    assert status == 200 and b"<SubscriptionArn>" in body
    sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+491701234567")
    sns.publish(TopicArn=arn, Subject="<Hi>", Message="<script>alert(1)</script>")
    sns.publish(PhoneNumber="+491701234568", Message="direct")

    def all_there():
        found = json.loads(h.get("/_haneul/mail.json")[2])["messages"]
        return {(m["kind"], m["to"]) for m in found} >= {("email", "a@example.com"), ("sms", "+491701234567"),
                                                        ("sms", "+491701234568")} and found
    from haneul import wait_until
    found = wait_until(all_there, 10, "mails")
    assert [m["body"] for m in found if m["to"] == "+491701234567"] == ["Shop> <script>alert(1)</script>"]
    status, headers, page = h.get("/_haneul/mail")
    assert status == 200 and b"<script>" not in page and b"&lt;script&gt;" in page
    assert h.get("/_haneul/mail", headers={"Origin": "https://example.com"})[0] == 403
    assert error_code(sns.publish, PhoneNumber="12", Message="x") == "InvalidParameter"


def test_platform_and_sms_attributes(h):
    sns = h.client("sns")
    app = sns.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "k"})["PlatformApplicationArn"]
    assert app.endswith(":app/GCM/app")
    end = sns.create_platform_endpoint(PlatformApplicationArn=app, Token="tok", CustomUserData="u")["EndpointArn"]
    assert sns.create_platform_endpoint(PlatformApplicationArn=app, Token="tok", CustomUserData="u")["EndpointArn"] == end
    assert error_code(sns.create_platform_endpoint, PlatformApplicationArn=app, Token="tok", CustomUserData="v") == "InvalidParameter"
    assert sns.get_endpoint_attributes(EndpointArn=end)["Attributes"] == {"Enabled": "true", "Token": "tok", "CustomUserData": "u"}
    assert "Mobile push" in message_of(sns.publish, TargetArn=end, Message="x")
    sns.set_endpoint_attributes(EndpointArn=end, Attributes={"Enabled": "false"})
    assert error_code(sns.publish, TargetArn=end, Message="x") == "EndpointDisabled"
    sns.delete_endpoint(EndpointArn=end)
    assert error_code(sns.get_endpoint_attributes, EndpointArn=end) == "NotFound"
    sns.delete_platform_application(PlatformApplicationArn=app)
    assert error_code(sns.create_platform_endpoint, PlatformApplicationArn=app, Token="t") == "NotFound"
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional"})
    assert sns.get_sms_attributes(attributes=["DefaultSMSType"])["attributes"] == {"DefaultSMSType": "Transactional"}
    assert error_code(sns.set_sms_attributes, attributes={"X": "y"}) == "InvalidParameter"


def test_cli(h):
    arn = h.cli_json("sns", "create-topic", "--name", "from-cli")["TopicArn"]
    url, qarn = queue(h, "cli-q")
    h.cli("sns", "subscribe", "--topic-arn", arn, "--protocol", "sqs", "--notification-endpoint", qarn)
    h.cli("sns", "publish", "--topic-arn", arn, "--message", "hello", "--message-attributes",
          '{"a":{"DataType":"String","StringValue":"b"}}')
    assert json.loads(receive(h, url)[0])["Message"] == "hello"
    assert len(h.cli_json("sns", "list-subscriptions-by-topic", "--topic-arn", arn)["Subscriptions"]) == 1
    done = h.cli("sns", "publish", "--topic-arn", arn + "x", "--message", "hello", ok=False)
    assert done.returncode and "NotFound" in done.stderr
    h.cli("sns", "delete-topic", "--topic-arn", arn)
