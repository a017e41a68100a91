#include "svc/sqs/sqs_rig.h"

#define FIFO "'FifoQueue':'true'"
#define BY_CONTENT FIFO ",'ContentBasedDeduplication':'true'"

static void
send_group(struct rig *r, const char *body, const char *group)
{
	rig_send(r, "q.fifo", body,
		arena_cstr(&r->arena, arena_printf(&r->arena, ",'MessageGroupId':'%s'", group)));
}

TEST(sqs_fifo_blocks_a_group_in_flight)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo", BY_CONTENT);
	send_group(&r, "a1", "a");
	send_group(&r, "b1", "b");
	send_group(&r, "a2", "a");
	assert_string_equal(rig_receive(&r, "q.fifo", 1), "a1");
	const char *a1 = rig_text(&r, rig_message(&r, 0), "ReceiptHandle");
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "b1");
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "");
	rig_delete(&r, "q.fifo", a1);
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "a2");
	send_group(&r, "a3", "a");
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "");
	clock_advance(30000);
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "b1,a2,a3");
	rig_close(&r);
}

TEST(sqs_fifo_remembers_what_was_sent)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo", FIFO);
	const char *same = ",'MessageGroupId':'g','MessageDeduplicationId':'d'";
	rig_send(&r, "q.fifo", "one", same);
	const char *id = rig_text(&r, r.out, "MessageId"),
		   *seq = rig_text(&r, r.out, "SequenceNumber");
	clock_advance(299999);
	rig_send(&r, "q.fifo", "two", same);
	assert_string_equal(rig_text(&r, r.out, "MessageId"), id);
	assert_string_equal(rig_text(&r, r.out, "SequenceNumber"), seq);
	assert_string_equal(rig_counts(&r, "q.fifo"), "1/0/0");
	clock_advance(1);
	rig_send(&r, "q.fifo", "three", same);
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "one,three");
	assert_true(strcmp(rig_text(&r, json_get_lit(rig_message(&r, 1), "Attributes"),
				   "SequenceNumber"),
			    seq) > 0);
	rig_call(&r, "SendMessage",
		"{'QueueUrl':'" RIG_URL "q.fifo','MessageBody':'x','MessageGroupId':'g'}");
	rig_fails(&r, "InvalidParameterValue");
	rig_call(&r, "SendMessage", "{'QueueUrl':'" RIG_URL "q.fifo','MessageBody':'x'}");
	rig_fails(&r, "MissingParameter");
	rig_close(&r);
}

TEST(sqs_fifo_scope_by_group)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo",
		BY_CONTENT
		",'DeduplicationScope':'messageGroup','FifoThroughputLimit':'perMessageGroupId'");
	send_group(&r, "m", "a");
	send_group(&r, "m", "b");
	send_group(&r, "m", "a");
	assert_string_equal(rig_counts(&r, "q.fifo"), "2/0/0");
	rig_call(&r, "SetQueueAttributes",
		"{'QueueUrl':'" RIG_URL "q.fifo','Attributes':{'DeduplicationScope':'queue'}}");
	rig_fails(&r, "InvalidAttributeValue");
	rig_close(&r);
}

TEST(sqs_fifo_receipts_expire)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo", BY_CONTENT);
	send_group(&r, "m", "a");
	rig_receive(&r, "q.fifo", 1);
	const char *h = rig_text(&r, rig_message(&r, 0), "ReceiptHandle");
	clock_advance(30000);
	rig_delete(&r, "q.fifo", h);
	rig_fails(&r, "InvalidParameterValue");
	assert_string_equal(rig_receive(&r, "q.fifo", 1), "m");
	rig_close(&r);
}

TEST(sqs_fifo_attempts_repeat)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo", BY_CONTENT);
	send_group(&r, "1", "a");
	send_group(&r, "2", "a");
	const char *ask = "{'QueueUrl':'" RIG_URL
			  "q.fifo','ReceiveRequestAttemptId':'try','MaxNumberOfMessages':2}";
	rig_do(&r, "ReceiveMessage", ask);
	assert_int_equal(rig_messages(&r), 2);
	const char *h = rig_text(&r, rig_message(&r, 1), "ReceiptHandle");
	rig_do(&r, "ReceiveMessage", ask);
	assert_int_equal(rig_messages(&r), 2);
	assert_string_equal(rig_text(&r, rig_message(&r, 1), "ReceiptHandle"), h);
	rig_delete(&r, "q.fifo", h);
	rig_do(&r, "ReceiveMessage", ask);
	assert_int_equal(rig_messages(&r), 0);
	rig_close(&r);
}

TEST(sqs_fifo_delay_of_the_queue)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo", BY_CONTENT ",'DelaySeconds':'10'");
	send_group(&r, "1", "a");
	clock_advance(5000);
	send_group(&r, "2", "a");
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "");
	clock_advance(5000);
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "1");
	rig_delete(&r, "q.fifo", rig_text(&r, rig_message(&r, 0), "ReceiptHandle"));
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "");
	clock_advance(5000);
	assert_string_equal(rig_receive(&r, "q.fifo", 10), "2");
	rig_close(&r);
}

/* Groups advance one by one, whatever is left to time out in between. */
TEST(sqs_fifo_order_holds)
{
	struct rig r;
	unsigned next[5] = { 0 }, done = 0;
	rig_open(&r);
	rig_queue(&r, "q.fifo", BY_CONTENT ",'VisibilityTimeout':'3'");
	for (int i = 0; i < 100; i++)
		send_group(&r, arena_cstr(&r.arena, arena_printf(&r.arena, "%d:%d", i % 5, i / 5)),
			arena_cstr(&r.arena, arena_printf(&r.arena, "g%d", i % 5)));
	for (int round = 0; round < 1000 && done < 100; round++) {
		rig_receive(&r, "q.fifo", 1 + round % 4);
		struct json *reply = r.out;
		uint32_t n = rig_messages(&r);
		bool lost[5] = { 0 };
		for (uint32_t i = 0; i < n; i++) {
			struct json *m = json_at(json_get_lit(reply, "Messages"), i);
			struct str body = json_get_text(m, STR("Body"));
			int group = body.p[0] - '0';
			int64_t number;
			assert_true(str_to_i64(str_slice(body, 2, body.len), &number));
			if (lost[group])
				continue;
			assert_int_equal(number, next[group]);
			if (round % 7 == 3) {
				lost[group] = true; /* and all behind it */
				continue;
			}
			rig_delete(&r, "q.fifo", rig_text(&r, m, "ReceiptHandle"));
			next[group]++;
			done++;
		}
		clock_advance(500);
	}
	assert_int_equal(done, 100);
	assert_string_equal(rig_counts(&r, "q.fifo"), "0/0/0");
	rig_close(&r);
}

TEST(sqs_fifo_queues_have_a_quota_unless_their_throughput_is_high)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q.fifo", FIFO);
	rig_queue(&r, "fast.fifo",
		FIFO
		",'DeduplicationScope':'messageGroup','FifoThroughputLimit':'perMessageGroupId'");
	for (int i = 0; i < SQS_QUOTA_FIFO; i++)
		rig_send(&r, "q.fifo", "m",
			arena_printf(
				&r.arena, ",'MessageGroupId':'g','MessageDeduplicationId':'%d'", i)
				.p);
	rig_call(&r, "SendMessage",
		"{'QueueUrl':'" RIG_URL
		"q.fifo','MessageBody':'m','MessageGroupId':'g','MessageDeduplicationId':'x'}");
	rig_fails(&r, "RequestThrottled");
	/* Each kind for itself; the refused one left nothing. */
	assert_string_equal(rig_receive(&r, "q.fifo", 1), "m");
	assert_string_equal(rig_counts(&r, "q.fifo"), "299/1/0");
	clock_advance(1000);
	rig_send(&r, "q.fifo", "m", ",'MessageGroupId':'g','MessageDeduplicationId':'x'");
	for (int i = 0; i < 2 * SQS_QUOTA_FIFO; i++)
		rig_send(&r, "fast.fifo", "m",
			arena_printf(
				&r.arena, ",'MessageGroupId':'g','MessageDeduplicationId':'%d'", i)
				.p);
	rig_close(&r);
}
