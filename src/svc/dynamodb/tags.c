/* TagResource, UntagResource, ListTagsOfResource. */
#include "svc/dynamodb/tasks.h"

#define TAGS_MAX 50

/* Something:that:looks:like:an:ARN/x. */
static bool
looks_like_arn(struct str arn)
{
	struct str rest = arn;
	unsigned colons = 0;
	long slash = str_find(arn, '/');
	if (slash <= 0 || (size_t)slash + 1 >= arn.len)
		return false;
	rest = str_slice(arn, 0, (size_t)slash);
	while (rest.p)
		if (!str_cut(&rest, ':').len)
			return false;
		else
			colons++;
	return colons >= 6;
}

static bool
table_of_arn(struct call *c, struct str arn, struct str *ret_name)
{
	struct str prefix = ddb_table_arn(c, STR(""));
	if (!str_starts(arn, prefix))
		return false;
	*ret_name = str_slice(arn, prefix.len, arn.len);
	return true;
}

static bool
is_table_arn(struct str arn)
{
	struct str rest = arn;
	if (!str_starts(arn, STR("arn:aws:dynamodb:")))
		return false;
	for (unsigned i = 0; i < 4; i++)
		str_cut(&rest, ':');
	struct str account = str_cut(&rest, ':');
	for (size_t i = 0; i < account.len; i++)
		if (account.p[i] < '0' || account.p[i] > '9')
			return false;
	return account.len && str_starts(rest, STR("table/")) && rest.len >= 9 &&
	       str_find(str_slice(rest, 6, rest.len), '/') < 0;
}

/* missing: a member that is required and absent; NULL: none. */
static int
open_arn(struct call *c, struct str arn, const char *missing, struct ddb_table *ret)
{
	struct str name;
	if (!arn.p)
		return ddb_fail(c, "Invalid TableArn");
	if (!looks_like_arn(arn))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: %s on resource: %.*s",
			STR_FMT(c->who.arn), c->op->action, arn.len ? (int)arn.len : 1,
			arn.len ? arn.p : "*");
	if (missing)
		return ddb_fail(c,
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: Member must "
			"not be null",
			missing);
	if (!is_table_arn(arn))
		return ddb_fail(c, "Invalid TableArn: Invalid ResourceArn provided as input %.*s",
			STR_FMT(arn));
	if (table_of_arn(c, arn, &name) && ddb_table_find(c, name, ret))
		return CALL_OK;
	return call_fail(c, &DYNAMODB_ResourceNotFoundException,
		"Requested resource not found: ResourcArn: %.*s not found", STR_FMT(arn));
}

int
dynamodb_tag_resource(struct call *c, const struct dynamodb_tag_resource_in *in,
	struct dynamodb_tag_resource_out *out)
{
	struct ddb_table t;
	(void)out;
	/* AWS asks for tags before it looks for the table. */
	int r = open_arn(c, in->ResourceArn, in->Tags.set ? NULL : "tags", &t);
	if (r && c->error != &DYNAMODB_ResourceNotFoundException)
		return r;
	if (!in->Tags.n)
		return ddb_fail(c, "Atleast one Tag needs to be provided as Input.");
	if (r)
		return r;
	struct dynamodb_tag_list all = {
		arena_array(c->arena, struct dynamodb_tag, t.row.Tags.n + in->Tags.n), 0, true
	};
	for (uint32_t i = 0; i < t.row.Tags.n; i++)
		all.v[all.n++] = t.row.Tags.v[i];
	for (uint32_t i = 0; i < in->Tags.n; i++) {
		uint32_t k = 0;
		while (k < all.n && !str_eq(all.v[k].Key, in->Tags.v[i].Key))
			k++;
		all.v[k] = in->Tags.v[i];
		all.n += k == all.n;
	}
	if (all.n > TAGS_MAX)
		return ddb_fail(c,
			"One or more parameter values were invalid: Too many tags: the limit is %u",
			TAGS_MAX);
	t.row.Tags = all;
	ddb_table_save(c, &t);
	return CALL_OK;
}

int
dynamodb_untag_resource(struct call *c, const struct dynamodb_untag_resource_in *in,
	struct dynamodb_untag_resource_out *out)
{
	struct ddb_table t;
	uint32_t n = 0;
	(void)out;
	int r = open_arn(c, in->ResourceArn, in->TagKeys.set ? NULL : "tagKeys", &t);
	if (r && c->error != &DYNAMODB_ResourceNotFoundException)
		return r;
	if (!in->TagKeys.n)
		return ddb_fail(c, "Atleast one Tag Key needs to be provided as Input.");
	if (r)
		return call_fail(
			c, &DYNAMODB_ResourceNotFoundException, "Requested resource not found");
	for (uint32_t i = 0; i < t.row.Tags.n; i++) {
		bool gone = false;
		for (uint32_t k = 0; k < in->TagKeys.n; k++)
			gone = gone || str_eq(in->TagKeys.v[k], t.row.Tags.v[i].Key);
		if (!gone)
			t.row.Tags.v[n++] = t.row.Tags.v[i];
	}
	t.row.Tags.n = n;
	ddb_table_save(c, &t);
	return CALL_OK;
}

int
dynamodb_list_tags_of_resource(struct call *c, const struct dynamodb_list_tags_of_resource_in *in,
	struct dynamodb_list_tags_of_resource_out *out)
{
	struct ddb_table t;
	if (open_arn(c, in->ResourceArn, NULL, &t))
		return CALL_FAILED;
	out->Tags = t.row.Tags;
	out->Tags.set = true;
	return CALL_OK;
}
