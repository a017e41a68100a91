/* May the caller? Policies of both sides, ACLs, ownership and the public access block, in one
 * place. */
#include "svc/s3/access.h"

#include "aws/authorize.h"
#include "svc/s3/access_keys.h"
#include "svc/s3/access_point.h"
#include "svc/s3/rules.h"

struct request {
	struct call *c;
	const struct s3_bucket_row *b;
	const struct s3_object_row *o;
	const struct s3_rules *rules;
	const char *action;
	struct str key;
	struct str prefix; /* s3:prefix of a listing that nobody asked for */
	struct authorize_question q;
	struct s3_access_keys keys;
	const struct s3_access_point_row *point; /* through which it came; NULL: none */
};

/* ---- what ACLs give ---- */

static const struct {
	const char *action;
	unsigned bit;
	bool object;
} acl_actions[] = {
	{ "s3:GetObject", S3_ACL_READ, true },
	{ "s3:GetObjectVersion", S3_ACL_READ, true },
	{ "s3:GetObjectAttributes", S3_ACL_READ, true },
	{ "s3:GetObjectVersionAttributes", S3_ACL_READ, true },
	{ "s3:GetObjectAcl", S3_ACL_READ_ACP, true },
	{ "s3:GetObjectVersionAcl", S3_ACL_READ_ACP, true },
	{ "s3:PutObjectAcl", S3_ACL_WRITE_ACP, true },
	{ "s3:PutObjectVersionAcl", S3_ACL_WRITE_ACP, true },
	{ "s3:ListBucket", S3_ACL_READ, false },
	{ "s3:ListBucketVersions", S3_ACL_READ, false },
	{ "s3:ListBucketMultipartUploads", S3_ACL_READ, false },
	{ "s3:PutObject", S3_ACL_WRITE, false },
	{ "s3:DeleteObject", S3_ACL_WRITE, false },
	{ "s3:GetBucketAcl", S3_ACL_READ_ACP, false },
	{ "s3:PutBucketAcl", S3_ACL_WRITE_ACP, false },
};

static unsigned
object_bits(const struct request *r)
{
	struct s3_acl_row acl;
	if (!r->o->Acl.p)
		return s3_acl_bits(r->c, r->o->Owner, NULL, false);
	if (!s3_acl_decode(r->o->Acl, r->c->arena, &acl))
		return 0;
	return s3_acl_bits(r->c, r->o->Owner, &acl, r->rules->block & S3_IGNORE_ACLS);
}

static bool
acl_grants(const struct request *r)
{
	if (r->rules->acl_off)
		return false;
	/* Who may write a new object by the bucket's list says whose it is. */
	if (!r->o && strcmp(r->action, "s3:PutObjectAcl") == 0)
		return s3_acl_bits(r->c, r->b->Owner, r->rules->acl_set ? &r->rules->acl : NULL,
			       r->rules->block & S3_IGNORE_ACLS) &
		       S3_ACL_WRITE;
	for (size_t i = 0; i < sizeof(acl_actions) / sizeof(*acl_actions); i++) {
		if (strcmp(acl_actions[i].action, r->action) != 0)
			continue;
		if (acl_actions[i].object && r->o)
			return object_bits(r) & acl_actions[i].bit;
		/* Who may list may know that a key is not there; nothing else is to be had of it.
		 */
		return s3_acl_bits(r->c, r->b->Owner, r->rules->acl_set ? &r->rules->acl : NULL,
			       r->rules->block & S3_IGNORE_ACLS) &
		       acl_actions[i].bit;
	}
	return false;
}

/* ---- deciding ---- */

/* With ACLs on, what another account wrote is that account's: the bucket's policy can only deny. */
static bool
object_is_foreign(const struct request *r)
{
	if (!r->o || r->rules->acl_off || !r->o->Owner.p || str_eq(r->o->Owner, r->b->Owner))
		return false;
	return strncmp(r->action, "s3:GetObject", 12) == 0 ||
	       strncmp(r->action, "s3:PutObjectAcl", 15) == 0 ||
	       strncmp(r->action, "s3:PutObjectVersionAcl", 22) == 0;
}

/* Else a policy that denies everybody could never be taken back. */
static bool
is_rescue(const char *action)
{
	return strcmp(action, "s3:GetBucketPolicy") == 0 ||
	       strcmp(action, "s3:PutBucketPolicy") == 0 ||
	       strcmp(action, "s3:DeleteBucketPolicy") == 0;
}

static struct str
arn_of(struct call *c, struct str bucket, struct str key)
{
	char *p = arena_alloc_raw(c->arena, 14 + bucket.len + key.len);
	size_t n = 13;
	memcpy(p, "arn:aws:s3:::", n);
	memcpy(p + n, bucket.p, bucket.len);
	n += bucket.len;
	if (key.p) {
		p[n++] = '/';
		memcpy(p + n, key.p, key.len);
		n += key.len;
	}
	return str_of(p, n);
}

static void
ask(struct request *r, struct policy_result *result)
{
	struct authorize_question *q = &r->q;
	r->keys = (struct s3_access_keys){ r->c, r->b, r->o, r->prefix, r->point };
	q->action = r->action;
	q->resource = arn_of(r->c, r->b->Name, r->key);
	q->resource_account = r->b->Owner;
	q->resource_policy = r->rules->policy;
	q->lookup = s3_access_key;
	q->lookup_arg = &r->keys;
	bool foreign = object_is_foreign(r);
	if (foreign && q->resource_policy) {
		authorize_evaluate(r->c, q, result);
		if (result->decision == POLICY_DENIED_EXPLICIT)
			return;
		q->resource_policy = NULL;
	}
	if (foreign)
		q->resource_account =
			str_is(r->o->Owner, S3_ANONYMOUS_OWNER) ? STR("000000000000") : r->o->Owner;
	q->resource_grant = acl_grants(r);
	authorize_evaluate(r->c, q, result);
}

static bool
decide(struct request *r, struct policy_result *result)
{
	struct call *c = r->c;
	bool ours = !c->who.anonymous && str_eq(c->who.account, r->b->Owner);
	struct s3_access_point_row point;
	*result = (struct policy_result){ .decision = POLICY_DENIED_IMPLICIT };
	r->rules = s3_rules_get(c, r->b);
	if (!c->billed_account.p) {
		c->billed_account = arena_dup(c->arena, r->b->Owner);
		c->billed_resource = arena_dup(c->arena, r->b->Name);
		c->log_wanted = r->rules->logging;
	}
	if (s3_access_point_used(c, r->b, &point)) {
		r->point = &point;
		if (!s3_access_point_allows(c, &point, r->action, r->key))
			return false;
	}
	if (ours && c->who.root &&
		(is_rescue(r->action) || (!r->rules->policy && !object_is_foreign(r))))
		return true;
	if (r->rules->broken ||
		((r->rules->block & S3_RESTRICT) && r->rules->policy_public && !ours))
		return false;
	ask(r, result);
	return result->decision == POLICY_ALLOWED;
}

/* Others must say that they pay, and nobody can bill a stranger. */
static int
payer_check(const struct request *r)
{
	struct call *c = r->c;
	if (!r->rules->requester_pays || (!c->who.anonymous && str_eq(c->who.account, r->b->Owner)))
		return CALL_OK;
	struct str payer = call_request_header(c, STR("x-amz-request-payer"));
	if (!payer.p && c->query.len)
		payer = call_query_param(c, STR("x-amz-request-payer"));
	if (c->who.anonymous || !str_is(payer, "requester"))
		return call_fail(c, &S3_AccessDenied, NULL);
	call_header(c, "x-amz-request-charged", STR("requester"));
	return CALL_OK;
}

/* Strangers are not told why. */
static int
denied(struct request *r, struct policy_result *result)
{
	struct call *c = r->c;
	if (c->who.anonymous || !str_eq(c->who.account, r->b->Owner) || !r->q.action)
		return call_fail(c, &S3_AccessDenied, NULL);
	return authorize_denied(c, &r->q, result);
}

int
s3_access(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key,
	const struct s3_object_row *o)
{
	struct request r = { .c = c, .b = b, .o = o, .action = action, .key = key };
	struct policy_result result;
	return decide(&r, &result) ? payer_check(&r) : denied(&r, &result);
}

int
s3_access_own(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key)
{
	struct request r = { .c = c, .b = b, .action = action, .key = key };
	struct policy_result result;
	return decide(&r, &result) || result.decision != POLICY_DENIED_EXPLICIT
		       ? CALL_OK
		       : denied(&r, &result);
}

int
s3_access_absent(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key)
{
	struct request r = { .c = c, .b = b, .action = action, .key = key };
	struct policy_result result;
	if (decide(&r, &result))
		return payer_check(&r);
	if (result.decision == POLICY_DENIED_EXPLICIT || !s3_access_would_list(c, b, key))
		return denied(&r, &result);
	return payer_check(&r);
}

/* May the caller know that a key is not there? As if it listed that key. */
bool
s3_access_would_list(struct call *c, const struct s3_bucket_row *b, struct str key)
{
	struct request r = { .c = c, .b = b, .action = "s3:ListBucket", .prefix = key };
	struct policy_result result;
	return decide(&r, &result);
}

bool
s3_access_would(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key)
{
	struct request r = { .c = c, .b = b, .action = action, .key = key };
	struct policy_result result;
	return decide(&r, &result);
}

int
s3_access_blocked(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key,
	const char *what, const char *setting)
{
	struct str arn = arn_of(c, b->Name, key);
	if (c->who.anonymous)
		return call_fail(c, &S3_AccessDenied, NULL);
	return call_fail(c, &S3_AccessDenied,
		"User: %.*s is not authorized to perform: %s on resource: \"%.*s\" because public "
		"%s are prevented by the "
		"%s setting in S3 Block Public Access.",
		STR_FMT(c->who.arn), action, STR_FMT(arn), what, setting);
}
