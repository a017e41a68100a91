#include "svc/s3/s3.h"

int
s3_put_bucket_versioning(struct call *c, const struct s3_put_bucket_versioning_in *in,
	struct s3_put_bucket_versioning_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	const struct s3_versioning_configuration *v = in->VersioningConfiguration;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:PutBucketVersioning", STR_NULL, NULL))
		return CALL_FAILED;
	if (!v || (!str_is(v->Status, "Enabled") && !str_is(v->Status, "Suspended")))
		return call_fail(c, &S3_IllegalVersioningConfigurationException,
			"The Versioning element must be specified");
	if (str_is(v->MFADelete, "Enabled"))
		return call_fail(c, &S3_NotImplemented, "MFA delete is not supported");
	bool suspended = str_is(v->Status, "Suspended");
	if (suspended && b.ObjectLock.v)
		return call_fail(c, &S3_InvalidBucketState,
			"An Object Lock configuration is present on this bucket, so the versioning "
			"state cannot be changed.");
	b.Versioning = OPT_I64(suspended ? S3_SUSPENDED : S3_VERSIONED);
	b.Generation = OPT_I64(b.Generation.v + 1);
	s3_bucket_save(c, &b);
	return CALL_OK;
}

int
s3_get_bucket_versioning(struct call *c, const struct s3_get_bucket_versioning_in *in,
	struct s3_get_bucket_versioning_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:GetBucketVersioning", STR_NULL, NULL))
		return CALL_FAILED;
	if (b.Versioning.v == S3_VERSIONED)
		out->Status = STR("Enabled");
	else if (b.Versioning.v == S3_SUSPENDED)
		out->Status = STR("Suspended");
	return CALL_OK;
}
