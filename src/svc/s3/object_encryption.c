/* Another encryption for an object that is there: the version, its ETag and its times stay. */
#include "svc/s3/lock.h"
#include "svc/s3/sse.h"

static int
object_check(struct call *c, const struct s3_object_row *o)
{
	if (o->SseCustomerAlgorithm.p || !o->Sse.p)
		return call_fail(c, &S3_InvalidRequest,
			"The encryption of objects with customer-provided keys cannot be updated.");
	if (o->LockMode.p || o->LegalHold.v)
		return call_fail(c, &S3_AccessDenied,
			"The object is protected by object lock, so its encryption cannot be "
			"updated.");
	if (!s3_sse_is_own(o) && (o->Segments.p || o->PartsId.p))
		return call_fail(c, &S3_NotImplemented,
			"Objects above 16 KiB that are encrypted with SSE-S3 must be written anew "
			"for "
			"another encryption: copy the object onto itself.");
	return CALL_OK;
}

/* A data key is sealed anew and the bytes stay; a small body gets its first data key. */
static int
key_change(struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o,
	const struct s3_object_encryption *e)
{
	unsigned char plain[SEAL_KEY];
	bool own = s3_sse_is_own(o);
	struct body *body = NULL;
	if (own && s3_sse_kms_open(c, b, key, o, plain))
		return CALL_FAILED;
	if (!own) {
		body = s3_body_read(c, b, key, o, NULL, 0, (uint64_t)o->Size.v);
		random_bytes(plain, sizeof(plain));
	}
	o->Sse = STR("aws:kms");
	o->SseKmsKeyId = e->SSEKMS->KMSKeyArn;
	o->SseBucketKey = e->SSEKMS->BucketKeyEnabled;
	o->SseContext = STR_NULL;
	int r = s3_sse_kms_seal(c, b, key, plain, o);
	if (!r && body)
		s3_body_inside_put(c, b, key, o, s3_sse_seal_own(c, plain, key, body->inline_data));
	explicit_bzero(plain, sizeof(plain));
	return r;
}

int
s3_update_object_encryption(struct call *c, const struct s3_update_object_encryption_in *in,
	struct s3_update_object_encryption_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	const struct s3_object_encryption *e = in->ObjectEncryption;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:UpdateObjectEncryption", &o))
		return CALL_FAILED;
	if (!e || !e->SSEKMS || !str_starts(e->SSEKMS->KMSKeyArn, STR("arn:aws:kms:")))
		return call_fail(c, &S3_InvalidRequest,
			"The encryption must be SSE-KMS with the ARN of a key.");
	if (object_check(c, &o) || key_change(c, &b, in->Key, &o, e))
		return CALL_FAILED;
	s3_version_update(c, &b, in->Key, &o);
	return CALL_OK;
}
