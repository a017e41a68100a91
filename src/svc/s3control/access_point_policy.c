/* Policies of access points: put, told and deleted, and what a block of public access says to them. */
#include "aws/policy.h"
#include "svc/s3control/control.h"

#define POLICY_MAX 20480
#define BLOCK_POLICY 4 /* as svc/s3/rules.h numbers them */

static int
policy_check(struct call *c, const struct s3control_access_point_row *row, struct str text)
{
	char why[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	if (text.len > POLICY_MAX)
		return call_fail(
			c, &S3CONTROL_MalformedPolicy, "The policy exceeds the allowed size.");
	if (policy_parse(text, POLICY_BUCKET, &p, why))
		return call_fail(c, &S3CONTROL_MalformedPolicy, "%s", why);
	bool open = policy_is_public(p);
	policy_unref(p);
	if (open && row->Block && (s3control_block_bits(row->Block) & BLOCK_POLICY))
		return call_fail(c, &S3CONTROL_AccessDenied,
			"User: %.*s is not authorized to perform: s3:PutAccessPointPolicy because "
			"public "
			"policies are prevented by the BlockPublicPolicy setting in S3 Block "
			"Public Access.",
			STR_FMT(c->who.arn));
	return CALL_OK;
}

int
s3control_put_access_point_policy(struct call *c,
	const struct s3control_put_access_point_policy_in *in,
	struct s3control_put_access_point_policy_out *out __attribute__((unused)))
{
	struct s3control_access_point_row row;
	if (s3control_point_open(c, in->AccountId, in->Name, &row) ||
		policy_check(c, &row, in->Policy))
		return CALL_FAILED;
	row.Policy = in->Policy;
	s3control_point_save(c, &row);
	return CALL_OK;
}

static int
policy_open(
	struct call *c, struct str account, struct str name, struct s3control_access_point_row *row)
{
	if (s3control_point_open(c, account, name, row))
		return CALL_FAILED;
	if (row->Policy.len)
		return CALL_OK;
	call_fail(c, &S3CONTROL_NoSuchAccessPointPolicy, NULL);
	return call_fail_field(c, "AccessPointName", name);
}

int
s3control_get_access_point_policy(struct call *c,
	const struct s3control_get_access_point_policy_in *in,
	struct s3control_get_access_point_policy_out *out)
{
	struct s3control_access_point_row row;
	if (policy_open(c, in->AccountId, in->Name, &row))
		return CALL_FAILED;
	out->Policy = row.Policy;
	return CALL_OK;
}

int
s3control_delete_access_point_policy(struct call *c,
	const struct s3control_delete_access_point_policy_in *in,
	struct s3control_delete_access_point_policy_out *out __attribute__((unused)))
{
	struct s3control_access_point_row row;
	if (s3control_point_open(c, in->AccountId, in->Name, &row))
		return CALL_FAILED;
	row.Policy = STR_NULL;
	s3control_point_save(c, &row);
	return CALL_OK;
}

int
s3control_get_access_point_policy_status(struct call *c,
	const struct s3control_get_access_point_policy_status_in *in,
	struct s3control_get_access_point_policy_status_out *out)
{
	struct s3control_access_point_row row;
	struct policy *p = NULL;
	if (policy_open(c, in->AccountId, in->Name, &row))
		return CALL_FAILED;
	bool open = policy_parse(row.Policy, POLICY_BUCKET, &p, NULL) == 0 && policy_is_public(p);
	policy_unref(p);
	out->PolicyStatus = arena_new(c->arena, struct s3control_policy_status);
	out->PolicyStatus->IsPublic = OPT_BOOL(open);
	return CALL_OK;
}
