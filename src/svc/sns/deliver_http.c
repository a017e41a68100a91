/* HTTP and HTTPS subscribers: one request for each attempt, on the loop; what comes back decides.
 */
#include "aws/tasks.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uri.h"
#include "svc/sns/deliver.h"
#include "svc/sns/status.h"
#include "svc/sns/throttle.h"
#include "wire/http_client.h"

#include <errno.h>
#include <stdlib.h>

#define TIMEOUT_MS 15000
#define WORKERS 2

static struct {
	struct pool *pool;
	struct http_client *client;
} env; /* made on the tasks' loop at first use; freed when no loop runs any more */

struct attempt {
	struct task *task;
	struct store *store;
	struct sns_delivery_row d;
	int status, error;
	int64_t delay_ms;
	struct str why;
};

struct pool *
sns_pool(void)
{
	if (!env.pool && pool_new(&env.pool, WORKERS))
		env.pool = NULL;
	return env.pool;
}

static struct http_client *
client(void)
{
	struct pool *pool = sns_pool();
	if (!env.client && pool && http_client_new(&env.client, loop_current(), pool, NULL))
		env.client = NULL;
	return env.client;
}

void
sns_http_stop(void)
{
	if (env.client)
		http_client_free(env.client);
	if (env.pool)
		pool_free(env.pool);
	env.client = NULL;
	env.pool = NULL;
	sns_throttle_forget();
}

/* --- the end of an attempt, on the writer --- */

static void
tell(struct tx *t, const struct task *task, const struct attempt *at, bool ok)
{
	const struct sns_delivery_row *d = &at->d;
	if (!d->MessageMd5.p)
		return;
	struct sns_status st = { .topic_arn = d->TopicArn,
		.destination = d->Endpoint,
		.message_id = d->MessageId,
		.message_md5 = d->MessageMd5,
		.response = ok ? STR("") : at->why,
		.published_ms = d->Published.ms,
		.attempts = (uint32_t)d->Attempts.v + (ok ? 1 : 0),
		.code = at->status,
		.ok = ok,
		.percent = (uint8_t)d->StatusPercent.v,
		.failures = d->StatusFailure.v };
	sns_status_add(t, at->store, task->arena, &st, clock_now_ms());
}

static int
told_effect(struct tx *t, const struct task *task, void *arg)
{
	tell(t, task, arg, true);
	return 0;
}

static void
give_up(struct tx *t, const struct task *task, struct attempt *at)
{
	struct sns_letter l = {
		.queue_arn = at->d.DeadLetter, .topic_arn = at->d.TopicArn, .body = at->d.Body
	};
	log_warn("sns.undelivered", log_str("subscription", at->d.SubscriptionArn),
		log_str("why", at->why), log_str("message", at->d.MessageId));
	tell(t, task, at, false);
	if (at->d.Raw.v)
		l.attributes = &at->d.Attributes;
	if (at->d.DeadLetter.p && sns_deliver_queue(t, at->store, task->arena, &l, clock_now_ms()))
		log_warn("sns.dead_letter_lost", log_str("subscription", at->d.SubscriptionArn),
			log_str("queue", at->d.DeadLetter));
}

static int
failed_effect(struct tx *t, const struct task *task, void *arg)
{
	struct attempt *at = arg;
	struct buf b = { 0 };
	if (at->delay_ms < 0) {
		give_up(t, task, at);
		return 0;
	}
	bool packed = sns_delivery_pack(t, at->store, task->arena, &at->d, &b);
	if (packed)
		task_add(t, "sns.http", buf_str(&b), clock_now_ms() + at->delay_ms);
	buf_done(&b);
	return packed ? 0 : -EACCES;
}

/* What the subscriber itself refuses will not change; its trouble and the network's may. */
static bool
is_final(int status, int error)
{
	return !error && status < 500 && status != 429;
}

int64_t
sns_http_failed(struct arena *a, struct sns_delivery_row *d)
{
	d->Attempts = OPT_I64(d->Attempts.v + 1);
	return sns_retry_delay_ms(a, d->Policy, (uint32_t)d->Attempts.v);
}

static void
head(struct http_call *call, void *user, int status, const struct http_header *headers, unsigned n)
{
	(void)call, (void)headers, (void)n;
	((struct attempt *)user)->status = status;
}

static void
finish(struct attempt *at)
{
	struct task *task = at->task;
	if (!at->error && at->status >= 200 && at->status < 300) {
		task_done(task, 0, STR(""), at->d.MessageMd5.p ? told_effect : NULL, at);
		return;
	}
	at->why = at->error ? arena_printf(task->arena, "%s", strerror(-at->error))
			    : arena_printf(task->arena, "the endpoint answered %d", at->status);
	at->delay_ms = sns_http_failed(task->arena, &at->d);
	if (is_final(at->status, at->error))
		at->delay_ms = -1;
	task_done(task, 0, STR(""), failed_effect, at);
}

static void
done(struct http_call *call, void *user, int error)
{
	(void)call;
	((struct attempt *)user)->error = error;
	finish(user);
}

/* --- an attempt --- */

struct url {
	bool tls;
	struct str host, target, credentials;
	uint16_t port;
};

static bool
url_parse(struct arena *a, struct str text, struct url *ret)
{
	uint64_t port = 0;
	*ret = (struct url){ .tls = str_starts(text, STR("https://")) };
	struct str rest = str_slice(text, ret->tls ? 8 : 7, text.len);
	size_t end = 0;
	while (end < rest.len && rest.p[end] != '/' && rest.p[end] != '?' && rest.p[end] != '#')
		end++;
	struct str authority = str_slice(rest, 0, end), tail = str_slice(rest, end, rest.len);
	long hash = str_find(tail, '#'), at = str_rfind(authority, '@');
	if (hash >= 0)
		tail = str_slice(tail, 0, (size_t)hash);
	if (at >= 0) {
		ret->credentials = str_slice(authority, 0, (size_t)at);
		authority = str_slice(authority, (size_t)at + 1, authority.len);
	}
	long close = str_find(authority, ']'), colon = str_rfind(authority, ':');
	ret->host = authority;
	if (colon > close) {
		ret->host = str_slice(authority, 0, (size_t)colon);
		if (!str_to_u64(str_slice(authority, (size_t)colon + 1, authority.len), &port) ||
			!port || port > 65535)
			return false;
	}
	if (close > 0 && ret->host.len && ret->host.p[0] == '[')
		ret->host = str_slice(ret->host, 1, (size_t)close);
	ret->port = (uint16_t)port;
	ret->target = tail.len && tail.p[0] == '/' ? tail : arena_concat(a, STR("/"), tail);
	return ret->host.len > 0;
}

static unsigned
fill_headers(struct attempt *at, const struct url *u, struct http_header h[10])
{
	struct arena *a = at->task->arena;
	unsigned n = 0;
	h[n++] = (struct http_header){ STR("x-amz-sns-message-type"), at->d.Type };
	h[n++] = (struct http_header){ STR("x-amz-sns-message-id"), at->d.MessageId };
	h[n++] = (struct http_header){ STR("x-amz-sns-topic-arn"), at->d.TopicArn };
	if (str_is(at->d.Type, "Notification"))
		h[n++] = (struct http_header){ STR("x-amz-sns-subscription-arn"),
			at->d.SubscriptionArn };
	if (at->d.Raw.v)
		h[n++] = (struct http_header){ STR("x-amz-sns-rawdelivery"), STR("true") };
	h[n++] = (struct http_header){ STR("Content-Type"),
		sns_retry_content_type(a, at->d.Policy) };
	h[n++] = (struct http_header){ STR("User-Agent"),
		STR("Amazon Simple Notification Service Agent") };
	if (u->credentials.p) {
		struct str plain = uri_decode(a, u->credentials, 0);
		h[n++] = (struct http_header){ STR("Authorization"),
			arena_concat(a, STR("Basic "),
				base64_text(a, plain.p ? plain : u->credentials)) };
	}
	return n;
}

static bool
unpack(struct attempt *at)
{
	if (!at->d.Sealed.p)
		return true;
	struct tx *t = tx_begin_read(at->store);
	bool open = sns_delivery_unpack(t, at->store, at->task->arena, &at->d);
	tx_end(t);
	return open;
}

/* Each attempt takes a moment of its own and comes back then, if that is not now. */
static bool
is_throttled(struct attempt *at)
{
	struct arena *a = at->task->arena;
	int64_t per_second = at->d.Reserved.v ? 0 : sns_retry_per_second(a, at->d.Policy);
	at->d.Reserved = OPT_BOOL(false);
	if (per_second)
		at->delay_ms =
			sns_throttle_wait_ms(at->d.SubscriptionArn, per_second, clock_now_ms());
	if (!at->delay_ms)
		return false;
	at->d.Reserved = OPT_BOOL(true);
	task_done(at->task, 0, STR(""), failed_effect, at);
	return true;
}

void
sns_http_start(struct task *task, void *store)
{
	static const struct http_client_events events = { .head = head, .done = done };
	struct attempt *at = arena_new(task->arena, struct attempt);
	struct http_header h[10];
	struct url u;
	at->task = task;
	at->store = store;
	if (!row_decode(&sns_delivery_row_shape, task->payload, task->arena, &at->d)) {
		task_done(task, 0, STR(""), NULL, NULL);
		return;
	}
	if (!client()) {
		task_done(task, -EAGAIN, STR("no connection can be opened"), NULL, NULL);
		return;
	}
	if (!unpack(at)) {
		task_done(task, -EACCES, STR("the topic's key cannot be used"), NULL, NULL);
		return;
	}
	if (is_throttled(at))
		return;
	at->error = url_parse(task->arena, at->d.Endpoint, &u) ? 0 : -EINVAL;
	struct http_client_request r = { .tls = u.tls ? HTTP_CLIENT_TLS : HTTP_CLIENT_CLEAR,
		.host = u.host,
		.port = u.port,
		.method = STR("POST"),
		.target = u.target,
		.headers = h,
		.body = at->d.Body,
		.timeout_ms = TIMEOUT_MS };
	if (!at->error) {
		r.headers_n = fill_headers(at, &u, h);
		at->error = http_client_start(client(), &r, &events, at, NULL);
	}
	if (at->error)
		finish(at);
}
