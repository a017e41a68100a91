/* Item collections: what items of one partition key, and their entries in local indexes, hold. */
#include "svc/dynamodb/writes.h"

#define GB (INT64_C(1) << 30)

static bool
has_local(const struct ddb_table *t)
{
	for (uint32_t i = 0; i < t->indexes_n; i++)
		if (!t->indexes[i].global)
			return true;
	return false;
}

void
ddb_collection_key(struct key *k, uint64_t table, const struct ddb_val *hash)
{
	key_begin(k);
	key_add_raw(k, STR("Z"));
	key_add_u64(k, table << 16);
	ddb_key_hash(k, hash);
}

static int64_t
bytes_of(struct call *c, const struct key *k)
{
	struct str v;
	int64_t bytes = 0;
	if (tx_get(c->tx, ddb_rows(c), key_str(k), &v) && v.len == sizeof(bytes))
		memcpy(&bytes, v.p, sizeof(bytes));
	return bytes;
}

void
ddb_collection_add(
	struct call *c, const struct ddb_table *t, const struct ddb_val *item, int64_t bytes)
{
	struct key k;
	if (!bytes || !has_local(t))
		return;
	ddb_collection_key(&k, t->id, ddb_get(item, t->key.hash));
	bytes += bytes_of(c, &k);
	if (bytes > 0)
		tx_put(c->tx, ddb_rows(c), key_str(&k), str_of(&bytes, sizeof(bytes)));
	else
		tx_delete(c->tx, ddb_rows(c), key_str(&k));
}

int
ddb_collection_check(struct call *c, const struct ddb_table *t, const struct ddb_write *w)
{
	struct key k;
	uint64_t all = ddb_size(&w->now);
	if (!has_local(t))
		return CALL_OK;
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		struct ddb_val part;
		if (!t->indexes[i].global && ddb_project(c, t, &t->indexes[i], &w->now, &part))
			all += ddb_size(&part);
	}
	/* An item's limit is one for its entries in local indexes as well. */
	if (all > DDB_ITEM_MAX)
		return ddb_fail(c, "Item size %shas exceeded the maximum allowed size",
			w->kind == DDB_WRITE_UPDATE ? "to update " : "");
	if (w->had && ddb_size(&w->old) >= ddb_size(&w->now))
		return CALL_OK;
	ddb_collection_key(&k, t->id, ddb_get(&w->now, t->key.hash));
	if (bytes_of(c, &k) + (int64_t)all <= DDB_COLLECTION_MAX)
		return CALL_OK;
	return call_fail(
		c, &DYNAMODB_ItemCollectionSizeLimitExceededException, "Collection size exceeded.");
}

struct dynamodb_item_collection_metrics *
ddb_collection(
	struct call *c, const struct ddb_table *t, const struct ddb_val *key, struct str mode)
{
	struct key k;
	if (!str_is(mode, "SIZE") || !has_local(t))
		return NULL;
	struct dynamodb_item_collection_metrics *m =
		arena_new(c->arena, struct dynamodb_item_collection_metrics);
	struct ddb_attr attr = { t->key.hash, *ddb_get(key, t->key.hash) };
	struct ddb_val hash = { .type = DDB_M, .n = 1, .attrs = &attr };
	ddb_collection_key(&k, t->id, &attr.v);
	int64_t whole = bytes_of(c, &k) / GB;
	m->ItemCollectionKey = ddb_json(c, &hash);
	m->SizeEstimateRangeGB.v = arena_array(c->arena, double, 2);
	m->SizeEstimateRangeGB.v[0] = (double)whole;
	m->SizeEstimateRangeGB.v[1] = (double)(whole + 1);
	m->SizeEstimateRangeGB.n = 2;
	m->SizeEstimateRangeGB.set = true;
	return m;
}
