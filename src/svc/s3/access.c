#include "svc/s3/s3.h"

bool
s3_access_would(struct call *c, const struct s3_bucket_row *b,
	const char *action __attribute__((unused)), struct str key __attribute__((unused)))
{
	return !c->who.anonymous && str_eq(c->who.account, b->Owner);
}

int
s3_access(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key,
	const struct s3_object_row *o __attribute__((unused)))
{
	return s3_access_would(c, b, action, key) ? CALL_OK : call_fail(c, &S3_AccessDenied, NULL);
}

int
s3_access_new_object(struct call *c __attribute__((unused)), const struct s3_bucket_row *b,
	struct s3_object_row *o)
{
	o->Owner = b->Owner;
	return CALL_OK;
}

int
s3_access_new_bucket(
	struct call *c __attribute__((unused)), struct s3_bucket_row *b __attribute__((unused)))
{
	return CALL_OK;
}
