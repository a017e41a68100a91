// SQS and SNS by the JavaScript SDK: node messaging.mjs ENDPOINT. The SDK compares checksums of bodies itself.
import assert from "node:assert/strict";
import * as SQS from "@aws-sdk/client-sqs";
import * as SNS from "@aws-sdk/client-sns";
import { collect, failsWith, run, sender } from "./harness.mjs";

const sqs = sender(SQS, "SQS");
const sns = sender(SNS, "SNS");
const missing = "QueueDoesNotExist";
const queue = async (QueueName, Attributes) => (await sqs("CreateQueue", { QueueName, Attributes })).QueueUrl;
const attribute = async (QueueUrl, name) =>
  (await sqs("GetQueueAttributes", { QueueUrl, AttributeNames: [name] })).Attributes?.[name];

// A queue that the topic may send to, and its subscription.
async function subscribed(TopicArn, name, Attributes, queueAttributes = {}) {
  const url = await queue(name, queueAttributes);
  const arn = await attribute(url, "QueueArn");
  await sqs("SetQueueAttributes", { QueueUrl: url, Attributes: { Policy: JSON.stringify({
    Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "sns.amazonaws.com" },
      Action: "sqs:SendMessage", Resource: arn, Condition: { ArnEquals: { "aws:SourceArn": TopicArn } } }] }) } });
  const { SubscriptionArn } = await sns("Subscribe", { TopicArn, Protocol: "sqs", Endpoint: arn, Attributes,
    ReturnSubscriptionArn: true });
  return { url, SubscriptionArn };
}

const tests = {
  async messages_live_and_die() {
    const QueueUrl = await queue("js-life", { VisibilityTimeout: "30" });
    const MessageAttributes = { t: { DataType: "String", StringValue: "하늘" }, b: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) } };
    const sent = await sqs("SendMessage", { QueueUrl, MessageBody: "안녕 <&>", MessageAttributes });
    const got = await sqs("ReceiveMessage", { QueueUrl, MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["All"] });
    const [m] = got.Messages;
    assert.equal(m.Body, "안녕 <&>");
    assert.equal(m.MessageId, sent.MessageId);
    assert.equal(m.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
    assert.deepEqual([...m.MessageAttributes.b.BinaryValue], [0, 255]);
    assert.equal(m.Attributes.ApproximateReceiveCount, "1");
    await sqs("ChangeMessageVisibility", { QueueUrl, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0 });
    const [again] = (await sqs("ReceiveMessage", { QueueUrl })).Messages;
    await sqs("DeleteMessage", { QueueUrl, ReceiptHandle: again.ReceiptHandle });
    assert.equal((await sqs("ReceiveMessage", { QueueUrl })).Messages, undefined);
    await failsWith("ReceiptHandleIsInvalid", sqs("DeleteMessage", { QueueUrl, ReceiptHandle: "nonsense" }));
    await failsWith("InvalidMessageContents", sqs("SendMessage", { QueueUrl, MessageBody: "\u0002" }));
  },

  async batches_fail_in_part() {
    const QueueUrl = await queue("js-batch");
    const sent = await sqs("SendMessageBatch", { QueueUrl, Entries: [{ Id: "a", MessageBody: "1" },
      { Id: "b", MessageBody: "2", DelaySeconds: 901 }, { Id: "c", MessageBody: "3" }] });
    assert.deepEqual(sent.Successful.map((e) => e.Id), ["a", "c"]);
    assert.deepEqual(sent.Failed.map((e) => [e.Id, e.Code]), [["b", "InvalidParameterValue"]]);
    const { Messages } = await sqs("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10 });
    const Entries = Messages.map((m, i) => ({ Id: `${i}`, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 50 }));
    assert.equal((await sqs("ChangeMessageVisibilityBatch", { QueueUrl, Entries })).Successful.length, 2);
    assert.equal((await sqs("DeleteMessageBatch", { QueueUrl, Entries: Entries.map(({ Id, ReceiptHandle }) => ({ Id, ReceiptHandle })) })).Successful.length, 2);
    await failsWith("BatchEntryIdsNotDistinct", sqs("SendMessageBatch", { QueueUrl, Entries: [{ Id: "a", MessageBody: "1" }, { Id: "a", MessageBody: "2" }] }));
    await failsWith("EmptyBatchRequest", sqs("SendMessageBatch", { QueueUrl, Entries: [] }));
  },

  async queues_are_listed_and_set() {
    for (let i = 0; i < 7; i++) await queue(`js-page-${i}`);
    const [urls, pages] = await collect(SQS.paginateListQueues({ client: sqs.client, pageSize: 3 }, { QueueNamePrefix: "js-page-" }), "QueueUrls");
    assert.equal(urls.length, 7);
    assert.equal(pages, 3);
    const QueueUrl = (await sqs("GetQueueUrl", { QueueName: "js-page-0" })).QueueUrl;
    assert.equal(QueueUrl, urls[0]);
    await sqs("SetQueueAttributes", { QueueUrl, Attributes: { DelaySeconds: "7" } });
    assert.equal(await attribute(QueueUrl, "DelaySeconds"), "7");
    await sqs("TagQueue", { QueueUrl, Tags: { a: "1", b: "2" } });
    await sqs("UntagQueue", { QueueUrl, TagKeys: ["a"] });
    assert.deepEqual((await sqs("ListQueueTags", { QueueUrl })).Tags, { b: "2" });
    await sqs("AddPermission", { QueueUrl, Label: "l", AWSAccountIds: ["123456789012"], Actions: ["SendMessage"] });
    assert.match(await attribute(QueueUrl, "Policy"), /"SID":"l"|"Sid":"l"/);
    await sqs("RemovePermission", { QueueUrl, Label: "l" });
    await sqs("PurgeQueue", { QueueUrl });
    await failsWith("PurgeQueueInProgress", sqs("PurgeQueue", { QueueUrl }));
    await failsWith("QueueNameExists", sqs("CreateQueue", { QueueName: "js-page-0", Attributes: { DelaySeconds: "8" } }));
    await failsWith("InvalidAttributeValue", sqs("SetQueueAttributes", { QueueUrl, Attributes: { DelaySeconds: "901" } }));
    await sqs("DeleteQueue", { QueueUrl });
    await failsWith(missing, sqs("GetQueueUrl", { QueueName: "js-page-0" }));
  },

  async dead_letters_go_there_and_back() {
    const dead = await queue("js-dead");
    const deadLetterTargetArn = await attribute(dead, "QueueArn");
    const QueueUrl = await queue("js-lively", { VisibilityTimeout: "0", RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
    await sqs("SendMessage", { QueueUrl, MessageBody: "poison" });
    assert.equal((await sqs("ReceiveMessage", { QueueUrl })).Messages[0].Body, "poison");
    assert.equal((await sqs("ReceiveMessage", { QueueUrl })).Messages, undefined);
    assert.equal(await attribute(dead, "ApproximateNumberOfMessages"), "1");
    const [sources] = await collect(SQS.paginateListDeadLetterSourceQueues({ client: sqs.client }, { QueueUrl: dead }), "queueUrls");
    assert.deepEqual(sources, [QueueUrl]);
    const { TaskHandle } = await sqs("StartMessageMoveTask", { SourceArn: deadLetterTargetArn });
    assert.ok(TaskHandle);
    const back = await sqs("ReceiveMessage", { QueueUrl, WaitTimeSeconds: 10 });
    assert.equal(back.Messages[0].Body, "poison");
    assert.equal((await sqs("ListMessageMoveTasks", { SourceArn: deadLetterTargetArn })).Results.length, 1);
    await failsWith("InvalidParameterValue", sqs("CancelMessageMoveTask", { TaskHandle: "bm9uZQ==" }));
  },

  async fifo_keeps_order() {
    const QueueUrl = await queue("js-order.fifo", { FifoQueue: "true", ContentBasedDeduplication: "true" });
    for (const body of ["1", "2", "2", "3"]) await sqs("SendMessage", { QueueUrl, MessageBody: body, MessageGroupId: "g" });
    const { Messages } = await sqs("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["MessageGroupId"] });
    assert.deepEqual(Messages.map((m) => m.Body), ["1", "2", "3"]);
    await failsWith("MissingParameter", sqs("SendMessage", { QueueUrl, MessageBody: "x" }));
  },

  async a_poll_waits_for_its_message() {
    const QueueUrl = await queue("js-poll");
    const polled = sqs("ReceiveMessage", { QueueUrl, WaitTimeSeconds: 20 });
    await new Promise((r) => setTimeout(r, 200));
    await sqs("SendMessage", { QueueUrl, MessageBody: "now" });
    assert.equal((await polled).Messages[0].Body, "now");
  },

  async topics_fan_out() {
    const { TopicArn } = await sns("CreateTopic", { Name: "js-topic", Tags: [{ Key: "a", Value: "1" }] });
    const all = await subscribed(TopicArn, "js-all", { RawMessageDelivery: "true" });
    const some = await subscribed(TopicArn, "js-some", { FilterPolicy: JSON.stringify({ kind: ["a", { prefix: "x-" }] }) });
    const kind = (StringValue) => ({ kind: { DataType: "String", StringValue } });
    await sns("Publish", { TopicArn, Message: "one", MessageAttributes: kind("b") });
    const { Successful, Failed } = await sns("PublishBatch", { TopicArn, PublishBatchRequestEntries: [
      { Id: "1", Message: "two", Subject: "s", MessageAttributes: kind("x-y") }, { Id: "2", Message: "three", MessageStructure: "json" }] });
    assert.deepEqual([Successful.map((e) => e.Id), Failed.map((e) => e.Id)], [["1"], ["2"]]);
    const bodies = [];
    while (bodies.length < 2)
      bodies.push(...((await sqs("ReceiveMessage", { QueueUrl: all.url, WaitTimeSeconds: 10, MaxNumberOfMessages: 10 })).Messages ?? []).map((m) => m.Body));
    assert.deepEqual(bodies.sort(), ["one", "two"]);
    const [m] = (await sqs("ReceiveMessage", { QueueUrl: some.url, WaitTimeSeconds: 10 })).Messages;
    const envelope = JSON.parse(m.Body);
    assert.deepEqual([envelope.Type, envelope.Message, envelope.Subject, envelope.TopicArn], ["Notification", "two", "s", TopicArn]);
    assert.ok(envelope.Signature && envelope.UnsubscribeURL);
    const [subs] = await collect(SNS.paginateListSubscriptionsByTopic({ client: sns.client }, { TopicArn }), "Subscriptions");
    assert.equal(subs.length, 2);
    const { Attributes } = await sns("GetSubscriptionAttributes", { SubscriptionArn: some.SubscriptionArn });
    assert.equal(Attributes.FilterPolicyScope, "MessageAttributes");
    await sns("SetSubscriptionAttributes", { SubscriptionArn: some.SubscriptionArn, AttributeName: "RawMessageDelivery", AttributeValue: "true" });
    await failsWith("InvalidParameterException", sns("SetSubscriptionAttributes", {
      SubscriptionArn: some.SubscriptionArn, AttributeName: "FilterPolicy", AttributeValue: "{\"a\": 1}" }));
    await sns("Unsubscribe", { SubscriptionArn: some.SubscriptionArn });
    await failsWith("NotFoundException", sns("GetSubscriptionAttributes", { SubscriptionArn: some.SubscriptionArn }));
    await sns("DeleteTopic", { TopicArn });
    await failsWith("NotFoundException", sns("Publish", { TopicArn, Message: "late" }));
  },

  async topics_are_listed_and_set() {
    for (let i = 0; i < 105; i++) await sns("CreateTopic", { Name: `js-many-${i}` });
    const [topics, pages] = await collect(SNS.paginateListTopics({ client: sns.client }, {}), "Topics");
    assert.ok(topics.length >= 105 && pages > 1);
    const { TopicArn } = topics.find((t) => t.TopicArn.endsWith("js-many-0"));
    await sns("SetTopicAttributes", { TopicArn, AttributeName: "DisplayName", AttributeValue: "하늘" });
    assert.equal((await sns("GetTopicAttributes", { TopicArn })).Attributes.DisplayName, "하늘");
    await sns("TagResource", { ResourceArn: TopicArn, Tags: [{ Key: "k", Value: "v" }] });
    assert.deepEqual((await sns("ListTagsForResource", { ResourceArn: TopicArn })).Tags, [{ Key: "k", Value: "v" }]);
    await sns("UntagResource", { ResourceArn: TopicArn, TagKeys: ["k"] });
    await sns("AddPermission", { TopicArn, Label: "l", AWSAccountId: ["123456789012"], ActionName: ["Publish"] });
    await sns("RemovePermission", { TopicArn, Label: "l" });
    await failsWith("InvalidParameterException", sns("CreateTopic", { Name: "no good" }));
    await failsWith("NotFoundException", sns("GetTopicAttributes", { TopicArn: TopicArn + "x" }));
  },
};

await run(tests);
