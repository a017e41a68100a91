/* Configuration that buckets do not have here: reading it says that there is none, as AWS does. */
#include "svc/s3/access.h"

/* The operation's own action on the bucket. */
static int
open_bucket(struct call *c, struct str bucket, struct str owner, struct s3_bucket_row *b)
{
	*b = (struct s3_bucket_row){ 0 };
	return s3_config_open(c, bucket, owner, c->op->action, b);
}

int
s3_get_bucket_abac(
	struct call *c, const struct s3_get_bucket_abac_in *in, struct s3_get_bucket_abac_out *out)
{
	struct s3_bucket_row b;
	out->AbacStatus = arena_alloc(c->arena, sizeof(*out->AbacStatus));
	out->AbacStatus->Status = STR("Disabled");
	return open_bucket(c, in->Bucket, in->ExpectedBucketOwner, &b);
}
