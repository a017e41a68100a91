/* Resource policies of tables. */
#include "aws/policy.h"
#include "svc/dynamodb/tasks.h"

static int
open_arn(struct call *c, struct str arn, struct ddb_table *t)
{
	struct str prefix = ddb_table_arn(c, STR(""));
	if (!str_starts(arn, prefix))
		return ddb_fail(c, "Invalid ResourceArn: %.*s", STR_FMT(arn));
	struct str name = str_slice(arn, prefix.len, arn.len);
	if (ddb_table_find(c, name, t))
		return 0;
	return call_fail(c, &DYNAMODB_ResourceNotFoundException,
		"Requested resource not found: ResourceArn: %.*s not found", STR_FMT(arn));
}

static int
check_revision(struct call *c, const struct ddb_table *t, struct str expected)
{
	if (!expected.p)
		return 0;
	struct str now = t->row.Policy.len ? t->row.PolicyRevision : STR("NO_POLICY");
	if (str_eq(now, expected))
		return 0;
	return call_fail(c, &DYNAMODB_PolicyNotFoundException,
		"The operation tried to access a nonexistent resource-based policy, or its "
		"revision is not the expected one.");
}

int
dynamodb_get_resource_policy(struct call *c, const struct dynamodb_get_resource_policy_in *in,
	struct dynamodb_get_resource_policy_out *out)
{
	struct ddb_table t;
	if (open_arn(c, in->ResourceArn, &t))
		return CALL_FAILED;
	if (!t.row.Policy.len)
		return call_fail(c, &DYNAMODB_PolicyNotFoundException,
			"The operation tried to access a nonexistent resource-based policy.");
	out->Policy = t.row.Policy;
	out->RevisionId = t.row.PolicyRevision;
	return CALL_OK;
}

int
dynamodb_put_resource_policy(struct call *c, const struct dynamodb_put_resource_policy_in *in,
	struct dynamodb_put_resource_policy_out *out)
{
	struct ddb_table t;
	struct policy *p = NULL;
	if (open_arn(c, in->ResourceArn, &t) || check_revision(c, &t, in->ExpectedRevisionId))
		return CALL_FAILED;
	if (in->Policy.len > 20480 || policy_parse(in->Policy, POLICY_RESOURCE, &p, NULL))
		return ddb_fail(c,
			"Invalid policy document: the resource policy is malformed or too large");
	policy_unref(p);
	if (!str_eq(t.row.Policy, in->Policy))
		t.row.PolicyRevision = arena_printf(c->arena, "%lld",
			(long long)c->now_ms * 1000 + (long long)(ddb_next_id(c) % 1000));
	t.row.Policy = in->Policy;
	ddb_table_save(c, &t);
	out->RevisionId = t.row.PolicyRevision;
	return CALL_OK;
}

int
dynamodb_delete_resource_policy(struct call *c, const struct dynamodb_delete_resource_policy_in *in,
	struct dynamodb_delete_resource_policy_out *out)
{
	struct ddb_table t;
	if (open_arn(c, in->ResourceArn, &t) || check_revision(c, &t, in->ExpectedRevisionId))
		return CALL_FAILED;
	if (t.row.Policy.len)
		out->RevisionId = t.row.PolicyRevision;
	t.row.Policy = STR("");
	ddb_table_save(c, &t);
	return CALL_OK;
}
