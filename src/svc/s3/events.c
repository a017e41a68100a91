#include "svc/s3/events.h"

#include "aws/tasks.h"
#include "base/json.h"
#include "svc/s3/rules.h"

#include <errno.h>

#if __has_include("svc/sqs/sqs.h")
#include "svc/sqs/sqs.h"
#define WITH_SQS 1
#endif
#if __has_include("svc/sns/sns.h")
#include "svc/sns/sns.h"
#define WITH_SNS 1
#endif

#define TRIES_MAX 24

static struct store *store; /* set once by start */

bool
s3_event_covers(struct str configured, struct str event)
{
	if (!str_ends(configured, STR("*")))
		return str_eq(configured, event);
	return str_starts(event, str_slice(configured, 0, configured.len - 1));
}

static bool
list_covers(const struct list_str *events, struct str event)
{
	for (uint32_t i = 0; i < events->n; i++)
		if (s3_event_covers(events->v[i], event))
			return true;
	return false;
}

static bool
filter_passes(const struct s3_notification_configuration_filter *f, struct str key)
{
	if (!f || !f->Key)
		return true;
	for (uint32_t i = 0; i < f->Key->FilterRules.n; i++) {
		const struct s3_filter_rule *r = &f->Key->FilterRules.v[i];
		if (str_eq_nocase(r->Name, STR("prefix")) ? !str_starts(key, r->Value)
							  : !str_ends(key, r->Value))
			return false;
	}
	return true;
}

static void
message_add(struct call *c, const struct s3_bucket_row *b, const char *kind, struct str target,
	struct str body)
{
	struct s3_message_row m = {
		.Target = target, .Bucket = b->Name, .Account = b->Owner, .Body = body
	};
	struct buf bytes = { 0 };
	row_encode(&s3_message_row_shape, &m, &bytes);
	task_add(c->tx, kind, buf_str(&bytes), c->now_ms);
	buf_done(&bytes);
}

struct happening {
	struct call *c;
	const struct s3_bucket_row *b;
	struct str event; /* with "s3:" */
	struct str key;
	const struct s3_object_row *o;
};

static void
tell(const struct happening *h, const char *kind, struct str target, struct str id)
{
	const char *name = h->event.p + 3;
	message_add(h->c, h->b, kind, target, s3_event_record(h->c, h->b, name, h->key, h->o, id));
}

#define TELL_ALL(h, list, kind, arn)                                                               \
	for (uint32_t i_ = 0; i_ < (list).n; i_++)                                                 \
		if (list_covers((const struct list_str *)&(list).v[i_].Events, (h)->event) &&      \
			filter_passes((list).v[i_].Filter, (h)->key))                              \
	tell((h), (kind), (list).v[i_].arn, (list).v[i_].Id)

void
s3_event_object(struct call *c, const struct s3_bucket_row *b, const char *event, struct str key,
	const struct s3_object_row *o)
{
	if (!(b->Configs.v >> S3_CONFIG_NOTIFICATION & 1))
		return;
	const struct s3_notification_row *k = s3_rules_get(c, b)->notification;
	struct happening h = { c, b, str_c(event), key, o };
	if (!k)
		return;
	TELL_ALL(&h, k->Queues, S3_NOTIFY_QUEUE, QueueArn);
	TELL_ALL(&h, k->Topics, S3_NOTIFY_TOPIC, TopicArn);
	TELL_ALL(&h, k->Functions, S3_NOTIFY_FUNCTION, LambdaFunctionArn);
	if (k->EventBridge.v) {
		struct str entry = s3_event_bus_entry(c, b, event + 3, key, o);
		if (entry.p)
			message_add(c, b, S3_NOTIFY_BUS, STR("default"), entry);
	}
}

void
s3_event_test(struct call *c, const struct s3_bucket_row *b, const char *kind, struct str arn)
{
	struct buf out = { 0 };
	struct json_writer w = { .out = &out };
	json_write_object(&w);
	json_write_member_str(&w, "Service", STR("Amazon S3"));
	json_write_member_str(&w, "Event", STR("s3:TestEvent"));
	json_write_member_str(&w, "Time", time_text(c->arena, c->now_ms, TIME_ISO8601_MS));
	json_write_member_str(&w, "Bucket", b->Name);
	json_write_member_str(&w, "RequestId", c->request_id.p ? c->request_id : STR(""));
	json_write_member_str(&w, "HostId", c->extended_id.p ? c->extended_id : STR(""));
	json_write_object_end(&w);
	message_add(c, b, kind, arn, buf_str(&out));
	buf_done(&out);
}

/* ---- delivery ---- */

#ifdef WITH_SQS
static int
queue_ask(struct tx *t, struct arena *a, const struct s3_message_row *m, int64_t now_ms, bool send)
{
	struct sqs_delivery d = { .queue_arn = m->Target,
		.service = STR("s3.amazonaws.com"),
		.source_arn = arena_concat(a, STR("arn:aws:s3:::"), m->Bucket),
		.source_account = m->Account,
		.body = m->Body,
		.now_ms = now_ms };
	return send ? sqs_deliver(t, store, a, &d, NULL) : sqs_deliver_allowed(t, store, a, &d);
}
#endif

#ifdef WITH_SNS
static int
topic_ask(struct tx *t, struct arena *a, const struct s3_message_row *m, int64_t now_ms, bool send)
{
	struct sns_event e = { .topic_arn = m->Target,
		.service = STR("s3.amazonaws.com"),
		.source_arn = arena_concat(a, STR("arn:aws:s3:::"), m->Bucket),
		.source_account = m->Account,
		.subject = STR("Amazon S3 Notification"),
		.message = m->Body,
		.now_ms = now_ms };
	return send ? sns_publish_event(t, store, a, &e, NULL) : sns_event_allowed(t, store, a, &e);
}
#endif

#if defined(WITH_SQS) || defined(WITH_SNS)
typedef int ask_fn(struct tx *, struct arena *, const struct s3_message_row *, int64_t, bool);

/* A target that is gone or closed may come back: tried for some hours, then given up. */
static int
message_run(struct tx *t, const struct task *task, void *arg)
{
	struct arena a;
	struct s3_message_row m = { 0 };
	int r = 0;
	arena_init(&a);
	if (row_decode(&s3_message_row_shape, task->payload, &a, &m))
		r = (*(ask_fn *const *)arg)(t, &a, &m, task->due_ms, true);
	arena_done(&a);
	return r;
}
#endif

int
s3_event_target_allowed(
	struct call *c, const struct s3_bucket_row *b, const char *kind, struct str arn)
{
	struct s3_message_row m = { .Target = arn, .Bucket = b->Name, .Account = b->Owner };
	m.Body = STR("{}");
	(void)c;
	(void)kind;
	(void)m;
#ifdef WITH_SQS
	if (strcmp(kind, S3_NOTIFY_QUEUE) == 0)
		return queue_ask(c->tx, c->arena, &m, c->now_ms, false);
#endif
#ifdef WITH_SNS
	if (strcmp(kind, S3_NOTIFY_TOPIC) == 0)
		return topic_ask(c->tx, c->arena, &m, c->now_ms, false);
#endif
	return 0;
}

void
s3_events_start(struct store *s)
{
	store = s;
#ifdef WITH_SQS
	static ask_fn *const to_queue = queue_ask;
	static const struct task_kind queues = { .name = S3_NOTIFY_QUEUE,
		.run = message_run,
		.max_attempts = TRIES_MAX,
		.arg = (void *)&to_queue };
	tasks_register(&queues);
#endif
#ifdef WITH_SNS
	static ask_fn *const to_topic = topic_ask;
	static const struct task_kind topics = { .name = S3_NOTIFY_TOPIC,
		.run = message_run,
		.max_attempts = TRIES_MAX,
		.arg = (void *)&to_topic };
	tasks_register(&topics);
#endif
}
