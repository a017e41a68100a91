/* Small settings of a bucket: who pays, acceleration, attribute-based access, access logs. */
#include "base/buf.h"
#include "svc/s3/access.h"
#include "svc/s3/rules.h"
#include "svc/s3/usage.h"

int
s3_put_bucket_request_payment(struct call *c, const struct s3_put_bucket_request_payment_in *in,
	struct s3_put_bucket_request_payment_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	const struct s3_request_payment_configuration *k = in->RequestPaymentConfiguration;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketRequestPayment", &b))
		return CALL_FAILED;
	bool requester = k && str_is(k->Payer, "Requester");
	if (!requester && (!k || !str_is(k->Payer, "BucketOwner")))
		return call_fail(c, &S3_MalformedXML, NULL);
	s3_config_put(c, &b, S3_CONFIG_REQUEST_PAYMENT, requester ? STR("Requester") : STR_NULL);
	return CALL_OK;
}

int
s3_get_bucket_request_payment(struct call *c, const struct s3_get_bucket_request_payment_in *in,
	struct s3_get_bucket_request_payment_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct str payer;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketRequestPayment", &b))
		return CALL_FAILED;
	out->Payer = s3_config_get(c, &b, S3_CONFIG_REQUEST_PAYMENT, &payer) ? payer
									     : STR("BucketOwner");
	return CALL_OK;
}

int
s3_put_bucket_accelerate_configuration(struct call *c,
	const struct s3_put_bucket_accelerate_configuration_in *in,
	struct s3_put_bucket_accelerate_configuration_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct str status =
		in->AccelerateConfiguration ? in->AccelerateConfiguration->Status : STR_NULL;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutAccelerateConfiguration", &b))
		return CALL_FAILED;
	if (!str_is(status, "Enabled") && !str_is(status, "Suspended"))
		return call_fail(c, &S3_MalformedXML, NULL);
	if (str_find(b.Name, '.') >= 0)
		return call_fail(c, &S3_InvalidRequest,
			"S3 Transfer Acceleration is not supported for buckets with periods (.) in "
			"their names");
	s3_config_put(c, &b, S3_CONFIG_ACCELERATE, status);
	return CALL_OK;
}

int
s3_get_bucket_accelerate_configuration(struct call *c,
	const struct s3_get_bucket_accelerate_configuration_in *in,
	struct s3_get_bucket_accelerate_configuration_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct str status;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetAccelerateConfiguration", &b))
		return CALL_FAILED;
	if (s3_config_get(c, &b, S3_CONFIG_ACCELERATE, &status))
		out->Status = status;
	return CALL_OK;
}

/* ---- access logs ---- */

static int
logging_check(struct call *c, const struct s3_bucket_row *b, const struct s3_logging_enabled *l)
{
	struct s3_bucket_row target = { 0 };
	if (!l->TargetBucket.p || !l->TargetPrefix.p)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (!s3_bucket_find(c, l->TargetBucket, &target) || !str_eq(target.Owner, b->Owner)) {
		call_fail(c, &S3_InvalidTargetBucketForLogging, NULL);
		return call_fail_field(c, "TargetBucket", l->TargetBucket);
	}
	if (!str_eq(target.Region, b->Region))
		return call_fail(c, &S3_CrossLocationLoggingProhibited, NULL);
	if (l->TargetGrants.n && str_is(target.Ownership, "BucketOwnerEnforced"))
		return call_fail(c, &S3_InvalidTargetBucketForLogging,
			"The target bucket's object ownership is bucket owner enforced: it takes "
			"no "
			"grants.");
	return CALL_OK;
}

int
s3_put_bucket_logging(struct call *c, const struct s3_put_bucket_logging_in *in,
	struct s3_put_bucket_logging_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_logging_row row = { 0 };
	struct buf bytes = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketLogging", &b))
		return CALL_FAILED;
	if (!in->BucketLoggingStatus)
		return call_fail(c, &S3_MalformedXML, NULL);
	row.Logging = in->BucketLoggingStatus->LoggingEnabled;
	if (row.Logging && logging_check(c, &b, row.Logging))
		return CALL_FAILED;
	row_encode(&s3_logging_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_LOGGING, row.Logging ? buf_str(&bytes) : STR_NULL);
	buf_done(&bytes);
	if (row.Logging)
		s3_access_log_schedule(c, b.Name);
	return CALL_OK;
}

int
s3_get_bucket_logging(struct call *c, const struct s3_get_bucket_logging_in *in,
	struct s3_get_bucket_logging_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_logging_row row = { 0 };
	struct str bytes;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketLogging", &b))
		return CALL_FAILED;
	if (s3_config_get(c, &b, S3_CONFIG_LOGGING, &bytes) &&
		row_decode(&s3_logging_row_shape, bytes, c->arena, &row))
		out->LoggingEnabled = row.Logging;
	return CALL_OK;
}

/* ---- attribute-based access: do tags of the bucket count in policies? ---- */

int
s3_put_bucket_abac(struct call *c, const struct s3_put_bucket_abac_in *in,
	struct s3_put_bucket_abac_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct str status = in->AbacStatus ? in->AbacStatus->Status : STR_NULL;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketAbac", &b))
		return CALL_FAILED;
	bool on = str_is(status, "Enabled");
	if (!on && !str_is(status, "Disabled"))
		return call_fail(c, &S3_MalformedXML, NULL);
	s3_config_put(c, &b, S3_CONFIG_ABAC, on ? status : STR_NULL);
	return CALL_OK;
}

int
s3_get_bucket_abac(
	struct call *c, const struct s3_get_bucket_abac_in *in, struct s3_get_bucket_abac_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketAbac", &b))
		return CALL_FAILED;
	out->AbacStatus = arena_new(c->arena, struct s3_abac_status);
	out->AbacStatus->Status =
		b.Configs.v >> S3_CONFIG_ABAC & 1 ? STR("Enabled") : STR("Disabled");
	return CALL_OK;
}
