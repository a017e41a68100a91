#include "svc/dynamodb/access.h"
#include "aws/authorize.h"
#include "svc/dynamodb/writes.h"

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

static struct str *
room(struct call *c, struct ddb_use *u, uint32_t more)
{
	struct str *v = arena_array(c->arena, struct str, u->attributes_n + more);
	if (u->attributes_n)
		memcpy(v, u->attributes, sizeof(*v) * u->attributes_n);
	u->attributes = v;
	return v;
}

void
ddb_use_attributes(struct call *c, struct ddb_use *u, const struct ddb_val *items, uint32_t n)
{
	uint32_t more = 0;
	for (uint32_t i = 0; i < n; i++)
		more += items[i].n;
	struct str *v = room(c, u, more);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < items[i].n; k++)
			v[u->attributes_n++] = items[i].attrs[k].name;
}

void
ddb_use_paths(struct call *c, struct ddb_use *u, const struct ddb_paths *paths)
{
	struct str *v = paths->n ? room(c, u, paths->n) : NULL;
	for (uint32_t i = 0; i < paths->n; i++)
		v[u->attributes_n++] = paths->v[i].v[0].name;
}

void
ddb_use_write(struct call *c, struct ddb_use *u, const struct ddb_write *w)
{
	ddb_use_attributes(c, u, &w->item, 1);
	ddb_use_paths(c, u, &w->condition_paths);
	ddb_use_paths(c, u, &w->update_paths);
	if (w->kind == DDB_WRITE_UPDATE) {
		struct ddb_paths changed = ddb_changed_paths(c, &w->update);
		ddb_use_paths(c, u, &changed);
	}
}

struct str
ddb_use_select(const struct ddb_paths *paths)
{
	return paths->n ? STR("SPECIFIC_ATTRIBUTES") : STR("ALL_ATTRIBUTES");
}

/* What the request says of it; the hook `decoded` left the input in c->user. */
static struct str
consumed_of(const struct call *c)
{
	const struct shape *s = c->op->in;
	for (unsigned i = 0; c->user && i < s->fields_n; i++)
		if (strcmp(s->fields[i].name, "ReturnConsumedCapacity") == 0)
			return *(struct str *)((char *)c->user + s->fields[i].offset);
	return STR_NULL;
}

static int
ask(struct call *c, struct str name, const struct ddb_use *u, const struct ddb_table *t)
{
	struct policy_key keys[7];
	unsigned n = 0;
	struct policy_result r;
	struct policy *policy = NULL;
	struct str arn = ddb_table_arn(c, name);
	struct str consumed = consumed_of(c);
	struct str *leading = arena_array(c->arena, struct str, u->items_n);
	if (u->index.p)
		arn = arena_printf(c->arena, "%.*s/index/%.*s", STR_FMT(arn), STR_FMT(u->index));
	if (t)
		add_key(keys, &n, "dynamodb:LeadingKeys", leading, leading_keys(c, t, u, leading));
	add_key(keys, &n, "dynamodb:Attributes", u->attributes, u->attributes_n);
	add_key(keys, &n, "dynamodb:Select", &u->select, u->select.p != NULL);
	add_key(keys, &n, "dynamodb:ReturnValues", &u->return_values, u->return_values.p != NULL);
	add_key(keys, &n, "dynamodb:ReturnConsumedCapacity", &consumed, consumed.p != NULL);
	add_key(keys, &n, "dynamodb:FullTableScan", &u->full_scan, u->full_scan.p != NULL);
	add_key(keys, &n, "dynamodb:EnclosingOperation", &u->enclosing, u->enclosing.p != NULL);
	if (t && t->row.Policy.len &&
		!(policy = policy_cached(t->row.Policy, POLICY_RESOURCE)))
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
