#include "svc/dynamodb/access.h"
#include "aws/authorize.h"

static struct str
key_text(struct call *c, const struct ddb_val *v)
{
	char text[DDB_NUMBER_TEXT];
	return v->type == DDB_N ? arena_dup(c->arena, ddb_number_text(v->s, text)) : v->s;
}

static void
add_key(struct policy_key *keys, unsigned *n, const char *name, const struct str *values,
	unsigned count)
{
	if (count)
		keys[(*n)++] = (struct policy_key){ str_c(name), values, count };
}

static unsigned
leading_keys(struct call *c, const struct ddb_table *t, const struct ddb_use *u, struct str *ret)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < u->items_n; i++) {
		const struct ddb_val *v = ddb_get(&u->items[i], t->key.hash);
		for (uint32_t k = 0; !v && u->index.p && k < t->indexes_n; k++)
			if (str_eq(t->indexes[k].row->Name, u->index))
				v = ddb_get(&u->items[i], t->indexes[k].key.hash);
		if (v && ddb_is_scalar(v))
			ret[n++] = key_text(c, v);
	}
	return n;
}

static int
ask(struct call *c, struct str name, const struct ddb_use *u, const struct ddb_table *t)
{
	struct policy_key keys[6];
	unsigned n = 0;
	struct policy_result r;
	struct policy *policy = NULL;
	struct str arn = ddb_table_arn(c, name);
	struct str *leading = arena_array(c->arena, struct str, u->items_n);
	if (u->index.p)
		arn = arena_printf(c->arena, "%.*s/index/%.*s", STR_FMT(arn), STR_FMT(u->index));
	if (t)
		add_key(keys, &n, "dynamodb:LeadingKeys", leading, leading_keys(c, t, u, leading));
	add_key(keys, &n, "dynamodb:Attributes", u->attributes, u->attributes_n);
	add_key(keys, &n, "dynamodb:Select", &u->select, u->select.p != NULL);
	add_key(keys, &n, "dynamodb:ReturnValues", &u->return_values, u->return_values.p != NULL);
	add_key(keys, &n, "dynamodb:FullTableScan", &u->full_scan, u->full_scan.p != NULL);
	add_key(keys, &n, "dynamodb:EnclosingOperation", &u->enclosing, u->enclosing.p != NULL);
	if (t && t->row.Policy.len && policy_parse(t->row.Policy, POLICY_RESOURCE, &policy, NULL))
		return call_fail(c, &ERR_InternalFailure, "The resource policy is damaged.");
	struct authorize_question q = { .action = u->action ? u->action : c->op->action,
		.resource = arn,
		.resource_account = c->account,
		.resource_policy = policy,
		.keys = keys,
		.keys_n = n };
	authorize_evaluate(c, &q, &r);
	int result = r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
	policy_unref(policy);
	return result;
}

int
ddb_use_table(struct call *c, struct str name, const struct ddb_use *u, struct ddb_table *ret)
{
	bool found = ddb_table_find(c, name, ret);
	/* Nothing but a resource policy can deny an account's root. */
	bool plain = c->who.root && str_eq(c->who.account, c->account) &&
		     !(found && ret->row.Policy.len) && !c->who.session;
	if (!plain && ask(c, name, u, found ? ret : NULL))
		return CALL_FAILED;
	if (found && ret->row.Status.len) /* being filled: nobody sees its items yet */
		return call_fail(
			c, &DYNAMODB_ResourceNotFoundException, "Requested resource not found");
	return found ? CALL_OK : ddb_table_open(c, name, false, ret);
}
