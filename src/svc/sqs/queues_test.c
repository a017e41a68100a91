#include "svc/sqs/sqs_rig.h"

TEST(sqs_queue_names_and_again)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "'VisibilityTimeout':'10'");
	assert_string_equal(rig_text(&r, r.out, "QueueUrl"), RIG_URL "q");
	rig_queue(&r, "q", "'VisibilityTimeout':'10'");
	rig_queue(&r, "q", "");
	rig_call(&r, "CreateQueue", "{'QueueName':'q','Attributes':{'VisibilityTimeout':'11'}}");
	rig_fails(&r, "QueueNameExists");
	static const char *const bad[] = { "a b", "", "a.fifo", "x.y" };
	for (size_t i = 0; i < 4; i++) {
		rig_call(&r, "CreateQueue", "{'QueueName':'%s'}", bad[i]);
		rig_fails(&r, "InvalidParameterValue");
	}
	rig_call(&r, "CreateQueue", "{'QueueName':'a','Attributes':{'FifoQueue':'true'}}");
	rig_fails(&r, "InvalidParameterValue");
	rig_call(&r, "GetQueueUrl", "{'QueueName':'none'}");
	rig_fails(&r, "QueueDoesNotExist");
	rig_close(&r);
}

TEST(sqs_every_form_of_url)
{
	static const char *const urls[] = {
		"http://127.0.0.1:4566/111122223333/q",
		"https://sqs.us-east-1.amazonaws.com/111122223333/q",
		"http://sqs.us-east-1.localhost.localstack.cloud:4566/111122223333/q",
		"http://us-east-1.queue.localhost.localstack.cloud:4566/111122223333/q",
		"https://queue.amazonaws.com/111122223333/q",
		"http://localhost:4566/queue/us-east-1/111122223333/q",
		"http://localhost:4566/queue/111122223333/q",
		"/111122223333/q",
		"q",
	};
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
		rig_do(&r, "SendMessage", "{'QueueUrl':'%s','MessageBody':'m'}", urls[i]);
	rig_call(&r, "SendMessage",
		"{'QueueUrl':'https://sqs.eu-west-1.amazonaws.com/111122223333/q','MessageBody':'m'}");
	rig_fails(&r, "QueueDoesNotExist");
	static const char *const bad[] = { "ftp://h/111122223333/q", "http://h/1/q",
		"http://h/a/b/c/d/e", "http://h" };
	for (size_t i = 0; i < 4; i++) {
		rig_call(&r, "SendMessage", "{'QueueUrl':'%s','MessageBody':'m'}", bad[i]);
		rig_fails(&r, "InvalidAddress");
	}
	rig_close(&r);
}

TEST(sqs_listing_pages)
{
	struct rig r;
	rig_open(&r);
	for (int i = 0; i < 5; i++)
		rig_queue(&r,
			arena_cstr(&r.arena, arena_printf(&r.arena, "%s-%d", i < 3 ? "a" : "b", i)),
			"");
	rig_do(&r, "ListQueues", "{'QueueNamePrefix':'a-','MaxResults':2}");
	assert_int_equal(json_get_lit(r.out, "QueueUrls")->n, 2);
	rig_do(&r, "ListQueues", "{'QueueNamePrefix':'a-','MaxResults':2,'NextToken':'%s'}",
		rig_text(&r, r.out, "NextToken"));
	assert_int_equal(json_get_lit(r.out, "QueueUrls")->n, 1);
	assert_null(json_get_lit(r.out, "NextToken"));
	rig_do(&r, "ListQueues", "{}");
	assert_int_equal(json_get_lit(r.out, "QueueUrls")->n, 5);
	rig_close(&r);
}

TEST(sqs_deleted_names_rest)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_send(&r, "q", "m", "");
	rig_do(&r, "DeleteQueue", "{'QueueUrl':'" RIG_URL "q'}");
	rig_call(&r, "CreateQueue", "{'QueueName':'q'}");
	rig_fails(&r, "QueueDeletedRecently");
	clock_advance(60000);
	rig_queue(&r, "q", "");
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	rig_close(&r);
}

TEST(sqs_purge)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_send(&r, "q", "a", "");
	rig_send(&r, "q", "b", "");
	rig_receive(&r, "q", 1);
	const char *h = rig_text(&r, rig_message(&r, 0), "ReceiptHandle");
	rig_do(&r, "PurgeQueue", "{'QueueUrl':'" RIG_URL "q'}");
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	rig_delete(&r, "q", h);
	assert_int_equal(r.status, 200);
	rig_call(&r, "PurgeQueue", "{'QueueUrl':'" RIG_URL "q'}");
	rig_fails(&r, "PurgeQueueInProgress");
	rig_send(&r, "q", "c", "");
	assert_string_equal(rig_receive(&r, "q", 10), "c");
	rig_close(&r);
}

static const struct {
	const char *attributes, *error;
} attributes[] = {
	{ "'VisibilityTimeout':'43201'", "InvalidAttributeValue" },
	{ "'VisibilityTimeout':'x'", "InvalidAttributeValue" },
	{ "'MaximumMessageSize':'1023'", "InvalidAttributeValue" },
	{ "'MaximumMessageSize':'1048577'", "InvalidAttributeValue" },
	{ "'MessageRetentionPeriod':'59'", "InvalidAttributeValue" },
	{ "'ReceiveMessageWaitTimeSeconds':'21'", "InvalidAttributeValue" },
	{ "'DelaySeconds':'901'", "InvalidAttributeValue" },
	{ "'Nonsense':'1'", "InvalidAttributeName" },
	{ "'QueueArn':'1'", "InvalidAttributeName" },
	{ "'FifoQueue':'false'", "InvalidAttributeName" },
	{ "'ContentBasedDeduplication':'true'", "InvalidAttributeName" },
	{ "'Policy':'no'", "InvalidAttributeValue" },
	{ "'RedrivePolicy':'no'", "InvalidParameterValue" },
	{ "'RedrivePolicy':'{\\'maxReceiveCount\\':1}'", "InvalidParameterValue" },
	{ "'RedrivePolicy':'{\\'maxReceiveCount\\':1,\\'deadLetterTargetArn\\':\\'arn:aws:sqs:us-east-1:111122223333:no\\'}'",
		"InvalidParameterValue" },
	{ "'RedriveAllowPolicy':'{\\'redrivePermission\\':\\'byQueue\\'}'",
		"InvalidParameterValue" },
	{ "'KmsMasterKeyId':'alias/x','SqsManagedSseEnabled':'true'", "InvalidAttributeValue" },
};

TEST(sqs_attributes_are_checked)
{
	struct rig r;
	rig_open(&r);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		rig_call(&r, "CreateQueue", "{'QueueName':'q','Attributes':{%s}}",
			attributes[i].attributes);
		rig_fails(&r, attributes[i].error);
	}
	rig_queue(&r, "q", "'KmsMasterKeyId':'alias/x'");
	rig_do(&r, "GetQueueAttributes", "{'QueueUrl':'" RIG_URL "q','AttributeNames':['All']}");
	struct json *a = json_get_lit(r.out, "Attributes");
	assert_string_equal(rig_text(&r, a, "SqsManagedSseEnabled"), "false");
	assert_string_equal(rig_text(&r, a, "KmsDataKeyReusePeriodSeconds"), "300");
	rig_call(&r, "SendMessage", "{'QueueUrl':'" RIG_URL "q','MessageBody':'x'}");
	rig_fails(&r, "KmsNotFound");
	rig_call(&r, "GetQueueAttributes", "{'QueueUrl':'" RIG_URL "q','AttributeNames':['Foo']}");
	rig_fails(&r, "InvalidAttributeName");
	rig_close(&r);
}

TEST(sqs_policies_count_across_accounts)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	r.account = "444455556666";
	rig_call(&r, "SendMessage", "{'QueueUrl':'" RIG_URL "q','MessageBody':'m'}");
	rig_fails(&r, "AccessDeniedException");
	r.account = "111122223333";
	const char *add = "{'QueueUrl':'" RIG_URL
			  "q','Label':'%s','AWSAccountIds':['444455556666'],'Actions':['%s']}";
	rig_do(&r, "AddPermission", add, "l", "SendMessage");
	rig_call(&r, "AddPermission", add, "l", "SendMessage");
	rig_fails(&r, "InvalidParameterValue");
	rig_call(&r, "AddPermission", add, "m", "DeleteQueue");
	rig_fails(&r, "InvalidParameterValue");
	r.account = "444455556666";
	rig_send(&r, "q", "m", "");
	rig_call(&r, "ReceiveMessage", "{'QueueUrl':'" RIG_URL "q'}");
	rig_fails(&r, "AccessDeniedException");
	rig_call(&r, "DeleteQueue", "{'QueueUrl':'" RIG_URL "q'}");
	rig_fails(&r, "AccessDeniedException");
	r.account = "111122223333";
	rig_do(&r, "RemovePermission", "{'QueueUrl':'" RIG_URL "q','Label':'l'}");
	r.account = "444455556666";
	rig_call(&r, "SendMessage", "{'QueueUrl':'" RIG_URL "q','MessageBody':'m'}");
	rig_fails(&r, "AccessDeniedException");
	rig_close(&r);
}

TEST(sqs_tags)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateQueue", "{'QueueName':'q','tags':{'a':'1'}}");
	rig_do(&r, "TagQueue", "{'QueueUrl':'" RIG_URL "q','Tags':{'b':'2','a':'3'}}");
	rig_do(&r, "UntagQueue", "{'QueueUrl':'" RIG_URL "q','TagKeys':['b','z']}");
	rig_do(&r, "ListQueueTags", "{'QueueUrl':'" RIG_URL "q'}");
	struct json *tags = json_get_lit(r.out, "Tags");
	assert_int_equal(tags->n, 1);
	assert_string_equal(rig_text(&r, tags, "a"), "3");
	rig_close(&r);
}

struct delivery_unit {
	struct rig *r;
	struct sqs_delivery d;
};

static int
deliver(struct tx *t, void *arg)
{
	struct delivery_unit *u = arg;
	return sqs_deliver(t, cloud_store(u->r->cloud), &u->r->arena, &u->d, NULL);
}

TEST(sqs_other_services_deliver_as_the_policy_says)
{
	struct rig r;
	rig_open(&r);
	struct sqs_delivery_attribute a = { STR("k"), STR("String"), STR("v") };
	struct delivery_unit u = { &r, { .queue_arn = STR("arn:aws:sqs:us-east-1:111122223333:q"),
					       .service = STR("s3.amazonaws.com"),
					       .source_arn = STR("arn:aws:s3:::bucket"),
					       .source_account = STR("111122223333"),
					       .body = STR("event"),
					       .attributes = &a,
					       .attributes_n = 1,
					       .now_ms = RIG_START_MS } };
	assert_int_equal(store_write(cloud_store(r.cloud), deliver, &u), -2);
	rig_queue(&r, "q", "");
	assert_int_equal(store_write(cloud_store(r.cloud), deliver, &u), -13);
	rig_do(&r, "SetQueueAttributes",
		"{'QueueUrl':'" RIG_URL
		"q','Attributes':{'Policy':'{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':[{\\'Effect\\':"
		"\\'Allow\\',\\'Principal\\':{\\'Service\\':\\'s3.amazonaws.com\\'},\\'Action\\':\\'sqs:SendMessage\\',"
		"\\'Resource\\':\\'*\\',\\'Condition\\':{\\'ArnLike\\':{\\'aws:SourceArn\\':\\'arn:aws:s3:::bucket\\'}}}]}'}}");
	assert_int_equal(store_write(cloud_store(r.cloud), deliver, &u), 0);
	u.d.source_arn = STR("arn:aws:s3:::other");
	assert_int_equal(store_write(cloud_store(r.cloud), deliver, &u), -13);
	assert_string_equal(rig_receive(&r, "q", 10), "event");
	assert_non_null(json_get_lit(json_get_lit(rig_message(&r, 0), "MessageAttributes"), "k"));
	rig_close(&r);
}
