/* A bucket's default encryption: what objects get that say nothing of it. */
#include "base/buf.h"
#include "svc/s3/access.h"
#include "svc/s3/rules.h"

static int
blocked_check(
	struct call *c, const struct s3_blocked_encryption_types *t, struct s3_encryption_row *row)
{
	if (!t)
		return CALL_OK;
	for (uint32_t i = 0; i < t->EncryptionType.n; i++)
		if (!str_is(t->EncryptionType.v[i], "SSE-C") &&
			!str_is(t->EncryptionType.v[i], "NONE"))
			return call_fail(c, &S3_MalformedXML, NULL);
	row->Blocked = t->EncryptionType;
	return CALL_OK;
}

static int
default_check(struct call *c, const struct s3_server_side_encryption_by_default *d,
	struct s3_encryption_row *row)
{
	row->Algorithm = d ? d->SSEAlgorithm : STR("AES256");
	row->KeyId = d ? d->KMSMasterKeyID : STR_NULL;
	if (str_is(row->Algorithm, "aws:kms:dsse"))
		return call_fail(c, &S3_NotImplemented,
			"Dual-layer encryption (aws:kms:dsse) is not available here; aws:kms is.");
	if (!str_is(row->Algorithm, "AES256") && !str_is(row->Algorithm, "aws:kms"))
		return call_fail(c, &S3_MalformedXML, NULL);
	if (row->KeyId.p && !str_is(row->Algorithm, "aws:kms"))
		return call_fail(c, &S3_InvalidArgument,
			"a KMSMasterKeyID is not applicable if the default sse algorithm is not "
			"aws:kms "
			"or aws:kms:dsse");
	return CALL_OK;
}

int
s3_put_bucket_encryption(struct call *c, const struct s3_put_bucket_encryption_in *in,
	struct s3_put_bucket_encryption_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_encryption_row row = { 0 };
	struct buf bytes = { 0 };
	const struct s3_server_side_encryption_configuration *k =
		in->ServerSideEncryptionConfiguration;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutEncryptionConfiguration", &b))
		return CALL_FAILED;
	if (!k || k->Rules.n != 1)
		return call_fail(c, &S3_MalformedXML, NULL);
	const struct s3_server_side_encryption_rule *r = &k->Rules.v[0];
	if (default_check(c, r->ApplyServerSideEncryptionByDefault, &row) ||
		blocked_check(c, r->BlockedEncryptionTypes, &row))
		return CALL_FAILED;
	row.BucketKey = r->BucketKeyEnabled;
	row_encode(&s3_encryption_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_ENCRYPTION, buf_str(&bytes));
	buf_done(&bytes);
	return CALL_OK;
}

static struct s3_server_side_encryption_configuration *
tell(struct call *c, const struct s3_encryption_row *row)
{
	struct s3_server_side_encryption_configuration *k =
		arena_new(c->arena, struct s3_server_side_encryption_configuration);
	S3_LIST_NEW(c, k->Rules, 1);
	k->Rules.n = 1;
	struct s3_server_side_encryption_rule *r = &k->Rules.v[0];
	r->ApplyServerSideEncryptionByDefault =
		arena_new(c->arena, struct s3_server_side_encryption_by_default);
	r->ApplyServerSideEncryptionByDefault->SSEAlgorithm = row->Algorithm;
	r->ApplyServerSideEncryptionByDefault->KMSMasterKeyID = row->KeyId;
	r->BucketKeyEnabled = OPT_BOOL(row->BucketKey.v);
	if (row->Blocked.n) {
		r->BlockedEncryptionTypes = arena_new(c->arena, struct s3_blocked_encryption_types);
		r->BlockedEncryptionTypes->EncryptionType = row->Blocked;
	}
	return k;
}

int
s3_get_bucket_encryption(struct call *c, const struct s3_get_bucket_encryption_in *in,
	struct s3_get_bucket_encryption_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_encryption_row row = { .Algorithm = STR("AES256") };
	struct str bytes;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetEncryptionConfiguration", &b))
		return CALL_FAILED;
	bool there = s3_config_get(c, &b, S3_CONFIG_ENCRYPTION, &bytes) &&
		     row_decode(&s3_encryption_row_shape, bytes, c->arena, &row);
	/* Until 2023 there was no encryption unless somebody said so. */
	if (!there && s3_buckets_as_before_2023())
		return call_fail(c, &S3_ServerSideEncryptionConfigurationNotFoundError, NULL);
	out->ServerSideEncryptionConfiguration = tell(c, &row);
	return CALL_OK;
}

int
s3_delete_bucket_encryption(struct call *c, const struct s3_delete_bucket_encryption_in *in,
	struct s3_delete_bucket_encryption_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutEncryptionConfiguration", &b))
		return CALL_FAILED;
	if (b.Configs.v >> S3_CONFIG_ENCRYPTION & 1)
		s3_config_put(c, &b, S3_CONFIG_ENCRYPTION, STR_NULL);
	return CALL_OK;
}
