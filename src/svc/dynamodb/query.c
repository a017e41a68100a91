/* Query. */
#include "svc/dynamodb/page.h"

static const struct ddb_test *
test_of(const struct ddb_read *r, struct str attr)
{
	for (uint32_t i = 0; attr.p && i < r->keys.n; i++)
		if (str_eq(r->keys.v[i].attr, attr))
			return &r->keys.v[i];
	return NULL;
}

static bool
is_indexable(struct str op)
{
	static const char *const ops[] = { "EQ", "LE", "LT", "GE", "GT", "BEGINS_WITH", "BETWEEN",
		NULL };
	for (unsigned i = 0; ops[i]; i++)
		if (str_eq(op, str_c(ops[i])))
			return true;
	return false;
}

static int
check_key(struct call *c, struct ddb_read *r, struct str attr, uint8_t type, bool hash)
{
	const struct ddb_key *k = r->x ? &r->x->key : &r->t.key;
	if (r->has_start) {
		if (!ddb_get(&r->start, attr))
			return ddb_fail(c, "The provided starting key is invalid");
		if (ddb_key_piece_check(c, &r->start, attr, type, hash))
			return CALL_FAILED;
	}
	if (hash && !k->range.p && r->keys.n > 1)
		return ddb_fail(c, "Query key condition not supported");
	const struct ddb_test *t = test_of(r, attr);
	if (!t)
		return hash || r->keys.n > 1
			       ? ddb_fail(c, "Query condition missed key schema element: %.*s",
					 STR_FMT(attr))
			       : 0;
	if (!is_indexable(t->op))
		return ddb_fail(
			c, "Attempted conditional constraint is not an indexable operation");
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->vals[i].type != type)
			return ddb_fail(c, "One or more parameter values were invalid: Condition "
					   "parameter type does not match "
					   "schema type");
		if (!t->vals[i].s.len && !str_is(t->op, "BEGINS_WITH"))
			return ddb_fail(c,
				"One or more parameter values are not valid. The AttributeValue "
				"for a key attribute "
				"cannot contain an empty %s value. Key: %.*s",
				type == DDB_S ? "string" : "binary", STR_FMT(attr));
		if (ddb_key_size_check(c, &t->vals[i], hash))
			return CALL_FAILED;
	}
	if (hash && !str_is(t->op, "EQ"))
		return ddb_fail(c, "Query key condition not supported");
	return 0;
}

static int
check_keys(struct call *c, struct ddb_read *r)
{
	const struct ddb_key *k = r->x ? &r->x->key : &r->t.key;
	if (r->has_start && r->start.n != ddb_read_start_n(r))
		return ddb_fail(c, "The provided starting key is invalid");
	if (check_key(c, r, k->hash, k->hash_type, true))
		return CALL_FAILED;
	return k->range.p ? check_key(c, r, k->range, k->range_type, false) : 0;
}

static int
check_start(struct call *c, struct ddb_read *r)
{
	const struct ddb_key *k = r->x ? &r->x->key : &r->t.key;
	const struct ddb_test *hash = test_of(r, k->hash), *range = test_of(r, k->range);
	if (!r->has_start)
		return 0;
	if (ddb_read_start_table(c, r))
		return CALL_FAILED;
	bool same = ddb_equal(ddb_get(&r->start, k->hash), &hash->vals[0]);
	if (range && !ddb_test_holds(c, range, ddb_get(&r->start, k->range)))
		return ddb_fail(
			c, "The provided starting key does not match the range key predicate");
	if (!same)
		return ddb_fail(c, "%s",
			range ? "The query can return at most one row and cannot be restarted"
			      : "The provided starting key is outside query boundaries based on "
				"provided conditions");
	return 0;
}

static int
refuse_key(struct call *c, struct ddb_read *r, struct str attr)
{
	bool legacy = r->filters.n > 0, found = false;
	for (uint32_t i = 0; attr.p && i < r->filters.n; i++)
		found = found || str_eq(r->filters.v[i].attr, attr);
	for (uint32_t i = 0; attr.p && i < r->filter_paths.n; i++)
		found = found || str_eq(r->filter_paths.v[i].v[0].name, attr);
	if (!found)
		return 0;
	return ddb_fail(c,
		"%s can only contain non-primary key attributes: Primary key attribute: %.*s",
		legacy ? "QueryFilter" : "Filter Expression", STR_FMT(attr));
}

static int
check_all(struct call *c, const struct ddb_read_in *in, struct ddb_read *r)
{
	const struct ddb_key *k = r->x ? &r->x->key : &r->t.key;
	if (check_keys(c, r) || check_start(c, r) || ddb_paths_check(c, &r->t, &r->paths) ||
		refuse_key(c, r, k->hash) || refuse_key(c, r, k->range) ||
		ddb_read_select(c, in, r))
		return CALL_FAILED;
	return ddb_paths_check(c, &r->t, &r->filter_paths);
}

/* ---- the range of rows */

void
ddb_key_copy(struct key *to, const struct key *from)
{
	memcpy(to->bytes, from->bytes, from->len);
	to->len = from->len;
	to->overflow = from->overflow;
}

static void
key_after(struct key *k, const struct key *prefix)
{
	key_after_prefix(k, key_str(prefix));
}

void
ddb_range_bounds(struct ddb_page *p, const struct key *base, const struct ddb_test *t)
{
	struct key first, second;
	ddb_key_copy(&first, base);
	ddb_key_range(&first, &t->vals[0]);
	if (str_is(t->op, "EQ")) {
		ddb_key_copy(&p->lo, &first);
		key_after(&p->hi, &first);
	} else if (str_is(t->op, "LT")) {
		ddb_key_copy(&p->hi, &first);
	} else if (str_is(t->op, "LE")) {
		key_after(&p->hi, &first);
	} else if (str_is(t->op, "GT")) {
		key_after(&p->lo, &first);
	} else if (str_is(t->op, "GE")) {
		ddb_key_copy(&p->lo, &first);
	} else if (str_is(t->op, "BETWEEN")) {
		ddb_key_copy(&p->lo, &first);
		ddb_key_copy(&second, base);
		ddb_key_range(&second, &t->vals[1]);
		key_after(&p->hi, &second);
	} else {
		first.len -= 2; /* without the piece's end */
		ddb_key_copy(&p->lo, &first);
		key_after(&p->hi, &first);
	}
}

static void
set_bounds(struct ddb_page *p, struct ddb_read *r)
{
	const struct ddb_key *k = r->x ? &r->x->key : &r->t.key;
	const struct ddb_test *range = test_of(r, k->range);
	struct key base, start;
	ddb_key_space(&base, r->t.id, r->x ? r->x->id : 0);
	ddb_key_hash(&base, &test_of(r, k->hash)->vals[0]);
	ddb_key_copy(&p->lo, &base);
	key_after(&p->hi, &base);
	if (range)
		ddb_range_bounds(p, &base, range);
	if (!r->has_start)
		return;
	ddb_item_key(&start, &r->t, r->x, &r->start);
	if (p->reverse) {
		if (str_cmp(key_str(&start), key_str(&p->hi)) < 0)
			ddb_key_copy(&p->hi, &start);
	} else if (str_cmp(key_str(&start), key_str(&p->lo)) >= 0) {
		key_add_raw(&start, str_of("\0", 1));
		ddb_key_copy(&p->lo, &start);
	}
}

int
dynamodb_query(struct call *c, const struct dynamodb_query_in *in, struct dynamodb_query_out *out)
{
	struct ddb_read r = { 0 };
	const struct ddb_read_in i = { .table = in->TableName,
		.index = in->IndexName,
		.select = in->Select,
		.projection = in->ProjectionExpression,
		.filter = in->FilterExpression,
		.conditional = in->ConditionalOperator,
		.attributes = &in->AttributesToGet,
		.names = &in->ExpressionAttributeNames,
		.values = in->ExpressionAttributeValues,
		.start = in->ExclusiveStartKey,
		.filters = &in->QueryFilter,
		.filters_name = "QueryFilter",
		.key_condition = in->KeyConditionExpression,
		.key_conditions = &in->KeyConditions,
		.consistent = in->ConsistentRead.v };
	if (ddb_read_parse(c, &i, &r) || ddb_read_open(c, &i, &r) || check_all(c, &i, &r))
		return CALL_FAILED;
	struct ddb_page *p = arena_new(c->arena, struct ddb_page);
	p->t = &r.t;
	p->x = r.x;
	p->reverse = in->ScanIndexForward.set && !in->ScanIndexForward.v;
	p->consistent = in->ConsistentRead.v;
	p->count_only = str_is(in->Select, "COUNT");
	p->limit = in->Limit.v;
	p->fetch = r.fetch;
	p->paths = r.paths;
	p->filter = r.filters.n
			    ? ddb_tests_node(c, &r.filters, str_is(in->ConditionalOperator, "OR"))
			    : r.filter;
	set_bounds(p, &r);
	if (ddb_page_run(c, p))
		return CALL_FAILED;
	out->Items = p->items;
	out->Count = OPT_I64(p->count);
	out->ScannedCount = OPT_I64(p->scanned);
	out->LastEvaluatedKey = p->last;
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &r.t, &p->spent);
	return CALL_OK;
}
