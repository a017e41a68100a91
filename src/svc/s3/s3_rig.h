/*
 * s3_rig: unit tests call handlers directly: a store in a temporary directory, calls without a
 * socket, and bodies that play the part of the front: small ones inline, larger ones as blobs that
 * live in memory here. Tests only; one rig at a time.
 */
#ifndef HANEUL_SVC_S3_S3_RIG_H
#define HANEUL_SVC_S3_S3_RIG_H

#include "svc/s3/sse.h"
#include "svc/s3/s3.h"
#include "svc/s3/task_run.h"
#include "unit.h"

#define RIG_ACCOUNT "111122223333"

struct rig_blob {
	struct blob_id id;
	struct str data;
};

struct rig {
	struct store *store;
	struct arena arena;
	struct tx *read; /* kept until the next call: outputs borrow from it */
	struct call c;
	struct str account, region;
	int64_t now_ms;
	struct rig_blob blobs[64];
	unsigned blobs_n;
};

struct rig_unit {
	struct rig *r;
	const struct op *op;
	const void *in;
	void *out;
	int result;
};

static inline void
rig_open(struct rig *r)
{
	struct store_options o = {
		.dir = unit_tmpdir(), .durability = STORE_EPHEMERAL, .map_bytes = 1ull << 32
	};
	memset(r, 0, sizeof(*r));
	assert_int_equal(store_open(&r->store, &o, NULL), 0);
	tasks_open(r->store);
	s3_tasks_register(r->store, NULL);
	arena_init(&r->arena);
	r->account = STR(RIG_ACCOUNT);
	r->region = STR("us-east-1");
	r->now_ms = INT64_C(1767323045000);
}

static inline void
rig_close(struct rig *r)
{
	tx_end(r->read);
	store_close(r->store);
	arena_done(&r->arena);
}

static inline int
rig_unit_run(struct tx *t, void *arg)
{
	struct rig_unit *u = arg;
	u->r->c.tx = t;
	u->result = u->op->handler(&u->r->c, u->in, u->out);
	return u->result;
}

static inline struct str
rig_blob_data(struct rig *r, struct blob_id id)
{
	for (unsigned i = 0; i < r->blobs_n; i++)
		if (memcmp(&r->blobs[i].id, &id, sizeof(id)) == 0)
			return r->blobs[i].data;
	return STR_NULL;
}

/* The bytes that a reply would send. */
static inline struct str
rig_text(struct rig *r, const struct body *b)
{
	struct str whole = b->inline_data;
	if (!whole.p) {
		struct str all = STR("");
		for (uint32_t i = 0; i < b->segments_n; i++) {
			struct str data = rig_blob_data(r, b->segments[i].id);
			assert_true(data.p != NULL);
			uint64_t from = b->segments[i].offset;
			all = arena_concat(
				&r->arena, all, str_slice(data, from, from + b->segments[i].len));
		}
		whole = all;
	}
	return str_slice(whole, b->from, b->from + b->len);
}

static inline struct body *
rig_body_limited(struct rig *r, struct str data, uint32_t inline_max)
{
	struct body *b = arena_new(&r->arena, struct body);
	struct digests d;
	digests_init(&d, 63 | DIGEST_UTF8);
	digests_add(&d, data);
	digests_final(&d, &b->digests);
	b->size = b->len = data.len;
	if (data.len <= inline_max) {
		b->inline_data = inline_max ? arena_dup(&r->arena, data) : STR_NULL;
		return b;
	}
	struct rig_blob *blob = &r->blobs[r->blobs_n++];
	assert_true(r->blobs_n <= 64);
	random_bytes(&blob->id, sizeof(blob->id));
	blob->data = data;
	b->key = s3_sse_key(); /* as the front was told by prepare */
	b->segments = arena_new(&r->arena, struct body_segment);
	b->segments[0] = (struct body_segment){ blob->id, 0, data.len };
	b->segments_n = 1;
	return b;
}

static inline struct body *
rig_body(struct rig *r, struct str data)
{
	return rig_body_limited(r, data, S3_INLINE_MAX);
}

/* What the front does with c->body_source. */
static inline void
rig_ingest(struct rig *r)
{
	struct call *c = &r->c;
	struct body *src = c->body_source;
	if (!src)
		return;
	struct str data = rig_text(r, src);
	c->body = rig_body_limited(
		r, data, c->body_inline_max == BODY_INLINE_NONE ? 0 : c->body_inline_max);
	if (c->body_share) {
		assert_int_equal(src->from, 0);
		c->body->inline_data = STR_NULL;
		c->body->segments = src->segments;
		c->body->segments_n = src->segments_n;
	}
}

static inline int
rig_call(struct rig *r, const char *name, const void *in, void *out)
{
	const struct service *s = &s3_service;
	struct rig_unit u = { r, NULL, in, out, 0 };
	for (uint16_t i = 0; i < s->ops_n; i++)
		if (str_eq(str_c(s->ops[i].name), str_c(name)))
			u.op = &s->ops[i];
	assert_non_null(u.op);
	assert_non_null(u.op->handler);
	tx_end(r->read);
	r->read = NULL;
	struct call *c = &r->c;
	memset(c, 0, sizeof(*c));
	c->arena = &r->arena;
	c->store = r->store;
	c->service = s;
	c->op = u.op;
	c->account = c->who.account = r->account;
	c->who.anonymous = !r->account.len;
	c->who.root = r->account.len > 0;
	c->who.arn = STR("arn:aws:iam::" RIG_ACCOUNT ":root");
	c->region = r->region;
	c->host = STR("127.0.0.1:4566");
	c->method = str_c(u.op->method);
	c->now_ms = r->now_ms;
	c->protocol = PROTO_REST_XML;
	if (u.op->prepare) {
		r->read = c->tx = tx_begin_read(r->store);
		if (u.op->prepare(c, in, out))
			return CALL_FAILED;
		rig_ingest(r);
		tx_end(r->read);
		r->read = NULL;
	}
	if (u.op->kind == OP_READS || u.op->kind == OP_STREAMS_OUT) {
		r->read = c->tx = tx_begin_read(r->store);
		return u.op->handler(c, in, out);
	}
	store_write(r->store, rig_unit_run, &u);
	return u.result;
}

/* Calls with designated members: RIG(r, PutObject, put_object, out, .Bucket = …) */
#define RIG(r, Op, op, ret_out, ...)                                                               \
	({                                                                                         \
		struct s3_##op##_in in_ = { __VA_ARGS__ };                                         \
		memset((ret_out), 0, sizeof(struct s3_##op##_out));                                \
		rig_call((r), #Op, &in_, (ret_out));                                               \
	})

#define assert_failed(r, result, code_)                                                            \
	do {                                                                                       \
		assert_int_equal((result), CALL_FAILED);                                           \
		assert_non_null((r)->c.error);                                                     \
		assert_string_equal((r)->c.error->code, (code_));                                  \
	} while (0)

static inline void
rig_bucket(struct rig *r, struct str name)
{
	struct s3_create_bucket_out out;
	assert_int_equal(RIG(r, CreateBucket, create_bucket, &out, .Bucket = name), CALL_OK);
}

static inline void
rig_versioning(struct rig *r, struct str bucket, struct str status)
{
	struct s3_put_bucket_versioning_out out;
	struct s3_versioning_configuration v = { .Status = status };
	assert_int_equal(RIG(r, PutBucketVersioning, put_bucket_versioning, &out, .Bucket = bucket,
				 .VersioningConfiguration = &v),
		CALL_OK);
}

/* Returns the version id. */
static inline struct str
rig_put(struct rig *r, struct str bucket, struct str key, struct str data)
{
	struct s3_put_object_out out;
	assert_int_equal(RIG(r, PutObject, put_object, &out, .Bucket = bucket, .Key = key,
				 .Body = rig_body(r, data)),
		CALL_OK);
	return out.VersionId;
}

#endif
