#include "svc/s3/access_point.h"

#include "aws/authorize.h"
#include "svc/s3/rules.h"

/* The bucket in "/bucket/key", as the request wrote it. */
static struct str
name_in_path(const struct call *c)
{
	struct str rest = str_slice(c->path, c->path.len > 0, c->path.len);
	return str_cut(&rest, '/');
}

bool
s3_access_point_used(struct call *c, const struct s3_bucket_row *b, struct s3_access_point_row *ret)
{
	struct str name = name_in_path(c);
	/* Nearly every request names the bucket itself. */
	if (str_eq(name, b->Name) || name.len < 16)
		return false;
	return s3_access_point_find(c, name, ret) && str_eq(ret->Bucket, b->Name);
}

bool
s3_access_point_allows(
	struct call *c, const struct s3_access_point_row *p, const char *action, struct str key)
{
	struct policy *policy = NULL;
	struct policy_result r;
	bool ours = !c->who.anonymous && str_eq(c->who.account, p->Account);
	/* There is no endpoint of a VPC through which a request could come. */
	if (p->Vpc.len)
		return false;
	if (p->Policy.len && policy_parse(p->Policy, POLICY_BUCKET, &policy, NULL))
		return false;
	bool closed = policy && !ours && (p->Block.v & S3_RESTRICT) && policy_is_public(policy);
	struct authorize_question q = { .action = action,
		.resource = key.p ? arena_printf(c->arena, "%.*s/object/%.*s", STR_FMT(p->Arn),
					    STR_FMT(key))
				  : p->Arn,
		.resource_account = p->Account,
		.resource_policy = policy };
	authorize_evaluate(c, &q, &r);
	policy_unref(policy);
	return !closed && r.decision == POLICY_ALLOWED;
}
