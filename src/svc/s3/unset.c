/*
 * Configuration that buckets do not have here yet (lifecycle, replication, logging …): reading it
 * says that there is none, as AWS does, removing it is done at once, and putting what is the
 * default anyway is fine. Putting anything else has no handler, or is refused here: nothing is kept
 * that does nothing.
 */
#include "svc/s3/access.h"

/* The operation's own action on the bucket. */
static int
open_bucket(struct call *c, struct str bucket, struct str owner, struct s3_bucket_row *b)
{
	*b = (struct s3_bucket_row){ 0 };
	return s3_config_open(c, bucket, owner, c->op->action, b);
}

static int
later(struct call *c, const char *what)
{
	return call_fail(c, &S3_NotImplemented, "%s is not implemented yet.", what);
}

#define EMPTY(fn)                                                                                  \
	int s3_##fn(struct call *c, const struct s3_##fn##_in *in,                                 \
		struct s3_##fn##_out *out __attribute__((unused)))                                 \
	{                                                                                          \
		struct s3_bucket_row b;                                                            \
		return open_bucket(c, in->Bucket, in->ExpectedBucketOwner, &b);                    \
	}

EMPTY(delete_bucket_encryption)

int
s3_get_bucket_abac(
	struct call *c, const struct s3_get_bucket_abac_in *in, struct s3_get_bucket_abac_out *out)
{
	struct s3_bucket_row b;
	out->AbacStatus = arena_alloc(c->arena, sizeof(*out->AbacStatus));
	out->AbacStatus->Status = STR("Disabled");
	return open_bucket(c, in->Bucket, in->ExpectedBucketOwner, &b);
}

int
s3_get_bucket_encryption(struct call *c, const struct s3_get_bucket_encryption_in *in,
	struct s3_get_bucket_encryption_out *out)
{
	struct s3_bucket_row b;
	struct s3_server_side_encryption_configuration *k = arena_alloc(c->arena, sizeof(*k));
	S3_LIST_NEW(c, k->Rules, 1);
	k->Rules.n = 1;
	k->Rules.v[0].ApplyServerSideEncryptionByDefault =
		arena_alloc(c->arena, sizeof(*k->Rules.v[0].ApplyServerSideEncryptionByDefault));
	k->Rules.v[0].ApplyServerSideEncryptionByDefault->SSEAlgorithm = STR("AES256");
	k->Rules.v[0].BucketKeyEnabled = OPT_BOOL(false);
	out->ServerSideEncryptionConfiguration = k;
	return open_bucket(c, in->Bucket, in->ExpectedBucketOwner, &b);
}

int
s3_put_bucket_encryption(struct call *c, const struct s3_put_bucket_encryption_in *in,
	struct s3_put_bucket_encryption_out *out __attribute__((unused)))
{
	struct s3_bucket_row b;
	const struct s3_server_side_encryption_configuration *k =
		in->ServerSideEncryptionConfiguration;
	if (open_bucket(c, in->Bucket, in->ExpectedBucketOwner, &b))
		return CALL_FAILED;
	if (!k || k->Rules.n != 1)
		return call_fail(c, &S3_MalformedXML, NULL);
	const struct s3_server_side_encryption_rule *r = &k->Rules.v[0];
	const struct s3_server_side_encryption_by_default *d =
		r->ApplyServerSideEncryptionByDefault;
	if (r->BlockedEncryptionTypes || r->BucketKeyEnabled.v ||
		(d && !str_is(d->SSEAlgorithm, "AES256")))
		return later(c, "Encryption other than the default AES256");
	return CALL_OK;
}
