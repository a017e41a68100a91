/* GetItem, PutItem, DeleteItem, UpdateItem. */
#include "svc/dynamodb/access.h"
#include "svc/dynamodb/legacy.h"
#include "svc/dynamodb/writes.h"

struct condition_in {
	struct str expression;
	const struct map_str *names;
	const struct json *values;
	const struct dynamodb_expected_attribute_value_map *expected;
	struct str conditional_operator;
	struct str update;
};

/* ---- GetItem */

int
ddb_read_projection(
	struct call *c, struct str expression, const struct map_str *names, struct ddb_paths *ret)
{
	struct ddb_env e;
	if (ddb_env_open(&e, c, names, NULL) || ddb_parse_projection(&e, expression, ret))
		return CALL_FAILED;
	return ddb_env_done(&e);
}

int
dynamodb_get_item(
	struct call *c, const struct dynamodb_get_item_in *in, struct dynamodb_get_item_out *out)
{
	struct ddb_table t;
	struct ddb_val key, item;
	struct ddb_paths paths = { 0 };
	struct str row;
	struct ddb_spent spent = { 0 };
	const struct ddb_param exprs[] = {
		{ "ProjectionExpression", in->ProjectionExpression.p != NULL }, { NULL, false }
	};
	const struct ddb_param others[] = { { "AttributesToGet", in->AttributesToGet.set },
		{ NULL, false } };
	if (ddb_params_check(c, exprs, others, in->ExpressionAttributeNames.set, false) ||
		ddb_map_read(c, in->Key, &key) ||
		ddb_attributes_read(c, &in->AttributesToGet, &paths))
		return CALL_FAILED;
	if (in->ProjectionExpression.p || in->ExpressionAttributeNames.set)
		if (ddb_read_projection(
			    c, in->ProjectionExpression, &in->ExpressionAttributeNames, &paths))
			return CALL_FAILED;
	struct ddb_use use = { .items = &key, .items_n = 1, .select = ddb_use_select(&paths) };
	ddb_use_attributes(c, &use, &key, 1);
	ddb_use_paths(c, &use, &paths);
	if (ddb_use_table(c, in->TableName, &use, &t) || ddb_key_check(c, &t, &key) ||
		ddb_paths_check(c, &t, &paths))
		return CALL_FAILED;
	bool found = ddb_item_row(c, &t, &key, &row);
	uint32_t size = found ? ddb_row_size(row) : 0;
	spent.table = ddb_read_units(size ? size : 1, in->ConsistentRead.v);
	if (ddb_charge(c, &t, &spent, false))
		return CALL_FAILED;
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &t, &spent);
	if (!found)
		return CALL_OK;
	if (!paths.n) {
		struct buf b = { 0 };
		ddb_row_json(&b, row);
		out->Item = ddb_json_raw(c, arena_dup(c->arena, buf_str(&b)));
		buf_done(&b);
	} else if (ddb_row_read(c->arena, row, &item)) {
		struct ddb_val part = ddb_project_paths(c, &paths, &item);
		out->Item = ddb_json(c, &part);
	}
	return CALL_OK;
}

/* ---- conditions */

static int
read_condition(struct call *c, const struct condition_in *in, struct ddb_write *w)
{
	struct ddb_env e;
	struct ddb_tests tests;
	if (ddb_expected_read(c, in->expected, &tests))
		return CALL_FAILED;
	if (ddb_env_open(&e, c, in->names, in->values))
		return CALL_FAILED;
	if (in->update.p) {
		if (ddb_parse_update(&e, in->update, &w->update))
			return CALL_FAILED;
		w->has_update = true;
		w->update_paths = e.seen;
	}
	if (ddb_parse_condition(&e, "ConditionExpression", in->expression, &w->condition))
		return CALL_FAILED;
	if (in->expression.p)
		w->condition_paths = e.seen;
	if (ddb_env_done(&e))
		return CALL_FAILED;
	if (in->expected->n)
		w->condition = ddb_tests_node(c, &tests, str_is(in->conditional_operator, "OR"));
	w->expects = w->condition != NULL;
	return CALL_OK;
}

static int
check_params(
	struct call *c, const struct condition_in *in, bool with_update, bool attribute_updates)
{
	const struct ddb_param exprs[] = {
		{ with_update ? "UpdateExpression" : "ConditionExpression",
			with_update ? in->update.p != NULL : in->expression.p != NULL },
		{ with_update ? "ConditionExpression" : NULL, in->expression.p != NULL },
		{ NULL, false }
	};
	const struct ddb_param others[] = { { with_update ? "AttributeUpdates" : "Expected",
						    with_update ? attribute_updates
								: in->expected->set },
		{ with_update ? "Expected" : NULL, in->expected->set }, { NULL, false } };
	return ddb_params_check(c, exprs, others, in->names->set, in->values != NULL);
}

static int
check_return(struct call *c, struct str mode)
{
	if (mode.p && !str_is(mode, "ALL_OLD") && !str_is(mode, "NONE"))
		return ddb_fail(c, "ReturnValues can only be ALL_OLD or NONE");
	return 0;
}

static int
run(struct call *c, const struct ddb_table *t, struct ddb_write *w, struct str on_failure,
	struct ddb_spent *spent)
{
	if (ddb_write_check(c, t, w))
		return CALL_FAILED;
	if (ddb_write_test(c, t, w))
		return ddb_condition_failed(c, w, on_failure);
	if (ddb_write_do(c, t, w, spent))
		return CALL_FAILED;
	return ddb_charge(c, t, spent, true);
}

/* ---- PutItem */

int
dynamodb_put_item(
	struct call *c, const struct dynamodb_put_item_in *in, struct dynamodb_put_item_out *out)
{
	struct ddb_table t;
	struct ddb_write w = { .kind = DDB_WRITE_PUT };
	struct ddb_spent spent = { 0 };
	struct condition_in cond = { in->ConditionExpression, &in->ExpressionAttributeNames,
		in->ExpressionAttributeValues, &in->Expected, in->ConditionalOperator, STR_NULL };
	if (check_params(c, &cond, false, false) || ddb_map_read(c, in->Item, &w.item) ||
		check_return(c, in->ReturnValues))
		return CALL_FAILED;
	if (ddb_size(&w.item) > DDB_ITEM_MAX)
		return ddb_fail(c, "Item size has exceeded the maximum allowed size");
	if (read_condition(c, &cond, &w))
		return CALL_FAILED;
	struct ddb_use use = { .items = &w.item, .items_n = 1, .return_values = in->ReturnValues };
	ddb_use_write(c, &use, &w);
	if (ddb_use_table(c, in->TableName, &use, &t) ||
		run(c, &t, &w, in->ReturnValuesOnConditionCheckFailure, &spent))
		return CALL_FAILED;
	if (w.had && str_is(in->ReturnValues, "ALL_OLD"))
		out->Attributes = ddb_json(c, &w.old);
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &t, &spent);
	out->ItemCollectionMetrics =
		ddb_collection(c, &t, &w.item, in->ReturnItemCollectionMetrics);
	return CALL_OK;
}

/* ---- DeleteItem */

int
dynamodb_delete_item(struct call *c, const struct dynamodb_delete_item_in *in,
	struct dynamodb_delete_item_out *out)
{
	struct ddb_table t;
	struct ddb_write w = { .kind = DDB_WRITE_DELETE };
	struct ddb_spent spent = { 0 };
	struct condition_in cond = { in->ConditionExpression, &in->ExpressionAttributeNames,
		in->ExpressionAttributeValues, &in->Expected, in->ConditionalOperator, STR_NULL };
	if (check_params(c, &cond, false, false) || ddb_map_read(c, in->Key, &w.item) ||
		check_return(c, in->ReturnValues) || read_condition(c, &cond, &w))
		return CALL_FAILED;
	struct ddb_use use = { .items = &w.item, .items_n = 1, .return_values = in->ReturnValues };
	ddb_use_write(c, &use, &w);
	if (ddb_use_table(c, in->TableName, &use, &t) ||
		run(c, &t, &w, in->ReturnValuesOnConditionCheckFailure, &spent))
		return CALL_FAILED;
	if (w.had && str_is(in->ReturnValues, "ALL_OLD"))
		out->Attributes = ddb_json(c, &w.old);
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &t, &spent);
	out->ItemCollectionMetrics =
		ddb_collection(c, &t, &w.item, in->ReturnItemCollectionMetrics);
	return CALL_OK;
}

/* ---- UpdateItem */

static void
return_values(
	struct call *c, struct str mode, struct ddb_write *w, struct dynamodb_update_item_out *out)
{
	struct ddb_paths paths = ddb_changed_paths(c, &w->update);
	struct ddb_val part;
	if (str_is(mode, "ALL_NEW")) {
		out->Attributes = ddb_json(c, &w->now);
	} else if (str_is(mode, "ALL_OLD") && w->had) {
		out->Attributes = ddb_json(c, &w->old);
	} else if (str_is(mode, "UPDATED_NEW") || (str_is(mode, "UPDATED_OLD") && w->had)) {
		part = ddb_project_paths(
			c, &paths, str_is(mode, "UPDATED_NEW") ? &w->now : &w->old);
		if (part.n || str_is(mode, "UPDATED_NEW"))
			out->Attributes = ddb_json(c, &part);
	}
}

int
dynamodb_update_item(struct call *c, const struct dynamodb_update_item_in *in,
	struct dynamodb_update_item_out *out)
{
	struct ddb_table t;
	struct ddb_write w = { .kind = DDB_WRITE_UPDATE };
	struct ddb_spent spent = { 0 };
	struct condition_in cond = { in->ConditionExpression, &in->ExpressionAttributeNames,
		in->ExpressionAttributeValues, &in->Expected, in->ConditionalOperator,
		in->UpdateExpression };
	if (check_params(c, &cond, true, in->AttributeUpdates.set) ||
		ddb_map_read(c, in->Key, &w.item))
		return CALL_FAILED;
	if (in->AttributeUpdates.set) {
		if (ddb_updates_read(c, &in->AttributeUpdates, &w.update))
			return CALL_FAILED;
		w.has_update = true;
	}
	if (read_condition(c, &cond, &w))
		return CALL_FAILED;
	struct ddb_use use = { .items = &w.item, .items_n = 1, .return_values = in->ReturnValues };
	ddb_use_write(c, &use, &w);
	if (ddb_use_table(c, in->TableName, &use, &t) ||
		run(c, &t, &w, in->ReturnValuesOnConditionCheckFailure, &spent))
		return CALL_FAILED;
	return_values(c, in->ReturnValues, &w, out);
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &t, &spent);
	out->ItemCollectionMetrics =
		ddb_collection(c, &t, &w.item, in->ReturnItemCollectionMetrics);
	return CALL_OK;
}
