"""Queues and topics with a key of KMS: who may use the key decides who may send and receive."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from haneul import error_code  # noqa: E402
from sns_util import Subscriber, queue, receive  # noqa: E402

ACCOUNT = "000000000000"


def allow(*actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


def user(h, name, *actions):
    iam = h.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allow(*actions))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: h.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def queue_with_key(h, name, key, **attributes):
    return h.client("sqs").create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key, **attributes})["QueueUrl"]


def code(call, **input):
    """The code of the JSON wire, which boto3 shows as the query one."""
    return (error_code(call, **input) or "").replace("KMS.", "Kms").replace("Exception", "") or None


def test_the_key_decides(h):
    s, kms = h.client("sqs"), h.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    url = queue_with_key(h, "kms-decides", key)
    both = user(h, "kms-both", "sqs:*", "kms:GenerateDataKey", "kms:Decrypt")("sqs")
    reads = user(h, "kms-reads", "sqs:*", "kms:Decrypt")("sqs")
    none = user(h, "kms-none", "sqs:*")("sqs")
    assert code(none.send_message, QueueUrl=url, MessageBody="m") == "KmsAccessDenied"
    assert code(reads.send_message, QueueUrl=url, MessageBody="m") == "KmsAccessDenied"
    both.send_message(QueueUrl=url, MessageBody="안녕")
    assert code(none.receive_message, QueueUrl=url) == "KmsAccessDenied"
    # What failed took nothing away.
    assert [m["Body"] for m in reads.receive_message(QueueUrl=url)["Messages"]] == ["안녕"]
    attributes = s.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == key and attributes["KmsDataKeyReusePeriodSeconds"] == "300"
    assert attributes["SqsManagedSseEnabled"] == "false"
    failed = none.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "m"}])["Failed"]
    assert failed[0]["Id"] == "a" and "AccessDenied" in failed[0]["Code"]


def test_keys_that_cannot_be_used(h):
    s, kms = h.client("sqs"), h.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    url = queue_with_key(h, "kms-off", key)
    s.send_message(QueueUrl=url, MessageBody="m")
    kms.disable_key(KeyId=key)
    assert code(s.send_message, QueueUrl=url, MessageBody="m") == "KmsDisabled"
    assert code(s.receive_message, QueueUrl=url) == "KmsDisabled"
    kms.enable_key(KeyId=key)
    assert s.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "m"
    # AWS looks at the key when a message is sent, not when it is named.
    none = queue_with_key(h, "kms-nowhere", "alias/nowhere")
    assert code(s.send_message, QueueUrl=none, MessageBody="m") == "KmsNotFound"
    s.set_queue_attributes(QueueUrl=none, Attributes={"KmsMasterKeyId": ""})
    s.send_message(QueueUrl=none, MessageBody="m")
    assert error_code(queue_with_key, h, "kms-two", key, SqsManagedSseEnabled="true") == "InvalidAttributeValue"


def test_the_key_that_aws_manages_and_changes_of_keys(h):
    s, kms = h.client("sqs"), h.client("kms")
    url = queue_with_key(h, "kms-managed", "alias/aws/sqs", KmsDataKeyReusePeriodSeconds="60")
    user(h, "kms-plain", "sqs:*")("sqs").send_message(QueueUrl=url, MessageBody="1")
    assert any(a["AliasName"] == "alias/aws/sqs" for p in kms.get_paginator("list_aliases").paginate() for a in p["Aliases"])
    h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 61000}')
    s.send_message(QueueUrl=url, MessageBody="2")
    s.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": kms.create_key()["KeyMetadata"]["Arn"]})
    s.send_message(QueueUrl=url, MessageBody="3")
    s.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    s.send_message(QueueUrl=url, MessageBody="4")
    # Each opens with what it was sealed with.
    assert sorted(receive(h, url, 4)) == ["1", "2", "3", "4"]


def test_dead_letters_keep_their_key(h):
    s, kms = h.client("sqs"), h.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    dead = s.create_queue(QueueName="kms-dead")["QueueUrl"]
    arn = s.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = queue_with_key(h, "kms-source", key, VisibilityTimeout="0",
                         RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
    s.send_message(QueueUrl=url, MessageBody="poison")
    s.receive_message(QueueUrl=url)
    s.receive_message(QueueUrl=url)
    none = user(h, "kms-undertaker", "sqs:*")("sqs")
    assert code(none.receive_message, QueueUrl=dead) == "KmsAccessDenied"
    assert s.receive_message(QueueUrl=dead, VisibilityTimeout=0)["Messages"][0]["Body"] == "poison"
    s.start_message_move_task(SourceArn=arn)
    assert s.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["Body"] == "poison"


def test_services_need_the_policy_of_the_key(h):
    s, sns, kms = h.client("sqs"), h.client("sns"), h.client("kms")
    key = kms.create_key()["KeyMetadata"]
    url, arn = queue(h, "kms-fed")
    s.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key["KeyId"]})
    dead_url, dead = queue(h, "kms-fed-dead")
    topic = sns.create_topic(Name="kms-feeds")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "RawMessageDelivery": "true", "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})})
    sns.publish(TopicArn=topic, Message="refused")
    assert receive(h, dead_url) == ["refused"]
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Resource": "*",
                                "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Condition": {"ArnEquals": {"aws:SourceArn": topic}}})
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(policy))
    sns.publish(TopicArn=topic, Message="let in")
    assert receive(h, url) == ["let in"]


def test_topics_with_a_key(h):
    sns, kms = h.client("sns"), h.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    topic = sns.create_topic(Name="kms-topic", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    url, arn = queue(h, "kms-topic-q")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    none = user(h, "kms-herald", "sns:*")("sns")
    assert error_code(none.publish, TopicArn=topic, Message="m") == "KMSAccessDenied"
    both = user(h, "kms-crier", "sns:*", "kms:GenerateDataKey", "kms:Decrypt")("sns")
    sent = both.publish(TopicArn=topic, Message="안녕", Subject="S")["MessageId"]
    got = json.loads(receive(h, url)[0])
    assert (got["Message"], got["Subject"], got["MessageId"]) == ("안녕", "S", sent)
    both.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "batch"}])
    assert json.loads(receive(h, url)[0])["Message"] == "batch"
    with Subscriber() as web:
        sub = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=web.url, ReturnSubscriptionArn=True)["SubscriptionArn"]
        sns.confirm_subscription(TopicArn=topic, Token=json.loads(web.wait(1)[1])["Token"])
        sns.set_subscription_attributes(SubscriptionArn=sub, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(
            {"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 1}}))
        web.answers.append(500)  # what waits for the second attempt is sealed too
        sns.publish(TopicArn=topic, Message="twice")
        assert json.loads(web.wait(3)[1])["Message"] == "twice"
    kms.disable_key(KeyId=key)
    assert error_code(sns.publish, TopicArn=topic, Message="m") == "KMSDisabled"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/nowhere")
    assert error_code(sns.publish, TopicArn=topic, Message="m") == "KMSNotFound"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    sns.publish(TopicArn=topic, Message="managed")
    assert "managed" in {json.loads(m)["Message"] for m in receive(h, url, 2)}
