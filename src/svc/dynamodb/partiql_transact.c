/* ExecuteTransaction: statements as the steps of transact.h. */
#include "svc/dynamodb/partiql.h"
#include "svc/dynamodb/transact.h"

struct tx {
	struct ddb_sql *sql;
	struct ddb_tx_tables all;
	struct ddb_tx_step *steps;
	uint32_t n;
	bool reads, missing;
};

static int
invalid(struct call *c, uint32_t i)
{
	return ddb_fail_wrap(c,
		arena_printf(c->arena, "Validation failed in TransactStatements[%u]: ", i).p, "");
}

/* Parameters are looked at before any statement. */
static int
parse(struct call *c, const struct dynamodb_execute_transaction_in *in, struct tx *x)
{
	bool writes = false;
	struct ddb_val v;
	for (uint32_t i = 0; i < x->n; i++) {
		const struct list_document *l = &in->TransactStatements.v[i].Parameters;
		for (uint32_t k = 0; k < l->n; k++)
			if (ddb_value_read(c, l->v[k], &v))
				return CALL_FAILED;
	}
	for (uint32_t i = 0; i < x->n; i++) {
		const struct dynamodb_parameterized_statement *one = &in->TransactStatements.v[i];
		if (ddb_sql_parse(c, one->Statement, &one->Parameters, &x->sql[i]))
			return invalid(c, i);
		x->steps[i].table = x->sql[i].table;
		x->steps[i].on_failure = one->ReturnValuesOnConditionCheckFailure;
		*(x->sql[i].kind == DDB_SQL_SELECT ? &x->reads : &writes) = true;
	}
	if (x->reads && writes)
		return ddb_fail(c,
			"A transaction can not mix read and write statements: all of them "
			"must be SELECT or none");
	return 0;
}

/* Tables that are not there cancel the transaction once every statement was looked at. */
static int
open(struct call *c, struct tx *x, uint32_t i)
{
	struct ddb_table t = { 0 };
	struct ddb_tx_step *s = &x->steps[i];
	uint32_t at = 0;
	if (ddb_sql_open(c, &x->sql[i], "ExecuteTransaction", &t)) {
		if (c->error != &DYNAMODB_ResourceNotFoundException)
			return CALL_FAILED;
		ddb_tx_note_reason(c, s);
		x->missing = true;
		return 0;
	}
	while (at < x->all.n && !str_eq(x->all.v[at].name, s->table))
		at++;
	s->at = at;
	if (at < x->all.n)
		return 0;
	x->all.v[at].name = s->table;
	x->all.v[at].t = t;
	x->all.n++;
	return 0;
}

static int
prepare_write(struct call *c, struct tx *x, uint32_t i)
{
	const struct ddb_sql *sql = &x->sql[i];
	struct ddb_tx_step *s = &x->steps[i];
	if (sql->returning) {
		ddb_fail(c, "RETURNING clause is not supported in ExecuteTransaction.");
		return invalid(c, i);
	}
	if (!ddb_sql_write(c, &x->all.v[s->at].t, sql, &s->w))
		return 0;
	if (sql->kind == DDB_SQL_EXISTS || sql->kind == DDB_SQL_INSERT)
		return invalid(c, i);
	/* Not one item: the step's own check says so, as a reason. */
	s->w.item.n = 0;
	return 0;
}

static int
prepare_read(struct call *c, struct tx *x, uint32_t i)
{
	const struct ddb_sql *sql = &x->sql[i];
	struct ddb_tx_step *s = &x->steps[i];
	struct ddb_table *t = &x->all.v[s->at].t;
	struct ddb_node *rest;
	struct str twice;
	struct ddb_sql_plan plan;
	if (sql->index.p) {
		ddb_fail(c, "Reads on indices are not supported within transactions.");
		return invalid(c, i);
	}
	s->paths = sql->select;
	if (ddb_sql_key(c, t, sql->where, true, &s->w.item, &rest, &twice) == DDB_KEY_WHOLE &&
		!rest)
		return 0;
	if (!ddb_sql_plan(c, t, NULL, sql, &plan))
		ddb_fail(c,
			"Select statements within ExecuteTransaction must specify the primary key "
			"in the where clause.");
	return invalid(c, i);
}

static int
prepare(struct call *c, struct tx *x)
{
	for (uint32_t i = 0; i < x->n; i++) {
		if (open(c, x, i))
			return CALL_FAILED;
		if (x->steps[i].reason.Code.p)
			continue;
		if (x->reads ? prepare_read(c, x, i) : prepare_write(c, x, i))
			return CALL_FAILED;
	}
	return x->missing ? ddb_tx_cancelled(c, x->steps, x->n) : 0;
}

static int
read_all(struct call *c, struct tx *x, struct dynamodb_item_response_list *out)
{
	bool bad = false;
	for (uint32_t i = 0; i < x->n; i++) {
		struct ddb_table *t = &x->all.v[x->steps[i].at].t;
		if (ddb_key_check(c, t, &x->steps[i].w.item) ||
			ddb_paths_check(c, t, &x->steps[i].paths)) {
			ddb_tx_note_reason(c, &x->steps[i]);
			bad = true;
		}
	}
	if (bad)
		return ddb_tx_cancelled(c, x->steps, x->n);
	if (ddb_tx_check_distinct(c, &x->all, x->steps, x->n))
		return CALL_FAILED;
	out->v = arena_array(c->arena, struct dynamodb_item_response, x->n);
	out->n = x->n;
	out->set = true;
	for (uint32_t i = 0; i < x->n; i++) {
		struct ddb_spent one = { 0 };
		struct ddb_tx_step *s = &x->steps[i];
		if (ddb_sql_get(c, &x->sql[i], "ExecuteTransaction", true, &x->all.v[s->at].t, &one,
			    &out->v[i].Item))
			return CALL_FAILED;
		ddb_tx_double_units(&x->all.v[s->at].spent, &one);
		x->all.v[s->at].spent.reads = true;
	}
	for (uint32_t i = 0; i < x->all.n; i++)
		if (ddb_charge(c, &x->all.v[i].t, &x->all.v[i].spent, false))
			return CALL_FAILED;
	return CALL_OK;
}

int
dynamodb_execute_transaction(struct call *c, const struct dynamodb_execute_transaction_in *in,
	struct dynamodb_execute_transaction_out *out)
{
	uint32_t n = in->TransactStatements.n;
	struct tx x = { .n = n,
		.sql = arena_array(c->arena, struct ddb_sql, n),
		.all = { arena_alloc(c->arena, sizeof(*x.all.v) * n), 0 },
		.steps = arena_array(c->arena, struct ddb_tx_step, n) };
	if (parse(c, in, &x) || prepare(c, &x))
		return CALL_FAILED;
	int done = x.reads ? 0 : ddb_tx_token_check(c, in->ClientRequestToken, in);
	if (done < 0)
		return CALL_FAILED;
	if (done)
		ddb_tx_count_repeat(c, &x.all, x.steps, n);
	else if (x.reads ? read_all(c, &x, &out->Responses)
			 : ddb_tx_write_all(c, &x.all, x.steps, n))
		return CALL_FAILED;
	ddb_tx_consumed_all(c, in->ReturnConsumedCapacity, &x.all, &out->ConsumedCapacity);
	return CALL_OK;
}
