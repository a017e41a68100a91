#include "svc/sqs/sqs_rig.h"

static const char *
handle(struct rig *r, uint32_t i)
{
	return rig_text(r, rig_message(r, i), "ReceiptHandle");
}

TEST(sqs_message_goes_through_its_life)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_send(&r, "q", "one", "");
	assert_string_equal(
		rig_text(&r, r.out, "MD5OfMessageBody"), "f97c5d29941bfb1b2fdab0874906ab82");
	rig_send(&r, "q", "two", "");
	assert_string_equal(rig_counts(&r, "q"), "2/0/0");
	assert_string_equal(rig_receive(&r, "q", 1), "one");
	const char *first = handle(&r, 0);
	assert_string_equal(rig_counts(&r, "q"), "1/1/0");
	assert_string_equal(rig_receive(&r, "q", 10), "two");
	assert_string_equal(rig_receive(&r, "q", 10), "");
	rig_delete(&r, "q", first);
	assert_string_equal(rig_counts(&r, "q"), "0/1/0");
	clock_advance(30000);
	assert_string_equal(rig_counts(&r, "q"), "1/0/0");
	assert_string_equal(rig_receive(&r, "q", 10), "two");
	struct json *a = json_get_lit(rig_message(&r, 0), "Attributes");
	assert_string_equal(rig_text(&r, a, "ApproximateReceiveCount"), "2");
	rig_delete(&r, "q", handle(&r, 0));
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	rig_close(&r);
}

TEST(sqs_stale_receipts_do_nothing)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "'VisibilityTimeout':'1'");
	rig_send(&r, "q", "m", "");
	rig_receive(&r, "q", 1);
	const char *old = handle(&r, 0);
	clock_advance(1000);
	assert_string_equal(rig_receive(&r, "q", 1), "m");
	const char *new = handle(&r, 0);
	rig_delete(&r, "q", old);
	assert_int_equal(r.status, 200);
	assert_string_equal(rig_counts(&r, "q"), "0/1/0");
	/* The newest one deletes even when the message is visible again. */
	clock_advance(1000);
	rig_delete(&r, "q", new);
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	rig_delete(&r, "q", new);
	assert_int_equal(r.status, 200);
	rig_delete(&r, "q", "nonsense");
	rig_fails(&r, "ReceiptHandleIsInvalid");
	rig_queue(&r, "other", "");
	rig_delete(&r, "other", new);
	rig_fails(&r, "ReceiptHandleIsInvalid");
	rig_close(&r);
}

TEST(sqs_visibility_changes)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_send(&r, "q", "m", "");
	rig_receive(&r, "q", 1);
	const char *h = handle(&r, 0);
	const char *change =
		"{'QueueUrl':'" RIG_URL "q','ReceiptHandle':'%s','VisibilityTimeout':%d}";
	rig_do(&r, "ChangeMessageVisibility", change, h, 100);
	clock_advance(60000);
	assert_string_equal(rig_receive(&r, "q", 1), "");
	rig_call(&r, "ChangeMessageVisibility", change, h, 43201);
	rig_fails(&r, "InvalidParameterValue");
	rig_call(&r, "ChangeMessageVisibility", change, h, 43200);
	rig_fails(&r, "InvalidParameterValue");
	rig_do(&r, "ChangeMessageVisibility", change, h, 0);
	assert_string_equal(rig_counts(&r, "q"), "1/0/0");
	rig_call(&r, "ChangeMessageVisibility", change, h, 10);
	rig_fails(&r, "MessageNotInflight");
	assert_string_equal(rig_receive(&r, "q", 1), "m");
	rig_close(&r);
}

TEST(sqs_delays)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "'DelaySeconds':'10'");
	rig_send(&r, "q", "late", "");
	rig_send(&r, "q", "now", ",'DelaySeconds':0");
	rig_send(&r, "q", "later", ",'DelaySeconds':900");
	assert_string_equal(rig_counts(&r, "q"), "1/0/2");
	assert_string_equal(rig_receive(&r, "q", 10), "now");
	clock_advance(10000);
	assert_string_equal(rig_counts(&r, "q"), "1/1/1");
	assert_string_equal(rig_receive(&r, "q", 10), "late");
	clock_advance(900000);
	assert_string_equal(rig_receive(&r, "q", 10), "now,late,later");
	rig_call(&r, "SendMessage",
		"{'QueueUrl':'" RIG_URL "q','MessageBody':'x','DelaySeconds':901}");
	rig_fails(&r, "InvalidParameterValue");
	rig_close(&r);
}

TEST(sqs_retention_ends)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "'MessageRetentionPeriod':'60'");
	rig_send(&r, "q", "a", "");
	clock_advance(30000);
	rig_send(&r, "q", "b", "");
	clock_advance(30000);
	assert_string_equal(rig_receive(&r, "q", 10), "b");
	clock_advance(30000);
	assert_string_equal(rig_receive(&r, "q", 10), "");
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	rig_close(&r);
}

/* Checksums as the SDKs compute them. */
TEST(sqs_message_attributes)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_send(&r, "q", "m",
		",'MessageAttributes':{'b':{'DataType':'Binary.x','BinaryValue':'AAEC'},'a':{'DataType':'String',"
		"'StringValue':'x'}},'MessageSystemAttributes':{'AWSTraceHeader':{'DataType':'String','StringValue':'Root=1'}}");
	const char *sum = rig_text(&r, r.out, "MD5OfMessageAttributes");
	assert_int_equal(strlen(sum), 32);
	assert_int_equal(strlen(rig_text(&r, r.out, "MD5OfMessageSystemAttributes")), 32);
	rig_receive(&r, "q", 1);
	struct json *m = rig_message(&r, 0);
	assert_string_equal(rig_text(&r, m, "MD5OfMessageAttributes"), sum);
	assert_string_equal(rig_text(&r, json_get_lit(json_get_lit(m, "MessageAttributes"), "b"),
				    "BinaryValue"),
		"AAEC");
	assert_string_equal(
		rig_text(&r, json_get_lit(m, "Attributes"), "AWSTraceHeader"), "Root=1");
	static const char *const bad[] = {
		"'a':{'DataType':'Text','StringValue':'x'}",
		"'a':{'DataType':'String'}",
		"'a':{'DataType':'Number','StringValue':'x'}",
		"'AWS.a':{'DataType':'String','StringValue':'x'}",
		"'a..b':{'DataType':'String','StringValue':'x'}",
		"'a':{'DataType':'String.','StringValue':'x'}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		rig_call(&r, "SendMessage",
			"{'QueueUrl':'" RIG_URL "q','MessageBody':'m','MessageAttributes':{%s}}",
			bad[i]);
		rig_fails(&r, "InvalidParameterValue");
	}
	rig_close(&r);
}

TEST(sqs_batches_tell_each_entry)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_do(&r, "SendMessageBatch",
		"{'QueueUrl':'" RIG_URL
		"q','Entries':[{'Id':'a','MessageBody':'x'},{'Id':'b','MessageBody':'\\u0001'},"
		"{'Id':'c','MessageBody':'y','DelaySeconds':1000}]}");
	assert_int_equal(json_get_lit(r.out, "Successful")->n, 1);
	struct json *failed = json_get_lit(r.out, "Failed");
	assert_int_equal(failed->n, 2);
	assert_string_equal(rig_text(&r, json_at(failed, 0), "Code"), "InvalidMessageContents");
	assert_string_equal(rig_text(&r, json_at(failed, 1), "Id"), "c");
	static const char *const bad[][2] = {
		{ "", "EmptyBatchRequest" },
		{ "{'Id':'a','MessageBody':'x'},{'Id':'a','MessageBody':'x'}",
			"BatchEntryIdsNotDistinct" },
		{ "{'Id':'a b','MessageBody':'x'}", "InvalidBatchEntryId" },
	};
	for (size_t i = 0; i < 3; i++) {
		rig_call(&r, "SendMessageBatch", "{'QueueUrl':'" RIG_URL "q','Entries':[%s]}",
			bad[i][0]);
		rig_fails(&r, bad[i][1]);
	}
	struct str many = STR("");
	for (int i = 0; i < 11; i++)
		many = arena_concat(&r.arena, many,
			arena_printf(
				&r.arena, "%s{'Id':'%d','ReceiptHandle':'x'}", i ? "," : "", i));
	rig_call(&r, "DeleteMessageBatch", "{'QueueUrl':'" RIG_URL "q','Entries':[%.*s]}",
		STR_FMT(many));
	rig_fails(&r, "TooManyEntriesInBatchRequest");
	assert_string_equal(rig_counts(&r, "q"), "1/0/0");
	rig_close(&r);
}

TEST(sqs_dead_letters)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "dlq", "");
	rig_queue(&r, "q",
		"'VisibilityTimeout':'1','RedrivePolicy':'{\\'deadLetterTargetArn\\':"
		"\\'arn:aws:sqs:us-east-1:111122223333:dlq\\',\\'maxReceiveCount\\':\\'2\\'}'");
	rig_send(&r, "q", "poison", "");
	for (int i = 0; i < 2; i++) {
		assert_string_equal(rig_receive(&r, "q", 1), "poison");
		clock_advance(1000);
	}
	assert_string_equal(rig_receive(&r, "q", 1), "");
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	assert_string_equal(rig_receive(&r, "dlq", 1), "poison");
	assert_string_equal(rig_text(&r, json_get_lit(rig_message(&r, 0), "Attributes"),
				    "DeadLetterQueueSourceArn"),
		"arn:aws:sqs:us-east-1:111122223333:q");
	rig_do(&r, "ListDeadLetterSourceQueues", "{'QueueUrl':'" RIG_URL "dlq'}");
	assert_int_equal(json_get_lit(r.out, "queueUrls")->n, 1);
	rig_do(&r, "SetQueueAttributes",
		"{'QueueUrl':'" RIG_URL "q','Attributes':{'RedrivePolicy':''}}");
	rig_do(&r, "ListDeadLetterSourceQueues", "{'QueueUrl':'" RIG_URL "dlq'}");
	assert_int_equal(json_get_lit(r.out, "queueUrls")->n, 0);
	rig_close(&r);
}

/* Many messages in, out in order, some again: counts and hints stay right. */
TEST(sqs_backlog_is_received_whole)
{
	struct rig r;
	unsigned got = 0;
	rig_open(&r);
	rig_queue(&r, "q", "'VisibilityTimeout':'5'");
	for (int i = 0; i < 300; i++)
		rig_send(&r, "q", "m", i % 3 ? "" : ",'DelaySeconds':2");
	for (int round = 0; round < 400 && got < 300; round++) {
		rig_receive(&r, "q", 10);
		uint32_t n = rig_messages(&r);
		struct json *reply = r.out;
		for (uint32_t i = 0; i < n; i++) {
			if ((round + i) % 4 == 0)
				continue; /* left to time out */
			rig_delete(&r, "q",
				rig_text(&r, json_at(json_get_lit(reply, "Messages"), i),
					"ReceiptHandle"));
			got++;
		}
		clock_advance(100);
	}
	assert_int_equal(got, 300);
	assert_string_equal(rig_counts(&r, "q"), "0/0/0");
	rig_close(&r);
}

TEST(sqs_characters_are_looked_at_wherever_they_stand)
{
	static const struct {
		const char *text;
		bool fine;
	} cases[] = { { "", true }, { "plain", true }, { "0123456789abcdef", true },
		{ "01234567\n9abcdef", true }, { "0123456\x01", false }, { "01234567\x02", false },
		{ "\x1f", false }, { "0123456789abcdef\x7f", true }, { "안녕하세요", true },
		{ "01234567안녕 plain again 01234567", true }, { "01234567\xff", false },
		{ "0123456\xef\xbf\xbe", false },
		{ "01234567\xef\xbf\xbf"
		  "89abcdef",
			false },
		{ "0123456\xef\xbf\xbd", true }, { "01234567\xe2\x82", false },
		{ "\xe2\x82\xac"
		  "01234567\r\n\t01234567",
			true } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (sqs_text_allowed(str_c(cases[i].text)) != cases[i].fine)
			fail_msg("case %zu", i);
}
