#include "svc/s3/copy_source.h"

#include "svc/s3/tiering.h"

/* What prepare saw, behind the body that the front reads. */
struct ingested {
	struct body body; /* first */
	int64_t bucket, seq;
};

static int
source_invalid(struct call *c, const char *sentence, struct str value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", STR("x-amz-copy-source"));
	return call_fail_field(c, "ArgumentValue", value);
}

static int
source_parse(struct call *c, struct str text, struct copy_source *s)
{
	static const char sentence[] =
		"Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
	struct str path = text, query = STR_NULL;
	if (str_starts(text, STR("arn:")))
		return call_fail(c, &S3_NotImplemented, NULL);
	long mark = str_find_str(text, STR("?versionId="));
	if (mark >= 0) {
		path = str_slice(text, 0, (size_t)mark);
		query = str_slice(text, (size_t)mark + strlen("?versionId="), text.len);
	}
	path = uri_decode(c->arena, path, 0);
	if (!path.p)
		return source_invalid(c, "Invalid copy source encoding.", text);
	if (str_starts(path, STR("/")))
		path = str_slice(path, 1, path.len);
	s->bucket_name = str_cut(&path, '/');
	s->key = path;
	if (!s->bucket_name.len || !s->key.p || !s->key.len || s->key.len > S3_KEY_MAX)
		return source_invalid(c, sentence, text);
	if (query.p)
		s->version_id = uri_decode(c->arena, query, 0);
	if (query.p && !s->version_id.p)
		return source_invalid(c, "Invalid copy source encoding.", text);
	return CALL_OK;
}

static int
conditions_apply(struct call *c, const struct copy_input *in, const struct copy_source *s)
{
	const char *name = NULL;
	if (s3_conditions_check(&in->when, s->o.ETag, s->o.Modified.ms, &name) == S3_COND_PASS)
		return CALL_OK;
	call_fail(c, &S3_PreconditionFailed, NULL);
	return call_fail_field(
		c, "Condition", arena_printf(c->arena, "x-amz-copy-source-%s", name));
}

/* A marker named by version is a bad request here, and tells nothing in headers. */
static int
object_open(struct call *c, struct copy_source *s)
{
	uint8_t headers = c->reply_headers_n;
	if (s3_object_open(c, &s->b, s->key, s->version_id, "s3:GetObject", &s->o) == CALL_OK)
		return CALL_OK;
	c->reply_headers_n = headers;
	if (c->error == &S3_MethodNotAllowed) {
		c->error_fields_n = 0;
		return call_fail(c, &S3_InvalidRequest,
			"The source of a copy request may not specifically refer to a delete "
			"marker by version id.");
	}
	return CALL_FAILED;
}

int
copy_source_open(struct call *c, const struct copy_input *in, struct copy_source *s)
{
	if (source_parse(c, in->source, s) ||
		s3_bucket_open(c, s->bucket_name, in->expected_owner, &s->b) || object_open(c, s) ||
		conditions_apply(c, in, s))
		return CALL_FAILED;
	if (str_is(s->o.StorageClass, "GLACIER") || str_is(s->o.StorageClass, "DEEP_ARCHIVE") ||
		s3_tiering_archived(&s->o))
		return call_fail(c, &S3_ObjectNotInActiveTierError, NULL);
	return s3_sse_open(c, &s->b, s->key, &s->o, &in->customer, &s->own);
}

void
copy_source_ingest(struct call *c, const struct copy_source *s, const struct s3_bucket_row *to,
	uint64_t from, uint64_t len)
{
	struct ingested *g = arena_new(c->arena, struct ingested);
	g->body = *s3_body_read(c, &s->b, s->key, &s->o, s->own, from, len);
	g->bucket = s->b.Id.v;
	g->seq = s->o.Seq.v;
	/* Outlives this snapshot. */
	g->body.region = arena_dup(c->arena, g->body.region);
	g->body.inline_data = arena_dup(c->arena, g->body.inline_data);
	c->body_source = &g->body;
	c->body_share = !g->body.inline_data.p && str_eq(s->b.Region, to->Region) &&
			s3_placement(&s->o) == c->body_placement &&
			g->body.key == c->body_key;
}

int
copy_source_unchanged(struct call *c, const struct copy_source *s)
{
	const struct ingested *g = (const struct ingested *)c->body_source;
	if (g->bucket == s->b.Id.v && g->seq == s->o.Seq.v)
		return CALL_OK;
	return call_fail(c, &S3_OperationAborted, NULL);
}

int
segments_alive(struct call *c, struct str region, const struct body *body)
{
	for (uint32_t i = 0; i < body->segments_n; i++) {
		struct key k;
		struct str value;
		s3_key_blob(&k, region, body->segments[i].id);
		if (!tx_get(c->tx, s3_rows(c), key_str(&k), &value))
			return call_fail(c, &S3_OperationAborted, NULL);
	}
	return CALL_OK;
}
