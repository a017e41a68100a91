/* BatchGetItem and BatchWriteItem. */
#include "svc/dynamodb/access.h"
#include "svc/dynamodb/legacy.h"
#include "svc/dynamodb/writes.h"

#define GET_MAX 100
#define WRITE_MAX 25
#define REPLY_MAX (16 * 1024 * 1024)

/* ---- BatchGetItem */

struct get {
	struct str table;
	const struct dynamodb_keys_and_attributes *in;
	struct ddb_val *keys;
	struct ddb_paths paths;
	struct ddb_table t;
	struct ddb_spent spent;
};

static bool
is_repeated(const struct ddb_val *keys, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (ddb_equal(&keys[i], &keys[n]))
			return true;
	return false;
}

static int
read_get(struct call *c, struct get *g, uint32_t *count)
{
	const struct dynamodb_keys_and_attributes *in = g->in;
	const struct ddb_param exprs[] = {
		{ "ProjectionExpression", in->ProjectionExpression.p != NULL }, { NULL, false }
	};
	const struct ddb_param others[] = { { "AttributesToGet", in->AttributesToGet.set },
		{ NULL, false } };
	if (ddb_params_check(c, exprs, others, in->ExpressionAttributeNames.set, false) ||
		ddb_attributes_read(c, &in->AttributesToGet, &g->paths))
		return CALL_FAILED;
	if ((in->ProjectionExpression.p || in->ExpressionAttributeNames.set) &&
		ddb_read_projection(
			c, in->ProjectionExpression, &in->ExpressionAttributeNames, &g->paths))
		return CALL_FAILED;
	g->keys = arena_array(c->arena, struct ddb_val, in->Keys.n);
	for (uint32_t i = 0; i < in->Keys.n; i++) {
		if (ddb_map_read(c, in->Keys.v[i], &g->keys[i]))
			return CALL_FAILED;
		if (is_repeated(g->keys, i))
			return ddb_fail(c, "Provided list of item keys contains duplicates");
		if (++*count > GET_MAX)
			return ddb_fail(c, "Too many items requested for the BatchGetItem call");
	}
	return 0;
}

static int
open_get(struct call *c, struct get *g)
{
	struct ddb_use use = {
		.items = g->keys, .items_n = g->in->Keys.n, .select = ddb_use_select(&g->paths)
	};
	ddb_use_attributes(c, &use, g->keys, g->in->Keys.n);
	ddb_use_paths(c, &use, &g->paths);
	if (ddb_use_table(c, g->table, &use, &g->t))
		return CALL_FAILED;
	for (uint32_t i = 0; i < g->in->Keys.n; i++)
		if (ddb_key_check(c, &g->t, &g->keys[i]))
			return CALL_FAILED;
	return ddb_paths_check(c, &g->t, &g->paths);
}

static struct json *
row_document(struct call *c, const struct ddb_paths *paths, struct str row)
{
	struct ddb_val item;
	struct buf b = { 0 };
	if (paths->n && ddb_row_read(c->arena, row, &item)) {
		struct ddb_val part = ddb_project_paths(c, paths, &item);
		return ddb_json(c, &part);
	}
	ddb_row_json(&b, row);
	struct json *j = ddb_json_raw(c, arena_dup(c->arena, buf_str(&b)));
	buf_done(&b);
	return j;
}

static void
leave_key(struct call *c, struct get *g, uint32_t i, struct dynamodb_keys_and_attributes_map *left)
{
	struct dynamodb_keys_and_attributes_map_entry *e = left->n ? &left->v[left->n - 1] : NULL;
	if (!e || !str_eq(e->key, g->table)) {
		e = &left->v[left->n++];
		e->key = g->table;
		e->value = *g->in;
		e->value.Keys.v = arena_array(c->arena, struct json *, g->in->Keys.n);
		e->value.Keys.n = 0;
	}
	e->value.Keys.v[e->value.Keys.n++] = g->in->Keys.v[i];
}

static void
run_get(struct call *c, struct get *g, struct list_document *to,
	struct dynamodb_keys_and_attributes_map *left, uint64_t *bytes)
{
	to->v = arena_array(c->arena, struct json *, g->in->Keys.n);
	to->set = true;
	for (uint32_t i = 0; i < g->in->Keys.n; i++) {
		struct str row;
		bool found = ddb_item_row(c, &g->t, &g->keys[i], &row);
		uint32_t size = found ? ddb_row_size(row) : 0;
		if ((*bytes && *bytes + size > REPLY_MAX) || !ddb_has_capacity(c, &g->t, false)) {
			leave_key(c, g, i, left);
			continue;
		}
		struct ddb_spent one = { .table = ddb_read_units(
						 size ? size : 1, g->in->ConsistentRead.v) };
		ddb_charge(c, &g->t, &one, false);
		g->spent.table += one.table;
		*bytes += size;
		if (found)
			to->v[to->n++] = row_document(c, &g->paths, row);
	}
}

int
dynamodb_batch_get_item(struct call *c, const struct dynamodb_batch_get_item_in *in,
	struct dynamodb_batch_get_item_out *out)
{
	uint32_t n = in->RequestItems.n, count = 0, left = 0;
	uint64_t bytes = 0;
	struct get *gets = arena_array(c->arena, struct get, n);
	for (uint32_t i = 0; i < n; i++) {
		gets[i].table = in->RequestItems.v[i].key;
		gets[i].in = &in->RequestItems.v[i].value;
		if (read_get(c, &gets[i], &count))
			return CALL_FAILED;
	}
	for (uint32_t i = 0; i < n; i++)
		if (open_get(c, &gets[i]))
			return CALL_FAILED;
	out->Responses.v = arena_array(c->arena, struct dynamodb_list_document_map_entry, n);
	out->Responses.set = out->UnprocessedKeys.set = true;
	out->UnprocessedKeys.v =
		arena_array(c->arena, struct dynamodb_keys_and_attributes_map_entry, n);
	out->ConsumedCapacity.v = arena_array(c->arena, struct dynamodb_consumed_capacity, n);
	for (uint32_t i = 0; i < n; i++) {
		struct dynamodb_list_document_map_entry *e = &out->Responses.v[out->Responses.n++];
		e->key = gets[i].table;
		run_get(c, &gets[i], &e->value, &out->UnprocessedKeys, &bytes);
		struct dynamodb_consumed_capacity *k =
			ddb_consumed(c, in->ReturnConsumedCapacity, &gets[i].t, &gets[i].spent);
		if (k)
			out->ConsumedCapacity.v[out->ConsumedCapacity.n++] = *k;
	}
	out->ConsumedCapacity.set = out->ConsumedCapacity.n > 0;
	for (uint32_t i = 0; i < out->UnprocessedKeys.n; i++)
		left += out->UnprocessedKeys.v[i].value.Keys.n;
	if (left == count && count)
		return ddb_capacity_exceeded(c, &gets[0].t, false);
	return CALL_OK;
}

/* ---- BatchWriteItem */

struct put {
	struct str table;
	const struct dynamodb_write_request_list *in;
	struct ddb_write *writes;
	struct ddb_table t;
	struct ddb_spent spent;
};

static int
read_write(struct call *c, const struct dynamodb_write_request *in, struct ddb_write *w)
{
	if (in->PutRequest && !in->DeleteRequest) {
		w->kind = DDB_WRITE_PUT;
		if (ddb_map_read(c, in->PutRequest->Item, &w->item))
			return CALL_FAILED;
		if (ddb_size(&w->item) > DDB_ITEM_MAX)
			return ddb_fail(c, "Item size has exceeded the maximum allowed size");
		return 0;
	}
	w->kind = DDB_WRITE_DELETE;
	return ddb_map_read(c, in->DeleteRequest->Key, &w->item);
}

static int
read_put(struct call *c, struct put *p, uint32_t *count)
{
	for (uint32_t i = 0; i < p->in->n; i++)
		if (!p->in->v[i].PutRequest == !p->in->v[i].DeleteRequest)
			return ddb_fail(c, "Supplied AttributeValue has more than one datatypes "
					   "set, must contain exactly one of "
					   "the supported datatypes");
	p->writes = arena_array(c->arena, struct ddb_write, p->in->n);
	for (uint32_t i = 0; i < p->in->n; i++) {
		if (read_write(c, &p->in->v[i], &p->writes[i]))
			return CALL_FAILED;
		if (++*count > WRITE_MAX)
			return ddb_fail(c, "Too many items requested for the BatchWriteItem call");
	}
	return 0;
}

static int
check_write(struct call *c, struct put *p, uint32_t i)
{
	if (!ddb_write_check(c, &p->t, &p->writes[i]))
		return 0;
	if (str_find_str(c->error_message, STR("Missing the key")) >= 0 ||
		str_find_str(c->error_message, STR("Type mismatch for key")) >= 0)
		return ddb_fail(c, "The provided key element does not match the schema");
	return CALL_FAILED;
}

static int
open_put(struct call *c, struct put *p)
{
	struct ddb_val *items = arena_array(c->arena, struct ddb_val, p->in->n);
	struct ddb_val *keys = arena_array(c->arena, struct ddb_val, p->in->n);
	for (uint32_t i = 0; i < p->in->n; i++)
		items[i] = p->writes[i].item;
	struct ddb_use use = { .items = items, .items_n = p->in->n };
	ddb_use_attributes(c, &use, items, p->in->n);
	if (ddb_use_table(c, p->table, &use, &p->t))
		return CALL_FAILED;
	for (uint32_t i = 0; i < p->in->n; i++) {
		if (check_write(c, p, i))
			return CALL_FAILED;
		keys[i] = ddb_key_of(c, &p->t, NULL, &items[i]);
		if (is_repeated(keys, i))
			return ddb_fail(c, "Provided list of item keys contains duplicates");
	}
	return 0;
}

static void
leave_write(struct call *c, struct put *p, uint32_t i, struct dynamodb_write_request_list_map *left)
{
	struct dynamodb_write_request_list_map_entry *e = left->n ? &left->v[left->n - 1] : NULL;
	if (!e || !str_eq(e->key, p->table)) {
		e = &left->v[left->n++];
		e->key = p->table;
		e->value.v = arena_array(c->arena, struct dynamodb_write_request, p->in->n);
		e->value.set = true;
	}
	e->value.v[e->value.n++] = p->in->v[i];
}

static int
run_put(struct call *c, struct put *p, struct dynamodb_write_request_list_map *left, uint32_t *done)
{
	for (uint32_t i = 0; i < p->in->n; i++) {
		struct ddb_spent one = { 0 };
		if (!ddb_has_capacity(c, &p->t, true)) {
			leave_write(c, p, i, left);
			continue;
		}
		if (ddb_write_test(c, &p->t, &p->writes[i]) ||
			ddb_write_do(c, &p->t, &p->writes[i], &one))
			return CALL_FAILED;
		ddb_charge(c, &p->t, &one, true);
		p->spent.table += one.table;
		for (unsigned k = 0; k < 32; k++)
			p->spent.indexes[k] += one.indexes[k];
		++*done;
	}
	return 0;
}

static void
add_collections(struct call *c, struct put *p, struct str mode,
	struct dynamodb_item_collection_metrics_list_map *m)
{
	struct dynamodb_item_collection_metrics_list_map_entry *e = &m->v[m->n];
	e->key = p->table;
	e->value.v = arena_array(c->arena, struct dynamodb_item_collection_metrics, p->in->n);
	for (uint32_t i = 0; i < p->in->n; i++) {
		struct dynamodb_item_collection_metrics *one =
			ddb_collection(c, &p->t, &p->writes[i].item, mode);
		if (one)
			e->value.v[e->value.n++] = *one;
	}
	if (!e->value.n)
		return;
	e->value.set = m->set = true;
	m->n++;
}

int
dynamodb_batch_write_item(struct call *c, const struct dynamodb_batch_write_item_in *in,
	struct dynamodb_batch_write_item_out *out)
{
	uint32_t n = in->RequestItems.n, count = 0, done = 0;
	struct put *puts = arena_array(c->arena, struct put, n);
	for (uint32_t i = 0; i < n; i++) {
		puts[i].table = in->RequestItems.v[i].key;
		puts[i].in = &in->RequestItems.v[i].value;
		if (read_put(c, &puts[i], &count))
			return CALL_FAILED;
	}
	for (uint32_t i = 0; i < n; i++)
		if (open_put(c, &puts[i]))
			return CALL_FAILED;
	out->UnprocessedItems.v =
		arena_array(c->arena, struct dynamodb_write_request_list_map_entry, n);
	out->UnprocessedItems.set = true;
	out->ConsumedCapacity.v = arena_array(c->arena, struct dynamodb_consumed_capacity, n);
	out->ItemCollectionMetrics.v =
		arena_array(c->arena, struct dynamodb_item_collection_metrics_list_map_entry, n);
	for (uint32_t i = 0; i < n; i++) {
		if (run_put(c, &puts[i], &out->UnprocessedItems, &done))
			return CALL_FAILED;
		struct dynamodb_consumed_capacity *k =
			ddb_consumed(c, in->ReturnConsumedCapacity, &puts[i].t, &puts[i].spent);
		if (k)
			out->ConsumedCapacity.v[out->ConsumedCapacity.n++] = *k;
		add_collections(
			c, &puts[i], in->ReturnItemCollectionMetrics, &out->ItemCollectionMetrics);
	}
	out->ConsumedCapacity.set = out->ConsumedCapacity.n > 0;
	if (!done && count)
		return ddb_capacity_exceeded(c, &puts[0].t, false);
	return CALL_OK;
}
