#include "svc/s3/events.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/lock.h"
#include "svc/s3/s3.h"
#include "svc/s3/sse.h"

static struct s3_checksum_claim
claim_of(const struct s3_put_object_in *in)
{
	struct s3_checksum_claim k = S3_CHECKSUM_CLAIM(in);
	k.content_md5 = in->ContentMD5;
	k.algorithm = in->ChecksumAlgorithm;
	return k;
}

static int
put_access(struct call *c, const struct s3_bucket_row *b, const struct s3_put_object_in *in)
{
	if (s3_access(c, b, "s3:PutObject", in->Key, NULL))
		return CALL_FAILED;
	return in->Tagging.p ? s3_access(c, b, "s3:PutObjectTagging", in->Key, NULL) : CALL_OK;
}

int
s3_put_object_prepare(struct call *c, const struct s3_put_object_in *in,
	struct s3_put_object_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_meta_input meta = S3_META_INPUT(in);
	struct s3_checksum_claim claim = claim_of(in);
	struct s3_lock_claim lock = S3_LOCK_CLAIM(in);
	struct s3_sse_ask sse = S3_SSE_ASK(in);
	unsigned algorithm = 0;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) || put_access(c, &b, in) ||
		s3_key_check(c, in->Key) || s3_meta_apply(c, &meta, &o) ||
		s3_sse_apply(c, &b, in->Key, &sse, &o) ||
		s3_access_new_object(c, &b, &o) || s3_lock_claim_apply(c, &b, in->Key, &lock, &o) ||
		s3_checksum_wanted(c, &claim, &algorithm) ||
		s3_write_conditions(c, &b, in->Key, in->IfMatch, in->IfNoneMatch))
		return CALL_FAILED;
	if (in->WriteOffsetBytes.set)
		return call_fail(c, &S3_NotImplemented, NULL);
	if (in->ContentLength.set && in->ContentLength.v > (int64_t)S3_PART_MAX) {
		call_fail(c, &S3_EntityTooLarge, NULL);
		call_fail_field(c, "ProposedSize",
			arena_printf(c->arena, "%lld", (long long)in->ContentLength.v));
		return call_fail_field(c, "MaxSizeAllowed", STR("5368709120"));
	}
	c->body_digests = DIGEST_MD5 | (algorithm ? algorithm : DIGEST_CRC64NVME);
	c->body_inline_max = S3_INLINE_MAX;
	c->body_max = S3_PART_MAX;
	c->body_placement = s3_placement(&o);
	c->region = arena_dup(c->arena, b.Region);
	return CALL_OK;
}

/* The conditions held when the body began; what fails now was done by somebody else meanwhile. */
static int
conditions_again(struct call *c, const struct s3_bucket_row *b, const struct s3_put_object_in *in)
{
	if (!s3_write_conditions(c, b, in->Key, in->IfMatch, in->IfNoneMatch))
		return CALL_OK;
	if (c->error == &S3_NoSuchKey)
		return call_fail(c, &S3_ConditionalRequestConflict, NULL);
	return CALL_FAILED;
}

int
s3_put_object(struct call *c, const struct s3_put_object_in *in, struct s3_put_object_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_meta_input meta = S3_META_INPUT(in);
	struct s3_checksum_claim claim = claim_of(in);
	struct s3_lock_claim lock = S3_LOCK_CLAIM(in);
	struct s3_sse_ask sse = S3_SSE_ASK(in);
	struct body empty = { .inline_data = STR("") };
	const struct body *body = in->Body ? in->Body : &empty;
	unsigned algorithm = 0;
	if (!in->Body)
		md5(STR(""), empty.digests.md5);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) || put_access(c, &b, in) ||
		s3_meta_apply(c, &meta, &o) || s3_sse_apply(c, &b, in->Key, &sse, &o) ||
		s3_access_new_object(c, &b, &o) || s3_lock_claim_apply(c, &b, in->Key, &lock, &o) ||
		s3_checksum_wanted(c, &claim, &algorithm) ||
		s3_checksum_verify(c, &claim, algorithm, &body->digests) ||
		conditions_again(c, &b, in))
		return CALL_FAILED;
	algorithm = algorithm ? algorithm : DIGEST_CRC64NVME;
	o.ETag = hex_text(c->arena, s3_sse_etag(c, &o, body->digests.md5));
	o.ChecksumAlgorithm = OPT_I64(algorithm);
	o.Checksum = s3_checksum_bytes(c, algorithm, &body->digests);
	s3_body_store(c, &b, in->Key, &o, body);
	s3_version_add(c, &b, in->Key, &o);
	s3_event_object(c, &b,
		strcmp(c->op->name, "PostObject") == 0 ? "s3:ObjectCreated:Post"
						       : "s3:ObjectCreated:Put",
		in->Key, &o);
	out->Expiration = s3_lifecycle_header(c, &b, in->Key, &o);

	out->ETag = s3_etag_quoted(c, o.ETag);
	S3_CHECKSUM_SET(out, algorithm, s3_checksum_text(c, o.Checksum, false, 0));
	out->ChecksumType = STR("FULL_OBJECT");
	S3_SSE_TELL(out, &o, sse.customer);
	out->SSEKMSEncryptionContext = o.SseContext;
	out->VersionId = b.Versioning.v == S3_VERSIONED ? o.VersionId : STR_NULL;
	return CALL_OK;
}
