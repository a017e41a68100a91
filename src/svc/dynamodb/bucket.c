#include "svc/dynamodb/bucket.h"
#include "svc/s3/s3.h"

struct call
ddb_bucket_call(const struct call *c, const char *op)
{
	struct call s = { .arena = c->arena,
		.tx = c->tx,
		.store = c->store,
		.blobs = c->blobs,
		.service = &s3_service,
		.op = service_op(&s3_service, str_c(op)),
		.account = c->account,
		.region = c->region,
		.now_ms = c->now_ms,
		.request_id = STR("dynamodb") };
	s.who = (struct principal){ .account = c->account,
		.arn = arena_printf(
			c->arena, "arn:aws:iam::%.*s:root", STR_FMT(c->account)),
		.user_id = c->account,
		.root = true };
	return s;
}

static const char *
code_of(const struct call *s)
{
	if (s->error == &S3_NoSuchBucket)
		return "S3NoSuchBucket";
	if (s->error == &S3_NoSuchKey)
		return "S3NoSuchKey";
	return str_is(str_c(s->error ? s->error->code : ""), "AccessDenied") ? "S3AccessDenied"
									    : "S3Error";
}

const char *
ddb_bucket_refuses(struct call *c, struct str bucket, struct str key, const char *action)
{
	struct call s = ddb_bucket_call(c, "PutObject");
	struct s3_bucket_row b = { 0 };
	s.who = c->who;
	s.tls = c->tls;
	s.source_ip = c->source_ip;
	if (!s3_bucket_find(&s, bucket, &b))
		return "S3NoSuchBucket";
	return s3_access(&s, &b, action, key, NULL) ? "S3AccessDenied" : NULL;
}

const char *
ddb_bucket_prepare(struct call *c, struct str bucket, struct str owner, struct str key,
	struct ddb_bucket_place *ret)
{
	struct call s = ddb_bucket_call(c, "PutObject");
	struct s3_put_object_in in = { .Bucket = bucket, .Key = key, .ExpectedBucketOwner = owner };
	struct s3_put_object_out out = { 0 };
	if (s3_put_object_prepare(&s, &in, &out))
		return code_of(&s);
	*ret = (struct ddb_bucket_place){ s.region, s.body_placement, s.body_key };
	return NULL;
}

const char *
ddb_bucket_put(struct call *c, struct str bucket, struct str owner, struct str key,
	const struct body *body, const unsigned char *body_key)
{
	struct call s = ddb_bucket_call(c, "PutObject");
	struct body copy = *body;
	struct s3_put_object_in in = {
		.Bucket = bucket, .Key = key, .Body = &copy, .ExpectedBucketOwner = owner
	};
	struct s3_put_object_out out = { 0 };
	s.body_key = body_key;
	return s3_put_object(&s, &in, &out) ? code_of(&s) : NULL;
}

const char *
ddb_bucket_put_text(
	struct call *c, struct str bucket, struct str owner, struct str key, struct str text)
{
	struct digests d;
	struct body body = { .inline_data = text, .size = text.len, .len = text.len };
	digests_init(&d, DIGEST_MD5 | DIGEST_CRC64NVME);
	digests_add(&d, text);
	digests_final(&d, &body.digests);
	return ddb_bucket_put(c, bucket, owner, key, &body, NULL);
}

bool
ddb_bucket_next(struct call *c, struct str bucket, struct str prefix, struct str after,
	struct str *ret_key)
{
	struct call s = ddb_bucket_call(c, "ListObjectsV2");
	struct s3_list_objects_v2_in in = { .Bucket = bucket,
		.Prefix = prefix,
		.StartAfter = after,
		.MaxKeys = OPT_I64(1) };
	struct s3_list_objects_v2_out out = { 0 };
	if (s3_list_objects_v2(&s, &in, &out) || !out.Contents.n)
		return false;
	*ret_key = out.Contents.v[0].Key;
	return true;
}

struct body *
ddb_bucket_read(struct call *c, struct str bucket, struct str owner, struct str key,
	const char **ret_code)
{
	struct call s = ddb_bucket_call(c, "GetObject");
	struct s3_get_object_in in = {
		.Bucket = bucket, .Key = key, .ExpectedBucketOwner = owner
	};
	struct s3_get_object_out out = { 0 };
	*ret_code = NULL;
	if (s3_get_object(&s, &in, &out)) {
		*ret_code = code_of(&s);
		return NULL;
	}
	return out.Body;
}
