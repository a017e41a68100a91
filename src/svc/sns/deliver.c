#include "svc/sns/deliver.h"

#include "aws/due.h"
#include "aws/tasks.h"
#include "base/clock.h"
#include "base/ids.h"
#include "os/loop.h"
#include "os/pool.h"
#include "svc/sns/envelope.h"
#include "svc/sns/mail.h"
#include "svc/sqs/sqs.h"

#include <errno.h>

#define NOW_TARGETS_MAX 8
#define NOW_BYTES_MAX 16384

static bool
is_light(const struct sns_plan *p)
{
	/* The key is made by a worker. */
	bool signer = sns_signer_loaded() != NULL;
	for (uint32_t i = 0; i < p->targets_n; i++)
		if (p->targets[i].to != SNS_TO_SQS || (!p->targets[i].raw && !signer))
			return false;
	return p->targets_n <= NOW_TARGETS_MAX;
}

/* A few queues cost less than the task that would serve them, so they get the message in the
 * publisher's own transaction. */
static bool
deliver_now(struct tx *t, struct store *s, struct arena *a, const struct sns_topic_row *topic,
	const struct sns_message_row *m, int64_t now_ms)
{
	struct sns_fanout f;
	if (topic->Fifo.v || topic->Confirmed.v + topic->Pending.v > NOW_TARGETS_MAX ||
		m->Message.len > NOW_BYTES_MAX)
		return false;
	const struct sns_plan *p = sns_plan_get(t, s, m->TopicArn);
	bool light = p && is_light(p);
	sns_plan_unref(p);
	if (!light || sns_fanout_make(t, s, a, m, &f))
		return false;
	sns_fanout_apply(t, s, a, &f, now_ms);
	sns_fanout_done(&f);
	return true;
}

bool
sns_deliver_message(struct tx *t, struct store *s, struct arena *a,
	const struct sns_topic_row *topic, const struct sns_message_row *m, int64_t now_ms)
{
	struct buf b = { 0 };
	if (deliver_now(t, s, a, topic, m, now_ms))
		return true;
	bool packed = sns_message_pack(t, s, a, m, &b);
	if (packed)
		task_add(t, topic->Fifo.v ? "sns.fifo" : "sns.fanout", buf_str(&b), now_ms);
	buf_done(&b);
	return packed;
}

static void
add_delivery(struct tx *t, const char *kind, const struct sns_delivery_row *d, int64_t due_ms)
{
	struct buf b = { 0 };
	row_encode(&sns_delivery_row_shape, d, &b);
	task_add(t, kind, buf_str(&b), due_ms);
	buf_done(&b);
}

/* Mail needs no signature: it goes into the outbox at once. The rest is signed by a worker. */
void
sns_deliver_confirmation(struct tx *t, struct store *s, struct arena *a,
	const struct sns_subscription_row *sub, int64_t now_ms, bool ended)
{
	struct str arn = sns_subscription_arn(a, sub);
	if (str_starts(sub->Protocol, STR("email"))) {
		sns_mail_confirmation(t, s, a, sub, now_ms);
		return;
	}
	struct sns_delivery_row d = { .Kind = sub->Protocol,
		.SubscriptionArn = arn,
		.TopicArn = sub->TopicArn,
		.Endpoint = sub->Endpoint,
		.MessageId = ids_uuid_text(a),
		.Token = sub->Token,
		.BaseUrl = sub->BaseUrl,
		.Type = ended ? STR("UnsubscribeConfirmation") : STR("SubscriptionConfirmation"),
		.Policy = sns_retry_effective(a, STR_NULL, STR("")) };
	add_delivery(t, "sns.confirm", &d, now_ms);
}

/* --- making, on a worker --- */

struct job {
	struct pool_job pool;
	struct task *task;
	struct store *store;
	struct sns_message_row message;
	struct sns_fanout fanout;
	struct sns_delivery_row delivery;
	int status;
};

static void
fanout_run(struct pool_job *pool)
{
	struct job *j = (struct job *)pool;
	/* The first time it makes the key, which must not happen inside a snapshot. */
	if (!j->message.Sequence.p)
		sns_signer_get(j->store);
	struct tx *t = tx_begin_read(j->store);
	if (!sns_message_unpack(t, j->store, j->task->arena, &j->message))
		j->status = -EACCES;
	else
		j->status = sns_fanout_make(t, j->store, j->task->arena, &j->message, &j->fanout);
	tx_end(t);
}

/* What is left of the targets, as a task of its own. false: the topic's key cannot be used. */
static bool
rest_add(struct tx *t, const struct task *task, struct job *j)
{
	struct buf b = { 0 };
	struct sns_message_row rest = j->message;
	rest.After = j->fanout.after;
	bool packed = sns_message_pack(t, j->store, task->arena, &rest, &b);
	if (packed)
		task_add(t, task->kind->name, buf_str(&b), task->due_ms);
	buf_done(&b);
	return packed;
}

static int
fanout_effect(struct tx *t, const struct task *task, void *arg)
{
	struct job *j = arg;
	/* A second time, after a sync that failed: the plan was given back. */
	if (!j->fanout.plan && sns_fanout_make(t, j->store, task->arena, &j->message, &j->fanout))
		return -EAGAIN;
	sns_fanout_apply(t, j->store, task->arena, &j->fanout, clock_now_ms());
	bool whole = !j->fanout.after.p || rest_add(t, task, j);
	sns_fanout_done(&j->fanout);
	return whole ? 0 : -EACCES;
}

static void
fanout_made(struct pool_job *pool)
{
	struct job *j = (struct job *)pool;
	if (j->status) {
		sns_fanout_done(&j->fanout);
		task_done(j->task, j->status,
			j->status == -EACCES ? STR("the topic's key cannot be used")
					     : STR("the message cannot be signed"),
			NULL, NULL);
		return;
	}
	task_done(j->task, 0, STR(""), fanout_effect, j);
}

static void
fanout_start(struct task *task, void *store)
{
	struct job *j = arena_new(task->arena, struct job);
	struct pool *pool = sns_pool();
	j->task = task;
	j->store = store;
	if (!pool) {
		task_done(task, -EAGAIN, STR("no worker thread"), NULL, NULL);
		return;
	}
	/* What cannot be read can never be delivered. */
	if (!row_decode(&sns_message_row_shape, task->payload, task->arena, &j->message)) {
		task_done(task, 0, STR(""), NULL, NULL);
		return;
	}
	j->pool.run = fanout_run;
	j->pool.done = fanout_made;
	j->pool.loop = loop_current();
	pool_submit(pool, &j->pool);
}

/* --- confirmations --- */

static void
confirm_run(struct pool_job *pool)
{
	struct job *j = (struct job *)pool;
	struct arena *a = j->task->arena;
	struct sns_delivery_row *d = &j->delivery;
	bool ended = str_is(d->Type, "UnsubscribeConfirmation");
	struct sns_envelope e = { .type = ended ? "UnsubscribeConfirmation"
						: "SubscriptionConfirmation",
		.message_id = d->MessageId,
		.topic_arn = d->TopicArn,
		.token = d->Token,
		.base_url = d->BaseUrl,
		.version = 1,
		.timestamp = time_text(a, j->task->added_ms, TIME_ISO8601_MS),
		.store = j->store,
		.signer = sns_signer_get(j->store) };
	e.message =
		ended ? arena_printf(a,
				"You have chosen to deactivate subscription %.*s.\nTo cancel this "
				"operation and restore the "
				"subscription, visit the SubscribeURL included in this message.",
				STR_FMT(d->SubscriptionArn))
		      : arena_printf(a,
				"You have chosen to subscribe to the topic %.*s.\nTo confirm the "
				"subscription, visit the "
				"SubscribeURL included in this message.",
				STR_FMT(d->TopicArn));
	e.subscribe_url =
		arena_printf(a, "%.*s/?Action=ConfirmSubscription&TopicArn=%.*s&Token=%.*s",
			STR_FMT(d->BaseUrl), STR_FMT(d->TopicArn), STR_FMT(d->Token));
	d->Body = e.signer ? sns_envelope_confirmation(a, &e) : STR_NULL;
	j->status = d->Body.p ? 0 : -EAGAIN;
}

static int
confirm_effect(struct tx *t, const struct task *task, void *arg)
{
	struct job *j = arg;
	const struct sns_delivery_row *d = &j->delivery;
	struct sns_letter letter = { .queue_arn = d->Endpoint,
		.topic_arn = d->TopicArn,
		.body = d->Body,
		.group_id = STR("confirmation"),
		.dedup_id = d->MessageId };
	if (str_starts(d->Kind, STR("http")))
		add_delivery(t, "sns.http", d, task->due_ms);
	else if (str_is(d->Kind, "sqs"))
		sns_deliver_queue(t, j->store, task->arena, &letter, clock_now_ms());
	return 0;
}

static void
confirm_made(struct pool_job *pool)
{
	struct job *j = (struct job *)pool;
	task_done(j->task, j->status, STR("the message cannot be signed"), confirm_effect, j);
}

static void
confirm_start(struct task *task, void *store)
{
	struct job *j = arena_new(task->arena, struct job);
	struct pool *pool = sns_pool();
	j->task = task;
	j->store = store;
	if (!pool ||
		!row_decode(&sns_delivery_row_shape, task->payload, task->arena, &j->delivery)) {
		task_done(task, pool ? 0 : -EAGAIN, STR("no worker thread"), NULL, NULL);
		return;
	}
	j->pool.run = confirm_run;
	j->pool.done = confirm_made;
	j->pool.loop = loop_current();
	pool_submit(pool, &j->pool);
}

void
sns_deliver_register(struct store *s)
{
	static struct task_kind kinds[] = {
		{ .name = "sns.fanout", .concurrency = 64, .start = fanout_start },
		/* One after the other: order is what FIFO topics are for. */
		{ .name = "sns.fifo", .concurrency = 1, .start = fanout_start },
		{ .name = "sns.confirm", .start = confirm_start },
		{ .name = "sns.http", .concurrency = 64, .start = sns_http_start },
		{ .name = "sns.mail",
			.concurrency = 4,
			.max_attempts = 12,
			.start = sns_mail_start,
			.dead = sns_mail_dead },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		kinds[i].arg = s;
		tasks_register(&kinds[i]);
	}
	sqs_filler_register(SNS_SIGNATURE_KIND, sns_signature);
	due_handle("sns.pending", sns_pending_expired, s);
}

void
sns_deliver_stop(void)
{
	sns_mail_stop();
	sns_http_stop();
	sns_plan_forget();
	sns_signer_close();
	sns_signatures_close();
}
