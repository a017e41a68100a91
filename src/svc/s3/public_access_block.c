#include "svc/s3/access.h"
#include "svc/s3/rules.h"

int
s3_config_open(struct call *c, struct str bucket, struct str expected_owner, const char *action,
	struct s3_bucket_row *ret)
{
	if (s3_bucket_open(c, bucket, expected_owner, ret))
		return CALL_FAILED;
	return s3_access(c, ret, action, STR_NULL, NULL);
}

int
s3_put_public_access_block(struct call *c, const struct s3_put_public_access_block_in *in,
	struct s3_put_public_access_block_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	const struct s3_public_access_block_configuration *p = in->PublicAccessBlockConfiguration;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketPublicAccessBlock", &b))
		return CALL_FAILED;
	if (!p)
		return call_fail(c, &S3_MalformedXML, NULL);
	s3_block_put(c, &b,
		(p->BlockPublicAcls.v ? S3_BLOCK_ACLS : 0u) |
			(p->IgnorePublicAcls.v ? S3_IGNORE_ACLS : 0u) |
			(p->BlockPublicPolicy.v ? S3_BLOCK_POLICY : 0u) |
			(p->RestrictPublicBuckets.v ? S3_RESTRICT : 0u));
	return CALL_OK;
}

int
s3_get_public_access_block(struct call *c, const struct s3_get_public_access_block_in *in,
	struct s3_get_public_access_block_out *out)
{
	struct s3_bucket_row b = { 0 };
	unsigned bits;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketPublicAccessBlock", &b))
		return CALL_FAILED;
	if (!s3_block_get(c, &b, &bits)) {
		call_fail(c, &S3_NoSuchPublicAccessBlockConfiguration, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	struct s3_public_access_block_configuration *p = arena_alloc(c->arena, sizeof(*p));
	p->BlockPublicAcls = OPT_BOOL(bits & S3_BLOCK_ACLS);
	p->IgnorePublicAcls = OPT_BOOL(bits & S3_IGNORE_ACLS);
	p->BlockPublicPolicy = OPT_BOOL(bits & S3_BLOCK_POLICY);
	p->RestrictPublicBuckets = OPT_BOOL(bits & S3_RESTRICT);
	out->PublicAccessBlockConfiguration = p;
	return CALL_OK;
}

int
s3_delete_public_access_block(struct call *c, const struct s3_delete_public_access_block_in *in,
	struct s3_delete_public_access_block_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketPublicAccessBlock", &b))
		return CALL_FAILED;
	s3_config_put(c, &b, S3_CONFIG_PUBLIC_ACCESS_BLOCK, STR_NULL);
	return CALL_OK;
}
