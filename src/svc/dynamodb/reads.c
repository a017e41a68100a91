/* What Query and Scan have in common before the first row is read. */
#include "svc/dynamodb/page.h"

static int
check_params(struct call *c, const struct ddb_read_in *in)
{
	bool query = in->key_conditions != NULL;
	bool only_key = query && in->key_conditions->set && !in->key_condition.p;
	const struct ddb_param exprs[] = { { "ProjectionExpression", in->projection.p != NULL },
		{ "FilterExpression", in->filter.p != NULL },
		{ query ? "KeyConditionExpression" : NULL, in->key_condition.p != NULL },
		{ NULL, false } };
	const struct ddb_param others[] = { { "AttributesToGet", in->attributes->set },
		{ in->filters_name, in->filters->set },
		{ "ConditionalOperator", in->conditional.p != NULL },
		{ query && !only_key ? "KeyConditions" : NULL, query && in->key_conditions->set },
		{ NULL, false } };
	return ddb_params_check(c, exprs, others, in->names->set, in->values != NULL);
}

/* Some of the sentences stand alone. */
static bool
stands_alone(struct str why)
{
	return str_find_str(why, STR("contains duplicates")) >= 0 ||
	       str_find_str(why, STR("number set")) >= 0 ||
	       str_find_str(why, STR("numeric value")) >= 0 ||
	       str_find_str(why, STR("significant digits")) >= 0 ||
	       str_find_str(why, STR("number with magnitude")) >= 0;
}

int
ddb_read_start(struct call *c, const struct json *start, struct ddb_read *r)
{
	if (!start)
		return 0;
	r->has_start = true;
	if (!ddb_map_read(c, start, &r->start))
		return 0;
	return stands_alone(c->error_message)
		       ? CALL_FAILED
		       : ddb_fail_wrap(c, "The provided starting key is invalid: ", "");
}

static int
read_expressions(struct call *c, const struct ddb_read_in *in, struct ddb_read *r)
{
	struct ddb_env e;
	struct ddb_node *key = NULL;
	if (ddb_env_open(&e, c, in->names, in->values) ||
		ddb_parse_condition(&e, "KeyConditionExpression", in->key_condition, &key) ||
		ddb_parse_condition(&e, "FilterExpression", in->filter, &r->filter))
		return CALL_FAILED;
	if (in->filter.p)
		r->filter_paths = e.seen;
	if (in->projection.p && ddb_parse_projection(&e, in->projection, &r->paths))
		return CALL_FAILED;
	if (ddb_env_done(&e))
		return CALL_FAILED;
	return key ? ddb_key_tests(c, key, &r->keys) : 0;
}

static int
check_select(struct call *c, const struct ddb_read_in *in)
{
	bool some = in->attributes->set || in->projection.p;
	const char *name = in->projection.p ? "ProjectionExpression" : "AttributesToGet";
	if (str_is(in->select, "ALL_PROJECTED_ATTRIBUTES") && !in->index.p)
		return ddb_fail(c, "One or more parameter values were invalid: "
				   "ALL_PROJECTED_ATTRIBUTES can be used only when "
				   "Querying using an IndexName");
	if (str_is(in->select, "SPECIFIC_ATTRIBUTES") && !some)
		return ddb_fail(c, "One or more parameter values were invalid: Must specify the "
				   "AttributesToGet or "
				   "ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
	if (some && in->select.p && !str_is(in->select, "SPECIFIC_ATTRIBUTES"))
		return ddb_fail(c, "Cannot specify the %s when choosing to get %s", name,
			str_is(in->select, "COUNT")            ? "only the Count"
			: str_is(in->select, "ALL_ATTRIBUTES") ? "ALL_ATTRIBUTES"
							       : "ALL_PROJECTED_ATTRIBUTES");
	return 0;
}

int
ddb_read_parse(struct call *c, const struct ddb_read_in *in, struct ddb_read *r)
{
	bool query = in->key_conditions != NULL;
	if (check_params(c, in))
		return CALL_FAILED;
	if (query && ddb_tests_read(c, in->filters, &r->filters))
		return CALL_FAILED;
	if (ddb_attributes_read(c, in->attributes, &r->paths))
		return CALL_FAILED;
	if (!query && ddb_tests_read(c, in->filters, &r->filters))
		return CALL_FAILED;
	if (ddb_read_start(c, in->start, r))
		return CALL_FAILED;
	if (query && !in->key_conditions->set && !in->key_condition.p)
		return ddb_fail(c, "Either the KeyConditions or KeyConditionExpression parameter "
				   "must be specified in the "
				   "request.");
	if (!query)
		return 0;
	if (read_expressions(c, in, r))
		return CALL_FAILED;
	if (in->key_condition.p ? ddb_tests_check(c, &r->keys)
				: ddb_tests_read(c, in->key_conditions, &r->keys))
		return CALL_FAILED;
	if (r->keys.n < 1 || r->keys.n > 2)
		return ddb_fail(c, "Conditions can be of length 1 or 2 only");
	return check_select(c, in);
}

int
ddb_read_scan_expressions(struct call *c, const struct ddb_read_in *in, struct ddb_read *r)
{
	return read_expressions(c, in, r) || check_select(c, in) ? CALL_FAILED : 0;
}

static struct ddb_use
use_of(struct call *c, const struct ddb_read_in *in, struct ddb_read *r, struct ddb_val *hash)
{
	struct ddb_use u = { .index = in->index, .select = in->select };
	struct str *names =
		arena_array(c->arena, struct str, r->paths.n + r->filter_paths.n + r->keys.n);
	for (uint32_t i = 0; i < r->paths.n; i++)
		names[u.attributes_n++] = r->paths.v[i].v[0].name;
	for (uint32_t i = 0; i < r->filter_paths.n; i++)
		names[u.attributes_n++] = r->filter_paths.v[i].v[0].name;
	/* The partition key's value is one of the conditions; the table says which. */
	*hash = (struct ddb_val){ .type = DDB_M,
		.attrs = arena_array(c->arena, struct ddb_attr, r->keys.n) };
	for (uint32_t i = 0; i < r->keys.n; i++) {
		names[u.attributes_n++] = r->keys.v[i].attr;
		if (r->keys.v[i].n && str_is(r->keys.v[i].op, "EQ"))
			hash->attrs[hash->n++] =
				(struct ddb_attr){ r->keys.v[i].attr, r->keys.v[i].vals[0] };
	}
	u.attributes = names;
	u.items = hash;
	u.items_n = r->keys.n ? 1 : 0;
	if (!u.select.p)
		u.select = r->paths.n    ? STR("SPECIFIC_ATTRIBUTES")
			   : in->index.p ? STR("ALL_PROJECTED_ATTRIBUTES")
					 : STR("ALL_ATTRIBUTES");
	return u;
}

int
ddb_read_open(struct call *c, const struct ddb_read_in *in, struct ddb_read *r)
{
	struct ddb_val hash;
	struct ddb_use use = use_of(c, in, r, &hash);
	if (ddb_use_table(c, in->table, &use, &r->t))
		return CALL_FAILED;
	if (!in->index.p)
		return 0;
	r->x = ddb_index_find(&r->t, in->index);
	if (!r->x)
		return ddb_fail(
			c, "The table does not have the specified index: %.*s", STR_FMT(in->index));
	if (r->x->global && in->consistent)
		return ddb_fail(
			c, "Consistent reads are not supported on global secondary indexes");
	if (str_is(r->x->row->Status, "CREATING"))
		return ddb_fail(c, "Cannot read from backfilling global secondary index: %.*s",
			STR_FMT(in->index));
	r->fetch = str_is(in->select, "ALL_ATTRIBUTES") && !r->x->all;
	return 0;
}

bool
ddb_projects(const struct ddb_table *t, const struct ddb_index *x, struct str name)
{
	const struct str keys[] = { t->key.hash, t->key.range, x->key.hash, x->key.range };
	const struct dynamodb_projection *p = x->row->Projection;
	for (unsigned i = 0; i < 4; i++)
		if (keys[i].p && str_eq(keys[i], name))
			return true;
	for (uint32_t i = 0; p && i < p->NonKeyAttributes.n; i++)
		if (str_eq(p->NonKeyAttributes.v[i], name))
			return true;
	return x->all;
}

int
ddb_read_select(struct call *c, const struct ddb_read_in *in, struct ddb_read *r)
{
	struct str missing = STR("");
	if (r->fetch && r->x->global)
		return ddb_fail(c,
			"One or more parameter values were invalid: Select type ALL_ATTRIBUTES is "
			"not supported for "
			"global secondary index %.*s because its projection type is not ALL",
			STR_FMT(in->index));
	for (uint32_t i = 0; r->x && i < r->paths.n; i++) {
		struct str name = r->paths.v[i].v[0].name;
		if (!ddb_projects(&r->t, r->x, name))
			missing = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(missing),
				missing.len ? ", " : "", STR_FMT(name));
	}
	if (missing.len && r->x->global)
		return ddb_fail(c,
			"One or more parameter values were invalid: Global secondary index %.*s "
			"does not project "
			"[%.*s]",
			STR_FMT(in->index), STR_FMT(missing));
	r->fetch = r->fetch || missing.len > 0;
	return 0;
}

uint32_t
ddb_read_start_n(const struct ddb_read *r)
{
	const struct ddb_key *t = &r->t.key;
	uint32_t n = t->range.p ? 2 : 1;
	if (!r->x)
		return n;
	const struct str keys[2] = { r->x->key.hash, r->x->key.range };
	for (unsigned i = 0; i < 2; i++)
		n += keys[i].p && !str_eq(keys[i], t->hash) &&
		     !(t->range.p && str_eq(keys[i], t->range));
	return n;
}

int
ddb_read_start_table(struct call *c, struct ddb_read *r)
{
	struct ddb_val key = ddb_key_of(c, &r->t, NULL, &r->start);
	if (ddb_key_check(c, &r->t, &key))
		return ddb_fail_wrap(c, "The provided starting key is invalid: ", "");
	return 0;
}
