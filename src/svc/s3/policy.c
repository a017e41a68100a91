/* Bucket policies. */
#include "svc/s3/access.h"
#include "svc/s3/rules.h"

#define BUCKET_POLICY_MAX (20u << 10)

static int
policy_not_there(struct call *c, struct str bucket)
{
	call_fail(c, &S3_NoSuchBucketPolicy, NULL);
	return call_fail_field(c, "BucketName", bucket);
}

static int
malformed(struct call *c, const char *why)
{
	return call_fail(c, &S3_MalformedPolicy, "%s", why);
}

/* Would the caller still be able to put another one? */
static bool
locks_out(struct call *c, const struct s3_bucket_row *b, const struct policy *p)
{
	struct policy_context ctx = { .action = STR("s3:PutBucketPolicy"),
		.resource = arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name),
		.resource_account = b->Owner,
		.resource_policy = p,
		.now_ms = c->now_ms,
		.resource_grant = true };
	struct policy_result r;
	ctx.principal = (struct policy_principal){ .kind = POLICY_USER,
		.account = c->who.account,
		.arn = c->who.arn,
		.user_id = c->who.user_id,
		.name = c->who.name };
	if (c->who.root)
		return false;
	policy_evaluate(&ctx, &r);
	return r.decision == POLICY_DENIED_EXPLICIT;
}

static int
policy_check(
	struct call *c, const struct s3_bucket_row *b, const struct s3_put_bucket_policy_in *in)
{
	char why[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	unsigned block;
	if (in->Policy.len > BUCKET_POLICY_MAX)
		return malformed(c, "Normalized policy document exceeds the maximum allowed size "
				    "of 20480 bytes.");
	if (policy_parse(in->Policy, POLICY_BUCKET, &p, why))
		return malformed(c, why);
	int r = CALL_OK;
	s3_block_get(c, b, &block);
	block |= s3_account_block_get(c, b->Owner, NULL);
	if (!policy_resources_within(p, arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name)))
		r = malformed(c, "Policy has invalid resource");
	else if ((block & S3_BLOCK_POLICY) && policy_is_public(p))
		r = s3_access_blocked(
			c, b, "s3:PutBucketPolicy", STR_NULL, "policies", "BlockPublicPolicy");
	else if (!in->ConfirmRemoveSelfBucketAccess.v && locks_out(c, b, p))
		r = call_fail(c, &S3_AccessDenied, NULL);
	policy_unref(p);
	return r;
}

int
s3_put_bucket_policy(struct call *c, const struct s3_put_bucket_policy_in *in,
	struct s3_put_bucket_policy_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketPolicy", &b))
		return CALL_FAILED;
	/* Another account may be allowed to do much, but not this. */
	if (!str_eq(c->who.account, b.Owner))
		return call_fail(c, &S3_MethodNotAllowed, NULL);
	if (policy_check(c, &b, in))
		return CALL_FAILED;
	s3_config_put(c, &b, S3_CONFIG_POLICY, in->Policy);
	c->status = 204;
	return CALL_OK;
}

int
s3_get_bucket_policy(struct call *c, const struct s3_get_bucket_policy_in *in,
	struct s3_get_bucket_policy_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketPolicy", &b))
		return CALL_FAILED;
	if (!s3_config_get(c, &b, S3_CONFIG_POLICY, &out->Policy))
		return policy_not_there(c, in->Bucket);
	call_header(c, "Content-Type", STR("application/json"));
	return CALL_OK;
}

int
s3_delete_bucket_policy(struct call *c, const struct s3_delete_bucket_policy_in *in,
	struct s3_delete_bucket_policy_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:DeleteBucketPolicy", &b))
		return CALL_FAILED;
	if (!str_eq(c->who.account, b.Owner))
		return call_fail(c, &S3_MethodNotAllowed, NULL);
	s3_config_put(c, &b, S3_CONFIG_POLICY, STR_NULL);
	return CALL_OK;
}

int
s3_get_bucket_policy_status(struct call *c, const struct s3_get_bucket_policy_status_in *in,
	struct s3_get_bucket_policy_status_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketPolicyStatus", &b))
		return CALL_FAILED;
	const struct s3_rules *rules = s3_rules_get(c, &b);
	if (!rules->policy)
		return policy_not_there(c, in->Bucket);
	/* A restricted policy opens nothing to strangers, however it reads. */
	out->PolicyStatus = arena_alloc(c->arena, sizeof(*out->PolicyStatus));
	out->PolicyStatus->IsPublic =
		OPT_BOOL(rules->policy_public && !(rules->block & S3_RESTRICT));
	return CALL_OK;
}
