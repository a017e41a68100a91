/*
 * sqs_rig: unit tests speak to the service through loopback calls, in JSON, on a clock of their
 * own. Tests only; one rig at a time.
 */
#ifndef HANEUL_SVC_SQS_SQS_RIG_H
#define HANEUL_SVC_SQS_SQS_RIG_H

#include "aws/loopback.h"
#include "base/clock.h"
#include "base/json.h"
#include "svc/sqs/queue.h"
#include "svc/sqs/sqs.h"
#include "unit.h"

#define RIG_START_MS INT64_C(1767323045000)
#define RIG_URL "http://127.0.0.1:4566/111122223333/"

struct rig {
	struct cloud *cloud;
	struct arena arena;
	const char *account;
	int status;
	struct str body;
	struct json *out;
};

static inline void
rig_open(struct rig *r)
{
	char why[256] = "";
	struct cloud_options o = { .data_dir = unit_tmpdir(),
		.version = "test",
		.durability = STORE_EPHEMERAL,
		.loops_n = 1 };
	memset(r, 0, sizeof(*r));
	arena_init(&r->arena);
	r->account = "111122223333";
	assert_int_equal(cloud_open(&r->cloud, &o, why, sizeof(why)), 0);
	clock_set_speed(0);
	clock_set(RIG_START_MS);
}

static inline void
rig_close(struct rig *r)
{
	cloud_close(r->cloud);
	arena_done(&r->arena);
	clock_set_speed(1);
	clock_set(clock_real_ms());
}

/* JSON in, with ' for ". The reply's tree is in r->out. */
static inline struct json *
rig_call(struct rig *r, const char *op, const char *fmt, ...)
{
	struct loopback_reply reply;
	va_list ap;
	va_start(ap, fmt);
	struct str in = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	char *text = arena_cstr(&r->arena, in);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	struct str headers = arena_printf(&r->arena,
		"x-amz-target: AmazonSQS.%s\ncontent-type: application/x-amz-json-1.0", op);
	loopback_call(r->cloud, &r->arena, r->account, "sqs", "POST", "/",
		arena_cstr(&r->arena, headers), str_of(text, in.len), &reply);
	r->status = reply.status;
	r->body = reply.body;
	r->out = json_parse(&r->arena, reply.body, 0, NULL);
	return r->out;
}

static inline struct json *
rig_ok(struct rig *r, struct json *out)
{
	if (r->status != 200)
		print_error("%.*s\n", STR_FMT(r->body));
	assert_int_equal(r->status, 200);
	return out;
}

#define rig_do(r, ...) rig_ok((r), rig_call((r), __VA_ARGS__))

static inline void
rig_fails(struct rig *r, const char *code)
{
	struct str got = json_get_text(r->out, STR("__type"));
	assert_true(r->status >= 400);
	assert_str(got, code);
}

static inline const char *
rig_text(struct rig *r, const struct json *j, const char *key)
{
	struct str s = json_get_text(j, str_c(key));
	return s.p ? arena_cstr(&r->arena, s) : "";
}

static inline struct json *
rig_message(struct rig *r, uint32_t i)
{
	return json_at(json_get_lit(r->out, "Messages"), i);
}

static inline uint32_t
rig_messages(struct rig *r)
{
	struct json *m = json_get_lit(r->out, "Messages");
	return m ? m->n : 0;
}

/* Bodies of what one receive gives, joined by commas; r->out keeps the reply. */
static inline const char *
rig_receive(struct rig *r, const char *queue, int max)
{
	struct str all = STR("");
	rig_do(r, "ReceiveMessage",
		"{'QueueUrl':'" RIG_URL
		"%s','MaxNumberOfMessages':%d,'AttributeNames':['All'],'MessageAttributeNames':['All']}",
		queue, max);
	for (uint32_t i = 0; i < rig_messages(r); i++) {
		struct str body = json_get_text(rig_message(r, i), STR("Body"));
		all = arena_concat(
			&r->arena, all.len ? arena_concat(&r->arena, all, STR(",")) : all, body);
	}
	return arena_cstr(&r->arena, all);
}

static inline void
rig_delete(struct rig *r, const char *queue, const char *handle)
{
	rig_call(r, "DeleteMessage", "{'QueueUrl':'" RIG_URL "%s','ReceiptHandle':'%s'}", queue,
		handle);
}

/* "visible/in flight/delayed" */
static inline const char *
rig_counts(struct rig *r, const char *queue)
{
	struct json *a = json_get_lit(
		rig_do(r, "GetQueueAttributes",
			"{'QueueUrl':'" RIG_URL "%s','AttributeNames':['All']}", queue),
		"Attributes");
	return arena_cstr(&r->arena,
		arena_printf(&r->arena, "%s/%s/%s", rig_text(r, a, "ApproximateNumberOfMessages"),
			rig_text(r, a, "ApproximateNumberOfMessagesNotVisible"),
			rig_text(r, a, "ApproximateNumberOfMessagesDelayed")));
}

static inline void
rig_queue(struct rig *r, const char *name, const char *attributes)
{
	rig_do(r, "CreateQueue", "{'QueueName':'%s','Attributes':{%s}}", name, attributes);
}

static inline void
rig_send(struct rig *r, const char *queue, const char *body, const char *more)
{
	rig_do(r, "SendMessage", "{'QueueUrl':'" RIG_URL "%s','MessageBody':'%s'%s}", queue, body,
		more);
}

#endif
