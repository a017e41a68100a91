/* ExecuteStatement and BatchExecuteStatement. */
#include "svc/dynamodb/partiql.h"

/* ---- one write */

/* NULL: nothing to return. */
static struct json *
returned(struct call *c, const struct ddb_sql *s, const struct ddb_write *w)
{
	struct ddb_paths paths = ddb_changed_paths(c, &w->update);
	struct ddb_val part;
	switch (s->returning) {
	case DDB_RETURN_ALL_OLD:
		return w->had ? ddb_json(c, &w->old) : NULL;
	case DDB_RETURN_ALL_NEW:
		return w->has ? ddb_json(c, &w->now) : NULL;
	case DDB_RETURN_MODIFIED_OLD:
	case DDB_RETURN_MODIFIED_NEW:
		part = ddb_project_paths(
			c, &paths, s->returning == DDB_RETURN_MODIFIED_OLD ? &w->old : &w->now);
		return part.n ? ddb_json(c, &part) : NULL;
	default:
		return NULL;
	}
}

/* Nothing is stored before everything that can fail was asked. */
static int
write_one(struct call *c, const struct ddb_sql *s, const char *enclosing, struct str on_failure,
	struct ddb_table *t, struct ddb_spent *spent, struct json **ret)
{
	struct ddb_write w;
	*ret = NULL;
	if (s->kind == DDB_SQL_EXISTS)
		return ddb_fail(c, "EXISTS can only be used in ExecuteTransaction write requests.");
	if (ddb_sql_open(c, s, enclosing, t) || ddb_sql_write(c, t, s, &w) ||
		ddb_write_check(c, t, &w))
		return CALL_FAILED;
	if (ddb_write_test(c, t, &w))
		return ddb_condition_failed(c, &w, on_failure);
	if (!ddb_has_capacity(c, t, true))
		return ddb_capacity_exceeded(c, t, false);
	if (ddb_write_do(c, t, &w, spent))
		return CALL_FAILED;
	*ret = returned(c, s, &w);
	return CALL_OK;
}

static void
one_item(struct call *c, struct list_document *l, struct json *item)
{
	l->set = true;
	if (!item)
		return;
	l->v = arena_array(c->arena, struct json *, 1);
	l->v[l->n++] = item;
}

int
dynamodb_execute_statement(struct call *c, const struct dynamodb_execute_statement_in *in,
	struct dynamodb_execute_statement_out *out)
{
	struct ddb_sql s;
	struct json *item;
	struct ddb_sql_page p = { .token = in->NextToken,
		.text = in->Statement,
		.limit = in->Limit.v,
		.consistent = in->ConsistentRead.v };
	if (ddb_sql_parse(c, in->Statement, &in->Parameters, &s))
		return CALL_FAILED;
	if (s.kind == DDB_SQL_SELECT) {
		if (ddb_sql_select(c, &s, &p))
			return CALL_FAILED;
		out->Items = p.items;
		out->LastEvaluatedKey = p.last;
		out->NextToken = p.next;
	} else {
		if (write_one(c, &s, NULL, in->ReturnValuesOnConditionCheckFailure, &p.t, &p.spent,
			    &item) ||
			ddb_charge(c, &p.t, &p.spent, true))
			return CALL_FAILED;
		one_item(c, &out->Items, item);
	}
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &p.t, &p.spent);
	return CALL_OK;
}

/* ---- BatchExecuteStatement: each statement succeeds or fails by itself */

static struct str
error_code(const struct api_error *e)
{
	static const char *const codes[][2] = {
		{ "ConditionalCheckFailedException", "ConditionalCheckFailed" },
		{ "ItemCollectionSizeLimitExceededException", "ItemCollectionSizeLimitExceeded" },
		{ "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded" },
		{ "TransactionConflictException", "TransactionConflict" },
		{ "ResourceNotFoundException", "ResourceNotFound" },
		{ "AccessDeniedException", "AccessDenied" },
		{ "DuplicateItemException", "DuplicateItem" },
		{ "InternalServerError", "InternalServerError" },
	};
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(e->code, codes[i][0]) == 0)
			return str_c(codes[i][1]);
	return STR("ValidationError");
}

/* Turns the failure just set into an answer of its own. */
static struct dynamodb_batch_statement_error *
take_error(struct call *c)
{
	struct dynamodb_batch_statement_error *e =
		arena_new(c->arena, struct dynamodb_batch_statement_error);
	e->Code = error_code(c->error);
	e->Message = c->error_message;
	if (c->error == &DYNAMODB_ConditionalCheckFailedException && c->error_detail)
		e->Item = ((const struct dynamodb_conditional_check_failed_exception_error *)
				   c->error_detail)
				  ->Item;
	c->error = NULL;
	c->error_message = STR_NULL;
	c->error_detail = NULL;
	c->error_fields_n = 0;
	c->decision = NULL;
	c->status = 0;
	return e;
}

struct batch_one {
	struct ddb_sql s;
	bool parsed;
	struct ddb_table t;
	struct ddb_spent spent;
};

static int
read_one(struct call *c, const struct dynamodb_batch_statement_request *in, struct batch_one *b,
	struct json **ret)
{
	*ret = NULL;
	if (ddb_sql_open(c, &b->s, "BatchExecuteStatement", &b->t) ||
		ddb_sql_get(c, &b->s, "BatchExecuteStatement", in->ConsistentRead.v, &b->t,
			&b->spent, ret))
		return CALL_FAILED;
	return ddb_charge(c, &b->t, &b->spent, false);
}

static int
parse_all(struct call *c, const struct dynamodb_batch_execute_statement_in *in,
	struct batch_one *all, struct dynamodb_batch_statement_response_list *out)
{
	bool reads = false, writes = false;
	for (uint32_t i = 0; i < in->Statements.n; i++) {
		const struct dynamodb_batch_statement_request *one = &in->Statements.v[i];
		all[i].parsed = !ddb_sql_parse(c, one->Statement, &one->Parameters, &all[i].s);
		if (!all[i].parsed) {
			out->v[i].Error = take_error(c);
			continue;
		}
		*(all[i].s.kind == DDB_SQL_SELECT ? &reads : &writes) = true;
	}
	if (reads && writes)
		return ddb_fail(c, "BatchExecuteStatement request can not mix read and write "
				   "statements: all of them must be SELECT or none");
	return CALL_OK;
}

int
dynamodb_batch_execute_statement(struct call *c,
	const struct dynamodb_batch_execute_statement_in *in,
	struct dynamodb_batch_execute_statement_out *out)
{
	uint32_t n = in->Statements.n;
	struct batch_one *all = arena_array(c->arena, struct batch_one, n);
	out->Responses.v = arena_array(c->arena, struct dynamodb_batch_statement_response, n);
	out->Responses.n = n;
	out->Responses.set = true;
	if (parse_all(c, in, all, &out->Responses))
		return CALL_FAILED;
	out->ConsumedCapacity.v = arena_array(c->arena, struct dynamodb_consumed_capacity, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct dynamodb_batch_statement_request *one = &in->Statements.v[i];
		struct dynamodb_batch_statement_response *r = &out->Responses.v[i];
		struct batch_one *b = &all[i];
		if (!b->parsed)
			continue;
		bool reads = b->s.kind == DDB_SQL_SELECT;
		int failed = reads ? read_one(c, one, b, &r->Item)
				   : write_one(c, &b->s, "BatchExecuteStatement",
					     one->ReturnValuesOnConditionCheckFailure, &b->t,
					     &b->spent, &r->Item);
		bool found = b->t.row.Name.p != NULL;
		if (found)
			r->TableName = b->s.table;
		if (failed) {
			r->Error = take_error(c);
			continue;
		}
		/* It is done: what it took beyond the bucket's rest is a debt. */
		if (!reads && ddb_charge(c, &b->t, &b->spent, true))
			take_error(c);
		struct dynamodb_consumed_capacity *k =
			ddb_consumed(c, in->ReturnConsumedCapacity, &b->t, &b->spent);
		if (k)
			out->ConsumedCapacity.v[out->ConsumedCapacity.n++] = *k;
	}
	out->ConsumedCapacity.set = out->ConsumedCapacity.n > 0;
	return CALL_OK;
}
