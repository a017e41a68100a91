#include "svc/s3/annotations.h"

#include "aws/pattern.h"
#include "svc/s3/events.h"
#include "svc/s3/lock.h"
#include "svc/s3/sse.h"
#include "svc/s3/walk.h"

static bool
letters_fit(struct str text)
{
	return pattern_matches("[\\p{L}\\p{N}_.-]*", text);
}

/* Both words are reserved, in any case. */
static bool
name_reserved(struct str name)
{
	return (name.len >= 3 && str_eq_nocase(str_slice(name, 0, 3), STR("aws"))) ||
	       (name.len >= 2 && str_eq_nocase(str_slice(name, 0, 2), STR("s3")));
}

static int
name_check(struct call *c, struct str name)
{
	if (name.len > S3_ANNOTATION_NAME_MAX)
		call_fail(c, &S3_AnnotationNameTooLong, NULL);
	else if (!name.len || name_reserved(name) || !letters_fit(name))
		call_fail(c, &S3_InvalidAnnotationName, NULL);
	else
		return CALL_OK;
	return call_fail_field(c, "AnnotationName", name);
}

struct target {
	struct str bucket, owner, key, version_id;
	struct str if_match; /* the object's entity tag */
	const char *action;
};
#define TARGET(in, act)                                                                            \
	((struct target){ (in)->Bucket, (in)->ExpectedBucketOwner, (in)->Key, (in)->VersionId,     \
		STR_NULL, act })

/* One action for all versions. */
static int
target_open(
	struct call *c, const struct target *t, struct s3_bucket_row *b, struct s3_object_row *o)
{
	struct s3_conditions when = { .if_match = t->if_match };
	const char *failed = NULL;
	if (s3_bucket_open(c, t->bucket, t->owner, b) || s3_key_check(c, t->key) ||
		s3_object_open_by(c, b, t->key, t->version_id, t->action, t->action, o))
		return CALL_FAILED;
	if (s3_conditions_check(&when, o->ETag, o->Modified.ms, &failed) == S3_COND_PASS)
		return CALL_OK;
	call_fail(c, &S3_PreconditionFailed, NULL);
	return call_fail_field(c, "Condition", STR("x-amz-object-if-match"));
}

static int
none_such(struct call *c, const struct target *t, struct str name)
{
	call_fail(c, &S3_NoSuchAnnotation, NULL);
	call_fail_field(c, "Key", t->key);
	return call_fail_field(c, "AnnotationName", name);
}

/* ---- put ---- */

static struct s3_checksum_claim
claim_of(const struct s3_put_object_annotation_in *in)
{
	struct s3_checksum_claim k = S3_CHECKSUM_CLAIM(in);
	k.content_md5 = in->ContentMD5;
	k.algorithm = in->ChecksumAlgorithm;
	return k;
}

/* The object's own key, or that of the cloud; in the handler the body lies under it already. */
static int
key_choose(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const unsigned char **ret_own)
{
	struct s3_sse_customer nobody = { 0 };
	if (o->SseCustomerAlgorithm.p)
		return call_fail(c, &S3_InvalidRequest,
			"Objects encrypted with SSE-C cannot have annotations.");
	if (s3_sse_open(c, b, key, o, &nobody, ret_own))
		return CALL_FAILED;
	if (!c->body_key)
		c->body_key = *ret_own ? *ret_own : s3_sse_key();
	if (*ret_own ? memcmp(c->body_key, *ret_own, SEAL_KEY) != 0 : c->body_key != s3_sse_key())
		return call_fail(c, &S3_OperationAborted, NULL); /* another object by now */
	return CALL_OK;
}

static int
put_open(struct call *c, const struct s3_put_object_annotation_in *in, struct s3_bucket_row *b,
	struct s3_object_row *o, const unsigned char **ret_own)
{
	struct target t = TARGET(in, "s3:PutObjectAnnotation");
	t.if_match = in->ObjectIfMatch;
	if (target_open(c, &t, b, o) || name_check(c, in->AnnotationName))
		return CALL_FAILED;
	return key_choose(c, b, in->Key, o, ret_own);
}

int
s3_put_object_annotation_prepare(struct call *c, const struct s3_put_object_annotation_in *in,
	struct s3_put_object_annotation_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_checksum_claim claim = claim_of(in);
	const unsigned char *own = NULL;
	unsigned algorithm = 0;
	if (put_open(c, in, &b, &o, &own) || s3_checksum_wanted(c, &claim, &algorithm))
		return CALL_FAILED;
	c->body_digests = DIGEST_MD5 | DIGEST_UTF8 | (algorithm ? algorithm : DIGEST_CRC64NVME);
	c->body_inline_max = S3_INLINE_MAX;
	c->body_max = S3_ANNOTATION_MAX;
	c->body_placement = s3_placement(&o);
	c->region = arena_dup(c->arena, b.Region);
	return CALL_OK;
}

static int
text_check(struct call *c, const struct body *in)
{
	if (!in || !in->size)
		return call_fail(c, &S3_InvalidRequest,
			"The annotation payload must be between 1 byte and 1 MiB.");
	return in->digests.utf8 ? CALL_OK : call_fail(c, &S3_UnsupportedMediaType, NULL);
}

int
s3_put_object_annotation(struct call *c, const struct s3_put_object_annotation_in *in,
	struct s3_put_object_annotation_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 }, a = { 0 };
	struct s3_checksum_claim claim = claim_of(in);
	const struct body *body = in->AnnotationPayload;
	const unsigned char *own = NULL;
	unsigned algorithm = 0;
	if (put_open(c, in, &b, &o, &own) || text_check(c, body) ||
		s3_checksum_wanted(c, &claim, &algorithm) ||
		s3_checksum_verify(c, &claim, algorithm, &body->digests))
		return CALL_FAILED;
	algorithm = algorithm ? algorithm : DIGEST_CRC64NVME;
	a.ETag = hex_text(c->arena, s3_sse_etag(c, &o, body->digests.md5));
	a.ChecksumAlgorithm = OPT_I64(algorithm);
	a.Checksum = s3_checksum_bytes(c, algorithm, &body->digests);
	if (s3_annotation_put(c, &b, &o, in->AnnotationName, &a, body, own))
		return CALL_FAILED;
	s3_version_update(c, &b, in->Key, &o);
	s3_event_object(c, &b, "s3:ObjectAnnotation:Put", in->Key, &o);
	out->Key = in->Key;
	out->AnnotationName = in->AnnotationName;
	out->ObjectVersionId = s3_version_text(&b, &o);
	out->ETag = s3_etag_quoted(c, a.ETag);
	S3_CHECKSUM_SET(out, algorithm, s3_checksum_text(c, a.Checksum, false, 0));
	out->ChecksumType = STR("FULL_OBJECT");
	out->ServerSideEncryption = a.Sse;
	return CALL_OK;
}

/* ---- the others ---- */

int
s3_get_object_annotation(struct call *c, const struct s3_get_object_annotation_in *in,
	struct s3_get_object_annotation_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 }, a = { 0 };
	struct target t = TARGET(in, "s3:GetObjectAnnotation");
	struct s3_sse_customer nobody = { 0 };
	const unsigned char *own = NULL;
	if (target_open(c, &t, &b, &o))
		return CALL_FAILED;
	if (!s3_annotation_get(c, &o, in->AnnotationName, &a))
		return none_such(c, &t, in->AnnotationName);
	if (str_is(a.Sse, "aws:kms") && s3_sse_open(c, &b, in->Key, &o, &nobody, &own))
		return CALL_FAILED;
	out->AnnotationPayload = s3_annotation_read(c, &b, &a, in->AnnotationName, own);
	out->ObjectVersionId = s3_version_text(&b, &o);
	out->LastModified = a.Modified;
	out->ContentLength = a.Size;
	out->ETag = s3_etag_quoted(c, a.ETag);
	out->ServerSideEncryption = a.Sse;
	if (str_is(in->ChecksumMode, "ENABLED")) {
		S3_CHECKSUM_SET(
			out, a.ChecksumAlgorithm.v, s3_checksum_text(c, a.Checksum, false, 0));
		out->ChecksumType = STR("FULL_OBJECT");
	}
	return CALL_OK;
}

int
s3_delete_object_annotation(struct call *c, const struct s3_delete_object_annotation_in *in,
	struct s3_delete_object_annotation_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct target t = TARGET(in, "s3:DeleteObjectAnnotation");
	bool bypass = str_eq_nocase(
		call_request_header(c, STR("x-amz-bypass-governance-retention")), STR("true"));
	t.if_match = in->ObjectIfMatch;
	if (target_open(c, &t, &b, &o) || name_check(c, in->AnnotationName) ||
		s3_lock_check_delete(c, &b, in->Key, &o, bypass))
		return CALL_FAILED;
	if (s3_annotation_remove(c, &b, &o, in->AnnotationName)) {
		s3_version_update(c, &b, in->Key, &o);
		s3_event_object(c, &b, "s3:ObjectAnnotation:Delete", in->Key, &o);
	}
	out->ObjectVersionId = s3_version_text(&b, &o);
	return CALL_OK;
}

static int
token_take(struct call *c, struct str token, struct str *ret_after)
{
	struct str raw = token.p ? base64_bytes(c->arena, token, BASE64_URL) : STR("1");
	if (!raw.p || !raw.len || raw.p[0] != '1' || raw.len > S3_ANNOTATION_NAME_MAX + 1) {
		call_fail(c, &S3_InvalidArgument, "The continuation token provided is incorrect");
		call_fail_field(c, "ArgumentName", STR("continuation-token"));
		return call_fail_field(c, "ArgumentValue", token);
	}
	*ret_after = str_slice(raw, 1, raw.len);
	return CALL_OK;
}

static struct str
entry_fill(struct call *c, const struct scan *s, size_t head, struct s3_annotation_entry *e)
{
	struct s3_object_row a = { 0 };
	row_decode(&s3_object_row_shape, s->value, c->arena, &a);
	e->AnnotationName = arena_dup(c->arena, str_slice(s->key, head, s->key.len));
	e->LastModified = a.Modified;
	e->ETag = s3_etag_quoted(c, a.ETag);
	e->Size = a.Size;
	*S3_LIST_PUSH(c, e->ChecksumAlgorithm) =
		str_c(s3_checksum_name((unsigned)a.ChecksumAlgorithm.v));
	return e->AnnotationName;
}

/* After `after`, in order of their bytes. */
static void
entries_take(struct call *c, const struct s3_object_row *o, struct str prefix, struct str after,
	uint32_t max, struct s3_list_object_annotations_out *out)
{
	struct key all, lo, hi;
	struct scan s;
	struct str last = STR_NULL;
	s3_key_annotation(&all, o->AnnotationsId, STR(""));
	s3_key_annotation(&lo, o->AnnotationsId, prefix);
	key_after_prefix(&hi, key_str(&lo));
	if (str_cmp(after, prefix) > 0) {
		s3_key_annotation(&lo, o->AnnotationsId, after);
		key_add_raw(&lo, str_of("", 1)); /* just behind it */
	}
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (out->Annotations.n == max) {
			out->NextContinuationToken =
				base64_url_text(c->arena, arena_concat(c->arena, STR("1"), last));
			break;
		}
		last = entry_fill(c, &s, all.len, S3_LIST_PUSH(c, out->Annotations));
	}
	scan_done(&s);
}

int
s3_list_object_annotations(struct call *c, const struct s3_list_object_annotations_in *in,
	struct s3_list_object_annotations_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct target t = TARGET(in, "s3:ListObjectAnnotations");
	struct str after = STR_NULL,
		   prefix = in->AnnotationPrefix.p ? in->AnnotationPrefix : STR("");
	int64_t max = in->MaxAnnotationResults.set ? in->MaxAnnotationResults.v : 1000;
	if (target_open(c, &t, &b, &o) || token_take(c, in->ContinuationToken, &after))
		return CALL_FAILED;
	if (prefix.len > S3_ANNOTATION_NAME_MAX || !letters_fit(prefix))
		return call_fail(c, &S3_InvalidPrefix, NULL);
	out->Annotations.set = true;
	if (o.Annotations.v)
		entries_take(c, &o, prefix, after, (uint32_t)max, out);
	out->Bucket = in->Bucket;
	out->Key = in->Key;
	out->ObjectVersionId = s3_version_text(&b, &o);
	out->AnnotationPrefix = in->AnnotationPrefix;
	out->MaxAnnotationResults = OPT_I64(max);
	out->AnnotationCount = OPT_I64(out->Annotations.n);
	out->ContinuationToken = in->ContinuationToken;
	return CALL_OK;
}
