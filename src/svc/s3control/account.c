/* The public access block of an account: what no bucket of it may allow. */
#include "svc/s3control/control.h"

int
s3control_account_check(struct call *c, struct str account)
{
	return str_eq(account, c->account) ? CALL_OK : call_fail(c, &S3CONTROL_AccessDenied, NULL);
}

int
s3control_block_bits(const struct s3control_public_access_block_configuration *k)
{
	return (k->BlockPublicAcls.v ? 1 : 0) | (k->IgnorePublicAcls.v ? 2 : 0) |
	       (k->BlockPublicPolicy.v ? 4 : 0) | (k->RestrictPublicBuckets.v ? 8 : 0);
}

int
s3control_put_public_access_block(struct call *c,
	const struct s3control_put_public_access_block_in *in,
	struct s3control_put_public_access_block_out *out __attribute__((unused)))
{
	const struct s3control_public_access_block_configuration *p =
		in->PublicAccessBlockConfiguration;
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	s3_account_block_put(c, c->account, s3control_block_bits(p));
	return CALL_OK;
}

int
s3control_get_public_access_block(struct call *c,
	const struct s3control_get_public_access_block_in *in,
	struct s3control_get_public_access_block_out *out)
{
	bool set;
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	unsigned bits = s3_account_block_get(c, c->account, &set);
	if (!set)
		return call_fail(c, &S3CONTROL_NoSuchPublicAccessBlockConfiguration,
			"The public access block configuration was not found");
	struct s3control_public_access_block_configuration *p =
		arena_new(c->arena, struct s3control_public_access_block_configuration);
	p->BlockPublicAcls = OPT_BOOL(bits & 1);
	p->IgnorePublicAcls = OPT_BOOL(bits & 2);
	p->BlockPublicPolicy = OPT_BOOL(bits & 4);
	p->RestrictPublicBuckets = OPT_BOOL(bits & 8);
	out->PublicAccessBlockConfiguration = p;
	return CALL_OK;
}

int
s3control_delete_public_access_block(struct call *c,
	const struct s3control_delete_public_access_block_in *in,
	struct s3control_delete_public_access_block_out *out __attribute__((unused)))
{
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	s3_account_block_put(c, c->account, -1);
	return CALL_OK;
}
