/* The service through loopback calls, and the fan-out by hand: made as a worker would, applied as
 * the writer would. */
#include "aws/loopback.h"
#include "aws/tasks.h"
#include "base/clock.h"
#include "svc/sns/deliver.h"
#include "svc/sns/envelope.h"
#include "unit.h"

#include <errno.h>
#include <stdarg.h>

#define ACCOUNT "111122223333"
#define TOPIC "arn:aws:sns:us-east-1:" ACCOUNT ":t"

struct rig {
	struct cloud *cloud;
	struct arena arena;
	struct loopback_reply reply;
};

static void
rig_open(struct rig *r)
{
	char why[256] = "";
	struct cloud_options o = { .data_dir = unit_tmpdir(),
		.version = "test",
		.durability = STORE_EPHEMERAL,
		.loops_n = 1 };
	memset(r, 0, sizeof(*r));
	arena_init(&r->arena);
	assert_int_equal(cloud_open(&r->cloud, &o, why, sizeof(why)), 0);
}

static void
rig_close(struct rig *r)
{
	cloud_close(r->cloud);
	arena_done(&r->arena);
}

static int
call_as(struct rig *r, const char *account, const char *service, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str body = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	loopback_call(r->cloud, &r->arena, account, service, "POST", "/",
		"content-type: application/x-www-form-urlencoded", body, &r->reply);
	return r->reply.status;
}

#define sns(r, ...) call_as((r), ACCOUNT, "sns", "Version=2010-03-31&Action=" __VA_ARGS__)

static bool
says(struct rig *r, const char *text)
{
	return str_find_str(r->reply.body, str_c(text)) >= 0;
}

struct unit {
	struct rig *r;
	struct sns_fanout fanout;
	const struct sns_event *event;
	int result;
};

static int
apply_unit(struct tx *t, void *arg)
{
	struct unit *u = arg;
	sns_fanout_apply(t, cloud_store(u->r->cloud), &u->r->arena, &u->fanout, clock_now_ms());
	return 0;
}

/* All steps of one message; how many parcels there were. */
static unsigned
deliver(struct rig *r, struct sns_message_row *m)
{
	struct store *s = cloud_store(r->cloud);
	struct unit u = { .r = r };
	unsigned n = 0;
	sns_signer_get(s);
	do {
		struct tx *t = tx_begin_read(s);
		assert_int_equal(sns_fanout_make(t, s, &r->arena, m, &u.fanout), 0);
		tx_end(t);
		n += u.fanout.parcels_n;
		store_write(s, apply_unit, &u);
		m->After = u.fanout.after.p ? arena_dup(&r->arena, u.fanout.after) : STR_NULL;
		sns_fanout_done(&u.fanout);
	} while (m->After.p);
	return n;
}

static struct sns_message_row
message(const char *text)
{
	return (struct sns_message_row){ .TopicArn = STR(TOPIC),
		.MessageId = STR("id"),
		.Time = OPT_TIME(0),
		.Message = str_c(text),
		.BaseUrl = STR("http://127.0.0.1:4566") };
}

TEST(sns_errors_have_sentences)
{
	struct rig r;
	rig_open(&r);
	assert_int_equal(sns(&r, "Publish&Message=x&TopicArn=" TOPIC), 404);
	assert_true(says(&r, "<Code>NotFound</Code>") && says(&r, "Topic does not exist"));
	assert_int_equal(sns(&r, "Publish&Message=x&TopicArn=nonsense"), 400);
	assert_true(says(&r, "<Code>InvalidParameter</Code>"));
	assert_int_equal(sns(&r, "CreateTopic&Name=t"), 200);
	assert_int_equal(call_as(&r, "", "sns",
				 "Version=2010-03-31&Action=Publish&Message=x&TopicArn=" TOPIC),
		403);
	assert_true(says(&r, "<Code>AuthorizationError</Code>"));
	assert_int_equal(call_as(&r, "444455556666", "sns",
				 "Version=2010-03-31&Action=Publish&Message=x&TopicArn=" TOPIC),
		403);
	assert_true(says(&r, "is not authorized to perform: SNS:Publish on resource: " TOPIC));
	rig_close(&r);
}

TEST(sns_large_topics_are_served_in_steps)
{
	struct rig r;
	struct sns_message_row m = message("hello");
	rig_open(&r);
	sns(&r, "CreateTopic&Name=t");
	for (int i = 0; i < SNS_FANOUT_STEP + 5; i++)
		assert_int_equal(
			sns(&r, "Subscribe&Protocol=sms&Endpoint=%%2B49170%06d&TopicArn=" TOPIC, i),
			200);
	assert_int_equal(deliver(&r, &m), SNS_FANOUT_STEP + 5);
	rig_close(&r);
}

TEST(sns_queue_of_another_account_is_asked_first)
{
	struct rig r;
	struct sns_message_row m = message("hello");
	rig_open(&r);
	sns(&r, "CreateTopic&Name=t");
	assert_int_equal(sns(&r, "Subscribe&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:"
				 "444455556666:q&TopicArn=" TOPIC),
		200);
	assert_true(says(&r, "<SubscriptionArn>pending confirmation</SubscriptionArn>"));
	assert_int_equal(deliver(&r, &m), 0);
	assert_int_equal(sns(&r, "Subscribe&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:" ACCOUNT
				 ":q&TopicArn=" TOPIC),
		200);
	assert_int_equal(deliver(&r, &m), 1);
	rig_close(&r);
}

TEST(sns_plan_follows_every_change)
{
	struct rig r;
	struct sns_message_row m = message("{\"a\":1}");
	rig_open(&r);
	sns(&r, "CreateTopic&Name=t");
	sns(&r, "Subscribe&Protocol=sms&Endpoint=%%2B491700000&ReturnSubscriptionArn=true&"
		"TopicArn=" TOPIC);
	long at = str_find_str(r.reply.body, STR(TOPIC ":"));
	struct str arn = str_slice(r.reply.body, (size_t)at, (size_t)at + sizeof(TOPIC) + 36);
	assert_int_equal(deliver(&r, &m), 1);
	assert_int_equal(
		sns(&r,
			"SetSubscriptionAttributes&AttributeName=FilterPolicy&AttributeValue=%s"
			"&SubscriptionArn=%.*s",
			"%7B%22a%22%3A%5B2%5D%7D", STR_FMT(arn)),
		200);
	assert_int_equal(deliver(&r, &m), 0);
	assert_int_equal(sns(&r, "Unsubscribe&SubscriptionArn=%.*s", STR_FMT(arn)), 200);
	assert_int_equal(deliver(&r, &m), 0);
	assert_int_equal(sns(&r, "DeleteTopic&TopicArn=" TOPIC), 200);
	assert_int_equal(deliver(&r, &m), 0);
	rig_close(&r);
}

static int
event_unit(struct tx *t, void *arg)
{
	struct unit *u = arg;
	u->result = sns_publish_event(t, cloud_store(u->r->cloud), &u->r->arena, u->event, NULL);
	return 0;
}

static int
publish_event(struct rig *r, struct sns_event e)
{
	struct unit u = { .r = r, .event = &e };
	store_write(cloud_store(r->cloud), event_unit, &u);
	return u.result;
}

TEST(sns_events_need_the_policy)
{
	struct rig r;
	struct sns_event e = { .topic_arn = STR(TOPIC),
		.service = STR("s3.amazonaws.com"),
		.source_arn = STR("arn:aws:s3:::bucket"),
		.source_account = STR(ACCOUNT),
		.message = STR("{}"),
		.now_ms = 1000 };
	rig_open(&r);
	assert_int_equal(publish_event(&r, e), -ENOENT);
	sns(&r, "CreateTopic&Name=t");
	assert_int_equal(publish_event(&r, e), 0); /* the default policy: the same account */
	e.source_account = STR("444455556666");
	assert_int_equal(publish_event(&r, e), -EACCES);
	e.topic_arn = STR(TOPIC ".fifo");
	sns(&r, "CreateTopic&Name=t.fifo&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value="
		"true");
	e.source_account = STR(ACCOUNT);
	assert_int_equal(publish_event(&r, e), -EINVAL);
	rig_close(&r);
}

TEST(sns_signed_text_is_what_the_guide_says)
{
	struct buf b = { 0 };
	struct sns_envelope e = { .type = "Notification",
		.message_id = STR("m"),
		.topic_arn = STR("t"),
		.subject = STR("s"),
		.message = STR("x\ny"),
		.timestamp = STR("now") };
	sns_envelope_signed_text(&e, &b);
	assert_str(buf_str(&b), "Message\nx\ny\nMessageId\nm\nSubject\ns\nTimestamp\nnow\nTopicArn"
				"\nt\nType\nNotification\n");
	buf_clear(&b);
	e = (struct sns_envelope){ .type = "SubscriptionConfirmation",
		.message_id = STR("m"),
		.topic_arn = STR("t"),
		.message = STR("x"),
		.timestamp = STR("now"),
		.token = STR("k"),
		.subscribe_url = STR("u") };
	sns_envelope_signed_text(&e, &b);
	assert_str(buf_str(&b),
		"Message\nx\nMessageId\nm\nSubscribeURL\nu\nTimestamp\nnow\nToken\nk\nTopicArn\nt\n"
		"Type\nSubscriptionConfirmation\n");
	buf_done(&b);
}

/* How many messages there are in the queue, and how many fan-outs wait. */
static bool
count_task(void *arg, struct str kind, const struct task *task)
{
	(void)kind, (void)task;
	++*(unsigned *)arg;
	return true;
}

static unsigned
waiting(struct rig *r)
{
	unsigned n = 0;
	struct tx *t = tx_begin_read(cloud_store(r->cloud));
	tasks_list(t, STR("sns.fanout"), count_task, &n);
	tx_end(t);
	return n;
}

TEST(sns_few_queues_are_served_in_the_publish)
{
	struct rig r;
	rig_open(&r);
	sns(&r, "CreateTopic&Name=t");
	call_as(&r, ACCOUNT, "sqs", "Action=CreateQueue&QueueName=q");
	call_as(&r, ACCOUNT, "sqs",
		"Action=SetQueueAttributes&QueueUrl=http://127.0.0.1:4566/" ACCOUNT
		"/q&Attribute.1.Name=Policy&"
		"Attribute.1.Value=%s",
		"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","
		"\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}}");
	assert_int_equal(r.reply.status, 200);
	sns(&r, "Subscribe&TopicArn=" TOPIC "&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:" ACCOUNT
		":q&ReturnSubscriptionArn=true&"
		"Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true");
	assert_int_equal(r.reply.status, 200);
	sns(&r, "Publish&TopicArn=" TOPIC "&Message=now");
	assert_int_equal(waiting(&r), 0);
	call_as(&r, ACCOUNT, "sqs",
		"Action=ReceiveMessage&QueueUrl=http://127.0.0.1:4566/" ACCOUNT "/q");
	assert_true(says(&r, "<Body>now</Body>"));
	/* One wants an envelope: the first message waits until a worker has made the key. */
	sns(&r, "Subscribe&TopicArn=" TOPIC "&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:" ACCOUNT
		":other");
	sns(&r, "Publish&TopicArn=" TOPIC "&Message=later");
	assert_int_equal(waiting(&r), 1);
	sns_signer_get(cloud_store(r.cloud));
	sns(&r, "Publish&TopicArn=" TOPIC "&Message=at once");
	assert_int_equal(waiting(&r), 1);
	rig_close(&r);
}
