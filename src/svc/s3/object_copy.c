#include "aws/errors.h"
#include "svc/s3/annotations.h"
#include "svc/s3/copy_source.h"
#include "svc/s3/sse.h"
#include "svc/s3/events.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/lock.h"

/* One decision for prepare and handler: must the bytes be read? */
struct copy_plan {
	unsigned algorithm;
	bool read;
	bool annotations; /* go along */
};

static int
algorithm_choose(struct call *c, const struct s3_copy_object_in *in, const struct s3_object_row *o,
	unsigned *ret)
{
	*ret = o->ChecksumAlgorithm.set ? (unsigned)o->ChecksumAlgorithm.v : DIGEST_CRC64NVME;
	if (!in->ChecksumAlgorithm.p)
		return CALL_OK;
	*ret = s3_checksum_algorithm(in->ChecksumAlgorithm);
	return *ret ? CALL_OK
		    : call_fail(c, &S3_InvalidRequest,
			      "Checksum algorithm provided is unsupported. "
			      "Please try again with any of the valid types: " S3_CHECKSUM_TYPES);
}

/* Presigned URLs say it in the query. */
static int
annotations_wanted(struct call *c, const struct s3_copy_object_in *in, bool *ret)
{
	struct str v = in->AnnotationDirective;
	if (!v.p)
		v = call_query_param(c, STR("x-amz-object-annotation-directive"));
	*ret = !str_is(v, "EXCLUDE");
	if (!v.p || !*ret || str_is(v, "COPY"))
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument, "Unknown annotation directive.");
	return call_fail_field(c, "ArgumentValue", v);
}

static struct s3_annotated
annotated(const struct copy_source *s)
{
	return (struct s3_annotated){ &s->b, s->key, &s->o, s->own };
}

static int
annotations_open(struct call *c, const struct s3_copy_object_in *in, const struct copy_source *s,
	const struct s3_bucket_row *to, const struct s3_object_row *o, bool *ret)
{
	struct s3_annotated from = annotated(s);
	if (annotations_wanted(c, in, ret))
		return CALL_FAILED;
	*ret = *ret && s->o.Annotations.v;
	return *ret ? s3_annotations_copy_check(c, &from, to, in->Key, o) : CALL_OK;
}

/* The copy is one piece: ETag and checksum of a multipart source do not fit it. */
static int
plan_make(struct call *c, const struct s3_copy_object_in *in, const struct copy_source *s,
	const struct s3_bucket_row *to, const struct s3_object_row *o, struct copy_plan *ret)
{
	if (algorithm_choose(c, in, &s->o, &ret->algorithm))
		return CALL_FAILED;
	bool in_blobs = s->o.Segments.p || s->o.PartsId.p;
	ret->read = s->o.PartsCount.set || s->o.ChecksumComposite.v || s->own ||
		    !str_is(o->Sse, "AES256") ||
		    (int64_t)ret->algorithm != s->o.ChecksumAlgorithm.v ||
		    (in_blobs &&
			    (!s->o.Sse.p || !str_eq(s->b.Region, to->Region) ||
				    s3_placement(&s->o) != s3_placement(o)));
	return CALL_OK;
}

static int
directive(struct call *c, struct str value, const char *what, bool *ret_replace)
{
	*ret_replace = str_is(value, "REPLACE");
	if (!value.p || *ret_replace || str_is(value, "COPY"))
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument, "Unknown %s directive.", what);
	return call_fail_field(c, "ArgumentValue", value);
}

static void
metadata_take(struct s3_object_row *o, const struct s3_object_row *src)
{
	o->ContentType = src->ContentType;
	o->CacheControl = src->CacheControl;
	o->ContentDisposition = src->ContentDisposition;
	o->ContentEncoding = src->ContentEncoding;
	o->ContentLanguage = src->ContentLanguage;
	o->Expires = src->Expires;
	o->Metadata = src->Metadata;
}

/* Fills what the new object says about itself. */
static int
row_make(struct call *c, const struct s3_copy_object_in *in, const struct copy_source *s,
	const struct s3_bucket_row *to, struct s3_object_row *o)
{
	struct s3_meta_input meta = S3_META_INPUT(in);
	bool replace, replace_tags;
	if (directive(c, in->MetadataDirective, "metadata", &replace) ||
		directive(c, in->TaggingDirective, "tagging", &replace_tags))
		return CALL_FAILED;
	if (!replace_tags)
		meta.tagging = STR_NULL;
	if (s3_meta_apply(c, &meta, o))
		return CALL_FAILED;
	if (!replace)
		metadata_take(o, &s->o);
	if (!replace_tags)
		o->Tags = s->o.Tags;
	bool itself = s->b.Id.v == to->Id.v && str_eq(s->key, in->Key) && !s->version_id.p;
	if (itself && !replace && !in->WebsiteRedirectLocation.p &&
		!in->ServerSideEncryption.p && !in->SSECustomerAlgorithm.p &&
		str_eq(o->StorageClass, s->o.StorageClass))
		return call_fail(c, &S3_InvalidRequest,
			"This copy request is illegal because it is trying to copy an object to "
			"itself without changing "
			"the object's metadata, storage class, website redirect location or "
			"encryption attributes.");
	if ((uint64_t)s->o.Size.v > S3_PART_MAX)
		return call_fail(c, &S3_InvalidRequest,
			"The specified copy source is larger than the maximum allowable size for a "
			"copy source: "
			"5368709120");
	struct s3_lock_claim lock = S3_LOCK_CLAIM(in);
	struct s3_sse_ask sse = S3_SSE_ASK(in);
	if (s3_access_new_object(c, to, o) || s3_lock_claim_apply(c, to, in->Key, &lock, o))
		return CALL_FAILED;
	return s3_sse_apply(c, to, in->Key, &sse, o);
}

static int
copy_open(struct call *c, const struct s3_copy_object_in *in, struct s3_bucket_row *b,
	struct copy_source *s, struct s3_object_row *o, struct copy_plan *plan)
{
	struct copy_input input = COPY_INPUT(in);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, b) || s3_key_check(c, in->Key) ||
		s3_access(c, b, "s3:PutObject", in->Key, NULL) || copy_source_open(c, &input, s) ||
		row_make(c, in, s, b, o) ||
		s3_write_conditions(c, b, in->Key, in->IfMatch, in->IfNoneMatch) ||
		annotations_open(c, in, s, b, o, &plan->annotations))
		return CALL_FAILED;
	return plan_make(c, in, s, b, o, plan);
}

int
s3_copy_object_prepare(struct call *c, const struct s3_copy_object_in *in,
	struct s3_copy_object_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct copy_source s = { 0 };
	struct copy_plan plan = { 0 };
	if (copy_open(c, in, &b, &s, &o, &plan))
		return CALL_FAILED;
	c->region = arena_dup(c->arena, b.Region);
	c->body_placement = s3_placement(&o);
	c->body_inline_max = S3_INLINE_MAX;
	if (plan.read) {
		c->body_digests = DIGEST_MD5 | plan.algorithm;
		copy_source_ingest(c, &s, &b, 0, (uint64_t)s.o.Size.v);
	}
	return CALL_OK;
}

static int
body_take(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct copy_source *s, const struct copy_plan *plan, struct s3_object_row *o)
{
	if (!plan->read || !c->body_source) {
		struct body *body = s3_body_read(
			c, &s->b, s->key, &s->o, s->own, 0, (uint64_t)s->o.Size.v);
		if (!body->inline_data.p && !body->segments_n)
			return call_fail(c, &ERR_InternalFailure, NULL); /* damaged */
		if (plan->read) /* the source became another one since prepare looked */
			return call_fail(c, &S3_OperationAborted, NULL);
		o->ETag = s->o.ETag;
		o->Checksum = s->o.Checksum;
		s3_body_store(c, b, key, o, body);
		return CALL_OK;
	}
	if (copy_source_unchanged(c, s) || (c->body_share && segments_alive(c, b->Region, c->body)))
		return CALL_FAILED;
	o->ETag = hex_text(c->arena, s3_sse_etag(c, o, c->body->digests.md5));
	o->Checksum = s3_checksum_bytes(c, plan->algorithm, &c->body->digests);
	s3_body_store(c, b, key, o, c->body);
	return CALL_OK;
}

int
s3_copy_object(struct call *c, const struct s3_copy_object_in *in, struct s3_copy_object_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct copy_source s = { 0 };
	struct copy_plan plan = { 0 };
	if (copy_open(c, in, &b, &s, &o, &plan))
		return CALL_FAILED;
	o.ChecksumAlgorithm = OPT_I64(plan.algorithm);
	if (body_take(c, &b, in->Key, &s, &plan, &o))
		return CALL_FAILED;
	struct s3_annotated from = annotated(&s);
	if (plan.annotations &&
		s3_annotations_copy(c, &from, &b, &o, s3_sse_is_own(&o) ? c->body_key : NULL))
		return CALL_FAILED;
	s3_version_add(c, &b, in->Key, &o);
	s3_event_object(c, &b, "s3:ObjectCreated:Copy", in->Key, &o);
	out->Expiration = s3_lifecycle_header(c, &b, in->Key, &o);

	struct s3_copy_object_result *r = arena_new(c->arena, struct s3_copy_object_result);
	r->ETag = s3_etag_quoted(c, o.ETag);
	r->LastModified = o.Modified;
	S3_CHECKSUM_SET(r, plan.algorithm, s3_checksum_text(c, o.Checksum, false, 0));
	r->ChecksumType = STR("FULL_OBJECT");
	out->CopyObjectResult = r;
	S3_SSE_TELL(out, &o, S3_SSE_CUSTOMER(in));
	out->VersionId = b.Versioning.v == S3_VERSIONED ? o.VersionId : STR_NULL;
	if (s.b.Versioning.v)
		out->CopySourceVersionId = s3_version_text(&s.b, &s.o);
	return CALL_OK;
}
