/*
 * TransactGetItems and TransactWriteItems. Writes run one after the other on the store's writer and
 * reads in a snapshot, so a transaction never meets another half done and nothing conflicts.
 */
#include "aws/codec.h"
#include "aws/due.h"
#include "base/digest.h"
#include "svc/dynamodb/access.h"
#include "svc/dynamodb/legacy.h"
#include "svc/dynamodb/tasks.h"
#include "svc/dynamodb/transact.h"

#define TRANSACTION_BYTES_MAX (4u * 1024 * 1024)
#define TOKEN_MS (10 * 60 * 1000)

static int
open_step(struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *s, const char *action)
{
	uint32_t i = 0;
	struct ddb_use use = {
		.action = action, .items = &s->w.item, .items_n = 1, .enclosing = str_c(c->op->name)
	};
	ddb_use_write(c, &use, &s->w);
	if (strcmp(action, "dynamodb:GetItem") == 0) {
		ddb_use_paths(c, &use, &s->paths);
		use.select = ddb_use_select(&s->paths);
	}
	while (i < all->n && !str_eq(all->v[i].name, s->table))
		i++;
	s->at = i;
	/* Asked for every item: the keys differ. */
	if (i == all->n) {
		if (ddb_use_table(c, s->table, &use, &all->v[i].t))
			return CALL_FAILED;
		all->v[i].name = s->table;
		all->n++;
		return CALL_OK;
	}
	struct ddb_table again;
	bool plain = c->who.root && !c->who.session && !all->v[i].t.row.Policy.len;
	return plain ? CALL_OK : ddb_use_table(c, s->table, &use, &again);
}

void
ddb_tx_note_reason(struct call *c, struct ddb_tx_step *s)
{
	bool condition = c->error == &DYNAMODB_ConditionalCheckFailedException;
	s->reason.Code = condition ? STR("ConditionalCheckFailed")
			 : c->error == &DYNAMODB_DuplicateItemException ? STR("DuplicateItem")
			 : c->error == &DYNAMODB_ResourceNotFoundException ? STR("ResourceNotFound")
			 : c->error == &DYNAMODB_ProvisionedThroughputExceededException
				 ? STR("ProvisionedThroughputExceeded")
				 : STR("ValidationError");
	s->reason.Message = c->error_message;
	if (condition && str_is(s->on_failure, "ALL_OLD") && s->w.had)
		s->reason.Item = ddb_json(c, &s->w.old);
}

int
ddb_tx_cancelled(struct call *c, struct ddb_tx_step *steps, uint32_t n)
{
	struct dynamodb_transaction_canceled_exception_error *e =
		arena_new(c->arena, struct dynamodb_transaction_canceled_exception_error);
	struct str codes = STR("");
	e->CancellationReasons.v = arena_array(c->arena, struct dynamodb_cancellation_reason, n);
	e->CancellationReasons.n = n;
	e->CancellationReasons.set = true;
	for (uint32_t i = 0; i < n; i++) {
		e->CancellationReasons.v[i] = steps[i].reason;
		if (!steps[i].reason.Code.p)
			e->CancellationReasons.v[i].Code = STR("None");
		codes = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(codes), i ? ", " : "",
			STR_FMT(e->CancellationReasons.v[i].Code));
	}
	call_fail(c, &DYNAMODB_TransactionCanceledException,
		"Transaction cancelled, please refer cancellation reasons for specific reasons "
		"[%.*s]",
		STR_FMT(codes));
	c->error_detail = e;
	return CALL_FAILED;
}

int
ddb_tx_check_distinct(
	struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n)
{
	struct ddb_val *keys = arena_array(c->arena, struct ddb_val, n);
	for (uint32_t i = 0; i < n; i++) {
		if (steps[i].reason.Code.p)
			continue;
		keys[i] = ddb_key_of(c, &all->v[steps[i].at].t, NULL, &steps[i].w.item);
		for (uint32_t k = 0; k < i; k++)
			if (steps[k].at == steps[i].at && !steps[k].reason.Code.p &&
				ddb_equal(&keys[k], &keys[i]))
				return ddb_fail(c, "Transaction request cannot include multiple "
						   "operations on one item");
	}
	return 0;
}

/* ---- TransactWriteItems */

struct parts {
	struct str condition, update;
	const struct map_str *names;
	const struct json *values, *item;
};

static int
read_parts(struct call *c, const struct parts *in, struct ddb_tx_step *s)
{
	struct ddb_env e;
	if (ddb_map_read(c, in->item, &s->w.item))
		return CALL_FAILED;
	if (s->w.kind == DDB_WRITE_PUT && ddb_size(&s->w.item) > DDB_ITEM_MAX)
		return ddb_fail(c, "Item size has exceeded the maximum allowed size");
	const struct ddb_param exprs[] = { { "ConditionExpression", in->condition.p != NULL },
		{ s->w.kind == DDB_WRITE_UPDATE ? "UpdateExpression" : NULL, in->update.p != NULL },
		{ NULL, false } };
	const struct ddb_param none[] = { { NULL, false } };
	if (ddb_params_check(c, exprs, none, in->names->set, in->values != NULL) ||
		ddb_env_open(&e, c, in->names, in->values) ||
		ddb_parse_update(&e, in->update, &s->w.update))
		return CALL_FAILED;
	s->w.has_update = in->update.p != NULL;
	if (s->w.has_update)
		s->w.update_paths = e.seen;
	if (ddb_parse_condition(&e, "ConditionExpression", in->condition, &s->w.condition))
		return CALL_FAILED;
	if (in->condition.p)
		s->w.condition_paths = e.seen;
	s->w.expects = s->w.condition != NULL;
	return ddb_env_done(&e);
}

#define PARTS(x, key)                                                                              \
	{                                                                                          \
		(x)->ConditionExpression, STR_NULL, &(x)->ExpressionAttributeNames,                \
			(x)->ExpressionAttributeValues, (x)->key                                   \
	}

static int
read_step(struct call *c, const struct dynamodb_transact_write_item *in, struct ddb_tx_step *s)
{
	unsigned n = (in->ConditionCheck != NULL) + (in->Put != NULL) + (in->Delete != NULL) +
		     (in->Update != NULL);
	if (n != 1)
		return ddb_fail(
			c, "TransactItems can only contain one of Check, Put, Update or Delete");
	if (in->Put) {
		struct parts p = PARTS(in->Put, Item);
		s->w.kind = DDB_WRITE_PUT;
		s->table = in->Put->TableName;
		s->on_failure = in->Put->ReturnValuesOnConditionCheckFailure;
		return read_parts(c, &p, s);
	}
	if (in->Delete) {
		struct parts p = PARTS(in->Delete, Key);
		s->w.kind = DDB_WRITE_DELETE;
		s->table = in->Delete->TableName;
		s->on_failure = in->Delete->ReturnValuesOnConditionCheckFailure;
		return read_parts(c, &p, s);
	}
	if (in->Update) {
		struct parts p = PARTS(in->Update, Key);
		p.update = in->Update->UpdateExpression;
		s->w.kind = DDB_WRITE_UPDATE;
		s->table = in->Update->TableName;
		s->on_failure = in->Update->ReturnValuesOnConditionCheckFailure;
		return read_parts(c, &p, s);
	}
	struct parts p = PARTS(in->ConditionCheck, Key);
	s->w.kind = DDB_WRITE_CHECK;
	s->table = in->ConditionCheck->TableName;
	s->on_failure = in->ConditionCheck->ReturnValuesOnConditionCheckFailure;
	return read_parts(c, &p, s);
}

static const char *
action_of(const struct ddb_tx_step *s)
{
	static const char *const actions[] = { [DDB_WRITE_PUT] = "dynamodb:PutItem",
		[DDB_WRITE_DELETE] = "dynamodb:DeleteItem",
		[DDB_WRITE_UPDATE] = "dynamodb:UpdateItem",
		[DDB_WRITE_CHECK] = "dynamodb:ConditionCheckItem" };
	return actions[s->w.kind];
}

/* ---- client tokens */

static void
token_key(struct call *c, struct key *k, struct str token)
{
	key_begin(k);
	key_add_raw(k, STR("K"));
	key_add(k, c->account);
	key_add(k, c->region);
	key_add_raw(k, token);
}

static void
request_hash(struct call *c, const void *in, unsigned char ret[32])
{
	struct buf b = { 0 };
	for (unsigned i = 0; i < c->op->in->fields_n; i++) {
		const struct field *f = &c->op->in->fields[i];
		if (strcmp(f->name, "TransactItems") == 0 ||
			strcmp(f->name, "TransactStatements") == 0)
			codec_json_write(&b, f->shape, (const char *)in + f->offset);
	}
	sha256(buf_str(&b), ret);
	buf_done(&b);
}

int
ddb_tx_token_check(struct call *c, struct str token, const void *in)
{
	struct key k;
	struct str value;
	unsigned char sum[32];
	struct dynamodb_token_row row = { 0 };
	if (!token.p)
		return 0;
	request_hash(c, in, sum);
	token_key(c, &k, token);
	if (tx_get(c->tx, ddb_rows(c), key_str(&k), &value) &&
		row_decode(&dynamodb_token_row_shape, value, c->arena, &row) &&
		row.Until.ms > c->now_ms) {
		if (str_eq(row.Hash, str_of(sum, sizeof(sum))))
			return 1;
		return call_fail(c, &DYNAMODB_IdempotentParameterMismatchException,
			"Request token was used with different parameters");
	}
	row = (struct dynamodb_token_row){ .Hash = str_of(sum, sizeof(sum)),
		.Until = OPT_TIME(c->now_ms + TOKEN_MS) };
	struct buf b = { 0 };
	row_encode(&dynamodb_token_row_shape, &row, &b);
	tx_put(c->tx, ddb_rows(c), key_str(&k), buf_str(&b));
	buf_done(&b);
	due_add(c->tx, STR("dynamodb.token"), key_str(&k), row.Until.ms, STR(""));
	return 0;
}

int
ddb_token_due(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	(void)due_ms;
	(void)payload;
	tx_delete(t, store_rows(arg, "dynamodb"), id);
	return 0;
}

void
ddb_tx_consumed_all(struct call *c, struct str mode, struct ddb_tx_tables *all,
	struct dynamodb_consumed_capacity_list *l)
{
	l->v = arena_array(c->arena, struct dynamodb_consumed_capacity, all->n);
	for (uint32_t i = 0; i < all->n; i++) {
		struct dynamodb_consumed_capacity *k =
			ddb_consumed(c, mode, &all->v[i].t, &all->v[i].spent);
		if (k)
			l->v[l->n++] = *k;
	}
	l->set = l->n > 0;
}

void
ddb_tx_double_units(struct ddb_spent *to, const struct ddb_spent *one)
{
	to->table += 2 * one->table;
	for (unsigned i = 0; i < 32; i++)
		to->indexes[i] += 2 * one->indexes[i];
}

int
ddb_tx_write_all(struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n)
{
	bool bad = false;
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct ddb_table *t = &all->v[steps[i].at].t;
		if (ddb_write_check(c, t, &steps[i].w))
			ddb_tx_note_reason(c, &steps[i]), bad = true;
	}
	if (ddb_tx_check_distinct(c, all, steps, n))
		return CALL_FAILED;
	for (uint32_t i = 0; i < n && !bad; i++)
		if (ddb_write_test(c, &all->v[steps[i].at].t, &steps[i].w))
			ddb_tx_note_reason(c, &steps[i]);
	for (uint32_t i = 0; i < n; i++)
		bad = bad || steps[i].reason.Code.p;
	for (uint32_t i = 0; i < n && !bad; i++) {
		struct ddb_spent one = { 0 };
		struct ddb_table *t = &all->v[steps[i].at].t;
		if (ddb_write_do(c, t, &steps[i].w, &one)) {
			ddb_tx_note_reason(c, &steps[i]);
			bad = true;
			break;
		}
		bytes += ddb_size(steps[i].w.has ? &steps[i].w.now : &steps[i].w.item);
		ddb_tx_double_units(&all->v[steps[i].at].spent, &one);
		all->v[steps[i].at].spent.writes = true;
	}
	if (bad)
		return ddb_tx_cancelled(c, steps, n);
	if (bytes > TRANSACTION_BYTES_MAX)
		return ddb_fail(c, "Member must have length less than or equal to 4194304: the "
				   "items of the transaction are too large");
	for (uint32_t i = 0; i < all->n; i++)
		if (ddb_charge(c, &all->v[i].t, &all->v[i].spent, true))
			return CALL_FAILED;
	return CALL_OK;
}

void
ddb_tx_count_repeat(
	struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct ddb_table *t = &all->v[steps[i].at].t;
		struct str row;
		uint32_t size = ddb_item_row(c, t, &steps[i].w.item, &row) ? ddb_row_size(row) : 1;
		all->v[steps[i].at].spent.table += 2 * ddb_read_units(size, true);
		all->v[steps[i].at].spent.reads = true;
	}
}

static void
collections(struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n,
	struct str mode, struct dynamodb_item_collection_metrics_list_map *m)
{
	m->v = arena_array(
		c->arena, struct dynamodb_item_collection_metrics_list_map_entry, all->n);
	for (uint32_t k = 0; k < all->n; k++) {
		struct dynamodb_item_collection_metrics_list_map_entry *e = &m->v[m->n];
		e->value.v = arena_array(c->arena, struct dynamodb_item_collection_metrics, n);
		for (uint32_t i = 0; i < n; i++) {
			struct dynamodb_item_collection_metrics *one =
				steps[i].at == k && steps[i].w.kind != DDB_WRITE_CHECK
					? ddb_collection(c, &all->v[k].t, &steps[i].w.item, mode)
					: NULL;
			if (one)
				e->value.v[e->value.n++] = *one;
		}
		if (!e->value.n)
			continue;
		e->key = all->v[k].name;
		e->value.set = m->set = true;
		m->n++;
	}
}

int
dynamodb_transact_write_items(struct call *c, const struct dynamodb_transact_write_items_in *in,
	struct dynamodb_transact_write_items_out *out)
{
	uint32_t n = in->TransactItems.n;
	struct ddb_tx_tables all = { arena_alloc(c->arena, sizeof(*all.v) * n), 0 };
	struct ddb_tx_step *steps = arena_array(c->arena, struct ddb_tx_step, n);
	for (uint32_t i = 0; i < n; i++) {
		if (read_step(c, &in->TransactItems.v[i], &steps[i]))
			return CALL_FAILED;
		ddb_plain_name(c, &steps[i].table);
	}
	for (uint32_t i = 0; i < n; i++)
		if (open_step(c, &all, &steps[i], action_of(&steps[i])))
			return CALL_FAILED;
	int done = ddb_tx_token_check(c, in->ClientRequestToken, in);
	if (done < 0)
		return CALL_FAILED;
	if (done)
		ddb_tx_count_repeat(c, &all, steps, n);
	else if (ddb_tx_write_all(c, &all, steps, n))
		return CALL_FAILED;
	ddb_tx_consumed_all(c, in->ReturnConsumedCapacity, &all, &out->ConsumedCapacity);
	collections(
		c, &all, steps, n, in->ReturnItemCollectionMetrics, &out->ItemCollectionMetrics);
	return CALL_OK;
}

/* ---- TransactGetItems */

static int
read_get(struct call *c, const struct dynamodb_get *in, struct ddb_tx_step *s)
{
	s->table = in->TableName;
	ddb_plain_name(c, &s->table);
	if (ddb_map_read(c, in->Key, &s->w.item))
		return CALL_FAILED;
	if (!in->ProjectionExpression.p && in->ExpressionAttributeNames.set)
		return ddb_fail(
			c, "ExpressionAttributeNames can only be specified when using expressions");
	return ddb_read_projection(
		c, in->ProjectionExpression, &in->ExpressionAttributeNames, &s->paths);
}

static int
check_gets(struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n)
{
	bool bad = false;
	for (uint32_t i = 0; i < n; i++)
		if (ddb_key_check(c, &all->v[steps[i].at].t, &steps[i].w.item) ||
			ddb_paths_check(c, &all->v[steps[i].at].t, &steps[i].paths))
			ddb_tx_note_reason(c, &steps[i]), bad = true;
	if (ddb_tx_check_distinct(c, all, steps, n))
		return CALL_FAILED;
	return bad ? ddb_tx_cancelled(c, steps, n) : CALL_OK;
}

int
dynamodb_transact_get_items(struct call *c, const struct dynamodb_transact_get_items_in *in,
	struct dynamodb_transact_get_items_out *out)
{
	uint32_t n = in->TransactItems.n;
	struct ddb_tx_tables all = { arena_alloc(c->arena, sizeof(*all.v) * n), 0 };
	struct ddb_tx_step *steps = arena_array(c->arena, struct ddb_tx_step, n);
	for (uint32_t i = 0; i < n; i++)
		if (read_get(c, in->TransactItems.v[i].Get, &steps[i]))
			return CALL_FAILED;
	for (uint32_t i = 0; i < n; i++)
		if (open_step(c, &all, &steps[i], "dynamodb:GetItem"))
			return CALL_FAILED;
	if (check_gets(c, &all, steps, n))
		return CALL_FAILED;
	out->Responses.v = arena_array(c->arena, struct dynamodb_item_response, n);
	out->Responses.n = n;
	out->Responses.set = true;
	for (uint32_t i = 0; i < n; i++) {
		struct ddb_val item;
		struct ddb_table *t = &all.v[steps[i].at].t;
		bool found = ddb_item_load(c, t, &steps[i].w.item, &item);
		struct ddb_spent one = { .table = ddb_read_units(
						 found ? ddb_size(&item) : 1, true) };
		ddb_tx_double_units(&all.v[steps[i].at].spent, &one);
		all.v[steps[i].at].spent.reads = true;
		if (!found)
			continue;
		struct ddb_val part =
			steps[i].paths.n ? ddb_project_paths(c, &steps[i].paths, &item) : item;
		out->Responses.v[i].Item = ddb_json(c, &part);
	}
	for (uint32_t i = 0; i < all.n; i++)
		if (ddb_charge(c, &all.v[i].t, &all.v[i].spent, false))
			return CALL_FAILED;
	ddb_tx_consumed_all(c, in->ReturnConsumedCapacity, &all, &out->ConsumedCapacity);
	return CALL_OK;
}
